//! Pure. Rule 5: now is within the validity period of the credential and of its signature.

use sillok_log::UnixSeconds;

use crate::credential::Credential;
use crate::verdict::Reason;

pub(super) fn check(credential: &Credential, now: UnixSeconds) -> Result<(), Reason> {
    if now < credential.valid_from || credential.not_before.is_some_and(|from| now < from) {
        return Err(Reason::ValidityNotYet);
    }
    let over = |end: Option<UnixSeconds>| end.is_some_and(|end| now >= end);
    if over(credential.valid_until) || over(credential.expires) {
        return Err(Reason::ValidityExpired);
    }
    Ok(())
}
