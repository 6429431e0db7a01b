//! Pure. Why a delta leads nowhere.

use core::fmt;

use sillok_log::Hash;
use sillok_log::status::StateError;

use crate::json::JsonError;
use crate::snapshot::SnapshotError;
use crate::status_list::StatusListError;

/// Why a [`Delta`](super::Delta) is not read or not applied.
//= specs/trust-bundle.md#delta
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeltaError {
    /// It leads from another bundle than the one at hand.
    Base {
        /// The bundle digest that it leads from.
        expected: Hash,
        /// The bundle digest of what it was applied to.
        found: Hash,
    },
    /// Its text is not of its form.
    Json(JsonError),
    /// It does not begin as a delta does.
    Kind,
    /// The base has no snapshot file at this position.
    Position {
        /// The position, from 0.
        position: usize,
    },
    /// It does not lead to what it says.
    Result {
        /// The bundle digest that it says.
        expected: Hash,
        /// The bundle digest of what came out.
        found: Hash,
    },
    /// A change lies behind the last slot.
    Slot {
        /// The position, from 0, the suspension plane's behind the revocation plane's.
        position: u64,
    },
    /// A snapshot file holds no state.
    Snapshot(SnapshotError),
    /// The changed planes are no state.
    State(StateError),
    /// The stream does not inflate to its text.
    Stream(StatusListError),
    /// It is longer than allowed, or says that it becomes so.
    TooLarge {
        /// How long.
        bytes: usize,
    },
    /// The snapshot files hold more state than a verifier takes.
    TooMuchState {
        /// Bytes of all planes.
        bytes: u64,
    },
}

impl DeltaError {
    /// The stable code of specs/trust-bundle.md, "Delta".
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Base { .. } => "trust.delta-base",
            Self::Result { .. } => "trust.delta-result",
            Self::Json(_)
            | Self::Kind
            | Self::Position { .. }
            | Self::Slot { .. }
            | Self::Snapshot(_)
            | Self::State(_)
            | Self::Stream(_)
            | Self::TooLarge { .. }
            | Self::TooMuchState { .. } => "trust.delta-malformed",
        }
    }
}

impl From<SnapshotError> for DeltaError {
    fn from(error: SnapshotError) -> Self {
        Self::Snapshot(error)
    }
}

impl fmt::Display for DeltaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base { expected, found } => {
                write!(f, "delta leads from bundle {}, not from {}", expected.to_hex(), found.to_hex())
            }
            Self::Json(error) => write!(f, "delta is malformed: {error}"),
            Self::Kind => f.write_str("delta does not begin as a delta of trust bundles does"),
            Self::Position { position } => write!(f, "base of the delta has no snapshot file {position}"),
            Self::Result { expected, found } => {
                write!(f, "delta leads to bundle {}, not to {}", found.to_hex(), expected.to_hex())
            }
            Self::Slot { position } => write!(f, "delta changes position {position}, which the list lacks"),
            Self::Snapshot(error) => write!(f, "delta has no state to work on: {error}"),
            Self::State(error) => write!(f, "delta leads to no state: {error}"),
            Self::Stream(error) => write!(f, "delta does not inflate to its text: {error}"),
            Self::TooLarge { bytes } => write!(f, "delta is too large: {bytes} bytes"),
            Self::TooMuchState { bytes } => {
                write!(f, "delta leads to {bytes} bytes of state, which is too much")
            }
        }
    }
}

impl core::error::Error for DeltaError {}
