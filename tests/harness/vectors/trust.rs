//! Opening a trust bundle: each error, in scenarios of one or more bundles in a row.

use super::Vector;
use super::world::{DAY, NOW, ORIGIN, Plan, START, World, feed_key, log_key, root_key, signed, witness};
use crate::reference::note::{COSIGNATURE, ED25519, NoteKey};
use crate::reference::tree::consistency;
use crate::reference::trust::{Container, consistency_item};

mod documents;
mod landmarks;
mod succession;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(documents::vectors());
    all.extend(root_signatures());
    all.extend(root_memory());
    all.extend(succession::vectors());
    all.extend(keys());
    all.extend(logged());
    all.extend(feeds());
    all.extend(feed_checkpoints());
    all.extend(snapshots());
    all.extend(landmarks::vectors());
    all.extend(consistencies());
    all
}

/// Bundles opened in a row at `NOW`: all but the last open, and the last is judged.
fn opened(name: &str, code: &str, comment: &str, bundles: &[&Container]) -> Vector {
    let files: Vec<String> = bundles.iter().map(|bundle| bundle.file()).collect();
    scripted(name, code, comment, &files)
}

fn scripted(name: &str, code: &str, comment: &str, files: &[String]) -> Vector {
    files.iter().fold(empty(name, code, comment).line("now", NOW), |vector, file| vector.text("trust", file))
}

fn empty(name: &str, code: &str, comment: &str) -> Vector {
    let expect = if code == "ok" { "ok".to_owned() } else { format!("error {code}") };
    Vector::new("trust", name, &expect, "trust-bundle.md#opening", comment)
}

/// The default world after a change of the plan.
fn world(change: impl FnOnce(&mut Plan)) -> World {
    let mut plan = Plan::default();
    change(&mut plan);
    plan.build()
}

fn built(change: impl FnOnce(&mut Plan)) -> Container {
    world(change).published.container
}

/// The container of the default world after a change of it.
fn damaged(change: impl FnOnce(&mut Container)) -> Container {
    let mut container = built(|_| ());
    change(&mut container);
    container
}

fn good() -> Vec<Vector> {
    let witnessed = built(|plan| {
        plan.witnesses = vec![(witness(1), NOW - 7_200), (witness(2), NOW - 3_600)];
        plan.quorum = "group g all w1 w2\nquorum g\n".into();
    });
    let bare = built(|plan| (plan.in_feed, plan.embedded) = (false, false));
    let good = built(|_| ());
    vec![
        opened("good", "ok", "root, feed and a snapshot", &[&good]),
        opened("good-witnessed", "ok", "two witnesses asked, two cosigned", &[&witnessed]),
        opened("good-without-snapshots", "ok", "no list yet", &[&bare]),
        opened("good-again", "ok", "the same bundle again", &[&good, &good]),
    ]
}

fn root_signatures() -> Vec<Vector> {
    let anchored = |name, code, comment, bundle: &Container, anchors: &[NoteKey], threshold: u64| {
        let keys: String = anchors.iter().map(|key| format!("{}\n", key.vkey())).collect();
        empty(name, code, comment)
            .line("now", NOW)
            .text("anchors", keys)
            .line("threshold", threshold)
            .text("trust", bundle.file())
    };
    let (good, two) = (
        built(|_| ()),
        built(|plan| {
            plan.root_keys = (vec![root_key(1), root_key(2), root_key(3)], 2);
            plan.root_signers = vec![root_key(3), root_key(1)];
        }),
    );
    let one_of_two = built(|plan| plan.root_keys = (vec![root_key(1), root_key(2)], 2));
    let stranger = built(|plan| plan.root_signers = vec![root_key(9)]);
    let changed = damaged(|container| container.root = container.root.replace("Example", "Another"));
    vec![
        opened("root-two-of-three", "ok", "as many signers as the threshold", &[&two]),
        opened("root-one-of-two", "trust.root-signature", "fewer signers than the threshold", &[&one_of_two]),
        opened(
            "root-stranger",
            "trust.root-signature",
            "signed by a key that it does not name",
            &[&stranger],
        ),
        opened("root-changed", "trust.root-signature", "the text changed under its signature", &[&changed]),
        anchored("anchor", "ok", "the caller names a key that signed", &good, &[root_key(1)], 1),
        anchored(
            "anchors-two",
            "ok",
            "the caller names two keys that signed",
            &two,
            &[root_key(1), root_key(3)],
            2,
        ),
        anchored(
            "anchor-other",
            "trust.root-not-anchored",
            "the caller names a key that did not sign",
            &good,
            &[root_key(2)],
            1,
        ),
        anchored(
            "anchors-too-few",
            "trust.root-not-anchored",
            "one of the two keys did not sign",
            &two,
            &[root_key(1), root_key(2)],
            2,
        ),
    ]
}

