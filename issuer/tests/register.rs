//! The register from outside: what it remembers, over crashes and reopening, and what nobody reads in its files.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use sillok_issuer::journal::{MIN_SEGMENT_BYTES, StoreError};
use sillok_issuer::register::{
    Begin, Change, ChangeRefused, ChangeRequest, Done, Intent, IssueNumber, Provenance, Register,
    RegisterConfig, Ticket,
};
use sillok_issuer::slots::{Slot, SlotError};
use sillok_issuer::subjects::Master;
use sillok_log::entry::{Entry, Issue, ListId, Status, StatusValue, Thumbprint, commitment};
use sillok_log::{LeafIndex, UnixSeconds};

#[path = "register/succession.rs"]
mod succession;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const MASTER: [u8; 32] = [5; 32];

fn open(folder: &Path) -> Register {
    let config =
        RegisterConfig { segment_bytes: MIN_SEGMENT_BYTES, lease_slots: 100, ..RegisterConfig::new(folder) };
    Register::open(&config, &Master::new(&MASTER)).unwrap()
}

fn id(name: &str) -> String {
    format!("urn:uuid:{name}")
}

fn provenance(name: &str) -> Provenance {
    let text = |what: &str| format!("{what} of {name}");
    let (operator, facility, source_event) = (text("operator"), text("facility"), text("event"));
    Provenance { nonce: [3; 32], operator, facility, source_event }
}

fn entry(name: &str) -> Issue {
    Issue {
        commitment: commitment(&[2; 32], name.as_bytes()),
        issuer_key: Thumbprint([4; 32]),
        provenance: provenance(name).digest().unwrap(),
        time: UnixSeconds(NOW.0 / 3_600 * 3_600),
    }
}

fn slot(index: u32) -> Slot {
    Slot { list: ListId([6; 16]), index }
}

/// Intends one credential, which is the whole of what is known of `name`.
fn intend(register: &Register, name: &str, ticket: Option<&Ticket>, now: UnixSeconds) -> IssueNumber {
    let (credential_id, provenance) = (id(name), provenance(name));
    let jws = format!("header.{name}.signature");
    let intent = Intent {
        ticket,
        subject: name.into(),
        credential_id: &credential_id,
        slot: slot(7),
        jws: &jws,
        nonce: [2; 32],
        provenance: &provenance,
        entry: entry(name),
    };
    register.intend(&[intent], now).unwrap()[0]
}

fn complete(register: &Register, number: IssueNumber, leaf: u64) {
    let receipt = format!("receipt of leaf {leaf}");
    register.complete(&[Done { number, leaf: LeafIndex(leaf), receipt: &receipt }], NOW).unwrap();
}

fn begin(register: &Register, key: &str) -> Begin {
    register.begin("client", key, &[1; 32]).unwrap()
}

