//! The other forms of the sound credential, and what is refused in each.

use super::super::Vector;
use super::super::forms::{self, DID, END, ID, token_status, vc_members, vct};
use super::super::world::{ISSUER, Plan, SLOT, START, list_uri};
use super::judged;
use crate::reference::credential::{IssuerKey, status_entries, status_entry};
use crate::reference::json::{array, object, string};
use crate::reference::presentation;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(dc_refused());
    all.extend(dc_brought());
    all.extend(dc_status());
    all.extend(jwt_refused());
    all.extend(jwt_dates());
    all.extend(jwt_status());
    all
}

const DC: &str = "form-dcsd-jwt";
const JWT: &str = "form-jwt_vc_json";

/// An SD-JWT VC after a change, with all that it hides.
fn dc(name: &str, code: &str, comment: &str, change: impl FnOnce(&mut Plan)) -> Vector {
    let mut plan = Plan::default();
    forms::dc_sd_jwt(&mut plan);
    change(&mut plan);
    let shown = forms::whole(&plan.credential());
    judged(&format!("dc-sd-jwt-{name}"), code, DC, comment, shown.as_bytes(), &plan.key)
}

/// A VC 1.1 in a JWT after a change.
fn jwt(name: &str, code: &str, comment: &str, change: impl FnOnce(&mut Plan)) -> Vector {
    let mut plan = Plan::default();
    forms::jwt_vc_json(&mut plan);
    change(&mut plan);
    judged(&format!("jwt-vc-{name}"), code, JWT, comment, plan.credential().as_bytes(), &plan.key)
}

/// The same with a member of `vc` in place of another, or more.
fn inside(name: &str, code: &str, comment: &str, member: &'static str, value: &str) -> Vector {
    jwt(name, code, comment, |plan| {
        let mut members = vc_members();
        members.retain(|(old, _)| *old != member);
        if !value.is_empty() {
            members.push((member, value.into()));
        }
        plan.set("vc", object(&members));
    })
}

const BAD: &str = "credential.nonconforming";

