//! Pure. Status files of either rendering, told apart and read; nothing is proved here.

use alloc::string::{String, ToString};

use sillok_log::Hash;
use sillok_log::entry::ListId;
use sillok_log::status::ListState;

use super::SnapshotFile;
use crate::jws::{Jws, TokenType};
use crate::status_list::decode_bitstring;

/// A status file that somebody shows.
pub(crate) enum StatusFile {
    /// Our own file.
    Snapshot(SnapshotFile),
    /// One plane as a W3C status list credential.
    Plane(Plane),
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
    /// Reads a status file; `None` if it is neither rendering.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.trim_ascii_start().starts_with(b"{") {
            SnapshotFile::parse(bytes).ok().map(Self::Snapshot)
        } else {
            Plane::read(bytes).map(Self::Plane)
        }
    }
}

impl Plane {
    /// Reads a compact JWS of the right form. Its signature is not looked at: it adds nothing to the logged digest.
    //= specs/status.md#w3c-rendering
    fn read(token: &[u8]) -> Option<Self> {
        let token = Jws::parse(token, TokenType::STATUS_LIST).ok()?;
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
