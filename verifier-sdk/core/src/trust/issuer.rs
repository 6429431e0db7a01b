//! Pure. Issuers of a trust bundle, their keys, and how far each key is good.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sillok_log::TreeSize;
use sillok_log::entry::{MAX_CUTS, MAX_FIELD_BYTES, Thumbprint};

use super::members::{ObjectText, items, json_array, json_string, refused};
use crate::json::{Json, JsonError, Object};
use crate::key::PublicKey;

/// Somebody whose credentials are believed.
//= specs/trust-bundle.md#issuers
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the issuer composes roots; another member is another version")]
pub struct Issuer {
    /// The issuer URL, as in `issuer` and `iss` of its credentials.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Its keys, at most [`MAX_KEYS`].
    pub keys: Vec<IssuerKey>,
}

/// A key of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the issuer composes roots; another member is another version")]
pub struct IssuerKey {
    /// The public key.
    pub key: PublicKey,
    /// How far it is good.
    pub standing: Standing,
}

/// How far a key is good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the states of specs/trust-bundle.md; a new one must be decided on"
)]
pub enum Standing {
    /// For every leaf.
    Active,
    /// For leaves below its cuts; its owner signs with another key now.
    Retired(Cuts),
    /// For leaves below its cuts; somebody else holds it.
    Compromised(Cuts),
}

/// By origin of a log, the first leaf index that is not good. An origin that is not listed has cut 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    sizes: BTreeMap<String, TreeSize>,
}

impl Cuts {
    /// The cuts of these origins; of an origin named twice the smaller one.
    #[must_use]
    pub fn new(cuts: impl IntoIterator<Item = (String, TreeSize)>) -> Self {
        let mut sizes: BTreeMap<String, TreeSize> = BTreeMap::new();
        for (origin, size) in cuts {
            sizes.entry(origin).and_modify(|known| *known = size.min(*known)).or_insert(size);
        }
        Self { sizes }
    }

    /// The first leaf index of this log that is not good.
    #[must_use]
    pub fn size(&self, origin: &str) -> TreeSize {
        self.sizes.get(origin).copied().unwrap_or_default()
    }

    /// Origins and their cuts, in the order of the origins' bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, TreeSize)> {
        self.sizes.iter().map(|(origin, size)| (origin.as_str(), *size))
    }

    /// Whether no leaf that is beyond `other` is within these.
    fn within(&self, other: &Self) -> bool {
        self.iter().all(|(origin, size)| size <= other.size(origin))
    }
}

impl Standing {
    /// Whether a key that stood like `known` may stand like this later: never better.
    pub(crate) fn may_follow(&self, known: &Self) -> bool {
        match (known, self) {
            (Self::Active, _) => true,
            (Self::Retired(before), Self::Retired(after) | Self::Compromised(after))
            | (Self::Compromised(before), Self::Compromised(after)) => after.within(before),
            (Self::Retired(_), Self::Active) | (Self::Compromised(_), Self::Active | Self::Retired(_)) => {
                false
            }
        }
    }

    /// The members `state` and `cuts` of a key.
    pub(crate) fn read(object: &Object) -> Result<Self, JsonError> {
        let cuts = match object.get("cuts") {
            None => Vec::new(),
            Some(_) => items(object, "cuts", MAX_CUTS, read_cut)?,
        };
        let count = cuts.len();
        let cuts = Cuts::new(cuts);
        if cuts.sizes.len() != count {
            return Err(refused("cuts", "an array of different origins"));
        }
        match object.string("state")? {
            "active" if count == 0 => Ok(Self::Active),
            "active" => Err(refused("cuts", "empty as an active key's is")),
            "compromised" => Ok(Self::Compromised(cuts)),
            "retired" => Ok(Self::Retired(cuts)),
            _other => Err(refused("state", "one of active, retired, compromised")),
        }
    }

    pub(crate) fn write(&self, object: ObjectText) -> ObjectText {
        let (state, cuts) = match self {
            Self::Active => return object.string("state", "active"),
            Self::Compromised(cuts) => ("compromised", cuts),
            Self::Retired(cuts) => ("retired", cuts),
        };
        let cuts = cuts
            .iter()
            .map(|(origin, size)| ObjectText::new().string("origin", origin).number("size", size.0).finish());
        object.string("state", state).json("cuts", &json_array(cuts))
    }
}

fn read_cut(item: &Json) -> Result<(String, TreeSize), JsonError> {
    let object = item.object()?;
    object.expect_only(&["origin", "size"])?;
    Ok((object.string("origin")?.to_string(), TreeSize(object.unsigned("size")?)))
}

impl Issuer {
    /// Its id, and its keys by thumbprint.
    pub(crate) fn believed_keys(&self) -> (String, BTreeMap<Thumbprint, IssuerKey>) {
        let keys = self.keys.iter().map(|key| (key.key.thumbprint(), key.clone()));
        (self.id.clone(), keys.collect())
    }

    pub(crate) fn read(item: &Json) -> Result<Self, JsonError> {
        let object = item.object()?;
        object.expect_only(&["id", "name", "keys"])?;
        let id = object.string("id")?;
        // The ledger names an issuer by a hash with a length prefix of two bytes.
        if id.is_empty() || id.len() > MAX_FIELD_BYTES {
            return Err(refused("id", "a URL of 1 to 65535 bytes"));
        }
        Ok(Self {
            id: id.to_string(),
            name: object.string("name")?.to_string(),
            keys: items(object, "keys", MAX_KEYS, IssuerKey::read)?,
        })
    }

    pub(crate) fn to_json(&self) -> String {
        ObjectText::new()
            .json("id", &json_string(&self.id))
            .json("name", &json_string(&self.name))
            .json("keys", &json_array(self.keys.iter().map(IssuerKey::to_json)))
            .finish()
    }
}

impl IssuerKey {
    fn read(item: &Json) -> Result<Self, JsonError> {
        let object = item.object()?;
        object.expect_only(&["jwk", "state", "cuts"])?;
        let key = PublicKey::from_jwk(object.required("jwk")?)
            .map_err(|_refused| refused("jwk", "a public P-256 or Ed25519 key"))?;
        Ok(Self { key, standing: Standing::read(object)? })
    }

    fn to_json(&self) -> String {
        self.standing.write(ObjectText::new().json("jwk", &self.key.to_jwk_json())).finish()
    }
}

/// Most keys of an issuer (specs/trust-bundle.md, "Issuers").
pub const MAX_KEYS: usize = 16;
