//! Pure. The data of the rules out of the claims of a credential.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sillok_certlogic::Value;

use super::decision::Gap;
use super::read::{MAX_FIELDS, MAX_LISTS, MAX_TABLE, name};
use super::value;
use crate::json::{Json, JsonError, Object};
use crate::trust::members::{items, refused};

/// How claims of a type become a payload.
//= specs/rules.md#payload
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    kind: String,
    fields: Vec<(String, Field)>,
    lists: Vec<List>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct List {
    name: String,
    from: String,
    newest_first: String,
    fields: Vec<(String, Field)>,
}

/// A claim, or what a table says of it.
//= specs/rules.md#fields
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    claim: String,
    table: Option<Table>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Table {
    rows: Vec<(String, Value)>,
    otherwise: Option<Value>,
}

impl Mapping {
    pub(super) fn read(json: &Json) -> Result<Self, JsonError> {
        let object = json.object()?;
        object.expect_only(&["type", "fields", "lists"])?;
        Ok(Self {
            kind: name(object, "type")?,
            fields: fields(object)?,
            lists: items(object, "lists", MAX_LISTS, List::read)?,
        })
    }

    /// The type of credentials that it is for.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    pub(super) fn payload(&self, subject: &Object) -> Result<Value, Gap> {
        let mut payload = taken(&self.fields, subject);
        for list in &self.lists {
            let Some(found) = subject.get(&list.from) else { continue };
            let found = found.array().map_err(|_other| Gap::NoEvidence)?;
            let items: Option<Vec<_>> = found.iter().map(|item| item.object().ok()).collect();
            let items = items.ok_or(Gap::NoEvidence)?.into_iter().map(|item| taken(&list.fields, item));
            let mut items: Vec<BTreeMap<String, Value>> = items.collect();
            // What has no such text comes last; what is equal stays in its order.
            items.sort_by(|left, right| {
                let [left, right] = [left, right].map(|item| match item.get(&list.newest_first) {
                    Some(Value::Text(text)) => text.as_str(),
                    Some(_) | None => "",
                });
                right.cmp(left)
            });
            let items = items.into_iter().map(Value::Object).collect();
            payload.insert(list.name.clone(), Value::Array(items));
        }
        Ok(Value::Object(payload))
    }
}

impl List {
    fn read(json: &Json) -> Result<Self, JsonError> {
        let object = json.object()?;
        object.expect_only(&["name", "from", "newest_first", "fields"])?;
        let fields = fields(object)?;
        let newest_first = name(object, "newest_first")?;
        if !fields.iter().any(|(field, _claim)| *field == newest_first) {
            return Err(refused("newest_first", "one of the fields"));
        }
        Ok(Self { name: name(object, "name")?, from: name(object, "from")?, newest_first, fields })
    }
}

impl Field {
    fn read(json: &Json) -> Result<Self, JsonError> {
        if let Json::String(claim) = json {
            return Ok(Self { claim: claim.clone(), table: None });
        }
        let object = json.object()?;
        object.expect_only(&["claim", "table", "otherwise"])?;
        let table = object.object("table")?;
        let rows: Vec<(String, Value)> =
            table.members().map(|(key, said)| (key.to_string(), value(said))).collect();
        if rows.len() > MAX_TABLE {
            return Err(refused("table", "an object of at most 256 members"));
        }
        let otherwise = object.get("otherwise").map(value);
        Ok(Self { claim: name(object, "claim")?, table: Some(Table { rows, otherwise }) })
    }

    fn take(&self, from: &Object) -> Option<Value> {
        let claim = from.get(&self.claim)?;
        let Some(table) = &self.table else { return Some(value(claim)) };
        let key = claim.string().ok()?;
        let row = table.rows.iter().find(|(known, _said)| known == key).map(|(_key, said)| said);
        row.or(table.otherwise.as_ref()).cloned()
    }
}

fn fields(object: &Object) -> Result<Vec<(String, Field)>, JsonError> {
    let read = object.object("fields")?.members().map(|(field, claim)| {
        let claim = Field::read(claim).map_err(|error| error.inside(field).inside("fields"))?;
        Ok((field.to_string(), claim))
    });
    let fields: Vec<(String, Field)> = read.collect::<Result<_, JsonError>>()?;
    if fields.len() > MAX_FIELDS {
        Err(refused("fields", "an object of at most 32 members"))
    } else {
        Ok(fields)
    }
}

fn taken(fields: &[(String, Field)], from: &Object) -> BTreeMap<String, Value> {
    fields.iter().filter_map(|(name, field)| Some((name.clone(), field.take(from)?))).collect()
}
