//! Pure. Rules of a place: what a credential is worth there on a day, by dated rules that are data.
//!
//! # In scope
//! A rule set ([`RuleSet::open`]), the decision of a class of venues about the claims of a credential, when that decision
//! changes next, and what publication asks of a set that follows another.
//!
//! # Out of scope
//! The language of the rules (`sillok-certlogic`), who signs a set (the root of the trust bundle), whether the credential
//! is genuine (the rules of a verification).
//!
//! # Invariants
//! No zone database and no clock: the set brings the offsets of its place, and the instant is an argument. What cannot be
//! evaluated is *cannot tell* and never *not accepted*. A set whose own vectors do not come out does not open.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use sillok_certlogic::{Expression, ExpressionError, Value};
use sillok_log::UnixSeconds;

use crate::json::{Json, JsonError};

mod calendar;
mod dated;
mod decision;
mod mapping;
mod outlook;
mod publication;
mod read;
mod vector;

use calendar::Calendar;
use dated::Dated;
use mapping::Mapping;
use vector::Vector;

pub use decision::{Decision, Gap, Outcome, Refusal};
pub use outlook::{MAX_OUTLOOK_SECONDS, Outlook};
pub use publication::{Finding, MIN_DURATION_SECONDS, MIN_LEAD_SECONDS, check_publication};

/// The rules of a jurisdiction, present and future.
//= specs/rules.md#rule-set
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleSet {
    text: String,
    jurisdiction: String,
    sequence: u64,
    name: Texts,
    calendar: Calendar,
    evidence: Vec<Mapping>,
    reasons: Vec<(String, Texts)>,
    rules: Vec<Dated<Rule>>,
    /// Which of `rules` are the versions of one id, the highest first; acceptances name ids by their place here.
    ids: Vec<Vec<usize>>,
    classes: Vec<Dated<Acceptance>>,
    vectors: Vec<Vector>,
    /// When anything dated begins or ends, in order, each once.
    boundaries: Vec<UnixSeconds>,
    reads_clock: bool,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    id: String,
    logic: Expression,
    affected: Vec<String>,
    reason: String,
}

/// What a class of venues accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Acceptance {
    class: String,
    name: Texts,
    /// Any of these groups, each of which is all of these ids ([`RuleSet::ids`]).
    accept: Vec<Vec<usize>>,
}

impl RuleSet {
    /// Reads a rule set and runs its vectors.
    ///
    /// # Errors
    /// Another form than that of specs/rules.md, a rule that is no CertLogic, or a vector that does not come out.
    pub fn open(text: &str) -> Result<Self, RuleSetError> {
        let set = read::rule_set(text)?;
        set.check_vectors()?;
        Ok(set)
    }

    /// The text as published, byte by byte.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whose rules these are.
    #[must_use]
    pub fn jurisdiction(&self) -> &str {
        &self.jurisdiction
    }

    /// The number of this publication.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What the jurisdiction is called.
    #[must_use]
    pub const fn name(&self) -> &Texts {
        &self.name
    }

    /// The classes of venues, each once, with the name in its highest version.
    pub fn classes(&self) -> impl Iterator<Item = (&str, &Texts)> {
        let highest = |one: &&Dated<Acceptance>| {
            let same = |other: &&Dated<Acceptance>| other.what.class == one.what.class;
            !self.classes.iter().filter(same).any(|other| other.version > one.version)
        };
        self.classes.iter().filter(highest).map(|one| (one.what.class.as_str(), &one.what.name))
    }

    /// Id and version of each rule, in the order of the set.
    pub fn rules(&self) -> impl Iterator<Item = (&str, u64)> {
        self.rules.iter().map(|rule| (rule.what.id.as_str(), rule.version))
    }

    /// How many vectors the set brings.
    #[must_use]
    pub const fn vectors(&self) -> usize {
        self.vectors.len()
    }

