//! The audit driver and its sources, on logs made by the pure crate alone: a folder, and the same files over HTTP.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/published.rs"]
mod published;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use sillok_client::audit::{Audit, AuditError, Claim};
use sillok_client::source::{Source, SourceError};
use sillok_log::TreeSize;
use sillok_log::audit::{Finding, LogKind};
use sillok_log::note::{SignatureKind, SignerKey, VerifierKey};
use sillok_log::tile::{Tile, TileKind};
use tempfile::TempDir;

fn key() -> SignerKey {
    SignerKey::from_seed("log.example/raw", SignatureKind::Ed25519, &[3; 32]).unwrap()
}

fn entry(number: usize) -> Vec<u8> {
    format!("entry {number}").into_bytes()
}

/// Writes the files of a log of this size, those of smaller sizes stay.
fn publish(folder: &Path, size: u64) {
    let entries: Vec<Vec<u8>> = (0..usize::try_from(size).unwrap()).map(entry).collect();
    published::publish(folder, &key(), &entries);
}

fn log(size: u64) -> (TempDir, Source, VerifierKey) {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), size);
    let source = Source::open(&folder.path().display().to_string()).unwrap();
    (folder, source, key().verifier())
}

fn findings(source: &Source, key: &VerifierKey) -> Vec<Finding> {
    let mut audit = Audit::new(source, key, LogKind::Raw);
    audit.advance(&mut |_progress| {}).unwrap();
    audit.finish().unwrap().findings.kept().to_vec()
}

#[test]
fn sizes_around_full_tiles_are_clean() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513, 256 * 8 + 3, 65_535, 65_536, 65_537] {
        let (_folder, source, key) = log(size);
        let mut audit = Audit::new(&source, &key, LogKind::Raw);
        let mut seen = 0;
        audit.advance(&mut |progress| seen = progress.done).unwrap();
        assert_eq!(seen, size);
        let report = audit.finish().unwrap();
        assert_eq!(report.findings.kept(), [], "size {size}");
        assert_eq!(report.unchecked, [], "size {size}");
        assert_eq!((report.replayed, report.counts.foreign()), (TreeSize(size), size));
    }
}

#[test]
fn an_audit_follows_a_log_that_grows() {
    let (folder, source, key) = log(0);
    let mut audit = Audit::new(&source, &key, LogKind::Raw);
    for size in [0, 1, 200, 256, 300, 511, 1_000, 1_000] {
        publish(folder.path(), size);
        audit.advance(&mut |_progress| {}).unwrap();
        assert_eq!(audit.auditor().size(), TreeSize(size));
    }
    // A log that takes back what it signed.
    publish(folder.path(), 999);
    audit.advance(&mut |_progress| {}).unwrap();
    let report = audit.finish().unwrap();
    let expected = Finding::Shrank { seen: TreeSize(1_000), stated: TreeSize(999) };
    assert_eq!(report.findings.kept(), [expected]);
    assert_eq!(report.evidence[0].claim(), Claim::Rollback);
    assert_eq!(report.checkpoint.size, TreeSize(1_000));
}

#[test]
fn a_bundle_that_changes_as_it_grows_is_found() {
    let (folder, source, key) = log(200);
    let mut audit = Audit::new(&source, &key, LogKind::Raw);
    audit.advance(&mut |_progress| {}).unwrap();
    publish(folder.path(), 300);
    let path = folder.path().join("tile/entries/000");
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] ^= 1;
    fs::write(&path, bytes).unwrap();
    audit.advance(&mut |_progress| {}).unwrap();
    let tile = Tile::new(TileKind::Entries, 0, 256).unwrap();
    assert_eq!(audit.finish().unwrap().findings.kept(), [Finding::TileMismatch { tile }]);
}

#[test]
fn a_partial_file_that_is_gone_is_cut_out_of_the_full_one() {
    let (folder, source, key) = log(300);
    publish(folder.path(), 600);
    let old = fs::read(folder.path().join("tile/entries/001.p/44")).unwrap();
    for partials in ["tile/0/001.p", "tile/entries/001.p"] {
        fs::remove_dir_all(folder.path().join(partials)).unwrap();
    }
    for kind in [TileKind::Entries, TileKind::Hashes(0)] {
        let cut = source.tile(&Tile::new(kind, 1, 44).unwrap()).unwrap().unwrap();
        let full = source.tile(&Tile::new(kind, 1, 256).unwrap()).unwrap().unwrap();
        assert!(full.starts_with(&cut) && cut.len() < full.len());
        if kind == TileKind::Entries {
            assert_eq!(cut, old);
        }
    }
    assert_eq!(source.tile(&Tile::new(TileKind::Entries, 9, 44).unwrap()).unwrap(), None);
    assert_eq!(findings(&source, &key), []);
}

