//! Every form of a credential, from an order to a verdict, and what wallets read beside it.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::jws::{Jws, TokenType};
use sillok_verifier::key::Algorithm;
use sillok_verifier::sd_jwt::{Disclosure, DisclosureKind, select};
use sillok_verifier::status_list::decode_token_list;
use sillok_verifier::{Facts, Format, Verdict};

#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use world::{ISSUER, Running, World, issued, payload, request, status_request};

const DID: &str = "did:web:health.example";
const HOLDER: &str = "did:jwk:eyJrdHkiOiJFQyJ9";

fn holder() -> FileSigner {
    FileSigner::new(Algorithm::Es256, &[77; 32]).unwrap()
}

/// A request for a form, bound to the holder.
fn wanted(format: Format, subject: &str) -> Value {
    let mut body = request(subject);
    body["options"]["format"] = format.name().into();
    body["options"]["holderKey"] = serde_json::from_str(&holder().public_jwk()).unwrap();
    body
}

fn header(credential: &str) -> Value {
    let part = credential.split('.').next().unwrap();
    serde_json::from_slice(&decode_base64url(part.as_bytes()).unwrap()).unwrap()
}

fn media_type(answer: &Value) -> String {
    let id = answer["verifiableCredential"]["id"].as_str().unwrap();
    id.split_once(',').unwrap().0.into()
}

fn facts(world: &World, running: &Running, credential: &str, receipt: &str) -> Facts {
    match world.judge(&running.get("/trust-bundle").text, credential, receipt) {
        Verdict::Valid(facts) => facts,
        Verdict::Invalid(reason) | Verdict::Unknown(reason) => panic!("{reason} ({})", reason.code()),
    }
}

