//! Pure. Anchors: keys that the caller trusts before any bundle does.

use alloc::vec::Vec;

use sillok_log::note::{SignatureKind, VerifierKey};

use super::members::has_twins;

/// Verifier keys and how many of them must have signed a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchors {
    keys: Vec<VerifierKey>,
    threshold: usize,
}

impl Anchors {
    /// Keys of kind Ed25519 and a threshold; `None` for a key that stands twice under any name, for a key of
    /// another kind, and for a threshold of zero or more than there are keys.
    #[must_use]
    pub fn new(keys: Vec<VerifierKey>, threshold: usize) -> Option<Self> {
        let sign_notes = keys.iter().all(|key| key.kind() == SignatureKind::Ed25519);
        let sound = sign_notes && (1..=keys.len()).contains(&threshold) && !has_twins(&keys);
        sound.then_some(Self { keys, threshold })
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// How many of them sign.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.threshold
    }
}
