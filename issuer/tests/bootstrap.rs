//! The first start of an issuer and every later one, interrupted anywhere.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::fs;

use sha2::{Digest as _, Sha256};
use sillok_issuer::slots::{LEASE_SLOTS, Slots};
use sillok_issuer::subjects::Master;
use sillok_issuer::{Backend, OpenError};
use sillok_log::audit::{Auditor, LogKind};
use sillok_log::checkpoint::Checkpoint;
use sillok_registry::sealed::{self, KeyKind, Passphrase};
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::trust::Trust;
use sillok_verifier::{Anchors, Memory};

#[path = "support/remote.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod remote;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use remote::{Loss, Remote};
use world::{Running, World, issued, request};

/// The kinds of all entries, after the oracle has judged them and the published lists.
fn audited(world: &World, running: &Running) -> Vec<u8> {
    let mut auditor = Auditor::new(LogKind::Typed);
    let mut kinds = Vec::new();
    for entry in world.leaves(running) {
        assert_eq!(auditor.push(&entry), None);
        kinds.push(entry[1]);
    }
    let handle = running.registry.as_ref().unwrap().handle();
    let checkpoint = Checkpoint::open(&handle.committed().note, &World::log_key().verifier()).unwrap();
    assert_eq!(auditor.judge(&checkpoint), []);
    let bundle = fs::read(world.path("data/public/trust-bundle")).unwrap();
    let (trust, _memory) = Trust::open(&bundle, None, &Memory::default(), world.time()).unwrap();
    for folder in fs::read_dir(world.path("data/public/status")).unwrap() {
        let folder = folder.unwrap().path();
        // All lists in one file: issuer/tests/population.rs.
        if folder.ends_with("population") {
            continue;
        }
        let file = fs::read(folder.join("snapshot")).unwrap();
        let proved = SnapshotFile::parse(&file).unwrap().prove(trust.policy()).unwrap();
        let (list, sequence) = (proved.snapshot().list, proved.snapshot().sequence);
        assert_eq!(auditor.check_published_list(list, proved.state(), sequence), None);
    }
    kinds
}

/// Issue, status, snapshot, list, key, bundle.
const FIRST_START: [u8; 5] = [5, 4, 3, 6, 6];

#[test]
fn the_first_start_logs_what_it_uses_and_a_later_one_only_what_is_new() {
    let world = World::new();
    let running = world.start();
    assert_eq!(audited(&world, &running), FIRST_START);
    running.stop();
    let running = world.start();
    // A fresh snapshot and feed; key, list and root are as they were.
    assert_eq!(audited(&world, &running), [FIRST_START.as_slice(), &[3, 6]].concat());
    let bundle = running.get("/trust-bundle").text;
    let (trust, memory) = Trust::open(bundle.as_bytes(), None, &Memory::default(), world.time()).unwrap();
    assert_eq!((trust.root().sequence, trust.feed().sequence), (1, 2));
    // A verifier with the root key as its anchor opens it as well, and goes on from there.
    let key = sealed::public_text(&world.path("data/keys"), "root").unwrap();
    let anchors = Anchors::new(vec![sillok_log::note::VerifierKey::parse(&key).unwrap()], 1).unwrap();
    assert!(Trust::open(bundle.as_bytes(), Some(&anchors), &Memory::default(), world.time()).is_ok());
    assert!(Trust::open(bundle.as_bytes(), None, &memory, world.time()).is_ok());
    running.stop();
    // A root that has passed half of its life is renewed.
    world.wait(200 * 24 * 3_600);
    let running = world.start();
    let bundle = running.get("/trust-bundle").text;
    let (trust, _memory) = Trust::open(bundle.as_bytes(), None, &memory, world.time()).unwrap();
    assert_eq!((trust.root().sequence, trust.feed().sequence), (2, 3));
    audited(&world, &running);
    running.stop();
}

