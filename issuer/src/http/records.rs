//! What the authority knows of people, put for wallets that ask later.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::authentication::caller;
use super::body::{self, malformed};
use super::credentials::SINGLE;
use crate::application::Core;
use crate::error::{Code, Problem};
use crate::issue::Order;
use crate::records::PutChange;

/// `PUT /records`.
//= specs/reissue.md#records
pub(super) async fn put(
    core: web::Data<Core>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&core, &request)?;
    let body = body::read_json(&request, payload, &SINGLE).await?;
    let object = body.object().map_err(malformed)?;
    object.expect_only(&["credential", "options"]).map_err(malformed)?;
    if let Some(options) = object.get("options") {
        let options = options.object().map_err(|error| malformed(error.inside("options")))?;
        for name in ["format", "holderDid", "holderKey"] {
            if options.get(name).is_some() {
                let detail = format!("JSON member options/{name} is not for a record");
                return Err(Problem::new(Code::RequestMalformed, detail));
            }
        }
    }
    let order = Order::read(object, &caller, NO_KEY)?;
    core.authorise(&caller, &order)?;
    let put = core.put_record(order).await?;
    let status = if put.change == PutChange::Created { StatusCode::CREATED } else { StatusCode::OK };
    let version = put.version.to_string();
    Ok(HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::ETAG, format!("\"{version}\"")))
        .json(json!({ "version": version, "change": put.change.name() })))
}

/// A record is its own key: putting the same again changes nothing.
const NO_KEY: &str = "record";
