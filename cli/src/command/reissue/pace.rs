//! When the next credential is due, so that they are spread evenly and never faster than the rate.

use std::time::{Duration, Instant};

/// What passes, and can be waited for.
pub(super) trait Time {
    /// Since the start.
    fn elapsed(&self) -> Duration;
    fn sleep(&self, time: Duration);
}

/// The time of the machine.
pub(super) struct System(Instant);

impl System {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Time for System {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// A time for each credential: its own part of the whole, and anywhere within it.
pub(super) struct Pace<T> {
    interval: Duration,
    /// The part of the next one, counted from `begins`.
    next: u32,
    begins: Duration,
    time: T,
}

impl<T: Time> Pace<T> {
    pub(super) fn new(total: u64, rate: u32, over: Duration, time: T) -> Self {
        Self { interval: interval(total, rate, over), next: 0, begins: time.elapsed(), time }
    }

    /// Waits until at least one is due: how many are, at most `most`. Whoever is late makes up for it at once, as far as the rate
    /// allows, which is counted from the last `most` on.
    pub(super) fn wait(&mut self, most: usize) -> usize {
        let most = u32::try_from(most).unwrap_or(u32::MAX).max(1);
        // Parts are counted anew before there are too many.
        if self.next >= PARTS {
            self.begins += self.interval * self.next;
            self.next = 0;
        }
        let own = self.interval.mul_f64(fastrand::f64());
        let due = self.begins + self.interval * self.next + own;
        let now = self.time.elapsed();
        if now < due {
            self.time.sleep(due - now);
        }
        let passed = self.time.elapsed().saturating_sub(self.begins);
        let whole = passed.as_nanos() / self.interval.as_nanos().max(1);
        let behind = u32::try_from(whole).unwrap_or(u32::MAX).saturating_sub(self.next);
        let count = behind.clamp(1, most);
        self.next += count;
        if behind > most {
            // Far behind, after a pause: what was missed is not made up for.
            self.begins = self.time.elapsed().saturating_sub(self.interval * self.next);
        }
        count as usize
    }

    /// Waits because the issuer said so; the rest is as far apart as before.
    pub(super) fn pause(&mut self, time: Duration) {
        self.time.sleep(time);
        self.begins += time;
    }
}

/// Seconds that so many take.
pub(super) fn seconds(total: u64, rate: u32, over: Duration) -> u64 {
    (interval(total, rate, over).as_secs_f64() * total as f64).ceil() as u64
}

/// Time for each.
fn interval(total: u64, rate: u32, over: Duration) -> Duration {
    let spread = over.as_secs_f64() / (total.max(1) as f64);
    Duration::from_secs_f64(spread.max(1.0 / f64::from(rate.max(1))))
}

/// Parts that are counted from one beginning.
const PARTS: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[derive(Default)]
    struct Simulated(Cell<Duration>);

    impl Time for &Simulated {
        fn elapsed(&self) -> Duration {
            self.0.get()
        }

        fn sleep(&self, time: Duration) {
            self.0.set(self.0.get() + time);
        }
    }

    /// When each of `total` is sent, if a request takes `each`.
    fn times(total: u64, rate: u32, over: Duration, each: Duration) -> Vec<Duration> {
        let time = Simulated::default();
        let mut pace = Pace::new(total, rate, over, &time);
        let mut sent = Vec::new();
        while sent.len() < total as usize {
            let count = pace.wait(100.min(total as usize - sent.len()));
            sent.extend(std::iter::repeat_n(time.0.get(), count));
            (&time).sleep(each);
        }
        sent
    }

    #[test]
    fn credentials_are_spread_evenly_over_the_hours() {
        fastrand::seed(7);
        let hour = Duration::from_secs(3_600);
        let sent = times(10_000, 1_000, 8 * hour, Duration::from_millis(20));
        let last = *sent.last().unwrap();
        assert!(
            last <= 8 * hour + Duration::from_secs(1) && last > 8 * hour - Duration::from_secs(10),
            "{last:?}"
        );
        for part in 0..8 {
            let within = sent.iter().filter(|at| **at >= hour * part && **at < hour * (part + 1)).count();
            assert!((1_240..=1_260).contains(&within), "{within} in hour {part}");
        }
    }

    #[test]
    fn the_rate_is_kept_whatever_the_time_and_a_slow_issuer_makes_no_flood() {
        fastrand::seed(8);
        for each in [Duration::ZERO, Duration::from_millis(3), Duration::from_millis(700)] {
            let sent = times(2_000, 50, Duration::ZERO, each);
            for second in 0..=sent.last().unwrap().as_secs() {
                let from = Duration::from_secs(second);
                let within = sent.iter().filter(|at| **at >= from && **at < from + Duration::from_secs(10));
                let within = within.count();
                assert!(within <= 10 * 50 + 100, "{within} in ten seconds from {second} with {each:?}");
            }
        }
    }

    #[test]
    fn after_a_pause_nothing_is_made_up_for() {
        fastrand::seed(9);
        let time = Simulated::default();
        let mut pace = Pace::new(1_000, 10, Duration::ZERO, &time);
        assert_eq!(pace.wait(100), 1);
        pace.pause(Duration::from_secs(60));
        assert_eq!(pace.wait(100), 1);
        // Nor after the machine has slept.
        time.0.set(time.0.get() + Duration::from_secs(3_600));
        assert_eq!(pace.wait(5), 5);
        assert!(pace.wait(5) <= 5);
        let now = time.0.get();
        let more: usize = (0..20).map(|_again| pace.wait(5)).sum();
        assert!((20..=30).contains(&more), "{more}");
        assert!(time.0.get() - now >= Duration::from_secs(1), "{:?}", time.0.get() - now);
    }
}
