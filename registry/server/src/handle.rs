//! How the rest of the process uses a log: open it, submit entries, read its checkpoints, stop it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use sillok_log::audit::LogKind;
use sillok_log::entry::Entry;
use sillok_log::ledger::{Ledger, Role};
use sillok_log::merkle::leaf_hash;
use sillok_log::note::SignerKey;
use sillok_log::receipt::Receipt;
use sillok_log::submission::Level;
use sillok_log::{LeafIndex, UnixSeconds};
use tokio::sync::oneshot;

use crate::index::Index;
use crate::segment::Segments;
use crate::sequencer::answer::{Draft, Request, Unfinished, prove};
use crate::sequencer::commit::Writer;
use crate::sequencer::cosign::Cosigning;
use crate::sequencer::plan::{Item, Parsed, State};
use crate::sequencer::publish::Publisher;
use crate::sequencer::{Fatal, Message, Phase, Sequencer, Shared, Signed, Stores, Time, recover};
use crate::stats::Stats;
use crate::store::{self, FileBlobs, FileHeads, FileSeen, Heads};
use crate::witness::Witnessing;

pub use error::SubmitError;
pub use limits::Limits;

mod error;
mod limits;
mod offline;

/// Where a log takes the time from. Each program reads the system's clock in one place only.
pub type Clock = Arc<dyn Fn() -> UnixSeconds + Send + Sync>;

/// What a log is made of, apart from its stores.
pub struct Options {
    /// The log's key. Its name is the origin.
    pub signer: SignerKey,
    /// Whether its entries have rules.
    pub kind: LogKind,
    /// What it takes at once.
    pub limits: Limits,
}

/// Where the files of a log are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// What a web server may serve: not trusted, not to be lost.
    pub public: PathBuf,
    /// Batches on their way into `public`: not trusted, not to be lost.
    pub segments: PathBuf,
    /// The derived index: may be lost.
    pub seen: PathBuf,
    /// The file of the head: trusted, not to be lost, never to be restored from a backup. Keep it elsewhere.
    pub head: PathBuf,
}

impl Stores {
    /// Makes the files of a new log and locks them for this process.
    ///
    /// # Errors
    /// A log is there already, another process has it open, or a file operation fails.
    pub fn create(paths: &Paths, segment_bytes: u64) -> Result<Self, store::Error> {
        // The lock first: nobody else may be writing what is opened next.
        Self::around(FileHeads::create(&paths.head)?, paths, segment_bytes)
    }

    /// Opens the files of an existing log and locks them for this process.
    ///
    /// # Errors
    /// The head is missing or damaged, another process has the log open, or a file operation fails.
    pub fn open(paths: &Paths, segment_bytes: u64) -> Result<Self, store::Error> {
        Self::around(FileHeads::open(&paths.head)?, paths, segment_bytes)
    }

    fn around(heads: FileHeads, paths: &Paths, segment_bytes: u64) -> Result<Self, store::Error> {
        Ok(Self {
            heads: Arc::new(heads),
            blobs: Arc::new(FileBlobs::open(&paths.public)?),
            seen: Arc::new(FileSeen::open(&paths.seen)?),
            staging: Arc::new(Segments::open(&paths.segments, segment_bytes)?),
        })
    }
}

/// A log that this process writes.
pub struct Registry {
    handle: Handle,
    threads: Vec<JoinHandle<()>>,
}

impl Registry {
    /// Begins a log: signs and publishes its checkpoint of size 0, and opens it.
    ///
    /// # Errors
    /// The head has a record already, or a store fails.
    pub fn create(options: Options, stores: Stores, clock: Clock) -> Result<Self, Fatal> {
        recover::create(&stores, &options.signer, options.kind, clock())?;
        Self::open(options, stores, clock)
    }

    /// Opens a log. On return everything that it ever committed is public; entries are taken as soon as the index is
    /// caught up, which a thread of its own does.
    ///
    /// # Errors
    /// Whatever makes it unsafe to go on: see [`Fatal`].
    pub fn open(options: Options, stores: Stores, clock: Clock) -> Result<Self, Fatal> {
        Self::open_with(options, stores, clock, None)
    }

