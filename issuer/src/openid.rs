//! The issuer for wallets by others: OpenID for Verifiable Credential Issuance 1.0, the pre-authorised code flow.
//!
//! # In scope
//! Offers and what wallets are given for them (`grants`, `token`), challenges (`nonce`), key proofs (`proof`,
//! `did`), what can be had (`configuration`), and the endpoints (`http`).
//!
//! # Out of scope
//! What is issued: an offer is of a record ([`crate::records`]), and whoever redeems it obtains what the record says then.
//! Authorization codes, encrypted requests and answers, signed metadata, key attestations.
//!
//! # Invariants
//! A code is good once, over restarts too. A credential is bound to a key whose owner proved for this issuer, with a nonce of
//! this process that was used for nothing else, that he has it. Nothing of a code, token, nonce or transaction is told to
//! a log.
//= specs/openid.md#openid4vci

use std::path::Path;

use sillok_log::UnixSeconds;

use crate::journal::StoreError;
use crate::subjects::Master;
use grants::Grants;
use nonce::Nonces;
pub use proof::{MAX_PROOF_BYTES, Proof};
use token::Tokens;
use used::Used;

mod configuration;
mod did;
mod grants;
pub(crate) mod http;
mod nonce;
mod proof;
mod token;
mod used;

/// What the endpoints share.
pub(crate) struct OpenId {
    grants: Grants,
    nonces: Nonces,
    tokens: Tokens,
    /// Notifications that were counted.
    notified: Used,
}

impl OpenId {
    /// Opens what is kept of offers, begins it if there is none.
    ///
    /// # Errors
    /// A failed operation, or damage.
    pub(crate) fn open(folder: &Path, master: &Master, now: UnixSeconds) -> Result<Self, StoreError> {
        Ok(Self {
            grants: Grants::open(folder, master, now)?,
            nonces: Nonces::new()?,
            tokens: Tokens::new(master),
            notified: Used::new(NOTIFIED_SECONDS, MAX_NOTIFIED),
        })
    }
}

/// How long a notification that comes again is not counted again, in seconds: wallets try again for some hours.
const NOTIFIED_SECONDS: u64 = 24 * 3_600;

/// Notifications that are remembered in one such time; more are answered and not counted. 30 MiB.
const MAX_NOTIFIED: usize = 1 << 19;
