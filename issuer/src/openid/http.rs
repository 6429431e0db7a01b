//! The endpoints for wallets, and what they share: who asks, and how a refusal is told. Browsers may ask from anywhere:
//! nothing here rests on cookies.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use serde_json::{Value, json};
use sillok_log::UnixSeconds;

use super::token::Grant;
use crate::application::Core;
use crate::error::{Code, Problem};

mod credential;
mod metadata;
mod notification;
mod offer;
mod token;

pub(crate) use credential::{credential, deferred};
pub(crate) use metadata::{metadata, nonce};
pub(crate) use notification::notification;
pub(crate) use offer::{fetch, offer};
pub(crate) use token::{PRE_AUTHORIZED, REFRESH, pre_authorized, refresh};

/// Why a wallet gets nothing.
pub(crate) enum Refusal {
    /// As the specification names it.
    Named(Named),
    /// A condition of this service, as everywhere else.
    Problem(Problem),
}

/// An error of OpenID4VCI 1.0 or RFC 6750.
pub(crate) struct Named {
    status: u16,
    error: &'static str,
    description: String,
}

impl Refusal {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        let status = match error {
            "invalid_token" => 401,
            "insufficient_scope" => 403,
            _ => 400,
        };
        Self::Named(Named { status, error, description: description.into() })
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Answers, and counts what was refused.
fn answer(core: &Core, answer: Result<HttpResponse, Refusal>) -> HttpResponse {
    let named = match answer {
        Ok(response) => return response,
        Err(Refusal::Problem(problem)) => {
            core.metrics.refuse(problem.code);
            return problem.error_response();
        }
        Err(Refusal::Named(named)) => named,
    };
    core.metrics.refuse_wallet(named.error);
    let mut response = json_response(named.status);
    if matches!(named.status, 401 | 403) {
        response.insert_header((header::WWW_AUTHENTICATE, format!("Bearer error=\"{}\"", named.error)));
    }
    let body = json!({ "error": named.error, "error_description": plain(&named.description) });
    response.body(body.to_string())
}

/// The characters that an `error_description` may have.
fn plain(text: &str) -> String {
    let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    text.chars().map(|c| if allowed(c) { c } else { '?' }).collect()
}

fn json_response(status: u16) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST));
    response.insert_header((header::CACHE_CONTROL, "no-store")).content_type("application/json");
    response
}

fn ok(body: &Value) -> HttpResponse {
    json_response(200).body(body.to_string())
}

/// The grant of the access token that a wallet shows.
fn wallet(core: &Core, request: &HttpRequest, now: UnixSeconds) -> Result<Grant, Refusal> {
    let invalid = |description| Refusal::new("invalid_token", description);
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|header| header.split_once(' '));
    let token = token.filter(|(scheme, _token)| scheme.eq_ignore_ascii_case("Bearer"));
    let (_scheme, token) = token.ok_or_else(|| invalid("header Authorization is not Bearer and a token"))?;
    let grant = core.openid.tokens.open_access(token, now);
    let grant = grant.ok_or_else(|| invalid("token is no access token of this issuer, or has expired"))?;
    if core.openid.grants.is_revoked(&grant.offer) {
        return Err(invalid("what the token was given for has ended"));
    }
    Ok(grant)
}

/// Runs what may wait for a disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::internal("answering a wallet", &error))
}

/// A body that cannot be read for what it is becomes the error that the endpoint has for that.
fn malformed(error: &'static str) -> impl Fn(Problem) -> Refusal {
    move |problem| match problem.code {
        Code::RequestMalformed | Code::RequestMediaType | Code::RequestTooLarge => {
            Refusal::new(error, problem.detail)
        }
        _another => Refusal::Problem(problem),
    }
}

/// `OPTIONS` of an endpoint for wallets (Fetch, CORS preflight).
pub(crate) async fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

/// Lets scripts of any origin read an answer.
pub(crate) fn open_to_scripts(headers: &mut header::HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    let exposed = header::HeaderValue::from_static("ETag, Retry-After, WWW-Authenticate");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

type Shared = web::Data<Core>;

/// Below the issuer's URL.
pub(crate) const OFFERS_PATH: &str = "/offers";
pub(crate) const CREDENTIAL_PATH: &str = "/openid/credential";
pub(crate) const DEFERRED_PATH: &str = "/openid/deferred";
pub(crate) const NONCE_PATH: &str = "/openid/nonce";
pub(crate) const NOTIFICATION_PATH: &str = "/openid/notification";

/// Key proofs of one request, and so credentials of one answer: a wallet that shows a credential to nobody twice asks for
/// more when these are used up.
pub(crate) const MAX_PROOFS: usize = 10;
