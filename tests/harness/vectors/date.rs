//! `xsd:dateTimeStamp`: what a validity period may be written as.

use super::Vector;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let good = [
        ("utc", "2026-01-01T00:00:00Z", 1_767_225_600_u64, "Z is UTC"),
        ("epoch", "1970-01-01T00:00:00Z", 0, "the first second"),
        ("last", "9999-12-31T23:59:59Z", 253_402_300_799, "the last second of four-digit years"),
        ("seoul", "2026-01-01T09:00:00+09:00", 1_767_225_600, "the same instant in Seoul"),
        ("west", "2025-12-31T10:00:00-14:00", 1_767_225_600, "the farthest zone"),
        ("fraction", "2026-01-01T00:00:00.999999999999Z", 1_767_225_600, "a fraction is cut off"),
        ("midnight-24", "2025-12-31T24:00:00Z", 1_767_225_600, "24:00:00 is the next day"),
        ("leap-day", "2028-02-29T00:00:00Z", 1_835_395_200, "a leap year"),
        ("leap-day-2000", "2000-02-29T00:00:00Z", 951_782_400, "a century that is a leap year"),
        ("minus-zero", "2026-01-01T00:00:00-00:00", 1_767_225_600, "-00:00 is UTC"),
    ];
    let bad = [
        ("no-zone", "2026-01-01T00:00:00", "a zone is required"),
        ("lower-z", "2026-01-01T00:00:00z", "Z is upper-case"),
        ("lower-t", "2026-01-01t00:00:00Z", "T is upper-case"),
        ("space-for-t", "2026-01-01 00:00:00Z", "T separates"),
        ("date-alone", "2026-01-01", "a date is no time"),
        ("no-seconds", "2026-01-01T00:00Z", "seconds are required"),
        ("leap-second", "2016-12-31T23:59:60Z", "a leap second is not legal"),
        ("hour-24-minute", "2026-01-01T24:00:01Z", "24 goes with 00:00 alone"),
        ("hour-25", "2026-01-01T25:00:00Z", "hours end at 24"),
        ("minute-60", "2026-01-01T00:60:00Z", "minutes end at 59"),
        ("month-0", "2026-00-01T00:00:00Z", "months begin at 1"),
        ("month-13", "2026-13-01T00:00:00Z", "months end at 12"),
        ("day-0", "2026-01-00T00:00:00Z", "days begin at 1"),
        ("february-29", "2026-02-29T00:00:00Z", "no leap year"),
        ("february-29-2100", "2100-02-29T00:00:00Z", "a century that is no leap year"),
        ("april-31", "2026-04-31T00:00:00Z", "April has 30 days"),
        ("zone-15", "2026-01-01T00:00:00+15:00", "zones end at 14:00"),
        ("zone-14-01", "2026-01-01T00:00:00+14:01", "zones end at 14:00"),
        ("zone-minute-60", "2026-01-01T00:00:00+09:60", "minutes end at 59"),
        ("zone-basic", "2026-01-01T00:00:00+0900", "a colon in the zone"),
        ("zone-short", "2026-01-01T00:00:00+9:00", "two digits in the zone"),
        ("zone-unicode-minus", "2026-01-01T00:00:00\u{2212}09:00", "the sign is ASCII"),
        ("fraction-empty", "2026-01-01T00:00:00.Z", "a fraction has a digit"),
        ("fraction-comma", "2026-01-01T00:00:00,5Z", "a dot begins a fraction"),
        ("year-5-digits", "12026-01-01T00:00:00Z", "four digits"),
        ("year-3-digits", "999-01-01T00:00:00Z", "four digits"),
        ("year-plus", "+2026-01-01T00:00:00Z", "no sign"),
        ("year-minus", "-2026-01-01T00:00:00Z", "no sign"),
        ("arabic-digits", "\u{662}\u{660}\u{662}\u{666}-01-01T00:00:00Z", "digits are ASCII"),
        ("leading-space", " 2026-01-01T00:00:00Z", "nothing goes before"),
        ("trailing-newline", "2026-01-01T00:00:00Z\n", "nothing follows"),
        ("empty", "", "nothing at all"),
    ];
    let new = |name, expect, comment| Vector::new("date", name, expect, "credential.md#payload", comment);
    let accepted = good.iter().map(|(name, text, seconds, comment)| {
        new(name, "ok", comment).line("date", text).line("seconds", seconds)
    });
    let refused = bad.iter().map(|(name, text, comment)| new(name, "error", comment).line("date", text));
    accepted.chain(refused).collect()
}
