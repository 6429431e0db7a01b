//! Issuing: what happens to the orders of a batch, stage by stage, for all of them together.
//!
//! asked before? (in the handler) → claims fit → slots → composed, signed, checked with our own verifier → intents durable → submitted →
//! receipts checked → results durable → answered. What fails after the intents are durable stays open, and the same
//! leaf is submitted again: by a retry of the client, by the desk, or at the next start.

use std::time::Instant;

use sillok_log::entry::{Entry, ISSUE_TIME_SECONDS};
use sillok_log::receipt::IssueExtra;
use sillok_log::{Hash, LeafIndex, UnixSeconds};
use sillok_verifier::check_composed;

use crate::application::Core;
use crate::compose::{Composition, compose, credential_id, key_prefix};
use crate::error::{Code, Problem};
use crate::ledger::{Author, Outcome, Refused};
use crate::metrics::Stage;
use crate::register::{self, Begin, Done, Intent, IssueNumber, Provenance, Register, RegisterError, Ticket};
use crate::sign::{SignError, SignedJws, Signer, sign_named};
use crate::slots::{Slot, SlotError};
use crate::types::{Claims, CredentialType};

pub(crate) mod document;
mod order;
pub(crate) mod pipeline;

pub use document::Document;
pub(crate) use order::check_key;
pub use order::{Order, Person, WantedType};

/// What is handed over.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The compact JWS, and behind it the disclosures of a form that has them.
    pub credential: String,
    /// The receipt, with its `extra`.
    pub receipt: String,
}

/// A credential that is signed and not yet remembered.
struct Draft {
    ticket: Ticket,
    /// Keeps others from the id that the caller has chosen.
    _id: Option<Ticket>,
    order: Order,
    id: String,
    slot: Slot,
    jws: SignedJws,
    extra: IssueExtra,
    provenance: Provenance,
    entry: Entry,
}

/// A credential that is remembered and to be submitted.
struct Open {
    /// Which order it answers; none when it is finished for nobody.
    position: Option<usize>,
    number: IssueNumber,
    credential: String,
    extra: IssueExtra,
    entry: Entry,
    /// Keeps others from working on it at the same time.
    _ticket: Option<Ticket>,
}

type Answer = Result<Issued, Problem>;

/// Answers the orders of a batch, in their order.
pub(crate) fn run(core: &Core, orders: Vec<Started>) -> Vec<Answer> {
    let now = (core.clock)();
    let mut answers: Vec<Option<Answer>> = orders.iter().map(|_order| None).collect();
    let mut open = Vec::new();
    let mut new = Vec::new();
    for (position, Started { order, begun }) in orders.into_iter().enumerate() {
        match begun {
            Begun::New(ticket) => new.push((position, ticket, order)),
            Begun::Resume(ticket, issued) => open.push(resumed(Some(position), *issued, Some(ticket))),
        }
    }
    let drafts = prepare(core, new, now, &mut answers);
    match remember(core, drafts, now) {
        Ok(remembered) => open.extend(remembered),
        Err((positions, problem)) => {
            positions.into_iter().for_each(|position| answers[position] = Some(Err(problem.clone())));
        }
    }
    for (position, answer) in log(core, open) {
        if let Some(slot) = position.and_then(|position| answers.get_mut(position)) {
            *slot = Some(answer);
        }
    }
    let missing = || Err(Problem::new(Code::Internal, "credential got lost on its way"));
    answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect()
}

/// Submits again what is open: after a crash, and after a time without a log.
///
/// # Errors
/// The register cannot be read, or the log does not answer.
pub(crate) fn resume(core: &Core) -> Result<usize, Problem> {
    let open = core.register.open_numbers();
    // Their credentials are in memory for one submission at a time.
    for numbers in open.chunks(RESUME_BATCH) {
        let intents = numbers.iter().filter_map(|number| core.register.load(*number).transpose());
        let batch =
            intents.map(|issued| Ok(resumed(None, issued?, None))).collect::<Result<_, RegisterError>>();
        let batch = batch.map_err(|error| Problem::internal("reading open intents", &error))?;
        if let Some((_position, Err(problem))) = log(core, batch)
            .into_iter()
            .find(|(_, answer)| matches!(answer, Err(p) if p.code != Code::LedgerRefused))
        {
            return Err(problem);
        }
    }
    Ok(open.len())
}

/// An order that nobody else works on.
pub(crate) struct Started {
    order: Order,
    begun: Begun,
}

enum Begun {
    New(Ticket),
    Resume(Ticket, Box<register::Issued>),
}

