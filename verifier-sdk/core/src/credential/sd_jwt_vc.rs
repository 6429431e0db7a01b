//! Pure. The form `dc+sd-jwt`: an IETF SD-JWT VC, whose claims stand beside those of the JWT.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::did::issuer_url;
use super::form::url;
use super::{Credential, CredentialError, StatusReference, broken, holder, numeric_date};
use crate::json::{Json, Object};

/// Reads the payload of a `dc+sd-jwt`: what is in the clear.
//= specs/credential.md#form-dcsd-jwt
pub(super) fn parse(claims: &Object) -> Result<Credential, CredentialError> {
    for name in OF_OTHER_FORMS {
        if claims.get(name).is_some() {
            return Err(broken(name, "must not be there"));
        }
    }
    let issuer = url(claims, "iss")?.ok_or_else(|| broken("iss", "is missing"))?;
    let id = url(claims, "jti")?.ok_or_else(|| broken("jti", "is missing"))?;
    if type_of(claims).is_none() {
        return Err(broken("vct", "is not the URL of a type below the issuer's"));
    }
    if claims.get("vct#integrity").is_some_and(|hash| hash.string().is_err()) {
        return Err(broken("vct#integrity", "is not a string"));
    }
    let valid_from = numeric_date(claims, "nbf")?.ok_or_else(|| broken("nbf", "is missing"))?;
    let valid_until = numeric_date(claims, "exp")?;
    numeric_date(claims, "iat")?;
    if valid_until.is_some_and(|until| until < valid_from) {
        return Err(broken("exp", "is before nbf"));
    }
    if claims.get("sub").is_some_and(|subject| subject.string().is_err()) {
        return Err(broken("sub", "is not a string"));
    }
    let status = StatusReference::parse_token(claims)?;
    let holder = holder(claims)?;
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

/// The URL of a type of credentials below its issuer's.
//= specs/credential.md#form-dcsd-jwt
#[must_use]
pub fn vct(issuer_url: &str, type_name: &str) -> String {
    [issuer_url, TYPES, type_name, VERSION].concat()
}

/// The name of the type that `vct` is the URL of.
fn type_of(claims: &Object) -> Option<&str> {
    let issuer = issuer_url(claims.string("iss").ok()?);
    let name =
        claims.string("vct").ok()?.strip_prefix(&*issuer)?.strip_prefix(TYPES)?.strip_suffix(VERSION)?;
    let is_name = !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric());
    is_name.then_some(name)
}

/// The claims, with what was disclosed of them, as a document of VC 2.0: whatever is not about the credential is about its subject.
pub(super) fn document(claims: Object) -> Json {
    let name = type_of(&claims).map(|name| Json::String(name.into()));
    let types = [Json::String("VerifiableCredential".into())].into_iter().chain(name).collect();
    let (mut document, mut subject) = (vec![("type".into(), Json::Array(types))], Vec::new());
    for (name, value) in claims.into_members() {
        match name.as_str() {
            "jti" => document.push(("id".into(), value)),
            "iss" => document.push(("issuer".into(), value)),
            _ if IN_THE_CLEAR.contains(&name.as_str()) => {}
            _ => subject.push((name, value)),
        }
    }
    // No name twice: those of the subject are of one object.
    document.extend(
        Object::from_members(subject).map(|subject| ("credentialSubject".into(), Json::Object(subject))),
    );
    Object::from_members(document).map_or(Json::Null, Json::Object)
}

/// Members of a document of W3C: with them a payload would say everything twice.
const OF_OTHER_FORMS: [&str; 5] = ["@context", "credentialStatus", "credentialSubject", "vc", "vp"];

/// Claims about the credential and not about its subject. A verifier decides by them, so that no holder may keep them back or
/// bring them in: those of draft-ietf-oauth-sd-jwt-vc-13 section 3.2.2.2, and ours.
pub const IN_THE_CLEAR: &[&str] = &[
    "@context",
    "aka_vcts",
    "cnf",
    "credentialStatus",
    "credentialSubject",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "status",
    "sub",
    "vc",
    "vct",
    "vct#integrity",
    "vp",
];

const TYPES: &str = "/credential-types/";

const VERSION: &str = "/v1";
