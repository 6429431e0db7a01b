//! Pure. What a bundle knows of each status list: its newest proved snapshot, and the state if it is at hand.
//!
//! A list lives in one log: its id means nothing in another, where somebody else may have declared it. So states are
//! kept apart by the log that proves them, and which log counts is said by whoever asks.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use sillok_log::entry::{Snapshot, StatusValue};
use sillok_log::status::ListState;

use super::TrustError;
use super::feed::Feed;
use crate::population::{Population, Slots};
use crate::snapshot::{ProvedSnapshot, SnapshotFile};

/// By base URI, what is known of a list in each log. There are few logs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    by_uri: BTreeMap<String, Vec<KnownList>>,
}

/// The snapshot of a list that has the highest sequence among those of a bundle that one log proves.
#[derive(Clone, Debug)]
pub(crate) struct KnownList {
    /// The log.
    pub(crate) origin: String,
    pub(crate) issuer: String,
    /// Whether the feed says whose list it is; otherwise a snapshot file does, for which nobody vouches.
    pub(crate) listed: bool,
    pub(crate) snapshot: Snapshot,
    /// Whether the feed holds this very snapshot.
    pub(crate) of_feed: bool,
    pub(crate) length: u64,
    pub(crate) state: Option<KnownState>,
}

/// A state that has the digest of a logged snapshot.
#[derive(Clone, Debug)]
pub(crate) enum KnownState {
    /// From a snapshot file.
    Planes(ListState),
    /// From a population file.
    Slots(Slots),
}

impl KnownState {
    /// What a slot says; `None` if there is no such slot.
    pub(crate) fn get(&self, index: u32) -> Option<StatusValue> {
        match self {
            Self::Planes(state) => state.get(index),
            Self::Slots(slots) => slots.get(index),
        }
    }
}

impl Lists {
    /// The newest snapshot of each list of the feed. Their proofs to a checkpoint of `origin` are checked.
    pub(super) fn of_feed(feed: &Feed, origin: &str) -> Self {
        let mut lists = Self::default();
        for record in &feed.snapshots {
            let known = KnownList {
                origin: origin.into(),
                issuer: record.issuer.clone(),
                listed: true,
                snapshot: record.snapshot,
                of_feed: true,
                length: record.length,
                state: None,
            };
            let in_logs = lists.by_uri.entry(record.uri.clone()).or_default();
            match in_logs.first_mut() {
                None => in_logs.push(known),
                Some(newest) if newest.snapshot.sequence < record.snapshot.sequence => *newest = known,
                Some(_newer) => {}
            }
        }
        lists
    }

    /// What counts of a list: what its log says, which is the feed's for a list that the feed names, else `origin`.
    //= specs/verification.md#rules
    pub(crate) fn get(&self, uri: &str, origin: &str) -> Option<&KnownList> {
        let in_logs = self.by_uri.get(uri)?;
        let listed = in_logs.iter().find(|known| known.listed);
        listed.or_else(|| in_logs.iter().find(|known| known.origin == origin))
    }

    /// Adds the state of a snapshot file that has proved itself.
    pub(super) fn add(
        &mut self,
        position: usize,
        file: &SnapshotFile,
        proved: ProvedSnapshot,
    ) -> Result<(), TrustError> {
        let snapshot = *proved.snapshot();
        let issuer = file.unverified_issuer();
        let origin = &proved.opened().checkpoint.origin;
        let in_logs = self.by_uri.entry(file.uri().into()).or_default();
        let Some(known) = in_logs.iter_mut().find(|known| known.origin == *origin) else {
            in_logs.push(KnownList {
                origin: origin.clone(),
                issuer: issuer.into(),
                listed: false,
                snapshot,
                of_feed: false,
                length: file.length(),
                state: Some(KnownState::Planes(proved.into_state())),
            });
            return Ok(());
        };
        let contradiction = TrustError::SnapshotFile { position, error: None };
        if known.issuer != issuer {
            return Err(contradiction);
        }
        match snapshot.sequence.cmp(&known.snapshot.sequence) {
            Ordering::Less => {}
            // The log holds two snapshots of one number, or the feed states another length than was logged.
            Ordering::Equal if snapshot != known.snapshot || file.length() != known.length => {
                return Err(contradiction);
            }
            Ordering::Equal => known.state = Some(KnownState::Planes(proved.into_state())),
            Ordering::Greater => {
                known.snapshot = snapshot;
                known.of_feed = false;
                known.length = file.length();
                known.state = Some(KnownState::Planes(proved.into_state()));
            }
        }
        Ok(())
    }

    /// Takes the states of the feed's lists that have the digest of their newest proved snapshot, and that are not at hand.
    /// How many.
    //= specs/status.md#population-file
    pub(super) fn add_population(&mut self, mut population: Population) -> usize {
        let wanted = self.by_uri.values_mut().flatten().filter(|known| known.listed && known.state.is_none());
        wanted.map(|known| usize::from(known.take_from(&mut population))).fold(0, usize::saturating_add)
    }
}

impl KnownList {
    /// Whether the list is there with the digest of the snapshot. Its planes are rebuilt for that, and not kept.
    fn take_from(&mut self, population: &mut Population) -> bool {
        let list = self.snapshot.list;
        // The digest covers the id, which the file has in part, and the length.
        let met =
            population.unverified_state(list).is_some_and(|state| state.digest() == self.snapshot.digest);
        if met {
            self.state = population.take(list).map(KnownState::Slots);
        }
        met
    }
}
