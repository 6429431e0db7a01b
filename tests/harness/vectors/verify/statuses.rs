//! Status: what was revoked or suspended, and what is missing, stale or does not match.

use super::super::Vector;
use super::super::world::{DAY, ISSUER, LIST, Plan, SLOT, SLOTS, World, list_uri};
use super::{NOW, START, Scene, at_slot, elsewhere, world};
use crate::reference::credential::{compact, status_entries};
use crate::reference::entry;
use crate::reference::json::{array, object, string};
use crate::reference::status::Slots;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = slots();
    all.extend(missing());
    all.extend(stale());
    all.extend(files());
    all.extend(renderings());
    all.extend(tokens());
    all
}

/// The default world with this slot changed.
fn changed(slot: u32, value: u8) -> impl FnOnce(&mut Plan) {
    move |plan| plan.changes = vec![(slot, value)]
}

fn slots() -> Vec<Vector> {
    let at = |slot: &'static str| Scene::planned(|plan| plan.set("credentialStatus", at_slot(slot)));
    vec![
        Scene::planned(changed(SLOT, 1)).vector("revoked", "not valid status.revoked", "value 1"),
        Scene::planned(changed(SLOT, 2)).vector("suspended", "not valid status.suspended", "value 2"),
        Scene::planned(changed(SLOT + 1, 1)).vector("neighbour-revoked", "valid", "the next slot is revoked"),
        Scene::planned(changed(SLOT - 1, 1)).vector(
            "neighbour-before-revoked",
            "valid",
            "the slot before is revoked",
        ),
        Scene::planned(|plan| {
            plan.changes = vec![(131_071, 1)];
            plan.set("credentialStatus", at_slot("131071"));
        })
        .vector("last-slot-revoked", "not valid status.revoked", "the last slot of the list"),
        at("131071").vector("last-slot", "valid", "the last slot of the list"),
        at("131072").vector("index-range", "not valid status.index-range", "one past the last slot"),
        at("18446744073709551615").vector(
            "index-range-largest",
            "not valid status.index-range",
            "the largest number",
        ),
        Scene::planned(|plan| {
            plan.changes = vec![(SLOT, 1)];
            plan.key_state = ("compromised", Vec::new());
        })
        .vector(
            "revoked-and-compromised",
            "not valid key.compromised",
            "the first rule that fails decides",
        ),
    ]
}

fn missing() -> Vec<Vector> {
    let foreign = "https://neighbour.example".to_owned();
    vec![
        Scene::planned(|plan| plan.set("credentialStatus", status_entries(&elsewhere(), "5"))).vector(
            "list-unknown",
            "cannot tell status.unknown-list",
            "a list that neither the feed nor a file names",
        ),
        Scene::planned(|plan| (plan.in_feed, plan.embedded) = (false, false)).vector(
            "list-not-in-feed",
            "cannot tell status.unknown-list",
            "the feed names no list",
        ),
        Scene::planned(|plan| plan.list_issuer.clone_from(&foreign)).vector(
            "list-foreign",
            "not valid status.foreign-list",
            "the list is another issuer's",
        ),
        Scene::planned(|plan| plan.embedded = false).vector(
            "state-missing",
            "cannot tell status.missing",
            "the feed names the list, and nobody has its state",
        ),
        Scene::planned(|plan| plan.in_feed = false).vector(
            "state-embedded-only",
            "valid",
            "the embedded file proves itself",
        ),
    ]
}

/// The world after a second snapshot, `more` changes in between: the snapshot file of it.
fn later(world: &World, not_after: u64, more: &[(u32, u8)]) -> (World, String) {
    let mut grown = world.clone();
    for (slot, value) in more {
        grown.log.push(entry::status(&LIST, *slot, *value, 0, START + DAY));
    }
    let plan = Plan { snapshot_times: (START + DAY, not_after), feed_number: (2, 1), ..Plan::default() };
    let renewed = grown.renewed(&plan);
    let file = format!("{}\n", renewed.published.file);
    (renewed, file)
}

