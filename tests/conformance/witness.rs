//! `specs/log.md#witnesses`.

use sillok_log::TreeSize;
use sillok_log::witness::{Latest, Submitted};
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, bytes, error, hash, number, text};
use crate::note::verifier_key;

pub(crate) fn run(vector: &Vector) -> Outcome {
    let keys = [verifier_key(text(vector, "key"))];
    let latest = Latest { size: TreeSize(number(vector, "latest-size")), root: hash(vector, "latest-root") };
    let decided = Submitted::parse(bytes(vector, "request")).and_then(|submitted| {
        let known = submitted.origin() == keys[0].name();
        submitted.decide(known.then_some((keys.as_slice(), &latest)))
    });
    match decided {
        Ok(_accepted) => Ok("ok".into()),
        Err(refusal) => error(refusal.code()),
    }
}
