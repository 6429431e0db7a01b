//! Credentials, at once or later.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sillok_log::UnixSeconds;
use sillok_verifier::json::{Json, Limits, Object};

use super::{MAX_PROOFS, Refusal, Shared, answer, blocking, json_response, malformed, wallet};
use crate::application::Core;
use crate::error::{Code, Problem};
use crate::format::Format;
use crate::http::body;
use crate::openid::configuration;
use crate::openid::grants::{Deferred, NotDeferred};
use crate::openid::nonce::Refused;
use crate::openid::proof::{MAX_PROOF_BYTES, Proof};
use crate::openid::token::Grant;
use crate::records::{HolderKey, Obtained};

/// `POST /openid/credential` (OpenID4VCI 1.0 section 8).
//= specs/openid.md#credentials
pub(crate) async fn credential(core: Shared, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    answer(&core, issue(&core, &request, payload).await)
}

async fn issue(
    core: &Arc<Core>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let now = (core.clock)();
    let admitted = async {
        let grant = wallet(core, request, now)?;
        core.admit(1).await?;
        Ok(grant)
    };
    let grant = match admitted.await {
        Ok(grant) => grant,
        Err(refusal) => {
            body::discard(request, payload).await;
            return Err(refusal);
        }
    };
    let body = body::read_json(request, payload, &REQUEST).await.map_err(malformed(BAD_REQUEST))?;
    let object = body.object().map_err(|error| malformed(BAD_REQUEST)(body::malformed(error)))?;
    if object.get("credential_response_encryption").is_some() {
        let problem = "answers are not encrypted here, beyond TLS";
        return Err(Refusal::new("invalid_encryption_parameters", problem));
    }
    let format = asked_for(core, &grant, object)?;
    let proofs = open_proofs(read_proofs(object)?).await?;
    let keys = check_proofs(core, &grant, format, proofs, now)?;
    match core.obtain(grant.record, keys.clone(), format).await {
        Ok(obtained) => {
            let notification = core.openid.tokens.notification(&grant, &obtained.etag);
            Ok(handed_over(&obtained, Some(notification)))
        }
        Err(problem) if comes_later(&problem) => {
            defer(core, grant, Deferred { format, keys }, &problem, now).await
        }
        Err(problem) => Err(refused(problem)),
    }
}

/// In which format, by exactly one of configuration and identifier.
fn asked_for(core: &Core, grant: &Grant, object: &Object) -> Result<Format, Refusal> {
    let text = |name| -> Result<Option<&str>, Refusal> {
        let value = object.get(name).map(Json::string).transpose();
        value.map_err(|error| malformed(BAD_REQUEST)(body::malformed(error.inside(name))))
    };
    let bad = |problem: &str| Err(Refusal::new(BAD_REQUEST, problem));
    match (text("credential_identifier")?, text("credential_configuration_id")?) {
        (Some(identifier), None) => {
            let is_named = |format: &Format| core.openid.tokens.identifier(grant, *format) == identifier;
            let format = grant.formats.iter().copied().filter(|_format| grant.identified).find(is_named);
            format.ok_or_else(|| {
                Refusal::new("unknown_credential_identifier", "the token has no such credential_identifier")
            })
        }
        (None, Some(_configuration)) if grant.identified => {
            bad("the token has credential_identifiers, and credential_configuration_id is no use with them")
        }
        (None, Some(configuration)) => {
            if !configuration::is_known(core, configuration) {
                let problem = "credential_configuration_id names no configuration of this issuer";
                return Err(Refusal::new("unknown_credential_configuration", problem));
            }
            let kind = core.record_type(grant.record).map_err(refused)?;
            let format = configuration::format_of(kind, configuration);
            format.filter(|format| grant.formats.contains(format)).ok_or_else(|| {
                Refusal::new(
                    "insufficient_scope",
                    "the token was not given for this credential configuration",
                )
            })
        }
        (Some(_), Some(_)) => bad("credential_identifier and credential_configuration_id are both there"),
        (None, None) => bad("neither credential_identifier nor credential_configuration_id is there"),
    }
}

