//! The tree against RFC 6962 section 2.1 written down as it stands: recursive and slow.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use proptest::prelude::*;
use sillok_log::merkle::{
    BatchTree, Frontier, MAX_CONSISTENCY_PROOF, MAX_INCLUSION_PROOF, MAX_TREE_SIZE, NodeId, ProofError,
    ProofPlan, check_consistency, check_inclusion, consistency_plan, empty_root, inclusion_plan, leaf_hash,
    root_from_inclusion, root_plan,
};
use sillok_log::{Hash, LeafIndex, TreeSize};

mod reference {
    //! MTH, PATH and SUBPROOF of RFC 6962 over a list of leaf hashes. Shares only the type `Hash` with the crate.
    use sha2::{Digest, Sha256};
    use sillok_log::Hash;

    pub(super) fn leaf(entry: &[u8]) -> Hash {
        Hash(Sha256::digest([&[0_u8], entry].concat()).into())
    }

    pub(super) fn node(left: Hash, right: Hash) -> Hash {
        Hash(Sha256::digest([&[1_u8][..], &left.0, &right.0].concat()).into())
    }

    pub(super) fn split(count: usize) -> usize {
        let mut k = 1;
        while k * 2 < count {
            k *= 2;
        }
        k
    }

    pub(super) fn root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash(Sha256::digest(b"").into()),
            [one] => *one,
            many => {
                let (left, right) = many.split_at(split(many.len()));
                node(root(left), root(right))
            }
        }
    }

    pub(super) fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() <= 1 {
            return vec![];
        }
        let (left, right) = leaves.split_at(split(leaves.len()));
        let (mut proof, sibling) = if index < left.len() {
            (path(index, left), root(right))
        } else {
            (path(index - left.len(), right), root(left))
        };
        proof.push(sibling);
        proof
    }

    pub(super) fn subproof(old: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if known { vec![] } else { vec![root(leaves)] };
        }
        let (left, right) = leaves.split_at(split(leaves.len()));
        let (mut proof, sibling) = if old <= left.len() {
            (subproof(old, left, known), root(right))
        } else {
            (subproof(old - left.len(), right, false), root(left))
        };
        proof.push(sibling);
        proof
    }
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(format!("entry {n}").as_bytes())).collect()
}

/// All complete nodes of a tree, as a writer collects them.
fn nodes_of(leaves: &[Hash]) -> std::collections::HashMap<NodeId, Hash> {
    let mut nodes = std::collections::HashMap::new();
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier
            .push_with(*leaf, &mut |node, hash| {
                assert!(nodes.insert(node, hash).is_none(), "{node:?} reported twice")
            })
            .unwrap();
    }
    nodes
}

fn fold(plan: &ProofPlan, nodes: &std::collections::HashMap<NodeId, Hash>) -> Vec<Hash> {
    let hashes: Vec<Hash> = plan.nodes().iter().map(|node| nodes[node]).collect();
    plan.fold(&hashes).unwrap()
}

fn size(count: usize) -> TreeSize {
    TreeSize(u64::try_from(count).unwrap())
}

fn index(position: usize) -> LeafIndex {
    LeafIndex(u64::try_from(position).unwrap())
}

fn flip(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = hash.0;
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash(bytes)
}

const LIMIT: usize = 300;

#[test]
fn leaf_hashes_are_those_of_the_rfc() {
    for entry in [&b""[..], b"\0", b"entry", &[7; 1000]] {
        assert_eq!(leaf_hash(entry), reference::leaf(entry));
    }
}

#[test]
fn frontier_has_the_root_of_every_size() {
    let all = leaves(LIMIT);
    let nodes = nodes_of(&all);
    let mut frontier = Frontier::new();
    for count in 0..=LIMIT {
        let root = reference::root(&all[..count]);
        assert_eq!(frontier.root(), root, "size {count}");
        assert_eq!(frontier.size(), size(count));
        assert_eq!(fold(&root_plan(size(count)).unwrap(), &nodes), [root]);
        let hashes: Vec<Hash> =
            Frontier::nodes(size(count)).unwrap().iter().map(|node| nodes[node]).collect();
        assert_eq!(frontier.hashes(), hashes);
        assert_eq!(Frontier::from_parts(size(count), hashes).unwrap(), frontier);
        if let Some(leaf) = all.get(count) {
            frontier.push(*leaf).unwrap();
        }
    }
    assert_eq!(Frontier::new().root(), empty_root());
}

#[test]
fn a_node_is_the_root_of_the_leaves_under_it() {
    let all = leaves(LIMIT);
    for (node, hash) in nodes_of(&all) {
        let start = usize::try_from(node.start().unwrap().0).unwrap();
        let end = usize::try_from(node.end().unwrap().0).unwrap();
        assert_eq!(end - start, 1 << node.level);
        assert_eq!(hash, reference::root(&all[start..end]), "{node:?}");
    }
}

