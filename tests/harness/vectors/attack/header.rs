//! What a protected header may say to lead a reader astray.

use super::super::Vector;
use super::super::world::ISSUER;
use super::{Attack, HEADER, by_header, eddsa, es256, header_with, sound_payload};
use crate::reference::credential::{IssuerKey, compact, header, signing_input};
use crate::reference::encoding::base64url;
use crate::reference::tree::sha256;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = algorithms();
    all.extend(confusion());
    all.extend(embedded());
    all.extend(key_ids());
    all.extend(extensions());
    all.extend(unencoded());
    all.extend(types());
    all.extend(compressed());
    all
}

const ALGORITHM: &str = "not valid header.algorithm";
const FORBIDDEN: &str = "not valid header.forbidden-member";
const KEY_ID: &str = "not valid header.key-id";
const WRONG_TYPE: &str = "not valid header.wrong-type";

/// CVE-2015-9235, CVE-2018-1000531.
fn algorithms() -> Vec<Vector> {
    let algorithm = |name: &str, comment: &str, value: &str| {
        by_header(&header_with("\"ES256\"", value)).vector(&format!("alg-{name}"), ALGORITHM, HEADER, comment)
    };
    let bare = format!("{}.", signing_input(&header_with("ES256", "none"), &sound_payload()));
    vec![
        Attack::of(bare, &es256()).vector("alg-none", ALGORITHM, HEADER, "no algorithm and no signature"),
        algorithm("none-signed", "no algorithm, but a signature", "\"none\""),
        algorithm("none-mixed-case", "a list of forbidden names that is compared byte by byte", "\"nOnE\""),
        algorithm("none-upper-case", "the same", "\"NONE\""),
        algorithm("lower-case", "the name of a good algorithm in lower case", "\"es256\""),
        algorithm("space", "and with a space", "\"ES256 \""),
        algorithm("empty", "an empty name", "\"\""),
        algorithm("null", "null", "null"),
        algorithm("array", "a list with a good name", "[\"ES256\"]"),
        algorithm("number", "a number of another registry (COSE)", "-7"),
        algorithm("es384", "a sound algorithm that is not on the list", "\"ES384\""),
        algorithm("es256k", "the curve of Bitcoin", "\"ES256K\""),
        algorithm("ed25519", "the newer name of EdDSA (RFC 9864), which no issuer here uses", "\"Ed25519\""),
        by_header(&header_with("\"alg\":\"ES256\",", "")).vector(
            "alg-missing",
            ALGORITHM,
            HEADER,
            "no alg at all",
        ),
    ]
}

/// CVE-2016-5431, CVE-2017-11424, CVE-2022-29217, CVE-2024-33663, CVE-2024-37568.
fn confusion() -> Vec<Vector> {
    let hs256 = |name: &str, comment: &str, secret: &[u8]| {
        let input = signing_input(&header_with("ES256", "HS256"), &sound_payload());
        let token = format!("{input}.{}", base64url(&hmac(secret, input.as_bytes())));
        Attack::of(token, &es256()).vector(&format!("confusion-{name}"), ALGORITHM, HEADER, comment)
    };
    let public = es256().jwk();
    let confused = |name: &str, comment: &str, token: String, key: &IssuerKey| {
        Attack::of(token, key).vector(
            &format!("confusion-{name}"),
            "not valid signature.algorithm",
            HEADER,
            comment,
        )
    };
    let (own, other, body) = (es256(), eddsa(), sound_payload());
    let as_eddsa = header(&own).replace("ES256", "EdDSA");
    let as_es256 = header(&other).replace("EdDSA", "ES256");
    vec![
        hs256("hs256-jwk", "HS256 with the public JWK as the secret", public.as_bytes()),
        hs256("hs256-thumbprint", "HS256 with the key's thumbprint as the secret", &own.thumbprint()),
        hs256("hs256-empty", "HS256 with no secret", b""),
        by_header(&header_with("ES256", "RS256")).vector(
            "confusion-rs256",
            ALGORITHM,
            HEADER,
            "RSA, which is not here",
        ),
        by_header(&header_with("ES256", "PS256")).vector(
            "confusion-ps256",
            ALGORITHM,
            HEADER,
            "and with PSS",
        ),
        confused("eddsa", "EdDSA by a key that signs ES256", compact(&as_eddsa, &body, &own), &own),
        confused("es256", "ES256 by a key that signs EdDSA", compact(&as_es256, &body, &other), &other),
        confused(
            "eddsa-signed",
            "EdDSA with a good EdDSA signature, under the kid of the ES256 key",
            compact(&as_eddsa, &body, &other),
            &own,
        ),
        confused(
            "es256-signed",
            "ES256 with a good ES256 signature, under the kid of the EdDSA key",
            compact(&as_es256, &body, &own),
            &other,
        ),
    ]
}

