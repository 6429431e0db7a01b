//! `specs/credential.md`: rules 2 to 5 of a credential by a key that is known, and dates.

use sillok_tests::vectors::Vector;
use sillok_verifier::datetime::parse_date_time_stamp;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::key::PublicKey;
use sillok_verifier::{UnixSeconds, check_issued};

use crate::files::{Outcome, bytes, error, number, number_of, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    let key = public_key(bytes(vector, "key")).ok_or("the key is refused")?;
    let now = UnixSeconds(number(vector, "now"));
    match check_issued(bytes(vector, "credential"), text(vector, "issuer"), &key, now) {
        Ok(()) => Ok("ok".into()),
        Err(reason) => error(reason.code()),
    }
}

pub(crate) fn run_date(vector: &Vector) -> Outcome {
    let Some(seconds) = parse_date_time_stamp(text(vector, "date")) else { return Ok("error".into()) };
    match number_of(vector, "seconds") {
        Some(expected) if expected != seconds.0 => Err(format!("seconds differ: {}", seconds.0)),
        _ => Ok("ok".into()),
    }
}

/// A JWK, if it is one that the verifier takes.
pub(crate) fn public_key(jwk: &[u8]) -> Option<PublicKey> {
    let limits = Limits { bytes: 4_096, depth: 4, values: 32 };
    PublicKey::from_jwk(&Json::parse(jwk, &limits).ok()?).ok()
}
