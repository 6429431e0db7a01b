//! When a client that keeps a published file fresh asks for it again. Pure: no clock, no randomness, no socket of its own.
//!
//! Thousands of doors that were installed by one roll-out, or whose server was away for an hour, must not ask in the same
//! second. So every wait has a random part as wide as half the interval, a failure is followed by a random moment of a window that
//! doubles (*full jitter*), and what the server asks for is obeyed and spread.

use std::time::Duration;

use sillok_log::UnixSeconds;

/// How often a file is asked for.
//= specs/trust-bundle.md#fetching
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The middle of the time between two requests that were answered.
    pub interval: Duration,
    /// How far from the middle it may be, both ways.
    pub spread: Duration,
    /// The window after the first failure.
    pub first_window: Duration,
    /// The widest window.
    pub last_window: Duration,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// It was answered: with something new, or with nothing new.
    Answered,
    /// It was not, or what was answered is refused.
    Failed {
        /// How many in a row, this one too.
        in_a_row: u32,
        /// What the server asked for.
        retry_after: Option<Duration>,
    },
}

impl Default for Schedule {
    /// 6 h ± 3 h; after failures 10 min, 20 min and so on up to 6 h.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(6 * 3_600),
            spread: Duration::from_secs(3 * 3_600),
            first_window: Duration::from_secs(600),
            last_window: Duration::from_secs(6 * 3_600),
        }
    }
}

impl Schedule {
    /// How long to wait after an attempt. `random` gives a random part of a duration, each as likely as any other.
    pub fn after(&self, attempt: Attempt, random: &dyn Fn(Duration) -> Duration) -> Duration {
        match attempt {
            Attempt::Answered => self.interval.saturating_sub(self.spread) + random(2 * self.spread),
            Attempt::Failed { in_a_row, retry_after } => {
                let doublings = in_a_row.saturating_sub(1).min(MAX_DOUBLINGS);
                let window = self.first_window.saturating_mul(1 << doublings).min(self.last_window);
                let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
                // All who were sent away were told the same: they come back spread over half of it at least.
                asked + random(window.max(asked / 2))
            }
        }
    }

    /// How long to wait when a program starts that was to ask at `due`, if it ever asked.
    ///
    /// One that never did asks now: somebody waits for it. One that is late, as all are that were switched on with the lights, asks within a
    /// few minutes.
    pub fn after_start(
        &self,
        due: Option<UnixSeconds>,
        now: UnixSeconds,
        random: &dyn Fn(Duration) -> Duration,
    ) -> Duration {
        let Some(due) = due else { return Duration::ZERO };
        let left = Duration::from_secs(due.0.saturating_sub(now.0));
        if left.is_zero() {
            random(START_WINDOW)
        } else if left <= self.longest() {
            left
        } else {
            // The clock was ahead when this was noted.
            random(self.interval)
        }
    }

    /// The longest wait that [`Schedule::after`] gives.
    fn longest(&self) -> Duration {
        let failed = MAX_RETRY_AFTER + self.last_window.max(MAX_RETRY_AFTER / 2);
        failed.max(self.interval + self.spread)
    }
}

/// Most that a server can ask for: a day. One that asks for more would freeze its readers by a single answer, which anybody
/// on the way of a plain connection could give.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(86_400);

/// In which those ask who are late when they start.
pub const START_WINDOW: Duration = Duration::from_secs(600);

/// Beyond any window that is worth waiting in.
const MAX_DOUBLINGS: u32 = 20;
