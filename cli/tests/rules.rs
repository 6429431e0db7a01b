//! `sillok rules`: a rule set is checked, published, and decides at a door; what may not be published is not.
#![expect(clippy::unwrap_used, reason = "a test may panic, in the functions it shares too")]

#[path = "support/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::fs;
use std::path::Path;

use program::{Ended, run, succeed};
use server::Server;

const KOREA: &str = include_str!("../../specs/rules/KR-2022-01-03.json");

/// Any dose is enough for `open`; for `strict` it takes nine, until the end of 2099.
const RULES: &str = r#"{
  "type": "sillok-rules/v1", "jurisdiction": "XA", "sequence": 1, "name": {"en": "Example Place"},
  "offsets": [{"from": "2020-01-01T00:00:00+09:00", "minutes": 540}], "covers_until": "2110-01-01T00:00:00+09:00",
  "evidence": [{"type": "VaccinationCredential", "fields": {}, "lists": [
    {"name": "v", "from": "doses", "newest_first": "dt", "fields": {"dn": "number", "dt": "date"}}]}],
  "reasons": {"none": {"en": "No dose", "ko": "접종 내역 없음"}, "few": {"en": "Fewer than nine doses", "ko": "9회 미만"}},
  "rules": [
    {"id": "ANY", "version": 1, "valid_from": "2020-01-01T00:00:00+09:00", "affected": ["v.0"], "reason": "none",
      "logic": {"if": [{"var": "payload.v.0"}, true, false]}},
    {"id": "NINE", "version": 1, "valid_from": "2020-01-01T00:00:00+09:00", "affected": ["v.0.dn"], "reason": "few",
      "logic": {">=": [{"var": "payload.v.0.dn"}, 9]}}
  ],
  "classes": [
    {"class": "open", "version": 1, "valid_from": "2020-01-01T00:00:00+09:00", "name": {"en": "Open"}, "accept": [["ANY"]]},
    {"class": "strict", "version": 1, "valid_from": "2020-01-01T00:00:00+09:00", "name": {"en": "Strict"}, "accept": [["ANY", "NINE"]]}
  ],
  "vectors": [
    {"at": "2026-01-01T00:00:00Z", "class": "strict", "payload": {"v": [{"dn": 8, "dt": "2025-01-01"}]}, "expect": "not accepted", "reason": "few"},
    {"at": "2026-01-01T00:00:00Z", "class": "open", "payload": {"v": [{"dn": 1, "dt": "2025-01-01"}]}, "expect": "accepted", "next": null}
  ]
}
"#;

fn verify(folder: &Path, more: &[&str]) -> Ended {
    let bundle = succeed(folder, &["trust-bundle", "--data", "data"]);
    fs::write(folder.join("bundle"), bundle).unwrap();
    let arguments = ["verify", "--trust", "bundle", "--receipt", "out/1.tlog-proof", "out/1.jwt"];
    run(folder, &[], &[&arguments, more].concat())
}

/// Publishes by changing a credential's status, which nobody asks about.
fn publish(folder: &Path, url: &str) {
    let at = ["--data", "data", "--issuer", url, "--publish"];
    succeed(folder, &[&["suspend"], &at[..], &["out/2.jwt"]].concat());
    succeed(folder, &[&["reinstate"], &at[..], &["out/2.jwt"]].concat());
}

#[test]
fn a_rule_set_is_checked_without_anything_else() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    fs::write(folder.join("KR.json"), KOREA).unwrap();
    let said = succeed(folder, &["rules", "check", "KR.json"]);
    assert!(
        said.contains("Republic of Korea (KR), sequence 1: 4 versions of rules, all 49 vectors come out"),
        "{said}"
    );
    assert!(said.contains("KR/pass-required: Venues that require the pass"), "{said}");
    let json: serde_json::Value =
        serde_json::from_str(&succeed(folder, &["rules", "check", "--json", "KR.json"])).unwrap();
    assert_eq!((json["vectors"].as_u64(), json["findings"].as_array().map(Vec::len)), (Some(49), Some(0)));
    fs::write(folder.join("KR.json"), KOREA.replace("},180,", "},181,")).unwrap();
    let refused = run(folder, &[], &["rules", "check", "KR.json"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.out.contains("refused: open rule set: vector "), "{refused:?}");
}

