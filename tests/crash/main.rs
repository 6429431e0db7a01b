//! Crash: a receipt in hand is never lost (DESIGN: reliability; specs/design.md, "If we crash").
//!
//! The writer is the real binary in a process of its own, killed with SIGKILL again and again. Acknowledged receipts are
//! held by this process, which writes nothing of the log. After each restart every one of them is held against what the
//! log now publishes, and the oracle replays the whole of it.

mod cache;
#[expect(dead_code, reason = "the faults of the system use the rest")]
#[path = "outside.rs"]
mod outside;

use std::path::{Path, PathBuf};

use cache::Cache;
use outside::acknowledged::Acknowledged;
use outside::inspection::Inspection;
use outside::issuance::{self, Client, Handed};
use outside::lane::Lane;
use outside::load::{self, Trigger};
use outside::writer::{Folder, Service};

/// The binary under test.
fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_sillok").into()
}

#[test]
fn every_acknowledged_receipt_survives_kills_at_random_moments() {
    let seed = seed();
    println!("seed {seed} (SILLOK_CRASH_SEED sets another)");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = Folder::init();
    let mut acknowledged = Acknowledged::default();
    load::begin(&folder, &mut acknowledged);
    let mut lanes: Vec<Lane> = (0..LANES).map(|number| Lane::new(number, random.fork())).collect();
    let (mut last, mut lost_starts) = (None, 0);
    // Reads everything that has a name whenever no writer runs: also what a killed one has left beside its checkpoint.
    let (mut cache, public) = (Cache::default(), Path::new(folder.path()).join("public"));
    for round in 0..ROUNDS {
        cache.see_all(&public);
        if random.u32(0..3) == 0 {
            // Recovery is killed too: whatever it had done by then, the next one starts from it.
            folder.kill_while_starting(Service::Registry, &mut random);
            lost_starts += 1;
        }
        let mut writer = folder.start(Service::Registry, draw_interval(&mut random));
        let found = Inspection::of(&folder, if round % 2 == 0 { writer.url() } else { folder.path() });
        found.follows(last.as_ref());
        found.holds(&acknowledged);
        cache.see_all(&public);
        cache.audit(found.checkpoint());
        let trigger = Trigger::draw(&mut random);
        load::run_until_killed(&folder, &mut writer, &mut lanes, trigger, &found, &mut acknowledged);
        last = Some(found);
    }
    let writer = folder.start(Service::Registry, PUBLISH_INTERVALS[0]);
    let found = Inspection::of(&folder, writer.url());
    found.follows(last.as_ref());
    found.holds(&acknowledged);
    drop(writer);
    // Two more opinions, from the files alone.
    folder.expect_success(&["fsck", "--data", folder.path()]);
    folder.expect_success(&["audit", folder.path(), "--vkey", &folder.log_key().to_string()]);
    let unanswered: usize = lanes.iter().map(Lane::unanswered).sum();
    assert!(acknowledged.recovered() > 0, "no kill came between a commit and its answer");
    println!(
        "{ROUNDS} rounds, {lost_starts} starts killed: {} entries acknowledged on {} checkpoints, {} in the log, \
         {unanswered} submissions cut off, {} retried entries had been logged without an answer, a cache kept {} files",
        acknowledged.len(),
        acknowledged.checkpoints().count(),
        found.size(),
        acknowledged.recovered(),
        cache.len(),
    );
}

