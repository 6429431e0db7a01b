//! One batch in a segment:
//!
//! | Bytes | Field |
//! |---|---|
//! | 8 | magic |
//! | 8 | generation of the segment |
//! | 8 | first leaf index |
//! | 4 | number of entries |
//! | 4 | bytes of the entries |
//! | | the entries, as in an entry bundle: u16 length before each |
//! | 32 | SHA-256 of all before |
//! | | zeros up to a multiple of 512 |
//!
//! Integers are big-endian. A record begins on a sector of its own. A later write may carry earlier sectors along, since
//! the kernel writes whole pages, but with the bytes that they have: torn between two sectors, it leaves them as they are.

use std::ops::Range;

use sha2::{Digest as _, Sha256};
use sillok_log::{LeafIndex, TreeSize};

use crate::store::Error;

/// Where the parts of a record are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) start: LeafIndex,
    pub(super) count: u32,
    pub(super) entries: Range<usize>,
    /// With its padding.
    pub(super) bytes: usize,
}

impl Record {
    pub(super) fn end(&self) -> TreeSize {
        TreeSize(self.start.0.saturating_add(u64::from(self.count)))
    }
}

pub(super) fn encode(generation: u64, start: LeafIndex, entries: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let length: usize = entries.iter().map(|entry| entry.len() + 2).sum();
    let too_long = || Error::TooLong { bytes: length };
    let count = u32::try_from(entries.len()).map_err(|_many| too_long())?;
    let length_field = u32::try_from(length).map_err(|_many| too_long())?;
    let mut record = Vec::with_capacity(padded(HEAD_BYTES + length + CHECKSUM_BYTES));
    record.extend_from_slice(MAGIC);
    record.extend_from_slice(&generation.to_be_bytes());
    record.extend_from_slice(&start.0.to_be_bytes());
    record.extend_from_slice(&count.to_be_bytes());
    record.extend_from_slice(&length_field.to_be_bytes());
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_long| Error::TooLong { bytes: entry.len() })?;
        record.extend_from_slice(&length.to_be_bytes());
        record.extend_from_slice(entry);
    }
    let checksum = Sha256::digest(&record);
    record.extend_from_slice(&checksum);
    record.resize(padded(record.len()), 0);
    Ok(record)
}

/// Reads the record at the beginning of `bytes`; nothing when there are only zeros, or nothing at all.
pub(super) fn parse(generation: u64, bytes: &[u8]) -> Result<Option<Record>, &'static str> {
    let Some(head) = bytes.get(..HEAD_BYTES) else {
        return if bytes.iter().all(|byte| *byte == 0) { Ok(None) } else { Err("a record is cut short") };
    };
    if head.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let number = |range: Range<usize>| {
        head.get(range).unwrap_or_default().iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte))
    };
    if !head.starts_with(MAGIC) {
        return Err("a record does not begin as one");
    }
    if number(8..16) != generation {
        return Err("a record is of another segment");
    }
    let length = usize::try_from(number(28..32)).map_err(|_wide| "a record is too long")?;
    let entries = HEAD_BYTES..HEAD_BYTES + length;
    let (Some(hashed), Some(checksum)) =
        (bytes.get(..entries.end), bytes.get(entries.end..entries.end + CHECKSUM_BYTES))
    else {
        return Err("a record is cut short");
    };
    if Sha256::digest(hashed).as_slice() != checksum {
        return Err("a record does not match its checksum");
    }
    let count = u32::try_from(number(24..28)).map_err(|_wide| "a record has too many entries")?;
    let record = Record {
        start: LeafIndex(number(16..24)),
        count,
        entries,
        bytes: padded(HEAD_BYTES + length + CHECKSUM_BYTES),
    };
    if split(&hashed[HEAD_BYTES..]).count() == count as usize {
        Ok(Some(record))
    } else {
        Err("a record miscounts")
    }
}

/// The entries of a record that [`parse`] found in `bytes`.
pub(super) fn entries(bytes: &[u8], record: &Record) -> Vec<Vec<u8>> {
    split(bytes.get(record.entries.clone()).unwrap_or_default()).map(<[u8]>::to_vec).collect()
}

fn split(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = after;
        Some(entry)
    })
}

fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(SECTOR_BYTES)
}

const MAGIC: &[u8; 8] = b"SLKSEG01";
const HEAD_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 32;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;
