//! Pure. What a holder shows, taken apart for a code.

use alloc::string::String;

use sillok_log::UnixSeconds;

use super::PackError;
use super::form::Bound;
use crate::encoding::{decode_base64url, decode_base64url_exact};
use crate::holder::{LIVE_AUDIENCE, MAX_KEY_BINDING_BYTES};
use crate::jws::Parts as Jws;
use crate::key::Algorithm;
use crate::policy::Holder;
use crate::sd_jwt::Presentation;

/// What goes into a code.
pub(super) struct Parts {
    /// Header, payload and disclosures, a line each.
    pub(super) text: String,
    pub(super) signature: [u8; 64],
    pub(super) is_presentation: bool,
    pub(super) token: Option<Token>,
}

/// Of a key-binding token, what a reader does not know, and what a challenge said.
pub(super) struct Token {
    pub(super) bound: Bound,
    pub(super) issued: UnixSeconds,
    pub(super) nonce: [u8; 16],
    pub(super) signature: [u8; 64],
    challenge_nonce: String,
    audience: String,
}

impl Parts {
    pub(super) fn read(shown: &[u8]) -> Result<Self, PackError> {
        let is_presentation = shown.contains(&b'~');
        if !is_presentation {
            let (text, signature) = read_token(shown)?;
            return Ok(Self { text, signature, is_presentation, token: None });
        }
        let shown = Presentation::parse(shown).map_err(|_other| PackError::Credential)?;
        let (mut text, signature) = read_token(shown.token)?;
        for disclosure in &shown.disclosures {
            text.push('\n');
            text.push_str(&line(disclosure)?);
        }
        let token = shown.key_binding.map(|token| Token::read(token).ok_or(PackError::KeyBinding));
        Ok(Self { text, signature, is_presentation, token: token.transpose()? })
    }

    /// What a door asks to which this is the answer.
    pub(super) fn asked(&self) -> Holder<'_> {
        match &self.token {
            None => Holder::NotAsked,
            Some(Token { bound, challenge_nonce, audience, .. }) if bound.is_challenge => {
                Holder::Challenge { nonce: challenge_nonce, audience }
            }
            Some(_live) => Holder::Live,
        }
    }
}

/// The two texts of a compact JWS, and its signature.
fn read_token(token: &[u8]) -> Result<(String, [u8; 64]), PackError> {
    let mut parts = token.splitn(4, |&byte| byte == b'.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(PackError::Credential);
    };
    let mut text = line(header)?;
    text.push('\n');
    text.push_str(&line(payload)?);
    let signature = decode_base64url_exact(signature).ok_or(PackError::Credential)?;
    Ok((text, signature))
}

/// A JSON text that is on one line: whatever it says, it comes back as it is.
fn line(base64url: &[u8]) -> Result<String, PackError> {
    let bytes = decode_base64url(base64url).ok_or(PackError::Credential)?;
    let text = String::from_utf8(bytes).map_err(|_other| PackError::Credential)?;
    if text.contains('\n') { Err(PackError::Credential) } else { Ok(text) }
}

impl Token {
    fn read(token: &[u8]) -> Option<Self> {
        let parts = Jws::read(token, MAX_KEY_BINDING_BYTES).ok()?;
        let claims = parts.payload.object().ok()?;
        let text = |name| claims.string(name).ok();
        let (nonce, audience) = (text("nonce")?, text("aud")?);
        let algorithm = Algorithm::from_name(parts.header.string("alg").ok()?)?;
        Some(Self {
            bound: Bound { is_challenge: audience != LIVE_AUDIENCE, algorithm },
            issued: UnixSeconds(claims.get("iat")?.unsigned().ok()?),
            nonce: decode_base64url_exact(nonce.as_bytes())?,
            signature: parts.signature.try_into().ok()?,
            challenge_nonce: nonce.into(),
            audience: audience.into(),
        })
    }
}
