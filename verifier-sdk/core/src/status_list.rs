//! Pure. The renderings of a status list: zlib in a snapshot file and in an IETF status list token, GZIP in a W3C status
//! list credential.
//!
//! Both directions are here, so that what is published is what this reader accepts. A reader holds one byte more
//! than the list is long, whatever the input claims.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use sillok_log::entry::{MAX_LIST_SLOTS, MIN_LIST_SLOTS};

use crate::encoding::{decode_base64url, encode_base64url};

/// The two planes of a list as a snapshot file holds them: zlib (RFC 1950) of one after the other.
//= specs/status.md#snapshot-file
#[must_use]
pub fn compress_state(revocation: &[u8], suspension: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(&[revocation, suspension].concat(), COMPRESSION_LEVEL)
}

/// The revocation plane and the suspension plane of a list of `length` slots.
///
/// # Errors
/// A length that no list has; a stream that is not zlib, holds fewer or more bytes than the two planes, or has
/// bytes after it.
//= specs/status.md#snapshot-file
pub fn decompress_state(compressed: &[u8], length: u64) -> Result<(Vec<u8>, Vec<u8>), StatusListError> {
    let plane_bytes = plane_bytes(length)?;
    let state_bytes = plane_bytes.saturating_mul(2);
    let (mut revocation, rest) = inflate(compressed, state_bytes, TINFL_FLAG_PARSE_ZLIB_HEADER)?;
    if !rest.is_empty() {
        return Err(StatusListError::Trailing { bytes: rest.len() });
    }
    let suspension = revocation.split_off(plane_bytes);
    Ok((revocation, suspension))
}

/// The `encodedList` of a plane: `u`, then base64url of GZIP (RFC 1952), as W3C Bitstring Status List v1.0 has it.
/// The same plane always gives the same text: the header holds no time, name or system.
//= specs/status.md#w3c-rendering
#[must_use]
pub fn encode_bitstring(plane: &[u8]) -> String {
    let mut member = Vec::from(GZIP_HEADER);
    member.extend_from_slice(&compress_to_vec(plane, COMPRESSION_LEVEL));
    member.extend_from_slice(&crc32(plane).to_le_bytes());
    member.extend_from_slice(&gzip_size(plane).to_le_bytes());
    let mut text = String::from("u");
    text.push_str(&encode_base64url(&member));
    text
}

/// The plane of `length` slots that an `encodedList` holds.
///
/// # Errors
/// A length that no list has; not `u` and canonical base64url of exactly one GZIP member; another size or checksum
/// than its trailer says; fewer or more bytes than the plane.
//= specs/status.md#w3c-rendering
pub fn decode_bitstring(encoded_list: &str, length: u64) -> Result<Vec<u8>, StatusListError> {
    let plane_bytes = plane_bytes(length)?;
    let text = encoded_list.strip_prefix('u').ok_or(StatusListError::Multibase)?;
    let member = decode_base64url(text.as_bytes()).ok_or(StatusListError::Base64)?;
    let deflated = skip_gzip_header(&member).ok_or(StatusListError::Gzip)?;
    let (plane, trailer) = inflate(deflated, plane_bytes, 0)?;
    let Some((&[a, b, c, d, e, f, g, h], rest)) = trailer.split_first_chunk::<8>() else {
        return Err(StatusListError::Gzip);
    };
    if !rest.is_empty() {
        return Err(StatusListError::Trailing { bytes: rest.len() });
    }
    if u32::from_le_bytes([a, b, c, d]) != crc32(&plane)
        || u32::from_le_bytes([e, f, g, h]) != gzip_size(&plane)
    {
        return Err(StatusListError::Checksum);
    }
    Ok(plane)
}

/// The `lst` of a list in an IETF status list token of two bits a slot (draft-ietf-oauth-status-list-21 section 4).
//= specs/status.md#ietf-rendering
#[must_use]
pub fn encode_token_list(revocation: &[u8], suspension: &[u8]) -> String {
    let mut packed = Vec::with_capacity(revocation.len().saturating_mul(2));
    for (revoked, suspended) in revocation.iter().zip(suspension) {
        // Four slots a byte, from the least significant bits on.
        for half in [0xf0_u8, 0x0f] {
            let places = (0..8_u32).map(|place| 0x80_u8.wrapping_shr(place)).filter(|mask| half & mask != 0);
            packed.push(places.zip([0_u32, 2, 4, 6]).fold(0, |byte, (mask, shift)| {
                let value: u8 = match (revoked & mask != 0, suspended & mask != 0) {
                    (true, true | false) => TOKEN_REVOKED,
                    (false, true) => TOKEN_SUSPENDED,
                    (false, false) => 0,
                };
                byte | value.wrapping_shl(shift)
            }));
        }
    }
    encode_base64url(&compress_to_vec_zlib(&packed, COMPRESSION_LEVEL))
}

