//! Issuing and changing status: VCALM names and shapes, over the use cases.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};
use sillok_verifier::json::{Json, Limits, Object};

use super::authentication::caller;
use super::body::{self, malformed};
use crate::application::Core;
use crate::auth::Caller;
use crate::config::MAX_BATCH;
use crate::error::{Code, Problem};
use crate::format::Format;
use crate::issue::{Issued, Order, check_key, document};
use crate::status::StatusOrder;
use crate::types::CredentialType;

/// `POST /credentials/issue`.
pub(super) async fn issue(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let caller = match admitted(&core, &request, 1).await {
        Ok(caller) => caller,
        Err(problem) => return refuse(&request, payload, problem).await,
    };
    let key = idempotency_key(&core, &request)?;
    let body = body::read_json(&request, payload, &SINGLE).await?;
    let object = body.object().map_err(malformed)?;
    object.expect_only(&["credential", "options"]).map_err(malformed)?;
    let order = read_order(&core, object, &caller, key.as_deref())?;
    core.authorise(&caller, &order)?;
    let format = order.format;
    let issued = core.issue(&caller, vec![order]).await?.pop();
    let issued = issued.ok_or_else(|| Problem::new(Code::Internal, "there is no answer"))??;
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Enveloped::new(&issued, format)))
}

/// `POST /credentials/issue/batch`.
pub(super) async fn issue_batch(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let count = (body::told_bytes(&request) / TYPICAL_ITEM_BYTES).clamp(1, MAX_BATCH);
    let caller = match admitted(&core, &request, count).await {
        Ok(caller) => caller,
        Err(problem) => return refuse(&request, payload, problem).await,
    };
    let (orders, answers) = read_batch(&core, &caller, &request, payload).await?;
    let formats: Vec<Format> = orders.iter().map(|order| order.format).collect();
    let issued = if orders.is_empty() { Vec::new() } else { core.issue(&caller, orders).await? };
    let mut issued = issued.into_iter().zip(formats);
    let results: Vec<Item> = answers
        .into_iter()
        .map(|refused| {
            match refused.map_or_else(|| issued.next(), |problem| Some((Err(problem), Format::VcJwt))) {
                Some((Ok(issued), format)) => {
                    Item::Issued { answer: Enveloped::new(&issued, format), status: 201 }
                }
                Some((Err(problem), _format)) => {
                    core.metrics.refuse(problem.code);
                    Item::refused(&problem)
                }
                None => Item::refused(&Problem::new(Code::Internal, "there is no answer")),
            }
        })
        .collect();
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Results { results }))
}

/// The orders of a batch, and for each of its items why it is none. The body is gone then: it can be many times what its
/// orders are, and those wait.
async fn read_batch(
    core: &Core,
    caller: &Caller,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<(Vec<Order>, Vec<Option<Problem>>), Problem> {
    let body = body::read_json(request, payload, &BATCH).await?;
    let object = body.object().map_err(malformed)?;
    object.expect_only(&["requests"]).map_err(malformed)?;
    let items = object.array("requests").map_err(malformed)?;
    if items.is_empty() || items.len() > MAX_BATCH {
        let detail = format!("JSON member requests has {} items and not 1 to {MAX_BATCH}", items.len());
        let code = if items.is_empty() { Code::RequestMalformed } else { Code::RequestTooLarge };
        return Err(Problem::new(code, detail));
    }
    let read = |item: &Json| -> Result<Order, Problem> {
        let object = item.object().map_err(malformed)?;
        object.expect_only(&["credential", "idempotencyKey", "options"]).map_err(malformed)?;
        let key = object.string("idempotencyKey").map_err(malformed)?;
        let order = read_order(core, object, caller, Some(key))?;
        core.authorise(caller, &order)?;
        Ok(order)
    };
    let mut orders = Vec::new();
    let mut answers: Vec<Option<Problem>> = Vec::with_capacity(items.len());
    for item in items {
        match read(item) {
            Ok(order) => {
                orders.push(order);
                answers.push(None);
            }
            Err(problem) => answers.push(Some(problem)),
        }
    }
    Ok((orders, answers))
}

/// Whatever can be known before a body is read: whether there is room for about so many credentials, and who asks.
async fn admitted(core: &Core, request: &HttpRequest, count: usize) -> Result<Caller, Problem> {
    // First who asks: a stranger moves nobody's turn.
    let caller = caller(core, request)?;
    core.admit(count).await?;
    Ok(caller)
}

async fn refuse(
    request: &HttpRequest,
    payload: web::Payload,
    problem: Problem,
) -> Result<HttpResponse, Problem> {
    body::discard(request, payload).await;
    Err(problem)
}

/// `POST /credentials/status`.
pub(super) async fn status(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&core, &request)?;
    caller.require("status")?;
    let body = body::read_json(&request, payload, &SINGLE).await?;
    let order = StatusOrder::read(body.object().map_err(malformed)?, &caller.operator)?;
    let changed = core.change_status(order).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
        "index": changed.index,
        "receipt": changed.receipt.map(|receipt| STANDARD.encode(receipt)),
        "published_by": changed.published_by.0,
    })))
}

