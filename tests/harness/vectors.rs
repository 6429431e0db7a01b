//! Test vectors: one scenario a text file, written by the [reference](crate::reference) and by hand-made damage.
//! `specs/README.md` has the format.

use std::fs;
use std::io;
use std::path::Path;

use crate::reference::encoding::{hex, unhex};
use crate::reference::tree::Hash;

pub mod attack;
pub mod authorities;
pub mod checkpoint;
pub mod cosignature;
pub mod credential;
pub mod date;
pub mod delta;
pub mod entry;
pub mod evidence;
pub mod forms;
pub mod landmark;
pub mod ledger;
pub mod note;
pub mod packed;
pub mod policy;
pub mod presentation;
pub mod receipt;
pub mod rules;
pub mod status;
pub mod subtree;
pub mod tile;
pub mod tree;
pub mod trust;
pub mod verify;
pub mod witness;
pub mod world;

/// Every vector that the generator writes, topic by topic.
#[must_use]
pub fn all() -> Vec<Vector> {
    let topics = [
        tree::vectors,
        tile::vectors,
        note::vectors,
        checkpoint::vectors,
        cosignature::vectors,
        policy::vectors,
        entry::vectors,
        ledger::vectors,
        receipt::vectors,
        landmark::vectors,
        subtree::vectors,
        status::vectors,
        date::vectors,
        credential::vectors,
        presentation::vectors,
        packed::vectors,
        rules::vectors,
        trust::vectors,
        delta::vectors,
        verify::vectors,
        authorities::vectors,
        witness::vectors,
        evidence::vectors,
        attack::vectors,
    ];
    topics.iter().flat_map(|topic| topic()).collect()
}

/// Writes every vector to `folder/<topic>/<name>.txt`.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write_all(folder: &Path) -> io::Result<usize> {
    let vectors = all();
    for vector in &vectors {
        let topic = folder.join(&vector.topic);
        fs::create_dir_all(&topic)?;
        fs::write(topic.join(format!("{}.txt", vector.name)), vector.render())?;
    }
    Ok(vectors.len())
}

/// One scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vector {
    /// The folder.
    pub topic: String,
    /// The file, without `.txt`.
    pub name: String,
    /// What happens: see `specs/README.md`.
    pub expect: String,
    /// `file.md#anchor`.
    pub spec: String,
    /// One line for people.
    pub comment: String,
    /// The input, in order.
    pub parts: Vec<Part>,
}

/// One named input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name, without the suffix that says how the content is written.
    pub name: String,
    /// How the content is written.
    pub form: Form,
    /// The content.
    pub bytes: Vec<u8>,
}

/// How a part's content is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `name.hex`: hexadecimal, white space ignored.
    Hex,
    /// `name.line`: one line, whose newline is not content.
    Line,
    /// `name`: lines as they are, newlines are content.
    Text,
}

impl Vector {
    /// A scenario without input. `spec` is `file.md#anchor`.
    #[must_use]
    pub fn new(topic: &str, name: &str, expect: &str, spec: &str, comment: &str) -> Self {
        let [topic, name, expect, spec, comment] = [topic, name, expect, spec, comment].map(str::to_owned);
        Self { topic, name, expect, spec, comment, parts: Vec::new() }
    }

    /// Adds a part of lines; content that lines cannot show is written in hexadecimal.
    #[must_use]
    pub fn text(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let bytes = text.as_ref();
        let plain = std::str::from_utf8(bytes).is_ok_and(|text| {
            text.ends_with('\n')
                && !text.contains("\n-- ")
                && text.chars().all(|c| c == '\n' || !c.is_control())
        });
        self.part(name, if plain { Form::Text } else { Form::Hex }, bytes)
    }

    /// Adds a part of one line.
    #[must_use]
    pub fn line(self, name: &str, line: impl ToString) -> Self {
        let line = line.to_string();
        let form = if line.is_empty() || line.chars().any(char::is_control) { Form::Hex } else { Form::Line };
        self.part(name, form, line.as_bytes())
    }

