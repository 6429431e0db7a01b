//! Edges of signatures and keys: Ed25519 points that verifiers disagree about, keys that sign everything, and the two
//! signatures that ECDSA gives every message.

use std::collections::BTreeSet;

use ed25519_dalek::VerifyingKey;
use serde_json::Value;
use sillok_log::entry::StatusValue;
use sillok_log::receipt::IssueExtra;
use sillok_verifier::encoding::{decode_base64url, encode_base64url};
use sillok_verifier::jws::{Jws, TokenType, compact};
use sillok_verifier::key::{KeyError, PublicKey};
use sillok_verifier::trust::Container;
use sillok_verifier::{Memory, Reason, Trust, Verdict, check_issued};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hexadecimal");
    assert_eq!(text.len(), 2 * N, "{text}");
    std::array::from_fn(byte)
}

/// The 914 edge cases of C2SP CCTV: points of low order, with parts of low order, in second encodings.
#[test]
fn of_the_ed25519_edge_cases_43_are_accepted() {
    let cases: Value = serde_json::from_str(CCTV).expect("the cases");
    let cases = cases.as_array().expect("cases");
    assert_eq!(cases.len(), 914);
    let (mut accepted, mut refused_keys) = (0, BTreeSet::new());
    for case in cases {
        let text = |name: &str| case[name].as_str().expect("a string");
        let flags: Vec<&str> =
            case["flags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let public = unhex::<32>(text("key"));
        let key = match PublicKey::ed25519(&public) {
            Ok(key) => key,
            Err(refused) => {
                assert_eq!(refused, KeyError::Point);
                refused_keys.insert(public);
                continue;
            }
        };
        assert!(!flags.contains(&"low_order_A") && !flags.contains(&"non_canonical_A"), "{flags:?}");
        if key.verify(text("msg").as_bytes(), &unhex::<64>(text("sig"))).is_ok() {
            // A part of low order in a point is no second meaning: strict verifiers agree about it.
            assert!(!flags.iter().any(|flag| ["low_order_R", "non_canonical_R"].contains(flag)), "{flags:?}");
            accepted += 1;
        }
    }
    assert_eq!(accepted, 43);
    assert_eq!(refused_keys, weak_keys().into_iter().filter(|key| refused_keys.contains(key)).collect());
    assert!(refused_keys.len() >= 8, "{} weak keys are among the cases", refused_keys.len());
}

/// The fourteen texts of 32 bytes that decode to the eight points of low order: those in their one encoding, those whose
/// coordinate is not reduced (p, p + 1), and those with the sign of a zero.
fn weak_keys() -> Vec<[u8; 32]> {
    WEAK_KEYS.iter().map(|text| unhex(text)).collect()
}

/// Encodings that are not reduced but of no low order: y from p + 2 on.
fn unreduced_keys() -> Vec<[u8; 32]> {
    let mut keys = Vec::new();
    for last in 0xef..=0xff_u8 {
        for sign in [0x7f, 0xff] {
            let mut key = [0xff; 32];
            (key[0], key[31]) = (last, sign);
            keys.push(key);
        }
    }
    keys
}

/// Whoever holds such a key signs nothing and everything: it never gets into what is trusted.
#[test]
fn a_bundle_with_a_weak_issuer_key_does_not_open() {
    let (mut world, _issued, _container) = World::ready();
    let good = world.issuer.public();
    world.root.issuers[0].keys[0].key = PublicKey::ed25519(&GOOD_ED25519).expect("a key");
    let bundle = world.container();
    let text = bundle.to_json().expect("a bundle");
    assert!(Trust::open(text.as_bytes(), None, &Memory::default(), NOW).is_ok());
    let root = world.root.to_text().expect("a root");
    let feed = world.feed();
    let weak = weak_keys();
    assert_eq!(weak.iter().collect::<BTreeSet<_>>().len(), 14);
    let decoded: BTreeSet<[u8; 32]> = weak
        .iter()
        .map(|key| VerifyingKey::from_bytes(key).expect("a point").to_edwards().compress().to_bytes())
        .collect();
    assert_eq!(decoded.len(), 8, "all points of low order");
    for key in weak.into_iter().chain(unreduced_keys()) {
        let written = root.replace(&encode_base64url(&GOOD_ED25519), &encode_base64url(&key));
        assert_ne!(written, root);
        let mut changed = world.container_of(&feed, Vec::new());
        changed.root = sign(&written, &[&world.root_key]);
        let text = changed.to_json().expect("a bundle");
        let refused = Trust::open(text.as_bytes(), None, &Memory::default(), NOW).expect_err("refused");
        assert_eq!(refused.code(), "trust.malformed", "{key:02x?}");
    }
    assert_ne!(good.thumbprint(), PublicKey::ed25519(&GOOD_ED25519).expect("a key").thumbprint());
}

/// (r, n − s) beside (r, s).
fn twin(credential: &str) -> String {
    let (input, signature) = credential.rsplit_once('.').expect("a compact JWS");
    let signature = decode_base64url(signature.as_bytes()).expect("base64url");
    let (r, s) = p256::ecdsa::Signature::from_slice(&signature).expect("a signature").split_scalars();
    let twin = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).expect("a signature");
    assert_ne!(twin.to_bytes().as_slice(), signature);
    compact(input, &twin.to_bytes())
}

