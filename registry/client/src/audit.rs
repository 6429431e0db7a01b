//! Audits a published log: streams its files through the oracle of `sillok-log`.
//!
//! [`Audit::advance`] reads the newest checkpoint and replays every entry up to it; every tile of every level is
//! compared with what the entries make. Called again, it goes on from there to a newer checkpoint.
//!
//! # Out of scope
//! Published status lists: whoever can decode them asks [`Audit::auditor`] and adds what it finds.
//!
//! # Invariants
//! A finding stops nothing that can still be checked. What could not be checked is said, never left out.

use std::sync::mpsc::Receiver;
use std::thread;

use sillok_log::audit::{Auditor, Counts, Finding, LogKind};
use sillok_log::checkpoint::{self, Checkpoint};
use sillok_log::note::VerifierKey;
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{LeafIndex, TreeSize};

use crate::source::{Source, SourceError};

mod fetch;

use fetch::{Fetched, Served};

/// An audit of one log.
#[derive(Debug)]
pub struct Audit<'a> {
    source: &'a Source,
    key: &'a VerifierKey,
    auditor: Auditor,
    findings: Findings,
    unchecked: Vec<Unchecked>,
    checkpoint: Option<Checkpoint>,
    /// The last bundle, if it is not full: its successor begins with it.
    partial: Vec<u8>,
    /// A file is missing or malformed: what comes after it cannot be replayed.
    broken: bool,
}

/// Something that the audit could not look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    /// What it is.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Findings: the first [`MAX_FINDINGS`] of them, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    kept: Vec<Finding>,
    total: u64,
}

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The checkpoint that was audited.
    pub checkpoint: Checkpoint,
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
}

impl std::fmt::Display for AuditError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Checkpoint { place, source } => {
                write!(f, "{place} does not open under the log's key: {source}")
            }
            Self::Source(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AuditError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint { source, .. } => Some(source),
            Self::Source(error) => Some(error),
        }
    }
}

impl Findings {
    /// The first of them, at most [`MAX_FINDINGS`].
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    fn push(&mut self, finding: Finding) {
        self.total += 1;
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(finding);
        }
    }
}

impl<'a> Audit<'a> {
    /// An audit that has read nothing yet.
    #[must_use]
    pub fn new(source: &'a Source, key: &'a VerifierKey, kind: LogKind) -> Self {
        Self {
            source,
            key,
            auditor: Auditor::new(kind),
            findings: Findings::default(),
            unchecked: Vec::new(),
            checkpoint: None,
            partial: Vec::new(),
            broken: false,
        }
    }

    /// Reads the newest checkpoint and replays the log up to it. `progress` is told after each bundle.
    ///
    /// # Errors
    /// There is no checkpoint, or it is not signed by the log's key: there is nothing to audit against.
    pub fn advance(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), AuditError> {
        let note = self.source.checkpoint().map_err(AuditError::Source)?;
        let checkpoint = Checkpoint::open(&note, self.key)
            .map_err(|source| AuditError::Checkpoint { place: self.source.name("checkpoint"), source })?;
        let size = checkpoint.size;
        if size > self.auditor.size() && !self.broken {
            self.replay(size, progress);
            if !self.broken {
                self.judge_partial_tiles();
            }
        }
        if !self.broken && self.checkpoint.as_ref() != Some(&checkpoint) {
            self.auditor.judge(&checkpoint).into_iter().for_each(|finding| self.findings.push(finding));
        }
        self.checkpoint = Some(checkpoint);
        Ok(())
    }

    /// The oracle, for those who check more than files.
    #[must_use]
    pub const fn auditor(&self) -> &Auditor {
        &self.auditor
    }

    /// Whether every entry of the checkpoint was replayed.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        !self.broken
    }

    /// What was found; `None` before the first checkpoint.
    #[must_use]
    pub fn finish(self) -> Option<Report> {
        Some(Report {
            checkpoint: self.checkpoint?,
            replayed: self.auditor.size(),
            counts: self.auditor.counts().clone(),
            findings: self.findings,
            unchecked: self.unchecked,
        })
    }

    fn replay(&mut self, size: TreeSize, progress: &mut dyn FnMut(Progress)) {
        let source = self.source;
        let first = self.auditor.size().0 / FULL_COUNT;
        thread::scope(|scope| {
            let lanes = fetch::start(scope, source, first, size);
            for (index, lane) in (first..size.0.div_ceil(FULL_COUNT)).zip((0..lanes.len()).cycle()) {
                let fetched = lanes.get(lane).map(Receiver::recv);
                let Some(Ok(fetched)) = fetched else {
                    self.give_up(LeafIndex(index * FULL_COUNT), "a reading thread ended early");
                    return;
                };
                self.take(fetched, index);
                progress(Progress { done: self.auditor.size().0, total: size.0 });
                if self.broken {
                    // Dropping the lanes ends the threads.
                    return;
                }
            }
        });
    }

    /// Pushes the entries of one bundle, then compares the tiles that they complete.
    fn take(&mut self, fetched: Fetched, index: u64) {
        let Fetched { bundle: Served { tile, bytes }, tiles } = fetched;
        let from = LeafIndex(self.auditor.size().0);
        let bytes = match bytes {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.findings.push(Finding::TileMissing { tile });
                return self.give_up(from, "their bundle is missing");
            }
            Err(SourceError::Tile { tile, source }) => {
                self.findings.push(Finding::BundleMalformed { tile, error: source });
                return self.give_up(from, "their bundle is malformed");
            }
            Err(SourceError::TooLong { .. }) => {
                // No bundle has that many bytes: it is not its entries, whatever else it is.
                self.findings.push(Finding::TileMismatch { tile });
                return self.give_up(from, "their bundle is longer than any bundle");
            }
            Err(error) => return self.give_up(from, &error.to_string()),
        };
        let entries = match parse_bundle(&bytes, tile.width()) {
            Ok(entries) => entries,
            Err(error) => {
                self.findings.push(Finding::BundleMalformed { tile, error });
                return self.give_up(from, "their bundle is malformed");
            }
        };
        if !bytes.starts_with(&self.partial) {
            self.findings.push(Finding::TileMismatch { tile });
        }
        let known = usize::try_from(from.0.saturating_sub(index * FULL_COUNT)).unwrap_or(0);
        for entry in entries.iter().skip(known) {
            if let Some(finding) = self.auditor.push(entry) {
                self.findings.push(finding);
            }
        }
        self.partial = if tile.is_full() { Vec::new() } else { bytes };
        tiles.into_iter().for_each(|served| self.judge_tile(served));
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
        self.broken = true;
        self.could_not_check(format!("entries from {from} on"), why.into());
    }

    fn could_not_check(&mut self, what: String, why: String) {
        if self.unchecked.len() < MAX_FINDINGS {
            self.unchecked.push(Unchecked { what, why });
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

/// Findings that are kept; the others are counted. A log with more is not read finding by finding.
pub const MAX_FINDINGS: usize = 1_000;
