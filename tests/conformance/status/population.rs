//! Population files and deltas, and the product against the reference on random states.

use proptest::prelude::*;
use sillok_log::entry::ListId;
use sillok_log::status::ListState;
use sillok_tests::reference::population::{self as reference, List};
use sillok_tests::reference::status::Slots;
use sillok_tests::vectors::Vector;
use sillok_verifier::population::Population;

use crate::files::{Outcome, bytes, same};

pub(super) fn file(vector: &Vector) -> Outcome {
    let input = bytes(vector, "population");
    let ids: Vec<[u8; 16]> = vector.all_of("list").map(|id| id.try_into().expect("16 bytes")).collect();
    // The reference agrees before the product is asked.
    let sound = vector.expect == "ok";
    if sound != reference::read(input, &ids).is_some() && !ids.is_empty() {
        return Err("the reference disagrees with the vector".into());
    }
    let Ok(population) = Population::parse(input) else { return Ok("error".into()) };
    same("file", &population.encode(), input)?;
    for (id, digest) in ids.iter().zip(vector.all_of("digest")) {
        let state = population.unverified_state(ListId(*id)).ok_or("a list is not there")?;
        same("digest", state.digest().as_bytes(), digest)?;
    }
    if population.lists() == ids.len() { Ok("ok".into()) } else { Err("other lists are there".into()) }
}

pub(super) fn delta(vector: &Vector) -> Outcome {
    let base = Population::parse(bytes(vector, "population")).map_err(|error| error.to_string())?;
    let Ok(result) = base.apply(bytes(vector, "delta")) else { return Ok("error".into()) };
    same("result", &result.encode(), bytes(vector, "result"))?;
    same("delta", &base.delta_to(&result), bytes(vector, "delta"))?;
    Ok("ok".into())
}

/// A list of the reference and the same of the product.
fn list(id: u8, changes: &[(u32, u8)]) -> (List, ListState) {
    let mut slots = Slots(vec![0; 131_072]);
    for (slot, value) in changes {
        slots.0[usize::try_from(slot % 131_072).expect("a slot")] = value % 3;
    }
    let id = [id; 16];
    let (revoked, suspended) = (slots.plane(1), slots.plane(2));
    let state = ListState::from_planes(ListId(id), 131_072, revoked, suspended).expect("planes of a list");
    ((id, slots), state)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    //= specs/status.md#population-file
    //= specs/status.md#population-delta
    //= type=test
    #[test]
    fn product_and_reference_write_the_same(
        one in proptest::collection::vec(any::<(u32, u8)>(), 0..400),
        two in proptest::collection::vec(any::<(u32, u8)>(), 0..30),
        three in proptest::collection::vec(any::<(u32, u8)>(), 0..30),
    ) {
        let unzip = |lists: [(List, ListState); 2]| {
            let (naive, states): (Vec<List>, Vec<ListState>) = lists.into_iter().unzip();
            let population = Population::new(&states).expect("two lists");
            (naive, population)
        };
        let (before, after) = (unzip([list(3, &one), list(1, &two)]), unzip([list(3, &three), list(2, &one)]));
        for (naive, population) in [&before, &after] {
            prop_assert_eq!(&population.encode(), &reference::file(naive).bytes());
            let ids: Vec<[u8; 16]> = naive.iter().map(|(id, _slots)| *id).collect();
            prop_assert!(reference::read(&population.encode(), &ids).is_some());
        }
        let delta = before.1.delta_to(&after.1);
        prop_assert_eq!(&delta, &reference::delta(&before.0, &after.0).bytes());
        prop_assert_eq!(before.1.apply(&delta), Ok(after.1));
    }
}
