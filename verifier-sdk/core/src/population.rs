//! Pure. The population: the states of all lists of an authority in one file, gap-coded, and deltas between two files.
//!
//! A file is read into four bytes for each slot that is set, in which a slot is found by halving. Nothing in it is
//! believed: [`Trust::add_population`](crate::Trust::add_population) takes of it what has the digest of a logged
//! snapshot.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

use alloc::vec::Vec;

use sillok_log::entry::{ListId, MAX_LIST_SLOTS, MIN_LIST_SLOTS, StatusValue};
use sillok_log::status::ListState;

mod code;
mod delta;
mod error;
mod slots;

pub use error::PopulationError;
pub(crate) use slots::Slots;

use code::{BitReader, BitWriter, Cursor, count, read_plane, write_number, write_plane};

/// The states of lists, as a population file holds them. Whose they are nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Population {
    key_bytes: usize,
    /// In ascending order of their keys, which differ.
    lists: Vec<(Key, Slots)>,
}

/// The first bytes of a list id; the others are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u8; 16]);

impl Key {
    fn read(cursor: &mut Cursor<'_>, bytes: usize) -> Result<Self, PopulationError> {
        let mut key = [0; 16];
        let taken = cursor.take(bytes)?;
        key.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
        Ok(Self(key))
    }

    fn of(list: ListId, bytes: usize) -> Self {
        let mut key = list.0;
        key.iter_mut().skip(bytes).for_each(|byte| *byte = 0);
        Self(key)
    }

    fn shown(&self, bytes: usize) -> &[u8] {
        self.0.get(..bytes).unwrap_or_default()
    }
}

