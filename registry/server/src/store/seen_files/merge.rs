//! Which runs are merged, and how. Four of one size class become one, so that an index of 20 million keys is in a dozen
//! files, and a key is written about five times on the way there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::page::damaged;
use super::run::{Control, Header, Record, Records, Run, RunWriter};
use crate::store::Error;

/// The next runs to merge: neighbours, and the smallest there are.
pub(super) fn due(runs: &[Arc<Run>], flush_keys: usize) -> Option<&[Arc<Run>]> {
    let classes: Vec<u32> = runs.iter().map(|run| class(run.header.keys, flush_keys)).collect();
    let alike = |window: &&[u32]| window.iter().all(|class| window.first() == Some(class));
    // Classes fall from the oldest run to the newest: the last group holds the smallest. Of that, the oldest.
    let last = classes.windows(FAN_IN).rev().find(alike)?.first()?;
    let at = classes.windows(FAN_IN).position(|window| window.iter().all(|class| class == last))?;
    runs.get(at..at + FAN_IN)
}

/// The size class of a run: how often it has been merged if it began with as many keys as are flushed at once.
fn class(keys: u64, flush_keys: usize) -> u32 {
    (keys / flush_keys as u64).max(1).ilog(FAN_IN as u64)
}

/// Writes the union of `runs`, oldest first: of a key that is in several, the newest place. Returns nothing when told to
/// give up.
///
/// # Errors
/// One of them is damaged, or a failed operation.
pub(super) fn merge(runs: &[Arc<Run>], folder: &Path, give_up: &AtomicBool) -> Result<Option<()>, Error> {
    let (Some(oldest), Some(newest)) = (runs.first(), runs.last()) else { return Ok(None) };
    let path = folder.join(super::MERGED);
    let file = RunWriter::create(&path)?;
    let sizes = (oldest.header.begin, newest.header.watermark);
    let header = Header::new(newest.header.salt, numbers(runs), sizes);
    let mut writer = RunWriter::new(&file, &path, header)?;
    let mut inputs = runs.iter().map(|run| Input::new(run)).collect::<Result<Vec<_>, _>>()?;
    let mut keys = 0_u64;
    while let Some(record) = next(&mut inputs)? {
        writer.key(&record)?;
        keys += 1;
        if keys.is_multiple_of(KEYS_BETWEEN_LOOKS) && give_up.load(Ordering::Relaxed) {
            return Ok(None);
        }
    }
    for run in runs {
        let mut controls = run.controls();
        while let Some(control) = controls.next()? {
            writer.control(&control)?;
            // Up to 64 KiB each.
            if give_up.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
    }
    writer.finish()?;
    Ok(Some(()))
}

/// What the union of `runs` is called.
pub(super) fn numbers(runs: &[Arc<Run>]) -> (u64, u64) {
    let first = runs.first().map_or(0, |run| run.header.first);
    (first, runs.last().map_or(first, |run| run.header.last))
}

/// A run that is being merged.
struct Input<'a> {
    run: &'a Run,
    records: Records<'a>,
    next: Option<Record>,
}

impl<'a> Input<'a> {
    fn new(run: &'a Run) -> Result<Self, Error> {
        let mut records = run.records();
        let next = records.next()?;
        Ok(Self { run, records, next })
    }

    fn advance(&mut self) -> Result<Option<Record>, Error> {
        let after = self.records.next()?;
        let before = std::mem::replace(&mut self.next, after);
        if let (Some((before, _)), Some((after, _))) = (before, after)
            && before >= after
        {
            return Err(damaged(&self.run.path, "its keys are not in order"));
        }
        Ok(before)
    }
}

/// The smallest key of all, which leaves all inputs that have it.
fn next(inputs: &mut [Input<'_>]) -> Result<Option<Record>, Error> {
    let smallest = inputs.iter().filter_map(|input| input.next).map(|(key, _place)| key).min();
    let mut record = None;
    for input in inputs {
        if let Some((key, _place)) = input.next
            && Some(key) == smallest
        {
            record = input.advance()?;
        }
    }
    Ok(record)
}

/// Writes what was noted since the last run.
///
/// # Errors
/// A failed operation.
pub(super) fn flush(
    header: Header,
    keys: &[Record],
    controls: &[Control],
    folder: &Path,
) -> Result<(), Error> {
    let path = folder.join(super::FLUSHED);
    let file = RunWriter::create(&path)?;
    let mut writer = RunWriter::new(&file, &path, header)?;
    keys.iter().try_for_each(|record| writer.key(record))?;
    controls.iter().try_for_each(|control| writer.control(control))?;
    writer.finish()
}

/// Runs that are merged into one.
const FAN_IN: usize = 4;

/// Some milliseconds' worth.
const KEYS_BETWEEN_LOOKS: u64 = 16_384;
