//! Trust bundles: what opens, every code of specs/trust-bundle.md, and that writers write what readers read.

use std::collections::BTreeSet;

use sillok_log::entry::StatusValue;
use sillok_log::landmark::{Landmarks, MAX_LANDMARKS, Schedule};
use sillok_log::note::{SignatureKind, SignerKey};
use sillok_log::{Hash, TreeSize, UnixSeconds};
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::trust::{
    Consistency, Container, Cuts, Feed, FeedLandmarks, Issuer, IssuerKey, MAX_FEED_LANDMARK_BYTES, Root,
    Standing,
};
use sillok_verifier::verdict::Anchoring;
use sillok_verifier::{Anchors, Memory, Trust, TrustError, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

fn note_key(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).expect("a key")
}

fn try_open(container: &Container, anchors: Option<&Anchors>, memory: &Memory) -> Result<Memory, TrustError> {
    let bytes = container.to_json().expect("a container");
    Trust::open(bytes.as_bytes(), anchors, memory, NOW).map(|(_trust, kept)| kept)
}

fn refusal(container: &Container, memory: &Memory) -> &'static str {
    let error = try_open(container, None, memory).expect_err("refused");
    assert!(!error.to_string().is_empty());
    error.code()
}

/// Refused with an empty memory.
fn refusal_of(container: &Container) -> &'static str {
    refusal(container, &Memory::default())
}

type Case = (&'static str, fn() -> &'static str);

/// Every code that opening can end with, each with the case that does.
const CASES: &[Case] = &[
    ("trust.malformed", || malformed(b"")),
    ("trust.malformed", || malformed(br#"{"type":"sillok-trust-bundle/v2"}"#)),
    ("trust.malformed", || edited(|container| container.root.push('x'))),
    ("trust.malformed", || edited(|container| container.feed = container.root.clone())),
    ("trust.malformed", state_without_end),
    ("trust.root-signature", || edited(|container| container.root = resigned(&container.root, 9))),
    ("trust.root-signature", below_threshold),
    ("trust.root-not-anchored", not_anchored),
    ("trust.root-rollback", || after_second_root(|world| world.root.sequence = 1)),
    ("trust.root-fork", || after_second_root(|world| world.root.authority.push('!'))),
    ("trust.root-gap", || after_second_root(|world| world.root.sequence = 4)),
    ("trust.root-not-signed-by-previous", not_signed_by_previous),
    ("trust.root-epoch", || after_second_root(|world| (world.root.sequence, world.root.epoch) = (3, 1))),
    ("trust.key-revived", || revived(Standing::Retired(cut(9)), Standing::Active)),
    ("trust.key-revived", || revived(Standing::Retired(cut(9)), Standing::Retired(cut(10)))),
    ("trust.key-revived", || revived(Standing::Compromised(cut(9)), Standing::Retired(cut(9)))),
    ("trust.key-revived", || revived(Standing::Compromised(Cuts::default()), Standing::Compromised(cut(1)))),
    ("trust.policy", || made(|world| world.root.policy = "quorum w\n".into())),
    ("trust.root-not-logged", || edited(|container| container.root_receipt = container.feed_receipt.clone())),
    ("trust.root-not-logged", root_of_another_log),
    ("trust.root-not-logged", || {
        edited(|container| container.root_receipt = with_extra(&container.root_receipt))
    }),
    ("trust.not-yet-valid", || made(|world| world.root.issued.0 = NOW.0 + 24 * HOUR + 1)),
    ("trust.not-yet-valid", || fed(|_world, feed| feed.issued.0 = NOW.0 + 24 * HOUR + 1)),
    ("trust.feed-signature", || edited(|container| container.feed = resigned(&container.feed, 9))),
    ("trust.feed-signature", || edited(|container| container.feed = resigned(&container.feed, 2))),
    ("trust.feed-epoch", || fed(|_world, feed| feed.epoch = 2)),
    ("trust.root-outdated", || fed(|_world, feed| feed.root = 2)),
    ("trust.feed-rollback", || after_second_feed(|world| world.feed_sequence = 1)),
    ("trust.feed-fork", || after_second_feed(|world| drop(world.publish()))),
    ("trust.feed-not-logged", || edited(|container| container.feed_receipt = container.root_receipt.clone())),
    ("trust.feed-checkpoint", || fed(|_world, feed| feed.checkpoint = feed.checkpoint.replace('l', "k"))),
    ("trust.landmarks", || landmarks(|landmarks| landmarks.hashes[0].0[0] ^= 1)),
    ("trust.landmarks", || landmarks(|landmarks| landmarks.hashes.truncate(2))),
    ("trust.landmarks", beyond_the_checkpoint),
    ("trust.snapshot-proof", || fed(|_world, feed| feed.snapshots[0].snapshot.sequence = 7)),
    ("trust.snapshot-proof", || fed(|_world, feed| feed.snapshots[0].index.0 = 0)),
    ("trust.snapshot-file", || edited(damage_file)),
    ("trust.snapshot-file", || edited(|container| container.snapshots.push(container.snapshots[0].clone()))),
    ("trust.snapshot-file", file_against_feed),
    ("trust.snapshot-file", file_with_extra),
    ("trust.consistency", inconsistent),
    ("trust.fork", forked),
];

#[test]
fn every_code_has_a_case_that_yields_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/trust-bundle.md");
    let text = std::fs::read_to_string(path).expect("the specification");
    let (_before, opening) = text.split_once("## Opening").expect("the section");
    let opening = opening.split("\n## ").next().expect("its text");
    let words = opening.split('`').skip(1).step_by(2);
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("trust.")).collect();
    assert_eq!(CASES.iter().map(|(code, _case)| *code).collect::<BTreeSet<_>>(), named);
    for (position, (code, case)) in CASES.iter().enumerate() {
        assert_eq!(case(), *code, "case {position}");
    }
}

