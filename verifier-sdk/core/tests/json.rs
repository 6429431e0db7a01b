//! JSON from strangers: one meaning for every text, within limits.

use proptest::prelude::*;
use sillok_verifier::json::{Json, JsonError, JsonProblem, Limits, push_string};

const LIMITS: Limits = Limits { bytes: 16_384, depth: 16, values: 2_048 };

fn parse(text: &str) -> Result<Json, JsonError> {
    Json::parse(text.as_bytes(), &LIMITS)
}

fn refusal(text: &str) -> (String, JsonProblem) {
    let error = parse(text).expect_err(text);
    (error.member, error.problem)
}

#[test]
fn values_are_read_as_they_are() {
    let json = parse(r#" {"a":[null,true,-7,"\u00e9\ud83d\ude00\n"],"b":{}} "#).expect("JSON");
    let items = json.get("a").expect("a").array().expect("array");
    let expected = [Json::Null, Json::Bool(true), Json::Integer(-7), Json::String("é😀\n".into())];
    assert_eq!(items, expected);
    let object = json.object().expect("object");
    assert!(object.object("b").expect("b").is_empty());
    assert_eq!(object.members().map(|(name, _value)| name).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn no_name_occurs_twice_at_any_depth() {
    for (text, member) in [
        (r#"{"issuer":"a","issuer":"b"}"#, "issuer"),
        (r#"{"a":1,"a":1}"#, "a"),
        (r#"{"vc":[{},{"x":{"y":1,"z":2,"y":3}}]}"#, "vc/1/x/y"),
        // The same name after its escapes are resolved.
        (r#"{"a":1,"\u0061":2}"#, "a"),
    ] {
        assert_eq!(refusal(text), (member.into(), JsonProblem::Duplicate), "{text}");
    }
    // Beyond the size up to which all pairs are compared.
    let many = |last: &str| {
        let members: Vec<String> = (0..1_000).map(|i| format!("\"m{i}\":0")).collect();
        format!("{{{},\"{last}\":0}}", members.join(","))
    };
    assert!(parse(&many("m1000")).is_ok());
    assert_eq!(refusal(&many("m777")), ("m777".into(), JsonProblem::Duplicate));
}

#[test]
fn numbers_are_integers_that_every_reader_holds() {
    for number in [0, 1, -1, 9_007_199_254_740_991, -9_007_199_254_740_991] {
        assert_eq!(parse(&number.to_string()), Ok(Json::Integer(number)));
    }
    for text in [
        "9007199254740992",
        "-9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "1.0",
        "1.5",
        "1e3",
        "1E0",
        "-0",
        "9999999999.5",
        "1e300",
    ] {
        let member = ("exp".into(), JsonProblem::Number);
        assert_eq!(refusal(&format!("{{\"exp\":{text}}}")), member, "{text}");
    }
    for text in ["1e400", "01", "+1", "0x10", "NaN", "Infinity", ".5", "1.", "--1"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn nesting_stops_at_the_limit() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(&nested(16)).is_ok());
    assert_eq!(refusal(&nested(17)).1, JsonProblem::TooDeep { limit: 16 });
    let objects = |levels: usize| format!("{}0{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    assert!(parse(&objects(16)).is_ok());
    assert_eq!(refusal(&objects(17)).1, JsonProblem::TooDeep { limit: 16 });
    // A hundred thousand levels overflow no stack.
    let limits = Limits { bytes: usize::MAX, ..LIMITS };
    let deep = "[".repeat(100_000);
    let error = Json::parse(deep.as_bytes(), &limits).expect_err("too deep");
    assert_eq!(error.problem, JsonProblem::TooDeep { limit: 16 });
}

#[test]
fn values_and_bytes_stop_at_their_limits() {
    let array = |values: usize| format!("[{}]", vec!["0"; values - 1].join(","));
    assert!(parse(&array(2_048)).is_ok());
    assert_eq!(refusal(&array(2_049)).1, JsonProblem::TooMany { limit: 2_048 });
    let text = |bytes: usize| format!("\"{}\"", "a".repeat(bytes - 2));
    assert!(parse(&text(16_384)).is_ok());
    assert_eq!(refusal(&text(16_385)).1, JsonProblem::TooLong { limit: 16_384 });
}

#[test]
fn text_that_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "{}{}",
        "{}x",
        "\u{feff}{}",
        "nul",
        "\"\\ud800\"",
        "\"\n\"",
    ] {
        assert!(matches!(refusal(text).1, JsonProblem::Syntax { .. }), "{text:?}");
    }
    // Not UTF-8: overlong, a surrogate, a lone byte.
    for bytes in [&b"\"\xc0\xaf\""[..], b"\"\xed\xa0\x80\"", b"\"\xff\"", b"{\"\xff\":1}"] {
        assert!(Json::parse(bytes, &LIMITS).is_err(), "{bytes:?}");
    }
}

#[test]
fn getters_name_the_member() {
    let json = parse(r#"{"a":1,"b":"x","c":[],"d":-1,"e\n":0}"#).expect("JSON");
    let object = json.object().expect("object");
    assert_eq!(object.unsigned("a"), Ok(1));
    assert_eq!(object.integer("d"), Ok(-1));
    assert_eq!(object.string("b"), Ok("x"));
    assert_eq!(object.array("c"), Ok(&[][..]));
    let said = |error: JsonError| error.to_string();
    assert_eq!(object.string("a").map_err(said), Err("JSON member a is not a string".into()));
    assert_eq!(object.unsigned("d").map_err(said), Err("JSON member d is not an integer from 0".into()));
    assert_eq!(object.object("z").map_err(said), Err("JSON member z is missing".into()));
    assert_eq!(object.array("b").map_err(|error| error.inside("feed").member), Err("feed/b".into()));
    // Names come from strangers: what an error prints holds no control character.
    let unexpected = object.expect_only(&["a", "b", "c", "d"]).map_err(said);
    assert_eq!(unexpected, Err(r"JSON member e\n does not belong there".into()));
    assert_eq!(object.expect_only(&["a", "b", "c", "d", "e\n"]), Ok(()));
}

/// serde_json's own value without fractions: a model that keeps neither duplicates nor limits.
fn model() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn same(ours: &Json, theirs: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (ours, theirs) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(ours), Value::Bool(theirs)) => ours == theirs,
        (Json::Integer(ours), Value::Number(theirs)) => Some(*ours) == theirs.as_i64(),
        (Json::String(ours), Value::String(theirs)) => ours == theirs,
        (Json::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Json::Object(ours), Value::Object(theirs)) => {
            ours.members().count() == theirs.len()
                && ours
                    .members()
                    .all(|(name, ours)| theirs.get(name).is_some_and(|theirs| same(ours, theirs)))
        }
        _different => false,
    }
}

proptest! {
    #[test]
    fn what_is_accepted_means_what_others_read(value in model()) {
        let limits = Limits { bytes: usize::MAX, depth: 16, values: usize::MAX };
        let ours = Json::parse(value.to_string().as_bytes(), &limits).expect("JSON of serde_json");
        prop_assert!(same(&ours, &value));
    }

    #[test]
    fn strings_come_back(text in any::<String>()) {
        let mut quoted = String::new();
        push_string(&mut quoted, &text);
        prop_assert_eq!(Json::parse(quoted.as_bytes(), &Limits { bytes: usize::MAX, depth: 0, values: 1 }), Ok(Json::String(text.clone())));
        prop_assert_eq!(quoted, serde_json::Value::from(text).to_string());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(json) = Json::parse(&bytes, &LIMITS) {
            let theirs = serde_json::from_slice(&bytes).expect("we are the stricter");
            prop_assert!(same(&json, &theirs));
        }
    }
}
