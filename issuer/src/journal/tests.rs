//! What a test from outside cannot bring about: a disk that fails.

use std::fs::OpenOptions;

use super::segment::Segment;
use super::{Batch, Journal, MIN_SEGMENT_BYTES, StoreError};

fn record() -> Batch {
    let mut batch = Batch::default();
    batch.push(1, &[1; 20], 300).unwrap().fill(2);
    batch
}

/// A journal that appends to `device` from now on.
fn journal_on(device: &str, folder: &std::path::Path) -> Journal {
    let journal = Journal::open(folder, MIN_SEGMENT_BYTES, |_location, _kind, _header| Ok(())).unwrap();
    journal.append(record()).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(device).unwrap();
    let segment = Segment { number: 1, file, path: device.into(), bytes: MIN_SEGMENT_BYTES };
    journal.writer.lock().unwrap().segment = segment;
    journal
}

fn fails_for_good(journal: &Journal, operation: &str) {
    let error = journal.append(record()).unwrap_err();
    assert!(matches!(&error, StoreError::Io { operation: found, .. } if *found == operation), "{error}");
    // Even though the disk would work again: what was written is unknown.
    let folder = &journal.folder;
    let path = folder.join(super::segment::name(1));
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    journal.writer.lock().unwrap().segment = Segment { number: 1, file, path, bytes: MIN_SEGMENT_BYTES };
    for _again in 0..3 {
        let error = journal.append(record()).unwrap_err();
        assert!(matches!(&error, StoreError::Stopped { path } if path == folder), "{error}");
    }
}

#[test]
fn a_failed_synchronisation_stops_the_journal_for_good() {
    let folder = tempfile::tempdir().unwrap();
    // Linux takes what is written to it and refuses to synchronise it.
    fails_for_good(&journal_on("/dev/null", folder.path()), "synchronise");
}

#[test]
fn a_full_disk_stops_the_journal_for_good() {
    let folder = tempfile::tempdir().unwrap();
    fails_for_good(&journal_on("/dev/full", folder.path()), "write");
}

#[test]
fn what_was_acknowledged_before_a_failure_is_there_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal_on("/dev/full", folder.path());
    journal.append(record()).unwrap_err();
    drop(journal);
    let mut found = 0;
    let journal = Journal::open(folder.path(), MIN_SEGMENT_BYTES, |_location, _kind, _header| {
        found += 1;
        Ok(())
    });
    journal.unwrap().append(record()).unwrap();
    assert_eq!(found, 1);
}

#[test]
fn a_worker_that_panics_stops_the_group() {
    let group = std::sync::Arc::new(super::Group::<u8, u8>::new("group".as_ref()));
    let worker = std::sync::Arc::clone(&group);
    let panicked = std::thread::spawn(move || worker.run(1, |_items| panic!("the worker breaks"))).join();
    assert!(panicked.is_err());
    let error = group.run(2, Ok).unwrap_err();
    assert!(matches!(error, StoreError::Stopped { .. }), "{error}");
}
