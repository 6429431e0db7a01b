//! The population file and its deltas, as a verifier that holds the whole population uses them.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::fs;

use sillok_verifier::population::Population;
use sillok_verifier::{Evidence, Holder, Memory, Policy, Trust, verify};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::{Running, World, issued, payload, request, status_request};

/// A file below `status/population` as a static server would hand it out, after the issuer has served the same.
fn served(world: &World, running: &Running, name: &str) -> (Vec<u8>, String) {
    let answer = running.get(&format!("/status/population/{name}"));
    assert_eq!(answer.status, 200, "{name}");
    let media_type = if name == "trust-bundle" { "application/json" } else { "application/octet-stream" };
    assert_eq!(answer.header("content-type"), Some(media_type));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60, stale-if-error=86400"));
    let tag = answer.header("etag").unwrap().to_owned();
    let file = fs::read(world.path("data/public/status/population").join(name)).unwrap();
    assert_eq!(answer.header("content-length"), Some(file.len().to_string().as_str()));
    let path = format!("/status/population/{name}");
    assert_eq!(running.server.send("GET", &path, &[("if-none-match", &tag)], "").status, 304);
    (file, tag.trim_matches('"').to_owned())
}

/// What a verifier says that has the bundle without states, and this population.
fn judge(
    world: &World,
    running: &Running,
    population: &Population,
    shown: &(String, String),
) -> &'static str {
    let (bundle, _tag) = served(world, running, "trust-bundle");
    let (mut trust, memory) = Trust::open(&bundle, None, &Memory::default(), world.time()).unwrap();
    trust.add_population(population.clone());
    let evidence = Evidence::new(shown.0.as_bytes(), shown.1.as_bytes());
    let (verdict, _memory) = verify(&evidence, &trust, &memory, &Policy::new(Holder::NotAsked), world.time());
    verdict.reason().map_or("valid", |reason| reason.code())
}

//= specs/status.md#publication
//= type=test
#[test]
fn a_verifier_takes_the_whole_once_and_deltas_after() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "operator");
    let mut shown = Vec::new();
    for (key, person) in [("a", "person-1"), ("b", "person-2")] {
        shown.push(issued(&running.issue(&token, key, &request(person)).json()));
    }
    let change = |position: usize, purpose: &str, set: bool| {
        let id = payload(&shown[position].0)["id"].as_str().unwrap().to_owned();
        assert_eq!(
            running.post("/credentials/status", &token, &status_request(&id, purpose, set)).status,
            200
        );
    };
    let (file, first) = served(&world, &running, "whole");
    let mut population = Population::parse(&file).unwrap();
    assert_eq!(judge(&world, &running, &population, &shown[0]), "valid");

    change(0, "revocation", true);
    assert_eq!(judge(&world, &running, &population, &shown[0]), "status.missing", "the file is of before");
    let mut have = first.clone();
    let sync = |population: &mut Population, have: &mut String| {
        let (delta, _tag) = served(&world, &running, &format!("from-{have}"));
        let (whole, tag) = served(&world, &running, "whole");
        *population = population.apply(&delta).unwrap();
        assert_eq!(population.encode(), whole);
        *have = tag;
    };
    sync(&mut population, &mut have);
    assert_eq!(judge(&world, &running, &population, &shown[0]), "status.revoked");
    assert_eq!(judge(&world, &running, &population, &shown[1]), "valid");
    change(1, "suspension", true);
    let suspended = have.clone();
    sync(&mut population, &mut have);
    assert_eq!(judge(&world, &running, &population, &shown[1]), "status.suspended");
    // Two steps in one, for who missed the one between.
    let (delta, _tag) = served(&world, &running, &format!("from-{first}"));
    assert_eq!(Population::parse(&file).unwrap().apply(&delta).as_ref(), Ok(&population));
    // The state of before comes back.
    change(1, "suspension", false);
    sync(&mut population, &mut have);
    assert_eq!(have, suspended);
    assert_eq!(judge(&world, &running, &population, &shown[1]), "valid");
    // From the present one there is nothing to change.
    let now = have.clone();
    sync(&mut population, &mut have);
    assert_eq!(have, now);
    for name in [format!("from-{}", "0".repeat(64)), "from-".into(), "secret".into()] {
        let answer = running.get(&format!("/status/population/{name}"));
        assert_eq!((answer.status, answer.code().as_str()), (404, "route.unknown"), "{name}");
    }
    running.stop();

    // Only the newest file is known after a start; deltas between older ones are gone.
    let running = world.start();
    let folder = fs::read_dir(world.path("data/public/status/population")).unwrap();
    let mut names: Vec<String> =
        folder.map(|item| item.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, [format!("from-{have}").as_str(), "trust-bundle", "whole"]);
    assert_eq!(served(&world, &running, "whole").1, have);
    assert_eq!(judge(&world, &running, &population, &shown[0]), "status.revoked", "no state has changed");
    let id = payload(&shown[1].0)["id"].as_str().unwrap().to_owned();
    let token = world.token(&running, "operator");
    running.post("/credentials/status", &token, &status_request(&id, "revocation", true));
    let (delta, _tag) = served(&world, &running, &format!("from-{have}"));
    population = population.apply(&delta).unwrap();
    assert_eq!(judge(&world, &running, &population, &shown[1]), "status.revoked");
    running.stop();
}