/// The plan of root N, all by one key.
fn numbered(sequence: u64) -> Plan {
    Plan { root_number: (sequence, 1), feed_number: (sequence, 1), ..Plan::default() }
}

/// Root 1 with epoch 2, then root 2 with epoch 1; and root 3 with epoch 2 after root 2 with epoch 1.
fn epochs() -> [Container; 3] {
    let late = Plan { root_number: (1, 2), feed_number: (1, 2), ..Plan::default() }.build();
    let early = late.renewed(&Plan { feed_number: (2, 1), ..numbered(2) });
    let second = numbered(1).build().renewed(&numbered(2));
    let renewed = second.renewed(&Plan { root_number: (3, 2), feed_number: (1, 2), ..Plan::default() });
    [late, early, renewed].map(|world| world.published.container)
}

fn root_memory() -> Vec<Vector> {
    let first = numbered(1).build();
    let second = first.renewed(&numbered(2));
    let third = second.renewed(&numbered(3));
    let other_keys = |signers: Vec<NoteKey>| Plan {
        root_keys: (vec![root_key(2)], 1),
        root_signers: signers,
        ..numbered(2)
    };
    let rotated = first.renewed(&other_keys(vec![root_key(1), root_key(2)]));
    let seized = first.renewed(&other_keys(vec![root_key(2)]));
    let fork = numbered(1);
    let fork = Plan { root_times: (START + 1, fork.root_times.1), ..fork }.build();
    let [first, second, third, rotated, seized, fork] =
        [first, second, third, rotated, seized, fork].map(|world| world.published.container);
    let [late, early, renewed] = epochs();
    let jump = empty("root-gap-anchored", "ok", "two ahead, but signed by an anchor")
        .line("now", NOW)
        .text("anchors", format!("{}\n", root_key(1).vkey()))
        .line("threshold", 1)
        .text("trust", first.file())
        .text("trust", third.file());
    vec![
        opened("root-next", "ok", "root 2 after root 1", &[&first, &second]),
        opened("root-rotated", "ok", "new keys, signed by the old one too", &[&first, &rotated]),
        opened("root-rollback", "trust.root-rollback", "root 1 after root 2", &[&first, &second, &first]),
        opened("root-epoch", "trust.root-epoch", "an epoch below the remembered one", &[&late, &early]),
        opened("root-new-epoch", "ok", "feed 1 of epoch 2 after feed 2 of epoch 1", &[&second, &renewed]),
        opened("root-fork", "trust.root-fork", "another root 1", &[&first, &fork]),
        opened("root-gap", "trust.root-gap", "root 3 after root 1", &[&first, &third]),
        jump,
        opened(
            "root-seized",
            "trust.root-not-signed-by-previous",
            "new keys, not signed by the old one",
            &[&first, &seized],
        ),
    ]
}

fn keys() -> Vec<Vector> {
    let with = |sequence, state, cut: Option<u64>| {
        let cuts = cut.iter().map(|size| (ORIGIN.to_owned(), *size)).collect();
        Plan { key_state: (state, cuts), ..numbered(sequence) }
    };
    let after = |name: &str, code, comment, one: Plan, two: Plan| {
        let first = one.build();
        let second = first.renewed(&two);
        opened(name, code, comment, &[&first.published.container, &second.published.container])
    };
    vec![
        after(
            "key-compromised",
            "ok",
            "an active key turns out to be stolen",
            with(1, "active", None),
            with(2, "compromised", Some(3)),
        ),
        after(
            "key-cut-shrinks",
            "ok",
            "it was stolen earlier than thought",
            with(1, "compromised", Some(5)),
            with(2, "compromised", Some(3)),
        ),
        after(
            "key-revived",
            "trust.key-revived",
            "a compromised key is active again",
            with(1, "compromised", Some(3)),
            with(2, "active", None),
        ),
        after(
            "key-revived-as-retired",
            "trust.key-revived",
            "a compromised key is merely retired",
            with(1, "compromised", Some(3)),
            with(2, "retired", Some(3)),
        ),
        after(
            "key-cut-grows",
            "trust.key-revived",
            "a cut moves up",
            with(1, "compromised", Some(3)),
            with(2, "compromised", Some(5)),
        ),
    ]
}