fn new_ticket(register: &Register, key: &str) -> Ticket {
    match begin(register, key) {
        Begin::New(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

fn change(register: &Register, name: &str, value: StatusValue) -> Result<Change, ChangeRefused> {
    let id = id(name);
    let target = id.as_str().into();
    let request = ChangeRequest { ticket: None, target, value, reason: "an error", operator: "clerk" };
    register.status_intent(&[request], NOW).unwrap().remove(0)
}

#[test]
fn a_request_is_answered_with_the_same_bytes_after_reopening_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut register = open(folder.path());
    let ticket = new_ticket(&register, "key");
    assert!(matches!(begin(&register, "key"), Begin::InProgress));
    let number = intend(&register, "Han", Some(&ticket), NOW);
    complete(&register, number, 40);
    drop(ticket);
    for reopened in 0..3 {
        let Begin::Replay(issued) = begin(&register, "key") else { panic!("reopened {reopened} times") };
        let logged = issued.logged.unwrap();
        assert_eq!((issued.jws.as_str(), issued.number), ("header.Han.signature", number));
        assert_eq!((logged.leaf, logged.receipt.as_str()), (LeafIndex(40), "receipt of leaf 40"));
        assert_eq!(issued.provenance, provenance("Han"));
        assert!(matches!(register.begin("client", "key", &[2; 32]).unwrap(), Begin::Conflict));
        assert!(matches!(register.begin("other", "key", &[1; 32]).unwrap(), Begin::New(_)));
        drop(register);
        register = open(folder.path());
    }
    // A better receipt takes the place of the first.
    complete(&register, number, 40);
    register.complete(&[Done { number, leaf: LeafIndex(40), receipt: "cosigned" }], NOW).unwrap();
    let Begin::Replay(issued) = begin(&register, "key") else { panic!("no replay") };
    assert_eq!(issued.logged.unwrap().receipt, "cosigned");
}

#[test]
fn a_dropped_ticket_lets_others_try_and_a_conflict_is_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    let ticket = new_ticket(&register, "key");
    assert!(matches!(register.begin("client", "key", &[2; 32]).unwrap(), Begin::Conflict));
    drop(ticket);
    drop(new_ticket(&register, "key"));
}

#[test]
fn an_intent_without_an_end_is_submitted_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    let ticket = new_ticket(&register, "key");
    let number = intend(&register, "Han", Some(&ticket), NOW);
    intend(&register, "Kim", None, NOW);
    drop(ticket);
    drop(register);
    let register = open(folder.path());
    let open_intents = register.open_intents().unwrap();
    assert_eq!(
        open_intents.iter().map(|issued| issued.jws.as_str()).collect::<Vec<_>>(),
        ["header.Han.signature", "header.Kim.signature"]
    );
    assert_eq!(open_intents[0].entry_bytes(), Entry::Issue(entry("Han")).encode());
    assert_eq!(open_intents[0].extra().nonce, [2; 32]);
    let Begin::Resume(ticket, issued) = begin(&register, "key") else { panic!("not resumed") };
    assert_eq!(issued.number, number);
    assert!(matches!(begin(&register, "key"), Begin::InProgress));
    complete(&register, number, 3);
    drop(ticket);
    assert!(matches!(begin(&register, "key"), Begin::Replay(_)));
    assert_eq!(register.open_intents().unwrap().len(), 1);
}

#[test]
fn an_abandoned_intent_frees_its_key_and_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut register = open(folder.path());
    let ticket = new_ticket(&register, "key");
    let number = intend(&register, "Han", Some(&ticket), NOW);
    drop(ticket);
    register.abandon(&[number], NOW).unwrap();
    for _reopened in 0..2 {
        assert!(register.open_intents().unwrap().is_empty() && register.find(&id("Han")).is_none());
        drop(new_ticket(&register, "key"));
        // Whoever comes late with it holds nobody up.
        let other = intend(&register, "Leia", None, NOW);
        register.abandon(&[number, other, number], NOW).unwrap();
        assert_eq!(register.open_count(), 0);
        drop(register);
        register = open(folder.path());
    }
    assert!(intend(&register, "Kim", None, NOW) > number);
}

#[test]
fn changes_of_a_status_are_numbered_and_the_ledgers_rules_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut register = open(folder.path());
    assert_eq!(change(&register, "Han", StatusValue::Revoked), Err(ChangeRefused::Unknown));
    let number = intend(&register, "Han", None, NOW);
    assert_eq!(change(&register, "Han", StatusValue::Revoked), Err(ChangeRefused::NotLogged));
    complete(&register, number, 3);
    assert_eq!(change(&register, "Han", StatusValue::Valid), Err(ChangeRefused::NoChange));
    let values = [StatusValue::Suspended, StatusValue::Valid, StatusValue::Revoked];
    for (count, value) in (0_u64..).zip(values) {
        let begun = change(&register, "Han", value).unwrap();
        let expected = Status { list: slot(7).list, index: 7, value, change: count, time: NOW };
        assert_eq!(begun.entry, expected);
        assert_eq!(change(&register, "Han", StatusValue::Revoked), Err(ChangeRefused::Pending(Some(begun))));
        drop(register);
        register = open(folder.path());
        assert_eq!(register.open_changes(), [begun]);
        assert_eq!(begun.entry_bytes(), Entry::Status(expected).encode());
        register.status_done(&[(begun.number, LeafIndex(10 + count))], NOW).unwrap();
        register.status_done(&[(begun.number, LeafIndex(10 + count))], NOW).unwrap_err();
        let found = register.find(&id("Han")).unwrap();
        assert_eq!((found.value, found.changes, found.logged, found.slot), (value, count + 1, true, slot(7)));
        let note = register.status_note(begun.number).unwrap().unwrap();
        assert_eq!((note.reason.as_str(), note.operator.as_str()), ("an error", "clerk"));
    }
    assert_eq!(change(&register, "Han", StatusValue::Valid), Err(ChangeRefused::Revoked));
    assert_eq!(register.open_changes(), []);
}

