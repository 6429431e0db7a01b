//! What must hold of a log and an issuer after a loss of power, found out with the real code in this process.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use sillok_client::{Audit, Source};
use sillok_issuer::register::{Begin, Done, Register, RegisterConfig};
use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, Issue, issuer_hash};
use sillok_log::ledger::Role;
use sillok_log::merkle::{Frontier, leaf_hash};
use sillok_log::note::VerifierKey;
use sillok_log::receipt::Receipt;
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_log::{Hash, UnixSeconds};
use sillok_registry::{Level, Limits, Logged, Options, Outcome, Paths, Phase, Registry, Stores};

use super::client::TOKEN_CLIENT;
use super::promise::{Credential, Promise};
use super::recording::{ISSUER, Log, Recording, issue, raw_entry};

/// What was promised before the power went.
#[derive(Default)]
pub(super) struct Promised<'a> {
    pub(super) begun: bool,
    entries: BTreeMap<u64, &'a [u8]>,
    roots: BTreeMap<u64, Hash>,
    pub(super) credentials: Vec<&'a Credential>,
}

/// What became of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlived {
    /// Everything promised is there and it goes on.
    Whole,
    /// The power went before anything was promised, and there is no log yet.
    NotBegun,
}

/// Opens what is below `root`, holds it against the promises, goes on with it and opens it again.
pub(super) fn judge(recording: &Recording, promises: &[(usize, Promise)], root: &Path) -> Result<Outlived> {
    let Some(log) = &recording.log else {
        super::register::judge(&root.join("register"), promises)?;
        return Ok(Outlived::Whole);
    };
    let key = log.signer()?.verifier();
    let mut promised = promised(promises, &key)?;
    recording.essentials.hold(root, promised.begun, !promised.credentials.is_empty())?;
    let paths = paths(root);
    let registry = match open(log, &paths) {
        Err(_unfinished) if !promised.begun => return Ok(Outlived::NotBegun),
        other => other.context("open the log")?,
    };
    let public = paths.public.display().to_string();
    hold(&public, log, &key, &promised).context("after the first opening")?;
    let mut more = Vec::new();
    for batch in fresh(log.kind) {
        let submitted = submit(&registry, log, batch, &key, &mut promised.roots);
        match submitted {
            Err(refused) if is_foreign(&refused) => {}
            other => more.extend(other?),
        }
    }
    if let Some(master) = recording.master() {
        let register = RegisterConfig::new(&root.join("data/issuer"));
        let register = super::register::open_alone(&register, &master).context("open the register")?;
        more.extend(hold_credentials(&register, &registry, log, &key, &mut promised)?);
    }
    registry.stop().context("stop the log")?;
    for (index, entry) in &more {
        if let Some(before) = promised.entries.insert(*index, entry) {
            ensure!(before == entry.as_slice(), "leaf {index} was given to two entries");
        }
    }
    let registry = open(log, &paths).context("open the log again")?;
    hold(&public, log, &key, &promised).context("after the second opening")?;
    registry.stop().context("stop the log again")?;
    Ok(Outlived::Whole)
}

pub(super) fn promised<'a>(promises: &'a [(usize, Promise)], key: &VerifierKey) -> Result<Promised<'a>> {
    let mut all = Promised::default();
    for (at, promise) in promises {
        let mut see = |note: &str| see(&mut all.roots, note, key).with_context(|| format!("line {at}"));
        match promise {
            Promise::Begun => all.begun = true,
            Promise::Checkpoint(note) => see(note)?,
            Promise::Entry { index, entry, checkpoint } => {
                checkpoint.as_deref().map_or(Ok(()), &mut see)?;
                let before = all.entries.insert(*index, entry);
                ensure!(before.is_none_or(|before| before == entry), "leaf {index} was given to two entries");
            }
            Promise::Credential(credential) => all.credentials.push(credential),
            Promise::Line(_) => {}
        }
    }
    Ok(all)
}

fn see(roots: &mut BTreeMap<u64, Hash>, note: &str, key: &VerifierKey) -> Result<()> {
    let Checkpoint { size, root, .. } = Checkpoint::open(note, key)?;
    let before = roots.insert(size.0, root);
    ensure!(before.is_none_or(|before| before == root), "size {size} has two roots");
    Ok(())
}

