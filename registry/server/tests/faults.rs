//! Every store operation of the write path fails, once or for good, with or without effect, for three batches around a
//! full tile; and a writer freezes there while another takes over. The list of acknowledged entries is kept outside.
//! After each: nothing acknowledged is lost, nothing is signed twice, and the oracle finds nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use sillok_log::audit::{Auditor, LogKind};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, Issue, IssuerHash, Key, KeyEvent, Thumbprint};
use sillok_log::ledger::Role;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::receipt::Receipt;
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};
use sillok_registry::segment::{Place, Staging};
use sillok_registry::store::{
    Blobs, Error, Heads, MemoryBlobs, MemoryHeads, MemorySeen, Object, Seen, SeenBatch, SeenKey, Swap,
};
use sillok_registry::{
    Answer, Handle, Level, Limits, Options, Outcome, Phase, Registry, Stores, SubmitError,
};

const ISSUER: Role = Role::Issuer(IssuerHash([1; 32]));

/// What happens at the n-th operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// It fails and has no effect; so does every later one. A crash before it.
    CrashBefore,
    /// It takes effect, in half where it has parts, and fails; every later one fails. A crash within it.
    CrashWithin,
    /// It takes effect and fails; every later one fails. A crash after it, before anyone knows.
    CrashAfter,
    /// It fails and has no effect; later ones work.
    FailOnce,
    /// It takes effect and fails; later ones work.
    FailOnceKeep,
    /// It does not return until it is let go.
    Freeze,
}

/// Counts operations and says what becomes of each.
struct Fuse {
    left: AtomicU64,
    mode: Mode,
    frozen: Mutex<Frozen>,
    changed: Condvar,
}

#[derive(PartialEq, Eq)]
enum Frozen {
    NotYet,
    Now,
    LetGo,
}

enum Fate {
    Work,
    Fail { keep: bool, half: bool },
}

impl Fuse {
    fn new(at: u64, mode: Mode) -> Arc<Self> {
        let frozen = Mutex::new(Frozen::NotYet);
        Arc::new(Self { left: AtomicU64::new(at), mode, frozen, changed: Condvar::new() })
    }

    fn is_spent(&self) -> bool {
        self.left.load(Ordering::SeqCst) > u64::MAX / 2
    }

    fn next(&self) -> Fate {
        // Wraps below zero once spent.
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        let (now, spent) = (left == 0, left > u64::MAX / 2);
        let keep = matches!(self.mode, Mode::CrashAfter | Mode::FailOnceKeep | Mode::CrashWithin);
        match self.mode {
            Mode::Freeze if now => {
                let mut frozen = self.frozen.lock().unwrap();
                *frozen = Frozen::Now;
                self.changed.notify_all();
                drop(self.changed.wait_while(frozen, |frozen| *frozen != Frozen::LetGo).unwrap());
                Fate::Work
            }
            Mode::CrashBefore
            | Mode::CrashAfter
            | Mode::CrashWithin
            | Mode::FailOnce
            | Mode::FailOnceKeep
                if now =>
            {
                Fate::Fail { keep, half: self.mode == Mode::CrashWithin }
            }
            Mode::CrashBefore | Mode::CrashAfter | Mode::CrashWithin if spent => {
                Fate::Fail { keep: false, half: false }
            }
            _working => Fate::Work,
        }
    }

    fn run<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        match self.next() {
            Fate::Work => work(),
            Fate::Fail { keep, .. } => {
                if keep {
                    work()?;
                }
                Err(broken())
            }
        }
    }

    fn let_go(&self) {
        *self.frozen.lock().unwrap() = Frozen::LetGo;
        self.changed.notify_all();
    }
}

fn broken() -> Error {
    Error::Stopped { path: "the fuse".into() }
}

/// A staged batch: its first leaf and its entries.
type Record = (u64, Vec<Vec<u8>>);

/// The stores that outlive a crash, and what a process sees of them through a fuse.
#[derive(Clone, Default)]
struct Disk {
    blobs: Arc<MemoryBlobs>,
    heads: Arc<MemoryHeads>,
    seen: Arc<MemorySeen>,
    staged: Arc<Mutex<Vec<Record>>>,
}

