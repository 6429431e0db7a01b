//! Pure. Date-times of CertLogic: read from the formats of the specification, moved as ECMAScript moves its dates.
//!
//! Days are counted in the proleptic Gregorian calendar from 1970-01-01, times in milliseconds of UTC without leap
//! seconds.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "years are at most MAX_YEARS, and all that is computed from them is far from the ends of 64 bits"
)]

use core::fmt;

/// An instant to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    milliseconds: i64,
}

/// What `plusTime` counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Year,
    Month,
    Day,
    Hour,
}

impl Unit {
    pub(crate) const ALL: [(&'static str, Self); 4] =
        [("year", Self::Year), ("month", Self::Month), ("day", Self::Day), ("hour", Self::Hour)];

    /// Its name in expressions.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }
}

impl DateTime {
    /// Reads one of the formats that `plusTime` takes: `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or a date, `T`, a time with any
    /// number of decimals and perhaps an offset. A partial date is its last day; without an offset it is UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_date(text).or_else(|| Self::parse_with_time(text))
    }

    /// Reads one of the formats that `dccDateOfBirth` takes: those of [`DateTime::parse`] without a time.
    #[must_use]
    pub fn parse_date(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let year = reader.digits(4)?;
        if reader.ends() {
            return Self::at_midnight(year, 12, 31);
        }
        let month = reader.after(b'-')?.digits(2)?;
        let last = days_of(year, month)?;
        if reader.ends() {
            return Self::at_midnight(year, month, last);
        }
        let day = reader.after(b'-')?.digits(2)?;
        if reader.ends() { Self::at_midnight(year, month, day) } else { None }
    }

    fn parse_with_time(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let year = reader.digits(4)?;
        let month = reader.after(b'-')?.digits(2)?;
        let day = reader.after(b'-')?.digits(2)?;
        let midnight = Self::at_midnight(year, month, day)?;
        let hours = reader.after(b'T')?.digits(2)?;
        let minutes = reader.after(b':')?.digits(2)?;
        let seconds = reader.after(b':')?.digits(2)?;
        let thousandths = if reader.takes(b'.') { reader.thousandths()? } else { 0 };
        let offset = reader.offset_minutes()?;
        let time = ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths;
        // The end of a day may be written as its 24th hour.
        let is_time = hours < 24 || time == DAY_MILLISECONDS;
        if !is_time || minutes > 59 || seconds > 59 {
            return None;
        }
        Self::from_milliseconds(midnight.milliseconds + time - offset * 60_000)
    }

    fn at_midnight(year: i64, month: i64, day: i64) -> Option<Self> {
        if day < 1 || day > days_of(year, month)? {
            return None;
        }
        Self::from_milliseconds(
            days_before(year, month)?.checked_add(day - 1)?.checked_mul(DAY_MILLISECONDS)?,
        )
    }

    /// The date-time so many milliseconds after 1970-01-01T00:00:00Z; `None` beyond 100 million days of it.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: i64) -> Option<Self> {
        if milliseconds.unsigned_abs() > MAX_MILLISECONDS { None } else { Some(Self { milliseconds }) }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn milliseconds(self) -> i64 {
        self.milliseconds
    }

    /// So many units later, or earlier. A day that the month does not have runs over into the next one.
    pub(crate) fn plus(self, amount: i64, unit: Unit) -> Option<Self> {
        let (days, time) =
            (self.milliseconds.div_euclid(DAY_MILLISECONDS), self.milliseconds.rem_euclid(DAY_MILLISECONDS));
        let moved = match unit {
            Unit::Hour => self.milliseconds.checked_add(amount.checked_mul(HOUR_MILLISECONDS)?)?,
            Unit::Day => self.milliseconds.checked_add(amount.checked_mul(DAY_MILLISECONDS)?)?,
            Unit::Month | Unit::Year => {
                let (year, month, day) = civil(days);
                let months = if unit == Unit::Year { amount.checked_mul(12)? } else { amount };
                let months = (year * 12 + month - 1).checked_add(months)?;
                let days = days_before(months.div_euclid(12), months.rem_euclid(12) + 1)? + day - 1;
                days * DAY_MILLISECONDS + time
            }
        };
        Self::from_milliseconds(moved)
    }
}

impl fmt::Display for DateTime {
    /// As ECMAScript writes dates: `2021-07-07T00:00:00.000Z`, and years beyond four digits with a sign and six.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.milliseconds.div_euclid(DAY_MILLISECONDS));
        let time = self.milliseconds.rem_euclid(DAY_MILLISECONDS);
        if (0..=9999).contains(&year) {
            write!(f, "{year:04}")?;
        } else {
            write!(f, "{}{:06}", if year < 0 { '-' } else { '+' }, year.unsigned_abs())?;
        }
        let (minutes, thousandths) = (time / 60_000, time % 60_000);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let (seconds, thousandths) = (thousandths / 1000, thousandths % 1000);
        write!(f, "-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}Z")
    }
}