/// What a look at the register makes of an order.
pub(crate) enum Looked {
    /// It was answered before: the same bytes again.
    Answered(Issued),
    /// There is work to do.
    Started(Box<Started>),
}

/// Looks an order up: whether it was asked before costs neither a signature nor a place in the queue.
pub(crate) fn look_up(core: &Core, order: Order) -> Result<Looked, Problem> {
    let begun = core.register.begin(&order.client, &order.idempotency_key, &order.digest);
    match begun.map_err(|error| Problem::internal("looking up a request", &error))? {
        // They would pile up for as long as the log is away.
        Begin::New(_) if core.register.open_count() >= core.config.limits.open_intents => {
            Err(Problem::later(
                Code::LedgerUnavailable,
                "as many credentials as may be are waiting for the log",
                OPEN_RETRY_SECONDS,
            ))
        }
        Begin::New(ticket) => Ok(Looked::Started(Box::new(Started { order, begun: Begun::New(ticket) }))),
        Begin::Resume(ticket, issued) => {
            let begun = Begun::Resume(ticket, Box::new(issued));
            Ok(Looked::Started(Box::new(Started { order, begun })))
        }
        Begin::Replay(register::Issued { jws, logged: Some(logged), .. }) => {
            core.metrics.repeated.inc();
            Ok(Looked::Answered(Issued { credential: jws, receipt: logged.receipt }))
        }
        Begin::Replay(_) | Begin::InProgress => Err(Problem::later(
            Code::IdempotencyKeyRunning,
            "first request with this idempotency key is not finished",
            1,
        )),
        Begin::Conflict | Begin::Changed(_) => {
            Err(Problem::new(Code::IdempotencyKeyReused, "idempotency key was used for another request"))
        }
        Begin::Gone => Err(Problem::new(
            Code::CredentialErased,
            "credential was issued for this idempotency key, and what was kept of it has been erased",
        )),
    }
}

/// Checks claims, takes slots, composes and signs. What is refused is answered.
fn prepare(
    core: &Core,
    new: Vec<(usize, Ticket, Order)>,
    now: UnixSeconds,
    answers: &mut [Option<Answer>],
) -> Vec<(usize, Draft)> {
    let began = Instant::now();
    let checked = new.into_iter().map(|(position, ticket, mut order)| {
        let claims = check_claims(core, &mut order);
        (position, ticket, order, claims)
    });
    let mut fitting = Vec::new();
    for (position, ticket, order, claims) in checked {
        match claims {
            Ok((kind, claims)) => fitting.push((position, ticket, order, kind, claims)),
            Err(problem) => answers[position] = Some(Err(problem)),
        }
    }
    let slots = match core.register.slots().take(fitting.len()) {
        Ok(slots) => slots,
        Err(error) => {
            let problem = no_slots(&error);
            fitting.iter().for_each(|(position, ..)| answers[*position] = Some(Err(problem.clone())));
            return Vec::new();
        }
    };
    let signer = match core.signer() {
        Ok(signer) => signer,
        Err(problem) => {
            fitting.iter().for_each(|(position, ..)| answers[*position] = Some(Err(problem.clone())));
            return Vec::new();
        }
    };
    let work = fitting.into_iter().zip(slots);
    let signed = work.map(|((position, ticket, order, kind, claims), slot)| {
        (position, draft(core, signer.as_ref(), (ticket, order), (kind, &claims), slot, now))
    });
    let mut drafts = Vec::new();
    for (position, draft) in signed {
        match draft {
            Ok(draft) => drafts.push((position, draft)),
            Err(problem) => answers[position] = Some(Err(problem)),
        }
    }
    core.metrics.observe(Stage::Sign, began.elapsed());
    drafts
}

fn check_claims<'a>(core: &'a Core, order: &mut Order) -> Result<(&'a CredentialType, Claims), Problem> {
    let kind = core.find_type(&order.wanted_type)?;
    let claims = kind.admit(order.claims.take()).map_err(|error| {
        let detail =
            format!("claim credential/credentialSubject{} breaks the rule {}", error.pointer, error.keyword);
        Problem::new(Code::ClaimsInvalid, detail)
    })?;
    Ok((kind, claims))
}

fn no_slots(error: &SlotError) -> Problem {
    match error {
        SlotError::Full { .. } => Problem::later(Code::QueueFull, "status lists are being extended", 2),
        SlotError::Length { .. } | SlotError::Store(_) | SlotError::UnknownList { .. } => {
            Problem::internal("taking status slots", error)
        }
    }
}

