//! Pure. Values as compact JSON.

use core::fmt::{self, Write as _};

use crate::value::Value;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Decimal(number) => write!(f, "{}", number.get()),
            Self::Text(text) => string(f, text),
            Self::Array(items) => list(f, ('[', ']'), items, |f, item| write!(f, "{item}")),
            Self::Object(members) => list(f, ('{', '}'), members, |f, (name, value)| {
                string(f, name)?;
                write!(f, ":{value}")
            }),
            Self::DateTime(at) => write!(f, "\"{at}\""),
        }
    }
}

/// Items between brackets, with commas.
pub(crate) fn list<I: IntoIterator>(
    f: &mut fmt::Formatter<'_>,
    (open, close): (char, char),
    items: I,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, I::Item) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_char(',')?;
        }
        write(f, item)?;
    }
    f.write_char(close)
}

/// A string with its quotes: the shortest escapes of RFC 8259 section 7, nothing else escaped.
pub(crate) fn string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
            plain => f.write_char(plain)?,
        }
    }
    f.write_char('"')
}
