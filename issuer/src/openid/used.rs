//! What was used within a time, each once: two sets that take turns, so that forgetting costs nothing.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use sillok_log::UnixSeconds;

/// Names that were used within `lifetime_seconds`, and some that were before.
pub(super) struct Used {
    lifetime_seconds: u64,
    most: usize,
    turns: Mutex<Turns>,
}

#[derive(Default)]
struct Turns {
    current: HashSet<[u8; 16]>,
    previous: HashSet<[u8; 16]>,
    since: UnixSeconds,
}

/// Whether a name was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Not within the time.
    First,
    /// So much was used of late that no more can be remembered.
    Full,
    /// Within the time.
    Repeated,
}

impl Used {
    /// Remembers for at least `lifetime_seconds`, and at most `most` names in each of two such times.
    pub(super) fn new(lifetime_seconds: u64, most: usize) -> Self {
        Self { lifetime_seconds, most, turns: Mutex::default() }
    }

    /// Uses a name.
    pub(super) fn take(&self, name: [u8; 16], now: UnixSeconds) -> Use {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.0.saturating_sub(turns.since.0);
        if elapsed >= self.lifetime_seconds {
            let used = std::mem::take(&mut turns.current);
            // After two times nothing of before counts any more.
            turns.previous = if elapsed >= 2 * self.lifetime_seconds { HashSet::new() } else { used };
            turns.since = now;
        }
        if turns.current.contains(&name) || turns.previous.contains(&name) {
            return Use::Repeated;
        }
        if turns.current.len() >= self.most {
            return Use::Full;
        }
        turns.current.insert(name);
        Use::First
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_remembered_for_its_time_whenever_it_was_used() {
        for first in 0..25 {
            let used = Used::new(10, 100);
            assert_eq!(used.take([0; 16], UnixSeconds(100)), Use::First);
            assert_eq!(used.take([1; 16], UnixSeconds(100 + first)), Use::First);
            for later in 0..10 {
                let at = UnixSeconds(100 + first + later);
                assert_eq!(used.take([1; 16], at), Use::Repeated, "{first} {later}");
            }
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgotten() {
        let used = Used::new(10, 3);
        let name = |number| [number; 16];
        for number in 0..3 {
            assert_eq!(used.take(name(number), UnixSeconds(100)), Use::First);
        }
        assert_eq!(used.take(name(3), UnixSeconds(105)), Use::Full);
        assert_eq!(used.take(name(3), UnixSeconds(110)), Use::First);
        assert_eq!(used.take(name(0), UnixSeconds(110)), Use::Repeated);
        assert_eq!(used.take(name(0), UnixSeconds(130)), Use::First);
    }
}