//= specs/status.md#population-file
impl Population {
    /// The population of these lists.
    ///
    /// # Errors
    /// A list that stands twice; more lists or slots that are set than a file may have.
    pub fn new<'a>(states: impl IntoIterator<Item = &'a ListState>) -> Result<Self, PopulationError> {
        let mut states: Vec<&ListState> = states.into_iter().collect();
        states.sort_by_key(|state| state.list());
        let ids: Vec<ListId> = states.iter().map(|state| state.list()).collect();
        let key_bytes = least_key_bytes(&ids)?;
        let lists = states.iter().map(|state| (Key::of(state.list(), key_bytes), Slots::of(state)));
        let population = Self { key_bytes, lists: lists.collect() };
        population.check_limits()?;
        Ok(population)
    }

    /// Reads a population file.
    ///
    /// # Errors
    /// Any other bytes than those that the states in it are written as.
    pub fn parse(bytes: &[u8]) -> Result<Self, PopulationError> {
        if bytes.len() > MAX_POPULATION_BYTES {
            return Err(PopulationError::TooLarge);
        }
        let mut cursor = Cursor(bytes.strip_prefix(KIND).ok_or(PopulationError::Kind)?);
        let (lists, key_bytes) = read_counts(&mut cursor)?;
        let mut records = Vec::with_capacity(lists);
        let mut eighth = FIRST_EIGHTH;
        for _list in 0..lists {
            let key = Key::read(&mut cursor, key_bytes)?;
            eighth ^= cursor.number()?;
            let length = eighth.saturating_mul(8);
            check_length(length)?;
            let (revoked, suspended) = (cursor.number()?, cursor.number()?);
            let set = revoked.saturating_add(suspended);
            if set > length {
                return Err(PopulationError::SetSlots { count: set });
            }
            records.push(Record { key, length, revoked, suspended });
        }
        check_keys(records.iter().map(|record| &record.key), key_bytes)?;
        check_counts(&records, cursor.0.len())?;
        let mut codes = BitReader::new(cursor.0);
        let mut read = Vec::with_capacity(lists);
        for record in &records {
            let slots = record.read(&mut codes)?;
            slots.conflict().map_or(Ok(()), |slot| Err(PopulationError::RevokedAndSuspended { slot }))?;
            read.push((record.key, slots));
        }
        codes.finish()?;
        Ok(Self { key_bytes, lists: read })
    }

    /// The file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut file = Vec::from(KIND);
        write_counts(self.lists.len(), self.key_bytes, &mut file);
        let mut before = FIRST_EIGHTH;
        for (key, slots) in &self.lists {
            let eighth = slots.length >> 3;
            file.extend_from_slice(key.shown(self.key_bytes));
            for number in [eighth ^ before, count(&slots.revoked), count(&slots.suspended)] {
                write_number(number, &mut file);
            }
            before = eighth;
        }
        let mut codes = BitWriter::after(file);
        for (_key, slots) in &self.lists {
            write_plane(&slots.revoked, slots.length, &mut codes);
            write_plane(&slots.suspended, slots.length, &mut codes);
        }
        codes.finish()
    }

    /// The delta from this population to another.
    #[must_use]
    pub fn delta_to(&self, result: &Self) -> Vec<u8> {
        delta::compose(self, result)
    }

    /// The population that a delta leads to from this one.
    ///
    /// # Errors
    /// A delta that is malformed or starts from another population, or whose result is no population or another than it says.
    pub fn apply(&self, delta: &[u8]) -> Result<Self, PopulationError> {
        delta::apply(self, delta)
    }

    /// How many lists it holds.
    #[must_use]
    pub const fn lists(&self) -> usize {
        self.lists.len()
    }

    /// How many slots its lists have.
    #[must_use]
    pub fn slots(&self) -> u64 {
        self.lists.iter().fold(0, |sum, (_key, slots)| sum.saturating_add(slots.length))
    }

    /// How many slots are revoked, and how many suspended.
    #[must_use]
    pub fn set_slots(&self) -> (u64, u64) {
        self.lists.iter().fold((0, 0), |(revoked, suspended), (_key, slots)| {
            (revoked.saturating_add(count(&slots.revoked)), suspended.saturating_add(count(&slots.suspended)))
        })
    }

    /// What a slot of a list says, if the list is here and has such a slot. Unverified: the file may be anybody's.
    #[must_use]
    pub fn unverified_status(&self, list: ListId, slot: u32) -> Option<StatusValue> {
        self.find(list).and_then(|at| self.lists.get(at)).and_then(|(_key, slots)| slots.get(slot))
    }

    /// The state of a list, if it is here. Unverified: compare its digest with a logged one.
    #[must_use]
    pub fn unverified_state(&self, list: ListId) -> Option<ListState> {
        let (_key, slots) = self.find(list).and_then(|at| self.lists.get(at))?;
        slots.state(list).ok()
    }

    /// Takes out the slots of a list.
    pub(crate) fn take(&mut self, list: ListId) -> Option<Slots> {
        let at = self.find(list)?;
        let (_key, slots) = self.lists.get_mut(at)?;
        Some(core::mem::replace(slots, Slots { length: 0, revoked: Vec::new(), suspended: Vec::new() }))
    }

    fn find(&self, list: ListId) -> Option<usize> {
        let wanted = Key::of(list, self.key_bytes);
        self.lists.binary_search_by(|(key, _slots)| key.cmp(&wanted)).ok()
    }

    fn check_limits(&self) -> Result<(), PopulationError> {
        let (revoked, suspended) = self.set_slots();
        let count = revoked.saturating_add(suspended);
        if count > MAX_SET_SLOTS { Err(PopulationError::SetSlots { count }) } else { Ok(()) }
    }
}

/// What precedes the codes of one list.
struct Record {
    key: Key,
    length: u64,
    revoked: u64,
    suspended: u64,
}

impl Record {
    fn read(&self, codes: &mut BitReader<'_>) -> Result<Slots, PopulationError> {
        let mut plane = |set: u64| {
            let set = usize::try_from(set).map_err(|_error| PopulationError::SetSlots { count: set })?;
            read_plane(codes, self.length, set)
        };
        Ok(Slots { length: self.length, revoked: plane(self.revoked)?, suspended: plane(self.suspended)? })
    }
}

