//! One update: what is asked for, in which order, and what is kept of the answers. Whom it asks is an argument.

use anyhow::Context as _;
use sillok_client::fetch::{FetchError, Fetched, Fetcher};
use sillok_log::UnixSeconds;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::trust::{Container, Delta, Feed, MAX_CONTAINER_BYTES, MAX_DELTA_BYTES};
use sillok_verifier::{Anchors, Trust, TrustError};

use super::cache::{Cache, State};

/// Where published files come from.
pub(super) trait Server {
    fn get(&mut self, path: &str, etag: Option<&str>, limit: usize) -> Result<Fetched, FetchError>;
}

impl Server for Fetcher {
    fn get(&mut self, path: &str, etag: Option<&str>, limit: usize) -> Result<Fetched, FetchError> {
        Self::get(self, path, etag, limit)
    }
}

/// How an update ended, when nothing was wrong with the folder.
#[derive(Debug)]
pub(super) enum Update {
    /// There is nothing newer.
    Unchanged,
    /// A newer bundle is kept.
    New {
        number: Number,
        /// How many bytes were fetched of it.
        bytes: usize,
        by_delta: bool,
        /// Roots that were stepped through on the way.
        steps: u64,
    },
    /// What was fetched does not open, and is not kept.
    Refused(TrustError),
    /// What was fetched is not of its form.
    Unreadable(String),
    /// The server did not answer as asked.
    Failed(FetchError),
}

/// Epoch and sequence of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    epoch: u64,
    sequence: u64,
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.sequence)
    }
}

impl Number {
    fn of(container: &Container) -> anyhow::Result<Self> {
        let note = sillok_log::note::Note::parse(&container.feed).context("the feed at hand is no note")?;
        let feed = Feed::parse(note.text()).context("the feed at hand is no feed")?;
        Ok(Self { epoch: feed.epoch, sequence: feed.sequence })
    }

    /// The number that `latest` names. Nothing is believed of it but where to look.
    fn of_latest(bytes: &[u8]) -> Option<Self> {
        let json = Json::parse(bytes, &LATEST_LIMITS).ok()?;
        let object = json.object().ok()?;
        object.expect_only(&["type", "number", "root"]).ok()?;
        if object.string("type").ok()? != "sillok-trust-bundle-latest/v1" {
            return None;
        }
        let (epoch, sequence) = object.string("number").ok()?.split_once('.')?;
        let number = |text: &str| sillok_log::number::parse_decimal(text).filter(|number| *number > 0);
        Some(Self { epoch: number(epoch)?, sequence: number(sequence)? })
    }
}

/// Asks once, and keeps what opens.
//= specs/trust-bundle.md#fetching
pub(super) fn update(
    server: &mut dyn Server,
    cache: &mut Cache,
    anchors: Option<&Anchors>,
    now: UnixSeconds,
) -> anyhow::Result<Update> {
    let etag = cache.state.etag.clone();
    let (latest, tag) = match server.get("trust-bundles/latest", etag.as_deref(), MAX_LATEST_BYTES) {
        Err(error) => return Ok(Update::Failed(error)),
        Ok(Fetched::Unchanged) => return Ok(Update::Unchanged),
        Ok(Fetched::New { bytes, etag }) => (bytes, etag),
        Ok(_absent) => return plain(server, cache, anchors, now, etag.as_deref()),
    };
    let Some(number) = Number::of_latest(&latest) else {
        return Ok(Update::Unreadable("trust-bundles/latest names no bundle".into()));
    };
    let present = cache.container.as_ref().map(Number::of).transpose()?;
    // An older one than is at hand is not even asked for: memory would refuse it.
    if present.is_some_and(|present| number <= present) {
        cache.keep_state(State { etag: tag, ..cache.state.clone() })?;
        return Ok(Update::Unchanged);
    }
    let ended = match present.map(|present| by_delta(server, cache, present, number)) {
        Some(Err(error)) => return Ok(Update::Failed(error)),
        Some(Ok(Some((container, bytes)))) => {
            let fetched = Received { container, bytes, by_delta: true };
            consider(server, cache, anchors, now, fetched)?
        }
        Some(Ok(None)) | None => whole(server, cache, anchors, now, &format!("trust-bundles/{number}"))?,
    };
    if let Update::New { .. } = ended {
        cache.keep_state(State { etag: tag, ..cache.state.clone() })?;
    }
    Ok(ended)
}

/// A container that nobody has opened.
struct Received {
    container: Container,
    bytes: usize,
    by_delta: bool,
}

/// The container that a delta leads to, and the delta's bytes; `None` if the whole is to be fetched.
fn by_delta(
    server: &mut dyn Server,
    cache: &Cache,
    present: Number,
    number: Number,
) -> Result<Option<(Container, usize)>, FetchError> {
    let Some(base) = &cache.container else { return Ok(None) };
    match server.get(&format!("trust-bundles/{present}-{number}"), None, MAX_DELTA_BYTES)? {
        Fetched::New { bytes, .. } => {
            let result = Delta::parse(&bytes).and_then(|delta| delta.apply(base));
            Ok(result.ok().map(|container| (container, bytes.len())))
        }
        _absent => Ok(None),
    }
}

