//! The operator of a data folder as a client of its issuer, over HTTP: it proves itself with `private_key_jwt`, keeps a
//! token, and asks again when it is told to come later.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use sillok_registry::Clock;
use sillok_registry::sealed::{self, KeyKind};
use ureq::http::{Response, header};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::exit::usage;
use crate::folder::Folder;

mod assertion;
mod error;

use assertion::Signer;
pub(crate) use error::{Error, Problem};

/// A client of one issuer. It keeps connections open and may be shared among threads.
pub(crate) struct Operator {
    agent: ureq::Agent,
    /// Root of the issuer, without a final slash.
    url: String,
    signer: Signer,
    clock: Clock,
    /// The lock is held over a request for a token: one is enough for all threads.
    token: Mutex<Option<Zeroizing<String>>>,
}

impl Operator {
    /// The operator of `folder`, at the issuer whose root is `url`.
    pub(crate) fn new(folder: &Folder, url: &str, context: &Context) -> anyhow::Result<Self> {
        let root = url.strip_suffix('/').unwrap_or(url);
        let host = root.strip_prefix("http://").or_else(|| root.strip_prefix("https://"));
        if host.is_none_or(str::is_empty) || root.parse::<ureq::http::Uri>().is_err() {
            return usage(format!("--issuer {url:?} is no http or https URL"));
        }
        let secret = sealed::open(&folder.place.keys(), CLIENT_ID, KeyKind::P256, &folder.passphrase()?)?;
        // The folder says whom an assertion is for. A server that could say so itself could pass one on.
        let signer = Signer::new(CLIENT_ID, &folder.settings().public_url, &secret)?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("sillok/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections(MAX_CONNECTIONS)
            .max_idle_connections_per_host(MAX_CONNECTIONS)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT))
            .build()
            .new_agent();
        let (clock, token) = (context.clock.clone(), Mutex::default());
        Ok(Self { agent, url: root.into(), signer, clock, token })
    }

    /// Sends a JSON body, authenticated, until it is answered, and returns the JSON of the answer. A busy issuer, or
    /// one that is not there, is asked again until patience ends: whatever is sent here may be sent twice.
    ///
    /// # Errors
    /// No answer within patience, or a refusal.
    pub(crate) fn post(
        &self,
        path: &str,
        body: &[u8],
        idempotency_key: Option<&str>,
    ) -> Result<Value, Error> {
        self.post_until(Instant::now() + PATIENCE, path, body, idempotency_key)
    }

    /// The same, once: for what must not happen twice.
    ///
    /// # Errors
    /// No answer, or a refusal. Without an answer it may have happened.
    pub(crate) fn post_once(&self, path: &str, body: &[u8]) -> Result<Value, Error> {
        self.post_until(Instant::now(), path, body, None)
    }

    fn post_until(
        &self,
        deadline: Instant,
        path: &str,
        body: &[u8],
        idempotency_key: Option<&str>,
    ) -> Result<Value, Error> {
        let mut backoff = FIRST_BACKOFF;
        let mut tokens_refused = 0;
        loop {
            let (error, wait) = match self.send(path, body, idempotency_key) {
                Ok(Reply::Answer(answer)) => return Ok(answer),
                Ok(Reply::Later { problem, retry_after }) => {
                    (Error::Busy(problem), retry_after + retry_after.mul_f64(fastrand::f64() / 4.0))
                }
                // Expired, or the issuer was started again: a new one, at once.
                Ok(Reply::TokenRefused(problem)) => {
                    tokens_refused += 1;
                    if tokens_refused > MAX_TOKENS_REFUSED {
                        return Err(Error::Refused(problem));
                    }
                    continue;
                }
                Err(error @ Error::Transport { .. }) => {
                    backoff = (backoff * 2).min(LONGEST_BACKOFF);
                    (error, backoff.mul_f64(0.5 + fastrand::f64()))
                }
                Err(error) => return Err(error),
            };
            if Instant::now() + wait > deadline {
                return Err(error);
            }
            std::thread::sleep(wait);
        }
    }

    /// One attempt.
    fn send(&self, path: &str, body: &[u8], idempotency_key: Option<&str>) -> Result<Reply, Error> {
        let token = match self.token()? {
            Ok(token) => token,
            Err(later) => return Ok(later),
        };
        let url = format!("{}{path}", self.url);
        let mut request = self
            .agent
            .post(&url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", token.as_str()));
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send(body).map_err(|source| Error::transport(&url, source))?;
        match read(&url, response)? {
            Reply::TokenRefused(problem) => {
                let mut kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
                // Another thread may have a newer one already.
                if kept.as_ref().is_some_and(|kept| *kept == token) {
                    *kept = None;
                }
                Ok(Reply::TokenRefused(problem))
            }
            other => Ok(other),
        }
    }

    /// The token kept, or a new one (RFC 6749 section 4.4, RFC 7523 section 2.2).
    fn token(&self) -> Result<Result<Zeroizing<String>, Reply>, Error> {
        let mut kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = kept.as_ref() {
            return Ok(Ok(token.clone()));
        }
        let assertion = self.signer.sign((self.clock)()).map_err(Error::Sign)?;
        let url = format!("{}/oauth/token", self.url);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        let response =
            self.agent.post(&url).send_form(form).map_err(|source| Error::transport(&url, source))?;
        match read(&url, response)? {
            Reply::Answer(answer) => {
                let granted = serde_json::from_value::<Granted>(answer)
                    .map_err(|error| Error::Answer { url, problem: error.to_string() })?;
                let token = Zeroizing::new(granted.access_token);
                *kept = Some(token.clone());
                Ok(Ok(token))
            }
            later @ Reply::Later { .. } => Ok(Err(later)),
            Reply::TokenRefused(problem) => Err(Error::Denied(problem)),
        }
    }
}

enum Reply {
    Answer(Value),
    Later { problem: Problem, retry_after: Duration },
    TokenRefused(Problem),
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

fn read(url: &str, mut response: Response<ureq::Body>) -> Result<Reply, Error> {
    let bytes = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
    let bytes = bytes.map_err(|source| Error::transport(url, source))?;
    let status = response.status().as_u16();
    if (200..300).contains(&status) {
        return serde_json::from_slice(&bytes)
            .map(Reply::Answer)
            .map_err(|error| Error::Answer { url: url.into(), problem: error.to_string() });
    }
    let problem = Problem::read(status, &bytes);
    match (status, retry_after(&response)) {
        (429 | 503, retry_after) => {
            Ok(Reply::Later { problem, retry_after: retry_after.unwrap_or(DEFAULT_RETRY) })
        }
        (401, _) => Ok(Reply::TokenRefused(problem)),
        (_other, _) => Err(Error::Refused(problem)),
    }
}

/// RFC 9110 section 10.2.3, the form that our issuers write: a number of seconds.
fn retry_after<T>(response: &Response<T>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.parse().ok().map(Duration::from_secs)
}

/// Name of the key and of the client, as `sillok init` writes both.
const CLIENT_ID: &str = "operator";

/// Longest answer in bytes: 1,000 credentials of 16 KiB with their receipts, which do not occur together, take 24 MB.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// How long an issuer that is busy or away is asked again.
const PATIENCE: Duration = Duration::from_secs(60);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longer than the issuer's own deadline for a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

const FIRST_BACKOFF: Duration = Duration::from_millis(50);

const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// When an issuer that is busy does not say how long.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);

/// A fresh token that is refused again and again is refused for good.
const MAX_TOKENS_REFUSED: u32 = 3;

/// Connections that are kept: as many as threads ask at once.
const MAX_CONNECTIONS: usize = 64;
