//! The rules of a place: the language, and the sets.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sillok_certlogic::{Expression, MAX_EXPRESSION_BYTES, Value, validate};
use sillok_tests::vectors::rules::rule_set as example;
use sillok_verifier::acceptance::{RuleSet, check_publication};

use crate::corpus::{NOW, parts};

/// An expression, on data that have what it may ask for; and the same bytes as data.
pub(crate) fn certlogic(input: &[u8]) -> bool {
    let data = Value::parse(input).ok();
    if let Some(data) = &data {
        assert_eq!(Value::parse(data.to_string().as_bytes()).as_ref(), Ok(data));
        assert_eq!(validate(data).is_empty(), Expression::from_value(data).is_ok());
    }
    let Ok(expression) = Expression::parse(input) else { return false };
    let written = expression.to_string();
    // What is escaped may be longer than it was.
    if written.len() <= MAX_EXPRESSION_BYTES {
        assert_eq!(Expression::parse(written.as_bytes()).as_ref(), Ok(&expression));
    }
    for data in data.iter().chain(&contexts()) {
        assert_eq!(expression.evaluate(data), expression.evaluate(data), "two results");
    }
    true
}

/// A set, with its vectors.
pub(crate) fn rule_set(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(set) = RuleSet::open(text) else { return false };
    assert_eq!(set.text(), text);
    assert_eq!(RuleSet::open(set.text()).as_ref(), Ok(&set));
    let itself = check_publication(&set, Some(&set), NOW);
    assert!(itself.iter().any(|finding| finding.code() == "sequence"), "a set follows itself");
    true
}

/// What the rules of the suites and of Korea read.
fn contexts() -> [Value; 3] {
    let text = |text: &str| Value::parse(text.as_bytes()).expect("JSON");
    let dose = r#"{"dn":2,"sd":2,"dt":"2021-07-07","mp":"x","ci":"URN:UVCI:01:SE:EHM/V1#3"}"#;
    [
        Value::Object(BTreeMap::new()),
        text(&format!(
            r#"{{"payload":{{"v":[{dose},{dose}],"t":[],"dob":"1980-02"}},"external":{{"localDate":"2022-01-03","validationClock":"2022-01-03T12:00:00Z"}}}}"#
        )),
        text(r#"[1,"2021-01-31",[true,null],{"a":{"b":[0]}},0.5]"#),
    ]
}

/// The expressions and the validator's cases of the specification's suites.
pub(crate) fn expressions() -> Vec<Vec<u8>> {
    // The tests and the coverage-guided shell lie at different depths.
    let above = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("verifier-sdk/certlogic/tests/vectors"));
    let folder = above.into_iter().find(|folder| folder.is_dir()).expect("the suites of CertLogic");
    let mut found = Vec::new();
    for suite in ["testSuite", "validation-testSuite"] {
        let listing = fs::read_dir(folder.join(suite)).expect("a suite");
        let mut paths: Vec<_> = listing.map(|item| item.expect("a readable folder").path()).collect();
        paths.sort();
        for path in paths {
            let text = fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
            collect(&Value::parse(&text).expect("JSON"), &mut found);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Every member `certLogicExpression` at any depth.
fn collect(value: &Value, found: &mut Vec<Vec<u8>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                if name == "certLogicExpression" {
                    found.push(member.to_string().into_bytes());
                } else {
                    collect(member, found);
                }
            }
        }
        _ => {}
    }
}

pub(crate) fn rule_sets() -> Vec<Vec<u8>> {
    let mut sets = parts(&["rules"]);
    sets.push(example().into_bytes());
    sets
}
