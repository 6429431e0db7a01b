//! Pure. Snapshot files: the state of a status list that proves itself.
//!
//! A snapshot file needs no signature but the log's: its state has a digest, the digest is in an entry, and the
//! receipt proves the entry.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

use alloc::string::{String, ToString};
use core::fmt;

use sillok_log::entry::{Entry, ListId, Snapshot};
use sillok_log::policy::{self, Opened, Policy};
use sillok_log::receipt::{CheckError, MAX_RECEIPT_BYTES, Receipt, ReceiptError};
use sillok_log::status::{ListState, StateError};
use sillok_log::{LeafIndex, TreeSize, UnixSeconds};

use crate::encoding::{decode_base64url, encode_base64url};
use crate::json::{Json, JsonError, Limits, Object};
use crate::status_list::{StatusListError, compress_state, decompress_state};
use crate::trust::feed::{list_length, list_uri};
use crate::trust::members::{MAX_DEPTH, ObjectText, counted, expect_type, refused, time};

pub(crate) mod rendering;

/// A snapshot file whose form is right and which nobody has proved yet.
//= specs/status.md#snapshot-file
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    uri: String,
    list: ListId,
    issuer: String,
    length: u64,
    edition: Edition,
    // Base64url of zlib of both planes.
    state: String,
}

/// What differs between two snapshots of one list, beside the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edition {
    pub(crate) sequence: u64,
    pub(crate) fold_size: TreeSize,
    pub(crate) issued: UnixSeconds,
    pub(crate) not_after: UnixSeconds,
    /// The tlog-proof text of its entry.
    pub(crate) receipt: String,
}

/// A snapshot whose state has the digest of a logged entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedSnapshot {
    /// The entry.
    snapshot: Snapshot,
    index: LeafIndex,
    state: ListState,
    opened: Opened,
    checkpoint: String,
}

impl SnapshotFile {
    /// The file of a snapshot entry that is in the log.
    ///
    /// `uri` is the list's base URI, `state` is what `snapshot` has the digest of, `receipt` is the tlog-proof text
    /// of the entry.
    ///
    /// # Errors
    /// Whatever [`SnapshotFile::parse`] would refuse; a state that is not the snapshot's.
    pub fn new(
        uri: &str,
        issuer: &str,
        snapshot: &Snapshot,
        state: &ListState,
        receipt: &str,
    ) -> Result<Self, SnapshotError> {
        if state.list() != snapshot.list || state.digest() != snapshot.digest {
            return Err(SnapshotError::NotItsState);
        }
        let file = Self {
            uri: uri.to_string(),
            list: snapshot.list,
            issuer: issuer.to_string(),
            length: state.length(),
            edition: Edition {
                sequence: snapshot.sequence,
                fold_size: snapshot.fold_size,
                issued: snapshot.issued,
                not_after: snapshot.not_after,
                receipt: receipt.to_string(),
            },
            state: encode_base64url(&compress_state(state.revocation(), state.suspension())),
        };
        Self::parse(file.to_json().as_bytes()).map_err(SnapshotError::Json)
    }

    /// Reads a snapshot file. Its state stays compressed.
    ///
    /// # Errors
    /// Another form than the one of specs/status.md, "Snapshot file".
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        Self::read(&Json::parse(bytes, &LIMITS)?)
    }

    /// The file as compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.write()
    }

    /// Base URI of the list.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The issuer that the file names. The log does not vouch for it.
    #[must_use]
    pub fn unverified_issuer(&self) -> &str {
        &self.issuer
    }

    /// Slots of the list.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// List and number of the snapshot.
    #[must_use]
    pub const fn place(&self) -> (ListId, u64) {
        (self.list, self.edition.sequence)
    }

    /// Decompresses the state, builds the snapshot entry from its digest and checks the receipt.
    ///
    /// # Errors
    /// A receipt that does not parse, has `extra` or does not prove the entry; a checkpoint that the policy does
    /// not accept; a state that does not decompress to two planes of the list.
    pub fn prove(&self, policy: &Policy) -> Result<ProvedSnapshot, SnapshotError> {
        // The checkpoint first: a stranger's state is not worth decompressing.
        let receipt = Receipt::parse(self.edition.receipt.as_bytes()).map_err(SnapshotError::Receipt)?;
        if receipt.extra.is_some() {
            return Err(SnapshotError::Extra);
        }
        let opened = policy.open(&receipt.checkpoint).map_err(SnapshotError::Checkpoint)?;
        let state = self.unverified_state()?;
        let snapshot = Snapshot {
            list: self.list,
            sequence: self.edition.sequence,
            digest: state.digest(),
            fold_size: self.edition.fold_size,
            issued: self.edition.issued,
            not_after: self.edition.not_after,
        };
        receipt
            .check(&Entry::Snapshot(snapshot).leaf_hash(), &opened.checkpoint)
            .map_err(SnapshotError::Inclusion)?;
        Ok(ProvedSnapshot { snapshot, index: receipt.index, state, opened, checkpoint: receipt.checkpoint })
    }

    /// Decompresses the state, of which nobody has shown that it is in the log.
    pub(crate) fn unverified_state(&self) -> Result<ListState, SnapshotError> {
        let compressed = decode_base64url(self.state.as_bytes()).ok_or(SnapshotError::Base64)?;
        let (revocation, suspension) =
            decompress_state(&compressed, self.length).map_err(SnapshotError::StatusList)?;
        ListState::from_planes(self.list, self.length, revocation, suspension).map_err(SnapshotError::State)
    }

    /// The file of another snapshot of the same list, with another state if there is one.
    pub(crate) fn followed_by(&self, edition: Edition, state: Option<&ListState>) -> Self {
        let text =
            state.map(|state| encode_base64url(&compress_state(state.revocation(), state.suspension())));
        Self { edition, state: text.unwrap_or_else(|| self.state.clone()), ..self.clone() }
    }

    pub(crate) const fn edition(&self) -> &Edition {
        &self.edition
    }

    /// Whether it is of the same list of the same issuer.
    pub(crate) fn is_of_list_of(&self, other: &Self) -> bool {
        (&self.uri, &self.issuer, self.length) == (&other.uri, &other.issuer, other.length)
    }

    /// The text that the state is compressed to, which is not the only one.
    pub(crate) fn state_text(&self) -> &str {
        &self.state
    }

    pub(crate) fn read(json: &Json) -> Result<Self, JsonError> {
        let object = json.object()?;
        expect_type(object, TYPE, &MEMBERS)?;
        let (uri, list) = list_uri(object)?;
        Ok(Self {
            uri,
            list,
            issuer: object.string("issuer")?.to_string(),
            length: list_length(object)?,
            edition: Edition::read(object)?,
            state: object.string("state")?.to_string(),
        })
    }

    pub(crate) fn write(&self) -> String {
        let object = ObjectText::new()
            .string("type", TYPE)
            .string("uri", &self.uri)
            .string("list", &self.list.to_hex())
            .string("issuer", &self.issuer)
            .number("length", self.length);
        self.edition.write(object).string("state", &self.state).finish()
    }
}

