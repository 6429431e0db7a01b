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
    all.extend(bad_checkpoints());
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

/// Over the checkpoint `text`; accepted if a time is expected.
fn case(name: &str, comment: &str, text: &str, line: &str, key: String, time: Option<u64>) -> Vector {
    let expect = if time.is_some() { "ok" } else { "error" };
    let name = format!("checkpoint-{name}");
    let vector = Vector::new("cosignature", &name, expect, "log.md#cosignatures-and-quorum", comment)
        .text("checkpoint", text)
        .text("line", line)
        .line("key", key);
    time.into_iter().fold(vector, |vector, time| vector.line("time", time))
}

fn checkpoints() -> Vec<Vector> {
    let (classic, quantum) = (NoteKey::new("witness.example/w1", COSIGNATURE, 4), quantum());
    let text = checkpoint_text(ORIGIN, 7, &hash());
    let own = |time| quantum.cosign(time, ORIGIN, (0, 7), &hash());
    let empty = checkpoint_text(ORIGIN, 0, &root(&[]));
    let empty_line = quantum.cosign(TIME, ORIGIN, (0, 0), &root(&[]));
    let (classic_line, latest) = (classic.cosign(&text, TIME), (1 << 63) - 1);
    let key = || quantum.vkey();
    vec![
        case("ed25519", "type 4", &text, &classic_line, classic.vkey(), Some(TIME)),
        case("ml-dsa", "type 6 over the whole tree", &text, &own(TIME), key(), Some(TIME)),
        case("ml-dsa-time-0", "no statement about when", &text, &own(0), key(), Some(0)),
        case("ml-dsa-time-largest", "2^63 - 1", &text, &own(latest), key(), Some(latest)),
        case("ml-dsa-empty", "size 0", &empty, &empty_line, key(), Some(TIME)),
        case("other-kind", "a key of type 4 for a line of type 6", &text, &own(TIME), classic.vkey(), None),
    ]
}

fn bad_checkpoints() -> Vec<Vector> {
    let quantum = quantum();
    let text = checkpoint_text(ORIGIN, 7, &hash());
    let wrong_empty = checkpoint_text(ORIGIN, 0, &hash());
    let extended = format!("{text}extension\n");
    let line = |time, origin, end| quantum.cosign(time, origin, (0, end), &hash());
    let other_name = CosignerKey::new("witness.example/other", 6).cosign(TIME, ORIGIN, (0, 7), &hash());
    let mut zeros = TIME.to_be_bytes().to_vec();
    zeros.resize(8 + 2_420, 0);
    let bad = |name: &str, comment: &str, text: &str, line: &str| {
        case(&format!("ml-dsa-{name}"), comment, text, line, quantum.vkey(), None)
    };
    vec![
        bad("empty-other-root", "a tree without leaves has one root", &wrong_empty, &line(TIME, ORIGIN, 0)),
        bad("time-2-63", "one second too late", &text, &line(1 << 63, ORIGIN, 7)),
        bad("other-size", "over [0, 8)", &text, &line(TIME, ORIGIN, 8)),
        bad("other-origin", "of another log", &text, &line(TIME, "log.example/other", 7)),
        bad("other-name", "the name is signed", &text, &other_name),
        bad("zeros", "no signature", &text, &quantum.line_of(&zeros)),
        bad("short", "64 bytes", &text, &quantum.line_of(&[7; 72])),
        bad("extension", "a checkpoint has three lines", &extended, &line(TIME, ORIGIN, 7)),
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
