//! A door: what it trusts, remembers and has seen, and what it says.

use sillok_log::note::VerifierKey;
use sillok_verifier::holder::Shown;
use sillok_verifier::packed::{UnpackError, Unpacked, is_claimed_by, unpack};
use sillok_verifier::population::Population;
use sillok_verifier::trust::{Container, Delta};
use sillok_verifier::{
    Anchors, Evidence, Holder, Memory, Place, Policy, Trust, TrustError, Verdict, unverified_decision, verify,
};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer;
use crate::{refusal, seconds};

/// A verifier with one trust bundle.
#[derive(Debug)]
#[wasm_bindgen]
pub struct Verifier {
    /// The bundle as it came, for deltas.
    bundle: Vec<u8>,
    trust: Trust,
    anchors: Option<Anchors>,
    memory: Memory,
    shown: Shown,
}

#[wasm_bindgen]
impl Verifier {
    /// Opens a trust bundle. `memory` is what an earlier verifier handed out to be kept.
    ///
    /// # Errors
    /// The code of specs/trust-bundle.md, "Opening"; `memory` of the error, when it is there, is to be kept.
    #[wasm_bindgen(constructor)]
    pub fn new(
        bundle: Vec<u8>,
        roots: Vec<String>,
        threshold: usize,
        memory: Option<String>,
        now: f64,
    ) -> Result<Self, JsValue> {
        let anchors = if roots.is_empty() { None } else { Some(anchors(&roots, threshold)?) };
        let memory = match memory {
            None => Memory::default(),
            Some(text) => {
                Memory::parse(text.as_bytes()).map_err(|error| refusal("memory.malformed", &error))?
            }
        };
        let opened = Trust::open(&bundle, anchors.as_ref(), &memory, seconds(now));
        let (trust, memory) = opened.map_err(|error| refused(&error))?;
        Ok(Self { bundle, trust, anchors, memory, shown: Shown::default() })
    }

    /// Replaces the bundle by a later one. One that is refused changes nothing, but for alarms in memory.
    ///
    /// # Errors
    /// As the constructor.
    pub fn update(&mut self, bundle: Vec<u8>, now: f64) -> Result<(), JsValue> {
        match Trust::open(&bundle, self.anchors.as_ref(), &self.memory, seconds(now)) {
            Ok((trust, memory)) => {
                (self.bundle, self.trust, self.memory) = (bundle, trust, memory);
                Ok(())
            }
            Err(error) => {
                if let Some(memory) = error.memory() {
                    self.memory = memory.clone();
                }
                Err(refused(&error))
            }
        }
    }

    /// Replaces the bundle by what a delta makes of it.
    ///
    /// # Errors
    /// The code of specs/trust-bundle.md, "Delta", or as the constructor.
    #[wasm_bindgen(js_name = applyDelta)]
    pub fn apply_delta(&mut self, delta: &[u8], now: f64) -> Result<(), JsValue> {
        let malformed = |error| refusal("trust.malformed", &error);
        let base = Container::parse(&self.bundle).map_err(malformed)?;
        let result = Delta::parse(delta).and_then(|delta| delta.apply(&base));
        let result = result.map_err(|error| refusal(error.code(), &error))?;
        self.update(result.to_json().map_err(malformed)?.into_bytes(), now)
    }

    /// Takes states of status lists from a population file: of how many lists. The next bundle needs it again.
    ///
    /// # Errors
    /// The file is none.
    #[wasm_bindgen(js_name = addPopulation)]
    pub fn add_population(&mut self, file: &[u8]) -> Result<usize, JsValue> {
        let population = Population::parse(file).map_err(|error| refusal("population.malformed", &error))?;
        Ok(self.trust.add_population(population))
    }

    /// What must not go back: to be kept, beside the bundle, until the next time.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn memory(&self) -> String {
        self.memory.encode()
    }

    /// The bundle as it is now.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn bundle(&self) -> Vec<u8> {
        self.bundle.clone()
    }

    /// What the bundle says of itself, and the alarms in memory, as JSON.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn trust(&self) -> String {
        answer::trust(&self.trust, &self.memory)
    }

    /// Decides, and gives the verdict as JSON.
    #[must_use]
    pub fn verify(&mut self, shown: &ShownEvidence, policy: &DoorPolicy, now: f64) -> String {
        let now = seconds(now);
        let unpacked = match shown.unpack(policy.holder()) {
            Ok(unpacked) => unpacked,
            Err(error) => return answer::verdict(&Verdict::of(error.reason()), None),
        };
        let statuses: Vec<&[u8]> = shown.statuses.iter().map(Vec::as_slice).collect();
        let evidence = shown.evidence(unpacked.as_ref(), &statuses);
        let (verdict, memory) = verify(&evidence, &self.trust, &self.memory, &policy.policy(), now);
        self.memory = memory;
        let verdict = if policy.once { self.shown.once(verdict, now) } else { verdict };
        let place = policy.place().map(|place| (place, &self.trust, evidence.credential, now));
        answer::verdict(&verdict, place)
    }

    /// What a place decides about a credential of which nothing is checked, as JSON: for its holder.
    ///
    /// # Errors
    /// The code of the reason why nothing can be decided.
    #[wasm_bindgen(js_name = unverifiedDecision)]
    pub fn unverified_decision(
        &self,
        shown: &ShownEvidence,
        jurisdiction: &str,
        class: &str,
        now: f64,
    ) -> Result<String, JsValue> {
        let unpacked = shown.unpack(Holder::NotAsked);
        let unpacked = unpacked.map_err(|error| refusal(error.reason().code(), &error))?;
        let evidence = shown.evidence(unpacked.as_ref(), &[]);
        let place = Place::new(jurisdiction, class);
        let decided = unverified_decision(evidence.credential, &self.trust, place, seconds(now));
        let (decision, outlook) = decided.map_err(|reason| refusal(reason.code(), &reason))?;
        Ok(answer::decision(&decision, outlook, self.trust.rule_set(jurisdiction)))
    }
}

