//! Bodies of requests: read up to a limit, and parsed by the verifier's strict JSON, so that a text has one meaning.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde_json::{Number, Value};
use sillok_verifier::json::{Json, JsonError, Limits};

use crate::application::Core;
use crate::error::{Code, Problem};

/// Reads a JSON body of at most `limits.bytes`.
pub(crate) async fn read_json(
    request: &HttpRequest,
    payload: web::Payload,
    limits: &Limits,
) -> Result<Json, Problem> {
    check_media_type(request, "application/json")?;
    let bytes = read(request, payload, limits.bytes).await?;
    Json::parse(&bytes, limits).map_err(malformed)
}

/// Reads a body of at most `limit` bytes, all of which must be there in time.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
) -> Result<web::Bytes, Problem> {
    let core = request.app_data::<web::Data<Core>>();
    let core = core.ok_or_else(|| Problem::new(Code::Internal, "the service has no limits"))?;
    let timeout = core.config.limits.body_timeout;
    match tokio::time::timeout(timeout, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(error))) => {
            Err(Problem::new(Code::RequestMalformed, format!("body cannot be read: {error}")))
        }
        Ok(Err(_too_long)) => {
            Err(Problem::new(Code::RequestTooLarge, format!("body is longer than {limit} bytes")))
        }
        Err(_elapsed) => {
            let detail = format!("body did not arrive within {} seconds", timeout.as_secs_f64());
            Err(Problem::new(Code::RequestTimeout, detail))
        }
    }
}

/// Reads and forgets the body of a request that is refused, as far as it is short: a connection whose body is left unread
/// has to end, and the next attempt would cost a new one, which is dearer than both.
pub(crate) async fn discard(request: &HttpRequest, payload: web::Payload) {
    // What is longer or late is left, and its connection ends: nobody is known by then whose memory it could be.
    if told_bytes(request) <= MAX_DISCARDED_BYTES {
        drop(tokio::time::timeout(DISCARD_TIMEOUT, payload.to_bytes_limited(MAX_DISCARDED_BYTES)).await);
    }
}

/// Bytes that a request is to have: 0 if it does not say so.
pub(crate) fn told_bytes(request: &HttpRequest) -> usize {
    let told = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    told.and_then(|told| told.parse().ok()).unwrap_or(0)
}

/// Refuses a body of another media type; parameters are ignored.
pub(crate) fn check_media_type(request: &HttpRequest, expected: &str) -> Result<(), Problem> {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).map(str::trim);
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case(expected)) {
        return Ok(());
    }
    Err(Problem::new(Code::RequestMediaType, format!("Content-Type is not {expected}")))
}

/// A JSON error names the member and what is wrong with it.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn malformed(error: JsonError) -> Problem {
    Problem::new(Code::RequestMalformed, error.to_string())
}

/// The same value for a reader that wants `serde_json`. No member can occur twice any more.
pub(crate) fn to_value(json: &Json) -> Value {
    match json {
        Json::Array(items) => Value::Array(items.iter().map(to_value).collect()),
        Json::Bool(value) => Value::Bool(*value),
        Json::Integer(number) => Value::Number(Number::from(*number)),
        Json::Null => Value::Null,
        Json::Object(object) => {
            Value::Object(object.members().map(|(name, value)| (name.to_owned(), to_value(value))).collect())
        }
        Json::String(text) => Value::String(text.clone()),
    }
}

/// A batch of a hundred takes 60 KiB.
const MAX_DISCARDED_BYTES: usize = 64 << 10;

/// What is sent at once is there by then.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);
