//! Pure. The forms of W3C VC 2.0 members: URLs, contexts, types, subjects, and the members that need not be there.

use alloc::vec::Vec;
use core::slice;

use super::{CredentialError, broken};
use crate::json::{Json, Object};

/// The member, when it is there, which then is an absolute URL.
pub(super) fn url<'a>(object: &'a Object, member: &'static str) -> Result<Option<&'a str>, CredentialError> {
    let Some(value) = object.get(member) else { return Ok(None) };
    let text = value.string().ok().filter(|text| is_url(text));
    text.map(Some).ok_or_else(|| broken(member, "is not an absolute URL"))
}

/// Whether a text is a URI with a scheme (RFC 3986 section 3) in ASCII, and for http and https has a host.
#[must_use]
pub fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_is_one = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'));
    // What RFC 3986 never writes: controls, spaces, quotes, brackets of other notations, anything beyond ASCII.
    let characters_are_some = rest.bytes().all(|c| {
        c.is_ascii_graphic() && !matches!(c, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    });
    let percents_are_escapes = rest.split('%').skip(1).all(|escape| {
        matches!(escape.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    });
    let host_is_there = match scheme {
        "http" | "https" => {
            rest.strip_prefix("//").is_some_and(|host| !host.is_empty() && !host.starts_with(['/', '?', '#']))
        }
        _another => !rest.is_empty(),
    };
    scheme_is_one && characters_are_some && percents_are_escapes && host_is_there
}

/// `@context` of VC 2.0: an array; the first item is the base context, the others are URLs or contexts.
///
/// # Errors
/// Another form.
pub fn check_base_context(claims: &Object) -> Result<(), CredentialError> {
    check_context(claims, &CONTEXT_2)
}

/// `@context`: an array; the first item is that of the data model, the others are URLs or contexts.
pub(super) fn check_context(claims: &Object, base: &BaseContext) -> Result<(), CredentialError> {
    let items = claims.array("@context").map_err(|_error| broken("@context", "is not an array"))?;
    let Some((first, rest)) = items.split_first() else {
        return Err(broken("@context", "is empty"));
    };
    if first.string() != Ok(base.url) {
        return Err(broken("@context", base.otherwise));
    }
    let known = |item: &Json| item.object().is_ok() || item.string().is_ok_and(is_url);
    if rest.iter().all(known) { Ok(()) } else { Err(broken("@context", "holds neither a URL nor an object")) }
}

/// `type`: an array of names, `VerifiableCredential` among them.
pub(super) fn check_type(claims: &Object) -> Result<(), CredentialError> {
    let types = claims.array("type").map_err(|_error| broken("type", "is not an array"))?;
    if !types.iter().all(is_type_name) {
        return Err(broken("type", "holds something that is not the name of a type"));
    }
    if !types.iter().any(|name| name.string().ok() == Some("VerifiableCredential")) {
        return Err(broken("type", "lacks VerifiableCredential"));
    }
    Ok(())
}

/// A term or a URL: not empty, and no space in it.
fn is_type_name(name: &Json) -> bool {
    name.string()
        .is_ok_and(|name| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control()))
}

/// Whether an object says of which type it is: a name, or an array of names.
#[must_use]
pub fn has_type(object: &Object) -> bool {
    match object.get("type") {
        Some(Json::Array(names)) => !names.is_empty() && names.iter().all(is_type_name),
        Some(name) => is_type_name(name),
        None => false,
    }
}

/// `credentialSubject`: an object or an array of objects, none empty.
pub(super) fn check_subject(claims: &Object) -> Result<(), CredentialError> {
    check_disclosed_subject(claims)?;
    let member = "credentialSubject";
    let subjects = one_or_more(claims, member)?.unwrap_or_default();
    let is_empty = |subject: &Json| subject.object().is_ok_and(Object::is_empty);
    if subjects.iter().any(is_empty) { Err(broken(member, "is empty")) } else { Ok(()) }
}

/// `credentialSubject` as it is shown: what is left of it when everything is hidden may be empty.
pub(super) fn check_disclosed_subject(claims: &Object) -> Result<(), CredentialError> {
    let member = "credentialSubject";
    let subjects = one_or_more(claims, member)?.ok_or_else(|| broken(member, "is missing"))?;
    for subject in subjects {
        let subject =
            subject.object().map_err(|_error| broken(member, "is neither an object nor objects"))?;
        url(subject, "id").map_err(|_error| broken(member, "has an id that is not an absolute URL"))?;
    }
    Ok(())
}

