//! All issuances by number, in pages: none is moved when another one comes.

use std::collections::HashMap;

use sillok_log::entry::StatusValue;

use super::record::{Asked, ChangeNumber, Digest, IssueNumber};
use crate::journal::Location;
use crate::subjects::SubjectSlot;

/// One issuance, in as few bytes as there can be tens of millions of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IssueState {
    pub(super) intent: Location,
    /// The newest done record.
    pub(super) done: Option<Location>,
    pub(super) subject: SubjectSlot,
    /// Which of the index's lists its slot is in, and where.
    pub(super) list: u32,
    pub(super) slot: u32,
    pub(super) credential: Digest,
    pub(super) asked: Option<Asked>,
}

/// What has become of the status of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct History {
    pub(super) value: StatusValue,
    /// Changes of its status that are in the log.
    pub(super) changes: u64,
    /// The change that is about to be logged.
    pub(super) pending: Option<ChangeNumber>,
    /// The last of its changes that is in the log.
    pub(super) last_change: Option<ChangeNumber>,
}

impl History {
    /// Of a credential whose status was never touched.
    pub(super) const NONE: Self =
        Self { value: StatusValue::Valid, changes: 0, pending: None, last_change: None };
}

/// Issuances by number.
#[derive(Default)]
pub(super) struct Issues {
    pages: HashMap<u64, Box<[Option<IssueState>]>>,
}

impl Issues {
    pub(super) fn get(&self, number: IssueNumber) -> Option<&IssueState> {
        let (page, place) = place(number);
        self.pages.get(&page)?.get(place)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: IssueNumber) -> Option<&mut IssueState> {
        let (page, place) = place(number);
        self.pages.get_mut(&page)?.get_mut(place)?.as_mut()
    }

    /// Puts one in; what was there before.
    pub(super) fn insert(&mut self, number: IssueNumber, state: IssueState) -> Option<IssueState> {
        let (page, place) = place(number);
        let page = self.pages.entry(page).or_insert_with(|| vec![None; PAGE].into());
        page.get_mut(place)?.replace(state)
    }

    pub(super) fn remove(&mut self, number: IssueNumber) -> Option<IssueState> {
        let (page, place) = place(number);
        self.pages.get_mut(&page)?.get_mut(place)?.take()
    }
}

fn place(number: IssueNumber) -> (u64, usize) {
    (number.0 / PAGE as u64, (number.0 % PAGE as u64) as usize)
}

/// Issuances on a page, which takes some 90 KiB.
const PAGE: usize = 1_024;

/// What fifty million of them take: 4.4 GB.
const _: () = assert!(size_of::<Option<IssueState>>() <= 88);
