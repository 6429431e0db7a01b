//! Pure. What a door asks beyond the rules that everybody keeps.
//!
//! What has no safe default is an argument of [`Policy::new`]; a choice that asks less is spelled out, and a valid verdict
//! reports it ([`Facts::holder`]).
//!
//! [`Facts::holder`]: crate::Facts::holder
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

use crate::signatures::{RustCrypto, Signatures};

/// What a verifier asks for. Made once, used for every verification.
//= specs/verification.md#policy
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    holder: Holder<'a>,
    signatures: &'a dyn Signatures,
}

impl<'a> Policy<'a> {
    /// A policy that asks this of the holder, with signatures checked by [`RustCrypto`].
    #[must_use]
    pub const fn new(holder: Holder<'a>) -> Self {
        Self { holder, signatures: &RustCrypto }
    }

    /// The same with another provider of signature checks.
    #[must_use]
    pub const fn with_signatures(self, signatures: &'a dyn Signatures) -> Self {
        Self { signatures, ..self }
    }

    /// What is asked of the holder.
    #[must_use]
    pub const fn holder(&self) -> Holder<'a> {
        self.holder
    }

    /// Who checks signatures.
    #[must_use]
    pub const fn signatures(&self) -> &'a dyn Signatures {
        self.signatures
    }
}

/// What is asked of whoever shows a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holder<'a> {
    /// The answer to a challenge of this door, by the holder's key: nobody else has seen its nonce.
    Challenge {
        /// 128 random bits of the door's, in base64url, for this presentation alone.
        nonce: &'a str,
        /// The door's name, as the challenge says it.
        audience: &'a str,
    },
    /// A live code by the holder's key, for whoever scans it: stops pictures, and no relay within the minute.
    Live,
    /// Nothing: whether this is the person that the credential is about is for the staff to check, or not checked at all.
    NotAsked,
}
