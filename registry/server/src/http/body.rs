//! Bodies of requests: read up to a limit and within a time.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::{Bytes, Payload};

use super::Problem;

/// Reads a body of at most `limit` bytes, all of which must be there within `timeout`.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    timeout: Duration,
) -> Result<Bytes, Problem> {
    let too_large = || Problem::too_large(format!("body is longer than {limit} bytes"));
    let told = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    // Refused before it is read, if its length is told.
    if told.and_then(|told| told.parse::<u64>().ok()).is_some_and(|told| told > limit as u64) {
        return Err(too_large());
    }
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::malformed("body has a Content-Encoding; it is read as sent").closing());
    }
    match tokio::time::timeout(timeout, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(error))) => Err(Problem::malformed(format!("body broke off: {error}")).closing()),
        Ok(Err(_exceeded)) => Err(too_large()),
        Err(_elapsed) => Err(Problem::too_slow(timeout.as_secs())),
    }
}

/// Reads and forgets a short body: a connection whose body is left unread has to end, and the next
/// attempt of a client that was sent away would cost a new one.
pub(super) async fn discard(payload: Payload) {
    drop(tokio::time::timeout(DISCARD_TIMEOUT, payload.to_bytes_limited(MAX_DISCARDED_BYTES)).await);
}

/// As long as the longest raw entry; hundreds of an issuer's. What is longer is left, and its connection ends.
const MAX_DISCARDED_BYTES: usize = 64 << 10;

/// What is sent at once is there by then.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);