fn logged() -> Vec<Vector> {
    let no_policy = built(|plan| plan.policy = Some("quorum g\n".into()));
    let foreign = NoteKey::new("other.example/log", ED25519, 8);
    let foreign_policy = built(|plan| plan.policy = Some(format!("log {}\nquorum none\n", foreign.vkey())));
    let raw = NoteKey::new("raw.example/raw", ED25519, 24);
    let raw_policy = built(|plan| {
        plan.policy = Some(format!("log {}\nlog {}\nquorum none\n", log_key().vkey(), raw.vkey()))
    });
    let unwitnessed = built(|plan| {
        let absent = NoteKey::new("witness3.example", COSIGNATURE, 23);
        plan.policy = Some(format!("log {}\nwitness w {}\nquorum w\n", log_key().vkey(), absent.vkey()));
    });
    let exchanged = damaged(|container| container.root_receipt.clone_from(&container.feed_receipt));
    let unreadable = damaged(|container| container.root_receipt = "no receipt\n".into());
    let future = built(|plan| plan.root_times = (NOW + 2 * DAY, NOW + 90 * DAY));
    let feed_future = built(|plan| plan.feed_times = (NOW + 2 * DAY, NOW + 90 * DAY));
    vec![
        opened("policy", "trust.policy", "a quorum that no line defines", &[&no_policy]),
        opened("policy-raw-log", "trust.policy", "a log of arbitrary bytes proves nothing", &[&raw_policy]),
        opened(
            "root-in-other-log",
            "trust.root-not-logged",
            "the receipt is of a log that the policy does not name",
            &[&foreign_policy],
        ),
        opened(
            "root-unwitnessed",
            "trust.root-not-logged",
            "the receipt's checkpoint lacks the quorum",
            &[&unwitnessed],
        ),
        opened(
            "root-receipt-of-feed",
            "trust.root-not-logged",
            "a sound receipt of another entry",
            &[&exchanged],
        ),
        opened("root-receipt-unreadable", "trust.root-not-logged", "no receipt at all", &[&unreadable]),
        opened("root-from-the-future", "trust.not-yet-valid", "two days ahead", &[&future]),
        opened("feed-from-the-future", "trust.not-yet-valid", "two days ahead", &[&feed_future]),
    ]
}

fn feeds() -> Vec<Vector> {
    let by_stranger = built(|plan| plan.feed_signer = root_key(9));
    let by_root = built(|plan| plan.feed_signer = root_key(1));
    let changed =
        damaged(|container| container.feed = container.feed.replacen("\"landmarks\"", " \"landmarks\"", 1));
    let epoch = built(|plan| plan.feed_number = (1, 2));
    let outdated = built(|plan| plan.feed_root = Some(2));
    let next = |sequence, issued| Plan {
        feed_number: (sequence, 1),
        feed_times: (issued, NOW + 5 * DAY),
        ..Plan::default()
    };
    let first = next(1, START + DAY).build();
    let second = first.renewed(&next(2, START + DAY + 1));
    let fork = next(1, START + DAY + 2).build();
    let exchanged = damaged(|container| container.feed_receipt.clone_from(&container.root_receipt));
    vec![
        opened(
            "feed-next",
            "ok",
            "feed 2 after feed 1",
            &[&first.published.container, &second.published.container],
        ),
        opened(
            "feed-by-stranger",
            "trust.feed-signature",
            "signed by nobody that the root names",
            &[&by_stranger],
        ),
        opened("feed-by-root-key", "trust.feed-signature", "root keys sign no feeds", &[&by_root]),
        opened("feed-changed", "trust.feed-signature", "the text changed under its signature", &[&changed]),
        opened("feed-epoch", "trust.feed-epoch", "another epoch than the root's", &[&epoch]),
        opened("feed-newer-root", "trust.root-outdated", "the feed was made under root 2", &[&outdated]),
        opened(
            "feed-rollback",
            "trust.feed-rollback",
            "feed 1 after feed 2",
            &[&second.published.container, &first.published.container],
        ),
        opened(
            "feed-fork",
            "trust.feed-fork",
            "another feed 1",
            &[&first.published.container, &fork.published.container],
        ),
        opened(
            "feed-receipt-of-root",
            "trust.feed-not-logged",
            "a sound receipt of another entry",
            &[&exchanged],
        ),
    ]
}

fn feed_checkpoints() -> Vec<Vector> {
    let with_checkpoint = |change: &dyn Fn(&str) -> String| {
        let mut world = world(|_| ());
        world.published.feed.checkpoint = change(&world.published.feed.checkpoint);
        relogged(&world)
    };
    let other_log = NoteKey::new("other.example/log", ED25519, 8);
    let foreign = with_checkpoint(&|note| {
        let text = note.split("\n\n").next().unwrap_or_default().replace(ORIGIN, &other_log.name);
        signed(&format!("{text}\n"), std::slice::from_ref(&other_log))
    });
    let unsigned = with_checkpoint(&|note| note.replacen("\n7\n", "\n8\n", 1));
    vec![
        opened(
            "feed-checkpoint-foreign",
            "trust.feed-checkpoint",
            "a checkpoint of a log that the policy does not name",
            &[&foreign],
        ),
        opened(
            "feed-checkpoint-changed",
            "trust.feed-checkpoint",
            "a checkpoint whose size changed under its signature",
            &[&unsigned],
        ),
    ]
}

