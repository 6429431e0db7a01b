//! IETF SD-JWT VC: the payload of `dc+sd-jwt`.

use serde::Serialize;
use serde_json::value::RawValue;
use sillok_verifier::credential::IN_THE_CLEAR;
use sillok_verifier::json::Object;
use sillok_verifier::sd_jwt::Concealed;

use super::{
    ComposeError, Composed, Composition, Confirmation, SD_ALGORITHM, TokenStatus, hide, issuer_id,
    numeric_date, raw, unfit, vct,
};

/// The claims about the credential, in the order of specs/credential.md; those about its subject follow.
#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    jti: &'a str,
    nbf: u64,
    exp: u64,
    vct: &'a str,
    #[serde(rename = "vct#integrity")]
    integrity: &'a str,
    status: TokenStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    #[serde(rename = "_sd_alg", skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
    #[serde(flatten)]
    subject: std::collections::BTreeMap<&'a str, Box<RawValue>>,
}

//= specs/credential.md#form-dcsd-jwt
pub(super) fn compose(
    of: &Composition<'_>,
    random: &mut dyn FnMut() -> [u8; 16],
) -> Result<Composed, ComposeError> {
    let claims = of.claims.0.as_object().ok_or_else(|| unfit(&"claims are no object"))?;
    if let Some(name) = claims.keys().find(|name| is_taken(name)) {
        return Err(ComposeError::Claim { name: name.clone() });
    }
    let Concealed { value, disclosures } = hide(of, random)?;
    let members = value.object().map(Object::members).map_err(|error| unfit(&error))?;
    let subject =
        members.map(|(name, value)| Ok((name, raw(value)?))).collect::<Result<_, ComposeError>>()?;
    let metadata = of.kind.metadata(of.issuer);
    let payload = Payload {
        iss: &issuer_id(of.format, of.issuer),
        jti: of.id,
        nbf: numeric_date(of.valid_from)?,
        exp: numeric_date(of.valid_until())?,
        vct: &vct(of.issuer, of.kind),
        integrity: &metadata.integrity,
        status: TokenStatus::of(of),
        cnf: Confirmation::of(of.holder)?,
        algorithm: (!of.kind.selective().is_empty()).then_some(SD_ALGORITHM),
        subject,
    };
    let payload = serde_json::to_string(&payload).map_err(|source| ComposeError::Json { source })?;
    Ok(Composed { payload, disclosures })
}

/// Whether a name is that of a claim about the credential.
fn is_taken(name: &str) -> bool {
    IN_THE_CLEAR.contains(&name) || name == "_sd_alg"
}
