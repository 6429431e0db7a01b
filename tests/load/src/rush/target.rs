//! Whom the generator asks, with what, and what it remembers of the answers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use sillok_load::response::Head;

use super::answer::{self, Item};
use super::held::{Held, Taken};
use super::request::Requests;

/// Requests with tokens that are good now: replaced while they are used.
pub(super) type Current = Arc<Mutex<Arc<Requests>>>;

/// A service and what it has handed over.
pub(super) struct Target {
    pub(super) address: SocketAddr,
    current: Current,
    pub(super) held: RefCell<Held>,
    safety: RefCell<Safety>,
}

/// What must never happen, and did.
#[derive(Default)]
pub(super) struct Safety {
    counts: BTreeMap<String, u64>,
    examples: Vec<String>,
}

/// What an answer means to a client.
pub(super) enum Reply {
    /// A credential, for the first time or again.
    Issued { first: bool },
    /// To be asked for again.
    Later { retry_after_seconds: Option<u64> },
    /// Neither: already counted as a violation.
    Wrong,
}

impl Target {
    pub(super) fn new(address: SocketAddr, current: Current) -> Self {
        Self { address, current, held: RefCell::default(), safety: RefCell::default() }
    }

    /// The requests to send now.
    pub(super) fn requests(&self) -> Arc<Requests> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Judges an answer to one person. `again`: an earlier request of it may be under way.
    pub(super) fn judge(&self, number: u64, head: &Head, body: &[u8], again: bool) -> Reply {
        let later = Reply::Later { retry_after_seconds: head.retry_after_seconds };
        match head.status {
            201 => match answer::single(body) {
                Some(issued) => self.take(number, &issued),
                None => self.wrong("a 201 without a credential", number, body),
            },
            429 | 503 if head.retry_after_seconds.is_some() => later,
            429 | 503 => {
                self.violate("a 429 or 503 without Retry-After", &describe(number, body));
                later
            }
            409 if again && answer::problem_code(body) == Some("idempotency-key.running") => later,
            status => self.wrong(&format!("status {status}"), number, body),
        }
    }

    /// Judges a whole answer to a batch: what it says of each of its people. Nothing if it is no such answer.
    pub(super) fn judge_batch(&self, first: u64, count: u64, body: &[u8]) -> Vec<(u16, Reply)> {
        let Some(items) = usize::try_from(count).ok().and_then(|count| answer::batch(body, count)) else {
            let shown = String::from_utf8_lossy(&body[..body.len().min(MAX_SHOWN_BYTES)]);
            self.violate("an answer to a batch that is none", &shown);
            return Vec::new();
        };
        let clients = self.requests().clients();
        let judged = (0..).zip(&items).map(|(position, item)| {
            let status = match item {
                Item::Issued(_) => 201,
                Item::Refused { status, .. } => *status,
            };
            (status, self.judge_item(first + position * clients, item))
        });
        judged.collect()
    }

    /// Judges what a batch says of one person.
    fn judge_item(&self, number: u64, item: &Item<'_>) -> Reply {
        match item {
            Item::Issued(issued) => self.take(number, issued),
            Item::Refused { status: 429 | 503, retry_after_seconds } => {
                Reply::Later { retry_after_seconds: *retry_after_seconds }
            }
            Item::Refused { status, .. } => self.wrong(&format!("status {status} in a batch"), number, b""),
        }
    }

    fn take(&self, number: u64, issued: &answer::Issued<'_>) -> Reply {
        let taken = self.held.borrow_mut().take(number, issued);
        match taken {
            Taken::First => Reply::Issued { first: true },
            Taken::Same => Reply::Issued { first: false },
            Taken::Different => self.wrong("other bytes than before", number, issued.credential.as_bytes()),
            Taken::Malformed(problem) => self.wrong(problem, number, issued.credential.as_bytes()),
        }
    }

    fn wrong(&self, what: &str, number: u64, body: &[u8]) -> Reply {
        self.violate(what, &describe(number, body));
        Reply::Wrong
    }

    /// Counts what must never happen.
    pub(super) fn violate(&self, what: &str, example: &str) {
        let mut safety = self.safety.borrow_mut();
        *safety.counts.entry(what.to_owned()).or_default() += 1;
        if safety.examples.len() < MAX_EXAMPLES {
            safety.examples.push(format!("{what}: {example}"));
        }
    }

    /// What has happened that must not, one line each; nothing if all is well.
    pub(super) fn violations(&self) -> Vec<String> {
        let safety = self.safety.borrow();
        let counts = safety.counts.iter().map(|(what, count)| format!("{what}: {count} times"));
        counts.chain(safety.examples.iter().map(|example| format!("for example {example}"))).collect()
    }
}

fn describe(number: u64, body: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&body[..body.len().min(MAX_SHOWN_BYTES)]);
    format!("person {number}: {shown}")
}

/// How many violations are shown.
const MAX_EXAMPLES: usize = 10;

/// How much of an answer is shown.
const MAX_SHOWN_BYTES: usize = 300;
