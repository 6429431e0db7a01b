//! What the journal says about the state of the status lists.

use std::collections::BTreeMap;

use sillok_log::entry::{ListId, StatusValue};
use sillok_log::{LeafIndex, UnixSeconds};

use super::change::Changed;
use super::entries::Entries;
use super::record::Header;
use super::{Register, RegisterError};
use crate::slots::Slot;

/// The fold of all changes that are in the log, as far as this issuer made them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// Slots that are not valid.
    pub values: Vec<(Slot, StatusValue)>,
    /// The highest leaf of a change in the present log, by list.
    pub highest: BTreeMap<ListId, LeafIndex>,
}

impl Register {
    /// The fold of all logged changes.
    #[must_use]
    pub fn fold(&self) -> Fold {
        // The index keeps it change by change: the lock is held for a copy of what is not valid.
        let index = self.hold();
        Fold { values: index.values.values().copied().collect(), highest: index.highest.clone() }
    }

    /// Remembers that another log has taken over, which begins with everything that says what this one came to.
    ///
    /// # Errors
    /// A failed operation.
    pub fn succeed(&self, now: UnixSeconds) -> Result<(), RegisterError> {
        let mut entries = Entries::with_capacity(1);
        entries.push(Header::Succeeded { time: now })?;
        self.append(entries)
    }

    /// The last change of a credential that is in the log.
    #[must_use]
    pub fn last_change(&self, credential_id: &str) -> Option<Changed> {
        let digest = self.digest_credential(credential_id);
        let index = self.hold();
        let issue = index.credential(&digest)?;
        index.changed(index.history(issue).last_change?)
    }
}
