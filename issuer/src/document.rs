//! Pure. Documents of the W3C data model by anybody: the rules that every credential and presentation of VC 2.0 keeps, those
//! of JSON-LD that can be known without fetching among them.
//!
//! # In scope
//! Form, terms that are defined and not redefined, digests of resources that are known here, presentations.
//!
//! # Out of scope
//! Who signed, whether it is in the log, whether its dates are good today. What is in a context that is not known here: it is
//! never fetched, and whatever it may define counts as defined.

use std::fmt;

use sillok_verifier::credential::{CredentialError, check_base_context, check_document, is_url};
use sillok_verifier::json::{Json, Object};

mod resources;
mod terms;

use terms::Terms;

/// Checks a credential, secured or not.
///
/// # Errors
/// The first rule that it breaks.
//= specs/vcalm.md#documents
pub fn check_credential(document: &Object) -> Result<(), DocumentError> {
    check_document(document)?;
    let terms = Terms::of(document)?;
    check_types(document, "VerifiableCredential", &terms)?;
    for member in TYPED_MEMBERS {
        for item in items(document, member).iter().filter_map(|item| item.object().ok()) {
            terms.check_names(item, member)?;
        }
    }
    resources::check(document)
}

/// Checks that each member of a credential means something by name: in the base context, or in another of the document. A
/// vocabulary for whatever has no name is not enough to be signed by us.
///
/// # Errors
/// A member that no context defines, or a context of another form.
//= specs/vcalm.md#issuing
pub fn check_members(document: &Object) -> Result<(), DocumentError> {
    let terms = Terms::of(document)?;
    let known =
        |name: &str| name.starts_with('@') || CLAIMS.contains(&name) || terms.names_in_credentials(name);
    if document.members().all(|(name, _value)| known(name)) {
        Ok(())
    } else {
        Err(broken("", "has a member that no context defines by name"))
    }
}

/// Checks a presentation, secured or not, but for the credentials in it.
///
/// # Errors
/// The first rule that it breaks.
//= specs/vcalm.md#documents
pub fn check_presentation(document: &Object) -> Result<(), DocumentError> {
    check_base_context(document)?;
    let terms = Terms::of(document)?;
    check_types(document, "VerifiablePresentation", &terms)?;
    check_url(document, "id")?;
    match document.get("holder") {
        None => {}
        Some(Json::Object(holder)) if holder.get("id").is_some() => check_url(holder, "id")?,
        Some(Json::String(holder)) if is_url(holder) => {}
        Some(_) => return Err(broken("holder", "is neither a URL nor an object whose id is one")),
    }
    if items(document, CREDENTIALS).iter().any(|item| item.object().is_err()) {
        return Err(broken(CREDENTIALS, "holds something that is not an object"));
    }
    Ok(())
}

/// The credentials in a presentation.
pub fn credentials(presentation: &Object) -> &[Json] {
    items(presentation, CREDENTIALS)
}

/// Whether a `type`, which is a name or an array of names, has this name.
#[must_use]
pub fn is_of_type(document: &Object, name: &str) -> bool {
    items(document, "type").iter().any(|item| item.string().ok() == Some(name))
}

/// The id in a member that is a URL, or an object with an `id`.
#[must_use]
pub fn id_of<'a>(document: &'a Object, member: &str) -> Option<&'a str> {
    let value = document.get(member)?;
    value.string().or_else(|_object| value.object()?.string("id")).ok()
}

/// A member that is one value or an array of values, as values.
pub(crate) fn items<'a>(document: &'a Object, member: &str) -> &'a [Json] {
    match document.get(member) {
        Some(Json::Array(items)) => items,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
}

fn check_types(document: &Object, required: &'static str, terms: &Terms<'_>) -> Result<(), DocumentError> {
    if !is_of_type(document, required) {
        let rule = if required == "VerifiableCredential" {
            "lacks VerifiableCredential"
        } else {
            "lacks VerifiablePresentation"
        };
        return Err(broken("type", rule));
    }
    terms.check_names(document, "type")
}

fn check_url(document: &Object, member: &'static str) -> Result<(), DocumentError> {
    match document.get(member) {
        None => Ok(()),
        Some(value) if value.string().is_ok_and(is_url) => Ok(()),
        Some(_) => Err(broken(member, "is not an absolute URL")),
    }
}

const fn broken(member: &'static str, rule: &'static str) -> DocumentError {
    DocumentError { member, rule }
}

/// Which rule a document breaks. It repeats nothing of the document: what stands there is personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentError {
    /// The member; empty for the document itself.
    pub member: &'static str,
    /// What is wrong with it, as the end of a sentence.
    pub rule: &'static str,
}

impl From<CredentialError> for DocumentError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Nonconforming { member, rule } => Self { member, rule },
            _ => Self { member: "issuer", rule: "is not the one that is claimed" },
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { member: "", rule } => write!(f, "document {rule}"),
            Self { member, rule } => write!(f, "document member {member} {rule}"),
        }
    }
}

impl std::error::Error for DocumentError {}

/// What a token says about itself beside the document.
const CLAIMS: [&str; 8] = ["aud", "cnf", "exp", "iat", "iss", "jti", "nbf", "sub"];

const CREDENTIALS: &str = "verifiableCredential";

/// Whose `type` must be there (W3C VC 2.0 section 4.5, table).
const TYPED_MEMBERS: [&str; 5] =
    ["credentialSchema", "credentialStatus", "evidence", "refreshService", "termsOfUse"];

#[cfg(test)]
mod tests;
