//! Offers: how they are made, fetched, and when they end; what everybody may read; an issuer with a path.
#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up fails")]

use serde_json::{Value, json};

#[path = "support/wallet.rs"]
mod wallet;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod world;

use wallet::{CONFIGURATION, Key, PRE_AUTHORIZED, code, error, offer, redeem, refusal, token};
use world::{ISSUER, Running, World, payload, request};

/// The path below the issuer of a URL.
fn below(url: &Value) -> String {
    url.as_str().unwrap().strip_prefix(ISSUER).unwrap().to_owned()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_offer_is_handed_over_by_value_and_by_reference_and_fetched_until_it_is_redeemed() {
    let world = World::new();
    let running = world.start();
    let clinic = world.token(&running, "clinic");
    let asked = json!({ "txCode": { "length": 5, "description": "sent by post" }, "formats": ["vc+jwt"] });
    let offered = offer(&running, &clinic, "person-1", &asked);
    let document = &offered["credential_offer"];
    assert_eq!(document["credential_issuer"], ISSUER);
    assert_eq!(document["credential_configuration_ids"], json!([CONFIGURATION]));
    let grant = &document["grants"][PRE_AUTHORIZED];
    let tx_code = json!({ "input_mode": "numeric", "length": 5, "description": "sent by post" });
    assert_eq!(grant["tx_code"], tx_code);
    // 128 bits and their MAC.
    assert_eq!(grant["pre-authorized_code"].as_str().unwrap().len(), 43);
    let told = offered["tx_code"].as_str().unwrap();
    assert!(told.len() == 5 && told.bytes().all(|digit| digit.is_ascii_digit()), "{told}");
    assert_eq!(offered["expires"], world.time().0 + 900);

    let by_value = offered["by_value"].as_str().unwrap();
    let by_value = by_value.strip_prefix("openid-credential-offer://?credential_offer=").unwrap();
    let sent: Value = serde_json::from_str(&decoded(by_value)).unwrap();
    assert_eq!(&sent, document);
    let by_reference = offered["by_reference"].as_str().unwrap();
    let uri = by_reference.strip_prefix("openid-credential-offer://?credential_offer_uri=").unwrap();
    assert_eq!(decoded(uri), offered["credential_offer_uri"]);
    let place = below(&offered["credential_offer_uri"]);
    for _time in 0..3 {
        let fetched = running.get(&place);
        assert_eq!(fetched.status, 200, "{}", fetched.text);
        assert_eq!(fetched.header("content-type"), Some("application/json"));
        assert_eq!(fetched.header("cache-control"), Some("no-store"));
        assert_eq!(&fetched.json(), document);
    }
    let granted = redeem(&running, &code(&offered), &format!("&tx_code={told}"));
    assert_eq!(granted.status, 200, "{}", granted.text);
    let gone = running.get(&place);
    assert_eq!((gone.status, gone.code().as_str()), (404, "route.unknown"));
    assert!(running.get("/metrics").text.contains("sillok_issuer_offers_total 1"));
    running.stop();
}

#[test]
fn an_offer_expires_and_outlasts_a_restart() {
    let world = World::new();
    let running = world.start();
    let clinic = world.token(&running, "clinic");
    let asked = json!({ "expiresIn": 60, "txCode": { "inputMode": "text", "description": "in the letter" } });
    let offered = offer(&running, &clinic, "person-1", &asked);
    let other = offer(&running, &clinic, "person-2", &json!({}));
    let told = offered["tx_code"].as_str().unwrap().to_owned();
    running.stop();
    let running = world.start();
    let place = below(&offered["credential_offer_uri"]);
    assert_eq!(running.get(&place).json(), offered["credential_offer"]);
    world.wait(60);
    assert_eq!(running.get(&place).status, 404);
    let late = redeem(&running, &code(&offered), &format!("&tx_code={told}"));
    assert_eq!(refusal(&late), error(400, "invalid_grant"));
    assert_eq!(redeem(&running, &code(&other), "").status, 200);
    running.stop();
    // What has expired is not taken up again.
    let running = world.start();
    assert_eq!(running.get(&place).status, 404);
    running.stop();
}

#[test]
fn an_offer_names_a_record_that_is_there() {
    let world = World::new();
    let running = world.start();
    let clinic = world.token(&running, "clinic");
    let named = json!({ "record": { "subject": "person-1", "type": "vaccination" } });
    let unknown = running.post("/offers", &clinic, &named);
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "record.unknown"));
    offer(&running, &clinic, "person-1", &json!({}));
    let offered = running.post("/offers", &clinic, &named);
    assert_eq!(offered.status, 201, "{}", offered.text);
    let access = wallet::access(&running, &code(&offered.json()));
    let obtained = wallet::obtain(&world, &running, &access, &Key::new(1));
    assert_eq!(obtained.status, 200, "{}", obtained.text);
    running.stop();
}