/// What is left of a text.
struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    const fn ends(&self) -> bool {
        self.0.is_empty()
    }

    fn takes(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Goes on behind this byte.
    fn after(&mut self, byte: u8) -> Option<&mut Self> {
        if self.takes(byte) { Some(self) } else { None }
    }

    fn digit(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first()?;
        if !first.is_ascii_digit() {
            return None;
        }
        self.0 = rest;
        Some(i64::from(first - b'0'))
    }

    /// A number of so many digits, at most four.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let mut number = 0;
        for _digit in 0..count {
            number = number * 10 + self.digit()?;
        }
        Some(number)
    }

    /// One decimal or more, of which three count.
    fn thousandths(&mut self) -> Option<i64> {
        let mut thousandths = self.digit()? * 100;
        let mut weight = 10;
        while let Some(digit) = self.digit() {
            thousandths += digit * weight;
            weight /= 10;
        }
        Some(thousandths)
    }

    /// Nothing, `Z`, or a sign and `h`, `hh`, `hmm`, `hhmm`, `h:mm` or `hh:mm`: minutes ahead of UTC.
    fn offset_minutes(&mut self) -> Option<i64> {
        if self.ends() {
            return Some(0);
        }
        if self.takes(b'Z') {
            return self.ends().then_some(0);
        }
        let sign = if self.takes(b'+') { 1 } else { self.after(b'-').map(|_reader| -1)? };
        let hour_digits = match self.0 {
            [_, b':', _, _] | [_] | [_, _, _] => 1,
            _ => 2,
        };
        let hours = self.digits(hour_digits)?;
        let minutes = if self.ends() {
            0
        } else {
            self.takes(b':');
            self.digits(2)?
        };
        let is_offset = self.ends() && hours < 24 && minutes < 60;
        is_offset.then_some(sign * (hours * 60 + minutes))
    }
}

/// Days of a month; `None` for a month that no year has.
const fn days_of(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => Some(29),
        2 => Some(28),
        4 | 6 | 9 | 11 => Some(30),
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        _ => None,
    }
}

/// Days from 1970-01-01 to the first of a month, which is 1 to 12; `None` for a year that is out of all range.
fn days_before(year: i64, month: i64) -> Option<i64> {
    if year.abs() > MAX_YEARS {
        return None;
    }
    // Years that begin in March have their leap day at their end.
    let (year, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let years = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(years + (153 * months + 2) / 5 - MARCH_OF_YEAR_0)
}

/// Year, month and day of a number of days from 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + MARCH_OF_YEAR_0;
    let (cycle, day) = (days.div_euclid(CYCLE_DAYS), days.rem_euclid(CYCLE_DAYS));
    // The last day of a cycle of 4, 100 or 400 years is a leap day or is missing.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let months = (5 * day + 2) / 153;
    let day = day - (153 * months + 2) / 5 + 1;
    let year = cycle * 400 + year;
    if months < 10 { (year, months + 3, day) } else { (year + 1, months - 9, day) }
}

const HOUR_MILLISECONDS: i64 = 3_600_000;

const DAY_MILLISECONDS: i64 = 86_400_000;

/// 100 million days: the range of dates in ECMAScript (ECMA-262, "Time Values and Time Range").
const MAX_MILLISECONDS: u64 = 8_640_000_000_000_000;

/// Beyond the 273,790 years of [`MAX_MILLISECONDS`] to either side.
const MAX_YEARS: i64 = 400_000;

/// Days of 400 years.
const CYCLE_DAYS: i64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01.
const MARCH_OF_YEAR_0: i64 = 719_468;

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::{DateTime, civil, days_before};

    #[test]
    fn days_and_dates_are_each_others_inverse_over_four_centuries_and_at_the_ends() {
        let mut day = days_before(1599, 1).expect("in range");
        for year in 1599..=2001 {
            for month in 1..=12 {
                assert_eq!(days_before(year, month), Some(day), "{year}-{month}");
                for expected in 1..=super::days_of(year, month).expect("a month") {
                    assert_eq!(civil(day), (year, month, expected));
                    day += 1;
                }
            }
        }
        for end in [-8_640_000_000_000_000, 8_640_000_000_000_000] {
            let end = DateTime::from_milliseconds(end).expect("in range");
            let (year, month, day) = civil(end.milliseconds() / 86_400_000);
            assert_eq!(
                days_before(year, month).expect("in range") + day - 1,
                end.milliseconds() / 86_400_000
            );
        }
    }

    #[test]
    fn the_ends_of_time_are_written_as_ecmascript_does() {
        let written = |at| DateTime::from_milliseconds(at).expect("in range").to_string();
        assert_eq!(written(8_640_000_000_000_000), "+275760-09-13T00:00:00.000Z");
        assert_eq!(written(-8_640_000_000_000_000), "-271821-04-20T00:00:00.000Z");
        assert_eq!(written(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(DateTime::from_milliseconds(8_640_000_000_000_001), None);
        assert_eq!(DateTime::from_milliseconds(i64::MIN), None);
    }
}
