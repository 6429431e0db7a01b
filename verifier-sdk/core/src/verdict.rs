//! Pure. What a verification says: valid, not valid, or cannot tell, and why.
//!
//! The three are kept apart on purpose. *Not valid* needs evidence of a wrong; whatever is missing, stale or
//! unreadable is *cannot tell*. Only *valid* admits.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sillok_log::entry::Thumbprint;
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

use crate::acceptance::Outlook;
use crate::format::Format;
use crate::json::Json;

mod reason;

pub use reason::Reason;

/// The answer to "is this credential valid?". Exhaustive: a caller decides about each of the three.
//= specs/verification.md#verification
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "only `Verdict::Valid` admits"]
#[expect(clippy::large_enum_variant, reason = "one for each verification, and soon taken apart")]
#[expect(clippy::exhaustive_enums, reason = "a fourth value must make every caller decide again")]
pub enum Verdict {
    /// Every rule passed.
    Valid(Facts),
    /// There is evidence of a wrong.
    Invalid(Reason),
    /// Evidence is missing, stale or unreadable.
    Unknown(Reason),
}

impl Verdict {
    /// The verdict that `reason` leads to.
    pub const fn of(reason: Reason) -> Self {
        if reason.is_evidence_of_wrong() { Self::Invalid(reason) } else { Self::Unknown(reason) }
    }

    /// Whether the credential is to be accepted.
    #[must_use]
    pub const fn admits(&self) -> bool {
        match self {
            Self::Valid(_) => true,
            Self::Invalid(_) | Self::Unknown(_) => false,
        }
    }

    /// Why the credential is not accepted; `None` for a valid one.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Valid(_) => None,
            Self::Invalid(reason) | Self::Unknown(reason) => Some(*reason),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid(facts) => write!(f, "valid: issued by {}", facts.issuer),
            Self::Invalid(reason) => write!(f, "not valid: {reason}"),
            Self::Unknown(reason) => write!(f, "cannot tell: {reason}"),
        }
    }
}

/// What a valid verdict rests on.
//= specs/verification.md#valid
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The form in which the credential is shown.
    pub format: Format,
    /// The issuer's URL.
    pub issuer: String,
    /// The key that verified the signature.
    pub key: Thumbprint,
    /// The log that holds the issuance.
    pub origin: String,
    /// The place of the issuance in that log.
    pub index: LeafIndex,
    /// The size of the checkpoint that proves it; for a subtree receipt, where the subtree ends.
    pub checkpoint_size: TreeSize,
    /// Who else saw that checkpoint.
    pub witnesses: Witnesses,
    /// Which state of the status list was looked at.
    pub status: StatusAsOf,
    /// Why the trust bundle was trusted.
    pub anchoring: Anchoring,
    /// How whoever showed the credential was tied to it.
    pub holder: HolderProof,
    /// What was signed and shown.
    pub claims: Claims,
    /// What it is worth at the place, if the policy names one.
    pub place: Option<AcceptedAt>,
    /// First second at which the credential is valid.
    pub valid_from: UnixSeconds,
    /// First second at which it is valid no more, if it ends.
    pub valid_until: Option<UnixSeconds>,
    /// By how many seconds the caller's clock is behind, if that is [`CLOCK_WARNING_SECONDS`] or more: warn.
    ///
    /// [`CLOCK_WARNING_SECONDS`]: crate::CLOCK_WARNING_SECONDS
    pub clock_behind: Option<u64>,
}

/// How whoever shows a credential is tied to it: what the policy asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HolderProof {
    /// The holder's key answered the challenge.
    Challenge(KeyBound),
    /// The holder's key made a live code.
    Live(KeyBound),
    /// The policy asks nothing: staff compare the person, or nobody does.
    NotAsked,
}

impl fmt::Display for HolderProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Challenge(_) => "answered the challenge",
            Self::Live(_) => "live code",
            Self::NotAsked => "not asked",
        })
    }
}

/// A place whose rules accept the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedAt {
    /// Whose rules.
    pub jurisdiction: String,
    /// The class of venues.
    pub class: String,
    /// The number of the rule set.
    pub sequence: u64,
    /// The date at the place, `YYYY-MM-DD`.
    pub local_date: String,
    /// The ids of the rules by which it is accepted.
    pub rules: Vec<String>,
    /// When that changes next, if the policy asks.
    pub outlook: Option<Outlook>,
}

/// A key-binding token that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyBound {
    /// When it was made, by the holder's clock.
    pub issued: UnixSeconds,
    /// SHA-256 of what was signed: the same for all encodings of its signature.
    pub token: Hash,
}

/// The claims that were signed and shown, in the members of VC 2.0 whatever the form: with the disclosed ones in their places and
/// without the hidden ones.
//= specs/credential.md#document
#[derive(Clone, PartialEq, Eq)]
pub struct Claims(Json);

impl Claims {
    pub(crate) const fn new(json: Json) -> Self {
        Self(json)
    }

    /// The claims.
    #[must_use]
    pub const fn json(&self) -> &Json {
        &self.0
    }
}

/// Nothing of them: claims are personal, and debug output ends up in logs.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(..)")
    }
}

/// Who saw the checkpoint besides the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a policy has a quorum or it has none")]
pub enum Witnesses {
    /// The policy says `quorum none`.
    NoneAsked,
    /// The policy's quorum cosigned it.
    Quorum,
}

impl fmt::Display for Witnesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoneAsked => "none asked",
            Self::Quorum => "quorum cosigned",
        })
    }
}

/// Why a trust bundle is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "anchors were given or they were not")]
pub enum Anchoring {
    /// Enough of the anchors that the caller named signed its root.
    Anchored,
    /// The caller named the bundle and no anchor.
    NamedByCaller,
}

/// A state of a status list: *status as of*.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusAsOf {
    /// The list's base URI.
    pub uri: String,
    /// The snapshot's number.
    pub sequence: u64,
    /// The last second at which the snapshot is relied on.
    pub not_after: UnixSeconds,
}
