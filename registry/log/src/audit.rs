//! Pure. The oracle: replays the entries of a log and says what is wrong with it.
//!
//! Whoever has the files drives it: [`Auditor::push`] for each entry in order, [`Auditor::judge_tile`] for each tile
//! that a push completes and for each partial one at the end, [`Auditor::judge`] for the checkpoint, and
//! [`Auditor::check_published_list`] for each published list. A finding stops nothing.
//!
//! # Out of scope
//! Reading files, decoding the renderings of a list, and who signed the checkpoint.
//!
//! # Invariants
//! Memory grows with what [`Ledger`] keeps and, for those who call [`Auditor::push`], by 32 bytes an issue entry: the
//! set that finds duplicates. [`Auditor::push_apart`] leaves them to its caller. Commitments are compared whole: a
//! shortened one would make an honest log look guilty.

use alloc::vec::Vec;

use hashbrown::HashSet;

use crate::checkpoint::Checkpoint;
use crate::entry::{Entry, ListId};
use crate::ledger::{Ledger, Refusal};
use crate::merkle::{Frontier, leaf_hash};
use crate::status::ListState;
use crate::tile::Tile;
use crate::{Hash, LeafIndex, TreeSize};

mod counts;
mod edge;
mod finding;
mod saved;

pub use counts::{Counts, Hours, KeyEventAt, KeyHours, MAX_HOURS};
pub use finding::Finding;

use edge::TileEdge;

/// What a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// Arbitrary bytes, no rule but their length.
    Raw,
    /// The entries of specs/entry.md, under its rules.
    Typed,
}

//= specs/entry.md#raw-logs
impl LogKind {
    /// What the log of this origin holds: every checkpoint says so.
    #[must_use]
    pub fn of_origin(origin: &str) -> Self {
        if origin.ends_with(RAW_SUFFIX) { Self::Raw } else { Self::Typed }
    }
}

/// What came of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// What is wrong with it.
    pub finding: Option<Finding>,
    /// What it says, if it is an issue entry.
    pub issued: Option<Issued>,
}

/// An issue entry, to find a second one with its commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Its position.
    pub at: LeafIndex,
    /// The commitment.
    pub commitment: Hash,
    /// Whether it broke a rule already.
    pub refused: bool,
}

/// The state of an audit between two entries.
#[derive(Clone, Debug)]
pub struct Auditor {
    kind: LogKind,
    frontier: Frontier,
    edge: TileEdge,
    ledger: Ledger,
    commitments: HashSet<Hash>,
    counts: Counts,
}

impl Auditor {
    /// An audit that has seen nothing yet.
    #[must_use]
    pub fn new(kind: LogKind) -> Self {
        Self {
            kind,
            frontier: Frontier::new(),
            edge: TileEdge::new(),
            ledger: Ledger::new(),
            commitments: HashSet::new(),
            counts: Counts::default(),
        }
    }

    /// Takes the next entry and keeps its commitment. One that breaks a rule is in the tree and is reported, but the ledger goes on without it.
    #[must_use]
    pub fn push(&mut self, entry: &[u8]) -> Option<Finding> {
        let Pushed { finding, issued } = self.push_apart(entry);
        let Some(issued) = issued.filter(|issued| !self.commitments.insert(issued.commitment)) else {
            return finding;
        };
        // Also of an entry that breaks another rule: it stands in the log, and a second one would be a duplicate.
        if issued.refused { finding } else { Some(self.judge_duplicate(&issued)) }
    }

    /// Takes the next entry and does not look for duplicates: the caller keeps the commitment, and says so with
    /// [`Auditor::judge_duplicate`] when it finds that it was there before, now or later.
    #[must_use]
    pub fn push_apart(&mut self, entry: &[u8]) -> Pushed {
        let at = LeafIndex(self.frontier.size().0);
        let edge = &mut self.edge;
        let pushed = self.frontier.push_with(leaf_hash(entry), &mut |node, hash| edge.complete(node, &hash));
        if pushed.is_err() {
            return Pushed { finding: Some(Finding::LogFull { at }), issued: None };
        }
        match self.kind {
            LogKind::Raw => Pushed { finding: self.push_raw(entry, at), issued: None },
            LogKind::Typed => self.push_typed(entry, at),
        }
    }

    /// Counts an issue entry whose commitment was in the log before it, and which broke no other rule.
    #[must_use]
    pub fn judge_duplicate(&mut self, issued: &Issued) -> Finding {
        self.counts.add_refused();
        let Issued { at, commitment, refused: _ } = *issued;
        Finding::EntryRefused { at, refusal: Refusal::IssueDuplicate { commitment } }
    }