/// Composes, signs, and asks our own verifier.
fn draft(
    core: &Core,
    signer: &dyn Signer,
    (ticket, order): (Ticket, Order),
    (kind, claims): (&CredentialType, &Claims),
    slot: Slot,
    now: UnixSeconds,
) -> Result<Draft, Problem> {
    let (id, claimed) = match order.document.as_ref().and_then(Document::id) {
        Some(id) => (id.to_owned(), Some(document::claim_id(core, id)?)),
        None => (credential_id(&random()?), None),
    };
    let valid_from = order.valid_from(now);
    let issuer = core.config.public_url.as_str();
    let composition = Composition {
        format: order.format,
        issuer,
        issuer_name: &core.config.name,
        kind,
        claims,
        id: &id,
        slot,
        holder: order.holder_key.as_ref(),
        holder_did: order.holder_did.as_deref(),
        valid_from,
    };
    let jws = match &order.document {
        None => sign_composition(signer, &composition)?,
        Some(document) => document.sign(signer, &composition)?,
    };
    // One that is valid later is judged as of then; one that has expired already is refused. The signer has checked its
    // signature; everything else is.
    let key = (signer.thumbprint(), signer.algorithm());
    // An open document may be about a time that is over.
    let as_of = if order.document.is_some() { valid_from } else { now.max(valid_from) };
    check_composed(jws.text().as_bytes(), issuer, key, as_of)
        .map_err(|reason| Problem::new(Code::CredentialRefused, format!("{reason} ({})", reason.code())))?;
    let provenance = Provenance {
        nonce: random()?,
        operator: order.operator.clone(),
        facility: order.facility.clone(),
        source_event: order.source_event.clone(),
    };
    let digest: Hash =
        provenance.digest().map_err(|error| Problem::internal("blinding the provenance", &error))?;
    let hour = UnixSeconds(now.0 - now.0 % ISSUE_TIME_SECONDS);
    let extra = IssueExtra { nonce: random()?, provenance: digest, time: hour };
    let entry = extra.entry(jws.signing_input(), signer.thumbprint());
    Ok(Draft { ticket, _id: claimed, order, id, slot, jws, extra, provenance, entry })
}

/// The text that is handed over, disclosures included.
fn sign_composition(signer: &dyn Signer, of: &Composition<'_>) -> Result<SignedJws, Problem> {
    let mut failed = None;
    let mut salt = || {
        random().unwrap_or_else(|problem| {
            failed = Some(problem);
            [0; 16]
        })
    };
    let composed = compose(of, &mut salt);
    // Before anything that a salt without randomness hides is signed.
    if let Some(problem) = failed {
        return Err(problem);
    }
    let composed = composed.map_err(|error| Problem::new(Code::CredentialRefused, error.to_string()))?;
    let prefix = key_prefix(of.format, of.issuer);
    let signed = sign_named(signer, &composed.payload, of.format.token_type(), prefix.as_deref());
    let signed = signed.map_err(|error| match error {
        SignError::TooLong { .. } => Problem::new(Code::CredentialRefused, error.to_string()),
        other => Problem::internal("signing", &other),
    })?;
    Ok(if of.format.is_selective() { signed.with_disclosures(&composed.disclosures) } else { signed })
}

/// Makes the intents durable: from here on nothing of them is ever composed again.
fn remember(
    core: &Core,
    drafts: Vec<(usize, Draft)>,
    now: UnixSeconds,
) -> Result<Vec<Open>, (Vec<usize>, Problem)> {
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let began = Instant::now();
    let intents = drafts.iter().filter_map(|(_position, draft)| {
        let Entry::Issue(entry) = draft.entry else { return None };
        Some(Intent {
            ticket: Some(&draft.ticket),
            subject: draft.order.person.subject(),
            credential_id: &draft.id,
            slot: draft.slot,
            jws: draft.jws.text(),
            nonce: draft.extra.nonce,
            provenance: &draft.provenance,
            entry,
        })
    });
    let numbers = match core.register.intend(&intents.collect::<Vec<_>>(), now) {
        Ok(numbers) => numbers,
        Err(error) => {
            let positions = drafts.iter().map(|(position, _draft)| *position).collect();
            return Err((positions, Problem::internal("remembering credentials", &error)));
        }
    };
    core.metrics.observe(Stage::Intent, began.elapsed());
    let open = drafts.into_iter().zip(numbers).map(|((position, draft), number)| Open {
        position: Some(position),
        number,
        credential: draft.jws.into_text(),
        extra: draft.extra,
        entry: draft.entry,
        _ticket: Some(draft.ticket),
    });
    Ok(open.collect())
}

