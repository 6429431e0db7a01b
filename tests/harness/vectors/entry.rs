//! Entries: each kind, each forbidden value, and the hashes with domains.

use super::Vector;
use crate::reference::entry::{
    ADDED, COMPROMISED, FEED, LAST_SECOND, RETIRED, ROOT, bundle, commitment, document_digest, issue,
    issuer_hash, key, list, origin_hash, provenance, snapshot, state_digest, status, well_formed,
};
use crate::reference::tree::leaf_hash;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(bad_frames());
    all.extend(bad_values());
    all.extend(bad_keys());
    all.extend(hashes());
    all
}

const HOUR: u64 = 1_767_225_600;

fn vector(name: &str, expect: &str, anchor: &str, comment: &str, entry: &[u8]) -> Vector {
    assert_eq!(well_formed(entry), expect == "ok", "{name}");
    let vector =
        Vector::new("entry", name, expect, &format!("entry.md#{anchor}"), comment).hex("entry", entry);
    if expect == "ok" { vector.hex("leaf", &leaf_hash(entry)) } else { vector }
}

fn good() -> Vec<Vector> {
    let ok = |name: &str, anchor, comment, entry: Vec<u8>| vector(name, "ok", anchor, comment, &entry);
    let cuts: Vec<_> = (0..16_u8).map(|origin| ([origin; 32], u64::from(origin) * 1_000)).collect();
    vec![
        ok("issue", "issue", "one credential", issue(&[1; 32], &[2; 32], &[3; 32], HOUR)),
        ok("issue-time-0", "issue", "0 is a multiple of 3600", issue(&[1; 32], &[2; 32], &[3; 32], 0)),
        ok(
            "issue-last-hour",
            "issue",
            "the last hour of the year 9999",
            issue(&[1; 32], &[2; 32], &[3; 32], LAST_SECOND - 3_599),
        ),
        ok("status-revoked", "status", "value 1", status(&[4; 16], 77, 1, 0, HOUR + 1)),
        ok("status-suspended", "status", "value 2", status(&[4; 16], 0, 2, 3, HOUR + 1)),
        ok(
            "status-valid",
            "status",
            "value 0, as after a suspension",
            status(&[4; 16], u32::MAX, 0, u64::MAX, LAST_SECOND),
        ),
        ok(
            "snapshot",
            "snapshot",
            "the first of a list",
            snapshot(&[4; 16], 1, &[5; 32], 9, (HOUR, HOUR + 1)),
        ),
        ok("list-smallest", "list", "131,072 slots", list(&[4; 16], &[6; 32], 131_072)),
        ok("list-largest", "list", "2^24 slots", list(&[4; 16], &[6; 32], 1 << 24)),
        ok("key-added", "key", "no cuts", key(&[6; 32], &[2; 32], ADDED, HOUR, &[])),
        ok("key-retired", "key", "one cut", key(&[6; 32], &[2; 32], RETIRED, HOUR, &[([7; 32], 12)])),
        ok("key-compromised", "key", "sixteen cuts", key(&[6; 32], &[2; 32], COMPROMISED, HOUR, &cuts)),
        ok(
            "key-retired-without-cuts",
            "key",
            "cut 0 in every log",
            key(&[6; 32], &[2; 32], RETIRED, HOUR, &[]),
        ),
        ok(
            "key-cut-largest",
            "key",
            "a cut of 2^53 - 1",
            key(&[6; 32], &[2; 32], RETIRED, HOUR, &[([7; 32], (1 << 53) - 1)]),
        ),
        ok("bundle-root", "bundle", "document 1", bundle(ROOT, 1, &[8; 32], HOUR)),
        ok("bundle-feed", "bundle", "document 2", bundle(FEED, 2, &[8; 32], HOUR)),
    ]
}

