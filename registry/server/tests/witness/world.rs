//! Witnesses, honest and not, and a log that asks them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use sha2::{Digest as _, Sha256};
use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::{Frontier, consistency_plan, leaf_hash};
use sillok_log::note::{SignatureKind, SignerKey, VerifierKey};
use sillok_log::policy::Policy;
use sillok_log::{Hash, TreeSize, UnixSeconds};
use sillok_registry::http::{self, HttpConfig};
use sillok_registry::store::FileBlobs;
use sillok_registry::witness::{self, Book, Witnessing};
use sillok_registry::{Clock, Fatal, Limits, Options, Paths, Phase, Registry, Stores};
use tempfile::TempDir;

const ORIGIN: &str = "log.example/raw";
const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

pub(crate) fn clock() -> Clock {
    Arc::new(|| NOW)
}

pub(crate) fn log_key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, SignatureKind::Ed25519, &[1; 32]).unwrap()
}

pub(crate) fn cosigner(name: &str, kind: SignatureKind, seed: u8) -> SignerKey {
    SignerKey::from_seed(&format!("{name}.example"), kind, &[seed; 32]).unwrap()
}

pub(crate) fn origin_hash() -> String {
    Hash(Sha256::digest(ORIGIN).into()).to_hex()
}

/// Entries of a raw log, each another one.
pub(crate) fn entries(start: u32, count: u32) -> Vec<Vec<u8>> {
    (start..start + count).map(|entry| entry.to_be_bytes().to_vec()).collect()
}

fn root_of(start: u64, end: u64) -> Hash {
    let mut frontier = Frontier::new();
    (start..end).for_each(|leaf| frontier.push(leaf_hash(&leaf.to_be_bytes())).unwrap());
    frontier.root()
}

fn signed(size: u64, root: Hash) -> String {
    Checkpoint { origin: ORIGIN.into(), size: TreeSize(size), root }.sign(&log_key()).unwrap()
}

/// The checkpoint of a log whose leaves are their own places.
pub(crate) fn checkpoint_of(size: u64) -> String {
    signed(size, root_of(0, size))
}

/// One of the same size that the same key has signed.
pub(crate) fn fork_of(size: u64) -> String {
    signed(size, Hash([7; 32]))
}

/// The proof between two honest checkpoints.
pub(crate) fn proof(old: u64, new: u64) -> Vec<Hash> {
    let plan = consistency_plan(TreeSize(old), TreeSize(new)).unwrap();
    let node = |level: u8, index: u64| root_of(index << level, (index + 1) << level);
    let hashes: Vec<Hash> = plan.nodes().iter().map(|id| node(id.level, id.index)).collect();
    plan.fold(&hashes).unwrap()
}

/// The folder and the keys of a witness that follows the log.
pub(crate) struct WitnessFolder {
    folder: TempDir,
    name: String,
    ml_dsa: bool,
}

impl WitnessFolder {
    pub(crate) fn new(name: &str, ml_dsa: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Book::follow(folder.path(), &log_key().verifier()).unwrap();
        Self { folder, name: name.into(), ml_dsa }
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.path().into()
    }

    /// Ed25519, and ML-DSA-44 if it has that.
    pub(crate) fn keys(&self) -> Vec<SignerKey> {
        let seed = self.name.bytes().last().unwrap();
        let mut keys = vec![cosigner(&self.name, SignatureKind::CosignatureV1, seed)];
        if self.ml_dsa {
            keys.push(cosigner(&self.name, SignatureKind::MlDsa44, seed));
        }
        keys
    }

    pub(crate) fn book(&self) -> Book {
        Book::open(&self.logs(), self.keys(), clock()).unwrap()
    }

    pub(crate) fn serve(&self) -> Served {
        self.serve_under(clock())
    }

    pub(crate) fn serve_under(&self, clock: Clock) -> Served {
        Served::start(Book::open(&self.logs(), self.keys(), clock).unwrap(), "127.0.0.1:0")
    }

    /// The same where it was before.
    pub(crate) fn serve_at(&self, url: &str) -> Served {
        Served::start(self.book(), url.strip_prefix("http://").unwrap())
    }
}

