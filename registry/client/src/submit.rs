//! Submitting entries: one signed request, asked again while the registry is busy, its answer checked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::note::{SignerKey, VerifierKey};
use sillok_log::submission::{Authorization, Level, MAX_BODY_BYTES, MAX_ENTRIES};
use sillok_log::{LeafIndex, TreeSize, UnixSeconds};
use ureq::http::{Response, header};

use crate::{Error, Problem};

mod answer;

use answer::Seen;

/// Tells the time. Only programs read the system's clock.
pub type Clock = Arc<dyn Fn() -> UnixSeconds + Send + Sync>;

/// A random part of a duration, so that those who were sent away together do not come back together.
pub type Jitter = Arc<dyn Fn(Duration) -> Duration + Send + Sync>;

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Logged(Logged),
    /// The log does not take it.
    Refused(Refused),
}

/// An entry that is in the log, with its proof, which was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its place.
    pub index: LeafIndex,
    /// The text of its receipt, without `extra`.
    pub receipt: String,
    /// Whether it was in the log before this submission.
    pub duplicate: bool,
}

/// An entry that breaks a rule of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The stable code of specs/entry.md.
    pub code: String,
    /// What the registry says about this case.
    pub detail: String,
}

/// How long and how often a registry is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Longest time for a connection to be made.
    pub connect_timeout: Duration,
    /// Longest time for one request, its answer included.
    pub request_timeout: Duration,
    /// How often a request is sent at most, at least once.
    pub attempts: u32,
    /// Longest time that is waited between two attempts. A registry that asks for more is [`Error::Busy`].
    pub longest_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            attempts: 5,
            longest_wait: Duration::from_secs(10),
        }
    }
}

/// Submits entries to one log under one key. It keeps connections open and may be shared among threads.
pub struct Submitter {
    agent: ureq::Agent,
    url: String,
    key: SignerKey,
    log: VerifierKey,
    settings: Settings,
    clock: Clock,
    jitter: Jitter,
    // The largest checkpoints that were opened, at most `MAX_SEEN`. The lock is never held over a request.
    seen: Mutex<BTreeMap<TreeSize, Seen>>,
}

