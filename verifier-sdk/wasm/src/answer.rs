//! What comes back, as JSON: the forms are those of `js/index.d.ts`.

use sillok_log::UnixSeconds;
use sillok_verifier::acceptance::{Decision, Outlook, RuleSet, Texts};
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::json::push_string;
use sillok_verifier::verdict::{AcceptedAt, Anchoring, HolderProof};
use sillok_verifier::{Facts, Memory, Place, Reason, Trust, Verdict, unverified_decision};

/// An object as it is written.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self(String::from("{"))
    }

    pub(crate) fn string(self, name: &str, value: &str) -> Self {
        let mut text = String::new();
        push_string(&mut text, value);
        self.json(name, &text)
    }

    /// Any number or `true`, `false`.
    pub(crate) fn plain(self, name: &str, value: impl ToString) -> Self {
        self.json(name, &value.to_string())
    }

    /// A number, or `null`.
    pub(crate) fn optional(self, name: &str, value: Option<u64>) -> Self {
        self.json(name, &value.map_or_else(|| "null".into(), |value| value.to_string()))
    }

    pub(crate) fn json(mut self, name: &str, value: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        push_string(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn text(value: &str) -> String {
    let mut text = String::new();
    push_string(&mut text, value);
    text
}

/// Where the rules decided, on what, and when.
type Asked<'a> = (Place<'a>, &'a Trust, &'a [u8], UnixSeconds);

/// A verdict. With the place, why its rules are not met.
pub(crate) fn verdict(verdict: &Verdict, asked: Option<Asked<'_>>) -> String {
    let object = match verdict {
        Verdict::Valid(valid) => Object::new().string("verdict", "valid").json("facts", &facts(valid)),
        Verdict::Invalid(reason) => refused("not valid", *reason),
        Verdict::Unknown(reason) => refused("cannot tell", *reason),
    };
    let reasons = asked.and_then(|asked| unmet(verdict, asked));
    match reasons {
        Some(reasons) => object.json("unmet", &reasons),
        None => object,
    }
    .finish()
}

fn refused(word: &str, reason: Reason) -> Object {
    Object::new().string("verdict", word).string("code", reason.code()).string("reason", &reason.to_string())
}

/// All other rules have passed before, so the claims are those of the verdict.
fn unmet(verdict: &Verdict, (place, trust, credential, now): Asked<'_>) -> Option<String> {
    if verdict.reason() != Some(Reason::RulesNotAccepted) {
        return None;
    }
    let (decision, _outlook) = unverified_decision(credential, trust, place, now).ok()?;
    Some(refusals(&decision, trust.rule_set(place.jurisdiction())))
}

fn facts(facts: &Facts) -> String {
    let mut claims = String::new();
    facts.claims.json().push_to(&mut claims);
    let status = Object::new()
        .string("uri", &facts.status.uri)
        .plain("sequence", facts.status.sequence)
        .plain("notAfter", facts.status.not_after.0)
        .finish();
    Object::new()
        .json("claims", &claims)
        .string("issuer", &facts.issuer)
        .string("kid", &encode_base64url(&facts.key.0))
        .string("origin", &facts.origin)
        .plain("index", facts.index.0)
        .plain("checkpointSize", facts.checkpoint_size.0)
        .string("witnesses", &facts.witnesses.to_string())
        .plain("anchored", facts.anchoring == Anchoring::Anchored)
        .json("status", &status)
        .json("holder", &holder(facts.holder))
        .json("place", &facts.place.as_ref().map_or_else(|| "null".into(), accepted))
        .plain("validFrom", facts.valid_from.0)
        .optional("validUntil", facts.valid_until.map(|until| until.0))
        .optional("clockBehind", facts.clock_behind)
        .finish()
}

fn holder(proof: HolderProof) -> String {
    let object = Object::new().string("proof", &proof.to_string());
    match proof {
        HolderProof::Challenge(bound) | HolderProof::Live(bound) => {
            object.plain("issued", bound.issued.0).string("token", &bound.token.to_hex())
        }
        _not_asked => object,
    }
    .finish()
}

fn accepted(place: &AcceptedAt) -> String {
    let object = Object::new()
        .string("jurisdiction", &place.jurisdiction)
        .string("class", &place.class)
        .plain("ruleSet", place.sequence)
        .string("localDate", &place.local_date)
        .json("rules", &array(place.rules.iter().map(|rule| text(rule))));
    match place.outlook {
        Some(outlook) => object.json("next", &next(outlook)),
        None => object,
    }
    .finish()
}

fn next(outlook: Outlook) -> String {
    match outlook {
        Outlook::Changes { at, becomes } => {
            Object::new().plain("changesAt", at.0).string("becomes", &becomes.to_string()).finish()
        }
        Outlook::Same { until } => Object::new().plain("sameUntil", until.0).finish(),
    }
}

/// A decision of rules about claims that nobody has checked.
pub(crate) fn decision(decision: &Decision, outlook: Outlook, set: Option<&RuleSet>) -> String {
    let object =
        Object::new().string("outcome", &decision.outcome().to_string()).json("next", &next(outlook));
    match decision {
        Decision::Accepted { rules } => object.json("rules", &array(rules.iter().map(|rule| text(rule)))),
        Decision::NotAccepted(_) => object.json("unmet", &refusals(decision, set)),
        Decision::CannotTell(gap) => object.string("code", gap.code()),
    }
    .finish()
}

fn refusals(decision: &Decision, set: Option<&RuleSet>) -> String {
    let Decision::NotAccepted(refusals) = decision else { return "[]".into() };
    array(refusals.iter().map(|refusal| {
        let words = set.and_then(|set| set.reason(&refusal.reason));
        Object::new()
            .string("rule", &refusal.rule)
            .plain("version", refusal.version)
            .string("code", &refusal.reason)
            .json("texts", &words.map_or_else(|| "{}".into(), texts))
            .finish()
    }))
}

fn texts(texts: &Texts) -> String {
    texts.iter().fold(Object::new(), |object, (language, text)| object.string(language, text)).finish()
}

/// A bundle, and the alarms in memory.
pub(crate) fn trust(trust: &Trust, memory: &Memory) -> String {
    let (root, feed) = (trust.root(), trust.feed());
    let issuers = root
        .issuers
        .iter()
        .map(|issuer| Object::new().string("id", &issuer.id).string("name", &issuer.name).finish());
    let places = root.rules.iter().map(|set| {
        let classes = set
            .classes()
            .map(|(class, name)| Object::new().string("class", class).json("name", &texts(name)).finish());
        Object::new()
            .string("jurisdiction", set.jurisdiction())
            .plain("ruleSet", set.sequence())
            .json("name", &texts(set.name()))
            .json("classes", &array(classes))
            .finish()
    });
    let landmark = feed.landmarks.as_ref().map(|held| held.landmarks.newest().1.0);
    let alarms = memory.alarms().iter().map(|alarm| {
        let object = Object::new().string("kind", alarm.kind.name());
        object.string("first", &alarm.first).string("second", &alarm.second).finish()
    });
    Object::new()
        .plain("anchored", trust.anchoring() == Anchoring::Anchored)
        .string("authority", &root.authority)
        .string("witnesses", &trust.witnesses().to_string())
        .json("root", &period(root.sequence, root.issued, root.not_after))
        .json("feed", &period(feed.sequence, feed.issued, feed.not_after))
        .json("issuers", &array(issuers))
        .json("places", &array(places))
        .optional("newestLandmarkSize", landmark)
        .json("alarms", &array(alarms))
        .finish()
}

fn period(sequence: u64, issued: UnixSeconds, not_after: UnixSeconds) -> String {
    Object::new()
        .plain("sequence", sequence)
        .plain("issued", issued.0)
        .plain("notAfter", not_after.0)
        .finish()
}
