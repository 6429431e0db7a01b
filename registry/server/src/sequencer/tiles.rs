//! Reading what is published: nodes, entries and proofs of a tree of one size, out of tiles and bundles.

use std::collections::HashMap;

use sillok_log::merkle::{Frontier, NodeId, consistency_plan, inclusion_plan, leaf_hash};
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{Hash, LeafIndex, TreeSize};

use super::Fatal;
use crate::store::Blobs;

/// The files of a log as they are for one published size.
pub(crate) struct Tiles<'a> {
    blobs: &'a dyn Blobs,
    size: TreeSize,
}

impl<'a> Tiles<'a> {
    pub(crate) fn new(blobs: &'a dyn Blobs, size: TreeSize) -> Self {
        Self { blobs, size }
    }

    /// The bytes of a tile. A partial one may be gone once there is a full one, which begins with it.
    fn read(&self, tile: &Tile) -> Result<Vec<u8>, Fatal> {
        let get = |tile: &Tile| self.blobs.get(&tile.path()).map_err(Fatal::store("reading a tile"));
        if let Some(bytes) = get(tile)? {
            return Ok(bytes);
        }
        let missing = || Fatal::TileMissing { path: tile.path() };
        let full = tile.to_full()?;
        if full == *tile {
            return Err(missing());
        }
        let mut bytes = get(&full)?.ok_or_else(missing)?;
        let length = match tile.expect_len() {
            Some(length) => length,
            None => {
                let entries = parse_bundle(&bytes, full.width())?;
                entries.iter().take(usize::from(tile.width())).map(|entry| entry.len() + 2).sum()
            }
        };
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Hash tile `index` of a level, as wide as the tree has it; not compared with the root.
    pub(crate) fn unverified_hashes(&self, level: u8, index: u64) -> Result<Vec<Hash>, Fatal> {
        let tile = self.tile(TileKind::Hashes(level), index)?;
        let bytes = self.read(&tile)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.len() != usize::from(tile.width()) || !rest.is_empty() {
            return Err(Fatal::TileWrong { path: tile.path() });
        }
        Ok(hashes.iter().copied().map(Hash).collect())
    }

    /// The tile at `index` of its kind, as wide as the tree has it.
    pub(crate) fn tile(&self, kind: TileKind, index: u64) -> Result<Tile, Fatal> {
        let level = match kind {
            TileKind::Entries => 0,
            TileKind::Hashes(level) => level,
        };
        let available = self.count(level).saturating_sub(index.saturating_mul(256)).min(256);
        Ok(Tile::new(kind, index, available as u16)?)
    }

    /// How many hashes the tree has at a level of tiles.
    fn count(&self, level: u8) -> u64 {
        self.size.0.checked_shr(u32::from(level) * 8).unwrap_or(0)
    }

    /// The entries of bundle `index`, in its own encoding, with how many there are; not compared with the root.
    pub(crate) fn unverified_bundle(&self, index: u64) -> Result<(Vec<u8>, u16), Fatal> {
        let tile = self.tile(TileKind::Entries, index)?;
        let bytes = self.read(&tile)?;
        parse_bundle(&bytes, tile.width())?;
        Ok((bytes, tile.width()))
    }

    /// The frontier of the tree. Its root is what the caller compares with the signed one.
    pub(crate) fn unverified_frontier(&self) -> Result<Frontier, Fatal> {
        let nodes = Frontier::nodes(self.size)?;
        Ok(Frontier::from_parts(self.size, self.nodes(&nodes)?)?)
    }

    /// The root of an earlier tree, out of the nodes that both have; not compared with anything.
    pub(crate) fn unverified_root_at(&self, earlier: TreeSize) -> Result<Hash, Fatal> {
        let nodes = Frontier::nodes(earlier)?;
        Ok(Frontier::from_parts(earlier, self.nodes(&nodes)?)?.root())
    }

    /// A proof for a leaf. The caller checks it. `read` keeps tiles for the next proof.
    pub(crate) fn unverified_inclusion_proof(
        &self,
        index: LeafIndex,
        read: &mut HashMap<Tile, Vec<u8>>,
    ) -> Result<Vec<Hash>, Fatal> {
        let plan = inclusion_plan(index, self.size)?;
        Ok(plan.fold(&self.nodes_out_of(plan.nodes(), read)?)?)
    }

    /// A proof that the tree extends the one of `old` leaves. Who is asked to believe it checks it.
    pub(crate) fn unverified_consistency_proof(&self, old: TreeSize) -> Result<Vec<Hash>, Fatal> {
        let plan = consistency_plan(old, self.size)?;
        Ok(plan.fold(&self.nodes(plan.nodes())?)?)
    }

    fn nodes(&self, nodes: &[NodeId]) -> Result<Vec<Hash>, Fatal> {
        self.nodes_out_of(nodes, &mut HashMap::new())
    }

    fn nodes_out_of(&self, nodes: &[NodeId], read: &mut HashMap<Tile, Vec<u8>>) -> Result<Vec<Hash>, Fatal> {
        let mut hashes = Vec::with_capacity(nodes.len());
        for node in nodes {
            let tile = Tile::holding(*node, self.size)?;
            let bytes = match read.entry(tile) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => entry.insert(self.read(&tile)?),
            };
            hashes.push(tile.node(bytes, node)?);
        }
        Ok(hashes)
    }
}

