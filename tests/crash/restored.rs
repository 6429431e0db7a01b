//! Files that come from a backup, two writers on one head, and a clock that goes back.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sillok_log::UnixSeconds;
use sillok_registry::{Registry, Stores};

use super::inside;
use super::outside::acknowledged::Acknowledged;
use super::outside::batch::{self, Answered};
use super::outside::inspection::Inspection;
use super::outside::load;
use super::outside::writer::{Folder, Launch, Service};
use super::published;
use sillok_client::Level;

/// A log of some entries, stopped.
fn begin() -> (Folder, Acknowledged) {
    let folder = Folder::init();
    let mut acknowledged = Acknowledged::default();
    let writer = folder.start(Service::Registry, 1);
    load::begin_at(&folder, &writer, &mut acknowledged);
    let entries = batch::issues(0, 20);
    let answered = batch::submit(&folder, &writer, &entries, Level::Published, None, &mut acknowledged);
    assert_eq!(answered, Answered::Logged);
    (folder, acknowledged)
}

/// Entries that are logged after the backup.
fn go_on(folder: &Folder, from: u32, acknowledged: &mut Acknowledged) {
    let writer = folder.start(Service::Registry, 1);
    let entries = batch::issues(from, 10);
    let answered = batch::submit(folder, &writer, &entries, Level::Published, None, acknowledged);
    assert_eq!(answered, Answered::Logged);
}

/// Puts the data folder of a backup where that of a log is, and leaves the head.
fn restore_data(folder: &Folder, backup: &Folder) {
    fs::remove_dir_all(folder.path()).expect("the data folder is there");
    fs::rename(backup.path(), folder.path()).expect("the backup is there");
}

#[test]
fn data_restored_from_a_backup_with_the_head_kept_is_refused() {
    let (folder, mut acknowledged) = begin();
    let backup = folder.copy();
    go_on(&folder, 100, &mut acknowledged);
    let head = fs::read(folder.head()).expect("a head");
    restore_data(&folder, &backup);
    for _attempt in 0..2 {
        for command in ["registry", "serve"] {
            let refused =
                folder.expect_refusal(&[command, "--data", folder.path(), "--listen", "127.0.0.1:0"]);
            // 20 issue entries, a key and a list were in the backup.
            assert!(refused.contains("lacks the entry of leaf 22, which was signed"), "{refused}");
        }
    }
    let (code, told) = folder.told(&["fsck", "--data", folder.path()]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("lacks the entry of leaf 22"), "{told}");
    assert_eq!(fs::read(folder.head()).expect("a head"), head, "something was signed");
}

#[test]
fn data_and_head_both_restored_without_a_witness_are_not_noticed() {
    let (folder, mut acknowledged) = begin();
    let backup = folder.copy();
    go_on(&folder, 100, &mut acknowledged);
    let before = published(&folder);
    // The whole machine goes back: nothing that it has knows better. Only a witness, or a reader who remembers, does.
    let mut forgetful = Acknowledged::default();
    go_on(&backup, 200, &mut forgetful);
    let after = published(&backup);
    assert_eq!(before.size, after.size);
    assert_ne!(before.root, after.root, "the second history is another one");
    backup.expect_success(&["fsck", "--data", backup.path()]);
    // Whoever holds receipts of the first history has the evidence.
    let found = Inspection::of(&backup, backup.path());
    assert_eq!(found.lost(&acknowledged).len(), 10, "entries of the first history");
    assert!(!found.forks(&acknowledged).is_empty(), "and a checkpoint that contradicts the second");
}

#[test]
fn a_second_writer_is_refused_of_any_kind_and_while_the_first_recovers() {
    let (folder, _acknowledged) = begin();
    // Another folder whose settings name the same head.
    let twin = folder.copy();
    let settings = Path::new(twin.path()).join("sillok.toml");
    let text = fs::read_to_string(&settings).expect("settings");
    let head = format!("head = {:?}\n", folder.head());
    let shared: Vec<&str> = text.lines().filter(|line| !line.starts_with("head")).collect();
    fs::write(&settings, head + &shared.join("\n")).expect("settings");
    let refused = |held_by: &str| {
        for place in [folder.path(), twin.path()] {
            for command in ["registry", "serve"] {
                let told = folder.expect_refusal(&[command, "--data", place, "--listen", "127.0.0.1:0"]);
                assert!(told.contains("another process writes this log"), "beside {held_by}: {told}");
            }
        }
    };
    // It has locked the log, and not begun to recover.
    let stores = Stores::open(&inside::paths(&folder), 4_096).expect("the first one");
    refused("one that recovers");
    drop(stores);
    let mut last = 0;
    for service in [Service::Registry, Service::Serve] {
        let writer = folder.start(service, 1);
        refused("one that runs");
        let mut acknowledged = Acknowledged::default();
        let entries = batch::issues(300 + last, 2);
        last += 2;
        let answered = batch::submit(&folder, &writer, &entries, Level::Published, None, &mut acknowledged);
        assert_eq!(answered, Answered::Logged, "the first writer goes on");
    }
}

#[test]
fn a_clock_that_jumps_back_is_not_followed_and_far_back_ends_the_writer() {
    let (folder, _acknowledged) = begin();
    let key = folder.unseal_log_key();
    let begun = (load::clock())().0 + 60;
    let now = Arc::new(AtomicU64::new(begun));
    let clock = Arc::clone(&now);
    let stores = Stores::open(&inside::paths(&folder), 4_096).expect("the stores");
    let clock: sillok_registry::Clock = Arc::new(move || UnixSeconds(clock.load(Ordering::SeqCst)));
    let registry = Registry::open(inside::options(&key), stores, clock).expect("it opens");
    let registry = inside::ready(registry).expect("it opens");
    let mut from = 400;
    let mut submit = |at: u64| {
        now.store(at, Ordering::SeqCst);
        from += 1;
        inside::submit(&registry, &batch::issues(from, 1)).map(drop)
    };
    submit(begun).expect("the clock stands");
    submit(begun - 10).expect("ten seconds back are borne");
    let refused = submit(begun - 11).expect_err("more are not");
    assert!(refused.contains("clock says"), "{refused}");
    submit(begun).expect_err("a writer that has stopped stays so");
    drop(registry.stop());
    // What was signed last is what the log goes by: not the earlier clock that was borne.
    let told =
        inside::open_at(&folder, &key, UnixSeconds(begun - 11)).err().expect("a clock far behind is refused");
    assert!(told.contains("clock says") && told.contains(&begun.to_string()), "{told}");
    drop(inside::open_at(&folder, &key, UnixSeconds(begun - 10)).expect("ten seconds are borne"));
    // The real binary under the real clock, a minute behind: until its operator says so, once.
    let launch = Launch::new(Service::Registry, 1);
    let ended = folder.try_start(&launch).err().expect("a clock far behind is refused");
    assert!(ended.complaints.contains("clock says"), "{}", ended.complaints);
    let accepts =
        Launch { arguments: vec!["--accept-earlier-clock".into()], ..Launch::new(Service::Registry, 1) };
    drop(folder.try_start(&accepts).expect("the operator says so"));
    drop(folder.try_start(&launch).expect("once is enough"));
}
