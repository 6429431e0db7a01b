//! Pure. The issuer's side: values are taken out of a document and digests put in their place.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use super::reveal::{DIGESTS, ITEM, hides};
use super::{Disclosure, DisclosureKind};
use crate::encoding::encode_base64url;
use crate::json::{Json, Object};

/// A value in which something is hidden, and what shows it. No `Debug`: it is about a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Concealed {
    /// What is signed.
    pub value: Json,
    /// The texts of the disclosures, in the order of what they are of.
    pub disclosures: Vec<String>,
}

/// Hides the members of these names. `salt` is called once for each, and gives 128 new random bits. What is inside them
/// is hidden first, by another call; `None` if a name is not there, or is reserved.
///
/// The digests are sorted, so that they do not tell the order of the members (RFC 9901 section 4.2.4.1).
#[must_use]
pub fn conceal_members(
    object: &Object,
    names: &[&str],
    salt: &mut dyn FnMut() -> [u8; 16],
) -> Option<Concealed> {
    let is_hidden = |name: &str| names.contains(&name);
    if names.iter().any(|name| [DIGESTS, ITEM].contains(name) || object.get(name).is_none()) {
        return None;
    }
    let (mut members, mut digests, mut disclosures) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in object.members() {
        if is_hidden(name) {
            let text = Disclosure::compose(&salt(), &DisclosureKind::Member(name.into()), value);
            digests.push(Disclosure::digest(text.as_bytes()));
            disclosures.push(text);
        } else if name == DIGESTS {
            // Hidden by a call before this one.
            let known = value.array().ok()?.iter().map(|digest| digest.string().map(String::from));
            digests.extend(known.collect::<Result<Vec<_>, _>>().ok()?);
        } else {
            members.push((name.into(), value.clone()));
        }
    }
    digests.sort_unstable();
    if !digests.is_empty() {
        members.push((DIGESTS.into(), Json::Array(digests.into_iter().map(Json::String).collect())));
    }
    Some(Concealed { value: Json::Object(Object::from_members(members)?), disclosures })
}

/// Hides every item of an array, each by itself; `salt` as in [`conceal_members`].
#[must_use]
pub fn conceal_items(items: &[Json], salt: &mut dyn FnMut() -> [u8; 16]) -> Concealed {
    let disclosures: Vec<String> =
        items.iter().map(|item| Disclosure::compose(&salt(), &DisclosureKind::Item, item)).collect();
    let hidden = |text: &String| {
        let digest = Json::String(Disclosure::digest(text.as_bytes()));
        // One member: no name twice.
        Object::from_members(vec![(ITEM.into(), digest)]).map_or(Json::Null, Json::Object)
    };
    Concealed { value: Json::Array(disclosures.iter().map(hidden).collect()), disclosures }
}

/// Where a document hides something: a JSON Pointer (RFC 6901) in which `*` is each item of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Items,
    Member(String),
}

impl Place {
    /// Reads a place; `None` for a text that is none, or that names a member with a reserved name.
    //= specs/credential.md#types
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let steps = text.strip_prefix('/')?.split('/').map(|step| {
            if step == "*" {
                return Some(Step::Items);
            }
            let escapes_are_some = step.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
            let name = step.replace("~1", "/").replace("~0", "~");
            let is_name = escapes_are_some && !name.is_empty() && ![DIGESTS, ITEM].contains(&name.as_str());
            is_name.then_some(Step::Member(name))
        });
        let steps: Vec<Step> = steps.collect::<Option<_>>()?;
        (steps.len() <= MAX_STEPS).then_some(Self(steps))
    }

    /// The names of members on the way; `None` for each item of an array.
    pub fn steps(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter().map(|step| match step {
            Step::Items => None,
            Step::Member(name) => Some(name.as_str()),
        })
    }
}

/// Hides what is at these places of a document, each value by itself, a value inside another that is hidden as well. Places that the
/// document does not have hide nothing. An object that may hide members has as many digests as there are names that it may hide, and
/// `decoys` more, so that their number tells nothing. `random` gives 128 new random bits at each call.
///
/// `None` if the document uses a reserved name.
#[must_use]
pub fn conceal(
    document: &Json,
    places: &[Place],
    decoys: usize,
    random: &mut dyn FnMut() -> [u8; 16],
) -> Option<Concealed> {
    if hides(document) {
        return None;
    }
    let mut work = Conceal { decoys, random, disclosures: Vec::new() };
    let steps: Vec<&[Step]> = places.iter().map(|place| place.0.as_slice()).collect();
    let value = work.value(document, &steps)?;
    Some(Concealed { value, disclosures: work.disclosures })
}

struct Conceal<'r> {
    decoys: usize,
    random: &'r mut dyn FnMut() -> [u8; 16],
    disclosures: Vec<String>,
}

impl Conceal<'_> {
    /// `places` are what is left of the places at this value.
    fn value(&mut self, value: &Json, places: &[&[Step]]) -> Option<Json> {
        match value {
            Json::Array(items) => self.items(items, places),
            Json::Object(object) => self.object(object, places),
            Json::Bool(_) | Json::Integer(_) | Json::Null | Json::String(_) => Some(value.clone()),
        }
    }

    fn object(&mut self, object: &Object, places: &[&[Step]]) -> Option<Json> {
        let mut hideable: Vec<&str> = places
            .iter()
            .filter_map(|place| match place {
                [Step::Member(name)] => Some(name.as_str()),
                _further => None,
            })
            .collect();
        hideable.sort_unstable();
        hideable.dedup();
        let (mut members, mut digests) = (Vec::new(), Vec::new());
        for (name, value) in object.members() {
            let below: Vec<&[Step]> = places
                .iter()
                .filter_map(|place| match place.split_first() {
                    Some((Step::Member(own), rest)) if own == name && !rest.is_empty() => Some(rest),
                    _elsewhere => None,
                })
                .collect();
            let value = self.value(value, &below)?;
            if hideable.contains(&name) {
                digests.push(self.disclose(&DisclosureKind::Member(name.into()), &value));
            } else {
                members.push((name.into(), value));
            }
        }
        if !hideable.is_empty() {
            let count = hideable.len().saturating_add(self.decoys);
            while digests.len() < count {
                digests.push(encode_base64url(&Sha256::digest((self.random)())));
            }
            digests.sort_unstable();
            members.push((DIGESTS.into(), Json::Array(digests.into_iter().map(Json::String).collect())));
        }
        Object::from_members(members).map(Json::Object)
    }

    fn items(&mut self, items: &[Json], places: &[&[Step]]) -> Option<Json> {
        let at_items = places.iter().filter_map(|place| match place.split_first() {
            Some((Step::Items, rest)) => Some(rest),
            _elsewhere => None,
        });
        let (here, below): (Vec<&[Step]>, Vec<&[Step]>) = at_items.partition(|rest| rest.is_empty());
        let mut shown = Vec::with_capacity(items.len());
        for item in items {
            let item = self.value(item, &below)?;
            shown.push(if here.is_empty() {
                item
            } else {
                let digest = self.disclose(&DisclosureKind::Item, &item);
                Json::Object(Object::from_members(vec![(ITEM.into(), Json::String(digest))])?)
            });
        }
        Some(Json::Array(shown))
    }

    /// The digest of a new disclosure.
    fn disclose(&mut self, kind: &DisclosureKind, value: &Json) -> String {
        let text = Disclosure::compose(&(self.random)(), kind, value);
        let digest = Disclosure::digest(text.as_bytes());
        self.disclosures.push(text);
        digest
    }
}

/// As deep as a credential (specs/credential.md, "Limits").
const MAX_STEPS: usize = 16;
