//! One W3C status list credential: who signed it, and the plane that it holds.

use sillok_log::ledger::{KeyState, Ledger, ListRecord};
use sillok_verifier::json::{Json, JsonError};
use sillok_verifier::jws::{Jws, TokenType};
use sillok_verifier::status_list::decode_bitstring;

use super::lists::{IssuerKeys, MALFORMED};

/// The two renderings of a list (specs/status.md, "W3C rendering"); the order is that of the planes of a state.
pub(crate) const PURPOSES: [&str; 2] = ["revocation", "suspension"];

/// Why a rendering gives no plane, or one that nobody vouches for.
pub(super) enum Problem {
    Finding { code: &'static str, detail: String },
    Unchecked { plane: Vec<u8>, why: String },
}

//= specs/status.md#w3c-rendering
/// Checks the signature against the keys that the log holds for the list's issuer, and decodes the plane.
pub(super) fn plane(
    token: &[u8],
    purpose: &str,
    uri: &str,
    record: &ListRecord,
    ledger: &Ledger,
    keys: &IssuerKeys,
) -> Result<Vec<u8>, Problem> {
    let (jws, plane) = decode(token, purpose, uri, record.size())
        .map_err(|detail| Problem::Finding { code: MALFORMED, detail })?;
    let thumbprint = jws.header().key_id;
    let refused = |detail: String| Problem::Finding { code: SIGNATURE, detail };
    let of_issuer = ledger.key(thumbprint).filter(|known| known.issuer == record.issuer());
    match of_issuer.map(|known| known.state) {
        Some(KeyState::Active | KeyState::Retired) => {}
        Some(KeyState::Compromised) => {
            return Err(refused(format!("it is signed by key {thumbprint}, which is compromised")));
        }
        None => return Err(refused(format!("key {thumbprint} is not logged for the issuer of the list"))),
    }
    match keys.get(&thumbprint) {
        Ok(key) => match jws.verify(key) {
            Ok(()) => Ok(plane),
            Err(error) => Err(refused(error.to_string())),
        },
        Err(why) => Err(Problem::Unchecked { plane, why }),
    }
}

/// The plane that a rendering holds; who signed it is another question.
pub(crate) fn decode<'a>(
    token: &'a [u8],
    purpose: &str,
    uri: &str,
    slots: u64,
) -> Result<(Jws<'a>, Vec<u8>), String> {
    let jws =
        Jws::parse(token.trim_ascii_end(), TokenType::STATUS_LIST).map_err(|error| error.to_string())?;
    let encoded = encoded_list(jws.payload(), purpose, uri).map_err(|error| error.to_string())?;
    let encoded = encoded.ok_or_else(|| format!("it is not the {purpose} list of {uri}"))?;
    let plane = decode_bitstring(encoded, slots).map_err(|error| error.to_string())?;
    Ok((jws, plane))
}

/// `encodedList`, `None` if the credential is of another list or purpose.
fn encoded_list<'a>(payload: &'a Json, purpose: &str, uri: &str) -> Result<Option<&'a str>, JsonError> {
    let subject = payload.object()?.object("credentialSubject")?;
    let its_own = subject.string("type")? == "BitstringStatusList"
        && subject.string("statusPurpose")? == purpose
        && subject.string("id")? == format!("{uri}/{purpose}#list");
    let encoded = subject.string("encodedList")?;
    Ok(its_own.then_some(encoded))
}

/// A published list that is not signed by a key that the log holds for its issuer.
const SIGNATURE: &str = "list.signature";