    /// What a reason says.
    #[must_use]
    pub fn reason(&self, code: &str) -> Option<&Texts> {
        self.reasons.iter().find(|(known, _texts)| known == code).map(|(_code, texts)| texts)
    }

    /// The paths below the payload that the rules of this id read, in any version.
    #[must_use]
    pub fn affected(&self, rule: &str) -> Vec<&str> {
        let versions = self.rules.iter().filter(|one| one.what.id == rule);
        let mut paths: Vec<&str> =
            versions.flat_map(|one| one.what.affected.iter()).map(String::as_str).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// The calendar date at the place, `YYYY-MM-DD`; `None` where the set does not know the offset.
    //= specs/rules.md#local-date
    #[must_use]
    pub fn local_date(&self, at: UnixSeconds) -> Option<String> {
        self.calendar.local_date(at)
    }

    /// Decides about the claims of a credential: the payload of its JWS, signed or not.
    //= specs/rules.md#decision
    #[must_use]
    pub fn decide(&self, class: &str, credential: &Json, at: UnixSeconds) -> Decision {
        let known = self.acceptance(class, at).and_then(|_known| self.payload(credential));
        match known {
            Ok(payload) => self.decide_payload(class, payload, at),
            Err(gap) => Decision::CannotTell(gap),
        }
    }

    /// When the decision about these claims changes next.
    //= specs/rules.md#next-change
    #[must_use]
    pub fn outlook(&self, class: &str, credential: &Json, at: UnixSeconds) -> Outlook {
        match self.payload(credential) {
            Ok(payload) => self.outlook_payload(class, payload, at),
            Err(_gap) => Outlook::Same { until: at },
        }
    }

    /// The payload of the rules out of the claims of a credential.
    //= specs/rules.md#payload
    fn payload(&self, credential: &Json) -> Result<Value, Gap> {
        let types = credential.get("type").and_then(|types| types.array().ok()).unwrap_or_default();
        let is_of = |mapping: &&Mapping| types.iter().any(|name| name.string().ok() == Some(mapping.kind()));
        let mapping = self.evidence.iter().find(is_of).ok_or(Gap::NoEvidence)?;
        let subject = credential.get("credentialSubject").ok_or(Gap::NoEvidence)?;
        mapping.payload(subject.object().map_err(|_other| Gap::NoEvidence)?)
    }
}

/// One text in several languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    texts: Vec<(String, String)>,
}

impl Texts {
    /// The text in this language, else in English.
    #[must_use]
    pub fn get(&self, language: &str) -> &str {
        let find = |wanted: &str| self.texts.iter().find(|(language, _text)| language == wanted);
        find(language).or_else(|| find("en")).map_or("", |(_language, text)| text)
    }

    /// Languages and texts, in the order of the set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(language, text)| (language.as_str(), text.as_str()))
    }
}

/// Why a rule set does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleSetError {
    /// Another form than that of specs/rules.md.
    Json(JsonError),
    /// The logic of a rule is no CertLogic.
    Logic {
        /// The rule's id.
        rule: String,
        /// Why.
        error: ExpressionError,
    },
    /// A vector does not come out.
    Vector {
        /// Its place in `vectors`, from 0.
        index: usize,
        /// What came out instead.
        found: String,
    },
}

impl fmt::Display for RuleSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "open rule set: {error}"),
            Self::Logic { rule, error } => write!(f, "open rule set: logic of rule {rule}: {error}"),
            Self::Vector { index, found } => {
                write!(f, "open rule set: vector {index} does not come out: {found}")
            }
        }
    }
}

impl core::error::Error for RuleSetError {}

impl From<JsonError> for RuleSetError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

/// JSON as data of the rules.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Integer(number) => Value::Integer(*number),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(object) => {
            Value::Object(object.members().map(|(name, member)| (name.to_string(), value(member))).collect())
        }
    }
}

/// Largest rule set, in bytes of its text (specs/rules.md).
pub const MAX_RULE_SET_BYTES: usize = 131_072;
