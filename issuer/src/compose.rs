//! Composes the exact bytes of a credential. No clock, no randomness, no file: the same arguments give the same bytes.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sillok_log::UnixSeconds;
use sillok_verifier::key::PublicKey;

use crate::slots::Slot;
use crate::types::{Claims, CredentialType};

/// All that a credential says.
#[derive(Clone, Copy)]
pub struct Composition<'a> {
    /// The issuer's URL, without a slash at its end: its id, and what its lists and contexts are below.
    pub issuer: &'a str,
    /// What people call the issuer.
    pub issuer_name: &'a str,
    /// The type.
    pub kind: &'a CredentialType,
    /// The claims, checked against the type.
    pub claims: &'a Claims,
    /// The credential's `id`, for instance from [`credential_id`].
    pub id: &'a str,
    /// Its slot, which nobody else has.
    pub slot: Slot,
    /// The holder's key, if it is bound to one.
    pub holder: Option<&'a PublicKey>,
    /// From when on it is valid.
    pub valid_from: UnixSeconds,
}

/// The payload, members in the order of specs/credential.md.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "@context")]
    context: [&'a str; 2],
    id: &'a str,
    #[serde(rename = "type")]
    types: [&'a str; 2],
    issuer: Issuer<'a>,
    iss: &'a str,
    #[serde(rename = "validFrom")]
    valid_from: String,
    #[serde(rename = "validUntil")]
    valid_until: String,
    #[serde(rename = "credentialSubject")]
    subject: &'a Value,
    #[serde(rename = "credentialStatus")]
    status: [StatusEntry<'a>; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

#[derive(Serialize)]
struct Issuer<'a> {
    id: &'a str,
    name: &'a str,
}

/// W3C Bitstring Status List v1.0 section 2.1.
#[derive(Serialize)]
struct StatusEntry<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "statusPurpose")]
    purpose: &'static str,
    #[serde(rename = "statusListIndex")]
    index: &'a str,
    #[serde(rename = "statusListCredential")]
    list: String,
}

/// RFC 7800 section 3.2.
#[derive(Serialize)]
struct Confirmation {
    jwk: Box<RawValue>,
}

/// Composes the payload of a credential: the exact JSON text to sign.
///
/// # Errors
/// A time beyond the year 9999.
//= specs/credential.md#payload
pub fn compose(of: &Composition<'_>) -> Result<String, ComposeError> {
    let context = context_url(of.issuer, of.kind);
    let index = of.slot.index.to_string();
    let uri = status_uri(of.issuer, &of.slot);
    //= specs/credential.md#credentialstatus
    let status = ["revocation", "suspension"].map(|purpose| StatusEntry {
        kind: "BitstringStatusListEntry",
        purpose,
        index: &index,
        list: format!("{uri}/{purpose}"),
    });
    let validity_seconds = u64::from(of.kind.validity_days()) * DAY_SECONDS;
    let jwk = |key: &PublicKey| RawValue::from_string(key.to_jwk_json());
    let cnf = of.holder.map(jwk).transpose().map_err(|source| ComposeError::Json { source })?;
    let payload = Payload {
        context: [CONTEXT_V2, &context],
        id: of.id,
        types: ["VerifiableCredential", of.kind.type_name()],
        issuer: Issuer { id: of.issuer, name: of.issuer_name },
        iss: of.issuer,
        valid_from: date_time_stamp(of.valid_from)?,
        valid_until: date_time_stamp(UnixSeconds(of.valid_from.0.saturating_add(validity_seconds)))?,
        subject: &of.claims.0,
        status,
        cnf: cnf.map(|jwk| Confirmation { jwk }),
    };
    serde_json::to_string(&payload).map_err(|source| ComposeError::Json { source })
}

/// The `id` of a credential: a version 4 UUID (RFC 9562 section 5.4) of 16 random bytes.
#[must_use]
pub fn credential_id(random: &[u8; 16]) -> String {
    let mut bits = u128::from_be_bytes(*random);
    bits = (bits & !(0xf << 76)) | (0x4 << 76);
    bits = (bits & !(0x3 << 62)) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// The base URI of a slot's list: `<issuer>/status/<32 hex digits>` (specs/status.md).
#[must_use]
pub fn status_uri(issuer: &str, slot: &Slot) -> String {
    format!("{issuer}/status/{}", slot.list.to_hex())
}

/// The URL of a type's JSON-LD context, below the issuer's.
#[must_use]
pub fn context_url(issuer: &str, kind: &CredentialType) -> String {
    format!("{issuer}{}", context_path(kind))
}

/// The path of a type's JSON-LD context below the issuer's URL.
#[must_use]
pub fn context_path(kind: &CredentialType) -> String {
    format!("/contexts/{}/v1", kind.name())
}

/// The JSON-LD context document of a type (media type `application/ld+json`).
#[must_use]
pub fn context_document(kind: &CredentialType) -> String {
    serde_json::json!({ "@context": kind.context() }).to_string()
}

/// An `xsd:dateTimeStamp` in UTC.
///
/// # Errors
/// A time beyond the year 9999.
pub fn date_time_stamp(time: UnixSeconds) -> Result<String, ComposeError> {
    let seconds = i64::try_from(time.0).ok();
    let stamp = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let stamp = stamp.filter(|_stamp| time <= sillok_log::entry::MAX_TIME);
    stamp.map(|stamp| stamp.to_string()).ok_or(ComposeError::Time { time })
}

/// Why a credential is not composed.
#[derive(Debug)]
pub enum ComposeError {
    /// The serialiser refused.
    Json {
        /// What it says.
        source: serde_json::Error,
    },
    /// A time beyond the year 9999.
    Time {
        /// The time.
        time: UnixSeconds,
    },
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { source } => write!(f, "cannot write the credential as JSON: {source}"),
            Self::Time { time } => {
                write!(f, "credential would have the time {}, beyond the year 9999", time.0)
            }
        }
    }
}

impl std::error::Error for ComposeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json { source } => Some(source),
            Self::Time { .. } => None,
        }
    }
}

/// The base context of W3C VC 2.0 (section 4.3).
const CONTEXT_V2: &str = "https://www.w3.org/ns/credentials/v2";

const DAY_SECONDS: u64 = 86_400;
