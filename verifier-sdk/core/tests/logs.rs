//! Two logs under one policy: a list lives in one of them, and what the other holds under its id means nothing.

use sillok_log::entry::{Entry, List, MIN_LIST_SLOTS, Snapshot, StatusValue, issuer_hash};
use sillok_log::status::ListState;
use sillok_log::{TreeSize, UnixSeconds};
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::trust::Container;
use sillok_verifier::{Reason, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::log::Log;
use world::*;

/// A policy that believes two logs. The credential and its revoked slot are in the first; in the second another issuer has
/// declared the same list id, and publishes every slot as valid under a higher number.
struct TwoLogs {
    world: World,
    issued: Issued,
    honest: SnapshotFile,
    rogue: SnapshotFile,
}

impl TwoLogs {
    fn new() -> Self {
        let mut world = World::new();
        let mut second = Log::new("second.example/annals", 5);
        let keys = [&world.log, &second].map(|log| log.key.verifier());
        world.root.policy = format!("log {}\nlog {}\nquorum none\n", keys[0], keys[1]);
        let issued = world.issue(&payload());
        world.set(StatusValue::Revoked);
        let published = world.publish();
        let honest = world.file(&published);

        let owner = issuer_hash("https://other.example").expect("short");
        second.append(&Entry::List(List { list: LIST, issuer: owner, size: MIN_LIST_SLOTS }));
        let state = ListState::new(LIST, MIN_LIST_SLOTS).expect("a list");
        let snapshot = Snapshot {
            list: LIST,
            sequence: 9,
            digest: state.digest(),
            fold_size: TreeSize(1),
            issued: UnixSeconds(NOW.0 - HOUR),
            not_after: UnixSeconds(NOW.0 + 6 * HOUR),
        };
        let index = second.append(&Entry::Snapshot(snapshot));
        // Nobody signs the file: it may say whose list it is and where, as it likes.
        let rogue = SnapshotFile::new(&uri(), ISSUER, &snapshot, &state, &second.receipt(index));
        Self { world, issued, honest, rogue: rogue.expect("a file") }
    }

    /// A bundle whose feed names the list or does not, with these files embedded.
    fn container(&mut self, names_list: bool, files: &[&SnapshotFile]) -> Container {
        let mut feed = self.world.feed();
        if !names_list {
            feed.snapshots.clear();
        }
        let files = files.iter().map(|file| (*file).clone()).collect();
        self.world.container_of(&feed, files)
    }

    fn judge(&mut self, names_list: bool, embedded: &[&SnapshotFile], shown: &[&SnapshotFile]) -> Verdict {
        let container = self.container(names_list, embedded);
        let shown: Vec<String> = shown.iter().map(|file| file.to_json()).collect();
        let shown: Vec<&[u8]> = shown.iter().map(String::as_bytes).collect();
        self.world.judge_with(&container, &self.issued, &shown)
    }
}

#[test]
fn another_logs_list_of_the_same_id_hides_no_revocation() {
    let mut logs = TwoLogs::new();
    let (honest, rogue) = (logs.honest.clone(), logs.rogue.clone());
    for names_list in [true, false] {
        let orders: [(&[&SnapshotFile], &[&SnapshotFile]); 7] = [
            (&[&honest], &[]),
            (&[&honest], &[&rogue]),
            (&[&honest, &rogue], &[]),
            (&[&rogue, &honest], &[&rogue]),
            (&[&rogue], &[&honest]),
            (&[], &[&rogue, &honest]),
            (&[], &[&honest, &rogue]),
        ];
        for (position, (embedded, shown)) in orders.into_iter().enumerate() {
            let verdict = logs.judge(names_list, embedded, shown);
            assert_eq!(verdict, Verdict::of(Reason::StatusRevoked), "{names_list} {position}");
        }
        // Alone it is no state of the list at all.
        for (embedded, shown) in [(&[&rogue][..], &[][..]), (&[], &[&rogue]), (&[&rogue], &[&rogue])] {
            assert!(matches!(logs.judge(names_list, embedded, shown), Verdict::Unknown(_)), "{names_list}");
        }
    }
}

/// The same with W3C status lists: a pair needs a snapshot of the list's own log.
#[test]
fn a_pair_that_only_another_log_proves_is_no_state() {
    let mut logs = TwoLogs::new();
    let plane = vec![0; logs.world.state.revocation().len()];
    let issuer = Signing::p256(11);
    let pair = ["revocation", "suspension"].map(|purpose| plane_credential(&issuer, purpose, &plane));
    let rogue = logs.rogue.clone();
    for names_list in [true, false] {
        let container = logs.container(names_list, &[&rogue]);
        let shown = [pair[0].as_bytes(), pair[1].as_bytes()];
        let verdict = logs.world.judge_with(&container, &logs.issued, &shown);
        assert!(matches!(verdict, Verdict::Unknown(_)), "{names_list} {verdict}");
    }
}

/// Where the feed names the list, its log counts, wherever the credential was logged.
#[test]
fn the_feed_says_which_log_a_list_lives_in() {
    let mut logs = TwoLogs::new();
    let (honest, rogue) = (logs.honest.clone(), logs.rogue.clone());
    let container = logs.container(true, &[&honest]);
    let mut second = Log::new("second.example/annals", 5);
    std::mem::swap(&mut logs.world.log, &mut second);
    let elsewhere = logs.world.log_credential(logs.issued.credential.clone());
    let shown = rogue.to_json();
    let verdict = logs.world.judge_with(&container, &elsewhere, &[shown.as_bytes()]);
    assert_eq!(verdict, Verdict::of(Reason::StatusRevoked));
}
