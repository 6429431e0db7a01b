//! The journal from outside: crashes, torn and damaged files.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::fs;
use std::path::{Path, PathBuf};

use sillok_issuer::journal::{
    Batch, Journal, Location, MAX_RECORD_BYTES, MIN_SEGMENT_BYTES, Record, StoreError,
};

const SECTOR: usize = 512;

fn record(number: u32, bytes: usize) -> Record {
    let sealed = (0..bytes).map(|position| (position as u32 ^ number) as u8 | 1).collect();
    Record { kind: 3, header: number.to_be_bytes().to_vec(), sealed }
}

fn append(journal: &Journal, records: &[Record]) -> Result<Vec<Location>, StoreError> {
    let mut batch = Batch::default();
    for record in records {
        batch.push(record.kind, &record.header, record.sealed.len())?.copy_from_slice(&record.sealed);
    }
    journal.append(batch)
}

type Found = Vec<(Location, Record)>;

fn open(folder: &Path) -> Result<(Journal, Found), StoreError> {
    let mut visited = Vec::new();
    let journal = Journal::open(folder, MIN_SEGMENT_BYTES, |location, kind, header| {
        visited.push((location, kind, header.to_vec()));
        Ok(())
    })?;
    let found = visited.into_iter().map(|(location, kind, header)| {
        let record = journal.read(location)?;
        assert_eq!((record.kind, &record.header), (kind, &header));
        Ok((location, record))
    });
    let found = found.collect::<Result<_, StoreError>>()?;
    Ok((journal, found))
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Three frames in one segment, the last one of more than two sectors; where each begins and the last ends.
fn three_frames(folder: &Path) -> (PathBuf, Vec<u8>, [usize; 4]) {
    let (journal, _found) = open(folder).unwrap();
    for (number, bytes) in [(0, 300), (1, 700), (2, 900)] {
        append(&journal, &[record(number, bytes)]).unwrap();
    }
    let path = segments(folder).remove(0);
    let bytes = fs::read(&path).unwrap();
    let begins = |at: &usize| bytes[*at..].starts_with(b"SLKJRNL1");
    let starts: Vec<usize> = (0..bytes.len()).step_by(SECTOR).filter(begins).collect();
    let [one, two, three] = starts[..] else { panic!("{starts:?}") };
    let end = (three..bytes.len()).step_by(SECTOR).find(|at| bytes[*at..*at + SECTOR] == [0; SECTOR]);
    (path, bytes, [one, two, three, end.unwrap()])
}

/// The journal opens with the first two records, takes another, and has that too at the next opening.
fn goes_on_without_the_third(folder: &Path, told: &str) {
    let (journal, found) = open(folder).unwrap_or_else(|error| panic!("{told}: {error}"));
    assert_eq!(found.len(), 2, "{told}");
    append(&journal, &[record(9, 2_000)]).unwrap();
    drop(journal);
    let (_journal, found) = open(folder).unwrap_or_else(|error| panic!("{told}, then reopened: {error}"));
    let headers: Vec<u8> = found.iter().map(|(_location, record)| record.header[3]).collect();
    assert_eq!(headers, [0, 1, 9], "{told}");
}

fn refused(folder: &Path, path: &Path, told: &str) -> u64 {
    match open(folder) {
        Err(StoreError::Damaged { path: named, offset, .. }) => {
            assert_eq!(named, path, "{told}");
            offset
        }
        Err(other) => panic!("{told}: {other}"),
        Ok((_journal, found)) => panic!("{told}: opened with {} records", found.len()),
    }
}

#[test]
fn what_was_appended_is_read_again_at_its_place_over_many_segments() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for round in 0..4 {
        let (journal, found) = open(folder.path()).unwrap();
        assert_eq!(found, expected, "round {round}");
        for batch in 0..10 {
            let records: Vec<Record> =
                (0..7).map(|item| record(round * 100 + batch * 10 + item, 3_000)).collect();
            let locations = append(&journal, &records).unwrap();
            expected.extend(locations.into_iter().zip(records));
        }
        for (location, record) in &expected {
            assert_eq!(journal.read(*location).unwrap(), *record);
        }
    }
    assert!(segments(folder.path()).len() > 5);
}

#[test]
fn appenders_at_the_same_time_all_find_their_records() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _found) = open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let journal = &journal;
            scope.spawn(move || {
                for number in 0..25 {
                    let wanted = record(thread * 100 + number, 500);
                    let location = append(journal, std::slice::from_ref(&wanted)).unwrap()[0];
                    assert_eq!(journal.read(location).unwrap(), wanted);
                }
            });
        }
    });
    drop(journal);
    let (_journal, found) = open(folder.path()).unwrap();
    let mut headers: Vec<_> = found.into_iter().map(|(_location, record)| record.header).collect();
    headers.sort();
    headers.dedup();
    assert_eq!(headers.len(), 200);
}

