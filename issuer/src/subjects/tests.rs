//! The key store: what stays, what goes, and what a crash may leave.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::FileExt as _;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{ERASED, Master, NONCE_BYTES, SEAL_BYTES, SLOT_BYTES, Sealer, SubjectSlot, Subjects};
use crate::journal::StoreError;

const MASTER: [u8; 32] = [9; 32];

fn open(path: &std::path::Path) -> Result<Subjects, StoreError> {
    Subjects::open(path, &Master::new(&MASTER))
}

/// Makes keys and seals a word under each.
fn seal(store: &Subjects, names: &[&str]) -> Vec<(SubjectSlot, Vec<u8>)> {
    let subjects: Vec<_> = names.iter().map(|name| store.reference(name)).collect();
    let keys = store.keys_for(&subjects).unwrap();
    keys.iter().map(|key| (key.slot, key.sealer.seal(b"", b"word").unwrap())).collect()
}

fn opens(store: &Subjects, (slot, sealed): &(SubjectSlot, Vec<u8>)) -> bool {
    store.key(*slot).unwrap().is_some_and(|key| key.open(b"", sealed).is_some())
}

#[test]
fn a_key_is_the_same_for_the_same_subject_and_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subjects");
    let store = open(&path).unwrap();
    let sealed = seal(&store, &["one", "two", "one"]);
    assert_eq!(sealed[0].0, sealed[2].0);
    assert_ne!(sealed[0].0, sealed[1].0);
    drop(store);
    let store = open(&path).unwrap();
    assert!(sealed.iter().all(|one| opens(&store, one)));
    assert_eq!(seal(&store, &["two"])[0].0, sealed[1].0);
}

#[test]
fn an_erased_key_is_gone_and_its_slot_is_never_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subjects");
    let mut store = open(&path).unwrap();
    let sealed = seal(&store, &["one", "two"]);
    let before = fs::read(&path).unwrap();
    let slot = sealed[1].0;
    let at = slot.0 as usize * SLOT_BYTES;
    store.erase(&HashSet::from([slot])).unwrap();
    for _reopened in 0..2 {
        assert!(store.is_erased(slot) && !opens(&store, &sealed[1]) && opens(&store, &sealed[0]));
        assert_eq!(fs::read(&path).unwrap()[at..at + SLOT_BYTES], ERASED);
        drop(store);
        store = open(&path).unwrap();
    }
    let again = seal(&store, &["two", "three"]);
    assert!(again.iter().all(|(new, _sealed)| new.0 > slot.0), "{again:?}");
    let piece = &before[at..at + 64];
    assert!(!fs::read(&path).unwrap().windows(64).any(|window| window == piece));
}

#[test]
fn many_threads_that_need_one_key_get_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subjects");
    let store = open(&path).unwrap();
    let names: Vec<String> = (0..20).map(|name| name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sealed: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_thread| scope.spawn(|| seal(&store, &names))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    drop(store);
    let store = open(&path).unwrap();
    assert!(sealed.iter().all(|one| opens(&store, one)));
    assert_eq!(sealed.iter().map(|(slot, _sealed)| slot).collect::<HashSet<_>>().len(), names.len());
}

#[test]
fn another_master_key_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subjects");
    let sealed = seal(&open(&path).unwrap(), &["one"]);
    let before = fs::read(&path).unwrap();
    let refused = Subjects::open(&path, &Master::new(&[8; 32])).err().unwrap();
    assert!(matches!(refused, StoreError::WrongKey { .. }), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(opens(&open(&path).unwrap(), &sealed[0]));
}

#[test]
fn a_torn_slot_at_the_end_is_dropped_and_a_damaged_one_before_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subjects");
    let sealed = seal(&open(&path).unwrap(), &["one", "two", "three"]);
    let whole = fs::read(&path).unwrap();
    let (two, three) = (sealed[1].0.0 as usize * SLOT_BYTES, sealed[2].0.0 as usize * SLOT_BYTES);
    for cut in [1, 24, 60, 80] {
        let mut torn = whole.clone();
        torn[three + cut..three + SLOT_BYTES].fill(0);
        fs::write(&path, &torn).unwrap();
        let store = open(&path).unwrap();
        assert!(opens(&store, &sealed[1]) && !store.is_used(sealed[2].0), "cut at {cut}");
        assert_eq!(fs::read(&path).unwrap()[three..three + SLOT_BYTES], [0; SLOT_BYTES]);
    }
    fs::write(&path, &whole).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[whole[two + 30] ^ 1], two as u64 + 30).unwrap();
    let refused = open(&path).err().unwrap();
    assert!(matches!(refused, StoreError::Damaged { offset, .. } if offset == two as u64), "{refused}");
}

