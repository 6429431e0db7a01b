//! Targets of what logs, witnesses and auditors give each other, and of the pieces that other formats are made of.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

use sillok_client::audit::parse_evidence;
use sillok_client::monitored::{Event, Line, Observed};
use sillok_log::audit::{Auditor, LogKind};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::cosignature;
use sillok_log::note::{Note, VerifierKey};
use sillok_log::witness::{Request, Submitted, parse_size, size_body};
use sillok_log::{Hash, TreeSize, UnixSeconds};
use sillok_verifier::json::{Json, Limits, push_string};
use sillok_verifier::key::PublicKey;

use crate::corpus::{parts, vectors};
use crate::known::known;

/// JSON within the limits of a credential. What is read is written and read as the same.
pub(crate) fn json(input: &[u8]) -> bool {
    let Ok(json) = Json::parse(input, &LIMITS) else { return false };
    let written = write(&json);
    assert_eq!(Json::parse(written.as_bytes(), &LIMITS).as_ref(), Ok(&json));
    true
}

fn write(json: &Json) -> String {
    let mut text = String::new();
    match json {
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(write).collect();
            write!(text, "[{}]", items.join(",")).expect("a string takes everything");
        }
        Json::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Json::Integer(number) => text.push_str(&number.to_string()),
        Json::Null => text.push_str("null"),
        Json::Object(object) => {
            let mut names = BTreeSet::new();
            let members = object.members().map(|(name, value)| {
                assert!(names.insert(name), "a name twice");
                let mut member = String::new();
                push_string(&mut member, name);
                format!("{member}:{}", write(value))
            });
            let members: Vec<String> = members.collect();
            write!(text, "{{{}}}", members.join(",")).expect("a string takes everything");
        }
        Json::String(value) => push_string(&mut text, value),
    }
    text
}

/// A public key. One key has one text that is hashed, whatever the order it was written in.
pub(crate) fn jwk(input: &[u8]) -> bool {
    let Ok(json) = Json::parse(input, &LIMITS) else { return false };
    let Ok(key) = PublicKey::from_jwk(&json) else { return false };
    let written = key.to_jwk_json();
    let again = Json::parse(written.as_bytes(), &LIMITS).expect("what is written parses");
    assert_eq!(PublicKey::from_jwk(&again).as_ref(), Ok(&key));
    // Nothing that was not signed: 64 zeros are good under a key of low order.
    assert!(key.verify(b"", &[0; 64]).is_err(), "a key that signs everything");
    true
}

/// Signature lines below a checkpoint that a witness of the vectors may have cosigned.
pub(crate) fn cosignature(input: &[u8]) -> bool {
    let Ok(lines) = std::str::from_utf8(input) else { return false };
    let text = format!("a text\n\n{lines}");
    let Ok(note) = Note::parse(&text) else { return false };
    let Cosigned { keys, bodies, lines: sound } = cosigned();
    for line in note.signatures() {
        for key in keys.iter().filter(|key| line.claims(key)) {
            let good = bodies.iter().any(|body| cosignature::verify(body, line, key).is_ok());
            assert!(!good || sound.contains(&line.encode()), "a forged cosignature verifies");
        }
    }
    true
}

/// Witnesses, what they were asked about, and every line that they wrote.
struct Cosigned {
    keys: Vec<VerifierKey>,
    bodies: Vec<String>,
    lines: BTreeSet<String>,
}

fn cosigned() -> &'static Cosigned {
    static COSIGNED: OnceLock<Cosigned> = OnceLock::new();
    COSIGNED.get_or_init(|| {
        let own = || vectors().iter().filter(|vector| vector.topic == "cosignature");
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        let keys: BTreeSet<String> = own().filter_map(|vector| text(vector.get("key")?)).collect();
        let bodies: BTreeSet<String> = own()
            .filter_map(|vector| text(vector.get("checkpoint")?))
            .filter(|body| Checkpoint::parse_body(body).is_ok())
            .collect();
        let lines = own()
            .filter_map(|vector| text(vector.get("line")?))
            .map(|line| line.trim_end().to_owned() + "\n");
        Cosigned {
            keys: keys.iter().filter_map(|key| VerifierKey::parse(key).ok()).collect(),
            bodies: bodies.into_iter().collect(),
            lines: lines.collect(),
        }
    })
}

pub(crate) fn cosignature_lines() -> Vec<Vec<u8>> {
    let lines = parts(&["line"]).into_iter();
    lines
        .map(|mut line| {
            if line.last() != Some(&b'\n') {
                line.push(b'\n');
            }
            line
        })
        .collect()
}

/// What a log asks a witness, as a whole and as a request alone.
pub(crate) fn witness_request(input: &[u8]) -> bool {
    let Ok(request) = Request::parse(input) else { return false };
    assert_eq!(request.encode().as_bytes(), input);
    if let Ok(submitted) = Submitted::parse(input) {
        let refused = submitted.decide(None);
        assert!(refused.is_err(), "a log that nobody follows is cosigned");
    }
    true
}

