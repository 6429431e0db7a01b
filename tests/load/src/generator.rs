//! `POST /add` over many connections at once, at a pace of its own (open loop) or as fast as the server answers (closed).
//!
//! One request is under way on a connection. All connections of a thread share one event loop, so that thousands of them
//! cost the machine little beside the server that is measured.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};

use crate::entries::Entries;
use crate::latency::{Latencies, Schedule};
use lane::{Account, Lane};

mod lane;

/// What is sent, and how.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where `/add` is.
    pub address: SocketAddr,
    /// What is added.
    pub entries: Entries,
    /// The number of the first entry.
    pub first: u64,
    /// Connections, all threads together.
    pub connections: usize,
    /// Threads that send.
    pub threads: usize,
    /// When.
    pub pace: Pace,
    /// For how long requests start; those under way then are waited for, at most [`Load::drain`].
    pub duration: Duration,
    /// How long the last answers are waited for.
    pub drain: Duration,
    /// Is told of every acknowledged entry whose number it divides; of one that it cannot take at once it is not told.
    pub told: Option<(u64, SyncSender<Acknowledged>)>,
}

/// When requests start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each connection sends the next one as soon as it has the answer to the last.
    Closed,
    /// So many a second, whatever the server does. One for which no connection gets free within `patience` is given up.
    Open {
        /// Requests a second.
        per_second: f64,
        /// How long a request waits for a connection.
        patience: Duration,
    },
}

/// An entry that the server says it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Where in the log.
    pub index: u64,
    /// The number of the entry.
    pub number: u64,
    /// When it was meant to be sent.
    pub intended: Instant,
    /// When the answer came.
    pub answered: Instant,
}

/// What came of a load.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Requests that were meant to start.
    pub offered: u64,
    /// Entries that the server says it has.
    pub acknowledged: Vec<Acknowledged>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// `Retry-After` of the refusals, in seconds, each with how often it came.
    pub retry_after: BTreeMap<u64, u64>,
    /// Given up because no connection got free.
    pub unsent: u64,
    /// Connections that broke, or were still waiting for an answer at the end.
    pub failed: u64,
    /// The first error.
    pub error: Option<String>,
    /// From the intended start to the answer of what was acknowledged.
    pub latency: Latencies,
    /// The same from the moment at which it was really sent: without what it waited for a connection, or for a thread that
    /// sends.
    pub service: Latencies,
    /// From the moment of sending to a refusal.
    pub refusal: Latencies,
    /// Acknowledgements that came before the end of the duration.
    pub in_time: u64,
    /// The duration.
    pub duration: Duration,
}

impl Outcome {
    /// Entries acknowledged a second, within the duration.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        self.in_time as f64 / self.duration.as_secs_f64().max(1e-9)
    }

    /// Whatever was not acknowledged, as a share of what was offered.
    #[must_use]
    pub fn error_share(&self) -> f64 {
        1.0 - self.acknowledged.len() as f64 / self.offered.max(1) as f64
    }

    /// The mix of answers and of what had none, for people.
    #[must_use]
    pub fn mix(&self) -> String {
        let share = |count: u64| count as f64 * 100.0 / self.offered.max(1) as f64;
        let mut parts: Vec<String> =
            self.statuses.iter().map(|(status, count)| format!("{status}: {:.1} %", share(*count))).collect();
        if self.unsent > 0 {
            parts.push(format!("no connection free: {:.1} %", share(self.unsent)));
        }
        if self.failed > 0 {
            parts.push(format!("no answer, or not yet at the end: {:.1} %", share(self.failed)));
        }
        if let (Some((least, _)), Some((most, _))) =
            (self.retry_after.first_key_value(), self.retry_after.last_key_value())
        {
            parts.push(format!("Retry-After {least} to {most} s, {} values", self.retry_after.len()));
        }
        parts.join(", ")
    }

    fn merge(&mut self, other: Self) {
        self.offered += other.offered;
        self.acknowledged.extend(other.acknowledged);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (seconds, count) in other.retry_after {
            *self.retry_after.entry(seconds).or_default() += count;
        }
        self.unsent += other.unsent;
        self.failed += other.failed;
        self.error = self.error.take().or(other.error);
        self.latency.merge(&other.latency);
        self.service.merge(&other.service);
        self.refusal.merge(&other.refusal);
        self.in_time += other.in_time;
        self.duration = self.duration.max(other.duration);
    }
}

/// What the lanes of all threads share.
pub(crate) struct Shared {
    load: Load,
    /// The next request that no lane has taken.
    next: AtomicU64,
    schedule: Option<(Schedule, Duration)>,
    begun: Instant,
}

impl Shared {
    /// When no request starts any more.
    fn end(&self) -> Instant {
        self.begun + self.load.duration
    }
}

/// Runs a load to its end.
///
/// # Errors
/// A thread or its event loop cannot be made, or no answer came at all.
pub fn run(load: &Load) -> Result<Outcome> {
    let connecting = CONNECT_TIME * u32::try_from(load.connections).unwrap_or(u32::MAX);
    let begun = Instant::now() + HEAD_START + connecting;
    let schedule = match load.pace {
        Pace::Closed => None,
        Pace::Open { per_second, patience } => Some((Schedule::new(begun, per_second), patience)),
    };
    let shared = Arc::new(Shared { load: load.clone(), next: AtomicU64::new(0), schedule, begun });
    let threads = shared.load.threads.max(1);
    let mut running = Vec::with_capacity(threads);
    for number in 0..threads {
        let shared = Arc::clone(&shared);
        let lanes = (shared.load.connections + threads - 1 - number) / threads;
        let thread = thread::Builder::new().name(format!("generator-{number}"));
        running.push(thread.spawn(move || drive(&shared, lanes)).context("start a thread that sends")?);
    }
    let mut outcome = Outcome { duration: load.duration, ..Outcome::default() };
    for thread in running {
        let part = thread.join().map_err(|_panic| anyhow!("a thread that sends has panicked"))?;
        outcome.merge(part?);
    }
    if outcome.statuses.is_empty() {
        let error = outcome.error.unwrap_or_else(|| "nothing was sent".into());
        return Err(anyhow!("no answer of {}: {error}", shared.load.address));
    }
    if let Pace::Open { per_second, .. } = shared.load.pace {
        // Those that no lane came to look at were offered all the same.
        let meant = Schedule::new(begun, per_second).due(shared.end()) - 1;
        outcome.unsent += meant.saturating_sub(outcome.offered);
        outcome.offered = outcome.offered.max(meant);
    }
    Ok(outcome)
}

/// The event loop of one thread.
fn drive(shared: &Arc<Shared>, lanes: usize) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let account = Rc::new(Account::default());
    let all = tokio::task::LocalSet::new();
    for _ in 0..lanes {
        all.spawn_local(Lane::new(Arc::clone(shared), Rc::clone(&account)).run());
    }
    // What is not answered by then is counted, and its connection closed.
    let end = shared.end() + shared.load.drain;
    let runtime = runtime.context("make an event loop")?;
    let ended = runtime.block_on(async { tokio::time::timeout_at(end.into(), all).await });
    let mut outcome = account.outcome.take();
    if ended.is_err() {
        outcome.failed += account.waiting.get();
        outcome.error.get_or_insert_with(|| format!("{}: no answer until the end", shared.load.address));
    }
    Ok(outcome)
}

/// Until the first request starts: threads and tasks are there by then.
const HEAD_START: Duration = Duration::from_millis(50);

/// And for each connection, all of which are made before.
const CONNECT_TIME: Duration = Duration::from_micros(200);

#[cfg(test)]
mod tests;
