//! Pure. Rule 7: the key was good for a leaf at this place.
//!
//! Places are compared, not times: a thief can write any time into a credential, but cannot put a leaf before the
//! leaves that the log holds already.

use super::inclusion::Logged;
use super::signature::Signed;
use crate::trust::{Cuts, Standing};
use crate::verdict::Reason;

pub(super) fn check(signed: &Signed<'_>, logged: &Logged) -> Result<(), Reason> {
    let below = |cuts: &Cuts| logged.index.0 < cuts.size(&logged.origin).0;
    match signed.standing {
        Standing::Retired(cuts) if !below(cuts) => Err(Reason::KeyAfterRetirement),
        Standing::Compromised(cuts) if !below(cuts) => Err(Reason::KeyCompromised),
        Standing::Active | Standing::Compromised(_) | Standing::Retired(_) => Ok(()),
    }
}
