//! Receipts: the text, what they prove, and the extra of an issue entry.

use super::Vector;
use crate::reference::encoding::base64;
use crate::reference::entry::{commitment, issue};
use crate::reference::note::{ED25519, NoteKey, checkpoint_text, note};
use crate::reference::receipt::{issue_extra, proves, receipt};
use crate::reference::tree::{Hash, inclusion, leaf_hash, root};

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(bad_text());
    all.extend(bad_proof());
    all.extend(extras());
    all
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|leaf| leaf_hash(format!("entry {leaf}").as_bytes())).collect()
}

fn log() -> NoteKey {
    NoteKey::new("log.example/sillok", ED25519, 7)
}

fn checkpoint(size: usize) -> String {
    let text = checkpoint_text(&log().name, size as u64, &root(&leaves(size)));
    note(&text, &[log().line(&text)])
}

fn made(index: usize, size: usize, extra: Option<&[u8]>) -> String {
    receipt(extra, index as u64, &inclusion(index, &leaves(size)), &checkpoint(size))
}

fn vector(name: &str, expect: &str, anchor: &str, comment: &str, text: impl AsRef<[u8]>) -> Vector {
    let leaf = leaves(4)[3];
    assert_eq!(proves(text.as_ref(), &leaf, &log().vkey()), expect == "ok", "{name}");
    Vector::new("receipt", name, expect, &format!("receipt.md#{anchor}"), comment)
        .text("receipt", text)
        .line("key", log().vkey())
        .hex("leaf", &leaf)
}

fn good() -> Vec<Vector> {
    let extra = issue_extra(&[1; 32], &[2; 32], 1_767_225_600);
    let lone = receipt(None, 0, &[], &{
        let text = checkpoint_text(&log().name, 1, &leaves(4)[3]);
        note(&text, &[log().line(&text)])
    });
    vec![
        vector("without-extra", "ok", "text", "as for every entry but issue", made(3, 7, None)),
        vector("with-extra", "ok", "text", "as for an issue entry", made(3, 7, Some(&extra))),
        vector("one-leaf", "ok", "text", "no hashes: the leaf is the root", lone),
    ]
}

fn bad_text() -> Vec<Vector> {
    let good = made(3, 7, Some(&[1, 2]));
    let plain = made(3, 7, None);
    let many = receipt(None, 3, &[[7; 32]; 64], &checkpoint(7));
    let hash = base64(&inclusion(3, &leaves(7))[0]);
    let long = made(3, 7, Some(&[0; 49_152]));
    let bad = |name: &str, comment: &str, text: &str| vector(name, "error", "text", comment, text);
    vec![
        bad("other-version", "the first line is fixed", &good.replace("@v1", "@v2")),
        bad("carriage-returns", "lines end with U+000A alone", &good.replace('\n', "\r\n")),
        bad("index-plus", "a number has no sign", &plain.replace("index 3", "index +3")),
        bad("index-leading-zero", "a number has no leading zero", &plain.replace("index 3", "index 03")),
        bad("index-missing", "index is required", &plain.replace("index 3\n", "")),
        bad("index-twice", "index stands once", &plain.replace("index 3\n", "index 3\nindex 3\n")),
        bad("index-2-64", "a number fits 64 bits", &plain.replace("index 3", "index 18446744073709551616")),
        bad(
            "extra-after-index",
            "extra goes before index",
            &good.replace("extra AQI=\nindex 3\n", "index 3\nextra AQI=\n"),
        ),
        bad("extra-twice", "extra stands once", &good.replace("extra AQI=\n", "extra AQI=\nextra AQI=\n")),
        bad("extra-no-padding", "base64 has its padding", &good.replace("AQI=", "AQI")),
        bad(
            "extra-stray-bits",
            "the last character has bits that mean nothing",
            &good.replace("AQI=", "AQJ="),
        ),
        bad("hash-31-bytes", "a hash has 32 bytes", &plain.replace(&hash, &base64(&[7; 31]))),
        bad("hash-no-padding", "base64 has its padding", &plain.replace(&hash, hash.trim_end_matches('='))),
        bad("hash-trailing-space", "nothing follows a hash", &plain.replace(&hash, &format!("{hash} "))),
        bad("sixty-four-hashes", "one hash more than a proof can have", &many),
        bad("no-checkpoint", "the text ends after the proof", plain.split("\n\n").next().unwrap_or_default()),
        bad(
            "two-empty-lines",
            "one empty line goes before the checkpoint",
            &plain.replacen("\n\n", "\n\n\n", 1),
        ),
        bad("empty", "nothing at all", ""),
        bad("too-long", "more than 65,536 bytes", &long),
    ]
}

