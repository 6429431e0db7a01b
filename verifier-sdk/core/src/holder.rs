//! Pure. The holder's key: the key-binding token (RFC 9901 section 4.3) of whoever shows a credential, read and composed.
//!
//! # In scope
//! The token's form, its signature by the key in the credential's `cnf`, what it is bound to, what a door remembers of it.
//!
//! # Out of scope
//! What is asked for ([`crate::policy`]); where the holder's key lives.

use alloc::string::String;
use core::fmt;

use sha2::{Digest as _, Sha256};
use sillok_log::entry::MAX_TIME;
use sillok_log::{Hash, UnixSeconds};

use crate::encoding::{decode_base64url_exact, encode_base64url};
use crate::json::{Object, push_string};
use crate::jws::{self, Parts};
use crate::key::{Algorithm, PublicKey};
use crate::policy::Holder;
use crate::sd_jwt::Presentation;
use crate::signatures::Signatures;
use crate::verdict::{HolderProof, KeyBound, Reason};

mod shown;

pub use shown::{MAX_SHOWN, Shown};

/// What a key-binding token says. Nobody vouches for it before [`check`].
struct Claims<'t> {
    issued: UnixSeconds,
    not_before: Option<UnixSeconds>,
    expires: Option<UnixSeconds>,
    audience: &'t str,
    nonce: &'t str,
    presentation: [u8; 32],
}

/// Rule 9: whoever shows the credential has the key that the issuer bound it to, and uses it now.
///
/// # Errors
/// The first line of specs/verification.md, rule 9, that fails.
//= specs/presentation.md#key-binding
pub(crate) fn check(
    asked: Holder<'_>,
    key: Option<&PublicKey>,
    presentation: Option<&Presentation<'_>>,
    signatures: &dyn Signatures,
    now: UnixSeconds,
) -> Result<HolderProof, Reason> {
    // The policy says what is asked, never the presentation (RFC 9901 section 7.3).
    let (audience, challenge) = match asked {
        Holder::NotAsked => return Ok(HolderProof::NotAsked),
        Holder::Live => (LIVE_AUDIENCE, None),
        Holder::Challenge { nonce, audience } => (audience, Some(nonce)),
    };
    let key = key.ok_or(Reason::HolderUnbound)?;
    let presentation = presentation.ok_or(Reason::HolderMissing)?;
    let token = presentation.key_binding.ok_or(Reason::HolderMissing)?;

    let parts = Parts::read(token, MAX_KEY_BINDING_BYTES).map_err(|_unreadable| Reason::HolderMalformed)?;
    let claims = parts.payload.object().ok().and_then(Claims::parse).ok_or(Reason::HolderMalformed)?;
    let algorithm = algorithm(&parts.header).ok_or(Reason::HolderHeader)?;
    if algorithm != key.algorithm() {
        return Err(Reason::HolderSignature);
    }
    key.verify_with(signatures, parts.signing_input, &parts.signature)
        .map_err(|_refused| Reason::HolderSignature)?;
    if claims.presentation != *Sha256::digest(presentation.bound) {
        return Err(Reason::HolderOtherPresentation);
    }
    if claims.audience != audience {
        return Err(Reason::HolderAudience);
    }
    if challenge.is_some_and(|nonce| claims.nonce != nonce) {
        return Err(Reason::HolderNonce);
    }
    claims.check_time(now)?;
    let bound = KeyBound { issued: claims.issued, token: Hash(Sha256::digest(parts.signing_input).into()) };
    Ok(if challenge.is_some() { HolderProof::Challenge(bound) } else { HolderProof::Live(bound) })
}

/// The algorithm of a header that is exactly `alg` and `typ`.
fn algorithm(header: &Object) -> Option<Algorithm> {
    header.expect_only(&["alg", "typ"]).ok()?;
    let is_key_binding = header.string("typ").ok()? == TYPE;
    Algorithm::from_name(header.string("alg").ok()?).filter(|_known| is_key_binding)
}

