//! Population files and deltas: bit by bit, as `specs/status.md` says it. A reader reads loosely, and then asks whether the
//! writer would have written the same.

use super::status::Slots;
use super::tree::sha256;

/// A list with the state of every slot.
pub type List = ([u8; 16], Slots);

/// A file in its parts, so that each can be damaged by itself.
#[derive(Clone)]
pub struct File {
    /// The line that it begins with.
    pub kind: Vec<u8>,
    /// What a delta says of base and result.
    pub digests: Vec<u8>,
    /// How many lists it announces.
    pub lists: u16,
    /// Bytes of a key.
    pub key_bytes: u8,
    /// The numbers of each list behind its key.
    pub records: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    /// The codes.
    pub codes: Vec<bool>,
    /// What fills the last byte.
    pub padding: bool,
    /// Bytes behind it.
    pub behind: Vec<u8>,
}

impl File {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = [&self.kind[..], &self.digests, &self.lists.to_be_bytes(), &[self.key_bytes]].concat();
        for (key, numbers) in &self.records {
            out.extend([key.clone(), numbers.concat()].concat());
        }
        for bits in self.codes.chunks(8) {
            let padded = bits.iter().copied().chain(std::iter::repeat(self.padding));
            out.push(padded.take(8).fold(0, |byte, bit| byte << 1 | u8::from(bit)));
        }
        out.extend(&self.behind);
        out
    }
}

/// The population file of these lists.
#[must_use]
pub fn file(lists: &[List]) -> File {
    let mut lists = lists.to_vec();
    lists.sort_by_key(|(id, _slots)| *id);
    let key_bytes = key_bytes(&lists);
    let mut before = 131_072;
    let mut records = Vec::new();
    let mut codes = Vec::new();
    for (id, slots) in &lists {
        let eighth = slots.0.len() / 8;
        let planes = [1, 2].map(|value| positions(slots, value));
        let counts = [eighth ^ before, planes[0].len(), planes[1].len()];
        records.push((id[..key_bytes].to_vec(), counts.map(number).to_vec()));
        planes.iter().for_each(|plane| codes.extend(plane_code(plane, slots.0.len())));
        before = eighth;
    }
    assemble(b"sillok-population/v1\n", Vec::new(), key_bytes, records, codes)
}

/// The delta between the files of these lists. A list is in both if its id is.
#[must_use]
pub fn delta(base: &[List], result: &[List]) -> File {
    let (mut old, mut new) = (base.to_vec(), result.to_vec());
    old.sort_by_key(|(id, _slots)| *id);
    new.sort_by_key(|(id, _slots)| *id);
    let key_bytes = key_bytes(&new);
    let mut records = Vec::new();
    let mut codes = Vec::new();
    for (id, slots) in &new {
        let at = old.iter().position(|(other, _slots)| other == id);
        let empty = Slots(vec![0; slots.0.len()]);
        let before = at.map_or(&empty, |at| &old[at].1);
        let planes = [1, 2].map(|value| {
            let (was, is) = (positions(before, value), positions(slots, value));
            let all = 0..slots.0.len();
            all.filter(|slot| was.contains(slot) != is.contains(slot)).collect::<Vec<_>>()
        });
        let mut numbers = match at {
            Some(at) => vec![number(at + 1)],
            None => vec![number(0), number(slots.0.len() / 8)],
        };
        numbers.extend(planes.iter().map(|plane| number(plane.len())));
        records.push((id[..key_bytes].to_vec(), numbers));
        planes.iter().for_each(|plane| codes.extend(plane_code(plane, slots.0.len())));
    }
    let digests = [base, result].map(|lists| sha256(&[&file(lists).bytes()])).concat();
    assemble(b"sillok-population-delta/v1\n", digests, key_bytes, records, codes)
}

fn assemble(
    kind: &[u8],
    digests: Vec<u8>,
    key_bytes: usize,
    records: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    codes: Vec<bool>,
) -> File {
    File {
        kind: kind.to_vec(),
        digests,
        lists: u16::try_from(records.len()).expect("few lists"),
        key_bytes: u8::try_from(key_bytes).expect("at most 16"),
        records,
        codes,
        padding: false,
        behind: Vec::new(),
    }
}

/// The least bytes at which all ids differ.
fn key_bytes(lists: &[List]) -> usize {
    let differ = |bytes: usize| {
        let mut keys: Vec<&[u8]> = lists.iter().map(|(id, _slots)| &id[..bytes]).collect();
        keys.dedup();
        keys.len() == lists.len()
    };
    (1..=16).find(|bytes| differ(*bytes)).expect("no list stands twice")
}

