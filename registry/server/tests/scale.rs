//! What must stay quick, and in order, when a log is long or its publisher is slow.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::sync::{Arc, Condvar, Mutex};

use sillok_log::audit::LogKind;
use sillok_log::entry::{Entry, Issue, IssuerHash, Key, KeyEvent, Thumbprint};
use sillok_log::ledger::Role;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::{Hash, UnixSeconds};
use sillok_registry::segment::{SEGMENT_BYTES, Segments};
use sillok_registry::store::{Blobs, Error, FileSeen, MemoryBlobs, MemoryHeads, Object, Seen as _};
use sillok_registry::{Level, Limits, Options, Outcome, Phase, Registry, Stores};

const ISSUER: Role = Role::Issuer(IssuerHash([1; 32]));

/// Objects in memory: which threads read them, and a gate before they are written.
#[derive(Default)]
struct Watched {
    inner: MemoryBlobs,
    readers: Mutex<Vec<String>>,
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Watched {
    fn close(&self) {
        *self.closed.lock().unwrap() = true;
    }

    fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
    }
}

impl Blobs for Watched {
    fn put_many(&self, objects: &[Object]) -> Result<(), Error> {
        drop(self.opened.wait_while(self.closed.lock().unwrap(), |closed| *closed).unwrap());
        self.inner.put_many(objects)
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.readers.lock().unwrap().push(std::thread::current().name().unwrap_or_default().into());
        self.inner.get(path)
    }

    fn discard_partials(&self, path: &str) -> Result<(), Error> {
        self.inner.discard_partials(path)
    }

    fn put_checkpoint(&self, note: &str) -> Result<(), Error> {
        self.inner.put_checkpoint(note)
    }

    fn checkpoint(&self) -> Result<Option<String>, Error> {
        self.inner.checkpoint()
    }
}

struct World {
    registry: Registry,
    blobs: Arc<Watched>,
    seen: Arc<FileSeen>,
    _folder: tempfile::TempDir,
}

/// A log of a key, and of `entries` issue entries.
fn world(entries: u64) -> World {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Arc::new(Watched::default());
    let seen = Arc::new(FileSeen::open(&folder.path().join("index")).unwrap());
    let stores = Stores {
        blobs: Arc::clone(&blobs) as Arc<dyn Blobs>,
        heads: Arc::new(MemoryHeads::default()),
        seen: Arc::clone(&seen) as Arc<dyn sillok_registry::store::Seen>,
        staging: Arc::new(Segments::open(&folder.path().join("segments"), SEGMENT_BYTES).unwrap()),
    };
    let signer = SignerKey::from_seed("log.example/scale", SignatureKind::Ed25519, &[3; 32]).unwrap();
    let options = Options { signer, kind: LogKind::Typed, limits: Limits::default() };
    let registry = Registry::create(options, stores, Arc::new(|| UnixSeconds(1_800_000_000))).unwrap();
    while registry.handle().phase() == Phase::Building {
        std::thread::yield_now();
    }
    let world = World { registry, blobs, seen, _folder: folder };
    let key = Key {
        issuer: IssuerHash([1; 32]),
        key: Thumbprint([2; 32]),
        event: KeyEvent::Added,
        time: UnixSeconds(1),
        cuts: vec![],
    };
    let added = vec![Entry::Key(key).encode()];
    world.registry.handle().submit_blocking(added, Role::Administrator, Level::Committed).unwrap();
    for start in (0..entries).step_by(1_000) {
        world.submit(start..entries.min(start + 1_000), Level::Published);
    }
    world
}

impl World {
    /// Submits issue entries; the place of each, and whether it was there before.
    fn submit(&self, numbers: impl IntoIterator<Item = u64>, level: Level) -> Vec<(u64, bool)> {
        let entries = numbers.into_iter().map(issue).collect();
        let answer = self.registry.handle().submit_blocking(entries, ISSUER, level).unwrap();
        let place = |outcome: &Outcome| match outcome {
            Outcome::Logged(logged) => (logged.index.0, logged.duplicate),
            Outcome::Refused { code, detail } => panic!("refused: {code}: {detail}"),
        };
        answer.results.iter().map(place).collect()
    }
}

fn issue(number: u64) -> Vec<u8> {
    let issue = Issue {
        commitment: leaf_hash(&number.to_be_bytes()),
        issuer_key: Thumbprint([2; 32]),
        provenance: Hash([0; 32]),
        time: UnixSeconds(3600),
    };
    Entry::Issue(issue).encode()
}

// Clients that retry what was logged long ago cost a file read for each entry. It was the sequencer that read them, and
// everybody waited.
#[test]
fn retries_from_all_over_the_log_are_read_by_those_who_submit_them_and_not_by_the_sequencer() {
    let world = world(5_000);
    // Noted in the index, and not just public.
    while world.seen.watermark().unwrap().0 < 5_001 {
        std::thread::yield_now();
    }
    // One in each bundle, and new ones between them.
    let numbers: Vec<u64> = (0..40).flat_map(|n| [(n * 977) % 5_000, 5_000 + n]).collect();
    world.submit([9_000], Level::Published);
    world.blobs.readers.lock().unwrap().clear();
    let places = world.submit(numbers.iter().copied(), Level::Committed);
    let mut new = 5_002..;
    for (number, place) in numbers.iter().zip(&places) {
        let expected = if *number < 5_000 { (number + 1, true) } else { (new.next().unwrap(), false) };
        assert_eq!(*place, expected, "{number}");
    }
    let readers = world.blobs.readers.lock().unwrap().clone();
    assert!(readers.len() >= 20, "the retries were looked for in {} files", readers.len());
    assert!(!readers.iter().any(|name| name == "sillok-sequencer"), "{readers:?}");
    world.registry.stop().unwrap();
}

// While a publication was being written, 32 batches of any size filled the way to the publisher, and the next one waited:
// with requests of one entry that is a fraction of a second.
#[test]
fn small_batches_are_committed_while_a_publication_takes_its_time() {
    let world = world(1);
    world.blobs.close();
    for number in 10..510 {
        let places = world.submit([number], Level::Committed);
        assert_eq!(places, [(number - 8, false)]);
    }
    world.blobs.open();
    assert_eq!(world.submit([600], Level::Published), [(502, false)]);
    world.registry.stop().unwrap();
}
