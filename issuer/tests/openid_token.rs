//! Tokens of wallets: what a code gives, once, and what a refresh token gives.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use serde_json::{Value, json};

#[path = "support/wallet.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod wallet;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use wallet::{CONFIGURATION, Key, access, code, error, nonce, obtain, offer, redeem, refusal};
use world::{Answer, Running, World};

fn offered(world: &World, running: &Running, asked: &Value) -> Value {
    offer(running, &world.token(running, "clinic"), "person-1", asked)
}

fn refresh(running: &Running, token: &str, more: &str) -> Answer {
    running.ask_token(&format!("grant_type=refresh_token&refresh_token={token}{more}"))
}

fn text(answer: &Answer, name: &str) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()[name].as_str().unwrap_or_else(|| panic!("{name} in {}", answer.text)).to_owned()
}

#[test]
fn a_code_is_good_once_over_restarts_too() {
    let world = World::new();
    let running = world.start();
    let code = code(&offered(&world, &running, &json!({})));
    let granted = redeem(&running, &code, "&resource=https%3A%2F%2Fhealth.example&user_pin=1&unknown=x");
    assert_eq!(granted.status, 200, "{}", granted.text);
    assert_eq!(granted.header("cache-control"), Some("no-store"));
    assert_eq!(granted.header("access-control-allow-origin"), Some("*"));
    let body = granted.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3_600)));
    assert!(body.get("authorization_details").is_none());
    let used = error(400, "invalid_grant");
    assert_eq!(refusal(&redeem(&running, &code, "")), used);
    running.stop();
    let running = world.start();
    assert_eq!(refusal(&redeem(&running, &code, "")), used);
    // What was given for it is still good.
    let obtained = obtain(&world, &running, &text(&granted, "access_token"), &Key::new(1));
    assert_eq!(obtained.status, 200, "{}", obtained.text);
    running.stop();
}

#[test]
fn of_many_who_redeem_a_code_at_once_one_gets_a_token() {
    let world = World::new();
    let running = world.start();
    let code = code(&offered(&world, &running, &json!({})));
    let statuses = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| redeem(&running, &code, "").status)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 7, "{statuses:?}");
    running.stop();
}

#[test]
fn a_transaction_code_is_asked_for_and_a_wrong_one_does_not_use_the_code_up() {
    let world = World::new();
    let running = world.start();
    let with = offered(&world, &running, &json!({ "txCode": {} }));
    let (code_with, tx_code) = (code(&with), with["tx_code"].as_str().unwrap());
    assert_eq!(refusal(&redeem(&running, &code_with, "")), error(400, "invalid_request"));
    assert_eq!(refusal(&redeem(&running, &code_with, "&tx_code=")), error(400, "invalid_request"));
    assert_eq!(refusal(&redeem(&running, &code_with, "&tx_code=nonsense")), error(400, "invalid_grant"));
    assert_eq!(redeem(&running, &code_with, &format!("&tx_code={tx_code}")).status, 200);
    let without = code(&offered(&world, &running, &json!({})));
    assert_eq!(refusal(&redeem(&running, &without, "&tx_code=123456")), error(400, "invalid_request"));
    assert_eq!(redeem(&running, &without, "").status, 200);
    running.stop();
}

#[test]
fn a_transaction_code_is_guessed_at_five_times_restarts_or_not() {
    let world = World::new();
    let mut running = world.start();
    let made = offered(&world, &running, &json!({ "txCode": {} }));
    let (code, tx_code) = (code(&made), made["tx_code"].as_str().unwrap());
    for left in [4, 3, 2, 1, 0] {
        let wrong = redeem(&running, &code, "&tx_code=nonsense");
        assert_eq!(refusal(&wrong), error(400, "invalid_grant"));
        assert!(wrong.text.contains(&left.to_string()) || left == 0, "{}", wrong.text);
        if [3, 0].contains(&left) {
            running.stop();
            running = world.start();
        }
    }
    let right = redeem(&running, &code, &format!("&tx_code={tx_code}"));
    assert_eq!(refusal(&right), error(400, "invalid_grant"));
    let place = made["credential_offer_uri"].as_str().unwrap().strip_prefix(world::ISSUER).unwrap();
    assert_eq!(running.get(place).status, 404);
    running.stop();
}