/// CVE-2018-0114, CVE-2026-34240: the evidence brings its own key, or says where one is.
fn embedded() -> Vec<Vector> {
    let thief = IssuerKey::p256(66);
    let member = |name: &str, comment: &str, json: &str| {
        by_header(&header_with("{", &format!("{{{json},"))).vector(
            &format!("embedded-{name}"),
            FORBIDDEN,
            HEADER,
            comment,
        )
    };
    let by_thief = |name: &str, comment: &str, kid: &IssuerKey| {
        let header = header(kid).replacen('{', &format!("{{\"jwk\":{},", thief.jwk()), 1);
        let token = compact(&header, &sound_payload(), &thief);
        Attack::of(token, &thief).vector(&format!("embedded-{name}"), FORBIDDEN, HEADER, comment)
    };
    vec![
        by_thief("jwk", "a key in the header, and signed by it", &thief),
        by_thief("jwk-under-issuer", "the same under the kid of the issuer's key", &es256()),
        member("jwk-of-issuer", "the issuer's own key", &format!("\"jwk\":{}", es256().jwk())),
        member("jku", "an address of keys", "\"jku\":\"https://evil.example/jwks.json\""),
        member(
            "jku-of-issuer",
            "an address below the issuer's own",
            &format!("\"jku\":\"{ISSUER}/jwks.json\""),
        ),
        member("x5u", "an address of a certificate", "\"x5u\":\"https://evil.example/x5\""),
        member("x5u-file", "an address on the device", "\"x5u\":\"file:///etc/passwd\""),
        member("x5c", "a certificate", "\"x5c\":[\"MIIB\"]"),
        member("x5c-empty", "no certificate", "\"x5c\":[]"),
        member("x5t", "a digest of a certificate", "\"x5t#S256\":\"AAAA\""),
        member("trust-chain", "statements of a federation", "\"trust_chain\":[\"e30.e30.AA\"]"),
    ]
}

