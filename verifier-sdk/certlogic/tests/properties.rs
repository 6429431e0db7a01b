//! Whatever the input: no panic, the same result each time, and what is written is read as the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sillok_certlogic::{Expression, MAX_EXPRESSION_BYTES, Value, validate};

/// Any value of JSON, most of them no expression.
fn json() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(5, 48, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(name(), inner, 0..3).prop_map(Value::Object),
        ]
    })
}

fn leaf() -> impl Strategy<Value = Value> {
    let number =
        prop_oneof!["-?(0|[1-9][0-9]{0,4})", "-?[1-9]\\.[0-9]{1,3}e-?[0-9]{1,2}", "[1-9][0-9]{14,20}"];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(|text| Value::parse(text.as_bytes()).expect("a number")),
        text().prop_map(Value::Text),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c.0-2:/#]{0,6}",
        "(19|20)[0-9]{2}(-(0[1-9]|1[0-3])(-[0-3][0-9])?)?",
        "2021-0[1-9]-[0-2][1-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,5})?(Z|[+-][0-9]{1,2}(:?[0-9]{2})?)?",
        Just("day".to_owned()),
        Just("month".to_owned()),
        any::<String>(),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(vec!["a", "b", "0", "current", "accumulator", "external"]).prop_map(String::from),
        1 => text(),
    ]
}

/// Values that are expressions more often than not.
fn expression() -> impl Strategy<Value = Value> {
    let path = "(a|b|0|1|current|accumulator)(\\.(a|0|1|b)){0,2}";
    let var = path.prop_map(|path| operation("var", Value::Text(path)));
    let leaf = prop_oneof![2 => leaf(), 3 => var];
    leaf.prop_recursive(6, 64, 4, |inner| {
        let variadic = proptest::sample::select(vec![
            "and",
            "if",
            "===",
            "in",
            "+",
            "<",
            ">",
            "<=",
            ">=",
            "after",
            "before",
            "not-after",
            "not-before",
            "!",
            "reduce",
            "dccDateOfBirth",
            "extractFromUVCI",
            "plusTime",
            "or",
        ]);
        let operands = proptest::collection::vec(inner.clone(), 1..4).prop_map(Value::Array);
        let unit = proptest::sample::select(vec!["year", "month", "day", "hour"]).prop_map(Value::from);
        let amount = prop_oneof![-400_i64..400, any::<i64>()].prop_map(Value::Integer);
        let plus_time =
            (inner.clone(), amount, unit).prop_map(|(time, amount, unit)| vec![time, amount, unit]);
        prop_oneof![
            4 => (variadic, operands).prop_map(|(name, operands)| operation(name, operands)),
            2 => plus_time.prop_map(|operands| operation("plusTime", Value::Array(operands))),
            1 => proptest::collection::vec(inner, 0..4).prop_map(Value::Array),
        ]
    })
}

fn operation(name: &str, operands: Value) -> Value {
    Value::Object(BTreeMap::from([(name.to_owned(), operands)]))
}

/// Evaluates twice and compares; says whether there is a result.
fn evaluate(expression: &Value, data: &Value) -> Result<bool, TestCaseError> {
    let issues = validate(expression);
    let Ok(parsed) = Expression::from_value(expression) else {
        prop_assert!(!issues.is_empty());
        return Ok(false);
    };
    prop_assert!(issues.is_empty());
    let written = parsed.to_string();
    if written.len() <= MAX_EXPRESSION_BYTES
        && let Ok(again) = Expression::parse(written.as_bytes())
    {
        prop_assert_eq!(&again, &parsed);
        prop_assert_eq!(again.evaluate(data), parsed.evaluate(data));
    }
    let result = parsed.evaluate(data);
    prop_assert_eq!(&result, &parsed.evaluate(data));
    Ok(result.is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_an_expression_or_has_issues(expression in json(), data in json()) {
        evaluate(&expression, &data)?;
    }

    #[test]
    fn expressions_evaluate_to_the_same_each_time(expression in expression(), data in json()) {
        evaluate(&expression, &data)?;
    }

    #[test]
    fn a_value_is_written_as_it_was_read(value in json()) {
        let read = Value::parse(value.to_string().as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&value));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = Value::parse(&bytes) {
            prop_assert_eq!(Value::parse(value.to_string().as_bytes()), Ok(value));
        }
    }

    #[test]
    fn any_text_is_a_date_time_or_none(text in text(), amount in any::<i64>()) {
        if let Some(at) = sillok_certlogic::DateTime::parse(&text) {
            let written = at.to_string();
            if written.len() == 24 {
                prop_assert_eq!(sillok_certlogic::DateTime::parse(&written), Some(at));
            }
        }
        let unit = ["year", "month", "day", "hour"][amount.rem_euclid(4) as usize];
        let plus = operation("plusTime", vec![Value::Text(text), Value::Integer(amount), unit.into()].into());
        evaluate(&plus, &Value::Null)?;
    }
}
