//! Pure. The Merkle tree of RFC 6962 section 2.1 (the same as RFC 9162 section 2.1) over SHA-256.
//!
//! # In scope
//! Hashes of leaves and nodes, the right edge of a growing tree ([`Frontier`]), inclusion and consistency proofs.
//! *Which* nodes a proof needs ([`ProofPlan`]) is kept apart from how they are combined, so that the nodes may
//! come from memory, from tiles on a disk or from tiles of a stranger. A writer that has just appended a batch
//! asks [`BatchTree`], which has every new node at hand.
//!
//! # Out of scope
//! Where nodes are kept: [`crate::tile`]. Trees over an interval of the log: [`crate::subtree`].
//!
//! # Invariants
//! A tree has at most [`MAX_TREE_SIZE`] leaves. Positions are `u64` on every platform and are never cast.

mod batch;
mod check;
mod error;
mod frontier;
mod hash;
mod plan;

pub use batch::BatchTree;
pub use check::{check_consistency, check_inclusion, root_from_inclusion};
pub use error::ProofError;
pub use frontier::Frontier;
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use plan::{ProofPlan, consistency_plan, inclusion_plan, root_plan};

pub(crate) use check::{check_interval, expect_root, interval_root_from_inclusion};
pub(crate) use plan::{Interval, interval_hash_plan, interval_inclusion_plan, interval_proof_plan};

/// The position of a leaf in the log, counted from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafIndex(pub u64);

/// How many leaves a tree has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeSize(pub u64);

impl core::fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

impl core::fmt::Display for TreeSize {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// A complete subtree of the log: the leaves from `index * 2^level` up to, but not including, `(index + 1) * 2^level`.
///
/// Its hash never changes once the log has reached its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// The height above the leaves, which are at level 0.
    pub level: u8,
    /// The position among the nodes of this level, counted from zero.
    pub index: u64,
}

impl NodeId {
    /// The first leaf under the node; `None` if no tree is large enough to have the node.
    pub fn start(self) -> Option<LeafIndex> {
        self.end().and_then(|end| end.0.checked_sub(self.width()?)).map(LeafIndex)
    }

    /// The size of the smallest tree that has the node; `None` if that is above [`MAX_TREE_SIZE`].
    pub fn end(self) -> Option<TreeSize> {
        let end = self.index.checked_add(1)?.checked_mul(self.width()?)?;
        (end <= MAX_TREE_SIZE).then_some(TreeSize(end))
    }

    fn width(self) -> Option<u64> {
        1_u64.checked_shl(u32::from(self.level))
    }

    fn parent(self) -> Self {
        Self { level: self.level.saturating_add(1), index: self.index >> 1 }
    }
}

//= specs/log.md#tree
/// The most leaves a tree may have, 2^63 - 1: sizes are signed 64-bit integers in the Go tools that read our logs.
pub const MAX_TREE_SIZE: u64 = u64::MAX >> 1;

/// The most hashes an inclusion proof can have: the height of a tree of [`MAX_TREE_SIZE`] leaves.
pub const MAX_INCLUSION_PROOF: usize = 63;

/// The most hashes a consistency proof can have: one for each level and one to start from.
pub const MAX_CONSISTENCY_PROOF: usize = 64;
