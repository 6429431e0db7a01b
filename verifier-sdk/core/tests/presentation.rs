//! Presentations: written by the writers beside the readers, and what no presentation may do.

use std::convert::Infallible;

use proptest::prelude::*;
use serde_json::{Value, json};
use sillok_log::UnixSeconds;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::holder::{Binding, LIVE_AUDIENCE, MAX_SHOWN, Shown, bind};
use sillok_verifier::json::{Json, Limits, Object};
use sillok_verifier::jws::{TokenType, protected_header};
use sillok_verifier::sd_jwt::{
    Disclosure, DisclosureKind, Hidden, PresentationError, conceal_items, conceal_members, issue, reveal,
    select,
};
use sillok_verifier::verdict::HolderProof;
use sillok_verifier::{
    Evidence, Facts, Holder, Memory, Policy, Reason, Trust, Verdict, check_issued, verify,
};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

const NONCE: &str = "d2FsbGV0J3Mgb3duIG9uZQ";
const DOSE_DATE: &str = "2026-06-14";

/// A door with a pass that is issued, logged and not revoked.
struct Door {
    trust: Trust,
    memory: Memory,
    receipt: String,
    /// As the issuer hands it out.
    issued: String,
    holder: Signing,
}

fn parse(value: &Value) -> Json {
    Json::parse(value.to_string().as_bytes(), &Limits { bytes: 16_384, depth: 16, values: 2_048 })
        .expect("JSON")
}

fn object(value: &Value) -> Object {
    let Json::Object(object) = parse(value) else { panic!("an object") };
    object
}

fn text(value: &Json) -> String {
    let mut text = String::new();
    value.push_to(&mut text);
    text
}

/// Salts that differ, from a counter: nobody attacks a test.
fn salts() -> impl FnMut() -> [u8; 16] {
    let mut next = 0;
    move || {
        next += 1;
        [next; 16]
    }
}

impl Door {
    /// `hide` makes what is signed of the subject, and what shows the rest.
    fn new(subject: &Value, hidden: &[&str], bound: bool) -> Self {
        let mut world = World::new();
        let holder = Signing::p256(21);
        let concealed = conceal_members(&object(subject), hidden, &mut salts()).expect("members");
        let mut payload = payload();
        payload["type"] = json!(["VerifiableCredential", "PassCredential"]);
        payload["credentialSubject"] = text(&concealed.value).parse().expect("JSON");
        if bound {
            payload["cnf"] = json!({ "jwk": holder.public().to_jwk_json().parse::<Value>().expect("JSON") });
        }
        let header =
            protected_header(world.issuer.algorithm(), &world.issuer.kid(), TokenType::SD_CREDENTIAL);
        let logged = world.log_credential(world.issuer.token(&header, &payload));
        world.publish();
        let (trust, memory) = open(&world.container(), &Memory::default());
        let receipt = world.receipt(&logged);
        let issued = issue(&logged.credential, &concealed.disclosures);
        check_issued(issued.as_bytes(), ISSUER, &world.issuer.public(), NOW).expect("it is in order");
        Self { trust, memory, receipt, issued, holder }
    }

    fn pass() -> Self {
        let subject = json!({ "scheme": "kr.facility", "name": "Hong Gildong", "birthDate": "1990-03-01" });
        Self::new(&subject, &["name", "birthDate"], true)
    }

    fn select(&self, names: &[&str]) -> String {
        let keep = |disclosure: &Disclosure| match disclosure.kind() {
            DisclosureKind::Member(name) => names.contains(&name.as_str()),
            DisclosureKind::Item => false,
        };
        select(&self.issued, keep).expect("an issued pass")
    }

    fn live(&self, names: &[&str], at: UnixSeconds) -> String {
        self.bind(&self.select(names), at, LIVE_AUDIENCE, NONCE)
    }

    fn bind(&self, shown: &str, issued: UnixSeconds, audience: &str, nonce: &str) -> String {
        let sign = |message: &[u8]| {
            let message = std::str::from_utf8(message).expect("ASCII");
            Ok::<_, Infallible>(self.holder.sign(message).try_into().expect("64 bytes"))
        };
        let Ok(bound) = bind(shown, &Binding { issued, audience, nonce }, self.holder.algorithm(), sign);
        bound
    }

