//! Signature checks of the verifier by AWS-LC, for back-ends that verify many.
//!
//! # In scope
//! ES256 (ECDSA on P-256 with SHA-256) by the assembly of AWS-LC, as a value that a policy takes.
//!
//! # Out of scope
//! Ed25519: AWS-LC accepts an R of low order, which strict verification refuses, so it stays with ed25519-dalek.
//! Cosignatures and checkpoints, which `sillok-log` checks when a bundle is opened.
//!
//! # Invariants
//! What is accepted is what the verifier accepts with any provider: it checks lengths and the ranges of r and s itself.
//!
//! # Example
//! ```
//! use sillok_provider_aws_lc::AwsLc;
//! use sillok_verifier::{Holder, Policy};
//!
//! let policy = Policy::new(Holder::NotAsked).with_signatures(&AwsLc);
//! assert_eq!(format!("{:?}", policy.signatures()), "AwsLc");
//! ```

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sillok_verifier::Signatures;
use sillok_verifier::key::P256Key;

/// The provider. Needs a C compiler when it is built, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AwsLc;

impl Signatures for AwsLc {
    fn verifies_es256(&self, key: &P256Key, message: &[u8], signature: &[u8; 64]) -> bool {
        // The key is a point on the curve already; taking it over anew costs about a hundredth of the check.
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_sec1_bytes());
        key.verify(message, signature).is_ok()
    }
}