/// The texts of the proofs.
fn read_proofs(object: &Object) -> Result<Vec<String>, Refusal> {
    let bad = |problem: &str| Refusal::new(BAD_PROOF, problem);
    let proofs = object.get("proofs").ok_or_else(|| bad("proofs is missing"))?;
    let proofs = proofs.object().map_err(|_kind| bad("proofs is no object"))?;
    let jwts = proofs.get("jwt").filter(|_jwt| proofs.members().count() == 1);
    let jwts = jwts.and_then(|jwts| jwts.array().ok());
    let jwts = jwts.ok_or_else(|| bad("proofs has not exactly one member, an array jwt"))?;
    if jwts.is_empty() || jwts.len() > MAX_PROOFS {
        return Err(bad(&format!("proofs/jwt has {} items and not 1 to {MAX_PROOFS}", jwts.len())));
    }
    let text = |jwt: &Json| {
        jwt.string().map(String::from).map_err(|_kind| bad("an item of proofs/jwt is no string"))
    };
    jwts.iter().map(text).collect()
}

/// Signatures are checked away from the threads that answer.
async fn open_proofs(texts: Vec<String>) -> Result<Vec<Proof>, Refusal> {
    let open = move || texts.iter().map(|text| Proof::open(text)).collect::<Vec<_>>();
    let opened = blocking(open).await?.into_iter().enumerate();
    opened.map(|(position, proof)| proof.map_err(|problem| bad_proof(position, &problem))).collect()
}

fn bad_proof(position: usize, problem: &str) -> Refusal {
    Refusal::new(BAD_PROOF, format!("proofs/jwt/{position} {problem}"))
}

/// The keys of proofs that were made for us, now, each its own. Their nonces are used up.
//= specs/openid.md#key-proofs
fn check_proofs(
    core: &Core,
    grant: &Grant,
    format: Format,
    proofs: Vec<Proof>,
    now: UnixSeconds,
) -> Result<Vec<HolderKey>, Refusal> {
    let is_client = |id: &str| grant.client.is_some_and(|client| client == core.openid.tokens.client(id));
    let (mut nonces, mut thumbprints) = (BTreeSet::new(), BTreeSet::new());
    for (position, proof) in proofs.iter().enumerate() {
        let bad = |problem: &str| bad_proof(position, problem);
        proof.check(&core.config.public_url, is_client, now).map_err(|problem| bad(&problem))?;
        if !configuration::binds(format, &proof.holder) {
            return Err(bad("names its key in a way that this configuration does not bind to"));
        }
        if !thumbprints.insert(proof.holder.key.thumbprint().0) {
            return Err(bad("has the key of another proof"));
        }
        nonces.insert(proof.nonce.as_deref().ok_or_else(|| bad("has no claim nonce"))?);
    }
    let refuse = |refused| match refused {
        Refused::Invalid => {
            Refusal::new("invalid_nonce", "nonce was not made here lately, or was used: ask for another")
        }
        Refused::Busy => {
            Problem::later(Code::QueueFull, "too many nonces are in use", BUSY_RETRY_SECONDS).into()
        }
    };
    // All of them first, so that a request that fails uses none up.
    nonces.iter().try_for_each(|nonce| core.openid.nonces.check(nonce, now)).map_err(refuse)?;
    nonces.iter().try_for_each(|nonce| core.openid.nonces.take(nonce, now)).map_err(refuse)?;
    Ok(proofs.into_iter().map(|proof| proof.holder).collect())
}

/// Whether asking again later gives what was asked for.
const fn comes_later(problem: &Problem) -> bool {
    matches!(
        problem.code,
        Code::IdempotencyKeyRunning
            | Code::LedgerBusy
            | Code::LedgerUnavailable
            | Code::LedgerUncosigned
            | Code::RecordBusy
    )
}

/// What is wrong for good with what a wallet asks for, and what is wrong here.
fn refused(problem: Problem) -> Refusal {
    match problem.code {
        Code::HolderKeyBound => {
            Refusal::new(BAD_PROOF, "a key has a credential of somebody else: make another key")
        }
        Code::ClientRateLimited
        | Code::Internal
        | Code::LedgerRefused
        | Code::QueueFull
        | Code::RequestDeadline
        | Code::Stopping => Refusal::Problem(problem),
        _of_the_record => Refusal::new("credential_request_denied", problem.detail),
    }
}

