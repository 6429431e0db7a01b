//! The W3C renderings of a status list.

use sillok_log::UnixSeconds;
use sillok_log::status::ListState;
use sillok_verifier::json::push_string;
use sillok_verifier::jws::TokenType;
use sillok_verifier::status_list::encode_bitstring;

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
