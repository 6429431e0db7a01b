//! Tokens: the token endpoint, its metadata, and who calls.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::body;
use crate::application::Core;
use crate::auth::{Caller, Denied, MAX_FORM_BYTES, TOKEN_PATH};
use crate::error::Problem;

/// Who calls, by the bearer token.
pub(super) fn caller(core: &Core, request: &HttpRequest) -> Result<Caller, Problem> {
    let header = request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    core.gate.caller(header)
}

/// `POST /oauth/token` (RFC 6749 section 4.4.2).
pub(super) async fn token(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let form = match body::check_media_type(&request, "application/x-www-form-urlencoded") {
        Ok(()) => body::read(&request, payload, MAX_FORM_BYTES).await,
        Err(problem) => Err(problem),
    };
    let granted = match form {
        Ok(form) => core.gate.grant(&form),
        Err(problem) => Err(Denied { status: 400, error: "invalid_request", description: problem.detail }),
    };
    // RFC 6749 section 5.1.
    let answer = |status: u16, body: serde_json::Value| {
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::PRAGMA, "no-cache"))
            .content_type("application/json")
            .body(body.to_string())
    };
    match granted {
        Ok(granted) => {
            core.metrics.tokens.inc();
            let body = json!({
                "access_token": granted.access_token.as_str(),
                "token_type": "Bearer",
                "expires_in": granted.expires_in,
                "scope": granted.scope,
            });
            answer(200, body)
        }
        Err(Denied { status, error, description }) => {
            answer(status, json!({ "error": error, "error_description": description }))
        }
    }
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
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA"],
        "scopes_supported": scopes,
    }))
}
