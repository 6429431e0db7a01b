//! Below the capacity, far above it, and back.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use sillok_load::latency::milliseconds;

use super::apps;
use super::capacity::{BATCH, Capacity};
use super::open::{self, Again, Load};
use super::options::Options;
use super::stampede::print;
use super::summary::Summary;
use super::tally::{Meter, Second, Tally};
use super::target::Target;
use super::world::World;

/// The load of a usual day: seven tenths of the capacity. What its 99th percentile is.
pub(super) async fn at_seventy(
    options: &Options,
    world: &World,
    target: &Rc<Target>,
    capacity: Capacity,
    summary: &RefCell<Summary>,
) -> Result<Duration> {
    let issues = capacity.single * USUAL;
    let time = options.limit_time.max(LEAST_TIME);
    println!("seven tenths of the capacity: {issues:.0}/s, {} s", time.as_secs());
    let load = Load { issues, refreshes: 0.0, again: Again::OnTop, time, seed: options.seed };
    let meter = Meter::begin(world.process_id()?)?;
    let tally = open::run(target, load).await;
    print(&tally, &meter.end()?);
    let p99 = tally.waits.p99();
    summary.borrow_mut().most("single: p99 at 70 % of the capacity", milliseconds(p99), 100.0, "ms");
    Ok(p99)
}

/// Five times the capacity, then seven tenths of it again.
pub(super) async fn measure(
    options: &Options,
    world: &World,
    target: &Rc<Target>,
    capacity: Capacity,
    usual: Duration,
    summary: &RefCell<Summary>,
) -> Result<()> {
    let (issues, time) = (capacity.single * OVERLOAD, options.overload_time);
    println!("overload: five times the capacity, {issues:.0} requests/s, {} s", time.as_secs());
    let load = Load { issues, refreshes: 0.0, again: Again::Within, time, seed: options.seed ^ 1 };
    let meter = Meter::begin(world.process_id()?)?;
    let over = open::run(target, load).await;
    print(&over, &meter.end()?);
    let goodput = over.goodput() / capacity.single;
    println!(
        "  offered {:.2} times the capacity, goodput {goodput:.3} of it",
        over.rate(over.attempts) / capacity.single
    );
    println!(
        "  at most, if each request is answered: {:.3} (this machine refuses {:.0} requests/s if it does nothing else)",
        capacity.most_goodput(OVERLOAD),
        capacity.refused
    );
    compare("overload", &over, goodput, summary);

    let (issues, time) = (capacity.single * USUAL, RECOVERY_TIME);
    println!(
        "after the overload: {issues:.0}/s, {} s; whoever got nothing before has given up",
        time.as_secs()
    );
    let load = Load { issues, refreshes: 0.0, again: Again::OnTop, time, seed: options.seed ^ 2 };
    let meter = Meter::begin(world.process_id()?)?;
    let tally = open::run(target, load).await;
    print(&tally, &meter.end()?);
    let normal = (usual * 2).max(NORMAL);
    let seconds = back_to_normal(&tally, normal);
    let figure = seconds.map_or_else(|| "never".into(), |seconds| format!("{seconds} s"));
    println!(
        "  back to normal (p99 of three seconds at most {:.0} ms, 1 % without an answer at most) after {figure}",
        milliseconds(normal)
    );
    let reached = seconds.is_some_and(|seconds| seconds <= RECOVERY_TARGET);
    summary.borrow_mut().push(
        "overload: back to normal",
        format!("within {RECOVERY_TARGET} s"),
        figure,
        reached,
    );
    Ok(())
}

