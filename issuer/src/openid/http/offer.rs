//! Offers: made by a clinic's system, fetched by wallets.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use sillok_log::UnixSeconds;
use sillok_verifier::json::{Json, Limits, Object};

use super::{OFFERS_PATH, Shared, blocking, json_response, ok, token::PRE_AUTHORIZED};
use crate::application::Core;
use crate::auth::Caller;
use crate::error::{Code, Problem};
use crate::format::{Format, ISSUED};
use crate::http::authentication::caller;
use crate::http::body::{self, malformed};
use crate::issue::Order;
use crate::openid::configuration;
use crate::openid::grants::{NotOffered, Offered, Terms, TxCode};
use crate::records::RecordNumber;
use crate::types::CredentialType;

/// `POST /offers`: the record is put, or named, and a wallet may obtain its credential.
//= specs/openid.md#offers
pub(crate) async fn offer(
    core: Shared,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&core, &request)?;
    let body = body::read_json(&request, payload, &REQUEST).await?;
    let object = body.object().map_err(malformed)?;
    object.expect_only(&["credential", "offer", "options", "record"]).map_err(malformed)?;
    let now = (core.clock)();
    let asked = Asked::read(object)?;
    let record = match object.get("record") {
        Some(named) => find(&core, &caller, named, object)?,
        None => put(&core, &caller, object).await?,
    };
    let kind = core.record_type(record)?;
    let terms = asked.terms(record, now);
    let shared = Arc::clone(&core);
    let made = blocking(move || shared.openid.grants.offer(terms, now)).await?;
    let (offered, tx_code) = made.map_err(|error| match error {
        NotOffered::Full => {
            Problem::later(Code::QueueFull, "as many offers as may be are open", FULL_RETRY_SECONDS)
        }
        NotOffered::Store(error) => Problem::internal("remembering an offer", &error),
    })?;
    core.metrics.offers.inc();
    let document = document(&core, kind, &offered);
    let uri = format!("{}{OFFERS_PATH}/{}", core.config.public_url, offered.reference);
    let mut body = json!({
        "credential_offer": document,
        "credential_offer_uri": uri,
        "by_value": link("credential_offer", &document.to_string()),
        "by_reference": link("credential_offer_uri", &uri),
        "expires": offered.terms.expires.0,
    });
    if let Some(tx_code) = tx_code {
        body["tx_code"] = tx_code.as_str().into();
    }
    Ok(json_response(201).body(body.to_string()))
}

/// `GET /offers/{reference}`: as often as a wallet likes, until the offer is redeemed.
//= specs/openid.md#offers
pub(crate) async fn fetch(core: Shared, reference: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (shared, now) = (Arc::clone(&core), (core.clock)());
    let found = blocking(move || shared.openid.grants.find(&reference, now)).await?;
    let found = found.map_err(|error| Problem::internal("reading an offer", &error))?;
    let unknown = "no offer is open here: it may have been redeemed, or has expired";
    let offered = found.ok_or_else(|| Problem::new(Code::RouteUnknown, unknown))?;
    let kind = core.record_type(offered.terms.record)?;
    Ok(ok(&document(&core, kind, &offered)))
}

/// What an offer is to be like.
struct Asked {
    formats: Vec<Format>,
    tx_code: Option<TxCode>,
    seconds: u64,
}

impl Asked {
    fn read(request: &Object) -> Result<Self, Problem> {
        let inside = |error: sillok_verifier::json::JsonError| malformed(error.inside("offer"));
        let Some(offer) = request.get("offer") else {
            return Ok(Self { formats: ISSUED.to_vec(), tx_code: None, seconds: DEFAULT_SECONDS });
        };
        let offer = offer.object().map_err(inside)?;
        offer.expect_only(&["expiresIn", "formats", "txCode"]).map_err(inside)?;
        let seconds = match offer.get("expiresIn") {
            None => DEFAULT_SECONDS,
            Some(_) => offer.unsigned("expiresIn").map_err(inside)?,
        };
        if !(MIN_SECONDS..=MAX_SECONDS).contains(&seconds) {
            return Err(refuse("expiresIn", &format!("is not from {MIN_SECONDS} to {MAX_SECONDS}")));
        }
        let formats = match offer.get("formats") {
            None => ISSUED.to_vec(),
            Some(_) => read_formats(offer.array("formats").map_err(inside)?)?,
        };
        let tx_code = match offer.get("txCode") {
            None => None,
            Some(tx_code) => Some(read_tx_code(tx_code.object().map_err(inside)?)?),
        };
        Ok(Self { formats, tx_code, seconds })
    }

    fn terms(self, record: RecordNumber, now: UnixSeconds) -> Terms {
        let expires = UnixSeconds(now.0.saturating_add(self.seconds));
        Terms { record, formats: self.formats, tx_code: self.tx_code, expires }
    }
}

fn read_formats(items: &[Json]) -> Result<Vec<Format>, Problem> {
    let mut formats = Vec::new();
    for item in items {
        let format = item.string().ok().and_then(Format::from_name).filter(|format| ISSUED.contains(format));
        let format = format.ok_or_else(|| refuse("formats", "names a format that is not issued here"))?;
        if formats.contains(&format) {
            return Err(refuse("formats", "names a format twice"));
        }
        formats.push(format);
    }
    if formats.is_empty() { Err(refuse("formats", "is empty")) } else { Ok(formats) }
}

