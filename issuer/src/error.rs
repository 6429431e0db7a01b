//! What a caller is told when something is refused or fails: RFC 9457 problem details, every status code in one table.
//!
//! Nothing here names a claim, a person or an internal file. What went wrong inside is logged where it happened.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};

/// What was refused, with its stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The claims do not fit the schema of their type.
    ClaimsInvalid,
    /// A client takes more than its share.
    ClientRateLimited,
    /// What was kept for retries has been erased.
    CredentialErased,
    /// What has expired is not issued anew.
    CredentialExpired,
    /// The credential that the claims make breaks a limit of the verifier.
    CredentialRefused,
    /// Revoked is terminal.
    CredentialRevoked,
    /// A suspended credential is not superseded.
    CredentialSuspended,
    /// No credential of this issuer has this id.
    CredentialUnknown,
    /// The holder's key has a credential of another record.
    HolderKeyBound,
    /// The credential of the holder's key was revoked, or another key has taken its place.
    HolderKeyEnded,
    /// A person has one key here.
    HolderKeySeveral,
    /// The header `Idempotency-Key` is not 1 to 128 printable ASCII characters.
    IdempotencyKeyMalformed,
    /// The header `Idempotency-Key` is not there.
    IdempotencyKeyMissing,
    /// The key was used with another body.
    IdempotencyKeyReused,
    /// The first request with this key still runs.
    IdempotencyKeyRunning,
    /// Something failed here.
    Internal,
    /// No key of this issuer has this thumbprint.
    KeyUnknown,
    /// The event does not follow from the key's state.
    KeyWrongState,
    /// The log is busy.
    LedgerBusy,
    /// The log does not take the entry.
    LedgerRefused,
    /// The log does not answer, or has stopped.
    LedgerUnavailable,
    /// The credential is in the log, and no quorum of witnesses has cosigned that yet.
    LedgerUncosigned,
    /// This service's own queue is full.
    QueueFull,
    /// Another request works on the same record or key.
    RecordBusy,
    /// The person was erased, and with him what was known.
    RecordErased,
    /// The record has credentials for as many keys as it may.
    RecordFull,
    /// Nothing is known of this person for this type.
    RecordUnknown,
    /// The answer would come too late.
    RequestDeadline,
    /// Not the JSON that the interface describes.
    RequestMalformed,
    /// Another media type.
    RequestMediaType,
    /// The body did not arrive in time.
    RequestTimeout,
    /// More bytes or items than a request may have.
    RequestTooLarge,
    /// The path exists and the method does not.
    RouteMethod,
    /// Nothing is here.
    RouteUnknown,
    /// The token does not allow this.
    ScopeInsufficient,
    /// The service is shutting down.
    Stopping,
    /// The token is not one, has expired, or its client is no longer known.
    TokenInvalid,
    /// There is no token.
    TokenMissing,
    /// No credential type of this name.
    TypeUnknown,
}

impl Code {
    /// Status, stable code and title.
    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::ClaimsInvalid => (422, "claims.invalid", "claims do not fit their type"),
            Self::ClientRateLimited => (429, "client.rate-limited", "client takes more than its share"),
            Self::CredentialErased => {
                (410, "credential.erased", "what was kept of the credential was erased")
            }
            Self::CredentialExpired => (409, "credential.expired", "credential has expired"),
            Self::CredentialRefused => (422, "credential.refused", "credential would not verify"),
            Self::CredentialRevoked => (409, "credential.revoked", "revoked is terminal"),
            Self::CredentialSuspended => (409, "credential.suspended", "credential is suspended"),
            Self::CredentialUnknown => (404, "credential.unknown", "credential is not known here"),
            Self::HolderKeyBound => (409, "holder-key.bound", "key has a credential of another record"),
            Self::HolderKeyEnded => (409, "holder-key.ended", "credential of the key has ended"),
            Self::HolderKeySeveral => (422, "holder-key.several", "a person has one key here"),
            Self::IdempotencyKeyMalformed => {
                (400, "idempotency-key.malformed", "idempotency key is malformed")
            }
            Self::IdempotencyKeyMissing => (400, "idempotency-key.missing", "idempotency key is missing"),
            Self::IdempotencyKeyReused => {
                (422, "idempotency-key.reused", "idempotency key was used for another request")
            }
            Self::IdempotencyKeyRunning => {
                (409, "idempotency-key.running", "request with this idempotency key still runs")
            }
            Self::Internal => (500, "issuer.internal", "something failed inside the issuer"),
            Self::KeyUnknown => (404, "key.unknown", "key is not known here"),
            Self::KeyWrongState => {
                (409, "key.wrong-state", "event does not follow from the state of the key")
            }
            Self::LedgerBusy => (503, "ledger.busy", "log is busy"),
            Self::LedgerRefused => (502, "ledger.refused", "log refuses the entry"),
            Self::LedgerUnavailable => (503, "ledger.unavailable", "log takes no entries"),
            Self::LedgerUncosigned => (503, "ledger.uncosigned", "log awaits its witnesses"),
            Self::QueueFull => (503, "queue.full", "queue of the issuer is full"),
            Self::RecordBusy => (409, "record.busy", "another request works on the record"),
            Self::RecordErased => (410, "record.erased", "what was known of the person was erased"),
            Self::RecordFull => (409, "record.full", "record has credentials for as many keys as it may"),
            Self::RecordUnknown => (404, "record.unknown", "record is not known here"),
            Self::RequestDeadline => (503, "request.deadline", "request took too long"),
            Self::RequestMalformed => (400, "request.malformed", "request is malformed"),
            Self::RequestMediaType => (415, "request.media-type", "media type is not supported"),
            Self::RequestTimeout => (408, "request.timeout", "request did not arrive in time"),
            Self::RequestTooLarge => (413, "request.too-large", "request is too large"),
            Self::RouteMethod => (405, "route.method", "method is not supported here"),
            Self::RouteUnknown => (404, "route.unknown", "nothing is here"),
            Self::ScopeInsufficient => (403, "scope.insufficient", "token does not allow this"),
            Self::Stopping => (503, "issuer.stopping", "issuer is shutting down"),
            Self::TokenInvalid => (401, "token.invalid", "token is invalid"),
            Self::TokenMissing => (401, "token.missing", "token is missing"),
            Self::TypeUnknown => (422, "type.unknown", "credential type is not known here"),
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().0
    }
}

