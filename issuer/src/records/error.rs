//! Why a record is not put, found or issued.

use std::fmt;

use crate::error::{Code, Problem};
use crate::journal::StoreError;
use crate::register::RegisterError;

/// Why nothing comes of a record.
#[derive(Debug)]
pub enum RecordError {
    /// Somebody else works on it at this moment.
    Busy,
    /// The person was erased, and with him what was known.
    Erased,
    /// The register failed.
    Register(RegisterError),
    /// A file failed.
    Store(StoreError),
    /// There is none.
    Unknown,
    /// What is sealed is not what belongs there.
    Unreadable,
}

impl From<StoreError> for RecordError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<RegisterError> for RecordError {
    fn from(error: RegisterError) -> Self {
        Self::Register(error)
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match &error {
            RecordError::Busy => Self::later(Code::RecordBusy, error.to_string(), 1),
            RecordError::Erased => Self::new(Code::RecordErased, error.to_string()),
            RecordError::Register(_) | RecordError::Store(_) | RecordError::Unreadable => {
                Self::internal("working on a record", &error)
            }
            RecordError::Unknown => Self::new(Code::RecordUnknown, error.to_string()),
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("another request works on the same record"),
            Self::Erased => f.write_str("person was erased, and with him what was known"),
            Self::Register(error) => error.fmt(f),
            Self::Store(error) => write!(f, "issuer's records failed: {error}"),
            Self::Unknown => f.write_str("nothing is known of this person for this type"),
            Self::Unreadable => f.write_str("journal's sealed record does not open"),
        }
    }
}

impl std::error::Error for RecordError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Register(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Busy | Self::Erased | Self::Unknown | Self::Unreadable => None,
        }
    }
}
