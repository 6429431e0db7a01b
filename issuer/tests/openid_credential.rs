//! Credentials for wallets: for one key and for several, and every refusal by its name.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_verifier::Verdict;
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::key::{Algorithm, PublicKey};

#[path = "support/wallet.rs"]
mod wallet;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use wallet::{CONFIGURATION, Key, ask, code, error, nonce, obtain, offer, redeem, refusal, token};
use world::{ISSUER, Running, World, payload};

/// Credential and receipt of an item of an answer.
fn item(answer: &Value, position: usize) -> (String, String) {
    let item = &answer["credentials"][position];
    let credential = item["credential"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    let receipt = STANDARD.decode(item["receipt"].as_str().unwrap()).unwrap();
    (credential, String::from_utf8(receipt).unwrap())
}

#[test]
fn a_wallet_obtains_a_credential_for_its_key_that_verifies_with_its_receipt() {
    let world = World::new();
    let running = world.start();
    let token = token(&world, &running, "person-1");
    let key = Key::new(1);
    let answer = obtain(&world, &running, &token, &key);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (credential, receipt) = item(&answer.json(), 0);
    let claims = payload(&credential);
    assert_eq!(claims["cnf"]["jwk"], key.jwk());
    assert_eq!(claims["credentialSubject"]["familyName"], "Hong");
    let bundle = running.get("/trust-bundle").text;
    assert!(matches!(world.judge(&bundle, &credential, &receipt), Verdict::Valid(_)));
    running.stop();
}

#[test]
fn an_unchanged_record_gives_the_same_bytes_to_the_same_key_and_a_changed_one_others() {
    let world = World::new();
    let running = world.start();
    let token = token(&world, &running, "person-1");
    let first = obtain(&world, &running, &token, &Key::new(1));
    world.wait(1_000);
    let again = obtain(&world, &running, &token, &Key::new(1));
    assert_eq!(first.text, again.text);
    assert_eq!(first.header("etag"), again.header("etag"));
    let etag = first.header("etag").unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    running.stop();
    let running = world.start();
    assert_eq!(obtain(&world, &running, &token, &Key::new(1)).text, first.text);
    let mut changed = world::request("person-1");
    let dose = json!({ "number": 2, "date": "2026-06-01", "vaccine": "BNT162b2" });
    changed["credential"]["credentialSubject"]["doses"].as_array_mut().unwrap().push(dose);
    let put = running.post("/offers", &world.token(&running, "clinic"), &changed);
    assert_eq!(put.status, 201, "{}", put.text);
    let newer = obtain(&world, &running, &token, &Key::new(1));
    assert_eq!(newer.status, 200, "{}", newer.text);
    assert_ne!(newer.header("etag"), first.header("etag"));
    let claims = payload(&item(&newer.json(), 0).0);
    assert_eq!(claims["credentialSubject"]["doses"].as_array().unwrap().len(), 2);
    running.stop();
}

#[test]
fn a_batch_gives_each_key_a_credential_of_its_own() {
    let world = World::new();
    let running = world.start();
    let token = token(&world, &running, "person-1");
    let keys: Vec<Key> = (1..=10).map(Key::new).collect();
    let one = nonce(&running);
    let proofs: Vec<String> = keys.iter().map(|key| key.proof(&world, &one)).collect();
    let answer = ask(&running, &token, &proofs);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["credentials"].as_array().unwrap().len(), keys.len());
    let mut slots = BTreeSet::new();
    for (position, key) in keys.iter().enumerate() {
        let claims = payload(&item(&body, position).0);
        assert_eq!(claims["cnf"]["jwk"], key.jwk(), "{position}");
        slots.insert(claims["credentialStatus"][0]["statusListIndex"].as_str().unwrap().to_owned());
    }
    assert_eq!(slots.len(), keys.len(), "each has its own place in the status list");
    // The nonce was used, by the request and not by a proof.
    let proof = Key::new(11).proof(&world, &one);
    assert_eq!(refusal(&ask(&running, &token, &[proof])), error(400, "invalid_nonce"));
    let fresh = nonce(&running);
    let proofs: Vec<String> = (1..=11).map(|seed| Key::new(seed).proof(&world, &fresh)).collect();
    assert_eq!(refusal(&ask(&running, &token, &proofs)), error(400, "invalid_proof"));
    let twice = [Key::new(20).proof(&world, &fresh), Key::new(20).proof(&world, &fresh)];
    let refused = ask(&running, &token, &twice);
    assert_eq!(refusal(&refused), error(400, "invalid_proof"));
    assert!(refused.text.contains("key of another proof"), "{}", refused.text);
    // What was refused used nothing up.
    assert_eq!(ask(&running, &token, &[Key::new(20).proof(&world, &fresh)]).status, 200);
    running.stop();
}