#[test]
fn rules_are_published_and_decide_at_a_door() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    succeed(folder, &["init", "--data", "data"]);
    fs::write(folder.join("XA.json"), RULES).unwrap();
    let said = succeed(folder, &["rules", "publish", "--data", "data", "XA.json"]);
    assert!(said.contains("next publication"), "{said}");
    let serve = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    let server = Server::start(folder, "serve", &[], &serve);
    succeed(folder, &["sample", "--people", "2", "--out", "people.ndjson"]);
    let at = ["--data", "data", "--issuer", &server.url];
    succeed(folder, &[&["import"], &at[..], &["--out", "out", "--split", "people.ndjson"]].concat());

    let nowhere = verify(folder, &[]);
    assert!(nowhere.code == Some(0) && !nowhere.out.contains("accepted at"), "{nowhere:?}");
    let open = verify(folder, &["--place", "open"]);
    assert!(open.code == Some(0) && open.out.contains("accepted at: XA/open on 20"), "{open:?}");
    assert!(open.out.contains("next change: none before "), "{open:?}");
    let strict = verify(folder, &["--place", "XA/strict"]);
    assert_eq!(strict.code, Some(1), "{strict:?}");
    assert!(
        strict.out.contains("(rules.not-accepted)")
            && strict.out.contains("because:     Fewer than nine doses (NINE)"),
        "{strict:?}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&verify(folder, &["--json", "--place", "XA/strict"]).out).unwrap();
    assert_eq!(json["place"]["reasons"][0]["code"], "few");
    let unknown = verify(folder, &["--place", "shop"]);
    assert!(unknown.code == Some(64) && unknown.err.contains("only open, strict"), "{unknown:?}");
    let elsewhere = verify(folder, &["--place", "XB/open"]);
    assert!(elsewhere.code == Some(2) && elsewhere.out.contains("rules.unknown-place"), "{elsewhere:?}");

    // What surprises people is not published, neither by the command nor by a file that was put there by hand.
    let sudden = RULES.replace("\"sequence\": 1", "\"sequence\": 2").replace(
        "{\">=\": [{\"var\": \"payload.v.0.dn\"}, 9]}",
        "{\">=\": [{\"var\": \"payload.v.0.dn\"}, 99]}",
    );
    fs::write(folder.join("sudden.json"), &sudden).unwrap();
    let refused = run(folder, &[], &["rules", "publish", "--data", "data", "sudden.json"]);
    assert!(
        refused.code == Some(1) && refused.out.contains("NINE version 1 is not what was published (changed)"),
        "{refused:?}"
    );
    fs::write(folder.join("data/issuer/rules/XA.json"), &sudden).unwrap();
    publish(folder, &server.url);
    assert!(verify(folder, &["--place", "open"]).out.contains("of rule set 1\n"));

    // What is withdrawn ends at once.
    let nine = "\"id\": \"NINE\", \"version\": 1, \"valid_from\": \"2020-01-01T00:00:00+09:00\",";
    let withdrawn = RULES.replace("\"sequence\": 1", "\"sequence\": 2");
    let withdrawn = withdrawn.replace(nine, &format!("{nine} \"valid_to\": \"2026-01-02T00:00:00+09:00\","));
    assert_ne!(withdrawn, RULES);
    fs::write(folder.join("withdrawn.json"), &withdrawn).unwrap();
    succeed(folder, &["rules", "publish", "--data", "data", "withdrawn.json"]);
    publish(folder, &server.url);
    let strict = verify(folder, &["--place", "strict"]);
    assert!(strict.code == Some(2) && strict.out.contains("rules.not-in-force"), "{strict:?}");
    assert!(verify(folder, &["--place", "open"]).out.contains("of rule set 2\n"));
    assert_eq!(server.stop(), Some(0));
}
