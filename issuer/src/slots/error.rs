//! Why there are no slots to give away.

use std::fmt;

use sillok_log::entry::ListId;

use crate::journal::StoreError;

/// Why a list is not made or a slot is not given away.
#[derive(Debug)]
pub enum SlotError {
    /// The open lists have fewer slots left.
    Full {
        /// How many were asked for.
        wanted: usize,
    },
    /// No list may have this length.
    Length {
        /// The slots asked for.
        length: u32,
    },
    /// The file could not be replaced.
    Store(StoreError),
    /// No list has this id.
    UnknownList {
        /// The id.
        list: ListId,
    },
}

impl fmt::Display for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { wanted } => write!(f, "status lists have no {wanted} free slots left"),
            Self::Length { length } => {
                write!(f, "status list of {length} slots is not a multiple of 8 from 131072 to 16777216")
            }
            Self::Store(error) => write!(f, "cannot keep the table of status lists: {error}"),
            Self::UnknownList { list } => write!(f, "there is no status list {list} here"),
        }
    }
}

impl std::error::Error for SlotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Full { .. } | Self::Length { .. } | Self::UnknownList { .. } => None,
        }
    }
}