fn malformed(bytes: &[u8]) -> &'static str {
    Trust::open(bytes, None, &Memory::default(), NOW).expect_err("refused").code()
}

/// An honest bundle, changed after it was made.
fn edited(edit: impl Fn(&mut Container)) -> &'static str {
    let (_world, _issued, mut container) = World::ready();
    edit(&mut container);
    refusal_of(&container)
}

/// A bundle of a changed world.
fn made(change: impl Fn(&mut World)) -> &'static str {
    let (mut world, _issued, _container) = World::ready();
    change(&mut world);
    refusal_of(&world.container())
}

/// A bundle with a changed feed, signed and logged as it is.
fn fed(change: impl Fn(&World, &mut Feed)) -> &'static str {
    let (mut world, _issued, _container) = World::ready();
    let mut feed = world.feed();
    change(&world, &mut feed);
    refusal_of(&world.container_of(&feed, Vec::new()))
}

/// The same text, signed by the key of another seed under the names of both signers.
fn resigned(note: &str, seed: u8) -> String {
    let (text, _signatures) = note.rsplit_once("\n\n").expect("a note");
    let text = format!("{text}\n");
    sign(&text, &[&note_key("authority.example/root", seed), &note_key("authority.example/feed", seed)])
}

/// Small files, each of a state of four megabytes.
fn state_without_end() -> &'static str {
    edited(|container| {
        let file = container.snapshots[0].to_json();
        let file = file.replace(r#""length":131072"#, r#""length":16777216"#);
        container.snapshots = (1..=65)
            .map(|sequence| file.replace(r#""sequence":1"#, &format!(r#""sequence":{sequence}"#)))
            .map(|file| SnapshotFile::parse(file.as_bytes()).expect("a file"))
            .collect();
    })
}

/// Two keys must sign; one did, under two names.
fn below_threshold() -> &'static str {
    made(|world| {
        world.root.root_keys.push(note_key("second.example/root", 6).verifier());
        world.root.threshold = 2;
    })
}

fn not_anchored() -> &'static str {
    let (_world, _issued, container) = World::ready();
    let anchors = Anchors::new(vec![note_key("somebody.example", 9).verifier()], 1).expect("anchors");
    try_open(&container, Some(&anchors), &Memory::default()).expect_err("refused").code()
}

fn memory_of_second_root(world: &mut World) -> Memory {
    (world.root.sequence, world.root.epoch) = (2, 2);
    open(&world.container(), &Memory::default()).1
}

fn after_second_root(change: impl Fn(&mut World)) -> &'static str {
    let (mut world, _issued, _container) = World::ready();
    let memory = memory_of_second_root(&mut world);
    change(&mut world);
    refusal(&world.container(), &memory)
}

