//! `sillok import`: nobody is lost, nobody gets two, and what is refused is told line by line.
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
use serde_json::Value;
use server::Server;

fn serve(folder: &Path) -> Server {
    Server::start(folder, "serve", &[], &["serve", "--data", "data", "--listen", "127.0.0.1:0"])
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many entries of issuance the log has, once its server has ended and published everything.
fn issued_in_log(folder: &Path, server: Server) -> u64 {
    assert_eq!(server.stop(), Some(0));
    let vkey = succeed(folder, &["keys", "show", "--data", "data", "--log-vkey"]);
    let report = succeed(folder, &["audit", "data", "--vkey", vkey.trim(), "--json"]);
    serde_json::from_str::<Value>(&report).unwrap()["entries"]["issue"].as_u64().unwrap()
}

#[test]
fn an_import_that_is_killed_again_and_again_goes_on() {
    const PEOPLE: usize = 400;
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let server = serve(folder);
    succeed(folder, &["sample", "--people", &PEOPLE.to_string(), "--out", "people.ndjson"]);
    let import = [
        "import",
        "--data",
        "data",
        "--issuer",
        &server.url,
        "--out",
        "out",
        "--batch",
        "5",
        "--parallel",
        "2",
        "people.ndjson",
    ];
    let credentials = folder.join("out/credentials.ndjson");
    let written =
        || fs::read(&credentials).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count());
    for kill_at in [20, 100, 180] {
        let mut child =
            command(folder, &[], &import).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while written() < kill_at {
            assert!(began.elapsed() < Duration::from_secs(120), "{} after a long time", written());
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(written() < PEOPLE, "it was killed too late for this test to show anything");
    }
    let out = succeed(folder, &import);
    assert!(!out.contains(" 0 unchanged"), "{out}");
    let rows = rows(&credentials);
    let distinct =
        |name: &str| rows.iter().map(|row| row[name].as_str().unwrap()).collect::<BTreeSet<_>>().len();
    assert_eq!(rows.len(), PEOPLE);
    assert_eq!((distinct("subject"), distinct("credentialId")), (PEOPLE, PEOPLE));
    // And once more: nothing to do.
    let out = succeed(folder, &import);
    assert!(out.contains("0 issued, 400 unchanged, 0 refused"), "{out}");
    // Asked for again, not issued again.
    assert_eq!(issued_in_log(folder, server), PEOPLE as u64);
}

#[test]
fn an_issuer_that_is_killed_and_started_again_is_waited_for() {
    const PEOPLE: usize = 300;
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let server = serve(folder);
    let url = server.url.clone();
    succeed(folder, &["sample", "--people", &PEOPLE.to_string(), "--out", "people.ndjson"]);
    let import =
        ["import", "--data", "data", "--issuer", &url, "--out", "out", "--batch", "5", "people.ndjson"];
    let mut child =
        command(folder, &[], &import).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let credentials = folder.join("out/credentials.ndjson");
    let began = Instant::now();
    while fs::metadata(&credentials).map_or(0, |file| file.len()) == 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "nothing after a long time");
        std::thread::sleep(Duration::from_millis(1));
    }
    // Without a chance to finish anything.
    drop(server);
    let written = fs::read(&credentials).unwrap().iter().filter(|byte| **byte == b'\n').count();
    assert!(written < PEOPLE, "it was killed too late for this test to show anything");
    let address = url.strip_prefix("http://").unwrap();
    let server = Server::start(folder, "again", &[], &["serve", "--data", "data", "--listen", address]);
    assert_eq!(server::ended(&mut child), Some(0));
    assert_eq!(rows(&credentials).len(), PEOPLE);
    assert_eq!(issued_in_log(folder, server), PEOPLE as u64);
}

#[test]
fn what_is_refused_is_told_line_by_line_and_takes_nobody_with_it() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let server = serve(folder);
    succeed(folder, &["sample", "--people", "30", "--out", "people.ndjson"]);
    let own = |subject: &str, birth_date: &str| {
        format!(
            r#"{{"type":"vaccination","subject":"{subject}","claims":{{"familyName":"Kim","givenName":"Min","birthDate":{birth_date},"doses":[{{"number":1,"date":"2021-06-01","vaccine":"208"}}]}}}}"#
        )
    };
    let lines = [
        own("good", "\"1990-05-01\""),
        String::new(),
        "no JSON".into(),
        // Fits no schema.
        own("wrong", "\"yesterday\""),
        // Spoils the JSON of the whole batch: the issuer takes whole numbers only.
        own("fraction", "1990.5"),
        own("unknown", "\"1990-05-01\"").replace("vaccination", "driving"),
        own("twice", "\"1990-05-01\""),
        own("twice", "\"1990-05-01\""),
    ];
    fs::write(folder.join("own.ndjson"), lines.join("\n")).unwrap();
    let import = [
        "import",
        "--data",
        "data",
        "--issuer",
        &server.url,
        "--out",
        "out",
        "--report",
        "report.ndjson",
        "people.ndjson",
        "own.ndjson",
    ];
    let ended = run(folder, &[], &import);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let of_people = fs::read_to_string(folder.join("people.ndjson")).unwrap().lines().count();
    let expected =
        format!("lines: {} read = {} issued + 0 unchanged + 5 refused", of_people + 7, of_people + 2);
    assert!(ended.out.contains(&expected), "{expected}: {ended:?}");
    assert_eq!(rows(&folder.join("out/credentials.ndjson")).len(), 32);
    let report = rows(&folder.join("report.ndjson"));
    for (line, reason) in [
        (3, "not a JSON object"),
        (4, "claims.invalid"),
        (5, "request.malformed"),
        (6, "type.unknown"),
        (8, "already"),
    ] {
        let row =
            report.iter().find(|row| row["line"] == line).unwrap_or_else(|| panic!("{line}: {report:?}"));
        assert_eq!(row["file"], "own.ndjson");
        assert!(row["reason"].as_str().unwrap().contains(reason), "{row}");
    }
    assert_eq!(report.len(), 5);
    // A second run asks for what was refused again, and for nothing else.
    let ended = run(folder, &[], &import);
    assert!(ended.code == Some(1) && ended.out.contains("0 issued, 32 unchanged"), "{ended:?}");
    assert_eq!(issued_in_log(folder, server), 32);
}

#[test]
fn an_operator_of_another_folder_gets_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let server = serve(folder);
    succeed(folder, &["init", "--data", "stranger"]);
    succeed(folder, &["sample", "--people", "3", "--out", "people.ndjson"]);
    let import = ["import", "--data", "stranger", "--issuer", &server.url, "--out", "out", "people.ndjson"];
    let ended = run(folder, &[], &import);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("invalid_client") && ended.err.contains("Run it again"), "{ended:?}");
    assert!(ended.out.contains("left for the next run"), "{ended:?}");
    let wrong = ["import", "--data", "data", "--issuer", "nowhere", "--out", "out", "people.ndjson"];
    assert_eq!(run(folder, &[], &wrong).code, Some(64));
    let missing = ["import", "--data", "data", "--issuer", &server.url, "--out", "out", "missing.ndjson"];
    assert_eq!(run(folder, &[], &missing).code, Some(64));
}
