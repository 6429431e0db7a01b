//! What the issuer remembers: the facade over journal, subject keys and slots.
//!
//! An issuance is [`Register::begin`] (was this asked before?), [`Register::intend`] (the exact bytes, durable), the
//! submission to the log, and [`Register::complete`] (the receipt, durable). A crash in between leaves an open intent
//! ([`Register::open_intents`]) that holds the same leaf to submit again. A change of a status goes the same way.
//!
//! # Invariants
//! The index in memory is made of the journal's plain headers alone, by the same code at the start and later on. What
//! is sealed opens with the subject's key only; erasing that key leaves headers that lead from nobody to no leaf.
//! No lock is held over an operation on a file. All calls block; none may be made from an asynchronous
//! task but [`Register::knows`], and [`Register::begin`] for a key that is not known: these ask memory alone.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sillok_log::entry::{Entry, Issue};
use sillok_log::receipt::IssueExtra;
use sillok_log::{LeafIndex, UnixSeconds};

use crate::journal::{self, Journal, Record, StoreError};
use crate::slots::{self, Slot, Slots};
use crate::subjects::{Digester, Master, Sealer, SubjectSlot, Subjects};
pub use change::{Change, ChangeRequest, Changed, Found, Target};
use entries::Entries;
pub use error::{ChangeRefused, RegisterError};
pub use fold::Fold;
use index::{Index, Outcome};
use issues::IssueState;
pub(crate) use lookup::Standing;
pub use payload::{Logged, Note, Provenance};
use record::{Asked, Digest, Header};
pub use record::{ChangeNumber, IssueNumber};

mod change;
mod entries;
mod erase;
mod error;
mod fold;
mod index;
mod issues;
mod lookup;
mod payload;
mod record;

/// Where the register is, and its sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterConfig {
    /// The folder, which is the register's alone.
    pub folder: PathBuf,
    /// Bytes of a segment of the journal.
    pub segment_bytes: u64,
    /// Slots of the status lists that one write makes available.
    pub lease_slots: u32,
}

impl RegisterConfig {
    /// The usual sizes.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            segment_bytes: journal::SEGMENT_BYTES,
            lease_slots: slots::LEASE_SLOTS,
        }
    }
}

/// The register of one issuer. One process at a time.
pub struct Register {
    journal: Journal,
    subjects: Subjects,
    slots: Slots,
    keys: Digester,
    requests: Digester,
    credentials: Digester,
    /// Never held over an operation on a file. Tickets have a share of it.
    index: Arc<Mutex<Index>>,
    /// Keeps other processes out for as long as it is open.
    _lock: File,
}

/// What is known about a request when it comes in.
#[derive(Debug)]
pub enum Begin {
    /// It was a change of a status, which is in the log or about to be.
    Changed(Changed),
    /// The key was used for another request.
    Conflict,
    /// It was answered, and the subject has been erased since: nothing can be handed out again.
    Gone,
    /// Somebody else works on it at this moment.
    InProgress,
    /// Nobody has asked for it.
    New(Ticket),
    /// It was answered: the same bytes again.
    Replay(Issued),
    /// It was begun and is not in the log yet: the same leaf is to be submitted again.
    Resume(Ticket, Issued),
}

/// The right to work on a request. Dropping it lets others try.
pub struct Ticket {
    index: Arc<Mutex<Index>>,
    asked: Asked,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        hold(&self.index).in_progress.remove(&self.asked.key);
    }
}

/// A person, as far as the register knows one.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// What the caller calls the person: the same text for the same person.
    Named(&'a str),
    /// Where the person's key is: what is known of somebody for whom something was sealed.
    Known(SubjectSlot),
}

impl<'a> From<&'a str> for Subject<'a> {
    fn from(name: &'a str) -> Self {
        Self::Named(name)
    }
}