#[test]
fn only_who_may_issue_offers_and_only_what_can_be_had() {
    let world = World::new();
    let running = world.start();
    let clinic = world.token(&running, "clinic");
    let refused = |token: &str, change: &dyn Fn(&mut Value)| {
        let mut body = request("person-1");
        change(&mut body);
        let answer = running.post("/offers", token, &body);
        (answer.status, answer.code())
    };
    let reader = world.token(&running, "reader");
    assert_eq!(refused(&reader, &|_| {}), error(403, "scope.insufficient"));
    let named = json!({ "record": { "subject": "person-1", "type": "vaccination" } });
    assert_eq!(refused(&reader, &|body| *body = named.clone()), error(403, "scope.insufficient"));
    assert_eq!(refused("none", &|_| {}), error(401, "token.invalid"));
    // What a wallet holds makes no offers.
    let wallet = token(&world, &running, "person-2");
    assert_eq!(refused(&wallet, &|_| {}), error(401, "token.invalid"));
    let malformed = error(400, "request.malformed");
    for wrong in [
        json!([]),
        json!({ "formats": [] }),
        json!({ "formats": ["vc+jwt", "vc+jwt"] }),
        json!({ "formats": ["mso_mdoc"] }),
        json!({ "formats": [7] }),
        json!({ "expiresIn": 29 }),
        json!({ "expiresIn": 2_678_401 }),
        json!({ "expiresIn": "60" }),
        json!({ "txCode": true }),
        json!({ "txCode": { "length": 3 } }),
        json!({ "txCode": { "length": 17 } }),
        json!({ "txCode": { "inputMode": "voice" } }),
        json!({ "txCode": { "description": "100%" } }),
        json!({ "txCode": { "description": "x".repeat(301) } }),
        json!({ "more": 1 }),
    ] {
        assert_eq!(refused(&clinic, &|body| body["offer"] = wrong.clone()), malformed, "{wrong}");
    }
    assert_eq!(refused(&clinic, &|body| body["record"] = json!({})), malformed);
    assert_eq!(refused(&clinic, &|body| body["more"] = json!({})), malformed);
    assert_eq!(
        refused(&clinic, &|body| body["credential"]["credentialSubject"] = json!({})).1,
        "claims.invalid"
    );
    for reference in ["x", "AAAAAAAAAAAAAAAAAAAAAA", "%FF", "../types"] {
        assert_eq!(running.get(&format!("/offers/{reference}")).status, 404, "{reference}");
    }
    running.stop();
}

#[test]
fn metadata_says_what_can_be_had_and_browsers_may_read_it() {
    let world = World::new();
    let running = world.start();
    let answer = running.get("/.well-known/openid-credential-issuer");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let metadata = answer.json();
    assert_eq!(metadata["credential_issuer"], ISSUER);
    for (name, place) in [
        ("credential_endpoint", "/openid/credential"),
        ("deferred_credential_endpoint", "/openid/deferred"),
        ("nonce_endpoint", "/openid/nonce"),
        ("notification_endpoint", "/openid/notification"),
    ] {
        assert_eq!(metadata[name], format!("{ISSUER}{place}"));
        let preflight = running.server.send("OPTIONS", place, &[("origin", "https://wallet.example")], "");
        assert_eq!(preflight.status, 204);
        assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
        assert_eq!(preflight.header("access-control-allow-headers"), Some("Authorization, Content-Type"));
        let refused = running.server.send("POST", place, &[("authorization", "Bearer x")], "");
        assert_eq!(refused.header("access-control-allow-origin"), Some("*"), "{place}");
        assert_eq!(running.get(place).status, 405);
    }
    assert_eq!(metadata["batch_credential_issuance"]["batch_size"], 10);
    let configuration = &metadata["credential_configurations_supported"][CONFIGURATION];
    assert_eq!(configuration["format"], "vc+jwt");
    assert_eq!(configuration["credential_signing_alg_values_supported"], json!(["ES256"]));
    let types = json!(["VerifiableCredential", "VaccinationCredential"]);
    assert_eq!(configuration["credential_definition"]["type"], types);
    let algorithms = &configuration["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"];
    assert_eq!(algorithms, &json!(["ES256", "EdDSA"]));
    let shown = configuration["credential_metadata"]["display"].as_array().unwrap();
    let korean = shown.iter().find(|shown| shown["locale"] == "ko").unwrap();
    assert_eq!(korean["name"], "예방접종증명서");
    let claims = configuration["credential_metadata"]["claims"].as_array().unwrap();
    let family =
        claims.iter().find(|claim| claim["path"] == json!(["credentialSubject", "familyName"])).unwrap();
    assert_eq!(family["mandatory"], true);
    let dc = &metadata["credential_configurations_supported"]["VaccinationCredential_dc+sd-jwt"];
    assert_eq!(dc["vct"], format!("{ISSUER}/credential-types/VaccinationCredential/v1"));
    let claims = dc["credential_metadata"]["claims"].as_array().unwrap();
    assert!(claims.iter().any(|claim| claim["path"] == json!(["doses", null, "vaccine"])), "{claims:?}");
    let w3c = &metadata["credential_configurations_supported"]["VaccinationCredential_jwt_vc_json"];
    assert_eq!(w3c["cryptographic_binding_methods_supported"], json!(["did:jwk", "did:key"]));
    let server = running.get("/.well-known/oauth-authorization-server").json();
    assert_eq!(server["issuer"], ISSUER);
    assert_eq!(server["pre-authorized_grant_anonymous_access_supported"], true);
    assert!(server["grant_types_supported"].as_array().unwrap().contains(&json!(PRE_AUTHORIZED)));
    assert_eq!(server["authorization_details_types_supported"], json!(["openid_credential"]));
    running.stop();
}

