//! Tokens of wallets: for a code, and for a refresh token.

use std::sync::Arc;

use actix_web::web;
use serde_json::{Value, json};
use sillok_log::UnixSeconds;
use sillok_verifier::json::{Json, Limits};

use super::blocking;
use crate::application::Core;
use crate::auth::{Denied, Form};
use crate::error::Problem;
use crate::format::Format;
use crate::journal::StoreError;
use crate::openid::configuration;
use crate::openid::grants::{NotRedeemed, NotRefreshed};
use crate::openid::token::Grant;
use crate::types::CredentialType;

type Answer = Result<Result<Value, Denied>, Problem>;

/// A token for a pre-authorised code (OpenID4VCI 1.0 section 6).
//= specs/openid.md#tokens
pub(crate) async fn pre_authorized(core: &web::Data<Core>, form: Form) -> Answer {
    let now = (core.clock)();
    let details = match read_details(form.authorization_details.as_deref()) {
        Ok(details) => details,
        Err(denied) => return Ok(Err(denied)),
    };
    if form.pre_authorized_code.is_none() {
        return Ok(Err(Denied::new("invalid_request", "parameter pre-authorized_code is missing")));
    }
    let identified = details.is_some();
    let shared = Arc::clone(core);
    let redeemed = blocking(move || {
        let code = form.pre_authorized_code.as_ref().map_or("", |code| code.as_str());
        let tx_code = form.tx_code.as_ref().map(|tx_code| tx_code.as_str());
        let ask = |record, offered: &[Format]| match &details {
            None => Ok(offered.to_vec()),
            Some(wanted) => {
                let kind = shared.record_type(record).map_err(|_problem| NOT_OFFERED)?;
                choose(kind, offered, wanted)
            }
        };
        let client = form.client_id.as_deref().map(|id| shared.openid.tokens.client(id));
        let grant = shared.openid.grants.redeem(code, tx_code, ask, now)?;
        Ok(Grant { identified, client, ..grant })
    });
    let grant = match redeemed.await? {
        Ok(grant) => grant,
        Err(error) => return denied(error).map(Err),
    };
    respond(core, &grant, 0, now).map(Ok)
}

/// A token for a refresh token (RFC 6749 section 6). A wallet may go over to `authorization_details`, or ask for less.
//= specs/openid.md#tokens
pub(crate) async fn refresh(core: &web::Data<Core>, form: Form) -> Answer {
    let now = (core.clock)();
    let details = match read_details(form.authorization_details.as_deref()) {
        Ok(details) => details,
        Err(denied) => return Ok(Err(denied)),
    };
    let Some(token) = form.refresh_token else {
        return Ok(Err(Denied::new("invalid_request", "parameter refresh_token is missing")));
    };
    let unknown = |problem: &str| Ok(Err(Denied::new("invalid_grant", problem)));
    let Some((mut grant, generation)) = core.openid.tokens.open_refresh(&token, now) else {
        return unknown("refresh_token is none of this issuer, or has expired: a new offer is needed");
    };
    if let Some(wanted) = details {
        let kind = core.record_type(grant.record).map_err(|_problem| NOT_OFFERED);
        match kind.and_then(|kind| choose(kind, &grant.formats, &wanted)) {
            Ok(formats) => grant = Grant { formats, identified: true, ..grant },
            Err(problem) => return Ok(Err(Denied::new(BAD_DETAILS, problem))),
        }
    }
    let (shared, of) = (Arc::clone(core), grant.clone());
    match blocking(move || shared.openid.grants.refresh(&of, generation, now)).await? {
        Ok(next) => respond(core, &grant, next, now).map(Ok),
        Err(NotRefreshed::Repeated) => {
            tracing::warn!("a refresh token was used again after its successor; its grant has ended");
            unknown("refresh_token was replaced by a newer one: a new offer is needed")
        }
        Err(NotRefreshed::Revoked) => {
            unknown("what refresh_token was given for has ended: a new offer is needed")
        }
        Err(NotRefreshed::Store(error)) => Err(Problem::internal("remembering a token", &error)),
    }
}

