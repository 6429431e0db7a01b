//! The rules of the ledger, each by a walk over the whole history. Slow, and hard to get wrong.

use super::entry::{ADDED, COMPROMISED, RETIRED, well_formed};
use super::status::Slots;

/// The code of the first rule of `specs/entry.md` ("Ledger rules") that `entry` breaks after `history`.
#[must_use]
pub fn refusal(history: &[Vec<u8>], entry: &[u8]) -> Option<&'static str> {
    if !well_formed(entry) {
        return Some("entry.malformed");
    }
    match entry[1] {
        1 => issue(history, entry),
        2 => status(history, entry),
        3 => snapshot(history, entry),
        4 => of_kind(history, 4).any(|(_, old)| old[2..18] == entry[2..18]).then_some("list.duplicate"),
        5 => key(history, entry),
        _bundle => {
            let earlier = of_kind(history, 6).filter(|(_, old)| old[2] == entry[2]).count();
            (number(entry, 10) != earlier as u64 + 1).then_some("bundle.sequence")
        }
    }
}

fn issue(history: &[Vec<u8>], entry: &[u8]) -> Option<&'static str> {
    let events: Vec<u8> = events(history, &entry[34..66]).map(|event| event[66]).collect();
    if events != [ADDED] {
        return Some("issue.key-not-active");
    }
    of_kind(history, 1).any(|(_, old)| old[2..34] == entry[2..34]).then_some("issue.duplicate")
}

fn status(history: &[Vec<u8>], entry: &[u8]) -> Option<&'static str> {
    let Some((_, list)) = of_kind(history, 4).find(|(_, list)| list[2..18] == entry[2..18]) else {
        return Some("status.unknown-list");
    };
    let index = u64::from(u32::from_be_bytes(entry[18..22].try_into().expect("four bytes")));
    if index >= number(list, 50) {
        return Some("status.index-range");
    }
    let changes: Vec<u8> =
        of_kind(history, 2).filter(|(_, old)| old[2..22] == entry[2..22]).map(|(_, old)| old[22]).collect();
    if number(entry, 23) != changes.len() as u64 {
        return Some("status.out-of-order");
    }
    let value = changes.last().copied().unwrap_or(0);
    if value == 1 {
        return Some("status.revoked-is-terminal");
    }
    (value == entry[22]).then_some("status.no-change")
}

fn snapshot(history: &[Vec<u8>], entry: &[u8]) -> Option<&'static str> {
    let Some((declared, list)) = of_kind(history, 4).find(|(_, list)| list[2..18] == entry[2..18]) else {
        return Some("snapshot.unknown-list");
    };
    let earlier: Vec<u64> =
        of_kind(history, 3).filter(|(_, old)| old[2..18] == entry[2..18]).map(|(index, _)| index).collect();
    let fold_size = number(entry, 58);
    let id = entry[2..18].try_into().expect("sixteen bytes");
    if number(entry, 18) != earlier.len() as u64 + 1 {
        Some("snapshot.sequence")
    } else if fold_size <= earlier.last().copied().unwrap_or(declared) {
        Some("snapshot.fold-too-small")
    } else if fold_size > history.len() as u64 {
        Some("snapshot.fold-too-large")
    } else {
        let digest = Slots::fold(history, &id, number(list, 50), fold_size).digest(&id);
        (entry[26..58] != digest).then_some("snapshot.digest")
    }
}

fn key(history: &[Vec<u8>], entry: &[u8]) -> Option<&'static str> {
    let earlier: Vec<&[u8]> = events(history, &entry[34..66]).collect();
    let ours = earlier.first().is_some_and(|added| added[2..34] == entry[2..34]);
    let states: Vec<u8> = earlier.iter().map(|event| event[66]).collect();
    match entry[66] {
        ADDED => (!earlier.is_empty()).then_some("key.already-added"),
        RETIRED => (!ours || states != [ADDED]).then_some("key.not-active"),
        _compromised if !ours || states.is_empty() || states.contains(&COMPROMISED) => {
            Some("key.not-compromisable")
        }
        _compromised => {
            let retired = earlier.iter().find(|event| event[66] == RETIRED)?;
            let grows = |new: &[u8]| {
                let old = retired[76..].chunks(40).find(|old| old[..32] == new[..32]);
                number(new, 32) > old.map_or(0, |old| number(old, 32))
            };
            entry[76..].chunks(40).any(grows).then_some("key.cut-grows")
        }
    }
}

/// The key entries of one thumbprint.
fn events<'a>(history: &'a [Vec<u8>], thumbprint: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    of_kind(history, 5).filter(move |(_, old)| old[34..66] == *thumbprint).map(|(_, old)| old)
}

fn of_kind(history: &[Vec<u8>], kind: u8) -> impl Iterator<Item = (u64, &[u8])> {
    (0..).zip(history.iter().map(Vec::as_slice)).filter(move |(_, entry)| entry[1] == kind)
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
