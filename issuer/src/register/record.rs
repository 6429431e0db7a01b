//! The plain headers of the journal: what an index is made of, and nothing that leads from a person to a leaf.
//!
//! Digests in them are keyed. A subject is named by the number of its key's slot, which names nobody once the key is
//! erased. The leaf index of a credential is in the sealed part: beside its status slot it would link the two.

use sillok_log::entry::{ListId, StatusValue};
use sillok_log::{LeafIndex, UnixSeconds};

use crate::slots::Slot;
use crate::subjects::{DIGEST_BYTES, SubjectSlot};

/// The name of one issuance in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssueNumber(pub u64);

/// The name of one change of a status in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeNumber(pub u64);

/// A keyed digest.
pub(super) type Digest = [u8; DIGEST_BYTES];

/// Who asked for it: an idempotency key and what was asked, both as keyed digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) key: Digest,
    pub(super) request: Digest,
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// An issuance will not take place: the log has refused it for good.
    Abandoned { number: IssueNumber, time: UnixSeconds },
    /// A status is about to change. Sealed: [`super::payload::Note`].
    Change {
        number: ChangeNumber,
        issue: IssueNumber,
        value: StatusValue,
        change: u64,
        time: UnixSeconds,
        asked: Option<Asked>,
    },
    /// A change will not take place.
    ChangeAbandoned { number: ChangeNumber, time: UnixSeconds },
    /// A change is in the log.
    ChangeDone { number: ChangeNumber, leaf: LeafIndex, time: UnixSeconds },
    /// A credential is in the log. Sealed: [`super::payload::Logged`].
    Done { number: IssueNumber, time: UnixSeconds },
    /// A credential is about to be logged. Sealed: [`super::payload::Signed`].
    Intent {
        number: IssueNumber,
        subject: SubjectSlot,
        credential: Digest,
        slot: Slot,
        time: UnixSeconds,
        asked: Option<Asked>,
    },
    /// Another log has taken over: places that were noted before are of none that is written any more.
    Succeeded { time: UnixSeconds },
}

impl Header {
    /// The kind of its record in one byte, and its header behind it: fixed fields, integers big-endian. What is sealed
    /// beside it opens beside no other.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(CONTEXT_BYTES);
        bytes.push(self.kind());
        match self {
            Self::Intent { number, subject, credential, slot, time, asked } => {
                put(&mut bytes, &[&number.0.to_be_bytes(), &subject.0.to_be_bytes(), credential]);
                put(&mut bytes, &[&slot.list.0, &slot.index.to_be_bytes(), &time.0.to_be_bytes()]);
                put_asked(&mut bytes, asked.as_ref());
            }
            Self::Done { number, time } => {
                put(&mut bytes, &[&number.0.to_be_bytes(), &time.0.to_be_bytes()]);
            }
            Self::Abandoned { number, time } => {
                put(&mut bytes, &[&number.0.to_be_bytes(), &time.0.to_be_bytes()]);
            }
            Self::Change { number, issue, value, change, time, asked } => {
                put(&mut bytes, &[&number.0.to_be_bytes(), &issue.0.to_be_bytes(), &[value.code()]]);
                put(&mut bytes, &[&change.to_be_bytes(), &time.0.to_be_bytes()]);
                put_asked(&mut bytes, asked.as_ref());
            }
            Self::ChangeDone { number, leaf, time } => {
                let fields = [number.0.to_be_bytes(), leaf.0.to_be_bytes(), time.0.to_be_bytes()];
                put(&mut bytes, &fields.each_ref().map(<[u8; 8]>::as_slice));
            }
            Self::ChangeAbandoned { number, time } => {
                put(&mut bytes, &[&number.0.to_be_bytes(), &time.0.to_be_bytes()]);
            }
            Self::Succeeded { time } => put(&mut bytes, &[&time.0.to_be_bytes()]),
        }
        bytes
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Abandoned { .. } => ABANDONED,
            Self::Change { .. } => CHANGE,
            Self::ChangeAbandoned { .. } => CHANGE_ABANDONED,
            Self::ChangeDone { .. } => CHANGE_DONE,
            Self::Done { .. } => DONE,
            Self::Intent { .. } => INTENT,
            Self::Succeeded { .. } => SUCCEEDED,
        }
    }

    /// Reads what [`Header::encode`] writes.
    pub(super) fn parse(kind: u8, bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let header = match kind {
            INTENT => Self::Intent {
                number: IssueNumber(fields.number()?),
                subject: SubjectSlot(u32::from_be_bytes(fields.take()?)),
                credential: fields.take()?,
                slot: Slot { list: ListId(fields.take()?), index: u32::from_be_bytes(fields.take()?) },
                time: UnixSeconds(fields.number()?),
                asked: fields.asked()?,
            },
            DONE => Self::Done { number: IssueNumber(fields.number()?), time: UnixSeconds(fields.number()?) },
            ABANDONED => {
                Self::Abandoned { number: IssueNumber(fields.number()?), time: UnixSeconds(fields.number()?) }
            }
            CHANGE => Self::Change {
                number: ChangeNumber(fields.number()?),
                issue: IssueNumber(fields.number()?),
                value: StatusValue::from_code(fields.take::<1>()?[0])?,
                change: fields.number()?,
                time: UnixSeconds(fields.number()?),
                asked: fields.asked()?,
            },
            CHANGE_DONE => Self::ChangeDone {
                number: ChangeNumber(fields.number()?),
                leaf: LeafIndex(fields.number()?),
                time: UnixSeconds(fields.number()?),
            },
            CHANGE_ABANDONED => Self::ChangeAbandoned {
                number: ChangeNumber(fields.number()?),
                time: UnixSeconds(fields.number()?),
            },
            SUCCEEDED => Self::Succeeded { time: UnixSeconds(fields.number()?) },
            _unknown => return None,
        };
        fields.0.is_empty().then_some(header)
    }
}

fn put(bytes: &mut Vec<u8>, fields: &[&[u8]]) {
    fields.iter().for_each(|field| bytes.extend_from_slice(field));
}

/// Nothing, or both digests.
fn put_asked(bytes: &mut Vec<u8>, asked: Option<&Asked>) {
    if let Some(asked) = asked {
        put(bytes, &[&asked.key, &asked.request]);
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// The last field.
    fn asked(&mut self) -> Option<Option<Asked>> {
        if self.0.is_empty() {
            return Some(None);
        }
        Some(Some(Asked { key: self.take()?, request: self.take()? }))
    }
}

const INTENT: u8 = 1;
const DONE: u8 = 2;
const ABANDONED: u8 = 3;
const CHANGE: u8 = 4;
const CHANGE_DONE: u8 = 5;
const CHANGE_ABANDONED: u8 = 6;
const SUCCEEDED: u8 = 7;

/// Bytes of the longest header, and of the kind before it.
const CONTEXT_BYTES: usize = 89;
