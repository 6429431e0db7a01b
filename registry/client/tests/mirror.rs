//! The mirror, on logs made by the pure crate: what it copies is the log byte for byte, and what is wrong is never stored.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/published.rs"]
mod published;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sillok_client::audit::{Audit, Claim};
use sillok_client::mirror::{Mirror, MirrorError, Outcome};
use sillok_client::source::Source;
use sillok_log::TreeSize;
use sillok_log::audit::LogKind;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::policy::Policy;
use tempfile::TempDir;

fn key() -> SignerKey {
    SignerKey::from_seed("log.example/raw", SignatureKind::Ed25519, &[3; 32]).unwrap()
}

/// Writes the files of a log of this size, of entries that begin with `salt`; those of smaller sizes stay.
fn publish(folder: &Path, size: u64, salt: &str) {
    let entries: Vec<Vec<u8>> = (0..size).map(|number| format!("{salt} {number}").into_bytes()).collect();
    published::publish(folder, &key(), &entries);
}

fn advance(log: &Path, out: &Path) -> Result<Outcome, MirrorError> {
    let source = Source::open(&log.display().to_string()).unwrap();
    Mirror::open(&source, &key().verifier(), None, out)?.advance(&|_progress| {})
}

/// All files below a folder that are served.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".tmp") {
                assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
            } else if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with(".lock") {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

/// The files that a log of this size has, and no other.
fn expected(size: u64) -> BTreeMap<String, Vec<u8>> {
    let log = tempfile::tempdir().unwrap();
    publish(log.path(), size, "entry");
    files(log.path())
}

#[test]
fn the_copy_of_any_size_is_the_log_byte_for_byte() {
    for size in [0, 1, 255, 256, 257, 512, 600, 256 * 5, 65_536, 65_537] {
        let (log, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        publish(log.path(), size, "entry");
        assert!(matches!(advance(log.path(), out.path()).unwrap(), Outcome::Copied(_)));
        assert!(files(out.path()) == files(log.path()), "{size}");
        assert!(matches!(advance(log.path(), out.path()).unwrap(), Outcome::Unchanged(_)));
    }
}

#[test]
fn a_mirror_that_follows_is_a_log_that_can_be_audited_at_every_size() {
    let (log, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for size in [1, 3, 250, 256, 300, 700, 700, 1_025, 66_000] {
        publish(log.path(), size, "entry");
        advance(log.path(), out.path()).unwrap();
        let source = Source::open(&out.path().display().to_string()).unwrap();
        let key = key().verifier();
        let mut audit = Audit::new(&source, &key, LogKind::Raw);
        audit.advance(&mut |_progress| {}).unwrap();
        let report = audit.finish().unwrap();
        assert_eq!((report.findings.total(), report.unchecked.len()), (0, 0), "{size}");
        assert_eq!(report.replayed, TreeSize(size));
        let copied = files(out.path());
        assert!(expected(size).iter().all(|(name, bytes)| copied.get(name) == Some(bytes)), "{size}");
        // A partial file of before stays until its full one is there.
        let stale = |name: &String| {
            let full = name.split(".p/").next().unwrap();
            name.contains(".p/") && copied.contains_key(full)
        };
        assert!(!copied.keys().any(stale), "{size}: {:?}", copied.keys());
    }
}

/// A mirror of the first `size` entries.
fn mirrored(size: u64) -> TempDir {
    let out = tempfile::tempdir().unwrap();
    for (name, bytes) in expected(size) {
        let path = out.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    out
}

#[test]
fn a_wrong_byte_is_never_stored_and_the_mirror_goes_on_when_it_is_mended() {
    let log = tempfile::tempdir().unwrap();
    publish(log.path(), 300, "entry");
    publish(log.path(), 900, "entry");
    let good = expected(900);
    let damages: [fn(&mut Vec<u8>); 3] =
        [|bytes| bytes[9] ^= 1, |bytes| bytes.truncate(bytes.len() - 1), Vec::clear];
    for name in good.keys().filter(|name| *name != "checkpoint") {
        let path = log.path().join(name);
        for damage in damages {
            let mut bytes = good[name].clone();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            for (out, size) in [(tempfile::tempdir().unwrap(), 0), (mirrored(300), 300)] {
                let outcome = advance(log.path(), out.path());
                // What a mirror holds is not copied again; nor is it where nobody asks for it.
                assert_eq!(outcome.is_ok(), size == 300 && name.ends_with("/000"), "{name}: {outcome:?}");
                let mut stored = files(out.path());
                if outcome.is_err() {
                    assert_eq!(
                        stored.remove("checkpoint"),
                        expected(size).remove("checkpoint").filter(|_| size > 0)
                    );
                }
                let of_log = |name: &String| good.get(name).cloned().or_else(|| expected(size).remove(name));
                assert!(stored.iter().all(|(name, bytes)| of_log(name).as_ref() == Some(bytes)), "{name}");
            }
            fs::write(&path, &good[name]).unwrap();
        }
    }
    let out = mirrored(300);
    advance(log.path(), out.path()).unwrap();
    assert!(good.iter().all(|(name, bytes)| files(out.path()).get(name) == Some(bytes)));
}

#[test]
fn a_torn_file_of_an_interrupted_copy_is_fetched_again() {
    let (log, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(log.path(), 900, "entry");
    let good = expected(900);
    for (position, name) in good.keys().filter(|name| *name != "checkpoint").enumerate() {
        let path = out.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &good[name][..if position % 2 == 0 { 0 } else { 10 }]).unwrap();
    }
    advance(log.path(), out.path()).unwrap();
    assert!(files(out.path()) == good);
}

#[test]
fn a_log_that_goes_back_or_forks_is_an_alarm_and_changes_nothing() {
    let (log, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(log.path(), 900, "entry");
    advance(log.path(), out.path()).unwrap();
    let before = files(out.path());
    for (size, salt, claim) in
        [(800, "entry", Claim::Rollback), (900, "other", Claim::Fork), (1_000, "other", Claim::Fork)]
    {
        publish(log.path(), size, salt);
        match advance(log.path(), out.path()).unwrap() {
            Outcome::Alarm(evidence) => {
                assert_eq!(evidence.claim(), claim, "{size}");
                evidence.check(&key().verifier()).unwrap();
            }
            other => panic!("{size}: {other:?}"),
        }
        assert!(files(out.path()) == before, "{size}");
    }
}

/// Serves a folder, one connection a request. The first request for each path is answered with 503.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut asked = BTreeSet::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let Some(Ok(request)) = lines.next() else { continue };
            lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).for_each(drop);
            let path = request.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
            let (status, body) = match (asked.insert(path.clone()), fs::read(folder.join(&path))) {
                (true, _) => (503, Vec::new()),
                (false, Ok(body)) => (200, body),
                (false, Err(_absent)) => (404, Vec::new()),
            };
            let head =
                format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    url
}

#[test]
fn a_mirror_is_served_as_the_log_and_mirrored_again() {
    let (log, first, second) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(log.path(), 1_100, "entry");
    for (from, to) in [(log.path(), first.path()), (first.path(), second.path())] {
        let (source, key) = (Source::open(&serve(from.into())).unwrap(), key().verifier());
        let mut mirror = Mirror::open(&source, &key, None, to).unwrap();
        let done = AtomicU64::new(0);
        mirror
            .advance(&|progress| {
                done.fetch_max(progress.done, Ordering::Relaxed);
            })
            .unwrap();
        assert_eq!(done.into_inner(), 1_100);
    }
    assert!(files(second.path()) == files(log.path()));
}

#[test]
fn a_folder_is_of_one_mirror_at_a_time() {
    let (log, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(log.path(), 10, "entry");
    let (source, key) = (Source::open(&log.path().display().to_string()).unwrap(), key().verifier());
    let first = Mirror::open(&source, &key, None, out.path()).unwrap();
    let second = Mirror::open(&source, &key, None, out.path());
    assert!(matches!(second, Err(MirrorError::Io { operation: "lock", .. })), "{second:?}");
    drop(first);
    assert!(Mirror::open(&source, &key, None, out.path()).is_ok());
}

#[test]
fn what_does_not_meet_the_policy_is_not_mirrored() {
    let (log, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(log.path(), 10, "entry");
    let witness =
        SignerKey::from_seed("w.example", SignatureKind::CosignatureV1, &[7; 32]).unwrap().verifier();
    let text = format!("log {}\nwitness w {witness}\nquorum w\n", key().verifier());
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let (source, key) = (Source::open(&log.path().display().to_string()).unwrap(), key().verifier());
    let mut mirror = Mirror::open(&source, &key, Some(&policy), out.path()).unwrap();
    assert!(matches!(mirror.advance(&|_progress| {}), Err(MirrorError::Policy(_))));
    assert!(files(out.path()).is_empty());
}