fn bad_frames() -> Vec<Vector> {
    let good = [
        ("issue", issue(&[1; 32], &[2; 32], &[3; 32], HOUR)),
        ("status", status(&[4; 16], 77, 1, 0, HOUR)),
        ("snapshot", snapshot(&[4; 16], 1, &[5; 32], 9, (HOUR, HOUR + 1))),
        ("list", list(&[4; 16], &[6; 32], 131_072)),
        ("key", key(&[6; 32], &[2; 32], RETIRED, HOUR, &[([7; 32], 12)])),
        ("bundle", bundle(ROOT, 1, &[8; 32], HOUR)),
    ];
    let mut all = Vec::new();
    for (kind, entry) in &good {
        let longer = [&entry[..], &[0]].concat();
        all.push(vector(
            &format!("{kind}-too-short"),
            "error",
            kind,
            "the last byte is gone",
            &entry[..entry.len() - 1],
        ));
        all.push(vector(&format!("{kind}-too-long"), "error", kind, "one byte more", &longer));
    }
    let with = |at: usize, byte: u8| {
        let mut entry = good[1].1.clone();
        entry[at] = byte;
        entry
    };
    all.push(vector("empty", "error", "encoding", "no bytes at all", &[]));
    all.push(vector("version-alone", "error", "encoding", "one byte", &[1]));
    all.push(vector("version-0", "error", "encoding", "another version", &with(0, 0)));
    all.push(vector("version-2", "error", "encoding", "another version", &with(0, 2)));
    all.push(vector("kind-0", "error", "encoding", "another kind", &with(1, 0)));
    all.push(vector("kind-7", "error", "encoding", "another kind", &with(1, 7)));
    all
}

fn bad_values() -> Vec<Vector> {
    let bad = |name: &str, anchor, comment, entry: Vec<u8>| vector(name, "error", anchor, comment, &entry);
    let mut reserved = bundle(ROOT, 1, &[8; 32], HOUR);
    reserved[9] = 1;
    let late = LAST_SECOND + 1;
    vec![
        bad(
            "issue-time-not-an-hour",
            "issue",
            "the hour is coarse on purpose",
            issue(&[1; 32], &[2; 32], &[3; 32], HOUR + 1),
        ),
        bad(
            "issue-time-year-10000",
            "encoding",
            "a multiple of 3600, but too late",
            issue(&[1; 32], &[2; 32], &[3; 32], late),
        ),
        bad("status-value-3", "status", "there is no fourth value", status(&[4; 16], 77, 3, 0, HOUR)),
        bad("status-time-year-10000", "encoding", "too late", status(&[4; 16], 77, 1, 0, late)),
        bad(
            "snapshot-sequence-0",
            "snapshot",
            "sequences begin at 1",
            snapshot(&[4; 16], 0, &[5; 32], 9, (HOUR, HOUR + 1)),
        ),
        bad(
            "snapshot-not-after-year-10000",
            "encoding",
            "too late",
            snapshot(&[4; 16], 1, &[5; 32], 9, (HOUR, late)),
        ),
        bad(
            "snapshot-without-a-second",
            "snapshot",
            "not after is issued",
            snapshot(&[4; 16], 1, &[5; 32], 9, (HOUR, HOUR)),
        ),
        bad(
            "snapshot-not-after-before-issued",
            "snapshot",
            "not after is a second before issued",
            snapshot(&[4; 16], 1, &[5; 32], 9, (HOUR + 1, HOUR)),
        ),
        bad("list-size-too-small", "list", "8 slots fewer than allowed", list(&[4; 16], &[6; 32], 131_064)),
        bad(
            "list-size-too-large",
            "list",
            "8 slots more than allowed",
            list(&[4; 16], &[6; 32], (1 << 24) + 8),
        ),
        bad("list-size-not-of-8", "list", "no multiple of 8", list(&[4; 16], &[6; 32], 131_076)),
        bad("list-size-0", "list", "no slots", list(&[4; 16], &[6; 32], 0)),
        bad("bundle-document-0", "bundle", "another document", bundle(0, 1, &[8; 32], HOUR)),
        bad("bundle-document-3", "bundle", "another document", bundle(3, 1, &[8; 32], HOUR)),
        bad("bundle-reserved", "bundle", "a reserved byte is not zero", reserved),
        bad("bundle-sequence-0", "bundle", "sequences begin at 1", bundle(ROOT, 0, &[8; 32], HOUR)),
        bad("bundle-activation-year-10000", "encoding", "too late", bundle(ROOT, 1, &[8; 32], late)),
    ]
}

