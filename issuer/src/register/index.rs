//! What the register has in memory: made of the journal's headers, and of nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sillok_log::entry::{ListId, Status, StatusValue};
use sillok_log::{LeafIndex, UnixSeconds};

use super::change::Change;
use super::error::ChangeRefused;
use super::record::{Asked, ChangeNumber, Digest, Header, IssueNumber};
use crate::journal::{Location, Record};
use crate::slots::Slot;
use crate::subjects::SubjectSlot;

/// Everything that is known without opening a sealed part.
#[derive(Default)]
pub(super) struct Index {
    pub(super) issues: HashMap<IssueNumber, IssueState>,
    pub(super) changes: HashMap<ChangeNumber, ChangeState>,
    pub(super) next_issue: u64,
    pub(super) next_change: u64,
    /// Which credential an id, digested, is of.
    pub(super) credentials: HashMap<Digest, IssueNumber>,
    /// Which request an idempotency key was used for, and what came of it.
    pub(super) keys: HashMap<Digest, (Digest, Outcome)>,
    /// Idempotency keys of requests that are being worked on, and what they ask for.
    pub(super) in_progress: HashMap<Digest, Digest>,
    pub(super) open_issues: BTreeSet<IssueNumber>,
    pub(super) open_changes: BTreeSet<ChangeNumber>,
    /// Credentials that are not valid, as far as that is in the log.
    pub(super) values: BTreeMap<IssueNumber, (Slot, StatusValue)>,
    /// The highest leaf of a change, by list.
    pub(super) highest: BTreeMap<ListId, LeafIndex>,
    /// When there was last something to seal for a subject.
    pub(super) last_used: HashMap<SubjectSlot, UnixSeconds>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Change(ChangeNumber),
    Issue(IssueNumber),
}

/// One issuance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IssueState {
    pub(super) intent: Location,
    /// The newest done record.
    pub(super) done: Option<Location>,
    pub(super) subject: SubjectSlot,
    pub(super) slot: Slot,
    pub(super) credential: Digest,
    pub(super) value: StatusValue,
    /// Changes of its status that are in the log.
    pub(super) changes: u64,
    /// The change that is about to be logged.
    pub(super) pending: Option<ChangeNumber>,
    /// The last of its changes that is in the log.
    pub(super) last_change: Option<ChangeNumber>,
    asked: Option<Digest>,
}

/// One change of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChangeState {
    pub(super) location: Location,
    pub(super) issue: IssueNumber,
    pub(super) value: StatusValue,
    pub(super) change: u64,
    pub(super) time: UnixSeconds,
    pub(super) leaf: Option<LeafIndex>,
    asked: Option<Digest>,
}

