//! Erasure: of one subject, and of all whose time has come.

use std::collections::HashSet;

use sillok_log::UnixSeconds;

use super::{Register, RegisterError};
use crate::subjects::SubjectSlot;

impl Register {
    /// Destroys the key of a subject: everything sealed for it is unreadable from now on, and its leaves cannot be told
    /// from others. Whether there was a key.
    ///
    /// # Errors
    /// A failed operation.
    pub fn erase(&self, subject: &str) -> Result<bool, RegisterError> {
        let Some(slot) = self.subjects.find(self.subjects.reference(subject)) else { return Ok(false) };
        self.subjects.erase(&HashSet::from([slot]))?;
        Ok(true)
    }

    /// Destroys the keys of the subjects for whom nothing was sealed at `time` or later, but for those with an open
    /// intent or change. How many keys that were.
    ///
    /// # Errors
    /// A failed operation.
    pub fn erase_older_than(&self, time: UnixSeconds) -> Result<usize, RegisterError> {
        let index = self.hold();
        let issues = index.open_issues.iter().filter_map(|number| index.issues.get(*number));
        let changes = index.open_changes.iter().filter_map(|number| index.changes.get(number));
        let changed = changes.filter_map(|change| index.issues.get(change.issue));
        let busy: HashSet<SubjectSlot> = issues.chain(changed).map(|issue| issue.subject).collect();
        let used = (0..).map(SubjectSlot).zip(&index.last_used);
        let old = used.filter(|(slot, last)| last.0 != 0 && **last < time && !busy.contains(slot));
        let old: Vec<SubjectSlot> = old.map(|(slot, _last)| slot).collect();
        drop(index);
        let old: HashSet<SubjectSlot> =
            old.into_iter().filter(|slot| !self.subjects.is_erased(*slot)).collect();
        self.subjects.erase(&old)?;
        let mut index = self.hold();
        for slot in &old {
            if let Some(last) = index.last_used.get_mut(slot.0 as usize) {
                *last = UnixSeconds(0);
            }
        }
        Ok(old.len())
    }
}
