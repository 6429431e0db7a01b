//! Pure. The landmarks of a feed: sizes and hashes that prove themselves against the feed's checkpoint, and those of logs
//! before it against a checkpoint of their own.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sillok_log::landmark::{
    LandmarkError, Landmarks, MAX_LANDMARKS, TrustedLandmarks, landmark_nodes, newest_with_hashes,
};
use sillok_log::merkle::NodeId;
use sillok_log::{Hash, TreeSize};

use super::members::{MAX_DEPTH, ObjectText, counted, items, json_array, json_string, refused};
use crate::json::{Json, JsonError, Limits, Object};

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
        newest_within(landmarks, size, MAX_FEED_LANDMARK_BYTES)
    }

    /// What it takes in a feed, in bytes, and never less.
    #[must_use]
    pub fn length(&self) -> usize {
        json_length(&self.landmarks, self.hashes.len())
    }

    /// Checks the hashes against the checkpoint.
    pub(super) fn prove(&self, size: TreeSize, root: &Hash) -> Result<TrustedLandmarks, LandmarkError> {
        TrustedLandmarks::open(self.landmarks.clone(), size, root, &self.hashes)
    }

    fn read(object: &Object) -> Result<Self, JsonError> {
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
        self.add_to(ObjectText::new()).finish()
    }

    fn add_to(&self, object: ObjectText) -> ObjectText {
        let hashes: Vec<u8> = self.hashes.iter().flat_map(|hash| hash.0).collect();
        object
            .number("newest", self.landmarks.newest().0)
            .json("sizes", &json_array(self.landmarks.sizes().iter().map(ToString::to_string)))
            .json("hashes", &json_string(&STANDARD.encode(hashes)))
    }
}

/// Landmarks of a log before that of the feed's checkpoint, with a checkpoint of their own: that log is frozen, and its last
/// checkpoint proves them for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the issuer composes feeds; another member is another version")]
pub struct EarlierLandmarks {
    /// A signed note that opens under the root's policy.
    pub checkpoint: String,
    /// What is proved against it.
    pub set: FeedLandmarks,
}

impl EarlierLandmarks {
    /// Reads what [`EarlierLandmarks::to_json`] writes. It proves nothing.
    ///
    /// # Errors
    /// Another form than the one of specs/trust-bundle.md, "Feed landmarks".
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        let item = Json::parse(text, &LIMITS)?;
        match Item::read(&item)? {
            Item::Earlier(earlier) => Ok(earlier),
            Item::Present(_) => Err(refused("checkpoint", "a signed note")),
        }
    }

    /// The item of a feed.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.set.add_to(ObjectText::new().string("checkpoint", &self.checkpoint)).finish()
    }

    /// The newest of them that `bytes` of a feed have room for, against their checkpoint of `size` leaves; `None` if there is
    /// room for none.
    ///
    /// # Errors
    /// A checkpoint of another size than the hashes are for.
    pub fn newest_within(&self, size: TreeSize, bytes: usize) -> Result<Option<Self>, LandmarkError> {
        let room = bytes.saturating_sub(self.checkpoint_length());
        let Some((fits, _nodes)) = newest_within(&self.set.landmarks, size, room)? else { return Ok(None) };
        let (landmarks, hashes) =
            newest_with_hashes(&self.set.landmarks, size, &self.set.hashes, fits.active())?;
        Ok(Some(Self { checkpoint: self.checkpoint.clone(), set: FeedLandmarks { landmarks, hashes } }))
    }

    /// What it takes in a feed, in bytes, and never less.
    #[must_use]
    pub fn length(&self) -> usize {
        self.set.length().saturating_add(self.checkpoint_length())
    }

    fn checkpoint_length(&self) -> usize {
        json_string(&self.checkpoint).len().saturating_add(NAMES_BYTES)
    }

    /// The log that the note says it is of.
    fn origin(&self) -> &str {
        self.checkpoint.split('\n').next().unwrap_or_default()
    }
}

/// An item of the member `landmarks` of a feed.
enum Item {
    Earlier(EarlierLandmarks),
    Present(FeedLandmarks),
}

impl Item {
    fn read(item: &Json) -> Result<Self, JsonError> {
        let object = item.object()?;
        object.expect_only(&["checkpoint", "newest", "sizes", "hashes"])?;
        let set = FeedLandmarks::read(object)?;
        if object.get("checkpoint").is_none() {
            return Ok(Self::Present(set));
        }
        let checkpoint = object.string("checkpoint")?.to_string();
        Ok(Self::Earlier(EarlierLandmarks { checkpoint, set }))
    }
}

/// The landmarks of the log of `checkpoint`, and those of logs before it.
pub(super) fn read(
    object: &Object,
    checkpoint: &str,
) -> Result<(Option<FeedLandmarks>, Vec<EarlierLandmarks>), JsonError> {
    let (mut present, mut before) = (None, Vec::new());
    let mut origins = BTreeSet::from([checkpoint.split('\n').next().unwrap_or_default().to_string()]);
    for (position, item) in items(object, "landmarks", MAX_FEED_LOGS, Item::read)?.into_iter().enumerate() {
        match item {
            Item::Present(set) if position == 0 => present = Some(set),
            Item::Present(_) => return Err(refused("landmarks", "an array with those of its own log first")),
            Item::Earlier(earlier) if origins.insert(earlier.origin().to_string()) => before.push(earlier),
            Item::Earlier(_) => return Err(refused("landmarks", "an array without a log that stands twice")),
        }
    }
    Ok((present, before))
}

fn newest_within(
    landmarks: &Landmarks,
    size: TreeSize,
    bytes: usize,
) -> Result<Option<(Landmarks, Vec<NodeId>)>, LandmarkError> {
    let mut kept = landmarks.clone();
    loop {
        let nodes = landmark_nodes(&kept, size)?;
        if kept.active() == 0 {
            return Ok(None);
        }
        if json_length(&kept, nodes.len()) <= bytes {
            return Ok(Some((kept, nodes)));
        }
        // A sixteenth at a time: a few rounds, and little is left out that would have had room.
        kept.keep_newest(kept.active().saturating_sub(kept.active().div_ceil(16)));
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

/// Of an item that stands alone.
const LIMITS: Limits =
    Limits { bytes: sillok_log::note::MAX_NOTE_BYTES, depth: MAX_DEPTH, values: MAX_LANDMARKS + 8 };

/// Most logs whose landmarks a feed holds (specs/trust-bundle.md, "Feed landmarks"): four years of logs that are succeeded
/// each half-year.
pub const MAX_FEED_LOGS: usize = 8;

/// Most bytes that the landmarks of a feed take, those of logs before included (specs/landmarks.md, "Trusted set"): a year of
/// one an hour fits, and with it the snapshots of some hundred lists into a note of 1 MiB.
pub const MAX_FEED_LANDMARK_BYTES: usize = 600_000;
