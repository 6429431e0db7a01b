//! A synchronisation that never returns: a disk that stands still, and a process that is killed then.

use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;

use sillok_log::LeafIndex;
use sillok_registry::Answer;

use super::*;

type Submitted = (Vec<Vec<u8>>, Pin<Box<dyn Future<Output = Result<Answer, SubmitError>>>>);

/// While it stands still readers go on, the queue fills up and says when to come again, and nothing is acknowledged that
/// the next process does not find. If the disk was only slow, everything that was queued is answered.
#[test]
fn a_disk_that_stands_still_stops_nobody_from_reading_and_acknowledges_nothing_that_a_kill_would_lose() {
    for size in [254, 255, 256] {
        for mode in [Mode::Freeze, Mode::FreezeAfter] {
            let (begun, acknowledged) = begin(size);
            let mut at = 0;
            while stand_still(&begun.copy(), acknowledged.clone(), mode, size, at) {
                at += 1;
            }
            // Four to open; three to commit each batch; at least four to publish it.
            assert!(at >= 4 + 3 * (3 + 4), "only {at} operations were tried");
        }
    }
}

/// Whether the operation was reached.
fn stand_still(disk: &Disk, mut acknowledged: Acknowledged, mode: Mode, size: u64, at: u64) -> bool {
    let context = format!("{mode:?} at operation {at} from size {size}");
    let fuse = Fuse::new(at, mode);
    thread::scope(|scope| {
        let (sender, opened) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let process = scope.spawn(|| {
            // Dropped at the end, so that whoever waits for the opening hears of a failure.
            let (sender, ended) = (sender, ended);
            let registry = open_small(disk, &fuse);
            sender.send(registry.handle()).unwrap();
            // Until the other end is gone.
            assert!(ended.recv().is_err());
            registry.stop().unwrap();
        });
        let mut waiting = Vec::new();
        let mut handle = None;
        while handle.is_none() && !fuse.is_frozen() {
            handle = opened.try_recv().ok();
            thread::yield_now();
        }
        if let Some(handle) = &handle {
            for (batch, count) in [(0, 1), (1, 2), (2, 20)] {
                let entries = issues(10_000 + batch * 1_000, count);
                let mut submitted = submit(handle, entries, Level::Published);
                while !answered(&mut submitted, &mut acknowledged, &context) {
                    if fuse.is_frozen() {
                        waiting.push(submitted);
                        break;
                    }
                    thread::yield_now();
                }
            }
            if fuse.is_frozen() {
                fill(handle, &mut waiting, &mut acknowledged, &context);
                reads_go_on(handle, &acknowledged, &context);
            }
        }
        let reached = fuse.is_frozen();
        if reached {
            waiting.retain_mut(|submitted| !answered(submitted, &mut acknowledged, &context));
            // A process that is killed now leaves this behind.
            let reason = "killed".into();
            let lost = waiting.iter().take(3).map(|(entries, _answer)| entries.clone());
            let lost = lost.map(|entries| (entries, SubmitError::Stopped { reason: Arc::clone(&reason) }));
            judge(&disk.copy(), &mut acknowledged.clone(), lost.collect(), &context);
        }
        fuse.let_go();
        while !waiting.is_empty() {
            waiting.retain_mut(|submitted| !answered(submitted, &mut acknowledged, &context));
            thread::yield_now();
        }
        drop(end);
        process.join().unwrap();
        acknowledged.audit(disk, &context);
        reached
    })
}

/// A queue and batches that are soon full.
fn open_small(disk: &Disk, fuse: &Arc<Fuse>) -> Registry {
    let limits = Limits { queue_entries: 40, batch_entries: 20, ..options().limits };
    let options = Options { limits, ..options() };
    let registry =
        Registry::open(options, disk.stores(fuse), Arc::new(|| UnixSeconds(1_800_000_000))).unwrap();
    while registry.handle().phase() == Phase::Building {
        thread::yield_now();
    }
    registry
}

fn submit(handle: &Handle, entries: Vec<Vec<u8>>, level: Level) -> Submitted {
    let (handle, own) = (handle.clone(), entries.clone());
    (entries, Box::pin(async move { handle.submit(own, ISSUER, level).await }))
}

/// Takes the answer if there is one.
fn answered((entries, answer): &mut Submitted, acknowledged: &mut Acknowledged, context: &str) -> bool {
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => false,
        Poll::Ready(Ok(answer)) => {
            acknowledged.take(entries, &answer);
            true
        }
        Poll::Ready(Err(error)) => panic!("{context}: {error}"),
    }
}

/// Submits until the queue is full.
fn fill(handle: &Handle, waiting: &mut Vec<Submitted>, acknowledged: &mut Acknowledged, context: &str) {
    for batch in 0.. {
        assert!(batch < 5_000, "{context}: the queue never fills");
        let mut submitted = submit(handle, issues(20_000 + batch * 10, 10), Level::Committed);
        match submitted.1.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => waiting.push(submitted),
            Poll::Ready(Ok(answer)) => acknowledged.take(&submitted.0, &answer),
            Poll::Ready(Err(SubmitError::QueueFull { retry_after_seconds })) => {
                assert!(retry_after_seconds >= 1, "{context}");
                return;
            }
            Poll::Ready(Err(error)) => panic!("{context}: {error}"),
        }
    }
}

fn reads_go_on(handle: &Handle, acknowledged: &Acknowledged, context: &str) {
    let published = handle.published();
    for (index, entry) in acknowledged.entries.range(..published.size().0) {
        let receipt = handle.receipt(LeafIndex(*index), entry);
        let receipt = receipt.unwrap_or_else(|error| panic!("{context}: leaf {index}: {error}"));
        receipt.check(&leaf_hash(entry), &published.checkpoint).unwrap();
    }
}
