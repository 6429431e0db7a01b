//! Credentials alone: header, payload, signature and dates, by a key that is known.

use super::Vector;
use super::world::{ISSUER, NOW, Plan, list_uri, other_key};
use crate::reference::credential::{IssuerKey, compact, header, signing_input, status_entries, twin};
use crate::reference::encoding::base64url;
use crate::reference::json::{array, object, string};

mod forms;
mod payload;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(headers());
    all.extend(key_ids());
    all.extend(shapes());
    all.extend(jsons());
    all.extend(signatures());
    all.extend(payload::vectors());
    all.extend(forms::vectors());
    all
}

/// A token, judged with the plan's key.
fn judged(name: &str, code: &str, anchor: &str, comment: &str, token: &[u8], key: &IssuerKey) -> Vector {
    let expect = if code == "ok" { "ok".to_owned() } else { format!("error {code}") };
    let vector = Vector::new("credential", name, &expect, &format!("credential.md#{anchor}"), comment);
    let vector = match std::str::from_utf8(token) {
        Ok(token) => vector.line("credential", token),
        Err(_not_utf8) => vector.hex("credential", token),
    };
    vector.line("key", key.jwk()).line("issuer", ISSUER).line("now", NOW)
}

/// A sound credential but for the change, signed after it.
fn changed(name: &str, code: &str, anchor: &str, comment: &str, change: impl FnOnce(&mut Plan)) -> Vector {
    let mut plan = Plan::default();
    change(&mut plan);
    judged(name, code, anchor, comment, plan.credential().as_bytes(), &plan.key)
}

fn good() -> Vec<Vector> {
    let key = IssuerKey::p256(11);
    let by_twin = {
        let token = Plan::default().credential();
        let input = token.rsplit_once('.').map(|(input, _)| input.to_owned()).expect("three parts");
        format!("{input}.{}", base64url(&twin(&key.sign(input.as_bytes()))))
    };
    vec![
        changed("es256", "ok", "header", "P-256", |_| ()),
        changed("eddsa", "ok", "header", "Ed25519", |plan| {
            plan.key = other_key();
            plan.header = header(&plan.key);
        }),
        changed("without-cty", "ok", "header", "cty may be absent", |plan| {
            plan.header = plan.header.replace("\"cty\":\"vc\",", "");
        }),
        changed("kid-with-issuer", "ok", "header", "kid may be prefixed by the issuer and #", |plan| {
            plan.header = plan.header.replace("\"kid\":\"", &format!("\"kid\":\"{ISSUER}#"));
        }),
        judged("high-s", "ok", "signature", "(r, n - s) is the same credential", by_twin.as_bytes(), &key),
    ]
}

