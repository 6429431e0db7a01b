//! A log takes over from a frozen one: it begins with everything that says what that one came to.

use std::collections::BTreeMap;

use sillok_log::LeafIndex;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, IssuerHash, ListId, ParseError};
use sillok_log::ledger::Role;
use sillok_log::merkle::{Frontier, ProofError, leaf_hash};
use sillok_log::submission::{Level, MAX_ENTRIES};
use sillok_log::tile::{Tile, TileError, TileKind, parse_bundle};

use crate::handle::{Handle, Outcome, SubmitError};
use crate::store::{self, Blobs};

//= specs/log.md#succession
/// Submits to a new log what it begins with: of the frozen log whose public files are `old`, and whose last checkpoint is
/// `last`, every entry that is carried, byte for byte and in order. It goes on where an interrupted attempt has ended, and
/// blocks. Returns how many there are.
///
/// # Errors
/// Files that do not lead to the checkpoint; a successor that does not take an entry, or has others in their place.
pub fn carry(old: &dyn Blobs, last: &Checkpoint, new: &Handle) -> Result<u64, CarryError> {
    // Nothing is carried before all of it is known to be what the log has signed.
    visit(old, last, &mut |_bytes, _entry| Ok(()))?;
    let mut carrying = Carrying { new, lists: BTreeMap::new(), batch: Vec::new(), role: None, count: 0 };
    visit(old, last, &mut |bytes, entry| carrying.take(bytes, entry))?;
    carrying.flush(Level::Published)?;
    Ok(carrying.count)
}

/// Shows every entry of a log in order, and checks that they lead to its checkpoint.
fn visit(
    old: &dyn Blobs,
    last: &Checkpoint,
    visit: &mut impl FnMut(&[u8], &Entry) -> Result<(), CarryError>,
) -> Result<(), CarryError> {
    let mut frontier = Frontier::new();
    let mut at = 0;
    while at < last.size.0 {
        let width = u16::try_from((last.size.0 - at).min(WIDTH)).unwrap_or(u16::MAX);
        let path = Tile::new(TileKind::Entries, at / WIDTH, width)?.path();
        let bundle = old.get(&path).map_err(CarryError::Store)?;
        let bundle = bundle.ok_or(CarryError::Missing { path })?;
        for bytes in parse_bundle(&bundle, width)? {
            frontier.push(leaf_hash(bytes))?;
            let entry =
                Entry::parse(bytes).map_err(|source| CarryError::Entry { at: LeafIndex(at), source })?;
            visit(bytes, &entry)?;
            at += 1;
        }
    }
    if frontier.root() == last.root { Ok(()) } else { Err(CarryError::Root { size: last.size.0 }) }
}

/// What is on its way into the new log.
struct Carrying<'a> {
    new: &'a Handle,
    /// Whose each list is.
    lists: BTreeMap<ListId, IssuerHash>,
    batch: Vec<Vec<u8>>,
    /// On whose behalf the batch is submitted.
    role: Option<Role>,
    /// How many were submitted.
    count: u64,
}

impl Carrying<'_> {
    fn take(&mut self, bytes: &[u8], entry: &Entry) -> Result<(), CarryError> {
        let role = match entry {
            // Those that are not carried.
            Entry::Issue(_) | Entry::Snapshot(_) => return Ok(()),
            Entry::Bundle(_) | Entry::Key(_) => Role::Administrator,
            Entry::List(list) => {
                self.lists.insert(list.list, list.issuer);
                Role::Issuer(list.issuer)
            }
            Entry::Status(status) => {
                let issuer = self.lists.get(&status.list);
                Role::Issuer(*issuer.ok_or(CarryError::UnknownList { list: status.list })?)
            }
        };
        if self.batch.len() >= MAX_ENTRIES || self.role != Some(role) {
            self.flush(Level::Committed)?;
        }
        self.role = Some(role);
        self.batch.push(bytes.to_vec());
        Ok(())
    }

    fn flush(&mut self, level: Level) -> Result<(), CarryError> {
        let Some(role) = self.role else { return Ok(()) };
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let answer = self.new.submit_blocking(batch, role, level).map_err(CarryError::Submit)?;
        for outcome in answer.results {
            let wanted = LeafIndex(self.count);
            match outcome {
                Outcome::Logged(logged) if logged.index == wanted => self.count += 1,
                Outcome::Logged(logged) => {
                    return Err(CarryError::Misplaced { wanted, found: logged.index });
                }
                Outcome::Refused { code, detail } => {
                    return Err(CarryError::Refused { at: wanted, code, detail });
                }
            }
        }
        Ok(())
    }
}

/// Why a log does not take over.
#[derive(Debug)]
pub enum CarryError {
    /// An entry of the frozen log does not parse.
    Entry {
        /// At this place, or in the same bundle before it.
        at: LeafIndex,
        /// What is wrong with it.
        source: ParseError,
    },
    /// An entry has another place in the new log: it has others before them.
    Misplaced {
        /// Where it belongs.
        wanted: LeafIndex,
        /// Where it is.
        found: LeafIndex,
    },
    /// A bundle of the frozen log is not there.
    Missing {
        /// Its path.
        path: String,
    },
    /// The new log does not take an entry.
    Refused {
        /// Its place.
        at: LeafIndex,
        /// The stable code of the rule.
        code: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// The entries of the frozen log do not lead to its last checkpoint.
    Root {
        /// Its size.
        size: u64,
    },
    /// A store failed.
    Store(store::Error),
    /// The new log takes nothing.
    Submit(SubmitError),
    /// A bundle, or the tree of the frozen log, is malformed.
    Tile(TileError),
    /// The tree of the frozen log is malformed.
    Tree(ProofError),
    /// A status entry of the frozen log is of no list.
    UnknownList {
        /// The list.
        list: ListId,
    },
}

impl From<TileError> for CarryError {
    fn from(source: TileError) -> Self {
        Self::Tile(source)
    }
}

impl From<ProofError> for CarryError {
    fn from(source: ProofError) -> Self {
        Self::Tree(source)
    }
}

impl std::fmt::Display for CarryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Entry { at, source } => write!(f, "entry at leaf {at} of the frozen log: {source}"),
            Self::Misplaced { wanted, found } => {
                write!(f, "carried entry is at leaf {found} of the new log and belongs at {wanted}")
            }
            Self::Missing { path } => write!(f, "{path} of the frozen log is missing"),
            Self::Refused { at, code, detail } => {
                write!(f, "new log refuses carried entry {at} ({code}): {detail}")
            }
            Self::Root { size } => {
                write!(f, "{size} entries of the frozen log do not lead to its last checkpoint")
            }
            Self::Store(error) => write!(f, "frozen log cannot be read: {error}"),
            Self::Submit(error) => write!(f, "new log takes no entries: {error}"),
            Self::Tile(error) => write!(f, "frozen log does not read as a log: {error}"),
            Self::Tree(error) => write!(f, "frozen log does not read as a tree: {error}"),
            Self::UnknownList { list } => write!(f, "status entry of the frozen log is of no list: {list}"),
        }
    }
}

impl std::error::Error for CarryError {}

/// Entries of a full bundle (C2SP tlog-tiles).
const WIDTH: u64 = 256;
