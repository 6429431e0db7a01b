//! The static files of a log, made by the pure crate alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sillok_log::Hash;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::{Frontier, NodeId, leaf_hash};
use sillok_log::note::SignerKey;
use sillok_log::tile::{Tile, TileKind, encode_bundle};

/// Writes the files of a log of these entries, signed by its key; those of smaller sizes stay.
pub(crate) fn publish(folder: &Path, key: &SignerKey, entries: &[Vec<u8>]) {
    let mut nodes: BTreeMap<NodeId, Hash> = BTreeMap::new();
    let mut frontier = Frontier::new();
    for entry in entries {
        frontier.push_with(leaf_hash(entry), &mut |node, hash| nodes.extend([(node, hash)])).unwrap();
    }
    for tile in Tile::all_for_size(frontier.size()).unwrap() {
        let first = tile.index() * 256;
        let places = first..first + u64::from(tile.width());
        let bytes = match tile.kind() {
            TileKind::Entries => {
                encode_bundle(places.map(|place| &entries[usize::try_from(place).unwrap()])).unwrap()
            }
            TileKind::Hashes(level) => {
                places.flat_map(|index| nodes[&NodeId { level: level * 8, index }].0).collect()
            }
        };
        let path = folder.join(tile.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let checkpoint = Checkpoint { origin: key.name().into(), size: frontier.size(), root: frontier.root() };
    fs::write(folder.join("checkpoint"), checkpoint.sign(key).unwrap()).unwrap();
}
