//! Pure. Why a trust bundle is not opened.

use alloc::boxed::Box;
use core::fmt;

use sillok_log::landmark::LandmarkError;
use sillok_log::merkle::ProofError;
use sillok_log::receipt::{CheckError, ReceiptError};
use sillok_log::{UnixSeconds, note, policy};

use crate::json::JsonError;
use crate::memory::Memory;
use crate::snapshot::SnapshotError;

/// Why [`Trust::open`](crate::trust::Trust::open) refuses a bundle, in the order of its steps.
//= specs/trust-bundle.md#opening
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// The container or a document is not of its form.
    Malformed {
        /// Which of them.
        part: Part,
        /// What is wrong with it.
        problem: Malformed,
    },
    /// Fewer root keys signed the root than its threshold.
    RootSignature {
        /// How many did.
        signed: usize,
        /// How many must.
        threshold: usize,
    },
    /// Fewer anchors signed the root than the caller asked for.
    RootNotAnchored {
        /// How many did.
        signed: usize,
        /// How many must.
        threshold: usize,
    },
    /// The root is older than the remembered one.
    RootRollback {
        /// Its sequence.
        sequence: u64,
        /// The remembered one.
        remembered: u64,
    },
    /// Another root has the same sequence.
    RootFork {
        /// The sequence of both.
        sequence: u64,
    },
    /// The root does not follow the remembered one and no anchors vouch for it.
    RootGap {
        /// Its sequence.
        sequence: u64,
        /// The remembered one.
        remembered: u64,
    },
    /// Fewer keys of the remembered root signed this one than its threshold.
    RootNotSignedByPrevious {
        /// How many did.
        signed: usize,
        /// How many must.
        threshold: usize,
    },
    /// The epoch of the root is below the remembered one.
    RootEpoch {
        /// Its epoch.
        epoch: u64,
        /// The remembered one.
        remembered: u64,
    },
    /// A key stands better than it once stood.
    KeyRevived {
        /// The key.
        key: sillok_log::entry::Thumbprint,
    },
    /// The policy does not parse.
    Policy(policy::ParseError),
    /// The policy names a log that holds arbitrary bytes, of which none proves anything.
    RawLog {
        /// Which of its log lines, from 0.
        log: usize,
    },
    /// The root's receipt does not prove its bundle entry.
    RootNotLogged(NotLogged),
    /// A document comes into force later than the clock allows.
    NotYetValid {
        /// Which of them.
        part: Part,
        /// When it was issued.
        issued: UnixSeconds,
    },
    /// No feed key of the root signed the feed.
    FeedSignature(note::Error),
    /// The feed has another epoch than the root.
    FeedEpoch {
        /// The feed's.
        feed: u64,
        /// The root's.
        root: u64,
    },
    /// The feed was made under a newer root than this one.
    RootOutdated {
        /// The sequence of this root.
        sequence: u64,
        /// The sequence of the root that the feed names.
        newest: u64,
    },
    /// The feed is older than the remembered one.
    FeedRollback {
        /// Its epoch and sequence.
        feed: (u64, u64),
        /// The remembered ones.
        remembered: (u64, u64),
    },
    /// Another feed has the same epoch and sequence.
    FeedFork {
        /// The epoch of both.
        epoch: u64,
        /// The sequence of both.
        sequence: u64,
    },
    /// The feed's receipt does not prove its bundle entry.
    FeedNotLogged(NotLogged),
    /// The policy does not accept the feed's checkpoint.
    FeedCheckpoint(policy::Error),
    /// A snapshot of the feed is not in the log.
    SnapshotProof {
        /// Its position in the feed, from 0.
        position: usize,
        /// What is wrong with the proof.
        error: ProofError,
    },
    /// The landmarks of the feed are not of the log.
    Landmarks(LandmarkError),
    /// An embedded snapshot file does not prove itself, or is not what the feed says.
    SnapshotFile {
        /// Its position in the container, from 0.
        position: usize,
        /// Why, if it is not that the feed contradicts it.
        error: Option<SnapshotError>,
    },
    /// A consistency proof at hand does not lead from the remembered checkpoint of a log to a checkpoint of the bundle.
    Consistency {
        /// The memory that the caller keeps: what it was, and the alarm.
        memory: Box<Memory>,
    },
    /// A log showed two roots for one size.
    Fork {
        /// The memory that the caller keeps: what it was, and the alarm.
        memory: Box<Memory>,
    },
}