/// What is well known is inserted between host and path; everything else is below it.
#[test]
fn an_issuer_with_a_path_is_found_and_issues() {
    let url = "https://health.example:8443/kr/seoul";
    let world = World::new();
    let mut config = world.config();
    config.public_url = url.into();
    let running: Running = world.start_with(config);
    for name in ["openid-credential-issuer", "oauth-authorization-server", "jwt-vc-issuer"] {
        let answer = running.get(&format!("/.well-known/{name}/kr/seoul"));
        assert_eq!(answer.status, 200, "{name}");
        let issuer = answer.json();
        assert!(issuer["issuer"] == url || issuer["credential_issuer"] == url, "{name}");
        for wrong in [format!("/.well-known/{name}"), format!("/kr/seoul/.well-known/{name}")] {
            assert_eq!(running.get(&wrong).status, 404, "{wrong}");
        }
    }
    let did = running.get("/kr/seoul/did.json").json();
    assert_eq!(did["id"], "did:web:health.example%3A8443:kr:seoul");
    assert_eq!(running.get("/kr/seoul/types").status, 200);
    assert_eq!(running.get("/types").status, 404);
    let place = |name: &str| format!("/kr/seoul{name}");
    let aud = |_header: &mut Value, claims: &mut Value| claims["aud"] = url.into();
    let assertion = world.assertion(&world::client("clinic", 11), aud);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let ask = |body: &str| running.server.send("POST", &place("/oauth/token"), &form, body).json();
    let clinic = ask(&world::token_form(&assertion, ""));
    let clinic = clinic["access_token"].as_str().unwrap_or_else(|| panic!("{clinic}"));
    let offered = running.post(&place("/offers"), clinic, &request("person-1"));
    assert_eq!(offered.status, 201, "{}", offered.text);
    let offered = offered.json();
    assert_eq!(offered["credential_offer"]["credential_issuer"], url);
    let uri = offered["credential_offer_uri"].as_str().unwrap();
    let uri = uri.strip_prefix("https://health.example:8443").unwrap();
    assert_eq!(running.get(uri).json(), offered["credential_offer"]);
    let granted = ask(&format!("grant_type={PRE_AUTHORIZED}&pre-authorized_code={}", code(&offered)));
    let access = granted["access_token"].as_str().unwrap_or_else(|| panic!("{granted}"));
    let nonce = running.server.send("POST", &place("/openid/nonce"), &[], "").json();
    let nonce = nonce["c_nonce"].as_str().unwrap();
    let proof = Key::new(1).proof_but(&world, nonce, |_, claims| claims["aud"] = url.into());
    let body = json!({ "credential_configuration_id": CONFIGURATION, "proofs": { "jwt": [proof] } });
    let obtained = running.post(&place("/openid/credential"), access, &body);
    assert_eq!(obtained.status, 200, "{}", obtained.text);
    let credential = obtained.json()["credentials"][0]["credential"].as_str().unwrap().to_owned();
    let claims = payload(&credential);
    assert_eq!(claims["issuer"]["id"], url);
    let list = claims["credentialStatus"][0]["statusListCredential"].as_str().unwrap().to_owned();
    let list = list.strip_prefix("https://health.example:8443").unwrap();
    assert_eq!(running.get(list).status, 200, "{list}");
    running.stop();
}
