//! A cache that sees each tile at the first moment that it has a name, and a writer that dies at any step of a
//! publication: what the cache keeps is never contradicted by a later checkpoint.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sillok_log::UnixSeconds;
use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, Key, KeyEvent, issuer_hash};
use sillok_log::ledger::Role;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_registry::segment::Segments;
use sillok_registry::store::{Blobs, Error, Heads, MemoryBlobs, MemoryHeads, MemorySeen, Object, Seen};
use sillok_registry::{Fatal, Level, Limits, Options, Phase, Registry, Stores, SubmitError};

use super::cache::Cache;
use super::outside::batch;
use super::outside::lane::{HOUR, ISSUER_KEY};
use super::outside::writer::ISSUER;

/// Public files in memory. Each object has its name as soon as it is put, and a cache fetches it then.
struct Watched {
    inner: MemoryBlobs,
    cache: Arc<Mutex<Cache>>,
    /// Steps until the writer is dead.
    left: AtomicU64,
}

impl Watched {
    fn step(&self) -> Result<(), Error> {
        let took = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        took.map(drop).map_err(|_dead| Error::Stopped { path: "public".into() })
    }

    fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

impl Blobs for Watched {
    fn put_many(&self, objects: &[Object]) -> Result<(), Error> {
        for object in objects {
            self.step()?;
            self.inner.put_many(std::slice::from_ref(object))?;
            hold(&self.cache).see(&object.path, &object.bytes);
        }
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(path)
    }

    fn discard_partials(&self, path: &str) -> Result<(), Error> {
        self.step()?;
        self.inner.discard_partials(path)
    }

    fn put_checkpoint(&self, note: &str) -> Result<(), Error> {
        self.step()?;
        self.inner.put_checkpoint(note)?;
        // The rename is there, and whoever asked for it is not.
        self.step()
    }

    fn checkpoint(&self) -> Result<Option<String>, Error> {
        self.inner.checkpoint()
    }
}

/// One log, across all its writers.
struct World {
    blobs: Arc<Watched>,
    heads: Arc<MemoryHeads>,
    segments: tempfile::TempDir,
    cache: Arc<Mutex<Cache>>,
}

impl World {
    /// A log of 254 entries.
    fn begin() -> Self {
        let cache = Arc::new(Mutex::new(Cache::default()));
        let (inner, left) = (MemoryBlobs::default(), AtomicU64::new(u64::MAX));
        let blobs = Arc::new(Watched { inner, cache: Arc::clone(&cache), left });
        let segments = tempfile::tempdir().expect("a temporary folder");
        let world = Self { blobs, heads: Arc::default(), segments, cache };
        let registry = Registry::create(options(), world.stores(), clock()).expect("a new log");
        let registry = ready(registry);
        let event = KeyEvent::Added;
        let key = Key { issuer: issuer(), key: ISSUER_KEY, event, time: HOUR, cuts: Vec::new() };
        let key = vec![Entry::Key(key).encode()];
        registry.handle().submit_blocking(key, Role::Administrator, Level::Published).expect("a key");
        submit(&registry, 0, 253).expect("entries");
        registry.stop().expect("it stops");
        world
    }

    fn stores(&self) -> Stores {
        let segments = Segments::open(self.segments.path(), 4_096).expect("segments");
        Stores {
            blobs: Arc::clone(&self.blobs) as Arc<dyn Blobs>,
            heads: Arc::clone(&self.heads) as Arc<dyn Heads>,
            seen: Arc::new(MemorySeen::default()) as Arc<dyn Seen>,
            staging: Arc::new(segments),
        }
    }

    fn open(&self) -> Result<Registry, Fatal> {
        Registry::open(options(), self.stores(), clock()).map(ready)
    }

    /// Audits the public checkpoint out of the cache.
    fn audit(&self) {
        let note = self.blobs.checkpoint().expect("a checkpoint").expect("a checkpoint");
        let checkpoint = Checkpoint::open(&note, &signer().verifier()).expect("a checkpoint of this log");
        hold(&self.cache).audit(&checkpoint);
    }
}

#[test]
fn a_cache_that_keeps_every_tile_for_ever_is_never_contradicted() {
    let mut deaths = 0;
    for steps in 1.. {
        let world = World::begin();
        world.blobs.left.store(steps, Ordering::SeqCst);
        let registry = world.open();
        let died = match &registry {
            Ok(registry) => {
                (0..BATCHES).any(|batch| submit(registry, 1_000 + 10 * batch, 1 + batch).is_err())
            }
            Err(_dead) => true,
        };
        let dead = world.blobs.is_dead();
        assert!(dead || !died, "a writer of {steps} steps that ended otherwise");
        drop(registry.map(Registry::stop));
        world.audit();
        // The next one dies too, at the first step of its recovery, the one after it at the second.
        for again in 1..=2 {
            world.blobs.left.store(again, Ordering::SeqCst);
            drop(world.open().map(Registry::stop));
            world.audit();
        }
        world.blobs.left.store(u64::MAX, Ordering::SeqCst);
        let registry = world.open().expect("it recovers");
        world.audit();
        // What nobody was answered, and something else beside it: other tiles than the dead writer had in mind.
        for batch in (0..BATCHES).rev() {
            submit(&registry, 1_000 + 10 * batch, 1 + batch).expect("it goes on");
            world.audit();
        }
        submit(&registry, 2_000, 300).expect("it goes on");
        world.audit();
        registry.stop().expect("it stops");
        if !dead {
            break;
        }
        deaths += u32::from(died);
    }
    assert!(deaths > 10, "the writer died {deaths} times only");
}

fn submit(registry: &Registry, from: u32, count: u32) -> Result<(), SubmitError> {
    let entries = batch::issues(from, count);
    registry.handle().submit_blocking(entries, Role::Issuer(issuer()), Level::Published).map(drop)
}

fn ready(registry: Registry) -> Registry {
    while registry.handle().phase() == Phase::Building {
        std::thread::yield_now();
    }
    registry
}

fn options() -> Options {
    Options { signer: signer(), kind: LogKind::Typed, limits: Limits::default() }
}

fn signer() -> SignerKey {
    SignerKey::from_seed("log.example/kept", SignatureKind::Ed25519, &[5; 32]).expect("a key")
}

fn issuer() -> sillok_log::entry::IssuerHash {
    issuer_hash(ISSUER).expect("a short URL")
}

fn clock() -> sillok_registry::Clock {
    Arc::new(|| UnixSeconds(1_800_000_000))
}

fn hold(cache: &Mutex<Cache>) -> std::sync::MutexGuard<'_, Cache> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of one, two, three and four entries: across the full tile.
const BATCHES: u32 = 4;
