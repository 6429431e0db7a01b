//! `sillok monitor` on a real log: each finding is told once, to people, to a file and to a webhook.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/checkpoint.rs"]
mod checkpoint;
#[path = "support/files.rs"]
mod files;
#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};

use program::{Ended, run, succeed};
use serde_json::Value;
use server::Server;
use sillok_log::Hash;
use sillok_log::note::{SignatureKind, SignerKey};
use tempfile::TempDir;

fn log() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["init", "--data", "d"]);
    let key = succeed(folder.path(), &["keys", "show", "--data", "d", "--log-vkey"]).trim().to_owned();
    world::fill(&folder.path().join("d"));
    (folder, key)
}

fn look(folder: &Path, key: &str, more: &[&str]) -> Ended {
    run(folder, &[], &[&["monitor", "d", "--vkey", key, "--state", "s", "--once"], more].concat())
}

/// Answers each request with the next status, the last one for ever, and hands on the bodies.
fn webhook(statuses: &'static [u16]) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, bodies) = mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = statuses.get(number).or_else(|| statuses.last()).unwrap();
            let head = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            if *status == 200 && sender.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    (url, bodies)
}

#[test]
fn a_finding_is_told_once_and_a_webhook_that_fails_is_asked_again() {
    let (folder, key) = log();
    let (url, bodies) = webhook(&[503, 200]);
    let clean = look(folder.path(), &key, &["--webhook", &url, "--report", "page.html"]);
    assert_eq!((clean.code, clean.out.as_str()), (Some(0), ""), "{clean:?}");
    assert!(!clean.err.contains("panicked"), "{clean:?}");
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("clean") && page.contains("<svg"), "{page}");
    assert!(page.contains("Issued under key "), "{page}");

    // The other plane under this plane's name.
    let list = folder.path().join("d/public/status/04040404040404040404040404040404");
    fs::copy(list.join("suspension"), list.join("revocation")).unwrap();
    let found = look(folder.path(), &key, &["--webhook", &url]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.out.starts_with("finding list.malformed: "), "{found:?}");
    let posted = bodies.recv().unwrap();
    assert_eq!((&posted["code"], &posted["type"]), (&"list.malformed".into(), &"sillok-finding/v1".into()));
    assert_eq!(posted["size"], 604);
    // Told once, also by another process.
    let again = look(folder.path(), &key, &["--webhook", &url]);
    assert_eq!((again.code, again.out.as_str()), (Some(1), ""), "{again:?}");
    assert!(bodies.try_recv().is_err());
    let lines = fs::read_to_string(folder.path().join("s/findings.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 1, "{lines}");
}

#[test]
fn a_line_that_a_crash_cut_off_is_told_again_and_takes_none_with_it() {
    let (folder, key) = log();
    let list = folder.path().join("d/public/status/04040404040404040404040404040404");
    fs::copy(list.join("suspension"), list.join("revocation")).unwrap();
    let told = look(folder.path(), &key, &[]);
    assert!(told.out.starts_with("finding list.malformed: "), "{told:?}");
    let path = folder.path().join("s/findings.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    // Nothing of it, half of it, all but its end, and all but the end of the line.
    for kept in [1, whole.len() / 2, whole.len() - 2, whole.len() - 1] {
        fs::write(&path, &whole[..kept]).unwrap();
        let again = look(folder.path(), &key, &[]);
        let is_whole = kept == whole.len() - 1;
        assert_eq!((again.code, again.out.is_empty()), (Some(1), is_whole), "{kept} bytes: {again:?}");
        let text = fs::read_to_string(&path).unwrap();
        let (cut, after) = text.split_once('\n').unwrap();
        assert_eq!(cut, &whole[..kept], "what is there stays");
        let lines: Vec<Value> = after.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), usize::from(!is_whole), "{text}");
        assert!(lines.iter().all(|line| line["code"] == "list.malformed"), "{text}");
        assert!(text.ends_with('\n'), "{text}");
        // What was told again is known from then on.
        let third = look(folder.path(), &key, &[]);
        assert_eq!((third.code, third.out.as_str()), (Some(1), ""), "{kept} bytes: {third:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{kept} bytes");
    }
}

