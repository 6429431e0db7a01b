//! Tiles and bundles: names, growth in any split, nodes out of tiles, damaged bytes.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use proptest::prelude::*;
use sillok_log::merkle::{
    BatchTree, Frontier, MAX_TREE_SIZE, NodeId, check_inclusion, inclusion_plan, leaf_hash, root_plan,
};
use sillok_log::tile::{Tile, TileError, TileKind, encode_bundle, parse_bundle};
use sillok_log::{Hash, LeafIndex, TreeSize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// What a writer has: the bytes of hash tiles by path.
#[derive(Default, PartialEq, Debug)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn node(&self, node: NodeId, size: TreeSize) -> Hash {
        let tile = Tile::holding(node, size).unwrap();
        tile.node(&self.0[&tile.path()], &node).unwrap()
    }

    /// Writes the hash tiles of a growth from the nodes of the tree at its new size.
    fn grow(&mut self, old: TreeSize, new: TreeSize, nodes: &HashMap<NodeId, Hash>) {
        for tile in Tile::for_growth(old, new).unwrap() {
            let TileKind::Hashes(level) = tile.kind() else { continue };
            let first = tile.index() * 256;
            let bytes: Vec<u8> = (first..first + u64::from(tile.width()))
                .flat_map(|index| nodes[&NodeId { level: level * 8, index }].0)
                .collect();
            assert_eq!(Some(bytes.len()), tile.expect_len());
            if let Some(before) = self.0.insert(tile.path(), bytes.clone()) {
                assert_eq!(before, bytes, "{tile} changed");
            }
        }
    }
}

fn all_nodes(count: u64) -> HashMap<NodeId, Hash> {
    BatchTree::new(Frontier::new(), leaves(count)).unwrap().tile_nodes().collect()
}

#[test]
fn paths_are_those_of_the_specification() {
    let path = |kind, index, width| Tile::new(kind, index, width).unwrap().path();
    assert_eq!(path(TileKind::Hashes(0), 1_234_067, 12), "tile/0/x001/x234/067.p/12");
    assert_eq!(path(TileKind::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(path(TileKind::Entries, 0, 256), "tile/entries/000");
    assert_eq!(path(TileKind::Entries, 999, 255), "tile/entries/999.p/255");
    assert_eq!(path(TileKind::Entries, 1000, 1), "tile/entries/x001/000.p/1");
    assert_eq!(path(TileKind::Hashes(7), 0, 1), "tile/7/000.p/1");
    let last = (MAX_TREE_SIZE >> 8) - 1;
    assert_eq!(path(TileKind::Entries, last, 256), "tile/entries/x036/x028/x797/x018/x963/966");
}

#[test]
fn paths_have_one_spelling() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/+00",
        "tile/0/00a",
        "tile/0/x000/000",
        "tile/0/x001",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/X001/000",
        "tile/0/x01/000",
        "tile/0/x001//000",
        "tile/00/000",
        "tile/+1/000",
        "tile/01/000",
        "tile/-1/000",
        "tile/256/000",
        "tile/18446744073709551616/000",
        "tile/Entries/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/256",
        "tile/0/000.p/65537",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000\r",
        "tile/0/000.p/1\n",
        "tile/0/٠٠٠",
        "tile/../000",
        "tile/entries/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(Tile::parse(path), Err(TileError::BadPath { bytes: path.len() }), "{path:?}");
    }
    assert!(matches!(Tile::parse(&"x".repeat(1 << 20)), Err(TileError::BadPath { .. })));
}

#[test]
fn tiles_that_no_tree_has_are_refused() {
    for path in [
        "tile/8/000",
        "tile/63/000.p/1",
        "tile/7/000",
        "tile/7/000.p/128",
        "tile/7/001.p/1",
        "tile/0/x036/x028/x797/x018/x963/967",
    ] {
        assert!(matches!(Tile::parse(path), Err(TileError::NoSuchTile { .. })), "{path}");
    }
    for width in [0, 257, u16::MAX] {
        assert!(Tile::new(TileKind::Entries, 0, width).is_err());
    }
    assert!(Tile::new(TileKind::Hashes(255), u64::MAX, 1).is_err());
}

