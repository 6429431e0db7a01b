//! Keys that no bundle may bring, and bundles with two readings.

use super::super::Vector;
use super::super::world::{NOW, World, bundle, root_key, signed};
use super::{default_world, eddsa, es256};
use crate::reference::encoding::{base64url, unhex};
use crate::reference::entry;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = keys();
    all.extend(weak());
    all.extend(duplicates());
    all
}

const ISSUERS: &str = "trust-bundle.md#issuers";
const MALFORMED: &str = "error trust.malformed";

fn opened(name: &str, expect: &str, spec: &str, comment: &str, trust: &str) -> Vector {
    Vector::new("attack", name, expect, spec, comment).line("now", NOW).text("trust", trust)
}

/// The default bundle with another text of its root: signed by the root's key, logged and receipted.
fn with_root(change: impl FnOnce(&str) -> String) -> String {
    let World { mut log, published, .. } = default_world().clone();
    let text = change(&published.root.text());
    let index = log.push(bundle(entry::ROOT, published.root.sequence, &text, published.root.issued));
    let mut container = published.container;
    container.root = signed(&text, &[root_key(1)]);
    container.root_receipt = log.receipt(index, log.size(), None);
    container.file()
}

/// The root with this JWK in place of the issuer's own.
fn with_jwk(name: &str, expect: &str, comment: &str, jwk: &str) -> Vector {
    let own = es256().jwk();
    let trust = with_root(|root| {
        assert!(root.contains(&own));
        root.replacen(&own, jwk, 1)
    });
    opened(&format!("jwk-{name}"), expect, ISSUERS, comment, &trust)
}

