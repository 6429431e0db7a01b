//! Credentials anew, by number: which are due, and issuing them.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use sillok_log::entry::Thumbprint;
use sillok_verifier::encoding::decode_base64url_exact;
use sillok_verifier::json::{Limits, Object};

use super::authentication::caller;
use super::body::{self, malformed};
use super::credentials::Enveloped;
use crate::application::Core;
use crate::error::{Code, Problem};
use crate::register::IssueNumber;
use crate::reissue::{Due, MAX_NUMBERS, ReissueOrder, Reissued};
use crate::status::reason;

/// `POST /credentials/reissue`.
pub(super) async fn reissue(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&core, &request)?;
    caller.require(SCOPE)?;
    let body = body::read_json(&request, payload, &LIMITS).await?;
    let object = body.object().map_err(malformed)?;
    object.expect_only(&["numbers", "reason"]).map_err(malformed)?;
    let items = object.array("numbers").map_err(malformed)?;
    if items.is_empty() || items.len() > MAX_NUMBERS {
        return Err(refuse(&format!("numbers has {} items and not 1 to {MAX_NUMBERS}", items.len())));
    }
    let mut numbers = Vec::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        let number =
            item.unsigned().map_err(|error| malformed(error.inside(&format!("numbers/{position}"))))?;
        numbers.push(IssueNumber(number));
    }
    let order =
        ReissueOrder { numbers: numbers.clone(), reason: reason(object)?.into(), operator: caller.operator };
    let answers = core.reissue(order).await?;
    let results: Vec<Value> = numbers
        .iter()
        .zip(answers)
        .map(|(IssueNumber(number), answer)| match answer {
            Ok(reissued) => show(*number, &reissued),
            Err(problem) => {
                core.metrics.refuse(problem.code);
                json!({
                    "number": number,
                    "status": problem.code.status(),
                    "problem": problem.to_json(),
                    "retryAfter": problem.retry_after_seconds,
                })
            }
        })
        .collect();
    Ok(no_store(&json!({ "results": results })))
}

fn show(number: u64, reissued: &Reissued) -> Value {
    let mut answer = json!(Enveloped::new(&reissued.issued, reissued.format));
    if let Some(members) = answer.as_object_mut() {
        members.insert("number".into(), number.into());
        members.insert("newNumber".into(), reissued.number.0.into());
        members.insert("status".into(), 201.into());
    }
    answer
}

/// `POST /credentials/reissue/due`.
pub(super) async fn due(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    caller(&core, &request)?.require(SCOPE)?;
    let body = body::read_json(&request, payload, &LIMITS).await?;
    let object = body.object().map_err(malformed)?;
    object.expect_only(&["before", "from", "key", "type"]).map_err(malformed)?;
    let due = match (object.get("key"), object.get("type")) {
        (Some(_), None) => {
            let text = object.string("key").map_err(malformed)?;
            let key = decode_base64url_exact(text.as_bytes()).map(Thumbprint);
            Due::Key(key.ok_or_else(|| refuse("key is no RFC 7638 thumbprint in base64url"))?)
        }
        (None, Some(_)) => Due::Type(object.string("type").map_err(malformed)?.into()),
        (None, None) | (Some(_), Some(_)) => return Err(refuse("type or key is missing, or both are there")),
    };
    let from = number(object, "from")?.unwrap_or(IssueNumber(0));
    let page = core.due(due, from, number(object, "before")?).await?;
    let numbers: Vec<u64> = page.numbers.iter().map(|number| number.0).collect();
    Ok(no_store(&json!({
        "numbers": numbers,
        "next": page.next.map(|next| next.0),
        "before": page.before.0,
    })))
}

fn number(object: &Object, name: &str) -> Result<Option<IssueNumber>, Problem> {
    if object.get(name).is_none() {
        return Ok(None);
    }
    object.unsigned(name).map(IssueNumber).map(Some).map_err(malformed)
}

fn refuse(problem: &str) -> Problem {
    Problem::new(Code::RequestMalformed, format!("JSON member {problem}"))
}

fn no_store(body: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

/// What a client must be allowed.
const SCOPE: &str = "admin";

/// A hundred numbers and a reason.
const LIMITS: Limits = Limits { bytes: 16_384, depth: 4, values: 256 };