/// A credential as W3C VC Data Model 2.0 section 4.13 envelops it, with its receipt beside it.
#[derive(Serialize)]
pub(super) struct Enveloped {
    #[serde(rename = "verifiableCredential")]
    credential: Envelope,
    receipt: String,
}

#[derive(Serialize)]
struct Envelope {
    #[serde(rename = "@context")]
    context: [&'static str; 1],
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Enveloped {
    pub(super) fn new(issued: &Issued, format: Format) -> Self {
        let media_type = match format {
            Format::DcSdJwt => "data:application/dc+sd-jwt,",
            // VC 1.1 has no media type of its own.
            Format::JwtVcJson => "data:application/jwt,",
            Format::VcJwt => "data:application/vc+jwt,",
            Format::VcSdJwt => "data:application/vc+sd-jwt,",
        };
        let credential = Envelope {
            context: ["https://www.w3.org/ns/credentials/v2"],
            id: [media_type, &issued.credential].concat(),
            kind: "EnvelopedVerifiableCredential",
        };
        Self { credential, receipt: STANDARD.encode(&issued.receipt) }
    }
}

#[derive(Serialize)]
struct Results {
    results: Vec<Item>,
}

/// What became of one request of a batch.
#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Issued {
        #[serde(flatten)]
        answer: Enveloped,
        status: u16,
    },
    Refused {
        status: u16,
        problem: Value,
        #[serde(rename = "retryAfter")]
        retry_after: Option<u64>,
    },
}

impl Item {
    fn refused(problem: &Problem) -> Self {
        Self::Refused {
            status: problem.code.status(),
            problem: problem.to_json(),
            retry_after: problem.retry_after_seconds,
        }
    }
}

/// Reads an order of a type that the issuer composes, or of one whose documents the caller brings.
fn read_order(core: &Core, request: &Object, caller: &Caller, key: Option<&str>) -> Result<Order, Problem> {
    match document::open_type(&core.types, request) {
        Some(kind) => document::read(request, caller, key, (kind, &core.config.public_url)),
        None => Order::read(request, caller, key.ok_or_else(no_key)?),
    }
}

fn no_key() -> Problem {
    Problem::new(Code::IdempotencyKeyMissing, "header Idempotency-Key is missing")
}

fn idempotency_key(core: &Core, request: &HttpRequest) -> Result<Option<String>, Problem> {
    let mut values = request.headers().get_all("Idempotency-Key");
    let Some(value) = values.next() else {
        // Only the body says of which type it is.
        let may_do_without = core.types.iter().any(CredentialType::takes_key_from_request);
        return if may_do_without { Ok(None) } else { Err(no_key()) };
    };
    if values.next().is_some() {
        return Err(Problem::new(Code::IdempotencyKeyMalformed, "header Idempotency-Key occurs twice"));
    }
    check_key(value.to_str().unwrap_or_default()).map(|key| Some(key.into()))
}

/// A request of a batch for a person with two doses: enough to guess how many there are before they are read.
const TYPICAL_ITEM_BYTES: usize = 600;

/// One request: a credential is at most 16 KiB (specs/credential.md), and its claims are most of it.
pub(super) const SINGLE: Limits = Limits { bytes: 16 << 10, depth: 16, values: 2_048 };

/// A thousand requests of 2 KiB.
const BATCH: Limits = Limits { bytes: 2 << 20, depth: 18, values: 262_144 };
