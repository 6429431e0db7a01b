//! 13 December 2021, replayed: everybody wants a first credential before lunch, others fetch theirs again, and whoever
//! gets nothing tries again. The real service runs in a process of its own; what it hands over is remembered here.
//!
//! Figures are compared with the limit of the same run (`limit`). The exit status tells violations of safety only: a
//! credential lost, changed or issued twice, or an answer that is none.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use sillok_load::machine::Machine;
use sillok_log::UnixSeconds;

mod answer;
mod apps;
mod capacity;
mod client;
mod closed;
mod files;
mod held;
mod judgement;
mod kill;
mod open;
mod options;
mod overload;
mod request;
mod stampede;
mod summary;
mod tally;
mod target;
mod wire;
mod world;

use options::Options;
use summary::Summary;
use target::Target;
use world::World;

/// Runs all of it. An argument that is not known is answered with those that are.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments, fastrand::u64(..))?;
    println!("{}", Machine::find());
    println!("rush: seed {}, {} connections in closed loops", options.seed, options.connections);
    files::raise_limit(open::MAX_CONNECTIONS);
    let mut world = World::start(&options)?;
    println!(
        "service: sillok serve in a process of its own, {} OAuth clients, settings of sillok init",
        world.client_count()
    );
    let target = Rc::new(Target::new(world.address(), world.current()));
    let summary = RefCell::new(Summary::default());
    let shared = Arc::new(world);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ran = tokio::task::LocalSet::new().block_on(&runtime, phases(&options, &shared, &target, &summary));
    drop(runtime);
    world = Arc::into_inner(shared).context("somebody still uses the service")?;
    if let Err(error) = ran {
        bail!("{error:#}\nthe service said: {}", world.complaints());
    }
    judgement::judge(&mut world, &target)?;
    print!("{}", summary.borrow());
    let violations = target.violations();
    if violations.is_empty() {
        println!(
            "safety: nothing acknowledged was lost, changed or issued twice, and no answer was a wrong one"
        );
        return Ok(());
    }
    bail!("safety is violated:\n{}\nthe service said: {}", violations.join("\n"), world.complaints())
}

async fn phases(
    options: &Options,
    world: &Arc<World>,
    target: &Rc<Target>,
    summary: &RefCell<Summary>,
) -> Result<()> {
    let capacity = capacity::measure(options, world, target, summary).await?;
    stampede::measure(options, world, target).await?;
    let usual = overload::at_seventy(options, world, target, capacity, summary).await?;
    overload::measure(options, world, target, capacity, usual, summary).await?;
    overload::in_batches(options, world, target, capacity, summary).await?;
    kill::measure(options, world, target, capacity).await?;
    kill::settle(target).await
}

/// The clock of the machine.
#[expect(clippy::disallowed_methods, reason = "the one place where this program reads it")]
pub(crate) fn now() -> UnixSeconds {
    UnixSeconds(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// The issuer id of the service, and of what the limit signs.
pub(crate) const ISSUER: &str = "https://health.example";
