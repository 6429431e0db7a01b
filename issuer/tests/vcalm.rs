//! VCALM over HTTP: documents that callers bring, and what somebody hands in to be verified.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/world.rs"]
mod world;

use serde_json::{Value, json};
use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::key::Algorithm;
use world::{Answer, DEMO_TOKEN, ISSUER, Running, World, issued, payload, status_request};

/// A type for any document, as an operator would write it.
fn world() -> (World, Running) {
    let world = World::new();
    let folder = world.path("types");
    std::fs::create_dir(&folder).unwrap();
    let kind = |name: &str, keyless: bool| {
        let schema = json!({ "not": { "type": "object", "required": ["forbidden"] } });
        let text = json!({
            "name": name, "type": format!("{name}Document"), "validity_days": 30, "context": {}, "schema": schema,
            "display": { "en": { "name": name, "description": "any document" } },
            "open": true, "key_from_request": keyless,
        });
        std::fs::write(folder.join(format!("{name}.json")), text.to_string()).unwrap();
    };
    kind("keyless", true);
    kind("keyed", false);
    let mut config = world.config();
    config.demo_token = Some(DEMO_TOKEN.to_owned().into());
    let running = world.start_with(config);
    (world, running)
}

fn document(members: Value) -> Value {
    let mut document = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "credentialSubject": { "id": "did:example:subject" },
    });
    document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    document
}

fn post(running: &Running, path: &str, body: &Value) -> Answer {
    running.post(path, DEMO_TOKEN, body)
}

fn issue(running: &Running, members: Value) -> Answer {
    let body = json!({ "credential": document(members), "options": { "type": "keyless" } });
    post(running, "/credentials/issue", &body)
}