/// The revocation plane and the suspension plane of a list of `length` slots that an IETF status list token holds with
/// `bits` bits a slot.
///
/// # Errors
/// A length that no list has; other bits than 1 or 2; not canonical base64url of a zlib stream of exactly the list; a value
/// beyond revoked (1) and suspended (2).
//= specs/status.md#ietf-rendering
pub fn decode_token_list(lst: &str, bits: u64, length: u64) -> Result<(Vec<u8>, Vec<u8>), StatusListError> {
    let plane_bytes = plane_bytes(length)?;
    let (bits, bytes, mask): (usize, usize, u8) = match bits {
        1 => (1, plane_bytes, 1),
        2 => (2, plane_bytes.saturating_mul(2), 3),
        _other => return Err(StatusListError::Bits { bits }),
    };
    let compressed = decode_base64url(lst.as_bytes()).ok_or(StatusListError::Base64)?;
    let (packed, rest) = inflate(&compressed, bytes, TINFL_FLAG_PARSE_ZLIB_HEADER)?;
    if !rest.is_empty() {
        return Err(StatusListError::Trailing { bytes: rest.len() });
    }
    let (mut revocation, mut suspension) = (vec![0; plane_bytes], vec![0; plane_bytes]);
    let values = packed
        .iter()
        .flat_map(|byte| (0..8_u32).step_by(bits).map(move |shift| byte.wrapping_shr(shift) & mask));
    for (slot, value) in (0_u32..).zip(values).filter(|(_slot, value)| *value != 0) {
        let plane = match value {
            TOKEN_REVOKED => &mut revocation,
            TOKEN_SUSPENDED => &mut suspension,
            _other => return Err(StatusListError::Value { slot }),
        };
        if let Some(byte) = usize::try_from(slot >> 3).ok().and_then(|at| plane.get_mut(at)) {
            *byte |= 0x80_u8.wrapping_shr(slot & 7);
        }
    }
    Ok((revocation, suspension))
}

/// The bytes of one plane of a list of `length` slots.
fn plane_bytes(length: u64) -> Result<usize, StatusListError> {
    let whole = length.is_multiple_of(8) && (MIN_LIST_SLOTS..=MAX_LIST_SLOTS).contains(&length);
    let bytes = whole.then(|| usize::try_from(length.div_euclid(8)).ok()).flatten();
    bytes.ok_or(StatusListError::Length { slots: length })
}

/// The text of a zlib stream (RFC 1950) that holds exactly `expected` bytes and ends with the input.
pub(crate) fn inflate_text(input: &[u8], expected: usize) -> Result<Vec<u8>, StatusListError> {
    let (text, rest) = inflate(input, expected, TINFL_FLAG_PARSE_ZLIB_HEADER)?;
    if rest.is_empty() { Ok(text) } else { Err(StatusListError::Trailing { bytes: rest.len() }) }
}

/// [`inflate_text`] of this is `text` again.
pub(crate) fn deflate_text(text: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(text, COMPRESSION_LEVEL)
}

/// Inflates a stream that holds exactly `expected` bytes; returns them and the input after the stream.
fn inflate(input: &[u8], expected: usize, format: u32) -> Result<(Vec<u8>, &[u8]), StatusListError> {
    // One byte more than expected, so that a longer stream shows itself and costs nothing.
    let mut output = vec![0; expected.saturating_add(1)];
    let flags = format | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, consumed, produced) =
        decompress(&mut DecompressorOxide::new(), input, &mut output, 0, flags);
    match status {
        TINFLStatus::Done if produced == expected => {}
        TINFLStatus::Done if produced < expected => {
            return Err(StatusListError::Size { expected, shorter: true });
        }
        TINFLStatus::Done | TINFLStatus::HasMoreOutput => {
            return Err(StatusListError::Size { expected, shorter: false });
        }
        TINFLStatus::Adler32Mismatch => return Err(StatusListError::Checksum),
        TINFLStatus::BadParam
        | TINFLStatus::Failed
        | TINFLStatus::FailedCannotMakeProgress
        | TINFLStatus::NeedsMoreInput => return Err(StatusListError::Deflate),
        _newer => return Err(StatusListError::Deflate),
    }
    output.truncate(expected);
    Ok((output, input.get(consumed..).unwrap_or_default()))
}

