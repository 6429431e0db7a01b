//! Why the log does not judge a request.

use std::sync::Arc;

use sillok_log::TreeSize;

/// Why a request as a whole was not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// The index is being built. Retry.
    Building {
        /// When to come again.
        retry_after_seconds: u64,
    },
    /// The log signs nothing any more, for ever, and something of the request is not in it.
    Frozen {
        /// Its size, which is its last.
        size: TreeSize,
    },
    /// The log has rules, and this entry came without a role; or the other way round.
    Kind,
    /// The queue is full. Retry.
    QueueFull {
        /// When to come again, computed from the queue.
        retry_after_seconds: u64,
    },
    /// The writer has stopped, or is about to. Reads go on.
    Stopped {
        /// Why.
        reason: Arc<str>,
    },
    /// No entry, more than a batch or the queue takes, or an empty or overlong one.
    TooLarge {
        /// How many entries there are.
        entries: usize,
        /// How many bytes they have.
        bytes: usize,
        /// How many may be submitted at once.
        most_entries: usize,
        /// How many bytes they may have.
        most_bytes: usize,
    },
    /// The entries are committed, and no quorum of witnesses has cosigned them in time. Retry.
    Uncosigned {
        /// When to come again.
        retry_after_seconds: u64,
    },
    /// The entries are in the log, but a receipt could not be made of its files.
    Unreadable {
        /// Why.
        reason: Arc<str>,
    },
    /// No quorum of witnesses has said yet what it cosigned last. Retry.
    Unwitnessed {
        /// When to come again.
        retry_after_seconds: u64,
    },
}

impl std::fmt::Display for SubmitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Building { retry_after_seconds } => {
                write!(f, "log is building its index; retry after {retry_after_seconds} seconds")
            }
            Self::Frozen { size } => {
                write!(f, "log is frozen at size {size} and takes no entry that it does not have")
            }
            Self::Kind => f.write_str("entry was submitted as one of another kind of log"),
            Self::QueueFull { retry_after_seconds } => {
                write!(f, "queue of the log is full; retry after {retry_after_seconds} seconds")
            }
            Self::Stopped { reason } => write!(f, "log takes no entries: {reason}"),
            Self::TooLarge { entries, bytes, most_entries, most_bytes } => {
                write!(
                    f,
                    "request of {entries} entries with {bytes} bytes is not what the log takes at once: 1 to \
                     {most_entries} entries of 1 to {} bytes, of {most_bytes} bytes together",
                    u16::MAX
                )
            }
            Self::Uncosigned { retry_after_seconds } => {
                write!(
                    f,
                    "entries are committed and not cosigned by a quorum of witnesses; retry after \
                     {retry_after_seconds} seconds"
                )
            }
            Self::Unreadable { reason } => write!(f, "receipt could not be made: {reason}"),
            Self::Unwitnessed { retry_after_seconds } => {
                write!(
                    f,
                    "log signs nothing before a quorum of witnesses has said what it cosigned last; retry after \
                     {retry_after_seconds} seconds"
                )
            }
        }
    }
}

impl std::error::Error for SubmitError {}