fn key_ids() -> Vec<Vector> {
    let kid = es256().kid();
    let other = |name: &str, expect: &str, comment: &str, json: &str| {
        let header = header_with(&format!("\"kid\":\"{kid}\""), &format!("\"kid\":{json}"));
        by_header(&header).vector(&format!("kid-{name}"), expect, HEADER, comment)
    };
    let bad = |name: &str, comment: &str, json: &str| other(name, KEY_ID, comment, json);
    let first = if kid.starts_with('A') { 'B' } else { 'A' };
    vec![
        bad("path", "a path to a file of zeros", "\"../../../../../../dev/null\""),
        bad("path-absolute", "an absolute path", "\"/proc/sys/kernel/randomize_va_space\""),
        bad("query", "a database query that answers a known key", "\"x' UNION SELECT 'AAAA'; --\""),
        bad("command", "a command", "\"|/bin/true\""),
        bad("url", "an address", "\"https://evil.example/key\""),
        bad("template", "an expression of a template", "\"{{config}}\""),
        bad("nul", "the key's id and a NUL", &format!("\"{kid}\\u0000\"")),
        bad("newline", "the key's id and a line more for a log", &format!("\"{kid}\\nverdict=valid\"")),
        bad("empty", "an empty id, which is also the first of an empty list", "\"\""),
        bad("array", "a list with the id", &format!("[\"{kid}\"]")),
        bad("number", "a place in a list of keys", "0"),
        bad("null", "null", "null"),
        bad("prototype", "a name that every object of JavaScript has", "\"__proto__\""),
        bad("other-issuer", "behind another issuer", &format!("\"https://neighbour.example#{kid}\"")),
        bad("issuer-twice", "behind the issuer twice", &format!("\"{ISSUER}#{ISSUER}#{kid}\"")),
        bad("padded", "with padding", &format!("\"{kid}=\"")),
        bad("standard-alphabet", "with a character of the other alphabet", &format!("\"+{}\"", &kid[1..])),
        other(
            "other-character",
            "cannot tell issuer.key-unknown",
            "one character of another key",
            &format!("\"{first}{}\"", &kid[1..]),
        ),
        other(
            "neighbour",
            "cannot tell issuer.key-unknown",
            "the key of another issuer of the bundle",
            &format!("\"{}\"", IssuerKey::p256(13).kid()),
        ),
        other(
            "huge",
            "cannot tell credential.too-large",
            "8 KiB of it",
            &format!("\"{}\"", "A".repeat(8_192)),
        ),
        by_header(&header_with(&format!(",\"kid\":\"{kid}\""), "")).vector(
            "kid-missing",
            KEY_ID,
            HEADER,
            "none: the only key is not tried",
        ),
    ]
}

/// CVE-2025-59420, GHSA-752w-5fwx-jx9f, GHSA-hm7r-c7qw-ghp6.
fn extensions() -> Vec<Vector> {
    let member = |name: &str, comment: &str, json: &str| {
        by_header(&header_with("{", &format!("{{{json},"))).vector(name, FORBIDDEN, HEADER, comment)
    };
    vec![
        member("crit", "an extension that nobody knows", "\"crit\":[\"x-sandbox\"],\"x-sandbox\":true"),
        member("crit-exp", "a claim as an extension, long past", "\"crit\":[\"exp\"],\"exp\":0"),
        member("crit-registered", "a name that must not be in it", "\"crit\":[\"alg\"]"),
        member("crit-absent", "an extension that is not in the header", "\"crit\":[\"x-sandbox\"]"),
        member("crit-twice", "an extension twice", "\"crit\":[\"x\",\"x\"],\"x\":1"),
        member("crit-string", "not a list", "\"crit\":\"x\",\"x\":1"),
        member("crit-null", "null", "\"crit\":null"),
        member("crit-empty", "the empty list that RFC 7515 section 4.1.11 forbids", "\"crit\":[]"),
        member("crit-alone", "an extension without crit", "\"x-sandbox\":true"),
    ]
}

/// RFC 7797: the payload is not what its base64url says.
fn unencoded() -> Vec<Vector> {
    let member = |name: &str, comment: &str, json: &str| {
        by_header(&header_with("{", &format!("{{{json},"))).vector(name, FORBIDDEN, HEADER, comment)
    };
    let raw = {
        let header = header_with("{", "{\"b64\":false,\"crit\":[\"b64\"],");
        let input = format!("{}.{}", base64url(header.as_bytes()), sound_payload().replace('.', " "));
        format!("{input}.{}", base64url(&es256().sign(input.as_bytes())))
    };
    let detached = {
        let input = signing_input(&super::Plan::default().header, &sound_payload());
        let head = input.split('.').next().unwrap_or_default();
        format!("{head}..{}", base64url(&es256().sign(input.as_bytes())))
    };
    vec![
        member("b64-false", "without crit: some readers heed it and some do not", "\"b64\":false"),
        member("b64-false-crit", "with crit, and base64url all the same", "\"b64\":false,\"crit\":[\"b64\"]"),
        member("b64-true", "the default, said", "\"b64\":true"),
        Attack::of(raw, &es256()).vector(
            "b64-raw",
            super::MALFORMED,
            super::LIMITS,
            "a payload that is not encoded",
        ),
        Attack::of(detached, &es256()).vector(
            "b64-detached",
            super::MALFORMED,
            super::LIMITS,
            "the payload is somewhere else (RFC 7515 appendix F)",
        ),
    ]
}

