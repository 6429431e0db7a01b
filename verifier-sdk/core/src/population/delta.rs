//! Pure. What leads from one population file to another: the slots that differ, gap-coded.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use super::code::{BitReader, BitWriter, Cursor, count, write_number, write_plane};
use super::slots::{Slots, difference};
use super::{
    Key, MAX_POPULATION_BYTES, Population, PopulationError, Record, check_counts, check_keys, check_length,
    read_counts, write_counts,
};

//= specs/status.md#population-delta
pub(super) fn compose(base: &Population, result: &Population) -> Vec<u8> {
    let mut file = Vec::from(KIND);
    for population in [base, result] {
        file.extend_from_slice(&Sha256::digest(population.encode()));
    }
    write_counts(result.lists.len(), result.key_bytes, &mut file);
    let mut changes: Vec<Slots> = Vec::with_capacity(result.lists.len());
    let mut from = 1_u64;
    let mut before = base.lists.iter().peekable();
    let shared = base.key_bytes.min(result.key_bytes);
    for (key, slots) in &result.lists {
        while before.next_if(|(other, _slots)| other.shown(shared) < key.shown(shared)).is_some() {
            from = from.saturating_add(1);
        }
        let same = |(other, old): &&(Key, Slots)| {
            other.shown(shared) == key.shown(shared) && old.length == slots.length
        };
        file.extend_from_slice(key.shown(result.key_bytes));
        let change = match before.next_if(same) {
            Some((_key, old)) => {
                write_number(from, &mut file);
                from = from.saturating_add(1);
                Slots {
                    length: slots.length,
                    revoked: difference(&old.revoked, &slots.revoked),
                    suspended: difference(&old.suspended, &slots.suspended),
                }
            }
            None => {
                write_number(0, &mut file);
                write_number(slots.length >> 3, &mut file);
                slots.clone()
            }
        };
        write_number(count(&change.revoked), &mut file);
        write_number(count(&change.suspended), &mut file);
        changes.push(change);
    }
    let mut codes = BitWriter::after(file);
    for change in &changes {
        write_plane(&change.revoked, change.length, &mut codes);
        write_plane(&change.suspended, change.length, &mut codes);
    }
    codes.finish()
}

//= specs/status.md#population-delta
pub(super) fn apply(base: &Population, delta: &[u8]) -> Result<Population, PopulationError> {
    if delta.len() > MAX_POPULATION_BYTES {
        return Err(PopulationError::TooLarge);
    }
    let mut cursor = Cursor(delta.strip_prefix(KIND).ok_or(PopulationError::Kind)?);
    let (from, to) = (cursor.array::<32>()?, cursor.array::<32>()?);
    if from != <[u8; 32]>::from(Sha256::digest(base.encode())) {
        return Err(PopulationError::OtherBase);
    }
    let (lists, key_bytes) = read_counts(&mut cursor)?;
    let (mut records, mut bases) = (Vec::with_capacity(lists), Vec::with_capacity(lists));
    let mut last = 0;
    for _list in 0..lists {
        let key = Key::read(&mut cursor, key_bytes)?;
        let number = cursor.number()?;
        let (old, length) = match number {
            0 => (None, cursor.number()?.saturating_mul(8)),
            _ => {
                let old = base_of(base, number, last)?;
                last = number;
                (Some(old), old.length)
            }
        };
        check_length(length)?;
        let (revoked, suspended) = (cursor.number()?, cursor.number()?);
        if revoked.max(suspended) > length {
            return Err(PopulationError::SetSlots { count: revoked.max(suspended) });
        }
        records.push(Record { key, length, revoked, suspended });
        bases.push(old);
    }
    check_keys(records.iter().map(|record| &record.key), key_bytes)?;
    check_counts(&records, cursor.0.len())?;
    let mut codes = BitReader::new(cursor.0);
    let mut result = Population { key_bytes, lists: Vec::with_capacity(lists) };
    for (record, old) in records.iter().zip(bases) {
        let change = record.read(&mut codes)?;
        let slots = old.map_or_else(
            || change.clone(),
            |old| Slots {
                length: record.length,
                revoked: difference(&old.revoked, &change.revoked),
                suspended: difference(&old.suspended, &change.suspended),
            },
        );
        slots.conflict().map_or(Ok(()), |slot| Err(PopulationError::RevokedAndSuspended { slot }))?;
        result.lists.push((record.key, slots));
    }
    codes.finish()?;
    result.check_limits()?;
    if to != <[u8; 32]>::from(Sha256::digest(result.encode())) {
        return Err(PopulationError::OtherResult);
    }
    Ok(result)
}

/// The list of the base that a record means: `number` is one more than its position, and above the `last` one.
fn base_of(base: &Population, number: u64, last: u64) -> Result<&Slots, PopulationError> {
    let place = usize::try_from(number.saturating_sub(1)).ok().filter(|_place| number > last);
    let (_key, slots) =
        place.and_then(|place| base.lists.get(place)).ok_or(PopulationError::Base { number })?;
    Ok(slots)
}

const KIND: &[u8] = b"sillok-population-delta/v1\n";
