//! How much a log takes at once.

use std::time::Duration;

/// What a log takes at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries that wait for a batch; a request with more is refused.
    pub queue_entries: usize,
    /// Their bytes, likewise.
    pub queue_bytes: usize,
    /// Entries of a batch, and of a request; at most 65,535.
    pub batch_entries: usize,
    /// Their bytes.
    pub batch_bytes: usize,
    /// How long a batch waits for more while more arrives.
    pub linger: Duration,
    /// A committed entry is public within this; on a machine that is busy to its limit, later.
    pub publish_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue_entries: 65_536,
            queue_bytes: 64 << 20,
            batch_entries: 4_096,
            batch_bytes: 8 << 20,
            linger: Duration::from_millis(2),
            publish_interval: Duration::from_millis(200),
        }
    }
}

impl Limits {
    /// As they are kept.
    pub(super) fn bounded(self) -> Self {
        // A record of a segment is read back as a bundle, which counts in 16 bits. What never fits into the queue would be
        // told to come again for ever.
        let entries = self.batch_entries.clamp(1, usize::from(u16::MAX)).min(self.queue_entries);
        Self { batch_entries: entries, batch_bytes: self.batch_bytes.min(self.queue_bytes), ..self }
    }
}
