//! Texts of codes, and what is in them.

use super::Vector;
use super::world::{NOW, ORIGIN, log_key};
use crate::reference::credential::{IssuerKey, compact, header};
use crate::reference::encoding::base64url;
use crate::reference::json::{array, object, string};
use crate::reference::landmark::LandmarkReceipt;
use crate::reference::note::{checkpoint_text, note};
use crate::reference::packed::{DICTIONARY, Packed, base45, deflate, key_binding, number, reaching, stored};
use crate::reference::presentation::{digests, salt, shown};
use crate::reference::receipt::{issue_extra, receipt as text_receipt};
use crate::reference::tree::leaf_hash;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut all = alone();
    all.extend(proved());
    all.extend(presented());
    all.extend(bound());
    all.extend(streams());
    all.extend(bad_texts());
    all.extend(bad_forms());
    all.extend(bad_fields());
    all.extend(bad_streams());
    all
}

const NONCE: [u8; 16] = *b"of its own wallt";
const LIVE: u8 = 4;
const CHALLENGE: u8 = 8;
const EDDSA: u8 = 16;

/// A credential of the issuer, whatever it is worth.
struct Credential {
    header: String,
    payload: String,
    token: String,
    signature: Vec<u8>,
}

impl Credential {
    fn new(members: &[(&str, String)]) -> Self {
        let key = IssuerKey::p256(11);
        let (header, payload) = (header(&key), object(members));
        let token = compact(&header, &payload, &key);
        let input = token.rsplit_once('.').expect("a compact JWS").0;
        let signature = key.sign(input.as_bytes());
        Self { header, payload, token, signature }
    }

    fn plain() -> Self {
        let dose =
            object(&[("number", "1".into()), ("date", string("2021-06-14")), ("vaccine", string("208"))]);
        Self::new(&[
            ("@context", array(&[string("https://www.w3.org/ns/credentials/v2")])),
            ("type", array(&[string("VerifiableCredential"), string("VaccinationCredential")])),
            ("issuer", string("https://issuer.example")),
            ("credentialSubject", object(&[("familyName", string("\u{d64d}")), ("doses", array(&[dose]))])),
        ])
    }

    fn hidden() -> Self {
        let disclosures = disclosures();
        let texts: Vec<String> = disclosures.iter().map(|text| base64url(text.as_bytes())).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Self::new(&[("credentialSubject", object(&[digests(&texts)]))])
    }

    fn packed(&self) -> Packed {
        Packed::new(&self.header, &self.payload, &self.signature)
    }

    /// In a presentation with these disclosures, as JSON.
    fn shown(&self, disclosures: &[&str]) -> (Packed, String) {
        let texts: Vec<String> = disclosures.iter().map(|text| base64url(text.as_bytes())).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        (self.packed().shown(&self.header, &self.payload, disclosures), shown(&self.token, &texts))
    }

    /// With a key-binding token behind it.
    fn bound(&self, bits: u8, key: &IssuerKey, audience: &str) -> (Packed, String) {
        let (packed, shown) = self.shown(&[]);
        let token = key_binding(key.algorithm(), &shown, NOW, audience, &NONCE).sign(key);
        let input = token.rsplit_once('.').expect("a compact JWS").0;
        (packed.bound(bits, NOW, &NONCE, &key.sign(input.as_bytes())), format!("{shown}{token}"))
    }
}

/// As JSON; their members are hidden in the credential.
fn disclosures() -> [String; 2] {
    let disclosure =
        |number: u8, name: &str, value: &str| array(&[string(&salt(number)), string(name), string(value)]);
    [disclosure(1, "name", "\u{d64d}\u{ae38}\u{b3d9}"), disclosure(2, "birthDate", "1990-03-01")]
}

fn receipt() -> LandmarkReceipt {
    LandmarkReceipt {
        origin: ORIGIN.into(),
        number: 300,
        index: 2_000_000,
        extra: issue_extra(&[1; 32], &[2; 32], NOW - NOW % 3_600),
        proof: vec![leaf_hash(b"a"), leaf_hash(b"b")],
    }
}

fn vector(name: &str, expect: &str, comment: &str, packed: &str) -> Vector {
    Vector::new("packed", name, expect, "presentation.md#packed-form", comment).line("packed", packed)
}

