//! Pure. The feed: what an online key says every hour about the state of status lists.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sillok_log::entry::{
    Bundle, Document, Entry, ListId, MAX_LIST_SLOTS, MIN_LIST_SLOTS, Snapshot, document_digest,
};
use sillok_log::merkle::MAX_INCLUSION_PROOF;
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

use super::landmarks;
use super::members::{
    ObjectText, counted, document_line, expect_type, hex_hash, items, json_array, proof, refused, time,
};
use super::{EarlierLandmarks, FeedLandmarks};
use crate::json::{Json, JsonError, Object};

/// The feed document of a trust bundle.
//= specs/trust-bundle.md#feed
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the issuer composes feeds; another member is another version")]
pub struct Feed {
    /// From 1; a verifier never goes back.
    pub sequence: u64,
    /// The root's epoch.
    pub epoch: u64,
    /// Sequence of the newest root when the feed was made: an older root is not enough to read it.
    pub root: u64,
    /// When it was made.
    pub issued: UnixSeconds,
    /// The last second at which its snapshots are relied on.
    pub not_after: UnixSeconds,
    /// A signed note that opens under the root's policy.
    pub checkpoint: String,
    /// Snapshots that are proved against it, at most [`MAX_SNAPSHOTS`].
    pub snapshots: Vec<FeedSnapshot>,
    /// Landmarks of the checkpoint's log that are proved against it.
    pub landmarks: Option<FeedLandmarks>,
    /// Landmarks of logs before it, each against a checkpoint of its own; with those above, of [`super::MAX_FEED_LOGS`] logs at most.
    pub landmarks_before: Vec<EarlierLandmarks>,
}

/// A snapshot entry with its place and proof.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the issuer composes feeds; another member is another version")]
pub struct FeedSnapshot {
    /// Base URI of the list.
    pub uri: String,
    /// Issuer URL.
    pub issuer: String,
    /// Slots of the list.
    pub length: u64,
    /// The entry.
    pub snapshot: Snapshot,
    /// Its place in the log.
    pub index: LeafIndex,
    /// From the entry's leaf to the root of the feed's checkpoint.
    pub proof: Vec<Hash>,
}

impl Feed {
    /// Reads the text of a feed's note. It says nothing about who signed it and proves no snapshot.
    ///
    /// # Errors
    /// Another form than the one of specs/trust-bundle.md, "Feed".
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let line = document_line(text)?;
        let object = line.object()?;
        expect_type(object, TYPE, &MEMBERS)?;
        let snapshots = items(object, "snapshots", MAX_SNAPSHOTS, FeedSnapshot::read)?;
        let mut places = BTreeSet::new();
        if !snapshots.iter().all(|one| places.insert((one.snapshot.list, one.snapshot.sequence))) {
            return Err(refused("snapshots", "an array without a snapshot that stands twice"));
        }
        let checkpoint = object.string("checkpoint")?.to_string();
        let (landmarks, landmarks_before) = landmarks::read(object, &checkpoint)?;
        Ok(Self {
            sequence: counted(object, "sequence")?,
            epoch: counted(object, "epoch")?,
            root: counted(object, "root")?,
            issued: time(object, "issued")?,
            not_after: time(object, "not_after")?,
            checkpoint,
            snapshots,
            landmarks,
            landmarks_before,
        })
    }

    /// The text to sign: one line of compact JSON and its newline.
    ///
    /// # Errors
    /// Whatever [`Feed::parse`] would refuse, so that nothing unreadable is ever signed.
    pub fn to_text(&self) -> Result<String, JsonError> {
        let before = self.landmarks_before.iter().map(EarlierLandmarks::to_json);
        let landmarks = self.landmarks.iter().map(FeedLandmarks::to_json).chain(before);
        let mut text = ObjectText::new()
            .string("type", TYPE)
            .number("sequence", self.sequence)
            .number("epoch", self.epoch)
            .number("root", self.root)
            .number("issued", self.issued.0)
            .number("not_after", self.not_after.0)
            .string("checkpoint", &self.checkpoint)
            .json("snapshots", &json_array(self.snapshots.iter().map(FeedSnapshot::to_json)))
            .json("landmarks", &json_array(landmarks))
            .finish();
        text.push('\n');
        Self::parse(&text).map(|_read| text)
    }

    /// The entry that logs the feed whose text this is.
    #[must_use]
    pub fn entry(&self, text: &str) -> Entry {
        Entry::Bundle(Bundle {
            document: Document::Feed,
            sequence: self.sequence,
            digest: document_digest(Document::Feed, text),
            activation: self.issued,
        })
    }
}