#[test]
fn a_change_is_recognised_by_its_key_and_given_up_when_the_log_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut register = open(folder.path());
    let number = intend(&register, "Han", None, NOW);
    complete(&register, number, 3);
    let ticket = new_ticket(&register, "revoke");
    let id = id("Han");
    let value = StatusValue::Revoked;
    let request = ChangeRequest {
        ticket: Some(&ticket),
        target: id.as_str().into(),
        value,
        reason: "an error",
        operator: "clerk",
    };
    let begun = register.status_intent(&[request, request], NOW).unwrap();
    assert_eq!(begun[1], Err(ChangeRefused::Pending(None)));
    let begun = begun[0].clone().unwrap();
    drop(ticket);
    for leaf in [None, Some(LeafIndex(5))] {
        let Begin::Changed(changed) = begin(&register, "revoke") else { panic!("not recognised") };
        assert_eq!((changed.change, changed.leaf), (begun, leaf));
        if leaf.is_none() {
            register.status_done(&[(begun.number, LeafIndex(5))], NOW).unwrap();
        }
        drop(register);
        register = open(folder.path());
    }
    let number = intend(&register, "Kim", None, NOW);
    complete(&register, number, 4);
    let begun = change(&register, "Kim", value).unwrap();
    register.status_abandon(&[begun.number], NOW).unwrap();
    drop(register);
    let register = open(folder.path());
    assert_eq!(register.open_changes(), []);
    assert_eq!(change(&register, "Kim", value).unwrap().entry, begun.entry);
}

#[test]
fn an_erased_subject_is_gone_and_its_credential_can_still_be_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let mut register = open(folder.path());
    let ticket = new_ticket(&register, "key");
    let han = intend(&register, "Han", Some(&ticket), NOW);
    drop(ticket);
    let kim = intend(&register, "Kim", None, NOW);
    complete(&register, han, 3);
    complete(&register, kim, 4);
    assert!(register.erase("Han").unwrap());
    assert!(!register.erase("Han").unwrap() && !register.erase("nobody").unwrap());
    for _reopened in 0..2 {
        assert!(matches!(begin(&register, "key"), Begin::Gone));
        assert_eq!(register.load(han).unwrap(), None);
        assert!(register.load(kim).unwrap().is_some());
        drop(register);
        register = open(folder.path());
    }
    let begun = change(&register, "Han", StatusValue::Revoked).unwrap();
    register.status_done(&[(begun.number, LeafIndex(9))], NOW).unwrap();
    assert_eq!(register.status_note(begun.number).unwrap(), None);
    assert_eq!(register.find(&id("Han")).unwrap().value, StatusValue::Revoked);
    // The same person may come again, under a new key.
    let again = intend(&register, "Han", None, NOW);
    complete(&register, again, 11);
    assert!(register.load(again).unwrap().is_some() && register.load(han).unwrap().is_none());
}

#[test]
fn retention_erases_what_is_older_and_nothing_that_is_open_or_newer() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    let at = |days: u64| UnixSeconds(NOW.0 + days * 86_400);
    let old = intend(&register, "old", None, at(0));
    let renewed = intend(&register, "renewed", None, at(0));
    intend(&register, "open", None, at(0));
    let newer = intend(&register, "renewed", None, at(20));
    for (number, day) in [(old, 1), (renewed, 1), (newer, 20)] {
        register.complete(&[Done { number, leaf: LeafIndex(0), receipt: "" }], at(day)).unwrap();
    }
    assert_eq!(register.erase_older_than(at(1)).unwrap(), 0);
    drop(register);
    let register = open(folder.path());
    assert_eq!(register.erase_older_than(at(2)).unwrap(), 1);
    assert_eq!(register.load(old).unwrap(), None);
    assert!(register.load(renewed).unwrap().is_some() && register.load(newer).unwrap().is_some());
    assert_eq!(register.open_intents().unwrap().len(), 1);
    assert_eq!(register.erase_older_than(at(2)).unwrap(), 0);
}

