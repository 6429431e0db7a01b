//! Subtrees: the accumulated digests of draft-ietf-plants-merkle-tree-certs, appendix "Subtree Test Vectors", and damage.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use sillok_log::merkle::{Frontier, MAX_TREE_SIZE, NodeId, ProofError, ProofPlan, leaf_hash, root_plan};
use sillok_log::subtree::{Subtree, covering_subtrees};
use sillok_log::{Hash, LeafIndex, TreeSize};
use std::collections::HashMap;

/// The largest tree of the draft's test vectors.
const LIMIT: u64 = 130;

/// Leaf `n` of the draft's tree is the single byte `n`.
fn nodes() -> HashMap<NodeId, Hash> {
    let mut nodes = HashMap::new();
    let mut frontier = Frontier::new();
    for n in 0..LIMIT {
        let leaf = leaf_hash(&[u8::try_from(n).unwrap()]);
        frontier.push_with(leaf, &mut |node, hash| _ = nodes.insert(node, hash)).unwrap();
    }
    nodes
}

fn fold(plan: &ProofPlan, nodes: &HashMap<NodeId, Hash>) -> Vec<Hash> {
    let hashes: Vec<Hash> = plan.nodes().iter().map(|node| nodes[node]).collect();
    plan.fold(&hashes).unwrap()
}

fn hash_of(subtree: &Subtree, nodes: &HashMap<NodeId, Hash>) -> Hash {
    fold(&subtree.hash_plan(), nodes)[0]
}

/// The valid subtrees that end at `end`, by start.
fn ending_at(end: u64) -> impl Iterator<Item = Subtree> {
    (0..=end).filter_map(move |start| Subtree::new(LeafIndex(start), TreeSize(end)).ok())
}

fn line(head: String, proof: &[Hash]) -> String {
    let hashes: String = proof.iter().map(|hash| format!(" {}", hash.to_hex())).collect();
    format!("{head}{hashes}\n")
}

fn digest(lines: impl Iterator<Item = String>) -> String {
    let mut rolling = Sha256::new();
    lines.for_each(|line| rolling.update(line));
    Hash(rolling.finalize().into()).to_hex()
}

#[test]
fn subtree_hashes_are_those_of_the_draft() {
    let nodes = nodes();
    let lines = (0..=LIMIT)
        .flat_map(ending_at)
        .map(|subtree| line(subtree.to_string(), &[hash_of(&subtree, &nodes)]));
    assert_eq!(digest(lines), "b82806ad4265bb151c1119c0f4db437bb4d1a1f887b3a7fba1cd4ebf552e3e81");
}

#[test]
fn subtree_inclusion_proofs_are_those_of_the_draft_and_check() {
    let nodes = nodes();
    let mut lines = Vec::new();
    for subtree in (0..=LIMIT).flat_map(ending_at) {
        let hash = hash_of(&subtree, &nodes);
        for index in subtree.start().0..subtree.end().0 {
            let proof = fold(&subtree.inclusion_plan(LeafIndex(index)).unwrap(), &nodes);
            let leaf = nodes[&NodeId { level: 0, index }];
            subtree.check_inclusion(&leaf, LeafIndex(index), &proof, &hash).unwrap();
            lines.push(line(format!("{index} {subtree}"), &proof));
        }
    }
    assert_eq!(digest(lines.into_iter()), "ac2a8f989e44d99e399db448050ff5f19757df53cfb716aa81015d3955d8163f");
}

#[test]
fn subtree_consistency_proofs_are_those_of_the_draft_and_check() {
    let nodes = nodes();
    let mut lines = Vec::new();
    for size in (0..=LIMIT).map(TreeSize) {
        let root = fold(&root_plan(size).unwrap(), &nodes)[0];
        for subtree in (0..=size.0).flat_map(ending_at) {
            let proof = fold(&subtree.consistency_plan(size).unwrap(), &nodes);
            subtree.check_consistency(&hash_of(&subtree, &nodes), size, &root, &proof).unwrap();
            lines.push(line(format!("{subtree} {size}"), &proof));
        }
    }
    assert_eq!(digest(lines.into_iter()), "10fa99b37bf9bf9ffa26b412fbd98bd75363256d0b75d61bc4538b9c9c5a0a74");
}