impl FeedSnapshot {
    fn read(item: &Json) -> Result<Self, JsonError> {
        let object = item.object()?;
        object.expect_only(&SNAPSHOT_MEMBERS)?;
        let (uri, list) = list_uri(object)?;
        Ok(Self {
            uri,
            issuer: object.string("issuer")?.to_string(),
            length: list_length(object)?,
            snapshot: Snapshot {
                list,
                sequence: counted(object, "sequence")?,
                digest: hex_hash(object, "digest")?,
                fold_size: TreeSize(object.unsigned("fold_size")?),
                issued: time(object, "issued")?,
                not_after: time(object, "not_after")?,
            },
            index: LeafIndex(object.unsigned("index")?),
            proof: proof(object, "proof", MAX_INCLUSION_PROOF)?,
        })
    }

    fn to_json(&self) -> String {
        ObjectText::new()
            .string("uri", &self.uri)
            .string("list", &self.snapshot.list.to_hex())
            .string("issuer", &self.issuer)
            .number("length", self.length)
            .number("sequence", self.snapshot.sequence)
            .string("digest", &self.snapshot.digest.to_hex())
            .number("fold_size", self.snapshot.fold_size.0)
            .number("issued", self.snapshot.issued.0)
            .number("not_after", self.snapshot.not_after.0)
            .number("index", self.index.0)
            .proof("proof", &self.proof)
            .finish()
    }
}

/// The members `uri` and `list`, which must name the same list: a URI that names another one would let the state
/// of one list stand for another.
pub(crate) fn list_uri(object: &Object) -> Result<(String, ListId), JsonError> {
    let id = object.string("list")?;
    let list = ListId::from_hex(id).ok_or_else(|| refused("list", "32 lower-case hex digits"))?;
    let uri = object.string("uri")?;
    let prefix = uri.strip_suffix(id).and_then(|rest| rest.strip_suffix("/status/"));
    match prefix {
        Some(prefix) if !prefix.is_empty() => Ok((uri.to_string(), list)),
        Some(_) | None => Err(refused("uri", "<public url>/status/<list id>")),
    }
}

/// The member `length`, within the limits of a list entry.
pub(crate) fn list_length(object: &Object) -> Result<u64, JsonError> {
    let length = object.unsigned("length")?;
    if (MIN_LIST_SLOTS..=MAX_LIST_SLOTS).contains(&length) && length.is_multiple_of(8) {
        Ok(length)
    } else {
        Err(refused("length", "a multiple of 8 from 131072 to 2^24"))
    }
}

const TYPE: &str = "sillok-feed/v1";

const MEMBERS: [&str; 9] =
    ["type", "sequence", "epoch", "root", "issued", "not_after", "checkpoint", "snapshots", "landmarks"];

const SNAPSHOT_MEMBERS: [&str; 11] = [
    "uri",
    "list",
    "issuer",
    "length",
    "sequence",
    "digest",
    "fold_size",
    "issued",
    "not_after",
    "index",
    "proof",
];

/// Most snapshots of a feed (specs/trust-bundle.md, "Feed"). In a log of 2^32 entries they fit into a note of 1 MiB.
pub const MAX_SNAPSHOTS: usize = 512;
