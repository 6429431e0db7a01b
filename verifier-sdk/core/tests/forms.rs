//! The forms of a credential at a door: what is the same in all of them, and what no change of one may do.

use proptest::prelude::*;
use serde_json::{Value, json};
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::jws::protected_header;
use sillok_verifier::sd_jwt::{Hidden, Place, conceal, issue, reveal};
use sillok_verifier::verdict::Facts;
use sillok_verifier::{Format, Memory, Reason, Trust, Verdict, check_issued};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

/// A door with a credential of a form that is issued, logged and not revoked.
struct Door {
    trust: Trust,
    memory: Memory,
    receipt: String,
    /// As the issuer hands it out.
    issued: String,
}

fn parse(value: &Value) -> Json {
    Json::parse(value.to_string().as_bytes(), &Limits { bytes: 16_384, depth: 16, values: 2_048 })
        .expect("JSON")
}

fn value(json: &Json) -> Value {
    let mut text = String::new();
    json.push_to(&mut text);
    text.parse().expect("JSON")
}

fn places(pointers: &[&str]) -> Vec<Place> {
    pointers.iter().map(|pointer| Place::parse(pointer).expect(pointer)).collect()
}

/// From a counter: nobody attacks a test.
fn random() -> impl FnMut() -> [u8; 16] {
    let mut next = 0;
    move || {
        next += 1;
        [next; 16]
    }
}

fn subject() -> Value {
    json!({ "name": "Hong Gildong", "doses": [{ "number": 1, "date": "2026-06-14" }, { "number": 2 }] })
}

/// The payload of a form, and its disclosures.
fn composed(format: Format, issuer: &str) -> (Value, Vec<String>) {
    let hidden = places(&["/name", "/doses/*/date"]);
    let concealed = conceal(&parse(&subject()), &hidden, 1, &mut random()).expect("claims");
    let status = json!({ "status_list": { "idx": SLOT, "uri": format!("{}/token", uri()) } });
    let mut two = payload();
    (two["issuer"], two["iss"]) = (issuer.into(), issuer.into());
    two["credentialSubject"] = subject();
    match format {
        Format::VcJwt => (two, Vec::new()),
        Format::VcSdJwt => {
            two["credentialSubject"] = value(&concealed.value);
            (two, concealed.disclosures)
        }
        Format::DcSdJwt => {
            let mut claims = value(&concealed.value);
            claims["iss"] = issuer.into();
            claims["jti"] = two["id"].clone();
            claims["nbf"] = 1_798_761_600.into();
            claims["exp"] = 1_830_297_600.into();
            claims["vct"] = format!("{ISSUER}/credential-types/VaccinationCertificate/v1").into();
            claims["status"] = status;
            (claims, concealed.disclosures)
        }
        Format::JwtVcJson => {
            let vc = json!({
                "@context": ["https://www.w3.org/2018/credentials/v1"],
                "type": two["type"],
                "credentialSubject": subject(),
                "credentialStatus": two["credentialStatus"][0],
            });
            let claims = json!({
                "iss": issuer, "jti": two["id"], "nbf": 1_798_761_600, "exp": 1_830_297_600,
                "vc": vc, "status": status,
            });
            (claims, Vec::new())
        }
    }
}

impl Door {
    fn new(format: Format) -> Self {
        Self::named(format, ISSUER)
    }

    /// By an issuer that calls itself so.
    fn named(format: Format, issuer: &str) -> Self {
        let mut world = World::new();
        let (claims, disclosures) = composed(format, issuer);
        let header = protected_header(world.issuer.algorithm(), &world.issuer.kid(), format.token_type());
        let logged = world.log_credential(world.issuer.token(&header, &claims));
        world.publish();
        let (trust, memory) = open(&world.container(), &Memory::default());
        let receipt = world.receipt(&logged);
        let issued =
            if format.is_selective() { issue(&logged.credential, &disclosures) } else { logged.credential };
        check_issued(issued.as_bytes(), ISSUER, &world.issuer.public(), NOW).expect("it is in order");
        Self { trust, memory, receipt, issued }
    }

    fn judge(&self, shown: &[u8]) -> Verdict {
        verify_kept(&self.trust, &self.memory, shown, Some(self.receipt.as_bytes()), &[], NOW).0
    }

    fn admit(&self) -> Facts {
        match self.judge(self.issued.as_bytes()) {
            Verdict::Valid(facts) => facts,
            Verdict::Invalid(reason) | Verdict::Unknown(reason) => panic!("{reason}"),
        }
    }
}

#[test]
fn every_form_says_the_same() {
    for format in Format::ALL {
        for issuer in [ISSUER, "did:web:health.example"] {
            let facts = Door::named(format, issuer).admit();
            assert_eq!((facts.format, facts.issuer.as_str()), (format, ISSUER));
            assert_eq!(facts.status.uri, uri());
            assert_eq!(
                (facts.valid_from.0, facts.valid_until.map(|end| end.0)),
                (1_798_761_600, Some(1_830_297_600))
            );
            let document = value(facts.claims.json());
            assert_eq!(document["credentialSubject"], subject(), "{format}");
            assert_eq!(document["type"][1], "VaccinationCertificate", "{format}");
            assert_eq!(document["issuer"], issuer, "{format}");
            assert_eq!(document["id"], payload()["id"], "{format}");
        }
    }
}

#[test]
fn names_of_forms_and_types_of_tokens_are_one_to_one() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
        assert_eq!(format.to_string(), format.name());
        let same_type = Format::ALL.iter().filter(|other| other.token_type().typ == format.token_type().typ);
        assert_eq!(same_type.count(), 1);
    }
    assert_eq!(Format::from_name("JWT"), None);
}

