//! Pure. Numbers and bytes as the text formats of the ledger write them: one spelling for each value.
//!
//! `str::parse` accepts `+7` and `007`, and lenient base64 accepts several texts for the same bytes. A signed
//! text that two readers may understand differently is a hole, so everything here rejects all but one spelling.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Reads an ASCII decimal without sign, without leading zero (unless it is `0`) and without overflow.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<u64> {
    let digits = text.as_bytes();
    let canonical = matches!(digits, [b'0'] | [b'1'..=b'9', ..]);
    if !canonical || digits.len() > MAX_DECIMAL_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.parse().ok()
}

/// Decodes lower-case hexadecimal that must hold exactly `N` bytes.
pub(crate) fn decode_hex_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_digit(*high)?.checked_mul(16)?.checked_add(hex_digit(*low)?)?;
    }
    Some(bytes)
}

/// Writes lower-case hexadecimal.
pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn hex_digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => character.checked_sub(b'0'),
        b'a'..=b'f' => character.checked_sub(b'a')?.checked_add(10),
        _ => None,
    }
}

/// Decodes base64 (RFC 4648 section 4, padded, canonical) that must hold exactly `N` bytes.
pub(crate) fn decode_base64_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    // The length is compared first: `text` may be as long as its sender liked.
    if text.len() != N.div_ceil(3).checked_mul(4)? {
        return None;
    }
    let mut bytes = [0; N];
    let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

/// Decodes base64 (RFC 4648 section 4, padded): no whitespace, no stray bits. The caller bounds the length.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Encodes as base64 (RFC 4648 section 4), padded.
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// [`encode_base64`] at the end of a text.
pub(crate) fn push_base64(bytes: &[u8], text: &mut String) {
    STANDARD.encode_string(bytes, text);
}

/// `u64::MAX` is 18446744073709551615.
const MAX_DECIMAL_DIGITS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn decimals_have_one_spelling() {
        for value in [0, 1, 9, 10, 777, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(parse_decimal(&value.to_string()), Some(value));
        }
        for text in
            ["", "+777", "-1", "-0", "00", "007", " 7", "7 ", "7\r", "7\n", "0x7", "1_000", "1e3", "٧", "７"]
        {
            assert_eq!(parse_decimal(text), None, "{text:?}");
        }
    }

    #[test]
    fn decimals_do_not_overflow() {
        for text in ["18446744073709551616", "99999999999999999999", "184467440737095516150"] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(decode_base64("AQI="), Some(alloc::vec![1, 2]));
        assert_eq!(encode_base64(&[1, 2]), "AQI=");
        // Stray bits in the last character, missing or surplus padding, whitespace, the other alphabet.
        for text in ["AQJ=", "AQI", "AQI==", "AQ I=", "AQI=\n", "AQI=\r", "-_8=", "AQI=AQI=", "A", "===="] {
            assert_eq!(decode_base64(text), None, "{text:?}");
        }
    }

    #[test]
    fn exact_base64_compares_the_length() {
        let text = encode_base64(&[7; 32]);
        assert_eq!(decode_base64_exact::<32>(&text), Some([7; 32]));
        assert_eq!(decode_base64_exact::<31>(&text), None);
        assert_eq!(decode_base64_exact::<33>(&text), None);
        assert_eq!(decode_base64_exact::<0>(""), Some([]));
    }
}
