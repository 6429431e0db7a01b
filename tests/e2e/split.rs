//! An authority that shows two logs: one to everybody, and one, with the same beginning, to whom it wants to deceive.

use std::fs;
use std::path::Path;

use sillok_log::receipt::Receipt;

use crate::program::{Ended, run, succeed};
use crate::server::Server;

const ANY_PORT: &str = "127.0.0.1:0";

/// A witness that follows the log, and its verifier key.
fn witness(folder: &Path, name: &str, log: &str) -> String {
    let key = succeed(folder, &["witness", "init", "--data", name, "--name", &format!("{name}.example")]);
    succeed(folder, &["witness", "add-log", log, "--data", name]);
    key.trim().to_owned()
}

fn serve_witness(folder: &Path, name: &str) -> Server {
    Server::start(folder, name, &[], &["witness", "--data", name, "--listen", ANY_PORT])
}

/// The service of a data folder, whose witnesses are those of the policy.
fn serve(folder: &Path, data: &str, policy: &str) -> Server {
    fs::write(folder.join(data).join("policy"), policy).unwrap();
    let variables = [("SILLOK_POLICY", "policy"), ("SILLOK_COSIGN_WAIT_SECONDS", "5")];
    Server::start(folder, data, &variables, &["serve", "--data", data, "--listen", ANY_PORT])
}

fn issue(folder: &Path, data: &str, server: &Server, out: &str, seed: &str, people: &str) {
    let file = format!("{out}.ndjson");
    succeed(folder, &["sample", "--people", people, "--seed", seed, "--out", &file]);
    let at = ["import", "--data", data, "--issuer", &server.url];
    succeed(folder, &[&at[..], &["--out", out, "--split", &file]].concat());
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

fn door(folder: &Path, out: &str) -> Ended {
    let (credential, receipt) = (format!("{out}/1.jwt"), format!("{out}/1.tlog-proof"));
    run(
        folder,
        &[],
        &["verify", "--trust", "bundle", "--memory", "memory", "--receipt", &receipt, &credential],
    )
}

#[test]
fn a_second_history_opens_no_door_and_leaves_a_proof() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--data", "data"]);
    let log = succeed(folder, &["keys", "show", "--data", "data", "--log-vkey"]).trim().to_owned();
    let keys = ["w1", "w2", "w3"].map(|name| witness(folder, name, &log));
    let witnesses = ["w1", "w2", "w3"].map(|name| serve_witness(folder, name));
    let lines: String = (1..)
        .zip(keys.iter().zip(&witnesses))
        .map(|(number, (key, server))| format!("witness w{number} {key} {}\n", server.url))
        .collect();
    let server = serve(folder, "data", &format!("{lines}group two 2 w1 w2 w3\nquorum two\n"));
    issue(folder, "data", &server, "common", "1", "3");
    assert_eq!(server.stop(), Some(0));

    // Here the histories part: the authority copies its folder, and one of the witnesses is its own.
    let [first, second, third] = witnesses;
    assert_eq!(third.stop(), Some(0));
    copy(&folder.join("data"), &folder.join("second"));
    copy(&folder.join("data.head"), &folder.join("second.head"));
    copy(&folder.join("w3"), &folder.join("accomplice"));

    let third = serve_witness(folder, "w3");
    let policy = format!(
        "witness w1 {} {}\nwitness w2 {} {}\nwitness w3 {} {}\ngroup two 2 w1 w2 w3\nquorum two\n",
        keys[0], first.url, keys[1], second.url, keys[2], third.url
    );
    let shown = serve(folder, "data", &policy);
    issue(folder, "data", &shown, "shown", "2", "2");
    fs::write(folder.join("bundle"), succeed(folder, &["trust-bundle", "--data", "data"])).unwrap();

    let accomplice = serve_witness(folder, "accomplice");
    let hidden_policy = format!("witness w3 {} {}\nquorum w3\n", keys[2], accomplice.url);
    let hidden = serve(folder, "second", &hidden_policy);
    issue(folder, "second", &hidden, "hidden", "3", "2");

    // A door that wants two of three takes what both histories share and what everybody sees, and nothing else: the log's
    // own signature is right, the credential is in that tree, and one witness has said so.
    for (out, exit, words) in
        [("common", 0, "valid"), ("shown", 0, "valid"), ("hidden", 2, "checkpoint.quorum")]
    {
        let ended = door(folder, out);
        assert!(ended.code == Some(exit) && ended.out.contains(words), "{out}: {ended:?}");
    }
    let receipt = Receipt::parse(&fs::read(folder.join("hidden/1.tlog-proof")).unwrap()).unwrap();
    assert_eq!(
        receipt.checkpoint.matches("\u{2014} ").count(),
        2,
        "log and accomplice: {}",
        receipt.checkpoint
    );

    // The honest witnesses never cosign the second history, however often they are asked.
    assert_eq!(hidden.stop(), Some(0));
    let everybody = run(folder, &[("SILLOK_POLICY", "policy")], &{
        fs::write(folder.join("second/policy"), &policy).unwrap();
        ["serve", "--data", "second", "--listen", ANY_PORT]
    });
    // Whichever of them answers first is the one that is named.
    assert!(everybody.code == Some(2) && everybody.err.contains("(log.witnessed)"), "{everybody:?}");

    // An auditor who sees one and then the other has the proof, which anybody checks with the log's key alone.
    let audit = |place: &str| run(folder, &[], &["audit", place, "--vkey", &log, "--state", "seen"]);
    let clean = audit(&shown.url);
    assert_eq!(clean.code, Some(0), "{clean:?}");
    let forked = audit("second");
    assert!(forked.code == Some(1) && forked.out.contains("log.forked"), "{forked:?}");
    let kept: Vec<_> =
        fs::read_dir(folder.join("seen.d")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let evidence: Vec<_> =
        kept.iter().filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    assert_eq!(evidence.len(), 1, "{kept:?}");
    let evidence = evidence[0].to_str().unwrap();
    let checked = succeed(folder, &["evidence", "check", evidence, "--vkey", &log]);
    assert!(checked.contains("two histories"), "{checked}");
    let of_another = run(folder, &[], &["evidence", "check", evidence, "--vkey", &keys[0]]);
    assert_ne!(of_another.code, Some(0), "{of_another:?}");
    for server in [shown, accomplice, first, second, third] {
        assert_eq!(server.stop(), Some(0));
    }
}
