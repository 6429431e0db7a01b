//! Pure. The bundle digest: what a container says, independent of how it is written and compressed.

use sha2::{Digest as _, Sha256};
use sillok_log::Hash;

use super::error::DeltaError;
use crate::snapshot::SnapshotFile;
use crate::trust::container::{Consistency, Container};
use crate::trust::open::MAX_STATE_BYTES;

//= specs/trust-bundle.md#bundle-digest
pub(super) fn of(container: &Container) -> Result<Hash, DeltaError> {
    let bytes = container.snapshots.iter().map(|file| file.length().div_euclid(4)).sum();
    if bytes > MAX_STATE_BYTES {
        return Err(DeltaError::TooMuchState { bytes });
    }
    let mut hash = Sha256::new().chain_update([DOMAIN_BYTES]).chain_update(DOMAIN);
    for note in [&container.root, &container.root_receipt, &container.feed, &container.feed_receipt] {
        text(&mut hash, note);
    }
    number(&mut hash, count(container.snapshots.len()));
    for file in &container.snapshots {
        snapshot(&mut hash, file)?;
    }
    number(&mut hash, count(container.consistency.len()));
    for Consistency { origin, from, to, proof } in &container.consistency {
        text(&mut hash, origin);
        for value in [from.0, to.0, count(proof.len())] {
            number(&mut hash, value);
        }
        proof.iter().for_each(|node| hash.update(node.0));
    }
    Ok(Hash(hash.finalize().into()))
}

fn snapshot(hash: &mut Sha256, file: &SnapshotFile) -> Result<(), DeltaError> {
    let edition = file.edition();
    text(hash, file.uri());
    text(hash, file.unverified_issuer());
    for value in [file.length(), edition.sequence, edition.fold_size.0, edition.issued.0, edition.not_after.0]
    {
        number(hash, value);
    }
    text(hash, &edition.receipt);
    hash.update(file.unverified_state()?.digest().0);
    Ok(())
}

fn text(hash: &mut Sha256, text: &str) {
    number(hash, count(text.len()));
    hash.update(text);
}

fn number(hash: &mut Sha256, value: u64) {
    hash.update(value.to_be_bytes());
}

fn count(count: usize) -> u64 {
    // Nothing that is in memory is longer.
    u64::try_from(count).unwrap_or(u64::MAX)
}

const DOMAIN: &str = "sillok/trust-bundle/v1";

const DOMAIN_BYTES: u8 = 22;
