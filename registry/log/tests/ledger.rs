//! The rules of the ledger, row by row of the table in specs/entry.md: one entry that passes and one that does not.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use proptest::prelude::*;
use sillok_log::entry::{
    Bundle, Cut, Document, Entry, Issue, IssuerHash, Key, KeyEvent, List, ListId, MAX_CUT_SIZE,
    MIN_LIST_SLOTS, OriginHash, Snapshot, Status, StatusValue, Thumbprint,
};
use sillok_log::ledger::{KeyState, Ledger, Refusal, Role, authorise};
use sillok_log::status::ListState;
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

use StatusValue::{Revoked, Suspended, Valid};

const ISSUER: IssuerHash = IssuerHash([1; 32]);
const OTHER_ISSUER: IssuerHash = IssuerHash([2; 32]);
const KEY: Thumbprint = Thumbprint([3; 32]);
const LIST: ListId = ListId([4; 16]);
const OTHER_LIST: ListId = ListId([5; 16]);

/// A ledger in the making and the index of the next entry.
struct Log {
    ledger: Ledger,
    next: u64,
}

impl Log {
    fn new() -> Self {
        Self { ledger: Ledger::new(), next: 0 }
    }

    /// An empty log, a key and a list: the next index is 2.
    fn with_key_and_list() -> Self {
        let mut log = Self::new();
        log.append(&key(KEY, KeyEvent::Added, &[]));
        log.append(&list(LIST));
        log
    }

    fn check(&self, entry: &Entry) -> Result<(), Refusal> {
        self.ledger.check(entry, LeafIndex(self.next))
    }

    fn append(&mut self, entry: &Entry) {
        self.check(entry).unwrap();
        self.ledger.apply(entry, LeafIndex(self.next));
        self.next += 1;
    }

    fn refuses(&self, entry: &Entry, code: &str) {
        assert_eq!(self.check(entry).map_err(|refusal| refusal.code()), Err(code), "{entry:?}");
    }

    fn snapshot(&self, sequence: u64, fold_size: u64) -> Entry {
        let state = self.ledger.state_at(LIST, TreeSize(fold_size)).unwrap();
        snapshot(sequence, fold_size, state.digest())
    }
}

fn issue(key: Thumbprint) -> Entry {
    Entry::Issue(Issue {
        commitment: Hash([6; 32]),
        issuer_key: key,
        provenance: Hash([7; 32]),
        time: UnixSeconds(3_600),
    })
}

fn key(key: Thumbprint, event: KeyEvent, cuts: &[(u8, u64)]) -> Entry {
    key_of(ISSUER, key, event, cuts)
}

fn key_of(issuer: IssuerHash, key: Thumbprint, event: KeyEvent, cuts: &[(u8, u64)]) -> Entry {
    let cuts =
        cuts.iter().map(|(origin, size)| Cut { origin: OriginHash([*origin; 32]), size: TreeSize(*size) });
    Entry::Key(Key { issuer, key, event, time: UnixSeconds(9), cuts: cuts.collect() })
}

fn list(list: ListId) -> Entry {
    Entry::List(List { list, issuer: ISSUER, size: MIN_LIST_SLOTS })
}

fn status(index: u32, value: StatusValue, change: u64) -> Entry {
    status_in(LIST, index, value, change)
}

fn status_in(list: ListId, index: u32, value: StatusValue, change: u64) -> Entry {
    Entry::Status(Status { list, index, value, change, time: UnixSeconds(10) })
}

fn snapshot(sequence: u64, fold_size: u64, digest: Hash) -> Entry {
    Entry::Snapshot(Snapshot {
        list: LIST,
        sequence,
        digest,
        fold_size: TreeSize(fold_size),
        issued: UnixSeconds(10),
        not_after: UnixSeconds(11),
    })
}

fn bundle(document: Document, sequence: u64) -> Entry {
    Entry::Bundle(Bundle { document, sequence, digest: Hash([8; 32]), activation: UnixSeconds(12) })
}

