//! Checkpoints that a log must not sign, signed with its key.

use std::path::Path;

use sillok_log::checkpoint::Checkpoint;
use sillok_log::{Hash, TreeSize};
use sillok_registry::sealed::{self, KeyKind, Passphrase};

/// A checkpoint of the log in a data folder, of whatever size and root.
pub(crate) fn signed(data: &Path, size: u64, root: Hash) -> String {
    let keys = data.join("keys");
    let origin = sealed::public_text(&keys, "log").unwrap().split('+').next().unwrap().to_owned();
    let passphrase = Passphrase::load(&data.join("passphrase")).unwrap();
    let signer = sealed::open(&keys, "log", KeyKind::Ed25519, &passphrase).unwrap().signer(&origin).unwrap();
    Checkpoint { origin, size: TreeSize(size), root }.sign(&signer).unwrap()
}
