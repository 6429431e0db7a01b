//! Entries: one spelling each, every forbidden value refused by name, digests as specs/entry.md defines them.

#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use proptest::prelude::*;
use sillok_log::entry::{
    Bundle, Cut, Document, Entry, EntryKind, ISSUE_TIME_SECONDS, Issue, IssuerHash, Key, KeyEvent, List,
    ListId, MAX_CUT_SIZE, MAX_CUTS, MAX_ENTRY_BYTES, MAX_FIELD_BYTES, MAX_LIST_SLOTS, MAX_TIME,
    MIN_LIST_SLOTS, OriginHash, ParseError, Snapshot, Status, StatusValue, Thumbprint, commitment,
    document_digest, issuer_hash, origin_hash, provenance,
};
use sillok_log::merkle::leaf_hash;
use sillok_log::{Hash, TreeSize, UnixSeconds};

fn time() -> impl Strategy<Value = UnixSeconds> {
    prop_oneof![Just(UnixSeconds(0)), Just(MAX_TIME), (0..=MAX_TIME.0).prop_map(UnixSeconds)]
}

fn issue() -> impl Strategy<Value = Entry> {
    let hour = (0..=MAX_TIME.0 / ISSUE_TIME_SECONDS).prop_map(|hour| UnixSeconds(hour * ISSUE_TIME_SECONDS));
    (any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>(), hour).prop_map(
        |(commitment, key, provenance, time)| {
            Entry::Issue(Issue {
                commitment: Hash(commitment),
                issuer_key: Thumbprint(key),
                provenance: Hash(provenance),
                time,
            })
        },
    )
}

fn status() -> impl Strategy<Value = Entry> {
    let value =
        prop_oneof![Just(StatusValue::Valid), Just(StatusValue::Revoked), Just(StatusValue::Suspended)];
    (any::<[u8; 16]>(), any::<u32>(), value, any::<u64>(), time()).prop_map(
        |(list, index, value, change, time)| {
            Entry::Status(Status { list: ListId(list), index, value, change, time })
        },
    )
}

fn snapshot() -> impl Strategy<Value = Entry> {
    let period = (0..MAX_TIME.0)
        .prop_flat_map(|issued| (Just(UnixSeconds(issued)), (issued + 1..=MAX_TIME.0).prop_map(UnixSeconds)));
    (any::<[u8; 16]>(), 1..=u64::MAX, any::<[u8; 32]>(), any::<u64>(), period).prop_map(
        |(list, sequence, digest, fold_size, (issued, not_after))| {
            Entry::Snapshot(Snapshot {
                list: ListId(list),
                sequence,
                digest: Hash(digest),
                fold_size: TreeSize(fold_size),
                issued,
                not_after,
            })
        },
    )
}

fn list() -> impl Strategy<Value = Entry> {
    let size = (MIN_LIST_SLOTS / 8..=MAX_LIST_SLOTS / 8).prop_map(|bytes| bytes * 8);
    (any::<[u8; 16]>(), any::<[u8; 32]>(), size).prop_map(|(list, issuer, size)| {
        Entry::List(List { list: ListId(list), issuer: IssuerHash(issuer), size })
    })
}

fn key() -> impl Strategy<Value = Entry> {
    let cuts = proptest::collection::btree_map(any::<[u8; 32]>(), 0..=MAX_CUT_SIZE.0, 0..=MAX_CUTS);
    let event = prop_oneof![Just(KeyEvent::Added), Just(KeyEvent::Retired), Just(KeyEvent::Compromised)];
    (any::<[u8; 32]>(), any::<[u8; 32]>(), event, time(), cuts).prop_map(
        |(issuer, key, event, time, cuts)| {
            let cuts = match event {
                KeyEvent::Added => vec![],
                KeyEvent::Retired | KeyEvent::Compromised => cuts
                    .into_iter()
                    .map(|(origin, size)| Cut { origin: OriginHash(origin), size: TreeSize(size) })
                    .collect(),
            };
            Entry::Key(Key { issuer: IssuerHash(issuer), key: Thumbprint(key), event, time, cuts })
        },
    )
}

