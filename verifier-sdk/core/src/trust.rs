//! Pure. Trust bundles: what a verifier believes, opened once and asked often.
//!
//! A bundle is two signed documents with their receipts, and states of status lists that prove themselves.
//! [`Trust::open`] checks all of it; what it returns is believed from then on, so that a verification hashes nothing
//! that was hashed before. Those who write bundles use [`Root`], [`Feed`] and [`Container`].
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use sillok_log::entry::Thumbprint;
use sillok_log::landmark::TrustedLandmarks;
use sillok_log::policy::{Opened, Policy};
use sillok_log::receipt::LogTag;
use sillok_log::{Hash, UnixSeconds};

use crate::acceptance::RuleSet;
use crate::memory::Memory;
use crate::population::Population;
use crate::verdict::{Anchoring, Witnesses};

mod anchors;
mod container;
mod delta;
mod error;
pub(crate) mod feed;
mod issuer;
mod landmarks;
mod lists;
pub(crate) mod members;
mod open;
pub(crate) mod root;

pub use anchors::Anchors;
pub use container::{Consistency, Container, MAX_CONSISTENCY, MAX_CONTAINER_BYTES};
pub use delta::{Delta, DeltaError, MAX_DELTA_BYTES};
pub use error::{Malformed, NotLogged, Part, TrustError};
pub use feed::{Feed, FeedSnapshot, MAX_SNAPSHOTS};
pub use issuer::{Cuts, Issuer, IssuerKey, MAX_KEYS, Standing};
pub use landmarks::{EarlierLandmarks, FeedLandmarks, MAX_FEED_LANDMARK_BYTES, MAX_FEED_LOGS};
pub use open::{MAX_AHEAD_SECONDS, MAX_STATE_BYTES};
pub use root::{MAX_AUTHORITY_BYTES, MAX_FEED_KEYS, MAX_ISSUERS, MAX_ROOT_KEYS, MAX_RULE_SETS, Root};

pub(crate) use lists::{KnownList, KnownState, Lists};
pub(crate) use open::is_ahead;

/// A trust bundle that was opened.
#[derive(Clone, Debug)]
pub struct Trust {
    root: Root,
    root_digest: Hash,
    // The remembered root that this one was the step after, if it was one.
    follows: Option<Hash>,
    feed: Feed,
    anchoring: Anchoring,
    policy: Policy,
    witnesses: Witnesses,
    issuers: Issuers,
    lists: Lists,
    landmarks: Vec<HeldLandmarks>,
    // Checkpoints that the policy accepted, by their notes: a receipt that holds one costs no signature.
    opened: BTreeMap<String, Opened>,
}

/// Landmarks that were proved when the bundle was opened.
#[derive(Clone, Debug)]
struct HeldLandmarks {
    log: LogTag,
    /// The note that they were proved against.
    checkpoint: String,
    proved: TrustedLandmarks,
}

/// By issuer URL and thumbprint, the keys that are believed.
pub(crate) type Issuers = BTreeMap<String, BTreeMap<Thumbprint, IssuerKey>>;

impl Trust {
    /// Opens a trust bundle: every signature, receipt and proof in it, and that it does not go back behind
    /// `memory`. Without `anchors` the bundle is trusted because the caller named it.
    ///
    /// # Errors
    /// The first step of specs/trust-bundle.md, "Opening", that fails. The caller's memory is as it was;
    /// [`TrustError::memory`] is one with an alarm to keep.
    pub fn open(
        container: &[u8],
        anchors: Option<&Anchors>,
        memory: &Memory,
        now: UnixSeconds,
    ) -> Result<(Self, Memory), TrustError> {
        open::open(container, anchors, memory, now)
    }

    /// Takes from a population file the states of those lists of the feed that have the digest of their newest snapshot that is
    /// proved, and whose state the bundle does not hold. How many there are.
    ///
    /// All others of the file are as if they were not there. It costs hashing a quarter of a byte for each slot of the
    /// lists that the feed names, once for each file and bundle.
    pub fn add_population(&mut self, population: Population) -> usize {
        self.lists.add_population(population)
    }

    /// The root.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// The feed.
    #[must_use]
    pub const fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The rules of a jurisdiction, if the root has them.
    #[must_use]
    pub fn rule_set(&self, jurisdiction: &str) -> Option<&RuleSet> {
        self.root.rules.iter().find(|set| set.jurisdiction() == jurisdiction)
    }

    /// The logs and the quorum that the root asks for.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Why the bundle was trusted.
    #[must_use]
    pub const fn anchoring(&self) -> Anchoring {
        self.anchoring
    }

    /// Who has to have seen a checkpoint under the policy.
    #[must_use]
    pub const fn witnesses(&self) -> Witnesses {
        self.witnesses
    }

    /// The document digest of the root: what its policy was told by.
    pub(crate) const fn root_digest(&self) -> &Hash {
        &self.root_digest
    }

    /// The document digest of the remembered root that led to this one when it was opened.
    pub(crate) const fn follows(&self) -> Option<&Hash> {
        self.follows.as_ref()
    }

    pub(crate) const fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// What is known of a list, for a credential whose receipt is of the log of `origin`.
    pub(crate) fn list(&self, uri: &str, origin: &str) -> Option<&KnownList> {
        self.lists.get(uri, origin)
    }

    /// The landmarks of the log of this tag, and the note of the checkpoint that they were proved against.
    pub(crate) fn landmarks(&self, log: LogTag) -> Option<(&TrustedLandmarks, &str)> {
        let held = self.landmarks.iter().find(|held| held.log == log)?;
        Some((&held.proved, &held.checkpoint))
    }

    /// The checkpoint that this note was accepted for when the bundle was opened.
    pub(crate) fn opened(&self, note: &str) -> Option<&Opened> {
        self.opened.get(note)
    }
}