#[test]
fn a_slot_that_was_never_written_is_neither_a_key_nor_an_erasure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subjects");
    let sealed = seal(&open(&path).unwrap(), &["one", "two", "three"]);
    let slot = |number: usize| sealed[number].0;
    open(&path).unwrap().erase(&HashSet::from([slot(0)])).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0; SLOT_BYTES], u64::from(slot(1).0) * SLOT_BYTES as u64).unwrap();
    let store = open(&path).unwrap();
    assert!(store.is_used(slot(0)) && store.is_erased(slot(0)));
    assert!(!store.is_used(slot(1)) && !store.is_erased(slot(1)));
    assert!(store.is_used(slot(2)) && opens(&store, &sealed[2]));
    assert!(!store.is_used(SubjectSlot(0)) && !store.is_used(SubjectSlot(slot(2).0 + 1)));
    assert!(matches!(store.key(slot(1)).err().unwrap(), StoreError::Damaged { .. }));
}

proptest! {
    #[test]
    fn what_is_sealed_in_place_opens_in_its_context_and_unchanged_only(
        plain in proptest::collection::vec(any::<u8>(), 0..400),
        context in proptest::collection::vec(any::<u8>(), 0..90),
        flipped in any::<proptest::sample::Index>(),
    ) {
        let sealer = Sealer::new(&MASTER);
        let mut sealed = vec![0; SEAL_BYTES + plain.len()];
        sealed[NONCE_BYTES..NONCE_BYTES + plain.len()].copy_from_slice(&plain);
        sealer.seal_in_place(&context, &mut sealed).unwrap();
        let (opened, mut copy) = (sealer.open(&context, &sealed).unwrap(), sealed.clone());
        prop_assert_eq!(opened.as_slice(), &plain);
        prop_assert_eq!(sealer.open_in_place(&context, &mut copy).unwrap(), &plain);
        let other = [context.as_slice(), &[0]].concat();
        prop_assert!(sealer.open(&other, &sealed).is_none());
        let at = flipped.index(sealed.len());
        sealed[at] ^= 1;
        prop_assert!(sealer.open(&context, &sealed).is_none());
        prop_assert!(sealer.open_in_place(&context, &mut sealed).is_none());
    }
}

/// It was one write of all of them, which everybody else waited for.
#[test]
fn an_erasure_of_more_than_is_written_at_once_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subjects");
    let store = open(&path).unwrap();
    let names = 0..2 * super::WRITTEN_TOGETHER as u32 + 100;
    let references: Vec<_> = names.map(|name| store.reference(&name.to_string())).collect();
    let keys = store.keys_for(&references).unwrap();
    let (kept, gone): (Vec<_>, Vec<_>) =
        keys.iter().map(|key| key.slot).partition(|slot| slot.0 % 1_000 == 7);
    store.erase(&gone.iter().copied().collect()).unwrap();
    for store in [store, open(&path).unwrap()] {
        assert!(gone.iter().all(|slot| store.is_erased(*slot)));
        assert!(kept.iter().all(|slot| store.key(*slot).unwrap().is_some()));
    }
}

#[test]
fn keys_of_many_pieces_of_the_file_are_found_again_and_an_erased_one_is_nobodys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subjects");
    let store = open(&path).unwrap();
    let names: Vec<String> =
        (0..super::GROWTH_BYTES / SLOT_BYTES + 100).map(|name| name.to_string()).collect();
    let references: Vec<_> = names.iter().map(|name| store.reference(name)).collect();
    let keys = store.keys_for(&references).unwrap();
    let (last, sealed) = (keys.last().unwrap().slot, keys.last().unwrap().sealer.seal(b"", b"word").unwrap());
    store.erase(&HashSet::from([keys[9_000 % keys.len()].slot, keys[3].slot])).unwrap();
    assert!(store.find(references[3]).is_none() && store.key(keys[3].slot).unwrap().is_none());
    drop(store);
    let store = open(&path).unwrap();
    assert!(store.find(references[3]).is_none() && store.is_erased(keys[3].slot));
    assert!(opens(&store, &(last, sealed)));
    let found =
        references.iter().zip(&keys).filter(|(reference, key)| store.find(**reference) == Some(key.slot));
    assert_eq!(found.count(), keys.len() - 2);
}
