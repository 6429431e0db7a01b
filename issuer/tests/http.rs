//! The interface of an issuer with a registry behind it, over HTTP on a real port.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sillok_issuer::http::ROUTES;
use sillok_issuer::sign::Signer as _;
use sillok_verifier::key::Algorithm;
use sillok_verifier::snapshot::SnapshotFile;
use sillok_verifier::status_list::decode_bitstring;
use sillok_verifier::trust::Trust;
use sillok_verifier::{Memory, Verdict};

#[path = "support/world.rs"]
mod world;

use world::{DEMO_TOKEN, ISSUER, Running, World, client, issued, payload, request, status_request};

fn code(verdict: &Verdict) -> &'static str {
    verdict.reason().map_or("valid", |reason| reason.code())
}

#[test]
fn what_is_issued_verifies_with_the_served_trust_bundle() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    let answer = running.issue(&token, "first", &request("person-1"));
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body["verifiableCredential"]["type"], "EnvelopedVerifiableCredential");
    assert_eq!(body["verifiableCredential"]["@context"], json!(["https://www.w3.org/ns/credentials/v2"]));
    let (credential, receipt) = issued(&body);
    let bundle = running.get("/trust-bundle");
    assert_eq!(bundle.header("content-type"), Some("application/json"));
    let verdict = world.judge(&bundle.text, &credential, &receipt);
    assert!(verdict.admits(), "{verdict}");
    let claims = payload(&credential);
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["validFrom"], "2027-01-15T08:00:00Z");
    assert_eq!(claims["credentialSubject"]["givenName"], "Gildong");
    // The file that a static server would hand out is the same.
    assert_eq!(std::fs::read_to_string(world.path("data/public/trust-bundle")).unwrap(), bundle.text);
    let etag = bundle.header("etag").unwrap();
    let again = running.server.send("GET", "/trust-bundle", &[("if-none-match", etag)], "");
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    running.stop();
}

#[test]
fn an_issuer_with_an_ed25519_key_is_believed_too() {
    let world = World::new();
    let mut config = world.config();
    config.algorithm = Algorithm::EdDsa;
    let running = world.start_with(config);
    let token = world.token(&running, "edwards");
    let holder = client("clinic", 77);
    let mut body = request("person-1");
    body["options"]["holderKey"] = serde_json::from_str(&holder.signer.public_jwk()).unwrap();
    body["options"]["type"] = "vaccination".into();
    body["credential"]["validFrom"] = "2027-01-01T00:00:00Z".into();
    let answer = running.issue(&token, "k", &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let (credential, receipt) = issued(&answer.json());
    let header =
        sillok_verifier::encoding::decode_base64url(credential.split('.').next().unwrap().as_bytes());
    assert!(String::from_utf8(header.unwrap()).unwrap().contains(r#""alg":"EdDSA""#));
    let claims = payload(&credential);
    assert_eq!(claims["cnf"]["jwk"], body["options"]["holderKey"]);
    assert_eq!(claims["validFrom"], "2027-01-01T00:00:00Z");
    let verdict = world.judge(&running.get("/trust-bundle").text, &credential, &receipt);
    assert!(verdict.admits(), "{verdict}");
    running.stop();
}

#[test]
fn the_same_key_gives_the_same_bytes_and_another_body_is_refused() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    let first = running.issue(&token, "key 1", &request("person-1"));
    let again = running.issue(&token, "key 1", &request("person-1"));
    assert_eq!((first.status, first.text.as_str()), (201, again.text.as_str()));
    // White space and the order of members are not another request.
    let spaced = serde_json::to_string_pretty(&request("person-1")).unwrap();
    let spaced = running.server.post("/credentials/issue", &token, &[("idempotency-key", "key 1")], &spaced);
    assert_eq!(spaced.text, first.text);
    let other = running.issue(&token, "key 1", &request("person-2"));
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency-key.reused"));
    // Another client's keys are its own.
    let stranger = world.token(&running, "operator");
    let foreign = running.issue(&stranger, "key 1", &request("person-1"));
    assert_eq!(foreign.status, 201);
    assert_ne!(foreign.text, first.text);
    // The same in a batch.
    let mut item = request("person-1");
    item["idempotencyKey"] = "key 1".into();
    let batch = running.post("/credentials/issue/batch", &token, &json!({ "requests": [item] }));
    assert_eq!(batch.json()["results"][0]["verifiableCredential"], first.json()["verifiableCredential"]);
    assert_eq!(world.issue_leaves(&running), 2);
    running.stop();
}

#[test]
fn a_hundred_posts_with_one_key_make_one_leaf() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    let answers: Vec<(u16, String)> = thread::scope(|scope| {
        let posts: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    let answer = running.issue(&token, "the one", &request("person-1"));
                    (answer.status, answer.text)
                })
            })
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    let bytes: BTreeSet<&String> =
        answers.iter().filter(|(status, _)| *status == 201).map(|(_, text)| text).collect();
    assert_eq!(bytes.len(), 1, "one credential, however often it is asked for");
    assert!(answers.iter().all(|(status, _)| [201, 409].contains(status)));
    assert_eq!(world.issue_leaves(&running), 1);
    running.stop();
}

