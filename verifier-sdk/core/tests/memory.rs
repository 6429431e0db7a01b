//! Memory: what must not go back, alarms, and the text it is kept as.

use sillok_log::merkle::{Hash, leaf_hash};
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::{TreeSize, UnixSeconds};
use sillok_verifier::memory::{Alarm, MAX_ALARMS};
use sillok_verifier::trust::{Consistency, Cuts, Standing};
use sillok_verifier::{Memory, Reason, Trust, TrustError, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

fn sizes(memory: &Memory) -> Vec<u64> {
    memory.checkpoints().map(|checkpoint| checkpoint.size.0).collect()
}

fn judge(world: &World, trust: &Trust, memory: &Memory, issued: &Issued) -> (Verdict, Memory) {
    let receipt = world.receipt(issued);
    verify_kept(trust, memory, issued.credential.as_bytes(), Some(receipt.as_bytes()), &[], NOW)
}

#[test]
fn a_valid_verdict_moves_memory_to_the_larger_checkpoint() {
    let (mut world, issued, container) = World::ready();
    let (trust, memory) = open(&container, &Memory::default());
    let before = world.receipt(&issued);
    world.log.append(&world.root.entry("another leaf"));
    let size = world.log.size() as u64;
    assert_eq!(sizes(&memory), [size - 1]);

    let (verdict, larger) = judge(&world, &trust, &memory, &issued);
    assert!(verdict.admits());
    assert_eq!(sizes(&larger), [size]);
    // The remembered note itself costs no signature and changes nothing.
    let (verdict, same) = judge(&world, &trust, &larger, &issued);
    assert!(verdict.admits());
    assert_eq!(same.encode(), larger.encode());
    // A smaller checkpoint in a receipt is normal.
    let credential = issued.credential.as_bytes();
    let (verdict, same) = verify_kept(&trust, &larger, credential, Some(before.as_bytes()), &[], NOW);
    assert!(verdict.admits());
    assert_eq!(same.encode(), larger.encode());
}

/// The checkpoint is good and new; the credential is not. Nothing is kept.
#[test]
fn a_refusal_keeps_nothing_of_what_it_saw() {
    let (mut world, issued, container) = World::ready();
    let (trust, memory) = open(&container, &Memory::default());
    world.log.append(&world.root.entry("another leaf"));
    let receipt = world.receipt(&issued);
    let later = UnixSeconds(world.feed().not_after.0 + 1);
    let credential = issued.credential.as_bytes();
    let (verdict, kept) = verify_kept(&trust, &memory, credential, Some(receipt.as_bytes()), &[], later);
    assert_eq!(verdict, Verdict::of(Reason::TrustFeedExpired));
    assert_eq!(kept.encode(), memory.encode());
    assert_eq!(kept, memory);
}

#[test]
fn another_root_at_the_same_size_is_an_alarm_with_both_texts() {
    let (mut world, issued, container) = World::ready();
    let (trust, memory) = open(&container, &Memory::default());
    let first = world.log.note();
    world.log = world.log.fork(world.log.size() - 1, Hash([0x5a; 32]));
    let second = world.log.note();

    let (verdict, alarmed) = judge(&world, &trust, &memory, &issued);
    assert_eq!(verdict, Verdict::of(Reason::LogFork));
    let [Alarm { first: remembered, second: shown, .. }] = alarmed.alarms() else { panic!("one alarm") };
    assert_eq!((remembered, shown), (&first, &second));
    assert_eq!(alarmed.alarms()[0].origin().as_deref(), Some(ORIGIN));
    // Only the alarm is new, and it is not raised twice.
    assert_eq!(sizes(&alarmed), sizes(&memory));
    assert_eq!(alarmed.time_floor(), memory.time_floor());
    let (_verdict, again) = judge(&world, &trust, &alarmed, &issued);
    assert_eq!(again, alarmed);
}

#[test]
fn alarms_are_bounded_and_the_oldest_stay() {
    let (mut world, issued, container) = World::ready();
    let (trust, mut memory) = open(&container, &Memory::default());
    let last = world.log.size() - 1;
    for seed in 0..MAX_ALARMS + 4 {
        world.log = world.log.fork(last, leaf_hash(&[seed as u8]));
        let (verdict, kept) = judge(&world, &trust, &memory, &issued);
        assert_eq!(verdict, Verdict::of(Reason::LogFork));
        if seed >= MAX_ALARMS {
            assert_eq!(kept, memory);
        }
        memory = kept;
    }
    assert_eq!(memory.alarms().len(), MAX_ALARMS);
}

/// A fork that shows itself in a status file is an alarm too, and the file is no state.
#[test]
fn a_status_file_of_another_history_is_an_alarm() {
    let (mut world, issued, mut container) = World::ready();
    container.snapshots.clear();
    let (trust, memory) = open(&container, &Memory::default());
    let receipt = world.receipt(&issued);
    world.log = world.log.fork(world.log.size() - 1, Hash([0x5a; 32]));
    let file = world.file(&world.published[0]).to_json();
    let credential = issued.credential.as_bytes();
    let statuses = [file.as_bytes()];
    let (verdict, kept) = verify_kept(&trust, &memory, credential, Some(receipt.as_bytes()), &statuses, NOW);
    assert_eq!(verdict, Verdict::of(Reason::StatusDigestMismatch));
    assert_eq!(kept.alarms().len(), 1);
}

#[test]
fn witnesses_raise_the_floor() {
    let mut world = World::new();
    world.ask_witness(true);
    let issued = world.issue(&payload());
    world.publish();
    let (trust, memory) = open(&world.container(), &Memory::default());
    assert_eq!(memory.time_floor(), UnixSeconds(NOW.0 - 60));
    world.log.append(&world.root.entry("another leaf"));
    world.log.cosigned_at = UnixSeconds(NOW.0 + 5);
    let (verdict, later) = judge(&world, &trust, &memory, &issued);
    assert!(verdict.admits());
    assert_eq!(later.time_floor(), UnixSeconds(NOW.0 + 5));
    // Cosignatures may state times that no text of ours can.
    world.log.append(&world.root.entry("one more leaf"));
    world.log.cosigned_at = UnixSeconds((1 << 63) - 1);
    let (_verdict, latest) = judge(&world, &trust, &later, &issued);
    assert_eq!(latest.time_floor(), UnixSeconds(253_402_300_799));
    // An older cosignature does not take it back.
    world.log.append(&world.root.entry("the last leaf"));
    world.log.cosigned_at = UnixSeconds(NOW.0 - 300);
    let (verdict, same) = judge(&world, &trust, &later, &issued);
    assert!(verdict.admits());
    assert_eq!(same.time_floor(), later.time_floor());
}

fn consistency(world: &World, from: u64, to: u64) -> Consistency {
    let proof = world.log.consistency(from as usize, to as usize);
    Consistency { origin: ORIGIN.into(), from: TreeSize(from), to: TreeSize(to), proof }
}

#[test]
fn a_consistency_proof_that_passes_moves_memory() {
    let (mut world, _issued, first) = World::ready();
    let (_trust, memory) = open(&first, &Memory::default());
    let from = world.log.size() as u64;
    world.publish();
    world.feed_sequence = 2;
    let mut second = world.container();
    let to = from + 1;
    second.consistency = vec![consistency(&world, from, to)];
    let (_trust, kept) = open(&second, &memory);
    assert_eq!(sizes(&kept), [world.log.size() as u64]);
    assert!(kept.alarms().is_empty());
}

#[test]
fn a_consistency_proof_that_fails_is_an_alarm_with_both_texts() {
    let (mut world, _issued, first) = World::ready();
    let (_trust, memory) = open(&first, &Memory::default());
    let from = world.log.size() as u64;
    let remembered = world.log.note();
    world.publish();
    world.feed_sequence = 2;
    let current = world.log.note();
    let mut second = world.container();
    let mut proof = consistency(&world, from, from + 1);
    proof.proof[0].0[0] ^= 1;
    second.consistency = vec![proof];
    let bytes = second.to_json().expect("a container");
    let refused = Trust::open(bytes.as_bytes(), None, &memory, NOW).expect_err("a fork");
    assert_eq!(refused.code(), "log.fork");
    let TrustError::Fork { memory: kept } = refused else { panic!("a fork") };
    let [alarm] = kept.alarms() else { panic!("one alarm") };
    assert_eq!((&alarm.first, &alarm.second), (&remembered, &current));
    assert_eq!(sizes(&kept), sizes(&memory));
    assert_eq!(memory.alarms(), []);
}

/// A note that passed under one root is opened again under the next, whose policy may not name its log any more.
#[test]
fn a_remembered_note_is_not_believed_under_another_policy() {
    let (mut world, issued, container) = World::ready();
    let (_trust, memory) = open(&container, &Memory::default());
    let receipt = world.receipt(&issued);
    let log = std::mem::replace(
        &mut world.log.key,
        SignerKey::from_seed("new.example/log", KIND, &[5; 32]).expect("a key"),
    );
    assert_eq!(log.name(), ORIGIN);
    world.root.policy = format!("log {}\nquorum none\n", world.log.key.verifier());
    world.root.sequence = 2;
    world.feed_sequence = 2;
    let (trust, memory) = open(&world.container(), &memory);
    assert_eq!(sizes(&memory).len(), 2);
    let credential = issued.credential.as_bytes();
    let (verdict, _kept) = verify_kept(&trust, &memory, credential, Some(receipt.as_bytes()), &[], NOW);
    assert_eq!(verdict, Verdict::of(Reason::LogUnknown));
}

const KIND: SignatureKind = SignatureKind::Ed25519;

#[test]
fn an_empty_memory_has_one_text() {
    let text = r#"{"type":"sillok-memory/v1","time_floor":0,"checkpoints":[],"keys":[],"alarms":[]}"#;
    assert_eq!(Memory::default().encode(), text);
    assert_eq!(Memory::parse(text.as_bytes()), Ok(Memory::default()));
}

#[test]
fn a_full_memory_comes_back() {
    let (mut world, issued, _container) = World::ready();
    let cuts = [(ORIGIN.to_string(), TreeSize(90)), ("another.example/log".to_string(), TreeSize(3))];
    world.root.issuers[0].keys[0].standing = Standing::Retired(Cuts::new(cuts));
    world.ask_witness(true);
    let (trust, memory) = open(&world.container(), &Memory::default());
    world.log = world.log.fork(world.log.size() - 1, Hash([0x5a; 32]));
    world.ask_witness(true);
    let (_verdict, memory) = judge(&world, &trust, &memory, &issued);
    assert_eq!((memory.alarms().len(), memory.time_floor()), (1, UnixSeconds(NOW.0 - 60)));
    let text = memory.encode();
    let back = Memory::parse(text.as_bytes()).expect("a memory");
    assert_eq!(back, memory);
    assert_eq!(back.encode(), text);
}

#[test]
fn another_text_is_no_memory() {
    let (_world, _issued, container) = World::ready();
    let (_trust, memory) = open(&container, &Memory::default());
    let text = memory.encode();
    for (from, to) in [
        ("sillok-memory/v1", "sillok-memory/v2"),
        (r#""time_floor":0"#, r#""time_floor":-1"#),
        (r#""time_floor":0"#, r#""time_floor":253402300800"#),
        (r#""time_floor":0,"#, ""),
        (r#""alarms":[]"#, r#""alarms":[],"more":0"#),
        (r#""threshold":1"#, r#""threshold":0"#),
        (r#""threshold":1"#, r#""threshold":2"#),
        (ORIGIN, "another log"),
        (r#""keys":[]"#, r#""keys":[{"key":"00","state":"retired"}]"#),
    ] {
        assert!(text.contains(from), "{from}");
        let damaged = text.replacen(from, to, 1);
        let refused = Memory::parse(damaged.as_bytes()).expect_err(to);
        assert!(refused.to_string().starts_with("reading the verifier's memory: "), "{refused}");
    }
    // A torn file is an error and never an empty memory.
    for end in 0..text.len() {
        assert!(Memory::parse(&text.as_bytes()[..end]).is_err(), "{end} bytes");
    }
}
