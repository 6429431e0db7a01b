//! Compact JWS: the attacks of the field, the vectors of the RFCs, and every wrong byte.

use ed25519_dalek::Signer as _;
use proptest::prelude::*;
use sillok_verifier::encoding::{decode_base64url, encode_base64url};
use sillok_verifier::json::{Json, JsonProblem, Limits};
use sillok_verifier::jws::{Jws, JwsError, TokenType, compact, protected_header, signing_input};
use sillok_verifier::key::{Algorithm, KeyError, PublicKey, SignatureError, lower_s};

const ISSUER: &str = "https://issuer.example";
const PAYLOAD: &str = r#"{"issuer":"https://issuer.example","iss":"https://issuer.example"}"#;

fn p256_secret() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("scalar")
}

fn ed25519_secret() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[7; 32])
}

fn p256_key() -> PublicKey {
    let point = p256_secret().verifying_key().to_sec1_point(false);
    let (x, y) = (point.x().expect("x"), point.y().expect("y"));
    PublicKey::p256(&(*x).into(), &(*y).into()).expect("point")
}

fn ed25519_key() -> PublicKey {
    PublicKey::ed25519(ed25519_secret().verifying_key().as_bytes()).expect("point")
}

fn kid(key: &PublicKey) -> String {
    encode_base64url(&key.thumbprint().0)
}

fn sign(key: &PublicKey, input: &str) -> [u8; 64] {
    match key.algorithm() {
        Algorithm::Es256 => {
            let signature: p256::ecdsa::Signature = p256_secret().sign(input.as_bytes());
            signature.to_bytes().into()
        }
        _ed_dsa => ed25519_secret().sign(input.as_bytes()).to_bytes(),
    }
}

/// A signed token with this header text and payload text.
fn signed(key: &PublicKey, header: &str, payload: &str) -> String {
    let input = signing_input(header, payload);
    compact(&input, &sign(key, &input))
}

fn honest(key: &PublicKey) -> String {
    signed(key, &protected_header(key.algorithm(), &kid(key), TokenType::CREDENTIAL), PAYLOAD)
}

/// The answer to a token whose signature is right under its header.
fn answer(header: &str, payload: &str) -> Result<(), &'static str> {
    let key = p256_key();
    let token = signed(&key, header, payload);
    let jws = Jws::parse(token.as_bytes(), TokenType::CREDENTIAL).map_err(|error| error.code())?;
    jws.verify(&key).map_err(|error| error.code())
}

