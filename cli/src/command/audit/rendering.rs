//! One rendering of a status list: who signed it, and what it holds. A W3C credential holds a plane, an IETF token both.

use sillok_log::entry::ListId;
use sillok_log::ledger::{KeyState, Ledger, ListRecord};
use sillok_log::status::ListState;
use sillok_verifier::json::{Json, JsonError};
use sillok_verifier::jws::{Jws, TokenType};
use sillok_verifier::status_list::{decode_bitstring, decode_token_list};

use super::lists::{IssuerKeys, MALFORMED};

/// The two renderings of a list (specs/status.md, "W3C rendering"); the order is that of the planes of a state.
pub(crate) const PURPOSES: [&str; 2] = ["revocation", "suspension"];

/// The IETF rendering, which an issuer may leave out (specs/status.md, "IETF rendering").
pub(crate) const TOKEN: &str = "token";

/// Why a rendering says nothing, or something that nobody vouches for.
pub(super) enum Problem<T> {
    Finding { code: &'static str, detail: String },
    Unchecked { held: T, why: String },
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
) -> Result<Vec<u8>, Problem<Vec<u8>>> {
    let (jws, plane) = decode(token, purpose, uri, record.size())
        .map_err(|detail| Problem::Finding { code: MALFORMED, detail })?;
    vouched(&jws, plane, record, ledger, keys)
}

//= specs/status.md#ietf-rendering
/// Checks the signature in the same way, and decodes the state.
pub(super) fn state(
    token: &[u8],
    list: ListId,
    uri: &str,
    record: &ListRecord,
    ledger: &Ledger,
    keys: &IssuerKeys,
) -> Result<ListState, Problem<ListState>> {
    let (jws, state) = decode_token(token, list, uri, record.size())
        .map_err(|detail| Problem::Finding { code: MALFORMED, detail })?;
    vouched(&jws, state, record, ledger, keys)
}

/// What a rendering holds, if a key that the log holds for the list's issuer has signed it.
fn vouched<T>(
    jws: &Jws<'_>,
    held: T,
    record: &ListRecord,
    ledger: &Ledger,
    keys: &IssuerKeys,
) -> Result<T, Problem<T>> {
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
            Ok(()) => Ok(held),
            Err(error) => Err(refused(error.to_string())),
        },
        Err(why) => Err(Problem::Unchecked { held, why }),
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

/// The state that an IETF token holds; who signed it is another question.
pub(crate) fn decode_token<'a>(
    token: &'a [u8],
    list: ListId,
    uri: &str,
    slots: u64,
) -> Result<(Jws<'a>, ListState), String> {
    let jws =
        Jws::parse(token.trim_ascii_end(), TokenType::STATUS_TOKEN).map_err(|error| error.to_string())?;
    let (bits, encoded) = token_list(jws.payload(), uri)
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("it is not the status list token of {uri}"))?;
    let (revocation, suspension) =
        decode_token_list(encoded, bits, slots).map_err(|error| error.to_string())?;
    let state =
        ListState::from_planes(list, slots, revocation, suspension).map_err(|error| error.to_string())?;
    Ok((jws, state))
}

/// `bits` and `lst`, `None` if the token is of another list.
fn token_list<'a>(payload: &'a Json, uri: &str) -> Result<Option<(u64, &'a str)>, JsonError> {
    let object = payload.object()?;
    let its_own = object.string("sub")? == format!("{uri}/{TOKEN}");
    let list = object.object("status_list")?;
    let bits = match list.get("bits") {
        Some(Json::Integer(bits)) => u64::try_from(*bits).ok(),
        _other => None,
    };
    let encoded = list.string("lst")?;
    Ok(bits.filter(|_bits| its_own).map(|bits| (bits, encoded)))
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
