//! Pure. The caller's clock beside what others have stated of the time.
//!
//! Witnesses and the authority state that it was a certain time; nobody can state that it is not later. So a clock that
//! is behind is noticed, and one that is ahead is not.

use sillok_log::UnixSeconds;

use crate::memory::Memory;
use crate::trust::Trust;
use crate::verdict::Reason;

/// The time of one verification.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// What rules compare with: the caller's clock, and never below the floor.
    pub(crate) now: UnixSeconds,
    /// What the caller's clock says.
    given: UnixSeconds,
}

impl Clock {
    pub(crate) fn new(given: UnixSeconds, memory: &Memory) -> Self {
        Self { now: memory.not_before_floor(given), given }
    }

    /// By how many seconds the caller's clock is behind, if that is enough to warn of.
    ///
    /// # Errors
    /// [`Reason::ClockBehind`] for a clock that is too far behind to rely on.
    //= specs/verification.md#time
    pub(crate) fn behind(self, trust: &Trust, memory: &Memory) -> Result<Option<u64>, Reason> {
        let stated = memory.time_floor().max(trust.feed().issued);
        let behind = stated.0.saturating_sub(self.given.0);
        if behind > MAX_CLOCK_BEHIND_SECONDS {
            return Err(Reason::ClockBehind);
        }
        Ok(Some(behind).filter(|behind| *behind >= CLOCK_WARNING_SECONDS))
    }
}

/// How far a caller's clock may be behind: 10 minutes (specs/verification.md, "Time"). More than a cheap clock loses
/// in weeks without a network, and far less than a feed is fresh for.
pub const MAX_CLOCK_BEHIND_SECONDS: u64 = 600;

/// From when on a clock that is behind is worth a warning: 30 seconds (specs/verification.md, "Time"), as verifier apps
/// of the EU certificate warned in the Netherlands.
pub const CLOCK_WARNING_SECONDS: u64 = 30;
