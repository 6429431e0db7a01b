//! Reading ahead: a few threads fetch bundles and the tiles that they complete; each has every n-th bundle and a
//! short queue of its own, so that they come in order and memory stays bounded.

use std::sync::mpsc::{self, Receiver};
use std::thread::Scope;

use sillok_log::TreeSize;
use sillok_log::tile::{Tile, TileKind};

use super::{FULL_COUNT, FULL_WIDTH, completed_by};
use crate::source::{Source, SourceError};

/// What an audit needs for 256 entries.
pub(super) struct Fetched {
    pub(super) bundle: Served,
    /// The hash tiles that it completes.
    pub(super) tiles: Vec<Served>,
}

/// A file, as wide as the log has it, and what came of asking for it.
pub(super) struct Served {
    pub(super) tile: Tile,
    pub(super) bytes: Result<Option<Vec<u8>>, SourceError>,
}

impl Served {
    pub(super) fn fetch(source: &Source, tile: Tile) -> Self {
        Self { tile, bytes: source.tile(&tile) }
    }
}

/// Starts threads that fetch every bundle from `first` on of a log of this size. Bundle `first + i` comes out of the
/// queue `i mod n`. A thread ends when its queue is dropped.
pub(super) fn start<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    source: &'env Source,
    first: u64,
    size: TreeSize,
) -> Vec<Receiver<Fetched>> {
    let bundles = size.0.div_ceil(FULL_COUNT).saturating_sub(first);
    let lanes = source.parallel().min(usize::try_from(bundles).unwrap_or(usize::MAX)).max(1);
    (first..)
        .take(lanes)
        .map(|start| {
            let (sender, receiver) = mpsc::sync_channel(READ_AHEAD);
            scope.spawn(move || {
                for index in (start..size.0.div_ceil(FULL_COUNT)).step_by(lanes) {
                    let Some(fetched) = fetch(source, index, size) else { return };
                    if sender.send(fetched).is_err() {
                        return;
                    }
                }
            });
            receiver
        })
        .collect()
}

/// `None` if no tree has such a bundle.
fn fetch(source: &Source, index: u64, size: TreeSize) -> Option<Fetched> {
    let width = size.0.checked_sub(index.checked_mul(FULL_COUNT)?)?.min(FULL_COUNT);
    let width = u16::try_from(width).ok()?;
    let bundle = Tile::new(TileKind::Entries, index, width).ok()?;
    let tiles = if width == FULL_WIDTH {
        completed_by(index).map(|tile| Served::fetch(source, tile)).collect()
    } else {
        Vec::new()
    };
    Some(Fetched { bundle: Served::fetch(source, bundle), tiles })
}

/// Bundles that wait in each queue: at most 16 MiB each, 28 KB as a rule.
const READ_AHEAD: usize = 4;
