//! Notes that are kept as accepted: with them and without them verdicts, reasons and memory are the same, and nobody can make
//! them more or put them out at will.

use proptest::prelude::*;
use sillok_log::note::{SignatureKind, SignerKey, compose};
use sillok_log::receipt::Receipt;
use sillok_log::{Hash, UnixSeconds};
use sillok_verifier::memory::MAX_CHECKED;
use sillok_verifier::{Memory, Reason, Trust, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

/// A log under a quorum of two, with a credential near its beginning and many checkpoints after it.
struct Scene {
    world: World,
    issued: Issued,
    trust: Trust,
    /// The same log and issuer under a root that asks for another witness.
    stricter: Trust,
    memory: Memory,
}

fn witness(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, SignatureKind::CosignatureV1, &[seed; 32]).expect("a key")
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let [a, b, c] = [("a.example", 4), ("b.example", 5), ("c.example", 6)].map(|(n, s)| witness(n, s));
        let policy = |more: &str, quorum: &str| {
            format!(
                "log {}\nwitness a {}\nwitness b {}\n{more}group both all a b\n{quorum}",
                world.log.key.verifier(),
                a.verifier(),
                b.verifier()
            )
        };
        let asks_c =
            policy(&format!("witness c {}\n", c.verifier()), "group three all both c\nquorum three\n");
        world.root.policy = policy("", "quorum both\n");
        world.log.cosigned_at = UnixSeconds(NOW.0 - 60);
        world.log.witnesses = vec![a, b];
        let issued = world.issue(&payload());
        world.publish();
        let (trust, memory) = open(&world.container(), &Memory::default());
        let mut second = World::new();
        second.issue(&payload());
        second.publish();
        second.log.cosigned_at = world.log.cosigned_at;
        second.log.witnesses = vec![witness("a.example", 4), witness("b.example", 5), c];
        second.root.policy = asks_c;
        second.root.sequence = 2;
        let stricter = open(&second.container(), &Memory::default()).0;
        for number in 0..CHECKPOINTS {
            world.log.append(&world.root.entry(&format!("leaf {number}")));
        }
        Self { world, issued, trust, stricter, memory }
    }

    /// The receipt relative to the checkpoint `before` leaves below the newest.
    fn receipt(&self, before: usize) -> Receipt {
        let size = self.world.log.size() - before;
        self.world.log.receipt_at(self.issued.index, Some(self.issued.extra.clone()), size)
    }

    fn judge(&self, memory: &Memory, receipt: &Receipt) -> (Verdict, Memory) {
        let receipt = receipt.encode();
        verify_kept(
            &self.trust,
            memory,
            self.issued.credential.as_bytes(),
            Some(receipt.as_bytes()),
            &[],
            NOW,
        )
    }

    /// Memory after a valid verdict by the newest checkpoint, so that all others are smaller than what is remembered.
    fn remembers_newest(&self) -> Memory {
        let (verdict, kept) = self.judge(&self.memory, &self.receipt(0));
        assert!(verdict.admits(), "{verdict}");
        kept
    }
}

/// The same memory as it is after it was saved: without accepted notes.
fn saved(memory: &Memory) -> Memory {
    let saved = Memory::parse(memory.encode().as_bytes()).expect("a memory");
    assert_eq!(saved.checked_notes(), 0);
    saved
}

/// A line that no key of the policy made.
fn with_stranger(note: &str, number: u8) -> String {
    let stranger =
        SignerKey::from_seed("stranger.example", SignatureKind::Ed25519, &[number; 32]).expect("a key");
    let (text, lines) = note.split_once("\n\n").expect("a note");
    let text = format!("{text}\n");
    let mut lines: Vec<String> = lines.lines().map(|line| format!("{line}\n")).collect();
    lines.push(stranger.sign(&text).expect("a signature"));
    compose(&text, &lines).expect("a note")
}

#[test]
fn a_note_is_kept_once_and_bounds_hold() {
    let scene = Scene::new();
    let mut memory = scene.remembers_newest();
    assert_eq!(memory.checked_notes(), 1);
    let mut first = None;
    for before in 1..MAX_CHECKED + 20 {
        for _again in 0..2 {
            let (verdict, kept) = scene.judge(&memory, &scene.receipt(before));
            assert!(verdict.admits(), "{verdict}");
            assert_eq!(kept.checked_notes(), (before + 1).min(MAX_CHECKED));
            assert_eq!(kept, memory, "accepted notes are no part of what must not go back");
            memory = kept;
        }
        first = first.or_else(|| Some(memory.encode()));
    }
    assert_eq!(first, Some(memory.encode()), "nor of what is saved");
    // Variants of one note take the place of each other, and put out nothing else.
    let mut few = scene.remembers_newest();
    few = scene.judge(&few, &scene.receipt(1)).1;
    for number in 0..3 * MAX_CHECKED {
        let mut receipt = scene.receipt(2);
        receipt.checkpoint = with_stranger(&receipt.checkpoint, u8::try_from(number).unwrap_or(u8::MAX));
        let (verdict, kept) = scene.judge(&few, &receipt);
        assert!(verdict.admits(), "{verdict}");
        few = kept;
        assert_eq!(few.checked_notes(), 3);
    }
}

