//! Pure. JSON (RFC 8259) from strangers: one meaning for every text, within limits.
//!
//! `serde_json::Value` keeps the last of two members of the same name and turns large integers into floats, so two
//! readers may understand one signed text differently. [`Json`] is filled by a visitor of our own over the same
//! parser and refuses both, at every depth.
//!
//! # Invariants
//! An [`Object`] holds no name twice. An integer is within ±(2^53 − 1) (RFC 7493 section 2.2).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// What a JSON text may cost its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the text.
    pub bytes: usize,
    /// Most arrays and objects inside each other.
    pub depth: usize,
    /// Most values, counting arrays, objects and what is in them, not member names.
    pub values: usize,
}

/// A JSON value without fractions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// An array.
    Array(Vec<Self>),
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction or exponent, within ±(2^53 − 1).
    Integer(i64),
    /// `null`.
    Null,
    /// An object.
    Object(Object),
    /// A string, with its escapes resolved.
    String(String),
}

impl Json {
    /// Reads one JSON text in UTF-8. Whitespace around it is allowed, other bytes are not.
    ///
    /// # Errors
    /// Text that is not JSON or not within `limits`, a member name that occurs twice in one object, a number with
    /// a fraction or an exponent or beyond ±(2^53 − 1).
    //= specs/credential.md#limits
    pub fn parse(text: &[u8], limits: &Limits) -> Result<Self, JsonError> {
        if text.len() > limits.bytes {
            return Err(JsonError {
                member: String::new(),
                problem: JsonProblem::TooLong { limit: limits.bytes },
            });
        }
        let state = State {
            limits: *limits,
            values: Cell::new(0),
            member: RefCell::new(String::new()),
            problem: Cell::new(None),
        };
        let mut reader = serde_json::Deserializer::from_slice(text);
        let read = Seed { state: &state, depth: 0 }
            .deserialize(&mut reader)
            .and_then(|value| reader.end().map(|()| value));
        read.map_err(|error| {
            let syntax = JsonProblem::Syntax { line: error.line(), column: error.column() };
            JsonError { member: state.member.take(), problem: state.problem.take().unwrap_or(syntax) }
        })
    }

    /// The object that this value is.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn object(&self) -> Result<&Object, JsonError> {
        if let Self::Object(object) = self { Ok(object) } else { Err(JsonError::kind("an object")) }
    }

    pub(crate) fn into_object(self) -> Result<Object, JsonError> {
        if let Self::Object(object) = self { Ok(object) } else { Err(JsonError::kind("an object")) }
    }

    /// The items of the array that this value is.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn array(&self) -> Result<&[Self], JsonError> {
        if let Self::Array(items) = self { Ok(items) } else { Err(JsonError::kind("an array")) }
    }

    /// The string that this value is.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn string(&self) -> Result<&str, JsonError> {
        if let Self::String(text) = self { Ok(text) } else { Err(JsonError::kind("a string")) }
    }

    /// The integer that this value is.
    ///
    /// # Errors
    /// Another kind of value.
    pub const fn integer(&self) -> Result<i64, JsonError> {
        if let Self::Integer(number) = self { Ok(*number) } else { Err(JsonError::kind("an integer")) }
    }

    /// The integer that this value is, when it is not negative.
    ///
    /// # Errors
    /// Another kind of value, or a negative integer.
    pub fn unsigned(&self) -> Result<u64, JsonError> {
        u64::try_from(self.integer()?).map_err(|_negative| JsonError::kind("an integer from 0"))
    }

    /// The member of this name, when this value is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        if let Self::Object(object) = self { object.get(name) } else { None }
    }
}

/// The members of a JSON object in the order of the text, no name twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    members: Vec<(String, Json)>,
}

