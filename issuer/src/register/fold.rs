//! What the journal says about the state of the status lists.

use std::collections::BTreeMap;

use sillok_log::LeafIndex;
use sillok_log::entry::{ListId, StatusValue};

use super::Register;
use super::change::Changed;
use crate::slots::Slot;

/// The fold of all changes that are in the log, as far as this issuer made them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// Slots that are not valid.
    pub values: Vec<(Slot, StatusValue)>,
    /// The highest leaf of a change, by list.
    pub highest: BTreeMap<ListId, LeafIndex>,
}

impl Register {
    /// The fold of all logged changes.
    #[must_use]
    pub fn fold(&self) -> Fold {
        let index = self.hold();
        let mut fold = Fold::default();
        for change in index.changes.values() {
            let (Some(leaf), Some(issue)) = (change.leaf, index.issues.get(&change.issue)) else { continue };
            let highest = fold.highest.entry(issue.slot.list).or_insert(leaf);
            *highest = leaf.max(*highest);
        }
        let changed = index.issues.values().filter(|issue| issue.value != StatusValue::Valid);
        fold.values = changed.map(|issue| (issue.slot, issue.value)).collect();
        fold
    }

    /// The last change of a credential that is in the log.
    #[must_use]
    pub fn last_change(&self, credential_id: &str) -> Option<Changed> {
        let digest = self.digest_credential(credential_id);
        let index = self.hold();
        let issue = *index.credentials.get(&digest)?;
        let changes =
            index.changes.iter().filter(|(_number, change)| change.issue == issue && change.leaf.is_some());
        let (number, _change) = changes.max_by_key(|(_number, change)| change.change)?;
        index.changed(*number)
    }
}
