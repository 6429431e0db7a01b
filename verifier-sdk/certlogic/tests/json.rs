//! The strict reader of JSON.

use sillok_certlogic::{JsonProblem, Value};

fn problem(text: &[u8]) -> JsonProblem {
    match Value::parse(text) {
        Err(error) => error.problem,
        Ok(value) => panic!("{value} is taken"),
    }
}

#[test]
fn what_is_no_json_is_refused() {
    let texts = [
        "",
        " ",
        "nul",
        "nulll",
        "truefalse",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\"}",
        "'a'",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12\"",
        "\"\u{1}\"",
        "\"\n\"",
        "\"a\" \"b\"",
        "]",
        "}",
        "[",
        "{",
        "1 1",
        "/**/1",
        "\"\\ud800x\"",
        "\u{feff}1",
    ];
    for text in texts {
        assert_eq!(problem(text.as_bytes()), JsonProblem::Syntax, "{text}");
    }
    for text in ["\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\ud800\\u0000\""] {
        assert_eq!(problem(text.as_bytes()), JsonProblem::Utf8, "{text}");
    }
    assert_eq!(problem(b"\"\xff\""), JsonProblem::Utf8);
    assert_eq!(problem(b"\"\xed\xa0\x80\""), JsonProblem::Utf8);
}

#[test]
fn no_name_occurs_twice_however_it_is_written() {
    assert_eq!(problem(br#"{"a":1,"a":1}"#), JsonProblem::Duplicate);
    assert_eq!(problem(br#"[{"b":{"a":1,"\u0061":2}}]"#), JsonProblem::Duplicate);
    assert!(Value::parse(br#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
}

#[test]
fn what_is_read_is_written_and_read_as_the_same() {
    let text = " { \"b\" : [ 1 , -0 , 1.5e-3 , 1E300 , true , null ] , \"a\\u00e9\\/\\ud83d\\ude00\" : \"\\u0001\\n\\\"\" } ";
    let value = Value::parse(text.as_bytes()).expect("JSON");
    let written = value.to_string();
    assert!(written.starts_with("{\"aé/😀\":\"\\u0001\\n\\\"\",\"b\":[1,0,0.0015,1000"), "{written}");
    assert_eq!(Value::parse(written.as_bytes()), Ok(value));
}

#[test]
fn errors_say_where() {
    let error = Value::parse(b"[1, 2, x]").expect_err("no JSON");
    assert_eq!(error.at, 7);
    assert_eq!(error.to_string(), "JSON does not parse at byte 7");
}
