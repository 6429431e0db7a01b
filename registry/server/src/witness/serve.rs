//! A witness over HTTP, on the layer that also serves the log: deadlines, limits and problem details are the same.

use std::sync::Arc;

use actix_web::guard::{Any, Get, Head, Post};
use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use sillok_log::witness::{MAX_REQUEST_BYTES, Refusal, size_body};

use super::{Book, BookError};
use crate::http::{HttpConfig, Problem, body};

/// What the handlers share.
struct State {
    book: Arc<Book>,
    config: HttpConfig,
}

/// The paths of a witness, below the root of a listener.
pub fn configure(services: &mut ServiceConfig, book: &Arc<Book>, config: &HttpConfig) {
    services.app_data(Data::new(State { book: Arc::clone(book), config: config.clone() }));
    services.service(
        web::resource("/add-checkpoint")
            .route(web::route().guard(Post()).to(add_checkpoint))
            .default_service(web::to(|request| other_method(request, "POST"))),
    );
    for (path, route) in [
        ("/{origin_hash}/checkpoint", web::route().guard(Any(Get()).or(Head())).to(checkpoint)),
        ("/healthz", web::route().guard(Any(Get()).or(Head())).to(healthz)),
    ] {
        let other = web::to(|request| other_method(request, "GET, HEAD"));
        services.service(web::resource(path).route(route).default_service(other));
    }
}

/// `POST /add-checkpoint`.
async fn add_checkpoint(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    let body = match body::read(&request, payload, MAX_REQUEST_BYTES, state.config.body_timeout).await {
        Ok(body) => body,
        Err(problem) => return problem.response(),
    };
    let book = Arc::clone(&state.book);
    // Recording waits for the disk.
    match web::block(move || book.add_checkpoint(&body)).await {
        Ok(Ok(lines)) => HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type("text/plain; charset=utf-8")
            .body(lines),
        Ok(Err(error)) => refused(&error),
        Err(_ended) => failed("it is shutting down"),
    }
}

//= specs/log.md#witnesses
fn refused(error: &BookError) -> HttpResponse {
    match error {
        BookError::Refused(Refusal::Conflict { latest }) => HttpResponse::Conflict()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::CONTENT_TYPE, "text/x.tlog.size"))
            .body(size_body(*latest)),
        BookError::Refused(refusal) => {
            if let Refusal::Inconsistent(_) = refusal {
                // It is signed by the log: proof of misbehaviour, or of a client that computes wrong proofs.
                tracing::warn!(%refusal, "a log asked to cosign what does not extend its tree");
            }
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            Problem::new(status, refusal.code(), refusal.to_string()).response()
        }
        other => {
            tracing::error!(error = %other, "a checkpoint could not be recorded");
            failed(&other.to_string())
        }
    }
}

fn failed(detail: &str) -> HttpResponse {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "witness.failed", detail).response()
}

/// `GET /<hash of the origin>/checkpoint`.
async fn checkpoint(request: HttpRequest, hash: Path<String>, state: Data<State>) -> HttpResponse {
    match state.book.checkpoint(&hash) {
        Ok(Some(note)) => HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "public, max-age=5"))
            .content_type("text/plain; charset=utf-8")
            .body(note),
        Ok(None) => Problem::not_found(request.path()).response(),
        Err(error) => failed(&error.to_string()),
    }
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

async fn other_method(request: HttpRequest, allow: &'static str) -> HttpResponse {
    let mut response = Problem::method_not_allowed(request.method().as_str(), request.path()).response();
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allow));
    response
}
