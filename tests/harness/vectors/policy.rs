//! Policies: their syntax, and which checkpoints meet them.

use super::Vector;
use crate::reference::note::{COSIGNATURE, ED25519, NoteKey, checkpoint_text, note};
use crate::reference::tree::leaf_hash;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good_syntax();
    all.extend(bad_syntax());
    all.extend(quorums());
    all.extend(cosignatures());
    all.extend(logs());
    all
}

fn log() -> NoteKey {
    NoteKey::new("log.example/sillok", ED25519, 7)
}

fn witness(number: u8) -> NoteKey {
    NoteKey::new(&format!("witness{number}.example"), COSIGNATURE, 20 + number)
}

fn vector(name: &str, expect: &str, comment: &str, policy: &str) -> Vector {
    Vector::new("policy", name, expect, "log.md#cosignatures-and-quorum", comment).text("policy", policy)
}

/// The log and three witnesses `w1` to `w3`, then `rest`.
fn three(rest: &str) -> String {
    let witnesses: String = (1..=3).map(|n| format!("witness w{n} {}\n", witness(n).vkey())).collect();
    format!("log {}\n{witnesses}{rest}", log().vkey())
}

fn good_syntax() -> Vec<Vector> {
    let spaced = three("\n  # a comment\n\tgroup  g\t2 w1 w2 w3 \nquorum g\n");
    vec![
        vector("syntax-none", "ok", "no witness is asked", &format!("log {}\nquorum none\n", log().vkey())),
        vector("syntax-white-space", "ok", "spaces, tabs, comments and empty lines", &spaced),
        vector(
            "syntax-url",
            "ok",
            "an address may follow a key",
            &format!("log {} https://log.example/\nquorum none\n", log().vkey()),
        ),
        vector(
            "syntax-nested",
            "ok",
            "a group of groups",
            &three("group a any w1 w2\ngroup b all a w3\nquorum b\n"),
        ),
        vector("syntax-one-witness", "ok", "a witness is a quorum", &three("quorum w2\n")),
    ]
}

fn bad_syntax() -> Vec<Vector> {
    let w1 = witness(1).vkey();
    let cases = [
        ("no-quorum", "exactly one quorum line", three("")),
        ("two-quorums", "exactly one quorum line", three("quorum w1\nquorum w1\n")),
        ("quorum-unknown", "a name that no line defines", three("quorum w4\n")),
        ("quorum-later", "a name that only a later line defines", three("quorum g\ngroup g any w1\n")),
        ("group-of-itself", "a group is defined by earlier lines", three("group g any g\nquorum g\n")),
        ("group-empty", "a group has a member", three("group g any\nquorum g\n")),
        ("threshold-0", "a threshold is at least 1", three("group g 0 w1 w2\nquorum g\n")),
        (
            "threshold-too-large",
            "a threshold is at most the number of members",
            three("group g 3 w1 w2\nquorum g\n"),
        ),
        ("threshold-plus", "a number has no sign", three("group g +1 w1 w2\nquorum g\n")),
        ("threshold-leading-zero", "a number has no leading zero", three("group g 01 w1 w2\nquorum g\n")),
        ("member-twice", "a name is a member once", three("group g 2 w1 w1\nquorum g\n")),
        (
            "member-of-two-groups",
            "a name is a member of one group",
            three("group a any w1\ngroup b any w1\ngroup g all a b\nquorum g\n"),
        ),
        ("member-none", "none is no member", three("group g any none\nquorum g\n")),
        (
            "name-none",
            "none is predefined",
            three(&format!("witness none {}\nquorum none\n", witness(4).vkey())),
        ),
        (
            "name-twice",
            "a name is defined once",
            three(&format!("witness w1 {}\nquorum w1\n", witness(4).vkey())),
        ),
        (
            "key-twice",
            "a witness key stands once, whatever its name",
            three(&format!("witness w4 {w1}\nquorum w4\n")),
        ),
        ("log-twice", "a log key stands once", three(&format!("log {}\nquorum w1\n", log().vkey()))),
        ("log-with-witness-key", "a log signs with type 1", format!("log {w1}\nquorum none\n")),
        (
            "witness-with-log-key",
            "a witness cosigns with type 4",
            format!("witness w {}\nquorum w\n", log().vkey()),
        ),
        ("unknown-keyword", "no other line exists", three("mirror m\nquorum w1\n")),
        ("carriage-return", "no control character but tab and newline", three("quorum w1\r\n")),
        ("no-newline-at-end", "each line ends with a newline", three("quorum w1")),
    ];
    cases
        .map(|(name, comment, policy)| {
            vector(&format!("syntax-{name}"), "error trust.policy", comment, &policy)
        })
        .into()
}

const TIMES: [u64; 4] = [0, 1_767_225_600, 1_767_225_700, 1_767_225_800];

/// A checkpoint that the log and these witnesses signed; witness n at `TIMES[n]`.
fn checkpoint(witnesses: &[u8]) -> String {
    let text = checkpoint_text(&log().name, 7, &leaf_hash(b"root"));
    let mut lines = vec![log().line(&text)];
    lines.extend(witnesses.iter().map(|n| witness(*n).cosign(&text, TIMES[usize::from(*n)])));
    note(&text, &lines)
}

fn opened(
    name: &str,
    expect: &str,
    comment: &str,
    policy: &str,
    checkpoint: &str,
    floor: Option<u64>,
) -> Vector {
    let vector = vector(name, expect, comment, policy).text("checkpoint", checkpoint);
    match floor {
        Some(floor) => vector.line("time-floor", floor),
        None => vector,
    }
}

