//! What a log answers: places, duplicates, refusals, push-back, and how it stops.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, Issue, IssuerHash, Key, KeyEvent, Thumbprint};
use sillok_log::ledger::Role;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::receipt::Receipt;
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};
use sillok_registry::segment::{Place, Segments, Staging};
use sillok_registry::store::{Error, MemoryBlobs, MemoryHeads, MemorySeen};
use sillok_registry::{
    Clock, Handle, Level, Limits, Logged, Options, Outcome, Phase, Registry, Stores, SubmitError,
};

const ISSUER: Role = Role::Issuer(IssuerHash([1; 32]));

fn signer() -> SignerKey {
    SignerKey::from_seed("log.example/test", SignatureKind::Ed25519, &[3; 32]).unwrap()
}

/// A staging area that can be held up, and that can damage what it reads back.
struct Gate {
    inner: Segments,
    closed: Mutex<bool>,
    opened: Condvar,
    flip: AtomicBool,
    arrived: AtomicU64,
}

impl Gate {
    fn set(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.opened.notify_all();
    }
}

impl Staging for Gate {
    fn append(&self, start: LeafIndex, entries: &[Vec<u8>]) -> Result<Place, Error> {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        let closed = self.closed.lock().unwrap();
        drop(self.opened.wait_while(closed, |closed| *closed).unwrap());
        self.inner.append(start, entries)
    }

    fn read_back(&self, place: &Place) -> Result<Vec<u8>, Error> {
        let mut bytes = self.inner.read_back(place)?;
        if self.flip.load(Ordering::SeqCst) {
            *bytes.last_mut().unwrap() ^= 1;
        }
        Ok(bytes)
    }

    fn replay(&self, from: TreeSize, to: TreeSize) -> Result<Vec<Vec<u8>>, Error> {
        self.inner.replay(from, to)
    }

    fn retire(&self, published: TreeSize) -> Result<(), Error> {
        self.inner.retire(published)
    }
}

struct World {
    registry: Registry,
    handle: Handle,
    gate: Arc<Gate>,
    clock: Arc<AtomicU64>,
    _folder: tempfile::TempDir,
}

fn world(kind: LogKind, limits: Limits) -> World {
    let folder = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate {
        inner: Segments::open(folder.path(), 1 << 16).unwrap(),
        closed: Mutex::new(false),
        opened: Condvar::new(),
        flip: AtomicBool::new(false),
        arrived: AtomicU64::new(0),
    });
    let stores = Stores {
        blobs: Arc::new(MemoryBlobs::default()),
        heads: Arc::new(MemoryHeads::default()),
        seen: Arc::new(MemorySeen::default()),
        staging: Arc::clone(&gate) as Arc<dyn Staging>,
    };
    let clock = Arc::new(AtomicU64::new(1_800_000_000));
    let read = Arc::clone(&clock);
    let now: Clock = Arc::new(move || UnixSeconds(read.load(Ordering::SeqCst)));
    let registry = Registry::create(Options { signer: signer(), kind, limits }, stores, now).unwrap();
    let handle = registry.handle();
    while handle.phase() == Phase::Building {
        std::thread::yield_now();
    }
    World { registry, handle, gate, clock, _folder: folder }
}

