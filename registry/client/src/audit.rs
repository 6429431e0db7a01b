//! Audits a published log: streams its files through the oracle of `sillok-log`.
//!
//! [`Audit::advance`] reads the newest checkpoint and replays every entry up to it; every tile of every level is
//! compared with what the entries make. Called again, it goes on from there to a newer checkpoint, which must be of
//! the same history. [`Audit::open`] goes on from a file.
//!
//! # Out of scope
//! Published status lists: whoever can decode them asks [`Audit::auditor`] and adds what it finds.
//!
//! # Invariants
//! A finding stops nothing that can still be checked. What could not be checked is said, never left out. An audit in
//! parts finds what one at once finds, and takes memory that does not grow with the log.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::thread;

use sillok_log::audit::{Auditor, Counts, Finding, LogKind, Pushed};
use sillok_log::checkpoint::{self, Checkpoint};
use sillok_log::note::VerifierKey;
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{LeafIndex, TreeSize};

use crate::source::{Source, SourceError};

mod commitments;
mod evidence;
mod fetch;
mod history;
mod state;

pub use evidence::{EvidenceError, parse_evidence, write_evidence};
pub use history::{History, Signed, compare};
pub use sillok_log::evidence::{Claim, Evidence};
pub use state::StateError;

use commitments::Commitments;
use fetch::{Fetched, Served};

/// An audit of one log.
#[derive(Debug)]
pub struct Audit<'a> {
    source: &'a Source,
    key: &'a VerifierKey,
    auditor: Auditor,
    commitments: Commitments,
    findings: Findings,
    evidence: Vec<Evidence>,
    unchecked: Vec<Unchecked>,
    /// The last one that was of the same history as those before.
    checkpoint: Option<Signed>,
    /// The last bundle, if it is not full: its successor begins with it.
    partial: Vec<u8>,
    /// A file is missing or malformed: what comes after it could not be replayed.
    broken: Option<Unchecked>,
    /// Where the state is kept, and the size at which it was saved last.
    state: Option<(PathBuf, TreeSize)>,
    /// Entries that are replayed between two saves.
    saved_every: u64,
    /// Held as long as the state is in use.
    _lock: Option<File>,
}

/// Something that the audit could not look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    /// What it is.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A finding in words: those of earlier runs of an audit are kept so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The stable code.
    pub code: String,
    /// The entry that it is about, if it is about one.
    pub at: Option<u64>,
    /// What is wrong.
    pub detail: String,
}

impl From<&Finding> for Told {
    fn from(finding: &Finding) -> Self {
        let at = finding.at().map(|at| at.0);
        Self { code: finding.code().into(), at, detail: finding.to_string() }
    }
}

/// Findings: the first [`MAX_FINDINGS`] of them, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    earlier: Vec<Told>,
    kept: Vec<Finding>,
    total: u64,
}

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The checkpoint that was audited.
    pub checkpoint: Checkpoint,
    /// The signed note that says it.
    pub note: String,
    /// What shows that the log signed two histories, or went back.
    pub evidence: Vec<Evidence>,
    /// How many entries were replayed.
    pub replayed: TreeSize,
    /// How many entries there were of what.
    pub counts: Counts,
    /// What is wrong.
    pub findings: Findings,
    /// What could not be checked.
    pub unchecked: Vec<Unchecked>,
}

/// How far an audit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Entries replayed.
    pub done: u64,
    /// Entries to replay.
    pub total: u64,
}

/// Why an audit could not begin.
#[derive(Debug)]
pub enum AuditError {
    /// The checkpoint is not the log's.
    Checkpoint {
        /// Where it was read.
        place: String,
        /// What is wrong with it.
        source: checkpoint::Error,
    },
    /// The checkpoint could not be read.
    Source(SourceError),
    /// The state could not be read or written.
    State(StateError),
    /// The files for the commitments could not be read or written.
    Work {
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl std::fmt::Display for AuditError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Checkpoint { place, source } => {
                write!(f, "{place} does not open under the log's key: {source}")
            }
            Self::Source(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
            Self::Work { source } => write!(f, "could not keep the commitments of the log: {source}"),
        }
    }
}

impl std::error::Error for AuditError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint { source, .. } => Some(source),
            Self::Source(error) => Some(error),
            Self::State(error) => Some(error),
            Self::Work { source } => Some(source),
        }
    }
}

