//! `specs/status.md`: fold, planes and the decoders of both renderings.

use sillok_log::entry::{Entry, ListId, StatusValue};
use sillok_log::ledger::Ledger;
use sillok_log::status::ListState;
use sillok_log::{LeafIndex, TreeSize};
use sillok_tests::reference::tree::sha256;
use sillok_tests::vectors::Vector;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::status_list::{
    decode_bitstring, decode_token_list, decompress_state, encode_token_list,
};

use crate::files::{Outcome, array, bytes, number, same, text};

mod population;

pub(crate) fn run(vector: &Vector) -> Outcome {
    match text(vector, "check") {
        "fold" => fold(vector),
        "bit" => bit(vector),
        "state" => state(vector),
        "encoded-list" => encoded_list(vector),
        "token-list" => token_list(vector),
        "population" => population::file(vector),
        "population-delta" => population::delta(vector),
        other => Err(format!("no check {other:?}")),
    }
}

/// Every entry is in the log; one that breaks a rule is so without effect.
fn fold(vector: &Vector) -> Outcome {
    let mut ledger = Ledger::new();
    for (bytes, index) in vector.all_of("entry").zip(0..) {
        let entry = Entry::parse(bytes).map_err(|error| error.to_string())?;
        if ledger.check(&entry, LeafIndex(index)).is_ok() {
            ledger.apply(&entry, LeafIndex(index));
        }
    }
    let (list, fold_size) = (ListId(array(vector, "list")), TreeSize(number(vector, "fold-size")));
    let state = ledger.state_at(list, fold_size).ok_or("the ledger holds no such fold")?;
    if state.length() != number(vector, "length") {
        return Err(format!("the list has {} slots", state.length()));
    }
    same("digest", state.digest().as_bytes(), bytes(vector, "digest"))?;
    Ok("ok".into())
}

fn bit(vector: &Vector) -> Outcome {
    let mut state = ListState::new(ListId([0; 16]), 131_072).map_err(|error| error.to_string())?;
    let slot = u32::try_from(number(vector, "slot")).expect("a slot");
    state.set(slot, StatusValue::Revoked).map_err(|error| error.to_string())?;
    let at = usize::try_from(number(vector, "byte")).expect("a position");
    same("byte", &state.revocation()[at..=at], bytes(vector, "value"))?;
    let others =
        state.revocation().iter().enumerate().filter(|(index, byte)| *index != at && **byte != 0).count();
    if others > 0 { Err(format!("{others} other bytes are set")) } else { Ok("ok".into()) }
}

fn state(vector: &Vector) -> Outcome {
    let (list, length) = (ListId(array(vector, "list")), number(vector, "length"));
    let Some(compressed) = decode_base64url(bytes(vector, "state")) else { return Ok("error".into()) };
    let Ok((revocation, suspension)) = decompress_state(&compressed, length) else {
        return Ok("error".into());
    };
    let Ok(state) = ListState::from_planes(list, length, revocation, suspension) else {
        return Ok("error".into());
    };
    if vector.get("digest").is_some() {
        same("digest", state.digest().as_bytes(), bytes(vector, "digest"))?;
    }
    Ok("ok".into())
}

/// Of our own or as others published it: then the slots that are revoked stand there.
pub(crate) fn token_list(vector: &Vector) -> Outcome {
    let (bits, length) = (number(vector, "bits"), number(vector, "length"));
    let Ok((revocation, suspension)) = decode_token_list(text(vector, "lst"), bits, length) else {
        return Ok("error".into());
    };
    let again = decode_token_list(&encode_token_list(&revocation, &suspension), 2, length);
    if again.as_ref() != Ok(&(revocation.clone(), suspension.clone())) {
        return Err("it is written as another list".into());
    }
    let list = ListId([4; 16]);
    let state = ListState::from_planes(list, length, revocation, suspension);
    let state = state.map_err(|error| error.to_string())?;
    match vector.get("revoked") {
        Some(slots) => {
            let slots = String::from_utf8_lossy(slots).into_owned();
            let mut expected = ListState::new(list, length).map_err(|error| error.to_string())?;
            for slot in slots.split(' ') {
                let slot = slot.parse().expect("a slot");
                expected.set(slot, StatusValue::Revoked).map_err(|error| error.to_string())?;
            }
            same("digest", state.digest().as_bytes(), expected.digest().as_bytes())?;
        }
        None => same("digest", state.digest().as_bytes(), bytes(vector, "digest"))?,
    }
    Ok("ok".into())
}

fn encoded_list(vector: &Vector) -> Outcome {
    let Ok(plane) = decode_bitstring(text(vector, "encoded-list"), number(vector, "length")) else {
        return Ok("error".into());
    };
    if vector.get("plane-sha256").is_some() {
        same("plane", &sha256(&[&plane]), bytes(vector, "plane-sha256"))?;
    }
    Ok("ok".into())
}
