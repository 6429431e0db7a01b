//! The threads that ask witnesses: one that dies is noticed, and one that outlasts its writer accuses nobody.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[expect(dead_code, reason = "the other tests of witnesses use the rest")]
#[path = "witness/world.rs"]
mod world;

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use sillok_log::UnixSeconds;
use sillok_log::audit::LogKind;
use sillok_log::cosignature;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::policy::Policy;
use sillok_registry::segment::Segments;
use sillok_registry::store::{Blobs, Error, MemoryBlobs, MemoryHeads, MemorySeen, Object};
use sillok_registry::witness::Witnessing;
use sillok_registry::{Level, Limits, Options, Phase, Registry, Stores, SubmitError};
use tempfile::TempDir;

/// Public files, reading which kills a thread that asks a witness.
#[derive(Default)]
struct Deadly {
    files: MemoryBlobs,
    armed: AtomicBool,
}

impl Blobs for Deadly {
    fn put_many(&self, objects: &[Object]) -> Result<(), Error> {
        self.files.put_many(objects)
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        assert!(
            !self.armed.load(Ordering::SeqCst) || thread::current().name() != Some("sillok-witness"),
            "this thread is to die"
        );
        self.files.get(path)
    }

    fn discard_partials(&self, path: &str) -> Result<(), Error> {
        self.files.discard_partials(path)
    }

    fn put_checkpoint(&self, note: &str) -> Result<(), Error> {
        self.files.put_checkpoint(note)
    }

    fn checkpoint(&self) -> Result<Option<String>, Error> {
        self.files.checkpoint()
    }
}

/// A witness that cosigns what it is asked about first, and answers each later request by 409: with size 1 at once, or with
/// what it is told once it holds back.
struct Sham {
    url: String,
    holds_back: Arc<AtomicBool>,
    asked: Receiver<()>,
    tell: Sender<u64>,
}

impl Sham {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let holds_back = Arc::new(AtomicBool::new(false));
        let ((asks, asked), (tell, told)) = (mpsc::channel(), mpsc::channel());
        let held = Arc::clone(&holds_back);
        // It ends with the process at the latest: nothing waits for it.
        thread::spawn(move || {
            for (number, mut stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let request = world::read_request(&mut stream);
                if number == 0 {
                    let checkpoint = request.split("\n\n").nth(1).unwrap().to_owned() + "\n";
                    let lines = cosignature::cosign(&checkpoint, UnixSeconds(1), &cosigner()).unwrap();
                    let head = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n", lines.len());
                    drop(stream.write_all((head + "connection: close\r\n\r\n" + &lines).as_bytes()));
                    continue;
                }
                let size = if held.load(Ordering::SeqCst) {
                    asks.send(()).unwrap_or_default();
                    told.recv().unwrap_or(1)
                } else {
                    1
                };
                let body = format!("{size}\n");
                let length = body.len();
                let head = format!("HTTP/1.1 409 X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                drop(stream.write_all((head + &body).as_bytes()));
            }
        });
        Self { url, holds_back, asked, tell }
    }
}

struct World {
    folder: TempDir,
    blobs: Arc<Deadly>,
    stores: Stores,
}

fn cosigner() -> SignerKey {
    SignerKey::from_seed("w.example", SignatureKind::CosignatureV1, &[2; 32]).unwrap()
}

fn signer() -> SignerKey {
    SignerKey::from_seed("log.example", SignatureKind::Ed25519, &[1; 32]).unwrap()
}

fn options() -> Options {
    Options { signer: signer(), kind: LogKind::Raw, limits: Limits::default() }
}

fn ready(registry: Registry) -> Registry {
    while registry.handle().phase() == Phase::Building {
        thread::yield_now();
    }
    registry
}

impl World {
    /// A log of two entries.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Arc::new(Deadly::default());
        let stores = Stores {
            blobs: blobs.clone(),
            heads: Arc::new(MemoryHeads::default()),
            seen: Arc::new(MemorySeen::default()),
            staging: Arc::new(Segments::open(&folder.path().join("wal"), 1 << 16).unwrap()),
        };
        let registry =
            ready(Registry::create(options(), stores.clone(), Arc::new(|| UnixSeconds(1))).unwrap());
        registry.handle().add_raw_blocking(vec![vec![1], vec![2]], Level::Published).unwrap();
        registry.stop().unwrap();
        Self { folder, blobs, stores }
    }

    /// The log, which asks the witness. This takes the stores.
    fn open(self, url: &str) -> (Registry, Arc<Deadly>, TempDir) {
        let key = cosigner().verifier();
        let policy = Policy::parse(format!("witness w {key} {url}\nquorum w\n").as_bytes()).unwrap();
        let evidence = self.folder.path().join("evidence");
        let times = (Duration::from_secs(20), Duration::from_secs(20));
        let witnessing = Witnessing {
            request_timeout: times.0,
            wait: times.1,
            ..Witnessing::new(policy, Arc::new(MemoryBlobs::default()), evidence)
        };
        let opened =
            Registry::open_witnessed(options(), self.stores, Arc::new(|| UnixSeconds(1)), witnessing);
        (ready(opened.unwrap()), self.blobs, self.folder)
    }
}

#[test]
fn a_thread_that_asks_a_witness_and_dies_stops_the_log() {
    let sham = Sham::start();
    let (registry, blobs, _folder) = World::new().open(&sham.url);
    blobs.armed.store(true, Ordering::SeqCst);
    let error = registry.handle().add_raw_blocking(vec![vec![3]], Level::Cosigned).unwrap_err();
    assert!(matches!(error, SubmitError::Stopped { .. }), "{error}");
}

/// A successor had signed size 9, and the witness cosigned it, before its answer came.
#[test]
fn a_witness_that_answers_after_the_writer_has_ended_is_accused_of_nothing() {
    let sham = Sham::start();
    let (registry, blobs, folder) = World::new().open(&sham.url);
    sham.holds_back.store(true, Ordering::SeqCst);
    registry.handle().add_raw_blocking(vec![vec![3]], Level::Committed).unwrap();
    sham.asked.recv().unwrap();
    registry.stop().unwrap();
    // The answer, and whatever it is asked for then.
    sham.holds_back.store(false, Ordering::SeqCst);
    sham.tell.send(9).unwrap();
    // The thread has ended when nobody but this one has the files.
    while Arc::strong_count(&blobs) > 1 {
        thread::yield_now();
    }
    assert!(!folder.path().join("evidence").exists());
}
