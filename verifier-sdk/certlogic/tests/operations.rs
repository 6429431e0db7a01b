//! What the specification says in words and the suites do not show, operation by operation; ill-formed ones too.

use sillok_certlogic::{EvaluationError, Expression, Kind, Problem, Value, validate};

fn data(text: &str) -> Value {
    Value::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Evaluates a text; both have ' for ".
fn evaluate(expression: &str, context: &str) -> Result<String, EvaluationError> {
    let expression = expression.replace('\'', "\"");
    let parsed =
        Expression::parse(expression.as_bytes()).unwrap_or_else(|error| panic!("{expression}: {error}"));
    parsed.evaluate(&data(&context.replace('\'', "\""))).map(|value| value.to_string())
}

fn result(expression: &str, context: &str) -> String {
    evaluate(expression, context).unwrap_or_else(|error| panic!("{expression} on {context}: {error}"))
}

fn date(text: &str) -> Result<String, EvaluationError> {
    evaluate(&format!("{{'plusTime':['{text}',0,'day']}}"), "null")
}

#[test]
fn every_format_of_a_date_time_is_read() {
    let read = [
        ("2021", "2021-12-31T00:00:00.000Z"),
        ("2024-02", "2024-02-29T00:00:00.000Z"),
        ("2021-02", "2021-02-28T00:00:00.000Z"),
        ("2021-07-07", "2021-07-07T00:00:00.000Z"),
        ("2021-07-07T01:02:03", "2021-07-07T01:02:03.000Z"),
        ("2021-07-07T01:02:03Z", "2021-07-07T01:02:03.000Z"),
        ("2021-07-07T01:02:03+9", "2021-07-06T16:02:03.000Z"),
        ("2021-07-07T01:02:03-09", "2021-07-07T10:02:03.000Z"),
        ("2021-07-07T01:02:03+930", "2021-07-06T15:32:03.000Z"),
        ("2021-07-07T01:02:03+0930", "2021-07-06T15:32:03.000Z"),
        ("2021-07-07T01:02:03+9:30", "2021-07-06T15:32:03.000Z"),
        ("2021-07-07T01:02:03+09:30", "2021-07-06T15:32:03.000Z"),
        ("2021-07-07T01:02:03.1", "2021-07-07T01:02:03.100Z"),
        ("2021-07-07T01:02:03.12Z", "2021-07-07T01:02:03.120Z"),
        ("2021-07-07T01:02:03.999999999-0:00", "2021-07-07T01:02:03.999Z"),
        ("2021-07-07T24:00:00", "2021-07-08T00:00:00.000Z"),
        ("0000-02-29", "0000-02-29T00:00:00.000Z"),
        ("0000-01-01T00:00:00+01:00", "-000001-12-31T23:00:00.000Z"),
    ];
    for (text, expected) in read {
        assert_eq!(date(text), Ok(format!("\"{expected}\"")), "{text}");
    }
}

#[test]
fn what_is_no_date_time_is_an_error() {
    let texts = [
        "",
        "21",
        "202",
        "20210",
        "2021-",
        "2021-1",
        "2021-00",
        "2021-13",
        "2021-7-7",
        "2021-02-29",
        "2100-02-29",
        "2021-04-31",
        "2021-09-99",
        "2021-01-00",
        "2021-01-01T",
        "2021-01-01T00",
        "2021-01-01T00:00",
        "2021-01-01 00:00:00",
        "2021-01-01t00:00:00",
        "2021-01-01T00:00:00z",
        "2021-01-01T24:00:01",
        "2021-01-01T25:00:00",
        "2021-01-01T00:60:00",
        "2021-01-01T00:00:60",
        "2021-01-01T00:00:00.",
        "2021-01-01T00:00:00,5",
        "2021-01-01T00:00:00+",
        "2021-01-01T00:00:00+24",
        "2021-01-01T00:00:00+00:60",
        "2021-01-01T00:00:00+00:0",
        "2021-01-01T00:00:00+09:",
        "2021-01-01T00:00:00+09:000",
        "2021-01-01T00:00:00+09000",
        "2021-01-01T00:00:00Z+01",
        "2021-01-01T00:00:00ZZ",
        " 2021-01-01",
        "2021-01-01 ",
        "+002021-01-01",
        "-2021-01-01",
        "２０２１-01-01",
        "2021-01-01T00:00:00\u{2212}01",
    ];
    for text in texts {
        assert_eq!(date(text), Err(EvaluationError::Date { operation: "plusTime" }), "{text}");
    }
    let born = |text: &str| evaluate("{'dccDateOfBirth':[{'var':''}]}", &format!("'{text}'"));
    assert_eq!(born("2003-05"), Ok("\"2003-05-31T00:00:00.000Z\"".into()));
    assert_eq!(born("2003-05-01T00:00:00Z"), Err(EvaluationError::Date { operation: "dccDateOfBirth" }));
}

#[test]
fn months_and_years_run_over_into_the_next_month() {
    let plus = |text: &str, amount: i64, unit: &str| {
        result(&format!("{{'plusTime':['{text}',{amount},'{unit}']}}"), "null")[1..11].to_owned()
    };
    // The table of the specification.
    assert_eq!(plus("2020-02-29", 1, "day"), "2020-03-01");
    assert_eq!(plus("2020-02-29", 1, "month"), "2020-03-29");
    assert_eq!(plus("2020-02-29", 1, "year"), "2021-03-01");
    assert_eq!(plus("2021-01-31", 1, "month"), "2021-03-03");
    assert_eq!(plus("2021-03-31", -1, "month"), "2021-03-03");
    assert_eq!(plus("2021-01-31", -13, "month"), "2019-12-31");
    assert_eq!(plus("2021-11-15", 14, "month"), "2023-01-15");
    assert_eq!(plus("2021-07-07", 180, "day"), "2022-01-03");
    assert_eq!(plus("2021-01-01", -1, "hour"), "2020-12-31");
    assert_eq!(plus("0000-01-31", -1, "month"), "-000001-12");
}

#[test]
fn equality_is_identity_of_what_is_no_simple_value() {
    assert_eq!(result("{'===':[{'var':'a'},{'var':'a'}]}", "{'a':[1]}"), "true");
    assert_eq!(result("{'===':[{'var':'a'},{'var':'b'}]}", "{'a':[1],'b':[1]}"), "false");
    assert_eq!(result("{'===':[{'var':'a'},{'var':'b'}]}", "{'a':1.5,'b':1.50}"), "true");
    assert_eq!(result("{'===':[{'var':'a'},{'var':'b'}]}", "{}"), "true");
    assert_eq!(result("{'===':[{'var':'a'},false]}", "{}"), "false");
    assert_eq!(result("{'===':[1,'1']}", "{}"), "false");
    assert_eq!(result("{'===':[[],[]]}", "{}"), "false");
    let time = "{'plusTime':['2021',0,'day']}";
    assert_eq!(result(&format!("{{'===':[{time},{time}]}}"), "{}"), "false");
    let itself = "{'===':[{'var':'accumulator'},{'var':'accumulator'}]}";
    assert_eq!(result(&format!("{{'reduce':[[1],{itself},{time}]}}"), "{}"), "true");
    assert_eq!(result("{'in':[{'var':'0'},{'var':''}]}", "[{'a':1}]"), "true");
    assert_eq!(result("{'in':[[1],[[1]]]}", "null"), "false");
    assert_eq!(result("{'in':[{'var':'x'},[1,{'var':'y'}]]}", "{}"), "true");
}

#[test]
fn every_operand_of_a_comparison_is_of_its_kind_even_behind_a_false_one() {
    let found = |expression: &str| evaluate(expression, "null");
    let wrong = |operation, expected, found| Err(EvaluationError::Kind { operation, expected, found });
    assert_eq!(found("{'<':[2,1,'x']}"), wrong("<", Kind::Integer, Kind::Text));
    assert_eq!(found("{'>=':[true,1]}"), wrong(">=", Kind::Integer, Kind::Bool));
    assert_eq!(found("{'after':['2021-01-01','2020-01-01']}"), wrong("after", Kind::DateTime, Kind::Text));
    let time = "{'plusTime':['2021',0,'day']}";
    assert_eq!(found(&format!("{{'<':[{time},{time}]}}")), wrong("<", Kind::Integer, Kind::DateTime));
    assert_eq!(
        found(&format!("{{'plusTime':[{time},1,'day']}}")),
        wrong("plusTime", Kind::Text, Kind::DateTime)
    );
    assert_eq!(found("{'<':[1,2,3]}"), Ok("true".into()));
    assert_eq!(found("{'<':[1,3,2]}"), Ok("false".into()));
    assert_eq!(found("{'in':[1,'1']}"), wrong("in", Kind::Array, Kind::Text));
    assert_eq!(found("{'reduce':[1,1,1]}"), wrong("reduce", Kind::Array, Kind::Integer));
    assert_eq!(found("{'extractFromUVCI':[1,1]}"), wrong("extractFromUVCI", Kind::Text, Kind::Integer));
    assert_eq!(found("{'+':['a','b']}"), wrong("+", Kind::Integer, Kind::Text));
}

#[test]
fn a_date_time_is_neither_truthy_nor_falsy() {
    let time = "{'plusTime':['2021',0,'day']}";
    let neither = |operation| Err(EvaluationError::Truth { operation, found: Kind::DateTime });
    assert_eq!(evaluate(&format!("{{'!':[{time}]}}"), "null"), neither("!"));
    assert_eq!(evaluate(&format!("{{'if':[{time},1,2]}}"), "null"), neither("if"));
    assert_eq!(evaluate(&format!("{{'and':[true,{time}]}}"), "null"), neither("and"));
    assert_eq!(evaluate(&format!("{{'and':[false,{time}]}}"), "null"), Ok("false".into()));
    for (value, expected) in
        [("0.5", "false"), ("{}", "true"), ("{'a':null}", "false"), ("[]", "true"), ("''", "true")]
    {
        assert_eq!(result("{'!':[{'var':''}]}", value), expected, "{value}");
    }
}

#[test]
fn paths_lead_through_objects_and_arrays_only() {
    let context = "{'a':[{'b':7}],'0':'zero','t':'text','01':1}";
    for (path, expected) in [
        ("a.0.b", "7"),
        ("a.00.b", "7"),
        ("a.1.b", "null"),
        ("a.-1", "null"),
        ("a.b", "null"),
        ("a.length", "null"),
        ("a.0.b.c", "null"),
        ("0", "\"zero\""),
        ("01", "1"),
        ("t.0", "null"),
        ("t.length", "null"),
        ("toString", "null"),
        ("__proto__", "null"),
        ("a.99999999999999999999999", "null"),
        ("A", "null"),
    ] {
        assert_eq!(result(&format!("{{'var':'{path}'}}"), context), expected, "{path}");
    }
    assert_eq!(result("{'reduce':[[5],{'var':''},1]}", "{'x':1}"), "{\"accumulator\":1,\"current\":5}");
    assert_eq!(result("{'reduce':[[5],{'var':'x'},1]}", "{'x':1}"), "null");
}

#[test]
fn fragments_of_an_identifier_count_from_nought() {
    let extract =
        |text: &str, index: i64| result(&format!("{{'extractFromUVCI':[{{'var':''}},{index}]}}"), text);
    assert_eq!(extract("'URN:UVCI:01:SE:EHM#3'", 3), "\"3\"");
    assert_eq!(extract("'01:SE:EHM/3'", 0), "\"01\"");
    assert_eq!(extract("'urn:uvci:01'", 0), "\"urn\"");
    assert_eq!(extract("'01'", 1), "null");
    assert_eq!(extract("'01'", -1), "null");
    assert_eq!(extract("''", 0), "\"\"");
    assert_eq!(extract("null", 0), "null");
}

#[test]
fn every_issue_is_told_with_its_part_in_the_order_of_the_text() {
    let text = r#"{"if":[{"+":[1,2.5,null]},{"plusTime":[null,"1","week"]},{"!":[null,null]},null]}"#;
    let problems: Vec<Problem> = validate(&data(text)).into_iter().map(|issue| issue.problem).collect();
    let operands = |operation, least, most, found| Problem::Operands { operation, least, most, found };
    assert_eq!(
        problems,
        [
            operands("if", 3, Some(3), 4),
            operands("+", 2, Some(2), 3),
            Problem::Number(data("2.5")),
            Problem::NoExpression,
            Problem::Integer { operation: "plusTime" },
            Problem::Unit,
            operands("!", 1, Some(1), 2),
        ]
    );
    for text in [
        "{}",
        r#"{"or":[1,2]}"#,
        r#"{"var":["a"]}"#,
        r#"{"var":"a..b"}"#,
        r#"{"var":"."}"#,
        r#"{"and":[1]}"#,
        "null",
    ] {
        assert_eq!(validate(&data(text)).len(), 1, "{text}");
    }
    let valid = Expression::parse(br#"{"if":[{"var":""},1,2,3]}"#).expect_err("four operands").to_string();
    assert_eq!(valid, "read expression: \"if\" takes 3 operands and has 4");
}

#[test]
fn the_paths_of_a_rule_are_told_in_order() {
    let rule =
        r#"{"if":[{"var":"payload.v.0"},{"plusTime":[{"var":"external.localDate"},0,"day"]},[{"var":""}]]}"#;
    let rule = Expression::parse(rule.as_bytes()).expect("valid");
    let mut paths = Vec::new();
    rule.for_each_path(|path| paths.push(path));
    assert_eq!(paths, ["payload.v.0", "external.localDate", ""]);
}
