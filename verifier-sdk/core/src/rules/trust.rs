//! Pure. Rule 1: the root is in force.

use sillok_log::UnixSeconds;

use crate::trust::{Trust, is_ahead};
use crate::verdict::Reason;

pub(super) fn check(trust: &Trust, now: UnixSeconds) -> Result<(), Reason> {
    let root = trust.root();
    if now > root.not_after {
        return Err(Reason::TrustRootExpired);
    }
    // Opening asked the same, but a clock can be set back between the two.
    if is_ahead(root.issued, now) { Err(Reason::TrustNotYetValid) } else { Ok(()) }
}
