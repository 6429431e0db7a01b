//! The rules of the ledger: entries in order, of which the last is judged.

use super::Vector;
use crate::reference::encoding::hex;
use crate::reference::entry::{
    ADDED, COMPROMISED, FEED, RETIRED, ROOT, bundle, issue, issuer_hash, key, list, origin_hash, snapshot,
    status,
};
use crate::reference::ledger::refusal;
use crate::reference::status::Slots;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = issues();
    all.extend(statuses());
    all.extend(refused_statuses());
    all.extend(snapshots());
    all.extend(refused_snapshots());
    all.extend(keys());
    all.extend(refused_keys());
    all.extend(bundles());
    all.extend(submitters());
    all
}

const TIMES: (u64, u64) = (TIME, TIME + 1);
const TIME: u64 = 1_767_225_600;
const LIST: [u8; 16] = [4; 16];
const KEY: [u8; 32] = [2; 32];
const SLOTS: u64 = 131_072;

fn ours() -> [u8; 32] {
    issuer_hash("https://issuer.example")
}

fn theirs() -> [u8; 32] {
    issuer_hash("https://other.example")
}

/// The last of `entries` is judged after the others; the reference must come to the same judgement.
fn vector(name: &str, code: &str, comment: &str, entries: &[Vec<u8>]) -> Vector {
    for (index, entry) in entries.iter().enumerate() {
        let expected = (index + 1 == entries.len() && code != "ok").then_some(code);
        assert_eq!(refusal(&entries[..index], entry), expected, "{name}, entry {index}");
    }
    let expect = if code == "ok" { "ok".to_owned() } else { format!("error {code}") };
    Vector::new("ledger", name, &expect, "entry.md#ledger-rules", comment).entries(entries)
}

fn added() -> Vec<u8> {
    key(&ours(), &KEY, ADDED, TIME, &[])
}

fn declared() -> Vec<u8> {
    list(&LIST, &ours(), SLOTS)
}

fn issued(commitment: u8) -> Vec<u8> {
    issue(&[commitment; 32], &KEY, &[3; 32], TIME)
}

fn changed(index: u32, value: u8, change: u64) -> Vec<u8> {
    status(&LIST, index, value, change, TIME)
}

fn event(event: u8, cut: Option<u64>) -> Vec<u8> {
    let cuts: Vec<_> = cut.iter().map(|size| (origin_hash("log.example/sillok"), *size)).collect();
    key(&ours(), &KEY, event, TIME, &cuts)
}

fn issues() -> Vec<Vector> {
    let other_provenance = issue(&[1; 32], &KEY, &[9; 32], TIME + 3_600);
    vec![
        vector("malformed", "entry.malformed", "a kind that does not exist", &[vec![1, 7]]),
        vector("issue", "ok", "a key, then a credential by it", &[added(), issued(1)]),
        vector("issue-two", "ok", "two credentials", &[added(), issued(1), issued(2)]),
        vector("issue-key-unknown", "issue.key-not-active", "nobody added the key", &[issued(1)]),
        vector(
            "issue-key-retired",
            "issue.key-not-active",
            "a retired key signs no more",
            &[added(), event(RETIRED, None), issued(1)],
        ),
        vector(
            "issue-key-compromised",
            "issue.key-not-active",
            "nor does a compromised one",
            &[added(), event(COMPROMISED, None), issued(1)],
        ),
        vector("issue-twice", "issue.duplicate", "the same bytes again", &[added(), issued(1), issued(1)]),
        vector(
            "issue-same-commitment",
            "issue.duplicate",
            "another entry with the same commitment",
            &[added(), issued(1), other_provenance],
        ),
    ]
}

