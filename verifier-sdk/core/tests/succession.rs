//! How one root follows another: who signs it, where it is seen, and what the feed says of it.

use sillok_log::entry::MAX_CUT_SIZE;
use sillok_log::landmark::{Landmarks, Schedule};
use sillok_log::merkle::Hash;
use sillok_log::note::{MAX_NOTE_BYTES, SignatureKind, SignerKey};
use sillok_log::{LeafIndex, TreeSize, UnixSeconds};
use sillok_verifier::trust::{
    Container, Cuts, EarlierLandmarks, Feed, FeedLandmarks, FeedSnapshot, Issuer, IssuerKey,
    MAX_FEED_LANDMARK_BYTES, MAX_FEED_LOGS, MAX_ISSUERS, MAX_KEYS, MAX_SNAPSHOTS, Standing,
};
use sillok_verifier::{Anchors, Memory, Trust, TrustError, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::log::Log;
use world::*;

fn note_key(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).expect("a key")
}

fn try_open(container: &Container, anchors: Option<&Anchors>, memory: &Memory) -> Result<Memory, TrustError> {
    let bytes = container.to_json().expect("a container");
    Trust::open(bytes.as_bytes(), anchors, memory, NOW).map(|(_trust, kept)| kept)
}

fn code(opened: Result<Memory, TrustError>) -> &'static str {
    opened.expect_err("refused").code()
}

/// Signs the root of a container once more, by these keys alone.
fn signed_by(container: &mut Container, keys: &[&SignerKey]) {
    let (text, _signatures) = container.root.rsplit_once("\n\n").expect("a note");
    container.root = sign(&format!("{text}\n"), keys);
}

/// Anchors excuse missed steps and nothing else: keys that were replaced, because they were stolen perhaps, do not lead a
/// verifier that has seen their successors.
#[test]
fn an_old_anchor_key_leads_nowhere() {
    let (mut world, _issued, first) = World::ready();
    let old = note_key("authority.example/root", 2);
    let anchors = Anchors::new(vec![old.verifier()], 1).expect("anchors");
    let memory = try_open(&first, Some(&anchors), &Memory::default()).expect("anchored");

    let (successor, thief) = (note_key("successor.example/root", 6), note_key("thief.example/root", 7));
    (world.root.sequence, world.feed_sequence) = (2, 2);
    world.root.root_keys = vec![successor.verifier()];
    let mut second = world.container();
    signed_by(&mut second, &[&old, &successor]);
    let memory = try_open(&second, Some(&anchors), &memory).expect("signed by both");

    for sequence in [3, 4, 9] {
        (world.root.sequence, world.feed_sequence) = (sequence, sequence);
        world.root.root_keys = vec![thief.verifier()];
        let mut seized = world.container();
        signed_by(&mut seized, &[&old, &thief]);
        let refused = try_open(&seized, Some(&anchors), &memory);
        assert_eq!(code(refused), "trust.root-not-signed-by-previous", "root {sequence}");
        // The keys that memory holds lead on, over missed steps too.
        world.root.root_keys = vec![successor.verifier()];
        let mut next = world.container();
        signed_by(&mut next, &[&old, &successor]);
        assert!(try_open(&next, Some(&anchors), &memory).is_ok(), "root {sequence}");
    }
}

/// Whoever holds the root keys can name a log of their own in a new root. It counts once it is in a log that the old root
/// names, where others see it.
#[test]
fn a_root_is_not_swapped_unseen() {
    let (mut world, _issued, first) = World::ready();
    let memory = try_open(&first, None, &Memory::default()).expect("opens");
    let thiefs_log = note_key("thief.example/log", 5);
    world.root.sequence = 2;
    world.root.policy = format!("log {}\nquorum none\n", thiefs_log.verifier());
    world.feed_sequence = 2;
    let in_the_old_log = world.container().root_receipt;
    world.log.key = thiefs_log;
    let mut unseen = world.container();
    assert_eq!(code(try_open(&unseen, None, &memory)), "trust.root-not-logged");
    // Without a memory nothing is known of the old log.
    assert!(try_open(&unseen, None, &Memory::default()).is_ok());
    unseen.root_receipt = in_the_old_log;
    let kept = try_open(&unseen, None, &memory).expect("seen in the old log");
    // From now on the new root's policy is the one under which the next is seen.
    (world.root.sequence, world.feed_sequence) = (3, 3);
    assert!(try_open(&world.container(), None, &kept).is_ok());
}