fn good() -> Vec<Vector> {
    let cnf = object(&[("jwk", IssuerKey::p256(15).jwk())]);
    let mut sd = Plan::default();
    forms::vc_sd_jwt(&mut sd);
    let subject = object(&[("id", string("did:example:holder")), ("doses", forms::doses())]);
    let mut named = vc_members();
    named.retain(|(name, _)| *name != "credentialSubject");
    named.push(("credentialSubject", subject));
    let mut sparse = vc_members();
    sparse.retain(|(name, _)| !["id", "issuer", "issuanceDate", "expirationDate"].contains(name));
    let sd_shown = forms::whole(&sd.credential());
    vec![
        judged("vc-sd-jwt", "ok", "forms", "VC 2.0, parts hidden", sd_shown.as_bytes(), &sd.key),
        dc("sound", "ok", "an SD-JWT VC", |_| ()),
        dc("holder", "ok", "cnf names the holder's key", |plan| plan.set("cnf", cnf.clone())),
        dc("integrity", "ok", "the digest of the type's metadata", |plan| {
            plan.set("vct#integrity", string("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
        }),
        dc("without-end", "ok", "exp is optional", |plan| plan.payload.retain(|(name, _)| *name != "exp")),
        dc("by-did", "ok", "the issuer is named by its did:web", forms::by_did),
        jwt("sound", "ok", "a VC 1.1", |_| ()),
        jwt("holder", "ok", "cnf names the holder's key", |plan| plan.set("cnf", cnf.clone())),
        jwt("by-did", "ok", "the issuer is named by its did:web", forms::by_did),
        jwt("subject-id", "ok", "the subject has an id, which is sub", |plan| {
            plan.set("vc", object(&named));
            plan.set("sub", string("did:example:holder"));
        }),
        jwt("sparse", "ok", "nothing is said twice", |plan| plan.set("vc", object(&sparse))),
    ]
}

fn dc_refused() -> Vec<Vector> {
    let set = |name: &str, comment: &str, member: &'static str, value: &str| {
        dc(name, BAD, comment, |plan| plan.set(member, value.into()))
    };
    let without = |member: &str| {
        dc(&format!("without-{member}"), BAD, "it must be there", |plan| {
            plan.payload.retain(|(name, _)| *name != member);
        })
    };
    vec![
        without("jti"),
        without("nbf"),
        without("vct"),
        without("status"),
        set(
            "vct-elsewhere",
            "a type of somebody else's",
            "vct",
            "\"https://other.example/credential-types/A/v1\"",
        ),
        set("vct-name", "no URL of a type", "vct", &string(&vct().replace("Vaccination", "../"))),
        set("vct-version", "another version", "vct", &string(&vct().replace("/v1", "/v2"))),
        set("vct-number", "a type is a string", "vct", "1"),
        set("integrity-number", "a digest is a string", "vct#integrity", "1"),
        set("jti-no-url", "an id is a URL", "jti", "\"1\""),
        set("nbf-string", "a date is a number", "nbf", &string(&START.to_string())),
        set("exp-before-nbf", "it ends before it begins", "exp", &(START - 1).to_string()),
        set("vc-claim", "the claim of VC 1.1", "vc", "{}"),
        set("context", "a context of W3C", "@context", "[\"https://www.w3.org/ns/credentials/v2\"]"),
        set("subject-claim", "the subject of a W3C document", "credentialSubject", "{\"a\":1}"),
        set("cnf-hidden-inside", "a part of cnf is hidden", "cnf", "{\"_sd\":[\"x\"]}"),
        dc("status-hidden-inside", BAD, "a part of status is hidden", |plan| {
            plan.set("status", "{\"_sd\":[\"x\"]}".into());
        }),
        {
            let mut plan = Plan::default();
            forms::dc_sd_jwt(&mut plan);
            judged(
                "dc-sd-jwt-alone",
                "header.wrong-type",
                DC,
                "without any ~ it is no SD-JWT",
                plan.credential().as_bytes(),
                &plan.key,
            )
        },
    ]
}

/// A claim that a verifier decides by is in a disclosure: instead of `member`, or beside it.
fn brought(name: &str, code: &str, comment: &str, (claim, value): (&str, &str), member: &str) -> Vector {
    let text = presentation::member(9, claim, value);
    let mut plan = Plan::default();
    forms::dc_sd_jwt(&mut plan);
    plan.payload.retain(|(old, _)| *old != member && *old != "_sd");
    plan.payload.push(presentation::digests(&[&text]));
    let shown = presentation::shown(&plan.credential(), &[&text]);
    judged(&format!("dc-sd-jwt-{name}"), code, DC, comment, shown.as_bytes(), &plan.key)
}

fn dc_brought() -> Vec<Vector> {
    let jwk = object(&[("jwk", IssuerKey::p256(16).jwk())]);
    let (start, end) = (START.to_string(), END.to_string());
    let forbidden = "disclosure.forbidden-name";
    vec![
        brought("nbf-hidden", BAD, "the beginning is kept back", ("nbf", &start), "nbf"),
        brought("exp-brought", forbidden, "an end that the holder shows or not", ("exp", &end), "exp"),
        brought("cnf-brought", forbidden, "a key that the holder shows or not", ("cnf", &jwk), "cnf"),
        brought(
            "vct-integrity-brought",
            forbidden,
            "a digest that the holder shows or not",
            ("vct#integrity", "\"x\""),
            "vct#integrity",
        ),
    ]
}

fn dc_status() -> Vec<Vector> {
    let status = |name: &str, comment: &str, value: &str| {
        dc(&format!("status-{name}"), BAD, comment, |plan| plan.set("status", value.into()))
    };
    let entry = |idx: &str, uri: &str| {
        object(&[("status_list", object(&[("idx", idx.into()), ("uri", string(uri))]))])
    };
    let uri = format!("{}/token", list_uri());
    vec![
        status("empty", "no list", "{}"),
        status("string", "an object", "\"x\""),
        status("index-string", "an index is a number", &entry("\"5\"", &uri)),
        status("index-negative", "an index is a number from 0", &entry("-1", &uri)),
        status("no-token", "a list is named by its token", &entry("5", &list_uri())),
        status("no-url", "a list is a URL", &entry("5", "/token")),
        status("two", "another mechanism beside it", &token_status().replacen('{', "{\"other\":{},", 1)),
        status("w3c", "entries of W3C", &status_entries(&list_uri(), "5")),
    ]
}

fn jwt_refused() -> Vec<Vector> {
    let set = |name: &str, comment: &str, member: &'static str, value: &str| {
        jwt(name, BAD, comment, |plan| plan.set(member, value.into()))
    };
    let without = |member: &str| {
        jwt(&format!("without-{member}"), BAD, "it must be there", |plan| {
            plan.payload.retain(|(name, _)| *name != member);
        })
    };
    let v2 = array(&[string("https://www.w3.org/ns/credentials/v2")]);
    vec![
        without("jti"),
        without("nbf"),
        without("vc"),
        without("status"),
        set("vc-array", "one credential", "vc", "[]"),
        set("beside-issuer", "a member of VC 2.0 beside the claims", "issuer", &string(ISSUER)),
        set("beside-subject", "a subject beside vc", "credentialSubject", "{\"a\":1}"),
        set("beside-context", "a context beside vc", "@context", &v2),
        set("beside-vct", "the type of an SD-JWT VC", "vct", &string(&vct())),
        set("vp", "a presentation", "vp", "{}"),
        set(
            "jti-other",
            "another id than vc has",
            "jti",
            "\"urn:uuid:00000000-0000-4000-8000-000000000000\"",
        ),
        set("sub-alone-no-url", "sub is a URL", "sub", "\"holder\""),
        inside("context-v2", BAD, "the context of VC 2.0", "@context", &v2),
        inside("type-missing", BAD, "no VerifiableCredential", "type", "[\"VaccinationCredential\"]"),
        inside("subjects", BAD, "one subject", "credentialSubject", "[{\"a\":1}]"),
        inside("subject-empty", BAD, "the subject says something", "credentialSubject", "{}"),
        inside(
            "subject-id-without-sub",
            BAD,
            "the id of the subject is sub",
            "credentialSubject",
            "{\"id\":\"did:example:a\"}",
        ),
        inside("valid-from", BAD, "a date of VC 2.0", "validFrom", "\"2026-01-01T00:00:00Z\""),
        inside(
            "issuer-other",
            "credential.issuer-mismatch",
            "another issuer than iss",
            "issuer",
            "\"https://other.example\"",
        ),
        inside(
            "issuer-did-beside-url",
            "credential.issuer-mismatch",
            "another name for the issuer",
            "issuer",
            &string(DID),
        ),
        inside(
            "issuer-without-id",
            "credential.issuer-mismatch",
            "an issuer without id",
            "issuer",
            "{\"name\":\"A\"}",
        ),
        jwt("id-other-spelling", "ok", "an id that vc does not repeat", |plan| {
            let mut members = vc_members();
            members.retain(|(name, _)| *name != "id");
            plan.set("vc", object(&members));
            plan.set("jti", string(&ID.to_uppercase().replace("URN:UUID", "urn:uuid")));
        }),
    ]
}

