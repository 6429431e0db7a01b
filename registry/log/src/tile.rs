//! Pure. The static files that hold a log: hash tiles and entry bundles, as C2SP `tlog-tiles` has them.
//!
//! # In scope
//! Names of the files, which of them a log of a given size has and which a growth adds, nodes out of hash tiles,
//! and the bytes of entry bundles ([`encode_bundle`], [`parse_bundle`]).
//!
//! # Out of scope
//! Reading and writing them, and compression. A tile of a stranger proves nothing by itself: its hashes go into a
//! proof that is checked against a trusted root ([`crate::merkle`]).
//!
//! # Invariants
//! A [`Tile`] is one that some tree of at most [`MAX_TREE_SIZE`] leaves has; its path parses to the same tile.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::merkle::{Hash, MAX_TREE_SIZE, NodeId, TreeSize, node_hash};
use crate::number::parse_decimal;

mod bundle;
mod error;

pub use bundle::{encode_bundle, parse_bundle};
pub use error::TileError;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Entries, one after another.
    Entries,
    /// Hashes at this level of tiles, each over `256^level` leaves.
    Hashes(u8),
}

/// One file: up to 256 adjacent hashes or entries. With fewer than 256 it is partial, and some later tree replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile at `index` within its kind and level, with its first `width` hashes or entries.
    ///
    /// # Errors
    /// [`TileError::NoSuchTile`] if `width` is not from 1 to 256 or no tree is large enough.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, TileError> {
        let tile = Self { kind, index, width };
        let end = index
            .checked_mul(FULL_COUNT)
            .and_then(|first| first.checked_add(u64::from(width)))
            .and_then(|end| end.checked_mul(leaves_each(kind)?));
        match end {
            Some(end) if end <= MAX_TREE_SIZE && (1..=FULL_WIDTH).contains(&width) => Ok(tile),
            Some(_) | None => Err(TileError::NoSuchTile { kind, index, width }),
        }
    }

    /// What it holds.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Its position among the tiles of its kind and level, counted from zero.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds, from 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it holds 256 hashes or entries, as many as it ever will.
    pub fn is_full(&self) -> bool {
        self.width == FULL_WIDTH
    }

    /// The same tile with 256 hashes or entries, which a reader may use in place of a partial one.
    ///
    /// # Errors
    /// [`TileError::NoSuchTile`] if no tree is large enough.
    pub fn to_full(&self) -> Result<Self, TileError> {
        Self::new(self.kind, self.index, FULL_WIDTH)
    }

    /// The path under the log's prefix, such as `tile/0/x001/x234/067.p/12` (C2SP tlog-tiles, "Merkle Tree").
    pub fn path(&self) -> String {
        let mut path = match self.kind {
            TileKind::Entries => String::from("tile/entries/"),
            TileKind::Hashes(level) => alloc::format!("tile/{level}/"),
        };
        // Groups of three digits, the most significant first; all but the last are marked with an x.
        let mut groups = [0_u64; MAX_PATH_GROUPS];
        let mut count = 0_usize;
        let mut rest = self.index;
        for group in &mut groups {
            (*group, rest) = (rest % 1000, rest / 1000);
            count = count.saturating_add(1);
            if rest == 0 {
                break;
            }
        }
        let (last, higher) = groups.split_first().unwrap_or((&0, &[]));
        // Writing to a String cannot fail.
        for group in higher.iter().take(count.saturating_sub(1)).rev() {
            write!(path, "x{group:03}/").unwrap_or_default();
        }
        write!(path, "{last:03}").unwrap_or_default();
        if !self.is_full() {
            write!(path, ".p/{}", self.width).unwrap_or_default();
        }
        path
    }

    //= specs/log.md#static-files
    /// Reads what [`Tile::path`] writes and nothing else.
    ///
    /// # Errors
    /// [`TileError::BadPath`]; [`TileError::NoSuchTile`] if no tree is large enough.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let parsed = (path.len() <= MAX_PATH_BYTES).then(|| parse_path(path)).flatten();
        let (kind, index, width) = parsed.ok_or(TileError::BadPath { bytes: path.len() })?;
        let tile = Self::new(kind, index, width)?;
        // Surplus groups of zeros are the one thing that the parts alone do not show.
        if tile.path() == path { Ok(tile) } else { Err(TileError::BadPath { bytes: path.len() }) }
    }

    /// All files that a log of `size` leaves has: bundles, then hash tiles by level, each left to right.
    ///
    /// # Errors
    /// [`TileError::SizeTooLarge`].
    pub fn all_for_size(size: TreeSize) -> Result<impl Iterator<Item = Self>, TileError> {
        files_between(TreeSize(0), size)
    }

    /// The files that a log of `old` leaves lacks when it has grown to `new`: those that have become full, and the partial
    /// ones at its new right edge unless they are as they were. Bundles, then hash tiles by level, each left to right.
    ///
    /// # Errors
    /// [`TileError::Shrunk`] if `old` is above `new`, [`TileError::SizeTooLarge`].
    pub fn for_growth(old: TreeSize, new: TreeSize) -> Result<Vec<Self>, TileError> {
        files_between(old, new).map(Iterator::collect)
    }

    /// The hash tile from which the hash of `node` can be had in a log of `size` leaves, as wide as that log has it.
    ///
    /// # Errors
    /// [`TileError::NoSuchNode`] if the node is not complete in such a log.
    pub fn holding(node: NodeId, size: TreeSize) -> Result<Self, TileError> {
        let no_such_node = TileError::NoSuchNode { node, size };
        if size.0 > MAX_TREE_SIZE || node.end().is_none_or(|end| end > size) {
            return Err(no_such_node);
        }
        let kind = TileKind::Hashes(node.level / TILE_HEIGHT);
        let first = node.index.wrapping_shl(u32::from(node.level % TILE_HEIGHT));
        let index = first / FULL_COUNT;
        let width = width_in(kind, index, size).ok_or(no_such_node)?;
        Self::new(kind, index, width)
    }

    /// The hash of a node, computed from the bytes of this tile. They are not trusted: nor may the hash be.
    ///
    /// # Errors
    /// [`TileError::Length`] unless there are [`Tile::expect_len`] bytes, [`TileError::NotInTile`].
    pub fn node(&self, bytes: &[u8], node: &NodeId) -> Result<Hash, TileError> {
        let not_in_tile = TileError::NotInTile { tile: *self, node: *node };
        let TileKind::Hashes(level) = self.kind else { return Err(not_in_tile) };
        let expected = self.expect_len().ok_or(not_in_tile)?;
        if bytes.len() != expected {
            return Err(TileError::Length { tile: *self, found: bytes.len() });
        }
        if node.level / TILE_HEIGHT != level || node.end().is_none() {
            return Err(not_in_tile);
        }
        let height = u32::from(node.level % TILE_HEIGHT);
        let count = 1_usize.wrapping_shl(height);
        let within = node
            .index
            .wrapping_shl(height)
            .checked_sub(self.index.wrapping_mul(FULL_COUNT))
            .and_then(|first| usize::try_from(first).ok())
            .and_then(|first| Some(first..first.checked_add(count)?));
        let (hashes, _none) = bytes.as_chunks::<32>();
        within.and_then(|range| hashes.get(range)).and_then(complete_root).ok_or(not_in_tile)
    }

    /// How many bytes a hash tile has; `None` for a bundle, which has as many as its entries take.
    pub fn expect_len(&self) -> Option<usize> {
        match self.kind {
            TileKind::Entries => None,
            TileKind::Hashes(_) => usize::from(self.width).checked_mul(HASH_BYTES),
        }
    }
}

