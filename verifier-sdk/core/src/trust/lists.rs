//! Pure. What a bundle knows of each status list: its newest proved snapshot, and the state if it is at hand.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::string::String;
use core::cmp::Ordering;

use sillok_log::entry::Snapshot;
use sillok_log::status::ListState;

use super::TrustError;
use super::feed::Feed;
use crate::snapshot::{ProvedSnapshot, SnapshotFile};

/// The snapshot of a list that has the highest sequence among those of a bundle.
#[derive(Clone, Debug)]
pub(crate) struct KnownList {
    pub(crate) issuer: String,
    /// Whether the feed says whose list it is; otherwise a snapshot file does, for which nobody vouches.
    pub(crate) listed: bool,
    pub(crate) snapshot: Snapshot,
    /// Whether the feed holds this very snapshot.
    pub(crate) of_feed: bool,
    pub(crate) length: u64,
    pub(crate) state: Option<ListState>,
}

/// The newest snapshot of each list of the feed. Their proofs are checked.
pub(super) fn from_feed(feed: &Feed) -> BTreeMap<String, KnownList> {
    let mut lists: BTreeMap<String, KnownList> = BTreeMap::new();
    for record in &feed.snapshots {
        let known = KnownList {
            issuer: record.issuer.clone(),
            listed: true,
            snapshot: record.snapshot,
            of_feed: true,
            length: record.length,
            state: None,
        };
        match lists.entry(record.uri.clone()) {
            Entry::Vacant(place) => {
                place.insert(known);
            }
            Entry::Occupied(mut place) if place.get().snapshot.sequence < record.snapshot.sequence => {
                place.insert(known);
            }
            Entry::Occupied(_newer) => {}
        }
    }
    lists
}

/// Adds the state of a snapshot file that has proved itself.
pub(super) fn add(
    lists: &mut BTreeMap<String, KnownList>,
    position: usize,
    file: &SnapshotFile,
    proved: ProvedSnapshot,
) -> Result<(), TrustError> {
    let snapshot = *proved.snapshot();
    let issuer = file.unverified_issuer();
    let Some(known) = lists.get_mut(file.uri()) else {
        let known = KnownList {
            issuer: issuer.into(),
            listed: false,
            snapshot,
            of_feed: false,
            length: file.length(),
            state: Some(proved.into_state()),
        };
        lists.insert(file.uri().into(), known);
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