#[test]
fn a_key_may_be_named_by_a_did_that_holds_it() {
    let world = World::new();
    let running = world.start();
    let token = token(&world, &running, "person-1");
    let key = Key::new(1);
    let did = format!("did:jwk:{}", encode_base64url(key.jwk().to_string().as_bytes()));
    let named = |kid: String| {
        move |header: &mut Value, _claims: &mut Value| {
            header.as_object_mut().unwrap().remove("jwk");
            header["kid"] = kid.into();
        }
    };
    let proof = key.proof_but(&world, &nonce(&running), named(format!("{did}#0")));
    let answer = ask(&running, &token, &[proof]);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(payload(&item(&answer.json(), 0).0)["cnf"]["jwk"], key.jwk());
    let key = Key(FileSigner::new(Algorithm::EdDsa, &[2; 32]).unwrap());
    let PublicKey::Ed25519(public) = key.0.public_key() else { panic!("an Ed25519 key") };
    let name = format!("z{}", base58(&[&[0xed, 0x01], public.to_bytes().as_slice()].concat()));
    let proof = key.proof_but(&world, &nonce(&running), named(format!("did:key:{name}#{name}")));
    let answer = ask(&running, &token, &[proof]);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(payload(&item(&answer.json(), 0).0)["cnf"]["jwk"], key.jwk());
    // A key that is not the DID's.
    let proof = Key::new(3).proof_but(&world, &nonce(&running), named(format!("{did}#0")));
    assert_eq!(refusal(&ask(&running, &token, &[proof])), error(400, "invalid_proof"));
    running.stop();
}

/// A wallet's DID stands in the form that names its holder by one; a bare key has no place there.
#[test]
fn each_form_is_bound_in_its_own_way() {
    let world = World::new();
    let running = world.start();
    let clinic = world.token(&running, "clinic");
    for (seed, format) in [(1, "dc+sd-jwt"), (2, "jwt_vc_json"), (3, "vc+sd-jwt"), (4, "vc+jwt")] {
        let offered = offer(&running, &clinic, "person-1", &json!({ "formats": [format] }));
        let token = wallet::access(&running, &code(&offered));
        let key = Key::new(seed);
        let did = format!("did:jwk:{}", encode_base64url(key.jwk().to_string().as_bytes()));
        let configuration = format!("VaccinationCredential_{format}");
        let ask = |proof: String| {
            let body = json!({ "credential_configuration_id": configuration, "proofs": { "jwt": [proof] } });
            running.post("/openid/credential", &token, &body)
        };
        if format == "jwt_vc_json" {
            let bare = ask(key.proof(&world, &nonce(&running)));
            assert_eq!(refusal(&bare), error(400, "invalid_proof"));
        }
        let proof = key.proof_but(&world, &nonce(&running), |header, _claims| {
            header.as_object_mut().unwrap().remove("jwk");
            header["kid"] = format!("{did}#0").into();
        });
        let answer = ask(proof);
        assert_eq!(answer.status, 200, "{format}: {}", answer.text);
        let (credential, receipt) = item(&answer.json(), 0);
        let claims = payload(&credential);
        if format == "jwt_vc_json" {
            assert_eq!(claims["sub"], did);
        } else {
            assert_eq!(claims["cnf"]["jwk"], key.jwk(), "{format}");
        }
        assert_eq!(credential.contains('~'), format.contains("sd-jwt"), "{format}");
        let verdict = world.judge(&running.get("/trust-bundle").text, &credential, &receipt);
        assert!(verdict.admits(), "{format}: {verdict:?}");
        // Another configuration than the offered one.
        let proof = key.proof(&world, &nonce(&running));
        let other = if format == "vc+jwt" { "VaccinationCredential_vc+sd-jwt" } else { CONFIGURATION };
        let body = json!({ "credential_configuration_id": other, "proofs": { "jwt": [proof] } });
        let answer = running.post("/openid/credential", &token, &body);
        assert_eq!(refusal(&answer), error(403, "insufficient_scope"), "{format}");
    }
    running.stop();
}

