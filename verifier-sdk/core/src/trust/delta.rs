//! Pure. What leads from one trust bundle to the next, for whoever holds the first.
//!
//! Nothing signs a delta: what comes out is opened like any other bundle. Proofs are most of it, and most hashes of a
//! feed's proofs are the same, so the text is compressed; of the states of lists only the slots that differ are sent.

use alloc::string::String;
use alloc::vec::Vec;

use sillok_log::Hash;
use sillok_log::status::ListState;

use super::container::{Consistency, Container, MAX_CONSISTENCY};
use super::feed::MAX_SNAPSHOTS;
use super::members::{MAX_DEPTH, ObjectText, items, json_array};
use super::open::MAX_STATE_BYTES;
use crate::json::{Json, JsonError, Limits};
use crate::snapshot::{Edition, SnapshotFile};
use crate::status_list::{deflate_text, inflate_text};

mod digest;
mod error;
mod slots;

pub use error::DeltaError;

use slots::Changes;

/// A delta between two trust bundles.
//= specs/trust-bundle.md#delta
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    base: Hash,
    result: Hash,
    root: Option<String>,
    root_receipt: Option<String>,
    feed: Option<String>,
    feed_receipt: Option<String>,
    snapshots: Vec<Part>,
    consistency: Vec<Consistency>,
}

/// A snapshot file of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// The one at this position in the base.
    Kept(usize),
    /// A later snapshot of the list of the one at position `from`.
    Changed { from: usize, edition: Edition, changes: Changes },
    /// One that nothing in the base leads to.
    Whole(SnapshotFile),
}

impl Delta {
    /// The delta that leads from `base` to `result`.
    ///
    /// # Errors
    /// A state in one of them that does not decompress, or too much state.
    pub fn between(base: &Container, result: &Container) -> Result<Self, DeltaError> {
        let newer = |old: &String, new: &String| (old != new).then(|| new.clone());
        let snapshots = result.snapshots.iter().map(|file| Part::between(&base.snapshots, file));
        Ok(Self {
            base: base.digest()?,
            result: result.digest()?,
            root: newer(&base.root, &result.root),
            root_receipt: newer(&base.root_receipt, &result.root_receipt),
            feed: newer(&base.feed, &result.feed),
            feed_receipt: newer(&base.feed_receipt, &result.feed_receipt),
            snapshots: snapshots.collect::<Result<_, _>>()?,
            consistency: result.consistency.clone(),
        })
    }

    /// The bundle digest of what it leads from.
    #[must_use]
    pub const fn base(&self) -> &Hash {
        &self.base
    }

    /// The bundle digest of what it leads to.
    #[must_use]
    pub const fn result(&self) -> &Hash {
        &self.result
    }

    /// The container that it leads to. The base stays as it is; what comes out is unsigned and is to be opened.
    ///
    /// # Errors
    /// [`DeltaError::Base`] for another base, after which the whole bundle is to be fetched; [`DeltaError::Result`] and the
    /// others for a delta that is not what it says.
    pub fn apply(&self, base: &Container) -> Result<Container, DeltaError> {
        let found = base.digest()?;
        if found != self.base {
            return Err(DeltaError::Base { expected: self.base, found });
        }
        let base_file =
            |position: usize| base.snapshots.get(position).ok_or(DeltaError::Position { position });
        let mut bytes = 0_u64;
        for part in &self.snapshots {
            let file = match part {
                Part::Kept(from) | Part::Changed { from, .. } => base_file(*from)?,
                Part::Whole(file) => file,
            };
            bytes = bytes.saturating_add(file.length().div_euclid(4));
        }
        if bytes > MAX_STATE_BYTES {
            return Err(DeltaError::TooMuchState { bytes });
        }
        let snapshots = self.snapshots.iter().map(|part| match part {
            Part::Kept(from) => base_file(*from).cloned(),
            Part::Whole(file) => Ok(file.clone()),
            Part::Changed { from, edition, changes } => {
                let file = base_file(*from)?;
                if changes.is_empty() {
                    return Ok(file.followed_by(edition.clone(), None));
                }
                let state = changes.apply(&file.unverified_state()?)?;
                Ok(file.followed_by(edition.clone(), Some(&state)))
            }
        });
        let text = |newer: &Option<String>, old: &String| newer.as_ref().unwrap_or(old).clone();
        let result = Container {
            root: text(&self.root, &base.root),
            root_receipt: text(&self.root_receipt, &base.root_receipt),
            feed: text(&self.feed, &base.feed),
            feed_receipt: text(&self.feed_receipt, &base.feed_receipt),
            snapshots: snapshots.collect::<Result<_, _>>()?,
            consistency: self.consistency.clone(),
        };
        let found = result.digest()?;
        if found == self.result {
            Ok(result)
        } else {
            Err(DeltaError::Result { expected: self.result, found })
        }
    }

    /// Reads a delta. Nothing in it is compared with a base yet.
    ///
    /// # Errors
    /// Another form than the one of specs/trust-bundle.md, "Delta".
    pub fn parse(bytes: &[u8]) -> Result<Self, DeltaError> {
        if bytes.len() > MAX_DELTA_BYTES {
            return Err(DeltaError::TooLarge { bytes: bytes.len() });
        }
        let rest = bytes.strip_prefix(KIND).ok_or(DeltaError::Kind)?;
        let (base, rest) = rest.split_first_chunk::<32>().ok_or(DeltaError::Kind)?;
        let (result, rest) = rest.split_first_chunk::<32>().ok_or(DeltaError::Kind)?;
        let (length, stream) = rest.split_first_chunk::<4>().ok_or(DeltaError::Kind)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        // No stream grows more than this when it is inflated: room is made for what can come.
        if length > LIMITS.bytes || length.div_euclid(MAX_RATIO) > stream.len() {
            return Err(DeltaError::TooLarge { bytes: length });
        }
        let text = inflate_text(stream, length).map_err(DeltaError::Stream)?;
        Self::read(Hash(*base), Hash(*result), &text).map_err(DeltaError::Json)
    }

