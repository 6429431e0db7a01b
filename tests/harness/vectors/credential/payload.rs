//! What a payload says, and when it is good.

use super::super::Vector;
use super::super::world::{DAY, ISSUER, NOW, list_uri};
use super::{changed, status};
use crate::reference::credential::IssuerKey;
use crate::reference::json::{array, object, string};

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = good();
    all.extend(documents());
    all.extend(subjects());
    all.extend(statuses());
    all.extend(dates());
    all
}

/// A payload with this member instead.
fn with(name: &str, code: &str, comment: &str, member: &'static str, value: &str) -> Vector {
    changed(&format!("payload-{name}"), code, "payload", comment, |plan| plan.set(member, value.into()))
}

fn bad(name: &str, comment: &str, member: &'static str, value: &str) -> Vector {
    with(name, "credential.nonconforming", comment, member, value)
}

fn without(member: &str, comment: &str) -> Vector {
    let name = member.trim_start_matches('@').to_lowercase();
    changed(&format!("payload-without-{name}"), "credential.nonconforming", "payload", comment, |plan| {
        plan.payload.retain(|(name, _)| *name != member);
    })
}

fn good() -> Vec<Vector> {
    let named = object(&[("id", string(ISSUER)), ("name", string("Example Authority"))]);
    let cnf = object(&[("jwk", IssuerKey::p256(15).jwk())]);
    vec![
        with("unknown-member", "ok", "unknown members are ignored", "note", "{\"a\":[1,null,true]}"),
        with("issuer-object", "ok", "issuer may be an object with id", "issuer", &named),
        with("subjects", "ok", "an array of subjects", "credentialSubject", "[{\"a\":1},{\"b\":2}]"),
        with("holder", "ok", "cnf names the holder's key", "cnf", &cnf),
        changed("payload-without-validuntil", "ok", "payload", "validUntil is optional", |plan| {
            plan.payload.retain(|(name, _)| *name != "validUntil");
        }),
    ]
}

fn documents() -> Vec<Vector> {
    let v1 = array(&[string("https://www.w3.org/2018/credentials/v1")]);
    let second = array(&[string("https://example.org/v1"), string("https://www.w3.org/ns/credentials/v2")]);
    let mismatch = with(
        "iss-other",
        "credential.issuer-mismatch",
        "iss is another issuer",
        "iss",
        "\"https://other.example\"",
    );
    vec![
        bad("vc-claim", "the claim of VC 1.1", "vc", "{}"),
        bad("vp-claim", "a presentation", "vp", "{}"),
        without("@context", "a context is required"),
        bad("context-v1", "VC 1.1", "@context", &v1),
        bad("context-second", "the base context comes first", "@context", &second),
        bad("context-string", "an array", "@context", "\"https://www.w3.org/ns/credentials/v2\""),
        bad("context-empty", "an array with an item", "@context", "[]"),
        without("id", "an id is required"),
        bad("id-relative", "an absolute URL", "id", "\"credentials/1\""),
        bad("id-number", "a string", "id", "1"),
        without("type", "a type is required"),
        bad("type-other", "VerifiableCredential is among the types", "type", "[\"VaccinationCredential\"]"),
        bad("type-string", "an array", "type", "\"VerifiableCredential\""),
        mismatch,
        bad("cnf-string", "an object", "cnf", "\"key\""),
        bad(
            "schema-string",
            "credentialSchema is an object with id and type",
            "credentialSchema",
            "\"schema\"",
        ),
        bad(
            "terms-without-type",
            "termsOfUse has a type",
            "termsOfUse",
            "{\"id\":\"https://example.org/terms\"}",
        ),
        bad("evidence-without-type", "evidence has a type", "evidence", "[{\"a\":1}]"),
        bad("cnf-without-jwk", "with jwk", "cnf", "{\"kid\":\"1\"}"),
    ]
}

fn subjects() -> Vec<Vector> {
    vec![
        without("credentialSubject", "a subject is required"),
        bad("subject-empty", "no empty object", "credentialSubject", "{}"),
        bad("subject-one-empty", "no empty object in an array", "credentialSubject", "[{\"a\":1},{}]"),
        bad("subject-none", "no empty array", "credentialSubject", "[]"),
        bad("subject-string", "an object", "credentialSubject", "\"someone\""),
    ]
}

