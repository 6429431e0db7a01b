//! Pure. The form `jwt_vc_json`: W3C VC 1.1 in the claim `vc` of a JWT.

use alloc::string::ToString;

use sillok_log::UnixSeconds;

use super::did::issuer_url;
use super::form::{self, url};
use super::{Credential, CredentialError, StatusReference, broken, holder, numeric_date};
use crate::datetime::DateTimeStamp;
use crate::json::{Json, Object};

/// Reads the payload of a `jwt_vc_json`.
//= specs/credential.md#form-jwt_vc_json
pub(super) fn parse(claims: &Object) -> Result<Credential, CredentialError> {
    // Members of other forms: with them a document would say everything twice.
    for name in ["@context", "credentialStatus", "credentialSubject", "issuer", "type", "vct", "vp"] {
        if claims.get(name).is_some() {
            return Err(broken(name, "must not be there"));
        }
    }
    let vc = claims.get(VC).and_then(|vc| vc.object().ok()).ok_or_else(|| broken(VC, "is not an object"))?;
    if vc.get("validFrom").is_some() || vc.get("validUntil").is_some() || vc.get("cnf").is_some() {
        return Err(broken(VC, "has members of VC 2.0"));
    }
    form::check_context(vc, &form::CONTEXT_1)?;
    form::check_type(vc)?;
    let issuer = url(claims, "iss")?.ok_or_else(|| broken("iss", "is missing"))?;
    let id = url(claims, "jti")?.ok_or_else(|| broken("jti", "is missing"))?;
    if vc.get("id").is_some_and(|own| own.string() != Ok(id)) {
        return Err(broken(VC, "has another id than jti"));
    }
    let valid_from = numeric_date(claims, "nbf")?.ok_or_else(|| broken("nbf", "is missing"))?;
    let valid_until = numeric_date(claims, "exp")?;
    numeric_date(claims, "iat")?;
    if valid_until.is_some_and(|until| until < valid_from) {
        return Err(broken("exp", "is before nbf"));
    }
    if !agrees(vc, "issuanceDate", Some(valid_from)) || !agrees(vc, "expirationDate", valid_until) {
        return Err(broken(VC, "has other dates than nbf and exp"));
    }
    check_subject(claims, vc)?;
    form::check_optional_members(vc)?;
    let status = StatusReference::parse_both(claims, vc)?;
    let holder = holder(claims)?;
    let own = match vc.get("issuer") {
        Some(Json::Object(issuer)) => issuer.get("id"),
        own => own,
    };
    if vc.get("issuer").is_some() && own.and_then(|own| own.string().ok()) != Some(issuer) {
        return Err(CredentialError::IssuerMismatch);
    }
    Ok(Credential {
        id: id.to_string(),
        issuer: issuer_url(issuer).into_owned(),
        valid_from,
        valid_until,
        not_before: None,
        expires: None,
        status,
        holder,
    })
}

/// One subject, whose id is `sub`.
fn check_subject(claims: &Object, vc: &Object) -> Result<(), CredentialError> {
    let member = "credentialSubject";
    let subject = vc.object(member).map_err(|_error| broken(member, "is not one object"))?;
    if subject.is_empty() {
        return Err(broken(member, "is empty"));
    }
    let id = url(subject, "id").map_err(|_error| broken(member, "has an id that is not an absolute URL"))?;
    let sub = url(claims, "sub")?;
    if id.is_some() && id != sub { Err(broken("sub", "is not the id of the subject")) } else { Ok(()) }
}

/// Whether a date of the document, if it is there, is that of the JWT.
fn agrees(vc: &Object, member: &str, date: Option<UnixSeconds>) -> bool {
    let Some(value) = vc.get(member) else { return true };
    let stamp = value.string().ok().and_then(DateTimeStamp::parse);
    stamp.is_some_and(|stamp| Some(stamp.floor()) == date)
}

/// The claims as a document: what is in `vc`, with what stands beside it only.
pub(super) fn document(claims: Object) -> Json {
    let mut members = claims.into_members();
    let mut take = |name: &str| {
        let place = members.iter().position(|(known, _value)| known == name)?;
        Some(members.swap_remove(place).1)
    };
    let (vc, id, issuer) = (take(VC), take("jti"), take("iss"));
    let mut document: alloc::vec::Vec<_> =
        vc.and_then(|vc| vc.into_object().ok()).map(Object::into_members).unwrap_or_default();
    for (name, value) in [("id", id), ("issuer", issuer)] {
        if let Some(value) = value.filter(|_value| document.iter().all(|(known, _value)| known != name)) {
            document.push((name.into(), value));
        }
    }
    Object::from_members(document).map_or(Json::Null, Json::Object)
}

/// The claim that holds the credential (W3C VC Data Model 1.1 section 6.3.1).
const VC: &str = "vc";
