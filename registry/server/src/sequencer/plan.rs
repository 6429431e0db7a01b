//! Pure. What a batch becomes: which entries are appended and where, which are there already, which are refused, and
//! the checkpoint that covers them. Nothing is read or written here; the clock is an argument.

use std::collections::HashMap;

use sillok_log::audit::LogKind;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, ListId, ParseError, Snapshot};
use sillok_log::ledger::{Ledger, Refusal, Role, authorise};
use sillok_log::merkle::{BatchTree, Frontier};
use sillok_log::{Hash, LeafIndex, TreeSize, UnixSeconds};

use super::Fatal;
use crate::store::{SeenBatch, SeenKey};

/// One entry as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) bytes: Vec<u8>,
    pub(crate) leaf: Hash,
    pub(crate) parsed: Parsed,
    /// What whoever submits it has found under its key in the public log, where nothing ever changes.
    pub(crate) known: Option<Known>,
}

/// What the bytes of an entry say.
#[derive(Clone, Debug)]
pub(crate) enum Parsed {
    Malformed(ParseError),
    /// Anything: the log has no rules.
    Raw,
    /// An entry, and whom its submitter stands for.
    Typed(Entry, Role),
}

impl Item {
    /// What the index is asked for; nothing for an entry that it does not know.
    pub(crate) fn key(&self) -> Option<SeenKey> {
        match &self.parsed {
            Parsed::Typed(entry, _role) => Some(seen_key(entry, self.leaf)),
            Parsed::Malformed(_) | Parsed::Raw => None,
        }
    }
}

/// The key of an entry in the index.
pub(crate) fn seen_key(entry: &Entry, leaf: Hash) -> SeenKey {
    match entry {
        Entry::Issue(issue) => SeenKey::Commitment(issue.commitment.0),
        Entry::Bundle(_) | Entry::Key(_) | Entry::List(_) | Entry::Snapshot(_) | Entry::Status(_) => {
            SeenKey::Leaf(leaf)
        }
    }
}

/// What the index knows about the key of an entry, checked against the bytes in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Another entry has the key.
    Other,
    /// The entry itself, byte for byte.
    Same(LeafIndex),
}

/// What becomes of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Append(LeafIndex),
    Duplicate(LeafIndex),
    Malformed(ParseError),
    Refuse(Refusal),
}

/// What the writer knows of the log.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) kind: LogKind,
    pub(crate) origin: String,
    /// Of everything committed.
    pub(crate) frontier: Frontier,
    /// Of everything committed, and after [`plan`] of everything planned: a plan that is not committed stops the
    /// writer, so that nobody sees the difference.
    pub(crate) ledger: Ledger,
    /// When the log signed last.
    pub(crate) time: UnixSeconds,
    /// The fold made last.
    pub(crate) fold: Option<Fold>,
}

/// The digest of a list's fold at a size that is committed: it never changes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    list: ListId,
    size: TreeSize,
    digest: Option<Hash>,
}

/// What is to be done with a batch.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) start: LeafIndex,
    /// What is appended, in order, and their hashes.
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) leaves: Vec<Hash>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) time: UnixSeconds,
    /// One for each item.
    pub(crate) decisions: Vec<Decision>,
    /// What the index learns.
    pub(crate) seen: SeenBatch,
}

/// Plans a batch. `known` says for each item what the index knows. Takes the bytes out of the items it appends.
pub(crate) fn plan(
    state: &mut State,
    items: &mut [&mut Item],
    known: &[Option<Known>],
    now: UnixSeconds,
) -> Result<Plan, Fatal> {
    if now.0.saturating_add(MAX_CLOCK_BEHIND_SECONDS) < state.time.0 {
        return Err(Fatal::ClockBehind { now, last: state.time });
    }
    let start = LeafIndex(state.frontier.size().0);
    let mut entries = Vec::with_capacity(items.len());
    let mut leaves = Vec::with_capacity(items.len());
    let mut decisions = Vec::with_capacity(items.len());
    let mut seen = SeenBatch::default();
    // Keys that this batch has taken, with the leaf hash that tells the same entry from another.
    let mut taken: HashMap<SeenKey, (LeafIndex, Hash)> = HashMap::with_capacity(items.len());
    for (item, known) in items.iter_mut().zip(known) {
        let index = LeafIndex(start.0 + entries.len() as u64);
        let key = item.key();
        let known = key.and_then(|key| taken.get(&key)).map_or(*known, |(index, leaf)| {
            Some(if *leaf == item.leaf { Known::Same(*index) } else { Known::Other })
        });
        let decision = decide(state, &item.parsed, known, index);
        if decision == Decision::Append(index) {
            if let Parsed::Typed(entry, _role) = &item.parsed {
                state.ledger.apply(entry, index);
                if !matches!(entry, Entry::Issue(_)) {
                    seen.controls.push((index, item.bytes.clone()));
                }
            }
            if let Some(key) = key {
                taken.insert(key, (index, item.leaf));
                seen.keys.push((key, index));
            }
            entries.push(std::mem::take(&mut item.bytes));
            leaves.push(item.leaf);
        }
        decisions.push(decision);
    }
    let tree = BatchTree::new(state.frontier.clone(), leaves.clone())?;
    let size = tree.frontier().size();
    seen.watermark = size;
    let checkpoint = Checkpoint { origin: state.origin.clone(), size, root: tree.frontier().root() };
    // The time of the log never goes back, however the clock does.
    let time = now.max(state.time);
    Ok(Plan { start, entries, leaves, checkpoint, time, decisions, seen })
}