#[test]
fn issue_key_not_active() {
    let mut log = Log::new();
    log.refuses(&issue(KEY), "issue.key-not-active");
    log.append(&key(KEY, KeyEvent::Added, &[]));
    log.append(&issue(KEY));
    log.refuses(&issue(Thumbprint([9; 32])), "issue.key-not-active");
    log.append(&key(KEY, KeyEvent::Retired, &[(1, 5)]));
    log.refuses(&issue(KEY), "issue.key-not-active");
    log.append(&key(KEY, KeyEvent::Compromised, &[(1, 2)]));
    log.refuses(&issue(KEY), "issue.key-not-active");
}

/// A cut is a place, and may be one that the log has not reached. It lets nothing in all the same.
#[test]
fn a_cut_beyond_the_log_lets_nothing_in() {
    for event in [KeyEvent::Retired, KeyEvent::Compromised] {
        let mut log = Log::new();
        log.append(&key(KEY, KeyEvent::Added, &[]));
        log.append(&issue(KEY));
        log.append(&key(KEY, event, &[(1, MAX_CUT_SIZE.0)]));
        log.refuses(&issue(KEY), "issue.key-not-active");
    }
}

#[test]
fn issue_duplicate_is_raised_by_who_keeps_the_commitments() {
    let mut log = Log::with_key_and_list();
    log.append(&issue(KEY));
    log.append(&issue(KEY));
    assert_eq!(Refusal::IssueDuplicate { commitment: Hash([6; 32]) }.code(), "issue.duplicate");
}

#[test]
fn list_duplicate() {
    let log = Log::with_key_and_list();
    log.refuses(&list(LIST), "list.duplicate");
    let of_another = Entry::List(List { list: LIST, issuer: OTHER_ISSUER, size: MIN_LIST_SLOTS * 2 });
    log.refuses(&of_another, "list.duplicate");
    assert_eq!(log.check(&list(OTHER_LIST)), Ok(()));
}

#[test]
fn status_unknown_list() {
    let log = Log::with_key_and_list();
    log.refuses(&status_in(OTHER_LIST, 0, Revoked, 0), "status.unknown-list");
    assert_eq!(log.check(&status_in(LIST, 0, Revoked, 0)), Ok(()));
}

#[test]
fn status_index_range() {
    let log = Log::with_key_and_list();
    let size = u32::try_from(MIN_LIST_SLOTS).unwrap();
    for index in [size, size + 1, u32::MAX] {
        log.refuses(&status(index, Revoked, 0), "status.index-range");
    }
    assert_eq!(log.check(&status(size - 1, Revoked, 0)), Ok(()));
}

#[test]
fn status_out_of_order() {
    let mut log = Log::with_key_and_list();
    log.refuses(&status(5, Suspended, 1), "status.out-of-order");
    log.append(&status(5, Suspended, 0));
    // A replay, byte for byte, is out of order too.
    log.refuses(&status(5, Suspended, 0), "status.out-of-order");
    log.refuses(&status(5, Valid, 2), "status.out-of-order");
    log.append(&status(5, Valid, 1));
    log.append(&status(6, Revoked, 0));
    assert_eq!(log.ledger.slot_changes(LIST, 5), 2);
    assert_eq!(log.ledger.slot_changes(LIST, 6), 1);
    assert_eq!(log.ledger.slot_changes(LIST, 7), 0);
    assert_eq!(log.ledger.slot_changes(OTHER_LIST, 5), 0);
}

#[test]
fn status_revoked_is_terminal() {
    let mut log = Log::with_key_and_list();
    log.append(&status(5, Revoked, 0));
    for value in [Valid, Revoked, Suspended] {
        log.refuses(&status(5, value, 1), "status.revoked-is-terminal");
    }
    assert_eq!(log.check(&status(4, Revoked, 0)), Ok(()));
}

#[test]
fn status_no_change() {
    let mut log = Log::with_key_and_list();
    log.refuses(&status(5, Valid, 0), "status.no-change");
    log.append(&status(5, Suspended, 0));
    log.refuses(&status(5, Suspended, 1), "status.no-change");
    log.append(&status(5, Valid, 1));
    log.refuses(&status(5, Valid, 2), "status.no-change");
}

