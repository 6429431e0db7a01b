//! The one thread that owns the tree, and what it shares with the rest of the process.
//!
//! It takes what is in the queue (group commit), plans it (`plan`), commits it (`commit`) and hands it to the
//! thread that publishes (`publish`). `recover` opens a log. No lock is held over an operation on files.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use sillok_log::audit::LogKind;
use sillok_log::{TreeSize, UnixSeconds};

use crate::handle::{Clock, Limits, SubmitError};
use crate::index::{self, Index};
use crate::segment::Staging;
use crate::stats::Stats;
use crate::store::{Blobs, Heads, Seen};
use answer::Request;
use backlog::Backlog;
use commit::Writer;
use plan::{Decision, Item, Known, State};

pub(crate) mod answer;
mod backlog;
pub(crate) mod commit;
pub(crate) mod cosign;
pub(crate) mod edge;
mod error;
mod head;
pub(crate) mod plan;
pub(crate) mod publish;
pub(crate) mod recover;
pub(crate) mod tiles;

pub use error::Fatal;
pub(crate) use head::Head;
pub use head::Signed;

/// The stores of one log.
#[derive(Clone)]
pub struct Stores {
    /// What readers fetch.
    pub blobs: Arc<dyn Blobs>,
    /// What was signed last.
    pub heads: Arc<dyn Heads>,
    /// The derived index.
    pub seen: Arc<dyn Seen>,
    /// Batches on their way.
    pub staging: Arc<dyn Staging>,
}

/// What the threads of a log and its handles share.
pub(crate) struct Shared {
    /// Gone once the writer's threads have ended.
    lock: Weak<dyn Heads>,
    pub(crate) kind: LogKind,
    pub(crate) limits: Limits,
    pub(crate) stats: Stats,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) seen: Arc<dyn Seen>,
    pub(crate) backlog: Backlog,
    /// Whether a checkpoint needs cosignatures to be public.
    pub(crate) quorum: bool,
    state: Mutex<Visible>,
    /// Told when the phase changes, and when enough witnesses were heard.
    changed: Condvar,
    /// Whether the phase is [`Phase::Open`], for those who ask at each entry.
    open: AtomicBool,
    /// Every leaf below is public and noted in the index.
    noted: AtomicU64,
}

struct Visible {
    phase: Phase,
    /// Whether a quorum of witnesses has said that it cosigned no more than was signed here; always, without a quorum.
    heard: bool,
    committed: Arc<Signed>,
    /// All of its tiles are there; the same as `published` unless witnesses are awaited.
    tiled: Arc<Signed>,
    published: Arc<Signed>,
}

/// What the writer is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The index is being caught up; entries are not taken yet.
    Building,
    /// No quorum of witnesses has said what it cosigned last; nothing is signed before.
    Asking,
    /// Entries are taken.
    Open,
    /// Nothing is signed any more, for ever; what is in the log is answered with its place, and read.
    Frozen,
    /// What is queued is still committed and published; nothing more is taken.
    Stopping,
    /// Nothing is signed any more.
    Stopped {
        /// Why, in a sentence.
        reason: Arc<str>,
    },
}

impl Shared {
    pub(crate) fn new(
        options: (LogKind, Limits),
        stores: &Stores,
        signed: &Arc<Signed>,
        published: Option<Arc<Signed>>,
    ) -> Self {
        let (kind, limits) = options;
        let quorum = published.is_some();
        let published = published.unwrap_or_else(|| Arc::clone(signed));
        let stats = Stats::default();
        stats.committed_size.store(signed.size().0, Ordering::Relaxed);
        stats.tiled_size.store(signed.size().0, Ordering::Relaxed);
        stats.published_size.store(published.size().0, Ordering::Relaxed);
        let (committed, tiled) = (Arc::clone(signed), Arc::clone(signed));
        let state = Visible { phase: Phase::Building, heard: !quorum, committed, tiled, published };
        Self {
            lock: Arc::downgrade(&stores.heads),
            quorum,
            backlog: Backlog::new(&limits),
            kind,
            limits,
            stats,
            blobs: Arc::clone(&stores.blobs),
            seen: Arc::clone(&stores.seen),
            state: Mutex::new(state),
            changed: Condvar::new(),
            open: AtomicBool::new(false),
            noted: AtomicU64::new(0),
        }
    }

    /// Keeps the lock on the head while somebody beside the writer's own threads writes files of the log, or believes that
    /// nobody else has signed. Nothing once it may be a successor's: handles outlast the writer.
    pub(crate) fn lock(&self) -> Option<Arc<dyn Heads>> {
        self.lock.upgrade()
    }