async fn defer(
    core: &Arc<Core>,
    grant: Grant,
    deferred: Deferred,
    problem: &Problem,
    now: UnixSeconds,
) -> Result<HttpResponse, Refusal> {
    let keep = Arc::clone(core);
    let kept = blocking(move || keep.openid.grants.defer(&grant, &deferred, now)).await?;
    let transaction = kept.map_err(|error| match error {
        NotDeferred::Full => {
            Problem::later(Code::QueueFull, "too much is waiting already", BUSY_RETRY_SECONDS)
        }
        NotDeferred::Store(error) => Problem::internal("remembering a request", &error),
    })?;
    core.metrics.deferred.inc();
    Ok(waits(&transaction, problem))
}

fn waits(transaction: &str, problem: &Problem) -> HttpResponse {
    let interval = problem.retry_after_seconds.unwrap_or(BUSY_RETRY_SECONDS).max(1);
    json_response(202).body(json!({ "transaction_id": transaction, "interval": interval }).to_string())
}

/// Credentials, each with its receipt. A deferred answer goes without `notification_id`.
fn handed_over(obtained: &Obtained, notification: Option<String>) -> HttpResponse {
    let credentials = obtained.credentials.iter();
    let credentials: Vec<Value> = credentials
        .map(|issued| json!({ "credential": issued.credential, "receipt": STANDARD.encode(&issued.receipt) }))
        .collect();
    let mut body = json!({ "credentials": credentials });
    if let Some(notification) = notification {
        body["notification_id"] = notification.into();
    }
    json_response(200).insert_header((header::ETAG, obtained.etag.as_str())).body(body.to_string())
}

/// `POST /openid/deferred` (OpenID4VCI 1.0 section 9).
//= specs/openid.md#deferred-issuance
pub(crate) async fn deferred(core: Shared, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    answer(&core, pick_up(&core, &request, payload).await)
}

async fn pick_up(
    core: &Arc<Core>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let now = (core.clock)();
    let grant = wallet(core, request, now)?;
    let body = body::read_json(request, payload, &TRANSACTION).await.map_err(malformed(BAD_REQUEST))?;
    let refuse = |error| malformed(BAD_REQUEST)(body::malformed(error));
    let object = body.object().map_err(refuse)?;
    if object.get("credential_response_encryption").is_some() {
        let problem = "answers are not encrypted here, beyond TLS";
        return Err(Refusal::new("invalid_encryption_parameters", problem));
    }
    let transaction = object.string("transaction_id").map_err(refuse)?.to_owned();
    let unknown = || Refusal::new("invalid_transaction_id", "nothing waits under this transaction_id");
    let failed = |error| Problem::internal("reading a request that waits", &error);
    let (keep, owner, name) = (Arc::clone(core), grant.clone(), transaction.clone());
    let waiting = blocking(move || keep.openid.grants.deferred(&name, &owner, now)).await?.map_err(failed)?;
    let Deferred { format, keys } = waiting.ok_or_else(unknown)?;
    match core.obtain(grant.record, keys, format).await {
        Ok(obtained) => {
            let keep = Arc::clone(core);
            let ended = blocking(move || keep.openid.grants.obtained(&transaction)).await?.map_err(failed)?;
            if ended { Ok(handed_over(&obtained, None)) } else { Err(unknown()) }
        }
        Err(problem) if comes_later(&problem) => Ok(waits(&transaction, &problem)),
        Err(problem) => Err(refused(problem)),
    }
}

const BAD_REQUEST: &str = "invalid_credential_request";
const BAD_PROOF: &str = "invalid_proof";

/// What is done meanwhile takes about as long.
const BUSY_RETRY_SECONDS: u64 = 5;

/// Ten proofs of the longest, and the little around them.
const REQUEST: Limits = Limits { bytes: MAX_PROOFS * MAX_PROOF_BYTES + (4 << 10), depth: 6, values: 256 };

const TRANSACTION: Limits = Limits { bytes: 4 << 10, depth: 6, values: 64 };
