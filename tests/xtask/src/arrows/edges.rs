//! Which crate of ours may depend on which.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::{Workspace, expect_none, say};

/// Compares the dependencies among our own crates with the picture.
///
/// # Errors
/// Fails with every edge that the picture does not have, and every crate that it does not know.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let edges = edges(&workspace.metadata)?;
    expect_none("arrows that the picture of specs/design.md does not have", &forbidden(&edges))?;
    let count: usize = edges.values().map(Vec::len).sum();
    say("arrows", format_args!("{} crates, {count} edges among them, none forbidden", edges.len()));
    Ok(())
}

struct Edge {
    to: String,
    /// `dev` edges are exempt unless they lead to the tests.
    dev: bool,
}

/// Every member of the workspace with the members that it depends on, declared for any platform.
fn edges(metadata: &Value) -> Result<BTreeMap<String, Vec<Edge>>> {
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("metadata has no `packages`")?;
    // Only path dependencies and members have no source.
    let members = packages.iter().filter(|package| package.get("source").is_none_or(Value::is_null));
    let mut edges = BTreeMap::new();
    for package in members {
        let name = text(package, "name")?;
        let dependencies = package.get("dependencies").and_then(Value::as_array);
        let ours =
            dependencies.into_iter().flatten().filter(|one| one.get("source").is_none_or(Value::is_null));
        let edge = |one: &Value| {
            let dev = one.get("kind").and_then(Value::as_str) == Some("dev");
            anyhow::Ok(Edge { to: text(one, "name")?, dev })
        };
        let ours: Result<Vec<Edge>> = ours.map(edge).collect();
        edges.insert(name, ours?);
    }
    Ok(edges)
}

fn forbidden(edges: &BTreeMap<String, Vec<Edge>>) -> Vec<String> {
    let mut findings = Vec::new();
    for (from, targets) in edges {
        let exempt = EXEMPT.contains(&from.as_str());
        let allowed = PICTURE.iter().find(|(name, _)| name == from).map(|(_, allowed)| *allowed);
        if !exempt && allowed.is_none() {
            findings.push(format!("{from} is not in the picture"));
        }
        for Edge { to, dev } in targets {
            let to_exempt = EXEMPT.contains(&to.as_str());
            let drawn = allowed.is_some_and(|allowed| allowed.contains(&to.as_str()));
            if to_exempt && !exempt {
                findings.push(format!("{from} -> {to}: nothing may depend on the tests"));
            } else if !exempt && !dev && !drawn {
                findings.push(format!("{from} -> {to}"));
            }
        }
    }
    findings
}

fn text(value: &Value, member: &str) -> Result<String> {
    let text = value.get(member).and_then(Value::as_str);
    text.map(String::from).with_context(|| format!("metadata: an object lacks `{member}`"))
}

/// Each crate and all crates of ours that it may use; writers depend on readers, never the reverse.
const PICTURE: [(&str, &[&str]); 10] = [
    ("sillok-certlogic", &[]),
    ("sillok-log", &[]),
    ("sillok-client", &["sillok-log"]),
    ("sillok-registry", &["sillok-log"]),
    ("sillok-verifier", &["sillok-certlogic", "sillok-log"]),
    ("sillok-provider-aws-lc", &["sillok-verifier"]),
    ("sillok-verifier-wasm", &["sillok-log", "sillok-verifier"]),
    ("sillok-qr", &["sillok-verifier"]),
    ("sillok-issuer", &["sillok-client", "sillok-log", "sillok-registry", "sillok-verifier"]),
    (
        "sillok",
        &[
            "sillok-client",
            "sillok-issuer",
            "sillok-log",
            "sillok-provider-aws-lc",
            "sillok-registry",
            "sillok-verifier",
        ],
    ),
];

/// They use all, and nobody but one another uses them.
const EXEMPT: [&str; 4] = ["sillok-load", "sillok-peers", "sillok-tests", "xtask"];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{edges, forbidden};

    fn findings(packages: Value) -> Vec<String> {
        forbidden(&edges(&json!({ "packages": packages })).expect("well-formed metadata"))
    }

    fn package(name: &str, dependencies: Value) -> Value {
        json!({ "name": name, "source": null, "dependencies": dependencies })
    }

    #[test]
    fn an_edge_against_the_arrow_is_named() {
        let edge = json!([{ "name": "sillok-issuer", "source": null, "kind": null }]);
        let packages = json!([package("sillok-log", edge), package("sillok-issuer", json!([]))]);
        assert_eq!(findings(packages), ["sillok-log -> sillok-issuer"]);
    }

    #[test]
    fn a_build_dependency_is_an_edge_and_a_dev_dependency_is_not() {
        let edge = |kind: &str| json!([{ "name": "sillok-registry", "source": null, "kind": kind }]);
        let dev = json!([package("sillok-client", edge("dev"))]);
        assert!(findings(dev).is_empty());
        assert_eq!(
            findings(json!([package("sillok-client", edge("build"))])),
            ["sillok-client -> sillok-registry"]
        );
    }

    #[test]
    fn nothing_may_depend_on_the_tests_not_even_for_development() {
        let edge = json!([{ "name": "sillok-tests", "source": null, "kind": "dev" }]);
        let found = findings(json!([package("sillok", edge)]));
        assert_eq!(found, ["sillok -> sillok-tests: nothing may depend on the tests"]);
    }

    #[test]
    fn tests_use_all_and_foreign_crates_are_free() {
        let uses = json!([
            { "name": "sillok-issuer", "source": null, "kind": null },
            { "name": "sillok-log", "source": null, "kind": null },
        ]);
        let foreign = json!([{ "name": "sha2", "source": "registry", "kind": null }]);
        assert!(findings(json!([package("sillok-tests", uses), package("sillok-log", foreign)])).is_empty());
    }

    #[test]
    fn an_unknown_crate_is_named() {
        assert_eq!(
            findings(json!([package("sillok-common", json!([]))])),
            ["sillok-common is not in the picture"]
        );
    }
}
