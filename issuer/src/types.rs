//! Credential types: data, not code. The built-in ones and those of a folder, each with the JSON Schema of its claims.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Draft, Validator};
use serde::Deserialize;
use serde_json::Value;
use sillok_verifier::json::{Json, Limits};
use sillok_verifier::sd_jwt::Place;

use crate::http::body::to_value;
pub use claims::ClaimDescription;
pub use error::{ClaimsError, TypeError};
pub use metadata::TypeMetadata;

mod claims;
mod error;
mod metadata;

/// The types that an issuer can issue, by name.
#[derive(Debug)]
pub struct CredentialTypes(BTreeMap<String, CredentialType>);

/// One type of credential.
#[derive(Debug)]
pub struct CredentialType {
    description: Description,
    validator: Validator,
    claims: Vec<ClaimDescription>,
    selective: Vec<Place>,
    /// That of the last issuer that asked, which is always the same one.
    metadata: Mutex<Option<(String, Arc<TypeMetadata>)>>,
}

/// Claims that keep the schema of their type.
#[derive(Clone, PartialEq)]
pub struct Claims(pub(crate) Value);

/// Without the claims.
impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}

/// The file of a type.
//= specs/credential.md#types
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    display: BTreeMap<String, Display>,
    validity_days: u32,
    context: Value,
    schema: Value,
    /// What people call the claims, by their place and by language.
    #[serde(default)]
    labels: BTreeMap<String, BTreeMap<String, String>>,
    /// The places of claims that are hidden in the forms that can hide.
    #[serde(default)]
    selective: Vec<String>,
    #[serde(default)]
    decoys: usize,
    #[serde(default)]
    open: bool,
    #[serde(default)]
    key_from_request: bool,
}

/// What people call a type, in one language.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Display {
    /// Its name.
    pub name: String,
    /// What it says, in a sentence.
    pub description: String,
}

impl CredentialTypes {
    /// The built-in types, and those described by the `*.json` files of `folder`, if one is given.
    ///
    /// # Errors
    /// A folder or file that cannot be read, a file that describes no type, or one name or `type` twice.
    pub fn load(folder: Option<&Path>) -> Result<Self, TypeError> {
        let mut types = Self(BTreeMap::new());
        types.add(CredentialType::parse("pass.json", PASS)?)?;
        types.add(CredentialType::parse("vaccination.json", VACCINATION)?)?;
        let Some(folder) = folder else { return Ok(types) };
        let io = |operation, path: &Path| {
            let path = path.to_path_buf();
            move |source| TypeError::Io { operation, path, source }
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(io("list", folder))? {
            let path = entry.map_err(io("list", folder))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            let bytes = fs::metadata(&path).map_err(io("examine", &path))?.len();
            let origin = path.display().to_string();
            if bytes > MAX_TYPE_BYTES {
                let problem = format!("it has {bytes} bytes, more than {MAX_TYPE_BYTES}");
                return Err(TypeError::Malformed { origin, problem });
            }
            let text = fs::read_to_string(&path).map_err(io("read", &path))?;
            types.add(CredentialType::parse(&origin, &text)?)?;
        }
        Ok(types)
    }

    fn add(&mut self, kind: CredentialType) -> Result<(), TypeError> {
        let name = kind.name().to_owned();
        if self.0.contains_key(&name) || self.find(kind.type_name()).is_some() {
            return Err(TypeError::Duplicate { name });
        }
        self.0.insert(name, kind);
        Ok(())
    }

    /// The type of this name, as scopes and paths have it: `vaccination`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&CredentialType> {
        self.0.get(name)
    }

    /// The type whose credentials say this `type`: `VaccinationCredential`.
    #[must_use]
    pub fn find(&self, type_name: &str) -> Option<&CredentialType> {
        self.0.values().find(|kind| kind.type_name() == type_name)
    }

    /// All types in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &CredentialType> {
        self.0.values()
    }
}

