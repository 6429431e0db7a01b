//! Pure. Receipts: the text that proves, offline, that a log holds an entry (C2SP tlog-proof).
//!
//! # Out of scope
//! Who signed the checkpoint: [`crate::policy`]. A receipt proves nothing before its checkpoint is opened.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::checkpoint::{self, Checkpoint};
use crate::merkle::{MAX_INCLUSION_PROOF, ProofError, check_inclusion};
use crate::note::Note;
use crate::number::{decode_base64, parse_decimal, push_base64};
use crate::{Hash, LeafIndex};

mod extra;
mod landmark;
mod subtree;

pub use extra::{EXTRA_BYTES, ExtraError, IssueExtra};
pub use landmark::{LandmarkReceipt, LandmarkReceiptError, LogTag, MAX_LANDMARK_RECEIPT_BYTES};
pub use subtree::{MAX_COSIGNATURES, MAX_SUBTREE_RECEIPT_BYTES, SubtreeReceipt, SubtreeReceiptError};

//= specs/receipt.md#text
/// A receipt that parsed. Nothing in it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What the verifier needs to rebuild the leaf; not authenticated by itself. Never an empty one: see
    /// [`IssueExtra`].
    pub extra: Option<Vec<u8>>,
    /// The position of the leaf.
    pub index: LeafIndex,
    /// The inclusion proof, the leaf's sibling first.
    pub proof: Vec<Hash>,
    /// The checkpoint, a signed note, verbatim.
    pub checkpoint: String,
}

impl Receipt {
    /// Reads a receipt. Of its checkpoint it makes sure that it is a note around a checkpoint, whoever signed it.
    ///
    /// # Errors
    /// Anything but what [`Receipt::encode`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > MAX_RECEIPT_BYTES {
            return Err(ReceiptError::TooLong { bytes: bytes.len() });
        }
        let text =
            core::str::from_utf8(bytes).map_err(|at| ReceiptError::Utf8 { offset: at.valid_up_to() })?;
        if let Some(offset) = text.bytes().position(|byte| byte < b' ' && byte != b'\n') {
            return Err(ReceiptError::Control { offset });
        }
        let rest = text.strip_prefix(HEADER).ok_or(ReceiptError::Header)?;
        // The proof has no empty line, so the first one is where the checkpoint begins.
        let (head, checkpoint) = rest.split_once("\n\n").ok_or(ReceiptError::Separator)?;
        let mut lines = head.split('\n').peekable();
        let extra = match lines.next_if(|line| line.starts_with(EXTRA)) {
            None => None,
            Some(line) => Some(parse_extra(line)?),
        };
        let index = lines.next().and_then(|line| line.strip_prefix(INDEX)).and_then(parse_decimal);
        let index = LeafIndex(index.ok_or(ReceiptError::Index)?);
        let proof = parse_proof(lines)?;
        check_checkpoint(checkpoint).map_err(ReceiptError::Checkpoint)?;
        Ok(Self { extra, index, proof, checkpoint: checkpoint.into() })
    }

    /// The text of the receipt. An empty `extra` is none.
    ///
    /// What the fields hold is not looked at: more than [`MAX_INCLUSION_PROOF`] hashes, or a checkpoint that is none,
    /// make a text that does not parse.
    #[must_use]
    pub fn encode(&self) -> String {
        let extra = self.extra.as_ref().filter(|extra| !extra.is_empty());
        // In one piece: base64 makes four characters of three bytes, and a hash takes a line.
        let length = extra
            .map_or(0, |extra| extra.len().saturating_mul(2))
            .saturating_add(self.proof.len().saturating_mul(HASH_LINE_BYTES))
            .saturating_add(self.checkpoint.len())
            .saturating_add(HEAD_BYTES);
        let mut text = String::with_capacity(length);
        text.push_str(HEADER);
        if let Some(extra) = extra {
            text.push_str(EXTRA);
            push_base64(extra, &mut text);
            text.push('\n');
        }
        text.push_str(&format!("{INDEX}{}\n", self.index));
        for hash in &self.proof {
            push_base64(&hash.0, &mut text);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    //= specs/receipt.md#checking
    /// Checks that the leaf is in the tree of `checkpoint`, which must be the receipt's own, *opened*.
    ///
    /// # Errors
    /// [`CheckError::OtherCheckpoint`] if the text of the receipt says something else; [`CheckError::Proof`] if the
    /// index is not below the size or the proof does not lead to the root (RFC 9162 section 2.1.3.2).
    pub fn check(&self, leaf: &Hash, checkpoint: &Checkpoint) -> Result<(), CheckError> {
        // Whoever opened another text would otherwise hear that the proof is wrong, or worse, that it is right.
        if !self.checkpoint.starts_with(&checkpoint.body()) {
            return Err(CheckError::OtherCheckpoint);
        }
        check_inclusion(leaf, self.index, checkpoint.size, &self.proof, &checkpoint.root)
            .map_err(CheckError::Proof)
    }
}

fn parse_extra(line: &str) -> Result<Vec<u8>, ReceiptError> {
    let extra = line.strip_prefix(EXTRA).and_then(decode_base64).ok_or(ReceiptError::Extra)?;
    // tlog-proof omits the line when there is nothing to say.
    if extra.is_empty() { Err(ReceiptError::Extra) } else { Ok(extra) }
}

fn parse_proof<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Hash>, ReceiptError> {
    let mut proof = Vec::new();
    for (position, line) in lines.enumerate() {
        if position >= MAX_INCLUSION_PROOF {
            return Err(ReceiptError::TooManyHashes);
        }
        proof.push(Hash::from_base64(line).ok_or(ReceiptError::ProofHash { position })?);
    }
    Ok(proof)
}

fn check_checkpoint(text: &str) -> Result<(), checkpoint::Error> {
    let note = Note::parse(text).map_err(checkpoint::Error::Note)?;
    Checkpoint::parse_body(note.text()).map(|_checkpoint| ())
}

/// Why a text is no receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptError {
    /// What follows the empty line is no signed note around a checkpoint.
    Checkpoint(checkpoint::Error),
    /// A control character other than newline, carriage return included.
    Control {
        /// Its position in bytes.
        offset: usize,
    },
    /// The `extra` line is not canonical base64 of at least one byte.
    Extra,
    /// The first line is not that of a tlog-proof.
    Header,
    /// The `index` line is missing, or not a plain decimal number below 2^64.
    Index,
    /// A line of the proof is not canonical base64 of 32 bytes.
    ProofHash {
        /// Its position in the proof, from 0.
        position: usize,
    },
    /// No empty line separates the proof from the checkpoint.
    Separator,
    /// The text is longer than [`MAX_RECEIPT_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The proof has more hashes than any tree needs.
    TooManyHashes,
    /// The text is not UTF-8.
    Utf8 {
        /// The position of the first wrong byte.
        offset: usize,
    },
}

