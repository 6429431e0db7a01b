//! The desk: the one thread that owns what is published, which are the states of the lists, the documents of the trust
//! bundle, and the events of the keys. Handlers hand it tasks; nobody else changes any of it.
//!
//! # Invariants
//! An entry is in the state file before it is submitted, and what it says is published after it is logged. A list's
//! renderings are replaced before its snapshot file, all snapshot files before the population file, and everything before
//! the trust bundle that names them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use sha2::{Digest as _, Sha256};
use sillok_log::entry::{IssuerHash, ListId, OriginHash};
use sillok_log::merkle::NodeId;
use sillok_log::note::SignerKey;
use sillok_log::status::ListState;
use sillok_log::{Hash, UnixSeconds};
use sillok_registry::sealed::Passphrase;
use sillok_verifier::key::PublicKey;
use sillok_verifier::snapshot::SnapshotFile;
use tokio::sync::oneshot;

use crate::application::Core;
use crate::error::Problem;
use crate::keys::{KeyChange, KeyOrder};
use crate::status::{Changed, StatusOrder};

mod archive;
mod bootstrap;
mod change;
mod documents;
mod error;
mod events;
mod key_events;
mod landmarks;
mod lists;
mod population;
mod render;
mod rules;
mod state;
mod supersede;

pub(crate) use archive::place as numbered_place;
pub use error::Error;
pub use landmarks::{KeepLandmarksError, keep_landmarks};
pub use population::PopulationFiles;
pub use rules::put_rule_set;
pub use state::StateError;
pub(crate) use state::StateFile;

/// What everybody may read, as it was last published.
#[derive(Default)]
pub struct Publication {
    /// The trust bundle.
    pub bundle: Rendered,
    /// By list id in hexadecimal, its files.
    pub lists: BTreeMap<String, ListFiles>,
    /// The same in one file.
    pub population: PopulationFiles,
    /// The credential-signing keys that are in the log.
    pub keys: Vec<PublishedKey>,
}

/// The files of one status list.
#[derive(Clone, Default)]
pub struct ListFiles {
    /// The snapshot file.
    pub snapshot: Rendered,
    /// The W3C rendering of the revocation plane.
    pub revocation: Rendered,
    /// The W3C rendering of the suspension plane.
    pub suspension: Rendered,
    /// The IETF rendering of both.
    pub token: Rendered,
}

/// A file with what HTTP says about it.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The file.
    pub bytes: Bytes,
    /// The SHA-256 of the bytes, quoted, so that two origins agree.
    pub etag: String,
    /// The media type.
    pub media_type: &'static str,
}

impl Rendered {
    pub(crate) fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes: bytes.into(), etag: format!("\"{hex}\""), media_type }
    }
}

/// A credential-signing key that is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// The key.
    pub key: PublicKey,
    /// Whether somebody else may have it.
    pub compromised: bool,
}

/// What the desk is asked for.
pub(crate) enum Task {
    /// Change the status of a credential.
    Change(StatusOrder, Reply<Changed>),
    /// A key event.
    Key(KeyOrder, Reply<KeyChange>),
    /// Publish everything now. The answer is the sequence of the feed.
    Publish(Reply<u64>),
    /// Publish what has changed, and end.
    Stop,
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Problem>>;

/// What the desk owns.
pub(crate) struct Desk {
    core: Arc<Core>,
    passphrase: Passphrase,
    root_key: SignerKey,
    feed_key: SignerKey,
    issuer: IssuerHash,
    origin: OriginHash,
    file: StateFile,
    /// The fold of each list: every change that is in the log.
    states: BTreeMap<ListId, ListState>,
    /// The last published snapshot of each list, with its files.
    published: BTreeMap<ListId, (SnapshotFile, ListFiles)>,
    /// The population file, and those before it.
    population: PopulationFiles,
    bases: population::Bases,
    /// Hashes of nodes that the landmarks of the last feed took.
    landmark_nodes: BTreeMap<NodeId, Hash>,
    /// Lists that differ from their last snapshot.
    changed: BTreeSet<ListId>,
    /// When the next publication of changed lists is due.
    due: Option<Instant>,
    /// When the next feed is due.
    feed_due: Instant,
    /// When kept data is looked through for what is too old.
    erase_due: Instant,
}

/// How much is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Lists that changed.
    Changed,
    /// All lists.
    Everything,
}

impl Desk {
    pub(crate) fn new(
        core: Arc<Core>,
        passphrase: Passphrase,
        (root_key, feed_key): (SignerKey, SignerKey),
        (issuer, origin): (IssuerHash, OriginHash),
        file: StateFile,
    ) -> Self {
        let now = Instant::now();
        Self {
            core,
            passphrase,
            root_key,
            feed_key,
            issuer,
            origin,
            file,
            states: BTreeMap::new(),
            published: BTreeMap::new(),
            population: PopulationFiles::default(),
            bases: population::Bases::default(),
            landmark_nodes: BTreeMap::new(),
            changed: BTreeSet::new(),
            due: None,
            feed_due: now,
            erase_due: now,
        }
    }

