//! Changes of a status: decided, remembered, logged, remembered as logged.

use sillok_log::entry::{Entry, Status, StatusValue};
use sillok_log::{LeafIndex, UnixSeconds};

use super::entries::Entries;
use super::index::Index;
use super::payload::{self, Note};
use super::record::{ChangeNumber, Header, IssueNumber};
use super::{ChangeRefused, Register, RegisterError, Ticket};
use crate::slots::Slot;

/// A status to change.
#[derive(Clone, Copy)]
pub struct ChangeRequest<'a> {
    /// From [`Register::begin`], if the request has an idempotency key.
    pub ticket: Option<&'a Ticket>,
    /// Which credential.
    pub target: Target<'a>,
    /// What its status is to be.
    pub value: StatusValue,
    /// Why. It stays in the journal, sealed; once the subject is erased there is no key for it, and it is not kept.
    pub reason: &'a str,
    /// Who asks for it. Kept like the reason.
    pub operator: &'a str,
}

/// What a credential is named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// By its `id`.
    Id(&'a str),
    /// By its number here.
    Number(IssueNumber),
}

impl<'a> From<&'a str> for Target<'a> {
    fn from(id: &'a str) -> Self {
        Self::Id(id)
    }
}

/// A change that is about to be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number here.
    pub number: ChangeNumber,
    /// Its entry: the same one however often it is submitted.
    pub entry: Status,
}

impl Change {
    /// The exact bytes to submit.
    #[must_use]
    pub fn entry_bytes(&self) -> Vec<u8> {
        Entry::Status(self.entry).encode()
    }
}

/// A change, and where it is in the log if it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The change.
    pub change: Change,
    /// Its leaf, once it has one.
    pub leaf: Option<LeafIndex>,
}

/// What is known of a credential without opening anything sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number here.
    pub number: IssueNumber,
    /// Its slot.
    pub slot: Slot,
    /// Whether it is in the log.
    pub logged: bool,
    /// Its status, as far as it is in the log.
    pub value: StatusValue,
    /// How often its status has changed.
    pub changes: u64,
}

impl Register {
    /// Finds a credential by its `id`.
    #[must_use]
    pub fn find(&self, credential_id: &str) -> Option<Found> {
        let digest = self.digest_credential(credential_id);
        let number = self.hold().credential(&digest)?;
        self.find_number(number)
    }

    /// Finds a credential by its number.
    #[must_use]
    pub fn find_number(&self, number: IssueNumber) -> Option<Found> {
        let index = self.hold();
        let state = index.issues.get(number)?;
        let (slot, history) = (index.slot(state), index.history(number));
        let (value, changes) = (history.value, history.changes);
        Some(Found { number, slot, logged: state.done.is_some(), value, changes })
    }