    //= specs/log.md#witnesses
    /// Opens a log whose checkpoints are public once witnesses have cosigned them. On return all tiles of what it ever
    /// committed are public, and no witness that answered has cosigned more than it knows. It is read at once; entries are
    /// taken as soon as a quorum has answered so.
    ///
    /// # Errors
    /// As [`Registry::open`], and [`Fatal::Witnessed`].
    pub fn open_witnessed(
        options: Options,
        stores: Stores,
        clock: Clock,
        witnessing: Witnessing,
    ) -> Result<Self, Fatal> {
        Self::open_with(options, stores, clock, Some(witnessing))
    }

    fn open_with(
        options: Options,
        stores: Stores,
        clock: Clock,
        witnessing: Option<Witnessing>,
    ) -> Result<Self, Fatal> {
        let Options { signer, kind, limits } = options;
        let limits = limits.bounded();
        let key = signer.verifier();
        let now = clock();
        // A policy that asks nobody lacks nothing: what was pending is public now.
        let pending = witnessing.as_ref().map(|witnessing| Arc::clone(&witnessing.pending));
        let witnessing = witnessing.filter(|witnessing| witnessing.policy.has_quorum());
        let recovered = recover::recover(&stores, pending.as_deref(), &key, kind, now)?;
        let time = Time::new(Arc::clone(&clock), now.max(recovered.head.time));
        let public = witnessing.is_some().then(|| Arc::clone(&recovered.public));
        if public.is_none() && pending.is_some() {
            let put = stores.blobs.put_checkpoint(&recovered.signed.note);
            put.map_err(Fatal::store("publishing the checkpoint"))?;
        }
        let shared = Arc::new(Shared::new((kind, limits.clone()), &stores, &recovered.signed, public));
        shared.stats.frozen.store(u64::from(recovered.head.frozen), Ordering::Relaxed);
        let cosigner = match &witnessing {
            Some(witnessing) => Some(Cosigning::open(witnessing, &shared, &key, &stores.heads, &clock)?),
            None => None,
        };
        let Stores { blobs, heads, seen, staging } = stores;
        let (sender, inbox) = mpsc::channel();
        let (publisher_sender, publisher_inbox) = mpsc::sync_channel(PUBLISHER_QUEUE);
        let levels = recovered.edge.levels().to_vec();
        let sequencer = Sequencer {
            state: State {
                kind,
                origin: signer.name().into(),
                frontier: recovered.edge.frontier().clone(),
                ledger: Ledger::new(),
                time: recovered.head.time,
                fold: None,
            },
            index: Index::new(Arc::clone(&seen), Arc::clone(&blobs)),
            writer: Writer {
                staging: Arc::clone(&staging),
                heads: Arc::clone(&heads),
                signer,
                key,
                frozen: recovered.head.frozen,
                record: recovered.record,
                last: recovered.signed,
                publisher: publisher_sender,
                shared: Arc::clone(&shared),
            },
            time,
            shared: Arc::clone(&shared),
            inbox,
            carried: None,
            busy: false,
        };
        let publisher = Publisher {
            blobs,
            staging,
            seen: Arc::clone(&seen),
            edge: recovered.edge,
            interval: limits.publish_interval,
            shared: Arc::clone(&shared),
            cosigner: witnessing
                .zip(cosigner.as_ref())
                .map(|(Witnessing { pending, .. }, cosigning)| (pending, cosigning.sender.clone())),
            _head: heads,
        };
        let mut threads = vec![
            spawn("sillok-sequencer", &shared, move || sequencer.run(seen.as_ref(), &levels))?,
            spawn("sillok-publisher", &shared, move || publisher.run(&publisher_inbox))?,
        ];
        if let Some(Cosigning { cosigner, inbox, .. }) = cosigner {
            threads.push(spawn("sillok-cosigner", &shared, move || cosigner.run(&inbox))?);
        }
        Ok(Self { handle: Handle { shared, sender }, threads })
    }

    /// What handlers hold.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes no more entries, commits and publishes what is queued, and closes the stores.
    ///
    /// # Errors
    /// [`SubmitError::Stopped`] when the writer has failed, now or earlier.
    pub fn stop(mut self) -> Result<(), SubmitError> {
        self.end();
        self.handle.shared.stopped().map_or(Ok(()), Err)
    }

