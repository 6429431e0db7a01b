//! Reading HL7 FHIR R4 bulk exports (NDJSON, one resource a line): `Patient` and `Immunization` joined to claims.
//!
//! A bulk export gives resources in any order and spread over files, so people are joined in memory, and only when
//! all lines were read. Nothing is dropped in silence: each line that cannot be used becomes a [`Refused`].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// A line of input that was not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Name of the input file.
    pub(crate) file: String,
    /// Line number, from 1.
    pub(crate) line: u64,
    /// What is wrong, naming the member.
    pub(crate) reason: String,
}

/// One person of the export: what the issuer needs to issue a vaccination credential.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// Who it is about, in the register's own words; only its keyed digest is ever stored.
    pub(crate) subject: String,
    /// Identifiers of the immunization events, for the provenance commitment.
    pub(crate) source_event: String,
    /// Where the latest dose was given, as the export names it; empty when it does not.
    pub(crate) facility: String,
    /// `credentialSubject` of a vaccination credential.
    pub(crate) claims: Value,
    /// Where the patient stands in the input, and then the immunizations, for the report.
    pub(crate) places: Vec<(String, u64)>,
}

/// Collects the resources of any number of files.
#[derive(Debug, Default)]
pub(crate) struct Export {
    patients: BTreeMap<String, (Patient, String, u64)>,
    immunizations: BTreeMap<String, Vec<(Immunization, String, u64)>>,
    refused: Vec<Refused>,
}

impl Export {
    /// Takes one line. A blank line is nothing; every other line is kept or refused.
    pub(crate) fn push(&mut self, file: &str, number: u64, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if let Err(reason) = self.take(file, number, line) {
            self.refused.push(Refused { file: file.to_owned(), line: number, reason });
        }
    }

    fn take(&mut self, file: &str, number: u64, line: &str) -> Result<(), String> {
        if line.len() > MAX_LINE_BYTES {
            return Err(format!("line has {} bytes, the limit is {MAX_LINE_BYTES}", line.len()));
        }
        let kind: Kind =
            serde_json::from_str(line).map_err(|error| format!("not a FHIR resource: {error}"))?;
        match kind.resource_type.as_str() {
            "Patient" => {
                let patient: Patient =
                    serde_json::from_str(line).map_err(|error| format!("Patient: {error}"))?;
                if let Some((_, other, at)) = self.patients.get(&patient.id) {
                    return Err(format!("Patient {} stands already in {other} line {at}", patient.id));
                }
                self.patients.insert(patient.id.clone(), (patient, file.to_owned(), number));
            }
            "Immunization" => {
                let dose: Immunization =
                    serde_json::from_str(line).map_err(|error| format!("Immunization: {error}"))?;
                let patient = dose.patient.reference.strip_prefix("Patient/").ok_or_else(|| {
                    format!("Immunization: patient.reference {:?} names no Patient", dose.patient.reference)
                })?;
                if dose.status != "completed" {
                    return Err(format!(
                        "Immunization {}: status is {:?}, not \"completed\"",
                        dose.id, dose.status
                    ));
                }
                let doses = self.immunizations.entry(patient.to_owned()).or_default();
                if let Some((_, other, at)) = doses.iter().find(|(known, _, _)| known.id == dose.id) {
                    return Err(format!("Immunization {} stands already in {other} line {at}", dose.id));
                }
                doses.push((dose, file.to_owned(), number));
            }
            other => return Err(format!("resourceType {other:?} is neither Patient nor Immunization")),
        }
        Ok(())
    }

    /// Joins what was read. Records come in the order of their patients' ids.
    pub(crate) fn finish(mut self) -> (Vec<Record>, Vec<Refused>) {
        let mut records = Vec::with_capacity(self.patients.len());
        for (id, (patient, file, line)) in self.patients {
            let doses = self.immunizations.remove(&id).unwrap_or_default();
            match record(&id, &patient, &doses, (&file, line)) {
                Ok(record) => records.push(record),
                Err(reason) => {
                    self.refused.push(Refused { file, line, reason });
                    for (dose, file, line) in doses {
                        let reason = format!("Immunization {}: its Patient {id} was refused", dose.id);
                        self.refused.push(Refused { file, line, reason });
                    }
                }
            }
        }
        for (patient, doses) in self.immunizations {
            for (dose, file, line) in doses {
                let reason = format!("Immunization {}: no Patient {patient} in the input", dose.id);
                self.refused.push(Refused { file, line, reason });
            }
        }
        self.refused.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        (records, self.refused)
    }
}

type Placed = (Immunization, String, u64);

