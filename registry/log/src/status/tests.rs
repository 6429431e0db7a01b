//! Pure. Tests of the two planes: their bits, their limits and their digest.

use super::*;
use StatusValue::{Revoked, Suspended, Valid};

const LIST: ListId = ListId([1; 16]);
const LENGTH: u64 = MIN_LIST_SLOTS;
const BYTES: usize = 16_384;

fn three_slots() -> ListState {
    let mut state = ListState::new(LIST, LENGTH).unwrap();
    for (index, value) in [(0, Revoked), (9, Suspended), (131_071, Revoked)] {
        state.set(index, value).unwrap();
    }
    state
}

#[test]
fn digests_are_those_of_the_specification() {
    // Computed from specs/status.md, "State digest", with Python's hashlib.
    let empty = "df99b2216d1d50f7acfbc9a58d89155fc0dd2675229b12f8f27e475db87e3c74";
    let three = "3b877391dfef934ecd9816369729009c3623cc634a52cc8feed41cf1dbde260c";
    assert_eq!(ListState::new(LIST, LENGTH).unwrap().digest().to_hex(), empty);
    assert_eq!(three_slots().digest().to_hex(), three);
}

#[test]
fn the_first_slot_is_the_leftmost_bit() {
    let state = three_slots();
    assert_eq!((state.revocation().first(), state.revocation().last()), (Some(&0x80), Some(&0x01)));
    assert_eq!(state.suspension().get(1), Some(&0x40));
    let values = [0, 1, 9, 131_071].map(|index| state.get(index).unwrap());
    assert_eq!(values, [Revoked, Valid, Suspended, Revoked]);
    assert_eq!((state.get(131_072), state.get(u32::MAX)), (None, None));
}

#[test]
fn a_slot_says_one_thing() {
    let mut state = ListState::new(LIST, LENGTH).unwrap();
    for value in [Suspended, Revoked, Suspended, Valid, Revoked, Valid] {
        state.set(77, value).unwrap();
        assert_eq!(state.get(77), Some(value));
        assert_eq!(first_common_slot(state.revocation(), state.suspension()), None);
    }
    assert_eq!(state, ListState::new(LIST, LENGTH).unwrap());
    assert_eq!(state.set(131_072, Revoked), Err(StateError::IndexRange { index: 131_072, length: LENGTH }));
}

#[test]
fn lengths_have_limits() {
    for slots in [0, 8, LENGTH - 8, LENGTH + 1, MAX_LIST_SLOTS + 8, u64::MAX] {
        assert_eq!(ListState::new(LIST, slots), Err(StateError::Length { slots }));
    }
    assert_eq!(ListState::new(LIST, MAX_LIST_SLOTS).unwrap().revocation().len(), 2 << 20);
}

#[test]
fn planes_are_taken_as_they_are_or_refused() {
    let state = three_slots();
    let (revocation, suspension) = (state.revocation().to_vec(), state.suspension().to_vec());
    assert_eq!(ListState::from_planes(LIST, LENGTH, revocation.clone(), suspension.clone()), Ok(state));
    let short = ListState::from_planes(LIST, LENGTH, revocation.clone(), vec![0; BYTES - 1]);
    assert_eq!(short, Err(StateError::PlaneLength { expected: BYTES, found: BYTES - 1 }));
    let long = ListState::from_planes(LIST, LENGTH, vec![0; BYTES + 1], suspension);
    assert_eq!(long, Err(StateError::PlaneLength { expected: BYTES, found: BYTES + 1 }));
    let mut both = vec![0; BYTES - 1];
    both.push(0x03);
    let refused = ListState::from_planes(LIST, LENGTH, revocation, both);
    assert_eq!(refused, Err(StateError::RevokedAndSuspended { index: 131_071 }));
}

#[test]
fn the_first_difference_is_a_slot() {
    let state = three_slots();
    assert_eq!(state.first_difference(&state), None);
    for index in [0, 1, 8, 9, 10, 131_071] {
        let mut other = state.clone();
        other.set(index, if state.get(index) == Some(Valid) { Suspended } else { Valid }).unwrap();
        assert_eq!(state.first_difference(&other), Some(u64::from(index)));
    }
    let longer = ListState::new(LIST, LENGTH + 8).unwrap();
    assert_eq!(ListState::new(LIST, LENGTH).unwrap().first_difference(&longer), Some(LENGTH));
}
