//! Pure. Fields of fixed length, and numbers in as few bytes as they need.

use alloc::vec::Vec;

/// What is left to read.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(array)
    }

    /// A number as [`push_number`] writes it: without a last byte of zero, and below 2^63.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63_u32).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }
}

/// Seven bits a byte, the lowest first; the high bit says that another follows.
//= specs/presentation.md#packed-form
pub(super) fn push_number(number: u64, bytes: &mut Vec<u8>) {
    let mut rest = number;
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        for number in [0, 1, 127, 128, 16_383, 16_384, (1 << 56) - 1, 1 << 62, (1 << 63) - 1] {
            let mut bytes = Vec::new();
            push_number(number, &mut bytes);
            bytes.push(7);
            let mut fields = Fields(&bytes);
            assert_eq!((fields.number(), fields.byte(), fields.byte()), (Some(number), Some(7), None));
        }
        // Nothing, an end that is missing, a zero more, and ten bytes.
        for bytes in [&[][..], &[0x80], &[0x80, 0], &[0xff, 0x80, 0], &[0x80; 9], &[0xff; 10]] {
            assert_eq!(Fields(bytes).number(), None, "{bytes:?}");
        }
    }
}
