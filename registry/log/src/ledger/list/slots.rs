//! Pure. The slots of a list that ever changed: what each says, and how often it changed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::grow;
use crate::entry::{MAX_LIST_SLOTS, StatusValue};

/// A byte a slot, in pages that are made when the first slot of theirs changes.
///
/// A page is a sorted sequence, of four bytes a slot and up to a quarter ahead, until the whole page takes no more. So
/// a slot takes from one byte to five, the first of a page some fifty, and a list never more than a byte for each of its
/// slots, however its changes are spread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots {
    pages: BTreeMap<u32, Page>,
    /// Of slots whose byte cannot tell how often they changed.
    often: BTreeMap<u32, u64>,
    count: usize,
}

/// A slot that changed at least once; one that did not is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) value: StatusValue,
    pub(super) changes: u64,
}

/// Which of both it is follows from how many slots it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Page {
    /// The byte of each slot; 0 is one that never changed.
    Dense(Box<[u8; PAGE_SLOTS]>),
    /// Each slot in its page, times 256, and its byte: in ascending order.
    Sparse(Vec<u32>),
}

impl Slots {
    pub(super) const fn new() -> Self {
        Self { pages: BTreeMap::new(), often: BTreeMap::new(), count: 0 }
    }

    /// How many slots changed at least once.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn get(&self, index: u32) -> Slot {
        let byte = self.pages.get(&page(index)).map_or(0, |page| page.get(offset(index)));
        self.slot(index, byte)
    }

    /// Makes it a slot that changed: `changes` is not 0.
    pub(super) fn set(&mut self, index: u32, Slot { value, changes }: Slot) {
        let few = u8::try_from(changes).ok().filter(|few| *few < OFTEN);
        match few {
            Some(_few) => drop(self.often.remove(&index)),
            None => drop(self.often.insert(index, changes)),
        }
        let byte = few.unwrap_or(OFTEN) << VALUE_BITS | value.code();
        let page = self.pages.entry(page(index)).or_insert(Page::Sparse(Vec::new()));
        if page.set(offset(index), byte) == 0 {
            self.count = self.count.saturating_add(1);
        }
    }

    /// Those that changed, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Slot)> {
        self.pages.iter().flat_map(move |(page, slots)| {
            slots.iter().map(move |(offset, byte)| {
                let index = page << PAGE_BITS | offset;
                (index, self.slot(index, byte))
            })
        })
    }

    /// Without the maps.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        let page = |page: &Page| match page {
            Page::Dense(bytes) => bytes.len(),
            Page::Sparse(items) => items.capacity().saturating_mul(size_of::<u32>()),
        };
        self.pages.values().map(page).sum()
    }

    fn slot(&self, index: u32, byte: u8) -> Slot {
        let value = StatusValue::from_code(byte & VALUE_MASK).unwrap_or_default();
        let changes = match byte >> VALUE_BITS {
            OFTEN => self.often.get(&index).copied().unwrap_or_default(),
            few => u64::from(few),
        };
        Slot { value, changes }
    }
}

impl Page {
    fn get(&self, offset: u32) -> u8 {
        match self {
            Self::Dense(bytes) => place(offset).and_then(|place| bytes.get(place)).copied().unwrap_or(0),
            Self::Sparse(items) => {
                let place = items.binary_search_by_key(&offset, |item| item >> u8::BITS);
                place.ok().and_then(|place| items.get(place)).map_or(0, |item| item.to_le_bytes()[0])
            }
        }
    }

    /// Replaces the byte of a slot, and says what it was.
    fn set(&mut self, offset: u32, byte: u8) -> u8 {
        match self {
            Self::Dense(bytes) => {
                let slot = place(offset).and_then(|place| bytes.get_mut(place));
                slot.map_or(0, |slot| core::mem::replace(slot, byte))
            }
            Self::Sparse(items) => {
                let item = offset << u8::BITS | u32::from(byte);
                match items.binary_search_by_key(&offset, |item| item >> u8::BITS) {
                    Ok(place) => {
                        let before = items.get_mut(place).map(|before| core::mem::replace(before, item));
                        before.map_or(0, |before| before.to_le_bytes()[0])
                    }
                    Err(place) => {
                        grow(items, MAX_SPARSE);
                        items.insert(place, item);
                        if items.len() >= MAX_SPARSE {
                            *self = self.dense();
                        }
                        0
                    }
                }
            }
        }
    }

    fn dense(&self) -> Self {
        let mut bytes = Box::new([0; PAGE_SLOTS]);
        for (offset, byte) in self.iter() {
            if let Some(slot) = place(offset).and_then(|place| bytes.get_mut(place)) {
                *slot = byte;
            }
        }
        Self::Dense(bytes)
    }

    /// Each slot in the page that changed, and its byte.
    fn iter(&self) -> impl Iterator<Item = (u32, u8)> {
        let (dense, sparse) = match self {
            Self::Dense(bytes) => (bytes.as_slice(), [].as_slice()),
            Self::Sparse(items) => ([].as_slice(), items.as_slice()),
        };
        let dense =
            (0_u32..).zip(dense).map(|(offset, byte)| (offset, *byte)).filter(|(_offset, byte)| *byte != 0);
        dense.chain(sparse.iter().map(|item| (item >> u8::BITS, item.to_le_bytes()[0])))
    }
}

const fn page(index: u32) -> u32 {
    index >> PAGE_BITS
}

const fn offset(index: u32) -> u32 {
    index & ((1 << PAGE_BITS) - 1)
}

fn place(offset: u32) -> Option<usize> {
    usize::try_from(offset).ok()
}

/// Slots of a page are told by so many bits: a list of the largest size has 4,096 pages.
const PAGE_BITS: u32 = 12;

/// Slots of a page, and its bytes once it is dense.
const PAGE_SLOTS: usize = 1 << PAGE_BITS;

/// With so many slots a sparse page takes what a dense one does.
const MAX_SPARSE: usize = PAGE_SLOTS / size_of::<u32>();

/// The lower bits of a slot's byte hold its value, the others how often it changed.
const VALUE_BITS: u32 = 2;
const VALUE_MASK: u8 = (1 << VALUE_BITS) - 1;

/// What the byte says of a slot that changed so often or more: how often is kept apart. Such a slot takes one entry
/// of the log for each of its changes, and some 30 bytes.
const OFTEN: u8 = u8::MAX >> VALUE_BITS;

const _: () =
    assert!(MAX_LIST_SLOTS <= 1 << (u32::BITS - u8::BITS), "a sparse item holds any slot of any page");