#[test]
fn a_batch_is_answered_item_by_item() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    let item = |number: usize| {
        let mut item = request(&format!("person-{number}"));
        item["idempotencyKey"] = format!("batch-{number}").into();
        item
    };
    let mut requests: Vec<Value> = (0..300).map(item).collect();
    requests[7]["credential"]["credentialSubject"]["doses"] = json!([]);
    requests[8]["credential"]["type"] = json!(["VerifiableCredential", "Passport"]);
    requests[9]["idempotencyKey"] = "".into();
    requests[10]["more"] = 1.into();
    requests[11]["idempotencyKey"] = "batch-12".into();
    let answer = running.post("/credentials/issue/batch", &token, &json!({ "requests": requests }));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let results = body["results"].as_array().unwrap();
    assert_eq!(results.len(), 300);
    let problem = |number: usize| results[number]["problem"]["code"].as_str().unwrap();
    assert_eq!(problem(7), "claims.invalid");
    assert!(results[7]["problem"]["detail"].as_str().unwrap().contains("/doses"));
    assert_eq!(problem(8), "type.unknown");
    assert_eq!(problem(9), "idempotency-key.malformed");
    assert_eq!(problem(10), "request.malformed");
    // Two items of one batch have the key; their bodies differ, and the first one has it.
    assert_eq!(results[11]["status"], 201);
    assert_eq!(problem(12), "idempotency-key.reused");
    let bundle = running.get("/trust-bundle").text;
    let mut slots = BTreeSet::new();
    for result in results.iter().filter(|result| result["status"] == 201) {
        let (credential, receipt) = issued(result);
        assert!(world.judge(&bundle, &credential, &receipt).admits());
        let claims = payload(&credential);
        assert!(slots.insert(claims["credentialStatus"][0]["statusListIndex"].as_str().unwrap().to_owned()));
    }
    assert_eq!(slots.len(), 295);
    assert_eq!(world.issue_leaves(&running), 295);
    running.stop();
}

/// A request that is refused, with status, code, and what the detail names.
type Refusal = (fn(&mut Value), u16, &'static str, &'static str);

const REFUSALS: [Refusal; 13] = [
    (|b| *b = json!([]), 400, "request.malformed", "object"),
    (|b| *b = json!({}), 400, "request.malformed", "credential"),
    (|b| b["credential"]["issuer"] = "me".into(), 400, "request.malformed", "credential/issuer"),
    (|b| b["credential"]["@context"] = json!(["x"]), 400, "request.malformed", "@context"),
    (|b| b["credential"]["type"] = json!(["VerifiableCredential"]), 400, "request.malformed", "type"),
    (|b| b["credential"]["type"][0] = 7.into(), 400, "request.malformed", "type/0"),
    (|b| b["credential"]["validFrom"] = "2027-01-15".into(), 400, "request.malformed", "validFrom"),
    (|b| b["credential"]["credentialSubject"] = 1.into(), 400, "request.malformed", "credentialSubject"),
    (|b| b["options"]["subject"] = "".into(), 400, "request.malformed", "options/subject"),
    (|b| b["options"]["facility"] = "x".repeat(257).into(), 400, "request.malformed", "facility"),
    (|b| b["options"]["holderKey"] = json!({ "kty": "EC" }), 400, "request.malformed", "holderKey"),
    (|b| b["options"]["type"] = "passport".into(), 422, "type.unknown", "/types"),
    // Expired before it is issued.
    (
        |b| b["credential"]["validFrom"] = "2001-01-01T00:00:00Z".into(),
        422,
        "credential.refused",
        "validity.expired",
    ),
];

