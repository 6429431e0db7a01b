//! Pure. What can be wrong with a position in a tree or with a proof.

use core::fmt;

use super::{Hash, MAX_TREE_SIZE};

/// Why a proof cannot be planned, or does not prove what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The leaf is not in the tree or interval.
    IndexOutOfRange {
        /// The position asked for.
        index: u64,
        /// The first leaf that there is.
        start: u64,
        /// One past the last leaf that there is.
        end: u64,
    },
    /// There are not as many hashes as sizes and positions call for.
    Length {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The interval is not a subtree of any log.
    NotASubtree {
        /// The first leaf of the interval.
        start: u64,
        /// One past its last leaf.
        end: u64,
    },
    /// The proof leads to another hash for the old tree, or for the subtree, than the one stated.
    OldRootMismatch {
        /// The hash that the proof leads to.
        computed: Hash,
        /// The hash that was to be proved.
        stated: Hash,
    },
    /// The old tree or the interval ends after the tree does.
    OutsideTree {
        /// One past the last leaf of the old tree or of the interval.
        end: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The proof leads to another root than the one stated.
    RootMismatch {
        /// The root that the proof leads to.
        computed: Hash,
        /// The root that was to be proved.
        stated: Hash,
    },
    /// The tree is larger than any may be.
    SizeTooLarge {
        /// The size asked for.
        size: u64,
    },
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IndexOutOfRange { index, start, end } => {
                write!(f, "leaf {index} is not among the leaves from {start} up to {end}")
            }
            Self::Length { expected, found } => {
                write!(f, "combining hashes takes {expected} of them here, not {found}")
            }
            Self::NotASubtree { start, end } => {
                write!(f, "the leaves from {start} up to {end} do not form a subtree")
            }
            Self::OldRootMismatch { computed, stated } => {
                write!(f, "the proof leads to {computed} for the older tree or subtree, not to {stated}")
            }
            Self::OutsideTree { end, size } => {
                write!(f, "a part that ends at leaf {end} is not inside a tree of {size} leaves")
            }
            Self::RootMismatch { computed, stated } => {
                write!(f, "the proof leads to the root {computed}, not to {stated}")
            }
            Self::SizeTooLarge { size } => {
                write!(f, "a tree of {size} leaves is above the limit of {MAX_TREE_SIZE}")
            }
        }
    }
}

impl core::error::Error for ProofError {}
