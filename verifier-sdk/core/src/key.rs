//! Pure. Public keys of issuers and holders: P-256 for ES256 (RFC 7518 section 3.4), Ed25519 for EdDSA (RFC 8037).
//!
//! The list is closed: no symmetric algorithm is compiled in, and the algorithm follows from the key, never from
//! what a token says about itself (RFC 8725 section 3.1).

use alloc::format;
use alloc::string::String;
use core::fmt;

use sha2::{Digest as _, Sha256};
use sillok_log::entry::Thumbprint;

use crate::encoding::{decode_base64url_exact, encode_base64url};
use crate::json::{Json, JsonError, Object};
use crate::signatures::{RustCrypto, Signatures};

/// A signature algorithm of a compact JWS. The list is closed (RFC 8725 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// `EdDSA` with Ed25519 (RFC 8037 section 3.1).
    EdDsa,
    /// `ES256`: ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4).
    Es256,
}

impl Algorithm {
    /// The value of the header member `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of this `alg`, compared byte by byte.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256].into_iter().find(|known| known.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A public key that signatures of credentials and presentations are checked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// A key of EdDSA.
    Ed25519(Ed25519Key),
    /// A key of ES256.
    P256(P256Key),
}

/// An Ed25519 point of high order in its one canonical encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ed25519Key(ed25519_dalek::VerifyingKey);

/// A point on the curve P-256, not the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct P256Key {
    point: p256::ecdsa::VerifyingKey,
    // As they were given: thumbprints are computed from them, often.
    x: [u8; 32],
    y: [u8; 32],
}

impl Ed25519Key {
    /// The key as RFC 8032 section 5.1.5 encodes it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(crate) const fn point(&self) -> &ed25519_dalek::VerifyingKey {
        &self.0
    }
}

impl P256Key {
    /// The point as SEC 1 section 2.3.3 encodes it uncompressed: 4, x, y.
    #[must_use]
    pub fn to_sec1_bytes(&self) -> [u8; 65] {
        let mut bytes = [4; 65];
        let coordinates = self.x.iter().chain(&self.y);
        bytes.iter_mut().skip(1).zip(coordinates).for_each(|(to, from)| *to = *from);
        bytes
    }

    pub(crate) const fn point(&self) -> &p256::ecdsa::VerifyingKey {
        &self.point
    }
}

impl PublicKey {
    /// Makes the key of an Ed25519 public key as RFC 8032 section 5.1.5 encodes it.
    ///
    /// # Errors
    /// No point, a point of low order, or one encoded in a second way.
    pub fn ed25519(public: &[u8; 32]) -> Result<Self, KeyError> {
        let point = ed25519_dalek::VerifyingKey::from_bytes(public).map_err(|_refused| KeyError::Point)?;
        // The library accepts encodings whose coordinate is not reduced; re-encoding tells them apart.
        if point.is_weak() || ed25519_dalek::VerifyingKey::from(point.to_edwards()) != point {
            return Err(KeyError::Point);
        }
        Ok(Self::Ed25519(Ed25519Key(point)))
    }

