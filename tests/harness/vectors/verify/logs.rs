//! Two logs under one policy: a list lives in one of them.

use super::super::Vector;
use super::super::world::{LIST, Log, Plan, SLOT, SLOTS, World, log_key};
use super::statuses::rendered;
use super::{Scene, world};
use crate::reference::entry::{issuer_hash, list};
use crate::reference::note::{ED25519, NoteKey};
use crate::reference::status::Slots;

/// Slot 5 is revoked in the first log. In the second somebody else declared the same list id, and nothing is revoked.
fn two_logs(change: impl FnOnce(&mut Plan)) -> (World, String) {
    let second = NoteKey::new("other.example/log", ED25519, 8);
    let policy = format!("log {}\nlog {}\nquorum none\n", log_key().vkey(), second.vkey());
    let world = world(|plan| {
        plan.policy = Some(policy);
        plan.changes = vec![(SLOT, 1)];
        change(plan);
    });
    let declared = list(&LIST, &issuer_hash("https://neighbour.example"), SLOTS);
    let mut log = Log { key: second, witnesses: Vec::new(), entries: vec![declared] };
    let (snapshot, index, state) = Plan::default().snapshot(&mut log, 9);
    let file = snapshot.file(&log.receipt(index, log.size(), None), &state);
    (world, format!("{file}\n"))
}

pub(super) fn vectors() -> Vec<Vector> {
    let revoked = "not valid status.revoked";
    let nothing = "cannot tell status.digest-mismatch";
    let show = |world: &World, files: Vec<String>| Scene::of(world).with(|scene| scene.statuses = files);
    let (embedded, other) = two_logs(|_| ());
    let (bare, _) = two_logs(|plan| plan.embedded = false);
    let (unnamed, _) = two_logs(|plan| (plan.in_feed, plan.embedded) = (false, false));
    let own = format!("{}\n", unnamed.published.file);
    let mut both = embedded.clone();
    both.published.container.snapshots.push(other.trim_end().to_owned());
    let clean = Slots(vec![0; usize::try_from(SLOTS).expect("a list fits memory")]);
    let pair = ["revocation", "suspension"].map(|purpose| rendered(&bare, purpose, &clean)).to_vec();
    let with_pair = [pair, vec![other.clone()]].concat();
    vec![
        show(&embedded, vec![other.clone()]).vector(
            "list-of-other-log",
            revoked,
            "a higher sequence of the same list id in another log means nothing",
        ),
        show(&both, Vec::new()).vector(
            "list-of-other-log-embedded",
            revoked,
            "the same where the bundle embeds both states",
        ),
        show(&bare, vec![other.clone()]).vector(
            "list-of-other-log-alone",
            nothing,
            "the feed names the list, and nobody has its state",
        ),
        show(&bare, with_pair).vector(
            "list-of-other-log-w3c",
            nothing,
            "a pair of W3C lists that only another log proves",
        ),
        show(&unnamed, vec![other.clone(), own]).vector(
            "list-of-receipts-log",
            revoked,
            "the feed does not name the list: its log is that of the receipt",
        ),
        show(&unnamed, vec![other]).vector(
            "list-of-other-log-unnamed",
            nothing,
            "the same without a state of the receipt's log",
        ),
    ]
}
