//! What the authority knows of people, and which of their keys have a credential of it: records, enrolments, and what takes
//! the place of what.
//!
//! A *record* is of one person and one type of credential: claims, and where they come from. Its *version* is a digest of
//! that. An *enrolment* is one credential that is issued for a key of the holder, or anew in the place of one that was issued
//! without a record. It begins durably before the credential is signed, and ends durably once the credential is in the log;
//! only then is what it takes the place of revoked, and that is noted too.
//!
//! # Invariants
//! The index in memory is made of the journal's plain headers alone, by the same code at the start and later on. What is
//! sealed opens with the person's key in the register only: erasing it destroys record and keys. A key of a holder is of one
//! record for ever. Of one record, key and format one credential is in force, and of it an enrolment is under way at a time.
//! No lock is held over an operation on a file. All calls that read or write a file block.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use sillok_log::UnixSeconds;
use sillok_verifier::key::PublicKey;

use crate::journal::{Batch, Journal, Location, StoreError};
use crate::register::{IssueNumber, Register, Standing};
use crate::subjects::{Digester, Master, SEAL_BYTES, Sealer, SubjectKey, SubjectSlot};
pub(crate) use anew::Cause;
use content::{Content, Enrolled};
pub use error::RecordError;
use header::{Header, KeyDigest, Purpose};
pub(crate) use index::Pending;
use index::{Index, Reserved};
pub use obtain::{HolderKey, Obtained};
pub(crate) use obtain::{WALLETS, blocking};

mod anew;
mod content;
mod error;
mod header;
mod index;
mod obtain;

/// The name of a record here. It names nobody once the person is erased, and is not for outsiders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordNumber(pub u64);

/// The name of one enrolment here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnrolmentNumber(pub u64);

/// What the content of a record is: equal for equal content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub [u8; 16]);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which type of credential: the first bytes of the SHA-256 of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TypeCode([u8; 8]);

impl TypeCode {
    pub(crate) fn of(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name).into();
        Self(std::array::from_fn(|position| digest[position]))
    }
}

/// What putting a record did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The record.
    pub record: RecordNumber,
    /// Its version now.
    pub version: Version,
    /// Against what was there before.
    pub change: PutChange,
}

/// A record against what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutChange {
    /// There was none.
    Created,
    /// It had other content.
    Replaced,
    /// It had this content.
    Unchanged,
}

impl PutChange {
    /// In one word, for an answer.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Unchanged => "unchanged",
        }
    }
}

/// The records of one issuer.
pub(crate) struct Records {
    journal: Journal,
    versions: Digester,
    holders: Digester,
    answers: Digester,
    /// Never held over an operation on a file. Reservations have a share of it.
    index: Arc<Mutex<Index>>,
}

/// Something to remember, and what is to be sealed with it.
struct Entry<'a> {
    header: Header,
    sealed: Option<(&'a Sealer, Vec<u8>)>,
}

impl<'a> Entry<'a> {
    const fn plain(header: Header) -> Self {
        Self { header, sealed: None }
    }

    const fn sealed(header: Header, sealer: &'a Sealer, plain: Vec<u8>) -> Self {
        Self { header, sealed: Some((sealer, plain)) }
    }
}

/// The right to work on something. Dropping it lets others try.
pub(crate) struct Reservation {
    index: Arc<Mutex<Index>>,
    held: Vec<Reserved>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        hold(&self.index).release(&self.held);
    }
}

impl Records {
    /// Opens the journal in `folder`, begins one if there is none. People's keys are in `register`.
    ///
    /// # Errors
    /// A failed operation, or damage.
    pub(crate) fn open(
        folder: &Path,
        segment_bytes: u64,
        master: &Master,
        register: &Register,
    ) -> Result<Self, StoreError> {
        let mut index = Index::default();
        let journal = Journal::open(folder, segment_bytes, |location, kind, header| {
            let header = Header::parse(kind, header).ok_or("a record's header is not one")?;
            if let Header::Put { subject, time, .. } = header {
                // A key that was lost is no erasure.
                if !register.is_known(subject) {
                    return Err("its subject's key is missing");
                }
                register.mark_used(subject, time);
            }
            index.apply(location, &header)
        })?;
        Ok(Self {
            journal,
            versions: Digester::new(&master.derive("sillok/record-versions/v1")),
            holders: Digester::new(&master.derive("sillok/holder-keys/v1")),
            answers: Digester::new(&master.derive("sillok/obtained/v1")),
            index: Arc::new(Mutex::new(index)),
        })
    }

