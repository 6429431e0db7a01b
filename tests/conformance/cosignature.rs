//! `specs/log.md#cosignatures-and-quorum` and `#subtree-cosignatures`.

use sillok_log::cosignature::{Error, verify, verify_subtree};
use sillok_log::note::Note;
use sillok_log::subtree::Subtree;
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, number, number_of, ok_or_error, same, text};
use crate::note::verifier_key;

pub(crate) fn run(vector: &Vector) -> Outcome {
    let key = verifier_key(text(vector, "key"));
    let note = format!("a line\n\n{}", text(vector, "line"));
    let note = Note::parse(&note).map_err(|error| error.to_string())?;
    let line = note.signatures().first().ok_or("no signature line")?;
    let found = if vector.get("checkpoint").is_some() {
        verify(text(vector, "checkpoint"), line, &key)
    } else {
        let (start, end) = (LeafIndex(number(vector, "start")), TreeSize(number(vector, "end")));
        let hash = Hash::from_base64(text(vector, "hash")).ok_or("hash is none")?;
        match Subtree::new(start, end) {
            Ok(subtree) => verify_subtree(text(vector, "origin"), subtree, &hash, line, &key),
            Err(_not_one) => return Ok("error".into()),
        }
    };
    check_time(vector, &found)?;
    ok_or_error(&found)
}

fn check_time(vector: &Vector, found: &Result<UnixSeconds, Error>) -> Result<(), String> {
    match (found, number_of(vector, "time")) {
        (Ok(found), Some(expected)) => same("time", &found.0.to_be_bytes(), &expected.to_be_bytes()),
        (Ok(_), None) | (Err(_), _) => Ok(()),
    }
}