/// What comes out, and with which receipt.
fn good(name: &str, comment: &str, packed: &Packed, credential: &str) -> Vector {
    vector(name, "ok", comment, &packed.text()).line("credential", credential)
}

fn alone() -> Vec<Vector> {
    let plain = Credential::plain();
    let receipt = receipt();
    let bare = LandmarkReceipt { proof: Vec::new(), number: 1, index: 0, ..receipt.clone() };
    let last = LandmarkReceipt { number: (1 << 63) - 1, index: (1 << 63) - 1, ..receipt.clone() };
    let first_hour = LandmarkReceipt { extra: issue_extra(&[1; 32], &[2; 32], 0), ..receipt.clone() };
    let longest = LandmarkReceipt { proof: vec![leaf_hash(b"c"); 63], ..receipt.clone() };
    let with = |name: &str, comment: &str, receipt: &LandmarkReceipt| {
        let packed = plain.packed().logged(receipt);
        good(name, comment, &packed, &plain.token).hex("receipt", &receipt.bytes())
    };
    vec![
        good("alone", "a credential and nothing else", &plain.packed(), &plain.token),
        with("receipt", "with its receipt", &receipt),
        with("receipt-no-hash", "index 0, and a proof without a hash", &bare),
        with("receipt-numbers-largest", "landmark and index of nine bytes", &last),
        with("receipt-first-hour", "an entry of 1970", &first_hour),
        with("receipt-sixty-three-hashes", "the longest proof", &longest),
    ]
}

/// With a tlog-proof: what is shown until a landmark covers the leaf.
fn proved() -> Vec<Vector> {
    let (plain, hidden) = (Credential::plain(), Credential::hidden());
    let log = log_key();
    let checkpoint = checkpoint_text(&log.name, 9, &leaf_hash(b"root"));
    let note = note(&checkpoint, &[log.line(&checkpoint)]);
    let full = text_receipt(Some(&issue_extra(&[1; 32], &[2; 32], 0)), 7, &[leaf_hash(b"a")], &note);
    let (live, shown) = hidden.bound(LIVE, &IssuerKey::p256(31), "urn:sillok:in-person");
    let case = |name: &str, comment: &str, packed: &Packed, credential: &str| {
        good(name, comment, packed, credential).text("receipt", &full)
    };
    let live = Packed { lines: hidden.shown(&[]).0.lines, ..live };
    let broken =
        |name: &str, comment: &str, receipt: &str| bad(name, comment, &plain.packed().proved(receipt).text());
    vec![
        case("proof", "a receipt as text", &plain.packed().proved(&full), &plain.token),
        case("proof-live", "with a live code", &live.proved(&full), &shown),
        bad("proof-missing", "no empty line", &Packed { form: 32, ..plain.packed() }.text()),
        broken("proof-empty", "nothing behind the empty line", ""),
        broken("proof-cut", "a receipt without its last line feed", full.trim_end()),
        broken("proof-other", "text that is no receipt", "c2sp.org/tlog-proof@v2\n"),
    ]
}

