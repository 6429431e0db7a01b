//! Pure. What a door remembers of the codes that it admitted, so that each lets in once.

use alloc::collections::BTreeMap;

use sillok_log::{Hash, UnixSeconds};

use super::WINDOW_SECONDS;
use crate::verdict::{HolderProof, Reason, Verdict};

/// The key-binding tokens that were admitted within their window, by digest. It is the door's own, beside its memory: it is
/// about the last two minutes, and is not worth a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    limit: usize,
    /// Until which second each token is still in its window.
    until: BTreeMap<Hash, UnixSeconds>,
}

impl Default for Shown {
    fn default() -> Self {
        Self::with_limit(MAX_SHOWN)
    }
}

impl Shown {
    /// Remembers at most `limit` tokens at a time, and never more than [`MAX_SHOWN`].
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { limit: limit.min(MAX_SHOWN), until: BTreeMap::new() }
    }

    /// Takes a verdict at `now`, and gives it back unless it admits by a key-binding token that admitted before.
    ///
    /// A verdict for which nothing was asked of the holder is given back as it is.
    //= specs/presentation.md#replays
    pub fn once(&mut self, verdict: Verdict, now: UnixSeconds) -> Verdict {
        let Verdict::Valid(facts) = &verdict else { return verdict };
        let bound = match facts.holder {
            HolderProof::NotAsked => return verdict,
            HolderProof::Challenge(bound) | HolderProof::Live(bound) => bound,
        };
        if self.until.contains_key(&bound.token) {
            return Verdict::of(Reason::HolderReplayed);
        }
        self.until.retain(|_token, until| *until >= now);
        if self.until.len() >= self.limit {
            return Verdict::of(Reason::HolderCrowded);
        }
        self.until.insert(bound.token, UnixSeconds(bound.issued.0.saturating_add(WINDOW_SECONDS)));
        verdict
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.until.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.until.is_empty()
    }
}

/// Most tokens that a door remembers: more than a second's worth of doors let in for each of the 120 seconds of the widest
/// window, and 200 KB.
pub const MAX_SHOWN: usize = 4_096;