impl fmt::Display for ReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(error) => write!(f, "receipt holds no checkpoint: {error}"),
            Self::Control { offset } => write!(f, "receipt has a control character at byte {offset}"),
            Self::Extra => {
                f.write_str("receipt has an extra line that is not canonical base64 of some bytes")
            }
            Self::Header => f.write_str("receipt does not begin with the line c2sp.org/tlog-proof@v1"),
            Self::Index => f.write_str("receipt has no index line with a plain decimal number below 2^64"),
            Self::ProofHash { position } => {
                write!(f, "hash {position} of the receipt's proof is not canonical base64 of 32 bytes")
            }
            Self::Separator => f.write_str("receipt has no empty line between proof and checkpoint"),
            Self::TooLong { bytes } => {
                write!(f, "receipt of {bytes} bytes is longer than {MAX_RECEIPT_BYTES}")
            }
            Self::TooManyHashes => {
                write!(f, "receipt has a proof of more than {MAX_INCLUSION_PROOF} hashes")
            }
            Self::Utf8 { offset } => write!(f, "receipt is not UTF-8 at byte {offset}"),
        }
    }
}

impl core::error::Error for ReceiptError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Checkpoint(error) = self { Some(error) } else { None }
    }
}

/// Why a receipt does not prove a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// The checkpoint passed in is not the one that the receipt holds.
    OtherCheckpoint,
    /// The proof does not lead from the leaf to the root.
    Proof(ProofError),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherCheckpoint => {
                f.write_str("receipt is checked against a checkpoint that it does not hold")
            }
            Self::Proof(error) => write!(f, "receipt does not prove the leaf: {error}"),
        }
    }
}

impl core::error::Error for CheckError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Proof(error) = self { Some(error) } else { None }
    }
}

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// 44 characters of base64 and a newline.
const HASH_LINE_BYTES: usize = 45;

/// Header, names of the lines, the index and newlines, and then some.
const HEAD_BYTES: usize = 80;

/// How the `extra` line begins.
const EXTRA: &str = "extra ";

/// How the `index` line begins.
const INDEX: &str = "index ";

/// Longest receipt in bytes (specs/receipt.md): 63 hashes take 2.8 KiB, an Ed25519 cosignature some 150 bytes and one
/// of ML-DSA-44 3.3 KiB, so that sixteen of those still fit.
pub const MAX_RECEIPT_BYTES: usize = 65_536;
