//! The packed form: everything comes back as it was, nothing that is changed is valid, and it fits into one code.

use std::convert::Infallible;

use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sillok_log::receipt::{IssueExtra, LandmarkReceipt, LogTag, Receipt};
use sillok_log::{Hash, LeafIndex, UnixSeconds};
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::holder::{Binding, LIVE_AUDIENCE, bind};
use sillok_verifier::jws::{TokenType, compact, protected_header, signing_input};
use sillok_verifier::packed::{MAX_PACKED_CHARACTERS, PackError, UnpackError, is_claimed_by, pack, unpack};
use sillok_verifier::sd_jwt::{conceal_members, issue};
use sillok_verifier::verdict::HolderProof;
use sillok_verifier::{Evidence, Holder, Memory, Policy, Reason, Trust, Verdict, verify};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

const NONCE: &str = "d2FsbGV0J3Mgb3duIG9uZQ";
const DOOR: &str = "https://door.example/3";

/// A door that holds the landmarks of the log, and a holder with a credential in it.
struct Scene {
    trust: Trust,
    memory: Memory,
    receipt: Vec<u8>,
    /// As the issuer hands it out.
    issued: String,
    holder: Signing,
}

impl Scene {
    /// A credential of which the name is hidden.
    fn pass(holder: Signing) -> Self {
        let mut salt = 0;
        let mut salts = || {
            salt += 1;
            [salt; 16]
        };
        let subject = sillok_verifier::json::Object::from_members(vec![
            ("scheme".into(), sillok_verifier::json::Json::String("kr.facility".into())),
            ("name".into(), sillok_verifier::json::Json::String("홍길동".into())),
        ]);
        let concealed = conceal_members(&subject.expect("names"), &["name"], &mut salts).expect("members");
        let mut signed = String::new();
        concealed.value.push_to(&mut signed);
        let mut payload = payload();
        payload["type"] = json!(["VerifiableCredential", "PassCredential"]);
        payload["credentialSubject"] = signed.parse().expect("JSON");
        Self::of(payload, holder, TokenType::SD_CREDENTIAL, &concealed.disclosures)
    }

    fn plain(holder: Signing) -> Self {
        Self::of(payload(), holder, TokenType::CREDENTIAL, &[])
    }

    fn of(mut payload: Value, holder: Signing, kind: TokenType, disclosures: &[String]) -> Self {
        payload["cnf"] = json!({ "jwk": holder.public().to_jwk_json().parse::<Value>().expect("JSON") });
        let mut world = World::new();
        let header = protected_header(world.issuer.algorithm(), &world.issuer.kid(), kind);
        let logged = world.log_credential(world.issuer.token(&header, &payload));
        world.publish();
        world.landmark_sizes = vec![0, world.log.size() as u64];
        let receipt = world.landmark_receipt(&logged).encode();
        let (trust, memory) = open(&world.container(), &Memory::default());
        let issued = if kind == TokenType::CREDENTIAL {
            logged.credential
        } else {
            issue(&logged.credential, disclosures)
        };
        Self { trust, memory, receipt, issued, holder }
    }

    fn bound(&self, audience: &str, nonce: &str) -> String {
        let shown =
            if self.issued.ends_with('~') { self.issued.clone() } else { format!("{}~", self.issued) };
        let sign = |message: &[u8]| {
            let message = std::str::from_utf8(message).expect("ASCII");
            Ok::<_, Infallible>(self.holder.sign(message).try_into().expect("64 bytes"))
        };
        let binding = Binding { issued: NOW, audience, nonce };
        let Ok(bound) = bind(&shown, &binding, self.holder.algorithm(), sign);
        bound
    }

    fn evidence<'a>(&'a self, shown: &'a str) -> Evidence<'a> {
        Evidence::new(shown.as_bytes(), &self.receipt)
    }

    fn judge(&self, evidence: &Evidence<'_>, asked: Holder<'_>) -> Verdict {
        verify(evidence, &self.trust, &self.memory, &Policy::new(asked), NOW).0
    }

