//! Verifying what somebody hands in: VCALM names and shapes, over [`crate::vcalm`].

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use sillok_verifier::json::{Limits, Object};

use super::authentication::caller;
use super::body::{self, malformed};
use crate::application::Core;
use crate::error::Problem;
use crate::vcalm::{self, Answer};

/// `POST /credentials/verify`.
pub(super) async fn credential(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    answer(core, request, payload, vcalm::verify_credential).await
}

/// `POST /presentations/verify`.
pub(super) async fn presentation(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    answer(core, request, payload, vcalm::verify_presentation).await
}

type Verify = fn(&Arc<Core>, &Object) -> Result<Answer, Problem>;

async fn answer(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
    verify: Verify,
) -> Result<HttpResponse, Problem> {
    caller(&core, &request)?.require(SCOPE)?;
    let body = body::read_json(&request, payload, &LIMITS).await?;
    let core = core.into_inner();
    // Signatures, files and processes: nothing for a thread that others wait for.
    let work = move || verify(&core, body.object().map_err(malformed)?);
    let answer = tokio::task::spawn_blocking(work).await;
    let Answer { status, body } = answer.map_err(|error| Problem::internal("verifying", &error))??;
    Ok(HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(body))
}

/// What a token must allow.
pub(super) const SCOPE: &str = "verify";

/// A presentation with some credentials: twice what a token of others may have, and a receipt.
const LIMITS: Limits = Limits { bytes: 192 << 10, depth: 18, values: 16_384 };
