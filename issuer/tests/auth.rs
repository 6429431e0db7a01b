//! Tokens: what a client must show to get one, and what one allows.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use serde_json::{Value, json};
use sillok_issuer::sign::Signer as _;

#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use world::{Answer, ISSUER, Running, World, client, request, status_request, token_form};

/// The error of RFC 6749 section 5.2.
fn denied(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert!(!body["error_description"].as_str().unwrap().is_empty());
    (answer.status, body["error"].as_str().unwrap().to_owned())
}

fn invalid_client() -> (u16, String) {
    (401, "invalid_client".into())
}

fn ask(world: &World, running: &Running, change: impl FnOnce(&mut Value, &mut Value)) -> Answer {
    running.ask_token(&token_form(&world.assertion(&client("clinic", 11), change), ""))
}

#[test]
fn a_client_with_its_key_gets_a_token() {
    let world = World::new();
    let running = world.start();
    let answer = ask(&world, &running, |_, _| {});
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(body["scope"], "issue:vaccination status");
    let metadata = running.get("/.well-known/oauth-authorization-server").json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["token_endpoint"], format!("{ISSUER}/oauth/token"));
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["private_key_jwt", "none"]));
    // What RFC 7523 leaves open.
    type Change = fn(&mut Value, &mut Value);
    let allowed: [Change; 5] = [
        |header, _| drop(header.as_object_mut().unwrap().remove("typ")),
        |header, _| header["typ"] = "client-authentication+jwt".into(),
        |header, _| header["kid"] = "whatever".into(),
        |_, claims| claims["aud"] = ISSUER.into(),
        |_, claims| claims["aud"] = json!(["https://elsewhere.example", ISSUER]),
    ];
    for (position, change) in allowed.into_iter().enumerate() {
        let answer = ask(&world, &running, change);
        assert_eq!(answer.status, 200, "{position}: {}", answer.text);
    }
    running.stop();
}

#[test]
fn an_assertion_that_is_not_good_is_refused() {
    let world = World::new();
    world.wait(100);
    let running = world.start();
    let now = world.time().0;
    world.wait(1);
    type Change = Box<dyn FnOnce(&mut Value, &mut Value)>;
    let claim =
        |name: &'static str, value: Value| -> Change { Box::new(move |_, claims| claims[name] = value) };
    let header =
        |name: &'static str, value: Value| -> Change { Box::new(move |header, _| header[name] = value) };
    let cases: Vec<(&str, Change)> = vec![
        ("aud", claim("aud", "https://elsewhere.example".into())),
        ("aud", claim("aud", json!({}))),
        ("expired", claim("exp", now.into())),
        ("lives longer", claim("exp", (now + 1_000).into())),
        ("future", claim("iat", (now + 3_600).into())),
        ("before this service started", claim("iat", (now - 1).into())),
        ("iss and sub", claim("iss", "operator".into())),
        ("jti", claim("jti", "".into())),
        ("jti", claim("jti", "x".repeat(257).into())),
        ("exp", claim("exp", "soon".into())),
        ("typ", header("typ", "vc+jwt".into())),
        ("alg", header("alg", "none".into())),
        ("alg", header("alg", "HS256".into())),
        ("not signed by a known client", header("alg", "EdDSA".into())),
        ("crit", header("crit", json!(["exp"]))),
        ("jwk", header("jwk", json!({}))),
    ];
    for (place, change) in cases {
        let answer = ask(&world, &running, change);
        assert_eq!(denied(&answer), invalid_client(), "{place}");
        assert!(answer.text.contains(place), "{} does not name {place}", answer.text);
    }
    // An unknown client and a wrong key hear the same.
    let stranger = running.ask_token(&token_form(&world.assertion(&client("nobody", 11), |_, _| {}), ""));
    let impostor = running.ask_token(&token_form(&world.assertion(&client("clinic", 12), |_, _| {}), ""));
    assert_eq!(denied(&stranger), invalid_client());
    assert_eq!(stranger.text, impostor.text);
    let good = world.assertion(&client("clinic", 11), |_, _| {});
    for damaged in
        [good[..good.len() - 2].to_owned(), good.replace('.', ""), format!("{good}."), "a.b.c".into()]
    {
        assert_eq!(denied(&running.ask_token(&token_form(&damaged, ""))), invalid_client());
    }
    assert_eq!(running.ask_token(&token_form(&good, "")).status, 200);
    running.stop();
}

#[test]
fn an_assertion_is_used_once_over_restarts_too() {
    let world = World::new();
    let running = world.start();
    let assertion =
        world.assertion(&client("clinic", 11), |_, claims| claims["exp"] = (world.time().0 + 250).into());
    // A request that fails otherwise uses nothing up.
    let wrong_scope = running.ask_token(&token_form(&assertion, "&scope=admin"));
    assert_eq!(denied(&wrong_scope), (400, "invalid_scope".into()));
    assert_eq!(running.ask_token(&token_form(&assertion, "")).status, 200);
    let again = running.ask_token(&token_form(&assertion, ""));
    assert_eq!(denied(&again), invalid_client());
    assert!(again.text.contains("used before"));
    running.stop();
    world.wait(5);
    let running = world.start();
    assert_eq!(denied(&running.ask_token(&token_form(&assertion, ""))), invalid_client());
    running.stop();
}

