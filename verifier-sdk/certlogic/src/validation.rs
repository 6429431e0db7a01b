//! Pure. Which values are expressions: every issue of one that is not, in the order in which it is read.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::datetime::Unit;
use crate::expression::{Node, Operator, Path};
use crate::value::Value;

/// Every issue that keeps a value from being an expression; none means that it is one.
#[must_use]
pub fn validate(value: &Value) -> Vec<Issue> {
    let mut issues = Vec::new();
    let _node = read(value, &mut issues);
    issues
}

/// One thing that is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Issue {
    /// The part that it is wrong with.
    pub expression: Value,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

/// What is wrong with a part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// An operand that must be written as an integer is something else.
    Integer {
        /// The operation.
        operation: &'static str,
    },
    /// An object has this many members instead of one.
    Members(usize),
    /// `null`, or a date-time.
    NoExpression,
    /// A number with a fraction, or beyond [`crate::MAX_INTEGER`].
    Number(Value),
    /// An operation has too few or too many operands.
    Operands {
        /// The operation.
        operation: &'static str,
        /// The fewest.
        least: usize,
        /// The most; `None` is any number.
        most: Option<usize>,
        /// How many there are.
        found: usize,
    },
    /// The operands are no array.
    OperandsForm,
    /// The path of a `var` has an empty fragment.
    Path(String),
    /// The path of a `var` is no string.
    PathForm,
    /// The unit of a `plusTime` is none of the four.
    Unit,
    /// No operation has this name.
    UnknownOperation(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { operation } => {
                write!(f, "operand 2 of \"{operation}\" is not written as an integer")
            }
            Self::Members(count) => {
                write!(f, "expression object must have exactly one key, but it has {count}")
            }
            Self::NoExpression => f.write_str("invalid CertLogic expression"),
            Self::Number(number) => write!(f, "{number} is a non-integer number"),
            Self::Operands { operation, least, most, found } => {
                write!(f, "\"{operation}\" takes {least}")?;
                match most {
                    Some(most) if most == least => {}
                    Some(most) => write!(f, " to {most}")?,
                    None => f.write_str(" or more")?,
                }
                write!(f, " operands and has {found}")
            }
            Self::OperandsForm => {
                f.write_str("operation not of the form { \"<operator>\": [ <values...> ] }")
            }
            Self::Path(path) => write!(f, "data access path doesn't have a valid format: {path}"),
            Self::PathForm => f.write_str("not of the form { \"var\": \"<path>\" }"),
            Self::Unit => f.write_str("operand 3 of \"plusTime\" is none of year, month, day and hour"),
            Self::UnknownOperation(name) => write!(f, "unrecognised operator: \"{name}\""),
        }
    }
}

/// Reads an expression; `None` if there are issues, which are all added.
pub(crate) fn read(value: &Value, issues: &mut Vec<Issue>) -> Option<Node> {
    let problem = match value {
        Value::Bool(value) => return Some(Node::Bool(*value)),
        Value::Integer(number) => return Some(Node::Integer(*number)),
        Value::Text(text) => return Some(Node::Text(text.as_str().into())),
        Value::Array(items) => return read_all(items, issues).map(Node::Array),
        Value::Object(members) => return read_operation(value, members, issues),
        Value::Decimal(_) => Problem::Number(value.clone()),
        Value::DateTime(_) | Value::Null => Problem::NoExpression,
    };
    issues.push(Issue { expression: value.clone(), problem });
    None
}

fn read_all(values: &[Value], issues: &mut Vec<Issue>) -> Option<Box<[Node]>> {
    let nodes: Vec<Option<Node>> = values.iter().map(|value| read(value, issues)).collect();
    nodes.into_iter().collect()
}

fn read_operation(whole: &Value, members: &BTreeMap<String, Value>, issues: &mut Vec<Issue>) -> Option<Node> {
    let mut found = Found { whole, issues };
    let mut entries = members.iter();
    let (Some((name, operands)), None) = (entries.next(), entries.next()) else {
        return found.fail(Problem::Members(members.len()));
    };
    if name == "var" {
        let Value::Text(path) = operands else { return found.fail(Problem::PathForm) };
        return match Path::parse(path) {
            Some(path) => Some(Node::Var(path)),
            None => found.fail(Problem::Path(path.clone())),
        };
    }
    let Value::Array(operands) = operands else { return found.fail(Problem::OperandsForm) };
    let Some(operator) = Operator::named(name) else {
        return found.fail(Problem::UnknownOperation(name.clone()));
    };
    found.operation(operator, operands)
}

/// One operation that is being read.
struct Found<'v, 'i> {
    whole: &'v Value,
    issues: &'i mut Vec<Issue>,
}

impl Found<'_, '_> {
    fn fail<T>(&mut self, problem: Problem) -> Option<T> {
        self.issues.push(Issue { expression: self.whole.clone(), problem });
        None
    }

    fn operation(&mut self, operator: Operator, operands: &[Value]) -> Option<Node> {
        let (least, most) = operator.operands();
        let found = operands.len();
        let counted = found >= least && most.is_none_or(|most| found <= most);
        if !counted {
            let operation = operator.name();
            let issue: Option<Node> = self.fail(Problem::Operands { operation, least, most, found });
            // There is nothing to say about what is negated if that is not clear.
            if operator == Operator::Not {
                return issue;
            }
        }
        // Of operands beyond the last one nothing is said either.
        let operands = operands.get(..most.unwrap_or(found)).unwrap_or(operands);
        let node = if operator == Operator::PlusTime {
            self.plus_time(operands)
        } else if operator == Operator::ExtractFromUvci {
            self.extract(operands)
        } else {
            read_all(operands, self.issues).map(|operands| Node::Operation(operator, operands))
        };
        node.filter(|_node| counted)
    }

    fn plus_time(&mut self, operands: &[Value]) -> Option<Node> {
        let [time, amount, unit] = [operands.first(), operands.get(1), operands.get(2)];
        let time = time.and_then(|time| read(time, self.issues));
        let amount = self.integer(Operator::PlusTime, amount);
        let unit = match unit {
            Some(Value::Text(name)) => match Unit::ALL.iter().find(|(known, _unit)| known == name) {
                Some((_name, unit)) => Some(*unit),
                None => self.fail(Problem::Unit),
            },
            Some(_) => self.fail(Problem::Unit),
            None => None,
        };
        Some(Node::PlusTime(Box::new(time?), amount?, unit?))
    }

    fn extract(&mut self, operands: &[Value]) -> Option<Node> {
        let text = operands.first().and_then(|text| read(text, self.issues));
        let index = self.integer(Operator::ExtractFromUvci, operands.get(1));
        Some(Node::ExtractFromUvci(Box::new(text?), index?))
    }

    fn integer(&mut self, operator: Operator, operand: Option<&Value>) -> Option<i64> {
        match operand {
            Some(Value::Integer(number)) => Some(*number),
            Some(_) => self.fail(Problem::Integer { operation: operator.name() }),
            None => None,
        }
    }
}
