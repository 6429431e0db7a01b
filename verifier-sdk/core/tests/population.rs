//! The population: one file for one state, small, of which nothing is believed that no snapshot has the digest of.

use proptest::prelude::*;
use sillok_log::entry::{ListId, MIN_LIST_SLOTS, StatusValue};
use sillok_log::status::ListState;
use sillok_verifier::population::{MAX_POPULATION_BYTES, Population, PopulationError};
use sillok_verifier::{Memory, Reason, Trust, Verdict};

#[expect(dead_code, reason = "each test program uses its part of the world")]
#[path = "support/world.rs"]
mod world;

use world::*;

/// A list of 2^20 slots, as issuers make them.
const SLOTS: u64 = 1 << 20;

fn state(list: ListId, slots: u64, changes: impl IntoIterator<Item = (u32, StatusValue)>) -> ListState {
    let mut state = ListState::new(list, slots).expect("a list");
    changes.into_iter().for_each(|(slot, value)| state.set(slot, value).expect("a slot"));
    state
}

/// Different slots of 2^20 that look random: an odd factor permutes them.
fn random_slots(count: u32, seed: u32) -> impl Iterator<Item = u32> {
    (0..count).map(move |n| {
        let mixed = n.wrapping_mul(0x9e37_79b1).wrapping_add(seed) & 0xf_ffff;
        let mixed = (mixed ^ (mixed >> 10)).wrapping_mul(0x2_c1b3) & 0xf_ffff;
        (mixed ^ (mixed >> 9)).wrapping_mul(0x5_35ad) & 0xf_ffff
    })
}

fn two_lists() -> [ListState; 2] {
    use StatusValue::{Revoked, Suspended};
    [
        state(ListId([9; 16]), MIN_LIST_SLOTS, [(3, Revoked), (70_001, Suspended), (131_071, Revoked)]),
        state(ListId([4; 16]), MIN_LIST_SLOTS, [(0, Suspended)]),
    ]
}

#[test]
fn a_slot_says_what_its_list_says() {
    use StatusValue::{Revoked, Suspended};
    let revoked = random_slots(10_000, 1).map(|slot| (slot, Revoked));
    let suspended = random_slots(2_000, 77).map(|slot| (slot, Suspended));
    let list = state(ListId([1; 16]), SLOTS, revoked.chain(suspended));
    let population = Population::new([&list]).expect("a population");
    let read = Population::parse(&population.encode()).expect("a file");
    assert_eq!(read, population);
    for slot in (0..1 << 20).chain([1 << 20, 1 << 24, u32::MAX]) {
        assert_eq!(read.unverified_status(list.list(), slot), list.get(slot), "{slot}");
    }
    assert_eq!(read.unverified_state(list.list()).as_ref(), Some(&list));
    assert_eq!(read.unverified_status(ListId([2; 16]), 0), None, "a list that is not there");
    let (revoked, suspended) = read.set_slots();
    assert_eq!((read.lists(), read.slots(), revoked + suspended), (1, SLOTS, 12_000));
}

/// The bound is n H(k/n) bits for each plane; what precedes the codes is counted too.
#[test]
fn a_file_is_within_two_percent_of_the_information_bound() {
    for (count, seed) in [(105, 1), (524, 2), (1_049, 3), (10_486, 4), (104_858, 5), (10_486, 6)] {
        let ids = (0..16_u8).map(|n| ListId(core::array::from_fn(|at| n.wrapping_mul(31) ^ (at as u8 * 7))));
        let lists: Vec<ListState> = ids
            .zip(0..)
            .map(|(id, n)| {
                let revoked = random_slots(count, seed * 1_000 + n).map(|slot| (slot, StatusValue::Revoked));
                state(id, SLOTS, revoked)
            })
            .collect();
        let population = Population::new(&lists).expect("a population");
        let (set, _suspended) = population.set_slots();
        let p = set as f64 / population.slots() as f64;
        let entropy = -p * p.log2() - (1.0 - p) * (1.0 - p).log2();
        let bound = population.slots() as f64 * entropy / 8.0;
        let ratio = population.encode().len() as f64 / bound;
        // A list costs 5 to 7 bytes beside its codes, which matters where codes are 200 bytes.
        let allowed = if count < 500 { 1.05 } else { 1.02 };
        assert!((0.99..allowed).contains(&ratio), "{count} of 2^20: {ratio}");
    }
}

