//! What the VC-JOSE-COSE suite runs for each of its tests: issue or verify one file with one key, and say how it went.
//!
//! Documents are checked, hidden and verified by the product's code; signing with whatever key the suite gives is done here, by
//! josekit, since the product signs with its own keys alone.

use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use josekit::jwk::Jwk;
use josekit::jws::{ES256, ES384, ES512, EdDSA, JwsSigner};
use serde_json::{Map, Value, json};
use sillok_issuer::document::{check_credential, check_members, check_presentation, credentials};
use sillok_issuer::foreign::Finding;
use sillok_issuer::foreign::envelope::Envelope;
use sillok_issuer::foreign::keys::{ForeignIssuer, ForeignKey};
use sillok_issuer::foreign::proofs::Asked;
use sillok_issuer::foreign::token::{Content, Encoding};
use sillok_log::UnixSeconds;
use sillok_verifier::json::{Json, Limits, Object};
use sillok_verifier::jws::{compact, signing_input};
use sillok_verifier::sd_jwt::{Concealed, Disclosure, DisclosureKind, conceal_members, issue};

/// One call by the suite.
struct Call {
    issues: bool,
    input: PathBuf,
    key: PathBuf,
    output: PathBuf,
    content: Content,
    disclosures: bool,
    /// What to hide: `credentialSubject.address.street`, `verifiableCredential[0]`.
    hidden: Vec<String>,
    now: UnixSeconds,
}

/// Does what a command line of the suite says: `adapter --now SECONDS compose … run --rm NAME issue|verify --input …`.
///
/// # Errors
/// A command line of another form, or a file that cannot be read or written: what the suite's documents make of it is a result.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let call = Call::parse(arguments)?;
    let outcome = if call.issues { call.issue() } else { call.verify() };
    let (result, data) = match outcome {
        Ok(data) => ("success", data),
        Err(why) => {
            println!("adapter: {why:#}");
            ("failure", String::new())
        }
    };
    let text = json!({ "result": result, "data": data }).to_string();
    fs::write(&call.output, text).with_context(|| format!("write {}", call.output.display()))
}

impl Call {
    fn parse(arguments: &[String]) -> Result<Self> {
        let value = |name: &str| {
            let place = arguments.iter().position(|argument| argument == name)?;
            arguments.get(place + 1).map(String::as_str)
        };
        let required = |name: &str| value(name).ok_or_else(|| anyhow!("flag {name} is missing"));
        // The suite names paths as its containers see them.
        let path = |name: &str| required(name).map(|path| PathBuf::from(format!(".{path}")));
        let (content, disclosures) = match required("--feature")? {
            "credential_jose" => (Content::Credential, false),
            "credential_sdjwt" => (Content::Credential, true),
            "presentation_jose" => (Content::Presentation, false),
            "presentation_sdjwt" => (Content::Presentation, true),
            other => bail!("feature {other} is not ours"),
        };
        Ok(Self {
            issues: arguments.iter().any(|argument| argument == "issue"),
            input: path("--input")?,
            key: path("--key")?,
            output: path("--output")?,
            content,
            disclosures,
            hidden: value("--sd").map_or(Ok(Vec::new()), serde_json::from_str).context("read --sd")?,
            now: UnixSeconds(required("--now")?.parse().context("read --now")?),
        })
    }

    fn typ(&self) -> (&'static str, &'static str) {
        match (self.content, self.disclosures) {
            (Content::Credential, false) => ("vc+jwt", "vc"),
            (Content::Credential, true) => ("vc+sd-jwt", "vc"),
            (Content::Presentation, false) => ("vp+jwt", "vp"),
            (Content::Presentation, true) => ("vp+sd-jwt", "vp"),
        }
    }

