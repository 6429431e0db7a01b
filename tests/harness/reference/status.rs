//! Status lists: the fold slot by slot, the planes bit by bit, and compressed forms of them.

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

use super::encoding::base64url;
use super::entry::state_digest;
use super::ledger::refusal;
use super::tree::Hash;

/// Every slot of a list as its value: 0 valid, 1 revoked, 2 suspended.
#[derive(Clone)]
pub struct Slots(pub Vec<u8>);

impl Slots {
    /// The fold of the list's status entries with an index below `fold_size` that break no rule, in a log of whole entries.
    #[must_use]
    pub fn fold(log: &[Vec<u8>], list: &[u8; 16], length: u64, fold_size: u64) -> Self {
        let mut slots = vec![0; usize::try_from(length).expect("a list fits memory")];
        // The entries before, with nothing in the place of a change that was none.
        let mut history: Vec<Vec<u8>> = Vec::new();
        for entry in log.iter().take(usize::try_from(fold_size).expect("a log fits memory")) {
            if entry[..2] == [1, 2] && entry[2..18] == list[..] {
                if refusal(&history, entry).is_some() {
                    history.push(vec![0, 0]);
                    continue;
                }
                let index = u32::from_be_bytes(entry[18..22].try_into().expect("four bytes"));
                slots[usize::try_from(index).expect("an index fits memory")] = entry[22];
            }
            history.push(entry.clone());
        }
        Self(slots)
    }

    /// The plane of the slots with this value: slot i is bit i mod 8 of byte i / 8, most significant first.
    #[must_use]
    pub fn plane(&self, value: u8) -> Vec<u8> {
        self.0
            .chunks(8)
            .map(|slots| slots.iter().fold(0, |byte, slot| byte << 1 | u8::from(*slot == value)))
            .collect()
    }

    /// Revocation plane ‖ suspension plane.
    #[must_use]
    pub fn planes(&self) -> Vec<u8> {
        [self.plane(1), self.plane(2)].concat()
    }

    /// The state digest.
    #[must_use]
    pub fn digest(&self, list: &[u8; 16]) -> Hash {
        let length = u64::try_from(self.0.len()).expect("a length fits 64 bits");
        state_digest(list, length, &self.plane(1), &self.plane(2))
    }

    /// `state` of a snapshot file: base64url of the zlib stream of both planes.
    #[must_use]
    pub fn state(&self) -> String {
        base64url(&zlib(&self.planes()))
    }

    /// The slots of an IETF status list token, this many bits each, the first in the lowest places of the first byte.
    #[must_use]
    pub fn packed(&self, bits: usize) -> Vec<u8> {
        self.0
            .chunks(8 / bits)
            .map(|slots| slots.iter().rev().fold(0, |byte, slot| byte << bits | slot))
            .collect()
    }

    /// `lst` of an IETF status list token.
    #[must_use]
    pub fn token_list(&self, bits: usize) -> String {
        base64url(&zlib(&self.packed(bits)))
    }

    /// `encodedList` of a W3C list credential: `u` and base64url of the gzip member of one plane.
    #[must_use]
    pub fn encoded_list(&self, value: u8) -> String {
        format!("u{}", base64url(&gzip(&self.plane(value))))
    }
}

/// A zlib stream (RFC 1950). The bytes depend on the compressor's version, which the lock file pins.
#[must_use]
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(bytes, LEVEL)
}

/// One gzip member (RFC 1952) without name, time or comment.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let size = u32::try_from(bytes.len()).expect("a plane is small");
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let trailer = [crc32(bytes).to_le_bytes(), size.to_le_bytes()].concat();
    [&header[..], &compress_to_vec(bytes, LEVEL), &trailer].concat()
}

/// CRC-32 of RFC 1952 section 8, bit by bit.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _bit in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

const LEVEL: u8 = 9;
