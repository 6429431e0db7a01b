//! Pure. Local dates by the offsets that the set brings.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sillok_certlogic::DateTime;
use sillok_log::UnixSeconds;

/// The offsets of a place from UTC.
//= specs/rules.md#local-date
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    /// Rising in time, at least one.
    pub(super) offsets: Vec<Offset>,
    pub(super) covers_until: UnixSeconds,
}

/// From when on local time is how far ahead of UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) from: UnixSeconds,
    pub(super) minutes: i64,
}

impl Calendar {
    /// Seconds since 1970-01-01T00:00:00 of local time.
    fn local_seconds(&self, at: UnixSeconds) -> Option<i64> {
        if at >= self.covers_until {
            return None;
        }
        let offset = self.offsets.iter().rfind(|offset| offset.from <= at)?;
        i64::try_from(at.0).ok()?.checked_add(offset.minutes.checked_mul(60)?)
    }

    pub(super) fn local_date(&self, at: UnixSeconds) -> Option<String> {
        let mut text = written(self.local_seconds(at)?)?;
        text.truncate(DATE_LEN);
        Some(text)
    }

    /// The first instant after this one at which another local date or another offset begins.
    pub(super) fn next(&self, at: UnixSeconds) -> Option<UnixSeconds> {
        let midnight = self.local_seconds(at).and_then(|local| {
            let left = DAY_SECONDS.checked_sub(local.rem_euclid(DAY_SECONDS))?;
            at.0.checked_add(u64::try_from(left).ok()?).map(UnixSeconds)
        });
        let offset = self.offsets.iter().map(|offset| offset.from).find(|from| *from > at);
        midnight.into_iter().chain(offset).min()
    }
}

/// The instant in UTC, as rules see it.
pub(super) fn clock(at: UnixSeconds) -> Option<String> {
    written(i64::try_from(at.0).ok()?)
}

/// `YYYY-MM-DDThh:mm:ss.000Z`, from 1969 to 9999.
fn written(seconds: i64) -> Option<String> {
    let at = DateTime::from_milliseconds(seconds.checked_mul(1_000)?)?;
    Some(at.to_string())
}

const DAY_SECONDS: i64 = 86_400;

/// `YYYY-MM-DD`.
const DATE_LEN: usize = 10;