    /// Remembers what the authority knows of a person for a type: when it returns, it outlasts a loss of power.
    ///
    /// # Errors
    /// A failed operation, or somebody else puts the same record at this moment.
    //= specs/reissue.md#records
    fn put(
        &self,
        register: &Register,
        subject: &str,
        kind: TypeCode,
        content: &Content,
        now: UnixSeconds,
    ) -> Result<Put, RecordError> {
        for _again in 0..MAX_PUTS {
            let Some(SubjectKey { slot, sealer }) = register.key_for(subject)? else { continue };
            let _reserved = self.reserve(&[Reserved::Person(slot, kind)])?;
            let version = content.version(&self.versions, slot, kind);
            let known = {
                let index = self.hold();
                index.of_person(slot, kind).and_then(|record| Some((record, index.record(record)?.version)))
            };
            let (record, change) = match known {
                Some((record, before)) if before == version => {
                    return Ok(Put { record, version, change: PutChange::Unchanged });
                }
                Some((record, _before)) => (record, PutChange::Replaced),
                None => (self.hold().reserve_record(), PutChange::Created),
            };
            let header = Header::Put { record, subject: slot, kind, version, time: now };
            // If we crash within this: the record is as before, or as it is to be, and nobody was told.
            self.append(vec![Entry::sealed(header, &sealer, json(content)?)])?;
            register.mark_used(slot, now);
            // Erased between the two: what was just sealed opens no more, and is sealed anew.
            if !register.is_erased(slot) {
                return Ok(Put { record, version, change });
            }
        }
        Err(RecordError::Erased)
    }

    /// The record of a person for a type. It asks memory alone.
    pub(crate) fn find(&self, register: &Register, subject: &str, kind: TypeCode) -> Option<RecordNumber> {
        self.hold().of_person(register.person(subject)?, kind)
    }

    /// Whose record it is, and of which type. It asks memory alone.
    ///
    /// # Errors
    /// There is none, or its person is erased.
    pub(crate) fn look(
        &self,
        register: &Register,
        record: RecordNumber,
    ) -> Result<(SubjectSlot, TypeCode), RecordError> {
        let known = self.hold().record(record).map(|state| (state.subject, state.kind));
        let (subject, kind) = known.ok_or(RecordError::Unknown)?;
        if register.is_erased(subject) { Err(RecordError::Erased) } else { Ok((subject, kind)) }
    }

    /// Notes what became of enrolments that nobody works on any more: of requests that went away, and of the time before the
    /// start.
    ///
    /// # Errors
    /// A failed operation.
    pub(crate) fn reconcile(&self, register: &Register, now: UnixSeconds) -> Result<(), RecordError> {
        let begun: Vec<(EnrolmentNumber, Purpose)> =
            self.hold().begun.iter().map(|(number, begun)| (*number, begun.purpose)).collect();
        for (enrolment, purpose) in begun {
            // Somebody works on it, and will do this.
            let Ok(_reserved) = self.reserve(&[purpose.reserved()]) else { continue };
            if self.hold().begun.contains_key(&enrolment) {
                self.conclude(register, enrolment, &purpose, now)?;
            }
        }
        Ok(())
    }

    /// Notes what became of an enrolment that the caller has reserved. What came of it so far.
    fn conclude(
        &self,
        register: &Register,
        enrolment: EnrolmentNumber,
        purpose: &Purpose,
        now: UnixSeconds,
    ) -> Result<Standing, RecordError> {
        let standing = register.standing(WALLETS, &request_key(enrolment, purpose));
        match standing {
            // If we crash here: found again at the next start.
            Standing::Logged(issue) => {
                self.append(vec![Entry::plain(Header::Ended { enrolment, issue, time: now })])?;
            }
            Standing::Nothing => self.append(vec![Entry::plain(Header::Dropped { enrolment, time: now })])?,
            Standing::Open(_) | Standing::Running => {}
        }
        Ok(standing)
    }

    /// Whether another credential has the place of one. It asks memory alone.
    pub(crate) fn is_superseded(&self, issue: IssueNumber) -> bool {
        self.hold().heir(issue).is_some()
    }

    /// Whether there is something to conclude or to revoke.
    pub(crate) fn has_work(&self) -> bool {
        let index = self.hold();
        !index.pending.is_empty() || !index.begun.is_empty()
    }

    /// What is to be revoked, oldest first.
    pub(crate) fn pending(&self, count: usize) -> Vec<(EnrolmentNumber, Pending)> {
        let index = self.hold();
        index.pending.iter().take(count).map(|(number, pending)| (*number, pending.clone())).collect()
    }

