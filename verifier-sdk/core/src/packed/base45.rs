//! Pure. Base45 (RFC 9285): bytes in the characters that a QR code holds two in eleven bits. One spelling for each value.

use alloc::string::String;
use alloc::vec::Vec;

/// Encodes: three characters for two bytes, and two for a last one.
pub(super) fn encode(bytes: &[u8], text: &mut String) {
    for pair in bytes.chunks(2) {
        let (value, characters) = match pair {
            [high, low] => (u16::from_be_bytes([*high, *low]), 3),
            [last] => (u16::from(*last), 2),
            _none => continue,
        };
        let digits = [value % 45, value / 45 % 45, value / 45 / 45];
        let character = |digit: &u16| ALPHABET.get(usize::from(*digit)).copied().map(char::from);
        text.extend(digits.iter().take(characters).filter_map(character));
    }
}

/// Decodes what [`encode`] writes, and nothing else.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for group in text.chunks(3) {
        match group {
            [c, d, e] => {
                let high = digit(*e)?.checked_mul(45 * 45)?;
                let value = high.checked_add(digit(*d)?.checked_mul(45)?)?.checked_add(digit(*c)?)?;
                bytes.extend_from_slice(&value.to_be_bytes());
            }
            [c, d] => {
                let value = digit(*d)?.checked_mul(45)?.checked_add(digit(*c)?)?;
                bytes.push(u8::try_from(value).ok()?);
            }
            _one => return None,
        }
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u16> {
    let place = ALPHABET.iter().position(|known| *known == character)?;
    u16::try_from(place).ok()
}

/// RFC 9285 section 4.2.
const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut text = String::new();
        encode(bytes, &mut text);
        text
    }

    #[test]
    fn the_examples_of_rfc_9285_come_out() {
        for (bytes, text) in
            [("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581"), ("ietf!", "QED8WEX0")]
        {
            assert_eq!(encoded(bytes.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn all_pairs_and_bytes_have_one_spelling() {
        for value in 0..=u16::MAX {
            let bytes = value.to_be_bytes();
            assert_eq!(decode(encoded(&bytes).as_bytes()).as_deref(), Some(&bytes[..]));
        }
        for byte in 0..=u8::MAX {
            assert_eq!(decode(encoded(&[byte]).as_bytes()).as_deref(), Some(&[byte][..]));
        }
        // 65,536 and 256, a lone character, a small letter, a character beyond ASCII.
        for text in ["GGW", ":::", "V5", "::", "A", "BB8A", "bb8", "B\u{e9}8"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
        assert_eq!(decode(b"FGW").as_deref(), Some(&[255, 255][..]));
        assert_eq!(decode(b"U5").as_deref(), Some(&[255][..]));
    }
}
