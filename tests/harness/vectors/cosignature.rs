//! Cosignatures: of checkpoints by either kind of key, and of subtrees.

use super::Vector;
use crate::reference::cosignature::CosignerKey;
use crate::reference::encoding::base64;
use crate::reference::note::{COSIGNATURE, NoteKey, checkpoint_text};
use crate::reference::tree::{Hash, leaf_hash, root};

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = checkpoints();
    all.extend(subtrees());
    all
}

const ORIGIN: &str = "log.example/sillok";
const TIME: u64 = 1_679_315_147;

fn quantum() -> CosignerKey {
    CosignerKey::new("witness.example/pq", 6)
}

fn hash() -> Hash {
    leaf_hash(b"root")
}

fn checkpoints() -> Vec<Vector> {
    let (classic, quantum) = (NoteKey::new("witness.example/w1", COSIGNATURE, 4), quantum());
    let text = checkpoint_text(ORIGIN, 7, &hash());
    let own = |time| quantum.cosign(time, ORIGIN, (0, 7), &hash());
    let empty = checkpoint_text(ORIGIN, 0, &root(&[]));
    let wrong_empty = checkpoint_text(ORIGIN, 0, &hash());
    let case = |name: &str, comment: &str, text: &str, line: &str, key: String, time: Option<u64>| {
        let expect = if time.is_some() { "ok" } else { "error" };
        let name = format!("checkpoint-{name}");
        let vector = Vector::new("cosignature", &name, expect, "log.md#cosignatures-and-quorum", comment)
            .text("checkpoint", text)
            .text("line", line)
            .line("key", key);
        time.into_iter().fold(vector, |vector, time| vector.line("time", time))
    };
    let mut time_high = (1_u64 << 63).to_be_bytes().to_vec();
    time_high.resize(8 + 2_420, 0);
    let signed_high = quantum.cosign(1 << 63, ORIGIN, (0, 7), &hash());
    let classic_line = classic.cosign(&text, TIME);
    vec![
        case("ed25519", "type 4", &text, &classic_line, classic.vkey(), Some(TIME)),
        case("ml-dsa", "type 6 over the whole tree", &text, &own(TIME), quantum.vkey(), Some(TIME)),
        case("ml-dsa-time-0", "no statement about when", &text, &own(0), quantum.vkey(), Some(0)),
        case(
            "ml-dsa-time-largest",
            "2^63 - 1",
            &text,
            &own((1 << 63) - 1),
            quantum.vkey(),
            Some((1 << 63) - 1),
        ),
        case(
            "ml-dsa-empty",
            "size 0",
            &empty,
            &quantum.cosign(TIME, ORIGIN, (0, 0), &root(&[])),
            quantum.vkey(),
            Some(TIME),
        ),
        case(
            "ml-dsa-empty-other-root",
            "a tree without leaves has one root",
            &wrong_empty,
            &quantum.cosign(TIME, ORIGIN, (0, 0), &hash()),
            quantum.vkey(),
            None,
        ),
        case("ml-dsa-time-2-63", "one second too late", &text, &signed_high, quantum.vkey(), None),
        case(
            "ml-dsa-other-size",
            "over [0, 8)",
            &text,
            &quantum.cosign(TIME, ORIGIN, (0, 8), &hash()),
            quantum.vkey(),
            None,
        ),
        case(
            "ml-dsa-other-origin",
            "of another log",
            &text,
            &quantum.cosign(TIME, "log.example/other", (0, 7), &hash()),
            quantum.vkey(),
            None,
        ),
        case(
            "ml-dsa-other-name",
            "the name is signed",
            &text,
            &CosignerKey::new("witness.example/other", 6).cosign(TIME, ORIGIN, (0, 7), &hash()),
            quantum.vkey(),
            None,
        ),
        case("ml-dsa-zeros", "no signature", &text, &quantum.line_of(&time_high), quantum.vkey(), None),
        case("ml-dsa-short", "64 bytes", &text, &quantum.line_of(&[7; 72]), quantum.vkey(), None),
        case(
            "ml-dsa-extension",
            "a checkpoint has three lines",
            &format!("{text}extension\n"),
            &own(TIME),
            quantum.vkey(),
            None,
        ),
        case("other-kind", "a key of type 4 for a line of type 6", &text, &own(TIME), classic.vkey(), None),
    ]
}

fn subtrees() -> Vec<Vector> {
    let quantum = quantum();
    let case = |name: &str, comment: &str, (start, end): (u64, u64), line: &str, time: Option<u64>| {
        let expect = if time.is_some() { "ok" } else { "error" };
        let name = format!("subtree-{name}");
        let vector = Vector::new("cosignature", &name, expect, "log.md#subtree-cosignatures", comment)
            .line("origin", ORIGIN)
            .line("start", start)
            .line("end", end)
            .line("hash", base64(&hash()))
            .text("line", line)
            .line("key", quantum.vkey());
        time.into_iter().fold(vector, |vector, time| vector.line("time", time))
    };
    let line = |time, range| quantum.cosign(time, ORIGIN, range, &hash());
    vec![
        case("8-13", "a subtree inside", (8, 13), &line(0, (8, 13)), Some(0)),
        case(
            "0-7",
            "the cosignature of a checkpoint is one of its tree",
            (0, 7),
            &line(TIME, (0, 7)),
            Some(TIME),
        ),
        case("with-time", "a time for a subtree inside", (8, 13), &line(TIME, (8, 13)), None),
        case("other-end", "over [8, 12)", (8, 13), &line(0, (8, 12)), None),
        case("other-start", "over [0, 13)", (8, 13), &line(0, (0, 13)), None),
        case("not-aligned", "[4, 12) is no subtree", (4, 12), &line(0, (4, 12)), None),
        case("empty-other-hash", "no leaves, and a hash", (8, 8), &line(0, (8, 8)), None),
    ]
}
