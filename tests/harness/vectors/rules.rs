//! Rule sets of a place that is made up, and what becomes of them when they are damaged.

use super::Vector;

/// The vectors of the topic: sets that open, and sets that do not.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let set = |name: &str, expect: &str, comment: &str, text: String| {
        Vector::new("rules", name, expect, "rules.md#rule-set", comment).text("rules", &text)
    };
    let mut all = vec![
        set("set", "ok", "a set whose vectors come out", rule_set()),
        set("no-vectors", "error", "a set without vectors", {
            let text = rule_set();
            let begin = text.find("\"vectors\": [").expect("the set has vectors");
            format!("{}\"vectors\": []}}\n", &text[..begin])
        }),
    ];
    all.extend(forms());
    all.extend(contents());
    all
}

/// A set of which one thing was changed.
fn broken(name: &str, comment: &str, from: &str, to: &str) -> Vector {
    Vector::new("rules", name, "error", "rules.md#rule-set", comment).text("rules", with(from, to))
}

fn forms() -> Vec<Vector> {
    vec![
        broken("other-type", "another type is another format", "sillok-rules/v1", "sillok-rules/v2"),
        broken(
            "more-members",
            "a member that does not belong there",
            "\"sequence\": 1",
            "\"sequence\": 1, \"more\": 1",
        ),
        broken("sequence-0", "numbers begin at 1", "\"sequence\": 1", "\"sequence\": 0"),
        broken("jurisdiction-form", "lower case", "\"XA\"", "\"xa\""),
        broken(
            "no-english",
            "every text has English",
            "{\"en\": \"Example Place\"}",
            "{\"ko\": \"Example Place\"}",
        ),
        broken("offset-15-hours", "no place is 15 hours ahead", "\"minutes\": 540", "\"minutes\": 900"),
        broken(
            "offset-without-zone",
            "a stamp has a zone",
            "2025-01-01T00:00:00+09:00",
            "2025-01-01T00:00:00",
        ),
        broken(
            "offset-with-fraction",
            "a stamp has no fraction",
            "2025-01-01T00:00:00+09:00",
            "2025-01-01T00:00:00.0+09:00",
        ),
    ]
}

fn contents() -> Vec<Vector> {
    vec![
        broken("logic-unknown-operation", "the logic is no CertLogic", "not-after", "no-later-than"),
        broken("affected-missing", "a rule names what it reads", "[\"v.0.dt\"]", "[]"),
        broken(
            "affected-whole-payload",
            "a rule does not read everything",
            "{\"var\": \"payload.v.0.dt\"}",
            "{\"var\": \"payload\"}",
        ),
        broken(
            "reason-unknown",
            "a reason has a text",
            "\"reason\": \"too-old\", \"logic\"",
            "\"reason\": \"other\", \"logic\"",
        ),
        broken("rule-unknown", "a class accepts by rules of the set", "[[\"DOSE\"]]", "[[\"DOZE\"]]"),
        broken("group-empty", "a group of no rules would accept everybody", "[[\"DOSE\"]]", "[[]]"),
        broken("no-group", "a class without groups accepts nobody, ever", "[[\"DOSE\"]]", "[]"),
        broken(
            "ends-before-it-begins",
            "valid_to is not before valid_from",
            "\"valid_from\": \"2026-02-01",
            "\"valid_to\": \"2026-01-31T00:00:00Z\", \"valid_from\": \"2026-02-01",
        ),
        broken("vector-decision", "a vector that does not come out", "\"not accepted\"", "\"accepted\""),
        broken(
            "vector-next",
            "the next change is another second",
            "2026-01-04T00:00:00+09:00",
            "2026-01-04T00:00:01+09:00",
        ),
        broken(
            "vector-of-nothing",
            "a vector of a class that is not there",
            "\"class\": \"door\", \"payload\"",
            "\"class\": \"gate\", \"payload\"",
        ),
        broken("rule-changed", "15 days instead of 14: the vectors notice", ", 14, ", ", 15, "),
    ]
}

/// The set.
#[must_use]
pub fn rule_set() -> String {
    RULES.to_owned()
}

/// The set with one change.
///
/// # Panics
/// What is to be changed is not there.
#[must_use]
pub fn with(from: &str, to: &str) -> String {
    assert!(RULES.contains(from), "the set has no {from}");
    RULES.replacen(from, to, 1)
}

/// A dose counts for 14 days; adults by their birth date. The place is nine hours ahead of UTC.
const RULES: &str = r#"{
  "type": "sillok-rules/v1",
  "jurisdiction": "XA",
  "sequence": 1,
  "name": {"en": "Example Place"},
  "offsets": [{"from": "2025-01-01T00:00:00+09:00", "minutes": 540}],
  "covers_until": "2026-06-01T00:00:00+09:00",
  "evidence": [
    {"type": "VaccinationCredential", "fields": {"dob": "birthDate"}, "lists": [
      {"name": "v", "from": "doses", "newest_first": "dt", "fields": {"dn": "number", "dt": "date"}}]},
    {"type": "PassCredential", "fields": {"dob": "birthDate"}, "lists": []}
  ],
  "reasons": {"too-old": {"en": "The dose is too old"}, "too-young": {"en": "Adults only"}},
  "rules": [
    {"id": "DOSE", "version": 1, "valid_from": "2026-01-01T00:00:00+09:00", "affected": ["v.0.dt"],
      "reason": "too-old", "logic": {"not-after": [{"plusTime": [{"var": "external.localDate"}, 0, "day"]}, {"plusTime": [{"var": "payload.v.0.dt"}, 14, "day"]}]}},
    {"id": "ADULT", "version": 1, "valid_from": "2026-01-01T00:00:00+09:00", "affected": ["dob"],
      "reason": "too-young", "logic": {"if": [{"var": "payload.dob"}, {"not-after": [{"plusTime": [{"var": "payload.dob"}, 18, "year"]}, {"plusTime": [{"var": "external.localDate"}, 0, "day"]}]}, false]}}
  ],
  "classes": [
    {"class": "door", "version": 1, "valid_from": "2026-01-01T00:00:00+09:00", "name": {"en": "Doors"}, "accept": [["DOSE"]]},
    {"class": "adults", "version": 1, "valid_from": "2026-01-01T00:00:00+09:00", "name": {"en": "For adults"}, "accept": [["ADULT"]]},
    {"class": "later", "version": 1, "valid_from": "2026-02-01T00:00:00+09:00", "name": {"en": "From February"}, "accept": [["ADULT"]]}
  ],
  "vectors": [
    {"at": "2026-01-03T14:59:59Z", "class": "door", "payload": {"v": [{"dn": 1, "dt": "2025-12-20"}]}, "expect": "accepted", "next": "2026-01-04T00:00:00+09:00"},
    {"at": "2026-01-03T15:00:00Z", "class": "door", "payload": {"v": [{"dn": 1, "dt": "2025-12-20"}]}, "expect": "not accepted", "reason": "too-old", "next": null},
    {"at": "2026-01-03T15:00:00Z", "rule": "ADULT", "payload": {"dob": "2008-01-04"}, "expect": "accepted"}
  ]
}
"#;
