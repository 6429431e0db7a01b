//! Pure. Golomb's code of the gaps between slots that are set, and the numbers of the records.

use alloc::vec::Vec;

use super::PopulationError;

/// The code of one plane: everything in it follows from how many slots there are and how many are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Golomb {
    parameter: u64,
    /// ceil(log2 parameter).
    bits: u32,
    /// Remainders below it take a bit less.
    cutoff: u64,
}

//= specs/status.md#population-file
impl Golomb {
    /// For `set` of `slots` slots, at most 2^25 both.
    fn new(slots: u64, set: u64) -> Self {
        let weighted = slots.saturating_mul(61).saturating_add(set.saturating_mul(13));
        let parameter = weighted.checked_div(set.saturating_mul(88)).unwrap_or(1).max(1);
        let bits = u64::BITS.saturating_sub(parameter.saturating_sub(1).leading_zeros());
        let cutoff = 1_u64.wrapping_shl(bits).saturating_sub(parameter);
        Self { parameter, bits, cutoff }
    }

    fn write(self, gap: u64, out: &mut BitWriter) {
        let quotient = gap.checked_div(self.parameter).unwrap_or(0);
        let remainder = gap.checked_rem(self.parameter).unwrap_or(0);
        out.write_ones(quotient);
        out.write(0, 1);
        if self.bits == 0 {
            return;
        }
        if remainder < self.cutoff {
            out.write(remainder, self.bits.saturating_sub(1));
        } else {
            out.write(remainder.saturating_add(self.cutoff), self.bits);
        }
    }

    /// `None` for a gap whose quotient is above `most`.
    fn read(self, input: &mut BitReader<'_>, most: u64) -> Option<u64> {
        let quotient = input.read_ones(most)?;
        let remainder = if self.bits == 0 {
            0
        } else {
            let short = input.read(self.bits.saturating_sub(1));
            if short < self.cutoff { short } else { (short << 1 | input.read(1)).saturating_sub(self.cutoff) }
        };
        Some(quotient.saturating_mul(self.parameter).saturating_add(remainder))
    }
}

/// Appends the code of a plane of `slots` slots, of which these are set, in ascending order.
pub(super) fn write_plane(set: &[u32], slots: u64, out: &mut BitWriter) {
    let golomb = Golomb::new(slots, count(set));
    let mut next = 0_u64;
    for slot in set {
        let slot = u64::from(*slot);
        golomb.write(slot.saturating_sub(next), out);
        next = slot.saturating_add(1);
    }
}

/// The `set` slots of a plane of `slots` slots. Room for them must be bounded by the caller.
pub(super) fn read_plane(
    input: &mut BitReader<'_>,
    slots: u64,
    set: usize,
) -> Result<Vec<u32>, PopulationError> {
    let golomb = Golomb::new(slots, u64::try_from(set).unwrap_or(u64::MAX));
    let most = slots.checked_div(golomb.parameter).unwrap_or(0);
    let mut plane = Vec::with_capacity(set);
    let mut next = 0_u64;
    for _slot in 0..set {
        let gap = golomb.read(input, most).ok_or(PopulationError::Slot { slots })?;
        let slot = next.saturating_add(gap);
        let fits = u32::try_from(slot).ok().filter(|_slot| slot < slots);
        plane.push(fits.ok_or(PopulationError::Slot { slots })?);
        next = slot.saturating_add(1);
    }
    Ok(plane)
}

/// The length of a slice as the formats count.
pub(super) fn count(set: &[u32]) -> u64 {
    u64::try_from(set.len()).unwrap_or(u64::MAX)
}

/// Bits, most significant first.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that are no whole byte yet, in the lowest places.
    pending: u64,
    pending_bits: u32,
}

impl BitWriter {
    pub(super) fn after(bytes: Vec<u8>) -> Self {
        Self { bytes, pending: 0, pending_bits: 0 }
    }