fn statuses() -> Vec<Vector> {
    let [revoke, suspend] = [changed(7, 1, 0), changed(7, 2, 0)];
    vec![
        vector(
            "list-twice",
            "list.duplicate",
            "a list id is declared once",
            &[declared(), list(&LIST, &theirs(), 2 * SLOTS)],
        ),
        vector("status-revoke", "ok", "a slot is revoked", &[declared(), revoke.clone()]),
        vector(
            "status-reinstate",
            "ok",
            "suspended, then valid again",
            &[declared(), suspend.clone(), changed(7, 0, 1)],
        ),
        vector(
            "status-revoke-suspended",
            "ok",
            "suspended, then revoked",
            &[declared(), suspend.clone(), changed(7, 1, 1)],
        ),
        vector(
            "status-other-slot",
            "ok",
            "each slot counts for itself",
            &[declared(), revoke.clone(), changed(8, 1, 0)],
        ),
    ]
}

fn refused_statuses() -> Vec<Vector> {
    let [revoke, suspend] = [changed(7, 1, 0), changed(7, 2, 0)];
    vec![
        vector(
            "status-unknown-list",
            "status.unknown-list",
            "nobody declared the list",
            std::slice::from_ref(&revoke),
        ),
        vector(
            "status-index-is-size",
            "status.index-range",
            "an index must be below the size",
            &[declared(), changed(131_072, 1, 0)],
        ),
        vector(
            "status-replayed",
            "status.out-of-order",
            "the same change again",
            &[declared(), suspend.clone(), suspend.clone()],
        ),
        vector(
            "status-skipped",
            "status.out-of-order",
            "change 1 before change 0",
            &[declared(), changed(7, 1, 1)],
        ),
        vector(
            "status-replay-of-revocation",
            "status.out-of-order",
            "the number is judged before the value",
            &[declared(), revoke.clone(), revoke.clone()],
        ),
        vector(
            "status-unrevoke",
            "status.revoked-is-terminal",
            "revoked is for ever",
            &[declared(), revoke.clone(), changed(7, 0, 1)],
        ),
        vector(
            "status-revoke-again",
            "status.revoked-is-terminal",
            "terminal is judged before sameness",
            &[declared(), revoke, changed(7, 1, 1)],
        ),
        vector(
            "status-no-change",
            "status.no-change",
            "suspended twice",
            &[declared(), suspend, changed(7, 2, 1)],
        ),
        vector(
            "status-valid-from-start",
            "status.no-change",
            "a slot begins valid",
            &[declared(), changed(7, 0, 0)],
        ),
    ]
}

/// A list with two changes.
fn listed() -> Vec<Vec<u8>> {
    vec![declared(), changed(7, 1, 0), changed(9, 2, 0)]
}

/// The same and more.
fn with(more: &[&[u8]]) -> Vec<Vec<u8>> {
    listed().into_iter().chain(more.iter().map(|entry| entry.to_vec())).collect()
}

fn digest(log: &[Vec<u8>], fold_size: u64) -> [u8; 32] {
    Slots::fold(log, &LIST, SLOTS, fold_size).digest(&LIST)
}

/// The first snapshot, over the whole log.
fn first() -> Vec<u8> {
    snapshot(&LIST, 1, &digest(&listed(), 3), 3, TIMES)
}

/// A snapshot after the first and another change.
fn second(sequence: u64, fold_size: u64) -> Vec<u8> {
    let log = with(&[&first(), &changed(9, 0, 1)]);
    snapshot(&LIST, sequence, &digest(&log, fold_size), fold_size, TIMES)
}

fn snapshots() -> Vec<Vector> {
    let early = snapshot(&LIST, 1, &digest(&listed(), 2), 2, TIMES);
    let first = first();
    vec![
        vector("snapshot", "ok", "the first, over the whole log", &with(&[&first])),
        vector("snapshot-older-fold", "ok", "the fold ends before the last change", &with(&[&early])),
        vector(
            "snapshot-second",
            "ok",
            "it covers the first",
            &with(&[&first, &changed(9, 0, 1), &second(2, 5)]),
        ),
        vector(
            "snapshot-second-tight",
            "ok",
            "the fold ends right behind the first",
            &with(&[&first, &changed(9, 0, 1), &second(2, 4)]),
        ),
    ]
}

