//! Pure. What publication asks of a set that follows another: nobody is surprised, and nothing promised goes missing.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sillok_log::UnixSeconds;

use super::dated::Dated;
use super::vector::Subject;
use super::{Acceptance, Rule, RuleSet};

/// Compares a set with the one of its jurisdiction that it follows, if there is one, at the time of publication: every
/// finding, none if it may be published.
//= specs/rules.md#publication
#[must_use]
pub fn check_publication(new: &RuleSet, before: Option<&RuleSet>, now: UnixSeconds) -> Vec<Finding> {
    let mut findings = Vec::new();
    if before.is_some_and(|before| before.jurisdiction != new.jurisdiction || before.sequence >= new.sequence)
    {
        findings.push(Finding::Sequence);
    }
    compare(&new.rules, before.map(|before| before.rules.as_slice()), now, is_rule, &mut findings);
    let same_acceptance =
        |left: &Acceptance, right: &Acceptance| is_acceptance(new, left, before.unwrap_or(new), right);
    compare(
        &new.classes,
        before.map(|before| before.classes.as_slice()),
        now,
        same_acceptance,
        &mut findings,
    );
    for rule in new.rules.iter().filter(|rule| !new.is_tested(rule)) {
        findings.push(Finding::Untested { name: rule.what.id.clone(), version: rule.version });
    }
    findings
}

/// One thing that keeps a set from being published.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// `changed`: what was published is not what it was.
    Changed {
        /// Rule or class.
        name: String,
        /// Its version.
        version: u64,
    },
    /// `duration`: it lasts less than 72 hours.
    Duration {
        /// Rule or class.
        name: String,
        /// Its version.
        version: u64,
    },
    /// `lead`: it begins less than 48 hours after publication.
    Lead {
        /// Rule or class.
        name: String,
        /// Its version.
        version: u64,
    },
    /// `missing`: it was published, has not ended, and is not there.
    Missing {
        /// Rule or class.
        name: String,
        /// Its version.
        version: u64,
    },
    /// `sequence`: another jurisdiction, or no higher sequence.
    Sequence,
    /// `untested`: no vector uses it.
    Untested {
        /// The rule.
        name: String,
        /// Its version.
        version: u64,
    },
}

impl Finding {
    /// The stable name of the finding.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "changed",
            Self::Duration { .. } => "duration",
            Self::Lead { .. } => "lead",
            Self::Missing { .. } => "missing",
            Self::Sequence => "sequence",
            Self::Untested { .. } => "untested",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, version, what) = match self {
            Self::Sequence => return f.write_str("the set has no higher sequence than the one before it"),
            Self::Changed { name, version } => (name, version, "is not what was published"),
            Self::Duration { name, version } => (name, version, "lasts less than 72 hours"),
            Self::Lead { name, version } => (name, version, "begins less than 48 hours after publication"),
            Self::Missing { name, version } => {
                (name, version, "was published, has not ended, and is missing")
            }
            Self::Untested { name, version } => (name, version, "is used by no vector"),
        };
        write!(f, "{name} version {version} {what}")
    }
}

trait Named {
    fn name(&self) -> &String;
}

impl Named for Rule {
    fn name(&self) -> &String {
        &self.id
    }
}

impl Named for Acceptance {
    fn name(&self) -> &String {
        &self.class
    }
}

fn compare<T: Named>(
    new: &[Dated<T>],
    before: Option<&[Dated<T>]>,
    now: UnixSeconds,
    is_same: impl Fn(&T, &T) -> bool,
    findings: &mut Vec<Finding>,
) {
    let find = |among: &[Dated<T>], wanted: &Dated<T>| {
        let is_it = |one: &Dated<T>| one.version == wanted.version && one.what.name() == wanted.what.name();
        among.iter().position(is_it)
    };
    for one in new {
        let (name, version) = (one.what.name().clone(), one.version);
        let known = before.and_then(|before| before.get(find(before, one)?));
        if let Some(known) = known {
            let end_is_good = one.valid_to == known.valid_to || is_invalidated(known, one);
            if !is_same(&one.what, &known.what) || one.valid_from != known.valid_from || !end_is_good {
                findings.push(Finding::Changed { name, version });
            }
            continue;
        }
        if one.valid_to.is_some_and(|end| end.0.saturating_sub(one.valid_from.0) < MIN_DURATION_SECONDS) {
            findings.push(Finding::Duration { name: name.clone(), version });
        }
        if before.is_some() && one.valid_from.0 < now.0.saturating_add(MIN_LEAD_SECONDS) {
            findings.push(Finding::Lead { name, version });
        }
    }
    for known in before.unwrap_or_default() {
        let ended = known.valid_to.is_some_and(|end| end <= now);
        if !ended && find(new, known).is_none() {
            findings.push(Finding::Missing { name: known.what.name().clone(), version: known.version });
        }
    }
}

/// Whether it ends earlier than was published.
fn is_invalidated<T>(known: &Dated<T>, one: &Dated<T>) -> bool {
    one.valid_to.is_some_and(|end| known.valid_to.is_none_or(|known| end < known))
}

fn is_rule(left: &Rule, right: &Rule) -> bool {
    left == right
}

/// The same class that accepts the same ids; what it is called may change.
fn is_acceptance(new: &RuleSet, left: &Acceptance, before: &RuleSet, right: &Acceptance) -> bool {
    let names = |set: &RuleSet, accept: &[Vec<usize>]| -> Vec<Vec<Option<String>>> {
        let name = |id: &usize| {
            let first = set.ids.get(*id).and_then(|versions| versions.first());
            first.and_then(|at| set.rules.get(*at)).map(|rule| rule.what.id.clone())
        };
        accept.iter().map(|group| group.iter().map(name).collect()).collect()
    };
    left.class == right.class && names(new, &left.accept) == names(before, &right.accept)
}

impl RuleSet {
    /// Whether a vector uses this version of a rule.
    fn is_tested(&self, rule: &Dated<Rule>) -> bool {
        let Some(id) = self.id(&rule.what.id) else { return false };
        self.vectors.iter().any(|vector| {
            let used = match &vector.of {
                Subject::Rule(name) => *name == rule.what.id,
                Subject::Class(class) => self.ids_of(class, vector.at).any(|used| used == id),
            };
            used && self.local_date(vector.at).is_some()
                && self.in_force(id, vector.at).is_some_and(|found| found.version == rule.version)
        })
    }
}

/// 48 hours: what the EU gateway asks of rules.
pub const MIN_LEAD_SECONDS: u64 = 172_800;

/// 72 hours: what the EU gateway asks of rules.
pub const MIN_DURATION_SECONDS: u64 = 259_200;
