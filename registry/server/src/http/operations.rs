//! Health, readiness, metrics, and the description of the interface.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;

use super::{Endpoint, Problem, State, openapi as document};
use crate::metrics;
use crate::sequencer::Phase;

/// Whether the log takes entries, else why not.
///
/// # Errors
/// The reason, as the answer of `/readyz`.
//= specs/log.md#health-and-metrics
pub fn readiness(state: &State) -> Result<(), Problem> {
    let handle = state.handle();
    match handle.phase() {
        Phase::Open => Ok(()),
        Phase::Building => {
            let seconds = handle.stats().retry_after_seconds();
            Err(Problem::busy("log is building its index", seconds))
        }
        Phase::Frozen => {
            let detail = format!("log is frozen at size {}", handle.committed().size());
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "log.frozen", detail))
        }
        Phase::Stopping => Err(stopped("log is shutting down")),
        Phase::Stopped { reason } => Err(stopped(&format!("log has stopped: {reason}"))),
    }
}

fn stopped(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "log.stopped", detail)
}

pub(super) async fn healthz(state: Data<State>) -> HttpResponse {
    state.answer(Endpoint::Healthz, Ok(text("ok\n")))
}

pub(super) async fn readyz(state: Data<State>) -> HttpResponse {
    let result = readiness(&state).map(|()| text("ready\n"));
    state.answer(Endpoint::Readyz, result)
}

pub(super) async fn metrics(state: Data<State>) -> HttpResponse {
    let result = metrics::render(state.handle().stats(), &state.answers());
    let result = result.map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "log.unreadable", error.to_string())
    });
    let result = result.map(|body| {
        HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type(prometheus::TEXT_FORMAT)
            .body(body)
    });
    state.answer(Endpoint::Metrics, result)
}

pub(super) async fn openapi(state: Data<State>) -> HttpResponse {
    let response = HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .content_type("application/json")
        .body(document());
    state.answer(Endpoint::OpenApi, Ok(response))
}

fn text(body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/plain; charset=utf-8")
        .body(body)
}