fn positions(slots: &Slots, value: u8) -> Vec<usize> {
    (0..slots.0.len()).filter(|slot| slots.0[*slot] == value).collect()
}

/// 7 bits a byte, least significant first.
#[must_use]
pub fn number(number: usize) -> Vec<u8> {
    let low = u8::try_from(number % 128).expect("7 bits");
    if number < 128 { vec![low] } else { [vec![low + 128], self::number(number / 128)].concat() }
}

/// The code of a plane of `slots` slots of which these are set.
#[must_use]
pub fn plane_code(set: &[usize], slots: usize) -> Vec<bool> {
    let mut code = Vec::new();
    let mut next = 0;
    for slot in set {
        code.extend(gap_code(slot - next, slots, set.len()));
        next = slot + 1;
    }
    code
}

/// The code of one gap in a plane with `set` of `slots` slots set.
#[must_use]
pub fn gap_code(gap: usize, slots: usize, set: usize) -> Vec<bool> {
    let m = ((61 * slots + 13 * set) / (88 * set)).max(1);
    let mut b = 0;
    while 1 << b < m {
        b += 1;
    }
    let c = (1 << b) - m;
    let mut code = vec![true; gap / m];
    code.push(false);
    let r = gap % m;
    if m > 1 && r < c {
        code.extend(binary(r, b - 1));
    } else if m > 1 {
        code.extend(binary(r + c, b));
    }
    code
}

/// `bits` bits, most significant first.
fn binary(value: usize, bits: usize) -> Vec<bool> {
    (0..bits).rev().map(|place| value >> place & 1 == 1).collect()
}

/// The lists of a file, if it is the file that is written for them. `ids` are the ids that its keys may be of.
#[must_use]
pub fn read(bytes: &[u8], ids: &[[u8; 16]]) -> Option<Vec<List>> {
    let mut rest = bytes.get(24..)?;
    let (lists, key_bytes) = (u16::from_be_bytes([bytes[21], bytes[22]]), usize::from(bytes[23]));
    let mut records = Vec::new();
    let mut eighth = 131_072;
    for _list in 0..lists {
        let key = rest.get(..key_bytes)?;
        rest = &rest[key_bytes..];
        let [change, revoked, suspended] =
            [read_number(&mut rest)?, read_number(&mut rest)?, read_number(&mut rest)?];
        eighth ^= change;
        records.push((ids.iter().find(|id| id.starts_with(key))?, eighth * 8, [revoked, suspended]));
    }
    let mut bits = rest.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1 == 1));
    let mut found = Vec::new();
    for (id, length, counts) in records {
        if length > 1 << 24 {
            return None;
        }
        let mut slots = Slots(vec![0; length]);
        for (count, value) in counts.into_iter().zip([1, 2]) {
            let mut next = 0;
            for _slot in 0..count {
                // Every gap in turn, until one has the code that is there.
                let slot = next + read_gap(&mut bits, length, count)?;
                *slots.0.get_mut(slot)? = value;
                next = slot + 1;
            }
        }
        found.push((*id, slots));
    }
    (file(&found).bytes() == bytes).then_some(found)
}

fn read_number(bytes: &mut &[u8]) -> Option<usize> {
    let low = *bytes.first()?;
    *bytes = &bytes[1..];
    let low_bits = usize::from(low % 128);
    if low < 128 { Some(low_bits) } else { Some(low_bits + 128 * read_number(bytes)?) }
}

/// The gap whose code comes next.
fn read_gap(bits: &mut impl Iterator<Item = bool>, slots: usize, set: usize) -> Option<usize> {
    let mut code = Vec::new();
    loop {
        code.push(bits.next()?);
        // Before the zero there is no gap to compare with; after it there are at most m.
        let ones = code.iter().take_while(|bit| **bit).count();
        if ones == code.len() {
            continue;
        }
        let m = ((61 * slots + 13 * set) / (88 * set)).max(1);
        let value = code[ones + 1..].iter().fold(0, |value, bit| value << 1 | usize::from(*bit));
        let candidates = [Some(value), value.checked_sub(m.next_power_of_two() - m)];
        let gaps = candidates.into_iter().flatten().filter(|r| *r < m).map(|r| ones * m + r);
        if let Some(gap) = gaps.into_iter().find(|gap| gap_code(*gap, slots, set) == code) {
            return Some(gap);
        }
        if code.len() > ones + 64 {
            return None;
        }
    }
}
