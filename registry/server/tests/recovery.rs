//! Opening a log from its files: what a crash left behind is made good, and whatever makes it unsafe is refused, by
//! name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sillok_log::audit::{Auditor, LogKind};
use sillok_log::entry::{Entry, Issue, IssuerHash, Key, KeyEvent, Thumbprint};
use sillok_log::ledger::Role;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};
use sillok_registry::store::{
    Blobs, Error, FileBlobs, FileHeads, FileSeen, Object, Seen as _, SeenBatch, SeenKey,
};
use sillok_registry::{
    Answer, Fatal, Handle, Level, Limits, Options, Outcome, Paths, Phase, Registry, Stores, SubmitError,
};

const ISSUER: Role = Role::Issuer(IssuerHash([1; 32]));
const NOW: u64 = 1_800_000_000;
const SEGMENT_BYTES: u64 = 16 << 10;

struct Folder {
    paths: Paths,
    _temporary: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        let paths = Paths {
            public: at("data/public"),
            segments: at("data/segments"),
            seen: at("data/seen"),
            head: at("head/record"),
        };
        Self { paths, _temporary: temporary }
    }

    fn create(&self) -> Registry {
        let stores = Stores::create(&self.paths, SEGMENT_BYTES).unwrap();
        ready(Registry::create(options("log.example/files"), stores, clock(NOW)).unwrap())
    }

    fn stores(&self) -> Stores {
        Stores::open(&self.paths, SEGMENT_BYTES).unwrap()
    }

    fn try_open(&self) -> Result<Registry, Fatal> {
        Registry::open(options("log.example/files"), self.stores(), clock(NOW)).map(ready)
    }

    fn open(&self) -> Registry {
        self.try_open().unwrap()
    }

    fn public(&self, path: &str) -> PathBuf {
        self.paths.public.join(path)
    }

    /// Replays the public log with the oracle and returns its entries.
    fn audit(&self) -> Vec<Vec<u8>> {
        let blobs = FileBlobs::open(&self.paths.public).unwrap();
        let note = blobs.checkpoint().unwrap().unwrap();
        let key = options("log.example/files").signer.verifier();
        let public = sillok_log::checkpoint::Checkpoint::open(&note, &key).unwrap();
        let mut auditor = Auditor::new(LogKind::Typed);
        let mut entries = Vec::new();
        for number in 0..public.size.0.div_ceil(256) {
            let width = (public.size.0 - number * 256).min(256) as u16;
            let bytes =
                blobs.get(&Tile::new(TileKind::Entries, number, width).unwrap().path()).unwrap().unwrap();
            for entry in parse_bundle(&bytes, width).unwrap() {
                assert_eq!(auditor.push(entry), None);
                entries.push(entry.to_vec());
            }
        }
        assert_eq!(auditor.judge(&public), vec![]);
        entries
    }
}

fn ready(registry: Registry) -> Registry {
    while registry.handle().phase() == Phase::Building {
        std::thread::yield_now();
    }
    registry
}

fn clock(now: u64) -> sillok_registry::Clock {
    Arc::new(move || UnixSeconds(now))
}

fn options(name: &str) -> Options {
    let signer = SignerKey::from_seed(name, SignatureKind::Ed25519, &[5; 32]).unwrap();
    Options { signer, kind: LogKind::Typed, limits: Limits::default() }
}

fn key() -> Vec<u8> {
    let key = Key {
        issuer: IssuerHash([1; 32]),
        key: Thumbprint([2; 32]),
        event: KeyEvent::Added,
        time: UnixSeconds(1),
        cuts: vec![],
    };
    Entry::Key(key).encode()
}

fn issues(from: u64, count: u64) -> Vec<Vec<u8>> {
    let issue = |number: u64| Issue {
        commitment: leaf_hash(&number.to_be_bytes()),
        issuer_key: Thumbprint([2; 32]),
        provenance: Hash([0; 32]),
        time: UnixSeconds(3600),
    };
    (from..from + count).map(|number| Entry::Issue(issue(number)).encode()).collect()
}

fn submit(handle: &Handle, entries: Vec<Vec<u8>>, level: Level) -> Result<Answer, SubmitError> {
    handle.submit_blocking(entries, ISSUER, level)
}

