//! Pure. What must not go back between two calls of a verifier.
//!
//! Callers keep what a call returns, in place of what they passed. A call whose checks failed returns memory
//! unchanged, but for alarms: state is kept after *all* checks, because a verifier that saved a sequence before it had
//! checked the document would be frozen by a forged one (CVE-2025-2888 of `tough` was such an order).
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::Thumbprint;
use sillok_log::merkle::check_consistency;
use sillok_log::note::{Note, VerifierKey};
use sillok_log::policy::{Opened, Witnessed};
use sillok_log::{Hash, TreeSize, UnixSeconds};

use crate::trust::{Consistency, Standing};
use checked::Checked;

mod checked;
mod json;

pub use checked::MAX_CHECKED;
pub(crate) use checked::NoteName;
pub use json::{MAX_MEMORY_BYTES, MemoryError};

/// What a verifier remembers. A copy costs two counters: most calls change nothing.
///
/// Two are equal if the same must not go back: [`Memory::checked_notes`] are neither compared nor saved.
//= specs/verification.md#memory
#[derive(Clone, Debug, Default)]
pub struct Memory {
    content: Arc<Content>,
    // Spares signatures and decides nothing.
    checked: Checked,
}

impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl Eq for Memory {}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    root: Option<RootSeen>,
    feed: Option<FeedSeen>,
    // By origin, the largest that passed.
    checkpoints: BTreeMap<String, Seen>,
    // Keys that were retired or compromised, with their cuts.
    keys: BTreeMap<Thumbprint, Standing>,
    floor: UnixSeconds,
    // Forks, oldest first, at most MAX_ALARMS, and behind them the latest inconsistency.
    alarms: Vec<Alarm>,
}

/// The newest root that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RootSeen {
    pub(crate) sequence: u64,
    pub(crate) epoch: u64,
    pub(crate) digest: Hash,
    // The digest of the root before it, if that was seen.
    pub(crate) previous: Option<Hash>,
    pub(crate) keys: Vec<VerifierKey>,
    pub(crate) threshold: usize,
    // A policy text that parses: the next root is seen in a log of this one.
    pub(crate) policy: String,
}

/// The newest feed that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedSeen {
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    pub(crate) digest: Hash,
}

/// A checkpoint that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    checkpoint: Checkpoint,
    text: String,
    // The root under whose policy it passed.
    under: Hash,
}

/// Two checkpoints of one log that do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alarm {
    /// How much they say.
    pub kind: AlarmKind,
    /// The note that was remembered.
    pub first: String,
    /// The note that does not agree with it.
    pub second: String,
}

/// How much an alarm says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlarmKind {
    /// Two roots of one size, which no honest log signs. Whoever knows the log's key can check it.
    Fork,
    /// A consistency proof at hand does not lead from one to the other. Nobody signed the proof, so it accuses nobody
    /// yet: ask the log for another.
    Inconsistent,
}

impl AlarmKind {
    /// Its word in specs/verification.md, "Memory".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Inconsistent => "inconsistent",
        }
    }
}

impl Memory {
    /// The time that `now` is never below: the latest that a quorum of witnesses has stated.
    #[must_use]
    pub fn time_floor(&self) -> UnixSeconds {
        self.content.floor
    }

    /// What did not agree: forks, oldest first, and behind them the latest inconsistency. Report them; forks do not go
    /// away.
    #[must_use]
    pub fn alarms(&self) -> &[Alarm] {
        &self.content.alarms
    }

    /// Origin, size and root of the largest checkpoint of each log.
    pub fn checkpoints(&self) -> impl Iterator<Item = &Checkpoint> {
        self.content.checkpoints.values().map(|seen| &seen.checkpoint)
    }

    /// `now`, but never below the floor.
    pub(crate) fn not_before_floor(&self, now: UnixSeconds) -> UnixSeconds {
        now.max(self.content.floor)
    }

    pub(crate) fn root(&self) -> Option<&RootSeen> {
        self.content.root.as_ref()
    }

    pub(crate) fn feed(&self) -> Option<FeedSeen> {
        self.content.feed
    }

    /// Whether a key that stands like this may do so after all that was seen of it.
    pub(crate) fn allows(&self, key: Thumbprint, standing: &Standing) -> bool {
        self.content.keys.get(&key).is_none_or(|known| standing.may_follow(known))
    }

    /// The remembered checkpoint whose note is exactly `text`, if it passed under this root.
    pub(crate) fn passed(&self, origin: &str, text: &str, under: &Hash) -> Option<&Checkpoint> {
        let seen = self.content.checkpoints.get(origin)?;
        (seen.under == *under && seen.text == text).then_some(&seen.checkpoint)
    }

    /// How many notes are known to be accepted, at most [`MAX_CHECKED`]: a receipt with one of them costs no signature. They are of
    /// valid verdicts alone, and are not saved.
    #[must_use]
    pub fn checked_notes(&self) -> usize {
        self.checked.len()
    }

    /// What the policy of a root said about a note, if that was kept.
    pub(crate) fn checked(&self, name: &NoteName) -> Option<&Arc<Opened>> {
        self.checked.find(name)
    }

    pub(crate) fn keep_checked(&mut self, name: NoteName, opened: &Arc<Opened>) {
        self.checked.keep(name, opened);
    }

    pub(crate) fn keep_documents(&mut self, root: RootSeen, feed: FeedSeen) {
        let content = Arc::make_mut(&mut self.content);
        content.root = Some(root);
        content.feed = Some(feed);
    }