fn record(
    id: &str,
    patient: &Patient,
    doses: &[Placed],
    (file, line): (&str, u64),
) -> Result<Record, String> {
    let name = patient
        .name
        .iter()
        .find(|name| name.r#use.as_deref() == Some("official"))
        .or_else(|| patient.name.first())
        .ok_or_else(|| format!("Patient {id}: no name"))?;
    let family = name.family.as_deref().ok_or_else(|| format!("Patient {id}: name has no family"))?;
    if name.given.is_empty() {
        return Err(format!("Patient {id}: name has no given"));
    }
    let birth_date = patient.birth_date.as_deref().ok_or_else(|| format!("Patient {id}: no birthDate"))?;
    let birth_date = whole_date(birth_date)
        .ok_or_else(|| format!("Patient {id}: birthDate {birth_date:?} is not a day"))?;
    if doses.is_empty() {
        return Err(format!("Patient {id}: no completed Immunization"));
    }
    let mut shots = doses.iter().map(|(dose, _, _)| shot(dose)).collect::<Result<Vec<_>, _>>()?;
    shots.sort_by(|a, b| a.date.cmp(&b.date));
    let claims = json!({
        "familyName": family,
        "givenName": name.given.join(" "),
        "birthDate": birth_date,
        "doses": shots.iter().zip(1_u64..).map(|(shot, nth)| shot.claims(nth)).collect::<Vec<_>>(),
    });
    let mut events: Vec<&str> = doses.iter().map(|(dose, _, _)| dose.id.as_str()).collect();
    events.sort_unstable();
    let facility = doses
        .iter()
        .max_by(|(a, _, _), (b, _, _)| a.occurrence.cmp(&b.occurrence))
        .and_then(|(dose, _, _)| dose.performer.iter().find_map(|performer| performer.actor.display.clone()))
        .unwrap_or_default();
    let places = std::iter::once((file.to_owned(), line));
    let places = places.chain(doses.iter().map(|(_dose, file, line)| (file.clone(), *line))).collect();
    Ok(Record { subject: id.to_owned(), source_event: events.join(","), facility, claims, places })
}

struct Shot<'a> {
    date: String,
    number: Option<u64>,
    coding: &'a Coding,
    lot: Option<&'a str>,
}

impl Shot<'_> {
    /// The dose's claims; the position in time stands in where the export gives no dose number.
    fn claims(&self, nth: u64) -> Value {
        let mut claims = json!({
            "number": self.number.unwrap_or(nth),
            "date": self.date,
            "vaccine": self.coding.code,
        });
        if let Some(system) = &self.coding.system {
            claims["system"] = json!(system);
        }
        if let Some(lot) = self.lot {
            claims["lot"] = json!(lot);
        }
        claims
    }
}

fn shot(dose: &Immunization) -> Result<Shot<'_>, String> {
    let when = dose
        .occurrence
        .as_deref()
        .ok_or_else(|| format!("Immunization {}: no occurrenceDateTime", dose.id))?;
    let date = whole_date(when)
        .ok_or_else(|| format!("Immunization {}: occurrenceDateTime {when:?} is not a day", dose.id))?;
    let coding = dose
        .vaccine_code
        .coding
        .first()
        .ok_or_else(|| format!("Immunization {}: vaccineCode has no coding", dose.id))?;
    let number = dose.protocol_applied.first().and_then(|protocol| protocol.dose_number);
    Ok(Shot { date, number, coding, lot: dose.lot_number.as_deref() })
}

/// The calendar day of a FHIR `date` or `dateTime`; a year or a month alone is not a day.
fn whole_date(text: &str) -> Option<String> {
    let day = text.get(..10)?;
    let rest = text.get(10..)?;
    (rest.is_empty() || rest.starts_with('T')).then_some(())?;
    day.parse::<jiff::civil::Date>().ok().map(|date| date.to_string())
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "resourceType")]
    resource_type: String,
}

#[derive(Debug, Deserialize)]
struct Patient {
    id: String,
    #[serde(default)]
    name: Vec<HumanName>,
    #[serde(rename = "birthDate")]
    birth_date: Option<String>,
}

#[derive(Debug, Deserialize)]
struct HumanName {
    r#use: Option<String>,
    family: Option<String>,
    #[serde(default)]
    given: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Immunization {
    id: String,
    status: String,
    #[serde(rename = "vaccineCode")]
    vaccine_code: CodeableConcept,
    patient: Reference,
    #[serde(rename = "occurrenceDateTime")]
    occurrence: Option<String>,
    #[serde(rename = "lotNumber")]
    lot_number: Option<String>,
    #[serde(default)]
    performer: Vec<Performer>,
    #[serde(rename = "protocolApplied", default)]
    protocol_applied: Vec<ProtocolApplied>,
}

#[derive(Debug, Deserialize)]
struct CodeableConcept {
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Debug, Deserialize)]
struct Coding {
    system: Option<String>,
    code: String,
}

#[derive(Debug, Deserialize)]
struct Reference {
    reference: String,
}

#[derive(Debug, Deserialize)]
struct Performer {
    actor: Actor,
}

#[derive(Debug, Deserialize)]
struct Actor {
    display: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ProtocolApplied {
    #[serde(rename = "doseNumberPositiveInt")]
    dose_number: Option<u64>,
}

/// A FHIR resource of one person is a few kilobytes; a longer line is not one of ours.
const MAX_LINE_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests;