#[test]
fn every_credential_in_hand_survives_kills_of_its_issuer() {
    let seed = seed();
    println!("seed {seed} (SILLOK_CRASH_SEED sets another)");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = Folder::init();
    // Keys, list, first snapshot, root and feed are made by the first start that gets that far.
    for _start in 0..FIRST_STARTS {
        folder.kill_while_starting(Service::Serve, &mut random);
    }
    let (mut acknowledged, mut handed) = (Acknowledged::default(), Handed::default());
    let mut clients: Vec<Client> = (0..CLIENTS).map(|number| Client::new(number, random.fork())).collect();
    let mut last = None;
    for _round in 0..ISSUER_ROUNDS {
        let mut writer = folder.start(Service::Serve, draw_interval(&mut random));
        let found = Inspection::of(&folder, writer.url());
        found.follows(last.as_ref());
        found.holds(&acknowledged);
        handed.hold(&found, writer.url());
        let trigger = Trigger::draw(&mut random);
        issuance::run_until_killed(
            &folder,
            &mut writer,
            &mut clients,
            trigger,
            &mut handed,
            &mut acknowledged,
        );
        last = Some(found);
    }
    let writer = folder.start(Service::Serve, PUBLISH_INTERVALS[0]);
    let answered = handed.len();
    handed.settle(writer.url(), &folder, &mut acknowledged);
    // Once more, for all of it: what was just handed over need not be public yet.
    drop(writer);
    let writer = folder.start(Service::Serve, PUBLISH_INTERVALS[0]);
    let found = Inspection::of(&folder, writer.url());
    found.follows(last.as_ref());
    found.holds(&acknowledged);
    handed.hold(&found, writer.url());
    assert_eq!(found.issue_entries(), handed.len(), "there is a leaf that is no credential in hand");
    assert!(handed.logged_unanswered() > 0, "no kill came between an intent and its answer");
    drop(writer);
    folder.expect_success(&["fsck", "--data", folder.path()]);
    folder.expect_success(&["audit", folder.path(), "--vkey", &folder.log_key().to_string()]);
    println!(
        "{ISSUER_ROUNDS} rounds: {} credentials in hand, {} of them after a retry at the end; {} leaves were found \
         that nobody had been answered with",
        handed.len(),
        handed.len() - answered,
        handed.logged_unanswered()
    );
}

#[test]
fn a_second_writer_is_refused_and_the_first_goes_on() {
    let folder = Folder::init();
    let mut acknowledged = Acknowledged::default();
    let writer = folder.start(Service::Registry, PUBLISH_INTERVALS[0]);
    let refused = folder.expect_refusal(&["registry", "--data", folder.path(), "--listen", "127.0.0.1:0"]);
    assert!(refused.contains("another process writes this log"), "{refused}");
    load::begin_at(&folder, &writer, &mut acknowledged);
    Inspection::of(&folder, writer.url()).holds(&acknowledged);
    assert!(acknowledged.len() > 0, "the first writer took nothing");
}

#[test]
fn a_log_without_its_head_is_not_begun_anew() {
    let folder = Folder::init();
    load::begin(&folder, &mut Acknowledged::default());
    let before = Inspection::of(&folder, folder.path());
    folder.remove_head();
    let refused = folder.expect_refusal(&["registry", "--data", folder.path(), "--listen", "127.0.0.1:0"]);
    assert!(refused.contains(".head is missing"), "{refused}");
    assert!(!folder.has_head(), "a head was made for a log that had lost it");
    Inspection::of(&folder, folder.path()).follows(Some(&before));
}

fn draw_interval(random: &mut fastrand::Rng) -> u32 {
    random.choice(PUBLISH_INTERVALS).unwrap_or_default()
}

/// The same moments each time as far as we decide them; the machine decides the rest.
fn seed() -> u64 {
    match std::env::var("SILLOK_CRASH_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("SILLOK_CRASH_SEED is {text:?}: {error}")),
        Err(_unset) => DEFAULT_SEED,
    }
}

/// Kills of a writer under load.
const ROUNDS: u32 = 50;

/// Threads that submit at the same time.
const LANES: u32 = 4;

/// Kills of an issuer under load.
const ISSUER_ROUNDS: u32 = 15;

/// Kills before the first start of an issuer that succeeds.
const FIRST_STARTS: u32 = 6;

/// Clients that ask at the same time.
const CLIENTS: usize = 4;

/// Milliseconds between publications, one drawn for each round: kills meet every step of a publication, or a head that
/// is far ahead of it.
const PUBLISH_INTERVALS: [u32; 3] = [1, 20, 200];

/// Any number.
const DEFAULT_SEED: u64 = 0x5111_0c20_2112_1300;
