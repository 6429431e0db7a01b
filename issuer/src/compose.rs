//! Composes the exact bytes of a credential. No clock, no randomness of its own, no file: the same arguments give the same bytes.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sillok_log::UnixSeconds;
use sillok_verifier::credential::did_web;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::key::PublicKey;
use sillok_verifier::sd_jwt::{Concealed, conceal};

use crate::format::Format;
use crate::slots::Slot;
use crate::types::{Claims, CredentialType};

mod jwt_vc;
mod sd_jwt_vc;
mod vc;

/// All that a credential says.
#[derive(Clone, Copy)]
pub struct Composition<'a> {
    /// The form.
    pub format: Format,
    /// The issuer's URL, without a slash at its end: its id, and what its lists, contexts and types are below.
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
    /// The id under which the holder's wallet knows that key, for forms that name the holder by one.
    pub holder_did: Option<&'a str>,
    /// From when on it is valid.
    pub valid_from: UnixSeconds,
}

/// What is to be signed, and what shows the parts of it that are hidden. No `Debug`: it is about a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Composed {
    /// The exact JSON text of the payload.
    pub payload: String,
    /// The disclosures; empty in forms that have none.
    pub disclosures: Vec<String>,
}

/// Composes the payload of a credential. `random` gives 128 new random bits at each call: a salt, or a decoy.
///
/// # Errors
/// A time beyond the year 9999, or claims that the form cannot hold.
//= specs/credential.md#forms
pub fn compose(of: &Composition<'_>, random: &mut dyn FnMut() -> [u8; 16]) -> Result<Composed, ComposeError> {
    match of.format {
        Format::DcSdJwt => sd_jwt_vc::compose(of, random),
        Format::JwtVcJson => plain(jwt_vc::compose(of)?),
        Format::VcJwt => plain(vc::compose(of, &of.claims.0, None)?),
        Format::VcSdJwt => {
            let Concealed { value, disclosures } = hide(of, random)?;
            let algorithm = (!of.kind.selective().is_empty()).then_some(SD_ALGORITHM);
            Ok(Composed { payload: vc::compose(of, &raw(&value)?, algorithm)?, disclosures })
        }
    }
}

fn plain(payload: String) -> Result<Composed, ComposeError> {
    Ok(Composed { payload, disclosures: Vec::new() })
}

/// The claims with what the type hides taken out.
fn hide(of: &Composition<'_>, random: &mut dyn FnMut() -> [u8; 16]) -> Result<Concealed, ComposeError> {
    let text = serde_json::to_string(&of.claims.0).map_err(|source| ComposeError::Json { source })?;
    // They were read within narrower ones.
    let limits = Limits { bytes: text.len(), depth: 16, values: 2_048 };
    let claims = Json::parse(text.as_bytes(), &limits).map_err(|error| unfit(&error))?;
    let concealed = conceal(&claims, of.kind.selective(), of.kind.decoys(), random);
    // The schema admits names that hide, and the claims have one.
    concealed.ok_or_else(|| ComposeError::Claim { name: "_sd".into() })
}

fn raw(value: &Json) -> Result<Box<RawValue>, ComposeError> {
    let mut text = String::new();
    value.push_to(&mut text);
    RawValue::from_string(text).map_err(|source| ComposeError::Json { source })
}

/// What the checks before composing have let through.
fn unfit(what: &dyn fmt::Display) -> ComposeError {
    ComposeError::Json { source: serde::ser::Error::custom(what) }
}

/// How the issuer names itself in a form: by its URL, and in the forms that strangers' wallets read by its did:web, if its URL has
/// one.
//= specs/credential.md#issuer-ids
#[must_use]
pub fn issuer_id(format: Format, issuer: &str) -> Cow<'_, str> {
    match format {
        Format::DcSdJwt | Format::JwtVcJson => did_web(issuer).map_or(Cow::Borrowed(issuer), Cow::Owned),
        Format::VcJwt | Format::VcSdJwt => Cow::Borrowed(issuer),
    }
}

/// What stands before the thumbprint in `kid`, and `#`: the issuer's id where it is a DID, whose document has that fragment.
#[must_use]
pub fn key_prefix(format: Format, issuer: &str) -> Option<String> {
    let id = issuer_id(format, issuer);
    (id != issuer).then(|| id.into_owned())
}

/// The URL of a type, as `vct` of a `dc+sd-jwt` has it, where its metadata are.
#[must_use]
pub fn vct(issuer: &str, kind: &CredentialType) -> String {
    sillok_verifier::credential::vct(issuer, kind.type_name())
}

/// RFC 7800 section 3.2.
#[derive(Serialize)]
struct Confirmation {
    jwk: Box<RawValue>,
}

impl Confirmation {
    fn of(key: Option<&PublicKey>) -> Result<Option<Self>, ComposeError> {
        let jwk = key.map(|key| RawValue::from_string(key.to_jwk_json())).transpose();
        Ok(jwk.map_err(|source| ComposeError::Json { source })?.map(|jwk| Self { jwk }))
    }
}

/// `status` of draft-ietf-oauth-status-list-21 section 6.2.
#[derive(Serialize)]
struct TokenStatus {
    status_list: TokenEntry,
}

#[derive(Serialize)]
struct TokenEntry {
    idx: u32,
    uri: String,
}

impl TokenStatus {
    //= specs/credential.md#status
    fn of(composition: &Composition<'_>) -> Self {
        let uri = format!("{}/token", status_uri(composition.issuer, &composition.slot));
        Self { status_list: TokenEntry { idx: composition.slot.index, uri } }
    }
}

impl Composition<'_> {
    /// When it is valid no more.
    fn valid_until(&self) -> UnixSeconds {
        let seconds = u64::from(self.kind.validity_days()) * DAY_SECONDS;
        UnixSeconds(self.valid_from.0.saturating_add(seconds))
    }
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

/// A NumericDate (RFC 7519 section 2).
fn numeric_date(time: UnixSeconds) -> Result<u64, ComposeError> {
    if time > sillok_log::entry::MAX_TIME { Err(ComposeError::Time { time }) } else { Ok(time.0) }
}

/// Why a credential is not composed.
#[derive(Debug)]
pub enum ComposeError {
    /// A claim has a name that means something else in this form.
    Claim {
        /// The name.
        name: String,
    },
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
            Self::Claim { name } => {
                write!(
                    f,
                    "credential of this form cannot have a claim named {name:?}, which means something else"
                )
            }
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
            Self::Claim { .. } | Self::Time { .. } => None,
        }
    }
}

/// The hash of digests (RFC 9901 section 4.1.1).
const SD_ALGORITHM: &str = "sha-256";

const DAY_SECONDS: u64 = 86_400;
