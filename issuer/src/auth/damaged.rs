//! What strangers send before and behind the door, damaged: assertions, forms, tokens, orders. Each is a plain function of bytes
//! that says whether it took them; it takes good ones, then twenty thousand damaged ones, always the same.

use sillok_log::UnixSeconds;
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::json::{Json, Limits};

use super::Caller;
use super::assertion::Assertion;
use super::bearer::Bearer;
use super::form::Form;
use crate::issue::Order;
use crate::mutation;
use crate::status::StatusOrder;
use crate::types::CredentialType;

fn run(target: fn(&[u8]) -> bool, corpus: &[Vec<u8>]) {
    for (number, input) in corpus.iter().enumerate() {
        assert!(target(input), "input {number} is not taken");
    }
    let mut mutator = mutation::Mutator::new(SEED, corpus.to_vec());
    let taken = (0..CASES).filter(|_case| target(&mutator.draw())).count();
    println!("{CASES} cases from seed {SEED:#x}, {taken} of them taken");
    assert!(taken < CASES, "everything is taken");
}

fn assertion(input: &[u8]) -> bool {
    let Ok(assertion) = Assertion::parse(input) else { return false };
    assert!(!assertion.id.is_empty() && assertion.subject.len() < input.len());
    true
}

#[test]
fn assertions() {
    let token = |header: &str, payload: &str| {
        let input =
            format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(payload.as_bytes()));
        format!("{input}.{}", encode_base64url(&[7; 64])).into_bytes()
    };
    let claims = r#"{"iss":"clinic","sub":"clinic","aud":"https://health.example/token","exp":1800000060,"iat":1800000000,"jti":"a"}"#;
    let audiences = claims.replace("\"https://health.example/token\"", "[\"https://health.example\",\"x\"]");
    run(
        assertion,
        &[
            token(r#"{"alg":"ES256","typ":"JWT"}"#, claims),
            token(r#"{"alg":"EdDSA","typ":"client-authentication+jwt","kid":"1"}"#, &audiences),
            token(r#"{"alg":"EdDSA"}"#, &claims.replace("\"jti\"", "\"nbf\":1800000001,\"jti\"")),
        ],
    );
}

/// The door of the issuer takes a client's assertion and no other kind of token.
#[test]
fn no_other_kind_of_token_is_an_assertion() {
    let claims = r#"{"iss":"clinic","sub":"clinic","aud":"https://health.example/token","exp":1800000060,"iat":1800000000,"jti":"a"}"#;
    let with = |typ: &str| {
        let header = format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#);
        let input =
            format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(claims.as_bytes()));
        format!("{input}.{}", encode_base64url(&[7; 64])).into_bytes()
    };
    assert!(assertion(&with("JWT")) && assertion(&with("client-authentication+jwt")));
    for typ in
        ["vc+jwt", "vc+sd-jwt", "kb+jwt", "statuslist+jwt", "openid4vci-proof+jwt", "at+jwt", "vp+jwt", ""]
    {
        assert!(!assertion(&with(typ)), "{typ:?}");
    }
}

fn form_body(input: &[u8]) -> bool {
    Form::parse(input).is_ok()
}

#[test]
fn forms() {
    run(
        form_body,
        &[
            b"grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c&scope=status".to_vec(),
            b"grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code&pre-authorized_code=AAAA&tx_code=123456&authorization_details=%5B%7B%22type%22%3A%22openid_credential%22%7D%5D".to_vec(),
            b"grant_type=refresh_token&refresh_token=sillok_wallet_AAAA&user_pin=1&resource=https%3A%2F%2Fa".to_vec(),
            b"grant_type=&scope=issue%3Avaccination+status&client_id=clinic&x=1&x=2".to_vec(),
            Vec::new(),
        ],
    );
}

/// Only the key makes tokens: what opens is what was sealed.
fn bearer(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Some(bearer) = Bearer::open(text, &[1; 32]) else { return false };
    assert_eq!(bearer.seal(&[1; 32]).as_str(), text, "a token that was never given");
    true
}

#[test]
fn tokens() {
    let seal = |client: &str, scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| String::from(*scope)).collect();
        let bearer = Bearer { client: client.into(), scopes, expires: UnixSeconds(1_800_000_600) };
        bearer.seal(&[1; 32]).as_bytes().to_vec()
    };
    run(bearer, &[seal("clinic", &["status", "issue:vaccination"]), seal("", &[])]);
}

fn order(input: &[u8]) -> bool {
    let Ok(json) = Json::parse(input, &LIMITS) else { return false };
    let Ok(object) = json.object() else { return false };
    let caller = Caller { client: "clinic".into(), operator: "operator-1".into(), scopes: Vec::new() };
    let Ok(order) = Order::read(object, &caller, "a key") else { return false };
    let again = Order::read(object, &caller, "a key").expect("it was read before");
    assert_eq!(order.digest, again.digest, "one request is two");
    true
}

#[test]
fn orders() {
    let plain = r#"{"credential":{"type":["VerifiableCredential","VaccinationCredential"],"credentialSubject":{"familyName":"Hong","doses":[{"number":1}]}},"options":{"subject":"person-1","facility":"clinic 7","sourceEvent":"immunization/4711"}}"#;
    let whole = r#"{"credential":{"@context":["https://www.w3.org/ns/credentials/v2"],"credentialSubject":{"a":1},"validFrom":"2027-01-15T08:00:00Z","type":["VerifiableCredential"]},"options":{"subject":"p","type":"vaccination","holderKey":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}}"#;
    run(order, &[plain.into(), whole.into()]);
}

fn status_order(input: &[u8]) -> bool {
    let Ok(json) = Json::parse(input, &LIMITS) else { return false };
    json.object().is_ok_and(|object| StatusOrder::read(object, "operator-1").is_ok())
}

#[test]
fn status_orders() {
    let order = |purpose: &str, set: bool| {
        format!(
            r#"{{"credentialId":"urn:uuid:1","credentialStatus":{{"type":"BitstringStatusListEntry","statusPurpose":"{purpose}"}},"status":{set},"reason":"entered in error"}}"#
        )
        .into_bytes()
    };
    run(status_order, &[order("revocation", true), order("suspension", true), order("suspension", false)]);
}

fn credential_type(input: &[u8]) -> bool {
    std::str::from_utf8(input).is_ok_and(|text| CredentialType::parse("a file", text).is_ok())
}

#[test]
fn credential_types() {
    run(credential_type, &[include_bytes!("../../../specs/credential-types/vaccination.json").to_vec()]);
}

/// Those of a credential.
const LIMITS: Limits = Limits { bytes: 16_384, depth: 16, values: 2_048 };

/// Damaged inputs of each target.
const CASES: usize = 20_000;

/// Any number.
const SEED: u64 = 0x2021_1213_1140;
