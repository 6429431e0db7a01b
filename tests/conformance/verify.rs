//! `specs/trust-bundle.md#opening` and `specs/verification.md`: whole scenarios.

use sillok_tests::vectors::{Part, Vector};
use sillok_verifier::holder::Shown;
use sillok_verifier::memory::Memory;
use sillok_verifier::packed::unpack;
use sillok_verifier::population::Population;
use sillok_verifier::{
    Anchors, Evidence, Holder, Place, Policy, Trust, TrustError, UnixSeconds, Verdict, verify,
};

use crate::files::{Outcome, error, number_of, text};
use crate::note::verifier_key;

/// A verifier that goes through the parts of a file in their order.
#[derive(Default)]
struct Door {
    now: UnixSeconds,
    anchor_keys: String,
    anchors: Option<Anchors>,
    trust: Option<Trust>,
    memory: Memory,
}

impl Door {
    /// Opens bundles one after another; the last may fail.
    fn enter(parts: &[Part]) -> Result<(Self, Option<TrustError>), String> {
        let mut door = Self::default();
        let bundles = parts.iter().filter(|part| part.name == "trust").count();
        let mut opened = 0;
        for Part { name, bytes, .. } in parts {
            let text = || String::from_utf8_lossy(bytes).into_owned();
            match name.as_str() {
                "now" => door.now = UnixSeconds(text().parse().map_err(|error| format!("now: {error}"))?),
                "anchors" => door.anchor_keys = text(),
                "threshold" => {
                    let threshold = text().parse().map_err(|error| format!("threshold: {error}"))?;
                    let keys = door.anchor_keys.lines().map(verifier_key).collect();
                    door.anchors = Some(Anchors::new(keys, threshold).ok_or("the anchors are refused")?);
                }
                "trust" => {
                    opened += 1;
                    match Trust::open(bytes, door.anchors.as_ref(), &door.memory, door.now) {
                        Ok((trust, memory)) => (door.trust, door.memory) = (Some(trust), memory),
                        Err(refused) if opened == bundles => return Ok((door.keep(&refused), Some(refused))),
                        Err(refused) => return Err(format!("bundle {opened} does not open: {refused}")),
                    }
                }
                "population" => {
                    // One that is refused is as if it were not there.
                    if let (Some(trust), Ok(population)) = (&mut door.trust, Population::parse(bytes)) {
                        trust.add_population(population);
                    }
                }
                _evidence => {}
            }
        }
        Ok((door, None))
    }

    /// What a refused bundle leaves behind: nothing but alarms.
    fn keep(mut self, refused: &TrustError) -> Self {
        if let Some(memory) = refused.memory() {
            self.memory = memory.clone();
        }
        self
    }

    fn expect_alarms(&self, vector: &Vector) -> Result<(), String> {
        let found = self.memory.alarms().len();
        match number_of(vector, "alarms") {
            Some(expected) if usize::try_from(expected) != Ok(found) => {
                Err(format!("{found} alarms are in memory"))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn run_trust(vector: &Vector) -> Outcome {
    let (door, refused) = Door::enter(&vector.parts)?;
    door.expect_alarms(vector)?;
    match refused {
        None => Ok("ok".into()),
        Some(refused) => error(refused.code()),
    }
}

/// What the door asks of the holder.
fn asked(vector: &Vector) -> Result<Holder<'_>, String> {
    match (vector.get("holder"), vector.get("nonce"), vector.get("audience")) {
        (None, None, None) => Ok(Holder::NotAsked),
        (Some(b"live"), None, None) => Ok(Holder::Live),
        (None, Some(_), Some(_)) => {
            Ok(Holder::Challenge { nonce: text(vector, "nonce"), audience: text(vector, "audience") })
        }
        _other => Err("the policy is no policy".into()),
    }
}

pub(crate) fn run(vector: &Vector) -> Outcome {
    let (mut door, refused) = Door::enter(&vector.parts)?;
    if let Some(refused) = refused {
        return Err(format!("the bundle does not open: {refused}"));
    }
    let trust = door.trust.as_ref().ok_or("no bundle")?;
    let statuses: Vec<&[u8]> = vector.all_of("status").collect();
    let asked = asked(vector)?;
    let unpacked = match vector.get("packed").map(|code| unpack(code, asked)) {
        Some(Err(refused)) => return Ok(format!("cannot tell {}", refused.reason().code())),
        Some(Ok(unpacked)) => Some(unpacked),
        None => None,
    };
    let evidence = match (&unpacked, vector.get("credential")) {
        (Some(unpacked), _) => unpacked.evidence(&statuses),
        (None, Some(credential)) => {
            Evidence { credential, receipt: vector.get("receipt"), statuses: &statuses }
        }
        (None, None) => return Err("nothing is shown".into()),
    };
    let mut policy = Policy::new(asked);
    if vector.get("place").is_some() {
        let place = text(vector, "place").split_once(' ').ok_or("the place is no jurisdiction and class")?;
        policy = policy.with_place(Place::new(place.0, place.1));
    }
    let mut shown = number_of(vector, "shown-limit")
        .map_or_else(Shown::default, |limit| Shown::with_limit(usize::try_from(limit).unwrap_or(usize::MAX)));
    if let Some(before) = number_of(vector, "shown") {
        let (verdict, _memory) = verify(&evidence, trust, &door.memory, &policy, UnixSeconds(before));
        if !shown.once(verdict, UnixSeconds(before)).admits() {
            return Err("it was not valid when it was shown before".into());
        }
    }
    let (verdict, memory) = verify(&evidence, trust, &door.memory, &policy, door.now);
    if !verdict.admits() && memory.alarms() == door.memory.alarms() && memory != door.memory {
        return Err("memory changed though a rule failed".into());
    }
    door.memory = memory;
    door.expect_alarms(vector)?;
    Ok(match shown.once(verdict, door.now) {
        Verdict::Valid(_facts) => "valid".into(),
        Verdict::Invalid(reason) => format!("not valid {}", reason.code()),
        Verdict::Unknown(reason) => format!("cannot tell {}", reason.code()),
    })
}
