//! The growing right edge of the published log: turns entries into tiles and bundles.

use sillok_log::merkle::{Frontier, leaf_hash};
use sillok_log::tile::{Tile, TileKind, encode_bundle, parse_bundle};
use sillok_log::{Hash, TreeSize};

use super::{Fatal, Signed};
use crate::sequencer::tiles::Tiles;
use crate::store::{Blobs, Object};

/// What the next tiles and the next bundle have so far.
pub(crate) struct Edge {
    frontier: Frontier,
    /// By level of tiles, lowest first: the hashes of the tile that is not full yet.
    levels: Vec<Vec<Hash>>,
    /// The entries of the bundle that is not full yet.
    bundle: Vec<Vec<u8>>,
    /// Full tiles and bundles since the last [`Edge::take_full`].
    full: Vec<(Tile, Vec<u8>)>,
}

impl Edge {
    /// Reads the edge of a published log and compares it with the signed root.
    pub(crate) fn load(blobs: &dyn Blobs, public: &Signed) -> Result<Self, Fatal> {
        let size = public.size();
        let tiles = Tiles::new(blobs, size);
        let frontier = tiles.unverified_frontier()?;
        if frontier.root() != public.checkpoint.root {
            return Err(Fatal::RootMismatch { what: "published tiles", size });
        }
        let mut edge = Self { frontier, levels: Vec::new(), bundle: Vec::new(), full: Vec::new() };
        let mut count = size.0;
        while count > 0 {
            let level = edge.levels.len() as u8;
            // All of its hashes are under the frontier, which was compared with the root.
            let hashes = if count.is_multiple_of(256) {
                Vec::new()
            } else {
                tiles.unverified_hashes(level, count / 256)?
            };
            edge.levels.push(hashes);
            count /= 256;
        }
        if !size.0.is_multiple_of(256) {
            let index = size.0 / 256;
            let (bytes, width) = tiles.unverified_bundle(index)?;
            let entries = parse_bundle(&bytes, width)?;
            let hashes = edge.levels.first().map_or(&[][..], Vec::as_slice);
            if !entries.iter().map(|entry| leaf_hash(entry)).eq(hashes.iter().copied()) {
                return Err(Fatal::TileWrong { path: tiles.tile(TileKind::Entries, index)?.path() });
            }
            edge.bundle = entries.into_iter().map(<[u8]>::to_vec).collect();
        }
        Ok(edge)
    }

    pub(crate) fn size(&self) -> TreeSize {
        self.frontier.size()
    }

    pub(crate) fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The hashes of the partial tile of each level, lowest first.
    pub(crate) fn levels(&self) -> &[Vec<Hash>] {
        &self.levels
    }

    /// Appends an entry.
    pub(crate) fn push(&mut self, entry: Vec<u8>) -> Result<(), Fatal> {
        let index = self.frontier.size().0 / 256;
        let (levels, full) = (&mut self.levels, &mut self.full);
        let mut problem = None;
        self.frontier.push_with(leaf_hash(&entry), &mut |node, hash| {
            let (level, rest) = (node.level / 8, node.level % 8);
            if rest != 0 {
                return;
            }
            if levels.len() <= usize::from(level) {
                levels.resize(usize::from(level) + 1, Vec::new());
            }
            let Some(hashes) = levels.get_mut(usize::from(level)) else { return };
            hashes.push(hash);
            if hashes.len() == 256 {
                match Tile::new(TileKind::Hashes(level), node.index / 256, 256) {
                    Ok(tile) => full.push((tile, tile_bytes(hashes))),
                    Err(error) => problem = Some(error),
                }
                hashes.clear();
            }
        })?;
        if let Some(error) = problem {
            return Err(error.into());
        }
        self.bundle.push(entry);
        if self.bundle.len() == 256 {
            let tile = Tile::new(TileKind::Entries, index, 256)?;
            self.full.push((tile, encode_bundle(&self.bundle)?));
            self.bundle.clear();
        }
        Ok(())
    }

    /// The tiles and bundles that have become full since the last call.
    pub(crate) fn take_full(&mut self) -> Vec<(Tile, Vec<u8>)> {
        std::mem::take(&mut self.full)
    }

    /// The partial tiles and the partial bundle of the present size that a log of size `old` does not have.
    pub(crate) fn partials(&self, old: TreeSize) -> Result<Vec<Object>, Fatal> {
        let mut objects = Vec::new();
        for tile in Tile::for_growth(old, self.size())?.into_iter().filter(|tile| !tile.is_full()) {
            let bytes = match tile.kind() {
                TileKind::Entries => encode_bundle(&self.bundle)?,
                TileKind::Hashes(level) => {
                    tile_bytes(self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice))
                }
            };
            objects.push(Object { path: tile.path(), bytes });
        }
        Ok(objects)
    }
}

fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