/// Members that need not be there but have a form when they are (W3C VC 2.0 sections 4.3, 4.6, 4.11, 5.3 to 5.6).
pub(super) fn check_optional_members(claims: &Object) -> Result<(), CredentialError> {
    for member in ["credentialSchema", "evidence", "refreshService", "termsOfUse"] {
        for item in one_or_more(claims, member)?.unwrap_or_default() {
            let item = item.object().map_err(|_error| broken(member, "is neither an object nor objects"))?;
            if !has_type(item) {
                return Err(broken(member, "lacks a type"));
            }
            let id =
                url(item, "id").map_err(|_error| broken(member, "has an id that is not an absolute URL"))?;
            if member == "credentialSchema" && id.is_none() {
                return Err(broken(member, "lacks an id"));
            }
        }
    }
    check_names(claims)?;
    check_related_resources(claims)
}

/// `name` and `description` of a credential or an issuer (W3C VC 2.0 section 4.6).
pub(super) fn check_names(object: &Object) -> Result<(), CredentialError> {
    for member in ["description", "name"] {
        if !one_or_more(object, member)?.unwrap_or_default().iter().all(is_language_value) {
            return Err(broken(member, "is neither a string nor a string with its language"));
        }
    }
    Ok(())
}

/// `credentialStatus` of any kind: objects that say of which (W3C VC 2.0 section 4.10).
pub(super) fn check_statuses(claims: &Object) -> Result<(), CredentialError> {
    let member = "credentialStatus";
    for status in one_or_more(claims, member)?.unwrap_or_default() {
        let status = status.object().map_err(|_error| broken(member, "is neither an object nor objects"))?;
        if !has_type(status) {
            return Err(broken(member, "lacks a type"));
        }
        url(status, "id").map_err(|_error| broken(member, "has an id that is not an absolute URL"))?;
    }
    Ok(())
}

/// A string, or an object of `@value` and its language and direction (W3C VC 2.0 section 11.1).
fn is_language_value(value: &Json) -> bool {
    let Json::Object(value) = value else { return value.string().is_ok() };
    value.expect_only(&["@value", "@language", "@direction"]).is_ok()
        && value.string("@value").is_ok()
        && value.members().all(|(_name, member)| member.string().is_ok())
}

/// `relatedResource`: each has an id of its own and a digest. Nothing is fetched, so no digest is compared.
fn check_related_resources(claims: &Object) -> Result<(), CredentialError> {
    let member = "relatedResource";
    let mut ids = Vec::new();
    for resource in one_or_more(claims, member)?.unwrap_or_default() {
        let resource =
            resource.object().map_err(|_error| broken(member, "is neither an object nor objects"))?;
        let id = url(resource, "id").ok().flatten();
        ids.push(id.ok_or_else(|| broken(member, "lacks an id that is an absolute URL"))?);
        if resource.string("digestSRI").is_err() && resource.string("digestMultibase").is_err() {
            return Err(broken(member, "lacks a digest"));
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() == count { Ok(()) } else { Err(broken(member, "names one id twice")) }
}

/// A member that may be one value or an array of values, which then is not empty.
fn one_or_more<'a>(claims: &'a Object, member: &'static str) -> Result<Option<&'a [Json]>, CredentialError> {
    match claims.get(member) {
        Some(Json::Array(items)) if items.is_empty() => Err(broken(member, "is an empty array")),
        Some(Json::Array(items)) => Ok(Some(items)),
        Some(value) => Ok(Some(slice::from_ref(value))),
        None => Ok(None),
    }
}

/// The context that a document of a data model begins with.
pub(super) struct BaseContext {
    url: &'static str,
    /// What is wrong with a document that begins with another one.
    otherwise: &'static str,
}

/// W3C VC Data Model 2.0 section 4.3.
pub(super) const CONTEXT_2: BaseContext = BaseContext {
    url: "https://www.w3.org/ns/credentials/v2",
    otherwise: "does not begin with https://www.w3.org/ns/credentials/v2",
};

/// W3C VC Data Model 1.1 section 4.1.
pub(super) const CONTEXT_1: BaseContext = BaseContext {
    url: "https://www.w3.org/2018/credentials/v1",
    otherwise: "does not begin with https://www.w3.org/2018/credentials/v1",
};
