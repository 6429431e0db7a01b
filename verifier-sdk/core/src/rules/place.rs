//! Pure. Rule 10: what the credential is worth at the place.

use sillok_log::UnixSeconds;

use crate::acceptance::{Decision, Gap};
use crate::json::Json;
use crate::policy::Place;
use crate::trust::Trust;
use crate::verdict::{AcceptedAt, Reason};

/// `hides`: the holder has kept claims back.
pub(super) fn check(
    place: Place<'_>,
    trust: &Trust,
    claims: &Json,
    hides: bool,
    now: UnixSeconds,
) -> Result<AcceptedAt, Reason> {
    let set = trust.rule_set(place.jurisdiction()).ok_or(Reason::RulesUnknownPlace)?;
    match set.decide(place.class(), claims, now) {
        Decision::Accepted { rules } => Ok(AcceptedAt {
            jurisdiction: place.jurisdiction().into(),
            class: place.class().into(),
            sequence: set.sequence(),
            local_date: set.local_date(now).unwrap_or_default(),
            rules,
            outlook: place.asks_next_change().then(|| set.outlook(place.class(), claims, now)),
        }),
        // What is kept back could be what a rule asks for: that is missing evidence and no wrong.
        Decision::NotAccepted(_) if hides => Err(Reason::RulesUndisclosed),
        Decision::NotAccepted(_) => Err(Reason::RulesNotAccepted),
        Decision::CannotTell(gap) => Err(match gap {
            Gap::NoEvidence => Reason::RulesNoEvidence,
            Gap::NoOffset => Reason::RulesNoOffset,
            Gap::NoResult => Reason::RulesNoResult,
            Gap::NotInForce => Reason::RulesNotInForce,
            Gap::UnknownPlace => Reason::RulesUnknownPlace,
        }),
    }
}
