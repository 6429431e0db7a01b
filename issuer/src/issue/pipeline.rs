//! From handlers to the threads that issue: a bounded queue. Whatever waits is issued together, so that the cost of a
//! synchronisation and of a submission is shared.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Issued, Started};
use crate::config::MAX_BATCH;
use crate::error::{Code, Problem};

/// What one request asked for and waits for.
pub(crate) struct Job {
    pub(crate) orders: Vec<Started>,
    pub(crate) reply: oneshot::Sender<Vec<Result<Issued, Problem>>>,
    pub(crate) queued: Instant,
    client: String,
}

/// The queue and its bounds.
pub(crate) struct Pipeline {
    /// Held for moments only.
    state: Mutex<State>,
    /// There is work, or there will be no more.
    work: Condvar,
    /// A worker has finished.
    idle: Condvar,
    in_flight: usize,
    in_flight_client: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Credentials that are asked for and not answered, by client.
    clients: HashMap<String, usize>,
    total: usize,
    /// Workers that are at a batch.
    busy: usize,
    /// No batch begins while somebody has paused.
    paused: usize,
    stopping: bool,
    /// Credentials a second, as of late.
    rate: f64,
    /// Since when what was done is counted, and how much it is.
    window: Option<(Instant, usize)>,
    /// When the last one who was turned away should be back.
    turn: Option<Instant>,
    /// When the last one who was turned away is told so.
    told: Option<Instant>,
}

impl Pipeline {
    pub(crate) fn new(in_flight: usize, in_flight_client: usize) -> Self {
        Self {
            state: Mutex::default(),
            work: Condvar::new(),
            idle: Condvar::new(),
            in_flight,
            in_flight_client,
        }
    }

    /// Whether there is room; else when to come again with so many credentials.
    pub(crate) fn admit(&self, count: usize) -> Result<(), Problem> {
        let mut state = self.hold();
        if state.has_room(self.in_flight) || state.stopping { Ok(()) } else { Err(state.full(count)) }
    }

    /// How long to wait before somebody is told that he is turned away. Telling it takes a fifth of what issuing takes, and
    /// those who ask are many times those who can be served: without a bound they would be told so, and nobody served.
    pub(crate) fn pause_before_refusal(&self) -> Duration {
        self.hold().pause_before_refusal(Instant::now())
    }

    /// Queues the orders of one request, or says when to come again.
    pub(crate) fn submit(
        &self,
        client: &str,
        orders: Vec<Started>,
    ) -> Result<oneshot::Receiver<Vec<Result<Issued, Problem>>>, Problem> {
        let mut state = self.hold();
        if state.stopping {
            return Err(Problem::later(Code::Stopping, "issuer takes no more requests", 5));
        }
        let count = orders.len();
        if !state.has_room(self.in_flight) {
            return Err(state.full(count));
        }
        let own = state.clients.get(client).copied().unwrap_or(0);
        if own >= self.in_flight_client {
            let detail = format!("client has {own} credentials in flight, which is its share");
            // It waits for its own, and takes nobody's turn.
            return Err(Problem::later(Code::ClientRateLimited, detail, 1));
        }
        state.total += count;
        *state.clients.entry(client.into()).or_insert(0) += count;
        let (reply, answer) = oneshot::channel();
        state.jobs.push_back(Job { orders, reply, queued: Instant::now(), client: client.into() });
        drop(state);
        self.work.notify_one();
        Ok(answer)
    }

