//! Numbered trust bundles: what is published beside the newest one, and that a reader gets on by it.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;
use sillok_verifier::trust::{Container, Delta};
use sillok_verifier::{Memory, Trust};

#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use world::{Running, World};

fn names(world: &World) -> BTreeSet<String> {
    let folder = fs::read_dir(world.path("data/public/trust-bundles")).unwrap();
    folder.map(|item| item.unwrap().file_name().into_string().unwrap()).collect()
}

/// An hour later, everything anew.
fn publish(world: &World, running: &Running) {
    world.wait(3_600);
    let token = world.token(running, "operator");
    let answer = running.post("/admin/publish", &token, &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[test]
fn each_hour_has_a_number_and_deltas_lead_to_the_newest() {
    let world = World::new();
    let running = world.start();
    let expected = ["1.1", "latest", "root.1"].map(str::to_owned);
    assert_eq!(names(&world), BTreeSet::from(expected));
    let first = running.get("/trust-bundles/1.1");
    assert_eq!(first.text, running.get("/trust-bundle").text);
    assert_eq!(first.text, running.get("/trust-bundles/root.1").text);
    assert_eq!(first.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert!(first.header("etag").is_some());
    let mut memory = Memory::default();
    for sequence in 2..=14_u64 {
        publish(&world, &running);
        let latest = running.get("/trust-bundles/latest");
        assert_eq!(latest.json()["number"], format!("1.{sequence}"));
        assert_eq!(latest.header("cache-control"), Some("public, max-age=60, stale-if-error=86400"));
        assert!(latest.text.len() <= 1_024);
        let whole = running.get(&format!("/trust-bundles/1.{sequence}")).text;
        assert_eq!(whole, running.get("/trust-bundle").text);
        let (trust, kept) = Trust::open(whole.as_bytes(), None, &memory, world.time()).unwrap();
        assert_eq!(trust.feed().sequence, sequence);
        memory = kept;
    }
    // The newest twelve, a delta from each of the others to the newest, the root's first, and latest.
    let names = names(&world);
    let whole: Vec<&String> =
        names.iter().filter(|name| name.starts_with("1.") && !name.contains('-')).collect();
    assert_eq!(whole.len(), 12, "{names:?}");
    assert!(!names.contains("1.2") && names.contains("1.3") && names.contains("root.1"), "{names:?}");
    let deltas: Vec<&String> = names.iter().filter(|name| name.contains('-')).collect();
    assert_eq!(deltas.len(), 11, "{names:?}");
    assert!(deltas.iter().all(|name| name.ends_with("-1.14")), "{names:?}");
    assert_eq!(names.len(), 12 + 11 + 2, "{names:?}");
    let result = running.get("/trust-bundle").text;
    let result = Container::parse(result.as_bytes()).unwrap();
    let folder = world.path("data/public/trust-bundles");
    for name in deltas {
        let base = name.split_once('-').unwrap().0;
        let base = Container::parse(&fs::read(folder.join(base)).unwrap()).unwrap();
        let delta = fs::read(folder.join(name)).unwrap();
        assert_eq!(Delta::parse(&delta).unwrap().apply(&base).unwrap(), result, "{name}");
        assert_eq!(running.get(&format!("/trust-bundles/{name}")).status, 200);
    }
    for other in
        ["", "1", "1.0x", "1.2", "root", "root.x", "..%2ftrust-bundle", "latest.new", "1.3-1.14-1.15"]
    {
        let answer = running.get(&format!("/trust-bundles/{other}"));
        assert_eq!(answer.status, 404, "{other}");
    }
    running.stop();
}

/// A verifier that slept through changes of the root finds each of them.
#[test]
fn the_first_bundle_of_each_root_stays() {
    let world = World::new();
    let running = world.start();
    let first = running.get("/trust-bundle").text;
    let (_trust, memory) = Trust::open(first.as_bytes(), None, &Memory::default(), world.time()).unwrap();
    for _change in 0..2 {
        world.wait(3_600);
        let token = world.token(&running, "operator");
        assert_eq!(running.post("/admin/keys/rotate", &token, &json!({})).status, 200);
    }
    let newest = running.get("/trust-bundle").text;
    let refused = Trust::open(newest.as_bytes(), None, &memory, world.time()).unwrap_err();
    assert_eq!(refused.code(), "trust.root-gap");
    let step = running.get("/trust-bundles/root.2").text;
    let (_trust, memory) = Trust::open(step.as_bytes(), None, &memory, world.time()).unwrap();
    assert!(Trust::open(newest.as_bytes(), None, &memory, world.time()).is_ok());
    running.stop();
}
