//! What the type of a setting does not say: addresses, URLs, keys.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::issuer_hash;
use sillok_log::note::{SignatureKind, VerifierKey};
use sillok_log::{Hash, TreeSize};
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::key::PublicKey;

use super::{CameFrom, Client, ConfigError, Settings, Submitter, SubmitterRole};

pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    check_origin(&settings.origin)?;
    check_url(&settings.public_url)?;
    check_address("listen", &settings.listen)?;
    if !settings.add_listen.is_empty() {
        check_address("add_listen", &settings.add_listen)?;
    }
    if settings.submitters.len() > MAX_LISTED || settings.clients.len() > MAX_LISTED {
        return Err(refuse("submitters or clients", format!("have more than {MAX_LISTED} members")));
    }
    settings.submitters.iter().try_for_each(check_submitter)?;
    let mut ids = BTreeSet::new();
    settings.clients.iter().try_for_each(|client| {
        check_client(client)?;
        if ids.insert(&client.id) {
            Ok(())
        } else {
            Err(refuse("clients", format!("name {:?} twice", client.id)))
        }
    })
}

/// Whatever a checkpoint can carry as its first line.
pub(crate) fn check_origin(origin: &str) -> Result<(), ConfigError> {
    let checkpoint = Checkpoint { origin: origin.into(), size: TreeSize(0), root: Hash([0; 32]) };
    match Checkpoint::parse_body(&checkpoint.body()) {
        Ok(_parsed) => Ok(()),
        Err(error) => Err(refuse("origin", format!("is {origin:?}: {error}"))),
    }
}

fn check_url(url: &str) -> Result<(), ConfigError> {
    let problem = |why: &str| Err(refuse("public_url", format!("is {url:?}, which {why}")));
    let parsed = url.parse::<ureq::http::Uri>().ok();
    let scheme = parsed.as_ref().and_then(ureq::http::Uri::scheme_str);
    if !matches!(scheme, Some("http" | "https")) || parsed.as_ref().and_then(ureq::http::Uri::host).is_none()
    {
        return problem("is no http or https URL");
    }
    if url.ends_with('/') || url.contains(['?', '#', '@']) {
        return problem("ends with a slash or has a query, a fragment or a user");
    }
    if issuer_hash(url).is_err() { problem("is too long for an issuer id") } else { Ok(()) }
}

fn check_address(name: &'static str, address: &str) -> Result<(), ConfigError> {
    match address.parse::<SocketAddr>() {
        Ok(_address) => Ok(()),
        Err(_malformed) => {
            Err(refuse(name, format!("is {address:?}, which is no address and port such as 127.0.0.1:8080")))
        }
    }
}

fn check_submitter(submitter: &Submitter) -> Result<(), ConfigError> {
    let vkey = &submitter.vkey;
    match VerifierKey::parse(vkey) {
        Ok(key) if key.kind() == SignatureKind::Ed25519 => {}
        Ok(_cosigner) => return Err(refuse("submitters", format!("name {vkey:?}, a key that only cosigns"))),
        Err(error) => return Err(refuse("submitters", format!("name the key {vkey:?}: {error}"))),
    }
    match (submitter.role, &submitter.issuer) {
        (SubmitterRole::Administrator, None) => Ok(()),
        (SubmitterRole::Issuer, Some(issuer)) if issuer_hash(issuer).is_ok() => Ok(()),
        (SubmitterRole::Issuer, _none_or_too_long) => {
            Err(refuse("submitters", format!("name an issuer's key {vkey:?} without the issuer's URL")))
        }
        (SubmitterRole::Administrator, Some(_)) => {
            Err(refuse("submitters", format!("name an issuer for the administrator {vkey:?}")))
        }
    }
}

fn check_client(client: &Client) -> Result<(), ConfigError> {
    let problem = |problem: String| Err(refuse("clients", format!("name {:?}, {problem}", client.id)));
    let text = |text: &str| (1..=MAX_TEXT_BYTES).contains(&text.len()) && !text.contains(char::is_control);
    if !text(&client.id) || !text(&client.operator) {
        return problem(format!("whose id or operator is empty or longer than {MAX_TEXT_BYTES} bytes"));
    }
    if client.scopes.is_empty() || !client.scopes.iter().all(|scope| text(scope) && !scope.contains(' ')) {
        return problem("which has no scope, or one with a space in it".into());
    }
    let jwk = serde_json::to_vec(&client.jwk).unwrap_or_default();
    let limits = Limits { bytes: MAX_JWK_BYTES, depth: 2, values: 16 };
    match Json::parse(&jwk, &limits).map(|jwk| PublicKey::from_jwk(&jwk)) {
        Ok(Ok(_key)) => Ok(()),
        Ok(Err(error)) => problem(format!("whose jwk is refused: {error}")),
        Err(error) => problem(format!("whose jwk is refused: {error}")),
    }
}

fn refuse(name: &str, problem: String) -> ConfigError {
    ConfigError::Value { name: name.into(), from: CameFrom::File, problem }
}

/// Submitters or clients of one folder: people write them by hand.
const MAX_LISTED: usize = 1_000;

/// Ids and names of clients, in bytes.
const MAX_TEXT_BYTES: usize = 200;

/// A public JWK of P-256 takes some 130 bytes.
const MAX_JWK_BYTES: usize = 1_024;