fn base58(bytes: &[u8]) -> String {
    let alphabet = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits = vec![0_u32];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    digits.iter().rev().map(|digit| char::from(alphabet[*digit as usize])).collect()
}

type Change = Box<dyn FnOnce(&mut Value, &mut Value)>;

/// What makes a proof a bad one, and what the refusal names.
fn bad_changes(key: &Key, now: u64) -> Vec<(&'static str, Change)> {
    let header =
        |name: &'static str, value: Value| -> Change { Box::new(move |header, _| header[name] = value) };
    let claim =
        |name: &'static str, value: Value| -> Change { Box::new(move |_, claims| claims[name] = value) };
    let without = |name: &'static str| -> Change {
        Box::new(move |header, claims| {
            header.as_object_mut().unwrap().remove(name);
            claims.as_object_mut().unwrap().remove(name);
        })
    };
    let private = {
        let mut jwk = key.jwk();
        jwk["d"] = "AAAA".into();
        jwk
    };
    vec![
        ("typ", header("typ", "JWT".into())),
        ("typ", header("typ", "vc+jwt".into())),
        ("typ", without("typ")),
        ("alg", header("alg", "none".into())),
        ("alg", header("alg", "HS256".into())),
        ("alg", header("alg", "EdDSA".into())),
        ("crit", header("crit", json!(["iat"]))),
        ("exactly one", header("kid", "did:jwk:e30#0".into())),
        ("exactly one", header("x5c", json!(["AAAA"]))),
        ("exactly one", without("jwk")),
        ("private key", header("jwk", private)),
        ("jwk", header("jwk", json!({ "kty": "RSA", "n": "AQ", "e": "AQAB" }))),
        ("signature", header("jwk", Key::new(2).jwk())),
        ("aud", claim("aud", "https://elsewhere.example".into())),
        ("aud", claim("aud", json!([ISSUER]))),
        ("aud", without("aud")),
        ("iat", claim("iat", (now + 61).into())),
        ("iat", claim("iat", (now - 361).into())),
        ("iat", claim("iat", "now".into())),
        ("iat", without("iat")),
        ("iss", claim("iss", "wallet".into())),
        ("nonce", without("nonce")),
        ("nonce", claim("nonce", 7.into())),
    ]
}

#[test]
fn a_proof_that_is_not_good_is_refused_by_its_name_and_uses_nothing_up() {
    let world = World::new();
    let running = world.start();
    let token = token(&world, &running, "person-1");
    let (key, now) = (Key::new(1), world.time().0);
    let fresh = nonce(&running);
    for (place, change) in bad_changes(&key, now) {
        let answer = ask(&running, &token, &[key.proof_but(&world, &fresh, change)]);
        assert_eq!(refusal(&answer), error(400, "invalid_proof"), "{place}: {}", answer.text);
        assert!(answer.text.contains(place), "{} does not name {place}", answer.text);
    }
    let good = key.proof(&world, &fresh);
    let x5c = key.proof_but(&world, &fresh, |header, _| {
        header.as_object_mut().unwrap().remove("jwk");
        header["x5c"] = json!(["AAAA"]);
    });
    let long = key.proof_but(&world, &fresh, |header, _| header["more"] = "x".repeat(4_000).into());
    for damaged in [&good[..good.len() - 2], &good.replace('.', ""), "a.b.c", "", &x5c, &long] {
        assert_eq!(
            refusal(&ask(&running, &token, &[damaged.into()])),
            error(400, "invalid_proof"),
            "{damaged}"
        );
    }
    for nonce in ["", "made-up", &fresh[1..], &format!("{fresh}A")] {
        let answer = ask(&running, &token, &[key.proof(&world, nonce)]);
        assert_eq!(refusal(&answer), error(400, "invalid_nonce"), "{nonce}");
    }
    // Members that say nothing are let pass.
    let good = key.proof_but(&world, &fresh, |header, claims| {
        header["jwk"]["kid"] = "key-1".into();
        header["jwk"]["use"] = "sig".into();
        header["more"] = json!({ "a": [1] });
        claims["exp"] = (now + 60).into();
    });
    assert_eq!(ask(&running, &token, std::slice::from_ref(&good)).status, 200);
    // The same request again: its nonce was used.
    assert_eq!(refusal(&ask(&running, &token, &[good])), error(400, "invalid_nonce"));
    running.stop();
}

