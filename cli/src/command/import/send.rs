//! Asking an issuer for batches, several at once. What is busy is asked again, what is refused is handed back with
//! the problem, and one bad item never takes its neighbours with it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::input::Item;
use crate::credential_id::credential_id;
use crate::operator::{Error, Operator, Problem};

/// What became of an item.
pub(super) enum Outcome {
    Issued { item: Item, id: String, credential: String, receipt: String },
    Refused { item: Item, problem: Problem },
}

impl Outcome {
    pub(super) const fn item(&self) -> &Item {
        match self {
            Self::Issued { item, .. } | Self::Refused { item, .. } => item,
        }
    }
}

/// Results of a batch, or why no more are asked for.
type Sent = Result<Vec<Outcome>, Error>;

/// Items that are asked for by any number of threads.
pub(super) struct Sender<'a> {
    operator: &'a Operator,
    batches: Mutex<VecDeque<Vec<Item>>>,
    stop: &'a AtomicBool,
}

impl<'a> Sender<'a> {
    pub(super) fn new(operator: &'a Operator, items: Vec<Item>, batch: usize, stop: &'a AtomicBool) -> Self {
        Self { operator, batches: Mutex::new(batches(items, batch)), stop }
    }

    /// Asks for batches until there are no more, something fails for good, or it is stopped.
    pub(super) fn run(&self, results: &SyncSender<Sent>) {
        while !self.stop.load(Ordering::SeqCst) {
            let next = self.batches.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(items) = next else { return };
            let sent = self.send(items, &mut |outcomes| results.send(Ok(outcomes)).is_ok());
            if let Err(error) = sent {
                self.stop.store(true, Ordering::SeqCst);
                drop(results.send(Err(error)));
            }
        }
    }

    /// Asks for items until each is issued or refused. `hand_over` takes what is, and says whether anybody wants more.
    fn send(&self, items: Vec<Item>, hand_over: &mut dyn FnMut(Vec<Outcome>) -> bool) -> Result<(), Error> {
        let mut waiting = vec![items];
        let mut patient_until = Instant::now() + PATIENCE;
        while let Some(items) = waiting.pop() {
            let answer = match self.operator.post("/credentials/issue/batch", &body(&items), None) {
                Ok(answer) => read(answer, items.len())?,
                Err(Error::Refused(problem)) if is_of_the_body(&problem) => {
                    // One item may spoil the JSON of all: look for it.
                    let mut items = items;
                    let second = items.split_off(items.len() / 2);
                    if items.is_empty() {
                        let refused = |item| Outcome::Refused { item, problem: problem.clone() };
                        if !hand_over(second.into_iter().map(refused).collect()) {
                            return Ok(());
                        }
                    } else {
                        waiting.extend([second, items]);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Judged { outcomes, again, busy } = judge(items, answer)?;
            if !outcomes.is_empty() {
                patient_until = Instant::now() + PATIENCE;
                if !hand_over(outcomes) {
                    return Ok(());
                }
            }
            if let Some((problem, wait)) = busy {
                if Instant::now() + wait > patient_until {
                    return Err(Error::Busy(problem));
                }
                std::thread::sleep(wait);
                waiting.push(again);
            }
        }
        Ok(())
    }
}

/// What the issuer says about a whole body and not about its caller.
fn is_of_the_body(problem: &Problem) -> bool {
    matches!(problem.status, 400 | 413 | 422)
}

fn batches(items: Vec<Item>, most: usize) -> VecDeque<Vec<Item>> {
    let mut batches = VecDeque::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for item in items {
        if !batch.is_empty() && (batch.len() >= most || bytes + item.request.len() > MAX_BODY_BYTES) {
            batches.push_back(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += item.request.len() + 1;
        batch.push(item);
    }
    if !batch.is_empty() {
        batches.push_back(batch);
    }
    batches
}

fn body(items: &[Item]) -> Vec<u8> {
    let requests: Vec<&str> = items.iter().map(|item| item.request.as_str()).collect();
    format!("{{\"requests\":[{}]}}", requests.join(",")).into_bytes()
}

/// One item of the answer.
#[derive(Deserialize)]
struct Answered {
    status: u16,
    #[serde(rename = "verifiableCredential")]
    credential: Option<Enveloped>,
    receipt: Option<String>,
    problem: Option<Value>,
    #[serde(rename = "retryAfter")]
    retry_after: Option<u64>,
}

#[derive(Deserialize)]
struct Enveloped {
    id: String,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Answered>,
}

fn read(answer: Value, items: usize) -> Result<Vec<Answered>, Error> {
    let answer: Answer = serde_json::from_value(answer).map_err(|error| wrong(error.to_string()))?;
    if answer.results.len() == items {
        Ok(answer.results)
    } else {
        Err(wrong(format!("it has {} results for {items} items", answer.results.len())))
    }
}

fn wrong(problem: String) -> Error {
    Error::Answer { url: "/credentials/issue/batch".into(), problem }
}

struct Judged {
    outcomes: Vec<Outcome>,
    again: Vec<Item>,
    /// Why some are to be asked for again, and how long to wait.
    busy: Option<(Problem, Duration)>,
}

fn judge(items: Vec<Item>, answer: Vec<Answered>) -> Result<Judged, Error> {
    let mut judged = Judged { outcomes: Vec::with_capacity(items.len()), again: Vec::new(), busy: None };
    for (item, answered) in items.into_iter().zip(answer) {
        if (200..300).contains(&answered.status) {
            judged.outcomes.push(issued(item, answered)?);
            continue;
        }
        let problem = Problem::of(answered.status, &answered.problem.unwrap_or_default());
        let for_now = matches!(problem.status, 429 | 500..) || problem.code == "idempotency-key.running";
        if for_now {
            let wait = Duration::from_secs(answered.retry_after.unwrap_or(1));
            let longest = judged.busy.take().map_or(wait, |(_problem, other)| wait.max(other));
            judged.busy = Some((problem, longest));
            judged.again.push(item);
        } else {
            judged.outcomes.push(Outcome::Refused { item, problem });
        }
    }
    Ok(judged)
}

fn issued(item: Item, answered: Answered) -> Result<Outcome, Error> {
    let credential = answered
        .credential
        .as_ref()
        .and_then(|enveloped| enveloped.id.strip_prefix("data:application/vc+jwt,"))
        .ok_or_else(|| wrong("an item has no enveloped credential".into()))?;
    let receipt = answered.receipt.as_ref().and_then(|text| STANDARD.decode(text).ok());
    let receipt = receipt
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| wrong("an item has no receipt".into()))?;
    let id = credential_id(credential).map_err(|error| wrong(error.to_string()))?;
    Ok(Outcome::Issued { item, id, credential: credential.into(), receipt })
}

/// A body of a batch has at most 2 MiB (specs/openapi/issuer.json).
const MAX_BODY_BYTES: usize = (2 << 20) - 1_024;

/// How long a busy issuer is asked again without a single credential.
const PATIENCE: Duration = Duration::from_secs(60);
