//! Pure. The document that disclosures lead to (RFC 9901 section 7.1, step 3).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::{Disclosure, DisclosureError, DisclosureKind};
use crate::json::{Json, Object};
use crate::jws::JSON_LIMITS;

/// Where a document may hide something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// Anywhere, as RFC 9901 has it.
    Anywhere,
    /// Only inside the member of this name.
    Inside(&'static str),
    /// Anywhere but in the members of these names, which no disclosure may bring in either.
    Outside(&'static [&'static str]),
}

/// Puts the disclosures into the payload of an SD-JWT whose signature was checked, and takes out all that only serves to hide.
///
/// # Errors
/// In the order in which the document is gone through: what breaks specs/presentation.md, "Disclosures".
//= specs/presentation.md#disclosures
pub fn reveal(payload: &Json, disclosures: &[&[u8]], hidden: Hidden) -> Result<Json, DisclosureError> {
    let mut search = Search { at_hand: BTreeMap::new(), seen: BTreeSet::new() };
    for text in disclosures {
        let disclosure = Disclosure::parse(text)?;
        if search.at_hand.insert(Disclosure::digest(text), disclosure).is_some() {
            return Err(DisclosureError::Repeated);
        }
    }
    let claims = payload.object().map_err(|_another| DisclosureError::Nonconforming)?.clone();
    let mut members = claims.into_members();
    if let Some(place) = members.iter().position(|(name, _value)| name == ALGORITHM)
        && members.remove(place).1.string() != Ok(SHA_256)
    {
        return Err(DisclosureError::Nonconforming);
    }
    let claims = match hidden {
        Hidden::Anywhere => search.object(members, 1)?,
        Hidden::Inside(open) => {
            let mut processed = Vec::with_capacity(members.len());
            for (name, value) in members {
                let value = if name == open {
                    search.value(value, 2)?
                } else if name == DIGESTS || name == ITEM || hides(&value) {
                    return Err(DisclosureError::Nonconforming);
                } else {
                    value
                };
                processed.push((name, value));
            }
            object(processed)?
        }
        Hidden::Outside(clear) => {
            let (mut processed, rest): (Vec<_>, Vec<_>) =
                members.into_iter().partition(|(name, _value)| clear.contains(&name.as_str()));
            if processed.iter().any(|(_name, value)| hides(value)) {
                return Err(DisclosureError::Nonconforming);
            }
            let Json::Object(shown) = search.object(rest, 1)? else {
                return Err(DisclosureError::Nonconforming);
            };
            let shown = shown.into_members();
            if shown.iter().any(|(name, _value)| clear.contains(&name.as_str())) {
                return Err(DisclosureError::ForbiddenName);
            }
            processed.extend(shown);
            object(processed)?
        }
    };
    if search.at_hand.is_empty() { Ok(claims) } else { Err(DisclosureError::Unreferenced) }
}

/// What is left of the disclosures, and which digests have been met.
struct Search {
    at_hand: BTreeMap<String, Disclosure>,
    seen: BTreeSet<String>,
}

impl Search {
    /// `depth` counts arrays and objects from the document's own, which is 1.
    fn value(&mut self, value: Json, depth: usize) -> Result<Json, DisclosureError> {
        match value {
            Json::Object(object) => self.object(object.into_members(), depth),
            Json::Array(items) => self.array(items, depth),
            Json::Bool(_) | Json::Integer(_) | Json::Null | Json::String(_) => Ok(value),
        }
    }

    fn object(&mut self, members: Vec<(String, Json)>, depth: usize) -> Result<Json, DisclosureError> {
        let inner = deeper(depth)?;
        let mut processed = Vec::with_capacity(members.len());
        let mut digests = Vec::new();
        for (name, value) in members {
            match (name.as_str(), value) {
                (DIGESTS, Json::Array(items)) => digests = items,
                (DIGESTS | ITEM, _value) => return Err(DisclosureError::Nonconforming),
                (_name, value) => {
                    let value = self.value(value, inner)?;
                    processed.push((name, value));
                }
            }
        }
        for digest in digests {
            let Json::String(digest) = digest else { return Err(DisclosureError::Nonconforming) };
            let Some(disclosure) = self.take(digest)? else { continue };
            let (DisclosureKind::Member(name), value) = disclosure.into_parts() else {
                return Err(DisclosureError::Malformed);
            };
            if name == DIGESTS || name == ITEM {
                return Err(DisclosureError::ForbiddenName);
            }
            if processed.iter().any(|(known, _value)| *known == name) {
                return Err(DisclosureError::Overwrites);
            }
            let value = self.value(value, inner)?;
            processed.push((name, value));
        }
        object(processed)
    }