#[test]
fn each_damage_is_one_finding_or_more() {
    let (folder, source, key) = log(600);
    for tile in Tile::all_for_size(TreeSize(600)).unwrap() {
        let path = folder.path().join(tile.path());
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        changed[20] ^= 4;
        fs::write(&path, &changed).unwrap();
        assert!(!findings(&source, &key).is_empty(), "{tile} changed");
        fs::write(&path, [bytes.as_slice(), b"x"].concat()).unwrap();
        assert!(!findings(&source, &key).is_empty(), "{tile} longer");
        fs::remove_file(&path).unwrap();
        assert_eq!(findings(&source, &key), [Finding::TileMissing { tile }]);
        fs::write(&path, &bytes).unwrap();
    }
    assert_eq!(findings(&source, &key), []);
}

#[test]
fn what_was_not_read_is_said() {
    let (folder, source, key) = log(600);
    fs::remove_file(folder.path().join("tile/entries/001")).unwrap();
    let mut audit = Audit::new(&source, &key, LogKind::Raw);
    audit.advance(&mut |_progress| {}).unwrap();
    assert!(!audit.is_complete());
    let report = audit.finish().unwrap();
    assert_eq!(report.replayed, TreeSize(256));
    assert!(report.unchecked[0].what.contains("256"), "{:?}", report.unchecked);
}

#[test]
fn without_a_checkpoint_of_the_log_there_is_no_audit() {
    let (folder, source, _key) = log(1);
    let stranger =
        SignerKey::from_seed("log.example/raw", SignatureKind::Ed25519, &[4; 32]).unwrap().verifier();
    let mut audit = Audit::new(&source, &stranger, LogKind::Raw);
    assert!(matches!(audit.advance(&mut |_progress| {}), Err(AuditError::Checkpoint { .. })));
    assert!(audit.finish().is_none());
    fs::remove_file(folder.path().join("checkpoint")).unwrap();
    assert!(matches!(source.checkpoint(), Err(SourceError::NoCheckpoint { .. })));
}

#[test]
fn a_source_reads_below_its_folder_only_and_up_to_a_limit() {
    let (folder, source, _key) = log(1);
    for path in ["../x", "/etc/passwd", "status//x", "", ".tmp/x", "a b"] {
        assert!(matches!(source.published(path, 10), Err(SourceError::Path { .. })), "{path}");
    }
    assert_eq!(source.published("trust-bundle", 10).unwrap(), None);
    fs::write(folder.path().join("trust-bundle"), "0123456789").unwrap();
    assert_eq!(source.published("trust-bundle", 10).unwrap().unwrap(), b"0123456789");
    assert!(matches!(source.published("trust-bundle", 9), Err(SourceError::TooLong { limit: 9, .. })));
    for place in ["http://", "http:///x", "https://h/?q", "https://user@h/", "ftp://h/", "/nowhere/at/all"] {
        assert!(Source::open(place).is_err(), "{place}");
    }
    // A data folder is known by its public folder.
    let data = tempfile::tempdir().unwrap();
    publish(&data.path().join("public"), 5);
    let source = Source::open(&data.path().display().to_string()).unwrap();
    assert_eq!(findings(&source, &key().verifier()), []);
}

/// Serves a folder, one connection a request. The first request for each path is answered with `first`.
fn serve(folder: TempDir, first: Option<u16>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut asked = std::collections::BTreeSet::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let Some(Ok(request)) = lines.next() else { continue };
            lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).for_each(drop);
            let path = request.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
            let (status, body) = match (
                first.filter(|_status| asked.insert(path.clone())),
                fs::read(folder.path().join(&path)),
            ) {
                (Some(status), _) => (status, Vec::new()),
                (None, Ok(body)) => (200, body),
                (None, Err(_absent)) => (404, Vec::new()),
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
fn over_http_a_moment_of_failure_is_waited_out() {
    let (folder, _source, key) = log(600);
    let source = Source::open(&serve(folder, Some(503))).unwrap();
    assert!(source.is_remote());
    assert_eq!(findings(&source, &key), []);
    assert_eq!(source.tile(&Tile::new(TileKind::Hashes(3), 0, 7).unwrap()).unwrap(), None);
    assert_eq!(source.published("trust-bundle", 10).unwrap(), None);
}

#[test]
fn over_http_what_is_strange_is_an_error() {
    let (folder, _source, _key) = log(1);
    fs::write(folder.path().join("trust-bundle"), "0123456789").unwrap();
    let source = Source::open(&serve(folder, None)).unwrap();
    assert_eq!(source.published("trust-bundle", 10).unwrap().unwrap(), b"0123456789");
    assert!(matches!(source.published("trust-bundle", 9), Err(SourceError::TooLong { .. })));
    let (folder, _source, _key) = log(1);
    let forbidding = Source::open(&serve(folder, Some(403))).unwrap();
    assert!(matches!(forbidding.checkpoint(), Err(SourceError::Status { status: 403, .. })));
}