#[test]
fn slots_are_given_once_whatever_crashes_and_in_no_order() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    assert!(register.slots().needs_list());
    let list = register.slots().create(131_072).unwrap();
    assert!(!register.slots().needs_list());
    assert!(matches!(register.slots().take(1), Err(SlotError::Full { wanted: 1 })));
    register.slots().open_list(list).unwrap();
    drop(register);
    let mut given = Vec::new();
    for crash in 0..40_usize {
        let register = open(folder.path());
        for count in [1, 30, 219 + crash % 3] {
            given.extend(register.slots().take(count).unwrap());
        }
    }
    assert!(given.len() >= 10_000);
    assert!(given.iter().all(|slot| slot.list == list && slot.index < 131_072));
    assert_eq!(given.iter().collect::<HashSet<_>>().len(), given.len());
    // In a random order half of the steps go up, and the mean step is a third of the list.
    let up = given.windows(2).filter(|pair| pair[0].index < pair[1].index).count();
    assert!((4_500..5_500).contains(&up), "{up} of {}", given.len());
    let steps = given.windows(2).map(|pair| u64::from(pair[0].index.abs_diff(pair[1].index))).sum::<u64>();
    let mean = steps / given.len() as u64;
    assert!((40_000..47_500).contains(&mean), "{mean}");
}

#[test]
fn the_fold_is_kept_as_changes_come_and_is_the_same_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let mut register = open(folder.path());
    for (leaf, name) in [(10, "Han"), (11, "Yi")] {
        let number = intend(&register, name, None, NOW);
        complete(&register, number, leaf);
    }
    assert_eq!((register.fold().values.len(), register.last_change(&id("Han"))), (0, None));
    let list = slot(7).list;
    let steps = [
        ("Han", StatusValue::Suspended, 20, vec![StatusValue::Suspended]),
        ("Yi", StatusValue::Suspended, 21, vec![StatusValue::Suspended; 2]),
        ("Han", StatusValue::Valid, 22, vec![StatusValue::Suspended]),
        ("Han", StatusValue::Revoked, 23, vec![StatusValue::Revoked, StatusValue::Suspended]),
    ];
    for (name, value, leaf, values) in steps {
        let begun = change(&register, name, value).unwrap();
        let before = register.fold();
        register.status_done(&[(begun.number, LeafIndex(leaf))], NOW).unwrap();
        assert_ne!(register.fold(), before);
        for _reopened in 0..2 {
            let fold = register.fold();
            assert_eq!(fold.values, values.iter().map(|value| (slot(7), *value)).collect::<Vec<_>>());
            assert_eq!(fold.highest.get(&list), Some(&LeafIndex(leaf)));
            let last = register.last_change(&id(name)).unwrap();
            assert_eq!((last.change, last.leaf), (begun, Some(LeafIndex(leaf))));
            drop(register);
            register = open(folder.path());
        }
    }
}

#[test]
fn an_older_table_of_lists_gives_no_slot_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lists");
    let register = open(folder.path());
    let list = register.slots().create(131_072).unwrap();
    register.slots().open_list(list).unwrap();
    let older = fs::read(&path).unwrap();
    let given = register.slots().take(250).unwrap();
    let provenance = provenance("Han");
    let numbers = given.iter().enumerate().map(|(number, slot)| {
        let credential_id = id(&number.to_string());
        let intent = Intent {
            ticket: None,
            subject: "Han".into(),
            credential_id: &credential_id,
            slot: *slot,
            jws: "header.Han.signature",
            nonce: [2; 32],
            provenance: &provenance,
            entry: entry("Han"),
        };
        register.intend(&[intent], NOW).unwrap()[0]
    });
    let numbers: Vec<IssueNumber> = numbers.collect();
    // A slot that was given up was signed into a credential too.
    register.abandon(&numbers[..20], NOW).unwrap();
    drop(register);
    fs::write(&path, older).unwrap();
    let register = open(folder.path());
    let again = register.slots().take(1_000).unwrap();
    let all: HashSet<_> = given.iter().chain(&again).collect();
    assert_eq!(all.len(), 1_250);
    // What is left of the list is counted without them.
    let left = 65_536 - 1_250;
    assert!(matches!(register.slots().take(left + 1), Err(SlotError::Full { .. })));
    assert_eq!(register.slots().take(left).unwrap().iter().filter(|slot| all.contains(slot)).count(), 0);
}

