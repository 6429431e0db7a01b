use std::collections::HashMap;
use std::fs;

use serde_json::json;

use super::*;
use crate::register::RegisterConfig;
use header::Place;
use index::{Current, PlaceState};

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn open(folder: &Path) -> (Register, Records) {
    let master = Master::new(&[5; 32]);
    let config = RegisterConfig { segment_bytes: SEGMENT, ..RegisterConfig::new(&folder.join("register")) };
    let register = Register::open(&config, &master).unwrap();
    let records = Records::open(&folder.join("records"), SEGMENT, &master, &register).unwrap();
    (register, records)
}

fn content(doses: u64) -> Content {
    let text = String::from;
    let claims = json!({ "doses": doses });
    Content { claims, facility: text("f"), source_event: text("e"), operator: text("o"), valid_from: None }
}

fn put(register: &Register, records: &Records, subject: &str, doses: u64) -> Put {
    records.put(register, subject, TypeCode::of("vaccination"), &content(doses), NOW).unwrap()
}

fn begin(records: &Records, purpose: Purpose) -> EnrolmentNumber {
    let enrolment = records.hold().reserve_enrolment();
    records.append(vec![Entry::plain(Header::Begun { enrolment, purpose, renew: NOW, time: NOW })]).unwrap();
    enrolment
}

fn end(records: &Records, enrolment: EnrolmentNumber, issue: u64) {
    let issue = IssueNumber(issue);
    records.append(vec![Entry::plain(Header::Ended { enrolment, issue, time: NOW })]).unwrap();
}

#[test]
fn what_began_and_issued_nothing_is_dropped_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (register, records) = open(folder.path());
    let Put { record, version, .. } = put(&register, &records, "person-1", 1);
    let place = Place { record, key: [1; 16], format: 1 };
    let first = begin(&records, Purpose::Holder { place, version, alone: false });
    let anew = begin(&records, Purpose::Anew { issue: IssueNumber(9) });
    // Somebody works on it: it is left alone.
    let reserved = records.reserve(&[Reserved::Place(place)]).unwrap();
    records.reconcile(&register, NOW).unwrap();
    assert_eq!(records.hold().place(&place).open, Some(first));
    assert_eq!(records.hold().anew(IssueNumber(9)), None, "nobody works on that one");
    drop((reserved, register, records));
    for _again in 0..2 {
        let (register, records) = open(folder.path());
        records.reconcile(&register, NOW).unwrap();
        assert!(!records.has_work());
        assert_eq!(records.hold().place(&place).open, None);
        // Its number is not given again.
        assert!(records.hold().reserve_enrolment() > anew);
    }
}

#[test]
fn a_record_that_is_sealed_opens_for_its_person_until_it_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let (register, records) = open(folder.path());
    let first = put(&register, &records, "person-1", 1);
    assert_eq!(put(&register, &records, "person-1", 1).change, PutChange::Unchanged);
    let second = put(&register, &records, "person-1", 2);
    assert_eq!((second.record, second.change), (first.record, PutChange::Replaced));
    assert_ne!(second.version, first.version);
    drop((register, records));
    let (register, records) = open(folder.path());
    let kind = TypeCode::of("vaccination");
    let (subject, found) = records.look(&register, first.record).unwrap();
    assert_eq!((found, records.find(&register, "person-1", kind)), (kind, Some(first.record)));
    let location = records.hold().record(first.record).unwrap().location;
    let opened = records.open_sealed::<Content>(&register, subject, location).unwrap();
    assert_eq!(opened, Some(content(2)));
    register.erase("person-1").unwrap();
    assert_eq!(records.open_sealed::<Content>(&register, subject, location).unwrap(), None);
    assert!(matches!(records.look(&register, first.record), Err(RecordError::Erased)));
    assert_eq!(records.find(&register, "person-1", kind), None);
    let anew = put(&register, &records, "person-1", 2);
    assert!(anew.change == PutChange::Created && anew.record != first.record);
}

