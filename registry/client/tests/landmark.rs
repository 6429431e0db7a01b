//! A wallet's own landmark receipts: from a folder, and from the same files over HTTP, and which files it asks for.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sillok_client::landmark::{LandmarkProofError, LandmarkProver};
use sillok_client::{Jitter, Source};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::landmark::{Landmarks, TrustedLandmarks, landmark_nodes};
use sillok_log::merkle::{Frontier, NodeId, leaf_hash};
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::policy::Policy;
use sillok_log::receipt::LandmarkReceipt;
use sillok_log::tile::{Tile, TileKind};
use sillok_log::{Hash, LeafIndex, TreeSize};

fn key(seed: u8) -> SignerKey {
    SignerKey::from_seed("log.example/annals", SignatureKind::Ed25519, &[seed; 32]).unwrap()
}

fn policy(seed: u8) -> Policy {
    Policy::parse(format!("log {}\nquorum none\n", key(seed).verifier()).as_bytes()).unwrap()
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

/// A published log of 1,000 leaves with landmarks.
struct Log {
    folder: tempfile::TempDir,
    nodes: BTreeMap<NodeId, Hash>,
    root: Hash,
    landmarks: Landmarks,
}

impl Log {
    fn new(landmarks: &[u64]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut nodes, mut frontier) = (BTreeMap::new(), Frontier::new());
        for index in 0..SIZE.0 {
            frontier.push_with(leaf(index), &mut |node, hash| nodes.extend([(node, hash)])).unwrap();
        }
        let sizes = [0].iter().chain(landmarks).copied().map(TreeSize).collect();
        let landmarks = Landmarks::from_sizes(landmarks.len() as u64, sizes).unwrap();
        let log = Self { folder, nodes, root: frontier.root(), landmarks };
        for tile in Tile::all_for_size(SIZE).unwrap() {
            let TileKind::Hashes(level) = tile.kind() else { continue };
            let first = tile.index() * 256;
            let hashes = (first..first + u64::from(tile.width()))
                .flat_map(|index| log.nodes[&NodeId { level: level * 8, index }].0);
            log.write(&tile.path(), &hashes.collect::<Vec<u8>>());
        }
        let checkpoint = Checkpoint { origin: "log.example/annals".into(), size: SIZE, root: log.root };
        log.write("checkpoint", checkpoint.sign(&key(3)).unwrap().as_bytes());
        log.write("landmarks", log.landmarks.encode().as_bytes());
        log
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn source(&self) -> Source {
        Source::open(self.folder.path().to_str().unwrap()).unwrap()
    }

    /// What a verifier holds.
    fn set(&self) -> TrustedLandmarks {
        let nodes = landmark_nodes(&self.landmarks, SIZE).unwrap();
        let hashes: Vec<Hash> = nodes.iter().map(|node| self.nodes[node]).collect();
        TrustedLandmarks::open(self.landmarks.clone(), SIZE, &self.root, &hashes).unwrap()
    }
}

fn no_jitter() -> Jitter {
    Arc::new(|_most| Duration::ZERO)
}

fn prove(source: &Source, index: u64) -> Result<LandmarkReceipt, LandmarkProofError> {
    let policy = policy(3);
    LandmarkProver::new(source, &policy, no_jitter(), &|_pause| ()).receipt(
        &leaf(index),
        LeafIndex(index),
        &[7; 73],
    )
}

#[test]
fn each_covered_leaf_of_a_full_tile_is_proved() {
    let log = Log::new(&[100, 384, 700, 900]);
    let (source, set, policy) = (log.source(), log.set(), policy(3));
    let mut prover = LandmarkProver::new(&source, &policy, no_jitter(), &|_pause| ());
    // Tiles of 256: the last that is full ends at 768.
    for index in 0..768 {
        let receipt = prover.receipt(&leaf(index), LeafIndex(index), &[7; 73]).unwrap();
        assert_eq!(LandmarkReceipt::parse(&receipt.encode()).as_ref(), Ok(&receipt));
        set.check(receipt.landmark, &leaf(index), receipt.index, &receipt.proof).unwrap();
    }
    for index in [768, 899, 900, 999, 5_000, u64::MAX >> 2] {
        let refused = prover.receipt(&leaf(index), LeafIndex(index), &[]);
        assert!(matches!(refused, Err(LandmarkProofError::NotYet { .. })), "{index}: {refused:?}");
    }
}

#[test]
fn what_cannot_be_proved_is_not_handed_out() {
    let log = Log::new(&[384, 700]);
    let source = log.source();
    let own = policy(3);
    let mut prover = LandmarkProver::new(&source, &own, no_jitter(), &|_pause| ());
    let of_another = prover.receipt(&leaf(6), LeafIndex(5), &[]);
    assert!(matches!(of_another, Err(LandmarkProofError::NotProved(_))), "{of_another:?}");
    assert!(prover.receipt(&leaf(5), LeafIndex(5), &[]).is_ok());

    let stranger = policy(4);
    let refused = LandmarkProver::new(&source, &stranger, no_jitter(), &|_pause| ()).receipt(
        &leaf(5),
        LeafIndex(5),
        &[],
    );
    assert!(matches!(refused, Err(LandmarkProofError::Checkpoint(_))), "{refused:?}");

    // Any byte of a tile, whichever it is.
    let path = log.path("tile/0/000");
    let sound = fs::read(&path).unwrap();
    let mut damaged = sound.clone();
    damaged[4 * 32] ^= 1; // the sibling of leaf 5
    fs::write(&path, &damaged).unwrap();
    assert!(matches!(prove(&source, 5), Err(LandmarkProofError::NotProved(_))));
    fs::write(&path, &sound[1..]).unwrap();
    assert!(matches!(prove(&source, 5), Err(LandmarkProofError::Tile(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(prove(&source, 5), Err(LandmarkProofError::Missing { .. })));
    fs::write(&path, &sound).unwrap();

    // Landmarks that are above the checkpoint, malformed, forgotten or not there.
    log.write("landmarks", b"1 1\n1001\n0\n");
    assert!(matches!(prove(&source, 5), Err(LandmarkProofError::List(_))));
    log.write("landmarks", b"1 1\n");
    assert!(matches!(prove(&source, 5), Err(LandmarkProofError::List(_))));
    log.write("landmarks", b"9 1\n700\n384\n");
    assert!(matches!(prove(&source, 5), Err(LandmarkProofError::TooOld { .. })));
    fs::remove_file(log.path("landmarks")).unwrap();
    assert!(matches!(prove(&source, 5), Err(LandmarkProofError::NotYet { .. })));
}

#[test]
fn over_http_the_same_and_nothing_but_files_that_many_ask_for() {
    let log = Log::new(&[384, 700]);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let source = Source::open(&serve(log.folder.path(), Arc::clone(&asked))).unwrap();
    let policy = policy(3);
    let waits = RefCell::new(Vec::new());
    let wait = |pause| waits.borrow_mut().push((pause, asked.lock().unwrap().len()));
    let half: Jitter = Arc::new(|most| most / 2);
    let mut prover = LandmarkProver::new(&source, &policy, half, &wait);
    let receipt = prover.receipt(&leaf(300), LeafIndex(300), &[]).unwrap();
    log.set().check(receipt.landmark, &leaf(300), receipt.index, &receipt.proof).unwrap();
    let first: Vec<String> = std::mem::take(&mut *asked.lock().unwrap());
    assert_eq!(first[..2], ["/landmarks", "/checkpoint"]);
    // It waited between knowing that there is a proof and asking for what it is made of.
    assert_eq!(*waits.borrow(), [(Duration::from_secs(1_800), 2)]);
    let leaves: Vec<&String> = first.iter().filter(|path| path.starts_with("/tile/0/")).collect();
    assert!(leaves.contains(&&"/tile/0/001".to_owned()), "{first:?}");
    for path in &first[2..] {
        assert!(path.starts_with("/tile/") && !path.contains("entries"), "{path}");
        // The log's edge apart, which is the same for everybody, whole tiles of 256.
        assert!(
            !path.starts_with("/tile/0/") || !path.contains(".p/") || path == "/tile/0/003.p/232",
            "{path}"
        );
    }
    // The next leaf of the same tile comes from the cache.
    prover.receipt(&leaf(301), LeafIndex(301), &[]).unwrap();
    let second = asked.lock().unwrap();
    assert!(second.iter().all(|path| !path.starts_with("/tile/0/001")), "{second:?}");
}

/// Serves the files below a folder, and notes what is asked for. The thread ends with the test program.
fn serve(folder: &Path, asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let folder = folder.to_path_buf();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let (status, body) = match fs::read(folder.join(&path[1..])) {
                Ok(body) => ("200 OK", body),
                Err(_not_there) => ("404 Not Found", Vec::new()),
            };
            asked.lock().unwrap().push(path);
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    url
}

/// Three full tiles of leaf hashes and 232 hashes of a fourth.
const SIZE: TreeSize = TreeSize(1_000);
