//! Pure. Members of trust documents: values with a form of their own, and compact JSON for those who write them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sillok_log::entry::MAX_TIME;
use sillok_log::note::{SignatureKind, VerifierKey};
use sillok_log::{Hash, UnixSeconds};

use crate::json::{Json, JsonError, JsonProblem, Limits, Object, push_string};

/// "Member `name` is not `expected`."
pub(crate) fn refused(name: &str, expected: &'static str) -> JsonError {
    JsonError { member: name.to_string(), problem: JsonProblem::Kind { expected } }
}

/// Refuses another `type` than this one, and members that do not belong to it.
pub(crate) fn expect_type(object: &Object, kind: &'static str, members: &[&str]) -> Result<(), JsonError> {
    // The type first: of an object of another type every member is unexpected, which helps nobody.
    if object.string("type")? != kind {
        return Err(refused("type", kind));
    }
    object.expect_only(members)
}

/// The items of an array of at most `limit`, each read by `read`.
pub(crate) fn items<T>(
    object: &Object,
    name: &str,
    limit: usize,
    read: impl Fn(&Json) -> Result<T, JsonError>,
) -> Result<Vec<T>, JsonError> {
    let items = object.array(name)?;
    if items.len() > limit {
        return Err(JsonError { member: name.to_string(), problem: JsonProblem::TooMany { limit } });
    }
    let each = |(position, item): (usize, &Json)| {
        read(item).map_err(|error| error.inside(&position.to_string()).inside(name))
    };
    items.iter().enumerate().map(each).collect()
}

pub(crate) fn time(object: &Object, name: &str) -> Result<UnixSeconds, JsonError> {
    let seconds = object.unsigned(name)?;
    if seconds > MAX_TIME.0 {
        Err(refused(name, "a time up to the year 9999"))
    } else {
        Ok(UnixSeconds(seconds))
    }
}

/// A number from 1.
pub(crate) fn counted(object: &Object, name: &str) -> Result<u64, JsonError> {
    match object.unsigned(name)? {
        0 => Err(refused(name, "a number from 1")),
        number => Ok(number),
    }
}

pub(crate) fn hex_hash(object: &Object, name: &str) -> Result<Hash, JsonError> {
    Hash::from_hex(object.string(name)?).ok_or_else(|| refused(name, "64 lower-case hex digits"))
}

/// A proof: base64 hashes.
pub(crate) fn proof(object: &Object, name: &str, limit: usize) -> Result<Vec<Hash>, JsonError> {
    items(object, name, limit, |item| {
        Hash::from_base64(item.string()?).ok_or_else(|| refused("", "canonical base64 of 32 bytes"))
    })
}

/// Keys that sign documents: of kind Ed25519, from one to `limit`, no key twice under any name.
pub(crate) fn document_keys(
    object: &Object,
    name: &str,
    limit: usize,
) -> Result<Vec<VerifierKey>, JsonError> {
    let keys = items(object, name, limit, |item| {
        VerifierKey::parse(item.string()?)
            .ok()
            .filter(|key| key.kind() == SignatureKind::Ed25519)
            .ok_or_else(|| refused("", "a verifier key of type 0x01"))
    })?;
    if keys.is_empty() {
        return Err(refused(name, "an array of at least one key"));
    }
    if has_twins(&keys) {
        return Err(refused(name, "an array of different keys"));
    }
    Ok(keys)
}

/// Whether one key stands twice. Names do not count: a threshold is of keys, and a name is free to choose.
pub(crate) fn has_twins(keys: &[VerifierKey]) -> bool {
    let mut rest = keys.iter();
    while let Some(key) = rest.next() {
        if rest.as_slice().iter().any(|other| other.public_bytes() == key.public_bytes()) {
            return true;
        }
    }
    false
}

/// The object that the one line of a document's text holds.
pub(crate) fn document_line(text: &str) -> Result<Json, JsonError> {
    let line = text.strip_suffix('\n').filter(|line| !line.contains('\n'));
    Json::parse(line.ok_or_else(|| refused("", "one line and its newline"))?.as_bytes(), &DOCUMENT_LIMITS)
}

/// A compact JSON object in the making.
pub(crate) struct ObjectText {
    text: String,
}

impl ObjectText {
    pub(crate) fn new() -> Self {
        Self { text: String::from("{") }
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn json(mut self, name: &str, value: &str) -> Self {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        push_string(&mut self.text, name);
        self.text.push(':');
        self.text.push_str(value);
        self
    }

    pub(crate) fn string(self, name: &str, value: &str) -> Self {
        self.json(name, &json_string(value))
    }

    pub(crate) fn number(self, name: &str, value: u64) -> Self {
        self.json(name, &format!("{value}"))
    }

    pub(crate) fn proof(self, name: &str, hashes: &[Hash]) -> Self {
        self.json(name, &json_array(hashes.iter().map(|hash| json_string(&hash.to_base64()))))
    }

    pub(crate) fn keys(self, name: &str, keys: &[VerifierKey]) -> Self {
        self.json(name, &json_array(keys.iter().map(|key| json_string(&key.to_string()))))
    }

    pub(crate) fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

pub(crate) fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    push_string(&mut out, text);
    out
}

pub(crate) fn json_array(items: impl Iterator<Item = String>) -> String {
    let mut out = String::from("[");
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.push(',');
        }
        out.push_str(&item);
    }
    out.push(']');
    out
}

/// A document is a note of at most 1 MiB (specs/log.md, "Checkpoint"); a value takes two bytes at least, so the
/// values need no tighter limit than the bytes give them. Depth: specs/trust-bundle.md.
const DOCUMENT_LIMITS: Limits =
    Limits { bytes: sillok_log::note::MAX_NOTE_BYTES, depth: MAX_DEPTH, values: 400_000 };

/// Deepest nesting of JSON (specs/trust-bundle.md).
pub(crate) const MAX_DEPTH: usize = 16;
