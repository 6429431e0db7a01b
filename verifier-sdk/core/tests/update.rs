//! How a trust bundle is updated: a refusal keeps nothing, and what has undone other update clients does not undo this one
//! (the cases of TUF's conformance suite that apply to two documents).

use std::collections::BTreeSet;

use sillok_log::note::{SignatureKind, SignerKey, compose};
use sillok_log::{Hash, TreeSize, UnixSeconds};
use sillok_verifier::trust::{Consistency, Container, Cuts, Feed, Root, Standing};
use sillok_verifier::{Anchors, Memory, Reason, Trust, TrustError, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

fn note_key(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).expect("a key")
}

fn try_open(
    container: &Container,
    anchors: Option<&Anchors>,
    memory: &Memory,
) -> Result<(Trust, Memory), TrustError> {
    let bytes = container.to_json().expect("a container");
    Trust::open(bytes.as_bytes(), anchors, memory, NOW)
}

fn code(opened: Result<(Trust, Memory), TrustError>) -> &'static str {
    opened.expect_err("refused").code()
}

/// A verifier that has opened root 2 of epoch 2 with feed 2, and the authority that made them.
struct Door {
    world: World,
    memory: Memory,
    /// Entries of the log that memory has seen.
    size: usize,
}

impl Door {
    /// Under a quorum, and with a key that was withdrawn: every part of memory holds something.
    fn new() -> Self {
        let mut world = World::new();
        world.ask_witness(true);
        world.landmark_sizes = vec![0, 1];
        let cuts = Cuts::new([(ORIGIN.to_string(), TreeSize(9))]);
        world.root.issuers[0].keys[0].standing = Standing::Retired(cuts);
        (world.root.sequence, world.root.epoch, world.feed_sequence) = (2, 2, 2);
        world.publish();
        let (_trust, memory) = open(&world.container(), &Memory::default());
        let text = memory.encode();
        for part in ["\"root\":{", "\"feed\":{", "\"note\":", "\"key\":"] {
            assert!(text.contains(part), "{part}");
        }
        assert!(memory.time_floor() > UnixSeconds(0));
        let size = world.log.size();
        Self { world, memory, size }
    }

    /// Feed 3 under root 2, as an honest authority makes it.
    fn next_feed(&mut self) -> Container {
        self.world.publish();
        self.world.feed_sequence = 3;
        self.world.container()
    }
}

/// The next bundle, and the anchors to open it with.
type Shown = (Container, Option<Anchors>);

/// Feed 3, changed after it was made.
fn edited(door: &mut Door, edit: impl Fn(&mut Container)) -> Shown {
    let mut container = door.next_feed();
    edit(&mut container);
    (container, None)
}

/// Feed 3, changed before it was signed and logged.
fn fed(door: &mut Door, change: impl Fn(&mut Feed)) -> Shown {
    drop(door.next_feed());
    let mut feed = door.world.feed();
    change(&mut feed);
    (door.world.container_of(&feed, Vec::new()), None)
}

/// Feed 3 under root 3, changed before they were signed and logged.
fn rooted(door: &mut Door, change: impl Fn(&mut World)) -> Shown {
    door.world.root.sequence = 3;
    change(&mut door.world);
    (door.next_feed(), None)
}

/// The same text, signed by somebody else's key under the names of both signers.
fn resigned(note: &str) -> String {
    let keys = ["authority.example/root", "authority.example/feed"].map(|name| note_key(name, 9));
    sign(&text_of(note), &keys.each_ref())
}

fn text_of(note: &str) -> String {
    let (text, _signatures) = note.rsplit_once("\n\n").expect("a note");
    format!("{text}\n")
}

