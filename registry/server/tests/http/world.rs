//! A registry that really runs: its files in a temporary folder, its port chosen by the system, its clock moved by
//! hand.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use serde_json::Value;
use sillok_client::{Settings, Submitter as Client};
use sillok_log::audit::LogKind;
use sillok_log::entry::{Entry, Issue, IssuerHash, Key, KeyEvent, Thumbprint, issuer_hash};
use sillok_log::ledger::Role;
use sillok_log::note::{SignatureKind, SignerKey, VerifierKey};
use sillok_log::submission::Authorization;
use sillok_log::{Hash, UnixSeconds};
use sillok_registry::http::{self, HttpConfig, State};
use sillok_registry::store::FileHeads;
use sillok_registry::submission::{Submitter, Submitters};
use sillok_registry::{Clock, Limits, Options, Paths, Phase, Registry, Stores};

pub(crate) const ORIGIN: &str = "example.org/log";
/// A full hour, as issue entries want it.
pub(crate) const START: u64 = 1_700_000_000 / 3_600 * 3_600;

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) add_address: SocketAddr,
    pub(crate) state: State,
    time: Arc<AtomicU64>,
    registry: Option<Registry>,
    servers: Vec<(ServerHandle, JoinHandle<()>)>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _value)| found.eq_ignore_ascii_case(name)).map(|(_name, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and code of a problem, all of whose members are looked at.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], "about:blank");
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        (self.status, problem["code"].as_str().unwrap().into())
    }

    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().into()
    }
}

pub(crate) fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).unwrap()
}

pub(crate) fn log_key() -> VerifierKey {
    signer(ORIGIN, 1).verifier()
}

pub(crate) fn administrator() -> SignerKey {
    signer("example.org/log/administrator", 2)
}

pub(crate) fn issuer() -> SignerKey {
    signer("example.org/log/issuer", 3)
}

pub(crate) fn other_issuer() -> SignerKey {
    signer("other.example/issuer", 4)
}

pub(crate) fn issuer_id() -> IssuerHash {
    issuer_hash("https://issuer.example").unwrap()
}

/// The credential key of the issuer.
pub(crate) const CREDENTIAL_KEY: Thumbprint = Thumbprint([5; 32]);

pub(crate) fn key_added() -> Vec<u8> {
    let key = Key {
        issuer: issuer_id(),
        key: CREDENTIAL_KEY,
        event: KeyEvent::Added,
        time: UnixSeconds(START),
        cuts: Vec::new(),
    };
    Entry::Key(key).encode()
}

pub(crate) fn issue(number: u8) -> Vec<u8> {
    let issue = Issue {
        commitment: Hash([number; 32]),
        issuer_key: CREDENTIAL_KEY,
        provenance: Hash([0; 32]),
        time: UnixSeconds(START),
    };
    Entry::Issue(issue).encode()
}

impl World {
    pub(crate) fn start() -> Self {
        Self::with(LogKind::Typed, Limits::default(), HttpConfig::default())
    }

    pub(crate) fn with(kind: LogKind, limits: Limits, config: HttpConfig) -> Self {
        Self::around(kind, limits, config, |stores| stores)
    }

    /// With something between the log and its files.
    pub(crate) fn around(
        kind: LogKind,
        limits: Limits,
        config: HttpConfig,
        wrap: impl FnOnce(Stores) -> Stores,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(&folder);
        let time = Arc::new(AtomicU64::new(START));
        let told = Arc::clone(&time);
        let clock: Clock = Arc::new(move || UnixSeconds(told.load(Ordering::SeqCst)));
        let options = Options { signer: signer(ORIGIN, 1), kind, limits };
        let stores = wrap(Stores::create(&paths, 1 << 20).unwrap());
        let registry = Registry::create(options, stores, Arc::clone(&clock)).unwrap();
        Self::serving(folder, time, registry, config)
    }

