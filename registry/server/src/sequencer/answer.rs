//! Requests, and what they are answered.

use std::collections::HashMap;
use std::sync::Arc;

use sillok_log::merkle::{BatchTree, check_inclusion};
use sillok_log::receipt::Receipt;
use sillok_log::submission::Level;
use sillok_log::tile::Tile;
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
    /// Those that can be sent now, and those that wait until more than `tiled` is there to be read.
    pub(crate) fn split(self, tiled: TreeSize) -> (Self, Self) {
        let (now, later) = self.0.into_iter().partition(|(_reply, level, draft)| {
            *level == Level::Committed && draft.results.iter().all(|result| result.is_covered(tiled))
        });
        (Self(now), Self(later))
    }

    /// Those that wait for no more than files to read, and those that wait for a public checkpoint.
    pub(crate) fn by_level(self) -> (Self, Self) {
        let (now, later) = self.0.into_iter().partition(|(_reply, level, _)| *level == Level::Committed);
        (Self(now), Self(later))
    }

    /// Those whose entries are below the public checkpoint, at level *cosigned* below one that met the policy, and those
    /// that wait on. What nobody waits for any more is dropped.
    pub(crate) fn covered(self, published: TreeSize, met: Option<TreeSize>) -> (Self, Self) {
        let waited_for = self.0.into_iter().filter(|(reply, ..)| !reply.is_closed());
        let (now, later) = waited_for.partition(|(_reply, level, draft)| match level {
            Level::Committed => true,
            Level::Published => draft.end() <= published,
            Level::Cosigned => met.is_some_and(|met| draft.end() <= met),
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
    fn is_covered(&self, tiled: TreeSize) -> bool {
        match self {
            Self::Earlier { index, .. } => index.0 < tiled.0,
            Self::Fresh { .. } | Self::Refused(_) => true,
        }
    }
}

impl Draft {
    /// Whether proofs have to be read from files.
    pub(crate) fn is_finished(&self, level: Level) -> bool {
        self.results.iter().all(|result| match result {
            DraftResult::Earlier { .. } => false,
            DraftResult::Fresh { .. } => level != Level::Cosigned,
            DraftResult::Refused(_) => true,
        })
    }

    /// The size of the smallest tree that has all of its entries.
    fn end(&self) -> TreeSize {
        let end = |result: &DraftResult| match result {
            DraftResult::Earlier { index, .. } | DraftResult::Fresh { index, .. } => index.0 + 1,
            DraftResult::Refused(_) => 0,
        };
        TreeSize(self.results.iter().map(end).max().unwrap_or(0))
    }

    /// Makes the receipts: of entries of this batch relative to its checkpoint, of earlier ones relative to `readable`, and
    /// all of them so at level *cosigned*. Each is checked before it leaves.
    pub(crate) fn finish(
        self,
        blobs: &dyn Blobs,
        readable: &Signed,
        level: Level,
    ) -> Result<Answer, Unfinished> {
        let Self { signed, tree, results } = self;
        let mut read = HashMap::new();
        let mut of_files = |index, leaf, duplicate| {
            let receipt = prove_out_of(blobs, readable, index, &leaf, &mut read);
            let receipt = receipt.map_err(Unfinished::Earlier)?;
            Ok(Outcome::Logged(Logged { index, receipt, duplicate }))
        };
        let results = results.into_iter().map(|result| match result {
            DraftResult::Refused(outcome) => Ok(outcome),
            DraftResult::Fresh { index, leaf, duplicate } if level == Level::Cosigned => {
                of_files(index, leaf, duplicate)
            }
            DraftResult::Fresh { index, leaf, duplicate } => {
                let receipt =
                    prove_own(&signed, tree.as_deref(), index, &leaf).map_err(Unfinished::Committed)?;
                Ok(Outcome::Logged(Logged { index, receipt, duplicate }))
            }
            DraftResult::Earlier { index, leaf } => of_files(index, leaf, true),
        });
        let results = results.collect::<Result<_, Unfinished>>()?;
        let checkpoint = if level == Level::Cosigned { &readable.note } else { &signed.note };
        Ok(Answer { checkpoint: checkpoint.clone(), results })
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
    prove_out_of(blobs, published, index, leaf, &mut HashMap::new())
}

fn prove_out_of(
    blobs: &dyn Blobs,
    published: &Signed,
    index: LeafIndex,
    leaf: &Hash,
    read: &mut HashMap<Tile, Vec<u8>>,
) -> Result<Receipt, Fatal> {
    let size = published.size();
    let proof = Tiles::new(blobs, size).unverified_inclusion_proof(index, read)?;
    check_inclusion(leaf, index, size, &proof, &published.checkpoint.root)?;
    Ok(Receipt { extra: None, index, proof, checkpoint: published.note.clone() })
}

/// The code of an entry that does not parse (specs/entry.md, "Ledger rules").
pub(crate) const MALFORMED: &str = "entry.malformed";
