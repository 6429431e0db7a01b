//! What `sillok verify` says, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sillok_log::UnixSeconds;
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::memory::{Alarm, AlarmKind};
use sillok_verifier::verdict::{Anchoring, Witnesses};
use sillok_verifier::{Facts, Memory, Trust, TrustError, Verdict};

/// One fact a line.
pub(super) fn text(verdict: &Verdict, trust: &Trust, memory: &Memory, now: UnixSeconds) -> String {
    let mut out = text_alone(verdict);
    if let Verdict::Valid(facts) = verdict {
        push_facts(&mut out, facts);
    }
    line(&mut out, "verified at", &rfc3339(now));
    line(&mut out, "trust", &trusted(trust));
    line(
        &mut out,
        "trust data",
        &format!(
            "root {}, feed {} of {}",
            trust.root().sequence,
            trust.feed().sequence,
            rfc3339(trust.feed().issued)
        ),
    );
    line(&mut out, "quorum", quorum(trust.witnesses()));
    for alarm in memory.alarms() {
        out.push_str(match alarm.kind {
            AlarmKind::Fork => "ALARM: a log has shown two histories. Report these two checkpoints:\n",
            _unproved => "ALARM: a proof does not lead from one of these two checkpoints to the other:\n",
        });
        for note in [&alarm.first, &alarm.second] {
            note.lines().for_each(|text| line(&mut out, "", text));
            out.push('\n');
        }
    }
    out
}

/// The verdict without a bundle that it is by: none names the issuer.
pub(super) fn text_alone(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Valid(_) => String::from("valid\n"),
        Verdict::Invalid(reason) => format!("not valid: {reason} ({})\n", reason.code()),
        Verdict::Unknown(reason) => format!("cannot tell: {reason} ({})\n", reason.code()),
    }
}

fn push_facts(out: &mut String, facts: &Facts) {
    line(out, "form", facts.format.name());
    line(out, "issuer", &facts.issuer);
    line(out, "signed by", &format!("key {}", encode_base64url(&facts.key.0)));
    line(
        out,
        "logged",
        &format!(
            "entry {} of {}, proved by its checkpoint of size {}",
            facts.index, facts.origin, facts.checkpoint_size
        ),
    );
    line(
        out,
        "status",
        &format!(
            "neither revoked nor suspended as of snapshot {} of {}, relied on until {}",
            facts.status.sequence,
            facts.status.uri,
            rfc3339(facts.status.not_after)
        ),
    );
    line(out, "holder", &facts.holder.to_string());
    let until =
        facts.valid_until.map_or_else(|| "without end".into(), |until| format!("before {}", rfc3339(until)));
    line(out, "valid", &format!("from {}, {until}", rfc3339(facts.valid_from)));
    if let Some(seconds) = facts.clock_behind {
        line(out, "warning", &format!("the clock of this device is {seconds} seconds behind: set it"));
    }
}

pub(super) fn line(out: &mut String, name: &str, what: &str) {
    // Writing to a String cannot fail. What a log or an issuer wrote is not to move the cursor.
    let shown: String = what.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    writeln!(out, "  {:<13}{shown}", if name.is_empty() { String::new() } else { format!("{name}:") })
        .unwrap_or_default();
}

fn trusted(trust: &Trust) -> String {
    let authority = &trust.root().authority;
    match trust.anchoring() {
        Anchoring::Anchored => format!("{authority}: signed by the root keys that you named"),
        Anchoring::NamedByCaller => {
            format!("{authority}: trusted because you named it (no --root was given)")
        }
    }
}

fn quorum(witnesses: Witnesses) -> &'static str {
    match witnesses {
        Witnesses::NoneAsked => "no witness was asked",
        Witnesses::Quorum => "witnesses cosigned",
    }
}

/// The same as one object.
pub(super) fn json(verdict: &Verdict, trust: &Trust, memory: &Memory, now: UnixSeconds) -> Value {
    let mut object = json!({
        "verdict": word(verdict),
        "verified_at": rfc3339(now),
        "trust": {
            "anchored": trust.anchoring() == Anchoring::Anchored,
            "authority": trust.root().authority,
            "root": trust.root().sequence,
            "feed": trust.feed().sequence,
            "feed_issued": rfc3339(trust.feed().issued),
            "feed_not_after": rfc3339(trust.feed().not_after),
        },
        "witnesses": trust.witnesses().to_string(),
        "alarms": memory.alarms().iter().map(alarm).collect::<Vec<_>>(),
    });
    if let Some(reason) = verdict.reason() {
        object["code"] = reason.code().into();
        object["reason"] = reason.to_string().into();
    }
    if let Verdict::Valid(facts) = verdict {
        object["facts"] = json!({
            "format": facts.format.name(),
            "issuer": facts.issuer,
            "key": facts.key.to_hex(),
            "kid": encode_base64url(&facts.key.0),
            "origin": facts.origin,
            "index": facts.index.0,
            "checkpoint_size": facts.checkpoint_size.0,
            "status": {
                "uri": facts.status.uri,
                "sequence": facts.status.sequence,
                "not_after": rfc3339(facts.status.not_after),
            },
            "holder": facts.holder.to_string(),
            "valid_from": rfc3339(facts.valid_from),
            "valid_until": facts.valid_until.map(rfc3339),
            "clock_behind": facts.clock_behind,
        });
    }
    object
}

pub(super) fn json_alone(verdict: &Verdict) -> Value {
    let reason = verdict.reason();
    let (code, text) = (reason.map(|reason| reason.code()), reason.map(|reason| reason.to_string()));
    json!({ "verdict": word(verdict), "code": code, "reason": text })
}

pub(super) fn text_refused(error: &TrustError) -> String {
    format!("cannot tell: the trust bundle is refused: {error} ({})\n", error.code())
}

pub(super) fn json_refused(error: &TrustError) -> Value {
    json!({ "verdict": "cannot tell", "code": error.code(), "reason": error.to_string() })
}

/// Both texts, and how much they say.
fn alarm(alarm: &Alarm) -> Value {
    json!({ "kind": alarm.kind.name(), "first": alarm.first, "second": alarm.second })
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Valid(_) => "valid",
        Verdict::Invalid(_) => "not valid",
        Verdict::Unknown(_) => "cannot tell",
    }
}

/// A time as people read it; one that no calendar has, as its number.
pub(super) fn rfc3339(time: UnixSeconds) -> String {
    let timestamp = i64::try_from(time.0).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| format!("{} seconds after 1970", time.0), |timestamp| timestamp.to_string())
}
