//! Open loop of those who ask for many: the systems of apps and clinics, which send batches at their pace whatever the
//! service does, and send those again that were refused, when they were told to.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::tally::Tally;
use super::target::{Reply, Target};
use super::wire::{Broken, Connection};

/// Sends `rate` batches of `count` people a second for `time`; those that are sent again are among them, and go first.
pub(super) async fn run(target: &Rc<Target>, rate: f64, count: u64, time: Duration, seed: u64) -> Tally {
    let begun = Instant::now();
    let run = Rc::new(Run {
        target: Rc::clone(target),
        tally: RefCell::default(),
        random: RefCell::new(fastrand::Rng::with_seed(seed)),
        again: RefCell::default(),
        idle: RefCell::default(),
        count,
        end: begun + time,
    });
    let mut tasks = JoinSet::new();
    let mut next = begun;
    while Instant::now() < run.end {
        while next <= Instant::now() {
            let first = run.next();
            run.tally.borrow_mut().attempts += count;
            tasks.spawn_local(Rc::clone(&run).send(first, next));
            next += run.gap(rate);
        }
        while tasks.try_join_next().is_some() {}
        tokio::time::sleep(TICK).await;
    }
    // What is under way is answered within the patience of its sender.
    while tasks.join_next().await.is_some() {}
    let mut tally = run.tally.take();
    tally.left = run.again.borrow().len() as u64 * count;
    tally.took = time;
    tally
}

struct Run {
    target: Rc<Target>,
    tally: RefCell<Tally>,
    random: RefCell<fastrand::Rng>,
    /// First people of batches that were refused, and when they are sent again.
    again: RefCell<BinaryHeap<Reverse<(Instant, u64)>>>,
    idle: RefCell<Vec<Connection>>,
    count: u64,
    end: Instant,
}

impl Run {
    /// The first of a batch that is due again, or of a new one.
    fn next(&self) -> u64 {
        let mut again = self.again.borrow_mut();
        if again.peek().is_some_and(|Reverse((due, _first))| *due <= Instant::now())
            && let Some(Reverse((_due, first))) = again.pop()
        {
            return first;
        }
        let clients = self.target.requests().clients();
        let mut held = self.target.held.borrow_mut();
        let first = held.next_batch(self.count, clients);
        (0..self.count).for_each(|position| held.ask(first + position * clients));
        self.tally.borrow_mut().people += self.count;
        first
    }

    /// The time to the next of `rate` a second, exponentially distributed.
    fn gap(&self, rate: f64) -> Duration {
        let uniform = 1.0 - self.random.borrow_mut().f64();
        Duration::from_secs_f64(-uniform.ln() / rate.max(f64::MIN_POSITIVE))
    }

    async fn send(self: Rc<Self>, first: u64, intended: Instant) {
        let wait = match tokio::time::timeout(PATIENCE, self.exchange(first, intended)).await {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(seconds))) => seconds as f64 * (1.0 + self.random.borrow_mut().f64() / 4.0),
            Ok(Err(broken)) => {
                *self.tally.borrow_mut().broken.entry(broken.to_string()).or_default() += 1;
                1.0
            }
            Err(_elapsed) => {
                self.tally.borrow_mut().unanswered += self.count;
                1.0
            }
        };
        self.again.borrow_mut().push(Reverse((Instant::now() + Duration::from_secs_f64(wait), first)));
    }

    /// One request: in how many seconds it is to be sent again, if that is so.
    async fn exchange(&self, first: u64, intended: Instant) -> Result<Option<u64>, Broken> {
        let idle = self.idle.borrow_mut().pop();
        let mut connection = match idle {
            Some(connection) if connection.used.elapsed() < MAX_IDLE => connection,
            Some(_) | None => Connection::open(self.target.address).await?,
        };
        connection.request.clear();
        self.target.requests().batch(first, self.count, &mut connection.request);
        let head = connection.exchange().await?;
        let again = if head.status == 200 {
            self.count(&self.target.judge_batch(first, self.count, connection.body()), intended)
        } else {
            let reply = self.target.judge(first, &head, connection.body(), true);
            let mut tally = self.tally.borrow_mut();
            *tally.statuses.entry(head.status).or_default() += self.count;
            match reply {
                Reply::Later { retry_after_seconds } => {
                    *tally.retry_after.entry(retry_after_seconds.unwrap_or(0)).or_default() += 1;
                    Some(retry_after_seconds.unwrap_or(1))
                }
                Reply::Issued { .. } | Reply::Wrong => None,
            }
        };
        if !head.closes {
            self.idle.borrow_mut().push(connection);
        }
        Ok(again)
    }

    /// Counts what was said of each of a batch.
    fn count(&self, items: &[(u16, Reply)], intended: Instant) -> Option<u64> {
        let now = Instant::now();
        let mut tally = self.tally.borrow_mut();
        tally.requests.record(now - intended);
        let mut again = None;
        for (status, reply) in items {
            tally.status(*status);
            match reply {
                Reply::Issued { first: true } if now < self.end => tally.issued += 1,
                Reply::Issued { first: true } => tally.issued_late += 1,
                Reply::Issued { first: false } => tally.repeated += 1,
                Reply::Later { retry_after_seconds } => {
                    again = again.max(Some(retry_after_seconds.unwrap_or(1)))
                }
                Reply::Wrong => {}
            }
        }
        again
    }
}

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(1);

/// What a system waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that was idle for longer is not used again: the service may be ending it just now.
const MAX_IDLE: Duration = Duration::from_secs(3);