#[test]
fn a_nonce_expires_and_does_not_outlast_a_restart() {
    let world = World::new();
    let running = world.start();
    let token = token(&world, &running, "person-1");
    let (key, old) = (Key::new(1), nonce(&running));
    world.wait(300);
    assert_eq!(refusal(&ask(&running, &token, &[key.proof(&world, &old)])), error(400, "invalid_nonce"));
    let before = nonce(&running);
    running.stop();
    let running = world.start();
    assert_eq!(refusal(&ask(&running, &token, &[key.proof(&world, &before)])), error(400, "invalid_nonce"));
    assert_eq!(obtain(&world, &running, &token, &key).status, 200);
    running.stop();
}

#[test]
fn a_wallet_that_says_who_it_is_may_say_so_in_its_proofs() {
    let world = World::new();
    let running = world.start();
    let clinic = world.token(&running, "clinic");
    let made = code(&offer(&running, &clinic, "person-1", &json!({})));
    let granted = redeem(&running, &made, "&client_id=wallet-1");
    let token = granted.json()["access_token"].as_str().unwrap().to_owned();
    let key = Key::new(1);
    for (issuer, status) in [("wallet-1", 200), ("wallet-2", 400)] {
        let proof = key.proof_but(&world, &nonce(&running), |_, claims| claims["iss"] = issuer.into());
        assert_eq!(ask(&running, &token, &[proof]).status, status, "{issuer}");
    }
    assert_eq!(obtain(&world, &running, &token, &key).status, 200);
    running.stop();
}

#[test]
fn a_request_that_is_not_one_is_refused_by_its_name() {
    let world = World::new();
    let running = world.start();
    let token = token(&world, &running, "person-1");
    let proof = || json!({ "jwt": [Key::new(1).proof(&world, &nonce(&running))] });
    let cases = [
        (json!({ "proofs": proof() }), "invalid_credential_request"),
        (
            json!({ "credential_configuration_id": CONFIGURATION, "credential_identifier": "x", "proofs": proof() }),
            "invalid_credential_request",
        ),
        (json!({ "credential_configuration_id": 7, "proofs": proof() }), "invalid_credential_request"),
        (json!([]), "invalid_credential_request"),
        (json!({ "credential_identifier": "x", "proofs": proof() }), "unknown_credential_identifier"),
        (
            json!({ "credential_configuration_id": "Degree_vc+jwt", "proofs": proof() }),
            "unknown_credential_configuration",
        ),
        (json!({ "credential_configuration_id": CONFIGURATION }), "invalid_proof"),
        (
            json!({ "credential_configuration_id": CONFIGURATION, "proof": { "proof_type": "jwt" } }),
            "invalid_proof",
        ),
        (json!({ "credential_configuration_id": CONFIGURATION, "proofs": [] }), "invalid_proof"),
        (json!({ "credential_configuration_id": CONFIGURATION, "proofs": {} }), "invalid_proof"),
        (json!({ "credential_configuration_id": CONFIGURATION, "proofs": { "jwt": [] } }), "invalid_proof"),
        (json!({ "credential_configuration_id": CONFIGURATION, "proofs": { "jwt": [7] } }), "invalid_proof"),
        (
            json!({ "credential_configuration_id": CONFIGURATION, "proofs": { "di_vp": [{}] } }),
            "invalid_proof",
        ),
        (
            json!({ "credential_configuration_id": CONFIGURATION, "proofs": { "jwt": ["a"], "di_vp": [{}] } }),
            "invalid_proof",
        ),
        (
            json!({
                "credential_configuration_id": CONFIGURATION, "proofs": proof(),
                "credential_response_encryption": { "jwk": {}, "enc": "A256GCM" },
            }),
            "invalid_encryption_parameters",
        ),
    ];
    for (body, name) in cases {
        let answer = running.post("/openid/credential", &token, &body);
        assert_eq!(refusal(&answer), error(400, name), "{body}");
    }
    // Unknown members are ignored.
    let body = json!({ "credential_configuration_id": CONFIGURATION, "proofs": proof(), "more": [{}] });
    assert_eq!(running.post("/openid/credential", &token, &body).status, 200);
    let metrics = running.get("/metrics").text;
    assert!(metrics.contains("sillok_issuer_wallet_refused_total{error=\"invalid_proof\"} 8"), "{metrics}");
    running.stop();
}

