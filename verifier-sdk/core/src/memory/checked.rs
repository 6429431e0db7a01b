//! Pure. Notes that a policy accepted, so that the next receipt with the same note costs no signature.
//!
//! What is kept is what [`Policy::open`](sillok_log::policy::Policy::open) returned, a function of the note and the policy alone: whoever
//! finds it here goes on as if it had been computed anew. It is no part of what must not go back, and is not saved.

use alloc::sync::Arc;
use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};
use sillok_log::Hash;
use sillok_log::policy::Opened;

/// Accepted notes, oldest first, at most one for each checkpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked {
    notes: Arc<Vec<CheckedNote>>,
}

#[derive(Clone, Debug)]
struct CheckedNote {
    name: NoteName,
    opened: Arc<Opened>,
}

/// A note to its last byte, and the root whose policy judges it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoteName {
    note: Hash,
    under: Hash,
}

impl NoteName {
    /// `under` is the document digest of the root, which holds the policy: under another root nothing is found.
    pub(crate) fn new(note: &str, under: &Hash) -> Self {
        Self { note: Hash(Sha256::digest(note).into()), under: *under }
    }
}

impl Checked {
    pub(super) fn find(&self, name: &NoteName) -> Option<&Arc<Opened>> {
        self.notes.iter().find(|checked| checked.name == *name).map(|checked| &checked.opened)
    }

    /// Keeps a note that was accepted. It takes the place of another note of the same checkpoint: anybody can add lines of strangers
    /// to a note, and must not put out those of other checkpoints with them. Else the oldest goes when there are too many.
    //= specs/verification.md#accepted-checkpoints
    pub(super) fn keep(&mut self, name: NoteName, opened: &Arc<Opened>) {
        let mut notes = Vec::with_capacity(MAX_CHECKED);
        let others = self.notes.iter().filter(|checked| {
            checked.name.under != name.under || checked.opened.checkpoint != opened.checkpoint
        });
        notes.extend(others.cloned());
        let surplus = notes.len().saturating_sub(MAX_CHECKED.saturating_sub(1));
        notes.drain(..surplus);
        notes.push(CheckedNote { name, opened: Arc::clone(opened) });
        self.notes = Arc::new(notes);
    }

    pub(super) fn len(&self) -> usize {
        self.notes.len()
    }
}

/// Most notes that are kept (specs/verification.md, "Accepted checkpoints"): at most 100 KB, and looking through them costs a
/// hundredth of a signature.
pub const MAX_CHECKED: usize = 64;