fn bundle() -> impl Strategy<Value = Entry> {
    let document = prop_oneof![Just(Document::Root), Just(Document::Feed)];
    (document, 1..=u64::MAX, any::<[u8; 32]>(), time()).prop_map(
        |(document, sequence, digest, activation)| {
            Entry::Bundle(Bundle { document, sequence, digest: Hash(digest), activation })
        },
    )
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![issue(), status(), snapshot(), list(), key(), bundle()]
}

proptest! {
    #[test]
    fn what_is_encoded_parses_to_the_same(entry in entry()) {
        let bytes = entry.encode();
        prop_assert!(bytes.len() <= MAX_ENTRY_BYTES);
        prop_assert_eq!(bytes[0], 1);
        prop_assert_eq!(bytes[1], entry.kind().code());
        prop_assert_eq!(entry.leaf_hash(), leaf_hash(&bytes));
        prop_assert_eq!(entry.check(), Ok(()));
        prop_assert_eq!(Entry::parse(&bytes), Ok(entry));
    }

    #[test]
    fn no_other_length_parses(entry in entry(), cut in any::<prop::sample::Index>(), tail in prop::collection::vec(any::<u8>(), 1..50)) {
        let bytes = entry.encode();
        prop_assert!(Entry::parse(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(Entry::parse(&[bytes, tail].concat()).is_err());
    }

    #[test]
    fn what_parses_encodes_to_the_same_bytes(entry in entry(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = entry.encode();
        for (position, byte) in changes {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        if let Ok(other) = Entry::parse(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_round_trip(mut bytes in prop::collection::vec(any::<u8>(), 0..800), kind in 0_u8..8) {
        for (byte, header) in bytes.iter_mut().zip([1, kind]) {
            *byte = header;
        }
        if let Ok(entry) = Entry::parse(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }
}

fn samples() -> [Entry; 6] {
    let list = ListId([5; 16]);
    let issuer = IssuerHash([6; 32]);
    [
        Entry::Issue(Issue {
            commitment: Hash([1; 32]),
            issuer_key: Thumbprint([2; 32]),
            provenance: Hash([3; 32]),
            time: UnixSeconds(7_200),
        }),
        Entry::Status(Status {
            list,
            index: 9,
            value: StatusValue::Suspended,
            change: 4,
            time: UnixSeconds(11),
        }),
        Entry::Snapshot(Snapshot {
            list,
            sequence: 1,
            digest: Hash([7; 32]),
            fold_size: TreeSize(12),
            issued: UnixSeconds(12),
            not_after: UnixSeconds(13),
        }),
        Entry::List(List { list, issuer, size: MIN_LIST_SLOTS }),
        Entry::Key(two_cuts(1, 2)),
        Entry::Bundle(Bundle {
            document: Document::Feed,
            sequence: 3,
            digest: Hash([8; 32]),
            activation: UnixSeconds(14),
        }),
    ]
}

fn two_cuts(first: u8, second: u8) -> Key {
    let cuts = [first, second].map(|origin| Cut { origin: OriginHash([origin; 32]), size: TreeSize(10) });
    Key {
        issuer: IssuerHash([6; 32]),
        key: Thumbprint([2; 32]),
        event: KeyEvent::Retired,
        time: UnixSeconds(15),
        cuts: cuts.to_vec(),
    }
}

#[test]
fn each_kind_has_its_length_and_code() {
    let lengths = samples().map(|entry| (entry.kind().code(), entry.encode().len()));
    assert_eq!(lengths, [(1, 106), (2, 39), (3, 82), (4, 58), (5, 76 + 2 * 40), (6, 58)]);
    for (kind, code) in EntryKind::ALL.into_iter().zip(1..) {
        assert_eq!(kind.code(), code);
        assert_eq!(EntryKind::from_code(code), Some(kind));
    }
}

#[test]
fn the_layout_is_that_of_the_specification() {
    let [_issue, status, ..] = samples();
    let fields: [&[u8]; 7] =
        [&[1, 2], &[5; 16], &[0, 0, 0, 9], &[2], &[0, 0, 0, 0, 0, 0, 0, 4], &[0; 7], &[11]];
    assert_eq!(status.encode(), fields.concat());
    let Entry::Key(key) = &samples()[4] else { unreachable!() };
    let size = &10_u64.to_be_bytes()[..];
    let fields: [&[u8]; 10] =
        [&[1, 5], &[6; 32], &[2; 32], &[2], &15_u64.to_be_bytes(), &[2], &[1; 32], size, &[2; 32], size];
    assert_eq!(Entry::Key(key.clone()).encode(), fields.concat());
}

#[test]
fn wrong_lengths_are_named() {
    assert_eq!(Entry::parse(&[]), Err(ParseError::Header { bytes: 0 }));
    assert_eq!(Entry::parse(&[1]), Err(ParseError::Header { bytes: 1 }));
    for entry in samples() {
        let (kind, bytes) = (entry.kind(), entry.encode());
        let expected = bytes.len();
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Entry::parse(&longer), Err(ParseError::Length { kind, expected, found: expected + 1 }));
        let shorter = &bytes[..expected - 1];
        assert_eq!(Entry::parse(shorter), Err(ParseError::Length { kind, expected, found: expected - 1 }));
    }
    let stub = Entry::parse(&[1, 5, 0]);
    assert_eq!(stub, Err(ParseError::Length { kind: EntryKind::Key, expected: 76, found: 3 }));
}

/// Encodes the sample of a kind with `bytes` written over it from `offset`.
fn damaged(kind: EntryKind, offset: usize, bytes: &[u8]) -> Result<Entry, ParseError> {
    let sample = samples().into_iter().find(|entry| entry.kind() == kind).unwrap();
    let mut encoded = sample.encode();
    encoded[offset..offset + bytes.len()].copy_from_slice(bytes);
    Entry::parse(&encoded)
}

#[test]
fn versions_and_kinds_that_do_not_exist_are_refused() {
    for version in [0, 2, 255] {
        let refused = damaged(EntryKind::Issue, 0, &[version]);
        assert_eq!(refused, Err(ParseError::Version { found: version }));
    }
    for kind in [0, 7, 255] {
        assert_eq!(damaged(EntryKind::Issue, 1, &[kind]), Err(ParseError::Kind { found: kind }));
    }
}

#[test]
fn codes_that_do_not_exist_are_refused() {
    for found in [3, 4, 255] {
        assert_eq!(damaged(EntryKind::Status, 22, &[found]), Err(ParseError::StatusValue { found }));
    }
    for found in [0, 4, 255] {
        assert_eq!(damaged(EntryKind::Key, 66, &[found]), Err(ParseError::KeyEvent { found }));
    }
    for found in [0, 3, 255] {
        assert_eq!(damaged(EntryKind::Bundle, 2, &[found]), Err(ParseError::Document { found }));
    }
}

#[test]
fn reserved_bytes_are_zero() {
    for offset in 3..10 {
        assert_eq!(damaged(EntryKind::Bundle, offset, &[1]), Err(ParseError::Reserved), "{offset}");
    }
}

#[test]
fn times_end_with_the_year_9999() {
    let last = MAX_TIME.0.to_be_bytes();
    let next = (MAX_TIME.0 + 1).to_be_bytes();
    let places =
        [(EntryKind::Status, 31), (EntryKind::Snapshot, 74), (EntryKind::Key, 67), (EntryKind::Bundle, 50)];
    for (kind, offset) in places {
        assert!(damaged(kind, offset, &last).is_ok(), "{kind}");
        let seconds = MAX_TIME.0 + 1;
        assert_eq!(damaged(kind, offset, &next), Err(ParseError::Time { seconds }), "{kind}");
    }
    let seconds = u64::MAX - u64::MAX % ISSUE_TIME_SECONDS;
    let refused = damaged(EntryKind::Issue, 98, &seconds.to_be_bytes());
    assert_eq!(refused, Err(ParseError::Time { seconds }));
}

#[test]
fn issue_entries_tell_the_hour_alone() {
    for seconds in [0, 3_600, 7_200, MAX_TIME.0 - 3_599] {
        assert!(damaged(EntryKind::Issue, 98, &seconds.to_be_bytes()).is_ok(), "{seconds}");
    }
    for seconds in [1, 3_599, 3_601, MAX_TIME.0] {
        let refused = damaged(EntryKind::Issue, 98, &seconds.to_be_bytes());
        assert_eq!(refused, Err(ParseError::IssueTime { seconds }));
    }
}

#[test]
fn a_snapshot_ends_after_it_is_issued() {
    for (issued, accepted) in [(0, true), (12, true), (13, false), (14, false), (u64::MAX, false)] {
        let refused = damaged(EntryKind::Snapshot, 66, &u64::to_be_bytes(issued));
        assert_eq!(refused.is_ok(), accepted, "{issued}");
        if !accepted {
            assert_eq!(refused, Err(ParseError::Period { issued, not_after: 13 }));
        }
    }
}

#[test]
fn a_cut_is_a_size_that_a_trust_bundle_can_state() {
    for (size, accepted) in [(0, true), (MAX_CUT_SIZE.0, true), (1 << 53, false), (u64::MAX, false)] {
        let mut key = two_cuts(1, 2);
        key.cuts[1].size = TreeSize(size);
        let entry = Entry::Key(key);
        assert_eq!(entry.check().is_ok(), accepted, "{size}");
        if !accepted {
            assert_eq!(Entry::parse(&entry.encode()), Err(ParseError::CutSize { size }));
        }
    }
}

#[test]
fn sequences_count_from_one() {
    assert_eq!(damaged(EntryKind::Snapshot, 18, &[0; 8]), Err(ParseError::Sequence));
    assert_eq!(damaged(EntryKind::Bundle, 10, &[0; 8]), Err(ParseError::Sequence));
    assert!(damaged(EntryKind::Snapshot, 18, &[255; 8]).is_ok());
}

#[test]
fn lists_have_full_bytes_of_slots_within_the_limits() {
    for slots in [MIN_LIST_SLOTS, MIN_LIST_SLOTS + 8, 1 << 20, MAX_LIST_SLOTS] {
        assert!(damaged(EntryKind::List, 50, &slots.to_be_bytes()).is_ok(), "{slots}");
    }
    for slots in [0, 8, MIN_LIST_SLOTS - 8, MIN_LIST_SLOTS + 1, MAX_LIST_SLOTS + 8, u64::MAX, u64::MAX - 7] {
        let refused = damaged(EntryKind::List, 50, &slots.to_be_bytes());
        assert_eq!(refused, Err(ParseError::ListSize { slots }));
    }
}

#[test]
fn cuts_ascend_strictly() {
    for (first, second, accepted) in [(1, 2, true), (2, 1, false), (1, 1, false)] {
        let parsed = Entry::parse(&Entry::Key(two_cuts(first, second)).encode());
        assert_eq!(parsed.is_ok(), accepted, "{first} {second}");
        if !accepted {
            assert_eq!(parsed, Err(ParseError::CutOrder { position: 0 }));
        }
    }
}

#[test]
fn an_added_key_has_no_cut() {
    let parsed = Entry::parse(&Entry::Key(Key { event: KeyEvent::Added, ..two_cuts(1, 2) }).encode());
    assert_eq!(parsed, Err(ParseError::CutOfAdded { count: 2 }));
}

#[test]
fn a_key_has_at_most_sixteen_cuts() {
    for (count, accepted) in [(0, true), (16, true), (17, false), (255, false), (300, false)] {
        let mut origin = [0; 32];
        let cuts = (0..count)
            .map(|number: u16| {
                origin[..2].copy_from_slice(&number.to_be_bytes());
                Cut { origin: OriginHash(origin), size: TreeSize(1) }
            })
            .collect();
        let entry = Entry::Key(Key { cuts, ..two_cuts(1, 2) });
        assert_eq!(entry.check().is_ok(), accepted, "{count}");
        // What `check` refuses does not parse either, even where the count does not fit into its byte.
        let parsed = Entry::parse(&entry.encode());
        assert_eq!(parsed.is_ok(), accepted, "{count}");
        if !accepted {
            assert_eq!(parsed, Err(ParseError::CutCount { count: usize::from(count.min(255)) }));
        }
    }
}

#[test]
fn digests_are_those_of_the_specification() {
    // Computed from specs/entry.md, "Domains", with Python's hashlib.
    let signing_input = b"eyJhbGciOiJFUzI1NiJ9.e30";
    let digests = [
        (
            issuer_hash("https://issuer.example").unwrap().to_hex(),
            "107f90a6ea93a739556c4a47e6fc8515b36ef2d5ea9a4c97f29bad20015b1b02",
        ),
        (
            origin_hash("log.example/2026").unwrap().to_hex(),
            "ddfdfe0a55386685197e97c82da3b851db62474cf3e3cda3362e1510d5b8f18a",
        ),
        (
            commitment(&[7; 32], signing_input).to_hex(),
            "88e6ef2f75870d1876d42091baf83eacd1016c6ab5c660ad7555e48d42429e4b",
        ),
        (
            provenance(&[9; 32], "operator 1", "병원", "").unwrap().to_hex(),
            "39d0c96859ded32ab1105509ae8fc2b5eba6a5dec74ab37ccfdf2846bc3c9e1d",
        ),
        (
            document_digest(Document::Root, "{}\n").to_hex(),
            "e158dac5ea07161b74d25a9d7a0aca418cf291d4f85b82a4d38aa790d866ac31",
        ),
        (
            document_digest(Document::Feed, "{}\n").to_hex(),
            "e1a1d3831efa415bb0758b0629cd47cae3dc062ca2b2490a5beeb9235809919c",
        ),
    ];
    for (computed, expected) in digests {
        assert_eq!(computed, expected);
    }
}

#[test]
fn texts_under_a_digest_have_a_limit() {
    let longest = "x".repeat(MAX_FIELD_BYTES);
    let longer = "x".repeat(MAX_FIELD_BYTES + 1);
    assert!(issuer_hash(&longest).is_ok());
    assert_eq!(issuer_hash(&longer).unwrap_err().bytes, MAX_FIELD_BYTES + 1);
    assert_eq!(origin_hash(&longer).unwrap_err().field, "origin");
    assert_eq!(provenance(&[0; 32], "", &longer, "").unwrap_err().field, "facility");
    // The lengths keep fields apart that are the same when joined.
    assert_ne!(provenance(&[0; 32], "ab", "c", ""), provenance(&[0; 32], "a", "bc", ""));
}

#[test]
fn identifiers_have_one_spelling() {
    let hex = "00ff".repeat(16);
    let thumbprint = Thumbprint::from_hex(&hex).unwrap();
    assert_eq!(thumbprint.to_hex(), hex);
    assert_eq!(IssuerHash::from_hex(&hex).unwrap().to_hex(), hex);
    assert_eq!(OriginHash::from_hex(&hex).unwrap().to_hex(), hex);
    assert_eq!(ListId::from_hex(&hex[..32]).unwrap().to_hex(), hex[..32]);
    assert_eq!(format!("{thumbprint:?}"), hex);
    for wrong in [&hex.to_uppercase(), &hex[1..], &hex[2..], "", &format!("{hex}00"), &hex.replace('f', "g")]
    {
        assert_eq!(Thumbprint::from_hex(wrong), None, "{wrong}");
        assert_eq!(ListId::from_hex(wrong), None, "{wrong}");
    }
}
