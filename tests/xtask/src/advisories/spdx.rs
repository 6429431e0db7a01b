//! Licence expressions (SPDX 2.3 annex D): `OR`, `AND`, `WITH`, brackets; and Cargo's old `/`, which means `OR`.

use anyhow::{Result, bail};

/// Whether the expression can be satisfied with licences of the list; `A WITH B` is looked up as one name.
///
/// # Errors
/// Fails when the expression is malformed or nests deeper than any licence needs.
pub(super) fn allowed(expression: &str, list: &[&str]) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, list };
    let allowed = parser.any_of(0)?;
    if let [word, ..] = parser.words {
        bail!("unexpected `{word}` in licence `{expression}`");
    }
    Ok(allowed)
}

struct Parser<'a> {
    /// What is still to be read.
    words: &'a [&'a str],
    list: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn any_of(&mut self, depth: usize) -> Result<bool> {
        let mut allowed = self.all_of(depth)?;
        while self.take("OR") {
            // Both sides are read whatever the first said: the expression must be well formed to its end.
            allowed |= self.all_of(depth)?;
        }
        Ok(allowed)
    }

    fn all_of(&mut self, depth: usize) -> Result<bool> {
        let mut allowed = self.one(depth)?;
        while self.take("AND") {
            allowed &= self.one(depth)?;
        }
        Ok(allowed)
    }

    fn one(&mut self, depth: usize) -> Result<bool> {
        if depth > MAX_DEPTH {
            bail!("a licence expression nests deeper than {MAX_DEPTH}");
        }
        if self.take("(") {
            let allowed = self.any_of(depth + 1)?;
            if !self.take(")") {
                bail!("a bracket of a licence expression is not closed");
            }
            return Ok(allowed);
        }
        let mut name = String::from(self.name()?);
        if self.take("WITH") {
            name = format!("{name} WITH {}", self.name()?);
        }
        Ok(self.list.contains(&name.as_str()))
    }

    fn name(&mut self) -> Result<&'a str> {
        match self.words {
            [word, rest @ ..] if !["OR", "AND", "WITH", "(", ")"].contains(word) => {
                self.words = rest;
                Ok(word)
            }
            [word, ..] => bail!("expected a licence, found `{word}`"),
            [] => bail!("expected a licence, found the end"),
        }
    }

    fn take(&mut self, expected: &str) -> bool {
        match self.words {
            [word, rest @ ..] if *word == expected => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

/// The deepest expression in use nests once.
const MAX_DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::allowed;

    const LIST: [&str; 4] = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];

    fn is_allowed(expression: &str) -> bool {
        allowed(expression, &LIST).expect("a well-formed expression")
    }

    #[test]
    fn or_needs_one_and_needs_all() {
        assert!(is_allowed("GPL-3.0-only OR MIT") && is_allowed("MIT OR GPL-3.0-only"));
        assert!(!is_allowed("MIT AND GPL-3.0-only") && !is_allowed("GPL-3.0-only"));
        assert!(is_allowed("MIT/GPL-3.0-only"), "the old form of Cargo");
    }

    #[test]
    fn and_binds_tighter_than_or_and_brackets_bind_tightest() {
        assert!(is_allowed("(MIT OR GPL-3.0-only) AND Unicode-3.0"));
        assert!(is_allowed("MIT OR GPL-3.0-only AND OpenSSL"));
        assert!(!is_allowed("(MIT OR GPL-3.0-only) AND OpenSSL"));
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception"));
        assert!(!is_allowed("MIT WITH LLVM-exception"));
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception OR MIT"));
    }

    #[test]
    fn malformed_expressions_are_errors() {
        let deep = format!("{}MIT{}", "(".repeat(20), ")".repeat(20));
        for expression in
            ["", "MIT OR", "OR MIT", "MIT Apache-2.0", "(MIT", "MIT)", "MIT WITH", deep.as_str()]
        {
            assert!(allowed(expression, &LIST).is_err(), "{expression}");
        }
    }
}
