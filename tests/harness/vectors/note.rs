//! Signed notes and verifier keys.

use super::Vector;
use crate::reference::encoding::{base64, hex};
use crate::reference::note::{COSIGNATURE, ED25519, NoteKey, key_id, note, signers, vkey};

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(bad_text());
    all.extend(bad_lines());
    all.extend(keys());
    all
}

fn alice() -> NoteKey {
    NoteKey::new("alice.example", ED25519, 1)
}

fn bob() -> NoteKey {
    NoteKey::new("bob.example/notes", ED25519, 2)
}

/// A stranger: nobody's trusted key.
fn mallory(number: u8) -> NoteKey {
    NoteKey::new(&format!("stranger{number}.example"), ED25519, 100 + number)
}

const TEXT: &str = "A text\nof two lines\n";

/// Both keys are known. `signed` are the expected signers; none means that the note is refused.
fn vector(name: &str, comment: &str, note: impl AsRef<[u8]>, signed: &[&NoteKey]) -> Vector {
    let known = [alice().vkey(), bob().vkey()];
    let expected: Vec<String> = signed.iter().map(|key| key.vkey()).collect();
    let found = signers(note.as_ref(), &known);
    assert_eq!(found.unwrap_or_default(), expected, "{name}");
    let expect = if signed.is_empty() { "error" } else { "ok" };
    let vector = Vector::new("note", name, expect, "log.md#checkpoint", comment)
        .text("note", note)
        .text("keys", format!("{}\n{}\n", known[0], known[1]));
    expected.iter().fold(vector, |vector, signer| vector.line("signer", signer))
}

fn good() -> Vec<Vector> {
    let (alice, bob) = (alice(), bob());
    let own = alice.line(TEXT);
    let blank = "Empty lines\n\nbelong to the text,\n\nbut for the last\n";
    let crowd = |count: u8| -> Vec<String> { (0..count).map(|number| mallory(number).line(TEXT)).collect() };
    let same_name = NoteKey::new("alice.example", ED25519, 9);
    let mut strangers = crowd(63);
    strangers.insert(0, own.clone());
    vec![
        vector(
            "one-signature",
            "text and one known signature",
            note(TEXT, std::slice::from_ref(&own)),
            &[&alice],
        ),
        vector(
            "two-signatures",
            "both known keys signed",
            note(TEXT, &[bob.line(TEXT), own.clone()]),
            &[&bob, &alice],
        ),
        vector(
            "blank-lines-in-text",
            "the last empty line separates",
            note(blank, &[alice.line(blank)]),
            &[&alice],
        ),
        vector(
            "unknown-signature",
            "a line of an unknown key is ignored",
            note(TEXT, &[mallory(0).line(TEXT), own.clone()]),
            &[&alice],
        ),
        vector(
            "known-name-unknown-id",
            "a known name with another key's ID is an unknown key",
            note(TEXT, &[same_name.line(TEXT), own]),
            &[&alice],
        ),
        vector(
            "sixty-four-signatures",
            "as many signature lines as allowed",
            note(TEXT, &strangers),
            &[&alice],
        ),
        vector(
            "unicode-text",
            "text is UTF-8",
            note("\u{c2e4}\u{b85d}\n", &[alice.line("\u{c2e4}\u{b85d}\n")]),
            &[&alice],
        ),
    ]
}

fn bad_text() -> Vec<Vector> {
    let key = alice();
    let signed = |text: &str| note(text, &[key.line(text)]);
    let good = signed(TEXT);
    let mut not_utf8 = good.clone().into_bytes();
    not_utf8[0] = 0xff;
    vec![
        vector("changed-text", "the signature is over another text", good.replace("two", "ten"), &[]),
        vector(
            "carriage-return-in-text",
            "signed, but no control character may stand in a note",
            signed("A text\r\n"),
            &[],
        ),
        vector("carriage-returns", "a note that a mail program rewrote", good.replace('\n', "\r\n"), &[]),
        vector("tab-in-text", "a tab is a control character", signed("A\ttext\n"), &[]),
        vector("null-in-text", "U+0000 is a control character", signed("A\0text\n"), &[]),
        vector("not-utf8", "a byte that UTF-8 does not have", not_utf8, &[]),
        vector("no-newline-at-end", "the last line must end", good.trim_end_matches('\n'), &[]),
        vector(
            "text-without-newline",
            "nothing separates text and signatures",
            good.replace("\n\n", "\n"),
            &[],
        ),
        vector("no-signature", "a text and an empty line", note(TEXT, &[]), &[]),
        vector("empty", "no bytes at all", "", &[]),
        vector(
            "blank-line-after-signatures",
            "the last empty line separates, and then no signature is left",
            format!("{good}\n"),
            &[],
        ),
    ]
}

