//! Source files: finding them, and reading Rust without its comments and strings.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// All files with this extension below `folder`, sorted; build output and dot folders are left out.
///
/// # Errors
/// Fails when a folder cannot be listed.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = all_files(folder)?;
    found.retain(|path| path.extension().is_some_and(|end| end == extension));
    Ok(found)
}

/// All files below `folder`, sorted; build output and dot folders are left out.
///
/// # Errors
/// Fails when a folder cannot be listed.
pub(crate) fn all_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        let shown = folder.display();
        for item in fs::read_dir(&folder).with_context(|| format!("list {shown}"))? {
            let item = item.with_context(|| format!("list {shown}"))?;
            let name = item.file_name();
            let kind = item.file_type().with_context(|| format!("list {shown}"))?;
            if kind.is_file() {
                found.push(item.path());
            } else if kind.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                open.push(item.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a text file.
///
/// # Errors
/// Fails when it cannot be read or is not UTF-8, with the path named.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// One word or punctuation mark of Rust code and the line that it stands on, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Splits Rust code into words and single marks (`::` is one), leaving out comments, string and character
/// literals: prose may speak of clocks and files.
pub(crate) fn tokens(code: &str) -> Vec<Token> {
    let characters: Vec<char> = code.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(&character) = characters.get(at) {
        let rest = characters.get(at..).unwrap_or_default();
        let prose = prose_length(rest);
        let length = if prose > 0 {
            prose
        } else if is_word(character) {
            rest.iter().take_while(|&&c| is_word(c)).count()
        } else if rest.starts_with(&[':', ':']) {
            2
        } else {
            1
        };
        let text: String = rest.iter().take(length).collect();
        if prose == 0 && !character.is_whitespace() {
            tokens.push(Token { line, text: text.clone() });
        }
        line += text.matches('\n').count();
        at += length;
    }
    tokens
}

/// How many characters at the start of `rest` are a comment or a literal; 0 when they are code.
fn prose_length(rest: &[char]) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().take_while(|&&c| c != '\n').count(),
        ['/', '*', ..] => block_comment_length(rest),
        ['"', ..] => quoted_length(rest, '"'),
        ['b' | 'c', '"', ..] => 1 + quoted_length(rest.get(1..).unwrap_or_default(), '"'),
        ['r', '"' | '#', ..] => raw_length(rest, 1),
        ['b' | 'c', 'r', '"' | '#', ..] => raw_length(rest, 2),
        ['\'', '\\', ..] => quoted_length(rest, '\''),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

fn block_comment_length(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match rest.get(at..).unwrap_or_default() {
            [] => return at,
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
    }
}

fn quoted_length(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while let Some(&character) = rest.get(at) {
        at += match character {
            '\\' => 2,
            c if c == quote => return at + 1,
            _ => 1,
        };
    }
    rest.len()
}

/// A raw string, or 0 for a raw identifier such as `r#type`.
fn raw_length(rest: &[char], prefix: usize) -> usize {
    let hashes = rest.iter().skip(prefix).take_while(|&&c| c == '#').count();
    let body = prefix + hashes + 1;
    if rest.get(body - 1) != Some(&'"') {
        return 0;
    }
    let mut end = vec!['"'];
    end.resize(hashes + 1, '#');
    let tail = rest.get(body..).unwrap_or_default();
    let inside = tail.windows(end.len()).position(|window| window == end);
    inside.map_or(rest.len(), |inside| body + inside + end.len())
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens};

    fn words(code: &str) -> Vec<String> {
        tokens(code).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        let code = "a // File\n/* Instant /* nested */ thread */ b \"std::fs \\\" x\" c r#\"net \" more\"# d b\"fs\" '\"' e";
        assert_eq!(words(code), ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn paths_lifetimes_and_raw_identifiers_are_code() {
        assert_eq!(
            words("core::fmt<'a> r#type"),
            ["core", "::", "fmt", "<", "'", "a", ">", "r", "#", "type"]
        );
        assert_eq!(words("for_bar b'x' r"), ["for_bar", "b", "r"]);
    }

    #[test]
    fn lines_are_counted_through_prose() {
        let last = tokens("/* 1\n2 */ \"3\n\"\nword").pop();
        assert_eq!(last, Some(Token { line: 4, text: "word".into() }));
    }
}
