//! What is too long, too deep or too much is an error, and costs no more than the bound.

use sillok_certlogic::{
    EvaluationError, Expression, ExpressionError, JsonProblem, Kind, MAX_DATA_BYTES, MAX_DEPTH,
    MAX_EXPRESSION_BYTES, MAX_STEPS, Value,
};

fn expression(text: &str) -> Expression {
    Expression::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn data(text: &str) -> Value {
    Value::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What is wrong with a text that is no JSON that is taken.
fn problem(result: Result<Expression, ExpressionError>) -> JsonProblem {
    match result {
        Err(ExpressionError::Json(error)) => error.problem,
        other => panic!("{other:?}"),
    }
}

fn nested(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn an_expression_is_as_long_as_the_bound_and_no_longer() {
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    assert!(Expression::parse(text(MAX_EXPRESSION_BYTES).as_bytes()).is_ok());
    assert_eq!(
        problem(Expression::parse(text(MAX_EXPRESSION_BYTES + 1).as_bytes())),
        JsonProblem::TooLong { limit: MAX_EXPRESSION_BYTES }
    );
    assert!(Value::parse(text(MAX_DATA_BYTES).as_bytes()).is_ok());
    let error = Value::parse(text(MAX_DATA_BYTES + 1).as_bytes()).expect_err("too long");
    assert_eq!(error.problem, JsonProblem::TooLong { limit: MAX_DATA_BYTES });
}

#[test]
fn an_expression_is_as_deep_as_the_bound_and_no_deeper() {
    assert!(Expression::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    let too_deep = JsonProblem::TooDeep { limit: MAX_DEPTH };
    assert_eq!(problem(Expression::parse(nested(MAX_DEPTH + 1).as_bytes())), too_deep);
    // What never closes costs no stack either.
    assert_eq!(problem(Expression::parse("[".repeat(MAX_EXPRESSION_BYTES).as_bytes())), too_deep);
    let nots = |count: usize| format!("{}true{}", r#"{"!":["#.repeat(count), "]}".repeat(count));
    assert_eq!(expression(&nots(MAX_DEPTH / 2)).evaluate(&Value::Null), Ok(Value::Bool(true)));
    assert_eq!(problem(Expression::parse(nots(MAX_DEPTH / 2 + 1).as_bytes())), too_deep);
}

#[test]
fn nested_reductions_end_at_the_bound_of_steps() {
    let list = format!("[{}]", vec!["1"; 200].join(","));
    let sum = |inner: &str| format!(r#"{{"reduce":[{list},{inner},0]}}"#);
    let add = r#"{"+":[{"var":"accumulator"},1]}"#;
    assert_eq!(expression(&sum(add)).evaluate(&Value::Null), Ok(Value::Integer(200)));
    assert_eq!(
        expression(&sum(&sum(add))).evaluate(&Value::Null),
        Err(EvaluationError::Steps { limit: MAX_STEPS })
    );
}

#[test]
fn an_accumulator_that_doubles_is_neither_copied_out_nor_followed_down() {
    let doubling = r#"{"reduce":[{"var":""},[{"var":"accumulator"},{"var":"accumulator"}],[1]]}"#;
    let items = |count: usize| data(&format!("[{}]", vec!["1"; count].join(",")));
    assert!(expression(doubling).evaluate(&items(5)).is_ok());
    // 2^60 values, if anybody wrote them.
    assert_eq!(expression(doubling).evaluate(&items(60)), Err(EvaluationError::Steps { limit: MAX_STEPS }));
    assert_eq!(
        expression(doubling).evaluate(&items(2_000)),
        Err(EvaluationError::Depth { limit: MAX_DEPTH })
    );
    let frames = r#"{"reduce":[{"var":""},{"var":""},0]}"#;
    assert_eq!(expression(frames).evaluate(&items(2_000)), Err(EvaluationError::Depth { limit: MAX_DEPTH }));
}

#[test]
fn long_texts_cost_steps() {
    let text = "7".repeat(60_000);
    let context = data(&format!("[{}]", vec![format!("\"{}\"", &text[..600]); 100].join(",")));
    let same = r#"{"reduce":[{"var":""},{"+":[{"if":[{"===":[{"var":"current"},{"var":"current"}]},1,0]},{"var":"accumulator"}]},0]}"#;
    assert_eq!(expression(same).evaluate(&context), Ok(Value::Integer(100)));
    let long = data(&format!("\"{text}\""));
    let count = 16;
    let many = format!("[{}]", vec![r#"{"extractFromUVCI":[{"var":""},1]}"#; count].join(","));
    assert_eq!(expression(&many).evaluate(&long), Err(EvaluationError::Steps { limit: MAX_STEPS }));
    // A long text comes out once and not eleven times.
    assert_eq!(expression(r#"{"var":""}"#).evaluate(&long), Ok(long.clone()));
    let copies = format!("[{}]", [r#"{"var":""}"#; 11].join(","));
    assert_eq!(expression(&copies).evaluate(&long), Err(EvaluationError::Steps { limit: MAX_STEPS }));
}

#[test]
fn integers_end_where_they_are_no_longer_exact() {
    let add = expression(r#"{"+":[{"var":"0"},{"var":"1"}]}"#);
    let sum = |left: &str, right: &str| add.evaluate(&data(&format!("[{left},{right}]")));
    assert_eq!(sum("9007199254740990", "1"), Ok(Value::Integer(9_007_199_254_740_991)));
    assert_eq!(sum("9007199254740991", "1"), Err(EvaluationError::Range { operation: "+" }));
    assert_eq!(sum("-9007199254740991", "-1"), Err(EvaluationError::Range { operation: "+" }));
    let beyond = EvaluationError::Kind { operation: "+", expected: Kind::Integer, found: Kind::Decimal };
    assert_eq!(sum("9007199254740992", "1"), Err(beyond));
    assert_eq!(sum("0.5", "1"), Err(beyond));
    // Written otherwise, they are integers all the same.
    assert_eq!(sum("4.20e1", "-0.0"), Ok(Value::Integer(42)));
    assert_eq!(sum("10E-1", "-0"), Ok(Value::Integer(1)));
    assert!(Expression::parse(b"9007199254740992").is_err());
    assert_eq!(Value::parse(b"1e400").expect_err("infinite").problem, JsonProblem::Number);
}

#[test]
fn date_times_end_where_those_of_ecmascript_do() {
    let plus = |text: &str, amount: i64, unit: &str| {
        let text = format!(r#"{{"plusTime":["{text}",{amount},"{unit}"]}}"#);
        expression(&text).evaluate(&Value::Null).map(|value| value.to_string())
    };
    let range = Err(EvaluationError::Range { operation: "plusTime" });
    assert_eq!(plus("1970-01-01", 100_000_000, "day"), Ok("\"+275760-09-13T00:00:00.000Z\"".into()));
    assert_eq!(plus("1970-01-01", -100_000_000, "day"), Ok("\"-271821-04-20T00:00:00.000Z\"".into()));
    assert_eq!(plus("1970-01-01", 100_000_001, "day"), range);
    for amount in [300_000, 9_007_199_254_740_991, -9_007_199_254_740_991] {
        for unit in ["year", "month", "day", "hour"] {
            let moved = plus("2021-01-01T23:00:00+09:00", amount, unit);
            assert!(moved.is_ok() == (amount == 300_000 && unit != "year"), "{amount} {unit}: {moved:?}");
        }
    }
}