fn bad_proof() -> Vec<Vector> {
    let plain = made(3, 7, None);
    let other = NoteKey::new("log.example/sillok", ED25519, 8);
    let text = checkpoint_text(&log().name, 7, &root(&leaves(7)));
    let by_other = receipt(None, 3, &inclusion(3, &leaves(7)), &note(&text, &[other.line(&text)]));
    let mut more = inclusion(3, &leaves(7));
    more.push([7; 32]);
    let bad = |name: &str, comment: &str, text: &str| vector(name, "error", "checking", comment, text);
    vec![
        bad("other-index", "the place of another leaf", &plain.replace("index 3", "index 2")),
        bad("index-is-size", "an index must be below the size", &plain.replace("index 3", "index 7")),
        bad("other-leaf", "a sound receipt of another entry", &made(2, 7, None)),
        bad(
            "other-tree",
            "a proof for another size",
            &receipt(None, 3, &inclusion(3, &leaves(7)), &checkpoint(4)),
        ),
        bad(
            "too-few-hashes",
            "the last hash is gone",
            &receipt(None, 3, &inclusion(3, &leaves(7))[..2], &checkpoint(7)),
        ),
        bad("too-many-hashes", "one hash more", &receipt(None, 3, &more, &checkpoint(7))),
        bad("other-key", "another key signed the checkpoint", &by_other),
    ]
}

fn extras() -> Vec<Vector> {
    let (nonce, provenance, time, issuer_key) = ([1; 32], [2; 32], 1_767_225_600, [3; 32]);
    let input = "eyJhbGciOiJFUzI1NiJ9.e30";
    let good = issue_extra(&nonce, &provenance, time);
    let leaf = leaf_hash(&issue(&commitment(&nonce, input.as_bytes()), &issuer_key, &provenance, time));
    let vector = |name: &str, expect, comment, extra: &[u8]| {
        Vector::new("receipt", &format!("extra-{name}"), expect, "receipt.md#extra", comment)
            .hex("extra", extra)
            .line("signing-input", input)
            .hex("issuer-key", &issuer_key)
            .hex("leaf", &leaf)
    };
    let with = |at: usize, byte: u8| {
        let mut extra = good.clone();
        extra[at] = byte;
        extra
    };
    vec![
        vector("good", "ok", "with signing input and key it makes the entry", &good),
        vector("other-nonce", "error", "a wrong byte changes the leaf", &with(1, 9)),
        vector("other-provenance", "error", "a wrong byte changes the leaf", &with(33, 9)),
        vector(
            "other-hour",
            "error",
            "another hour changes the leaf",
            &issue_extra(&nonce, &provenance, time + 3_600),
        ),
        vector("version-2", "error", "another version", &with(0, 2)),
        vector(
            "time-not-an-hour",
            "error",
            "no entry has such a time",
            &issue_extra(&nonce, &provenance, time + 1),
        ),
        vector("too-short", "error", "72 bytes", &good[..72]),
        vector("too-long", "error", "74 bytes", &[&good[..], &[0]].concat()),
        vector("empty", "error", "no bytes at all", &[]),
    ]
}
