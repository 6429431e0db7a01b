//! `cargo bench -p sillok-verifier --bench acceptance`: what the rules of a place cost, by the Korean set of 3 January 2022.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sillok_verifier::acceptance::RuleSet;
use sillok_verifier::datetime::parse_date_time_stamp;
use sillok_verifier::json::{Json, Limits};

fn main() {
    let set = RuleSet::open(KOREA).expect("the set opens");
    let opened = measure(20, || RuleSet::open(black_box(KOREA)).is_ok());
    println!("open the set and run its 49 vectors: {:.0} us", opened / 1e3);
    let at = parse_date_time_stamp("2022-01-03T12:00:00+09:00").expect("a stamp");
    for (name, doses) in [
        (
            "second dose, day 180",
            r#"[{"number":1,"date":"2021-06-16","vaccine":"208"},{"number":2,"date":"2021-07-07","vaccine":"208"}]"#,
        ),
        (
            "second dose, day 181",
            r#"[{"number":1,"date":"2021-06-16","vaccine":"208"},{"number":2,"date":"2021-07-06","vaccine":"208"}]"#,
        ),
        (
            "booster",
            r#"[{"number":3,"date":"2021-12-31","vaccine":"208"},{"number":2,"date":"2021-06-16","vaccine":"208"}]"#,
        ),
    ] {
        let text = format!(
            r#"{{"type":["VaccinationCredential"],"credentialSubject":{{"birthDate":"1980-01-01","doses":{doses}}}}}"#
        );
        let limits = Limits { bytes: 4_096, depth: 16, values: 256 };
        let credential = Json::parse(text.as_bytes(), &limits).expect("JSON");
        let decided = measure(1_000, || {
            black_box(set.decide("pass-required", black_box(&credential), at));
            true
        });
        let looked = measure(10, || {
            black_box(set.outlook("pass-required", black_box(&credential), at));
            true
        });
        let outcome = set.decide("pass-required", &credential, at).outcome();
        println!("{name}: {outcome}, decision {:.1} us, next change {:.0} us", decided / 1e3, looked / 1e3);
    }
}

/// Nanoseconds a call: the best of several rounds, since other work on the machine only ever adds.
fn measure(calls: u32, mut call: impl FnMut() -> bool) -> f64 {
    let mut best = Duration::MAX;
    for _round in 0..ROUNDS {
        let begun = Instant::now();
        for _call in 0..calls {
            assert!(call(), "the call does what is measured");
        }
        best = best.min(begun.elapsed());
    }
    best.as_secs_f64() * 1e9 / f64::from(calls)
}

const ROUNDS: u32 = 20;

const KOREA: &str = include_str!("../../../specs/rules/KR-2022-01-03.json");
