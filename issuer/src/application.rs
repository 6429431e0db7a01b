//! An issuer in a process: its parts, its threads, and what handlers ask of it.

use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use sillok_log::entry::{issuer_hash, origin_hash};
use sillok_registry::Clock;
use sillok_registry::sealed::Passphrase;
use tokio::sync::oneshot;

use crate::auth::{Caller, Gate};
use crate::config::{Config, ConfigError};
use crate::error::{Code, Problem};
use crate::foreign::proofs::ProofVerifier;
use crate::http::body::Reading;
use crate::issue::pipeline::Pipeline;
use crate::issue::{self, Issued, Looked, Order, Started, WantedType};
use crate::journal::StoreError;
use crate::keys::{KeyChange, KeyOrder, ServiceKeys};
use crate::ledger::{Backend, Ledger};
use crate::metrics::{Metrics, Stage};
use crate::openid::OpenId;
use crate::publish::{Desk, Publication, StateError, StateFile, Task};
use crate::records::{self, Records};
use crate::register::{Register, RegisterConfig};
use crate::sign::Signer;
use crate::status::{Changed, StatusOrder};
use crate::types::{CredentialType, CredentialTypes, TypeError};
use crate::vcalm::OwnTrust;

/// What handlers and threads share.
pub struct Core {
    /// The settings.
    pub config: Config,
    /// Who may do what.
    pub gate: Gate,
    /// What has happened.
    pub metrics: Metrics,
    /// What can be issued.
    pub types: CredentialTypes,
    pub(crate) clock: Clock,
    pub(crate) ledger: Ledger,
    pub(crate) openid: OpenId,
    pub(crate) pipeline: Pipeline,
    pub(crate) register: Register,
    /// Checks signatures of proofs of others.
    pub(crate) proofs: ProofVerifier,
    pub(crate) own_trust: OwnTrust,
    pub(crate) records: Records,
    /// Of bodies that are read.
    pub(crate) reading: Reading,
    /// Changed by the desk alone, at the start and at key events.
    signer: Mutex<Option<Arc<dyn Signer>>>,
    /// Changed by the desk alone.
    publication: Mutex<Arc<Publication>>,
    desk: SyncSender<Task>,
    /// Something was remembered and not logged.
    open: AtomicBool,
    desk_alive: AtomicBool,
}

impl Core {
    /// The type that an order names.
    pub(crate) fn find_type(&self, wanted: &WantedType) -> Result<&CredentialType, Problem> {
        let found = match wanted {
            WantedType::Name(name) => self.types.get(name),
            WantedType::Type(name) => self.types.find(name),
        };
        found.ok_or_else(|| Problem::new(Code::TypeUnknown, "no credential type has this name; see /types"))
    }

    /// Whether the caller may issue what it orders.
    ///
    /// # Errors
    /// An unknown type, or a token that does not allow it.
    pub fn authorise(&self, caller: &Caller, order: &Order) -> Result<(), Problem> {
        let kind = self.find_type(&order.wanted_type)?;
        caller.require(&format!("issue:{}", kind.name()))
    }

    /// Whether there is room for so many more credentials. Asked before a request is read, so that turning it away costs
    /// little when there are many; and they are told so at a bounded pace.
    ///
    /// # Errors
    /// The queue is full: when to come again.
    pub(crate) async fn admit(&self, count: usize) -> Result<(), Problem> {
        let Err(problem) = self.pipeline.admit(count) else { return Ok(()) };
        tokio::time::sleep(self.pipeline.pause_before_refusal()).await;
        Err(problem)
    }

    /// Issues, and answers each order. What was begun goes on even if nobody waits for the answer any more.
    ///
    /// # Errors
    /// The queue is full, or the issuer stops: then none of the orders was taken.
    pub async fn issue(
        self: &Arc<Self>,
        caller: &Caller,
        orders: Vec<Order>,
    ) -> Result<Vec<Result<Issued, Problem>>, Problem> {
        self.issue_for(&caller.client, orders).await
    }