    /// Works until it is told to stop. What is queued together is done together.
    pub(crate) fn run(mut self, tasks: &Receiver<Task>) {
        let mut stopping = false;
        while !stopping {
            let first = match tasks.recv_timeout(self.pause()) {
                Ok(task) => Some(task),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut changes = Vec::new();
            let queued = std::iter::from_fn(|| tasks.try_recv().ok()).take(MAX_TASKS);
            for task in first.into_iter().chain(queued).collect::<Vec<_>>() {
                match task {
                    Task::Change(order, reply) => changes.push((order, reply)),
                    other => {
                        // In the order of their coming: a change before a key event is logged before it.
                        self.change(std::mem::take(&mut changes));
                        stopping |= self.perform(other);
                    }
                }
            }
            self.change(changes);
            if !stopping {
                self.keep_time();
            }
        }
    }

    /// Whether it was the last task.
    fn perform(&mut self, task: Task) -> bool {
        match task {
            // Never here: changes are collected by the caller.
            Task::Change(order, reply) => self.change(vec![(order, reply)]),
            Task::Key(order, reply) => {
                let answer = self.key_event(&order);
                if answer.is_err() {
                    // What was begun is in the state file: the next publication finishes it, and that is now.
                    self.feed_due = Instant::now();
                }
                drop(reply.send(answer));
            }
            Task::Publish(reply) => {
                let answer = self.publish(Extent::Everything).map_err(Problem::from);
                drop(reply.send(answer));
            }
            Task::Stop => {
                // Without a log it is published after the next start.
                if !self.changed.is_empty() && !self.core.ledger.is_away() {
                    self.try_publish(Extent::Changed);
                }
                return true;
            }
        }
        false
    }

    /// Does what is due.
    fn keep_time(&mut self) {
        let now = Instant::now();
        if self.core.register.slots().needs_list() {
            self.try_add_list();
        }
        if self.core.take_open() {
            self.resume();
        }
        if self.core.records.has_work() {
            self.try_supersede();
        }
        if now >= self.feed_due {
            self.try_publish(Extent::Everything);
        } else if self.due.is_some_and(|due| now >= due) {
            self.try_publish(Extent::Changed);
        }
        if now >= self.erase_due {
            self.erase_due = now + ERASE_INTERVAL;
            self.erase();
        }
    }

    fn pause(&self) -> Duration {
        let next = self.due.unwrap_or(self.feed_due).min(self.feed_due);
        next.saturating_duration_since(Instant::now()).min(TICK)
    }

    /// Publishes; a failure is tried again soon.
    fn try_publish(&mut self, extent: Extent) {
        if let Err(error) = self.publish(extent) {
            tracing::warn!(error = %error, "publication failed and is tried again");
            self.core.metrics.publish_failures.inc();
            let again = Instant::now() + RETRY_INTERVAL;
            match extent {
                Extent::Changed => self.due = Some(again),
                Extent::Everything => self.feed_due = again,
            }
        }
    }

    /// Publishes changed or all lists and a feed. The sequence of the feed.
    fn publish(&mut self, extent: Extent) -> Result<u64, Error> {
        self.resolve_changes()?;
        self.supersede()?;
        self.settle()?;
        self.snapshot(extent)?;
        self.write_lists()?;
        self.write_population()?;
        self.renew_root()?;
        let sequence = self.renew_feed()?;
        self.write_bundle()?;
        if extent == Extent::Everything {
            self.number_bundle();
        }
        self.due = None;
        self.feed_due = Instant::now() + self.core.config.feed_interval;
        Ok(sequence)
    }

    /// Submits again what a time without a log has left open.
    fn resume(&self) {
        // Nobody else works on it meanwhile.
        let _pause = self.core.pipeline.pause();
        if let Err(problem) = crate::issue::resume(&self.core) {
            tracing::warn!(problem = %problem, "open intents are not in the log yet");
            self.core.note_open();
        }
    }

    /// Destroys what is kept of subjects for longer than the retention period.
    fn erase(&self) {
        let Some(retention) = self.core.config.retention else { return };
        // An intent is in no index until it is durable: its subject would look old while it is being sealed for it.
        let _pause = self.core.pipeline.pause();
        let before = UnixSeconds(self.now().0.saturating_sub(retention.as_secs()));
        match self.core.register.erase_older_than(before) {
            Ok(count) => self.core.metrics.erased.inc_by(count as u64),
            Err(error) => tracing::error!(error = %error, "erasing what is too old failed"),
        }
    }

    fn now(&self) -> UnixSeconds {
        (self.core.clock)()
    }
}

/// Longest time without a look at what is due.
const TICK: Duration = Duration::from_secs(1);

/// How soon a failed publication is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How often kept data is looked through for what is too old.
const ERASE_INTERVAL: Duration = Duration::from_secs(600);

/// Most tasks that are done together: the entries of one submission (specs/log.md).
const MAX_TASKS: usize = 999;