impl Index {
    /// Takes in a record, whether it was just written or read again at the start.
    pub(super) fn apply(&mut self, location: Location, record: &Record) -> Result<(), &'static str> {
        let header = Header::parse(record.kind, &record.header).ok_or("a record's header is not one")?;
        match header {
            Header::Intent { number, subject, credential, slot, time, asked } => {
                let state = IssueState {
                    intent: location,
                    done: None,
                    subject,
                    slot,
                    credential,
                    value: StatusValue::Valid,
                    changes: 0,
                    pending: None,
                    last_change: None,
                    asked: asked.map(|asked| asked.key),
                };
                if self.issues.insert(number, state).is_some() {
                    return Err("an issuance begins twice");
                }
                self.next_issue = self.next_issue.max(number.0.saturating_add(1));
                self.credentials.insert(credential, number);
                self.remember(asked, Outcome::Issue(number));
                self.open_issues.insert(number);
                self.used(subject, time);
            }
            Header::Done { number, time } => {
                let state = self.issues.get_mut(&number).ok_or("an issuance ends that never began")?;
                state.done = Some(location);
                let subject = state.subject;
                self.open_issues.remove(&number);
                self.used(subject, time);
            }
            Header::Abandoned { number, time: _ } => {
                let state = self.issues.remove(&number).ok_or("an issuance ends that never began")?;
                self.credentials.remove(&state.credential);
                self.values.remove(&number);
                self.forget(state.asked);
                self.open_issues.remove(&number);
            }
            Header::Change { .. } | Header::ChangeAbandoned { .. } | Header::ChangeDone { .. } => {
                self.apply_change(location, &header)?;
            }
        }
        Ok(())
    }

    fn apply_change(&mut self, location: Location, header: &Header) -> Result<(), &'static str> {
        match *header {
            Header::Change { number, issue, value, change, time, asked } => {
                let credential = self.issues.get_mut(&issue).ok_or("a change is of no credential")?;
                credential.pending = Some(number);
                let subject = credential.subject;
                let key = asked.map(|asked| asked.key);
                let state = ChangeState { location, issue, value, change, time, leaf: None, asked: key };
                if self.changes.insert(number, state).is_some() {
                    return Err("a change begins twice");
                }
                self.next_change = self.next_change.max(number.0.saturating_add(1));
                self.remember(asked, Outcome::Change(number));
                self.open_changes.insert(number);
                self.used(subject, time);
            }
            Header::ChangeDone { number, leaf, time: _ } => {
                let state = self.changes.get_mut(&number).ok_or("a change ends that never began")?;
                state.leaf = Some(leaf);
                let (issue, value, change) = (state.issue, state.value, state.change);
                let open = self.open_changes.remove(&number);
                if let Some(credential) = self.issues.get_mut(&issue) {
                    let slot = credential.slot;
                    let highest = self.highest.entry(slot.list).or_insert(leaf);
                    *highest = leaf.max(*highest);
                    if open {
                        credential.pending = None;
                        credential.value = value;
                        credential.changes = change.saturating_add(1);
                        credential.last_change = Some(number);
                        match value {
                            StatusValue::Valid => self.values.remove(&issue),
                            StatusValue::Revoked | StatusValue::Suspended => {
                                self.values.insert(issue, (slot, value))
                            }
                        };
                    }
                }
            }
            Header::ChangeAbandoned { number, time: _ } => {
                let state = self.changes.remove(&number).ok_or("a change ends that never began")?;
                self.open_changes.remove(&number);
                self.forget(state.asked);
                if let Some(credential) = self.issues.get_mut(&state.issue) {
                    credential.pending = None;
                }
            }
            Header::Abandoned { .. } | Header::Done { .. } | Header::Intent { .. } => {}
        }
        Ok(())
    }

    /// Takes numbers for new issuances: the first of them.
    pub(super) fn reserve_issues(&mut self, count: usize) -> u64 {
        let first = self.next_issue;
        self.next_issue = first.saturating_add(count as u64);
        first
    }

    /// Decides about a change and keeps others off the credential until it is in the log.
    pub(super) fn reserve_change(
        &mut self,
        credential: &Digest,
        value: StatusValue,
        now: UnixSeconds,
    ) -> Result<(Change, IssueNumber, SubjectSlot), ChangeRefused> {
        let issue = *self.credentials.get(credential).ok_or(ChangeRefused::Unknown)?;
        let state = self.issues.get_mut(&issue).ok_or(ChangeRefused::Unknown)?;
        let Slot { list, index } = state.slot;
        if let Some(number) = state.pending {
            let pending = self.changes.get(&number).map(|pending| {
                let (value, change, time) = (pending.value, pending.change, pending.time);
                Change { number, entry: Status { list, index, value, change, time } }
            });
            return Err(ChangeRefused::Pending(pending));
        }
        if state.done.is_none() {
            return Err(ChangeRefused::NotLogged);
        }
        if state.value == StatusValue::Revoked {
            return Err(ChangeRefused::Revoked);
        }
        if state.value == value {
            return Err(ChangeRefused::NoChange);
        }
        let number = ChangeNumber(self.next_change);
        self.next_change = self.next_change.saturating_add(1);
        state.pending = Some(number);
        let entry = Status { list, index, value, change: state.changes, time: now };
        Ok((Change { number, entry }, issue, state.subject))
    }

    /// Takes back what [`Index::reserve_change`] kept: nothing was written.
    pub(super) fn release_changes(&mut self, issues: &[IssueNumber]) {
        for issue in issues {
            if let Some(state) = self.issues.get_mut(issue) {
                state.pending = None;
            }
        }
    }

    fn remember(&mut self, asked: Option<Asked>, outcome: Outcome) {
        if let Some(Asked { key, request }) = asked {
            self.keys.insert(key, (request, outcome));
        }
    }

    /// The key may be used again: nothing came of its request.
    fn forget(&mut self, key: Option<Digest>) {
        if let Some(key) = key {
            self.keys.remove(&key);
        }
    }

    fn used(&mut self, subject: SubjectSlot, time: UnixSeconds) {
        let last = self.last_used.entry(subject).or_insert(time);
        *last = (*last).max(time);
    }
}