    //= specs/entry.md#raw-logs
    fn push_raw(&mut self, entry: &[u8], at: LeafIndex) -> Option<Finding> {
        if (1..=MAX_RAW_BYTES).contains(&entry.len()) {
            self.counts.add_foreign();
            return None;
        }
        self.counts.add_malformed();
        Some(Finding::RawLength { at, bytes: entry.len() })
    }

    //= specs/entry.md#ledger-rules
    fn push_typed(&mut self, bytes: &[u8], at: LeafIndex) -> Pushed {
        let entry = match Entry::parse(bytes) {
            Ok(entry) => entry,
            Err(error) => {
                self.counts.add_malformed();
                return Pushed { finding: Some(Finding::EntryMalformed { at, error }), issued: None };
            }
        };
        let finding = match self.ledger.check(&entry, at) {
            Ok(()) => {
                self.ledger.apply(&entry, at);
                self.counts.add(&entry, at);
                None
            }
            Err(refusal) => {
                self.counts.add_refused();
                Some(Finding::EntryRefused { at, refusal })
            }
        };
        let issued = match entry {
            Entry::Issue(issue) => {
                Some(Issued { at, commitment: issue.commitment, refused: finding.is_some() })
            }
            Entry::Bundle(_) | Entry::Key(_) | Entry::List(_) | Entry::Snapshot(_) | Entry::Status(_) => None,
        };
        Pushed { finding, issued }
    }

    /// How many entries were pushed.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        self.frontier.size()
    }

    /// The right edge of the tree over them; its root is what the log must have signed.
    #[must_use]
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// What they add up to.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many there were of what.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Compares a checkpoint, opened, with the entries pushed, which must be all that it covers and no more.
    #[must_use]
    pub fn judge(&self, checkpoint: &Checkpoint) -> Vec<Finding> {
        let (size, root) = (self.frontier.size(), self.frontier.root());
        let mut findings = Vec::new();
        if checkpoint.size != size {
            findings.push(Finding::SizeMismatch { computed: size, stated: checkpoint.size });
        } else if checkpoint.root != root {
            findings.push(Finding::RootMismatch { size, computed: root, stated: checkpoint.root });
        }
        findings
    }

    /// The hash tiles that the last push completed, lowest level first: ask after every 256th push, before the next.
    pub fn completed_tiles(&self) -> impl Iterator<Item = Tile> {
        self.edge.completed(self.frontier.size())
    }

    /// The hash tiles that a log of this size has and that are not full, lowest level first.
    pub fn partial_tiles(&self) -> impl Iterator<Item = Tile> {
        self.edge.partial()
    }

    /// What the bytes of a hash tile must be. Of each level it knows the last tile that has any hash, in each width up
    /// to what there is; `None` for every other.
    #[must_use]
    pub fn expected_tile(&self, tile: &Tile) -> Option<&[u8]> {
        self.edge.expected(tile)
    }

    /// Compares a served hash tile, one of [`Auditor::completed_tiles`] or [`Auditor::partial_tiles`], with the
    /// entries pushed. `served` is `None` if the log does not have it.
    #[must_use]
    pub fn judge_tile(&self, tile: &Tile, served: Option<&[u8]>) -> Option<Finding> {
        match (served, self.edge.expected(tile)) {
            (None, _) => Some(Finding::TileMissing { tile: *tile }),
            (Some(served), Some(expected)) if served == expected => None,
            (Some(_), _) => Some(Finding::TileMismatch { tile: *tile }),
        }
    }

    //= specs/status.md#fold
    /// Compares a published list, decoded, bit by bit with the fold that its last snapshot entry names.
    ///
    /// `sequence` is that of the published snapshot. A list published after the checkpoint that is audited has a later
    /// one; fetch lists before the checkpoint.
    #[must_use]
    pub fn check_published_list(&self, list: ListId, state: &ListState, sequence: u64) -> Option<Finding> {
        let Some(record) = self.ledger.list(list) else {
            return Some(Finding::ListUnknown { list });
        };
        let last = record.last_snapshot().map(|(snapshot, _index)| snapshot);
        let logged = last.map_or(0, |snapshot| snapshot.sequence);
        let Some(snapshot) = last.filter(|snapshot| snapshot.sequence == sequence) else {
            return Some(Finding::ListSequence { list, logged, published: sequence });
        };
        let slot = match record.state_at(snapshot.fold_size) {
            Some(fold) => fold.first_difference(state),
            // The fold of the last snapshot is always kept.
            None => Some(0),
        };
        slot.map(|slot| Finding::ListMismatch { list, slot })
    }
}

/// Longest entry of a raw log in bytes: what the u16 before each entry of a bundle can say (C2SP tlog-tiles).
const MAX_RAW_BYTES: usize = 65_535;

/// How the origin of a raw log ends, and of no other.
pub const RAW_SUFFIX: &str = "/raw";