fn refused_snapshots() -> Vec<Vector> {
    let (log, first) = (listed(), first());
    let undeclared = snapshot(&LIST, 1, &digest(&log, 0), 1, TIMES);
    vec![
        vector("snapshot-unknown-list", "snapshot.unknown-list", "nobody declared the list", &[undeclared]),
        vector(
            "snapshot-sequence-2-first",
            "snapshot.sequence",
            "sequences begin at 1",
            &with(&[&snapshot(&LIST, 2, &digest(&log, 3), 3, TIMES)]),
        ),
        vector(
            "snapshot-sequence-repeated",
            "snapshot.sequence",
            "1 again",
            &with(&[&first, &changed(9, 0, 1), &second(1, 5)]),
        ),
        vector(
            "snapshot-sequence-skipped",
            "snapshot.sequence",
            "3 after 1",
            &with(&[&first, &changed(9, 0, 1), &second(3, 5)]),
        ),
        vector(
            "snapshot-before-list",
            "snapshot.fold-too-small",
            "the fold must hold the list entry",
            &with(&[&snapshot(&LIST, 1, &digest(&log, 0), 0, TIMES)]),
        ),
        vector(
            "snapshot-not-covering",
            "snapshot.fold-too-small",
            "the fold must hold the snapshot before",
            &with(&[&first, &changed(9, 0, 1), &second(2, 3)]),
        ),
        vector(
            "snapshot-of-the-future",
            "snapshot.fold-too-large",
            "a fold of entries that do not exist",
            &with(&[&snapshot(&LIST, 1, &digest(&log, 3), 4, TIMES)]),
        ),
        vector(
            "snapshot-digest",
            "snapshot.digest",
            "not the digest of the fold",
            &with(&[&snapshot(&LIST, 1, &[5; 32], 3, TIMES)]),
        ),
        vector(
            "snapshot-digest-of-later-fold",
            "snapshot.digest",
            "the digest of size 3 at size 2",
            &with(&[&snapshot(&LIST, 1, &digest(&log, 3), 2, TIMES)]),
        ),
    ]
}

fn keys() -> Vec<Vector> {
    let stolen = key(&theirs(), &KEY, ADDED, TIME, &[]);
    let (retired, compromised) = (event(RETIRED, Some(12)), event(COMPROMISED, Some(12)));
    vec![
        vector("key-retire", "ok", "added, then retired", &[added(), retired.clone()]),
        vector("key-compromise-active", "ok", "added, then compromised", &[added(), compromised.clone()]),
        vector(
            "key-compromise-retired",
            "ok",
            "retired, then compromised with the same cut",
            &[added(), retired.clone(), compromised.clone()],
        ),
        vector(
            "key-compromise-smaller-cut",
            "ok",
            "a cut may shrink",
            &[added(), retired.clone(), event(COMPROMISED, Some(3))],
        ),
        vector("key-added-twice", "key.already-added", "a thumbprint is added once", &[added(), added()]),
        vector("key-added-by-other", "key.already-added", "by whatever issuer", &[added(), stolen]),
        vector(
            "key-added-after-compromise",
            "key.already-added",
            "a compromised key does not come back",
            &[added(), compromised.clone(), added()],
        ),
    ]
}