impl Object {
    /// The member of this name, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.members.iter().find(|(known, _value)| known == name).map(|(_name, value)| value)
    }

    /// Names and values in the order of the text.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The object of these members, unless a name occurs twice.
    #[must_use]
    pub fn from_members(members: Vec<(String, Json)>) -> Option<Self> {
        let object = Self { members };
        object.duplicate().is_none().then_some(object)
    }

    pub(crate) fn into_members(self) -> Vec<(String, Json)> {
        self.members
    }

    /// Whether the object has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The member of this name.
    ///
    /// # Errors
    /// The object has no such member.
    pub fn required(&self, name: &str) -> Result<&Json, JsonError> {
        self.get(name).ok_or_else(|| JsonError { member: printable(name), problem: JsonProblem::Missing })
    }

    /// The member of this name, which is an array.
    ///
    /// # Errors
    /// No such member, or another kind of value.
    pub fn array(&self, name: &str) -> Result<&[Json], JsonError> {
        self.required(name)?.array().map_err(|error| error.inside(name))
    }

    /// The member of this name, which is an integer.
    ///
    /// # Errors
    /// No such member, or another kind of value.
    pub fn integer(&self, name: &str) -> Result<i64, JsonError> {
        self.required(name)?.integer().map_err(|error| error.inside(name))
    }

    /// The member of this name, which is an object.
    ///
    /// # Errors
    /// No such member, or another kind of value.
    pub fn object(&self, name: &str) -> Result<&Self, JsonError> {
        self.required(name)?.object().map_err(|error| error.inside(name))
    }

    /// The member of this name, which is a string.
    ///
    /// # Errors
    /// No such member, or another kind of value.
    pub fn string(&self, name: &str) -> Result<&str, JsonError> {
        self.required(name)?.string().map_err(|error| error.inside(name))
    }

    /// The member of this name, which is an integer from 0.
    ///
    /// # Errors
    /// No such member, or another kind of value.
    pub fn unsigned(&self, name: &str) -> Result<u64, JsonError> {
        self.required(name)?.unsigned().map_err(|error| error.inside(name))
    }

    /// Refuses members that are not listed.
    ///
    /// # Errors
    /// Names the first unlisted member.
    pub fn expect_only(&self, names: &[&str]) -> Result<(), JsonError> {
        match self.members.iter().find(|(name, _value)| !names.contains(&name.as_str())) {
            Some((name, _value)) => {
                Err(JsonError { member: printable(name), problem: JsonProblem::Unexpected })
            }
            None => Ok(()),
        }
    }

    /// The first name that occurs twice.
    fn duplicate(&self) -> Option<&str> {
        if self.members.len() <= PAIRWISE_MEMBERS {
            let mut rest = self.members.iter();
            while let Some((name, _value)) = rest.next() {
                if rest.as_slice().iter().any(|(other, _value)| other == name) {
                    return Some(name);
                }
            }
            return None;
        }
        // Thousands of members must not cost millions of comparisons.
        let mut names: Vec<&str> = self.members.iter().map(|(name, _value)| name.as_str()).collect();
        names.sort_unstable();
        names.iter().zip(names.iter().skip(1)).find(|(left, right)| left == right).map(|(name, _twin)| *name)
    }
}

/// Appends `text` to `out` as a JSON string with its quotes: the shortest escapes of RFC 8259 section 7, nothing
/// else escaped. For those who compose JSON whose bytes get signed.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            plain => out.push(plain),
        }
    }
    out.push('"');
}

impl Json {
    /// Appends this value as JSON text without white space, members in their order: for those who compose JSON whose bytes
    /// get signed or hashed.
    pub fn push_to(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Integer(number) => out.push_str(&number.to_string()),
            Self::String(text) => push_string(out, text),
            Self::Array(items) => {
                out.push('[');
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        out.push(',');
                    }
                    item.push_to(out);
                }
                out.push(']');
            }
            Self::Object(object) => {
                out.push('{');
                for (number, (name, value)) in object.members().enumerate() {
                    if number > 0 {
                        out.push(',');
                    }
                    push_string(out, name);
                    out.push(':');
                    value.push_to(out);
                }
                out.push('}');
            }
        }
    }
}

/// Why a JSON text is refused, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Path of member names and item numbers, joined by `/`; empty for the text itself. Unprintable characters
    /// are escaped and long names cut, so that it may be logged.
    pub member: String,
    /// What is wrong there.
    pub problem: JsonProblem,
}

impl JsonError {
    const fn kind(expected: &'static str) -> Self {
        Self { member: String::new(), problem: JsonProblem::Kind { expected } }
    }

    /// The same error seen from the object or array that holds it: `name` is put in front of the path.
    #[must_use]
    pub fn inside(mut self, name: &str) -> Self {
        prepend(&mut self.member, name);
        self
    }
}

