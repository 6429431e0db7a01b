//! Pure. How many entries there were of what: numbers that an authority can hold against its own books.

use alloc::collections::BTreeMap;

use crate::UnixSeconds;
use crate::entry::{Entry, EntryKind, Thumbprint};

/// How many entries there were of what. Those that broke a rule are counted apart and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    foreign: u64,
    malformed: u64,
    refused: u64,
    kinds: BTreeMap<EntryKind, u64>,
    issued_by_key: BTreeMap<Thumbprint, u64>,
    issued_by_hour: BTreeMap<UnixSeconds, u64>,
}

impl Counts {
    /// Entries of a raw log.
    #[must_use]
    pub const fn foreign(&self) -> u64 {
        self.foreign
    }

    /// Entries that do not parse, or, in a raw log, are empty or too long.
    #[must_use]
    pub const fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Entries that parse and break a rule of the ledger.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Entries of a kind.
    #[must_use]
    pub fn of_kind(&self, kind: EntryKind) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or(0)
    }

    /// Issue entries by the key that signed the credential.
    #[must_use]
    pub const fn issued_by_key(&self) -> &BTreeMap<Thumbprint, u64> {
        &self.issued_by_key
    }

    /// Issue entries by the hour that they name. An issuer is free to name any hour up to the year 9999, so a log may
    /// name as many as it has issue entries.
    #[must_use]
    pub const fn issued_by_hour(&self) -> &BTreeMap<UnixSeconds, u64> {
        &self.issued_by_hour
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        increment(self.kinds.entry(entry.kind()).or_default());
        match entry {
            Entry::Issue(issue) => {
                increment(self.issued_by_key.entry(issue.issuer_key).or_default());
                increment(self.issued_by_hour.entry(issue.time).or_default());
            }
            Entry::Bundle(_) | Entry::Key(_) | Entry::List(_) | Entry::Snapshot(_) | Entry::Status(_) => {}
        }
    }

    pub(super) fn add_foreign(&mut self) {
        increment(&mut self.foreign);
    }

    pub(super) fn add_malformed(&mut self) {
        increment(&mut self.malformed);
    }

    pub(super) fn add_refused(&mut self) {
        increment(&mut self.refused);
    }
}

/// A log has fewer than 2^63 entries.
fn increment(count: &mut u64) {
    *count = count.saturating_add(1);
}
