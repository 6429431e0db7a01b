//! Pure. SD-JWT (RFC 9901): a signed document parts of which its holder keeps to themselves.
//!
//! # In scope
//! The compact serialisation taken apart and put together, disclosures, and the document that they lead to.
//!
//! # Out of scope
//! The signature below ([`crate::jws`]), the key-binding token ([`crate::holder`]), the JWS JSON serialisation.
//!
//! # Invariants
//! A disclosure counts only if a digest in what was signed leads to it. What is not disclosed leaves no trace.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

mod conceal;
mod disclosure;
mod reveal;

pub use conceal::{Concealed, Place, conceal, conceal_items, conceal_members};
pub use disclosure::{Disclosure, DisclosureKind, MAX_SALT_CHARACTERS, MIN_SALT_CHARACTERS};
pub(crate) use reveal::hides_more;
pub use reveal::{Hidden, reveal};

/// The parts of a presentation; nothing in them is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation<'a> {
    /// The issuer-signed JWT: all that is logged.
    pub token: &'a [u8],
    /// The disclosures in their order.
    pub disclosures: Vec<&'a [u8]>,
    /// The key-binding token, if there is one.
    pub key_binding: Option<&'a [u8]>,
    /// What a key-binding token is over: everything up to and including the last `~`.
    pub bound: &'a [u8],
}

impl<'a> Presentation<'a> {
    /// Whether these bytes are more than a token alone: a `~`, which no token holds, is among the first of them.
    pub(crate) fn is_claimed_by(bytes: &[u8]) -> bool {
        // A longer beginning is no token that is let through anyhow, with or without a `~` behind it.
        let first = bytes.get(..=crate::jws::MAX_TOKEN_BYTES).unwrap_or(bytes);
        first.contains(&SEPARATOR)
    }

    /// Takes a presentation apart.
    ///
    /// # Errors
    /// It is larger than it may be, has too many parts, or does not end in `~` or a token.
    //= specs/presentation.md#limits
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PresentationError> {
        if bytes.len() > MAX_PRESENTATION_BYTES {
            return Err(PresentationError::TooLarge { limit: MAX_PRESENTATION_BYTES });
        }
        let end = bytes.iter().rposition(|&byte| byte == SEPARATOR).ok_or(PresentationError::Form)?;
        let (bound, last) = bytes.split_at_checked(end.saturating_add(1)).ok_or(PresentationError::Form)?;
        // A disclosure without the `~` behind it would pass for a token; a token has two dots and a disclosure none.
        let key_binding = match last {
            [] => None,
            token if token.iter().filter(|&&byte| byte == b'.').count() == 2 => Some(token),
            _another => return Err(PresentationError::Form),
        };
        let mut parts = bound.strip_suffix(&[SEPARATOR]).unwrap_or(bound).split(|&byte| byte == SEPARATOR);
        let token = parts.next().unwrap_or_default();
        let disclosures: Vec<&[u8]> = parts.by_ref().take(MAX_DISCLOSURES).collect();
        if parts.next().is_some() {
            return Err(PresentationError::TooLarge { limit: MAX_DISCLOSURES });
        }
        if disclosures.iter().any(|disclosure| disclosure.is_empty()) {
            return Err(PresentationError::Form);
        }
        Ok(Self { token, disclosures, key_binding, bound })
    }
}

/// Puts together what a holder shows: the token of `issued` and those of its disclosures that `keep` names, without a
/// key-binding token. A disclosure inside another needs that too: [`reveal`] refuses it otherwise.
///
/// # Errors
/// `issued` is no SD-JWT as an issuer hands it out, or a disclosure in it is none.
pub fn select(issued: &str, mut keep: impl FnMut(&Disclosure) -> bool) -> Result<String, PresentationError> {
    let parsed = Presentation::parse(issued.as_bytes())?;
    if parsed.key_binding.is_some() {
        return Err(PresentationError::Form);
    }
    let mut parts = issued.split('~');
    let mut shown = String::from(parts.next().unwrap_or_default());
    shown.push('~');
    for text in parts.filter(|text| !text.is_empty()) {
        let disclosure = Disclosure::parse(text.as_bytes()).map_err(PresentationError::Disclosure)?;
        if keep(&disclosure) {
            shown.push_str(text);
            shown.push('~');
        }
    }
    Ok(shown)
}

/// Puts together what an issuer hands out: a compact JWS and all of its disclosures.
#[must_use]
pub fn issue(token: &str, disclosures: &[String]) -> String {
    let mut issued = String::from(token);
    issued.push('~');
    for disclosure in disclosures {
        issued.push_str(disclosure);
        issued.push('~');
    }
    issued
}

/// Why a presentation cannot be taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PresentationError {
    /// A disclosure is refused.
    Disclosure(DisclosureError),
    /// Not a token and disclosures, each with `~` behind it, and a key-binding token or nothing.
    Form,
    /// More bytes, or more disclosures.
    TooLarge {
        /// The most of them.
        limit: usize,
    },
}

impl fmt::Display for PresentationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disclosure(error) => error.fmt(f),
            Self::Form => f.write_str(
                "presentation is not a token and disclosures, each with ~ behind it, and a key-binding token or nothing",
            ),
            Self::TooLarge { limit } => write!(f, "presentation is larger than {limit} bytes or disclosures"),
        }
    }
}

impl core::error::Error for PresentationError {}

/// Why disclosures are refused. It repeats none: they are personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisclosureError {
    /// A member that would be called `_sd` or `...`.
    ForbiddenName,
    /// Not canonical base64url of an array of salt, name and value, or of salt and value where an item belongs.
    Malformed,
    /// A digest or one of the reserved names stands where it must not.
    Nonconforming,
    /// A member that is there already.
    Overwrites,
    /// The same disclosure or the same digest twice.
    Repeated,
    /// No digest leads to it.
    Unreferenced,
}

impl DisclosureError {
    /// The code of `specs/verification.md`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ForbiddenName => "disclosure.forbidden-name",
            Self::Malformed => "disclosure.malformed",
            Self::Nonconforming => "credential.nonconforming",
            Self::Overwrites => "disclosure.overwrites",
            Self::Repeated => "disclosure.repeated",
            Self::Unreferenced => "disclosure.unreferenced",
        }
    }
}

impl fmt::Display for DisclosureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ForbiddenName => "disclosure of a member with a reserved name",
            Self::Malformed => {
                "disclosure is not canonical base64url of salt, name and value in their limits"
            }
            Self::Nonconforming => "payload has digests of disclosures where none may be",
            Self::Overwrites => "disclosure of a member that is there already",
            Self::Repeated => "disclosure or digest that is there twice",
            Self::Unreferenced => "disclosure that no digest leads to",
        })
    }
}

impl core::error::Error for DisclosureError {}

/// Between the parts (RFC 9901 section 4).
const SEPARATOR: u8 = b'~';

/// `specs/presentation.md#limits`: twice what a credential may be.
pub const MAX_PRESENTATION_BYTES: usize = 32_768;

/// `specs/presentation.md#limits`: sixteen doses of six members each, every one by itself, and more than half again.
pub const MAX_DISCLOSURES: usize = 256;
