//! How much is committed and not public yet. It is bounded, by holding up whoever commits: what waits takes memory, and
//! recovery publishes all of it before a log is opened again.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What waits for the publisher. The sequencer adds to it, the publisher takes from it.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
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
    /// Adds a batch as soon as there is room. One alone always finds it.
    pub(crate) fn add(&self, entries: usize, bytes: usize) {
        let full = |waiting: &mut Waiting| {
            !waiting.closed
                && waiting.entries > 0
                && (waiting.entries + entries > MAX_ENTRIES || waiting.bytes + bytes > MAX_BYTES)
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

/// Entries: twice what is published together, so that one half is gathered while the other is written.
const MAX_ENTRIES: usize = 131_072;

/// Their bytes, which differ in a raw log.
const MAX_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn who_adds_waits_for_room_but_not_alone_and_not_for_one_that_has_stopped() {
        let backlog = Backlog::default();
        backlog.add(MAX_ENTRIES + 1, MAX_BYTES + 1);
        backlog.remove(MAX_ENTRIES + 1, MAX_BYTES + 1);
        backlog.add(MAX_ENTRIES - 1, 1);
        backlog.add(1, MAX_BYTES - 1);
        thread::scope(|scope| {
            let (sender, added) = mpsc::channel();
            let backlog = &backlog;
            scope.spawn(move || {
                // By its entries, then by its bytes, then for ever.
                for (entries, bytes) in [(1, 0), (0, 1), (MAX_ENTRIES, MAX_BYTES)] {
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
            assert_eq!(added.recv().unwrap(), (MAX_ENTRIES, MAX_BYTES));
        });
    }
}
