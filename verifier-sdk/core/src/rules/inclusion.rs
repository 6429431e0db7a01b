//! Pure. Rule 6: the issuance of this very credential is in a log that is believed.

use alloc::string::String;
use alloc::sync::Arc;

use sillok_log::checkpoint::Checkpoint;
use sillok_log::policy::{self, Opened};
use sillok_log::receipt::{IssueExtra, LandmarkReceipt, LogTag, Receipt, SubtreeReceipt};
use sillok_log::{Hash, LeafIndex, TreeSize};

use super::signature::Signed;
use crate::memory::{Memory, NoteName};
use crate::trust::Trust;
use crate::verdict::Reason;

/// Where the issuance is.
pub(super) struct Logged {
    pub(super) origin: String,
    pub(super) index: LeafIndex,
    /// The size of what proves it: of the checkpoint, or where the cosigned subtree ends.
    pub(super) size: TreeSize,
}

pub(super) fn check(
    receipt: Option<&[u8]>,
    signed: &Signed<'_>,
    trust: &Trust,
    kept: &mut Memory,
) -> Result<Logged, Reason> {
    let receipt = receipt.ok_or(Reason::ReceiptMissing)?;
    if LandmarkReceipt::is_claimed_by(receipt) {
        by_landmark(receipt, signed, trust, kept)
    } else if SubtreeReceipt::is_claimed_by(receipt) {
        by_subtree(receipt, signed, trust)
    } else {
        by_checkpoint(receipt, signed, trust, kept)
    }
}

//= specs/receipt.md#checking
fn by_checkpoint(
    receipt: &[u8],
    signed: &Signed<'_>,
    trust: &Trust,
    kept: &mut Memory,
) -> Result<Logged, Reason> {
    let receipt = Receipt::parse(receipt).map_err(|_unreadable| Reason::ReceiptMalformed)?;
    let extra = receipt.extra.as_deref().ok_or(Reason::ReceiptMalformed)?;
    let leaf = leaf(extra, signed)?;
    let checkpoint = open_checkpoint(&receipt.checkpoint, trust, kept)?;
    receipt.check(&leaf, &checkpoint).map_err(|_mismatch| Reason::InclusionMismatch)?;
    Ok(Logged { origin: checkpoint.origin, index: receipt.index, size: checkpoint.size })
}

//= specs/receipt.md#landmark-receipt
fn by_landmark(
    receipt: &[u8],
    signed: &Signed<'_>,
    trust: &Trust,
    kept: &mut Memory,
) -> Result<Logged, Reason> {
    let receipt = LandmarkReceipt::parse(receipt).map_err(|_unreadable| Reason::ReceiptMalformed)?;
    let leaf = leaf(&receipt.extra, signed)?;
    origin_of(receipt.log, trust)?;
    let held = trust.landmarks(receipt.log).filter(|(landmarks, _note)| landmarks.has(receipt.landmark));
    let (landmarks, note) = held.ok_or(Reason::LandmarkUnknown)?;
    // The landmarks were proved to this checkpoint, and its signatures checked, when the bundle was opened. What memory
    // has seen since is compared.
    let checkpoint = open_checkpoint(note, trust, kept)?;
    landmarks
        .check(receipt.landmark, &leaf, receipt.index, &receipt.proof)
        .map_err(|_mismatch| Reason::InclusionMismatch)?;
    Ok(Logged { origin: checkpoint.origin, index: receipt.index, size: checkpoint.size })
}

//= specs/receipt.md#subtree-receipt
fn by_subtree(receipt: &[u8], signed: &Signed<'_>, trust: &Trust) -> Result<Logged, Reason> {
    let receipt = SubtreeReceipt::parse(receipt).map_err(|_unreadable| Reason::ReceiptMalformed)?;
    let leaf = leaf(&receipt.extra, signed)?;
    let origin = origin_of(receipt.log, trust)?;
    trust
        .policy()
        .check_subtree(origin, receipt.subtree, &receipt.hash, &receipt.cosignatures)
        .map_err(reason)?;
    receipt.check(&leaf).map_err(|_mismatch| Reason::InclusionMismatch)?;
    Ok(Logged { origin: origin.into(), index: receipt.index, size: receipt.subtree.end() })
}

/// The log of the policy that has this tag.
fn origin_of(log: LogTag, trust: &Trust) -> Result<&str, Reason> {
    let mut origins = trust.policy().logs().iter().map(|known| known.key().name());
    origins.find(|origin| LogTag::of(origin) == log).ok_or(Reason::LogUnknown)
}

/// The whole leaf, rebuilt from what was signed and the key that verified it: a receipt of another credential, or of
/// another key's, leads to another root.
fn leaf(extra: &[u8], signed: &Signed<'_>) -> Result<Hash, Reason> {
    let extra = IssueExtra::parse(extra).map_err(|_other| Reason::ReceiptMalformed)?;
    Ok(extra.entry(signed.signing_input, signed.thumbprint).leaf_hash())
}

fn open_checkpoint(note: &str, trust: &Trust, kept: &mut Memory) -> Result<Checkpoint, Reason> {
    //= specs/verification.md#accepted-checkpoints
    // A note that this root's policy accepted before costs no signature. It must be the same text to the last byte.
    let origin = note.split('\n').next().unwrap_or_default();
    if let Some(passed) = kept.passed(origin, note, trust.root_digest()) {
        return Ok(passed.clone());
    }
    if let Some(opened) = trust.opened(note) {
        return observe(opened, note, trust, kept);
    }
    // Nor does one that a verdict before rested on. Here memory compares all the same: the checkpoint may be of a log that has
    // shown another root since.
    let name = NoteName::new(note, trust.root_digest());
    if let Some(opened) = kept.checked(&name).cloned() {
        return observe(&opened, note, trust, kept);
    }
    let opened = Arc::new(trust.policy().open(note).map_err(reason)?);
    kept.keep_checked(name, &opened);
    observe(&opened, note, trust, kept)
}

fn observe(opened: &Opened, note: &str, trust: &Trust, kept: &mut Memory) -> Result<Checkpoint, Reason> {
    kept.observe(opened, note, trust.root_digest(), trust.feed().not_after)
        .map_err(|_alarm| Reason::LogFork)?;
    Ok(opened.checkpoint.clone())
}

fn reason(error: policy::Error) -> Reason {
    match error {
        policy::Error::UnknownLog => Reason::LogUnknown,
        policy::Error::NotSignedByLog => Reason::LogKeyUnknown,
        policy::Error::LogSignature { .. } => Reason::CheckpointSignature,
        // Anybody can append a line that claims to be a witness's, so a wrong one is no evidence against the log.
        policy::Error::Cosignature { .. } | policy::Error::QuorumNotMet { .. } => Reason::CheckpointQuorum,
        policy::Error::Checkpoint(_) | policy::Error::Note(_) => Reason::ReceiptMalformed,
    }
}