/// A log of `size` entries, closed.
fn begin(size: u64) -> Folder {
    let folder = Folder::new();
    let registry = folder.create();
    registry.handle().submit_blocking(vec![key()], Role::Administrator, Level::Committed).unwrap();
    submit(&registry.handle(), issues(1, size - 1), Level::Published).unwrap();
    registry.stop().unwrap();
    folder
}

/// Public files that can be made to fail.
struct Failing {
    inner: Arc<dyn Blobs>,
    failing: AtomicBool,
}

impl Failing {
    fn check(&self) -> Result<(), Error> {
        let path = PathBuf::from("public");
        if self.failing.load(Ordering::SeqCst) { Err(Error::Stopped { path }) } else { Ok(()) }
    }
}

impl Blobs for Failing {
    fn put_many(&self, objects: &[Object]) -> Result<(), Error> {
        self.check()?;
        self.inner.put_many(objects)
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(path)
    }

    fn discard_partials(&self, path: &str) -> Result<(), Error> {
        self.inner.discard_partials(path)
    }

    fn put_checkpoint(&self, note: &str) -> Result<(), Error> {
        self.check()?;
        self.inner.put_checkpoint(note)
    }

    fn checkpoint(&self) -> Result<Option<String>, Error> {
        self.inner.checkpoint()
    }
}

/// A log of 300 public entries and 400 more that are committed and only in segments.
fn committed_but_not_public() -> Folder {
    let folder = begin(300);
    let mut stores = folder.stores();
    let failing = Arc::new(Failing { inner: Arc::clone(&stores.blobs), failing: AtomicBool::new(false) });
    stores.blobs = Arc::clone(&failing) as Arc<dyn Blobs>;
    let limits = Limits { publish_interval: std::time::Duration::from_secs(2), ..Limits::default() };
    let slow = Options { limits, ..options("log.example/files") };
    let registry = ready(Registry::open(slow, stores, clock(NOW)).unwrap());
    let handle = registry.handle();
    // The first publication waits for nothing; the one after it waits for more, nearly as long as it may.
    submit(&handle, issues(1_000, 1), Level::Published).unwrap();
    submit(&handle, issues(1_001, 200), Level::Committed).unwrap();
    submit(&handle, issues(1_201, 200), Level::Committed).unwrap();
    failing.failing.store(true, Ordering::SeqCst);
    let error = submit(&handle, issues(2_000, 1), Level::Published).unwrap_err();
    assert!(matches!(error, SubmitError::Stopped { .. }), "{error}");
    assert_eq!(handle.committed().size(), TreeSize(702));
    assert_eq!(handle.published().size(), TreeSize(301));
    assert!(registry.stop().is_err());
    folder
}

#[test]
fn what_was_committed_and_not_public_is_published_from_the_segments() {
    let folder = committed_but_not_public();
    let registry = folder.open();
    let handle = registry.handle();
    assert_eq!(handle.published().size(), TreeSize(702));
    let again = submit(&handle, issues(1_201, 200), Level::Committed).unwrap();
    for (n, outcome) in (0..).zip(&again.results) {
        assert!(
            matches!(outcome, Outcome::Logged(l) if l.duplicate && l.index == LeafIndex(501 + n)),
            "{outcome:?}"
        );
    }
    submit(&handle, issues(5_000, 100), Level::Committed).unwrap();
    registry.stop().unwrap();
    let entries = folder.audit();
    assert_eq!(entries.len(), 802);
    assert_eq!(entries[501..701], issues(1_201, 200));
    let left = fs::read_dir(&folder.paths.segments).unwrap().count();
    assert!(left <= 2, "{left} segments are left after everything is public");
}

