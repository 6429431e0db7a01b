//! `specs/receipt.md`.

use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::Thumbprint;
use sillok_log::receipt::{IssueExtra, Receipt};
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, array, bytes, hash, same, text};
use crate::note::verifier_key;

pub(crate) fn run(vector: &Vector) -> Outcome {
    let proved = if vector.get("extra").is_some() { extra(vector)? } else { receipt(vector)? };
    Ok(if proved { "ok" } else { "error" }.into())
}

fn receipt(vector: &Vector) -> Result<bool, String> {
    let Ok(receipt) = Receipt::parse(bytes(vector, "receipt")) else { return Ok(false) };
    same("encoding", receipt.encode().as_bytes(), bytes(vector, "receipt"))?;
    let key = verifier_key(text(vector, "key"));
    let Ok(checkpoint) = Checkpoint::open(&receipt.checkpoint, &key) else { return Ok(false) };
    Ok(receipt.check(&hash(vector, "leaf"), &checkpoint).is_ok())
}

fn extra(vector: &Vector) -> Result<bool, String> {
    let Ok(extra) = IssueExtra::parse(bytes(vector, "extra")) else { return Ok(false) };
    same("encoding", &extra.encode(), bytes(vector, "extra"))?;
    let entry = extra.entry(bytes(vector, "signing-input"), Thumbprint(array(vector, "issuer-key")));
    Ok(entry.leaf_hash() == hash(vector, "leaf"))
}
