//! Asks one witness to cosign a checkpoint of this log, and looks closer when its answer cannot be.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sillok_log::TreeSize;
use sillok_log::evidence::{self, Claim, Prefix};
use sillok_log::note::VerifierKey;
use sillok_log::policy::Policy;
use sillok_log::witness::{MAX_REQUEST_BYTES, Next, Reply, Request, cosignatures, next, parse_size};
use ureq::Agent;

use super::book::hash_of;
use super::evidence::{Evidence, Found, Suspicion};
use crate::sequencer::tiles::Tiles;
use crate::sequencer::{Shared, Signed};
use crate::store::Blobs;

/// Where a witness is, and who it is.
#[derive(Clone, Debug)]
pub(crate) struct Contact {
    /// Its name in the policy.
    pub(crate) name: String,
    /// In the policy.
    pub(crate) position: usize,
    key: VerifierKey,
    /// Its submission prefix, without a slash at the end.
    url: String,
}

/// The witnesses of a policy that can be asked.
///
/// # Errors
/// The URL of the first one that is no http or https URL.
pub(crate) fn contacts(policy: &Policy) -> Result<Vec<Contact>, String> {
    let mut contacts = Vec::new();
    for (position, witness) in policy.witnesses().iter().enumerate() {
        let Some(url) = witness.url() else { continue };
        let url = String::from_utf8_lossy(url).into_owned();
        let parsed: Option<ureq::http::Uri> = url.parse().ok();
        let scheme = parsed.as_ref().and_then(ureq::http::Uri::scheme_str);
        if !matches!(scheme, Some("http" | "https")) || url.contains(['?', '#', '@']) {
            return Err(url);
        }
        let name = String::from_utf8_lossy(witness.name()).into_owned();
        let (key, url) = (witness.key().clone(), url.trim_end_matches('/').to_owned());
        contacts.push(Contact { name, position, key, url });
    }
    Ok(contacts)
}

/// Asks one witness, and remembers where it is. Owned by its thread.
pub(crate) struct Asker {
    pub(crate) contact: Contact,
    agent: Agent,
    /// Our log's key.
    log: VerifierKey,
    /// What it cosigned last, as far as we know.
    known: Option<TreeSize>,
}

/// What came of asking about a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Its lines, checked.
    Cosigned(Vec<String>),
    /// It is further than this checkpoint, and may be asked about a later one.
    Further,
    /// It cannot be: evidence was kept.
    Contradiction(Suspicion),
    /// Nothing was learnt.
    Failed(String),
}