type Case = (&'static str, fn(&mut Door) -> Shown);

/// Every code that opening can end with.
const REFUSALS: &[Case] = &[
    ("trust.malformed", |door| edited(door, |shown| shown.root.push('x'))),
    ("trust.malformed", |door| edited(door, |shown| shown.root = shown.feed.clone())),
    ("trust.malformed", |door| edited(door, |shown| shown.feed = shown.root.clone())),
    ("trust.root-signature", |door| edited(door, |shown| shown.root = resigned(&shown.root))),
    ("trust.root-not-anchored", |door| {
        let anchors = Anchors::new(vec![note_key("somebody.example", 9).verifier()], 1);
        (door.next_feed(), Some(anchors.expect("anchors")))
    }),
    ("trust.root-rollback", |door| rooted(door, |world| world.root.sequence = 1)),
    ("trust.root-fork", |door| rooted(door, |world| (world.root.sequence, world.root.issued) = (2, NOW))),
    ("trust.root-gap", |door| rooted(door, |world| world.root.sequence = 4)),
    ("trust.root-not-signed-by-previous", |door| {
        rooted(door, |world| {
            world.root_key = note_key("usurper.example/root", 6);
            world.root.root_keys = vec![world.root_key.verifier()];
        })
    }),
    ("trust.root-epoch", |door| rooted(door, |world| world.root.epoch = 1)),
    ("trust.key-revived", |door| {
        rooted(door, |world| world.root.issuers[0].keys[0].standing = Standing::Active)
    }),
    ("trust.policy", |door| rooted(door, |world| world.root.policy = "quorum w\n".into())),
    ("trust.policy", |door| {
        rooted(door, |world| {
            let raw = note_key("log.example/raw", 9).verifier();
            world.root.policy = format!("log {raw}\nquorum none\n");
        })
    }),
    ("trust.root-not-logged", |door| edited(door, |shown| shown.root_receipt = shown.feed_receipt.clone())),
    ("trust.not-yet-valid", |door| rooted(door, |world| world.root.issued.0 = NOW.0 + 24 * HOUR + 1)),
    ("trust.not-yet-valid", |door| fed(door, |feed| feed.issued.0 = NOW.0 + 24 * HOUR + 1)),
    ("trust.feed-signature", |door| edited(door, |shown| shown.feed = resigned(&shown.feed))),
    ("trust.feed-epoch", |door| fed(door, |feed| feed.epoch = 3)),
    ("trust.root-outdated", |door| fed(door, |feed| feed.root = 3)),
    ("trust.feed-rollback", |door| fed(door, |feed| feed.sequence = 1)),
    ("trust.feed-fork", |door| fed(door, |feed| feed.sequence = 2)),
    ("trust.feed-not-logged", |door| edited(door, |shown| shown.feed_receipt = shown.root_receipt.clone())),
    ("trust.feed-checkpoint", |door| {
        fed(door, |feed| feed.checkpoint = feed.checkpoint.replacen("log.", "lag.", 1))
    }),
    ("trust.snapshot-proof", |door| fed(door, |feed| feed.snapshots[0].index.0 = 0)),
    ("trust.landmarks", |door| {
        fed(door, |feed| feed.landmarks.as_mut().expect("landmarks").hashes[0].0[0] ^= 1)
    }),
    ("trust.snapshot-file", |door| edited(door, |shown| shown.snapshots.push(shown.snapshots[0].clone()))),
    ("trust.consistency", |door| {
        let from = TreeSize(door.size as u64);
        let (mut shown, _) = edited(door, |_| ());
        let to = TreeSize(door.world.log.size() as u64);
        shown.consistency = vec![Consistency { origin: ORIGIN.into(), from, to, proof: Vec::new() }];
        (shown, None)
    }),
    ("trust.fork", |door| {
        let mut forked = World::new();
        forked.log = door.world.log.fork(door.size - 1, Hash([0x5a; 32]));
        forked.ask_witness(true);
        let checkpoint = forked.log.note_at(door.size);
        fed(door, |feed| {
            (feed.landmarks, feed.checkpoint) = (None, checkpoint.clone());
            feed.snapshots.clear();
        })
    }),
];

/// The text of a memory without its alarms.
fn without_alarms(memory: &Memory) -> String {
    let text = memory.encode();
    text.rsplit_once("\"alarms\":").expect("a memory").0.to_string()
}

/// CVE-2025-2888 of `tough` was the other order: what was kept of a refused document froze the client.
#[test]
fn a_refusal_keeps_nothing_but_alarms_and_keeps_nobody_from_the_next_bundle() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/trust-bundle.md");
    let text = std::fs::read_to_string(path).expect("the specification");
    let (_before, opening) = text.split_once("## Opening").expect("the section");
    let opening = opening.split("\n## ").next().expect("its text");
    let named: BTreeSet<&str> =
        opening.split('`').skip(1).step_by(2).filter(|word| word.starts_with("trust.")).collect();
    assert_eq!(REFUSALS.iter().map(|(code, _case)| *code).collect::<BTreeSet<_>>(), named);

    for (position, (code, forge)) in REFUSALS.iter().enumerate() {
        let mut door = Door::new();
        let honest = door.next_feed();
        let before = door.memory.encode();
        let (shown, anchors) = forge(&mut door);
        let refused = try_open(&shown, anchors.as_ref(), &door.memory).expect_err(code);
        assert_eq!(refused.code(), *code, "case {position}: {refused}");
        assert_eq!(door.memory.encode(), before, "case {position}: {code}");
        let alarmed = matches!(*code, "trust.consistency" | "trust.fork");
        assert_eq!(refused.memory().is_some(), alarmed, "case {position}: {code}");
        let kept = refused.memory().unwrap_or(&door.memory);
        assert_eq!(without_alarms(kept), without_alarms(&door.memory), "case {position}: {code}");
        assert_eq!(kept.alarms().len(), usize::from(alarmed), "case {position}: {code}");
        // Neither what the refused bundle numbered nor what it stated stands in the way of the honest one.
        let (_trust, after) = try_open(&honest, None, kept).expect("the honest bundle opens");
        assert_eq!(after.alarms(), kept.alarms());
        assert_ne!(without_alarms(&after), without_alarms(kept));
    }
}

