//! The Merkle tree of RFC 6962 section 2.1, recursive and slow, as the text defines it.

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// SHA-256 of all parts in order.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// SHA-256(0x00 ‖ entry), RFC 6962 section 2.1.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry])
}

/// SHA-256(0x01 ‖ left ‖ right), RFC 6962 section 2.1.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// MTH(D) over leaf hashes, RFC 6962 section 2.1.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(split(more.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// PATH(m, D), RFC 6962 section 2.1.1.
#[must_use]
pub fn inclusion(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, sibling) = if index < k {
        (inclusion(index, left), root(right))
    } else {
        (inclusion(index - k, right), root(left))
    };
    path.push(sibling);
    path
}

/// PROOF(m, D), RFC 6962 section 2.1.2, and nothing for m = 0 (RFC 9162 leaves it undefined).
#[must_use]
pub fn consistency(from: usize, leaves: &[Hash]) -> Vec<Hash> {
    if from == 0 { Vec::new() } else { subproof(from, leaves, true) }
}

fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, other) = if m <= k {
        (subproof(m, left, whole), root(right))
    } else {
        (subproof(m - k, right, false), root(left))
    };
    proof.push(other);
    proof
}

/// SUBTREE_PROOF(start, end, D), draft-ietf-plants-merkle-tree-certs, "Subtree Consistency Proofs".
#[must_use]
pub fn subtree_consistency(start: usize, end: usize, leaves: &[Hash]) -> Vec<Hash> {
    // The empty subtree agrees with every tree.
    if start == end { Vec::new() } else { subtree_subproof(start, end, leaves, true) }
}

fn subtree_subproof(start: usize, end: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if start == 0 && end == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, other) = if end <= k {
        (subtree_subproof(start, end, left, whole), root(right))
    } else if k <= start {
        (subtree_subproof(start - k, end - k, right, whole), root(left))
    } else {
        // start < k < end: a subtree that straddles the split starts at 0.
        (subtree_subproof(0, end - k, right, false), root(left))
    };
    proof.push(other);
    proof
}

/// Whether the proof leads from the leaf hash to the root: the recursion of PATH run backwards.
#[must_use]
pub fn included(leaf: &Hash, index: u64, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    climb(leaf, index, size, proof) == Some(*root)
}

fn climb(leaf: &Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    if size == 1 {
        return proof.is_empty().then_some(*leaf);
    }
    let (sibling, below) = proof.split_last()?;
    let k = 1_u64 << (size - 1).ilog2();
    if index < k {
        Some(node_hash(&climb(leaf, index, k, below)?, sibling))
    } else {
        Some(node_hash(sibling, &climb(leaf, index - k, size - k, below)?))
    }
}

/// Whether the proof shows that the tree of `to` leaves extends the tree of `from` leaves.
#[must_use]
pub fn consistent(from: u64, to: u64, from_root: &Hash, to_root: &Hash, proof: &[Hash]) -> bool {
    if from > to {
        return false;
    }
    if from == 0 {
        return proof.is_empty() && *from_root == root(&[]);
    }
    roots_of(from, to, from_root, proof, true) == Some((*from_root, *to_root))
}

fn roots_of(m: u64, n: u64, from_root: &Hash, proof: &[Hash], whole: bool) -> Option<(Hash, Hash)> {
    if m == n {
        return match (whole, proof) {
            (true, []) => Some((*from_root, *from_root)),
            (false, [one]) => Some((*one, *one)),
            _ => None,
        };
    }
    let (other, below) = proof.split_last()?;
    let k = 1_u64 << (n - 1).ilog2();
    if m <= k {
        let (old, new) = roots_of(m, k, from_root, below, whole)?;
        Some((old, node_hash(&new, other)))
    } else {
        let (old, new) = roots_of(m - k, n - k, from_root, below, false)?;
        Some((node_hash(other, &old), node_hash(other, &new)))
    }
}

/// The largest power of two below `size`, which is at least 2.
fn split(size: usize) -> usize {
    1 << (size - 1).ilog2()
}
