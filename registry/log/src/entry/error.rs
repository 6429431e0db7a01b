//! Pure. Why bytes are no entry.

use core::fmt;

use crate::entry::{
    EntryKind, ISSUE_TIME_SECONDS, MAX_CUT_SIZE, MAX_CUTS, MAX_LIST_SLOTS, MAX_TIME, MIN_LIST_SLOTS,
};

/// Why bytes are no entry. The code of each is [`ParseError::CODE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParseError {
    /// More cuts than [`MAX_CUTS`].
    CutCount {
        /// Their number.
        count: usize,
    },
    /// A key that is added has cuts.
    CutOfAdded {
        /// Their number.
        count: usize,
    },
    /// The origins of the cuts do not ascend strictly.
    CutOrder {
        /// The position of the cut that the next one does not exceed, from 0.
        position: usize,
    },
    /// A cut is larger than [`MAX_CUT_SIZE`].
    CutSize {
        /// The size found.
        size: u64,
    },
    /// A bundle entry names no known document.
    Document {
        /// The byte found.
        found: u8,
    },
    /// Version and kind are missing.
    Header {
        /// The length of the input.
        bytes: usize,
    },
    /// The time of an issue entry is no full hour.
    IssueTime {
        /// The time found.
        seconds: u64,
    },
    /// A key entry names no known event.
    KeyEvent {
        /// The byte found.
        found: u8,
    },
    /// No known kind of entry.
    Kind {
        /// The byte found.
        found: u8,
    },
    /// The entry is longer or shorter than its kind demands.
    Length {
        /// The kind that the entry claims.
        kind: EntryKind,
        /// The bytes that the kind demands.
        expected: usize,
        /// The bytes found.
        found: usize,
    },
    /// A list has too few slots, too many, or no full bytes of them.
    ListSize {
        /// The slots found.
        slots: u64,
    },
    /// A snapshot is not good for a second: it ends when it is issued, or before.
    Period {
        /// The time of issuance found.
        issued: u64,
        /// The not-after found.
        not_after: u64,
    },
    /// The reserved bytes of a bundle entry are not zero.
    Reserved,
    /// A sequence number is 0; they count from 1.
    Sequence,
    /// A status entry holds no known value.
    StatusValue {
        /// The byte found.
        found: u8,
    },
    /// A time is after the year 9999.
    Time {
        /// The time found.
        seconds: u64,
    },
    /// Not the version that this ledger speaks.
    Version {
        /// The byte found.
        found: u8,
    },
}

impl ParseError {
    /// The code of specs/entry.md for all of them.
    pub const CODE: &'static str = "entry.malformed";
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutCount { count } => write!(f, "key entry has {count} cuts, more than {MAX_CUTS}"),
            Self::CutOfAdded { count } => write!(f, "key entry adds a key and has {count} cuts"),
            Self::CutOrder { position } => {
                write!(f, "cut {position} of the key entry is not below the next one by origin")
            }
            Self::CutSize { size } => {
                write!(f, "key entry has a cut of size {size}, more than {}", MAX_CUT_SIZE.0)
            }
            Self::Document { found } => write!(f, "bundle entry names the unknown document {found:#04x}"),
            Self::Header { bytes } => write!(f, "entry of {bytes} bytes has no version and kind"),
            Self::IssueTime { seconds } => {
                write!(f, "issue entry has the time {seconds}, not a multiple of {ISSUE_TIME_SECONDS}")
            }
            Self::KeyEvent { found } => write!(f, "key entry names the unknown event {found:#04x}"),
            Self::Kind { found } => write!(f, "entry has the unknown kind {found:#04x}"),
            Self::Length { kind, expected, found } => {
                write!(f, "{kind} entry has {found} bytes, not {expected}")
            }
            Self::ListSize { slots } => write!(
                f,
                "list entry has {slots} slots, not a multiple of 8 from {MIN_LIST_SLOTS} to {MAX_LIST_SLOTS}"
            ),
            Self::Period { issued, not_after } => {
                write!(f, "snapshot entry is issued at {issued} and not good after {not_after}")
            }
            Self::Reserved => f.write_str("bundle entry has reserved bytes that are not zero"),
            Self::Sequence => f.write_str("entry has the sequence number 0"),
            Self::StatusValue { found } => write!(f, "status entry holds the unknown value {found:#04x}"),
            Self::Time { seconds } => write!(f, "entry has the time {seconds}, after {}", MAX_TIME.0),
            Self::Version { found } => write!(f, "entry has the unknown version {found:#04x}"),
        }
    }
}

impl core::error::Error for ParseError {}