    fn serving(
        folder: tempfile::TempDir,
        time: Arc<AtomicU64>,
        registry: Registry,
        config: HttpConfig,
    ) -> Self {
        let told = Arc::clone(&time);
        let clock: Clock = Arc::new(move || UnixSeconds(told.load(Ordering::SeqCst)));
        let submitter = |key: SignerKey, role: Role| Submitter { key: key.verifier(), role };
        let other = issuer_hash("https://other.example").unwrap();
        let submitters = vec![
            submitter(administrator(), Role::Administrator),
            submitter(issuer(), Role::Issuer(issuer_id())),
            submitter(other_issuer(), Role::Issuer(other)),
        ];
        let submitters = Submitters::new(&log_key(), submitters).unwrap();
        let config = HttpConfig { workers: 1, shutdown_timeout: Duration::from_secs(5), ..config };
        let state =
            State::new(registry.handle(), submitters, &folder.path().join("public"), clock, config.clone());

        let public = state.clone();
        let (address, server) = serve(&config, move |services: &mut ServiceConfig| {
            http::configure(services, &public);
            http::configure_operations(services);
            http::configure_openapi(services);
        });
        let raw = state.clone();
        let (add_address, add_server) = serve(&config, move |services: &mut ServiceConfig| {
            http::configure_raw(services, &raw);
        });
        let servers = vec![server, add_server];
        Self { folder, address, add_address, state, time, registry: Some(registry), servers }
    }

    /// The same log, frozen and served anew.
    pub(crate) fn frozen(mut self) -> Self {
        self.stop_writer();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let paths = paths(&folder);
        let heads = FileHeads::open(&paths.head).unwrap();
        assert!(!Registry::freeze(&log_key(), &heads).unwrap().1);
        drop(heads);
        let options = Options { signer: signer(ORIGIN, 1), kind: LogKind::Typed, limits: Limits::default() };
        let stores = Stores::open(&paths, 1 << 20).unwrap();
        let registry = Registry::open(options, stores, Arc::new(|| UnixSeconds(START))).unwrap();
        Self::serving(folder, Arc::clone(&self.time), registry, HttpConfig::default())
    }

    /// Until the log takes entries.
    pub(crate) fn ready(self) -> Self {
        while self.state.handle().phase() == Phase::Building {
            std::thread::sleep(Duration::from_millis(1));
        }
        self
    }

    pub(crate) fn client(&self, key: SignerKey) -> Client {
        let told = Arc::clone(&self.time);
        let clock = Arc::new(move || UnixSeconds(told.load(Ordering::SeqCst)));
        let url = format!("http://{}", self.address);
        Client::new(&url, key, log_key(), Settings::default(), clock, Arc::new(|_most| Duration::ZERO))
            .unwrap()
    }

    pub(crate) fn move_clock(&self, seconds: u64) {
        self.time.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn public(&self) -> PathBuf {
        self.folder.path().join("public")
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        send(self.address, method, path, headers, body)
    }

    /// Posts a body that the key signs properly.
    pub(crate) fn post(&self, key: &SignerKey, body: &[u8]) -> Response {
        let now = UnixSeconds(self.time.load(Ordering::SeqCst));
        let header = Authorization::sign(ORIGIN, key, body, now).unwrap().encode();
        self.request("POST", "/entries", &[("Authorization", &header)], body)
    }

    pub(crate) fn add(&self, body: &[u8]) -> Response {
        send(self.add_address, "POST", "/add", &[], body)
    }

    /// Stops the writer; the servers go on.
    pub(crate) fn stop_writer(&mut self) {
        self.registry.take().unwrap().stop().unwrap();
    }
}

fn paths(folder: &tempfile::TempDir) -> Paths {
    Paths {
        public: folder.path().join("public"),
        segments: folder.path().join("wal"),
        seen: folder.path().join("index"),
        head: folder.path().join("head"),
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let system = actix_web::rt::System::new();
        for (server, thread) in self.servers.drain(..) {
            system.block_on(server.stop(true));
            drop(thread.join());
        }
    }
}

fn serve(
    config: &HttpConfig,
    services: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> (SocketAddr, (ServerHandle, JoinHandle<()>)) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = config.clone();
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = http::server(listener, &config, services).unwrap();
            sender.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    (address, (receiver.recv().unwrap(), thread))
}

/// One request on a connection of its own, byte for byte as given: a library would tidy up the path.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" && !headers.iter().any(|(name, _value)| *name == "Transfer-Encoding") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    exchange(address, &[head.as_bytes(), body].concat())
}

/// Sends bytes and reads all that comes back until the other side closes.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> Response {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The other side may answer, and close, before it has read everything.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&answer)));
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head, body: answer[end + 4..].to_vec() }
}