#[test]
fn a_wrong_request_is_refused_with_the_place() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    for (change, status, code, place) in REFUSALS {
        let mut body = request("person-1");
        change(&mut body);
        let answer = running.issue(&token, "k", &body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(place), "{detail} does not name {place}");
    }
    let mut body = request("person-1");
    body["credential"]["credentialSubject"]["doses"][0]["date"] = "2026-02-31".into();
    let answer = running.issue(&token, "k", &body);
    assert_eq!((answer.status, answer.code().as_str()), (422, "claims.invalid"));
    assert!(answer.text.contains("credentialSubject/doses/0/date"), "{}", answer.text);
    let texts =
        [("{", "line 1"), (r#"{"credential":{},"credential":{}}"#, "credential"), ("\u{1}", "line 1")];
    for (text, place) in texts {
        let answer = running.server.post("/credentials/issue", &token, &[("idempotency-key", "k")], text);
        assert_eq!(answer.code(), "request.malformed");
        assert!(answer.text.contains(place), "{}", answer.text);
    }
    assert_eq!(world.issue_leaves(&running), 0, "nothing half-done");
    let metrics = running.get("/metrics").text;
    assert!(metrics.contains(r#"sillok_issuer_refused_total{code="claims.invalid"} 1"#), "{metrics}");
    running.stop();
}

#[test]
fn sizes_keys_media_types_and_paths_are_checked() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "clinic");
    let key = [("idempotency-key", "k")];
    let post = |path: &str, body: &str| running.server.post(path, &token, &key, body);
    let huge = post("/credentials/issue", &" ".repeat(20_000));
    assert_eq!((huge.status, huge.code().as_str()), (413, "request.too-large"));
    let many = json!({ "requests": vec![json!({}); 1_001] });
    assert_eq!(post("/credentials/issue/batch", &many.to_string()).code(), "request.too-large");
    assert_eq!(post("/credentials/issue/batch", r#"{"requests":[]}"#).code(), "request.malformed");
    let body = request("person-1").to_string();
    for (keys, code) in [
        (vec![], "idempotency-key.missing"),
        (vec![("idempotency-key", "")], "idempotency-key.malformed"),
        (vec![("idempotency-key", "a"), ("idempotency-key", "b")], "idempotency-key.malformed"),
    ] {
        let answer = running.server.post("/credentials/issue", &token, &keys, &body);
        assert_eq!((answer.status, answer.code().as_str()), (400, code));
    }
    let long = "x".repeat(129);
    assert_eq!(running.issue(&token, &long, &request("p")).code(), "idempotency-key.malformed");
    let plain = [("content-type", "text/plain"), ("authorization", &format!("Bearer {token}")), key[0]];
    assert_eq!(running.server.send("POST", "/credentials/issue", &plain, &body).code(), "request.media-type");
    assert_eq!(running.server.send("DELETE", "/credentials/issue", &[], "").code(), "route.method");
    for path in ["/nothing", "/status/00/snapshot", "/contexts/passport/v1"] {
        let answer = running.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "route.unknown"), "{path}");
    }
    assert_eq!(world.issue_leaves(&running), 0, "nothing half-done");
    running.stop();
}

#[test]
fn a_full_queue_sends_callers_away_for_a_while() {
    let world = World::new();
    let mut config = world.config();
    config.limits.in_flight = 1_000;
    config.limits.in_flight_client = 1_000;
    config.limits.workers = 1;
    let running = world.start_with(config);
    let token = world.token(&running, "clinic");
    let batch = |round: usize| {
        let item = |number: usize| {
            let mut item = request(&format!("person-{number}"));
            item["idempotencyKey"] = format!("{round}-{number}").into();
            item
        };
        json!({ "requests": (0..700).map(item).collect::<Vec<_>>() })
    };
    let answers: Vec<_> = thread::scope(|scope| {
        let token = &token;
        let running = &running;
        let posts: Vec<_> = (0..6)
            .map(|round| {
                let body = batch(round);
                scope.spawn(move || running.post("/credentials/issue/batch", token, &body))
            })
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    let pushed_back = answers.iter().filter(|answer| answer.status != 200);
    assert!(answers.iter().any(|answer| answer.status == 200));
    assert!(pushed_back.clone().count() > 0, "six times 700 are more than 1,000");
    for answer in pushed_back {
        assert!(["queue.full", "client.rate-limited"].contains(&answer.code().as_str()));
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
    }
    assert_eq!(running.issue(&token, "later", &request("person-1")).status, 201);
    running.stop();
}

#[test]
fn status_is_changed_published_and_seen_by_verifiers() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "operator");
    let (credential, receipt) = issued(&running.issue(&token, "a", &request("person-1")).json());
    let id = payload(&credential)["id"].as_str().unwrap().to_owned();
    let change = |purpose: &str, set: bool| {
        running.post("/credentials/status", &token, &status_request(&id, purpose, set))
    };
    let judge = || code(&world.judge(&running.get("/trust-bundle").text, &credential, &receipt));
    assert_eq!(judge(), "valid");
    // Nothing to lift: there is no change to name.
    let nothing = change("suspension", false);
    assert_eq!((nothing.status, &nothing.json()["index"]), (200, &Value::Null));
    let suspended = change("suspension", true);
    assert_eq!(suspended.status, 200, "{}", suspended.text);
    assert!(suspended.json()["index"].is_u64() && suspended.json()["published_by"].is_u64());
    assert_eq!(judge(), "status.suspended");
    let again = change("suspension", true);
    assert_eq!((again.status, &again.json()["index"]), (200, &suspended.json()["index"]));
    assert_eq!(change("suspension", false).status, 200);
    assert_eq!(judge(), "valid");
    assert_eq!(change("suspension", true).status, 200);
    let revoked = change("revocation", true);
    assert_eq!(revoked.status, 200);
    assert_eq!(judge(), "status.revoked");
    assert_eq!(change("revocation", true).json()["index"], revoked.json()["index"]);
    for (purpose, set) in [("suspension", false), ("suspension", true), ("revocation", false)] {
        let answer = change(purpose, set);
        assert_eq!((answer.status, answer.code().as_str()), (409, "credential.revoked"), "{purpose} {set}");
    }
    let unknown =
        running.post("/credentials/status", &token, &status_request("urn:uuid:0", "revocation", true));
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "credential.unknown"));
    let mut wrong = status_request(&id, "revocation", true);
    wrong["credentialStatus"]["type"] = "StatusList2021Entry".into();
    assert!(running.post("/credentials/status", &token, &wrong).text.contains("credentialStatus/type"));
    check_published_lists(&world, &running, &payload(&credential));
    running.stop();
}

