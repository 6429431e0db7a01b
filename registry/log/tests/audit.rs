//! The oracle on generated logs: an honest one has no finding, and one changed byte anywhere has one.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sillok_log::audit::{Auditor, Finding, LogKind};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{
    Bundle, Document, Entry, EntryKind, Issue, IssuerHash, Key, KeyEvent, List, ListId, MIN_LIST_SLOTS,
    Snapshot, Status, StatusValue, Thumbprint,
};
use sillok_log::ledger::Ledger;
use sillok_log::merkle::{BatchTree, Frontier, leaf_hash};
use sillok_log::status::ListState;
use sillok_log::tile::{Tile, TileKind};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

const ISSUER: IssuerHash = IssuerHash([1; 32]);
const KEY: Thumbprint = Thumbprint([2; 32]);
const LIST: ListId = ListId([3; 16]);

/// What a writer would have: the entries, and what is published about them.
struct Written {
    entries: Vec<Vec<u8>>,
    checkpoint: Checkpoint,
    published: ListState,
    sequence: u64,
}

impl Written {
    /// A key, a list, a bundle, then issue and status entries with a snapshot after each 40, the last one at the end.
    fn honest(size: u64) -> Self {
        let mut writer = Writer { ledger: Ledger::new(), entries: vec![] };
        let event = KeyEvent::Added;
        writer.append(&Entry::Key(Key {
            issuer: ISSUER,
            key: KEY,
            event,
            time: UnixSeconds(1),
            cuts: vec![],
        }));
        writer.append(&Entry::List(List { list: LIST, issuer: ISSUER, size: MIN_LIST_SLOTS }));
        let (document, digest) = (Document::Root, Hash([9; 32]));
        writer.append(&Entry::Bundle(Bundle { document, sequence: 1, digest, activation: UnixSeconds(2) }));
        let mut sequence = 0;
        for number in writer.next()..size - 1 {
            if number % 40 == 0 {
                sequence += 1;
                writer.snapshot(sequence);
            } else if number % 3 == 0 {
                writer.change(u32::try_from(number % 10).unwrap(), number);
            } else {
                writer.append(&issue(number));
            }
        }
        writer.snapshot(sequence + 1);
        let fold = writer.ledger.last_snapshot(LIST).unwrap().0.fold_size;
        let published = writer.ledger.state_at(LIST, fold).unwrap();
        Self {
            checkpoint: checkpoint(&writer.entries),
            entries: writer.entries,
            published,
            sequence: sequence + 1,
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let (auditor, mut findings) = replay(LogKind::Typed, &self.entries);
        findings.extend(auditor.judge(&self.checkpoint));
        findings.extend(auditor.check_published_list(LIST, &self.published, self.sequence));
        findings
    }
}

struct Writer {
    ledger: Ledger,
    entries: Vec<Vec<u8>>,
}

impl Writer {
    fn next(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap()
    }

    fn append(&mut self, entry: &Entry) {
        let index = LeafIndex(self.next());
        self.ledger.check(entry, index).unwrap();
        self.ledger.apply(entry, index);
        self.entries.push(entry.encode());
    }

    /// Suspends, reinstates or revokes a slot; an issue entry where it is revoked already.
    fn change(&mut self, index: u32, number: u64) {
        let record = self.ledger.list(LIST).unwrap();
        let value = match (record.slot(index), number % 4) {
            (StatusValue::Revoked, _) => return self.append(&issue(number)),
            (_, 0) => StatusValue::Revoked,
            (StatusValue::Valid, _) => StatusValue::Suspended,
            (StatusValue::Suspended, _) => StatusValue::Valid,
        };
        let change = record.slot_changes(index);
        self.append(&Entry::Status(Status { list: LIST, index, value, change, time: UnixSeconds(number) }));
    }

