//! Pure. How many entries there were of what: numbers that an authority can hold against its own books.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::entry::{Entry, EntryKind, IssuerHash, Key, KeyEvent, StatusValue, Thumbprint};
use crate::saved::{Reader, SavedError, push_count, push_number};
use crate::{LeafIndex, UnixSeconds};

/// How many entries there were of what. Those that broke a rule are counted apart and nowhere else, but for an issue
/// entry whose one fault is a commitment that was there before: it may be found long after it was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    foreign: u64,
    malformed: u64,
    refused: u64,
    /// By the code of the kind.
    kinds: [u64; 7],
    issued_by_key: BTreeMap<Thumbprint, u64>,
    issued: KeyHours,
    revoked: Hours,
    key_events: Vec<KeyEventAt>,
}

/// A key entry that broke no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEventAt {
    /// Its position.
    pub at: LeafIndex,
    /// Whose key it is.
    pub issuer: IssuerHash,
    /// The key.
    pub key: Thumbprint,
    /// What happened to it.
    pub event: KeyEvent,
    /// When, as the entry says.
    pub time: UnixSeconds,
}

/// Counts by hour, of the first [`MAX_HOURS`] hours that were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    counts: BTreeMap<UnixSeconds, u64>,
    elsewhere: u64,
}

/// Counts by key and hour, of the first [`MAX_HOURS`] pairs of both that were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyHours {
    counts: BTreeMap<(Thumbprint, UnixSeconds), u64>,
    elsewhere: u64,
}

