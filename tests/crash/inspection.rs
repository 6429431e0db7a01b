//! What a log publishes, read from outside once its writer has started again, and held against what was promised.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use sillok_client::{Audit, Source};
use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::Entry;
use sillok_log::merkle::{NodeId, check_consistency, consistency_plan};
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{Hash, LeafIndex, TreeSize};

use super::acknowledged::Acknowledged;
use super::writer::Folder;

/// A whole log, as it is published.
pub(crate) struct Inspection {
    checkpoint: Checkpoint,
    entries: Vec<Vec<u8>>,
    places: HashMap<Vec<u8>, LeafIndex>,
    source: Source,
    tiles: RefCell<HashMap<Tile, Vec<u8>>>,
}

impl Inspection {
    /// Reads the log at `place`, its URL or its folder, and lets the oracle judge it.
    pub(crate) fn of(folder: &Folder, place: &str) -> Self {
        let source = Source::open(place).unwrap_or_else(|error| panic!("{error}"));
        let checkpoint = audit(&source, folder);
        let mut entries = Vec::new();
        for tile in Tile::all_for_size(checkpoint.size).expect("a size that the log signed") {
            if tile.kind() == TileKind::Entries {
                let bytes = fetch(&source, &tile);
                let bundle = parse_bundle(&bytes, tile.width()).expect("a bundle of its width");
                entries.extend(bundle.into_iter().map(<[u8]>::to_vec));
            }
        }
        assert_eq!(entries.len() as u64, checkpoint.size.0, "the bundles hold what the checkpoint covers");
        let places =
            entries.iter().zip(0..).map(|(entry, index)| (entry.clone(), LeafIndex(index))).collect();
        let found = Self { checkpoint, entries, places, source, tiles: RefCell::default() };
        found.expect_each_once();
        found
    }

    /// No entry and no commitment stands twice.
    fn expect_each_once(&self) {
        assert_eq!(self.places.len(), self.entries.len(), "an entry is in the log twice");
        let mut commitments = HashSet::new();
        for entry in &self.entries {
            if let Entry::Issue(issue) = Entry::parse(entry).expect("a typed log holds entries") {
                assert!(
                    commitments.insert(issue.commitment),
                    "commitment {:?} stands twice",
                    issue.commitment
                );
            }
        }
    }

    /// The log went on from what was seen before the kill.
    pub(crate) fn follows(&self, before: Option<&Self>) {
        if let Some(before) = before {
            self.extends(&before.checkpoint);
        }
    }

    /// Everything that was acknowledged is there, where it was promised, and no signed checkpoint is contradicted.
    pub(crate) fn holds(&self, acknowledged: &Acknowledged) {
        assert_eq!(self.lost(acknowledged), Vec::new(), "acknowledged entries are not at their places");
        acknowledged.checkpoints().for_each(|promised| self.extends(promised));
    }

    /// Where entries were promised to be, and are not.
    pub(crate) fn lost(&self, acknowledged: &Acknowledged) -> Vec<LeafIndex> {
        let here = |index: LeafIndex| usize::try_from(index.0).ok().and_then(|index| self.entries.get(index));
        let promised = acknowledged.entries();
        promised
            .filter(|(entry, index)| here(*index).map(Vec::as_slice) != Some(entry))
            .map(|(_entry, index)| index)
            .collect()
    }

    /// What contradicts the published checkpoint among those that were answered.
    pub(crate) fn forks(&self, acknowledged: &Acknowledged) -> Vec<String> {
        acknowledged.checkpoints().filter_map(|promised| self.contradiction(promised)).collect()
    }

    /// The same of what is public so far, by a writer that cannot publish all that it has committed.
    pub(crate) fn contradicted_so_far(&self, acknowledged: &Acknowledged) -> bool {
        let public = acknowledged.checkpoints().filter(|promised| promised.size <= self.checkpoint.size);
        let lost = self.lost(acknowledged).into_iter().any(|index| index.0 < self.checkpoint.size.0);
        lost || public.filter_map(|promised| self.contradiction(promised)).next().is_some()
    }

    fn extends(&self, earlier: &Checkpoint) {
        assert_eq!(self.contradiction(earlier), None);
    }

    /// Why the published checkpoint is not consistent with one that was signed earlier, by a proof made from the tiles.
    fn contradiction(&self, earlier: &Checkpoint) -> Option<String> {
        let (old, new) = (earlier.size, self.checkpoint.size);
        if old > new {
            return Some(format!("the log went back from size {old} to {new}"));
        }
        let plan = consistency_plan(old, new).expect("sizes in order");
        let hashes: Vec<Hash> = plan.nodes().iter().map(|node| self.node(*node)).collect();
        let proof = plan.fold(&hashes).expect("one hash for each node");
        let checked = check_consistency(old, &earlier.root, new, &self.checkpoint.root, &proof);
        checked.err().map(|error| format!("size {new} does not extend the signed size {old}: {error}"))
    }

    fn node(&self, node: NodeId) -> Hash {
        let tile = Tile::holding(node, self.checkpoint.size).expect("a node of this tree");
        let mut tiles = self.tiles.borrow_mut();
        let bytes = tiles.entry(tile).or_insert_with(|| fetch(&self.source, &tile));
        tile.node(bytes, &node).expect("a node of its tile")
    }

    /// Where an entry is, if it is in the log.
    pub(crate) fn place_of(&self, entry: &[u8]) -> Option<LeafIndex> {
        self.places.get(entry).copied()
    }

    /// All of them, in order.
    pub(crate) fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }

    /// How many credentials the log says were issued.
    pub(crate) fn issue_entries(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(Entry::parse(entry), Ok(Entry::Issue(_)))).count()
    }

    /// What it was judged by.
    pub(crate) const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    pub(crate) const fn size(&self) -> TreeSize {
        self.checkpoint.size
    }
}

fn fetch(source: &Source, tile: &Tile) -> Vec<u8> {
    let bytes = source.tile(tile).unwrap_or_else(|error| panic!("{error}"));
    bytes.unwrap_or_else(|| panic!("{} is missing", tile.path()))
}

/// Lets the one oracle of the house judge everything, and returns the checkpoint that it judged.
fn audit(source: &Source, folder: &Folder) -> Checkpoint {
    let mut audit = Audit::new(source, folder.log_key(), LogKind::Typed);
    audit.advance(&mut |_progress| {}).unwrap_or_else(|error| panic!("{error}"));
    let report = audit.finish().expect("a checkpoint was read");
    assert_eq!(report.findings.kept(), [], "the oracle has findings");
    assert_eq!(report.unchecked, [], "the oracle could not look at everything");
    assert_eq!(report.replayed, report.checkpoint.size, "the oracle replays everything");
    report.checkpoint
}