    fn snapshot(&mut self, sequence: u64) {
        let fold_size = TreeSize(self.next());
        let digest = self.ledger.state_at(LIST, fold_size).unwrap().digest();
        let (issued, not_after) = (UnixSeconds(98), UnixSeconds(99));
        let snapshot = Snapshot { list: LIST, sequence, digest, fold_size, issued, not_after };
        self.append(&Entry::Snapshot(snapshot));
    }
}

fn issue(number: u64) -> Entry {
    Entry::Issue(Issue {
        commitment: leaf_hash(&number.to_be_bytes()),
        issuer_key: KEY,
        provenance: Hash([5; 32]),
        time: UnixSeconds(number / 100 * 3_600),
    })
}

fn checkpoint(entries: &[Vec<u8>]) -> Checkpoint {
    let mut frontier = Frontier::new();
    for entry in entries {
        frontier.push(leaf_hash(entry)).unwrap();
    }
    Checkpoint { origin: "log.example/1".into(), size: frontier.size(), root: frontier.root() }
}

fn replay(kind: LogKind, entries: &[Vec<u8>]) -> (Auditor, Vec<Finding>) {
    let mut auditor = Auditor::new(kind);
    let findings = entries.iter().filter_map(|entry| auditor.push(entry)).collect();
    (auditor, findings)
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(Finding::code).collect()
}

#[test]
fn an_honest_log_has_no_finding() {
    for size in [5, 40, 41, 81, 300, 700] {
        let written = Written::honest(size);
        assert_eq!(written.checkpoint.size, TreeSize(size));
        assert_eq!(written.findings(), [], "{size}");
    }
}

#[test]
fn every_changed_byte_of_an_entry_is_found() {
    let mut written = Written::honest(130);
    assert_eq!(written.findings(), []);
    for at in 0..written.entries.len() {
        for position in 0..written.entries[at].len() {
            written.entries[at][position] ^= 0x01;
            assert!(codes(&written.findings()).contains(&"root.mismatch"), "entry {at} byte {position}");
            written.entries[at][position] ^= 0x01;
        }
    }
}

/// The root is right and the entry is wrong: a log that signs what it must not.
#[test]
fn a_signed_entry_that_breaks_a_rule_is_found_at_its_place() {
    let mut written = Written::honest(130);
    written.entries[50].truncate(105);
    written.entries[61] = written.entries[53].clone();
    written.entries[62] = Entry::Status(Status {
        list: LIST,
        index: 3,
        value: StatusValue::Valid,
        change: 77,
        time: UnixSeconds(1),
    })
    .encode();
    written.checkpoint = checkpoint(&written.entries);
    let findings = written.findings();
    let places = findings.iter().map(|finding| (finding.code(), finding.at()));
    assert_eq!(
        places.collect::<Vec<_>>(),
        [
            ("entry.malformed", Some(LeafIndex(50))),
            ("issue.duplicate", Some(LeafIndex(61))),
            ("status.out-of-order", Some(LeafIndex(62))),
        ]
    );
}

#[test]
fn a_refused_entry_is_not_applied() {
    let mut writer = Writer { ledger: Ledger::new(), entries: vec![] };
    let event = KeyEvent::Added;
    writer.append(&Entry::Key(Key { issuer: ISSUER, key: KEY, event, time: UnixSeconds(1), cuts: vec![] }));
    let stranger = Thumbprint([8; 32]);
    let Entry::Issue(mut foreign) = issue(1) else { unreachable!() };
    foreign.issuer_key = stranger;
    writer.entries.push(Entry::Issue(foreign).encode());
    writer.entries.push(issue(1).encode());
    let (auditor, findings) = replay(LogKind::Typed, &writer.entries);
    // The commitment stands in the log twice, whatever else was wrong with the first one.
    assert_eq!(codes(&findings), ["issue.key-not-active", "issue.duplicate"]);
    assert_eq!(auditor.counts().refused(), 2);
    // Counted before it was found out.
    assert_eq!(auditor.counts().of_kind(EntryKind::Issue), 1);
    assert_eq!(auditor.ledger().keys().count(), 1);
}

#[test]
fn a_checkpoint_of_another_tree_is_found() {
    let written = Written::honest(41);
    let (auditor, _none) = replay(LogKind::Typed, &written.entries);
    assert_eq!((auditor.size(), auditor.frontier().root()), (TreeSize(41), written.checkpoint.root));
    let other_size = Checkpoint { size: TreeSize(42), ..written.checkpoint.clone() };
    assert_eq!(codes(&auditor.judge(&other_size)), ["size.mismatch"]);
    let other_root = Checkpoint { root: Hash([0; 32]), ..written.checkpoint.clone() };
    assert_eq!(codes(&auditor.judge(&other_root)), ["root.mismatch"]);
    // Two entries change places: the same entries, another log.
    let mut swapped = written.entries;
    swapped.swap(4, 5);
    let (auditor, _none) = replay(LogKind::Typed, &swapped);
    assert_eq!(codes(&auditor.judge(&written.checkpoint)), ["root.mismatch"]);
}

#[test]
fn every_changed_slot_of_a_published_list_is_found() {
    let written = Written::honest(130);
    let (auditor, _none) = replay(LogKind::Typed, &written.entries);
    let judge = |state: &ListState| auditor.check_published_list(LIST, state, written.sequence);
    assert_eq!(judge(&written.published), None);
    for index in (0..40).chain([65_535, 65_536, 131_071]) {
        for value in [StatusValue::Valid, StatusValue::Revoked, StatusValue::Suspended] {
            let mut state = written.published.clone();
            state.set(index, value).unwrap();
            let expected = (written.published.get(index) != Some(value))
                .then_some(Finding::ListMismatch { list: LIST, slot: u64::from(index) });
            assert_eq!(judge(&state), expected, "{index} {value}");
        }
    }
    let longer = ListState::new(LIST, MIN_LIST_SLOTS + 8).unwrap();
    assert_eq!(judge(&longer).unwrap().code(), "list.mismatch");
}

#[test]
fn a_list_of_another_snapshot_is_found() {
    let written = Written::honest(130);
    let (auditor, _none) = replay(LogKind::Typed, &written.entries);
    for sequence in [0, written.sequence - 1, written.sequence + 1] {
        let finding = auditor.check_published_list(LIST, &written.published, sequence).unwrap();
        assert_eq!(finding.code(), "list.sequence");
    }
    let unknown = ListId([7; 16]);
    let finding = auditor.check_published_list(unknown, &written.published, 1);
    assert_eq!(finding, Some(Finding::ListUnknown { list: unknown }));
    // Declared and never published in the log.
    let (auditor, _none) = replay(LogKind::Typed, &written.entries[..2]);
    let finding = auditor.check_published_list(LIST, &ListState::new(LIST, MIN_LIST_SLOTS).unwrap(), 1);
    assert_eq!(finding, Some(Finding::ListSequence { list: LIST, logged: 0, published: 1 }));
}

#[test]
fn a_published_list_is_compared_with_the_fold_of_its_snapshot_and_not_with_later_changes() {
    let mut written = Written::honest(130);
    let change =
        Status { list: LIST, index: 100, value: StatusValue::Revoked, change: 0, time: UnixSeconds(1) };
    written.entries.push(Entry::Status(change).encode());
    written.checkpoint = checkpoint(&written.entries);
    assert_eq!(written.findings(), []);
}

#[test]
fn counts_are_of_what_is_there() {
    let written = Written::honest(300);
    let (auditor, _none) = replay(LogKind::Typed, &written.entries);
    let counts = auditor.counts();
    let mut kinds = BTreeMap::new();
    let mut hours = BTreeMap::new();
    for entry in &written.entries {
        let entry = Entry::parse(entry).unwrap();
        *kinds.entry(entry.kind()).or_insert(0) += 1;
        if let Entry::Issue(issue) = entry {
            *hours.entry(issue.time).or_insert(0) += 1;
        }
    }
    for kind in EntryKind::ALL {
        assert_eq!(counts.of_kind(kind), kinds[&kind], "{kind}");
    }
    assert_eq!(counts.issued_by_hour().counts(), &hours);
    assert_eq!(hours.len(), 3);
    let by_key: Vec<_> = counts.issued_by_key_and_hour().of_key(KEY).collect();
    assert_eq!(by_key, hours.into_iter().collect::<Vec<_>>());
    assert_eq!(counts.issued_by_key_and_hour().of_key(Thumbprint([0xee; 32])).count(), 0);
    let saved = Auditor::parse(&auditor.encode()).unwrap();
    assert_eq!(saved.counts(), counts);
    assert_eq!(counts.issued_by_key(), &BTreeMap::from([(KEY, kinds[&EntryKind::Issue])]));
    assert_eq!((counts.foreign(), counts.malformed(), counts.refused()), (0, 0, 0));
}

#[test]
fn entries_of_a_raw_log_are_foreign_and_no_finding() {
    let entries = vec![vec![0], b"not ours".to_vec(), vec![1; 65_535], issue(1).encode(), issue(1).encode()];
    let (auditor, findings) = replay(LogKind::Raw, &entries);
    assert_eq!(findings, []);
    assert_eq!((auditor.counts().foreign(), auditor.counts().of_kind(EntryKind::Issue)), (5, 0));
    assert_eq!(auditor.judge(&checkpoint(&entries)), []);
    let (auditor, findings) = replay(LogKind::Raw, &[vec![], vec![1; 65_536]]);
    assert_eq!(codes(&findings), ["entry.malformed", "entry.malformed"]);
    assert_eq!(auditor.counts().malformed(), 2);
    // The same bytes in a typed log.
    let (auditor, findings) = replay(LogKind::Typed, &entries[..3]);
    assert_eq!(codes(&findings), ["entry.malformed"; 3]);
    assert_eq!((auditor.counts().malformed(), auditor.counts().foreign()), (3, 0));
}

/// All hash tiles of a log, as a writer makes them.
fn written_tiles(leaves: &[Hash]) -> BTreeMap<Tile, Vec<u8>> {
    let size = TreeSize(u64::try_from(leaves.len()).unwrap());
    let tree = BatchTree::new(Frontier::new(), leaves.to_vec()).unwrap();
    let nodes: BTreeMap<_, _> =
        tree.tile_nodes().map(|(node, hash)| ((node.level, node.index), hash)).collect();
    let hash_tiles = Tile::all_for_size(size).unwrap().filter_map(|tile| match tile.kind() {
        TileKind::Entries => None,
        TileKind::Hashes(level) => Some((tile, level)),
    });
    hash_tiles
        .map(|(tile, level)| {
            let first = tile.index() * 256;
            let hashes = (first..first + u64::from(tile.width())).map(|index| nodes[&(level * 8, index)].0);
            (tile, hashes.collect::<Vec<_>>().concat())
        })
        .collect()
}

#[test]
fn every_hash_tile_is_judged_once() {
    for size in [1, 255, 256, 257, 1_000, 65_535, 65_536, 65_537, 66_000] {
        let mut auditor = Auditor::new(LogKind::Raw);
        let mut leaves = vec![];
        let mut judged = BTreeMap::new();
        let mut completed = BTreeSet::new();
        for number in 0..size {
            let entry = u32::to_be_bytes(number);
            leaves.push(leaf_hash(&entry));
            assert_eq!(auditor.push(&entry), None);
            for tile in auditor.completed_tiles() {
                assert!(tile.is_full() && completed.insert(tile), "{tile}");
                judged.insert(tile, auditor.expected_tile(&tile).unwrap().to_vec());
            }
        }
        for tile in auditor.partial_tiles() {
            judged.insert(tile, auditor.expected_tile(&tile).unwrap().to_vec());
        }
        assert!(judged == written_tiles(&leaves), "{size}");
    }
}

#[test]
fn a_tile_that_is_wrong_or_missing_is_found() {
    let (auditor, _none) =
        replay(LogKind::Raw, &(0..300_u32).map(|n| n.to_be_bytes().to_vec()).collect::<Vec<_>>());
    let tiles: Vec<_> = auditor.partial_tiles().collect();
    assert_eq!(tiles.iter().map(Tile::path).collect::<Vec<_>>(), ["tile/0/001.p/44", "tile/1/000.p/1"]);
    for tile in tiles {
        let good = auditor.expected_tile(&tile).unwrap().to_vec();
        assert_eq!(auditor.judge_tile(&tile, Some(&good)), None);
        assert_eq!(auditor.judge_tile(&tile, None), Some(Finding::TileMissing { tile }));
        let mismatch = Some(Finding::TileMismatch { tile });
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= 0x80;
            assert_eq!(auditor.judge_tile(&tile, Some(&bad)), mismatch, "{tile} byte {position}");
        }
        assert_eq!(auditor.judge_tile(&tile, Some(&good[1..])), mismatch);
        assert_eq!(auditor.judge_tile(&tile, Some(&[&good[..], &[0]].concat())), mismatch);
    }
    // A narrower one of an earlier checkpoint is a prefix; what is not at the edge is not known.
    let narrow = Tile::new(TileKind::Hashes(0), 1, 10).unwrap();
    assert_eq!(auditor.expected_tile(&narrow).unwrap().len(), 320);
    assert_eq!(auditor.expected_tile(&Tile::new(TileKind::Hashes(0), 0, 256).unwrap()), None);
    assert_eq!(auditor.expected_tile(&Tile::new(TileKind::Hashes(0), 1, 45).unwrap()), None);
    assert_eq!(auditor.expected_tile(&Tile::new(TileKind::Entries, 1, 44).unwrap()), None);
}