impl<'t> Claims<'t> {
    fn parse(claims: &'t Object) -> Option<Self> {
        let time = |name| match claims.get(name) {
            None => Some(None),
            Some(value) => {
                let seconds = value.unsigned().ok().filter(|seconds| *seconds <= MAX_TIME.0)?;
                Some(Some(UnixSeconds(seconds)))
            }
        };
        let nonce = claims.string("nonce").ok()?;
        Some(Self {
            issued: time("iat")??,
            not_before: time("nbf")?,
            expires: time("exp")?,
            audience: claims.string("aud").ok()?,
            nonce: is_nonce(nonce).then_some(nonce)?,
            presentation: decode_base64url_exact(claims.string("sd_hash").ok()?.as_bytes())?,
        })
    }

    //= specs/presentation.md#live-code
    fn check_time(&self, now: UnixSeconds) -> Result<(), Reason> {
        let is_ahead = |time: UnixSeconds| time.0 > now.0.saturating_add(WINDOW_SECONDS);
        if is_ahead(self.issued) || self.not_before.is_some_and(is_ahead) {
            return Err(Reason::HolderFuture);
        }
        let last = self.issued.0.saturating_add(WINDOW_SECONDS);
        if now.0 > last || self.expires.is_some_and(|end| now >= end) {
            return Err(Reason::HolderStale);
        }
        Ok(())
    }
}

/// Whether a text may be the nonce of a challenge or a live code.
//= specs/presentation.md#key-binding
#[must_use]
pub fn is_nonce(text: &str) -> bool {
    (MIN_NONCE_CHARACTERS..=MAX_NONCE_CHARACTERS).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_graphic())
}

/// What a wallet states with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "wallets build it; another claim is another version")]
pub struct Binding<'a> {
    /// When: the wallet's clock.
    pub issued: UnixSeconds,
    /// For whom: the name that a challenge comes with, or [`LIVE_AUDIENCE`].
    pub audience: &'a str,
    /// The nonce of the challenge, or 128 random bits of the wallet's own, in base64url.
    pub nonce: &'a str,
}

/// Binds what a holder shows to this moment: appends the key-binding token to `shown`, which ends in `~`
/// ([`crate::sd_jwt::select`]). `sign` gives the 64 bytes of the signature over the bytes that it is handed.
///
/// # Errors
/// What `sign` says.
pub fn bind<E>(
    shown: &str,
    binding: &Binding<'_>,
    algorithm: Algorithm,
    sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
) -> Result<String, E> {
    let mut header = String::from(r#"{"alg":"#);
    push_string(&mut header, algorithm.name());
    header.push_str(r#","typ":"#);
    push_string(&mut header, TYPE);
    header.push('}');
    let mut claims = alloc::format!(r#"{{"iat":{},"aud":"#, binding.issued.0);
    push_string(&mut claims, binding.audience);
    claims.push_str(r#","nonce":"#);
    push_string(&mut claims, binding.nonce);
    claims.push_str(r#","sd_hash":"#);
    push_string(&mut claims, &encode_base64url(&Sha256::digest(shown.as_bytes())));
    claims.push('}');
    let input = jws::signing_input(&header, &claims);
    let signature = sign(input.as_bytes())?;
    let mut bound = String::from(shown);
    bound.push_str(&jws::compact(&input, &signature));
    Ok(bound)
}

impl fmt::Debug for Claims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("issued", &self.issued).finish_non_exhaustive()
    }
}

/// `typ` of a key-binding token (RFC 9901 section 4.3).
const TYPE: &str = "kb+jwt";

/// For whom a live code is: for whoever stands before its holder (specs/presentation.md, "Live code").
pub const LIVE_AUDIENCE: &str = "urn:sillok:in-person";

/// How far `iat` may be from now, both ways: 30 seconds in which a code is live and 30 for clocks that differ
/// (specs/presentation.md, "Live code").
pub const WINDOW_SECONDS: u64 = 60;

/// `specs/presentation.md#limits`: four times what the longest nonce and a usual audience take.
pub const MAX_KEY_BINDING_BYTES: usize = 2_048;

/// `specs/presentation.md#key-binding`: 96 bits in base64url.
const MIN_NONCE_CHARACTERS: usize = 16;

/// `specs/presentation.md#key-binding`.
const MAX_NONCE_CHARACTERS: usize = 256;