impl Plan {
    /// The size of the log once the plan is committed.
    pub(crate) fn size(&self) -> TreeSize {
        self.checkpoint.size
    }
}

//= specs/entry.md#ledger-rules
fn decide(state: &mut State, parsed: &Parsed, known: Option<Known>, index: LeafIndex) -> Decision {
    let (entry, role) = match parsed {
        Parsed::Malformed(error) => return Decision::Malformed(*error),
        Parsed::Raw => return Decision::Append(index),
        Parsed::Typed(entry, role) => (entry, role),
    };
    // A retry is answered with its place, whatever has happened to its key, its list or its submitter since: nothing is
    // appended, and the entry is public. Only whoever could never append its kind is refused.
    if let Some(Known::Same(place)) = known
        && may_append_kind(role, entry)
    {
        return Decision::Duplicate(place);
    }
    let checked = authorise(role, entry, &state.ledger).and_then(|()| match entry {
        Entry::Snapshot(snapshot) => check_snapshot(state, snapshot),
        Entry::Bundle(_) | Entry::Issue(_) | Entry::Key(_) | Entry::List(_) | Entry::Status(_) => {
            state.ledger.check(entry, index)
        }
    });
    if let Err(refusal) = checked {
        return Decision::Refuse(refusal);
    }
    match (known, entry) {
        (Some(Known::Other), Entry::Issue(issue)) => {
            Decision::Refuse(Refusal::IssueDuplicate { commitment: issue.commitment })
        }
        // Every other entry is looked up by its own hash: a hit that is another entry is a wrong index, not a rule.
        (Some(Known::Other | Known::Same(_)) | None, _entry) => Decision::Append(index),
    }
}

//= specs/entry.md#who-may-append
/// Whether some submitter in this role could have appended an entry of this kind.
fn may_append_kind(role: &Role, entry: &Entry) -> bool {
    match entry {
        Entry::Bundle(_) | Entry::Key(_) => matches!(role, Role::Administrator),
        Entry::Issue(_) | Entry::List(_) | Entry::Snapshot(_) | Entry::Status(_) => {
            matches!(role, Role::Issuer(_))
        }
    }
}

//= specs/entry.md#who-may-append
/// The ledger's rules for a snapshot, with two differences: its fold covers committed entries only, so that a batch
/// holds at most one snapshot of a list; and a fold is made once for all who say something about the same one, since
/// it takes milliseconds of the thread that everybody waits for.
fn check_snapshot(state: &mut State, snapshot: &Snapshot) -> Result<(), Refusal> {
    let committed = state.frontier.size();
    state.ledger.check_snapshot_but_digest(snapshot, LeafIndex(committed.0))?;
    let Snapshot { list, fold_size: size, digest: found, .. } = *snapshot;
    let fold = match state.fold {
        Some(fold) if (fold.list, fold.size) == (list, size) => fold,
        Some(_) | None => {
            let digest = state.ledger.state_at(list, size).map(|state| state.digest());
            *state.fold.insert(Fold { list, size, digest })
        }
    };
    if fold.digest == Some(found) { Ok(()) } else { Err(Refusal::SnapshotDigest { list, found }) }
}

/// How far the clock may be behind the log's time: leap smearing and a step of NTP, not a wrong clock.
pub(crate) const MAX_CLOCK_BEHIND_SECONDS: u64 = 10;

#[cfg(test)]
mod tests;
