//! The commitments of all issue entries, in sorted files: a log of any size takes the same memory.
//!
//! Items wait in a buffer; a full one is sorted and written as a *run*. [`Commitments::settle`] merges what is new into
//! what is old, or looks it up where that is a great deal more. A commitment that is there twice is told with the later
//! entry; commitments are compared whole.
//!
//! # Invariants
//! Settled runs have no commitment twice, neither within one nor among them, and they were all before every item that
//! is not settled. A run is never changed. One that a merge replaced is removed only when asked
//! ([`Commitments::forget`]): a saved state may still name it.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sillok_log::audit::Issued;
use sillok_log::{Hash, LeafIndex};
use tempfile::TempDir;

mod lookup;
mod run;

pub(super) use run::Run;
use run::{Merge, RunWriter};

/// A commitment and the position of its entry, with [`REFUSED`] set if the entry broke a rule already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    /// Big-endian words: in the same order as the bytes, and compared faster.
    commitment: [u64; 4],
    at: u64,
}

/// All commitments so far.
#[derive(Debug)]
pub(super) struct Commitments {
    /// Where runs that outlast the process are; `None` for an audit that keeps no state.
    folder: Option<PathBuf>,
    /// Where they are otherwise, once there is one.
    temporary: Option<TempDir>,
    /// Sorted and without duplicates after [`Commitments::settle`], until something is pushed.
    buffer: Vec<Item>,
    runs: Vec<Run>,
    /// Numbers of runs that merges replaced.
    garbage: Vec<u64>,
    next: u64,
}

impl Item {
    fn new(issued: &Issued) -> Self {
        let refused = if issued.refused { REFUSED } else { 0 };
        Self { commitment: words(&issued.commitment.0), at: issued.at.0 | refused }
    }

    const fn position(&self) -> u64 {
        self.at & !REFUSED
    }

    fn issued(&self) -> Issued {
        let mut commitment = [0; 32];
        commitment.copy_from_slice(&self.to_bytes()[..32]);
        Issued {
            at: LeafIndex(self.position()),
            commitment: Hash(commitment),
            refused: self.at & REFUSED != 0,
        }
    }

    fn to_bytes(self) -> [u8; ITEM_BYTES] {
        let mut bytes = [0; ITEM_BYTES];
        let words = self.commitment.into_iter().chain([self.at]);
        bytes
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .zip(words)
            .for_each(|(chunk, word)| *chunk = word.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; ITEM_BYTES]) -> Self {
        let [first, second, third, fourth, at] = words(bytes);
        Self { commitment: [first, second, third, fourth], at }
    }
}

/// By commitment, then by position.
impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        self.commitment.cmp(&other.commitment).then_with(|| self.position().cmp(&other.position()))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    words
        .iter_mut()
        .zip(bytes.as_chunks::<8>().0)
        .for_each(|(word, chunk)| *word = u64::from_be_bytes(*chunk));
    words
}

//= specs/audit.md#commitments
impl Commitments {
    /// None yet, for an audit that keeps no state: its runs are in a temporary folder of the system.
    pub(super) const fn new() -> Self {
        Self {
            folder: None,
            temporary: None,
            buffer: Vec::new(),
            runs: Vec::new(),
            garbage: Vec::new(),
            next: 0,
        }
    }

    /// Those of a saved state. Every run is read and compared with its digest; other runs in the folder are removed.
    pub(super) fn open(folder: PathBuf, runs: Vec<Run>) -> io::Result<Self> {
        let next = runs.iter().map(|run| run.number.saturating_add(1)).max().unwrap_or(0);
        let commitments = Self { folder: Some(folder), runs, next, ..Self::new() };
        commitments.runs.iter().try_for_each(|run| run.verify(&commitments.path(run.number)))?;
        commitments.remove_strangers()?;
        Ok(commitments)
    }

    pub(super) fn push(&mut self, issued: &Issued) -> io::Result<()> {
        self.buffer.push(Item::new(issued));
        if self.buffer.len() >= MAX_BUFFERED { self.spill() } else { Ok(()) }
    }

    /// The runs that hold everything that was pushed.
    pub(super) fn runs(&mut self) -> io::Result<&[Run]> {
        self.spill()?;
        if let Some(folder) = self.folder.as_ref().filter(|_folder| !self.runs.is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(&self.runs)
    }

    /// Removes the runs that merges replaced, once no saved state names them.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        std::mem::take(&mut self.garbage)
            .into_iter()
            .try_for_each(|number| fs::remove_file(self.path(number)))
    }

