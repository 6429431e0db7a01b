//! `sillok reissue`: everything that is due, once, also when it is killed in between.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use program::{command, run, succeed};
use serde_json::{Value, json};
use server::Server;
use sillok_verifier::encoding::decode_base64url;

const PEOPLE: usize = 40;

fn serve(folder: &Path) -> Server {
    Server::start(folder, "serve", &[], &["serve", "--data", "data", "--listen", "127.0.0.1:0"])
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // The last line may be on its way.
    text.split_inclusive('\n')
        .filter_map(|line| serde_json::from_str(line.strip_suffix('\n')?).ok())
        .collect()
}

fn kid(credential: &str) -> String {
    let header = decode_base64url(credential.split('.').next().unwrap().as_bytes()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn subject(row: &Value) -> Value {
    let payload = decode_base64url(row["credential"].as_str().unwrap().split('.').nth(1).unwrap().as_bytes());
    let payload: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
    payload["credentialSubject"].clone()
}

/// Whether the verdict has this exit code.
fn verified(folder: &Path, name: &str, row: &Value, code: i32) {
    fs::write(folder.join(format!("{name}.jwt")), row["credential"].as_str().unwrap()).unwrap();
    fs::write(folder.join(format!("{name}.tlog-proof")), row["receipt"].as_str().unwrap()).unwrap();
    let (credential, receipt) = (format!("{name}.jwt"), format!("{name}.tlog-proof"));
    let verdict = run(folder, &[], &["verify", "--trust", "bundle", "--receipt", &receipt, &credential]);
    assert_eq!(verdict.code, Some(code), "{name}: {verdict:?}");
}

#[test]
fn a_key_that_was_rotated_is_left_behind_over_kills() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let server = serve(folder);
    succeed(folder, &["sample", "--people", &PEOPLE.to_string(), "--out", "people.ndjson"]);
    let at = ["--data", "data", "--issuer", server.url.as_str()];
    succeed(folder, &[&["import"], &at[..], &["--out", "issued", "people.ndjson"]].concat());
    let old = rows(&folder.join("issued/credentials.ndjson"));
    let key = kid(old[0]["credential"].as_str().unwrap());
    let reissue = |more: &[&str]| {
        let key = format!("--key={key}");
        let line = [&["reissue"], &at[..], &[key.as_str()], more].concat();
        line.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let ended = |line: &[String]| run(folder, &[], &line.iter().map(String::as_str).collect::<Vec<_>>());

    let still = ended(&reissue(&["--dry-run"]));
    assert!(still.code == Some(2) && still.err.contains("rotate it first"), "{still:?}");
    succeed(folder, &[&["keys", "rotate"], &at[..]].concat());
    let dry = ended(&reissue(&["--dry-run", "--json", "--over", "8h"]));
    assert_eq!(serde_json::from_str::<Value>(&dry.out).unwrap(), json!({ "due": PEOPLE, "seconds": 28_800 }));
    assert!(!folder.join("reissue-state").exists());

    let written = folder.join("anew/reissued.ndjson");
    let slow = reissue(&["--out", "anew", "--rate", "10", "--reason", "the key is old"]);
    let slow: Vec<&str> = slow.iter().map(String::as_str).collect();
    for kill_at in [3, 8] {
        let mut child =
            command(folder, &[], &slow).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while rows(&written).len() < kill_at {
            assert!(began.elapsed() < Duration::from_secs(120), "{} after a long time", rows(&written).len());
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(rows(&written).len() < PEOPLE, "it was killed too late for this test to show anything");
    }
    let last = ended(&reissue(&["--out", "anew", "--rate", "10000", "--json"]));
    assert_eq!(last.code, Some(0), "{last:?}");
    let new = rows(&written);
    let numbers: BTreeSet<u64> = new.iter().map(|row| row["number"].as_u64().unwrap()).collect();
    assert_eq!((new.len(), numbers.len()), (PEOPLE, PEOPLE));
    assert!(new.iter().all(|row| kid(row["credential"].as_str().unwrap()) != key));
    let again = ended(&reissue(&["--out", "anew"]));
    assert!(again.code == Some(64) && again.err.contains("is done"), "{again:?}");

    // What is published on the way is all that was superseded. Revoked by the authority while it is being superseded, an old
    // credential takes the new one with it: so it is of somebody whose new one is not looked at.
    let looked_at: Vec<Value> = new.iter().take(3).map(subject).collect();
    let other = old.iter().find(|row| !looked_at.contains(&subject(row))).unwrap();
    let id = other["credentialId"].as_str().unwrap();
    succeed(folder, &[&["revoke"], &at[..], &["--publish", id]].concat());
    fs::write(folder.join("bundle"), succeed(folder, &["trust-bundle", "--data", "data"])).unwrap();
    new.iter().take(3).for_each(|row| verified(folder, "new", row, 0));
    old.iter().take(3).for_each(|row| verified(folder, "old", row, 1));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_type_is_issued_anew_once() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let server = serve(folder);
    succeed(folder, &["sample", "--people", "5", "--out", "people.ndjson"]);
    let at = ["--data", "data", "--issuer", server.url.as_str()];
    succeed(folder, &[&["import"], &at[..], &["--out", "issued", "people.ndjson"]].concat());
    let line = [&["reissue"], &at[..], &["--type", "vaccination", "--over", "1s"]].concat();
    assert_eq!(succeed(folder, &line), "credentials re-issued: 5\n");
    assert_eq!(run(folder, &[], &line).code, Some(64), "what came of it is not issued anew");
    let other = [&["reissue"], &at[..], &["--type", "another", "--state", "other"]].concat();
    assert_eq!(run(folder, &[], &other).code, Some(2));
    for wrong in [
        vec!["--type", "vaccination", "--key", "A"],
        vec!["--key", "A"],
        vec!["--type", "vaccination", "--over", "8"],
        vec!["--type", "vaccination", "--rate", "0"],
        vec![],
    ] {
        let line = [&["reissue"], &at[..], &wrong].concat();
        assert_eq!(run(folder, &[], &line).code, Some(64), "{wrong:?}");
    }
    assert_eq!(server.stop(), Some(0));
}