#[test]
fn a_wallet_may_ask_by_identifier() {
    let world = World::new();
    let running = world.start();
    let made = code(&offered(&world, &running, &json!({})));
    let details = |items: &Value| format!("&authorization_details={}", percent(&items.to_string()));
    let item = |id: &str| json!([{ "type": "openid_credential", "credential_configuration_id": id }]);
    // Nothing of this uses the code up.
    for wrong in [
        json!({}),
        json!([]),
        json!(["openid_credential"]),
        json!([{ "type": "openid_credential" }]),
        json!([{ "type": "account", "credential_configuration_id": CONFIGURATION }]),
        item("VaccinationCredential_mso_mdoc"),
    ] {
        let answer = redeem(&running, &made, &details(&wrong));
        assert_eq!(refusal(&answer), error(400, "invalid_authorization_details"), "{wrong}");
    }
    let granted = redeem(&running, &made, &details(&item(CONFIGURATION)));
    let token = text(&granted, "access_token");
    let given = &granted.json()["authorization_details"];
    assert_eq!(given[0]["type"], "openid_credential");
    assert_eq!(given[0]["credential_configuration_id"], CONFIGURATION);
    let identifier = given[0]["credential_identifiers"][0].as_str().unwrap().to_owned();
    let key = Key::new(1);
    let ask = |name: &str, value: &str| {
        let proof = key.proof(&world, &nonce(&running));
        let body = json!({ name: value, "proofs": { "jwt": [proof] } });
        running.post("/openid/credential", &token, &body)
    };
    let by_configuration = ask("credential_configuration_id", CONFIGURATION);
    assert_eq!(refusal(&by_configuration), error(400, "invalid_credential_request"));
    let unknown = ask("credential_identifier", CONFIGURATION);
    assert_eq!(refusal(&unknown), error(400, "unknown_credential_identifier"));
    let obtained = ask("credential_identifier", &identifier);
    assert_eq!(obtained.status, 200, "{}", obtained.text);
    running.stop();
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_refresh_token_gives_the_next_and_an_old_one_ends_the_grant() {
    let world = World::new();
    let running = world.start();
    let granted = redeem(&running, &code(&offered(&world, &running, &json!({}))), "");
    let first = text(&granted, "refresh_token");
    let access_of_first = text(&granted, "access_token");
    world.wait(3_600);
    let late = obtain(&world, &running, &access_of_first, &Key::new(1));
    assert_eq!(refusal(&late), error(401, "invalid_token"));
    assert_eq!(late.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    let answer = refresh(&running, &first, "");
    let second = text(&answer, "refresh_token");
    assert_ne!(first, second);
    let obtained = obtain(&world, &running, &text(&answer, "access_token"), &Key::new(1));
    assert_eq!(obtained.status, 200, "{}", obtained.text);
    // The answer may have been lost: the same again, after a restart too.
    running.stop();
    let running = world.start();
    let repeated = refresh(&running, &first, "");
    let second_again = text(&repeated, "refresh_token");
    let third = text(&refresh(&running, &second_again, ""), "refresh_token");
    // Now the first has a successor that was used: somebody else has it.
    let last_access = text(&repeated, "access_token");
    assert_eq!(refusal(&refresh(&running, &first, "")), error(400, "invalid_grant"));
    for token in [&second, &third] {
        assert_eq!(refusal(&refresh(&running, token, "")), error(400, "invalid_grant"));
    }
    let ended = obtain(&world, &running, &last_access, &Key::new(1));
    assert_eq!(refusal(&ended), error(401, "invalid_token"));
    running.stop();
    let running = world.start();
    assert_eq!(refusal(&refresh(&running, &third, "")), error(400, "invalid_grant"));
    running.stop();
}

#[test]
fn a_grant_ends_after_its_time() {
    let world = World::new();
    let running = world.start();
    let granted = redeem(&running, &code(&offered(&world, &running, &json!({}))), "");
    world.wait(400 * 86_400 - 10);
    let answer = refresh(&running, &text(&granted, "refresh_token"), "");
    assert_eq!(answer.json()["expires_in"], 10);
    world.wait(10);
    assert_eq!(refusal(&refresh(&running, &text(&answer, "refresh_token"), "")), error(400, "invalid_grant"));
    running.stop();
}

#[test]
fn a_refusal_of_the_token_endpoint_has_its_name() {
    let world = World::new();
    let running = world.start();
    let made = code(&offered(&world, &running, &json!({})));
    let grant = wallet::PRE_AUTHORIZED;
    let damaged = format!("{}A", &made[..made.len() - 1]);
    for (form, name) in [
        (format!("grant_type={grant}"), "invalid_request"),
        (
            format!("grant_type={grant}&pre-authorized_code={made}&pre-authorized_code={made}"),
            "invalid_request",
        ),
        (format!("pre-authorized_code={made}"), "invalid_request"),
        ("grant_type=refresh_token".into(), "invalid_request"),
        (format!("grant_type=authorization_code&code={made}"), "unsupported_grant_type"),
        (format!("grant_type={grant}&pre-authorized_code=guess"), "invalid_grant"),
        (format!("grant_type={grant}&pre-authorized_code={}", &made[..22]), "invalid_grant"),
        (format!("grant_type={grant}&pre-authorized_code={made}A"), "invalid_grant"),
        (format!("grant_type=refresh_token&refresh_token={made}"), "invalid_grant"),
        (
            format!("grant_type={grant}&pre-authorized_code={made}&authorization_details=x"),
            "invalid_authorization_details",
        ),
        ("%FF=%FE&&&=".into(), "invalid_request"),
    ] {
        assert_eq!(refusal(&running.ask_token(&form)), error(400, name), "{form}");
    }
    if damaged != made {
        let form = format!("grant_type={grant}&pre-authorized_code={damaged}");
        assert_eq!(refusal(&running.ask_token(&form)), error(400, "invalid_grant"));
    }
    assert_eq!(refusal(&running.post("/oauth/token", "", &json!({}))), error(400, "invalid_request"));
    // None of it used the code up, and what a wallet holds is no client's token.
    let token = access(&running, &made);
    let issue = running.issue(&token, "key-1", &world::request("person-1"));
    assert_eq!((issue.status, issue.code().as_str()), (401, "token.invalid"));
    let clinic = world.token(&running, "clinic");
    let asked = obtain(&world, &running, &clinic, &Key::new(1));
    assert_eq!(refusal(&asked), error(401, "invalid_token"));
    running.stop();
}
