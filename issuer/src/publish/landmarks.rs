//! The landmarks of a feed: the log's own list, proved with its tiles against the feed's checkpoint, and those of the frozen
//! logs before it, which were proved once and are kept.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sillok_client::Source;
use sillok_client::landmark::{LandmarkProofError, TileCache, fetch_landmarks};
use sillok_log::Hash;
use sillok_log::checkpoint::{self, Checkpoint};
use sillok_log::landmark::{LandmarkError, TrustedLandmarks};
use sillok_log::merkle::NodeId;
use sillok_log::note::{MAX_NOTE_BYTES, VerifierKey};
use sillok_log::policy::Policy;
use sillok_verifier::trust::{EarlierLandmarks, FeedLandmarks, MAX_FEED_LANDMARK_BYTES, MAX_FEED_LOGS};

use super::lists::PUBLIC_MODE;
use super::state::replace;
use super::{Desk, StateError};

impl Desk {
    /// The landmarks that a feed with this checkpoint holds. Without them it serves all but landmark receipts, so nothing
    /// that is wrong here keeps a feed from being made.
    pub(super) fn feed_landmarks(&mut self, checkpoint: &Checkpoint) -> Option<FeedLandmarks> {
        let place = self.core.config.log_place.clone()?;
        match Source::open(&place)
            .map_err(LandmarkProofError::from)
            .and_then(|source| prove(&source, checkpoint, &mut self.landmark_nodes))
        {
            Ok(landmarks) => landmarks,
            Err(error) => {
                self.landmark_nodes.clear();
                tracing::warn!(%error, "feed is made without landmarks");
                None
            }
        }
    }

    //= specs/trust-bundle.md#feed-landmarks
    /// Those of the logs before, the last one first, in what room there is beside `own`, under the policy of the root.
    pub(super) fn landmarks_before(
        &self,
        own: Option<&FeedLandmarks>,
        policy: &str,
    ) -> Vec<EarlierLandmarks> {
        let mut held = Vec::new();
        let Ok(policy) = Policy::parse(policy.as_bytes()) else { return held };
        let mut room = MAX_FEED_LANDMARK_BYTES.saturating_sub(own.map_or(0, FeedLandmarks::length));
        for before in self.core.config.predecessors.iter().rev().take(MAX_FEED_LOGS - 1) {
            let fits = read(&self.core.config.folder, &before.log).and_then(|kept| {
                let Some(kept) = kept else { return Ok(None) };
                fitting(&kept, before.log.name(), &policy, room)
            });
            match fits {
                Ok(Some(fits)) => {
                    room = room.saturating_sub(fits.length());
                    held.push(fits);
                }
                Ok(None) => {}
                Err(problem) => {
                    let log = before.log.name();
                    tracing::warn!(log, problem, "feed is made without the landmarks of a log before");
                }
            }
        }
        held
    }
}

/// What there is room for, once it is sure that no verifier will refuse it.
fn fitting(
    kept: &EarlierLandmarks,
    origin: &str,
    policy: &Policy,
    room: usize,
) -> Result<Option<EarlierLandmarks>, String> {
    let opened = policy.open(&kept.checkpoint).map_err(|error| error.to_string())?;
    let checkpoint = opened.checkpoint;
    if checkpoint.origin != origin {
        return Err(format!("its checkpoint is of {}", checkpoint.origin));
    }
    let fits = kept.newest_within(checkpoint.size, room).map_err(|error| error.to_string())?;
    let Some(fits) = fits else { return Ok(None) };
    let set = fits.set.clone();
    TrustedLandmarks::open(set.landmarks, checkpoint.size, &checkpoint.root, &set.hashes)
        .map_err(|error| error.to_string())?;
    Ok(Some(fits))
}