    /// Adds a part of bytes.
    #[must_use]
    pub fn hex(self, name: &str, bytes: &[u8]) -> Self {
        self.part(name, Form::Hex, bytes)
    }

    /// Adds a part of hashes.
    #[must_use]
    pub fn hashes(self, name: &str, hashes: &[Hash]) -> Self {
        self.part(name, Form::Hex, &hashes.concat())
    }

    /// Adds a part for each entry.
    #[must_use]
    pub fn entries(self, entries: &[Vec<u8>]) -> Self {
        entries.iter().fold(self, |vector, entry| vector.hex("entry", entry))
    }

    fn part(mut self, name: &str, form: Form, bytes: &[u8]) -> Self {
        self.parts.push(Part { name: name.into(), form, bytes: bytes.into() });
        self
    }

    /// The content of the first part of this name.
    #[must_use]
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all_of(name).next()
    }

    /// The content of every part of this name, in order.
    pub fn all_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.parts.iter().filter(move |part| part.name == name).map(|part| part.bytes.as_slice())
    }

    /// The file.
    #[must_use]
    pub fn render(&self) -> String {
        let Self { expect, spec, comment, .. } = self;
        let mut file = format!("expect: {expect}\nspec: {spec}\ncomment: {comment}\n\n");
        for Part { name, form, bytes } in &self.parts {
            let text = String::from_utf8_lossy(bytes);
            match form {
                Form::Hex => {
                    let lines: String = bytes.chunks(32).map(|chunk| format!("{}\n", hex(chunk))).collect();
                    file.push_str(&format!("-- {name}.hex --\n{lines}"));
                }
                Form::Line => file.push_str(&format!("-- {name}.line --\n{text}\n")),
                Form::Text => file.push_str(&format!("-- {name} --\n{text}")),
            }
        }
        file
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A header that is unknown, missing or out of order, a part that does not decode: a sentence that says which.
    pub fn parse(topic: &str, name: &str, file: &str) -> Result<Self, String> {
        let (header, body) = file.split_once("\n\n").ok_or("no empty line after the header")?;
        let mut values = Vec::new();
        for (line, key) in header.split('\n').zip(HEADER.iter().map(Some).chain(std::iter::repeat(None))) {
            let (found, value) = line.split_once(": ").ok_or_else(|| format!("header line {line:?}"))?;
            if Some(&found) != key {
                return Err(format!("header key {found:?} where {key:?} belongs"));
            }
            values.push(value);
        }
        let [expect, spec, comment] = values[..] else { return Err("a header key is missing".into()) };
        let mut vector = Self::new(topic, name, expect, spec, comment);
        let body = body.strip_suffix('\n').ok_or("the last line does not end")?;
        let body = body.strip_prefix("-- ").ok_or("the first part does not follow the header")?;
        for part in body.split("\n-- ") {
            let (title, content) = match part.split_once(" --\n") {
                Some((title, content)) => (title, Some(content)),
                None => (part.strip_suffix(" --").ok_or_else(|| format!("part {part:?}"))?, None),
            };
            vector.parts.push(Part::parse(title, content)?);
        }
        Ok(vector)
    }
}

impl Part {
    /// `content` is without its last newline; a part without a line has none.
    fn parse(title: &str, content: Option<&str>) -> Result<Self, String> {
        let lines = content.unwrap_or_default();
        let (name, form, bytes) = if let Some(name) = title.strip_suffix(".hex") {
            (name, Form::Hex, unhex(lines).ok_or_else(|| format!("part {title:?} is no hexadecimal"))?)
        } else if let Some(name) = title.strip_suffix(".line") {
            if lines.contains('\n') || content.is_none() {
                return Err(format!("part {title:?} is not one line"));
            }
            (name, Form::Line, lines.as_bytes().to_vec())
        } else {
            (title, Form::Text, content.map_or_else(String::new, |lines| format!("{lines}\n")).into_bytes())
        };
        Ok(Self { name: name.into(), form, bytes })
    }
}

/// The header keys, in order.
const HEADER: [&str; 3] = ["expect", "spec", "comment"];