    /// The time begins anew: what witnesses of a former policy have stated counts no more.
    pub(crate) fn forget_floor(&mut self) {
        Arc::make_mut(&mut self.content).floor = UnixSeconds(0);
    }

    pub(crate) fn keep_key(&mut self, key: Thumbprint, standing: &Standing) {
        match standing {
            Standing::Active => {}
            Standing::Compromised(_) | Standing::Retired(_) => {
                if self.content.keys.get(&key) != Some(standing) {
                    Arc::make_mut(&mut self.content).keys.insert(key, standing.clone());
                }
            }
        }
    }

    /// Compares a checkpoint that the policy accepts with the remembered one of its log. On the error the alarm is in
    /// memory; else nothing changes.
    pub(crate) fn compare_roots(&mut self, new: &Checkpoint, text: &str) -> Result<(), AlarmKind> {
        match self.content.checkpoints.get(&new.origin) {
            Some(seen) if seen.checkpoint.size == new.size && seen.checkpoint.root != new.root => {
                let first = seen.text.clone();
                Err(self.raise(Alarm { kind: AlarmKind::Fork, first, second: text.to_string() }))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Looks at the consistency proofs at hand that lead from the remembered checkpoint of a log to this larger one.
    /// On the error the alarm is in memory; else nothing changes.
    pub(crate) fn compare_proofs(
        &mut self,
        new: &Checkpoint,
        text: &str,
        proofs: &[Consistency],
    ) -> Result<(), AlarmKind> {
        match self.content.checkpoints.get(&new.origin) {
            Some(seen) if is_refuted(&seen.checkpoint, new, proofs) => {
                let first = seen.text.clone();
                Err(self.raise(Alarm { kind: AlarmKind::Inconsistent, first, second: text.to_string() }))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Compares a checkpoint with the remembered one of its log, and moves to the larger. `under` is the root whose
    /// policy accepted it. The quorum's time raises the floor to `floor_limit` at most: witnesses with a wrong clock
    /// must not put the time out of reach.
    pub(crate) fn observe(
        &mut self,
        opened: &Opened,
        text: &str,
        under: &Hash,
        floor_limit: UnixSeconds,
    ) -> Result<(), AlarmKind> {
        let new = &opened.checkpoint;
        self.compare_roots(new, text)?;
        let known = self.content.checkpoints.get(&new.origin);
        if known.is_none_or(|seen| seen.checkpoint.size < new.size) {
            let seen = Seen { checkpoint: new.clone(), text: text.to_string(), under: *under };
            Arc::make_mut(&mut self.content).checkpoints.insert(new.origin.clone(), seen);
        }
        if let Witnessed::Quorum { time_floor } = opened.witnessed {
            let floor = time_floor.min(floor_limit);
            if floor > self.content.floor {
                Arc::make_mut(&mut self.content).floor = floor;
            }
        }
        Ok(())
    }

    /// Keeps an alarm, and says what kind it is. One fork is kept for each log and size, and at most [`MAX_ALARMS`]: the
    /// oldest stay. Of inconsistencies only the latest is kept, so that proofs which nobody signed crowd out no fork.
    pub(crate) fn raise(&mut self, alarm: Alarm) -> AlarmKind {
        let kind = alarm.kind;
        let alarms = &self.content.alarms;
        let forks = alarms.iter().take_while(|known| known.kind == AlarmKind::Fork).count();
        match kind {
            AlarmKind::Fork => {
                let place = alarm.place();
                let known = alarms.iter().take(forks).any(|known| known.place() == place);
                if !known && forks < MAX_ALARMS {
                    Arc::make_mut(&mut self.content).alarms.insert(forks, alarm);
                }
            }
            AlarmKind::Inconsistent if alarms.get(forks) == Some(&alarm) => {}
            AlarmKind::Inconsistent => {
                let alarms = &mut Arc::make_mut(&mut self.content).alarms;
                alarms.truncate(forks);
                alarms.push(alarm);
            }
        }
        kind
    }

    /// This memory with the alarms of `other`: what a call that failed returns.
    pub(crate) fn with_alarms_of(&self, other: &Self) -> Self {
        let mut kept = self.clone();
        for alarm in other.alarms() {
            kept.raise(alarm.clone());
        }
        kept
    }
}

/// Whether a proof at hand leads from `known` to another root than `new` has.
fn is_refuted(known: &Checkpoint, new: &Checkpoint, proofs: &[Consistency]) -> bool {
    // From the empty tree there is nothing to prove, and a smaller checkpoint in a receipt is normal.
    if known.size >= new.size || known.size == TreeSize(0) {
        return false;
    }
    let spans =
        |proof: &&Consistency| proof.origin == new.origin && proof.from == known.size && proof.to == new.size;
    proofs.iter().filter(spans).any(|at_hand| {
        check_consistency(known.size, &known.root, new.size, &new.root, &at_hand.proof).is_err()
    })
}

impl Alarm {
    /// The origin of the log that the alarm is about.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        checkpoint_of(&self.first).map(|checkpoint| checkpoint.origin)
    }

    /// The log and the size of a fork.
    fn place(&self) -> Option<(String, TreeSize)> {
        checkpoint_of(&self.first).map(|checkpoint| (checkpoint.origin, checkpoint.size))
    }
}

/// The checkpoint that a note holds, whoever signed it.
fn checkpoint_of(text: &str) -> Option<Checkpoint> {
    Checkpoint::parse_body(Note::parse(text).ok()?.text()).ok()
}

/// Most forks that are kept; the oldest stay (specs/verification.md, "Memory").
pub const MAX_ALARMS: usize = 16;
