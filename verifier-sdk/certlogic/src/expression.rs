//! Pure. Expressions as they are held for evaluation: read and validated once, written as they were.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

use crate::datetime::Unit;
use crate::evaluation::{self, EvaluationError};
use crate::json::{self, JsonError};
use crate::text::{list, string};
use crate::validation::{self, Issue};
use crate::value::Value;

/// A valid expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    node: Node,
}

impl Expression {
    /// Reads an expression: a JSON text of at most [`MAX_EXPRESSION_BYTES`], nested at most [`crate::MAX_DEPTH`] deep.
    ///
    /// # Errors
    /// The text is no such JSON, or the value is no expression.
    pub fn parse(text: &[u8]) -> Result<Self, ExpressionError> {
        let value = json::read(text, MAX_EXPRESSION_BYTES).map_err(ExpressionError::Json)?;
        Self::from_value(&value).map_err(ExpressionError::Invalid)
    }

    /// The expression that a value is. Values that no bound has held before may be of any size.
    ///
    /// # Errors
    /// Every issue of a value that is none.
    pub fn from_value(value: &Value) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        match validation::read(value, &mut issues) {
            Some(node) if issues.is_empty() => Ok(Self { node }),
            Some(_) | None => Err(issues),
        }
    }

    /// Evaluates the expression in a data context, within [`crate::MAX_STEPS`].
    ///
    /// # Errors
    /// Operands of a kind that an operation does not take, a text that is no date-time, or a result that is out of
    /// range. That says nothing about the data's holder: whoever decides by rules takes it for *cannot tell*.
    pub fn evaluate(&self, data: &Value) -> Result<Value, EvaluationError> {
        evaluation::evaluate(&self.node, data)
    }

    /// Calls `visit` with the path of every `var`, in the order of the text. Inside of the second operand of a `reduce`
    /// a path begins at `current` or `accumulator`, elsewhere at the data.
    pub fn for_each_path<'e>(&'e self, mut visit: impl FnMut(&'e str)) {
        self.node.for_each_path(&mut visit);
    }
}

impl fmt::Display for Expression {
    /// Compact JSON that is read as this expression.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpressionError {
    /// The value has these issues, at least one.
    Invalid(Vec<Issue>),
    /// It is no JSON that is taken.
    Json(JsonError),
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(issues) => {
                f.write_str("read expression: ")?;
                match issues.split_first() {
                    Some((first, [])) => first.fmt(f),
                    Some((first, rest)) => write!(f, "{first}, and {} more issues", rest.len()),
                    None => f.write_str("no issue"),
                }
            }
            Self::Json(error) => write!(f, "read expression: {error}"),
        }
    }
}

impl core::error::Error for ExpressionError {}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Bool(bool),
    Integer(i64),
    Text(Box<str>),
    Array(Box<[Self]>),
    Var(Path),
    /// As many operands as [`Operator::operands`] says.
    Operation(Operator, Box<[Self]>),
    PlusTime(Box<Self>, i64, Unit),
    ExtractFromUvci(Box<Self>, i64),
}

impl Node {
    fn for_each_path<'n>(&'n self, visit: &mut impl FnMut(&'n str)) {
        match self {
            Self::Bool(_) | Self::Integer(_) | Self::Text(_) => {}
            Self::Array(nodes) | Self::Operation(_, nodes) => {
                nodes.iter().for_each(|node| node.for_each_path(visit));
            }
            Self::Var(path) => visit(&path.text),
            Self::PlusTime(node, ..) | Self::ExtractFromUvci(node, _) => node.for_each_path(visit),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => string(f, text),
            Self::Array(nodes) => list(f, ('[', ']'), nodes, |f, node| node.fmt(f)),
            Self::Var(path) => {
                f.write_str("{\"var\":")?;
                string(f, &path.text)?;
                f.write_str("}")
            }
            Self::Operation(operator, operands) => {
                write!(f, "{{\"{}\":", operator.name())?;
                list(f, ('[', ']'), operands, |f, node| node.fmt(f))?;
                f.write_str("}")
            }
            Self::PlusTime(time, amount, unit) => {
                write!(f, "{{\"plusTime\":[{time},{amount},\"{}\"]}}", unit.name())
            }
            Self::ExtractFromUvci(text, index) => write!(f, "{{\"extractFromUVCI\":[{text},{index}]}}"),
        }
    }
}

