//! Pure. Values: JSON, and the date-times that only operations make.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::datetime::DateTime;

/// A value of JSON, or a date-time. What data consist of and what an evaluation results in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "JSON has no further kinds")]
pub enum Value {
    /// `null`, and what is not there.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer up to ±[`MAX_INTEGER`].
    Integer(i64),
    /// Any other number. Rules cannot reckon with it.
    Decimal(Decimal),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Self>),
    /// An object; the order of its members means nothing.
    Object(BTreeMap<String, Self>),
    /// A date-time. JSON has none, so it is never read, and it is written as a string.
    DateTime(DateTime),
}

impl Value {
    /// The member of this name, when this value is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        if let Self::Object(members) = self { members.get(name) } else { None }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
}

impl From<BTreeMap<String, Self>> for Value {
    fn from(members: BTreeMap<String, Self>) -> Self {
        Self::Object(members)
    }
}

/// A number that is no integer up to ±[`MAX_INTEGER`]: finite, and never zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decimal(f64);

// Never a NaN, so it equals itself.
impl Eq for Decimal {}

impl Decimal {
    /// The nearest double (IEEE 754).
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// The value of a number that is written like this in JSON; `None` beyond what a double holds.
pub(crate) fn number(text: &str) -> Option<Value> {
    if let Ok(integer) = text.parse::<i64>()
        && integer.unsigned_abs() <= MAX_INTEGER
    {
        return Some(Value::Integer(integer));
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
    // 2^53 − 1 and everything below it is exact in both types.
    #[expect(clippy::as_conversions, reason = "a cast from a double saturates, and is compared afterwards")]
    let (integer, limit) = (number as i64, MAX_INTEGER as f64);
    #[expect(clippy::as_conversions, reason = "exact below the limit")]
    let same = integer as f64 == number;
    let whole = (-limit..=limit).contains(&number) && same;
    Some(if whole { Value::Integer(integer) } else { Value::Decimal(Decimal(number)) })
}

/// 2^53 − 1: what every reader of JSON holds exactly (RFC 7493 section 2.2). CertLogic's integers are a subset of the
/// numbers of JavaScript; beyond this bound those are rounded, and a rule must not decide by what was rounded.
pub const MAX_INTEGER: u64 = 9_007_199_254_740_991;
