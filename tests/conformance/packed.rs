//! `specs/presentation.md#packed-form`: what is in the text of a code.

use sillok_tests::vectors::Vector;
use sillok_verifier::packed::{pack, unpack};
use sillok_verifier::{Evidence, Holder};

use crate::files::{Outcome, bytes, error, same, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    let asked = match vector.get("audience") {
        Some(_) => Holder::Challenge { nonce: "", audience: text(vector, "audience") },
        None => Holder::NotAsked,
    };
    let unpacked = match unpack(bytes(vector, "packed"), asked) {
        Ok(unpacked) => unpacked,
        Err(refused) => return error(refused.reason().code()),
    };
    let evidence = unpacked.evidence(&[]);
    same("credential", evidence.credential, bytes(vector, "credential"))?;
    same("receipt", evidence.receipt.unwrap_or_default(), vector.get("receipt").unwrap_or_default())?;
    repacked(&evidence, asked)?;
    Ok("ok".into())
}

/// Another writer compresses in another way, and says the same.
fn repacked(evidence: &Evidence<'_>, asked: Holder<'_>) -> Result<(), String> {
    let code = pack(evidence).map_err(|error| error.to_string())?;
    let again = unpack(code.as_bytes(), asked).map_err(|error| error.to_string())?;
    same("credential packed again", again.evidence(&[]).credential, evidence.credential)?;
    same(
        "receipt packed again",
        again.evidence(&[]).receipt.unwrap_or_default(),
        evidence.receipt.unwrap_or_default(),
    )
}
