//! The id of a credential, read from its own bytes.

use anyhow::anyhow;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::jws::MAX_TOKEN_BYTES;

/// Reads the id from a compact JWS. Nothing is verified: it is the name by which its issuer is asked.
pub(crate) fn credential_id(credential: &str) -> anyhow::Result<String> {
    let mut parts = credential.trim().split('.');
    let (Some(_header), Some(payload), Some(_signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(anyhow!("credential is no compact JWS"));
    };
    let payload =
        decode_base64url(payload.as_bytes()).ok_or_else(|| anyhow!("credential is no base64url"))?;
    let payload = Json::parse(&payload, &LIMITS)
        .map_err(|error| anyhow!("payload of the credential is refused: {error}"))?;
    let id = payload.object().and_then(|claims| claims.string("id"));
    id.map(String::from).map_err(|error| anyhow!("credential has no id: {error}"))
}

const LIMITS: Limits = Limits { bytes: MAX_TOKEN_BYTES, depth: 16, values: 4_096 };
