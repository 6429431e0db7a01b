//! Both providers accept the same signatures: Wycheproof, the edges of the ranges, twins, and what is made of sound ones.

use p256::ecdsa::signature::Signer as _;
use proptest::prelude::*;
use serde_json::Value;
use sillok_provider_aws_lc::AwsLc;
use sillok_verifier::key::PublicKey;
use sillok_verifier::{RustCrypto, Signatures};

/// Whether the signature verifies, which both providers say.
fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let by = |provider: &dyn Signatures| key.verify_with(provider, message, signature).is_ok();
    let (pure, fast) = (by(&RustCrypto), by(&AwsLc));
    assert_eq!(
        pure, fast,
        "RustCrypto says {pure} and AWS-LC {fast} of {signature:02x?} over {message:02x?}"
    );
    pure
}

fn p256_key(seed: u8) -> (p256::ecdsa::SigningKey, PublicKey) {
    let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).expect("a scalar");
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    let public = PublicKey::p256(x.try_into().expect("32"), y.try_into().expect("32")).expect("a point");
    (key, public)
}

fn sign(key: &p256::ecdsa::SigningKey, message: &[u8]) -> [u8; 64] {
    let signature: p256::ecdsa::Signature = key.sign(message);
    signature.to_bytes().into()
}

fn twin(signature: &[u8; 64]) -> [u8; 64] {
    let (r, s) = p256::ecdsa::Signature::from_slice(signature).expect("a signature").split_scalars();
    p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes())
        .expect("a signature")
        .to_bytes()
        .into()
}

fn unhex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().expect("hexadecimal").as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("a byte"))
        .collect()
}

/// 32 bytes of a coordinate, which the files write with or without leading zeros.
fn coordinate(text: &Value) -> [u8; 32] {
    let bytes = unhex(text);
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let mut padded = [0; 32];
    padded[32 - (bytes.len() - first)..].copy_from_slice(&bytes[first..]);
    padded
}

/// Tests of a file whose keys `key` reads, and how many of them are valid.
fn wycheproof(file: &str, key: impl Fn(&Value) -> Option<PublicKey>) -> (usize, usize) {
    let file: Value = serde_json::from_str(file).expect("a file of Wycheproof");
    let (mut all, mut valid) = (0, 0);
    for group in file["testGroups"].as_array().expect("groups") {
        let key = key(&group["publicKey"]).expect("a point");
        for test in group["tests"].as_array().expect("tests") {
            let accepted = verifies(&key, &unhex(&test["msg"]), &unhex(&test["sig"]));
            assert_eq!(accepted, test["result"] == "valid", "test {}", test["tcId"]);
            all += 1;
            valid += usize::from(accepted);
        }
    }
    (all, valid)
}

#[test]
fn wycheproof_of_ecdsa() {
    let file =
        include_str!("../../../specs/vectors/foreign/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json");
    let key = |point: &Value| PublicKey::p256(&coordinate(&point["wx"]), &coordinate(&point["wy"])).ok();
    assert_eq!(wycheproof(file, key), (262, 173));
}

#[test]
fn wycheproof_of_ed25519() {
    let file = include_str!("../../../specs/vectors/foreign/wycheproof/ed25519_test.json");
    let key = |point: &Value| PublicKey::ed25519(&unhex(&point["pk"]).try_into().ok()?).ok();
    assert_eq!(wycheproof(file, key), (151, 88));
}

/// The order of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// `number` and `more`, big-endian.
fn plus(number: &[u8; 32], more: u8) -> [u8; 32] {
    let (mut sum, mut carry) = (*number, u16::from(more));
    for byte in sum.iter_mut().rev() {
        carry += u16::from(*byte);
        *byte = u8::try_from(carry & 0xff).expect("a byte");
        carry >>= 8;
    }
    sum
}

#[test]
fn both_twins_and_no_other_value() {
    let (key, public) = p256_key(7);
    let signature = sign(&key, b"a message");
    assert!(verifies(&public, b"a message", &signature));
    assert!(verifies(&public, b"a message", &twin(&signature)));
    assert_ne!(signature, twin(&signature));
    assert!(!verifies(&public, b"another message", &signature));
    assert!(!verifies(&p256_key(8).1, b"a message", &signature));
    let (r, s) = signature.split_at(32);
    let mut below_order = ORDER;
    below_order[31] -= 1;
    for edge in [[0; 32], ORDER, below_order, plus(&ORDER, 1), [0xff; 32], plus(&[0; 32], 1)] {
        assert!(!verifies(&public, b"a message", &[&edge, s].concat()));
        assert!(!verifies(&public, b"a message", &[r, &edge].concat()));
        assert!(!verifies(&public, b"a message", &[edge, edge].concat()));
    }
    // DER, and whatever else has not 64 bytes.
    let der = p256::ecdsa::Signature::from_slice(&signature).expect("a signature").to_der();
    for bytes in [der.as_bytes(), b"", &signature[..63], &[&signature[..], &[0]].concat()] {
        assert!(!verifies(&public, b"a message", bytes));
    }
}

/// What AWS-LC alone would accept of Ed25519 never reaches it: R is the identity, and S makes the equation hold.
#[test]
fn an_r_of_low_order_stays_refused() {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    // Groups of small torsion, published as the Ed25519 edge cases of CCTV: keys and signatures as they are.
    let file = include_str!("../../../specs/vectors/foreign/cctv/ed25519vectors.json");
    let cases: Vec<Value> = serde_json::from_str(file).expect("the file of CCTV");
    let mut laxer = 0;
    for case in &cases {
        let (public, signature) = (unhex(&case["key"]), unhex(&case["sig"]));
        let message = case["msg"].as_str().expect("a message").as_bytes();
        let Ok(key) = PublicKey::ed25519(&public.clone().try_into().expect("32 bytes")) else { continue };
        let strict = verifies(&key, message, &signature);
        let alone = UnparsedPublicKey::new(&ED25519, &public).verify(message, &signature).is_ok();
        assert!(alone || !strict, "AWS-LC refuses what is sound");
        laxer += usize::from(alone && !strict);
    }
    assert!(laxer > 0, "the reason for which Ed25519 is not left to AWS-LC");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_bit_is_refused_by_both(
        seed in 1_u8..=254,
        message in proptest::collection::vec(any::<u8>(), 0..200),
        bit in 0_usize..512,
        other in any::<[u8; 32]>(),
    ) {
        let (key, public) = p256_key(seed);
        let signature = sign(&key, &message);
        prop_assert!(verifies(&public, &message, &signature));
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!verifies(&public, &message, &changed));
        changed = signature;
        changed[bit / 256 * 32..][..32].copy_from_slice(&other);
        prop_assert_eq!(verifies(&public, &message, &changed), changed == signature || changed == twin(&signature));
    }

    #[test]
    fn whatever_bytes_there_are_both_say_the_same(
        signature in proptest::collection::vec(any::<u8>(), 60..70),
        message in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        prop_assert!(!verifies(&p256_key(9).1, &message, &signature));
    }
}