/// Its handles keep the index of a writer that has stopped: they ask it, and leave its files to the successor.
#[test]
fn a_writer_that_stopped_writes_nothing_into_the_index_of_its_successor() {
    let folder = begin(11);
    // One that stops by itself, with keys that are in memory alone, and whose handles go on reading.
    let now = Arc::new(AtomicU64::new(NOW));
    let reading = Arc::clone(&now);
    let clock = Arc::new(move || UnixSeconds(reading.load(Ordering::SeqCst)));
    let stopped = ready(Registry::open(options("log.example/files"), folder.stores(), clock).unwrap());
    let reader = stopped.handle();
    submit(&reader, issues(101, 10), Level::Published).unwrap();
    now.store(NOW - 60, Ordering::SeqCst);
    assert!(submit(&reader, issues(201, 1), Level::Committed).is_err());
    drop(stopped);
    // The lock is free. Two generations of a successor, each of which leaves a run.
    for from in [301, 401] {
        let registry = folder.open();
        submit(&registry.handle(), issues(from, 10), Level::Published).unwrap();
        registry.stop().unwrap();
    }
    drop(reader);
    let registry = folder.open();
    for from in [1, 101, 301, 401] {
        let again = submit(&registry.handle(), issues(from, 10), Level::Committed).unwrap();
        let known = |outcome: &Outcome| matches!(outcome, Outcome::Logged(logged) if logged.duplicate);
        assert!(again.results.iter().all(known), "{from}: {again:?}");
    }
    registry.stop().unwrap();
}

#[test]
fn a_missing_or_damaged_segment_below_the_head_is_refused_by_name() {
    let folder = committed_but_not_public();
    let mut segments: Vec<_> =
        fs::read_dir(&folder.paths.segments).unwrap().map(|e| e.unwrap().path()).collect();
    segments.sort();
    // The first holds an entry that is public already. The last that holds anything holds what is not.
    let holding =
        segments.iter().rev().find(|path| fs::read(path).unwrap().starts_with(b"SLKSEG01")).unwrap();
    let holding = holding.clone();
    let bytes = fs::read(&holding).unwrap();
    let mut damaged = bytes.clone();
    damaged[100] ^= 4;
    fs::write(&holding, &damaged).unwrap();
    let error = folder.try_open().err().unwrap().to_string();
    assert!(error.contains(holding.to_str().unwrap()), "{error}");
    fs::remove_file(&holding).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(matches!(&error, Fatal::Store { source: Error::Lacks { .. }, .. }), "{error}");
    fs::write(&holding, &bytes).unwrap();
    folder.open().stop().unwrap();
    assert_eq!(folder.audit().len(), 702);
}

#[test]
fn a_log_is_never_initialised_by_opening_it() {
    let folder = begin(5);
    let kept = fs::read(&folder.paths.head).unwrap();
    fs::remove_file(&folder.paths.head).unwrap();
    let missing = Stores::open(&folder.paths, SEGMENT_BYTES).err().unwrap();
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    // Nor by creating one over its public files.
    let stores = Stores::create(&folder.paths, SEGMENT_BYTES).unwrap();
    let error = Registry::create(options("log.example/files"), stores, clock(NOW)).err().unwrap();
    assert!(matches!(error, Fatal::PublicAhead { .. }), "{error}");
    let error = folder.try_open().err().unwrap();
    assert!(matches!(error, Fatal::HeadEmpty), "{error}");
    fs::write(&folder.paths.head, kept).unwrap();
    assert_eq!(folder.open().handle().published().size(), TreeSize(5));
    assert!(matches!(Stores::create(&folder.paths, SEGMENT_BYTES), Err(Error::Exists { .. })));
}

#[test]
fn a_second_writer_is_refused_while_the_first_lives() {
    let folder = begin(5);
    let first = folder.open();
    assert!(matches!(Stores::open(&folder.paths, SEGMENT_BYTES), Err(Error::Locked { .. })));
    submit(&first.handle(), issues(50, 1), Level::Published).unwrap();
    first.stop().unwrap();
    assert_eq!(folder.open().handle().published().size(), TreeSize(6));
}

#[test]
fn a_head_restored_from_a_backup_is_refused() {
    let folder = begin(5);
    let old = fs::read(&folder.paths.head).unwrap();
    let registry = folder.open();
    submit(&registry.handle(), issues(50, 1), Level::Published).unwrap();
    registry.stop().unwrap();
    fs::write(&folder.paths.head, old).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(matches!(error, Fatal::PublicAhead { public: TreeSize(6), head: TreeSize(5) }), "{error}");
}

