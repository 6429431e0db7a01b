//! The whole story with the real program over real HTTP: serve, sample, import, verify, revoke, audit.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::fs;
use std::path::Path;

use program::{Ended, run, succeed};
use server::Server;

const ANY_PORT: &str = "127.0.0.1:0";

fn verify(folder: &Path, number: u32, more: &[&str]) -> Ended {
    let (credential, receipt) = (format!("out/{number}.jwt"), format!("out/{number}.tlog-proof"));
    let mut arguments = vec!["verify", "--trust", "bundle", "--receipt", &receipt, &credential];
    arguments.extend(more);
    run(folder, &[], &arguments)
}

fn fetch_bundle(folder: &Path, data: &str) {
    fs::write(folder.join("bundle"), succeed(folder, &["trust-bundle", "--data", data])).unwrap();
}

fn vkey(folder: &Path, data: &str) -> String {
    succeed(folder, &["keys", "show", "--data", data, "--log-vkey"]).trim().to_owned()
}

#[test]
fn one_process_issues_revokes_and_is_audited() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let serve = ["serve", "--data", "data", "--listen", ANY_PORT];
    let server = Server::start(folder, "serve", &[], &serve);
    let said = fs::read_to_string(folder.join("serve.log")).unwrap();
    assert!(said.contains("making a data folder"), "{said}");

    succeed(folder, &["sample", "--people", "50", "--out", "people.ndjson"]);
    let at = ["--data", "data", "--issuer", &server.url];
    let out =
        succeed(folder, &[&["import"], &at[..], &["--out", "out", "--split", "people.ndjson"]].concat());
    assert!(out.contains("credentials: 50 issued, 0 unchanged, 0 refused"), "{out}");
    fetch_bundle(folder, "data");

    // Valid, cannot tell, not valid, not understood.
    let valid = verify(folder, 1, &["--json"]);
    assert_eq!(valid.code, Some(0), "{valid:?}");
    assert!(valid.out.contains(r#""verdict":"valid""#), "{valid:?}");
    let untold = run(folder, &[], &["verify", "--trust", "bundle", "out/1.jwt"]);
    assert_eq!(untold.code, Some(2), "{untold:?}");
    let other =
        run(folder, &[], &["verify", "--trust", "bundle", "--receipt", "out/2.tlog-proof", "out/1.jwt"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    let root = succeed(folder, &["keys", "show", "--data", "data", "root"]);
    let anchored = verify(folder, 1, &["--root", root.trim()]);
    assert!(anchored.code == Some(0) && anchored.out.contains("root keys that you named"), "{anchored:?}");
    for wrong in [&["verify", "--trust", "nowhere", "out/1.jwt"][..], &["verify", "out/1.jwt"], &["prove"]] {
        assert_eq!(run(folder, &[], wrong).code, Some(64), "{wrong:?}");
    }

    // Revoked for good, suspended for a while.
    succeed(folder, &[&["revoke"], &at[..], &["--reason", "a test", "out/1.jwt"]].concat());
    succeed(folder, &[&["suspend"], &at[..], &["--publish", "out/2.jwt"]].concat());
    fetch_bundle(folder, "data");
    for (number, code) in [(1, "status.revoked"), (2, "status.suspended")] {
        let verdict = verify(folder, number, &[]);
        assert!(verdict.code == Some(1) && verdict.out.contains(code), "{verdict:?}");
    }
    assert_eq!(verify(folder, 3, &[]).code, Some(0));
    succeed(folder, &[&["reinstate"], &at[..], &["--publish", "out/2.jwt"]].concat());
    let refused = run(folder, &[], &[&["reinstate"], &at[..], &["out/1.jwt", "urn:uuid:unknown"]].concat());
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.err.contains("credential.revoked") && refused.err.contains("credential.unknown"),
        "{refused:?}"
    );

    // A new key takes over; what the old one signed stays good.
    let rotated = succeed(folder, &[&["keys", "rotate"], &at[..]].concat());
    assert!(rotated.contains("signs from now on"), "{rotated}");
    succeed(folder, &["sample", "--people", "5", "--seed", "2", "--out", "more.ndjson"]);
    succeed(folder, &[&["import"], &at[..], &["--out", "more", "--split", "more.ndjson"]].concat());
    fetch_bundle(folder, "data");
    assert_eq!(verify(folder, 2, &[]).code, Some(0));
    let newer = ["verify", "--trust", "bundle", "--receipt", "more/1.tlog-proof", "more/1.jwt"];
    let newer = run(folder, &[], &newer);
    assert_eq!(newer.code, Some(0), "{newer:?}");

    let vkey = vkey(folder, "data");
    succeed(folder, &["audit", &server.url, "--vkey", &vkey]);
    assert_eq!(server.stop(), Some(0));
    let audited = succeed(folder, &["audit", "data", "--vkey", &vkey]);
    assert!(audited.contains("55 issue, 3 status"), "{audited}");

    // After a restart the same question has the same answer.
    let server = Server::start(folder, "serve", &[], &serve);
    let at = ["--data", "data", "--issuer", &server.url];
    succeed(folder, &[&["import"], &at[..], &["--out", "again", "people.ndjson"]].concat());
    let sorted = |path: &str| {
        let text = fs::read_to_string(folder.join(path)).unwrap();
        let mut lines: Vec<String> = text.lines().map(String::from).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted("out/credentials.ndjson"), sorted("again/credentials.ndjson"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn registry_and_issuer_in_two_processes_of_two_folders() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--data", "log", "--origin", "log.example/two"]);
    succeed(folder, &["init", "--data", "issuer", "--public-url", "http://issuer.example"]);
    // The registry learns who may submit, the issuer which log it writes to.
    let listed: String = [("administrator", None), ("submitter", Some("http://issuer.example"))]
        .map(|(name, issuer)| {
            let vkey = succeed(folder, &["keys", "show", "--data", "issuer", name]);
            let role = issuer.map_or_else(
                || "role = \"administrator\"\n".to_owned(),
                |issuer| format!("role = \"issuer\"\nissuer = \"{issuer}\"\n"),
            );
            format!("\n[[submitters]]\nvkey = \"{}\"\n{role}", vkey.trim())
        })
        .concat();
    let settings = folder.join("log/sillok.toml");
    fs::write(&settings, fs::read_to_string(&settings).unwrap() + &listed).unwrap();
    let vkey = vkey(folder, "log");

    let registry =
        Server::start(folder, "registry", &[], &["registry", "--data", "log", "--listen", ANY_PORT]);
    let start = ["issuer", "--data", "issuer", "--listen", ANY_PORT, "--registry", &registry.url];
    let issuer = Server::start(folder, "issuer", &[("SILLOK_LOG_VKEY", &vkey)], &start);

    succeed(folder, &["sample", "--people", "20", "--out", "people.ndjson"]);
    let at = ["--data", "issuer", "--issuer", &issuer.url];
    succeed(folder, &[&["import"], &at[..], &["--out", "out", "--split", "people.ndjson"]].concat());
    succeed(folder, &[&["revoke"], &at[..], &["--publish", "out/1.jwt"]].concat());
    fetch_bundle(folder, "issuer");
    assert_eq!(verify(folder, 1, &[]).code, Some(1));
    assert_eq!(verify(folder, 2, &[]).code, Some(0));

    let audit = ["audit", &registry.url, "--vkey", &vkey, "--lists", &issuer.url];
    let audited = run(folder, &[], &audit);
    assert_eq!(audited.code, Some(0), "{audited:?}");
    assert_eq!(issuer.stop(), Some(0));
    assert_eq!(registry.stop(), Some(0));
    let audited = run(folder, &[], &["audit", "log", "--vkey", &vkey, "--lists", "issuer"]);
    assert_eq!(audited.code, Some(0), "{audited:?}");
    assert!(audited.out.contains("20 issue, 1 status"), "{audited:?}");
}

#[test]
fn registry_and_issuer_in_two_processes_of_one_folder() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--data", "data"]);
    let registry =
        Server::start(folder, "registry", &[], &["registry", "--data", "data", "--listen", ANY_PORT]);
    let start = ["issuer", "--data", "data", "--listen", ANY_PORT, "--registry", &registry.url];
    let issuer = Server::start(folder, "issuer", &[], &start);
    succeed(folder, &["sample", "--people", "10", "--out", "people.ndjson"]);
    let at = ["--data", "data", "--issuer", &issuer.url];
    succeed(folder, &[&["import"], &at[..], &["--out", "out", "--split", "people.ndjson"]].concat());
    fetch_bundle(folder, "data");
    assert_eq!(verify(folder, 1, &[]).code, Some(0));
    // The registry serves what the issuer publishes: one place is enough for an auditor.
    succeed(folder, &["audit", &registry.url, "--vkey", &vkey(folder, "data")]);
    assert_eq!(issuer.stop(), Some(0));
    assert_eq!(registry.stop(), Some(0));
}

#[test]
fn the_demo_comes_out_as_told() {
    let temporary = tempfile::tempdir().unwrap();
    let out = succeed(temporary.path(), &["demo", "--people", "60", "--data", "demo"]);
    for words in
        ["57 valid, 3 not valid", "status.revoked", "clean", "tile.mismatch", "Everything came out as told"]
    {
        assert!(out.contains(words), "{words}: {out}");
    }
    // It stays where it was asked to, and is never written over.
    assert!(temporary.path().join("demo/trust-bundle").exists());
    assert_eq!(run(temporary.path(), &[], &["demo", "--data", "demo"]).code, Some(64));
}