struct Fused {
    disk: Disk,
    fuse: Arc<Fuse>,
}

impl Disk {
    fn copy(&self) -> Self {
        Self {
            blobs: Arc::new(MemoryBlobs::clone(&self.blobs)),
            heads: Arc::new(MemoryHeads::clone(&self.heads)),
            seen: Arc::new(MemorySeen::clone(&self.seen)),
            staged: Arc::new(Mutex::new(self.staged.lock().unwrap().clone())),
        }
    }

    fn stores(&self, fuse: &Arc<Fuse>) -> Stores {
        let fused = || Fused { disk: self.clone(), fuse: Arc::clone(fuse) };
        Stores {
            blobs: Arc::new(fused()),
            heads: Arc::new(fused()),
            seen: Arc::new(fused()),
            staging: Arc::new(fused()),
        }
    }
}

impl Blobs for Fused {
    fn put_many(&self, objects: &[Object]) -> Result<(), Error> {
        match self.fuse.next() {
            Fate::Work => self.disk.blobs.put_many(objects),
            Fate::Fail { keep, half } => {
                if keep {
                    self.disk
                        .blobs
                        .put_many(&objects[..if half { objects.len() / 2 } else { objects.len() }])?;
                }
                Err(broken())
            }
        }
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.disk.blobs.get(path)
    }

    fn discard_partials(&self, path: &str) -> Result<(), Error> {
        self.fuse.run(|| self.disk.blobs.discard_partials(path))
    }

    fn put_checkpoint(&self, note: &str) -> Result<(), Error> {
        self.fuse.run(|| self.disk.blobs.put_checkpoint(note))
    }

    fn checkpoint(&self) -> Result<Option<String>, Error> {
        self.fuse.run(|| self.disk.blobs.checkpoint())
    }
}

impl Heads for Fused {
    fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        self.fuse.run(|| self.disk.heads.read())
    }

    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> Swap {
        match self.fuse.next() {
            Fate::Work => self.disk.heads.swap(old, new),
            Fate::Fail { keep, .. } => {
                if keep {
                    drop(self.disk.heads.swap(old, new));
                }
                Swap::Unknown(broken())
            }
        }
    }
}

impl Seen for Fused {
    fn watermark(&self) -> Result<TreeSize, Error> {
        self.fuse.run(|| self.disk.seen.watermark())
    }

    fn find(&self, key: &SeenKey) -> Result<Option<LeafIndex>, Error> {
        self.disk.seen.find(key)
    }

    fn note(&self, batch: &SeenBatch) -> Result<(), Error> {
        self.fuse.run(|| self.disk.seen.note(batch))
    }

    fn visit_controls(&self, visit: &mut dyn FnMut(LeafIndex, &[u8]) -> bool) -> Result<(), Error> {
        self.disk.seen.visit_controls(visit)
    }

    fn clear(&self) -> Result<(), Error> {
        self.fuse.run(|| self.disk.seen.clear())
    }
}

impl Staging for Fused {
    fn append(&self, start: LeafIndex, entries: &[Vec<u8>]) -> Result<Place, Error> {
        self.fuse.run(|| {
            let mut staged = self.disk.staged.lock().unwrap();
            staged.push((start.0, entries.to_vec()));
            Ok(Place { generation: 0, offset: staged.len() as u64 - 1, bytes: 0 })
        })
    }

    fn read_back(&self, place: &Place) -> Result<Vec<u8>, Error> {
        self.fuse.run(|| {
            let staged = self.disk.staged.lock().unwrap();
            Ok(sillok_log::tile::encode_bundle(&staged[place.offset as usize].1).unwrap())
        })
    }

    fn replay(&self, from: TreeSize, to: TreeSize) -> Result<Vec<Vec<u8>>, Error> {
        self.fuse.run(|| {
            // The later of two records that begin at the same leaf counts.
            let by_start: BTreeMap<_, _> = self.disk.staged.lock().unwrap().iter().cloned().collect();
            let mut at = from.0;
            let mut entries = Vec::new();
            while at < to.0 {
                let batch = by_start.get(&at).ok_or_else(broken)?;
                at += batch.len() as u64;
                entries.extend(batch.iter().cloned());
            }
            Ok(entries)
        })
    }