fn presented() -> Vec<Vector> {
    let (plain, hidden) = (Credential::plain(), Credential::hidden());
    let [name, born] = disclosures();
    let case = |case: &str, comment: &str, credential: &Credential, disclosures: &[&str]| {
        let (packed, shown) = credential.shown(disclosures);
        good(case, comment, &packed, &shown)
    };
    let many: Vec<String> = (0..256).map(|number| format!("[{number}]")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    vec![
        case("presentation", "the credential with ~ behind it", &plain, &[]),
        case("nothing-disclosed", "what is hidden is not there", &hidden, &[]),
        case("one-disclosed", "the second disclosure alone", &hidden, &[&born]),
        case("all-disclosed", "in the order in which they are shown", &hidden, &[&born, &name]),
        case("most-disclosures", "256, whatever they say", &plain, &many),
    ]
}

fn bound() -> Vec<Vector> {
    let hidden = Credential::hidden();
    let door = "https://door.example/3 \"north\"";
    let (es256, eddsa) = (IssuerKey::p256(31), IssuerKey::ed25519(31));
    let case =
        |name: &str, comment: &str, (packed, shown): (Packed, String)| good(name, comment, &packed, &shown);
    let in_person = "urn:sillok:in-person";
    let live = hidden.bound(LIVE, &es256, in_person);
    let answer = hidden.bound(CHALLENGE, &es256, door);
    let unasked = hidden.shown(&[]).1;
    let logged = (live.0.clone().logged(&receipt()), live.1.clone());
    vec![
        case("live", "the token is rebuilt, hash and all", live),
        case("live-eddsa", "by an Ed25519 key", hidden.bound(LIVE | EDDSA, &eddsa, in_person)),
        case("live-receipt", "everything there can be", logged).hex("receipt", &receipt().bytes()),
        case("answer", "the name of the door is not in the code", answer.clone()).line("audience", door),
        case("answer-eddsa", "by an Ed25519 key", hidden.bound(CHALLENGE | EDDSA, &eddsa, door))
            .line("audience", door),
        case("answer-unasked", "without a challenge it is no token", (answer.0, unasked)),
        {
            let mut packed = hidden.bound(LIVE, &es256, in_person).0;
            packed.token[0] = number(253_402_300_799);
            let key_binding = key_binding("ES256", &hidden.shown(&[]).1, 253_402_300_799, in_person, &NONCE);
            let token = key_binding.sign(&es256);
            let input = token.rsplit_once('.').expect("a compact JWS").0;
            packed.token[2] = es256.sign(input.as_bytes());
            good("live-last-second", "of the year 9999", &packed, &format!("{}{token}", hidden.shown(&[]).1))
        },
    ]
}

fn streams() -> Vec<Vector> {
    let plain = Credential::plain();
    let text = format!("{}\n{}", plain.header, plain.payload);
    let case = |name: &str, comment: &str, stream: Vec<u8>| {
        good(name, comment, &Packed { stream, ..plain.packed() }, &plain.token)
    };
    let blanks = |count: usize| " ".repeat(count);
    let long = |count: usize| Credential {
        payload: blanks(count),
        header: "{}".into(),
        token: format!("e30.{}.{}", base64url(blanks(count).as_bytes()), base64url(&[7; 64])),
        signature: vec![7; 64],
    };
    let longest = long(32_768 - 3);
    let begin = std::str::from_utf8(&DICTIONARY[..60]).expect("text");
    let line = begin.split('\n').next().unwrap_or_default();
    let far = Credential {
        header: line.into(),
        payload: line.into(),
        token: format!(
            "{}.{}.{}",
            base64url(line.as_bytes()),
            base64url(line.as_bytes()),
            base64url(&[7; 64])
        ),
        signature: vec![7; 64],
    };
    vec![
        case("stored", "a stream that compresses nothing", stored(text.as_bytes(), 65_535)),
        case("stored-blocks", "in blocks of 100 bytes", stored(text.as_bytes(), 100)),
        good("text-longest", "32,768 bytes", &longest.packed(), &longest.token),
        good("dictionary-begin", "the first bytes of the dictionary", &far.packed(), &far.token),
    ]
}

fn bad(name: &str, comment: &str, packed: &str) -> Vector {
    vector(name, "error presentation.malformed", comment, packed)
}

fn bad_texts() -> Vec<Vector> {
    let plain = Credential::plain();
    let good = plain.packed().text();
    let behind = &good[5..];
    vec![
        bad("prefix-other-version", "another version is another format", &format!("SLK2:{behind}")),
        bad("prefix-small", "small letters are no alphanumeric mode", &good.to_lowercase()),
        bad("prefix-missing", "base45 alone", behind),
        bad("prefix-space", "a space before it", &format!(" {good}")),
        bad("empty", "no field at all", "SLK1:"),
        bad("base45-small", "a small letter", &format!("SLK1:a{}", &behind[1..])),
        bad("base45-value", "three characters of 65,536", &format!("SLK1:GGW{}", &behind[3..])),
        bad("base45-lone", "a lone character at the end", &format!("SLK1:{}0", base45(&[0; 66]))),
        bad("base45-last-value", "two characters of 256 at the end", &format!("SLK1:{}V5", base45(&[0; 66]))),
        bad("base45-line-feed", "a line feed behind it", &format!("{good}\n")),
        vector(
            "too-long",
            "error presentation.too-large",
            "49,158 characters",
            &format!("SLK1:{}", "0".repeat(49_153)),
        ),
    ]
}

fn bad_forms() -> Vec<Vector> {
    let hidden = Credential::hidden();
    let (packed, _) = hidden.bound(LIVE, &IssuerKey::p256(31), "urn:sillok:in-person");
    let case =
        |name: &str, comment: &str, form: u8| bad(name, comment, &Packed { form, ..packed.clone() }.text());
    vec![
        case("form-unknown-bit", "64 says nothing", LIVE + 2 + 64),
        case("form-two-receipts", "a landmark receipt and a tlog-proof", 1 + 32),
        case("form-highest-bit", "128 says nothing", LIVE + 2 + 128),
        case("form-live-answer", "a live code and an answer", LIVE + CHALLENGE + 2),
        case("form-live-alone", "a key-binding token without ~", LIVE),
        case("form-eddsa-alone", "an algorithm of no token", 2 + EDDSA),
    ]
}

fn bad_fields() -> Vec<Vector> {
    let hidden = Credential::hidden();
    let (packed, _) = hidden.bound(LIVE, &IssuerKey::p256(31), "urn:sillok:in-person");
    let packed = packed.logged(&receipt());
    let token = |name: &str, comment: &str, at: usize, bytes: &[u8]| {
        let mut packed = packed.clone();
        packed.token[at] = bytes.to_vec();
        bad(name, comment, &packed.text())
    };
    let receipt = |name: &str, comment: &str, at: usize, bytes: &[u8]| {
        let mut packed = packed.clone();
        packed.receipt[at] = bytes.to_vec();
        bad(name, comment, &packed.text())
    };
    let cut = |name: &str, comment: &str, bytes: usize| {
        bad(name, comment, &format!("SLK1:{}", base45(&packed.bytes()[..bytes])))
    };
    let hours = 253_402_300_800 / 3_600;
    vec![
        token("iat-not-shortest", "a zero more", 0, &[0x81, 0]),
        token("iat-ten-bytes", "2^63", 0, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]),
        token("iat-later", "the year 10000", 0, &number(253_402_300_800)),
        receipt("landmark-not-shortest", "a zero more", 1, &[0x80, 0]),
        receipt("index-ten-bytes", "2^64 - 1", 2, &number(u64::MAX)),
        receipt("hours-later", "the year 10000", 3, &number(hours)),
        receipt("hours-largest", "seconds beyond 2^64", 3, &number((1 << 63) - 1)),
        receipt("hashes-sixty-four", "one hash more than any proof", 6, &[64]),
        cut("signature-cut", "63 bytes of it", 64),
        cut("token-cut", "its signature ends early", 1 + 64 + 5 + 16 + 63),
        cut("receipt-cut", "between two hashes", 1 + 64 + 85 + 8 + 2 + 3 + 3 + 64 + 1 + 32),
        cut("text-missing", "nothing behind the proof", 1 + 64 + 85 + 8 + 2 + 3 + 3 + 64 + 1 + 64),
    ]
}

