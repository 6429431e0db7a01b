//! What a type says of each of its claims: where it is, whether it must be there, whether it is hidden, what people call it.

use std::collections::BTreeMap;

use serde_json::Value;

/// One claim of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimDescription {
    /// Where it is: names of members, `None` for each item of an array.
    pub path: Vec<Option<String>>,
    /// Whether a credential of the type always has it.
    pub mandatory: bool,
    /// Whether it is hidden in the forms that can hide: its holder chooses.
    pub selective: bool,
    /// What people call it, by language (BCP 47).
    pub labels: BTreeMap<String, String>,
}

impl ClaimDescription {
    /// The path as the file of a type writes it: a JSON Pointer in which `*` is each item of an array.
    #[must_use]
    pub fn pointer(&self) -> String {
        let steps = self.path.iter().map(|step| match step {
            None => String::from("/*"),
            Some(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        });
        steps.collect()
    }
}

/// The claims that a JSON Schema names, each after the one that it is in.
pub(super) fn of_schema(schema: &Value) -> Vec<ClaimDescription> {
    let mut claims = Vec::new();
    descend(schema, &[], true, &mut claims);
    claims
}

/// `present`: whether what this is the schema of is always there.
fn descend(schema: &Value, path: &[Option<String>], present: bool, claims: &mut Vec<ClaimDescription>) {
    if path.len() >= MAX_STEPS {
        return;
    }
    if let Some(properties) = schema["properties"].as_object() {
        let required = |name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name))
        };
        for (name, inner) in properties {
            let path = [path, &[Some(name.clone())]].concat();
            let mandatory = present && required(name);
            claims.push(ClaimDescription {
                path: path.clone(),
                mandatory,
                selective: false,
                labels: BTreeMap::new(),
            });
            descend(inner, &path, mandatory, claims);
        }
    }
    if schema["items"].is_object() {
        let some = schema["minItems"].as_u64().is_some_and(|least| least > 0);
        descend(&schema["items"], &[path, &[None]].concat(), present && some, claims);
    }
}

/// As deep as a credential (specs/credential.md, "Limits").
const MAX_STEPS: usize = 16;
