//! Pure. Rule 6: the issuance of this very credential is in a log that is believed.

use sillok_log::LeafIndex;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::policy;
use sillok_log::receipt::{IssueExtra, Receipt};

use super::signature::Signed;
use crate::memory::Memory;
use crate::trust::Trust;
use crate::verdict::Reason;

/// Where the issuance is.
pub(super) struct Logged {
    pub(super) checkpoint: Checkpoint,
    pub(super) index: LeafIndex,
}

//= specs/receipt.md#checking
pub(super) fn check(
    receipt: Option<&[u8]>,
    signed: &Signed<'_>,
    trust: &Trust,
    kept: &mut Memory,
) -> Result<Logged, Reason> {
    let receipt = Receipt::parse(receipt.ok_or(Reason::ReceiptMissing)?)
        .map_err(|_unreadable| Reason::ReceiptMalformed)?;
    let extra = receipt.extra.as_deref().and_then(|extra| IssueExtra::parse(extra).ok());
    let extra = extra.ok_or(Reason::ReceiptMalformed)?;
    let checkpoint = open_checkpoint(&receipt.checkpoint, trust, kept)?;
    // The whole leaf is rebuilt from what was signed and the key that verified it: a receipt of another credential,
    // or of another key's, leads to another root.
    let leaf = extra.entry(signed.signing_input, signed.thumbprint).leaf_hash();
    receipt.check(&leaf, &checkpoint).map_err(|_mismatch| Reason::InclusionMismatch)?;
    Ok(Logged { checkpoint, index: receipt.index })
}

fn open_checkpoint(note: &str, trust: &Trust, kept: &mut Memory) -> Result<Checkpoint, Reason> {
    // A note that this root's policy accepted before costs no signature. It must be the same text to the last byte.
    let origin = note.split('\n').next().unwrap_or_default();
    if let Some(passed) = kept.passed(origin, note, trust.root_digest()) {
        return Ok(passed.clone());
    }
    let fresh;
    let opened = match trust.opened(note) {
        Some(opened) => opened,
        None => {
            fresh = trust.policy().open(note).map_err(reason)?;
            &fresh
        }
    };
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
