//! A log in memory, signed by a key from a seed, and its witnesses.

use sillok_log::checkpoint::Checkpoint;
use sillok_log::cosignature::cosign;
use sillok_log::entry::Entry;
use sillok_log::merkle::{BatchTree, Frontier, NodeId, consistency_plan};
use sillok_log::note::{SignatureKind, SignerKey, compose};
use sillok_log::receipt::Receipt;
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

pub(crate) struct Log {
    pub(crate) key: SignerKey,
    /// They cosign every note from now on, at this time.
    pub(crate) witnesses: Vec<SignerKey>,
    pub(crate) cosigned_at: UnixSeconds,
    leaves: Vec<Hash>,
}

impl Log {
    pub(crate) fn new(origin: &str, seed: u8) -> Self {
        let key = SignerKey::from_seed(origin, SignatureKind::Ed25519, &[seed; 32]).expect("a log key");
        Self { key, witnesses: Vec::new(), cosigned_at: UnixSeconds(0), leaves: Vec::new() }
    }

    pub(crate) fn append(&mut self, entry: &Entry) -> LeafIndex {
        // What the registry would refuse is no part of an honest world.
        Entry::parse(&entry.encode()).expect("an entry that parses");
        self.leaves.push(entry.leaf_hash());
        LeafIndex(self.leaves.len() as u64 - 1)
    }

    /// A log with the same leaves and another one after them, signed by the same key.
    pub(crate) fn fork(&self, at: usize, leaf: Hash) -> Self {
        let mut leaves = self.leaves[..at].to_vec();
        leaves.push(leaf);
        leaves.extend_from_slice(&self.leaves[at + 1..]);
        let key = SignerKey::from_seed(self.key.name(), SignatureKind::Ed25519, &[LOG_SEED; 32]);
        Self { key: key.expect("a log key"), witnesses: Vec::new(), cosigned_at: self.cosigned_at, leaves }
    }

    pub(crate) fn size(&self) -> usize {
        self.leaves.len()
    }

    fn tree(&self, size: usize) -> BatchTree {
        BatchTree::new(Frontier::new(), self.leaves[..size].to_vec()).expect("a small tree")
    }

    pub(crate) fn checkpoint(&self, size: usize) -> Checkpoint {
        let root = self.tree(size).frontier().root();
        Checkpoint { origin: self.key.name().into(), size: TreeSize(size as u64), root }
    }

    /// The signed note of the tree of `size` leaves, with a cosignature of each witness.
    pub(crate) fn note_at(&self, size: usize) -> String {
        let body = self.checkpoint(size).body();
        let mut lines = vec![self.key.sign(&body).expect("a signature")];
        for witness in &self.witnesses {
            lines.push(cosign(&body, self.cosigned_at, witness).expect("a cosignature"));
        }
        compose(&body, &lines).expect("a note")
    }

    /// The hashes of complete nodes.
    pub(crate) fn nodes(&self, nodes: &[NodeId]) -> Vec<Hash> {
        let tree = self.tree(self.size());
        nodes.iter().map(|node| tree.node(*node).expect("a node of the log")).collect()
    }

    pub(crate) fn note(&self) -> String {
        self.note_at(self.size())
    }

    pub(crate) fn proof(&self, index: LeafIndex, size: usize) -> Vec<Hash> {
        self.tree(size).inclusion_proof(index).expect("a leaf of the tree")
    }

    /// The proofs of many entries, out of one tree.
    pub(crate) fn proofs(&self, indexes: &[LeafIndex], size: usize) -> Vec<Vec<Hash>> {
        let tree = self.tree(size);
        indexes.iter().map(|index| tree.inclusion_proof(*index).expect("a leaf of the tree")).collect()
    }

    pub(crate) fn receipt_at(&self, index: LeafIndex, extra: Option<Vec<u8>>, size: usize) -> Receipt {
        Receipt { extra, index, proof: self.proof(index, size), checkpoint: self.note_at(size) }
    }

    pub(crate) fn consistency(&self, from: usize, to: usize) -> Vec<Hash> {
        let plan = consistency_plan(TreeSize(from as u64), TreeSize(to as u64)).expect("two sizes");
        let tree = self.tree(to);
        let nodes: Vec<Hash> = plan.nodes().iter().map(|node| tree.node(*node).expect("a node")).collect();
        plan.fold(&nodes).expect("a proof")
    }

    /// The receipt of an entry that has no extra, relative to the newest checkpoint.
    pub(crate) fn receipt(&self, index: LeafIndex) -> String {
        self.receipt_at(index, None, self.size()).encode()
    }
}

/// The seed of the world's log.
pub(crate) const LOG_SEED: u8 = 1;
