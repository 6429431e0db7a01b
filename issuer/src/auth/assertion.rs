//! A client's assertion: a compact JWS over `iss`, `sub`, `aud`, `exp`, `iat`, `jti` (RFC 7523 section 3), read with the
//! verifier's own strict base64url and JSON.
//!
//! It is not a token of [`sillok_verifier::jws`], which demands a type and a thumbprint that clients of other makers do
//! not send.

use sillok_log::UnixSeconds;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::{Json, Limits, Object};
use sillok_verifier::key::{Algorithm, PublicKey};

/// An assertion whose form is right. Nobody vouches for it before [`Assertion::verify`].
pub(super) struct Assertion<'a> {
    /// `iss` and `sub`, which are the same.
    pub(super) subject: String,
    /// `jti`.
    pub(super) id: String,
    /// `exp`.
    pub(super) expires: UnixSeconds,
    issued: UnixSeconds,
    audiences: Vec<String>,
    algorithm: Algorithm,
    signing_input: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    pub(super) fn parse(token: &'a [u8]) -> Result<Self, String> {
        if token.len() > MAX_ASSERTION_BYTES {
            return Err(format!("client_assertion is longer than {MAX_ASSERTION_BYTES} bytes"));
        }
        let parts: Vec<&[u8]> = token.splitn(4, |byte| *byte == b'.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            return Err("client_assertion is not three parts separated by dots".into());
        };
        let signing_input = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let signature =
            decode_base64url(signature).ok_or("signature of client_assertion is not base64url")?;
        let header = part("header", header)?;
        let payload = part("payload", payload)?;
        let algorithm = read_header(&header)?;
        let claims = payload.object().map_err(|error| format!("payload of client_assertion: {error}"))?;
        let text =
            |name| claims.string(name).map_err(|error| format!("payload of client_assertion: {error}"));
        let time = |name| {
            claims
                .unsigned(name)
                .map(UnixSeconds)
                .map_err(|error| format!("payload of client_assertion: {error}"))
        };
        let (subject, id) = (text("sub")?, text("jti")?);
        if text("iss")? != subject {
            return Err("iss and sub of client_assertion differ".into());
        }
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            return Err(format!("jti of client_assertion has not 1 to {MAX_ID_BYTES} bytes"));
        }
        // RFC 7523 section 3 honours nbf when it is there.
        let not_before = if claims.get("nbf").is_some() { time("nbf")? } else { time("iat")? };
        Ok(Self {
            subject: subject.into(),
            id: id.into(),
            expires: time("exp")?,
            issued: time("iat")?.max(not_before),
            audiences: read_audiences(claims)?,
            algorithm,
            signing_input,
            signature,
        })
    }

    /// The algorithm is the key's, never the header's choice.
    pub(super) fn verify(&self, key: &PublicKey) -> Result<(), &'static str> {
        if self.algorithm != key.algorithm() {
            return Err("alg of client_assertion is not that of the client's key");
        }
        key.verify(self.signing_input, &self.signature).map_err(|_wrong| "signature does not verify")
    }

    /// Meant for us, now, and not from before this process: what was used before that is not remembered.
    pub(super) fn check(
        &self,
        audiences: &[String],
        started: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<(), String> {
        if !self.audiences.iter().any(|audience| audiences.contains(audience)) {
            return Err(format!("aud of client_assertion is not {}", audiences.join(" or ")));
        }
        if self.expires <= now {
            return Err("client_assertion has expired".into());
        }
        if self.issued.0 > now.0.saturating_add(MAX_SKEW_SECONDS) {
            return Err("client_assertion is from the future".into());
        }
        if self.expires.0.saturating_sub(self.issued.0) > MAX_LIFE_SECONDS
            || self.expires.0 > now.0.saturating_add(MAX_LIFE_SECONDS + MAX_SKEW_SECONDS)
        {
            return Err(format!("client_assertion lives longer than {MAX_LIFE_SECONDS} seconds"));
        }
        if self.issued < started {
            return Err("client_assertion is from before this service started; make another".into());
        }
        Ok(())
    }
}

fn part(name: &str, text: &[u8]) -> Result<Json, String> {
    let bytes =
        decode_base64url(text).ok_or_else(|| format!("{name} of client_assertion is not base64url"))?;
    Json::parse(&bytes, &LIMITS).map_err(|error| format!("{name} of client_assertion: {error}"))
}

/// `typ` may be absent or say JWT; anything else is a token of another kind (RFC 8725 section 3.11).
fn read_header(header: &Json) -> Result<Algorithm, String> {
    let header = header.object().map_err(|error| format!("header of client_assertion: {error}"))?;
    header
        .expect_only(&["alg", "kid", "typ"])
        .map_err(|error| format!("header of client_assertion: {error}"))?;
    if let Some(typ) = header.get("typ") {
        let typ = typ.string().unwrap_or_default();
        if !typ.eq_ignore_ascii_case("JWT") && typ != "client-authentication+jwt" {
            return Err("typ of client_assertion is not JWT".into());
        }
    }
    let name = header.string("alg").map_err(|error| format!("header of client_assertion: {error}"))?;
    Algorithm::from_name(name).ok_or_else(|| "alg of client_assertion is neither ES256 nor EdDSA".into())
}

/// One audience, or an array of them (RFC 7519 section 4.1.3).
fn read_audiences(claims: &Object) -> Result<Vec<String>, String> {
    let wrong = || String::from("aud of client_assertion is neither a string nor an array of strings");
    match claims.get("aud") {
        Some(Json::String(one)) => Ok(vec![one.clone()]),
        Some(Json::Array(many)) => {
            many.iter().map(|one| one.string().map(String::from).map_err(|_other_kind| wrong())).collect()
        }
        Some(_) | None => Err(wrong()),
    }
}

/// Longest assertion in bytes: six short claims take some 500.
const MAX_ASSERTION_BYTES: usize = 4_096;

/// Longest `jti` in bytes.
const MAX_ID_BYTES: usize = 256;

/// How long an assertion may live, in seconds: what is remembered of used ones is bounded by it.
const MAX_LIFE_SECONDS: u64 = 300;

/// How far a client's clock may be ahead of ours, in seconds.
const MAX_SKEW_SECONDS: u64 = 60;

const LIMITS: Limits = Limits { bytes: MAX_ASSERTION_BYTES, depth: 4, values: 64 };