impl Submitter {
    /// Submits to the registry at `url` (its root), signing with `key`, and believes only what `log` signed.
    ///
    /// # Errors
    /// [`Error::Url`] if `url` is no address.
    pub fn new(
        url: &str,
        key: SignerKey,
        log: VerifierKey,
        settings: Settings,
        clock: Clock,
        jitter: Jitter,
    ) -> Result<Self, Error> {
        let root = url.strip_suffix('/').unwrap_or(url);
        let host = root.strip_prefix("http://").or_else(|| root.strip_prefix("https://"));
        if host.is_none_or(str::is_empty) || root.parse::<ureq::http::Uri>().is_err() {
            return Err(Error::Url { url: url.into() });
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Who signs a request knows for whom: it is not sent on.
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("sillok-client/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_global(Some(settings.request_timeout))
            .build()
            .new_agent();
        let url = format!("{root}/entries");
        Ok(Self { agent, url, key, log, settings, clock, jitter, seen: Mutex::default() })
    }

    /// Takes note of a checkpoint seen earlier, so that the log cannot go back behind it.
    ///
    /// # Errors
    /// A checkpoint that is not the log's, or that contradicts what was seen since.
    pub fn remember(&self, checkpoint: &str) -> Result<(), Error> {
        let opened =
            Checkpoint::open(checkpoint, &self.log).map_err(|source| Error::Checkpoint { source })?;
        self.note(Seen { checkpoint: opened, text: checkpoint.into() })
    }

    /// The largest checkpoint that was opened so far, a signed note.
    #[must_use]
    pub fn largest(&self) -> Option<String> {
        self.before().map(|seen| seen.text)
    }

    //= specs/log.md#submission
    /// Submits entries and returns what became of each, in order. Every receipt has been checked against its entry
    /// and the log's key. It blocks, at most for the settings' attempts with the waits between them.
    ///
    /// A submission may be repeated after any error: what is in the log already is answered as a duplicate.
    ///
    /// # Errors
    /// More than the log takes at once; no answer; a refusal of the whole; an answer that proves less than it says.
    pub fn submit(&self, entries: &[Vec<u8>], level: Level) -> Result<Vec<Outcome>, Error> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let body = body_of(entries, level)?;
        let before = self.before();
        let answer = self.ask(&body)?;
        let (outcomes, checkpoints) = answer::judge(entries, &answer, &self.log, before.as_ref())?;
        checkpoints.into_iter().try_for_each(|seen| self.note(seen))?;
        Ok(outcomes)
    }

    /// Sends the body until it is answered, and returns the bytes of the answer.
    fn ask(&self, body: &[u8]) -> Result<Vec<u8>, Error> {
        let mut attempt = 1;
        loop {
            let (error, wait) = match self.send(body) {
                Ok(Reply::Answer(bytes)) => return Ok(bytes),
                Ok(Reply::Later { problem, retry_after }) => {
                    (Error::Busy { problem, retry_after }, retry_after + (self.jitter)(retry_after))
                }
                // Whether the entries went in is unknown; asking again is safe and finds out.
                Err(error @ Error::Transport { .. }) => {
                    (error, (self.jitter)(FIRST_BACKOFF * 2_u32.saturating_pow(attempt.min(MAX_DOUBLINGS))))
                }
                Err(error) => return Err(error),
            };
            if attempt >= self.settings.attempts || wait > self.settings.longest_wait {
                return Err(error);
            }
            std::thread::sleep(wait);
            attempt += 1;
        }
    }

    fn send(&self, body: &[u8]) -> Result<Reply, Error> {
        // Signed anew each time: the registry refuses old times.
        let authorization = Authorization::sign(self.log.name(), &self.key, body, (self.clock)())
            .map_err(|source| Error::Sign { source })?;
        let transport = |source| Error::Transport { url: self.url.clone(), source: Box::new(source) };
        let mut response = self
            .agent
            .post(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, authorization.encode())
            .send(body)
            .map_err(transport)?;
        let limit = u64::try_from(MAX_ANSWER_BYTES).unwrap_or(u64::MAX);
        let bytes = match response.body_mut().with_config().limit(limit).read_to_vec() {
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                return Err(Error::AnswerTooLong { limit: MAX_ANSWER_BYTES });
            }
            other => other.map_err(transport)?,
        };
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(Reply::Answer(bytes));
        }
        let problem = answer::problem(status, &bytes);
        match retry_after(&response) {
            Some(retry_after) if status == 429 || status == 503 => Ok(Reply::Later { problem, retry_after }),
            // A 503 that names no time is for good: the writer has stopped.
            Some(_) | None => Err(Error::Refused { problem }),
        }
    }

    fn before(&self) -> Option<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.last_key_value().map(|(_size, largest)| largest.clone())
    }

    /// Remembers a checkpoint. A smaller one than the largest is normal here: another thread's answer may have come
    /// first, and the receipt of a duplicate holds a checkpoint that is public already.
    fn note(&self, new: Seen) -> Result<(), Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = seen.get(&new.checkpoint.size) {
            return old.agrees(&new);
        }
        seen.insert(new.checkpoint.size, new);
        if seen.len() > MAX_SEEN {
            seen.pop_first();
        }
        Ok(())
    }
}

enum Reply {
    Answer(Vec<u8>),
    Later { problem: Problem, retry_after: Duration },
}

#[derive(Serialize)]
struct Body<'a> {
    entries: Vec<String>,
    level: &'a str,
}

fn body_of(entries: &[Vec<u8>], level: Level) -> Result<Vec<u8>, Error> {
    let texts = entries.iter().map(|entry| STANDARD.encode(entry)).collect();
    let body = serde_json::to_vec(&Body { entries: texts, level: level.name() })
        .map_err(|error| Error::Answer { problem: error.to_string() })?;
    if entries.len() > MAX_ENTRIES || body.len() > MAX_BODY_BYTES {
        return Err(Error::TooLarge { entries: entries.len(), bytes: body.len() });
    }
    Ok(body)
}

/// RFC 9110 section 10.2.3, the form that our registries write: a number of seconds.
fn retry_after<T>(response: &Response<T>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.parse().ok().map(Duration::from_secs)
}

/// Longest answer that is read, in bytes: 1,000 receipts of 63 hashes each take 3.3 MB; the rest is room for
/// cosignatures.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// How many checkpoints are remembered: a second root for one of these sizes is noticed here, for an older one by
/// whoever audits the log.
const MAX_SEEN: usize = 64;

/// How long is waited at most before a second attempt when no answer came; doubled each time.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// So that the wait stays a duration; the settings bound it long before.
const MAX_DOUBLINGS: u32 = 16;