impl Edition {
    pub(crate) fn read(object: &Object) -> Result<Self, JsonError> {
        let receipt = object.string("receipt")?;
        if receipt.len() > MAX_RECEIPT_BYTES {
            return Err(refused("receipt", "a tlog-proof of at most 65536 bytes"));
        }
        Ok(Self {
            sequence: counted(object, "sequence")?,
            fold_size: TreeSize(object.unsigned("fold_size")?),
            issued: time(object, "issued")?,
            not_after: time(object, "not_after")?,
            receipt: receipt.to_string(),
        })
    }

    pub(crate) fn write(&self, object: ObjectText) -> ObjectText {
        object
            .number("sequence", self.sequence)
            .number("fold_size", self.fold_size.0)
            .number("issued", self.issued.0)
            .number("not_after", self.not_after.0)
            .string("receipt", &self.receipt)
    }
}

impl ProvedSnapshot {
    /// The entry that is in the log.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Its place there.
    #[must_use]
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// The state of the list.
    #[must_use]
    pub const fn state(&self) -> &ListState {
        &self.state
    }

    /// The state alone, without a copy of its planes.
    #[must_use]
    pub fn into_state(self) -> ListState {
        self.state
    }

    pub(crate) const fn opened(&self) -> &Opened {
        &self.opened
    }

    pub(crate) fn checkpoint(&self) -> &str {
        &self.checkpoint
    }
}

/// Why a snapshot file does not prove itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The state is not canonical base64url.
    Base64,
    /// The policy does not accept the receipt's checkpoint.
    Checkpoint(policy::Error),
    /// The receipt has an `extra`, which is for issue entries.
    Extra,
    /// The receipt does not prove the entry.
    Inclusion(CheckError),
    /// The file is not of its form.
    Json(JsonError),
    /// The state to publish has not the digest of the snapshot.
    NotItsState,
    /// The receipt is not of its form.
    Receipt(ReceiptError),
    /// The planes are no state.
    State(StateError),
    /// The state does not decompress.
    StatusList(StatusListError),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64 => f.write_str("state of the snapshot file is not canonical base64url"),
            Self::Checkpoint(error) => write!(f, "checkpoint of the snapshot file is refused: {error}"),
            Self::Extra => f.write_str("receipt of the snapshot file has an extra line"),
            Self::Inclusion(error) => write!(f, "receipt does not prove the snapshot: {error}"),
            Self::Json(error) => write!(f, "snapshot file is refused: {error}"),
            Self::NotItsState => f.write_str("state has not the digest of the snapshot"),
            Self::Receipt(error) => write!(f, "receipt of the snapshot file is refused: {error}"),
            Self::State(error) => write!(f, "state of the snapshot file is refused: {error}"),
            Self::StatusList(error) => write!(f, "state of the snapshot file is refused: {error}"),
        }
    }
}

impl core::error::Error for SnapshotError {}

const TYPE: &str = "sillok-snapshot/v1";

const MEMBERS: [&str; 11] = [
    "type",
    "uri",
    "list",
    "issuer",
    "length",
    "sequence",
    "fold_size",
    "issued",
    "not_after",
    "receipt",
    "state",
];

/// Longest snapshot file in bytes: 16 MiB (specs/status.md, "Snapshot file").
pub const MAX_FILE_BYTES: usize = 16 << 20;

const LIMITS: Limits = Limits { bytes: MAX_FILE_BYTES, depth: MAX_DEPTH, values: 32 };