impl CredentialType {
    /// Reads the description of a type. `origin` names it in errors.
    ///
    /// # Errors
    /// It is no description, or its schema is none of JSON Schema 2020-12.
    pub fn parse(origin: &str, text: &str) -> Result<Self, TypeError> {
        let malformed = |problem: String| TypeError::Malformed { origin: origin.to_owned(), problem };
        let description: Description =
            serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if description.name.is_empty()
            || description.name.len() > MAX_NAME_BYTES
            || !description.name.chars().all(plain)
        {
            return Err(malformed("its name is not of the letters a-z, digits and hyphens".into()));
        }
        let letters = |c: char| c.is_ascii_alphanumeric();
        if description.kind.is_empty()
            || description.kind.len() > MAX_NAME_BYTES
            || !description.kind.chars().all(letters)
        {
            return Err(malformed("its type is not of ASCII letters and digits".into()));
        }
        if description.validity_days == 0 || description.validity_days > MAX_VALIDITY_DAYS {
            return Err(malformed(format!("its validity_days are not from 1 to {MAX_VALIDITY_DAYS}")));
        }
        if !description.context.is_object() || description.display.is_empty() {
            return Err(malformed("its context is not an object, or it has no display name".into()));
        }
        if description.key_from_request && !description.open {
            return Err(malformed("its key_from_request is for open types".into()));
        }
        // Formats are asserted: 31 February is no date. Nothing is fetched for a `$ref`.
        let options =
            jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true).offline();
        let validator = options.build(&description.schema).map_err(|error| malformed(error.to_string()))?;
        let (claims, selective) = described(&description).map_err(malformed)?;
        Ok(Self { description, validator, claims, selective, metadata: Mutex::default() })
    }

    /// Its name, as scopes and paths have it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// What its credentials say in `type`, beside `VerifiableCredential`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.description.kind
    }

    /// For how many days its credentials are valid.
    #[must_use]
    pub fn validity_days(&self) -> u32 {
        self.description.validity_days
    }

    /// What people call it, by language (BCP 47).
    #[must_use]
    pub fn display(&self) -> &BTreeMap<String, Display> {
        &self.description.display
    }

    /// Whether whoever asks brings the whole document, and the type only the schema of its claims and its validity.
    //= specs/vcalm.md#issuing
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.description.open
    }

    /// Whether a request without an idempotency key is known by what it asks for.
    #[must_use]
    pub fn takes_key_from_request(&self) -> bool {
        self.description.key_from_request
    }

    /// The JSON Schema of its claims.
    #[must_use]
    pub fn schema(&self) -> &Value {
        &self.description.schema
    }

    /// Its claims, each after the one that it is in.
    #[must_use]
    pub fn claims(&self) -> &[ClaimDescription] {
        &self.claims
    }

    /// The places of claims that are hidden in the forms that can hide.
    #[must_use]
    pub fn selective(&self) -> &[Place] {
        &self.selective
    }

    /// How many digests that hide nothing an object has in which something may be hidden.
    #[must_use]
    pub const fn decoys(&self) -> usize {
        self.description.decoys
    }

    /// Its Type Metadata, as credentials of the issuer of this URL name them.
    #[must_use]
    pub fn metadata(&self, issuer: &str) -> Arc<TypeMetadata> {
        let mut kept = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, metadata)) = &*kept
            && known == issuer
        {
            return Arc::clone(metadata);
        }
        let metadata = Arc::new(TypeMetadata::of(self, issuer));
        *kept = Some((issuer.into(), Arc::clone(&metadata)));
        metadata
    }

    /// The terms that its JSON-LD context defines.
    pub(crate) fn context(&self) -> &Value {
        &self.description.context
    }

    /// Reads the claims of a credential and checks them against the schema.
    ///
    /// # Errors
    /// The first rule that is broken, and where.
    pub fn check(&self, claims: &str) -> Result<Claims, ClaimsError> {
        // What the verifier would refuse in the finished credential is refused here: duplicate members, fractions.
        let limits = Limits { bytes: MAX_CLAIMS_BYTES, depth: MAX_CLAIMS_DEPTH, values: MAX_CLAIMS_VALUES };
        let claims = Json::parse(claims.as_bytes(), &limits).map_err(|error| {
            let pointer = if error.member.is_empty() { error.member } else { format!("/{}", error.member) };
            ClaimsError { pointer, keyword: "json".into() }
        })?;
        self.admit(to_value(&claims))
    }

    /// Checks claims that were read within the limits against the schema.
    ///
    /// # Errors
    /// The first rule that is broken, and where.
    pub(crate) fn admit(&self, claims: Value) -> Result<Claims, ClaimsError> {
        if self.validator.is_valid(&claims) {
            return Ok(Claims(claims));
        }
        let error = self.validator.iter_errors(&claims).next();
        let (mut pointer, keyword) = error.map_or_else(Default::default, |error| {
            (error.instance_path().as_str().to_owned(), error.kind().keyword().to_owned())
        });
        pointer.truncate(pointer.floor_char_boundary(MAX_POINTER_BYTES));
        Err(ClaimsError { pointer, keyword })
    }
}