fn not_signed_by_previous() -> &'static str {
    after_second_root(|world| {
        world.root.sequence = 3;
        world.root_key = note_key("usurper.example/root", 6);
        world.root.root_keys = vec![world.root_key.verifier()];
    })
}

fn after_second_feed(change: impl Fn(&mut World)) -> &'static str {
    let (mut world, _issued, _container) = World::ready();
    world.feed_sequence = 2;
    let (_trust, memory) = open(&world.container(), &Memory::default());
    change(&mut world);
    refusal(&world.container(), &memory)
}

fn cut(size: u64) -> Cuts {
    Cuts::new([(ORIGIN.to_string(), TreeSize(size))])
}

fn revived(before: Standing, after: Standing) -> &'static str {
    let (mut world, _issued, _container) = World::ready();
    world.root.issuers[0].keys[0].standing = before;
    let memory = memory_of_second_root(&mut world);
    world.root.sequence = 3;
    world.root.issuers[0].keys[0].standing = after;
    refusal(&world.container(), &memory)
}

/// The policy names a log that does not hold the root.
fn root_of_another_log() -> &'static str {
    made(|world| {
        world.root.policy = format!("log {}\nquorum none\n", note_key("other.example/log", 5).verifier())
    })
}

fn landmarks(change: impl Fn(&mut FeedLandmarks)) -> &'static str {
    let (mut world, _issued, _container) = World::ready();
    world.landmark_sizes = vec![0, 3, 4];
    let mut feed = world.feed();
    change(feed.landmarks.as_mut().expect("landmarks"));
    refusal_of(&world.container_of(&feed, Vec::new()))
}

fn beyond_the_checkpoint() -> &'static str {
    landmarks(|landmarks| {
        landmarks.landmarks.push(TreeSize(60)).expect("a larger one");
    })
}

fn damage_file(container: &mut Container) {
    let file = container.snapshots[0].to_json().replace(r#""fold_size":3"#, r#""fold_size":2"#);
    container.snapshots[0] = SnapshotFile::parse(file.as_bytes()).expect("a file");
}

/// `extra` is for issue entries: elsewhere it would be bytes that nobody vouches for.
fn with_extra(receipt: &str) -> String {
    receipt.replacen("index ", "extra AQ==\nindex ", 1)
}

fn file_with_extra() -> &'static str {
    edited(|container| {
        let file = container.snapshots[0].to_json().replacen("index ", "extra AQ==\\nindex ", 1);
        container.snapshots[0] = SnapshotFile::parse(file.as_bytes()).expect("a file");
    })
}

/// Both prove themselves, and say that the list is of two issuers.
fn file_against_feed() -> &'static str {
    edited(|container| {
        let file = container.snapshots[0].to_json();
        let file =
            file.replace(r#""issuer":"https://health.example""#, r#""issuer":"https://other.example""#);
        container.snapshots[0] = SnapshotFile::parse(file.as_bytes()).expect("a file");
    })
}

/// A proof from what memory holds to what the bundle holds, and not of this log.
fn inconsistent() -> &'static str {
    let (mut world, _issued, container) = World::ready();
    let (_trust, memory) = open(&container, &Memory::default());
    let from = TreeSize(world.log.size() as u64);
    world.feed_sequence = 2;
    let mut container = world.container();
    let to = TreeSize(world.log.size() as u64);
    container.consistency = vec![Consistency { origin: ORIGIN.into(), from, to, proof: Vec::new() }];
    refusal(&container, &memory)
}

fn forked() -> &'static str {
    let (mut world, _issued, container) = World::ready();
    let (_trust, memory) = open(&container, &Memory::default());
    // The same log, whose last leaf but one differs, up to the size that memory holds.
    let size = world.log.size();
    world.log = world.log.fork(size - 1, Hash([0x5a; 32]));
    world.feed_sequence = 2;
    refusal(&world.container(), &memory)
}

#[test]
fn an_honest_bundle_opens_and_opens_again() {
    let (_world, _issued, container) = World::ready();
    let (trust, memory) = open(&container, &Memory::default());
    assert_eq!((trust.root().sequence, trust.feed().sequence), (1, 1));
    assert_eq!(trust.anchoring(), Anchoring::NamedByCaller);
    let (_trust, again) = open(&container, &memory);
    assert_eq!(again.encode(), memory.encode());
}

