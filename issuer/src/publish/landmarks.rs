//! The landmarks of a feed: the log's own list, proved with its tiles against the feed's checkpoint.

use std::collections::BTreeMap;

use sillok_client::Source;
use sillok_client::landmark::{LandmarkProofError, TileCache, fetch_landmarks};
use sillok_log::Hash;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::landmark::{LandmarkError, TrustedLandmarks};
use sillok_log::merkle::NodeId;
use sillok_verifier::trust::FeedLandmarks;

use super::Desk;

impl Desk {
    /// The landmarks that a feed with this checkpoint holds. Without them it serves all but landmark receipts, so nothing
    /// that is wrong here keeps a feed from being made.
    pub(super) fn feed_landmarks(&mut self, checkpoint: &Checkpoint) -> Option<FeedLandmarks> {
        let place = self.core.config.log_place.clone()?;
        match self.prove_landmarks(&place, checkpoint) {
            Ok(landmarks) => landmarks,
            Err(error) => {
                self.landmark_nodes.clear();
                tracing::warn!(%error, "feed is made without landmarks");
                None
            }
        }
    }

    //= specs/trust-bundle.md#feed-landmarks
    fn prove_landmarks(
        &mut self,
        place: &str,
        checkpoint: &Checkpoint,
    ) -> Result<Option<FeedLandmarks>, LandmarkProofError> {
        let source = Source::open(place)?;
        let Some(mut landmarks) = fetch_landmarks(&source)? else { return Ok(None) };
        // The log may have allocated one since the feed's checkpoint.
        landmarks.forget_above(checkpoint.size);
        let room = FeedLandmarks::nodes(&landmarks, checkpoint.size).map_err(LandmarkProofError::List)?;
        let Some((landmarks, nodes)) = room else { return Ok(None) };
        // Complete nodes never change: of most the hash is known from the feed before.
        let missing: Vec<NodeId> =
            nodes.iter().filter(|node| !self.landmark_nodes.contains_key(node)).copied().collect();
        let fetched = TileCache::new(&source).hashes(&missing, checkpoint.size)?;
        let mut known = std::mem::take(&mut self.landmark_nodes);
        known.extend(missing.into_iter().zip(fetched));
        let known: BTreeMap<NodeId, Hash> =
            nodes.iter().filter_map(|node| Some((*node, *known.get(node)?))).collect();
        let hashes: Vec<Hash> = nodes.iter().filter_map(|node| known.get(node).copied()).collect();
        // What the verifiers will check.
        TrustedLandmarks::open(landmarks.clone(), checkpoint.size, &checkpoint.root, &hashes).map_err(
            |error| match error {
                LandmarkError::Proof(error) => LandmarkProofError::NotProved(error),
                other => LandmarkProofError::List(other),
            },
        )?;
        self.landmark_nodes = known;
        Ok(Some(FeedLandmarks { landmarks, hashes }))
    }
}
