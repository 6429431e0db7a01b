//! A registry behind HTTP, and a proxy in front of it that loses requests or answers when it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use sillok_client::{Settings, Submitter};
use sillok_issuer::Backend;
use sillok_log::entry::issuer_hash;
use sillok_log::ledger::Role;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_registry::Registry;
use sillok_registry::http::{HttpConfig, State, configure, server};
use sillok_registry::submission::{self, Submitters};

use super::world::{ISSUER, ORIGIN, World};

/// What the proxy does when its budget of requests is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The registry gets the request, nobody gets the answer.
    Answer,
    /// Nobody gets the request, and the connection stays open without an answer.
    BlackHole,
    /// The registry does not get the request, and each of its entries is refused with this code.
    Refusal(&'static str),
    /// Nobody gets the request.
    Request,
}

/// A registry that serves, and the proxy.
pub(crate) struct Remote {
    pub(crate) registry: Option<Registry>,
    proxy: SocketAddr,
    budget: Arc<AtomicI64>,
    loss: Arc<Mutex<Loss>>,
    handle: ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

impl Remote {
    pub(crate) fn start(world: &World) -> Self {
        let registry = world.registry();
        let key = |name: &str, seed| {
            SignerKey::from_seed(&format!("{ORIGIN}/{name}"), SignatureKind::Ed25519, &[seed; 32]).unwrap()
        };
        let submitters = vec![
            submission::Submitter { key: key("administrator", 2).verifier(), role: Role::Administrator },
            submission::Submitter {
                key: key("issuer", 3).verifier(),
                role: Role::Issuer(issuer_hash(ISSUER).unwrap()),
            },
        ];
        let submitters = Submitters::new(&World::log_key().verifier(), submitters).unwrap();
        let config = HttpConfig { workers: 1, ..HttpConfig::default() };
        let public = world.path("data/public");
        let state = State::new(registry.handle(), submitters, &public, world.clock(), config.clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = listener.local_addr().unwrap();
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async move {
                let services =
                    move |services: &mut actix_web::web::ServiceConfig| configure(services, &state);
                let server = server(listener, &config, services).unwrap();
                sender.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = receiver.recv().unwrap();
        let budget = Arc::new(AtomicI64::new(i64::MAX));
        let loss = Arc::new(Mutex::new(Loss::Request));
        let proxy = proxy(upstream, &budget, &loss, public.join("checkpoint"));
        Self { registry: Some(registry), proxy, budget, loss, handle, thread: Some(thread) }
    }

    /// Lets this many requests through, and loses the others or their answers.
    pub(crate) fn lose_after(&self, budget: i64, loss: Loss) {
        *self.loss.lock().unwrap() = loss;
        self.budget.store(budget, Ordering::SeqCst);
    }

    /// Lets everything through.
    pub(crate) fn heal(&self) {
        self.budget.store(i64::MAX, Ordering::SeqCst);
    }

    /// What an issuer submits with.
    pub(crate) fn backend(&self, world: &World) -> Backend {
        let submitter = |name: &str, seed| {
            let key = SignerKey::from_seed(&format!("{ORIGIN}/{name}"), SignatureKind::Ed25519, &[seed; 32]);
            let patience = world.config().limits.ledger_patience;
            let settings =
                Settings { attempts: 1, request_timeout: patience.max(MIN_PATIENCE), ..Settings::default() };
            let url = format!("http://{}", self.proxy);
            let jitter = Arc::new(|_wait: Duration| Duration::ZERO);
            let log = World::log_key().verifier();
            Box::new(Submitter::new(&url, key.unwrap(), log, settings, world.clock(), jitter).unwrap())
        };
        Backend::Remote { administrator: submitter("administrator", 2), issuer: submitter("issuer", 3) }
    }

    pub(crate) fn stop(mut self) {
        if let Some(thread) = self.thread.take() {
            let handle = self.handle.clone();
            System::new().block_on(async move { handle.stop(false).await });
            thread.join().unwrap();
        }
        if let Some(registry) = self.registry.take() {
            registry.stop().unwrap();
        }
    }
}

/// Passes messages of HTTP/1.1 to and fro.
fn proxy(
    upstream: SocketAddr,
    budget: &Arc<AtomicI64>,
    loss: &Arc<Mutex<Loss>>,
    checkpoint: PathBuf,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (budget, loss) = (Arc::clone(budget), Arc::clone(loss));
    // It ends with the process of the tests.
    thread::spawn(move || {
        for client in listener.incoming() {
            let (budget, loss, checkpoint) = (Arc::clone(&budget), Arc::clone(&loss), checkpoint.clone());
            thread::spawn(move || {
                let mut client = client.unwrap();
                let mut server = TcpStream::connect(upstream).ok()?;
                loop {
                    let request = message(&mut client)?;
                    let lost = budget.fetch_sub(1, Ordering::SeqCst) <= 0;
                    let loss = *loss.lock().unwrap();
                    match loss {
                        Loss::Request if lost => return None,
                        Loss::BlackHole if lost => {
                            // Until whoever asked has gone.
                            drop(client.read_to_end(&mut Vec::new()));
                            return None;
                        }
                        Loss::Refusal(code) if lost => {
                            client.write_all(&refusal(&request, code, &checkpoint)).ok()?;
                            continue;
                        }
                        Loss::Answer | Loss::BlackHole | Loss::Refusal(_) | Loss::Request => {}
                    }
                    server.write_all(&request).ok()?;
                    let answer = message(&mut server)?;
                    if lost {
                        return None;
                    }
                    client.write_all(&answer).ok()?;
                }
                #[expect(unreachable_code, reason = "gives the closure its type")]
                Some(())
            });
        }
    });
    address
}

/// An answer that refuses every entry of the request (specs/log.md, submission).
fn refusal(request: &[u8], code: &str, checkpoint: &Path) -> Vec<u8> {
    let body = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let request: serde_json::Value = serde_json::from_slice(&request[body..]).unwrap();
    let error = serde_json::json!({ "error": { "code": code, "detail": "said on the way" } });
    let results = vec![error; request["entries"].as_array().unwrap().len()];
    let checkpoint = std::fs::read_to_string(checkpoint).unwrap();
    let body = serde_json::json!({ "checkpoint": checkpoint, "results": results }).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head, body].concat().into_bytes()
}

/// One message: head, and as many bytes as its head says.
fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    bytes.extend(body);
    Some(bytes)
}

/// Enough for a registry that is there, on a machine with much to do.
const MIN_PATIENCE: Duration = Duration::from_secs(3);
