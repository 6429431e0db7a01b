//! `specs/log.md#checkpoint`, `#origin-and-key` and `#cosignatures-and-quorum`.

use sillok_log::checkpoint::Checkpoint;
use sillok_log::note::{Note, VerifierKey};
use sillok_log::policy::{Error, Policy, Witnessed};
use sillok_tests::vectors::Vector;

use crate::files::{Outcome, bytes, error, hash, number, number_of, ok_or_error, same, text};

pub(crate) fn run(vector: &Vector) -> Outcome {
    if vector.get("vkey").is_some() {
        let (vkey, key) = (text(vector, "vkey"), VerifierKey::parse(text(vector, "vkey")));
        if let Ok(key) = &key {
            same("verifier key", key.to_string().as_bytes(), vkey.as_bytes())?;
        }
        return ok_or_error(&key);
    }
    let keys: Vec<VerifierKey> = text(vector, "keys").lines().map(verifier_key).collect();
    let opened = Note::parse_bytes(bytes(vector, "note")).and_then(|note| note.open(&keys));
    if let Ok(signers) = &opened {
        let found: Vec<String> = signers.iter().map(|signer| keys[*signer].to_string()).collect();
        let expected: Vec<&[u8]> = vector.all_of("signer").collect();
        same("signers", found.join("\n").as_bytes(), &expected.join(&b'\n'))?;
    }
    ok_or_error(&opened)
}

pub(crate) fn run_checkpoint(vector: &Vector) -> Outcome {
    let opened = Checkpoint::open(text(vector, "note"), &verifier_key(text(vector, "key")));
    if vector.get("origin").is_some() {
        let checkpoint = opened.as_ref().map_err(ToString::to_string)?;
        same("origin", checkpoint.origin.as_bytes(), bytes(vector, "origin"))?;
        same("size", &checkpoint.size.0.to_be_bytes(), &number(vector, "size").to_be_bytes())?;
        same("root", checkpoint.root.as_bytes(), hash(vector, "root").as_bytes())?;
    }
    ok_or_error(&opened)
}

pub(crate) fn run_policy(vector: &Vector) -> Outcome {
    let Ok(policy) = Policy::parse(bytes(vector, "policy")) else { return error("trust.policy") };
    let again =
        Policy::parse(&policy.encode()).map_err(|error| format!("what it writes does not parse: {error}"))?;
    same("policy", &again.encode(), &policy.encode())?;
    if vector.get("checkpoint").is_none() {
        return Ok("ok".into());
    }
    match policy.open(text(vector, "checkpoint")) {
        Ok(opened) => {
            let floor = match opened.witnessed {
                Witnessed::NotAsked => None,
                Witnessed::Quorum { time_floor } => Some(time_floor.0),
            };
            if floor != number_of(vector, "time-floor") {
                return Err(format!("time floor differs: {floor:?}"));
            }
            Ok("ok".into())
        }
        Err(Error::UnknownLog) => error("log.unknown"),
        Err(Error::NotSignedByLog) => error("log.key-unknown"),
        Err(Error::LogSignature { .. }) => error("checkpoint.signature"),
        Err(Error::QuorumNotMet { .. }) => error("checkpoint.quorum"),
        Err(Error::Checkpoint(_) | Error::Cosignature { .. } | Error::Note(_)) => Ok("error".into()),
    }
}

/// A verifier key that a file relies on.
pub(crate) fn verifier_key(text: &str) -> VerifierKey {
    VerifierKey::parse(text).unwrap_or_else(|error| panic!("verifier key {text:?}: {error}"))
}
