//! Pure. The terms that a document's contexts define, as far as they are known here, and what may not be done to them (JSON-LD
//! 1.1 sections 4.1 and 9.5).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sillok_verifier::credential::is_url;
use sillok_verifier::json::{Json, Limits, Object};

use super::{DocumentError, broken, items};

/// What the names in a document stand for.
#[derive(Clone, Default)]
pub(super) struct Terms<'a> {
    /// By name, the definition, and whether it may be replaced no more.
    defined: BTreeMap<&'a str, Definition<'a>>,
    /// Whether names without a definition have a vocabulary.
    vocabulary: bool,
    /// Whether a context is not known here: it may define anything.
    unknown: bool,
}

#[derive(Clone, Copy)]
struct Definition<'a> {
    value: &'a Json,
    protected: bool,
}

impl<'a> Terms<'a> {
    /// The terms at the top of a document, whose context has the form it must have; those further inside are checked too.
    pub(super) fn of(document: &'a Object) -> Result<Self, DocumentError> {
        let mut terms = Self::default();
        for item in items(document, "@context") {
            terms.check_scoped(item)?;
            terms.take(item)?;
        }
        for (name, value) in document.members().filter(|(name, _value)| *name != "@context") {
            terms.check_inside(name, value)?;
        }
        Ok(terms)
    }

    /// Checks that a context at the top does not define anew what the base context defines for the types of documents. JSON-LD
    /// would prefer those definitions; a reader that takes members by their names would not know that it has to.
    fn check_scoped(&self, context: &Json) -> Result<(), DocumentError> {
        for scoped in SCOPES.iter().filter_map(|kind| self.scoped(kind)) {
            let Json::Object(context) = context else { break };
            let differs = |(name, value): (&str, &Json)| scoped.get(name).is_some_and(|known| known != value);
            if context.members().filter(|(name, _value)| !name.starts_with('@')).any(differs) {
                return Err(broken("@context", "redefines a protected term"));
            }
        }
        Ok(())
    }

    /// What is defined for a type.
    fn scoped(&self, kind: &str) -> Option<&Json> {
        self.defined.get(kind)?.value.get("@context")
    }

    /// Takes in one context.
    fn take(&mut self, context: &'a Json) -> Result<(), DocumentError> {
        match context {
            Json::String(url) => match KNOWN.iter().find(|(known, _context)| known == url) {
                Some((_url, Some(context))) => self.take_object(context),
                Some(_) | None => {
                    self.unknown = true;
                    Ok(())
                }
            },
            Json::Object(context) => self.take_object(context),
            // `null` takes protected terms away, and nothing else is a context.
            Json::Array(_) | Json::Bool(_) | Json::Integer(_) | Json::Null => {
                Err(broken("@context", "holds neither a URL nor an object"))
            }
        }
    }

    fn take_object(&mut self, context: &'a Object) -> Result<(), DocumentError> {
        if context.get("@import").is_some() {
            return Err(broken("@context", "imports another, which is never fetched"));
        }
        match context.get("@vocab") {
            None => {}
            Some(Json::Null) => self.vocabulary = false,
            Some(Json::String(vocabulary)) if vocabulary.is_empty() || is_url(vocabulary) => {
                self.vocabulary = true;
            }
            Some(_) => return Err(broken("@context", "has a vocabulary that is not a URL")),
        }
        let protects = context.get("@protected") == Some(&Json::Bool(true));
        for (name, value) in context.members().filter(|(name, _value)| !name.starts_with('@')) {
            let own = value.get("@protected");
            let protected = own.map_or(protects, |own| *own == Json::Bool(true));
            match self.defined.get(name) {
                Some(known) if known.protected && known.value != value => {
                    return Err(broken("@context", "redefines a protected term"));
                }
                Some(known) if known.protected => {}
                Some(_) | None => {
                    self.defined.insert(name, Definition { value, protected });
                }
            }
        }
        Ok(())
    }