    fn retire(&self, _published: TreeSize) -> Result<(), Error> {
        self.fuse.run(|| Ok(()))
    }
}

/// What was acknowledged, held outside of the log.
#[derive(Clone, Default)]
struct Acknowledged {
    entries: BTreeMap<u64, Vec<u8>>,
    /// Every checkpoint ever seen: size and root.
    roots: BTreeMap<u64, Hash>,
    /// Signatures that were checked already.
    opened: HashMap<String, Checkpoint>,
}

impl Acknowledged {
    fn take(&mut self, entries: &[Vec<u8>], answer: &Answer) {
        for (entry, outcome) in entries.iter().zip(&answer.results) {
            let Outcome::Logged(logged) = outcome else { panic!("{outcome:?}") };
            let receipt = Receipt::parse(logged.receipt.encode().as_bytes()).unwrap();
            let open = || Checkpoint::open(&receipt.checkpoint, &signer().verifier()).unwrap();
            let checkpoint = self.opened.entry(receipt.checkpoint.clone()).or_insert_with(open).clone();
            receipt.check(&leaf_hash(entry), &checkpoint).unwrap();
            self.see(&checkpoint);
            let before = self.entries.insert(logged.index.0, entry.clone());
            assert!(before.is_none_or(|before| before == *entry), "leaf {} changed", logged.index);
        }
    }

    fn see(&mut self, checkpoint: &Checkpoint) {
        let before = self.roots.insert(checkpoint.size.0, checkpoint.root);
        assert!(before.is_none_or(|before| before == checkpoint.root), "fork at size {}", checkpoint.size);
    }

    /// Replays the public log with the oracle.
    fn audit(&self, disk: &Disk, context: &str) {
        let note = disk.blobs.checkpoint().unwrap().unwrap();
        let public = Checkpoint::open(&note, &signer().verifier()).unwrap();
        let mut auditor = Auditor::new(LogKind::Typed);
        let mut distinct = std::collections::HashSet::new();
        for number in 0..public.size.0.div_ceil(256) {
            let width = (public.size.0 - number * 256).min(256) as u16;
            let tile = Tile::new(TileKind::Entries, number, width).unwrap();
            let bytes =
                disk.blobs.get(&tile.path()).unwrap().unwrap_or_else(|| panic!("{context}: no {tile}"));
            for entry in parse_bundle(&bytes, width).unwrap() {
                let at = auditor.size().0;
                assert_eq!(auditor.push(entry), None, "{context}: leaf {at}");
                assert!(distinct.insert(entry.to_vec()), "{context}: leaf {at} is there twice");
                if let Some(acknowledged) = self.entries.get(&at) {
                    assert_eq!(acknowledged, entry, "{context}: leaf {at}");
                }
                if let Some(root) = self.roots.get(&(at + 1)) {
                    assert_eq!(*root, auditor.frontier().root(), "{context}: root at {}", at + 1);
                }
                let completed: Vec<_> = if (at + 1).is_multiple_of(256) {
                    auditor.completed_tiles().collect()
                } else {
                    Vec::new()
                };
                for tile in completed {
                    let served = disk.blobs.get(&tile.path()).unwrap();
                    assert_eq!(auditor.judge_tile(&tile, served.as_deref()), None, "{context}");
                }
            }
        }
        for tile in auditor.partial_tiles() {
            let served = disk.blobs.get(&tile.path()).unwrap();
            assert_eq!(auditor.judge_tile(&tile, served.as_deref()), None, "{context}");
        }
        assert_eq!(auditor.judge(&public), vec![], "{context}");
        let last = self.entries.keys().last().copied().unwrap_or(0);
        assert!(public.size.0 > last, "{context}: leaf {last} was acknowledged and is not public");
    }
}

fn signer() -> SignerKey {
    SignerKey::from_seed("log.example/faults", SignatureKind::Ed25519, &[4; 32]).unwrap()
}

fn key() -> Vec<u8> {
    let key = Key {
        issuer: IssuerHash([1; 32]),
        key: Thumbprint([2; 32]),
        event: KeyEvent::Added,
        time: UnixSeconds(1),
        cuts: vec![],
    };
    Entry::Key(key).encode()
}

