//! Pure. What the ledger says: six kinds of entries, each a fixed sequence of fixed-width fields.
//!
//! # Invariants
//! Two entries that say the same are the same bytes: what [`Entry::parse`] accepts, [`Entry::encode`] writes
//! again byte for byte. What [`Entry::check`] refuses encodes to bytes that [`Entry::parse`] refuses.

use alloc::vec::Vec;

use crate::merkle::leaf_hash;
use crate::{Hash, TreeSize, UnixSeconds};

mod code;
mod digest;
mod error;
mod fields;
mod identifier;

pub use code::{Document, EntryKind, KeyEvent, StatusValue};
pub use digest::{
    FieldTooLong, MAX_FIELD_BYTES, commitment, document_digest, issuer_hash, origin_hash, provenance,
};
pub use error::ParseError;
pub use identifier::{IssuerHash, ListId, OriginHash, Thumbprint};

pub(crate) use digest::domain;

use fields::{Fields, Writer};

//= specs/entry.md#encoding
/// One entry of a log of typed entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A trust document is in force.
    Bundle(Bundle),
    /// One credential was issued.
    Issue(Issue),
    /// An issuer's key is added, retired or compromised.
    Key(Key),
    /// A status list exists, and which issuer it belongs to.
    List(List),
    /// The state of a list, as published.
    Snapshot(Snapshot),
    /// One slot of a list changed.
    Status(Status),
}

//= specs/entry.md#issue
/// One credential was issued. It says nothing to whoever lacks the nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Issue {
    /// [`commitment`] to the signing input.
    pub commitment: Hash,
    /// The key that verifies the credential's signature, never one that the evidence names.
    pub issuer_key: Thumbprint,
    /// [`provenance`] of the credential.
    pub provenance: Hash,
    /// The hour of issuance: a multiple of [`ISSUE_TIME_SECONDS`].
    pub time: UnixSeconds,
}

//= specs/entry.md#status
/// One slot of a list changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// The list.
    pub list: ListId,
    /// The slot.
    pub index: u32,
    /// Its new value.
    pub value: StatusValue,
    /// The number of changes of the slot before this one.
    pub change: u64,
    /// When the issuer decided.
    pub time: UnixSeconds,
}

//= specs/entry.md#snapshot
/// The state of a list, as published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The list.
    pub list: ListId,
    /// From 1, rising by one within the list.
    pub sequence: u64,
    /// The state digest: [`crate::status::ListState::digest`].
    pub digest: Hash,
    /// The state is the fold of the list at this size: [`crate::ledger::Ledger::state_at`].
    pub fold_size: TreeSize,
    /// When the issuer made it.
    pub issued: UnixSeconds,
    /// A verifier that relies on the snapshot later cannot tell. After `issued`.
    pub not_after: UnixSeconds,
}

//= specs/entry.md#list
/// A status list exists, and which issuer it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct List {
    /// The random name of the list.
    pub list: ListId,
    /// Whose list it is.
    pub issuer: IssuerHash,
    /// Slots: a multiple of 8 from [`MIN_LIST_SLOTS`] to [`MAX_LIST_SLOTS`].
    pub size: u64,
}

//= specs/entry.md#key
/// An issuer's key is added, retired or compromised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Whose key it is.
    pub issuer: IssuerHash,
    /// The key.
    pub key: Thumbprint,
    /// What happened to it.
    pub event: KeyEvent,
    /// When it happened.
    pub time: UnixSeconds,
    /// At most [`MAX_CUTS`], strictly ascending by origin; none for [`KeyEvent::Added`].
    pub cuts: Vec<Cut>,
}

/// In the log of this origin a leaf index below the size is good for the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cut {
    /// The log.
    pub origin: OriginHash,
    /// The first leaf index that is not good, at most [`MAX_CUT_SIZE`].
    pub size: TreeSize,
}

//= specs/entry.md#bundle
/// A trust document is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bundle {
    /// Which document.
    pub document: Document,
    /// From 1, rising by one within the document.
    pub sequence: u64,
    /// [`document_digest`] of its text.
    pub digest: Hash,
    /// When it comes into force.
    pub activation: UnixSeconds,
}

