//! Credentials and presentations of others: whose they are, and whether they are signed by that. Nothing about them is in our
//! log, and nothing is fetched.
//!
//! # In scope
//! Keys that an identifier holds itself (`did:key`, `did:jwk`) or that an operator has named, envelopes ([`envelope`]), tokens
//! ([`token`]) and proofs ([`proofs`]) by them.
//!
//! # Out of scope
//! Our own credentials (`crate::vcalm`), the rules of the data model ([`crate::document`]), status: lists of others would have
//! to be fetched, so it is said that nobody has looked.

pub mod envelope;
pub mod keys;
pub mod proofs;
pub mod token;

use std::fmt;

/// What is known after looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing: it is not what it would have to be to be looked at.
    Malformed(Why),
    /// Evidence of a wrong.
    Invalid(Why),
    /// Evidence is missing.
    Unknown(Why),
}

/// A stable code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The code.
    pub code: &'static str,
    /// The sentence. It repeats nothing personal.
    pub detail: String,
}

impl Finding {
    /// Something that cannot be read.
    pub fn malformed(code: &'static str, detail: impl fmt::Display) -> Self {
        Self::Malformed(Why { code, detail: detail.to_string() })
    }

    /// Something wrong.
    pub fn invalid(code: &'static str, detail: impl fmt::Display) -> Self {
        Self::Invalid(Why { code, detail: detail.to_string() })
    }

    /// Something that is not known.
    pub fn unknown(code: &'static str, detail: impl fmt::Display) -> Self {
        Self::Unknown(Why { code, detail: detail.to_string() })
    }

    /// Why.
    #[must_use]
    pub fn why(&self) -> &Why {
        match self {
            Self::Malformed(why) | Self::Invalid(why) | Self::Unknown(why) => why,
        }
    }
}
