//! What a credential is worth at a place: each code of rule 10, and a midnight to the second.

use super::super::Vector;
use super::super::rules::{rule_set, with};
use super::holders::{birth_date, pass, shown_pass};
use super::{NOW, Plan, Scene, world};
use crate::reference::json::{array, object, string};

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = decided();
    all.extend(unknown());
    all.extend(kept_back());
    all
}

impl Scene {
    fn place(mut self, place: &str) -> Self {
        self.policy.push(("place", place.into()));
        self
    }
}

/// The default world with the rules, after a change of the plan.
fn at_door(change: impl FnOnce(&mut Plan)) -> Scene {
    let world = world(|plan| {
        plan.rules = vec![rule_set()];
        change(plan);
    });
    Scene::of(&world)
}

/// Midnight in the place, 15 hours after the time at which scenarios ask.
const MIDNIGHT: u64 = NOW + 15 * 3_600;

fn decided() -> Vec<Vector> {
    vec![
        at_door(|_| ()).place("XA door").vector("place-accepted", "valid", "the dose counts on its 14th day"),
        at_door(|_| ()).place("XA door").at(MIDNIGHT - 1).vector(
            "place-accepted-last-second",
            "valid",
            "the last second of the 14th day at the place, 14:59:59 in UTC",
        ),
        at_door(|_| ()).place("XA door").at(MIDNIGHT).vector(
            "place-not-accepted",
            "not valid rules.not-accepted",
            "the first second of the 15th day at the place, 15:00:00 in UTC",
        ),
        at_door(|_| ()).at(MIDNIGHT).vector(
            "place-not-asked",
            "valid",
            "no place is named, so no rules decide",
        ),
        at_door(|plan| plan.changes.push((super::super::world::SLOT, 1)))
            .place("XA door")
            .at(MIDNIGHT)
            .vector(
                "place-after-status",
                "not valid status.revoked",
                "the rules of a place are asked when all else has passed",
            ),
    ]
}

fn unknown() -> Vec<Vector> {
    let dose = object(&[("number", "1".into()), ("date", string("20 December")), ("vaccine", string("207"))]);
    let subject = object(&[("doses", array(&[dose]))]);
    vec![
        at_door(|_| ()).place("XB door").vector(
            "place-unknown-jurisdiction",
            "cannot tell rules.unknown-place",
            "the root has no rules of XB",
        ),
        at_door(|plan| plan.rules.clear()).place("XA door").vector(
            "place-no-rules",
            "cannot tell rules.unknown-place",
            "the root has no rules at all",
        ),
        at_door(|_| ()).place("XA shop").vector(
            "place-unknown-class",
            "cannot tell rules.unknown-place",
            "XA has no class of that name",
        ),
        at_door(|plan| plan.set("type", array(&[string("VerifiableCredential"), string("LibraryCard")])))
            .place("XA door")
            .vector(
                "place-no-evidence",
                "cannot tell rules.no-evidence",
                "XA maps no claims of a LibraryCard",
            ),
        at_door(|_| ()).place("XA later").vector(
            "place-not-in-force",
            "cannot tell rules.not-in-force",
            "what the class accepts begins in February",
        ),
        at_door(|plan| plan.rules = vec![with("2026-06-01T00:00:00+09:00", "2026-01-04T00:01:00+09:00")])
            .place("XA door")
            .at(MIDNIGHT + 60)
            .vector(
                "place-no-offset",
                "cannot tell rules.no-offset",
                "local time is known until this second",
            ),
        at_door(|plan| plan.set("credentialSubject", subject)).place("XA door").vector(
            "place-no-result",
            "cannot tell rules.no-result",
            "an error in a rule is no refusal: the date of the dose is none",
        ),
    ]
}

fn kept_back() -> Vec<Vector> {
    let rules = |plan: &mut Plan| plan.rules = vec![rule_set()];
    let shown = |disclosures: &[&str]| shown_pass(&pass(rules), disclosures).place("XA adults");
    vec![
        shown(&[&birth_date()]).vector(
            "place-accepted-disclosed",
            "valid",
            "an adult by the birth date that is shown",
        ),
        shown(&[]).vector(
            "place-undisclosed",
            "cannot tell rules.undisclosed",
            "what is kept back could meet the rules",
        ),
    ]
}
