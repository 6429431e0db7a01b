//! Latencies in a histogram of bounded size and bounded error.
//!
//! Of an open-loop load every latency counts from the moment at which the request was *meant* to start: a load tool that
//! waits for a slow server before it sends the next request would otherwise leave out just those that had to wait
//! (coordinated omission). [`Schedule`] tells those moments.

use std::fmt;
use std::time::{Duration, Instant};

/// Latencies of one kind, with an error of at most 1/64 and an exact maximum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latencies {
    /// How many there are of each size class.
    counts: Vec<u64>,
    count: u64,
    microseconds: u128,
    max: Duration,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; CLASSES], count: 0, microseconds: 0, max: Duration::ZERO }
    }
}

impl Latencies {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one in.
    pub fn record(&mut self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[class(microseconds)] += 1;
        self.count += 1;
        self.microseconds += u128::from(microseconds);
        self.max = self.max.max(latency);
    }

    /// Takes in those of another thread.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.count += other.count;
        self.microseconds += other.microseconds;
        self.max = self.max.max(other.max);
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The longest; zero if there is none.
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// The average; zero if there is none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let mean = self.microseconds.checked_div(u128::from(self.count)).unwrap_or(0);
        Duration::from_micros(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The smallest latency that at least `share` (0 to 1) of all do not exceed, rounded up by at most 1/64; zero if
    /// there is none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let wanted = ((self.count as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0;
        for (class, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_micros(upper(class)).min(self.max);
            }
        }
        self.max
    }

    /// Half are not slower.
    #[must_use]
    pub fn p50(&self) -> Duration {
        self.quantile(0.5)
    }

    /// 99 of 100 are not slower.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.quantile(0.99)
    }

    /// 999 of 1,000 are not slower.
    #[must_use]
    pub fn p999(&self) -> Duration {
        self.quantile(0.999)
    }
}

impl fmt::Display for Latencies {
    /// `p50 1.23  p99 4.56  p99.9 7.89  max 10.11 ms (n 5,000)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, p999, max] = [self.p50(), self.p99(), self.p999(), self.max].map(milliseconds);
        write!(f, "p50 {p50:.2}  p99 {p99:.2}  p99.9 {p999:.2}  max {max:.2} ms (n {})", self.count)
    }
}

/// A duration in milliseconds, for people.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The class of a latency: exact below 128, then 64 classes for each doubling.
fn class(microseconds: u64) -> usize {
    let shift = (u64::BITS - microseconds.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    let class = u64::from(shift << PRECISION_BITS) + (microseconds >> shift);
    usize::try_from(class).unwrap_or(CLASSES - 1)
}

/// The largest latency of a class.
fn upper(class: usize) -> u64 {
    let (class, exact) = (class as u64, 1 << PRECISION_BITS);
    let shift = (class >> PRECISION_BITS).saturating_sub(1);
    let mantissa = class - (shift << PRECISION_BITS);
    debug_assert!(shift == 0 || mantissa >= exact, "classes above the exact ones begin with a one");
    ((mantissa + 1) << shift).wrapping_sub(1)
}

/// 64 classes for each doubling.
const PRECISION_BITS: u32 = 6;

/// Enough for every `u64`.
const CLASSES: usize = (64 - PRECISION_BITS as usize + 1) << PRECISION_BITS;

/// When the requests of an open-loop load are meant to start: evenly, whatever the server does.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start: Instant,
    per_second: f64,
}

impl Schedule {
    /// `per_second` requests a second from `start` on; at least one in some 30 years.
    #[must_use]
    pub fn new(start: Instant, per_second: f64) -> Self {
        Self { start, per_second: per_second.max(1e-9) }
    }

    /// When the `n`-th request, from 0, is meant to start.
    #[must_use]
    pub fn intended(&self, n: u64) -> Instant {
        self.start + Duration::from_secs_f64(n as f64 / self.per_second)
    }

    /// How many requests are meant to have started by `now`.
    #[must_use]
    pub fn due(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.start).as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let due = (elapsed * self.per_second) as u64;
        due + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_in_its_class_and_each_class_follows_the_one_before() {
        let mut before = None;
        for class in 0..CLASSES {
            let lowest = before.map_or(0, |upper: u64| upper + 1);
            assert_eq!(super::class(lowest), class, "{lowest}");
            assert_eq!(super::class(upper(class)), class, "{}", upper(class));
            assert!(upper(class) - lowest <= lowest / 64, "class {class}: {lowest} to {}", upper(class));
            before = Some(upper(class));
        }
        assert_eq!(before, Some(u64::MAX));
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_samples_within_the_error() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut sample = || {
            let bits = random.u32(1..30);
            random.u64(..1 << bits)
        };
        let mut samples: Vec<u64> = std::iter::repeat_with(&mut sample).take(10_000).collect();
        let (mut latencies, mut other) = (Latencies::new(), Latencies::new());
        for (position, sample) in samples.iter().enumerate() {
            let into = if position % 3 == 0 { &mut other } else { &mut latencies };
            into.record(Duration::from_micros(*sample));
        }
        latencies.merge(&other);
        samples.sort_unstable();
        assert_eq!(latencies.count(), 10_000);
        assert_eq!(latencies.max(), Duration::from_micros(samples[9_999]));
        assert_eq!(latencies.mean().as_micros() as u64, samples.iter().sum::<u64>() / 10_000);
        for (share, position) in [(0.0, 0), (0.5, 4_999), (0.99, 9_899), (0.999, 9_989), (1.0, 9_999)] {
            let (found, exact) = (latencies.quantile(share).as_micros() as u64, samples[position]);
            assert!(found >= exact && found - exact <= exact / 64, "{share}: {found}, {exact}");
        }
        assert_eq!(Latencies::new().quantile(0.5), Duration::ZERO);
    }

    #[test]
    fn a_schedule_is_even_and_does_not_wait() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 1_000.0);
        assert_eq!(schedule.intended(0), start);
        assert_eq!(schedule.intended(2_500), start + Duration::from_millis(2_500));
        assert_eq!(schedule.due(start), 1);
        assert_eq!(schedule.due(start + Duration::from_micros(2_500_500)), 2_501);
    }
}
