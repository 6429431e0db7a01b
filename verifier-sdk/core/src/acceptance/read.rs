//! Pure. The form of a rule set.
//= specs/rules.md#rule-set

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sillok_certlogic::{Expression, ExpressionError, MAX_EXPRESSION_BYTES};
use sillok_log::UnixSeconds;

use super::calendar::{Calendar, Offset};
use super::dated::Dated;
use super::mapping::Mapping;
use super::vector::{Subject, Vector};
use super::{Acceptance, MAX_RULE_SET_BYTES, Rule, RuleSet, RuleSetError, Texts, value};
use crate::datetime::parse_date_time_stamp;
use crate::json::{Json, JsonError, Limits, Object};
use crate::trust::members::{counted, expect_type, items, refused};

pub(super) fn rule_set(text: &str) -> Result<RuleSet, RuleSetError> {
    let json = Json::parse(text.as_bytes(), &LIMITS)?;
    let object = json.object()?;
    expect_type(object, TYPE, &MEMBERS)?;
    let jurisdiction = object.string("jurisdiction")?;
    if !is_name(jurisdiction, 16, |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-') {
        return Err(refused("jurisdiction", "1 to 16 of A-Z, 0-9 and -").into());
    }
    let reasons = reasons(object)?;
    let rules = read_rules(object, &reasons)?;
    check_versions("rules", &rules, |rule| &rule.id)?;
    let ids = versions_by_id(&rules);
    let classes = at_least_one(object, "classes", MAX_DATED, |item| acceptance(item, &rules, &ids))?;
    check_versions("classes", &classes, |one| &one.class)?;
    let vectors = at_least_one(object, "vectors", MAX_VECTORS, Vector::read)?;
    check_subjects(&vectors, &rules, &classes)?;
    let clock = "external.validationClock";
    let mut reads_clock = false;
    rules
        .iter()
        .for_each(|rule| rule.what.logic.for_each_path(|path| reads_clock |= path.starts_with(clock)));
    Ok(RuleSet {
        text: text.to_string(),
        jurisdiction: jurisdiction.to_string(),
        sequence: counted(object, "sequence")?,
        name: texts(object, "name")?,
        calendar: calendar(object)?,
        evidence: evidence(object)?,
        boundaries: boundaries(&rules, &classes),
        reasons,
        rules,
        ids,
        classes,
        vectors,
        reads_clock,
    })
}

fn at_least_one<T>(
    object: &Object,
    name: &str,
    limit: usize,
    read: impl Fn(&Json) -> Result<T, JsonError>,
) -> Result<Vec<T>, JsonError> {
    let found = items(object, name, limit, read)?;
    if found.is_empty() { Err(refused(name, "an array of at least one")) } else { Ok(found) }
}

fn calendar(object: &Object) -> Result<Calendar, JsonError> {
    let offsets = at_least_one(object, "offsets", MAX_OFFSETS, |item| {
        let item = item.object()?;
        item.expect_only(&["from", "minutes"])?;
        let minutes = item.integer("minutes")?;
        if !(-MAX_OFFSET_MINUTES..=MAX_OFFSET_MINUTES).contains(&minutes) {
            return Err(refused("minutes", "an offset within 14 hours"));
        }
        Ok(Offset { from: stamp(item, "from")?, minutes })
    })?;
    if !offsets.is_sorted_by(|left, right| left.from < right.from) {
        return Err(refused("offsets", "an array in the order of time"));
    }
    Ok(Calendar { offsets, covers_until: stamp(object, "covers_until")? })
}

fn evidence(object: &Object) -> Result<Vec<Mapping>, JsonError> {
    let evidence = at_least_one(object, "evidence", MAX_MAPPINGS, Mapping::read)?;
    let kinds: BTreeSet<&str> = evidence.iter().map(Mapping::kind).collect();
    if kinds.len() == evidence.len() {
        Ok(evidence)
    } else {
        Err(refused("evidence", "an array of different types"))
    }
}

fn reasons(object: &Object) -> Result<Vec<(String, Texts)>, JsonError> {
    let members = object.object("reasons")?;
    let read = members.members().map(|(code, _texts)| {
        if !is_name(code, 40, is_lower) {
            return Err(refused("reasons", "an object of codes: 1 to 40 of a-z, 0-9 and -"));
        }
        Ok((code.to_string(), texts(members, code).map_err(|error| error.inside("reasons"))?))
    });
    let reasons: Vec<(String, Texts)> = read.collect::<Result<_, JsonError>>()?;
    if reasons.len() > MAX_REASONS { Err(refused("reasons", "an object of at most 64")) } else { Ok(reasons) }
}

