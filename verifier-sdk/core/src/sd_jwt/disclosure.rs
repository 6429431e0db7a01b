//! Pure. One disclosure (RFC 9901 section 4.2): salt, name and value, or salt and value.

use alloc::string::String;
use core::fmt;

use sha2::{Digest as _, Sha256};

use super::DisclosureError;
use crate::encoding::{decode_base64url, encode_base64url};
use crate::json::{Json, Limits, push_string};
use crate::jws::JSON_LIMITS;

/// A disclosure that was read. No `Debug`: it is about a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosure {
    kind: DisclosureKind,
    value: Json,
}

/// What a disclosure is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisclosureKind {
    /// An item of an array.
    Item,
    /// The member of an object that has this name.
    Member(String),
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disclosure").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Disclosure {
    /// Reads a disclosure as it stands between two `~`.
    ///
    /// # Errors
    /// [`DisclosureError::Malformed`].
    //= specs/presentation.md#disclosures
    pub fn parse(text: &[u8]) -> Result<Self, DisclosureError> {
        let json = decode_base64url(text).ok_or(DisclosureError::Malformed)?;
        // One level more than a document: the array itself.
        let limits = Limits { depth: JSON_LIMITS.depth.saturating_add(1), ..JSON_LIMITS };
        let Ok(Json::Array(parts)) = Json::parse(&json, &limits) else {
            return Err(DisclosureError::Malformed);
        };
        let mut parts = parts.into_iter();
        let salt = parts.next();
        let is_salt = |salt: &Json| {
            salt.string().is_ok_and(|salt| (MIN_SALT_CHARACTERS..=MAX_SALT_CHARACTERS).contains(&salt.len()))
        };
        if !salt.as_ref().is_some_and(is_salt) {
            return Err(DisclosureError::Malformed);
        }
        match (parts.next(), parts.next(), parts.next()) {
            (Some(value), None, None) => Ok(Self { kind: DisclosureKind::Item, value }),
            (Some(Json::String(name)), Some(value), None) => {
                Ok(Self { kind: DisclosureKind::Member(name), value })
            }
            _other => Err(DisclosureError::Malformed),
        }
    }

    /// The digest of a disclosure, from its text: as it stands in the payload.
    #[must_use]
    pub fn digest(text: &[u8]) -> String {
        encode_base64url(&Sha256::digest(text))
    }

    /// Composes the text of a disclosure. `salt` is from a source of secrets and used once.
    #[must_use]
    pub fn compose(salt: &[u8; 16], kind: &DisclosureKind, value: &Json) -> String {
        let mut json = String::from("[");
        push_string(&mut json, &encode_base64url(salt));
        json.push(',');
        if let DisclosureKind::Member(name) = kind {
            push_string(&mut json, name);
            json.push(',');
        }
        value.push_to(&mut json);
        json.push(']');
        encode_base64url(json.as_bytes())
    }

    /// What it is of.
    #[must_use]
    pub const fn kind(&self) -> &DisclosureKind {
        &self.kind
    }

    /// The disclosed value, with what is hidden inside it still hidden.
    #[must_use]
    pub const fn value(&self) -> &Json {
        &self.value
    }

    pub(super) fn into_parts(self) -> (DisclosureKind, Json) {
        (self.kind, self.value)
    }
}

/// `specs/presentation.md#disclosures`: 96 bits in base64url. Salts of 128 bits have 22 characters.
pub const MIN_SALT_CHARACTERS: usize = 16;

/// `specs/presentation.md#disclosures`.
pub const MAX_SALT_CHARACTERS: usize = 128;
