//! What one synchronisation makes durable: a frame of records.
//!
//! | Bytes | Field |
//! |---|---|
//! | 8 | magic |
//! | 8 | number of the frame, from 0 |
//! | 4 | bytes of the records |
//! | 4 | number of records |
//! | 32 | checksum of the frame before |
//! | 8 | the first bytes of the SHA-256 of all before |
//! | | the records: u8 kind, u16 length of the header, u32 length of the sealed part, header, sealed part |
//! | 32 | checksum: SHA-256 of all before |
//! | | zeros up to a multiple of 512 |
//!
//! Integers are big-endian. A frame begins on a sector of its own in a file that was filled with zeros: after a crash
//! each of its sectors is what was written, or zeros. That tells a torn frame from a damaged one.

use sha2::{Digest as _, Sha256};

/// Puts frames together, one after the other, in the same memory.
#[derive(Default)]
pub(super) struct Builder {
    bytes: Vec<u8>,
    count: u32,
}

/// A record in the bytes of its frame.
pub(super) struct View<'a> {
    pub(super) kind: u8,
    pub(super) header: &'a [u8],
    pub(super) sealed: &'a [u8],
}

impl Builder {
    /// Begins a frame.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.resize(HEAD_BYTES, 0);
        self.count = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes of the frame on disk, if it got this record too.
    pub(super) fn bytes_with(&self, record: &[u8]) -> usize {
        padded(self.bytes.len() + record.len() + CHECKSUM_BYTES)
    }

    /// Adds a record as a [`super::Batch`] has it; where it begins in the frame.
    pub(super) fn push(&mut self, record: &[u8]) -> usize {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(record);
        self.count += 1;
        at
    }

    /// The frame as it goes to disk, and its checksum.
    pub(super) fn finish(&mut self, chain: &Chain) -> (&[u8], [u8; 32]) {
        let body = (self.bytes.len() - HEAD_BYTES) as u32;
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&chain.number.to_be_bytes());
        head.extend_from_slice(&body.to_be_bytes());
        head.extend_from_slice(&self.count.to_be_bytes());
        head.extend_from_slice(&chain.previous);
        let check = Sha256::digest(&head);
        head.extend_from_slice(&check[..HEAD_CHECK_BYTES]);
        self.bytes[..HEAD_BYTES].copy_from_slice(&head);
        let checksum: [u8; 32] = Sha256::digest(&self.bytes).into();
        self.bytes.extend_from_slice(&checksum);
        self.bytes.resize(padded(self.bytes.len()), 0);
        (&self.bytes, checksum)
    }
}

/// What the next frame has to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) number: u64,
    pub(super) previous: [u8; 32],
}

impl Chain {
    pub(super) const GENESIS: Self = Self { number: 0, previous: [0; 32] };

    pub(super) fn advance(&mut self, checksum: [u8; 32]) {
        self.number += 1;
        self.previous = checksum;
    }
}

/// A frame that was read.
pub(super) struct Frame<'a> {
    pub(super) chain: Chain,
    pub(super) checksum: [u8; 32],
    /// Each with its place from the beginning of the frame and its length, in bytes.
    pub(super) records: Vec<(usize, usize, View<'a>)>,
    /// With its padding.
    pub(super) bytes: usize,
}

/// Why there is no whole frame at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// No crash explains it.
    Damaged(&'static str),
    /// At least one of its sectors was never written.
    Torn,
}

/// Reads the frame at the beginning of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Result<Frame<'_>, Problem> {
    let first = bytes.get(..SECTOR_BYTES).ok_or(Problem::Torn)?;
    if is_zero(first) {
        return Err(Problem::Torn);
    }
    let (chain, body, count) = parse_head(first).ok_or(Problem::Damaged("a frame's head is not one"))?;
    let end = HEAD_BYTES + body;
    let extent = padded(end + CHECKSUM_BYTES);
    let frame = bytes.get(..extent).ok_or(Problem::Torn)?;
    let (hashed, rest) = frame.split_at(end);
    let (checksum, padding) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(Problem::Torn)?;
    if Sha256::digest(hashed).as_slice() != checksum {
        return Err(if frame.chunks(SECTOR_BYTES).any(is_zero) {
            Problem::Torn
        } else {
            Problem::Damaged("a frame does not match its checksum")
        });
    }
    if !is_zero(padding) {
        return Err(Problem::Damaged("what follows a frame is not zero"));
    }
    let records = parse_records(hashed).filter(|records| records.len() == count);
    let records = records.ok_or(Problem::Damaged("a frame miscounts its records"))?;
    Ok(Frame { chain, checksum: *checksum, records, bytes: extent })
}

fn parse_head(sector: &[u8]) -> Option<(Chain, usize, usize)> {
    let (head, _body) = sector.split_at_checked(HEAD_BYTES)?;
    let (fields, check) = head.split_at(HEAD_BYTES - HEAD_CHECK_BYTES);
    if Sha256::digest(fields)[..HEAD_CHECK_BYTES] != *check {
        return None;
    }
    let fields = fields.strip_prefix(MAGIC)?;
    let (number, fields) = fields.split_first_chunk()?;
    let (body, fields) = fields.split_first_chunk()?;
    let (count, fields) = fields.split_first_chunk()?;
    let chain = Chain { number: u64::from_be_bytes(*number), previous: fields.try_into().ok()? };
    let body = usize::try_from(u32::from_be_bytes(*body)).ok()?;
    Some((chain, body, usize::try_from(u32::from_be_bytes(*count)).ok()?))
}

fn parse_records(hashed: &[u8]) -> Option<Vec<(usize, usize, View<'_>)>> {
    let mut records = Vec::new();
    let mut at = HEAD_BYTES;
    while at < hashed.len() {
        let (record, length) = parse_record(hashed.get(at..)?)?;
        records.push((at, length, record));
        at += length;
    }
    Some(records)
}

/// Reads the record at the beginning of `bytes`; and its length.
pub(super) fn parse_record(bytes: &[u8]) -> Option<(View<'_>, usize)> {
    let (kind, rest) = bytes.split_first()?;
    let (header, rest) = rest.split_first_chunk()?;
    let (sealed, rest) = rest.split_first_chunk()?;
    let (header, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*header)))?;
    let sealed = rest.get(..usize::try_from(u32::from_be_bytes(*sealed)).ok()?)?;
    let length = RECORD_HEAD_BYTES + header.len() + sealed.len();
    Some((View { kind: *kind, header, sealed }, length))
}

/// Writes what [`parse_record`] reads before header and sealed part.
pub(super) fn put_record_head(bytes: &mut Vec<u8>, kind: u8, header_bytes: u16, sealed_bytes: u32) {
    bytes.push(kind);
    bytes.extend_from_slice(&header_bytes.to_be_bytes());
    bytes.extend_from_slice(&sealed_bytes.to_be_bytes());
}

pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(SECTOR_BYTES)
}

const MAGIC: &[u8; 8] = b"SLKJRNL1";

/// Magic, number, two lengths, the checksum before, the check of the head.
const HEAD_BYTES: usize = 64;
const HEAD_CHECK_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 32;
pub(super) const RECORD_HEAD_BYTES: usize = 7;

/// The unit that a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;
