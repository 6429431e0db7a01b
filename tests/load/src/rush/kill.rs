//! The service is killed in the middle of the rush and started again; then everybody who has no answer gets one.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};

use super::capacity::Capacity;
use super::closed::{self, Ask};
use super::open::{self, Again, Load};
use super::options::Options;
use super::target::Target;
use super::world::World;

/// People keep coming while the process is killed, is gone, and starts again. Afterwards everybody who was answered
/// around the kill asks again, and must be handed the same bytes.
pub(super) async fn measure(
    options: &Options,
    world: &Arc<World>,
    target: &Rc<Target>,
    capacity: Capacity,
) -> Result<()> {
    let part = options.limit_time;
    let load = Load {
        issues: capacity.single * LOAD,
        refreshes: capacity.single * REFRESHES,
        again: Again::OnTop,
        time: part * 4,
        seed: options.seed ^ 3,
    };
    println!("kill -9 in the middle: {:.0}/s first credentials, {} s", load.issues, load.time.as_secs());
    let before = target.held.borrow().answered(0).len();
    let killing = async {
        tokio::time::sleep(part).await;
        world.kill();
        tokio::time::sleep(DOWN).await;
        let world = Arc::clone(world);
        tokio::task::spawn_blocking(move || world.restart()).await?
    };
    let (tally, restarted) = tokio::join!(open::run(target, load), killing);
    let took = restarted?;
    println!(
        "  killed after {} s, down for {} s, ready {:.2} s after its start",
        part.as_secs(),
        DOWN.as_secs(),
        took.as_secs_f64()
    );
    println!("  answers   {tally}");
    println!("  people    {}; of {} who came, {} went without", tally.waits, tally.people, tally.left);

    let people: Vec<u64> =
        target.held.borrow().answered(before).iter().map(|number| u64::from(*number)).collect();
    let count = people.len();
    let again = ask_all(target, people).await?;
    println!(
        "  of {count} who were answered around the kill, {} were handed the same bytes again",
        again.repeated
    );
    if again.repeated != count as u64 {
        let lost = format!("{} of {count} are not answered again as before", count as u64 - again.repeated);
        target.violate("acknowledged credentials that are not handed out again", &lost);
    }
    Ok(())
}

/// Everybody who asked in any phase and has no answer asks until it has one, so that the log must hold exactly what
/// people hold.
pub(super) async fn settle(target: &Rc<Target>) -> Result<()> {
    let open = target.held.borrow().open();
    println!("settling: {} people who were sent away, or gave up, ask again", open.len());
    let tally = ask_all(target, open).await?;
    let left = target.held.borrow().open().len();
    println!("  answers   {tally}");
    if left > 0 {
        bail!("{left} people have no answer after {} s", SETTLE_TIME.as_secs());
    }
    Ok(())
}

async fn ask_all(target: &Rc<Target>, people: Vec<u64>) -> Result<super::tally::Tally> {
    let listed = Ask::Listed(Rc::new(RefCell::new(people)));
    closed::run(target, listed, CONNECTIONS, SETTLE_TIME).await
}

/// Of the capacity: those who come back after the restart need room.
const LOAD: f64 = 0.5;

/// Of the capacity.
const REFRESHES: f64 = 0.1;

/// Between the kill and the next start.
const DOWN: Duration = Duration::from_secs(1);

const CONNECTIONS: usize = 128;

/// More than anything takes.
const SETTLE_TIME: Duration = Duration::from_secs(600);
