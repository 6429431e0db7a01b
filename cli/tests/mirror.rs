//! `sillok mirror` on a real log: the copy is audited as the log itself, lists and trust bundle included.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/checkpoint.rs"]
mod checkpoint;
#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
mod program;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::Path;

use folder::files;
use program::{run, succeed};
use sillok_log::merkle::empty_root;
use tempfile::TempDir;

fn log() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "d"]);
    let key = succeed(folder.path(), &["keys", "show", "--data", "d", "--log-vkey"]).trim().to_owned();
    world::fill(&folder.path().join("d"));
    (folder, key)
}

const LIST: &str = "status/04040404040404040404040404040404";

#[test]
fn landmarks_that_the_copy_has_no_entries_for_or_that_contradict_those_of_before_are_not_copied() {
    let (folder, key) = log();
    let mirror = || run(folder.path(), &[], &["mirror", "d", "--vkey", &key, "--out", "m", "--once"]);
    let good = "1 1\n512\n0\n";
    for (list, code) in [(good, 0), ("1 1\n256\n0\n", 2), ("1 1\n5000\n0\n", 2), ("512\n", 2)] {
        fs::write(folder.path().join("d/public/landmarks"), list).unwrap();
        let looked = mirror();
        let said = looked.out.contains("not mirrored: landmarks");
        assert!(looked.code == Some(code) && said == (code != 0), "{list}: {looked:?}");
        assert_eq!(fs::read_to_string(folder.path().join("m/landmarks")).unwrap(), good);
    }
}

#[test]
fn a_mirror_holds_the_log_its_lists_and_the_trust_bundle_and_is_audited_as_the_log() {
    let (folder, key) = log();
    let mirror = |folder: &Path| run(folder, &[], &["mirror", "d", "--vkey", &key, "--out", "m", "--once"]);
    let copied = mirror(folder.path());
    assert_eq!(copied.code, Some(0), "{copied:?}");
    assert!(!copied.err.contains("panicked"), "{copied:?}");
    assert!(copied.out.contains("mirrored 604 entries"), "{copied:?}");
    let (log, copy) = (files(&folder.path().join("d/public")), files(&folder.path().join("m")));
    for name in ["snapshot", "revocation", "suspension", "token"].map(|name| format!("{LIST}/{name}")) {
        assert!(copy[&name] == log[&name], "{name}");
    }
    // What the log keeps of smaller sizes is not copied; everything else is.
    assert!(copy.iter().all(|(name, bytes)| log.get(name) == Some(bytes)));
    assert!(copy.contains_key("checkpoint") && copy.contains_key("trust-bundle"));
    let audited = run(folder.path(), &[], &["audit", "m", "--vkey", &key, "--json"]);
    assert_eq!(audited.code, Some(0), "{audited:?}");
    assert!(audited.out.contains("\"renderings_compared\":3"), "{audited:?}");
    // Again: nothing to do, and nothing to say.
    let again = mirror(folder.path());
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""), "{again:?}");

    // A list that does not prove itself is not copied, and what was there stays.
    let snapshot = folder.path().join("d/public").join(LIST).join("snapshot");
    let text = fs::read_to_string(&snapshot).unwrap();
    fs::write(&snapshot, text.replace("\"sequence\":1", "\"sequence\":2")).unwrap();
    let refused = mirror(folder.path());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.out.contains(LIST), "{refused:?}");
    assert!(files(&folder.path().join("m")) == copy);
}

#[test]
fn a_log_that_goes_back_ends_the_mirror_with_evidence() {
    let (folder, key) = log();
    let arguments = ["mirror", "d", "--vkey", &key, "--out", "m"];
    succeed(folder.path(), &[&arguments[..], &["--once"]].concat());
    // An older checkpoint of the same log, as a restored backup has it.
    let note = checkpoint::signed(&folder.path().join("d"), 0, empty_root());
    fs::write(folder.path().join("d/public/checkpoint"), note).unwrap();
    // It follows no longer than until then.
    let alarm = run(folder.path(), &[], &arguments);
    assert_eq!(alarm.code, Some(1), "{alarm:?}");
    assert!(alarm.out.contains("log.shrank"), "{alarm:?}");
    let evidence = files(&folder.path().join("m.d"));
    assert_eq!(evidence.len(), 1);
    assert!(evidence.keys().all(|name| name.starts_with("evidence-") && name.ends_with(".json")));
    assert_eq!(run(folder.path(), &[], &["audit", "m", "--vkey", &key]).code, Some(0));
}

#[test]
fn what_cannot_be_understood_is_a_usage_error() {
    let (folder, key) = log();
    for arguments in [
        ["mirror", "d", "--vkey", "nonsense", "--out", "m"],
        ["mirror", "nowhere", "--vkey", &key, "--out", "m"],
        ["mirror", "d", "--vkey", &key, "--policy", "nothing"],
    ] {
        let refused = run(folder.path(), &[], &arguments);
        assert_eq!(refused.code, Some(64), "{refused:?}");
    }
}
