//! Key proofs of type `jwt` (OpenID4VCI 1.0 appendix F.1): that whoever asks for a credential has the key it will be bound to.
//!
//! Read with the verifier's own strict base64url and JSON. A proof is no token of [`sillok_verifier::jws`], which names its
//! key by a thumbprint: here the key comes along, and proves nothing but itself.

use sillok_log::UnixSeconds;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::{Json, Limits, Object};
use sillok_verifier::key::{Algorithm, PublicKey};

use super::did;
use crate::records::HolderKey;

/// A key proof whose form and signature are right. Whether it was made for us and now, [`Proof::check`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The key that it proves.
    pub holder: HolderKey,
    /// The claim `nonce`; none is an error that [`Proof::check`] tells.
    pub nonce: Option<String>,
    audience: String,
    issuer: Option<String>,
    issued: u64,
}

impl Proof {
    /// Reads a proof and checks its signature.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence without its content.
    //= specs/openid.md#key-proofs
    pub fn open(token: &str) -> Result<Self, String> {
        let Unverified { proof, signing_input, signature } = read(token)?;
        let verified = proof.holder.key.verify(signing_input.as_bytes(), &signature);
        verified.map_err(|_wrong| "has a signature that does not verify with its key")?;
        Ok(proof)
    }

    /// Whether it was made for `audience`, lately, and by `client` if the wallet said who it is.
    ///
    /// # Errors
    /// What is wrong with it.
    //= specs/openid.md#key-proofs
    pub fn check(
        &self,
        audience: &str,
        is_client: impl FnOnce(&str) -> bool,
        now: UnixSeconds,
    ) -> Result<(), String> {
        if self.audience != audience {
            return Err("has a claim aud that is not the credential issuer".into());
        }
        if self.issuer.as_deref().is_some_and(|issuer| !is_client(issuer)) {
            return Err("has a claim iss that is not the client that got the token".into());
        }
        if self.issued > now.0.saturating_add(MAX_SKEW_SECONDS) {
            return Err("is from the future by its claim iat".into());
        }
        if self.issued.saturating_add(MAX_AGE_SECONDS + MAX_SKEW_SECONDS) < now.0 {
            return Err(format!("is older than {MAX_AGE_SECONDS} seconds by its claim iat"));
        }
        Ok(())
    }
}

/// A proof whose form is right.
struct Unverified<'a> {
    proof: Proof,
    signing_input: &'a str,
    signature: Vec<u8>,
}

fn read(token: &str) -> Result<Unverified<'_>, String> {
    if token.len() > MAX_PROOF_BYTES {
        return Err(format!("is longer than {MAX_PROOF_BYTES} bytes"));
    }
    let parts: Vec<&str> = token.splitn(4, '.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return Err("is not three parts separated by dots".into());
    };
    let signing_input = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
    let signature = decode_base64url(signature.as_bytes()).ok_or("has a signature that is not base64url")?;
    let header = part("header", header)?;
    let header = header.object().map_err(|error| format!("has a bad header: {error}"))?;
    let (algorithm, holder) = read_header(header)?;
    // The algorithm is the key's, never the header's choice.
    if holder.key.algorithm() != algorithm {
        return Err("has an alg that is not that of its key".into());
    }
    let payload = part("payload", payload)?;
    let claims = payload.object().map_err(|error| format!("has a bad payload: {error}"))?;
    let text = |name| -> Result<Option<String>, String> {
        let Some(value) = claims.get(name) else { return Ok(None) };
        let text = value.string().map_err(|_kind| format!("has a claim {name} that is no string"))?;
        Ok(Some(text.to_owned()))
    };
    let proof = Proof {
        holder,
        nonce: text("nonce")?,
        audience: text("aud")?.ok_or("has no claim aud")?,
        issuer: text("iss")?,
        issued: claims.unsigned("iat").map_err(|_error| "has no claim iat that is a whole number")?,
    };
    Ok(Unverified { proof, signing_input, signature })
}

fn part(name: &str, text: &str) -> Result<Json, String> {
    let bytes =
        decode_base64url(text.as_bytes()).ok_or_else(|| format!("has a {name} that is not base64url"))?;
    Json::parse(&bytes, &LIMITS).map_err(|error| format!("has a bad {name}: {error}"))
}

/// Unknown members are ignored (RFC 7515 section 4), those that would have to be understood are not.
fn read_header(header: &Object) -> Result<(Algorithm, HolderKey), String> {
    let text = |name| header.string(name).map_err(|error| format!("has a bad header: {error}"));
    if text("typ")? != TYPE {
        return Err(format!("has a typ that is not {TYPE}"));
    }
    if header.get("crit").is_some() {
        return Err("has a header member crit that names nothing known here".into());
    }
    let name = text("alg")?;
    let algorithm = Algorithm::from_name(name).ok_or("has an alg that is neither ES256 nor EdDSA")?;
    let named = ["jwk", "kid", "x5c"].map(|name| header.get(name));
    let holder = match named {
        [Some(jwk), None, None] => HolderKey {
            key: read_jwk(jwk).map_err(|problem| format!("has a jwk that {problem}"))?,
            did: None,
        },
        [None, Some(kid), None] => {
            let kid = kid.string().map_err(|_kind| "has a kid that is no string")?;
            let (did, key) = did::resolve(kid).map_err(|problem| format!("has a kid that {problem}"))?;
            HolderKey { key, did: Some(did.into()) }
        }
        [None, None, Some(_chain)] => {
            return Err("has an x5c, and only jwk, did:jwk and did:key are taken here".into());
        }
        _none_or_several => return Err("has not exactly one of jwk, kid and x5c".into()),
    };
    Ok((algorithm, holder))
}

/// The key of a JWK. Wallets add members that say nothing here; one of a private key is refused.
pub(super) fn read_jwk(jwk: &Json) -> Result<PublicKey, &'static str> {
    let members = jwk.object().map_err(|_kind| "is no object")?;
    if PRIVATE_MEMBERS.iter().any(|name| members.get(name).is_some()) {
        return Err("holds a private key");
    }
    let public = members.members().filter(|(name, _value)| PUBLIC_MEMBERS.contains(name));
    let public = public.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let public = Object::from_members(public).map(Json::Object);
    PublicKey::from_jwk(&public.ok_or("names a member twice")?)
        .map_err(|_error| "is no public key of kty EC with crv P-256, or of kty OKP with crv Ed25519")
}

/// Longest key proof in bytes: four claims and a key take some 700, a DID that is a key twice as much.
pub const MAX_PROOF_BYTES: usize = 3_072;

/// OpenID4VCI 1.0 appendix F.1.
const TYPE: &str = "openid4vci-proof+jwt";

/// How old a proof may be, in seconds: the wallet makes it when it asks, and its nonce bounds it as well.
const MAX_AGE_SECONDS: u64 = 300;

/// How far a wallet's clock may be off, in seconds: phones are set by hand.
const MAX_SKEW_SECONDS: u64 = 60;

/// RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "dp", "dq", "k", "oth", "p", "q", "qi"];

const PUBLIC_MEMBERS: [&str; 4] = ["crv", "kty", "x", "y"];

const LIMITS: Limits = Limits { bytes: MAX_PROOF_BYTES, depth: 6, values: 128 };

#[cfg(test)]
mod tests;
