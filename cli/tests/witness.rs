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

/// The one file of evidence that anybody can check, of a data folder.
fn evidence(data: &Path) -> String {
    let files = fs::read_dir(data.join("evidence")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    file.to_str().unwrap().to_owned()
}

/// Serves a raw log, adds entries to it and stops it.
fn add(folder: &Path, data: &str, variables: &[(&str, &str)], entries: &[&str]) {
    let serve = ["registry", "--data", data, "--listen", ANY_PORT, "--add-listen", ANY_PORT];
    let server = Server::start(folder, data, variables, &serve);
    let (_public, adding) = server.url.split_once(", adding on ").unwrap();
    for entry in entries {
        assert_eq!(ureq::post(adding).send(*entry).unwrap().status(), 200);
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_a_writer_keeps_of_a_second_history_or_a_restored_one_is_checked_by_the_same_command() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--raw", "--data", "first"]);
    let log = succeed(folder, &["keys", "show", "--data", "first", "--log-vkey"]).trim().to_owned();
    let keys = witness(folder, "w1", &log, &[]);
    let other = witness(folder, "w2", &log, &[]);
    let first = serve_witness(folder, "w1");
    fs::write(folder.join("policy"), format!("witness w1 {} {}\nquorum w1\n", keys[0], first.url)).unwrap();
    let policy = folder.join("policy");
    let policy = [("SILLOK_POLICY", policy.to_str().unwrap())];
    // The same key and head in two folders, of which one goes on under a witness and one without.
    for copy in ["restored", "second"] {
        let copied =
            std::process::Command::new("cp").args(["-r", "first", copy]).current_dir(folder).status();
        let head = format!("{copy}.head");
        let heads =
            std::process::Command::new("cp").args(["-r", "first.head", &head]).current_dir(folder).status();
        assert!(copied.unwrap().success() && heads.unwrap().success());
    }
    add(folder, "first", &policy, &["1", "2", "3"]);
    add(folder, "second", &[], &["1", "2", "4"]);

    let check = |data: &str, words: &str, vkey: &str| {
        let serve = ["registry", "--data", data, "--listen", ANY_PORT];
        let refused = run(folder, &policy, &serve);
        assert!(refused.code != Some(0) && refused.err.contains("log.witnessed"), "{refused:?}");
        let file = evidence(&folder.join(data));
        let checked = run(folder, &[], &["evidence", "check", &file, "--vkey", vkey]);
        assert!(checked.out.contains(words), "{checked:?}");
        checked.code
    };
    assert_eq!(check("second", "two histories", &log), Some(0));
    assert_eq!(check("restored", "both sizes", &log), Some(0));
    assert_eq!(check("restored", "shows nothing", &other[0]), Some(1));
    assert_eq!(first.stop(), Some(0));
}

#[test]
fn what_awaits_cosignatures_is_checked_like_the_rest() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--raw", "--data", "raw"]);
    let log = succeed(folder, &["keys", "show", "--data", "raw", "--log-vkey"]).trim().to_owned();
    let keys = witness(folder, "w1", &log, &[]);
    let first = serve_witness(folder, "w1");
    fs::write(folder.join("raw/policy"), format!("witness w1 {} {}\nquorum w1\n", keys[0], first.url))
        .unwrap();
    let policy = [("SILLOK_POLICY", "policy")];
    add(folder, "raw", &policy, &["1", "2", "3"]);
    let serve = ["registry", "--data", "raw", "--listen", ANY_PORT, "--add-listen", ANY_PORT];
    let server = Server::start(folder, "raw", &policy, &serve);
    assert_eq!(first.stop(), Some(0));
    let (_public, adding) = server.url.split_once(", adding on ").unwrap();
    for entry in 0..10 {
        assert_eq!(ureq::post(adding).send(entry.to_string()).unwrap().status(), 200);
    }
    assert_eq!(server.stop(), Some(0));

    let fsck = || run(folder, &policy, &["fsck", "--data", "raw"]);
    let well = fsck();
    assert!(
        well.code == Some(0)
            && well.out.contains("13 entries")
            && well.out.contains("10 of them are not public"),
        "{well:?}"
    );
    for damaged in ["public/tile/entries/000.p/13", "public/tile/0/000.p/13", "pending/checkpoint"] {
        let path = folder.join("raw").join(damaged);
        let bytes = fs::read(&path).unwrap();
        let mut flipped = bytes.clone();
        flipped[30] ^= 1;
        fs::write(&path, flipped).unwrap();
        let found = fsck();
        assert!(found.code == Some(1) && found.out.contains(damaged), "{damaged}: {found:?}");
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(fsck().code, Some(0));
}

/// The status of an answer, and its text.
fn get(url: &str) -> Option<(u16, String)> {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut answer = agent.get(url).call().ok()?;
    Some((answer.status().as_u16(), answer.body_mut().read_to_string().ok()?))
}

/// Asks until the service has its own answer.
fn first_answer(url: &str) -> (u16, String) {
    let began = Instant::now();
    loop {
        if let Some(answer) = get(url) {
            return answer;
        }
        assert!(began.elapsed() < DEADLINE, "{url} does not answer");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A service that has not said that it is ready.
struct Waiting(std::process::Child);

impl Drop for Waiting {
    fn drop(&mut self) {
        // It has ended, or the test has failed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_service_whose_quorum_is_away_serves_what_is_public_at_once() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--data", "data"]);
    let log = succeed(folder, &["keys", "show", "--data", "data", "--log-vkey"]).trim().to_owned();
    let keys = witness(folder, "w1", &log, &[]);
    let first = serve_witness(folder, "w1");
    let policy = format!("witness one {} {}\nquorum one\n", keys[0], first.url);
    fs::write(folder.join("data/policy"), policy).unwrap();
    let variables = [("SILLOK_POLICY", "policy"), ("SILLOK_COSIGN_WAIT_SECONDS", "1")];
    let server =
        Server::start(folder, "serve", &variables, &["serve", "--data", "data", "--listen", ANY_PORT]);
    let (_status, ready) = get(&format!("{}/readyz", server.url)).unwrap();
    assert!(ready.contains(r#""status":"ready""#) && ready.contains(r#""name":"one""#), "{ready}");
    assert_eq!(server.stop(), Some(0));
    let address = first.url.strip_prefix("http://").unwrap().to_owned();
    assert_eq!(first.stop(), Some(0));

    // The port that was given away last is given away again late.
    let at = std::net::TcpListener::bind(ANY_PORT).unwrap().local_addr().unwrap().to_string();
    let serve = ["serve", "--data", "data", "--listen", &at];
    let url = |path: &str| format!("http://{at}{path}");
    let public = fs::read_to_string(folder.join("data/public/checkpoint")).unwrap();
    let waiting = program::command(folder, &variables, &serve).stdout(Stdio::null()).spawn().unwrap();
    let mut waiting = Waiting(waiting);
    assert_eq!(first_answer(&url("/checkpoint")), (200, public.clone()));
    for (path, status, code) in [
        ("/readyz", 503, "log.unwitnessed"),
        ("/types", 503, "issuer.starting"),
        ("/healthz", 200, "ok"),
        ("/trust-bundle", 200, "sillok"),
    ] {
        let answer = get(&url(path)).unwrap();
        assert!(answer.0 == status && answer.1.contains(code), "{path}: {answer:?}");
    }
    // Asked to end meanwhile, it does.
    let asked = std::process::Command::new("sh")
        .args(["-c", "kill -TERM \"$0\"", &waiting.0.id().to_string()])
        .status();
    assert!(asked.unwrap().success());
    assert_eq!(server::ended(&mut waiting.0), Some(0));
    assert_eq!(fs::read_to_string(folder.join("data/public/checkpoint")).unwrap(), public);

    // And once the witness is back it issues, on the same address.
    let (server, first) = std::thread::scope(|scope| {
        let server = scope.spawn(|| Server::start(folder, "serve", &variables, &serve));
        assert_eq!(first_answer(&url("/checkpoint")), (200, public));
        let first = Server::start(folder, "w1", &[], &["witness", "--data", "w1", "--listen", &address]);
        (server.join().unwrap(), first)
    });
    succeed(folder, &["sample", "--people", "2", "--out", "people.ndjson"]);
    let at = ["--data", "data", "--issuer", &server.url];
    succeed(folder, &[&["import"], &at[..], &["--out", "out", "--split", "people.ndjson"]].concat());
    assert_eq!((server.stop(), first.stop()), (Some(0), Some(0)));
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
