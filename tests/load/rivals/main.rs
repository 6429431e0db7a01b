//! Signature-only work on one compact JWS, one core: what the verifier takes to read and check it, beside what others take. In
//! turns of some milliseconds, so that whatever else the machine does slows all alike. `cargo xtask load verify` runs it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use josekit::jws::{ES256, JwsSigner as _, JwsVerifier as _};
use serde_json::json;
use sillok_provider_aws_lc::AwsLc;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::jws::{Jws, TokenType, compact, protected_header, signing_input};
use sillok_verifier::key::{Algorithm, PublicKey, lower_s};
use sillok_verifier::{RustCrypto, Signatures};

/// What is done again and again: whether the token is good.
type Check = Box<dyn Fn(&str) -> bool>;

fn main() -> Result<()> {
    let seconds: u64 = match std::env::args().nth(1) {
        Some(text) => text.parse().with_context(|| format!("{text:?} is no number of seconds"))?,
        None => SECONDS,
    };
    let key = Jwk::generate_ec_key(EcCurve::P256).context("generate a key")?;
    let public = public_jwk(&key)?;
    let token = token(&key, &public)?;
    let checks = checks(&key, &public)?;
    let damaged = damage(&token)?;
    for (name, check) in &checks {
        ensure!(check(&token), "{name} refuses a good token");
        ensure!(!check(&damaged), "{name} accepts a damaged token");
    }
    println!("ES256 over a credential of {} bytes, one core, {seconds} s each, in turns", token.len());
    let mut spent = vec![Duration::ZERO; checks.len()];
    let mut done = vec![0_u64; checks.len()];
    let began = Instant::now();
    let all = Duration::from_secs(seconds * checks.len() as u64);
    while began.elapsed() < all {
        for (place, (name, check)) in checks.iter().enumerate() {
            let turn = Instant::now();
            for _ in 0..TURN {
                ensure!(check(black_box(&token)), "{name} refuses a good token");
            }
            spent[place] += turn.elapsed();
            done[place] += TURN;
        }
    }
    let rates: Vec<f64> =
        done.iter().zip(&spent).map(|(done, spent)| *done as f64 / spent.as_secs_f64()).collect();
    for ((name, _check), rate) in checks.iter().zip(&rates) {
        println!("{name:<44}{rate:>10.0} /s{:>8.2} times the first", rate / rates[0]);
    }
    Ok(())
}

/// The members of the public key.
fn public_jwk(key: &Jwk) -> Result<String> {
    let part = |name| key.parameter(name).and_then(|value| value.as_str()).context("read the public key");
    Ok(json!({ "kty": "EC", "crv": "P-256", "x": part("x")?, "y": part("y")? }).to_string())
}

fn ours(public: &str) -> Result<PublicKey> {
    let limits = Limits { bytes: 4_096, depth: 4, values: 32 };
    Ok(PublicKey::from_jwk(&Json::parse(public.as_bytes(), &limits)?)?)
}

/// A credential of the usual size.
fn token(key: &Jwk, public: &str) -> Result<String> {
    let dose = |number| json!({ "number": number, "date": "2021-05-03", "vaccine": "208", "system": "http://hl7.org/fhir/sid/cvx", "lot": "LOT00001" });
    let entry = |purpose| json!({ "type": "BitstringStatusListEntry", "statusPurpose": purpose, "statusListIndex": "94567", "statusListCredential": format!("https://issuer.example/status/04040404040404040404040404040404/{purpose}") });
    let payload = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "urn:uuid:3f2b7c9e-8a64-4d21-9f0e-5b1c2d3e4f50",
        "type": ["VerifiableCredential", "VaccinationCredential"],
        "issuer": "https://issuer.example",
        "iss": "https://issuer.example",
        "validFrom": "2021-06-01T00:00:00Z",
        "credentialSubject": { "familyName": "Bench", "givenName": "Number 1", "birthDate": "1980-02-29", "doses": [dose(1), dose(2)] },
        "credentialStatus": [entry("revocation"), entry("suspension")],
    });
    let kid = sillok_verifier::encoding::encode_base64url(&ours(public)?.thumbprint().0);
    let header = protected_header(Algorithm::Es256, &kid, TokenType::CREDENTIAL);
    let input = signing_input(&header, &payload.to_string());
    let signature = ES256.signer_from_jwk(key)?.sign(input.as_bytes())?;
    Ok(compact(&input, &lower_s(&signature).context("a signature")?))
}

/// The same with another signature of the right form: its last but one character differs.
fn damage(token: &str) -> Result<String> {
    let mut bytes = token.to_owned().into_bytes();
    let place = bytes.len() - 2;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    Ok(String::from_utf8(bytes)?)
}

fn checks(key: &Jwk, public: &str) -> Result<Vec<(&'static str, Check)>> {
    let ours = ours(public)?;
    let by = move |provider: &'static dyn Signatures| -> Check {
        Box::new(move |token| {
            Jws::parse(token.as_bytes(), TokenType::CREDENTIAL)
                .is_ok_and(|token| token.verify_with(provider, &ours).is_ok())
        })
    };
    let verifier = ES256.verifier_from_jwk(&Jwk::from_bytes(public)?)?;
    ensure!(verifier.algorithm().name() == "ES256" && key.curve() == Some("P-256"), "another algorithm");
    let josekit: Check = Box::new(move |token| josekit::jws::deserialize_compact(token, &verifier).is_ok());
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(public)?;
    let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk)?;
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    // Signature-only: what a credential has no claims for is not asked.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let jsonwebtoken: Check = Box::new(move |token| {
        jsonwebtoken::decode::<serde_json::Value>(token, &decoding, &validation).is_ok()
    });
    let key: ssi_jwk::JWK =
        serde_json::from_str(public).map_err(|error| anyhow!("ssi refuses the key: {error}"))?;
    let ssi: Check = Box::new(move |token| ssi_jws::decode_verify(token, &key).is_ok());
    Ok(vec![
        ("sillok-verifier, p256 (read and checked)", by(&RustCrypto)),
        ("sillok-verifier, AWS-LC (read and checked)", by(&AwsLc)),
        ("ssi-jws 0.5, p256", ssi),
        ("jsonwebtoken 11, AWS-LC", jsonwebtoken),
        ("josekit 0.10, OpenSSL", josekit),
    ])
}

/// How long each is measured.
const SECONDS: u64 = 3;

/// Checks of one turn: some milliseconds.
const TURN: u64 = 32;
