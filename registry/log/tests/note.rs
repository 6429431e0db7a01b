//! Signed notes against published examples, hostile input and random round trips.
#![expect(clippy::unwrap_used, reason = "test fixtures are known to be good")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use sillok_log::note::{
    Error, KeyError, KeyId, MAX_NAME_BYTES, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, SignatureKind, SignerKey,
    VerifierKey, compose,
};

/// The example of C2SP signed-note v1.0.0.
const C2SP_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const C2SP_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// The examples in the documentation of golang.org/x/mod/sumdb/note.
const GO_SEED: &str = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
const GO_KEYS: [&str; 2] = [
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
];
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

const ID_MISMATCH: KeyError = KeyError::Id { computed: KeyId(0x530d_903a) };

fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, SignatureKind::Ed25519, &[seed; 32]).unwrap()
}

fn line(name: &str, bytes: &[u8]) -> String {
    format!("\u{2014} {name} {}\n", STANDARD.encode(bytes))
}

#[test]
fn the_published_note_opens_under_the_published_key() {
    let key = VerifierKey::parse(C2SP_KEY).unwrap();
    assert_eq!(key.to_string(), C2SP_KEY);
    assert_eq!((key.name(), key.key_id()), ("example.com/foo", KeyId(0x530d_903a)));
    assert_eq!(key.kind(), SignatureKind::Ed25519);
    let note = Note::parse(C2SP_NOTE).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.open(&[key]), Ok(vec![0]));
}

#[test]
fn the_go_note_opens_and_the_go_key_signs_the_same_line() {
    let keys = GO_KEYS.map(|key| VerifierKey::parse(key).unwrap());
    let note = Note::parse(GO_NOTE).unwrap();
    assert_eq!(note.open(&keys), Ok(vec![0, 1]));
    let [peter, enoch] = keys;
    assert_eq!(note.open(&[enoch.clone(), peter.clone()]), Ok(vec![1, 0]));
    assert_eq!(note.open(&[enoch]), Ok(vec![0]));

    let seed = STANDARD.decode(GO_SEED).unwrap().try_into().unwrap();
    let signer = SignerKey::from_seed("PeterNeumann", SignatureKind::Ed25519, &seed).unwrap();
    assert_eq!(signer.verifier(), peter);
    assert!(GO_NOTE.contains(&signer.sign(note.text()).unwrap()));
}