fn texts(object: &Object, name: &str) -> Result<Texts, JsonError> {
    let read = object.object(name)?.members().map(|(language, text)| {
        let text = text.string().map_err(|error| error.inside(language).inside(name))?;
        let is_language = language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase());
        if !is_language || text.is_empty() || text.len() > MAX_TEXT_BYTES {
            return Err(refused(name, "an object from languages of two letters to at most 400 bytes"));
        }
        Ok((language.to_string(), text.to_string()))
    });
    let texts: Vec<(String, String)> = read.collect::<Result<_, JsonError>>()?;
    let has_english = texts.iter().any(|(language, _text)| language == "en");
    if has_english { Ok(Texts { texts }) } else { Err(refused(name, "an object with a text in en")) }
}

fn read_rules(object: &Object, reasons: &[(String, Texts)]) -> Result<Vec<Dated<Rule>>, RuleSetError> {
    let found = object.array("rules")?;
    if found.is_empty() || found.len() > MAX_DATED {
        return Err(refused("rules", "an array of 1 to 64").into());
    }
    let mut rules = Vec::new();
    for (position, item) in found.iter().enumerate() {
        let inside = |error: JsonError| error.inside(&position.to_string()).inside("rules");
        rules.push(rule(item, reasons).map_err(|error| match error {
            RuleSetError::Json(error) => inside(error).into(),
            RuleSetError::Logic { .. } | RuleSetError::Vector { .. } => error,
        })?);
    }
    Ok(rules)
}

fn rule(item: &Json, reasons: &[(String, Texts)]) -> Result<Dated<Rule>, RuleSetError> {
    let object = item.object()?;
    object.expect_only(&["id", "version", "valid_from", "valid_to", "logic", "affected", "reason"])?;
    let id = object.string("id")?;
    if !is_name(id, 32, |c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(refused("id", "1 to 32 of A-Z, a-z, 0-9 and -").into());
    }
    let logic = Expression::from_value(&value(object.required("logic")?)).map_err(|issues| {
        RuleSetError::Logic { rule: id.to_string(), error: ExpressionError::Invalid(issues) }
    })?;
    if logic.to_string().len() > MAX_EXPRESSION_BYTES {
        return Err(refused("logic", "an expression of at most 16 KiB").into());
    }
    let affected = items(object, "affected", MAX_FIELDS, |path| path.string().map(String::from))?;
    if affected != paths(&logic)? {
        return Err(refused("affected", "the sorted list of what the logic reads of the payload").into());
    }
    let reason = object.string("reason")?;
    if !reasons.iter().any(|(code, _texts)| code == reason) {
        return Err(refused("reason", "one of the reasons").into());
    }
    Ok(dated(object, Rule { id: id.to_string(), logic, affected, reason: reason.to_string() })?)
}

/// What a rule reads below the payload. Paths into a fold are about items of something that is named already.
fn paths(logic: &Expression) -> Result<Vec<String>, JsonError> {
    let (mut paths, mut whole) = (BTreeSet::new(), false);
    logic.for_each_path(|path| match path.split_once('.') {
        Some(("payload", rest)) => {
            paths.insert(rest.to_string());
        }
        Some(_) => {}
        None => whole |= matches!(path, "" | "payload"),
    });
    if whole {
        Err(refused("logic", "a rule that names what it reads"))
    } else {
        Ok(paths.into_iter().collect())
    }
}

fn acceptance(
    item: &Json,
    rules: &[Dated<Rule>],
    ids: &[Vec<usize>],
) -> Result<Dated<Acceptance>, JsonError> {
    let object = item.object()?;
    object.expect_only(&["class", "version", "valid_from", "valid_to", "name", "accept"])?;
    let class = object.string("class")?;
    if !is_name(class, 32, is_lower) {
        return Err(refused("class", "1 to 32 of a-z, 0-9 and -"));
    }
    let id = |item: &Json| {
        let wanted = item.string()?;
        let is_it = |versions: &Vec<usize>| {
            versions.first().and_then(|at| rules.get(*at)).is_some_and(|rule| rule.what.id == wanted)
        };
        ids.iter().position(is_it).ok_or_else(|| refused("", "the id of a rule of the set"))
    };
    let group = |item: &Json| {
        let group = item.array()?;
        let known: Vec<usize> = group.iter().map(id).collect::<Result<_, _>>()?;
        let different: BTreeSet<usize> = known.iter().copied().collect();
        let is_group = !known.is_empty() && known.len() <= MAX_GROUP && different.len() == known.len();
        if is_group { Ok(known) } else { Err(refused("", "a group of 1 to 16 different rules")) }
    };
    let accept = at_least_one(object, "accept", MAX_GROUP, group)?;
    dated(object, Acceptance { class: class.to_string(), name: texts(object, "name")?, accept })
}