/// What is in force at a place, what is under way there, and whether it has ended.
type Shown = (Option<(u64, Version)>, Option<EnrolmentNumber>, bool);

/// What the index says, in a form that can be compared.
fn shown(records: &Records, places: &[Place]) -> (Vec<Shown>, Vec<String>, Vec<Option<IssueNumber>>) {
    let index = records.hold();
    let show = |PlaceState { current, open, replaced }: PlaceState| {
        let current = current.map(|Current { issue, version, .. }| (issue.0, version));
        (current, open, replaced)
    };
    let pending = index.pending.iter().map(|(number, pending)| {
        format!("{number:?} {:?} {:?} {:?}", pending.heir, pending.before, pending.others)
    });
    let heirs = (0..200).map(|issue| index.heir(IssueNumber(issue)));
    (places.iter().map(|place| show(index.place(place))).collect(), pending.collect(), heirs.collect())
}

/// After each of many random steps the journal is opened again as a crash at that moment would have left it.
#[test]
fn a_crash_after_any_step_leaves_the_index_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (register, records) = open(folder.path());
    let mut random = fastrand::Rng::with_seed(11);
    let mut versions = HashMap::new();
    for person in 0..3_u64 {
        let Put { record, version, .. } = put(&register, &records, &format!("person-{person}"), 1);
        versions.insert(record, version);
    }
    let mut places: Vec<Place> = Vec::new();
    for record in versions.keys() {
        for (key, format) in [(0, 1), (0, 2), (1, 1), (2, 1)] {
            let key = [key + 10 * record.0 as u8; 16];
            places.push(Place { record: *record, key, format });
        }
    }
    let (mut issues, mut nobodys) = (0, Vec::new());
    for step in 0..80_u64 {
        let begun: Vec<EnrolmentNumber> = records.hold().begun.keys().copied().collect();
        let pending: Vec<EnrolmentNumber> = records.hold().pending.keys().copied().collect();
        let place = places[random.usize(..places.len())];
        match random.u8(0..6) {
            0 | 1 if records.hold().place(&place).open.is_none() => {
                let (version, alone) = (versions[&place.record], random.u8(0..4) == 0);
                begin(&records, Purpose::Holder { place, version, alone });
            }
            2 if !nobodys.is_empty() => {
                let issue = IssueNumber(nobodys.swap_remove(random.usize(..nobodys.len())));
                begin(&records, Purpose::Anew { issue });
            }
            3 | 4 if !begun.is_empty() => {
                let enrolment = begun[random.usize(..begun.len())];
                if random.u8(0..5) == 0 {
                    records.append(vec![Entry::plain(Header::Dropped { enrolment, time: NOW })]).unwrap();
                } else {
                    end(&records, enrolment, issues);
                    issues += 1;
                }
            }
            5 if !pending.is_empty() => {
                records.settle(&pending[..random.usize(1..=pending.len())], NOW).unwrap();
            }
            _ => {
                nobodys.push(issues);
                issues += 1;
                let person = format!("person-{}", place.record.0);
                versions.insert(place.record, put(&register, &records, &person, step + 2).version);
            }
        }
        let copy = tempfile::tempdir().unwrap();
        fs::create_dir(copy.path().join("records")).unwrap();
        for file in fs::read_dir(folder.path().join("records")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.path().join("records").join(file.file_name())).unwrap();
        }
        let master = Master::new(&[5; 32]);
        let again = Records::open(&copy.path().join("records"), SEGMENT, &master, &register).unwrap();
        assert_eq!(shown(&again, &places), shown(&records, &places), "after step {step}");
    }
    let (shown, pending, heirs) = shown(&records, &places);
    assert!(shown.iter().any(|(current, ..)| current.is_some()), "{shown:?}");
    assert!(shown.iter().any(|(_, _, replaced)| *replaced), "{shown:?}");
    assert!(!pending.is_empty() && heirs.iter().flatten().count() > 5);
}

const SEGMENT: u64 = crate::journal::MIN_SEGMENT_BYTES;
