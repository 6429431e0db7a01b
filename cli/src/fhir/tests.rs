use super::*;
use crate::population;

fn export(lines: &[&str]) -> (Vec<Record>, Vec<Refused>) {
    let mut export = Export::default();
    for (line, number) in lines.iter().zip(1..) {
        export.push("in.ndjson", number, line);
    }
    export.finish()
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Kim","given":["Min","Jun"]}],"birthDate":"1990-05-01"}"#;

fn dose(id: &str, date: &str) -> String {
    format!(
        r#"{{"resourceType":"Immunization","id":"{id}","status":"completed","vaccineCode":{{"coding":[{{"code":"208"}}]}},"patient":{{"reference":"Patient/p1"}},"occurrenceDateTime":"{date}","lotNumber":"L1"}}"#
    )
}

#[test]
fn a_sampled_population_is_read_back_whole() {
    let mut export = Export::default();
    let mut number = 0;
    let people: Vec<_> = population::people(3).take(200).collect();
    for person in &people {
        for resource in person.resources() {
            number += 1;
            export.push("sample.ndjson", number, &resource.to_string());
        }
    }
    let (records, refused) = export.finish();
    assert_eq!(refused, []);
    assert_eq!(records.len(), people.len());
    for (record, person) in records.iter().zip(&people) {
        assert_eq!(record.subject, person.id);
        assert_eq!(record.claims["doses"].as_array().map(Vec::len), Some(person.dose_count()));
        assert_eq!(record.facility, "Sample clinic");
    }
}

#[test]
fn doses_before_their_patient_and_out_of_order_are_joined_by_date() {
    let (records, refused) =
        export(&[&dose("b", "2021-08-01"), &dose("a", "2021-06-01T10:00:00+09:00"), PATIENT]);
    assert_eq!(refused, []);
    let doses = records[0].claims["doses"].as_array().expect("doses").clone();
    assert_eq!(doses[0]["date"], "2021-06-01");
    assert_eq!(doses[0]["number"], 1);
    assert_eq!(doses[1]["date"], "2021-08-01");
    assert_eq!(doses[1]["number"], 2);
    assert_eq!(records[0].claims["givenName"], "Min Jun");
    assert_eq!(records[0].source_event, "a,b");
}

#[test]
fn every_line_that_is_not_used_is_named_with_its_reason() {
    let cases = [
        ("{", "not a FHIR resource"),
        (r#"{"resourceType":"Observation"}"#, "neither Patient nor Immunization"),
        (r#"{"resourceType":"Patient"}"#, "missing field `id`"),
        (r#"{"resourceType":"Patient","id":"x"}"#, "no name"),
        (r#"{"resourceType":"Patient","id":"x","name":[{"given":["A"]}]}"#, "no family"),
        (r#"{"resourceType":"Patient","id":"x","name":[{"family":"A"}]}"#, "no given"),
        (r#"{"resourceType":"Patient","id":"x","name":[{"family":"A","given":["B"]}]}"#, "no birthDate"),
        (
            r#"{"resourceType":"Patient","id":"x","name":[{"family":"A","given":["B"]}],"birthDate":"1990-13-01"}"#,
            "is not a day",
        ),
        (
            r#"{"resourceType":"Patient","id":"x","name":[{"family":"A","given":["B"]}],"birthDate":"1990"}"#,
            "is not a day",
        ),
        (PATIENT, "no completed Immunization"),
    ];
    for (line, reason) in cases {
        let (records, refused) = export(&["", line]);
        assert_eq!(records, [], "{line}");
        assert_eq!(refused.len(), 1, "{line}");
        assert_eq!(refused[0].line, 2, "{line}");
        assert!(refused[0].reason.contains(reason), "{line}: {}", refused[0].reason);
    }
}

#[test]
fn a_bad_dose_refuses_the_person_and_each_of_the_lines() {
    let (records, refused) = export(&[PATIENT, &dose("a", "2021"), &dose("b", "2021-06-01")]);
    assert_eq!(records, []);
    assert_eq!(refused.iter().map(|refused| refused.line).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn repeated_resources_and_strangers_are_refused() {
    let stranger = dose("z", "2021-06-01").replace("Patient/p1", "Patient/p2");
    let pending = dose("y", "2021-06-01").replace("completed", "not-done");
    let (records, refused) =
        export(&[PATIENT, PATIENT, &dose("a", "2021-06-01"), &dose("a", "2021-07-01"), &stranger, &pending]);
    assert_eq!(records.len(), 1);
    let lines: Vec<u64> = refused.iter().map(|refused| refused.line).collect();
    assert_eq!(lines, [2, 4, 5, 6]);
    assert!(refused[2].reason.contains("no Patient p2"), "{}", refused[2].reason);
    assert!(refused[3].reason.contains("not-done"), "{}", refused[3].reason);
}