    fn hold(&self) -> MutexGuard<'_, Visible> {
        // Each field is replaced whole: a panic elsewhere leaves none half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.hold().phase.clone()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    /// Goes on to `phase`, unless the writer has stopped.
    pub(crate) fn enter(&self, phase: Phase) {
        let mut state = self.hold();
        match &state.phase {
            Phase::Stopped { .. } => {}
            // Who is told to stop while the index is built does not open.
            Phase::Stopping if matches!(phase, Phase::Asking | Phase::Open | Phase::Frozen) => {}
            Phase::Asking | Phase::Building | Phase::Open | Phase::Frozen | Phase::Stopping => {
                self.open.store(phase == Phase::Open, Ordering::SeqCst);
                state.phase = phase;
                self.changed.notify_all();
            }
        }
    }

    pub(crate) fn is_heard(&self) -> bool {
        self.hold().heard
    }

    pub(crate) fn set_heard(&self) {
        self.hold().heard = true;
        self.changed.notify_all();
    }

    //= specs/log.md#witnesses
    /// Waits until a quorum of witnesses has said what it cosigned last; `false` when told to stop before.
    fn hear(&self) -> bool {
        if !self.is_heard() {
            self.enter(Phase::Asking);
        }
        let unheard = |state: &mut Visible| !state.heard && state.phase == Phase::Asking;
        let state = self.changed.wait_while(self.hold(), unheard);
        state.unwrap_or_else(PoisonError::into_inner).heard
    }

    /// Stops the writer for good, and returns what to answer. The first reason stands.
    pub(crate) fn stop(&self, fatal: &Fatal) -> SubmitError {
        tracing::error!(reason = %fatal, "the log has stopped");
        let reason: Arc<str> = fatal.to_string().into();
        self.enter(Phase::Stopped { reason: Arc::clone(&reason) });
        self.backlog.close();
        self.stopped().unwrap_or(SubmitError::Stopped { reason })
    }

    /// What to answer if the writer has stopped.
    pub(crate) fn stopped(&self) -> Option<SubmitError> {
        match self.phase() {
            Phase::Stopped { reason } => Some(SubmitError::Stopped { reason }),
            Phase::Asking | Phase::Building | Phase::Open | Phase::Frozen | Phase::Stopping => None,
        }
    }

    pub(crate) fn committed(&self) -> Arc<Signed> {
        Arc::clone(&self.hold().committed)
    }

    pub(crate) fn published(&self) -> Arc<Signed> {
        Arc::clone(&self.hold().published)
    }

    pub(crate) fn tiled(&self) -> Arc<Signed> {
        Arc::clone(&self.hold().tiled)
    }

    pub(crate) fn set_committed(&self, signed: Arc<Signed>) {
        self.stats.committed_size.store(signed.size().0, Ordering::Relaxed);
        self.hold().committed = signed;
    }

    pub(crate) fn set_tiled(&self, signed: Arc<Signed>) {
        self.stats.tiled_size.store(signed.size().0, Ordering::Relaxed);
        if !self.quorum {
            self.set_published(Arc::clone(&signed));
        }
        self.hold().tiled = signed;
    }

    pub(crate) fn set_published(&self, signed: Arc<Signed>) {
        self.stats.published_size.store(signed.size().0, Ordering::Relaxed);
        self.hold().published = signed;
    }

    pub(crate) fn set_noted(&self, size: TreeSize) {
        self.noted.store(size.0, Ordering::SeqCst);
    }

    pub(crate) fn noted(&self) -> TreeSize {
        TreeSize(self.noted.load(Ordering::SeqCst))
    }
}

/// What the sequencer is told.
pub(crate) enum Message {
    /// Judge these entries.
    Request(Request),
    /// End, once everything before is answered.
    Stop,
}

/// The clock, as far as it can be right: within a process it goes ahead at the pace of the monotonic one. One reading
/// that is a year ahead would otherwise be recorded as the log's time, and every right one after it be refused. Whoever
/// sets a clock right that was behind, or sleeps, is followed late, until the log is opened again: that is harmless.
pub(crate) struct Time {
    clock: Clock,
    /// What the clock said when the log was opened, or when it had signed last if that was later.
    opened_at: UnixSeconds,
    opened: Instant,
    /// Whether it was said that the clock is ahead: once is enough.
    said: bool,
}

