//! IO. The issuer: it authorises, composes, signs, logs and hands over credentials, and changes their status.
//!
//! # In scope
//! The service: its parts and threads ([`application`], [`config`]), who may ask ([`auth`]), its interface ([`http`],
//! [`error`], [`metrics`]), issuing ([`issue`]), changing status ([`status`]), publishing lists and the trust bundle
//! ([`publish`]), wallets by others ([`openid`]), its keys ([`keys`]), and the log as it sees it ([`ledger`]).
//!
//! Credential types as data ([`types`]), the exact bytes of a credential ([`compose`]) in the forms that there are ([`mod@format`]), signing them ([`sign`]), and
//! what must outlast a crash: the journal ([`journal`]), the subjects' keys ([`subjects`]), the slots of the status
//! lists ([`slots`]) and the facade over the three ([`register`]); what is known of people, and which of their keys have a
//! credential of it ([`records`]), and issuing anew ([`reissue`]).
//!
//! # Out of scope
//! The log (`sillok-registry`, `sillok-client`), the formats (`sillok-log`) and the verdict (`sillok-verifier`).
//!
//! # Invariants
//! Nothing is submitted before its exact bytes are durable, and nothing is answered before its receipt is. A slot
//! belongs to one credential for ever. No claim, name, person identifier, credential id or idempotency key stands in
//! plain text in any file.

pub mod application;
pub mod auth;
pub mod compose;
pub mod config;
pub mod document;
pub mod error;
pub mod foreign;
pub mod format;
pub mod http;
pub mod issue;
pub mod journal;
pub mod keys;
pub mod ledger;
pub mod metrics;
pub mod openid;
pub mod publish;
pub mod records;
pub mod register;
pub mod reissue;
pub mod sign;
pub mod slots;
pub mod status;
pub mod subjects;
pub mod types;

#[cfg(test)]
#[path = "../../tests/fuzz/mutation.rs"]
mod mutation;
mod vcalm;

pub use application::{Core, Issuer, OpenError};
pub use config::{Client, Config};
pub use ledger::Backend;
