//! Pure. The `extra` of an issue entry's receipt: every field of the leaf that a verifier cannot derive itself.

use core::fmt;

use crate::entry::{Entry, Issue, ParseError, Thumbprint, check_issue_time, commitment};
use crate::{Hash, UnixSeconds};

//= specs/receipt.md#extra
/// What is lost here makes the leaf unlinkable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IssueExtra {
    /// The nonce of the commitment.
    pub nonce: [u8; 32],
    /// As in the entry.
    pub provenance: Hash,
    /// As in the entry.
    pub time: UnixSeconds,
}

impl IssueExtra {
    /// The bytes of the `extra` line.
    #[must_use]
    pub fn encode(&self) -> [u8; EXTRA_BYTES] {
        let mut bytes = [VERSION; EXTRA_BYTES];
        let fields = self.nonce.iter().chain(&self.provenance.0).copied().chain(self.time.0.to_be_bytes());
        for (byte, field) in bytes.iter_mut().skip(1).zip(fields) {
            *byte = field;
        }
        bytes
    }

    /// Reads what [`IssueExtra::encode`] writes.
    ///
    /// # Errors
    /// Another length or version, and a time that no issue entry may have.
    pub fn parse(bytes: &[u8]) -> Result<Self, ExtraError> {
        let length = ExtraError::Length { found: bytes.len() };
        let bytes = <&[u8; EXTRA_BYTES]>::try_from(bytes).map_err(|_other_length| length)?;
        let [version, fields @ ..] = bytes;
        if *version != VERSION {
            return Err(ExtraError::Version { found: *version });
        }
        let (nonce, fields) = fields.split_first_chunk().ok_or(length)?;
        let (provenance, fields) = fields.split_first_chunk().ok_or(length)?;
        let time = <&[u8; 8]>::try_from(fields).map_err(|_other_length| length)?;
        let time = UnixSeconds(u64::from_be_bytes(*time));
        check_issue_time(time).map_err(ExtraError::Time)?;
        Ok(Self { nonce: *nonce, provenance: Hash(*provenance), time })
    }

    /// Rebuilds the entry of a credential: `signing_input` as in [`commitment`], and the key *that verified the
    /// signature*.
    #[must_use]
    pub fn entry(&self, signing_input: &[u8], issuer_key: Thumbprint) -> Entry {
        Entry::Issue(Issue {
            commitment: commitment(&self.nonce, signing_input),
            issuer_key,
            provenance: self.provenance,
            time: self.time,
        })
    }
}

/// Without the nonce: it links a person to a leaf and has no business in a log line.
impl fmt::Debug for IssueExtra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssueExtra")
            .field("provenance", &self.provenance)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// Why bytes are not the `extra` of an issue entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtraError {
    /// More or fewer than [`EXTRA_BYTES`].
    Length {
        /// The bytes found.
        found: usize,
    },
    /// No issue entry has this time.
    Time(ParseError),
    /// Not the version that this ledger speaks.
    Version {
        /// The byte found.
        found: u8,
    },
}

impl fmt::Display for ExtraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found } => write!(f, "receipt extra has {found} bytes, not {EXTRA_BYTES}"),
            Self::Time(error) => write!(f, "receipt extra is of no issue entry: {error}"),
            Self::Version { found } => write!(f, "receipt extra has the unknown version {found:#04x}"),
        }
    }
}

impl core::error::Error for ExtraError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Time(error) = self { Some(error) } else { None }
    }
}

/// The only version.
const VERSION: u8 = 1;

/// Version, nonce, provenance, time.
pub const EXTRA_BYTES: usize = 73;