/// From a server without numbered containers.
fn plain(
    server: &mut dyn Server,
    cache: &mut Cache,
    anchors: Option<&Anchors>,
    now: UnixSeconds,
    etag: Option<&str>,
) -> anyhow::Result<Update> {
    let (bytes, tag) = match server.get("trust-bundle", etag, MAX_CONTAINER_BYTES) {
        Err(error) => return Ok(Update::Failed(error)),
        Ok(Fetched::Unchanged) => return Ok(Update::Unchanged),
        Ok(Fetched::New { bytes, etag }) => (bytes, etag),
        Ok(_absent) => return Ok(Update::Unreadable("trust-bundle is not there".into())),
    };
    let ended = read(server, cache, anchors, now, &bytes)?;
    if let Update::New { .. } = ended {
        cache.keep_state(State { etag: tag, ..cache.state.clone() })?;
    }
    Ok(ended)
}

fn whole(
    server: &mut dyn Server,
    cache: &mut Cache,
    anchors: Option<&Anchors>,
    now: UnixSeconds,
    path: &str,
) -> anyhow::Result<Update> {
    match server.get(path, None, MAX_CONTAINER_BYTES) {
        Err(error) => Ok(Update::Failed(error)),
        Ok(Fetched::New { bytes, .. }) => read(server, cache, anchors, now, &bytes),
        Ok(_absent) => Ok(Update::Unreadable(format!("{path} is not there"))),
    }
}

fn read(
    server: &mut dyn Server,
    cache: &mut Cache,
    anchors: Option<&Anchors>,
    now: UnixSeconds,
    bytes: &[u8],
) -> anyhow::Result<Update> {
    match Container::parse(bytes) {
        Ok(container) => {
            let received = Received { container, bytes: bytes.len(), by_delta: false };
            consider(server, cache, anchors, now, received)
        }
        Err(error) => Ok(Update::Unreadable(format!("it is no trust bundle: {error}"))),
    }
}

/// Opens a container, step by step if its root is steps ahead, and keeps what opens.
fn consider(
    server: &mut dyn Server,
    cache: &mut Cache,
    anchors: Option<&Anchors>,
    now: UnixSeconds,
    received: Received,
) -> anyhow::Result<Update> {
    let Received { container, bytes, by_delta } = received;
    let number = Number::of(&container).ok();
    let mut steps = 0;
    loop {
        let Some(refused) = open(cache, &container, anchors, now)? else {
            let Some(number) = number else { return Ok(Update::Unreadable("it has no feed".into())) };
            return Ok(Update::New { number, bytes, by_delta, steps });
        };
        let TrustError::RootGap { remembered, .. } = refused else { return Ok(Update::Refused(refused)) };
        if steps >= MAX_STEPS {
            return Ok(Update::Refused(refused));
        }
        steps += 1;
        let step = remembered.saturating_add(1);
        let path = format!("trust-bundles/root.{step}");
        let between = match server.get(&path, None, MAX_CONTAINER_BYTES) {
            Err(error) => return Ok(Update::Failed(error)),
            Ok(Fetched::New { bytes, .. }) => Container::parse(&bytes).ok(),
            Ok(_absent) => None,
        };
        let Some(between) = between else { return Ok(Update::Refused(refused)) };
        if let Some(refused) = open(cache, &between, anchors, now)? {
            return Ok(Update::Refused(refused));
        }
        // A server that answers with the same root again leads nowhere.
        if root_sequence(&between) != Some(step) {
            return Ok(Update::Refused(refused));
        }
    }
}

fn root_sequence(container: &Container) -> Option<u64> {
    let note = sillok_log::note::Note::parse(&container.root).ok()?;
    sillok_verifier::trust::Root::parse(note.text()).ok().map(|root| root.sequence)
}

/// Keeps the container if it opens, else alarms alone and says why not.
fn open(
    cache: &mut Cache,
    container: &Container,
    anchors: Option<&Anchors>,
    now: UnixSeconds,
) -> anyhow::Result<Option<TrustError>> {
    let json = container.to_json().context("could not write the trust bundle")?;
    match Trust::open(json.as_bytes(), anchors, &cache.memory, now) {
        Ok((_trust, memory)) => cache.keep(container.clone(), memory).map(|()| None),
        Err(refused) => {
            if let Some(memory) = refused.memory() {
                cache.keep_memory(memory.clone())?;
            }
            Ok(Some(refused))
        }
    }
}

/// Most roots that one update steps through; a root lives for months.
const MAX_STEPS: u64 = 64;

/// Longest `latest` (specs/trust-bundle.md, "Publication").
const MAX_LATEST_BYTES: usize = 1_024;

const LATEST_LIMITS: Limits = Limits { bytes: MAX_LATEST_BYTES, depth: 2, values: 8 };