/// A credential that is signed and about to be logged.
#[derive(Clone, Copy)]
pub struct Intent<'a> {
    /// From [`Register::begin`], if the request has an idempotency key.
    pub ticket: Option<&'a Ticket>,
    /// Whom it is about.
    pub subject: Subject<'a>,
    /// The credential's `id`.
    pub credential_id: &'a str,
    /// The slot that the credential names.
    pub slot: Slot,
    /// The compact JWS as signed.
    pub jws: &'a str,
    /// The nonce of the commitment.
    pub nonce: [u8; 32],
    /// What the entry holds the digest of.
    pub provenance: &'a Provenance,
    /// The entry to submit.
    pub entry: Issue,
}

/// A credential that was signed, and where it is in the log if it is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// Its number here.
    pub number: IssueNumber,
    /// Its slot.
    pub slot: Slot,
    /// The compact JWS as signed.
    pub jws: String,
    /// The nonce of the commitment.
    pub nonce: [u8; 32],
    /// Where it comes from.
    pub provenance: Provenance,
    /// Its entry.
    pub entry: Issue,
    /// Its place, once it has one.
    pub logged: Option<Logged>,
}

impl Issued {
    /// The exact bytes to submit.
    #[must_use]
    pub fn entry_bytes(&self) -> Vec<u8> {
        Entry::Issue(self.entry).encode()
    }

    /// The `extra` of the holder's receipt.
    #[must_use]
    pub fn extra(&self) -> IssueExtra {
        IssueExtra { nonce: self.nonce, provenance: self.entry.provenance, time: self.entry.time }
    }
}

/// Without what is personal.
impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let leaf = self.logged.as_ref().map(|logged| logged.leaf);
        f.debug_struct("Issued").field("number", &self.number).field("leaf", &leaf).finish_non_exhaustive()
    }
}

/// An intent that is now in the log.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    /// Which.
    pub number: IssueNumber,
    /// Its leaf.
    pub leaf: LeafIndex,
    /// The receipt, with its `extra`. It was checked.
    pub receipt: &'a str,
}

impl Register {
    /// Opens the register, begins one if there is none.
    ///
    /// # Errors
    /// Another process has it open, a failed operation, another master key, or damage.
    pub fn open(config: &RegisterConfig, master: &Master) -> Result<Self, StoreError> {
        let folder = &config.folder;
        journal::create_folder(folder)?;
        let lock = lock(&folder.join("lock"))?;
        let subjects = Subjects::open(&folder.join("subjects"), master)?;
        let slots = Slots::open(&folder.join("lists"), master, config.lease_slots)?;
        let mut index = Index::default();
        let journal =
            Journal::open(&folder.join("journal"), config.segment_bytes, |location, kind, header| {
                let header = Header::parse(kind, header).ok_or("a record's header is not one")?;
                if let Header::Intent { subject, slot, .. } = header {
                    slots.withhold(slot);
                    // A key that was lost is no erasure.
                    if !subjects.is_used(subject) {
                        return Err("its subject's key is missing");
                    }
                }
                index.apply(location, &header)
            })?;
        Ok(Self {
            journal,
            subjects,
            slots,
            keys: Digester::new(&master.derive("sillok/idempotency-keys/v1")),
            requests: Digester::new(&master.derive("sillok/requests/v1")),
            credentials: Digester::new(&master.derive("sillok/credential-ids/v1")),
            index: Arc::new(Mutex::new(index)),
            _lock: lock,
        })
    }

    /// The status lists of this issuer.
    #[must_use]
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Whether a client has used an idempotency key before: whether [`Register::begin`] may have to read a file.
    pub fn knows(&self, client: &str, idempotency_key: &str) -> bool {
        let key = self.keys.digest(&[client.as_bytes(), idempotency_key.as_bytes()]);
        self.hold().asked_before(&key).is_some()
    }

