//! Bearer tokens that carry what they allow, under a MAC (RFC 2104) of a key that only this issuer has. Nothing is
//! kept for them.

use serde::{Deserialize, Serialize};
use sillok_log::UnixSeconds;
use sillok_verifier::encoding::{decode_base64url, encode_base64url};
use zeroize::Zeroizing;

use crate::subjects::{DIGEST_BYTES, Digester};

/// What a token says.
pub(super) struct Bearer {
    pub(super) client: String,
    pub(super) scopes: Vec<String>,
    pub(super) expires: UnixSeconds,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    client: String,
    scopes: Vec<String>,
    expires: u64,
}

impl Bearer {
    pub(super) fn seal(&self, key: &[u8; 32]) -> Zeroizing<String> {
        let claims =
            Claims { client: self.client.clone(), scopes: self.scopes.clone(), expires: self.expires.0 };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let mac = mac(key, &claims);
        Zeroizing::new(format!("{PREFIX}{}.{}", encode_base64url(&claims), encode_base64url(&mac)))
    }

    /// `None` for whatever this key did not make.
    pub(super) fn open(token: &str, key: &[u8; 32]) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (claims, tag) = token.strip_prefix(PREFIX)?.split_once('.')?;
        let claims = decode_base64url(claims.as_bytes())?;
        let tag = decode_base64url(tag.as_bytes())?;
        if !same(&mac(key, &claims), &tag) {
            return None;
        }
        let Claims { client, scopes, expires } = serde_json::from_slice(&claims).ok()?;
        Some(Self { client, scopes, expires: UnixSeconds(expires) })
    }
}

fn mac(key: &[u8; 32], claims: &[u8]) -> [u8; DIGEST_BYTES] {
    Digester::new(key).digest(&[DOMAIN, claims])
}

/// Compares in a time that depends on the lengths only.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

/// Says to people and secret scanners what this is.
const PREFIX: &str = "sillok_";

/// So that a MAC over something else is never one over a token.
const DOMAIN: &[u8] = b"sillok/bearer/v1";

/// Longest token in bytes: a client of 128 and as many scopes as a client has.
const MAX_TOKEN_BYTES: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_under_its_key_only() {
        let bearer =
            Bearer { client: "clinic".into(), scopes: vec!["status".into()], expires: UnixSeconds(7) };
        let token = bearer.seal(&[1; 32]);
        let read = Bearer::open(&token, &[1; 32]).unwrap();
        assert_eq!((read.client, read.scopes, read.expires), (bearer.client, bearer.scopes, bearer.expires));
        assert!(Bearer::open(&token, &[2; 32]).is_none());
        for cut in 0..token.len() {
            assert!(Bearer::open(&token[..cut], &[1; 32]).is_none(), "cut at {cut}");
        }
        assert!(Bearer::open(&token.replace("sillok_", "sillok-"), &[1; 32]).is_none());
    }

    #[test]
    fn comparing_compares() {
        assert!(same(b"", b""));
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"ab"));
    }
}
