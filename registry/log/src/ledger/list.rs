//! Pure. One status list: the slots that ever changed, and enough of the past to fold at an earlier size.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::entry::{IssuerHash, List, ListId, Snapshot, Status, StatusValue};
use crate::status::ListState;
use crate::{LeafIndex, TreeSize};

mod changes;
mod saved;
mod slots;

use changes::{Change, Changes};
use slots::{Slot, Slots};

/// What the ledger knows about a status list.
///
/// A slot that changed takes a few bytes and at most one for each slot of the list, a change since the last fold eight,
/// and a list without either some two hundred. Nothing is made for a size that a list entry only states, and the planes when
/// they are asked for, so that a log of many empty lists costs its reader what it cost its writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRecord {
    list: ListId,
    issuer: IssuerHash,
    size: u64,
    declared_at: LeafIndex,
    slots: Slots,
    /// In log order; those below the fold of the last snapshot are forgotten.
    changes: Changes,
    /// Apart: a list that has none is small.
    last_snapshot: Option<Box<(Snapshot, LeafIndex)>>,
}

impl ListRecord {
    pub(super) const fn new(list: &List, declared_at: LeafIndex) -> Self {
        Self {
            list: list.list,
            issuer: list.issuer,
            size: list.size,
            declared_at,
            slots: Slots::new(),
            changes: Changes::new(),
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
    pub fn last_snapshot(&self) -> Option<(Snapshot, LeafIndex)> {
        self.last_snapshot.as_deref().copied()
    }

    /// What a slot says now.
    #[must_use]
    pub fn slot(&self, index: u32) -> StatusValue {
        self.slots.get(index).value
    }

    /// How often a slot has changed.
    #[must_use]
    pub fn slot_changes(&self, index: u32) -> u64 {
        self.slots.get(index).changes
    }

    /// How many slots have changed at least once.
    #[must_use]
    pub const fn changed_slots(&self) -> usize {
        self.slots.count()
    }

    //= specs/status.md#fold
    /// The fold at a size; `None` below the fold of the last snapshot, which is no longer kept.
    #[must_use]
    pub fn state_at(&self, fold_size: TreeSize) -> Option<ListState> {
        if self.last_snapshot().is_some_and(|(last, _index)| fold_size < last.fold_size) {
            return None;
        }
        let mut state = ListState::new(self.list, self.size).ok()?;
        for (index, slot) in self.slots.iter() {
            state.set(index, slot.value).ok()?;
        }
        for change in self.changes.iter().rev().take_while(|change| change.at.0 >= fold_size.0) {
            state.set(change.index, change.before).ok()?;
        }
        Some(state)
    }

    pub(super) fn change(&mut self, status: &Status, at: LeafIndex) {
        let Slot { value: before, changes } = self.slots.get(status.index);
        self.changes.push(&Change { at, index: status.index, before });
        self.slots.set(status.index, Slot { value: status.value, changes: changes.saturating_add(1) });
    }

    pub(super) fn publish(&mut self, snapshot: &Snapshot, at: LeafIndex) {
        self.last_snapshot = Some(Box::new((*snapshot, at)));
        // Kept from the fold on and not from `at` on: an auditor compares the published list with this very fold.
        self.changes.forget_below(snapshot.fold_size.0);
    }
}

/// Makes room for one more of fewer than `most`, and for a quarter of what there is: what is kept for years is not half
/// empty.
fn grow<T>(items: &mut Vec<T>, most: usize) {
    if items.len() == items.capacity() {
        let room = (items.len() / 4).max(MIN_ROOM);
        items.reserve_exact(room.min(most.saturating_sub(items.len())));
    }
}

/// Items that room is made for at first: 16 or 32 bytes, as little as an allocator gives.
const MIN_ROOM: usize = 4;

#[cfg(test)]
mod tests;