impl core::fmt::Display for Tile {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.path())
    }
}

/// How many leaves one hash or entry stands for; `None` at levels that no tree reaches.
fn leaves_each(kind: TileKind) -> Option<u64> {
    match kind {
        TileKind::Entries => Some(1),
        TileKind::Hashes(level) => 1_u64.checked_shl(u32::from(level).checked_mul(u32::from(TILE_HEIGHT))?),
    }
}

/// How many hashes or entries of this kind a log of `size` leaves has.
fn count_in(kind: TileKind, size: TreeSize) -> u64 {
    leaves_each(kind).and_then(|leaves| size.0.checked_div(leaves)).unwrap_or(0)
}

/// How wide the tile at `index` is in a log of `size` leaves; `None` if it has no such tile.
fn width_in(kind: TileKind, index: u64, size: TreeSize) -> Option<u16> {
    let first = index.checked_mul(FULL_COUNT)?;
    let available = count_in(kind, size).checked_sub(first)?;
    u16::try_from(available.min(FULL_COUNT)).ok().filter(|width| *width > 0)
}

//= specs/log.md#static-files
fn files_between(old: TreeSize, new: TreeSize) -> Result<impl Iterator<Item = Tile>, TileError> {
    if new.0 > MAX_TREE_SIZE {
        return Err(TileError::SizeTooLarge { size: new });
    }
    if old > new {
        return Err(TileError::Shrunk { old, new });
    }
    let kinds = core::iter::once(TileKind::Entries).chain((0..TILE_LEVELS).map(TileKind::Hashes));
    Ok(kinds.flat_map(move |kind| {
        let first_changed = count_in(kind, old) / FULL_COUNT;
        let end = count_in(kind, new).div_ceil(FULL_COUNT);
        (first_changed..end).filter_map(move |index| {
            let width = width_in(kind, index, new)?;
            (width_in(kind, index, old) != Some(width)).then_some(Tile { kind, index, width })
        })
    }))
}

