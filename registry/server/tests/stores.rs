//! Every implementation of a contract passes the contract's own test, and what only files can do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::path::Path;

use sillok_log::{LeafIndex, TreeSize};
use sillok_registry::store::{
    Blobs as _, Error, FileBlobs, FileHeads, FileSeen, Heads as _, MemoryBlobs, MemoryHeads, MemorySeen,
    Object, Seen as _, SeenBatch, Swap, check_blobs, check_heads, check_seen,
};

#[test]
fn blobs_in_files_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    check_blobs(&FileBlobs::open(&folder.path().join("a/b")).unwrap());
    // What is there after a restart is what was there before.
    let again = FileBlobs::open(&folder.path().join("a/b")).unwrap();
    assert!(sillok_registry::store::Blobs::checkpoint(&again).unwrap().is_some());
}

#[test]
fn folders_that_a_killed_predecessor_left_are_used_and_those_discarded_are_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a/b");
    std::fs::create_dir_all(root.join("tile/0/003.p")).unwrap();
    let blobs = FileBlobs::open(&root).unwrap();
    for round in 0..2 {
        let partial = Object { path: "tile/0/003.p/7".into(), bytes: vec![round] };
        blobs.put_many(std::slice::from_ref(&partial)).unwrap();
        assert_eq!(blobs.get(&partial.path).unwrap(), Some(vec![round]));
        blobs.discard_partials("tile/0/003").unwrap();
        assert!(!root.join("tile/0/003.p").exists());
    }
}

#[test]
fn blobs_in_memory_keep_the_contract() {
    check_blobs(&MemoryBlobs::default());
}

#[test]
fn heads_in_a_file_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head/record");
    let heads = FileHeads::create(&path).unwrap();
    check_heads(&heads);
    let last = heads.read().unwrap();
    drop(heads);
    assert_eq!(FileHeads::open(&path).unwrap().read().unwrap(), last);
}

#[test]
fn heads_in_memory_keep_the_contract() {
    check_heads(&MemoryHeads::default());
}

#[test]
fn seen_in_files_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    check_seen(&FileSeen::open(&folder.path().join("seen")).unwrap());
    let again = FileSeen::open(&folder.path().join("seen")).unwrap();
    assert_eq!(again.watermark().unwrap(), TreeSize(3));
    again.visit_controls(&mut |_index, _entry| true).unwrap();
}

#[test]
fn seen_in_memory_keeps_the_contract() {
    check_seen(&MemorySeen::default());
}

#[test]
fn a_head_has_one_writer_and_is_made_only_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head");
    assert!(matches!(FileHeads::open(&path), Err(Error::Missing { .. })));
    let heads = FileHeads::create(&path).unwrap();
    assert!(matches!(FileHeads::open(&path), Err(Error::Locked { .. })));
    assert!(matches!(FileHeads::create(&path), Err(Error::Locked { .. })));
    drop(heads);
    // A creation that ended before its first record can be done again; one that did not, cannot.
    let heads = FileHeads::create(&path).unwrap();
    assert!(matches!(heads.swap(None, b"record"), Swap::Won));
    drop(heads);
    assert!(matches!(FileHeads::create(&path), Err(Error::Exists { .. })));
    assert_eq!(FileHeads::open(&path).unwrap().read().unwrap(), Some(b"record".to_vec()));
}

#[test]
fn every_flipped_bit_of_a_head_is_refused_and_never_taken_for_an_older_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head");
    let heads = FileHeads::create(&path).unwrap();
    assert!(matches!(heads.swap(None, b"one"), Swap::Won));
    assert!(matches!(heads.swap(Some(b"one"), b"two"), Swap::Won));
    drop(heads);
    let bytes = std::fs::read(&path).unwrap();
    let record_bytes = 8 + 8 + 4 + 3 + 32;
    for slot in [0, 4096] {
        for bit in 0..record_bytes * 8 {
            let mut damaged = bytes.clone();
            damaged[slot + bit / 8] ^= 1 << (bit % 8);
            refuse(&path, &damaged, &format!("slot {slot} bit {bit}"));
        }
        let mut erased = bytes.clone();
        erased[slot..slot + 4096].fill(0);
        refuse(&path, &erased, &format!("slot {slot} is erased"));
    }
    refuse(&path, &bytes[..5000], "cut short");
}

#[test]
fn a_head_is_written_again_before_it_is_believed_unless_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head");
    let heads = FileHeads::create(&path).unwrap();
    assert!(matches!(heads.swap(None, b"one"), Swap::Won));
    drop(heads);
    let age = || {
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    };
    let modified = || std::fs::metadata(&path).unwrap().modified().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    age();
    assert_eq!(FileHeads::open(&path).unwrap().read().unwrap(), Some(b"one".to_vec()));
    assert!(modified() > std::time::UNIX_EPOCH, "opening wrote it");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "as it was");
    let mut damaged = bytes.clone();
    damaged[9] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    age();
    assert!(matches!(FileHeads::open(&path), Err(Error::Damaged { .. })));
    assert_eq!((modified(), std::fs::read(&path).unwrap()), (std::time::UNIX_EPOCH, damaged));
}

fn refuse(path: &Path, bytes: &[u8], what: &str) {
    std::fs::write(path, bytes).unwrap();
    assert!(matches!(FileHeads::open(path), Err(Error::Damaged { .. })), "{what}");
}

#[test]
fn an_index_that_does_not_open_begins_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seen");
    let seen = FileSeen::open(&path).unwrap();
    seen.note(&SeenBatch { watermark: TreeSize(5), keys: vec![], controls: vec![(LeafIndex(1), vec![1])] })
        .unwrap();
    drop(seen);
    for file in std::fs::read_dir(&path).unwrap() {
        std::fs::write(file.unwrap().path(), b"garbage").unwrap();
    }
    assert_eq!(FileSeen::open(&path).unwrap().watermark().unwrap(), TreeSize(0));
}
