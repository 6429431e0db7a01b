//! Signatures: of zeros, in other encodings, twins, and points that verifiers disagree about.

use super::super::Vector;
use super::super::world::Plan;
use super::{Attack, SIGNATURE, eddsa, es256, sound_payload};
use crate::reference::credential::{IssuerKey, header, signing_input, twin};
use crate::reference::encoding::{base64url, hex};

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = psychic();
    all.extend(encodings());
    all.extend(twins());
    all.extend(edwards());
    all
}

const INVALID: &str = "not valid signature.invalid";

fn signed(key: &IssuerKey, make: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Attack {
    let input = signing_input(&header(key), &sound_payload());
    let signature = make(key.sign(input.as_bytes()));
    Attack::of(format!("{input}.{}", base64url(&signature)), key)
}

fn es(name: &str, comment: &str, make: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vector {
    signed(&es256(), make).vector(name, INVALID, SIGNATURE, comment)
}

/// CVE-2022-21449: r and s at the edges of their ranges.
fn psychic() -> Vec<Vector> {
    let less = |mut number: [u8; 32]| {
        number[31] -= 1;
        number
    };
    let one = {
        let mut one = [0; 32];
        one[31] = 1;
        one
    };
    let edges = [
        ("zero", [0; 32]),
        ("one", one),
        ("n-less-1", less(ORDER)),
        ("n", ORDER),
        ("p", FIELD),
        ("largest", [0xff; 32]),
    ];
    let mut all = Vec::new();
    for (r_name, r) in edges {
        for (s_name, s) in edges {
            let name = if (r_name, s_name) == ("zero", "zero") {
                "psychic".to_owned()
            } else {
                format!("psychic-r-{r_name}-s-{s_name}")
            };
            all.push(es(&name, &format!("r is {r_name}, s is {s_name}"), |_good| [r, s].concat()));
        }
    }
    all
}

/// The right numbers in another encoding.
fn encodings() -> Vec<Vector> {
    vec![
        es("der", "the encoding of X.509, which JWS does not use", |good| der(&good)),
        es("der-p1363-long", "66 bytes: each number with a zero in front", |good| {
            [&[0][..], &good[..32], &[0], &good[32..]].concat()
        }),
        es("der-exchanged", "s before r", |good| [&good[32..], &good[..32]].concat()),
        es("der-little-endian", "the bytes of each number backwards", |good| {
            good.chunks(32).flat_map(|number| number.iter().rev().copied()).collect()
        }),
        es("der-hex", "in hexadecimal", |good| hex(&good).into_bytes()),
        es("der-trailing-zero", "a byte more", |good| [&good[..], &[0]].concat()),
        es("der-one-byte-less", "a byte less", |good| good[..63].to_vec()),
        es("der-recovery", "65 bytes, with the byte that recovers a key", |good| {
            [&[27][..], &good[..]].concat()
        }),
        es("der-empty", "no bytes", |_good| Vec::new()),
        es("der-256-bytes", "as long as one of RSA", |good| good.repeat(4)),
    ]
}

/// python-jose 403: ECDSA gives every message two signatures, and both are of the same credential.
fn twins() -> Vec<Vector> {
    let twin_of = |credential: &[u8]| {
        let credential = std::str::from_utf8(credential).expect("ASCII");
        let (input, _low) = credential.rsplit_once('.').expect("three parts");
        format!("{input}.{}", base64url(&twin(&es256().sign(input.as_bytes())))).into_bytes()
    };
    let with = |change: fn(&mut Plan)| {
        let mut attack = Attack::planned(change);
        attack.token = twin_of(&attack.token);
        attack
    };
    vec![
        with(|_plan| ()).vector("twin", "valid", SIGNATURE, "(r, n - s), with the receipt of (r, s)"),
        with(|plan| plan.changes = vec![(5, 1)]).vector(
            "twin-revoked",
            "not valid status.revoked",
            SIGNATURE,
            "whoever is revoked has no other credential in it",
        ),
        with(|plan| plan.changes = vec![(5, 2)]).vector(
            "twin-suspended",
            "not valid status.suspended",
            SIGNATURE,
            "nor whoever is suspended",
        ),
        es("twin-of-r", "(n - r, s)", |good| [&minus(&good[..32]), &good[32..]].concat()),
    ]
}

/// "Taming the many EdDSAs" (IACR 2020/823): a signature that only some verifiers accept is refused.
fn edwards() -> Vec<Vector> {
    let ed = |name: &str, comment: &str, make: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        signed(&eddsa(), make).vector(&format!("ed25519-{name}"), INVALID, SIGNATURE, comment)
    };
    let with_r = |r: [u8; 32]| move |good: Vec<u8>| [&r[..], &good[32..]].concat();
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut unreduced = [0xff; 32];
    (unreduced[0], unreduced[31]) = (0xee, 0x7f);
    vec![
        ed("s-plus-order", "S + L, which RFC 8032 section 5.1.7 refuses", &|good| plus_order(&good)),
        ed("s-zero-r-identity", "R is the identity and S is 0", &|_good| [identity, [0; 32]].concat()),
        ed("r-identity", "R is the identity", &with_r(identity)),
        ed("r-unreduced", "R is the identity in its second encoding", &with_r(unreduced)),
        ed(
            "r-order-2",
            "R is the point of order two",
            &with_r({
                let mut point = [0xff; 32];
                (point[0], point[31]) = (0xec, 0x7f);
                point
            }),
        ),
        ed("r-order-4", "R is a point of order four", &with_r([0; 32])),
        ed("s-order", "S is L", &|good| [&good[..32], &EDWARDS_ORDER].concat()),
        ed("s-largest", "S has all bits", &|good| [&good[..32], &[0xff; 32]].concat()),
        ed("zero", "64 zeros", &|_good| vec![0; 64]),
        ed("exchanged", "S before R", &|good| [&good[32..], &good[..32]].concat()),
    ]
}

/// n − number, big-endian, by hand.
fn minus(number: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut borrow = 0_i16;
    for at in (0..32).rev() {
        let digit = i16::from(ORDER[at]) - i16::from(number[at]) - borrow;
        borrow = i16::from(digit < 0);
        out[at] = u8::try_from(digit.rem_euclid(256)).expect("a byte");
    }
    out
}

/// S + L, little-endian, by hand.
fn plus_order(signature: &[u8]) -> Vec<u8> {
    let mut out = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in out[32..].iter_mut().zip(EDWARDS_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    out
}

/// SEC 1 section C.8, by hand.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| -> Vec<u8> {
        let pad: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
        let length = u8::try_from(bytes.len() + pad.len()).expect("33 bytes at most");
        [&[2, length], pad, bytes].concat()
    };
    let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(body.len()).expect("70 bytes at most")], &body[..]].concat()
}

/// n of P-256 (SP 800-186 section 3.2.1.3), big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// p of P-256, big-endian.
const FIELD: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];

/// L of Ed25519 (RFC 8032 section 5.1), little-endian.
const EDWARDS_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
