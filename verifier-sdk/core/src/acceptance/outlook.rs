//! Pure. When a decision changes next.
//!
//! Decisions need not be monotone in time: a dose counts from its 14th day to its 180th. So the decision is computed at every
//! instant at which it can differ, in order, and the first other one is the answer.

use sillok_certlogic::Value;
use sillok_log::UnixSeconds;

use super::RuleSet;
use super::decision::{Data, Outcome};

/// What is known of the decision in time to come.
//= specs/rules.md#next-change
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it changes or it does not")]
pub enum Outlook {
    /// It changes.
    Changes {
        /// The first second of the other decision.
        at: UnixSeconds,
        /// The other decision.
        becomes: Outcome,
    },
    /// It does not change before this, and of later times nothing was computed.
    Same {
        /// The first second of which nothing is known.
        until: UnixSeconds,
    },
}

impl RuleSet {
    pub(super) fn outlook_payload(&self, class: &str, payload: Value, at: UnixSeconds) -> Outlook {
        let mut data = Data::new(payload);
        let now = self.outcome(class, &mut data, at);
        let end = UnixSeconds(at.0.saturating_add(MAX_OUTLOOK_SECONDS)).min(self.calendar.covers_until);
        let mut same = at;
        while let Some(next) = self.next_boundary(same).filter(|next| *next < end) {
            let becomes = self.outcome(class, &mut data, next);
            if becomes == now {
                same = next;
                continue;
            }
            let at = if self.reads_clock { self.narrow(class, &mut data, now, (same, next)) } else { next };
            return Outlook::Changes { at, becomes: self.outcome(class, &mut data, at) };
        }
        Outlook::Same { until: end.max(at) }
    }

    /// The first instant after this one at which a local date, an offset, a rule or an acceptance begins or ends.
    fn next_boundary(&self, after: UnixSeconds) -> Option<UnixSeconds> {
        let passed = self.boundaries.partition_point(|boundary| *boundary <= after);
        self.boundaries.get(passed).copied().into_iter().chain(self.calendar.next(after)).min()
    }

    /// A second at which the decision stops being `now`, between one where it is and one where it is not.
    fn narrow(
        &self,
        class: &str,
        data: &mut Data,
        now: Outcome,
        (mut same, mut other): (UnixSeconds, UnixSeconds),
    ) -> UnixSeconds {
        loop {
            let middle = UnixSeconds(same.0.midpoint(other.0));
            if middle == same {
                return other;
            }
            if self.outcome(class, data, middle) == now {
                same = middle;
            } else {
                other = middle;
            }
        }
    }
}

/// 400 days: more than a year, so that what depends on a birthday is seen (specs/rules.md, "Next change").
pub const MAX_OUTLOOK_SECONDS: u64 = 34_560_000;
