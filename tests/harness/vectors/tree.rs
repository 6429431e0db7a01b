//! Roots, inclusion, consistency and subtree proofs, good and damaged.

use super::Vector;
use crate::reference::tree::{
    Hash, consistency, consistent, included, inclusion, leaf_hash, root, subtree_consistency,
};

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = roots();
    all.extend(good());
    all.extend(bad_inclusion());
    all.extend(bad_consistency());
    all.extend(bad_subtree());
    all
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|leaf| leaf_hash(format!("entry {leaf}").as_bytes())).collect()
}

fn new(name: &str, expect: &str, comment: &str) -> Vector {
    Vector::new("tree", name, expect, "log.md#tree", comment)
}

fn roots() -> Vec<Vector> {
    [(0, "empty"), (1, "one"), (7, "seven"), (8, "eight"), (257, "two-hundred-and-fifty-seven")]
        .map(|(size, name)| {
            new(
                &format!("root-{name}"),
                "ok",
                &format!("the root over the entries \"entry 0\" and so on, {size} of them"),
            )
            .line("check", "root")
            .line("size", size)
            .hex("root", &root(&leaves(size)))
        })
        .into()
}

/// An inclusion proof as a vector; the reference must agree with what is expected.
fn inclusion_vector(name: &str, expect: &str, comment: &str, claim: &Claim) -> Vector {
    let Claim { leaf, index, size, root, proof } = claim;
    assert_eq!(included(leaf, *index, *size, root, proof), expect == "ok", "{name}");
    new(name, expect, comment)
        .line("check", "inclusion")
        .hex("leaf", leaf)
        .line("index", index)
        .line("size", size)
        .hex("root", root)
        .hashes("proof", proof)
}

struct Claim {
    leaf: Hash,
    index: u64,
    size: u64,
    root: Hash,
    proof: Vec<Hash>,
}

impl Claim {
    fn new(index: usize, size: usize) -> Self {
        let all = leaves(size);
        let (leaf, proof) = (all[index], inclusion(index, &all));
        Self { leaf, index: index as u64, size: size as u64, root: root(&all), proof }
    }

    fn with(mut self, damage: impl FnOnce(&mut Self)) -> Self {
        damage(&mut self);
        self
    }
}

/// A consistency proof as a vector; the reference must agree with what is expected.
fn consistency_vector(
    name: &str,
    expect: &str,
    comment: &str,
    sizes: [u64; 2],
    roots: [Hash; 2],
    proof: &[Hash],
) -> Vector {
    let ([from, to], [from_root, to_root]) = (sizes, roots);
    assert_eq!(consistent(from, to, &from_root, &to_root, proof), expect == "ok", "{name}");
    new(name, expect, comment)
        .line("check", "consistency")
        .line("from", from)
        .line("to", to)
        .hex("from-root", &from_root)
        .hex("to-root", &to_root)
        .hashes("proof", proof)
}

fn good() -> Vec<Vector> {
    let mut all = Vec::new();
    for (index, size) in [(0, 1), (0, 2), (3, 7), (6, 7), (5, 8), (256, 257)] {
        let comment = "a proof as PATH of RFC 6962 makes it";
        all.push(inclusion_vector(
            &format!("inclusion-{index}-of-{size}"),
            "ok",
            comment,
            &Claim::new(index, size),
        ));
    }
    for (from, to) in [(1, 2), (3, 7), (4, 7), (6, 8), (8, 8), (256, 257)] {
        let both = leaves(to);
        let roots = [root(&both[..from]), root(&both)];
        let (name, comment) =
            (format!("consistency-{from}-to-{to}"), "a proof as PROOF of RFC 6962 makes it");
        all.push(consistency_vector(
            &name,
            "ok",
            comment,
            [from as u64, to as u64],
            roots,
            &consistency(from, &both),
        ));
    }
    for (start, end, size) in [(0, 4, 7), (4, 6, 7), (4, 7, 7), (8, 13, 14), (0, 7, 13), (4, 4, 7)] {
        let comment = "SUBTREE_PROOF of draft-ietf-plants-merkle-tree-certs";
        all.push(subtree_vector(
            &format!("subtree-{start}-{end}-of-{size}"),
            "ok",
            comment,
            [start, end, size],
            |_| (),
        ));
    }
    all
}