impl Time {
    pub(crate) fn new(clock: Clock, opened_at: UnixSeconds) -> Self {
        Self { clock, opened_at, opened: Instant::now(), said: false }
    }

    fn now(&mut self) -> UnixSeconds {
        let now = (self.clock)();
        let followed = at_most(now, self.opened_at, self.opened.elapsed());
        if followed < now && !self.said {
            self.said = true;
            tracing::warn!(
                now = now.0,
                followed = followed.0,
                "the clock went ahead by itself and is not followed"
            );
        }
        followed
    }
}

/// What the clock says, but no more than the time that has passed since it said `opened_at`, and some slack.
fn at_most(now: UnixSeconds, opened_at: UnixSeconds, elapsed: Duration) -> UnixSeconds {
    let most = opened_at.0.saturating_add(elapsed.as_secs()).saturating_add(MAX_CLOCK_AHEAD_SECONDS);
    UnixSeconds(now.0.min(most))
}

/// Owned by its thread; the only owner of the tree.
pub(crate) struct Sequencer {
    pub(crate) state: State,
    pub(crate) index: Index,
    pub(crate) writer: Writer,
    pub(crate) time: Time,
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbox: Receiver<Message>,
    /// A request that did not fit into the last batch.
    pub(crate) carried: Option<Request>,
    /// Whether the last batch held more than one request.
    pub(crate) busy: bool,
}

impl Sequencer {
    /// Catches the index up, then commits batches until it is told to end or something fails.
    pub(crate) fn run(mut self, seen: &dyn Seen, edge: &[Vec<sillok_log::Hash>]) {
        match self.build(seen, edge) {
            // One that signs nothing need hear nobody.
            Ok(true) if self.writer.frozen || self.shared.hear() => self.serve(),
            Ok(_told_to_stop) => {}
            Err(fatal) => drop(self.shared.stop(&fatal)),
        }
        // The publisher ends after everything that was handed to it. Requests that are still in the queue are dropped
        // with it, and whoever waits for them hears that the writer has stopped.
        drop(self.writer.publisher.send(publish::Message::Stop));
    }

    fn serve(&mut self) {
        self.shared.enter(if self.writer.frozen { Phase::Frozen } else { Phase::Open });
        while let Some((mut batch, begun)) = self.take() {
            let entries = batch.iter().map(|request| request.items.len()).sum();
            let result = self.process(&mut batch);
            self.shared.stats.pace(entries, begun.elapsed());
            if let Err(fatal) = result {
                let reason = self.shared.stop(&fatal);
                for request in batch {
                    drop(request.reply.send(Err(reason.clone())));
                }
                return;
            }
        }
    }

    /// Catches the index up; `false` when told to stop meanwhile.
    fn build(&mut self, seen: &dyn Seen, edge: &[Vec<sillok_log::Hash>]) -> Result<bool, Fatal> {
        let shared = Arc::clone(&self.shared);
        let mut progress = |at: TreeSize| {
            shared.stats.index_built.store(at.0, Ordering::Relaxed);
            shared.phase() == Phase::Building
        };
        let public = Arc::clone(&self.writer.last);
        let ledger =
            index::catch_up(seen, shared.blobs.as_ref(), &public, self.state.kind, edge, &mut progress)?;
        let Some(ledger) = ledger else { return Ok(false) };
        self.state.ledger = ledger;
        shared.stats.index_built.store(public.size().0, Ordering::Relaxed);
        shared.set_noted(public.size());
        Ok(true)
    }

    fn process(&mut self, batch: &mut Vec<Request>) -> Result<(), Fatal> {
        // What the publisher could not publish must not grow.
        if self.shared.stopped().is_some() {
            return Err(Fatal::PublisherStopped);
        }
        // In this order: what is noted is public by then.
        let noted = self.shared.noted();
        let public = self.shared.tiled();
        let mut items: Vec<&mut Item> = batch.iter_mut().flat_map(|request| &mut request.items).collect();
        let known = items.iter().map(|item| self.index.find(item, noted, &public));
        let mut known = known.collect::<Result<Vec<_>, _>>()?;
        let mut now = self.time.now();
        if self.writer.frozen {
            let mut judged = known.into_iter();
            let (kept, rest) = self.only_repeated(std::mem::take(batch), &mut judged);
            (*batch, known) = (kept, rest);
            items = batch.iter_mut().flat_map(|request| &mut request.items).collect();
            // Nothing is signed, so the time is of no matter.
            now = now.max(self.state.time);
        }
        let plan = plan::plan(&mut self.state, &mut items, &known, now)?;
        for decision in &plan.decisions {
            match decision {
                Decision::Append(_) => {}
                Decision::Duplicate(_) => {
                    self.shared.stats.entries_duplicate.fetch_add(1, Ordering::Relaxed);
                }
                Decision::Malformed(_) => self.shared.stats.refuse(answer::MALFORMED),
                Decision::Refuse(refusal) => self.shared.stats.refuse(refusal.code()),
            }
        }
        self.index.add(&plan, noted);
        commit::commit(&mut self.writer, &mut self.state, plan, batch)
    }

