//! Pure. Texts for bytes and numbers in credentials: one spelling for each value.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use sillok_log::number::parse_decimal;

/// Decodes base64url (RFC 4648 section 5) as RFC 7515 section 2 wants it: no padding, no whitespace, no stray
/// bits in the last character. The caller bounds the length.
#[must_use]
pub fn decode_base64url(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes base64url that must hold exactly `N` bytes.
#[must_use]
pub fn decode_base64url_exact<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    // The length is compared before anything is allocated: `text` may be as long as its sender liked.
    if text.len() != N.checked_mul(4)?.div_ceil(3) {
        return None;
    }
    let mut bytes = [0; N];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

/// Where a byte first occurs. Looked for in steps, because the library has a fast way to tell whether it is there and a slow one to tell
/// where.
pub(crate) fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    let step = bytes.chunks(STEP_BYTES).position(|step| step.contains(&wanted))?;
    let before = step.checked_mul(STEP_BYTES)?;
    let within = bytes.get(before..)?.iter().position(|byte| *byte == wanted)?;
    before.checked_add(within)
}

/// What comes before a byte where it first occurs, and what comes after.
pub(crate) fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let (before, rest) = bytes.split_at_checked(position(bytes, separator)?)?;
    Some((before, rest.split_first()?.1))
}

/// Encodes as base64url without padding.
#[must_use]
pub fn encode_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Of [`position`]: a step is short enough to be looked through twice.
const STEP_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_where_it_first_occurs() {
        for length in [0, 1, STEP_BYTES - 1, STEP_BYTES, STEP_BYTES + 1, 3 * STEP_BYTES] {
            let mut text = alloc::vec![b'a'; length];
            assert_eq!(position(&text, b'.'), None);
            for place in (0..length).rev() {
                *text.get_mut(place).unwrap() = b'.';
                assert_eq!(position(&text, b'.'), Some(place), "{length}");
                let (before, after) = split_once(&text, b'.').unwrap();
                assert_eq!((before.len(), after.len()), (place, length - place - 1));
            }
        }
    }

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(decode_base64url(b"-_8"), Some(alloc::vec![0xfb, 0xff]));
        assert_eq!(encode_base64url(&[0xfb, 0xff]), "-_8");
        assert_eq!(decode_base64url(b""), Some(alloc::vec![]));
        // Padding, the other alphabet, stray bits, whitespace, an impossible length.
        for text in ["-_8=", "+/8", "-_9", "-_ 8", "-_8\n", "\n-_8", "A", "-_8==", "-_8\0"] {
            assert_eq!(decode_base64url(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn exact_base64url_compares_the_length() {
        let text = encode_base64url(&[7; 32]);
        assert_eq!(text.len(), 43);
        assert_eq!(decode_base64url_exact::<32>(text.as_bytes()), Some([7; 32]));
        assert_eq!(decode_base64url_exact::<31>(text.as_bytes()), None);
        assert_eq!(decode_base64url_exact::<33>(text.as_bytes()), None);
    }
}