/// The claims of the schema, with labels and with what is hidden. A place that is not of the schema would hide nothing: it is
/// refused.
//= specs/credential.md#types
fn described(description: &Description) -> Result<(Vec<ClaimDescription>, Vec<Place>), String> {
    if description.decoys > MAX_DECOYS {
        return Err(format!("its decoys are more than {MAX_DECOYS}"));
    }
    let mut all = claims::of_schema(&description.schema);
    let place_of = |pointer: &str, all: &[ClaimDescription]| {
        let found = all.iter().position(|claim| claim.pointer() == pointer);
        found.ok_or_else(|| format!("{pointer:?} is no claim of its schema"))
    };
    for (pointer, labels) in &description.labels {
        let place = place_of(pointer, &all)?;
        all[place].labels.clone_from(labels);
    }
    let mut places = Vec::new();
    for pointer in &description.selective {
        let place = place_of(pointer, &all)?;
        all[place].selective = true;
        let parsed = Place::parse(pointer).ok_or_else(|| format!("{pointer:?} can not be hidden"))?;
        if places.contains(&parsed) {
            return Err(format!("{pointer:?} is hidden twice"));
        }
        places.push(parsed);
    }
    Ok((all, places))
}

/// Whether claims, which take `bytes` as text, are within what a credential holds.
pub(crate) fn are_within_limits(claims: &Json, bytes: usize) -> bool {
    bytes <= MAX_CLAIMS_BYTES && depth(claims) <= MAX_CLAIMS_DEPTH && values(claims) <= MAX_CLAIMS_VALUES
}

fn depth(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(object) => 1 + object.members().map(|(_name, value)| depth(value)).max().unwrap_or(0),
        Json::Bool(_) | Json::Integer(_) | Json::Null | Json::String(_) => 0,
    }
}

fn values(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Json::Object(object) => 1 + object.members().map(|(_name, value)| values(value)).sum::<usize>(),
        Json::Bool(_) | Json::Integer(_) | Json::Null | Json::String(_) => 1,
    }
}

/// The minimal pass (specs/presentation.md): `specs/credential-types/pass.json`.
const PASS: &str = include_str!("../../specs/credential-types/pass.json");

/// The first type: `specs/credential-types/vaccination.json`.
const VACCINATION: &str = include_str!("../../specs/credential-types/vaccination.json");

/// Longest description of a type in bytes: schema and context of a large one have a few thousand.
const MAX_TYPE_BYTES: u64 = 262_144;

/// Longest name of a type in bytes: it stands in scopes and paths.
const MAX_NAME_BYTES: usize = 64;

/// Most decoys of an object: each takes 61 bytes of the 16,384 of a credential.
const MAX_DECOYS: usize = 16;

/// A hundred years.
const MAX_VALIDITY_DAYS: u32 = 36_525;

/// Longest claims in bytes: in base64url, with all that goes around them, they stay below the 16,384 bytes of a
/// credential (specs/credential.md).
pub const MAX_CLAIMS_BYTES: usize = 10_240;

/// The 16 levels of a credential without that of the credential itself (specs/credential.md).
const MAX_CLAIMS_DEPTH: usize = 15;

/// The 2,048 values of a credential without the 32 at most that go around the claims (specs/credential.md).
const MAX_CLAIMS_VALUES: usize = 2_016;

/// Longest pointer in an error, in bytes: member names come from the caller.
const MAX_POINTER_BYTES: usize = 200;
