//! The suites of the specification, every assertion of them.

use std::fs;
use std::path::{Path, PathBuf};

use sillok_certlogic::{Expression, Value, validate};

/// The files of a suite, by name.
fn files(suite: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(suite);
    let listing = fs::read_dir(&folder).expect("the folder of a suite");
    let mut files: Vec<PathBuf> = listing.map(|item| item.expect("a readable folder").path()).collect();
    files.sort();
    files
}

fn read(path: &Path) -> Value {
    Value::parse(&fs::read(path).expect("a readable file")).expect("JSON")
}

fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    match value.get(name) {
        Some(Value::Array(items)) => items,
        other => panic!("`{name}` is no array: {other:?}"),
    }
}

fn is_skipped(value: &Value) -> bool {
    value.get("directive") == Some(&Value::from("skip"))
}

#[test]
fn every_assertion_of_the_specification_holds() {
    let (mut passed, mut skipped) = (0, 0);
    for path in files("testSuite") {
        let suite = read(&path);
        for case in items(&suite, "cases") {
            for assertion in items(case, "assertions") {
                if [&suite, case, assertion].into_iter().any(is_skipped) {
                    skipped += 1;
                    continue;
                }
                let text = assertion.get("certLogicExpression").or_else(|| case.get("certLogicExpression"));
                let text = text.expect("an expression").to_string();
                let expression = Expression::parse(text.as_bytes()).expect("a valid expression");
                let data = assertion.get("data").expect("data");
                let expected = assertion.get("expected").expect("a result");
                let result = expression.evaluate(data);
                assert_eq!(result.as_ref(), Ok(expected), "{}: {text} on {data}", path.display());
                assert_eq!(Expression::parse(expression.to_string().as_bytes()).as_ref(), Ok(&expression));
                passed += 1;
            }
        }
    }
    assert_eq!((passed, skipped), (218, 14));
}

#[test]
fn every_case_of_the_validator_has_its_issues() {
    let mut cases = 0;
    for path in files("validation-testSuite") {
        let suite = read(&path);
        for case in items(&suite, "cases") {
            let expression = case.get("certLogicExpression").expect("an expression");
            let issues = validate(expression);
            let found: Vec<(&Value, String)> =
                issues.iter().map(|issue| (&issue.expression, issue.to_string())).collect();
            let expected = items(case, "issues").iter().map(|issue| match issue.get("message") {
                Some(Value::Text(message)) => (issue.get("expr").expect("a part"), message.clone()),
                other => panic!("no message: {other:?}"),
            });
            assert_eq!(found, expected.collect::<Vec<_>>(), "{}: {expression}", path.display());
            assert_eq!(Expression::from_value(expression).is_ok(), issues.is_empty());
            cases += 1;
        }
    }
    assert_eq!(cases, 23);
}