/// Proves the landmarks that a log publishes against its checkpoint. `None` if it has none. `known` are hashes of its nodes that
/// were read before, and becomes those that the landmarks take.
fn prove(
    source: &Source,
    checkpoint: &Checkpoint,
    known: &mut BTreeMap<NodeId, Hash>,
) -> Result<Option<FeedLandmarks>, LandmarkProofError> {
    let Some(mut landmarks) = fetch_landmarks(source)? else { return Ok(None) };
    // The log may have allocated one since the feed's checkpoint.
    landmarks.forget_above(checkpoint.size);
    let room = FeedLandmarks::nodes(&landmarks, checkpoint.size).map_err(LandmarkProofError::List)?;
    let Some((landmarks, nodes)) = room else { return Ok(None) };
    // Complete nodes never change: of most the hash is known from the feed before.
    let missing: Vec<NodeId> = nodes.iter().filter(|node| !known.contains_key(node)).copied().collect();
    let fetched = TileCache::new(source).hashes(&missing, checkpoint.size)?;
    let mut all = std::mem::take(known);
    all.extend(missing.into_iter().zip(fetched));
    let taken: BTreeMap<NodeId, Hash> =
        nodes.iter().filter_map(|node| Some((*node, *all.get(node)?))).collect();
    let hashes: Vec<Hash> = nodes.iter().filter_map(|node| taken.get(node).copied()).collect();
    // What the verifiers will check.
    TrustedLandmarks::open(landmarks.clone(), checkpoint.size, &checkpoint.root, &hashes).map_err(
        |error| match error {
            LandmarkError::Proof(error) => LandmarkProofError::NotProved(error),
            other => LandmarkProofError::List(other),
        },
    )?;
    *known = taken;
    Ok(Some(FeedLandmarks { landmarks, hashes }))
}

/// Keeps the landmarks of a log that is frozen in the folder of the issuer that moves on from it, proved with the files at
/// `source` against its last checkpoint. Those that were kept are replaced. `false` if the log has none.
///
/// # Errors
/// Its files do not prove them, or the file cannot be written.
pub fn keep_landmarks(folder: &Path, log: &VerifierKey, source: &Source) -> Result<bool, KeepLandmarksError> {
    let note = source.checkpoint().map_err(|error| KeepLandmarksError::Proof(error.into()))?;
    let checkpoint = Checkpoint::open(&note, log).map_err(KeepLandmarksError::Checkpoint)?;
    let set = prove(source, &checkpoint, &mut BTreeMap::new()).map_err(KeepLandmarksError::Proof)?;
    let Some(set) = set else { return Ok(false) };
    let text = EarlierLandmarks { checkpoint: note, set }.to_json();
    replace(&path(folder, log), text.as_bytes(), PUBLIC_MODE).map_err(KeepLandmarksError::File)?;
    Ok(true)
}

/// What was kept of a log; nothing is proved yet.
fn read(folder: &Path, log: &VerifierKey) -> Result<Option<EarlierLandmarks>, String> {
    let path = path(folder, log);
    let failed = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    match fs::metadata(&path) {
        Ok(found) if found.len() > MAX_NOTE_BYTES as u64 => Err(failed(&"it is longer than a note")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
        Ok(_) => {
            let text = fs::read(&path).map_err(|error| failed(&error))?;
            EarlierLandmarks::parse(&text).map(Some).map_err(|error| failed(&error))
        }
    }
}

/// One file for each log, by the SHA-256 of its origin.
fn path(folder: &Path, log: &VerifierKey) -> PathBuf {
    let digest = Hash(Sha256::digest(log.name()).into());
    folder.join(FOLDER).join(format!("{}.json", digest.to_hex()))
}

/// Why the landmarks of a frozen log cannot be kept.
#[derive(Debug)]
pub enum KeepLandmarksError {
    /// The checkpoint is not the log's.
    Checkpoint(checkpoint::Error),
    /// The file cannot be written.
    File(StateError),
    /// The log's files do not prove them.
    Proof(LandmarkProofError),
}

impl std::fmt::Display for KeepLandmarksError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Checkpoint(error) => write!(f, "checkpoint of the frozen log is refused: {error}"),
            Self::File(error) => write!(f, "could not keep landmarks: {error}"),
            Self::Proof(error) => write!(f, "landmarks of the frozen log are not proved: {error}"),
        }
    }
}

impl std::error::Error for KeepLandmarksError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint(source) => Some(source),
            Self::File(source) => Some(source),
            Self::Proof(source) => Some(source),
        }
    }
}

/// In the issuer's folder, so that it moves on with it.
const FOLDER: &str = "landmarks-before";