fn headers() -> Vec<Vector> {
    let member = |name: &str, comment: &str, json: &str| {
        changed(&format!("header-{name}"), "header.forbidden-member", "header", comment, |plan| {
            plan.header = plan.header.replace('}', &format!(",{json}}}"));
        })
    };
    let replaced = |name: &str, code: &str, comment: &str, from: &str, to: &str| {
        changed(&format!("header-{name}"), code, "header", comment, |plan| {
            plan.header = plan.header.replace(from, to)
        })
    };
    let jwk = format!("\"jwk\":{}", IssuerKey::p256(11).jwk());
    let wrong_type = |name, comment, to| replaced(name, "header.wrong-type", comment, "vc+jwt", to);
    let algorithm = |name, comment, to| replaced(name, "header.algorithm", comment, "ES256", to);
    vec![
        member("crit", "an extension that must be understood", "\"crit\":[\"exp\"],\"exp\":0"),
        member("crit-empty", "RFC 7515 forbids the empty list, and we the member", "\"crit\":[]"),
        member("b64", "RFC 7797", "\"b64\":false"),
        member("jwk", "a key in the evidence", &jwk),
        member("jku", "an address of keys", "\"jku\":\"https://evil.example/jwks\""),
        member("x5c", "a certificate", "\"x5c\":[]"),
        member("x5u", "an address of a certificate", "\"x5u\":\"https://evil.example/x5\""),
        member("zip", "compression", "\"zip\":\"DEF\""),
        member("unknown", "whatever comes next", "\"x\":0"),
        wrong_type("typ-jwt", "a token of another kind", "JWT"),
        wrong_type("typ-status-list", "a status list token", "statuslist+jwt"),
        wrong_type("typ-key-binding", "a key binding token", "kb+jwt"),
        wrong_type("typ-draft", "the label of drafts", "vc-ld+jwt"),
        wrong_type("typ-upper-case", "compared byte by byte", "VC+JWT"),
        wrong_type("typ-long", "the form with application/", "application/vc+jwt"),
        replaced("typ-missing", "header.wrong-type", "typ is required", "\"typ\":\"vc+jwt\",", ""),
        replaced("typ-number", "header.wrong-type", "typ is a string", "\"vc+jwt\"", "1"),
        replaced("cty-other", "header.wrong-type", "a presentation", "\"cty\":\"vc\"", "\"cty\":\"vp\""),
        algorithm("alg-none", "no signature at all", "none"),
        algorithm("alg-none-mixed-case", "no signature at all", "nOnE"),
        algorithm("alg-hs256", "a symmetric algorithm, with the public key as the secret", "HS256"),
        algorithm("alg-rs256", "RSA is not on the list", "RS256"),
        algorithm("alg-es384", "another curve is not on the list", "ES384"),
        algorithm("alg-lower-case", "compared byte by byte", "es256"),
        replaced("alg-missing", "header.algorithm", "alg is required", "\"alg\":\"ES256\",", ""),
        replaced(
            "duplicate-member",
            "credential.malformed",
            "two readers may choose differently",
            "\"typ\"",
            "\"alg\":\"EdDSA\",\"typ\"",
        ),
        replaced(
            "duplicate-escaped",
            "credential.malformed",
            "the same name in another spelling",
            "\"typ\"",
            "\"\\u0061lg\":\"EdDSA\",\"typ\"",
        ),
        // The order of the rules: members, then type, then algorithm, then key id.
        replaced(
            "forbidden-and-wrong-type",
            "header.forbidden-member",
            "the first rule that fails decides",
            "\"typ\":\"vc+jwt\"",
            "\"typ\":\"JWT\",\"zip\":\"DEF\"",
        ),
    ]
}

fn key_ids() -> Vec<Vector> {
    let kid = IssuerKey::p256(11).kid();
    let replaced = |name: &str, code: &str, comment: &str, to: &str| {
        changed(&format!("kid-{name}"), code, "header", comment, |plan| {
            plan.header = plan.header.replace(&kid, to)
        })
    };
    let bad = |name, comment, to: &str| replaced(name, "header.key-id", comment, to);
    let other_key_of_same_issuer = other_key().kid();
    vec![
        bad("empty", "43 characters", ""),
        bad("short", "42 characters", &kid[1..]),
        bad("long", "44 characters", &format!("{kid}A")),
        bad("path", "a path", "../../../../dev/null"),
        bad("query", "a database query", "x' UNION SELECT 'key'; --"),
        bad("padded", "base64url without padding", &format!("{kid}=")),
        bad("stray-bits", "the last character has bits that mean nothing", &format!("{}B", &kid[..42])),
        bad("other-issuer", "the prefix is another issuer's", &format!("https://other.example#{kid}")),
        replaced("huge", "credential.too-large", "a header of more than 1,024 bytes", &"A".repeat(2_000)),
        changed("kid-missing", "header.key-id", "header", "kid is required", |plan| {
            plan.header = plan.header.replace(&format!(",\"kid\":\"{kid}\""), "");
        }),
        replaced(
            "of-other-key",
            "issuer.key-unknown",
            "a key that is not the one at hand",
            &other_key_of_same_issuer,
        ),
    ]
}

