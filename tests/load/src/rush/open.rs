//! Open loop: people come when they come, whatever the service does, and those who got nothing come again.
//!
//! Arrivals are a Poisson process of a printed seed. Whoever is refused obeys `Retry-After`, with a quarter of it as
//! jitter, or comes back early; whoever has no answer within its patience hangs up and asks again with the same key.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::tally::{Second, Tally};
use super::target::{Reply, Target};
use super::wire::{Broken, Connection};

/// A load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// People a second who ask for their first credential.
    pub(super) issues: f64,
    /// People a second who ask again for the credential that they hold.
    pub(super) refreshes: f64,
    /// Whether those who come again are a part of `issues`, or come on top.
    pub(super) again: Again,
    /// How long people come.
    pub(super) time: Duration,
    /// Of every random choice.
    pub(super) seed: u64,
}

/// How those count who come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// On top: the load rises when the service fails.
    OnTop,
    /// Within: the requests a second are exactly `issues`, and those who come again go first.
    Within,
}

/// Sends a load to a target.
pub(super) async fn run(target: &Rc<Target>, load: Load) -> Tally {
    let begun = Instant::now();
    let run = Rc::new(Run {
        target: Rc::clone(target),
        tally: RefCell::default(),
        random: RefCell::new(fastrand::Rng::with_seed(load.seed)),
        waiting: RefCell::default(),
        idle: RefCell::default(),
        permits: Semaphore::new(MAX_CONNECTIONS),
        under_way: Cell::new(0),
        begun,
        end: begun + load.time,
    });
    run.send(load).await;
    // What is under way is answered or given up within its patience.
    while run.under_way.get() > 0 {
        tokio::time::sleep(TICK).await;
    }
    let mut tally = run.tally.take();
    tally.left =
        run.waiting.borrow().iter().filter(|Reverse((_due, person))| !person.refreshes).count() as u64;
    tally.took = load.time;
    tally
}

struct Run {
    target: Rc<Target>,
    tally: RefCell<Tally>,
    random: RefCell<fastrand::Rng>,
    /// Who comes again, and when.
    waiting: RefCell<BinaryHeap<Reverse<(Instant, Person)>>>,
    idle: RefCell<Vec<Connection>>,
    permits: Semaphore,
    under_way: Cell<usize>,
    begun: Instant,
    end: Instant,
}

/// Somebody who wants a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Person {
    number: u64,
    /// When it first meant to ask.
    first: Instant,
    refreshes: bool,
    /// Whether an earlier request of it may be under way.
    hung_up: bool,
}

enum Outcome {
    Replied(Reply, u16),
    Broken(Broken),
    HungUp,
}

