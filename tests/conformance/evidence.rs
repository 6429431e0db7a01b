//! `specs/audit.md#evidence`.

use sillok_client::audit::parse_evidence;
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, text};
use crate::note::verifier_key;

pub(crate) fn run(vector: &Vector) -> Outcome {
    let known = verifier_key(text(vector, "key"));
    let shown = parse_evidence(text(vector, "evidence"))
        .is_ok_and(|(evidence, named)| named == known && evidence.check(&known).is_ok());
    Ok(if shown { "ok" } else { "error" }.into())
}
