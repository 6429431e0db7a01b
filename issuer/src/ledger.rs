//! The log as the issuer sees it: in this process or behind HTTP. Whatever it answers is checked before anything
//! rests on it.
//!
//! Every call blocks. Requests are batched before they come here, by the threads that issue.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sillok_client::Submitter;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, IssuerHash};
use sillok_log::ledger::Role;
use sillok_log::note::{Note, VerifierKey};
use sillok_log::policy::Policy;
use sillok_log::receipt::Receipt;
use sillok_log::submission::{Level, MAX_ENTRIES};
use sillok_log::{LeafIndex, TreeSize};
use sillok_registry::{Handle, SubmitError};

use crate::error::{Code, Problem};

/// As whom an entry is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Keys and trust documents.
    Administrator,
    /// Everything about credentials.
    Issuer,
}

/// Where the log is.
pub enum Backend {
    /// In this process.
    Embedded(Handle),
    /// Behind HTTP, with one submitter for each author.
    Remote {
        /// Submits key and bundle entries.
        administrator: Box<Submitter>,
        /// Submits issue, status, snapshot and list entries.
        issuer: Box<Submitter>,
    },
}

/// A log that entries are submitted to.
pub struct Ledger {
    backend: Backend,
    log: VerifierKey,
    /// Which cosignatures make a checkpoint public, if any do.
    policy: Option<Policy>,
    issuer: IssuerHash,
    /// How long a busy log is asked again. A submitter's own attempts should take no longer.
    patience: Duration,
    /// Size of the largest checkpoint that was checked. Only ever grows.
    largest: AtomicU64,
    /// Whether the last submission got no answer.
    away: AtomicBool,
}

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Logged(Logged),
    /// It breaks a rule of the ledger.
    Refused(Refused),
}

/// An entry that is in the log; the receipt was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its place.
    pub index: LeafIndex,
    /// The proof, without `extra`.
    pub receipt: Receipt,
    /// Size of the checkpoint that the receipt is relative to.
    pub size: TreeSize,
    /// Whether it was there before this submission.
    pub duplicate: bool,
}

/// An entry that the log does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The stable code of specs/entry.md.
    pub code: String,
    /// What the log says.
    pub detail: String,
}

impl Ledger {
    /// A log with this key and policy, on behalf of one issuer. A policy without a quorum is none.
    #[must_use]
    pub fn new(
        backend: Backend,
        (log, policy): (VerifierKey, Option<Policy>),
        issuer: IssuerHash,
        patience: Duration,
    ) -> Self {
        let policy = policy.filter(Policy::has_quorum);
        let (largest, away) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { backend, log, policy, issuer, patience, largest, away }
    }

    /// How far an entry must have come before a holder is given its receipt.
    pub const fn holder_level(&self) -> Level {
        if self.policy.is_some() { Level::Cosigned } else { Level::Committed }
    }

    /// How far an entry must have come before everybody is shown what rests on it.
    pub const fn public_level(&self) -> Level {
        if self.policy.is_some() { Level::Cosigned } else { Level::Published }
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        self.log.name()
    }

    /// The log's key.
    pub const fn key(&self) -> &VerifierKey {
        &self.log
    }