/// Where `sillok` keeps the files of a data folder.
fn paths(root: &Path) -> Paths {
    let data = root.join("data");
    Paths {
        public: data.join("public"),
        segments: data.join("wal"),
        seen: data.join("index"),
        head: root.join("data.head"),
    }
}

fn open(log: &Log, paths: &Paths) -> Result<Registry> {
    let limits = Limits { publish_interval: Duration::ZERO, ..Limits::default() };
    let options = Options { signer: log.signer()?, kind: log.kind, limits };
    let stores = loop {
        match Stores::open(paths, LEAST_SEGMENT_BYTES) {
            // A program that the other thread starts has every lock for the moment between its fork and its exec.
            Err(sillok_registry::store::Error::Locked { .. }) => std::thread::yield_now(),
            other => break other?,
        }
    };
    let registry = Registry::open(options, stores, Arc::new(|| LATER))?;
    let handle = registry.handle();
    loop {
        match handle.phase() {
            Phase::Asking | Phase::Building => std::thread::yield_now(),
            Phase::Open => return Ok(registry),
            Phase::Frozen => bail!("it is frozen"),
            Phase::Stopping => bail!("it stops by itself"),
            Phase::Stopped { reason } => bail!("it has stopped: {reason}"),
        }
    }
}

/// Lets the oracle judge the public files, and compares them with what was promised.
pub(super) fn hold(public: &str, log: &Log, key: &VerifierKey, promised: &Promised<'_>) -> Result<()> {
    let source = Source::open(public)?;
    let mut audit = Audit::new(&source, key, log.kind);
    audit.advance(&mut |_progress| {})?;
    let report = audit.finish().context("no checkpoint")?;
    ensure!(report.findings.total() == 0, "the oracle finds {:?}", report.findings.kept());
    ensure!(report.unchecked.is_empty(), "the oracle could not check {:?}", report.unchecked);
    let size = report.checkpoint.size;
    let mut frontier = Frontier::new();
    let mut distinct = HashSet::new();
    for number in 0..size.0.div_ceil(256) {
        let width = (size.0 - number * 256).min(256) as u16;
        let tile = Tile::new(TileKind::Entries, number, width)?;
        let bytes = source.tile(&tile)?.with_context(|| format!("{} is missing", tile.path()))?;
        for entry in parse_bundle(&bytes, width)? {
            let index = frontier.size().0;
            frontier.push(leaf_hash(entry))?;
            let expected = promised.entries.get(&index);
            ensure!(
                expected.is_none_or(|expected| *expected == entry),
                "leaf {index} is another than promised"
            );
            let root = promised.roots.get(&(index + 1));
            ensure!(root.is_none_or(|root| *root == frontier.root()), "fork at size {}", index + 1);
            ensure!(
                log.kind == LogKind::Raw || distinct.insert(entry.to_vec()),
                "leaf {index} is there twice"
            );
        }
    }
    let leaf = promised.entries.keys().next_back();
    ensure!(leaf.is_none_or(|leaf| *leaf < size.0), "leaf {leaf:?} is lost: the log has size {size}");
    let seen = promised.roots.keys().next_back();
    ensure!(seen.is_none_or(|seen| *seen <= size.0), "size {seen:?} was signed: the log has size {size}");
    Ok(())
}

/// Three batches that no recording has.
fn fresh(kind: LogKind) -> Vec<Vec<Vec<u8>>> {
    let entry = |number| match kind {
        LogKind::Raw => raw_entry(number),
        LogKind::Typed => issue(number),
    };
    [vec![900_000], vec![900_001, 900_002], (900_003..900_010).collect()]
        .into_iter()
        .map(|batch: Vec<usize>| batch.into_iter().map(entry).collect())
        .collect()
}

/// A rule of the ledger against an entry.
#[derive(Debug)]
struct Refused {
    code: &'static str,
    detail: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an entry is refused: {}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Refused {}

/// Whether an entry was refused since the log does not know its key: it is not in every log, or not yet.
fn is_foreign(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.code == "submitter.not-authorised")
}