/// The container after the feed document changed: logged at the place of the old one and signed again.
fn relogged(world: &World) -> Container {
    let mut log = world.log.clone();
    log.entries.pop();
    let feed = &world.published.feed;
    let index = log.push(super::world::bundle(
        crate::reference::entry::FEED,
        feed.sequence,
        &feed.text(),
        feed.issued,
    ));
    let mut container = world.published.container.clone();
    container.feed = signed(&feed.text(), &[feed_key()]);
    container.feed_receipt = log.receipt(index, log.size(), None);
    // The other receipts are of the same log, so that only the feed is at fault.
    let position = |receipt: &str| -> u64 {
        let line = receipt.lines().find_map(|line| line.strip_prefix("index "));
        line.and_then(|index| index.parse().ok()).expect("a receipt has an index")
    };
    container.root_receipt = log.receipt(position(&container.root_receipt), log.size(), None);
    container.snapshots.clear();
    container
}

fn snapshots() -> Vec<Vector> {
    let with_item = |change: &dyn Fn(&str) -> String| {
        let mut world = world(|_| ());
        world.published.feed.snapshots = vec![change(&world.published.feed.snapshots[0])];
        relogged(&world)
    };
    let good = world(|_| ());
    let index = format!("\"index\":{}", good.published.snapshot_index);
    let moved =
        with_item(&|item| item.replace(&index, &format!("\"index\":{}", good.published.snapshot_index - 1)));
    let renumbered = with_item(&|item| item.replace("\"sequence\":1", "\"sequence\":2"));
    let prolonged = with_item(&|item| {
        item.replace(
            &format!("\"not_after\":{}", START + 8 * DAY),
            &format!("\"not_after\":{}", START + 80 * DAY),
        )
    });
    let file = |from: &str, to: &str| {
        damaged(|container| container.snapshots = vec![container.snapshots[0].replacen(from, to, 1)])
    };
    let state = good.published.file.clone();
    let state =
        state.split("\"state\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    vec![
        opened("snapshot-moved", "trust.snapshot-proof", "the place of another entry", &[&moved]),
        opened(
            "snapshot-renumbered",
            "trust.snapshot-proof",
            "a sequence that was not logged",
            &[&renumbered],
        ),
        opened(
            "snapshot-prolonged",
            "trust.snapshot-proof",
            "a not-after that was not logged",
            &[&prolonged],
        ),
        opened(
            "snapshot-file-state",
            "trust.snapshot-file",
            "a state that does not decode",
            &[&file(state, "AAAA")],
        ),
        opened(
            "snapshot-file-sequence",
            "trust.snapshot-file",
            "a sequence that was not logged",
            &[&file("\"sequence\":1", "\"sequence\":2")],
        ),
        opened(
            "malformed-snapshot-file-type",
            "trust.malformed",
            "an array of snapshot files",
            &[&file("sillok-snapshot/v1", "sillok-snapshot/v2")],
        ),
    ]
}

fn consistencies() -> Vec<Vector> {
    let next = |sequence| Plan { feed_number: (sequence, 1), ..Plan::default() };
    let first = next(1).build();
    let second = first.renewed(&next(2));
    let from = first.log.size();
    // To the feed's own checkpoint, and to the one in the receipts, which is larger.
    let [near, far] = [second.log.size() - 1, second.log.size()];
    let with = |to: u64, damage: u8| {
        let from_size = usize::try_from(from).expect("a small log");
        let mut proof = consistency(from_size, &second.log.leaves(to));
        proof[0][0] ^= damage;
        let mut container = second.published.container.clone();
        container.consistency = vec![consistency_item(ORIGIN, from, to, &proof)];
        container
    };
    let first = &first.published.container;
    // Another feed at the same place: the same size has another root.
    let fork = next(2).build().published.container;
    let case = |name: &str, code, comment, to, damage: u8| {
        opened(name, code, comment, &[first, &with(to, damage)]).line("alarms", damage)
    };
    vec![
        opened("fork", "trust.fork", "another root for the remembered size", &[first, &fork])
            .line("alarms", 1),
        case("consistency", "ok", "the log only grew, up to the feed's checkpoint", near, 0),
        case("consistency-to-receipts", "ok", "the log only grew, up to the receipts' checkpoint", far, 0),
        case("consistency-wrong", "trust.consistency", "a consistency proof that fails is an alarm", near, 1),
        case(
            "consistency-wrong-to-receipts",
            "trust.consistency",
            "the same up to the receipts' checkpoint",
            far,
            1,
        ),
    ]
}