    /// Whether the last submission got no answer.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::SeqCst)
    }

    /// Size of the largest checkpoint seen so far.
    pub fn largest(&self) -> TreeSize {
        TreeSize(self.largest.load(Ordering::SeqCst))
    }

    /// Submits entries and returns what became of each, in order, receipts checked. A busy log is asked again for a
    /// while. Submitting the same entries again is always safe.
    ///
    /// # Errors
    /// No answer, a refusal of the whole, or an answer that proves less than it says.
    pub fn submit(&self, entries: &[Entry], author: Author, level: Level) -> Result<Vec<Outcome>, Error> {
        let deadline = Instant::now() + self.patience;
        let mut outcomes = Vec::with_capacity(entries.len());
        for entries in entries.chunks(MAX_ENTRIES) {
            let answers = loop {
                match self.submit_once(entries, author, level) {
                    Err(Error::Busy { retry_after, .. }) if Instant::now() + retry_after < deadline => {
                        thread::sleep(retry_after.min(MAX_PAUSE));
                    }
                    other => break other?,
                }
            };
            outcomes.extend(self.check(entries, answers, level)?);
        }
        Ok(outcomes)
    }

    /// [`Ledger::submit`] of one entry that must be taken.
    ///
    /// # Errors
    /// As there, and a refusal of the entry.
    pub fn submit_one(&self, entry: &Entry, author: Author, level: Level) -> Result<Logged, Error> {
        match self.submit(std::slice::from_ref(entry), author, level)?.pop() {
            Some(Outcome::Logged(logged)) => Ok(logged),
            Some(Outcome::Refused(Refused { code, detail })) => Err(Error::Refused { code, detail }),
            None => Err(Error::Answer { problem: "there is no result".into() }),
        }
    }

    fn submit_once(&self, entries: &[Entry], author: Author, level: Level) -> Result<Vec<Answer>, Error> {
        let answers = self.ask(entries.iter().map(Entry::encode).collect(), author, level);
        self.away.store(matches!(answers, Err(Error::Unavailable { .. })), Ordering::SeqCst);
        answers
    }

    fn ask(&self, bytes: Vec<Vec<u8>>, author: Author, level: Level) -> Result<Vec<Answer>, Error> {
        match &self.backend {
            Backend::Embedded(handle) => {
                let role = match author {
                    Author::Administrator => Role::Administrator,
                    Author::Issuer => Role::Issuer(self.issuer),
                };
                let answer = handle.submit_blocking(bytes, role, level).map_err(Error::from)?;
                Ok(answer.results.into_iter().map(Answer::from).collect())
            }
            Backend::Remote { administrator, issuer } => {
                let submitter = match author {
                    Author::Administrator => administrator,
                    Author::Issuer => issuer,
                };
                let outcomes = submitter.submit(&bytes, level).map_err(Error::from)?;
                outcomes.into_iter().map(Answer::try_from).collect()
            }
        }
    }

    /// Every receipt must prove the entry that was sent, under the log's key. A log in this process has just proved it
    /// to itself, from the same memory.
    fn check(&self, entries: &[Entry], answers: Vec<Answer>, level: Level) -> Result<Vec<Outcome>, Error> {
        if answers.len() != entries.len() {
            let problem = format!("{} results for {} entries", answers.len(), entries.len());
            return Err(Error::Answer { problem });
        }
        // The receipts of a batch share their checkpoint: its signature is checked once.
        let mut opened: Option<(String, Checkpoint)> = None;
        let mut outcomes = Vec::with_capacity(entries.len());
        for (entry, answer) in entries.iter().zip(answers) {
            let (index, receipt, duplicate) = match answer {
                Answer::Logged { index, receipt, duplicate } => (index, receipt, duplicate),
                Answer::Refused(refused) => {
                    outcomes.push(Outcome::Refused(refused));
                    continue;
                }
            };
            let checkpoint = match &opened {
                Some((note, checkpoint)) if *note == receipt.checkpoint => checkpoint,
                Some(_) | None => {
                    let checkpoint = self.read_checkpoint(&receipt.checkpoint, level)?;
                    &opened.insert((receipt.checkpoint.clone(), checkpoint)).1
                }
            };
            if receipt.index != index || receipt.extra.is_some() {
                return Err(Error::Answer { problem: format!("receipt is not one of leaf {}", index.0) });
            }
            if let Backend::Remote { .. } = self.backend {
                receipt.check(&entry.leaf_hash(), checkpoint).map_err(|error| answer_error(&error))?;
            }
            self.largest.fetch_max(checkpoint.size.0, Ordering::SeqCst);
            outcomes.push(Outcome::Logged(Logged { index, size: checkpoint.size, receipt, duplicate }));
        }
        Ok(outcomes)
    }

    /// A log in this process has opened its checkpoint, too. That it is cosigned is checked of either: the policies of log
    /// and issuer are two settings.
    fn read_checkpoint(&self, note: &str, level: Level) -> Result<Checkpoint, Error> {
        if let (Some(policy), Level::Cosigned) = (&self.policy, level) {
            policy.witnessed(note).map_err(|error| answer_error(&error))?;
        }
        match self.backend {
            Backend::Remote { .. } => Checkpoint::open(note, &self.log).map_err(|error| answer_error(&error)),
            Backend::Embedded(_) => {
                let note = Note::parse(note).map_err(|error| answer_error(&error))?;
                Checkpoint::parse_body(note.text()).map_err(|error| answer_error(&error))
            }
        }
    }
}

fn answer_error(error: &dyn std::fmt::Display) -> Error {
    Error::Answer { problem: error.to_string() }
}

/// What a backend says about one entry; nothing is checked yet.
enum Answer {
    Logged { index: LeafIndex, receipt: Receipt, duplicate: bool },
    Refused(Refused),
}

impl From<sillok_registry::Outcome> for Answer {
    fn from(outcome: sillok_registry::Outcome) -> Self {
        match outcome {
            sillok_registry::Outcome::Logged(sillok_registry::Logged { index, receipt, duplicate }) => {
                Self::Logged { index, receipt, duplicate }
            }
            sillok_registry::Outcome::Refused { code, detail } => {
                Self::Refused(Refused { code: code.into(), detail })
            }
        }
    }
}

impl TryFrom<sillok_client::Outcome> for Answer {
    type Error = Error;

