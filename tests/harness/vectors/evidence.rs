//! Evidence against a log: what its own signatures show.

use super::Vector;
use crate::reference::encoding::base64;
use crate::reference::evidence::{Evidence, shows};
use crate::reference::json::{array, file, string};
use crate::reference::note::{ED25519, NoteKey, checkpoint_text, note};
use crate::reference::tree::{Hash, consistency, leaf_hash, root};

fn log() -> NoteKey {
    NoteKey::new("log.example/sillok", ED25519, 7)
}

/// Leaves of one history or another.
fn leaves(history: &str, count: usize) -> Vec<Hash> {
    (0..count).map(|leaf| leaf_hash(format!("{history} {leaf}").as_bytes())).collect()
}

fn signed(key: &NoteKey, history: &str, size: usize) -> String {
    let text = checkpoint_text(&key.name, size as u64, &root(&leaves(history, size)));
    note(&text, &[key.line(&text)])
}

fn json(evidence: &Evidence, form: &str, key: &NoteKey) -> String {
    let mut members = vec![
        ("type", string(form)),
        ("claim", string(evidence.claim)),
        ("log", string(&key.vkey())),
        ("older", string(&evidence.older)),
        ("newer", string(&evidence.newer)),
    ];
    members.extend(evidence.prefix_root.map(|root| ("prefix_root", string(&base64(&root)))));
    if !evidence.consistency.is_empty() {
        let hashes: Vec<String> = evidence.consistency.iter().map(|hash| string(&base64(hash))).collect();
        members.push(("consistency", array(&hashes)));
    }
    file(&members)
}

/// A file that is judged by what it shows.
fn judged(name: &str, expect: &str, comment: &str, evidence: &Evidence) -> Vector {
    let vector = written(name, expect, comment, &json(evidence, TYPE, &log()));
    assert_eq!(shows(evidence, &log().vkey()), expect == "ok", "{name}");
    vector
}

fn written(name: &str, expect: &str, comment: &str, text: &str) -> Vector {
    Vector::new("evidence", name, expect, "audit.md#evidence", comment)
        .text("evidence", text)
        .line("key", log().vkey())
}

/// The log signed `old` entries of one history and `new` of another.
fn fork(old: usize, new: usize) -> Evidence {
    let second = leaves("second", new);
    let proof = (old < new).then(|| (root(&second[..old]), consistency(old, &second)));
    let (prefix_root, consistency) = proof.map_or((None, Vec::new()), |(root, proof)| (Some(root), proof));
    Evidence {
        claim: "fork",
        older: signed(&log(), "first", old),
        newer: signed(&log(), "second", new),
        prefix_root,
        consistency,
    }
}

fn rollback(from: usize, to: usize) -> Evidence {
    Evidence {
        claim: "rollback",
        older: signed(&log(), "first", from),
        newer: signed(&log(), "first", to),
        prefix_root: None,
        consistency: Vec::new(),
    }
}

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = vec![
        judged("fork-same-size", "ok", "two roots for one size", &fork(7, 7)),
        judged("fork-grown", "ok", "seven entries are not the beginning of twelve", &fork(7, 12)),
        judged("fork-power-of-two", "ok", "the proof leaves the smaller root out", &fork(8, 12)),
        judged("rollback", "ok", "seven entries after twelve", &rollback(12, 7)),
    ];
    all.extend(refused());
    all.extend(malformed());
    all
}

fn refused() -> Vec<Vector> {
    let (good, same) = (fork(7, 12), fork(7, 7));
    let (stranger, other) =
        (NoteKey::new(&log().name, ED25519, 8), NoteKey::new("log.example/other", ED25519, 7));
    let honest = leaves("second", 12);
    let changed = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = good.clone();
        change(&mut evidence);
        evidence
    };
    vec![
        judged(
            "same-note-twice",
            "error",
            "nothing contradicts",
            &Evidence { newer: same.older.clone(), ..same.clone() },
        ),
        judged(
            "one-history",
            "error",
            "the beginning is what was signed",
            &changed(&|e| e.older = signed(&log(), "second", 7)),
        ),
        judged("proof-missing", "error", "nothing shows the beginning", &changed(&|e| e.consistency.clear())),
        judged("proof-changed", "error", "one hash is another", &changed(&|e| e.consistency[0] = honest[0])),
        judged(
            "prefix-root-changed",
            "error",
            "the proof is of another root",
            &changed(&|e| e.prefix_root = Some(honest[0])),
        ),
        judged(
            "prefix-root-absent",
            "error",
            "two sizes are no fork by themselves",
            &changed(&|e| (e.prefix_root, e.consistency) = (None, Vec::new())),
        ),
        judged(
            "prefix-root-of-one-size",
            "error",
            "one size has no beginning of the other",
            &Evidence { prefix_root: Some(root(&leaves("second", 7))), ..same.clone() },
        ),
        judged(
            "older-is-larger",
            "error",
            "the notes the other way round",
            &Evidence { older: good.newer.clone(), newer: good.older.clone(), ..good.clone() },
        ),
        judged(
            "older-of-stranger",
            "error",
            "signed by another key of the name",
            &changed(&|e| e.older = signed(&stranger, "first", 7)),
        ),
        judged(
            "newer-of-other-log",
            "error",
            "signed by another log",
            &changed(&|e| e.newer = signed(&other, "second", 12)),
        ),
        judged("rollback-that-grows", "error", "twelve entries after seven", &rollback(7, 12)),
        judged("rollback-of-one-size", "error", "nothing went back", &rollback(7, 7)),
        judged(
            "rollback-with-proof",
            "error",
            "a rollback has no proof",
            &Evidence { prefix_root: good.prefix_root, ..rollback(12, 7) },
        ),
    ]
}

fn malformed() -> Vec<Vector> {
    let good = fork(7, 12);
    let stranger = NoteKey::new(&log().name, ED25519, 8);
    let text = json(&good, TYPE, &log());
    vec![
        written("other-type", "error", "another version", &json(&good, "sillok-evidence/v2", &log())),
        written("other-claim", "error", "a claim that there is not", &text.replace("\"fork\"", "\"lie\"")),
        written("other-member", "error", "no other member", &text.replacen('{', "{\"note\": \"x\", ", 1)),
        written(
            "other-key",
            "error",
            "the file names another key than the one known",
            &json(&good, TYPE, &stranger),
        ),
        written("not-json", "error", "cut off", &text[..text.len() / 2]),
    ]
}

const TYPE: &str = "sillok-evidence/v1";
