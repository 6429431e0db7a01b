//! What the records have in memory: made of the journal's plain headers, and of nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};

use sillok_log::UnixSeconds;

use super::header::{Header, KeyDigest, Place, Purpose};
use super::{EnrolmentNumber, RecordNumber, TypeCode, Version};
use crate::journal::Location;
use crate::register::IssueNumber;
use crate::subjects::SubjectSlot;

/// Everything that is known without opening a sealed part: some 300 bytes for each holder's key.
#[derive(Default)]
pub(super) struct Index {
    records: HashMap<RecordNumber, RecordState>,
    next_record: u64,
    by_person: HashMap<(SubjectSlot, TypeCode), RecordNumber>,
    /// The record that a key was used for first, for ever.
    keys: HashMap<KeyDigest, RecordNumber>,
    places: HashMap<Place, PlaceState>,
    /// Where a credential is that is in force for a holder's key.
    in_force: HashMap<IssueNumber, Place>,
    /// Which enrolment is to take the place of a credential that is nobody's.
    anew: HashMap<IssueNumber, EnrolmentNumber>,
    /// Which credential has taken the place of another.
    heirs: HashMap<IssueNumber, IssueNumber>,
    pub(super) begun: BTreeMap<EnrolmentNumber, Begun>,
    pub(super) pending: BTreeMap<EnrolmentNumber, Pending>,
    next_enrolment: u64,
    /// What somebody works on at this moment.
    reserved: HashSet<Reserved>,
}

/// One record.
#[derive(Clone, Debug)]
pub(super) struct RecordState {
    /// Its newest content.
    pub(super) location: Location,
    pub(super) subject: SubjectSlot,
    pub(super) kind: TypeCode,
    pub(super) version: Version,
    /// Keys and formats that it was issued for.
    places: Vec<(KeyDigest, u8)>,
}

/// What has become of a holder's key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PlaceState {
    pub(super) current: Option<Current>,
    /// One that is about to be issued.
    pub(super) open: Option<EnrolmentNumber>,
    /// Another key has taken its place.
    pub(super) replaced: bool,
}

/// The credential that is in force.
#[derive(Clone, Copy, Debug)]
pub(super) struct Current {
    pub(super) enrolment: EnrolmentNumber,
    pub(super) issue: IssueNumber,
    pub(super) version: Version,
    /// From when on it is renewed.
    pub(super) renew: UnixSeconds,
    pub(super) begun: Location,
}

/// A credential that is about to be issued.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub(super) purpose: Purpose,
    renew: UnixSeconds,
    location: Location,
}

/// What is to be revoked, now that something else is in its place.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// What is in its place.
    pub(crate) heir: IssueNumber,
    /// The one before it, of the same holder.
    pub(crate) before: Option<IssueNumber>,
    /// Those of the person's other keys.
    pub(crate) others: Vec<IssueNumber>,
    pub(super) begun: Location,
}

/// Something that one may work on at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reserved {
    Issue(IssueNumber),
    Person(SubjectSlot, TypeCode),
    Place(Place),
    Record(RecordNumber),
}

impl Purpose {
    /// What an enrolment for it works on.
    pub(super) fn reserved(&self) -> Reserved {
        match self {
            Self::Anew { issue } => Reserved::Issue(*issue),
            Self::Holder { place, .. } => Reserved::Place(*place),
        }
    }
}