    fn try_from(outcome: sillok_client::Outcome) -> Result<Self, Error> {
        match outcome {
            sillok_client::Outcome::Logged(sillok_client::Logged { index, receipt, duplicate }) => {
                let receipt = Receipt::parse(receipt.as_bytes()).map_err(|error| answer_error(&error))?;
                Ok(Self::Logged { index, receipt, duplicate })
            }
            sillok_client::Outcome::Refused(sillok_client::Refused { code, detail }) => {
                Ok(Self::Refused(Refused { code, detail }))
            }
        }
    }
}

/// Why a submission has no outcome. Whether the entries are in the log is then unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The answer does not prove what it says.
    Answer {
        /// What is wrong with it.
        problem: String,
    },
    /// The log is busy.
    Busy {
        /// When to come again.
        retry_after: Duration,
        /// What it said.
        detail: String,
    },
    /// The entries are committed, and no quorum of witnesses has cosigned them in time.
    Uncosigned {
        /// When to come again.
        retry_after: Duration,
    },
    /// One entry, or the whole submission, is refused.
    Refused {
        /// The stable code.
        code: String,
        /// What the log says.
        detail: String,
    },
    /// The log does not answer or has stopped.
    Unavailable {
        /// Why.
        detail: String,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer { problem } => write!(f, "answer of the log proves less than it says: {problem}"),
            Self::Busy { detail, .. } => write!(f, "log is busy: {detail}"),
            Self::Refused { code, detail } => write!(f, "log refuses the submission ({code}): {detail}"),
            Self::Unavailable { detail } => write!(f, "log takes no entries: {detail}"),
            Self::Uncosigned { .. } => f.write_str("log awaits the cosignatures of a quorum of witnesses"),
        }
    }
}

impl std::error::Error for Error {}

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        let detail = error.to_string();
        match error {
            SubmitError::Building { retry_after_seconds }
            | SubmitError::QueueFull { retry_after_seconds }
            | SubmitError::Unwitnessed { retry_after_seconds } => {
                Self::Busy { retry_after: Duration::from_secs(retry_after_seconds), detail }
            }
            SubmitError::Uncosigned { retry_after_seconds } => {
                Self::Uncosigned { retry_after: Duration::from_secs(retry_after_seconds) }
            }
            SubmitError::Frozen { .. } => Self::Refused { code: "log.frozen".into(), detail },
            SubmitError::Kind => Self::Refused { code: "log.kind".into(), detail },
            SubmitError::TooLarge { .. } => Self::Refused { code: "request.too-large".into(), detail },
            SubmitError::Stopped { .. } | SubmitError::Unreadable { .. } => Self::Unavailable { detail },
        }
    }
}

impl From<sillok_client::Error> for Error {
    fn from(error: sillok_client::Error) -> Self {
        let detail = error.to_string();
        match error {
            sillok_client::Error::Busy { retry_after, problem } if problem.code == UNCOSIGNED => {
                Self::Uncosigned { retry_after }
            }
            sillok_client::Error::Busy { retry_after, .. } => Self::Busy { retry_after, detail },
            sillok_client::Error::Refused { problem } if problem.status < 500 => {
                Self::Refused { code: problem.code, detail: problem.detail }
            }
            sillok_client::Error::Refused { .. } | sillok_client::Error::Transport { .. } => {
                Self::Unavailable { detail }
            }
            // Everything else is an answer that is not to be believed, or a submission that we composed wrongly.
            _ => Self::Answer { problem: detail },
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Answer { .. } => Self::internal("reading the log's answer", &error),
            Error::Busy { retry_after, .. } => {
                Self::later(Code::LedgerBusy, "log is busy", retry_after.as_secs())
            }
            Error::Refused { code, detail } => Self::from(Refused { code, detail }),
            Error::Uncosigned { retry_after } => Self::later(
                Code::LedgerUncosigned,
                "credential is in the log, and no quorum of witnesses has cosigned that yet",
                retry_after.as_secs(),
            ),
            Error::Unavailable { detail } => {
                tracing::warn!(detail, "log is not available");
                Self::later(
                    Code::LedgerUnavailable,
                    "log takes no entries at the moment",
                    UNAVAILABLE_SECONDS,
                )
            }
        }
    }
}

impl From<Refused> for Problem {
    fn from(Refused { code, detail }: Refused) -> Self {
        tracing::warn!(code, detail, "log refuses an entry");
        Self::new(Code::LedgerRefused, format!("log refuses the entry: {detail} ({code})"))
    }
}

/// When to come again while the log does not answer.
const UNAVAILABLE_SECONDS: u64 = 5;

/// What a log behind HTTP says while it awaits cosignatures (specs/log.md, "Submission").
const UNCOSIGNED: &str = "log.uncosigned";

/// Longest pause before a busy log is asked again.
const MAX_PAUSE: Duration = Duration::from_millis(500);