    fn end(&mut self) {
        self.handle.shared.enter(Phase::Stopping);
        drop(self.handle.send(Message::Stop));
        for thread in self.threads.drain(..) {
            // A panic was turned into a stop inside the thread.
            drop(thread.join());
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.end();
    }
}

/// A thread whose panic stops the writer instead of leaving callers waiting.
pub(crate) fn spawn(
    name: &str,
    shared: &Arc<Shared>,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Fatal> {
    struct StopOnPanic(Arc<Shared>);
    impl Drop for StopOnPanic {
        fn drop(&mut self) {
            if thread::panicking() {
                self.0.stop(&Fatal::Panicked);
            }
        }
    }
    let guard = StopOnPanic(Arc::clone(shared));
    thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            let _guard = guard;
            work();
        })
        .map_err(|source| Fatal::Thread { source })
}

/// A log as handlers see it. Cheap to clone; every method may be called from any thread.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    sender: Sender<Message>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The signed checkpoint of the batch.
    pub checkpoint: String,
    /// One for each entry, in order.
    pub results: Vec<Outcome>,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Logged(Logged),
    /// It is not, and would not be if it were sent again.
    Refused {
        /// The stable code of the rule (specs/entry.md, "Ledger rules").
        code: &'static str,
        /// What is wrong, in a sentence.
        detail: String,
    },
}

/// Where an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its place.
    pub index: LeafIndex,
    /// Its receipt (specs/receipt.md) without `extra`, checked, relative to the checkpoint in it.
    pub receipt: Receipt,
    /// Whether it was there before.
    pub duplicate: bool,
}

impl Handle {
    /// Submits entries of a log with rules, in order, on behalf of `role`, and waits until they have come to `level`.
    /// What is submitted counts even if nobody waits for the answer any more.
    ///
    /// # Errors
    /// See [`SubmitError`]; an entry that is refused is no error.
    pub async fn submit(
        &self,
        entries: Vec<Vec<u8>>,
        role: Role,
        level: Level,
    ) -> Result<Answer, SubmitError> {
        let items = self.recognise(self.judge(entries, Some(role))?).await?;
        let answer = self.enqueue(items, level)?;
        self.finish(answer.await.map_err(|_dropped| self.stopped())??, level).await
    }

