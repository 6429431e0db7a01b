//! Pure. Everything that two parties must agree on about the ledger: bytes in, values out.
//!
//! # In scope
//! The Merkle tree of RFC 6962/9162 with its proofs ([`merkle`], [`subtree`]), the static files of C2SP
//! `tlog-tiles` ([`tile`]), signed notes, checkpoints, cosignatures and trust policies ([`note`],
//! [`checkpoint`], [`cosignature`], [`policy`]), what logs and witnesses say to each other ([`witness`]), our entries, submissions and receipts ([`entry`], [`submission`],
//! [`receipt`]), landmarks ([`landmark`]), numbers as texts ([`number`]), the fold of status changes ([`status`]), the rules of the ledger ([`ledger`]), the oracle that
//! judges a log ([`audit`]), the bytes in which it is put by ([`saved`]), and what shows that a log contradicts itself ([`evidence`]).
//!
//! # Out of scope
//! Files and sockets (`sillok-registry` writes a log, `sillok-client` reads one), credentials
//! (`sillok-verifier`), clocks and randomness (always arguments).
//!
//! # Invariants
//! No panic on input, no clock, no file, no socket, no thread, no `unsafe`. Whatever parses encodes to the same
//! bytes. Every collection that input can grow has a limit, stated in `specs/`.
#![no_std]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::missing_errors_doc,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

pub mod audit;
pub mod checkpoint;
pub mod cosignature;
pub mod entry;
pub mod evidence;
pub mod landmark;
pub mod ledger;
pub mod merkle;
pub mod note;
pub mod number;
pub mod policy;
pub mod receipt;
pub mod saved;
pub mod status;
pub mod submission;
pub mod subtree;
pub mod tile;
pub mod witness;

pub use merkle::{Hash, LeafIndex, TreeSize};

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX.1-2024, "Seconds Since the Epoch").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u64);
