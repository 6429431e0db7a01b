//! The other forms of a credential at a door: each is valid, revoked, decided by the rules of a place, and bound to its holder.

use super::super::Vector;
use super::super::forms::{by_did, dc_sd_jwt, disclosures, jwt_vc_json, vc_sd_jwt, whole};
use super::super::rules::rule_set;
use super::super::world::SLOT;
use super::{NOW, Plan, Scene, world};
use crate::reference::credential::IssuerKey;
use crate::reference::json::object;
use crate::reference::presentation::{KeyBinding, member, shown};

/// Name of a form in file names, what makes it, and whether it can hide.
type Form = (&'static str, fn(&mut Plan), bool);

/// A door that is shown the form after a change of the plan.
type Door<'s> = dyn Fn(&dyn Fn(&mut Plan)) -> Scene + 's;

const FORMS: [Form; 3] =
    [("dc-sd-jwt", dc_sd_jwt, true), ("jwt-vc-json", jwt_vc_json, false), ("vc-sd-jwt", vc_sd_jwt, true)];

pub(super) fn vectors() -> Vec<Vector> {
    FORMS.iter().flat_map(|(name, form, hides)| of(name, *form, *hides)).collect()
}

fn of(name: &str, form: fn(&mut Plan), hides: bool) -> Vec<Vector> {
    let scene = |change: &dyn Fn(&mut Plan)| {
        let mut scene = Scene::of(&world(|plan| {
            form(plan);
            change(plan);
        }));
        if hides {
            scene.credential = whole(&scene.credential);
        }
        scene
    };
    let vector = |scene: Scene, what: &str, expect: &str, comment: &str| {
        scene.vector(&format!("form-{name}-{what}"), expect, comment)
    };
    let place = |scene: Scene| scene.with(|scene| scene.policy.push(("place", "XA door".into())));
    let ruled = || place(scene(&|plan| plan.rules = vec![rule_set()]));
    let midnight = NOW + 15 * 3_600;
    let mut all = vec![
        vector(scene(&|_| ()), "valid", "valid", "every rule passes"),
        vector(scene(&by_did), "valid-by-did", "valid", "the issuer is named by its did:web"),
        vector(
            scene(&|plan| plan.changes.push((SLOT, 1))),
            "revoked",
            "not valid status.revoked",
            "its slot is the same in every form",
        ),
        vector(
            scene(&|plan| plan.changes.push((SLOT, 2))),
            "suspended",
            "not valid status.suspended",
            "its slot is the same in every form",
        ),
        vector(ruled(), "place-accepted", "valid", "its claims are the same to the rules of a place"),
        vector(
            ruled().at(midnight),
            "place-not-accepted",
            "not valid rules.not-accepted",
            "its claims are the same to the rules of a place",
        ),
        vector(
            scene(&|_| ()).with(|scene| scene.receipt = None),
            "no-receipt",
            "cannot tell receipt.missing",
            "a form for strangers is in the log all the same",
        ),
        live(name, &scene),
    ];
    if hides {
        all.extend(hidden(name, &scene));
    }
    all
}

/// Shown by its holder.
fn live(name: &str, scene: &Door<'_>) -> Vector {
    let holder = IssuerKey::p256(31);
    let mut scene = scene(&|plan| plan.set("cnf", object(&[("jwk", holder.jwk())])));
    if !scene.credential.ends_with('~') {
        scene.credential.push('~');
    }
    let token =
        KeyBinding::new("ES256", &scene.credential, NOW, "urn:sillok:in-person", "d2FsbGV0J3Mgb3duIG9uZQ");
    scene.credential.push_str(&token.sign(&holder));
    scene.policy.push(("holder", "live".into()));
    scene.vector(&format!("form-{name}-live"), "valid", "a live code by the key in cnf")
}

fn hidden(name: &str, scene: &Door<'_>) -> Vec<Vector> {
    let [family, given, born] = disclosures();
    let shows = |parts: &[&str]| {
        let mut scene = scene(&|_| ());
        let token = scene.credential.split('~').next().unwrap_or_default().to_owned();
        scene.credential = shown(&token, parts);
        scene
    };
    let vector = |scene: Scene, what: &str, expect: &str, comment: &str| {
        scene.vector(&format!("form-{name}-{what}"), expect, comment)
    };
    vec![
        vector(shows(&[]), "nothing-disclosed", "valid", "one leaf and one slot, whatever is disclosed"),
        vector(shows(&[&born, &family]), "some-disclosed", "valid", "in any order"),
        vector(
            shows(&[&given, &given]),
            "disclosed-twice",
            "not valid disclosure.repeated",
            "the same disclosure twice",
        ),
        vector(
            shows(&[&member(3, "birthDate", "\"1991-03-01\"")]),
            "disclosure-changed",
            "not valid disclosure.unreferenced",
            "no digest leads to what was not signed",
        ),
    ]
}