#[test]
fn the_largest_record_fits_and_a_larger_one_is_refused_without_harm() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _found) = open(folder.path()).unwrap();
    let fits = record(1, MAX_RECORD_BYTES - 7 - 4);
    let too_long = record(2, MAX_RECORD_BYTES - 7 - 4 + 1);
    let error = append(&journal, &[fits.clone(), too_long]).unwrap_err();
    assert!(matches!(error, StoreError::TooLong { bytes } if bytes == MAX_RECORD_BYTES + 1), "{error}");
    append(&journal, &[fits.clone(), fits]).unwrap();
    drop(journal);
    assert_eq!(open(folder.path()).unwrap().1.len(), 2);
}

#[test]
fn a_file_cut_anywhere_in_its_last_frame_loses_that_frame_only() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole, [_one, _two, three, end]) = three_frames(folder.path());
    for cut in (three..end).step_by(37).chain([three + 1, end - 1]) {
        fs::write(&path, &whole[..cut]).unwrap();
        goes_on_without_the_third(folder.path(), &format!("cut at {cut} of {three}..{end}"));
    }
}

#[test]
fn any_sectors_missing_of_the_last_frame_lose_that_frame_only() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole, [_one, _two, three, end]) = three_frames(folder.path());
    let sectors = (end - three) / SECTOR;
    for missing in 1..1_u32 << sectors {
        let mut torn = whole.clone();
        for sector in (0..sectors).filter(|sector| missing >> sector & 1 == 1) {
            torn[three + sector * SECTOR..three + (sector + 1) * SECTOR].fill(0);
        }
        fs::write(&path, &torn).unwrap();
        goes_on_without_the_third(folder.path(), &format!("sectors {missing:b} of {sectors} missing"));
    }
}

#[test]
fn a_flipped_bit_at_any_place_of_any_frame_is_refused_by_file_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole, [one, two, three, end]) = three_frames(folder.path());
    for at in 0..end {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(&path, &damaged).unwrap();
        let frame = [three, two, one].into_iter().find(|start| *start <= at).unwrap();
        let offset = refused(folder.path(), &path, &format!("bit flipped at {at}"));
        assert_eq!(offset, frame as u64, "bit flipped at {at}");
        assert_eq!(fs::read(&path).unwrap(), damaged, "refusing changes nothing");
    }
}

#[test]
fn a_missing_frame_before_others_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole, [one, two, three, end]) = three_frames(folder.path());
    for (from, to) in [(one, two), (two, three), (one, three), (two, two + SECTOR)] {
        let mut damaged = whole.clone();
        damaged[from..to].fill(0);
        fs::write(&path, &damaged).unwrap();
        assert_eq!(refused(folder.path(), &path, "zeros"), from as u64);
    }
    // A later frame moved to the front is no frame of its place either.
    let mut moved = whole.clone();
    moved.copy_within(two..end, one);
    fs::write(&path, &moved).unwrap();
    assert_eq!(refused(folder.path(), &path, "moved"), one as u64);
}

#[test]
fn a_missing_segment_is_refused_and_an_unused_one_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _found) = open(folder.path()).unwrap();
    (0..60).for_each(|number| drop(append(&journal, &[record(number, 9_000)]).unwrap()));
    drop(journal);
    let (_journal, found) = open(folder.path()).unwrap();
    assert_eq!(found.len(), 60);
    drop(_journal);
    let paths = segments(folder.path());
    let saved = fs::read(&paths[1]).unwrap();
    fs::remove_file(&paths[1]).unwrap();
    assert_eq!(refused(folder.path(), &paths[2], "the second segment is missing"), 0);
    fs::write(&paths[1], saved).unwrap();
    // Prepared and not used, when the process ended; and one that was not even finished.
    fs::write(folder.path().join("000000ff.journal"), vec![0; MIN_SEGMENT_BYTES as usize]).unwrap();
    fs::write(folder.path().join("next"), b"unfinished").unwrap();
    assert_eq!(open(folder.path()).unwrap().1.len(), 60);
}

#[test]
fn what_the_caller_says_about_a_record_names_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _whole, [_one, two, ..]) = three_frames(folder.path());
    let visited = Journal::open(folder.path(), MIN_SEGMENT_BYTES, |_location, _kind, header| {
        if header[3] == 1 { Err("not one of ours") } else { Ok(()) }
    });
    let error = visited.err().unwrap();
    assert_eq!(
        error.to_string(),
        format!("{} is damaged at byte {}: not one of ours", path.display(), two + 64)
    );
}
