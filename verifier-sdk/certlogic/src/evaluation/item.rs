//! Pure. What operations work on: parts of the data and of the expression by reference, and what they make.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ptr;

use crate::datetime::DateTime;
use crate::evaluation::error::{EvaluationError, Kind};
use crate::expression::{Fragment, Operator};
use crate::json::MAX_DEPTH;
use crate::value::{Decimal, Value};

/// A value while it is being worked on.
#[derive(Clone)]
pub(super) enum Item<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Decimal(Decimal),
    /// Every text is one of the data or of the expression, or a piece of one.
    Text(&'a str),
    /// A date-time and when it was made.
    DateTime(DateTime, usize),
    /// An array, an object or a date-time of the data.
    Data(&'a Value),
    /// An array that the expression made.
    Made(Rc<Made<'a>>),
    /// What the second operand of a `reduce` takes for the data.
    Frame(Rc<Frame<'a>>),
}

/// An array that the expression made.
pub(super) struct Made<'a> {
    items: Vec<Item<'a>>,
    depth: usize,
}

/// An object of two members.
pub(super) struct Frame<'a> {
    pub(super) accumulator: Item<'a>,
    pub(super) current: Item<'a>,
    depth: usize,
}

impl<'a> Made<'a> {
    pub(super) fn new(items: Vec<Item<'a>>) -> Result<Self, EvaluationError> {
        let depth = depth_around(&items)?;
        Ok(Self { items, depth })
    }
}

impl<'a> Frame<'a> {
    pub(super) fn new(accumulator: Item<'a>, current: Item<'a>) -> Result<Self, EvaluationError> {
        let depth = depth_around([&accumulator, &current])?;
        Ok(Self { accumulator, current, depth })
    }
}

/// The depth of what is made around these items. It is bounded because what is deep is also dropped deeply.
fn depth_around<'i, 'a: 'i>(items: impl IntoIterator<Item = &'i Item<'a>>) -> Result<usize, EvaluationError> {
    let deepest = items.into_iter().map(Item::depth).max().unwrap_or_default();
    let depth = deepest.saturating_add(1);
    if depth > MAX_DEPTH { Err(EvaluationError::Depth { limit: MAX_DEPTH }) } else { Ok(depth) }
}

impl<'a> Item<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Integer(number) => Self::Integer(*number),
            Value::Decimal(number) => Self::Decimal(*number),
            Value::Text(text) => Self::Text(text),
            Value::Array(_) | Value::DateTime(_) | Value::Object(_) => Self::Data(value),
        }
    }

    /// How deeply made things lie in it; what the data bring was bounded when they were read.
    fn depth(&self) -> usize {
        match self {
            Self::Made(made) => made.depth,
            Self::Frame(frame) => frame.depth,
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::Text(_)
            | Self::DateTime(..)
            | Self::Data(_) => 0,
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Null | Self::Data(Value::Null) => Kind::Null,
            Self::Bool(_) | Self::Data(Value::Bool(_)) => Kind::Bool,
            Self::Integer(_) | Self::Data(Value::Integer(_)) => Kind::Integer,
            Self::Decimal(_) | Self::Data(Value::Decimal(_)) => Kind::Decimal,
            Self::Text(_) | Self::Data(Value::Text(_)) => Kind::Text,
            Self::DateTime(..) | Self::Data(Value::DateTime(_)) => Kind::DateTime,
            Self::Data(Value::Array(_)) | Self::Made(_) => Kind::Array,
            Self::Data(Value::Object(_)) | Self::Frame(_) => Kind::Object,
        }
    }

    /// Whether it is truthy; a date-time is neither that nor falsy.
    pub(super) fn is_truthy(&self, operator: Operator) -> Result<bool, EvaluationError> {
        match self {
            Self::Null => Ok(false),
            Self::Bool(value) => Ok(*value),
            Self::Integer(number) => Ok(*number != 0),
            Self::Decimal(_) | Self::Frame(_) => Ok(true),
            Self::Text(text) => Ok(!text.is_empty()),
            Self::Made(made) => Ok(!made.items.is_empty()),
            Self::Data(Value::Array(items)) => Ok(!items.is_empty()),
            Self::Data(Value::Object(members)) => Ok(!members.is_empty()),
            Self::DateTime(..) | Self::Data(_) => {
                Err(EvaluationError::Truth { operation: operator.name(), found: self.kind() })
            }
        }
    }

    pub(super) fn integer(&self, operator: Operator) -> Result<i64, EvaluationError> {
        if let Self::Integer(number) = self {
            return Ok(*number);
        }
        Err(self.mistaken_for(Kind::Integer, operator.name()))
    }

    pub(super) fn milliseconds(&self, operator: Operator) -> Result<i64, EvaluationError> {
        match self {
            Self::DateTime(at, _) | Self::Data(Value::DateTime(at)) => Ok(at.milliseconds()),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::Text(_)
            | Self::Data(_)
            | Self::Made(_)
            | Self::Frame(_) => Err(self.mistaken_for(Kind::DateTime, operator.name())),
        }
    }

    pub(super) fn text(&self, operation: &'static str) -> Result<&'a str, EvaluationError> {
        if let Self::Text(text) = self { Ok(text) } else { Err(self.mistaken_for(Kind::Text, operation)) }
    }

    const fn mistaken_for(&self, expected: Kind, operation: &'static str) -> EvaluationError {
        EvaluationError::Kind { operation, expected, found: self.kind() }
    }

    /// The items of an array; `None` of anything else.
    pub(super) fn items(&self) -> Option<impl Iterator<Item = Self> + '_> {
        let (data, made) = if let Self::Data(Value::Array(items)) = self {
            (items.as_slice(), [].as_slice())
        } else if let Self::Made(made) = self {
            ([].as_slice(), made.items.as_slice())
        } else {
            return None;
        };
        Some(data.iter().map(Self::of).chain(made.iter().cloned()))
    }

    /// What is there at one step of a path; `None` if nothing is.
    pub(super) fn get(&self, step: &Fragment) -> Option<Self> {
        match self {
            Self::Data(Value::Object(members)) => members.get(&*step.name).map(Self::of),
            Self::Data(Value::Array(items)) => items.get(step.index?).map(Self::of),
            Self::Made(made) => made.items.get(step.index?).cloned(),
            Self::Frame(frame) => match &*step.name {
                "accumulator" => Some(frame.accumulator.clone()),
                "current" => Some(frame.current.clone()),
                _ => None,
            },
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::Text(_)
            | Self::DateTime(..)
            | Self::Data(_) => None,
        }
    }

    /// Whether both are the same simple value or one and the same thing.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Integer(left), Self::Integer(right)) => left == right,
            (Self::Decimal(left), Self::Decimal(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::DateTime(_, left), Self::DateTime(_, right)) => left == right,
            (Self::Data(left), Self::Data(right)) => ptr::eq(*left, *right),
            (Self::Made(left), Self::Made(right)) => Rc::ptr_eq(left, right),
            (Self::Frame(left), Self::Frame(right)) => Rc::ptr_eq(left, right),
            _ => false,
        }
    }
}
