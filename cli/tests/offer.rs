//! `sillok offer`: a link, a code to tell, a square to scan.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
#[expect(dead_code, reason = "not every test needs all of it")]
mod server;

use std::fs;

use program::{run, succeed};
use server::Server;

const PERSON: &str = r#"{
  "credential": {"type": ["VerifiableCredential", "VaccinationCredential"], "credentialSubject":
    {"familyName": "Hong", "givenName": "Gildong", "birthDate": "1985-02-28",
     "doses": [{"number": 1, "date": "2026-03-01", "vaccine": "BNT162b2"}]}},
  "options": {"subject": "person-1", "facility": "clinic 7", "sourceEvent": "immunization/4711"}
}"#;

#[test]
fn a_person_is_offered_a_credential() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    fs::write(folder.join("person.json"), PERSON).unwrap();
    fs::write(folder.join("record.json"), r#"{"record": {"subject": "person-1", "type": "vaccination"}}"#)
        .unwrap();
    let server = Server::start(folder, "serve", &[], &["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    let url = server.url.clone();
    let at = ["offer", "--data", "data", "--issuer", url.as_str()];
    let link = succeed(folder, &[&at[..], &["person.json"]].concat());
    assert!(link.starts_with("openid-credential-offer://?credential_offer_uri=http%3A%2F%2F"), "{link}");
    assert_eq!(link.lines().count(), 1, "{link}");
    let by_value = succeed(folder, &[&at[..], &["--by-value", "record.json"]].concat());
    assert!(by_value.starts_with("openid-credential-offer://?credential_offer=%7B"), "{by_value}");
    let more =
        ["--qr", "--tx-code", "5", "--tx-code-description", "by post", "--format", "vc+jwt", "record.json"];
    let drawn = succeed(folder, &[&at[..], &more].concat());
    assert!(drawn.contains('█') && drawn.contains('▄'), "{drawn}");
    let code = drawn.lines().last().unwrap().strip_prefix("transaction code: ").unwrap();
    assert!(code.len() == 5 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
    let json = succeed(folder, &[&at[..], &["--json", "--expires-in", "60", "record.json"]].concat());
    assert!(json.contains("\"credential_configuration_ids\":[\"VaccinationCredential_"), "{json}");
    let refused = run(folder, &[], &[&at[..], &["--format", "mso_mdoc", "record.json"]].concat());
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("offer/formats"), "{}", refused.err);
    fs::write(folder.join("none.json"), "[]").unwrap();
    let misread = run(folder, &[], &[&at[..], &["none.json"]].concat());
    assert_eq!(misread.code, Some(64), "{misread:?}");
}
