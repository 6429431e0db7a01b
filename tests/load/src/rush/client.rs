//! The systems through which people ask: OAuth clients that prove themselves with a key and keep a token.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::json;
use sillok_issuer::sign::{FileSigner, Signer as _};
use sillok_load::connection::Connection;
use sillok_registry::sealed::{KeyKind, SecretKey};
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::key::Algorithm;

use super::{ISSUER, now};

/// A client with its key.
pub(super) struct Client {
    id: String,
    signer: FileSigner,
}

impl Client {
    pub(super) fn new(id: &str) -> Result<Self> {
        let secret = SecretKey::generate(KeyKind::P256)?;
        Ok(Self { id: id.into(), signer: FileSigner::new(Algorithm::Es256, secret.danger_bytes())? })
    }

    /// Its table in `sillok.toml`.
    pub(super) fn table(&self) -> Result<String> {
        let jwk: std::collections::BTreeMap<String, String> =
            serde_json::from_str(&self.signer.public_jwk())?;
        let jwk: Vec<String> = jwk.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
        let (id, jwk) = (&self.id, jwk.join(", "));
        Ok(format!(
            "\n[[clients]]\nid = {id:?}\noperator = {id:?}\nscopes = [\"issue:vaccination\"]\njwk = {{ {jwk} }}\n"
        ))
    }

    /// Asks for a token (RFC 6749 section 4.4, RFC 7523 section 2.2).
    pub(super) fn token(&self, address: SocketAddr) -> Result<String> {
        let form = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
             client-assertion-type%3Ajwt-bearer&client_assertion={}",
            self.assertion()?
        );
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = Connection::new(address, TOKEN_TIMEOUT)
            .send("POST", "/oauth/token", &headers, form.as_bytes())
            .with_context(|| format!("ask for a token of {}", self.id))?;
        if answer.status != 200 {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            bail!("token of {} is refused with {}: {body}", self.id, answer.status);
        }
        Ok(serde_json::from_slice::<Granted>(&answer.body).context("read a token")?.access_token)
    }

    fn assertion(&self) -> Result<String> {
        let (mut id, now) = ([0; 16], now().0);
        getrandom::fill(&mut id).context("draw the id of an assertion")?;
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": ISSUER, "jti": encode_base64url(&id),
            "iat": now, "exp": now + ASSERTION_SECONDS,
        });
        let header = encode_base64url(br#"{"alg":"ES256","typ":"JWT"}"#);
        let input = format!("{header}.{}", encode_base64url(claims.to_string().as_bytes()));
        let signature = self.signer.sign(input.as_bytes())?;
        Ok(format!("{input}.{}", encode_base64url(&signature)))
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

/// It is used at once.
const ASSERTION_SECONDS: u64 = 60;

/// An overloaded service may take its time.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