#[test]
fn a_first_start_that_is_interrupted_anywhere_is_finished_by_the_next() {
    for loss in [Loss::Request, Loss::Answer] {
        let world = World::new();
        let remote = Remote::start(&world);
        let config = || {
            let mut config = world.config();
            config.limits.start_patience = std::time::Duration::ZERO;
            config
        };
        let mut failures = 0;
        // Each attempt gets one submission further than the one before.
        for budget in 0..40 {
            remote.lose_after(budget, loss);
            match world.open(config(), remote.backend(&world)) {
                Err(error) => {
                    assert!(matches!(error, OpenError::Start(_)), "{error}");
                    failures += 1;
                }
                Ok(issuer) => {
                    issuer.stop();
                    break;
                }
            }
        }
        assert!(failures >= 5, "{failures} attempts failed");
        remote.stop();
        let running = world.start();
        let kinds = audited(&world, &running);
        let count = |kind: u8| kinds.iter().filter(|found| **found == kind).count();
        assert_eq!((count(5), count(4)), (1, 1), "{loss:?}: one key, one list");
        let token = world.token(&running, "clinic");
        let (credential, receipt) = issued(&running.issue(&token, "k", &request("person-1")).json());
        let bundle = running.get("/trust-bundle").text;
        assert!(world.judge(&bundle, &credential, &receipt).admits());
        running.stop();
    }
}

#[test]
fn a_full_list_is_followed_by_another() {
    let world = World::new();
    world.start().stop();
    // Most slots of the list are given away.
    let secret =
        sealed::open(&world.path("data/keys"), "subjects", KeyKind::Raw32, &world.passphrase()).unwrap();
    let master = Master::new(secret.danger_bytes());
    let slots = Slots::open(&world.path("data/issuer/lists"), &master, LEASE_SLOTS).unwrap();
    assert_eq!(slots.take(131_072 / 2 - 10).unwrap().len(), 131_072 / 2 - 10);
    drop(slots);
    let running = world.start();
    let token = world.token(&running, "clinic");
    let bundle = running.get("/trust-bundle").text;
    let (trust, _memory) = Trust::open(bundle.as_bytes(), None, &Memory::default(), world.time()).unwrap();
    assert_eq!(trust.feed().snapshots.len(), 2);
    for number in 0..20 {
        let answer = running.issue(&token, &format!("k{number}"), &request("person-1"));
        let (credential, receipt) = issued(&answer.json());
        assert!(world.judge(&bundle, &credential, &receipt).admits(), "{number}");
    }
    audited(&world, &running);
    running.stop();
}

#[test]
fn what_does_not_belong_together_is_not_opened() {
    let world = World::new();
    let running = world.start();
    let handle = running.registry.as_ref().unwrap().handle();
    let again = world.open(world.config(), Backend::Embedded(handle)).err().unwrap();
    assert!(matches!(again, OpenError::Store(_)), "two at once: {again}");
    running.stop();
    let registry = world.registry();
    let backend = || Backend::Embedded(registry.handle());
    let mut config = world.config();
    config.public_url = "https://health.example/path/".into();
    let error = world.open(config, backend()).err().unwrap();
    assert!(error.to_string().contains("public_url"), "{error}");
    fs::write(world.path("other"), "another passphrase\n").unwrap();
    let other = Passphrase::load(&world.path("other")).unwrap();
    let types = sillok_issuer::types::CredentialTypes::load(None).unwrap();
    let error =
        sillok_issuer::Issuer::open(world.config(), types, other, backend(), world.clock()).err().unwrap();
    assert!(matches!(error, OpenError::Keys(_)), "{error}");
    let state = world.path("data/issuer/state");
    let kept = fs::read_to_string(&state).unwrap();
    // Under a checksum that is right: the text is what its writer would have written.
    let (json, _check) = kept.rsplit_once('\n').unwrap();
    let other = json.replacen("issuer-1", "issuer-2", 1);
    let check = sillok_log::Hash(Sha256::digest(&other).into()).to_hex();
    fs::write(&state, format!("{other}\nsha256 {check}")).unwrap();
    let error = world.open(world.config(), backend()).err().unwrap();
    assert!(matches!(error, OpenError::Start(_)), "another key than the log's: {error}");
    fs::remove_file(world.path("data/keys/issuer-2.pem")).unwrap();
    fs::write(&state, "{}").unwrap();
    let error = world.open(world.config(), backend()).err().unwrap();
    assert!(error.to_string().contains("state"), "{error}");
    fs::write(&state, kept).unwrap();
    world.open(world.config(), backend()).unwrap().stop();
    registry.stop().unwrap();
}

#[test]
fn a_log_that_does_not_know_the_submitter_is_no_log_for_it() {
    let world = World::new();
    let remote = Remote::start(&world);
    let Backend::Remote { administrator, issuer } = remote.backend(&world) else { panic!("a remote one") };
    let swapped = Backend::Remote { administrator: issuer, issuer: administrator };
    let error = world.open(world.config(), swapped).err().unwrap();
    assert!(error.to_string().contains("submitter.not-authorised"), "{error}");
    world.open(world.config(), remote.backend(&world)).unwrap().stop();
    remote.stop();
}
