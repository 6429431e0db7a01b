//! Checkpoints in a receipt: texts with two spellings, floods of lines, lines that are not what they look like.

use super::super::Vector;
use super::super::world::{ORIGIN, World, log_key};
use super::{Attack, default_world};
use crate::reference::encoding::base64;
use crate::reference::note::{ED25519, NoteKey, note};
use crate::reference::tree::root;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = texts();
    all.extend(bodies());
    all.extend(lines());
    all.extend(receipts());
    all
}

const MALFORMED: &str = "cannot tell receipt.malformed";
const CHECKPOINT: &str = "log.md#checkpoint";
const RECEIPT: &str = "receipt.md#text";

fn shown(name: &str, expect: &str, spec: &str, comment: &str, receipt: impl AsRef<[u8]>) -> Vector {
    Attack::planned(|_plan| ()).with_receipt(receipt).vector(&format!("note-{name}"), expect, spec, comment)
}

/// The receipt of the default world with another checkpoint.
fn with_checkpoint(checkpoint: &str) -> String {
    let World { receipt, .. } = default_world();
    let (proof, _checkpoint) = receipt.split_once("\n\n").expect("an empty line before the checkpoint");
    format!("{proof}\n\n{checkpoint}")
}

fn checkpoint() -> String {
    let log = &default_world().log;
    log.checkpoint(log.size())
}

/// The body of the checkpoint, with these lines.
fn signed(lines: &[String]) -> String {
    let sound = checkpoint();
    let (body, _lines) = sound.split_once("\n\n").expect("an empty line before the signatures");
    with_checkpoint(&note(&format!("{body}\n"), lines))
}

/// What happens to a text on its way.
fn texts() -> Vec<Vector> {
    let sound = default_world().receipt.clone();
    let damaged = |name: &str, comment: &str, receipt: String| {
        assert_ne!(receipt, sound);
        shown(name, MALFORMED, RECEIPT, comment, receipt)
    };
    let dash =
        |name: &str, comment: &str, dash: &str| damaged(name, comment, sound.replace('\u{2014}', dash));
    vec![
        damaged("no-final-newline", "the last newline is missing", sound.trim_end().to_owned()),
        damaged("final-newlines", "a newline more", format!("{sound}\n")),
        damaged("carriage-returns", "as a mail program breaks lines", sound.replace('\n', "\r\n")),
        damaged("final-carriage-return", "one of them at the end", sound.replacen("\n\n", "\n\r\n", 1)),
        damaged("bom", "a byte order mark", format!("\u{feff}{sound}")),
        damaged("space-at-end", "a space at the end of a line", sound.replacen('\n', " \n", 1)),
        damaged("upper-case", "another version of the first line", sound.replacen("c2sp.org", "C2SP.org", 1)),
        dash("hyphen", "a hyphen for the dash", "-"),
        dash("en-dash", "a shorter dash", "\u{2013}"),
        dash("horizontal-bar", "a bar that looks the same", "\u{2015}"),
        dash("two-hyphens", "two hyphens", "--"),
    ]
}

/// Bodies that the log itself has signed.
fn bodies() -> Vec<Vector> {
    let log = &default_world().log;
    let root = base64(&root(&log.leaves(log.size())));
    let by_log = |name: &str, comment: &str, body: String| {
        let checkpoint = note(&body, &[log_key().line(&body)]);
        shown(name, MALFORMED, CHECKPOINT, comment, with_checkpoint(&checkpoint))
    };
    let sized =
        |name: &str, comment: &str, size: &str| by_log(name, comment, format!("{ORIGIN}\n{size}\n{root}\n"));
    vec![
        sized("size-leading-zero", "a zero in front of the size", &format!("0{}", log.size())),
        sized("size-plus", "a sign", &format!("+{}", log.size())),
        sized("size-minus", "below nothing", "-1"),
        sized("size-2-63", "a size of 2^63", "9223372036854775808"),
        sized("size-2-64", "a size of 2^64", "18446744073709551616"),
        sized("size-hexadecimal", "hexadecimal", "0x8"),
        sized("size-empty", "no size", ""),
        by_log("extension", "a fourth line", format!("{ORIGIN}\n{}\n{root}\nextension\n", log.size())),
        by_log("two-lines", "no root", format!("{ORIGIN}\n{}\n", log.size())),
        by_log(
            "root-short",
            "a root of 31 bytes",
            format!("{ORIGIN}\n{}\n{}\n", log.size(), base64(&[1; 31])),
        ),
        by_log("blank-line", "an empty line in the body", format!("{ORIGIN}\n\n{}\n{root}\n", log.size())),
    ]
}