    //= specs/log.md#freezing
    /// Sends away each request that has anything new in it: of a frozen log only what is there already is answered.
    fn only_repeated(
        &self,
        batch: Vec<Request>,
        known: &mut impl Iterator<Item = Option<Known>>,
    ) -> (Vec<Request>, Vec<Option<Known>>) {
        let (mut kept, mut places) = (Vec::new(), Vec::new());
        for request in batch {
            let own: Vec<_> = known.take(request.items.len()).collect();
            if own.iter().all(|known| matches!(known, Some(Known::Same(_)))) {
                places.extend(own);
                kept.push(request);
            } else {
                let size = self.writer.last.size();
                drop(request.reply.send(Err(SubmitError::Frozen { size })));
            }
        }
        (kept, places)
    }

    /// The next batch, and when its first request was taken up: what is in the queue, and a little more while more
    /// arrives; nothing when told to end.
    fn take(&mut self) -> Option<(Vec<Request>, Instant)> {
        let first = match self.carried.take() {
            Some(request) => request,
            None => match self.inbox.recv() {
                Ok(Message::Request(request)) => self.dequeued(request),
                Ok(Message::Stop) | Err(_) => return None,
            },
        };
        let begun = Instant::now();
        let (mut entries, mut bytes) = (first.items.len(), first.bytes);
        let mut batch = vec![first];
        let limits = self.shared.limits.clone();
        loop {
            // Lingering pays only among many: a lone client would wait for nobody. Two synchronisations and a signature
            // cost the same for one entry and for a hundred.
            let left = limits.linger.saturating_sub(begun.elapsed());
            let next = match self.inbox.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) if left.is_zero() || !(self.busy || batch.len() > 1) => break,
                Err(TryRecvError::Empty) => {
                    // Asleep and not at the channel: it would be woken by each request, one change of threads an entry.
                    thread::sleep(left.min(LINGER_SLICE));
                    continue;
                }
            };
            let Message::Request(request) = next else {
                // This batch is the last, and the channel is asked no more.
                self.ended();
                break;
            };
            let request = self.dequeued(request);
            entries += request.items.len();
            bytes += request.bytes;
            if entries > limits.batch_entries || bytes > limits.batch_bytes {
                self.carried = Some(request);
                break;
            }
            batch.push(request);
        }
        self.busy = batch.len() > 1;
        Some((batch, begun))
    }

    /// Makes the next look at the channel find it closed.
    fn ended(&mut self) {
        let (_sender, closed) = std::sync::mpsc::channel();
        self.inbox = closed;
    }

    fn dequeued(&self, request: Request) -> Request {
        let stats = &self.shared.stats;
        stats.queue_entries.fetch_sub(request.items.len() as u64, Ordering::SeqCst);
        stats.queue_bytes.fetch_sub(request.bytes as u64, Ordering::SeqCst);
        request
    }
}

/// How long a batch that is gathered goes unlooked at: it may be full long before it has lingered.
const LINGER_SLICE: Duration = Duration::from_micros(500);

/// How far the clock may go ahead of the monotonic one: as far as it may be behind (`plan`).
const MAX_CLOCK_AHEAD_SECONDS: u64 = plan::MAX_CLOCK_BEHIND_SECONDS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_followed_at_the_pace_of_the_monotonic_one_and_10_seconds_ahead() {
        let opened_at = UnixSeconds(1_000);
        for (now, elapsed, expected) in [
            (1_000, 0, 1_000),
            (1_010, 0, 1_010),
            (1_011, 0, 1_010),
            (1_111, 100, 1_110),
            (900, 100, 900),
            (u64::MAX, u64::MAX, u64::MAX),
        ] {
            let time = at_most(UnixSeconds(now), opened_at, Duration::from_secs(elapsed));
            assert_eq!(time, UnixSeconds(expected), "{now} after {elapsed}");
        }
    }
}
