//! Shows committed batches to readers, several together: bundles and tiles first, durably, then the checkpoint.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use sillok_log::TreeSize;
use sillok_log::tile::Tile;

use super::answer::Answers;
use super::edge::Edge;
use super::head::Signed;
use super::{Fatal, Shared, cosign};
use crate::segment::Staging;
use crate::store::{Blobs, Heads, Object, Seen, SeenBatch};

/// A committed batch.
pub(crate) struct Job {
    /// When it was committed.
    pub(crate) committed: Instant,
    pub(crate) signed: Arc<Signed>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) seen: SeenBatch,
}

impl Job {
    /// What its entries take.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.iter().map(Vec::len).sum()
    }
}

/// What the publisher is told.
pub(crate) enum Message {
    /// Publish this, and then answer those who wait for it or for what came before.
    Batch { job: Option<Job>, waiting: Answers },
    /// End, once everything before is published.
    Stop,
}

/// What it takes to publish. Owned by its own thread.
pub(crate) struct Publisher {
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) staging: Arc<dyn Staging>,
    pub(crate) seen: Arc<dyn Seen>,
    pub(crate) edge: Edge,
    pub(crate) interval: Duration,
    pub(crate) shared: Arc<Shared>,
    /// Where the checkpoint goes if it needs cosignatures to be public, and who collects them.
    pub(crate) cosigner: Option<(Arc<dyn Blobs>, Sender<cosign::Message>)>,
    /// Keeps the lock while files are written, also when the sequencer has ended before. The last to be dropped.
    pub(crate) _head: Arc<dyn Heads>,
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // Handles keep the index for as long as they ask it, which may be after a successor has the lock.
        self.seen.close();
    }
}

impl Publisher {
    /// Publishes until it is told to end, or until something fails; then it only says so.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>) {
        let mut pace = Pace { begun: None, took: Duration::ZERO, interval: self.interval };
        // What was committed is published even if the sequencer has stopped since; after a failure here, nothing is.
        let mut failure = None;
        loop {
            let (jobs, waiting, end) = gather(inbox, &pace);
            if failure.is_none() {
                let begun = Instant::now();
                match self.publish(jobs) {
                    Ok(Some(took)) => pace = pace.after(begun, took),
                    Ok(None) => {}
                    Err(fatal) => failure = Some(self.shared.stop(&fatal)),
                }
            }
            match &failure {
                Some(reason) => waiting.refuse(reason),
                None => self.answer(waiting),
            }
            if end {
                self.tell(cosign::Message::Stop);
                return;
            }
        }
    }

    /// Sends what was waiting for files, and hands on what waits for cosignatures.
    fn answer(&self, waiting: Answers) {
        if self.cosigner.is_none() {
            return waiting.send();
        }
        let (now, later) = waiting.by_level();
        now.send();
        if !later.is_empty() {
            self.tell(cosign::Message::Wait(later));
        }
    }

    /// A cosigner that has ended was stopped with the log.
    fn tell(&self, message: cosign::Message) {
        if let Some((_pending, cosigner)) = &self.cosigner {
            drop(cosigner.send(message));
        }
    }

    /// Returns how long it took until the checkpoint was public, unless there was nothing to publish.
    fn publish(&mut self, jobs: Vec<Job>) -> Result<Option<Duration>, Fatal> {
        let begun = Instant::now();
        let Some(signed) = jobs.last().map(|job| Arc::clone(&job.signed)) else { return Ok(None) };
        let mut seen = SeenBatch { watermark: signed.size(), ..SeenBatch::default() };
        let old = self.edge.size();
        let (mut entries, mut bytes) = (0, 0);
        for job in jobs {
            entries += job.entries.len();
            bytes += job.bytes();
            job.entries.into_iter().try_for_each(|entry| self.edge.push(entry))?;
            seen.keys.extend(job.seen.keys);
            seen.controls.extend(job.seen.controls);
        }
        let checkpoint = self.cosigner.as_ref().map_or(&self.blobs, |(pending, _cosigner)| pending);
        publish(self.blobs.as_ref(), checkpoint.as_ref(), &mut self.edge, old, &signed)?;
        self.shared.set_tiled(Arc::clone(&signed));
        self.tell(cosign::Message::Whole(signed));
        let took = begun.elapsed();
        self.shared.stats.publish_seconds.record(took);
        self.staging.retire(self.edge.size()).map_err(Fatal::store("retiring segments"))?;
        if !seen.keys.is_empty() {
            self.seen.note(&seen).map_err(Fatal::store("noting entries in the index"))?;
        }
        self.shared.set_noted(seen.watermark);
        self.shared.backlog.remove(entries, bytes);
        Ok(Some(took))
    }
}

