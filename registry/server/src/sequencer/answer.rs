//! Requests, and what they are answered.

use sillok_log::merkle::check_inclusion;
use sillok_log::receipt::Receipt;
use sillok_log::submission::Level;
use sillok_log::{Hash, LeafIndex, TreeSize};
use tokio::sync::oneshot;

use super::Fatal;
use super::head::Signed;
use super::plan::{Decision, Item, Plan};
use super::tiles::Tiles;
use crate::handle::{Answer, Logged, Outcome, SubmitError};
use crate::store::Blobs;

/// Entries that are judged together and answered together.
pub(crate) struct Request {
    pub(crate) items: Vec<Item>,
    pub(crate) level: Level,
    /// What the queue counts it as.
    pub(crate) bytes: usize,
    pub(crate) reply: Reply,
}

pub(crate) type Reply = oneshot::Sender<Result<Draft, SubmitError>>;

/// An answer, but for its receipts: whoever asked puts them together, and not the one thread that all wait for.
#[derive(Debug)]
pub(crate) struct Draft {
    checkpoint: String,
    results: Vec<DraftResult>,
}

#[derive(Debug)]
enum DraftResult {
    /// In an earlier batch: whoever asked reads its proof from the published tiles.
    Earlier {
        index: LeafIndex,
        leaf: Hash,
    },
    /// In this batch, and relative to its checkpoint.
    Fresh {
        index: LeafIndex,
        proof: Vec<Hash>,
        duplicate: bool,
    },
    Refused(Outcome),
}

/// Answers of a batch that are not sent yet.
#[derive(Default)]
pub(crate) struct Answers(Vec<(Reply, Level, Draft)>);

/// Puts the answers to a batch together. `proofs` has one for each appended entry, checked.
pub(crate) fn compose(plan: &Plan, signed: &Signed, proofs: &[Vec<Hash>], requests: Vec<Request>) -> Answers {
    let mut decisions = plan.decisions.iter();
    let answers = requests.into_iter().map(|request| {
        let results = request
            .items
            .iter()
            .zip(decisions.by_ref())
            .map(|(item, decision)| result(plan, proofs, item.leaf, decision))
            .collect();
        (request.reply, request.level, Draft { checkpoint: signed.note.clone(), results })
    });
    Answers(answers.collect())
}

fn result(plan: &Plan, proofs: &[Vec<Hash>], leaf: Hash, decision: &Decision) -> DraftResult {
    let (index, duplicate) = match decision {
        Decision::Append(index) => (*index, false),
        Decision::Duplicate(index) => (*index, true),
        Decision::Malformed(error) => {
            return DraftResult::Refused(Outcome::Refused { code: MALFORMED, detail: error.to_string() });
        }
        Decision::Refuse(refusal) => {
            return DraftResult::Refused(Outcome::Refused {
                code: refusal.code(),
                detail: refusal.to_string(),
            });
        }
    };
    let position = index.0.checked_sub(plan.start.0).and_then(|position| usize::try_from(position).ok());
    match position.and_then(|position| proofs.get(position)) {
        Some(proof) => DraftResult::Fresh { index, proof: proof.clone(), duplicate },
        None => DraftResult::Earlier { index, leaf },
    }
}

impl Answers {
    /// Those that can be sent now, and those that wait until more than `published` is public.
    pub(crate) fn split(self, published: TreeSize) -> (Self, Self) {
        let (now, later) = self.0.into_iter().partition(|(_reply, level, draft)| {
            *level == Level::Committed && draft.results.iter().all(|result| result.is_covered(published))
        });
        (Self(now), Self(later))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn append(&mut self, mut more: Self) {
        self.0.append(&mut more.0);
    }

    /// Sends them. Whoever does not listen any more finds the entries by asking again.
    pub(crate) fn send(self) {
        for (reply, _level, draft) in self.0 {
            drop(reply.send(Ok(draft)));
        }
    }

    /// Says instead that the writer has stopped.
    pub(crate) fn refuse(self, error: &SubmitError) {
        for (reply, _level, _draft) in self.0 {
            drop(reply.send(Err(error.clone())));
        }
    }
}

impl DraftResult {
    fn is_covered(&self, published: TreeSize) -> bool {
        match self {
            Self::Earlier { index, .. } => index.0 < published.0,
            Self::Fresh { .. } | Self::Refused(_) => true,
        }
    }
}

impl Draft {
    /// Whether proofs have to be read from files.
    pub(crate) fn is_finished(&self) -> bool {
        !self.results.iter().any(|result| matches!(result, DraftResult::Earlier { .. }))
    }

    /// Adds the receipts of entries of earlier batches, relative to the `published` checkpoint.
    pub(crate) fn finish(self, blobs: &dyn Blobs, published: &Signed) -> Result<Answer, Fatal> {
        let checkpoint = self.checkpoint;
        let results = self.results.into_iter().map(|result| match result {
            DraftResult::Refused(outcome) => Ok(outcome),
            DraftResult::Fresh { index, proof, duplicate } => {
                let receipt = Receipt { extra: None, index, proof, checkpoint: checkpoint.clone() };
                Ok(Outcome::Logged(Logged { index, receipt, duplicate }))
            }
            DraftResult::Earlier { index, leaf } => {
                let receipt = prove(blobs, published, index, &leaf)?;
                Ok(Outcome::Logged(Logged { index, receipt, duplicate: true }))
            }
        });
        let results = results.collect::<Result<_, Fatal>>()?;
        Ok(Answer { checkpoint, results })
    }
}

/// A receipt out of published tiles, checked against the signed root.
pub(crate) fn prove(
    blobs: &dyn Blobs,
    published: &Signed,
    index: LeafIndex,
    leaf: &Hash,
) -> Result<Receipt, Fatal> {
    let size = published.size();
    let proof = Tiles::new(blobs, size).unverified_inclusion_proof(index)?;
    check_inclusion(leaf, index, size, &proof, &published.checkpoint.root)?;
    Ok(Receipt { extra: None, index, proof, checkpoint: published.note.clone() })
}

/// The code of an entry that does not parse (specs/entry.md, "Ledger rules").
pub(crate) const MALFORMED: &str = "entry.malformed";
