//! Pure. Keys of signed notes: the verifier key that a reader trusts and the signer key that a log or witness holds.
//!
//! Text form, key ID and type bytes are those of C2SP signed-note v1.0.0, "Verifier keys" and "Signature types".

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::ml_dsa;
use crate::number::{decode_base64, encode_base64};

/// What a key signs, as the type byte of its verifier key (C2SP signed-note, "Signature types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureKind {
    /// 0x01: Ed25519 over the note text. Logs sign their checkpoints with it.
    Ed25519,
    /// 0x04: Ed25519 over a time and a checkpoint. Witnesses cosign with it.
    CosignatureV1,
    /// 0x06: ML-DSA-44 (FIPS 204) over a time and a subtree. Witnesses cosign checkpoints and subtrees with it.
    MlDsa44,
}

impl SignatureKind {
    /// The type byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
            Self::MlDsa44 => 0x06,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            0x06 => Some(Self::MlDsa44),
            _unsupported => None,
        }
    }

    /// Whether witnesses cosign with it, which logs never sign their notes with.
    #[must_use]
    pub const fn cosigns(self) -> bool {
        match self {
            Self::Ed25519 => false,
            Self::CosignatureV1 | Self::MlDsa44 => true,
        }
    }
}

impl fmt::Display for SignatureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519 note signature",
            Self::CosignatureV1 => "Ed25519 cosignature",
            Self::MlDsa44 => "ML-DSA-44 cosignature",
        })
    }
}

/// The first four bytes of SHA-256(name, newline, type byte, public key), big-endian. An identifier, not a
/// commitment: anyone can make a key with the same ID, and gains nothing by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

impl KeyId {
    fn of(name: &str, kind: SignatureKind, public: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(name).chain_update([b'\n', kind.byte()]).chain_update(public);
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// A public key that somebody decided to trust, with the name it signs under.
///
/// `Display` writes the text that [`VerifierKey::parse`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    kind: SignatureKind,
    public: Public,
}

/// Kept decompressed: a reader parses a key once and checks many notes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Public {
    Ed25519(VerifyingKey),
    MlDsa44(ml_dsa::Public),
}

impl Public {
    fn of(kind: SignatureKind, public: &[u8]) -> Result<Self, KeyError> {
        match kind {
            SignatureKind::Ed25519 | SignatureKind::CosignatureV1 => point(public).map(Self::Ed25519),
            SignatureKind::MlDsa44 => ml_dsa::Public::new(public).map(Self::MlDsa44),
        }
    }
}

/// The point of 32 public bytes (RFC 8032 section 5.1.2), if honest key generation makes it.
fn point(public: &[u8]) -> Result<VerifyingKey, KeyError> {
    let length = KeyError::Length { bytes: public.len(), expected: 32 };
    let point = VerifyingKey::from_bytes(public.try_into().map_err(|_other| length)?);
    let point = point.map_err(|_refused| KeyError::Point)?;
    // The library accepts encodings whose coordinate is not reduced; re-encoding tells them apart.
    if point.is_weak() || VerifyingKey::from(point.to_edwards()) != point {
        return Err(KeyError::Point);
    }
    Ok(point)
}

impl VerifierKey {
    /// Reads a verifier key: name, `+`, key ID in lowercase hex, `+`, base64 of type byte and public key.
    ///
    /// # Errors
    /// Any departure from that form, a type this ledger does not use, an ID that does not belong to the key, and
    /// points that no honest key generation makes (low order, or encoded in a second way).
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Parts);
        };
        check_key_name(name)?;
        let material = decode_base64(material).ok_or(KeyError::Base64)?;
        let (&kind, public) = material.split_first().ok_or(KeyError::Base64)?;
        let kind = SignatureKind::from_byte(kind).ok_or(KeyError::Kind { found: kind })?;
        let key = Self::new(name, kind, public)?;
        // Compared as text, so that uppercase hex is refused too.
        if id != key.id.to_string() {
            return Err(KeyError::Id { computed: key.id });
        }
        Ok(key)
    }

    /// Makes the verifier key of a public key under a name: 32 bytes of Ed25519 (RFC 8032 section 5.1.2), 1,312 of
    /// ML-DSA-44 (FIPS 204 algorithm 22).
    ///
    /// # Errors
    /// A name that no signature line can carry; another length; a point of low order or not in its one canonical
    /// encoding.
    pub fn new(name: &str, kind: SignatureKind, public: &[u8]) -> Result<Self, KeyError> {
        check_key_name(name)?;
        Ok(Self {
            name: name.into(),
            id: KeyId::of(name, kind, public),
            kind,
            public: Public::of(kind, public)?,
        })
    }

    /// The name in the key's signature lines; for a log, its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ID in the key's signature lines.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.id
    }

    /// What the key signs.
    #[must_use]
    pub const fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// The public key as RFC 8032 or FIPS 204 encodes it.
    #[must_use]
    pub fn public_bytes(&self) -> &[u8] {
        match &self.public {
            Public::Ed25519(point) => point.as_bytes(),
            Public::MlDsa44(key) => key.bytes(),
        }
    }

    /// Whether `signature` is this key's over `message`. Strict: canonical S, no low-order points (RFC 8032
    /// section 8.4 and "Taming the many EdDSAs"), so that all verifiers agree on what is valid.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.public {
            Public::Ed25519(point) => Signature::from_slice(signature)
                .is_ok_and(|signature| point.verify_strict(message, &signature).is_ok()),
            Public::MlDsa44(key) => key.accepts(message, signature),
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = Vec::from([self.kind.byte()]);
        material.extend_from_slice(self.public_bytes());
        write!(f, "{}+{}+{}", self.name, self.id, encode_base64(&material))
    }
}

