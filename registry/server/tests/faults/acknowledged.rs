//! What was acknowledged, held outside of the log, and the oracle.

use std::collections::{BTreeMap, HashMap, HashSet};

use sillok_log::Hash;
use sillok_log::audit::{Auditor, LogKind};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::merkle::leaf_hash;
use sillok_log::receipt::Receipt;
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_registry::store::Blobs as _;
use sillok_registry::{Answer, Outcome};

use super::disk::Disk;
use super::signer;

/// What was acknowledged, held outside of the log.
#[derive(Clone, Default)]
pub(crate) struct Acknowledged {
    pub(crate) entries: BTreeMap<u64, Vec<u8>>,
    /// Every checkpoint ever seen: size and root.
    pub(crate) roots: BTreeMap<u64, Hash>,
    /// Signatures that were checked already.
    opened: HashMap<String, Checkpoint>,
}

impl Acknowledged {
    pub(crate) fn take(&mut self, entries: &[Vec<u8>], answer: &Answer) {
        for (entry, outcome) in entries.iter().zip(&answer.results) {
            let Outcome::Logged(logged) = outcome else { panic!("{outcome:?}") };
            let receipt = Receipt::parse(logged.receipt.encode().as_bytes()).unwrap();
            let open = || Checkpoint::open(&receipt.checkpoint, &signer().verifier()).unwrap();
            let checkpoint = self.opened.entry(receipt.checkpoint.clone()).or_insert_with(open).clone();
            receipt.check(&leaf_hash(entry), &checkpoint).unwrap();
            self.see(&checkpoint);
            let before = self.entries.insert(logged.index.0, entry.clone());
            assert!(before.is_none_or(|before| before == *entry), "leaf {} changed", logged.index);
        }
    }

    pub(crate) fn see(&mut self, checkpoint: &Checkpoint) {
        let before = self.roots.insert(checkpoint.size.0, checkpoint.root);
        assert!(before.is_none_or(|before| before == checkpoint.root), "fork at size {}", checkpoint.size);
    }

    /// Replays the public log with the oracle.
    pub(crate) fn audit(&self, disk: &Disk, context: &str) {
        let note = disk.blobs.checkpoint().unwrap().unwrap();
        let public = Checkpoint::open(&note, &signer().verifier()).unwrap();
        let mut auditor = Auditor::new(LogKind::Typed);
        let mut distinct = HashSet::new();
        for number in 0..public.size.0.div_ceil(256) {
            let width = (public.size.0 - number * 256).min(256) as u16;
            let tile = Tile::new(TileKind::Entries, number, width).unwrap();
            let bytes =
                disk.blobs.get(&tile.path()).unwrap().unwrap_or_else(|| panic!("{context}: no {tile}"));
            for entry in parse_bundle(&bytes, width).unwrap() {
                let at = auditor.size().0;
                assert_eq!(auditor.push(entry), None, "{context}: leaf {at}");
                assert!(distinct.insert(entry.to_vec()), "{context}: leaf {at} is there twice");
                if let Some(acknowledged) = self.entries.get(&at) {
                    assert_eq!(acknowledged, entry, "{context}: leaf {at}");
                }
                if let Some(root) = self.roots.get(&(at + 1)) {
                    assert_eq!(*root, auditor.frontier().root(), "{context}: root at {}", at + 1);
                }
                let completed: Vec<_> = if (at + 1).is_multiple_of(256) {
                    auditor.completed_tiles().collect()
                } else {
                    Vec::new()
                };
                for tile in completed {
                    let served = disk.blobs.get(&tile.path()).unwrap();
                    assert_eq!(auditor.judge_tile(&tile, served.as_deref()), None, "{context}");
                }
            }
        }
        for tile in auditor.partial_tiles() {
            let served = disk.blobs.get(&tile.path()).unwrap();
            assert_eq!(auditor.judge_tile(&tile, served.as_deref()), None, "{context}");
        }
        assert_eq!(auditor.judge(&public), vec![], "{context}");
        let last = self.entries.keys().last().copied().unwrap_or(0);
        assert!(public.size.0 > last, "{context}: leaf {last} was acknowledged and is not public");
    }
}