fn denied(error: NotRedeemed) -> Result<Denied, Problem> {
    Ok(match error {
        NotRedeemed::Asked(problem) => Denied::new(BAD_DETAILS, problem),
        NotRedeemed::Store(error) => return Err(Problem::internal("redeeming an offer", &error)),
        NotRedeemed::TxCodeMissing => Denied::new("invalid_request", "parameter tx_code is missing"),
        NotRedeemed::TxCodeUnexpected => {
            Denied::new("invalid_request", "parameter tx_code is there, and the offer has none")
        }
        NotRedeemed::TxCodeWrong { left: 0 } => {
            Denied::new("invalid_grant", "tx_code is wrong for the last time: a new offer is needed")
        }
        NotRedeemed::TxCodeWrong { left } => {
            Denied::new("invalid_grant", format!("tx_code is wrong, and may be tried {left} times more"))
        }
        NotRedeemed::Unknown => Denied::new(
            "invalid_grant",
            "pre-authorized_code is none that is open: it may have been used, or has expired",
        ),
    })
}

/// The answer of RFC 6749 section 5.1.
fn respond(core: &Core, grant: &Grant, generation: u32, now: UnixSeconds) -> Result<Value, Problem> {
    let failed = |error: StoreError| Problem::internal("making a token", &error);
    let expires = UnixSeconds(now.0.saturating_add(ACCESS_SECONDS)).min(grant.expires);
    let access = core.openid.tokens.access(grant, expires).map_err(failed)?;
    let refresh = core.openid.tokens.refresh(grant, generation).map_err(failed)?;
    let mut body = json!({
        "access_token": access.as_str(),
        "token_type": "Bearer",
        "expires_in": expires.0.saturating_sub(now.0),
        "refresh_token": refresh.as_str(),
    });
    if grant.identified {
        let kind = core.record_type(grant.record)?;
        let details = grant.formats.iter().map(|format| {
            json!({
                "type": DETAILS_TYPE,
                "credential_configuration_id": configuration::id(kind, *format),
                "credential_identifiers": [core.openid.tokens.identifier(grant, *format)],
            })
        });
        body["authorization_details"] = details.collect();
    }
    Ok(body)
}

/// The configurations that `authorization_details` (RFC 9396) ask for.
fn read_details(text: Option<&str>) -> Result<Option<Vec<String>>, Denied> {
    let bad = |problem: &str| Denied::new(BAD_DETAILS, format!("authorization_details {problem}"));
    let Some(text) = text else { return Ok(None) };
    let json =
        Json::parse(text.as_bytes(), &DETAILS).map_err(|error| bad(&format!("cannot be read: {error}")))?;
    let items = json.array().map_err(|_kind| bad("is no array"))?;
    if items.is_empty() {
        return Err(bad("is empty"));
    }
    let read = |item: &Json| -> Result<String, Denied> {
        let item = item.object().map_err(|_kind| bad("has an item that is no object"))?;
        if item.string("type") != Ok(DETAILS_TYPE) {
            return Err(bad(&format!("has an item whose type is not {DETAILS_TYPE}")));
        }
        let id = item.string("credential_configuration_id");
        id.map(String::from).map_err(|_error| bad("has an item without a credential_configuration_id"))
    };
    items.iter().map(read).collect::<Result<_, _>>().map(Some)
}

/// The formats of the configurations that are asked for, all of them offered.
fn choose(kind: &CredentialType, offered: &[Format], wanted: &[String]) -> Result<Vec<Format>, &'static str> {
    let mut formats = Vec::new();
    for id in wanted {
        let format = configuration::format_of(kind, id).filter(|format| offered.contains(format));
        let format = format.ok_or(NOT_OFFERED)?;
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    Ok(formats)
}

/// The grant types of wallets.
pub(crate) const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
pub(crate) const REFRESH: &str = "refresh_token";

/// RFC 9396 section 5.
const BAD_DETAILS: &str = "invalid_authorization_details";
const NOT_OFFERED: &str = "authorization_details name a credential configuration that was not offered";

const DETAILS_TYPE: &str = "openid_credential";

/// How long an access token is good for, in seconds: what is deferred for longer needs the refresh token.
const ACCESS_SECONDS: u64 = 3_600;

/// A wallet names the few configurations of an offer.
const DETAILS: Limits = Limits { bytes: 8 << 10, depth: 8, values: 256 };
