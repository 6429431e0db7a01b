//! An audit in parts, each going on from a file, finds what one at once finds; and a log that goes back or forks is told.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/published.rs"]
mod published;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sillok_client::audit::{Audit, Claim, Evidence, EvidenceError, Report, StateError, Told, parse_evidence};
use sillok_client::source::Source;
use sillok_log::audit::LogKind;
use sillok_log::entry::{
    Entry, Issue, IssuerHash, Key, KeyEvent, List, ListId, MIN_LIST_SLOTS, Snapshot, Status, StatusValue,
    Thumbprint,
};
use sillok_log::evidence::Error as Shows;
use sillok_log::ledger::Ledger;
use sillok_log::merkle::leaf_hash;
use sillok_log::note::{SignatureKind, SignerKey, VerifierKey};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

const ORIGIN: &str = "log.example";
const ISSUER: IssuerHash = IssuerHash([1; 32]);
const KEY: Thumbprint = Thumbprint([2; 32]);
const LIST: ListId = ListId([3; 16]);

fn key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, SignatureKind::Ed25519, &[3; 32]).unwrap()
}

/// A log with some of everything, good and bad: commitments that come again, unknown keys, noise.
fn entries(count: u64) -> Vec<Vec<u8>> {
    let mut ledger = Ledger::new();
    let mut entries = Vec::new();
    for at in 0..count {
        let entry = entry(at, &ledger);
        let index = LeafIndex(at);
        if ledger.check(&entry, index).is_ok() {
            ledger.apply(&entry, index);
        }
        entries.push(if at % 97 == 96 { vec![1, 9] } else { entry.encode() });
    }
    entries
}

fn entry(at: u64, ledger: &Ledger) -> Entry {
    let time = UnixSeconds(at / 50 * 3_600);
    match at {
        0 => Entry::Key(Key { issuer: ISSUER, key: KEY, event: KeyEvent::Added, time, cuts: vec![] }),
        1 => Entry::List(List { list: LIST, issuer: ISSUER, size: MIN_LIST_SLOTS }),
        at if at % 60 == 50 => {
            let sequence = 1 + ledger.last_snapshot(LIST).map_or(0, |(last, _at)| last.sequence);
            let fold_size = TreeSize(at - 3);
            let state = ledger.state_at(LIST, fold_size).unwrap();
            let (issued, not_after) = (time, UnixSeconds(time.0 + 1));
            let digest = state.digest();
            Entry::Snapshot(Snapshot { list: LIST, sequence, digest, fold_size, issued, not_after })
        }
        at if at % 5 == 4 => {
            let index = u32::try_from(at % 35).unwrap();
            let value = if at % 3 == 0 { StatusValue::Revoked } else { StatusValue::Suspended };
            let change = ledger.slot_changes(LIST, index);
            Entry::Status(Status { list: LIST, index, value, change, time })
        }
        at => {
            let number = if at % 13 == 0 { at / 2 } else { at };
            let issuer_key = if at % 31 == 0 { Thumbprint([9; 32]) } else { KEY };
            let commitment = leaf_hash(&number.to_be_bytes());
            Entry::Issue(Issue { commitment, issuer_key, provenance: Hash([5; 32]), time })
        }
    }
}

fn publish(folder: &Path, entries: &[Vec<u8>]) {
    published::publish(folder, &key(), entries);
}

/// All findings in words, in their order.
fn told(report: &Report) -> Vec<Told> {
    report.findings.rows()
}

/// An audit that keeps its state in a file.
fn advance(folder: &Path, state: &Path) -> Report {
    let source = Source::open(&folder.display().to_string()).unwrap();
    let key = key().verifier();
    let mut audit = Audit::open(&source, &key, LogKind::Typed, state).unwrap();
    audit.advance(&mut |_progress| {}).unwrap();
    audit.finish().unwrap()
}