/// What is no valid verdict in the end puts nothing in, however good its checkpoint is.
#[test]
fn only_valid_verdicts_keep_notes() {
    let scene = Scene::new();
    let memory = scene.remembers_newest();
    let mut receipt = scene.receipt(3);
    receipt.proof[0] = Hash([1; 32]);
    let (verdict, kept) = scene.judge(&memory, &receipt);
    assert_eq!((verdict, kept.checked_notes()), (Verdict::of(Reason::InclusionMismatch), 1));
    let late = UnixSeconds(NOW.0 + 400 * 24 * HOUR);
    let text = scene.receipt(3).encode();
    let credential = scene.issued.credential.as_bytes();
    let (verdict, kept) = verify_kept(&scene.trust, &memory, credential, Some(text.as_bytes()), &[], late);
    assert!(!verdict.admits());
    assert_eq!(kept.checked_notes(), 1);
}

/// The note was accepted under a root that asked two witnesses. The next root asks a third, who did not sign it.
#[test]
fn another_root_judges_anew() {
    let scene = Scene::new();
    let (verdict, memory) = scene.judge(&scene.remembers_newest(), &scene.receipt(4));
    assert!(verdict.admits(), "{verdict}");
    let text = scene.receipt(4).encode();
    let credential = scene.issued.credential.as_bytes();
    let (verdict, kept) = verify_kept(&scene.stricter, &memory, credential, Some(text.as_bytes()), &[], NOW);
    assert_eq!(verdict, Verdict::of(Reason::CheckpointQuorum));
    assert_eq!(kept.checked_notes(), memory.checked_notes());
}

/// Another root of the remembered size is a fork, whichever notes were accepted before.
#[test]
fn an_accepted_note_hides_no_fork() {
    let scene = Scene::new();
    let size = scene.world.log.size();
    let mut forked = scene.world.log.fork(size - 2, Hash([0x5a; 32]));
    forked.witnesses = vec![witness("a.example", 4), witness("b.example", 5)];
    let fork_at = |at: usize| forked.receipt_at(scene.issued.index, Some(scene.issued.extra.clone()), at);
    // Below what is remembered there is nothing to compare with, and both are accepted and kept.
    let memory = scene.remembers_newest();
    let memory = scene.judge(&memory, &scene.receipt(1)).1;
    let (verdict, memory) = scene.judge(&memory, &fork_at(size - 1));
    assert!(verdict.admits() && memory.checked_notes() == 3, "{verdict}");
    let (verdict, alarmed) = scene.judge(&memory, &fork_at(size));
    assert_eq!(verdict, Verdict::of(Reason::LogFork));
    assert_eq!((alarmed.alarms().len(), alarmed.checked_notes()), (1, 3));
    // Kept from a valid verdict, and of the size that another verifier remembers with the other root.
    let other = scene.judge(&scene.memory, &fork_at(size - 1)).1;
    assert_eq!(scene.judge(&other, &scene.receipt(1)).0, Verdict::of(Reason::LogFork));
}

/// What a stranger can make of a receipt that others handed out.
fn altered(scene: &Scene, before: usize, change: u8, position: usize) -> Receipt {
    let mut receipt = scene.receipt(before);
    let note = receipt.checkpoint.clone();
    let mut lines: Vec<&str> = note.split_inclusive('\n').collect();
    match change {
        0 => {}
        1 => receipt.checkpoint = with_stranger(&note, u8::try_from(position % 5).unwrap_or(0)),
        // One of the signatures is not there, or two have changed places.
        2 => {
            lines.remove(4 + position % 3);
            receipt.checkpoint = lines.concat();
        }
        3 => {
            lines.swap(4, 5 + position % 2);
            receipt.checkpoint = lines.concat();
        }
        // A signature stands twice.
        4 => {
            lines.push(lines[4 + position % 3]);
            receipt.checkpoint = lines.concat();
        }
        5 => {
            let hash = position % receipt.proof.len();
            receipt.proof[hash].0[position % 32] ^= 1;
        }
        6 => {
            let size = scene.world.log.size() - before;
            let mut forked = scene.world.log.fork(size - 1, Hash([0x5a; 32]));
            forked.witnesses = vec![witness("a.example", 4), witness("b.example", 5)];
            receipt = forked.receipt_at(scene.issued.index, Some(scene.issued.extra.clone()), size);
        }
        _character => {
            let mut characters: Vec<char> = note.chars().collect();
            let at = position % characters.len();
            characters[at] = if characters[at] == 'A' { 'B' } else { 'A' };
            receipt.checkpoint = characters.into_iter().collect();
        }
    }
    receipt
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two verifiers are shown the same in the same order; one forgets the notes that it accepted after each.
    #[test]
    fn nothing_is_decided_otherwise(
        steps in prop::collection::vec((0_usize..6, 0_u8..9, any::<usize>(), 0_u8..8), 1..40)
    ) {
        let scene = Scene::new();
        let (mut with, mut without) = (scene.memory.clone(), scene.memory.clone());
        for (before, change, position, door) in steps {
            let trust = if door == 0 { &scene.stricter } else { &scene.trust };
            let now = if door == 1 { UnixSeconds(NOW.0 + 400 * 24 * HOUR) } else { NOW };
            let receipt = altered(&scene, before, change, position).encode();
            let judge = |memory: &Memory| {
                let credential = scene.issued.credential.as_bytes();
                verify_kept(trust, memory, credential, Some(receipt.as_bytes()), &[], now)
            };
            let (one, other) = (judge(&with), judge(&without));
            prop_assert_eq!(&one, &other);
            prop_assert_eq!(one.1.encode(), other.1.encode());
            prop_assert!(one.1.checked_notes() <= MAX_CHECKED);
            (with, without) = (one.1, saved(&other.1));
        }
    }
}

/// More than are kept.
const CHECKPOINTS: usize = MAX_CHECKED + 30;
