//! Pure. The entries of a load: each from its seed and its number alone, so that whoever checks them need keep neither.

/// Entries of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries {
    seed: u64,
    bytes: usize,
}

impl Entries {
    /// Entries of `bytes` bytes each, at least 16 and at most 65,535, which no other seed makes.
    #[must_use]
    pub fn new(seed: u64, bytes: usize) -> Self {
        Self { seed, bytes: bytes.clamp(NAME_BYTES, usize::from(u16::MAX)) }
    }

    /// The length of each.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Writes the `n`-th entry behind what is there.
    pub fn write(&self, n: u64, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.seed.to_be_bytes());
        into.extend_from_slice(&n.to_be_bytes());
        let mut random = fastrand::Rng::with_seed(self.seed.rotate_left(32) ^ n);
        for _ in 0..(self.bytes - NAME_BYTES).div_ceil(8) {
            into.extend_from_slice(&random.u64(..).to_be_bytes());
        }
        into.truncate(into.len() - (self.bytes - NAME_BYTES).next_multiple_of(8) + (self.bytes - NAME_BYTES));
    }

    /// The `n`-th entry.
    #[must_use]
    pub fn entry(&self, n: u64) -> Vec<u8> {
        let mut entry = Vec::with_capacity(self.bytes + 8);
        self.write(n, &mut entry);
        entry
    }
}

/// Seed and number.
const NAME_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn entries_differ_and_come_out_the_same_again() {
        for bytes in [0, 16, 17, 24, 120, 1_000_000] {
            let entries = Entries::new(7, bytes);
            let all: BTreeSet<Vec<u8>> = (0..100).map(|n| entries.entry(n)).collect();
            assert_eq!(all.len(), 100);
            assert!(all.iter().all(|entry| entry.len() == entries.bytes()));
            let mut written = b"before".to_vec();
            entries.write(3, &mut written);
            assert_eq!(written, [b"before".to_vec(), entries.entry(3)].concat());
            assert_ne!(entries.entry(3), Entries::new(8, bytes).entry(3));
        }
    }
}