/// Whoever stole the feed key counts to the end, so that no honest feed is newer. A new epoch begins at one.
#[test]
fn a_feed_that_was_counted_to_the_end_is_recovered_from_by_an_epoch() {
    let Door { mut world, memory, .. } = Door::new();
    let last = (1 << 53) - 1;
    world.feed_sequence = last;
    let (_trust, stuck) = try_open(&world.container(), None, &memory).expect("signed by the feed key");
    world.feed_sequence = 3;
    assert_eq!(code(try_open(&world.container(), None, &stuck)), "trust.feed-rollback");

    let new_key = note_key("authority.example/feed-2", 33);
    (world.root.sequence, world.root.epoch, world.feed_sequence) = (3, 3, 1);
    world.root.feed_keys = vec![new_key.verifier()];
    let old_key = std::mem::replace(&mut world.feed_key, new_key);
    let (_trust, recovered) = try_open(&world.container(), None, &stuck).expect("a new epoch");
    // The stolen key signs nothing any more, of either epoch.
    world.feed_key = old_key;
    for (epoch, sequence) in [(3, 2), (3, last), (2, last)] {
        let feed = Feed { epoch, sequence, ..world.feed() };
        let container = world.container_of(&feed, Vec::new());
        assert_eq!(code(try_open(&container, None, &recovered)), "trust.feed-signature");
    }
}

/// A root of the largest sequence has no successor: who can make one needs the keys of the root before, and cannot
/// skip to it.
#[test]
fn a_root_cannot_be_counted_to_the_end_in_one_step() {
    let Door { mut world, memory, .. } = Door::new();
    world.feed_sequence = 3;
    for sequence in [4, 1 << 32, (1 << 53) - 1] {
        world.root.sequence = sequence;
        assert_eq!(code(try_open(&world.container(), None, &memory)), "trust.root-gap");
    }
}

/// Three root keys of which two sign. Each note is signed by the keys of these numbers, each as often as it stands here.
fn signed_by(threshold: usize, signers: &[usize]) -> Result<(Trust, Memory), TrustError> {
    let keys: Vec<SignerKey> =
        (0..3).map(|number| note_key(&format!("authority.example/root{number}"), 40 + number)).collect();
    let (mut world, _issued, _container) = World::ready();
    world.root.root_keys = keys.iter().map(SignerKey::verifier).collect();
    world.root.threshold = threshold;
    let mut container = world.container();
    let text = text_of(&container.root);
    let lines: Vec<String> =
        signers.iter().map(|number| keys[*number].sign(&text).expect("a signature")).collect();
    container.root = compose(&text, &lines).expect("a note");
    try_open(&container, None, &Memory::default())
}

#[test]
fn a_signature_counts_once_however_often_it_stands() {
    assert!(signed_by(2, &[0, 1]).is_ok());
    assert!(signed_by(2, &[2, 0]).is_ok());
    assert!(signed_by(3, &[2, 0, 1]).is_ok());
    for (threshold, signers) in
        [(2, &[0][..]), (2, &[0, 0]), (2, &[1, 1, 1, 1]), (3, &[0, 1]), (3, &[0, 1, 1]), (3, &[1, 0, 0, 1])]
    {
        let refused = signed_by(threshold, signers);
        assert_eq!(code(refused), "trust.root-signature", "{threshold} of {signers:?}");
    }
}

