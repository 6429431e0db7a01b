//! A log that does not answer in time: the wallet is told to come again, and gets its credential when it does.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

#[path = "support/remote.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod remote;
#[path = "support/wallet.rs"]
mod wallet;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use remote::{Loss, Remote};
use wallet::{Key, ask, error, nonce, obtain, refusal, token};
use world::{Answer, Running, Server, World, payload};

fn serve(world: &World, remote: &Remote) -> Running {
    let issuer = world.open(world.config(), remote.backend(world)).unwrap();
    Running { server: Server::start(&issuer), issuer: Some(issuer), registry: None }
}

fn pick_up(running: &Running, token: &str, transaction: &str) -> Answer {
    running.post("/openid/deferred", token, &json!({ "transaction_id": transaction, "more": 1 }))
}

/// The transaction of an answer that says to come later.
fn waits(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert!(body["interval"].as_u64().is_some_and(|interval| interval > 0), "{body}");
    assert!(body.get("credentials").is_none() && body.get("notification_id").is_none(), "{body}");
    body["transaction_id"].as_str().unwrap().to_owned()
}

/// Asks until it is there. The desk may be at it in this moment.
fn until_obtained(running: &Running, token: &str, transaction: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = pick_up(running, token, transaction);
        if answer.status == 200 {
            return answer.json();
        }
        assert_eq!(waits(&answer), transaction);
        assert!(Instant::now() < deadline, "the credential did not come");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_the_log_does_not_answer_is_picked_up_later_once() {
    let world = World::new();
    let remote = Remote::start(&world);
    let running = serve(&world, &remote);
    let first = token(&world, &running, "person-1");
    let stranger = token(&world, &running, "person-2");
    let keys: Vec<Key> = (1..=2).map(Key::new).collect();
    remote.lose_after(0, Loss::Request);
    let one = nonce(&running);
    let proofs: Vec<String> = keys.iter().map(|key| key.proof(&world, &one)).collect();
    let transaction = waits(&ask(&running, &first, &proofs));
    assert_eq!(waits(&pick_up(&running, &first, &transaction)), transaction);
    assert_eq!(refusal(&pick_up(&running, &stranger, &transaction)), error(400, "invalid_transaction_id"));
    assert_eq!(refusal(&pick_up(&running, "x", &transaction)), error(401, "invalid_token"));
    remote.heal();
    let body = until_obtained(&running, &first, &transaction);
    let credentials = body["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), 2);
    let bundle = running.get("/trust-bundle").text;
    for (item, key) in credentials.iter().zip(&keys) {
        let credential = item["credential"].as_str().unwrap();
        assert_eq!(payload(credential)["cnf"]["jwk"], key.jwk());
        let receipt = STANDARD.decode(item["receipt"].as_str().unwrap()).unwrap();
        assert!(world.judge(&bundle, credential, std::str::from_utf8(&receipt).unwrap()).admits());
    }
    assert_eq!(refusal(&pick_up(&running, &first, &transaction)), error(400, "invalid_transaction_id"));
    for unknown in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(refusal(&pick_up(&running, &first, unknown)), error(400, "invalid_transaction_id"));
    }
    let missing = running.post("/openid/deferred", &first, &json!({}));
    assert_eq!(refusal(&missing), error(400, "invalid_credential_request"));
    let encrypted = json!({ "transaction_id": transaction, "credential_response_encryption": {} });
    let encrypted = running.post("/openid/deferred", &first, &encrypted);
    assert_eq!(refusal(&encrypted), error(400, "invalid_encryption_parameters"));
    assert!(running.get("/metrics").text.contains("sillok_issuer_deferred_total 1"));
    // The credential endpoint has the same bytes.
    let again = obtain(&world, &running, &first, &keys[0]).json();
    assert_eq!(again["credentials"][0]["credential"], credentials[0]["credential"]);
    running.stop();
    remote.stop();
}

#[test]
fn what_waits_outlasts_a_restart_of_the_issuer() {
    let world = World::new();
    let remote = Remote::start(&world);
    let running = serve(&world, &remote);
    let first = token(&world, &running, "person-1");
    remote.lose_after(0, Loss::Answer);
    let transaction = waits(&obtain(&world, &running, &first, &Key::new(1)));
    remote.lose_after(0, Loss::Request);
    running.stop();
    remote.heal();
    let running = serve(&world, &remote);
    let body = until_obtained(&running, &first, &transaction);
    let credential = body["credentials"][0]["credential"].as_str().unwrap();
    assert_eq!(payload(credential)["cnf"]["jwk"], Key::new(1).jwk());
    running.stop();
    remote.stop();
}
