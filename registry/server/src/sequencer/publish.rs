//! Shows committed batches to readers, several together: bundles and tiles first, durably, then the checkpoint.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use sillok_log::TreeSize;
use sillok_log::tile::Tile;

use super::answer::Answers;
use super::edge::Edge;
use super::head::Signed;
use super::{Fatal, Shared};
use crate::segment::Staging;
use crate::store::{Blobs, Object, Seen, SeenBatch};

/// A committed batch.
pub(crate) struct Job {
    pub(crate) signed: Arc<Signed>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) seen: SeenBatch,
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
}

impl Publisher {
    /// Publishes until it is told to end, or until something fails; then it only says so.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>) {
        let mut due = Instant::now();
        // What was committed is published even if the sequencer has stopped since; after a failure here, nothing is.
        let mut failure = None;
        loop {
            let (jobs, waiting, end) = gather(inbox, due);
            due = Instant::now() + self.interval;
            if failure.is_none()
                && let Err(fatal) = self.publish(jobs)
            {
                failure = Some(self.shared.stop(&fatal));
            }
            match &failure {
                Some(reason) => waiting.refuse(reason),
                None => waiting.send(),
            }
            if end {
                return;
            }
        }
    }

    fn publish(&mut self, jobs: Vec<Job>) -> Result<(), Fatal> {
        let Some(signed) = jobs.last().map(|job| Arc::clone(&job.signed)) else { return Ok(()) };
        let begun = Instant::now();
        let mut seen = SeenBatch { watermark: signed.size(), ..SeenBatch::default() };
        let old = self.edge.size();
        for job in jobs {
            job.entries.into_iter().try_for_each(|entry| self.edge.push(entry))?;
            seen.keys.extend(job.seen.keys);
            seen.controls.extend(job.seen.controls);
        }
        publish(self.blobs.as_ref(), &mut self.edge, old, &signed)?;
        self.shared.set_published(signed);
        self.shared.stats.publish_seconds.record(begun.elapsed());
        self.staging.retire(self.edge.size()).map_err(Fatal::store("retiring segments"))?;
        if !seen.keys.is_empty() {
            self.seen.note(&seen).map_err(Fatal::store("noting entries in the index"))?;
        }
        self.shared.set_noted(seen.watermark);
        Ok(())
    }
}

/// Publishes what was pushed to the edge since size `old`. Recovery does the same.
pub(crate) fn publish(
    blobs: &dyn Blobs,
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
    blobs.put_checkpoint(&signed.note).map_err(Fatal::store("publishing the checkpoint"))?;
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

/// Waits for a batch, then for more until `due`, which has passed already when the log was idle.
fn gather(inbox: &Receiver<Message>, due: Instant) -> (Vec<Job>, Answers, bool) {
    let (mut jobs, mut waiting, mut entries) = (Vec::new(), Answers::default(), 0);
    let mut next = inbox.recv().map_err(|_closed| RecvTimeoutError::Disconnected);
    loop {
        match next {
            Ok(Message::Batch { job, waiting: more }) => {
                waiting.append(more);
                if let Some(job) = job {
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
        next = inbox.recv_timeout(due.saturating_duration_since(Instant::now()));
    }
}

/// Entries published together: 256 bundles and as many tiles.
const MAX_ENTRIES: usize = 65_536;