fn typed() -> World {
    let world = world(LogKind::Typed, Limits::default());
    let added = world.handle.submit_blocking(vec![key()], Role::Administrator, Level::Committed).unwrap();
    assert!(matches!(added.results[..], [Outcome::Logged(_)]));
    world
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

fn issue(number: u64) -> Vec<u8> {
    let issue = Issue {
        commitment: leaf_hash(&number.to_be_bytes()),
        issuer_key: Thumbprint([2; 32]),
        provenance: Hash([0; 32]),
        time: UnixSeconds(3600),
    };
    Entry::Issue(issue).encode()
}

fn logged(outcome: &Outcome) -> &Logged {
    match outcome {
        Outcome::Logged(logged) => logged,
        Outcome::Refused { code, detail } => panic!("refused: {code}: {detail}"),
    }
}

/// Checks a receipt as a stranger would, and returns the size that it is relative to.
fn check(logged: &Logged, entry: &[u8]) -> TreeSize {
    let receipt = Receipt::parse(logged.receipt.encode().as_bytes()).unwrap();
    assert_eq!(receipt.index, logged.index);
    let checkpoint = Checkpoint::open(&receipt.checkpoint, &signer().verifier()).unwrap();
    receipt.check(&leaf_hash(entry), &checkpoint).unwrap();
    checkpoint.size
}

#[test]
fn a_log_begins_with_a_public_checkpoint_of_size_0() {
    let world = world(LogKind::Typed, Limits::default());
    assert_eq!(world.handle.published().size(), TreeSize(0));
    assert_eq!(world.handle.committed().size(), TreeSize(0));
}

#[test]
fn every_entry_gets_the_next_place_and_a_receipt_that_verifies() {
    let world = typed();
    let mut at = 1;
    for count in [1_u64, 3, 250, 2, 1, 600] {
        let entries: Vec<_> = (at..at + count).map(issue).collect();
        let answer = world.handle.submit_blocking(entries.clone(), ISSUER, Level::Committed).unwrap();
        for (n, (outcome, entry)) in answer.results.iter().zip(&entries).enumerate() {
            let logged = logged(outcome);
            assert_eq!((logged.index, logged.duplicate), (LeafIndex(at + n as u64), false));
            assert_eq!(check(logged, entry), TreeSize(at + count));
        }
        at += count;
        assert_eq!(world.handle.committed().size(), TreeSize(at));
    }
    world.registry.stop().unwrap();
    assert_eq!(world.handle.published().size(), TreeSize(at), "a graceful stop publishes");
}

#[test]
fn a_repeated_entry_is_answered_with_its_place_in_the_batch_and_later_and_published() {
    let world = typed();
    let answer =
        world.handle.submit_blocking(vec![issue(1), issue(2), issue(1)], ISSUER, Level::Committed).unwrap();
    let places: Vec<_> = answer.results.iter().map(logged).map(|l| (l.index.0, l.duplicate)).collect();
    assert_eq!(places, [(1, false), (2, false), (1, true)]);
    check(logged(&answer.results[2]), &issue(1));
    for level in [Level::Committed, Level::Published, Level::Committed] {
        let again = world.handle.submit_blocking(vec![issue(2), issue(1)], ISSUER, level).unwrap();
        let places: Vec<_> = again.results.iter().map(logged).map(|l| (l.index.0, l.duplicate)).collect();
        assert_eq!(places, [(2, true), (1, true)]);
        check(logged(&again.results[0]), &issue(2));
    }
    // A key event is recognised by its bytes, too.
    let again = world.handle.submit_blocking(vec![key()], Role::Administrator, Level::Committed).unwrap();
    assert_eq!((logged(&again.results[0]).index.0, logged(&again.results[0]).duplicate), (0, true));
    assert_eq!(world.handle.committed().size(), TreeSize(3), "nothing was appended");
    assert_eq!(world.handle.stats().entries_duplicate.load(Ordering::SeqCst), 8);
}

#[test]
fn a_refusal_names_its_rule_and_does_not_stop_the_others() {
    let world = typed();
    let other_key = {
        let mut entry = issue(5);
        entry[34..66].copy_from_slice(&[8; 32]);
        entry
    };
    let entries = vec![vec![1, 2, 3], key(), other_key, issue(9)];
    let answer = world.handle.submit_blocking(entries, ISSUER, Level::Published).unwrap();
    let codes: Vec<_> = answer
        .results
        .iter()
        .map(|outcome| match outcome {
            Outcome::Logged(logged) => logged.index.to_string(),
            Outcome::Refused { code, .. } => (*code).into(),
        })
        .collect();
    assert_eq!(codes, ["entry.malformed", "submitter.not-authorised", "submitter.not-authorised", "1"]);
    assert_eq!(world.handle.stats().refused()["submitter.not-authorised"], 2);
    // Another entry with the same commitment.
    let mut second = issue(9);
    second[66] ^= 1;
    let answer = world.handle.submit_blocking(vec![second], ISSUER, Level::Committed).unwrap();
    assert!(matches!(answer.results[0], Outcome::Refused { code: "issue.duplicate", .. }));
}

#[test]
fn published_means_that_a_reader_can_fetch_it() {
    let world = typed();
    let answer = world.handle.submit_blocking(vec![issue(1)], ISSUER, Level::Published).unwrap();
    assert!(world.handle.published().size() >= TreeSize(2));
    let receipt = world.handle.receipt(logged(&answer.results[0]).index, &issue(1)).unwrap();
    assert!(Receipt::parse(receipt.encode().as_bytes()).is_ok());
    assert!(matches!(world.handle.receipt(LeafIndex(1), &issue(2)), Err(SubmitError::Unreadable { .. })));
    assert!(matches!(world.handle.receipt(LeafIndex(99), &issue(2)), Err(SubmitError::Unreadable { .. })));
}

#[test]
fn concurrent_submitters_share_batches_and_get_places_of_their_own() {
    let world = typed();
    let places: Mutex<Vec<u64>> = Mutex::default();
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (handle, places) = (&world.handle, &places);
            scope.spawn(move || {
                for round in 0..30 {
                    let entry = issue(1_000 + thread * 100 + round);
                    let answer =
                        handle.submit_blocking(vec![entry.clone()], ISSUER, Level::Committed).unwrap();
                    check(logged(&answer.results[0]), &entry);
                    places.lock().unwrap().push(logged(&answer.results[0]).index.0);
                }
            });
        }
    });
    let mut places = places.into_inner().unwrap();
    places.sort_unstable();
    assert_eq!(places, (1..=240).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_asynchronous_way_is_the_same() {
    let world = tokio::task::spawn_blocking(typed).await.unwrap();
    for duplicate in [false, true] {
        let answer = world.handle.submit(vec![issue(1)], ISSUER, Level::Published).await.unwrap();
        assert_eq!(logged(&answer.results[0]).duplicate, duplicate);
        check(logged(&answer.results[0]), &issue(1));
    }
    tokio::task::spawn_blocking(move || world.registry.stop()).await.unwrap().unwrap();
}

#[test]
fn a_raw_log_takes_any_bytes_and_each_time_anew() {
    let world = world(LogKind::Raw, Limits::default());
    for index in 0..3 {
        let answer = world.handle.add_raw_blocking(vec![vec![7; 65_535]], Level::Committed).unwrap();
        assert_eq!(
            (logged(&answer.results[0]).index.0, logged(&answer.results[0]).duplicate),
            (index, false)
        );
    }
    for bad in [vec![], vec![vec![]], vec![vec![7; 65_536]]] {
        let error = world.handle.add_raw_blocking(bad, Level::Committed).unwrap_err();
        assert!(matches!(error, SubmitError::TooLarge { .. }), "{error}");
    }
    let error = world.handle.submit_blocking(vec![key()], Role::Administrator, Level::Committed).unwrap_err();
    assert_eq!(error, SubmitError::Kind);
}

#[test]
fn a_full_queue_answers_at_once_with_a_time_to_come_again() {
    let limits = Limits { queue_entries: 20, batch_entries: 10, ..Limits::default() };
    let world = world(LogKind::Raw, limits);
    world.gate.set(true);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..12_u8)
            .map(|n| {
                let handle = &world.handle;
                scope.spawn(move || handle.add_raw_blocking(vec![vec![n]; 5], Level::Committed))
            })
            .collect();
        // Two batches' worth wait; one is held at the gate, with at most one request carried over.
        let mut error = None;
        while error.is_none() {
            error = world.handle.add_raw_blocking(vec![vec![0]; 21], Level::Committed).err();
            assert!(matches!(error, Some(SubmitError::TooLarge { .. })), "more than a batch");
            while waiting.iter().filter(|thread| thread.is_finished()).count() < 12 - 7 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        world.gate.set(false);
        let results: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        let full = results
            .iter()
            .filter(|result| {
                matches!(result, Err(SubmitError::QueueFull { retry_after_seconds }) if *retry_after_seconds >= 1)
            })
            .count();
        let taken = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(full + taken, 12);
        assert!(full >= 5, "{full} of 12 were pushed back");
    });
    assert_eq!(world.handle.stats().queue_entries.load(Ordering::SeqCst), 0);
    assert_eq!(world.handle.stats().queue_bytes.load(Ordering::SeqCst), 0);
    world.handle.add_raw_blocking(vec![vec![1]], Level::Committed).unwrap();
}

