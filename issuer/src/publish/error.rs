//! Why something is not published.

use crate::error::{Code, Problem};
use crate::keys::CredentialKeyError;
use crate::ledger;
use crate::publish::StateError;
use crate::records::RecordError;
use crate::register::RegisterError;
use crate::sign::SignError;
use crate::slots::SlotError;

/// Why a key, a list or a document is not published.
#[derive(Debug)]
pub enum Error {
    /// A document or file would not be read by its readers.
    Compose {
        /// What was composed.
        what: &'static str,
        /// Why it is refused.
        problem: String,
    },
    /// A credential-signing key cannot be made or opened.
    Key(CredentialKeyError),
    /// The log gave no answer that helps.
    Ledger(ledger::Error),
    /// The records failed.
    Records(RecordError),
    /// The register failed.
    Register(RegisterError),
    /// What was open could not be submitted again.
    Resume(Problem),
    /// Signing failed.
    Sign(SignError),
    /// No more status lists.
    Slots(SlotError),
    /// The state or a published file cannot be kept.
    State(StateError),
    /// The log does not yet show what the register holds: try again.
    Behind,
}

impl Error {
    /// Whether trying again may help.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Behind
            | Self::Ledger(
                ledger::Error::Busy { .. }
                | ledger::Error::Unavailable { .. }
                | ledger::Error::Uncosigned { .. },
            ) => true,
            Self::Resume(problem) => problem.retry_after_seconds.is_some(),
            _ => false,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Behind => f.write_str("log does not show yet what the journal holds"),
            Self::Compose { what, problem } => write!(f, "{what} is refused by its own reader: {problem}"),
            Self::Key(error) => error.fmt(f),
            Self::Ledger(error) => error.fmt(f),
            Self::Records(error) => error.fmt(f),
            Self::Register(error) => error.fmt(f),
            Self::Resume(problem) => write!(f, "open intents are not in the log: {problem}"),
            Self::Sign(error) => error.fmt(f),
            Self::Slots(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Behind | Self::Compose { .. } => None,
            Self::Key(error) => Some(error),
            Self::Ledger(error) => Some(error),
            Self::Records(error) => Some(error),
            Self::Register(error) => Some(error),
            Self::Resume(problem) => Some(problem),
            Self::Sign(error) => Some(error),
            Self::Slots(error) => Some(error),
            Self::State(error) => Some(error),
        }
    }
}

impl From<CredentialKeyError> for Error {
    fn from(error: CredentialKeyError) -> Self {
        Self::Key(error)
    }
}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Self {
        Self::Ledger(error)
    }
}

impl From<RegisterError> for Error {
    fn from(error: RegisterError) -> Self {
        Self::Register(error)
    }
}

impl From<SignError> for Error {
    fn from(error: SignError) -> Self {
        Self::Sign(error)
    }
}

impl From<SlotError> for Error {
    fn from(error: SlotError) -> Self {
        Self::Slots(error)
    }
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Ledger(error) => Self::from(error),
            Error::Resume(problem) => problem,
            Error::Behind => {
                Self::later(Code::LedgerBusy, "log does not show yet what is to be published", 1)
            }
            other => Self::internal("publishing", &other),
        }
    }
}
