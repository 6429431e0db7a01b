//! Pure. Reasons: one for each line of the table in specs/verification.md, in its order.

use core::fmt;

/// Why a credential is not accepted. A code never changes its meaning.
//= specs/verification.md#rules
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// `trust.root-expired`: the root of the trust bundle is past its not-after.
    TrustRootExpired,
    /// `trust.not-yet-valid`: the root of the trust bundle is from the future.
    TrustNotYetValid,
    /// `clock.behind`: the caller's clock is too far behind what was stated of the time.
    ClockBehind,
    /// `presentation.too-large`: the presentation exceeds its limits.
    PresentationTooLarge,
    /// `presentation.malformed`: the presentation has not its form.
    PresentationMalformed,
    /// `credential.too-large`: the credential exceeds its limits.
    CredentialTooLarge,
    /// `credential.malformed`: the credential is no compact JWS whose parts decode and parse.
    CredentialMalformed,
    /// `header.forbidden-member`: the header has a member beyond the four.
    HeaderForbiddenMember,
    /// `header.wrong-type`: `typ` is not `vc+jwt`, or `cty` is not `vc`.
    HeaderWrongType,
    /// `header.algorithm`: `alg` is not on the list.
    HeaderAlgorithm,
    /// `header.key-id`: `kid` has not its form.
    HeaderKeyId,
    /// `issuer.unknown`: the issuer is not in the bundle.
    IssuerUnknown,
    /// `issuer.key-unknown`: the issuer has no key of this `kid`.
    IssuerKeyUnknown,
    /// `signature.algorithm`: `alg` is not the key's.
    SignatureAlgorithm,
    /// `signature.invalid`: the signature does not verify.
    SignatureInvalid,
    /// `credential.nonconforming`: the payload breaks specs/credential.md.
    CredentialNonconforming,
    /// `credential.issuer-mismatch`: `iss` is not the issuer's id.
    CredentialIssuerMismatch,
    /// `disclosure.malformed`: a disclosure has not its form, or the document not its depth.
    DisclosureMalformed,
    /// `disclosure.repeated`: a disclosure or a digest is there twice.
    DisclosureRepeated,
    /// `disclosure.forbidden-name`: a disclosed member has a reserved name.
    DisclosureForbiddenName,
    /// `disclosure.overwrites`: a disclosed member is there already.
    DisclosureOverwrites,
    /// `disclosure.unreferenced`: no digest leads to a disclosure.
    DisclosureUnreferenced,
    /// `validity.not-yet`: now is before `validFrom` or `nbf`.
    ValidityNotYet,
    /// `validity.expired`: now is at or after `validUntil` or `exp`.
    ValidityExpired,
    /// `receipt.missing`: there is no receipt.
    ReceiptMissing,
    /// `receipt.malformed`: the receipt or its `extra` does not parse.
    ReceiptMalformed,
    /// `log.unknown`: the receipt's origin is no log of the policy.
    LogUnknown,
    /// `landmark.unknown`: the bundle does not hold the receipt's landmark.
    LandmarkUnknown,
    /// `log.key-unknown`: no key of the log that the bundle knows signed the checkpoint.
    LogKeyUnknown,
    /// `checkpoint.signature`: the signature of a known key of the log does not verify.
    CheckpointSignature,
    /// `checkpoint.quorum`: the quorum did not cosign the checkpoint.
    CheckpointQuorum,
    /// `log.fork`: memory holds another root for that size.
    LogFork,
    /// `inclusion.mismatch`: the proof does not prove this credential at its index.
    InclusionMismatch,
    /// `key.after-retirement`: the index is not below the cut of a retired key.
    KeyAfterRetirement,
    /// `key.compromised`: the index is not below the cut of a compromised key.
    KeyCompromised,
    /// `trust.feed-expired`: the feed is past its not-after and no fresher status is at hand.
    TrustFeedExpired,
    /// `status.unknown-list`: neither feed nor status files know the list.
    StatusUnknownList,
    /// `status.foreign-list`: the list belongs to another issuer.
    StatusForeignList,
    /// `status.missing`: the list's state is not at hand.
    StatusMissing,
    /// `status.digest-mismatch`: the state matches no logged snapshot.
    StatusDigestMismatch,
    /// `status.stale`: the snapshot is not fresh.
    StatusStale,
    /// `status.index-range`: the index is not below the list's length.
    StatusIndexRange,
    /// `status.revoked`: the slot is revoked.
    StatusRevoked,
    /// `status.suspended`: the slot is suspended.
    StatusSuspended,
    /// `holder.unbound`: the holder is asked for and the credential has no `cnf`.
    HolderUnbound,
    /// `holder.missing`: the holder is asked for and there is no key-binding token.
    HolderMissing,
    /// `holder.malformed`: the key-binding token cannot be read.
    HolderMalformed,
    /// `holder.header`: the header of the key-binding token is not as it must be.
    HolderHeader,
    /// `holder.signature`: the key in `cnf` did not sign the key-binding token.
    HolderSignature,
    /// `holder.other-presentation`: the key-binding token is of another presentation.
    HolderOtherPresentation,
    /// `holder.audience`: the key-binding token is for another audience.
    HolderAudience,
    /// `holder.nonce`: the key-binding token answers another challenge.
    HolderNonce,
    /// `holder.future`: the key-binding token is from the future.
    HolderFuture,
    /// `holder.stale`: the key-binding token is too old.
    HolderStale,
    /// `holder.replayed`: the key-binding token was shown before.
    HolderReplayed,
    /// `holder.crowded`: there is no room to remember another key-binding token.
    HolderCrowded,
    /// `rules.unknown-place`: the bundle has no rules of the place.
    RulesUnknownPlace,
    /// `rules.no-evidence`: the rules of the place do not take this type of credential.
    RulesNoEvidence,
    /// `rules.not-in-force`: no rules of the place are in force.
    RulesNotInForce,
    /// `rules.no-offset`: the rules of the place do not know the local time.
    RulesNoOffset,
    /// `rules.no-result`: a rule of the place cannot be evaluated on the claims.
    RulesNoResult,
    /// `rules.undisclosed`: the rules of the place are not met by what is shown, and claims are kept back.
    RulesUndisclosed,
    /// `rules.not-accepted`: the rules of the place are not met.
    RulesNotAccepted,
}

