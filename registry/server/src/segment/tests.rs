use super::*;

fn entries(from: u64, count: u64) -> Vec<Vec<u8>> {
    (from..from + count).map(|n| format!("entry {n}").into_bytes()).collect()
}

fn open(folder: &Path) -> Segments {
    Segments::open(folder, 4096).unwrap()
}

#[test]
fn what_is_appended_is_read_back_and_replayed_across_many_segments() {
    let folder = tempfile::tempdir().unwrap();
    let segments = open(folder.path());
    for batch in 0..40 {
        let batch_entries = entries(batch * 10, 10);
        let place = segments.append(LeafIndex(batch * 10), &batch_entries).unwrap();
        let read = segments.read_back(&place).unwrap();
        let read = sillok_log::tile::parse_bundle(&read, 10).unwrap();
        assert_eq!(read, batch_entries);
    }
    assert!(list(folder.path()).unwrap().len() >= 5, "a segment of 4 KiB holds few batches");
    assert_eq!(segments.replay(TreeSize(0), TreeSize(400)).unwrap(), entries(0, 400));
    drop(segments);
    let segments = open(folder.path());
    assert_eq!(segments.replay(TreeSize(100), TreeSize(390)).unwrap(), entries(100, 290));
    segments.retire(TreeSize(200)).unwrap();
    assert_eq!(segments.replay(TreeSize(200), TreeSize(400)).unwrap(), entries(200, 200));
    assert!(matches!(
        segments.replay(TreeSize(0), TreeSize(400)),
        Err(Error::Lacks { leaf: LeafIndex(0), .. })
    ));
    segments.retire(TreeSize(400)).unwrap();
    assert_eq!(list(folder.path()).unwrap().len(), 1, "only the new one is left");
}

#[test]
fn a_batch_larger_than_a_segment_gets_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let segments = open(folder.path());
    let giant = vec![vec![7; 60_000]];
    segments.append(LeafIndex(0), &entries(0, 200)).unwrap();
    let place = segments.append(LeafIndex(200), &giant).unwrap();
    assert_eq!(segments.read_back(&place).unwrap().len(), 60_002);
    assert_eq!(segments.replay(TreeSize(200), TreeSize(201)).unwrap(), giant);
}

#[test]
fn of_two_records_for_the_same_leaf_the_later_counts() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).append(LeafIndex(0), &entries(900, 5)).unwrap();
    let segments = open(folder.path());
    segments.append(LeafIndex(0), &entries(0, 3)).unwrap();
    segments.append(LeafIndex(3), &entries(3, 2)).unwrap();
    drop(segments);
    assert_eq!(open(folder.path()).replay(TreeSize(0), TreeSize(5)).unwrap(), entries(0, 5));
}

#[test]
fn every_flipped_bit_below_the_head_is_found_and_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let segments = open(folder.path());
    let place = segments.append(LeafIndex(0), &entries(0, 3)).unwrap();
    let path = folder.path().join(name(place.generation));
    let bytes = fs::read(&path).unwrap();
    // All of the record but its padding: head, three entries with their lengths, checksum.
    for bit in 0..(32 + 3 * 9 + 32) * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &damaged).unwrap();
        let error = segments.replay(TreeSize(0), TreeSize(3)).unwrap_err();
        assert!(
            matches!(&error, Error::Lacks { path: named, leaf: LeafIndex(0) } if *named == path),
            "bit {bit}: {error}"
        );
    }
}

#[test]
fn a_torn_tail_beyond_the_head_is_ignored_at_every_length() {
    let folder = tempfile::tempdir().unwrap();
    let segments = open(folder.path());
    segments.append(LeafIndex(0), &entries(0, 3)).unwrap();
    let tail = segments.append(LeafIndex(3), &entries(3, 3)).unwrap();
    let path = folder.path().join(name(tail.generation));
    let bytes = fs::read(&path).unwrap();
    for kept in 0..(32 + 3 * 9 + 32) {
        let mut torn = bytes.clone();
        torn[tail.offset as usize + kept..].fill(0);
        fs::write(&path, &torn).unwrap();
        assert_eq!(segments.replay(TreeSize(0), TreeSize(3)).unwrap(), entries(0, 3), "{kept} bytes");
        assert!(segments.replay(TreeSize(0), TreeSize(6)).is_err(), "{kept} bytes");
    }
}