/// What is wrong with a JSON text or one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonProblem {
    /// The member occurs twice in its object.
    Duplicate,
    /// The value is of another kind.
    Kind {
        /// The kind that belongs there.
        expected: &'static str,
    },
    /// The member is not there.
    Missing,
    /// A number with a fraction or an exponent, or beyond ±(2^53 − 1).
    Number,
    /// Not JSON, or bytes after it.
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1; 0 when it is the end of a line.
        column: usize,
    },
    /// Arrays and objects are nested more deeply than this.
    TooDeep {
        /// [`Limits::depth`].
        limit: usize,
    },
    /// The text has more bytes than this.
    TooLong {
        /// [`Limits::bytes`].
        limit: usize,
    },
    /// The text has more values than this.
    TooMany {
        /// [`Limits::values`].
        limit: usize,
    },
    /// The member is none of those that belong there.
    Unexpected,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.member.is_empty() {
            f.write_str("JSON text ")?;
        } else {
            write!(f, "JSON member {} ", self.member)?;
        }
        match &self.problem {
            JsonProblem::Duplicate => f.write_str("occurs twice"),
            JsonProblem::Kind { expected } => write!(f, "is not {expected}"),
            JsonProblem::Missing => f.write_str("is missing"),
            JsonProblem::Number => f.write_str("is a number with a fraction or beyond 2^53 - 1"),
            JsonProblem::Syntax { line, column } => {
                write!(f, "does not parse at line {line} column {column}")
            }
            JsonProblem::TooDeep { limit } => write!(f, "is nested more than {limit} levels deep"),
            JsonProblem::TooLong { limit } => write!(f, "is longer than {limit} bytes"),
            JsonProblem::TooMany { limit } => write!(f, "goes beyond {limit} values"),
            JsonProblem::Unexpected => f.write_str("does not belong there"),
        }
    }
}

impl core::error::Error for JsonError {}

/// What the visitors of one text share. serde's errors carry only strings, so the typed cause waits here while
/// the error unwinds, and every level puts its name in front of the path.
struct State {
    limits: Limits,
    values: Cell<usize>,
    member: RefCell<String>,
    problem: Cell<Option<JsonProblem>>,
}

impl State {
    fn fail<E: de::Error>(&self, problem: JsonProblem) -> E {
        self.problem.set(Some(problem));
        E::custom("refused")
    }
}

#[derive(Clone, Copy)]
struct Seed<'s> {
    state: &'s State,
    /// Arrays and objects around the value.
    depth: usize,
}

impl Seed<'_> {
    /// The seed of the items of an array or the members of an object.
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let limit = self.state.limits.depth;
        if self.depth >= limit {
            return Err(self.state.fail(JsonProblem::TooDeep { limit }));
        }
        Ok(Self { depth: self.depth.saturating_add(1), ..self })
    }

    fn number<E: de::Error>(self, number: Option<i64>) -> Result<Json, E> {
        match number {
            Some(number) if number.unsigned_abs() <= MAX_INTEGER => Ok(Json::Integer(number)),
            Some(_) | None => Err(self.state.fail(JsonProblem::Number)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: de::Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        let limit = self.state.limits.values;
        let seen = self.state.values.get();
        if seen >= limit {
            return Err(self.state.fail(JsonProblem::TooMany { limit }));
        }
        self.state.values.set(seen.saturating_add(1));
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Json, E> {
        self.number(Some(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Json, E> {
        self.number(i64::try_from(number).ok())
    }

    /// The parser hands over fractions, exponents, integers beyond 64 bits and `-0` as floats.
    fn visit_f64<E: de::Error>(self, _number: f64) -> Result<Json, E> {
        self.number(None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_string()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        loop {
            match access.next_element_seed(inner) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return Ok(Json::Array(items)),
                Err(error) => {
                    prepend(&mut self.state.member.borrow_mut(), &items.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut members = Vec::new();
        while let Some(name) = access.next_key::<String>()? {
            match access.next_value_seed(inner) {
                Ok(value) => members.push((name, value)),
                Err(error) => {
                    prepend(&mut self.state.member.borrow_mut(), &name);
                    return Err(error);
                }
            }
        }
        let object = Object { members };
        if let Some(name) = object.duplicate() {
            prepend(&mut self.state.member.borrow_mut(), name);
            return Err(self.state.fail(JsonProblem::Duplicate));
        }
        Ok(Json::Object(object))
    }
}

/// Puts a name in front of a path.
fn prepend(path: &mut String, name: &str) {
    let mut longer = printable(name);
    if !path.is_empty() {
        longer.push('/');
        longer.push_str(path);
    }
    *path = longer;
}

/// A name as it may stand in an error: names come from strangers and errors go to logs.
fn printable(name: &str) -> String {
    name.chars().take(PRINTED_NAME_CHARACTERS).flat_map(char::escape_debug).collect()
}

/// 2^53 − 1: what every JSON reader holds exactly (RFC 7493 section 2.2).
const MAX_INTEGER: u64 = 9_007_199_254_740_991;

/// Up to here comparing all pairs of names is cheaper than sorting them (a credential has about 15 members).
const PAIRWISE_MEMBERS: usize = 24;

/// Longer names are cut in errors; the longest that W3C VC 2.0 defines has 21.
const PRINTED_NAME_CHARACTERS: usize = 40;
