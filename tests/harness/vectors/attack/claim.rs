//! Claims of the wrong type, times that overflow, slots that wrap around.

use super::super::Vector;

use super::{Attack, MALFORMED, NONCONFORMING, PAYLOAD, STATUS, status};
use crate::reference::json::string;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = types();
    all.extend(times());
    all.extend(dates());
    all.extend(clocks());
    all.extend(indices());
    all
}

/// The sound credential with this member instead, signed and logged.
fn with(name: &str, expect: &str, spec: &str, comment: &str, member: &'static str, value: &str) -> Vector {
    Attack::planned(|plan| plan.set(member, value.into())).vector(name, expect, spec, comment)
}

const MISMATCH: &str = "not valid credential.issuer-mismatch";

/// CVE-2026-25537: a time of the wrong type was no time at all.
fn types() -> Vec<Vector> {
    let mut all = Vec::new();
    for member in ["exp", "nbf"] {
        let values = [
            ("string", NONCONFORMING, "a string", "\"1767225600\""),
            ("null", NONCONFORMING, "null", "null"),
            ("boolean", NONCONFORMING, "a boolean", "true"),
            ("array", NONCONFORMING, "a list", "[1767225600]"),
            ("object", NONCONFORMING, "an object", "{}"),
            ("negative", NONCONFORMING, "before 1970", "-1"),
            ("fraction", MALFORMED, "with a fraction", "1767225600.5"),
            ("exponent", MALFORMED, "with an exponent", "1e300"),
            ("u64-max", MALFORMED, "the largest of 64 bits", "18446744073709551615"),
        ];
        for (name, expect, comment, value) in values {
            let comment = format!("{member} is {comment}");
            all.push(with(&format!("claim-{member}-{name}"), expect, PAYLOAD, &comment, member, value));
        }
    }
    let absent = |name: &str, comment: &str, member: &'static str| {
        Attack::planned(|plan| plan.payload.retain(|(known, _value)| *known != member)).vector(
            &format!("claim-{name}"),
            NONCONFORMING,
            PAYLOAD,
            comment,
        )
    };
    all.extend([
        absent("without-from", "no beginning", "validFrom"),
        absent("without-status", "no status: nothing could ever revoke it", "credentialStatus"),
        absent("without-subject", "about nobody", "credentialSubject"),
        with("claim-vc", NONCONFORMING, PAYLOAD, "a credential of VC 1.1 in it", "vc", "{\"type\":[]}"),
        with("claim-vp", NONCONFORMING, PAYLOAD, "a presentation in it", "vp", "{}"),
        with("claim-iss-array", MISMATCH, PAYLOAD, "iss is a list", "iss", "[\"https://issuer.example\"]"),
        Attack::planned(|plan| plan.payload.retain(|(known, _value)| *known != "iss")).vector(
            "claim-without-iss",
            MISMATCH,
            PAYLOAD,
            "no iss",
        ),
        with(
            "claim-cnf-kid",
            NONCONFORMING,
            PAYLOAD,
            "the holder's key by a name that leads elsewhere",
            "cnf",
            "{\"kid\":\"https://evil.example/key\"}",
        ),
        with(
            "claim-cnf-private",
            NONCONFORMING,
            PAYLOAD,
            "the holder's private key",
            "cnf",
            "{\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}}",
        ),
    ]);
    all
}

/// The end of the year 9999 is the last second.
fn times() -> Vec<Vector> {
    vec![
        with("time-exp-9999", "valid", PAYLOAD, "the last second of the year 9999", "exp", "253402300799"),
        with("time-exp-10000", NONCONFORMING, PAYLOAD, "a second later", "exp", "253402300800"),
        with("time-nbf-10000", NONCONFORMING, PAYLOAD, "not before it", "nbf", "253402300800"),
        with("time-nbf-milliseconds", NONCONFORMING, PAYLOAD, "milliseconds", "nbf", "1767225600000"),
        with("time-exp-zero", "not valid validity.expired", PAYLOAD, "since 1970", "exp", "0"),
        with("time-exp-2038", "valid", PAYLOAD, "a second more than 31 bits hold", "exp", "2147483648"),
        with("time-exp-2106", "valid", PAYLOAD, "a second more than 32 bits hold", "exp", "4294967296"),
    ]
}

