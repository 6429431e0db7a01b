//! Pure. What a log makes of a witness's answers.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::TreeSize;
use crate::cosignature;
use crate::note::{self, Note, SignatureLine, VerifierKey};
use crate::number::parse_decimal;

/// What a witness answered to a request for a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 200, and the lines are its own.
    Cosigned,
    /// 409: it cosigned this size last.
    Conflict(TreeSize),
    /// 422: it finds the checkpoint inconsistent with what it cosigned.
    Inconsistent,
    /// Anything else, or nothing.
    Failed,
}

/// What a log does next with a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It has cosigned the checkpoint.
    Done,
    /// It cosigned this size of the log last: ask from there.
    Ask {
        /// The size.
        old: TreeSize,
    },
    /// It is further than the checkpoint: ask about a later one, from this size.
    Later {
        /// The size.
        old: TreeSize,
    },
    /// It cosigned more than the log ever signed: somebody else has the log's key, or the log has forgotten.
    Ahead {
        /// The size.
        size: TreeSize,
    },
    /// It has seen another tree of this log, or a wrong proof: what it holds must be looked at.
    Suspect,
    /// Nothing can be learnt from it now.
    GiveUp,
}

//= specs/log.md#witnesses
/// Decides what follows from a witness's answer about a checkpoint of `target` leaves. `signed` is the largest size that the
/// log has ever signed, read after the answer came; `asked` is how often this witness was asked about this checkpoint.
#[must_use]
pub fn next(reply: Reply, target: TreeSize, signed: TreeSize, asked: usize) -> Next {
    match reply {
        Reply::Cosigned => Next::Done,
        Reply::Conflict(size) if size > signed => Next::Ahead { size },
        Reply::Conflict(size) if size > target => Next::Later { old: size },
        Reply::Conflict(size) if asked < MAX_ASKS => Next::Ask { old: size },
        Reply::Inconsistent => Next::Suspect,
        Reply::Conflict(_) | Reply::Failed => Next::GiveUp,
    }
}

/// The lines of an answer that are cosignatures of `key` over the checkpoint, each checked. Lines of others are left out.
///
/// # Errors
/// An answer that is not signature lines, holds none of the key, or one that is wrong or states no time.
pub fn cosignatures(
    answer: &str,
    checkpoint_body: &str,
    key: &VerifierKey,
) -> Result<Vec<String>, AnswerError> {
    let note = format!("{checkpoint_body}\n{answer}");
    let note = Note::parse(&note).map_err(AnswerError::Note)?;
    let own = note.signatures().iter().filter(|line| line.claims(key));
    let check = |line: &SignatureLine<'_>| {
        let time = cosignature::verify(checkpoint_body, line, key).map_err(AnswerError::Cosignature)?;
        if time.0 == 0 { Err(AnswerError::NoTime) } else { Ok(line.encode()) }
    };
    let lines = own.map(check).collect::<Result<Vec<_>, _>>()?;
    // An answer with an empty line in it would make another text of the note.
    if lines.is_empty() || note.text() != checkpoint_body { Err(AnswerError::None) } else { Ok(lines) }
}

/// The size in the body of a 409.
#[must_use]
pub fn parse_size(body: &[u8]) -> Option<TreeSize> {
    core::str::from_utf8(body).ok()?.strip_suffix('\n').and_then(parse_decimal).map(TreeSize)
}

/// The body of a 409, whose media type is `text/x.tlog.size`.
#[must_use]
pub fn size_body(size: TreeSize) -> String {
    format!("{size}\n")
}

/// Why an answer holds no cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// One of the witness's lines is wrong.
    Cosignature(cosignature::Error),
    /// None of its lines is the witness's.
    None,
    /// A line states no time, as one of a checkpoint must.
    NoTime,
    /// It is not signature lines.
    Note(note::Error),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cosignature(error) => write!(f, "{error}"),
            Self::None => f.write_str("answer holds no line of the witness's key"),
            Self::NoTime => f.write_str("cosignature states no time"),
            Self::Note(error) => write!(f, "answer is not signature lines: {error}"),
        }
    }
}

impl core::error::Error for AnswerError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Cosignature(error) => Some(error),
            Self::Note(error) => Some(error),
            Self::None | Self::NoTime => None,
        }
    }
}

/// How often a witness is asked about one checkpoint: from the size that is believed, from the one that it answers, and once
/// more if somebody else fed it meanwhile.
const MAX_ASKS: usize = 3;