fn stale() -> Vec<Vector> {
    let short = |plan: &mut Plan| plan.snapshot_times.1 = NOW;
    let expired = |plan: &mut Plan| plan.feed_times.1 = NOW;
    let expired_bare = |plan: &mut Plan| {
        plan.feed_times.1 = NOW;
        plan.embedded = false;
    };
    let (_, fresh) = later(&world(expired_bare), NOW + 8 * DAY, &[]);
    let (_, long) = later(&world(|_| ()), START + 90 * DAY, &[]);
    vec![
        Scene::planned(short).vector("status-last-second", "valid", "now is the snapshot's not-after"),
        Scene::planned(short).at(NOW + 1).vector(
            "status-stale",
            "cannot tell status.stale",
            "a second past the snapshot's not-after",
        ),
        Scene::planned(expired).vector("feed-last-second", "valid", "now is the feed's not-after"),
        Scene::planned(expired_bare).at(NOW + 1).vector(
            "feed-expired",
            "cannot tell trust.feed-expired",
            "a second past the feed's not-after, and no status at hand",
        ),
        Scene::planned(expired_bare).at(NOW + 1).with(|scene| scene.statuses = vec![fresh]).vector(
            "feed-expired-fresh-file",
            "valid",
            "past the feed's not-after, but a newer snapshot file is at hand",
        ),
        // The snapshot was issued at START + 1 day, and status_max_age is 7 days.
        Scene::planned(|plan| {
            plan.feed_times.1 = START + 90 * DAY;
            plan.snapshot_times.1 = START + 90 * DAY;
        })
        .at(START + 8 * DAY + 1)
        .vector(
            "status-past-max-age",
            "cannot tell status.stale",
            "the snapshot is older than status_max_age",
        ),
        Scene::planned(|plan| plan.feed_times.1 = START + 90 * DAY)
            .at(START + 8 * DAY + 1)
            .with(|scene| scene.statuses = vec![long])
            .vector(
                "status-file-past-max-age",
                "cannot tell status.stale",
                "a snapshot that comes as a file ages like one of the feed",
            ),
    ]
}

fn files() -> Vec<Vector> {
    let first = world(|_| ());
    let bare = world(|plan| plan.embedded = false);
    let file = |world: &World| format!("{}\n", world.published.file);
    let (_, revoked) = later(&first, NOW + 8 * DAY, &[(SLOT, 1)]);
    let broken = file(&bare).replacen("\"sequence\":1", "\"sequence\":7", 1);
    let with =
        |world: &World, statuses: Vec<String>| Scene::of(world).with(|scene| scene.statuses = statuses);
    let mismatch = "cannot tell status.digest-mismatch";
    let swapped = {
        let mut slots = Slots(vec![0; usize::try_from(SLOTS).expect("a list fits memory")]);
        slots.0[100] = 1;
        let good = Slots::fold(&bare.log.entries, &LIST, SLOTS, bare.log.size()).state();
        file(&bare).replace(&good, &slots.state())
    };
    assert_ne!(swapped, file(&bare));
    vec![
        with(&bare, vec![file(&bare)]).vector("status-file", "valid", "the state comes as a file"),
        with(&first, vec![revoked.clone()]).vector(
            "status-newer-file",
            "not valid status.revoked",
            "the highest sequence decides: revoked since",
        ),
        with(&first, vec![revoked, file(&first)]).vector(
            "status-older-file",
            "not valid status.revoked",
            "an older file beside a newer one changes nothing",
        ),
        with(&bare, vec![broken.clone()]).vector(
            "status-file-broken",
            mismatch,
            "a file that does not prove itself, and nothing else",
        ),
        with(&bare, vec![swapped]).vector(
            "status-file-other-state",
            mismatch,
            "a state whose digest was not logged",
        ),
        with(&first, vec![broken]).vector(
            "status-file-broken-beside-good",
            "valid",
            "a broken file beside a good state",
        ),
    ]
}

/// A W3C status list credential of one plane, signed by the issuer.
pub(super) fn rendered(world: &World, purpose: &str, slots: &Slots) -> String {
    let plan = Plan::default();
    let url = format!("{}/{purpose}", list_uri());
    let value = if purpose == "revocation" { 1 } else { 2 };
    let subject = object(&[
        ("id", string(&format!("{url}#list"))),
        ("type", string("BitstringStatusList")),
        ("statusPurpose", string(purpose)),
        ("encodedList", string(&slots.encoded_list(value))),
    ]);
    let types = array(&[string("VerifiableCredential"), string("BitstringStatusListCredential")]);
    assert_eq!(world.published.snapshot.not_after, START + 8 * DAY);
    let payload = object(&[
        ("@context", array(&[string("https://www.w3.org/ns/credentials/v2")])),
        ("id", string(&url)),
        ("type", types),
        ("issuer", string(ISSUER)),
        ("iss", string(ISSUER)),
        ("validFrom", string("2026-01-02T00:00:00Z")),
        ("validUntil", string("2026-01-09T00:00:00Z")),
        ("credentialSubject", subject),
    ]);
    compact(&plan.header, &payload, &plan.key)
}

