//! Whether a log that succeeds another begins with what that one came to.

use std::collections::VecDeque;

use sillok_log::TreeSize;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::Entry;
use sillok_log::merkle::{Frontier, leaf_hash};
use sillok_log::note::VerifierKey;
use sillok_log::tile::{Tile, TileKind, parse_bundle};

use crate::audit::AuditError;
use crate::source::{Source, SourceError};

/// The code of what is found (specs/log.md, "Audit findings").
pub const FINDING: &str = "succession.state";

/// What a comparison came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// How many entries both logs have where they belong.
    pub count: u64,
    /// What is wrong after them, in a sentence.
    pub problem: Option<String>,
}

//= specs/log.md#succession
/// Compares the first entries of a log of `size`, read from `after`, with those of the log before, read from `before` up to
/// its checkpoint under `log`. That the entries of `after` are those that it signed is for an audit of it to say; it reads
/// every bundle of `before`, one at a time.
///
/// # Errors
/// A log that cannot be read, or a checkpoint of the log before that is not its own.
pub fn compare(
    (before, log): (&Source, &VerifierKey),
    (after, size): (&Source, TreeSize),
) -> Result<Carried, AuditError> {
    let note = before.checkpoint().map_err(AuditError::Source)?;
    let last = Checkpoint::open(&note, log)
        .map_err(|source| AuditError::Checkpoint { place: before.name("checkpoint"), source })?;
    let mut old = Entries::new(before, last.size);
    let mut new = Entries::new(after, size);
    let mut frontier = Frontier::new();
    let mut count = 0;
    let wrong = |count, problem: String| Ok(Carried { count, problem: Some(problem) });
    while let Some(found) = old.next()? {
        let at = frontier.size();
        let bytes = match found {
            Ok(bytes) => bytes,
            Err(problem) => return wrong(count, format!("the log before cannot be followed: {problem}")),
        };
        if let Err(error) = frontier.push(leaf_hash(&bytes)) {
            return wrong(count, format!("the log before cannot be followed: {error}"));
        }
        match Entry::parse(&bytes) {
            Ok(entry) if !entry.is_carried() => continue,
            Ok(_carried) => {}
            Err(error) => return wrong(count, format!("entry {at} of the log before: {error}")),
        }
        match new.next()? {
            Some(Ok(begins)) if begins == bytes => count += 1,
            Some(Ok(_other)) => {
                return wrong(count, format!("entry {count} is not entry {at} of the log before"));
            }
            Some(Err(problem)) => return wrong(count, problem),
            None => return wrong(count, format!("entry {at} of the log before is missing at {count}")),
        }
    }
    if frontier.root() != last.root {
        let problem = format!("{} entries of the log before do not lead to its checkpoint", last.size);
        return wrong(count, problem);
    }
    Ok(Carried { count, problem: None })
}

/// The entries of a log in order, a bundle at a time.
struct Entries<'a> {
    source: &'a Source,
    size: u64,
    /// Entries that were read.
    read: u64,
    bundle: VecDeque<Vec<u8>>,
}

impl<'a> Entries<'a> {
    const fn new(source: &'a Source, size: TreeSize) -> Self {
        Self { source, size: size.0, read: 0, bundle: VecDeque::new() }
    }

    /// The next entry, or what is wrong with the bundle that should have it.
    fn next(&mut self) -> Result<Option<Result<Vec<u8>, String>>, AuditError> {
        if self.bundle.is_empty() {
            if self.read >= self.size {
                return Ok(None);
            }
            if let Err(problem) = self.fill().map_err(AuditError::Source)? {
                return Ok(Some(Err(problem)));
            }
        }
        Ok(self.bundle.pop_front().map(Ok))
    }

    fn fill(&mut self) -> Result<Result<(), String>, SourceError> {
        let width = u16::try_from((self.size - self.read).min(WIDTH)).unwrap_or(u16::MAX);
        let tile = match Tile::new(TileKind::Entries, self.read / WIDTH, width) {
            Ok(tile) => tile,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let Some(bytes) = self.source.tile(&tile)? else {
            return Ok(Err(format!("{} is missing", self.source.name(&tile.path()))));
        };
        match parse_bundle(&bytes, width) {
            Ok(entries) => self.bundle.extend(entries.into_iter().map(<[u8]>::to_vec)),
            Err(error) => return Ok(Err(format!("{}: {error}", self.source.name(&tile.path())))),
        }
        self.read += u64::from(width);
        Ok(Ok(()))
    }
}

/// Entries of a full bundle (C2SP tlog-tiles).
const WIDTH: u64 = 256;
