//! How a batch becomes part of the log: the write path of specs/design.md, step by step. [`super::recover`] is its
//! mirror: for each "If we crash here" it does what the comment says.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use sillok_log::merkle::{BatchTree, leaf_hash};
use sillok_log::note::{SignerKey, VerifierKey};
use sillok_log::tile::parse_bundle;

use super::answer::{self, Request};
use super::head::{Head, Signed};
use super::plan::{Plan, State};
use super::publish::{Job, Message};
use super::{Fatal, Shared};
use crate::segment::Staging;
use crate::store::{Heads, Swap};

/// What it takes to commit. Owned by the sequencer's thread.
pub(crate) struct Writer {
    pub(crate) staging: Arc<dyn Staging>,
    pub(crate) heads: Arc<dyn Heads>,
    pub(crate) signer: SignerKey,
    pub(crate) key: VerifierKey,
    /// Nothing is signed any more.
    pub(crate) frozen: bool,
    /// The record that the head holds, byte for byte.
    pub(crate) record: Vec<u8>,
    /// What that record has signed.
    pub(crate) last: Arc<Signed>,
    pub(crate) publisher: SyncSender<Message>,
    pub(crate) shared: Arc<Shared>,
}

/// Commits a plan and answers the requests of its batch, which it takes. After an error nothing may be committed any
/// more, and the requests are left for whoever says so.
pub(crate) fn commit(
    writer: &mut Writer,
    state: &mut State,
    mut plan: Plan,
    requests: &mut Vec<Request>,
) -> Result<(), Fatal> {
    let begun = Instant::now();
    let stats = &writer.shared.stats;

    // Step 1 was admission and planning; it left nothing behind.
    //
    // If we crash here: nobody was answered, nothing is stored.

    if plan.entries.is_empty() {
        // Nothing to append: duplicates and refusals are answered from what is committed already.
        let answers = answer::compose(&plan, &writer.last, None, std::mem::take(requests));
        return deliver(writer, answers, None);
    }

    //= specs/log.md#freezing
    // What is new was sent away before it was planned.
    if writer.frozen {
        return Err(Fatal::Frozen { size: writer.last.size() });
    }

    // Step 2. Make the batch durable where every permitted successor can read it.
    let place = writer.staging.append(plan.start, &plan.entries).map_err(Fatal::store("staging a batch"))?;
    stats.staging_seconds.record(begun.elapsed());
    //
    // If we crash here: the head does not cover the record. Recovery ignores it, torn or whole, and the next batch
    // goes into a new segment. Nobody was answered.

    // Step 3. Read back what was written, hash it again, and recompute the root: one flipped bit in memory or on its
    // way to the disk has ended a log before. From here on only what was read back counts.
    let staged = writer.staging.read_back(&place).map_err(Fatal::store("reading a batch back"))?;
    let width = u16::try_from(plan.entries.len()).unwrap_or(u16::MAX);
    let leaves: Vec<_> = parse_bundle(&staged, width)?.into_iter().map(leaf_hash).collect();
    let tree = BatchTree::new(state.frontier.clone(), leaves)?;
    if tree.frontier().root() != plan.checkpoint.root || tree.frontier().size() != plan.size() {
        return Err(Fatal::ReadBack { start: plan.start });
    }
    //
    // If we crash here: as above.

    //= specs/log.md#checkpoint
    // Step 4. Never a smaller size, never a second root for a size. The batch is not empty, so the same size is wrong
    // too. The time was set by the plan: it does not go back.
    let last = &writer.last.checkpoint;
    if plan.checkpoint.size < last.size {
        return Err(Fatal::Shrinks { last: last.size, new: plan.checkpoint.size });
    }
    if plan.checkpoint.size == last.size {
        return Err(Fatal::Fork { size: last.size });
    }

    // Step 5. Sign, and swap the head. It has its own synchronisation before any byte of the checkpoint leaves.
    let note =
        plan.checkpoint.sign(&writer.signer).map_err(|source| Fatal::Checkpoint { which: "new", source })?;
    let signed = Arc::new(Signed::open(note, &writer.key, "new")?);
    let head = Head { kind: state.kind, time: plan.time, signed: Signed::clone(&signed), frozen: false };
    let record = head.encode()?;
    //
    // If we crash here: signed, but shown to nobody, and the same batch or another may take its place.

    let swapping = Instant::now();
    swap(writer.heads.as_ref(), &writer.record, &record)?;
    stats.head_seconds.record(swapping.elapsed());
    writer.record = record;
    writer.last = Arc::clone(&signed);
    state.frontier = tree.frontier().clone();
    state.time = plan.time;
    writer.shared.set_committed(Arc::clone(&signed));
    let committed = Instant::now();
    //
    // If we crash here, or anywhere below: the batch is *committed*. Recovery replays it from the segment, publishes
    // it, and notes it in the index, so that a retry is answered with its place.

    // Step 6. Answer. Whoever asked makes the proof of each entry out of the tree that was just recomputed, and checks it
    // against the note that was signed, before anybody sees it (`answer`). One that fails stops the writer.
    let tree = Arc::new(tree);
    let answers = answer::compose(&plan, &signed, Some(&tree), std::mem::take(requests));
    stats.commit_seconds.record(begun.elapsed());
    stats.batch(plan.entries.len());

    // Step 7. Hand the batch to the publisher. What is answered at level *published* waits there.
    let (entries, seen) = (std::mem::take(&mut plan.entries), std::mem::take(&mut plan.seen));
    let job = Job { committed, signed, entries, seen };
    deliver(writer, answers, Some(job))
    //
    // If we crash here: answered, and not public yet. Recovery publishes before it takes the next entry.
}

/// Replaces `old` by `new` in the head, or finds out that it has happened.
fn swap(heads: &dyn Heads, old: &[u8], new: &[u8]) -> Result<(), Fatal> {
    let mut attempts = 1..=MAX_SWAPS;
    loop {
        let unknown = match heads.swap(Some(old), new) {
            Swap::Won => return Ok(()),
            // Ours after an unknown end that was a success after all.
            Swap::Lost(Some(current)) if current == new => return Ok(()),
            Swap::Lost(_) => return Err(Fatal::HeadLost),
            Swap::Unknown(error) => error,
        };
        // Go on only if the head is exactly ours or exactly the old one.
        match heads.read() {
            Ok(Some(current)) if current == new => return Ok(()),
            Ok(Some(current)) if current == old && attempts.next().is_some() => {}
            Ok(Some(current)) if current != old => return Err(Fatal::HeadLost),
            Ok(None) => return Err(Fatal::HeadLost),
            // Unreadable, or tried too often.
            Ok(Some(_)) | Err(_) => return Err(Fatal::HeadUnknown { source: unknown }),
        }
    }
}

fn deliver(writer: &Writer, answers: answer::Answers, job: Option<Job>) -> Result<(), Fatal> {
    let (now, later) = answers.split(writer.shared.tiled().size());
    now.send();
    if job.is_none() && later.is_empty() {
        return Ok(());
    }
    if let Some(job) = &job {
        // A publisher that is behind holds the sequencer up here: its queue fills, and says so.
        writer.shared.backlog.add(job.entries.len(), job.bytes());
    }
    // A closed channel is a publisher that has stopped, and has said why; the requests in the message then hear that too.
    drop(writer.publisher.send(Message::Batch { job, waiting: later }));
    Ok(())
}

/// How often a swap of unknown end is tried again while the head says that it did not happen.
const MAX_SWAPS: usize = 3;