fn jwt_dates() -> Vec<Vector> {
    vec![
        inside("issued-earlier", BAD, "a second before nbf", "issuanceDate", "\"2025-12-31T23:59:59Z\""),
        inside(
            "issued-other-zone",
            "ok",
            "the same instant as nbf",
            "issuanceDate",
            "\"2026-01-01T09:00:00+09:00\"",
        ),
        inside("issued-number", BAD, "a date is a text", "issuanceDate", &START.to_string()),
        inside("expires-later", BAD, "a second after exp", "expirationDate", "\"2028-01-01T00:00:01Z\""),
        jwt("expires-without-exp", BAD, "an end that only vc knows", |plan| {
            plan.payload.retain(|(name, _)| *name != "exp");
        }),
        jwt("exp-before-nbf", BAD, "it ends before it begins", |plan| {
            let mut members = vc_members();
            members.retain(|(name, _)| *name != "expirationDate");
            plan.set("vc", object(&members));
            plan.set("exp", (START - 1).to_string());
        }),
    ]
}

fn jwt_status() -> Vec<Vector> {
    let status = |name: &str, comment: &str, value: &str| {
        inside(&format!("status-{name}"), BAD, comment, "credentialStatus", value)
    };
    let (uri, slot) = (list_uri(), SLOT.to_string());
    vec![
        inside("status-missing", BAD, "no entry in vc", "credentialStatus", ""),
        status("two", "one entry, which some readers take alone", &status_entries(&uri, &slot)),
        status("suspension", "it is for revocation", &status_entry(&uri, "suspension", &slot)),
        status("other-slot", "another slot than status has", &status_entry(&uri, "revocation", "6")),
        status(
            "other-list",
            "another list than status has",
            &status_entry(&format!("{uri}0"), "revocation", &slot),
        ),
    ]
}
