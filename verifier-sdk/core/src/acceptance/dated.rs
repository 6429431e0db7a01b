//! Pure. What has versions and is in force from when to when.

use sillok_log::UnixSeconds;

/// Something dated.
//= specs/rules.md#dated
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dated<T> {
    pub(super) version: u64,
    pub(super) valid_from: UnixSeconds,
    pub(super) valid_to: Option<UnixSeconds>,
    pub(super) what: T,
}

impl<T> Dated<T> {
    pub(super) fn is_in_force(&self, at: UnixSeconds) -> bool {
        self.valid_from <= at && self.valid_to.is_none_or(|end| at < end)
    }
}
