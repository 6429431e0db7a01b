//! Pure. `xsd:dateTimeStamp` (W3C XML Schema 1.1 Part 2, section 3.4.28), the times of W3C VC 2.0.

use sillok_log::UnixSeconds;

/// Reads an `xsd:dateTimeStamp` and rounds its fraction down; times before 1970 become 0. `None`: not of that
/// form, or not within the years 1 to 9999 in UTC.
//= specs/credential.md#payload
#[must_use]
pub fn parse_date_time_stamp(text: &str) -> Option<UnixSeconds> {
    DateTimeStamp::parse(text).map(DateTimeStamp::floor)
}

/// A point in time exactly as written, for comparing two of them.
///
/// The derived order is that of time: a fraction without trailing zeros compares like its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTimeStamp<'a> {
    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    seconds: i64,
    /// The digits of the fraction without trailing zeros.
    fraction: &'a str,
}

impl<'a> DateTimeStamp<'a> {
    /// Reads four year digits, seconds, an optional fraction and a zone. `24:00:00` is the next day; a second 60
    /// is refused.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (fields, rest) = text.split_at_checked(FIELDS_LEN)?;
        let digits = fields.as_bytes();
        let &[_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', _, _] = digits else {
            return None;
        };
        let (year, month, day) = (number(digits, 0, 4)?, number(digits, 5, 2)?, number(digits, 8, 2)?);
        let (hour, minute, second) = (number(digits, 11, 2)?, number(digits, 14, 2)?, number(digits, 17, 2)?);
        let (fraction, zone) = split_fraction(rest)?;
        let end_of_day = hour == 24 && minute == 0 && second == 0 && fraction.is_empty();
        if year == 0 || day == 0 || day > days_in_month(year, month)? {
            return None;
        }
        if (hour > 23 && !end_of_day) || minute > 59 || second > 59 {
            return None;
        }
        let of_day = hour.checked_mul(3_600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)?;
        let local = days_since_epoch(year, month, day)?.checked_mul(DAY_SECONDS)?.checked_add(of_day)?;
        let seconds = local.checked_sub(zone_offset(zone)?)?;
        (FIRST_SECOND..=LAST_SECOND).contains(&seconds).then_some(Self { seconds, fraction })
    }

    /// The second in which this point lies; 0 before 1970.
    #[must_use]
    pub fn floor(self) -> UnixSeconds {
        UnixSeconds(u64::try_from(self.seconds).unwrap_or(0))
    }
}

/// The digits behind a dot, if there is one, without trailing zeros; and what follows them.
fn split_fraction(rest: &str) -> Option<(&str, &str)> {
    let Some(after_dot) = rest.strip_prefix('.') else {
        return Some(("", rest));
    };
    let end = after_dot.find(|c: char| !c.is_ascii_digit())?;
    let (fraction, zone) = after_dot.split_at_checked(end)?;
    (!fraction.is_empty()).then_some((fraction.trim_end_matches('0'), zone))
}

/// Seconds east of UTC: `Z` or ±hh:mm, at most 14:00.
fn zone_offset(zone: &str) -> Option<i64> {
    let bytes = zone.as_bytes();
    let sign = match bytes {
        b"Z" => return Some(0),
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _another => return None,
    };
    let (hours, minutes) = (number(bytes, 1, 2)?, number(bytes, 4, 2)?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    if minutes > 59 || total > MAX_ZONE_MINUTES {
        return None;
    }
    total.checked_mul(60)?.checked_mul(sign)
}

/// The number that `len` ASCII digits from `start` on make.
fn number(text: &[u8], start: usize, len: usize) -> Option<i64> {
    let digits = text.get(start..start.checked_add(len)?)?;
    digits.iter().try_fold(0_i64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| digit.wrapping_sub(b'0'))?;
        value.checked_mul(10)?.checked_add(i64::from(digit))
    })
}

fn days_in_month(year: i64, month: i64) -> Option<i64> {
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _another => return None,
    })
}

const fn is_leap(year: i64) -> bool {
    matches!(year.checked_rem(4), Some(0)) && !matches!(year.checked_rem(100), Some(0))
        || matches!(year.checked_rem(400), Some(0))
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, years 1 to 9999. The year is taken to
/// begin in March, so that the leap day is its last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let (year, month) =
        if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month.checked_add(9)?) };
    let leap_days =
        year.div_euclid(4).checked_sub(year.div_euclid(100))?.checked_add(year.div_euclid(400))?;
    // March to January have 153 days in every five months, in the order 31, 30, 31, 30, 31.
    let of_year = month.checked_mul(153)?.checked_add(2)?.div_euclid(5).checked_add(day)?;
    year.checked_mul(365)?.checked_add(leap_days)?.checked_add(of_year)?.checked_sub(EPOCH_DAY)
}

/// `YYYY-MM-DDThh:mm:ss`.
const FIELDS_LEN: usize = 19;

const DAY_SECONDS: i64 = 86_400;

/// What [`days_since_epoch`] counts for 1970-01-01 from 0000-02-29 on.
const EPOCH_DAY: i64 = 719_469;

/// XML Schema 1.1 Part 2, section 3.3.7.2: a zone is within ±14:00.
const MAX_ZONE_MINUTES: i64 = 840;

/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;

/// 9999-12-31T23:59:59Z: the last time that an entry can hold (`specs/entry.md`).
const LAST_SECOND: i64 = 253_402_300_799;
