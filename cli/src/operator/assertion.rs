//! The assertion by which a client proves itself: a signed JWT over who, for whom and until when (RFC 7523 section 3).

use anyhow::Context as _;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use sillok_log::UnixSeconds;
use sillok_registry::sealed::SecretKey;
use sillok_verifier::encoding::encode_base64url;

/// Makes assertions of one client for one issuer.
pub(super) struct Signer {
    client: String,
    audience: String,
    key: SigningKey,
}

impl Signer {
    pub(super) fn new(client: &str, audience: &str, secret: &SecretKey) -> anyhow::Result<Self> {
        let key =
            SigningKey::from_slice(secret.danger_bytes()).context("key of the operator is no P-256 key")?;
        Ok(Self { client: client.into(), audience: audience.into(), key })
    }

    pub(super) fn sign(&self, now: UnixSeconds) -> Result<String, getrandom::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        let claims = json!({
            "iss": self.client,
            "sub": self.client,
            "aud": self.audience,
            "jti": encode_base64url(&id),
            "iat": now.0,
            "exp": now.0.saturating_add(LIFE_SECONDS),
        });
        let header = encode_base64url(br#"{"alg":"ES256","typ":"JWT"}"#);
        let input = format!("{header}.{}", encode_base64url(claims.to_string().as_bytes()));
        let signature: Signature = self.key.sign(input.as_bytes());
        Ok(format!("{input}.{}", encode_base64url(&signature.to_bytes())))
    }
}

/// It is used at once.
const LIFE_SECONDS: u64 = 60;
