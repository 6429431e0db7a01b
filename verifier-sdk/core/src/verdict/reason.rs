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
}

impl Reason {
    /// Every reason, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::TrustRootExpired,
        Self::TrustNotYetValid,
        Self::ClockBehind,
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
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TrustRootExpired => "trust.root-expired",
            Self::TrustNotYetValid => "trust.not-yet-valid",
            Self::ClockBehind => "clock.behind",
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
            | Self::StatusSuspended => true,
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
            | Self::StatusStale => false,
        }
    }
}

/// A sentence for the staff who look at the verdict.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrustRootExpired => "the trust bundle is too old: load a newer one",
            Self::TrustNotYetValid => "the trust bundle is from the future: check the clock of this device",
            Self::ClockBehind => "the clock of this device is behind: set it",
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
        })
    }
}

impl core::error::Error for Reason {}