#[test]
fn anchors_vouch_for_a_root_and_for_missed_steps() {
    let (mut world, issued, _container) = World::ready();
    let memory = memory_of_second_root(&mut world);
    world.root.sequence = 7;
    world.feed_sequence = 2;
    let container = world.container();
    let anchors = Anchors::new(vec![world.root_key.verifier()], 1).expect("anchors");
    assert_eq!(refusal(&container, &memory), "trust.root-gap");
    let bytes = container.to_json().expect("a container");
    let (trust, memory) = Trust::open(bytes.as_bytes(), Some(&anchors), &memory, NOW).expect("anchored");
    assert_eq!(trust.anchoring(), Anchoring::Anchored);
    let receipt = world.receipt(&issued);
    let credential = issued.credential.as_bytes();
    let (verdict, _kept) = verify_kept(&trust, &memory, credential, Some(receipt.as_bytes()), &[], NOW);
    let Verdict::Valid(facts) = verdict else { panic!("valid") };
    assert_eq!(facts.anchoring, Anchoring::Anchored);
}

#[test]
fn anchors_are_different_keys_and_can_be_enough() {
    let key = note_key("one.example", 6).verifier();
    let same = note_key("two.example", 6).verifier();
    let other = note_key("one.example", 7).verifier();
    let witness =
        SignerKey::from_seed("w", SignatureKind::CosignatureV1, &[4; 32]).expect("a key").verifier();
    assert!(Anchors::new(vec![key.clone(), other.clone()], 2).is_some());
    for (keys, threshold) in [
        (vec![], 0),
        (vec![], 1),
        (vec![key.clone()], 0),
        (vec![key.clone()], 2),
        (vec![key.clone(), same], 1),
        (vec![key, witness], 1),
    ] {
        assert_eq!(Anchors::new(keys, threshold), None);
    }
}

#[test]
fn roots_follow_each_other_step_by_step() {
    let (mut world, _issued, _container) = World::ready();
    let memory = memory_of_second_root(&mut world);
    let old_key = world.root_key;
    world.root_key = note_key("successor.example/root", 6);
    world.root.root_keys = vec![world.root_key.verifier()];
    world.root.sequence = 3;
    world.feed_sequence = 2;
    let mut container = world.container();
    let (text, _signatures) = container.root.rsplit_once("\n\n").expect("a note");
    container.root = sign(&format!("{text}\n"), &[&old_key, &world.root_key]);
    let kept = try_open(&container, None, &memory).expect("signed by both");
    // From now on the old key alone is nobody.
    world.root_key = old_key;
    world.root.root_keys = vec![world.root_key.verifier()];
    world.root.sequence = 4;
    assert_eq!(refusal(&world.container(), &kept), "trust.root-not-signed-by-previous");
}

#[test]
fn a_key_may_fall_but_not_rise() {
    let (mut world, _issued, _container) = World::ready();
    let mut memory = Memory::default();
    for standing in [
        Standing::Active,
        Standing::Retired(cut(9)),
        Standing::Retired(cut(9)),
        Standing::Compromised(cut(8)),
        Standing::Compromised(Cuts::default()),
    ] {
        world.root.issuers[0].keys[0].standing = standing;
        memory = try_open(&world.container(), None, &memory).expect("falls");
        world.root.sequence += 1;
        world.feed_sequence += 1;
    }
    // A key that is gone for a while is remembered all the same.
    let keys = std::mem::take(&mut world.root.issuers[0].keys);
    memory = try_open(&world.container(), None, &memory).expect("gone");
    world.root.sequence += 1;
    world.feed_sequence += 1;
    world.root.issuers[0].keys = vec![IssuerKey { standing: Standing::Active, ..keys[0].clone() }];
    assert_eq!(refusal(&world.container(), &memory), "trust.key-revived");
}

/// Clocks are set to the wrong zone.
#[test]
fn a_day_ahead_is_no_future() {
    let (mut world, _issued, _container) = World::ready();
    world.root.issued.0 = NOW.0 + 24 * HOUR;
    assert!(try_open(&world.container(), None, &Memory::default()).is_ok());
}