#[test]
fn the_examples_of_the_specification() {
    let count = |size, level, full| {
        Tile::all_for_size(TreeSize(size))
            .unwrap()
            .filter(|tile| tile.kind() == TileKind::Hashes(level) && tile.is_full() == full)
            .map(|tile| tile.width())
            .collect::<Vec<u16>>()
    };
    assert_eq!(count(70_000, 0, true).len(), 273);
    assert_eq!(count(70_000, 0, false), [112]);
    assert_eq!(count(70_000, 1, true).len(), 1);
    assert_eq!(count(70_000, 1, false), [17]);
    assert_eq!(count(70_000, 2, false), [1]);
    assert_eq!(
        Tile::all_for_size(TreeSize(70_000)).unwrap().filter(|tile| tile.kind() == TileKind::Entries).count(),
        274
    );
    let paths: Vec<String> = Tile::all_for_size(TreeSize(256)).unwrap().map(|tile| tile.path()).collect();
    assert_eq!(paths, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(Tile::all_for_size(TreeSize(0)).unwrap().count(), 0);
}

#[test]
fn every_growth_leaves_every_file_of_the_new_size() {
    let at = [0, 1, 2, 100, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 131_072, 200_000];
    let files = |size| Tile::all_for_size(TreeSize(size)).unwrap().collect::<BTreeSet<Tile>>();
    for (old, new) in at.iter().flat_map(|old| at.iter().map(move |new| (*old, *new))) {
        let growth = Tile::for_growth(TreeSize(old), TreeSize(new));
        if old > new {
            assert_eq!(growth, Err(TileError::Shrunk { old: TreeSize(old), new: TreeSize(new) }));
            continue;
        }
        let growth: BTreeSet<Tile> = growth.unwrap().into_iter().collect();
        assert_eq!(&growth | &files(old).intersection(&files(new)).copied().collect(), files(new));
        assert!(growth.is_disjoint(&files(old)), "{old} to {new} writes again what there is");
    }
    let too_large = TreeSize(MAX_TREE_SIZE + 1);
    assert_eq!(Tile::for_growth(TreeSize(0), too_large), Err(TileError::SizeTooLarge { size: too_large }));
}

#[test]
fn every_node_comes_out_of_its_tile() {
    let count = 66_000;
    let mut files = Files::default();
    files.grow(TreeSize(0), TreeSize(count), &all_nodes(count));
    let mut frontier = Frontier::new();
    let mut checked = 0;
    for leaf in leaves(count) {
        frontier
            .push_with(leaf, &mut |node, hash| {
                if node.level > 4 || node.index % 97 == 0 {
                    assert_eq!(files.node(node, TreeSize(count)), hash, "{node:?}");
                    checked += 1;
                }
            })
            .unwrap();
    }
    assert!(checked > 2000);
    for index in [0, 255, 256, 65_535, 65_536, count - 1].map(LeafIndex) {
        let plan = inclusion_plan(index, TreeSize(count)).unwrap();
        let hashes: Vec<Hash> = plan.nodes().iter().map(|node| files.node(*node, TreeSize(count))).collect();
        let proof = plan.fold(&hashes).unwrap();
        check_inclusion(&leaf_hash(&index.0.to_be_bytes()), index, TreeSize(count), &proof, &frontier.root())
            .unwrap();
    }
}

#[test]
fn a_tile_gives_only_its_own_nodes() {
    let tile = Tile::new(TileKind::Hashes(0), 1, 5).unwrap();
    let bytes: Vec<u8> = leaves(5).iter().flat_map(|leaf| leaf.0).collect();
    let node = |level, index| tile.node(&bytes, &NodeId { level, index });
    assert_eq!(node(0, 256), Ok(leaves(5)[0]));
    assert_eq!(node(0, 260), Ok(leaves(5)[4]));
    assert!(node(2, 64).is_ok());
    // Before the tile, behind it, half in it, of another level, of no tree.
    for (level, index) in
        [(0, 255), (0, 261), (1, 130), (3, 32), (8, 0), (255, 0), (0, u64::MAX), (7, u64::MAX)]
    {
        assert!(matches!(node(level, index), Err(TileError::NotInTile { .. })), "{level} {index}");
    }
    for damaged in [&bytes[1..], &bytes[32..], &[&bytes[..], &[0]].concat(), &[]] {
        let error = TileError::Length { tile, found: damaged.len() };
        assert_eq!(tile.node(damaged, &NodeId { level: 0, index: 256 }), Err(error));
    }
    let bundle = Tile::new(TileKind::Entries, 1, 5).unwrap();
    assert!(bundle.node(&bytes, &NodeId { level: 0, index: 256 }).is_err());
    assert_eq!(bundle.expect_len(), None);
}

#[test]
fn bundles_round_trip_and_are_exact() {
    let long = vec![7; 65_535];
    let entries: [&[u8]; 4] = [b"one", b"", &long, b"\0\0"];
    let bundle = encode_bundle(entries).unwrap();
    assert_eq!(bundle.len(), 4 * 2 + 3 + 65_535 + 2);
    assert_eq!(parse_bundle(&bundle, 4).unwrap(), entries);
    assert_eq!(parse_bundle(&bundle, 3), Err(TileError::TrailingBytes { width: 3, bytes: 4 }));
    assert_eq!(parse_bundle(&bundle, 5), Err(TileError::Truncated { position: 4, width: 5 }));
    assert_eq!(parse_bundle(&[0], 1), Err(TileError::Truncated { position: 0, width: 1 }));
    assert_eq!(parse_bundle(&[], 0).unwrap(), Vec::<&[u8]>::new());
    let too_long = vec![7; 65_536];
    let error = TileError::EntryTooLong { position: 1, bytes: 65_536 };
    assert_eq!(encode_bundle([&b"one"[..], &too_long]), Err(error));
}

fn edges() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (0_u32..64, 0_u64..4).prop_map(|(bit, less)| (1_u64 << bit).wrapping_sub(less)),
        (0_u64..4).prop_map(|less| u64::MAX - less),
        (0_u64..100_000),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn tiles_round_trip(level in proptest::option::of(0_u8..70), index in edges(), width in 0_u16..300) {
        let kind = level.map_or(TileKind::Entries, TileKind::Hashes);
        if let Ok(tile) = Tile::new(kind, index, width) {
            prop_assert_eq!(Tile::parse(&tile.path()), Ok(tile));
        }
    }

    #[test]
    fn what_parses_is_written_the_same(path in "tile/(entries|[0-9+]{1,2})/(x?[0-9]{3}/){0,3}x?[0-9]{3}(\\.p/[0-9+]{1,3})?") {
        if let Ok(tile) = Tile::parse(&path) {
            prop_assert_eq!(tile.path(), path);
        }
    }

    #[test]
    fn any_text_is_read_without_panic(path in "\\PC{0,60}") {
        if let Ok(tile) = Tile::parse(&path) {
            prop_assert_eq!(tile.path(), path);
        }
    }

    #[test]
    fn any_node_of_any_log_is_found_or_refused(level in any::<u8>(), index in edges(), size in edges()) {
        let node = NodeId { level, index };
        let exists = node.end().is_some_and(|end| end.0 <= size) && size <= MAX_TREE_SIZE;
        match Tile::holding(node, TreeSize(size)) {
            Ok(tile) => {
                prop_assert!(exists);
                prop_assert!(tile.node(&vec![1; tile.expect_len().unwrap()], &node).is_ok());
                prop_assert_eq!(Tile::parse(&tile.path()), Ok(tile));
            }
            Err(error) => prop_assert!(!exists, "{error}"),
        }
    }

    #[test]
    fn bundles_of_any_bytes_are_read_without_panic(bytes in proptest::collection::vec(0_u8..4, 0..200), width in 0_u16..20) {
        if let Ok(entries) = parse_bundle(&bytes, width) {
            prop_assert_eq!(entries.len(), usize::from(width));
            prop_assert_eq!(encode_bundle(entries).unwrap(), bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn growth_in_any_split_gives_the_same_files(cuts in proptest::collection::vec(0_u64..700, 1..7)) {
        let total: u64 = cuts.iter().sum();
        let leaves = leaves(total);
        let (mut files, mut nodes, mut frontier) = (Files::default(), HashMap::new(), Frontier::new());
        for cut in cuts {
            let old = frontier.size();
            let new = TreeSize(old.0 + cut);
            let range = usize::try_from(old.0).unwrap()..usize::try_from(new.0).unwrap();
            let batch = BatchTree::new(frontier, leaves[range].to_vec()).unwrap();
            nodes.extend(batch.tile_nodes());
            files.grow(old, new, &nodes);
            frontier = batch.frontier().clone();
            // A reader of this size finds the root in the files.
            let plan = root_plan(new).unwrap();
            let hashes: Vec<Hash> = plan.nodes().iter().map(|node| files.node(*node, new)).collect();
            prop_assert_eq!(plan.fold(&hashes).unwrap(), [frontier.root()]);
        }
        let mut at_once = Files::default();
        at_once.grow(TreeSize(0), TreeSize(total), &all_nodes(total));
        let current: BTreeSet<String> = Tile::all_for_size(TreeSize(total)).unwrap().map(|tile| tile.path()).collect();
        files.0.retain(|path, _| current.contains(path));
        prop_assert_eq!(files, at_once);
    }
}
