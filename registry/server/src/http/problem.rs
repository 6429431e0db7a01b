//! Refusals over HTTP: RFC 9457 problem details with a stable code. Status codes are decided here and nowhere else.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;

use crate::handle::SubmitError;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after_seconds: Option<u64>,
    /// Whether the connection ends with the answer, because the rest of the request was not read.
    closes: bool,
}

impl Problem {
    /// A refusal with its status, its stable code and what is wrong in this case, in a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after_seconds: None, closes: false }
    }

    /// 400: the body is not what it must be.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "request.malformed", detail)
    }

    /// 404: nothing is there.
    pub fn not_found(path: &str) -> Self {
        let path: String = path.chars().take(MAX_PATH_CHARS).collect();
        Self::new(StatusCode::NOT_FOUND, "request.not-found", format!("there is nothing at {path}"))
    }

    /// 405: something is there, but not for this method.
    pub fn method_not_allowed(method: &str, path: &str) -> Self {
        let path: String = path.chars().take(MAX_PATH_CHARS).collect();
        let detail = format!("{path} does not answer to {}", method.chars().take(16).collect::<String>());
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "request.method-not-allowed", detail)
    }

    /// 413: more than is taken at once. The rest of the body is not read.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too-large", detail).closing()
    }

    /// 408: the body did not arrive in time.
    pub fn too_slow(seconds: u64) -> Self {
        let detail = format!("body did not arrive within {seconds} seconds");
        Self::new(StatusCode::REQUEST_TIMEOUT, "request.timeout", detail).closing()
    }

    /// 401: it is not known who asks.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "submitter.unauthenticated", detail)
    }

    /// 503: come again later.
    pub fn busy(detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "queue.full", detail).retry_after(retry_after_seconds)
    }

    /// The same, with the time after which it makes sense to come again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// The same, with more to say about this case.
    #[must_use]
    pub fn with_detail(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    /// The same, ending the connection.
    #[must_use]
    pub fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    /// Its status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong in this case.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The answer.
    pub fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2.
            response.insert_header((header::WWW_AUTHENTICATE, "Sillok-Note"));
        }
        if self.closes {
            response.force_close();
        }
        let title = self.status.canonical_reason().unwrap_or("Problem");
        let body = Body {
            kind: "about:blank",
            title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
        };
        // Content-Type last: `json` keeps it.
        response.content_type("application/problem+json").json(body)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
}

//= specs/log.md#submission
impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        let detail = error.to_string();
        match error {
            SubmitError::Building { retry_after_seconds }
            | SubmitError::QueueFull { retry_after_seconds } => Self::busy(detail, retry_after_seconds),
            SubmitError::Frozen { .. } => Self::new(StatusCode::GONE, "log.frozen", detail),
            SubmitError::Kind => Self::new(StatusCode::NOT_FOUND, "request.not-found", detail),
            SubmitError::Stopped { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "log.stopped", detail),
            SubmitError::TooLarge { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too-large", detail)
            }
            SubmitError::Uncosigned { retry_after_seconds } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "log.uncosigned", detail)
                    .retry_after(retry_after_seconds)
            }
            SubmitError::Unreadable { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "log.unreadable", detail)
            }
            SubmitError::Unwitnessed { retry_after_seconds } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "log.unwitnessed", detail)
                    .retry_after(retry_after_seconds)
            }
        }
    }
}

/// How much of a path that somebody asked for is repeated to him.
const MAX_PATH_CHARS: usize = 200;
