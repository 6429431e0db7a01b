//! Pure. The digests that entries hold. Each begins with its own domain and prefixes what varies with its length.

use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::Hash;
use crate::entry::{Document, IssuerHash, OriginHash};

//= specs/entry.md#domains
/// The blinded commitment of an issue entry to one credential.
///
/// `signing_input` is the exact `BASE64URL(header) || "." || BASE64URL(payload)` of the compact JWS (RFC 7515
/// section 5.1): the signature is left out because ECDSA allows a second one for the same credential.
#[must_use]
pub fn commitment(nonce: &[u8; 32], signing_input: &[u8]) -> Hash {
    Hash(
        domain("sillok/issue/v1")
            .chain_update(nonce)
            .chain_update(Sha256::digest(signing_input))
            .finalize()
            .into(),
    )
}

/// The blinded commitment of an issue entry to who issued it, where, and for which event.
///
/// # Errors
/// A field longer than [`MAX_FIELD_BYTES`].
pub fn provenance(
    nonce: &[u8; 32],
    operator: &str,
    facility: &str,
    source_event: &str,
) -> Result<Hash, FieldTooLong> {
    let hash = domain("sillok/provenance/v1").chain_update(nonce);
    let hash = field(hash, "operator", operator)?;
    let hash = field(hash, "facility", facility)?;
    let hash = field(hash, "source event", source_event)?;
    Ok(Hash(hash.finalize().into()))
}

/// The digest by which entries name an issuer.
///
/// # Errors
/// A URL longer than [`MAX_FIELD_BYTES`].
pub fn issuer_hash(issuer: &str) -> Result<IssuerHash, FieldTooLong> {
    let hash = field(domain("sillok/issuer/v1"), "issuer", issuer)?;
    Ok(IssuerHash(hash.finalize().into()))
}

/// The digest by which the cuts of a key name a log.
///
/// # Errors
/// An origin longer than [`MAX_FIELD_BYTES`].
pub fn origin_hash(origin: &str) -> Result<OriginHash, FieldTooLong> {
    let hash = field(domain("sillok/origin/v1"), "origin", origin)?;
    Ok(OriginHash(hash.finalize().into()))
}

/// The digest by which a bundle entry names the text of a trust document.
#[must_use]
pub fn document_digest(document: Document, text: &str) -> Hash {
    // A text longer than 2^64 bytes does not fit into any memory that this runs in.
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    let hash = domain("sillok/bundle/v1").chain_update([document.code()]);
    Hash(hash.chain_update(length.to_be_bytes()).chain_update(text).finalize().into())
}

/// `D(text)` of the specification. The texts are the five above and the one of [`crate::status`], all short.
pub(crate) fn domain(text: &'static str) -> Sha256 {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    Sha256::new().chain_update([length]).chain_update(text)
}

/// Appends `LP16(value)`.
fn field(hash: Sha256, name: &'static str, value: &str) -> Result<Sha256, FieldTooLong> {
    let Ok(length) = u16::try_from(value.len()) else {
        return Err(FieldTooLong { field: name, bytes: value.len() });
    };
    Ok(hash.chain_update(length.to_be_bytes()).chain_update(value))
}

/// A text is too long for its length prefix of two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldTooLong {
    /// Which text.
    pub field: &'static str,
    /// Its length in bytes.
    pub bytes: usize,
}

impl fmt::Display for FieldTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes is longer than {MAX_FIELD_BYTES}", self.field, self.bytes)
    }
}

impl core::error::Error for FieldTooLong {}

/// Longest text under a digest in bytes: what the prefix `u16` of `LP16` in specs/entry.md can say.
pub const MAX_FIELD_BYTES: usize = 65_535;
