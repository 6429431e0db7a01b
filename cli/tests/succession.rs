//! One log succeeds another, with the real program: announced, switched between kills, and nothing of before is lost.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::thread;

use program::{Ended, command, run, succeed};
use server::Server;

const OLD: &str = "log.example/2026h2";
const NEW: &str = "log.example/2027h1";

fn serve(folder: &Path, data: &str) -> Server {
    Server::start(folder, data, &[], &["serve", "--data", data, "--listen", "127.0.0.1:0"])
}

fn issue(folder: &Path, (data, url): (&str, &str), out: &str, (people, seed): (&str, &str)) -> String {
    let input = format!("{out}.ndjson");
    succeed(folder, &["sample", "--people", people, "--seed", seed, "--out", &input]);
    succeed(folder, &["import", "--data", data, "--issuer", url, "--out", out, "--split", &input])
}

fn change(folder: &Path, what: &str, (data, url): (&str, &str), credentials: &[&str]) {
    let at = [what, "--data", data, "--issuer", url, "--publish"];
    succeed(folder, &[&at[..], credentials].concat());
}

fn bundle(folder: &Path, data: &str, name: &str) {
    fs::write(folder.join(name), succeed(folder, &["trust-bundle", "--data", data])).unwrap();
}

fn verify(folder: &Path, trust: &str, credential: &str, more: &[&str]) -> Ended {
    let (receipt, credential) = (format!("{credential}.tlog-proof"), format!("{credential}.jwt"));
    let arguments = ["verify", "--trust", trust, "--receipt", &receipt, &credential];
    run(folder, &[], &[&arguments[..], more].concat())
}

fn expect(folder: &Path, trust: &str, credential: &str, (code, says): (i32, &str)) {
    let ended = verify(folder, trust, credential, &[]);
    assert!(ended.code == Some(code) && ended.out.contains(says), "{credential} under {trust}: {ended:?}");
}

fn vkey(folder: &Path, data: &str) -> String {
    succeed(folder, &["keys", "show", "--data", data, "--log-vkey"]).trim().to_owned()
}

fn refused(folder: &Path, arguments: &[&str], says: &str) {
    let ended = run(folder, &[], arguments);
    assert!(ended.code == Some(64) && ended.err.contains(says), "{arguments:?}: {ended:?}");
}

/// Begins to switch, and kills it once `reached`.
fn killed_switch(folder: &Path, reached: impl Fn() -> bool) {
    let mut child = command(folder, &[], SWITCH).spawn().unwrap();
    while !reached() && child.try_wait().unwrap().is_none() {
        thread::yield_now();
    }
    drop(child.kill());
    child.wait().unwrap();
}

const ANNOUNCE: &[&str] = &["log", "announce", "--data", "old", "--next", "new", "--origin", NEW];
const SWITCH: &[&str] = &["log", "switch", "--data", "old", "--next", "new"];

/// Twenty credentials in the old log, the next log announced, and kills in between.
fn before_the_switch(folder: &Path) {
    succeed(folder, &["init", "--data", "old", "--origin", OLD]);
    let server = serve(folder, "old");
    let at = ("old", server.url.as_str());
    issue(folder, at, "first", ("20", "1"));
    change(folder, "revoke", at, &["first/1.jwt", "first/2.jwt"]);
    change(folder, "suspend", at, &["first/3.jwt", "first/4.jwt"]);
    change(folder, "reinstate", at, &["first/4.jwt"]);
    bundle(folder, "old", "bundle-1");
    // Killed, as every server of a test that is dropped.
    drop(server);

    refused(folder, SWITCH, "new is no data folder");
    refused(folder, &[&ANNOUNCE[..7], &[OLD]].concat(), "was used");
    let next = succeed(folder, ANNOUNCE);
    assert_eq!(next, vkey(folder, "new") + "\n");
    assert_eq!(succeed(folder, ANNOUNCE), next, "again, it changes nothing");
    refused(folder, &[&ANNOUNCE[..7], &["log.example/other"]].concat(), "was announced already");
    refused(folder, SWITCH, "no root names log.example/2027h1 yet");
    for early in ["serve", "registry"] {
        refused(folder, &[early, "--data", "new", "--listen", "127.0.0.1:0"], "has not handed over yet");
    }

    let server = serve(folder, "old");
    issue(folder, ("old", &server.url), "between", ("5", "2"));
    bundle(folder, "old", "bundle-2");
    let running = run(folder, &[], SWITCH);
    assert_eq!(running.code, Some(2), "while somebody has the log open: {running:?}");
}

