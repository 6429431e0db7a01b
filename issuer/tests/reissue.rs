//! Credentials that were issued are issued anew, by type or by key, for wallets and without.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use sillok_issuer::format::Format;
use sillok_issuer::records::HolderKey;
use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::key::Algorithm;
use sillok_verifier::{Facts, Verdict};

#[path = "support/remote.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod remote;
#[path = "support/world.rs"]
mod world;

use remote::{Loss, Remote};
use world::{DEMO_TOKEN, Running, Server, World, issued, payload, request, status_request};

fn key(seed: u8) -> HolderKey {
    let signer = FileSigner::new(Algorithm::Es256, &[seed; 32]).unwrap();
    HolderKey { key: *signer.public_key(), did: None }
}

fn kid(credential: &str) -> String {
    let header = decode_base64url(credential.split('.').next().unwrap().as_bytes()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn slot(credential: &str) -> String {
    let status = &payload(credential)["credentialStatus"][0];
    format!("{} {}", status["statusListCredential"], status["statusListIndex"])
}

/// The credential of a wallet with this key.
fn obtain(running: &Running, subject: &str, seed: u8) -> (String, String) {
    let core = running.issuer.as_ref().unwrap().core();
    let record = core.find_record(subject, "vaccination").unwrap();
    let obtained = actix_web::rt::System::new()
        .block_on(async move { core.obtain(record, vec![key(seed)], Format::VcJwt).await });
    let issued = obtained.unwrap().credentials.remove(0);
    (issued.credential, issued.receipt)
}

fn put(world: &World, running: &Running, body: &Value) {
    let token = format!("Bearer {}", world.token(running, "clinic"));
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let answer = running.server.send("PUT", "/records", &headers, &body.to_string());
    assert!(answer.status == 200 || answer.status == 201, "{}", answer.text);
}

/// All numbers that are due, page by page.
fn due(running: &Running, token: &str, what: &Value) -> Vec<u64> {
    let (mut numbers, mut body) = (Vec::new(), what.clone());
    loop {
        let page = running.post("/credentials/reissue/due", token, &body);
        assert_eq!(page.status, 200, "{}", page.text);
        let page = page.json();
        numbers.extend(page["numbers"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap()));
        if page["next"].is_null() {
            return numbers;
        }
        body["from"] = page["next"].clone();
        body["before"] = page["before"].clone();
    }
}

fn reissue(running: &Running, token: &str, numbers: &[u64]) -> Vec<Value> {
    let body = json!({ "numbers": numbers, "reason": "the key is old" });
    let answer = running.post("/credentials/reissue", token, &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"].as_array().unwrap().clone()
}

fn admits(world: &World, running: &Running, (credential, receipt): &(String, String)) -> bool {
    world.judge(&running.get("/trust-bundle").text, credential, receipt).admits()
}

fn is_revoked(world: &World, running: &Running, (credential, receipt): &(String, String)) -> bool {
    let verdict = world.judge(&running.get("/trust-bundle").text, credential, receipt);
    format!("{verdict:?}").contains("Revoked")
}

fn publish(running: &Running, token: &str) {
    assert_eq!(running.post("/admin/publish", token, &json!({})).status, 200);
}

//= specs/reissue.md#re-issue
//= type=test
#[test]
fn the_credentials_of_a_key_are_issued_anew_and_wallets_find_the_new_ones() {
    let world = World::new();
    let running = world.start();
    let (clinic, operator) = (world.token(&running, "clinic"), world.token(&running, "operator"));
    // One without a wallet, bound to a key and not, and one of a wallet.
    let plain = issued(&running.issue(&clinic, "a", &request("person-1")).json());
    let mut bound = request("person-2");
    bound["options"]["holderKey"] = serde_json::from_str(&key(7).key.to_jwk_json()).unwrap();
    let bound = issued(&running.issue(&clinic, "b", &bound).json());
    put(&world, &running, &request("person-3"));
    let wallet = obtain(&running, "person-3", 1);
    // What is not valid any more is left as it is.
    let lost = issued(&running.issue(&clinic, "c", &request("person-4")).json());
    let id = payload(&lost.0)["id"].as_str().unwrap().to_owned();
    assert_eq!(
        running.post("/credentials/status", &clinic, &status_request(&id, "suspension", true)).status,
        200
    );
    let old = kid(&plain.0);

    let still = running.post("/credentials/reissue/due", &operator, &json!({ "key": old }));
    assert_eq!(still.code(), "key.wrong-state", "it still signs");
    assert_eq!(running.post("/admin/keys/rotate", &operator, &json!({})).status, 200);
    assert_eq!(due(&running, &operator, &json!({ "key": old })), [0, 1, 2]);
    let results = reissue(&running, &operator, &[0, 1, 2, 3, 99]);
    let status: Vec<u64> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(status, [201, 201, 201, 409, 404]);
    assert_eq!(results[3]["problem"]["code"], "credential.suspended");
    let new: Vec<(String, String)> = results[..3].iter().map(issued).collect();
    for (new, old_one) in new.iter().zip([&plain, &bound, &wallet]) {
        assert_ne!(kid(&new.0), old);
        let (now, then) = (payload(&new.0), payload(&old_one.0));
        assert_eq!(now["credentialSubject"], then["credentialSubject"]);
        assert_eq!(now["cnf"], then["cnf"]);
        assert_eq!(now["type"], then["type"]);
        assert_ne!(now["id"], then["id"]);
        assert_ne!(slot(&new.0), slot(&old_one.0));
    }
    // The wallet finds what has taken its place, and everybody else hears the same again.
    assert_eq!(obtain(&running, "person-3", 1), new[2]);
    let again = reissue(&running, &operator, &[2, 0]);
    assert_eq!((issued(&again[0]), issued(&again[1])), (new[2].clone(), new[0].clone()));
    assert_eq!(again[1]["newNumber"], results[0]["newNumber"]);
    assert!(due(&running, &operator, &json!({ "key": old })).is_empty());

    publish(&running, &operator);
    assert!(new.iter().all(|new| admits(&world, &running, new)));
    assert!([&plain, &bound, &wallet].iter().all(|old| is_revoked(&world, &running, old)));
    let leaves = world.issue_leaves(&running);
    // A restart remembers all of it.
    running.stop();
    let running = world.start();
    let operator = world.token(&running, "operator");
    assert_eq!(issued(&reissue(&running, &operator, &[0])[0]), new[0]);
    assert_eq!(obtain(&running, "person-3", 1), new[2]);
    assert!(due(&running, &operator, &json!({ "key": old })).is_empty());
    assert_eq!(world.issue_leaves(&running), leaves);
    running.stop();
}

#[test]
fn a_type_is_issued_anew_once_and_what_comes_of_it_is_not_due() {
    let world = World::new();
    let running = world.start();
    let (clinic, operator) = (world.token(&running, "clinic"), world.token(&running, "operator"));
    for person in 0..5 {
        running.issue(&clinic, &person.to_string(), &request(&format!("person-{person}")));
    }
    let page = running.post("/credentials/reissue/due", &operator, &json!({ "type": "vaccination" })).json();
    assert_eq!((&page["numbers"], &page["before"]), (&json!([0, 1, 2, 3, 4]), &json!(5)));
    let results = reissue(&running, &operator, &[0, 1, 2]);
    let new: Vec<u64> = results.iter().map(|result| result["newNumber"].as_u64().unwrap()).collect();
    assert_eq!(new, [5, 6, 7]);
    let left = json!({ "type": "vaccination", "from": 0, "before": 5 });
    assert_eq!(due(&running, &operator, &left), [3, 4]);
    // What took the place of something can be replaced in its turn, and all numbers lead to the last.
    let twice = reissue(&running, &operator, &[5]);
    assert_eq!(issued(&reissue(&running, &operator, &[0])[0]), issued(&twice[0]));
    // Nothing is left of what has expired.
    let days = 731;
    world.wait(days * 86_400);
    running.stop();
    let running = world.start();
    let operator = world.token(&running, "operator");
    let expired = &reissue(&running, &operator, &[3])[0];
    assert_eq!(
        (&expired["status"], &expired["problem"]["code"]),
        (&json!(409), &json!("credential.expired"))
    );
    assert!(due(&running, &operator, &json!({ "type": "vaccination" })).is_empty());
    running.stop();
}

#[test]
fn every_form_is_issued_anew_with_all_that_it_says() {
    let world = World::new();
    let running = world.start();
    let (clinic, operator) = (world.token(&running, "clinic"), world.token(&running, "operator"));
    let judge = |(credential, receipt): &(String, String)| match world.judge(
        &running.get("/trust-bundle").text,
        credential,
        receipt,
    ) {
        Verdict::Valid(facts) => facts,
        Verdict::Invalid(reason) | Verdict::Unknown(reason) => panic!("{reason} ({})", reason.code()),
    };
    for (number, format) in (0..).step_by(2).zip(Format::ALL) {
        let mut body = request("person-1");
        body["options"]["format"] = format.name().into();
        body["options"]["holderKey"] = serde_json::from_str(&key(7).key.to_jwk_json()).unwrap();
        if format == Format::JwtVcJson {
            body["options"]["holderDid"] = "did:jwk:eyJrdHkiOiJFQyJ9".into();
        }
        let old = issued(&running.issue(&clinic, format.name(), &body).json());
        let result = reissue(&running, &operator, &[number]).remove(0);
        assert_eq!((&result["status"], &result["newNumber"]), (&json!(201), &json!(number + 1)), "{result}");
        let new = issued(&result);
        let (before, after) = (judge(&old), judge(&new));
        assert_eq!((before.format, after.format), (format, format));
        let subject = |facts: &Facts| {
            let mut text = String::new();
            facts.claims.json().get("credentialSubject").unwrap().push_to(&mut text);
            serde_json::from_str::<Value>(&text).unwrap()
        };
        assert_eq!(subject(&before), subject(&after), "{format}");
        assert_eq!(payload(&old.0)["cnf"], payload(&new.0)["cnf"], "{format}");
        assert_eq!(payload(&old.0)["sub"], payload(&new.0)["sub"], "{format}");
        assert_eq!(result["verifiableCredential"]["id"].as_str().unwrap().split_once(',').unwrap().1, new.0);
    }
    running.stop();
}

/// It would have lost what its client said around the claims, and the whole one would have been revoked.
#[test]
fn a_document_that_was_brought_whole_is_left_as_it_is() {
    let world = World::new();
    std::fs::create_dir(world.path("types")).unwrap();
    let kind = json!({
        "name": "open", "type": "OpenDocument", "validity_days": 30, "context": {}, "schema": {}, "open": true,
        "display": { "en": { "name": "open", "description": "any document" } },
    });
    std::fs::write(world.path("types/open.json"), kind.to_string()).unwrap();
    let mut config = world.config();
    config.demo_token = Some(DEMO_TOKEN.to_owned().into());
    let running = world.start_with(config);
    for (number, own) in [(0, "OpenDocument"), (1, "VaccinationCredential")] {
        let mut body = request("person-1");
        body["options"]["type"] = "open".into();
        let vocabulary = json!({ "@vocab": "https://terms.example/" });
        body["credential"]["@context"] = json!(["https://www.w3.org/ns/credentials/v2", vocabulary]);
        body["credential"]["type"][1] = own.into();
        body["credential"]["description"] = "of the client".into();
        let answer = running.issue(DEMO_TOKEN, own, &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        let old = issued(&answer.json());
        assert_eq!(payload(&old.0)["description"], "of the client");
        let result = reissue(&running, DEMO_TOKEN, &[number]).remove(0);
        assert_eq!(
            (&result["status"], &result["problem"]["code"]),
            (&json!(422), &json!("credential.refused"))
        );
        publish(&running, DEMO_TOKEN);
        assert!(admits(&world, &running, &old));
    }
    for name in ["open", "vaccination"] {
        assert!(due(&running, DEMO_TOKEN, &json!({ "type": name })).is_empty());
    }
    running.stop();
}

#[test]
fn only_an_administrator_issues_anew_and_only_numbers() {
    let world = World::new();
    let running = world.start();
    let (clinic, operator) = (world.token(&running, "clinic"), world.token(&running, "operator"));
    for path in ["/credentials/reissue", "/credentials/reissue/due"] {
        assert_eq!(running.post(path, &clinic, &json!({})).code(), "scope.insufficient");
        for body in [json!({}), json!([]), json!({ "numbers": [], "type": 7 }), json!({ "another": 1 })] {
            assert_eq!(running.post(path, &operator, &body).code(), "request.malformed", "{path} {body}");
        }
    }
    for numbers in [json!([-1]), json!(["1"]), json!([[1]]), json!((0..101).collect::<Vec<_>>())] {
        let body = json!({ "numbers": numbers });
        assert_eq!(
            running.post("/credentials/reissue", &operator, &body).code(),
            "request.malformed",
            "{body}"
        );
    }
    let due = |body: Value| running.post("/credentials/reissue/due", &operator, &body).code();
    assert_eq!(due(json!({ "type": "another" })), "type.unknown");
    assert_eq!(due(json!({ "type": "vaccination", "key": "A" })), "request.malformed");
    assert_eq!(due(json!({ "key": "A" })), "request.malformed");
    assert_eq!(due(json!({ "type": "vaccination", "from": "0" })), "request.malformed");
    running.stop();
}

fn serve(world: &World, remote: &Remote) -> Running {
    let issuer = world.open(world.config(), remote.backend(world)).unwrap();
    Running { server: Server::start(&issuer), issuer: Some(issuer), registry: None }
}

/// Slots of all credentials over batches, re-issue, lost answers and restarts: none twice, and in no order.
//= specs/status.md#slots
//= type=test
#[test]
fn no_slot_is_given_twice_over_batches_reissue_and_crashes() {
    let world = World::new();
    let remote = Remote::start(&world);
    let (mut slots, mut indexes) = (HashMap::new(), Vec::new());
    let mut remember = |credential: &str| {
        let index =
            payload(credential)["credentialStatus"][0]["statusListIndex"].as_str().unwrap().to_owned();
        if slots.insert(slot(credential), payload(credential)["id"].clone()).is_none() {
            indexes.push(index.parse::<u32>().unwrap());
        }
    };
    let mut numbers: HashSet<u64> = HashSet::new();
    for round in 0..4_u8 {
        let running = serve(&world, &remote);
        let (clinic, operator) = (world.token(&running, "clinic"), world.token(&running, "operator"));
        let requests: Vec<Value> = (0..20)
            .map(|one| {
                let mut item = request(&format!("person-{round}-{one}"));
                item["idempotencyKey"] = format!("{round}-{one}").into();
                item
            })
            .collect();
        let batch =
            running.post("/credentials/issue/batch", &clinic, &json!({ "requests": requests })).json();
        batch["results"].as_array().unwrap().iter().for_each(|result| remember(&issued(result).0));
        put(&world, &running, &request(&format!("holder-{round}")));
        remember(&obtain(&running, &format!("holder-{round}"), 50 + round).0);
        let due = due(&running, &operator, &json!({ "type": "vaccination" }));
        numbers.extend(&due);
        // Some are re-issued before the log goes away in the middle of others.
        let first = reissue(&running, &operator, &due[..7]);
        first.iter().for_each(|result| remember(&issued(result).0));
        remote.lose_after(0, if round % 2 == 0 { Loss::Request } else { Loss::Answer });
        let lost = reissue(&running, &operator, &due[7..15]);
        assert!(lost.iter().all(|result| result["status"] == 503), "{lost:?}");
        running.stop();
        remote.heal();
        let running = serve(&world, &remote);
        let operator = world.token(&running, "operator");
        // What was under way is found, with one slot for each.
        for result in reissue(&running, &operator, &due[..15]) {
            assert_eq!(result["status"], 201, "{result}");
            remember(&issued(&result).0);
        }
        running.stop();
    }
    // 80 at once, 4 of wallets, and 15 anew in each round.
    assert_eq!(indexes.len(), 80 + 4 + 60);
    let ids: HashSet<String> = slots.values().map(ToString::to_string).collect();
    assert_eq!(ids.len(), slots.len());
    let rising = indexes.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!(
        (indexes.len() / 4..indexes.len() * 3 / 4).contains(&rising),
        "{rising} of {} rise",
        indexes.len()
    );
    remote.stop();
}
