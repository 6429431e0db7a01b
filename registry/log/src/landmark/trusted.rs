//! Pure. A verifier's landmarks: which hashes they take, and that these lead to a checkpoint.
//!
//! The log up to the checkpoint is cut at every landmark, and the hashes are those of the largest complete nodes
//! between the cuts. Every subtree of a landmark is made of whole ones, and so is the whole tree: hashing them into its
//! root proves all landmarks at once.

use alloc::vec::Vec;

use super::{LandmarkError, Landmarks};
use crate::merkle::{Interval, NodeId, ProofError, empty_root, expect_root, node_hash};
use crate::{Hash, LeafIndex, TreeSize};

//= specs/landmarks.md#trusted-set
/// The nodes whose hashes prove landmarks against a checkpoint of `size` leaves, left to right.
///
/// # Errors
/// [`LandmarkError::Checkpoint`] if the newest landmark is larger, [`LandmarkError::Proof`] if `size` is too large.
pub fn landmark_nodes(landmarks: &Landmarks, size: TreeSize) -> Result<Vec<NodeId>, LandmarkError> {
    let tree = Interval::of_tree(size).map_err(LandmarkError::Proof)?;
    let (_number, newest) = landmarks.newest();
    if newest > size {
        return Err(LandmarkError::Checkpoint { newest, size });
    }
    let mut nodes = Vec::new();
    let mut start = 0;
    for cut in landmarks.sizes().iter().map(|size| size.0).chain([tree.end]) {
        push_nodes(start, cut, &mut nodes);
        start = cut;
    }
    Ok(nodes)
}

/// The largest complete nodes from one leaf up to, but not including, another.
fn push_nodes(mut start: u64, end: u64, nodes: &mut Vec<NodeId>) {
    while let Some(fits) = end.saturating_sub(start).checked_ilog2() {
        // Of zero every power of two is a divisor.
        let level = fits.min(start.trailing_zeros());
        nodes.push(NodeId {
            level: u8::try_from(level).unwrap_or(u8::MAX), // at most 63: the logarithm of a u64
            index: start.wrapping_shr(level),
        });
        start = start.saturating_add(1_u64.wrapping_shl(level));
    }
}

/// The newest `count` of landmarks that leaves can be proved to, with the hashes that prove them: computed from the hashes
/// that prove all of them.
///
/// # Errors
/// Those of [`landmark_nodes`]; [`LandmarkError::Proof`] if there are more hashes, or fewer. It does not check them.
pub fn newest_with_hashes(
    landmarks: &Landmarks,
    size: TreeSize,
    hashes: &[Hash],
    count: usize,
) -> Result<(Landmarks, Vec<Hash>), LandmarkError> {
    let cut = CutTree::new(landmarks, size, hashes)?;
    let mut kept = landmarks.clone();
    kept.keep_newest(count);
    let length = LandmarkError::Proof(ProofError::Length { expected: cut.ends.len(), found: hashes.len() });
    // A largest node between fewer cuts is made of whole ones: none that lies between more cuts holds it.
    let hash = |node: NodeId| {
        let start = node.start()?.0;
        cut.root(Interval { start, end: node.end()?.0 })
    };
    let hashes: Option<Vec<Hash>> = landmark_nodes(&kept, size)?.into_iter().map(hash).collect();
    Ok((kept, hashes.ok_or(length)?))
}

/// Landmarks whose subtrees are proved to be of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedLandmarks {
    landmarks: Landmarks,
    /// The hashes of the two subtrees of each, oldest first.
    roots: Vec<(Hash, Hash)>,
}

