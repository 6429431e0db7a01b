//! Pure. Decides offline whether a credential is valid, not valid, or cannot be told: [`verify`].
//!
//! Evidence, trust, memory, policy and time go in; a verdict and the memory to keep come out. Nothing is fetched.
//!
//! # In scope
//! Compact JWS ([`jws`]) over W3C VC 2.0 ([`credential`]), what a holder shows of it ([`sd_jwt`], [`holder`], [`packed`]), keys
//! ([`key`]), trust bundles ([`trust`]), snapshots of status lists ([`snapshot`], [`status_list`], [`population`]), what
//! must not go back ([`memory`]), what a door asks ([`policy`]) and
//! who checks signatures ([`signatures`]), what a credential is worth at a place ([`acceptance`]), the rules in order and their stable codes ([`verdict`]). Each format has its
//! writer beside its reader, for issuers.
//!
//! # Out of scope
//! The log's formats (`sillok-log`), the language of the rules (`sillok-certlogic`), signing, fetching and keeping files.
//!
//! # Invariants
//! No panic on input, no clock, no file, no socket, no thread, no `unsafe`. Absence of data never becomes *not
//! valid*, and only [`Verdict::Valid`] admits. Memory changes only when every check has passed, alarms excepted.
//!
//! # Example
//! A kiosk without the credential's receipt cannot tell; it does not say *not valid*.
//! ```
//! use sillok_verifier::{Evidence, Holder, Memory, Policy, Trust, UnixSeconds, Verdict, verify};
//!
//! fn at_the_door(credential: &[u8], trust: &Trust, memory: &mut Memory, now: UnixSeconds) -> String {
//!     let evidence = Evidence { credential, receipt: None, statuses: &[] };
//!     // The staff compare the person with the credential.
//!     let policy = Policy::new(Holder::NotAsked);
//!     let (verdict, kept) = verify(&evidence, trust, memory, &policy, now);
//!     *memory = kept;
//!     match verdict {
//!         Verdict::Valid(facts) => format!("come in; status as of snapshot {}", facts.status.sequence),
//!         Verdict::Invalid(reason) => format!("no: {reason} ({})", reason.code()),
//!         Verdict::Unknown(reason) => format!("cannot tell: {reason} ({})", reason.code()),
//!     }
//! }
//!
//! // Nothing is trusted that does not prove itself.
//! let refused = Trust::open(b"{}", None, &Memory::default(), UnixSeconds(1_800_000_000)).unwrap_err();
//! assert_eq!(refused.code(), "trust.malformed");
//! ```
#![no_std]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::panic,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

pub mod acceptance;
pub mod authorities;
pub mod credential;
pub mod datetime;
pub mod encoding;
pub mod holder;
pub mod json;
pub mod jws;
pub mod key;
pub mod memory;
pub mod packed;
pub mod policy;
pub mod population;
pub mod sd_jwt;
pub mod signatures;
pub mod snapshot;
pub mod status_list;
pub mod trust;
pub mod verdict;

mod clock;
mod evidence;
mod format;
mod rules;

pub use authorities::Authorities;
pub use clock::{CLOCK_WARNING_SECONDS, MAX_CLOCK_BEHIND_SECONDS};
pub use evidence::{Evidence, MAX_STATUS_FILES};
pub use format::Format;
pub use memory::Memory;
pub use policy::{Holder, Place, Policy};
pub use signatures::{RustCrypto, Signatures};
pub use sillok_log::UnixSeconds;
pub use trust::{Anchors, Trust, TrustError};
pub use verdict::{Facts, Reason, Verdict};

use clock::Clock;
use key::{Algorithm, PublicKey};
use sillok_log::entry::Thumbprint;

/// Decides about a credential. A total function: the same arguments always give the same verdict.
///
/// Keep the memory that comes back in place of the one that went in. It is unchanged unless the verdict is valid, but
/// for alarms ([`Memory::alarms`]), which are to be reported. `now` is the caller's clock; a clock that is behind
/// what witnesses have stated is not believed, and one that is far behind decides nothing.
///
/// The first rule of specs/verification.md that fails decides.
//= specs/verification.md#verification
pub fn verify(
    evidence: &Evidence<'_>,
    trust: &Trust,
    memory: &Memory,
    policy: &Policy<'_>,
    now: UnixSeconds,
) -> (Verdict, Memory) {
    let clock = Clock::new(now, memory);
    let mut kept = memory.clone();
    match rules::decide(evidence, trust, &mut kept, policy, clock) {
        Ok(facts) => (Verdict::Valid(facts), kept),
        Err(reason) => (Verdict::of(reason), memory.with_alarms_of(&kept)),
    }
}

/// What a place decides about a credential of which nothing has been checked, and when that changes next: for a wallet that
/// shows its holder what is worth what, and for the reasons behind [`Reason::RulesNotAccepted`]. It admits nobody.
///
/// # Errors
/// What is shown cannot be read, or the bundle has no rules of the jurisdiction.
pub fn unverified_decision(
    credential: &[u8],
    trust: &Trust,
    place: Place<'_>,
    now: UnixSeconds,
) -> Result<(acceptance::Decision, acceptance::Outlook), Reason> {
    rules::unverified_decision(credential, trust, place, now)
}

/// Checks a credential that was signed and is not logged yet, with rules 2 to 5: an issuer asks this before it lets
/// go of what it signed.
///
/// # Errors
/// The first rule that fails.
pub fn check_issued(
    credential: &[u8],
    issuer: &str,
    key: &PublicKey,
    now: UnixSeconds,
) -> Result<(), Reason> {
    rules::decide_issued(credential, issuer, (key.thumbprint(), key.algorithm()), Some(key), now)
}

/// [`check_issued`] for a signer that has checked its own signature: everything but the arithmetic of the signature.
///
/// # Errors
/// The first rule that fails.
pub fn check_composed(
    credential: &[u8],
    issuer: &str,
    key: (Thumbprint, Algorithm),
    now: UnixSeconds,
) -> Result<(), Reason> {
    rules::decide_issued(credential, issuer, key, None, now)
}
