//! Pure. The landmarks of a feed: sizes and hashes that prove themselves against the feed's checkpoint.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_log::landmark::{LandmarkError, Landmarks, MAX_LANDMARKS, TrustedLandmarks, landmark_nodes};
use sillok_log::merkle::NodeId;
use sillok_log::{Hash, TreeSize};

use super::members::{ObjectText, counted, items, json_array, json_string, refused};
use crate::json::{Json, JsonError};

/// Landmarks of the log of the feed's checkpoint, with what proves them against it.
//= specs/trust-bundle.md#feed-landmarks
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the issuer composes feeds; another member is another version")]
pub struct FeedLandmarks {
    /// At least one that leaves can be proved to.
    pub landmarks: Landmarks,
    /// The hashes of the nodes that [`FeedLandmarks::nodes`] names.
    pub hashes: Vec<Hash>,
}

impl FeedLandmarks {
    /// The newest of a log's landmarks that a feed has room for, and the nodes that prove them against a checkpoint of
    /// `size` leaves. `None` if there are none.
    ///
    /// # Errors
    /// [`LandmarkError::Checkpoint`] if the newest is larger than the checkpoint.
    pub fn nodes(
        landmarks: &Landmarks,
        size: TreeSize,
    ) -> Result<Option<(Landmarks, Vec<NodeId>)>, LandmarkError> {
        let mut kept = landmarks.clone();
        loop {
            let nodes = landmark_nodes(&kept, size)?;
            if kept.active() == 0 {
                return Ok(None);
            }
            if json_length(&kept, nodes.len()) <= MAX_FEED_LANDMARK_BYTES {
                return Ok(Some((kept, nodes)));
            }
            // A sixteenth at a time: a few rounds, and little is left out that would have had room.
            kept.keep_newest(kept.active().saturating_sub(kept.active().div_ceil(16)));
        }
    }

    /// Checks the hashes against the checkpoint.
    pub(super) fn prove(&self, size: TreeSize, root: &Hash) -> Result<TrustedLandmarks, LandmarkError> {
        TrustedLandmarks::open(self.landmarks.clone(), size, root, &self.hashes)
    }

    pub(super) fn read(item: &Json) -> Result<Self, JsonError> {
        let object = item.object()?;
        object.expect_only(&["newest", "sizes", "hashes"])?;
        let limit = MAX_LANDMARKS.saturating_add(1);
        let sizes = items(object, "sizes", limit, |item| item.unsigned().map(TreeSize))?;
        if sizes.len() < 2 {
            return Err(refused("sizes", "an array of at least two sizes"));
        }
        let landmarks = Landmarks::from_sizes(counted(object, "newest")?, sizes)
            .map_err(|_other| refused("sizes", "sizes of landmarks up to the newest"))?;
        let bytes = STANDARD.decode(object.string("hashes")?).ok();
        let whole = bytes.as_deref().map(<[u8]>::as_chunks::<32>);
        let Some((hashes, [])) = whole else { return Err(refused("hashes", "base64 of whole hashes")) };
        Ok(Self { landmarks, hashes: hashes.iter().copied().map(Hash).collect() })
    }

    pub(super) fn to_json(&self) -> String {
        let hashes: Vec<u8> = self.hashes.iter().flat_map(|hash| hash.0).collect();
        ObjectText::new()
            .number("newest", self.landmarks.newest().0)
            .json("sizes", &json_array(self.landmarks.sizes().iter().map(ToString::to_string)))
            .json("hashes", &json_string(&STANDARD.encode(hashes)))
            .finish()
    }
}

/// What so many hashes and the sizes take as JSON, in bytes.
fn json_length(landmarks: &Landmarks, hashes: usize) -> usize {
    let digits =
        |size: &TreeSize| usize::try_from(size.0.checked_ilog10().unwrap_or(0)).unwrap_or(usize::MAX);
    let sizes: usize = landmarks.sizes().iter().map(|size| digits(size).saturating_add(2)).sum();
    let base64 = hashes.saturating_mul(HASH_BYTES).div_ceil(3).saturating_mul(4);
    sizes.saturating_add(base64).saturating_add(NAMES_BYTES)
}

const HASH_BYTES: usize = 32;

/// Names, brackets, quotes and the largest number.
const NAMES_BYTES: usize = 64;

/// Most bytes that the landmarks of a feed take (specs/landmarks.md, "Trusted set"): a year of one an hour fits, and with it
/// the snapshots of some hundred lists into a note of 1 MiB.
pub const MAX_FEED_LANDMARK_BYTES: usize = 600_000;
