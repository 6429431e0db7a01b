//! Signing: a closed list of algorithms, a key that is parsed once, and the compact JWS of a credential.

use std::fmt;

use sillok_log::entry::Thumbprint;
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::jws::{self, TokenType};
use sillok_verifier::key::{Algorithm, PublicKey};
use sillok_verifier::sd_jwt;

pub use file::FileSigner;

mod check;
mod file;

/// Whoever can sign with one of the issuer's keys. A key in a sealed file is [`FileSigner`]; one in a device would be
/// another.
pub trait Signer: Send + Sync {
    /// The one algorithm of the key.
    fn algorithm(&self) -> Algorithm {
        self.public_key().algorithm()
    }

    /// The public key.
    fn public_key(&self) -> &PublicKey;

    /// The JWK of the public key: the text that RFC 7638 hashes.
    fn public_jwk(&self) -> String {
        self.public_key().to_jwk_json()
    }

    /// Signs the signing input of RFC 7515 section 5.1: 64 bytes, for ES256 r ‖ s with the lower s. What is returned was
    /// checked: a signature that a fault has spoiled tells the secret to whoever sees it, so it never leaves.
    ///
    /// # Errors
    /// The key does not sign, or its signature does not verify.
    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The key's RFC 7638 thumbprint.
    fn thumbprint(&self) -> Thumbprint {
        self.public_key().thumbprint()
    }
}

/// A compact JWS that was just signed.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedJws {
    text: String,
    signing_input: usize,
}

impl SignedJws {
    /// The compact JWS.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What was signed: what the issue entry commits to.
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.text.as_bytes().get(..self.signing_input).unwrap_or_default()
    }

    /// What an issuer hands out of an SD-JWT: the compact JWS and all of its disclosures. What was signed stays the same.
    #[must_use]
    pub fn with_disclosures(mut self, disclosures: &[String]) -> Self {
        self.text = sd_jwt::issue(&self.text, disclosures);
        self
    }

    /// The compact JWS, without what is known about it.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

/// Without the claims.
impl fmt::Debug for SignedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedJws").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// Signs a payload as a compact JWS: a credential or a status list, as `token` says.
///
/// # Errors
/// The key does not sign, or the token would be longer than any verifier reads.
//= specs/credential.md#header
pub fn sign_compact(
    signer: &dyn Signer,
    payload_json: &str,
    token: TokenType,
) -> Result<SignedJws, SignError> {
    sign_named(signer, payload_json, token, None)
}

/// [`sign_compact`] with a `kid` that names the key by the issuer's id, and `#`, before its thumbprint.
///
/// # Errors
/// As [`sign_compact`].
pub fn sign_named(
    signer: &dyn Signer,
    payload_json: &str,
    token: TokenType,
    issuer: Option<&str>,
) -> Result<SignedJws, SignError> {
    let thumbprint = encode_base64url(&signer.thumbprint().0);
    let key_id = issuer.map_or_else(|| thumbprint.clone(), |issuer| format!("{issuer}#{thumbprint}"));
    let header = jws::protected_header(signer.algorithm(), &key_id, token);
    let signing_input = jws::signing_input(&header, payload_json);
    let signature = signer.sign(signing_input.as_bytes())?;
    let text = jws::compact(&signing_input, &signature);
    if text.len() > token.max_bytes {
        return Err(SignError::TooLong { bytes: text.len(), limit: token.max_bytes });
    }
    Ok(SignedJws { text, signing_input: signing_input.len() })
}

/// Why nothing was signed.
#[derive(Debug)]
pub enum SignError {
    /// The secret is no key of this kind.
    Key {
        /// What the library says.
        source: josekit::JoseError,
    },
    /// The public key that belongs to the secret is not one that verifiers take.
    PublicKey,
    /// The library did not sign.
    Sign {
        /// What it says.
        source: josekit::JoseError,
    },
    /// The secret is zero or not below the order of P-256.
    Scalar,
    /// The signature does not verify under the public key.
    SelfCheck,
    /// The token is longer than verifiers read.
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// The most it may have.
        limit: usize,
    },
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { source } => write!(f, "cannot take over the signing key: {source}"),
            Self::PublicKey => f.write_str("signing key has a public key that no verifier takes"),
            Self::Sign { source } => write!(f, "cannot sign: {source}"),
            Self::Scalar => f.write_str("signing key is not a scalar of P-256"),
            Self::SelfCheck => f.write_str("signature does not verify under the key that made it"),
            Self::TooLong { bytes, limit } => {
                write!(f, "signed token of {bytes} bytes is longer than {limit} bytes")
            }
        }
    }
}

impl std::error::Error for SignError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Key { source } | Self::Sign { source } => Some(source),
            Self::PublicKey | Self::Scalar | Self::SelfCheck | Self::TooLong { .. } => None,
        }
    }
}
