//! `xsd:dateTimeStamp` against the standard's own cases and an independent calendar.

use jiff::civil;
use jiff::tz::Offset;
use proptest::prelude::*;
use sillok_log::UnixSeconds;
use sillok_verifier::datetime::{DateTimeStamp, parse_date_time_stamp};

fn seconds(text: &str) -> Option<u64> {
    parse_date_time_stamp(text).map(|UnixSeconds(seconds)| seconds)
}

#[test]
fn legal_forms() {
    for (text, expected) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2021-12-13T11:40:00+09:00", 1_639_363_200),
        ("2021-12-13T02:40:00Z", 1_639_363_200),
        ("2021-12-13T02:40:00.999Z", 1_639_363_200),
        ("2021-12-13T02:40:00.000000000000000000001Z", 1_639_363_200),
        ("2024-02-29T12:00:00-00:00", 1_709_208_000),
        ("2000-02-29T00:00:00Z", 951_782_400),
        ("2022-01-01T00:00:00+14:00", 1_640_944_800),
        ("2022-01-01T00:00:00-14:00", 1_641_045_600),
        // The end of a day is the beginning of the next.
        ("2021-12-31T24:00:00Z", 1_640_995_200),
        ("2021-12-31T24:00:00.000Z", 1_640_995_200),
        ("2024-02-28T24:00:00Z", 1_709_164_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        // Before 1970.
        ("1969-12-31T23:59:59.9Z", 0),
        ("0001-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00+01:00", 0),
    ] {
        assert_eq!(seconds(text), Some(expected), "{text}");
    }
}

#[test]
fn illegal_forms() {
    for text in [
        "",
        "2021-12-13",
        "2021-12-13T11:40:00",
        "2021-12-13T11:40Z",
        "2021-12-13T11:40:00z",
        "2021-12-13t11:40:00Z",
        "2021-12-13 11:40:00Z",
        "2021-12-13T11:40:00.Z",
        "2021-12-13T11:40:00,5Z",
        "2021-12-13T11:40:00.5",
        "2021-12-13T11:40:00.5.5Z",
        "2021-12-13T11:40:00Z ",
        " 2021-12-13T11:40:00Z",
        "2021-12-13T11:40:00ZZ",
        "2021-12-13T11:40:00+0900",
        "2021-12-13T11:40:00+09",
        "2021-12-13T11:40:00+9:00",
        "2021-12-13T11:40:00+14:01",
        "2021-12-13T11:40:00-15:00",
        "2021-12-13T11:40:00+13:60",
        "2021-12-13T11:40:00\u{2212}09:00",
        // A leap second, and times that no day has.
        "2016-12-31T23:59:60Z",
        "2021-12-13T24:00:01Z",
        "2021-12-13T24:01:00Z",
        "2021-12-13T24:00:00.1Z",
        "2021-12-13T25:00:00Z",
        "2021-12-13T11:60:00Z",
        // Days that no month has.
        "2021-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2021-04-31T00:00:00Z",
        "2021-00-01T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "2021-01-32T00:00:00Z",
        // Years other than 0001 to 9999, as written and in UTC.
        "0000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "12021-12-13T11:40:00Z",
        "21-12-13T11:40:00Z",
        "+2021-12-13T11:40:00Z",
        "9999-12-31T24:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "0001-01-01T00:00:00+00:01",
        // Digits of other scripts.
        "٢٠٢١-12-13T11:40:00Z",
        "２０２１-12-13T11:40:00Z",
    ] {
        assert_eq!(seconds(text), None, "{text:?}");
    }
}

#[test]
fn fractions_decide_when_seconds_are_equal() {
    let stamp = |text| DateTimeStamp::parse(text).expect("legal");
    assert!(stamp("2022-01-01T00:00:00.09Z") < stamp("2022-01-01T00:00:00.1Z"));
    assert!(stamp("2022-01-01T00:00:00Z") < stamp("2022-01-01T00:00:00.001Z"));
    assert!(stamp("1960-01-01T00:00:00.9Z") < stamp("1960-01-01T00:00:01Z"));
    assert_eq!(stamp("2022-01-01T00:00:00.10Z"), stamp("2022-01-01T09:00:00.1+09:00"));
}

#[test]
fn every_day_of_the_calendar_is_the_next_of_the_one_before() {
    let mut date = civil::date(1970, 1, 1);
    for day in 0_u64.. {
        assert_eq!(seconds(&format!("{date}T00:00:00Z")), Some(day * 86_400), "{date}");
        let Ok(tomorrow) = date.tomorrow() else { break };
        date = tomorrow;
    }
    assert_eq!(date, civil::date(9999, 12, 31));
}

proptest! {
    #[test]
    fn the_calendar_agrees(
        year in 1_i16..=9_998, month in 0_i8..=13, day in 0_i8..=32, hour in 0_i8..=25, minute in 0_i8..=60, second in 0_i8..=60,
        fraction in prop::option::of("[0-9]{1,12}"), offset in -15 * 60..=15 * 60,
    ) {
        let (sign, size) = (if offset < 0 { '-' } else { '+' }, i32::abs(offset));
        let dot = fraction.map(|digits| format!(".{digits}")).unwrap_or_default();
        let text = format!(
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{dot}{sign}{:02}:{:02}", size / 60, size % 60
        );
        let theirs = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()
            .filter(|_time| size <= 14 * 60)
            .and_then(|time| Offset::from_seconds(offset * 60).ok()?.to_timestamp(time).ok())
            .map(|time| u64::try_from(time.as_second()).unwrap_or(0));
        // 24:00:00 is checked by hand above: the other calendar does not have it.
        prop_assume!(hour != 24 || minute != 0 || second != 0);
        // So is the first year, part of which lies before year 1 in UTC.
        prop_assume!(year > 1);
        prop_assert_eq!(seconds(&text), theirs, "{}", text);
    }

    #[test]
    fn no_text_panics(text in ".{0,40}", damaged in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,12}[Z+-][0-9:]{0,5}") {
        for text in [text, damaged] {
            if let Some(UnixSeconds(seconds)) = parse_date_time_stamp(&text) {
                prop_assert!(seconds <= 253_402_300_799);
            }
        }
    }
}
