//! One load on one log, ours or another's of the same protocol, while readers check what it acknowledges.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use sillok_log::note::VerifierKey;

use crate::generator::{self, Load, Outcome};
use crate::inclusion::{self, Reader};
use crate::latency::Latencies;
use crate::process::Usage;
use crate::watch::{self, Watch};

/// A log that is served.
#[derive(Clone, Debug)]
pub struct Served {
    /// Where its files are read.
    pub public: SocketAddr,
    /// The key of its checkpoints.
    pub key: VerifierKey,
    /// The process that serves it.
    pub process: u32,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Of the load; the latency is that to the answer of `/add`.
    pub outcome: Outcome,
    /// From the intended start to a published checkpoint that covers the entry.
    pub published: Latencies,
    /// What the server used, from before the first request until everything was public and the readers done.
    pub usage: Usage,
    /// Entries whose inclusion a reader proved during the load.
    pub proved: u64,
}

impl Figures {
    /// Acknowledged entries for each second of the server's processor time.
    #[must_use]
    pub fn entries_per_cpu_second(&self) -> f64 {
        self.outcome.acknowledged.len() as f64 / self.usage.cpu().as_secs_f64().max(0.01)
    }
}

/// Runs a load, and checks everything that it got acknowledged: some of it meanwhile, all of it afterwards.
///
/// # Errors
/// The server does not answer, an acknowledged entry is not where it was said to be, or not public in time.
pub fn run(served: &Served, mut load: Load) -> Result<Figures> {
    let before = Usage::of(served.process)?;
    let watch = Watch::start(served.public, &served.key, LOOK);
    let (told, hears) = mpsc::sync_channel(MAX_TOLD);
    let reader = Reader::start(served.public, load.entries, watch.newest(), hears);
    load.told = Some((SAMPLE, told));
    let outcome = generator::run(&load);
    // The reader ends when nobody can tell it anything any more.
    drop(load.told.take());
    let outcome = outcome?;
    let size = outcome.acknowledged.iter().map(|entry| entry.index + 1).max().unwrap_or(0);
    let newest = watch.newest();
    let seen = watch.finish(size, PATIENCE)?;
    let proved = reader.finish()?;
    let usage = Usage::of(served.process)?.since(&before);
    let checkpoint = newest.checkpoint().context("no checkpoint was seen")?;
    inclusion::check_all(served.public, &checkpoint, load.entries, &outcome.acknowledged)?;
    let published = watch::publication(&outcome.acknowledged, &seen);
    Ok(Figures { outcome, published, usage, proved })
}

/// How often the checkpoint is looked at: that much of a latency to publication is the measurement's own, at most.
pub const LOOK: Duration = Duration::from_millis(5);

/// One of so many entries is proved while others are added: what an auditor's sampling may cost.
pub const SAMPLE: u64 = 16;

/// Acknowledgements that wait for the reader.
const MAX_TOLD: usize = 65_536;

/// How long it may take until everything acknowledged is public.
const PATIENCE: Duration = Duration::from_secs(60);
