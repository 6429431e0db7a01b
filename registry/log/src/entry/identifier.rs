//! Pure. The identifiers that entries hold, each its own type: a list is no issuer and an issuer is no key.

use alloc::string::String;
use core::fmt;

use crate::number::{decode_hex_exact, write_hex};

/// The SHA-256 JWK thumbprint of a key (RFC 7638).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint(pub [u8; 32]);

/// The digest of an issuer's URL: [`crate::entry::issuer_hash`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerHash(pub [u8; 32]);

/// The digest of a log's origin: [`crate::entry::origin_hash`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginHash(pub [u8; 32]);

/// The random name of a status list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub [u8; 16]);

impl Thumbprint {
    /// Lower-case hexadecimal, 64 characters.
    #[must_use]
    pub fn to_hex(&self) -> String {
        alloc::format!("{self}")
    }

    /// Reads what [`Thumbprint::to_hex`] writes; `None` for any other text, upper case included.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        decode_hex_exact(text).map(Self)
    }
}

impl IssuerHash {
    /// Lower-case hexadecimal, 64 characters.
    #[must_use]
    pub fn to_hex(&self) -> String {
        alloc::format!("{self}")
    }

    /// Reads what [`IssuerHash::to_hex`] writes; `None` for any other text, upper case included.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        decode_hex_exact(text).map(Self)
    }
}

impl OriginHash {
    /// Lower-case hexadecimal, 64 characters.
    #[must_use]
    pub fn to_hex(&self) -> String {
        alloc::format!("{self}")
    }

    /// Reads what [`OriginHash::to_hex`] writes; `None` for any other text, upper case included.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        decode_hex_exact(text).map(Self)
    }
}

impl ListId {
    /// Lower-case hexadecimal, 32 characters: the spelling of a list's URI.
    #[must_use]
    pub fn to_hex(&self) -> String {
        alloc::format!("{self}")
    }

    /// Reads what [`ListId::to_hex`] writes; `None` for any other text, upper case included.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        decode_hex_exact(text).map(Self)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Display for IssuerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for IssuerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Display for OriginHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for OriginHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}
