//! Pure. Where the status of a credential is: `credentialStatus`, W3C entries, and `status`, an IETF one; they name one slot of one
//! list.

use alloc::string::{String, ToString};

use super::form::{has_type, is_url, url};
use super::{CredentialError, broken};
use crate::encoding::parse_decimal;
use crate::json::{Json, Object};

/// Which slot of which list tells the status of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusReference {
    /// The list's base URI: both status list credentials and the snapshot file are below it.
    pub uri: String,
    /// The slot. Not yet compared with the list's length.
    pub index: u64,
}

impl StatusReference {
    /// Reads `credentialStatus`: one entry for revocation, one for suspension, in any order.
    //= specs/credential.md#credentialstatus
    pub(super) fn parse(claims: &Object) -> Result<Self, CredentialError> {
        let Some(Json::Array(entries)) = claims.get(MEMBER) else {
            return Err(broken(MEMBER, "is not an array"));
        };
        // What its issuer says to verifiers of other kinds is not looked at: it revokes in the two.
        let mut ours = entries.iter().filter(|entry| !is_of_another_kind(entry));
        let (Some(first), Some(second), None) = (ours.next(), ours.next(), ours.next()) else {
            return Err(broken(MEMBER, "does not have exactly two entries"));
        };
        let (first, second) = (Entry::parse(first)?, Entry::parse(second)?);
        if first.revocation == second.revocation {
            return Err(broken(MEMBER, "does not have one entry for revocation and one for suspension"));
        }
        if first.uri != second.uri {
            return Err(broken(MEMBER, "names two lists"));
        }
        if first.index != second.index {
            return Err(broken(MEMBER, "names two slots"));
        }
        Ok(Self { uri: first.uri.to_string(), index: first.index })
    }

    /// Reads `status`: the entry of draft-ietf-oauth-status-list-21 section 6.2, and no other.
    //= specs/credential.md#status
    pub(super) fn parse_token(claims: &Object) -> Result<Self, CredentialError> {
        let found = claims.get(TOKEN_MEMBER).and_then(|status| {
            let status = status.object().ok()?;
            status.expect_only(&["status_list"]).ok()?;
            let entry = status.object("status_list").ok()?;
            entry.expect_only(&["idx", "uri"]).ok()?;
            let uri = entry.string("uri").ok()?.strip_suffix("/token").filter(|uri| is_url(uri))?;
            Some(Self { uri: uri.to_string(), index: entry.unsigned("idx").ok()? })
        });
        found.ok_or_else(|| broken(TOKEN_MEMBER, "is not one status_list with the idx and uri of a token"))
    }

    /// Reads both: `status` beside `vc`, and in it one entry for revocation, for readers that know no other.
    //= specs/credential.md#form-jwt_vc_json
    pub(super) fn parse_both(claims: &Object, vc: &Object) -> Result<Self, CredentialError> {
        let status = Self::parse_token(claims)?;
        let entry = vc.get(MEMBER).ok_or_else(|| broken(MEMBER, "is missing"))?;
        let entry = Entry::parse(entry)?;
        if !entry.revocation || entry.uri != status.uri || entry.index != status.index {
            return Err(broken(MEMBER, "is not for revocation, at the slot of status"));
        }
        Ok(status)
    }
}

/// An entry that says itself that it is no `BitstringStatusListEntry`, nor one of that and another type at once.
fn is_of_another_kind(entry: &Json) -> bool {
    let Ok(entry) = entry.object() else { return false };
    let is_ours = |name: &Json| name.string().ok() == Some("BitstringStatusListEntry");
    match entry.get("type") {
        Some(Json::Array(names)) => has_type(entry) && !names.iter().any(is_ours),
        Some(name) => has_type(entry) && !is_ours(name),
        None => false,
    }
}

/// One `BitstringStatusListEntry` (W3C Bitstring Status List v1.0 section 2.1).
struct Entry<'a> {
    /// Otherwise it is for suspension.
    revocation: bool,
    uri: &'a str,
    index: u64,
}

impl<'a> Entry<'a> {
    fn parse(entry: &'a Json) -> Result<Self, CredentialError> {
        let entry = entry.object().map_err(|_error| broken(MEMBER, "has an entry that is not an object"))?;
        let text = |name| entry.string(name).unwrap_or_default();
        if text("type") != "BitstringStatusListEntry" {
            return Err(broken(MEMBER, "has an entry that is not a BitstringStatusListEntry"));
        }
        let (revocation, suffix) = match text("statusPurpose") {
            "revocation" => (true, "/revocation"),
            "suspension" => (false, "/suspension"),
            _another => return Err(broken(MEMBER, "has a statusPurpose beyond revocation and suspension")),
        };
        // More than one bit a slot would move every slot.
        if entry.get("statusSize").is_some_and(|size| *size != Json::Integer(1)) {
            return Err(broken(MEMBER, "has a statusSize other than 1"));
        }
        let index = parse_decimal(text("statusListIndex"))
            .ok_or_else(|| broken(MEMBER, "has a statusListIndex that is not a canonical decimal string"))?;
        let list = text("statusListCredential");
        let uri = list.strip_suffix(suffix).filter(|uri| is_url(uri)).ok_or_else(|| {
            broken(MEMBER, "has a statusListCredential that is not a URL ending in its statusPurpose")
        })?;
        match url(entry, "id") {
            Ok(id) if id != Some(list) => Ok(Self { revocation, uri, index }),
            Ok(_) | Err(_) => Err(broken(MEMBER, "has an id that is no URL or that of the list")),
        }
    }
}

const MEMBER: &str = "credentialStatus";

const TOKEN_MEMBER: &str = "status";
