//! `cargo bench -p sillok-certlogic`: what the Korean rules of 3 January 2022 cost, in nanoseconds each.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sillok_certlogic::{Expression, Value};

fn main() {
    let second = data(r#"{"v":[{"dn":2,"sd":2,"dt":"2021-07-07"}],"dob":"1980-01-01"}"#);
    let negative = data(r#"{"t":[{"rs":"neg","nd":"2022-01-03"}]}"#);
    let born = data(r#"{"dob":"2003-01-01"}"#);
    for (name, rule, data) in
        [("vaccinated", VACCINATED, &second), ("tested", TESTED, &negative), ("born late", BORN_LATE, &born)]
    {
        let expression = Expression::parse(rule.as_bytes()).expect("a valid rule");
        assert_eq!(expression.evaluate(data), Ok(Value::Bool(true)), "{name}");
        let evaluated = measure(|| expression.evaluate(black_box(data)).is_ok());
        let parsed = measure(|| Expression::parse(black_box(rule.as_bytes())).is_ok());
        println!("{name:<12} {} bytes: evaluate {evaluated:>6.0} ns, parse {parsed:>6.0} ns", rule.len());
    }
    let list = format!("[{}]", vec!["1"; 200].join(","));
    let endless = format!(r#"{{"reduce":[{list},{{"reduce":[{list},{{"var":"accumulator"}},0]}},0]}}"#);
    let endless = Expression::parse(endless.as_bytes()).expect("a valid expression");
    let bound = measure(|| endless.evaluate(black_box(&Value::Null)).is_err());
    println!("to the bound of steps: {bound:.0} ns");
}

fn data(payload: &str) -> Value {
    let text = format!(r#"{{"payload":{payload},"external":{{"localDate":"2022-01-03"}}}}"#);
    Value::parse(text.as_bytes()).expect("JSON")
}

/// Nanoseconds a call: the best of several rounds, since other work on the machine only ever adds.
fn measure(mut call: impl FnMut() -> bool) -> f64 {
    let mut best = Duration::MAX;
    for _round in 0..ROUNDS {
        let begun = Instant::now();
        for _call in 0..CALLS {
            assert!(call(), "the call does what is measured");
        }
        best = best.min(begun.elapsed());
    }
    best.as_secs_f64() * 1e9 / f64::from(CALLS)
}

const ROUNDS: u32 = 20;
const CALLS: u32 = 500;

const VACCINATED: &str = concat!(
    r#"{"if":[{"var":"payload.v.0"},{"if":[{"and":[{">":[{"var":"payload.v.0.dn"},{"var":"payload.v.0.sd"}]},"#,
    r#"{"not-before":[{"plusTime":[{"var":"external.localDate"},0,"day"]},{"plusTime":[{"var":"payload.v.0.dt"},0,"day"]}]}]},true,"#,
    r#"{"and":[{">=":[{"var":"payload.v.0.dn"},{"var":"payload.v.0.sd"}]},"#,
    r#"{"not-before":[{"plusTime":[{"var":"external.localDate"},0,"day"]},{"plusTime":[{"var":"payload.v.0.dt"},14,"day"]}]},"#,
    r#"{"if":[{"if":[{"var":"payload.r.0"},true,{"after":[{"plusTime":[{"var":"payload.dob"},18,"year"]},"#,
    r#"{"plusTime":[{"var":"external.localDate"},0,"day"]}]}]},true,"#,
    r#"{"not-after":[{"plusTime":[{"var":"external.localDate"},0,"day"]},{"plusTime":[{"var":"payload.v.0.dt"},180,"day"]}]}]}]}]},false]}"#
);

const TESTED: &str = concat!(
    r#"{"if":[{"var":"payload.t.0"},{"and":[{"===":[{"var":"payload.t.0.rs"},"neg"]},{"not-after":["#,
    r#"{"plusTime":[{"var":"payload.t.0.nd"},0,"day"]},{"plusTime":[{"var":"external.localDate"},0,"day"]},"#,
    r#"{"plusTime":[{"var":"payload.t.0.nd"},2,"day"]}]}]},false]}"#
);

const BORN_LATE: &str = concat!(
    r#"{"if":[{"var":"payload.dob"},{"not-before":[{"plusTime":[{"var":"payload.dob"},0,"day"]},"#,
    r#"{"plusTime":["2003-01-01",0,"day"]}]},false]}"#
);