    /// Waits for work: jobs of at most [`TOGETHER`] credentials, or one of more, or nothing when the queue is closed and
    /// empty. Whoever gets jobs hands them to [`Pipeline::finish`].
    pub(crate) fn next(&self) -> Option<Vec<Job>> {
        let mut state = self.hold();
        loop {
            if state.paused == 0 && !state.jobs.is_empty() {
                break;
            }
            if state.stopping && state.jobs.is_empty() {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut jobs: Vec<Job> = Vec::new();
        let mut count = 0;
        while let Some(job) = state.jobs.front()
            && (jobs.is_empty() || count + job.orders.len() <= TOGETHER)
        {
            count += job.orders.len();
            jobs.extend(state.jobs.pop_front());
        }
        state.busy += 1;
        let more = !state.jobs.is_empty();
        drop(state);
        if more {
            self.work.notify_one();
        }
        Some(jobs)
    }

    /// Gives back what jobs of these clients and sizes took, and takes in how many credentials were issued: what the log or
    /// a rule refuses at once says nothing about the pace.
    pub(crate) fn finish(&self, jobs: &[(String, usize)], issued: usize) {
        let mut state = self.hold();
        let done: usize = jobs.iter().map(|(_client, count)| count).sum();
        for (client, count) in jobs {
            if let Some(own) = state.clients.get_mut(client) {
                *own = own.saturating_sub(*count);
                if *own == 0 {
                    state.clients.remove(client);
                }
            }
        }
        state.total = state.total.saturating_sub(done);
        state.busy = state.busy.saturating_sub(1);
        state.measure(issued, Instant::now());
        drop(state);
        self.idle.notify_all();
    }

    /// Lets no batch begin, and waits until none is under way. The pause ends when what is returned is dropped.
    pub(crate) fn pause(&self) -> Pause<'_> {
        let mut state = self.hold();
        state.paused += 1;
        while state.busy > 0 {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Pause(self)
    }

    /// Takes no more requests. What is queued is still issued, if the log is there.
    pub(crate) fn close(&self) {
        self.hold().stopping = true;
        self.work.notify_all();
    }

    /// Whether no more requests are taken.
    pub(crate) fn is_stopping(&self) -> bool {
        self.hold().stopping
    }

    /// Credentials that are asked for and not answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.hold().total
    }

    fn hold(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    /// What [`Pipeline::finish`] wants to know.
    pub(crate) fn weight(&self) -> (String, usize) {
        (self.client.clone(), self.orders.len())
    }
}

impl State {
    /// A queue is bounded by what it holds, and by how long it takes: who would wait longer had better come again.
    ///
    /// It is asked whether there is room, and not for how many: what a batch takes beyond it, others have less. So of all who
    /// ask, the same part is let in, and whoever asks for a thousand is not waiting for a thousand places to be free at once
    /// while those who ask for one take them one by one.
    fn has_room(&self, in_flight: usize) -> bool {
        let in_time =
            self.total < SHORT_QUEUE || (self.total as f64) < self.rate * LONGEST_WAIT.as_secs_f64();
        self.total < in_flight && in_time
    }

    /// Takes in that credentials are done. What was done a second lately is what can be done: less, if little was asked
    /// for, so the best of late counts, and is forgotten by half in some ten seconds.
    fn measure(&mut self, done: usize, now: Instant) {
        let (since, before) = *self.window.get_or_insert((now, 0));
        let (elapsed, done) = (now.duration_since(since), before + done);
        if elapsed < WINDOW {
            self.window = Some((since, done));
            return;
        }
        let windows = elapsed.as_secs_f64() / WINDOW.as_secs_f64();
        self.rate = (done as f64 / elapsed.as_secs_f64()).max(self.rate * FORGET.powf(windows));
        self.window = Some((now, 0));
    }

    fn full(&mut self, count: usize) -> Problem {
        // Turns are spread already.
        let retry_after_seconds = Some(self.turn(count));
        Problem {
            retry_after_seconds,
            ..Problem::new(Code::QueueFull, "too many credentials are being issued")
        }
    }

    fn pause_before_refusal(&mut self, now: Instant) -> Duration {
        let next = self.told.map_or(now, |told| (told + REFUSAL_GAP).max(now));
        // Beyond the longest pause there are more connections than the pace is meant for.
        let told = next.min(now + LONGEST_PAUSE);
        self.told = Some(told);
        told.duration_since(now)
    }

    /// In how many seconds a request for `count` credentials that is turned away should come again. Those who are
    /// turned away queue up in their absence: each is given the moment when it would be its turn, so that they come
    /// back at a pace at which they can be served beside those who come for the first time, and not all together.
    fn turn(&mut self, count: usize) -> u64 {
        let (now, rate) = (Instant::now(), self.rate.max(SLOWEST));
        let work = |credentials: usize| Duration::from_secs_f64(credentials as f64 / rate);
        let earliest = now + work(self.total).min(LONGEST_TURN);
        // Whoever is beyond the longest turn begins again at the front: not all of those before will come.
        let turn =
            self.turn.filter(|turn| *turn <= now + LONGEST_TURN).map_or(earliest, |turn| turn.max(earliest));
        self.turn = Some(turn + (work(count) * RETURNING).min(LONGEST_TURN));
        turn.duration_since(now).as_secs() + 1
    }
}

/// While it is there, no batch begins.
pub(crate) struct Pause<'a>(&'a Pipeline);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let mut state = self.0.hold();
        state.paused = state.paused.saturating_sub(1);
        drop(state);
        self.0.work.notify_all();
    }
}

/// Credentials of different requests that one worker issues together: some milliseconds of work. What is at that time
/// behind one synchronisation or submission is more: that of all workers.
const TOGETHER: usize = 64;

/// The longest that anybody is sent away for: people wait for a minute, and then begin to try.
const LONGEST_TURN: Duration = Duration::from_secs(60);

/// What those who come back may take: one part in so many of what can be done. Others come for the first time.
const RETURNING: u32 = 4;

/// Between two who are told that they are turned away: ten thousand a second take a sixth of one core. More are told
/// later, and wait meanwhile without costing anything.
const REFUSAL_GAP: Duration = Duration::from_micros(100);

