//! A fleet of clients against a server that is well, away, or busy: when each of them asks. The clock is a number and
//! randomness is seeded.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use sillok_client::refresh::{Attempt, MAX_RETRY_AFTER, START_WINDOW, Schedule};
use sillok_log::UnixSeconds;

const CLIENTS: usize = 10_000;
const HOUR: u64 = 3_600;

/// xorshift64*, enough to be uneven if the schedule is.
struct Random(Cell<u64>);

impl Random {
    fn new(seed: u64) -> Self {
        Self(Cell::new(seed | 1))
    }

    /// A part of a duration, to the millisecond.
    fn part(&self, most: Duration) -> Duration {
        let mut state = self.0.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.0.set(state);
        let drawn = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        most.mul_f64(drawn as f64 / (1_u64 << 53) as f64)
    }
}

/// What the server does with a request at a second.
type Server = dyn Fn(u64) -> Result<(), Option<Duration>>;

/// The seconds at which requests come, until `end`; all clients are started in second zero.
fn requests(server: &Server, end: u64, seed: u64) -> Vec<u64> {
    let (schedule, random) = (Schedule::default(), Random::new(seed));
    let part = |most| random.part(most);
    let mut queue: BinaryHeap<Reverse<(u128, u32)>> = (0..CLIENTS).map(|_| Reverse((0, 0))).collect();
    let mut seconds = Vec::new();
    while let Some(Reverse((at, failures))) = queue.pop() {
        let second = u64::try_from(at / 1_000).unwrap();
        if second >= end {
            continue;
        }
        seconds.push(second);
        let (attempt, failures) = match server(second) {
            Ok(()) => (Attempt::Answered, 0),
            Err(retry_after) => (Attempt::Failed { in_a_row: failures + 1, retry_after }, failures + 1),
        };
        queue.push(Reverse((at + schedule.after(attempt, &part).as_millis(), failures)));
    }
    seconds
}

fn busiest(seconds: impl Iterator<Item = u64>) -> (u64, usize) {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    seconds.for_each(|second| *counts.entry(second).or_default() += 1);
    counts.into_iter().max_by_key(|(_second, count)| *count).unwrap()
}

/// Pearson's statistic of counts that should be equal.
fn chi_square(counts: &[usize]) -> f64 {
    let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

#[test]
fn a_fleet_that_was_started_together_is_spread_by_its_first_wait() {
    for seed in [1, 3, 5] {
        println!("seed {seed}");
        let seconds = requests(&|_second| Ok(()), 9 * HOUR, seed);
        let later: Vec<u64> = seconds.into_iter().filter(|second| *second > 0).collect();
        let first: Vec<u64> = later.iter().copied().take(CLIENTS).collect();
        assert!(first.iter().all(|second| *second >= 3 * HOUR));
        // 72 buckets of 150 seconds, over the three hours in which nobody asks twice: with 71 degrees of freedom chi-square is
        // beyond 128 once in some ten thousand times.
        let mut counts = vec![0; 72];
        let once = later.iter().filter(|second| **second < 6 * HOUR);
        once.for_each(|second| counts[((second - 3 * HOUR) / 150) as usize] += 1);
        let statistic = chi_square(&counts);
        println!("chi-square {statistic:.1} of {} requests", counts.iter().sum::<usize>());
        assert!(statistic < 128.0, "{statistic}");
        let (second, most) = busiest(later.into_iter());
        println!("busiest second {second}: {most}");
        assert!(most <= 8, "{most} requests in second {second}");
    }
}

#[test]
fn after_an_outage_nobody_asks_in_chorus() {
    // Long enough for the fleet to be spread, then away for minutes, hours, a night.
    for (minutes, bound) in [(5, 10), (60, 14), (240, 14), (720, 14)] {
        let (from, to) = (40 * HOUR, 40 * HOUR + minutes * 60);
        let away = move |second: u64| if (from..to).contains(&second) { Err(None) } else { Ok(()) };
        let seconds = requests(&away, to + 12 * HOUR, minutes);
        let (second, most) = busiest(seconds.iter().copied().filter(|second| *second >= from));
        let normal = CLIENTS as f64 / (6 * HOUR) as f64;
        println!("{minutes} min away: busiest second {second} has {most}, on average {normal:.2}");
        assert!(most <= bound, "{most} requests in second {second}");
        // Nobody is left behind: within one window all who failed have asked again.
        let again = seconds.iter().filter(|second| (to..to + 12 * HOUR).contains(*second)).count();
        assert!(again >= CLIENTS, "{again}");
    }
}

#[test]
fn what_the_server_asks_for_is_obeyed_and_spread() {
    // Everybody is sent away in the same second, for an hour.
    let asked = Duration::from_secs(HOUR);
    let busy = move |second: u64| if second < HOUR { Err(Some(asked)) } else { Ok(()) };
    let seconds = requests(&busy, 9 * HOUR, 5);
    let later: Vec<u64> = seconds.into_iter().filter(|second| *second > 0).collect();
    assert!(later.iter().all(|second| *second >= HOUR), "{:?}", later.iter().min());
    let (second, most) = busiest(later.iter().copied().filter(|second| *second < 2 * HOUR));
    println!("busiest second {second}: {most} of {CLIENTS}");
    // 10,000 in half an hour are 5.6 a second.
    assert!(most <= 20, "{most}");

    let schedule = Schedule::default();
    let all = |most: Duration| most;
    for retry_after in [0, 1, 59, 600, 86_400].map(Duration::from_secs) {
        for in_a_row in [1, 2, 40, u32::MAX] {
            let failed = Attempt::Failed { in_a_row, retry_after: Some(retry_after) };
            assert!(schedule.after(failed, &|_most| Duration::ZERO) >= retry_after);
            assert!(schedule.after(failed, &all) <= retry_after + schedule.last_window.max(retry_after / 2));
        }
    }
    // A day at most, whoever answered.
    let forever = Attempt::Failed { in_a_row: 1, retry_after: Some(Duration::MAX) };
    assert_eq!(schedule.after(forever, &|_most| Duration::ZERO), MAX_RETRY_AFTER);
}

#[test]
fn windows_double_up_to_the_last() {
    let schedule = Schedule::default();
    let widest = |in_a_row| {
        schedule.after(Attempt::Failed { in_a_row, retry_after: None }, &|most| most).as_secs() / 60
    };
    assert_eq!([1, 2, 3, 4, 5, 6, 7, 100].map(widest), [10, 20, 40, 80, 160, 320, 360, 360]);
    assert_eq!(schedule.after(Attempt::Answered, &|most| most), Duration::from_secs(9 * HOUR));
    assert_eq!(schedule.after(Attempt::Answered, &|_most| Duration::ZERO), Duration::from_secs(3 * HOUR));
}

#[test]
fn a_start_keeps_to_what_was_due() {
    let schedule = Schedule::default();
    let half = |most: Duration| most / 2;
    let now = UnixSeconds(1_800_000_000);
    let wait = |due: Option<u64>| schedule.after_start(due.map(UnixSeconds), now, &half).as_secs();
    assert_eq!(wait(None), 0);
    assert_eq!(wait(Some(now.0 + 5_000)), 5_000);
    // Late, as all are that were switched on with the lights.
    assert_eq!(wait(Some(now.0)), START_WINDOW.as_secs() / 2);
    assert_eq!(wait(Some(0)), START_WINDOW.as_secs() / 2);
    // Noted under a clock that was years ahead.
    assert_eq!(wait(Some(now.0 + 400 * 86_400)), 3 * HOUR);
    assert_eq!(wait(Some(u64::MAX)), 3 * HOUR);
}
