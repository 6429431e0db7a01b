//! IO. How everybody else talks to a log, and believes nothing of what it answers.
//!
//! # In scope
//! Submitting entries, with every receipt checked before it is handed on ([`Submitter`]); reading a published log from
//! its URL or a folder ([`Source`]), making landmark receipts from it ([`landmark`]), auditing it ([`Audit`]),
//! comparing it with the log that it has succeeded ([`succession`]) and copying it ([`Mirror`]); fetching a published file
//! when it has changed ([`Fetcher`]), and not all at once ([`refresh`]); the texts in which a monitor remembers ([`monitored`]).
//!
//! # Out of scope
//! Formats, proofs and rules (`sillok-log`); keys at rest, retries that outlast the process and what an entry means
//! (the issuer). Threads of an asynchronous runtime: every call here blocks.
//!
//! # Invariants
//! A receipt that is handed out opens under the log's key and proves the entry that was sent. Clock and randomness
//! are arguments. Each answer is read up to a limit, each request ends by a deadline.

pub mod audit;
pub mod fetch;
pub mod landmark;
pub mod mirror;
pub mod monitored;
pub mod refresh;
pub mod source;
pub mod succession;

mod error;
mod submit;

pub use audit::Audit;
pub use error::{Error, Problem};
pub use fetch::Fetcher;
pub use mirror::Mirror;
pub use sillok_log::submission::Level;
pub use source::Source;
pub use submit::{Clock, Jitter, Logged, Outcome, Refused, Settings, Submitter};
