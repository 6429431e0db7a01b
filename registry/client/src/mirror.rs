//! A byte-exact copy of a log's static files, verified before anything of it is stored.
//!
//! [`Mirror::advance`] copies what the newest checkpoint adds: first the hash tiles, from the top down, each compared
//! with the one above it, which leads to the signed root; then the bundles, compared with the tiles; the checkpoint last.
//!
//! # Out of scope
//! Status lists and the trust bundle: whoever can prove them copies them ([`Mirror::lists`] says which lists there are,
//! [`Mirror::put`] stores). Cosigning what is mirrored (C2SP `tlog-mirror`).
//!
//! # Invariants
//! No byte is stored that does not lead to a root that the log signed. A file is written once, whole and synchronised. The
//! checkpoint is of a tree whose files are all there, and never of a smaller one than before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, EntryKind, ListId};
use sillok_log::merkle::{Frontier, leaf_hash};
use sillok_log::note::VerifierKey;
use sillok_log::policy::{self, Policy};
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{Hash, TreeSize};

use crate::audit::{AuditError, Evidence, History, Progress, Signed, compare};
use crate::source::{Source, SourceError};

mod folder;

use folder::Folder;

/// A mirror of one log.
#[derive(Debug)]
pub struct Mirror<'a> {
    source: &'a Source,
    key: &'a VerifierKey,
    policy: Option<&'a Policy>,
    folder: Folder,
}

/// What came of looking at the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The log contradicts what is mirrored, or went back. Nothing was stored.
    Alarm(Evidence),
    /// The mirror has this checkpoint now.
    Copied(Checkpoint),
    /// It had it before.
    Unchanged(Checkpoint),
}

/// Why the mirror is not as new as the log.
#[derive(Debug)]
pub enum MirrorError {
    /// The checkpoint is not the log's, or not to be had.
    Checkpoint(AuditError),
    /// A file does not lead to the signed root.
    Damaged {
        /// Which one.
        what: String,
    },
    /// A file could not be stored or read.
    Io {
        /// What was asked of the operating system.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A file that a log of this size has is not there.
    Missing {
        /// Which one.
        what: String,
    },
    /// The checkpoint does not meet the policy.
    Policy(policy::Error),
    /// A file could not be fetched.
    Source(SourceError),
    /// The tiles do not show that the newest checkpoint is of the same history.
    Unproved {
        /// Why.
        why: String,
    },
}

impl std::fmt::Display for MirrorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Checkpoint(error) => error.fmt(f),
            Self::Damaged { what } => write!(f, "{what} does not lead to the signed root, and is not stored"),
            Self::Io { operation, path, source } => {
                write!(f, "could not {operation} {}: {source}", path.display())
            }
            Self::Missing { what } => write!(f, "{what} is missing"),
            Self::Policy(error) => write!(f, "checkpoint does not meet the policy: {error}"),
            Self::Source(error) => error.fmt(f),
            Self::Unproved { why } => {
                write!(f, "newest checkpoint is not shown to follow what is mirrored: {why}")
            }
        }
    }
}

impl std::error::Error for MirrorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint(error) => Some(error),
            Self::Io { source, .. } => Some(source),
            Self::Policy(error) => Some(error),
            Self::Source(error) => Some(error),
            Self::Damaged { .. } | Self::Missing { .. } | Self::Unproved { .. } => None,
        }
    }
}

//= specs/audit.md#mirror
impl<'a> Mirror<'a> {
    /// A mirror in a folder, which is made if it is not there. With a policy it copies only what meets it.
    ///
    /// # Errors
    /// [`MirrorError::Io`].
    pub fn open(
        source: &'a Source,
        key: &'a VerifierKey,
        policy: Option<&'a Policy>,
        folder: &Path,
    ) -> Result<Self, MirrorError> {
        Ok(Self { source, key, policy, folder: Folder::open(folder)? })
    }

    /// Copies what is new up to the newest checkpoint. What was copied before an interruption is not fetched again.
    ///
    /// # Errors
    /// [`MirrorError`]; the mirror is what it was, and perhaps some files more that the next checkpoint needs.
    pub fn advance(&mut self, progress: &(dyn Fn(Progress) + Sync)) -> Result<Outcome, MirrorError> {
        let now = self.signed(
            self.source.checkpoint().map_err(|error| MirrorError::Checkpoint(AuditError::Source(error)))?,
            self.source.name("checkpoint"),
        )?;
        if let Some(policy) = self.policy {
            policy.open(&now.note).map_err(MirrorError::Policy)?;
        }
        let mut old = TreeSize(0);
        if let Some(before) = self.checkpoint()? {
            match compare(self.source, &before, &now) {
                History::Grown if before == now => return Ok(Outcome::Unchanged(now.checkpoint)),
                History::Grown => old = before.checkpoint.size,
                History::Forked(evidence) | History::Shrank(evidence) => return Ok(Outcome::Alarm(evidence)),
                History::Unknown(why) => return Err(MirrorError::Unproved { why }),
            }
        }
        self.copy(old, &now.checkpoint, progress)?;
        self.folder.synchronise()?;
        self.folder.put("checkpoint", now.note.as_bytes())?;
        self.folder.synchronise()?;
        // Whoever still asks for them finds the full ones.
        for tile in edge(old).filter(|tile| !edge(now.checkpoint.size).any(|new| same_place(tile, &new))) {
            self.folder.remove_partials(&tile)?;
        }
        Ok(Outcome::Copied(now.checkpoint))
    }

