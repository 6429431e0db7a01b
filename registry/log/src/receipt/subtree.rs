//! Pure. Receipts in binary, relative to a subtree that witnesses cosigned with ML-DSA-44: no landmark and no checkpoint.

use alloc::vec::Vec;
use core::fmt;

use super::{LogTag, Receipt};
use crate::checkpoint::Checkpoint;
use crate::cosignature::ML_DSA_COSIGNATURE_BYTES;
use crate::merkle::{MAX_INCLUSION_PROOF, ProofError};
use crate::note::{KeyId, Note, SignatureKind};
use crate::policy::Policy;
use crate::subtree::Subtree;
use crate::{Hash, LeafIndex, TreeSize};

//= specs/receipt.md#subtree-receipt
/// A subtree receipt that parsed. Nothing in it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtreeReceipt {
    /// The log.
    pub log: LogTag,
    /// Whose leaves it is about; what is cosigned says the same.
    pub subtree: Subtree,
    /// The hash of the subtree.
    pub hash: Hash,
    /// The position of the leaf in the log.
    pub index: LeafIndex,
    /// What the verifier needs to rebuild the leaf; not authenticated by itself. Empty if it needs nothing.
    pub extra: Vec<u8>,
    /// The inclusion proof in the subtree, the leaf's sibling first.
    pub proof: Vec<Hash>,
    /// Key, and time and signature as in a signature line.
    pub cosignatures: Vec<(KeyId, Vec<u8>)>,
}

