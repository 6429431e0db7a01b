//! A log that is frozen, whatever happens on the way there and after.

use sillok_log::audit::LogKind;

use super::*;

/// Whether the log is frozen at last, however often it takes.
fn freeze(disk: &Disk, fuse: &Arc<Fuse>) -> Result<bool, sillok_registry::Fatal> {
    Registry::freeze(&signer().verifier(), disk.stores(fuse).heads.as_ref()).map(|(_signed, before)| before)
}

fn sound() -> Arc<Fuse> {
    Fuse::new(u64::MAX / 2, Mode::FailOnce)
}

//= specs/log.md#freezing
//= type=test
/// The writer dies at an operation, so that some is committed and not public; then the freezing fails at each of its own
/// operations, and the opening after it at each of its.
#[test]
fn a_log_is_frozen_or_not_whatever_fails_and_once_it_is_it_signs_nothing_and_loses_nothing() {
    // To freeze takes two operations, so that these two say all: without effect, and with it.
    let modes = [Mode::CrashBefore, Mode::CrashAfter];
    let (begun, begun_acknowledged) = begin(255);
    for written in 0.. {
        let (crashed, mut acknowledged) = (begun.copy(), begun_acknowledged.clone());
        let writer = Fuse::new(written, Mode::CrashAfter);
        if let Ok(registry) = open(&crashed, &writer) {
            write(&registry.handle(), 10_000, Level::Committed, &mut acknowledged);
        }
        for (mode, at) in modes.into_iter().flat_map(|mode| (0..3).map(move |at| (mode, at))) {
            let context = format!("written until {written}, {mode:?} at operation {at} of freezing");
            let disk = crashed.copy();
            let fuse = Fuse::new(at, mode);
            let result = freeze(&disk, &fuse);
            assert!(!matches!(result, Ok(true)), "{context}");
            assert_eq!(at < 2, fuse.is_spent(), "{context}: two operations");
            // Whoever was not told asks again, and is told that it was so before if it was.
            let kept = mode == Mode::CrashAfter;
            let before = freeze(&disk, &sound()).unwrap();
            assert_eq!(before, result.is_ok() || (at == 1 && kept), "{context}");
            assert!(freeze(&disk, &sound()).unwrap(), "{context}");
            // Its opening fails in some way, and the next one works.
            drop(open(&disk, &Fuse::new(at + 1, mode)));
            judge_frozen(&disk, &acknowledged, &context);
        }
        if !writer.is_spent() {
            assert!(written >= 4 + 3 * 3 + 4, "only {written} operations were tried");
            return;
        }
    }
}

fn judge_frozen(disk: &Disk, acknowledged: &Acknowledged, context: &str) {
    let mut acknowledged = acknowledged.clone();
    let record = disk.stores(&sound()).heads.read().unwrap();
    let registry = open(disk, &sound()).unwrap_or_else(|error| panic!("{context}: {error}"));
    let handle = registry.handle();
    assert_eq!(handle.phase(), Phase::Frozen, "{context}");
    let last = handle.committed();
    assert_eq!(handle.published().size(), last.size(), "{context}: all that is committed is public");
    acknowledged.see(&last.checkpoint);
    // What is there is answered with its place; a request with anything new in it is sent away, whole.
    let known: Vec<_> = acknowledged.entries.values().skip(1).cloned().collect();
    let answer = handle.submit_blocking(known.clone(), ISSUER, Level::Published).unwrap();
    acknowledged.take(&known, &answer);
    for mixed in [issues(90_000, 1), [known[..1].to_vec(), issues(90_001, 1)].concat()] {
        for level in [Level::Committed, Level::Published] {
            let refused = handle.submit_blocking(mixed.clone(), ISSUER, level).unwrap_err();
            assert_eq!(refused, SubmitError::Frozen { size: last.size() }, "{context}");
        }
    }
    assert_eq!(handle.committed(), last, "{context}");
    registry.stop().unwrap();
    assert_eq!(disk.stores(&sound()).heads.read().unwrap(), record, "{context}: the head is as it was");
    acknowledged.audit(disk, context);
}

#[test]
fn a_raw_log_is_frozen_too_and_a_frozen_log_is_opened_under_any_clock() {
    let disk = Disk::default();
    let options = || Options { kind: LogKind::Raw, ..options() };
    let stores = || disk.stores(&sound());
    let registry = Registry::create(options(), stores(), Arc::new(|| UnixSeconds(1_800_000_000))).unwrap();
    while registry.handle().phase() == Phase::Building {
        std::thread::yield_now();
    }
    registry.handle().add_raw_blocking(vec![b"one".to_vec()], Level::Published).unwrap();
    registry.stop().unwrap();
    assert!(!freeze(&disk, &sound()).unwrap());
    let registry = Registry::open(options(), stores(), Arc::new(|| UnixSeconds(1))).unwrap();
    let handle = registry.handle();
    while handle.phase() == Phase::Building {
        std::thread::yield_now();
    }
    let refused = handle.add_raw_blocking(vec![b"one".to_vec()], Level::Committed).unwrap_err();
    assert_eq!(refused, SubmitError::Frozen { size: sillok_log::TreeSize(1) });
    assert_eq!((handle.phase(), handle.published().size().0), (Phase::Frozen, 1));
    // An earlier clock is accepted, and the log stays frozen.
    registry.stop().unwrap();
    let heads = disk.stores(&sound()).heads;
    Registry::accept_earlier_clock(&signer(), heads.as_ref(), UnixSeconds(1)).unwrap();
    assert!(freeze(&disk, &sound()).unwrap());
}