    /// Decides about changes in their order and remembers those that may be made: when it returns, their exact entries
    /// outlast a loss of power. Of two changes of one credential the second is refused as long as the first is open.
    ///
    /// # Errors
    /// A failed operation: none of them may be submitted.
    pub fn status_intent(
        &self,
        requests: &[ChangeRequest<'_>],
        now: UnixSeconds,
    ) -> Result<Vec<Result<Change, ChangeRefused>>, RegisterError> {
        let mut decided = Vec::with_capacity(requests.len());
        let mut entries = Entries::with_capacity(requests.len());
        let mut reserved = Vec::new();
        for request in requests {
            let digest = match request.target {
                Target::Id(id) => Ok(self.digest_credential(id)),
                Target::Number(number) => Err(number),
            };
            let reservation = {
                let mut index = self.hold();
                let issue = digest.map_or_else(Some, |digest| index.credential(&digest));
                let known = issue.ok_or(ChangeRefused::Unknown);
                known.and_then(|issue| index.reserve_change(issue, request.value, now))
            };
            let (change, issue, subject) = match reservation {
                Ok(reservation) => reservation,
                Err(refused) => {
                    decided.push(Err(refused));
                    continue;
                }
            };
            reserved.push(issue);
            let header = Header::Change {
                number: change.number,
                issue,
                value: request.value,
                change: change.entry.change,
                time: now,
                asked: request.ticket.map(|ticket| ticket.asked),
            };
            let note = payload::note(request.reason, request.operator);
            let sealed = self.subjects.key(subject).and_then(|key| entries.seal(header, key.as_ref(), &note));
            if let Err(error) = sealed {
                self.hold().release_changes(&reserved);
                return Err(RegisterError::Store(error));
            }
            decided.push(Ok(change));
        }
        // If we crash within this: none or the first few are open changes, and the same entries are submitted.
        if let Err(error) = self.append(entries) {
            self.hold().release_changes(&reserved);
            return Err(error);
        }
        Ok(decided)
    }

    /// Remembers that changes are in the log.
    ///
    /// # Errors
    /// A number that is not of an open change, and then nothing is remembered, or a failed operation.
    pub fn status_done(
        &self,
        done: &[(ChangeNumber, LeafIndex)],
        now: UnixSeconds,
    ) -> Result<(), RegisterError> {
        self.check_open(done.iter().map(|(number, _leaf)| *number))?;
        let mut entries = Entries::with_capacity(done.len());
        for (number, leaf) in done {
            entries.push(Header::ChangeDone { number: *number, leaf: *leaf, time: now })?;
        }
        self.append(entries)
    }

    /// Gives up changes that the log has refused for good.
    ///
    /// # Errors
    /// A number that is not of an open change, and then nothing is given up, or a failed operation.
    pub fn status_abandon(&self, numbers: &[ChangeNumber], now: UnixSeconds) -> Result<(), RegisterError> {
        self.check_open(numbers.iter().copied())?;
        let mut entries = Entries::with_capacity(numbers.len());
        for number in numbers {
            entries.push(Header::ChangeAbandoned { number: *number, time: now })?;
        }
        self.append(entries)
    }

    /// Changes that are not in the log yet, oldest first: to be submitted again as they are.
    #[must_use]
    pub fn open_changes(&self) -> Vec<Change> {
        let index = self.hold();
        let open = index.open_changes.iter().filter_map(|number| index.changed(*number));
        open.map(|changed| changed.change).collect()
    }

    /// Why a status was changed, and by whom; `None` if that was not kept or the subject is erased.
    ///
    /// # Errors
    /// An unknown number, a failed operation or an unreadable record.
    pub fn status_note(&self, number: ChangeNumber) -> Result<Option<Note>, RegisterError> {
        let index = self.hold();
        let unknown = RegisterError::UnknownChange { number };
        let Some(change) = index.changes.get(&number).copied() else { return Err(unknown) };
        let Some(subject) = index.issues.get(change.issue).map(|issue| issue.subject) else {
            return Err(unknown);
        };
        drop(index);
        let Some(sealer) = self.subjects.key(subject)? else { return Ok(None) };
        let record = self.journal.read(change.location)?;
        let Some(plain) = self.open_sealed(&record, &sealer, subject)? else { return Ok(None) };
        payload::parse_note(&plain).map(Some).ok_or(RegisterError::Unreadable { what: "reason" })
    }

    fn check_open(&self, numbers: impl Iterator<Item = ChangeNumber>) -> Result<(), RegisterError> {
        let index = self.hold();
        let mut numbers = numbers;
        match numbers.find(|number| !index.open_changes.contains(number)) {
            Some(number) => Err(RegisterError::UnknownChange { number }),
            None => Ok(()),
        }
    }
}

impl Index {
    pub(super) fn changed(&self, number: ChangeNumber) -> Option<Changed> {
        let state = self.changes.get(&number)?;
        let slot = self.slot(self.issues.get(state.issue)?);
        let entry = Status {
            list: slot.list,
            index: slot.index,
            value: state.value,
            change: state.change,
            time: state.time,
        };
        Some(Changed { change: Change { number, entry }, leaf: state.leaf })
    }
}
