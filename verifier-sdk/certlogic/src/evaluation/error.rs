//! Pure. Why an evaluation has no result.

use core::fmt;

/// Why an evaluation has no result. It names operations and kinds and never a value: values are about people, and errors
/// go to logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The text is none of the formats of the operation, or no day of the calendar.
    Date {
        /// The operation.
        operation: &'static str,
    },
    /// Arrays were made that lie in each other more deeply than this.
    Depth {
        /// [`crate::MAX_DEPTH`].
        limit: usize,
    },
    /// An operand is of another kind than the operation takes.
    Kind {
        /// The operation.
        operation: &'static str,
        /// The kind that it takes.
        expected: Kind,
        /// The kind of the operand.
        found: Kind,
    },
    /// The operation has too few operands. No valid expression leads here.
    Operands {
        /// The operation.
        operation: &'static str,
    },
    /// The result is beyond the integers or the date-times that there are.
    Range {
        /// The operation.
        operation: &'static str,
    },
    /// The evaluation takes more steps than this.
    Steps {
        /// [`crate::MAX_STEPS`].
        limit: usize,
    },
    /// An operand is neither truthy nor falsy.
    Truth {
        /// The operation.
        operation: &'static str,
        /// The kind of the operand.
        found: Kind,
    },
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date { operation } => {
                write!(f, "evaluate \"{operation}\": the text is no date that it takes")
            }
            Self::Depth { limit } => {
                write!(f, "evaluate: arrays are made that are more than {limit} levels deep")
            }
            Self::Kind { operation, expected, found } => {
                write!(f, "evaluate \"{operation}\": it takes {expected} and not {found}")
            }
            Self::Operands { operation } => write!(f, "evaluate \"{operation}\": it has too few operands"),
            Self::Range { operation } => write!(f, "evaluate \"{operation}\": the result is out of range"),
            Self::Steps { limit } => write!(f, "evaluate: it takes more than {limit} steps"),
            Self::Truth { operation, found } => {
                write!(f, "evaluate \"{operation}\": {found} is neither truthy nor falsy")
            }
        }
    }
}

impl core::error::Error for EvaluationError {}

/// Kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// An array.
    Array,
    /// `true` or `false`.
    Bool,
    /// A date-time.
    DateTime,
    /// A number that is no integer.
    Decimal,
    /// An integer.
    Integer,
    /// `null`, or nothing there.
    Null,
    /// An object.
    Object,
    /// A string.
    Text,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Array => "an array",
            Self::Bool => "a boolean",
            Self::DateTime => "a date-time",
            Self::Decimal => "a number that is no integer",
            Self::Integer => "an integer",
            Self::Null => "null",
            Self::Object => "an object",
            Self::Text => "a string",
        })
    }
}
