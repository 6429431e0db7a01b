//! Proofs out of a log's tiles: a wallet's own landmark receipt, and the nodes that prove a set of landmarks.
//!
//! A wallet asks nobody for the proof of its leaf. It reads the files that everybody reads, and of leaf hashes a tile of 256.
//! Nothing that it reads is believed: what it hands out leads to a checkpoint that its policy accepts.

use std::collections::BTreeMap;
use std::time::Duration;

use sillok_log::landmark::{LandmarkError, Landmarks, MAX_LIST_BYTES};
use sillok_log::merkle::{NodeId, ProofError, ProofPlan};
use sillok_log::policy::{self, Policy};
use sillok_log::receipt::{LandmarkReceipt, LogTag};
use sillok_log::tile::{Tile, TileError, TileKind};
use sillok_log::{Hash, LeafIndex, TreeSize};

use crate::source::{Source, SourceError};
use crate::submit::Jitter;

/// The landmarks that a log publishes, as it says; `None` if it has no list.
///
/// # Errors
/// [`LandmarkProofError::List`], [`LandmarkProofError::Source`].
pub fn fetch_landmarks(source: &Source) -> Result<Option<Landmarks>, LandmarkProofError> {
    let Some(bytes) = source.published("landmarks", MAX_LIST_BYTES)? else { return Ok(None) };
    Landmarks::parse(&bytes).map(Some).map_err(LandmarkProofError::List)
}

/// Hash tiles of a log, each asked for once.
pub struct TileCache<'s> {
    source: &'s Source,
    /// Full tiles, which never change, and those of the size that is being worked at.
    tiles: BTreeMap<Tile, Vec<u8>>,
}

impl<'s> TileCache<'s> {
    /// Nothing at first.
    #[must_use]
    pub const fn new(source: &'s Source) -> Self {
        Self { source, tiles: BTreeMap::new() }
    }

    /// The hashes of complete nodes of a log of `size` leaves, in order. They prove nothing yet.
    ///
    /// # Errors
    /// [`LandmarkProofError::Missing`], [`LandmarkProofError::Source`], [`LandmarkProofError::Tile`].
    pub fn hashes(&mut self, nodes: &[NodeId], size: TreeSize) -> Result<Vec<Hash>, LandmarkProofError> {
        nodes.iter().map(|node| self.hash(*node, size)).collect()
    }

    fn hash(&mut self, node: NodeId, size: TreeSize) -> Result<Hash, LandmarkProofError> {
        let tile = Tile::holding(node, size)?;
        if let Some(bytes) = self.tiles.get(&tile) {
            return Ok(tile.node(bytes, &node)?);
        }
        let bytes = self.source.tile(&tile)?.ok_or(LandmarkProofError::Missing { tile })?;
        let hash = tile.node(&bytes, &node)?;
        if self.tiles.len() >= MAX_TILES {
            self.tiles.clear();
        }
        self.tiles.insert(tile, bytes);
        Ok(hash)
    }

    fn fold(&mut self, plan: &ProofPlan, size: TreeSize) -> Result<Vec<Hash>, LandmarkProofError> {
        let hashes = self.hashes(plan.nodes(), size)?;
        plan.fold(&hashes).map_err(LandmarkProofError::NotProved)
    }
}

/// Makes landmark receipts for leaves that the caller knows, from the published files of their log.
pub struct LandmarkProver<'s> {
    source: &'s Source,
    policy: &'s Policy,
    jitter: Jitter,
    wait: &'s dyn Fn(Duration),
    cache: TileCache<'s>,
}

impl<'s> LandmarkProver<'s> {
    /// Reads `source` and believes checkpoints that `policy` accepts.
    ///
    /// A wallet that asked as soon as a landmark covers its leaf would show when it got it. So `wait` is called with what
    /// `jitter` makes of an hour, after it is known that there is a proof to be had and before any tile is asked for.
    pub fn new(source: &'s Source, policy: &'s Policy, jitter: Jitter, wait: &'s dyn Fn(Duration)) -> Self {
        Self { source, policy, jitter, wait, cache: TileCache::new(source) }
    }

