//! Rules of a place: the Korean set of 3 January 2022, what does not open, decisions out of several groups, the next change.

use sillok_verifier::UnixSeconds;
use sillok_verifier::acceptance::{
    Decision, Finding, Gap, Outcome, Outlook, RuleSet, RuleSetError, check_publication,
};
use sillok_verifier::datetime::parse_date_time_stamp;
use sillok_verifier::json::{Json, Limits};

const KOREA: &str = include_str!("../../../specs/rules/KR-2022-01-03.json");

fn korea() -> RuleSet {
    RuleSet::open(KOREA).unwrap_or_else(|error| panic!("{error}"))
}

fn at(stamp: &str) -> UnixSeconds {
    parse_date_time_stamp(stamp).unwrap_or_else(|| panic!("{stamp}"))
}

/// The payload of a credential with doses of these numbers and dates.
fn vaccinated(doses: &[(u8, &str)]) -> Json {
    let doses: Vec<String> = doses
        .iter()
        .map(|(number, date)| format!(r#"{{"number":{number},"date":"{date}","vaccine":"208"}}"#))
        .collect();
    json(&format!(
        r#"{{"type":["VerifiableCredential","VaccinationCredential"],"credentialSubject":
            {{"familyName":"A","givenName":"B","birthDate":"1980-01-01","doses":[{}]}}}}"#,
        doses.join(",")
    ))
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &Limits { bytes: 65_536, depth: 32, values: 4_096 }).expect("JSON")
}

fn refused(text: &str) -> String {
    RuleSet::open(text).expect_err("it opens").to_string()
}

/// The Korean set with one change of its text, which has to be there.
fn changed(from: &str, to: &str) -> String {
    assert!(KOREA.contains(from), "{from}");
    KOREA.replacen(from, to, 1)
}

