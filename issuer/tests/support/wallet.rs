//! A wallet: keys, proofs, and what it asks an issuer for.

use serde_json::{Value, json};
use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::key::Algorithm;

use super::world::{Answer, ISSUER, Running, World, request};

pub(crate) const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
pub(crate) const CONFIGURATION: &str = "VaccinationCredential_vc+jwt";

/// A key that a credential is bound to.
pub(crate) struct Key(pub(crate) FileSigner);

impl Key {
    pub(crate) fn new(seed: u8) -> Self {
        Self(FileSigner::new(Algorithm::Es256, &[seed; 32]).unwrap())
    }

    pub(crate) fn jwk(&self) -> Value {
        serde_json::from_str(&self.0.public_key().to_jwk_json()).unwrap()
    }

    /// A key proof, after `change` of its header and claims.
    pub(crate) fn proof_but(
        &self,
        world: &World,
        nonce: &str,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> String {
        let mut header =
            json!({ "typ": "openid4vci-proof+jwt", "alg": self.0.algorithm().name(), "jwk": self.jwk() });
        let mut claims = json!({ "aud": ISSUER, "iat": world.time().0, "nonce": nonce });
        change(&mut header, &mut claims);
        let part = |value: &Value| encode_base64url(value.to_string().as_bytes());
        let input = format!("{}.{}", part(&header), part(&claims));
        format!("{input}.{}", encode_base64url(&self.0.sign(input.as_bytes()).unwrap()))
    }

    pub(crate) fn proof(&self, world: &World, nonce: &str) -> String {
        self.proof_but(world, nonce, |_, _| {})
    }
}

/// What a clinic's system offers for a person.
pub(crate) fn offer(running: &Running, token: &str, subject: &str, offer: &Value) -> Value {
    let mut body = request(subject);
    body["offer"] = offer.clone();
    let answer = running.post("/offers", token, &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

/// The code of an offer.
pub(crate) fn code(offered: &Value) -> String {
    let grant = &offered["credential_offer"]["grants"][PRE_AUTHORIZED];
    grant["pre-authorized_code"].as_str().unwrap_or_else(|| panic!("{offered}")).to_owned()
}

/// Redeems a code, with more parameters.
pub(crate) fn redeem(running: &Running, code: &str, more: &str) -> Answer {
    running.ask_token(&format!("grant_type={PRE_AUTHORIZED}&pre-authorized_code={code}{more}"))
}

/// The access token of a code.
pub(crate) fn access(running: &Running, code: &str) -> String {
    let answer = redeem(running, code, "");
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// An offer for a person, redeemed.
pub(crate) fn token(world: &World, running: &Running, subject: &str) -> String {
    access(running, &code(&offer(running, &world.token(running, "clinic"), subject, &json!({}))))
}

pub(crate) fn nonce(running: &Running) -> String {
    let answer = running.server.send("POST", "/openid/nonce", &[], "");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()["c_nonce"].as_str().unwrap().to_owned()
}

/// Asks for a credential of the configuration with these proofs.
pub(crate) fn ask(running: &Running, token: &str, proofs: &[String]) -> Answer {
    let body = json!({ "credential_configuration_id": CONFIGURATION, "proofs": { "jwt": proofs } });
    running.post("/openid/credential", token, &body)
}

/// Obtains a credential for a key.
pub(crate) fn obtain(world: &World, running: &Running, token: &str, key: &Key) -> Answer {
    ask(running, token, &[key.proof(world, &nonce(running))])
}

/// Status and code of a refusal that the specification names.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    let description = body["error_description"].as_str().unwrap_or_else(|| panic!("{}", answer.text));
    let plain = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
    assert!(!description.is_empty() && description.chars().all(plain), "{description}");
    (answer.status, body["error"].as_str().unwrap().to_owned())
}

pub(crate) fn error(status: u16, name: &str) -> (u16, String) {
    (status, name.to_owned())
}
