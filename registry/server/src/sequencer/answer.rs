//! Requests, and what they are answered.

use std::sync::Arc;

use sillok_log::merkle::{BatchTree, check_inclusion};
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

/// An answer, but for its receipts: whoever asked makes and checks them, and not the one thread that all wait for.
#[derive(Debug)]
pub(crate) struct Draft {
    signed: Arc<Signed>,
    /// The tree of the batch, out of which its entries are proved; none if it appended nothing.
    tree: Option<Arc<BatchTree>>,
    results: Vec<DraftResult>,
}

#[derive(Debug)]
enum DraftResult {
    /// In an earlier batch: proved from the published tiles.
    Earlier {
        index: LeafIndex,
        leaf: Hash,
    },
    /// In this batch, and relative to its checkpoint.
    Fresh {
        index: LeafIndex,
        leaf: Hash,
        duplicate: bool,
    },
    Refused(Outcome),
}

/// Why a draft has become no answer.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// An entry that was just committed is not proved by the checkpoint that was signed for it: the writer must stop.
    Committed(Fatal),
    /// The files of earlier entries are damaged or gone.
    Earlier(Fatal),
}

/// Answers of a batch that are not sent yet.
#[derive(Default)]
pub(crate) struct Answers(Vec<(Reply, Level, Draft)>);

/// Puts the answers to a batch together. `tree` is that of its entries, if it appended any.
pub(crate) fn compose(
    plan: &Plan,
    signed: &Arc<Signed>,
    tree: Option<&Arc<BatchTree>>,
    requests: Vec<Request>,
) -> Answers {
    let mut decisions = plan.decisions.iter();
    let answers = requests.into_iter().map(|request| {
        let results = request
            .items
            .iter()
            .zip(decisions.by_ref())
            .map(|(item, decision)| result(plan, item.leaf, decision))
            .collect();
        let draft = Draft { signed: Arc::clone(signed), tree: tree.map(Arc::clone), results };
        (request.reply, request.level, draft)
    });
    Answers(answers.collect())
}

fn result(plan: &Plan, leaf: Hash, decision: &Decision) -> DraftResult {
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
    if index < plan.start {
        DraftResult::Earlier { index, leaf }
    } else {
        DraftResult::Fresh { index, leaf, duplicate }
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

    /// Makes the receipts: of entries of this batch relative to its checkpoint, of earlier ones relative to the
    /// `published` one. Each is checked before it leaves.
    pub(crate) fn finish(self, blobs: &dyn Blobs, published: &Signed) -> Result<Answer, Unfinished> {
        let Self { signed, tree, results } = self;
        let results = results.into_iter().map(|result| match result {
            DraftResult::Refused(outcome) => Ok(outcome),
            DraftResult::Fresh { index, leaf, duplicate } => {
                let receipt =
                    prove_own(&signed, tree.as_deref(), index, &leaf).map_err(Unfinished::Committed)?;
                Ok(Outcome::Logged(Logged { index, receipt, duplicate }))
            }
            DraftResult::Earlier { index, leaf } => {
                let receipt = prove(blobs, published, index, &leaf).map_err(Unfinished::Earlier)?;
                Ok(Outcome::Logged(Logged { index, receipt, duplicate: true }))
            }
        });
        let results = results.collect::<Result<_, Unfinished>>()?;
        Ok(Answer { checkpoint: signed.note.clone(), results })
    }

    /// The place of the one entry that was asked for, for those who want no receipt: what was signed was recomputed
    /// from what was written, and nothing is promised beyond that.
    pub(crate) fn into_place(mut self) -> Option<Result<LeafIndex, Outcome>> {
        Some(match self.results.pop()? {
            DraftResult::Earlier { index, .. } | DraftResult::Fresh { index, .. } => Ok(index),
            DraftResult::Refused(outcome) => Err(outcome),
        })
    }
}

/// A receipt of an entry that was just committed, checked against the root that was signed.
fn prove_own(
    signed: &Signed,
    tree: Option<&BatchTree>,
    index: LeafIndex,
    leaf: &Hash,
) -> Result<Receipt, Fatal> {
    let unproved = Fatal::ReadBack { start: index };
    let proof = tree.ok_or(unproved)?.inclusion_proof(index)?;
    check_inclusion(leaf, index, signed.size(), &proof, &signed.checkpoint.root)?;
    Ok(Receipt { extra: None, index, proof, checkpoint: signed.note.clone() })
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