//= specs/log.md#succession
//= type=test
#[test]
fn a_log_is_succeeded_between_kills_and_nothing_of_before_is_lost() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    before_the_switch(folder);

    // Killed when the head is frozen, when the new log has something, and when the issuer has moved.
    let head = fs::read(folder.join("old.head")).unwrap();
    killed_switch(folder, || fs::read(folder.join("old.head")).unwrap() != head);
    refused(
        folder,
        &["serve", "--data", "old", "--listen", "127.0.0.1:0"],
        "is frozen, and log.example/2027h1",
    );
    killed_switch(folder, || folder.join("new/public/tile").exists());
    killed_switch(folder, || folder.join("new/issuer").exists());
    for _again in 0..2 {
        let done = succeed(folder, SWITCH);
        assert!(done.contains("log.example/2027h1 has taken over"), "{done}");
    }

    let server = serve(folder, "new");
    let at = ("new", server.url.as_str());
    bundle(folder, "new", "bundle-3");
    // The same question has the same answer, and what is new goes into the new log.
    let again = ["import", "--data", "new", "--issuer", at.1, "--out", "again", "--split", "first.ndjson"];
    succeed(folder, &again);
    assert_eq!(fs::read(folder.join("again/5.jwt")).unwrap(), fs::read(folder.join("first/5.jwt")).unwrap());
    issue(folder, at, "second", ("20", "3"));
    for trust in ["bundle-1", "bundle-2", "bundle-3"] {
        expect(folder, trust, "first/1", (1, "status.revoked"));
        expect(folder, trust, "first/3", (1, "status.suspended"));
        for valid in ["first/4", "first/5", "between/1"] {
            expect(folder, trust, valid, (0, OLD));
        }
    }
    expect(folder, "bundle-1", "second/1", (2, "log.unknown"));
    for trust in ["bundle-2", "bundle-3"] {
        expect(folder, trust, "second/1", (0, NEW));
    }

    // A log that is called nearly the same is another one.
    let receipt = fs::read_to_string(folder.join("second/1.tlog-proof")).unwrap();
    for (name, other, says) in
        [("thief", "log.example/2027h11", "log.unknown"), ("twin", "log.example/2026h2", "log.key-unknown")]
    {
        fs::write(folder.join(format!("second/{name}.tlog-proof")), receipt.replace(NEW, other)).unwrap();
        fs::copy(folder.join("second/1.jwt"), folder.join(format!("second/{name}.jwt"))).unwrap();
        expect(folder, "bundle-3", &format!("second/{name}"), (2, says));
    }

    // Changes go on where they were.
    change(folder, "revoke", at, &["first/5.jwt", "second/2.jwt"]);
    change(folder, "reinstate", at, &["first/3.jwt"]);
    change(folder, "suspend", at, &["first/4.jwt"]);
    let rotated = succeed(folder, &["keys", "rotate", "--data", "new", "--issuer", at.1]);
    assert!(rotated.contains("signs from now on"), "{rotated}");
    issue(folder, at, "third", ("5", "4"));
    bundle(folder, "new", "bundle-4");
    for (credential, verdict) in [
        ("first/1", (1, "status.revoked")),
        ("first/3", (0, OLD)),
        ("first/4", (1, "status.suspended")),
        ("first/5", (1, "status.revoked")),
        ("first/6", (0, OLD)),
        ("between/2", (0, OLD)),
        ("second/1", (0, NEW)),
        ("second/2", (1, "status.revoked")),
        ("third/1", (0, NEW)),
    ] {
        expect(folder, "bundle-4", credential, verdict);
    }
    remembered(folder);
    audited(folder, &server.url);
    stolen_before_the_switch(folder, at, &rotated);
    assert_eq!(server.stop(), Some(0));
}

