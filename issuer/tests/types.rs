//! Credential types: what their schemas refuse, and that a refusal repeats no claim.

use std::fs;

use sillok_issuer::types::{CredentialTypes, TypeError};

const GOOD: &str = r#"{"familyName":"Han","givenName":"Seoyeon","birthDate":"1990-02-28",
    "doses":[{"number":1,"date":"2021-08-01","vaccine":"XM68M6","lot":"A1","country":"KR"}]}"#;

#[test]
fn a_vaccination_is_taken_and_its_display_names_are_there() {
    let types = CredentialTypes::load(None).unwrap();
    let kind = types.get("vaccination").unwrap();
    kind.check(GOOD).unwrap();
    assert_eq!(kind.type_name(), "VaccinationCredential");
    assert_eq!(kind.validity_days(), 730);
    assert_eq!(kind.display()["en"].name, "Vaccination certificate");
    assert_eq!(types.find("VaccinationCredential").unwrap().name(), "vaccination");
    assert!(types.get("driving").is_none());
}

#[test]
fn each_broken_rule_is_named_with_its_place_and_without_the_claim() {
    let types = CredentialTypes::load(None).unwrap();
    let kind = types.get("vaccination").unwrap();
    let long = "x".repeat(101);
    let deep = format!("{}1{}", "[".repeat(20), "]".repeat(20));
    let cases = [
        (r#""Han""#, "12", "/familyName", "type"),
        (r#""Han""#, r#""""#, "/familyName", "minLength"),
        (r#""Han""#, &format!("{long:?}"), "/familyName", "maxLength"),
        (r#""familyName":"Han","#, "", "", "required"),
        (r#""familyName":"#, r#""nickname":"Zorro","familyName":"#, "", "additionalProperties"),
        ("1990-02-28", "1990-02-31", "/birthDate", "format"),
        ("1990-02-28", "28.02.1990", "/birthDate", "pattern"),
        ("2021-08-01", "2021-13-01", "/doses/0/date", "format"),
        (r#""number":1"#, r#""number":0"#, "/doses/0/number", "minimum"),
        (r#""number":1"#, r#""number":17"#, "/doses/0/number", "maximum"),
        (r#""number":1"#, r#""number":1.0"#, "", "json"),
        (r#""number":1"#, r#""number":1e0"#, "", "json"),
        (r#""KR""#, r#""kr""#, "/doses/0/country", "pattern"),
        (r#""Han""#, r#""Han","familyName":"Kim""#, "", "json"),
        (r#""Han""#, &deep, "", "json"),
        ("}]}", "}]", "", "json"),
    ];
    for (from, to, pointer, keyword) in cases {
        let claims = GOOD.replacen(from, to, 1);
        assert_ne!(claims, GOOD, "{from}");
        let error = kind.check(&claims).unwrap_err();
        assert_eq!(error.keyword, keyword, "{claims}");
        if keyword != "json" {
            assert_eq!(error.pointer, pointer, "{claims}");
        }
        let told = error.to_string();
        for secret in ["Han", "Kim", "Zorro", "Seoyeon", "1990", "xxx", "XM68M6"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    let no_dose =
        kind.check(&GOOD.replace(&GOOD[GOOD.find("[{").unwrap()..=GOOD.find("}]").unwrap() + 1], "[]"));
    assert_eq!(no_dose.unwrap_err().keyword, "minItems");
    let huge = kind.check(&format!("{GOOD}{}", " ".repeat(20_000))).unwrap_err();
    assert_eq!(huge.keyword, "json");
}

#[test]
fn a_folder_adds_types_and_what_is_wrong_with_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test-result.json");
    let good = r#"{"name":"test-result","type":"TestResult","display":{"en":{"name":"Test","description":"A test"}},
        "validity_days":2,"context":{"result":"urn:x#result"},
        "schema":{"type":"object","required":["result"],"properties":{"result":{"enum":["negative","positive"]}}}}"#;
    fs::write(&path, good).unwrap();
    fs::write(folder.path().join("README.txt"), "not a type").unwrap();
    let types = CredentialTypes::load(Some(folder.path())).unwrap();
    assert_eq!(
        types.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
        ["pass", "test-result", "vaccination"]
    );
    let kind = types.get("test-result").unwrap();
    assert_eq!(kind.check(r#"{"result":"maybe"}"#).unwrap_err().keyword, "enum");
    for (from, to, told) in [
        ("test-result", "Test Result", "its name is not"),
        ("TestResult", "Test Result", "its type is not"),
        ("\"validity_days\":2", "\"validity_days\":0", "validity_days"),
        ("\"required\":[\"result\"]", "\"required\":3", "describe a credential type"),
        ("\"name\":\"test-result\"", "\"name\":\"test-result\",\"colour\":1", "colour"),
        ("{\"enum\":[\"negative\",\"positive\"]}", "{\"$ref\":\"https://example.com/x\"}", "credential type"),
        ("{\"result\":\"urn:x#result\"}", "3", "its context is not an object"),
        // A place that nothing is at would hide nothing, and nobody would know.
        ("\"schema\"", "\"selective\":[\"/resutl\"],\"schema\"", "\"/resutl\" is no claim of its schema"),
        ("\"schema\"", "\"selective\":[\"/result\",\"/result\"],\"schema\"", "is hidden twice"),
        ("\"schema\"", "\"labels\":{\"result\":{}},\"schema\"", "is no claim of its schema"),
        ("\"schema\"", "\"decoys\":17,\"schema\"", "decoys"),
    ] {
        fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let error = CredentialTypes::load(Some(folder.path())).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, TypeError::Malformed { .. }) && text.contains(told), "{text}");
        assert!(text.contains("test-result.json"), "{text}");
    }
    fs::write(&path, good.replacen("test-result", "vaccination", 1)).unwrap();
    let error = CredentialTypes::load(Some(folder.path())).unwrap_err();
    assert_eq!(error.to_string(), "credential type vaccination is described twice");
}
