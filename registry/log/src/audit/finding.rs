//! Pure. What an audit can find wrong.

use core::fmt;

use crate::entry::{ListId, ParseError};
use crate::ledger::Refusal;
use crate::tile::{Tile, TileError};
use crate::{Hash, LeafIndex, TreeSize};

/// What an audit found wrong. Those that need a file to be read are raised by whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A bundle is not the entries that its path promises.
    BundleMalformed {
        /// The bundle.
        tile: Tile,
        /// What is wrong with it.
        error: TileError,
    },
    /// An entry of a typed log does not parse.
    EntryMalformed {
        /// Its position.
        at: LeafIndex,
        /// What is wrong with it.
        error: ParseError,
    },
    /// An entry breaks a rule of the ledger.
    EntryRefused {
        /// Its position.
        at: LeafIndex,
        /// The rule.
        refusal: Refusal,
    },
    /// The log signed two histories: a tree of the first size with another root than it had signed is a part of the tree
    /// of the second size.
    Forked {
        /// The smaller size.
        older: TreeSize,
        /// The larger size, or the same.
        newer: TreeSize,
    },
    /// A published list is not the fold of the log.
    ListMismatch {
        /// The list.
        list: ListId,
        /// The first slot that differs; where the lengths differ, the first that one of both lacks.
        slot: u64,
    },
    /// A published list is not that of its last snapshot entry.
    ListSequence {
        /// The list.
        list: ListId,
        /// The sequence of the last snapshot entry, 0 if there is none.
        logged: u64,
        /// The sequence published.
        published: u64,
    },
    /// A published list was never declared.
    ListUnknown {
        /// The list.
        list: ListId,
    },
    /// The log goes on beyond the largest tree.
    LogFull {
        /// The position that no tree has.
        at: LeafIndex,
    },
    /// An entry of a raw log is empty, or too long for a bundle.
    RawLength {
        /// Its position.
        at: LeafIndex,
        /// Its length.
        bytes: usize,
    },
    /// The log signed another root than its entries have.
    RootMismatch {
        /// The size.
        size: TreeSize,
        /// The root of the entries.
        computed: Hash,
        /// The root signed.
        stated: Hash,
    },
    /// The log serves a checkpoint that is smaller than one that it had served, and of the same history.
    Shrank {
        /// The size seen before.
        seen: TreeSize,
        /// The size served now.
        stated: TreeSize,
    },
    /// The log has more entries, or fewer, than it signed.
    SizeMismatch {
        /// How many entries there are.
        computed: TreeSize,
        /// The size signed.
        stated: TreeSize,
    },
    /// A hash tile is not what the entries make it.
    TileMismatch {
        /// The tile.
        tile: Tile,
    },
    /// A file that a log of this size has is not there.
    TileMissing {
        /// The tile or bundle.
        tile: Tile,
    },
}

impl Finding {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BundleMalformed { .. } => "bundle.malformed",
            Self::EntryMalformed { .. } | Self::RawLength { .. } => ParseError::CODE,
            Self::EntryRefused { refusal, .. } => refusal.code(),
            Self::Forked { .. } => "log.forked",
            Self::ListMismatch { .. } => "list.mismatch",
            Self::ListSequence { .. } => "list.sequence",
            Self::ListUnknown { .. } => "list.unknown",
            Self::LogFull { .. } => "log.full",
            Self::RootMismatch { .. } => "root.mismatch",
            Self::Shrank { .. } => "log.shrank",
            Self::SizeMismatch { .. } => "size.mismatch",
            Self::TileMismatch { .. } => "tile.mismatch",
            Self::TileMissing { .. } => "tile.missing",
        }
    }

    /// Where in the log it is, if it is about one entry.
    #[must_use]
    pub const fn at(&self) -> Option<LeafIndex> {
        match self {
            Self::EntryMalformed { at, .. }
            | Self::EntryRefused { at, .. }
            | Self::LogFull { at }
            | Self::RawLength { at, .. } => Some(*at),
            Self::BundleMalformed { .. }
            | Self::Forked { .. }
            | Self::ListMismatch { .. }
            | Self::ListSequence { .. }
            | Self::ListUnknown { .. }
            | Self::RootMismatch { .. }
            | Self::Shrank { .. }
            | Self::SizeMismatch { .. }
            | Self::TileMismatch { .. }
            | Self::TileMissing { .. } => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BundleMalformed { tile, error } => write!(f, "{tile} is no bundle: {error}"),
            Self::EntryMalformed { at, error } => write!(f, "entry {at} is malformed: {error}"),
            Self::EntryRefused { at, refusal } => write!(f, "entry {at} breaks a rule: {refusal}"),
            Self::Forked { older, newer } => {
                write!(
                    f,
                    "log signed two histories: its trees of {older} and {newer} entries contradict each other"
                )
            }
            Self::ListMismatch { list, slot } => {
                write!(f, "published list {list} differs from the fold of the log at slot {slot}")
            }
            Self::ListSequence { list, logged, published } => {
                write!(f, "published list {list} has the sequence {published}, the log {logged}")
            }
            Self::ListUnknown { list } => write!(f, "published list {list} is not declared in the log"),
            Self::LogFull { at } => write!(f, "entry {at} is beyond the largest tree"),
            Self::RawLength { at, bytes } => write!(f, "entry {at} of a raw log has {bytes} bytes"),
            Self::RootMismatch { size, computed, stated } => {
                write!(f, "checkpoint of size {size} states the root {stated}, its entries have {computed}")
            }
            Self::Shrank { seen, stated } => {
                write!(f, "log serves a checkpoint of {stated} entries after one of {seen}")
            }
            Self::SizeMismatch { computed, stated } => {
                write!(f, "checkpoint states the size {stated}, there are {computed} entries")
            }
            Self::TileMismatch { tile } => write!(f, "{tile} holds other hashes than its entries have"),
            Self::TileMissing { tile } => write!(f, "{tile} is missing"),
        }
    }
}

impl core::error::Error for Finding {}
