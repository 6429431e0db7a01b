//! A whole world in a temporary folder: a registry, an issuer in front of it, and its interface on a real port.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::{App, HttpServer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_issuer::types::CredentialTypes;
use sillok_issuer::{Backend, Client, Config, Issuer, OpenError, http};
use sillok_log::UnixSeconds;
use sillok_log::audit::LogKind;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_registry::sealed::Passphrase;
use sillok_registry::{Clock, Limits, Options, Paths, Phase, Registry, Stores};
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::key::Algorithm;
use sillok_verifier::{Evidence, Holder, Memory, Policy, Trust, Verdict, verify};

pub(crate) const ISSUER: &str = "https://health.example";
pub(crate) const ORIGIN: &str = "log.example/annals";
pub(crate) const DEMO_TOKEN: &str = "a-token-for-demonstrations-only";
/// 2027-01-15T08:00:00Z.
pub(crate) const NOW: u64 = 1_800_000_000;

/// What outlasts the processes.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) now: Arc<AtomicU64>,
    serial: AtomicU64,
}

/// A client with its key.
pub(crate) struct ClientKey {
    pub(crate) id: &'static str,
    pub(crate) signer: FileSigner,
}

/// Answer of a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The stable code of a problem.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text);
        let body = self.json();
        assert_eq!(body["status"], self.status);
        body["code"].as_str().unwrap().to_owned()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, now: Arc::new(AtomicU64::new(NOW)), serial: AtomicU64::new(0) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || UnixSeconds(now.load(Ordering::SeqCst)))
    }

    pub(crate) fn time(&self) -> UnixSeconds {
        UnixSeconds(self.now.load(Ordering::SeqCst))
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn log_key() -> SignerKey {
        SignerKey::from_seed(ORIGIN, SignatureKind::Ed25519, &[1; 32]).unwrap()
    }

    /// Opens the registry, begins its log the first time.
    pub(crate) fn registry(&self) -> Registry {
        let paths = Paths {
            public: self.path("data/public"),
            segments: self.path("data/wal"),
            seen: self.path("data/index"),
            head: self.path("head/record"),
        };
        let options = Options { signer: Self::log_key(), kind: LogKind::Typed, limits: Limits::default() };
        let registry = if paths.head.exists() {
            Registry::open(options, Stores::open(&paths, SEGMENT_BYTES).unwrap(), self.clock()).unwrap()
        } else {
            std::fs::create_dir_all(paths.head.parent().unwrap()).unwrap();
            Registry::create(options, Stores::create(&paths, SEGMENT_BYTES).unwrap(), self.clock()).unwrap()
        };
        while registry.handle().phase() == Phase::Building {
            thread::yield_now();
        }
        registry
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(
            self.path("data/issuer"),
            self.path("data/keys"),
            self.path("data/public"),
            ISSUER.into(),
            Self::log_key().verifier(),
        );
        config.list_slots = 131_072;
        config.status_interval = Duration::ZERO;
        config.limits.ledger_patience = Duration::from_millis(300);
        config.limits.start_patience = Duration::from_secs(5);
        config.clients = CLIENTS
            .iter()
            .map(|(id, seed, scopes)| Client {
                id: (*id).into(),
                key: *client(id, *seed).signer.public_key(),
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
                operator: format!("operator of {id}"),
            })
            .collect();
        config
    }

    pub(crate) fn passphrase(&self) -> Passphrase {
        let path = self.path("passphrase");
        if !path.exists() {
            std::fs::write(&path, "of the tests\n").unwrap();
        }
        Passphrase::load(&path).unwrap()
    }

    pub(crate) fn open(&self, config: Config, backend: Backend) -> Result<Issuer, OpenError> {
        // A test that has types of its own puts them there.
        let folder = self.path("types");
        let types = CredentialTypes::load(folder.exists().then_some(folder.as_path())).unwrap();
        Issuer::open(config, types, self.passphrase(), backend, self.clock())
    }

    /// Registry, issuer and interface.
    pub(crate) fn start(&self) -> Running {
        self.start_with(self.config())
    }

    pub(crate) fn start_with(&self, config: Config) -> Running {
        let registry = self.registry();
        let issuer = self.open(config, Backend::Embedded(registry.handle())).unwrap();
        let server = Server::start(&issuer);
        Running { server, issuer: Some(issuer), registry: Some(registry) }
    }

    /// A signed assertion for the token endpoint.
    pub(crate) fn assertion(
        &self,
        client: &ClientKey,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> String {
        let now = self.time().0;
        let serial = self.serial.fetch_add(1, Ordering::SeqCst);
        let mut header = json!({ "alg": client.signer.algorithm().name(), "typ": "JWT" });
        let mut claims = json!({
            "iss": client.id, "sub": client.id, "aud": format!("{ISSUER}/oauth/token"),
            "iat": now, "exp": now + 60, "jti": format!("assertion-{serial}"),
        });
        change(&mut header, &mut claims);
        let part = |value: &Value| encode_base64url(value.to_string().as_bytes());
        let input = format!("{}.{}", part(&header), part(&claims));
        let signature = client.signer.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", encode_base64url(&signature))
    }

    /// A token of a client.
    pub(crate) fn token(&self, running: &Running, id: &str) -> String {
        let (id, seed, _) = CLIENTS.iter().find(|(known, _, _)| *known == id).unwrap();
        let assertion = self.assertion(&client(id, *seed), |_, _| {});
        let answer = running.ask_token(&token_form(&assertion, ""));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// What a verifier says who holds the served trust bundle.
    pub(crate) fn judge(&self, bundle: &str, credential: &str, receipt: &str) -> Verdict {
        let (trust, memory) = Trust::open(bundle.as_bytes(), None, &Memory::default(), self.time()).unwrap();
        let evidence =
            Evidence { credential: credential.as_bytes(), receipt: Some(receipt.as_bytes()), statuses: &[] };
        verify(&evidence, &trust, &memory, &Policy::new(Holder::NotAsked), self.time()).0
    }

    /// Every leaf of the log, in order.
    pub(crate) fn leaves(&self, running: &Running) -> Vec<Vec<u8>> {
        let size = running.registry.as_ref().unwrap().handle().committed().size().0;
        while running.registry.as_ref().unwrap().handle().published().size().0 < size {
            thread::sleep(Duration::from_millis(5));
        }
        entries(&self.path("data/public"), size)
    }

    pub(crate) fn issue_leaves(&self, running: &Running) -> usize {
        self.leaves(running).iter().filter(|entry| entry.get(1) == Some(&1)).count()
    }
}

pub(crate) fn entries(public: &Path, size: u64) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    for bundle in 0..size.div_ceil(256) {
        let width = (size - bundle * 256).min(256);
        let partial = if width == 256 { String::new() } else { format!(".p/{width}") };
        let path = public.join(format!("tile/entries/{bundle:03}{partial}"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut rest = bytes.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (entry, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            entries.push(entry.to_vec());
            rest = after;
        }
    }
    assert_eq!(entries.len() as u64, size);
    entries
}

/// Clients, their seeds and scopes.
pub(crate) const CLIENTS: [(&str, u8, &[&str]); 4] = [
    ("clinic", 11, &["issue:vaccination", "status"]),
    ("reader", 12, &["status"]),
    ("operator", 13, &["issue:vaccination", "status", "admin"]),
    ("edwards", 14, &["issue:vaccination"]),
];

pub(crate) fn client(id: &'static str, seed: u8) -> ClientKey {
    let algorithm = if id == "edwards" { Algorithm::EdDsa } else { Algorithm::Es256 };
    ClientKey { id, signer: FileSigner::new(algorithm, &[seed; 32]).unwrap() }
}

pub(crate) fn token_form(assertion: &str, more: &str) -> String {
    format!(
        "grant_type=client_credentials&client_assertion_type=\
         urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}{more}"
    )
}

/// What a clinic asks for.
pub(crate) fn request(subject: &str) -> Value {
    json!({
        "credential": {
            "type": ["VerifiableCredential", "VaccinationCredential"],
            "credentialSubject": {
                "familyName": "Hong", "givenName": "Gildong", "birthDate": "1985-02-28",
                "doses": [{ "number": 1, "date": "2026-03-01", "vaccine": "BNT162b2" }],
            },
        },
        "options": { "subject": subject, "facility": "clinic 7", "sourceEvent": "immunization/4711" },
    })
}

pub(crate) fn status_request(id: &str, purpose: &str, set: bool) -> Value {
    json!({
        "credentialId": id,
        "credentialStatus": { "type": "BitstringStatusListEntry", "statusPurpose": purpose },
        "status": set,
        "reason": "entered in error",
    })
}

/// Credential and receipt of an answer.
pub(crate) fn issued(answer: &Value) -> (String, String) {
    let id = answer["verifiableCredential"]["id"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let credential = id.strip_prefix("data:application/").unwrap().split_once(',').unwrap().1.to_owned();
    let receipt = STANDARD.decode(answer["receipt"].as_str().unwrap()).unwrap();
    (credential, String::from_utf8(receipt).unwrap())
}

/// The claims of a credential.
pub(crate) fn payload(credential: &str) -> Value {
    let part = credential.split('.').nth(1).unwrap();
    let bytes = sillok_verifier::encoding::decode_base64url(part.as_bytes()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Processes that run.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) registry: Option<Registry>,
}

impl Running {
    /// Stops everything in order.
    pub(crate) fn stop(mut self) {
        self.server.stop();
        if let Some(issuer) = self.issuer.take() {
            issuer.stop();
        }
        if let Some(registry) = self.registry.take() {
            registry.stop().unwrap();
        }
    }

    pub(crate) fn ask_token(&self, form: &str) -> Answer {
        self.server.send(
            "POST",
            "/oauth/token",
            &[("content-type", "application/x-www-form-urlencoded")],
            form,
        )
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.server.send("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.server.post(path, token, &[], &body.to_string())
    }

    pub(crate) fn issue(&self, token: &str, key: &str, body: &Value) -> Answer {
        self.server.post("/credentials/issue", token, &[("idempotency-key", key)], &body.to_string())
    }
}

/// The interface on a port.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(issuer: &Issuer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let core = issuer.core();
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async move {
                let factory = move || {
                    App::new()
                        .configure(http::configure(Arc::clone(&core)))
                        .configure(http::configure_operations(Arc::clone(&core)))
                        .configure(http::configure_fallback)
                };
                let server =
                    HttpServer::new(factory).workers(2).disable_signals().listen(listener).unwrap().run();
                sender.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { address, handle: receiver.recv().unwrap(), thread: Some(thread) }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let handle = self.handle.clone();
            System::new().block_on(async move { handle.stop(true).await });
            thread.join().unwrap();
        }
    }

    pub(crate) fn post(&self, path: &str, token: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut all = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send("POST", path, &all, body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .allow_non_standard_methods(true)
            .build()
            .new_agent();
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = agent.run(request.body(body.to_owned()).unwrap()).unwrap();
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        Answer { status, headers, text }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

const SEGMENT_BYTES: u64 = 1 << 20;
