//! A signer whose secret came from a sealed file.

use josekit::jwk::{Jwk, KeyPair as _};
use josekit::jws::{ES256, EdDSA, JwsSigner};
use sillok_log::entry::Thumbprint;
use sillok_registry::sealed::{KeyKind, SecretKey};
use sillok_verifier::encoding::decode_base64url_exact;
use sillok_verifier::key::{Algorithm, PublicKey, lower_s};
use zeroize::Zeroizing;

use super::check::SelfCheck;
use super::{SignError, Signer};

/// Signs with a key in memory. Parsed once; may be used by many threads at a time.
pub struct FileSigner {
    signer: Box<dyn JwsSigner>,
    public_key: PublicKey,
    /// Computed once: every header names it.
    thumbprint: Thumbprint,
    /// For ES256. What EdDSA makes is verified with the public key, which is as fast as it gets.
    check: Option<SelfCheck>,
}

impl FileSigner {
    /// Takes over a secret: the big-endian scalar of a P-256 key for ES256, the seed of an Ed25519 key for EdDSA.
    /// It signs once to show that secret and public key belong together.
    ///
    /// # Errors
    /// The secret is no such key.
    pub fn new(algorithm: Algorithm, secret: &[u8; 32]) -> Result<Self, SignError> {
        let key = |source| SignError::Key { source };
        let mut check = None;
        let (signer, jwk): (Box<dyn JwsSigner>, Jwk) = match algorithm {
            Algorithm::Es256 => {
                // The library takes zero and panics at its public key.
                SecretKey::new(KeyKind::P256, secret).map_err(|_out_of_range| SignError::Scalar)?;
                check = Some(SelfCheck::new(secret).ok_or(SignError::Scalar)?);
                let der = pkcs8(P256_PREFIX, secret);
                let pair = ES256.key_pair_from_der(der.as_slice()).map_err(key)?;
                (Box::new(ES256.signer_from_der(der.as_slice()).map_err(key)?), pair.to_jwk_public_key())
            }
            Algorithm::EdDsa => {
                let der = pkcs8(ED25519_PREFIX, secret);
                let pair = EdDSA.key_pair_from_der(der.as_slice()).map_err(key)?;
                (Box::new(EdDSA.signer_from_der(der.as_slice()).map_err(key)?), pair.to_jwk_public_key())
            }
            // The enumeration is open for those outside of the workspace.
            _unknown => return Err(SignError::PublicKey),
        };
        let public_key = public_key(algorithm, &jwk).ok_or(SignError::PublicKey)?;
        let signer = Self { signer, public_key, thumbprint: public_key.thumbprint(), check };
        // That the secret is the one of the public key is seen here; each later check rests on it.
        let signature = signer.sign(SELF_CHECK)?;
        signer.public_key.verify(SELF_CHECK, &signature).map_err(|_invalid| SignError::SelfCheck)?;
        Ok(signer)
    }
}

impl Signer for FileSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    //= specs/credential.md#signature
    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.signer.sign(signing_input).map_err(|source| SignError::Sign { source })?;
        match &self.check {
            Some(check) => {
                let lower = lower_s(&signature).filter(|lower| check.accepts(signing_input, lower));
                lower.map(|lower| lower.to_vec()).ok_or(SignError::SelfCheck)
            }
            None => match self.public_key.verify(signing_input, &signature) {
                Ok(()) => Ok(signature),
                Err(_invalid) => Err(SignError::SelfCheck),
            },
        }
    }
}

/// Without the secret.
impl std::fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSigner").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

fn public_key(algorithm: Algorithm, jwk: &Jwk) -> Option<PublicKey> {
    let coordinate = |name| {
        let text = jwk.parameter(name)?.as_str()?;
        decode_base64url_exact::<32>(text.as_bytes())
    };
    let x = coordinate("x")?;
    match algorithm {
        Algorithm::Es256 => PublicKey::p256(&x, &coordinate("y")?).ok(),
        _ed25519 => PublicKey::ed25519(&x).ok(),
    }
}

/// The PKCS#8 structure (RFC 5958) that the library takes, without the public key, which it computes.
fn pkcs8(prefix: &[u8], secret: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut der = Zeroizing::new(Vec::with_capacity(prefix.len() + secret.len()));
    der.extend_from_slice(prefix);
    der.extend_from_slice(secret);
    der
}

const SELF_CHECK: &[u8] = b"sillok/self-check/v1";

/// `PrivateKeyInfo` of id-ecPublicKey with prime256v1 (RFC 5480), around an `ECPrivateKey` (RFC 5915), up to the scalar.
const P256_PREFIX: &[u8] = &[
    0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04,
    0x20,
];

/// `PrivateKeyInfo` of id-Ed25519 (RFC 8410), up to the seed.
const ED25519_PREFIX: &[u8] =
    &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