/// The key was in other hands while the old log was written: the cut is in that log.
fn stolen_before_the_switch(folder: &Path, (data, url): (&str, &str), rotated: &str) {
    let kid = rotated.strip_prefix("key ").unwrap().split(' ').next().unwrap();
    let receipt = fs::read_to_string(folder.join("between/2.tlog-proof")).unwrap();
    let index = receipt.lines().find_map(|line| line.strip_prefix("index ")).unwrap();
    let at = ["keys", "compromise", "--data", data, "--issuer", url];
    let ask = |cuts: &[&str]| {
        let cuts: Vec<&str> = cuts.iter().flat_map(|cut| ["--cut", cut]).collect();
        run(folder, &[], &[&at[..], &cuts, &[kid]].concat())
    };
    let (inside, beyond) = (format!("{OLD}={index}"), format!("{OLD}=100000"));
    for (cuts, code, says) in [
        (&["other.example/log=3"][..], 1, "is no log before this one"),
        (&[beyond.as_str()], 1, "is beyond"),
        (&[&inside, &inside], 1, "stands twice"),
        (&["1", "2"], 64, "given twice"),
        (&["x=y"], 64, "is no index"),
    ] {
        let refused = ask(cuts);
        assert!(refused.code == Some(code) && refused.err.contains(says), "{cuts:?}: {refused:?}");
    }
    let ended = ask(&[&inside]);
    assert!(
        ended.code == Some(0) && ended.out.contains(&format!("and before entry {index} of {OLD}")),
        "{ended:?}"
    );
    bundle(folder, data, "bundle-5");
    expect(folder, "bundle-5", "first/6", (0, OLD));
    expect(folder, "bundle-5", "between/2", (1, "key.compromised"));
    expect(folder, "bundle-5", "second/1", (0, NEW));
}

/// A verifier that remembers follows, also if it saw nothing of the announcement, and does not go back.
fn remembered(folder: &Path) {
    for path in [&["bundle-1", "bundle-2", "bundle-3", "bundle-4"][..], &["bundle-1", "bundle-3", "bundle-4"]]
    {
        let memory = format!("memory-{}", path.len());
        for trust in path {
            let followed = verify(folder, trust, "first/6", &["--memory", &memory]);
            assert_eq!(followed.code, Some(0), "{trust} of {path:?}: {followed:?}");
        }
        let back = verify(folder, "bundle-1", "first/6", &["--memory", &memory]);
        assert!(back.code == Some(2) && format!("{back:?}").contains("trust.root-rollback"), "{back:?}");
    }
}

/// Both logs are clean, and the old one is served on by its registry.
fn audited(folder: &Path, new: &str) {
    let (old_key, new_key) = (vkey(folder, "old"), vkey(folder, "new"));
    let old = Server::start(folder, "frozen", &[], &["registry", "--data", "old", "--listen", "127.0.0.1:0"]);
    let report = succeed(folder, &["audit", &old.url, "--vkey", &old_key]);
    assert!(report.contains("25 issue, 5 status"), "{report}");
    let after = ["--after", &old.url, "--after-vkey", &old_key];
    succeed(folder, &[&["audit", new, "--vkey", &new_key], &after[..]].concat());
    // The other way round the old log would begin with what the new one came to.
    let wrong = ["audit", &old.url, "--vkey", &old_key, "--after", new, "--after-vkey", &new_key];
    let wrong = run(folder, &[], &wrong);
    assert!(wrong.code == Some(1) && wrong.out.contains("succession.state"), "{wrong:?}");
    assert_eq!(old.stop(), Some(0));
}

