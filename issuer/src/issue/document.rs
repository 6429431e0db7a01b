//! Documents that callers bring whole, for types that are open: what the data model asks of them is checked, what is the issuer's
//! is filled in, and they are signed and logged like every other credential.

use serde_json::{Map, Value, json};
use sillok_log::UnixSeconds;
use sillok_verifier::encoding::encode_base64url;
use sillok_verifier::json::{Json, Object};
use sillok_verifier::jws::TokenType;
use sillok_verifier::key::PublicKey;

use super::order::{Order, Person, WantedType, canonical, check_key, digest, refuse, text};
use crate::application::Core;
use crate::auth::Caller;
use crate::compose::{ComposeError, Composition, date_time_stamp, status_uri};
use crate::document::{check_credential, check_members, id_of, is_of_type, items};
use crate::error::{Code, Problem};
use crate::format::Format;
use crate::http::body::{malformed, to_value};
use crate::register::{Begin, Ticket};
use crate::sign::{SignError, SignedJws, Signer, sign_compact};
use crate::types::{CredentialType, CredentialTypes, are_within_limits};

/// What a caller says around the claims, checked.
#[derive(Clone)]
pub struct Document {
    /// Its members in their order, the claims with them.
    members: Map<String, Value>,
    /// Whether it is signed as it is: with the caller's own end, or the end of its type.
    ends: bool,
}

impl Document {
    /// The id that the caller has chosen.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.members.get("id")?.as_str()
    }

    /// Composes the payload: the members of the document in their order, and what was not there behind them.
    ///
    /// # Errors
    /// A time beyond the year 9999.
    //= specs/vcalm.md#issuing
    fn compose(&self, of: &Composition<'_>) -> Result<String, ComposeError> {
        let mut payload = self.members.clone();
        let mut fill = |name: &str, value: Value| {
            payload.entry(name).or_insert(value);
        };
        fill("id", of.id.into());
        fill("issuer", json!({ "id": of.issuer, "name": of.issuer_name }));
        fill("iss", of.issuer.into());
        fill("validFrom", date_time_stamp(of.valid_from)?.into());
        if !self.ends {
            let validity = u64::from(of.kind.validity_days()).saturating_mul(DAY_SECONDS);
            let end = UnixSeconds(of.valid_from.0.saturating_add(validity));
            fill("validUntil", date_time_stamp(end)?.into());
        }
        if let Some(key) = of.holder {
            let jwk = serde_json::from_str::<Value>(&key.to_jwk_json());
            fill("cnf", json!({ "jwk": jwk.map_err(|source| ComposeError::Json { source })? }));
        }
        let uri = status_uri(of.issuer, &of.slot);
        //= specs/credential.md#credentialstatus
        let mut statuses: Vec<Value> = ["revocation", "suspension"]
            .map(|purpose| {
                json!({
                    "type": STATUS_TYPE,
                    "statusPurpose": purpose,
                    "statusListIndex": of.slot.index.to_string(),
                    "statusListCredential": format!("{uri}/{purpose}"),
                })
            })
            .into();
        match payload.get_mut("credentialStatus").map(Value::take) {
            Some(Value::Array(others)) => statuses.extend(others),
            Some(other) => statuses.push(other),
            None => {}
        }
        payload.insert("credentialStatus".into(), statuses.into());
        serde_json::to_string(&payload).map_err(|source| ComposeError::Json { source })
    }
}

impl Document {
    /// Signs the document, which has one form: `vc+jwt`.
    pub(super) fn sign(&self, signer: &dyn Signer, of: &Composition<'_>) -> Result<SignedJws, Problem> {
        let payload = self.compose(of);
        let payload = payload.map_err(|error| Problem::new(Code::CredentialRefused, error.to_string()))?;
        sign_compact(signer, &payload, TokenType::CREDENTIAL).map_err(|error| match error {
            SignError::TooLong { .. } => Problem::new(Code::CredentialRefused, error.to_string()),
            other => Problem::internal("signing", &other),
        })
    }
}

/// The open type that a request asks for, if it does.
pub(crate) fn open_type<'a>(types: &'a CredentialTypes, request: &Object) -> Option<&'a CredentialType> {
    let named = request.get("options").and_then(|options| options.get("type"));
    let kind = match named {
        Some(name) => types.get(name.string().ok()?),
        None => {
            let credential = request.get("credential")?.object().ok()?;
            let mut names = items(credential, "type").iter().filter_map(|name| name.string().ok());
            names.find_map(|name| types.find(name))
        }
    };
    kind.filter(|kind| kind.is_open())
}