impl Hours {
    /// By the beginning of the hour.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<UnixSeconds, u64> {
        &self.counts
    }

    /// How many there were in hours that are not kept.
    #[must_use]
    pub const fn elsewhere(&self) -> u64 {
        self.elsewhere
    }

    fn encode(&self, out: &mut Vec<u8>) {
        push_number(out, self.elsewhere);
        push_count(out, self.counts.len());
        for (hour, count) in &self.counts {
            push_number(out, hour.0);
            push_number(out, *count);
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, SavedError> {
        let elsewhere = reader.number()?;
        let counts = reader.items(|reader| Ok((UnixSeconds(reader.number()?), reader.number()?)))?;
        Ok(Self { counts: counts.into_iter().collect(), elsewhere })
    }
}

impl KeyHours {
    /// By key and the beginning of the hour.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<(Thumbprint, UnixSeconds), u64> {
        &self.counts
    }

    /// How many there were of pairs that are not kept.
    #[must_use]
    pub const fn elsewhere(&self) -> u64 {
        self.elsewhere
    }

    /// Of one key, by the beginning of the hour, earliest first.
    pub fn of_key(&self, key: Thumbprint) -> impl Iterator<Item = (UnixSeconds, u64)> {
        let hours = self.counts.range((key, UnixSeconds(0))..=(key, UnixSeconds(u64::MAX)));
        hours.map(|((_key, hour), count)| (*hour, *count))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        push_number(out, self.elsewhere);
        push_count(out, self.counts.len());
        for ((key, hour), count) in &self.counts {
            out.extend_from_slice(&key.0);
            push_number(out, hour.0);
            push_number(out, *count);
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, SavedError> {
        let elsewhere = reader.number()?;
        let counts = reader.items(|reader| {
            let (key, hour) = (Thumbprint(reader.take()?), UnixSeconds(reader.number()?));
            Ok(((key, hour), reader.number()?))
        })?;
        Ok(Self { counts: counts.into_iter().collect(), elsewhere })
    }
}

impl Counts {
    /// Entries of a raw log.
    #[must_use]
    pub const fn foreign(&self) -> u64 {
        self.foreign
    }

    /// Entries that do not parse, or, in a raw log, are empty or too long.
    #[must_use]
    pub const fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Entries that parse and break a rule of the ledger.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Entries of a kind.
    #[must_use]
    pub fn of_kind(&self, kind: EntryKind) -> u64 {
        self.kinds.get(usize::from(kind.code())).copied().unwrap_or(0)
    }

    /// Issue entries by the key that signed the credential.
    #[must_use]
    pub const fn issued_by_key(&self) -> &BTreeMap<Thumbprint, u64> {
        &self.issued_by_key
    }

    /// Issue entries by the key that signed the credential and the hour that they name, any up to the year 9999.
    #[must_use]
    pub const fn issued_by_key_and_hour(&self) -> &KeyHours {
        &self.issued
    }

    /// Issue entries by hour alone: the sums of [`Counts::issued_by_key_and_hour`].
    #[must_use]
    pub fn issued_by_hour(&self) -> Hours {
        let mut hours = Hours { counts: BTreeMap::new(), elsewhere: self.issued.elsewhere };
        for ((_key, hour), count) in &self.issued.counts {
            let sum = hours.counts.entry(*hour).or_default();
            *sum = sum.saturating_add(*count);
        }
        hours
    }

    /// Revocations by the hour in which the issuer decided.
    #[must_use]
    pub const fn revoked_by_hour(&self) -> &Hours {
        &self.revoked
    }

    /// What happened to keys, in log order.
    #[must_use]
    pub fn key_events(&self) -> &[KeyEventAt] {
        &self.key_events
    }

    pub(super) fn add(&mut self, entry: &Entry, at: LeafIndex) {
        self.kinds.get_mut(usize::from(entry.kind().code())).into_iter().for_each(increment);
        match entry {
            Entry::Issue(issue) => {
                increment(self.issued_by_key.entry(issue.issuer_key).or_default());
                let place = (issue.issuer_key, hour_of(issue.time));
                count_within(&mut self.issued.counts, &mut self.issued.elsewhere, place);
            }
            Entry::Key(Key { issuer, key, event, time, cuts: _ }) => {
                // The ledger bounds them: three for each key.
                let (issuer, key, event, time) = (*issuer, *key, *event, *time);
                self.key_events.push(KeyEventAt { at, issuer, key, event, time });
            }
            Entry::Status(status) => match status.value {
                StatusValue::Revoked => {
                    let Hours { counts, elsewhere } = &mut self.revoked;
                    count_within(counts, elsewhere, hour_of(status.time));
                }
                StatusValue::Suspended | StatusValue::Valid => {}
            },
            Entry::Bundle(_) | Entry::List(_) | Entry::Snapshot(_) => {}
        }
    }

    pub(super) fn add_foreign(&mut self) {
        increment(&mut self.foreign);
    }

    pub(super) fn add_malformed(&mut self) {
        increment(&mut self.malformed);
    }

    pub(super) fn add_refused(&mut self) {
        increment(&mut self.refused);
    }

    //= specs/audit.md#saved-state
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        [self.foreign, self.malformed, self.refused].into_iter().for_each(|count| push_number(out, count));
        for kind in EntryKind::ALL {
            push_number(out, self.of_kind(kind));
        }
        push_count(out, self.issued_by_key.len());
        for (key, count) in &self.issued_by_key {
            out.extend_from_slice(&key.0);
            push_number(out, *count);
        }
        self.issued.encode(out);
        self.revoked.encode(out);
        push_count(out, self.key_events.len());
        for KeyEventAt { at, issuer, key, event, time } in &self.key_events {
            push_number(out, at.0);
            out.extend_from_slice(&issuer.0);
            out.extend_from_slice(&key.0);
            out.push(event.code());
            push_number(out, time.0);
        }
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, SavedError> {
        let (foreign, malformed, refused) = (reader.number()?, reader.number()?, reader.number()?);
        let mut kinds = [0; 7];
        for kind in EntryKind::ALL {
            let count = reader.number()?;
            kinds.get_mut(usize::from(kind.code())).into_iter().for_each(|held| *held = count);
        }
        let by_key = reader.items(|reader| Ok((Thumbprint(reader.take()?), reader.number()?)))?;
        let (issued, revoked) = (KeyHours::parse(reader)?, Hours::parse(reader)?);
        let key_events = reader.items(|reader| {
            let at = LeafIndex(reader.number()?);
            let (issuer, key) = (IssuerHash(reader.take()?), Thumbprint(reader.take()?));
            let [code] = reader.take()?;
            let event = KeyEvent::from_code(code).ok_or(SavedError::Code { found: code })?;
            Ok(KeyEventAt { at, issuer, key, event, time: UnixSeconds(reader.number()?) })
        })?;
        let issued_by_key = by_key.into_iter().collect();
        Ok(Self { foreign, malformed, refused, kinds, issued_by_key, issued, revoked, key_events })
    }
}

/// The beginning of its hour.
fn hour_of(time: UnixSeconds) -> UnixSeconds {
    UnixSeconds(time.0.saturating_sub(time.0 % SECONDS_PER_HOUR))
}

/// Counts one at its place, or, if there is no room for another place, elsewhere.
fn count_within<K: Ord>(counts: &mut BTreeMap<K, u64>, elsewhere: &mut u64, place: K) {
    let full = counts.len() >= MAX_HOURS;
    match counts.get_mut(&place) {
        Some(count) => increment(count),
        None if full => increment(elsewhere),
        None => {
            counts.insert(place, 1);
        }
    }
}

/// A log has fewer than 2^63 entries.
fn increment(count: &mut u64) {
    *count = count.saturating_add(1);
}

const SECONDS_PER_HOUR: u64 = 3_600;

/// Hours, or pairs of key and hour, that are counted one by one: 30 years of one key. An entry may name any hour up to the
/// year 9999, and a log that names a new one in each entry is not to cost its auditor memory.
pub const MAX_HOURS: usize = 262_144;