    /// The checkpoint of the mirror, `None` before the first.
    ///
    /// # Errors
    /// [`MirrorError::Io`]; [`MirrorError::Checkpoint`] if the folder holds one of another log.
    pub fn checkpoint(&self) -> Result<Option<Signed>, MirrorError> {
        let Some(bytes) = self.folder.read("checkpoint")? else { return Ok(None) };
        let note = String::from_utf8_lossy(&bytes).into_owned();
        self.signed(note, self.folder.path("checkpoint").display().to_string()).map(Some)
    }

    /// The status lists that the mirrored entries declare.
    ///
    /// # Errors
    /// [`MirrorError::Io`].
    pub fn lists(&self) -> Result<Vec<String>, MirrorError> {
        self.folder.lists()
    }

    /// The bytes of a mirrored file, `None` if it is not there.
    ///
    /// # Errors
    /// [`MirrorError::Io`].
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, MirrorError> {
        self.folder.read(path)
    }

    /// Stores a file that may change, as a whole, such as a status list: the caller has proved it.
    ///
    /// # Errors
    /// [`MirrorError::Io`].
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<(), MirrorError> {
        self.folder.put(path, bytes)?;
        self.folder.synchronise()
    }

    fn signed(&self, note: String, place: String) -> Result<Signed, MirrorError> {
        let checkpoint = Checkpoint::open(&note, self.key)
            .map_err(|source| MirrorError::Checkpoint(AuditError::Checkpoint { place, source }))?;
        Ok(Signed { checkpoint, note })
    }

    /// Copies every tile and bundle that a log of the new size has and one of the old size has not.
    fn copy(
        &self,
        old: TreeSize,
        now: &Checkpoint,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<(), MirrorError> {
        let mut copy = Copy { mirror: self, edge: BTreeMap::new() };
        copy.read_edge(now)?;
        // A tile needs the one above it, which is stored or at the edge.
        for level in (0..TILE_LEVELS).rev() {
            let full = |size: TreeSize| (size.0 >> (u32::from(level) * TILE_HEIGHT)) / FULL_COUNT;
            let done = AtomicU64::new(full(old));
            copy.in_parallel(full(old), full(now.size), |index| {
                let hashes = copy.full_tile(level, index)?;
                if level == 0 {
                    copy.bundle(index, FULL_WIDTH, &hashes)?;
                    let done = done.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                    progress(Progress { done: done.saturating_mul(FULL_COUNT), total: now.size.0 });
                }
                Ok(())
            })?;
        }
        for (tile, bytes) in &copy.edge {
            self.folder.put_once(&tile.path(), bytes)?;
            if tile.kind() == TileKind::Hashes(0) {
                copy.bundle(tile.index(), tile.width(), bytes)?;
            }
        }
        progress(Progress { done: now.size.0, total: now.size.0 });
        Ok(())
    }
}

/// One copy, up to one checkpoint.
struct Copy<'a> {
    mirror: &'a Mirror<'a>,
    /// The partial hash tiles of that size, verified.
    edge: BTreeMap<Tile, Vec<u8>>,
}

