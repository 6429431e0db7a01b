//! `specs/presentation.md#disclosures`: the document that disclosures lead to.

use sha2::{Digest as _, Sha256};
use sillok_tests::vectors::Vector;
use sillok_verifier::credential::IN_THE_CLEAR;
use sillok_verifier::encoding::{decode_base64url, encode_base64url};
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::key::PublicKey;
use sillok_verifier::sd_jwt::{Hidden, Presentation, reveal};

use crate::credential::public_key;
use crate::files::{Outcome, bytes, error, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    let payload = json(bytes(vector, "payload"))?;
    let disclosures: Vec<&[u8]> = vector.all_of("disclosure").collect();
    let hidden = match vector.get("form") {
        None => Hidden::Inside("credentialSubject"),
        Some(b"dc+sd-jwt") => Hidden::Outside(IN_THE_CLEAR),
        Some(_other) => return Err("the form can hide nothing".into()),
    };
    match reveal(&payload, &disclosures, hidden) {
        Err(refused) => error(refused.code()),
        Ok(claims) => same_claims(&claims, bytes(vector, "claims")),
    }
}

/// A whole presentation that others published: the issuer's signature, the document, the holder's token.
pub(crate) fn run_foreign(vector: &Vector) -> Outcome {
    let shown = Presentation::parse(bytes(vector, "presentation")).map_err(|error| error.to_string())?;
    let key = public_key(bytes(vector, "key")).ok_or("the key is refused")?;
    let payload = verified(shown.token, &key)?;
    let claims = reveal(&payload, &shown.disclosures, Hidden::Anywhere).map_err(|error| error.to_string())?;
    if let Some(token) = shown.key_binding {
        let jwk = claims.get("cnf").and_then(|cnf| cnf.get("jwk")).ok_or("no cnf")?;
        let binding = verified(token, &PublicKey::from_jwk(jwk).map_err(|error| error.to_string())?)?;
        let hash = binding.get("sd_hash").and_then(|hash| hash.string().ok());
        if hash != Some(encode_base64url(&Sha256::digest(shown.bound)).as_str()) {
            return Err("sd_hash is of something else".into());
        }
    }
    same_claims(&claims, text(vector, "claims").as_bytes())
}

/// The payload of a compact JWS whose signature verifies, whatever its header says.
fn verified(token: &[u8], key: &PublicKey) -> Result<Json, String> {
    let mut parts = token.rsplitn(2, |&byte| byte == b'.');
    let (signature, input) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let signature = decode_base64url(signature).ok_or("the signature is not base64url")?;
    key.verify(input, &signature).map_err(|error| error.to_string())?;
    let payload = input.split(|&byte| byte == b'.').nth(1).unwrap_or_default();
    json(&decode_base64url(payload).ok_or("the payload is not base64url")?)
}

fn json(text: &[u8]) -> Result<Json, String> {
    let limits = Limits { bytes: 32_768, depth: 16, values: 2_048 };
    Json::parse(text, &limits).map_err(|error| error.to_string())
}

/// Members have no order.
fn same_claims(found: &Json, expected: &[u8]) -> Outcome {
    let (found, expected) = (sorted(found), sorted(&json(expected)?));
    if found == expected { Ok("ok".into()) } else { Err(format!("claims differ: {found}")) }
}

fn sorted(value: &Json) -> String {
    match value {
        Json::Object(object) => {
            let mut members: Vec<String> =
                object.members().map(|(name, value)| format!("{name:?}:{}", sorted(value))).collect();
            members.sort_unstable();
            format!("{{{}}}", members.join(","))
        }
        Json::Array(items) => {
            format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(","))
        }
        other => {
            let mut text = String::new();
            other.push_to(&mut text);
            text
        }
    }
}
