//! Pure. A list beside a naive one, which keeps everything in maps and folds from the beginning, through whatever order of
//! changes, snapshots and saves.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a test may panic, in the functions it shares too"
)]

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::entry::{Entry, MAX_LIST_SLOTS, MIN_LIST_SLOTS};
use crate::saved::{Pieces, Reader, SavedError};
use crate::{Hash, UnixSeconds};
use StatusValue::{Revoked, Suspended, Valid};

const LIST: ListId = ListId([4; 16]);
const DECLARED_AT: LeafIndex = LeafIndex(3);

/// One after another; `gap` is how many other entries are before it.
#[derive(Clone, Debug)]
enum Step {
    Change {
        index: u32,
        value: StatusValue,
        gap: u64,
    },
    /// Slots at equal distances, round and round.
    Many {
        first: u32,
        distance: u32,
        count: u32,
        value: StatusValue,
    },
    Often {
        index: u32,
        times: u8,
    },
    /// Covers so many of the changes that are kept, of 256.
    Publish {
        covered: usize,
    },
    SaveAndLoad,
}

/// What a list is by the book.
struct Naive {
    size: u64,
    slots: BTreeMap<u32, (StatusValue, u64)>,
    /// All there ever were.
    all: Vec<(u64, u32, StatusValue)>,
    /// Those from the fold of the last snapshot on, each with what it replaced.
    kept: Vec<(u64, u32, StatusValue)>,
    last: Option<(Snapshot, LeafIndex)>,
    next: u64,
}

impl Naive {
    fn change(&mut self, index: u32, value: StatusValue) -> Status {
        let slot = self.slots.entry(index).or_default();
        self.kept.push((self.next, index, slot.0));
        self.all.push((self.next, index, value));
        let status = Status { list: LIST, index, value, change: slot.1, time: UnixSeconds(0) };
        *slot = (value, slot.1 + 1);
        self.next += 1;
        status
    }

    fn publish(&mut self, covered: usize) -> (Snapshot, LeafIndex) {
        let fold = self.kept.get(self.kept.len() * covered / 256).map_or(self.next, |change| change.0);
        let fold_size = TreeSize(fold.max(self.oldest()));
        let sequence = self.last.map_or(0, |(last, _at)| last.sequence) + 1;
        let (issued, not_after) = (UnixSeconds(1), UnixSeconds(2));
        let snapshot = Snapshot { list: LIST, sequence, digest: Hash([9; 32]), fold_size, issued, not_after };
        self.kept.retain(|change| change.0 >= fold_size.0);
        self.last = Some((snapshot, LeafIndex(self.next)));
        self.next += 1;
        (snapshot, LeafIndex(self.next - 1))
    }

    fn oldest(&self) -> u64 {
        self.last.map_or(DECLARED_AT.0 + 1, |(last, _at)| last.fold_size.0)
    }

    fn state_at(&self, size: u64) -> ListState {
        let mut state = ListState::new(LIST, self.size).unwrap();
        for (_at, index, value) in self.all.iter().filter(|(at, ..)| *at < size) {
            state.set(*index, *value).unwrap();
        }
        state
    }

    /// specs/audit.md, "Saved state": list, issuer, size, position, slots, changes, last snapshot.
    fn encode(&self) -> Vec<u8> {
        let mut out =
            [&LIST.0[..], &[7; 32], &self.size.to_be_bytes(), &DECLARED_AT.0.to_be_bytes()].concat();
        out.extend((self.slots.len() as u64).to_be_bytes());
        for (index, (value, changes)) in &self.slots {
            out.extend([&index.to_be_bytes()[..], &[value.code()], &changes.to_be_bytes()].concat());
        }
        out.extend((self.kept.len() as u64).to_be_bytes());
        for (at, index, before) in &self.kept {
            out.extend([&at.to_be_bytes()[..], &index.to_be_bytes(), &[before.code()]].concat());
        }
        let entry = self.last.map_or_else(Vec::new, |(snapshot, _at)| Entry::Snapshot(snapshot).encode());
        out.extend((entry.len() as u64).to_be_bytes());
        out.extend(entry);
        out.extend(self.last.iter().flat_map(|(_snapshot, at)| at.0.to_be_bytes()));
        out
    }
}

fn record(size: u64) -> ListRecord {
    ListRecord::new(&List { list: LIST, issuer: IssuerHash([7; 32]), size }, DECLARED_AT)
}

