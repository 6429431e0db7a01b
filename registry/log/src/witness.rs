//! Pure. What a log and a witness say to each other (C2SP tlog-witness v1.0.0, `add-checkpoint`), how a witness decides,
//! and what a log does with the answer.
//!
//! # Out of scope
//! Who keeps what a witness has cosigned last, and that no two decisions rest on the same record: the witness.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::checkpoint::{self, Checkpoint};
use crate::merkle::{ProofError, check_consistency, empty_root, expect_root};
use crate::note::{self, Note, VerifierKey};
use crate::{Hash, TreeSize};

mod client;
mod request;

pub use client::{AnswerError, Next, Reply, cosignatures, next, parse_size, size_body};
pub use request::{MAX_PROOF_LINES, MAX_REQUEST_BYTES, Request, RequestError};

/// What a witness cosigned last of a log; the empty tree if nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latest {
    /// The size.
    pub size: TreeSize,
    /// The root at that size.
    pub root: Hash,
}

impl Default for Latest {
    fn default() -> Self {
        Self { size: TreeSize(0), root: empty_root() }
    }
}

/// A request that reads as one; nothing of it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted<'a> {
    request: Request<'a>,
    note: Note<'a>,
    checkpoint: Checkpoint,
}

/// What a witness may cosign, once it has recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What the log said.
    pub checkpoint: Checkpoint,
    /// The same as a note with the signatures of the log's known keys alone.
    pub note: String,
}

impl<'a> Submitted<'a> {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], [`Refusal::Checkpoint`], [`Refusal::OldSize`].
    pub fn parse(body: &'a [u8]) -> Result<Self, Refusal> {
        let request = Request::parse(body).map_err(Refusal::Malformed)?;
        let note = Note::parse(request.checkpoint)
            .map_err(|error| Refusal::Checkpoint(checkpoint::Error::Note(error)))?;
        let checkpoint = Checkpoint::parse_body(note.text()).map_err(Refusal::Checkpoint)?;
        if request.old > checkpoint.size {
            return Err(Refusal::OldSize { old: request.old, size: checkpoint.size });
        }
        Ok(Self { request, note, checkpoint })
    }

    /// The log that it is about. Nobody has signed that yet.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.checkpoint.origin
    }

    //= specs/log.md#witnesses
    /// Decides. `log` is what the witness holds of the origin: the keys that it trusts and what it cosigned last; nothing if
    /// it does not follow such a log.
    ///
    /// # Errors
    /// See [`Refusal`]; its order is that of the checks.
    pub fn decide(&self, log: Option<(&[VerifierKey], &Latest)>) -> Result<Accepted, Refusal> {
        let (keys, latest) = log.ok_or(Refusal::UnknownLog)?;
        let signers = self.note.open(keys).map_err(Refusal::Signature)?;
        let Self { request, checkpoint, .. } = self;
        if request.old != latest.size {
            return Err(Refusal::Conflict { latest: latest.size });
        }
        if checkpoint.size.0 == 0 {
            // From nothing to nothing, a proof says nothing of the root.
            expect_root(empty_root(), &checkpoint.root).map_err(Refusal::Inconsistent)?;
        }
        check_consistency(latest.size, &latest.root, checkpoint.size, &checkpoint.root, &request.proof)
            .map_err(Refusal::Inconsistent)?;
        let signed = |line: &&note::SignatureLine<'_>| {
            signers.iter().filter_map(|at| keys.get(*at)).any(|key| line.claims(key))
        };
        let lines: Vec<String> =
            self.note.signatures().iter().filter(signed).map(note::SignatureLine::encode).collect();
        let note = note::compose(self.note.text(), &lines).map_err(Refusal::Signature)?;
        Ok(Accepted { checkpoint: checkpoint.clone(), note })
    }
}

/// Why a witness does not cosign, in the order in which it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The body is no request.
    Malformed(RequestError),
    /// What it holds is no checkpoint of our profile.
    Checkpoint(checkpoint::Error),
    /// The old size is above the new one.
    OldSize {
        /// The old size.
        old: TreeSize,
        /// The size of the checkpoint.
        size: TreeSize,
    },
    /// The witness does not follow this log.
    UnknownLog,
    /// No trusted key of the log signed, or one's signature is wrong.
    Signature(note::Error),
    /// The old size is not the one cosigned last.
    Conflict {
        /// The size cosigned last.
        latest: TreeSize,
    },
    /// The proof does not lead from what was cosigned last to the checkpoint.
    Inconsistent(ProofError),
}

impl Refusal {
    /// The status of the answer (RFC 9110).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(RequestError::TooLong { .. }) => 413,
            Self::Malformed(_) | Self::Checkpoint(_) | Self::OldSize { .. } => 400,
            Self::UnknownLog => 404,
            Self::Signature(_) => 403,
            Self::Conflict { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(RequestError::TooLong { .. }) => "request.too-large",
            Self::Malformed(_) | Self::Checkpoint(_) => "request.malformed",
            Self::OldSize { .. } => "witness.old-size",
            Self::UnknownLog => "witness.log-unknown",
            Self::Signature(_) => "witness.signature",
            Self::Conflict { .. } => "witness.conflict",
            Self::Inconsistent(_) => "witness.inconsistent",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "{error}"),
            Self::Checkpoint(error) => write!(f, "{error}"),
            Self::OldSize { old, size } => write!(f, "old size {old} is above the checkpoint's size {size}"),
            Self::UnknownLog => f.write_str("no log of this origin is followed here"),
            Self::Signature(error) => write!(f, "checkpoint is not signed as it must be: {error}"),
            Self::Conflict { latest } => write!(f, "old size is not {latest}, which was cosigned last"),
            Self::Inconsistent(error) => {
                write!(f, "checkpoint does not extend what was cosigned last: {error}")
            }
        }
    }
}

impl core::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Checkpoint(error) => Some(error),
            Self::Signature(error) => Some(error),
            Self::Inconsistent(error) => Some(error),
            Self::OldSize { .. } | Self::UnknownLog | Self::Conflict { .. } => None,
        }
    }
}