fn dated<T>(object: &Object, what: T) -> Result<Dated<T>, JsonError> {
    let valid_from = stamp(object, "valid_from")?;
    let valid_to = object.get("valid_to").map(|_end| stamp(object, "valid_to")).transpose()?;
    if valid_to.is_some_and(|end| end < valid_from) {
        return Err(refused("valid_to", "a stamp that is not before valid_from"));
    }
    Ok(Dated { version: counted(object, "version")?, valid_from, valid_to, what })
}

/// No version twice, and none that begins before a lower one.
fn check_versions<T>(
    name: &str,
    found: &[Dated<T>],
    name_of: impl Fn(&T) -> &String,
) -> Result<(), JsonError> {
    let mut versions: Vec<(&String, u64, UnixSeconds)> =
        found.iter().map(|one| (name_of(&one.what), one.version, one.valid_from)).collect();
    versions.sort_unstable();
    let good = versions
        .iter()
        .zip(versions.iter().skip(1))
        .all(|(lower, higher)| lower.0 != higher.0 || (lower.1 < higher.1 && lower.2 <= higher.2));
    if good { Ok(()) } else { Err(refused(name, "an array of different versions that begin in their order")) }
}

fn versions_by_id(rules: &[Dated<Rule>]) -> Vec<Vec<usize>> {
    let mut by_id: BTreeMap<&str, Vec<(u64, usize)>> = BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        by_id.entry(&rule.what.id).or_default().push((rule.version, at));
    }
    let sorted = |mut versions: Vec<(u64, usize)>| {
        versions.sort_unstable();
        versions.into_iter().rev().map(|(_version, at)| at).collect()
    };
    by_id.into_values().map(sorted).collect()
}

fn boundaries(rules: &[Dated<Rule>], classes: &[Dated<Acceptance>]) -> Vec<UnixSeconds> {
    let rules = rules.iter().map(|one| (one.valid_from, one.valid_to));
    let classes = classes.iter().map(|one| (one.valid_from, one.valid_to));
    let all = rules.chain(classes).flat_map(|(from, to)| [Some(from), to]).flatten();
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A vector of something that the set does not have tests nothing.
fn check_subjects(
    vectors: &[Vector],
    rules: &[Dated<Rule>],
    classes: &[Dated<Acceptance>],
) -> Result<(), JsonError> {
    for (position, vector) in vectors.iter().enumerate() {
        let is_known = match &vector.of {
            Subject::Rule(id) => rules.iter().any(|rule| rule.what.id == *id),
            Subject::Class(class) => classes.iter().any(|one| one.what.class == *class),
        };
        if !is_known {
            let error = refused("", "a vector of a rule or class of the set");
            return Err(error.inside(&position.to_string()).inside("vectors"));
        }
    }
    Ok(())
}

/// A stamp: to the second, from 1970.
pub(super) fn stamp(object: &Object, name: &str) -> Result<UnixSeconds, JsonError> {
    let text = object.string(name)?;
    let at = parse_date_time_stamp(text).filter(|at| at.0 > 0 || text.starts_with("1970"));
    at.filter(|_at| !text.contains('.'))
        .ok_or_else(|| refused(name, "a time to the second with a zone, from 1970"))
}

/// A text that is not empty and not long.
pub(super) fn name(object: &Object, member: &str) -> Result<String, JsonError> {
    let text = object.string(member)?;
    if text.is_empty() || text.len() > MAX_NAME_BYTES {
        return Err(refused(member, "a name of 1 to 100 bytes"));
    }
    Ok(text.to_string())
}

fn is_name(text: &str, most: usize, is_good: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= most && text.chars().all(is_good)
}

const fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

const TYPE: &str = "sillok-rules/v1";

const MEMBERS: [&str; 11] = [
    "type",
    "jurisdiction",
    "sequence",
    "name",
    "offsets",
    "covers_until",
    "evidence",
    "reasons",
    "rules",
    "classes",
    "vectors",
];

/// The Korean set of 3 January 2022 has 13 KB with its 49 vectors; published logic goes 15 levels deep.
const LIMITS: Limits = Limits { bytes: MAX_RULE_SET_BYTES, depth: 64, values: 32_768 };

// What follows is in the tables of specs/rules.md. The largest set of a European state had some 20 rules.
const MAX_OFFSETS: usize = 64;
const MAX_OFFSET_MINUTES: i64 = 840;
const MAX_MAPPINGS: usize = 16;
const MAX_DATED: usize = 64;
const MAX_GROUP: usize = 16;
const MAX_REASONS: usize = 64;
const MAX_VECTORS: usize = 512;
const MAX_TEXT_BYTES: usize = 400;
const MAX_NAME_BYTES: usize = 100;
pub(super) const MAX_FIELDS: usize = 32;
pub(super) const MAX_LISTS: usize = 8;
pub(super) const MAX_TABLE: usize = 256;
