//! Pure. The vectors that a set brings and has to pass.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use sillok_certlogic::Value;
use sillok_log::UnixSeconds;

use super::decision::{Data, Decision, Outcome};
use super::outlook::Outlook;
use super::read::{name, stamp};
use super::{RuleSet, RuleSetError, value};
use crate::json::{Json, JsonError, Object};
use crate::trust::members::refused;

/// One case and what comes out.
//= specs/rules.md#vectors
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vector {
    pub(super) at: UnixSeconds,
    pub(super) of: Subject,
    claims: Claims,
    expect: Outcome,
    reason: Option<String>,
    /// `None` if it says nothing of the next change.
    next: Option<Option<UnixSeconds>>,
}

/// What decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Class(String),
    Rule(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Claims {
    /// As a credential has them.
    Credential(Json),
    /// As rules see them.
    Payload(Json),
}

impl Vector {
    pub(super) fn read(json: &Json) -> Result<Self, JsonError> {
        let object = json.object()?;
        object.expect_only(&[
            "at", "rule", "class", "payload", "type", "subject", "expect", "reason", "next",
        ])?;
        let of = match (object.get("rule"), object.get("class")) {
            (Some(_), None) => Subject::Rule(name(object, "rule")?),
            (None, Some(_)) => Subject::Class(name(object, "class")?),
            (Some(_), Some(_)) | (None, None) => return Err(refused("", "an object with a rule or a class")),
        };
        let expect = match object.string("expect")? {
            "accepted" => Outcome::Accepted,
            "not accepted" => Outcome::NotAccepted,
            "cannot tell" => Outcome::CannotTell,
            _ => return Err(refused("expect", "one of the three decisions")),
        };
        let has_more = object.get("reason").is_some() || object.get("next").is_some();
        if has_more && matches!(of, Subject::Rule(_)) {
            return Err(refused("", "a vector of one rule without reason and next"));
        }
        let next = match object.get("next") {
            Some(Json::Null) => Some(None),
            Some(_) => Some(Some(stamp(object, "next")?)),
            None => None,
        };
        let reason = object.get("reason").map(|_code| name(object, "reason")).transpose()?;
        Ok(Self { at: stamp(object, "at")?, of, claims: Claims::read(object)?, expect, reason, next })
    }
}

impl Claims {
    fn read(object: &Object) -> Result<Self, JsonError> {
        match (object.get("payload"), object.get("subject")) {
            (Some(payload), None) => {
                payload.object().map_err(|error| error.inside("payload"))?;
                Ok(Self::Payload(payload.clone()))
            }
            (None, Some(_)) => {
                let types = [Json::String(name(object, "type")?)].into();
                let members = vec![
                    ("type".to_string(), Json::Array(types)),
                    ("credentialSubject".to_string(), object.required("subject")?.clone()),
                ];
                let credential = Object::from_members(members);
                credential
                    .map(|credential| Self::Credential(Json::Object(credential)))
                    .ok_or_else(|| refused("subject", "a claim"))
            }
            (Some(_), Some(_)) | (None, None) => Err(refused("", "an object with a payload or a subject")),
        }
    }
}

impl RuleSet {
    /// Runs every vector.
    pub(super) fn check_vectors(&self) -> Result<(), RuleSetError> {
        for (index, vector) in self.vectors.iter().enumerate() {
            self.check_vector(vector).map_err(|found| RuleSetError::Vector { index, found })?;
        }
        Ok(())
    }

    fn check_vector(&self, vector: &Vector) -> Result<(), String> {
        let payload = match &vector.claims {
            Claims::Credential(credential) => self.payload(credential),
            Claims::Payload(payload) => Ok(value(payload)),
        };
        match &vector.of {
            Subject::Rule(rule) => {
                let met = payload.ok().and_then(|payload| self.meets(rule, payload, vector.at));
                let found = match met {
                    Some(true) => Outcome::Accepted,
                    Some(false) => Outcome::NotAccepted,
                    None => Outcome::CannotTell,
                };
                if found == vector.expect { Ok(()) } else { Err(found.to_string()) }
            }
            Subject::Class(class) => {
                let decision = match &payload {
                    Ok(payload) => self.decide_payload(class, payload.clone(), vector.at),
                    Err(gap) => Decision::CannotTell(*gap),
                };
                let reason = match &decision {
                    Decision::Accepted { .. } => None,
                    Decision::NotAccepted(refusals) => refusals.first().map(|first| first.reason.as_str()),
                    Decision::CannotTell(gap) => Some(gap.code()),
                };
                let other_reason = vector.reason.is_some() && vector.reason.as_deref() != reason;
                if decision.outcome() != vector.expect || other_reason {
                    return Err(format!("{} ({})", decision.outcome(), reason.unwrap_or("no reason")));
                }
                let Some(expected) = vector.next else { return Ok(()) };
                let outlook = payload.map(|payload| self.outlook_payload(class, payload, vector.at));
                let next = match outlook {
                    Ok(Outlook::Changes { at, .. }) => Some(at),
                    Ok(Outlook::Same { .. }) | Err(_) => None,
                };
                if next == expected { Ok(()) } else { Err(format!("next change {next:?}")) }
            }
        }
    }

    /// Whether one rule alone is met; `None` if it has no result or is not in force.
    fn meets(&self, rule: &str, payload: Value, at: UnixSeconds) -> Option<bool> {
        let rule = self.in_force(self.id(rule)?, at)?;
        let mut data = Data::new(payload);
        data.set(self, at).ok()?;
        data.meets(rule)
    }
}