fn quorums() -> Vec<Vector> {
    let two_of_three = three("group g 2 w1 w2 w3\nquorum g\n");
    let all = three("group g all w1 w2 w3\nquorum g\n");
    let any = three("group g any w1 w2 w3\nquorum g\n");
    let nested = three("group a any w1 w2\ngroup b all a w3\nquorum b\n");
    let none = three("quorum none\n");
    let met = |name, comment, policy: &str, who: &[u8], floor| {
        opened(name, "ok", comment, policy, &checkpoint(who), floor)
    };
    let unmet = |name, comment, policy: &str, who: &[u8]| {
        opened(name, "error checkpoint.quorum", comment, policy, &checkpoint(who), None)
    };
    vec![
        met("quorum-none", "no cosignature is needed, and there is no time floor", &none, &[], None),
        met(
            "quorum-two-of-three",
            "the floor is the second newest time",
            &two_of_three,
            &[1, 3],
            Some(TIMES[1]),
        ),
        met("quorum-three-for-two", "the floor needs only two", &two_of_three, &[1, 2, 3], Some(TIMES[2])),
        met("quorum-all", "the floor is the oldest time", &all, &[3, 2, 1], Some(TIMES[1])),
        met("quorum-any", "the floor is the newest time", &any, &[1, 2], Some(TIMES[2])),
        met("quorum-nested", "w1 or w2, and w3", &nested, &[2, 3], Some(TIMES[2])),
        unmet("quorum-one-of-two", "one cosignature where two are asked", &two_of_three, &[2]),
        unmet("quorum-all-but-one", "two where all three are asked", &all, &[1, 2]),
        unmet("quorum-nested-unmet", "w3 is missing", &nested, &[1, 2]),
        unmet("quorum-no-cosignature", "the log alone", &any, &[]),
    ]
}

fn cosignatures() -> Vec<Vector> {
    let two_of_three = three("group g 2 w1 w2 w3\nquorum g\n");
    let any = three("group g any w1 w2 w3\nquorum g\n");
    let text = checkpoint_text(&log().name, 7, &leaf_hash(b"root"));
    let twice = note(
        &text,
        &[log().line(&text), witness(1).cosign(&text, TIMES[1]), witness(1).cosign(&text, TIMES[2])],
    );
    let stranger = NoteKey::new("witness9.example", COSIGNATURE, 29).cosign(&text, TIMES[1]);
    let foreign = note(&text, &[log().line(&text), witness(1).cosign(&text, TIMES[1]), stranger]);
    let bad = note(
        &text,
        &[
            log().line(&text),
            witness(1).cosign("other\n", TIMES[1]),
            witness(2).cosign(&text, TIMES[2]),
            witness(3).cosign(&text, TIMES[3]),
        ],
    );
    vec![
        opened(
            "quorum-witness-latest-time",
            "ok",
            "a witness that signs twice counts at its latest time",
            &any,
            &twice,
            Some(TIMES[2]),
        ),
        opened(
            "quorum-witness-twice",
            "error checkpoint.quorum",
            "a witness that signs twice counts once",
            &two_of_three,
            &twice,
            None,
        ),
        opened(
            "quorum-unknown-witness",
            "error checkpoint.quorum",
            "a cosignature of nobody in the policy does not count",
            &two_of_three,
            &foreign,
            None,
        ),
        opened(
            "quorum-bad-cosignature",
            "error",
            "a bad cosignature of a named witness fails the note, though two are good",
            &two_of_three,
            &bad,
            None,
        ),
    ]
}

fn logs() -> Vec<Vector> {
    let other = NoteKey::new("other.example/log", ED25519, 8);
    let two = format!("log {}\nlog {}\nquorum none\n", other.vkey(), log().vkey());
    let one = format!("log {}\nquorum none\n", other.vkey());
    let text = checkpoint_text(&log().name, 7, &leaf_hash(b"root"));
    let by_other = note(&text, &[other.line(&text)]);
    let forged = note(&text, &[log().line("other\n")]);
    let impostor = note(&text, &[NoteKey::new(&log().name, ED25519, 9).line(&text)]);
    let next = NoteKey::new(&log().name, ED25519, 9);
    let rotating = format!("log {}\nlog {}\nquorum none\n", log().vkey(), next.vkey());
    let by_next = note(&text, &[next.line(&text)]);
    let bystander = note(&text, &[log().line(&text), other.line("other\n")]);
    vec![
        opened("log-changes-key", "ok", "two log lines may share an origin", &rotating, &by_next, None),
        opened(
            "log-bystander",
            "ok",
            "only lines of the checkpoint's origin are looked at",
            &two,
            &bystander,
            None,
        ),
        opened("two-logs", "ok", "one satisfied log line is enough", &two, &checkpoint(&[]), None),
        opened(
            "log-unknown",
            "error log.unknown",
            "the origin is no log of the policy",
            &one,
            &checkpoint(&[]),
            None,
        ),
        opened(
            "log-of-another-origin",
            "error log.key-unknown",
            "a log of the policy signs for another's origin",
            &two,
            &by_other,
            None,
        ),
        opened(
            "log-signature-wrong",
            "error checkpoint.signature",
            "the log's line does not verify",
            &two,
            &forged,
            None,
        ),
        opened(
            "log-impostor",
            "error log.key-unknown",
            "the same name with another key",
            &two,
            &impostor,
            None,
        ),
    ]
}
