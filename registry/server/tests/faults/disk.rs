//! Stores in memory that outlive a process, and the fuse through which a process sees them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use sillok_log::{LeafIndex, TreeSize};
use sillok_registry::Stores;
use sillok_registry::segment::{Place, Staging};
use sillok_registry::store::{
    Blobs, Error, Heads, MemoryBlobs, MemoryHeads, MemorySeen, Object, Seen, SeenBatch, SeenKey, Swap,
};

/// What happens at the n-th operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
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
    /// It does not return until it is let go, and then takes effect.
    Freeze,
    /// It takes effect, and does not return until it is let go.
    FreezeAfter,
}

/// Counts operations and says what becomes of each.
pub(crate) struct Fuse {
    left: AtomicU64,
    mode: Mode,
    pub(crate) frozen: Mutex<Frozen>,
    pub(crate) changed: Condvar,
}

#[derive(PartialEq, Eq)]
pub(crate) enum Frozen {
    NotYet,
    Now,
    LetGo,
}

enum Fate {
    Work,
    WorkAndFreeze,
    Fail { keep: bool, half: bool },
}

impl Fuse {
    pub(crate) fn new(at: u64, mode: Mode) -> Arc<Self> {
        let frozen = Mutex::new(Frozen::NotYet);
        Arc::new(Self { left: AtomicU64::new(at), mode, frozen, changed: Condvar::new() })
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.left.load(Ordering::SeqCst) > u64::MAX / 2
    }

    fn next(&self) -> Fate {
        // Wraps below zero once spent.
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        let (now, spent) = (left == 0, left > u64::MAX / 2);
        let keep = matches!(self.mode, Mode::CrashAfter | Mode::FailOnceKeep | Mode::CrashWithin);
        match self.mode {
            Mode::Freeze if now => {
                self.stand_still();
                Fate::Work
            }
            Mode::FreezeAfter if now => Fate::WorkAndFreeze,
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

    fn stand_still(&self) {
        let mut frozen = self.frozen.lock().unwrap();
        *frozen = Frozen::Now;
        self.changed.notify_all();
        drop(self.changed.wait_while(frozen, |frozen| *frozen != Frozen::LetGo).unwrap());
    }

    pub(crate) fn is_frozen(&self) -> bool {
        *self.frozen.lock().unwrap() == Frozen::Now
    }

    fn run<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        match self.next() {
            Fate::Work => work(),
            Fate::WorkAndFreeze => {
                let done = work();
                self.stand_still();
                done
            }
            Fate::Fail { keep, .. } => {
                if keep {
                    work()?;
                }
                Err(broken())
            }
        }
    }

    pub(crate) fn let_go(&self) {
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
pub(crate) struct Disk {
    pub(crate) blobs: Arc<MemoryBlobs>,
    heads: Arc<MemoryHeads>,
    seen: Arc<MemorySeen>,
    staged: Arc<Mutex<Vec<Record>>>,
}

struct Fused {
    disk: Disk,
    fuse: Arc<Fuse>,
}

impl Disk {
    pub(crate) fn copy(&self) -> Self {
        Self {
            blobs: Arc::new(MemoryBlobs::clone(&self.blobs)),
            heads: Arc::new(MemoryHeads::clone(&self.heads)),
            seen: Arc::new(MemorySeen::clone(&self.seen)),
            staged: Arc::new(Mutex::new(self.staged.lock().unwrap().clone())),
        }
    }

    pub(crate) fn stores(&self, fuse: &Arc<Fuse>) -> Stores {
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
            Fate::WorkAndFreeze => {
                let done = self.disk.blobs.put_many(objects);
                self.fuse.stand_still();
                done
            }
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
            Fate::WorkAndFreeze => {
                let done = self.disk.heads.swap(old, new);
                self.fuse.stand_still();
                done
            }
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
