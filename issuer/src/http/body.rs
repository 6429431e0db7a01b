//! Bodies of requests: read up to a limit, and parsed by the verifier's strict JSON, so that a text has one meaning.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde_json::{Number, Value};
use sillok_verifier::json::{Json, JsonError, Limits};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::application::Core;
use crate::error::{Code, Problem};

/// Reads a JSON body of at most `limits.bytes`.
pub(crate) async fn read_json(
    request: &HttpRequest,
    payload: web::Payload,
    limits: &Limits,
) -> Result<Json, Problem> {
    check_media_type(request, "application/json")?;
    let core = core(request)?;
    let _room = core.reading.take(told_bytes(request), limits.bytes)?;
    let bytes = read(request, payload, limits.bytes).await?;
    Json::parse(&bytes, limits).map_err(malformed)
}

/// How much of long bodies may be in memory at once, before anything is known of what is in them.
pub(crate) struct Reading(Semaphore);

impl Default for Reading {
    fn default() -> Self {
        Self(Semaphore::new(MAX_READING_BYTES))
    }
}

impl Reading {
    /// Room for a body that is to have `told` bytes, 0 if that is not told, and may have `limit`. It is given back when what
    /// is returned is dropped.
    fn take(&self, told: usize, limit: usize) -> Result<Option<SemaphorePermit<'_>>, Problem> {
        let bytes = if told == 0 { limit } else { told.min(limit) };
        if bytes <= SHORT_BYTES {
            return Ok(None);
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.0.try_acquire_many(bytes).map(Some).map_err(|_full| {
            Problem::later(Code::QueueFull, "too many large requests are being read", READING_RETRY_SECONDS)
        })
    }
}

fn core(request: &HttpRequest) -> Result<&web::Data<Core>, Problem> {
    let core = request.app_data::<web::Data<Core>>();
    core.ok_or_else(|| Problem::new(Code::Internal, "the service has no limits"))
}

/// Reads a body of at most `limit` bytes, all of which must be there in time.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
) -> Result<web::Bytes, Problem> {
    let timeout = core(request)?.config.limits.body_timeout;
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

/// Of long bodies that are read or parsed: 32 of the largest, or a thousand batches of a hundred. Parsed they take several
/// times as much for a moment.
const MAX_READING_BYTES: usize = 64 << 20;

/// A body that is not counted: as long as a request for one credential may be. Those are bounded by the connections there
/// can be (`MAX_CONNECTIONS` of the service is 10,000): 160 MiB.
const SHORT_BYTES: usize = 16 << 10;

/// A large request is read and parsed within.
const READING_RETRY_SECONDS: u64 = 1;

/// A batch of a hundred takes 60 KiB.
const MAX_DISCARDED_BYTES: usize = 64 << 10;

/// What is sent at once is there by then.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);