    //= specs/landmarks.md#wallets
    /// The receipt of a leaf: its hash, its place, and the `extra` that rebuilds it. Checked.
    ///
    /// # Errors
    /// [`LandmarkProofError::NotYet`]: come again later. [`LandmarkProofError::TooOld`]: the leaf is proved by its full
    /// receipt only. Else the log cannot be read, or does not hold what it says.
    pub fn receipt(
        &mut self,
        leaf: &Hash,
        index: LeafIndex,
        extra: &[u8],
    ) -> Result<LandmarkReceipt, LandmarkProofError> {
        // The list first: the checkpoint is as new or newer, and no landmark is above it.
        let landmarks = fetch_landmarks(self.source)?.ok_or(LandmarkProofError::NotYet { index })?;
        let checkpoint = self.policy.open(&self.source.checkpoint()?)?.checkpoint;
        let (_number, newest) = landmarks.newest();
        let size = checkpoint.size;
        if newest > size {
            return Err(LandmarkProofError::List(LandmarkError::Checkpoint { newest, size }));
        }
        let full = own_tile(index)?;
        if newest.0 <= index.0 || size.0 < (full.index() + 1) * u64::from(full.width()) {
            return Err(LandmarkProofError::NotYet { index });
        }
        let too_old = LandmarkProofError::TooOld { index };
        let landmark = landmarks.covering(index).ok_or(LandmarkProofError::TooOld { index })?;
        let subtree = landmarks.subtree(landmark, index).ok_or(too_old)?;
        (self.wait)((self.jitter)(MAX_WAIT));
        let proof = self.cache.fold(&subtree.inclusion_plan(index)?, size)?;
        let hash = self.cache.fold(&subtree.hash_plan(), size)?;
        let hash = hash.first().copied().unwrap_or_else(sillok_log::merkle::empty_root);
        let consistency = self.cache.fold(&subtree.consistency_plan(size)?, size)?;
        let proved = subtree
            .check_consistency(&hash, size, &checkpoint.root, &consistency)
            .and_then(|()| subtree.check_inclusion(leaf, index, &proof, &hash));
        if let Err(error) = proved {
            // Whatever is wrong with what was read, the next attempt reads it anew.
            self.cache.tiles.clear();
            return Err(LandmarkProofError::NotProved(error));
        }
        self.cache.tiles.retain(|tile, _bytes| tile.is_full());
        let log = LogTag::of(&checkpoint.origin);
        Ok(LandmarkReceipt { log, landmark, index, extra: extra.to_vec(), proof })
    }
}

/// The full tile of leaf hashes that a leaf's is in.
fn own_tile(index: LeafIndex) -> Result<Tile, TileError> {
    Tile::new(TileKind::Hashes(0), index.0 / u64::from(FULL_WIDTH), FULL_WIDTH)
}

/// Why there is no landmark receipt.
#[derive(Debug)]
pub enum LandmarkProofError {
    /// The policy does not accept the checkpoint of the log.
    Checkpoint(policy::Error),
    /// The list of landmarks is refused.
    List(LandmarkError),
    /// A tile that the checkpoint calls for is not there.
    Missing {
        /// Which one.
        tile: Tile,
    },
    /// What was read does not prove the leaf.
    NotProved(ProofError),
    /// No landmark covers the leaf yet, or its tile of 256 leaves is not full.
    NotYet {
        /// The leaf.
        index: LeafIndex,
    },
    /// The log could not be read.
    Source(SourceError),
    /// A tile is none of this log.
    Tile(TileError),
    /// The landmark that covered the leaf is not published any more.
    TooOld {
        /// The leaf.
        index: LeafIndex,
    },
}

impl std::fmt::Display for LandmarkProofError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Checkpoint(error) => write!(f, "checkpoint of the log is refused: {error}"),
            Self::List(error) => write!(f, "landmarks of the log are refused: {error}"),
            Self::Missing { tile } => write!(f, "the log has no {tile}, which its checkpoint calls for"),
            Self::NotProved(error) => write!(f, "the log does not prove the leaf: {error}"),
            Self::NotYet { index } => {
                write!(f, "leaf {index} has no landmark yet, or no full tile: come again in an hour")
            }
            Self::Source(error) => error.fmt(f),
            Self::Tile(error) => write!(f, "a tile of the log is refused: {error}"),
            Self::TooOld { index } => {
                write!(f, "leaf {index} is older than the landmarks of the log: it has its full receipt only")
            }
        }
    }
}

impl std::error::Error for LandmarkProofError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint(source) => Some(source),
            Self::List(source) => Some(source),
            Self::NotProved(source) => Some(source),
            Self::Source(source) => Some(source),
            Self::Tile(source) => Some(source),
            Self::Missing { .. } | Self::NotYet { .. } | Self::TooOld { .. } => None,
        }
    }
}

impl From<SourceError> for LandmarkProofError {
    fn from(source: SourceError) -> Self {
        Self::Source(source)
    }
}

impl From<TileError> for LandmarkProofError {
    fn from(source: TileError) -> Self {
        Self::Tile(source)
    }
}

impl From<policy::Error> for LandmarkProofError {
    fn from(source: policy::Error) -> Self {
        Self::Checkpoint(source)
    }
}

impl From<ProofError> for LandmarkProofError {
    fn from(source: ProofError) -> Self {
        Self::NotProved(source)
    }
}

/// Hashes in a full tile (C2SP tlog-tiles).
const FULL_WIDTH: u16 = 256;

/// Most tiles that are held: 32 MiB. A year of landmarks of a log of 50 million entries takes some 800.
const MAX_TILES: usize = 4_096;

/// Longest wait (specs/landmarks.md, "Wallets"): the time between two landmarks.
const MAX_WAIT: Duration = Duration::from_secs(3_600);