fn shapes() -> Vec<Vector> {
    let (plan, good) = (Plan::default(), Plan::default().credential());
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts[..] else { return Vec::new() };
    let key = plan.key.clone();
    let bad = |name: &str, comment: &str, token: String| {
        judged(&format!("form-{name}"), "credential.malformed", "limits", comment, token.as_bytes(), &key)
    };
    let raw = |payload: &[u8]| {
        let input = format!("{head}.{}", base64url(payload));
        format!("{input}.{}", base64url(&key.sign(input.as_bytes())))
    };
    let mut not_utf8 = object(&plan.payload).into_bytes();
    let at = not_utf8.iter().position(|byte| *byte == b'V').expect("a VerifiableCredential");
    not_utf8[at] = 0xff;
    vec![
        bad("two-parts", "a signature is missing", format!("{head}.{body}")),
        bad("four-parts", "one part more", format!("{good}.AAAA")),
        bad("five-parts", "the shape of an encrypted token", format!("{good}.AAAA.AAAA")),
        bad("dots", "dots alone", ".".repeat(1_000)),
        bad("empty", "nothing at all", String::new()),
        bad("padding", "base64url without padding", format!("{head}.{body}=.{signature}")),
        bad(
            "standard-alphabet",
            "+ and / are of another alphabet",
            format!("{head}.{body}.+/{}", &signature[2..]),
        ),
        bad("space", "no white space", format!("{head}. {body}.{signature}")),
        bad("trailing-newline", "no white space at the end either", format!("{good}\n")),
        bad("stray-bits", "the last character of the signature has bits that mean nothing", stray(&good)),
        bad("payload-not-json", "not an object", raw(b"credential")),
        bad("payload-cut", "the object breaks off", raw(b"{\"issuer\":\"")),
        bad(
            "payload-trailing",
            "something follows the object",
            raw(format!("{} {{}}", object(&plan.payload)).as_bytes()),
        ),
        bad("payload-bom", "a byte order mark", raw(format!("\u{feff}{}", object(&plan.payload)).as_bytes())),
        bad("payload-not-utf8", "a byte that UTF-8 does not have", raw(&not_utf8)),
    ]
}

fn jsons() -> Vec<Vector> {
    let plan = Plan::default();
    let by_payload = |name: &str, comment: &str, payload: &str| {
        judged(
            &format!("json-{name}"),
            "credential.malformed",
            "limits",
            comment,
            compact(&plan.header, payload, &plan.key).as_bytes(),
            &plan.key,
        )
    };
    let add = |json: &str| object(&plan.payload).replacen('{', &format!("{{\"x\":{json},"), 1);
    vec![
        by_payload("duplicate", "a member twice", &add("1,\"x\":2")),
        by_payload("duplicate-deep", "a member twice, further down", &add("[{\"a\":1,\"a\":1}]")),
        by_payload(
            "depth-17",
            "one level more than allowed",
            &add(&format!("{}{}", "[".repeat(16), "]".repeat(16))),
        ),
        by_payload("integer-2-53", "one more than is exact everywhere", &add("9007199254740992")),
        by_payload("integer-negative", "one less than is exact everywhere", &add("-9007199254740992")),
        by_payload("fraction", "no fractions", &add("1.5")),
        by_payload("exponent", "no exponents", &add("1e3")),
        by_payload("leading-zero", "no leading zeros", &add("01")),
        by_payload("nan", "no such value", &add("NaN")),
        by_payload("too-many-values", "more than 2,048 values", &add(&array(&vec!["1".to_owned(); 2_048]))),
        by_payload("lone-surrogate", "half a character", &add("\"\\ud800\"")),
        changed("json-depth-16", "ok", "limits", "as deep as allowed", |plan| {
            plan.set("x", format!("{}{}", "[".repeat(15), "]".repeat(15)));
        }),
        changed("json-integer-largest", "ok", "limits", "2^53 - 1", |plan| {
            plan.set("x", "9007199254740991".into())
        }),
        changed("too-large", "credential.too-large", "limits", "more than 16,384 bytes", |plan| {
            plan.set("x", string(&"A".repeat(12_000)));
        }),
    ]
}