#[test]
fn revoking_a_suspended_slot_clears_its_suspension() {
    let mut log = Log::with_key_and_list();
    log.append(&status(5, Suspended, 0));
    let before = log.ledger.state_at(LIST, TreeSize(log.next)).unwrap();
    assert_eq!((before.revocation()[0], before.suspension()[0]), (0, 0b0000_0100));
    log.append(&status(5, Revoked, 1));
    let after = log.ledger.state_at(LIST, TreeSize(log.next)).unwrap();
    assert_eq!((after.revocation()[0], after.suspension()[0]), (0b0000_0100, 0));
}

#[test]
fn snapshot_unknown_list() {
    let log = Log::new();
    log.refuses(&snapshot(1, 1, Hash([0; 32])), "snapshot.unknown-list");
    let log = Log::with_key_and_list();
    assert_eq!(log.check(&log.snapshot(1, 2)), Ok(()));
}

#[test]
fn snapshot_sequence() {
    let mut log = Log::with_key_and_list();
    log.refuses(&log.snapshot(2, 2), "snapshot.sequence");
    log.append(&log.snapshot(1, 2));
    log.refuses(&log.snapshot(1, 3), "snapshot.sequence");
    log.refuses(&log.snapshot(3, 3), "snapshot.sequence");
    log.append(&log.snapshot(2, 3));
}

#[test]
fn snapshot_fold_too_small() {
    let mut log = Log::with_key_and_list();
    // The list entry is at 1, so a fold at 1 does not cover it.
    log.refuses(&log.snapshot(1, 1), "snapshot.fold-too-small");
    log.append(&log.snapshot(1, 2));
    // The first snapshot is at 2.
    log.refuses(&log.snapshot(2, 2), "snapshot.fold-too-small");
    assert_eq!(log.check(&log.snapshot(2, 3)), Ok(()));
}

#[test]
fn snapshot_fold_too_large() {
    let log = Log::with_key_and_list();
    log.refuses(&log.snapshot(1, 3), "snapshot.fold-too-large");
    log.refuses(&log.snapshot(1, u64::MAX), "snapshot.fold-too-large");
    assert_eq!(log.check(&log.snapshot(1, 2)), Ok(()));
}

#[test]
fn snapshot_digest() {
    let mut log = Log::with_key_and_list();
    let all_valid = log.snapshot(1, 2);
    log.append(&status(5, Revoked, 0));
    // The fold at 2 is before the change, the fold at 3 after it.
    assert_eq!(log.check(&all_valid), Ok(()));
    let stale = ListState::new(LIST, MIN_LIST_SLOTS).unwrap().digest();
    log.refuses(&snapshot(1, 3, stale), "snapshot.digest");
    log.refuses(&snapshot(1, 2, Hash([0; 32])), "snapshot.digest");
    assert_eq!(log.check(&log.snapshot(1, 3)), Ok(()));
}

#[test]
fn a_list_folds_back_to_its_last_snapshot_and_no_further() {
    let mut log = Log::with_key_and_list();
    log.append(&status(5, Suspended, 0));
    log.append(&status(6, Revoked, 0));
    log.append(&status(5, Valid, 1));
    let values = |log: &Log, size| {
        let state = log.ledger.state_at(LIST, TreeSize(size))?;
        Some([state.get(5).unwrap(), state.get(6).unwrap()])
    };
    let folds = [[Valid, Valid], [Suspended, Valid], [Suspended, Revoked], [Valid, Revoked]];
    for (size, fold) in (2..).zip(folds) {
        assert_eq!(values(&log, size), Some(fold), "{size}");
    }
    log.append(&log.snapshot(1, 4));
    assert_eq!(values(&log, 3), None);
    assert_eq!(values(&log, 4), Some(folds[2]));
    assert_eq!(values(&log, 5), Some(folds[3]));
    assert_eq!(log.ledger.state_at(OTHER_LIST, TreeSize(5)), None);
    let (last, at) = log.ledger.last_snapshot(LIST).unwrap();
    assert_eq!((last.sequence, last.fold_size, at), (1, TreeSize(4), LeafIndex(5)));
}