fn naive(size: u64) -> Naive {
    let (slots, all, kept) = (BTreeMap::new(), Vec::new(), Vec::new());
    Naive { size, slots, all, kept, last: None, next: DECLARED_AT.0 + 1 }
}

fn encoded(record: &ListRecord) -> Vec<u8> {
    let mut out = Vec::new();
    let mut take = |piece: &[u8]| out.extend_from_slice(piece);
    let mut pieces = Pieces::new(&mut take);
    record.encode(&mut pieces);
    pieces.end();
    out
}

fn parsed(bytes: &[u8]) -> Result<ListRecord, SavedError> {
    let mut reader = Reader(bytes);
    let record = ListRecord::parse(&mut reader)?;
    reader.end()?;
    Ok(record)
}

fn run(record: &mut ListRecord, naive: &mut Naive, step: &Step) {
    let slots = u32::try_from(naive.size).unwrap();
    let mut change = |naive: &mut Naive, index: u32, value| {
        let at = LeafIndex(naive.next);
        record.change(&naive.change(index % slots, value), at);
    };
    match *step {
        Step::Change { index, value, gap } => {
            naive.next += gap;
            change(naive, index, value);
        }
        Step::Many { first, distance, count, value } => {
            for number in 0..count {
                change(naive, first.wrapping_add(number.wrapping_mul(distance)), value);
            }
        }
        Step::Often { index, times } => {
            for number in 0..times {
                change(naive, index, if number % 2 == 0 { Suspended } else { Valid });
            }
        }
        Step::Publish { covered } => {
            let (snapshot, at) = naive.publish(covered);
            record.publish(&snapshot, at);
        }
        Step::SaveAndLoad => {
            let loaded = parsed(&encoded(record)).unwrap();
            assert_eq!(&loaded, record);
            *record = loaded;
        }
    }
}

