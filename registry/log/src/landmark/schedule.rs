//! Pure. When a log allocates its next landmark, and at which size.

use super::{LandmarkError, Landmarks};
use crate::{TreeSize, UnixSeconds};

/// What a log remembers between two landmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The hour, counted from 1970, in which a landmark was last allocated by the clock.
    pub hour: u64,
    /// What was published then.
    pub published: TreeSize,
}

impl Schedule {
    /// Begins at `now`: the next full hour brings the next landmark.
    pub fn begin(published: TreeSize, now: UnixSeconds) -> Self {
        Self { hour: hour(now), published }
    }

    //= specs/landmarks.md#allocation
    /// Allocates what is due when `published` is the size that the log shows. Returns whether anything has changed,
    /// which is to be kept before it is shown.
    ///
    /// # Errors
    /// [`LandmarkError::Size`].
    pub fn allocate(
        &mut self,
        landmarks: &mut Landmarks,
        published: TreeSize,
        now: UnixSeconds,
    ) -> Result<bool, LandmarkError> {
        let mut changed = false;
        loop {
            let (_number, last) = landmarks.newest();
            let furthest = TreeSize(last.0.saturating_add(MAX_LANDMARK_LEAVES));
            if published < furthest {
                break;
            }
            landmarks.push(roundest(last, furthest))?;
            changed = true;
        }
        // Not "later than": a clock that was ahead for a while must not put the next landmark out of reach.
        if hour(now) == self.hour {
            return Ok(changed);
        }
        let (_number, last) = landmarks.newest();
        if published > last {
            // What was public an hour ago is covered now.
            let low = last.0.max(self.published.0.saturating_sub(1)).min(published.0.saturating_sub(1));
            landmarks.push(roundest(TreeSize(low), published))?;
        }
        *self = Self::begin(published, now);
        Ok(true)
    }
}

/// The size above `low` and up to `high` that the largest power of two divides.
///
/// Between round sizes lie few complete nodes, and a verifier's set holds each of them: see specs/landmarks.md.
fn roundest(low: TreeSize, high: TreeSize) -> TreeSize {
    let level = (low.0 ^ high.0).checked_ilog2().unwrap_or(0);
    TreeSize(high.0.wrapping_shr(level).wrapping_shl(level))
}

fn hour(time: UnixSeconds) -> u64 {
    time.0 / SECONDS_AN_HOUR
}

const SECONDS_AN_HOUR: u64 = 3_600;

/// Most leaves between two landmarks: with 2^20 an inclusion proof has at most 20 hashes, which are 640 bytes.
pub const MAX_LANDMARK_LEAVES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roundest_size_is_divided_by_the_largest_power_of_two() {
        for low in 0..200_u64 {
            for high in low + 1..=200 {
                let expected =
                    (low + 1..=high).max_by_key(|size| size.trailing_zeros()).expect("one at least");
                let TreeSize(found) = roundest(TreeSize(low), TreeSize(high));
                assert_eq!(found.trailing_zeros(), expected.trailing_zeros(), "({low}, {high}]");
                assert!(low < found && found <= high, "{found} in ({low}, {high}]");
            }
        }
    }
}