impl Findings {
    /// All that are kept, in words, in the order of their entries, those about no entry last.
    #[must_use]
    pub fn rows(&self) -> Vec<Told> {
        let mut rows: Vec<Told> =
            self.earlier.iter().cloned().chain(self.kept.iter().map(Told::from)).collect();
        rows.sort_by_key(|row| row.at.unwrap_or(u64::MAX));
        rows
    }

    /// Those of this run and not of one that it goes on from.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    fn has(&self, finding: &Finding) -> bool {
        self.kept.contains(finding) || (!self.earlier.is_empty() && self.earlier.contains(&finding.into()))
    }

    /// What is not about an entry may be looked at again, and is one finding.
    fn push(&mut self, finding: Finding) {
        if finding.at().is_none() && self.has(&finding) {
            return;
        }
        self.total += 1;
        if self.earlier.len() + self.kept.len() < MAX_FINDINGS {
            self.kept.push(finding);
        }
    }
}

impl<'a> Audit<'a> {
    /// An audit that has read nothing yet and keeps no state.
    #[must_use]
    pub fn new(source: &'a Source, key: &'a VerifierKey, kind: LogKind) -> Self {
        Self {
            source,
            key,
            auditor: Auditor::new(kind),
            commitments: Commitments::new(),
            findings: Findings::default(),
            evidence: Vec::new(),
            unchecked: Vec::new(),
            checkpoint: None,
            partial: Vec::new(),
            broken: None,
            state: None,
            saved_every: SAVED_EVERY,
            _lock: None,
        }
    }

    //= specs/audit.md#saved-state
    /// An audit that goes on from the state in a file, or begins one there. The folder beside it, `path` with `.d`,
    /// holds its commitments and its evidence.
    ///
    /// # Errors
    /// [`StateError`]: among others, the state is of another log, or in use.
    pub fn open(
        source: &'a Source,
        key: &'a VerifierKey,
        kind: LogKind,
        path: &Path,
    ) -> Result<Self, StateError> {
        let (folder, mut audit) = (state::folder(path), Self::new(source, key, kind));
        let io = |operation, path: &Path| {
            let path = path.to_path_buf();
            move |source| StateError::Io { operation, path, source }
        };
        std::fs::create_dir_all(&folder).map_err(io("make", &folder))?;
        let lock = File::create(folder.join("lock")).map_err(io("make", &folder))?;
        lock.try_lock().map_err(|error| io("lock", path)(error.into()))?;
        audit._lock = Some(lock);
        let saved = state::load(path, key)?;
        let runs = saved.as_ref().map(|(_auditor, saved)| saved.runs.clone()).unwrap_or_default();
        audit.commitments =
            Commitments::open(folder.clone(), runs).map_err(io("read the commitments in", &folder))?;
        if let Some((auditor, saved)) = saved {
            audit.auditor = auditor;
            audit.findings = Findings { earlier: saved.found, kept: Vec::new(), total: saved.found_total };
            audit.unchecked = saved.unchecked;
            audit.checkpoint = saved.checkpoint;
            audit.partial = saved.partial;
        }
        audit.state = Some((path.into(), audit.auditor.size()));
        Ok(audit)
    }

    /// Saves the state whenever so many entries were replayed, instead of [`SAVED_EVERY`].
    pub const fn save_every(&mut self, entries: u64) {
        self.saved_every = entries;
    }

    /// Reads the newest checkpoint and replays the log up to it. `progress` is told after each bundle.
    ///
    /// # Errors
    /// There is no checkpoint, or it is not signed by the log's key: there is nothing to audit against. The state
    /// could not be saved.
    pub fn advance(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), AuditError> {
        let note = self.source.checkpoint().map_err(AuditError::Source)?;
        self.advance_to((self.source.name("checkpoint"), note), progress)
    }

    /// The same up to a checkpoint from elsewhere, such as one that awaits cosignatures, given with where it is from.
    ///
    /// # Errors
    /// As [`Audit::advance`].
    pub fn advance_to(
        &mut self,
        (place, note): (String, String),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), AuditError> {
        let checkpoint =
            Checkpoint::open(&note, self.key).map_err(|source| AuditError::Checkpoint { place, source })?;
        let now = Signed { checkpoint, note };
        if !self.is_of_same_history(&now)? {
            return self.save();
        }
        let size = now.checkpoint.size;
        // What was missing may be there by now: a broken replay begins again where it ended.
        self.broken = None;
        self.checkpoint = Some(now);
        if size > self.auditor.size() {
            self.replay(size, progress)?;
            if self.broken.is_none() {
                self.judge_partial_tiles();
            }
        }
        if let (None, Some(now)) = (&self.broken, &self.checkpoint) {
            self.auditor.judge(&now.checkpoint).into_iter().for_each(|finding| self.findings.push(finding));
        }
        self.settle()?;
        self.save()
    }

