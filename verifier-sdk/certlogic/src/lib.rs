//! Pure. CertLogic 1.3.3: rules as JSON that say the same on every device, validated first and evaluated within bounds.
//!
//! CertLogic is the language of the national rules behind the EU Digital COVID Certificate: a subset of JsonLogic with
//! date-times. The [specification] decides; where it leaves something open, `certlogic-js` 1.2.2 does.
//!
//! [specification]: https://github.com/ehn-dcc-development/eu-dcc-business-rules/tree/main/certlogic/specification
//!
//! # In scope
//! [`Expression::parse`] reads and validates, [`Expression::evaluate`] evaluates, [`validate`] tells every issue of a
//! value that is no expression. JSON is read by a strict reader of its own ([`Value::parse`]).
//!
//! # Out of scope
//! Time zones, clocks, value sets, which rule applies when, and what a decision means: that is around the language.
//!
//! # Invariants
//! No panic on input, no clock, no file, no recursion that input could deepen beyond [`MAX_DEPTH`]. An evaluation ends
//! within [`MAX_STEPS`]; one that would not is an error. Equal arguments give equal results.
//!
//! # Example
//! A dose counts for 180 days, the last one included.
//! ```
//! use sillok_certlogic::{Expression, Value};
//!
//! let rule = br#"{"not-after": [
//!     {"plusTime": [{"var": "external.localDate"}, 0, "day"]},
//!     {"plusTime": [{"var": "payload.v.0.dt"}, 180, "day"]}]}"#;
//! let rule = Expression::parse(rule)?;
//! let on = |date: &str| {
//!     let data = format!(r#"{{"payload":{{"v":[{{"dt":"2021-07-07"}}]}},"external":{{"localDate":"{date}"}}}}"#);
//!     rule.evaluate(&Value::parse(data.as_bytes()).expect("well-formed"))
//! };
//! assert_eq!(on("2022-01-03"), Ok(Value::Bool(true)));
//! assert_eq!(on("2022-01-04"), Ok(Value::Bool(false)));
//! assert!(on("yesterday").is_err());
//! # Ok::<(), sillok_certlogic::ExpressionError>(())
//! ```
#![no_std]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::panic,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

mod datetime;
mod evaluation;
mod expression;
mod json;
mod text;
mod validation;
mod value;

pub use datetime::DateTime;
pub use evaluation::{EvaluationError, Kind, MAX_STEPS};
pub use expression::{Expression, ExpressionError, MAX_EXPRESSION_BYTES};
pub use json::{JsonError, JsonProblem, MAX_DATA_BYTES, MAX_DEPTH};
pub use validation::{Issue, Problem, validate};
pub use value::{Decimal, MAX_INTEGER, Value};

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
