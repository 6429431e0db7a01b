//! Pure. The right edge of a growing tree: all that is needed to append leaves and to know the root.

use alloc::vec::Vec;

use super::plan::Interval;
use super::{Hash, MAX_TREE_SIZE, NodeId, ProofError, TreeSize, empty_root, node_hash};

/// The complete nodes that make up the tree over the leaves so far, one for each bit set in its size.
///
/// Appending costs one hash on average. The frontier of a tree is at most 63 hashes, so a writer can keep, store
/// and hand over the state of a log of any size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Left to right, which is largest to smallest.
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the tree without leaves.
    pub fn new() -> Self {
        Self { size: 0, hashes: Vec::with_capacity(MAX_HASHES) }
    }

    /// Restores a frontier from its size and its hashes, left to right, as [`Frontier::nodes`] names them.
    ///
    /// # Errors
    /// [`ProofError::SizeTooLarge`]; [`ProofError::Length`] unless there is one hash for each bit set in `size`.
    pub fn from_parts(size: TreeSize, hashes: Vec<Hash>) -> Result<Self, ProofError> {
        let nodes = Self::nodes(size)?;
        if nodes.len() != hashes.len() {
            return Err(ProofError::Length { expected: nodes.len(), found: hashes.len() });
        }
        let mut hashes = hashes;
        hashes.reserve(MAX_HASHES.saturating_sub(hashes.len()));
        Ok(Self { size: size.0, hashes })
    }

    /// The nodes whose hashes make the frontier of a tree of `size` leaves, left to right.
    ///
    /// # Errors
    /// [`ProofError::SizeTooLarge`].
    pub fn nodes(size: TreeSize) -> Result<Vec<NodeId>, ProofError> {
        let mut nodes = Vec::new();
        Interval::of_tree(size)?.complete_nodes(&mut nodes);
        Ok(nodes)
    }

    /// Appends a leaf, given its hash.
    ///
    /// # Errors
    /// [`ProofError::SizeTooLarge`] if the tree has [`MAX_TREE_SIZE`] leaves; nothing has changed then.
    pub fn push(&mut self, leaf: Hash) -> Result<(), ProofError> {
        self.push_with(leaf, &mut |_node, _hash| {})
    }

    /// Appends a leaf and reports each node that it completes: the leaf itself, then upwards.
    ///
    /// # Errors
    /// [`ProofError::SizeTooLarge`] if the tree has [`MAX_TREE_SIZE`] leaves; nothing has changed or been reported then.
    pub fn push_with(
        &mut self,
        leaf: Hash,
        completed: &mut impl FnMut(NodeId, Hash),
    ) -> Result<(), ProofError> {
        let grown = self.size.saturating_add(1);
        if grown > MAX_TREE_SIZE {
            return Err(ProofError::SizeTooLarge { size: grown });
        }
        let mut node = NodeId { level: 0, index: self.size };
        let mut hash = leaf;
        completed(node, hash);
        // A node with an odd index is a right child: its left sibling is the last hash of the frontier.
        while node.index.trailing_zeros() == 0 {
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(&left, &hash);
            node = node.parent();
            completed(node, hash);
        }
        self.hashes.push(hash);
        self.size = grown;
        Ok(())
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> TreeSize {
        TreeSize(self.size)
    }

    /// The root of the tree (RFC 6962 section 2.1).
    pub fn root(&self) -> Hash {
        fold_right_edge(&self.hashes)
    }

    /// The hashes, left to right.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The hash of the node at `level`, if the frontier has one, that is, if that bit is set in the size.
    pub(super) fn at_level(&self, level: u32) -> Option<Hash> {
        let from_level = self.size.checked_shr(level)?;
        if from_level.trailing_zeros() != 0 {
            return None;
        }
        let position = usize::try_from(from_level.count_ones()).ok()?.checked_sub(1)?;
        self.hashes.get(position).copied()
    }
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash over adjacent complete nodes, largest first: the root that RFC 6962 gives to the leaves under them.
pub(super) fn fold_right_edge(hashes: &[Hash]) -> Hash {
    match hashes.split_last() {
        None => empty_root(),
        Some((last, larger)) => larger.iter().rev().fold(*last, |right, left| node_hash(left, &right)),
    }
}

/// One for each bit of [`MAX_TREE_SIZE`].
const MAX_HASHES: usize = 63;
