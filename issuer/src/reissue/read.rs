//! What a credential that was issued here says, read again from its own bytes: what another one of it is made of.

use serde_json::Value;
use sillok_log::UnixSeconds;
use sillok_verifier::credential::IN_THE_CLEAR;
use sillok_verifier::datetime::parse_date_time_stamp;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::{Json, Limits, Object};
use sillok_verifier::key::PublicKey;
use sillok_verifier::sd_jwt::{Hidden, reveal};

use crate::format::Format;
use crate::http::body::to_value;

/// What a credential says. No `Debug`: it is about a person.
pub(crate) struct Read {
    /// Its form.
    pub(crate) format: Format,
    /// What it says in `type`, beside `VerifiableCredential`.
    pub(crate) type_name: String,
    /// The claims, with whatever the holder may hide.
    pub(crate) claims: Value,
    /// The holder's key.
    pub(crate) holder_key: Option<PublicKey>,
    /// What the holder's wallet calls it.
    pub(crate) holder_did: Option<String>,
    /// From when on it is valid.
    pub(crate) valid_from: UnixSeconds,
    /// Until when.
    pub(crate) valid_until: UnixSeconds,
}

impl Read {
    /// Reads a credential as it was handed over, with its disclosures. It was signed and checked here, and is not again.
    /// Nothing if it is in no form that is composed here.
    pub(crate) fn parse(credential: &str) -> Option<Self> {
        let (token, disclosures) = match credential.split_once('~') {
            Some((token, rest)) => (token, Some(rest)),
            None => (credential, None),
        };
        let payload = decode_base64url(token.split('.').nth(1)?.as_bytes())?;
        let payload = Json::parse(&payload, &LIMITS).ok()?;
        let document = match disclosures {
            None => payload,
            Some(rest) => {
                let disclosures = rest.split('~').filter(|one| !one.is_empty()).map(str::as_bytes);
                reveal(&payload, &disclosures.collect::<Vec<_>>(), Hidden::Anywhere).ok()?
            }
        };
        let members = document.object().ok()?;
        if members.get("vct").is_some() {
            return Self::sd_jwt_vc(members);
        }
        if let Some(inner) = members.get("vc") {
            return Self::jwt_vc(members, inner.object().ok()?);
        }
        // A document that was brought whole is not composed again: what else it says would get lost.
        if !members.members().all(|(name, _value)| COMPOSED.contains(&name)) {
            return None;
        }
        let format = if disclosures.is_some() { Format::VcSdJwt } else { Format::VcJwt };
        let time = |name: &str| parse_date_time_stamp(members.string(name).ok()?);
        Some(Self {
            format,
            type_name: type_name(members)?,
            claims: to_value(members.get("credentialSubject")?),
            holder_key: holder_key(members),
            holder_did: None,
            valid_from: time("validFrom")?,
            valid_until: time("validUntil")?,
        })
    }

    //= specs/credential.md#form-jwt_vc_json
    fn jwt_vc(members: &Object, inner: &Object) -> Option<Self> {
        let subject = inner.object("credentialSubject").ok()?;
        let claims = subject.members().filter(|(name, _value)| *name != "id");
        Some(Self {
            format: Format::JwtVcJson,
            type_name: type_name(inner)?,
            claims: Value::Object(claims.map(|(name, value)| (name.to_owned(), to_value(value))).collect()),
            holder_key: holder_key(members),
            holder_did: members.string("sub").ok().map(str::to_owned),
            valid_from: UnixSeconds(members.unsigned("nbf").ok()?),
            valid_until: UnixSeconds(members.unsigned("exp").ok()?),
        })
    }

    //= specs/credential.md#form-dcsd-jwt
    fn sd_jwt_vc(members: &Object) -> Option<Self> {
        let claims = members.members().filter(|(name, _value)| !IN_THE_CLEAR.contains(name));
        // `<issuer>/credential-types/<type>/v1`.
        let type_name = members.string("vct").ok()?.rsplit('/').nth(1)?;
        Some(Self {
            format: Format::DcSdJwt,
            type_name: type_name.to_owned(),
            claims: Value::Object(claims.map(|(name, value)| (name.to_owned(), to_value(value))).collect()),
            holder_key: holder_key(members),
            holder_did: None,
            valid_from: UnixSeconds(members.unsigned("nbf").ok()?),
            valid_until: UnixSeconds(members.unsigned("exp").ok()?),
        })
    }
}

fn type_name(members: &Object) -> Option<String> {
    let types = members.array("type").ok()?.iter().filter_map(|name| name.string().ok());
    types.filter(|name| *name != "VerifiableCredential").map(str::to_owned).next()
}

/// `cnf.jwk` (RFC 7800 section 3.2).
fn holder_key(members: &Object) -> Option<PublicKey> {
    PublicKey::from_jwk(members.object("cnf").ok()?.get("jwk")?).ok()
}

/// All members of a W3C VC 2.0 that is composed here.
const COMPOSED: [&str; 10] = [
    "@context",
    "cnf",
    "credentialStatus",
    "credentialSubject",
    "id",
    "iss",
    "issuer",
    "type",
    "validFrom",
    "validUntil",
];

/// Those of a credential (specs/credential.md).
const LIMITS: Limits = Limits { bytes: 16_384, depth: 16, values: 2_048 };