fn issues(from: u64, count: u64) -> Vec<Vec<u8>> {
    let issue = |number: u64| Issue {
        commitment: leaf_hash(&number.to_be_bytes()),
        issuer_key: Thumbprint([2; 32]),
        provenance: Hash([0; 32]),
        time: UnixSeconds(3600),
    };
    (from..from + count).map(|number| Entry::Issue(issue(number)).encode()).collect()
}

fn options() -> Options {
    let limits = Limits { publish_interval: std::time::Duration::ZERO, ..Limits::default() };
    Options { signer: signer(), kind: LogKind::Typed, limits }
}

fn open(disk: &Disk, fuse: &Arc<Fuse>) -> Result<Registry, sillok_registry::Fatal> {
    let registry = Registry::open(options(), disk.stores(fuse), Arc::new(|| UnixSeconds(1_800_000_000)))?;
    while registry.handle().phase() == Phase::Building {
        std::thread::yield_now();
    }
    Ok(registry)
}

/// A log with a key and some entries, `size` in all.
fn begin(size: u64) -> (Disk, Acknowledged) {
    let (disk, fuse) = (Disk::default(), Fuse::new(u64::MAX / 2, Mode::FailOnce));
    let registry =
        Registry::create(options(), disk.stores(&fuse), Arc::new(|| UnixSeconds(1_800_000_000))).unwrap();
    let handle = registry.handle();
    while handle.phase() == Phase::Building {
        std::thread::yield_now();
    }
    let mut acknowledged = Acknowledged::default();
    let answer = handle.submit_blocking(vec![key()], Role::Administrator, Level::Published).unwrap();
    acknowledged.take(&[key()], &answer);
    let entries = issues(1, size - 1);
    acknowledged.take(&entries, &handle.submit_blocking(entries.clone(), ISSUER, Level::Published).unwrap());
    registry.stop().unwrap();
    (disk, acknowledged)
}

/// Three batches. Returns what was not acknowledged.
fn write(
    handle: &Handle,
    from: u64,
    level: Level,
    acknowledged: &mut Acknowledged,
) -> Vec<(Vec<Vec<u8>>, SubmitError)> {
    let mut failed = Vec::new();
    for (batch, count) in [(0, 1), (1, 2), (2, 300)] {
        let entries = issues(from + batch * 1_000, count);
        match handle.submit_blocking(entries.clone(), ISSUER, level) {
            Ok(answer) => acknowledged.take(&entries, &answer),
            Err(error) => failed.push((entries, error)),
        }
    }
    failed
}

/// Opens with sound stores, checks, retries what failed, checks again.
fn judge(
    disk: &Disk,
    acknowledged: &mut Acknowledged,
    failed: Vec<(Vec<Vec<u8>>, SubmitError)>,
    context: &str,
) {
    let sound = Fuse::new(u64::MAX / 2, Mode::FailOnce);
    let registry = open(disk, &sound).unwrap_or_else(|error| panic!("{context}: {error}"));
    let handle = registry.handle();
    acknowledged.see(&handle.committed().checkpoint);
    acknowledged.audit(disk, context);
    for (entries, error) in failed {
        assert!(matches!(error, SubmitError::Stopped { .. }), "{context}: {error}");
        let answer = handle.submit_blocking(entries.clone(), ISSUER, Level::Published).unwrap();
        acknowledged.take(&entries, &answer);
    }
    // Everything acknowledged is recognised at its place.
    let all: Vec<_> = acknowledged.entries.iter().filter(|(index, _)| **index > 0).collect();
    let entries: Vec<_> = all.iter().map(|(_index, entry)| (*entry).clone()).collect();
    let answer = handle.submit_blocking(entries, ISSUER, Level::Committed).unwrap();
    for ((index, _entry), outcome) in all.iter().zip(&answer.results) {
        let Outcome::Logged(logged) = outcome else { panic!("{context}: {outcome:?}") };
        assert!(logged.duplicate && logged.index.0 == **index, "{context}: leaf {index}");
    }
    registry.stop().unwrap();
    acknowledged.audit(disk, context);
}

