//! The state of the list comes in a population file, or does not.

use super::super::Vector;
use super::super::world::{LIST, SLOT, SLOTS, World};
use super::{Scene, world};
use crate::reference::population::{List, file};
use crate::reference::status::Slots;

pub(super) fn vectors() -> Vec<Vector> {
    let bare = world(|plan| plan.embedded = false);
    let slots = Slots::fold(&bare.log.entries, &LIST, SLOTS, bare.log.size());
    let of = |slots: &Slots| file(&[(LIST, slots.clone())]).bytes();
    let neighbour: List = ([5; 16], Slots(vec![2; slots.0.len()]));
    let with = |world: &World, file: Vec<u8>| Scene::of(world).with(|scene| scene.population = Some(file));
    let missing = "cannot tell status.missing";
    let mut other = slots.clone();
    other.0[100] = 1;
    let mut vectors = vec![
        with(&bare, of(&slots)).vector(
            "population",
            "valid",
            "the digest of the list is the one that the feed proves",
        ),
        with(&bare, file(&[(LIST, slots.clone()), neighbour.clone()]).bytes()).vector(
            "population-of-more-lists",
            "valid",
            "a list that the feed does not name changes nothing about the others",
        ),
        with(&bare, of(&other)).vector(
            "population-other-state",
            missing,
            "a state whose digest was not logged",
        ),
        with(&bare, file(&[neighbour]).bytes()).vector(
            "population-without-list",
            missing,
            "the list is not in it",
        ),
        with(&bare, [of(&slots), vec![0]].concat()).vector(
            "population-malformed",
            missing,
            "a byte behind the codes: the file is as if it were not there",
        ),
        with(&world(|_| ()), of(&other)).vector(
            "population-beside-embedded",
            "valid",
            "the bundle brings the state, and the population has another",
        ),
    ];
    for (value, name) in [(1, "revoked"), (2, "suspended")] {
        let world = world(|plan| {
            plan.embedded = false;
            plan.changes = vec![(SLOT, value)];
        });
        let slots = Slots::fold(&world.log.entries, &LIST, SLOTS, world.log.size());
        vectors.push(with(&world, of(&slots)).vector(
            &format!("population-{name}"),
            &format!("not valid status.{name}"),
            "the population says so",
        ));
        vectors.push(with(&world, of(&bare_slots())).vector(
            &format!("population-before-{name}"),
            missing,
            "the state of before is not the one that was logged last",
        ));
    }
    vectors
}

/// Nothing has happened yet.
fn bare_slots() -> Slots {
    Slots(vec![0; usize::try_from(SLOTS).expect("a list fits memory")])
}