fn at_once(folder: &Path) -> Report {
    let source = Source::open(&folder.display().to_string()).unwrap();
    let key = key().verifier();
    let mut audit = Audit::new(&source, &key, LogKind::Typed);
    audit.advance(&mut |_progress| {}).unwrap();
    audit.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_audit_in_parts_finds_what_one_at_once_finds(
        sizes in prop::collection::btree_set(1_u64..700, 1..6),
    ) {
        let (log, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let entries = entries(700);
        let state = work.path().join("state");
        let mut last = None;
        for size in sizes {
            publish(log.path(), &entries[..usize::try_from(size).unwrap()]);
            last = Some(advance(log.path(), &state));
        }
        let (parts, whole) = (last.unwrap(), at_once(log.path()));
        prop_assert_eq!(told(&parts), told(&whole));
        prop_assert_eq!(parts.findings.total(), whole.findings.total());
        prop_assert_eq!(&parts.counts, &whole.counts);
        prop_assert_eq!((parts.replayed, parts.checkpoint), (whole.replayed, whole.checkpoint));
        prop_assert_eq!(parts.unchecked, whole.unchecked);
    }
}

#[test]
fn the_log_of_these_tests_has_something_of_everything() {
    let log = tempfile::tempdir().unwrap();
    publish(log.path(), &entries(700));
    let report = at_once(log.path());
    let codes: std::collections::BTreeSet<String> =
        told(&report).into_iter().map(|finding| finding.code).collect();
    for code in ["issue.duplicate", "issue.key-not-active", "entry.malformed", "status.revoked-is-terminal"] {
        assert!(codes.contains(code), "{code}: {codes:?}");
    }
    assert!(report.counts.revoked_by_hour().counts().len() > 1);
    assert_eq!(report.counts.key_events().len(), 1);
}

#[test]
fn a_state_is_of_one_log_and_whole() {
    let (log, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(log.path(), &entries(300));
    let state = work.path().join("state");
    advance(log.path(), &state);
    let source = Source::open(&log.path().display().to_string()).unwrap();
    let own = key().verifier();
    let open = |key: &VerifierKey| Audit::open(&source, key, LogKind::Typed, &state).map(drop);
    for (name, seed) in [("other.example", 3), (ORIGIN, 4)] {
        let other = SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).unwrap().verifier();
        assert!(matches!(open(&other), Err(StateError::OtherLog { .. })), "{name}");
    }
    let bytes = fs::read(&state).unwrap();
    for at in [0, 10, 30, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&state, changed).unwrap();
        assert!(matches!(open(&own), Err(StateError::Damaged { .. })), "byte {at}");
    }
    for length in [0, 21, bytes.len() - 1] {
        fs::write(&state, &bytes[..length]).unwrap();
        assert!(matches!(open(&own), Err(StateError::Damaged { .. })), "{length} bytes");
    }
    fs::write(&state, &bytes).unwrap();
    open(&own).unwrap();
}