/// Told to come again, it would do so for ever.
#[test]
fn what_is_larger_than_the_queue_is_refused_for_good_and_told_its_limit() {
    let limits = Limits { queue_entries: 4, queue_bytes: 100, ..Limits::default() };
    let world = world(LogKind::Raw, limits);
    for (entries, bytes) in [(5, 1), (4, 26)] {
        let error =
            world.handle.add_raw_blocking(vec![vec![0; bytes]; entries], Level::Committed).unwrap_err();
        let (most_entries, most_bytes) = (4, 100);
        let bytes = entries * bytes;
        assert_eq!(error, SubmitError::TooLarge { entries, bytes, most_entries, most_bytes });
        assert!(error.to_string().contains("1 to 4 entries") && error.to_string().contains("of 100 bytes"));
    }
    world.handle.add_raw_blocking(vec![vec![0; 25]; 4], Level::Committed).unwrap();
}

#[test]
fn a_clock_5_seconds_back_is_tolerated_and_11_seconds_stop_the_writer() {
    let world = typed();
    world.clock.fetch_sub(5, Ordering::SeqCst);
    world.handle.submit_blocking(vec![issue(1)], ISSUER, Level::Published).unwrap();
    world.clock.fetch_sub(6, Ordering::SeqCst);
    let error = world.handle.submit_blocking(vec![issue(2)], ISSUER, Level::Committed).unwrap_err();
    assert!(matches!(&error, SubmitError::Stopped { reason } if reason.contains("clock")), "{error}");
    // Setting the clock right again does not help: somebody has to look.
    world.clock.fetch_add(11, Ordering::SeqCst);
    let again = world.handle.submit_blocking(vec![issue(3)], ISSUER, Level::Committed).unwrap_err();
    assert_eq!(again, error);
    assert_eq!(world.handle.published().size(), TreeSize(2), "reads go on");
    world.handle.receipt(LeafIndex(1), &issue(1)).unwrap();
    assert_eq!(world.registry.stop().unwrap_err(), error);
}

