//! The population file: its bytes beside the information bound, and what reading it, judging it and asking it costs.

use std::hint::black_box;
use std::time::Instant;

use anyhow::ensure;
use fastrand::Rng;
use sha2::{Digest as _, Sha256};
use sillok_log::Hash;
use sillok_log::entry::{ListId, StatusValue};
use sillok_log::status::ListState;
use sillok_verifier::population::Population;
use sillok_verifier::status_list::compress_state;

use super::Bench;
use super::figure::{Figure, Limit};

pub(super) fn measure(_bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for case in CASES {
        figures.extend(case.measure()?);
    }
    Ok(figures)
}

/// Lists of 2^20 slots, and how many slots of all are revoked.
struct Case {
    lists: u8,
    /// Of a million slots.
    revoked: u64,
    names: [&'static str; 7],
}

macro_rules! names {
    ($case:literal) => {
        [
            concat!("status: file, ", $case),
            concat!("status: delta of 5,000 changes, ", $case),
            concat!("status: encoding, ", $case),
            concat!("status: decoding, ", $case),
            concat!("status: judging by digest, ", $case),
            concat!("status: applying the delta, ", $case),
            concat!("status: look-up, ", $case),
        ]
    };
}

/// 50 million slots; then 50 million credentials in lists that are half full, which a reader cannot tell from empty slots.
const CASES: [Case; 4] = [
    Case { lists: 48, revoked: 10_000, names: names!("50 M slots, 1 %") },
    Case { lists: 48, revoked: 1_000, names: names!("50 M slots, 0.1 %") },
    Case { lists: 96, revoked: 5_000, names: names!("50 M of 100 M slots, 1 %") },
    Case { lists: 96, revoked: 500, names: names!("50 M of 100 M slots, 0.1 %") },
];

impl Case {
    fn measure(&self) -> anyhow::Result<Vec<Figure>> {
        let mut rng = Rng::with_seed(SEED);
        let slots = u64::from(self.lists) << 20;
        let mut states = self.states(&mut rng)?;
        let population = Population::new(&states)?;
        let (file, encoding) = timed(|| Ok(Population::new(&states)?.encode()))?;
        let ids: Vec<ListId> = states.iter().map(ListState::list).collect();
        let (read, decoding) = timed(|| Ok(Population::parse(&file)?))?;
        ensure!(read == population, "the file is read as another population");
        let digests: Vec<Hash> = states.iter().map(ListState::digest).collect();
        let (_judged, judging) = timed(|| judge(&read, &states, &digests))?;
        let (_hashed, hashing) = timed(|| hash(&states))?;
        let (set, _suspended) = population.set_slots();
        let asked: Vec<(usize, u32)> =
            (0..LOOK_UPS).map(|_ask| (rng.usize(..ids.len()), rng.u32(..1 << 20))).collect();
        let look_up = each(&asked, |list, slot| read.unverified_status(*ids.get(list)?, slot));
        let in_planes = each(&asked, |list, slot| states.get(list)?.get(slot));
        let zlib: usize =
            states.iter().map(|state| compress_state(state.revocation(), state.suspension()).len()).sum();

        for _change in 0..CHANGES {
            change(&mut rng, &mut states)?;
        }
        let changed = Population::new(&states)?;
        let delta = population.delta_to(&changed);
        let (applied, applying) = timed(|| Ok(population.apply(&delta)?))?;
        ensure!(applied == changed, "the delta leads to another population");

        let [of_file, of_delta, encode, decode, judged, apply, find] = self.names;
        let bytes = |name, bytes: usize, bound: f64, limits: Vec<Limit>| {
            let bound = limit("information bound", "bytes", bound);
            figure(name, "bytes", bytes as f64, [vec![bound], limits].concat())
        };
        Ok(vec![
            bytes(
                of_file,
                file.len(),
                bound(slots, set),
                vec![limit("the lists one by one, zlib", "bytes", zlib as f64)],
            ),
            bytes(of_delta, delta.len(), bound(slots, CHANGES), Vec::new()),
            figure(encode, "ms", encoding, Vec::new()),
            figure(decode, "ms", decoding, Vec::new()),
            figure(judged, "ms", judging, vec![limit("SHA-256 of the planes", "ms", hashing)]),
            figure(apply, "ms", applying, Vec::new()),
            figure(find, "ns", look_up, vec![limit("look-up in uncompressed planes", "ns", in_planes)]),
        ])
    }

    fn states(&self, rng: &mut Rng) -> anyhow::Result<Vec<ListState>> {
        let mut id = || ListId(core::array::from_fn(|_byte| rng.u8(..)));
        let made = (0..self.lists).map(|_list| Ok(ListState::new(id(), 1 << 20)?));
        let mut states = made.collect::<anyhow::Result<Vec<ListState>>>()?;
        let wanted = (u64::from(self.lists) << 20) * self.revoked / 1_000_000;
        let mut revoked = 0;
        while revoked < wanted {
            revoked += u64::from(change(rng, &mut states)?);
        }
        Ok(states)
    }
}

/// Revokes a random slot. Whether it was valid.
fn change(rng: &mut Rng, states: &mut [ListState]) -> anyhow::Result<bool> {
    let state = rng.choice(states).ok_or_else(|| anyhow::anyhow!("no list"))?;
    let slot = rng.u32(..1 << 20);
    let valid = state.get(slot) == Some(StatusValue::Valid);
    state.set(slot, StatusValue::Revoked)?;
    Ok(valid)
}

/// What a trust bundle does with every list that its feed names.
fn judge(population: &Population, states: &[ListState], digests: &[Hash]) -> anyhow::Result<()> {
    for (state, digest) in states.iter().zip(digests) {
        let found = population.unverified_state(state.list()).map(|found| found.digest());
        ensure!(found == Some(*digest), "a list has another digest");
    }
    Ok(())
}

fn hash(states: &[ListState]) -> anyhow::Result<()> {
    for plane in states.iter().flat_map(|state| [state.revocation(), state.suspension()]) {
        black_box(Sha256::digest(plane));
    }
    Ok(())
}

/// n H(k / n) bits in bytes.
fn bound(slots: u64, set: u64) -> f64 {
    let p = set as f64 / slots as f64;
    let entropy = -p * p.log2() - (1.0 - p) * (1.0 - p).log2();
    slots as f64 * entropy / 8.0
}

/// How long it takes, in milliseconds: the best of three.
fn timed<T>(mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<(T, f64)> {
    let mut once = || {
        let began = Instant::now();
        work().map(|done| (done, began.elapsed().as_secs_f64() * 1_000.0))
    };
    let mut best = once()?;
    for _again in 1..3 {
        let next = once()?;
        if next.1 < best.1 {
            best = next;
        }
    }
    Ok(best)
}

/// Nanoseconds of one look-up.
fn each(asked: &[(usize, u32)], mut look_up: impl FnMut(usize, u32) -> Option<StatusValue>) -> f64 {
    let began = Instant::now();
    for (list, slot) in asked {
        black_box(look_up(black_box(*list), black_box(*slot)));
    }
    began.elapsed().as_nanos() as f64 / asked.len() as f64
}

fn figure(name: &'static str, unit: &'static str, rate: f64, limits: Vec<Limit>) -> Figure {
    Figure { name, unit, rate, latency: None, limits }
}

fn limit(name: &'static str, unit: &'static str, rate: f64) -> Limit {
    Limit { name, unit, rate }
}

/// Changes of a delta: those of some hours in a country.
const CHANGES: u64 = 5_000;

const LOOK_UPS: usize = 1_000_000;

/// Any number.
const SEED: u64 = 0x2021_1213;
