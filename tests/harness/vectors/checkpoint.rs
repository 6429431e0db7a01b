//! Checkpoints: what may stand in the three lines.

use super::Vector;
use crate::reference::encoding::base64;
use crate::reference::note::{ED25519, NoteKey, checkpoint_text, note, open_checkpoint};
use crate::reference::tree::{leaf_hash, root};

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(bad());
    all
}

fn log() -> NoteKey {
    NoteKey::new("log.example/sillok", ED25519, 7)
}

fn vector(name: &str, expect: &str, comment: &str, note: &str) -> Vector {
    let key = log().vkey();
    let opened = open_checkpoint(note.as_bytes(), &key);
    assert_eq!(opened.is_some(), expect == "ok", "{name}");
    let vector = Vector::new("checkpoint", name, expect, "log.md#checkpoint", comment)
        .text("note", note)
        .line("key", key);
    match opened {
        Some((origin, size, root)) => vector.line("origin", origin).line("size", size).hex("root", &root),
        None => vector,
    }
}

/// The text, signed by the log.
fn signed(text: &str) -> String {
    note(text, &[log().line(text)])
}

fn good() -> Vec<Vector> {
    let key = log();
    let text = checkpoint_text(&key.name, 7, &leaf_hash(b"root"));
    let other = NoteKey::new("other.example", ED25519, 8).line(&text);
    vec![
        vector("three-lines", "ok", "origin, size, root", &signed(&text)),
        vector("empty-log", "ok", "size 0", &signed(&checkpoint_text(&key.name, 0, &root(&[])))),
        vector(
            "largest-size",
            "ok",
            "2^63 - 1",
            &signed(&checkpoint_text(&key.name, (1 << 63) - 1, &leaf_hash(b"root"))),
        ),
        vector(
            "other-signature",
            "ok",
            "lines of others are ignored",
            &note(&text, &[other, key.line(&text)]),
        ),
    ]
}

fn bad() -> Vec<Vector> {
    let key = log();
    let hash = leaf_hash(b"root");
    let text = checkpoint_text(&key.name, 7, &hash);
    let change = |from: &str, to: &str| signed(&text.replacen(from, to, 1));
    let stranger = NoteKey::new("other.example", ED25519, 8);
    let long = format!("{}{}", "a".repeat(256), text);
    let encoded = base64(&hash);
    vec![
        vector("size-leading-zero", "error", "a number has no leading zero", &change("\n7\n", "\n07\n")),
        vector("size-plus", "error", "a number has no sign", &change("\n7\n", "\n+7\n")),
        vector("size-minus", "error", "a number has no sign", &change("\n7\n", "\n-7\n")),
        vector("size-empty", "error", "a number has a digit", &change("\n7\n", "\n\n")),
        vector("size-space", "error", "a number has no space", &change("\n7\n", "\n7 \n")),
        vector("size-hexadecimal", "error", "a number is decimal", &change("\n7\n", "\n0x7\n")),
        vector("size-2-63", "error", "sizes are below 2^63", &change("\n7\n", "\n9223372036854775808\n")),
        vector("size-2-64", "error", "sizes fit 64 bits", &change("\n7\n", "\n18446744073709551616\n")),
        vector("extension-line", "error", "extension lines are refused", &signed(&format!("{text}frozen\n"))),
        vector("blank-line", "error", "a fourth line, empty", &signed(&format!("{text}\n"))),
        vector("two-lines", "error", "no root", &signed(&format!("{}\n7\n", key.name))),
        vector(
            "origin-not-name",
            "error",
            "the log signs for its own origin",
            &change("log.example", "log2.example"),
        ),
        vector("origin-empty", "error", "an origin has a character", &change(&key.name, "")),
        vector("origin-space", "error", "an origin has no space", &change(".example", " example")),
        vector("origin-too-long", "error", "an origin has at most 255 bytes", &signed(&long)),
        vector("root-31-bytes", "error", "a root is 32 bytes", &change(&encoded, &base64(&hash[1..]))),
        vector("root-no-padding", "error", "base64 has its padding", &change("=", "")),
        vector(
            "not-signed-by-log",
            "error",
            "another key's signature alone",
            &note(&text, &[stranger.line(&text)]),
        ),
        vector(
            "signature-of-other-text",
            "error",
            "a signature does not move",
            &note(&text, &[key.line("other\n")]),
        ),
    ]
}
