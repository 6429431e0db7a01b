//! The ledger at a steady load: how long until an entry is committed and public, what that costs, and what limits it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use sillok_load::entries::Entries;
use sillok_load::flags::Flags;
use sillok_load::floor;
use sillok_load::generator::{self, Load, Pace};
use sillok_load::latency::milliseconds;
use sillok_load::machine::Machine;
use sillok_load::raw_log::{self, RawLog, Serving};
use sillok_load::sync_count::SyncCounter;
use sillok_load::trial::{self, Figures, Served};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let flags = Flags::parse(arguments, &FLAGS)?;
    println!("{}", Machine::find());
    let program = raw_log::build("sillok", "sillok")?;
    let scratch = raw_log::scratch("ledger-")?;
    let log = RawLog::make(&program, scratch.path())?;
    let serving = log.start(&[], &[])?;
    let load = load(&serving, &flags);
    println!("load: {}", shown(&load));
    let process = serving.process.id();
    let figures =
        trial::run(&Served { public: serving.public, key: log.key().clone(), process }, load.clone())?;
    serving.process.stop(STOP)?;
    print(&figures);
    count_synchronisations(&log, &load, scratch.path(), flags.seconds("strace-seconds"))?;
    limits(&figures, &load, scratch.path(), flags.seconds("limit-seconds"))
}

/// The same load for a while on a server under strace.
fn count_synchronisations(log: &RawLog, load: &Load, folder: &Path, duration: Duration) -> Result<()> {
    let Some(counter) = SyncCounter::find(folder).filter(|_present| !duration.is_zero()) else {
        println!("synchronisations: strace is absent, or its run was turned off");
        return Ok(());
    };
    let serving = log.start(&counter.under(), &[])?;
    let load = Load { address: serving.add, duration, first: NUMBERS_BETWEEN, ..load.clone() };
    let outcome = generator::run(&load)?;
    println!("{}", counter.finish(serving.process, &outcome)?);
    Ok(())
}

/// The load of the flags.
pub(crate) fn load(serving: &Serving, flags: &Flags) -> Load {
    Load {
        address: serving.add,
        entries: Entries::new(fastrand::u64(..), flags.count("bytes")),
        first: 0,
        connections: flags.count("connections"),
        threads: 1,
        pace: match flags.number("rate") {
            0.0 => Pace::Closed,
            per_second => Pace::Open { per_second, patience: DRAIN },
        },
        duration: flags.seconds("seconds"),
        drain: DRAIN,
        told: None,
    }
}

fn shown(load: &Load) -> String {
    let pace = match load.pace {
        Pace::Closed => "closed loop, as fast as it is answered".to_owned(),
        Pace::Open { per_second, .. } => format!("open loop, {per_second} entries/s"),
    };
    format!(
        "{pace}, of {} bytes for {:.0} s, one a request, over {} kept connections; every {}th is proved by a reader at \
         once, all afterwards; the checkpoint is looked at every {:.0} ms",
        load.entries.bytes(),
        load.duration.as_secs_f64(),
        load.connections,
        trial::SAMPLE,
        milliseconds(trial::LOOK)
    )
}

fn print(figures: &Figures) {
    let Figures { outcome, published, usage, proved } = figures;
    let count = outcome.acknowledged.len() as f64;
    println!(
        "offered {}, acknowledged {count}, {:.0}/s ({})",
        outcome.offered,
        outcome.goodput(),
        outcome.mix()
    );
    if let Some(error) = &outcome.error {
        println!("first error: {error}");
    }
    println!("to committed (the answer of /add):        {}", outcome.latency);
    println!("to a published checkpoint that covers it: {published}");
    println!("proved by the reader during the load: {proved}; found at their places afterwards: {count}");
    println!(
        "server: {:.2} s user + {:.2} s system = {:.0} entries per CPU-second, {:.1} CPU-seconds per million entries",
        usage.user.as_secs_f64(),
        usage.system.as_secs_f64(),
        figures.entries_per_cpu_second(),
        1e6 / figures.entries_per_cpu_second()
    );
    println!(
        "server: {:.1} MB resident, {:.1} MB at most; {:.0} bytes written per entry ({:.0} dirtied, by the kernel's count)",
        usage.resident_bytes as f64 / 1e6,
        usage.peak_resident_bytes as f64 / 1e6,
        usage.written_bytes as f64 / count.max(1.0),
        usage.dirtied_bytes as f64 / count.max(1.0)
    );
}

/// What the machine could do, measured now, beside what was done.
fn limits(figures: &Figures, load: &Load, folder: &Path, duration: Duration) -> Result<()> {
    let syncs = floor::sync(folder, duration)?;
    let per_second = 1.0 / syncs.mean().as_secs_f64().max(1e-9);
    println!("limit, disk: fdatasync of 4 KiB {per_second:.0}/s, {syncs}");
    let leaves = floor::leaves(load.entries, duration);
    println!("limit, hash: {:.2} million leaf hashes/s of one thread", leaves / 1e6);
    let program = program()?;
    let same = floor::null(&program, load, load.pace, duration)?;
    println!(
        "limit, network: a server that only counts, same load: {:.0} answers per CPU-second, {}",
        same.per_cpu_second, same.latency
    );
    let closed = floor::null(&program, load, Pace::Closed, duration)?;
    println!(
        "limit, network: the same as fast as it answers: {:.0}/s, {:.0} per CPU-second",
        closed.per_second, closed.per_cpu_second
    );
    let entries = figures.entries_per_cpu_second();
    println!(
        "ratios: entries per CPU-second {:.2} of a server that only counts at this load; hashing is {:.1} % of the \
         server's time; committed p50 {:.1} times an fdatasync",
        entries / same.per_cpu_second,
        entries * HASHES_PER_ENTRY / leaves * 100.0,
        figures.outcome.latency.p50().as_secs_f64() / syncs.p50().as_secs_f64().max(1e-9)
    );
    Ok(())
}

/// The program of the measurements: this one.
pub(crate) fn program() -> Result<PathBuf> {
    std::env::current_exe().context("find this program")
}

/// Name and default. A rate of 0 is a closed loop.
pub(crate) const FLAGS: [(&str, f64); 6] = [
    ("seconds", 20.0),
    ("rate", 5_000.0),
    ("bytes", 120.0),
    ("connections", 256.0),
    ("strace-seconds", 4.0),
    ("limit-seconds", 3.0),
];

/// A leaf and, on average, one node above it.
const HASHES_PER_ENTRY: f64 = 2.0;

/// The second run sends other entries than the first.
const NUMBERS_BETWEEN: u64 = 1 << 40;

/// How long the last answers are waited for.
const DRAIN: Duration = Duration::from_secs(30);

/// How long a server may take to end.
pub(crate) const STOP: Duration = Duration::from_secs(60);