#[test]
fn key_already_added() {
    let mut log = Log::new();
    log.append(&key(KEY, KeyEvent::Added, &[]));
    log.refuses(&key(KEY, KeyEvent::Added, &[]), "key.already-added");
    log.refuses(&key_of(OTHER_ISSUER, KEY, KeyEvent::Added, &[]), "key.already-added");
    log.append(&key(KEY, KeyEvent::Retired, &[]));
    log.refuses(&key(KEY, KeyEvent::Added, &[]), "key.already-added");
}

#[test]
fn key_not_active() {
    let mut log = Log::new();
    log.refuses(&key(KEY, KeyEvent::Retired, &[]), "key.not-active");
    log.append(&key(KEY, KeyEvent::Added, &[]));
    log.refuses(&key_of(OTHER_ISSUER, KEY, KeyEvent::Retired, &[]), "key.not-active");
    log.append(&key(KEY, KeyEvent::Retired, &[]));
    log.refuses(&key(KEY, KeyEvent::Retired, &[]), "key.not-active");
    log.append(&key(KEY, KeyEvent::Compromised, &[]));
    log.refuses(&key(KEY, KeyEvent::Retired, &[]), "key.not-active");
}

#[test]
fn key_not_compromisable() {
    let mut log = Log::new();
    log.refuses(&key(KEY, KeyEvent::Compromised, &[]), "key.not-compromisable");
    log.append(&key(KEY, KeyEvent::Added, &[]));
    log.refuses(&key_of(OTHER_ISSUER, KEY, KeyEvent::Compromised, &[]), "key.not-compromisable");
    log.append(&key(KEY, KeyEvent::Compromised, &[(1, 100)]));
    log.refuses(&key(KEY, KeyEvent::Compromised, &[]), "key.not-compromisable");
}

#[test]
fn key_cut_grows() {
    let mut log = Log::new();
    log.append(&key(KEY, KeyEvent::Added, &[]));
    log.append(&key(KEY, KeyEvent::Retired, &[(1, 10), (2, 20)]));
    for cuts in [&[(1, 11)][..], &[(1, 10), (2, 21)], &[(3, 1)]] {
        log.refuses(&key(KEY, KeyEvent::Compromised, cuts), "key.cut-grows");
    }
    // Less, nothing, and zero for an origin that the retirement does not list.
    for cuts in [&[(1, 10), (2, 20)][..], &[(2, 19)], &[], &[(3, 0)]] {
        assert_eq!(log.check(&key(KEY, KeyEvent::Compromised, cuts)), Ok(()));
    }
    log.append(&key(KEY, KeyEvent::Compromised, &[(2, 19)]));
    let record = log.ledger.key(KEY).unwrap();
    assert_eq!((record.state, record.issuer, record.added_at), (KeyState::Compromised, ISSUER, LeafIndex(0)));
    assert_eq!(record.cut(OriginHash([1; 32])), TreeSize(0));
    assert_eq!(record.cut(OriginHash([2; 32])), TreeSize(19));
}

#[test]
fn bundle_sequence() {
    let mut log = Log::new();
    log.refuses(&bundle(Document::Root, 2), "bundle.sequence");
    log.append(&bundle(Document::Root, 1));
    log.refuses(&bundle(Document::Root, 1), "bundle.sequence");
    log.append(&bundle(Document::Feed, 1));
    log.append(&bundle(Document::Root, 2));
    log.refuses(&bundle(Document::Feed, 3), "bundle.sequence");
    assert_eq!(log.ledger.bundle_sequence(Document::Root), 2);
    assert_eq!(log.ledger.bundle_sequence(Document::Feed), 1);
}

