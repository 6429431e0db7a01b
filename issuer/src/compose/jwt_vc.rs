//! W3C VC 1.1 in a JWT: the payload of `jwt_vc_json`.

use serde::Serialize;
use serde_json::Value;

use super::{
    ComposeError, Composition, Confirmation, TokenStatus, context_url, date_time_stamp, issuer_id,
    numeric_date, status_uri, unfit,
};

/// The payload, members in the order of specs/credential.md.
#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    jti: &'a str,
    nbf: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    vc: Credential<'a>,
    status: TokenStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

/// W3C VC Data Model 1.1 section 4, with the members that the JWT has as well (section 6.3.1).
#[derive(Serialize)]
struct Credential<'a> {
    #[serde(rename = "@context")]
    context: [&'a str; 2],
    id: &'a str,
    #[serde(rename = "type")]
    types: [&'a str; 2],
    issuer: &'a str,
    #[serde(rename = "issuanceDate")]
    issued: String,
    #[serde(rename = "expirationDate")]
    expires: String,
    #[serde(rename = "credentialSubject")]
    subject: Subject<'a>,
    #[serde(rename = "credentialStatus")]
    status: StatusEntry<'a>,
}

#[derive(Serialize)]
struct Subject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(flatten)]
    claims: &'a serde_json::Map<String, Value>,
}

/// One entry, with an id, which VC 1.1 asks for (section 4.9).
#[derive(Serialize)]
struct StatusEntry<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "statusPurpose")]
    purpose: &'static str,
    #[serde(rename = "statusListIndex")]
    index: &'a str,
    #[serde(rename = "statusListCredential")]
    list: &'a str,
}

//= specs/credential.md#form-jwt_vc_json
pub(super) fn compose(of: &Composition<'_>) -> Result<String, ComposeError> {
    let claims = of.claims.0.as_object().ok_or_else(|| unfit(&"claims are no object"))?;
    // It would be another name for the holder.
    if claims.contains_key("id") {
        return Err(ComposeError::Claim { name: "id".into() });
    }
    let issuer = issuer_id(of.format, of.issuer);
    let context = context_url(of.issuer, of.kind);
    let index = of.slot.index.to_string();
    let list = format!("{}/revocation", status_uri(of.issuer, &of.slot));
    let status = StatusEntry {
        id: format!("{list}#{index}"),
        kind: "BitstringStatusListEntry",
        purpose: "revocation",
        index: &index,
        list: &list,
    };
    let payload = Payload {
        iss: &issuer,
        jti: of.id,
        nbf: numeric_date(of.valid_from)?,
        exp: numeric_date(of.valid_until())?,
        sub: of.holder_did,
        vc: Credential {
            context: [CONTEXT, &context],
            id: of.id,
            types: ["VerifiableCredential", of.kind.type_name()],
            issuer: &issuer,
            issued: date_time_stamp(of.valid_from)?,
            expires: date_time_stamp(of.valid_until())?,
            subject: Subject { id: of.holder_did, claims },
            status,
        },
        status: TokenStatus::of(of),
        cnf: Confirmation::of(of.holder)?,
    };
    serde_json::to_string(&payload).map_err(|source| ComposeError::Json { source })
}

/// The base context of W3C VC 1.1 (section 4.1).
const CONTEXT: &str = "https://www.w3.org/2018/credentials/v1";