fn refused_keys() -> Vec<Vector> {
    let by_other = |event| key(&theirs(), &KEY, event, TIME, &[]);
    let (retired, compromised) = (event(RETIRED, Some(12)), event(COMPROMISED, Some(12)));
    let elsewhere = key(&ours(), &KEY, COMPROMISED, TIME, &[(origin_hash("other.example/log"), 1)]);
    vec![
        vector("key-retire-unknown", "key.not-active", "nobody added it", std::slice::from_ref(&retired)),
        vector(
            "key-retire-twice",
            "key.not-active",
            "it is retired already",
            &[added(), retired.clone(), retired.clone()],
        ),
        vector(
            "key-retire-compromised",
            "key.not-active",
            "it is compromised already",
            &[added(), compromised.clone(), retired.clone()],
        ),
        vector(
            "key-retire-by-other",
            "key.not-active",
            "another issuer's key",
            &[added(), by_other(RETIRED)],
        ),
        vector(
            "key-compromise-unknown",
            "key.not-compromisable",
            "nobody added it",
            std::slice::from_ref(&compromised),
        ),
        vector(
            "key-compromise-twice",
            "key.not-compromisable",
            "it is compromised already",
            &[added(), compromised.clone(), compromised],
        ),
        vector(
            "key-compromise-by-other",
            "key.not-compromisable",
            "another issuer's key",
            &[added(), by_other(COMPROMISED)],
        ),
        vector(
            "key-cut-grows",
            "key.cut-grows",
            "13 after 12",
            &[added(), retired.clone(), event(COMPROMISED, Some(13))],
        ),
        vector(
            "key-cut-appears",
            "key.cut-grows",
            "an origin that the retirement did not list had cut 0",
            &[added(), retired, elsewhere],
        ),
    ]
}

fn bundles() -> Vec<Vector> {
    let [root, feed] =
        [ROOT, FEED].map(|document| move |sequence| bundle(document, sequence, &[8; 32], TIME));
    vec![
        vector(
            "bundle-root-and-feed",
            "ok",
            "each document counts for itself",
            &[root(1), feed(1), feed(2), root(2)],
        ),
        vector("bundle-sequence-2-first", "bundle.sequence", "sequences begin at 1", &[root(2)]),
        vector("bundle-sequence-repeated", "bundle.sequence", "1 again", &[root(1), root(1)]),
        vector("bundle-sequence-skipped", "bundle.sequence", "3 after 1", &[feed(1), feed(3)]),
    ]
}

/// The last entry, submitted by a role after the others.
fn submitted(name: &str, allowed: bool, comment: &str, role: &str, entries: &[Vec<u8>]) -> Vector {
    let expect = if allowed { "ok" } else { "error submitter.not-authorised" };
    Vector::new("ledger", &format!("submitter-{name}"), expect, "entry.md#who-may-append", comment)
        .line("role", role)
        .entries(entries)
}

fn submitters() -> Vec<Vector> {
    let issuer = format!("issuer {}", hex(&ours()));
    let other = format!("issuer {}", hex(&theirs()));
    let admin = "administrator";
    let change = changed(7, 1, 0);
    vec![
        submitted("issuer-issues", true, "with a key of its own", &issuer, &[added(), issued(1)]),
        submitted(
            "issuer-changes-status",
            true,
            "in a list of its own",
            &issuer,
            &[declared(), change.clone()],
        ),
        submitted("issuer-declares-list", true, "of its own", &issuer, &[declared()]),
        submitted("administrator-adds-key", true, "keys are the administrator's", admin, &[added()]),
        submitted(
            "administrator-logs-bundle",
            true,
            "bundles are the administrator's",
            admin,
            &[bundle(ROOT, 1, &[8; 32], TIME)],
        ),
        submitted("other-issues", false, "with another's key", &other, &[added(), issued(1)]),
        submitted("other-changes-status", false, "in another's list", &other, &[declared(), change]),
        submitted("other-declares-list", false, "in another's name", &other, &[declared()]),
        submitted("issuer-adds-key", false, "keys are the administrator's", &issuer, &[added()]),
        submitted(
            "issuer-logs-bundle",
            false,
            "bundles are the administrator's",
            &issuer,
            &[bundle(FEED, 1, &[8; 32], TIME)],
        ),
        submitted(
            "administrator-issues",
            false,
            "credentials are the issuers'",
            admin,
            &[added(), issued(1)],
        ),
        submitted("administrator-declares-list", false, "lists are the issuers'", admin, &[declared()]),
    ]
}