    /// The same for whoever it is counted to.
    pub(crate) async fn issue_for(
        self: &Arc<Self>,
        client: &str,
        orders: Vec<Order>,
    ) -> Result<Vec<Result<Issued, Problem>>, Problem> {
        let mut answers: Vec<Option<Result<Issued, Problem>>> = Vec::with_capacity(orders.len());
        let mut started = Vec::new();
        for looked in self.look_up(orders).await? {
            answers.push(match looked {
                Ok(Looked::Answered(issued)) => Some(Ok(issued)),
                Ok(Looked::Started(order)) => {
                    started.push(*order);
                    None
                }
                Err(problem) => Some(Err(problem)),
            });
        }
        let mut done = Vec::new().into_iter();
        if !started.is_empty() {
            let answer = self.pipeline.submit(client, started)?;
            self.metrics.in_flight.set(i64::try_from(self.pipeline.in_flight()).unwrap_or(i64::MAX));
            let lost = |_gone| Problem::later(Code::Stopping, "issuer gave the request up; send it again", 1);
            done = answer.await.map_err(lost)?.into_iter();
        }
        let missing = || Err(Problem::new(Code::Internal, "credential got lost on its way"));
        Ok(answers.into_iter().map(|answer| answer.or_else(|| done.next()).unwrap_or_else(missing)).collect())
    }

    /// Looks orders up, those that were asked for before where reading a file holds nobody up.
    async fn look_up(self: &Arc<Self>, orders: Vec<Order>) -> Result<Vec<Result<Looked, Problem>>, Problem> {
        let look = |core: &Self, orders: Vec<Order>| {
            orders.into_iter().map(|order| issue::look_up(core, order)).collect()
        };
        if !orders.iter().any(|order| self.register.knows(&order.client, &order.idempotency_key)) {
            return Ok(look(self, orders));
        }
        let core = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || look(&core, orders)).await;
        looked.map_err(|error| Problem::internal("looking up requests", &error))
    }

    /// Changes the status of a credential.
    ///
    /// # Errors
    /// The change is refused, or the log does not answer: the change is then made later.
    pub async fn change_status(&self, order: StatusOrder) -> Result<Changed, Problem> {
        self.ask(|reply| Task::Change(order, reply)).await
    }

    /// Rotates, retires or compromises a key.
    ///
    /// # Errors
    /// The event does not follow from the key's state, or the log does not answer.
    pub async fn change_key(&self, order: KeyOrder) -> Result<KeyChange, Problem> {
        self.ask(|reply| Task::Key(order, reply)).await
    }

    /// Publishes everything now. The sequence of the feed.
    ///
    /// # Errors
    /// The log does not answer, or a file cannot be written.
    pub async fn publish_now(&self) -> Result<u64, Problem> {
        self.ask(Task::Publish).await
    }

    /// What was published last.
    pub fn publication(&self) -> Arc<Publication> {
        Arc::clone(&self.publication.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why no credential can be issued at the moment, one sentence each; nothing if one can.
    pub fn unready(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.desk_alive.load(Ordering::SeqCst) {
            problems.push("issuer is stopping or its publisher has failed".into());
        }
        if self.ledger.is_away() {
            problems.push("log takes no entries at the moment".into());
        }
        let issued = u64::try_from(self.metrics.feed_issued.get()).unwrap_or(0);
        let age = (self.clock)().0.saturating_sub(issued);
        if age > self.config.feed_lifetime.as_secs() {
            problems.push(format!("feed is {age} seconds old and has expired"));
        }
        problems
    }

    /// What an operator must not overlook.
    pub fn warnings(&self) -> Vec<&'static str> {
        if self.gate.is_demo() { vec![DEMO_WARNING] } else { Vec::new() }
    }

    /// The key that signs now.
    pub(crate) fn signer(&self) -> Result<Arc<dyn Signer>, Problem> {
        let signer = self.signer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        signer.ok_or_else(|| Problem::later(Code::Stopping, "issuer has no key yet", 1))
    }

    pub(crate) fn sign_with(&self, signer: Arc<dyn Signer>) {
        *self.signer.lock().unwrap_or_else(PoisonError::into_inner) = Some(signer);
    }

    pub(crate) fn show(&self, publication: Arc<Publication>) {
        *self.publication.lock().unwrap_or_else(PoisonError::into_inner) = publication;
    }

    /// Says that something was remembered and not logged: the desk looks after it.
    pub(crate) fn note_open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    /// Whether something was, since this was last asked.
    pub(crate) fn take_open(&self) -> bool {
        self.open.swap(false, Ordering::SeqCst)
    }

    async fn ask<T>(
        &self,
        task: impl FnOnce(oneshot::Sender<Result<T, Problem>>) -> Task,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        let stopped = || Problem::later(Code::Stopping, "issuer is shutting down", 5);
        self.desk.try_send(task(reply)).map_err(|error| match error {
            TrySendError::Disconnected(_) => stopped(),
            TrySendError::Full(_) => Problem::later(
                Code::QueueFull,
                "too many changes are waiting for the log",
                DESK_RETRY_SECONDS,
            ),
        })?;
        answer.await.map_err(|_dropped| stopped())?
    }

    /// Issues, unless the issuer stops and the log is away: each batch would then wait for it in vain.
    fn answer(&self, orders: Vec<Started>) -> Vec<Result<Issued, Problem>> {
        if self.pipeline.is_stopping() && self.ledger.is_away() {
            let stopping = || Problem::later(Code::Stopping, "issuer is shutting down", 5);
            return orders.into_iter().map(|_order| Err(stopping())).collect();
        }
        issue::run(self, orders)
    }

    /// Takes jobs and answers them until there are no more.
    fn work(&self) {
        while let Some(jobs) = self.pipeline.next() {
            let began = Instant::now();
            let weights: Vec<(String, usize)> = jobs.iter().map(|job| job.weight()).collect();
            let mut orders = Vec::new();
            let mut replies = Vec::new();
            // Whoever has gone comes again, or does not: nothing of it is begun.
            for job in jobs.into_iter().filter(|job| !job.reply.is_closed()) {
                self.metrics.observe(Stage::Queue, began.duration_since(job.queued));
                replies.push((job.reply, job.orders.len()));
                orders.extend(job.orders);
            }
            // A panic costs this batch its answers and not the service its worker.
            let answers = panic::catch_unwind(AssertUnwindSafe(|| self.answer(orders)));
            let mut issued = 0;
            if let Ok(answers) = answers {
                issued = answers.iter().filter(|answer| answer.is_ok()).count();
                let mut answers = answers.into_iter();
                for (reply, count) in replies {
                    let own: Vec<_> = answers.by_ref().take(count).collect();
                    drop(reply.send(own));
                }
            } else {
                tracing::error!("a batch was lost to a panic");
                self.note_open();
            }
            self.pipeline.finish(&weights, issued);
            self.metrics.in_flight.set(i64::try_from(self.pipeline.in_flight()).unwrap_or(i64::MAX));
        }
    }
}