fn statuses() -> Vec<Vector> {
    let good = status("5");
    let bad = |name: &str, comment: &str, value: &str| {
        changed(&format!("status-{name}"), "credential.nonconforming", "credentialstatus", comment, |plan| {
            plan.set("credentialStatus", value.into());
        })
    };
    let list = list_uri();
    let first = good.split_once("},{").map(|(first, _)| format!("{first}}}]")).expect("two entries");
    let three = good.replace("}]", &format!("}},{}]", &first[1..first.len() - 1]));
    let another = r#"{"id":"https://status.example/7","type":"ExampleStatus"}"#;
    let too = good.replacen('[', &format!("[{another},"), 1);
    vec![
        without("credentialStatus", "a status is required"),
        changed(
            "status-of-another-mechanism-too",
            "ok",
            "credentialstatus",
            "ours are two of three",
            |plan| {
                plan.set("credentialStatus", too.clone());
            },
        ),
        bad(
            "of-two-types",
            "an entry of ours has one type",
            &too.replace("\"ExampleStatus\"", "[\"ExampleStatus\",\"BitstringStatusListEntry\"]"),
        ),
        bad("without-type", "an entry says of which type it is", &too.replace("\"ExampleStatus\"", "null")),
        bad("one-entry", "exactly two entries", &first),
        bad("three-entries", "exactly two entries", &three),
        bad("object", "an array", &first[1..first.len() - 1]),
        bad("same-purpose", "one entry for each purpose", &good.replace("suspension", "revocation")),
        bad(
            "other-purpose",
            "a purpose that we do not know",
            &good.replace("\"statusPurpose\":\"suspension\"", "\"statusPurpose\":\"message\""),
        ),
        bad("index-differs", "one slot", &good.replacen("\"5\"", "\"6\"", 1)),
        bad("index-number", "a string", &good.replace("\"5\"", "5")),
        bad("index-plus", "a number has no sign", &status("+5")),
        bad("index-leading-zero", "a number has no leading zero", &status("05")),
        bad("index-negative", "no number is negative", &status("-1")),
        bad("index-empty", "a number has a digit", &status("")),
        bad("index-space", "a number has no space", &status(" 5")),
        bad("index-2-64", "a number fits 64 bits", &status("18446744073709551616")),
        bad("two-lists", "one list", &good.replacen(&list, &format!("{list}0"), 1)),
        bad("purposes-exchanged", "the address says the purpose", &exchanged(&good)),
        bad(
            "type-other",
            "another mechanism",
            &good.replace("BitstringStatusListEntry", "StatusList2021Entry"),
        ),
        bad(
            "id-is-the-list",
            "an entry is not the list",
            &good.replacen('{', &format!("{{\"id\":\"{list}/revocation\","), 1),
        ),
    ]
}

/// The addresses of the two purposes, exchanged.
fn exchanged(entries: &str) -> String {
    entries
        .replace("/revocation\"", "/-\"")
        .replace("/suspension\"", "/revocation\"")
        .replace("/-\"", "/suspension\"")
}

fn dates() -> Vec<Vector> {
    let (past, future) = ((NOW - DAY).to_string(), (NOW + DAY).to_string());
    let now_text = "\"2026-01-03T00:00:00Z\"";
    let date = |name: &str, code: &str, comment: &str, member: &'static str, value: &str| {
        changed(&format!("date-{name}"), code, "payload", comment, |plan| plan.set(member, value.into()))
    };
    let nonconforming = "credential.nonconforming";
    vec![
        without("validFrom", "validFrom is required"),
        date("from-now", "ok", "valid from this second on", "validFrom", now_text),
        date(
            "from-next-second",
            "validity.not-yet",
            "a second too early",
            "validFrom",
            "\"2026-01-03T00:00:01Z\"",
        ),
        date("until-next-second", "ok", "the last second", "validUntil", "\"2026-01-03T00:00:01Z\""),
        date("until-now", "validity.expired", "not valid from this second on", "validUntil", now_text),
        date(
            "until-in-seoul",
            "validity.expired",
            "the same second in another zone",
            "validUntil",
            "\"2026-01-03T09:00:00+09:00\"",
        ),
        date(
            "until-before-from",
            nonconforming,
            "an end before the beginning",
            "validUntil",
            "\"2025-12-31T00:00:00Z\"",
        ),
        date(
            "from-without-zone",
            nonconforming,
            "a time without a zone is no instant",
            "validFrom",
            "\"2026-01-01T00:00:00\"",
        ),
        date("from-number", nonconforming, "a string", "validFrom", "1767225600"),
        date("nbf-past", "ok", "the signature is good already", "nbf", &past),
        date("nbf-future", "validity.not-yet", "the signature is not good yet", "nbf", &future),
        date("exp-future", "ok", "the signature is good still", "exp", &future),
        date("exp-now", "validity.expired", "the signature is good no more", "exp", &NOW.to_string()),
        date("exp-past", "validity.expired", "the signature is good no more", "exp", &past),
        date("exp-string", nonconforming, "a string is not skipped", "exp", &string(&future)),
        date("exp-null", nonconforming, "nor is null", "exp", "null"),
        date("exp-negative", nonconforming, "before 1970", "exp", "-1"),
        date("nbf-string", nonconforming, "a string is not skipped", "nbf", &string(&past)),
        date("nbf-boolean", nonconforming, "nor is a boolean", "nbf", "true"),
    ]
}