/// Each note of a bundle is held against memory: a log that shows its fork in one receipt alone is found out.
#[test]
fn every_checkpoint_of_a_bundle_is_compared() {
    for sequence in [1, 2] {
        let (mut world, _issued, first) = World::ready();
        let memory = try_open(&first, None, &Memory::default()).expect("opens");
        let size = world.log.size();
        world.root.sequence = sequence;
        world.feed_sequence = 2;
        let mut container = world.container();
        assert!(try_open(&container, None, &memory).is_ok());
        // The root's entry as the leaf that memory knows another root of the tree for.
        let mut forked = World::new();
        forked.log =
            world.log.fork(size - 1, world.root.entry(&world.root.to_text().expect("a root")).leaf_hash());
        let receipt = forked.log.receipt_at(LeafIndex(size as u64 - 1), None, size);
        container.root_receipt = receipt.encode();
        assert_eq!(code(try_open(&container, None, &memory)), "trust.fork", "root {sequence}");
    }
}

#[test]
fn an_epoch_begins_its_feeds_anew_and_never_ends_in_an_older_one() {
    let (mut world, _issued, _container) = World::ready();
    world.feed_sequence = 9;
    let memory = try_open(&world.container(), None, &Memory::default()).expect("opens");
    (world.root.sequence, world.root.epoch, world.feed_sequence) = (2, 2, 1);
    let memory = try_open(&world.container(), None, &memory).expect("feed 1 of epoch 2");
    (world.root.sequence, world.root.epoch, world.feed_sequence) = (3, 1, 10);
    assert_eq!(code(try_open(&world.container(), None, &memory)), "trust.root-epoch");
}

/// An old root still in force, kept beside a fresh feed, would hide what the newer root says of keys.
#[test]
fn an_old_root_does_not_read_a_fresh_feed() {
    let (mut world, _issued, first) = World::ready();
    world.root.sequence = 2;
    world.root.issuers[0].keys[0].standing = Standing::Compromised(Cuts::default());
    let newer = world.container();
    let mixed = Container { root: first.root, root_receipt: first.root_receipt, ..newer.clone() };
    assert_eq!(code(try_open(&mixed, None, &Memory::default())), "trust.root-outdated");
    // A newer root reads the feed that was made before it.
    let early = Container { feed: first.feed, feed_receipt: first.feed_receipt, ..newer };
    assert!(try_open(&early, None, &Memory::default()).is_ok());
}

/// URLs of 64 bytes, a log of 2^32 entries: as many snapshots as a feed may hold fit into a note.
#[test]
fn the_largest_feed_fits_a_note() {
    let (world, _issued, _container) = World::ready();
    let url = format!("https://{}.example", "a".repeat(48));
    assert_eq!(url.len(), 64);
    let mut feed = world.feed();
    let template = feed.snapshots.remove(0);
    let largest = (1 << 53) - 1;
    for number in 0..MAX_SNAPSHOTS as u64 {
        let mut record = FeedSnapshot {
            uri: format!("{url}/status/{LIST}"),
            issuer: url.clone(),
            length: 1 << 24,
            proof: vec![Hash([0xff; 32]); 32],
            ..template.clone()
        };
        record.index.0 = largest;
        record.snapshot.sequence = largest - number;
        record.snapshot.fold_size = TreeSize(largest);
        feed.snapshots.push(record);
    }
    let note = sign(&feed.to_text().expect("a feed"), &[&world.feed_key]);
    assert!(note.len() <= MAX_NOTE_BYTES, "{} bytes", note.len());
    feed.snapshots.push(template);
    assert!(feed.to_text().is_err());
}

