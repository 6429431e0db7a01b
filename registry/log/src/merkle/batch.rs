//! Pure. A batch of new leaves on top of a frontier: all new nodes, computed once, for tiles and for proofs.

use alloc::vec::Vec;

use super::frontier::fold_right_edge;
use super::{Frontier, Hash, LeafIndex, NodeId, ProofError, TreeSize, node_hash};

/// A tree that has just grown by a batch, able to prove each new leaf without hashing again.
///
/// It needs only the frontier before the batch: what a proof of a new leaf takes from the old tree is in it.
#[derive(Clone, Debug)]
pub struct BatchTree {
    old: Frontier,
    new: Frontier,
    /// By level, the nodes that the batch completed, from index `old size / 2^level` on.
    levels: Vec<Vec<Hash>>,
    /// For each hash of the new frontier, the hash over it and all that is right of it.
    edges: Vec<Hash>,
}

impl BatchTree {
    /// Appends leaf hashes to the tree with this frontier, in about as many hash operations as there are leaves.
    ///
    /// # Errors
    /// [`ProofError::SizeTooLarge`].
    pub fn new(old: Frontier, leaves: Vec<Hash>) -> Result<Self, ProofError> {
        let old_size = old.size().0;
        let new_size = u64::try_from(leaves.len()).map_or(u64::MAX, |count| old_size.saturating_add(count));
        let nodes = Frontier::nodes(TreeSize(new_size))?;
        let mut levels = Vec::new();
        let mut below = leaves;
        let mut level = 0_u32;
        while !below.is_empty() {
            // An odd first index is a right child, whose left sibling is the old frontier's node of this level.
            let is_right_child = old_size.checked_shr(level).is_some_and(|first| first & 1 == 1);
            let left = if is_right_child { old.at_level(level) } else { None };
            let above = parents(left, &below);
            levels.push(below);
            below = above;
            level = level.wrapping_add(1);
        }
        let mut tree = Self { new: Frontier::new(), edges: Vec::new(), old, levels };
        let hashes: Vec<Hash> = nodes.iter().filter_map(|node| tree.node(*node)).collect();
        tree.new = Frontier::from_parts(TreeSize(new_size), hashes)?;
        let hashes = tree.new.hashes();
        tree.edges = (0..hashes.len()).filter_map(|from| hashes.get(from..)).map(fold_right_edge).collect();
        Ok(tree)
    }

    /// The frontier after the batch.
    pub fn frontier(&self) -> &Frontier {
        &self.new
    }

    /// The hash of a node that the batch completed, or that is in the old or new frontier.
    pub fn node(&self, node: NodeId) -> Option<Hash> {
        let level = u32::from(node.level);
        let first_new = self.old.size().0.checked_shr(level)?;
        match node.index.checked_sub(first_new) {
            Some(position) => {
                self.levels.get(usize::from(node.level))?.get(usize::try_from(position).ok()?).copied()
            }
            None if node.index.checked_add(1) == Some(first_new) => self.old.at_level(level),
            None => None,
        }
    }

    /// Proves that a leaf of the batch is in the tree after the batch (RFC 6962 section 2.1.1).
    ///
    /// # Errors
    /// [`ProofError::IndexOutOfRange`] for a leaf that is not of this batch.
    pub fn inclusion_proof(&self, index: LeafIndex) -> Result<Vec<Hash>, ProofError> {
        let (start, end) = (self.old.size().0, self.new.size().0);
        let out_of_range = ProofError::IndexOutOfRange { index: index.0, start, end };
        if !(start..end).contains(&index.0) {
            return Err(out_of_range);
        }
        // The leaf is under the frontier node at which its path and the end of the tree part.
        let level = (index.0 ^ end).checked_ilog2().ok_or(out_of_range)?;
        let position = usize::try_from(end.checked_shr(level).unwrap_or(0).count_ones().wrapping_sub(1))
            .map_err(|_too_wide| out_of_range)?;
        let inner = (0..u8::try_from(level).unwrap_or(u8::MAX))
            .map(|level| self.node(NodeId { level, index: index.0.wrapping_shr(u32::from(level)) ^ 1 }));
        let right = self.edges.get(position.wrapping_add(1)).copied();
        let left = self.new.hashes().get(..position).unwrap_or_default();
        let mut proof = Vec::with_capacity(MAX_PROOF_GUESS);
        for sibling in inner {
            proof.push(sibling.ok_or(out_of_range)?);
        }
        proof.extend(right);
        proof.extend(left.iter().rev());
        Ok(proof)
    }

    /// The nodes that the batch completed at levels 0, 8, 16 and so on, which are the hashes that tiles hold; by level,
    /// then left to right.
    pub fn tile_nodes(&self) -> impl Iterator<Item = (NodeId, Hash)> + '_ {
        (0_u8..).zip(&self.levels).step_by(TILE_HEIGHT).flat_map(|(level, hashes)| {
            let first = self.old.size().0.checked_shr(u32::from(level)).unwrap_or(0);
            (first..).zip(hashes).map(move |(index, hash)| (NodeId { level, index }, *hash))
        })
    }
}

/// The parents of adjacent nodes; `left` is the sibling of the first one if that is a right child.
fn parents(left: Option<Hash>, nodes: &[Hash]) -> Vec<Hash> {
    let (first, nodes) = match (left, nodes.split_first()) {
        (Some(left), Some((right, rest))) => (Some(node_hash(&left, right)), rest),
        (Some(_), None) | (None, _) => (None, nodes),
    };
    let (pairs, _without_sibling) = nodes.as_chunks::<2>();
    first.into_iter().chain(pairs.iter().map(|[left, right]| node_hash(left, right))).collect()
}

/// Levels of the tree in a tile (C2SP tlog-tiles).
const TILE_HEIGHT: usize = 8;

/// Room for a proof in a tree of four thousand million leaves; a longer one grows its vector once.
const MAX_PROOF_GUESS: usize = 32;