#[test]
fn documents_are_read_as_they_were_written() {
    let (mut world, _issued, container) = World::ready();
    world.root.authority = "보건 당국 \"quoted\" \\ back".into();
    world.root.issuers.push(Issuer {
        id: "https://second.example".into(),
        name: "Second".into(),
        keys: vec![
            IssuerKey { key: Signing::ed25519(21).public(), standing: Standing::Retired(cut(5)) },
            IssuerKey { key: Signing::p256(22).public(), standing: Standing::Compromised(Cuts::default()) },
        ],
    });
    let text = world.root.to_text().expect("a root");
    let root = Root::parse(&text).expect("a root");
    assert_eq!(root, world.root);
    assert_eq!(root.to_text().expect("a root"), text);

    world.landmark_sizes = vec![0, 3, 4];
    let feed = world.feed();
    assert_eq!(feed.landmarks.as_ref().map(|landmarks| landmarks.hashes.len()), Some(4));
    let text = feed.to_text().expect("a feed");
    assert_eq!(Feed::parse(&text).as_ref(), Ok(&feed));
    assert_eq!(Feed::parse(&text).expect("a feed").to_text(), Ok(text));

    let file = &container.snapshots[0];
    assert_eq!(SnapshotFile::parse(file.to_json().as_bytes()).as_ref(), Ok(file));
    let text = container.to_json().expect("a container");
    let back = Container::parse(text.as_bytes()).expect("a container");
    assert_eq!(back, container);
    assert_eq!(back.to_json(), Ok(text));
}

/// A feed that says nothing true, with the landmarks that there is room for.
fn feed_of(all: &Landmarks, size: TreeSize) -> (usize, usize) {
    let (world, _issued, _container) = World::ready();
    let empty = world.feed().to_text().expect("a feed").len();
    let (landmarks, nodes) = FeedLandmarks::nodes(all, size).expect("within the log").expect("some");
    assert!(all.sizes().ends_with(landmarks.sizes()), "the newest are kept");
    let active = landmarks.active();
    let hashes = vec![Hash([7; 32]); nodes.len()];
    let feed = Feed { landmarks: Some(FeedLandmarks { landmarks, hashes }), ..world.feed() };
    (active, feed.to_text().expect("a feed that is within its limits").len() - empty)
}

#[test]
fn a_year_of_landmarks_fits_into_a_feed_and_of_more_the_newest() {
    let mut year = Landmarks::new();
    let mut schedule = Schedule::begin(TreeSize(0), UnixSeconds(0));
    let a_year = 50_000_000;
    for hour in 1..=8_760 {
        let size = TreeSize(a_year * hour / 8_760);
        schedule.allocate(&mut year, size, UnixSeconds(hour * HOUR)).expect("a size");
    }
    let (active, bytes) = feed_of(&year, TreeSize(a_year));
    println!("{a_year} entries, {active} landmarks: {bytes} bytes in a feed");
    assert_eq!(active, 8_760);
    assert!(bytes <= MAX_FEED_LANDMARK_BYTES, "{bytes}");

    // At sizes as a stranger's log may have them, with many nodes between.
    let sizes = (0..=MAX_LANDMARKS as u64).map(|number| TreeSize((1 << 40) + number * 12_345)).collect();
    let odd = Landmarks::from_sizes(1 << 20, sizes).expect("landmarks");
    let (active, bytes) = feed_of(&odd, odd.newest().1);
    assert!(active > 1_000 && bytes <= MAX_FEED_LANDMARK_BYTES, "{active} landmarks, {bytes} bytes");
    let none = FeedLandmarks::nodes(&Landmarks::new(), TreeSize(7)).expect("within the log");
    assert_eq!(none, None);
}

