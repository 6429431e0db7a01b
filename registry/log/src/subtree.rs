//! Pure. Merkle trees over an interval of the log, small proofs in them, and that they agree with the log.
//!
//! A verifier that holds the hashes of a few large subtrees (landmarks) needs no signature and no checkpoint beside a
//! credential: the inclusion proof in the subtree is enough. Source: the section "Subtrees" of
//! <https://datatracker.ietf.org/doc/draft-ietf-plants-merkle-tree-certs/>, whose accumulated digests are among our tests.
//!
//! # In scope
//! Which intervals are subtrees, which two cover any interval, and plans and checks of the proofs.
//!
//! # Out of scope
//! Where hashes come from ([`crate::tile`]), who signs them ([`crate::checkpoint`]).

use core::fmt;

use crate::merkle::{self, Hash, Interval, LeafIndex, MAX_TREE_SIZE, ProofError, ProofPlan, TreeSize};

/// The leaves from `start` up to, but not including, `end`, placed so that a log can be proved to agree with them: `start`
/// is a multiple of the smallest power of two that is not below their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subtree {
    start: u64,
    end: u64,
}

impl Subtree {
    /// Checks that the interval is a subtree. Every `[0, end)` is one, and so is every empty interval.
    ///
    /// # Errors
    /// [`ProofError::NotASubtree`]; [`ProofError::SizeTooLarge`] if no tree reaches up to `end`.
    pub fn new(start: LeafIndex, end: TreeSize) -> Result<Self, ProofError> {
        let (start, end) = (start.0, end.0);
        if end > MAX_TREE_SIZE {
            return Err(ProofError::SizeTooLarge { size: end });
        }
        let wrong = ProofError::NotASubtree { start, end };
        // The limit above keeps the power of two within a u64.
        let width = end.checked_sub(start).and_then(u64::checked_next_power_of_two).ok_or(wrong)?;
        if start.is_multiple_of(width) { Ok(Self { start, end }) } else { Err(wrong) }
    }

    /// The first leaf.
    pub fn start(&self) -> LeafIndex {
        LeafIndex(self.start)
    }

    /// One past the last leaf; also the size of the smallest log that contains the subtree.
    pub fn end(&self) -> TreeSize {
        TreeSize(self.end)
    }

    /// How many leaves it has.
    pub fn len(&self) -> u64 {
        self.interval().len()
    }

    /// Whether it has no leaf.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Plans the computation of the hash of the subtree; folding gives exactly one hash.
    pub fn hash_plan(&self) -> ProofPlan {
        merkle::interval_hash_plan(self.interval())
    }

    /// Plans the proof that the log's leaf `index` is in the subtree.
    ///
    /// # Errors
    /// [`ProofError::IndexOutOfRange`].
    pub fn inclusion_plan(&self, index: LeafIndex) -> Result<ProofPlan, ProofError> {
        if !(self.start..self.end).contains(&index.0) {
            return Err(ProofError::IndexOutOfRange { index: index.0, start: self.start, end: self.end });
        }
        Ok(merkle::interval_inclusion_plan(self.interval(), index.0))
    }

    /// Checks that `leaf`, a leaf hash, is the log's leaf `index` if the subtree has this hash.
    ///
    /// # Errors
    /// [`ProofError::IndexOutOfRange`], [`ProofError::Length`], [`ProofError::RootMismatch`].
    pub fn check_inclusion(
        &self,
        leaf: &Hash,
        index: LeafIndex,
        proof: &[Hash],
        subtree_hash: &Hash,
    ) -> Result<(), ProofError> {
        let computed = merkle::interval_root_from_inclusion(self.interval(), leaf, index, proof)?;
        merkle::expect_root(computed, subtree_hash)
    }

    /// Plans the proof that the subtree agrees with the log of `size` leaves. It is empty for an empty subtree.
    ///
    /// # Errors
    /// [`ProofError::OutsideTree`], [`ProofError::SizeTooLarge`].
    pub fn consistency_plan(&self, size: TreeSize) -> Result<ProofPlan, ProofError> {
        self.tree_around(size).map(|tree| merkle::interval_proof_plan(self.interval(), tree))
    }

    /// Checks that the subtree with this hash agrees with the log of `size` leaves with this root.
    ///
    /// The empty subtree agrees with every log: nothing is learnt about `root` then.
    ///
    /// # Errors
    /// [`ProofError::OutsideTree`], [`ProofError::SizeTooLarge`], [`ProofError::Length`],
    /// [`ProofError::OldRootMismatch`] (for the subtree), [`ProofError::RootMismatch`] (for the log).
    pub fn check_consistency(
        &self,
        subtree_hash: &Hash,
        size: TreeSize,
        root: &Hash,
        proof: &[Hash],
    ) -> Result<(), ProofError> {
        let tree = self.tree_around(size)?;
        merkle::check_interval(self.interval(), subtree_hash, tree, root, proof)
    }

    fn tree_around(&self, size: TreeSize) -> Result<Interval, ProofError> {
        let tree = Interval::of_tree(size)?;
        if self.end > tree.end {
            return Err(ProofError::OutsideTree { end: self.end, size: tree.end });
        }
        Ok(tree)
    }

    pub(crate) fn interval(&self) -> Interval {
        Interval { start: self.start, end: self.end }
    }
}

impl fmt::Display for Subtree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.end)
    }
}

/// The two adjacent subtrees that cover any interval of the log with little to spare: the right one ends where the interval
/// does, the left one may begin earlier, by less than half of itself. The right one is empty for intervals of at most one leaf.
///
/// # Errors
/// [`ProofError::NotASubtree`] if `start` is above `end`, [`ProofError::SizeTooLarge`].
pub fn covering_subtrees(start: LeafIndex, end: TreeSize) -> Result<(Subtree, Subtree), ProofError> {
    let wrong = ProofError::NotASubtree { start: start.0, end: end.0 };
    let Some(length) = end.0.checked_sub(start.0) else { return Err(wrong) };
    if length <= 1 {
        return Ok((Subtree::new(start, end)?, Subtree::new(LeafIndex(end.0), end)?));
    }
    let last = end.0.wrapping_sub(1);
    // The height at which the paths of the first and the last leaf part; the right subtree begins at the middle.
    let height = (start.0 ^ last).checked_ilog2().ok_or(wrong)?;
    let below = 1_u64.wrapping_shl(height).wrapping_sub(1);
    let middle = last & !below;
    // The left subtree ends at the middle. It begins where its tree does, which is at the highest left turn on the
    // path of the first leaf.
    let left_turn = u64::BITS.wrapping_sub((!start.0 & below).leading_zeros());
    let left_start = start.0 & !1_u64.wrapping_shl(left_turn).wrapping_sub(1);
    Ok((Subtree::new(LeafIndex(left_start), TreeSize(middle))?, Subtree::new(LeafIndex(middle), end)?))
}