#[test]
fn covering_subtrees_are_those_of_the_draft() {
    let lines = (0..=LIMIT).flat_map(|end| {
        (0..=end).map(move |start| {
            let (left, right) = covering_subtrees(LeafIndex(start), TreeSize(end)).unwrap();
            format!("{left} {right}\n")
        })
    });
    assert_eq!(digest(lines), "7fd9c8b926e9d2b5cf831560e8ce295a5ef97ad5c5ede4ea0dea28a8c8fc8bb0");
}

#[test]
fn damaged_subtree_proofs_never_check() {
    let nodes = nodes();
    let size = TreeSize(45);
    let root = fold(&root_plan(size).unwrap(), &nodes)[0];
    for subtree in (1..=size.0).flat_map(ending_at).filter(|subtree| !subtree.is_empty()) {
        let hash = hash_of(&subtree, &nodes);
        let other = leaf_hash(b"other");
        let proof = fold(&subtree.consistency_plan(size).unwrap(), &nodes);
        assert!(subtree.check_consistency(&other, size, &root, &proof).is_err(), "{subtree}");
        assert!(subtree.check_consistency(&hash, size, &other, &proof).is_err(), "{subtree}");
        assert!(subtree.check_consistency(&hash, size, &root, &[&proof[..], &[other]].concat()).is_err());
        for position in 0..proof.len() {
            let mut damaged = proof.clone();
            damaged[position].0[position % 32] ^= 0x10;
            assert!(
                subtree.check_consistency(&hash, size, &root, &damaged).is_err(),
                "{subtree} at {position}"
            );
        }
        for index in subtree.start().0..subtree.end().0 {
            let leaf = nodes[&NodeId { level: 0, index }];
            let proof = fold(&subtree.inclusion_plan(LeafIndex(index)).unwrap(), &nodes);
            for elsewhere in (0..size.0).filter(|place| *place != index) {
                assert!(subtree.check_inclusion(&leaf, LeafIndex(elsewhere), &proof, &hash).is_err());
            }
            assert!(subtree.check_inclusion(&other, LeafIndex(index), &proof, &hash).is_err());
        }
    }
}

#[test]
fn intervals_that_are_not_aligned_are_refused() {
    for (start, end) in [(1, 3), (7, 9), (4, 9), (2, 5), (6, 4), (1, 0)] {
        let error = ProofError::NotASubtree { start, end };
        assert_eq!(Subtree::new(LeafIndex(start), TreeSize(end)), Err(error));
    }
    assert_eq!(
        covering_subtrees(LeafIndex(2), TreeSize(1)),
        Err(ProofError::NotASubtree { start: 2, end: 1 })
    );
    let outside = Subtree::new(LeafIndex(4), TreeSize(8)).unwrap().consistency_plan(TreeSize(7));
    assert_eq!(outside, Err(ProofError::OutsideTree { end: 8, size: 7 }));
}

fn edges() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (0_u32..64, 0_u64..4).prop_map(|(bit, less)| (1_u64 << bit).wrapping_sub(less)),
        (0_u64..4).prop_map(|less| u64::MAX - less),
        (0_u64..300),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_interval_is_covered_and_planned_without_panic(a in edges(), b in edges(), size in edges()) {
        match covering_subtrees(LeafIndex(a), TreeSize(b)) {
            Ok((left, right)) => {
                prop_assert_eq!(left.end().0, right.start().0);
                prop_assert_eq!(right.end().0, b);
                prop_assert!(left.start().0 <= a);
                prop_assert!(a == b || a - left.start().0 < left.end().0 - a);
                for subtree in [left, right] {
                    let planned = subtree.consistency_plan(TreeSize(size));
                    prop_assert_eq!(planned.is_ok(), subtree.end().0 <= size && size <= MAX_TREE_SIZE);
                    if let Ok(plan) = planned {
                        prop_assert!(plan.nodes().iter().all(|node| node.end().unwrap().0 <= size));
                    }
                }
            }
            Err(error) => prop_assert!(a > b || b > MAX_TREE_SIZE, "{error}"),
        }
    }

    #[test]
    fn validity_is_that_of_the_draft(start in edges(), length in edges()) {
        let end = start.saturating_add(length);
        let (wide_start, length) = (u128::from(start), u128::from(end - start));
        let valid = wide_start % length.next_power_of_two() == 0;
        prop_assert_eq!(Subtree::new(LeafIndex(start), TreeSize(end)).is_ok(), valid && end <= MAX_TREE_SIZE);
    }
}
