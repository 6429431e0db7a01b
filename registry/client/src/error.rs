//! Why a registry did not do what it was asked, or is not to be believed.

use std::time::Duration;

use sillok_log::receipt::{CheckError, ReceiptError};
use sillok_log::{LeafIndex, checkpoint, submission};

/// A refusal in the words of the registry (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// The status code of the answer.
    pub status: u16,
    /// The stable code of specs/log.md, empty if the answer has none.
    pub code: String,
    /// What the registry says about this case, empty if it says nothing.
    pub detail: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = if self.code.is_empty() { "no code" } else { &self.code };
        write!(f, "{} ({code})", self.status)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

/// Why a submission has no outcome.
#[derive(Debug)]
pub enum Error {
    /// The answer is not the JSON of specs/log.md.
    Answer {
        /// What is wrong with it.
        problem: String,
    },
    /// The answer is longer than allowed.
    AnswerTooLong {
        /// Its largest length in bytes.
        limit: usize,
    },
    /// The registry is busy and was asked as often as the settings allow.
    Busy {
        /// What it said last.
        problem: Problem,
        /// When to come again, as it said last.
        retry_after: Duration,
    },
    /// A checkpoint of the answer is not the log's.
    Checkpoint {
        /// What is wrong with it.
        source: checkpoint::Error,
    },
    /// The log contradicts itself: a size below one that it signed before, or a second root for a size. Both notes
    /// are the evidence; keep them.
    Fork {
        /// The checkpoint seen before.
        before: String,
        /// The one that contradicts it.
        after: String,
    },
    /// A result and its receipt name different places.
    Index {
        /// The position of the entry in the submission.
        position: usize,
        /// The place in the result.
        result: LeafIndex,
        /// The place in the receipt.
        receipt: LeafIndex,
    },
    /// The receipt does not prove the entry that was sent.
    NotProved {
        /// The position of the entry in the submission.
        position: usize,
        /// What is wrong.
        source: CheckError,
    },
    /// A receipt does not parse.
    Receipt {
        /// The position of the entry in the submission.
        position: usize,
        /// What is wrong with it.
        source: ReceiptError,
    },
    /// The registry refuses the whole submission.
    Refused {
        /// What it said.
        problem: Problem,
    },
    /// The submission cannot be signed.
    Sign {
        /// Why.
        source: submission::Error,
    },
    /// More entries, or a longer body, than a registry takes at once.
    TooLarge {
        /// The number of entries.
        entries: usize,
        /// The length of the body in bytes.
        bytes: usize,
    },
    /// No answer came.
    Transport {
        /// Where from.
        url: String,
        /// What happened.
        source: Box<ureq::Error>,
    },
    /// The address of the registry is none.
    Url {
        /// The address.
        url: String,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer { problem } => write!(f, "answer of the registry is malformed: {problem}"),
            Self::AnswerTooLong { limit } => write!(f, "answer of the registry is longer than {limit} bytes"),
            Self::Busy { problem, retry_after } => {
                write!(f, "registry is busy, come again in {} s: {problem}", retry_after.as_secs())
            }
            Self::Checkpoint { source } => write!(f, "checkpoint of the registry is refused: {source}"),
            Self::Fork { before, after } => {
                write!(f, "log contradicts itself: it signed {before:?} and then {after:?}")
            }
            Self::Index { position, result, receipt } => {
                write!(f, "result of entry {position} names leaf {result}, its receipt names leaf {receipt}")
            }
            Self::NotProved { position, source } => {
                write!(f, "receipt of entry {position} is worth nothing: {source}")
            }
            Self::Receipt { position, source } => {
                write!(f, "receipt of entry {position} does not parse: {source}")
            }
            Self::Refused { problem } => write!(f, "registry refuses the submission: {problem}"),
            Self::Sign { source } => write!(f, "submission cannot be signed: {source}"),
            Self::TooLarge { entries, bytes } => write!(
                f,
                "submission of {entries} entries and {bytes} bytes is more than {} entries or {} bytes",
                submission::MAX_ENTRIES,
                submission::MAX_BODY_BYTES
            ),
            Self::Transport { url, source } => write!(f, "no answer from {url}: {source}"),
            Self::Url { url } => {
                write!(f, "registry address {url:?} is not http:// or https:// and a host")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint { source } => Some(source),
            Self::NotProved { source, .. } => Some(source),
            Self::Receipt { source, .. } => Some(source),
            Self::Sign { source } => Some(source),
            Self::Transport { source, .. } => Some(source),
            Self::Answer { .. }
            | Self::AnswerTooLong { .. }
            | Self::Busy { .. }
            | Self::Fork { .. }
            | Self::Index { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::Url { .. } => None,
        }
    }
}
