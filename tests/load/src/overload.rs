//! More than the ledger can take: what it still does, how it refuses the rest, and how soon it is itself again.

use std::time::Duration;

use anyhow::Result;
use sillok_load::entries::Entries;
use sillok_load::flags::Flags;
use sillok_load::floor;
use sillok_load::generator::{self, Acknowledged, Load, Outcome, Pace};
use sillok_load::inclusion;
use sillok_load::latency::{Latencies, milliseconds};
use sillok_load::machine::Machine;
use sillok_load::process::Usage;
use sillok_load::raw_log::{self, RawLog};
use sillok_load::watch::Watch;

use crate::ledger::{STOP, program};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let flags = Flags::parse(arguments, &FLAGS)?;
    println!("{}", Machine::find());
    let sillok = raw_log::build("sillok", "sillok")?;
    let scratch = raw_log::scratch("overload-")?;
    let log = RawLog::make(&sillok, scratch.path())?;
    let queue = flags.count("queue").to_string();
    let serving = log.start(&[], &[("queue_entries", &queue)])?;
    let duration = flags.seconds("seconds");
    let load = Load {
        address: serving.add,
        entries: Entries::new(fastrand::u64(..), flags.count("bytes")),
        first: 0,
        connections: flags.count("connections"),
        threads: flags.count("threads"),
        pace: Pace::Closed,
        duration,
        drain: DRAIN,
        told: None,
    };
    println!(
        "load: entries of {} bytes, {:.0} s each, {} connections of {} thread(s); the queue holds {queue} entries; who \
         gets no connection within {:.0} ms gives up",
        load.entries.bytes(),
        duration.as_secs_f64(),
        load.connections,
        load.threads,
        milliseconds(PATIENCE)
    );
    let mut runs = Runs { load, acknowledged: Vec::new(), process: serving.process.id() };
    // As many as fill the batches, and no more than the queue holds.
    let closed = Load { connections: flags.count("capacity-connections"), ..runs.load.clone() };
    let (capacity, _usage) = runs.run(closed)?;
    let per_second = capacity.goodput();
    println!(
        "capacity, closed loop of {} connections: {per_second:.0}/s, {}",
        flags.count("capacity-connections"),
        capacity.latency
    );
    let normal = runs.phase("0.7x (what is normal)", 0.7 * per_second, per_second, DRAIN)?;
    for times in [0.5, 0.8, 1.0, 2.0, 5.0] {
        // The last one is followed at once, by clients that are gone.
        let drain = if times < 5.0 { DRAIN } else { Duration::ZERO };
        runs.phase(&format!("{times}x"), times * per_second, per_second, drain)?;
    }
    runs.recovery(&normal, 0.7 * per_second)?;
    let null = floor::null(&program()?, &runs.load, open(5.0 * per_second), duration)?;
    println!(
        "the generator at 5x against a server that only counts: {:.0}/s of {:.0} offered; {:.0} per CPU-second of that server",
        null.per_second,
        5.0 * per_second,
        null.per_cpu_second
    );
    let size = runs.acknowledged.iter().map(|entry| entry.index + 1).max().unwrap_or(0);
    let watch = Watch::start(serving.public, log.key(), LOOK);
    let newest = watch.newest();
    watch.finish(size, STOP)?;
    if let Some(checkpoint) = newest.checkpoint() {
        inclusion::check_all(serving.public, &checkpoint, runs.load.entries, &runs.acknowledged)?;
        println!("{} acknowledged entries are in the log, each at its place", runs.acknowledged.len());
    }
    serving.process.stop(STOP)?;
    Ok(())
}

fn open(per_second: f64) -> Pace {
    Pace::Open { per_second, patience: PATIENCE }
}

struct Runs {
    load: Load,
    acknowledged: Vec<Acknowledged>,
    process: u32,
}

impl Runs {
    /// Runs a load behind the ones before: no entry is sent twice.
    fn run(&mut self, load: Load) -> Result<(Outcome, Usage)> {
        let before = Usage::of(self.process)?;
        let outcome = generator::run(&load)?;
        let usage = Usage::of(self.process)?.since(&before);
        self.load.first = load.first + outcome.offered + NUMBERS_BETWEEN;
        self.acknowledged.extend(&outcome.acknowledged);
        Ok((outcome, usage))
    }

