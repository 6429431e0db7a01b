use semver::{Version, VersionReq};

use super::{Advisory, matches};

fn within(requirement: &str, version: &str) -> bool {
    let requirement = VersionReq::parse(requirement).expect("a requirement");
    matches(&requirement, &Version::parse(version).expect("a version"))
}

fn advisory(members: &str, versions: &str) -> Advisory {
    let text = format!(
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0258\"\npackage = \"h2\"\n{members}\n[versions]\n{versions}\n```\n\n# A title\n\nText.\n"
    );
    Advisory::parse(&text).expect("an advisory")
}

fn affects(advisory: &Advisory, version: &str) -> bool {
    advisory.affects("h2", &Version::parse(version).expect("a version"))
}

#[test]
fn comparisons_and_lists() {
    assert!(within(">= 0.4.16", "0.4.16") && !within(">= 0.4.16", "0.4.15"));
    assert!(within("> 1.2.3", "1.2.4") && !within("> 1.2.3", "1.2.3"));
    assert!(within("<= 1.2.3", "1.2.3") && !within("<= 1.2.3", "1.2.4"));
    assert!(within(">= 0.3.2, < 0.4.0", "0.3.9") && !within(">= 0.3.2, < 0.4.0", "0.4.0"));
    assert!(within("< 0.4.0, >= 0.3.2", "0.3.2") && !within("< 0.4.0, >= 0.3.2", "0.3.1"));
    assert!(within("=1.2.3", "1.2.3") && !within("=1.2.3", "1.2.4") && !within("=1.2.3", "1.2.2"));
}

#[test]
fn caret_follows_the_first_number_that_is_not_zero() {
    assert!(within("^1.2.3", "1.9.0") && !within("^1.2.3", "2.0.0") && !within("^1.2.3", "1.2.2"));
    assert!(within("^0.3.24", "0.3.27") && !within("^0.3.24", "0.4.0"));
    assert!(within("^0.0.3", "0.0.3") && !within("^0.0.3", "0.0.4"));
    assert!(within("0.3.24", "0.3.27"), "a bare version is a caret");
    assert!(within("^0", "0.9.1") && within("^0.0", "0.0.7") && !within("^0.0", "0.1.0"));
}

#[test]
fn tilde_keeps_the_minor_number() {
    assert!(within("~1.2.3", "1.2.9") && !within("~1.2.3", "1.3.0"));
    assert!(within("~1", "1.9.0") && !within("~1", "2.0.0"));
}

#[test]
fn partial_versions() {
    assert!(within("> 1.2", "1.3.0") && !within("> 1.2", "1.2.9"));
    assert!(within("<= 1.2", "1.2.9") && !within("<= 1.2", "1.3.0"));
    assert!(within("=1.2", "1.2.7") && !within("=1.2", "1.3.0"));
    assert!(within("1.*", "1.7.0") && !within("1.*", "2.0.0"));
}

#[test]
fn pre_releases_take_their_place_in_the_order() {
    assert!(within(">= 1.0.0-alpha.1", "1.0.0-alpha.124") && !within(">= 1.0.0-alpha.2", "1.0.0-alpha.1"));
    assert!(within(">= 0.9.0", "1.0.0-rc.1"), "a later release candidate carries the fix");
    assert!(!within(">= 1.0.0", "1.0.0-rc.1"), "a candidate comes before its release");
    assert!(within("< 1.0.0", "1.0.0-rc.1") && !within("< 1.0.0-rc.1", "1.0.0-rc.1"));
    assert!(!within("^1.2.3", "2.0.0-rc.1"), "a caret ends before the candidates of the next major version");
    assert!(within("=1.2.3", "1.2.3+build.5"), "build metadata has no precedence");
}

#[test]
fn a_version_is_affected_unless_patched_or_unaffected() {
    let found = advisory("", "patched = [\"^0.3.24\", \">= 0.4.2\"]\nunaffected = [\"< 0.2\"]");
    assert!(affects(&found, "0.3.23") && affects(&found, "0.4.1") && affects(&found, "0.2.0"));
    assert!(!affects(&found, "0.3.27") && !affects(&found, "0.4.2") && !affects(&found, "0.1.9"));
    assert!(!found.affects("hyper", &Version::new(0, 3, 23)), "another package");
    assert_eq!(found.title, "A title (vulnerability)");
}

#[test]
fn without_a_patch_every_version_is_affected() {
    let found = advisory("informational = \"unmaintained\"", "patched = []");
    assert!(affects(&found, "99.0.0"));
    assert_eq!(found.title, "A title (unmaintained)");
}

#[test]
fn a_withdrawn_advisory_affects_nobody() {
    assert!(!affects(&advisory("withdrawn = \"2025-04-28\"", "patched = []"), "0.1.0"));
}

#[test]
fn a_malformed_advisory_is_an_error() {
    assert!(Advisory::parse("# no front matter").is_err());
    let text = "```toml\n[advisory]\nid = \"X\"\npackage = \"p\"\n[versions]\npatched = [\"newer\"]\n```\n";
    let message = format!("{:#}", Advisory::parse(text).map(|_| ()).expect_err("no requirement"));
    assert!(message.contains("`newer` is no requirement"), "{message}");
}
