//! Requests to a witness: every row of its table.

use super::Vector;
use crate::reference::encoding::base64;
use crate::reference::note::{COSIGNATURE, ED25519, NoteKey, checkpoint_text, note};
use crate::reference::tree::{Hash, consistency, leaf_hash, root};
use crate::reference::witness::decide;

const ORIGIN: &str = "log.example/sillok";

fn log(seed: u8) -> NoteKey {
    NoteKey::new(ORIGIN, ED25519, seed)
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect()
}

/// A request from size `old` to a checkpoint of `size` with this root.
fn request(old: usize, proof: &[Hash], (size, root): (u64, &Hash), key: &NoteKey) -> String {
    let text = checkpoint_text(&key.name, size, root);
    compose(old, proof, &note(&text, &[key.line(&text)]))
}

fn compose(old: usize, proof: &[Hash], note: &str) -> String {
    let proof: String = proof.iter().map(|hash| base64(hash) + "\n").collect();
    format!("old {old}\n{proof}\n{note}")
}

/// To a witness that cosigned size `latest` last.
fn case(name: &str, expect: &str, comment: &str, latest: usize, body: &str) -> Vector {
    let latest_root = root(&leaves(latest));
    let decided = decide(body.as_bytes(), &log(7).vkey(), (latest as u64, latest_root));
    assert_eq!(decided, expect, "{name}");
    let expect = if expect == "ok" { "ok".into() } else { format!("error {expect}") };
    Vector::new("witness", name, &expect, "log.md#witnesses", comment)
        .line("key", log(7).vkey())
        .line("latest-size", latest)
        .hex("latest-root", &latest_root)
        .text("request", body)
}

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = accepted();
    all.extend(refused());
    all
}

fn honest(old: usize, new: usize) -> String {
    let proof = if old == 0 || old == new { Vec::new() } else { consistency(old, &leaves(new)) };
    request(old, &proof, (new as u64, &root(&leaves(new))), &log(7))
}

fn accepted() -> Vec<Vector> {
    let text = checkpoint_text(ORIGIN, 7, &root(&leaves(7)));
    let witness = NoteKey::new("witness.example/w1", COSIGNATURE, 4);
    let crowd = note(&text, &[witness.cosign(&text, 5), log(8).line(&text), log(7).line(&text)]);
    vec![
        case("first", "ok", "nothing was cosigned before", 0, &honest(0, 7)),
        case("first-empty", "ok", "a log that has just begun", 0, &honest(0, 0)),
        case("growth", "ok", "from 3 leaves to 7", 3, &honest(3, 7)),
        case("growth-from-power-of-two", "ok", "the proof leaves the old root out", 4, &honest(4, 7)),
        case("same-size", "ok", "asked again", 7, &honest(7, 7)),
        case("other-signatures", "ok", "lines of others are ignored", 0, &compose(0, &[], &crowd)),
    ]
}

fn refused() -> Vec<Vector> {
    let (seven, good) = (root(&leaves(7)), honest(3, 7));
    let proof = consistency(3, &leaves(7));
    let mut wrong = proof.clone();
    wrong[0] = leaf_hash(b"other");
    let fork = leaf_hash(b"fork");
    let elsewhere = NoteKey::new("log.example/other", ED25519, 7);
    let with = |old: usize, proof: &[Hash], tree: (u64, &Hash)| request(old, proof, tree, &log(7));
    let malformed = |name: &str, comment: &str, body: &str| {
        case(&format!("malformed-{name}"), "request.malformed", comment, 3, body)
    };
    vec![
        malformed("empty", "no line", ""),
        malformed("old-missing", "the first line is another", &good.replacen("old 3", "new 3", 1)),
        malformed("old-leading-zero", "numbers are plain", &good.replacen("old 3", "old 03", 1)),
        malformed("old-plus", "numbers are plain", &good.replacen("old 3", "old +3", 1)),
        malformed("carriage-returns", "lines end with a newline alone", &good.replace('\n', "\r\n")),
        malformed("proof-not-base64", "padding is not optional", &good.replacen("=\n", "\n", 1)),
        malformed("proof-64-lines", "one line more than allowed", &with(3, &[fork; 64], (7, &seven))),
        malformed("no-checkpoint", "nothing follows the empty line", "old 3\n\n"),
        malformed(
            "extension",
            "three lines are a checkpoint",
            &good.replacen("\n\n\u{2014}", "\nx\n\n\u{2014}", 1),
        ),
        case("old-above", "witness.old-size", "the log shrinks", 8, &with(8, &[], (7, &seven))),
        case(
            "unknown-log",
            "witness.log-unknown",
            "another origin",
            3,
            &request(3, &proof, (7, &seven), &elsewhere),
        ),
        case("unsigned", "witness.signature", "another key", 3, &request(3, &proof, (7, &seven), &log(8))),
        case(
            "wrong-signature",
            "witness.signature",
            "over another size",
            3,
            &good.replacen("\n7\n", "\n9\n", 1),
        ),
        case("old-too-small", "witness.conflict", "the witness is further", 5, &good),
        case("old-too-large", "witness.conflict", "the witness is behind", 2, &good),
        case("older-checkpoint", "witness.conflict", "the witness is past it", 9, &honest(7, 7)),
        case("proof-wrong", "witness.inconsistent", "one hash is another", 3, &with(3, &wrong, (7, &seven))),
        case("proof-missing", "witness.inconsistent", "no proof", 3, &with(3, &[], (7, &seven))),
        case("proof-from-0", "witness.inconsistent", "nothing to prove", 0, &with(0, &proof, (7, &seven))),
        case("proof-same-size", "witness.inconsistent", "nothing to prove", 7, &with(7, &proof, (7, &seven))),
        case("fork", "witness.inconsistent", "a second root for a size", 7, &with(7, &[], (7, &fork))),
        case("fork-grown", "witness.inconsistent", "a tree of others", 3, &with(3, &proof, (7, &fork))),
        case(
            "empty-other-root",
            "witness.inconsistent",
            "no leaves, and a root",
            0,
            &with(0, &[], (0, &fork)),
        ),
    ]
}
