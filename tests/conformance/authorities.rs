//! `specs/verification.md#several-authorities`: bundles that are held together, and which of them decides.

use sillok_tests::vectors::Vector;
use sillok_verifier::authorities::Authority;
use sillok_verifier::{Authorities, Evidence, Holder, Memory, Policy, Trust, UnixSeconds, Verdict};

use crate::files::{Outcome, number_of};

pub(crate) fn run(vector: &Vector) -> Outcome {
    let (mut authorities, mut memory, mut now) = (Authorities::new(), Memory::default(), UnixSeconds(0));
    for part in &vector.parts {
        let before = match part.name.as_str() {
            "now" => {
                let text = String::from_utf8_lossy(&part.bytes);
                now = UnixSeconds(text.parse().map_err(|error| format!("now: {error}"))?);
                continue;
            }
            "next" => memory.clone(),
            "trust" => Memory::default(),
            _evidence => continue,
        };
        let (trust, opened) = Trust::open(&part.bytes, None, &before, now)
            .map_err(|refused| format!("a bundle does not open: {refused}"))?;
        memory = opened.clone();
        if authorities.add(trust, opened).is_err() {
            return Ok("error".into());
        }
    }
    let Some(credential) = vector.get("credential") else { return Ok("ok".into()) };
    let evidence = Evidence { credential, receipt: vector.get("receipt"), statuses: &[] };
    // A root is told from others by its log and its number.
    let name = |held: &Authority| (held.trust().root().policy.clone(), held.trust().root().sequence);
    let held: Vec<_> = authorities.iter().map(name).collect();
    let (verdict, by) = authorities.verify(&evidence, &Policy::new(Holder::NotAsked), now);
    let by = by.map(name).and_then(|by| held.iter().position(|held| *held == by));
    let position = by.map_or(0, |position| position + 1);
    if number_of(vector, "by").is_some_and(|expected| usize::try_from(expected) != Ok(position)) {
        return Err(format!("number {position} of what is held decides"));
    }
    Ok(match verdict {
        Verdict::Valid(_facts) => "valid".into(),
        Verdict::Invalid(reason) => format!("not valid {}", reason.code()),
        Verdict::Unknown(reason) => format!("cannot tell {}", reason.code()),
    })
}