/// The published files of the list decode, agree, and show this credential revoked and nobody else.
fn check_published_lists(world: &World, running: &Running, claims: &Value) {
    let entry = &claims["credentialStatus"][0];
    let index: usize = entry["statusListIndex"].as_str().unwrap().parse().unwrap();
    let url = entry["statusListCredential"].as_str().unwrap();
    let path = url.strip_prefix(ISSUER).unwrap();
    let rendering = running.get(path);
    assert_eq!(rendering.header("content-type"), Some("application/vc+jwt"));
    assert_eq!(rendering.header("cache-control"), Some("public, max-age=60, stale-if-error=86400"));
    let list = payload(&rendering.text);
    assert_eq!(list["credentialSubject"]["id"], format!("{url}#list"));
    let encoded = list["credentialSubject"]["encodedList"].as_str().unwrap();
    let revoked = decode_bitstring(encoded, 131_072).unwrap();
    let suspension = payload(&running.get(&path.replace("revocation", "suspension")).text);
    let encoded = suspension["credentialSubject"]["encodedList"].as_str().unwrap();
    assert_eq!(decode_bitstring(encoded, 131_072).unwrap(), vec![0; 131_072 / 8]);
    let snapshot = running.get(&path.replace("revocation", "snapshot"));
    let file = SnapshotFile::parse(snapshot.text.as_bytes()).unwrap();
    let bundle = running.get("/trust-bundle").text;
    let (trust, _memory) = Trust::open(bundle.as_bytes(), None, &Memory::default(), world.time()).unwrap();
    let state = file.prove(trust.policy()).unwrap().into_state();
    assert_eq!(state.revocation(), revoked);
    let mut expected = vec![0; 131_072 / 8];
    expected[index / 8] = 0x80 >> (index % 8);
    assert_eq!(revoked, expected);
    let on_disk =
        std::fs::read_to_string(world.path("data/public").join(path.trim_start_matches('/'))).unwrap();
    assert_eq!(on_disk, rendering.text);
}