#[test]
fn every_inclusion_proof_is_that_of_the_rfc_and_checks() {
    let all = leaves(LIMIT);
    let nodes = nodes_of(&all);
    for count in 1..=LIMIT {
        let root = reference::root(&all[..count]);
        for at in 0..count {
            let proof = fold(&inclusion_plan(index(at), size(count)).unwrap(), &nodes);
            // The reference is quadratic in the tree: for large ones every thirteenth leaf and the last ones do.
            if count <= 80 || at % 13 == 0 || at + 3 > count {
                assert_eq!(proof, reference::path(at, &all[..count]), "leaf {at} of {count}");
            }
            check_inclusion(&all[at], index(at), size(count), &proof, &root).unwrap();
        }
        assert!(inclusion_plan(index(count), size(count)).is_err());
    }
}

#[test]
fn every_consistency_proof_is_that_of_the_rfc_and_checks() {
    let all = leaves(LIMIT);
    let nodes = nodes_of(&all);
    let roots: Vec<Hash> = (0..=LIMIT).map(|count| reference::root(&all[..count])).collect();
    for new in 0..=LIMIT {
        for old in 0..=new {
            let proof = fold(&consistency_plan(size(old), size(new)).unwrap(), &nodes);
            if old > 0 && (new <= 80 || old % 13 == 0 || old + 3 > new) {
                assert_eq!(proof, reference::subproof(old, &all[..new], true), "{old} to {new}");
            }
            check_consistency(size(old), &roots[old], size(new), &roots[new], &proof).unwrap();
        }
    }
    assert_eq!(consistency_plan(TreeSize(5), TreeSize(4)), Err(ProofError::OutsideTree { end: 5, size: 4 }));
}

#[test]
fn one_flipped_bit_in_an_inclusion_proof_never_checks() {
    let all = leaves(70);
    let nodes = nodes_of(&all);
    for count in 1..=all.len() {
        let root = reference::root(&all[..count]);
        for (at, leaf) in all.iter().enumerate().take(count) {
            let proof = fold(&inclusion_plan(index(at), size(count)).unwrap(), &nodes);
            let bit = (at * 31 + count * 7) % 256;
            let check = |leaf: &Hash, at: LeafIndex, of: TreeSize, proof: &[Hash], root: &Hash| {
                check_inclusion(leaf, at, of, proof, root).is_ok()
            };
            assert!(!check(&flip(leaf, bit), index(at), size(count), &proof, &root));
            assert!(!check(leaf, index(at), size(count), &proof, &flip(&root, bit)));
            for position in 0..proof.len() {
                let mut damaged = proof.clone();
                damaged[position] = flip(&damaged[position], bit);
                assert!(!check(leaf, index(at), size(count), &damaged, &root));
                let mut shorter = proof.clone();
                shorter.remove(position);
                assert!(!check(leaf, index(at), size(count), &shorter, &root));
            }
            let longer = [&proof[..], &[root]].concat();
            assert!(!check(leaf, index(at), size(count), &longer, &root));
            for place in 0..64 {
                let moved = LeafIndex(index(at).0 ^ (1 << place));
                assert!(!check(leaf, moved, size(count), &proof, &root), "leaf {at} of {count} at {moved}");
            }
        }
    }
}

#[test]
fn damaged_consistency_proofs_never_check() {
    let all = leaves(70);
    let nodes = nodes_of(&all);
    let roots: Vec<Hash> = (0..=all.len()).map(|count| reference::root(&all[..count])).collect();
    for new in 1..=all.len() {
        for old in 1..=new {
            let proof = fold(&consistency_plan(size(old), size(new)).unwrap(), &nodes);
            let bit = (old * 31 + new * 7) % 256;
            let check = |old_root: &Hash, new_root: &Hash, proof: &[Hash]| {
                check_consistency(size(old), old_root, size(new), new_root, proof).is_ok()
            };
            assert!(!check(&flip(&roots[old], bit), &roots[new], &proof));
            assert!(!check(&roots[old], &flip(&roots[new], bit), &proof));
            assert!(!check(&roots[old], &roots[new], &[&proof[..], &[roots[old]]].concat()));
            for position in 0..proof.len() {
                let mut damaged = proof.clone();
                damaged[position] = flip(&damaged[position], bit);
                assert!(!check(&roots[old], &roots[new], &damaged));
                let mut shorter = proof.clone();
                shorter.remove(position);
                assert!(!check(&roots[old], &roots[new], &shorter));
            }
        }
    }
}