#[test]
fn findings_name_their_place() {
    let written = Written::honest(41);
    let (auditor, _none) = replay(LogKind::Raw, &written.entries);
    let tile = auditor.partial_tiles().next().unwrap();
    assert_eq!(Finding::TileMissing { tile }.to_string(), "tile/0/000.p/41 is missing");
    let finding = Finding::ListMismatch { list: LIST, slot: 9 };
    let text = "published list 03030303030303030303030303030303 differs from the fold of the log at slot 9";
    assert_eq!((finding.to_string().as_str(), finding.at()), (text, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever bytes a log holds, the oracle goes through them, and its root is that of the bytes.
    #[test]
    fn any_entries_are_replayed(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 0..80),
        honest in 5_u64..100,
    ) {
        let mut all = Written::honest(honest).entries;
        let foreign = entries.len();
        all.extend(entries);
        let (auditor, findings) = replay(LogKind::Typed, &all);
        prop_assert_eq!(findings.len(), foreign);
        prop_assert_eq!(auditor.judge(&checkpoint(&all)), []);
    }

    #[test]
    fn any_change_of_an_entry_is_found(
        at in any::<prop::sample::Index>(), position in any::<prop::sample::Index>(), flip in 1_u8..=255,
    ) {
        let mut written = Written::honest(100);
        let entry = at.get_mut(&mut written.entries);
        *position.get_mut(entry) ^= flip;
        prop_assert!(codes(&written.findings()).contains(&"root.mismatch"));
    }
}