/// A key says what it is by its members, and has no other.
fn keys() -> Vec<Vector> {
    let own = es256().jwk();
    let bad = |name: &str, comment: &str, jwk: &str| with_jwk(name, MALFORMED, comment, jwk);
    let with = |name: &str, comment: &str, member: &str| {
        bad(name, comment, &own.replacen('{', &format!("{{{member},"), 1))
    };
    let without = |name: &str, comment: &str, member: &str| {
        let (front, rest) = own.split_once(&format!("\"{member}\":")).expect("a member");
        let rest = rest.split_once(',').map_or("}", |(_value, rest)| rest);
        let jwk = format!("{front}{rest}");
        bad(name, comment, &jwk.replace(",}", "}"))
    };
    let coordinate = |name: &str, comment: &str, x: &[u8], y: &[u8]| {
        let jwk = format!(
            "{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{}\",\"y\":\"{}\"}}",
            base64url(x),
            base64url(y)
        );
        bad(name, comment, &jwk)
    };
    vec![
        with_jwk("other-order", "ok", "the same key, its members in another order", &reversed(&own)),
        with("use-enc", "a key to encrypt with", "\"use\":\"enc\""),
        with("use-sig", "a label more, which some readers heed and some do not", "\"use\":\"sig\""),
        with("key-ops", "what the key is for, said otherwise", "\"key_ops\":[\"encrypt\"]"),
        with("alg", "an algorithm that is not the key's", "\"alg\":\"HS256\""),
        with("kid", "a name for the key", "\"kid\":\"1\""),
        with("x5c", "a certificate", "\"x5c\":[\"MIIB\"]"),
        with("private", "the private key", &format!("\"d\":\"{}\"", base64url(&[11; 32]))),
        with("duplicate", "a coordinate twice", "\"x\":\"AAAA\""),
        without("without-crv", "no curve", "crv"),
        without("without-kty", "no kind", "kty"),
        without("without-y", "half a point", "y"),
        bad("p-384", "a label of another curve", &own.replace("P-256", "P-384")),
        bad("secp256k1", "the curve of Bitcoin", &own.replace("P-256", "secp256k1")),
        bad("okp", "a kind that is not the curve's", &own.replace("\"EC\"", "\"OKP\"")),
        bad("x25519", "a key to agree with", &eddsa().jwk().replace("Ed25519", "X25519")),
        bad("symmetric", "a secret that everybody has", "{\"kty\":\"oct\",\"k\":\"AAAA\"}"),
        bad("rsa", "an RSA key", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"),
        bad("set", "a set of keys", &format!("{{\"keys\":[{own}]}}")),
        bad("address", "an address of a key", "\"https://issuer.example/jwks.json\""),
        coordinate("zero", "the point at (0, 0), which is not on the curve", &[0; 32], &[0; 32]),
        coordinate("off-curve", "a point beside the curve", &[1; 32], &[1; 32]),
        coordinate("unreduced", "a coordinate beyond the field", &[0xff; 32], &[0xff; 32]),
        coordinate("long", "a zero in front of a coordinate", &[0; 33], &[0; 32]),
        coordinate("short", "31 bytes", &[1; 31], &[1; 32]),
    ]
}

/// The members of a JWK of flat strings in the order backwards.
fn reversed(jwk: &str) -> String {
    let mut members: Vec<&str> = jwk.trim_matches(['{', '}']).split(',').collect();
    members.reverse();
    format!("{{{}}}", members.join(","))
}

/// Ed25519 keys that sign everything, in each of their encodings, and keys in an encoding that is not reduced.
fn weak() -> Vec<Vector> {
    let own = eddsa().jwk();
    WEAK.iter()
        .map(|(name, comment, hex)| {
            let public = unhex(hex).expect("hexadecimal");
            let jwk = format!("{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{}\"}}", base64url(&public));
            let trust = with_root(|root| {
                assert!(root.contains(&own));
                root.replacen(&own, &jwk, 1)
            });
            opened(&format!("ed25519-key-{name}"), MALFORMED, ISSUERS, comment, &trust)
        })
        .collect()
}

fn duplicates() -> Vec<Vector> {
    let world = default_world();
    let container = world.trust();
    let root = |name: &str, comment: &str, from: &str, to: &str| {
        let trust = with_root(|root| {
            assert!(root.contains(from), "{from}");
            root.replacen(from, to, 1)
        });
        opened(&format!("duplicate-{name}"), MALFORMED, "trust-bundle.md#opening", comment, &trust)
    };
    let opening = "trust-bundle.md#opening";
    let deep = container.replacen(
        "\"consistency\": []",
        &format!("\"consistency\": {}{}", "[".repeat(40), "]".repeat(40)),
        1,
    );
    let number = container.replacen("\"consistency\": []", "\"consistency\": [1e400]", 1);
    vec![
        opened(
            "duplicate-bundle",
            MALFORMED,
            opening,
            "a bundle with two roots",
            &container.replacen('{', "{\"root\":\"\",", 1),
        ),
        root("root", "a root with two thresholds", "{", "{\"threshold\":0,"),
        root(
            "root-issuer",
            "an issuer with two ids",
            "{\"id\":",
            "{\"id\":\"https://other.example\",\"id\":",
        ),
        root(
            "root-state",
            "a key that is active and compromised",
            "\"state\":\"active\"",
            "\"state\":\"active\",\"state\":\"compromised\"",
        ),
        opened("depth-bundle", MALFORMED, opening, "a bundle with 41 levels", &deep),
        opened("number-bundle", MALFORMED, opening, "a bundle with an infinite number", &number),
    ]
}

/// The points of order 1, 2, 4 and 8 in all encodings that some verifier decodes, and others that are not reduced.
const WEAK: [(&str, &str, &str); 18] = [
    (
        "order-1",
        "the identity: every signature of zeros is good",
        "0100000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "order-1-sign",
        "the identity with the sign of a zero",
        "0100000000000000000000000000000000000000000000000000000000000080",
    ),
    (
        "order-1-unreduced",
        "the identity as p + 1",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ),
    (
        "order-1-unreduced-sign",
        "and with the sign",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ),
    ("order-2", "order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    (
        "order-2-sign",
        "order 2 with the sign of a zero",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ),
    ("order-4", "order 4", "0000000000000000000000000000000000000000000000000000000000000000"),
    (
        "order-4-other",
        "the other of order 4",
        "0000000000000000000000000000000000000000000000000000000000000080",
    ),
    ("order-4-unreduced", "order 4 as p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    (
        "order-4-unreduced-other",
        "and the other",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ),
    ("order-8", "order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    (
        "order-8-second",
        "the second of order 8",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    ),
    ("order-8-third", "the third", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ("order-8-fourth", "the fourth", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    (
        "unreduced",
        "no low order, but y is p + 3",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ),
    ("unreduced-largest", "all bits", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    ("no-point", "no point has this y", "0200000000000000000000000000000000000000000000000000000000000000"),
    ("no-point-7", "nor this one", "0700000000000000000000000000000000000000000000000000000000000080"),
];
