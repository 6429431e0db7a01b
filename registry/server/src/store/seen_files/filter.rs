//! Pure. Says of most keys that were never noted that they were not: a split-block Bloom filter (as in Apache Parquet) of
//! one size, however many keys there are. Nearly every entry is new, and costs one look into memory then.

use super::run::Fingerprint;

pub(super) struct Filter {
    /// Blocks of eight words: a key has one bit in each word of its block.
    words: Vec<u32>,
}

impl Filter {
    /// An empty one of this many bytes; the system gives the memory as it is used.
    pub(super) fn new(bytes: usize) -> Self {
        Self { words: vec![0; bytes / BLOCK_BYTES * WORDS] }
    }

    pub(super) fn insert(&mut self, key: &Fingerprint) {
        let at = self.block(key);
        let block = self.words.get_mut(at..at + WORDS).unwrap_or_default();
        block.iter_mut().zip(bits(key)).for_each(|(word, bit)| *word |= bit);
    }

    /// `false`: it was never inserted.
    pub(super) fn may_have(&self, key: &Fingerprint) -> bool {
        let at = self.block(key);
        let block = self.words.get(at..at + WORDS).unwrap_or_default();
        block.iter().zip(bits(key)).all(|(word, bit)| word & bit != 0)
    }

    /// The first word of its block: the upper half of the fingerprint as a fraction of all blocks.
    fn block(&self, key: &Fingerprint) -> usize {
        let blocks = (self.words.len() / WORDS) as u128;
        ((u128::from(key.upper()) * blocks) >> 64) as usize * WORDS
    }
}

/// One of 32 bits for each word, out of the lower half of the fingerprint.
fn bits(key: &Fingerprint) -> impl Iterator<Item = u32> {
    let lower = key.lower();
    (0..WORDS).map(move |word| 1 << (lower >> (word * 5) & 31))
}

const WORDS: usize = 8;
const BLOCK_BYTES: usize = WORDS * 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_always_found_and_little_else() {
        let seed = 7;
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ seed;
        let mut key = || {
            // splitmix64
            let mut next = || {
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            };
            Fingerprint((u128::from(next()) << 64 | u128::from(next())).to_be_bytes())
        };
        let mut filter = Filter::new(16_384);
        let (inserted, others): (Vec<_>, Vec<_>) =
            (0..20_000).map(|_| key()).enumerate().partition(|(n, _)| n % 2 == 0);
        inserted.iter().for_each(|(_n, key)| filter.insert(key));
        assert!(inserted.iter().all(|(_n, key)| filter.may_have(key)), "seed {seed}");
        let wrong = others.iter().filter(|(_n, key)| filter.may_have(key)).count();
        // 13 bits a key: three in a thousand by the theory of it.
        assert!(wrong < 100, "{wrong} of {} with seed {seed}", others.len());
    }
}
