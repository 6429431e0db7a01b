//! Pure. What a bundle knows of each status list: its newest proved snapshot, and the state if it is at hand.
//!
//! A list lives in one log: its id means nothing in another, where somebody else may have declared it. So states are
//! kept apart by the log that proves them, and which log counts is said by whoever asks.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use sillok_log::entry::Snapshot;
use sillok_log::status::ListState;

use super::TrustError;
use super::feed::Feed;
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
    pub(crate) state: Option<ListState>,
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
                state: Some(proved.into_state()),
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
            Ordering::Equal => known.state = Some(proved.into_state()),
            Ordering::Greater => {
                known.snapshot = snapshot;
                known.of_feed = false;
                known.length = file.length();
                known.state = Some(proved.into_state());
            }
        }
        Ok(())
    }
}
