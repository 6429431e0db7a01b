//! What the writer acknowledged, as a process outside of it remembers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use sillok_client::Logged;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::VerifierKey;
use sillok_log::receipt::Receipt;
use sillok_log::{LeafIndex, TreeSize};

use super::inspection::Inspection;

/// Every entry that was answered, with its receipt, and every checkpoint of a receipt.
#[derive(Clone, Default)]
pub(crate) struct Acknowledged {
    entries: BTreeMap<Vec<u8>, LeafIndex>,
    checkpoints: BTreeMap<TreeSize, Checkpoint>,
    /// Entries that a killed writer had logged without an answer, and that a retry found.
    recovered: usize,
    largest: Option<(TreeSize, String)>,
}

impl Acknowledged {
    /// Takes an answer, after checking its receipt in full. `found` is what the log held when this writer had started.
    pub(crate) fn take(
        &mut self,
        entry: Vec<u8>,
        logged: &Logged,
        log: &VerifierKey,
        found: Option<&Inspection>,
    ) {
        let receipt = Receipt::parse(logged.receipt.as_bytes()).expect("an answered receipt parses");
        assert_eq!(receipt.index, logged.index, "a receipt names another place than its answer");
        let checkpoint =
            Checkpoint::open(&receipt.checkpoint, log).expect("an answered receipt's checkpoint opens");
        receipt.check(&leaf_hash(&entry), &checkpoint).expect("an answered receipt proves its entry");

        if let Some(index) = found.and_then(|found| found.place_of(&entry)) {
            assert_eq!(logged.index, index, "an entry in the log got a second place: {entry:02x?}");
            assert!(logged.duplicate, "an entry in the log was taken for a new one: {entry:02x?}");
            if !self.entries.contains_key(&entry) {
                self.recovered += 1;
            }
        }
        match self.entries.entry(entry) {
            Slot::Occupied(known) => {
                assert_eq!(*known.get(), logged.index, "an acknowledged entry got a second place");
            }
            Slot::Vacant(new) => drop(new.insert(logged.index)),
        }
        if self.largest.as_ref().is_none_or(|(size, _note)| *size < checkpoint.size) {
            self.largest = Some((checkpoint.size, receipt.checkpoint));
        }
        let same_size = self.checkpoints.entry(checkpoint.size).or_insert_with(|| checkpoint.clone());
        assert_eq!(*same_size, checkpoint, "two checkpoints of one size");
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn recovered(&self) -> usize {
        self.recovered
    }

    /// Where an entry was promised to be.
    pub(crate) fn place_of(&self, entry: &[u8]) -> Option<LeafIndex> {
        self.entries.get(entry).copied()
    }

    /// Entries and the places that they were promised.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], LeafIndex)> {
        self.entries.iter().map(|(entry, index)| (entry.as_slice(), *index))
    }

    /// The checkpoints that receipts rest on, smallest first.
    pub(crate) fn checkpoints(&self) -> impl Iterator<Item = &Checkpoint> {
        self.checkpoints.values()
    }

    /// The largest of them, as signed.
    pub(crate) fn largest(&self) -> Option<&str> {
        self.largest.as_ref().map(|(_size, note)| note.as_str())
    }
}
