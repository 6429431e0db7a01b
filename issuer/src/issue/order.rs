//! What a client asks for, read from its JSON. Every problem names the member.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sillok_log::UnixSeconds;
use sillok_verifier::datetime::parse_date_time_stamp;
use sillok_verifier::json::{Json, Object};
use sillok_verifier::key::PublicKey;

use super::document::Document;
use crate::auth::Caller;
use crate::error::{Code, Problem};
use crate::format::{self, Format};
use crate::http::body::{malformed, to_value};
use crate::register::Subject;
use crate::subjects::SubjectSlot;
use crate::types::are_within_limits;

/// One credential to issue.
#[derive(Clone)]
pub struct Order {
    /// Who asks.
    pub client: String,
    /// Who operates the client.
    pub operator: String,
    /// The idempotency key.
    pub idempotency_key: String,
    /// Digest of what is asked for, so that a key is not used for two requests.
    pub digest: [u8; 32],
    /// Name of the credential type, in `options.type` or by the credential's own `type`.
    pub wanted_type: WantedType,
    /// The claims, within the limits of a credential.
    pub claims: Value,
    /// From when on the credential is valid; now if absent.
    pub valid_from: Option<String>,
    /// The form that is handed out.
    pub format: Format,
    /// The holder's key.
    pub holder_key: Option<PublicKey>,
    /// The id, a DID, under which the holder's wallet knows that key.
    pub holder_did: Option<String>,
    /// Whom it is about.
    pub person: Person,
    /// Where it was recorded.
    pub facility: String,
    /// By which event.
    pub source_event: String,
    /// The document around the claims, if its type is open.
    pub document: Option<Document>,
}

/// Whom a credential is about.
#[derive(Clone)]
pub enum Person {
    /// Somebody for whom something is kept.
    Known(SubjectSlot),
    /// As the authority names persons.
    Named(String),
}

impl Person {
    /// For the register.
    pub(crate) fn subject(&self) -> Subject<'_> {
        match self {
            Self::Known(slot) => Subject::Known(*slot),
            Self::Named(name) => Subject::Named(name),
        }
    }
}

/// How the type is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedType {
    /// By the name of its file.
    Name(String),
    /// By the value in `type`.
    Type(String),
}

impl Order {
    /// Reads the body of a request, or the same members of an item of a batch.
    ///
    /// # Errors
    /// The first member that is not as it must be.
    pub(crate) fn read(request: &Object, caller: &Caller, idempotency_key: &str) -> Result<Self, Problem> {
        let credential = request.object("credential").map_err(malformed)?;
        credential
            .expect_only(&["@context", "credentialSubject", "type", "validFrom"])
            .map_err(|error| malformed(error.inside("credential")))?;
        let claims = credential
            .required("credentialSubject")
            .map_err(|error| malformed(error.inside("credential")))?;
        claims.object().map_err(|error| malformed(error.inside("credentialSubject").inside("credential")))?;
        let mut content = canonical(claims);
        if !are_within_limits(claims, content.len()) {
            let detail = "claims credential/credentialSubject are more than a credential holds";
            return Err(Problem::new(Code::ClaimsInvalid, detail));
        }
        check_context(credential)?;
        let options = request.object("options").map_err(malformed)?;
        options
            .expect_only(&["facility", "format", "holderDid", "holderKey", "sourceEvent", "subject", "type"])
            .map_err(|error| malformed(error.inside("options")))?;
        let subject =
            text(options, "options", "subject")?.ok_or_else(|| refuse("options/subject", "is missing"))?;
        if subject.is_empty() {
            return Err(refuse("options/subject", "is empty"));
        }
        let holder_key = match options.get("holderKey") {
            None => None,
            Some(jwk) => Some(
                PublicKey::from_jwk(jwk).map_err(|error| refuse("options/holderKey", &error.to_string()))?,
            ),
        };
        let holder_did = holder_did(options)?;
        let valid_from = text(credential, "credential", "validFrom")?;
        if valid_from.as_deref().is_some_and(|time| parse_date_time_stamp(time).is_none()) {
            return Err(refuse("credential/validFrom", "is no xsd:dateTimeStamp"));
        }
        Ok(Self {
            client: caller.client.clone(),
            operator: caller.operator.clone(),
            idempotency_key: check_key(idempotency_key)?.into(),
            digest: digest(&mut content, credential, options),
            wanted_type: wanted_type(credential, options)?,
            claims: to_value(claims),
            valid_from,
            format: format::read(text(options, "options", "format")?.as_deref())?,
            holder_key,
            holder_did,
            person: Person::Named(subject),
            facility: text(options, "options", "facility")?.unwrap_or_default(),
            source_event: text(options, "options", "sourceEvent")?.unwrap_or_default(),
            document: None,
        })
    }

    /// When the credential becomes valid, for a request made `now`.
    #[must_use]
    pub fn valid_from(&self, now: UnixSeconds) -> UnixSeconds {
        self.valid_from.as_deref().and_then(parse_date_time_stamp).unwrap_or(now)
    }
}

/// 1 to 128 printable ASCII characters.
///
/// # Errors
/// Another key.
pub(crate) fn check_key(key: &str) -> Result<&str, Problem> {
    let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if key.is_empty() || key.len() > MAX_KEY_BYTES || !printable {
        return Err(Problem::new(
            Code::IdempotencyKeyMalformed,
            format!("idempotency key has not 1 to {MAX_KEY_BYTES} printable ASCII characters"),
        ));
    }
    Ok(key)
}

