//! Pure. Who does the arithmetic of signatures: a value that the caller passes in with its [`Policy`].
//!
//! What is accepted is decided here and not by the provider: lengths, ranges of r and s, and strict Ed25519. A provider
//! that is faster must not be a verifier that is laxer.
//!
//! [`Policy`]: crate::Policy

use core::fmt;

use p256::ecdsa::signature::Verifier as _;

use crate::key::{Ed25519Key, P256Key};

/// A provider of signature checks. Both methods answer whether the signature is this key's over exactly `message`, and
/// must not panic.
pub trait Signatures: fmt::Debug + Send + Sync {
    /// ES256 (RFC 7518 section 3.4): `signature` is r ‖ s, each from 1 to n − 1; both (r, s) and (r, n − s) verify.
    fn verifies_es256(&self, key: &P256Key, message: &[u8], signature: &[u8; 64]) -> bool;

    /// Ed25519 (RFC 8032 section 5.1.7) as `verify_strict` of ed25519-dalek: S below the order, R not of low order, no
    /// cofactor. Most libraries accept more, so the default is the one that does not.
    fn verifies_ed25519(&self, key: &Ed25519Key, message: &[u8], signature: &[u8; 64]) -> bool {
        key.point().verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

/// The provider in pure Rust: `p256` and `ed25519-dalek`. Builds for every target, wasm32 too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has no parts")]
pub struct RustCrypto;

impl Signatures for RustCrypto {
    fn verifies_es256(&self, key: &P256Key, message: &[u8], signature: &[u8; 64]) -> bool {
        p256::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| key.point().verify(message, &signature).is_ok())
    }
}
