//! What one thread submits: new entries, entries that nobody answered, entries that were answered already, and entries
//! that must be refused.

use std::collections::{BTreeMap, VecDeque};

use sillok_log::entry::{Entry, Issue, ListId, Status, StatusValue, Thumbprint};
use sillok_log::{Hash, UnixSeconds};

/// One thread of submissions, across all writers.
pub(crate) struct Lane {
    number: u32,
    random: fastrand::Rng,
    /// The last planned change of each slot that is this lane's.
    slots: BTreeMap<u32, (u64, StatusValue)>,
    answered: Vec<Vec<u8>>,
    pending: VecDeque<Vec<Item>>,
    unanswered: usize,
}

/// One entry of a submission and what must become of it.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) entry: Vec<u8>,
    pub(crate) expected: Expected,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Logged,
    /// Its commitment is in the log, in another entry.
    RefusedAsDuplicate,
}

impl Lane {
    pub(crate) fn new(number: u32, random: fastrand::Rng) -> Self {
        let (slots, answered, pending) = Default::default();
        Self { number, random, slots, answered, pending, unanswered: 0 }
    }

    /// Submissions that no writer has answered yet, oldest first.
    pub(crate) fn pending(&self) -> Vec<Vec<Item>> {
        self.pending.iter().cloned().collect()
    }

    /// The oldest submission that was not answered, else a new one.
    pub(crate) fn next(&mut self) -> Vec<Item> {
        match self.pending.pop_front() {
            Some(again) => again,
            None => self.compose(),
        }
    }

    /// A submission has no answer: it is submitted again, before anything else and as it was.
    pub(crate) fn cut_off(&mut self, submission: Vec<Item>) {
        self.unanswered += 1;
        self.pending.push_front(submission);
    }

    /// An entry of this lane is in the log.
    pub(crate) fn remember(&mut self, entry: &[u8]) {
        self.answered.push(entry.to_vec());
    }

    /// How often a submission had no answer.
    pub(crate) const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Whether the next answer is asked for once it is public.
    pub(crate) fn waits_for_publication(&mut self) -> bool {
        self.random.u32(0..4) == 0
    }

    fn compose(&mut self) -> Vec<Item> {
        let count = self.random.usize(1..=MAX_ITEMS);
        (0..count).map(|_item| self.item()).collect()
    }

    fn item(&mut self) -> Item {
        let old = self.random.choice(&self.answered).cloned();
        let (entry, expected) = match (self.random.u32(0..20), old) {
            (0..=2, Some(old)) => (old, Expected::Logged),
            (3, Some(old)) => match self.twin(&old) {
                Some(twin) => (twin, Expected::RefusedAsDuplicate),
                None => (self.change(), Expected::Logged),
            },
            (4..=9, _old) => (self.change(), Expected::Logged),
            (_most, _old) => (self.issue(), Expected::Logged),
        };
        Item { entry, expected }
    }

    fn issue(&mut self) -> Vec<u8> {
        let mut hash = || Hash(std::array::from_fn(|_byte| self.random.u8(..)));
        let (commitment, provenance) = (hash(), hash());
        Entry::Issue(Issue { commitment, issuer_key: ISSUER_KEY, provenance, time: HOUR }).encode()
    }

    /// An issue entry with the commitment of another.
    fn twin(&mut self, of: &[u8]) -> Option<Vec<u8>> {
        let Ok(Entry::Issue(issue)) = Entry::parse(of) else { return None };
        let provenance = Hash(std::array::from_fn(|_byte| self.random.u8(..)));
        Some(Entry::Issue(Issue { provenance, ..issue }).encode())
    }

    /// The next change of one of this lane's slots.
    fn change(&mut self) -> Vec<u8> {
        let index = self.number * SLOTS_OF_LANE + self.random.u32(0..SLOTS_OF_LANE);
        let (change, value) = match self.slots.get(&index) {
            None => (0, StatusValue::Suspended),
            Some((change, StatusValue::Suspended)) => (change + 1, StatusValue::Valid),
            Some((change, StatusValue::Valid | StatusValue::Revoked)) => (change + 1, StatusValue::Suspended),
        };
        self.slots.insert(index, (change, value));
        Entry::Status(Status { list: LIST, index, value, change, time: HOUR }).encode()
    }
}

/// The key that "signed" the credentials.
pub(crate) const ISSUER_KEY: Thumbprint = Thumbprint([7; 32]);

/// The list whose slots change.
pub(crate) const LIST: ListId = ListId([9; 16]);

/// A time that an issue entry may have.
pub(crate) const HOUR: UnixSeconds = UnixSeconds(1_800_000_000);

/// Few, so that a slot changes often.
const SLOTS_OF_LANE: u32 = 64;

/// Entries of one submission at most.
const MAX_ITEMS: usize = 12;