fn bad_keys() -> Vec<Vector> {
    let with = |event: u8, time: u64, cuts: &[([u8; 32], u64)]| key(&[6; 32], &[2; 32], event, time, cuts);
    let many: Vec<_> = (0..17_u8).map(|origin| ([origin; 32], 1)).collect();
    let mut count_low = with(RETIRED, HOUR, &[([7; 32], 12)]);
    count_low[75] = 0;
    let mut count_high = with(RETIRED, HOUR, &[([7; 32], 12)]);
    count_high[75] = 2;
    [
        ("event-0", "another event", with(0, HOUR, &[])),
        ("event-4", "another event", with(4, HOUR, &[])),
        ("time-year-10000", "too late", with(ADDED, LAST_SECOND + 1, &[])),
        ("added-with-cut", "a new key has no cuts", with(ADDED, HOUR, &[([7; 32], 12)])),
        ("cuts-descending", "cuts ascend by origin hash", with(RETIRED, HOUR, &[([7; 32], 1), ([6; 32], 1)])),
        ("cuts-equal", "an origin stands once", with(RETIRED, HOUR, &[([7; 32], 1), ([7; 32], 1)])),
        ("cuts-17", "one more than allowed", with(COMPROMISED, HOUR, &many)),
        (
            "cut-size-2-53",
            "one more than a trust bundle can state",
            with(RETIRED, HOUR, &[([7; 32], 1 << 53)]),
        ),
        ("cut-count-low", "fewer are announced than there are", count_low),
        ("cut-count-high", "more are announced than there are", count_high),
    ]
    .map(|(name, comment, entry)| vector(&format!("key-{name}"), "error", "key", comment, &entry))
    .into()
}

fn hashes() -> Vec<Vector> {
    let new = |name: &str, comment: &str| {
        Vector::new("entry", &format!("hash-{name}"), "ok", "entry.md#domains", comment).line("check", name)
    };
    let (operator, facility, event) = ("operator-7", "\u{c11c}\u{c6b8}", "visit/42");
    let (input, text) = ("eyJhbGciOiJFUzI1NiJ9.e30", "{\"type\":\"sillok-root/v1\"}\n");
    let (issuer, origin) = ("https://issuer.example", "log.example/sillok");
    let mut plane = vec![0; 16_384];
    plane[0] = 0x80;
    vec![
        new("issuer", "issuer id hash").line("issuer", issuer).hex("digest", &issuer_hash(issuer)),
        new("origin", "origin hash").line("origin", origin).hex("digest", &origin_hash(origin)),
        new("commitment", "commitment to a signing input")
            .hex("nonce", &[9; 32])
            .line("signing-input", input)
            .hex("digest", &commitment(&[9; 32], input.as_bytes())),
        new("provenance", "provenance of a credential")
            .hex("nonce", &[10; 32])
            .line("operator", operator)
            .line("facility", facility)
            .line("source-event", event)
            .hex("digest", &provenance(&[10; 32], operator, facility, event)),
        new("state", "state digest: slot 0 of 131,072 is revoked")
            .hex("list", &[4; 16])
            .line("length", 131_072)
            .line("revoked", 0)
            .hex("digest", &state_digest(&[4; 16], 131_072, &plane, &[0; 16_384])),
        new("document", "document digest of a root")
            .text("document", text)
            .hex("digest", &document_digest(ROOT, text)),
    ]
}
