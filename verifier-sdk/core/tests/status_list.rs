//! Status lists as they are published: exact sizes, one stream, no bombs.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Crc, GzBuilder};
use proptest::prelude::*;
use sillok_log::entry::MIN_LIST_SLOTS;
use sillok_verifier::encoding::{decode_base64url, encode_base64url};
use sillok_verifier::status_list::{
    StatusListError, compress_state, decode_bitstring, decode_token_list, decompress_state, encode_bitstring,
    encode_token_list,
};

/// The bytes of a plane of the smallest list.
const PLANE: usize = 16_384;

fn plane(seed: u8) -> Vec<u8> {
    (0..PLANE).map(|i| if i % 97 == usize::from(seed) { seed } else { 0 }).collect()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn decode(member: &[u8]) -> Result<Vec<u8>, StatusListError> {
    decode_bitstring(&format!("u{}", encode_base64url(member)), MIN_LIST_SLOTS)
}

#[test]
fn states_come_back() {
    let (revocation, suspension) = (plane(3), plane(5));
    let compressed = compress_state(&revocation, &suspension);
    assert!(compressed.len() < PLANE / 8);
    assert_eq!(decompress_state(&compressed, MIN_LIST_SLOTS), Ok((revocation.clone(), suspension.clone())));
    let foreign = zlib(&[revocation.as_slice(), &suspension].concat());
    assert_eq!(decompress_state(&foreign, MIN_LIST_SLOTS), Ok((revocation, suspension)));
}

//= specs/status.md#ietf-rendering
//= type=test
#[test]
fn token_lists_come_back_and_are_packed_from_the_least_significant_bits() {
    let (revocation, suspension) = (plane(3), plane(5));
    let list = encode_token_list(&revocation, &suspension);
    assert_eq!(decode_token_list(&list, 2, MIN_LIST_SLOTS), Ok((revocation, suspension)));
    // Slots 0 and 5 revoked, slot 1 suspended, slot 7 of a value beyond these.
    let pack = |first: &[u8], bytes: usize| {
        encode_base64url(&zlib(&[first, &vec![0; bytes - first.len()]].concat()))
    };
    let (revocation, suspension) =
        decode_token_list(&pack(&[0b1001, 0b100], 2 * PLANE), 2, MIN_LIST_SLOTS).unwrap();
    assert_eq!((revocation[0], suspension[0]), (0b1000_0100, 0b0100_0000));
    assert_eq!(revocation.iter().chain(&suspension).map(|byte| byte.count_ones()).sum::<u32>(), 3);
    let beyond = decode_token_list(&pack(&[0, 0b1100_0000], 2 * PLANE), 2, MIN_LIST_SLOTS);
    assert_eq!(beyond, Err(StatusListError::Value { slot: 7 }));
    let (revocation, suspension) = decode_token_list(&pack(&[0b10], PLANE), 1, MIN_LIST_SLOTS).unwrap();
    assert_eq!((revocation[0], suspension), (0b0100_0000, vec![0; PLANE]));
    for bits in [0, 3, 4, 8, u64::MAX] {
        assert_eq!(decode_token_list(&list, bits, MIN_LIST_SLOTS), Err(StatusListError::Bits { bits }));
    }
    let error = StatusListError::Size { expected: PLANE, shorter: false };
    assert_eq!(decode_token_list(&list, 1, MIN_LIST_SLOTS), Err(error));
}

#[test]
fn states_have_exactly_the_size_of_their_list() {
    for bytes in [0, 1, 2 * PLANE - 1] {
        let error = StatusListError::Size { expected: 2 * PLANE, shorter: true };
        assert_eq!(decompress_state(&zlib(&vec![0; bytes]), MIN_LIST_SLOTS), Err(error), "{bytes}");
    }
    for bytes in [2 * PLANE + 1, 2 * PLANE + 2, 4 * PLANE] {
        let error = StatusListError::Size { expected: 2 * PLANE, shorter: false };
        assert_eq!(decompress_state(&zlib(&vec![0; bytes]), MIN_LIST_SLOTS), Err(error), "{bytes}");
    }
    for slots in [0, 8, MIN_LIST_SLOTS - 8, MIN_LIST_SLOTS + 1, 16_777_216 + 8, u64::MAX] {
        let refused = decompress_state(&zlib(&[]), slots);
        assert_eq!(refused, Err(StatusListError::Length { slots }));
        assert_eq!(decode_bitstring("u", slots), Err(StatusListError::Length { slots }));
    }
}

#[test]
fn states_are_one_whole_stream() {
    let whole = compress_state(&plane(3), &plane(5));
    let trailing = [whole.as_slice(), b"\n"].concat();
    assert_eq!(decompress_state(&trailing, MIN_LIST_SLOTS), Err(StatusListError::Trailing { bytes: 1 }));
    let twice = [whole.as_slice(), &whole].concat();
    assert_eq!(
        decompress_state(&twice, MIN_LIST_SLOTS),
        Err(StatusListError::Trailing { bytes: whole.len() })
    );
    for length in 0..whole.len() {
        assert!(decompress_state(&whole[..length], MIN_LIST_SLOTS).is_err(), "cut at {length}");
    }
    let mut sum = whole.clone();
    *sum.last_mut().expect("bytes") ^= 1;
    assert_eq!(decompress_state(&sum, MIN_LIST_SLOTS), Err(StatusListError::Checksum));
    assert!(decompress_state(&gzip(&vec![0; 2 * PLANE]), MIN_LIST_SLOTS).is_err());
}

#[test]
fn bombs_cost_a_list() {
    // 64 MiB of zeros in 64 KiB; only one byte beyond the list is ever written.
    let bomb = vec![0; 64 << 20];
    let state = decompress_state(&zlib(&bomb), MIN_LIST_SLOTS);
    assert_eq!(state, Err(StatusListError::Size { expected: 2 * PLANE, shorter: false }));
    let member = gzip(&bomb);
    assert_eq!(decode(&member), Err(StatusListError::Size { expected: PLANE, shorter: false }));
    // Twice: the inner stream is never inflated.
    assert!(matches!(decode(&gzip(&member)), Err(StatusListError::Size { .. })));
}

/// The `encodedList` of the examples in W3C Bitstring Status List v1.0: 131,072 zero bits.
const W3C_EXAMPLE: &str = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA";

#[test]
fn bitstrings_are_those_of_others() {
    assert_eq!(decode_bitstring(W3C_EXAMPLE, MIN_LIST_SLOTS), Ok(vec![0; PLANE]));
    let bits = plane(7);
    let ours = encode_bitstring(&bits);
    let member = decode_base64url(ours.strip_prefix('u').expect("u").as_bytes()).expect("base64url");
    let mut read = Vec::new();
    GzDecoder::new(member.as_slice()).read_to_end(&mut read).expect("GZIP");
    assert_eq!(read, bits);
    assert_eq!(decode_bitstring(&ours, MIN_LIST_SLOTS), Ok(bits.clone()));
    // Optional header fields say nothing about the bits.
    let named = GzBuilder::new().filename("list").comment("a comment").extra(vec![1, 2, 3]).mtime(77);
    let mut encoder = named.write(Vec::new(), Compression::fast());
    encoder.write_all(&bits).expect("memory");
    assert_eq!(decode(&encoder.finish().expect("memory")), Ok(bits));
}

#[test]
fn header_checksums_are_checked() {
    let bits = plane(7);
    let mut member = gzip(&bits);
    member[3] |= 0x02;
    let mut crc = Crc::new();
    crc.update(&member[..10]);
    let [low, high, ..] = crc.sum().to_le_bytes();
    member.splice(10..10, [low, high]);
    assert_eq!(decode(&member), Ok(bits));
    member[10] ^= 1;
    assert_eq!(decode(&member), Err(StatusListError::Gzip));
}

#[test]
fn bitstrings_are_one_member() {
    let whole = gzip(&plane(7));
    let half = gzip(&plane(7)[..PLANE / 2]);
    let members = [half.as_slice(), &half].concat();
    assert_eq!(decode(&members), Err(StatusListError::Size { expected: PLANE, shorter: true }));
    let trailing = [whole.as_slice(), &gzip(&[])].concat();
    assert!(matches!(decode(&trailing), Err(StatusListError::Trailing { .. })));
    assert_eq!(decode(&[whole.as_slice(), &[0]].concat()), Err(StatusListError::Trailing { bytes: 1 }));
    for length in 0..whole.len() {
        assert!(decode(&whole[..length]).is_err(), "cut at {length}");
    }
    for from_end in 1..=8 {
        let mut trailer = whole.clone();
        let at = trailer.len() - from_end;
        trailer[at] ^= 0x10;
        assert_eq!(decode(&trailer), Err(StatusListError::Checksum), "{from_end}");
    }
    assert_eq!(
        decode(&gzip(&vec![0; PLANE - 1])),
        Err(StatusListError::Size { expected: PLANE, shorter: true })
    );
    assert_eq!(
        decode(&gzip(&vec![0; PLANE + 1])),
        Err(StatusListError::Size { expected: PLANE, shorter: false })
    );
}

#[test]
fn bitstrings_have_one_spelling() {
    let text = W3C_EXAMPLE;
    assert_eq!(decode_bitstring(&text[1..], MIN_LIST_SLOTS), Err(StatusListError::Multibase));
    assert_eq!(
        decode_bitstring(&text.replacen('u', "f", 1), MIN_LIST_SLOTS),
        Err(StatusListError::Multibase)
    );
    for damaged in [format!("{text}="), format!("{text}\n"), text.replace('-', "+"), format!("{text}A")] {
        assert!(decode_bitstring(&damaged, MIN_LIST_SLOTS).is_err(), "{damaged:?}");
    }
    assert_eq!(decode_bitstring("u", MIN_LIST_SLOTS), Err(StatusListError::Gzip));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_plane_comes_back(mut bits in prop::collection::vec(any::<u8>(), 0..64), at in 0..PLANE - 64) {
        bits.splice(0..0, vec![0; at]);
        bits.resize(PLANE, 0);
        prop_assert_eq!(decode_bitstring(&encode_bitstring(&bits), MIN_LIST_SLOTS), Ok(bits.clone()));
        prop_assert_eq!(decompress_state(&compress_state(&bits, &bits), MIN_LIST_SLOTS), Ok((bits.clone(), bits)));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "u?[A-Za-z0-9_-]{0,200}") {
        prop_assert!(decompress_state(&bytes, MIN_LIST_SLOTS).is_err());
        let member = [&[0x1f, 0x8b, 8][..], &bytes].concat();
        prop_assert!(decode(&member).is_err());
        prop_assert!(decode_bitstring(&text, MIN_LIST_SLOTS).is_err());
    }

    #[test]
    fn no_damaged_stream_gives_other_bits(at in any::<prop::sample::Index>(), mask in 1..=u8::MAX) {
        let bits = plane(7);
        let mut state = compress_state(&bits, &bits);
        let index = at.index(state.len());
        state[index] ^= mask;
        // A damaged header may still describe the same stream; other bits must not come out.
        if let Ok(read) = decompress_state(&state, MIN_LIST_SLOTS) {
            prop_assert_eq!(read, (bits.clone(), bits.clone()));
        }
        let mut member = gzip(&bits);
        let index = at.index(member.len());
        member[index] ^= mask;
        if let Ok(read) = decode(&member) {
            prop_assert_eq!(read, bits);
        }
    }
}
