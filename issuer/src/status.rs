//! Changing the status of a credential: revoke, suspend, reinstate (VCALM "update status").

use sillok_log::UnixSeconds;
use sillok_log::entry::StatusValue;
use sillok_verifier::json::Object;

use crate::error::{Code, Problem};
use crate::http::body::malformed;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusOrder {
    /// The `id` of the credential.
    pub credential: String,
    /// What it shall be.
    pub value: StatusValue,
    /// Whether this value may only follow a suspension: reinstating what was never suspended changes nothing, and
    /// a revoked credential is not reinstated.
    pub purpose: Purpose,
    /// Why; for the authority only.
    pub reason: String,
    /// Who asks.
    pub operator: String,
}

/// Which plane of the list is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Final.
    Revocation,
    /// Until it is lifted.
    Suspension,
}

/// A change that is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The leaf of the last change; absent if nothing ever changed.
    pub index: Option<u64>,
    /// Its receipt.
    pub receipt: Option<String>,
    /// When it is published at the latest.
    pub published_by: UnixSeconds,
}

impl StatusOrder {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// The first member that is not as it must be.
    pub(crate) fn read(body: &Object, operator: &str) -> Result<Self, Problem> {
        body.expect_only(&["credentialId", "credentialStatus", "reason", "status"]).map_err(malformed)?;
        let credential = body.string("credentialId").map_err(malformed)?;
        if credential.is_empty() || credential.len() > MAX_ID_BYTES {
            return Err(refuse(&format!("credentialId has not 1 to {MAX_ID_BYTES} bytes")));
        }
        let status = body.object("credentialStatus").map_err(malformed)?;
        let inside = |error: sillok_verifier::json::JsonError| malformed(error.inside("credentialStatus"));
        status.expect_only(&["statusPurpose", "type"]).map_err(inside)?;
        if status.string("type").map_err(inside)? != "BitstringStatusListEntry" {
            return Err(refuse("credentialStatus/type is not BitstringStatusListEntry"));
        }
        let purpose = match status.string("statusPurpose").map_err(inside)? {
            "revocation" => Purpose::Revocation,
            "suspension" => Purpose::Suspension,
            _ => return Err(refuse("credentialStatus/statusPurpose is neither revocation nor suspension")),
        };
        let set = match body.get("status") {
            Some(sillok_verifier::json::Json::Bool(set)) => *set,
            Some(_) => return Err(refuse("status is neither true nor false")),
            None => return Err(refuse("status is missing")),
        };
        let value = match (purpose, set) {
            (Purpose::Revocation, true) => StatusValue::Revoked,
            (Purpose::Suspension, true) => StatusValue::Suspended,
            (Purpose::Suspension, false) => StatusValue::Valid,
            // Never possible: what is not revoked need not be un-revoked.
            (Purpose::Revocation, false) => {
                return Err(Problem::new(Code::CredentialRevoked, "a revocation is never taken back"));
            }
        };
        let reason = reason(body)?;
        Ok(Self {
            credential: credential.into(),
            value,
            purpose,
            reason: reason.into(),
            operator: operator.into(),
        })
    }
}

/// Why; nothing if nobody says so.
pub(crate) fn reason(body: &Object) -> Result<&str, Problem> {
    let reason = if body.get("reason").is_some() { body.string("reason").map_err(malformed)? } else { "" };
    if reason.len() > MAX_REASON_BYTES {
        return Err(refuse(&format!("reason is longer than {MAX_REASON_BYTES} bytes")));
    }
    Ok(reason)
}

fn refuse(problem: &str) -> Problem {
    Problem::new(Code::RequestMalformed, format!("JSON member {problem}"))
}

/// Longest credential id in bytes: ours are `urn:uuid:` and 36 characters.
const MAX_ID_BYTES: usize = 256;

/// Longest reason in bytes: a sentence, not a file.
const MAX_REASON_BYTES: usize = 1_024;