/// Lines below the body.
fn lines() -> Vec<Vector> {
    let sound = checkpoint();
    let (body, line) = sound.split_once("\n\n").expect("an empty line before the signatures");
    let body = format!("{body}\n");
    let stranger =
        |number: u8| NoteKey::new(&format!("stranger{number}.example"), ED25519, 100 + number).line(&body);
    let strangers = |count: u8| (0..count).map(stranger).collect::<Vec<_>>();
    let with = |lines: Vec<String>| signed(&[vec![line.to_owned()], lines].concat());
    let wrong = log_key().line("another text\n");
    let impostor = NoteKey::new(ORIGIN, ED25519, 9).line(&body);
    let signature = "not valid checkpoint.signature";
    vec![
        shown("unknown-line", "valid", CHECKPOINT, "a line of a stranger is ignored", with(strangers(1))),
        shown("64-lines", "valid", CHECKPOINT, "as many lines as allowed", with(strangers(63))),
        shown("65-lines", MALFORMED, CHECKPOINT, "a line more", with(strangers(64))),
        shown(
            "wrong-line",
            signature,
            CHECKPOINT,
            "the log's line is over another text",
            signed(std::slice::from_ref(&wrong)),
        ),
        shown(
            "wrong-line-behind",
            MALFORMED,
            CHECKPOINT,
            "the log's line and a wrong one behind it",
            with(vec![wrong.clone()]),
        ),
        shown(
            "wrong-line-before",
            signature,
            CHECKPOINT,
            "a wrong one before it",
            signed(&[wrong, line.to_owned()]),
        ),
        shown("line-twice", MALFORMED, CHECKPOINT, "the log's line twice", with(vec![line.to_owned()])),
        shown(
            "impostor",
            "cannot tell log.key-unknown",
            CHECKPOINT,
            "a line of the log's name by another key",
            signed(&[impostor]),
        ),
        shown(
            "strangers-alone",
            "cannot tell log.key-unknown",
            CHECKPOINT,
            "lines of strangers alone",
            signed(&strangers(3)),
        ),
        shown("no-line", MALFORMED, CHECKPOINT, "no line at all", signed(&[])),
        shown(
            "line-without-signature",
            MALFORMED,
            CHECKPOINT,
            "an ID and nothing",
            signed(&[log_key().line_of(b"")]),
        ),
    ]
}

/// Index and proof.
fn receipts() -> Vec<Vector> {
    let World { receipt, index, .. } = default_world();
    let replaced = |name: &str, expect: &str, comment: &str, from: &str, to: &str| {
        assert!(receipt.contains(from), "{from}");
        shown(name, expect, RECEIPT, comment, receipt.replacen(from, to, 1))
    };
    let line = format!("index {index}\n");
    let bad = |name: &str, comment: &str, to: &str| replaced(name, MALFORMED, comment, &line, to);
    let long = |hashes: usize| format!("{line}{}", format!("{}\n", base64(&[9; 32])).repeat(hashes));
    let own = receipt.matches("=\n").count();
    vec![
        bad("index-zeros", "zeros in front of the index", &format!("index 00{index}\n")),
        bad("index-plus", "a sign", &format!("index +{index}\n")),
        bad("index-2-64", "an index of 2^64", "index 18446744073709551616\n"),
        bad("index-twice", "two indexes", &format!("{line}{line}")),
        bad("proof-64", "a proof of more than 63 hashes", &long(64)),
        bad("proof-short-hash", "a hash of 31 bytes", &format!("{line}{}\n", base64(&[9; 31]))),
        bad(
            "proof-unpadded",
            "a hash without padding",
            &format!("{line}{}\n", base64(&[9; 32]).trim_end_matches('=')),
        ),
        replaced(
            "proof-63",
            "not valid inclusion.mismatch",
            "as many hashes as allowed, and more than the tree has levels",
            &line,
            &long(63 - (own - 2)),
        ),
    ]
}
