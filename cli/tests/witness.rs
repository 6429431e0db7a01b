//! `sillok witness` beside `sillok serve` under a policy of two of three: what is issued is valid under it, offline.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use program::{run, succeed};
use server::Server;

const ANY_PORT: &str = "127.0.0.1:0";

const DEADLINE: Duration = Duration::from_secs(60);

/// Makes a witness that follows the log, and returns its verifier keys.
fn witness(folder: &Path, name: &str, log: &str, more: &[&str]) -> Vec<String> {
    let full = format!("{name}.example");
    let init = [&["witness", "init", "--data", name, "--name", &full], more].concat();
    let keys = succeed(folder, &init);
    assert_eq!(succeed(folder, &init), keys, "doing it again changes nothing");
    succeed(folder, &["witness", "add-log", log, "--data", name]);
    keys.lines().map(String::from).collect()
}

fn serve_witness(folder: &Path, name: &str) -> Server {
    Server::start(folder, name, &[], &["witness", "--data", name, "--listen", ANY_PORT])
}

/// A present value of the log.
fn gauge(server: &Server, name: &str) -> u64 {
    let url = format!("{}/metrics", server.url);
    let page = ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap();
    let name = format!("sillok_registry_{name} ");
    page.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap()
}

#[test]
fn receipts_meet_a_policy_of_two_of_three_and_wait_for_it_while_witnesses_are_away() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--data", "data"]);
    let log = succeed(folder, &["keys", "show", "--data", "data", "--log-vkey"]).trim().to_owned();
    let (one, two) = (witness(folder, "w1", &log, &[]), witness(folder, "w2", &log, &["--ml-dsa"]));
    let three = witness(folder, "w3", &log, &[]);
    assert_eq!((one.len(), two.len()), (1, 2));
    let (first, second) = (serve_witness(folder, "w1"), serve_witness(folder, "w2"));
    let policy = format!(
        "witness one {} {}\nwitness two {} {}\nwitness three {} http://127.0.0.1:1\n\
         group some 2 one two three\nquorum some\n",
        one[0], first.url, two[1], second.url, three[0]
    );
    fs::write(folder.join("data/policy"), policy).unwrap();
    let variables = [("SILLOK_POLICY", "policy"), ("SILLOK_COSIGN_WAIT_SECONDS", "1")];
    let serve = ["serve", "--data", "data", "--listen", ANY_PORT];
    let server = Server::start(folder, "serve", &variables, &serve);
    succeed(folder, &["sample", "--people", "20", "--out", "people.ndjson"]);
    let at = ["--data", "data", "--issuer", &server.url];
    succeed(folder, &[&["import"], &at[..], &["--out", "out", "--split", "people.ndjson"]].concat());
    fs::write(folder.join("bundle"), succeed(folder, &["trust-bundle", "--data", "data"])).unwrap();
    let verify = ["verify", "--trust", "bundle", "--receipt", "out/7.tlog-proof", "out/7.jwt", "--json"];
    let valid = run(folder, &[], &verify);
    assert!(valid.code == Some(0) && valid.out.contains(r#""verdict":"valid""#), "{valid:?}");
    let receipt = fs::read_to_string(folder.join("out/7.tlog-proof")).unwrap();
    assert_eq!(receipt.matches("\u{2014} ").count(), 3, "the log and two witnesses: {receipt}");
    let published = gauge(&server, "published_size");
    let bundle = fs::read_to_string(folder.join("bundle")).unwrap();
    assert!(bundle.contains("group some 2 one two three") && !bundle.contains("127.0.0.1:1\\"), "{bundle}");

    // The same receipt with the log's line alone is the right entry in a checkpoint that nobody has witnessed.
    let own: Vec<&str> = receipt.lines().filter(|line| !line.starts_with("\u{2014} w")).collect();
    fs::write(folder.join("own"), own.join("\n") + "\n").unwrap();
    let untold = run(folder, &[], &["verify", "--trust", "bundle", "--receipt", "own", "out/7.jwt"]);
    assert!(untold.code == Some(2) && untold.out.contains("checkpoint.quorum"), "{untold:?}");

    // One of the two goes away: no credential is handed over, and none is lost.
    let address = first.url.strip_prefix("http://").unwrap().to_owned();
    assert_eq!(first.stop(), Some(0));
    succeed(folder, &["sample", "--people", "3", "--seed", "2", "--out", "more.ndjson"]);
    let import = [&["import"], &at[..], &["--out", "more", "--split", "more.ndjson"]].concat();
    let mut importing = program::command(folder, &[], &import).stdout(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while gauge(&server, "tiled_size") < published + 3 {
        assert!(began.elapsed() < DEADLINE, "nothing is committed");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(gauge(&server, "published_size"), published);
    assert!(importing.try_wait().unwrap().is_none(), "credentials were handed over");
    let first = Server::start(folder, "w1", &[], &["witness", "--data", "w1", "--listen", &address]);
    assert_eq!(server::ended(&mut importing), Some(0));
    let later = ["verify", "--trust", "bundle", "--receipt", "more/1.tlog-proof", "more/1.jwt"];
    let valid = run(folder, &[], &later);
    assert_eq!(valid.code, Some(0), "{valid:?}");
    succeed(folder, &["audit", &server.url, "--vkey", &log]);
    assert_eq!(server.stop(), Some(0));
    let audited = succeed(folder, &["audit", "data", "--vkey", &log]);
    assert!(audited.contains("23 issue"), "{audited}");
    assert_eq!((first.stop(), second.stop()), (Some(0), Some(0)));
}

#[test]
fn what_is_no_witness_and_no_policy_is_said() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--data", "data"]);
    let log = succeed(folder, &["keys", "show", "--data", "data", "--log-vkey"]).trim().to_owned();
    let keys = witness(folder, "w1", &log, &[]);
    for (arguments, words) in [
        (&["witness"][..], "--data"),
        (&["witness", "init", "--data", "w1", "--name", "other.example"], "not other.example"),
        (&["witness", "add-log", "nonsense", "--data", "w1"], "nonsense"),
        (&["witness", "add-log", &log, "--data", "nowhere"], "no witness's folder"),
        (&["witness", "--data", "w1", "--listen", "0.0.0.0:0"], "no loopback address"),
    ] {
        let ended = run(folder, &[], arguments);
        assert!(ended.code == Some(64) && ended.err.contains(words), "{arguments:?}: {ended:?}");
    }
    let unreachable = format!("witness one {}\nquorum one\n", keys[0]);
    for (policy, words) in [("quorum nobody\n", "policy line 1"), (&unreachable, "cannot meet the quorum")] {
        fs::write(folder.join("data/policy"), policy).unwrap();
        let serve = ["registry", "--data", "data", "--listen", ANY_PORT];
        let ended = run(folder, &[("SILLOK_POLICY", "policy")], &serve);
        assert!(ended.code == Some(64) && ended.err.contains(words), "{ended:?}");
    }
}
