//! What verifying needs of this issuer, and the shapes of requests and answers.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sillok_log::UnixSeconds;
use sillok_verifier::encoding::decode_base64url;
use sillok_verifier::json::{Json, Limits, Object};
use sillok_verifier::{Memory, Trust, TrustError};

use super::Judged;
use crate::application::Core;
use crate::document::id_of;
use crate::error::{Code, Problem};
use crate::foreign::Finding;
use crate::http::body::{malformed, to_value};
use crate::publish::Rendered;

/// The trust bundle of this issuer, opened once for each that is published.
#[derive(Default)]
pub(crate) struct OwnTrust(Mutex<Option<(String, Arc<Trust>)>>);

impl OwnTrust {
    /// The bundle that is published now.
    pub(crate) fn get(&self, bundle: &Rendered, now: UnixSeconds) -> Result<Arc<Trust>, TrustError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_etag, trust)) = kept.as_ref().filter(|(etag, _trust)| *etag == bundle.etag) {
            return Ok(Arc::clone(trust));
        }
        let (trust, _memory) = Trust::open(&bundle.bytes, None, &Memory::default(), now)?;
        let trust = Arc::new(trust);
        *kept = Some((bundle.etag.clone(), Arc::clone(&trust)));
        Ok(trust)
    }
}

/// The receipt of a credential that was issued here, if this is it to the byte.
pub(super) fn kept_receipt(core: &Core, text: &str) -> Option<String> {
    let token = text.split('~').next()?;
    let id = claims_of(token)?.get("id")?.string().ok()?.to_owned();
    let found = core.register.find(&id)?;
    let issued = match core.register.load(found.number) {
        Ok(issued) => issued?,
        Err(error) => {
            tracing::warn!(%error, "receipt of a credential is not read");
            return None;
        }
    };
    (issued.jws.split('~').next() == Some(token)).then_some(issued.logged?.receipt)
}

/// Whom a token says it is by, before anything of it is checked.
pub(super) fn issuer_of(token: &str) -> Option<String> {
    let claims = claims_of(token)?;
    let issuer = id_of(&claims, "issuer").or_else(|| claims.get("iss")?.string().ok());
    issuer.map(str::to_owned)
}

fn claims_of(token: &str) -> Option<Object> {
    let payload = decode_base64url(token.split('.').nth(1)?.as_bytes())?;
    Json::parse(&payload, &CLAIMS_LIMITS).ok()?.object().ok().cloned()
}

/// The document of a request, which has no members but these.
pub(super) fn secured<'a>(body: &'a Object, member: &str, members: &[&str]) -> Result<&'a Object, Problem> {
    body.expect_only(members).map_err(malformed)?;
    body.object(member).map_err(malformed)
}

/// Options of a request: whatever is not known in them is left alone, as VCALM has it.
pub(super) fn options(body: &Object) -> Result<Option<&Object>, Problem> {
    body.get("options").map(Json::object).transpose().map_err(|error| malformed(error.inside("options")))
}

/// An option that is a text.
pub(super) fn text<'a>(options: Option<&'a Object>, name: &str) -> Result<Option<&'a str>, Problem> {
    let value = options.and_then(|options| options.get(name));
    let text = value.map(Json::string).transpose();
    text.map_err(|error| malformed(error.inside(name).inside("options")))
}

/// The receipt that was handed over with a credential of ours, as `/credentials/issue` gives it: base64 of its text.
pub(super) fn receipt(body: &Object) -> Result<Option<String>, Problem> {
    use base64::Engine as _;
    let Some(value) = body.get("receipt") else { return Ok(None) };
    let text = value.string().map_err(|error| malformed(error.inside("receipt")))?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let refused = || Problem::new(Code::RequestMalformed, "JSON member receipt is not base64 of a receipt");
    text.map(Some).ok_or_else(refused)
}

pub(super) fn echo(document: &Object) -> Value {
    to_value(&Json::Object(document.clone()))
}

/// The answer about one document, or about all that belong together: the worst of them decides.
//= specs/vcalm.md#answers
pub(super) fn summary(judged: &[Judged]) -> Value {
    let findings: Vec<&Finding> = judged.iter().filter_map(|judged| judged.finding.as_ref()).collect();
    let verdict = if findings.is_empty() {
        "valid"
    } else if findings.iter().any(|finding| matches!(finding, Finding::Malformed(_) | Finding::Invalid(_))) {
        "invalid"
    } else {
        "unknown"
    };
    let mut problems: Vec<Value> = findings.iter().map(|finding| problem(finding)).collect();
    if judged.iter().any(|judged| judged.finding.is_none() && judged.logged.is_none()) {
        // Not a reason against it; and whoever reads on knows what the answer rests on.
        problems.push(json!({
            "type": "urn:sillok:problem:foreign.not-logged",
            "title": "not in the log of this issuer",
            "detail": "what others have issued or presented rests on their signatures alone",
        }));
    }
    let mut answer =
        json!({ "verified": findings.is_empty(), "verdict": verdict, "problemDetails": problems });
    if let [Judged { logged: Some((origin, index)), .. }] = judged {
        answer["log"] = json!({ "origin": origin, "index": index });
    }
    answer
}

/// RFC 9457, with the types of W3C VC 2.0 section 7.4 where it has one.
fn problem(finding: &Finding) -> Value {
    let why = finding.why();
    let (kind, title) = match finding {
        Finding::Malformed(_) => (
            "https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR".into(),
            "not what it would have to be",
        ),
        Finding::Invalid(why) if why.code.starts_with("signature.") => {
            ("https://www.w3.org/TR/vc-data-model#CRYPTOGRAPHIC_SECURITY_ERROR".into(), "not valid")
        }
        Finding::Invalid(why) => (format!("urn:sillok:problem:{}", why.code), "not valid"),
        Finding::Unknown(why) => (format!("urn:sillok:problem:{}", why.code), "cannot tell"),
    };
    json!({ "type": kind, "title": title, "detail": why.detail, "code": why.code })
}

/// As of the largest token that is looked at.
const CLAIMS_LIMITS: Limits =
    Limits { bytes: crate::foreign::token::MAX_TOKEN_BYTES, depth: 16, values: 4_096 };