fn resumed(position: Option<usize>, issued: register::Issued, ticket: Option<Ticket>) -> Open {
    Open {
        position,
        number: issued.number,
        extra: issued.extra(),
        entry: Entry::Issue(issued.entry),
        credential: issued.jws,
        _ticket: ticket,
    }
}

/// Submits what is remembered, and makes the results durable. One answer for each.
fn log(core: &Core, open: Vec<Open>) -> Vec<(Option<usize>, Answer)> {
    if open.is_empty() {
        return Vec::new();
    }
    let began = Instant::now();
    let entries: Vec<Entry> = open.iter().map(|open| open.entry.clone()).collect();
    let outcomes = match core.ledger.submit(&entries, Author::Issuer, core.ledger.holder_level()) {
        Ok(outcomes) => outcomes,
        Err(error) => {
            core.note_open();
            let problem = Problem::from(error);
            return open.into_iter().map(|open| (open.position, Err(problem.clone()))).collect();
        }
    };
    core.metrics.observe(Stage::Ledger, began.elapsed());
    let began = Instant::now();
    let results: Vec<(Open, Result<Receipted, Refused>)> = open
        .into_iter()
        .zip(outcomes)
        .map(|(open, outcome)| match outcome {
            Outcome::Logged(mut logged) => {
                logged.receipt.extra = Some(open.extra.encode().to_vec());
                (open, Ok(Receipted { leaf: logged.index, receipt: logged.receipt.encode() }))
            }
            Outcome::Refused(refused) => (open, Err(refused)),
        })
        .collect();
    let answers = finish(&core.register, &results, (core.clock)());
    core.metrics.observe(Stage::Done, began.elapsed());
    if results.iter().any(|(_open, result)| result.as_ref().is_err_and(|refused| !is_final(refused))) {
        core.note_open();
    }
    match answers {
        Ok(()) => results
            .into_iter()
            .map(|(open, result)| {
                let answer = result.map(|Receipted { receipt, .. }| {
                    core.metrics.issued.inc();
                    Issued { credential: open.credential, receipt }
                });
                (open.position, answer.map_err(Problem::from))
            })
            .collect(),
        Err(problem) => results.into_iter().map(|(open, _)| (open.position, Err(problem.clone()))).collect(),
    }
}

/// Where a credential is in the log.
struct Receipted {
    leaf: LeafIndex,
    /// With its `extra`.
    receipt: String,
}

/// Remembers what is in the log, and gives up what the log has refused for good.
fn finish(
    register: &Register,
    results: &[(Open, Result<Receipted, Refused>)],
    now: UnixSeconds,
) -> Result<(), Problem> {
    let done: Vec<Done<'_>> = results
        .iter()
        .filter_map(|(open, result)| {
            let Receipted { leaf, receipt } = result.as_ref().ok()?;
            Some(Done { number: open.number, leaf: *leaf, receipt })
        })
        .collect();
    let failed = |error| Problem::internal("remembering receipts", &error);
    if !done.is_empty() {
        register.complete(&done, now).map_err(failed)?;
    }
    let mut refused: Vec<IssueNumber> = Vec::new();
    for (Open { number, .. }, result) in results {
        match result {
            Err(given_up) if is_final(given_up) => refused.push(*number),
            Err(Refused { code, .. }) => {
                tracing::warn!(
                    number = number.0,
                    code,
                    "refused credential stays open and is submitted again"
                );
            }
            Ok(_logged) => {}
        }
    }
    if refused.is_empty() { Ok(()) } else { register.abandon(&refused, now).map_err(failed) }
}

//= specs/entry.md#ledger-rules
/// Whether the log never takes this entry: what it has, and keys that have ended, it never takes back. Any other
/// refusal may be one of today, as of a log whose key events are behind, and giving up would lose a credential.
fn is_final(refused: &Refused) -> bool {
    ["issue.duplicate", "issue.key-not-active"].contains(&refused.code.as_str())
}

fn random<const N: usize>() -> Result<[u8; N], Problem> {
    crate::subjects::random().map_err(|error| Problem::internal("drawing randomness", &error))
}

/// What waits is submitted again about as often.
const OPEN_RETRY_SECONDS: u64 = 15;

/// Open intents that are submitted together: the entries of one submission (specs/log.md).
const RESUME_BATCH: usize = 1_000;