    /// Compares a checkpoint with the one before it. What shows that they are of two histories is found once.
    fn is_of_same_history(&mut self, now: &Signed) -> Result<bool, AuditError> {
        let Some(before) = &self.checkpoint else { return Ok(true) };
        let sizes = (before.checkpoint.size, now.checkpoint.size);
        let (finding, evidence) = match compare(self.source, before, now) {
            History::Grown => return Ok(true),
            // Where the entries led to the root before, they have to lead to this one, too.
            History::Unknown(_why)
                if self.auditor.size() == sizes.0
                    && self.auditor.frontier().root() == before.checkpoint.root =>
            {
                return Ok(true);
            }
            History::Unknown(why) => {
                let what = format!("that {} entries follow {} of the same log", sizes.1, sizes.0);
                self.could_not_check(what, why);
                return Ok(true);
            }
            History::Forked(evidence) => {
                let (older, newer) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
                (Finding::Forked { older, newer }, evidence)
            }
            History::Shrank(evidence) => (Finding::Shrank { seen: sizes.0, stated: sizes.1 }, evidence),
        };
        if !self.findings.has(&finding) {
            self.findings.push(finding);
            if let Some((path, _size)) = &self.state {
                let path = state::folder(path).join(evidence.file_name(self.key));
                write_evidence(&evidence, &path, self.key).map_err(AuditError::State)?;
            }
            self.evidence.push(evidence);
        }
        Ok(false)
    }

    /// Looks for commitments that were there before.
    fn settle(&mut self) -> Result<(), AuditError> {
        let (auditor, findings) = (&mut self.auditor, &mut self.findings);
        let settled = self.commitments.settle(&mut |issued| {
            // An entry is found once.
            if !issued.refused {
                findings.push(auditor.judge_duplicate(&issued));
            }
        });
        settled.map_err(|source| AuditError::Work { source })
    }

    fn save(&mut self) -> Result<(), AuditError> {
        let Some((path, saved_at)) = &mut self.state else { return Ok(()) };
        let work = |source| AuditError::Work { source };
        let found = self.findings.rows();
        let saved = state::Saved {
            checkpoint: self.checkpoint.clone(),
            partial: self.partial.clone(),
            found,
            found_total: self.findings.total,
            unchecked: self.unchecked.clone(),
            runs: self.commitments.runs().map_err(work)?.to_vec(),
        };
        state::store(path, self.key, &self.auditor, &saved).map_err(AuditError::State)?;
        *saved_at = self.auditor.size();
        self.commitments.forget().map_err(work)
    }

    /// The oracle, for those who check more than files.
    #[must_use]
    pub const fn auditor(&self) -> &Auditor {
        &self.auditor
    }

