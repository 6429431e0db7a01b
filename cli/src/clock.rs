//! The one place where this program reads the system's clock.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sillok_log::UnixSeconds;
use sillok_registry::Clock;

/// The time of the system. A clock before 1970 reads as 1970.
pub(crate) fn clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "each binary reads the clock in one place: here")]
    Arc::new(|| UnixSeconds(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())))
}
