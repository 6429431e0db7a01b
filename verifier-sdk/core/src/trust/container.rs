//! Pure. The container: root, feed, their receipts and status states as one unsigned file.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sillok_log::merkle::MAX_CONSISTENCY_PROOF;
use sillok_log::{Hash, TreeSize};

use super::feed::MAX_SNAPSHOTS;
use super::members::{MAX_DEPTH, ObjectText, expect_type, items, json_array, proof};
use crate::json::{Json, JsonError, Limits};
use crate::snapshot::SnapshotFile;

/// A trust bundle as a file. Every part of it proves itself, so nothing signs the whole.
//= specs/trust-bundle.md#container
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the issuer composes bundles; another member is another version"
)]
pub struct Container {
    /// The signed note of the root.
    pub root: String,
    /// The tlog-proof text of its bundle entry.
    pub root_receipt: String,
    /// The signed note of the feed.
    pub feed: String,
    /// The tlog-proof text of its bundle entry.
    pub feed_receipt: String,
    /// States of status lists, at most [`MAX_SNAPSHOTS`].
    pub snapshots: Vec<SnapshotFile>,
    /// Proofs for verifiers that remember an older checkpoint, at most [`MAX_CONSISTENCY`].
    pub consistency: Vec<Consistency>,
}

/// A consistency proof between two sizes of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the issuer composes bundles; another member is another version"
)]
pub struct Consistency {
    /// The log.
    pub origin: String,
    /// The smaller size.
    pub from: TreeSize,
    /// The larger size.
    pub to: TreeSize,
    /// RFC 9162 section 2.1.4.
    pub proof: Vec<Hash>,
}

impl Container {
    /// Reads a container and the form of its snapshot files. The documents in it are unread.
    ///
    /// # Errors
    /// Another form than the one of specs/trust-bundle.md, "Container".
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let json = Json::parse(bytes, &LIMITS)?;
        let object = json.object()?;
        expect_type(object, TYPE, &MEMBERS)?;
        Ok(Self {
            root: object.string("root")?.to_string(),
            root_receipt: object.string("root_receipt")?.to_string(),
            feed: object.string("feed")?.to_string(),
            feed_receipt: object.string("feed_receipt")?.to_string(),
            snapshots: items(object, "snapshots", MAX_SNAPSHOTS, SnapshotFile::read)?,
            consistency: items(object, "consistency", MAX_CONSISTENCY, Consistency::read)?,
        })
    }

    /// The container as compact JSON.
    ///
    /// # Errors
    /// Whatever [`Container::parse`] would refuse, so that nothing unreadable is ever handed out.
    pub fn to_json(&self) -> Result<String, JsonError> {
        let text = ObjectText::new()
            .string("type", TYPE)
            .string("root", &self.root)
            .string("root_receipt", &self.root_receipt)
            .string("feed", &self.feed)
            .string("feed_receipt", &self.feed_receipt)
            .json("snapshots", &json_array(self.snapshots.iter().map(SnapshotFile::write)))
            .json("consistency", &json_array(self.consistency.iter().map(Consistency::to_json)))
            .finish();
        Self::parse(text.as_bytes()).map(|_read| text)
    }
}

impl Consistency {
    pub(super) fn read(item: &Json) -> Result<Self, JsonError> {
        let object = item.object()?;
        object.expect_only(&["origin", "from", "to", "proof"])?;
        Ok(Self {
            origin: object.string("origin")?.to_string(),
            from: TreeSize(object.unsigned("from")?),
            to: TreeSize(object.unsigned("to")?),
            proof: proof(object, "proof", MAX_CONSISTENCY_PROOF)?,
        })
    }

    pub(super) fn to_json(&self) -> String {
        ObjectText::new()
            .string("origin", &self.origin)
            .number("from", self.from.0)
            .number("to", self.to.0)
            .proof("proof", &self.proof)
            .finish()
    }
}

const TYPE: &str = "sillok-trust-bundle/v1";

const MEMBERS: [&str; 7] =
    ["type", "root", "root_receipt", "feed", "feed_receipt", "snapshots", "consistency"];

/// Longest container in bytes: 64 MiB (specs/trust-bundle.md, "Container").
pub const MAX_CONTAINER_BYTES: usize = 64 << 20;

/// Most consistency proofs. A verifier uses at most one for each log of its policy, of which there are at most 32;
/// twice that leaves room for two remembered sizes each.
pub const MAX_CONSISTENCY: usize = 64;

/// A snapshot file has 11 values, a consistency proof at most 68; the rest is a handful.
const LIMITS: Limits = Limits { bytes: MAX_CONTAINER_BYTES, depth: MAX_DEPTH, values: 50_000 };