#[test]
fn a_check_changes_nothing() {
    let log = Log::with_key_and_list();
    let before = format!("{:?}", log.ledger);
    let (entry, wrong) = (status(5, Revoked, 0), status(5, Revoked, 1));
    for _time in 0..2 {
        assert_eq!(log.check(&entry), Ok(()));
        assert!(log.check(&wrong).is_err());
    }
    assert_eq!(format!("{:?}", log.ledger), before);
}

#[test]
fn lists_and_keys_are_listed() {
    let log = Log::with_key_and_list();
    let lists = log.ledger.lists().map(|(id, list)| (id, list.issuer(), list.size(), list.declared_at()));
    assert_eq!(lists.collect::<Vec<_>>(), [(LIST, ISSUER, MIN_LIST_SLOTS, LeafIndex(1))]);
    assert_eq!(
        log.ledger.keys().map(|(key, record)| (key, record.state)).collect::<Vec<_>>(),
        [(KEY, KeyState::Active)]
    );
}

#[test]
fn each_submitter_appends_its_own_kinds_alone() {
    let mut log = Log::with_key_and_list();
    let of_issuer = [issue(KEY), list(OTHER_LIST), status(5, Revoked, 0), log.snapshot(1, 2)];
    let of_administrator = [
        key(Thumbprint([9; 32]), KeyEvent::Added, &[]),
        key(KEY, KeyEvent::Retired, &[]),
        bundle(Document::Feed, 1),
    ];
    let authorised = |log: &Log, role: Role, entry: &Entry| {
        authorise(&role, entry, &log.ledger).map_err(|refusal| refusal.code())
    };
    let refused = Err("submitter.not-authorised");
    for entry in &of_issuer {
        assert_eq!(authorised(&log, Role::Issuer(ISSUER), entry), Ok(()), "{entry:?}");
        assert_eq!(authorised(&log, Role::Issuer(OTHER_ISSUER), entry), refused, "{entry:?}");
        assert_eq!(authorised(&log, Role::Administrator, entry), refused, "{entry:?}");
    }
    for entry in &of_administrator {
        assert_eq!(authorised(&log, Role::Administrator, entry), Ok(()), "{entry:?}");
        assert_eq!(authorised(&log, Role::Issuer(ISSUER), entry), refused, "{entry:?}");
    }
    // What belongs to nobody, nobody appends; a retired key still belongs to its issuer.
    for entry in [issue(Thumbprint([9; 32])), status_in(OTHER_LIST, 0, Revoked, 0)] {
        assert_eq!(authorised(&log, Role::Issuer(ISSUER), &entry), refused, "{entry:?}");
    }
    log.append(&key(KEY, KeyEvent::Retired, &[]));
    assert_eq!(authorised(&log, Role::Issuer(ISSUER), &issue(KEY)), Ok(()));
    log.refuses(&issue(KEY), "issue.key-not-active");
}

proptest! {
    /// The fold by the book: every change below the size, in order, from all-valid.
    #[test]
    fn the_fold_is_the_changes_below_its_size(
        changes in prop::collection::vec((0_u32..24, 0_u8..3), 0..60),
        snapshot_at in 0_usize..60,
    ) {
        let mut log = Log::with_key_and_list();
        let mut accepted: Vec<(u64, u32, StatusValue)> = vec![];
        let mut oldest = 2;
        for (position, (index, value)) in changes.into_iter().enumerate() {
            if position == snapshot_at {
                oldest = 2 + u64::try_from(position).unwrap() / 2;
                oldest = oldest.min(log.next);
                log.append(&log.snapshot(1, oldest));
            }
            let value = StatusValue::from_code(value).unwrap();
            let entry = status(index, value, log.ledger.slot_changes(LIST, index));
            if log.check(&entry).is_ok() {
                accepted.push((log.next, index, value));
                log.append(&entry);
            }
        }
        for size in oldest..=log.next {
            let mut fold = ListState::new(LIST, MIN_LIST_SLOTS).unwrap();
            for (_at, index, value) in accepted.iter().filter(|(at, _index, _value)| *at < size) {
                fold.set(*index, *value).unwrap();
            }
            prop_assert_eq!(log.ledger.state_at(LIST, TreeSize(size)), Some(fold));
        }
    }
}