#[test]
fn writers_refuse_what_readers_would() {
    let refused = |change: fn(&mut Root)| {
        let mut root = World::new().root;
        change(&mut root);
        let error = root.to_text().expect_err("refused");
        error.member
    };
    assert_eq!(refused(|root| root.sequence = 0), "sequence");
    assert_eq!(refused(|root| root.epoch = 0), "epoch");
    assert_eq!(refused(|root| root.threshold = 0), "threshold");
    assert_eq!(refused(|root| root.threshold = 2), "threshold");
    assert_eq!(refused(|root| root.authority = "x".repeat(201)), "authority");
    assert_eq!(refused(|root| root.root_keys.clear()), "root_keys");
    assert_eq!(refused(|root| root.feed_keys.clear()), "feed_keys");
    // One key under two names would count twice.
    assert_eq!(refused(|root| root.root_keys.push(note_key("alias.example", 2).verifier())), "root_keys");
    assert_eq!(refused(|root| root.feed_keys.push(note_key("alias.example", 2).verifier())), "feed_keys");
    assert_eq!(refused(|root| root.issuers.push(root.issuers[0].clone())), "issuers");
    assert_eq!(refused(|root| root.issued = UnixSeconds(253_402_300_800)), "issued");
    assert_eq!(refused(|root| root.not_after = UnixSeconds(u64::MAX)), "not_after");
    let twice = |root: &mut Root| {
        let key = root.issuers[0].keys[0].clone();
        root.issuers.push(Issuer {
            id: "https://second.example".into(),
            name: String::new(),
            keys: vec![key],
        });
    };
    assert_eq!(refused(twice), "issuers");
}

#[test]
fn documents_have_no_other_form() {
    let text = World::new().root.to_text().expect("a root");
    for (from, to) in [
        ("\n", ""),
        ("\n", "\n\n"),
        (r#"{"type""#, "{\n\"type\""),
        ("sillok-root/v1", "sillok-feed/v1"),
        (r#""rules":[]"#, r#""rules":[0]"#),
        (r#""rules":[]"#, r#""rules":[],"more":0"#),
        (r#""rules":[]"#, r#""rules":[],"rules":[]"#),
        (r#","rules":[]"#, ""),
        (r#""state":"active""#, r#""state":"active","cuts":[{"origin":"a","size":0}]"#),
        (r#""state":"active""#, r#""state":"good""#),
        (r#""sequence":1"#, r#""sequence":-1"#),
        (r#""sequence":1"#, r#""sequence":1.0"#),
        (r#""sequence":1"#, r#""sequence":"1""#),
        ("authority.example/feed+", "authority.example/feed2+"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(Root::parse(&text.replacen(from, to, 1)).is_err(), "{from} -> {to}");
    }
}

#[test]
fn a_uri_names_the_list_that_it_is_of() {
    let (world, _issued, container) = World::ready();
    let text = world.feed().to_text().expect("a feed");
    let file = container.snapshots[0].to_json();
    let other = "0".repeat(32);
    for (from, to) in [
        (format!(r#""list":"{LIST}""#), format!(r#""list":"{other}""#)),
        (format!("/status/{LIST}"), format!("/status/{other}")),
        (format!("/status/{LIST}"), format!("/lists/{LIST}")),
        (uri(), format!("/status/{LIST}")),
    ] {
        assert!(Feed::parse(&text.replacen(&from, &to, 1)).is_err(), "{to}");
        assert!(SnapshotFile::parse(file.replacen(&from, &to, 1).as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn a_snapshot_file_is_of_its_own_state() {
    let (mut world, _issued, container) = World::ready();
    let published = world.published[0].clone();
    let proved =
        container.snapshots[0].prove(open(&container, &Memory::default()).0.policy()).expect("proved");
    assert_eq!((*proved.snapshot(), proved.index()), (published.snapshot, published.index));
    assert_eq!(proved.state(), &published.state);
    world.set(StatusValue::Revoked);
    let receipt = world.log.receipt(published.index);
    assert!(SnapshotFile::new(&uri(), ISSUER, &published.snapshot, &world.state, &receipt).is_err());
}

/// Whatever part of a bundle is cut off or changed, it is refused and nothing panics.
#[test]
fn a_damaged_bundle_does_not_open() {
    let (_world, _issued, container) = World::ready();
    let bytes = container.to_json().expect("a container").into_bytes();
    for end in (0..bytes.len()).step_by(7) {
        assert!(Trust::open(&bytes[..end], None, &Memory::default(), NOW).is_err(), "{end} bytes");
    }
    for position in (0..bytes.len()).step_by(5) {
        let mut damaged = bytes.clone();
        damaged[position] ^= 2;
        // A few bytes say nothing that anybody relies on: the name of the file's URI host, for one.
        if let Ok((trust, _kept)) = Trust::open(&damaged, None, &Memory::default(), NOW) {
            assert_eq!(trust.root(), open(&container, &Memory::default()).0.root(), "byte {position}");
            assert_eq!(trust.feed(), open(&container, &Memory::default()).0.feed(), "byte {position}");
        }
    }
}