fn bad_inclusion() -> Vec<Vector> {
    let good = || Claim::new(3, 7);
    let stranger = leaf_hash(b"stranger");
    [
        ("inclusion-wrong-leaf", "another leaf hash", good().with(|claim| claim.leaf = stranger)),
        ("inclusion-wrong-index", "the index of the sibling", good().with(|claim| claim.index = 2)),
        ("inclusion-wrong-root", "another root", good().with(|claim| claim.root = stranger)),
        ("inclusion-wrong-size", "a size that needs a longer proof", good().with(|claim| claim.size = 9)),
        ("inclusion-index-is-size", "an index must be below the size", good().with(|claim| claim.index = 7)),
        ("inclusion-too-few-hashes", "the last hash is gone", good().with(|claim| claim.proof.truncate(2))),
        ("inclusion-too-many-hashes", "one hash more", good().with(|claim| claim.proof.push(stranger))),
        ("inclusion-order-changed", "two hashes change places", good().with(|claim| claim.proof.swap(0, 1))),
        (
            "inclusion-empty-tree",
            "nothing is in the empty tree",
            Claim::new(0, 1).with(|claim| claim.size = 0),
        ),
        (
            "inclusion-root-as-leaf",
            "the root is no leaf of its own tree",
            good().with(|claim| {
                claim.leaf = claim.root;
                claim.proof.clear();
            }),
        ),
    ]
    .map(|(name, comment, claim)| inclusion_vector(name, "error", comment, &claim))
    .into()
}

fn bad_consistency() -> Vec<Vector> {
    let all = leaves(7);
    let (old, new, proof) = (root(&all[..3]), root(&all), consistency(3, &all));
    let stranger = leaf_hash(b"stranger");
    let (fewer, mut more) = (proof[1..].to_vec(), proof.clone());
    more.push(stranger);
    [
        (
            "consistency-wrong-old-root",
            "the smaller tree had another root",
            [3, 7],
            [stranger, new],
            proof.clone(),
        ),
        (
            "consistency-wrong-new-root",
            "the larger tree has another root",
            [3, 7],
            [old, stranger],
            proof.clone(),
        ),
        (
            "consistency-roots-change-places",
            "old and new root are mixed up",
            [3, 7],
            [new, old],
            proof.clone(),
        ),
        ("consistency-backwards", "a tree does not shrink", [7, 3], [new, old], proof.clone()),
        ("consistency-too-few-hashes", "the first hash is gone", [3, 7], [old, new], fewer),
        ("consistency-too-many-hashes", "one hash more", [3, 7], [old, new], more),
        ("consistency-same-size-other-root", "a second root for a size", [7, 7], [stranger, new], Vec::new()),
        ("consistency-same-size-with-proof", "equal sizes need no proof", [7, 7], [new, new], vec![stranger]),
    ]
    .map(|(name, comment, sizes, roots, proof)| {
        consistency_vector(name, "error", comment, sizes, roots, &proof)
    })
    .into()
}

fn subtree_vector(
    name: &str,
    expect: &str,
    comment: &str,
    range: [usize; 3],
    damage: impl FnOnce(&mut Subtree),
) -> Vector {
    let [start, end, size] = range;
    let all = leaves(size);
    let proof = subtree_consistency(start, end, &all);
    let mut subtree = Subtree { range, hash: root(&all[start..end]), root: root(&all), proof };
    damage(&mut subtree);
    let Subtree { range: [start, end, size], hash, root, proof } = subtree;
    new(name, expect, comment)
        .line("check", "subtree")
        .line("start", start)
        .line("end", end)
        .line("size", size)
        .hex("subtree", &hash)
        .hex("root", &root)
        .hashes("proof", &proof)
}

struct Subtree {
    range: [usize; 3],
    hash: Hash,
    root: Hash,
    proof: Vec<Hash>,
}

fn bad_subtree() -> Vec<Vector> {
    let stranger = leaf_hash(b"stranger");
    let bad = |name, comment, damage: &dyn Fn(&mut Subtree)| {
        subtree_vector(name, "error", comment, [4, 6, 7], damage)
    };
    vec![
        bad("subtree-wrong-hash", "the subtree has another hash", &|subtree| subtree.hash = stranger),
        bad("subtree-wrong-root", "the tree has another root", &|subtree| subtree.root = stranger),
        bad("subtree-too-few-hashes", "the last hash is gone", &|subtree| subtree.proof.truncate(1)),
        bad("subtree-too-many-hashes", "one hash more", &|subtree| subtree.proof.push(stranger)),
        bad("subtree-not-aligned", "[3, 6) is no subtree: its start is no multiple of 4", &|subtree| {
            subtree.range[0] = 3
        }),
        bad(
            "subtree-empty-wrong-hash",
            "[4, 4) is the empty subtree, and has the hash of no leaves",
            &|subtree| subtree.range[1] = 4,
        ),
        bad("subtree-past-the-end", "[4, 8) in a tree of 7", &|subtree| subtree.range[1] = 8),
    ]
}