impl Entry {
    //= specs/log.md#succession
    /// Whether a log that succeeds another begins with an entry like this one.
    #[must_use]
    pub const fn is_carried(&self) -> bool {
        match self {
            Self::Issue(_) | Self::Snapshot(_) => false,
            Self::Bundle(_) | Self::Key(_) | Self::List(_) | Self::Status(_) => true,
        }
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// Another version or kind, a wrong length, and every value that specs/entry.md forbids.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let &[version, kind, ..] = bytes else {
            return Err(ParseError::Header { bytes: bytes.len() });
        };
        if version != VERSION {
            return Err(ParseError::Version { found: version });
        }
        let kind = EntryKind::from_code(kind).ok_or(ParseError::Kind { found: kind })?;
        let entry = Fields::new(kind, bytes)?.read(kind)?;
        entry.check()?;
        Ok(entry)
    }

    /// Whether each value is one that the specification allows, whatever the ledger holds.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn check(&self) -> Result<(), ParseError> {
        match self {
            Self::Bundle(bundle) => {
                check_sequence(bundle.sequence)?;
                check_time(bundle.activation)
            }
            Self::Issue(issue) => check_issue_time(issue.time),
            Self::Key(key) => {
                check_time(key.time)?;
                check_cuts(key)
            }
            Self::List(list) => check_list_size(list.size),
            Self::Snapshot(snapshot) => {
                check_sequence(snapshot.sequence)?;
                check_period(snapshot.issued, snapshot.not_after)
            }
            Self::Status(status) => check_time(status.time),
        }
    }

    /// The bytes of the entry: at most [`MAX_ENTRY_BYTES`] if [`Entry::check`] accepts it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(self.kind());
        match self {
            Self::Bundle(bundle) => writer.bundle(bundle),
            Self::Issue(issue) => writer.issue(issue),
            Self::Key(key) => writer.key(key),
            Self::List(list) => writer.list(list),
            Self::Snapshot(snapshot) => writer.snapshot(snapshot),
            Self::Status(status) => writer.status(status),
        }
        writer.into_bytes()
    }

    /// The hash of the leaf that holds this entry (RFC 6962 section 2.1).
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.encode())
    }

    /// Which of the six kinds it is.
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Bundle(_) => EntryKind::Bundle,
            Self::Issue(_) => EntryKind::Issue,
            Self::Key(_) => EntryKind::Key,
            Self::List(_) => EntryKind::List,
            Self::Snapshot(_) => EntryKind::Snapshot,
            Self::Status(_) => EntryKind::Status,
        }
    }
}

fn check_time(time: UnixSeconds) -> Result<(), ParseError> {
    if time.0 > MAX_TIME.0 { Err(ParseError::Time { seconds: time.0 }) } else { Ok(()) }
}

/// The hour is coarse on purpose: a finer time would link an entry to the moment somebody stood at a desk.
pub(crate) fn check_issue_time(time: UnixSeconds) -> Result<(), ParseError> {
    check_time(time)?;
    if time.0.is_multiple_of(ISSUE_TIME_SECONDS) {
        Ok(())
    } else {
        Err(ParseError::IssueTime { seconds: time.0 })
    }
}

fn check_period(issued: UnixSeconds, not_after: UnixSeconds) -> Result<(), ParseError> {
    check_time(not_after)?;
    if not_after > issued {
        Ok(())
    } else {
        Err(ParseError::Period { issued: issued.0, not_after: not_after.0 })
    }
}

fn check_sequence(sequence: u64) -> Result<(), ParseError> {
    if sequence == 0 { Err(ParseError::Sequence) } else { Ok(()) }
}

pub(crate) fn check_list_size(size: u64) -> Result<(), ParseError> {
    if (MIN_LIST_SLOTS..=MAX_LIST_SLOTS).contains(&size) && size.is_multiple_of(8) {
        Ok(())
    } else {
        Err(ParseError::ListSize { slots: size })
    }
}

fn check_cuts(key: &Key) -> Result<(), ParseError> {
    let count = key.cuts.len();
    if count > MAX_CUTS {
        return Err(ParseError::CutCount { count });
    }
    match key.event {
        KeyEvent::Added if count > 0 => return Err(ParseError::CutOfAdded { count }),
        KeyEvent::Added | KeyEvent::Retired | KeyEvent::Compromised => {}
    }
    if let Some(cut) = key.cuts.iter().find(|cut| cut.size > MAX_CUT_SIZE) {
        return Err(ParseError::CutSize { size: cut.size.0 });
    }
    let ascending = |pair: &[Cut]| matches!(pair, [first, second] if first.origin < second.origin);
    match key.cuts.windows(2).position(|pair| !ascending(pair)) {
        Some(position) => Err(ParseError::CutOrder { position }),
        None => Ok(()),
    }
}

/// The only version of the encoding.
const VERSION: u8 = 1;

/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can write.
pub const MAX_TIME: UnixSeconds = UnixSeconds(253_402_300_799);

/// An issue entry tells the hour and no more, in seconds.
pub const ISSUE_TIME_SECONDS: u64 = 3_600;

/// Fewest slots of a list: the minimum of W3C Bitstring Status List v1.0 section 3.2 for group privacy.
pub const MIN_LIST_SLOTS: u64 = 131_072;

/// Most slots of a list: both planes take 4 MiB, which a phone can hold.
pub const MAX_LIST_SLOTS: u64 = 1 << 24;

/// Most cuts of a key. An authority uses few logs; 16 keeps the entry below 1 KiB.
pub const MAX_CUTS: usize = 16;

/// Largest size of a cut: 2^53 - 1, so that a trust bundle can state the same cut (numbers of I-JSON, RFC 7493
/// section 2.2).
pub const MAX_CUT_SIZE: TreeSize = TreeSize((1 << 53) - 1);

/// The longest entry in bytes: a key entry of 76 bytes with [`MAX_CUTS`] of 40 bytes each.
pub const MAX_ENTRY_BYTES: usize = 716;
