//! Memory: what must not go back, alarms, and the text it is kept as.

use sillok_log::merkle::{Hash, leaf_hash};
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::{TreeSize, UnixSeconds};
use sillok_verifier::memory::{Alarm, AlarmKind, MAX_ALARMS};
use sillok_verifier::trust::{Consistency, Container, Cuts, Standing};
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

/// Shows a log whose last leaf is another one than the log said before.
fn judge_fork(world: &mut World, trust: &Trust, memory: &Memory, issued: &Issued, leaf: &[u8]) -> Memory {
    let fork = world.log.fork(world.log.size() - 1, leaf_hash(leaf));
    let honest = std::mem::replace(&mut world.log, fork);
    let (verdict, kept) = judge(world, trust, memory, issued);
    world.log = honest;
    assert_eq!(verdict, Verdict::of(Reason::LogFork));
    kept
}

/// A log that shows a hundred roots for one size is as guilty as one that shows two.
#[test]
fn a_size_is_one_alarm_however_many_roots_it_has() {
    let (mut world, issued, container) = World::ready();
    let (trust, memory) = open(&container, &Memory::default());
    let first = judge_fork(&mut world, &trust, &memory, &issued, b"one");
    assert_eq!(first.alarms().len(), 1);
    assert_eq!(judge_fork(&mut world, &trust, &first, &issued, b"two"), first);
}

#[test]
fn alarms_are_bounded_and_the_oldest_stay() {
    let (mut world, issued, container) = World::ready();
    let (trust, mut memory) = open(&container, &Memory::default());
    for count in 1..MAX_ALARMS + 4 {
        world.log.append(&world.root.entry(&format!("leaf {count}")));
        memory = judge(&world, &trust, &memory, &issued).1;
        let kept = judge_fork(&mut world, &trust, &memory, &issued, b"another");
        if count > MAX_ALARMS {
            assert_eq!(kept, memory);
        }
        assert_eq!(kept.alarms().len(), count.min(MAX_ALARMS));
        memory = kept;
    }
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

/// The next bundle of a world, with a consistency proof from `from` that is damaged by `damage`.
fn with_proof(world: &mut World, from: u64, damage: u8) -> Container {
    world.publish();
    world.feed_sequence += 1;
    let to = world.log.size() as u64;
    let mut container = world.container();
    let mut proof = consistency(world, from, to);
    proof.proof[0].0[0] ^= damage;
    container.consistency = vec![proof];
    container
}

fn refused(container: &Container, memory: &Memory) -> TrustError {
    let bytes = container.to_json().expect("a container");
    Trust::open(bytes.as_bytes(), None, memory, NOW).expect_err("refused")
}

#[test]
fn a_consistency_proof_that_fails_is_an_alarm_with_both_texts() {
    let (mut world, _issued, first) = World::ready();
    let (_trust, memory) = open(&first, &Memory::default());
    let from = world.log.size() as u64;
    let remembered = world.log.note();
    let second = with_proof(&mut world, from, 1);
    let refused = refused(&second, &memory);
    assert_eq!(refused.code(), "trust.consistency");
    let kept = refused.memory().expect("a memory with an alarm");
    let [alarm] = kept.alarms() else { panic!("one alarm") };
    assert_eq!((alarm.kind, &alarm.first), (AlarmKind::Inconsistent, &remembered));
    assert_eq!(alarm.second, world.log.note_at(from as usize + 1));
    assert_eq!(sizes(kept), sizes(&memory));
    assert_eq!(memory.alarms(), []);
    // Only the alarm was kept: an honest bundle opens.
    let mut honest = second;
    honest.consistency.clear();
    assert_eq!(open(&honest, kept).1.alarms(), kept.alarms());
}

/// Whoever carries a bundle can put any proof into it. That frames nobody, and crowds out no fork.
#[test]
fn a_proof_that_nobody_signed_accuses_nobody() {
    let (mut world, issued, container) = World::ready();
    let (trust, memory) = open(&container, &Memory::default());
    let from = world.log.size() as u64;
    let mut kept = memory.clone();
    for damage in 1..=MAX_ALARMS as u8 + 4 {
        let refused = refused(&with_proof(&mut world, from, damage), &kept);
        kept = refused.memory().expect("a memory with an alarm").clone();
        // Only the latest is kept.
        assert_eq!(kept.alarms().len(), 1);
        assert!(kept.alarms().iter().all(|alarm| alarm.kind == AlarmKind::Inconsistent));
    }
    let inconsistent = kept.alarms()[0].clone();
    let first = world.log.size() as u64;
    kept = judge(&world, &trust, &kept, &issued).1;
    assert_eq!(sizes(&kept), [first]);
    let kept = judge_fork(&mut world, &trust, &kept, &issued, b"another");
    let [fork, last] = kept.alarms() else { panic!("two alarms") };
    assert_eq!((fork.kind, last), (AlarmKind::Fork, &inconsistent));
    assert_eq!(Memory::parse(kept.encode().as_bytes()), Ok(kept.clone()));
}

/// Two roots of one size are what counts, whatever proofs lie beside them.
#[test]
fn a_fork_is_no_mere_inconsistency() {
    let (mut world, _issued, first) = World::ready();
    let (_trust, memory) = open(&first, &Memory::default());
    let from = world.log.size() as u64;
    let remembered = world.log.note();
    world.log = world.log.fork(world.log.size() - 1, Hash([0x5a; 32]));
    world.feed_sequence = 2;
    let forked = world.log.note();
    let mut second = world.container();
    second.consistency = vec![consistency(&world, from, world.log.size() as u64)];
    let refused = refused(&second, &memory);
    assert_eq!(refused.code(), "trust.fork");
    let kept = refused.memory().expect("a memory with an alarm");
    let [alarm] = kept.alarms() else { panic!("one alarm") };
    assert_eq!((alarm.kind, &alarm.first, &alarm.second), (AlarmKind::Fork, &remembered, &forked));
}

/// A note that passed under one root is opened again under the next, whose policy may not name its log any more.
#[test]
fn a_remembered_note_is_not_believed_under_another_policy() {
    let (mut world, issued, container) = World::ready();
    let (_trust, memory) = open(&container, &Memory::default());
    let receipt = world.receipt(&issued);
    let new_key = SignerKey::from_seed("new.example/log", KIND, &[5; 32]).expect("a key");
    world.root.policy = format!("log {}\nquorum none\n", new_key.verifier());
    world.root.sequence = 2;
    world.feed_sequence = 2;
    // The next root is in the old log; everything else is in the new one.
    let root_receipt = world.container().root_receipt;
    world.log.key = new_key;
    let mut container = world.container();
    container.root_receipt = root_receipt;
    let (trust, memory) = open(&container, &memory);
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
        (r#""policy":"log "#, r#""policy":"lot "#),
        (r#""epoch":1"#, r#""epoch":0"#),
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