fn dates() -> Vec<Vector> {
    let until = |name: &str, expect: &str, comment: &str, text: &str| {
        with(&format!("time-{name}"), expect, PAYLOAD, comment, "validUntil", &string(text))
    };
    let bad = |name: &str, comment: &str, text: &str| until(name, NONCONFORMING, comment, text);
    vec![
        bad("leap-second", "a leap second", "2026-12-31T23:59:60Z"),
        bad("hour-24", "half past midnight of the day before", "2026-12-31T24:30:00Z"),
        bad("year-10000", "the year 10000", "10000-01-01T00:00:00Z"),
        bad("year-10000-by-24", "the year 10000 as the end of a day", "9999-12-31T24:00:00Z"),
        bad("year-10000-by-zone", "the year 10000 by its zone", "9999-12-31T23:59:59-14:00"),
        bad("year-sign", "a year with a sign", "+2027-01-01T00:00:00Z"),
        bad("year-minus", "a year before the first", "-0001-01-01T00:00:00Z"),
        bad("february-30", "a day that no month has", "2027-02-30T00:00:00Z"),
        bad("february-29", "a day that this year does not have", "2027-02-29T00:00:00Z"),
        bad("zone-15", "a zone beyond all", "2027-01-01T00:00:00+14:01"),
        bad("zone-none", "no zone", "2027-01-01T00:00:00"),
        bad("date-only", "no time", "2027-01-01"),
        bad("space", "a space for the T", "2027-01-01 00:00:00Z"),
        bad("lower-case", "in lower case", "2027-01-01t00:00:00z"),
        bad("newline", "a newline behind it", "2027-01-01T00:00:00Z\n"),
        bad("week", "a date of weeks", "2027-W01-1T00:00:00Z"),
        bad("unix", "Unix seconds in a string", "1798761600"),
        bad("full-width", "digits of another script", "\u{ff12}\u{ff10}27-01-01T00:00:00Z"),
        bad("before-from", "an end before the beginning", "2025-01-01T00:00:00Z"),
        until("9999", "valid", "the last second", "9999-12-31T23:59:59Z"),
        until(
            "fraction",
            "valid",
            "as many digits as anybody likes",
            &format!("2027-01-01T00:00:00.{}Z", "9".repeat(100)),
        ),
    ]
}

/// The verifier's own clock at its ends.
fn clocks() -> Vec<Vector> {
    let at = |name: &str, expect: &str, comment: &str, now: u64| {
        let mut attack = Attack::planned(|_plan| ());
        attack.now = now;
        attack.vector(&format!("time-clock-{name}"), expect, super::RULES, comment)
    };
    let expired = "cannot tell trust.root-expired";
    let early = "cannot tell trust.not-yet-valid";
    const DAY: u64 = 86_400;
    vec![
        at("zero", early, "the clock of a device that lost its battery", 0),
        at("behind-400-days", early, "400 days behind", super::NOW - 400 * DAY),
        at("ahead-20-years", expired, "20 years ahead", super::NOW + 20 * 365 * DAY),
        at("year-10000", expired, "beyond the year 9999", 253_402_300_800),
        at("largest", expired, "the largest of 64 bits", u64::MAX),
        at("largest-signed", expired, "the largest of 63 bits", u64::MAX >> 1),
    ]
}

/// A slot is one number of one spelling, compared before anything is shifted or cut to fewer bits.
fn indices() -> Vec<Vector> {
    let at = |name: &str, expect: &str, comment: &str, index: &str| {
        Attack::planned(|plan| plan.set("credentialStatus", status::at(index))).vector(
            &format!("index-{name}"),
            expect,
            STATUS,
            comment,
        )
    };
    let bad = |name: &str, comment: &str, index: &str| at(name, NONCONFORMING, comment, index);
    let beyond =
        |name: &str, comment: &str, index: &str| at(name, "not valid status.index-range", comment, index);
    vec![
        bad("plus", "a sign", "+5"),
        bad("zeros", "zeros in front", "00012"),
        bad("minus", "below zero", "-1"),
        bad("space", "a space in front", " 5"),
        bad("space-behind", "a space behind", "5 "),
        bad("fraction", "a fraction of nothing", "5.0"),
        bad("exponent", "an exponent", "5e0"),
        bad("hexadecimal", "hexadecimal", "0x5"),
        bad("separators", "with separators", "1_000"),
        bad("arabic", "a digit of another script", "\u{665}"),
        bad("full-width", "a digit of another width", "\u{ff15}"),
        bad("empty", "nothing", ""),
        bad("two", "two numbers", "5,6"),
        bad("2-64", "one more than 64 bits hold", "18446744073709551616"),
        bad("2-64-and-5", "which wraps around to 5", "18446744073709551621"),
        beyond("one-beyond", "the number of slots", "131072"),
        beyond("2-32-and-5", "which is 5 in 32 bits", "4294967301"),
        beyond("2-63", "negative for some", "9223372036854775808"),
        beyond("largest", "the largest of 64 bits", "18446744073709551615"),
        Attack::planned(|plan| plan.set("credentialStatus", status::at("5").replace("\"5\"", "5"))).vector(
            "index-number",
            NONCONFORMING,
            STATUS,
            "a number and not a string",
        ),
    ]
}