    /// Makes the key of the two coordinates of a P-256 point, big-endian.
    ///
    /// # Errors
    /// The point is not on the curve, or a coordinate is not reduced.
    pub fn p256(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, KeyError> {
        let point = p256::Sec1Point::from_affine_coordinates(&(*x).into(), &(*y).into(), false);
        let point = p256::ecdsa::VerifyingKey::from_sec1_point(&point).map_err(|_refused| KeyError::Point)?;
        Ok(Self::P256(P256Key { point, x: *x, y: *y }))
    }

    /// Reads a JWK (RFC 7517, RFC 7518 section 6.2.1, RFC 8037 section 2) that holds exactly the members that
    /// make the key: `kty`, `crv`, `x` and, for P-256, `y`.
    ///
    /// # Errors
    /// Another member (a private one above all), a missing one, another kind of key, a coordinate that is not
    /// canonical base64url of 32 bytes, and what [`PublicKey::ed25519`] and [`PublicKey::p256`] refuse.
    //= specs/trust-bundle.md#issuers
    pub fn from_jwk(jwk: &Json) -> Result<Self, KeyError> {
        let jwk = jwk.object().map_err(KeyError::Json)?;
        let kind = (jwk.string("kty").map_err(KeyError::Json)?, jwk.string("crv").map_err(KeyError::Json)?);
        match kind {
            ("EC", "P-256") => {
                jwk.expect_only(&["kty", "crv", "x", "y"]).map_err(KeyError::Json)?;
                Self::p256(&coordinate(jwk, "x")?, &coordinate(jwk, "y")?)
            }
            ("OKP", "Ed25519") => {
                jwk.expect_only(&["kty", "crv", "x"]).map_err(KeyError::Json)?;
                Self::ed25519(&coordinate(jwk, "x")?)
            }
            _another => Err(KeyError::Kind),
        }
    }

    /// The JWK of the key with its members in lexicographic order and nothing else: the text that RFC 7638
    /// section 3.3 hashes.
    #[must_use]
    pub fn to_jwk_json(&self) -> String {
        match self {
            Self::Ed25519(Ed25519Key(point)) => {
                let x = encode_base64url(point.as_bytes());
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
            }
            Self::P256(P256Key { x, y, .. }) => {
                let (x, y) = (encode_base64url(x), encode_base64url(y));
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
        }
    }

    /// The SHA-256 thumbprint of the key (RFC 7638): how headers, entries and receipts name it.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint(Sha256::digest(self.to_jwk_json()).into())
    }

    /// The one algorithm that this key is used with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
        }
    }

    /// [`PublicKey::verify_with`] the provider in pure Rust.
    ///
    /// # Errors
    /// The signature is not this key's, or not 64 bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.verify_with(&RustCrypto, message, signature)
    }

    /// Checks a signature over `message`: for P-256 the 64 bytes r ‖ s, both (r, s) and (r, n − s); for Ed25519
    /// strict (canonical S, no low-order points), so that all verifiers agree on what is valid.
    ///
    /// # Errors
    /// The signature is not this key's, or not 64 bytes.
    //= specs/credential.md#signature
    pub fn verify_with(
        &self,
        signatures: &dyn Signatures,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let signature: &[u8; 64] = signature.try_into().map_err(|_length| SignatureError::Invalid)?;
        let verified = match self {
            Self::Ed25519(key) => signatures.verifies_ed25519(key, message, signature),
            // r or s of zero or not below the order never reaches a provider: some have got that wrong.
            Self::P256(key) => {
                p256::ecdsa::Signature::from_slice(signature).is_ok()
                    && signatures.verifies_es256(key, message, signature)
            }
        };
        if verified { Ok(()) } else { Err(SignatureError::Invalid) }
    }
}

/// The ES256 signature with the lower of its two values of s, which is the one that an issuer emits; `None` when
/// the bytes are no signature at all.
//= specs/credential.md#signature
#[must_use]
pub fn lower_s(signature: &[u8]) -> Option<[u8; 64]> {
    let signature = p256::ecdsa::Signature::from_slice(signature).ok()?;
    Some(signature.normalize_s().to_bytes().into())
}

fn coordinate(jwk: &Object, name: &'static str) -> Result<[u8; 32], KeyError> {
    let text = jwk.string(name).map_err(KeyError::Json)?;
    decode_base64url_exact(text.as_bytes()).ok_or(KeyError::Coordinate { member: name })
}

/// Why a JWK or a public key is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// A coordinate is not canonical base64url of 32 bytes.
    Coordinate {
        /// The member that holds it.
        member: &'static str,
    },
    /// The members are not exactly those of a public key.
    Json(JsonError),
    /// Neither P-256 nor Ed25519.
    Kind,
    /// Not a point on the curve, of small order, or not in its one encoding.
    Point,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinate { member } => {
                write!(f, "JWK member {member} is not canonical base64url of 32 bytes")
            }
            Self::Json(error) => write!(f, "JWK is not exactly a public key: {error}"),
            Self::Kind => f.write_str("JWK is neither kty EC on P-256 nor kty OKP on Ed25519"),
            Self::Point => f.write_str("public key is not a canonical point of high order on its curve"),
        }
    }
}

impl core::error::Error for KeyError {}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureError {
    /// The header names an algorithm that is not the key's.
    Algorithm {
        /// What the header says.
        header: Algorithm,
        /// What the key is used with.
        key: Algorithm,
    },
    /// The signature is not this key's over these bytes.
    Invalid,
}

impl SignatureError {
    /// The code of `specs/verification.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Algorithm { .. } => "signature.algorithm",
            Self::Invalid => "signature.invalid",
        }
    }
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm { header, key } => {
                write!(f, "header names {header} and the key is one of {key}")
            }
            Self::Invalid => f.write_str("signature does not verify under the key"),
        }
    }
}

impl core::error::Error for SignatureError {}