    fn read(base: Hash, result: Hash, text: &[u8]) -> Result<Self, JsonError> {
        let json = Json::parse(text, &LIMITS)?;
        let object = json.object()?;
        object.expect_only(&MEMBERS)?;
        let optional = |name: &str| object.get(name).map(|text| text.string().map(String::from)).transpose();
        let named = |name: &str| optional(name).map_err(|error| error.inside(name));
        Ok(Self {
            base,
            result,
            root: named("root")?,
            root_receipt: named("root_receipt")?,
            feed: named("feed")?,
            feed_receipt: named("feed_receipt")?,
            snapshots: items(object, "snapshots", MAX_SNAPSHOTS, Part::read)?,
            consistency: items(object, "consistency", MAX_CONSISTENCY, Consistency::read)?,
        })
    }

    /// The file.
    ///
    /// # Errors
    /// [`DeltaError::TooLarge`] and whatever else [`Delta::parse`] would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, DeltaError> {
        let mut object = ObjectText::new();
        for (name, text) in [
            ("root", &self.root),
            ("root_receipt", &self.root_receipt),
            ("feed", &self.feed),
            ("feed_receipt", &self.feed_receipt),
        ] {
            if let Some(text) = text {
                object = object.string(name, text);
            }
        }
        let text = object
            .json("snapshots", &json_array(self.snapshots.iter().map(Part::to_json)))
            .json("consistency", &json_array(self.consistency.iter().map(Consistency::to_json)))
            .finish();
        let length =
            u32::try_from(text.len()).map_err(|_too_long| DeltaError::TooLarge { bytes: text.len() })?;
        let mut file = Vec::from(KIND);
        file.extend_from_slice(&self.base.0);
        file.extend_from_slice(&self.result.0);
        file.extend_from_slice(&length.to_be_bytes());
        file.extend_from_slice(&deflate_text(text.as_bytes()));
        Self::parse(&file).map(|_read| file)
    }
}

impl Part {
    fn between(base: &[SnapshotFile], file: &SnapshotFile) -> Result<Self, DeltaError> {
        if let Some(position) = base.iter().position(|old| old == file) {
            return Ok(Self::Kept(position));
        }
        let of_list = base.iter().enumerate().filter(|(_position, old)| old.is_of_list_of(file));
        let Some((from, old)) = of_list.max_by_key(|(_position, old)| old.place().1) else {
            return Ok(Self::Whole(file.clone()));
        };
        let edition = file.edition().clone();
        if old.state_text() == file.state_text() {
            return Ok(Self::Changed { from, edition, changes: Changes::default() });
        }
        let (before, after) = (old.unverified_state()?, file.unverified_state()?);
        Ok(match Changes::between(&before, &after) {
            Some(changes) if changes.text_bytes() < file.state_text().len() => {
                Self::Changed { from, edition, changes }
            }
            Some(_) | None => Self::Whole(file.clone()),
        })
    }

    fn read(item: &Json) -> Result<Self, JsonError> {
        if let Ok(position) = item.unsigned() {
            return Ok(Self::Kept(usize::try_from(position).unwrap_or(usize::MAX)));
        }
        let object = item.object()?;
        if object.get("from").is_none() {
            return SnapshotFile::read(item).map(Self::Whole);
        }
        object.expect_only(&CHANGED_MEMBERS)?;
        Ok(Self::Changed {
            from: usize::try_from(object.unsigned("from")?).unwrap_or(usize::MAX),
            edition: Edition::read(object)?,
            changes: Changes::read(object)?,
        })
    }

    fn to_json(&self) -> String {
        match self {
            Self::Kept(position) => alloc::format!("{position}"),
            Self::Changed { from, edition, changes } => {
                let object = ObjectText::new().number("from", u64::try_from(*from).unwrap_or(u64::MAX));
                changes.write(edition.write(object)).finish()
            }
            Self::Whole(file) => file.write(),
        }
    }
}

impl Container {
    /// The bundle digest: two containers of one digest say the same, however their states are compressed.
    ///
    /// # Errors
    /// A state that does not decompress, or too much state.
    pub fn digest(&self) -> Result<Hash, DeltaError> {
        digest::of(self)
    }
}

/// The state of a list at a slot position changes at most once in a delta.
pub(super) fn planes_of(state: &ListState) -> [&[u8]; 2] {
    [state.revocation(), state.suspension()]
}

const KIND: &[u8] = b"sillok-trust-bundle-delta/v1\n";

const MEMBERS: [&str; 6] = ["root", "root_receipt", "feed", "feed_receipt", "snapshots", "consistency"];

const CHANGED_MEMBERS: [&str; 7] =
    ["from", "sequence", "fold_size", "issued", "not_after", "receipt", "changes"];

/// Longest delta in bytes: 32 MiB (specs/trust-bundle.md, "Delta"). A longer one saves nothing worth having over the whole
/// bundle.
pub const MAX_DELTA_BYTES: usize = 32 << 20;

/// DEFLATE's best is 258 bytes for two bits: 1,032 to one.
const MAX_RATIO: usize = 1_032;

/// The text of a delta has the limits of a container, but for the slots: each is a value.
const LIMITS: Limits =
    Limits { bytes: super::container::MAX_CONTAINER_BYTES, depth: MAX_DEPTH, values: 1_000_000 };
