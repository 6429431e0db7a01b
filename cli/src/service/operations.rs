//! Health, readiness, metrics and description of registry and issuer together: each path is there once.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde_json::{Value, json};
use sillok_issuer::Core;
use sillok_registry::http::{State, openapi as registry_openapi, readiness};
use sillok_registry::metrics as registry_metrics;

/// `GET /healthz`: the process can answer.
pub(super) async fn healthz() -> HttpResponse {
    text("text/plain; charset=utf-8", "ok\n".into())
}

/// `GET /readyz`: the log takes entries, and credentials can be issued.
pub(super) async fn readyz(core: Data<Core>, state: Data<State>) -> HttpResponse {
    ready(&state, core.unready(), &core.warnings())
}

/// The same while the issuer is being opened.
pub(super) async fn readyz_early(state: Data<State>) -> HttpResponse {
    ready(&state, vec!["issuer is starting".into()], &[])
}

/// What the log says, with what the issuer adds to it.
fn ready(state: &State, problems: Vec<String>, warnings: &[&str]) -> HttpResponse {
    let log = match readiness(state) {
        Ok(readiness) => readiness,
        Err(problem) => return problem.response(),
    };
    let status = if problems.is_empty() { log.status } else { "not ready" };
    let warnings: Vec<&str> =
        warnings.iter().copied().chain(log.warnings.iter().map(String::as_str)).collect();
    let mut response =
        if problems.is_empty() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
        "status": status,
        "problems": problems,
        "warnings": warnings,
        "witnesses": log.witnesses,
    }))
}

/// `GET /metrics`: the names of the two begin differently.
pub(super) async fn metrics(core: Data<Core>, state: Data<State>) -> HttpResponse {
    let of_log = registry_metrics::render(state.handle().stats(), &state.answers());
    page(of_log.and_then(|log| Ok(log + &core.metrics.encode()?)))
}

/// The same while the issuer is being opened.
pub(super) async fn metrics_early(state: Data<State>) -> HttpResponse {
    page(registry_metrics::render(state.handle().stats(), &state.answers()))
}

fn page(metrics: Result<String, impl std::fmt::Display>) -> HttpResponse {
    match metrics {
        Ok(page) => text("text/plain; version=0.0.4; charset=utf-8", page),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// `GET /openapi.json`: both descriptions as one.
pub(super) async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .content_type("application/json")
        .body(merged().to_string())
}

/// The issuer's description with what the registry adds to it. Where both describe a path, it is the same service.
fn merged() -> Value {
    let parse = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let mut both = parse(sillok_issuer::http::OPENAPI);
    merge(&mut both, parse(registry_openapi()));
    both["info"]["title"] = "Sillok".into();
    both["info"]["summary"] = "Registry and issuer on one listener.".into();
    both
}

/// Adds members that are not there, at any depth.
fn merge(into: &mut Value, other: Value) {
    let (Value::Object(into), Value::Object(other)) = (into, other) else { return };
    for (name, value) in other {
        match into.get_mut(&name) {
            Some(present) => merge(present, value),
            None => {
                into.insert(name, value);
            }
        }
    }
}

fn text(media_type: &'static str, body: String) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).content_type(media_type).body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_has_the_paths_of_both() {
        let both = merged();
        for path in ["/entries", "/checkpoint", "/credentials/issue", "/credentials/status", "/healthz"] {
            assert!(both["paths"][path].is_object(), "{path}");
        }
        assert_eq!(both["openapi"].as_str().map(|version| version.starts_with("3.1")), Some(true));
    }
}
