//! Tokens: the token endpoint, its metadata, and who calls.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::body;
use crate::application::Core;
use crate::auth::{Caller, Denied, Form, MAX_FORM_BYTES, TOKEN_PATH};
use crate::error::Problem;
use crate::openid::http as openid;

/// Who calls, by the bearer token.
pub(crate) fn caller(core: &Core, request: &HttpRequest) -> Result<Caller, Problem> {
    let header = request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    core.gate.caller(header)
}

/// `POST /oauth/token` (RFC 6749 sections 4.4.2 and 6, OpenID4VCI 1.0 section 6).
pub(super) async fn token(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body = match body::check_media_type(&request, "application/x-www-form-urlencoded") {
        Ok(()) => body::read(&request, payload, MAX_FORM_BYTES).await,
        Err(problem) => Err(problem),
    };
    let malformed = |problem: Problem| Denied::new("invalid_request", problem.detail);
    let granted = match body.map_err(malformed).and_then(|body| Form::parse(&body)) {
        Ok(form) => grant(&core, form).await?,
        Err(denied) => Err(denied),
    };
    // RFC 6749 section 5.1.
    let answer = |status: u16, body: serde_json::Value| {
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::PRAGMA, "no-cache"))
            .content_type("application/json")
            .body(body.to_string())
    };
    Ok(match granted {
        Ok(granted) => {
            core.metrics.tokens.inc();
            answer(200, granted)
        }
        Err(Denied { status, error, description }) => {
            answer(status, json!({ "error": error, "error_description": description }))
        }
    })
}

/// One endpoint for clients and for wallets: what is asked with says who asks.
async fn grant(core: &web::Data<Core>, form: Form) -> Result<Result<serde_json::Value, Denied>, Problem> {
    let client = |form| {
        let granted = core.gate.grant(form)?;
        Ok(json!({
            "access_token": granted.access_token.as_str(),
            "token_type": "Bearer",
            "expires_in": granted.expires_in,
            "scope": granted.scope,
        }))
    };
    Ok(match form.grant_type.as_deref() {
        Some(CLIENT_CREDENTIALS) => client(form),
        Some(openid::PRE_AUTHORIZED) => openid::pre_authorized(core, form).await?,
        Some(openid::REFRESH) => openid::refresh(core, form).await?,
        Some(_) => {
            let expected = GRANT_TYPES.join(", ");
            Err(Denied::new("unsupported_grant_type", format!("grant_type is not one of {expected}")))
        }
        None => Err(Denied::new("invalid_request", "parameter grant_type is missing")),
    })
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414).
pub(super) async fn metadata(core: web::Data<Core>) -> HttpResponse {
    let url = &core.config.public_url;
    let mut scopes: Vec<String> = core.types.iter().map(|kind| format!("issue:{}", kind.name())).collect();
    scopes.extend(["status".into(), super::verification::SCOPE.into(), "admin".into()]);
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, super::SHORT_CACHE)).json(json!({
        "issuer": url,
        "token_endpoint": format!("{url}{TOKEN_PATH}"),
        "response_types_supported": [],
        "grant_types_supported": GRANT_TYPES,
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA"],
        "scopes_supported": scopes,
        "authorization_details_types_supported": ["openid_credential"],
        "pre-authorized_grant_anonymous_access_supported": true,
    }))
}

const CLIENT_CREDENTIALS: &str = "client_credentials";

const GRANT_TYPES: [&str; 3] = [CLIENT_CREDENTIALS, openid::PRE_AUTHORIZED, openid::REFRESH];
