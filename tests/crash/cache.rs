//! A cache in front of a log that keeps the first bytes that it saw of each tile and bundle, for ever.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sillok_log::audit::{Auditor, LogKind};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::{Frontier, leaf_hash};
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{Hash, TreeSize};

/// By path.
#[derive(Default)]
pub(crate) struct Cache {
    kept: BTreeMap<String, Vec<u8>>,
}

impl Cache {
    /// Somebody fetches a file.
    pub(crate) fn see(&mut self, path: &str, bytes: &[u8]) {
        let kept = self.kept.entry(path.to_owned()).or_insert_with(|| bytes.to_vec());
        assert_eq!(kept.as_slice(), bytes, "{path} is not what a cache keeps of it");
    }

    /// Somebody fetches every tile and bundle of a public folder, whatever checkpoint there is.
    pub(crate) fn see_all(&mut self, public: &Path) {
        let mut folders = vec![public.join("tile")];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(&next).into_iter().flatten() {
                let path = entry.expect("a file of the log").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name =
                        path.strip_prefix(public).expect("below the folder").to_str().expect("a plain name");
                    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("read {name}: {error}"));
                    self.see(name, &bytes);
                }
            }
        }
    }

    /// Replays the log up to a checkpoint out of the cache alone.
    pub(crate) fn audit(&self, checkpoint: &Checkpoint) {
        let mut auditor = Auditor::new(LogKind::Typed);
        let mut leaves = Vec::new();
        let tiles: Vec<Tile> = Tile::all_for_size(checkpoint.size).expect("a size that was signed").collect();
        for tile in tiles.iter().filter(|tile| tile.kind() == TileKind::Entries) {
            for entry in parse_bundle(self.kept(tile), tile.width()).expect("a bundle of its width") {
                assert_eq!(auditor.push(entry), None, "an entry of {tile} is refused");
                leaves.push(leaf_hash(entry));
            }
        }
        assert_eq!(auditor.judge(checkpoint), vec![], "the cache contradicts size {}", checkpoint.size);
        for tile in &tiles {
            if let TileKind::Hashes(level) = tile.kind() {
                assert_eq!(self.kept(tile), hashes(&leaves, level, tile), "the cache contradicts {tile}");
            }
        }
    }

    /// What a reader gets for a tile: what is kept of it, else the beginning of its full one.
    fn kept(&self, tile: &Tile) -> &[u8] {
        let found = self.kept.get(&tile.path());
        found.unwrap_or_else(|| panic!("nobody has fetched {tile} for this size"))
    }

    /// How many files it keeps.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }
}

/// The bytes of a hash tile, from the leaves.
fn hashes(leaves: &[Hash], level: u8, tile: &Tile) -> Vec<u8> {
    let below = 256_usize.pow(u32::from(level));
    let first = usize::try_from(tile.index()).expect("a small log") * 256;
    let groups = leaves.chunks(below).skip(first).take(usize::from(tile.width()));
    groups
        .flat_map(|group| {
            let mut frontier = Frontier::new();
            group.iter().for_each(|leaf| frontier.push(*leaf).expect("a small log"));
            assert_eq!(frontier.size(), TreeSize(below as u64), "a hash of a whole subtree");
            frontier.root().0
        })
        .collect()
}
