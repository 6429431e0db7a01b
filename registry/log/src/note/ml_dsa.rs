//! Pure. Keys of ML-DSA-44 (FIPS 204), pure variant, empty context, in the encodings of C2SP tlog-cosignature.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use ml_dsa::signature::{Signer as _, Verifier as _};
use ml_dsa::{EncodedVerifyingKey, MlDsa44, Signature, SigningKey, VerifyingKey};

use super::KeyError;

/// A public key, with what every verification needs: some 20 KiB.
#[derive(Clone)]
pub(super) struct Public {
    bytes: Box<[u8]>,
    expanded: Box<VerifyingKey<MlDsa44>>,
}

impl Public {
    /// Every string of the right length is a key.
    pub(super) fn new(public: &[u8]) -> Result<Self, KeyError> {
        let length = KeyError::Length { bytes: public.len(), expected: PUBLIC_BYTES };
        let encoded = EncodedVerifyingKey::<MlDsa44>::try_from(public).map_err(|_other| length)?;
        Ok(Self { bytes: public.into(), expanded: Box::new(VerifyingKey::decode(&encoded)) })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::<MlDsa44>::try_from(signature)
            .is_ok_and(|signature| self.expanded.verify(message, &signature).is_ok())
    }
}

impl PartialEq for Public {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Public {}

impl fmt::Debug for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Public").field(&self.bytes).finish()
    }
}

/// A private key.
pub(super) struct Secret(Box<SigningKey<MlDsa44>>);

impl Secret {
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Box::new(SigningKey::from_seed(&(*seed).into())))
    }

    pub(super) fn public_bytes(&self) -> Vec<u8> {
        let public: &VerifyingKey<MlDsa44> = self.0.as_ref().as_ref();
        public.encode().to_vec()
    }

    /// The deterministic variant: whoever signs the same again, after a crash, says the same again.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.0.try_sign(message).ok().map(|signature| signature.encode().to_vec())
    }
}

/// FIPS 204 table 2.
const PUBLIC_BYTES: usize = 1_312;
