//! A table from keyed digests to small values that know their digest, in many pieces.
//!
//! A keyed digest is spread evenly already: it is its own hash, and only the value is kept here. That makes tens of
//! millions of entries a matter of some bytes each. A piece that grows is moved entry by entry, and it is small: nobody
//! waits for the whole to be moved.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::DIGEST_BYTES;

/// Where values are found by a keyed digest that is kept elsewhere.
pub(crate) struct Table<T> {
    pieces: Vec<HashTable<T>>,
}

impl<T: Copy> Table<T> {
    /// The value whose digest this is, as `digest_of` says.
    pub(crate) fn find(
        &self,
        digest: &[u8; DIGEST_BYTES],
        digest_of: impl Fn(T) -> Option<[u8; DIGEST_BYTES]>,
    ) -> Option<T> {
        let (piece, hash) = place(digest);
        self.pieces.get(piece)?.find(hash, |value| digest_of(*value).as_ref() == Some(digest)).copied()
    }

    /// Puts in a value, in the place of another one of the same digest.
    pub(crate) fn insert(
        &mut self,
        digest: &[u8; DIGEST_BYTES],
        value: T,
        digest_of: impl Fn(T) -> Option<[u8; DIGEST_BYTES]>,
    ) {
        let (piece, hash) = place(digest);
        let Some(piece) = self.pieces.get_mut(piece) else { return };
        let same = |known: &T| digest_of(*known).as_ref() == Some(digest);
        let hash_of = |known: &T| digest_of(*known).map_or(0, |digest| place(&digest).1);
        match piece.entry(hash, same, hash_of) {
            Entry::Occupied(mut known) => *known.get_mut() = value,
            Entry::Vacant(place) => drop(place.insert(value)),
        }
    }

    /// Takes out the value of a digest.
    pub(crate) fn remove(
        &mut self,
        digest: &[u8; DIGEST_BYTES],
        digest_of: impl Fn(T) -> Option<[u8; DIGEST_BYTES]>,
    ) {
        let (piece, hash) = place(digest);
        let Some(piece) = self.pieces.get_mut(piece) else { return };
        if let Ok(found) = piece.find_entry(hash, |value| digest_of(*value).as_ref() == Some(digest)) {
            found.remove();
        }
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { pieces: (0..PIECES).map(|_piece| HashTable::new()).collect() }
    }
}

/// The piece that a digest belongs to, and its hash there.
fn place(digest: &[u8; DIGEST_BYTES]) -> (usize, u64) {
    let number = u128::from_be_bytes(*digest);
    let [piece, hash] = [(number >> 64) as u64, number as u64];
    ((piece % PIECES) as usize, hash)
}

/// Each has some ten thousand entries when there are fifty million: a millisecond's work to move.
const PIECES: u64 = 4_096;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{DIGEST_BYTES, Table};

    fn digest(number: u64) -> [u8; DIGEST_BYTES] {
        // Spread like a keyed digest.
        (u128::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
    }

    #[test]
    fn it_says_what_a_map_says() {
        let mut state = 7_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        let (mut table, mut map) = (Table::default(), HashMap::new());
        let mut digests: Vec<[u8; DIGEST_BYTES]> = Vec::new();
        for number in 0..60_000_u64 {
            // Now and then a digest that is there already: the later value counts.
            let digest = digest(draw(40_000));
            digests.push(digest);
            let of = |value: u64| digests.get(value as usize).copied();
            table.insert(&digest, number, of);
            map.insert(digest, number);
            let other = self::digest(draw(40_000));
            assert_eq!(table.find(&other, of), map.get(&other).copied());
            if draw(3) == 0 {
                table.remove(&other, of);
                map.remove(&other);
            }
        }
        let of = |value: u64| digests.get(value as usize).copied();
        assert!((0..40_000).map(digest).all(|one| table.find(&one, of) == map.get(&one).copied()));
    }
}
