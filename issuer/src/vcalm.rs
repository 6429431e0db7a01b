//! Verifying what somebody hands in, by the names and shapes of VCALM: our own credentials with everything that a door asks, and
//! those of others as far as they can be verified without a network.
//!
//! # In scope
//! Envelopes, which of the two it is, presentations and what is in them, the answer.
//!
//! # Out of scope
//! Tokens and proofs of others ([`crate::foreign`]), the rules of the data model ([`crate::document`]).

use std::sync::Arc;

use serde_json::Value;
use sillok_log::UnixSeconds;
use sillok_verifier::json::{Json, Object};
use sillok_verifier::{Evidence, Holder, Memory, Policy, Verdict, verify};

use crate::application::Core;
use crate::document::{self, is_of_type};
use crate::error::Problem;
use crate::foreign::Finding;
use crate::foreign::envelope::{Envelope, check, check_validity};
use crate::foreign::proofs::{Asked, Proved};
use crate::foreign::token::Content;

mod own;

pub(crate) use own::OwnTrust;

/// What is asked, and when.
#[derive(Clone, Copy)]
struct Question<'a> {
    core: &'a Core,
    asked: Asked<'a>,
    /// Of our own credential, when its holder hands it in.
    receipt: Option<&'a str>,
    now: UnixSeconds,
}

/// What is known of one document.
struct Judged {
    /// Why it is not verified; it is if there is none.
    finding: Option<Finding>,
    /// Where it is in the log, if it is one of ours.
    logged: Option<(String, u64)>,
}

impl From<Finding> for Judged {
    fn from(finding: Finding) -> Self {
        Self { finding: Some(finding), logged: None }
    }
}

/// What is left to do about a document.
enum Step {
    Done(Judged),
    /// Everything but the signature is in order.
    Proof(Proved),
}

/// The answer to a request: its status and its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// Answers `POST /credentials/verify`. It blocks.
///
/// # Errors
/// The body is not what the interface describes.
//= specs/vcalm.md#verifying
pub(crate) fn verify_credential(core: &Arc<Core>, body: &Object) -> Result<Answer, Problem> {
    let (member, options) = ("verifiableCredential", own::options(body)?);
    let secured = own::secured(body, member, &[member, "options", "receipt"])?;
    let receipt = own::receipt(body)?;
    let (asked, now) = (Asked::default(), (core.clock)());
    let question = Question { core, asked, receipt: receipt.as_deref(), now };
    let judged = judge(question, vec![examine(question, secured, Content::Credential)]).pop();
    let judged =
        judged.unwrap_or_else(|| Finding::unknown("credential.malformed", "nothing was judged").into());
    let mut answer = describe(&judged);
    if options.is_some_and(|options| options.get("returnCredential") == Some(&Json::Bool(true))) {
        answer[member] = own::echo(secured);
    }
    Ok(Answer { status: status_of([&judged]), body: answer })
}

/// Answers `POST /presentations/verify`. It blocks.
///
/// # Errors
/// The body is not what the interface describes.
//= specs/vcalm.md#presentations
pub(crate) fn verify_presentation(core: &Arc<Core>, body: &Object) -> Result<Answer, Problem> {
    let (member, options) = ("verifiablePresentation", own::options(body)?);
    let secured = own::secured(body, member, &[member, "options"])?;
    let asked = Asked { challenge: own::text(options, "challenge")?, domain: own::text(options, "domain")? };
    let question = Question { core, asked, receipt: None, now: (core.clock)() };
    let (inner, whole) = match open_presentation(question, secured) {
        Ok((document, step)) => (document, step),
        Err(finding) => (None, Step::Done(finding.into())),
    };
    let credentials = inner.as_ref().map_or(&[][..], document::credentials);
    let mut steps = vec![whole];
    if credentials.len() > MAX_CREDENTIALS {
        let detail = format!("presentation holds more than {MAX_CREDENTIALS} credentials");
        steps = vec![Step::Done(Finding::malformed("presentation.too-large", detail).into())];
    } else {
        // A challenge is for the presentation; what is in it was signed before there was one.
        let question = Question { asked: Asked::default(), ..question };
        steps.extend(credentials.iter().map(|item| match item.object() {
            Ok(item) => examine(question, item, Content::Credential),
            Err(_another) => {
                Step::Done(Finding::malformed("credential.malformed", "credential is not an object").into())
            }
        }));
    }
    let judged = judge(question, steps);
    let (whole, credentials) = judged.split_at(1);
    let mut answer = own::summary(&judged);
    answer["presentationResult"] = whole.iter().map(describe).collect();
    answer["credentialResults"] = credentials.iter().map(describe).collect();
    if options.is_some_and(|options| options.get("returnPresentation") == Some(&Json::Bool(true))) {
        answer[member] = own::echo(secured);
    }
    Ok(Answer { status: status_of(&judged), body: answer })
}