/// An issuer that this process runs.
pub struct Issuer {
    core: Arc<Core>,
    workers: Vec<JoinHandle<()>>,
    desk: Option<JoinHandle<()>>,
}

impl Issuer {
    /// Opens an issuer, and makes what is missing: keys, a status list, the trust bundle. On return it can issue. It
    /// blocks, and waits for a log that is busy or not there yet.
    ///
    /// # Errors
    /// A setting, key or file that is refused, or a log that refuses what the issuer has to say.
    pub fn open(
        config: Config,
        types: CredentialTypes,
        passphrase: Passphrase,
        backend: Backend,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        config.check().map_err(OpenError::Config)?;
        let too_long = |_error| {
            OpenError::Config(ConfigError { setting: "public_url", expected: "short enough to be hashed" })
        };
        let issuer = issuer_hash(&config.public_url).map_err(too_long)?;
        let origin = origin_hash(config.log.name()).map_err(too_long)?;
        let ServiceKeys { root, feed, master } =
            ServiceKeys::open(&config.keys, (config.log.name(), &config.predecessors), &passphrase)
                .map_err(OpenError::Keys)?;
        let register =
            Register::open(&RegisterConfig::new(&config.folder), &master).map_err(OpenError::Store)?;
        let folder = config.folder.join("records");
        let records =
            Records::open(&folder, records::SEGMENT_BYTES, &master, &register).map_err(OpenError::Store)?;
        let file = StateFile::open(&state_path(&config)).map_err(OpenError::State)?;
        let openid =
            OpenId::open(&config.folder.join("wallets"), &master, clock()).map_err(OpenError::Store)?;
        let gate = Gate::new(
            config.clients.clone(),
            &config.public_url,
            master.derive("sillok/bearer-tokens/v1"),
            config.demo_token.clone(),
            Arc::clone(&clock),
        );
        if gate.is_demo() {
            tracing::warn!("{DEMO_WARNING}");
        }
        let log = (config.log.clone(), config.policy.clone());
        let ledger = Ledger::new(backend, log, issuer, config.limits.ledger_patience);
        let (sender, tasks) = mpsc::sync_channel(config.limits.desk_tasks);
        let core = Arc::new(Core {
            gate,
            metrics: Metrics::new().map_err(OpenError::Metrics)?,
            types,
            clock,
            ledger,
            openid,
            pipeline: Pipeline::new(config.limits.in_flight, config.limits.in_flight_client),
            register,
            proofs: ProofVerifier::new(config.foreign_proof_verifier.clone()),
            own_trust: OwnTrust::default(),
            records,
            reading: Reading::default(),
            signer: Mutex::new(None),
            publication: Mutex::default(),
            desk: sender,
            open: AtomicBool::new(false),
            desk_alive: AtomicBool::new(true),
            config,
        });
        let mut desk = Desk::new(Arc::clone(&core), passphrase, (root, feed), (issuer, origin), file);
        desk.bootstrap().map_err(OpenError::Start)?;
        let mut issuer = Self { core: Arc::clone(&core), workers: Vec::new(), desk: None };
        let guard = AliveGuard(Arc::clone(&core));
        issuer.desk = Some(spawn("sillok-desk", move || {
            let _guard = guard;
            desk.run(&tasks);
        })?);
        for _worker in 0..core.config.limits.workers {
            let core = Arc::clone(&core);
            issuer.workers.push(spawn("sillok-issue", move || {
                step_back();
                core.work();
            })?);
        }
        Ok(issuer)
    }

