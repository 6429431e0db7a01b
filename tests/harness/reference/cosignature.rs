//! ML-DSA-44 cosignatures of C2SP tlog-cosignature, byte by byte.

use ml_dsa::signature::{Keypair as _, Signer as _};
use ml_dsa::{MlDsa44, SigningKey};

use super::encoding::base64;
use super::note::{key_id, vkey};
use super::tree::Hash;

/// Signature type of ML-DSA-44 cosignatures.
pub const ML_DSA_44: u8 = 0x06;

/// A private key of cosignatures, made from a fixed seed.
pub struct CosignerKey {
    /// The name in signature lines.
    pub name: String,
    secret: Box<SigningKey<MlDsa44>>,
}

impl CosignerKey {
    /// The key whose seed is 32 times `seed`.
    #[must_use]
    pub fn new(name: &str, seed: u8) -> Self {
        Self { name: name.into(), secret: Box::new(SigningKey::from_seed(&[seed; 32].into())) }
    }

    /// The public key, 1,312 bytes.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        self.secret.verifying_key().encode().to_vec()
    }

    /// The verifier key text.
    #[must_use]
    pub fn vkey(&self) -> String {
        vkey(&self.name, ML_DSA_44, &self.public())
    }

    /// The signature line over a subtree, newline included.
    #[must_use]
    pub fn cosign(&self, time: u64, origin: &str, (start, end): (u64, u64), hash: &Hash) -> String {
        let mut message = b"subtree/v1\n\0".to_vec();
        message.push(self.name.len().try_into().expect("a short name"));
        message.extend(self.name.bytes());
        message.extend(time.to_be_bytes());
        message.push(origin.len().try_into().expect("a short origin"));
        message.extend(origin.bytes());
        message.extend(start.to_be_bytes());
        message.extend(end.to_be_bytes());
        message.extend(hash);
        let signature = self.secret.sign(&message).encode().to_vec();
        self.line_of(&[&time.to_be_bytes()[..], &signature].concat())
    }

    /// A signature line that carries these bytes behind the key's ID.
    #[must_use]
    pub fn line_of(&self, signature: &[u8]) -> String {
        let id = key_id(&self.name, ML_DSA_44, &self.public());
        format!("\u{2014} {} {}\n", self.name, base64(&[&id[..], signature].concat()))
    }
}