fn bad_lines() -> Vec<Vector> {
    let (key, other) = (alice(), bob());
    let line = key.line(TEXT);
    let line_with = |from: &str, to: &str| note(TEXT, &[line.replacen(from, to, 1)]);
    let wrong = key.line("Another text\n");
    // The ID, the type and the message are those of a cosignature; the known key is of type 1.
    let mut crowd: Vec<String> = (0..64).map(|number| mallory(number).line(TEXT)).collect();
    crowd.push(line.clone());
    let encoded = line.trim_end().rsplit(' ').next().expect("a signature").to_owned();
    let stray = non_canonical(&encoded);
    let short = key.line_of(&[7; 63]);
    vec![
        vector(
            "bad-signature",
            "a known key whose signature does not verify",
            note(TEXT, std::slice::from_ref(&wrong)),
            &[],
        ),
        vector(
            "bad-and-good",
            "one bad known signature refuses the note",
            note(TEXT, &[wrong, other.line(TEXT)]),
            &[],
        ),
        vector("repeated-key", "a key signs once", note(TEXT, &[line.clone(), line.clone()]), &[]),
        vector("sixty-five-signatures", "one line more than allowed", note(TEXT, &crowd), &[]),
        vector("only-unknown-keys", "nobody who is known signed", note(TEXT, &[mallory(0).line(TEXT)]), &[]),
        vector("short-signature", "63 bytes are no Ed25519 signature", note(TEXT, &[short]), &[]),
        vector("id-without-signature", "the ID alone", note(TEXT, &[key.line_of(&[])]), &[]),
        vector("plus-in-name", "a name has no plus", line_with("alice.example", "alice+example"), &[]),
        vector("space-in-name", "a name has no space", line_with("alice.example", "alice example"), &[]),
        vector(
            "unicode-space-in-name",
            "nor any Unicode space",
            line_with("alice.example", "alice\u{3000}example"),
            &[],
        ),
        vector("empty-name", "a name has a character", line_with("alice.example", ""), &[]),
        vector("hyphen-for-dash", "U+2014 begins a signature line", line_with("\u{2014}", "-"), &[]),
        vector("two-spaces", "one space separates", line_with("alice.example ", "alice.example  "), &[]),
        vector(
            "trailing-space",
            "nothing follows the signature",
            note(TEXT, &[line.replace('\n', " \n")]),
            &[],
        ),
        vector(
            "base64-stray-bits",
            "the last character has bits that mean nothing",
            line_with(&encoded, &stray),
            &[],
        ),
        vector("base64-no-padding", "padding is not optional", line_with("=", ""), &[]),
        vector(
            "base64-url-alphabet",
            "the alphabet is the standard one",
            line_with(&encoded, &encoded.replace('+', "-").replace('/', "_")),
            &[],
        ),
    ]
}

/// The same bytes with the lowest unused bit of the last character set.
fn non_canonical(encoded: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let body = encoded.trim_end_matches('=');
    let (head, last) = body.split_at(body.len() - 1);
    let value = ALPHABET.find(last).expect("a base64 character");
    format!("{head}{}{}", &ALPHABET[value + 1..value + 2], &encoded[body.len()..])
}

fn keys() -> Vec<Vector> {
    let key = alice();
    let (good, id) = (key.vkey(), hex(&key.id()));
    let cosigner = NoteKey::new("witness.example", COSIGNATURE, 3).vkey();
    // The identity, a point of order 1 (RFC 8032 section 5.1.7 leaves it to the verifier).
    let mut identity = [0; 32];
    identity[0] = 1;
    // y = p + 1 is the identity again, in an encoding that is not reduced.
    let mut unreduced = [0xff; 32];
    (unreduced[0], unreduced[31]) = (0xee, 0x7f);
    let case = |name: &str, expect, comment, text: &str| {
        Vector::new("note", &format!("key-{name}"), expect, "log.md#origin-and-key", comment)
            .line("vkey", text)
    };
    let material = |bytes: &[u8], kind: u8| {
        format!(
            "alice.example+{}+{}",
            hex(&key_id("alice.example", kind, bytes)),
            base64(&[&[kind], bytes].concat())
        )
    };
    vec![
        case("note-signer", "ok", "type 1", &good),
        case("cosigner", "ok", "type 4", &cosigner),
        case("wrong-id", "error", "the ID is not that of name and key", &good.replacen(&id, "01234567", 1)),
        case("upper-case-id", "error", "the ID is lower-case", &good.replacen(&id, &id.to_uppercase(), 1)),
        case(
            "small-order",
            "error",
            "a point of small order signs anything",
            &vkey("alice.example", ED25519, &identity),
        ),
        case(
            "not-reduced",
            "error",
            "a second encoding of a point",
            &vkey("alice.example", ED25519, &unreduced),
        ),
        case(
            "unknown-type",
            "error",
            "type 2 is ECDSA, which this log does not use",
            &material(&key.public(), 2),
        ),
        case("short", "error", "31 bytes", &material(&key.public()[1..], 1)),
        case("space-in-name", "error", "a name has no space", &vkey("alice example", ED25519, &key.public())),
        case("empty-name", "error", "a name has a character", &vkey("", ED25519, &key.public())),
        case("trailing-newline", "error", "nothing follows the key", &format!("{good}\n")),
    ]
}