impl Asker {
    pub(crate) fn new(contact: Contact, log: VerifierKey, timeout: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("sillok/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(timeout))
            .build()
            .new_agent();
        Self { contact, agent, log, known: None }
    }

    /// Asks about a checkpoint, again from the size that it answers if need be. `signed` tells the largest size that was
    /// ever signed; it is asked after each answer.
    pub(crate) fn ask(&mut self, target: &Signed, blobs: &dyn Blobs, signed: &dyn Fn() -> TreeSize) -> Asked {
        let size = target.size();
        // Most likely nobody has asked it since it cosigned what we know of.
        let mut old = self.known.unwrap_or(size);
        for asked in 1.. {
            if old > size {
                return Asked::Further;
            }
            let (reply, lines) = match self.once(target, old, blobs) {
                Ok(answered) => answered,
                Err(problem) => return Asked::Failed(problem),
            };
            match next(reply, size, signed(), asked) {
                Next::Done => {
                    self.known = Some(size);
                    return Asked::Cosigned(lines);
                }
                Next::Ask { old: told } => {
                    self.known = Some(told);
                    old = told;
                }
                Next::Later { old: told } => {
                    self.known = Some(told);
                    return Asked::Further;
                }
                Next::Ahead { size } => return Asked::Contradiction(Suspicion::Ahead { size }),
                Next::Suspect => {
                    self.known = None;
                    return Asked::Contradiction(Suspicion::Inconsistent { size });
                }
                Next::GiveUp => break,
            }
        }
        self.known = None;
        Asked::Failed(format!("{} still answers another size", self.contact.url))
    }

    fn once(
        &self,
        target: &Signed,
        old: TreeSize,
        blobs: &dyn Blobs,
    ) -> Result<(Reply, Vec<String>), String> {
        let proof = Tiles::new(blobs, target.size())
            .unverified_consistency_proof(old)
            .map_err(|error| format!("proof from size {old}: {error}"))?;
        let request = Request { old, proof, checkpoint: &target.note };
        let url = format!("{}/add-checkpoint", self.contact.url);
        let transport = |error: ureq::Error| format!("{url}: {error}");
        let mut response = self.agent.post(&url).send(request.encode()).map_err(transport)?;
        let limit = MAX_REQUEST_BYTES as u64;
        let body = response.body_mut().with_config().limit(limit).read_to_vec().map_err(transport)?;
        match response.status().as_u16() {
            200 => {
                let text =
                    String::from_utf8(body).map_err(|_invalid| format!("{url}: answer is not UTF-8"))?;
                let lines = cosignatures(&text, &target.checkpoint.body(), &self.contact.key);
                Ok((Reply::Cosigned, lines.map_err(|error| format!("{url}: {error}"))?))
            }
            409 => {
                let size = parse_size(&body).ok_or_else(|| format!("{url}: conflict without a size"))?;
                Ok((Reply::Conflict(size), Vec::new()))
            }
            422 => Ok((Reply::Inconsistent, Vec::new())),
            status => Err(format!("{url}: answer has the status {status}")),
        }
    }

    /// What the witness holds of our log, if it shows that and our key signed it.
    fn shown(&self) -> Option<Signed> {
        let url = format!("{}/{}/checkpoint", self.contact.url, hash_of(self.log.name()));
        let mut response = self.agent.get(&url).call().ok().filter(|response| response.status() == 200)?;
        let body = response.body_mut().with_config().limit(MAX_REQUEST_BYTES as u64).read_to_vec().ok()?;
        Signed::open(String::from_utf8(body).ok()?, &self.log, "witness's").ok()
    }

    /// Looks closer at an answer that cannot be. A wrong proof of ours is no suspicion of anybody: it is one only if what
    /// the witness shows, signed with our key, is larger than what we signed or has another root than ours.
    pub(crate) fn look_closer(
        &self,
        suspicion: Suspicion,
        target: &Signed,
        blobs: &dyn Blobs,
        signed: TreeSize,
    ) -> Option<Found> {
        let shown = self.shown();
        let proved = shown.as_ref().and_then(|shown| contradict(shown, target, blobs, signed));
        if let Some((suspicion, evidence)) = proved {
            // What nobody else would accept is no evidence.
            let proved = evidence.check(&self.log).is_ok().then_some(evidence);
            return Some(Found { suspicion, shown, proved });
        }
        match suspicion {
            Suspicion::Ahead { .. } => Some(Found::said(suspicion, shown)),
            Suspicion::Inconsistent { .. } | Suspicion::Fork { .. } => None,
        }
    }
}

//= specs/audit.md#evidence
/// How a checkpoint that our key signed contradicts what we signed, if it does.
fn contradict(
    shown: &Signed,
    target: &Signed,
    blobs: &dyn Blobs,
    signed: TreeSize,
) -> Option<(Suspicion, evidence::Evidence)> {
    let size = shown.size();
    let notes = [shown.note.as_str(), target.note.as_str()];
    if size > signed {
        // The witness was shown more than there is now: so the larger one came first.
        let evidence = evidence::Evidence::new(Claim::Rollback, notes, None);
        return Some((Suspicion::Ahead { size }, evidence));
    }
    if size > target.size() {
        return None;
    }
    let prefix = prefix_of(blobs, target, size)?;
    let root = prefix.as_ref().map_or(target.checkpoint.root, |prefix| prefix.root);
    let evidence = evidence::Evidence::new(Claim::Fork, notes, prefix);
    (root != shown.checkpoint.root).then_some((Suspicion::Fork { size }, evidence))
}

/// Our own root at an earlier size, out of tiles, with the proof that leads to a root that we signed. At the same size there
/// is nothing to prove.
fn prefix_of(blobs: &dyn Blobs, target: &Signed, size: TreeSize) -> Option<Option<Prefix>> {
    if size == target.size() {
        return Some(None);
    }
    let tiles = Tiles::new(blobs, target.size());
    let root = tiles.unverified_root_at(size).ok()?;
    let consistency = tiles.unverified_consistency_proof(size).ok()?;
    Some(Some(Prefix { root, consistency }))
}

/// Looks closer at a contradiction, keeps evidence of it and reports it. Returns what was found in the end.
pub(crate) fn report(
    asker: &Asker,
    asked: Asked,
    target: &Signed,
    shared: &Shared,
    evidence: &Evidence,
) -> Asked {
    let name = &asker.contact.name;
    match asked {
        Asked::Contradiction(suspicion) => {
            let looked =
                asker.look_closer(suspicion, target, shared.blobs.as_ref(), shared.committed().size());
            // Before anything is signed, a witness's word is enough to stop.
            let unheard = (!shared.is_heard()).then(|| Found::said(suspicion, None));
            let Some(found) = looked.or(unheard) else {
                tracing::warn!(
                    witness = name,
                    "a witness finds a checkpoint inconsistent, and shows nothing that contradicts it"
                );
                return asked;
            };
            evidence.keep(name, &found, target);
            shared.stats.witness_evidence.fetch_add(1, Ordering::Relaxed);
            Asked::Contradiction(found.suspicion)
        }
        Asked::Failed(problem) => {
            tracing::debug!(witness = name, problem, "a witness did not cosign");
            Asked::Failed(problem)
        }
        Asked::Cosigned(_) | Asked::Further => asked,
    }
}