/// A part of a trust bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The container.
    Container,
    /// The feed.
    Feed,
    /// The root.
    Root,
}

/// What is wrong with the form of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Its JSON.
    Json(JsonError),
    /// Its note.
    Note(note::Error),
    /// Its snapshot files hold more state than a verifier takes.
    TooMuchState {
        /// Bytes of all planes.
        bytes: u64,
    },
}

/// Why a receipt does not prove a document's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotLogged {
    /// The policy does not accept its checkpoint.
    Checkpoint(policy::Error),
    /// It has an `extra`, which is for issue entries.
    Extra,
    /// It does not prove the entry.
    Inclusion(CheckError),
    /// It is not of its form.
    Receipt(ReceiptError),
}

impl TrustError {
    /// The stable code of specs/trust-bundle.md, "Opening".
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "trust.malformed",
            Self::RootSignature { .. } => "trust.root-signature",
            Self::RootNotAnchored { .. } => "trust.root-not-anchored",
            Self::RootRollback { .. } => "trust.root-rollback",
            Self::RootFork { .. } => "trust.root-fork",
            Self::RootGap { .. } => "trust.root-gap",
            Self::RootNotSignedByPrevious { .. } => "trust.root-not-signed-by-previous",
            Self::RootEpoch { .. } => "trust.root-epoch",
            Self::KeyRevived { .. } => "trust.key-revived",
            Self::Policy(_) | Self::RawLog { .. } => "trust.policy",
            Self::RootNotLogged(_) => "trust.root-not-logged",
            Self::NotYetValid { .. } => "trust.not-yet-valid",
            Self::FeedSignature(_) => "trust.feed-signature",
            Self::FeedEpoch { .. } => "trust.feed-epoch",
            Self::RootOutdated { .. } => "trust.root-outdated",
            Self::FeedRollback { .. } => "trust.feed-rollback",
            Self::FeedFork { .. } => "trust.feed-fork",
            Self::FeedNotLogged(_) => "trust.feed-not-logged",
            Self::FeedCheckpoint(_) => "trust.feed-checkpoint",
            Self::SnapshotProof { .. } => "trust.snapshot-proof",
            Self::Landmarks(_) => "trust.landmarks",
            Self::SnapshotFile { .. } => "trust.snapshot-file",
            Self::Consistency { .. } => "trust.consistency",
            Self::Fork { .. } => "trust.fork",
        }
    }

    /// The memory that the caller keeps, if there is an alarm in it that is to be reported.
    #[must_use]
    pub const fn memory(&self) -> Option<&Memory> {
        match self {
            Self::Consistency { memory } | Self::Fork { memory } => Some(memory),
            Self::Malformed { .. }
            | Self::RootSignature { .. }
            | Self::RootNotAnchored { .. }
            | Self::RootRollback { .. }
            | Self::RootFork { .. }
            | Self::RootGap { .. }
            | Self::RootNotSignedByPrevious { .. }
            | Self::RootEpoch { .. }
            | Self::KeyRevived { .. }
            | Self::Policy(_)
            | Self::RawLog { .. }
            | Self::RootNotLogged(_)
            | Self::NotYetValid { .. }
            | Self::FeedSignature(_)
            | Self::FeedEpoch { .. }
            | Self::RootOutdated { .. }
            | Self::FeedRollback { .. }
            | Self::FeedFork { .. }
            | Self::FeedNotLogged(_)
            | Self::FeedCheckpoint(_)
            | Self::SnapshotProof { .. }
            | Self::Landmarks(_)
            | Self::SnapshotFile { .. } => None,
        }
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { part, problem } => write!(f, "{part} is malformed: {problem}"),
            Self::RootSignature { signed, threshold } => {
                write!(f, "{signed} of its own keys signed the root, {threshold} must")
            }
            Self::RootNotAnchored { signed, threshold } => {
                write!(f, "{signed} anchors signed the root, {threshold} must")
            }
            Self::RootRollback { sequence, remembered } => {
                write!(f, "root {sequence} is older than the remembered root {remembered}")
            }
            Self::RootFork { sequence } => write!(f, "another root {sequence} was seen before"),
            Self::RootGap { sequence, remembered } => {
                write!(f, "root {sequence} does not follow the remembered root {remembered}")
            }
            Self::RootNotSignedByPrevious { signed, threshold } => {
                write!(f, "{signed} keys of the previous root signed the root, {threshold} must")
            }
            Self::RootEpoch { epoch, remembered } => {
                write!(f, "root has epoch {epoch}, below the remembered epoch {remembered}")
            }
            Self::KeyRevived { key } => write!(f, "key {key} stands better than it once stood"),
            Self::Policy(error) => write!(f, "policy of the root does not parse: {error}"),
            Self::RawLog { log } => write!(f, "policy of the root names a raw log in its log line {log}"),
            Self::RootNotLogged(why) => write!(f, "root is not proved to be in the log: {why}"),
            Self::NotYetValid { part, issued } => {
                write!(f, "{part} was issued at {}, which is in the future", issued.0)
            }
            Self::FeedSignature(error) => write!(f, "feed is not signed by a feed key: {error}"),
            Self::FeedEpoch { feed, root } => write!(f, "feed has epoch {feed}, the root has {root}"),
            Self::RootOutdated { sequence, newest } => {
                write!(f, "feed was made under root {newest}, newer than root {sequence}")
            }
            Self::FeedRollback { feed: (epoch, sequence), remembered: (seen_epoch, seen) } => write!(
                f,
                "feed {sequence} of epoch {epoch} is older than the remembered feed {seen} of epoch {seen_epoch}"
            ),
            Self::FeedFork { epoch, sequence } => {
                write!(f, "another feed {sequence} of epoch {epoch} was seen before")
            }
            Self::FeedNotLogged(why) => write!(f, "feed is not proved to be in the log: {why}"),
            Self::FeedCheckpoint(error) => write!(f, "checkpoint of the feed is refused: {error}"),
            Self::SnapshotProof { position, error } => {
                write!(f, "snapshot {position} of the feed is not proved: {error}")
            }
            Self::Landmarks(error) => write!(f, "landmarks of the feed are refused: {error}"),
            Self::SnapshotFile { position, error: Some(error) } => {
                write!(f, "snapshot file {position} does not prove itself: {error}")
            }
            Self::SnapshotFile { position, error: None } => {
                write!(f, "snapshot file {position} contradicts another snapshot of its list")
            }
            Self::Consistency { .. } => {
                f.write_str("a consistency proof of the bundle does not lead from what was seen of its log")
            }
            Self::Fork { .. } => f.write_str("a log of the bundle has shown two different histories"),
        }
    }
}

impl core::error::Error for TrustError {}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "trust bundle",
            Self::Feed => "feed",
            Self::Root => "root",
        })
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::Note(error) => error.fmt(f),
            Self::TooMuchState { bytes } => {
                write!(f, "its snapshot files hold {bytes} bytes of state")
            }
        }
    }
}

impl fmt::Display for NotLogged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(error) => write!(f, "checkpoint of the receipt is refused: {error}"),
            Self::Extra => f.write_str("receipt has an extra line"),
            Self::Inclusion(error) => error.fmt(f),
            Self::Receipt(error) => error.fmt(f),
        }
    }
}