    /// The lowest `bits` bits of a value, at most 32.
    fn write(&mut self, value: u64, bits: u32) {
        self.pending = self.pending.wrapping_shl(bits) | value;
        self.pending_bits = self.pending_bits.saturating_add(bits);
        while self.pending_bits >= 8 {
            self.pending_bits = self.pending_bits.saturating_sub(8);
            let [.., byte] = self.pending.wrapping_shr(self.pending_bits).to_be_bytes();
            self.bytes.push(byte);
        }
    }

    fn write_ones(&mut self, count: u64) {
        for _bit in 0..count {
            self.write(1, 1);
        }
    }

    /// The bytes, filled up with zero bits.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.pending_bits > 0 {
            self.write(0, 8_u32.saturating_sub(self.pending_bits));
        }
        self.bytes
    }
}

/// Bits, most significant first. Behind the end it reads zeros: [`BitReader::finish`] says so.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits that were read.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits from the left; at least [`WINDOW_BITS`] of them are those of the input.
    fn window(&self) -> u64 {
        let rest = self.bytes.get(self.at >> 3..).unwrap_or_default();
        let word = match rest.first_chunk::<8>() {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => {
                let mut bytes = [0; 8];
                bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                u64::from_be_bytes(bytes)
            }
        };
        let skipped = u32::try_from(self.at & 7).unwrap_or(0);
        word.wrapping_shl(skipped)
    }

    fn skip(&mut self, bits: u32) {
        self.at = self.at.saturating_add(usize::try_from(bits).unwrap_or(usize::MAX));
    }

    /// At most 32 bits.
    fn read(&mut self, bits: u32) -> u64 {
        let value = self.window().checked_shr(u64::BITS.saturating_sub(bits)).unwrap_or(0);
        self.skip(bits);
        value
    }

    /// How many one bits come before the next zero, which is read too; `None` if there are more than `most`.
    fn read_ones(&mut self, most: u64) -> Option<u64> {
        let mut count = 0_u64;
        loop {
            let ones = self.window().leading_ones().min(WINDOW_BITS);
            count = count.saturating_add(u64::from(ones));
            if count > most {
                return None;
            }
            if ones < WINDOW_BITS {
                self.skip(ones.saturating_add(1));
                return Some(count);
            }
            self.skip(ones);
        }
    }

    /// Nothing but the zero bits of the last byte is left.
    pub(super) fn finish(self) -> Result<(), PopulationError> {
        let whole = self.at.div_ceil(8);
        let padding = whole.saturating_mul(8).saturating_sub(self.at);
        let Some(trailing) = self.bytes.len().checked_sub(whole) else { return Err(PopulationError::Cut) };
        if trailing > 0 {
            return Err(PopulationError::Trailing { bytes: trailing });
        }
        let mask =
            0xff_u8.checked_shr(8_u32.saturating_sub(u32::try_from(padding).unwrap_or(0))).unwrap_or(0);
        match self.bytes.last() {
            Some(last) if last & mask != 0 => Err(PopulationError::Padding),
            Some(_) | None => Ok(()),
        }
    }
}

/// What precedes the codes, read from the front.
#[derive(Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], PopulationError> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(PopulationError::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PopulationError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(PopulationError::Cut)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A number of 1 to 4 bytes in its shortest form.
    //= specs/status.md#population-file
    pub(super) fn number(&mut self) -> Result<u64, PopulationError> {
        let (mut value, mut shift) = (0_u64, 0_u32);
        while shift < NUMBER_BITS {
            let [byte] = self.array::<1>()?;
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                let shortest = byte != 0 || shift == 0;
                return if shortest { Ok(value) } else { Err(PopulationError::Number) };
            }
            shift = shift.saturating_add(7);
        }
        Err(PopulationError::Number)
    }
}

/// Appends a number below 2^28 in its shortest form.
pub(super) fn write_number(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let [.., low] = number.to_be_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Bits of a 64-bit word that are there whatever bit of a byte it begins at.
const WINDOW_BITS: u32 = 57;

/// Bits that a number of 4 bytes holds.
const NUMBER_BITS: u32 = 28;
