//! Which file is to blame: the oracle says that entries and tiles differ, the tiles above say which of them is right.

use std::collections::HashMap;

use sillok_client::audit::Report;
use sillok_client::source::Source;
use sillok_log::audit::Finding;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::Frontier;
use sillok_log::tile::{Tile, TileKind};
use sillok_log::{Hash, TreeSize};

/// The damaged files, each with what is wrong with it.
pub(super) fn blame(source: &Source, report: &Report) -> Vec<String> {
    let mut judge = Judge { source, checkpoint: &report.checkpoint, known: HashMap::new(), edge: None };
    let mut damages = Vec::new();
    for finding in report.findings.kept() {
        match finding {
            Finding::TileMismatch { tile } => damages.extend(judge.mismatch(tile)),
            Finding::BundleMalformed { tile, .. } | Finding::TileMissing { tile } => {
                damages.push(format!("{}: {finding}", source.name(&tile.path())));
            }
            // What a damaged bundle leads to; said only if nothing else is.
            Finding::RootMismatch { .. } | Finding::SizeMismatch { .. } => {}
            Finding::EntryMalformed { .. }
            | Finding::EntryRefused { .. }
            | Finding::Forked { .. }
            | Finding::ListMismatch { .. }
            | Finding::ListSequence { .. }
            | Finding::ListUnknown { .. }
            | Finding::LogFull { .. }
            | Finding::RawLength { .. }
            | Finding::Shrank { .. } => damages.push(finding.to_string()),
        }
    }
    if damages.is_empty() {
        let checkpoint = source.name("checkpoint");
        damages.extend(report.findings.kept().iter().map(|finding| format!("{checkpoint}: {finding}")));
    }
    damages
}

/// Checks hash tiles from the signed root down.
struct Judge<'a> {
    source: &'a Source,
    checkpoint: &'a Checkpoint,
    known: HashMap<Tile, Standing>,
    /// Whether the right edge leads to the signed root.
    edge: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It leads to the signed root.
    Authentic,
    /// It does not lead to the tile above it, which is authentic.
    Damaged,
    /// The tiles above it are damaged.
    Unknown,
}

impl Judge<'_> {
    /// Who is to blame for a hash tile that is not what its entries make.
    fn mismatch(&mut self, tile: &Tile) -> Option<String> {
        let name = self.source.name(&tile.path());
        let TileKind::Hashes(level) = tile.kind() else {
            return Some(format!("{name}: it is not what was read before"));
        };
        let bundle = Tile::new(TileKind::Entries, tile.index(), tile.width()).ok().filter(|_tile| level == 0);
        match (self.standing(tile), bundle) {
            (Standing::Authentic, Some(bundle)) => {
                let bundle = self.source.name(&bundle.path());
                Some(format!("{bundle}: its entries do not lead to the signed root"))
            }
            // What a damaged bundle leads to.
            (Standing::Authentic, None) => None,
            (Standing::Damaged, _) => Some(format!("{name}: it does not lead to the signed root")),
            (Standing::Unknown, Some(bundle)) => {
                Some(format!("{name} or {}: they contradict each other", self.source.name(&bundle.path())))
            }
            (Standing::Unknown, None) => Some(format!("{name}: it is not what its entries make")),
        }
    }

    fn standing(&mut self, tile: &Tile) -> Standing {
        if let Some(standing) = self.known.get(tile) {
            return *standing;
        }
        let standing = self.judge(tile).unwrap_or(Standing::Unknown);
        self.known.insert(*tile, standing);
        standing
    }

    fn judge(&mut self, tile: &Tile) -> Option<Standing> {
        let TileKind::Hashes(level) = tile.kind() else { return None };
        if !tile.is_full() {
            let edge = match self.edge {
                Some(edge) => edge,
                None => self.edge_leads_to_root().unwrap_or(false),
            };
            self.edge = Some(edge);
            return Some(if edge { Standing::Authentic } else { Standing::Unknown });
        }
        let position = usize::try_from(tile.index() % FULL_COUNT).ok()?;
        let parent = self.tile(level.checked_add(1)?, tile.index() / FULL_COUNT)?;
        if self.standing(&parent) != Standing::Authentic {
            return Some(Standing::Unknown);
        }
        let above = *self.hashes(&parent)?.get(position)?;
        let mut frontier = Frontier::new();
        let hashes = self.hashes(tile).unwrap_or_default();
        let pushed = hashes.iter().all(|hash| frontier.push(*hash).is_ok());
        Some(if pushed && frontier.root() == above { Standing::Authentic } else { Standing::Damaged })
    }

    /// Every hash of a partial tile is under a node of the frontier.
    fn edge_leads_to_root(&self) -> Option<bool> {
        let size = self.checkpoint.size;
        let mut hashes = Vec::new();
        for node in Frontier::nodes(size).ok()? {
            let tile = Tile::holding(node, size).ok()?;
            let bytes = self.source.tile(&tile).ok()??;
            hashes.push(tile.node(&bytes, &node).ok()?);
        }
        Some(Frontier::from_parts(size, hashes).ok()?.root() == self.checkpoint.root)
    }

    /// The tile at `index` of a level, as wide as the log has it.
    fn tile(&self, level: u8, index: u64) -> Option<Tile> {
        let TreeSize(size) = self.checkpoint.size;
        let count = size.checked_shr(u32::from(level) * TILE_HEIGHT)?;
        let width = count.checked_sub(index.checked_mul(FULL_COUNT)?)?.min(FULL_COUNT);
        Tile::new(TileKind::Hashes(level), index, u16::try_from(width).ok()?).ok()
    }

    fn hashes(&self, tile: &Tile) -> Option<Vec<Hash>> {
        let bytes = self.source.tile(tile).ok()??;
        let (hashes, rest) = bytes.as_chunks::<32>();
        (rest.is_empty() && hashes.len() == usize::from(tile.width()))
            .then(|| hashes.iter().copied().map(Hash).collect())
    }
}

/// Hashes in a full tile (C2SP tlog-tiles).
const FULL_COUNT: u64 = 256;

/// Levels of the tree from one level of tiles to the next (C2SP tlog-tiles).
const TILE_HEIGHT: u32 = 8;