#[test]
fn no_one_bit_change_of_note_or_key_opens() {
    let key = VerifierKey::parse(C2SP_KEY).unwrap();
    for at in 0..C2SP_NOTE.len() {
        for bit in 0..8 {
            let mut note = C2SP_NOTE.as_bytes().to_vec();
            note[at] ^= 1 << bit;
            let opened = Note::parse_bytes(&note).and_then(|note| note.open(std::slice::from_ref(&key)));
            assert!(opened.is_err(), "byte {at} bit {bit}");
        }
        let cut = &C2SP_NOTE.as_bytes()[..at];
        assert!(Note::parse_bytes(cut).is_err(), "cut at {at}");
    }
    for at in 0..C2SP_KEY.len() {
        for bit in 0..8 {
            let mut text = C2SP_KEY.as_bytes().to_vec();
            text[at] ^= 1 << bit;
            // A changed key has another ID, so it never gets as far as a signature.
            let parsed = String::from_utf8(text).map(|text| VerifierKey::parse(&text).is_ok());
            assert_ne!(parsed, Ok(true), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn a_key_id_is_the_hash_of_name_kind_and_key() {
    for kind in [SignatureKind::Ed25519, SignatureKind::CosignatureV1] {
        let key = SignerKey::from_seed("example.com/k", kind, &[1; 32]).unwrap().verifier();
        let digest = Sha256::new()
            .chain_update("example.com/k\n")
            .chain_update([kind.byte()])
            .chain_update(key.public_bytes())
            .finalize();
        assert_eq!(key.key_id().0.to_be_bytes(), digest[..4]);
        assert_eq!(VerifierKey::parse(&key.to_string()), Ok(key));
    }
}

/// A verifier key text with the right ID for whatever material.
fn parse_material(kind: u8, public: &[u8]) -> Result<VerifierKey, KeyError> {
    let id = Sha256::new().chain_update(b"n\n").chain_update([kind]).chain_update(public).finalize();
    let id = u32::from_be_bytes(id[..4].try_into().unwrap());
    VerifierKey::parse(&format!("n+{id:08x}+{}", STANDARD.encode([&[kind], public].concat())))
}

#[test]
fn keys_that_nobody_should_trust_do_not_parse() {
    let good = <[u8; 32]>::try_from(signer("n", 1).verifier().public_bytes()).unwrap();
    assert!(parse_material(1, &good).is_ok());
    for kind in [0x00, 0x02, 0x05, 0x07, 0xff] {
        assert_eq!(parse_material(kind, &good), Err(KeyError::Kind { found: kind }));
    }
    for bytes in [0, 31, 33] {
        assert_eq!(parse_material(1, &vec![1; bytes]), Err(KeyError::Length { bytes, expected: 32 }));
    }
    for bytes in [0, 32, 1_311, 1_313] {
        assert_eq!(parse_material(6, &vec![1; bytes]), Err(KeyError::Length { bytes, expected: 1_312 }));
    }
    // y = 0, 1 and -1, with either sign: order 4, 1 and 2.
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let one = std::array::from_fn(|at| u8::from(at == 0));
    for mut point in [[0; 32], one, minus_one] {
        for sign in [0, 0x80] {
            point[31] ^= sign;
            assert_eq!(parse_material(1, &point), Err(KeyError::Point), "{point:02x?}");
        }
    }
    // y + p is the second encoding of y for y below 19; at least one such y is an honest point.
    let mut honest = 0;
    for y in 0..19_u8 {
        let reduced = std::array::from_fn::<u8, 32, _>(|at| if at == 0 { y } else { 0 });
        let mut second = [0xff; 32];
        (second[0], second[31]) = (0xed + y, 0x7f);
        honest += usize::from(parse_material(1, &reduced).is_ok());
        assert_eq!(parse_material(1, &second), Err(KeyError::Point), "y = {y}");
    }
    assert!(honest > 0);
}

#[test]
fn verifier_keys_have_one_spelling() {
    let cases = [
        ("", KeyError::Parts),
        ("example.com/foo", KeyError::Parts),
        ("example.com/foo+530d903a", KeyError::Parts),
        ("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
        ("a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
        ("a\u{a0}b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
        ("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", ID_MISMATCH),
        ("example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", ID_MISMATCH),
        ("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", ID_MISMATCH),
        ("example.com/foo+530d903a+", KeyError::Base64),
        ("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n", KeyError::Base64),
    ];
    for (text, error) in cases {
        assert_eq!(VerifierKey::parse(text), Err(error), "{text:?}");
    }
    let long = "n".repeat(MAX_NAME_BYTES + 1);
    let refused = SignerKey::from_seed(&long, SignatureKind::Ed25519, &[1; 32]).err();
    assert_eq!(refused, Some(KeyError::NameLength { bytes: MAX_NAME_BYTES + 1 }));
}

#[test]
fn malformed_notes_are_refused_by_name() {
    let sig = line("n", &[1; 68]);
    let cases = [
        (String::new(), Error::Separator),
        (format!("text\n{sig}"), Error::Separator),
        (format!("\n{sig}"), Error::Separator),
        ("text\n\n".into(), Error::NoSignatures),
        (format!("text\n\n{sig}\n"), Error::NoSignatures),
        (format!("text\n\n{}", sig.trim_end()), Error::Unterminated),
        (format!("text\r\n\r\n{sig}"), Error::Control { offset: 4 }),
        (format!("text\n\n{}\r\n", sig.trim_end()), Error::Control { offset: 6 + sig.len() - 1 }),
        (format!("te\txt\n\n{sig}"), Error::Control { offset: 2 }),
        (format!("te\0xt\n\n{sig}"), Error::Control { offset: 2 }),
        (format!("text\n\n{sig}comment\n"), Error::SignatureLine { index: 1 }),
        (format!("text\n\n{}", sig.replace('\u{2014}', "-")), Error::SignatureLine { index: 0 }),
        (format!("text\n\n{}", sig.replace('\u{2014}', "\u{2013}")), Error::SignatureLine { index: 0 }),
        (format!("text\n\n{}", sig.replace(" n ", "  n ")), Error::SignatureLine { index: 0 }),
        (format!("text\n\n{}", sig.replace(" n ", " n  ")), Error::SignatureLine { index: 0 }),
        (format!("text\n\n{}", sig.replace(" n ", "  ")), Error::SignatureLine { index: 0 }),
        (format!("text\n\n{}", sig.replace(" n ", " n+ ")), Error::SignatureLine { index: 0 }),
        (format!("text\n\n{}", sig.replace(" n ", " n\u{3000}m ")), Error::SignatureLine { index: 0 }),
        (format!("text\n\n{}", line("n", &[1; 4])), Error::SignatureLine { index: 0 }),
        (format!("text\n\n{}", line("n", &[1; 3])), Error::SignatureLine { index: 0 }),
        ("text\n\n\u{2014} n AQEBAQE\n".into(), Error::SignatureLine { index: 0 }),
        // The last character carries a stray bit: a second spelling of the same bytes.
        ("text\n\n\u{2014} n AQEBAQF=\n".into(), Error::SignatureLine { index: 0 }),
    ];
    for (note, error) in cases {
        assert_eq!(Note::parse(&note), Err(error), "{note:?}");
    }
    assert_eq!(Note::parse_bytes(b"te\xffxt\n\n"), Err(Error::Utf8 { offset: 2 }));
}

#[test]
fn the_last_empty_line_separates() {
    let key = signer("n", 1);
    for text in ["\n", "\n\n", "a\n\nb\n", "a\n\n", "a\n\n\u{2014} n AQEBAQE=\n"] {
        let note = compose(text, &[key.sign(text).unwrap()]).unwrap();
        let parsed = Note::parse(&note).unwrap();
        assert_eq!(parsed.text(), text);
        assert_eq!(parsed.open(&[key.verifier()]), Ok(vec![0]));
    }
}

#[test]
fn unknown_keys_are_ignored_and_bad_known_ones_fail_the_note() {
    let (one, two) = (signer("one", 1), signer("two", 2));
    let keys = [one.verifier(), two.verifier()];
    let text = "text\n";
    let (good_one, good_two) = (one.sign(text).unwrap(), two.sign(text).unwrap());
    let bad_two = two.sign("other text\n").unwrap();
    let id = two.verifier().key_id();
    let open = |lines: &[String]| Note::parse(&compose(text, lines).unwrap()).unwrap().open(&keys);

    assert_eq!(open(std::slice::from_ref(&good_one)), Ok(vec![0]));
    assert_eq!(open(&[good_two.clone(), good_one.clone()]), Ok(vec![1, 0]));
    assert_eq!(open(&[good_one.clone(), bad_two]), Err(Error::BadSignature { index: 1, key: id }));
    assert_eq!(open(&[good_one.clone(), good_one.clone()]), Err(Error::Repeated { index: 1 }));
    // Known name with another ID, known ID with another name: unknown keys, both.
    let other_id = line("two", &[9; 68]);
    let other_name = line("three", &[&id.0.to_be_bytes()[..], &[9; 64]].concat());
    assert_eq!(open(&[other_id.clone(), good_one, other_name.clone()]), Ok(vec![0]));
    assert_eq!(open(&[other_id, other_name]), Err(Error::NoKnownSigner));
    // A known key whose signature has another length is a bad signature, not an unknown one.
    for length in [1, 63, 65, 72] {
        let wrong = line("two", &[&id.0.to_be_bytes()[..], &vec![9; length]].concat());
        assert_eq!(open(&[wrong]), Err(Error::BadSignature { index: 0, key: id }));
    }
    let note = compose(text, &[good_two]).unwrap();
    let twice = [two.verifier(), two.verifier()];
    assert_eq!(Note::parse(&note).unwrap().open(&twice), Err(Error::AmbiguousKey { key: id }));
    assert_eq!(Note::parse(&note).unwrap().open(&[]), Err(Error::NoKnownSigner));
}

#[test]
fn floods_are_refused_before_any_signature_is_checked() {
    let key = signer("n", 1);
    let flood = |count: usize| {
        let mut lines: Vec<String> = (1..count).map(|_| line("x", &[0; 68])).collect();
        lines.push(key.sign("text\n").unwrap());
        format!("text\n\n{}", lines.concat())
    };
    for count in [1, 16, MAX_SIGNATURES] {
        assert_eq!(Note::parse(&flood(count)).unwrap().open(&[key.verifier()]), Ok(vec![0]));
    }
    let count = MAX_SIGNATURES + 1;
    assert_eq!(Note::parse(&flood(count)), Err(Error::TooManySignatures { count }));

    let end = format!("\n\n{}", key.sign("text\n").unwrap());
    let full = "x".repeat(MAX_NOTE_BYTES - end.len()) + &end;
    assert!(Note::parse(&full).is_ok());
    let over = format!("x{full}");
    let too_long = Error::TooLong { bytes: MAX_NOTE_BYTES + 1 };
    assert_eq!(Note::parse(&over), Err(too_long));
    assert_eq!(Note::parse_bytes(over.as_bytes()), Err(too_long));
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let key = signer("n", 1);
    assert_eq!(key.sign("no newline"), Err(Error::Unterminated));
    assert_eq!(key.sign("re\rturn\n"), Err(Error::Control { offset: 2 }));
    let good = key.sign("text\n").unwrap();
    assert_eq!(compose("text", std::slice::from_ref(&good)), Err(Error::Unterminated));
    assert_eq!(compose::<&str>("text\n", &[]), Err(Error::NoSignatures));
    assert_eq!(compose("text\n", &["no line\n"]), Err(Error::SignatureLine { index: 0 }));
    assert_eq!(compose("text\n", &[format!("more text\n\n{good}")]), Err(Error::Separator));
    let witness = SignerKey::from_seed("w", SignatureKind::CosignatureV1, &[1; 32]).unwrap();
    let kind = Error::KeyKind { found: SignatureKind::CosignatureV1 };
    assert_eq!(witness.sign("text\n"), Err(kind));
    let note = compose("text\n", &[good]).unwrap();
    assert_eq!(Note::parse(&note).unwrap().open(&[witness.verifier()]), Err(kind));
}

#[test]
fn a_signer_key_does_not_print_its_secret() {
    let seed: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap() + 100);
    let key = SignerKey::from_seed("n", SignatureKind::Ed25519, &seed).unwrap();
    let printed = format!("{key:?}");
    assert!(printed.contains(&key.verifier().to_string()));
    assert!(!printed.contains("100, 101") && !printed.contains(&STANDARD.encode(seed)));
}

proptest! {
    #[test]
    fn composed_notes_open_to_what_was_signed(
        text in "([^\\x00-\\x1f]{0,20}\n){1,6}",
        name in "[a-z/.]{1,40}",
        seeds in prop::collection::btree_set(any::<u8>(), 1..5),
    ) {
        let keys: Vec<SignerKey> = seeds.iter().map(|&seed| signer(&name, seed)).collect();
        let lines: Vec<String> = keys.iter().map(|key| key.sign(&text).unwrap()).collect();
        let note = compose(&text, &lines).unwrap();
        let parsed = Note::parse(&note).unwrap();
        prop_assert_eq!(parsed.text(), &text);
        let verifiers: Vec<VerifierKey> = keys.iter().map(SignerKey::verifier).collect();
        prop_assert_eq!(parsed.open(&verifiers), Ok((0..keys.len()).collect()));
        for key in verifiers {
            prop_assert_eq!(VerifierKey::parse(&key.to_string()), Ok(key));
        }
    }

    #[test]
    fn whatever_parses_encodes_to_itself(
        head in "([\u{2014}a \n\r=AQ+/]|\u{2014} a AQEBAQE=\n|\n\n){0,12}",
        tail in "(\n\n\u{2014} a AQEBAQE=\n|\u{2014} b [AQ]{5,7}=?\n){0,3}",
    ) {
        let note = head + &tail;
        if let Ok(parsed) = Note::parse(&note) {
            let lines: Vec<String> = parsed
                .signatures()
                .iter()
                .map(|it| line(it.name, &[&it.key_id.0.to_be_bytes()[..], &it.signature].concat()))
                .collect();
            prop_assert_eq!(compose(parsed.text(), &lines), Ok(note));
        }
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let parsed = Note::parse_bytes(&bytes);
        prop_assert!(parsed.is_err() || bytes.ends_with(b"\n"));
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(key) = VerifierKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}