#[test]
fn the_korean_set_passes_its_vectors_and_tells_what_it_is() {
    let set = korea();
    assert_eq!((set.jurisdiction(), set.sequence(), set.name().get("ko")), ("KR", 1, "대한민국"));
    assert_eq!(set.name().get("fr"), "Republic of Korea");
    let classes: Vec<(&str, &str)> = set.classes().map(|(class, name)| (class, name.get("en"))).collect();
    assert_eq!(classes, [("pass-required", "Venues that require the pass")]);
    assert_eq!(set.affected("TR-KR-0101"), ["t.0", "t.0.nd", "t.0.rs"]);
    assert!(set.reason("no-test").is_some_and(|texts| texts.get("ko").contains("PCR")));
    assert_eq!(set.text(), KOREA);
    assert_eq!(KOREA.matches(r#""expect""#).count(), 49);
}

#[test]
fn seoul_changes_its_rules_at_midnight_to_the_second() {
    let set = korea();
    let (late, good) = (
        vaccinated(&[(1, "2021-06-15"), (2, "2021-07-06")]),
        vaccinated(&[(2, "2021-07-07"), (1, "2021-06-16")]),
    );
    let outcome = |credential, stamp: &str| set.decide("pass-required", credential, at(stamp)).outcome();
    for (stamp, date, of_late, of_good) in [
        ("2022-01-02T14:59:59Z", "2022-01-02", Outcome::Accepted, Outcome::Accepted),
        ("2022-01-02T15:00:00Z", "2022-01-03", Outcome::NotAccepted, Outcome::Accepted),
        ("2022-01-02T23:59:59Z", "2022-01-03", Outcome::NotAccepted, Outcome::Accepted),
        ("2022-01-03T00:00:00Z", "2022-01-03", Outcome::NotAccepted, Outcome::Accepted),
        ("2022-01-03T14:59:59Z", "2022-01-03", Outcome::NotAccepted, Outcome::Accepted),
        ("2022-01-03T15:00:00Z", "2022-01-04", Outcome::NotAccepted, Outcome::NotAccepted),
    ] {
        assert_eq!(set.local_date(at(stamp)).as_deref(), Some(date));
        assert_eq!(outcome(&late, stamp), of_late, "{stamp}");
        assert_eq!(outcome(&good, stamp), of_good, "{stamp}");
    }
    let Decision::NotAccepted(refusals) = set.decide("pass-required", &late, at("2022-01-03T12:00:00Z"))
    else {
        panic!("accepted")
    };
    let found: Vec<(&str, u64, &str)> = refusals
        .iter()
        .map(|refusal| (refusal.rule.as_str(), refusal.version, refusal.reason.as_str()))
        .collect();
    let expected =
        [("VR-KR-0101", 2, "dose-period"), ("TR-KR-0101", 1, "no-test"), ("GR-KR-0101", 1, "not-exempt")];
    assert_eq!(found, expected);
    let accepted = Decision::Accepted { rules: vec!["VR-KR-0101".into()] };
    assert_eq!(set.decide("pass-required", &good, at("2022-01-03T12:00:00Z")), accepted);
}

#[test]
fn a_set_without_vectors_that_pass_does_not_open() {
    let begin = KOREA.find("\"vectors\": [").expect("vectors");
    let without = format!("{}\"vectors\": []\n}}\n", &KOREA[..begin]);
    assert_eq!(refused(&without), "open rule set: JSON member vectors is not an array of at least one");
    let wrong = changed(r#""expect": "not accepted"}"#, r#""expect": "accepted"}"#);
    assert!(
        matches!(RuleSet::open(&wrong), Err(RuleSetError::Vector { index: 0, .. })),
        "{}",
        refused(&wrong)
    );
    let wrong = changed(r#""next": "2022-01-08T00:00:00+09:00""#, r#""next": "2022-01-09T00:00:00+09:00""#);
    assert!(refused(&wrong).contains("vector 31 does not come out: next change"), "{}", refused(&wrong));
    let wrong = changed(r#""reason": "rules.no-offset""#, r#""reason": "rules.no-result""#);
    assert!(refused(&wrong).contains("cannot tell (rules.no-offset)"), "{}", refused(&wrong));
    // A rule that changes is noticed by the vectors at its edges.
    for (from, to) in [
        ("},180,", "},181,"),
        ("},14,", "},13,"),
        ("},2,\"day\"", "},3,\"day\""),
        ("2003-01-01\",0", "2003-01-02\",0"),
    ] {
        assert!(
            matches!(RuleSet::open(&KOREA.replace(from, to)), Err(RuleSetError::Vector { .. })),
            "{from}"
        );
    }
    assert!(matches!(
        RuleSet::open(&changed("\"minutes\": 540", "\"minutes\": 539")),
        Err(RuleSetError::Vector { .. })
    ));
}

#[test]
fn what_breaks_the_form_does_not_open() {
    for (from, to, expected) in BROKEN {
        let found = refused(&changed(from, to));
        assert!(found.contains(expected), "{to}: {found}");
    }
    let wrong = changed("{\"var\":\"payload.dob\"}", "{\"vary\":[\"payload.dob\"]}");
    assert_eq!(
        refused(&wrong),
        "open rule set: logic of rule GR-KR-0101: read expression: unrecognised operator: \"vary\""
    );
    assert!(refused(&format!("{KOREA}{}", " ".repeat(131_072))).contains("longer than 131072 bytes"));
}

/// A set of rules that read one field each, over one day in UTC; `a` and `b` are needed together or `c` alone.
fn groups() -> RuleSet {
    let rule = |id: &str, more: &str| {
        format!(
            r#"{{"id":"{id}","version":1,"valid_from":"2022-01-01T00:00:00Z"{more},"affected":["{id}"],"reason":"r-{id}",
               "logic":{{"===":[{{"+":[{{"var":"payload.{id}"}},0]}},1]}}}}"#
        )
    };
    let reasons = ["a", "b", "c"].map(|id| format!(r#""r-{id}":{{"en":"{id}"}}"#)).join(",");
    let text = format!(
        r#"{{"type":"sillok-rules/v1","jurisdiction":"X","sequence":3,"name":{{"en":"X"}},
        "offsets":[{{"from":"2022-01-01T00:00:00Z","minutes":0}}],"covers_until":"2022-12-01T00:00:00Z",
        "evidence":[{{"type":"T","fields":{{"a":"a","b":"b","c":"c"}},"lists":[]}}],"reasons":{{{reasons}}},
        "rules":[{},{},{}],
        "classes":[{{"class":"k","version":1,"valid_from":"2022-01-01T00:00:00Z","name":{{"en":"K"}},"accept":[["a","b"],["c"]]}}],
        "vectors":[{{"at":"2022-01-01T00:00:00Z","class":"k","payload":{{"c":1}},"expect":"accepted"}}]}}"#,
        rule("a", ""),
        rule("b", ""),
        rule("c", r#","valid_to":"2022-02-01T00:00:00Z""#)
    );
    RuleSet::open(&text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_error_never_refuses_and_never_hides_a_group_that_is_met() {
    let set = groups();
    let decide = |claims: &str, stamp: &str| {
        let credential = json(&format!(r#"{{"type":["T"],"credentialSubject":{claims}}}"#));
        set.decide("k", &credential, at(stamp))
    };
    let january = "2022-01-15T00:00:00Z";
    let reasons = |decision: Decision| match decision {
        Decision::NotAccepted(refusals) => {
            refusals.into_iter().map(|refusal| refusal.rule).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let open = Decision::CannotTell(Gap::NoResult);
    assert_eq!(
        decide(r#"{"a":1,"b":1}"#, january),
        Decision::Accepted { rules: vec!["a".into(), "b".into()] }
    );
    assert_eq!(decide(r#"{"a":1,"b":1,"c":"x"}"#, january).outcome(), Outcome::Accepted);
    assert_eq!(decide(r#"{"c":1}"#, january), Decision::Accepted { rules: vec!["c".into()] });
    assert_eq!(reasons(decide(r#"{"a":1,"b":2,"c":2}"#, january)), ["b", "c"]);
    // One rule of a group that is not met settles the group, whatever the others say.
    assert_eq!(reasons(decide(r#"{"a":"x","b":2,"c":2}"#, january)), ["b", "c"]);
    assert_eq!(decide(r#"{"a":"x","b":1,"c":2}"#, january), open);
    assert_eq!(decide(r#"{"a":2,"b":1}"#, january), open);
    // What is not in force counts neither for nor against.
    let february = "2022-02-01T00:00:00Z";
    assert_eq!(reasons(decide(r#"{"a":2,"b":1,"c":1}"#, february)), ["a"]);
    assert_eq!(decide(r#"{"a":1,"b":1}"#, "2021-12-31T23:59:59Z"), Decision::CannotTell(Gap::NotInForce));
    assert_eq!(decide(r#"{"a":1,"b":1}"#, "2022-12-01T00:00:00Z"), Decision::CannotTell(Gap::NoOffset));
    assert_eq!(decide("[]", january), Decision::CannotTell(Gap::NoEvidence));
    let unknown = set.decide("l", &json(r#"{"type":["T"],"credentialSubject":{}}"#), at(january));
    assert_eq!(unknown, Decision::CannotTell(Gap::UnknownPlace));
    assert_eq!(Gap::UnknownPlace.code(), "rules.unknown-place");
}

#[test]
fn the_next_change_is_the_first_hour_at_which_the_decision_differs() {
    let set = korea();
    let begin = at("2021-12-20T03:30:00Z");
    for doses in [
        vec![(2, "2021-07-06")],
        vec![(2, "2021-07-07")],
        vec![(2, "2021-12-25")],
        vec![(1, "2021-12-25")],
        vec![(3, "2021-12-31"), (2, "2021-06-01")],
        vec![(2, "2021-12-01"), (1, "2021-11-01")],
        vec![(2, "nonsense")],
    ] {
        let credential = vaccinated(&doses);
        let outcome = |at| set.decide("pass-required", &credential, at).outcome();
        let now = outcome(begin);
        let hours = (1..=400 * 24).map(|hour| UnixSeconds(begin.0 / 3_600 * 3_600 + hour * 3_600));
        let first = hours.map(|at| (at, outcome(at))).find(|(_at, then)| *then != now);
        let expected = match first {
            Some((at, becomes)) => Outlook::Changes { at, becomes },
            None => Outlook::Same { until: UnixSeconds(begin.0 + 400 * 86_400) },
        };
        assert_eq!(set.outlook("pass-required", &credential, begin), expected, "{doses:?}");
    }
    // Nothing is said of a time of which the set does not know the date.
    let last = at("2023-12-30T00:00:00Z");
    let booster = vaccinated(&[(3, "2021-12-31")]);
    let until = at("2024-01-01T00:00:00+09:00");
    assert_eq!(set.outlook("pass-required", &booster, last), Outlook::Same { until });
}

#[test]
fn a_rule_that_reads_the_clock_changes_to_the_second() {
    let text = changed(
        r#"{"plusTime":[{"var":"external.localDate"},0,"day"]},{"plusTime":[{"var":"payload.t.0.nd"},2,"day"]}]}]},false]}"#,
        r#"{"plusTime":[{"var":"external.validationClock"},0,"day"]},{"plusTime":[{"var":"payload.t.0.nd"},48,"hour"]}]}]},false]}"#,
    );
    // Its vectors are those of another rule.
    let begin = text.find("\"vectors\": [").expect("vectors");
    let vectors = r#""vectors": [
        {"at":"2022-01-03T12:00:00Z","class":"pass-required","payload":{"dob":"1980-01-01","t":[{"rs":"neg","nd":"2022-01-02T06:07:08Z"}]},
         "expect":"accepted","next":"2022-01-04T06:07:09Z"},
        {"at":"2022-01-04T06:07:08Z","class":"pass-required","payload":{"dob":"1980-01-01","t":[{"rs":"neg","nd":"2022-01-02T06:07:08Z"}]},
         "expect":"accepted","next":"2022-01-04T06:07:09Z"},
        {"at":"2022-01-04T06:07:09Z","class":"pass-required","payload":{"dob":"1980-01-01","t":[{"rs":"neg","nd":"2022-01-02T06:07:08Z"}]},
         "expect":"not accepted","next":null}]}"#;
    RuleSet::open(&format!("{}{vectors}", &text[..begin])).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn publication_gives_two_days_notice_of_what_lasts_three() {
    let before = korea();
    let now = at("2021-12-30T00:00:00+09:00");
    assert_eq!(check_publication(&before, None, now), []);
    assert_eq!(check_publication(&before, Some(&before), now), [Finding::Sequence]);
    assert!(findings(&next("", ""), now).is_empty());

    // A third version of a rule, which must be used by a vector.
    let added = |from: &str, end: &str, vector: &str| {
        let rule = format!(
            r#"{{"id":"TR-KR-0101","version":2,"valid_from":"{from}"{end},"affected":[],"reason":"no-test","logic":false}},"#
        );
        let text = next("\"rules\": [\n", &format!("\"rules\": [\n{rule}"));
        text.replacen("\"vectors\": [\n", &format!("\"vectors\": [\n{vector}"), 1)
    };
    let vector =
        r#"{"at":"2022-06-01T00:00:00+09:00","rule":"TR-KR-0101","payload":{},"expect":"not accepted"},"#;
    assert!(findings(&added("2022-06-01T00:00:00+09:00", "", vector), now).is_empty());
    assert_eq!(
        findings(&added("2022-06-01T00:00:00+09:00", "", ""), now),
        ["untested TR-KR-0101 version 2 is used by no vector"]
    );
    let four_days = at("2022-05-28T00:00:00+09:00");
    assert!(findings(&added("2022-05-30T00:00:00+09:00", "", vector), four_days).is_empty());
    assert_eq!(
        findings(&added("2022-05-29T23:59:59+09:00", "", vector), four_days),
        ["lead TR-KR-0101 version 2 begins less than 48 hours after publication"]
    );
    let short = r#","valid_to":"2022-06-03T23:59:59+09:00""#;
    assert_eq!(
        findings(&added("2022-06-01T00:00:00+09:00", short, vector), now),
        ["duration TR-KR-0101 version 2 lasts less than 72 hours"]
    );
}

/// A set that follows the Korean one, with one more change.
fn next(from: &str, to: &str) -> String {
    changed("\"sequence\": 1,", "\"sequence\": 2,").replacen(from, to, 1)
}

/// What publication says of a set that follows the Korean one.
fn findings(text: &str, now: UnixSeconds) -> Vec<String> {
    let set = RuleSet::open(text).unwrap_or_else(|error| panic!("{error}"));
    let findings = check_publication(&set, Some(&korea()), now);
    findings.iter().map(|finding| format!("{} {finding}", finding.code())).collect()
}

#[test]
fn what_was_promised_travels_along_and_only_ends_earlier() {
    let now = at("2021-12-30T00:00:00+09:00");
    let ends =
        |end: &str| next("\"valid_to\": \"2022-03-01T00:00:00+09:00\"", &format!("\"valid_to\": \"{end}\""));
    let shorter = ends("2022-02-01T00:00:00+09:00");
    let shorter = shorter
        .replace("2022-02-28T14:59:59Z", "2022-01-31T14:59:59Z")
        .replace("2022-02-28T15:00:00Z", "2022-01-31T15:00:00Z");
    assert!(findings(&shorter, now).is_empty());
    let longer = ends("2022-03-02T00:00:00+09:00");
    let longer = longer
        .replace("2022-02-28T14:59:59Z", "2022-03-01T14:59:59Z")
        .replace("2022-02-28T15:00:00Z", "2022-03-01T15:00:00Z");
    assert_eq!(findings(&longer, now), ["changed GR-KR-0101 version 1 is not what was published"]);
    assert_eq!(
        findings(
            &next(
                "[[\"VR-KR-0101\"], [\"TR-KR-0101\"], [\"GR-KR-0101\"]]",
                "[[\"VR-KR-0101\"], [\"GR-KR-0101\"], [\"TR-KR-0101\"]]"
            ),
            now
        ),
        ["changed pass-required version 1 is not what was published"]
    );
    assert!(findings(&next("Venues that require the pass", "Venues with the pass"), now).is_empty());
    let renumbered = next("\"id\": \"GR-KR-0101\", \"version\": 1", "\"id\": \"GR-KR-0101\", \"version\": 2");
    let found = findings(&renumbered, now);
    assert_eq!(
        found,
        [
            "lead GR-KR-0101 version 2 begins less than 48 hours after publication",
            "missing GR-KR-0101 version 1 was published, has not ended, and is missing",
        ]
    );
    // After its end it need not be there.
    let found = findings(&renumbered, at("2022-03-01T00:00:00+09:00"));
    assert_eq!(found, ["lead GR-KR-0101 version 2 begins less than 48 hours after publication"]);
}

/// What is changed, into what, and what is said of it.
const BROKEN: [(&str, &str, &str); 24] = [
    ("sillok-rules/v1", "sillok-rules/v2", "type is not sillok-rules/v1"),
    ("\"sequence\": 1,", "\"sequence\": 0,", "sequence is not a number from 1"),
    ("\"sequence\": 1,", "\"sequence\": 1, \"more\": 1,", "more does not belong there"),
    ("\"sequence\": 1,", "\"sequence\": 1, \"sequence\": 1,", "sequence occurs twice"),
    ("\"KR\"", "\"kr\"", "jurisdiction is not"),
    ("\"minutes\": 540", "\"minutes\": 841", "offsets/0/minutes is not an offset within 14 hours"),
    (
        "{\"from\": \"1989",
        "{\"from\": \"1989-01-01T00:00:00Z\", \"minutes\": 0}, {\"from\": \"1988",
        "offsets is not an array in the order of time",
    ),
    (
        "1989-01-01T00:00:00+09:00",
        "1989-01-01T00:00:00.5+09:00",
        "offsets/0/from is not a time to the second",
    ),
    ("1989-01-01T00:00:00+09:00", "1969-01-01T00:00:00+09:00", "offsets/0/from is not a time to the second"),
    ("1989-01-01T00:00:00+09:00", "1989-01-01T00:00:00", "offsets/0/from is not a time to the second"),
    ("{\"en\": \"Republic of Korea\", ", "{", "name is not an object with a text in en"),
    ("{\"en\": \"Republic", "{\"english\": \"Republic", "name is not an object from languages"),
    ("\"reason\": \"no-test\",\n", "\"reason\": \"no-tests\",\n", "rules/1/reason is not one of the reasons"),
    ("[\"t.0\", \"t.0.nd\", \"t.0.rs\"]", "[\"t.0\", \"t.0.rs\"]", "rules/1/affected is not"),
    (
        "{\"var\":\"payload.t.0\"}",
        "{\"var\":\"payload\"}",
        "rules/1/logic is not a rule that names what it reads",
    ),
    (
        "\"valid_to\": \"2022-03-01",
        "\"valid_to\": \"2021-03-01",
        "rules/0/valid_to is not a stamp that is not before valid_from",
    ),
    ("\"version\": 2", "\"version\": 1", "rules is not an array of different versions"),
    (
        "2022-01-03T00:00:00+09:00\", \"affected\"",
        "2021-01-03T00:00:00+09:00\", \"affected\"",
        "rules is not an array of different versions that begin in their order",
    ),
    ("[\"TR-KR-0101\"]", "[\"TR-KR-0102\"]", "classes/0/accept/1 is not the id of a rule"),
    ("[\"TR-KR-0101\"]", "[\"TR-KR-0101\", \"TR-KR-0101\"]", "classes/0/accept/1 is not a group"),
    ("[\"TR-KR-0101\"]", "[]", "classes/0/accept/1 is not a group"),
    (
        "\"newest_first\": \"dt\"",
        "\"newest_first\": \"date\"",
        "evidence/0/lists/0/newest_first is not one of the fields",
    ),
    ("\"rule\": \"VR-KR-0101\"", "\"rule\": \"VR-KR-0100\"", "vectors/0 is not a vector of a rule or class"),
    (
        "\"expect\": \"not accepted\"",
        "\"expect\": \"refused\"",
        "vectors/0/expect is not one of the three decisions",
    ),
];