#[test]
fn a_list_whose_slots_are_all_withheld_asks_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lists");
    let register = open(folder.path());
    let list = register.slots().create(131_072).unwrap();
    register.slots().open_list(list).unwrap();
    register.slots().take(65_400).unwrap();
    let older = fs::read(&path).unwrap();
    let provenance = provenance("Han");
    for slot in register.slots().take(100).unwrap() {
        let credential_id = id(&slot.index.to_string());
        let intent = Intent {
            ticket: None,
            subject: "Han".into(),
            credential_id: &credential_id,
            slot,
            jws: "header.Han.signature",
            nonce: [2; 32],
            provenance: &provenance,
            entry: entry("Han"),
        };
        register.intend(&[intent], NOW).unwrap();
    }
    drop(register);
    fs::write(&path, older).unwrap();
    let register = open(folder.path());
    assert!(matches!(register.slots().take(100), Err(SlotError::Full { wanted: 100 })));
    assert!(register.slots().needs_list());
    assert_eq!(register.slots().take(36).unwrap().len(), 36);
    assert!(matches!(register.slots().take(1), Err(SlotError::Full { wanted: 1 })));
}

#[test]
fn a_list_is_full_at_half_of_its_slots_and_the_next_one_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    let slots = register.slots();
    assert!(matches!(slots.create(131_071), Err(SlotError::Length { .. })));
    assert!(matches!(slots.create(1 << 25), Err(SlotError::Length { .. })));
    let first = slots.create(131_072).unwrap();
    slots.open_list(first).unwrap();
    assert_eq!(slots.take(65_000).unwrap().len(), 65_000);
    assert!(slots.needs_list());
    assert!(matches!(slots.take(537), Err(SlotError::Full { wanted: 537 })));
    let second = slots.create(131_072).unwrap();
    assert!(!slots.needs_list());
    slots.open_list(second).unwrap();
    let taken = slots.take(600).unwrap();
    assert_eq!(taken.iter().filter(|slot| slot.list == first).count(), 536);
    assert_eq!(taken.iter().filter(|slot| slot.list == second).count(), 64);
    assert!(matches!(slots.open_list(ListId([0; 16])), Err(SlotError::UnknownList { .. })));
    drop(register);
    let lists = open(folder.path()).slots().lists();
    assert_eq!(
        lists.iter().map(|list| (list.list, list.open)).collect::<Vec<_>>(),
        [(first, true), (second, true)]
    );
    assert_eq!(lists[0].leased, 65_536);
}

#[test]
fn a_second_process_and_another_master_key_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    register.slots().create(131_072).unwrap();
    let config = RegisterConfig::new(folder.path());
    let error = Register::open(&config, &Master::new(&MASTER)).err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(register);
    let error = Register::open(&config, &Master::new(&[6; 32])).err().unwrap();
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
    drop(open(folder.path()));
}

#[test]
fn a_lost_store_of_keys_is_no_erasure() {
    let folder = tempfile::tempdir().unwrap();
    intend(&open(folder.path()), "Han", None, NOW);
    fs::remove_file(folder.path().join("subjects")).unwrap();
    let config = RegisterConfig::new(folder.path());
    let error = Register::open(&config, &Master::new(&MASTER)).err().unwrap();
    assert!(error.to_string().ends_with("its subject's key is missing"), "{error}");
}

