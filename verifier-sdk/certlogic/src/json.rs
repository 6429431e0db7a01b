//! Pure. A strict reader of JSON (RFC 8259): no name twice, no number that is infinite, no lone surrogate, bounds.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::value::{Value, number};

impl Value {
    /// Reads data: a JSON text of at most [`MAX_DATA_BYTES`], nested at most [`MAX_DEPTH`] deep.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        read(text, MAX_DATA_BYTES)
    }
}

/// Reads a JSON text of at most `limit` bytes.
pub(crate) fn read(text: &[u8], limit: usize) -> Result<Value, JsonError> {
    if text.len() > limit {
        return Err(JsonError { at: limit, problem: JsonProblem::TooLong { limit } });
    }
    let text = core::str::from_utf8(text)
        .map_err(|error| JsonError { at: error.valid_up_to(), problem: JsonProblem::Utf8 })?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.peek().is_some() { Err(reader.fail(JsonProblem::Syntax)) } else { Ok(value) }
}

/// Why a text is no JSON that is taken, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonError {
    /// Bytes before the place.
    pub at: usize,
    /// What is wrong there.
    pub problem: JsonProblem,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonProblem {
    /// An object has a name twice.
    Duplicate,
    /// A number beyond what a double holds.
    Number,
    /// Not the grammar of RFC 8259.
    Syntax,
    /// Nested more deeply than this.
    TooDeep {
        /// [`MAX_DEPTH`].
        limit: usize,
    },
    /// More bytes than this.
    TooLong {
        /// Bytes.
        limit: usize,
    },
    /// Not UTF-8, or an escape that is no character.
    Utf8,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            JsonProblem::Duplicate => f.write_str("JSON object has a name twice"),
            JsonProblem::Number => f.write_str("JSON number is beyond a double"),
            JsonProblem::Syntax => f.write_str("JSON does not parse"),
            JsonProblem::TooDeep { limit } => write!(f, "JSON is nested more than {limit} levels deep"),
            JsonProblem::TooLong { limit } => write!(f, "JSON is longer than {limit} bytes"),
            JsonProblem::Utf8 => f.write_str("JSON is not UTF-8"),
        }?;
        write!(f, " at byte {}", self.at)
    }
}

impl core::error::Error for JsonError {}

struct Reader<'t> {
    text: &'t str,
    /// Bytes read; always at the beginning of a character.
    at: usize,
}

impl<'t> Reader<'t> {
    const fn fail(&self, problem: JsonProblem) -> JsonError {
        JsonError { at: self.at, problem }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes on by so many bytes, all of them ASCII or whole characters.
    const fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.skip(1);
        }
    }

    /// Whether the next byte is this one, which is taken then.
    fn takes(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        if is {
            self.skip(1);
        }
        is
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.takes(byte) { Ok(()) } else { Err(self.fail(JsonProblem::Syntax)) }
    }

    /// `depth` arrays and objects are around the value.
    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'[' | b'{') if depth >= MAX_DEPTH => {
                Err(self.fail(JsonProblem::TooDeep { limit: MAX_DEPTH }))
            }
            Some(b'[') => self.array(depth.saturating_add(1)),
            Some(b'{') => self.object(depth.saturating_add(1)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) | None => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, JsonError> {
        let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.skip(word.len());
                return Ok(value);
            }
        }
        Err(self.fail(JsonProblem::Syntax))
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        self.skip_space();
        if self.takes(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            if !self.takes(b',') {
                self.expect(b']')?;
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.expect(b'{')?;
        let mut members = BTreeMap::new();
        self.skip_space();
        if self.takes(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            let begin = self.at;
            let name = self.string()?;
            if members.contains_key(&name) {
                return Err(JsonError { at: begin, problem: JsonProblem::Duplicate });
            }
            self.skip_space();
            self.expect(b':')?;
            let value = self.value(depth)?;
            members.insert(name, value);
            self.skip_space();
            if !self.takes(b',') {
                self.expect(b'}')?;
                return Ok(Value::Object(members));
            }
        }
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let begin = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            if !self.takes(b'+') {
                self.takes(b'-');
            }
            self.digits()?;
        }
        let text = self.text.get(begin..self.at).unwrap_or_default();
        number(text).ok_or(JsonError { at: begin, problem: JsonProblem::Number })
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), JsonError> {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.skip(count);
        if count == 0 { Err(self.fail(JsonProblem::Syntax)) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.expect(b'"')?;
        let mut string = String::new();
        loop {
            let plain = self.rest().find(|c| matches!(c, '"' | '\\' | '\0'..='\u{1f}'));
            let Some(plain) = plain else {
                self.at = self.text.len();
                return Err(self.fail(JsonProblem::Syntax));
            };
            string.push_str(self.rest().get(..plain).unwrap_or_default());
            self.skip(plain);
            if self.takes(b'"') {
                return Ok(string);
            }
            // What is left is an escape, or a control character, which has to be one.
            self.expect(b'\\')?;
            string.push(self.escape()?);
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, JsonError> {
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            Some(_) | None => return Err(self.fail(JsonProblem::Syntax)),
        };
        self.skip(1);
        Ok(plain)
    }

    /// `uXXXX`, or a pair of surrogates.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex()?;
        let units = if (0xd800..0xdc00).contains(&first) {
            self.expect(b'\\')?;
            [first, self.hex()?]
        } else {
            [first, 0]
        };
        let units = if units[1] == 0 { units.get(..1) } else { units.get(..2) }.unwrap_or_default();
        match char::decode_utf16(units.iter().copied()).next() {
            Some(Ok(character)) => Ok(character),
            Some(Err(_)) | None => Err(self.fail(JsonProblem::Utf8)),
        }
    }

    fn hex(&mut self) -> Result<u16, JsonError> {
        self.expect(b'u')?;
        let digits =
            self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.fail(JsonProblem::Syntax))?;
        self.skip(4);
        Ok(unit)
    }
}

/// Arrays and objects that may lie in each other: 64 operations, each of which is an object around an array. Of
/// the 194 rules that the EU's member states had published by 2022, the deepest has 15 levels.
pub const MAX_DEPTH: usize = 128;

/// The longest data of the 1,364 tests of those rules, value sets included, have 9,303 bytes.
pub const MAX_DATA_BYTES: usize = 65_536;