/// A witness that answers.
pub(crate) struct Served {
    pub(crate) url: String,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Served {
    fn start(book: Book, address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let (book, config) = (Arc::new(book), HttpConfig { workers: 1, ..HttpConfig::default() });
                let of_handlers = config.clone();
                let server = http::server(listener, &config, move |services| {
                    witness::configure(services, &book, &of_handlers);
                });
                let server = server.unwrap();
                sender.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { url, handle: receiver.recv().unwrap(), thread: Some(thread) }
    }

    fn agent() -> ureq::Agent {
        ureq::Agent::config_builder().http_status_as_error(false).build().new_agent()
    }

    fn answered(mut response: ureq::http::Response<ureq::Body>) -> Answered {
        let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().into());
        Answered {
            status: response.status().as_u16(),
            content_type: content_type.unwrap_or_default(),
            body: response.body_mut().read_to_vec().unwrap(),
        }
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Answered {
        Self::answered(Self::agent().post(format!("{}{path}", self.url)).send(body).unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> Answered {
        Self::answered(Self::agent().get(format!("{}{path}", self.url)).call().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The command is sent at once; the returned future waits for the end, as the join below does.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// What a witness does that is none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    /// It has cosigned this size.
    Ahead(u64),
    /// It holds another root for this size, signed with the log's key.
    Fork(u64),
    Garbage,
    /// It has cosigned this size, and shows that the log's key signed it.
    Shows(u64),
    Silent,
    Status(u16),
}

/// Answers each connection once.
pub(crate) struct Sham {
    pub(crate) url: String,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Sham {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let behaviour = Arc::new(Mutex::new(behaviour));
        let of_thread = Arc::clone(&behaviour);
        // It ends with the process: nothing waits for it.
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                let behaviour = *of_thread.lock().unwrap();
                if let Behaviour::Silent = behaviour {
                    silent.push(stream);
                } else {
                    answer(stream, behaviour);
                }
            }
        });
        Self { url, behaviour }
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }
}

fn answer(mut stream: TcpStream, behaviour: Behaviour) {
    let request = read_request(&mut stream);
    let (status, body) = match (behaviour, request.starts_with("GET ")) {
        (Behaviour::Fork(size), true) => (200, fork_of(size)),
        (Behaviour::Fork(_), false) => (422, String::new()),
        (Behaviour::Shows(size), true) => (200, checkpoint_of(size)),
        (Behaviour::Ahead(_), true) => (404, String::new()),
        (Behaviour::Ahead(size) | Behaviour::Shows(size), false) => (409, format!("{size}\n")),
        (Behaviour::Status(status), _any) => (status, String::new()),
        (Behaviour::Garbage | Behaviour::Silent, _any) => (200, "\u{2014} garbage\n".into()),
    };
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // Whoever does not listen any more is not told.
    drop(stream.write_all((head + &body).as_bytes()));
}

/// A request over HTTP, whole.
pub(crate) fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&request);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if !head.is_empty() && body.len() >= length.unwrap_or(0_usize) {
            return text.into_owned();
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return text.into_owned(),
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Waits for something that another thread does.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        thread::yield_now();
    }
}

/// A raw log in a folder.
pub(crate) struct Log {
    folder: TempDir,
}

impl Log {
    pub(crate) fn new() -> Self {
        let log = Self { folder: tempfile::tempdir().unwrap() };
        let stores = Stores::create(&log.paths(), 1 << 16).unwrap();
        Registry::create(options(), stores, clock()).unwrap().stop().unwrap();
        log
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn public(&self) -> PathBuf {
        self.path("public")
    }

    pub(crate) fn head(&self) -> PathBuf {
        self.path("head")
    }

    pub(crate) fn evidence(&self) -> PathBuf {
        self.path("evidence")
    }

    fn paths(&self) -> Paths {
        Paths {
            public: self.public(),
            segments: self.path("wal"),
            seen: self.path("index"),
            head: self.head(),
        }
    }

    /// `k` of these witnesses, or nobody.
    pub(crate) fn policy(&self, k: usize, witnesses: &[(&str, VerifierKey, &str)]) -> Policy {
        let lines: String =
            witnesses.iter().map(|(name, key, url)| format!("witness {name} {key} {url}\n")).collect();
        let names: Vec<&str> = witnesses.iter().map(|(name, ..)| *name).collect();
        let quorum = match k {
            0 => "quorum none\n".into(),
            k => format!("group some {k} {}\nquorum some\n", names.join(" ")),
        };
        Policy::parse(format!("{lines}{quorum}").as_bytes()).unwrap()
    }

    pub(crate) fn open(&self, policy: &Policy) -> Result<Registry, Fatal> {
        self.open_renewing(policy, Duration::from_secs(3_600))
    }

    pub(crate) fn open_renewing(&self, policy: &Policy, renewal: Duration) -> Result<Registry, Fatal> {
        let stores = Stores::open(&self.paths(), 1 << 16).unwrap();
        let pending = Arc::new(FileBlobs::open(&self.path("pending")).unwrap());
        let witnessing = Witnessing {
            request_timeout: Duration::from_millis(400),
            wait: Duration::from_millis(900),
            renewal,
            ..Witnessing::new(policy.clone(), pending, self.evidence())
        };
        let registry = Registry::open_witnessed(options(), stores, clock(), witnessing)?;
        while registry.handle().phase() == Phase::Building {
            thread::yield_now();
        }
        Ok(registry)
    }

    /// A backup of everything, the head too.
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        Self { folder }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn options() -> Options {
    let limits = Limits { publish_interval: Duration::from_millis(5), ..Limits::default() };
    Options { signer: log_key(), kind: LogKind::Raw, limits }
}