#[test]
fn a_policy_that_is_not_met_is_found_and_may_pass() {
    let (folder, key) = log();
    fs::write(folder.path().join("none"), format!("log {key}\nquorum none\n")).unwrap();
    let witness =
        SignerKey::from_seed("w.example", SignatureKind::CosignatureV1, &[7; 32]).unwrap().verifier();
    let quorum = format!("log {key}\nwitness w {witness}\nquorum w\n");
    fs::write(folder.path().join("one"), quorum).unwrap();
    for (policy, code, lines) in [("none", 0, 0), ("one", 1, 1), ("one", 1, 1), ("none", 0, 2), ("one", 1, 3)]
    {
        let looked = look(folder.path(), &key, &["--policy", policy]);
        assert_eq!(looked.code, Some(code), "{looked:?}");
        let told = fs::read_to_string(folder.path().join("s/findings.jsonl")).unwrap_or_default();
        assert_eq!(told.lines().count(), lines, "{policy}: {told}");
    }
    // Nothing newer was seen since the monitor began.
    let observed = folder.path().join("s/observed.json");
    let mut seen: Value = serde_json::from_str(&fs::read_to_string(&observed).unwrap()).unwrap();
    seen["since"] = 1.into();
    fs::write(&observed, seen.to_string()).unwrap();
    let stale = look(folder.path(), &key, &["--max-age", "3600"]);
    assert_eq!(stale.code, Some(1), "{stale:?}");
    assert!(stale.out.contains("finding checkpoint.stale: "), "{stale:?}");
}

#[test]
fn a_fork_is_kept_as_evidence() {
    let (folder, key) = log();
    assert_eq!(look(folder.path(), &key, &[]).code, Some(0));
    let note = checkpoint::signed(&folder.path().join("d"), 604, Hash([7; 32]));
    fs::write(folder.path().join("d/public/checkpoint"), note).unwrap();
    for out in ["finding log.forked", ""] {
        let forked = look(folder.path(), &key, &[]);
        assert_eq!(forked.code, Some(1), "{forked:?}");
        assert!(forked.out.starts_with(out), "{forked:?}");
    }
    let evidence: Vec<_> = fs::read_dir(folder.path().join("s/audit.d"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    assert_eq!(evidence.len(), 1);
    let value: Value = serde_json::from_str(&fs::read_to_string(&evidence[0]).unwrap()).unwrap();
    assert_eq!((&value["claim"], &value["log"]), (&"fork".into(), &key.as_str().into()));
}

#[test]
fn a_monitor_that_follows_serves_its_metrics_and_ends_when_asked() {
    let (folder, key) = log();
    let arguments =
        ["monitor", "d", "--vkey", &key, "--state", "s", "--listen", "127.0.0.1:0", "--interval", "1"];
    let server = Server::start(folder.path(), "monitor", &[], &arguments);
    let get = |path: &str| {
        let mut answer = ureq::get(format!("{}{path}", server.url)).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    };
    assert_eq!(get("/healthz"), "ok\n");
    // It looks at once; the first look may not be over.
    let page = loop {
        let page = get("/metrics");
        if page.contains("sillok_monitor_size") {
            break page;
        }
    };
    for line in [
        "sillok_monitor_replayed 604",
        "sillok_monitor_findings 0",
        "sillok_monitor_entries{kind=\"issue\"} 600",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
    // By key within the hour: the sums are those by key.
    let sum = |name: &str| -> u64 {
        let prefix = format!("sillok_monitor_{name}{{kid=");
        let lines = page.lines().filter(|line| line.starts_with(&prefix));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    };
    assert_eq!((sum("issued_by_key_and_hour"), sum("issued")), (600, 600), "{page}");
    assert!(page.contains(",hour=\""), "{page}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_list_that_has_not_changed_is_sent_once() {
    let (folder, key) = log();
    let (url, sent) = files::serve(&folder.path().join("d/public"));
    let arguments = ["monitor", &url, "--vkey", &key, "--listen", "127.0.0.1:0", "--interval", "1"];
    let server = Server::start(folder.path(), "monitor", &[], &arguments);
    let looks = || -> u64 {
        let mut answer = ureq::get(format!("{}/metrics", server.url)).call().unwrap();
        let page = answer.body_mut().read_to_string().unwrap();
        assert!(!page.contains("sillok_monitor_findings 1"), "{page}");
        let line = page.lines().find_map(|line| line.strip_prefix("sillok_monitor_looks_total "));
        line.unwrap().parse().unwrap()
    };
    while looks() < 3 {
        std::thread::yield_now();
    }
    let sent = sent.lock().unwrap().clone();
    let lists: BTreeMap<_, _> = sent.iter().filter(|(path, _count)| path.starts_with("status/")).collect();
    assert!(lists.len() == 4 && lists.values().all(|count| **count == 1), "{sent:?}");
    assert!(sent["checkpoint"] >= 3, "{sent:?}");
    assert_eq!(server.stop(), Some(0));
}