pub(super) fn refuse(member: &str, problem: &str) -> Problem {
    Problem::new(Code::RequestMalformed, format!("JSON member {member} {problem}"))
}

/// A member that is a string of bounded length, or absent.
pub(super) fn text(object: &Object, place: &str, name: &str) -> Result<Option<String>, Problem> {
    let Some(value) = object.get(name) else { return Ok(None) };
    let text = value.string().map_err(|error| malformed(error.inside(name).inside(place)))?;
    if text.len() > MAX_TEXT_BYTES {
        return Err(refuse(&format!("{place}/{name}"), &format!("is longer than {MAX_TEXT_BYTES} bytes")));
    }
    Ok(Some(text.into()))
}

/// The DID of the holder's key, which only means something beside the key.
fn holder_did(options: &Object) -> Result<Option<String>, Problem> {
    let Some(did) = options.get("holderDid") else { return Ok(None) };
    let did = did.string().map_err(|error| malformed(error.inside("holderDid").inside("options")))?;
    let plain = |c: u8| c.is_ascii_alphanumeric() || b".:_%-".contains(&c);
    if did.len() > MAX_DID_BYTES || !did.starts_with("did:") || !did.bytes().all(plain) {
        return Err(refuse("options/holderDid", &format!("is no DID of at most {MAX_DID_BYTES} bytes")));
    }
    if options.get("holderKey").is_none() {
        return Err(refuse("options/holderDid", "is there without holderKey"));
    }
    Ok(Some(did.into()))
}

/// The issuer writes the context; a client that sends one must mean the same.
fn check_context(credential: &Object) -> Result<(), Problem> {
    let Some(context) = credential.get("@context") else { return Ok(()) };
    let items = context.array().map_err(|error| malformed(error.inside("@context").inside("credential")))?;
    match items.first() {
        Some(Json::String(first)) if first == BASE_CONTEXT => Ok(()),
        Some(_) | None => Err(refuse("credential/@context", &format!("does not begin with {BASE_CONTEXT}"))),
    }
}

fn wanted_type(credential: &Object, options: &Object) -> Result<WantedType, Problem> {
    let types = credential.array("type").map_err(|error| malformed(error.inside("credential")))?;
    let mut own = None;
    for (position, item) in types.iter().enumerate() {
        let place = format!("credential/type/{position}");
        match item.string().map_err(|error| malformed(error.inside(&place)))? {
            "VerifiableCredential" => {}
            other if own.is_none() => own = Some(other.to_owned()),
            _ => {
                return Err(refuse(
                    &place,
                    "is a second type; a credential has one besides VerifiableCredential",
                ));
            }
        }
    }
    match (text(options, "options", "type")?, own) {
        (Some(name), _) => Ok(WantedType::Name(name)),
        (None, Some(own)) => Ok(WantedType::Type(own)),
        (None, None) => Err(refuse("credential/type", "names no type besides VerifiableCredential")),
    }
}

/// Digest of the parsed request, of whose claims `text` is the canonical text: neither white space nor the order of
/// members makes another one.
pub(super) fn digest(text: &mut String, credential: &Object, options: &Object) -> [u8; 32] {
    let mut ends = [text.len(), 0, 0];
    push_members(credential, &["credentialSubject"], text);
    ends[1] = text.len();
    push_members(options, &[], text);
    ends[2] = text.len();
    let mut hash = Sha256::new();
    ends.iter().for_each(|end| hash.update((*end as u64).to_be_bytes()));
    hash.update(text);
    hash.finalize().into()
}

/// One text for equal values: members in the order of their names, no white space.
pub(super) fn canonical(json: &Json) -> String {
    let mut text = String::with_capacity(TYPICAL_BYTES);
    push(json, &mut text);
    text
}

fn push(json: &Json, text: &mut String) {
    match json {
        Json::Array(items) => {
            text.push('[');
            for item in items {
                push(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Json::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Json::Integer(number) => text.push_str(&number.to_string()),
        Json::Null => text.push_str("null"),
        Json::Object(object) => push_members(object, &[], text),
        Json::String(value) => push_string(value, text),
    }
}

fn push_members(object: &Object, except: &[&str], text: &mut String) {
    let mut members: Vec<_> = object.members().filter(|(name, _value)| !except.contains(name)).collect();
    members.sort_unstable_by_key(|(name, _value)| *name);
    text.push('{');
    for (name, value) in members {
        push_string(name, text);
        push(value, text);
        text.push(',');
    }
    text.push('}');
}

/// With its length before it, so that nothing has to be escaped.
fn push_string(value: &str, text: &mut String) {
    text.push_str(&value.len().to_string());
    text.push('"');
    text.push_str(value);
}

const BASE_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";

/// Longest idempotency key in bytes: a UUID takes 36.
const MAX_KEY_BYTES: usize = 128;

/// Longest subject, facility or event in bytes.
const MAX_TEXT_BYTES: usize = 256;

/// Longest DID of a holder in bytes: did:jwk of a P-256 key takes about 250.
const MAX_DID_BYTES: usize = 1_024;

/// Claims of a person with a few doses take some hundred bytes.
const TYPICAL_BYTES: usize = 1_024;
