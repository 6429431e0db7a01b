//! A made-up population, the same for the same seed: what `sillok sample` writes and the demo imports.

use fastrand::Rng;
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};

/// One made-up person with the doses that a register would hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// Logical id in the FHIR file, `person-0000001` and so on.
    pub(crate) id: String,
    family: &'static str,
    given: String,
    birth_date: Date,
    female: bool,
    doses: Vec<Dose>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Dose {
    date: Date,
    /// CVX code and display of the product.
    product: (&'static str, &'static str),
    lot: String,
}

/// The people of a seed, in order and without end; a caller takes as many as it wants.
pub(crate) fn people(seed: u64) -> impl Iterator<Item = Person> {
    let mut rng = Rng::with_seed(seed);
    (1_u64..).map(move |number| person(number, &mut rng))
}

impl Person {
    /// The FHIR R4 resources of this person: one `Patient`, then one `Immunization` a dose, each one line.
    pub(crate) fn resources(&self) -> Vec<Value> {
        let mut resources = vec![self.patient()];
        resources
            .extend(self.doses.iter().zip(1_u32..).map(|(dose, number)| self.immunization(dose, number)));
        resources
    }

    /// How many doses the person has had.
    #[cfg(test)]
    pub(crate) fn dose_count(&self) -> usize {
        self.doses.len()
    }

    fn patient(&self) -> Value {
        json!({
            "resourceType": "Patient",
            "id": self.id,
            "identifier": [{ "system": "urn:example:sample-register", "value": self.id }],
            "name": [{ "use": "official", "family": self.family, "given": [self.given] }],
            "gender": if self.female { "female" } else { "male" },
            "birthDate": self.birth_date.to_string(),
        })
    }

    fn immunization(&self, dose: &Dose, number: u32) -> Value {
        let (code, display) = dose.product;
        json!({
            "resourceType": "Immunization",
            "id": format!("{}-dose-{number}", self.id),
            "status": "completed",
            "vaccineCode": { "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": code, "display": display }] },
            "patient": { "reference": format!("Patient/{}", self.id) },
            "occurrenceDateTime": dose.date.to_string(),
            "lotNumber": dose.lot,
            "performer": [{ "actor": { "display": "Sample clinic" } }],
            "protocolApplied": [{ "doseNumberPositiveInt": number }],
        })
    }
}

fn person(number: u64, rng: &mut Rng) -> Person {
    let female = rng.bool();
    let given = format!("{}{}", pick(&FIRST_SYLLABLES, rng), pick(&SECOND_SYLLABLES, rng));
    let birth_date = Date::constant(1931, 1, 1).saturating_add(rng.i64(0..29_000).days());
    Person {
        id: format!("person-{number:07}"),
        family: pick(&FAMILY_NAMES, rng),
        given,
        birth_date,
        female,
        doses: doses(rng),
    }
}

/// One to three doses, weeks or months apart, in the months before the day that this project is about.
fn doses(rng: &mut Rng) -> Vec<Dose> {
    let product = pick(&PRODUCTS, rng);
    let count = [1, 2, 2, 2, 2, 2, 3, 3, 3, 3][rng.usize(0..10)];
    let mut date = Date::constant(2021, 3, 2).saturating_add(rng.i64(0..150).days());
    (0..count)
        .map(|nth| {
            if nth == 1 {
                date = date.saturating_add(rng.i64(21..43).days());
            } else if nth == 2 {
                date = date.saturating_add(rng.i64(90..121).days());
            }
            Dose { date, product, lot: format!("LOT{:05}", rng.u32(0..100_000)) }
        })
        .collect()
}

fn pick<T: Copy>(choices: &[T], rng: &mut Rng) -> T {
    choices[rng.usize(0..choices.len())]
}

const FAMILY_NAMES: [&str; 16] =
    ["김", "이", "박", "최", "정", "강", "조", "윤", "장", "임", "한", "오", "서", "신", "권", "황"];
const FIRST_SYLLABLES: [&str; 16] =
    ["민", "서", "지", "하", "도", "예", "수", "현", "은", "준", "태", "영", "다", "성", "유", "재"];
const SECOND_SYLLABLES: [&str; 16] =
    ["준", "연", "우", "윤", "현", "진", "아", "원", "호", "빈", "희", "영", "린", "석", "경", "훈"];
/// CVX codes as published by the US CDC, with their short names.
const PRODUCTS: [(&str, &str); 4] = [
    ("208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose"),
    ("207", "COVID-19, mRNA, LNP-S, PF, 100 mcg/0.5 mL dose"),
    ("210", "COVID-19 vaccine, vector-nr, rS-ChAdOx1, PF, 0.5 mL"),
    ("212", "COVID-19 vaccine, vector-nr, rS-Ad26, PF, 0.5 mL"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_people() {
        let first: Vec<Person> = people(7).take(50).collect();
        let second: Vec<Person> = people(7).take(50).collect();
        let other: Vec<Person> = people(8).take(50).collect();
        assert_eq!(first, second);
        assert_ne!(first, other);
    }

    #[test]
    fn doses_are_in_order_and_numbered_from_one() {
        for person in people(1).take(500) {
            assert!((1..=3).contains(&person.doses.len()), "{} has {} doses", person.id, person.doses.len());
            assert!(
                person.doses.is_sorted_by(|a, b| a.date < b.date),
                "{} has doses out of order",
                person.id
            );
            let resources = person.resources();
            assert_eq!(resources.len(), 1 + person.doses.len());
            assert_eq!(resources[1]["protocolApplied"][0]["doseNumberPositiveInt"], 1);
            assert_eq!(resources[1]["patient"]["reference"], format!("Patient/{}", person.id));
        }
    }
}