fn every_operation(mode: Mode, level: Level) {
    for size in [254, 255, 256] {
        let (begun, begun_acknowledged) = begin(size);
        let mut at = 0;
        loop {
            let context = format!("{mode:?} at operation {at} from size {size}, answered at {level:?}");
            let (disk, mut acknowledged) = (begun.copy(), begun_acknowledged.clone());
            let fuse = Fuse::new(at, mode);
            let mut failed = Vec::new();
            if let Ok(registry) = open(&disk, &fuse) {
                failed = write(&registry.handle(), 10_000, level, &mut acknowledged);
                drop(registry);
            }
            let spent = fuse.is_spent();
            judge(&disk, &mut acknowledged, failed, &context);
            if !spent {
                // Four to open; three to commit each batch; at least four to publish all of them together.
                assert!(at >= 4 + 3 * 3 + 4, "only {at} operations were tried");
                break;
            }
            at += 1;
        }
    }
}

#[test]
fn a_crash_before_any_operation_loses_nothing_acknowledged() {
    every_operation(Mode::CrashBefore, Level::Committed);
    every_operation(Mode::CrashBefore, Level::Published);
}

#[test]
fn a_crash_within_any_operation_loses_nothing_acknowledged() {
    every_operation(Mode::CrashWithin, Level::Committed);
    every_operation(Mode::CrashWithin, Level::Published);
}

#[test]
fn a_crash_after_any_operation_loses_nothing_acknowledged() {
    every_operation(Mode::CrashAfter, Level::Committed);
    every_operation(Mode::CrashAfter, Level::Published);
}

#[test]
fn one_failure_without_effect_loses_nothing_acknowledged() {
    every_operation(Mode::FailOnce, Level::Committed);
    every_operation(Mode::FailOnce, Level::Published);
}

#[test]
fn one_failure_with_effect_loses_nothing_acknowledged() {
    every_operation(Mode::FailOnceKeep, Level::Committed);
    every_operation(Mode::FailOnceKeep, Level::Published);
}

/// A writer stands still at an operation, another takes over and goes on, then the first wakes up.
#[test]
fn a_writer_that_freezes_and_wakes_up_after_another_took_over_signs_nothing_more() {
    for at in 0_u64.. {
        let context = format!("frozen at operation {at}");
        let (disk, mut acknowledged) = begin(255);
        let fuse = Fuse::new(at, Mode::Freeze);
        let finished = std::thread::scope(|scope| {
            let frozen = scope.spawn(|| {
                let mut own = Acknowledged::default();
                let failed = open(&disk, &fuse)
                    .map(|registry| write(&registry.handle(), 10_000, Level::Published, &mut own));
                (own, failed)
            });
            let mut state = fuse.frozen.lock().unwrap();
            while *state == Frozen::NotYet && !frozen.is_finished() {
                let wait = std::time::Duration::from_millis(1);
                state = fuse.changed.wait_timeout(state, wait).unwrap().0;
            }
            let finished = *state == Frozen::NotYet;
            drop(state);
            if !finished {
                let sound = Fuse::new(u64::MAX / 2, Mode::FailOnce);
                let registry = open(&disk, &sound).unwrap_or_else(|error| panic!("{context}: {error}"));
                let failed = write(&registry.handle(), 20_000, Level::Committed, &mut acknowledged);
                assert_eq!(failed.len(), 0, "{context}");
                registry.stop().unwrap();
            }
            fuse.let_go();
            let (own, _failed) = frozen.join().unwrap();
            // What the first one acknowledged, before it froze or after, is as good as any.
            for (size, root) in own.roots {
                let before = acknowledged.roots.insert(size, root);
                assert!(before.is_none_or(|before| before == root), "{context}: fork at size {size}");
            }
            for (index, entry) in own.entries {
                let before = acknowledged.entries.insert(index, entry.clone());
                assert!(before.is_none_or(|before| before == entry), "{context}: leaf {index}");
            }
            finished
        });
        judge(&disk, &mut acknowledged, Vec::new(), &context);
        if finished {
            assert!(at >= 4 + 3 * (3 + 4), "only {at} operations were tried");
            return;
        }
    }
}