impl Reason {
    /// Every reason, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::TrustRootExpired,
        Self::TrustNotYetValid,
        Self::ClockBehind,
        Self::PresentationTooLarge,
        Self::PresentationMalformed,
        Self::CredentialTooLarge,
        Self::CredentialMalformed,
        Self::HeaderForbiddenMember,
        Self::HeaderWrongType,
        Self::HeaderAlgorithm,
        Self::HeaderKeyId,
        Self::IssuerUnknown,
        Self::IssuerKeyUnknown,
        Self::SignatureAlgorithm,
        Self::SignatureInvalid,
        Self::CredentialNonconforming,
        Self::CredentialIssuerMismatch,
        Self::DisclosureMalformed,
        Self::DisclosureRepeated,
        Self::DisclosureForbiddenName,
        Self::DisclosureOverwrites,
        Self::DisclosureUnreferenced,
        Self::ValidityNotYet,
        Self::ValidityExpired,
        Self::ReceiptMissing,
        Self::ReceiptMalformed,
        Self::LogUnknown,
        Self::LandmarkUnknown,
        Self::LogKeyUnknown,
        Self::CheckpointSignature,
        Self::CheckpointQuorum,
        Self::LogFork,
        Self::InclusionMismatch,
        Self::KeyAfterRetirement,
        Self::KeyCompromised,
        Self::TrustFeedExpired,
        Self::StatusUnknownList,
        Self::StatusForeignList,
        Self::StatusMissing,
        Self::StatusDigestMismatch,
        Self::StatusStale,
        Self::StatusIndexRange,
        Self::StatusRevoked,
        Self::StatusSuspended,
        Self::HolderUnbound,
        Self::HolderMissing,
        Self::HolderMalformed,
        Self::HolderHeader,
        Self::HolderSignature,
        Self::HolderOtherPresentation,
        Self::HolderAudience,
        Self::HolderNonce,
        Self::HolderFuture,
        Self::HolderStale,
        Self::HolderReplayed,
        Self::HolderCrowded,
        Self::RulesUnknownPlace,
        Self::RulesNoEvidence,
        Self::RulesNotInForce,
        Self::RulesNoOffset,
        Self::RulesNoResult,
        Self::RulesUndisclosed,
        Self::RulesNotAccepted,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TrustRootExpired => "trust.root-expired",
            Self::TrustNotYetValid => "trust.not-yet-valid",
            Self::ClockBehind => "clock.behind",
            Self::PresentationTooLarge => "presentation.too-large",
            Self::PresentationMalformed => "presentation.malformed",
            Self::CredentialTooLarge => "credential.too-large",
            Self::CredentialMalformed => "credential.malformed",
            Self::HeaderForbiddenMember => "header.forbidden-member",
            Self::HeaderWrongType => "header.wrong-type",
            Self::HeaderAlgorithm => "header.algorithm",
            Self::HeaderKeyId => "header.key-id",
            Self::IssuerUnknown => "issuer.unknown",
            Self::IssuerKeyUnknown => "issuer.key-unknown",
            Self::SignatureAlgorithm => "signature.algorithm",
            Self::SignatureInvalid => "signature.invalid",
            Self::CredentialNonconforming => "credential.nonconforming",
            Self::CredentialIssuerMismatch => "credential.issuer-mismatch",
            Self::DisclosureMalformed => "disclosure.malformed",
            Self::DisclosureRepeated => "disclosure.repeated",
            Self::DisclosureForbiddenName => "disclosure.forbidden-name",
            Self::DisclosureOverwrites => "disclosure.overwrites",
            Self::DisclosureUnreferenced => "disclosure.unreferenced",
            Self::ValidityNotYet => "validity.not-yet",
            Self::ValidityExpired => "validity.expired",
            Self::ReceiptMissing => "receipt.missing",
            Self::ReceiptMalformed => "receipt.malformed",
            Self::LogUnknown => "log.unknown",
            Self::LandmarkUnknown => "landmark.unknown",
            Self::LogKeyUnknown => "log.key-unknown",
            Self::CheckpointSignature => "checkpoint.signature",
            Self::CheckpointQuorum => "checkpoint.quorum",
            Self::LogFork => "log.fork",
            Self::InclusionMismatch => "inclusion.mismatch",
            Self::KeyAfterRetirement => "key.after-retirement",
            Self::KeyCompromised => "key.compromised",
            Self::TrustFeedExpired => "trust.feed-expired",
            Self::StatusUnknownList => "status.unknown-list",
            Self::StatusForeignList => "status.foreign-list",
            Self::StatusMissing => "status.missing",
            Self::StatusDigestMismatch => "status.digest-mismatch",
            Self::StatusStale => "status.stale",
            Self::StatusIndexRange => "status.index-range",
            Self::StatusRevoked => "status.revoked",
            Self::StatusSuspended => "status.suspended",
            Self::HolderUnbound => "holder.unbound",
            Self::HolderMissing => "holder.missing",
            Self::HolderMalformed => "holder.malformed",
            Self::HolderHeader => "holder.header",
            Self::HolderSignature => "holder.signature",
            Self::HolderOtherPresentation => "holder.other-presentation",
            Self::HolderAudience => "holder.audience",
            Self::HolderNonce => "holder.nonce",
            Self::HolderFuture => "holder.future",
            Self::HolderStale => "holder.stale",
            Self::HolderReplayed => "holder.replayed",
            Self::HolderCrowded => "holder.crowded",
            Self::RulesUnknownPlace => "rules.unknown-place",
            Self::RulesNoEvidence => "rules.no-evidence",
            Self::RulesNotInForce => "rules.not-in-force",
            Self::RulesNoOffset => "rules.no-offset",
            Self::RulesNoResult => "rules.no-result",
            Self::RulesUndisclosed => "rules.undisclosed",
            Self::RulesNotAccepted => "rules.not-accepted",
        }
    }

    /// Whether the reason is evidence of a wrong (*not valid*) and not a lack of evidence (*cannot tell*).
    #[must_use]
    pub const fn is_evidence_of_wrong(self) -> bool {
        match self {
            Self::HeaderForbiddenMember
            | Self::HeaderWrongType
            | Self::HeaderAlgorithm
            | Self::HeaderKeyId
            | Self::SignatureAlgorithm
            | Self::SignatureInvalid
            | Self::CredentialNonconforming
            | Self::CredentialIssuerMismatch
            | Self::ValidityNotYet
            | Self::ValidityExpired
            | Self::CheckpointSignature
            | Self::InclusionMismatch
            | Self::KeyAfterRetirement
            | Self::KeyCompromised
            | Self::StatusForeignList
            | Self::StatusIndexRange
            | Self::StatusRevoked
            | Self::DisclosureRepeated
            | Self::DisclosureForbiddenName
            | Self::DisclosureOverwrites
            | Self::DisclosureUnreferenced
            | Self::HolderHeader
            | Self::HolderSignature
            | Self::HolderOtherPresentation
            | Self::HolderAudience
            | Self::HolderNonce
            | Self::HolderStale
            | Self::HolderReplayed
            | Self::StatusSuspended
            | Self::RulesNotAccepted => true,
            Self::TrustRootExpired
            | Self::TrustNotYetValid
            | Self::ClockBehind
            | Self::CredentialTooLarge
            | Self::CredentialMalformed
            | Self::IssuerUnknown
            | Self::IssuerKeyUnknown
            | Self::ReceiptMissing
            | Self::ReceiptMalformed
            | Self::LogUnknown
            | Self::LandmarkUnknown
            | Self::LogKeyUnknown
            | Self::CheckpointQuorum
            | Self::LogFork
            | Self::TrustFeedExpired
            | Self::StatusUnknownList
            | Self::StatusMissing
            | Self::StatusDigestMismatch
            | Self::PresentationTooLarge
            | Self::PresentationMalformed
            | Self::DisclosureMalformed
            | Self::HolderUnbound
            | Self::HolderMissing
            | Self::HolderMalformed
            | Self::HolderFuture
            | Self::HolderCrowded
            | Self::StatusStale
            | Self::RulesUnknownPlace
            | Self::RulesNoEvidence
            | Self::RulesNotInForce
            | Self::RulesNoOffset
            | Self::RulesNoResult
            | Self::RulesUndisclosed => false,
        }
    }
}

