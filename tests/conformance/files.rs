//! Vector files: where they are, what their parts hold, and how an outcome is held to what is expected.

use std::fs;
use std::path::PathBuf;

use sillok_log::Hash;
use sillok_tests::vectors::Vector;

/// What happened, in the words of an `expect:` line, or which value of the product differs from the file's.
pub(crate) type Outcome = Result<String, String>;

/// `specs` of this workspace.
pub(crate) fn specs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../specs")
}

/// Every file of a topic, by name.
pub(crate) fn load(topic: &str) -> Vec<Vector> {
    let folder = specs().join("vectors").join(topic);
    let listing = fs::read_dir(&folder).unwrap_or_else(|error| panic!("list {}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listing.map(|item| item.expect("a readable folder").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy();
            let file =
                fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
            Vector::parse(topic, &name, &file).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

/// Runs every file of a topic and fails with all that do not end as they say.
pub(crate) fn check_topic(topic: &str, run: fn(&Vector) -> Outcome) {
    let vectors = load(topic);
    assert!(!vectors.is_empty(), "specs/vectors/{topic} is empty");
    let failures: Vec<String> = vectors.iter().filter_map(|vector| failure(vector, &run(vector))).collect();
    assert!(
        failures.is_empty(),
        "{} of {} vectors of {topic} fail:\n{}",
        failures.len(),
        vectors.len(),
        failures.join("\n")
    );
}

/// Why an outcome is not what the file expects.
pub(crate) fn failure(vector: &Vector, outcome: &Outcome) -> Option<String> {
    let Vector { topic, name, expect, comment, .. } = vector;
    match outcome {
        Ok(found) if meets(expect, found) => None,
        Ok(found) => Some(format!("{topic}/{name}: expected {expect:?}, found {found:?} ({comment})")),
        Err(difference) => Some(format!("{topic}/{name}: {difference} ({comment})")),
    }
}

/// An `error` without a code is met by every error, whatever its code; everything else word by word.
pub(crate) fn meets(expect: &str, found: &str) -> bool {
    found == expect || (expect == "error" && found.starts_with("error "))
}

/// `ok` or `error`.
pub(crate) fn ok_or_error<T, E>(result: &Result<T, E>) -> Outcome {
    Ok(if result.is_ok() { "ok" } else { "error" }.into())
}

/// An `error` with its code.
pub(crate) fn error(code: &str) -> Outcome {
    Ok(format!("error {code}"))
}

/// Holds a value of the product to a part.
pub(crate) fn same(what: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} differs: {found:02x?}")) }
}

/// A part's bytes.
pub(crate) fn bytes<'a>(vector: &'a Vector, name: &'a str) -> &'a [u8] {
    vector.get(name).unwrap_or_else(|| panic!("{}/{} has no part {name:?}", vector.topic, vector.name))
}

/// A part as text.
pub(crate) fn text<'a>(vector: &'a Vector, name: &'a str) -> &'a str {
    std::str::from_utf8(bytes(vector, name)).expect("a part of text")
}

/// A part as a number, if it is there.
pub(crate) fn number_of(vector: &Vector, name: &str) -> Option<u64> {
    let digits = std::str::from_utf8(vector.get(name)?).expect("a part of digits");
    Some(digits.parse().unwrap_or_else(|error| panic!("part {name:?} is {digits:?}: {error}")))
}

/// A part as a number.
pub(crate) fn number(vector: &Vector, name: &str) -> u64 {
    number_of(vector, name).unwrap_or_else(|| panic!("{}/{} has no part {name:?}", vector.topic, vector.name))
}

/// A part of fixed length.
pub(crate) fn array<const N: usize>(vector: &Vector, name: &str) -> [u8; N] {
    bytes(vector, name).try_into().unwrap_or_else(|_other| panic!("part {name:?} is not {N} bytes"))
}

/// A part as a hash.
pub(crate) fn hash(vector: &Vector, name: &str) -> Hash {
    Hash(array(vector, name))
}

/// A part as hashes.
pub(crate) fn hashes(vector: &Vector, name: &str) -> Vec<Hash> {
    let (hashes, rest) = bytes(vector, name).as_chunks::<32>();
    assert!(rest.is_empty(), "part {name:?} holds whole hashes");
    hashes.iter().map(|hash| Hash(*hash)).collect()
}