    /// Whether every entry of the checkpoint was replayed.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.broken.is_none()
    }

    /// What was found so far; `None` before the first checkpoint.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        let Signed { checkpoint, note } = self.checkpoint.clone()?;
        Some(Report {
            checkpoint,
            note,
            evidence: self.evidence.clone(),
            replayed: self.auditor.size(),
            counts: self.auditor.counts().clone(),
            findings: self.findings.clone(),
            unchecked: self.unchecked.iter().chain(&self.broken).cloned().collect(),
        })
    }

    /// As [`Audit::report`], at the end.
    #[must_use]
    pub fn finish(self) -> Option<Report> {
        self.report()
    }

    fn replay(&mut self, size: TreeSize, progress: &mut dyn FnMut(Progress)) -> Result<(), AuditError> {
        let source = self.source;
        let first = self.auditor.size().0 / FULL_COUNT;
        thread::scope(|scope| {
            let lanes = fetch::start(scope, source, first, size);
            for (index, lane) in (first..size.0.div_ceil(FULL_COUNT)).zip((0..lanes.len()).cycle()) {
                let fetched = lanes.get(lane).map(Receiver::recv);
                let Some(Ok(fetched)) = fetched else {
                    self.give_up(LeafIndex(index * FULL_COUNT), "a reading thread ended early");
                    return Ok(());
                };
                // Dropping the lanes ends the threads.
                self.take(fetched, index)?;
                progress(Progress { done: self.auditor.size().0, total: size.0 });
                if self.broken.is_some() {
                    return Ok(());
                }
                if self
                    .state
                    .as_ref()
                    .is_some_and(|(_path, saved)| self.auditor.size().0 - saved.0 >= self.saved_every)
                {
                    self.save()?;
                }
            }
            Ok(())
        })
    }

    /// Pushes the entries of one bundle, then compares the tiles that they complete.
    fn take(&mut self, fetched: Fetched, index: u64) -> Result<(), AuditError> {
        let Fetched { bundle: Served { tile, bytes }, tiles } = fetched;
        let from = LeafIndex(self.auditor.size().0);
        let bytes = match bytes {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.findings.push(Finding::TileMissing { tile });
                self.give_up(from, "their bundle is missing");
                return Ok(());
            }
            Err(SourceError::Tile { tile, source }) => {
                self.findings.push(Finding::BundleMalformed { tile, error: source });
                self.give_up(from, "their bundle is malformed");
                return Ok(());
            }
            Err(SourceError::TooLong { .. }) => {
                // No bundle has that many bytes: it is not its entries, whatever else it is.
                self.findings.push(Finding::TileMismatch { tile });
                self.give_up(from, "their bundle is longer than any bundle");
                return Ok(());
            }
            Err(error) => {
                self.give_up(from, &error.to_string());
                return Ok(());
            }
        };
        let entries = match parse_bundle(&bytes, tile.width()) {
            Ok(entries) => entries,
            Err(error) => {
                self.findings.push(Finding::BundleMalformed { tile, error });
                self.give_up(from, "their bundle is malformed");
                return Ok(());
            }
        };
        if !bytes.starts_with(&self.partial) {
            self.findings.push(Finding::TileMismatch { tile });
        }
        let known = usize::try_from(from.0.saturating_sub(index * FULL_COUNT)).unwrap_or(0);
        for entry in entries.iter().skip(known) {
            let Pushed { finding, issued } = self.auditor.push_apart(entry);
            finding.into_iter().for_each(|finding| self.findings.push(finding));
            if let Some(issued) = issued {
                self.commitments.push(&issued).map_err(|source| AuditError::Work { source })?;
            }
        }
        self.partial = if tile.is_full() { Vec::new() } else { bytes };
        tiles.into_iter().for_each(|served| self.judge_tile(served));
        Ok(())
    }

    fn judge_partial_tiles(&mut self) {
        let tiles: Vec<Tile> = self.auditor.partial_tiles().collect();
        tiles.into_iter().for_each(|tile| self.judge_tile(Served::fetch(self.source, tile)));
    }

    fn judge_tile(&mut self, Served { tile, bytes }: Served) {
        match bytes {
            Ok(bytes) => {
                if let Some(finding) = self.auditor.judge_tile(&tile, bytes.as_deref()) {
                    self.findings.push(finding);
                }
            }
            Err(SourceError::TooLong { .. }) => self.findings.push(Finding::TileMismatch { tile }),
            Err(error) => self.could_not_check(tile.path(), error.to_string()),
        }
    }

    fn give_up(&mut self, from: LeafIndex, why: &str) {
        self.broken = Some(Unchecked { what: format!("entries from {from} on"), why: why.into() });
    }

    fn could_not_check(&mut self, what: String, why: String) {
        let unchecked = Unchecked { what, why };
        if self.unchecked.len() < MAX_FINDINGS && !self.unchecked.contains(&unchecked) {
            self.unchecked.push(unchecked);
        }
    }
}

/// The hash tiles that bundle `index` completes once it is full, lowest level first.
fn completed_by(index: u64) -> impl Iterator<Item = Tile> {
    let levels = (0_u8..).take_while(move |level| {
        let bundles = FULL_COUNT.checked_pow(u32::from(*level));
        bundles.is_some_and(|bundles| (index + 1).is_multiple_of(bundles))
    });
    levels.filter_map(move |level| {
        let tile = index / FULL_COUNT.checked_pow(u32::from(level))?;
        Tile::new(TileKind::Hashes(level), tile, FULL_WIDTH).ok()
    })
}

/// Entries or hashes in a full file (C2SP tlog-tiles).
const FULL_COUNT: u64 = 256;

/// The same, as a width.
const FULL_WIDTH: u16 = 256;

/// So many entries are replayed again after a crash, at most: some seconds from a disk.
pub const SAVED_EVERY: u64 = 4_000_000;

/// Findings that are kept; the others are counted. A log with more is not read finding by finding.
pub const MAX_FINDINGS: usize = 1_000;
