//! Population files and the deltas between them.

use super::super::Vector;
use crate::reference::population::{File, List, delta, file, gap_code, number, plane_code};
use crate::reference::status::Slots;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = files();
    all.extend(kinds());
    all.extend(keys());
    all.extend(numbers());
    all.extend(codes());
    all.extend(deltas());
    all.extend(damaged_deltas());
    all
}

const SMALLEST: usize = 131_072;
const LARGEST: usize = 1 << 24;

/// A list with an id that begins so, and these slots set.
fn list(id: &[u8], slots: usize, revoked: &[usize], suspended: &[usize]) -> List {
    let mut full = [0x5a; 16];
    full[..id.len()].copy_from_slice(id);
    let mut state = Slots(vec![0; slots]);
    revoked.iter().for_each(|slot| state.0[*slot] = 1);
    suspended.iter().for_each(|slot| state.0[*slot] = 2);
    (full, state)
}

/// Slots that look like those that a permutation gives.
fn spread(count: usize, of: usize, start: usize) -> Vec<usize> {
    (0..count).map(|n| (start + n * 40_503) % of).collect()
}

fn two() -> Vec<List> {
    let revoked = spread(90, SMALLEST, 7);
    let suspended = spread(12, SMALLEST, 9);
    vec![list(&[9], SMALLEST, &revoked, &suspended), list(&[4], SMALLEST, &suspended, &[])]
}

/// A file with one list, slot 7 revoked and slot 9 suspended.
fn one() -> File {
    file(&[list(&[4], SMALLEST, &[7], &[9])])
}

fn new(name: &str, expect: &str, comment: &str) -> Vector {
    Vector::new("status", &format!("population-{name}"), expect, "status.md#population-file", comment)
        .line("check", "population")
}

fn good(name: &str, comment: &str, lists: &[List]) -> Vector {
    let vector = new(name, "ok", comment).hex("population", &file(lists).bytes());
    lists.iter().fold(vector, |vector, (id, slots)| vector.hex("list", id).hex("digest", &slots.digest(id)))
}

fn refused(name: &str, comment: &str, mut file: File, damage: impl FnOnce(&mut File)) -> Vector {
    damage(&mut file);
    new(name, "error", comment).hex("population", &file.bytes())
}

fn files() -> Vec<Vector> {
    let odd: Vec<usize> = (0..SMALLEST).filter(|slot| slot % 2 == 1).collect();
    vec![
        good("no-list", "no list at all", &[]),
        good("all-valid", "a list in which nothing is set has no codes", &[list(&[4], SMALLEST, &[], &[])]),
        good("one-slot", "the gap of a single slot", &[list(&[4], SMALLEST, &[100_000], &[])]),
        good("ends", "the first and the last slot", &[list(&[4], SMALLEST, &[0, SMALLEST - 1], &[])]),
        good("both-planes", "revocation, then suspension", &[list(&[4], SMALLEST, &[7], &[9])]),
        good("two-lists", "in ascending order of the ids; their codes share a byte", &two()),
        good(
            "lengths",
            "each length relative to the one before",
            &[
                list(&[1], 1 << 20, &[1_048_575], &[]),
                list(&[2], SMALLEST, &[5], &[]),
                list(&[3], SMALLEST + 8, &[], &[131_079]),
            ],
        ),
        good(
            "long-keys",
            "three bytes of two ids are the same, so that keys have four",
            &[list(&[1, 2, 3, 4], SMALLEST, &[3], &[]), list(&[1, 2, 3, 5], SMALLEST, &[4], &[])],
        ),
        good("half", "every other slot: a bit for a slot", &[list(&[4], SMALLEST, &odd, &[])]),
        good(
            "run",
            "neighbours: slots are random, yet any state has a file",
            &[list(&[4], SMALLEST, &(1_000..1_100).collect::<Vec<_>>(), &[])],
        ),
    ]
}

fn kinds() -> Vec<Vector> {
    let cut = |name: &str, comment: &str, bytes: usize| {
        let all = one().bytes();
        new(name, "error", comment).hex("population", &all[..bytes.min(all.len() - 1)])
    };
    vec![
        cut("empty", "no bytes at all", 0),
        cut("kind-only", "nothing behind the first line", 21),
        cut("cut-record", "it ends in a record", 26),
        cut("cut-codes", "the last byte is missing", usize::MAX),
        refused("other-version", "another version is another format", one(), |file| {
            file.kind = b"sillok-population/v2\n".to_vec();
        }),
        refused("delta-kind", "a delta is no population", one(), |file| {
            file.kind = b"sillok-population-delta/v1\n".to_vec();
        }),
        refused("trailing-byte", "a byte behind the codes", one(), |file| file.behind = vec![0]),
        refused("padding", "the bits behind the codes are zero", one(), |file| file.padding = true),
        refused("more-lists", "it announces a list that is not there", one(), |file| file.lists = 2),
        refused("fewer-lists", "it announces fewer lists than there are", one(), |file| file.lists = 0),
        refused("too-many-lists", "512 at most", one(), |file| file.lists = 513),
    ]
}

