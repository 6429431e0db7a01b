//! What the machine can do at most, and what the service does of it: closed loops, one and the other in turns.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::process::Command;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use sillok_load::process::Process;

use super::closed::{self, Ask};
use super::options::Options;
use super::request::Requests;
use super::summary::Summary;
use super::tally::{Cost, Meter, Tally, costs};
use super::target::Target;
use super::world::World;

/// What the service does at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    /// Credentials a second, one a request.
    pub(super) single: f64,
    /// Credentials a second, [`BATCH`] a request.
    pub(super) batch: f64,
    /// Requests a second that it can refuse, if it does nothing else.
    pub(super) refused: f64,
}

/// The limit in its process.
struct Limit {
    process: Process,
    address: SocketAddr,
}

impl Limit {
    fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("find this program")?);
        command.args(["limit", "127.0.0.1:0", TOKEN]);
        let process = Process::start(command, "listening on", START_PATIENCE)?;
        let address = process.address(0).context("the limit does not say where it listens")?;
        Ok(Self { process, address })
    }

    /// A target that remembers nothing of before: the limit keeps no promise.
    fn target(&self, clients: usize) -> Rc<Target> {
        let tokens = vec![TOKEN.to_owned(); clients];
        let requests = Arc::new(Requests::new(self.address, &tokens));
        Rc::new(Target::new(self.address, Arc::new(Mutex::new(requests))))
    }
}

/// Measures limit and service, in turns, and the cost of a refresh.
pub(super) async fn measure(
    options: &Options,
    world: &World,
    target: &Rc<Target>,
    summary: &RefCell<Summary>,
) -> Result<Capacity> {
    let limit = Limit::start()?;
    let (limit_id, id) = (limit.process.id(), world.process_id()?);
    let asks = [
        ("single", Ask::Single, options.connections),
        ("batch of 100", Ask::Batch(BATCH), BATCH_CONNECTIONS),
    ];
    println!("limits: closed loops of {} s, limit and service in turns", options.limit_time.as_secs());
    let mut medians = Vec::new();
    let mut issue_cost = 0.0;
    for (name, ask, connections) in asks {
        let (mut limits, mut ours, mut costs_each) = (Vec::new(), Vec::new(), Vec::new());
        for _round in 0..options.rounds {
            let run = (ask.clone(), connections, options.limit_time);
            let (rate, _cost) =
                one(&limit.target(world.client_count()), limit_id, name, "limit", &run).await?;
            limits.push(rate);
            let (rate, cost) = one(target, id, name, "sillok", &run).await?;
            ours.push(rate);
            costs_each.push(cost);
        }
        let (limit, ours) = (median(&mut limits), median(&mut ours));
        println!("  {name:<13} medians: limit {limit:.0}/s, sillok {ours:.0}/s, ratio {:.3}", ours / limit);
        summary.borrow_mut().least(&format!("{name}: part of the limit"), ours / limit, 0.5);
        medians.push(ours);
        if medians.len() == 1 {
            issue_cost = median(&mut costs_each);
        }
    }
    drop(limit);
    refreshes(options, id, target, issue_cost, summary).await?;
    let refused = refusals(options, world, id).await?;
    let [single, batch] = [0, 1].map(|at| medians.get(at).copied().unwrap_or(0.0));
    Ok(Capacity { single, batch, refused })
}

async fn one(
    target: &Rc<Target>,
    process: u32,
    name: &str,
    who: &str,
    (ask, connections, time): &(Ask, usize, Duration),
) -> Result<(f64, f64)> {
    let meter = Meter::begin(process)?;
    let tally = closed::run(target, ask.clone(), *connections, *time).await?;
    let (cost, count) = (meter.end()?, tally.issued + tally.issued_late);
    println!("  {name:<13} {who:<7} {:>7.0}/s  {}", tally.goodput(), line(&tally, &cost, count));
    Ok((tally.goodput(), cost.microseconds_each(count)))
}

/// An unchanged refresh costs a look-up and returns the same bytes.
async fn refreshes(
    options: &Options,
    id: u32,
    target: &Rc<Target>,
    issue_cost: f64,
    summary: &RefCell<Summary>,
) -> Result<()> {
    let meter = Meter::begin(id)?;
    let tally = closed::run(target, Ask::Refresh, options.connections, options.limit_time).await?;
    let cost = meter.end()?;
    let rate = tally.rate(tally.repeated);
    println!("  refresh       sillok  {rate:>7.0}/s  {}", line(&tally, &cost, tally.repeated));
    let each = cost.microseconds_each(tally.repeated);
    println!("  a refresh costs the server {each:.1} us of CPU, a first credential {issue_cost:.1} us");
    let figure = format!("{:.2}", each / issue_cost.max(f64::MIN_POSITIVE));
    // A look-up has the cost of a request left, which is that of the signature and more (13 of 40 us in a trial).
    let row = "refresh: server CPU as part of that of a first credential";
    summary.borrow_mut().push(
        row,
        format!("at most {REFRESH_PART}"),
        figure,
        each <= issue_cost * REFRESH_PART,
    );
    Ok(())
}

/// How many requests a second are answered when each of them is refused at once, here because its token is none: with
/// one, a service that is overloaded does no less.
async fn refusals(options: &Options, world: &World, id: u32) -> Result<f64> {
    let requests = Arc::new(Requests::new(world.address(), &vec![TOKEN.to_owned(); world.client_count()]));
    let target = Rc::new(Target::new(world.address(), Arc::new(Mutex::new(requests))));
    let meter = Meter::begin(id)?;
    let tally = closed::run(&target, Ask::Single, options.connections, options.limit_time).await?;
    let rate = tally.rate(tally.statuses.get(&401).copied().unwrap_or(0));
    println!(
        "  refused       sillok  {rate:>7.0}/s  {}",
        line(&tally, &meter.end()?, tally.statuses.values().sum())
    );
    Ok(rate)
}

fn line(tally: &Tally, cost: &Cost, count: u64) -> String {
    format!("{}; {tally}; {}", tally.requests, costs(cost, count))
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

/// Credentials of a batch.
pub(super) const BATCH: u64 = 100;

/// Enough to keep two cores busy, and less than the share of a client.
const BATCH_CONNECTIONS: usize = 16;

/// What the limit asks for.
const TOKEN: &str =
    "limit-token-of-the-same-length-as-the-real-ones-which-carry-client-and-scopes-and-a-mac-of-32-bytes";

/// Cheaper than issuing at least by half.
const REFRESH_PART: f64 = 0.5;

const START_PATIENCE: Duration = Duration::from_secs(30);