    fn array(&mut self, items: Vec<Json>, depth: usize) -> Result<Json, DisclosureError> {
        let inner = deeper(depth)?;
        let mut processed = Vec::with_capacity(items.len());
        for item in items {
            let value = match hidden_item(&item) {
                None => item,
                Some(digest) => match self.take(digest.into())?.map(Disclosure::into_parts) {
                    None => continue,
                    Some((DisclosureKind::Item, value)) => value,
                    Some((DisclosureKind::Member(_), _value)) => return Err(DisclosureError::Malformed),
                },
            };
            processed.push(self.value(value, inner)?);
        }
        Ok(Json::Array(processed))
    }

    /// The disclosure of a digest, if it is at hand.
    fn take(&mut self, digest: String) -> Result<Option<Disclosure>, DisclosureError> {
        let disclosure = self.at_hand.remove(&digest);
        if self.seen.insert(digest) { Ok(disclosure) } else { Err(DisclosureError::Repeated) }
    }
}

/// The digest of an item that is hidden.
fn hidden_item(item: &Json) -> Option<&str> {
    let mut members = item.object().ok()?.members();
    match (members.next(), members.next()) {
        (Some((ITEM, digest)), None) => digest.string().ok(),
        _another => None,
    }
}

/// Whether a value has one of the reserved names anywhere. It was parsed within limits, which bound the recursion.
pub(super) fn hides(value: &Json) -> bool {
    match value {
        Json::Object(object) => {
            object.members().any(|(name, value)| name == DIGESTS || name == ITEM || hides(value))
        }
        Json::Array(items) => items.iter().any(hides),
        Json::Bool(_) | Json::Integer(_) | Json::Null | Json::String(_) => false,
    }
}

/// Whether a payload and these disclosures, which [`reveal`] has taken, have more digests than there are disclosures. A digest
/// that only pretends to hide something counts as well: nobody can tell.
pub(crate) fn hides_more(payload: &Json, disclosures: &[&[u8]]) -> bool {
    let disclosed = disclosures.iter().filter_map(|text| Disclosure::parse(text).ok());
    let inside: usize = disclosed.map(|disclosure| digests(disclosure.value())).sum();
    digests(payload).saturating_add(inside) > disclosures.len()
}

fn digests(value: &Json) -> usize {
    match value {
        Json::Object(object) => {
            let each = object.members().map(|(name, value)| match name {
                DIGESTS => value.array().map_or(0, <[Json]>::len),
                ITEM => 1,
                _ => digests(value),
            });
            each.sum()
        }
        Json::Array(items) => items.iter().map(digests).sum(),
        Json::Bool(_) | Json::Integer(_) | Json::Null | Json::String(_) => 0,
    }
}

/// Disclosures in disclosures nest as deeply as their sender likes: this is what bounds the recursion.
const fn deeper(depth: usize) -> Result<usize, DisclosureError> {
    if depth > JSON_LIMITS.depth { Err(DisclosureError::Malformed) } else { Ok(depth.saturating_add(1)) }
}

fn object(members: Vec<(String, Json)>) -> Result<Json, DisclosureError> {
    Object::from_members(members).map(Json::Object).ok_or(DisclosureError::Overwrites)
}

/// Digests of hidden members (RFC 9901 section 4.2.4.1).
pub(super) const DIGESTS: &str = "_sd";

/// Digest of a hidden item (RFC 9901 section 4.2.4.2).
pub(super) const ITEM: &str = "...";

/// Which hash the digests are of (RFC 9901 section 4.1.1); absent: this one.
const ALGORITHM: &str = "_sd_alg";

/// The only one.
const SHA_256: &str = "sha-256";
