//! The renderings of a status list for readers of W3C and IETF credentials.

use sillok_log::UnixSeconds;
use sillok_log::status::ListState;
use sillok_verifier::json::push_string;
use sillok_verifier::jws::TokenType;
use sillok_verifier::status_list::{encode_bitstring, encode_token_list};

use super::Error;
use super::events::composed;
use crate::compose::date_time_stamp;
use crate::sign::{Signer, sign_compact};

/// A plane of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plane {
    Revocation,
    Suspension,
}

impl Plane {
    /// Its `statusPurpose`, and the last part of its address.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Revocation => "revocation",
            Self::Suspension => "suspension",
        }
    }

    fn bits(self, state: &ListState) -> &[u8] {
        match self {
            Self::Revocation => state.revocation(),
            Self::Suspension => state.suspension(),
        }
    }
}

//= specs/status.md#w3c-rendering
/// A plane as a signed status list credential, valid from a time to another.
pub(super) fn plane_credential(
    plane: Plane,
    state: &ListState,
    (uri, issuer): (&str, &str),
    signer: &dyn Signer,
    (now, not_after): (UnixSeconds, UnixSeconds),
) -> Result<String, Error> {
    let time = |time| date_time_stamp(time).map_err(|error| composed("status list", &error));
    let url = format!("{uri}/{}", plane.name());
    let mut payload = String::from(r#"{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"#);
    push_string(&mut payload, &url);
    payload.push_str(r#","type":["VerifiableCredential","BitstringStatusListCredential"],"issuer":"#);
    push_string(&mut payload, issuer);
    payload.push_str(r#","iss":"#);
    push_string(&mut payload, issuer);
    payload.push_str(r#","validFrom":"#);
    push_string(&mut payload, &time(now)?);
    payload.push_str(r#","validUntil":"#);
    push_string(&mut payload, &time(not_after)?);
    payload.push_str(r#","credentialSubject":{"id":"#);
    push_string(&mut payload, &format!("{url}#list"));
    payload.push_str(r#","type":"BitstringStatusList","statusPurpose":"#);
    push_string(&mut payload, plane.name());
    payload.push_str(r#","encodedList":"#);
    push_string(&mut payload, &encode_bitstring(plane.bits(state)));
    payload.push_str("}}");
    Ok(sign_compact(signer, &payload, TokenType::STATUS_LIST)?.into_text())
}

//= specs/status.md#ietf-rendering
/// Both planes as a signed status list token, from a time to another.
pub(super) fn token(
    state: &ListState,
    uri: &str,
    signer: &dyn Signer,
    (now, not_after): (UnixSeconds, UnixSeconds),
) -> Result<String, Error> {
    let mut payload = String::from(r#"{"sub":"#);
    push_string(&mut payload, &format!("{uri}/token"));
    payload.push_str(&format!(
        r#","iat":{},"exp":{},"ttl":{TTL_SECONDS},"status_list":{{"bits":2,"lst":"#,
        now.0, not_after.0
    ));
    push_string(&mut payload, &encode_token_list(state.revocation(), state.suspension()));
    payload.push_str("}}");
    Ok(sign_compact(signer, &payload, TokenType::STATUS_TOKEN)?.into_text())
}

/// As long as the file may be kept by whoever fetches it (specs/status.md, "Publication").
const TTL_SECONDS: u64 = 60;