#[test]
fn only_the_token_of_an_offer_gets_what_was_offered() {
    let world = World::new();
    let running = world.start();
    let key = Key::new(1);
    for token in ["", "x", "sillok_wallet_", "sillok_wallet_AAAA"] {
        let answer = obtain(&world, &running, token, &key);
        assert_eq!(refusal(&answer), error(401, "invalid_token"), "{token}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    let bare =
        running.server.send("POST", "/openid/credential", &[("content-type", "application/json")], "{}");
    assert_eq!(refusal(&bare), error(401, "invalid_token"));
    // One person's key is nobody else's.
    let first = token(&world, &running, "person-1");
    assert_eq!(obtain(&world, &running, &first, &key).status, 200);
    let second = token(&world, &running, "person-2");
    assert_eq!(refusal(&obtain(&world, &running, &second, &key)), error(400, "invalid_proof"));
    running.stop();
}

#[test]
fn hostile_shapes_are_the_wallets_fault() {
    let world = World::new();
    let running = world.start();
    let token = token(&world, &running, "person-1");
    let deep = "[".repeat(10_000);
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(100_000));
    let bodies = [
        "",
        "null",
        "{",
        "{\"a\":1,\"a\":2}",
        "\u{0}",
        "1e999",
        "[1.5]",
        &deep,
        &long,
        "{\"transaction_id\":7}",
        "{\"notification_id\":[]}",
        "{\"credential_configuration_id\":null}",
    ];
    for place in ["/openid/credential", "/openid/deferred", "/openid/notification"] {
        let bad = if place.ends_with("notification") {
            "invalid_notification_request"
        } else {
            "invalid_credential_request"
        };
        for body in bodies {
            let answer = running.server.post(place, &token, &[], body);
            assert_eq!(refusal(&answer), error(400, bad), "{place} {body:.40}");
        }
        let bearer = format!("Bearer {token}");
        for media in ["application/jwt", "text/plain", "application/x-www-form-urlencoded"] {
            let headers = [("authorization", bearer.as_str()), ("content-type", media)];
            let answer = running.server.send("POST", place, &headers, "{}");
            assert_eq!(refusal(&answer), error(400, bad), "{place} {media}");
        }
    }
    for header in ["Bearer", "Basic eDp5", "Bearer  "] {
        let headers = [("authorization", header), ("content-type", "application/json")];
        let answer = running.server.send("POST", "/openid/credential", &headers, "{}");
        assert_eq!(refusal(&answer), error(401, "invalid_token"), "{header}");
    }
    running.stop();
}

#[test]
fn a_wallet_tells_what_it_did_and_may_tell_it_again() {
    let world = World::new();
    let running = world.start();
    let first = token(&world, &running, "person-1");
    let answer = obtain(&world, &running, &first, &Key::new(1)).json();
    let id = answer["notification_id"].as_str().unwrap();
    let tell =
        |running: &Running, token: &str, body: &Value| running.post("/openid/notification", token, body);
    for _time in 0..2 {
        for event in ["credential_accepted", "credential_deleted", "credential_failure"] {
            let body =
                json!({ "notification_id": id, "event": event, "event_description": "as it was", "more": 1 });
            let told = tell(&running, &first, &body);
            assert_eq!((told.status, told.text.as_str()), (204, ""), "{event}");
        }
    }
    let metrics = running.get("/metrics").text;
    for event in ["credential_accepted", "credential_deleted", "credential_failure"] {
        let line = format!("sillok_issuer_notifications_total{{event=\"{event}\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
    let second = token(&world, &running, "person-2");
    for (token, id) in [(&second, id), (&first, "made-up"), (&first, "")] {
        let told = tell(&running, token, &json!({ "notification_id": id, "event": "credential_accepted" }));
        assert_eq!(refusal(&told), error(400, "invalid_notification_id"), "{id}");
    }
    for wrong in [
        json!({ "notification_id": id }),
        json!({ "notification_id": id, "event": "credential_lost" }),
        json!({ "notification_id": id, "event": "credential_accepted", "event_description": 7 }),
        json!({ "event": "credential_accepted" }),
    ] {
        let told = tell(&running, &first, &wrong);
        assert_eq!(refusal(&told), error(400, "invalid_notification_request"), "{wrong}");
    }
    assert_eq!(refusal(&tell(&running, "x", &json!({}))), error(401, "invalid_token"));
    running.stop();
}
