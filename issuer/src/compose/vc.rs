//! W3C VC 2.0: the payload of `vc+jwt`, and of `vc+sd-jwt` with a subject in which something is hidden.

use serde::Serialize;

use super::{ComposeError, Composition, Confirmation, context_url, date_time_stamp, status_uri};

/// The payload, members in the order of specs/credential.md.
#[derive(Serialize)]
struct Payload<'a, S> {
    #[serde(rename = "@context")]
    context: [&'a str; 2],
    id: &'a str,
    #[serde(rename = "type")]
    types: [&'a str; 2],
    issuer: Issuer<'a>,
    iss: &'a str,
    #[serde(rename = "validFrom")]
    valid_from: String,
    #[serde(rename = "validUntil")]
    valid_until: String,
    #[serde(rename = "credentialSubject")]
    subject: &'a S,
    #[serde(rename = "credentialStatus")]
    status: [StatusEntry<'a>; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    #[serde(rename = "_sd_alg", skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
}

#[derive(Serialize)]
struct Issuer<'a> {
    id: &'a str,
    name: &'a str,
}

/// W3C Bitstring Status List v1.0 section 2.1.
#[derive(Serialize)]
struct StatusEntry<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "statusPurpose")]
    purpose: &'static str,
    #[serde(rename = "statusListIndex")]
    index: &'a str,
    #[serde(rename = "statusListCredential")]
    list: String,
}

//= specs/credential.md#payload
pub(super) fn compose(
    of: &Composition<'_>,
    subject: &impl Serialize,
    algorithm: Option<&'static str>,
) -> Result<String, ComposeError> {
    let context = context_url(of.issuer, of.kind);
    let index = of.slot.index.to_string();
    let uri = status_uri(of.issuer, &of.slot);
    //= specs/credential.md#credentialstatus
    let status = ["revocation", "suspension"].map(|purpose| StatusEntry {
        kind: "BitstringStatusListEntry",
        purpose,
        index: &index,
        list: format!("{uri}/{purpose}"),
    });
    let payload = Payload {
        context: [CONTEXT, &context],
        id: of.id,
        types: ["VerifiableCredential", of.kind.type_name()],
        issuer: Issuer { id: of.issuer, name: of.issuer_name },
        iss: of.issuer,
        valid_from: date_time_stamp(of.valid_from)?,
        valid_until: date_time_stamp(of.valid_until())?,
        subject,
        status,
        cnf: Confirmation::of(of.holder)?,
        algorithm,
    };
    serde_json::to_string(&payload).map_err(|source| ComposeError::Json { source })
}

/// The base context of W3C VC 2.0 (section 4.3).
const CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
