//! Pure. What status entries replaced, from the fold of a list's last snapshot on.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::grow;
use crate::LeafIndex;
use crate::entry::{MAX_LIST_SLOTS, StatusValue};

/// Changes in log order, of eight bytes each: where it is, counted from the first of its chunk, the slot, and the
/// value before.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    chunks: VecDeque<Chunk>,
}

/// What a status entry replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) at: LeafIndex,
    pub(super) index: u32,
    pub(super) before: StatusValue,
}

/// Never empty.
#[derive(Clone, Debug)]
struct Chunk {
    first: LeafIndex,
    packed: Vec<u64>,
}

impl Changes {
    pub(super) const fn new() -> Self {
        Self { chunks: VecDeque::new() }
    }

    pub(super) fn count(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.packed.len()).fold(0, usize::saturating_add)
    }

    pub(super) fn push(&mut self, change: &Change) {
        let last = self.chunks.back_mut().filter(|chunk| chunk.packed.len() < CHUNK);
        if let Some((chunk, packed)) = last.and_then(|chunk| chunk.pack(change).map(|packed| (chunk, packed)))
        {
            grow(&mut chunk.packed, CHUNK);
            chunk.packed.push(packed);
            return;
        }
        let mut chunk = Chunk { first: change.at, packed: Vec::new() };
        chunk.packed.extend(chunk.pack(change));
        self.chunks.push_back(chunk);
    }

    /// Forgets those below a size.
    pub(super) fn forget_below(&mut self, size: u64) {
        while let Some(chunk) = self.chunks.front_mut() {
            let below =
                chunk.packed.partition_point(|packed| chunk.first.0.saturating_add(packed >> AT) < size);
            if below < chunk.packed.len() {
                chunk.packed.drain(..below);
                return;
            }
            self.chunks.pop_front();
        }
    }

    /// Without the queue of chunks.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.packed.capacity().saturating_mul(size_of::<u64>())).sum()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Change> {
        self.chunks.iter().flat_map(|chunk| chunk.packed.iter().map(|packed| chunk.unpack(*packed)))
    }
}

/// Chunks are what memory is taken by, and say nothing.
impl PartialEq for Changes {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Changes {}

impl Chunk {
    /// `None` for a change that is too far behind the first one, or before it.
    fn pack(&self, Change { at, index, before }: &Change) -> Option<u64> {
        let distance = at.0.checked_sub(self.first.0).filter(|distance| *distance <= u64::MAX >> AT)?;
        Some(distance << AT | u64::from(*index) << VALUE_BITS | u64::from(before.code()))
    }

    fn unpack(&self, packed: u64) -> Change {
        let [_, _, _, _, low @ ..] = packed.to_be_bytes();
        let low = u32::from_be_bytes(low);
        let [.., code] = (low & VALUE_MASK).to_be_bytes();
        Change {
            at: LeafIndex(self.first.0.saturating_add(packed >> AT)),
            index: low >> VALUE_BITS & INDEX_MASK,
            before: StatusValue::from_code(code).unwrap_or_default(),
        }
    }
}

/// Changes of a chunk, 4 KiB: what is given back at once when a snapshot covers it.
const CHUNK: usize = 512;

/// The value takes so many bits, the slot above it so many, and the distance all others: 274 billion entries.
const VALUE_BITS: u32 = 2;
const VALUE_MASK: u32 = (1 << VALUE_BITS) - 1;
const INDEX_BITS: u32 = 24;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;
const AT: u32 = VALUE_BITS + INDEX_BITS;

const _: () = assert!(MAX_LIST_SLOTS <= 1 << INDEX_BITS, "the bits hold any slot");
