//! Small buffers, so that few items do what many do: the answers of a set in memory, however they are cut.

use std::collections::{BTreeSet, HashSet};

use sillok_log::audit::Issued;
use sillok_log::{Hash, LeafIndex};
use tempfile::TempDir;

use super::{Commitments, MAX_BUFFERED};

fn issued(number: u64, at: u64) -> Issued {
    let mut commitment = [0x5a; 32];
    // In no order, and two thirds of the prefix are the same.
    commitment[20..28].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Issued { at: LeafIndex(at), commitment: Hash(commitment), refused: at.is_multiple_of(7) }
}

/// Entries of which some repeat earlier ones, near and far.
fn entries(count: u64) -> Vec<Issued> {
    let number = |at: u64| if at.is_multiple_of(9) { at / 2 } else { at };
    (0..count).map(|at| issued(number(at), at)).collect()
}

fn expected(entries: &[Issued]) -> BTreeSet<u64> {
    let mut seen = HashSet::new();
    entries.iter().filter(|entry| !seen.insert(entry.commitment)).map(|entry| entry.at.0).collect()
}

/// Pushes in parts and settles after each.
fn found(parts: &[&[Issued]], save: bool) -> BTreeSet<u64> {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let open = |of| Commitments::open(runs.clone(), of).unwrap();
    let mut commitments = if save { open(Vec::new()) } else { Commitments::new() };
    let mut found = BTreeSet::new();
    for part in parts {
        part.iter().for_each(|entry| commitments.push(entry).unwrap());
        commitments
            .settle(&mut |again| {
                assert_eq!(again.refused, again.at.0.is_multiple_of(7));
                assert!(found.insert(again.at.0), "{again:?} is told twice");
            })
            .unwrap();
        if save {
            let saved = commitments.runs().unwrap().to_vec();
            commitments.forget().unwrap();
            commitments = open(saved);
        }
        // Each settled run is more than twice as long as the next.
        assert!(commitments.runs.len() <= 64 && commitments.buffer.len() < MAX_BUFFERED);
        let place =
            if save { Some(runs.as_path()) } else { commitments.temporary.as_ref().map(TempDir::path) };
        let files = place.and_then(|place| std::fs::read_dir(place).ok()).map_or(0, Iterator::count);
        assert_eq!(files, commitments.runs.len());
    }
    found
}

#[test]
fn every_repetition_is_told_once_however_the_log_is_cut() {
    for count in [0, 1, 10, 17, 200, 1_500] {
        let entries = entries(count);
        let expected = expected(&entries);
        for length in [1, 5, 16, 40, 333, 2_000] {
            let parts: Vec<&[Issued]> = entries.chunks(length).collect();
            assert_eq!(found(&parts, false), expected, "{count} in parts of {length}");
            // Each save synchronises files.
            if parts.len() <= 40 {
                assert_eq!(found(&parts, true), expected, "{count} in parts of {length}, saved");
            }
        }
    }
}

#[test]
fn all_the_same_is_told_for_all_but_the_first() {
    let entries: Vec<Issued> = (0..300).map(|at| issued(1, at)).collect();
    assert_eq!(found(&[&entries[..100], &entries[100..]], true), (1..300).collect());
}

#[test]
fn what_was_written_after_the_state_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut commitments = Commitments::open(folder.path().into(), Vec::new()).unwrap();
    entries(40).iter().for_each(|entry| commitments.push(entry).unwrap());
    let saved = commitments.runs().unwrap().to_vec();
    std::fs::write(folder.path().join("evidence-1.json"), "{}").unwrap();
    entries(70)[40..].iter().for_each(|entry| commitments.push(entry).unwrap());
    assert_ne!(commitments.runs().unwrap(), saved);
    let again = Commitments::open(folder.path().into(), saved.clone()).unwrap();
    assert_eq!(again.runs, saved);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), saved.len() + 1);
}

#[test]
fn a_run_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut commitments = Commitments::open(folder.path().into(), Vec::new()).unwrap();
    entries(100).iter().for_each(|entry| commitments.push(entry).unwrap());
    let runs = commitments.runs().unwrap().to_vec();
    let path = commitments.path(runs[0].number);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[50] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = Commitments::open(folder.path().into(), runs.clone()).unwrap_err().to_string();
    assert!(error.contains(&path.display().to_string()), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert!(Commitments::open(folder.path().into(), runs).is_err());
}
