//! Dates of HTTP (RFC 9110 section 5.6.7), in the one form that is sent: `Sun, 06 Nov 1994 08:49:37 GMT`.

/// Seconds since 1970; `None` for another form.
pub(super) fn parse(text: &str) -> Option<u64> {
    let (_day_name, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let mut next = || parts.next();
    let (day, month, year, time, zone) = (next()?, next()?, next()?, next()?, next()?);
    if parts.next().is_some() || zone != "GMT" || (day.len(), year.len(), time.len()) != (2, 4, 8) {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)?;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let mut clock = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    // 60 is a leap second.
    if year < 1970 || day == 0 || day > 31 || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let leap = u64::from(year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)));
    let leaps = |before: u64| before / 4 - before / 100 + before / 400;
    let days_before_year = 365 * (year - 1970) + leaps(year - 1) - leaps(1969);
    let days_before_month: u64 = DAYS.iter().take(month).sum::<u64>() + if month > 1 { leap } else { 0 };
    let days = days_before_year + days_before_month + day - 1;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_are_read_in_their_one_form() {
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse("Tue, 29 Feb 2028 23:59:59 GMT"), Some(1_835_481_599));
        assert_eq!(parse("Fri, 15 Jan 2027 08:00:00 GMT"), Some(1_800_000_000));
        for other in [
            "",
            "0",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT GMT",
        ] {
            assert_eq!(parse(other), None, "{other:?}");
        }
    }
}