#[test]
fn equal_sizes_need_equal_roots_and_no_proof() {
    let all = leaves(8);
    let (root, other) = (reference::root(&all), all[0]);
    let eight = TreeSize(8);
    check_consistency(eight, &root, eight, &root, &[]).unwrap();
    assert!(check_consistency(eight, &root, eight, &other, &[]).is_err());
    assert!(check_consistency(eight, &other, eight, &root, &[]).is_err());
    assert!(check_consistency(eight, &root, eight, &root, &[root]).is_err());
    // From nothing there is nothing to prove, but the old root must be that of nothing.
    check_consistency(TreeSize(0), &empty_root(), eight, &root, &[]).unwrap();
    assert!(check_consistency(TreeSize(0), &root, eight, &root, &[]).is_err());
    assert!(check_consistency(TreeSize(0), &empty_root(), eight, &root, &[root]).is_err());
}

#[test]
fn a_batch_proves_each_of_its_leaves() {
    let all = leaves(150);
    let nodes = nodes_of(&all);
    for old in 0..=all.len() {
        let mut frontier = Frontier::new();
        all[..old].iter().for_each(|leaf| frontier.push(*leaf).unwrap());
        for new in old..=all.len() {
            let batch = BatchTree::new(frontier.clone(), all[old..new].to_vec()).unwrap();
            assert_eq!(batch.frontier().size(), size(new));
            assert_eq!(batch.frontier().root(), fold(&root_plan(size(new)).unwrap(), &nodes)[0]);
            for at in old..new {
                let planned = fold(&inclusion_plan(index(at), size(new)).unwrap(), &nodes);
                assert_eq!(batch.inclusion_proof(index(at)).unwrap(), planned, "leaf {at} of {old} to {new}");
            }
            assert!(batch.inclusion_proof(index(new)).is_err());
            assert!(old == 0 || batch.inclusion_proof(index(old - 1)).is_err());
        }
    }
}

#[test]
fn a_batch_reports_the_nodes_that_tiles_hold() {
    let all = leaves(1200);
    let nodes = nodes_of(&all);
    for (old, new) in [(0, 1200), (0, 255), (255, 256), (256, 257), (200, 1100), (511, 1025), (7, 7)] {
        let mut frontier = Frontier::new();
        all[..old].iter().for_each(|leaf| frontier.push(*leaf).unwrap());
        let batch = BatchTree::new(frontier, all[old..new].to_vec()).unwrap();
        let mut expected: Vec<(NodeId, Hash)> = nodes
            .iter()
            .filter(|(node, _)| {
                node.level % 8 == 0 && node.end().unwrap() > size(old) && node.end().unwrap() <= size(new)
            })
            .map(|(node, hash)| (*node, *hash))
            .collect();
        expected.sort_unstable();
        assert_eq!(batch.tile_nodes().collect::<Vec<_>>(), expected, "{old} to {new}");
    }
}

#[test]
fn positions_above_32_bits_are_not_truncated() {
    // On wasm32 a `usize` would make leaf 2^32 + 5 the same as leaf 5.
    let far = LeafIndex((1 << 32) + 5);
    let tree = TreeSize((1 << 33) + 1);
    let near = inclusion_plan(LeafIndex(5), tree).unwrap();
    let plan = inclusion_plan(far, tree).unwrap();
    assert_ne!(plan, near);
    assert_eq!(plan.nodes()[0], NodeId { level: 0, index: (1 << 32) + 4 });
    let hashes: Vec<Hash> = (0..plan.nodes().len()).map(|n| leaf_hash(&[u8::try_from(n).unwrap()])).collect();
    let proof = plan.fold(&hashes).unwrap();
    let leaf = leaf_hash(b"far");
    let root = root_from_inclusion(&leaf, far, tree, &proof).unwrap();
    check_inclusion(&leaf, far, tree, &proof, &root).unwrap();
    assert!(check_inclusion(&leaf, LeafIndex(5), tree, &proof, &root).is_err());
}

#[test]
fn the_largest_tree_has_the_longest_proofs() {
    let most = TreeSize(MAX_TREE_SIZE);
    let longest = |plan: ProofPlan| plan.fold(&vec![leaf_hash(b""); plan.nodes().len()]).unwrap().len();
    assert_eq!(longest(inclusion_plan(LeafIndex(0), most).unwrap()), MAX_INCLUSION_PROOF);
    assert_eq!(longest(consistency_plan(TreeSize(3), most).unwrap()), MAX_CONSISTENCY_PROOF);
    let too_large = TreeSize(MAX_TREE_SIZE + 1);
    let error = ProofError::SizeTooLarge { size: MAX_TREE_SIZE + 1 };
    assert_eq!(root_plan(too_large), Err(error));
    assert_eq!(Frontier::from_parts(too_large, vec![leaf_hash(b"")]), Err(error));
    let mut full = Frontier::from_parts(most, vec![leaf_hash(b""); 63]).unwrap();
    let before = full.clone();
    assert_eq!(full.push(leaf_hash(b"")), Err(error));
    assert_eq!(full, before);
    assert_eq!(BatchTree::new(full, vec![leaf_hash(b"")]).err(), Some(error));
}