/// Looks at everything but signatures of proofs.
fn examine(question: Question<'_>, secured: &Object, content: Content) -> Step {
    let step = if is_of_type(secured, Envelope::type_name(content)) {
        Envelope::parse(secured, content)
            .and_then(|envelope| credential_token(question, &envelope).map(Step::Done))
    } else {
        check(secured, content)
            .and_then(|()| proved(question, secured, content))
            .and_then(|proved| check_validity(secured, question.now).map(|()| Step::Proof(proved)))
            .and_then(|step| match secured.get("credentialStatus") {
                None => Ok(step),
                Some(_) => Err(Finding::unknown(
                    "status.not-checked",
                    "status of another's credential is not looked up here",
                )),
            })
    };
    step.unwrap_or_else(|finding| Step::Done(finding.into()))
}

/// The presentation inside what was handed in, whose credentials are to be looked at too, and what is left to do about it.
fn open_presentation(question: Question<'_>, secured: &Object) -> Result<(Option<Object>, Step), Finding> {
    let content = Content::Presentation;
    if !is_of_type(secured, Envelope::type_name(content)) {
        check(secured, content)?;
        let step = proved(question, secured, content).map(Step::Proof);
        return Ok((Some(secured.clone()), step.unwrap_or_else(|finding| Step::Done(finding.into()))));
    }
    let Question { core, asked, now, .. } = question;
    let document =
        Envelope::parse(secured, content)?.presentation(&core.config.foreign_issuers, asked, now)?;
    Ok((Some(document), Step::Done(Judged { finding: None, logged: None })))
}

fn proved(question: Question<'_>, secured: &Object, content: Content) -> Result<Proved, Finding> {
    if secured.get("proof").is_none() {
        return Err(Finding::malformed("document.unsecured", "document has neither a proof nor an envelope"));
    }
    Proved::read(secured, content, question.asked, question.now)
}

/// Judges the token of a credential: ours, or another's.
fn credential_token(question: Question<'_>, envelope: &Envelope<'_>) -> Result<Judged, Finding> {
    let token = envelope.text.split('~').next().unwrap_or_default();
    let config = &question.core.config;
    if own::issuer_of(token).as_deref() == Some(&config.public_url) {
        return Ok(own_credential(question, envelope.text));
    }
    envelope.credential(&config.foreign_issuers, question.now)?;
    Ok(Judged { finding: None, logged: None })
}

/// Our own credential, as a door would judge it: with its receipt, or the one that is in our register.
//= specs/vcalm.md#verifying
fn own_credential(question: Question<'_>, text: &str) -> Judged {
    let Question { core, now, .. } = question;
    let trust = match core.own_trust.get(&core.publication().bundle, now) {
        Ok(trust) => trust,
        Err(error) => return Finding::unknown(error.code(), &error).into(),
    };
    let kept = if question.receipt.is_none() { own::kept_receipt(core, text) } else { None };
    let receipt = question.receipt.or(kept.as_deref()).map(str::as_bytes);
    let evidence = Evidence { credential: text.as_bytes(), receipt, statuses: &[] };
    let policy = Policy::new(Holder::NotAsked);
    let (verdict, _memory) = verify(&evidence, &trust, &Memory::default(), &policy, now);
    match verdict {
        Verdict::Valid(facts) => Judged { finding: None, logged: Some((facts.origin, facts.index.0)) },
        Verdict::Invalid(reason) => Finding::invalid(reason.code(), reason).into(),
        Verdict::Unknown(reason) => Finding::unknown(reason.code(), reason).into(),
    }
}

/// Does what is left to do.
fn judge(question: Question<'_>, steps: Vec<Step>) -> Vec<Judged> {
    let proofs: Vec<Proved> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Proof(proved) => Some(proved.clone()),
            Step::Done(_) => None,
        })
        .collect();
    let mut results = if proofs.is_empty() {
        Vec::new()
    } else {
        let failed = |finding: Finding| proofs.iter().map(|_proof| Err(finding.clone())).collect();
        question.core.proofs.verify(&proofs).unwrap_or_else(failed)
    }
    .into_iter();
    steps
        .into_iter()
        .map(|step| match step {
            Step::Done(judged) => judged,
            Step::Proof(_) => {
                let result = results.next().unwrap_or(Ok(()));
                Judged { finding: result.err(), logged: None }
            }
        })
        .collect()
}

fn describe(judged: &Judged) -> Value {
    own::summary(std::slice::from_ref(judged))
}

/// 400 for what could not be looked at (VCALM: invalid or malformed input), 200 for what was, whatever came of it.
fn status_of<'a>(judged: impl IntoIterator<Item = &'a Judged>) -> u16 {
    let malformed = |judged: &Judged| matches!(judged.finding, Some(Finding::Malformed(_)));
    if judged.into_iter().any(malformed) { 400 } else { 200 }
}

/// Credentials in a presentation: a family at a border, twice.
const MAX_CREDENTIALS: usize = 16;