/// How many lists there are, and the bytes of a key.
fn read_counts(cursor: &mut Cursor<'_>) -> Result<(usize, usize), PopulationError> {
    let count = usize::from(u16::from_be_bytes(cursor.array()?));
    let [key_bytes] = cursor.array::<1>()?;
    let key_bytes = usize::from(key_bytes);
    if count > MAX_POPULATION_LISTS {
        return Err(PopulationError::Lists { count });
    }
    if !(1..=16).contains(&key_bytes) {
        return Err(PopulationError::KeyBytes { bytes: key_bytes });
    }
    Ok((count, key_bytes))
}

fn write_counts(lists: usize, key_bytes: usize, out: &mut Vec<u8>) {
    // Both are within their limits.
    out.extend_from_slice(&u16::try_from(lists).unwrap_or(u16::MAX).to_be_bytes());
    out.push(u8::try_from(key_bytes).unwrap_or(u8::MAX));
}

fn check_length(slots: u64) -> Result<(), PopulationError> {
    let sound = slots.is_multiple_of(8) && (MIN_LIST_SLOTS..=MAX_LIST_SLOTS).contains(&slots);
    if sound { Ok(()) } else { Err(PopulationError::Length { slots }) }
}

/// Keys ascend, and with a byte less two of them would be the same.
fn check_keys<'a>(keys: impl Iterator<Item = &'a Key>, key_bytes: usize) -> Result<(), PopulationError> {
    let keys: Vec<&Key> = keys.collect();
    let pairs = || keys.iter().zip(keys.iter().skip(1));
    if pairs().any(|(one, next)| one >= next) {
        return Err(PopulationError::Order);
    }
    let shorter = key_bytes.saturating_sub(1);
    let needed = shorter == 0 || pairs().any(|(one, next)| one.shown(shorter) == next.shown(shorter));
    if needed { Ok(()) } else { Err(PopulationError::KeyBytes { bytes: key_bytes }) }
}

/// No more slots are set than may be in all, and each that is has a bit among `bytes` of codes.
fn check_counts(records: &[Record], bytes: usize) -> Result<(), PopulationError> {
    let sum =
        |total: u64, record: &Record| total.saturating_add(record.revoked).saturating_add(record.suspended);
    let total = records.iter().fold(0, sum);
    if total > MAX_SET_SLOTS {
        return Err(PopulationError::SetSlots { count: total });
    }
    let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
    if total > bits { Err(PopulationError::Cut) } else { Ok(()) }
}

/// The least bytes at which ids in ascending order differ.
fn least_key_bytes(ids: &[ListId]) -> Result<usize, PopulationError> {
    if ids.len() > MAX_POPULATION_LISTS {
        return Err(PopulationError::Lists { count: ids.len() });
    }
    let common =
        |(one, next): (&ListId, &ListId)| one.0.iter().zip(&next.0).take_while(|(a, b)| a == b).count();
    let longest = ids.iter().zip(ids.iter().skip(1)).map(common).max().unwrap_or(0);
    if longest == 16 { Err(PopulationError::Duplicate) } else { Ok(longest.saturating_add(1)) }
}

const KIND: &[u8] = b"sillok-population/v1\n";

/// An eighth of the slots of the lists that an issuer makes by default: 2^20.
const FIRST_EIGHTH: u64 = 131_072;

/// Longest population file or delta in bytes (specs/status.md, "Population file").
pub const MAX_POPULATION_BYTES: usize = 32 << 20;

/// Most lists of a population: those that a feed names (specs/trust-bundle.md, "Feed").
pub const MAX_POPULATION_LISTS: usize = crate::trust::MAX_SNAPSHOTS;

/// Most slots that are set in a population: 128 MiB in memory (specs/status.md, "Population file").
pub const MAX_SET_SLOTS: u64 = 1 << 25;
