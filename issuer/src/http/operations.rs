//! For whoever runs the service: health, readiness, metrics and the description of the interface.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::application::Core;
use crate::error::Problem;

/// `GET /healthz`: the process can answer.
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({ "status": "ok" }))
}

/// `GET /readyz`: credentials can be issued.
pub(super) async fn ready(core: web::Data<Core>) -> HttpResponse {
    let problems = core.unready();
    let warnings: Vec<&str> = core.warnings();
    let mut response =
        if problems.is_empty() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    let status = if problems.is_empty() { "ready" } else { "not ready" };
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({ "status": status, "problems": problems, "warnings": warnings }))
}

/// `GET /metrics`: the Prometheus text format.
pub(super) async fn metrics(core: web::Data<Core>) -> Result<HttpResponse, Problem> {
    let text = core.metrics.encode().map_err(|error| Problem::internal("writing metrics", &error))?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

/// `GET /openapi.json`.
pub(super) async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, super::SHORT_CACHE))
        .content_type("application/json")
        .body(web::Bytes::from_static(super::OPENAPI.as_bytes()))
}