#[test]
fn public_files_restored_from_a_backup_are_refused_when_the_segments_are_gone() {
    let folder = begin(300);
    let copy = folder.paths.public.with_file_name("backup");
    copy_all(&folder.paths.public, &copy);
    let registry = folder.open();
    for n in 0..20 {
        submit(&registry.handle(), issues(1_000 + n * 100, 100), Level::Published).unwrap();
    }
    registry.stop().unwrap();
    fs::remove_dir_all(&folder.paths.public).unwrap();
    fs::rename(&copy, &folder.paths.public).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(
        matches!(error, Fatal::Store { source: Error::Lacks { leaf: LeafIndex(300), .. }, .. }),
        "{error}"
    );
    fs::remove_file(folder.public("checkpoint")).unwrap();
    let error = folder.try_open().err().unwrap();
    assert!(matches!(error, Fatal::PublicMissing { .. }), "{error}");
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_flipped_bit_at_the_right_edge_is_found_at_the_opening() {
    // 256 + 44: a partial tile of leaves, a partial tile above it, a partial bundle.
    let folder = begin(300);
    for path in ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44", "checkpoint"] {
        let bytes = fs::read(folder.public(path)).unwrap();
        for at in [0, bytes.len() / 2, bytes.len() - 2] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(folder.public(path), &damaged).unwrap();
            assert!(folder.try_open().is_err(), "{path} byte {at}");
        }
        fs::write(folder.public(path), &bytes).unwrap();
    }
    folder.open().stop().unwrap();
}

#[test]
fn a_tile_that_is_there_with_other_bytes_ends_the_writer_and_nothing_is_public() {
    let folder = begin(300);
    fs::write(folder.public("tile/0/001.p/45"), [7; 45 * 32]).unwrap();
    let registry = folder.open();
    let error = submit(&registry.handle(), issues(900, 1), Level::Published).unwrap_err();
    assert!(
        matches!(&error, SubmitError::Stopped { reason } if reason.contains("tile/0/001.p/45")),
        "{error}"
    );
    assert_eq!(registry.handle().published().size(), TreeSize(300));
}

#[test]
fn partial_files_of_full_tiles_are_removed_and_the_last_ones_kept() {
    let folder = begin(200);
    let registry = folder.open();
    submit(&registry.handle(), issues(1_000, 30), Level::Published).unwrap();
    assert!(folder.public("tile/0/000.p/230").exists());
    submit(&registry.handle(), issues(2_000, 30), Level::Published).unwrap();
    registry.stop().unwrap();
    assert!(folder.public("tile/0/000").exists() && folder.public("tile/entries/000").exists());
    assert!(!folder.public("tile/0/000.p").exists() && !folder.public("tile/entries/000.p").exists());
    assert!(folder.public("tile/0/001.p/4").exists() && folder.public("tile/1/000.p/1").exists());
}

#[test]
fn another_key_another_kind_and_a_clock_far_behind_are_refused() {
    let folder = begin(5);
    let open = |options, now| Registry::open(options, folder.stores(), clock(now)).err();
    let error = open(options("log.example/other"), NOW);
    assert!(matches!(error, Some(Fatal::Checkpoint { which: "head's", .. })), "{error:?}");
    let error = open(Options { kind: LogKind::Raw, ..options("log.example/files") }, NOW);
    assert!(matches!(error, Some(Fatal::Kind { found: LogKind::Typed })), "{error:?}");
    let error = open(options("log.example/files"), NOW - 11);
    assert!(matches!(error, Some(Fatal::ClockBehind { .. })), "{error:?}");
    assert!(open(options("log.example/files"), NOW - 5).is_none());
}

#[test]
fn a_log_that_was_opened_a_year_ahead_goes_on_once_its_operator_says_so() {
    let folder = begin(5);
    let year = 31_536_000;
    let open = |now| Registry::open(options("log.example/files"), folder.stores(), clock(now)).map(ready);
    let registry = open(NOW + year).unwrap();
    submit(&registry.handle(), issues(50, 1), Level::Published).unwrap();
    registry.stop().unwrap();
    assert!(matches!(open(NOW + 60), Err(Fatal::ClockBehind { .. })));
    let signer = options("log.example/files").signer;
    let accept = |now| {
        let heads = FileHeads::open(&folder.paths.head).unwrap();
        Registry::accept_earlier_clock(&signer, &heads, UnixSeconds(now)).unwrap()
    };
    assert_eq!(accept(NOW + 60), UnixSeconds(NOW + year));
    assert_eq!(accept(NOW + 90), UnixSeconds(NOW + 60), "a later time is not recorded");
    let registry = open(NOW + 60).unwrap();
    submit(&registry.handle(), issues(60, 1), Level::Published).unwrap();
    registry.stop().unwrap();
    assert_eq!(folder.audit().len(), 7);
    assert!(matches!(open(NOW), Err(Fatal::ClockBehind { .. })), "the next time it is refused again");
    let other = options("log.example/other").signer;
    let heads = FileHeads::open(&folder.paths.head).unwrap();
    assert!(Registry::accept_earlier_clock(&other, &heads, UnixSeconds(1)).is_err());
}

