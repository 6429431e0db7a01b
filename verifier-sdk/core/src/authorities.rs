//! Pure. Several authorities at one door: each with its own trust bundle and its own memory.
//!
//! Which of them decides is said by the issuer that a credential claims. That is safe, as a false claim only leads to
//! somebody who did not sign it, as long as no issuer is claimed by two authorities: that is refused here.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sillok_log::UnixSeconds;

use crate::evidence::Evidence;
use crate::memory::Memory;
use crate::policy::Policy;
use crate::rules;
use crate::trust::Trust;
use crate::verdict::{Reason, Verdict};

/// The authorities that a verifier trusts.
//= specs/verification.md#several-authorities
#[derive(Clone, Debug, Default)]
pub struct Authorities {
    held: Vec<Authority>,
}

/// A trust bundle and what must not go back of it.
#[derive(Clone, Debug)]
pub struct Authority {
    trust: Trust,
    memory: Memory,
}

impl Authority {
    /// The bundle.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The memory to keep for this authority, and for no other.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    fn is_in_force(&self, now: UnixSeconds) -> bool {
        self.trust.root().issued <= self.memory.not_before_floor(now)
    }

    /// Whether this one's root is the step after the other's.
    fn follows(&self, other: &Self) -> bool {
        self.trust.follows() == Some(other.trust.root_digest())
    }

    fn shares_issuer_with(&self, other: &Self) -> Option<&str> {
        self.trust.issuers().keys().find(|id| other.trust.issuers().contains_key(*id)).map(String::as_str)
    }
}

impl Authorities {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { held: Vec::new() }
    }

    /// Adds a bundle as [`Trust::open`] returned it, with the memory that came with it.
    ///
    /// A bundle with a held bundle's very root takes its place. One whose root is the step after a held one's is held beside it until
    /// it is in force, so that both are at hand around that moment; what came before both is let go.
    ///
    /// # Errors
    /// [`AuthoritiesError`]; what is held stays as it was.
    pub fn add(&mut self, trust: Trust, memory: Memory) -> Result<(), AuthoritiesError> {
        let new = Authority { trust, memory };
        let same = |held: &Authority| held.trust.root_digest() == new.trust.root_digest();
        let kin = |held: &Authority| same(held) || new.follows(held) || held.follows(&new);
        if let Some(issuer) =
            self.held.iter().filter(|held| !kin(held)).find_map(|held| new.shares_issuer_with(held))
        {
            // Unless it is two steps back, and goes.
            let step = |held: &Authority| new.follows(held);
            let goes = |old: &Authority| self.held.iter().any(|held| step(held) && held.follows(old));
            let stays = |held: &&Authority| !kin(held) && !goes(held);
            if self.held.iter().filter(stays).any(|held| new.shares_issuer_with(held).is_some()) {
                return Err(AuthoritiesError::IssuerTwice { issuer: issuer.into() });
            }
        }
        let mut held = self.held.clone();
        if let Some(present) = held.iter().find(|held| new.follows(held)).cloned() {
            held.retain(|old| !present.follows(old));
        }
        if let Some(place) = held.iter_mut().find(|held| held.trust.root_digest() == new.trust.root_digest())
        {
            *place = new;
        } else if held.len() >= MAX_AUTHORITIES {
            return Err(AuthoritiesError::TooMany);
        } else {
            held.push(new);
        }
        self.held = held;
        Ok(())
    }

    /// What is held, in the order of its coming.
    pub fn iter(&self) -> impl Iterator<Item = &Authority> {
        self.held.iter()
    }

    /// Decides about a credential by the bundle that names the issuer which it claims. Of that bundle alone memory
    /// is replaced, as by [`verify`](crate::verify): keep it.
    ///
    /// Returned beside the verdict is who decided: `None` if the credential is not readable, or if no bundle in force names
    /// its issuer.
    pub fn verify(
        &mut self,
        evidence: &Evidence<'_>,
        policy: &Policy<'_>,
        now: UnixSeconds,
    ) -> (Verdict, Option<&Authority>) {
        let position = match self.choose(evidence, now) {
            Ok(position) => position,
            Err(reason) => return (Verdict::of(reason), None),
        };
        let Some(chosen) = self.held.get_mut(position) else {
            return (Verdict::of(Reason::IssuerUnknown), None);
        };
        let (verdict, kept) = crate::verify(evidence, &chosen.trust, &chosen.memory, policy, now);
        chosen.memory = kept;
        (verdict, Some(chosen))
    }

    /// The position of the bundle that decides.
    fn choose(&self, evidence: &Evidence<'_>, now: UnixSeconds) -> Result<usize, Reason> {
        let issuer = rules::claimed_issuer(evidence)?;
        let replaced = |old: &Authority| self.held.iter().any(|new| new.follows(old) && new.is_in_force(now));
        let early = |new: &Authority| !new.is_in_force(now) && self.held.iter().any(|old| new.follows(old));
        let decides =
            |held: &Authority| held.trust.issuers().contains_key(&issuer) && !replaced(held) && !early(held);
        self.held.iter().position(decides).ok_or(Reason::IssuerUnknown)
    }
}

/// Why a bundle is not held beside the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthoritiesError {
    /// Another authority names one of its issuers too.
    IssuerTwice {
        /// The issuer.
        issuer: String,
    },
    /// There are as many as there may be.
    TooMany,
}

impl fmt::Display for AuthoritiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerTwice { issuer } => {
                write!(f, "two trust bundles, neither the successor of the other, name the issuer {issuer}")
            }
            Self::TooMany => write!(f, "more than {MAX_AUTHORITIES} trust bundles are held at once"),
        }
    }
}

impl core::error::Error for AuthoritiesError {}

/// Most bundles that are held at once (specs/verification.md, "Several authorities"): about 80 states took part in the EU's
/// system, as its gateway counted them in 2023.
pub const MAX_AUTHORITIES: usize = 256;