/// A sentence for the staff who look at the verdict.
impl fmt::Display for Reason {
    #[expect(clippy::too_many_lines, reason = "a sentence for each reason")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrustRootExpired => "the trust bundle is too old: load a newer one",
            Self::TrustNotYetValid => "the trust bundle is from the future: check the clock of this device",
            Self::ClockBehind => "the clock of this device is behind: set it",
            Self::PresentationTooLarge => "the presentation is longer than any may be",
            Self::PresentationMalformed => "the presentation cannot be read",
            Self::CredentialTooLarge => "the credential is longer than any credential may be",
            Self::CredentialMalformed => "the credential cannot be read",
            Self::HeaderForbiddenMember => "the credential's header has a member that is not allowed",
            Self::HeaderWrongType => "the token is of another type than a credential",
            Self::HeaderAlgorithm => "the credential names a signature algorithm that is not allowed",
            Self::HeaderKeyId => "the credential names its key in a form that is not allowed",
            Self::IssuerUnknown => "the issuer is not in the trust bundle",
            Self::IssuerKeyUnknown => "the trust bundle does not hold the issuer's key: load a newer one",
            Self::SignatureAlgorithm => "the signature algorithm is not the one of the issuer's key",
            Self::SignatureInvalid => "the signature does not verify: the credential was changed or forged",
            Self::CredentialNonconforming => "the signed content is not a credential of the agreed form",
            Self::CredentialIssuerMismatch => "the credential names two different issuers",
            Self::DisclosureMalformed => "what the holder discloses cannot be read",
            Self::DisclosureRepeated => "something is disclosed twice",
            Self::DisclosureForbiddenName => "a disclosed claim has a name that no claim may have",
            Self::DisclosureOverwrites => "a disclosed claim would replace another",
            Self::DisclosureUnreferenced => "something is disclosed that the issuer did not sign",
            Self::ValidityNotYet => "the credential is not valid yet",
            Self::ValidityExpired => "the credential has expired",
            Self::ReceiptMissing => "the receipt is missing: ask for it",
            Self::ReceiptMalformed => "the receipt cannot be read",
            Self::LogUnknown => "the receipt is from a log that the trust bundle does not name",
            Self::LandmarkUnknown => {
                "the trust bundle does not hold the receipt's landmark: load a newer one, or ask for the full receipt"
            }
            Self::LogKeyUnknown => {
                "the receipt is signed by no key of its log that the trust bundle holds: load a newer one"
            }
            Self::CheckpointSignature => "the receipt's checkpoint is not signed by the log",
            Self::CheckpointQuorum => "too few witnesses cosigned the receipt's checkpoint",
            Self::LogFork => "the log has shown two different histories: report the alarm",
            Self::InclusionMismatch => "the receipt does not prove this credential",
            Self::KeyAfterRetirement => "the credential was logged after its key was retired",
            Self::KeyCompromised => "the credential was logged after its key was compromised",
            Self::TrustFeedExpired => "the status data of the trust bundle is too old: load a newer one",
            Self::StatusUnknownList => {
                "the credential's status list is not known here: load a newer trust bundle"
            }
            Self::StatusForeignList => "the credential names a status list of another issuer",
            Self::StatusMissing => "the state of the credential's status list is not at hand",
            Self::StatusDigestMismatch => "the status file at hand is not the one that was logged",
            Self::StatusStale => "the status data is too old: load newer data",
            Self::StatusIndexRange => "the credential names a place outside its status list",
            Self::StatusRevoked => "the credential was revoked",
            Self::StatusSuspended => "the credential is suspended",
            Self::HolderUnbound => "the credential is bound to no holder's key: compare the person",
            Self::HolderMissing => "the proof of the holder is missing: ask for it",
            Self::HolderMalformed => "the proof of the holder cannot be read",
            Self::HolderHeader => "the proof of the holder is a token of another kind",
            Self::HolderSignature => "the proof is not by the holder of the credential",
            Self::HolderOtherPresentation => "the proof of the holder is for something else than what is shown",
            Self::HolderAudience => "the proof of the holder was made for somebody else",
            Self::HolderNonce => "the proof of the holder answers another challenge",
            Self::HolderFuture => "the proof of the holder is from the future: check the clocks of both devices",
            Self::HolderStale => "the code is an old one: ask for a live one",
            Self::HolderReplayed => "the code was shown before",
            Self::HolderCrowded => "too many codes were shown in the last minute: wait",
            Self::RulesUnknownPlace => "no rules of this place are known here: load a newer trust bundle",
            Self::RulesNoEvidence => "the rules of this place do not take this type of credential",
            Self::RulesNotInForce => "no rules of this place are in force today",
            Self::RulesNoOffset => {
                "the local time of this place is not known: load a newer trust bundle"
            }
            Self::RulesNoResult => "the rules of this place cannot be applied to this credential",
            Self::RulesUndisclosed => "what is shown does not meet the rules of this place: show more",
            Self::RulesNotAccepted => {
                "the credential is genuine and does not meet the rules of this place today"
            }
        })
    }
}

impl core::error::Error for Reason {}
