//! What the journal of records seals: facts about a person, and the key that a credential is for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{TypeCode, Version};
use crate::subjects::{Digester, SubjectSlot};

/// What the authority knows of one person for one type of credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    /// They kept the schema of the type when they came.
    pub(super) claims: Value,
    pub(super) facility: String,
    pub(super) source_event: String,
    /// Who put it first.
    pub(super) operator: String,
    /// No credential is valid before.
    pub(super) valid_from: Option<String>,
}

/// What is sealed when a credential is about to be issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Enrolled {
    /// The holder's key as a JWK.
    pub(super) jwk: Option<String>,
    /// What the wallet calls it.
    pub(super) did: Option<String>,
    /// Why what it takes the place of is revoked, if somebody said so.
    pub(super) reason: Option<String>,
    /// On whose behalf it is revoked.
    pub(super) operator: String,
}

impl Content {
    //= specs/reissue.md#records
    /// The version: a keyed digest of all but the operator. Members of claims in another order are the same claims, and
    /// those of two people are not comparable.
    pub(super) fn version(&self, digester: &Digester, subject: SubjectSlot, kind: TypeCode) -> Version {
        let mut claims = Vec::new();
        push(&self.claims, &mut claims);
        let from = self.valid_from.as_deref();
        Version(digester.digest(&[
            &subject.0.to_be_bytes(),
            &kind.0,
            &claims,
            self.facility.as_bytes(),
            self.source_event.as_bytes(),
            &[u8::from(from.is_some())],
            from.unwrap_or_default().as_bytes(),
        ]))
    }
}

/// Bytes that only equal values have: each part behind its kind and length, members in the order of their names.
fn push(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => push_head(b'n', 0, bytes),
        Value::Bool(value) => push_head(b'b', usize::from(*value), bytes),
        Value::Number(number) => push_text(b'i', &number.to_string(), bytes),
        Value::String(text) => push_text(b's', text, bytes),
        Value::Array(items) => {
            push_head(b'a', items.len(), bytes);
            items.iter().for_each(|item| push(item, bytes));
        }
        Value::Object(members) => {
            push_head(b'o', members.len(), bytes);
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _value)| *name);
            for (name, value) in members {
                push_text(b's', name, bytes);
                push(value, bytes);
            }
        }
    }
}

fn push_text(kind: u8, text: &str, bytes: &mut Vec<u8>) {
    push_head(kind, text.len(), bytes);
    bytes.extend_from_slice(text.as_bytes());
}

fn push_head(kind: u8, length: usize, bytes: &mut Vec<u8>) {
    bytes.push(kind);
    bytes.extend_from_slice(&(length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn content(claims: Value) -> Content {
        let text = String::from;
        let valid_from = Some(text("2027-01-01T00:00:00Z"));
        Content { claims, facility: text("f"), source_event: text("e"), operator: text("o"), valid_from }
    }

    #[test]
    fn the_same_content_is_one_version_and_any_other_another() {
        let digester = Digester::new(&[1; 32]);
        let version = |content: &Content| content.version(&digester, SubjectSlot(3), TypeCode([1; 8]));
        let first = content(json!({ "a": 1, "b": ["x", { "c": null }] }));
        let same = Content {
            claims: json!({ "b": ["x", { "c": null }], "a": 1 }),
            operator: "another".into(),
            ..first.clone()
        };
        assert_eq!(version(&first), version(&same));
        let others = [
            content(json!({ "a": 1, "b": ["x", { "c": false }] })),
            content(json!({ "a": 1, "b": [["x", { "c": null }]] })),
            content(json!({ "a": "1", "b": ["x", { "c": null }] })),
            content(json!({ "a": 1, "b": [{ "c": null }, "x"] })),
            Content { facility: "e".into(), source_event: "f".into(), ..first.clone() },
            Content { valid_from: None, ..first.clone() },
            Content { valid_from: Some(String::new()), ..first.clone() },
        ];
        let mut versions: Vec<Version> = others.iter().map(version).collect();
        versions.push(version(&first));
        versions.push(first.version(&digester, SubjectSlot(4), TypeCode([1; 8])));
        versions.push(first.version(&digester, SubjectSlot(3), TypeCode([2; 8])));
        let count = versions.len();
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), count);
    }
}