/// RFC 8725 section 3.11: a token of one kind is none of another.
fn types() -> Vec<Vector> {
    let typ = |name: &str, comment: &str, value: &str| {
        by_header(&header_with("\"vc+jwt\"", value)).vector(
            &format!("typ-{name}"),
            WRONG_TYPE,
            HEADER,
            comment,
        )
    };
    let cty = |name: &str, comment: &str, value: &str| {
        by_header(&header_with("\"cty\":\"vc\"", &format!("\"cty\":{value}"))).vector(
            &format!("typ-{name}"),
            WRONG_TYPE,
            HEADER,
            comment,
        )
    };
    vec![
        typ("presentation", "a presentation", "\"vp+jwt\""),
        typ("sd-jwt", "a credential of SD-JWT VC", "\"dc+sd-jwt\""),
        typ("sd-jwt-vc", "a W3C credential as an SD-JWT", "\"vc+sd-jwt\""),
        typ("draft", "the label of drafts", "\"vc-ld+jwt\""),
        typ("access-token", "an access token", "\"at+jwt\""),
        typ("client", "a client's assertion", "\"client-authentication+jwt\""),
        typ("jwt", "whatever", "\"JWT\""),
        typ("upper-case", "compared byte by byte", "\"VC+JWT\""),
        typ("long", "the form with application/", "\"application/vc+jwt\""),
        typ("list", "a list with the right one", "[\"vc+jwt\"]"),
        typ("null", "null", "null"),
        by_header(&header_with("\"typ\":\"vc+jwt\",", "")).vector("typ-missing", WRONG_TYPE, HEADER, "none"),
        cty("content-presentation", "a presentation inside", "\"vp\""),
        cty("content-jwt", "a nested token", "\"JWT\""),
        cty("content-null", "null", "null"),
    ]
}

/// CVE-2024-28176, CVE-2024-33664.
fn compressed() -> Vec<Vector> {
    let header = header_with("{", "{\"zip\":\"DEF\",");
    let deflated = &crate::reference::status::zlib(sound_payload().as_bytes())[2..];
    let input = format!("{}.{}", base64url(header.as_bytes()), base64url(&deflated[..deflated.len() - 4]));
    let token = format!("{input}.{}", base64url(&es256().sign(input.as_bytes())));
    let encrypted = header_with("{", "{\"enc\":\"A128GCM\",").replace("ES256", "ECDH-ES");
    let five = format!(
        "{}..{}.{}.{}",
        base64url(encrypted.as_bytes()),
        base64url(&[1; 12]),
        base64url(&[2; 64]),
        base64url(&[3; 16])
    );
    vec![
        by_header(&header).vector("zip", FORBIDDEN, HEADER, "compression of what is not compressed"),
        Attack::of(token, &es256()).vector(
            "zip-deflate",
            super::MALFORMED,
            super::LIMITS,
            "a compressed payload: nothing is decompressed that is not signed",
        ),
        Attack::of(five, &es256()).vector(
            "zip-encrypted",
            super::MALFORMED,
            super::LIMITS,
            "an encrypted token",
        ),
    ]
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(secret: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    if secret.len() > block.len() {
        block[..32].copy_from_slice(&sha256(&[secret]));
    } else {
        block[..secret.len()].copy_from_slice(secret);
    }
    let inner = sha256(&[&block.map(|byte| byte ^ 0x36), message]);
    sha256(&[&block.map(|byte| byte ^ 0x5c), &inner])
}
