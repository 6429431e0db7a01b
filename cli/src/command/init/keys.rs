//! The keys of a new folder.

use anyhow::Context as _;
use p256::ecdsa::SigningKey;
use sillok_registry::sealed::{self, KeyKind, Passphrase, SecretKey};
use sillok_verifier::key::PublicKey;

use crate::folder::Folder;

/// Makes those that are not there: the log's, the two that submit to it, and the client key of the command line.
pub(super) fn make_missing(folder: &Folder, passphrase: &Passphrase) -> anyhow::Result<()> {
    let (keys, origin) = (&folder.place.keys(), &folder.settings().origin);
    for (name, signs_as) in note_keys(origin) {
        if !sealed::exists(keys, name)? {
            let secret = SecretKey::generate(KeyKind::Ed25519)?;
            let public = secret.signer(&signs_as)?.verifier().to_string();
            sealed::create(keys, name, &secret, passphrase, &public)?;
        }
    }
    if !sealed::exists(keys, OPERATOR)? {
        let secret = SecretKey::generate(KeyKind::P256)?;
        sealed::create(keys, OPERATOR, &secret, passphrase, &jwk(&secret)?)?;
    }
    Ok(())
}

/// Keys that sign notes, and the names under which they do.
fn note_keys(origin: &str) -> [(&'static str, String); 3] {
    [
        (LOG, origin.to_owned()),
        (ADMINISTRATOR, format!("{origin}/administrator")),
        (SUBMITTER, format!("{origin}/issuer")),
    ]
}

/// The public JWK of a P-256 key.
fn jwk(secret: &SecretKey) -> anyhow::Result<String> {
    let key = SigningKey::from_slice(secret.danger_bytes()).context("key just drawn is no P-256 key")?;
    let point = key.verifying_key().to_sec1_point(false);
    let (Some(x), Some(y)) = (point.x(), point.y()) else {
        anyhow::bail!("key just drawn has no coordinates")
    };
    Ok(PublicKey::p256(&(*x).into(), &(*y).into()).context("key just drawn is refused")?.to_jwk_json())
}

const LOG: &str = "log";
pub(super) const ADMINISTRATOR: &str = "administrator";
pub(super) const SUBMITTER: &str = "submitter";
pub(super) const OPERATOR: &str = "operator";
