//! Appends to a log in this process, by many submitters at once. Each is answered with a receipt.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use sillok_log::audit::LogKind;
use sillok_log::entry::{Entry, Issue, IssuerHash, Key, KeyEvent, Thumbprint, issuer_hash};
use sillok_log::ledger::Role;
use sillok_log::note::VerifierKey;
use sillok_log::{Hash, UnixSeconds};
use sillok_registry::sealed::{KeyKind, SecretKey};
use sillok_registry::{Handle, Level, Limits, Options, Outcome, Paths, Registry, Stores, SubmitError};

use super::figure::{Figure, Latency};
use super::{Bench, limit};

pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let limits = vec![limit::synchronisations(bench.place)?, limit::leaf_hashes()?];
    let log = Log::create(bench)?;
    let singles = log.append(SUBMITTERS, 1, bench.time)?;
    let batches = log.append(BATCH_SUBMITTERS, BATCH, bench.time)?;
    log.registry.stop()?;
    let figure =
        |name, (rate, latency)| Figure { name, unit: "entries/s", rate, latency, limits: limits.clone() };
    Ok(vec![
        figure("ledger: one entry a request, 256 at once", singles),
        figure("ledger: 100 entries a request, 16 at once", batches),
    ])
}

/// A new log that knows one key.
pub(super) struct Log {
    pub(super) registry: Registry,
    pub(super) key: VerifierKey,
    runtime: tokio::runtime::Runtime,
    issuer: IssuerHash,
    time: UnixSeconds,
}

impl Log {
    pub(super) fn create(bench: &Bench<'_>) -> anyhow::Result<Self> {
        let signer = SecretKey::generate(KeyKind::Ed25519)?.signer("localhost/bench")?;
        let key = signer.verifier();
        let options = Options { signer, kind: LogKind::Typed, limits: Limits::default() };
        let stores = Stores::create(&paths(bench.place), SEGMENT_BYTES)?;
        let registry = Registry::create(options, stores, bench.context.clock.clone())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (issuer, now) = (issuer_hash("http://localhost/bench")?, (bench.context.clock)());
        let added = Key { issuer, key: KEY, event: KeyEvent::Added, time: now, cuts: Vec::new() };
        let added = vec![Entry::Key(added).encode()];
        let handle = registry.handle();
        let answer = runtime.block_on(async {
            loop {
                match handle.submit(added.clone(), Role::Administrator, Level::Committed).await {
                    // It begins with an index to build, of nothing.
                    Err(SubmitError::Building { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
                    other => break other,
                }
            }
        })?;
        logged(&answer.results)?;
        let time = UnixSeconds(now.0 - now.0 % sillok_log::entry::ISSUE_TIME_SECONDS);
        Ok(Self { registry, key, runtime, issuer, time })
    }

    /// Appends for a while; entries a second, and how long a request took.
    pub(super) fn append(
        &self,
        submitters: usize,
        entries: usize,
        time: Duration,
    ) -> anyhow::Result<(f64, Option<Latency>)> {
        let (stop, appended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let began = Instant::now();
        let tasks: Vec<_> = (0..submitters)
            .map(|_submitter| {
                let work = submit(
                    self.registry.handle(),
                    self.issuer,
                    self.time,
                    entries,
                    Arc::clone(&stop),
                    Arc::clone(&appended),
                );
                self.runtime.spawn(work)
            })
            .collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::SeqCst);
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(self.runtime.block_on(task)??);
        }
        let rate = appended.load(Ordering::SeqCst) as f64 / began.elapsed().as_secs_f64();
        Ok((rate, Latency::of(latencies)))
    }

    /// Appends a number of entries.
    pub(super) fn fill(&self, entries: u64) -> anyhow::Result<()> {
        let mut open = entries;
        let handle = self.registry.handle();
        while open > 0 {
            let count = open.min(MOST) as usize;
            let batch = issues(self.time, count)?;
            let role = Role::Issuer(self.issuer);
            match self.runtime.block_on(handle.submit(batch, role, Level::Committed)) {
                Ok(answer) => logged(&answer.results)?,
                Err(SubmitError::QueueFull { .. }) => {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            open -= count as u64;
        }
        Ok(())
    }
}

async fn submit(
    handle: Handle,
    issuer: IssuerHash,
    time: UnixSeconds,
    entries: usize,
    stop: Arc<AtomicBool>,
    appended: Arc<AtomicU64>,
) -> anyhow::Result<Vec<f64>> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let batch = issues(time, entries)?;
        let began = Instant::now();
        match handle.submit(batch, Role::Issuer(issuer), Level::Committed).await {
            Ok(answer) => logged(&answer.results)?,
            Err(SubmitError::QueueFull { .. }) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        latencies.push(began.elapsed().as_secs_f64() * 1_000.0);
        appended.fetch_add(entries as u64, Ordering::SeqCst);
    }
    Ok(latencies)
}

/// New entries of issuance.
fn issues(time: UnixSeconds, count: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut entries = Vec::with_capacity(count);
    for _entry in 0..count {
        let (mut commitment, mut provenance) = ([0; 32], [0; 32]);
        // Quick ones do: nobody guesses them here.
        fastrand::Rng::fill(&mut fastrand::Rng::new(), &mut commitment);
        fastrand::Rng::fill(&mut fastrand::Rng::new(), &mut provenance);
        let issue =
            Issue { commitment: Hash(commitment), issuer_key: KEY, provenance: Hash(provenance), time };
        entries.push(Entry::Issue(issue).encode());
    }
    Ok(entries)
}

fn logged(results: &[Outcome]) -> anyhow::Result<()> {
    results.iter().try_for_each(|outcome| match outcome {
        Outcome::Logged(_receipt) => Ok(()),
        Outcome::Refused { code, detail } => Err(anyhow!("log refuses an entry: {detail} ({code})")),
    })
}

/// Where the files are.
pub(super) fn paths(place: &Path) -> Paths {
    Paths {
        public: place.join("public"),
        segments: place.join("wal"),
        seen: place.join("index"),
        head: place.join("head"),
    }
}

const KEY: Thumbprint = Thumbprint([0x42; 32]);

const SUBMITTERS: usize = 256;
const BATCH_SUBMITTERS: usize = 16;
const BATCH: usize = 100;

/// Entries of a request at most.
const MOST: u64 = 1_000;

/// As the default of the setting.
const SEGMENT_BYTES: u64 = 16 << 20;
