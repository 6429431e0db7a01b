//! The document of a credential: what is there, of which kind, and consistent in itself.

use proptest::prelude::*;
use sillok_log::UnixSeconds;
use sillok_verifier::credential::{Credential, CredentialError};
use sillok_verifier::json::{Json, Limits};

const LIMITS: Limits = Limits { bytes: 16_384, depth: 16, values: 2_048 };

const PAYLOAD: &str = r#"{
    "@context": ["https://www.w3.org/ns/credentials/v2", {"@protected": true}],
    "id": "urn:uuid:2f1d9a4e-6c0e-4f63-9b0e-3a8f5d1c7b21",
    "type": ["VerifiableCredential", "VaccinationCredential"],
    "issuer": "https://issuer.example",
    "iss": "https://issuer.example",
    "validFrom": "2021-12-13T11:40:00.5+09:00",
    "validUntil": "2023-12-13T11:40:00Z",
    "credentialSubject": {"familyName": "김", "doses": [{"number": 1}]},
    "credentialStatus": [
        {"type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "94567",
         "statusListCredential": "https://issuer.example/status/00112233445566778899aabbccddeeff/revocation"},
        {"type": "BitstringStatusListEntry", "statusPurpose": "suspension", "statusListIndex": "94567",
         "statusListCredential": "https://issuer.example/status/00112233445566778899aabbccddeeff/suspension"}
    ],
    "nbf": 1639363200,
    "exp": 1700000000,
    "iat": 1639363200,
    "cnf": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}},
    "unknown": {"is": "ignored"}
}"#;

fn parse(payload: &str) -> Result<Credential, CredentialError> {
    Credential::parse(&Json::parse(payload.as_bytes(), &LIMITS).expect(payload))
}

/// The payload with the first `from` replaced, which must be there.
fn with(from: &str, to: &str) -> String {
    assert!(PAYLOAD.contains(from), "{from}");
    PAYLOAD.replacen(from, to, 1)
}

/// The payload with one more member.
fn plus(member: &str) -> String {
    PAYLOAD.replacen('{', &format!("{{{member},"), 1)
}

fn nonconforming(payload: &str, member: &str) {
    match parse(payload) {
        Err(CredentialError::Nonconforming { member: found, .. }) => assert_eq!(found, member, "{payload}"),
        other => panic!("{other:?} for {payload}"),
    }
}

#[test]
fn a_credential_is_read() {
    let credential = parse(PAYLOAD).expect("credential");
    assert_eq!(credential.id, "urn:uuid:2f1d9a4e-6c0e-4f63-9b0e-3a8f5d1c7b21");
    assert_eq!(credential.issuer, "https://issuer.example");
    assert_eq!(credential.valid_from, UnixSeconds(1_639_363_200));
    assert_eq!(credential.valid_until, Some(UnixSeconds(1_702_467_600)));
    assert_eq!(credential.not_before, Some(UnixSeconds(1_639_363_200)));
    assert_eq!(credential.expires, Some(UnixSeconds(1_700_000_000)));
    assert_eq!(credential.status.uri, "https://issuer.example/status/00112233445566778899aabbccddeeff");
    assert_eq!(credential.status.index, 94_567);
    assert!(credential.holder.is_some());
}