    fn judge(&self, shown: &str, asked: Holder<'_>, now: UnixSeconds) -> Verdict {
        let evidence = Evidence::new(shown.as_bytes(), self.receipt.as_bytes());
        verify(&evidence, &self.trust, &self.memory, &Policy::new(asked), now).0
    }

    fn admit(&self, shown: &str, asked: Holder<'_>) -> Facts {
        match self.judge(shown, asked, NOW) {
            Verdict::Valid(facts) => facts,
            Verdict::Invalid(reason) | Verdict::Unknown(reason) => panic!("{reason}"),
        }
    }
}

#[test]
fn a_holder_chooses_what_is_shown() {
    let door = Door::pass();
    let subject = |names: &[&str]| {
        let facts = door.admit(&door.live(names, NOW), Holder::Live);
        facts.claims.json().get("credentialSubject").map(text).expect("a subject")
    };
    assert_eq!(subject(&[]), r#"{"scheme":"kr.facility"}"#);
    assert_eq!(subject(&["name"]), r#"{"scheme":"kr.facility","name":"Hong Gildong"}"#);
    let all = subject(&["name", "birthDate"]);
    assert!(all.contains("Hong Gildong") && all.contains("1990-03-01"), "{all}");
    // The log, the status and the commitment know nothing of it: one receipt proved all three.
}

#[test]
fn a_verdict_says_how_the_holder_was_tied() {
    let door = Door::pass();
    assert_eq!(door.admit(&door.select(&[]), Holder::NotAsked).holder, HolderProof::NotAsked);
    // A code that nobody asked for proves nothing.
    assert_eq!(door.admit(&door.live(&[], NOW), Holder::NotAsked).holder, HolderProof::NotAsked);
    let HolderProof::Live(bound) = door.admit(&door.live(&[], NOW), Holder::Live).holder else {
        panic!("a live code")
    };
    assert_eq!(bound.issued, NOW);
    let asked = Holder::Challenge { nonce: "b25lIGZvciB0aGlzIGRvb3I", audience: "https://door.example" };
    let answer = door.bind(&door.select(&["name"]), NOW, "https://door.example", "b25lIGZvciB0aGlzIGRvb3I");
    let facts = door.admit(&answer, asked);
    assert!(matches!(facts.holder, HolderProof::Challenge(_)));
    assert_eq!(facts.holder.to_string(), "answered the challenge");
    assert!(!format!("{facts:?}").contains("Gildong"), "claims are not for logs");
}

/// The attack that one-way codes are there to stop: a picture of a code, shown by somebody else, later.
#[test]
fn a_stored_code_is_not_valid() {
    let door = Door::pass();
    let code = door.live(&["name"], NOW);
    let at = |seconds: u64| door.judge(&code, Holder::Live, UnixSeconds(NOW.0 + seconds)).reason();
    assert_eq!(at(0), None);
    assert_eq!(at(60), None);
    assert_eq!(at(61), Some(Reason::HolderStale));
    assert_eq!(at(3_600), Some(Reason::HolderStale));
    // Another holder's key does not make it new.
    let thief = Door { holder: Signing::p256(22), ..Door::pass() };
    let forged = thief.live(&["name"], NOW);
    assert_eq!(door.judge(&forged, Holder::Live, NOW), Verdict::Invalid(Reason::HolderSignature));
}

#[test]
fn a_code_lets_in_once() {
    let door = Door::pass();
    let mut shown = Shown::default();
    let code = door.live(&[], NOW);
    let mut show = |code: &str, after: u64| {
        let now = UnixSeconds(NOW.0 + after);
        shown.once(door.judge(code, Holder::Live, now), now).reason()
    };
    assert_eq!(show(&code, 0), None);
    assert_eq!(show(&code, 0), Some(Reason::HolderReplayed));
    assert_eq!(show(&code, 60), Some(Reason::HolderReplayed));
    assert_eq!(show(&code, 61), Some(Reason::HolderStale));
    // The twin of its signature is the same code.
    let (input, signature) = code.rsplit_once('.').expect("a token");
    let signature = decode_base64url(signature.as_bytes()).expect("base64url");
    let (r, s) = p256::ecdsa::Signature::from_slice(&signature).expect("a signature").split_scalars();
    let twin = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).expect("a signature");
    let twin = sillok_verifier::jws::compact(input, &twin.to_bytes());
    assert_ne!(twin, code);
    assert_eq!(door.judge(&twin, Holder::Live, NOW).reason(), None);
    assert_eq!(show(&twin, 30), Some(Reason::HolderReplayed));
    // The next code of the same wallet is another one.
    assert_eq!(show(&door.live(&[], UnixSeconds(NOW.0 + 15)), 15), None);
    // What is past its window is forgotten.
    assert_eq!(show(&door.live(&[], UnixSeconds(NOW.0 + 300)), 300), None);
    assert_eq!(shown.len(), 1);
}

#[test]
fn what_is_kept_of_codes_is_bounded() {
    let door = Door::pass();
    let mut shown = Shown::with_limit(2);
    let mut show = |after: u64, at: u64| {
        let at = UnixSeconds(NOW.0 + at);
        let code = door.live(&[], UnixSeconds(NOW.0 + after));
        shown.once(door.judge(&code, Holder::Live, at), at).reason()
    };
    assert_eq!((show(0, 0), show(1, 1)), (None, None));
    assert_eq!(show(2, 2), Some(Reason::HolderCrowded));
    assert_eq!(show(61, 61), None, "the first is past its window");
    assert_eq!(Shown::with_limit(usize::MAX), Shown::with_limit(MAX_SHOWN));
    assert!(Shown::default().is_empty());
}

#[test]
fn a_pass_says_nothing_of_doses() {
    let door = Door::pass();
    let pass = door.live(&["name", "birthDate"], NOW);
    door.admit(&pass, Holder::Live);
    let everything = decoded(&pass);
    assert!(everything.contains("kr.facility") && everything.contains("Hong Gildong"));
    // Neither a date of a dose nor a member that could hold one, whatever the wallet is made to disclose.
    for word in [DOSE_DATE, "dose", "vaccine", "\"date\"", "lot"] {
        assert!(!everything.contains(word), "{word} in {everything}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/credential-types/pass.json");
    let kind: Value = std::fs::read_to_string(path).expect("the type").parse().expect("JSON");
    let members = kind["schema"]["properties"].as_object().expect("members");
    // Whether the order of the file is kept depends on who else builds the JSON library.
    let mut members: Vec<_> = members.keys().collect();
    members.sort();
    assert_eq!(members, ["birthDate", "name", "scheme"]);
    assert_eq!(kind["schema"]["additionalProperties"], false);
}

#[test]
fn a_certificate_can_keep_its_dates_too() {
    let dose = json!({ "number": 1, "vaccine": "207", "date": DOSE_DATE });
    let mut salt = salts();
    let hidden = conceal_members(&object(&dose), &["date"], &mut salt).expect("members");
    let items = conceal_items(&[hidden.value], &mut salt);
    let subject =
        json!({ "name": "Hong Gildong", "doses": text(&items.value).parse::<Value>().expect("JSON") });
    let mut door = Door::new(&subject, &["name"], true);
    for disclosure in hidden.disclosures.iter().chain(&items.disclosures) {
        door.issued.push_str(&format!("{disclosure}~"));
    }
    let show = |keep: &dyn Fn(&Disclosure) -> bool| {
        let shown = select(&door.issued, keep).expect("an issued certificate");
        (decoded(&shown), door.judge(&shown, Holder::NotAsked, NOW))
    };
    let is_date = |disclosure: &Disclosure| *disclosure.kind() == DisclosureKind::Member("date".into());
    let (without, verdict) = show(&|disclosure| !is_date(disclosure));
    assert!(verdict.admits() && without.contains("vaccine") && !without.contains(DOSE_DATE), "{without}");
    let (all, verdict) = show(&|_| true);
    assert!(verdict.admits() && all.contains(DOSE_DATE));
    // What is in something that is not shown has no place.
    let (_, verdict) = show(&is_date);
    assert_eq!(verdict, Verdict::Invalid(Reason::DisclosureUnreferenced));
}

#[test]
fn a_wallet_starts_from_what_was_issued() {
    let door = Door::pass();
    let bound = door.live(&[], NOW);
    assert_eq!(select(&bound, |_| true), Err(PresentationError::Form), "somebody else's presentation");
    assert_eq!(select("a.b.c", |_| true), Err(PresentationError::Form), "no ~");
    assert!(matches!(select("a.b.c~e30~", |_| true), Err(PresentationError::Disclosure(_))));
    assert_eq!(
        check_issued(bound.as_bytes(), ISSUER, &World::new().issuer.public(), NOW),
        Err(Reason::PresentationMalformed),
        "an issuer makes no key-binding token"
    );
    // Nothing is hidden twice, under a reserved name, or where it is not.
    let subject = object(&json!({ "a": 1, "...": 2 }));
    assert!(conceal_members(&subject, &["b"], &mut salts()).is_none());
    assert!(conceal_members(&subject, &["..."], &mut salts()).is_none());
}

#[test]
fn a_second_call_hides_more() {
    let subject = object(&json!({ "a": 1, "b": 2, "c": 3 }));
    let mut salt = salts();
    let first = conceal_members(&subject, &["a"], &mut salt).expect("members");
    let Json::Object(left) = &first.value else { panic!("an object") };
    let second = conceal_members(left, &["b"], &mut salt).expect("members");
    let all: Vec<&[u8]> = first.disclosures.iter().chain(&second.disclosures).map(String::as_bytes).collect();
    let shown = reveal(&second.value, &all, Hidden::Anywhere).expect("it leads back");
    let mut members: Vec<&str> = shown.object().expect("an object").members().map(|(name, _)| name).collect();
    members.sort_unstable();
    assert_eq!(members, ["a", "b", "c"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever single bit of a presentation is changed, it does not admit; the policy asks for the holder.
    #[test]
    fn no_single_bit_of_a_presentation_can_differ(bits in proptest::collection::vec(any::<prop::sample::Index>(), 12)) {
        let door = Door::pass();
        let code = door.live(&["name"], NOW);
        prop_assert!(door.judge(&code, Holder::Live, NOW).admits());
        for bit in bits {
            let bit = bit.index(code.len() * 8);
            let mut changed = code.clone().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            let evidence = Evidence::new(&changed, door.receipt.as_bytes());
            let (verdict, _) = verify(&evidence, &door.trust, &door.memory, &Policy::new(Holder::Live), NOW);
            prop_assert!(!verdict.admits(), "bit {bit}");
        }
    }

    /// What is hidden and disclosed again is what it was, in whatever order.
    #[test]
    fn hiding_and_disclosing_lead_back(
        names in proptest::collection::btree_set("[a-z]{1,6}", 1..8),
        turn in any::<prop::sample::Index>(),
    ) {
        let members = names.iter().map(|name| (name.clone(), Json::String(format!("of {name}")))).collect();
        let subject = Object::from_members(members).expect("names of a set");
        let hidden: Vec<&str> = names.iter().map(String::as_str).collect();
        let concealed = conceal_members(&subject, &hidden, &mut salts()).expect("members");
        let mut disclosures: Vec<&[u8]> = concealed.disclosures.iter().map(String::as_bytes).collect();
        let turn = turn.index(disclosures.len());
        disclosures.rotate_left(turn);
        let shown = reveal(&concealed.value, &disclosures, Hidden::Anywhere).expect("it leads back");
        let found = shown.object().expect("an object");
        prop_assert_eq!(found.members().count(), names.len());
        prop_assert!(names.iter().all(|name| found.get(name) == subject.get(name)));
    }
}

/// Every part of a presentation, decoded.
fn decoded(shown: &str) -> String {
    let parts = shown.split(['~', '.']).filter_map(|part| decode_base64url(part.as_bytes()));
    parts.map(|part| String::from_utf8_lossy(&part).into_owned() + "\n").collect()
}