fn keys() -> Vec<Vector> {
    let (one_key, two_keys) = (one(), file(&two()));
    vec![
        refused("key-of-no-byte", "from 1 byte on", one_key.clone(), |file| {
            file.key_bytes = 0;
            file.records[0].0.clear();
        }),
        refused("key-of-17-bytes", "an id has 16", one_key.clone(), |file| {
            file.key_bytes = 17;
            file.records[0].0 = vec![4; 17];
        }),
        refused("key-longer", "a shorter one tells the only list from all others", one_key, |file| {
            file.key_bytes = 2;
            file.records[0].0 = vec![4, 0x5a];
        }),
        refused("keys-longer", "the first byte tells them apart", two_keys.clone(), |file| {
            file.key_bytes = 2;
            file.records[0].0 = vec![4, 0x5a];
            file.records[1].0 = vec![9, 0x5a];
        }),
        refused("keys-equal", "a list stands twice", two_keys.clone(), |file| file.records[1].0 = vec![4]),
        refused("keys-descend", "not in order", two_keys, |file| {
            file.records[0].0 = vec![9];
            file.records[1].0 = vec![4];
        }),
    ]
}

fn numbers() -> Vec<Vector> {
    let set = |name: &str, comment: &str, at: usize, bytes: Vec<u8>| {
        refused(name, comment, one(), |file| file.records[0].1[at] = bytes)
    };
    let length = |slots: usize| number((slots / 8) ^ 131_072);
    let many = |count: usize| {
        let lists: Vec<List> = (0..3).map(|id| list(&[id], LARGEST, &[], &[])).collect();
        let mut file = file(&lists);
        file.records.iter_mut().for_each(|record| record.1[1] = number(count));
        file.behind = vec![0; 64];
        new("too-many-set", "error", "2^25 slots that are set in all; refused before there is room for them")
            .hex("population", &file.bytes())
    };
    vec![
        set("number-longer", "1 has one byte", 1, vec![0x81, 0]),
        set("number-of-5-bytes", "four at most", 1, vec![0x81, 0x80, 0x80, 0x80, 0]),
        set("length-0", "a list has slots", 0, length(0)),
        set("length-too-short", "131,072 at least", 0, length(SMALLEST - 8)),
        set("length-too-long", "2^24 at most", 0, length(LARGEST + 8)),
        set("set-beyond-length", "more slots set than there are", 1, number(SMALLEST + 1)),
        refused("both-beyond-length", "revoked and suspended together are too many", one(), |file| {
            file.records[0].1[1] = number(SMALLEST);
        }),
        set("set-beyond-codes", "each slot takes a bit at least: a bomb", 1, number(SMALLEST - 1)),
        many(12_000_000),
    ]
}

fn codes() -> Vec<Vector> {
    let codes = |name: &str, comment: &str, codes: Vec<bool>| {
        refused(name, comment, one(), |file| file.codes = codes)
    };
    let seven = plane_code(&[7], SMALLEST);
    vec![
        codes("same-slot", "revoked and suspended", [seven.clone(), seven.clone()].concat()),
        codes(
            "beyond-last-slot",
            "the gap leads one slot beyond the list",
            [gap_code(SMALLEST, SMALLEST, 1), seven.clone()].concat(),
        ),
        codes("long-gap", "more one bits than any gap has", [vec![true; 4_096], seven.clone()].concat()),
        codes("one-plane", "suspension has no code", seven),
    ]
}

fn between(name: &str, expect: &str, comment: &str) -> Vector {
    Vector::new("status", &format!("population-delta-{name}"), expect, "status.md#population-delta", comment)
        .line("check", "population-delta")
}

fn deltas() -> Vec<Vector> {
    let case = |name: &str, comment: &str, base: &[List], result: &[List]| {
        between(name, "ok", comment)
            .hex("population", &file(base).bytes())
            .hex("delta", &delta(base, result).bytes())
            .hex("result", &file(result).bytes())
    };
    let mut changed = two();
    (changed[0].1.0[7], changed[0].1.0[8], changed[1].1.0[9]) = (0, 1, 2);
    let mut more = changed.clone();
    more.push(list(&[4, 1], SMALLEST + 8, &[3], &[131_079]));
    vec![
        case("none", "nothing has changed", &two(), &two()),
        case("changes", "one slot less, one more, one suspended instead of revoked", &two(), &changed),
        case("list-more", "a new list, and longer keys for all", &two(), &more),
        case("list-less", "a list is gone, and keys are shorter", &more, &changed[..1]),
        case("from-nothing", "the first population", &[], &two()),
        case("to-nothing", "no list is left", &two(), &[]),
    ]
}

fn damaged_deltas() -> Vec<Vector> {
    let mut changed = two();
    changed[0].1.0[8] = 1;
    let bad = |name: &str, comment: &str, damage: &dyn Fn(&mut File)| {
        let mut file = delta(&two(), &changed);
        damage(&mut file);
        between(name, "error", comment)
            .hex("population", &self::file(&two()).bytes())
            .hex("delta", &file.bytes())
    };
    vec![
        bad("other-base", "it starts from another file", &|file| file.digests[0] ^= 1),
        bad("other-result", "it leads to another file than it says", &|file| file.digests[63] ^= 1),
        bad("base-not-there", "the base has two lists", &|file| file.records[1].1[0] = number(3)),
        bad("base-twice", "a list of the base is used once", &|file| file.records[1].1[0] = number(1)),
        bad("population-kind", "a population is no delta", &|file| {
            file.kind = b"sillok-population/v1\n".to_vec();
        }),
        bad("padding", "the bits behind the codes are zero", &|file| file.padding = true),
        bad("trailing-byte", "a byte behind the codes", &|file| file.behind = vec![0]),
        bad("cut", "the codes are missing", &|file| file.codes.clear()),
        bad("beyond-length", "more changes than slots", &|file| file.records[1].1[1] = number(SMALLEST + 1)),
        bad("conflict", "a slot is then revoked and suspended", &|file| {
            file.records[1].1[1] = number(0);
            file.records[1].1[2] = number(1);
            file.codes = plane_code(&[7], SMALLEST);
        }),
    ]
}
