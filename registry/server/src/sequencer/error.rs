//! Why the log cannot be opened, or why its writer has stopped.
//!
//! An entry that breaks a rule is *rejected* ([`crate::handle::Outcome::Refused`]); a request that comes too early is
//! to be *retried* ([`crate::handle::SubmitError`]); everything here is *fatal*: what the log has signed and what it
//! holds may differ, so nothing is signed any more until somebody has looked and opened it again.

use sillok_log::audit::LogKind;
use sillok_log::ledger::Refusal;
use sillok_log::merkle::ProofError;
use sillok_log::tile::TileError;
use sillok_log::{LeafIndex, TreeSize, UnixSeconds, checkpoint, entry};

use crate::store;
use crate::witness::Suspicion;

/// Why nothing is signed any more, or was not in the first place.
#[derive(Debug)]
pub enum Fatal {
    /// A checkpoint was not signed as it must be, or could not be.
    Checkpoint {
        /// Which one.
        which: &'static str,
        /// What is wrong with it.
        source: checkpoint::Error,
    },
    /// The clock is far behind the last time that the log has signed at.
    ClockBehind {
        /// The clock.
        now: UnixSeconds,
        /// The time in the head record.
        last: UnixSeconds,
    },
    /// An entry of the log does not parse.
    EntryMalformed {
        /// Where it is.
        at: LeafIndex,
        /// What is wrong with it.
        source: entry::ParseError,
    },
    /// An entry of the log breaks a rule of the ledger.
    EntryRefused {
        /// Where it is.
        at: LeafIndex,
        /// The rule.
        refusal: Refusal,
    },
    /// A second root for a size that was signed.
    Fork {
        /// The size.
        size: TreeSize,
    },
    /// The log is frozen, and was about to sign.
    Frozen {
        /// Its size, which is its last.
        size: TreeSize,
    },
    /// The head has no record: the creation of the log did not end.
    HeadEmpty,
    /// Somebody else has signed meanwhile.
    HeadLost,
    /// The record of the head is none of ours.
    HeadMalformed,
    /// Whether the head holds our record cannot be found out.
    HeadUnknown {
        /// What the store said.
        source: store::Error,
    },
    /// The log is of the other kind.
    Kind {
        /// The kind of the log.
        found: LogKind,
    },
    /// The proof of a leaf that was just appended is wrong.
    Proof {
        /// What is wrong.
        source: ProofError,
    },
    /// A reader of the log was shown more than was signed.
    PublicAhead {
        /// The size of the public checkpoint.
        public: TreeSize,
        /// The size in the head.
        head: TreeSize,
    },
    /// The publisher has failed, and said why.
    PublisherStopped,
    /// There is no public checkpoint although entries were signed.
    PublicMissing {
        /// The size in the head.
        head: TreeSize,
    },
    /// What was written is not what was read back.
    ReadBack {
        /// The first leaf of the batch.
        start: LeafIndex,
    },
    /// Entries and tiles do not add up to the root that was signed.
    RootMismatch {
        /// What was added up.
        what: &'static str,
        /// The size of the tree.
        size: TreeSize,
    },
    /// A checkpoint that would be smaller than one that was signed.
    Shrinks {
        /// The size signed last.
        last: TreeSize,
        /// The size to be signed.
        new: TreeSize,
    },
    /// A store failed.
    Store {
        /// What was going on.
        during: &'static str,
        /// What failed.
        source: store::Error,
    },
    /// The operating system gave no thread.
    Thread {
        /// What it said.
        source: std::io::Error,
    },
    /// A thread ended by a panic.
    Panicked,
    /// A tile that the log must have is not there.
    TileMissing {
        /// Its path.
        path: String,
    },
    /// A tile is not what the tiles above it, or the signed root, say.
    TileWrong {
        /// Its path.
        path: String,
    },
    /// A witness has cosigned what this log's head does not know.
    Witnessed {
        /// Its name in the policy.
        witness: String,
        /// What it has cosigned.
        suspicion: Suspicion,
        /// The size in the head.
        head: TreeSize,
    },
    /// The URL of a witness in the policy is none that can be asked.
    WitnessUrl {
        /// The URL.
        url: String,
    },
    /// A position that no tree has.
    Tree {
        /// What was wrong with it.
        source: TileError,
    },
}

