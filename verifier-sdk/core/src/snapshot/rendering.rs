//! Pure. Status files of each rendering, told apart and read; nothing is proved here.

use alloc::string::{String, ToString};

use sillok_log::Hash;
use sillok_log::entry::ListId;
use sillok_log::status::ListState;

use super::SnapshotFile;
use crate::json::Json;
use crate::jws::{Jws, TokenType};
use crate::status_list::{decode_bitstring, decode_token_list};

/// A status file that somebody shows.
pub(crate) enum StatusFile {
    /// Our own file.
    Snapshot(SnapshotFile),
    /// One plane as a W3C status list credential.
    Plane(Plane),
    /// Both as an IETF status list token.
    Token(TokenList),
}

/// What an IETF status list token says, unverified: the digest decides.
pub(crate) struct TokenList {
    pub(crate) uri: String,
    bits: u64,
    encoded: String,
}

/// What a `BitstringStatusListCredential` says, unverified: the digest of both planes decides.
pub(crate) struct Plane {
    pub(crate) uri: String,
    pub(crate) purpose: Purpose,
    encoded: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Revocation,
    Suspension,
}

impl StatusFile {
    /// Reads a status file; `None` if it is no rendering.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.trim_ascii_start().starts_with(b"{") {
            SnapshotFile::parse(bytes).ok().map(Self::Snapshot)
        } else {
            // Of either type; signatures are not looked at: they add nothing to the logged digest.
            let token = Jws::parse_one_of(bytes, &[TokenType::STATUS_LIST, TokenType::STATUS_TOKEN]).ok()?;
            if token.header().typ == TokenType::STATUS_TOKEN.typ {
                TokenList::read(&token).map(Self::Token)
            } else {
                Plane::read(&token).map(Self::Plane)
            }
        }
    }
}

impl Plane {
    //= specs/status.md#w3c-rendering
    fn read(token: &Jws<'_>) -> Option<Self> {
        let payload = token.payload();
        let subject = payload.get("credentialSubject")?.object().ok()?;
        if subject.string("type").ok()? != "BitstringStatusList" {
            return None;
        }
        let purpose = match subject.string("statusPurpose").ok()? {
            "revocation" => Purpose::Revocation,
            "suspension" => Purpose::Suspension,
            _other => return None,
        };
        let ending = match purpose {
            Purpose::Revocation => "/revocation#list",
            Purpose::Suspension => "/suspension#list",
        };
        let uri = subject.string("id").ok()?.strip_suffix(ending)?.to_string();
        Some(Self { uri, purpose, encoded: subject.string("encodedList").ok()?.to_string() })
    }
}

impl TokenList {
    //= specs/status.md#ietf-rendering
    fn read(token: &Jws<'_>) -> Option<Self> {
        let payload = token.payload();
        let list = payload.get("status_list")?.object().ok()?;
        let Some(Json::Integer(bits)) = list.get("bits") else { return None };
        let bits = u64::try_from(*bits).ok()?;
        let Json::String(subject) = payload.get("sub")? else { return None };
        let uri = subject.strip_suffix("/token")?.to_string();
        Some(Self { uri, bits, encoded: list.string("lst").ok()?.to_string() })
    }

    /// The state that it decodes to, if it has this digest.
    pub(crate) fn state(&self, list: ListId, length: u64, digest: &Hash) -> Option<ListState> {
        let (revocation, suspension) = decode_token_list(&self.encoded, self.bits, length).ok()?;
        let state = ListState::from_planes(list, length, revocation, suspension).ok()?;
        (state.digest() == *digest).then_some(state)
    }
}

/// The state that two planes decode to, if it has this digest.
pub(crate) fn state_of(
    revocation: &Plane,
    suspension: &Plane,
    list: ListId,
    length: u64,
    digest: &Hash,
) -> Option<ListState> {
    let revocation = decode_bitstring(&revocation.encoded, length).ok()?;
    let suspension = decode_bitstring(&suspension.encoded, length).ok()?;
    let state = ListState::from_planes(list, length, revocation, suspension).ok()?;
    (state.digest() == *digest).then_some(state)
}
