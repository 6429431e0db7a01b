//! The place of a verification: which one is meant, and what its rules say.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sillok_log::UnixSeconds;
use sillok_verifier::acceptance::{Decision, Outlook, RuleSet};
use sillok_verifier::verdict::AcceptedAt;
use sillok_verifier::{Holder, Place, Policy, Reason, Trust, Verdict, unverified_decision};

use super::answer::{line, rfc3339};
use crate::exit::usage;

/// The place that `JURISDICTION/CLASS` names, or `CLASS` where the bundle has the rules of one jurisdiction. A class that the
/// rules do not know is a mistake of the command line; a bundle without the rules cannot tell.
pub(super) fn named<'a>(text: &'a str, trust: &'a Trust) -> anyhow::Result<Place<'a>> {
    let (jurisdiction, class) = match (text.split_once('/'), &trust.root().rules[..]) {
        (Some((jurisdiction, class)), _) => (jurisdiction, class),
        (None, [set]) => (set.jurisdiction(), text),
        (None, []) => ("", text),
        (None, sets) => {
            let known: Vec<&str> = sets.iter().map(RuleSet::jurisdiction).collect();
            return usage(format!(
                "--place {text}: name the jurisdiction before a slash: {}",
                known.join(", ")
            ));
        }
    };
    if let Some(set) = trust.rule_set(jurisdiction)
        && set.classes().all(|(known, _name)| known != class)
    {
        let known: Vec<&str> = set.classes().map(|(class, _name)| class).collect();
        return usage(format!("--place {text}: {jurisdiction} has no such class, only {}", known.join(", ")));
    }
    Ok(Place::new(jurisdiction, class).with_next_change())
}

/// The place that `JURISDICTION/CLASS` names where several bundles are at hand: which one decides is not known before.
pub(super) fn of_several(text: &str) -> anyhow::Result<Place<'_>> {
    match text.split_once('/') {
        Some((jurisdiction, class)) => Ok(Place::new(jurisdiction, class).with_next_change()),
        None => usage(format!("--place {text}: with several --trust it is JURISDICTION/CLASS")),
    }
}

/// What is asked of the holder, at the place if one was named.
pub(super) fn policy<'a>(holder: Holder<'a>, place: Option<Place<'a>>) -> Policy<'a> {
    let policy = Policy::new(holder);
    place.map_or(policy, |place| policy.with_place(place))
}

/// By which rules a credential is accepted, or for which reasons it is not.
pub(super) fn push_text(
    out: &mut String,
    verdict: &Verdict,
    asked: Option<(Place<'_>, &Trust)>,
    credential: &[u8],
    now: UnixSeconds,
) {
    if let Verdict::Valid(facts) = verdict
        && let Some(accepted) = &facts.place
    {
        line(
            out,
            "accepted at",
            &format!(
                "{}/{} on {} by {} of rule set {}",
                accepted.jurisdiction,
                accepted.class,
                accepted.local_date,
                accepted.rules.join(" and "),
                accepted.sequence
            ),
        );
        line(out, "next change", &next_change(accepted));
    }
    for (rule, _code, text) in refusals(verdict, asked, credential, now) {
        writeln!(out, "  {:<13}{text} ({rule})", "because:").unwrap_or_default();
    }
}

/// The same as one value; `None` if nothing of it is known.
pub(super) fn json(
    verdict: &Verdict,
    asked: Option<(Place<'_>, &Trust)>,
    credential: &[u8],
    now: UnixSeconds,
) -> Option<Value> {
    let (place, trust) = asked?;
    let mut object = json!({ "jurisdiction": place.jurisdiction(), "class": place.class() });
    if let Verdict::Valid(facts) = verdict
        && let Some(accepted) = &facts.place
    {
        object["sequence"] = accepted.sequence.into();
        object["local_date"] = accepted.local_date.clone().into();
        object["rules"] = accepted.rules.clone().into();
        object["next_change"] = match accepted.outlook {
            Some(Outlook::Changes { at, becomes }) => {
                json!({ "at": rfc3339(at), "becomes": becomes.to_string() })
            }
            Some(Outlook::Same { .. }) | None => Value::Null,
        };
    }
    let reasons = refusals(verdict, Some((place, trust)), credential, now);
    if !reasons.is_empty() {
        let reason = |(rule, code, text): &(String, String, String)| json!({ "rule": rule, "code": code, "text": text });
        object["reasons"] = reasons.iter().map(reason).collect();
    }
    Some(object)
}

fn next_change(accepted: &AcceptedAt) -> String {
    match accepted.outlook {
        Some(Outlook::Changes { at, becomes }) => format!("{becomes} from {} on", rfc3339(at)),
        Some(Outlook::Same { until }) => format!("none before {}", rfc3339(until)),
        None => "not asked".into(),
    }
}

/// Rule, code and text of what is not met. All other rules have passed before, so the claims are those of the verdict.
fn refusals(
    verdict: &Verdict,
    asked: Option<(Place<'_>, &Trust)>,
    credential: &[u8],
    now: UnixSeconds,
) -> Vec<(String, String, String)> {
    let Some((place, trust)) = asked.filter(|_asked| verdict.reason() == Some(Reason::RulesNotAccepted))
    else {
        return Vec::new();
    };
    let Some(set) = trust.rule_set(place.jurisdiction()) else { return Vec::new() };
    let Ok((Decision::NotAccepted(refusals), _outlook)) = unverified_decision(credential, trust, place, now)
    else {
        return Vec::new();
    };
    let told = refusals.into_iter().map(|refusal| {
        let text = set.reason(&refusal.reason).map_or("", |texts| texts.get("en")).to_owned();
        (refusal.rule, refusal.reason, text)
    });
    told.collect()
}