fn bad_streams() -> Vec<Vector> {
    let plain = Credential::plain();
    let stream = |name: &str, comment: &str, form: u8, stream: Vec<u8>| {
        bad(name, comment, &Packed { form, stream, ..plain.packed() }.text())
    };
    let text = |name: &str, comment: &str, form: u8, text: &[u8]| stream(name, comment, form, deflate(text));
    let sound = deflate(b"{}\n{}");
    let many: String = "\n1".repeat(257);
    vec![
        stream("stream-cut", "the last byte is gone", 0, sound[..sound.len() - 1].to_vec()),
        stream("stream-more", "a byte behind the stream", 0, [&sound[..], &[0]].concat()),
        stream("stream-reserved", "a block of the fourth kind", 0, vec![7]),
        stream("stream-not-last", "a block that is not the last", 0, vec![0, 0, 0, 255, 255]),
        stream("stream-too-far", "a distance to before the dictionary", 0, reaching(DICTIONARY.len() + 2)),
        text("text-empty", "no line", 0, b""),
        text("text-one-line", "a header alone", 0, b"{}"),
        text("text-disclosure", "a disclosure without ~", 0, b"{}\n{}\n[]"),
        text("text-empty-disclosure", "nothing between two line feeds", 2, b"{}\n{}\n\n[]"),
        text("text-line-feed-behind", "a line feed at the end", 2, b"{}\n{}\n"),
        text("text-disclosures", "257 disclosures", 2, format!("{{}}\n{{}}{many}").as_bytes()),
        text("text-not-utf-8", "a byte that is no text", 0, b"{}\n\"\xff\""),
        text("text-too-long", "32,769 bytes", 0, format!("{{}}\n{}", " ".repeat(32_766)).as_bytes()),
    ]
}