/// What follows the header of a GZIP member (RFC 1952 section 2.3): its optional fields are stepped over.
fn skip_gzip_header(member: &[u8]) -> Option<&[u8]> {
    let (&[0x1f, 0x8b, 8, flags, _, _, _, _, _, _], mut rest) = member.split_first_chunk::<10>()? else {
        return None;
    };
    if flags & GZIP_RESERVED != 0 {
        return None;
    }
    if flags & GZIP_EXTRA != 0 {
        let (length, extra) = rest.split_first_chunk::<2>()?;
        rest = extra.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [GZIP_NAME, GZIP_COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest = rest.get(end.checked_add(1)?..)?;
        }
    }
    if flags & GZIP_HEADER_CRC != 0 {
        let header_bytes = member.len().checked_sub(rest.len())?;
        let (claimed, after) = rest.split_first_chunk::<2>()?;
        let [low, high, _, _] = crc32(member.get(..header_bytes)?).to_le_bytes();
        rest = (*claimed == [low, high]).then_some(after)?;
    }
    Some(rest)
}

/// ISIZE: the size modulo 2^32. A plane has at most 2 MiB.
fn gzip_size(plane: &[u8]) -> u32 {
    u32::try_from(plane.len()).unwrap_or(u32::MAX)
}

/// CRC-32 as RFC 1952 section 8 has it.
fn crc32(bytes: &[u8]) -> u32 {
    // 256 entries of 8 steps: nothing beside the 16 KiB and more that are summed with it.
    let mut table = [0_u32; 256];
    for (entry, byte) in table.iter_mut().zip(0_u32..) {
        *entry = (0..8).fold(byte, |c, _bit| if c & 1 == 1 { CRC32_POLYNOMIAL ^ (c >> 1) } else { c >> 1 });
    }
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        let [low, ..] = sum.to_le_bytes();
        table.get(usize::from(low ^ byte)).copied().unwrap_or(0) ^ (sum >> 8)
    });
    !sum
}

/// Why a rendering of a status list is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusListError {
    /// `encodedList` is not canonical base64url behind its `u`, or `lst` is not canonical base64url.
    Base64,
    /// A status list token does not have one or two bits a slot.
    Bits {
        /// How many it has.
        bits: u64,
    },
    /// The checksum or size that the stream carries is not that of its bytes.
    Checksum,
    /// Not a DEFLATE stream, or cut short.
    Deflate,
    /// Not a GZIP member.
    Gzip,
    /// No list has this many slots.
    Length {
        /// The number asked for.
        slots: u64,
    },
    /// `encodedList` does not begin with `u`.
    Multibase,
    /// The stream holds fewer or more bytes than the list.
    Size {
        /// The bytes that the list has.
        expected: usize,
        /// Whether it holds fewer.
        shorter: bool,
    },
    /// There are bytes after the stream.
    Trailing {
        /// Their number.
        bytes: usize,
    },
    /// A slot of a status list token is neither valid nor revoked nor suspended.
    Value {
        /// The first such slot.
        slot: u32,
    },
}

impl fmt::Display for StatusListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64 => f.write_str("status list is not canonical base64url"),
            Self::Bits { bits } => write!(f, "status list token has {bits} bits a slot, not 1 or 2"),
            Self::Checksum => f.write_str("status list does not have the checksum or size that it claims"),
            Self::Deflate => f.write_str("status list is not a whole DEFLATE stream"),
            Self::Gzip => f.write_str("status list is not one GZIP member"),
            Self::Length { slots } => write!(
                f,
                "status list of {slots} slots is not a multiple of 8 from {MIN_LIST_SLOTS} to {MAX_LIST_SLOTS}"
            ),
            Self::Multibase => f.write_str("encodedList does not begin with u"),
            Self::Size { expected, shorter: true } => {
                write!(f, "status list decompresses to fewer than {expected} bytes")
            }
            Self::Size { expected, shorter: false } => {
                write!(f, "status list decompresses to more than {expected} bytes")
            }
            Self::Trailing { bytes } => write!(f, "status list has {bytes} bytes after its stream"),
            Self::Value { slot } => write!(f, "slot {slot} of a status list token has a value beyond 2"),
        }
    }
}

impl core::error::Error for StatusListError {}

// Values of draft-ietf-oauth-status-list-21 section 7.1: INVALID and SUSPENDED.
const TOKEN_REVOKED: u8 = 1;
const TOKEN_SUSPENDED: u8 = 2;

/// zlib's own default: a list of mostly equal bits gains nothing from more.
const COMPRESSION_LEVEL: u8 = 6;

/// RFC 1952 section 2.3: DEFLATE, no optional field, no time, default effort, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

// Flags of RFC 1952 section 2.3.1. FTEXT (0x01) changes nothing.
const GZIP_HEADER_CRC: u8 = 0x02;
const GZIP_EXTRA: u8 = 0x04;
const GZIP_NAME: u8 = 0x08;
const GZIP_COMMENT: u8 = 0x10;
const GZIP_RESERVED: u8 = 0xe0;

/// RFC 1952 section 8, bits reversed.
const CRC32_POLYNOMIAL: u32 = 0xedb8_8320;