fn parse_path(path: &str) -> Option<(TileKind, u64, u16)> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => TileKind::Entries,
        level => TileKind::Hashes(parse_decimal(level).and_then(|level| u8::try_from(level).ok())?),
    };
    let (groups, width) = match rest.split_once(".p/") {
        None => (rest, FULL_WIDTH),
        Some((groups, width)) => {
            let width = parse_decimal(width).and_then(|width| u16::try_from(width).ok())?;
            (groups, Some(width).filter(|width| (1..FULL_WIDTH).contains(width))?)
        }
    };
    let mut index = 0_u64;
    let mut groups = groups.split('/').peekable();
    while let Some(group) = groups.next() {
        let digits = if groups.peek().is_some() { group.strip_prefix('x')? } else { group };
        if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some((kind, index, width))
}

/// The root over a number of hashes that is a power of two and at most 128.
fn complete_root(hashes: &[[u8; 32]]) -> Option<Hash> {
    if let [hash] = hashes {
        return Some(Hash(*hash));
    }
    let (left, right) = hashes.split_at_checked(hashes.len() / 2)?;
    // No way back into this branch with an empty slice: both halves of two or more have one or more.
    if left.is_empty() {
        return None;
    }
    Some(node_hash(&complete_root(left)?, &complete_root(right)?))
}

/// Hashes or entries in a full tile (C2SP tlog-tiles).
const FULL_WIDTH: u16 = 256;

/// The same, to count with.
const FULL_COUNT: u64 = 256;

/// Levels of the tree from one level of tiles to the next (C2SP tlog-tiles).
const TILE_HEIGHT: u8 = 8;

/// Levels of tiles that a tree of [`MAX_TREE_SIZE`] leaves has; tlog-tiles has room for 64.
const TILE_LEVELS: u8 = 8;

/// Bytes of a SHA-256 digest.
const HASH_BYTES: usize = 32;

/// Groups of three digits in the largest u64.
const MAX_PATH_GROUPS: usize = 7;

/// `tile/entries/`, seven groups of at most five bytes, `.p/255`.
const MAX_PATH_BYTES: usize = 54;