/// Every key of every issuer withdrawn, with a cut in each of eight logs: as many as a root may hold fit into a note.
#[test]
fn the_largest_root_fits_a_note() {
    let mut world = World::new();
    let cuts = Cuts::new((0..8).map(|log| (format!("log{log}.ledger.example/annals-2027"), MAX_CUT_SIZE)));
    let mut seeds = (1_u32..).map(|number| {
        let mut seed = [7; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        p256::ecdsa::SigningKey::from_slice(&seed).expect("a scalar")
    });
    world.root.issuers = (0..MAX_ISSUERS)
        .map(|issuer| Issuer {
            id: format!("https://{}{issuer:03}.example", "a".repeat(45)),
            name: "n".repeat(200),
            keys: seeds
                .by_ref()
                .take(MAX_KEYS)
                .map(|key| IssuerKey {
                    key: Signing::P256(key).public(),
                    standing: Standing::Compromised(cuts.clone()),
                })
                .collect(),
        })
        .collect();
    let note = sign(&world.root.to_text().expect("a root"), &[&world.root_key]);
    assert!(note.len() <= MAX_NOTE_BYTES, "{} bytes", note.len());
    let key = Signing::P256(seeds.next().expect("a seed")).public();
    world.root.issuers[0].keys.push(IssuerKey { key, standing: Standing::Active });
    assert!(world.root.to_text().is_err());
}

const NEXT: &str = "log.example/2027h1";

/// A credential in a log with landmarks, and another log in the policy that is to take over.
fn announced() -> (World, Issued) {
    let mut world = World::new();
    let issued = world.issue(&payload());
    while world.log.size() < 10 {
        world.publish();
    }
    world.landmark_sizes = vec![0, 4, 6];
    let logs = [&world.log.key.verifier(), &note_key(NEXT, 8).verifier()].map(|log| format!("log {log}\n"));
    world.root.policy = format!("{}quorum none\n", logs.concat());
    (world, issued)
}

fn judge(container: &Container, memory: &Memory, issued: &Issued, receipt: &[u8]) -> (Verdict, Memory) {
    let bytes = container.to_json().expect("a container");
    let (trust, memory) = Trust::open(bytes.as_bytes(), None, memory, NOW).expect("opens");
    verify_kept(&trust, &memory, issued.credential.as_bytes(), Some(receipt), &[], NOW)
}

/// Landmark receipts of the log before were `landmark.unknown` once the next log had taken over: the feed held the landmarks
/// of one log only.
//= specs/trust-bundle.md#feed-landmarks
//= type=test
#[test]
fn a_landmark_receipt_outlives_its_log() {
    let (mut world, issued) = announced();
    let (receipt, last) = (world.landmark_receipt(&issued).encode(), world.log.size() as u64);
    let (verdict, memory) = judge(&world.container(), &Memory::default(), &issued, &receipt);
    assert!(verdict.admits(), "{verdict}");
    let frozen = world.log.size() as u64;
    world.succeed(Log::new(NEXT, 8));
    for memory in [&memory, &Memory::default()] {
        let (verdict, kept) = judge(&world.container(), memory, &issued, &receipt);
        let Verdict::Valid(facts) = verdict else { panic!("{verdict}") };
        assert_eq!((facts.origin.as_str(), facts.index), (ORIGIN, issued.index));
        assert_eq!(facts.checkpoint_size, TreeSize(frozen), "of the frozen log");
        assert_eq!(kept.checkpoints().count(), 2, "both logs are remembered");
    }
    assert!(last < frozen);
    // A log after that: both of those before are held.
    let third = note_key("log.example/2027h2", 9).verifier();
    world.root.policy = world.root.policy.replace("quorum", &format!("log {third}\nquorum"));
    world.landmark_sizes = vec![0, 1];
    world.succeed(Log::new("log.example/2027h2", 9));
    assert_eq!(world.landmarks_before.len(), 2);
    assert!(judge(&world.container(), &Memory::default(), &issued, &receipt).0.admits());
    // The cut of a key is that of the receipt's own log.
    for (size, admits) in [(issued.index.0 + 1, true), (issued.index.0, false)] {
        let cuts = Cuts::new([(ORIGIN.to_owned(), TreeSize(size))]);
        world.root.issuers[0].keys[0].standing = Standing::Compromised(cuts);
        let (verdict, _kept) = judge(&world.container(), &Memory::default(), &issued, &receipt);
        assert_eq!(verdict.admits(), admits, "{verdict}");
    }
    world.landmarks_before.clear();
    world.root.issuers[0].keys[0].standing = Standing::Active;
    let (verdict, _kept) = judge(&world.container(), &Memory::default(), &issued, &receipt);
    assert_eq!(verdict.reason().map(|reason| reason.code()), Some("landmark.unknown"));
}

#[test]
fn landmarks_of_a_log_before_prove_themselves_under_the_policy() {
    let (mut world, _issued) = announced();
    let memory = try_open(&world.container(), None, &Memory::default()).expect("opens");
    let fork = world.log.fork(world.log.size() - 1, Hash([7; 32]));
    world.succeed(Log::new(NEXT, 8));
    let honest = world.landmarks_before.remove(0);
    let mut with = |earlier: &EarlierLandmarks| {
        world.landmarks_before = vec![earlier.clone()];
        try_open(&world.container(), None, &memory)
    };
    assert!(with(&honest).is_ok());
    let mut damaged = honest.clone();
    damaged.set.hashes[0].0[0] ^= 1;
    assert_eq!(code(with(&damaged)), "trust.landmarks");
    let resigned =
        EarlierLandmarks { checkpoint: honest.checkpoint.replacen("\n12\n", "\n11\n", 1), ..honest.clone() };
    assert_ne!(resigned, honest);
    assert_eq!(code(with(&resigned)), "trust.feed-checkpoint");
    let stranger = Log::new("other.example/log", 5);
    assert_eq!(
        code(with(&EarlierLandmarks { checkpoint: stranger.note(), ..honest.clone() })),
        "trust.feed-checkpoint"
    );
    // Another history of the size that memory holds, proved with hashes of its own.
    let sizes = honest.set.landmarks.clone();
    let (landmarks, nodes) =
        FeedLandmarks::nodes(&sizes, TreeSize(fork.size() as u64)).expect("within the log").expect("some");
    let set = FeedLandmarks { landmarks, hashes: fork.nodes(&nodes) };
    assert_eq!(code(with(&EarlierLandmarks { checkpoint: fork.note(), set })), "trust.fork");
}

#[test]
fn a_feed_holds_each_log_once_and_eight_at_most() {
    let (mut world, _issued) = announced();
    world.succeed(Log::new(NEXT, 8));
    let honest = world.landmarks_before[0].clone();
    let named = |number: usize| {
        let checkpoint = honest.checkpoint.replacen(ORIGIN, &format!("log.example/{number}"), 1);
        EarlierLandmarks { checkpoint, ..honest.clone() }
    };
    let feed = |landmarks_before: Vec<EarlierLandmarks>| Feed { landmarks_before, ..world.feed() };
    let most: Vec<_> = (0..MAX_FEED_LOGS).map(named).collect();
    let text = feed(most).to_text().expect("a feed");
    assert_eq!(Feed::parse(&text).expect("a feed").landmarks_before.len(), MAX_FEED_LOGS);
    assert!(feed((0..=MAX_FEED_LOGS).map(named).collect()).to_text().is_err(), "one more");
    assert!(feed(vec![named(1), named(1)]).to_text().is_err(), "a log that stands twice");
    let own = EarlierLandmarks { checkpoint: world.log.note(), ..honest };
    assert!(feed(vec![own]).to_text().is_err(), "the log of the checkpoint");
}

/// Half a year each, of fifty million entries a year: the whole year is there. Of more, the newest.
#[test]
fn a_year_of_landmarks_in_two_logs_fits_into_a_feed() {
    let half = {
        let (mut landmarks, mut schedule) = (Landmarks::new(), Schedule::begin(TreeSize(0), UnixSeconds(0)));
        for hour in 1..=4_380 {
            let size = TreeSize(25_000_000 * hour / 4_380);
            schedule.allocate(&mut landmarks, size, UnixSeconds(hour * HOUR)).expect("a size");
        }
        landmarks
    };
    let size = TreeSize(25_000_000);
    let (landmarks, nodes) = FeedLandmarks::nodes(&half, size).expect("within the log").expect("some");
    let set = FeedLandmarks { landmarks, hashes: vec![Hash([7; 32]); nodes.len()] };
    let (world, _issued, _container) = World::ready();
    let earlier = |origin: &str| {
        let checkpoint = Log::new(origin, 9).note();
        EarlierLandmarks { checkpoint, set: set.clone() }
    };
    let mut room = MAX_FEED_LANDMARK_BYTES - set.length();
    let mut held = Vec::new();
    for origin in ["log.example/2", "log.example/1", "log.example/0"] {
        let Some(fits) = earlier(origin).newest_within(size, room).expect("a set") else { continue };
        room -= fits.length();
        held.push(fits);
    }
    assert_eq!(held[0].set.landmarks.active(), 4_380, "the year before its end");
    assert!(held[1].set.landmarks.active() > 1_000, "and some of the time before");
    let empty = Feed { landmarks_before: Vec::new(), ..world.feed() }.to_text().expect("a feed").len();
    let feed = Feed { landmarks: Some(set.clone()), landmarks_before: held, ..world.feed() };
    let text = feed.to_text().expect("a feed");
    println!("two and a part of half-years: {} bytes", text.len() - empty);
    assert!(text.len() - empty <= MAX_FEED_LANDMARK_BYTES && text.len() < MAX_NOTE_BYTES);
    let none = earlier("log.example/0").newest_within(size, 300).expect("a set");
    assert_eq!(none, None);
}
