//! Pure. The issuer's side: values are taken out of a document and digests put in their place.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::reveal::{DIGESTS, ITEM};
use super::{Disclosure, DisclosureKind};
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
