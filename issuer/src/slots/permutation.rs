//! A secret order of the slots of a list: a Feistel network under HMAC-SHA-256, walked until it lands in the list.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::subjects::keyed_hash;

/// A permutation of the numbers below a length that nobody can foresee without the key.
pub(super) struct Permutation {
    keyed: Hmac<Sha256>,
    length: u32,
    half_bits: u32,
}

impl Permutation {
    /// `length` is that of a list: at most 2^24 (specs/entry.md).
    pub(super) fn new(key: &[u8; 32], length: u32) -> Self {
        let bits = u32::BITS - length.saturating_sub(1).leading_zeros();
        Self { keyed: keyed_hash(key), length, half_bits: bits.div_ceil(2).max(1) }
    }

    /// Where `counter`, which is below the length, goes.
    pub(super) fn apply(&self, counter: u32) -> u32 {
        let mut at = self.network(counter);
        // The network permutes at most four times as many numbers as the list has slots; whoever lands outside
        // goes on, and nobody else lands where he then lands (Black and Rogaway 2002, cycle walking).
        while at >= self.length {
            at = self.network(at);
        }
        at
    }

    fn network(&self, value: u32) -> u32 {
        let mask = (1_u32 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ (self.round(round, right) & mask));
        }
        (left << self.half_bits) | right
    }

    fn round(&self, round: u8, half: u32) -> u32 {
        let digest = self.keyed.clone().chain_update([round]).chain_update(half.to_be_bytes()).finalize();
        let digest = digest.into_bytes();
        u32::from_be_bytes(std::array::from_fn(|position| digest[position]))
    }
}

/// As many as FF1 of NIST SP 800-38G has for domains this small.
const ROUNDS: u8 = 10;

#[cfg(test)]
mod tests {
    use super::Permutation;

    #[test]
    fn each_slot_of_a_list_is_hit_once() {
        for length in [8, 100, 131_072, 131_080] {
            let permutation = Permutation::new(&[7; 32], length);
            let mut seen = vec![false; length as usize];
            for counter in 0..length {
                let slot = &mut seen[permutation.apply(counter) as usize];
                assert!(!*slot, "{counter} of {length}");
                *slot = true;
            }
        }
    }

    #[test]
    fn another_key_gives_another_order() {
        let [one, other] = [1, 2].map(|key| Permutation::new(&[key; 32], 1 << 20));
        let same = (0..1000).filter(|counter| one.apply(*counter) == other.apply(*counter)).count();
        assert!(same < 5, "{same} of 1000 are alike");
    }
}