fn compare(record: &ListRecord, naive: &Naive) {
    assert_eq!(encoded(record), naive.encode());
    assert_eq!(parsed(&naive.encode()).as_ref(), Ok(record));
    assert_eq!(record.changed_slots(), naive.slots.len());
    let touched = naive.slots.keys().flat_map(|index| [index.saturating_sub(1), *index, index + 1]);
    for index in touched.chain([0, 4_095, 4_096, u32::MAX]) {
        let expected = naive.slots.get(&index).copied().unwrap_or_default();
        assert_eq!((record.slot(index), record.slot_changes(index)), expected, "slot {index}");
    }
    let kept =
        naive.kept.iter().step_by(naive.kept.len() / 4 + 1).flat_map(|change| [change.0, change.0 + 1]);
    let sizes: BTreeSet<u64> = kept.chain([naive.oldest(), naive.next, u64::MAX]).collect();
    for size in sizes {
        assert_eq!(record.state_at(TreeSize(size)), Some(naive.state_at(size)), "fold at {size}");
    }
    if naive.last.is_some() {
        assert_eq!(record.state_at(TreeSize(naive.oldest() - 1)), None);
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few slots, so that they meet; the edges of pages; anywhere.
    let index = || prop_oneof![0_u32..40, 4_090_u32..4_100, any::<u32>()];
    let value = || prop_oneof![Just(Valid), Just(Revoked), Just(Suspended)];
    // Half a chunk's distance, now and then: the second one is too far.
    let gap = prop_oneof![8 => 0_u64..3, 1 => Just(1 << 37)];
    let change = (index(), value(), gap).prop_map(|(index, value, gap)| Step::Change { index, value, gap });
    let many = (index(), prop_oneof![Just(1_u32), 2_u32..9, any::<u32>()], 1_u32..1_500, value())
        .prop_map(|(first, distance, count, value)| Step::Many { first, distance, count, value });
    let often = (index(), any::<u8>()).prop_map(|(index, times)| Step::Often { index, times });
    let publish = (0_usize..=256).prop_map(|covered| Step::Publish { covered });
    let step = prop_oneof![8 => change, 2 => many, 1 => often, 2 => publish, 1 => Just(Step::SaveAndLoad)];
    prop::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_list_is_what_a_naive_one_is(
        size in prop_oneof![3 => Just(MIN_LIST_SLOTS), 1 => Just(MIN_LIST_SLOTS + 8)],
        steps in steps(),
    ) {
        let (mut record, mut naive) = (record(size), naive(size));
        for step in &steps {
            run(&mut record, &mut naive, step);
        }
        compare(&record, &naive);
    }
}

#[test]
fn the_last_slot_of_the_largest_list_is_kept_like_the_first() {
    let (mut record, mut naive) = (record(MAX_LIST_SLOTS), naive(MAX_LIST_SLOTS));
    let last = u32::try_from(MAX_LIST_SLOTS).unwrap() - 1;
    for (index, times) in [(last, 65), (0, 64), (last - 4_096, 63), (4_096, 62)] {
        run(&mut record, &mut naive, &Step::Often { index, times });
    }
    run(&mut record, &mut naive, &Step::SaveAndLoad);
    compare(&record, &naive);
}

#[test]
fn memory_is_bounded_by_slots_that_changed_and_by_slots_there_are() {
    let mut record = record(MAX_LIST_SLOTS);
    assert!(
        size_of::<ListRecord>() <= 160,
        "{} bytes for a list that is only declared",
        size_of::<ListRecord>()
    );
    assert_eq!(record.slots.heap_bytes(), 0);
    let slots = u32::try_from(MAX_LIST_SLOTS).unwrap();
    let mut at = 10;
    let mut until = |record: &mut ListRecord, count: usize| {
        let mut number = u32::try_from(record.changed_slots()).unwrap();
        while record.changed_slots() < count {
            // An odd factor leaves none out.
            let index = number.wrapping_mul(0x9e37_79b1) % slots;
            let status = Status { list: LIST, index, value: Revoked, change: 0, time: UnixSeconds(0) };
            record.change(&status, LeafIndex(at));
            (number, at) = (number + 1, at + 1);
        }
        record.slots.heap_bytes()
    };
    // The first slot of a page, some of each, and every slot.
    assert!(until(&mut record, 1) <= 16);
    let some = until(&mut record, 400_000);
    assert!(some <= 400_000 * 6, "{some} bytes");
    let all = until(&mut record, 1 << 20);
    assert!(all <= (1 << 20) * 5, "{all} bytes");
    let before = record.changes.heap_bytes();
    assert!(before <= (1 << 20) * 9, "{before} bytes");
    let (fold_size, issued, not_after) = (TreeSize(at), UnixSeconds(1), UnixSeconds(2));
    let snapshot = Snapshot { list: LIST, sequence: 1, digest: Hash([9; 32]), fold_size, issued, not_after };
    record.publish(&snapshot, LeafIndex(at));
    assert_eq!((record.changes.count(), record.changes.heap_bytes()), (0, 0));
}

#[test]
fn a_page_of_which_every_slot_changed_takes_a_byte_each() {
    let mut record = record(MIN_LIST_SLOTS);
    let every =
        Step::Many { first: 0, distance: 1, count: u32::try_from(MIN_LIST_SLOTS).unwrap(), value: Revoked };
    run(&mut record, &mut naive(MIN_LIST_SLOTS), &every);
    assert_eq!(record.slots.heap_bytes(), usize::try_from(MIN_LIST_SLOTS).unwrap());
}

#[test]
fn what_was_never_saved_is_refused() {
    let (mut record, mut naive) = (record(MIN_LIST_SLOTS), naive(MIN_LIST_SLOTS));
    for index in [5, 6] {
        run(&mut record, &mut naive, &Step::Change { index, value: Suspended, gap: 0 });
    }
    let saved = encoded(&record);
    assert_eq!(parsed(&saved), Ok(record));
    let slots = 16 + 32 + 8 + 8 + 8;
    let with = |place: usize, bytes: &[u8]| {
        let mut damaged = saved.clone();
        damaged[place..place + bytes.len()].copy_from_slice(bytes);
        parsed(&damaged).unwrap_err()
    };
    // The second slot before the first, the same again, and outside; one that did not change; a value there is not.
    assert_eq!(with(slots + 13, &4_u32.to_be_bytes()), SavedError::Parts);
    assert_eq!(with(slots + 13, &5_u32.to_be_bytes()), SavedError::Parts);
    assert_eq!(with(slots + 13, &131_072_u32.to_be_bytes()), SavedError::Parts);
    assert_eq!(with(slots + 5, &0_u64.to_be_bytes()), SavedError::Parts);
    assert_eq!(with(slots + 4, &[3]), SavedError::Code { found: 3 });
    assert_eq!(parsed(&saved[..saved.len() - 1]), Err(SavedError::Length));
}
