//! The first-issue stampede before lunch, with refreshes beside it.

use std::rc::Rc;

use anyhow::Result;

use super::open::{self, Again, Load};
use super::options::{Case, Options};
use super::tally::{Cost, Meter, Tally, costs};
use super::target::Target;
use super::world::World;

/// Runs the cases that were asked for, in equal parts of the time.
pub(super) async fn measure(options: &Options, world: &World, target: &Rc<Target>) -> Result<()> {
    let cases: &[Named] = match options.case {
        Case::Mid => &CASES[..1],
        Case::High => &CASES[1..],
        Case::Both => &CASES,
    };
    let time = options.time / u32::try_from(cases.len())?;
    for (seed, Named { name, issues, refreshes, why }) in (options.seed..).zip(cases) {
        println!(
            "stampede, {name} case: {issues}/s first credentials, {refreshes}/s refreshes ({why}), {} s",
            time.as_secs()
        );
        let load = Load { issues: *issues, refreshes: *refreshes, again: Again::OnTop, time, seed };
        let meter = Meter::begin(world.process_id()?)?;
        let tally = open::run(target, load).await;
        print(&tally, &meter.end()?);
    }
    Ok(())
}

/// The lines of a phase.
pub(super) fn print(tally: &Tally, cost: &Cost) {
    let issued = tally.issued + tally.issued_late;
    println!(
        "  offered {:.0} requests/s, goodput {:.0} credentials/s and {:.0} repetitions/s",
        tally.rate(tally.attempts),
        tally.goodput(),
        tally.rate(tally.repeated)
    );
    println!("  answers   {tally}");
    println!("  requests  {}", tally.requests);
    println!("  people    {}; of {} who came, {} went without", tally.waits, tally.people, tally.left);
    if tally.refreshes.count() > 0 {
        println!("  refreshes {}", tally.refreshes);
    }
    if !tally.retry_after.is_empty() {
        println!("  retry-after {}", spread(tally));
    }
    println!("  cost      {} (by credentials issued)", costs(cost, issued));
}

/// `1 s: 40 %, 2 s: 60 %`
fn spread(tally: &Tally) -> String {
    let all: u64 = tally.retry_after.values().sum();
    let parts = tally
        .retry_after
        .iter()
        .map(|(seconds, count)| format!("{seconds} s: {:.1} %", *count as f64 * 100.0 / all.max(1) as f64));
    parts.collect::<Vec<_>>().join(", ")
}

struct Named {
    name: &'static str,
    issues: f64,
    refreshes: f64,
    why: &'static str,
}

/// First credentials: 41.6 million vaccinated, 15 (25) % of them without a cached certificate, half of those within 90
/// minutes of lunch, with twice (2.5 times) the average at the peak.
const CASES: [Named; 2] = [
    Named {
        name: "mid",
        issues: 1_040.0,
        refreshes: 171.0,
        why: "one in twenty of 18.5 million boosted did not fetch beforehand",
    },
    Named {
        name: "high",
        issues: 2_167.0,
        refreshes: 3_422.0,
        why: "all 18.5 million boosted within 90 minutes",
    },
];
