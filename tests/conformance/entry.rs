//! `specs/entry.md`: encoding and domains.

use sillok_log::entry::{
    Document, Entry, ListId, StatusValue, commitment, document_digest, issuer_hash, origin_hash, provenance,
};
use sillok_log::status::ListState;
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, array, bytes, hash, number, ok_or_error, same, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    if vector.get("check").is_some() {
        same("digest", &digest(vector)?, bytes(vector, "digest"))?;
        return Ok("ok".into());
    }
    let entry = Entry::parse(bytes(vector, "entry"));
    if let Ok(entry) = &entry {
        same("encoding", &entry.encode(), bytes(vector, "entry"))?;
        if vector.get("leaf").is_some() {
            same("leaf hash", entry.leaf_hash().as_bytes(), hash(vector, "leaf").as_bytes())?;
        }
    }
    ok_or_error(&entry)
}

fn digest(vector: &Vector) -> Result<[u8; 32], String> {
    let part = |name| text(vector, name);
    Ok(match part("check") {
        "issuer" => issuer_hash(part("issuer")).map_err(|error| error.to_string())?.0,
        "origin" => origin_hash(part("origin")).map_err(|error| error.to_string())?.0,
        "commitment" => commitment(&array(vector, "nonce"), bytes(vector, "signing-input")).0,
        "provenance" => {
            let (operator, facility, event) = (part("operator"), part("facility"), part("source-event"));
            provenance(&array(vector, "nonce"), operator, facility, event)
                .map_err(|error| error.to_string())?
                .0
        }
        "document" => document_digest(Document::Root, part("document")).0,
        "state" => {
            let list = ListId(array(vector, "list"));
            let mut state =
                ListState::new(list, number(vector, "length")).map_err(|error| error.to_string())?;
            let slot = u32::try_from(number(vector, "revoked")).expect("a slot");
            state.set(slot, StatusValue::Revoked).map_err(|error| error.to_string())?;
            state.digest().0
        }
        other => return Err(format!("no check {other:?}")),
    })
}
