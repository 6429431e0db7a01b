//! What others that keep things about the same people ask of the register: the people's keys, and what came of requests.

use sillok_log::UnixSeconds;

use super::index::Outcome;
use super::{IssueNumber, Register, RegisterError, Subject};
use crate::journal::StoreError;
use crate::subjects::{Sealer, SubjectKey, SubjectRef, SubjectSlot, random};

/// What came of a request that was to issue something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is in the log.
    Logged(IssueNumber),
    /// Nothing: nobody has begun, or the log has refused it for good.
    Nothing,
    /// It is remembered, and not in the log yet.
    Open(IssueNumber),
    /// Somebody works on it at this moment.
    Running,
}

impl Register {
    /// What came of a request, by client and idempotency key. It asks memory alone.
    pub(crate) fn standing(&self, client: &str, idempotency_key: &str) -> Standing {
        let key = self.keys.digest(&[client.as_bytes(), idempotency_key.as_bytes()]);
        let index = self.hold();
        match index.asked_before(&key).map(|(_request, outcome)| outcome) {
            Some(Outcome::Issue(number)) if index.open_issues.contains(&number) => Standing::Open(number),
            Some(Outcome::Issue(number)) => Standing::Logged(number),
            Some(Outcome::Change(_)) | None if index.in_progress.contains_key(&key) => Standing::Running,
            Some(Outcome::Change(_)) | None => Standing::Nothing,
        }
    }

    /// The number that the next issuance gets: all that there are have lower ones.
    pub(crate) fn next_number(&self) -> IssueNumber {
        IssueNumber(self.hold().next_issue)
    }

    /// Whose credential it is.
    pub(crate) fn subject_of(&self, number: IssueNumber) -> Option<SubjectSlot> {
        self.hold().issues.get(number).map(|state| state.subject)
    }

    /// Where the key of a person is for whom something was sealed and not erased.
    pub(crate) fn person(&self, subject: &str) -> Option<SubjectSlot> {
        self.subjects.find(self.subjects.reference(subject))
    }

    /// Whether a person's key is gone.
    pub(crate) fn is_erased(&self, subject: SubjectSlot) -> bool {
        self.subjects.is_erased(subject)
    }

    /// Whether there is, or was before an erasure, a key at this place.
    pub(crate) fn is_known(&self, subject: SubjectSlot) -> bool {
        self.subjects.is_used(subject)
    }

    /// A person's key; `None` once it is erased.
    pub(crate) fn key(&self, subject: SubjectSlot) -> Result<Option<Sealer>, StoreError> {
        self.subjects.key(subject)
    }

    /// A person's key, made if there is none. Never nothing.
    pub(crate) fn key_for(&self, subject: &str) -> Result<Option<SubjectKey>, StoreError> {
        Ok(self.subjects.keys_for(&[self.subjects.reference(subject)])?.pop())
    }

    /// Says that something was sealed for a person elsewhere: what is kept of somebody is kept for as long as from the last
    /// time on.
    pub(crate) fn mark_used(&self, subject: SubjectSlot, time: UnixSeconds) {
        self.hold().used(subject, time);
    }

    /// The keys of some people, in their order. Those of named people are made if they are not there.
    pub(super) fn keys_of(&self, subjects: &[Subject<'_>]) -> Result<Vec<SubjectKey>, RegisterError> {
        let named: Vec<SubjectRef> = subjects
            .iter()
            .filter_map(|subject| match subject {
                Subject::Named(name) => Some(self.subjects.reference(name)),
                Subject::Known(_) => None,
            })
            .collect();
        let mut made = self.subjects.keys_for(&named)?.into_iter();
        let mut keys = Vec::with_capacity(subjects.len());
        for subject in subjects {
            match subject {
                Subject::Named(_) => keys.extend(made.next()),
                Subject::Known(slot) => {
                    let sealer = match self.subjects.key(*slot)? {
                        Some(sealer) => sealer,
                        // Erased just now: a key that nobody keeps makes whatever is sealed under it unreadable as well.
                        None => Sealer::new(&zeroize::Zeroizing::new(random()?)),
                    };
                    keys.push(SubjectKey { slot: *slot, sealer });
                }
            }
        }
        Ok(keys)
    }
}