#[test]
fn what_is_optional_may_be_absent() {
    for (from, to) in [
        (r#""validUntil": "2023-12-13T11:40:00Z","#, ""),
        (r#""nbf": 1639363200,"#, ""),
        (r#""exp": 1700000000,"#, ""),
        (r#""iat": 1639363200,"#, ""),
        (r#", {"@protected": true}"#, ""),
        (
            r#""issuer": "https://issuer.example""#,
            r#""issuer": {"id": "https://issuer.example", "name": "x"}"#,
        ),
        (r#"{"familyName": "김", "doses": [{"number": 1}]}"#, r#"[{"id": "urn:x:1"}, {"a": 1}]"#),
        (r#""validUntil": "2023-12-13T11:40:00Z""#, r#""validUntil": "2021-12-13T02:40:00.5Z""#),
    ] {
        assert!(parse(&with(from, to)).is_ok(), "{to}");
    }
    let without_holder = with(r#""cnf": {"jwk": {"#, r#""other": {"jwk": {"#);
    assert_eq!(parse(&without_holder).expect("credential").holder, None);
    // In any order.
    let swapped = PAYLOAD.replace("revocation", "OTHER").replace("suspension", "revocation");
    assert!(parse(&swapped.replace("OTHER", "suspension")).is_ok());
}

#[test]
fn context_type_and_subject() {
    for context in [
        r#""https://www.w3.org/ns/credentials/v2""#,
        "[]",
        "{}",
        "null",
        r#"["https://www.w3.org/2018/credentials/v1"]"#,
        r#"["https://www.w3.org/ns/credentials/v2/"]"#,
        r#"[{}, "https://www.w3.org/ns/credentials/v2"]"#,
        r#"["https://www.w3.org/ns/credentials/v2", 1]"#,
        r#"["https://www.w3.org/ns/credentials/v2", "no url"]"#,
    ] {
        let from = r#"["https://www.w3.org/ns/credentials/v2", {"@protected": true}]"#;
        nonconforming(&with(from, context), "@context");
    }
    for types in [
        r#""VerifiableCredential""#,
        "[]",
        r#"["VaccinationCredential"]"#,
        r#"["VerifiableCredential", ""]"#,
        r#"["VerifiableCredential", 1]"#,
        r#"["VerifiableCredential", "a b"]"#,
    ] {
        nonconforming(&with(r#"["VerifiableCredential", "VaccinationCredential"]"#, types), "type");
    }
    for subject in [
        "{}",
        "[]",
        r#"[{"a": 1}, {}]"#,
        r#""did:example:1""#,
        "null",
        "[[]]",
        r#"{"id": "no url"}"#,
        r#"{"id": 1}"#,
    ] {
        nonconforming(
            &with(r#"{"familyName": "김", "doses": [{"number": 1}]}"#, subject),
            "credentialSubject",
        );
    }
    for (name, member) in [
        ("@context", "@context"),
        ("type", "type"),
        ("credentialSubject", "credentialSubject"),
        ("id", "id"),
        ("issuer", "issuer"),
        ("validFrom", "validFrom"),
        ("credentialStatus", "credentialStatus"),
    ] {
        nonconforming(&with(&format!("\"{name}\":"), "\"gone\":"), member);
    }
}

#[test]
fn no_claims_of_the_older_encoding() {
    nonconforming(&plus(r#""vc": {}"#), "vc");
    nonconforming(&plus(r#""vp": null"#), "vp");
    for payload in ["[]", "null", "1", "\"a\""] {
        nonconforming(payload, "");
    }
}

#[test]
fn urls_are_absolute() {
    for url in [
        "https://a",
        "http://a.example:8080/p?q=1#f",
        "urn:uuid:1",
        "did:web:issuer.example",
        "data:,x",
        "HTTPS://a",
        "a+b-c.1:x",
        "https://[::1]/%41",
    ] {
        assert!(parse(&with("urn:uuid:2f1d9a4e-6c0e-4f63-9b0e-3a8f5d1c7b21", url)).is_ok(), "{url}");
    }
    for url in [
        "",
        "issuer",
        "/status",
        "//issuer.example",
        "https:",
        "https:issuer",
        "https://",
        "https:///x",
        "https://?q",
        "urn:",
        ":x",
        "1a:x",
        "a b:c",
        "https://a b",
        "https://a\\nb",
        "https://a\\u0000",
        "https://é.example",
        "https://a/<x>",
        "https://a/%4",
        "https://a/%zz",
        "https://a/%",
        "javascript:\\u0022",
        "ht_tp://a",
        "https://a\\\\b",
        "https://{a}",
    ] {
        nonconforming(&with("urn:uuid:2f1d9a4e-6c0e-4f63-9b0e-3a8f5d1c7b21", url), "id");
        let issuer = PAYLOAD.replace("\"https://issuer.example\"", &format!("\"{url}\""));
        nonconforming(&issuer, "issuer");
    }
    for issuer in ["null", "1", "{}", r#"{"id": "x"}"#, r#"{"id": 1}"#, r#"["https://issuer.example"]"#] {
        nonconforming(
            &with(r#""issuer": "https://issuer.example""#, &format!("\"issuer\": {issuer}")),
            "issuer",
        );
    }
}

#[test]
fn iss_is_the_issuer() {
    let mismatch = |payload: &str| {
        let error = parse(payload).expect_err(payload);
        assert_eq!((error, error.code()), (CredentialError::IssuerMismatch, "credential.issuer-mismatch"));
    };
    for iss in [
        "\"https://evil.example\"",
        "\"https://issuer.example/\"",
        "\"HTTPS://issuer.example\"",
        "1",
        "null",
        r#"{"id": "https://issuer.example"}"#,
    ] {
        mismatch(&with(r#""iss": "https://issuer.example""#, &format!("\"iss\": {iss}")));
    }
    mismatch(&with("\"iss\":", "\"gone\":"));
    // What else is wrong comes first.
    nonconforming(&with("\"iss\":", "\"vc\":"), "vc");
}

#[test]
fn dates_are_dates() {
    for date in [
        "\"2021-12-13\"",
        "\"2021-12-13T11:40:00\"",
        "1639363200",
        "null",
        "\"2016-12-31T23:59:60Z\"",
        "\"\"",
    ] {
        nonconforming(&with("\"2021-12-13T11:40:00.5+09:00\"", date), "validFrom");
        nonconforming(&with("\"2023-12-13T11:40:00Z\"", date), "validUntil");
    }
    // Half a second before it begins.
    nonconforming(&with("2023-12-13T11:40:00Z", "2021-12-13T02:40:00Z"), "validUntil");
    nonconforming(&with("2023-12-13T11:40:00Z", "2020-12-13T02:40:00Z"), "validUntil");
    // In the future: that is for the rules.
    assert!(parse(&with("2023-12-13T11:40:00Z", "9999-12-31T23:59:59Z")).is_ok());
}

#[test]
fn numeric_dates_are_never_treated_as_absent() {
    for (claim, from) in
        [("nbf", r#""nbf": 1639363200"#), ("exp", r#""exp": 1700000000"#), ("iat", r#""iat": 1639363200"#)]
    {
        for value in ["\"1639363200\"", "null", "-1", "253402300800", "9007199254740991", "[1]", "true"] {
            nonconforming(&with(from, &format!("\"{claim}\": {value}")), claim);
        }
        for value in ["0", "253402300799"] {
            assert!(parse(&with(from, &format!("\"{claim}\": {value}"))).is_ok(), "{claim} {value}");
        }
    }
}

#[test]
fn status_is_one_slot_of_one_list() {
    let status = "credentialStatus";
    for index in ["+1", "00012", "", " 1", "1 ", "-1", "1e3", "0x1", "18446744073709551616", "1.0"] {
        nonconforming(&PAYLOAD.replace("\"94567\"", &format!("\"{index}\"")), status);
    }
    // Numbers are the other status list's way.
    nonconforming(&PAYLOAD.replace("\"94567\"", "94567"), status);
    assert!(parse(&PAYLOAD.replace("\"94567\"", "\"18446744073709551615\"")).is_ok());
    for (from, to) in [
        ("\"94567\"", "\"94568\""),
        ("ddeeff/revocation", "ddeefe/revocation"),
        ("ddeeff/revocation", "ddeeff/suspension"),
        ("ddeeff/revocation", "ddeeff/revocation/"),
        ("ddeeff/revocation", "ddeeff/revocation#list"),
        ("ddeeff/suspension", "ddeeff/revocation"),
        ("https://issuer.example/status", "/status"),
        ("\"statusPurpose\": \"revocation\"", "\"statusPurpose\": \"suspension\""),
        ("\"statusPurpose\": \"suspension\"", "\"statusPurpose\": \"refresh\""),
        ("\"statusPurpose\": \"suspension\"", "\"statusPurpose\": [\"suspension\"]"),
        ("BitstringStatusListEntry", "StatusList2021Entry"),
        ("\"type\": \"BitstringStatusListEntry\"", "\"type\": [\"BitstringStatusListEntry\"]"),
        (
            "\"type\": \"BitstringStatusListEntry\"",
            "\"type\": \"BitstringStatusListEntry\", \"statusSize\": 8",
        ),
        (
            "\"type\": \"BitstringStatusListEntry\"",
            "\"type\": \"BitstringStatusListEntry\", \"id\": \"no url\"",
        ),
        ("\"statusListIndex\": \"94567\",", ""),
    ] {
        nonconforming(&with(from, to), status);
    }
    let list = "https://issuer.example/status/00112233445566778899aabbccddeeff/revocation";
    let entry = "\"type\": \"BitstringStatusListEntry\"";
    nonconforming(&with(entry, &format!("{entry}, \"id\": \"{list}\"")), status);
    assert!(parse(&with(entry, &format!("{entry}, \"id\": \"{list}#94567\", \"statusSize\": 1"))).is_ok());
    for value in ["[]", "{}", "null", "[{}]", "[{}, {}]", "[1, 2]"] {
        nonconforming(&replace_status(value), status);
    }
    let (_, entries) = PAYLOAD.split_once("\"credentialStatus\": [").expect("status");
    let (entries, _) = entries.split_once("],").expect("end");
    nonconforming(&replace_status(&format!("[{entries}, {}]", entries)), status);
}

fn replace_status(value: &str) -> String {
    let (before, rest) = PAYLOAD.split_once("\"credentialStatus\": [").expect("status");
    let (_, after) = rest.split_once("],").expect("end");
    format!("{before}\"credentialStatus\": {value},{after}")
}

#[test]
fn the_holders_key_is_public_and_on_its_curve() {
    let jwk = r#"{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    for (from, to) in [
        (jwk, "null"),
        (jwk, "{}"),
        (jwk, r#"{"kty": "oct", "k": "AA"}"#),
        (r#"{"kty": "OKP""#, r#"{"d": "AA", "kty": "OKP""#),
        (r#""cnf": {"jwk""#, r#""cnf": {"kid""#),
        ("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        nonconforming(&with(from, to), "cnf");
    }
    let with_kid = with(r#""cnf": {"jwk""#, r#""cnf": {"kid": "a", "jwk""#);
    assert!(parse(&with_kid).expect("credential").holder.is_some());
}

#[test]
fn optional_members_have_their_form() {
    for member in ["termsOfUse", "evidence", "refreshService", "credentialSchema"] {
        let good = format!(r#""{member}": {{"id": "https://a.example/1", "type": "T"}}"#);
        assert!(parse(&plus(&good)).is_ok(), "{member}");
        assert!(
            parse(&plus(&format!(r#""{member}": [{{"id": "urn:x:1", "type": ["T"]}}]"#))).is_ok(),
            "{member}"
        );
        for value in [
            "{}",
            "[]",
            "1",
            r#"{"id": "urn:x:1"}"#,
            r#"{"type": "T", "id": "no url"}"#,
            r#"{"type": []}"#,
            r#"{"type": 1}"#,
        ] {
            nonconforming(&plus(&format!("\"{member}\": {value}")), member);
        }
    }
    nonconforming(&plus(r#""credentialSchema": {"type": "JsonSchema"}"#), "credentialSchema");
    assert!(parse(&plus(r#""evidence": {"type": "Document"}"#)).is_ok());
    for member in ["name", "description"] {
        for value in
            ["\"x\"", r#"{"@value": "x", "@language": "ko", "@direction": "ltr"}"#, r#"[{"@value": "x"}]"#]
        {
            assert!(parse(&plus(&format!("\"{member}\": {value}"))).is_ok(), "{value}");
        }
        for value in [
            "1",
            "{}",
            r#"{"@value": 1}"#,
            r#"{"@value": "x", "@type": "y"}"#,
            r#"{"@value": "x", "@language": 1}"#,
        ] {
            nonconforming(&plus(&format!("\"{member}\": {value}")), member);
        }
    }
    let resource = |id: &str| format!(r#"{{"id": "{id}", "digestSRI": "sha384-x"}}"#);
    let two = |first: &str, second: &str| {
        plus(&format!(r#""relatedResource": [{}, {}]"#, resource(first), resource(second)))
    };
    assert!(parse(&two("urn:x:1", "urn:x:2")).is_ok());
    nonconforming(&two("urn:x:1", "urn:x:1"), "relatedResource");
    nonconforming(&two("urn:x:1", "x"), "relatedResource");
    nonconforming(&plus(r#""relatedResource": [{"id": "urn:x:1"}]"#), "relatedResource");
}

#[test]
fn errors_repeat_no_claim() {
    let payload = with("\"2023-12-13T11:40:00Z\"", "\"Hong Gildong\"");
    let error = parse(&payload).expect_err("date");
    assert_eq!(error.code(), "credential.nonconforming");
    assert_eq!(error.to_string(), "credential member validUntil is not an xsd:dateTimeStamp with a zone");
}

proptest! {
    /// Whatever one character of the document becomes, parsing ends, and what it gives is consistent.
    #[test]
    fn no_document_panics(at in any::<prop::sample::Index>(), to in any::<char>()) {
        let mut characters: Vec<char> = PAYLOAD.chars().collect();
        let index = at.index(characters.len());
        characters[index] = to;
        let text: String = characters.into_iter().collect();
        let Ok(json) = Json::parse(text.as_bytes(), &LIMITS) else { return Ok(()) };
        if let Ok(credential) = Credential::parse(&json) {
            prop_assert!(credential.valid_until.is_none_or(|until| credential.valid_from <= until));
            let list = format!("{}/revocation", credential.status.uri);
            prop_assert!(text.contains(&list));
        }
    }
}