/// Where a `var` looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    text: Box<str>,
    /// None at all stand for the whole context.
    pub(crate) fragments: Box<[Fragment]>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// What it says in an object.
    pub(crate) name: Box<str>,
    /// What it says in an array: digits and nothing else.
    pub(crate) index: Option<usize>,
}

impl Path {
    /// Reads a path; `None` if it has an empty fragment.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fragment = |name: &str| {
            let digits = name.bytes().all(|byte| byte.is_ascii_digit());
            let index = if digits { name.parse().ok() } else { None };
            (!name.is_empty()).then(|| Fragment { name: name.into(), index })
        };
        let fragments: Option<Box<[Fragment]>> =
            if text.is_empty() { Some(Box::default()) } else { text.split('.').map(fragment).collect() };
        Some(Self { text: text.into(), fragments: fragments? })
    }
}

/// The operations whose operands are all expressions, and the two with operands of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    After,
    And,
    Before,
    DccDateOfBirth,
    Equal,
    ExtractFromUvci,
    If,
    In,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Not,
    NotAfter,
    NotBefore,
    Plus,
    PlusTime,
    Reduce,
}

impl Operator {
    pub(crate) fn named(name: &str) -> Option<Self> {
        OPERATORS.iter().find(|(known, ..)| *known == name).map(|(_name, operator, ..)| *operator)
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().map_or("", |(name, ..)| *name)
    }

    /// The fewest and the most operands; `None` is any number.
    pub(crate) fn operands(self) -> (usize, Option<usize>) {
        self.row().map_or((0, None), |(.., least, most)| (*least, *most))
    }

    /// What it compares and how, if it compares.
    pub(crate) const fn comparison(self) -> Option<Comparison> {
        let (order, is_order, of_times) = match self {
            Self::After => (Ordering::Greater, true, true),
            Self::Before => (Ordering::Less, true, true),
            Self::NotAfter => (Ordering::Greater, false, true),
            Self::NotBefore => (Ordering::Less, false, true),
            Self::Less => (Ordering::Less, true, false),
            Self::LessOrEqual => (Ordering::Greater, false, false),
            Self::More => (Ordering::Greater, true, false),
            Self::MoreOrEqual => (Ordering::Less, false, false),
            Self::And
            | Self::DccDateOfBirth
            | Self::Equal
            | Self::ExtractFromUvci
            | Self::If
            | Self::In
            | Self::Not
            | Self::Plus
            | Self::PlusTime
            | Self::Reduce => return None,
        };
        Some(Comparison { order, is_order, of_times })
    }

    fn row(self) -> Option<&'static (&'static str, Self, usize, Option<usize>)> {
        OPERATORS.iter().find(|(_name, operator, ..)| *operator == self)
    }
}

/// What makes a comparison true.
#[derive(Clone, Copy)]
pub(crate) struct Comparison {
    pub(crate) order: Ordering,
    /// Whether the operands have that order, or have it not.
    pub(crate) is_order: bool,
    /// Whether the operands are date-times, or integers.
    pub(crate) of_times: bool,
}

/// Name, operator, the fewest and the most operands.
static OPERATORS: [(&str, Operator, usize, Option<usize>); 18] = [
    ("!", Operator::Not, 1, Some(1)),
    ("+", Operator::Plus, 2, Some(2)),
    ("<", Operator::Less, 2, Some(3)),
    ("<=", Operator::LessOrEqual, 2, Some(3)),
    ("===", Operator::Equal, 2, Some(2)),
    (">", Operator::More, 2, Some(3)),
    (">=", Operator::MoreOrEqual, 2, Some(3)),
    ("after", Operator::After, 2, Some(3)),
    ("and", Operator::And, 2, None),
    ("before", Operator::Before, 2, Some(3)),
    ("dccDateOfBirth", Operator::DccDateOfBirth, 1, Some(1)),
    ("extractFromUVCI", Operator::ExtractFromUvci, 2, Some(2)),
    ("if", Operator::If, 3, Some(3)),
    ("in", Operator::In, 2, Some(2)),
    ("not-after", Operator::NotAfter, 2, Some(3)),
    ("not-before", Operator::NotBefore, 2, Some(3)),
    ("plusTime", Operator::PlusTime, 3, Some(3)),
    ("reduce", Operator::Reduce, 3, Some(3)),
];

/// The longest of 194 rules that the EU's member states had published by 2022 has 665 bytes, that of Korea 701.
pub const MAX_EXPRESSION_BYTES: usize = 16_384;
