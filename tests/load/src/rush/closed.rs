//! Closed loop: each of some connections asks again as soon as it is answered. What a service does at most.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::task::JoinSet;

use super::tally::Tally;
use super::target::{Reply, Target};
use super::wire::{Broken, Connection};

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// New credentials, one a request.
    Single,
    /// New credentials, as many a request.
    Batch(u64),
    /// Credentials of people who hold one.
    Refresh,
    /// Each of these people once.
    Listed(Rc<RefCell<Vec<u64>>>),
}

/// Asks on `connections` connections until `time` is over, or all who are listed are answered.
pub(super) async fn run(target: &Rc<Target>, ask: Ask, connections: usize, time: Duration) -> Result<Tally> {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let begun = Instant::now();
    let end = begun + time;
    let mut tasks = JoinSet::new();
    for seed in 0..connections {
        let caller = Caller {
            target: Rc::clone(target),
            tally: Rc::clone(&tally),
            ask: ask.clone(),
            random: fastrand::Rng::with_seed(seed as u64),
            end,
        };
        tasks.spawn_local(caller.call());
    }
    while let Some(joined) = tasks.join_next().await {
        joined?;
    }
    let mut tally = std::mem::take(&mut *tally.borrow_mut());
    tally.took = begun.elapsed().min(time);
    if tally.attempts > 0 && tally.statuses.is_empty() {
        bail!("no request was answered: {tally}");
    }
    Ok(tally)
}

struct Caller {
    target: Rc<Target>,
    tally: Rc<RefCell<Tally>>,
    ask: Ask,
    random: fastrand::Rng,
    end: Instant,
}

impl Caller {
    async fn call(mut self) {
        let mut connection = None;
        while Instant::now() < self.end {
            let Some((first, count)) = self.next() else { return };
            let mut pending = true;
            // One that is refused is asked for again: it must not be lost, and a limit is no place for impatience.
            while pending && Instant::now() < self.end {
                let asked = Instant::now();
                self.tally.borrow_mut().attempts += 1;
                match self.attempt(&mut connection, first, count).await {
                    Ok(done) => pending = !done,
                    Err(broken) => {
                        connection = None;
                        *self.tally.borrow_mut().broken.entry(broken.to_string()).or_default() += 1;
                    }
                }
                if pending {
                    tokio::time::sleep(PAUSE).await;
                } else {
                    self.tally.borrow_mut().requests.record(asked.elapsed());
                }
            }
        }
    }

    /// Whom to ask for next: the first and how many.
    fn next(&mut self) -> Option<(u64, u64)> {
        let mut held = self.target.held.borrow_mut();
        match &self.ask {
            Ask::Single => Some((held.next_person(), 1)),
            Ask::Batch(count) => {
                let clients = self.target.requests().clients();
                let first = held.next_batch(*count, clients);
                (0..*count).for_each(|position| held.ask(first + position * clients));
                Some((first, *count))
            }
            Ask::Refresh => held.somebody(&mut self.random).map(|number| (number, 1)),
            Ask::Listed(people) => people.borrow_mut().pop().map(|number| (number, 1)),
        }
    }

    /// One request. Whether everybody in it was answered for good.
    async fn attempt(
        &self,
        connection: &mut Option<Connection>,
        first: u64,
        count: u64,
    ) -> Result<bool, Broken> {
        let open = match connection {
            Some(open) => open,
            None => connection.insert(Connection::open(self.target.address).await?),
        };
        open.request.clear();
        let requests = self.target.requests();
        if matches!(self.ask, Ask::Batch(_)) {
            requests.batch(first, count, &mut open.request);
        } else {
            requests.single(first, &mut open.request);
        }
        let head = open.exchange().await?;
        let done = if matches!(self.ask, Ask::Batch(_)) && head.status == 200 {
            let items = self.target.judge_batch(first, count, open.body());
            items.iter().fold(true, |done, (status, reply)| self.count(*status, reply) & done)
        } else {
            self.count(head.status, &self.target.judge(first, &head, open.body(), true))
        };
        if head.closes {
            *connection = None;
        }
        Ok(done)
    }

    fn count(&self, status: u16, reply: &Reply) -> bool {
        let mut tally = self.tally.borrow_mut();
        tally.status(status);
        match reply {
            Reply::Issued { first: true } if Instant::now() < self.end => tally.issued += 1,
            Reply::Issued { first: true } => tally.issued_late += 1,
            Reply::Issued { first: false } => tally.repeated += 1,
            Reply::Later { retry_after_seconds } => {
                *tally.retry_after.entry(retry_after_seconds.unwrap_or(0)).or_default() += 1;
                return false;
            }
            Reply::Wrong => {}
        }
        true
    }
}

/// How long a caller waits that was refused.
const PAUSE: Duration = Duration::from_millis(20);