/// Reads a request for a document of an open type, by an issuer of this URL.
///
/// # Errors
/// The first member that is not as it must be.
//= specs/vcalm.md#issuing
pub(crate) fn read(
    request: &Object,
    caller: &Caller,
    key: Option<&str>,
    (kind, issuer): (&CredentialType, &str),
) -> Result<Order, Problem> {
    let document = request.object("credential").map_err(malformed)?;
    let empty = Json::Object(Object::from_members(Vec::new()).unwrap_or_else(|| document.clone()));
    let options = request.get("options").unwrap_or(&empty).object().map_err(malformed)?;
    options.expect_only(OPTIONS).map_err(|error| malformed(error.inside("options")))?;
    let members = complete(document, issuer)?;
    let claims =
        document.required("credentialSubject").map_err(|error| malformed(error.inside("credential")))?;
    let mut content = canonical(claims);
    if !are_within_limits(claims, content.len()) {
        return Err(Problem::new(
            Code::ClaimsInvalid,
            "claims credential/credentialSubject are more than a credential holds",
        ));
    }
    let subject = match text(options, "options", "subject")? {
        Some(subject) => subject,
        None => subject_of(document)?,
    };
    if subject.is_empty() {
        return Err(refuse("options/subject", "is empty"));
    }
    let holder_key = match options.get("holderKey") {
        None => None,
        Some(jwk) => {
            Some(PublicKey::from_jwk(jwk).map_err(|error| refuse("options/holderKey", &error.to_string()))?)
        }
    };
    let digest = digest(&mut content, document, options);
    let idempotency_key = match key {
        Some(key) => check_key(key)?.to_owned(),
        None if kind.takes_key_from_request() => format!("request {}", encode_base64url(&digest)),
        None => return Err(Problem::new(Code::IdempotencyKeyMissing, "header Idempotency-Key is missing")),
    };
    Ok(Order {
        client: caller.client.clone(),
        operator: caller.operator.clone(),
        idempotency_key,
        digest,
        wanted_type: WantedType::Name(kind.name().into()),
        claims: to_value(claims),
        valid_from: text(document, "credential", "validFrom")?,
        holder_key,
        person: Person::Named(subject),
        facility: text(options, "options", "facility")?.unwrap_or_default(),
        source_event: text(options, "options", "sourceEvent")?.unwrap_or_default(),
        format: Format::VcJwt,
        holder_did: None,
        document: Some(Document { ends: document.get("validUntil").is_some(), members }),
    })
}

/// Checks a document with its issuer in it.
fn complete(document: &Object, issuer: &str) -> Result<Map<String, Value>, Problem> {
    let reserved = document.members().map(|(name, _value)| name).find(|name| RESERVED.contains(name));
    if let Some(name) = reserved {
        return Err(refuse(
            &format!("credential/{name}"),
            "is the issuer's to write, or another's signature",
        ));
    }
    let mut members: Vec<(String, Json)> =
        document.members().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    if document.get("issuer").is_none() {
        members.push(("issuer".into(), Json::String(issuer.into())));
    }
    let whole = Object::from_members(members).ok_or_else(|| refuse("credential", "has a member twice"))?;
    check_credential(&whole).and_then(|()| check_members(&whole)).map_err(|error| {
        Problem::new(Code::RequestMalformed, format!("credential is no document of VC 2.0: {error}"))
    })?;
    if id_of(&whole, "issuer") != Some(issuer) {
        return Err(refuse("credential/issuer", "is not this issuer"));
    }
    if document.get("id").and_then(|id| id.string().ok()).is_some_and(|id| id.len() > MAX_ID_BYTES) {
        return Err(refuse("credential/id", &format!("is longer than {MAX_ID_BYTES} bytes")));
    }
    if !matches!(document.get("type"), Some(Json::Array(_))) {
        return Err(refuse("credential/type", "is not an array"));
    }
    let statuses = items(document, "credentialStatus").iter().filter_map(|status| status.object().ok());
    for status in statuses {
        if is_of_type(status, STATUS_TYPE) {
            return Err(refuse(
                "credential/credentialStatus",
                "has an entry for a status list, which is the issuer's",
            ));
        }
    }
    Ok(document.members().map(|(name, value)| (name.to_owned(), to_value(value))).collect())
}

/// Whom a document is about by itself.
fn subject_of(document: &Object) -> Result<String, Problem> {
    let subjects = items(document, "credentialSubject");
    let mut ids = subjects.iter().filter_map(|subject| subject.get("id")?.string().ok());
    match (ids.next(), subjects.len()) {
        (Some(id), 1) if id.len() <= MAX_ID_BYTES => Ok(id.into()),
        (Some(_), 1) => Err(refuse("credential/credentialSubject/id", "is too long to name a subject by")),
        _none_or_many => {
            Err(refuse("options/subject", "is missing, and the document has not one subject with an id"))
        }
    }
}

/// Keeps everybody else from an id until the ticket is dropped.
///
/// # Errors
/// Another credential has it, or is about to.
pub(super) fn claim_id(core: &Core, id: &str) -> Result<Ticket, Problem> {
    let taken =
        || Problem::new(Code::CredentialRefused, "another credential has the id that is in credential/id");
    // No client has an empty name: this is nobody's idempotency key.
    let begun = core.register.begin("", id, &[0; 32]);
    match begun.map_err(|error| Problem::internal("looking up an id", &error))? {
        Begin::New(ticket) if core.register.find(id).is_none() => Ok(ticket),
        _known => Err(taken()),
    }
}

const OPTIONS: &[&str] = &["facility", "holderKey", "sourceEvent", "subject", "type"];

/// Claims of the JWT and of SD-JWT, and proofs.
const RESERVED: &[&str] = &[
    "_sd", "_sd_alg", "aud", "cnf", "exp", "iat", "iss", "jti", "nbf", "proof", "status", "sub", "vc", "vct",
    "vp", "...",
];

const STATUS_TYPE: &str = "BitstringStatusListEntry";

const DAY_SECONDS: u64 = 86_400;

/// As `options/subject`, and as an id that is to be revoked.
const MAX_ID_BYTES: usize = 256;