    fn issue(&self) -> Result<String> {
        let document = read(&self.input)?;
        match self.content {
            // What is in a presentation is the holder's to choose and the verifier's to check.
            Content::Presentation => check_presentation(&document)?,
            Content::Credential => {
                check_credential(&document)?;
                check_members(&document)?;
            }
        }
        let method = read(&self.key)?;
        let paths = self.hidden.iter().map(|path| steps(path)).collect::<Result<Vec<_>>>()?;
        let mut disclosures = Vec::new();
        let mut payload = Json::Object(document);
        if self.disclosures {
            ensure!(!paths.is_empty(), "there is nothing to hide");
            payload = conceal(&payload, &paths, &mut disclosures)?;
        }
        let key_id = method.string("id")?;
        let (typ, cty) = self.typ();
        let secret = to_value(method.required("secretKeyJwk")?);
        let signer = signer(&secret)?;
        let header = json!({ "alg": signer.algorithm().name(), "typ": typ, "cty": cty, "kid": key_id });
        let mut payload = to_value(&payload);
        if self.disclosures {
            payload["_sd_alg"] = "sha-256".into();
        }
        let input = signing_input(&header.to_string(), &payload.to_string());
        let mut text = compact(&input, &signer.sign(input.as_bytes())?);
        if self.disclosures {
            text = issue(&text, &disclosures);
        }
        // What we issue we verify, but for a status that nobody keeps.
        match self.check(&text) {
            Ok(_) => Ok(text),
            Err(Finding::Unknown(why)) if why.code == "status.not-checked" => Ok(text),
            Err(finding) => Err(failed(finding)),
        }
    }

    fn verify(&self) -> Result<String> {
        let text =
            fs::read_to_string(&self.input).with_context(|| format!("read {}", self.input.display()))?;
        let document = self.check(text.trim()).map_err(failed)?;
        if self.content == Content::Presentation {
            for (place, item) in credentials(&document).iter().enumerate() {
                let item = item.object()?;
                let judged = Envelope::parse(item, Content::Credential)
                    .and_then(|envelope| envelope.credential(&self.known()?, self.now));
                match judged {
                    Ok(_document) => {}
                    // The suite asks about the presentation: COSE, which is not ours, is in one of them.
                    Err(Finding::Unknown(why)) => {
                        println!("adapter: credential {place} cannot be told: {}", why.detail)
                    }
                    Err(finding) => bail!("credential {place}: {}", finding.why().detail),
                }
            }
        }
        Ok(to_value(&Json::Object(document)).to_string())
    }

    fn check(&self, text: &str) -> Result<Object, Finding> {
        let envelope = Envelope { encoding: Encoding::Document { disclosures: self.disclosures }, text };
        let known = self.known()?;
        match self.content {
            Content::Credential => envelope.credential(&known, self.now),
            Content::Presentation => envelope.presentation(&known, Asked::default(), self.now),
        }
    }

    /// The key that the suite gives, and the other keys of its controller, for what is inside a presentation.
    fn known(&self) -> Result<Vec<ForeignIssuer>, Finding> {
        let malformed =
            |error: &dyn std::fmt::Display| Finding::malformed("key.malformed", error.to_string());
        let mut files = vec![self.key.clone()];
        if self.content == Content::Presentation {
            let folder = self.key.parent().unwrap_or_else(|| Path::new("."));
            let found =
                fs::read_dir(folder).map_err(|error| malformed(&error))?.flatten().map(|entry| entry.path());
            files.extend(found.filter(|path| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vm-"))
            }));
        }
        let mut known: Vec<ForeignIssuer> = Vec::new();
        for file in files {
            let method = read(&file).map_err(|error| malformed(&error))?;
            let jwk = method.object("publicKeyJwk").map_err(|error| malformed(&error))?;
            let key = ForeignKey::from_jwk(jwk).map_err(|error| malformed(&error))?;
            let text = |object: &Object, name: &str| object.string(name).unwrap_or_default().to_owned();
            let (id, name) = (text(&method, "controller"), text(&method, "id"));
            let keys = [(Some(name), key.clone()), (Some(text(jwk, "kid")), key)];
            match known.iter_mut().find(|issuer| issuer.id == id) {
                Some(issuer) => issuer.keys.extend(keys),
                None => known.push(ForeignIssuer { id, keys: keys.into() }),
            }
        }
        Ok(known)
    }
}

fn failed(finding: Finding) -> anyhow::Error {
    anyhow!("{}: {}", finding.why().code, finding.why().detail)
}

fn read(path: &Path) -> Result<Object> {
    let text = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    Ok(Json::parse(&text, &LIMITS)?.object()?.clone())
}