/// The frozen log is covered by landmarks to its end, its set moves on with the issuer, and what wallets made of it is taken by
/// doors that follow, whether the old log is still there or not.
#[test]
fn a_landmark_receipt_of_a_frozen_log_is_good_under_the_next() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--data", "old", "--origin", OLD]);
    let server = serve(folder, "old");
    issue(folder, ("old", &server.url), "first", ("300", "1"));
    drop(server);
    succeed(folder, ANNOUNCE);
    drop(serve(folder, "old"));
    succeed(folder, SWITCH);
    let published = fs::read_to_string(folder.join("old/public/checkpoint")).unwrap();
    let size = published.lines().nth(1).unwrap();
    let landmarks = fs::read_to_string(folder.join("old/public/landmarks")).unwrap();
    assert_eq!(landmarks.lines().nth(1), Some(size), "every leaf is covered");

    let server = serve(folder, "new");
    bundle(folder, "new", "bundle-1");
    let place = |number: u32| -> u64 {
        let text = fs::read_to_string(folder.join(format!("first/{number}.tlog-proof"))).unwrap();
        text.lines().find_map(|line| line.strip_prefix("index ")).unwrap().parse().unwrap()
    };
    // The tile of its 256 leaves is full.
    let early = (1..=300).min_by_key(|number| place(*number)).unwrap();
    let (credential, full) = (format!("first/{early}.jwt"), format!("first/{early}.tlog-proof"));
    let made = ["receipt", "--log", "old", "--trust", "bundle-1", "--receipt", &full, "--out", "small"];
    succeed(folder, &[&made[..], &[&credential]].concat());
    let by_landmark = |trust: &str| {
        run(folder, &[], &["verify", "--trust", trust, "--receipt", "small", "--json", &credential])
    };
    let taken = by_landmark("bundle-1");
    assert!(taken.code == Some(0) && taken.out.contains(OLD), "{taken:?}");
    // The issuer needs nothing of the old log's folder any more.
    fs::rename(folder.join("old"), folder.join("gone")).unwrap();
    change(folder, "suspend", ("new", &server.url), &["first/7.jwt"]);
    bundle(folder, "new", "bundle-2");
    assert_eq!(by_landmark("bundle-2").code, Some(0), "in the next feed");
    change(folder, "revoke", ("new", &server.url), &[&credential]);
    bundle(folder, "new", "bundle-3");
    let revoked = by_landmark("bundle-3");
    assert!(revoked.code == Some(1) && revoked.out.contains("status.revoked"), "{revoked:?}");

    // What was kept is proved again whenever it is used: damaged, it is left out, and all else goes on.
    let kept =
        fs::read_dir(folder.join("new/issuer/landmarks-before")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&kept).unwrap();
    fs::write(&kept, text.replacen("\"hashes\":\"", "\"hashes\":\"AAAA", 1)).unwrap();
    change(folder, "revoke", ("new", &server.url), &["first/8.jwt"]);
    bundle(folder, "new", "bundle-4");
    let unknown = by_landmark("bundle-4");
    assert!(unknown.code == Some(2) && unknown.out.contains("landmark.unknown"), "{unknown:?}");
    expect(folder, "bundle-4", "first/9", (0, OLD));
    assert_eq!(server.stop(), Some(0));
}

/// Both logs under the same quorum: the last checkpoint of the one is cosigned before the other begins.
#[test]
fn a_log_with_a_quorum_is_succeeded_by_one_under_the_same() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let variables = [("SILLOK_POLICY", "policy"), ("SILLOK_COSIGN_WAIT_SECONDS", "1")];
    let with = |arguments: &[&str]| {
        let ended = run(folder, &variables, arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.out
    };
    let serve = |data: &str| {
        let arguments = ["serve", "--data", data, "--listen", "127.0.0.1:0"];
        Server::start(folder, data, &variables, &arguments)
    };
    succeed(folder, &["init", "--data", "old", "--origin", OLD]);
    let witness = ["witness", "init", "--data", "witness", "--name", "witness.example"];
    let witness_key = succeed(folder, &witness);
    succeed(folder, &["witness", "add-log", &vkey(folder, "old"), "--data", "witness"]);
    let start = || {
        let arguments = ["witness", "--data", "witness", "--listen", "127.0.0.1:0"];
        Server::start(folder, "witness", &[], &arguments)
    };
    let asked = start();
    let policy = format!("witness one {} {}\nquorum one\n", witness_key.trim(), asked.url);
    fs::write(folder.join("old/policy"), policy).unwrap();

    let server = serve("old");
    issue(folder, ("old", &server.url), "first", ("3", "1"));
    drop(server);
    let next = with(ANNOUNCE);
    assert!(folder.join("new/policy").exists(), "the next folder has the policy too");
    drop(serve("old"));
    // The witness follows the next log before it is used.
    drop(asked);
    succeed(folder, &["witness", "add-log", next.trim(), "--data", "witness"]);
    let asked = start();
    for data in ["old", "new"] {
        let policy = format!("witness one {} {}\nquorum one\n", witness_key.trim(), asked.url);
        fs::write(folder.join(data).join("policy"), policy).unwrap();
    }
    with(SWITCH);
    let server = serve("new");
    issue(folder, ("new", &server.url), "second", ("3", "2"));
    bundle(folder, "new", "bundle-1");
    for (credential, origin) in [("first/1", OLD), ("second/1", NEW)] {
        let ended = verify(folder, "bundle-1", credential, &["--json"]);
        assert!(ended.code == Some(0) && ended.out.contains(origin), "{ended:?}");
    }
    assert_eq!(server.stop(), Some(0));
}