    /// Looks up a request by the client that makes it and the idempotency key that the client gave it.
    /// `request_digest` is any digest of all that was asked.
    ///
    /// # Errors
    /// What was answered cannot be read.
    pub fn begin(
        &self,
        client: &str,
        idempotency_key: &str,
        request_digest: &[u8; 32],
    ) -> Result<Begin, RegisterError> {
        let key = self.keys.digest(&[client.as_bytes(), idempotency_key.as_bytes()]);
        let request = self.requests.digest(&[&key, request_digest]);
        let asked = Asked { key, request };
        let mut index = self.hold();
        if let Some(other) = index.in_progress.get(&key) {
            return Ok(if *other == request { Begin::InProgress } else { Begin::Conflict });
        }
        let Some((known, outcome)) = index.asked_before(&key) else {
            index.in_progress.insert(key, request);
            drop(index);
            return Ok(Begin::New(self.ticket(asked)));
        };
        if known != request {
            return Ok(Begin::Conflict);
        }
        let number = match outcome {
            Outcome::Change(number) => {
                return index
                    .changed(number)
                    .map(Begin::Changed)
                    .ok_or(RegisterError::UnknownChange { number });
            }
            Outcome::Issue(number) => number,
        };
        let open = index.open_issues.contains(&number);
        if open {
            index.in_progress.insert(key, request);
        }
        drop(index);
        // From here on an error gives the ticket back.
        let ticket = open.then(|| self.ticket(asked));
        Ok(match (self.load(number)?, ticket) {
            (None, _) => Begin::Gone,
            (Some(issued), Some(ticket)) if issued.logged.is_none() => Begin::Resume(ticket, issued),
            (Some(issued), _) => Begin::Replay(issued),
        })
    }