fn subject(facts: &Facts) -> Value {
    let mut text = String::new();
    facts.claims.json().get("credentialSubject").unwrap().push_to(&mut text);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn each_form_is_issued_logged_and_valid_and_a_retry_gives_the_same_bytes() {
    let world = World::new();
    let mut running = world.start();
    let token = world.token(&running, "clinic");
    let mut first = Vec::new();
    for (format, media) in [
        (Format::DcSdJwt, "data:application/dc+sd-jwt"),
        (Format::JwtVcJson, "data:application/jwt"),
        (Format::VcJwt, "data:application/vc+jwt"),
        (Format::VcSdJwt, "data:application/vc+sd-jwt"),
    ] {
        let body = wanted(format, "person-1");
        let answer = running.issue(&token, format.name(), &body);
        assert_eq!(answer.status, 201, "{format}: {}", answer.text);
        assert_eq!(media_type(&answer.json()), media);
        let (credential, receipt) = issued(&answer.json());
        assert_eq!(credential.contains('~'), format.is_selective(), "{format}");
        assert_eq!(header(&credential)["typ"], format.token_type().typ);
        let facts = facts(&world, &running, &credential, &receipt);
        assert_eq!((facts.format, facts.issuer.as_str()), (format, ISSUER));
        // Whatever the form: the same claims about the same person.
        assert_eq!(subject(&facts), body["credential"]["credentialSubject"], "{format}");
        first.push((format, answer.text));
    }
    assert_eq!(world.issue_leaves(&running), 4);
    for restarted in [false, true] {
        if restarted {
            running.stop();
            running = world.start();
        }
        let token = world.token(&running, "clinic");
        for (format, text) in &first {
            let again = running.issue(&token, format.name(), &wanted(*format, "person-1"));
            assert_eq!((again.status, &again.text), (201, text), "{format}");
        }
    }
    assert_eq!(world.issue_leaves(&running), 4);
    running.stop();
}

#[test]
fn what_is_hidden_is_shown_by_its_holder_alone_and_the_receipt_stays() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    for format in [Format::DcSdJwt, Format::VcSdJwt] {
        let answer = running.issue(&token, format.name(), &wanted(format, "person-1")).json();
        let (credential, receipt) = issued(&answer);
        let signed = payload(&credential).to_string();
        for secret in ["Hong", "Gildong", "1985-02-28", "2026-03-01", "familyName"] {
            assert!(!signed.contains(secret), "{secret} in {signed}");
        }
        // Names that may be hidden and one decoy: the number does not tell which are there.
        let claims = payload(&credential);
        let open = if format == Format::DcSdJwt { &claims } else { &claims["credentialSubject"] };
        assert_eq!(open["_sd"].as_array().unwrap().len(), 3 + 1);
        assert_eq!(open["doses"][0]["_sd"].as_array().unwrap().len(), 4 + 1);
        assert_eq!(open["doses"][0]["vaccine"], "BNT162b2");
        let mut salts: Vec<String> = credential
            .split('~')
            .skip(1)
            .filter(|text| !text.is_empty())
            .map(|text| {
                let parts: Value =
                    serde_json::from_slice(&decode_base64url(text.as_bytes()).unwrap()).unwrap();
                parts[0].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(salts.len(), 4, "three names and the date of the dose");
        assert!(salts.iter().all(|salt| decode_base64url(salt.as_bytes()).unwrap().len() == 16));
        salts.sort();
        salts.dedup();
        assert_eq!(salts.len(), 4);
        let shows = |names: &[&str]| {
            let keep = |one: &Disclosure| matches!(one.kind(), DisclosureKind::Member(name) if names.contains(&name.as_str()));
            subject(&facts(&world, &running, &select(&credential, keep).unwrap(), &receipt))
        };
        assert_eq!(shows(&[]), json!({ "doses": [{ "number": 1, "vaccine": "BNT162b2" }] }));
        assert_eq!(shows(&["birthDate"])["birthDate"], "1985-02-28");
        assert_eq!(shows(&["date"])["doses"][0]["date"], "2026-03-01");
    }
    running.stop();
}

#[test]
fn the_forms_for_strangers_are_what_their_wallets_read() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    let mut body = wanted(Format::JwtVcJson, "person-1");
    body["options"]["holderDid"] = HOLDER.into();
    let (credential, _receipt) = issued(&running.issue(&token, "1.1", &body).json());
    let (head, claims) = (header(&credential), payload(&credential));
    let kid = head["kid"].as_str().unwrap().to_owned();
    assert_eq!((&head["typ"], head.as_object().unwrap().len()), (&json!("JWT"), 3));
    let vc = &claims["vc"];
    assert_eq!((&claims["iss"], &vc["issuer"]), (&json!(DID), &json!(DID)));
    assert_eq!((&claims["jti"], &claims["sub"]), (&vc["id"], &vc["credentialSubject"]["id"]));
    assert_eq!(claims["sub"], HOLDER);
    assert_eq!((&claims["nbf"], &vc["issuanceDate"]), (&json!(world::NOW), &json!("2027-01-15T08:00:00Z")));
    assert_eq!(vc["expirationDate"], "2029-01-14T08:00:00Z");
    assert_eq!(vc["@context"][0], "https://www.w3.org/2018/credentials/v1");
    assert!(vc["credentialStatus"]["id"].is_string() && vc["credentialStatus"]["type"].is_string());
    // The document of the DID has the key that `kid` names, of a type that they know.
    let did = running.get("/.well-known/did.json").json();
    let method =
        did["verificationMethod"].as_array().unwrap().iter().find(|method| method["id"] == kid).unwrap();
    assert_eq!((&method["type"], &method["controller"]), (&json!("JsonWebKey2020"), &json!(DID)));
    assert!(did["assertionMethod"].as_array().unwrap().contains(&json!(kid)));

    let (credential, _receipt) =
        issued(&running.issue(&token, "dc", &wanted(Format::DcSdJwt, "person-1")).json());
    let claims = payload(&credential);
    assert_eq!((&claims["iss"], &header(&credential)["kid"]), (&json!(DID), &json!(kid)));
    assert_eq!(claims["vct"], format!("{ISSUER}/credential-types/VaccinationCredential/v1"));
    assert_eq!(claims["cnf"]["jwk"], serde_json::from_str::<Value>(&holder().public_jwk()).unwrap());
    running.stop();
}

#[test]
fn the_metadata_of_a_type_are_at_its_vct_with_the_digest_that_credentials_name() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    let (credential, _receipt) = issued(&running.issue(&token, "k", &wanted(Format::DcSdJwt, "p")).json());
    let claims = payload(&credential);
    let path = claims["vct"].as_str().unwrap().strip_prefix(ISSUER).unwrap();
    let answer = running.get(path);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let digest = format!("sha256-{}", STANDARD.encode(Sha256::digest(&answer.text)));
    assert_eq!(claims["vct#integrity"], digest);
    // Bytes of a version never change: credentials that are out there name this digest.
    assert_eq!(digest, "sha256-/ueDjD6EV7xnbR5sptG8B1EnMo4JnBkW91z0j7UPNfs=");
    let metadata = answer.json();
    assert_eq!(metadata["vct"], claims["vct"]);
    assert_eq!(metadata["display"][1]["name"], "예방접종증명서");
    let claim = |path: Value| {
        let all = metadata["claims"].as_array().unwrap();
        all.iter().find(|claim| claim["path"] == path).unwrap_or_else(|| panic!("{path}")).clone()
    };
    let date = claim(json!(["doses", null, "date"]));
    assert_eq!((&date["sd"], &date["mandatory"]), (&json!("always"), &json!(true)));
    assert_eq!(date["display"][0], json!({ "locale": "en", "label": "Date" }));
    assert_eq!(claim(json!(["doses"]))["sd"], "never");
    assert_eq!(claim(json!(["doses", null, "lot"]))["mandatory"], false);
    let etag = answer.header("etag").unwrap();
    assert_eq!(running.server.send("GET", path, &[("if-none-match", etag)], "").status, 304);
    assert_eq!(running.get("/credential-types/Nothing/v1").status, 404);
    running.stop();
}

