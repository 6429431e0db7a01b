//! `specs/trust-bundle.md#delta`.

use sillok_tests::vectors::Vector;
use sillok_verifier::trust::{Container, Delta};

use crate::files::{Outcome, bytes, error, hash, same};

pub(crate) fn run(vector: &Vector) -> Outcome {
    let base = Container::parse(bytes(vector, "base")).map_err(|error| error.to_string())?;
    let result = Delta::parse(bytes(vector, "delta")).and_then(|delta| {
        let result = delta.apply(&base)?;
        Ok((result.digest()?, *delta.result()))
    });
    match result {
        Err(refused) => error(refused.code()),
        Ok((found, said)) => {
            let expected = hash(vector, "digest");
            same("digest", &found.0, &expected.0)?;
            same("result", &said.0, &expected.0)?;
            Ok("ok".into())
        }
    }
}
