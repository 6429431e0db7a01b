//! Asking for one number after the other, in time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pace::{Pace, Time};
use super::state::State;
use super::{Due, page};
use crate::operator::{Error, Operator, Problem};

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) reissued: u64,
    /// By code.
    pub(super) refused: BTreeMap<String, u64>,
}

/// A run over all that is due.
pub(super) struct Run<'a, T> {
    operator: &'a Operator,
    due: &'a Due,
    reason: &'a str,
    state: State,
    pace: Pace<T>,
    counts: Counts,
}

impl<'a, T: Time> Run<'a, T> {
    pub(super) fn new(
        operator: &'a Operator,
        due: &'a Due,
        reason: &'a str,
        state: State,
        pace: Pace<T>,
    ) -> Self {
        Self { operator, due, reason, state, pace, counts: Counts::default() }
    }

    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Re-issues all of them, and says after each step how many are done.
    pub(super) fn all(&mut self, done: &mut dyn FnMut(u64)) -> anyhow::Result<()> {
        let mut from = self.state.next();
        let mut finished = 0;
        let asked = self.state.asked().to_vec();
        self.these(asked.into(), &mut |_step| ())?;
        loop {
            let page = page(self.operator, self.due, from, self.state.before())?;
            self.these(page.numbers.into(), &mut |step| {
                finished += step;
                done(finished);
            })?;
            match page.next {
                Some(next) => from = next,
                None => return self.state.finish(),
            }
        }
    }

    fn these(&mut self, mut waiting: VecDeque<u64>, done: &mut dyn FnMut(u64)) -> anyhow::Result<()> {
        while !waiting.is_empty() {
            let count = self.pace.wait(waiting.len().min(MOST));
            let numbers: Vec<u64> = waiting.drain(..count).collect();
            let (again, wait) = self.ask(&numbers, waiting.front().copied())?;
            done((numbers.len() - again.len()) as u64);
            if let Some(wait) = wait {
                self.pace.pause(wait);
            }
            again.into_iter().rev().for_each(|number| waiting.push_front(number));
        }
        Ok(())
    }

    /// Asks for some. Those that the issuer is too busy for come back, with the time to wait.
    fn ask(
        &mut self,
        numbers: &[u64],
        following: Option<u64>,
    ) -> anyhow::Result<(Vec<u64>, Option<Duration>)> {
        self.state.ask(numbers)?;
        let body = json!({ "numbers": numbers, "reason": self.reason });
        let answer = self.operator.post(PATH, body.to_string().as_bytes(), None)?;
        let answer: Answer = serde_json::from_value(answer).map_err(|error| wrong(error.to_string()))?;
        if answer.results.len() != numbers.len() {
            return Err(
                wrong(format!("it has {} results for {}", answer.results.len(), numbers.len())).into()
            );
        }
        let (mut lines, mut again, mut wait) = (String::new(), Vec::new(), None);
        for (number, result) in numbers.iter().zip(answer.results) {
            if result.status == 201 {
                self.counts.reissued += 1;
                if self.state.wants_credentials() {
                    lines.push_str(&line(*number, &result)?);
                }
            } else if let Some(seconds) = result.retry_after {
                again.push(*number);
                wait = wait.max(Some(Duration::from_secs(seconds.min(LONGEST_WAIT_SECONDS))));
            } else {
                let problem = Problem::of(result.status, &result.problem.unwrap_or_default());
                *self.counts.refused.entry(problem.code).or_insert(0) += 1;
            }
        }
        // What is before the first that comes back is done. Those behind it that are done are answered with the same again.
        let next = again.first().copied().or(following);
        let next = next.unwrap_or_else(|| numbers.last().map_or(0, |last| last.saturating_add(1)));
        let next = next.max(self.state.next());
        self.state.advance(&lines, next)?;
        Ok((again, wait))
    }
}

/// A credential that was re-issued, as a line.
fn line(number: u64, result: &Reissued) -> Result<String, Error> {
    let id = result.credential.as_ref().and_then(|enveloped| enveloped.id.split_once(','));
    let (_media_type, credential) = id.ok_or_else(|| wrong("a result has no credential".into()))?;
    let receipt = result.receipt.as_ref().and_then(|text| STANDARD.decode(text).ok());
    let receipt = receipt.and_then(|bytes| String::from_utf8(bytes).ok());
    let receipt = receipt.ok_or_else(|| wrong("a result has no receipt".into()))?;
    let (new, credential) = (result.new_number, credential.to_owned());
    let row = json!({ "number": number, "newNumber": new, "credential": credential, "receipt": receipt });
    Ok(format!("{row}\n"))
}

fn wrong(problem: String) -> Error {
    Error::Answer { url: PATH.into(), problem }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Reissued>,
}

#[derive(Deserialize)]
struct Reissued {
    status: u16,
    #[serde(rename = "newNumber")]
    new_number: Option<u64>,
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

const PATH: &str = "/credentials/reissue";

/// Most numbers of a request (specs/openapi/issuer.json).
const MOST: usize = 100;

/// An issuer's longest time is a minute; a proxy may say anything.
const LONGEST_WAIT_SECONDS: u64 = 300;