fn read_tx_code(tx_code: &Object) -> Result<TxCode, Problem> {
    let inside = |error: sillok_verifier::json::JsonError| malformed(error.inside("txCode").inside("offer"));
    tx_code.expect_only(&["description", "inputMode", "length"]).map_err(inside)?;
    let numeric = match tx_code.get("inputMode").map(Json::string).transpose().map_err(inside)? {
        None | Some("numeric") => true,
        Some("text") => false,
        Some(_another) => return Err(refuse("txCode/inputMode", "is neither numeric nor text")),
    };
    let length = match tx_code.get("length") {
        None => DEFAULT_TX_LENGTH,
        Some(_) => tx_code.unsigned("length").map_err(inside)?,
    };
    let length = u8::try_from(length).ok().filter(|length| (MIN_TX_LENGTH..=MAX_TX_LENGTH).contains(length));
    let length = length
        .ok_or_else(|| refuse("txCode/length", &format!("is not from {MIN_TX_LENGTH} to {MAX_TX_LENGTH}")))?;
    let description = match tx_code.get("description") {
        None => "",
        Some(text) => text.string().map_err(inside)?,
    };
    if description.chars().count() > MAX_DESCRIPTION || description.contains('%') {
        let problem = format!("has more than {MAX_DESCRIPTION} characters, or a % sign");
        return Err(refuse("txCode/description", &problem));
    }
    Ok(TxCode { length, numeric, description: description.into() })
}

/// The record of a person and a type that is there already.
fn find(core: &Core, caller: &Caller, named: &Json, request: &Object) -> Result<RecordNumber, Problem> {
    if request.get("credential").is_some() || request.get("options").is_some() {
        return Err(Problem::new(
            Code::RequestMalformed,
            "JSON member record is there, and credential or options too",
        ));
    }
    let inside = |error: sillok_verifier::json::JsonError| malformed(error.inside("record"));
    let named = named.object().map_err(inside)?;
    named.expect_only(&["subject", "type"]).map_err(inside)?;
    let (subject, name) = (named.string("subject").map_err(inside)?, named.string("type").map_err(inside)?);
    let kind = core.types.get(name);
    let kind =
        kind.ok_or_else(|| Problem::new(Code::TypeUnknown, "no credential type has this name; see /types"))?;
    // Who may not issue a type does not hear who has a record of it.
    caller.require(&format!("issue:{}", kind.name()))?;
    let record = core.find_record(subject, kind.name());
    record.ok_or_else(|| Problem::new(Code::RecordUnknown, "no record of this subject and type is there"))
}

async fn put(core: &Shared, caller: &Caller, request: &Object) -> Result<RecordNumber, Problem> {
    // Nothing is issued: the key by which retries are told is that of the record itself.
    let order = Order::read(request, caller, NO_KEY)?;
    core.authorise(caller, &order)?;
    Ok(core.put_record(order).await?.record)
}

/// The credential offer object (OpenID4VCI 1.0 section 4.1.1).
fn document(core: &Core, kind: &CredentialType, offered: &Offered) -> Value {
    let Terms { formats, tx_code, .. } = &offered.terms;
    let ids: Vec<String> = formats.iter().map(|format| configuration::id(kind, *format)).collect();
    let mut grant = json!({ "pre-authorized_code": offered.code.as_str() });
    if let Some(TxCode { length, numeric, description }) = tx_code {
        grant["tx_code"] =
            json!({ "input_mode": if *numeric { "numeric" } else { "text" }, "length": length });
        if !description.is_empty() {
            grant["tx_code"]["description"] = description.as_str().into();
        }
    }
    json!({
        "credential_issuer": core.config.public_url,
        "credential_configuration_ids": ids,
        "grants": { PRE_AUTHORIZED: grant },
    })
}

/// The link that opens a wallet: all but unreserved characters (RFC 3986 section 2.3) percent-encoded.
fn link(parameter: &str, value: &str) -> String {
    let mut link = format!("openid-credential-offer://?{parameter}=");
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            link.push_str(&format!("%{byte:02X}"));
        }
    }
    link
}

fn refuse(member: &str, problem: &str) -> Problem {
    Problem::new(Code::RequestMalformed, format!("JSON member offer/{member} {problem}"))
}

/// A record has no idempotency key: the same content is the same version.
const NO_KEY: &str = "offer";

/// How long an offer is open unless it is said, in seconds: a QR code on a counter.
const DEFAULT_SECONDS: u64 = 900;

const MIN_SECONDS: u64 = 30;

/// A month, for letters. With so much time there should be a transaction code.
const MAX_SECONDS: u64 = 31 * 86_400;

const DEFAULT_TX_LENGTH: u64 = 6;

/// With five tries, a code of four digits is found by one in 2,000.
const MIN_TX_LENGTH: u8 = 4;
const MAX_TX_LENGTH: u8 = 16;

/// Longest description in characters (OpenID4VCI 1.0 section 4.1.1).
const MAX_DESCRIPTION: usize = 300;

/// Offers expire.
const FULL_RETRY_SECONDS: u64 = 60;

/// As a request for one credential, and what its offer is to be like.
const REQUEST: Limits = Limits { bytes: 17 << 10, depth: 16, values: 2_080 };