/// A problem: code, a sentence about this case, and when to come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What was refused.
    pub code: Code,
    /// What is wrong in this case, naming the place.
    pub detail: String,
    /// Seconds after which a retry makes sense.
    pub retry_after_seconds: Option<u64>,
}

impl Problem {
    /// A problem that a retry alone does not solve.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after_seconds: None }
    }

    /// A problem that may be gone after a while. The time is spread, so that those who were sent away together do
    /// not come back together.
    pub fn later(code: Code, detail: impl Into<String>, seconds: u64) -> Self {
        Self { code, detail: detail.into(), retry_after_seconds: Some(spread(seconds)) }
    }

    /// Something that the caller has no part in: the cause goes to the log, not to the caller.
    pub fn internal(operation: &'static str, cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(operation, cause = %cause, "operation failed");
        Self::new(Code::Internal, format!("{operation} failed; the service's log says why"))
    }

    /// The body of RFC 9457 section 3.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (status, code, title) = self.code.row();
        json!({
            "type": format!("urn:sillok:problem:{code}"),
            "title": title,
            "status": status,
            "detail": self.detail,
            "code": code,
        })
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response
            .content_type("application/problem+json")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        // RFC 6750 section 3.
        match self.code {
            Code::TokenMissing => response.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
            Code::TokenInvalid => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""))
            }
            Code::ScopeInsufficient => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\""))
            }
            _ => &mut response,
        };
        response.body(self.to_json().to_string())
    }
}

/// `seconds` and up to as many more, at least one, at most [`MAX_RETRY_SECONDS`].
fn spread(seconds: u64) -> u64 {
    let seconds = seconds.clamp(1, MAX_RETRY_SECONDS / 2);
    let mut random = [0; 8];
    // Without randomness they come back together, which the queue survives.
    if getrandom::fill(&mut random).is_err() {
        return seconds;
    }
    seconds + u64::from_le_bytes(random) % (seconds + 1)
}

/// Longest time that a caller is sent away for: longer, and an outage outlasts its cause.
const MAX_RETRY_SECONDS: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_times_are_spread_and_bounded() {
        for _ in 0..200 {
            assert!((1..=2).contains(&spread(0)));
            assert!((10..=20).contains(&spread(10)));
            assert!(spread(u64::MAX) <= MAX_RETRY_SECONDS);
        }
    }

    #[test]
    fn a_problem_is_one_of_rfc_9457() {
        let problem = Problem::new(Code::ClaimsInvalid, "credentialSubject/doses is not an array");
        let body = problem.to_json();
        assert_eq!(body["status"], 422);
        assert_eq!(body["code"], "claims.invalid");
        assert_eq!(body["type"], "urn:sillok:problem:claims.invalid");
        assert_eq!(problem.error_response().status(), 422);
        let token = Problem::new(Code::TokenInvalid, "token has expired").error_response();
        assert_eq!(token.headers().get("www-authenticate").unwrap(), "Bearer error=\"invalid_token\"");
        let later = Problem::later(Code::QueueFull, "queue is full", 1).error_response();
        assert!(later.headers().contains_key("retry-after"));
    }
}