/// Five times what it can do in batches: there a request that is refused costs little beside one that is answered.
pub(super) async fn in_batches(
    options: &Options,
    world: &World,
    target: &Rc<Target>,
    capacity: Capacity,
    summary: &RefCell<Summary>,
) -> Result<()> {
    let (credentials, time) = (capacity.batch * OVERLOAD, options.overload_time);
    println!(
        "overload in batches of {BATCH}: five times the capacity, {credentials:.0} credentials/s, {} s",
        time.as_secs()
    );
    let meter = Meter::begin(world.process_id()?)?;
    let over = apps::run(target, credentials / BATCH as f64, BATCH, time, options.seed ^ 3).await;
    print(&over, &meter.end()?);
    let goodput = over.goodput() / capacity.batch;
    println!(
        "  offered {:.2} times the capacity, goodput {goodput:.3} of it",
        over.rate(over.attempts) / capacity.batch
    );
    compare("overload in batches", &over, goodput, summary);
    Ok(())
}

impl Capacity {
    /// The part of the capacity that can be done if requests are offered at `times` the capacity, and each of the others
    /// is refused: both take their share of one machine.
    fn most_goodput(self, times: f64) -> f64 {
        let (served, refused) = (1.0 / self.single.max(1.0), 1.0 / self.refused.max(1.0));
        let offered = times * self.single;
        ((1.0 - offered * refused) / (served - refused) / self.single).clamp(0.0, 1.0)
    }
}

/// What an overload must not do to the service.
fn compare(phase: &str, over: &Tally, goodput: f64, summary: &RefCell<Summary>) {
    let others: u64 = over
        .statuses
        .iter()
        .filter(|(status, _)| ![201, 409, 429, 503].contains(*status))
        .map(|(_, n)| n)
        .sum();
    let mut rows = summary.borrow_mut();
    let row = |what: &str| format!("{phase}: {what}");
    rows.least(&row("goodput as part of the capacity"), goodput, 0.9);
    rows.most(&row("hung up without an answer, part of all"), hung_up(over) * 100.0, 1.0, "%");
    let none = |count: u64| (String::from("none"), count.to_string(), count == 0);
    let (wanted, figure, reached) = none(others);
    rows.push(&row("other answers than 201, 429, 503, 409 (running)"), wanted, figure, reached);
    let (wanted, figure, reached) = none(over.broken_count());
    rows.push(&row("broken connections"), wanted, figure, reached);
    let values = over.retry_after.keys().filter(|seconds| **seconds > 0).count();
    rows.push(&row("different values of Retry-After"), "more than 1".into(), values.to_string(), values > 1);
}

/// Part of the requests that got no answer within patience: "later" is an answer, silence is none.
fn hung_up(tally: &Tally) -> f64 {
    tally.unanswered as f64 / tally.attempts.max(1) as f64
}

/// The first second from which on three are normal.
fn back_to_normal(tally: &Tally, normal: Duration) -> Option<usize> {
    let is_normal =
        |second: &Second| second.others * 100 <= second.answered.count() && second.answered.p99() <= normal;
    tally.seconds.windows(3).position(|three| three.iter().all(is_normal))
}

/// Of the capacity.
const USUAL: f64 = 0.7;

/// Of the capacity.
const OVERLOAD: f64 = 5.0;

/// So that the 99th percentile is one of many requests.
const LEAST_TIME: Duration = Duration::from_secs(5);

/// What is normal whatever was usual.
const NORMAL: Duration = Duration::from_millis(100);

const RECOVERY_TIME: Duration = Duration::from_secs(35);

/// Seconds.
const RECOVERY_TARGET: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_is_three_seconds_in_a_row() {
        let second = |milliseconds, others| {
            let mut second = Second { others, ..Second::default() };
            second.answered.record(Duration::from_millis(milliseconds));
            second
        };
        let seconds =
            vec![second(900, 0), second(5, 0), second(5, 1), second(5, 0), second(5, 0), second(5, 0)];
        let mut tally = Tally { seconds, ..Tally::default() };
        assert_eq!(back_to_normal(&tally, Duration::from_millis(100)), Some(3));
        tally.seconds.pop();
        assert_eq!(back_to_normal(&tally, Duration::from_millis(100)), None);
    }
}
