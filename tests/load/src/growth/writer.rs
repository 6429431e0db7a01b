//! The writer that grows: the registry itself in a process of its own, filled by submitters in it. It tells the parent on
//! standard output how far it is, and does on standard input what the parent wants: at the end of that it stops.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use sillok_load::latency::Latencies;
use sillok_log::audit::LogKind;
use sillok_log::entry::{
    Entry, ISSUE_TIME_SECONDS, Issue, IssuerHash, Key, KeyEvent, Thumbprint, issuer_hash,
};
use sillok_log::ledger::Role;
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::{Hash, UnixSeconds};
use sillok_registry::{
    Answer, Clock, Handle, Level, Limits, Options, Outcome, Paths, Phase, Registry, Stores, SubmitError,
};

use super::Kind;

/// Opens the log below `place`, or begins it, appends to it if it is to grow, and stops it when standard input ends.
///
/// # Errors
/// Whatever the log says.
pub(super) fn run(place: &Path, kind: Kind, work: Work) -> Result<()> {
    let begun = Instant::now();
    let paths = paths(place);
    let signer = SignerKey::from_seed("growth.example/log", SignatureKind::Ed25519, &[7; 32])?;
    let options = Options { signer, kind: kind.of_log(), limits: Limits::default() };
    let registry = if paths.head.exists() {
        Registry::open(options, Stores::open(&paths, SEGMENT_BYTES)?, clock())?
    } else {
        Registry::create(options, Stores::create(&paths, SEGMENT_BYTES)?, clock())?
    };
    let handle = registry.handle();
    let opened = begun.elapsed();
    loop {
        match handle.phase() {
            Phase::Open => break,
            Phase::Asking | Phase::Building => thread::sleep(Duration::from_micros(500)),
            Phase::Frozen => bail!("the log is frozen"),
            Phase::Stopping => bail!("the log stops by itself"),
            Phase::Stopped { reason } => bail!("the log has stopped: {reason}"),
        }
    }
    println!("ready {} {} {}", handle.committed().size(), opened.as_micros(), begun.elapsed().as_micros());
    match work {
        Work::Grow => grow(&handle, kind)?,
        Work::Nothing => drop(io::stdin().read_to_end(&mut Vec::new())),
    }
    let stopping = Instant::now();
    registry.stop()?;
    println!("stopped {}", stopping.elapsed().as_micros());
    Ok(())
}

/// What the writer does once it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// It appends until it is killed.
    Grow,
    /// It waits until standard input ends.
    Nothing,
}

fn grow(handle: &Handle, kind: Kind) -> Result<()> {
    let (issuer, now) = (issuer_hash("https://growth.example")?, clock()());
    if kind == Kind::Credential {
        let key = Key { issuer, key: KEY, event: KeyEvent::Added, time: UnixSeconds(0), cuts: Vec::new() };
        // Written again after each opening, and recognised.
        let added = vec![Entry::Key(key).encode()];
        logged(&handle.submit_blocking(added, Role::Administrator, Level::Committed)?)?;
    }
    let time = UnixSeconds(now.0 - now.0 % ISSUE_TIME_SECONDS);
    let meter = Mutex::new(Meter::new(handle.committed().size().0));
    thread::scope(|scope| {
        let submitters: Vec<_> =
            (0..SUBMITTERS).map(|_| scope.spawn(|| submit(handle, kind, issuer, time, &meter))).collect();
        submitters.into_iter().try_for_each(|submitter| match submitter.join() {
            Ok(result) => result,
            Err(_panic) => bail!("a submitter has panicked"),
        })
    })
}

fn submit(
    handle: &Handle,
    kind: Kind,
    issuer: IssuerHash,
    time: UnixSeconds,
    meter: &Mutex<Meter>,
) -> Result<()> {
    let mut random = fastrand::Rng::new();
    loop {
        let entries = (0..BATCH).map(|_| entry(&mut random, kind, time)).collect();
        let begun = Instant::now();
        let answer = match kind {
            Kind::Credential => handle.submit_blocking(entries, Role::Issuer(issuer), Level::Committed),
            Kind::Raw => handle.add_raw_blocking(entries, Level::Committed),
        };
        match answer {
            Ok(answer) => logged(&answer)?,
            Err(SubmitError::QueueFull { .. }) => {
                thread::sleep(Duration::from_millis(5));
                continue;
            }
            Err(error) => return Err(error).context("appending"),
        }
        meter.lock().unwrap_or_else(PoisonError::into_inner).record(begun.elapsed());
    }
}

/// What a stretch of [`STRETCH`] entries took.
struct Meter {
    size: u64,
    begun: Instant,
    latencies: Latencies,
}

impl Meter {
    fn new(size: u64) -> Self {
        Self { size, begun: Instant::now(), latencies: Latencies::new() }
    }

    fn record(&mut self, latency: Duration) {
        self.latencies.record(latency);
        self.size += BATCH as u64;
        let entries = self.latencies.count() * BATCH as u64;
        if entries < STRETCH {
            return;
        }
        let nanoseconds = self.begun.elapsed().as_nanos() / u128::from(entries);
        let [p50, p99] = [0.5, 0.99].map(|share| self.latencies.quantile(share).as_micros());
        println!("at {} {nanoseconds} {p50} {p99} {}", self.size, self.latencies.max().as_micros());
        *self = Self::new(self.size);
    }
}

fn logged(answer: &Answer) -> Result<()> {
    answer.results.iter().try_for_each(|outcome| match outcome {
        Outcome::Logged(_receipt) => Ok(()),
        Outcome::Refused { code, detail } => bail!("log refuses an entry: {detail} ({code})"),
    })
}

/// A new entry of issuance, or as many bytes of a raw log.
fn entry(random: &mut fastrand::Rng, kind: Kind, time: UnixSeconds) -> Vec<u8> {
    let mut bytes = vec![0; RAW_BYTES];
    random.fill(&mut bytes);
    let (Kind::Credential, Some((commitment, provenance))) = (kind, bytes.split_first_chunk::<32>()) else {
        return bytes;
    };
    let Some((provenance, _rest)) = provenance.split_first_chunk::<32>() else { return bytes };
    let (commitment, provenance) = (Hash(*commitment), Hash(*provenance));
    Entry::Issue(Issue { commitment, issuer_key: KEY, provenance, time }).encode()
}

/// Where the files of the log are.
pub(super) fn paths(place: &Path) -> Paths {
    Paths {
        public: place.join("public"),
        segments: place.join("segments"),
        seen: place.join("index"),
        head: place.join("head"),
    }
}

fn clock() -> Clock {
    Arc::new(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "a log is opened again under the clock it was written under"
        )]
        let now = SystemTime::now();
        UnixSeconds(now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    })
}

impl Kind {
    fn of_log(self) -> LogKind {
        match self {
            Self::Credential => LogKind::Typed,
            Self::Raw => LogKind::Raw,
        }
    }
}

const KEY: Thumbprint = Thumbprint([0x42; 32]);

/// At once; what they submit meanwhile becomes the next batch.
const SUBMITTERS: usize = 4;

/// Entries of a request.
const BATCH: usize = 1_000;

/// Entries between two lines of the curve.
pub(super) const STRETCH: u64 = 100_000;

/// Bytes of an entry of a raw log: as many as an issue entry has.
const RAW_BYTES: usize = 106;

/// As the default of the setting.
const SEGMENT_BYTES: u64 = 16 << 20;
