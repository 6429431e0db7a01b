//! JSON (RFC 8259) written member by member, so that the bytes depend on nothing but this file.

/// A string in quotes, with the escapes that RFC 8259 section 7 demands.
#[must_use]
pub fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An array of values that are JSON already.
#[must_use]
pub fn array(values: &[String]) -> String {
    format!("[{}]", values.join(","))
}

/// An object of members whose values are JSON already, in this order.
#[must_use]
pub fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{value}", string(name))).collect();
    format!("{{{}}}", members.join(","))
}

/// The same with one member a line and a final newline, for files that people read.
#[must_use]
pub fn file(members: &[(&str, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!(" {}: {value}", string(name))).collect();
    format!("{{\n{}\n}}\n", members.join(",\n"))
}