impl Copy<'_> {
    /// Every hash of a partial tile is under a node of the frontier, whose root is the signed one.
    fn read_edge(&mut self, now: &Checkpoint) -> Result<(), MirrorError> {
        for tile in edge(now.size) {
            let bytes = self.fetch(&tile)?;
            self.edge.insert(tile, bytes);
        }
        let damaged = || MirrorError::Damaged { what: format!("right edge of {} entries", now.size) };
        let node_hash = |node| {
            let tile = Tile::holding(node, now.size).ok()?;
            tile.node(self.edge.get(&tile)?, &node).ok()
        };
        let nodes = Frontier::nodes(now.size).map_err(|_too_large| damaged())?;
        let hashes: Option<Vec<Hash>> = nodes.into_iter().map(node_hash).collect();
        let frontier = hashes.and_then(|hashes| Frontier::from_parts(now.size, hashes).ok());
        if frontier.is_some_and(|frontier| frontier.root() == now.root) { Ok(()) } else { Err(damaged()) }
    }

    /// The hashes of a full tile: those stored, or fetched, verified and stored.
    fn full_tile(&self, level: u8, index: u64) -> Result<Vec<u8>, MirrorError> {
        let tile = tile(TileKind::Hashes(level), index, FULL_WIDTH)?;
        let above = self.above(level, index)?;
        self.stored_or_fetched(&tile, |bytes| {
            let (hashes, rest) = bytes.as_chunks::<32>();
            let mut frontier = Frontier::new();
            let pushed = hashes.iter().all(|hash| frontier.push(Hash(*hash)).is_ok());
            pushed && rest.is_empty() && hashes.len() == usize::from(FULL_WIDTH) && frontier.root() == above
        })
    }

    /// The hash that the tile above holds for a full tile.
    fn above(&self, level: u8, index: u64) -> Result<Hash, MirrorError> {
        let (kind, place) = (TileKind::Hashes(level.saturating_add(1)), index / FULL_COUNT);
        let full = tile(kind, place, FULL_WIDTH)?;
        let held = match self.edge.iter().find(|(partial, _bytes)| same_place(partial, &full)) {
            Some((_partial, bytes)) => bytes.clone(),
            None => self.mirror.folder.read(&full.path())?.unwrap_or_default(),
        };
        let position = usize::try_from(index % FULL_COUNT).unwrap_or(usize::MAX);
        let hash = held.as_chunks::<32>().0.get(position).copied().map(Hash);
        hash.ok_or_else(|| MirrorError::Missing { what: self.mirror.folder.name(&full.path()) })
    }

    /// Copies a bundle whose leaves have these hashes, and makes room for the lists that it declares.
    fn bundle(&self, index: u64, width: u16, hashes: &[u8]) -> Result<(), MirrorError> {
        let tile = tile(TileKind::Entries, index, width)?;
        let (hashes, _none) = hashes.as_chunks::<32>();
        let bytes = self.stored_or_fetched(&tile, |bytes| {
            let entries = parse_bundle(bytes, width).unwrap_or_default();
            entries.len() == hashes.len()
                && entries.iter().zip(hashes).all(|(entry, hash)| leaf_hash(entry).0 == *hash)
        })?;
        for entry in parse_bundle(&bytes, width).unwrap_or_default() {
            if let Some(list) = declared(entry) {
                self.mirror.folder.make_list(list)?;
            }
        }
        Ok(())
    }

    /// A file that is there is kept if it is right: an interrupted copy may have left a torn one.
    fn stored_or_fetched(&self, tile: &Tile, right: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, MirrorError> {
        if let Some(bytes) = self.mirror.folder.read(&tile.path())?.filter(|bytes| right(bytes)) {
            return Ok(bytes);
        }
        let bytes = self.fetch(tile)?;
        if !right(&bytes) {
            return Err(MirrorError::Damaged { what: self.mirror.source.name(&tile.path()) });
        }
        self.mirror.folder.put(&tile.path(), &bytes)?;
        Ok(bytes)
    }

    fn fetch(&self, tile: &Tile) -> Result<Vec<u8>, MirrorError> {
        let source = self.mirror.source;
        let bytes = source.tile(tile).map_err(MirrorError::Source)?;
        bytes.ok_or_else(|| MirrorError::Missing { what: source.name(&tile.path()) })
    }

    /// Does the work for each index, a few at a time, until one fails.
    fn in_parallel(
        &self,
        first: u64,
        end: u64,
        work: impl Fn(u64) -> Result<(), MirrorError> + Sync,
    ) -> Result<(), MirrorError> {
        let (next, failed) = (AtomicU64::new(first), Mutex::new(None));
        let threads = usize::try_from(end.saturating_sub(first)).unwrap_or(usize::MAX);
        thread::scope(|scope| {
            for _thread in 0..self.mirror.source.parallel().min(threads) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= end {
                            return;
                        }
                        if let Err(error) = work(index) {
                            // The others see the end.
                            next.store(end, Ordering::Relaxed);
                            failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        }
                    }
                });
            }
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

/// The partial hash tiles of a log of this size.
fn edge(size: TreeSize) -> impl Iterator<Item = Tile> {
    (0..TILE_LEVELS).filter_map(move |level| {
        let count = size.0 >> (u32::from(level) * TILE_HEIGHT);
        let width = u16::try_from(count % FULL_COUNT).ok().filter(|width| *width > 0)?;
        Tile::new(TileKind::Hashes(level), count / FULL_COUNT, width).ok()
    })
}

fn same_place(one: &Tile, other: &Tile) -> bool {
    (one.kind(), one.index()) == (other.kind(), other.index())
}

fn tile(kind: TileKind, index: u64, width: u16) -> Result<Tile, MirrorError> {
    Tile::new(kind, index, width).map_err(|error| MirrorError::Missing { what: error.to_string() })
}

/// The list that an entry declares.
fn declared(entry: &[u8]) -> Option<ListId> {
    if entry.get(1) != Some(&EntryKind::List.code()) {
        return None;
    }
    match Entry::parse(entry) {
        Ok(Entry::List(list)) => Some(list.list),
        Ok(_other) => None,
        Err(_malformed) => None,
    }
}

/// Hashes or entries in a full file (C2SP tlog-tiles).
const FULL_COUNT: u64 = 256;

/// The same, as a width.
const FULL_WIDTH: u16 = 256;

/// Levels of the tree in a tile (C2SP tlog-tiles).
const TILE_HEIGHT: u32 = 8;

/// Levels of tiles of the largest tree.
const TILE_LEVELS: u8 = 8;
