//! Partial tiles and bundles of earlier sizes: no audit of the newest size reads them, and readers and caches of an
//! earlier checkpoint do. Each must be the beginning of what the log has now.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sillok_client::source::Source;
use sillok_log::TreeSize;
use sillok_log::tile::{Tile, TileKind, parse_bundle};

/// The damaged ones, each with what is wrong with it. The tiles of `size` were found to be right.
pub(super) fn check(source: &Source, public: &Path, size: TreeSize) -> anyhow::Result<Vec<String>> {
    let mut damages = Vec::new();
    let current = Tile::all_for_size(size)?.collect::<Vec<_>>();
    for tile in current {
        let folder = partials(public, &tile)?;
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        // Read once for all that must be its beginning.
        let newest = source.tile(&tile)?.unwrap_or_default();
        for entry in entries {
            let path = entry.with_context(|| format!("could not list {}", folder.display()))?.path();
            let width = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            let older = width.and_then(|width| Tile::new(tile.kind(), tile.index(), width).ok());
            let bytes = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
            // What is wider than the log has it was written and not published yet.
            let known = older.filter(|older| older.width() <= tile.width());
            if known.is_some_and(|older| beginning(&newest, &tile, &older) != Some(bytes.as_slice())) {
                damages.push(format!("{}: it is not the beginning of {}", path.display(), tile.path()));
            }
        }
    }
    Ok(damages)
}

/// The folder of the partial versions of a tile.
fn partials(public: &Path, tile: &Tile) -> anyhow::Result<PathBuf> {
    let full = Tile::new(tile.kind(), tile.index(), FULL_WIDTH)?;
    Ok(public.join(format!("{}.p", full.path())))
}

/// The beginning of a tile's bytes that a narrower one of it has.
fn beginning<'a>(bytes: &'a [u8], tile: &Tile, narrower: &Tile) -> Option<&'a [u8]> {
    let length = match tile.kind() {
        TileKind::Hashes(_level) => narrower.expect_len()?,
        TileKind::Entries => {
            let entries = parse_bundle(bytes, tile.width()).ok()?;
            let entries = entries.iter().take(usize::from(narrower.width()));
            entries.map(|entry| LENGTH_BYTES + entry.len()).sum()
        }
    };
    bytes.get(..length)
}

/// Hashes in a full tile, entries in a full bundle (C2SP tlog-tiles).
const FULL_WIDTH: u16 = 256;

/// Each entry of a bundle has its length before it, as a u16 (C2SP tlog-tiles).
const LENGTH_BYTES: usize = 2;