/// The size in a witness's answer.
pub(crate) fn witness_size(input: &[u8]) -> bool {
    let Some(size) = parse_size(input) else { return false };
    assert_eq!(size_body(size).as_bytes(), input);
    true
}

pub(crate) fn witness_sizes() -> Vec<Vec<u8>> {
    ["0\n", "7\n", "9223372036854775807\n", "18446744073709551615\n", "07\n", "7"]
        .map(|text| text.as_bytes().to_vec())
        .into()
}

/// An audit between two entries. It is believed, and it is not to bring an auditor down.
pub(crate) fn audit_state(input: &[u8]) -> bool {
    let Ok(auditor) = Auditor::parse(input) else { return false };
    let written = auditor.encode();
    let again = Auditor::parse(&written).expect("what is written parses");
    assert_eq!(again.encode(), written);
    true
}

/// States of audits of the vectors' logs, after each of their entries.
pub(crate) fn audit_states() -> Vec<Vec<u8>> {
    let mut states = BTreeSet::new();
    for vector in vectors().iter().filter(|vector| vector.topic == "ledger") {
        let mut auditor = Auditor::new(LogKind::Typed);
        states.insert(auditor.encode());
        for entry in vector.all_of("entry") {
            // Some of these logs break a rule: what was found is not the matter here.
            let _finding = auditor.push(entry);
            states.insert(auditor.encode());
        }
    }
    states.into_iter().collect()
}

/// Two notes that one log must not have signed both. What is shown by it was signed.
pub(crate) fn evidence(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok((evidence, key)) = parse_evidence(text) else { return false };
    let written = evidence.to_json(&key);
    let (again, named) = parse_evidence(&written).expect("what is written parses");
    assert_eq!((&again, named.to_string()), (&evidence, key.to_string()));
    let known_key = known().note_keys.iter().find(|known| **known == key);
    if known_key.is_some_and(|key| evidence.check(key).is_ok()) {
        assert!(shown().contains(&written), "evidence that nobody gave");
    }
    true
}

/// Every evidence of the vectors, as it is written.
fn shown() -> &'static BTreeSet<String> {
    static SHOWN: OnceLock<BTreeSet<String>> = OnceLock::new();
    SHOWN.get_or_init(|| {
        let texts = parts(&["evidence"]).into_iter().filter_map(|bytes| String::from_utf8(bytes).ok());
        texts
            .filter_map(|text| parse_evidence(&text).ok())
            .map(|(evidence, key)| evidence.to_json(&key))
            .collect()
    })
}

/// What a monitor told. What is read is written and read as the same.
pub(crate) fn monitored_line(input: &[u8]) -> bool {
    let Some(line) = Line::parse(input) else { return false };
    let written = line.encode().expect("texts and numbers");
    assert!(!written.contains('\n'), "one line becomes two");
    assert_eq!(Line::parse(written.as_bytes()).as_ref(), Some(&line));
    true
}

pub(crate) fn monitored_lines() -> Vec<Vec<u8>> {
    let line =
        |event, at, detail: &str| Line { event, time: 1, code: "a.b".into(), at, detail: detail.into() };
    let lines = [
        line(Event::Found, None, "a quorum that is not met"),
        line(Event::Cleared, None, ""),
        line(Event::Found, Some(u64::MAX), "\u{0}\"\\\n\u{2028}\u{10ffff}"),
    ];
    let mut lines: Vec<Vec<u8>> =
        lines.iter().map(|line| line.encode().expect("texts and numbers").into_bytes()).collect();
    // A crash cut it off.
    lines.push(br#"{"event":"found","time":1,"code":"a.b","at":nu"#.to_vec());
    lines
}

/// The newest checkpoint that a monitor saw, and since when.
pub(crate) fn monitored_checkpoint(input: &[u8]) -> bool {
    let Some(observed) = Observed::parse(input) else { return false };
    let written = observed.encode().expect("texts and numbers");
    assert_eq!(Observed::parse(written.as_bytes()).as_ref(), Some(&observed));
    let origin = "a".to_owned();
    assert!(observed.is_of(&Checkpoint { origin, size: TreeSize(observed.size), root: observed.root }));
    true
}

pub(crate) fn monitored_checkpoints() -> Vec<Vec<u8>> {
    let seen = |size, byte, since| Observed { size, root: Hash([byte; 32]), since: UnixSeconds(since) };
    let seen = [seen(0, 0, 0), seen(604, 0x5a, 1_798_761_600), seen(u64::MAX, 0xff, u64::MAX)];
    seen.iter().map(|seen| seen.encode().expect("texts and numbers").into_bytes()).collect()
}

/// Those of a credential (specs/credential.md, "Limits").
const LIMITS: Limits = Limits { bytes: 16_384, depth: 16, values: 2_048 };
