//! The plain headers of the journal of records: what its index is made of, and nothing that leads from a person to a leaf.
//!
//! Digests in them are keyed. A person is named by the number of the slot of his key, as in the register, which names
//! nobody once the key is erased.

use sillok_log::UnixSeconds;

use super::{EnrolmentNumber, RecordNumber, TypeCode, Version};
use crate::register::IssueNumber;
use crate::subjects::{DIGEST_BYTES, SubjectSlot};

/// A keyed digest of the thumbprint of a holder's key.
pub(super) type KeyDigest = [u8; DIGEST_BYTES];

/// Where one credential after the other belongs: one is in force at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) record: RecordNumber,
    pub(super) key: KeyDigest,
    /// The code of the format ([`crate::format::code`]).
    pub(super) format: u8,
}

/// What a credential is issued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To take the place of one that is nobody's enrolment.
    Anew { issue: IssueNumber },
    /// For a holder's key. With `alone`, it takes the place of those of all other keys too.
    Holder { place: Place, version: Version, alone: bool },
}

/// The header of a record of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// A credential is about to be issued. Sealed: [`super::content::Enrolled`].
    Begun { enrolment: EnrolmentNumber, purpose: Purpose, renew: UnixSeconds, time: UnixSeconds },
    /// It was not, and will not be.
    Dropped { enrolment: EnrolmentNumber, time: UnixSeconds },
    /// It was: the register knows it under this number, and it is in the log.
    Ended { enrolment: EnrolmentNumber, issue: IssueNumber, time: UnixSeconds },
    /// What the authority knows of a person. Sealed: [`super::content::Content`].
    Put { record: RecordNumber, subject: SubjectSlot, kind: TypeCode, version: Version, time: UnixSeconds },
    /// Whatever it has taken the place of is revoked.
    Settled { enrolment: EnrolmentNumber, time: UnixSeconds },
}

impl Header {
    /// The kind in one byte, and the header behind it: fixed fields, integers big-endian. What is sealed beside it opens
    /// beside no other.
    //= specs/reissue.md#journal
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_BYTES);
        let mut put = |fields: &[&[u8]]| fields.iter().for_each(|field| bytes.extend_from_slice(field));
        match self {
            Self::Put { record, subject, kind, version, time } => {
                put(&[&[PUT], &record.0.to_be_bytes(), &subject.0.to_be_bytes(), &kind.0, &version.0]);
                put(&[&time.0.to_be_bytes()]);
            }
            Self::Begun { enrolment, purpose, renew, time } => {
                let kind = match purpose {
                    Purpose::Anew { .. } => BEGUN_ANEW,
                    Purpose::Holder { .. } => BEGUN_HOLDER,
                };
                put(&[&[kind], &enrolment.0.to_be_bytes(), &renew.0.to_be_bytes(), &time.0.to_be_bytes()]);
                match purpose {
                    Purpose::Anew { issue } => put(&[&issue.0.to_be_bytes()]),
                    Purpose::Holder { place: Place { record, key, format }, version, alone } => {
                        put(&[&record.0.to_be_bytes(), key, &[*format], &version.0, &[u8::from(*alone)]]);
                    }
                }
            }
            Self::Ended { enrolment, issue, time } => {
                let fields = [enrolment.0, issue.0, time.0].map(u64::to_be_bytes);
                put(&[&[ENDED], fields.as_flattened()]);
            }
            Self::Dropped { enrolment, time } => {
                put(&[&[DROPPED], [enrolment.0, time.0].map(u64::to_be_bytes).as_flattened()]);
            }
            Self::Settled { enrolment, time } => {
                put(&[&[SETTLED], [enrolment.0, time.0].map(u64::to_be_bytes).as_flattened()]);
            }
        }
        bytes
    }

    /// Reads what [`Header::encode`] writes.
    pub(super) fn parse(kind: u8, bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let header = match kind {
            PUT => Self::Put {
                record: RecordNumber(fields.number()?),
                subject: SubjectSlot(u32::from_be_bytes(fields.take()?)),
                kind: TypeCode(fields.take()?),
                version: Version(fields.take()?),
                time: fields.time()?,
            },
            BEGUN_ANEW | BEGUN_HOLDER => {
                let (enrolment, renew, time) =
                    (EnrolmentNumber(fields.number()?), fields.time()?, fields.time()?);
                let purpose = if kind == BEGUN_ANEW {
                    Purpose::Anew { issue: IssueNumber(fields.number()?) }
                } else {
                    let record = RecordNumber(fields.number()?);
                    let place = Place { record, key: fields.take()?, format: fields.byte()? };
                    let version = Version(fields.take()?);
                    let alone = match fields.byte()? {
                        0 => false,
                        1 => true,
                        _ => return None,
                    };
                    Purpose::Holder { place, version, alone }
                };
                Self::Begun { enrolment, purpose, renew, time }
            }
            ENDED => Self::Ended {
                enrolment: EnrolmentNumber(fields.number()?),
                issue: IssueNumber(fields.number()?),
                time: fields.time()?,
            },
            DROPPED => Self::Dropped { enrolment: EnrolmentNumber(fields.number()?), time: fields.time()? },
            SETTLED => Self::Settled { enrolment: EnrolmentNumber(fields.number()?), time: fields.time()? },
            _unknown => return None,
        };
        fields.0.is_empty().then_some(header)
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn time(&mut self) -> Option<UnixSeconds> {
        self.number().map(UnixSeconds)
    }
}

const PUT: u8 = 1;
const BEGUN_HOLDER: u8 = 2;
const BEGUN_ANEW: u8 = 3;
const ENDED: u8 = 4;
const DROPPED: u8 = 5;
const SETTLED: u8 = 6;

/// Bytes of the longest header, and of the kind before it.
const MAX_BYTES: usize = 67;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written_and_no_shorter_or_longer() {
        let (enrolment, time) = (EnrolmentNumber(7), UnixSeconds(1_800_000_000));
        let place = Place { record: RecordNumber(u64::MAX), key: [9; 16], format: 3 };
        let holder = Purpose::Holder { place, version: Version([4; 16]), alone: true };
        let anew = Purpose::Anew { issue: IssueNumber(12) };
        let begun = |purpose| Header::Begun { enrolment, purpose, renew: UnixSeconds(5), time };
        let (record, subject) = (RecordNumber(1), SubjectSlot(u32::MAX));
        for header in [
            Header::Put { record, subject, kind: TypeCode([1; 8]), version: Version([2; 16]), time },
            begun(holder),
            begun(anew),
            Header::Ended { enrolment, issue: IssueNumber(3), time },
            Header::Dropped { enrolment, time },
            Header::Settled { enrolment, time },
        ] {
            let bytes = header.encode();
            assert!(bytes.len() <= MAX_BYTES, "{header:?}");
            assert_eq!(Header::parse(bytes[0], &bytes[1..]), Some(header));
            assert_eq!(Header::parse(bytes[0], &bytes[1..bytes.len() - 1]), None);
            assert_eq!(Header::parse(bytes[0], &[&bytes[1..], &[0]].concat()), None);
            assert_eq!(Header::parse(bytes[0] + 6, &bytes[1..]), None);
        }
    }
}
