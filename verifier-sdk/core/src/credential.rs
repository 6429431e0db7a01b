//! Pure. The claims of a credential (W3C VC 2.0) and the rules that they keep.
//!
//! # In scope
//! The form of the document: what is there, of which kind, and consistent in itself.
//!
//! # Out of scope
//! The signature ([`crate::jws`]); whether its dates, its status and its issuer are good today (the rules).

use alloc::string::{String, ToString};
use core::fmt;

use sillok_log::UnixSeconds;
use sillok_log::entry::MAX_TIME;

use crate::datetime::DateTimeStamp;
use crate::format::Format;
use crate::json::{Json, Object};
use crate::key::PublicKey;

mod did;
mod form;
mod jwt_vc;
mod sd_jwt_vc;
mod status;

pub use did::did_web;
pub(crate) use did::issuer_url;
pub use form::{check_base_context, has_type, is_url};
pub use sd_jwt_vc::{IN_THE_CLEAR, vct};
pub use status::StatusReference;

/// What a verifier needs of a credential whose document is in order. The claims themselves stay in the JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credential {
    /// `id` or `jti`, an absolute URL.
    pub id: String,
    /// The issuer's id: `issuer` or `issuer.id`, and `iss`; of a did:web the URL that it stands for.
    pub issuer: String,
    /// `validFrom`, rounded down, or `nbf` in the forms that have no other.
    pub valid_from: UnixSeconds,
    /// `validUntil`, rounded down, or `exp` in the forms that have no other.
    pub valid_until: Option<UnixSeconds>,
    /// `nbf`: the signature is good from here.
    pub not_before: Option<UnixSeconds>,
    /// `exp`: the signature is good until here.
    pub expires: Option<UnixSeconds>,
    /// The slot of the credential.
    pub status: StatusReference,
    /// `cnf.jwk`: the holder's key.
    pub holder: Option<PublicKey>,
}

impl Credential {
    /// Reads the payload of a credential of this form and checks every rule that the document can break by itself.
    ///
    /// # Errors
    /// The first rule that it breaks; that two members name two issuers comes last.
    //= specs/credential.md#forms
    pub fn parse_as(format: Format, payload: &Json) -> Result<Self, CredentialError> {
        let claims = payload.object().map_err(|_error| broken("", "is not an object"))?;
        match format {
            Format::DcSdJwt => sd_jwt_vc::parse(claims),
            Format::JwtVcJson => jwt_vc::parse(claims),
            Format::VcJwt | Format::VcSdJwt => Self::parse(payload),
        }
    }

    /// Reads the payload of a credential of VC 2.0 and checks every rule that the document can break by itself.
    ///
    /// # Errors
    /// The first rule that it breaks; that `iss` is not the issuer comes last.
    //= specs/credential.md#payload
    pub fn parse(payload: &Json) -> Result<Self, CredentialError> {
        let claims = payload.object().map_err(|_error| broken("", "is not an object"))?;
        for name in ["vc", "vp"] {
            // Claims of the JWT encoding of VC 1.1: with them a document would say everything twice.
            if claims.get(name).is_some() {
                return Err(broken(name, "must not be there"));
            }
        }
        form::check_context(claims, &form::CONTEXT_2)?;
        let id = form::url(claims, "id")?.ok_or_else(|| broken("id", "is missing"))?;
        form::check_type(claims)?;
        let issuer = issuer(claims)?;
        let (valid_from, valid_until) = validity(claims)?;
        form::check_subject(claims)?;
        form::check_optional_members(claims)?;
        let status = StatusReference::parse(claims)?;
        let holder = holder(claims)?;
        let not_before = numeric_date(claims, "nbf")?;
        let expires = numeric_date(claims, "exp")?;
        // Nothing follows from the time of signing, but of another kind it is no NumericDate.
        numeric_date(claims, "iat")?;
        if claims.get("iss").and_then(|iss| iss.string().ok()) != Some(issuer) {
            return Err(CredentialError::IssuerMismatch);
        }
        let (id, issuer) = (id.to_string(), issuer_url(issuer).into_owned());
        Ok(Self { id, issuer, valid_from, valid_until, not_before, expires, status, holder })
    }
}

/// Whether a document of VC 2.0, of whomever, has the form that the W3C data model gives to credentials: what [`Credential::parse`] asks
/// beyond that is asked of ours. Which types it has, and that their names mean something, is left to the caller.
///
/// # Errors
/// The first rule that it breaks.
//= specs/vcalm.md#documents
pub fn check_document(claims: &Object) -> Result<(), CredentialError> {
    form::check_context(claims, &form::CONTEXT_2)?;
    form::url(claims, "id")?;
    issuer(claims)?;
    let (from, until) = (date_time(claims, "validFrom")?, date_time(claims, "validUntil")?);
    if let (Some(from), Some(until)) = (from, until)
        && until < from
    {
        return Err(broken("validUntil", "is before validFrom"));
    }
    form::check_subject(claims)?;
    form::check_optional_members(claims)?;
    if let Some(Json::Object(issuer)) = claims.get("issuer") {
        form::check_names(issuer)?;
    }
    form::check_statuses(claims)
}

