//! What can be had, and challenges.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::{Shared, answer, ok};
use crate::error::Problem;
use crate::openid::configuration;

/// `GET /.well-known/openid-credential-issuer` (OpenID4VCI 1.0 section 12.2.2).
//= specs/openid.md#metadata
pub(crate) async fn metadata(core: Shared) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
        .content_type("application/json")
        .body(configuration::metadata(&core).to_string())
}

/// `POST /openid/nonce` (OpenID4VCI 1.0 section 7). Whatever is in the body is left.
//= specs/openid.md#nonces
pub(crate) async fn nonce(core: Shared, _body: web::Payload) -> HttpResponse {
    let nonce = core.openid.nonces.make((core.clock)());
    let nonce = nonce.map_err(|error| Problem::internal("drawing a nonce", &error).into());
    answer(&core, nonce.map(|nonce| ok(&json!({ "c_nonce": nonce }))))
}
