//! The sound credential in its other forms: each changes the plan of a world.

use super::world::{ISSUER, Plan, SLOT, START, list_uri};
use crate::reference::credential::{IssuerKey, status_entry};
use crate::reference::json::{array, object, string};
use crate::reference::presentation::{digests, member, shown};

/// 2028-01-01T00:00:00Z.
pub const END: u64 = 1_830_297_600;
/// The id of the credential, whatever its form.
pub const ID: &str = "urn:uuid:5a2c3bd4-0e1f-4a6b-8c7d-9e0f1a2b3c4d";
/// The did:web of the issuer.
pub const DID: &str = "did:web:issuer.example";

/// The type of the credential as a URL.
#[must_use]
pub fn vct() -> String {
    format!("{ISSUER}/credential-types/VaccinationCredential/v1")
}

/// The header of a form.
#[must_use]
pub fn header(key: &IssuerKey, typ: &str) -> String {
    object(&[("alg", string(key.algorithm())), ("typ", string(typ)), ("kid", string(&key.kid()))])
}

/// What is hidden in the forms that can hide: family name, given name, date of birth.
#[must_use]
pub fn disclosures() -> [String; 3] {
    [
        member(1, "familyName", &string("\u{d64d}")),
        member(2, "givenName", &string("\u{ae38}\u{b3d9}")),
        member(3, "birthDate", &string("1990-03-01")),
    ]
}

/// The doses, which are in the clear.
#[must_use]
pub fn doses() -> String {
    array(&[object(&[("number", "1".into()), ("date", string("2025-12-20")), ("vaccine", string("207"))])])
}

/// The digests of what is hidden.
#[must_use]
pub fn hidden() -> (&'static str, String) {
    let all = disclosures();
    digests(&all.each_ref().map(String::as_str))
}

/// `status` of the slot of the credential.
#[must_use]
pub fn token_status() -> String {
    let uri = format!("{}/token", list_uri());
    object(&[("status_list", object(&[("idx", SLOT.to_string()), ("uri", string(&uri))]))])
}

/// W3C VC 2.0 with a subject of which parts are hidden.
pub fn vc_sd_jwt(plan: &mut Plan) {
    plan.header = plan.header.replace("vc+jwt", "vc+sd-jwt");
    plan.set("credentialSubject", object(&[("doses", doses()), hidden()]));
    plan.set("_sd_alg", string("sha-256"));
}

/// An SD-JWT VC.
pub fn dc_sd_jwt(plan: &mut Plan) {
    plan.header = header(&plan.key, "dc+sd-jwt");
    plan.payload = vec![
        ("iss", string(ISSUER)),
        ("jti", string(ID)),
        ("nbf", START.to_string()),
        ("exp", END.to_string()),
        ("vct", string(&vct())),
        ("status", token_status()),
        ("doses", doses()),
        hidden(),
        ("_sd_alg", string("sha-256")),
    ];
}

/// The members of `vc` of a sound `jwt_vc_json`.
#[must_use]
pub fn vc_members() -> Vec<(&'static str, String)> {
    let subject = object(&[
        ("familyName", string("\u{d64d}")),
        ("givenName", string("\u{ae38}\u{b3d9}")),
        ("birthDate", string("1990-03-01")),
        ("doses", doses()),
    ]);
    vec![
        ("@context", array(&[string("https://www.w3.org/2018/credentials/v1")])),
        ("id", string(ID)),
        ("type", array(&[string("VerifiableCredential"), string("VaccinationCredential")])),
        ("issuer", string(ISSUER)),
        ("issuanceDate", string("2026-01-01T00:00:00Z")),
        ("expirationDate", string("2028-01-01T00:00:00Z")),
        ("credentialSubject", subject),
        ("credentialStatus", status_entry(&list_uri(), "revocation", &SLOT.to_string())),
    ]
}

/// VC 1.1 in a JWT.
pub fn jwt_vc_json(plan: &mut Plan) {
    plan.header = header(&plan.key, "JWT");
    plan.payload = vec![
        ("iss", string(ISSUER)),
        ("jti", string(ID)),
        ("nbf", START.to_string()),
        ("exp", END.to_string()),
        ("vc", object(&vc_members())),
        ("status", token_status()),
    ];
}

/// Names the issuer by its did:web, in whatever form.
pub fn by_did(plan: &mut Plan) {
    plan.header = plan.header.replace("\"kid\":\"", &format!("\"kid\":\"{DID}#"));
    for (name, value) in &mut plan.payload {
        match *name {
            "iss" | "issuer" => *value = string(DID),
            "vc" => {
                *value = value.replace(&format!("\"issuer\":\"{ISSUER}\""), &format!("\"issuer\":\"{DID}\""))
            }
            _other => {}
        }
    }
}

/// What is shown of an SD-JWT with everything that it hides, or nothing.
#[must_use]
pub fn whole(token: &str) -> String {
    shown(token, &disclosures().each_ref().map(String::as_str))
}
