//! Health, readiness, metrics, and the description of the interface.

use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use serde::Serialize;

use super::{Endpoint, Problem, State, openapi as document};
use crate::handle::SubmitError;
use crate::metrics;
use crate::sequencer::Phase;
use crate::witness::Standing;

/// What a log says that takes entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// `ready`, or `degraded`.
    pub status: &'static str,
    /// Why something is refused: nothing is.
    pub problems: Vec<String>,
    /// What an operator must not overlook.
    pub warnings: Vec<String>,
    /// Whom the log asks, in the order of its policy.
    pub witnesses: Vec<Standing>,
}

//= specs/log.md#health-and-metrics
/// Whether the log takes entries, else why not.
///
/// # Errors
/// The reason, as the answer of `/readyz`.
pub fn readiness(state: &State) -> Result<Readiness, Problem> {
    let handle = state.handle();
    let stats = handle.stats();
    let witnesses = stats.witnesses();
    match handle.phase() {
        Phase::Open => {
            let away = handle.has_quorum() && stats.quorum_answers.load(Ordering::Relaxed) == 0;
            let warnings = if away { vec![AWAY.to_owned()] } else { Vec::new() };
            let status = if away { "degraded" } else { "ready" };
            Ok(Readiness { status, problems: Vec::new(), warnings, witnesses })
        }
        Phase::Asking => {
            let lacking = witnesses.iter().filter(|witness| witness.cosigned_size.is_none());
            let names: Vec<&str> = lacking.map(|witness| witness.name.as_str()).collect();
            let error = SubmitError::Unwitnessed { retry_after_seconds: stats.retry_after_seconds() };
            let detail = format!("{error}; not heard so far: {}", names.join(", "));
            Err(Problem::from(error).with_detail(detail))
        }
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
    let result = readiness(&state).map(|readiness| {
        HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(readiness)
    });
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

/// Of a log that is degraded.
const AWAY: &str = "no quorum of witnesses answers: entries are committed, and nothing newer becomes public";
