//! A client that writes down what it asks and what it is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sillok_log::UnixSeconds;
use sillok_log::note::SignerKey;
use sillok_log::submission::Authorization;

use super::promise::{Asked, Told};

/// Whoever talks to a server. Clones write into one book.
#[derive(Clone)]
pub(super) struct Client {
    agent: ureq::Agent,
    book: Arc<Mutex<Vec<Told>>>,
}

impl Client {
    pub(super) fn new() -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        let agent = config.timeout_global(Some(PATIENCE)).build().new_agent();
        Self { agent, book: Arc::default() }
    }

    /// Everything that was told.
    pub(super) fn told(&self) -> Vec<Told> {
        std::mem::take(&mut *self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the server takes requests.
    pub(super) fn ready(&self, url: &str) -> Result<()> {
        let begun = Instant::now();
        while self.agent.get(format!("{url}/readyz")).call()?.status() != 200 {
            ensure!(begun.elapsed() < PATIENCE, "{url} does not get ready");
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    pub(super) fn add(&self, url: &str, entry: &[u8]) -> Result<()> {
        let answer = self.agent.post(url).send(entry)?;
        self.take(answer, Asked::Add(entry.to_vec())).map(drop)
    }

    /// The public checkpoint.
    pub(super) fn checkpoint(&self, url: &str) -> Result<()> {
        let answer = self.agent.get(format!("{url}/checkpoint")).call()?;
        self.take(answer, Asked::Checkpoint).map(drop)
    }

    pub(super) fn entries(
        &self,
        url: &str,
        (origin, key): (&str, &SignerKey),
        entries: &[Vec<u8>],
        level: &str,
    ) -> Result<()> {
        let encoded: Vec<String> = entries.iter().map(|entry| STANDARD.encode(entry)).collect();
        let body = json!({ "entries": encoded, "level": level }).to_string();
        let authorization = Authorization::sign(origin, key, body.as_bytes(), now())?.encode();
        let request = self.agent.post(format!("{url}/entries")).header("Authorization", authorization);
        let answer = request.header("Content-Type", "application/json").send(body)?;
        self.take(answer, Asked::Entries(entries.to_vec())).map(drop)
    }

    /// One credential, whose idempotency key is the person's name.
    pub(super) fn issue(&self, url: &str, name: &str) -> Result<Value> {
        let order = order(name);
        let request = self.post(&format!("{url}/credentials/issue")).header("Idempotency-Key", name);
        let answer = request.send(order.to_string())?;
        self.take(answer, Asked::Credentials(vec![name.into()]))
    }

    /// Many credentials in one request.
    pub(super) fn issue_batch(&self, url: &str, names: &[String]) -> Result<()> {
        let requests: Vec<Value> = names
            .iter()
            .map(|name| {
                let mut request = order(name);
                request["idempotencyKey"] = name.as_str().into();
                request
            })
            .collect();
        let request = self.post(&format!("{url}/credentials/issue/batch"));
        let answer = request.send(json!({ "requests": requests }).to_string())?;
        self.take(answer, Asked::Credentials(names.to_vec())).map(drop)
    }

    /// Asks for something that is acknowledged by its status alone.
    pub(super) fn order(&self, url: &str, body: &Value) -> Result<()> {
        let answer = self.post(url).send(body.to_string())?;
        self.take(answer, Asked::Other).map(drop)
    }

    fn post(&self, url: &str) -> ureq::RequestBuilder<ureq::typestate::WithBody> {
        let request = self.agent.post(url).header("Authorization", format!("Bearer {TOKEN}"));
        request.header("Content-Type", "application/json")
    }

    fn take(&self, answer: ureq::http::Response<ureq::Body>, asked: Asked) -> Result<Value> {
        let status = answer.status().as_u16();
        let body = answer.into_body().read_to_vec().context("read an answer")?;
        ensure!((200..300).contains(&status), "answered with {status}: {}", String::from_utf8_lossy(&body));
        let json = serde_json::from_slice(&body).unwrap_or_default();
        self.book.lock().unwrap_or_else(PoisonError::into_inner).push(Told { asked, body });
        Ok(json)
    }
}

fn order(name: &str) -> Value {
    json!({
        "credential": {
            "type": ["VerifiableCredential", "VaccinationCredential"],
            "credentialSubject": {
                "familyName": "Hong", "givenName": name, "birthDate": "1985-02-28",
                "doses": [{ "number": 1, "date": "2021-12-13", "vaccine": "BNT162b2" }],
            },
        },
        "options": { "subject": name, "facility": "clinic 7", "sourceEvent": name },
    })
}

/// Servers refuse requests whose time is not their own.
pub(super) fn now() -> UnixSeconds {
    #[expect(clippy::disallowed_methods, reason = "the other process reads the same clock")]
    let now = SystemTime::now();
    UnixSeconds(now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// What the issuer takes from everybody here.
pub(super) const TOKEN: &str = "a token of the power test";

/// Client and operator that an issuer takes the demo token for.
pub(super) const TOKEN_CLIENT: &str = "demo";

/// strace makes every system call dear.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a server that is not ready.
const PAUSE: Duration = Duration::from_millis(20);
