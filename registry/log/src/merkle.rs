//! Pure. The Merkle tree of RFC 6962 section 2.1 (the same as RFC 9162 section 2.1) over SHA-256.
//!
//! # In scope
//! Hashes of leaves and nodes, the right edge of a growing tree (`Frontier`), inclusion and consistency proofs.
//! *Which* nodes a proof needs (`ProofPlan`) is kept apart from how they are combined, so that the nodes may
//! come from memory, from tiles on a disk or from tiles of a stranger. A writer that has just appended a batch
//! asks `BatchTree`, which has every new node at hand.
//!
//! # Out of scope
//! Where nodes are kept: [`crate::tile`]. Trees over an interval of the log: [`crate::subtree`].
//!
//! # Invariants
//! A tree has at most `MAX_TREE_SIZE` leaves. Positions are `u64` on every platform and are never cast.

mod hash;

pub use hash::{Hash, empty_root, leaf_hash, node_hash};

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
