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
    place: Option<Place<'a>>,
    signatures: &'a dyn Signatures,
}

impl<'a> Policy<'a> {
    /// A policy that asks this of the holder, at no place, with signatures checked by [`RustCrypto`].
    #[must_use]
    pub const fn new(holder: Holder<'a>) -> Self {
        Self { holder, place: None, signatures: &RustCrypto }
    }

    /// The same at a place: its rules decide when all others have passed.
    #[must_use]
    pub const fn with_place(self, place: Place<'a>) -> Self {
        Self { place: Some(place), ..self }
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

    /// Whose rules decide; without one a credential is valid whatever it is worth anywhere.
    #[must_use]
    pub const fn place(&self) -> Option<Place<'a>> {
        self.place
    }

    /// Who checks signatures.
    #[must_use]
    pub const fn signatures(&self) -> &'a dyn Signatures {
        self.signatures
    }
}

/// Where a credential is shown: what it is worth there is decided by the rule set of the jurisdiction, in the root of the trust
/// bundle.
//= specs/rules.md#decision
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    jurisdiction: &'a str,
    class: &'a str,
    asks_next_change: bool,
}

impl<'a> Place<'a> {
    /// A venue of this class in this jurisdiction.
    #[must_use]
    pub const fn new(jurisdiction: &'a str, class: &'a str) -> Self {
        Self { jurisdiction, class, asks_next_change: false }
    }

    /// The same, and a valid verdict says when the decision changes next, which takes up to a millisecond.
    #[must_use]
    pub const fn with_next_change(self) -> Self {
        Self { asks_next_change: true, ..self }
    }

    /// Whose rules.
    #[must_use]
    pub const fn jurisdiction(&self) -> &'a str {
        self.jurisdiction
    }

    /// The class of venues.
    #[must_use]
    pub const fn class(&self) -> &'a str {
        self.class
    }

    pub(crate) const fn asks_next_change(&self) -> bool {
        self.asks_next_change
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
