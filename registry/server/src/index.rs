//! Recognises an entry that is in the log already: [`Seen`] for what is noted there, memory for what is not yet, and
//! the log itself as the judge of every hit.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use sillok_log::audit::LogKind;
use sillok_log::entry::Entry;
use sillok_log::ledger::Ledger;
use sillok_log::merkle::leaf_hash;
use sillok_log::tile::{TileKind, parse_bundle};
use sillok_log::{Hash, LeafIndex, TreeSize};

use crate::sequencer::answer::prove;
use crate::sequencer::plan::{Item, Known, Plan, seen_key};
use crate::sequencer::tiles::{Tiles, VerifiedTiles};
use crate::sequencer::{Fatal, Signed};
use crate::store::{Blobs, Seen, SeenBatch, SeenKey};

/// What the sequencer asks. Owned by its thread.
pub(crate) struct Index {
    seen: Arc<dyn Seen>,
    blobs: Arc<dyn Blobs>,
    /// Keys of committed entries that may not be noted yet.
    recent: HashMap<SeenKey, (LeafIndex, Hash)>,
    /// The same by batch: once its size is noted, its keys leave `recent`.
    batches: VecDeque<(TreeSize, Vec<SeenKey>)>,
    /// The bundle read last, for the size that was public then: retries come in runs.
    bundle: Option<(u64, Vec<u8>, u16)>,
}

impl Index {
    pub(crate) fn new(seen: Arc<dyn Seen>, blobs: Arc<dyn Blobs>) -> Self {
        Self { seen, blobs, recent: HashMap::new(), batches: VecDeque::new(), bundle: None }
    }

    /// What is known about the key of an entry. `noted` is a size up to which everything is noted, `public` at least as
    /// large a tree that is public.
    pub(crate) fn find(
        &mut self,
        item: &Item,
        noted: TreeSize,
        public: &Signed,
    ) -> Result<Option<Known>, Fatal> {
        if item.known.is_some() {
            return Ok(item.known);
        }
        let Some(key) = item.key() else { return Ok(None) };
        if let Some((index, leaf)) = self.recent.get(&key) {
            return Ok(Some(if *leaf == item.leaf { Known::Same(*index) } else { Known::Other }));
        }
        let found = self.seen.find(&key).map_err(Fatal::store("asking the index"))?;
        // A place beyond what is noted comes from a batch that is being noted now, and would be in `recent`.
        let Some(index) = found.filter(|index| index.0 < noted.0) else { return Ok(None) };
        let Some(bytes) = self.entry(index, noted)? else { return Ok(None) };
        if bytes == item.bytes {
            return Ok(Some(Known::Same(index)));
        }
        // The index is wrong about the place, the log has another entry of this key, or the bundle is damaged. A damaged
        // entry must not make a known one look new: what stands there is believed only if the signed root proves it.
        let leaf = leaf_hash(&bytes);
        match prove(self.blobs.as_ref(), public, index, &leaf) {
            Ok(_receipt) => {}
            Err(Fatal::Proof { .. }) => {
                let tile = Tiles::new(self.blobs.as_ref(), noted).tile(TileKind::Entries, index.0 / 256)?;
                return Err(Fatal::TileWrong { path: tile.path() });
            }
            Err(other) => return Err(other),
        }
        // The index may forget, and must not invent: only an entry that has this very key counts.
        let other = Entry::parse(&bytes).is_ok_and(|entry| seen_key(&entry, leaf) == key);
        Ok(other.then_some(Known::Other))
    }

    /// Finds those entries that are in the public log already, and those whose key another one has there. For whoever
    /// submits, on a thread of its own: what is not found, or cannot be read, the sequencer looks up again.
    pub(crate) fn recognise(&mut self, items: &mut [Item], noted: TreeSize, public: &Signed) {
        for item in items {
            item.known = self.find(item, noted, public).unwrap_or(None);
        }
    }

    fn entry(&mut self, index: LeafIndex, public: TreeSize) -> Result<Option<Vec<u8>>, Fatal> {
        let (number, position) = (index.0 / 256, (index.0 % 256) as usize);
        let held =
            self.bundle.as_ref().filter(|(held, _, width)| *held == number && position < usize::from(*width));
        if held.is_none() {
            let (bytes, width) = Tiles::new(self.blobs.as_ref(), public).unverified_bundle(number)?;
            self.bundle = Some((number, bytes, width));
        }
        let Some((_number, bytes, width)) = &self.bundle else { return Ok(None) };
        Ok(parse_bundle(bytes, *width)?.get(position).map(|entry| entry.to_vec()))
    }