/// The number of digests is that of names which may be hidden, and the decoys: it does not tell what is there.
#[test]
fn digests_do_not_tell_what_is_there() {
    let hidden = places(&["/a", "/b", "/c", "/list/*", "/list/*/d", "/x/y"]);
    let concealed = |claims: &Value| conceal(&parse(claims), &hidden, 2, &mut random()).expect("claims");
    let count = |claims: &Value| value(&concealed(claims).value)["_sd"].as_array().expect("digests").len();
    assert_eq!(count(&json!({ "z": 1 })), 3 + 2);
    assert_eq!(count(&json!({ "a": 1, "b": 2, "c": 3, "z": 1 })), 3 + 2);
    // Digests are sorted, so that their order does not tell either.
    let shown = value(&concealed(&json!({ "a": 1, "b": 2 })).value);
    let digests: Vec<&str> =
        shown["_sd"].as_array().expect("digests").iter().filter_map(Value::as_str).collect();
    assert!(digests.is_sorted());
    // An item that is hidden is nothing but its digest, and what is hidden in it is in its disclosure.
    let listed = concealed(&json!({ "list": [{ "d": 1, "e": 2 }, 7] }));
    let items = value(&listed.value)["list"].clone();
    assert!(items.as_array().expect("items").iter().all(|item| item["..."].is_string()), "{items}");
    assert_eq!(listed.disclosures.len(), 3);
    // A name that means something to who discloses is none of a claim.
    assert!(conceal(&parse(&json!({ "a": { "_sd": [] } })), &hidden, 0, &mut random()).is_none());
}

#[test]
fn places_are_pointers() {
    let steps = |text: &str| {
        Place::parse(text).map(|place| place.steps().map(|step| step.map(String::from)).collect::<Vec<_>>())
    };
    assert_eq!(steps("/a/*/b"), Some(vec![Some("a".into()), None, Some("b".into())]));
    assert_eq!(steps("/a~1b~0c"), Some(vec![Some("a/b~c".into())]));
    for bad in ["", "a", "/", "/a//b", "/~2", "/a~", "/_sd", "/a/..."] {
        assert_eq!(steps(bad), None, "{bad}");
    }
    assert_eq!(steps(&"/a".repeat(17)), None);
}

#[test]
fn a_form_without_disclosures_takes_none() {
    for format in [Format::JwtVcJson, Format::VcJwt] {
        let door = Door::new(format);
        let bare = format!("{}~", door.issued);
        assert!(door.judge(bare.as_bytes()).admits());
        let disclosed = format!("{bare}WyJzc3Nzc3Nzc3Nzc3Nzc3NzIiwiYSIsMV0~");
        assert_eq!(door.judge(disclosed.as_bytes()), Verdict::of(Reason::DisclosureUnreferenced));
    }
    for format in [Format::DcSdJwt, Format::VcSdJwt] {
        let door = Door::new(format);
        let token = door.issued.split('~').next().expect("a token");
        assert_eq!(door.judge(token.as_bytes()), Verdict::of(Reason::HeaderWrongType));
    }
}

fn any_format() -> impl Strategy<Value = Format> {
    prop::sample::select(&Format::ALL[..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever byte of a credential changes, in whatever form, disclosures included, it is not what was issued.
    #[test]
    fn no_single_byte_can_differ(
        format in any_format(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 8),
    ) {
        let door = Door::new(format);
        let good = value(door.admit().claims.json());
        for (position, flip) in changes {
            let mut damaged = door.issued.clone().into_bytes();
            let position = position.index(damaged.len());
            damaged[position] ^= flip;
            match door.judge(&damaged) {
                Verdict::Valid(facts) => prop_assert!(false, "byte {position} of {format}: {}", value(facts.claims.json()) == good),
                Verdict::Invalid(_) | Verdict::Unknown(_) => {}
            }
        }
    }

    /// Whatever is hidden where, all disclosures in any order lead back to what it was, and none to what is in the clear.
    #[test]
    fn hiding_and_disclosing_lead_back(
        names in prop::collection::btree_set("[a-d]", 1..4),
        inner in prop::collection::vec("[a-d]", 0..3),
        hidden in prop::sample::subsequence(vec!["/a", "/b", "/b/*", "/b/*/c", "/c", "/a/a", "/d"], 0..7),
        decoys in 0_usize..4,
        turn in any::<prop::sample::Index>(),
    ) {
        let items: Vec<Value> = inner.iter().map(|name| json!({ "c": name, "z": 1 })).collect();
        let mut claims = json!({});
        for name in &names {
            claims[name] = match name.as_str() {
                "a" => json!({ "a": 1, "z": 2 }),
                "b" => json!(items),
                other => json!(other),
            };
        }
        let document = parse(&claims);
        let concealed = conceal(&document, &places(&hidden), decoys, &mut random()).expect("claims");
        let mut disclosures: Vec<&[u8]> = concealed.disclosures.iter().map(String::as_bytes).collect();
        let turn = turn.index(disclosures.len() + 1);
        let turn = turn.min(disclosures.len());
        disclosures.rotate_left(turn);
        let shown = reveal(&concealed.value, &disclosures, Hidden::Anywhere).expect("it leads back");
        prop_assert_eq!(value(&shown), claims);
        let bare = reveal(&concealed.value, &[], Hidden::Anywhere).expect("nothing has to be shown");
        for name in ["a", "b", "c", "d"] {
            let place = format!("/{name}");
            if hidden.contains(&place.as_str()) {
                prop_assert!(bare.get(name).is_none());
            }
        }
    }
}
