//! Why the register does not do what it is asked to.

use std::fmt;

use crate::journal::StoreError;
use crate::register::{Change, ChangeNumber, IssueNumber};

/// Why something is not remembered or not found again.
#[derive(Debug)]
pub enum RegisterError {
    /// A file of the register failed.
    Store(StoreError),
    /// No change has this number, or it is not open any more.
    UnknownChange {
        /// The number.
        number: ChangeNumber,
    },
    /// No issuance has this number, or it was abandoned.
    UnknownIssue {
        /// The number.
        number: IssueNumber,
    },
    /// A sealed part holds something else than its header says.
    Unreadable {
        /// What was to be read.
        what: &'static str,
    },
}

impl From<StoreError> for RegisterError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "issuer's register failed: {error}"),
            Self::UnknownChange { number } => write!(f, "journal has no open change {}", number.0),
            Self::UnknownIssue { number } => write!(f, "journal has no issuance {}", number.0),
            Self::Unreadable { what } => write!(f, "journal's sealed {what} does not open"),
        }
    }
}

impl std::error::Error for RegisterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::UnknownChange { .. } | Self::UnknownIssue { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// Why a change of a status is not begun. The ledger's rules say the same (specs/entry.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeRefused {
    /// The credential has this status already.
    NoChange,
    /// The credential is not in the log yet.
    NotLogged,
    /// An earlier change of this credential is not in the log yet: submit that one first. Nothing: somebody else is
    /// writing it at this moment.
    Pending(Option<Change>),
    /// Revoked is terminal.
    Revoked,
    /// This issuer has not issued it.
    Unknown,
}

impl fmt::Display for ChangeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoChange => "credential has this status already",
            Self::NotLogged => "credential is not in the log yet",
            Self::Pending(_) => "an earlier change of the credential is not in the log yet",
            Self::Revoked => "credential is revoked, which is final",
            Self::Unknown => "credential was not issued here",
        })
    }
}

impl std::error::Error for ChangeRefused {}
