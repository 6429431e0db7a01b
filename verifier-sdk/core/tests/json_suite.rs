//! JSONTestSuite against the strict reader: whatever is no JSON is refused, whatever JSON leaves open is decided here and
//! stays decided, and of good JSON only what would have two meanings is refused.

use sillok_verifier::json::{Json, JsonError, JsonProblem, Limits};

/// Longer than the longest case, so that depth and syntax decide.
const LIMITS: Limits = Limits { bytes: 1 << 19, depth: 16, values: 2_048 };

struct Case {
    name: &'static str,
    text: Vec<u8>,
}

/// `name bytes`, the bytes in hexadecimal, parts joined by `+` and each repeated when `*count` follows.
fn cases(prefix: &str) -> Vec<Case> {
    let lines = SUITE.lines().map(|line| line.split_once(' ').expect("a name and its bytes"));
    lines
        .filter(|(name, _bytes)| name.starts_with(prefix))
        .map(|(name, bytes)| Case { name, text: bytes.split('+').flat_map(part).collect() })
        .collect()
}

fn part(part: &str) -> Vec<u8> {
    let (digits, count) = part.split_once('*').unwrap_or((part, "1"));
    let digits = digits.trim_matches('-').as_bytes().chunks(2);
    let bytes = digits.map(|pair| {
        let pair = std::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).expect("hexadecimal")
    });
    bytes.collect::<Vec<u8>>().repeat(count.parse().expect("a count"))
}

fn parse(case: &Case) -> Result<Json, JsonError> {
    Json::parse(&case.text, &LIMITS)
}

#[test]
fn what_is_no_json_is_refused() {
    let cases = cases("n_");
    assert_eq!(cases.len(), 188);
    let read: Vec<&str> = cases.iter().filter(|case| parse(case).is_ok()).map(|case| case.name).collect();
    assert!(read.is_empty(), "read as JSON: {read:?}");
}

#[test]
fn good_json_is_read_unless_it_has_two_meanings() {
    let cases = cases("y_");
    assert_eq!(cases.len(), 95);
    let mut refused = Vec::new();
    for case in &cases {
        match parse(case).map_err(|error| error.problem) {
            Ok(_read) => {}
            Err(JsonProblem::Number) => refused.push((case.name, "number")),
            Err(JsonProblem::Duplicate) => refused.push((case.name, "duplicate")),
            Err(other) => panic!("{}: {other:?}", case.name),
        }
    }
    assert_eq!(refused, TWO_MEANINGS);
}

#[test]
fn what_json_leaves_open_stays_decided() {
    let cases = cases("i_");
    assert_eq!(cases.len(), 35);
    let read: Vec<&str> = cases.iter().filter(|case| parse(case).is_ok()).map(|case| case.name).collect();
    assert_eq!(read, LEFT_OPEN_AND_READ);
}

/// Texts whose meaning readers have been seen to change: no name twice, no number that is rounded, no half of a character.
#[test]
fn what_readers_transform_is_refused_or_kept() {
    let cases = cases("transform/");
    assert_eq!(cases.len(), 22);
    let read: Vec<&str> = cases.iter().filter(|case| parse(case).is_ok()).map(|case| case.name).collect();
    assert_eq!(read, TRANSFORMED_AND_READ);
}

/// Numbers that readers round or write differently (a fraction, an exponent, minus zero), and names that occur twice.
const TWO_MEANINGS: &[(&str, &str)] = &[
    ("y_number", "number"),
    ("y_number_0e+1", "number"),
    ("y_number_0e1", "number"),
    ("y_number_double_close_to_zero", "number"),
    ("y_number_int_with_exp", "number"),
    ("y_number_minus_zero", "number"),
    ("y_number_negative_zero", "number"),
    ("y_number_real_capital_e", "number"),
    ("y_number_real_capital_e_neg_exp", "number"),
    ("y_number_real_capital_e_pos_exp", "number"),
    ("y_number_real_exponent", "number"),
    ("y_number_real_fraction_exponent", "number"),
    ("y_number_real_neg_exp", "number"),
    ("y_number_real_pos_exponent", "number"),
    ("y_number_simple_real", "number"),
    ("y_object_duplicated_key", "duplicate"),
    ("y_object_duplicated_key_and_value", "duplicate"),
    ("y_object_extreme_numbers", "number"),
    ("y_structure_lonely_negative_real", "number"),
];

/// None: huge numbers, lone surrogates, invalid UTF-8, other encodings, a byte order mark and 500 levels are refused.
const LEFT_OPEN_AND_READ: &[&str] = &[];

/// An integer is kept, names are compared code point by code point without normalisation, U+0000 is a character.
const TRANSFORMED_AND_READ: &[&str] = &[
    "transform/number_1000000000000000",
    "transform/object_key_nfc_nfd",
    "transform/object_key_nfd_nfc",
    "transform/string_with_escaped_NULL",
];

const SUITE: &str = include_str!("../../../specs/vectors/foreign/json-test-suite/cases.txt");