#[test]
fn keys_rotate_and_old_credentials_stay_valid() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "operator");
    let old = issued(&running.issue(&token, "old", &request("person-1")).json());
    let rotated = running.post("/admin/keys/rotate", &token, &json!({ "algorithm": "EdDSA" }));
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    let rotated = rotated.json();
    assert_eq!(rotated["root_sequence"], 2);
    let new = issued(&running.issue(&token, "new", &request("person-2")).json());
    let kid = |credential: &str| {
        let header = credential.split('.').next().unwrap().as_bytes();
        let header = sillok_verifier::encoding::decode_base64url(header).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
    };
    assert_eq!((&kid(&old.0), &kid(&new.0)), (&rotated["kid"], &rotated["replaced_by"]));
    let bundle = running.get("/trust-bundle").text;
    for (credential, receipt) in [&old, &new] {
        let verdict = world.judge(&bundle, credential, receipt);
        assert!(verdict.admits(), "{verdict}");
    }
    let metadata = running.get("/.well-known/jwt-vc-issuer").json();
    assert_eq!(metadata["issuer"], ISSUER);
    let listed: BTreeSet<&str> =
        metadata["jwks"]["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(listed, [&rotated["kid"], &rotated["replaced_by"]].map(|kid| kid.as_str().unwrap()).into());
    let did = running.get("/.well-known/did.json").json();
    assert_eq!(did["id"], "did:web:health.example");
    assert_eq!(did["verificationMethod"].as_array().unwrap().len(), 4);
    assert_eq!(did["verificationMethod"][0]["type"], "JsonWebKey2020");
    assert_eq!(did["verificationMethod"][1]["type"], "JsonWebKey");
    // What has ended does not end again, and the key that signs is not simply taken away.
    let retire = |kid: &Value| running.post("/admin/keys/retire", &token, &json!({ "kid": kid }));
    assert_eq!(retire(&rotated["kid"]).code(), "key.wrong-state");
    assert_eq!(retire(&rotated["replaced_by"]).code(), "key.wrong-state");
    assert_eq!(retire(&json!("A".repeat(43))).code(), "key.unknown");
    assert_eq!(retire(&json!("short")).code(), "request.malformed");
    running.stop();
    // The new key signs after a restart too.
    let running = world.start();
    let token = world.token(&running, "operator");
    let later = issued(&running.issue(&token, "later", &request("person-3")).json());
    assert_eq!(kid(&later.0), rotated["replaced_by"]);
    assert!(world.judge(&running.get("/trust-bundle").text, &later.0, &later.1).admits());
    running.stop();
}

#[test]
fn a_compromised_key_is_good_below_its_cut_only() {
    let world = World::new();
    let running = world.start();
    let token = world.token(&running, "operator");
    let older = issued(&running.issue(&token, "older", &request("person-1")).json());
    let size = running.registry.as_ref().unwrap().handle().committed().size().0;
    let newer = issued(&running.issue(&token, "newer", &request("person-2")).json());
    let metadata = running.get("/.well-known/jwt-vc-issuer").json();
    let kid = metadata["jwks"]["keys"][0]["kid"].clone();
    let too_far = json!({ "kid": kid, "cut": 1_000_000 });
    assert_eq!(running.post("/admin/keys/compromise", &token, &too_far).code(), "request.malformed");
    let answer = running.post("/admin/keys/compromise", &token, &json!({ "kid": kid, "cut": size }));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_eq!((&answer["kid"], &answer["cut"], &answer["root_sequence"]), (&kid, &json!(size), &json!(2)));
    let bundle = running.get("/trust-bundle").text;
    assert_eq!(code(&world.judge(&bundle, &older.0, &older.1)), "valid");
    assert_eq!(code(&world.judge(&bundle, &newer.0, &newer.1)), "key.compromised");
    let after = issued(&running.issue(&token, "after", &request("person-3")).json());
    assert_eq!(code(&world.judge(&bundle, &after.0, &after.1)), "valid");
    // Others do not know the cut: they do not get the key any more.
    let metadata = running.get("/.well-known/jwt-vc-issuer").json();
    let keys = metadata["jwks"]["keys"].as_array().unwrap();
    assert_eq!(keys.iter().map(|key| &key["kid"]).collect::<Vec<_>>(), [&answer["replaced_by"]]);
    running.stop();
}

