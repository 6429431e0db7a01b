//! What a wallet did with what it got.

use actix_web::{HttpRequest, HttpResponse, web};
use sillok_verifier::json::Limits;

use super::{Refusal, Shared, answer, malformed, wallet};
use crate::application::Core;
use crate::http::body;
use crate::openid::used::Use;

/// `POST /openid/notification` (OpenID4VCI 1.0 section 11).
//= specs/openid.md#notifications
pub(crate) async fn notification(core: Shared, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    answer(&core, take(&core, &request, payload).await)
}

async fn take(core: &Core, request: &HttpRequest, payload: web::Payload) -> Result<HttpResponse, Refusal> {
    let now = (core.clock)();
    let grant = wallet(core, request, now)?;
    let body = body::read_json(request, payload, &REQUEST).await.map_err(malformed(BAD_REQUEST))?;
    let refuse = |error| malformed(BAD_REQUEST)(body::malformed(error));
    let object = body.object().map_err(refuse)?;
    let id = object.string("notification_id").map_err(refuse)?;
    let event = object.string("event").map_err(refuse)?;
    let Some(position) = EVENTS.iter().position(|known| *known == event) else {
        return Err(Refusal::new(BAD_REQUEST, format!("event is not one of {}", EVENTS.join(", "))));
    };
    if let Some(description) = object.get("event_description") {
        let text = description.string().map_err(refuse)?;
        if text.len() > MAX_DESCRIPTION_BYTES {
            let problem = format!("event_description is longer than {MAX_DESCRIPTION_BYTES} bytes");
            return Err(Refusal::new(BAD_REQUEST, problem));
        }
    }
    let Some(mut name) = core.openid.tokens.is_notification(&grant, id) else {
        return Err(Refusal::new(
            "invalid_notification_id",
            "nothing was handed over under this notification_id",
        ));
    };
    // One name for each event.
    if let Some(first) = name.first_mut() {
        *first ^= position as u8;
    }
    if core.openid.notified.take(name, now) == Use::First {
        core.metrics.count_notification(event);
    }
    Ok(HttpResponse::NoContent().finish())
}

const BAD_REQUEST: &str = "invalid_notification_request";

const EVENTS: [&str; 3] = ["credential_accepted", "credential_deleted", "credential_failure"];

/// Nothing is done with it.
const MAX_DESCRIPTION_BYTES: usize = 1_024;

const REQUEST: Limits = Limits { bytes: 4 << 10, depth: 4, values: 64 };