#[test]
fn a_single_lost_key_is_no_erasure() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    intend(&register, "Han", None, NOW);
    intend(&register, "Yi", None, NOW);
    drop(register);
    // The first subject's slot, as a file system leaves a block that was never written.
    let path = folder.path().join("subjects");
    let mut keys = fs::read(&path).unwrap();
    assert!(keys[128..256].iter().any(|byte| *byte != 0));
    keys[128..256].fill(0);
    fs::write(&path, keys).unwrap();
    let config = RegisterConfig::new(folder.path());
    let error = Register::open(&config, &Master::new(&MASTER)).err().unwrap();
    assert!(error.to_string().ends_with("its subject's key is missing"), "{error}");
}

#[test]
fn many_threads_issue_at_the_same_time_and_all_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let register = &register;
            scope.spawn(move || {
                for number in 0..20 {
                    let name = format!("{thread}-{number}");
                    let ticket = new_ticket(register, &name);
                    let issue = intend(register, &name, Some(&ticket), NOW);
                    complete(register, issue, number);
                }
            });
        }
    });
    drop(register);
    let register = open(folder.path());
    assert!(register.open_intents().unwrap().is_empty());
    for thread in 0..8 {
        for number in 0..20 {
            let name = format!("{thread}-{number}");
            let Begin::Replay(issued) = begin(&register, &name) else { panic!("{name} is not there") };
            assert_eq!(issued.jws, format!("header.{name}.signature"));
            assert_eq!(issued.logged.unwrap().leaf, LeafIndex(number));
        }
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn nothing_personal_stands_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    let list = register.slots().create(131_072).unwrap();
    register.slots().open_list(list).unwrap();
    let texts =
        ["KanariSubject", "KanariCredential", "KanariKey", "KanariClient", "KanariReason", "KanariClerk"];
    let [subject, credential, key, client, reason, clerk] = texts;
    let payload = r#"{"familyName":"KanariName","birthDate":"1911-11-11"}"#;
    let jws = format!("e30.{}.c2ln", sillok_verifier::encoding::encode_base64url(payload.as_bytes()));
    let provenance = Provenance {
        nonce: [0xa1; 32],
        operator: "KanariOperator".into(),
        facility: "KanariFacility".into(),
        source_event: "KanariEvent".into(),
    };
    let digest = [0xa2; 32];
    let Begin::New(ticket) = register.begin(client, key, &digest).unwrap() else { panic!("not new") };
    let entry = Issue { provenance: provenance.digest().unwrap(), ..entry("canary") };
    let nonce = [0xa3; 32];
    let slot = register.slots().take(1).unwrap()[0];
    let (ticket, provenance) = (Some(&ticket), &provenance);
    let jws_text = jws.as_str();
    let (subject, credential_id) = (subject.into(), credential);
    let intent = Intent { ticket, subject, credential_id, slot, jws: jws_text, nonce, provenance, entry };
    let number = register.intend(&[intent], NOW).unwrap()[0];
    let leaf = LeafIndex(0xa4a4_a4a4_a4a4_a4a4);
    register.complete(&[Done { number, leaf, receipt: "KanariReceipt" }], NOW).unwrap();
    let value = StatusValue::Revoked;
    let (target, operator) = (credential.into(), clerk);
    let request = ChangeRequest { ticket: None, target, value, reason, operator };
    register.status_intent(&[request], NOW).unwrap()[0].clone().unwrap();
    drop(register);
    let secrets: [&[u8]; 10] = [
        b"Kanari",
        b"1911-11-11",
        // "Kanari" in base64url, at each of its three offsets.
        b"S2FuYXJp",
        b"thbmFya",
        b"LYW5hcm",
        &[0xa1; 8],
        &[0xa2; 8],
        &[0xa3; 8],
        &leaf.0.to_be_bytes(),
        &entry.commitment.0,
    ];
    let all = files(folder.path());
    assert!(all.len() >= 4, "{all:?}");
    // The search finds what it looks for where it is.
    let told = [jws.as_bytes(), payload.as_bytes(), b"KanariReceipt"].concat();
    assert!(secrets[..2].iter().all(|secret| told.windows(secret.len()).any(|window| window == *secret)));
    assert!(secrets[2..5].iter().any(|secret| told.windows(secret.len()).any(|window| window == *secret)));
    for path in all {
        let bytes = fs::read(&path).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).position(|window| window == secret);
            assert_eq!(found, None, "{secret:?} stands in {}", path.display());
        }
    }
}