#[test]
fn a_slow_body_and_other_methods_are_answered() {
    let world = World::new();
    let mut config = world.config();
    config.limits.deadline = Duration::from_millis(300);
    let running = world.start_with(config);
    let token = world.token(&running, "clinic");
    let mut stream = TcpStream::connect(running.server.address).unwrap();
    let head = format!(
        "POST /credentials/issue HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nidempotency-key: k\r\n\
         content-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The connection may be reset behind the answer: its body was never read.
    drop(stream.read_to_string(&mut answer));
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("request.deadline") && answer.contains("retry-after"), "{answer}");
    let head = running.server.send("HEAD", "/trust-bundle", &[], "");
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("x-content-type-options"), Some("nosniff"));
    let other = running.server.send("PUT", "/trust-bundle", &[], "");
    assert_eq!((other.status, other.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(running.issue(&token, "k", &request("person-1")).status, 201);
    running.stop();
}

#[test]
fn a_demo_token_works_and_everybody_is_warned() {
    let world = World::new();
    let mut config = world.config();
    config.demo_token = Some(DEMO_TOKEN.to_owned().into());
    let running = world.start_with(config);
    assert_eq!(running.issue(DEMO_TOKEN, "k", &request("person-1")).status, 201);
    assert_eq!(running.issue("a-token-for-demonstrations-onlx", "k", &request("person-1")).status, 401);
    let ready = running.get("/readyz");
    assert_eq!(ready.status, 200);
    assert!(ready.json()["warnings"][0].as_str().unwrap().starts_with("DEMO TOKEN IS SET"));
    running.stop();
}

#[test]
fn what_everybody_may_read_is_served() {
    let world = World::new();
    let running = world.start();
    assert_eq!(running.get("/healthz").json()["status"], "ok");
    assert_eq!(running.get("/readyz").json(), json!({ "status": "ready", "problems": [], "warnings": [] }));
    let types = running.get("/types").json();
    assert_eq!(types["types"][0]["name"], "pass");
    assert_eq!(types["types"][1]["name"], "vaccination");
    assert_eq!(types["types"][1]["scope"], "issue:vaccination");
    let context = types["types"][1]["context"].as_str().unwrap().strip_prefix(ISSUER).unwrap();
    let context = running.get(context);
    assert_eq!(context.header("content-type"), Some("application/ld+json"));
    assert!(context.json()["@context"].is_object());
    assert!(running.get("/metrics").text.contains("sillok_issuer_feed_sequence 1"));
    // A feed that has expired is not ready.
    world.wait(2 * 24 * 3_600);
    assert_eq!(running.get("/readyz").status, 503);
    running.stop();
}

#[test]
fn the_description_has_exactly_the_routes() {
    let world = World::new();
    let running = world.start();
    let description = running.get("/openapi.json").json();
    let committed: Value = serde_json::from_str(include_str!("../../specs/openapi/issuer.json")).unwrap();
    assert_eq!(description, committed, "what is served is the committed document");
    let mut described = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((method.clone(), path.clone()));
        }
    }
    let routes: BTreeSet<(String, String)> =
        ROUTES.iter().map(|(method, path)| ((*method).into(), (*path).into())).collect();
    assert_eq!(described, routes);
    for (method, path) in routes {
        // A context has the name of its type, Type Metadata what its credentials say.
        let path = path.replace("/credential-types/{type}", "/credential-types/VaccinationCredential");
        let path = path.replace("{type}", "vaccination");
        let answer = running.server.send(&method.to_uppercase(), &path, &[], "");
        assert_ne!(answer.status, 405, "{method} {path}");
        if !path.contains('{') {
            assert_ne!(answer.status, 404, "{method} {path}");
        }
    }
    running.stop();
}
