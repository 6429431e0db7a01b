//! What evidence shows, straight from `specs/audit.md#evidence`.

use super::note::open_checkpoint;
use super::tree::{Hash, consistent};

/// The members of the file that are not its type and key.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// `fork` or `rollback`.
    pub claim: &'static str,
    /// The older signed note.
    pub older: String,
    /// The newer signed note.
    pub newer: String,
    /// The root of the beginning of the newer tree.
    pub prefix_root: Option<Hash>,
    /// The proof that it is its beginning.
    pub consistency: Vec<Hash>,
}

/// Whether both notes are of the log and show what is claimed.
#[must_use]
pub fn shows(evidence: &Evidence, vkey: &str) -> bool {
    let open = |note: &str| open_checkpoint(note.as_bytes(), vkey);
    let (Some((_, old, old_root)), Some((_, new, new_root))) = (open(&evidence.older), open(&evidence.newer))
    else {
        return false;
    };
    match (evidence.claim, &evidence.prefix_root) {
        ("rollback", None) => old > new,
        ("fork", None) => old == new && old_root != new_root,
        ("fork", Some(root)) => {
            old < new && consistent(old, new, root, &new_root, &evidence.consistency) && *root != old_root
        }
        _other => false,
    }
}
