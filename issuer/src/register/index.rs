//! What the register has in memory: made of the journal's headers, and of nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sillok_log::entry::{ListId, Status, StatusValue};
use sillok_log::{LeafIndex, UnixSeconds};

use super::change::Change;
use super::error::ChangeRefused;
use super::issues::{History, IssueState, Issues};
use super::record::{Asked, ChangeNumber, Digest, Header, IssueNumber};
use crate::journal::Location;
use crate::slots::Slot;
use crate::subjects::{SubjectSlot, Table};

/// Everything that is known without opening a sealed part.
#[derive(Default)]
pub(super) struct Index {
    pub(super) issues: Issues,
    /// Of the credentials whose status was touched.
    histories: HashMap<IssueNumber, History>,
    pub(super) changes: HashMap<ChangeNumber, ChangeState>,
    pub(super) next_issue: u64,
    pub(super) next_change: u64,
    /// Which credential an id, digested, is of.
    credentials: Table<IssueNumber>,
    /// Which issuance an idempotency key was used for.
    issue_keys: Table<IssueNumber>,
    /// Which request an idempotency key was used for that changed a status, and which change came of it.
    change_keys: HashMap<Digest, (Digest, ChangeNumber)>,
    /// Idempotency keys of requests that are being worked on, and what they ask for.
    pub(super) in_progress: HashMap<Digest, Digest>,
    pub(super) open_issues: BTreeSet<IssueNumber>,
    pub(super) open_changes: BTreeSet<ChangeNumber>,
    /// Credentials that are not valid, as far as that is in the log.
    pub(super) values: BTreeMap<IssueNumber, (Slot, StatusValue)>,
    /// The highest leaf of a change, by list.
    pub(super) highest: BTreeMap<ListId, LeafIndex>,
    /// When there was last something to seal for a subject, by the slot of its key; 0 for never.
    pub(super) last_used: Vec<UnixSeconds>,
    /// The lists of all slots, each once.
    lists: Vec<ListId>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Change(ChangeNumber),
    Issue(IssueNumber),
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
    pub(super) fn apply(&mut self, location: Location, header: &Header) -> Result<(), &'static str> {
        match *header {
            Header::Intent { number, subject, credential, slot, time, asked } => {
                let Slot { list, index } = slot;
                let list = self.list(list)?;
                let state = IssueState {
                    intent: location,
                    done: None,
                    subject,
                    list,
                    slot: index,
                    credential,
                    asked,
                };
                if self.issues.insert(number, state).is_some() {
                    return Err("an issuance begins twice");
                }
                self.next_issue = self.next_issue.max(number.0.saturating_add(1));
                let Self { issues, credentials, issue_keys, .. } = self;
                credentials.insert(&credential, number, |number| Some(issues.get(number)?.credential));
                if let Some(Asked { key, .. }) = asked {
                    issue_keys.insert(&key, number, |number| Some(issues.get(number)?.asked?.key));
                }
                self.open_issues.insert(number);
                self.used(subject, time);
            }
            Header::Done { number, time } => {
                let state = self.issues.get_mut(number).ok_or("an issuance ends that never began")?;
                let first = state.done.replace(location).is_none();
                let subject = state.subject;
                if first {
                    self.open_issues.remove(&number);
                }
                self.used(subject, time);
            }
            Header::Abandoned { number, time: _ } => {
                let Self { issues, credentials, issue_keys, .. } = self;
                let state = *issues.get(number).ok_or("an issuance ends that never began")?;
                credentials.remove(&state.credential, |number| Some(issues.get(number)?.credential));
                if let Some(Asked { key, .. }) = state.asked {
                    issue_keys.remove(&key, |number| Some(issues.get(number)?.asked?.key));
                }
                issues.remove(number);
                self.histories.remove(&number);
                self.values.remove(&number);
                self.open_issues.remove(&number);
            }
            Header::Change { .. } | Header::ChangeAbandoned { .. } | Header::ChangeDone { .. } => {
                self.apply_change(location, header)?;
            }
            Header::Succeeded { time: _ } => self.highest.clear(),
        }
        Ok(())
    }

    fn apply_change(&mut self, location: Location, header: &Header) -> Result<(), &'static str> {
        match *header {
            Header::Change { number, issue, value, change, time, asked } => {
                let subject = self.issues.get(issue).ok_or("a change is of no credential")?.subject;
                self.histories.entry(issue).or_insert(History::NONE).pending = Some(number);
                let key = asked.map(|asked| asked.key);
                let state = ChangeState { location, issue, value, change, time, leaf: None, asked: key };
                if self.changes.insert(number, state).is_some() {
                    return Err("a change begins twice");
                }
                self.next_change = self.next_change.max(number.0.saturating_add(1));
                if let Some(Asked { key, request }) = asked {
                    self.change_keys.insert(key, (request, number));
                }
                self.open_changes.insert(number);
                self.used(subject, time);
            }
            Header::ChangeDone { number, leaf, time: _ } => {
                let state = self.changes.get_mut(&number).ok_or("a change ends that never began")?;
                state.leaf = Some(leaf);
                let (issue, value, change) = (state.issue, state.value, state.change);
                let open = self.open_changes.remove(&number);
                if let Some(slot) = self.issues.get(issue).map(|credential| self.slot(credential)) {
                    let highest = self.highest.entry(slot.list).or_insert(leaf);
                    *highest = leaf.max(*highest);
                    if open {
                        let history = History {
                            value,
                            changes: change.saturating_add(1),
                            pending: None,
                            last_change: Some(number),
                        };
                        self.histories.insert(issue, history);
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
                if let Some(key) = state.asked {
                    self.change_keys.remove(&key);
                }
                self.release_changes(&[state.issue]);
            }
            Header::Abandoned { .. }
            | Header::Done { .. }
            | Header::Intent { .. }
            | Header::Succeeded { .. } => {}
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
        issue: IssueNumber,
        value: StatusValue,
        now: UnixSeconds,
    ) -> Result<(Change, IssueNumber, SubjectSlot), ChangeRefused> {
        let state = *self.issues.get(issue).ok_or(ChangeRefused::Unknown)?;
        let history = self.history(issue);
        let Slot { list, index } = self.slot(&state);
        if let Some(number) = history.pending {
            let pending = self.changes.get(&number).map(|pending| {
                let (value, change, time) = (pending.value, pending.change, pending.time);
                Change { number, entry: Status { list, index, value, change, time } }
            });
            return Err(ChangeRefused::Pending(pending));
        }
        if state.done.is_none() {
            return Err(ChangeRefused::NotLogged);
        }
        if history.value == StatusValue::Revoked {
            return Err(ChangeRefused::Revoked);
        }
        if history.value == value {
            return Err(ChangeRefused::NoChange);
        }
        let number = ChangeNumber(self.next_change);
        self.next_change = self.next_change.saturating_add(1);
        self.histories.insert(issue, History { pending: Some(number), ..history });
        let entry = Status { list, index, value, change: history.changes, time: now };
        Ok((Change { number, entry }, issue, state.subject))
    }

    /// Takes back what [`Index::reserve_change`] kept: nothing was written.
    pub(super) fn release_changes(&mut self, issues: &[IssueNumber]) {
        for issue in issues {
            if let Some(history) = self.histories.get_mut(issue) {
                history.pending = None;
            }
        }
    }

    /// What an idempotency key was used for: the digest of that request, and what came of it.
    pub(super) fn asked_before(&self, key: &Digest) -> Option<(Digest, Outcome)> {
        let issue = self.issue_keys.find(key, |number| Some(self.issues.get(number)?.asked?.key));
        if let Some(number) = issue {
            return Some((self.issues.get(number)?.asked?.request, Outcome::Issue(number)));
        }
        self.change_keys.get(key).map(|(request, number)| (*request, Outcome::Change(*number)))
    }

    /// Which credential an id, digested, is of.
    pub(super) fn credential(&self, digest: &Digest) -> Option<IssueNumber> {
        self.credentials.find(digest, |number| Some(self.issues.get(number)?.credential))
    }

    /// What has become of a credential's status.
    pub(super) fn history(&self, issue: IssueNumber) -> History {
        self.histories.get(&issue).copied().unwrap_or(History::NONE)
    }

    /// The place of a credential's status.
    pub(super) fn slot(&self, state: &IssueState) -> Slot {
        // Every list that an issuance names was put there by `list`.
        let list = self.lists.get(state.list as usize).copied().unwrap_or(ListId([0; 16]));
        Slot { list, index: state.slot }
    }

    /// The number of a list, the last of which is the one in use.
    fn list(&mut self, list: ListId) -> Result<u32, &'static str> {
        let known = self.lists.iter().rposition(|known| *known == list);
        let number = known.unwrap_or(self.lists.len());
        if known.is_none() {
            self.lists.push(list);
        }
        u32::try_from(number).map_err(|_many| "there are more status lists than can be")
    }

    /// A slot of a key store is never far from its others: the register makes sure that it is used.
    pub(super) fn used(&mut self, subject: SubjectSlot, time: UnixSeconds) {
        let place = subject.0 as usize;
        if place >= self.last_used.len() {
            self.last_used.resize(place + 1, UnixSeconds(0));
        }
        if let Some(last) = self.last_used.get_mut(place) {
            *last = (*last).max(time);
        }
    }
}