    /// Takes in a batch that is about to be committed, and forgets what is noted meanwhile.
    pub(crate) fn add(&mut self, plan: &Plan, noted: TreeSize) {
        while let Some((_size, keys)) = self.batches.pop_front_if(|(size, _keys)| *size <= noted) {
            for key in keys {
                self.recent.remove(&key);
            }
        }
        if plan.seen.keys.is_empty() {
            return;
        }
        for (key, index) in &plan.seen.keys {
            let position = index.0.saturating_sub(plan.start.0) as usize;
            if let Some(leaf) = plan.leaves.get(position) {
                self.recent.insert(*key, (*index, *leaf));
            }
        }
        let keys = plan.seen.keys.iter().map(|(key, _index)| *key).collect();
        self.batches.push_back((plan.size(), keys));
    }
}

/// Brings `seen` up to the published log and returns the ledger of its entries.
///
/// What `seen` says about the ledger's state is checked leaf by leaf; if any of it is wrong, all of it is forgotten
/// and read from the log again. `edge` is the verified right edge of the published tree. `progress` is told how far
/// it is, and says whether to go on.
pub(crate) fn catch_up(
    seen: &dyn Seen,
    blobs: &dyn Blobs,
    public: &Signed,
    kind: LogKind,
    edge: &[Vec<Hash>],
    progress: &mut dyn FnMut(TreeSize) -> bool,
) -> Result<Option<Ledger>, Fatal> {
    match kind {
        LogKind::Raw => return Ok(Some(Ledger::new())),
        LogKind::Typed => {}
    }
    let size = public.size();
    let mut tiles = VerifiedTiles::new(blobs, size, edge.to_vec());
    let mut at = seen.watermark().map_err(Fatal::store("opening the index"))?;
    let mut ledger = match replay_controls(seen, &mut tiles, at, size)? {
        Some(ledger) => ledger,
        None => {
            seen.clear().map_err(Fatal::store("clearing the index"))?;
            at = TreeSize(0);
            Ledger::new()
        }
    };
    while at < size {
        if !progress(at) {
            return Ok(None);
        }
        let mut batch = SeenBatch::default();
        let end = size.0.min((at.0 / 256 + BUNDLES_A_BATCH) * 256);
        for number in at.0 / 256..end.div_ceil(256) {
            for (index, bytes) in (number * 256..).zip(tiles.entries(number)?) {
                if index >= at.0 {
                    scan_entry(&mut ledger, &mut batch, LeafIndex(index), bytes)?;
                }
            }
        }
        batch.watermark = TreeSize(end);
        seen.note(&batch).map_err(Fatal::store("noting entries in the index"))?;
        at = batch.watermark;
    }
    Ok(Some(ledger))
}

/// The ledger that the noted controls add up to; nothing unless each of them is in the log at its place.
fn replay_controls(
    seen: &dyn Seen,
    tiles: &mut VerifiedTiles<'_>,
    watermark: TreeSize,
    size: TreeSize,
) -> Result<Option<Ledger>, Fatal> {
    if watermark > size {
        return Ok(None);
    }
    let mut ledger = Ledger::new();
    let mut wrong = false;
    let mut failed = None;
    let visited = seen.visit_controls(&mut |index, bytes| {
        match tiles.leaf(index) {
            Ok(leaf) => wrong = index.0 >= watermark.0 || leaf != Some(leaf_hash(bytes)),
            Err(error) => failed = Some(error),
        }
        match Entry::parse(bytes) {
            // It was judged before it got into the log, or when it was scanned, and has just been found there. To judge it
            // again would fold a list for every snapshot that there ever was, at each opening.
            Ok(entry) if !wrong && failed.is_none() => {
                ledger.apply(&entry, index);
                true
            }
            _wrong => {
                wrong = true;
                false
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    // Controls that cannot be read, or not all, are as good as none.
    Ok((visited.is_ok() && !wrong).then_some(ledger))
}

fn scan_entry(
    ledger: &mut Ledger,
    batch: &mut SeenBatch,
    at: LeafIndex,
    bytes: Vec<u8>,
) -> Result<(), Fatal> {
    let entry = Entry::parse(&bytes).map_err(|source| Fatal::EntryMalformed { at, source })?;
    ledger.check(&entry, at).map_err(|refusal| Fatal::EntryRefused { at, refusal })?;
    ledger.apply(&entry, at);
    batch.keys.push((seen_key(&entry, leaf_hash(&bytes)), at));
    if !matches!(entry, Entry::Issue(_)) {
        batch.controls.push((at, bytes));
    }
    Ok(())
}

/// Bundles noted at once: 4,096 entries, after which it is asked whether to go on.
const BUNDLES_A_BATCH: u64 = 16;

#[cfg(test)]
mod tests;
