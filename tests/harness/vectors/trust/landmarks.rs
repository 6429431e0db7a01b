//! The landmarks of a feed: those of its own log, and those of a log before it.

use super::super::Vector;
use super::super::world::{Log, Plan, World, log_key};
use super::documents::malformed;
use super::{built, opened, relogged, world};
use crate::reference::encoding::{base64, unbase64};
use crate::reference::note::{ED25519, NoteKey};

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = own();
    all.extend(before());
    all.extend(malformed_before());
    all
}

fn own() -> Vec<Vector> {
    let sizes = |newest, sizes: &[u64]| built(|plan| plan.landmarks = (newest, sizes.to_vec()));
    let changed = |from: &str, to: &str| {
        let mut world = world(|plan| plan.landmarks = (2, vec![0, 4, 6]));
        assert!(world.published.feed.landmarks[0].contains(from));
        world.published.feed.landmarks[0] = world.published.feed.landmarks[0].replacen(from, to, 1);
        relogged(&world)
    };
    let refused = "trust.landmarks";
    let hashes = "\"hashes\":\"";
    let item = world(|plan| plan.landmarks = (2, vec![0, 4, 6])).published.feed.landmarks[0].clone();
    let held =
        item.split(hashes).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
    let bytes = unbase64(&held).expect("base64");
    let other = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        changed(&held, &base64(&bytes))
    };
    vec![
        opened("landmarks", "ok", "two landmarks", &[&sizes(2, &[0, 4, 6])]),
        opened("landmarks-window", "ok", "the newest of many", &[&sizes(3, &[4, 6, 7])]),
        opened(
            "landmarks-renewed",
            "ok",
            "others in the next feed",
            &[&sizes(2, &[0, 4, 6]), &{
                let world = world(|plan| plan.landmarks = (2, vec![0, 4, 6]));
                let next = Plan { feed_number: (2, 1), landmarks: (3, vec![0, 4, 6, 9]), ..Plan::default() };
                world.renewed(&next).published.container
            }],
        ),
        opened("landmarks-first-hash", refused, "a bit of the first hash", &[&other(&|bytes| bytes[0] ^= 1)]),
        opened(
            "landmarks-last-hash",
            refused,
            "a bit of the last hash",
            &[&other(&|bytes| {
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
            })],
        ),
        opened(
            "landmarks-too-few",
            refused,
            "the last hash is gone",
            &[&other(&|bytes| {
                bytes.truncate(bytes.len() - 32);
            })],
        ),
        opened("landmarks-too-many", refused, "one hash more", &[&other(&|bytes| bytes.extend([7; 32]))]),
        opened(
            "landmarks-other-cut",
            refused,
            "a size that calls for other nodes",
            &[&changed("[0,4,6]", "[0,5,6]")],
        ),
        opened(
            "landmarks-beyond",
            refused,
            "a landmark beyond the checkpoint",
            &[&changed("[0,4,6]", "[0,4,60]")],
        ),
    ]
}

/// The log before, with three landmarks held.
fn frozen(name: &str) -> World {
    let key = NoteKey::new(name, ED25519, 8);
    Plan::default().build_on(Log { key, witnesses: Vec::new(), entries: Vec::new() })
}

const FROZEN: &str = "log.example/before";

fn held() -> (u64, Vec<u64>) {
    (2, vec![0, 4, 6])
}

/// A world whose policy names the log before, too, with these landmarks of it.
fn succeeded(landmarks: (u64, Vec<u64>), before: Vec<String>) -> World {
    world(|plan| {
        let old = frozen(FROZEN).log.key.vkey();
        plan.policy = Some(format!("log {old}\nlog {}\nquorum none\n", log_key().vkey()));
        (plan.landmarks, plan.landmarks_before) = (landmarks, before);
    })
}

fn before() -> Vec<Vector> {
    let item = frozen(FROZEN).landmarks_as_before(&held());
    let with = |landmarks, item: &str| succeeded(landmarks, vec![item.to_owned()]).published.container;
    let none = || (0, Vec::new());
    let hashes = "\"hashes\":\"";
    let damaged = match item.split(hashes).nth(1).and_then(|rest| rest.chars().next()) {
        Some('A') => item.replacen(&format!("{hashes}A"), &format!("{hashes}B"), 1),
        Some(first) => item.replacen(&format!("{hashes}{first}"), &format!("{hashes}A"), 1),
        None => String::new(),
    };
    let size = frozen(FROZEN).log.size();
    let changed = item.replacen(&format!("\\n{size}\\n"), &format!("\\n{}\\n", size + 1), 1);
    assert_ne!(changed, item);
    let foreign = frozen("other.example/log").landmarks_as_before(&held());
    vec![
        opened(
            "landmarks-two-logs",
            "ok",
            "those of its own log and of the one before",
            &[&with(held(), &item)],
        ),
        opened("landmarks-before-alone", "ok", "its own log has none yet", &[&with(none(), &item)]),
        opened(
            "landmarks-before-hash",
            "trust.landmarks",
            "a bit of a hash of the log before",
            &[&with(held(), &damaged)],
        ),
        opened(
            "landmarks-before-changed",
            "trust.feed-checkpoint",
            "the size changed under the signature of the log before",
            &[&with(held(), &changed)],
        ),
        opened(
            "landmarks-before-foreign",
            "trust.feed-checkpoint",
            "a log that the policy does not name",
            &[&with(held(), &foreign)],
        ),
    ]
}

fn malformed_before() -> Vec<Vector> {
    let named = |name: &str| frozen(name).landmarks_as_before(&held());
    let case = |name: &str, comment: &str, landmarks: (u64, Vec<u64>), items: Vec<String>| {
        malformed(&format!("landmarks-{name}"), comment, succeeded(landmarks, items).trust())
    };
    let own = succeeded(held(), Vec::new()).published.feed.landmarks.remove(0);
    let of_own_log = {
        let own = succeeded(held(), Vec::new());
        own.landmarks_as_before(&held())
    };
    let item = named(FROZEN);
    vec![
        case("own-behind", "those of its own log are the first", (0, Vec::new()), vec![item.clone(), own]),
        case("log-twice", "each log once", held(), vec![item.clone(), item]),
        case("own-with-checkpoint", "its own log once", (0, Vec::new()), vec![of_own_log.clone()]),
        case("own-twice", "its own log once", held(), vec![of_own_log]),
        case(
            "nine-logs",
            "8 logs",
            held(),
            (1..=8).map(|number| named(&format!("log.example/before-{number}"))).collect(),
        ),
    ]
}
