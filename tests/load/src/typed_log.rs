//! A typed log in a folder, as an authority leaves it behind: written by the pure crate alone, a tile at a time, so that fifty
//! million entries take a minute and no memory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sillok_log::Hash;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{
    Entry, Issue, IssuerHash, Key, KeyEvent, List, ListId, Snapshot, Status, StatusValue, Thumbprint,
};
use sillok_log::merkle::{Frontier, leaf_hash};
use sillok_log::note::SignerKey;
use sillok_log::status::ListState;
use sillok_log::tile::{Tile, TileKind, encode_bundle};
use sillok_log::{TreeSize, UnixSeconds};

/// What is written.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Entries altogether.
    pub entries: u64,
    /// Entries from one snapshot to the next; the lists take turns.
    pub snapshot_every: u64,
    /// What the random parts follow from.
    pub seed: u64,
}

/// What there is of it.
#[derive(Debug)]
pub struct Written {
    /// The lists as they are published, each with the sequence of its last snapshot.
    pub lists: Vec<(ListState, u64)>,
    /// Issue entries.
    pub issued: u64,
    /// Status entries.
    pub changes: u64,
    /// Snapshot entries.
    pub snapshots: u64,
}

/// Writes tiles, bundles and the checkpoint: one key, a list for each 2^20 entries, then issue entries and, of each fifty entries,
/// one status entry, eight of ten of them revocations.
///
/// # Errors
/// The folder cannot be written.
pub fn write(folder: &Path, key: &SignerKey, plan: Plan) -> Result<Written> {
    let mut files = Files::new(folder);
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let event = KeyEvent::Added;
    let added = Key { issuer: ISSUER, key: ISSUER_KEY, event, time: UnixSeconds(START), cuts: Vec::new() };
    files.append(&Entry::Key(added))?;
    let count = plan.entries.div_ceil(SLOTS).max(1);
    let mut lists = Vec::new();
    for number in 1..=count {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        let list = ListId(id);
        files.append(&Entry::List(List { list, issuer: ISSUER, size: SLOTS }))?;
        lists.push(Open::new(list)?);
    }
    let mut written = Written { lists: Vec::new(), issued: 0, changes: 0, snapshots: 0 };
    // The last entries are the last snapshots, so that every list is published as it is.
    let turn = |number: u64| usize::try_from(number % count).unwrap_or(0);
    while files.size() + count < plan.entries {
        let at = files.size();
        let time = UnixSeconds((START + at / ENTRIES_AN_HOUR * 3_600).next_multiple_of(3_600));
        if at.is_multiple_of(plan.snapshot_every.max(1)) {
            files.append(&lists[turn(written.snapshots)].snapshot(at, time))?;
            written.snapshots += 1;
        } else if at.is_multiple_of(CHANGED_OF) {
            files.append(&lists[turn(written.changes)].change(written.changes / count, time)?)?;
            written.changes += 1;
        } else {
            let mut hash = || Hash(std::array::from_fn(|_byte| random.u8(..)));
            let (commitment, provenance) = (hash(), hash());
            files.append(&Entry::Issue(Issue { commitment, issuer_key: ISSUER_KEY, provenance, time }))?;
            written.issued += 1;
        }
    }
    for list in &mut lists {
        files.append(&list.snapshot(files.size(), UnixSeconds(START)))?;
        written.snapshots += 1;
    }
    files.end(key)?;
    written.lists = lists.into_iter().map(|list| (list.state, list.sequence)).collect();
    Ok(written)
}

/// A list that is being written.
struct Open {
    state: ListState,
    sequence: u64,
    /// Slots that were changed.
    used: u64,
    suspended: Option<u32>,
}

impl Open {
    fn new(list: ListId) -> Result<Self> {
        Ok(Self { state: ListState::new(list, SLOTS)?, sequence: 0, used: 0, suspended: None })
    }

    fn snapshot(&mut self, size: u64, issued: UnixSeconds) -> Entry {
        self.sequence += 1;
        Entry::Snapshot(Snapshot {
            list: self.state.list(),
            sequence: self.sequence,
            digest: self.state.digest(),
            fold_size: TreeSize(size),
            issued,
            not_after: UnixSeconds(issued.0 + 86_400),
        })
    }

    /// The next change: of ten, one suspends, the one after it reinstates, and eight revoke.
    fn change(&mut self, number: u64, time: UnixSeconds) -> Result<Entry> {
        let (index, value, change) = match (number % 10, self.suspended.take()) {
            (_any, Some(index)) => (index, StatusValue::Valid, 1),
            (4, None) => {
                let index = self.fresh();
                self.suspended = Some(index);
                (index, StatusValue::Suspended, 0)
            }
            (_other, None) => (self.fresh(), StatusValue::Revoked, 0),
        };
        self.state.set(index, value)?;
        Ok(Entry::Status(Status { list: self.state.list(), index, value, change, time }))
    }