impl Run {
    /// Starts requests at their times until the end.
    async fn send(self: &Rc<Self>, load: Load) {
        let mut issue = self.begun + self.gap(load.issues);
        let mut refresh = self.begun + self.gap(load.refreshes);
        loop {
            let now = Instant::now();
            if now >= self.end {
                return;
            }
            while issue <= now {
                let person = match load.again {
                    Again::OnTop => None,
                    Again::Within => self.due(now),
                };
                let newcomer = || {
                    self.tally.borrow_mut().people += 1;
                    let number = self.target.held.borrow_mut().next_person();
                    Person { number, first: issue, refreshes: false, hung_up: false }
                };
                self.start(person.map_or_else(newcomer, |(_due, person)| person), issue);
                issue += self.gap(load.issues);
            }
            while refresh <= now {
                let somebody = self.target.held.borrow().somebody(&mut self.random.borrow_mut());
                if let Some(number) = somebody {
                    self.start(Person { number, first: refresh, refreshes: true, hung_up: false }, refresh);
                }
                refresh += self.gap(load.refreshes);
            }
            if load.again == Again::OnTop {
                while let Some((due, person)) = self.due(now) {
                    self.start(person, due);
                }
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// The time to the next of `rate` a second, exponentially distributed.
    fn gap(&self, rate: f64) -> Duration {
        if rate <= 0.0 {
            return NEVER;
        }
        let uniform = 1.0 - self.random.borrow_mut().f64();
        Duration::from_secs_f64((-uniform.ln() / rate).min(NEVER.as_secs_f64()))
    }

    /// Somebody whose time to come again has come.
    fn due(&self, now: Instant) -> Option<(Instant, Person)> {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.peek().is_some_and(|Reverse((due, _person))| *due <= now) {
            return waiting.pop().map(|Reverse(next)| next);
        }
        None
    }

    fn start(self: &Rc<Self>, person: Person, intended: Instant) {
        self.under_way.set(self.under_way.get() + 1);
        self.tally.borrow_mut().attempts += 1;
        let run = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let outcome = match tokio::time::timeout(run.patience(), run.exchange(&person)).await {
                Ok(Ok((reply, status))) => Outcome::Replied(reply, status),
                Ok(Err(broken)) => Outcome::Broken(broken),
                Err(_elapsed) => Outcome::HungUp,
            };
            run.finish(person, intended, outcome);
            run.under_way.set(run.under_way.get() - 1);
        });
    }

    /// One request on a connection that is idle, or on a new one.
    async fn exchange(&self, person: &Person) -> Result<(Reply, u16), Broken> {
        let closed = |_never| Broken::own("the generator ran out of connections");
        let _permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_all_in_use) => {
                self.tally.borrow_mut().crowded += 1;
                self.permits.acquire().await.map_err(closed)?
            }
        };
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => Connection::open(self.target.address).await?,
        };
        connection.request.clear();
        self.target.requests().single(person.number, &mut connection.request);
        let head = connection.exchange().await?;
        let again = person.hung_up || person.refreshes;
        let reply = self.target.judge(person.number, &head, connection.body(), again);
        if !head.closes {
            self.idle.borrow_mut().push(connection);
        }
        Ok((reply, head.status))
    }

    fn take_idle(&self) -> Option<Connection> {
        let connection = self.idle.borrow_mut().pop()?;
        if connection.used.elapsed() < MAX_IDLE {
            return Some(connection);
        }
        // The one used last: all others are idle for longer.
        self.idle.borrow_mut().clear();
        None
    }

    fn finish(&self, mut person: Person, intended: Instant, outcome: Outcome) {
        let now = Instant::now();
        let mut tally = self.tally.borrow_mut();
        let second = usize::try_from(intended.saturating_duration_since(self.begun).as_secs()).unwrap_or(0);
        if tally.seconds.len() <= second {
            tally.seconds.resize_with(second + 1, Second::default);
        }
        let wait = match outcome {
            Outcome::Replied(reply, status) => {
                tally.status(status);
                match reply {
                    Reply::Issued { first } => {
                        tally.seconds[second].answered.record(now - intended);
                        match (first, person.refreshes) {
                            (_, true) => tally.refreshes.record(now - intended),
                            (_, false) => {
                                tally.waits.record(now - person.first);
                                tally.requests.record(now - intended);
                            }
                        }
                        match first {
                            true if now < self.end => tally.issued += 1,
                            true => tally.issued_late += 1,
                            false => tally.repeated += 1,
                        }
                        return;
                    }
                    Reply::Wrong => return,
                    Reply::Later { retry_after_seconds } => {
                        let seconds = retry_after_seconds.unwrap_or(0);
                        *tally.retry_after.entry(seconds).or_default() += 1;
                        self.come_again_after(seconds)
                    }
                }
            }
            Outcome::Broken(broken) => {
                *tally.broken.entry(broken.to_string()).or_default() += 1;
                self.between(0.1, 0.5)
            }
            Outcome::HungUp => {
                tally.unanswered += 1;
                person.hung_up = true;
                Duration::ZERO
            }
        };
        tally.seconds[second].others += 1;
        self.waiting.borrow_mut().push(Reverse((now + wait, person)));
    }

    /// Most do as they are told, some do not.
    fn come_again_after(&self, seconds: u64) -> Duration {
        if self.random.borrow_mut().f64() < EARLY_SHARE {
            return self.between(0.1, 1.0);
        }
        let seconds = seconds as f64;
        self.between(seconds, seconds * 1.25)
    }

    /// Most wait for some seconds, some tap again at once.
    fn patience(&self) -> Duration {
        if self.random.borrow_mut().f64() < TAPPING_SHARE {
            return self.between(0.1, 1.0);
        }
        self.between(5.0, 10.0)
    }

    fn between(&self, least: f64, most: f64) -> Duration {
        Duration::from_secs_f64(least + (most - least) * self.random.borrow_mut().f64())
    }
}

/// How often the clock is looked at. Whoever is meant to start within is started at its end, and its wait counts.
const TICK: Duration = Duration::from_millis(1);

/// Longer than any run.
const NEVER: Duration = Duration::from_secs(1 << 24);

/// More than credentials may be under way in the service (8,192), so that an overload reaches its queue; fewer than
/// the connections that it takes (10,000).
pub(super) const MAX_CONNECTIONS: usize = 9_000;

/// A connection that was idle for longer is not used again: the service may be ending it just now.
const MAX_IDLE: Duration = Duration::from_secs(3);

/// Who comes back before it was told to.
const EARLY_SHARE: f64 = 0.2;

/// Who taps again within a second. The others wait for five to ten, as was told of 13 December 2021.
const TAPPING_SHARE: f64 = 0.1;
