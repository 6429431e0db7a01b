//! What is sealed of a request that waits: its format, and the keys with their DIDs.

use sillok_verifier::json::{Json, Limits};
use sillok_verifier::key::PublicKey;

use super::Deferred;
use crate::format;
use crate::records::HolderKey;

/// The format in a byte, then for each key its JWK and its DID, empty for none, each behind its length in two bytes.
pub(super) fn encode(deferred: &Deferred) -> Vec<u8> {
    let mut bytes = vec![format::code(deferred.format)];
    for HolderKey { key, did } in &deferred.keys {
        for text in [&key.to_jwk_json(), did.as_deref().unwrap_or_default()] {
            // Both came in a proof, which is shorter.
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes
}

/// Reads what [`encode`] writes.
pub(super) fn parse(bytes: &[u8]) -> Option<Deferred> {
    let (code, mut rest) = bytes.split_first()?;
    let mut next = || {
        let (length, after) = rest.split_first_chunk()?;
        let (text, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = after;
        Some((text, rest.is_empty()))
    };
    let mut keys = Vec::new();
    loop {
        let (jwk, _last) = next()?;
        let (did, is_last) = next()?;
        let key = PublicKey::from_jwk(&Json::parse(jwk, &JWK).ok()?).ok()?;
        let did = (!did.is_empty()).then(|| String::from_utf8(did.to_vec())).transpose().ok()?;
        keys.push(HolderKey { key, did });
        if is_last {
            return Some(Deferred { format: format::from_code(*code)?, keys });
        }
    }
}

/// As it is written here.
const JWK: Limits = Limits { bytes: 256, depth: 2, values: 8 };
