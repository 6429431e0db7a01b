//! Whether two checkpoints of a log are of one history, told from its tiles.

use std::collections::BTreeMap;

use sillok_log::checkpoint::Checkpoint;
use sillok_log::evidence::{Claim, Evidence, Prefix};
use sillok_log::merkle::{ProofError, ProofPlan, check_consistency, consistency_plan, root_plan};
use sillok_log::tile::Tile;
use sillok_log::{Hash, TreeSize};

use crate::source::Source;

/// A checkpoint, and the signed note that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The note, byte for byte.
    pub note: String,
}

/// How a checkpoint goes with one that was seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// The log signed two histories; here is what shows it.
    Forked(Evidence),
    /// Larger, or the same, and of the same history.
    Grown,
    /// Smaller, and as far as can be told of the same history.
    Shrank(Evidence),
    /// The tiles do not show it.
    Unknown(String),
}

//= specs/audit.md#one-history
/// Compares the checkpoint served now with one that was served before. Both must have been opened.
#[must_use]
pub fn compare(source: &Source, before: &Signed, now: &Signed) -> History {
    let (sizes, roots) =
        (before.checkpoint.size.cmp(&now.checkpoint.size), before.checkpoint.root == now.checkpoint.root);
    let evidence = |claim, older: &Signed, newer: &Signed, proof: Option<Prefix>| {
        Evidence::new(claim, [&older.note, &newer.note], proof)
    };
    if sizes.is_eq() {
        return if roots {
            History::Grown
        } else {
            History::Forked(evidence(Claim::Fork, before, now, None))
        };
    }
    let (older, newer) = if sizes.is_lt() { (before, now) } else { (now, before) };
    let proved = prefix(source, older.checkpoint.size, &newer.checkpoint);
    match (proved, sizes.is_lt()) {
        (Ok((root, consistency)), _) if root != older.checkpoint.root => {
            History::Forked(evidence(Claim::Fork, older, newer, Some(Prefix { root, consistency })))
        }
        (Ok(_same), true) => History::Grown,
        (Err(why), true) => History::Unknown(why),
        // Whatever its tiles are: it is smaller.
        (Ok(_) | Err(_), false) => History::Shrank(evidence(Claim::Rollback, before, now, None)),
    }
}

/// The root of the first `size` entries of a tree, and the proof that they are its beginning.
fn prefix(source: &Source, size: TreeSize, tree: &Checkpoint) -> Result<(Hash, Vec<Hash>), String> {
    let plans = root_plan(size).and_then(|root| Ok((root, consistency_plan(size, tree.size)?)));
    let (root, proof) = plans.map_err(|error: ProofError| error.to_string())?;
    let mut tiles = Tiles { source, size: tree.size, read: BTreeMap::new() };
    let root = tiles.fold(&root)?.first().copied().unwrap_or_else(sillok_log::merkle::empty_root);
    let proof = tiles.fold(&proof)?;
    check_consistency(size, &root, tree.size, &tree.root, &proof).map_err(|error| {
        format!("its tiles do not lead to the checkpoint of {} entries: {error}", tree.size)
    })?;
    Ok((root, proof))
}

/// Tiles of a log of one size, each read once.
struct Tiles<'a> {
    source: &'a Source,
    size: TreeSize,
    read: BTreeMap<Tile, Vec<u8>>,
}

impl Tiles<'_> {
    fn fold(&mut self, plan: &ProofPlan) -> Result<Vec<Hash>, String> {
        let mut hashes = Vec::with_capacity(plan.nodes().len());
        for node in plan.nodes() {
            let tile = Tile::holding(*node, self.size).map_err(|error| error.to_string())?;
            if !self.read.contains_key(&tile) {
                let bytes = self.source.tile(&tile).map_err(|error| error.to_string())?;
                self.read.insert(tile, bytes.ok_or_else(|| format!("{tile} is missing"))?);
            }
            let bytes = self.read.get(&tile).map_or(&[][..], Vec::as_slice);
            hashes.push(tile.node(bytes, node).map_err(|error| error.to_string())?);
        }
        plan.fold(&hashes).map_err(|error| error.to_string())
    }
}
