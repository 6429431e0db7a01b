//! `sillok evidence check`: what a third party makes of a file.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::Path;

use program::run;
use serde_json::{Value, json};
use sillok_log::TreeSize;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::{SignatureKind, SignerKey};

fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).unwrap()
}

fn signed(key: &SignerKey, size: u64, root: &[u8]) -> String {
    Checkpoint { origin: key.name().into(), size: TreeSize(size), root: leaf_hash(root) }.sign(key).unwrap()
}

fn evidence(key: &SignerKey, claim: &str, older: &str, newer: &str) -> Value {
    json!({
        "type": "sillok-evidence/v1",
        "claim": claim,
        "log": key.verifier().to_string(),
        "older": older,
        "newer": newer,
    })
}

fn check(folder: &Path, evidence: &Value, more: &[&str]) -> (Option<i32>, String) {
    fs::write(folder.join("evidence.json"), evidence.to_string()).unwrap();
    let ended = run(folder, &[], &[&["evidence", "check"], more, &["evidence.json"]].concat());
    (ended.code, ended.out)
}

#[test]
fn only_what_a_log_has_signed_against_itself_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (log, other) = (signer("log.example/a", 1), signer("log.example/b", 2));
    let (vkey, other_vkey) = (log.verifier().to_string(), other.verifier().to_string());
    let (one, two, smaller) = (signed(&log, 7, b"one"), signed(&log, 7, b"two"), signed(&log, 5, b"five"));

    let fork = evidence(&log, "fork", &one, &two);
    let (code, out) = check(folder, &fork, &["--vkey", &vkey]);
    assert!(code == Some(0) && out.contains("two histories") && out.contains("your key"), "{out}");
    let (code, out) = check(folder, &fork, &[]);
    assert!(code == Some(0) && out.contains("compare it"), "{out}");
    let (code, out) = check(folder, &fork, &["--json"]);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &shown["shown"], &shown["claim"]), (Some(0), &json!(true), &json!("fork")));
    assert_eq!((&shown["older"]["size"], &shown["log"]), (&json!(7), &json!(vkey)));
    let (code, out) = check(folder, &evidence(&log, "rollback", &one, &smaller), &["--vkey", &vkey]);
    assert!(code == Some(0) && out.contains("the word of whoever saw it"), "{out}");

    let refused = [
        // About another log than the one asked about, and one that another key has signed.
        (fork, other_vkey.as_str(), "another log"),
        (evidence(&log, "fork", &one, &signed(&other, 7, b"two")), &vkey, "not the log's"),
        // Nothing wrong with it.
        (evidence(&log, "fork", &one, &one), &vkey, "do not contradict"),
        (evidence(&log, "fork", &smaller, &one), &vkey, "do not contradict"),
        (evidence(&log, "rollback", &smaller, &one), &vkey, "do not contradict"),
        // A byte of a signed text was changed; it is no evidence at all.
        (evidence(&log, "fork", &one, &two.replace("\n7\n", "\n8\n")), &vkey, "not the log's"),
        (json!({ "type": "sillok-evidence/v2" }), &vkey, "malformed"),
        (json!("evidence"), &vkey, "malformed"),
    ];
    for (evidence, vkey, why) in refused {
        let (code, out) = check(folder, &evidence, &["--vkey", vkey]);
        assert!(code == Some(1) && out.contains("shows nothing") && out.contains(why), "{why}: {out}");
    }
    let missing = run(folder, &[], &["evidence", "check", "nowhere.json"]);
    assert!(missing.code == Some(2) && missing.err.contains("nowhere.json"), "{missing:?}");
    assert!(program::succeed(folder, &["evidence", "check", "--help"]).contains("Exit codes"));
    assert_eq!(run(folder, &[], &["evidence", "check", "--vkey", "x", "evidence.json"]).code, Some(64));
}
