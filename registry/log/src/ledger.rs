//! Pure. The ledger: what the entries so far add up to, and which entry may come next.
//!
//! The registry refuses an entry that breaks a rule before it gets an index; the audit oracle reports one that got
//! in all the same. Both ask [`Ledger::check`].
//!
//! # Out of scope
//! The commitments of issue entries. They take 32 bytes a credential, and their two users keep them differently:
//! the registry in an index on disk, the oracle in memory. Whoever keeps them raises [`Refusal::IssueDuplicate`].

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::entry::{
    Bundle, Cut, Document, Entry, Issue, IssuerHash, Key, KeyEvent, List, ListId, OriginHash, Snapshot,
    Status, StatusValue, Thumbprint,
};
use crate::status::ListState;
use crate::{LeafIndex, TreeSize};

mod authorise;
mod list;
mod refusal;
mod saved;

pub use authorise::{Role, authorise};
pub use list::ListRecord;
pub use refusal::Refusal;

/// What the entries so far add up to.
///
/// It takes memory for each key, each list, each slot that ever changed, and each change since the fold of a list's
/// last snapshot; a list that is never published keeps them all. It takes none for an issue entry.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    keys: BTreeMap<Thumbprint, KeyRecord>,
    lists: BTreeMap<ListId, ListRecord>,
    root_sequence: u64,
    feed_sequence: u64,
}

/// What the ledger knows about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Whose key it is.
    pub issuer: IssuerHash,
    /// What happened to it last.
    pub state: KeyState,
    /// Of the last event. An origin that is not listed has cut 0, but for an active key, which has none.
    pub cuts: Vec<Cut>,
    /// Where it was added.
    pub added_at: LeafIndex,
}

impl KeyRecord {
    /// The cut of a retired or compromised key in the log of this origin.
    #[must_use]
    pub fn cut(&self, origin: OriginHash) -> TreeSize {
        let listed = self.cuts.iter().find(|cut| cut.origin == origin);
        listed.map_or(TreeSize(0), |cut| cut.size)
    }
}

/// What may happen with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// It may sign.
    Active,
    /// Somebody else may have it.
    Compromised,
    /// It signs no more.
    Retired,
}

//= specs/entry.md#ledger-rules
impl Ledger {
    /// The ledger of an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `entry` may be the next one, at `index`. It changes nothing.
    ///
    /// # Errors
    /// The first rule that it breaks, in the order of the table in specs/entry.md.
    pub fn check(&self, entry: &Entry, index: LeafIndex) -> Result<(), Refusal> {
        match entry {
            Entry::Bundle(bundle) => self.check_bundle(bundle),
            Entry::Issue(issue) => self.check_issue(issue),
            Entry::Key(key) => self.check_key(key),
            Entry::List(list) => self.check_list(list),
            Entry::Snapshot(snapshot) => self.check_snapshot(snapshot, index),
            Entry::Status(status) => self.check_status(status),
        }
    }

    /// Takes in an entry that [`Ledger::check`] accepted at the same `index`; otherwise the ledger means nothing.
    pub fn apply(&mut self, entry: &Entry, index: LeafIndex) {
        match entry {
            Entry::Bundle(bundle) => match bundle.document {
                Document::Root => self.root_sequence = bundle.sequence,
                Document::Feed => self.feed_sequence = bundle.sequence,
            },
            // Its commitment is not kept here.
            Entry::Issue(_) => {}
            Entry::Key(key) => self.apply_key(key, index),
            Entry::List(list) => {
                self.lists.insert(list.list, ListRecord::new(list, index));
            }
            Entry::Snapshot(snapshot) => {
                if let Some(record) = self.lists.get_mut(&snapshot.list) {
                    record.publish(snapshot, index);
                }
            }
            Entry::Status(status) => {
                if let Some(record) = self.lists.get_mut(&status.list) {
                    record.change(status, index);
                }
            }
        }
    }

    fn check_issue(&self, issue: &Issue) -> Result<(), Refusal> {
        let refusal = Refusal::IssueKeyNotActive { key: issue.issuer_key };
        match self.keys.get(&issue.issuer_key).map(|key| key.state) {
            Some(KeyState::Active) => Ok(()),
            Some(KeyState::Retired | KeyState::Compromised) | None => Err(refusal),
        }
    }

    fn check_list(&self, list: &List) -> Result<(), Refusal> {
        if self.lists.contains_key(&list.list) {
            return Err(Refusal::ListDuplicate { list: list.list });
        }
        Ok(())
    }

    fn check_status(&self, status: &Status) -> Result<(), Refusal> {
        let Status { list, index, value, change, time: _ } = *status;
        let record = self.lists.get(&list).ok_or(Refusal::StatusUnknownList { list })?;
        if u64::from(index) >= record.size() {
            return Err(Refusal::StatusIndexRange { index, size: record.size() });
        }
        let expected = record.slot_changes(index);
        if change != expected {
            return Err(Refusal::StatusOutOfOrder { index, expected, found: change });
        }
        let current = record.slot(index);
        match current {
            StatusValue::Revoked => return Err(Refusal::StatusRevokedIsTerminal { index }),
            StatusValue::Valid | StatusValue::Suspended => {}
        }
        if value == current { Err(Refusal::StatusNoChange { index, value }) } else { Ok(()) }
    }

    fn check_snapshot(&self, snapshot: &Snapshot, index: LeafIndex) -> Result<(), Refusal> {
        self.check_snapshot_but_digest(snapshot, index)?;
        let Snapshot { list, digest: found, fold_size, .. } = *snapshot;
        match self.state_at(list, fold_size).map(|state| state.digest()) {
            Some(expected) if expected == found => Ok(()),
            Some(_) | None => Err(Refusal::SnapshotDigest { list, found }),
        }
    }

