//! What is done to a log while nobody has it open.

use sillok_log::UnixSeconds;
use sillok_log::note::{SignerKey, VerifierKey};

use super::Registry;
use crate::sequencer::{Fatal, Signed, recover};
use crate::store::Heads;

impl Registry {
    /// For an operator who knows that the log has signed under a clock that was ahead, so that opening it under the right
    /// one is refused: records that it has signed last at `now`. What it has signed stays as it is. Returns the time that
    /// was recorded before; nothing is changed if that is not later.
    ///
    /// # Errors
    /// The head is none of this log, or cannot be replaced.
    pub fn accept_earlier_clock(
        signer: &SignerKey,
        heads: &dyn Heads,
        now: UnixSeconds,
    ) -> Result<UnixSeconds, Fatal> {
        recover::accept_earlier_clock(heads, &signer.verifier(), now)
    }

    //= specs/log.md#freezing
    /// Freezes a log that nobody has open, for ever: it never signs again. Returns what it has signed last, and whether it
    /// was frozen before. What is committed and not public yet is published by the next opening.
    ///
    /// # Errors
    /// The head is none of this log, or cannot be replaced.
    pub fn freeze(key: &VerifierKey, heads: &dyn Heads) -> Result<(Signed, bool), Fatal> {
        recover::freeze(heads, key)
    }
}
