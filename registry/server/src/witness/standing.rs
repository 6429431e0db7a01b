//! How each witness that a log asks is doing, for whoever runs the log.

use serde::Serialize;
use sillok_log::{TreeSize, UnixSeconds};

//= specs/log.md#health-and-metrics
/// How a witness is doing. What is here is of this process: nothing is known before the witness was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its name in the policy.
    pub name: String,
    /// The largest size that it has cosigned.
    pub cosigned_size: Option<u64>,
    /// Since when it has not answered as it must, in seconds since 1970; nothing while it does.
    pub failing_since: Option<u64>,
}

impl Standing {
    pub(crate) const fn new(name: String) -> Self {
        Self { name, cosigned_size: None, failing_since: None }
    }

    pub(crate) fn cosigned(&mut self, size: TreeSize) {
        self.cosigned_size = self.cosigned_size.max(Some(size.0));
        self.failing_since = None;
    }

    pub(crate) fn failed(&mut self, now: UnixSeconds) {
        self.failing_since.get_or_insert(now.0);
    }
}
