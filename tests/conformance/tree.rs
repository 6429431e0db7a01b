//! `specs/log.md#tree` and `#static-files`.

use sillok_log::merkle::{Frontier, check_consistency, check_inclusion, leaf_hash};
use sillok_log::subtree::Subtree;
use sillok_log::tile::{Tile, TileKind};
use sillok_log::{LeafIndex, TreeSize};
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, hash, hashes, number, ok_or_error, same, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    match text(vector, "check") {
        "root" => root(vector),
        "inclusion" => {
            let (index, size) = (LeafIndex(number(vector, "index")), TreeSize(number(vector, "size")));
            let (leaf, root) = (hash(vector, "leaf"), hash(vector, "root"));
            ok_or_error(&check_inclusion(&leaf, index, size, &hashes(vector, "proof"), &root))
        }
        "consistency" => {
            let (from, to) = (TreeSize(number(vector, "from")), TreeSize(number(vector, "to")));
            let (old, new) = (hash(vector, "from-root"), hash(vector, "to-root"));
            ok_or_error(&check_consistency(from, &old, to, &new, &hashes(vector, "proof")))
        }
        "subtree" => {
            let (start, end) = (LeafIndex(number(vector, "start")), TreeSize(number(vector, "end")));
            let (subtree, root) = (hash(vector, "subtree"), hash(vector, "root"));
            let size = TreeSize(number(vector, "size"));
            ok_or_error(&Subtree::new(start, end).and_then(|interval| {
                interval.check_consistency(&subtree, size, &root, &hashes(vector, "proof"))
            }))
        }
        other => Err(format!("no check {other:?}")),
    }
}

fn root(vector: &Vector) -> Outcome {
    let mut frontier = Frontier::new();
    for index in 0..number(vector, "size") {
        frontier.push(leaf_hash(format!("entry {index}").as_bytes())).map_err(|error| error.to_string())?;
    }
    same("root", frontier.root().as_bytes(), hash(vector, "root").as_bytes())?;
    Ok("ok".into())
}

pub(crate) fn run_tile(vector: &Vector) -> Outcome {
    let path = text(vector, "path");
    let Ok(tile) = Tile::parse(path) else { return Ok("error".into()) };
    same("path", tile.path().as_bytes(), path.as_bytes())?;
    if vector.get("level").is_some() {
        let level = match tile.kind() {
            TileKind::Entries => "entries".to_owned(),
            TileKind::Hashes(level) => level.to_string(),
        };
        same("level", level.as_bytes(), text(vector, "level").as_bytes())?;
        same("index", &tile.index().to_be_bytes(), &number(vector, "index").to_be_bytes())?;
        same("width", &u64::from(tile.width()).to_be_bytes(), &number(vector, "width").to_be_bytes())?;
    }
    Ok("ok".into())
}