/// A header that is right but for `replaced`.
fn header_with(member: &str, replaced: &str) -> String {
    let kid = kid(&p256_key());
    let mut members =
        vec![("alg", "\"ES256\"".to_string()), ("typ", "\"vc+jwt\"".into()), ("cty", "\"vc\"".into())];
    members.push(("kid", format!("\"{kid}\"")));
    members.retain(|(name, _value)| *name != member);
    if !replaced.is_empty() {
        members.push((member, replaced.to_string()));
    }
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn both_algorithms_verify_what_was_composed() {
    for key in [p256_key(), ed25519_key()] {
        let token = honest(&key);
        let jws = Jws::parse(token.as_bytes(), TokenType::CREDENTIAL).expect("token");
        assert_eq!(jws.header().key_id, key.thumbprint());
        assert_eq!(jws.header().algorithm, key.algorithm());
        assert_eq!(jws.claimed_issuer(), Some(ISSUER));
        assert_eq!(jws.signing_input(), token.rsplit_once('.').expect("dot").0.as_bytes());
        assert_eq!(jws.signature().len(), 64);
        assert_eq!(jws.verify(&key), Ok(()));
    }
    let header = protected_header(Algorithm::Es256, "k", TokenType::CREDENTIAL);
    assert_eq!(header, r#"{"alg":"ES256","typ":"vc+jwt","cty":"vc","kid":"k"}"#);
}

#[test]
fn the_algorithm_is_on_the_list_and_the_keys() {
    for alg in [
        "\"none\"",
        "\"None\"",
        "\"es256\"",
        "\"HS256\"",
        "\"RS256\"",
        "\"PS256\"",
        "\"ES384\"",
        "\"ES256K\"",
        "\"\"",
        "1",
        "null",
        "[\"ES256\"]",
        "",
    ] {
        assert_eq!(answer(&header_with("alg", alg), PAYLOAD), Err("header.algorithm"), "{alg}");
    }
    assert_eq!(answer(&header_with("alg", "\"EdDSA\""), PAYLOAD), Err("signature.algorithm"));
    // Without a signature, as `none` is written.
    let bare = format!("{}.", signing_input(&header_with("alg", "\"none\""), PAYLOAD));
    let refused = Jws::parse(bare.as_bytes(), TokenType::CREDENTIAL).expect_err("none");
    assert_eq!(refused, JwsError::Algorithm);
    let bare = format!("{}.", signing_input(&header_with("", ""), PAYLOAD));
    let jws = Jws::parse(bare.as_bytes(), TokenType::CREDENTIAL).expect("form");
    assert_eq!(jws.verify(&p256_key()), Err(SignatureError::Invalid));
}

#[test]
fn no_header_member_but_the_four() {
    let jwk = p256_key().to_jwk_json();
    for (member, value) in [
        ("jwk", jwk.as_str()),
        ("jku", "\"https://evil.example/jwks\""),
        ("x5u", "\"https://evil.example/cert\""),
        ("x5c", "[\"MII=\"]"),
        ("x5t#S256", "\"AA\""),
        ("crit", "[\"b64\"]"),
        ("crit", "[\"exp\"]"),
        ("crit", "[]"),
        ("b64", "false"),
        ("b64", "true"),
        ("zip", "\"DEF\""),
        ("enc", "\"A128GCM\""),
        ("iss", "\"https://issuer.example\""),
        ("", "1"),
        ("Alg", "\"none\""),
    ] {
        let header = header_with(member, value);
        assert_eq!(answer(&header, PAYLOAD), Err("header.forbidden-member"), "{member}");
    }
}

#[test]
fn a_token_of_one_type_is_none_of_another() {
    const TYPES: [TokenType; 4] = [
        TokenType::CREDENTIAL,
        TokenType { typ: "statuslist+jwt", cty: None, max_bytes: 16_384 },
        TokenType { typ: "kb+jwt", cty: None, max_bytes: 16_384 },
        TokenType { typ: "openid4vci-proof+jwt", cty: None, max_bytes: 16_384 },
    ];
    let key = ed25519_key();
    for written in TYPES {
        let token = signed(&key, &protected_header(Algorithm::EdDsa, &kid(&key), written), PAYLOAD);
        for expected in TYPES {
            let read =
                Jws::parse(token.as_bytes(), expected).map(|jws| jws.verify(&key)).map_err(|e| e.code());
            let right = if written == expected { Ok(Ok(())) } else { Err("header.wrong-type") };
            assert_eq!(read, right, "{} as {}", written.typ, expected.typ);
        }
    }
    for typ in [
        "\"VC+JWT\"",
        "\"application/vc+jwt\"",
        "\"vc-ld+jwt\"",
        "\"JWT\"",
        "\"at+jwt\"",
        "\"vc+jwt \"",
        "1",
        "null",
        "",
    ] {
        assert_eq!(answer(&header_with("typ", typ), PAYLOAD), Err("header.wrong-type"), "{typ}");
    }
    assert_eq!(answer(&header_with("cty", ""), PAYLOAD), Ok(()));
    for cty in ["\"VC\"", "\"vp\"", "\"\"", "null", "\"JWT\""] {
        assert_eq!(answer(&header_with("cty", cty), PAYLOAD), Err("header.wrong-type"), "{cty}");
    }
}

#[test]
fn kid_is_a_thumbprint() {
    let thumbprint = kid(&p256_key());
    assert_eq!(answer(&header_with("kid", &format!("\"{ISSUER}#{thumbprint}\"")), PAYLOAD), Ok(()));
    let object = r#"{"issuer":{"id":"https://issuer.example"}}"#;
    assert_eq!(answer(&header_with("kid", &format!("\"{ISSUER}#{thumbprint}\"")), object), Ok(()));
    let stray_bits = format!("{}B", &thumbprint[..42]);
    for kid in [
        "",
        "1",
        "\"\"",
        "\"#\"",
        "\"../../etc/passwd\"",
        "\"' OR 1=1 --\"",
        "\"key-1\"",
        &format!("\"#{thumbprint}\""),
        &format!("\"https://evil.example#{thumbprint}\""),
        &format!("\"{ISSUER}##{thumbprint}\""),
        &format!("\"{ISSUER}#{thumbprint}#\""),
        &format!("\"{thumbprint}=\""),
        &format!("\" {thumbprint}\""),
        &format!("\"{}\"", &thumbprint[..42]),
        &format!("\"{thumbprint}A\""),
        &format!("\"{stray_bits}\""),
    ] {
        assert_eq!(answer(&header_with("kid", kid), PAYLOAD), Err("header.key-id"), "{kid}");
    }
    let prefixed = header_with("kid", &format!("\"{ISSUER}#{thumbprint}\""));
    assert_eq!(answer(&prefixed, "{}"), Err("header.key-id"));
    let long = header_with("kid", &format!("\"{}\"", "k".repeat(10_000)));
    assert_eq!(answer(&long, PAYLOAD), Err("credential.too-large"));
    let huge = header_with("kid", &format!("\"{}\"", "k".repeat(1 << 20)));
    assert_eq!(answer(&huge, PAYLOAD), Err("credential.too-large"));
}

#[test]
fn sizes_come_before_everything() {
    // A token that is nothing but too large.
    for token in ["x".repeat(16_385), ".".repeat(16_385)] {
        let refused = Jws::parse(token.as_bytes(), TokenType::CREDENTIAL).expect_err("size");
        assert_eq!(refused, JwsError::TooLarge { part: "token", limit: 16_384 });
    }
    // Padded by whitespace, which changes nothing else: exactly the limits pass.
    let header = header_with("", "");
    let padded = format!("{header}{}", " ".repeat(1_024 - header.len()));
    assert_eq!(answer(&padded, PAYLOAD), Ok(()));
    assert_eq!(answer(&format!("{padded} "), PAYLOAD), Err("credential.too-large"));
    let key = p256_key();
    let mut payload = PAYLOAD.to_string();
    let largest = loop {
        let token = signed(&key, &header, &payload);
        if token.len() == 16_384 || token.len() == 16_383 {
            break token;
        }
        let missing = 16_384 - token.len();
        payload.push_str(&" ".repeat((missing * 3 / 4).max(1)));
    };
    assert!(Jws::parse(largest.as_bytes(), TokenType::CREDENTIAL).is_ok());
    let larger = signed(&key, &header, &format!("{payload}  "));
    let refused = Jws::parse(larger.as_bytes(), TokenType::CREDENTIAL).expect_err("size");
    assert_eq!(refused, JwsError::TooLarge { part: "token", limit: 16_384 });
    // A status list is a credential as large as its list.
    assert!(Jws::parse(larger.as_bytes(), TokenType::STATUS_LIST).is_ok());
}

#[test]
fn three_parts_of_canonical_base64url() {
    let token = honest(&p256_key());
    let [header, payload, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().expect("parts");
    let malformed = |token: &str| {
        let refused = Jws::parse(token.as_bytes(), TokenType::CREDENTIAL).expect_err(token);
        assert_eq!(refused.code(), "credential.malformed", "{token:?}");
    };
    for token in ["", ".", "..", "...", "aaaa.bbbb.cccc", "a.b.c", "e30", &".".repeat(16_384), "{}.{}.{}"] {
        malformed(token);
    }
    malformed(&format!("{header}.{payload}"));
    malformed(&format!("{token}."));
    malformed(&format!("{token}.{signature}"));
    // Five parts are a JWE.
    malformed(&format!("{token}.{signature}.{signature}"));
    malformed(&format!("{header}..{signature}"));
    malformed(&format!(".{payload}.{signature}"));
    for odd in ["=", "\n", " ", "+", "/", "%3D", "\0", "é"] {
        malformed(&format!("{header}{odd}.{payload}.{signature}"));
        malformed(&format!("{header}.{payload}{odd}.{signature}"));
        malformed(&format!("{header}.{payload}.{signature}{odd}"));
        malformed(&format!("{odd}{token}"));
    }
    // 64 bytes end in a character of which only two bits count.
    let (rest, last) = signature.split_at(signature.len() - 1);
    for other in ["A", "B", "Q", "R", "g", "h", "w", "x"].into_iter().filter(|other| *other != last) {
        let token = format!("{header}.{payload}.{rest}{other}");
        let answer = Jws::parse(token.as_bytes(), TokenType::CREDENTIAL).map(|jws| jws.verify(&p256_key()));
        assert!(!matches!(answer, Ok(Ok(()))), "{other}");
    }
}

#[test]
fn json_has_one_meaning() {
    let twice = header_with("", "").replacen('{', "{\"alg\":\"none\",", 1);
    assert_eq!(answer(&twice, PAYLOAD), Err("credential.malformed"));
    let header = header_with("", "");
    for payload in [
        r#"{"issuer":"a","issuer":"b"}"#,
        r#"{"a":{"b":[{"c":1,"c":1}]}}"#,
        r#"{"exp":1.5}"#,
        r#"{"exp":18446744073709551616}"#,
        r#"{"exp":1e300}"#,
        "{} {}",
        "{\"a\":\"\\ud800\"}",
        "",
    ] {
        assert_eq!(answer(&header, payload), Err("credential.malformed"), "{payload}");
    }
    let deep = |levels: usize| format!("{}0{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(answer(&header, &deep(16)), Ok(()));
    assert_eq!(answer(&header, &deep(17)), Err("credential.malformed"));
    let many = |values: usize| format!("[{}]", vec!["0"; values - 1].join(","));
    assert_eq!(answer(&header, &many(2_048)), Ok(()));
    assert_eq!(answer(&header, &many(2_049)), Err("credential.malformed"));
    for header in ["[]", "null", "\"alg\"", "1"] {
        assert_eq!(answer(header, PAYLOAD), Err("credential.malformed"), "{header}");
    }
    // Unreadable comes before forbidden: nothing is judged that does not parse.
    assert_eq!(answer(&header_with("crit", "[]"), "{"), Err("credential.malformed"));
    let error = Jws::parse(b"e30.eyJhIjoxLCJhIjoyfQ.", TokenType::CREDENTIAL).expect_err("duplicate");
    assert!(
        matches!(error, JwsError::Json { part: "payload", error } if error.problem == JsonProblem::Duplicate)
    );
}

#[test]
fn both_twins_of_an_es256_signature_are_one_credential() {
    let key = p256_key();
    let token = honest(&key);
    let jws = Jws::parse(token.as_bytes(), TokenType::CREDENTIAL).expect("token");
    let twin = twin(jws.signature());
    let input = std::str::from_utf8(jws.signing_input()).expect("ASCII");
    let other_text = compact(input, &twin);
    assert_ne!(other_text, token);
    let other = Jws::parse(other_text.as_bytes(), TokenType::CREDENTIAL).expect("token");
    assert_eq!((jws.verify(&key), other.verify(&key)), (Ok(()), Ok(())));
    assert_eq!(other.signing_input(), jws.signing_input());
    assert_eq!(lower_s(jws.signature()), lower_s(&twin));
    let lower = lower_s(&twin).expect("signature");
    assert!(lower.as_slice() == twin || lower.as_slice() == jws.signature());
    assert!(lower[32] < 0x80);
}

/// (r, n − s).
fn twin(signature: &[u8]) -> [u8; 64] {
    let signature = p256::ecdsa::Signature::from_slice(signature).expect("signature");
    let (r, s) = signature.split_scalars();
    p256::ecdsa::Signature::from_scalars(r, -s).expect("twin").to_bytes().into()
}

#[test]
fn signatures_are_64_raw_bytes_in_range() {
    let (key, message) = (p256_key(), b"message");
    let signature: p256::ecdsa::Signature = p256_secret().sign(message);
    assert_eq!(key.verify(message, &signature.to_bytes()), Ok(()));
    let refused = Err(SignatureError::Invalid);
    assert_eq!(key.verify(message, signature.to_der().as_bytes()), refused);
    assert_eq!(key.verify(message, &signature.to_bytes()[..63]), refused);
    assert_eq!(key.verify(message, &[signature.to_bytes().as_slice(), &[0]].concat()), refused);
    // The order of P-256, n: r and s are from 1 to n − 1.
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let [zero, one] = [[0; 32], core::array::from_fn(|i| u8::from(i == 31))];
    for r in [zero, one, order] {
        for s in [zero, one, order] {
            assert_eq!(key.verify(message, &[r, s].concat()), refused);
        }
    }
    let (real_r, real_s) = (&signature.to_bytes()[..32], &signature.to_bytes()[32..]);
    for wrong in [&[0; 32][..], &order] {
        assert_eq!(key.verify(message, &[real_r, wrong].concat()), refused);
        assert_eq!(key.verify(message, &[wrong, real_s].concat()), refused);
    }
    assert_eq!(lower_s(&[0; 64]), None);

    let ed25519 = ed25519_key();
    let signature = ed25519_secret().sign(message).to_bytes();
    assert_eq!(ed25519.verify(message, &signature), Ok(()));
    assert_eq!(ed25519.verify(message, &signature[..63]), refused);
    // S + L verifies without the range check of RFC 8032 section 5.1.7.
    assert_eq!(ed25519.verify(message, &plus_order(&signature)), refused);
}

/// An Ed25519 signature whose S has the order L added (little-endian).
fn plus_order(signature: &[u8; 64]) -> [u8; 64] {
    let mut order = hex("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
    order.reverse();
    let mut longer = *signature;
    let mut carry = 0;
    for (byte, add) in longer[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    longer
}

fn hex(text: &str) -> [u8; 32] {
    core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex"))
}

fn jwk(text: &str) -> Result<PublicKey, KeyError> {
    let limits = Limits { bytes: 4_096, depth: 4, values: 64 };
    PublicKey::from_jwk(&Json::parse(text.as_bytes(), &limits).expect(text))
}

/// RFC 7515 appendix A.3.
#[test]
fn the_es256_example_of_rfc_7515() {
    let key = jwk(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    )
    .expect("key");
    let input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = decode_base64url(
        b"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    )
    .expect("base64url");
    assert_eq!(key.verify(input.as_bytes(), &signature), Ok(()));
    assert_eq!(key.verify(input.as_bytes(), &twin(&signature)), Ok(()));
    assert_eq!(key.verify(&input.as_bytes()[1..], &signature), Err(SignatureError::Invalid));
}

/// RFC 8037 appendices A.2 to A.4.
#[test]
fn the_eddsa_example_of_rfc_8037() {
    let key = jwk(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)
        .expect("key");
    assert_eq!(kid(&key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = decode_base64url(
        b"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    )
    .expect("base64url");
    assert_eq!(key.verify(input, &signature), Ok(()));
}

/// RFC 9449 section 6.1 has the thumbprint of a P-256 key, whose members it lists in another order than
/// RFC 7638 hashes them in.
#[test]
fn the_p256_thumbprint_of_rfc_9449() {
    let key = jwk(
        r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#,
    )
    .expect("key");
    assert_eq!(kid(&key), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(jwk(&key.to_jwk_json()), Ok(key));
}

#[test]
fn a_jwk_is_exactly_a_public_key() {
    let p256 = p256_key().to_jwk_json();
    let ed25519 = ed25519_key().to_jwk_json();
    assert_eq!(jwk(&p256), Ok(p256_key()));
    assert_eq!(jwk(&ed25519), Ok(ed25519_key()));
    // The private part above all; then whatever says how the key is meant.
    for member in [
        "\"d\":\"AA\"",
        "\"use\":\"enc\"",
        "\"use\":\"sig\"",
        "\"alg\":\"ES256\"",
        "\"kid\":\"a\"",
        "\"key_ops\":[]",
        "\"k\":\"\"",
    ] {
        for text in [&p256, &ed25519] {
            let more = text.replacen('{', &format!("{{{member},"), 1);
            assert!(matches!(jwk(&more), Err(KeyError::Json(_))), "{more}");
        }
    }
    assert!(jwk(&ed25519.replacen('{', "{\"y\":\"AA\",", 1)).is_err());
    // RFC 7638 section 3.1 has an RSA key; symmetric keys and other curves are none of ours either.
    for kind in [
        r#"{"kty":"RSA","n":"0vx7","e":"AQAB"}"#,
        r#"{"kty":"oct","k":"AAAA"}"#,
        r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
        r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#,
        r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#,
        r#"{"kty":"OKP","crv":"P-256","x":"AA","y":"AA"}"#,
        r#"{"kty":"EC","crv":"Ed25519","x":"AA"}"#,
        r#"{"crv":"P-256"}"#,
        "[]",
        "null",
    ] {
        assert!(jwk(kind).is_err(), "{kind}");
    }
    let short = ed25519.replace(&ed25519[ed25519.len() - 10..], "\"}");
    assert_eq!(jwk(&short), Err(KeyError::Coordinate { member: "x" }));
    assert_eq!(jwk(&ed25519.replace("\"}", "=\"}")), Err(KeyError::Coordinate { member: "x" }));
}

#[test]
fn points_are_on_their_curve_and_of_high_order() {
    let zero = encode_base64url(&[0; 32]);
    assert_eq!(
        jwk(&format!(r#"{{"kty":"EC","crv":"P-256","x":"{zero}","y":"{zero}"}}"#)),
        Err(KeyError::Point)
    );
    let off_curve = p256_key().to_jwk_json().replace(r#""y":""#, &format!(r#""y":"{zero}","z":""#));
    assert!(jwk(&off_curve).is_err());
    let x = hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
    assert_eq!(PublicKey::p256(&x, &x), Err(KeyError::Point));
    // A coordinate that is not reduced: x + p of the point with x = 0 would do, p itself shows the check.
    let p = hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    assert_eq!(PublicKey::p256(&p, &x), Err(KeyError::Point));
    // Points of order 1, 2, 4 and 8, and encodings that are not reduced ("Taming the many EdDSAs", table 1).
    for point in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        // Not a point at all.
        "0200000000000000000000000000000000000000000000000000000000000000",
        // y = 2^255 − 19 + 3: high order, written in a second way.
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        assert_eq!(PublicKey::ed25519(&hex(point)), Err(KeyError::Point), "{point}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_wrong_byte_verifies(at in any::<prop::sample::Index>(), byte in any::<u8>(), ed25519 in any::<bool>()) {
        let key = if ed25519 { ed25519_key() } else { p256_key() };
        let mut token = honest(&key).into_bytes();
        let index = at.index(token.len());
        prop_assume!(token[index] != byte);
        token[index] = byte;
        let accepted = Jws::parse(&token, TokenType::CREDENTIAL).is_ok_and(|jws| jws.verify(&key).is_ok());
        prop_assert!(!accepted, "byte {index} as {byte:#04x}");
    }

    #[test]
    fn no_byte_is_missing_or_too_many(at in any::<prop::sample::Index>(), byte in any::<u8>(), insert in any::<bool>()) {
        let key = ed25519_key();
        let mut token = honest(&key).into_bytes();
        let index = at.index(token.len());
        if insert { token.insert(index, byte) } else { token.remove(index); }
        let accepted = Jws::parse(&token, TokenType::CREDENTIAL).is_ok_and(|jws| jws.verify(&key).is_ok());
        prop_assert!(!accepted);
    }

    #[test]
    fn no_bytes_panic(token in prop::collection::vec(any::<u8>(), 0..300), text in "[A-Za-z0-9_-]{0,60}(\\.[A-Za-z0-9_-]{0,60}){0,4}") {
        for token in [token.as_slice(), text.as_bytes()] {
            prop_assert!(Jws::parse(token, TokenType::CREDENTIAL).is_err());
        }
    }
}