/// Sizes where powers of two and the limits are.
fn edges() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (0_u32..64, 0_u64..4).prop_map(|(bit, less)| (1_u64 << bit).wrapping_sub(less)),
        (0_u64..4).prop_map(|less| u64::MAX - less),
        (0_u64..4).prop_map(|less| MAX_TREE_SIZE + 2 - less),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn plans_and_checks_agree_at_any_size(a in edges(), b in edges(), seed in any::<u8>()) {
        let leaf = leaf_hash(&[seed]);
        let hashes = |count: usize| vec![leaf_hash(&[seed, 1]); count];
        match inclusion_plan(LeafIndex(a), TreeSize(b)) {
            Ok(plan) => {
                let proof = plan.fold(&hashes(plan.nodes().len())).unwrap();
                prop_assert!(proof.len() <= MAX_INCLUSION_PROOF);
                let root = root_from_inclusion(&leaf, LeafIndex(a), TreeSize(b), &proof).unwrap();
                prop_assert!(check_inclusion(&leaf, LeafIndex(a), TreeSize(b), &proof, &root).is_ok());
                prop_assert!(plan.nodes().iter().all(|node| node.end().unwrap() <= TreeSize(b)));
            }
            Err(error) => prop_assert_eq!(root_from_inclusion(&leaf, LeafIndex(a), TreeSize(b), &[]), Err(error)),
        }
        match consistency_plan(TreeSize(a), TreeSize(b)) {
            Ok(plan) => {
                let proof = plan.fold(&hashes(plan.nodes().len())).unwrap();
                prop_assert!(proof.len() <= MAX_CONSISTENCY_PROOF);
                let longer = [&proof[..], &[leaf]].concat();
                let wrong_length =
                    ProofError::Length { expected: proof.len(), found: proof.len() + 1 };
                prop_assert_eq!(
                    check_consistency(TreeSize(a), &leaf, TreeSize(b), &leaf, &longer),
                    Err(wrong_length)
                );
            }
            Err(error) => {
                prop_assert_eq!(check_consistency(TreeSize(a), &leaf, TreeSize(b), &leaf, &[]), Err(error));
            }
        }
    }

    #[test]
    fn a_huge_log_stays_consistent_as_it_grows(start in 1_u64..MAX_TREE_SIZE - 600, count in 1_usize..40) {
        // A frontier of any size is the tree of some log; only its right edge is ever looked at.
        let nodes = Frontier::nodes(TreeSize(start)).unwrap();
        let hashes: Vec<Hash> = nodes.iter().map(|node| leaf_hash(&[node.level])).collect();
        let frontier = Frontier::from_parts(TreeSize(start), hashes.clone()).unwrap();
        let batch = BatchTree::new(frontier.clone(), leaves(count)).unwrap();
        let new = batch.frontier().size();
        for (at, leaf) in (start..).zip(leaves(count)) {
            let proof = batch.inclusion_proof(LeafIndex(at)).unwrap();
            check_inclusion(&leaf, LeafIndex(at), new, &proof, &batch.frontier().root()).unwrap();
        }
        // What a consistency proof takes is in the old frontier or in the batch.
        let plan = consistency_plan(TreeSize(start), new).unwrap();
        let looked_up: Vec<Hash> = plan.nodes().iter().map(|node| batch.node(*node).unwrap()).collect();
        let proof = plan.fold(&looked_up).unwrap();
        check_consistency(TreeSize(start), &frontier.root(), new, &batch.frontier().root(), &proof).unwrap();
    }

    #[test]
    fn any_split_into_batches_gives_the_same_tree(cuts in proptest::collection::vec(0_usize..90, 0..8)) {
        let total: usize = cuts.iter().sum();
        let all = leaves(total);
        let mut frontier = Frontier::new();
        let mut done = 0;
        for cut in cuts {
            frontier = BatchTree::new(frontier, all[done..done + cut].to_vec()).unwrap().frontier().clone();
            done += cut;
        }
        let mut one_by_one = Frontier::new();
        all.iter().for_each(|leaf| one_by_one.push(*leaf).unwrap());
        prop_assert_eq!(frontier, one_by_one);
    }
}