impl TrustedLandmarks {
    /// Checks that the hashes of [`landmark_nodes`] lead to the root of a tree of `size` leaves. Whether that tree is
    /// to be believed is for the caller to know.
    ///
    /// # Errors
    /// Those of [`landmark_nodes`]; [`LandmarkError::Proof`] if there are more hashes, fewer, or others.
    pub fn open(
        landmarks: Landmarks,
        size: TreeSize,
        root: &Hash,
        hashes: &[Hash],
    ) -> Result<Self, LandmarkError> {
        let cut = CutTree::new(&landmarks, size, hashes)?;
        let length = ProofError::Length { expected: cut.ends.len(), found: hashes.len() };
        let tree = Interval::of_tree(size).map_err(LandmarkError::Proof)?;
        let computed = cut.root(tree).ok_or(LandmarkError::Proof(length))?;
        expect_root(computed, root).map_err(LandmarkError::Proof)?;
        let mut roots = Vec::with_capacity(landmarks.active());
        let (newest, _size) = landmarks.newest();
        let active = u64::try_from(landmarks.active()).unwrap_or(u64::MAX);
        for number in newest.saturating_sub(active).saturating_add(1)..=newest {
            let both = landmarks
                .subtrees(number)
                .and_then(|(left, right)| Some((cut.root(left.interval())?, cut.root(right.interval())?)));
            roots.push(both.ok_or(LandmarkError::Proof(length))?);
        }
        Ok(Self { landmarks, roots })
    }

    /// The landmarks.
    pub fn landmarks(&self) -> &Landmarks {
        &self.landmarks
    }

    /// Whether leaves can be proved to this landmark.
    pub fn has(&self, number: u64) -> bool {
        self.landmarks.subtrees(number).is_some()
    }

    //= specs/landmarks.md#subtrees
    /// Checks that `leaf`, a leaf hash, is the log's leaf `index`, by the subtree of this landmark that covers it.
    ///
    /// # Errors
    /// [`ProofError::IndexOutOfRange`] if the landmark is unknown or does not cover the leaf, [`ProofError::Length`],
    /// [`ProofError::RootMismatch`].
    pub fn check(
        &self,
        number: u64,
        leaf: &Hash,
        index: LeafIndex,
        proof: &[Hash],
    ) -> Result<(), ProofError> {
        let covered = self.landmarks.covering(index) == Some(number);
        let found = self.landmarks.subtrees(number).zip(self.roots(number)).filter(|_both| covered);
        let Some(((left, right), (left_root, right_root))) = found else {
            let (start, end) = self
                .landmarks
                .subtrees(number)
                .map_or((0, 0), |(left, right)| (left.start().0, right.end().0));
            return Err(ProofError::IndexOutOfRange { index: index.0, start, end });
        };
        if index.0 < left.end().0 {
            left.check_inclusion(leaf, index, proof, left_root)
        } else {
            right.check_inclusion(leaf, index, proof, right_root)
        }
    }

    fn roots(&self, number: u64) -> Option<&(Hash, Hash)> {
        let (newest, _size) = self.landmarks.newest();
        let back = usize::try_from(newest.checked_sub(number)?).ok()?;
        self.roots.iter().rev().nth(back)
    }
}

/// A tree whose nodes at some cuts are known.
struct CutTree<'h> {
    /// One past the last leaf of each node, left to right.
    ends: Vec<u64>,
    hashes: &'h [Hash],
}

impl<'h> CutTree<'h> {
    fn new(landmarks: &Landmarks, size: TreeSize, hashes: &'h [Hash]) -> Result<Self, LandmarkError> {
        let nodes = landmark_nodes(landmarks, size)?;
        if nodes.len() != hashes.len() {
            let length = ProofError::Length { expected: nodes.len(), found: hashes.len() };
            return Err(LandmarkError::Proof(length));
        }
        let ends = nodes.iter().map(|node| node.end().unwrap_or(size).0).collect();
        Ok(Self { ends, hashes })
    }

    /// The hash over an interval that is a subtree and made of whole nodes; `None` if it is not.
    fn root(&self, interval: Interval) -> Option<Hash> {
        if interval.is_empty() {
            return Some(empty_root());
        }
        // The node that the first leaf is in.
        let position = self.ends.partition_point(|end| *end <= interval.start);
        let before = position.checked_sub(1).and_then(|before| self.ends.get(before));
        if before.copied().unwrap_or(0) != interval.start {
            return None;
        }
        if self.ends.get(position) == Some(&interval.end) {
            return self.hashes.get(position).copied();
        }
        let (left, right) = interval.split()?;
        Some(node_hash(&self.root(left)?, &self.root(right)?))
    }
}