/// The same signature in another spelling: 64 bytes leave four unused bits.
fn stray(token: &str) -> String {
    let (body, last) = token.split_at(token.len() - 1);
    let other = match last {
        "A" => "B",
        "Q" => "R",
        "g" => "h",
        _w => "x",
    };
    format!("{body}{other}")
}

fn signatures() -> Vec<Vector> {
    let (p256, ed25519) = (IssuerKey::p256(11), other_key());
    let plan = Plan::default();
    let (body, ed_header) = (object(&plan.payload), header(&ed25519));
    let es_input = signing_input(&plan.header, &body);
    let ed_input = signing_input(&ed_header, &body);
    let es = |name: &str, comment: &str, signature: &[u8]| {
        let token = format!("{es_input}.{}", base64url(signature));
        judged(
            &format!("signature-{name}"),
            "signature.invalid",
            "signature",
            comment,
            token.as_bytes(),
            &p256,
        )
    };
    let ed = |name: &str, comment: &str, signature: &[u8]| {
        let token = format!("{ed_input}.{}", base64url(signature));
        judged(
            &format!("signature-{name}"),
            "signature.invalid",
            "signature",
            comment,
            token.as_bytes(),
            &ed25519,
        )
    };
    let (good, ed_good) = (p256.sign(es_input.as_bytes()), ed25519.sign(ed_input.as_bytes()));
    let flipped = |signature: &[u8]| -> Vec<u8> {
        let mut signature = signature.to_vec();
        signature[40] ^= 1;
        signature
    };
    let exchanged = es_input.replacen(
        &base64url(body.as_bytes()),
        &base64url(body.replace("1990", "1991").as_bytes()),
        1,
    );
    let confused = compact(&plan.header.replace(&p256.kid(), &ed25519.kid()), &body, &ed25519);
    let moved = format!("{exchanged}.{}", base64url(&good));
    vec![
        es("flipped", "one bit", &flipped(&good)),
        es("zero", "r = s = 0, the psychic signature", &[0; 64]),
        es("order", "r = s = n", &[P256_ORDER, P256_ORDER].concat()),
        es("short", "63 bytes", &good[..63]),
        es("long", "65 bytes", &[&good[..], &[0]].concat()),
        es("empty", "no bytes", &[]),
        es("der", "the encoding of X.509", &der(&good)),
        es("other-key", "another P-256 key", &IssuerKey::p256(14).sign(es_input.as_bytes())),
        es("other-input", "over the payload alone", &p256.sign(body.as_bytes())),
        ed("eddsa-flipped", "one bit", &flipped(&ed_good)),
        ed("eddsa-s-plus-order", "S + L: malleable, refused", &plus_order(&ed_good)),
        ed("eddsa-small-order-r", "R is the identity and S is 0", &[&[1][..], &[0; 63]].concat()),
        judged(
            "signature-payload-changed",
            "signature.invalid",
            "signature",
            "a signature does not move",
            moved.as_bytes(),
            &p256,
        ),
        judged(
            "signature-algorithm",
            "signature.algorithm",
            "header",
            "alg is not the key's",
            confused.as_bytes(),
            &ed25519,
        ),
    ]
}

/// The signature as DER (SEC 1 section C.8), by hand.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| -> Vec<u8> {
        let pad: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
        let length = u8::try_from(bytes.len() + pad.len()).expect("33 bytes at most");
        [&[2, length], pad, bytes].concat()
    };
    let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(body.len()).expect("70 bytes at most")], &body[..]].concat()
}

/// S + L of an Ed25519 signature (RFC 8032 section 5.1), little-endian addition by hand.
fn plus_order(signature: &[u8]) -> Vec<u8> {
    let mut out = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in out[32..].iter_mut().zip(ED25519_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert_eq!(carry, 0, "S + L fits 32 bytes");
    out
}

/// n of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3), big-endian.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// L of Ed25519 (RFC 8032 section 5.1): 2^252 + 27742317777372353535851937790883648493, little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// `credentialStatus` of the world's list at a slot.
fn status(index: &str) -> String {
    status_entries(&list_uri(), index)
}