#[test]
fn the_status_token_tells_what_the_snapshot_tells() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    for format in [Format::DcSdJwt, Format::JwtVcJson] {
        let (credential, receipt) =
            issued(&running.issue(&token, format.name(), &wanted(format, "p")).json());
        let claims = payload(&credential);
        let list = &claims["status"]["status_list"];
        let index = usize::try_from(list["idx"].as_u64().unwrap()).unwrap();
        let uri = list["uri"].as_str().unwrap();
        let value = || {
            let served = running.get(uri.strip_prefix(ISSUER).unwrap());
            assert_eq!(served.header("content-type"), Some("application/statuslist+jwt"));
            let jws = Jws::parse(served.text.as_bytes(), TokenType::STATUS_TOKEN).unwrap();
            assert_eq!(jws.payload().get("sub").and_then(|sub| sub.string().ok()), Some(uri));
            let list = jws.payload().get("status_list").and_then(|list| list.object().ok()).unwrap();
            let (revoked, _suspended) =
                decode_token_list(list.string("lst").unwrap(), list.unsigned("bits").unwrap(), 131_072)
                    .unwrap();
            revoked[index / 8] >> (7 - index % 8) & 1
        };
        assert_eq!(value(), 0);
        let id = claims["jti"].as_str().unwrap();
        let changed = running.post("/credentials/status", &token, &status_request(id, "revocation", true));
        assert_eq!(changed.status, 200, "{}", changed.text);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while value() == 0 {
            assert!(std::time::Instant::now() < deadline, "the token is not renewed");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let verdict = world.judge(&running.get("/trust-bundle").text, &credential, &receipt);
        assert_eq!(verdict.reason().map(|reason| reason.code()), Some("status.revoked"));
    }
    running.stop();
}

#[test]
fn a_minimal_pass_is_a_type_of_its_own() {
    let world = World::new();
    let mut config = world.config();
    config.clients[0].scopes.push("issue:pass".into());
    let running = world.start_with(config);
    let token = world.token(&running, "clinic");
    let mut body = wanted(Format::VcSdJwt, "p");
    body["credential"]["type"] = json!(["VerifiableCredential", "PassCredential"]);
    body["credential"]["credentialSubject"] = json!({ "scheme": "kr.facility", "name": "Hong Gildong" });
    let answer = running.issue(&token, "k", &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let (credential, receipt) = issued(&answer.json());
    // Two names may be hidden, one of them is not there, and nobody can tell.
    assert_eq!(payload(&credential)["credentialSubject"]["_sd"].as_array().unwrap().len(), 3);
    let shown = select(&credential, |_one| false).unwrap();
    assert_eq!(subject(&facts(&world, &running, &shown, &receipt)), json!({ "scheme": "kr.facility" }));
    running.stop();
}

#[test]
fn orders_that_no_form_fits_are_refused_by_name() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    for (member, value, told) in [
        ("format", json!("ldp_vc"), "options/format"),
        ("format", json!(1), "options/format"),
        ("holderDid", json!("https://wallet.example"), "options/holderDid"),
        ("holderDid", json!("did:jwk:a b"), "options/holderDid"),
    ] {
        let mut body = wanted(Format::VcJwt, "p");
        body["options"][member] = value;
        let answer = running.issue(&token, "k", &body);
        assert_eq!((answer.status, answer.code().as_str()), (400, "request.malformed"));
        assert!(answer.text.contains(told), "{}", answer.text);
    }
    let mut body = request("p");
    body["options"]["holderDid"] = HOLDER.into();
    assert_eq!(running.issue(&token, "k", &body).code(), "request.malformed");
    // The same key and another form is another request.
    assert_eq!(running.issue(&token, "k", &wanted(Format::VcJwt, "p")).status, 201);
    assert_eq!(running.issue(&token, "k", &wanted(Format::DcSdJwt, "p")).code(), "idempotency-key.reused");
    running.stop();
}