#[test]
fn an_index_that_is_lost_late_or_wrong_is_brought_up_to_the_log() {
    let folder = begin(600);
    let recognised = |what: &str| {
        let registry = folder.open();
        let answer = submit(&registry.handle(), issues(1, 599), Level::Committed).unwrap();
        for (n, outcome) in (1..).zip(&answer.results) {
            let place = matches!(outcome, Outcome::Logged(l) if l.duplicate && l.index.0 == n);
            assert!(place, "{what}: {outcome:?}");
        }
        // The ledger is there too: the key is known, once.
        let second =
            registry.handle().submit_blocking(vec![key()], Role::Administrator, Level::Committed).unwrap();
        assert!(matches!(&second.results[0], Outcome::Logged(l) if l.index.0 == 0), "{what}");
        registry.stop().unwrap();
    };
    fs::remove_dir_all(&folder.paths.seen).unwrap();
    recognised("lost");
    let note = |batch: &SeenBatch| FileSeen::open(&folder.paths.seen).unwrap().note(batch).unwrap();
    note(&SeenBatch { watermark: TreeSize(601), ..SeenBatch::default() });
    recognised("ahead of the log");
    let invented = Entry::Key(Key {
        issuer: IssuerHash([9; 32]),
        key: Thumbprint([9; 32]),
        event: KeyEvent::Added,
        time: UnixSeconds(1),
        cuts: vec![],
    });
    let controls = vec![(LeafIndex(3), invented.encode())];
    note(&SeenBatch { watermark: TreeSize(600), controls, ..SeenBatch::default() });
    recognised("with an invented control");
    FileSeen::open(&folder.paths.seen).unwrap().clear().unwrap();
    note(&SeenBatch { watermark: TreeSize(0), ..SeenBatch::default() });
    recognised("empty");
    // A key that points to another leaf is no hit: the log is the judge.
    let registry = folder.open();
    drop(registry);
    let wrong = SeenKey::Commitment(leaf_hash(&7_000_u64.to_be_bytes()).0);
    note(&SeenBatch { watermark: TreeSize(600), keys: vec![(wrong, LeafIndex(5))], ..SeenBatch::default() });
    let registry = folder.open();
    let answer = submit(&registry.handle(), issues(7_000, 1), Level::Published).unwrap();
    assert!(matches!(&answer.results[0], Outcome::Logged(l) if !l.duplicate && l.index.0 == 600));
    registry.stop().unwrap();
    assert_eq!(folder.audit().len(), 601);
}

#[test]
fn a_flipped_bit_in_an_old_bundle_is_found_when_the_index_is_rebuilt() {
    let folder = begin(600);
    fs::remove_dir_all(&folder.paths.seen).unwrap();
    for path in ["tile/entries/000", "tile/0/000"] {
        let bytes = fs::read(folder.public(path)).unwrap();
        let mut damaged = bytes.clone();
        damaged[1_000] ^= 1;
        fs::write(folder.public(path), &damaged).unwrap();
        let registry = folder.open();
        assert!(
            matches!(registry.handle().phase(), Phase::Stopped { reason } if reason.contains("tile/")),
            "{path}"
        );
        drop(registry);
        fs::write(folder.public(path), &bytes).unwrap();
    }
}

#[test]
fn a_log_whose_creation_ended_after_its_head_is_opened_with_its_first_checkpoint() {
    let folder = Folder::new();
    folder.create().stop().unwrap();
    fs::remove_file(folder.public("checkpoint")).unwrap();
    assert_eq!(folder.open().handle().published().size(), TreeSize(0));
    assert!(folder.public("checkpoint").exists());
}