fn renderings() -> Vec<Vector> {
    let bare = world(|plan| plan.embedded = false);
    let slots = Slots::fold(&bare.log.entries, &LIST, SLOTS, bare.log.size());
    let mut other = slots.clone();
    other.0[100] = 1;
    let pair = |one: &Slots, two: &Slots| {
        vec![rendered(&bare, "revocation", one), rendered(&bare, "suspension", two)]
    };
    let with = |statuses: Vec<String>| Scene::of(&bare).with(|scene| scene.statuses = statuses);
    let mismatch = "cannot tell status.digest-mismatch";
    let revoked = world(|plan| {
        plan.embedded = false;
        plan.changes = vec![(SLOT, 1)];
    });
    let state = Slots::fold(&revoked.log.entries, &LIST, SLOTS, revoked.log.size());
    let lists = pair(&state, &state);
    vec![
        with(pair(&slots, &slots)).vector(
            "w3c-pair",
            "valid",
            "two status list credentials whose digest the feed proves",
        ),
        with(pair(&other, &slots)).vector(
            "w3c-pair-other-state",
            mismatch,
            "a signed list whose digest was never logged",
        ),
        with(pair(&slots, &slots)[..1].to_vec()).vector(
            "w3c-half",
            "cannot tell status.missing",
            "revocation without suspension is no state",
        ),
        Scene::of(&revoked).with(|scene| scene.statuses = lists).vector(
            "w3c-pair-revoked",
            "not valid status.revoked",
            "the pair says revoked",
        ),
    ]
}

/// An IETF status list token, signed by the issuer.
fn token(slots: &Slots, typ: &str, subject: &str) -> String {
    let plan = Plan::default();
    let header = object(&[("alg", string("ES256")), ("typ", string(typ)), ("kid", string(&plan.key.kid()))]);
    let list = object(&[("bits", "2".into()), ("lst", string(&slots.token_list(2)))]);
    let payload = object(&[
        ("iss", string(ISSUER)),
        ("sub", string(subject)),
        ("iat", START.to_string()),
        ("exp", (START + 8 * DAY).to_string()),
        ("status_list", list),
    ]);
    compact(&header, &payload, &plan.key)
}

fn tokens() -> Vec<Vector> {
    let bare = world(|plan| plan.embedded = false);
    let slots = Slots::fold(&bare.log.entries, &LIST, SLOTS, bare.log.size());
    let mut other = slots.clone();
    other.0[100] = 1;
    let ours = format!("{}/token", list_uri());
    let ietf = |slots: &Slots| token(slots, "statuslist+jwt", &ours);
    let with =
        |world: &World, statuses: Vec<String>| Scene::of(world).with(|scene| scene.statuses = statuses);
    let mismatch = "cannot tell status.digest-mismatch";
    let mut vectors = vec![
        with(&bare, vec![ietf(&slots)]).vector("ietf-token", "valid", "a token whose digest the feed proves"),
        with(&bare, vec![ietf(&other)]).vector(
            "ietf-token-other-state",
            mismatch,
            "a state that was never logged",
        ),
        with(&bare, vec![token(&slots, "vc+jwt", &ours)]).vector(
            "ietf-token-as-credential",
            mismatch,
            "a token of another type is no status list",
        ),
        with(&bare, vec![token(&slots, "statuslist+jwt", &format!("{}/token", elsewhere()))]).vector(
            "ietf-token-elsewhere",
            "cannot tell status.missing",
            "of another list",
        ),
        with(&bare, vec![ietf(&slots), rendered(&bare, "revocation", &other)]).vector(
            "ietf-token-beside-half",
            "valid",
            "half of another rendering changes nothing",
        ),
    ];
    for (value, name) in [(1, "revoked"), (2, "suspended")] {
        let world = world(|plan| {
            plan.embedded = false;
            plan.changes = vec![(SLOT, value)];
        });
        let slots = Slots::fold(&world.log.entries, &LIST, SLOTS, world.log.size());
        vectors.push(with(&world, vec![ietf(&slots)]).vector(
            &format!("ietf-token-{name}"),
            &format!("not valid status.{name}"),
            "the token says so",
        ));
    }
    vectors
}