    /// Why something is revoked, and on whose behalf; nothing that is left once the person is erased.
    ///
    /// # Errors
    /// A failed operation.
    pub(crate) fn reason(
        &self,
        register: &Register,
        pending: &Pending,
    ) -> Result<(Option<String>, String), RecordError> {
        let Some(subject) = register.subject_of(pending.heir) else { return Ok((None, String::new())) };
        let enrolled = self.open_sealed::<Enrolled>(register, subject, pending.begun)?;
        Ok(enrolled.map_or_else(Default::default, |enrolled| (enrolled.reason, enrolled.operator)))
    }

    /// Remembers that what was to be revoked is.
    ///
    /// # Errors
    /// A failed operation.
    pub(crate) fn settle(&self, settled: &[EnrolmentNumber], now: UnixSeconds) -> Result<(), RecordError> {
        let header = |enrolment: &EnrolmentNumber| Header::Settled { enrolment: *enrolment, time: now };
        let settled = settled.iter().map(|enrolment| Entry::plain(header(enrolment)));
        // If we crash before this: it is seen that all of it is revoked already.
        self.append(settled.collect())
    }

    fn reserve(&self, wanted: &[Reserved]) -> Result<Reservation, RecordError> {
        if !self.hold().reserve(wanted) {
            return Err(RecordError::Busy);
        }
        Ok(Reservation { index: Arc::clone(&self.index), held: wanted.to_vec() })
    }

    fn holder(&self, key: &PublicKey) -> KeyDigest {
        self.holders.digest(&[&key.thumbprint().0])
    }

    /// Opens what is sealed for a person; `None` once he is erased.
    fn open_sealed<T: DeserializeOwned>(
        &self,
        register: &Register,
        subject: SubjectSlot,
        location: Location,
    ) -> Result<Option<T>, RecordError> {
        let Some(sealer) = register.key(subject)? else { return Ok(None) };
        let record = self.journal.read(location)?;
        let context = [&[record.kind], record.header.as_slice()].concat();
        let Some(plain) = sealer.open(&context, &record.sealed) else {
            return if register.is_erased(subject) { Ok(None) } else { Err(RecordError::Unreadable) };
        };
        serde_json::from_slice(&plain).map(Some).map_err(|_other| RecordError::Unreadable)
    }

    /// Makes records durable and takes them in. Each is sealed where it is written from.
    fn append(&self, entries: Vec<Entry<'_>>) -> Result<(), RecordError> {
        let mut batch = Batch::default();
        for Entry { header, sealed } in &entries {
            let context = header.encode();
            let Some((kind, bytes)) = context.split_first() else { continue };
            match sealed {
                None => drop(batch.push(*kind, bytes, 0)?),
                Some((sealer, plain)) => {
                    let place = batch.push(*kind, bytes, plain.len() + SEAL_BYTES)?;
                    place.copy_from_slice(&sealer.seal(&context, plain)?);
                }
            }
        }
        let locations = self.journal.append(batch)?;
        let mut index = self.hold();
        for (location, Entry { header, .. }) in locations.into_iter().zip(&entries) {
            index.apply(location, header).map_err(|_problem| RecordError::Unreadable)?;
        }
        Ok(())
    }

    fn hold(&self) -> MutexGuard<'_, Index> {
        hold(&self.index)
    }
}

fn hold(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    // Every change of it is whole before anything can panic.
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The idempotency key of the issuance that an enrolment is: of no other one, also where a journal was lost.
fn request_key(enrolment: EnrolmentNumber, purpose: &Purpose) -> String {
    match purpose {
        Purpose::Anew { issue: IssueNumber(issue) } => format!("{} anew {issue}", enrolment.0),
        Purpose::Holder { place, version, alone: _ } => {
            let (record, key) = (place.record.0, Version(place.key));
            format!("{} holder {record} {key} {} {version}", enrolment.0, place.format)
        }
    }
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, RecordError> {
    serde_json::to_vec(value).map_err(|_refused| RecordError::Unreadable)
}

/// Most keys of a request: what a wallet shows once each lasts it for weeks, and the answer stays below 2 MiB.
pub const MAX_KEYS: usize = 64;

/// Most keys and formats of a record that have a credential, not counting those that are about to expire: a wallet that runs
/// wild takes so many slots of a status list.
pub const MAX_PLACES: usize = 1_024;

/// Bytes of a segment of the journal: far less is written to it than to the register's.
pub(crate) const SEGMENT_BYTES: u64 = 4 << 20;

/// How often a record is sealed again whose person is erased meanwhile.
const MAX_PUTS: usize = 3;

#[cfg(test)]
mod tests;