    /// Tells each entry whose commitment an earlier one has: once, and in no order that means anything.
    pub(super) fn settle(&mut self, duplicate: &mut dyn FnMut(Issued)) -> io::Result<()> {
        if self.runs.is_empty() {
            // A log that fits the buffer comes to no file.
            self.buffer.sort_unstable();
            self.buffer.dedup_by(|item, before| {
                let again = item.commitment == before.commitment;
                if again {
                    duplicate(item.issued());
                }
                again
            });
            return Ok(());
        }
        self.spill()?;
        let (old, new): (Vec<Run>, Vec<Run>) = self.runs.iter().cloned().partition(|run| run.settled);
        let items = |runs: &[Run]| runs.iter().map(|run| run.items).fold(0, u64::saturating_add);
        if new.is_empty() {
            return Ok(());
        }
        if items(&new).saturating_mul(READS_PER_LOOKUP) >= items(&old) {
            // Whatever is first of its group is settled, or is now.
            let merged = self.merge(&self.runs.clone(), true, &mut |item, first| {
                if !first {
                    duplicate(item.issued());
                }
                Ok(first)
            })?;
            self.runs = vec![merged];
        } else {
            let lookup = lookup::Lookup::open(old.iter().map(|run| (self.path(run.number), run.items)))?;
            let merged = self.merge(&new, true, &mut |item, first| {
                let again = !first || lookup.has(&item)?;
                if again {
                    duplicate(item.issued());
                }
                Ok(!again)
            })?;
            self.runs = old;
            self.runs.push(merged);
        }
        self.tidy()
    }

    /// Keeps the settled runs few: each is more than twice as long as the next.
    fn tidy(&mut self) -> io::Result<()> {
        while let [.., larger, last] = self.runs.as_slice()
            && last.items.saturating_mul(2) >= larger.items
        {
            let two = [larger.clone(), last.clone()];
            let merged = self.merge(&two, true, &mut |_item, first| Ok(first))?;
            self.runs.truncate(self.runs.len() - 2);
            self.runs.push(merged);
        }
        if self.folder.is_some() { Ok(()) } else { self.forget() }
    }

    /// Writes the buffer as a run.
    fn spill(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        // A reader of many files at once needs many descriptors.
        let new: Vec<Run> = self.runs.iter().filter(|run| !run.settled).cloned().collect();
        if new.len() >= MAX_UNSETTLED {
            let merged = self.merge(&new, false, &mut |_item, _first| Ok(true))?;
            self.runs.retain(|run| run.settled);
            self.runs.push(merged);
            if self.folder.is_none() {
                self.forget()?;
            }
        }
        self.buffer.sort_unstable();
        let mut writer = self.writer()?;
        self.buffer.iter().try_for_each(|item| writer.push(item))?;
        self.buffer.clear();
        let run = writer.finish()?;
        self.runs.push(run);
        Ok(())
    }

    /// Merges runs into one, of the items for which `keep` answers so; it is also told whether no item before has the
    /// same commitment.
    fn merge(
        &mut self,
        runs: &[Run],
        settled: bool,
        keep: &mut dyn FnMut(Item, bool) -> io::Result<bool>,
    ) -> io::Result<Run> {
        let mut writer = self.writer()?;
        let mut last = None;
        for item in Merge::open(runs.iter().map(|run| self.path(run.number)))? {
            let item = item?;
            if keep(item, last != Some(item.commitment))? {
                writer.push(&item)?;
            }
            last = Some(item.commitment);
        }
        self.garbage.extend(runs.iter().map(|run| run.number));
        Ok(Run { settled, ..writer.finish()? })
    }

    fn writer(&mut self) -> io::Result<RunWriter> {
        match &self.folder {
            Some(folder) => fs::create_dir_all(folder)?,
            None if self.temporary.is_none() => self.temporary = Some(TempDir::with_prefix("sillok-audit-")?),
            None => {}
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        RunWriter::create(&self.path(number), number, self.folder.is_some())
    }

    fn path(&self, number: u64) -> PathBuf {
        let temporary = || self.temporary.as_ref().map(TempDir::path);
        let folder = self.folder.as_deref().or_else(temporary);
        folder.unwrap_or_else(|| Path::new(".")).join(format!("{number}{SUFFIX}"))
    }

    /// What an audit wrote after it saved its state for the last time.
    fn remove_strangers(&self) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let number =
                name.to_str().and_then(|name| name.strip_suffix(SUFFIX)).and_then(|n| n.parse().ok());
            if number.is_some_and(|number: u64| self.runs.iter().all(|run| run.number != number)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// The top bit of a position: a log has fewer than 2^63 entries.
const REFUSED: u64 = 1 << 63;

/// An item in a run.
const ITEM_BYTES: usize = 40;

/// How the name of a run ends.
const SUFFIX: &str = ".run";

/// Items in memory: 40 MiB.
#[cfg(not(test))]
const MAX_BUFFERED: usize = 1 << 20;
#[cfg(test)]
const MAX_BUFFERED: usize = 16;

/// Runs that wait to be settled; each takes a descriptor and 64 KiB while they are merged.
#[cfg(not(test))]
const MAX_UNSETTLED: usize = 64;
#[cfg(test)]
const MAX_UNSETTLED: usize = 4;

/// So many items are read in sequence in the time in which one is looked up.
#[cfg(not(test))]
const READS_PER_LOOKUP: u64 = 1_024;
#[cfg(test)]
const READS_PER_LOOKUP: u64 = 4;

#[cfg(test)]
mod tests;
