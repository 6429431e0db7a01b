//! Pure. What can be wrong with landmarks.

use core::fmt;

use super::{MAX_LANDMARKS, MAX_LIST_BYTES};
use crate::TreeSize;
use crate::merkle::{MAX_TREE_SIZE, ProofError};

/// Why landmarks are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LandmarkError {
    /// The checkpoint to check them against is smaller than the newest.
    Checkpoint {
        /// The size of the newest landmark.
        newest: TreeSize,
        /// The size of the checkpoint.
        size: TreeSize,
    },
    /// There is no size, or there are more than [`MAX_LANDMARKS`] and the one before them.
    Count {
        /// How many sizes there are.
        count: usize,
    },
    /// A line of the list is not what it should be.
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// The log cannot have had so many landmarks before one of this size.
    Number {
        /// The number of the newest landmark.
        newest: u64,
        /// The size of the oldest.
        size: TreeSize,
    },
    /// A landmark is not larger than the one before it.
    Order {
        /// The size of one.
        size: TreeSize,
        /// The size of the next.
        next: TreeSize,
    },
    /// The hashes do not lead to the checkpoint, or are not as many as they should be.
    Proof(ProofError),
    /// The landmark is larger than any tree may be.
    Size {
        /// Its size.
        size: TreeSize,
    },
    /// The list is longer than [`MAX_LIST_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
}

impl fmt::Display for LandmarkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint { newest, size } => {
                write!(f, "the newest landmark has {newest} leaves, the checkpoint only {size}")
            }
            Self::Count { count } => {
                write!(f, "landmarks are given by 1 to {} sizes, not {count}", MAX_LANDMARKS + 1)
            }
            Self::Line { line } => write!(f, "line {line} of the landmark list is not as it should be"),
            Self::Number { newest, size } => {
                write!(f, "landmarks up to number {newest} do not begin at {size} leaves")
            }
            Self::Order { size, next } => {
                write!(f, "a landmark of {next} leaves does not follow one of {size}")
            }
            Self::Proof(error) => write!(f, "landmarks are not proved: {error}"),
            Self::Size { size } => {
                write!(f, "a landmark of {size} leaves is above the limit of {MAX_TREE_SIZE}")
            }
            Self::TooLong { bytes } => {
                write!(f, "landmark list of {bytes} bytes is longer than {MAX_LIST_BYTES}")
            }
        }
    }
}

impl core::error::Error for LandmarkError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Proof(error) = self { Some(error) } else { None }
    }
}
