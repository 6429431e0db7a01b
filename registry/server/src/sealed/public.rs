//! Pure. What everybody may know of a key, and whether a text says it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use sillok_log::Hash;
use sillok_log::note::VerifierKey;

use super::{Error, KeyKind, SecretKey};

/// The text that is kept for a key. Key material has no public half, so a check value goes before the text.
pub(super) fn text_of(key: &SecretKey, text: &str) -> String {
    let text = text.trim_end();
    match key.kind {
        KeyKind::Ed25519 | KeyKind::P256 => text.into(),
        KeyKind::Raw32 => format!("{} {text}", check_value(key)).trim_end().into(),
    }
}

/// Whether the text is this key's: its verifier key, its JWK in the one spelling that is hashed for a thumbprint
/// (RFC 7638 section 3), or its check value.
///
/// # Errors
/// [`Error::Scalar`] for a P-256 key that is none.
pub(super) fn belongs(text: &str, key: &SecretKey) -> Result<bool, Error> {
    Ok(match key.kind {
        KeyKind::Ed25519 => {
            let public = ed25519_dalek::SigningKey::from_bytes(&key.bytes).verifying_key();
            let x = URL_SAFE_NO_PAD.encode(public.as_bytes());
            text == format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
                || VerifierKey::parse(text).is_ok_and(|key| key.public_bytes() == public.as_bytes())
        }
        KeyKind::P256 => {
            let pair = p256::ecdsa::SigningKey::from_slice(&*key.bytes).map_err(|_error| Error::Scalar)?;
            let point = pair.verifying_key().to_sec1_point(false);
            let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(Error::Scalar) };
            let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
            text == format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
        }
        KeyKind::Raw32 => text.split(' ').next() == Some(&check_value(key)),
    })
}

/// It says nothing of the secret, which is as hard to guess as its digest is to turn round: 32 random bytes.
fn check_value(key: &SecretKey) -> String {
    Hash(Sha256::new_with_prefix(CHECK_DOMAIN).chain_update(*key.bytes).finalize().into()).to_hex()
}

/// Keeps the check value apart from everything that is derived from key material.
const CHECK_DOMAIN: &[u8] = b"sillok/raw32/v1";