/// The signer of a secret key, by the one algorithm of its kind.
fn signer(secret: &Value) -> Result<Box<dyn JwsSigner>> {
    let curve = secret["crv"].as_str().unwrap_or_default().to_owned();
    let members: Map<String, Value> = secret.as_object().cloned().context("secretKeyJwk is not an object")?;
    let jwk = Jwk::from_map(members)?;
    Ok(match curve.as_str() {
        "P-256" => Box::new(ES256.signer_from_jwk(&jwk)?),
        "P-384" => Box::new(ES384.signer_from_jwk(&jwk)?),
        "P-521" => Box::new(ES512.signer_from_jwk(&jwk)?),
        "Ed25519" => Box::new(EdDSA.signer_from_jwk(&jwk)?),
        other => bail!("curve {other} is not ours"),
    })
}

/// One step of a path: a member or an item.
#[derive(Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

fn steps(path: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, places) = part.split_once('[').unwrap_or((part, ""));
        steps.push(Step::Member(name.into()));
        for place in places.split('[').filter(|place| !place.is_empty()) {
            let place = place.strip_suffix(']').with_context(|| format!("path {path} lacks a bracket"))?;
            steps.push(Step::Item(
                place.parse().with_context(|| format!("path {path} has a place that is no number"))?,
            ));
        }
    }
    Ok(steps)
}

/// Hides what the paths lead to, from the inside to the outside.
fn conceal(value: &Json, paths: &[Vec<Step>], disclosures: &mut Vec<String>) -> Result<Json> {
    let below = |step: &Step| -> Vec<Vec<Step>> {
        let rests =
            paths.iter().filter(|path| path.first() == Some(step)).map(|path| path.split_at(1).1.to_vec());
        rests.filter(|rest| !rest.is_empty()).collect()
    };
    let ends = |step: &Step| paths.iter().any(|path| path.as_slice() == std::slice::from_ref(step));
    match value {
        Json::Object(object) => {
            let mut members = Vec::new();
            let mut names = Vec::new();
            for (name, value) in object.members() {
                let step = Step::Member(name.into());
                let inner = below(&step);
                let value =
                    if inner.is_empty() { value.clone() } else { conceal(value, &inner, disclosures)? };
                members.push((name.to_owned(), value));
                if ends(&step) {
                    names.push(name);
                }
            }
            let object = Object::from_members(members).context("a member is there twice")?;
            let salts = names.iter().map(|_name| random()).collect::<Result<Vec<_>, _>>()?;
            let mut salts = salts.into_iter();
            let mut salt = || salts.next().unwrap_or_default();
            let hidden = conceal_members(&object, &names, &mut salt).context("a name is reserved")?;
            let Concealed { value, disclosures: own } = hidden;
            disclosures.extend(own);
            Ok(value)
        }
        Json::Array(values) => {
            let mut items = Vec::new();
            for (place, value) in values.iter().enumerate() {
                let step = Step::Item(place);
                let inner = below(&step);
                let value =
                    if inner.is_empty() { value.clone() } else { conceal(value, &inner, disclosures)? };
                if ends(&step) {
                    let text = Disclosure::compose(&random()?, &DisclosureKind::Item, &value);
                    let digest = Json::String(Disclosure::digest(text.as_bytes()));
                    disclosures.push(text);
                    let item = Object::from_members(vec![("...".into(), digest)]).context("one member")?;
                    items.push(Json::Object(item));
                } else {
                    items.push(value);
                }
            }
            Ok(Json::Array(items))
        }
        Json::Bool(_) | Json::Integer(_) | Json::Null | Json::String(_) => bail!("a path leads into a value"),
    }
}

fn random() -> std::io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn to_value(json: &Json) -> Value {
    match json {
        Json::Array(items) => Value::Array(items.iter().map(to_value).collect()),
        Json::Bool(value) => Value::Bool(*value),
        Json::Integer(number) => Value::from(*number),
        Json::Null => Value::Null,
        Json::Object(object) => {
            Value::Object(object.members().map(|(name, value)| (name.to_owned(), to_value(value))).collect())
        }
        Json::String(text) => Value::String(text.clone()),
    }
}

/// Of the suite's files.
const LIMITS: Limits = Limits { bytes: 65_536, depth: 16, values: 4_096 };
