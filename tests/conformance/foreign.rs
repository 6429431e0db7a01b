//! Vectors that others published, against the product and against the reference.

use sillok_tests::reference::tree::sha256;
use sillok_tests::vectors::Vector;

use crate::cosignature;
use crate::credential::public_key;
use crate::files::{Outcome, bytes, ok_or_error, same, text};
use crate::{note, presentation, status};

pub(crate) fn run(vector: &Vector) -> Outcome {
    match text(vector, "check") {
        "cosignature" => cosignature::run(vector),
        "note" => note::run(vector),
        "sd-jwt" => presentation::run_foreign(vector),
        "signature" => {
            let key = public_key(bytes(vector, "key")).ok_or("the key is refused")?;
            ok_or_error(&key.verify(bytes(vector, "message"), bytes(vector, "signature")))
        }
        "token-list" => status::token_list(vector),
        "thumbprint" => {
            same("thumbprint of the reference", &thumbprint(text(vector, "key")), bytes(vector, "digest"))?;
            let Some(key) = public_key(bytes(vector, "key")) else { return Ok("error".into()) };
            same("thumbprint", &key.thumbprint().0, bytes(vector, "digest"))?;
            Ok("ok".into())
        }
        other => Err(format!("no check {other:?}")),
    }
}

/// RFC 7638 section 3 for a JWK of flat strings that holds the required members alone: sort them, hash them.
fn thumbprint(jwk: &str) -> [u8; 32] {
    let mut members: Vec<&str> = jwk.trim_matches(['{', '}']).split(',').collect();
    members.sort_unstable();
    sha256(&[format!("{{{}}}", members.join(",")).as_bytes()])
}