/// Leaf hashes out of tiles, each compared with the tile above it, up to a right edge that was compared with the
/// signed root before.
pub(crate) struct VerifiedTiles<'a> {
    tiles: Tiles<'a>,
    edge: Vec<Vec<Hash>>,
    /// By level, the last full tile that was verified.
    cache: HashMap<u8, (u64, Vec<Hash>)>,
}

impl<'a> VerifiedTiles<'a> {
    /// `edge` holds the hashes of the partial tile of each level, lowest first.
    pub(crate) fn new(blobs: &'a dyn Blobs, size: TreeSize, edge: Vec<Vec<Hash>>) -> Self {
        Self { tiles: Tiles::new(blobs, size), edge, cache: HashMap::new() }
    }

    /// The hashes of tile `index` of a level.
    pub(crate) fn hashes(&mut self, level: u8, index: u64) -> Result<&[Hash], Fatal> {
        if self.tiles.count(level) / 256 == index {
            return Ok(self.edge.get(usize::from(level)).map_or(&[], Vec::as_slice));
        }
        if self.cache.get(&level).is_none_or(|(cached, _hashes)| *cached != index) {
            let hashes = self.tiles.unverified_hashes(level, index)?;
            let mut frontier = Frontier::new();
            hashes.iter().try_for_each(|hash| frontier.push(*hash))?;
            let above = self.hashes(level + 1, index / 256)?.get((index % 256) as usize).copied();
            if above != Some(frontier.root()) {
                let path = self.tiles.tile(TileKind::Hashes(level), index)?.path();
                return Err(Fatal::TileWrong { path });
            }
            self.cache.insert(level, (index, hashes));
        }
        Ok(self.cache.get(&level).map_or(&[], |(_index, hashes)| hashes.as_slice()))
    }

    /// The entries of bundle `index`, each compared with its leaf hash.
    pub(crate) fn entries(&mut self, index: u64) -> Result<Vec<Vec<u8>>, Fatal> {
        let (bytes, width) = self.tiles.unverified_bundle(index)?;
        let entries = parse_bundle(&bytes, width)?;
        let hashes = self.hashes(0, index)?;
        let equal = hashes.len() == entries.len()
            && hashes.iter().zip(&entries).all(|(hash, entry)| leaf_hash(entry) == *hash);
        if !equal {
            return Err(Fatal::TileWrong { path: self.tiles.tile(TileKind::Entries, index)?.path() });
        }
        Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// The leaf hash at a place, or nothing beyond the end.
    pub(crate) fn leaf(&mut self, index: LeafIndex) -> Result<Option<Hash>, Fatal> {
        Ok(self.hashes(0, index.0 / 256)?.get((index.0 % 256) as usize).copied())
    }
}
