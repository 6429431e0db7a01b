//! Presentations: disclosures, their digests, and key-binding tokens, as RFC 9901 writes them.

use super::credential::{IssuerKey, compact};
use super::encoding::base64url;
use super::json::{array, object, string};
use super::tree::sha256;

/// The salt of a number: 16 equal bytes, in base64url.
#[must_use]
pub fn salt(number: u8) -> String {
    base64url(&[number; 16])
}

/// The disclosure of a member: `[salt, name, value]`.
#[must_use]
pub fn member(number: u8, name: &str, value: &str) -> String {
    base64url(array(&[string(&salt(number)), string(name), value.into()]).as_bytes())
}

/// The disclosure of an item: `[salt, value]`.
#[must_use]
pub fn item(number: u8, value: &str) -> String {
    base64url(array(&[string(&salt(number)), value.into()]).as_bytes())
}

/// The digest of a disclosure, as JSON.
#[must_use]
pub fn digest(disclosure: &str) -> String {
    string(&base64url(&sha256(&[disclosure.as_bytes()])))
}

/// `_sd`: the digests of these disclosures.
#[must_use]
pub fn digests(disclosures: &[&str]) -> (&'static str, String) {
    let digests: Vec<String> = disclosures.iter().map(|disclosure| digest(disclosure)).collect();
    ("_sd", array(&digests))
}

/// What stands in an array for a hidden item.
#[must_use]
pub fn hidden_item(disclosure: &str) -> String {
    object(&[("...", digest(disclosure))])
}

/// Everything before the key-binding token.
#[must_use]
pub fn shown(token: &str, disclosures: &[&str]) -> String {
    let disclosures: String = disclosures.iter().map(|disclosure| format!("{disclosure}~")).collect();
    format!("{token}~{disclosures}")
}

/// A key-binding token before it is signed; every part can be changed.
#[derive(Clone, Debug)]
pub struct KeyBinding {
    /// Members of the protected header.
    pub header: Vec<(&'static str, String)>,
    /// Members of the payload.
    pub claims: Vec<(&'static str, String)>,
}

impl KeyBinding {
    /// A sound one, by a key of this algorithm, over what is shown.
    #[must_use]
    pub fn new(algorithm: &str, shown: &str, issued: u64, audience: &str, nonce: &str) -> Self {
        let hash = base64url(&sha256(&[shown.as_bytes()]));
        Self {
            header: vec![("alg", string(algorithm)), ("typ", string("kb+jwt"))],
            claims: vec![
                ("iat", issued.to_string()),
                ("aud", string(audience)),
                ("nonce", string(nonce)),
                ("sd_hash", string(&hash)),
            ],
        }
    }

    /// The same with a member of the payload changed, or added.
    #[must_use]
    pub fn claim(mut self, name: &'static str, value: String) -> Self {
        self.claims.retain(|(old, _)| *old != name);
        self.claims.push((name, value));
        self
    }

    /// The compact JWS.
    #[must_use]
    pub fn sign(&self, key: &IssuerKey) -> String {
        compact(&object(&self.header), &object(&self.claims), key)
    }
}
