//! IO. The registry: it decides what enters the log, makes it durable, signs it and publishes it.
//!
//! # In scope
//! Stores and their contracts ([`store`], [`segment`]), the one thread that owns the tree and the one that
//! publishes it ([`sequencer`]), the index that recognises a repeated entry, and how the rest of the process talks
//! to them ([`handle`], [`stats`]). All of it over HTTP ([`http`], [`submission`], [`metrics`]), and the keys that
//! it takes, at rest ([`sealed`]). How one log takes over from another ([`succession`]). Witnesses that it asks, and one that it may be ([`witness`]).
//!
//! # Out of scope
//! Formats, hashes and the rules of the ledger (`sillok-log`); credentials, of which this crate knows digests only.
//!
//! # Invariants
//! One writer a log. Nothing is signed before it is durable and has been read back; nothing is answered before the
//! head holds its checkpoint; nothing is public before that. A failed synchronisation stops the writer for good.

pub mod handle;
pub mod http;
mod index;
pub mod inspect;
pub mod landmarks;
pub mod metrics;
pub mod sealed;
pub mod segment;
pub mod sequencer;
pub mod stats;
pub mod store;
pub mod submission;
pub mod succession;
pub mod witness;

pub use handle::{Answer, Clock, Handle, Limits, Logged, Options, Outcome, Paths, Registry, SubmitError};
pub use sequencer::{Fatal, Phase, Signed, Stores};
pub use sillok_log::submission::Level;