impl Fatal {
    pub(crate) fn store(during: &'static str) -> impl FnOnce(store::Error) -> Self {
        move |source| Self::Store { during, source }
    }
}

impl From<TileError> for Fatal {
    fn from(source: TileError) -> Self {
        Self::Tree { source }
    }
}

impl From<ProofError> for Fatal {
    fn from(source: ProofError) -> Self {
        Self::Proof { source }
    }
}

impl std::fmt::Display for Fatal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Checkpoint { which, source } => write!(f, "{which} checkpoint is refused: {source}"),
            Self::ClockBehind { now, last } => {
                write!(f, "clock says {}, far before {}, when the log last signed", now.0, last.0)
            }
            Self::EntryMalformed { at, source } => write!(f, "entry of leaf {at} does not parse: {source}"),
            Self::EntryRefused { at, refusal } => write!(f, "entry of leaf {at} breaks a rule: {refusal}"),
            Self::Fork { size } => write!(f, "size {size} was signed with another root"),
            Self::Frozen { size } => write!(f, "log is frozen at size {size} and signs nothing more"),
            Self::HeadEmpty => f.write_str("head has no record; the creation of this log did not end"),
            Self::HeadLost => {
                f.write_str("head holds what this process did not sign; another writer is alive")
            }
            Self::HeadMalformed => f.write_str("record of the head does not read as one of this log"),
            Self::HeadUnknown { source } => write!(f, "what the head holds cannot be found out: {source}"),
            Self::Kind { found } => write!(f, "log is of the kind {found:?}, and was opened as the other"),
            Self::Proof { source } => write!(f, "proof of a leaf just appended is wrong: {source}"),
            Self::PublicAhead { public, head } => {
                write!(f, "public checkpoint has size {public}, but the head knows only {head}")
            }
            Self::PublicMissing { head } => {
                write!(f, "public checkpoint is missing, but the head has signed size {head}")
            }
            Self::PublisherStopped => f.write_str("publisher has stopped"),
            Self::ReadBack { start } => {
                write!(f, "batch from leaf {start} on was read back with other content than was written")
            }
            Self::RootMismatch { what, size } => {
                write!(f, "{what} do not add up to the signed root at size {size}")
            }
            Self::Shrinks { last, new } => write!(f, "size {new} is below {last}, which was signed"),
            Self::Store { during, source } => write!(f, "{during} failed: {source}"),
            Self::Thread { source } => write!(f, "no thread for the log: {source}"),
            Self::Panicked => f.write_str("a thread of the log panicked"),
            Self::TileMissing { path } => write!(f, "{path} is missing"),
            Self::TileWrong { path } => write!(f, "{path} contradicts the signed root"),
            Self::Tree { source } => write!(f, "log does not read as a tree: {source}"),
            Self::Witnessed { witness, suspicion, head } => {
                write!(
                    f,
                    "witness {witness} {suspicion}, but the head knows only {head} (log.witnessed); it was taken from \
                     a backup, or somebody else has the key"
                )
            }
            Self::WitnessUrl { url } => {
                write!(f, "witness of the policy has the URL {url:?}, which is no http URL")
            }
        }
    }
}

impl std::error::Error for Fatal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint { source, .. } => Some(source),
            Self::EntryMalformed { source, .. } => Some(source),
            Self::EntryRefused { refusal, .. } => Some(refusal),
            Self::HeadUnknown { source } | Self::Store { source, .. } => Some(source),
            Self::Proof { source } => Some(source),
            Self::Thread { source } => Some(source),
            Self::Tree { source } => Some(source),
            Self::ClockBehind { .. }
            | Self::Fork { .. }
            | Self::Frozen { .. }
            | Self::HeadEmpty
            | Self::HeadLost
            | Self::HeadMalformed
            | Self::Kind { .. }
            | Self::Panicked
            | Self::PublicAhead { .. }
            | Self::PublicMissing { .. }
            | Self::PublisherStopped
            | Self::ReadBack { .. }
            | Self::RootMismatch { .. }
            | Self::Shrinks { .. }
            | Self::TileMissing { .. }
            | Self::TileWrong { .. }
            | Self::Witnessed { .. }
            | Self::WitnessUrl { .. } => None,
        }
    }
}
