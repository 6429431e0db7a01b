//! What an operator asks a running issuer for: key events and a publication at once.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use sillok_log::entry::Thumbprint;
use sillok_verifier::encoding::{decode_base64url_exact, encode_base64url};
use sillok_verifier::json::{Json, Limits, Object};
use sillok_verifier::key::Algorithm;

use super::authentication::caller;
use super::body::{self, malformed};
use crate::application::Core;
use crate::error::{Code, Problem};
use crate::keys::{KeyChange, KeyOrder};

/// `POST /admin/keys/rotate`.
pub(super) async fn rotate(core: web::Data<Core>, request: HttpRequest, payload: web::Payload) -> Answer {
    key_event(core, request, payload, &["algorithm"], |body| {
        let algorithm = match body.get("algorithm") {
            None => None,
            Some(name) => {
                let name = name.string().map_err(|error| malformed(error.inside("algorithm")))?;
                let wrong = || refuse("JSON member algorithm is neither ES256 nor EdDSA");
                Some(Algorithm::from_name(name).ok_or_else(wrong)?)
            }
        };
        Ok(KeyOrder::Rotate { algorithm })
    })
    .await
}

/// `POST /admin/keys/retire`.
pub(super) async fn retire(core: web::Data<Core>, request: HttpRequest, payload: web::Payload) -> Answer {
    key_event(core, request, payload, &["kid"], |body| Ok(KeyOrder::Retire { key: kid(body)? })).await
}

/// `POST /admin/keys/compromise`.
pub(super) async fn compromise(core: web::Data<Core>, request: HttpRequest, payload: web::Payload) -> Answer {
    key_event(core, request, payload, &["kid", "cut", "cuts_before"], |body| {
        let cut =
            if body.get("cut").is_some() { Some(body.unsigned("cut").map_err(malformed)?) } else { None };
        let before = if body.get("cuts_before").is_some() {
            body.array("cuts_before").map_err(malformed)?
        } else {
            &[]
        };
        let cuts_before = before.iter().map(cut_before).collect::<Result<_, _>>()?;
        Ok(KeyOrder::Compromise { key: kid(body)?, cut, cuts_before })
    })
    .await
}

/// `POST /admin/publish`.
pub(super) async fn publish(core: web::Data<Core>, request: HttpRequest) -> Answer {
    caller(&core, &request)?.require(SCOPE)?;
    let feed_sequence = core.publish_now().await?;
    Ok(no_store(&json!({ "feed_sequence": feed_sequence })))
}

type Answer = Result<HttpResponse, Problem>;

async fn key_event(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
    members: &[&str],
    read: impl FnOnce(&Object) -> Result<KeyOrder, Problem>,
) -> Answer {
    caller(&core, &request)?.require(SCOPE)?;
    let body = body::read_json(&request, payload, &LIMITS).await?;
    let body = body.object().map_err(malformed)?;
    body.expect_only(members).map_err(malformed)?;
    let KeyChange { key, replaced_by, cut, cuts_before, root_sequence } =
        core.change_key(read(body)?).await?;
    Ok(no_store(&json!({
        "kid": encode_base64url(&key.0),
        "replaced_by": replaced_by.map(|key| encode_base64url(&key.0)),
        "cut": cut.0,
        "cuts_before": cuts_before
            .iter()
            .map(|(origin, size)| json!({ "origin": origin, "size": size.0 }))
            .collect::<Vec<_>>(),
        "root_sequence": root_sequence,
    })))
}

/// A cut in a log before the present one.
fn cut_before(item: &Json) -> Result<(String, u64), Problem> {
    let object = item.object().map_err(malformed)?;
    object.expect_only(&["origin", "size"]).map_err(malformed)?;
    let origin = object.string("origin").map_err(malformed)?;
    Ok((origin.to_owned(), object.unsigned("size").map_err(malformed)?))
}

fn kid(body: &Object) -> Result<Thumbprint, Problem> {
    let text = body.string("kid").map_err(malformed)?;
    let wrong = || refuse("JSON member kid is no RFC 7638 thumbprint in base64url");
    decode_base64url_exact(text.as_bytes()).map(Thumbprint).ok_or_else(wrong)
}

fn refuse(detail: &str) -> Problem {
    Problem::new(Code::RequestMalformed, detail)
}

fn no_store(body: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

/// What a client must be allowed.
const SCOPE: &str = "admin";

/// A cut in each of the logs that a key entry has room for.
const LIMITS: Limits = Limits { bytes: 16_384, depth: 4, values: 64 };