/// What somebody shows.
#[derive(Debug)]
#[wasm_bindgen]
pub struct ShownEvidence {
    shown: Vec<u8>,
    receipt: Option<Vec<u8>>,
    statuses: Vec<Vec<u8>>,
}

#[wasm_bindgen]
impl ShownEvidence {
    /// The text of a QR code, a credential, or a presentation.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(shown: Vec<u8>, receipt: Option<Vec<u8>>) -> Self {
        Self { shown, receipt, statuses: Vec::new() }
    }

    /// Adds a status file.
    #[wasm_bindgen(js_name = addStatus)]
    pub fn add_status(&mut self, file: Vec<u8>) {
        self.statuses.push(file);
    }
}

impl ShownEvidence {
    /// What is in the code, if it is one.
    fn unpack(&self, asked: Holder<'_>) -> Result<Option<Unpacked>, UnpackError> {
        if !is_claimed_by(&self.shown) {
            return Ok(None);
        }
        unpack(&self.shown, asked).map(Some)
    }

    fn evidence<'a>(&'a self, unpacked: Option<&'a Unpacked>, statuses: &'a [&'a [u8]]) -> Evidence<'a> {
        match unpacked {
            Some(unpacked) => {
                let evidence = unpacked.evidence(statuses);
                Evidence { receipt: evidence.receipt.or(self.receipt.as_deref()), ..evidence }
            }
            None => Evidence { credential: &self.shown, receipt: self.receipt.as_deref(), statuses },
        }
    }
}

/// What a door asks.
#[derive(Debug)]
#[wasm_bindgen]
pub struct DoorPolicy {
    holder: Asked,
    place: Option<(String, String)>,
    once: bool,
}

#[derive(Debug)]
enum Asked {
    Challenge { nonce: String, audience: String },
    Live,
    Nothing,
}

#[wasm_bindgen]
impl DoorPolicy {
    /// Nothing is asked of the holder: staff compare the person.
    #[wasm_bindgen(js_name = notAsked)]
    #[must_use]
    pub fn not_asked() -> Self {
        Self { holder: Asked::Nothing, place: None, once: false }
    }

    /// A live code; with `once` one that this verifier did not admit before.
    #[must_use]
    pub fn live(once: bool) -> Self {
        Self { holder: Asked::Live, place: None, once }
    }

    /// The answer to a challenge.
    #[must_use]
    pub fn challenge(nonce: String, audience: String, once: bool) -> Self {
        Self { holder: Asked::Challenge { nonce, audience }, place: None, once }
    }

    /// The rules of a place decide in the end.
    pub fn at(&mut self, jurisdiction: String, class: String) {
        self.place = Some((jurisdiction, class));
    }
}

impl DoorPolicy {
    fn holder(&self) -> Holder<'_> {
        match &self.holder {
            Asked::Challenge { nonce, audience } => Holder::Challenge { nonce, audience },
            Asked::Live => Holder::Live,
            Asked::Nothing => Holder::NotAsked,
        }
    }

    fn place(&self) -> Option<Place<'_>> {
        let (jurisdiction, class) = self.place.as_ref()?;
        Some(Place::new(jurisdiction, class).with_next_change())
    }

    fn policy(&self) -> Policy<'_> {
        let policy = Policy::new(self.holder());
        self.place().map_or(policy, |place| policy.with_place(place))
    }
}

fn anchors(roots: &[String], threshold: usize) -> Result<Anchors, JsValue> {
    let mut keys = Vec::with_capacity(roots.len());
    for text in roots {
        keys.push(VerifierKey::parse(text).map_err(|error| refusal("anchors.malformed", &error))?);
    }
    let of = keys.len();
    Anchors::new(keys, threshold)
        .ok_or_else(|| refusal("anchors.malformed", &format!("threshold {threshold} of {of} root keys")))
}

/// With the memory that is to be kept, if there is one.
fn refused(error: &TrustError) -> JsValue {
    let object = answer::Object::new().string("code", error.code()).string("message", &error.to_string());
    let object = match error.memory() {
        Some(memory) => object.string("memory", &memory.encode()),
        None => object,
    };
    JsValue::from_str(&object.finish())
}
