//! How much is committed and not public yet. It is bounded, by holding up whoever commits: what waits takes memory, and
//! recovery publishes all of it before a log is opened again.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::handle::Limits;

/// What waits for the publisher. The sequencer adds to it, the publisher takes from it.
#[derive(Debug)]
pub(crate) struct Backlog {
    most_entries: usize,
    most_bytes: usize,
    waiting: Mutex<Waiting>,
    less: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: usize,
    bytes: usize,
    /// Nothing is published any more, and nobody has to wait.
    closed: bool,
}

impl Backlog {
    /// Twice what may be queued, so that one half is gathered while the other is written.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            most_entries: limits.queue_entries.saturating_mul(2),
            most_bytes: limits.queue_bytes.saturating_mul(2),
            waiting: Mutex::default(),
            less: Condvar::new(),
        }
    }

    /// Adds a batch as soon as there is room. One alone always finds it.
    pub(crate) fn add(&self, entries: usize, bytes: usize) {
        let full = |waiting: &mut Waiting| {
            !waiting.closed
                && waiting.entries > 0
                && (waiting.entries + entries > self.most_entries || waiting.bytes + bytes > self.most_bytes)
        };
        let mut waiting = self.less.wait_while(self.hold(), full).unwrap_or_else(PoisonError::into_inner);
        waiting.entries += entries;
        waiting.bytes += bytes;
    }

    /// Says that so much of it is public.
    pub(crate) fn remove(&self, entries: usize, bytes: usize) {
        let mut waiting = self.hold();
        waiting.entries = waiting.entries.saturating_sub(entries);
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        drop(waiting);
        self.less.notify_all();
    }

    /// Lets everybody go on, for good.
    pub(crate) fn close(&self) {
        self.hold().closed = true;
        self.less.notify_all();
    }

    fn hold(&self) -> MutexGuard<'_, Waiting> {
        // Three plain values.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn who_adds_waits_for_room_but_not_alone_and_not_for_one_that_has_stopped() {
        let backlog = Backlog::new(&Limits { queue_entries: 50, queue_bytes: 500, ..Limits::default() });
        backlog.add(101, 1_001);
        backlog.remove(101, 1_001);
        backlog.add(99, 1);
        backlog.add(1, 999);
        thread::scope(|scope| {
            let (sender, added) = mpsc::channel();
            let backlog = &backlog;
            scope.spawn(move || {
                // By its entries, then by its bytes, then for ever.
                for (entries, bytes) in [(1, 0), (0, 1), (100, 1_000)] {
                    backlog.add(entries, bytes);
                    sender.send((entries, bytes)).unwrap();
                }
            });
            assert!(added.try_recv().is_err());
            backlog.remove(1, 0);
            assert_eq!(added.recv().unwrap(), (1, 0));
            assert!(added.try_recv().is_err());
            backlog.remove(0, 1);
            assert_eq!(added.recv().unwrap(), (0, 1));
            backlog.close();
            assert_eq!(added.recv().unwrap(), (100, 1_000));
        });
    }
}
