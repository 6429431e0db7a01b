//! The id of a credential, read from its own bytes.

use anyhow::anyhow;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::jws::MAX_TOKEN_BYTES;

/// Reads the id from a credential of whatever form: a compact JWS, or one with disclosures behind it. Nothing is verified: it is the
/// name by which its issuer is asked.
pub(crate) fn credential_id(credential: &str) -> anyhow::Result<String> {
    let mut parts = credential.trim().split('~').next().unwrap_or_default().split('.');
    let (Some(_header), Some(payload), Some(_signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(anyhow!("credential is no compact JWS"));
    };
    let payload =
        decode_base64url(payload.as_bytes()).ok_or_else(|| anyhow!("credential is no base64url"))?;
    let payload = Json::parse(&payload, &LIMITS)
        .map_err(|error| anyhow!("payload of the credential is refused: {error}"))?;
    // W3C VC 2.0 has `id`; SD-JWT VC and VC 1.1 have the claim `jti` of JWTs.
    let claims = payload.object().map_err(|error| anyhow!("credential has no claims: {error}"))?;
    let id = if claims.get("id").is_some() { claims.string("id") } else { claims.string("jti") };
    id.map(String::from).map_err(|_no_text| anyhow!("credential has no id: neither id nor jti is a text"))
}

const LIMITS: Limits = Limits { bytes: MAX_TOKEN_BYTES, depth: 16, values: 4_096 };

#[cfg(test)]
mod tests {
    use sillok_verifier::encoding::encode_base64url;

    use super::credential_id;

    #[test]
    fn of_every_form() {
        let token = |payload: &str| format!("e30.{}.AA", encode_base64url(payload.as_bytes()));
        let of_vc = token(r#"{"id":"urn:uuid:1"}"#);
        assert_eq!(credential_id(&of_vc).unwrap(), "urn:uuid:1");
        assert_eq!(credential_id(&format!("{of_vc}~WyJzIl0~\n")).unwrap(), "urn:uuid:1");
        let of_jwt = token(r#"{"jti":"urn:uuid:2","vc":{"id":"urn:uuid:2"}}"#);
        assert_eq!(credential_id(&of_jwt).unwrap(), "urn:uuid:2");
        assert_eq!(credential_id(&format!("{of_jwt}~WyJzIl0~e30.e30.AA")).unwrap(), "urn:uuid:2");
        for malformed in ["", "~", "e30.e30", "e30.e30.AA", "e30.!.AA", &token(r#"{"jti":2}"#), &token("[]")]
        {
            assert!(credential_id(malformed).is_err(), "{malformed} has an id");
        }
    }
}