/// Copies a state and what belongs to it, as a crash leaves them.
fn copy_state(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    let beside = |path: &Path| PathBuf::from(format!("{}.d", path.display()));
    fs::create_dir_all(beside(to)).unwrap();
    for path in fs::read_dir(beside(from)).unwrap().map(|entry| entry.unwrap().path()) {
        fs::copy(&path, beside(to).join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn an_audit_that_is_cut_off_goes_on_from_what_it_saved() {
    let (log, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(log.path(), &entries(1_900));
    let (source, key) = (Source::open(&log.path().display().to_string()).unwrap(), key().verifier());
    let (state, mut cut) = (work.path().join("state"), 0);
    let mut audit = Audit::open(&source, &key, LogKind::Typed, &state).unwrap();
    audit.save_every(500);
    audit
        .advance(&mut |_progress| {
            // Whatever was written after the last save is there, too.
            if state.exists() {
                copy_state(&state, &work.path().join(cut.to_string()));
                cut += 1;
            }
        })
        .unwrap();
    drop(audit);
    assert!(cut >= 5, "{cut}");
    let whole = at_once(log.path());
    for number in 0..cut {
        let report = advance(log.path(), &work.path().join(number.to_string()));
        assert_eq!((told(&report), &report.counts), (told(&whole), &whole.counts), "{number}");
    }
}

#[test]
fn a_state_is_of_one_audit_at_a_time() {
    let (log, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(log.path(), &entries(3));
    let (source, key) = (Source::open(&log.path().display().to_string()).unwrap(), key().verifier());
    let open = || Audit::open(&source, &key, LogKind::Typed, &work.path().join("state"));
    let first = open().unwrap();
    assert!(matches!(open(), Err(StateError::Io { operation: "lock", .. })));
    drop(first);
    assert!(open().is_ok());
}

#[test]
fn a_missing_bundle_is_looked_for_again() {
    let (log, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(log.path(), &entries(700));
    let (state, bundle) = (work.path().join("state"), log.path().join("tile/entries/001"));
    let bytes = fs::read(&bundle).unwrap();
    fs::remove_file(&bundle).unwrap();
    for _attempt in 0..2 {
        let report = advance(log.path(), &state);
        assert_eq!((report.replayed, report.unchecked.len()), (TreeSize(256), 1));
        assert_eq!(told(&report).iter().filter(|finding| finding.code == "tile.missing").count(), 1);
    }
    fs::write(&bundle, bytes).unwrap();
    let report = advance(log.path(), &state);
    assert_eq!((report.replayed, report.unchecked.len()), (TreeSize(700), 0));
    assert_eq!(report.counts, at_once(log.path()).counts);
}

/// The evidence files beside a state, read and checked.
fn evidence(state: &Path) -> Vec<Evidence> {
    let mut folder = state.as_os_str().to_owned();
    folder.push(".d");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let evidence = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    evidence
        .map(|path| {
            let (evidence, named) = parse_evidence(&fs::read_to_string(path).unwrap()).unwrap();
            assert_eq!(named, key().verifier());
            evidence.check(&named).unwrap();
            evidence
        })
        .collect()
}

#[test]
fn a_log_that_forks_is_told_once_with_evidence_that_anybody_can_check() {
    let honest = entries(600);
    let mut other = entries(650);
    other[100] = vec![1, 8];
    for (first, second) in
        [(&honest[..], &other[..]), (&honest[..], &other[..600]), (&other[..], &honest[..])]
    {
        let (log, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let state = work.path().join("state");
        publish(log.path(), first);
        let before = advance(log.path(), &state);
        publish(log.path(), second);
        for _again in 0..2 {
            let report = advance(log.path(), &state);
            let forks: Vec<Told> =
                told(&report).into_iter().filter(|finding| finding.code.starts_with("log.")).collect();
            if first.len() > second.len() {
                // Its tiles are those of the smaller tree, so it is smaller, and no more can be told.
                assert_eq!(forks[0].code, "log.shrank");
            } else {
                assert_eq!(forks[0].code, "log.forked");
                assert_eq!(evidence(&state)[0].claim(), Claim::Fork);
            }
            assert_eq!((forks.len(), evidence(&state).len()), (1, 1));
            // What was seen first stays what is compared with.
            assert_eq!(report.checkpoint, before.checkpoint);
        }
    }
}

#[test]
fn evidence_that_shows_nothing_is_refused() {
    let (log, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let state = work.path().join("state");
    let mut other = entries(400);
    other[0] = vec![1, 8];
    publish(log.path(), &entries(300));
    advance(log.path(), &state);
    publish(log.path(), &other);
    let report = advance(log.path(), &state);
    let text = report.evidence[0].to_json(&key().verifier());
    let check = |text: &str| parse_evidence(text).and_then(|(evidence, named)| Ok(evidence.check(&named)?));
    assert!(check(&text).is_ok());
    assert_eq!(parse_evidence(&text), Ok((report.evidence[0].clone(), key().verifier())));
    let odd = Evidence::new(Claim::Rollback, ["\" \\ \n \u{1} \u{2014}", ""], None);
    assert_eq!(parse_evidence(&odd.to_json(&key().verifier())).unwrap().0, odd);
    // The other way round, and twice the same note.
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let with = |member: &str, with: serde_json::Value| {
        let mut value = value.clone();
        value[member] = with;
        check(&value.to_string())
    };
    assert!(matches!(with("older", value["newer"].clone()), Err(EvidenceError::Shown(Shows::Proof(_)))));
    assert!(matches!(with("newer", value["older"].clone()), Err(EvidenceError::Shown(Shows::Proof(_)))));
    assert!(matches!(with("consistency", serde_json::json!([])), Err(EvidenceError::Shown(Shows::Proof(_)))));
    assert!(matches!(with("claim", "rollback".into()), Err(EvidenceError::Shown(Shows::NothingWrong))));
    assert!(matches!(with("type", "other".into()), Err(EvidenceError::Malformed { .. })));
    assert!(matches!(with("more", "x".into()), Err(EvidenceError::Malformed { .. })));
    let stranger = SignerKey::from_seed(ORIGIN, SignatureKind::Ed25519, &[4; 32]).unwrap().verifier();
    assert!(matches!(with("log", stranger.to_string().into()), Err(EvidenceError::Shown(Shows::Note(_)))));
}
