//! Our log and Tessera's conformance log (POSIX) under Tessera's own hammer, alternating, and under our load tool, which
//! tells percentiles where the hammer tells averages.
//!
//! Neither looks for duplicates: ours is a raw log, theirs runs without `--antispam`. Theirs is shown as it is built (256
//! entries or 1 s a batch, a checkpoint a second), and once more with a shorter batch and the shortest checkpoint interval
//! that it takes, which costs no durability.

use std::time::Duration;

use anyhow::{Context as _, Result};
use sillok_load::entries::Entries;
use sillok_load::flags::Flags;
use sillok_load::generator::{self, Load, Pace};
use sillok_load::sync_count::SyncCounter;
use sillok_load::trial;

use crate::machine::Machine;
use crate::peer;
use beat::{Beat, Hammer};
use server::{Kind, Server};
use table::{Sample, Table};

mod beat;
pub(crate) mod rival;
mod server;
mod table;

pub(crate) fn run(machine: &Machine, arguments: &[String]) -> Result<()> {
    let flags = Flags::parse(arguments, &FLAGS)?;
    println!("{}", sillok_load::machine::Machine::find());
    let hammer = peer::go(machine, &format!("{}/internal/hammer", rival::MODULE), rival::VERSION)?;
    let servers = [
        Server::new(Kind::Ours, machine, &flags)?,
        Server::new(Kind::Rival, machine, &flags)?,
        Server::new(Kind::RivalTuned, machine, &flags)?,
    ];
    let hammer = Hammer {
        program: hammer,
        duration: flags.seconds("seconds"),
        writers: flags.count("writers"),
        bytes: flags.count("bytes"),
    };
    println!("hammer: {}", hammer.shown());
    println!(
        "our load tool: entries of {} bytes; closed loop of {} connections for {} s, then open loop at {}/s for {} s; one of \
         {} entries is proved at once, all afterwards; the checkpoint is looked at every {} ms",
        flags.number("bytes"),
        flags.number("connections"),
        flags.number("load-seconds"),
        flags.number("rate"),
        flags.number("load-seconds"),
        trial::SAMPLE,
        trial::LOOK.as_millis()
    );
    let mut table = Table::new(servers.each_ref().map(Server::name).to_vec());
    for round in 0..flags.count("rounds") {
        // Each has every place in a round once.
        for place in 0..servers.len() {
            let number = (round + place) % servers.len();
            let sample = sample(machine, &servers[number], &hammer, &flags)?;
            println!("round {}, {}: {sample}", round + 1, servers[number].name());
            table.add(number, sample);
        }
        let ceiling = ceiling(machine, &servers[0], &hammer)?;
        println!(
            "round {}, a server that only counts: hammer {:.0} entries/s, {:.0} per CPU-second",
            round + 1,
            ceiling.per_second,
            ceiling.per_cpu_second()
        );
        table.add_ceiling(ceiling.per_second);
    }
    if flags.number("strace-seconds") > 0.0 {
        for server in &servers {
            synchronisations(machine, server, &flags)?;
        }
    }
    println!("{table}");
    Ok(())
}

/// One server under all loads, each on a new log.
fn sample(machine: &Machine, server: &Server, hammer: &Hammer, flags: &Flags) -> Result<Sample> {
    let hammered = {
        let scratch = machine.scratch("hammer-")?;
        let running = server.start(scratch.path(), &[])?;
        hammer.beat(&running, running.add_url(), scratch.path())?
    };
    let run = |pace| {
        let scratch = machine.scratch("hammer-")?;
        let running = server.start(scratch.path(), &[])?;
        trial::run(&running.served(), load(&running, flags, pace)).with_context(|| server.name())
    };
    let closed = run(Pace::Closed)?;
    let open = run(Pace::Open { per_second: flags.number("rate"), patience: DRAIN })?;
    Ok(Sample { hammered, closed, open })
}

fn load(running: &server::Running, flags: &Flags, pace: Pace) -> Load {
    Load {
        address: running.add,
        entries: Entries::new(fastrand::u64(..), flags.count("bytes")),
        first: 0,
        connections: flags.count("connections"),
        threads: 1,
        pace,
        duration: flags.seconds("load-seconds"),
        drain: DRAIN,
        told: None,
    }
}

/// How fast the hammer itself is: its `/add` goes to a server that only counts, its checkpoints come from a log at rest.
fn ceiling(machine: &Machine, ours: &Server, hammer: &Hammer) -> Result<Beat> {
    let scratch = machine.scratch("hammer-")?;
    let running = ours.start(scratch.path(), &[])?;
    let program = sillok_load::raw_log::build("sillok-load", "load")?;
    let null = sillok_load::floor::null_server(&program)?;
    let address = null.address(0).context("the null server told no address")?;
    hammer.beat_null(&running, &null, address, scratch.path())
}

/// How often each synchronises, in a short run under strace at the rate of the open loop.
fn synchronisations(machine: &Machine, server: &Server, flags: &Flags) -> Result<()> {
    let scratch = machine.scratch("hammer-")?;
    let Some(counter) = SyncCounter::find(scratch.path()) else {
        println!("synchronisations: strace is absent");
        return Ok(());
    };
    let running = server.start(scratch.path(), &counter.under())?;
    let pace = Pace::Open { per_second: flags.number("rate"), patience: DRAIN };
    let load = Load { duration: flags.seconds("strace-seconds"), ..load(&running, flags, pace) };
    let outcome = generator::run(&load)?;
    println!("{}: {}", server.name(), counter.finish(running.process, &outcome)?);
    Ok(())
}

/// Name and default.
const FLAGS: [(&str, f64); 11] = [
    ("rounds", 3.0),
    ("seconds", 20.0),
    ("load-seconds", 10.0),
    ("writers", 512.0),
    ("connections", 512.0),
    ("rate", 1_000.0),
    ("bytes", 120.0),
    ("strace-seconds", 4.0),
    ("tuned-batch", 1_024.0),
    ("tuned-age-ms", 100.0),
    ("tuned-interval-ms", 100.0),
];

/// How long the last answers are waited for.
const DRAIN: Duration = Duration::from_secs(60);