impl SubtreeReceipt {
    /// Whether bytes claim to be one: no tlog-proof text begins like this.
    pub fn is_claimed_by(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// What a full receipt says, without its text: relative to the whole tree of its checkpoint, which is a subtree. `None` if
    /// none of the policy's witnesses cosigned that with ML-DSA-44.
    pub fn of_full(receipt: &Receipt, policy: &Policy) -> Option<Self> {
        let note = Note::parse(&receipt.checkpoint).ok()?;
        let checkpoint = Checkpoint::parse_body(note.text()).ok()?;
        let witnesses = || policy.witnesses().iter().map(|witness| witness.key());
        let cosignatures: Vec<(KeyId, Vec<u8>)> = note
            .signatures()
            .iter()
            .filter(|line| {
                witnesses().any(|key| key.kind() == SignatureKind::MlDsa44 && line.claims(key))
                    && line.signature.len() == ML_DSA_COSIGNATURE_BYTES
            })
            .map(|line| (line.key_id, line.signature.clone()))
            .take(MAX_COSIGNATURES)
            .collect();
        (!cosignatures.is_empty()).then_some(())?;
        Some(Self {
            log: LogTag::of(&checkpoint.origin),
            subtree: Subtree::new(LeafIndex(0), checkpoint.size).ok()?,
            hash: checkpoint.root,
            index: receipt.index,
            extra: receipt.extra.clone().unwrap_or_default(),
            proof: receipt.proof.clone(),
            cosignatures,
        })
    }

    /// Checks that `leaf`, a leaf hash, is in the subtree. That witnesses cosigned it is for [`Policy::check_subtree`].
    ///
    /// # Errors
    /// [`ProofError::IndexOutOfRange`], [`ProofError::Length`], [`ProofError::RootMismatch`].
    pub fn check(&self, leaf: &Hash) -> Result<(), ProofError> {
        self.subtree.check_inclusion(leaf, self.index, &self.proof, &self.hash)
    }

    /// Reads a subtree receipt.
    ///
    /// # Errors
    /// Anything but what [`SubtreeReceipt::encode`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, SubtreeReceiptError> {
        if bytes.len() > MAX_SUBTREE_RECEIPT_BYTES {
            return Err(SubtreeReceiptError::TooLong { bytes: bytes.len() });
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or(SubtreeReceiptError::Header)?;
        let short = SubtreeReceiptError::Length { bytes: bytes.len() };
        let (log, rest) = rest.split_first_chunk().ok_or(short)?;
        let (start, rest) = rest.split_first_chunk().ok_or(short)?;
        let (end, rest) = rest.split_first_chunk().ok_or(short)?;
        let (hash, rest) = rest.split_first_chunk().ok_or(short)?;
        let (index, rest) = rest.split_first_chunk().ok_or(short)?;
        let (extra_bytes, rest) = rest.split_first().ok_or(short)?;
        let (extra, rest) = rest.split_at_checked(usize::from(*extra_bytes)).ok_or(short)?;
        let (hashes, rest) = rest.split_first().ok_or(short)?;
        if usize::from(*hashes) > MAX_INCLUSION_PROOF {
            return Err(SubtreeReceiptError::TooManyHashes { hashes: usize::from(*hashes) });
        }
        let (proof, rest) = rest.split_at_checked(usize::from(*hashes).wrapping_mul(32)).ok_or(short)?;
        let (cosignatures, []) = rest.as_chunks::<COSIGNATURE_BYTES>() else { return Err(short) };
        if cosignatures.is_empty() || cosignatures.len() > MAX_COSIGNATURES {
            return Err(SubtreeReceiptError::Cosignatures { count: cosignatures.len() });
        }
        let (start, end) = (LeafIndex(u64::from_be_bytes(*start)), TreeSize(u64::from_be_bytes(*end)));
        let (proof, _none) = proof.as_chunks::<32>();
        Ok(Self {
            log: LogTag(*log),
            subtree: Subtree::new(start, end).map_err(SubtreeReceiptError::Subtree)?,
            hash: Hash(*hash),
            index: LeafIndex(u64::from_be_bytes(*index)),
            extra: extra.to_vec(),
            proof: proof.iter().copied().map(Hash).collect(),
            cosignatures: cosignatures.iter().filter_map(cosignature).collect(),
        })
    }

    /// The bytes of the receipt.
    ///
    /// What the fields hold is not looked at: no cosignature, or more of anything than the limits allow, make bytes that do
    /// not parse.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::from(MAGIC);
        bytes.extend_from_slice(&self.log.0);
        bytes.extend_from_slice(&self.subtree.start().0.to_be_bytes());
        bytes.extend_from_slice(&self.subtree.end().0.to_be_bytes());
        bytes.extend_from_slice(&self.hash.0);
        bytes.extend_from_slice(&self.index.0.to_be_bytes());
        bytes.push(u8::try_from(self.extra.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(&self.extra);
        bytes.push(u8::try_from(self.proof.len()).unwrap_or(u8::MAX));
        for hash in &self.proof {
            bytes.extend_from_slice(&hash.0);
        }
        for (key, signature) in &self.cosignatures {
            bytes.extend_from_slice(&key.0.to_be_bytes());
            bytes.extend_from_slice(signature);
        }
        bytes
    }
}

fn cosignature(bytes: &[u8; COSIGNATURE_BYTES]) -> Option<(KeyId, Vec<u8>)> {
    let (key, signature) = bytes.split_first_chunk()?;
    Some((KeyId(u32::from_be_bytes(*key)), signature.to_vec()))
}

/// Why bytes are no subtree receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubtreeReceiptError {
    /// There is no cosignature, or there are more than [`MAX_COSIGNATURES`].
    Cosignatures {
        /// How many there are.
        count: usize,
    },
    /// They do not begin like one of this version.
    Header,
    /// They end in the middle of a field.
    Length {
        /// How many there are.
        bytes: usize,
    },
    /// The leaves form no subtree.
    Subtree(ProofError),
    /// They are more than [`MAX_SUBTREE_RECEIPT_BYTES`].
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

impl fmt::Display for SubtreeReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cosignatures { count } => {
                write!(f, "subtree receipt has {count} cosignatures, not 1 to {MAX_COSIGNATURES}")
            }
            Self::Header => f.write_str("subtree receipt does not begin with its four bytes"),
            Self::Length { bytes } => write!(f, "subtree receipt of {bytes} bytes ends within a field"),
            Self::Subtree(error) => write!(f, "subtree receipt is of no subtree: {error}"),
            Self::TooLong { bytes } => {
                write!(f, "subtree receipt of {bytes} bytes is longer than {MAX_SUBTREE_RECEIPT_BYTES}")
            }
            Self::TooManyHashes { hashes } => {
                write!(f, "subtree receipt has {hashes} hashes, more than {MAX_INCLUSION_PROOF}")
            }
        }
    }
}

impl core::error::Error for SubtreeReceiptError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Subtree(error) = self { Some(error) } else { None }
    }
}

/// Letters and form.
const MAGIC: &[u8] = b"slr\x02";

/// Key ID, and time and signature.
const COSIGNATURE_BYTES: usize = 4 + ML_DSA_COSIGNATURE_BYTES;

/// Most cosignatures (specs/receipt.md, "Subtree receipt"): signed-note wants readers to take sixteen.
pub const MAX_COSIGNATURES: usize = 16;

/// Longest subtree receipt in bytes: its fixed fields, 255 bytes of `extra`, 63 hashes and all cosignatures.
pub const MAX_SUBTREE_RECEIPT_BYTES: usize =
    70 + 255 + 32 * MAX_INCLUSION_PROOF + MAX_COSIGNATURES * COSIGNATURE_BYTES;