#[test]
fn a_clock_that_was_a_year_ahead_for_one_batch_stops_nothing() {
    let world = typed();
    world.clock.fetch_add(31_536_000, Ordering::SeqCst);
    world.handle.submit_blocking(vec![issue(1)], ISSUER, Level::Published).unwrap();
    world.clock.fetch_sub(31_536_000, Ordering::SeqCst);
    world.handle.submit_blocking(vec![issue(2)], ISSUER, Level::Published).unwrap();
    world.registry.stop().unwrap();
}

#[test]
fn a_retry_after_its_key_was_retired_is_answered_with_its_place() {
    let world = typed();
    world.handle.submit_blocking(vec![issue(1)], ISSUER, Level::Published).unwrap();
    let retired = Key {
        issuer: IssuerHash([1; 32]),
        key: Thumbprint([2; 32]),
        event: KeyEvent::Retired,
        time: UnixSeconds(2),
        cuts: vec![],
    };
    let retired = vec![Entry::Key(retired).encode()];
    world.handle.submit_blocking(retired, Role::Administrator, Level::Committed).unwrap();
    for role in [ISSUER, Role::Issuer(IssuerHash([7; 32]))] {
        let answer = world.handle.submit_blocking(vec![issue(1), issue(2)], role, Level::Committed).unwrap();
        assert_eq!((logged(&answer.results[0]).index.0, logged(&answer.results[0]).duplicate), (1, true));
        check(logged(&answer.results[0]), &issue(1));
        assert!(matches!(answer.results[1], Outcome::Refused { .. }), "a new one is refused");
    }
}

#[test]
fn a_bit_flipped_between_writing_and_reading_back_is_found_before_signing() {
    let world = typed();
    let before = world.handle.committed();
    world.gate.flip.store(true, Ordering::SeqCst);
    let error = world.handle.submit_blocking(vec![issue(1)], ISSUER, Level::Committed).unwrap_err();
    assert!(matches!(&error, SubmitError::Stopped { reason } if reason.contains("read back")), "{error}");
    assert_eq!(world.handle.committed(), before, "nothing was signed");
}

#[test]
fn stopping_answers_what_was_queued_and_refuses_what_comes_later() {
    let World { registry, handle, gate, .. } = typed();
    gate.set(true);
    std::thread::scope(|scope| {
        let submit = |n| {
            let handle = &handle;
            scope.spawn(move || handle.submit_blocking(vec![issue(n)], ISSUER, Level::Published))
        };
        let arrived = gate.arrived.load(Ordering::SeqCst);
        let mut queued = vec![submit(0)];
        while gate.arrived.load(Ordering::SeqCst) == arrived {
            std::thread::yield_now();
        }
        // The first is at the gate; the others wait behind it.
        queued.extend((1..5).map(submit));
        while handle.stats().queue_entries.load(Ordering::SeqCst) < 4 {
            std::thread::yield_now();
        }
        let stopping = scope.spawn(move || registry.stop());
        while handle.phase() == Phase::Open {
            std::thread::yield_now();
        }
        let late = handle.submit_blocking(vec![issue(9)], ISSUER, Level::Committed).unwrap_err();
        assert!(matches!(late, SubmitError::Stopped { .. }));
        gate.set(false);
        for thread in queued {
            logged(&thread.join().unwrap().unwrap().results[0]);
        }
        stopping.join().unwrap().unwrap();
    });
    assert_eq!(handle.published().size(), TreeSize(6));
}