    /// What handlers hold.
    #[must_use]
    pub fn core(&self) -> Arc<Core> {
        Arc::clone(&self.core)
    }

    /// Takes no more requests, answers those that are queued, publishes what has changed, and ends. While the log is
    /// away, what is queued is refused and nothing is published.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.core.pipeline.close();
        for worker in self.workers.drain(..) {
            drop(worker.join());
        }
        drop(self.core.desk.send(Task::Stop));
        if let Some(desk) = self.desk.take() {
            drop(desk.join());
        }
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says that the desk has ended, however it ends.
struct AliveGuard(Arc<Core>);

impl Drop for AliveGuard {
    fn drop(&mut self) {
        self.0.desk_alive.store(false, Ordering::SeqCst);
    }
}

/// Lets the threads that answer go before this one that signs: when there is more to do than can be done, people are
/// told so at once. Without the right to it nothing changes.
fn step_back() {
    if let Err(error) = rustix::process::setpriority_process(None, STEP_BACK) {
        tracing::debug!(%error, "threads that issue keep their priority");
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    thread::Builder::new().name(name.into()).spawn(work).map_err(OpenError::Thread)
}

fn state_path(config: &Config) -> PathBuf {
    config.folder.join("state")
}

/// Why an issuer is not opened.
#[derive(Debug)]
pub enum OpenError {
    /// A setting is refused.
    Config(ConfigError),
    /// A key file is refused.
    Keys(sillok_registry::sealed::Error),
    /// Two metrics have one name.
    Metrics(prometheus::Error),
    /// What has to be logged or published at the start is not.
    Start(crate::publish::Error),
    /// The state file is refused.
    State(StateError),
    /// The register is refused.
    Store(StoreError),
    /// No thread can be started.
    Thread(std::io::Error),
    /// A credential type is refused.
    Types(TypeError),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config(error) => write!(f, "issuer is not opened: {error}"),
            Self::Keys(error) => write!(f, "keys of the issuer are not opened: {error}"),
            Self::Metrics(error) => write!(f, "metrics are not set up: {error}"),
            Self::Start(error) => write!(f, "issuer does not start: {error}"),
            Self::State(error) => write!(f, "state of the issuer is not opened: {error}"),
            Self::Store(error) => write!(f, "register of the issuer is not opened: {error}"),
            Self::Thread(error) => write!(f, "thread of the issuer is not started: {error}"),
            Self::Types(error) => write!(f, "credential types are not loaded: {error}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Config(error) => error,
            Self::Keys(error) => error,
            Self::Metrics(error) => error,
            Self::Start(error) => error,
            Self::State(error) => error,
            Self::Store(error) => error,
            Self::Thread(error) => error,
            Self::Types(error) => error,
        })
    }
}

const DEMO_WARNING: &str =
    "DEMO TOKEN IS SET: whoever knows one fixed token may issue and revoke. Never use this with real people.";

/// What is queued at the desk is one submission.
const DESK_RETRY_SECONDS: u64 = 2;

/// By how much the threads that issue are nicer than those that answer: a third of the weight (setpriority(2), sched(7)).
const STEP_BACK: i32 = 5;