/// The claims of a payload that [`Credential::parse_as`] has read, with what was disclosed of them, in the members of VC 2.0 that
/// rules and callers look at, whatever form they came in.
//= specs/credential.md#document
pub(crate) fn document(format: Format, claims: Json) -> Json {
    match (format, claims) {
        (Format::DcSdJwt, Json::Object(claims)) => sd_jwt_vc::document(claims),
        (Format::JwtVcJson, Json::Object(claims)) => jwt_vc::document(claims),
        (_of_these_members, claims) => claims,
    }
}

/// Checks what disclosures can break in a payload that [`Credential::parse_as`] has read: all that is hidden is in the subject.
pub(crate) fn check_disclosed(payload: &Json) -> Result<(), CredentialError> {
    let claims = payload.object().map_err(|_error| broken("", "is not an object"))?;
    form::check_disclosed_subject(claims)
}

/// The issuer's id: a URL, or an object with one.
fn issuer(claims: &Object) -> Result<&str, CredentialError> {
    let found = match claims.get("issuer") {
        Some(Json::Object(issuer)) => form::url(issuer, "id"),
        Some(_) | None => form::url(claims, "issuer"),
    };
    found.ok().flatten().ok_or_else(|| broken("issuer", "is neither a URL nor an object whose id is one"))
}

/// `validFrom` and `validUntil`, compared with their fractions.
fn validity(claims: &Object) -> Result<(UnixSeconds, Option<UnixSeconds>), CredentialError> {
    let from = date_time(claims, "validFrom")?.ok_or_else(|| broken("validFrom", "is missing"))?;
    let until = date_time(claims, "validUntil")?;
    if until.is_some_and(|until| until < from) {
        return Err(broken("validUntil", "is before validFrom"));
    }
    Ok((from.floor(), until.map(DateTimeStamp::floor)))
}

fn date_time<'a>(
    claims: &'a Object,
    member: &'static str,
) -> Result<Option<DateTimeStamp<'a>>, CredentialError> {
    let Some(value) = claims.get(member) else { return Ok(None) };
    let stamp = value.string().ok().and_then(DateTimeStamp::parse);
    stamp.map(Some).ok_or_else(|| broken(member, "is not an xsd:dateTimeStamp with a zone"))
}

/// A NumericDate (RFC 7519 section 2) in whole seconds: one that is not understood is never treated as absent.
fn numeric_date(claims: &Object, member: &'static str) -> Result<Option<UnixSeconds>, CredentialError> {
    let Some(value) = claims.get(member) else { return Ok(None) };
    match value.unsigned() {
        Ok(seconds) if seconds <= MAX_TIME.0 => Ok(Some(UnixSeconds(seconds))),
        Ok(_) | Err(_) => Err(broken(member, "is not whole seconds from 1970 to 9999")),
    }
}

/// The holder's key in `cnf` (RFC 7800 section 3.2).
fn holder(claims: &Object) -> Result<Option<PublicKey>, CredentialError> {
    let Some(confirmation) = claims.get("cnf") else { return Ok(None) };
    let key = confirmation.get("jwk").and_then(|jwk| PublicKey::from_jwk(jwk).ok());
    key.map(Some).ok_or_else(|| broken("cnf", "does not hold the jwk of a P-256 or Ed25519 public key"))
}

const fn broken(member: &'static str, rule: &'static str) -> CredentialError {
    CredentialError::Nonconforming { member, rule }
}

/// Why a document is not one of our credentials. It repeats no claim: claims are personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// `iss` is not the issuer's id.
    IssuerMismatch,
    /// A member breaks a rule.
    Nonconforming {
        /// The member; empty for the payload itself.
        member: &'static str,
        /// What is wrong with it, as the end of a sentence.
        rule: &'static str,
    },
}

impl CredentialError {
    /// The code of `specs/verification.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IssuerMismatch => "credential.issuer-mismatch",
            Self::Nonconforming { .. } => "credential.nonconforming",
        }
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerMismatch => f.write_str("credential member iss is not the id of its issuer"),
            Self::Nonconforming { member: "", rule } => write!(f, "credential payload {rule}"),
            Self::Nonconforming { member, rule } => write!(f, "credential member {member} {rule}"),
        }
    }
}

impl core::error::Error for CredentialError {}
