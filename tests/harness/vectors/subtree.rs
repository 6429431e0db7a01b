//! Subtree receipts: the bytes, and what they prove under a policy.

use super::Vector;
use crate::reference::cosignature::CosignerKey;
use crate::reference::landmark::SubtreeReceipt;
use crate::reference::note::{COSIGNATURE, ED25519, NoteKey};
use crate::reference::tree::{Hash, inclusion, leaf_hash, root};

const ORIGIN: &str = "log.example/sillok";

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(bad());
    all.extend(bad_bytes());
    all
}

fn leaves() -> Vec<Hash> {
    (0..14).map(|leaf| leaf_hash(format!("entry {leaf}").as_bytes())).collect()
}

fn witness(number: u8) -> CosignerKey {
    CosignerKey::new(&format!("witness{number}.example"), 30 + number)
}

/// The log, three witnesses of kind ML-DSA-44 and one of kind Ed25519, of whom the quorum wants so many.
fn policy(quorum: &str) -> String {
    let log = NoteKey::new(ORIGIN, ED25519, 7).vkey();
    let witnesses: String = (1..=3).map(|n| format!("witness w{n} {}\n", witness(n).vkey())).collect();
    let old = NoteKey::new("witness4.example", COSIGNATURE, 34).vkey();
    format!("log {log}\n{witnesses}witness w4 {old}\n{quorum}")
}

/// Leaf 9 in [8, 12), cosigned by these witnesses.
fn receipt(witnesses: &[u8]) -> SubtreeReceipt {
    let (leaves, interval) = (leaves(), (8, 12));
    let hash = root(&leaves[8..12]);
    SubtreeReceipt {
        origin: ORIGIN.into(),
        interval,
        hash,
        index: 9,
        extra: vec![7; 73],
        proof: inclusion(1, &leaves[8..12]),
        lines: witnesses.iter().map(|n| witness(*n).cosign(0, ORIGIN, interval, &hash)).collect(),
    }
}

const TWO: &str = "group g 2 w1 w2 w3 w4\nquorum g\n";

fn vector(name: &str, expect: &str, comment: &str, policy: &str, receipt: &[u8]) -> Vector {
    Vector::new("subtree", name, expect, "receipt.md#subtree-receipt", comment)
        .text("policy", policy)
        .line("origin", ORIGIN)
        .hex("receipt", receipt)
        .hex("leaf", &leaves()[9])
}

fn good() -> Vec<Vector> {
    let ok = |name: &str, comment: &str, quorum: &str, receipt: &SubtreeReceipt| {
        vector(name, "ok", comment, &policy(quorum), &receipt.bytes())
    };
    let whole = {
        let leaves = leaves();
        let (interval, hash) = ((0, 14), root(&leaves));
        let lines = vec![witness(1).cosign(1_767_225_600, ORIGIN, interval, &hash)];
        SubtreeReceipt { interval, hash, proof: inclusion(9, &leaves), lines, ..receipt(&[]) }
    };
    let mut bare = receipt(&[2]);
    bare.extra.clear();
    vec![
        ok("one-witness", "leaf 9 in [8, 12)", "quorum w1\n", &receipt(&[1])),
        ok("two-of-three", "a group of which two are asked", TWO, &receipt(&[3, 1])),
        ok("more-than-asked", "one who was not asked cosigned too", "quorum w1\n", &receipt(&[1, 2])),
        ok("whole-tree", "the cosignature of a checkpoint, with its time", "quorum w1\n", &whole),
        ok("without-extra", "as for every entry but issue", "quorum w2\n", &bare),
    ]
}

fn bad() -> Vec<Vector> {
    let changed = |name: &str, comment: &str, damage: &dyn Fn(&mut SubtreeReceipt)| {
        let mut receipt = receipt(&[1, 2]);
        damage(&mut receipt);
        vector(name, "error", comment, &policy(TWO), &receipt.bytes())
    };
    let under = |name: &str, comment: &str, quorum: &str, witnesses: &[u8]| {
        vector(name, "error", comment, &policy(quorum), &receipt(witnesses).bytes())
    };
    let other = leaf_hash(b"other");
    vec![
        under("quorum-none", "where nobody is asked nobody counts", "quorum none\n", &[1, 2]),
        under("one-of-two", "one of two that are asked", TWO, &[1]),
        under("twice", "one witness twice is one witness", TWO, &[1, 1]),
        under("stranger", "a witness that the policy does not name", "quorum w1\n", &[9]),
        changed("other-log", "cosigned for this log, shown for another", &|receipt| {
            receipt.origin = "other.example/log".into();
        }),
        changed("other-bounds", "cosigned for [8, 12), shown for [8, 16)", &|receipt| {
            receipt.interval.1 = 16
        }),
        changed("other-hash", "another hash than was cosigned", &|receipt| receipt.hash = other),
        changed("other-index", "the place of its sibling", &|receipt| receipt.index = 8),
        changed("index-outside", "a leaf that the subtree has not", &|receipt| receipt.index = 12),
        changed("too-few-hashes", "the last hash is gone", &|receipt| receipt.proof.truncate(1)),
        changed("too-many-hashes", "one hash more", &|receipt| receipt.proof.push(other)),
        changed("timed-subtree", "a time where the subtree is no whole tree", &|receipt| {
            receipt.lines[0] = witness(1).cosign(1_767_225_600, ORIGIN, receipt.interval, &receipt.hash);
        }),
    ]
}

fn bad_bytes() -> Vec<Vector> {
    let good = receipt(&[1, 2]).bytes();
    let bytes = |name: &str, comment: &str, bytes: &[u8]| {
        vector(&format!("bytes-{name}"), "error", comment, &policy(TWO), bytes)
    };
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let many = receipt(&[2; 17]).bytes();
    vec![
        bytes("version-3", "another form", &with(3, 3)),
        bytes("not-aligned", "[9, 12) is no subtree", &with(19, 9)),
        bytes("backwards", "it ends before it begins", &with(27, 7)),
        bytes("cut", "the last byte is gone", &good[..good.len() - 1]),
        bytes("a-byte-more", "a byte behind the last cosignature", &[&good[..], &[0]].concat()),
        bytes("no-cosignature", "nobody cosigned", &receipt(&[]).bytes()),
        bytes("seventeen-cosignatures", "more than sixteen", &many),
        bytes("extra-longer", "a byte of the proof count taken for extra", &with(68, 74)),
    ]
}
