//! Watches the public checkpoint of a log: which size was public when.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::note::VerifierKey;

use crate::connection::Connection;
use crate::generator::Acknowledged;
use crate::latency::Latencies;

/// Looks at a checkpoint again and again, in a thread of its own.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    thread: JoinHandle<Result<Vec<Sighting>>>,
}

#[derive(Debug, Default)]
struct Shared {
    newest: Mutex<Option<Checkpoint>>,
    over: AtomicBool,
}

/// A size of the log that was public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The size.
    pub size: u64,
    /// When it was seen first.
    pub at: Instant,
}

/// Lets others see the newest checkpoint that was seen.
#[derive(Clone, Debug)]
pub struct Newest(Arc<Shared>);

impl Newest {
    /// It, once there is one.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether nobody looks any more: it stays as it is.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Relaxed)
    }
}

impl Watch {
    /// Begins to look at `/checkpoint` once in each `interval`. Every new one is opened under the log's key; a smaller
    /// one, and another one of the same size, are errors.
    #[must_use]
    pub fn start(address: SocketAddr, key: &VerifierKey, interval: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let (key, theirs) = (key.clone(), Arc::clone(&shared));
        let thread = thread::spawn(move || watch(address, &key, interval, &theirs));
        Self { shared, thread }
    }

    /// What others see it through.
    #[must_use]
    pub fn newest(&self) -> Newest {
        Newest(Arc::clone(&self.shared))
    }

    /// Looks on until a size is public, at most `patience`, and returns all sizes that were seen, smallest first.
    ///
    /// # Errors
    /// A checkpoint could not be read, or the size was not public in time.
    pub fn finish(self, size: u64, patience: Duration) -> Result<Vec<Sighting>> {
        let begun = Instant::now();
        let seen = || self.newest().checkpoint().map_or(0, |checkpoint| checkpoint.size.0);
        while seen() < size && begun.elapsed() < patience && !self.thread.is_finished() {
            thread::sleep(LOOK);
        }
        let last = seen();
        self.shared.over.store(true, Ordering::Relaxed);
        let seen = self.thread.join().map_err(|_panic| anyhow!("the thread that watches has panicked"))??;
        let seconds = patience.as_secs_f64();
        ensure!(
            last >= size,
            "a checkpoint of {size} entries was not public within {seconds:.0} s, only one of {last}"
        );
        Ok(seen)
    }
}

fn watch(
    address: SocketAddr,
    key: &VerifierKey,
    interval: Duration,
    shared: &Shared,
) -> Result<Vec<Sighting>> {
    let mut connection = Connection::new(address, TIMEOUT);
    let (mut seen, mut last): (Vec<Sighting>, Vec<u8>) = (Vec::new(), Vec::new());
    let mut newest: Option<Checkpoint> = None;
    let _over = Over(shared);
    while !shared.over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let answer = connection.get("/checkpoint").context("look at the checkpoint")?;
        ensure!(answer.status == 200, "the checkpoint was answered with status {}", answer.status);
        if answer.body != last {
            let text = std::str::from_utf8(&answer.body).context("read the checkpoint")?;
            let checkpoint = Checkpoint::open(text, key).context("open the checkpoint")?;
            if let Some(before) = &newest {
                ensure!(before.size <= checkpoint.size, "the log went back: {before:?}, then {checkpoint:?}");
                let same = before.size != checkpoint.size || before.root == checkpoint.root;
                ensure!(same, "the log forked: {before:?}, then {checkpoint:?}");
            }
            if newest.as_ref().is_none_or(|before| before.size < checkpoint.size) {
                seen.push(Sighting { size: checkpoint.size.0, at: Instant::now() });
            }
            *shared.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(checkpoint.clone());
            (newest, last) = (Some(checkpoint), answer.body);
        }
        thread::sleep(interval.saturating_sub(begun.elapsed()));
    }
    Ok(seen)
}

/// Tells everybody that nobody looks any more, also after an error.
struct Over<'a>(&'a Shared);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

/// From the moment at which each entry was meant to be sent until a checkpoint was seen that covers it.
#[must_use]
pub fn publication(acknowledged: &[Acknowledged], seen: &[Sighting]) -> Latencies {
    let mut latencies = Latencies::new();
    for entry in acknowledged {
        let covering = seen.partition_point(|sighting| sighting.size <= entry.index);
        if let Some(sighting) = seen.get(covering) {
            latencies.record(sighting.at.saturating_duration_since(entry.intended));
        }
    }
    latencies
}

/// How often it is looked whether the size is reached.
const LOOK: Duration = Duration::from_millis(5);

/// Of a request.
const TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_public_with_the_first_checkpoint_that_is_larger_than_its_index() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let seen = [
            Sighting { size: 0, at: start },
            Sighting { size: 2, at: after(10) },
            Sighting { size: 3, at: after(30) },
        ];
        let entry = |index| Acknowledged { index, number: 0, intended: after(5), answered: after(6) };
        let one = |index| publication(&[entry(index)], &seen).max();
        assert_eq!(one(0), Duration::from_millis(5));
        assert_eq!(one(1), Duration::from_millis(5));
        assert_eq!(one(2), Duration::from_millis(25));
        assert_eq!(publication(&[entry(3)], &seen).count(), 0);
    }
}