/// Submits a batch and returns what it promises.
fn submit(
    registry: &Registry,
    log: &Log,
    batch: Vec<Vec<u8>>,
    key: &VerifierKey,
    roots: &mut BTreeMap<u64, Hash>,
) -> Result<Vec<(u64, Vec<u8>)>> {
    let handle = registry.handle();
    let role = Role::Issuer(issuer_hash(ISSUER)?);
    let answer = match log.kind {
        LogKind::Raw => handle.add_raw_blocking(batch.clone(), Level::Committed),
        LogKind::Typed => handle.submit_blocking(batch.clone(), role, Level::Committed),
    };
    let answer = answer.context("submit")?;
    let mut logged = Vec::new();
    for (entry, outcome) in batch.into_iter().zip(answer.results) {
        match outcome {
            Outcome::Logged(Logged { index, receipt, .. }) => {
                let receipt = Receipt::parse(receipt.encode().as_bytes())?;
                let checkpoint = Checkpoint::open(&receipt.checkpoint, key)?;
                receipt.check(&leaf_hash(&entry), &checkpoint)?;
                see(roots, &receipt.checkpoint, key)?;
                logged.push((index.0, entry));
            }
            Outcome::Refused { code, detail } => bail!(Refused { code, detail }),
        }
    }
    Ok(logged)
}

/// Every credential in hand is answered with its bytes, no slot is given twice, and what is open is logged once.
fn hold_credentials(
    register: &Register,
    registry: &Registry,
    log: &Log,
    key: &VerifierKey,
    promised: &mut Promised<'_>,
) -> Result<Vec<(u64, Vec<u8>)>> {
    let mut slots = BTreeSet::new();
    let mut entries = Vec::new();
    for credential in &promised.credentials {
        let name = &credential.key;
        // Another request under the same key: it is known.
        let begun = register.begin(TOKEN_CLIENT, name, &[0; 32])?;
        ensure!(matches!(begun, Begin::Conflict), "{name:?} was answered and is {begun:?}");
        let found = register.find(&credential.id()?).with_context(|| format!("{name:?} is not found"))?;
        let issued = register.load(found.number)?.with_context(|| format!("{name:?} is erased"))?;
        let logged = issued.logged.as_ref().with_context(|| format!("{name:?} has no receipt"))?;
        let same = issued.jws == credential.credential && logged.receipt == credential.receipt;
        ensure!(same, "{name:?} has other bytes");
        slots.insert((issued.slot.list.0, issued.slot.index));
        entries.push((logged.leaf.0, issued.entry_bytes()));
    }
    // A new one under the same key.
    if let Some(Ok(Entry::Issue(old))) = entries.first().map(|(_leaf, entry)| Entry::parse(entry)) {
        let new = Issue { commitment: leaf_hash(b"a credential after the loss"), ..old };
        entries.extend(submit(registry, log, vec![Entry::Issue(new).encode()], key, &mut promised.roots)?);
    }
    let distinct: BTreeSet<&str> = promised.credentials.iter().map(|one| one.credential.as_str()).collect();
    ensure!(slots.len() == distinct.len(), "{} slots for {} credentials", slots.len(), distinct.len());
    let open = register.open_intents()?;
    for issued in &open {
        ensure!(
            slots.insert((issued.slot.list.0, issued.slot.index)),
            "slot {:?} was given twice",
            issued.slot
        );
    }
    let bytes: Vec<Vec<u8>> = open.iter().map(|issued| issued.entry_bytes()).collect();
    for (issued, bytes) in open.iter().zip(bytes) {
        let logged = submit(registry, log, vec![bytes], key, &mut promised.roots)?;
        let (leaf, _entry) = logged.first().ok_or_else(|| anyhow!("an open intent is refused"))?;
        let done = Done { number: issued.number, leaf: sillok_log::LeafIndex(*leaf), receipt: "taken up" };
        register.complete(&[done], LATER)?;
        entries.extend(logged);
    }
    for change in register.open_changes() {
        entries.extend(submit(
            registry,
            log,
            vec![Entry::Status(change.entry).encode()],
            key,
            &mut promised.roots,
        )?);
    }
    if register.slots().lists().iter().any(|list| list.open) {
        for slot in register.slots().take(50)? {
            ensure!(!slots.contains(&(slot.list.0, slot.index)), "slot {slot:?} is given again");
        }
    }
    Ok(entries)
}

/// Later than every recording: a log refuses to go back.
const LATER: UnixSeconds = UnixSeconds(4_000_000_000);

const LEAST_SEGMENT_BYTES: u64 = 4_096;