    /// One line of the curve.
    fn phase(&mut self, name: &str, per_second: f64, capacity: f64, drain: Duration) -> Result<Outcome> {
        let load = Load { pace: open(per_second), drain, ..self.load.clone() };
        let (outcome, usage) = self.run(load)?;
        println!(
            "{name}: offered {per_second:.0}/s, goodput {:.0}/s = {:.0} % of capacity; {}; accepted {}, once sent {}; refused p99 {:.1} ms; \
             server {:.2} of {:.0} s CPU, {:.0} MB",
            outcome.goodput(),
            outcome.goodput() * 100.0 / capacity,
            outcome.mix(),
            outcome.latency,
            outcome.service,
            milliseconds(outcome.refusal.p99()),
            usage.cpu().as_secs_f64(),
            outcome.duration.as_secs_f64(),
            usage.resident_bytes as f64 / 1e6
        );
        Ok(outcome)
    }

    /// From the end of the overload until three seconds on end are as good as before.
    fn recovery(&mut self, normal: &Outcome, per_second: f64) -> Result<()> {
        let load = Load { pace: open(per_second), duration: RECOVERY, ..self.load.clone() };
        let (outcome, _usage) = self.run(load)?;
        let bound = normal.latency.p99() * 2 + SLACK;
        let seconds = by_second(&outcome, per_second);
        let good = |(latency, errors): &(Latencies, f64)| latency.p99() <= bound && *errors <= MAX_ERRORS;
        let recovered =
            seconds.windows(STEADY).position(|some| some.iter().all(good)).unwrap_or(seconds.len());
        let shown: Vec<String> = seconds
            .iter()
            .take(recovered + 2)
            .map(|(latency, errors)| format!("{:.1} ms/{:.1} %", milliseconds(latency.p99()), errors * 100.0))
            .collect();
        println!(
            "recovery at 0.7x after 5x: {recovered} s until p99 is at most {:.1} ms (twice what is normal, and {:.0} ms) and \
             errors at most {:.0} %; by second: {}",
            milliseconds(bound),
            milliseconds(SLACK),
            MAX_ERRORS * 100.0,
            shown.join(", ")
        );
        Ok(())
    }
}

/// Latencies of the accepted and share of the others, for every second in which they were meant to be sent.
fn by_second(outcome: &Outcome, per_second: f64) -> Vec<(Latencies, f64)> {
    let Some(start) = outcome.acknowledged.iter().map(|entry| entry.intended).min() else {
        return Vec::new();
    };
    let whole = usize::try_from(outcome.duration.as_secs()).unwrap_or(usize::MAX);
    let mut seconds = vec![Latencies::new(); whole];
    for entry in &outcome.acknowledged {
        let second = (entry.intended - start).as_secs();
        if let Some(latencies) = usize::try_from(second).ok().and_then(|second| seconds.get_mut(second)) {
            latencies.record(entry.answered.saturating_duration_since(entry.intended));
        }
    }
    let errors = |latencies: &Latencies| (1.0 - latencies.count() as f64 / per_second).max(0.0);
    seconds
        .into_iter()
        .map(|latencies| {
            let errors = errors(&latencies);
            (latencies, errors)
        })
        .collect()
}

/// Name and default. The queue is that of the settings by default, which one request a connection cannot fill with fewer
/// connections than it holds: `--queue 1024` shows the refusals.
const FLAGS: [(&str, f64); 6] = [
    ("seconds", 6.0),
    ("bytes", 120.0),
    ("connections", 4_096.0),
    ("capacity-connections", 512.0),
    ("threads", 1.0),
    ("queue", 65_536.0),
];

/// How long a client tries to get a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the last answers of the capacity run are waited for.
const DRAIN: Duration = Duration::from_secs(10);

/// How long the recovery is looked at: what the goal allows.
const RECOVERY: Duration = Duration::from_secs(30);

/// A tick of the kernel's clock and the scheduling of two cores are no trouble.
const SLACK: Duration = Duration::from_millis(10);

/// So many good seconds on end are no chance.
const STEADY: usize = 3;

/// What is normal.
const MAX_ERRORS: f64 = 0.01;

/// A lane may have taken a number that it did not send.
const NUMBERS_BETWEEN: u64 = 1 << 20;

/// How often the checkpoint is looked at.
const LOOK: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn every_second_has_its_latencies_and_its_errors() {
        let start = Instant::now();
        let entry = |at: u64, took: u64| {
            let intended = start + Duration::from_millis(at);
            Acknowledged { index: 0, number: 0, intended, answered: intended + Duration::from_millis(took) }
        };
        let acknowledged = vec![entry(0, 5), entry(999, 7), entry(1_500, 90)];
        let outcome = Outcome { acknowledged, duration: Duration::from_secs(2), ..Outcome::default() };
        let seconds = by_second(&outcome, 2.0);
        let shown: Vec<_> =
            seconds.iter().map(|(latency, errors)| (latency.max().as_millis(), *errors)).collect();
        assert_eq!(shown, [(7, 0.0), (90, 0.5)]);
    }
}
