//! Pure. The decision of a class of venues about a payload at an instant.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use sillok_certlogic::Value;
use sillok_log::UnixSeconds;

use super::calendar::clock;
use super::dated::Dated;
use super::{Acceptance, Rule, RuleSet};

/// What a place decides. *Cannot tell* is not *not accepted*.
//= specs/rules.md#decision
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a fourth value must make every caller decide again")]
pub enum Decision {
    /// A group of rules is met.
    Accepted {
        /// The ids of the rules of that group.
        rules: Vec<String>,
    },
    /// Every group that counts has a rule that is not met: that rule of each, the first to show first.
    NotAccepted(Vec<Refusal>),
    /// There is no decision.
    CannotTell(Gap),
}

impl Decision {
    /// Which of the three it is.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Accepted { .. } => Outcome::Accepted,
            Self::NotAccepted(_) => Outcome::NotAccepted,
            Self::CannotTell(_) => Outcome::CannotTell,
        }
    }
}

/// One of the three decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a fourth value must make every caller decide again")]
pub enum Outcome {
    /// A group of rules is met.
    Accepted,
    /// No group can be met.
    NotAccepted,
    /// There is no decision.
    CannotTell,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::NotAccepted => "not accepted",
            Self::CannotTell => "cannot tell",
        })
    }
}

/// A rule that is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The rule's id.
    pub rule: String,
    /// The version that was in force.
    pub version: u64,
    /// The code of its reason ([`RuleSet::reason`]).
    pub reason: String,
}

/// Why there is no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gap {
    /// `rules.no-evidence`: the set does not map this type of credential, or its subject.
    NoEvidence,
    /// `rules.no-offset`: the set does not know the local time.
    NoOffset,
    /// `rules.no-result`: a rule on which the decision rests has no result.
    NoResult,
    /// `rules.not-in-force`: no version of the class, or none of its groups, is in force.
    NotInForce,
    /// `rules.unknown-place`: the set does not have the class.
    UnknownPlace,
}

impl Gap {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoEvidence => "rules.no-evidence",
            Self::NoOffset => "rules.no-offset",
            Self::NoResult => "rules.no-result",
            Self::NotInForce => "rules.not-in-force",
            Self::UnknownPlace => "rules.unknown-place",
        }
    }
}

/// A decision by places in the set.
enum Judged<'s> {
    Yes(&'s [usize]),
    No(Vec<&'s Dated<Rule>>),
}

impl RuleSet {
    pub(super) fn decide_payload(&self, class: &str, payload: Value, at: UnixSeconds) -> Decision {
        let mut data = Data::new(payload);
        match self.judge(class, &mut data, at) {
            Ok(Judged::Yes(group)) => {
                let ids = group.iter().filter_map(|id| self.versions(*id).next());
                Decision::Accepted { rules: ids.map(|rule| rule.what.id.clone()).collect() }
            }
            Ok(Judged::No(rules)) => {
                let refusal = |rule: &Dated<Rule>| Refusal {
                    rule: rule.what.id.clone(),
                    version: rule.version,
                    reason: rule.what.reason.clone(),
                };
                Decision::NotAccepted(rules.into_iter().map(refusal).collect())
            }
            Err(gap) => Decision::CannotTell(gap),
        }
    }

    pub(super) fn outcome(&self, class: &str, data: &mut Data, at: UnixSeconds) -> Outcome {
        match self.judge(class, data, at) {
            Ok(Judged::Yes(_)) => Outcome::Accepted,
            Ok(Judged::No(_)) => Outcome::NotAccepted,
            Err(_) => Outcome::CannotTell,
        }
    }

    fn judge(&self, class: &str, data: &mut Data, at: UnixSeconds) -> Result<Judged<'_>, Gap> {
        let acceptance = self.acceptance(class, at)?;
        data.set(self, at)?;
        let (mut counted, mut open, mut refused) = (false, false, Vec::new());
        for group in &acceptance.accept {
            let rules: Option<Vec<&Dated<Rule>>> = group.iter().map(|id| self.in_force(*id, at)).collect();
            let Some(rules) = rules else { continue };
            counted = true;
            let mut unclear = false;
            let not_met = rules.into_iter().find(|rule| match data.meets(rule) {
                Some(met) => !met,
                None => {
                    unclear = true;
                    false
                }
            });
            match not_met {
                Some(rule) => refused.push(rule),
                None if unclear => open = true,
                None => return Ok(Judged::Yes(group)),
            }
        }
        match (counted, open) {
            (false, _) => Err(Gap::NotInForce),
            (true, true) => Err(Gap::NoResult),
            (true, false) => Ok(Judged::No(refused)),
        }
    }

    /// What the class accepts at an instant.
    pub(super) fn acceptance(&self, class: &str, at: UnixSeconds) -> Result<&Acceptance, Gap> {
        let mut versions = self.classes.iter().filter(|one| one.what.class == class).peekable();
        if versions.peek().is_none() {
            return Err(Gap::UnknownPlace);
        }
        let in_force = versions.filter(|one| one.is_in_force(at)).max_by_key(|one| one.version);
        in_force.map(|one| &one.what).ok_or(Gap::NotInForce)
    }

    /// The versions of a rule, the highest first.
    fn versions(&self, id: usize) -> impl Iterator<Item = &Dated<Rule>> {
        self.ids.get(id).into_iter().flatten().filter_map(|at| self.rules.get(*at))
    }

    /// The version of a rule that counts at an instant.
    pub(super) fn in_force(&self, id: usize, at: UnixSeconds) -> Option<&Dated<Rule>> {
        self.versions(id).find(|rule| rule.is_in_force(at))
    }

    /// The ids of the rules by which a class decides at an instant.
    pub(super) fn ids_of(&self, class: &str, at: UnixSeconds) -> impl Iterator<Item = usize> {
        self.acceptance(class, at).into_iter().flat_map(|one| one.accept.iter().flatten().copied())
    }

    /// The place of a rule id.
    pub(super) fn id(&self, rule: &str) -> Option<usize> {
        let is_it = |versions: &Vec<usize>| {
            versions.first().and_then(|at| self.rules.get(*at)).is_some_and(|one| one.what.id == rule)
        };
        self.ids.iter().position(is_it)
    }
}

/// The data of an evaluation.
pub(super) struct Data {
    value: Value,
}

impl Data {
    pub(super) fn new(payload: Value) -> Self {
        Self { value: Value::Object(BTreeMap::from([("payload".to_string(), payload)])) }
    }

    /// Puts in the date and the clock.
    pub(super) fn set(&mut self, set: &RuleSet, at: UnixSeconds) -> Result<(), Gap> {
        let date = set.calendar.local_date(at).ok_or(Gap::NoOffset)?;
        let clock = clock(at).ok_or(Gap::NoOffset)?;
        let external = [("localDate", date), ("validationClock", clock)];
        let external = external.map(|(name, text)| (name.to_string(), Value::Text(text)));
        if let Value::Object(members) = &mut self.value {
            members.insert("external".to_string(), Value::Object(BTreeMap::from(external)));
        }
        Ok(())
    }

    /// Whether a rule is met; `None` if it has no result.
    pub(super) fn meets(&self, rule: &Dated<Rule>) -> Option<bool> {
        match rule.what.logic.evaluate(&self.value) {
            Ok(Value::Bool(met)) => Some(met),
            Ok(_) | Err(_) => None,
        }
    }
}