    /// A slot that was not changed before, somewhere: an odd factor leaves none out.
    fn fresh(&mut self) -> u32 {
        let slot = self.used.wrapping_mul(0x9e37_79b1) % SLOTS;
        self.used += 1;
        u32::try_from(slot).unwrap_or(0)
    }
}

/// The files of a log that grows: of each level what its last tile has so far.
struct Files {
    folder: PathBuf,
    frontier: Frontier,
    bundle: Vec<Vec<u8>>,
    levels: Vec<Vec<Hash>>,
    made: PathBuf,
}

impl Files {
    fn new(folder: &Path) -> Self {
        let (bundle, levels) = (Vec::with_capacity(WIDTH), Vec::new());
        Self { folder: folder.into(), frontier: Frontier::new(), bundle, levels, made: PathBuf::new() }
    }

    fn size(&self) -> u64 {
        self.frontier.size().0
    }

    fn append(&mut self, entry: &Entry) -> Result<()> {
        let bytes = entry.encode();
        let levels = &mut self.levels;
        self.frontier.push_with(leaf_hash(&bytes), &mut |node, hash| {
            if node.level.is_multiple_of(8) {
                let level = usize::from(node.level / 8);
                levels.resize(levels.len().max(level + 1), Vec::new());
                levels[level].push(hash);
            }
        })?;
        self.bundle.push(bytes);
        if self.bundle.len() == WIDTH {
            self.flush(true)?;
        }
        Ok(())
    }

    /// Writes the bundle and the tiles that are full, or, at the end, all of them.
    fn flush(&mut self, full: bool) -> Result<()> {
        let size = self.size();
        if !self.bundle.is_empty() {
            let bundle = std::mem::take(&mut self.bundle);
            self.tile(TileKind::Entries, (size - 1) / WIDTH as u64, bundle.len(), &encode_bundle(&bundle)?)?;
        }
        for level in 0..self.levels.len() {
            let width = self.levels[level].len();
            if width == 0 || (full && width < WIDTH) {
                continue;
            }
            let nodes = size.checked_shr(u32::try_from(level * 8)?).unwrap_or(0);
            let bytes: Vec<u8> = self.levels[level].drain(..).flat_map(|hash| hash.0).collect();
            self.tile(TileKind::Hashes(u8::try_from(level)?), (nodes - 1) / WIDTH as u64, width, &bytes)?;
        }
        Ok(())
    }

    fn tile(&mut self, kind: TileKind, index: u64, width: usize, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(Tile::new(kind, index, u16::try_from(width)?)?.path());
        let parent = path.parent().unwrap_or(&self.folder);
        if self.made != parent {
            fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
            self.made = parent.into();
        }
        fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))
    }

    fn end(mut self, key: &SignerKey) -> Result<()> {
        self.flush(false)?;
        let (size, root) = (self.frontier.size(), self.frontier.root());
        let note = Checkpoint { origin: key.name().into(), size, root }.sign(key)?;
        let path = self.folder.join("checkpoint");
        fs::write(&path, note).with_context(|| format!("write {}", path.display()))
    }
}

/// Entries of a full bundle, hashes of a full tile (C2SP tlog-tiles).
const WIDTH: usize = 256;

/// Slots of a list: an issuer opens another when a million credentials are in it.
const SLOTS: u64 = 1 << 20;

/// One entry of so many is a change of status: 2 %.
const CHANGED_OF: u64 = 50;

/// Fifty million a year.
const ENTRIES_AN_HOUR: u64 = 5_700;

/// 2027-01-01T00:00:00Z.
const START: u64 = 1_798_761_600;

const ISSUER: IssuerHash = IssuerHash([1; 32]);
const ISSUER_KEY: Thumbprint = Thumbprint([2; 32]);

#[cfg(test)]
mod tests {
    use sillok_client::{Audit, Source};
    use sillok_log::audit::LogKind;
    use sillok_log::note::SignatureKind;

    use super::*;

    #[test]
    fn what_is_written_is_a_good_log_to_the_last_bit_of_its_lists() {
        let key = SignerKey::from_seed("load.example/log", SignatureKind::Ed25519, &[7; 32]).unwrap();
        for entries in [1_000, 1_024, 66_000] {
            let folder = tempfile::tempdir().unwrap();
            let plan = Plan { entries, snapshot_every: 500, seed: 7 };
            let written = write(folder.path(), &key, plan).unwrap();
            let source = Source::open(folder.path().to_str().unwrap()).unwrap();
            let verifier = key.verifier();
            let mut audit = Audit::new(&source, &verifier, LogKind::Typed);
            audit.advance(&mut |_progress| {}).unwrap();
            for (state, sequence) in &written.lists {
                assert_eq!(audit.auditor().check_published_list(state.list(), state, *sequence), None);
            }
            let report = audit.finish().unwrap();
            assert_eq!((report.findings.total(), report.replayed.0), (0, entries), "{:?}", report.findings);
            assert!(report.unchecked.is_empty(), "{:?}", report.unchecked);
            assert_eq!(written.issued + written.changes + written.snapshots + 2, entries);
        }
    }
}