/// What malleability does to a ledger that is keyed by the text of tokens, in order of harm: a revocation that misses the
/// twin, a false alarm at the door, a second leaf, a dispute about which text it is. Here none of them is there to do.
#[test]
fn the_twin_has_the_same_leaf_commitment_and_status() {
    let mut world = World::new();
    let issued = world.issue(&payload());
    world.publish();
    let twin = twin(&issued.credential);
    let container = world.container();
    let receipt = world.receipt(&issued);
    let judge = |world: &World, container: &Container, credential: &str| {
        let receipt = world.receipt(&issued);
        judge_at(container, credential, Some(&receipt), &[], NOW)
    };

    // No false alarm: the receipt of the one is the receipt of the other, with the same facts.
    let verdict = judge(&world, &container, &issued.credential);
    assert!(verdict.admits(), "{verdict}");
    assert_eq!(judge(&world, &container, &twin), verdict);
    assert_eq!(check_issued(twin.as_bytes(), ISSUER, &world.issuer.public(), NOW), Ok(()));

    // No second leaf: the commitment, and with it the entry, is over what was signed.
    let extra = IssueExtra::parse(&issued.extra).expect("an extra");
    let entry = |token: &str| {
        let jws = Jws::parse(token.as_bytes(), TokenType::CREDENTIAL).expect("a token");
        extra.entry(jws.signing_input(), world.issuer.thumbprint())
    };
    let (entry_of_one, entry_of_twin) = (entry(&issued.credential), entry(&twin));
    assert_eq!(entry_of_one.encode(), entry_of_twin.encode());
    assert_eq!(entry_of_one.leaf_hash(), entry_of_twin.leaf_hash());
    assert!(receipt.contains(&format!("index {}\n", issued.index.0)));

    // No revocation that misses it.
    for (value, reason) in
        [(StatusValue::Suspended, Reason::StatusSuspended), (StatusValue::Revoked, Reason::StatusRevoked)]
    {
        world.set(value);
        world.publish();
        let container = world.container();
        for credential in [&issued.credential, &twin] {
            assert_eq!(judge(&world, &container, credential), Verdict::of(reason), "{value:?}");
        }
    }
}

/// EdDSA has no twin: S + L is refused.
#[test]
fn an_eddsa_signature_has_no_twin() {
    let mut world = World::with_issuer(Signing::ed25519(13));
    let issued = world.issue(&payload());
    world.publish();
    let container = world.container();
    let (input, signature) = issued.credential.rsplit_once('.').expect("a compact JWS");
    let mut signature = decode_base64url(signature.as_bytes()).expect("base64url");
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ED25519_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    let twin = compact(input, &signature);
    let verdict = judge_at(&container, &twin, Some(&world.receipt(&issued)), &[], NOW);
    assert_eq!(verdict, Verdict::of(Reason::SignatureInvalid));
}

/// RFC 8032 section 7.1, test 1.
const GOOD_ED25519: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
    0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

/// L (RFC 8032 section 5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// y of 0, 1, −1 and the two of order 8, then the same values not reduced, each with both signs.
const WEAK_KEYS: [&str; 14] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

const CCTV: &str = include_str!("../../../specs/vectors/foreign/cctv/ed25519vectors.json");