/// Publishes what was pushed to the edge since size `old`, and puts its checkpoint into `checkpoint`: the same blobs, or a
/// place of its own while cosignatures are lacking. Recovery does the same.
pub(crate) fn publish(
    blobs: &dyn Blobs,
    checkpoint: &dyn Blobs,
    edge: &mut Edge,
    old: TreeSize,
    signed: &Signed,
) -> Result<(), Fatal> {
    let size = signed.size();
    if edge.size() != size || edge.frontier().root() != signed.checkpoint.root {
        return Err(Fatal::RootMismatch { what: "entries about to be published", size });
    }
    let full = edge.take_full();
    let mut objects: Vec<_> =
        full.iter().map(|(tile, bytes)| Object { path: tile.path(), bytes: bytes.clone() }).collect();
    objects.extend(edge.partials(old)?);
    // Write-once: what is there must match byte for byte, else this ends the writer.
    blobs.put_many(&objects).map_err(Fatal::store("publishing tiles"))?;
    //
    // If we crash here: the files show what no public checkpoint covers. They are what the head has signed, so
    // recovery writes the same bytes again and goes on.
    checkpoint.put_checkpoint(&signed.note).map_err(Fatal::store("publishing the checkpoint"))?;
    //
    // If we crash here: partial tiles stay that nobody needs. The segment stays too, and is retired at the next
    // opening.
    full.iter().try_for_each(|(tile, _bytes)| discard(blobs, tile))
}

/// Removes the partial versions of a tile that is now full. None was ever written if its first hash and its last came
/// with the same publication; asking costs one system call.
fn discard(blobs: &dyn Blobs, tile: &Tile) -> Result<(), Fatal> {
    blobs.discard_partials(&tile.path()).map_err(Fatal::store("removing partial tiles"))
}

/// How publications follow one another.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// When the last one began, if there was one.
    begun: Option<Instant>,
    /// How long the next one may take: the longest so far, of which every shorter one takes an eighth off.
    took: Duration,
    /// What is committed is to be public within this.
    interval: Duration,
}

impl Pace {
    fn after(self, begun: Instant, took: Duration) -> Self {
        Self { begun: Some(begun), took: took.max(self.took - self.took / 8), ..self }
    }

    /// When a publication begins whose first batch was committed at `committed`: early enough that it ends within the
    /// interval if it takes as long as the last ones, and at once when the log was idle for an interval.
    fn due(&self, committed: Instant) -> Instant {
        // An eighth is left for what no earlier publication foretells: more entries, a slower disk.
        let due = committed + (self.interval - self.interval / 8).saturating_sub(self.took);
        self.begun.map_or(committed, |begun| due.min(begun + self.interval))
    }
}

/// Waits for a batch, then for more until a publication is due.
fn gather(inbox: &Receiver<Message>, pace: &Pace) -> (Vec<Job>, Answers, bool) {
    let (mut jobs, mut waiting, mut entries) = (Vec::new(), Answers::default(), 0);
    // Nobody waits for a batch yet: answers that wait for what is public already are not held up.
    let mut due = None;
    let mut next = inbox.recv().map_err(|_closed| RecvTimeoutError::Disconnected);
    loop {
        match next {
            Ok(Message::Batch { job, waiting: more }) => {
                waiting.append(more);
                if let Some(job) = job {
                    due.get_or_insert_with(|| pace.due(job.committed));
                    entries += job.entries.len();
                    jobs.push(job);
                }
            }
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return (jobs, waiting, true),
            Err(RecvTimeoutError::Timeout) => return (jobs, waiting, false),
        }
        if entries >= MAX_ENTRIES {
            return (jobs, waiting, false);
        }
        let now = Instant::now();
        next = inbox.recv_timeout(due.unwrap_or(now).saturating_duration_since(now));
    }
}

/// Entries published together: 256 bundles and as many tiles.
const MAX_ENTRIES: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_ends_within_the_interval_if_it_takes_as_long_as_the_last_and_an_idle_log_waits_for_nothing()
     {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let pace = |begun: Option<u64>, took| Pace {
            begun: begun.map(at),
            took: Duration::from_millis(took),
            interval: Duration::from_millis(200),
        };
        for (begun, took, committed, due) in [
            (None, 0, 1_000, 1_000),
            (Some(1_000), 0, 1_001, 1_176),
            (Some(1_000), 140, 1_010, 1_045),
            (Some(1_000), 140, 1_180, 1_200),
            (Some(1_000), 900, 1_010, 1_010),
            (Some(1_000), 50, 5_000, 1_200),
        ] {
            let pace = pace(begun, took);
            assert_eq!(pace.due(at(committed)), at(due), "{begun:?} {took} {committed}");
        }
    }
}