impl Index {
    /// Takes in a record of the journal, whether it was just written or read again at the start.
    pub(super) fn apply(&mut self, location: Location, header: &Header) -> Result<(), &'static str> {
        match *header {
            Header::Put { record, subject, kind, version, time: _ } => {
                self.apply_put(location, record, (subject, kind), version)
            }
            Header::Begun { enrolment, purpose, renew, time: _ } => {
                self.next_enrolment = self.next_enrolment.max(enrolment.0.saturating_add(1));
                if let Purpose::Holder { place, .. } = purpose {
                    let record = self.record_mut(place.record).ok_or("an enrolment is of no record")?;
                    if !record.places.contains(&(place.key, place.format)) {
                        record.places.push((place.key, place.format));
                    }
                    if *self.keys.entry(place.key).or_insert(place.record) != place.record {
                        return Err("a holder's key is of two records");
                    }
                    self.places.entry(place).or_default().open = Some(enrolment);
                }
                if let Purpose::Anew { issue } = purpose {
                    self.anew.insert(issue, enrolment);
                }
                let begun = Begun { purpose, renew, location };
                if self.begun.insert(enrolment, begun).is_some() {
                    return Err("an enrolment begins twice");
                }
                Ok(())
            }
            Header::Dropped { enrolment, time: _ } => {
                let begun = self.end(enrolment)?;
                if let Purpose::Holder { place, .. } = begun.purpose
                    && let Some(state) = self.places.get_mut(&place)
                {
                    state.open = None;
                }
                Ok(())
            }
            Header::Ended { enrolment, issue, time: _ } => {
                let begun = self.end(enrolment)?;
                self.apply_ended(enrolment, issue, &begun);
                Ok(())
            }
            Header::Settled { enrolment, time: _ } => {
                self.pending.remove(&enrolment).ok_or("an enrolment is settled that takes no place")?;
                Ok(())
            }
        }
    }

    fn end(&mut self, enrolment: EnrolmentNumber) -> Result<Begun, &'static str> {
        let begun = self.begun.remove(&enrolment).ok_or("an enrolment ends that never began")?;
        if let Purpose::Anew { issue } = begun.purpose {
            self.anew.remove(&issue);
        }
        Ok(begun)
    }

    fn apply_put(
        &mut self,
        location: Location,
        record: RecordNumber,
        (subject, kind): (SubjectSlot, TypeCode),
        version: Version,
    ) -> Result<(), &'static str> {
        self.next_record = self.next_record.max(record.0.saturating_add(1));
        let new = RecordState { location, subject, kind, version, places: Vec::new() };
        let state = self.records.entry(record).or_insert(new);
        if (state.subject, state.kind) != (subject, kind) {
            return Err("a record is of two people");
        }
        if *self.by_person.entry((subject, kind)).or_insert(record) != record {
            return Err("a person has two records of one type");
        }
        (state.location, state.version) = (location, version);
        Ok(())
    }

    fn apply_ended(&mut self, enrolment: EnrolmentNumber, issue: IssueNumber, begun: &Begun) {
        let mut pending = Pending { heir: issue, before: None, others: Vec::new(), begun: begun.location };
        match begun.purpose {
            Purpose::Anew { issue: before } => pending.before = Some(before),
            Purpose::Holder { place, version, alone } => {
                let (renew, location) = (begun.renew, begun.location);
                let current = Current { enrolment, issue, version, renew, begun: location };
                let state = self.places.entry(place).or_default();
                pending.before = state.current.replace(current).map(|before| before.issue);
                (state.open, state.replaced) = (None, false);
                self.in_force.insert(issue, place);
                if alone {
                    pending.others = self.replace_others(place);
                }
            }
        }
        if let Some(before) = pending.before {
            self.in_force.remove(&before);
            self.heirs.insert(before, issue);
        }
        if pending.before.is_some() || !pending.others.is_empty() {
            self.pending.insert(enrolment, pending);
        }
    }

    /// Ends what is in force for all other keys of a record.
    fn replace_others(&mut self, place: Place) -> Vec<IssueNumber> {
        let mut ended = Vec::new();
        let places = self.record(place.record).map(|record| record.places.clone()).unwrap_or_default();
        for (key, format) in places.into_iter().filter(|(key, _format)| *key != place.key) {
            let other = Place { record: place.record, key, format };
            let Some(state) = self.places.get_mut(&other).filter(|state| !state.replaced) else { continue };
            state.replaced = true;
            if let Some(current) = state.current {
                self.in_force.remove(&current.issue);
                ended.push(current.issue);
            }
        }
        ended
    }

    /// The number of the next record.
    pub(super) fn reserve_record(&mut self) -> RecordNumber {
        let number = RecordNumber(self.next_record);
        self.next_record = self.next_record.saturating_add(1);
        number
    }

    /// The number of the next enrolment.
    pub(super) fn reserve_enrolment(&mut self) -> EnrolmentNumber {
        let number = EnrolmentNumber(self.next_enrolment);
        self.next_enrolment = self.next_enrolment.saturating_add(1);
        number
    }

    /// Keeps others off all of them, or off none if somebody works on one.
    pub(super) fn reserve(&mut self, wanted: &[Reserved]) -> bool {
        if wanted.iter().any(|one| self.reserved.contains(one)) {
            return false;
        }
        self.reserved.extend(wanted);
        true
    }

    pub(super) fn release(&mut self, held: &[Reserved]) {
        held.iter().for_each(|one| {
            self.reserved.remove(one);
        });
    }

    pub(super) fn record(&self, number: RecordNumber) -> Option<&RecordState> {
        self.records.get(&number)
    }

    fn record_mut(&mut self, number: RecordNumber) -> Option<&mut RecordState> {
        self.records.get_mut(&number)
    }

    /// The record of a person for a type.
    pub(super) fn of_person(&self, subject: SubjectSlot, kind: TypeCode) -> Option<RecordNumber> {
        self.by_person.get(&(subject, kind)).copied()
    }

    /// The record that a key was used for.
    pub(super) fn of_key(&self, key: &KeyDigest) -> Option<RecordNumber> {
        self.keys.get(key).copied()
    }

    pub(super) fn place(&self, place: &Place) -> PlaceState {
        self.places.get(place).copied().unwrap_or_default()
    }

    /// Where a credential is in force for a holder's key.
    pub(super) fn place_of(&self, issue: IssueNumber) -> Option<Place> {
        self.in_force.get(&issue).copied()
    }

    /// The enrolment that is to take the place of a credential that is nobody's.
    pub(super) fn anew(&self, issue: IssueNumber) -> Option<EnrolmentNumber> {
        self.anew.get(&issue).copied()
    }

    /// What has taken the place of a credential, and of that one, and so on.
    pub(super) fn heir(&self, issue: IssueNumber) -> Option<IssueNumber> {
        let mut last = self.heirs.get(&issue).copied()?;
        // An heir is issued later and has a higher number.
        while let Some(next) = self.heirs.get(&last).filter(|next| **next > last) {
            last = *next;
        }
        Some(last)
    }

    /// How many keys and formats of a record have a credential that is not to be renewed yet, or are about to.
    pub(super) fn live_places(&self, record: RecordNumber, now: UnixSeconds) -> usize {
        let Some(state) = self.record(record) else { return 0 };
        let live = state.places.iter().filter(|(key, format)| {
            let state = self.place(&Place { record, key: *key, format: *format });
            state.open.is_some()
                || state.current.is_some_and(|current| current.renew > now && !state.replaced)
        });
        live.count()
    }
}
