//! Pure. What somebody shows: a credential and what comes with it. Nothing here is believed yet.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

/// What is put before a verifier. Every byte of it is from a stranger.
//= specs/verification.md#evidence
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build it; another kind of evidence is another version"
)]
pub struct Evidence<'a> {
    /// The credential: a compact JWS, alone or in a presentation.
    pub credential: &'a [u8],
    /// The credential's receipt: a tlog-proof text, or a landmark or subtree receipt.
    pub receipt: Option<&'a [u8]>,
    /// Status files: snapshot files, IETF status list tokens, or W3C status list credentials in pairs. Those after the first
    /// [`MAX_STATUS_FILES`] are not looked at.
    pub statuses: &'a [&'a [u8]],
}

impl<'a> Evidence<'a> {
    /// The evidence of a credential with its receipt.
    #[must_use]
    pub const fn new(credential: &'a [u8], receipt: &'a [u8]) -> Self {
        Self { credential, receipt: Some(receipt), statuses: &[] }
    }

    pub(crate) fn status_files(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.statuses.iter().copied().take(MAX_STATUS_FILES)
    }
}

/// Most status files of one verification (specs/verification.md, "Evidence"): each may be 16 MiB.
pub const MAX_STATUS_FILES: usize = 64;
