//! Pure. Receipts in binary, relative to a landmark: no signature and no checkpoint, for verifiers that hold the landmarks.

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::merkle::MAX_INCLUSION_PROOF;
use crate::{Hash, LeafIndex};

/// Which log a receipt is of, in eight bytes: enough to tell the logs of a policy apart, and not what names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogTag(pub [u8; 8]);

impl LogTag {
    /// The first bytes of the hash of the origin.
    pub fn of(origin: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(origin).into();
        Self(*digest.first_chunk().unwrap_or(&[0; 8]))
    }
}

//= specs/receipt.md#landmark-receipt
/// A landmark receipt that parsed. Nothing in it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandmarkReceipt {
    /// The log.
    pub log: LogTag,
    /// The landmark that covers the leaf.
    pub landmark: u64,
    /// The position of the leaf in the log.
    pub index: LeafIndex,
    /// What the verifier needs to rebuild the leaf; not authenticated by itself. Empty if it needs nothing.
    pub extra: Vec<u8>,
    /// The inclusion proof in the landmark's subtree, the leaf's sibling first.
    pub proof: Vec<Hash>,
}

impl LandmarkReceipt {
    /// Whether bytes claim to be one: no tlog-proof text begins like this.
    pub fn is_claimed_by(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads a landmark receipt.
    ///
    /// # Errors
    /// Anything but what [`LandmarkReceipt::encode`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, LandmarkReceiptError> {
        if bytes.len() > MAX_LANDMARK_RECEIPT_BYTES {
            return Err(LandmarkReceiptError::TooLong { bytes: bytes.len() });
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or(LandmarkReceiptError::Header)?;
        let short = LandmarkReceiptError::Length { bytes: bytes.len() };
        let (log, rest) = rest.split_first_chunk().ok_or(short)?;
        let (landmark, rest) = rest.split_first_chunk().ok_or(short)?;
        let (index, rest) = rest.split_first_chunk().ok_or(short)?;
        let (extra_bytes, rest) = rest.split_first().ok_or(short)?;
        let (extra, rest) = rest.split_at_checked(usize::from(*extra_bytes)).ok_or(short)?;
        let (proof, []) = rest.as_chunks::<32>() else { return Err(short) };
        if proof.len() > MAX_INCLUSION_PROOF {
            return Err(LandmarkReceiptError::TooManyHashes { hashes: proof.len() });
        }
        Ok(Self {
            log: LogTag(*log),
            landmark: u64::from_be_bytes(*landmark),
            index: LeafIndex(u64::from_be_bytes(*index)),
            extra: extra.to_vec(),
            proof: proof.iter().copied().map(Hash).collect(),
        })
    }

    /// The bytes of the receipt.
    ///
    /// What the fields hold is not looked at: more than [`MAX_INCLUSION_PROOF`] hashes, or more than 255 bytes of `extra`,
    /// make bytes that do not parse.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_LANDMARK_RECEIPT_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.log.0);
        bytes.extend_from_slice(&self.landmark.to_be_bytes());
        bytes.extend_from_slice(&self.index.0.to_be_bytes());
        bytes.push(u8::try_from(self.extra.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(&self.extra);
        for hash in &self.proof {
            bytes.extend_from_slice(&hash.0);
        }
        bytes
    }
}

/// Why bytes are no landmark receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LandmarkReceiptError {
    /// They do not begin like one of this version.
    Header,
    /// They end in the middle of a field.
    Length {
        /// How many there are.
        bytes: usize,
    },
    /// They are more than [`MAX_LANDMARK_RECEIPT_BYTES`].
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// The proof has more hashes than any tree needs.
    TooManyHashes {
        /// How many it has.
        hashes: usize,
    },
}

impl fmt::Display for LandmarkReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("landmark receipt does not begin with its four bytes"),
            Self::Length { bytes } => write!(f, "landmark receipt of {bytes} bytes ends within a field"),
            Self::TooLong { bytes } => {
                write!(f, "landmark receipt of {bytes} bytes is longer than {MAX_LANDMARK_RECEIPT_BYTES}")
            }
            Self::TooManyHashes { hashes } => {
                write!(f, "landmark receipt has {hashes} hashes, more than {MAX_INCLUSION_PROOF}")
            }
        }
    }
}

impl core::error::Error for LandmarkReceiptError {}

/// Letters and version.
const MAGIC: &[u8] = b"slr\x01";

/// Longest landmark receipt in bytes (specs/receipt.md): its fixed fields, 255 bytes of `extra` and 63 hashes.
pub const MAX_LANDMARK_RECEIPT_BYTES: usize = 29 + 255 + 32 * MAX_INCLUSION_PROOF;
