//! What the log has done and is doing, in plain atomics: whoever renders metrics reads them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::witness::Standing;

/// Counters since the log was opened, and present values.
#[derive(Debug, Default)]
pub struct Stats {
    /// Entries that got a place.
    pub entries_appended: AtomicU64,
    /// Entries that had one already.
    pub entries_duplicate: AtomicU64,
    /// Batches committed.
    pub batches: AtomicU64,
    /// Entries of the last batch.
    pub last_batch_entries: AtomicU64,
    /// Entries that wait for a batch.
    pub queue_entries: AtomicU64,
    /// Their bytes.
    pub queue_bytes: AtomicU64,
    /// Requests that found the queue, or their share of it, full, or the index not built yet.
    pub requests_pushed_back: AtomicU64,
    /// Entries that the index was caught up with at the last opening.
    pub index_built: AtomicU64,
    /// From taking up a batch to having its answers, without waiting for the publisher.
    pub commit_seconds: Timing,
    /// To swap the head, with its synchronisation.
    pub head_seconds: Timing,
    /// To publish batches together, with all synchronisations.
    pub publish_seconds: Timing,
    /// To write a batch to its segment, with its synchronisation.
    pub staging_seconds: Timing,
    /// 1 if nothing is signed any more, else 0.
    pub frozen: AtomicU64,
    /// Size of the committed tree.
    pub committed_size: AtomicU64,
    /// Size of the published tree.
    pub published_size: AtomicU64,
    /// Size of the tree whose tiles are all there; above the published one while witnesses are awaited.
    pub tiled_size: AtomicU64,
    /// From the beginning of a round of witnesses to the publication of its checkpoint.
    pub cosign_seconds: Timing,
    /// Witnesses that cosigned when they were asked last.
    pub witnesses_answering: AtomicU64,
    /// Answers of witnesses that contradict this log.
    pub witness_evidence: AtomicU64,
    /// 1 if the witnesses that answered when they were asked last would meet the quorum, else 0.
    pub quorum_answers: AtomicU64,
    witnesses: Mutex<Vec<Standing>>,
    refused: Mutex<BTreeMap<&'static str, u64>>,
    /// Thousandths of an entry a second, as of late; 0 before the first batch. In whole entries a pace of less than eight
    /// would never change: an eighth of it is nothing.
    rate: AtomicU64,
}

/// How often something was done, and how long it took altogether.
#[derive(Debug, Default)]
pub struct Timing {
    count: AtomicU64,
    microseconds: AtomicU64,
    last_microseconds: AtomicU64,
}

impl Timing {
    pub(crate) fn record(&self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
        self.last_microseconds.store(microseconds, Ordering::Relaxed);
    }

    /// How often.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// How long altogether.
    pub fn total(&self) -> Duration {
        Duration::from_micros(self.microseconds.load(Ordering::Relaxed))
    }

    /// How long the last time.
    pub fn last(&self) -> Duration {
        Duration::from_micros(self.last_microseconds.load(Ordering::Relaxed))
    }
}

impl Stats {
    /// How many entries were refused, by code.
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How each witness that is asked is doing, in the order of the policy.
    pub fn witnesses(&self) -> Vec<Standing> {
        self.witnesses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_witnesses(&self, standings: Vec<Standing>) {
        *self.witnesses.lock().unwrap_or_else(PoisonError::into_inner) = standings;
    }

    pub(crate) fn refuse(&self, code: &'static str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }

    pub(crate) fn batch(&self, entries: usize) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.entries_appended.fetch_add(entries as u64, Ordering::Relaxed);
        self.last_batch_entries.store(entries as u64, Ordering::Relaxed);
    }

    /// Takes in how fast the last batch went, from the end of the one before it or from its own beginning.
    pub(crate) fn pace(&self, entries: usize, took: Duration) {
        let micros = took.as_micros().max(1);
        let now = u64::try_from(entries as u128 * 1_000_000_000 / micros).unwrap_or(u64::MAX).max(1);
        let before = self.rate.load(Ordering::Relaxed);
        // A moving average over some eight batches.
        let smoothed = if before == 0 { now } else { before - before / 8 + now / 8 };
        self.rate.store(smoothed.max(1), Ordering::Relaxed);
    }

    /// How many seconds a client should wait before it tries again: as long as the queue takes at the present pace, and
    /// as much again or some seconds, one client less and the next one more, so that they do not come back together.
    pub fn retry_after_seconds(&self) -> u64 {
        let rate = self.rate.load(Ordering::Relaxed);
        let queued = self.queue_entries.load(Ordering::Relaxed);
        let needed = queued.saturating_mul(1_000).checked_div(rate).map_or(1, |seconds| seconds + 1);
        let base = needed.min(MAX_RETRY_SECONDS);
        let spread = self.requests_pushed_back.load(Ordering::Relaxed) % (base.max(MIN_SPREAD_SECONDS) + 1);
        base + spread
    }
}

/// A short queue refuses as many in a second as a long one. Over this many seconds those who come back are a small part
/// of what the log takes, and not a second rush.
const MIN_SPREAD_SECONDS: u64 = 7;

/// A queue that would take longer than this is not worth a precise number.
const MAX_RETRY_SECONDS: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_wait_grows_with_the_queue_and_shrinks_with_the_pace() {
        let stats = Stats::default();
        assert_eq!(stats.retry_after_seconds(), 1, "an empty queue of unknown pace");
        stats.pace(1_000, Duration::from_secs(1));
        stats.queue_entries.store(10_000, Ordering::Relaxed);
        assert_eq!(stats.retry_after_seconds(), 11);
        for _ in 0..100 {
            stats.pace(10_000, Duration::from_secs(1));
        }
        assert!(stats.retry_after_seconds() <= 2);
        let waits: std::collections::BTreeSet<u64> = (0..100)
            .map(|refused| {
                stats.requests_pushed_back.store(refused, Ordering::Relaxed);
                stats.retry_after_seconds()
            })
            .collect();
        assert!(waits.len() >= 8, "a short queue spreads them out too: {waits:?}");
        stats.requests_pushed_back.store(0, Ordering::Relaxed);
        stats.queue_entries.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(stats.retry_after_seconds(), MAX_RETRY_SECONDS);
        stats.requests_pushed_back.store(7, Ordering::Relaxed);
        assert_eq!(stats.retry_after_seconds(), MAX_RETRY_SECONDS + 7, "spread out");
    }

    #[test]
    fn a_slow_log_that_becomes_quicker_or_slower_still_is_followed() {
        let stats = Stats::default();
        stats.queue_entries.store(28, Ordering::Relaxed);
        for (entries, retry) in [(7, 5), (1, 29), (14, 3)] {
            for _batch in 0..100 {
                stats.pace(entries, Duration::from_secs(1));
            }
            let told = stats.retry_after_seconds();
            assert!((retry - 1..=retry).contains(&told), "{entries} a second: {told}");
        }
    }
}
