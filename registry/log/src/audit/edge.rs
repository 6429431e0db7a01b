//! Pure. The last tile of each level, as it fills: all that is needed to judge tiles in the order of their completion.

use alloc::vec::Vec;

use crate::merkle::NodeId;
use crate::saved::{Reader, SavedError, push_bytes, push_number};
use crate::tile::{Tile, TileKind};
use crate::{Hash, TreeSize};

/// At most eight tiles of 8 KiB, whatever the size of the log.
#[derive(Clone, Debug)]
pub(super) struct TileEdge {
    levels: Vec<Level>,
}

#[derive(Clone, Debug)]
struct Level {
    level: u8,
    index: u64,
    bytes: Vec<u8>,
}

impl TileEdge {
    pub(super) const fn new() -> Self {
        Self { levels: Vec::new() }
    }

    /// Takes in a node that a push completed. Those between the levels of tiles are in no file.
    pub(super) fn complete(&mut self, node: NodeId, hash: &Hash) {
        if !node.level.is_multiple_of(TILE_HEIGHT) {
            return;
        }
        let (level, index) = (node.level / TILE_HEIGHT, node.index / FULL_COUNT);
        // Levels begin in order: the first hash of one is the 256th of the one below.
        if self.levels.len() <= usize::from(level) {
            self.levels.push(Level { level, index, bytes: Vec::with_capacity(FULL_BYTES) });
        }
        let Some(tile) = self.levels.get_mut(usize::from(level)) else { return };
        if node.index.is_multiple_of(FULL_COUNT) {
            tile.bytes.clear();
            tile.index = index;
        }
        tile.bytes.extend_from_slice(&hash.0);
    }

    pub(super) fn expected(&self, tile: &Tile) -> Option<&[u8]> {
        let TileKind::Hashes(level) = tile.kind() else { return None };
        let held = self.levels.get(usize::from(level)).filter(|held| held.index == tile.index())?;
        held.bytes.get(..tile.expect_len()?)
    }

    /// A level is complete at `size` if its tile is full and the one below is, too, with the same leaf.
    pub(super) fn completed(&self, size: TreeSize) -> impl Iterator<Item = Tile> {
        self.levels.iter().take_while(|held| held.bytes.len() == FULL_BYTES).filter_map(move |held| {
            let tile = held.tile()?;
            let height = u32::from(held.level).checked_add(1)?.checked_mul(u32::from(TILE_HEIGHT))?;
            let leaves = 1_u64.checked_shl(height)?;
            size.0.is_multiple_of(leaves).then_some(tile)
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        push_number(out, u64::try_from(self.levels.len()).unwrap_or(u64::MAX));
        for Level { level: _, index, bytes } in &self.levels {
            push_number(out, *index);
            push_bytes(out, bytes);
        }
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, SavedError> {
        let parts = reader.items(|reader| Ok((reader.number()?, reader.bytes()?)))?;
        let level = |(level, (index, bytes)): (u8, (u64, &[u8]))| {
            let whole = bytes.len() <= FULL_BYTES && bytes.len().is_multiple_of(HASH_BYTES);
            let level = Level { level, index, bytes: bytes.to_vec() };
            if whole && level.tile().is_some() { Ok(level) } else { Err(SavedError::Parts) }
        };
        Ok(Self { levels: (0..).zip(parts).map(level).collect::<Result<_, _>>()? })
    }

    pub(super) fn partial(&self) -> impl Iterator<Item = Tile> {
        self.levels.iter().filter_map(Level::tile).filter(|tile| !tile.is_full())
    }
}

impl Level {
    fn tile(&self) -> Option<Tile> {
        let width = u16::try_from(self.bytes.len() / HASH_BYTES).ok()?;
        Tile::new(TileKind::Hashes(self.level), self.index, width).ok()
    }
}

/// Levels of the tree from one level of tiles to the next (C2SP tlog-tiles).
const TILE_HEIGHT: u8 = 8;

/// Hashes in a full tile (C2SP tlog-tiles).
const FULL_COUNT: u64 = 256;

/// Bytes of a SHA-256 digest.
const HASH_BYTES: usize = 32;

/// Bytes of a full tile.
const FULL_BYTES: usize = 8_192;