#[test]
fn a_token_request_has_a_form() {
    let world = World::new();
    let running = world.start();
    let assertion = world.assertion(&client("clinic", 11), |_, _| {});
    let good = token_form(&assertion, "");
    let cases = [
        (String::new(), 400, "invalid_request"),
        (good.replace("client_credentials", "password"), 400, "unsupported_grant_type"),
        (good.replace("jwt-bearer", "saml2-bearer"), 401, "invalid_client"),
        (good.replace("client_assertion=", "assertion="), 401, "invalid_client"),
        (format!("{good}&grant_type=client_credentials"), 400, "invalid_request"),
        (format!("{good}&client_id=operator"), 401, "invalid_client"),
        (format!("{good}&{}", "x".repeat(20_000)), 400, "invalid_request"),
    ];
    for (form, status, error) in cases {
        assert_eq!(denied(&running.ask_token(&form)), (status, error.to_owned()), "{form:.60}");
    }
    let json = running.server.send("POST", "/oauth/token", &[("content-type", "application/json")], &good);
    assert_eq!(denied(&json), (400, "invalid_request".into()));
    // Unknown parameters are ignored.
    assert_eq!(running.ask_token(&format!("{good}&client_id=clinic&resource=x")).status, 200);
    running.stop();
}

#[test]
fn a_token_allows_what_it_says_and_no_longer_than_it_says() {
    let world = World::new();
    let running = world.start();
    let reader = world.token(&running, "reader");
    let answer = running.issue(&reader, "k", &request("person-1"));
    assert_eq!((answer.status, answer.code().as_str()), (403, "scope.insufficient"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("issue:vaccination"));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
    let mut item = request("person-1");
    item["idempotencyKey"] = "k".into();
    let batch = running.post("/credentials/issue/batch", &reader, &json!({ "requests": [item] }));
    assert_eq!(batch.json()["results"][0]["problem"]["code"], "scope.insufficient");
    // A token for less than the client may do.
    let assertion = world.assertion(&client("clinic", 11), |_, _| {});
    let narrow = running.ask_token(&token_form(&assertion, "&scope=status")).json();
    assert_eq!(narrow["scope"], "status");
    let narrow = narrow["access_token"].as_str().unwrap().to_owned();
    assert_eq!(running.issue(&narrow, "k", &request("person-1")).code(), "scope.insufficient");
    assert_eq!(
        running.post("/credentials/status", &narrow, &status_request("x", "revocation", true)).status,
        404
    );
    for path in ["/admin/keys/rotate", "/admin/keys/retire", "/admin/keys/compromise", "/admin/publish"] {
        assert_eq!(running.post(path, &narrow, &json!({})).code(), "scope.insufficient", "{path}");
    }
    let editor = world.token(&running, "edwards");
    assert_eq!(
        running.post("/credentials/status", &editor, &status_request("x", "revocation", true)).status,
        403
    );
    let none =
        running.server.send("POST", "/credentials/issue", &[("content-type", "application/json")], "{}");
    assert_eq!((none.status, none.code().as_str()), (401, "token.missing"));
    assert_eq!(none.header("www-authenticate"), Some("Bearer"));
    for forged in ["x", "sillok_e30.e30", &format!("{reader}x"), &reader[..reader.len() - 4]] {
        let answer = running.issue(forged, "k", &request("person-1"));
        assert_eq!((answer.status, answer.code().as_str()), (401, "token.invalid"), "{forged}");
    }
    world.wait(600);
    let late = running.issue(&narrow, "k", &request("person-1"));
    assert_eq!(
        (late.code().as_str(), late.json()["detail"].as_str().unwrap()),
        ("token.invalid", "token has expired")
    );
    running.stop();
    // A client that is no longer configured has no tokens.
    let token = {
        let running = world.start();
        let token = world.token(&running, "clinic");
        running.stop();
        token
    };
    let mut config = world.config();
    config.clients.retain(|client| client.id != "clinic");
    let running = world.start_with(config);
    assert_eq!(running.issue(&token, "k", &request("person-1")).code(), "token.invalid");
    running.stop();
}

#[test]
fn the_key_of_a_client_decides_the_algorithm() {
    let world = World::new();
    let running = world.start();
    let edwards = client("edwards", 14);
    assert_eq!(edwards.signer.algorithm().name(), "EdDSA");
    let good = running.ask_token(&token_form(&world.assertion(&edwards, |_, _| {}), ""));
    assert_eq!(good.status, 200);
    let confused = world.assertion(&edwards, |header, _| header["alg"] = "ES256".into());
    assert_eq!(denied(&running.ask_token(&token_form(&confused, ""))), invalid_client());
    running.stop();
}