/// As many as that many connections bring (`MAX_CONNECTIONS` of the service is 10,000).
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long anybody waits in the queue.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// A queue that is not too long whatever the pace: two of the largest batches.
const SHORT_QUEUE: usize = 2 * MAX_BATCH;

const WINDOW: Duration = Duration::from_millis(100);

/// What is left of the pace after a window: a half after 69 of them.
const FORGET: f64 = 0.99;

/// Credentials a second that are assumed before any was issued.
const SLOWEST: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_turned_away_are_told_to_come_one_after_another_and_never_later_than_in_a_minute() {
        let mut state = State { rate: 1_000.0, ..State::default() };
        let told = |state: &mut State| state.full(1).retry_after_seconds.expect("a time");
        let turns: Vec<u64> = (0..15_100).map(|_request| told(&mut state)).collect();
        assert_eq!((turns.first(), turns.iter().max()), (Some(&1), Some(&60)));
        // At a thousand a second, of which a quarter is for them, about as many are told each second.
        for second in 2..60 {
            let told = turns.iter().filter(|turn| **turn == second).count();
            assert!((200..=300).contains(&told), "{told} are told to come in {second} seconds");
        }
    }

    #[test]
    fn at_most_ten_thousand_a_second_are_told_that_they_are_turned_away_and_nobody_waits_longer_than_a_second()
     {
        let (mut state, now) = (State::default(), Instant::now());
        let pauses: Vec<Duration> = (0..12_000).map(|_request| state.pause_before_refusal(now)).collect();
        assert_eq!(
            (pauses[0], pauses[1], pauses[5_000]),
            (Duration::ZERO, Duration::from_micros(100), Duration::from_millis(500))
        );
        assert_eq!(pauses[11_999], Duration::from_secs(1));
        let later = now + Duration::from_secs(2);
        assert_eq!(state.pause_before_refusal(later), Duration::ZERO);
    }

    #[test]
    fn a_request_that_finds_the_queue_full_is_turned_away_before_it_is_read() {
        let pipeline = Pipeline::new(1_000, 1_000);
        pipeline.admit(1).expect("there is room");
        pipeline.hold().total = 1_000;
        assert_eq!(pipeline.admit(1).expect_err("it is full").code, Code::QueueFull);
    }

    #[test]
    fn a_queue_that_takes_longer_than_half_a_second_is_full_and_the_best_pace_of_late_counts() {
        let mut state = State::default();
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let room = |state: &mut State, total, in_flight| {
            state.total = total;
            state.has_room(in_flight)
        };
        assert!(room(&mut state, 1_999, 8_192), "of an unknown pace, a short one is allowed");
        assert!(!room(&mut state, 2_000, 8_192));
        state.measure(0, at(0));
        state.measure(1_000, at(100));
        assert!(room(&mut state, 4_999, 8_192), "10,000 a second");
        assert!(!room(&mut state, 5_000, 8_192));
        assert!(!room(&mut state, 3_000, 3_000), "its bound is kept");
        state.measure(10, at(200));
        assert!((9_800.0..9_950.0).contains(&state.rate), "{}", state.rate);
        state.measure(1_000, at(20_200));
        assert!((1_000.0..2_000.0).contains(&state.rate), "{}", state.rate);
    }

    /// Singles took each place that came free, and a batch never found a hundred at once.
    #[test]
    fn under_overload_the_same_part_of_batches_and_of_singles_is_let_in() {
        let (mut state, start) = (State::default(), Instant::now());
        state.measure(0, start);
        state.measure(1_000, start + WINDOW);
        let (mut singles, mut batches) = (0, 0);
        // As many credentials are asked for in batches as one by one, and a quarter of all can be issued.
        let mut seed = 7_u64;
        for _asked in 0..1_000_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = seed >> 33;
            let count = if random.is_multiple_of(101) { 100 } else { 1 };
            if state.has_room(8_192) {
                state.total += count;
                *(if count == 1 { &mut singles } else { &mut batches }) += count;
            }
            state.total -= usize::from((random / 101).is_multiple_of(2)).min(state.total);
        }
        let part = f64::from(u32::try_from(batches).unwrap()) / f64::from(u32::try_from(singles).unwrap());
        assert!((0.8..1.2).contains(&part), "{batches} in batches, {singles} one by one");
    }

    /// The log was away, batches failed at once, and the queue was taken for a quick one.
    #[test]
    fn what_was_not_issued_is_no_pace() {
        let pipeline = Pipeline::new(8_192, 8_192);
        let start = Instant::now().checked_sub(WINDOW).expect("the machine is up for longer");
        pipeline.hold().window = Some((start, 0));
        pipeline.finish(&[("clinic".into(), 1_000)], 0);
        assert!(pipeline.hold().rate < 1.0);
        pipeline.hold().window = Some((start, 0));
        pipeline.finish(&[("clinic".into(), 1_000)], 1_000);
        assert!(pipeline.hold().rate > 100.0);
    }
}
