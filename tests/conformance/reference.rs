//! The reference itself against what others published: the accumulated digests of
//! draft-ietf-plants-merkle-tree-certs, appendix "Subtree Test Vectors", and the accumulated one of
//! <https://c2sp.org/CCTV/ML-DSA> for 100 keys and signatures of ML-DSA-44.

use ml_dsa::signature::{Keypair as _, Signer as _, Verifier as _};
use ml_dsa::{MlDsa44, SigningKey};
use shake::{ExtendableOutput as _, Shake128, Update as _, XofReader as _};
use sillok_tests::reference::encoding::hex;
use sillok_tests::reference::tree::{Hash, inclusion, leaf_hash, root, sha256, subtree_consistency};

/// The largest tree of the draft's test vectors; leaf `n` is the single byte `n`.
const LIMIT: usize = 130;

fn leaves() -> Vec<Hash> {
    (0..130).map(|n: u8| leaf_hash(&[n])).collect()
}

/// Every subtree that ends at `end`: its start is a multiple of the least power of two that is not below its width.
fn ending_at(end: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..=end)
        .filter(move |start| start.is_multiple_of((end - start).next_power_of_two()))
        .map(move |start| (start, end))
}

fn line(head: &str, hashes: &[Hash]) -> String {
    let hashes: String = hashes.iter().map(|hash| format!(" {}", hex(hash))).collect();
    format!("{head}{hashes}\n")
}

#[test]
fn subtree_hashes_are_those_of_the_draft() {
    let leaves = leaves();
    let subtrees = (0..=LIMIT).flat_map(ending_at);
    let lines: String = subtrees
        .map(|(start, end)| line(&format!("[{start}, {end})"), &[root(&leaves[start..end])]))
        .collect();
    let digest = hex(&sha256(&[lines.as_bytes()]));
    assert_eq!(digest, "b82806ad4265bb151c1119c0f4db437bb4d1a1f887b3a7fba1cd4ebf552e3e81");
}

#[test]
fn inclusion_proofs_are_those_of_the_draft() {
    let leaves = leaves();
    let mut lines = String::new();
    for (start, end) in (0..=LIMIT).flat_map(ending_at) {
        for index in start..end {
            let proof = inclusion(index - start, &leaves[start..end]);
            lines.push_str(&line(&format!("{index} [{start}, {end})"), &proof));
        }
    }
    let digest = hex(&sha256(&[lines.as_bytes()]));
    assert_eq!(digest, "ac2a8f989e44d99e399db448050ff5f19757df53cfb716aa81015d3955d8163f");
}

#[test]
fn consistency_proofs_are_those_of_the_draft() {
    let leaves = leaves();
    let mut lines = String::new();
    for size in 0..=LIMIT {
        for (start, end) in (0..=size).flat_map(ending_at) {
            let proof = subtree_consistency(start, end, &leaves[..size]);
            lines.push_str(&line(&format!("[{start}, {end}) {size}"), &proof));
        }
    }
    let digest = hex(&sha256(&[lines.as_bytes()]));
    assert_eq!(digest, "10fa99b37bf9bf9ffa26b412fbd98bd75363256d0b75d61bc4538b9c9c5a0a74");
}

#[test]
fn keys_and_signatures_are_those_of_the_accumulated_vector() {
    let mut seeds = Shake128::default().finalize_xof();
    let mut all = Shake128::default();
    for _ in 0..100 {
        let mut seed = [0; 32];
        seeds.read(&mut seed);
        let key = SigningKey::<MlDsa44>::from_seed(&seed.into());
        let signature = key.sign(b"");
        key.verifying_key().verify(b"", &signature).expect("a signature that verifies");
        all.update(&key.verifying_key().encode());
        all.update(&signature.encode());
    }
    let mut digest = [0; 32];
    all.finalize_xof().read(&mut digest);
    assert_eq!(hex(&digest), "d51148e1f9f4fa1a723a6cf42e25f2a99eb5c1b378b3d2dbbd561b1203beeae4");
}
