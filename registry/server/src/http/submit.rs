//! Submission: who asks is checked before what is asked, and what is asked before it is queued.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use sillok_log::ledger::Role;
use sillok_log::submission::{Authorization, Level, MAX_BODY_BYTES, MAX_ENTRIES, MAX_RAW_ENTRY_BYTES};
use tokio::task::JoinHandle;

use super::{Endpoint, Problem, State, body};
use crate::handle::{Answer, Logged, Outcome, SubmitError};

//= specs/log.md#submission
/// `POST /entries`.
pub(super) async fn entries(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    let result = submit(&request, payload, &state).await;
    state.answer(Endpoint::Entries, result)
}

async fn submit(request: &HttpRequest, payload: Payload, state: &State) -> Result<HttpResponse, Problem> {
    // Before the body is read: all that can be known without it.
    let refused = |detail: String| Problem::unauthenticated(detail).closing();
    let authorization = authorization(request)?;
    let (position, submitter) = state
        .submitters()
        .claimed(&authorization)
        .ok_or_else(|| refused("authorization names no key that may submit to this log".into()))?;
    authorization.check_time(state.now()).map_err(|error| refused(error.to_string()))?;
    if let Err(full) = state.handle().admit() {
        body::discard(payload).await;
        return Err(full.into());
    }
    let body = body::read(request, payload, MAX_BODY_BYTES, state.config().body_timeout).await?;
    state
        .submitters()
        .check(&authorization, submitter, &body, state.now())
        .map_err(|error| Problem::unauthenticated(error.to_string()))?;
    let (entries, level) = parse(&body)?;
    let answer = queue(state, position, submitter.role, entries, level)?;
    let answer = wait(state, answer).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(AnswerBody {
        checkpoint: &answer.checkpoint,
        results: answer.results.iter().map(result).collect(),
    }))
}

fn authorization(request: &HttpRequest) -> Result<Authorization, Problem> {
    let refused = |detail: String| Problem::unauthenticated(detail).closing();
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let value = values.next().ok_or_else(|| refused("header Authorization is absent".into()))?;
    if values.next().is_some() {
        return Err(refused("header Authorization stands there twice".into()));
    }
    let value = value.to_str().map_err(|_not_ascii| refused("header Authorization is not ASCII".into()))?;
    Authorization::parse(value).map_err(|error| refused(error.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    entries: Vec<String>,
    #[serde(default, deserialize_with = "level")]
    level: Level,
}

/// Reads the word for a level.
fn level<'de, D: Deserializer<'de>>(word: D) -> Result<Level, D::Error> {
    let word = Cow::<str>::deserialize(word)?;
    Level::from_name(&word)
        .ok_or_else(|| D::Error::unknown_variant(&word, &["committed", "published", "cosigned"]))
}

fn parse(body: &[u8]) -> Result<(Vec<Vec<u8>>, Level), Problem> {
    // The library names line and column.
    let Body { entries, level } =
        serde_json::from_slice(body).map_err(|error| Problem::malformed(format!("body: {error}")))?;
    if entries.is_empty() {
        return Err(Problem::malformed("entries is empty"));
    }
    if entries.len() > MAX_ENTRIES {
        let count = entries.len();
        return Err(Problem::too_large(format!("entries has {count} members, more than {MAX_ENTRIES}")));
    }
    let decoded = entries.iter().enumerate().map(|(position, text)| match STANDARD.decode(text) {
        Ok(entry) if entry.is_empty() => Err(Problem::malformed(format!("entries[{position}] is empty"))),
        Ok(entry) => Ok(entry),
        Err(error) => Err(Problem::malformed(format!("entries[{position}] is not base64: {error}"))),
    });
    Ok((decoded.collect::<Result<_, _>>()?, level))
}

/// Takes the submitter's share of the queue and hands the entries over.
fn queue(
    state: &State,
    submitter: usize,
    role: Role,
    entries: Vec<Vec<u8>>,
    level: Level,
) -> Result<JoinHandle<Result<Answer, SubmitError>>, Problem> {
    let (count, most) = (entries.len() as u64, state.config().submitter_entries);
    let before = state.waiting(submitter).fetch_add(count, Ordering::SeqCst);
    let share = Share { state: state.clone(), submitter, count };
    // Alone in the queue, a request of any size is let through.
    if before > 0 && before.saturating_add(count) > most {
        let detail = format!("{before} entries of this submitter are waiting, its share is {most}");
        // Counted, or all that are refused like this would be told the same time to come back.
        let stats = state.handle().stats();
        stats.requests_pushed_back.fetch_add(1, Ordering::Relaxed);
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "submitter.rate-limited", detail)
            .retry_after(stats.retry_after_seconds()));
    }
    let handle = state.handle().clone();
    // In a task of its own: who hangs up keeps his share until his entries have left the queue.
    Ok(tokio::spawn(async move {
        let _share = share;
        handle.submit(entries, role, level).await
    }))
}

/// What a submitter has in the queue. Given back when it is dropped.
struct Share {
    state: State,
    submitter: usize,
    count: u64,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.state.waiting(self.submitter).fetch_sub(self.count, Ordering::SeqCst);
    }
}

async fn wait(state: &State, answer: JoinHandle<Result<Answer, SubmitError>>) -> Result<Answer, Problem> {
    match in_time(state, answer).await? {
        Ok(answer) => answer.map_err(Problem::from),
        Err(_ended) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "log.stopped",
            "log is shutting down; whether the entries are in it is found out by sending them again",
        )),
    }
}

async fn in_time<T>(state: &State, answer: impl Future<Output = T>) -> Result<T, Problem> {
    let timeout = state.config().answer_timeout;
    tokio::time::timeout(timeout, answer).await.map_err(|_elapsed| {
        Problem::busy(
            format!("entries were not logged within {} seconds; send them again", timeout.as_secs()),
            state.handle().stats().retry_after_seconds(),
        )
    })
}

#[derive(Serialize)]
struct AnswerBody<'a> {
    checkpoint: &'a str,
    results: Vec<ResultBody<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ResultBody<'a> {
    Logged {
        index: u64,
        receipt: String,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    },
    Refused {
        error: ErrorBody<'a>,
    },
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    detail: &'a str,
}

fn result(outcome: &Outcome) -> ResultBody<'_> {
    match outcome {
        Outcome::Logged(Logged { index, receipt, duplicate }) => {
            ResultBody::Logged { index: index.0, receipt: receipt.encode(), duplicate: *duplicate }
        }
        Outcome::Refused { code, detail } => ResultBody::Refused { error: ErrorBody { code, detail } },
    }
}

//= specs/log.md#raw-submission
/// `POST /add`.
pub(super) async fn add(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    let result = add_raw(&request, payload, &state).await;
    state.answer(Endpoint::Add, result)
}

async fn add_raw(request: &HttpRequest, payload: Payload, state: &State) -> Result<HttpResponse, Problem> {
    if let Err(full) = state.handle().admit() {
        body::discard(payload).await;
        return Err(full.into());
    }
    let body = body::read(request, payload, MAX_RAW_ENTRY_BYTES, state.config().body_timeout).await?;
    if body.is_empty() {
        return Err(Problem::malformed("body is empty; it is the entry"));
    }
    // Who hangs up has submitted all the same: nothing is owed to anybody when the entry leaves the queue.
    let place = state.handle().add_one(body.to_vec());
    let place = in_time(state, place).await?.map_err(Problem::from)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/plain; charset=utf-8")
        .body(place.0.to_string()))
}
