//! Pure. One status list: the slots that ever changed, and enough of the past to fold at an earlier size.

use alloc::collections::{BTreeMap, VecDeque};

use crate::entry::{IssuerHash, List, ListId, Snapshot, Status, StatusValue};
use crate::status::ListState;
use crate::{LeafIndex, TreeSize};

mod saved;

/// What the ledger knows about a status list.
///
/// Slots that never changed take no memory. The planes are made when they are asked for, so that a log of many
/// empty lists costs its reader what it cost its writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRecord {
    list: ListId,
    issuer: IssuerHash,
    size: u64,
    declared_at: LeafIndex,
    slots: BTreeMap<u32, Slot>,
    /// In log order; those below the fold of the last snapshot are forgotten.
    changes: VecDeque<Change>,
    last_snapshot: Option<(Snapshot, LeafIndex)>,
}

/// A slot that changed at least once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot {
    value: StatusValue,
    changes: u64,
}

/// What a status entry replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    at: LeafIndex,
    index: u32,
    before: StatusValue,
}

impl ListRecord {
    pub(super) const fn new(list: &List, declared_at: LeafIndex) -> Self {
        Self {
            list: list.list,
            issuer: list.issuer,
            size: list.size,
            declared_at,
            slots: BTreeMap::new(),
            changes: VecDeque::new(),
            last_snapshot: None,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn list(&self) -> ListId {
        self.list
    }

    /// Whose list it is.
    #[must_use]
    pub const fn issuer(&self) -> IssuerHash {
        self.issuer
    }

    /// How many slots it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Where its list entry is in the log.
    #[must_use]
    pub const fn declared_at(&self) -> LeafIndex {
        self.declared_at
    }

    /// The last snapshot, and where it is in the log.
    #[must_use]
    pub const fn last_snapshot(&self) -> Option<(Snapshot, LeafIndex)> {
        self.last_snapshot
    }

    /// What a slot says now.
    #[must_use]
    pub fn slot(&self, index: u32) -> StatusValue {
        self.slots.get(&index).map_or(StatusValue::Valid, |slot| slot.value)
    }

    /// How often a slot has changed.
    #[must_use]
    pub fn slot_changes(&self, index: u32) -> u64 {
        self.slots.get(&index).map_or(0, |slot| slot.changes)
    }

    //= specs/status.md#fold
    /// The fold at a size; `None` below the fold of the last snapshot, which is no longer kept.
    #[must_use]
    pub fn state_at(&self, fold_size: TreeSize) -> Option<ListState> {
        if self.last_snapshot.is_some_and(|(last, _index)| fold_size < last.fold_size) {
            return None;
        }
        let mut state = ListState::new(self.list, self.size).ok()?;
        for (index, slot) in &self.slots {
            state.set(*index, slot.value).ok()?;
        }
        for change in self.changes.iter().rev().take_while(|change| change.at.0 >= fold_size.0) {
            state.set(change.index, change.before).ok()?;
        }
        Some(state)
    }

    pub(super) fn change(&mut self, status: &Status, at: LeafIndex) {
        let slot = self.slots.entry(status.index).or_default();
        self.changes.push_back(Change { at, index: status.index, before: slot.value });
        *slot = Slot { value: status.value, changes: slot.changes.saturating_add(1) };
    }

    pub(super) fn publish(&mut self, snapshot: &Snapshot, at: LeafIndex) {
        self.last_snapshot = Some((*snapshot, at));
        // Kept from the fold on and not from `at` on: an auditor compares the published list with this very fold.
        let forgotten = self.changes.partition_point(|change| change.at.0 < snapshot.fold_size.0);
        self.changes.drain(..forgotten);
    }
}
