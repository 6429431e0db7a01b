//! Pure. What can be wrong with a tile or a bundle.

use core::fmt;

use super::{Tile, TileKind};
use crate::merkle::{MAX_TREE_SIZE, NodeId, TreeSize};

/// Why there is no such file, or why its bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileError {
    /// The path names no tile.
    BadPath {
        /// How long the path is.
        bytes: usize,
    },
    /// An entry is longer than a bundle can say.
    EntryTooLong {
        /// Its position in the bundle, counted from zero.
        position: usize,
        /// How long it is.
        bytes: usize,
    },
    /// A hash tile has another number of bytes than its width asks for.
    Length {
        /// The tile.
        tile: Tile,
        /// How many bytes there are.
        found: usize,
    },
    /// No log of this size has this node, complete.
    NoSuchNode {
        /// The node.
        node: NodeId,
        /// The size of the log.
        size: TreeSize,
    },
    /// No log has a tile there, or none of that width.
    NoSuchTile {
        /// What it would hold.
        kind: TileKind,
        /// Its position.
        index: u64,
        /// How many hashes or entries it would hold.
        width: u16,
    },
    /// The node cannot be computed from this tile.
    NotInTile {
        /// The tile.
        tile: Tile,
        /// The node.
        node: NodeId,
    },
    /// A log cannot lose leaves.
    Shrunk {
        /// The size that it had.
        old: TreeSize,
        /// The smaller size asked for.
        new: TreeSize,
    },
    /// The log would be larger than any may be.
    SizeTooLarge {
        /// The size asked for.
        size: TreeSize,
    },
    /// Bytes follow the last entry of a bundle.
    TrailingBytes {
        /// How many entries the bundle should have.
        width: u16,
        /// How many bytes are left over.
        bytes: usize,
    },
    /// A bundle ends before its last entry does.
    Truncated {
        /// The position of the entry that is not whole, counted from zero.
        position: u16,
        /// How many entries the bundle should have.
        width: u16,
    },
}

impl fmt::Display for TileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPath { bytes } => write!(f, "reading a tile path: its {bytes} bytes name no tile"),
            Self::EntryTooLong { position, bytes } => {
                write!(f, "writing a bundle: entry {position} has {bytes} bytes, more than 65535")
            }
            Self::Length { tile, found } => {
                write!(f, "reading {tile}: {found} bytes are not {} hashes", tile.width())
            }
            Self::NoSuchNode { node, size } => {
                write!(
                    f,
                    "finding a tile: a log of {size} leaves has no node {} at level {}",
                    node.index, node.level
                )
            }
            Self::NoSuchTile { kind, index, width } => {
                write!(f, "naming a tile: no log has {kind:?} tile {index} with width {width}")
            }
            Self::NotInTile { tile, node } => {
                write!(f, "reading {tile}: it does not hold node {} at level {}", node.index, node.level)
            }
            Self::Shrunk { old, new } => {
                write!(f, "listing tiles: a log of {old} leaves cannot have only {new}")
            }
            Self::SizeTooLarge { size } => {
                write!(f, "listing tiles: {size} leaves are above the limit of {MAX_TREE_SIZE}")
            }
            Self::TrailingBytes { width, bytes } => {
                write!(f, "reading a bundle of {width} entries: {bytes} bytes follow the last one")
            }
            Self::Truncated { position, width } => {
                write!(f, "reading a bundle of {width} entries: it ends within entry {position}")
            }
        }
    }
}

impl core::error::Error for TileError {}