#[test]
fn every_changed_bit_of_a_file_is_refused_or_gives_another_population() {
    let population = Population::new(&two_lists()).expect("a population");
    let file = population.encode();
    let mut readable = 0;
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 0x80 >> (bit % 8);
        let Ok(read) = Population::parse(&changed) else { continue };
        readable += 1;
        assert_eq!(read.encode(), changed, "bit {bit}: two files for one state");
        for list in two_lists() {
            let found = read.unverified_state(list.list());
            let same = found.is_some_and(|found| found.digest() == list.digest());
            let other =
                two_lists().iter().all(|list| read.unverified_state(list.list()).as_ref() == Some(list));
            assert!(!other, "bit {bit} changes nothing");
            assert!(!same || read.unverified_state(list.list()).as_ref() == Some(&list), "bit {bit}");
        }
    }
    assert!(readable > 20, "some damage has the form of a file: {readable}");
    for length in 0..file.len() {
        assert!(Population::parse(&file[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn every_changed_bit_of_a_delta_is_refused() {
    let before = two_lists();
    let mut after = before.clone();
    after[0].set(9, StatusValue::Revoked).expect("a slot");
    after[1].set(0, StatusValue::Valid).expect("a slot");
    let [before, after] = [&before, &after].map(|lists| Population::new(lists).expect("a population"));
    let delta = before.delta_to(&after);
    assert_eq!(before.apply(&delta).expect("a delta").encode(), after.encode());
    assert_eq!(after.apply(&delta), Err(PopulationError::OtherBase));
    for bit in 0..delta.len() * 8 {
        let mut changed = delta.clone();
        changed[bit / 8] ^= 0x80 >> (bit % 8);
        assert!(before.apply(&changed).is_err(), "bit {bit}");
    }
    for length in 0..delta.len() {
        assert!(before.apply(&delta[..length]).is_err(), "{length} bytes");
    }
}

/// The record of a file with one list: its numbers, and what follows.
fn one_list(numbers: &[u8], codes: &[u8]) -> Result<Population, PopulationError> {
    let head = b"sillok-population/v1\n\x00\x01\x01\x04";
    Population::parse(&[head.as_slice(), numbers, codes].concat())
}

#[test]
fn a_file_is_refused_for_what_is_wrong_with_it() {
    use PopulationError as E;
    // 131,072 / 8 XOR 131,072 is 147,456.
    let smallest = [0x80, 0x80, 0x09];
    let with = |numbers: &[u8], codes: &[u8]| one_list(&[&smallest, numbers].concat(), codes);
    assert_eq!(with(&[0, 0], &[]).map(|read| read.slots()), Ok(MIN_LIST_SLOTS));
    assert_eq!(with(&[0, 0], &[0]), Err(E::Trailing { bytes: 1 }));
    assert_eq!(with(&[1, 0], &[]), Err(E::Cut));
    assert_eq!(with(&[1, 0], &[0]), Err(E::Cut), "the gap of a single slot has more bits");
    assert_eq!(with(&[1, 0], &[0xff; 20]), Err(E::Slot { slots: MIN_LIST_SLOTS }));
    assert_eq!(with(&[0x81, 0, 0], &[0; 3]), Err(E::Number));
    assert_eq!(with(&[0x81, 0x80, 0x80, 0x80, 0, 0], &[0; 3]), Err(E::Number));
    assert_eq!(with(&[0x81, 0x80, 0x08, 0], &[0; 64]), Err(E::SetSlots { count: MIN_LIST_SLOTS + 1 }));
    assert_eq!(with(&[0x80, 0x80, 0x08, 1], &[0; 64]), Err(E::SetSlots { count: MIN_LIST_SLOTS + 1 }));
    assert_eq!(with(&[0x80, 0x80, 0x08, 0], &[0; 64]), Err(E::Cut), "fewer bits than slots");
    assert_eq!(one_list(&[0x80, 0x80, 0x08, 0, 0], &[]), Err(E::Length { slots: 0 }));
    assert_eq!(Population::parse(b"sillok-population/v2\n\0\0\x01"), Err(E::Kind));
    assert_eq!(Population::parse(b"sillok-population/v1\n\x02\x01\x01"), Err(E::Lists { count: 513 }));
    assert_eq!(Population::parse(b"sillok-population/v1\n\0\0\x02"), Err(E::KeyBytes { bytes: 2 }));
    assert_eq!(Population::parse(&vec![0; MAX_POPULATION_BYTES + 1]), Err(E::TooLarge));
    let list = state(LIST, MIN_LIST_SLOTS, []);
    assert_eq!(Population::new([&list, &list]), Err(E::Duplicate));
}

/// A bundle without states, and the population of the world's list and another.
fn bare() -> (World, Issued, Trust, Memory) {
    let (mut world, issued, _container) = World::ready();
    let feed = world.feed();
    let container = world.container_of(&feed, Vec::new());
    let (trust, memory) = open(&container, &Memory::default());
    (world, issued, trust, memory)
}

fn judge(world: &World, issued: &Issued, trust: &Trust, memory: &Memory) -> Verdict {
    let receipt = world.receipt(issued);
    let receipt = Some(receipt.as_bytes());
    verify_kept(trust, memory, issued.credential.as_bytes(), receipt, &[], NOW).0
}

//= specs/status.md#population-file
//= type=test
#[test]
fn what_has_the_digest_of_the_logged_snapshot_is_used_and_nothing_else() {
    let (world, issued, trust, memory) = bare();
    let [_, neighbour] = two_lists();
    let with = |state: &ListState| {
        let mut trust = trust.clone();
        let used = trust.add_population(Population::new([state, &neighbour]).expect("a population"));
        (used, judge(&world, &issued, &trust, &memory))
    };
    let missing = Verdict::of(Reason::StatusMissing);
    assert_eq!(judge(&world, &issued, &trust, &memory), missing);
    let (used, verdict) = with(&world.state);
    assert!(used == 1 && verdict.admits(), "{verdict}");
    // A state that nothing logged says neither yes nor no.
    let revoked = state(LIST, MIN_LIST_SLOTS, [(SLOT, StatusValue::Revoked)]);
    let other_slot = state(LIST, MIN_LIST_SLOTS, [(1, StatusValue::Revoked)]);
    let longer = state(LIST, MIN_LIST_SLOTS + 8, []);
    let elsewhere = state(ListId([8; 16]), MIN_LIST_SLOTS, []);
    for unlogged in [revoked, other_slot, longer, elsewhere] {
        assert_eq!(with(&unlogged), (0, missing.clone()));
    }
    // Keys are a part of the id: planes are judged under the whole id that the feed names.
    let mut twin = LIST;
    twin.0[15] = 1;
    assert_eq!(with(&state(twin, 1 << 20, [])), (0, missing.clone()));
    let mut trust = trust.clone();
    assert_eq!(trust.add_population(Population::new([]).expect("a population")), 0);
    assert_eq!(judge(&world, &issued, &trust, &memory), missing);
}

#[test]
fn a_population_says_revoked_and_suspended() {
    for (value, reason) in
        [(StatusValue::Revoked, Reason::StatusRevoked), (StatusValue::Suspended, Reason::StatusSuspended)]
    {
        let (mut world, issued, _container) = World::ready();
        world.set(value);
        world.publish();
        let feed = world.feed();
        let container = world.container_of(&feed, Vec::new());
        let (mut trust, memory) = open(&container, &Memory::default());
        assert_eq!(trust.add_population(Population::new([&world.state]).expect("a population")), 1);
        assert_eq!(judge(&world, &issued, &trust, &memory), Verdict::of(reason));
    }
}

/// The population of an hour ago is not hidden behind the feed: its list was changed since, and is as if it were missing.
#[test]
fn an_older_population_does_not_hide_a_revocation() {
    let (mut world, issued, _container) = World::ready();
    let before = Population::new([&world.state]).expect("a population");
    world.set(StatusValue::Revoked);
    world.publish();
    let feed = world.feed();
    let (mut trust, memory) = open(&world.container_of(&feed, Vec::new()), &Memory::default());
    assert_eq!(trust.add_population(before.clone()), 0);
    assert_eq!(judge(&world, &issued, &trust, &memory), Verdict::of(Reason::StatusMissing));
    // A state in the bundle is at hand already; the population changes nothing about it.
    let (mut trust, memory) = open(&world.container(), &Memory::default());
    assert_eq!(trust.add_population(before), 0);
    assert_eq!(judge(&world, &issued, &trust, &memory), Verdict::of(Reason::StatusRevoked));
}

fn lists() -> impl Strategy<Value = Vec<ListState>> {
    let value = prop_oneof![Just(StatusValue::Revoked), Just(StatusValue::Suspended)];
    let dense = (0..4_000_u32, value.clone());
    let sparse = (0..131_072_u32, value);
    let changes =
        prop_oneof![proptest::collection::vec(dense, 0..600), proptest::collection::vec(sparse, 0..200),];
    let lengths = prop_oneof![Just(MIN_LIST_SLOTS), Just(MIN_LIST_SLOTS + 8), Just(SLOTS)];
    // Few ids, so that some share bytes and some are on both sides.
    let lists = proptest::collection::btree_map((0..3_u8, 0..3_u8), (lengths, changes), 0..4);
    lists.prop_map(|lists| {
        let lists = lists.into_iter().map(|((first, last), (length, changes))| {
            let mut id = [first; 16];
            id[9] = last;
            state(ListId(id), length, changes)
        });
        lists.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    //= specs/status.md#population-delta
    //= type=test
    #[test]
    fn files_come_back_and_deltas_lead_from_one_to_the_other(before in lists(), after in lists()) {
        let [old, new] = [&before, &after].map(|lists| Population::new(lists).expect("a population"));
        for (population, lists) in [(&old, &before), (&new, &after)] {
            let read = Population::parse(&population.encode());
            prop_assert_eq!(read.as_ref(), Ok(population));
            for list in lists {
                let found = population.unverified_state(list.list());
                prop_assert_eq!(found.as_ref(), Some(list));
            }
        }
        let delta = old.delta_to(&new);
        prop_assert_eq!(old.apply(&delta).map(|result| result.encode()), Ok(new.encode()));
    }
}