/// A private key that signs notes or cosigns checkpoints, never both. The secret is wiped when it is dropped.
pub struct SignerKey {
    verifier: VerifierKey,
    secret: Secret,
}

/// Each wipes itself on drop (features `zeroize`).
enum Secret {
    Ed25519(Box<SigningKey>),
    MlDsa44(ml_dsa::Secret),
}

impl SignerKey {
    /// Makes the key of a 32-byte seed (RFC 8032 section 5.1.5, FIPS 204 algorithm 6). The caller wipes its own copy.
    ///
    /// # Errors
    /// A name that no signature line can carry.
    pub fn from_seed(name: &str, kind: SignatureKind, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let (public, secret) = match kind {
            SignatureKind::Ed25519 | SignatureKind::CosignatureV1 => {
                let secret = SigningKey::from_bytes(seed);
                (secret.verifying_key().as_bytes().to_vec(), Secret::Ed25519(Box::new(secret)))
            }
            SignatureKind::MlDsa44 => {
                let secret = ml_dsa::Secret::from_seed(seed);
                (secret.public_bytes(), Secret::MlDsa44(secret))
            }
        };
        Ok(Self { verifier: VerifierKey::new(name, kind, &public)?, secret })
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        self.verifier.clone()
    }

    /// The name in the key's signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// What the key signs.
    #[must_use]
    pub const fn kind(&self) -> SignatureKind {
        self.verifier.kind()
    }

    /// Signs a note text and returns the signature line, newline included.
    ///
    /// # Errors
    /// A cosigner's key: text of an attacker's choice could then read as a cosignature. A text that no note can
    /// carry.
    pub fn sign(&self, text: &str) -> Result<String, super::Error> {
        let kind = self.kind();
        let (SignatureKind::Ed25519, Secret::Ed25519(secret)) = (kind, &self.secret) else {
            return Err(super::Error::KeyKind { found: kind });
        };
        super::check_text(text)?;
        Ok(self.line(&secret.sign(text.as_bytes()).to_bytes()))
    }

    /// The signature over `message`, the same each time; nothing if ML-DSA finds none, which has a probability below
    /// 2^-128 (FIPS 204 appendix C).
    pub(crate) fn sign_message(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.secret {
            Secret::Ed25519(secret) => Some(secret.sign(message).to_bytes().to_vec()),
            Secret::MlDsa44(secret) => secret.sign(message),
        }
    }

    /// The signature line, newline included, that carries `signature` under this key's name and ID.
    pub(crate) fn line(&self, signature: &[u8]) -> String {
        signature_line(self.name(), self.verifier.id, signature)
    }
}

impl fmt::Debug for SignerKey {
    /// Names the key by its public half.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerKey").field("verifier", &self.verifier.to_string()).finish_non_exhaustive()
    }
}

/// A signature line, newline included.
pub(super) fn signature_line(name: &str, id: KeyId, signature: &[u8]) -> String {
    let mut bytes = Vec::from(id.0.to_be_bytes());
    bytes.extend_from_slice(signature);
    format!("\u{2014} {name} {}\n", encode_base64(&bytes))
}

/// Whether a signature line can carry `name`: not empty, no Unicode space, no plus, no control character.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c < ' ' || c.is_whitespace())
}

fn check_key_name(name: &str) -> Result<(), KeyError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(KeyError::NameLength { bytes: name.len() });
    }
    if is_name(name) { Ok(()) } else { Err(KeyError::Name) }
}

/// Why a verifier key or a signer key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The key material is not canonical base64, or empty.
    Base64,
    /// The key ID in the text is not the one computed from name, type and key.
    Id {
        /// The ID that belongs to the key.
        computed: KeyId,
    },
    /// The signature type is none that this ledger uses.
    Kind {
        /// The type byte found.
        found: u8,
    },
    /// A public key is longer or shorter than its kind has it.
    Length {
        /// The number of bytes found.
        bytes: usize,
        /// The number that its kind has.
        expected: usize,
    },
    /// The name is empty or holds a space, a plus or a control character.
    Name,
    /// The name is longer than [`MAX_NAME_BYTES`].
    NameLength {
        /// The number of bytes found.
        bytes: usize,
    },
    /// The text is not three parts separated by plus.
    Parts,
    /// The public key is no point, a point of low order, or not canonically encoded.
    Point,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64 => f.write_str("key material is not canonical base64 of a type byte and a key"),
            Self::Id { computed } => write!(f, "key ID does not belong to the key, whose ID is {computed}"),
            Self::Kind { found } => {
                write!(f, "signature type {found:#04x} is none of 0x01, 0x04 and 0x06")
            }
            Self::Length { bytes, expected } => {
                write!(f, "public key has {bytes} bytes instead of {expected}")
            }
            Self::Name => f.write_str("key name is empty or holds a space, a plus or a control character"),
            Self::NameLength { bytes } => {
                write!(f, "key name of {bytes} bytes is longer than {MAX_NAME_BYTES}")
            }
            Self::Parts => f.write_str("verifier key is not name, key ID and key separated by plus signs"),
            Self::Point => f.write_str("public key is not a canonical Ed25519 point of high order"),
        }
    }
}

impl core::error::Error for KeyError {}

/// Longest key name in bytes: the bound of `cosigner_name` and `log_origin` in C2SP tlog-cosignature, so that no
/// name has to change when a log moves to ML-DSA-44.
pub const MAX_NAME_BYTES: usize = 255;