    /// Remembers credentials before they are submitted: when it returns, their exact bytes outlast a loss of power.
    /// The numbers are in the order of the intents.
    ///
    /// # Errors
    /// A failed operation: none of them may be submitted.
    pub fn intend(
        &self,
        intents: &[Intent<'_>],
        now: UnixSeconds,
    ) -> Result<Vec<IssueNumber>, RegisterError> {
        let subjects: Vec<Subject<'_>> = intents.iter().map(|intent| intent.subject).collect();
        // If we crash after this: keys without records, which nothing is sealed under.
        let keys = self.keys_of(&subjects)?;
        let first = self.hold().reserve_issues(intents.len());
        let numbers: Vec<IssueNumber> = (first..).map(IssueNumber).take(intents.len()).collect();
        let mut entries = Entries::with_capacity(intents.len());
        for ((intent, key), number) in intents.iter().zip(&keys).zip(&numbers) {
            let header = Header::Intent {
                number: *number,
                subject: key.slot,
                credential: self.credentials.digest(&[intent.credential_id.as_bytes()]),
                slot: intent.slot,
                time: now,
                asked: intent.ticket.map(|ticket| ticket.asked),
            };
            let entry = Entry::Issue(intent.entry).encode();
            let fields = payload::signed(intent.jws, &intent.nonce, intent.provenance, &entry);
            entries.seal(header, Some(&key.sealer), &fields)?;
        }
        // If we crash within this: none or the first few are open intents, and the same leaves are submitted.
        self.append(entries)?;
        Ok(numbers)
    }

    /// Remembers where credentials are in the log: when it returns, they may be handed over. A later receipt of the
    /// same credential takes the place of the earlier one.
    ///
    /// # Errors
    /// An unknown number, and then nothing is remembered, or a failed operation.
    pub fn complete(&self, done: &[Done<'_>], now: UnixSeconds) -> Result<(), RegisterError> {
        let mut entries = Entries::with_capacity(done.len());
        for Done { number, leaf, receipt } in done {
            let header = Header::Done { number: *number, time: now };
            // Without a key, the subject was erased meanwhile: that it is done is all that is kept.
            let sealer = self.subjects.key(self.issue(*number)?.subject)?;
            entries.seal(header, sealer.as_ref(), &payload::logged(&leaf.0.to_be_bytes(), receipt))?;
        }
        self.append(entries)
    }

    /// Gives up intents that the log has refused for good. Their idempotency keys may be used again; their slots are
    /// not. One that was given up already is left out: its request waited while somebody else submitted it again.
    ///
    /// # Errors
    /// A failed operation.
    pub fn abandon(&self, numbers: &[IssueNumber], now: UnixSeconds) -> Result<(), RegisterError> {
        let mut entries = Entries::with_capacity(numbers.len());
        for number in numbers.iter().filter(|number| self.issue(**number).is_ok()) {
            entries.push(Header::Abandoned { number: *number, time: now })?;
        }
        self.append(entries)
    }

    /// How many intents are not in the log, as far as is known here.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.hold().open_issues.len()
    }

    /// Their numbers, oldest first.
    #[must_use]
    pub fn open_numbers(&self) -> Vec<IssueNumber> {
        self.hold().open_issues.iter().copied().collect()
    }

    /// What was intended and is not in the log, oldest first: to be submitted again as it is. Those whose subject was
    /// erased cannot be, and are left out.
    ///
    /// # Errors
    /// A failed operation or an unreadable record.
    pub fn open_intents(&self) -> Result<Vec<Issued>, RegisterError> {
        self.open_numbers().into_iter().filter_map(|number| self.load(number).transpose()).collect()
    }

    /// What was issued under a number; `None` once its subject is erased.
    ///
    /// # Errors
    /// An unknown number, a failed operation or an unreadable record.
    pub fn load(&self, number: IssueNumber) -> Result<Option<Issued>, RegisterError> {
        let (state, slot) = {
            let index = self.hold();
            let state = *index.issues.get(number).ok_or(RegisterError::UnknownIssue { number })?;
            (state, index.slot(&state))
        };
        let Some(sealer) = self.subjects.key(state.subject)? else { return Ok(None) };
        let record = self.journal.read(state.intent)?;
        let Some(plain) = self.open_sealed(&record, &sealer, state.subject)? else { return Ok(None) };
        let unreadable = || RegisterError::Unreadable { what: "intent" };
        let signed = payload::parse_signed(&plain).ok_or_else(unreadable)?;
        let logged = match state.done {
            None => None,
            Some(location) => {
                let record = self.journal.read(location)?;
                let Some(plain) = self.open_sealed(&record, &sealer, state.subject)? else { return Ok(None) };
                Some(payload::parse_logged(&plain).ok_or(RegisterError::Unreadable { what: "receipt" })?)
            }
        };
        let payload::Signed { jws, nonce, provenance, entry } = signed;
        Ok(Some(Issued { number, slot, jws, nonce, provenance, entry, logged }))
    }

    fn issue(&self, number: IssueNumber) -> Result<IssueState, RegisterError> {
        self.hold().issues.get(number).copied().ok_or(RegisterError::UnknownIssue { number })
    }

    /// Opens a sealed part; `None` if the subject has been erased by now.
    fn open_sealed(
        &self,
        record: &Record,
        sealer: &Sealer,
        subject: SubjectSlot,
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, RegisterError> {
        match sealer.open(&context(record.kind, &record.header), &record.sealed) {
            None if !self.subjects.is_erased(subject) => Err(RegisterError::Unreadable { what: "record" }),
            plain => Ok(plain),
        }
    }

    fn ticket(&self, asked: Asked) -> Ticket {
        Ticket { index: Arc::clone(&self.index), asked }
    }

    fn digest_credential(&self, id: &str) -> Digest {
        self.credentials.digest(&[id.as_bytes()])
    }

    fn hold(&self) -> MutexGuard<'_, Index> {
        hold(&self.index)
    }
}

fn hold(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    // Every change of it is whole before anything can panic.
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false);
    let file = file.open(path).map_err(StoreError::io("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_path_buf() }),
        Err(std::fs::TryLockError::Error(error)) => Err(StoreError::io("lock", path)(error)),
    }
}

fn context(kind: u8, header: &[u8]) -> Vec<u8> {
    let mut context = Vec::with_capacity(header.len() + 1);
    context.push(kind);
    context.extend_from_slice(header);
    context
}
