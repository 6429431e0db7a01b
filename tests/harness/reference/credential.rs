//! Credentials: keys, headers, payloads and compact JWS with deterministic signatures.

use ed25519_dalek::Signer as _;
use p256::ecdsa::Signature;

use super::encoding::base64url;
use super::json;
use super::tree::{Hash, sha256};

/// An issuer's private key, made from a fixed seed.
#[derive(Clone)]
pub enum IssuerKey {
    /// Ed25519, signs `EdDSA` (RFC 8037).
    Ed25519(ed25519_dalek::SigningKey),
    /// P-256, signs `ES256` (RFC 7518 section 3.4) with the nonce of RFC 6979.
    P256(p256::ecdsa::SigningKey),
}

impl IssuerKey {
    /// The Ed25519 key whose seed is 32 times `seed`.
    #[must_use]
    pub fn ed25519(seed: u8) -> Self {
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
    }

    /// The P-256 key whose scalar is 32 times `seed`.
    #[must_use]
    pub fn p256(seed: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).expect("a scalar below the order"))
    }

    /// `alg` of what it signs.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
        }
    }

    /// The public JWK: the members that RFC 7638 hashes, in its order.
    #[must_use]
    pub fn jwk(&self) -> String {
        let text = |value: &str| json::string(value);
        match self {
            Self::Ed25519(key) => {
                let x = base64url(key.verifying_key().as_bytes());
                json::object(&[("crv", text("Ed25519")), ("kty", text("OKP")), ("x", text(&x))])
            }
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let (x, y) = point.as_bytes()[1..].split_at(32);
                let (x, y) = (text(&base64url(x)), text(&base64url(y)));
                json::object(&[("crv", text("P-256")), ("kty", text("EC")), ("x", x), ("y", y)])
            }
        }
    }

    /// The RFC 7638 thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> Hash {
        sha256(&[self.jwk().as_bytes()])
    }

    /// `kid`: the thumbprint in base64url.
    #[must_use]
    pub fn kid(&self) -> String {
        base64url(&self.thumbprint())
    }

    /// The signature, 64 bytes; ES256 with the lower s.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Self::P256(key) => {
                let signature: Signature = p256::ecdsa::signature::Signer::sign(key, message);
                signature.normalize_s().to_bytes().to_vec()
            }
        }
    }
}

/// The ES256 signature (r, n − s) of (r, s).
#[must_use]
pub fn twin(signature: &[u8]) -> Vec<u8> {
    let (r, s) = Signature::from_slice(signature).expect("a signature").split_scalars();
    let other = -*s;
    Signature::from_scalars(r.to_bytes(), other.to_bytes()).expect("n − s is a scalar").to_bytes().to_vec()
}

/// The protected header of a credential by `key`.
#[must_use]
pub fn header(key: &IssuerKey) -> String {
    let text = json::string;
    json::object(&[
        ("alg", text(key.algorithm())),
        ("typ", text("vc+jwt")),
        ("cty", text("vc")),
        ("kid", text(&key.kid())),
    ])
}

/// BASE64URL(header) ‖ "." ‖ BASE64URL(payload), RFC 7515 section 5.1.
#[must_use]
pub fn signing_input(header: &str, payload: &str) -> String {
    format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()))
}

/// The compact JWS.
#[must_use]
pub fn compact(header: &str, payload: &str, key: &IssuerKey) -> String {
    let input = signing_input(header, payload);
    format!("{input}.{}", base64url(&key.sign(input.as_bytes())))
}

/// One entry of a slot.
#[must_use]
pub fn status_entry(uri: &str, purpose: &str, index: &str) -> String {
    json::object(&[
        ("type", json::string("BitstringStatusListEntry")),
        ("statusPurpose", json::string(purpose)),
        ("statusListIndex", json::string(index)),
        ("statusListCredential", json::string(&format!("{uri}/{purpose}"))),
    ])
}

/// `credentialStatus`: the two entries of one slot.
#[must_use]
pub fn status_entries(uri: &str, index: &str) -> String {
    json::array(&[status_entry(uri, "revocation", index), status_entry(uri, "suspension", index)])
}