    /// Contexts inside the document keep the same rule: none of them replaces what is protected above it.
    fn check_inside(&self, name: &str, value: &'a Json) -> Result<(), DocumentError> {
        // The contents of enveloped and embedded credentials are documents of their own.
        if name == "verifiableCredential" {
            return Ok(());
        }
        match value {
            Json::Array(values) => values.iter().try_for_each(|value| self.check_inside(name, value)),
            Json::Object(object) => {
                let mut terms = None;
                for item in items(object, "@context") {
                    terms.get_or_insert_with(|| self.clone()).take(item)?;
                }
                let terms = terms.as_ref().unwrap_or(self);
                let members = object.members().filter(|(name, _value)| *name != "@context");
                members.into_iter().try_for_each(|(name, value)| terms.check_inside(name, value))
            }
            Json::Bool(_) | Json::Integer(_) | Json::Null | Json::String(_) => Ok(()),
        }
    }

    /// Checks the names in the `type` of an object: each is a URL, or a term that stands for one.
    pub(super) fn check_names(&self, object: &Object, member: &'static str) -> Result<(), DocumentError> {
        for name in items(object, "type") {
            let name = name.string().map_err(|_error| broken(member, "has a type that is not a name"))?;
            if !self.maps(name) {
                return Err(broken(member, "has a type that no context maps to a URL"));
            }
        }
        Ok(())
    }

    /// Whether a member of a credential is defined: at the top of a context, or for the type.
    pub(super) fn names_in_credentials(&self, name: &str) -> bool {
        self.unknown
            || self.defined.contains_key(name)
            || self.scoped("VerifiableCredential").is_some_and(|scoped| scoped.get(name).is_some())
            || (is_url(name) || self.is_compact(name))
    }

    fn maps(&self, name: &str) -> bool {
        match self.defined.get(name) {
            Some(definition) => self.identifier(definition.value).is_some_and(|id| self.is_identifier(id)),
            None if is_url(name) || self.is_compact(name) => true,
            None => {
                (self.vocabulary || self.unknown) && !name.is_empty() && !name.contains(char::is_whitespace)
            }
        }
    }

    /// What a definition says that its term stands for.
    fn identifier<'b>(&self, definition: &'b Json) -> Option<&'b str> {
        match definition {
            Json::String(id) => Some(id),
            Json::Object(object) => match object.get("@id") {
                Some(id) => id.string().ok(),
                // By the vocabulary, then.
                None => self.vocabulary.then_some("@type"),
            },
            Json::Array(_) | Json::Bool(_) | Json::Integer(_) | Json::Null => None,
        }
    }

    fn is_identifier(&self, id: &str) -> bool {
        id.starts_with('@')
            || is_url(id)
            || self.is_compact(id)
            || (self.vocabulary && !id.contains(char::is_whitespace))
    }

    /// Whether a name begins with a prefix that is defined (JSON-LD 1.1 section 4.1.5).
    fn is_compact(&self, name: &str) -> bool {
        let prefix = name.split_once(':').filter(|(_prefix, rest)| !rest.starts_with("//"));
        let definition = prefix.and_then(|(prefix, _rest)| self.defined.get(prefix));
        definition.and_then(|definition| self.identifier(definition.value)).is_some_and(is_url)
    }
}

/// The contexts that are known here, by URL. One that could not be read would be one that is not known.
static KNOWN: LazyLock<[(&str, Option<Object>); 2]> = LazyLock::new(|| {
    [
        ("https://www.w3.org/ns/credentials/v2", read(include_bytes!("contexts/credentials-v2.json"))),
        ("https://www.w3.org/ns/credentials/examples/v2", read(include_bytes!("contexts/examples-v2.json"))),
    ]
});

fn read(text: &[u8]) -> Option<Object> {
    Json::parse(text, &CONTEXT_LIMITS).ok()?.object().ok()?.object("@context").ok().cloned()
}

/// The types of documents.
const SCOPES: [&str; 2] = ["VerifiableCredential", "VerifiablePresentation"];

/// Of the files beside this one.
const CONTEXT_LIMITS: Limits = Limits { bytes: 65_536, depth: 16, values: 2_048 };