    /// Whether a snapshot keeps every rule that takes no fold: all but the last, `snapshot.digest`. For whoever
    /// remembers the digest of a fold; `largest_fold` is the index of the snapshot, or less where less is wanted.
    ///
    /// # Errors
    /// The first rule that it breaks, in the order of the table in specs/entry.md.
    pub fn check_snapshot_but_digest(
        &self,
        snapshot: &Snapshot,
        largest_fold: LeafIndex,
    ) -> Result<(), Refusal> {
        let Snapshot { list, sequence, digest: _, fold_size, issued: _, not_after: _ } = *snapshot;
        let record = self.lists.get(&list).ok_or(Refusal::SnapshotUnknownList { list })?;
        let previous = record.last_snapshot();
        let expected = next_sequence(previous.map_or(0, |(snapshot, _index)| snapshot.sequence));
        if sequence != expected {
            return Err(Refusal::SnapshotSequence { expected, found: sequence });
        }
        // A previous snapshot always comes after the list entry.
        let above = previous.map_or_else(|| record.declared_at(), |(_snapshot, index)| index);
        if fold_size.0 <= above.0 {
            return Err(Refusal::SnapshotFoldTooSmall { fold_size, above });
        }
        if fold_size.0 > largest_fold.0 {
            return Err(Refusal::SnapshotFoldTooLarge { fold_size, index: largest_fold });
        }
        Ok(())
    }

    fn check_key(&self, key: &Key) -> Result<(), Refusal> {
        let known = self.keys.get(&key.key);
        let own = known.filter(|known| known.issuer == key.issuer);
        match key.event {
            KeyEvent::Added => match known {
                Some(_) => Err(Refusal::KeyAlreadyAdded { key: key.key }),
                None => Ok(()),
            },
            KeyEvent::Retired => match own.map(|own| own.state) {
                Some(KeyState::Active) => Ok(()),
                Some(KeyState::Retired | KeyState::Compromised) | None => {
                    Err(Refusal::KeyNotActive { key: key.key })
                }
            },
            KeyEvent::Compromised => match own.map(|own| own.state) {
                Some(KeyState::Active) => Ok(()),
                Some(KeyState::Retired) => check_cuts(key, own),
                Some(KeyState::Compromised) | None => Err(Refusal::KeyNotCompromisable { key: key.key }),
            },
        }
    }

    fn check_bundle(&self, bundle: &Bundle) -> Result<(), Refusal> {
        let Bundle { document, sequence: found, digest: _, activation: _ } = *bundle;
        let expected = next_sequence(self.bundle_sequence(document));
        if found == expected { Ok(()) } else { Err(Refusal::BundleSequence { document, expected, found }) }
    }

    fn apply_key(&mut self, key: &Key, index: LeafIndex) {
        let state = match key.event {
            KeyEvent::Added => KeyState::Active,
            KeyEvent::Retired => KeyState::Retired,
            KeyEvent::Compromised => KeyState::Compromised,
        };
        let added = KeyRecord { issuer: key.issuer, state, cuts: Vec::new(), added_at: index };
        let record = self.keys.entry(key.key).or_insert(added);
        record.state = state;
        record.cuts.clone_from(&key.cuts);
    }

    /// What is known about a key; `None` if it was never added.
    #[must_use]
    pub fn key(&self, key: Thumbprint) -> Option<&KeyRecord> {
        self.keys.get(&key)
    }

    /// All keys, in the order of their thumbprints.
    pub fn keys(&self) -> impl Iterator<Item = (Thumbprint, &KeyRecord)> {
        self.keys.iter().map(|(key, record)| (*key, record))
    }

    /// What is known about a list; `None` if it was never declared.
    #[must_use]
    pub fn list(&self, list: ListId) -> Option<&ListRecord> {
        self.lists.get(&list)
    }

    /// All lists, in the order of their ids.
    pub fn lists(&self) -> impl Iterator<Item = (ListId, &ListRecord)> {
        self.lists.iter().map(|(list, record)| (*list, record))
    }

    /// How often a slot has changed: the change number of its next status entry. 0 for a list that is not known.
    #[must_use]
    pub fn slot_changes(&self, list: ListId, index: u32) -> u64 {
        self.lists.get(&list).map_or(0, |record| record.slot_changes(index))
    }

    /// The fold of a list at a size; `None` for an unknown list, and for a fold below the one of its last snapshot,
    /// which is no longer kept.
    #[must_use]
    pub fn state_at(&self, list: ListId, fold_size: TreeSize) -> Option<ListState> {
        self.lists.get(&list)?.state_at(fold_size)
    }

    /// The last snapshot of a list, and where it is in the log.
    #[must_use]
    pub fn last_snapshot(&self, list: ListId) -> Option<(Snapshot, LeafIndex)> {
        self.lists.get(&list)?.last_snapshot()
    }

    /// The sequence of the document's last bundle entry; 0 if there is none.
    #[must_use]
    pub const fn bundle_sequence(&self, document: Document) -> u64 {
        match document {
            Document::Root => self.root_sequence,
            Document::Feed => self.feed_sequence,
        }
    }
}

/// The rule `key.cut-grows`: what a retirement had cut off does not come back.
fn check_cuts(key: &Key, retired: Option<&KeyRecord>) -> Result<(), Refusal> {
    match key.cuts.iter().find(|cut| retired.is_none_or(|retired| cut.size > retired.cut(cut.origin))) {
        Some(cut) => Err(Refusal::KeyCutGrows { origin: cut.origin, found: cut.size }),
        None => Ok(()),
    }
}

/// It would take 2^64 entries to get where this stops counting.
const fn next_sequence(previous: u64) -> u64 {
    previous.saturating_add(1)
}