    /// [`Handle::submit`] for threads that may block; not to be called in an asynchronous context.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub fn submit_blocking(
        &self,
        entries: Vec<Vec<u8>>,
        role: Role,
        level: Level,
    ) -> Result<Answer, SubmitError> {
        let mut items = self.judge(entries, Some(role))?;
        self.recognise_blocking(&mut items);
        let answer = self.enqueue(items, level)?;
        let draft = answer.blocking_recv().map_err(|_dropped| self.stopped())??;
        self.finish_blocking(draft, level)
    }

    //= specs/entry.md#raw-logs
    /// Submits entries of a raw log, of 1 to 65,535 bytes each.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn add_raw(&self, entries: Vec<Vec<u8>>, level: Level) -> Result<Answer, SubmitError> {
        let answer = self.enqueue(self.judge(entries, None)?, level)?;
        self.finish(answer.await.map_err(|_dropped| self.stopped())??, level).await
    }

    /// Submits one entry of a raw log and waits until it is committed: its place, and no receipt.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn add_one(&self, entry: Vec<u8>) -> Result<LeafIndex, SubmitError> {
        let answer = self.enqueue(self.judge(vec![entry], None)?, Level::Committed)?;
        let draft = answer.await.map_err(|_dropped| self.stopped())??;
        // A raw log refuses nothing.
        draft.into_place().and_then(Result::ok).ok_or_else(|| self.stopped())
    }

    /// [`Handle::add_raw`] for threads that may block; not to be called in an asynchronous context.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub fn add_raw_blocking(&self, entries: Vec<Vec<u8>>, level: Level) -> Result<Answer, SubmitError> {
        let answer = self.enqueue(self.judge(entries, None)?, level)?;
        let draft = answer.blocking_recv().map_err(|_dropped| self.stopped())??;
        self.finish_blocking(draft, level)
    }

    /// Whether a checkpoint needs cosignatures to be public.
    pub fn has_quorum(&self) -> bool {
        self.shared.quorum
    }

    /// Whether the log never signs again.
    pub fn is_frozen(&self) -> bool {
        self.shared.stats.frozen.load(Ordering::Relaxed) != 0
    }

    /// What the log has signed last. It may not be public yet.
    pub fn committed(&self) -> Arc<Signed> {
        self.shared.committed()
    }

    /// The public checkpoint.
    pub fn published(&self) -> Arc<Signed> {
        self.shared.published()
    }

    /// A receipt for a published entry, given its bytes, relative to the public checkpoint; checked.
    ///
    /// # Errors
    /// [`SubmitError::Unreadable`]: another entry is there, none is, or the files are damaged.
    pub fn receipt(&self, index: LeafIndex, entry: &[u8]) -> Result<Receipt, SubmitError> {
        prove(self.shared.blobs.as_ref(), &self.published(), index, &leaf_hash(entry)).map_err(unreadable)
    }

    /// Counters and present values.
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// What the writer is doing.
    pub fn phase(&self) -> Phase {
        self.shared.phase()
    }

    /// See [`Shared::lock`].
    pub(crate) fn lock(&self) -> Option<Arc<dyn Heads>> {
        self.shared.lock()
    }

    fn send(&self, message: Message) -> Result<(), SubmitError> {
        self.sender.send(message).map_err(|_closed| self.stopped())
    }

    fn stopped(&self) -> SubmitError {
        self.shared.stopped().unwrap_or_else(|| SubmitError::Stopped { reason: "it is shutting down".into() })
    }

    /// Judges the request as a whole. Its entries are parsed and hashed here, by whoever submits, and not by the one thread
    /// that all wait for.
    fn judge(&self, entries: Vec<Vec<u8>>, role: Option<Role>) -> Result<Vec<Item>, SubmitError> {
        let Shared { kind, limits, .. } = self.shared.as_ref();
        let bytes = entries.iter().map(Vec::len).sum();
        let count = entries.len();
        let length = |entry: &Vec<u8>| (1..=usize::from(u16::MAX)).contains(&entry.len());
        if count == 0
            || count > limits.batch_entries
            || bytes > limits.batch_bytes
            || !entries.iter().all(length)
        {
            let Limits { batch_entries: most_entries, batch_bytes: most_bytes, .. } = *limits;
            return Err(SubmitError::TooLarge { entries: count, bytes, most_entries, most_bytes });
        }
        match (kind, role) {
            (LogKind::Typed, Some(_)) | (LogKind::Raw, None) => {}
            (LogKind::Typed, None) | (LogKind::Raw, Some(_)) => return Err(SubmitError::Kind),
        }
        self.check_open()?;
        // Before any work is done for it.
        self.check_room(self.queued(), count, bytes)?;
        Ok(entries.into_iter().map(|bytes| item(bytes, role)).collect())
    }

    fn check_open(&self) -> Result<(), SubmitError> {
        let stats = &self.shared.stats;
        if self.shared.is_open() {
            return Ok(());
        }
        match self.phase() {
            // A frozen log knows better than this what it has already.
            Phase::Open | Phase::Frozen => Ok(()),
            Phase::Building => {
                stats.requests_pushed_back.fetch_add(1, Ordering::Relaxed);
                Err(SubmitError::Building { retry_after_seconds: stats.retry_after_seconds() })
            }
            Phase::Asking => Err(SubmitError::Unwitnessed { retry_after_seconds: ASKING_RETRY_SECONDS }),
            Phase::Stopping | Phase::Stopped { .. } => Err(self.stopped()),
        }
    }

    /// Looks up entries that may be in the log already, so that the sequencer need not read files for a retry.
    async fn recognise(&self, mut items: Vec<Item>) -> Result<Vec<Item>, SubmitError> {
        let may_be_known = |item: &Item| item.key().is_some_and(|key| self.shared.seen.may_have(&key));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return Ok(items) };
        if !items.iter().any(may_be_known) {
            return Ok(items);
        }
        let handle = self.clone();
        let found = runtime.spawn_blocking(move || {
            handle.recognise_blocking(&mut items);
            items
        });
        found.await.map_err(|_cancelled| self.stopped())
    }

    fn recognise_blocking(&self, items: &mut [Item]) {
        let Shared { seen, blobs, .. } = self.shared.as_ref();
        // In this order: what is noted is public by then.
        let noted = self.shared.noted();
        let public = self.shared.tiled();
        Index::new(Arc::clone(seen), Arc::clone(blobs)).recognise(items, noted, &public);
    }

    /// Queues a request, without waiting.
    fn enqueue(
        &self,
        items: Vec<Item>,
        level: Level,
    ) -> Result<oneshot::Receiver<Result<Draft, SubmitError>>, SubmitError> {
        let bytes = items.iter().map(|item| item.bytes.len()).sum();
        self.reserve(items.len(), bytes)?;
        let (reply, answer) = oneshot::channel();
        self.send(Message::Request(Request { items, level, bytes, reply }))?;
        Ok(answer)
    }

    /// Whether the queue has room for one entry. Asked before a request is read, so that turning it away costs next to
    /// nothing when there are many.
    ///
    /// # Errors
    /// [`SubmitError::QueueFull`].
    pub(crate) fn admit(&self) -> Result<(), SubmitError> {
        self.check_open()?;
        self.check_room(self.queued(), 1, 0)
    }

    fn queued(&self) -> (u64, u64) {
        let stats = &self.shared.stats;
        (stats.queue_entries.load(Ordering::SeqCst), stats.queue_bytes.load(Ordering::SeqCst))
    }

    fn reserve(&self, count: usize, bytes: usize) -> Result<(), SubmitError> {
        let stats = &self.shared.stats;
        let entries_before = stats.queue_entries.fetch_add(count as u64, Ordering::SeqCst);
        let bytes_before = stats.queue_bytes.fetch_add(bytes as u64, Ordering::SeqCst);
        self.check_room((entries_before, bytes_before), count, bytes).inspect_err(|_full| {
            stats.queue_entries.fetch_sub(count as u64, Ordering::SeqCst);
            stats.queue_bytes.fetch_sub(bytes as u64, Ordering::SeqCst);
        })
    }

    /// Whether so much more fits into a queue.
    fn check_room(&self, queued: (u64, u64), count: usize, bytes: usize) -> Result<(), SubmitError> {
        let Shared { limits, stats, .. } = self.shared.as_ref();
        if queued.0 + count as u64 <= limits.queue_entries as u64
            && queued.1 + bytes as u64 <= limits.queue_bytes as u64
        {
            return Ok(());
        }
        stats.requests_pushed_back.fetch_add(1, Ordering::Relaxed);
        Err(SubmitError::QueueFull { retry_after_seconds: stats.retry_after_seconds() })
    }

    async fn finish(&self, draft: Draft, level: Level) -> Result<Answer, SubmitError> {
        if draft.is_finished(level) {
            return self.finish_blocking(draft, level);
        }
        // Proofs are read from files: not on a thread that serves others meanwhile.
        let handle = self.clone();
        match tokio::task::spawn_blocking(move || handle.finish_blocking(draft, level)).await {
            Ok(answer) => answer,
            Err(_cancelled) => Err(self.stopped()),
        }
    }

    fn finish_blocking(&self, draft: Draft, level: Level) -> Result<Answer, SubmitError> {
        let readable = match level {
            Level::Committed | Level::Published => self.shared.tiled(),
            Level::Cosigned => self.published(),
        };
        draft.finish(self.shared.blobs.as_ref(), &readable, level).map_err(|unfinished| match unfinished {
            Unfinished::Committed(fatal) => self.shared.stop(&fatal),
            Unfinished::Earlier(fatal) => unreadable(fatal),
        })
    }
}

fn unreadable(fatal: Fatal) -> SubmitError {
    SubmitError::Unreadable { reason: fatal.to_string().into() }
}

fn item(bytes: Vec<u8>, role: Option<Role>) -> Item {
    let parsed = match role {
        None => Parsed::Raw,
        Some(role) => match Entry::parse(&bytes) {
            Ok(entry) => Parsed::Typed(entry, role),
            Err(error) => Parsed::Malformed(error),
        },
    };
    Item { leaf: leaf_hash(&bytes), bytes, parsed, known: None }
}

/// Witnesses that are away are asked every few seconds.
const ASKING_RETRY_SECONDS: u64 = 5;

/// Messages that wait for the publisher before the sequencer waits too; what is in them is bounded by the backlog.
const PUBLISHER_QUEUE: usize = 4_096;
