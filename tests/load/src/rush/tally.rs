//! What happened to the requests of a phase, and what that cost.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use sillok_load::latency::Latencies;
use sillok_load::process::{ProcessError, Usage};

/// Answers and what was instead of them.
#[derive(Default)]
pub(super) struct Tally {
    /// Requests that were sent, or could not be.
    pub(super) attempts: u64,
    /// People who came for their first credential, and of those the ones who had none when the phase was over.
    pub(super) people: u64,
    pub(super) left: u64,
    /// Credentials that were handed over for the first time, within the time of the phase.
    pub(super) issued: u64,
    /// The same after its end, of requests that were under way.
    pub(super) issued_late: u64,
    /// Refreshes that were answered with the same bytes, and retries that were.
    pub(super) repeated: u64,
    /// Answers by status; that of each credential of a batch.
    pub(super) statuses: BTreeMap<u16, u64>,
    /// Requests that were given up on by an impatient client.
    pub(super) unanswered: u64,
    /// Requests that had to wait for a connection, since all that the service takes waited for their answers.
    pub(super) crowded: u64,
    /// Requests whose connection broke.
    pub(super) broken: BTreeMap<String, u64>,
    /// `Retry-After` of 429 and 503 by its seconds.
    pub(super) retry_after: BTreeMap<u64, u64>,
    /// From the intended start to the credential, retries and waiting for them included.
    pub(super) waits: Latencies,
    /// From the intended start of the request that was answered with a credential.
    pub(super) requests: Latencies,
    /// The same of refreshes.
    pub(super) refreshes: Latencies,
    /// By second of the intended start.
    pub(super) seconds: Vec<Second>,
    /// How long the phase was.
    pub(super) took: Duration,
}

/// The requests that were meant to start within one second.
#[derive(Default)]
pub(super) struct Second {
    pub(super) answered: Latencies,
    pub(super) others: u64,
}

impl Tally {
    pub(super) fn status(&mut self, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
    }

    pub(super) fn rate(&self, count: u64) -> f64 {
        count as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Credentials a second, handed over within the phase.
    pub(super) fn goodput(&self) -> f64 {
        self.rate(self.issued)
    }

    pub(super) fn broken_count(&self) -> u64 {
        self.broken.values().sum()
    }
}

/// `201: 5, 503: 2, no answer in time: 1, receive: closed by the server: 3`
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (status, count) in &self.statuses {
            write!(f, "{separator}{status}: {count}")?;
            separator = ", ";
        }
        if self.unanswered > 0 {
            write!(f, "{separator}no answer in time: {}", self.unanswered)?;
            separator = ", ";
        }
        if self.crowded > 0 {
            write!(f, "{separator}had to wait for a connection: {}", self.crowded)?;
            separator = ", ";
        }
        for (what, count) in &self.broken {
            write!(f, "{separator}broken ({what}): {count}")?;
            separator = ", ";
        }
        Ok(())
    }
}

/// What the server and this process have used since it was begun.
pub(super) struct Meter {
    server: u32,
    before: (Usage, Usage),
}

/// What they used.
pub(super) struct Cost {
    pub(super) server: Usage,
    pub(super) generator: Usage,
}

impl Meter {
    pub(super) fn begin(server: u32) -> Result<Self, ProcessError> {
        Ok(Self { server, before: (Usage::of(server)?, Usage::of(std::process::id())?) })
    }

    pub(super) fn end(&self) -> Result<Cost, ProcessError> {
        Ok(Cost {
            server: Usage::of(self.server)?.since(&self.before.0),
            generator: Usage::of(std::process::id())?.since(&self.before.1),
        })
    }
}

impl Cost {
    /// Processor time of the server for each of `count`, in microseconds.
    pub(super) fn microseconds_each(&self, count: u64) -> f64 {
        self.server.cpu().as_secs_f64() * 1e6 / (count.max(1) as f64)
    }

    /// The generator's part of the processor time of both.
    pub(super) fn generator_share(&self) -> f64 {
        let (own, server) = (self.generator.cpu().as_secs_f64(), self.server.cpu().as_secs_f64());
        own / (own + server).max(f64::MIN_POSITIVE)
    }
}

/// What each of `count` cost. The bytes are those that the kernel counts for a process (`write_bytes`): whole pages, or
/// runs of them, that a synchronisation found changed, however little of them was.
pub(super) fn costs(cost: &Cost, count: u64) -> String {
    let user = cost.server.user.as_secs_f64() / cost.server.cpu().as_secs_f64().max(f64::MIN_POSITIVE);
    format!(
        "server {:.1} us each ({:.0} % user), {:.2} CPU-s, RSS {} MiB, dirtied {} bytes each; generator {:.0} % of all CPU",
        cost.microseconds_each(count),
        user * 100.0,
        cost.server.cpu().as_secs_f64(),
        cost.server.resident_bytes >> 20,
        cost.server.written_bytes / count.max(1),
        cost.generator_share() * 100.0,
    )
}
