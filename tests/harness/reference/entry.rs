//! Entries and the hashes with domains, written field by field from `specs/entry.md`.

use super::tree::{Hash, sha256};

/// Latest time: the end of the year 9999.
pub const LAST_SECOND: u64 = 253_402_300_799;

/// An issue entry, 106 bytes.
#[must_use]
pub fn issue(commitment: &Hash, issuer_key: &Hash, provenance: &Hash, time: u64) -> Vec<u8> {
    [&[1, 1][..], commitment, issuer_key, provenance, &time.to_be_bytes()].concat()
}

/// A status entry, 39 bytes.
#[must_use]
pub fn status(list: &[u8; 16], index: u32, value: u8, change: u64, time: u64) -> Vec<u8> {
    let numbers = [&index.to_be_bytes()[..], &[value], &change.to_be_bytes(), &time.to_be_bytes()].concat();
    [&[1, 2][..], list, &numbers].concat()
}

/// A snapshot entry, 82 bytes; `times` are issued and not-after.
#[must_use]
pub fn snapshot(list: &[u8; 16], sequence: u64, digest: &Hash, fold_size: u64, times: (u64, u64)) -> Vec<u8> {
    let numbers = [fold_size, times.0, times.1].map(u64::to_be_bytes).concat();
    [&[1, 3][..], list, &sequence.to_be_bytes(), digest, &numbers].concat()
}

/// A list entry, 58 bytes.
#[must_use]
pub fn list(list: &[u8; 16], issuer: &Hash, size: u64) -> Vec<u8> {
    [&[1, 4][..], list, issuer, &size.to_be_bytes()].concat()
}

/// Added.
pub const ADDED: u8 = 1;
/// Retired.
pub const RETIRED: u8 = 2;
/// Compromised.
pub const COMPROMISED: u8 = 3;

/// A key entry, 76 bytes and 40 a cut.
#[must_use]
pub fn key(issuer: &Hash, key: &Hash, event: u8, time: u64, cuts: &[(Hash, u64)]) -> Vec<u8> {
    let count = u8::try_from(cuts.len()).expect("at most 16 cuts");
    let mut bytes = [&[1, 5][..], issuer, key, &[event], &time.to_be_bytes(), &[count]].concat();
    for (origin, size) in cuts {
        bytes.extend(origin);
        bytes.extend(size.to_be_bytes());
    }
    bytes
}

/// Document number of the root.
pub const ROOT: u8 = 1;
/// Document number of the feed.
pub const FEED: u8 = 2;

/// A bundle entry, 58 bytes.
#[must_use]
pub fn bundle(document: u8, sequence: u64, digest: &Hash, activation: u64) -> Vec<u8> {
    let numbers = [&[1, 6, document][..], &[0; 7], &sequence.to_be_bytes()].concat();
    [&numbers[..], digest, &activation.to_be_bytes()].concat()
}

/// Whether the bytes are an entry: `specs/entry.md`, field by field.
#[must_use]
pub fn well_formed(bytes: &[u8]) -> bool {
    let (Some(1), Some(kind)) = (bytes.first(), bytes.get(1)) else { return false };
    let number = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let time = |at: usize| number(at) <= LAST_SECOND;
    match (kind, bytes.len()) {
        (1, 106) => time(98) && number(98).is_multiple_of(3600),
        (2, 39) => bytes[22] <= 2 && time(31),
        (3, 82) => number(18) >= 1 && number(58) < 1 << 63 && number(66) < number(74) && time(74),
        (4, 58) => {
            let size = number(50);
            size.is_multiple_of(8) && (131_072..=1 << 24).contains(&size)
        }
        (5, length) => length >= 76 && (1..=3).contains(&bytes[66]) && time(67) && cuts(bytes),
        (6, 58) => (1..=2).contains(&bytes[2]) && bytes[3..10] == [0; 7] && number(10) >= 1 && time(50),
        _ => false,
    }
}

fn cuts(entry: &[u8]) -> bool {
    let (count, cuts) = (usize::from(entry[75]), &entry[76..]);
    if cuts.len() != count * 40 || count > 16 || (entry[66] == ADDED && count > 0) {
        return false;
    }
    let cuts: Vec<&[u8]> = cuts.chunks(40).collect();
    let size = |cut: &[u8]| u64::from_be_bytes(cut[32..].try_into().expect("eight bytes"));
    cuts.iter().all(|cut| size(cut) < 1 << 53) && cuts.windows(2).all(|pair| pair[0][..32] < pair[1][..32])
}

/// `D(text)`: one length byte, then the ASCII text.
#[must_use]
pub fn domain(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).expect("a short domain")][..], text.as_bytes()].concat()
}

/// `LP16(x)`: two length bytes, then the bytes.
#[must_use]
pub fn lp16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("at most 65,535 bytes").to_be_bytes()[..], bytes].concat()
}

/// The issuer id hash.
#[must_use]
pub fn issuer_hash(url: &str) -> Hash {
    sha256(&[&domain("sillok/issuer/v1"), &lp16(url.as_bytes())])
}

/// The origin hash.
#[must_use]
pub fn origin_hash(origin: &str) -> Hash {
    sha256(&[&domain("sillok/origin/v1"), &lp16(origin.as_bytes())])
}

/// The commitment to a signing input.
#[must_use]
pub fn commitment(nonce: &[u8; 32], signing_input: &[u8]) -> Hash {
    sha256(&[&domain("sillok/issue/v1"), nonce, &sha256(&[signing_input])])
}

/// The provenance of a credential.
#[must_use]
pub fn provenance(nonce: &[u8; 32], operator: &str, facility: &str, source_event: &str) -> Hash {
    let fields = [operator, facility, source_event].map(|field| lp16(field.as_bytes())).concat();
    sha256(&[&domain("sillok/provenance/v1"), nonce, &fields])
}

/// The digest of a list's two planes.
#[must_use]
pub fn state_digest(list: &[u8; 16], length: u64, revocation: &[u8], suspension: &[u8]) -> Hash {
    let planes = [sha256(&[revocation]), sha256(&[suspension])].concat();
    sha256(&[&domain("sillok/status-state/v1"), list, &length.to_be_bytes(), &planes])
}

/// The digest of a trust document's text.
#[must_use]
pub fn document_digest(document: u8, text: &str) -> Hash {
    let length = u64::try_from(text.len()).expect("a length fits 64 bits");
    sha256(&[&domain("sillok/bundle/v1"), &[document], &length.to_be_bytes(), text.as_bytes()])
}
