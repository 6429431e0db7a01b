//! Every store operation of the write path fails, once or for good, with or without effect, for three batches around a
//! full tile; recovery from that fails too; a writer freezes there while another takes over, or for ever. The list of
//! acknowledged entries is kept outside. After each: nothing acknowledged is lost, nothing is signed twice, and the oracle
//! finds nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::sync::Arc;

use sillok_log::audit::LogKind;
use sillok_log::entry::{Entry, Issue, IssuerHash, Key, KeyEvent, Thumbprint};
use sillok_log::ledger::Role;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::{Hash, UnixSeconds};
use sillok_registry::{Handle, Level, Limits, Options, Outcome, Phase, Registry, SubmitError};

use acknowledged::Acknowledged;
use disk::{Disk, Frozen, Fuse, Mode};

#[path = "faults/acknowledged.rs"]
mod acknowledged;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/ended.rs"]
mod ended;
#[path = "faults/frozen.rs"]
mod frozen;

const ISSUER: Role = Role::Issuer(IssuerHash([1; 32]));

fn signer() -> SignerKey {
    SignerKey::from_seed("log.example/faults", SignatureKind::Ed25519, &[4; 32]).unwrap()
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

fn options() -> Options {
    let limits = Limits { publish_interval: std::time::Duration::ZERO, ..Limits::default() };
    Options { signer: signer(), kind: LogKind::Typed, limits }
}

fn open(disk: &Disk, fuse: &Arc<Fuse>) -> Result<Registry, sillok_registry::Fatal> {
    let registry = Registry::open(options(), disk.stores(fuse), Arc::new(|| UnixSeconds(1_800_000_000)))?;
    while registry.handle().phase() == Phase::Building {
        std::thread::yield_now();
    }
    Ok(registry)
}

/// A log with a key and some entries, `size` in all.
fn begin(size: u64) -> (Disk, Acknowledged) {
    let (disk, fuse) = (Disk::default(), Fuse::new(u64::MAX / 2, Mode::FailOnce));
    let registry =
        Registry::create(options(), disk.stores(&fuse), Arc::new(|| UnixSeconds(1_800_000_000))).unwrap();
    let handle = registry.handle();
    while handle.phase() == Phase::Building {
        std::thread::yield_now();
    }
    let mut acknowledged = Acknowledged::default();
    let answer = handle.submit_blocking(vec![key()], Role::Administrator, Level::Published).unwrap();
    acknowledged.take(&[key()], &answer);
    let entries = issues(1, size - 1);
    acknowledged.take(&entries, &handle.submit_blocking(entries.clone(), ISSUER, Level::Published).unwrap());
    registry.stop().unwrap();
    (disk, acknowledged)
}

/// Three batches. Returns what was not acknowledged.
fn write(
    handle: &Handle,
    from: u64,
    level: Level,
    acknowledged: &mut Acknowledged,
) -> Vec<(Vec<Vec<u8>>, SubmitError)> {
    let mut failed = Vec::new();
    for (batch, count) in [(0, 1), (1, 2), (2, 300)] {
        let entries = issues(from + batch * 1_000, count);
        match handle.submit_blocking(entries.clone(), ISSUER, level) {
            Ok(answer) => acknowledged.take(&entries, &answer),
            Err(error) => failed.push((entries, error)),
        }
    }
    failed
}

/// Opens with sound stores, checks, retries what failed, checks again.
fn judge(
    disk: &Disk,
    acknowledged: &mut Acknowledged,
    failed: Vec<(Vec<Vec<u8>>, SubmitError)>,
    context: &str,
) {
    let sound = Fuse::new(u64::MAX / 2, Mode::FailOnce);
    let registry = open(disk, &sound).unwrap_or_else(|error| panic!("{context}: {error}"));
    let handle = registry.handle();
    acknowledged.see(&handle.committed().checkpoint);
    acknowledged.audit(disk, context);
    for (entries, error) in failed {
        assert!(matches!(error, SubmitError::Stopped { .. }), "{context}: {error}");
        let answer = handle.submit_blocking(entries.clone(), ISSUER, Level::Published).unwrap();
        acknowledged.take(&entries, &answer);
    }
    // Everything acknowledged is recognised at its place.
    let all: Vec<_> = acknowledged.entries.iter().filter(|(index, _)| **index > 0).collect();
    let entries: Vec<_> = all.iter().map(|(_index, entry)| (*entry).clone()).collect();
    let answer = handle.submit_blocking(entries, ISSUER, Level::Committed).unwrap();
    for ((index, _entry), outcome) in all.iter().zip(&answer.results) {
        let Outcome::Logged(logged) = outcome else { panic!("{context}: {outcome:?}") };
        assert!(logged.duplicate && logged.index.0 == **index, "{context}: leaf {index}");
    }
    registry.stop().unwrap();
    acknowledged.audit(disk, context);
}

/// More restarts, each with publications of its own.
fn go_on(disk: &Disk, acknowledged: &mut Acknowledged, context: &str) {
    let sound = Fuse::new(u64::MAX / 2, Mode::FailOnce);
    for restart in 1..=2 {
        let registry = open(disk, &sound).unwrap_or_else(|error| panic!("{context}: {error}"));
        for (batch, count) in [(0, 1), (1, 2)] {
            let entries = issues(50_000 + restart * 2_000 + batch * 1_000, count);
            let answer =
                registry.handle().submit_blocking(entries.clone(), ISSUER, Level::Published).unwrap();
            acknowledged.take(&entries, &answer);
        }
        drop(registry);
    }
    acknowledged.audit(disk, context);
}

fn every_operation(mode: Mode, level: Level) {
    for size in [254, 255, 256] {
        let (begun, begun_acknowledged) = begin(size);
        let mut at = 0;
        loop {
            let context = format!("{mode:?} at operation {at} from size {size}, answered at {level:?}");
            let (disk, mut acknowledged) = (begun.copy(), begun_acknowledged.clone());
            let fuse = Fuse::new(at, mode);
            let mut failed = Vec::new();
            if let Ok(registry) = open(&disk, &fuse) {
                failed = write(&registry.handle(), 10_000, level, &mut acknowledged);
                drop(registry);
            }
            let spent = fuse.is_spent();
            judge(&disk, &mut acknowledged, failed, &context);
            if size == 255 {
                go_on(&disk, &mut acknowledged, &context);
            }
            if !spent {
                // Four to open; three to commit each batch; at least four to publish all of them together.
                assert!(at >= 4 + 3 * 3 + 4, "only {at} operations were tried");
                break;
            }
            at += 1;
        }
    }
}

#[test]
fn a_crash_before_any_operation_loses_nothing_acknowledged() {
    every_operation(Mode::CrashBefore, Level::Committed);
    every_operation(Mode::CrashBefore, Level::Published);
}

#[test]
fn a_crash_within_any_operation_loses_nothing_acknowledged() {
    every_operation(Mode::CrashWithin, Level::Committed);
    every_operation(Mode::CrashWithin, Level::Published);
}

#[test]
fn a_crash_after_any_operation_loses_nothing_acknowledged() {
    every_operation(Mode::CrashAfter, Level::Committed);
    every_operation(Mode::CrashAfter, Level::Published);
}

#[test]
fn one_failure_without_effect_loses_nothing_acknowledged() {
    every_operation(Mode::FailOnce, Level::Committed);
    every_operation(Mode::FailOnce, Level::Published);
}

#[test]
fn one_failure_with_effect_loses_nothing_acknowledged() {
    every_operation(Mode::FailOnceKeep, Level::Committed);
    every_operation(Mode::FailOnceKeep, Level::Published);
}

/// The process dies at an operation, and the next one at any operation of its recovery.
#[test]
fn a_crash_in_the_recovery_from_a_crash_loses_nothing_acknowledged() {
    let (begun, begun_acknowledged) = begin(255);
    for first in 0.. {
        let (crashed, mut acknowledged) = (begun.copy(), begun_acknowledged.clone());
        let fuse = Fuse::new(first, Mode::CrashAfter);
        if let Ok(registry) = open(&crashed, &fuse) {
            write(&registry.handle(), 10_000, Level::Committed, &mut acknowledged);
        }
        for second in 0.. {
            let disk = crashed.copy();
            let recovery = Fuse::new(second, Mode::CrashWithin);
            drop(open(&disk, &recovery));
            let context = format!("crashed at operation {first}, and at {second} of the recovery");
            judge(&disk, &mut acknowledged.clone(), Vec::new(), &context);
            if !recovery.is_spent() {
                assert!(second >= 3, "only {second} operations of a recovery were tried");
                break;
            }
        }
        if !fuse.is_spent() {
            assert!(first >= 4 + 3 * 3 + 4, "only {first} operations were tried");
            return;
        }
    }
}

/// A writer stands still at an operation, another takes over and goes on, then the first wakes up.
#[test]
fn a_writer_that_freezes_and_wakes_up_after_another_took_over_signs_nothing_more() {
    for at in 0_u64.. {
        let context = format!("frozen at operation {at}");
        let (disk, mut acknowledged) = begin(255);
        let fuse = Fuse::new(at, Mode::Freeze);
        let finished = std::thread::scope(|scope| {
            let frozen = scope.spawn(|| {
                let mut own = Acknowledged::default();
                let failed = open(&disk, &fuse)
                    .map(|registry| write(&registry.handle(), 10_000, Level::Published, &mut own));
                (own, failed)
            });
            let mut state = fuse.frozen.lock().unwrap();
            while *state == Frozen::NotYet && !frozen.is_finished() {
                let wait = std::time::Duration::from_millis(1);
                state = fuse.changed.wait_timeout(state, wait).unwrap().0;
            }
            let finished = *state == Frozen::NotYet;
            drop(state);
            if !finished {
                let sound = Fuse::new(u64::MAX / 2, Mode::FailOnce);
                let registry = open(&disk, &sound).unwrap_or_else(|error| panic!("{context}: {error}"));
                let failed = write(&registry.handle(), 20_000, Level::Committed, &mut acknowledged);
                assert_eq!(failed.len(), 0, "{context}");
                registry.stop().unwrap();
            }
            fuse.let_go();
            let (own, _failed) = frozen.join().unwrap();
            // What the first one acknowledged, before it froze or after, is as good as any.
            for (size, root) in own.roots {
                let before = acknowledged.roots.insert(size, root);
                assert!(before.is_none_or(|before| before == root), "{context}: fork at size {size}");
            }
            for (index, entry) in own.entries {
                let before = acknowledged.entries.insert(index, entry.clone());
                assert!(before.is_none_or(|before| before == entry), "{context}: leaf {index}");
            }
            finished
        });
        judge(&disk, &mut acknowledged, Vec::new(), &context);
        if finished {
            assert!(at >= 4 + 3 * (3 + 4), "only {at} operations were tried");
            return;
        }
    }
}
