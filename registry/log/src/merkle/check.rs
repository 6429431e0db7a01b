//! Pure. Proofs of strangers: inclusion and consistency, checked in as many hashes as the proof has.

use super::plan::{Interval, interval_proof_len};
use super::{Hash, LeafIndex, ProofError, TreeSize, empty_root, node_hash};

/// Checks that `leaf`, a leaf hash, is at `index` in the tree of `size` leaves with this root.
///
/// RFC 9162 section 2.1.3.2. A proof has at most [`super::MAX_INCLUSION_PROOF`] hashes; its exact length follows from
/// index and size, so no other length is looked at.
///
/// # Errors
/// [`ProofError::IndexOutOfRange`], [`ProofError::SizeTooLarge`], [`ProofError::Length`], [`ProofError::RootMismatch`].
pub fn check_inclusion(
    leaf: &Hash,
    index: LeafIndex,
    size: TreeSize,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    expect_root(root_from_inclusion(leaf, index, size, proof)?, root)
}

/// Computes the root that an inclusion proof leads to; whoever compares it with a trusted root has checked the proof.
///
/// # Errors
/// [`ProofError::IndexOutOfRange`], [`ProofError::SizeTooLarge`], [`ProofError::Length`].
pub fn root_from_inclusion(
    leaf: &Hash,
    index: LeafIndex,
    size: TreeSize,
    proof: &[Hash],
) -> Result<Hash, ProofError> {
    let tree = Interval::of_tree(size)?;
    interval_root_from_inclusion(tree, leaf, index, proof)
}

/// Checks that the tree of `old` leaves is a prefix of the tree of `new` leaves.
///
/// RFC 9162 section 2.1.4.2. With `old` zero there is nothing to prove: `old_root` must be the root of the empty tree and
/// `proof` empty, and **nothing is learnt about `new_root`**. Equal sizes need equal roots and an empty proof.
///
/// # Errors
/// [`ProofError::OutsideTree`] if `old` is larger than `new`, [`ProofError::SizeTooLarge`], [`ProofError::Length`],
/// [`ProofError::OldRootMismatch`], [`ProofError::RootMismatch`].
pub fn check_consistency(
    old: TreeSize,
    old_root: &Hash,
    new: TreeSize,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let tree = Interval::of_tree(new)?;
    if old > new {
        return Err(ProofError::OutsideTree { end: old.0, size: new.0 });
    }
    check_interval(Interval { start: 0, end: old.0 }, old_root, tree, new_root, proof)
}

/// As [`root_from_inclusion`] for the tree over an interval of the log.
pub(crate) fn interval_root_from_inclusion(
    interval: Interval,
    leaf: &Hash,
    index: LeafIndex,
    proof: &[Hash],
) -> Result<Hash, ProofError> {
    let Interval { start, end } = interval;
    if !(start..end).contains(&index.0) {
        return Err(ProofError::IndexOutOfRange { index: index.0, start, end });
    }
    let path = index.0.wrapping_sub(start);
    let last = interval.len().wrapping_sub(1);
    // Below the height at which the paths of this leaf and of the last leaf part, every sibling exists and the bits
    // of the position say on which side it is. Above it, the path runs along the right edge, where there are only
    // left siblings, one for each bit set.
    let inner = u64::BITS.wrapping_sub((path ^ last).leading_zeros());
    let edge = path.checked_shr(inner).unwrap_or(0).count_ones();
    let expected = usize::try_from(inner.wrapping_add(edge)).unwrap_or(usize::MAX);
    if proof.len() != expected {
        return Err(ProofError::Length { expected, found: proof.len() });
    }
    let root = proof.iter().zip(0..).fold(*leaf, |hash, (sibling, level)| {
        let is_left_child = level < inner && path.wrapping_shr(level) & 1 == 0;
        if is_left_child { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) }
    });
    Ok(root)
}

/// Checks that `part`, a subtree, agrees with `tree`; the caller has checked that it is one and that it is inside.
/// <https://datatracker.ietf.org/doc/draft-ietf-plants-merkle-tree-certs/>, "Verifying a Subtree Consistency Proof"
pub(crate) fn check_interval(
    part: Interval,
    part_hash: &Hash,
    tree: Interval,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let expected = interval_proof_len(part, tree);
    if proof.len() != expected {
        return Err(ProofError::Length { expected, found: proof.len() });
    }
    if part.is_empty() {
        return expect_part(empty_root(), part_hash);
    }
    // Paths, level by level: of the first and the last leaf of `part`, and of the last leaf of `tree`.
    let mut first = part.start;
    let mut last = part.end.wrapping_sub(1);
    let mut tree_last = tree.end.wrapping_sub(1);
    // Rise to the largest node of `tree` at the right end of `part`.
    while first != last && (last == tree_last || last & 1 == 1) {
        (first, last, tree_last) = (first >> 1, last >> 1, tree_last >> 1);
    }
    let (seed, rest) = match proof.split_first() {
        Some((seed, rest)) if first != last => (seed, rest),
        Some(_) | None => (part_hash, proof),
    };
    let (mut part_computed, mut tree_computed) = (*seed, *seed);
    for sibling in rest {
        if last & 1 == 1 || last == tree_last {
            if first < last {
                part_computed = node_hash(sibling, &part_computed);
            }
            tree_computed = node_hash(sibling, &tree_computed);
            // At the right edge of a tree a node without right sibling is lifted until it has a left one.
            let lift = last.trailing_zeros();
            first = first.checked_shr(lift).unwrap_or(0);
            last = last.checked_shr(lift).unwrap_or(0);
            tree_last = tree_last.checked_shr(lift).unwrap_or(0);
        } else {
            tree_computed = node_hash(&tree_computed, sibling);
        }
        (first, last, tree_last) = (first >> 1, last >> 1, tree_last >> 1);
    }
    expect_part(part_computed, part_hash)?;
    expect_root(tree_computed, root)
}

fn expect_part(computed: Hash, stated: &Hash) -> Result<(), ProofError> {
    if computed == *stated { Ok(()) } else { Err(ProofError::OldRootMismatch { computed, stated: *stated }) }
}

pub(crate) fn expect_root(computed: Hash, stated: &Hash) -> Result<(), ProofError> {
    if computed == *stated { Ok(()) } else { Err(ProofError::RootMismatch { computed, stated: *stated }) }
}
