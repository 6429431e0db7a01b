//! Pure. Which nodes a proof is made of, without the nodes: a reader plans, fetches, then folds.
//!
//! Every hash of a proof is the root over some interval of leaves. An interval at the right edge of the tree has
//! no node of its own; it is folded from the complete nodes under it, which never change as the tree grows and are
//! what tiles hold. So a plan names complete nodes only.

use alloc::vec::Vec;

use super::frontier::fold_right_edge;
use super::{Hash, LeafIndex, MAX_TREE_SIZE, NodeId, ProofError, TreeSize};

/// The complete nodes that a proof needs, and how they combine into the hashes of the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofPlan {
    nodes: Vec<NodeId>,
    /// How many of `nodes`, taken in order, make each hash of the proof.
    groups: Vec<usize>,
}

impl ProofPlan {
    /// The nodes to look up, in the order in which [`ProofPlan::fold`] wants their hashes.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Combines the hashes of [`ProofPlan::nodes`] into the proof, which for a root is one hash.
    ///
    /// # Errors
    /// [`ProofError::Length`] unless there is one hash for each node.
    pub fn fold(&self, hashes: &[Hash]) -> Result<Vec<Hash>, ProofError> {
        let wrong_length = ProofError::Length { expected: self.nodes.len(), found: hashes.len() };
        if hashes.len() != self.nodes.len() {
            return Err(wrong_length);
        }
        let mut rest = hashes;
        let mut proof = Vec::with_capacity(self.groups.len());
        for count in &self.groups {
            let (group, tail) = rest.split_at_checked(*count).ok_or(wrong_length)?;
            proof.push(fold_right_edge(group));
            rest = tail;
        }
        Ok(proof)
    }

    fn of_intervals(intervals: &[Interval]) -> Self {
        let mut nodes = Vec::with_capacity(intervals.len());
        let mut groups = Vec::with_capacity(intervals.len());
        for interval in intervals {
            let before = nodes.len();
            interval.complete_nodes(&mut nodes);
            groups.push(nodes.len().wrapping_sub(before));
        }
        Self { nodes, groups }
    }
}

/// Plans the proof that leaf `index` is in the tree of `size` leaves (RFC 6962 section 2.1.1).
///
/// # Errors
/// [`ProofError::IndexOutOfRange`] and [`ProofError::SizeTooLarge`].
pub fn inclusion_plan(index: LeafIndex, size: TreeSize) -> Result<ProofPlan, ProofError> {
    let tree = Interval::of_tree(size)?;
    if index.0 >= size.0 {
        return Err(ProofError::IndexOutOfRange { index: index.0, start: 0, end: size.0 });
    }
    Ok(interval_inclusion_plan(tree, index.0))
}

/// Plans the proof that the tree of `old` leaves is a prefix of the tree of `new` leaves (RFC 6962 section 2.1.2).
///
/// The proof is empty if the sizes are equal or `old` is zero.
///
/// # Errors
/// [`ProofError::OutsideTree`] if `old` is larger than `new`, [`ProofError::SizeTooLarge`].
pub fn consistency_plan(old: TreeSize, new: TreeSize) -> Result<ProofPlan, ProofError> {
    let tree = Interval::of_tree(new)?;
    if old > new {
        return Err(ProofError::OutsideTree { end: old.0, size: new.0 });
    }
    Ok(interval_proof_plan(Interval { start: 0, end: old.0 }, tree))
}

/// Plans the computation of the root of the tree of `size` leaves; folding gives exactly one hash.
///
/// # Errors
/// [`ProofError::SizeTooLarge`].
pub fn root_plan(size: TreeSize) -> Result<ProofPlan, ProofError> {
    Interval::of_tree(size).map(interval_hash_plan)
}

/// Plans the hash over an interval that is a subtree.
pub(crate) fn interval_hash_plan(interval: Interval) -> ProofPlan {
    ProofPlan::of_intervals(&[interval])
}

/// Plans the proof that leaf `index` is in `interval`; the caller has checked that it is inside.
pub(crate) fn interval_inclusion_plan(interval: Interval, index: u64) -> ProofPlan {
    let mut here = interval;
    let mut siblings = Vec::new();
    while let Some((left, right)) = here.split() {
        if index < left.end {
            siblings.push(right);
            here = left;
        } else {
            siblings.push(left);
            here = right;
        }
    }
    siblings.reverse();
    ProofPlan::of_intervals(&siblings)
}

/// Plans the proof that `part`, a subtree, agrees with `tree`; the caller has checked that it is inside.
pub(crate) fn interval_proof_plan(part: Interval, tree: Interval) -> ProofPlan {
    let mut intervals = Vec::new();
    descend_to(part, tree, |interval| intervals.push(interval));
    intervals.reverse();
    ProofPlan::of_intervals(&intervals)
}

/// How many hashes the proof of [`interval_proof_plan`] has.
pub(super) fn interval_proof_len(part: Interval, tree: Interval) -> usize {
    let mut count = 0_usize;
    descend_to(part, tree, |_interval| count = count.wrapping_add(1));
    count
}

/// Reports the hashes of a subtree consistency proof from the root downwards, that is, last one first.
/// <https://datatracker.ietf.org/doc/draft-ietf-plants-merkle-tree-certs/>, "Generating a Subtree Consistency Proof"
fn descend_to(part: Interval, tree: Interval, mut report: impl FnMut(Interval)) {
    let (mut part, mut here) = (part, tree);
    if part.is_empty() {
        return;
    }
    // The hash of `part` is left out while the verifier, who knows it, can still use it as it is.
    let mut known = true;
    while part != here {
        let Some((left, right)) = here.split() else { return };
        if part.end <= left.end {
            report(right);
            here = left;
        } else {
            report(left);
            here = right;
            if part.start < right.start {
                // `part` covers all of `left` and some of `right`: it is taken apart.
                part.start = right.start;
                known = false;
            }
        }
    }
    if !known {
        report(part);
    }
}

/// The leaves from `start` up to, but not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Interval {
    pub(crate) fn of_tree(size: TreeSize) -> Result<Self, ProofError> {
        if size.0 > MAX_TREE_SIZE {
            return Err(ProofError::SizeTooLarge { size: size.0 });
        }
        Ok(Self { start: 0, end: size.0 })
    }

    pub(crate) fn len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Cuts at the largest power of two below the length, as RFC 6962 does; a leaf cannot be cut.
    pub(crate) fn split(self) -> Option<(Self, Self)> {
        let level = self.len().checked_sub(1)?.checked_ilog2()?;
        let middle = self.start.checked_add(1_u64.checked_shl(level)?)?;
        Some((Self { end: middle, ..self }, Self { start: middle, ..self }))
    }

    /// Adds the complete nodes that make up the interval, largest and leftmost first.
    pub(super) fn complete_nodes(self, nodes: &mut Vec<NodeId>) {
        let mut start = self.start;
        while let Some(level) = self.end.saturating_sub(start).checked_ilog2() {
            nodes.push(NodeId {
                level: u8::try_from(level).unwrap_or(u8::MAX), // at most 63: the logarithm of a u64
                index: start.wrapping_shr(level),
            });
            start = start.saturating_add(1_u64.wrapping_shl(level));
        }
    }
}