    /// What a door says that reads a code.
    fn read(&self, code: &str, asked: Holder<'_>) -> Verdict {
        match unpack(code.as_bytes(), asked) {
            Ok(unpacked) => self.judge(&unpacked.evidence(&[]), asked),
            Err(error) => Verdict::of(error.reason()),
        }
    }
}

fn packed(evidence: &Evidence<'_>) -> String {
    pack(evidence).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn everything_that_is_shown_comes_back_as_it_was() {
    let challenge = Holder::Challenge { nonce: NONCE, audience: DOOR };
    for holder in [|| Signing::p256(21), || Signing::ed25519(21)] {
        for scene in [Scene::plain(holder()), Scene::pass(holder())] {
            let live = scene.bound(LIVE_AUDIENCE, NONCE);
            let answer = scene.bound(DOOR, NONCE);
            assert!(
                !is_claimed_by(live.as_bytes()) && is_claimed_by(packed(&scene.evidence(&live)).as_bytes())
            );
            for (shown, asked) in
                [(&scene.issued, Holder::NotAsked), (&live, Holder::Live), (&answer, challenge)]
            {
                let evidence = scene.evidence(shown);
                let code = packed(&evidence);
                let unpacked = unpack(code.as_bytes(), asked).expect("a code");
                let again = unpacked.evidence(&[]);
                assert_eq!((again.credential, again.receipt), (evidence.credential, evidence.receipt));
                let verdict = scene.read(&code, asked);
                assert!(verdict.admits(), "{verdict}");
                assert_eq!(verdict, scene.judge(&evidence, asked));
                // Without a receipt too, for a door that gets it by another way.
                let alone = Evidence { receipt: None, ..evidence };
                let unpacked = unpack(packed(&alone).as_bytes(), asked).expect("a code");
                assert_eq!(
                    (unpacked.evidence(&[]).receipt, unpacked.evidence(&[]).credential),
                    (None, alone.credential)
                );
            }
        }
    }
    // A credential in a presentation of nothing else is not the credential alone.
    let scene = Scene::plain(Signing::p256(21));
    let open = format!("{}~", scene.issued);
    let unpacked = unpack(packed(&scene.evidence(&open)).as_bytes(), Holder::NotAsked).expect("a code");
    assert_eq!(unpacked.evidence(&[]).credential, open.as_bytes());
    assert_eq!(format!("{unpacked:?}"), "Unpacked(..)", "claims are not for logs");
}

#[test]
fn the_door_decides_what_a_key_binding_token_is_worth() {
    let scene = Scene::pass(Signing::p256(21));
    let answer = packed(&scene.evidence(&scene.bound(DOOR, NONCE)));
    let reason = |code: &str, asked| scene.read(code, asked).reason();
    let challenge = |nonce, audience| Holder::Challenge { nonce, audience };
    // The nonce of another challenge is told from a forgery; another name is one.
    let other = "b25lIGZvciB0aGlzIGRvb3I";
    assert_eq!(reason(&answer, challenge(other, DOOR)), Some(Reason::HolderNonce));
    assert_eq!(reason(&answer, challenge(NONCE, "https://other.example")), Some(Reason::HolderSignature));
    // What answers nobody's question is no token: a door that wants a live code asks for it.
    assert_eq!(reason(&answer, Holder::Live), Some(Reason::HolderMissing));
    let Verdict::Valid(facts) = scene.read(&answer, Holder::NotAsked) else { panic!("not valid") };
    assert_eq!(facts.holder, HolderProof::NotAsked);
    // A live code answers no challenge.
    let live = packed(&scene.evidence(&scene.bound(LIVE_AUDIENCE, NONCE)));
    assert_eq!(reason(&live, challenge(NONCE, DOOR)), Some(Reason::HolderAudience));
    assert_eq!(reason(&packed(&scene.evidence(&scene.issued)), Holder::Live), Some(Reason::HolderMissing));
}

#[test]
fn what_has_no_packed_form_is_refused() {
    let scene = Scene::pass(Signing::p256(21));
    let shown = |text: &str| pack(&scene.evidence(text));
    for text in ["", "a.b", "a.b.c", "e30.e30.AAAA", "~", "e30.e30.AAAA~"] {
        assert_eq!(shown(text), Err(PackError::Credential), "{text}");
    }
    // JSON in several lines.
    let lines = compact(&signing_input("{}", "{\n}"), &[7; 64]);
    assert_eq!(shown(&lines), Err(PackError::Credential));
    let evidence = Evidence::new(scene.issued.as_bytes(), b"slr\x02");
    assert_eq!(pack(&evidence), Err(PackError::Receipt));
    let mut receipt = LandmarkReceipt::parse(&scene.receipt).expect("a receipt");
    receipt.extra.pop();
    let evidence_of = |receipt: &[u8]| pack(&Evidence::new(scene.issued.as_bytes(), receipt));
    assert_eq!(evidence_of(&receipt.encode()), Err(PackError::Receipt));
    // Nonces that are not 128 bits in base64url, and tokens that say more.
    for nonce in ["a-nonce-of-some-characters", "AAAAAAAAAAAAAAAAAAAAAB"] {
        assert_eq!(shown(&scene.bound(DOOR, nonce)), Err(PackError::KeyBinding), "{nonce}");
    }
    let bare = scene.issued.clone();
    let hash = encode_base64url(&Sha256::digest(bare.as_bytes()));
    for claims in [
        format!(r#"{{"iat":1,"aud":"urn:sillok:in-person","nonce":"{NONCE}","sd_hash":"{hash}","x":1}}"#),
        format!(r#"{{"aud":"urn:sillok:in-person","iat":1,"nonce":"{NONCE}","sd_hash":"{hash}"}}"#),
        format!(r#"{{"iat":1,"aud":"urn:sillok:in-person","nonce":"{NONCE}","sd_hash":"{NONCE}"}}"#),
    ] {
        let token = compact(&signing_input(r#"{"alg":"ES256","typ":"kb+jwt"}"#, &claims), &[7; 64]);
        assert_eq!(shown(&format!("{bare}{token}")), Err(PackError::KeyBinding), "{claims}");
    }
    // More than may be: of text, and of what does not compress.
    let shown_of = |payload: &str| shown(&compact(&signing_input("{}", payload), &[7; 64]));
    assert!(shown_of(&" ".repeat(24_000)).is_ok());
    assert_eq!(shown_of(&" ".repeat(32_768)), Err(PackError::TooLong));
    let world = World::ready();
    let long = compact(&signing_input("{}", &" ".repeat(23_000)), &[7; 64]);
    let mut receipt = Receipt::parse(world.0.receipt(&world.1).as_bytes()).expect("a receipt");
    receipt.extra = Some(vec![7; 12_000]);
    assert_eq!(pack(&Evidence::new(long.as_bytes(), receipt.encode().as_bytes())), Err(PackError::TooLong));
}

#[test]
fn a_full_receipt_goes_along_as_it_is() {
    let world = World::ready();
    let receipt = world.0.receipt(&world.1);
    let evidence = Evidence::new(world.1.credential.as_bytes(), receipt.as_bytes());
    let code = packed(&evidence);
    let unpacked = unpack(code.as_bytes(), Holder::NotAsked).expect("a code");
    let again = unpacked.evidence(&[]);
    assert_eq!((again.credential, again.receipt), (evidence.credential, evidence.receipt));
    let text = evidence.credential.len() + receipt.len();
    assert!(code.len() < text, "{} characters for {text} bytes", code.len());
}

#[test]
fn what_is_no_code_is_no_evidence_of_a_wrong() {
    let scene = Scene::pass(Signing::p256(21));
    let good = packed(&scene.evidence(&scene.issued));
    let refused = |text: &str| unpack(text.as_bytes(), Holder::NotAsked).expect_err("it is refused");
    assert_eq!(refused(&good.replacen("SLK1", "SLK2", 1)), UnpackError::Prefix);
    assert_eq!(refused(&good.to_lowercase()), UnpackError::Prefix);
    assert_eq!(refused(&format!("{good}\n")), UnpackError::Base45);
    assert_eq!(refused("SLK1:"), UnpackError::Form);
    assert_eq!(refused("SLK1:00"), UnpackError::Fields);
    assert_eq!(refused(&format!("SLK1:{}", "0".repeat(MAX_PACKED_CHARACTERS))), UnpackError::TooLong);
    for cut in 5..good.len() {
        refused(&good[..cut]);
    }
    let verdict = scene.read("SLK1:%", Holder::NotAsked);
    assert_eq!(verdict, Verdict::Unknown(Reason::PresentationMalformed));
    assert_eq!(UnpackError::TooLong.reason(), Reason::PresentationTooLarge);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever character of a live code is changed, it does not admit, unless it says the very same.
    #[test]
    fn no_character_of_a_code_can_differ(places in proptest::collection::vec((any::<prop::sample::Index>(), 1..45_u8), 12)) {
        let scene = Scene::pass(Signing::p256(21));
        let live = scene.bound(LIVE_AUDIENCE, NONCE);
        let code = packed(&scene.evidence(&live));
        prop_assert!(scene.read(&code, Holder::Live).admits());
        let said = unpack(code.as_bytes(), Holder::Live).expect("a code");
        const CHARACTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
        for (place, by) in places {
            let place = place.index(code.len());
            let mut changed = code.clone().into_bytes();
            let digit = CHARACTERS.iter().position(|c| *c == changed[place]).expect("base45");
            changed[place] = CHARACTERS[(digit + usize::from(by)) % 45];
            let changed = String::from_utf8(changed).expect("ASCII");
            let same = unpack(changed.as_bytes(), Holder::Live).is_ok_and(|other| other == said);
            let verdict = scene.read(&changed, Holder::Live);
            prop_assert!(same || !verdict.admits(), "character {place} of {code}");
        }
    }

    /// Any JSON on one line comes back, whatever the dictionary has of it.
    #[test]
    fn any_texts_come_back(header in "[^\n]{1,64}", payload in "[^\n]{1,400}", disclosures in proptest::collection::vec("[^\n]{1,40}", 0..8)) {
        let token = compact(&signing_input(&header, &payload), &[7; 64]);
        let disclosures: Vec<String> = disclosures.iter().map(|text| encode_base64url(text.as_bytes())).collect();
        let shown = issue(&token, &disclosures);
        let evidence = Evidence { credential: shown.as_bytes(), receipt: None, statuses: &[] };
        let code = pack(&evidence).expect("it is short");
        let unpacked = unpack(code.as_bytes(), Holder::NotAsked).expect("a code");
        prop_assert_eq!(unpacked.evidence(&[]).credential, shown.as_bytes());
    }
}

/// The limits of the project for one code: what phones and old tablets read at once. Three doses and a proof of twelve hashes.
#[test]
fn a_certificate_of_three_doses_fits_into_one_code() {
    const WITHOUT: usize = 1_460; // QR version 22 at level L
    const LIVE: usize = 1_853; // QR version 25 at level L
    let table = sizes();
    println!("{table}");
    let specs = include_str!("../../../specs/presentation.md");
    for line in table.lines() {
        assert!(specs.contains(line), "specs/presentation.md, \"Packed sizes\", lacks {line}");
    }
    for issuer in ISSUERS {
        let without = certificate(issuer, 12, false).len();
        let live = certificate(issuer, 12, true).len();
        assert!(without <= WITHOUT && live <= LIVE, "{issuer}: {without} and {live} characters");
    }
}

/// The table of specs/presentation.md, "Packed sizes".
fn sizes() -> String {
    let row = |hashes| {
        let [without, live] = [false, true].map(|bound| {
            let characters = certificate(ISSUERS[0], hashes, bound).len();
            format!("{characters} | {}", version(characters))
        });
        format!("| {hashes} | {without} | {live} |")
    };
    (8..=20).map(row).collect::<Vec<_>>().join("\n")
}

/// The smallest version of a QR code at level L for so many alphanumeric characters.
fn version(characters: usize) -> usize {
    CAPACITIES.iter().position(|most| characters <= *most).expect("one code") + 1
}

/// ISO/IEC 18004 table 7, level L, alphanumeric, versions 1 to 40.
const CAPACITIES: [usize; 40] = [
    25, 47, 77, 114, 154, 195, 224, 279, 335, 395, 468, 535, 619, 667, 758, 854, 938, 1046, 1153, 1249, 1352,
    1460, 1588, 1704, 1853, 1990, 2132, 2223, 2369, 2520, 2677, 2840, 3009, 3183, 3351, 3537, 3729, 3927,
    4087, 4296,
];

const ISSUERS: [&str; 3] =
    ["https://certificates.health.example.kr", "https://issuer.example", "http://127.0.0.1:8080"];

/// The code of a certificate with three doses in the layout of the issuer, every member filled.
fn certificate(issuer: &str, hashes: u8, live: bool) -> String {
    let (list, holder) = (random(1, 16).1, Signing::p256(21));
    let id = random(2, 16).1;
    let id = format!("{}-{}-4{}-a{}-{}", &id[..8], &id[8..12], &id[13..16], &id[17..20], &id[20..]);
    let dose = |number: u8, date: &str, vaccine: &str, lot: &str| {
        format!(
            r#"{{"number":{number},"date":"{date}","vaccine":"{vaccine}","system":"http://hl7.org/fhir/sid/cvx","lot":"{lot}","country":"KR"}}"#
        )
    };
    let doses = [
        dose(1, "2021-06-14", "208", "FE2707"),
        dose(2, "2021-07-05", "208", "FF5424"),
        dose(3, "2021-12-10", "207", "061H21A"),
    ];
    let status = ["revocation", "suspension"].map(|purpose| {
        format!(
            r#"{{"type":"BitstringStatusListEntry","statusPurpose":"{purpose}","statusListIndex":"871043","statusListCredential":"{issuer}/status/{list}/{purpose}"}}"#
        )
    });
    let payload = format!(
        r#"{{"@context":["https://www.w3.org/ns/credentials/v2","{issuer}/contexts/vaccination/v1"],"id":"urn:uuid:{id}","type":["VerifiableCredential","VaccinationCredential"],"issuer":{{"id":"{issuer}","name":"질병관리청"}},"iss":"{issuer}","validFrom":"2021-12-11T03:21:45Z","validUntil":"2023-12-11T03:21:45Z","credentialSubject":{{"familyName":"제갈","givenName":"민서","birthDate":"1987-11-23","doses":[{}]}},"credentialStatus":[{}],"cnf":{{"jwk":{}}}}}"#,
        doses.join(","),
        status.join(","),
        holder.public().to_jwk_json()
    );
    let key = Signing::p256(11);
    let input =
        signing_input(&protected_header(key.algorithm(), &key.kid(), TokenType::CREDENTIAL), &payload);
    let token = compact(&input, &key.sign(&input));
    let extra =
        IssueExtra { nonce: bytes(3), provenance: Hash(bytes(4)), time: UnixSeconds(NOW.0 - NOW.0 % HOUR) };
    let receipt = LandmarkReceipt {
        log: LogTag::of(ORIGIN),
        landmark: 12_345,
        index: LeafIndex(98_765_432),
        extra: extra.encode().to_vec(),
        proof: (0..hashes).map(|number| Hash(bytes(100 + number))).collect(),
    }
    .encode();
    let shown = format!("{token}~");
    let sign = |message: &[u8]| {
        let message = std::str::from_utf8(message).expect("ASCII");
        Ok::<_, Infallible>(holder.sign(message).try_into().expect("64 bytes"))
    };
    let nonce = encode_base64url(&bytes(5)[..16]);
    let binding = Binding { issued: NOW, audience: LIVE_AUDIENCE, nonce: &nonce };
    let Ok(bound) = bind(&shown, &binding, holder.algorithm(), sign);
    let shown = if live { bound } else { token };
    packed(&Evidence::new(shown.as_bytes(), &receipt))
}

/// Bytes that do not compress, always the same.
fn bytes(number: u8) -> [u8; 32] {
    Sha256::digest([number]).into()
}

/// Such bytes in base64url and in hexadecimal.
fn random(number: u8, length: usize) -> (String, String) {
    let bytes = &bytes(number)[..length];
    (encode_base64url(bytes), bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
