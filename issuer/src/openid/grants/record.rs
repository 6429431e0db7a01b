//! The plain headers of the journal of offers: keyed digests, numbers and times.

use sillok_log::UnixSeconds;

use super::Digest;
use crate::records::RecordNumber;

/// The header of a record: fixed fields, integers big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// A request waits. Sealed under the transaction: its format and keys.
    Deferred { transaction: Digest, offer: Digest, expires: UnixSeconds },
    /// A wrong transaction code was tried.
    Failed { offer: Digest },
    /// A request does not wait any more.
    Obtained { transaction: Digest },
    /// An offer was made. Sealed under its name: the description of its transaction code.
    Offered {
        offer: Digest,
        record: RecordNumber,
        expires: UnixSeconds,
        formats: [u8; FORMATS],
        tx_code: Option<TxCode>,
    },
    /// An offer was redeemed.
    Redeemed { offer: Digest },
    /// The refresh token of this generation is the next.
    Refreshed { offer: Digest, generation: u32, expires: UnixSeconds },
    /// A grant has ended before its time.
    Revoked { offer: Digest, expires: UnixSeconds },
}

/// The transaction code of an offer, and what wallets are told about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TxCode {
    pub(super) digest: Digest,
    pub(super) length: u8,
    pub(super) numeric: bool,
}

impl Header {
    /// The kind of its record, and its bytes.
    pub(super) fn encode(&self) -> (u8, Vec<u8>) {
        let mut bytes = Vec::with_capacity(64);
        let mut put = |fields: &[&[u8]]| fields.iter().for_each(|field| bytes.extend_from_slice(field));
        let kind = match self {
            Self::Deferred { transaction, offer, expires } => {
                put(&[transaction, offer, &expires.0.to_be_bytes()]);
                DEFERRED
            }
            Self::Failed { offer } => {
                put(&[offer]);
                FAILED
            }
            Self::Obtained { transaction } => {
                put(&[transaction]);
                OBTAINED
            }
            Self::Offered { offer, record, expires, formats, tx_code } => {
                put(&[offer, &record.0.to_be_bytes(), &expires.0.to_be_bytes(), formats]);
                if let Some(TxCode { digest, length, numeric }) = tx_code {
                    put(&[digest, &[*length, u8::from(*numeric)]]);
                }
                OFFERED
            }
            Self::Redeemed { offer } => {
                put(&[offer]);
                REDEEMED
            }
            Self::Refreshed { offer, generation, expires } => {
                put(&[offer, &generation.to_be_bytes(), &expires.0.to_be_bytes()]);
                REFRESHED
            }
            Self::Revoked { offer, expires } => {
                put(&[offer, &expires.0.to_be_bytes()]);
                REVOKED
            }
        };
        (kind, bytes)
    }

    /// Reads what [`Header::encode`] writes.
    pub(super) fn parse(kind: u8, bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let header = match kind {
            DEFERRED => {
                Self::Deferred { transaction: fields.take()?, offer: fields.take()?, expires: fields.time()? }
            }
            FAILED => Self::Failed { offer: fields.take()? },
            OBTAINED => Self::Obtained { transaction: fields.take()? },
            OFFERED => Self::Offered {
                offer: fields.take()?,
                record: RecordNumber(u64::from_be_bytes(fields.take()?)),
                expires: fields.time()?,
                formats: fields.take()?,
                tx_code: fields.tx_code()?,
            },
            REDEEMED => Self::Redeemed { offer: fields.take()? },
            REFRESHED => Self::Refreshed {
                offer: fields.take()?,
                generation: u32::from_be_bytes(fields.take()?),
                expires: fields.time()?,
            },
            REVOKED => Self::Revoked { offer: fields.take()?, expires: fields.time()? },
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

    fn time(&mut self) -> Option<UnixSeconds> {
        self.take().map(|bytes| UnixSeconds(u64::from_be_bytes(bytes)))
    }

    /// The last field: nothing, or all of it.
    fn tx_code(&mut self) -> Option<Option<TxCode>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let digest = self.take()?;
        let [length, numeric] = self.take()?;
        Some(Some(TxCode { digest, length, numeric: numeric == 1 }))
    }
}

/// Formats that an offer names at most; zero for none.
pub(super) const FORMATS: usize = 8;

const OFFERED: u8 = 1;
const FAILED: u8 = 2;
const REDEEMED: u8 = 3;
const REFRESHED: u8 = 4;
const REVOKED: u8 = 5;
const DEFERRED: u8 = 6;
const OBTAINED: u8 = 7;