#[test]
fn a_document_of_an_open_type_is_completed_signed_logged_and_revoked() {
    let (world, running) = world();
    let answer = issue(
        &running,
        json!({
            "@context": ["https://www.w3.org/ns/credentials/v2", { "Ours": "https://a.example/#Ours" }],
            "type": ["Ours", "VerifiableCredential"], "id": "https://a.example/1", "issuer": { "id": ISSUER, "description": "us" },
            "validFrom": "2020-01-01T00:00:00.500+09:00", "validUntil": "2020-02-01T00:00:00Z",
            "credentialStatus": { "type": "Ours", "id": "did:example:status" },
            "credentialSubject": [{ "id": "did:example:a" }, { "id": "did:example:b" }],
        }),
    );
    // Two subjects: nobody can tell whom it is about.
    assert_eq!((answer.status, answer.code().as_str()), (400, "request.malformed"));
    let body = json!({
        "credential": document(json!({
            "@context": ["https://www.w3.org/ns/credentials/v2", { "Ours": "https://a.example/#Ours" }],
            "type": ["Ours", "VerifiableCredential"], "id": "https://a.example/1",
            "issuer": { "id": ISSUER, "description": "us" }, "validFrom": "2020-01-01T00:00:00.500+09:00",
            "validUntil": "2020-02-01T00:00:00Z", "credentialStatus": { "type": "Ours", "id": "did:example:status" },
            "credentialSubject": [{ "id": "did:example:a" }, { "id": "did:example:b" }],
        })),
        "options": { "type": "keyless", "subject": "a and b" },
    });
    let answer = post(&running, "/credentials/issue", &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let claims = payload(&issued(&answer.json()).0);
    for (name, value) in body["credential"].as_object().unwrap() {
        if name != "credentialStatus" {
            assert_eq!(claims[name], *value, "{name} is as it came");
        }
    }
    let statuses = claims["credentialStatus"].as_array().unwrap();
    assert_eq!((statuses.len(), &statuses[2]), (3, &body["credential"]["credentialStatus"]));
    // It was over before it was issued, and says so.
    let judged = post(&running, "/credentials/verify", &answer.json());
    assert_eq!((judged.status, judged.json()["verdict"].as_str()), (200, Some("invalid")));
    assert_eq!(judged.json()["problemDetails"][0]["code"], "validity.expired");

    let answer = issue(&running, json!({}));
    let (credential, receipt) = issued(&answer.json());
    let claims = payload(&credential);
    assert_eq!((&claims["iss"], &claims["issuer"]["id"]), (&json!(ISSUER), &json!(ISSUER)));
    assert_eq!(claims["validFrom"], "2027-01-15T08:00:00Z");
    assert_eq!(claims["validUntil"], "2027-02-14T08:00:00Z");
    assert!(world.judge(&running.get("/trust-bundle").text, &credential, &receipt).admits());
    let good = json!({ "verifiableCredential": answer.json()["verifiableCredential"] });
    for body in [&answer.json(), &good] {
        let judged = post(&running, "/credentials/verify", body).json();
        assert_eq!((&judged["verified"], &judged["verdict"]), (&json!(true), &json!("valid")), "{judged}");
        assert_eq!(
            (&judged["log"]["origin"], &judged["problemDetails"]),
            (&json!(world::ORIGIN), &json!([]))
        );
    }
    let revoke = status_request(claims["id"].as_str().unwrap(), "revocation", true);
    assert_eq!(post(&running, "/credentials/status", &revoke).status, 200);
    let judged = post(&running, "/credentials/verify", &good).json();
    assert_eq!(
        (&judged["verified"], &judged["problemDetails"][0]["code"]),
        (&json!(false), &json!("status.revoked"))
    );
    assert_eq!(world.issue_leaves(&running), 2);
    running.stop();
}

#[test]
fn a_request_is_its_own_key_where_its_type_says_so() {
    let (world, running) = world();
    let first = issue(&running, json!({}));
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(issue(&running, json!({})).text, first.text);
    assert_ne!(issue(&running, json!({ "name": "another" })).text, first.text);
    let keyed = json!({ "credential": document(json!({})), "options": { "type": "keyed" } });
    let answer = post(&running, "/credentials/issue", &keyed);
    assert_eq!((answer.status, answer.code().as_str()), (400, "idempotency-key.missing"));
    let typed = post(&running, "/credentials/issue", &world::request("person"));
    assert_eq!((typed.status, typed.code().as_str()), (400, "idempotency-key.missing"));
    let answer = running.issue(DEMO_TOKEN, "key", &keyed);
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(world.issue_leaves(&running), 3);
    running.stop();
}

#[test]
fn what_is_not_ours_to_sign_is_refused() {
    let (world, running) = world();
    let base = "https://www.w3.org/ns/credentials/v2";
    for (members, status, code) in [
        (json!({ "issuer": "https://another.example" }), 400, "request.malformed"),
        (json!({ "issuer": {} }), 400, "request.malformed"),
        (json!({ "issuer": null }), 400, "request.malformed"),
        (json!({ "id": "no URL" }), 400, "request.malformed"),
        (json!({ "@context": "https://www.w3.org/ns/credentials/v2" }), 400, "request.malformed"),
        (json!({ "type": "VerifiableCredential" }), 400, "request.malformed"),
        (json!({ "type": ["VerifiableCredential", "Unmapped"] }), 400, "request.malformed"),
        (json!({ "@context": [base, { "issuer": "https://a.example/#i" }] }), 400, "request.malformed"),
        (
            json!({ "@context": [base, "https://www.w3.org/ns/credentials/examples/v2"], "extension": 1 }),
            400,
            "request.malformed",
        ),
        (json!({ "proof": {} }), 400, "request.malformed"),
        (json!({ "exp": 1 }), 400, "request.malformed"),
        (json!({ "vc": {} }), 400, "request.malformed"),
        (json!({ "credentialStatus": { "type": "BitstringStatusListEntry" } }), 400, "request.malformed"),
        (json!({ "validUntil": "2020-01-01T00:00:00Z" }), 422, "credential.refused"),
        (json!({ "credentialSubject": { "id": "did:example:a", "forbidden": 1 } }), 422, "claims.invalid"),
        (json!({ "credentialSubject": {} }), 400, "request.malformed"),
    ] {
        let answer = issue(&running, members.clone());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{members}: {}", answer.text);
    }
    let named = |name: &str| issue(&running, json!({ "id": "https://a.example/1", "name": name }));
    assert_eq!(named("first").status, 201);
    assert_eq!(named("first").status, 201, "the same request again");
    let answer = named("second");
    assert_eq!((answer.status, answer.code().as_str()), (422, "credential.refused"));
    assert_eq!(world.issue_leaves(&running), 1);
    running.stop();
}

/// A token by a key whose `did:jwk` it is.
struct Holder {
    signer: FileSigner,
    did: String,
}

impl Holder {
    fn new(algorithm: Algorithm, seed: u8) -> Self {
        let signer = FileSigner::new(algorithm, &[seed; 32]).unwrap();
        let did = format!("did:jwk:{}", encode_base64url(signer.public_jwk().as_bytes()));
        Self { signer, did }
    }

    fn token(&self, typ: Option<&str>, payload: &Value) -> String {
        let mut header = json!({ "alg": self.signer.algorithm().name(), "kid": format!("{}#0", self.did) });
        if let Some(typ) = typ {
            header["typ"] = typ.into();
        }
        let part = |value: &Value| encode_base64url(value.to_string().as_bytes());
        let input = format!("{}.{}", part(&header), part(payload));
        format!("{input}.{}", encode_base64url(&self.signer.sign(input.as_bytes()).unwrap()))
    }

    fn credential(&self, members: Value) -> Value {
        let mut document = document(members);
        document["issuer"] = self.did.as_str().into();
        envelope(
            "EnvelopedVerifiableCredential",
            "application/vc+jwt",
            &self.token(Some("vc+jwt"), &document),
        )
    }
}

fn envelope(kind: &str, media: &str, token: &str) -> Value {
    json!({ "@context": ["https://www.w3.org/ns/credentials/v2"], "type": kind, "id": format!("data:{media},{token}") })
}

/// Verdict, status and first code.
fn verdict(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let code = body["problemDetails"][0]["code"].as_str().unwrap_or_default().to_owned();
    assert_eq!(body["verified"], body["verdict"] == "valid", "{body}");
    (answer.status, body["verdict"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned(), code)
}

fn said(status: u16, verdict: &str, code: &str) -> (u16, String, String) {
    (status, verdict.into(), code.into())
}

#[test]
fn credentials_of_others_rest_on_their_signature_alone() {
    let (_world, running) = world();
    let other = Holder::new(Algorithm::EdDsa, 7);
    let judge = |credential: &Value| {
        verdict(&post(&running, "/credentials/verify", &json!({ "verifiableCredential": credential })))
    };
    let good = other.credential(json!({}));
    let body =
        json!({ "verifiableCredential": good, "options": { "returnCredential": true, "checks": ["proof"] } });
    let answer = post(&running, "/credentials/verify", &body).json();
    assert_eq!((&answer["verified"], &answer["log"]), (&json!(true), &Value::Null));
    assert_eq!(answer["problemDetails"][0]["type"], "urn:sillok:problem:foreign.not-logged");
    assert_eq!(answer["verifiableCredential"], good);

    let text = good["id"].as_str().unwrap();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let mut wrong = good.clone();
    wrong["id"] = format!("{signed}.{flipped}{}", &signature[1..]).into();
    assert_eq!(judge(&wrong), said(200, "invalid", "signature.invalid"));
    let past = other.credential(json!({ "validUntil": "2027-01-15T08:00:00Z" }));
    assert_eq!(judge(&past), said(200, "invalid", "validity.expired"));
    let early = other.credential(json!({ "validFrom": "2027-01-15T08:00:01Z" }));
    assert_eq!(judge(&early), said(200, "invalid", "validity.not-yet-valid"));
    let with_status = other.credential(json!({ "credentialStatus": { "type": "https://a.example/#S" } }));
    assert_eq!(judge(&with_status), said(200, "unknown", "status.not-checked"));
    let broken = other.credential(json!({ "id": "no URL" }));
    assert_eq!(judge(&broken), said(400, "invalid", "credential.nonconforming"));

    // By a key that is not its issuer's, of another type, by somebody nobody knows.
    let by = |issuer: &str, typ: &str| {
        let mut document = document(json!({}));
        document["issuer"] = issuer.into();
        envelope("EnvelopedVerifiableCredential", "application/vc+jwt", &other.token(Some(typ), &document))
    };
    let third = Holder::new(Algorithm::Es256, 8);
    assert_eq!(judge(&by(&third.did, "vc+jwt")), said(200, "invalid", "header.key-id"));
    assert_eq!(judge(&by(&other.did, "at+jwt")), said(200, "invalid", "header.wrong-type"));
    let token = |payload: &Value| other.token(Some("vc+jwt"), payload);
    let mut stranger = document(json!({ "issuer": "https://another.example" }));
    let kid = envelope("EnvelopedVerifiableCredential", "application/vc+jwt", &token(&stranger));
    assert_eq!(judge(&kid), said(200, "invalid", "header.key-id"));
    stranger["issuer"] = other.did.as_str().into();
    stranger["vc"] = json!({});
    let both = envelope("EnvelopedVerifiableCredential", "application/vc+jwt", &token(&stranger));
    assert_eq!(judge(&both), said(400, "invalid", "credential.nonconforming"));

    // Envelopes that are none.
    for (member, value) in [
        ("@context", json!([])),
        ("@context", json!("https://www.w3.org/ns/credentials/examples/v2")),
        ("id", json!(signed)),
        ("type", json!("VerifiableCredential")),
        ("type", json!(["EnvelopedVerifiableCredential", "VerifiableCredential"])),
    ] {
        let mut envelope = good.clone();
        envelope[member] = value;
        assert_eq!(judge(&envelope).0, 400, "{member}");
    }
    let cose = envelope("EnvelopedVerifiableCredential", "application/vc+cose;base64", "0oRY");
    assert_eq!(judge(&cose), said(200, "unknown", "envelope.media-type"));
    assert_eq!(judge(&document(json!({ "issuer": other.did }))), said(400, "invalid", "document.unsecured"));
    running.stop();
}

#[test]
fn our_own_credentials_are_not_anybodys_to_make() {
    let (_world, running) = world();
    let thief = Holder::new(Algorithm::Es256, 9);
    let claims = document(json!({ "issuer": ISSUER, "iss": ISSUER, "id": "urn:uuid:1" }));
    let forged = envelope(
        "EnvelopedVerifiableCredential",
        "application/vc+jwt",
        &thief.token(Some("vc+jwt"), &claims),
    );
    let judged = verdict(&post(&running, "/credentials/verify", &json!({ "verifiableCredential": forged })));
    assert_eq!(judged.0, 200);
    assert_ne!(judged.1, "valid");
    // A receipt of another credential is not this one's.
    let (first, second) = (issue(&running, json!({})).json(), issue(&running, json!({ "name": "n" })).json());
    let mixed =
        json!({ "verifiableCredential": first["verifiableCredential"], "receipt": second["receipt"] });
    let judged = verdict(&post(&running, "/credentials/verify", &mixed));
    assert_eq!((judged.0, judged.1.as_str()), (200, "invalid"));
    running.stop();
}

#[test]
fn presentations_are_judged_with_what_is_in_them() {
    let (_world, running) = world();
    let holder = Holder::new(Algorithm::EdDsa, 7);
    let ours = issue(&running, json!({})).json()["verifiableCredential"].clone();
    let theirs = holder.credential(json!({}));
    let presentation = |credentials: &Value| {
        json!({
            "@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiablePresentation"],
            "holder": holder.did, "verifiableCredential": credentials, "nonce": "n-1", "aud": "door.example",
        })
    };
    let judge = |envelope: &Value, options: Value| {
        post(
            &running,
            "/presentations/verify",
            &json!({ "verifiablePresentation": envelope, "options": options }),
        )
    };
    let kind = "EnvelopedVerifiablePresentation";
    let both = envelope(
        kind,
        "application/vp+jwt",
        &holder.token(Some("vp+jwt"), &presentation(&json!([ours, theirs]))),
    );
    let asked = json!({ "challenge": "n-1", "domain": "door.example" });
    let answer = judge(&both, asked.clone());
    assert_eq!(verdict(&answer).1, "valid", "{}", answer.text);
    assert_eq!(answer.json()["credentialResults"][0]["log"]["origin"], world::ORIGIN);
    assert_eq!(answer.json()["credentialResults"].as_array().unwrap().len(), 2);
    assert_eq!(
        verdict(&judge(&both, json!({ "challenge": "n-2" }))),
        said(200, "invalid", "proof.challenge")
    );
    assert_eq!(verdict(&judge(&both, json!({ "domain": "another" }))), said(200, "invalid", "proof.domain"));

    // VC 1.1: the document in a claim, as wallets still sign it.
    let claim = json!({ "iss": holder.did, "nonce": "n-1", "aud": "door.example", "vp": presentation(&json!([theirs])) });
    let old = envelope(kind, "application/jwt", &holder.token(Some("JWT"), &claim));
    assert_eq!(verdict(&judge(&old, asked.clone())).1, "valid");
    let labelled = envelope(kind, "application/vp+jwt", &holder.token(Some("vp+jwt"), &claim));
    assert_eq!(verdict(&judge(&labelled, asked.clone())), said(400, "invalid", "credential.nonconforming"));

    // The worst decides.
    let past = holder.credential(json!({ "validUntil": "2020-01-01T00:00:00Z" }));
    let with = |credentials: Value| {
        let token = holder.token(Some("vp+jwt"), &presentation(&credentials));
        verdict(&judge(&envelope(kind, "application/vp+jwt", &token), asked.clone()))
    };
    assert_eq!(with(json!([ours, past])), said(200, "invalid", "validity.expired"));
    assert_eq!(with(json!([ours, "eyJ"])), said(400, "invalid", "credential.nonconforming"));
    assert_eq!(with(json!(vec![theirs; 17])).0, 400);
    running.stop();
}

#[test]
fn what_a_proof_says_about_itself_is_checked_before_its_signature() {
    let (_world, running) = world();
    let asked = json!({ "challenge": "n-1", "domain": "door.example" });
    let judge = |presentation: &Value, options: Value| {
        let body = json!({ "verifiablePresentation": presentation, "options": options });
        post(&running, "/presentations/verify", &body)
    };
    // Without the program for proofs nothing is known of one.
    let did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    let mut proved = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiablePresentation"], "holder": did,
        "proof": {
            "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "proofPurpose": "authentication",
            "verificationMethod": format!("{did}#{}", &did[8..]), "challenge": "n-1", "domain": "door.example",
            "proofValue": format!("z{}", "2".repeat(86)), "created": "2027-01-15T08:00:00Z",
        },
    });
    assert_eq!(verdict(&judge(&proved, asked.clone())).0, 400, "a proofValue of another length");
    proved["proof"]["proofValue"] = format!("z{}", "1".repeat(64)).into();
    assert_eq!(verdict(&judge(&proved, asked.clone())), said(200, "unknown", "proof.no-verifier"));
    for (member, value, expected) in [
        ("challenge", json!("n-2"), said(200, "invalid", "proof.challenge")),
        ("proofPurpose", json!("assertionMethod"), said(200, "invalid", "proof.purpose")),
        ("cryptosuite", json!("bbs-2023"), said(200, "unknown", "proof.unsupported")),
        ("expires", json!("2027-01-15T08:00:00Z"), said(200, "invalid", "validity.signature-expired")),
        ("created", json!("yesterday"), said(400, "invalid", "proof.malformed")),
        ("verificationMethod", json!("https://a.example/#k"), said(200, "unknown", "issuer.unknown")),
    ] {
        let mut changed = proved.clone();
        changed["proof"][member] = value;
        assert_eq!(verdict(&judge(&changed, asked.clone())), expected, "{member}");
    }
    running.stop();
}

#[test]
fn verifying_takes_a_scope_and_a_body_of_its_form() {
    let (world, running) = world();
    let body = json!({ "verifiableCredential": {} });
    let reader = world.token(&running, "reader");
    let answer = running.post("/credentials/verify", &reader, &body);
    assert_eq!((answer.status, answer.code().as_str()), (403, "scope.insufficient"));
    for (path, body) in [
        ("/credentials/verify", json!({})),
        ("/credentials/verify", json!({ "verifiableCredential": "eyJ" })),
        ("/credentials/verify", json!({ "verifiableCredential": {}, "more": 1 })),
        ("/credentials/verify", json!({ "verifiableCredential": {}, "receipt": "*" })),
        ("/presentations/verify", json!({ "verifiablePresentation": {}, "options": [] })),
        ("/presentations/verify", json!({ "verifiablePresentation": {}, "options": { "challenge": 1 } })),
    ] {
        let answer = post(&running, path, &body);
        assert_eq!((answer.status, answer.code().as_str()), (400, "request.malformed"), "{body}");
    }
    running.stop();
}