/// One key of two names has two ids. A root that lists it twice is no root, whoever writes it.
#[test]
fn a_key_counts_once_whatever_it_is_called() {
    let world = World::new();
    let text = world.root.to_text().expect("a root");
    let key = world.root_key.verifier().to_string();
    let alias = note_key("alias.example/root", 2).verifier().to_string();
    assert_ne!(key, alias);
    for twin in [&key, &alias] {
        let twice = text.replacen(&format!("[\"{key}\"]"), &format!("[\"{key}\",\"{twin}\"]"), 1);
        assert!(twice.len() > text.len());
        assert!(Root::parse(&twice).is_err());
    }
    // An alias's signature is nobody's, also where the id is the listed key's.
    let (_world, _issued, mut container) = World::ready();
    container.root = sign(&text_of(&container.root), &[&note_key("alias.example/root", 2)]);
    assert_eq!(code(try_open(&container, None, &Memory::default())), "trust.root-signature");
    let (name, id_and_signature) = {
        let line = container.root.lines().last().expect("a signature").to_string();
        let (name, rest) = line.rsplit_once(' ').expect("a line");
        (name.to_string(), rest.to_string())
    };
    let renamed = container.root.replace(&name, "\u{2014} authority.example/root");
    assert!(renamed.contains(&id_and_signature));
    container.root = renamed;
    assert_eq!(code(try_open(&container, None, &Memory::default())), "trust.root-signature");
}

/// A signature that does not verify is not passed over for the others: the note is not as it was made.
#[test]
fn a_threshold_is_of_signatures_that_verify() {
    let keys = [note_key("one.example", 41), note_key("two.example", 42)];
    let (mut world, _issued, _container) = World::ready();
    world.root.root_keys = keys.iter().map(SignerKey::verifier).collect();
    world.root.threshold = 2;
    let mut container = world.container();
    let text = text_of(&container.root);
    let other = text.replacen("Health", "Wealth", 1);
    let lines = [keys[0].sign(&text).expect("a signature"), keys[1].sign(&other).expect("a signature")];
    container.root = compose(&text, &lines).expect("a note");
    assert_eq!(code(try_open(&container, None, &Memory::default())), "trust.root-signature");
}

/// The old root ended while the device lay in a drawer. It still says who signs the next.
#[test]
fn an_expired_root_leads_on_to_a_newer_one() {
    let (mut world, issued, _container) = World::ready();
    world.root.not_after = UnixSeconds(NOW.0 - 5 * 24 * HOUR);
    let container = world.container();
    let (trust, memory) = open(&container, &Memory::default());
    let receipt = world.receipt(&issued);
    let judge = |trust: &Trust, memory: &Memory| {
        verify_kept(trust, memory, issued.credential.as_bytes(), Some(receipt.as_bytes()), &[], NOW).0
    };
    assert_eq!(judge(&trust, &memory), Verdict::of(Reason::TrustRootExpired));
    (world.root.sequence, world.root.not_after) = (2, UnixSeconds(NOW.0 + HOUR));
    world.feed_sequence = 2;
    let (trust, memory) = open(&world.container(), &memory);
    assert!(judge(&trust, &memory).admits());
}

/// What a newer root does not name counts no more: feed keys, issuers, their keys, logs.
#[test]
fn what_a_root_drops_is_gone() {
    let (mut world, issued, first) = World::ready();
    let (_trust, memory) = open(&first, &Memory::default());
    let dropped_feed_key = std::mem::replace(&mut world.feed_key, note_key("authority.example/feed-2", 33));
    world.root.feed_keys = vec![world.feed_key.verifier()];
    let mut issuers = std::mem::take(&mut world.root.issuers);
    (world.root.sequence, world.feed_sequence) = (2, 2);
    let (trust, memory) = open(&world.container(), &memory);
    let receipt = world.receipt(&issued);
    let judge = |trust: &Trust, memory: &Memory| {
        verify_kept(trust, memory, issued.credential.as_bytes(), Some(receipt.as_bytes()), &[], NOW).0
    };
    assert_eq!(judge(&trust, &memory), Verdict::of(Reason::IssuerUnknown));
    world.feed_key = dropped_feed_key;
    world.feed_sequence = 3;
    assert_eq!(code(try_open(&world.container(), None, &memory)), "trust.feed-signature");
    // An issuer that is named again without the key.
    world.feed_key = note_key("authority.example/feed-2", 33);
    issuers[0].keys[0].key = Signing::p256(21).public();
    world.root.issuers = issuers;
    (world.root.sequence, world.feed_sequence) = (3, 3);
    let (trust, memory) = open(&world.container(), &memory);
    assert_eq!(judge(&trust, &memory), Verdict::of(Reason::IssuerKeyUnknown));
}

/// Names are data: what is in them is neither syntax nor a path.
#[test]
fn a_name_is_only_a_name() {
    let (mut world, _issued, _container) = World::ready();
    for name in ["../../etc/passwd", "\u{2014} authority.example/root AAAA", "a\\\"b", "\u{202e}evil", "2"] {
        world.root.authority = name.into();
        let (trust, _memory) = open(&world.container(), &Memory::default());
        assert_eq!(trust.root().authority, name);
    }
}
