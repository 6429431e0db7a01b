//! Pure. Why a population file or a delta is refused.

use core::fmt;

use sillok_log::entry::{MAX_LIST_SLOTS, MIN_LIST_SLOTS};

use super::{MAX_POPULATION_BYTES, MAX_POPULATION_LISTS, MAX_SET_SLOTS};

/// Why a population file or a delta is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PopulationError {
    /// A record of a delta names a record of the base that is not there, or not behind the one before.
    Base {
        /// The number that it has.
        number: u64,
    },
    /// It ends before what it announces.
    Cut,
    /// A list stands twice.
    Duplicate,
    /// It is none, or of another version.
    Kind,
    /// The keys have another length than the least at which they differ.
    KeyBytes {
        /// The bytes of each.
        bytes: usize,
    },
    /// No list has this many slots.
    Length {
        /// The number that is meant.
        slots: u64,
    },
    /// Too many lists.
    Lists {
        /// Their number.
        count: usize,
    },
    /// A number is not in its shortest form, or has more than 4 bytes.
    Number,
    /// Keys are not in ascending order.
    Order,
    /// A delta starts from another file.
    OtherBase,
    /// A delta leads to another file than it says.
    OtherResult,
    /// A bit is set between the codes and the end of their last byte.
    Padding,
    /// A slot is both revoked and suspended.
    RevokedAndSuspended {
        /// The first such slot of its list.
        slot: u32,
    },
    /// More slots are set, or changed, than the list has, or than may be in all.
    SetSlots {
        /// Their number.
        count: u64,
    },
    /// A gap leads beyond the last slot of its list.
    Slot {
        /// The slots that the list has.
        slots: u64,
    },
    /// The file is too long.
    TooLarge,
    /// There are bytes behind the codes.
    Trailing {
        /// Their number.
        bytes: usize,
    },
}

impl fmt::Display for PopulationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base { number } => write!(f, "population delta has a record of base {number} out of place"),
            Self::Cut => f.write_str("population file ends early"),
            Self::Duplicate => f.write_str("population has a list that stands twice"),
            Self::Kind => f.write_str("population file is none, or of another version"),
            Self::KeyBytes { bytes } => {
                write!(
                    f,
                    "population file has keys of {bytes} bytes, which is not the least that tells them apart"
                )
            }
            Self::Length { slots } => write!(
                f,
                "population file has a list of {slots} slots, not a multiple of 8 from {MIN_LIST_SLOTS} to \
                 {MAX_LIST_SLOTS}"
            ),
            Self::Lists { count } => {
                write!(f, "population has {count} lists, more than {MAX_POPULATION_LISTS}")
            }
            Self::Number => f.write_str("population file has a number that is not in its shortest form"),
            Self::Order => f.write_str("population file has keys that do not ascend"),
            Self::OtherBase => f.write_str("population delta starts from another file"),
            Self::OtherResult => f.write_str("population delta leads to another file than it says"),
            Self::Padding => f.write_str("population file has a bit that is set behind its codes"),
            Self::RevokedAndSuspended { slot } => {
                write!(f, "population has slot {slot} of a list both revoked and suspended")
            }
            Self::SetSlots { count } => write!(
                f,
                "population has {count} slots set, more than the list has or than {MAX_SET_SLOTS} in all"
            ),
            Self::Slot { slots } => {
                write!(f, "population file has a gap that leads beyond the {slots} slots of its list")
            }
            Self::TooLarge => write!(f, "population file is longer than {MAX_POPULATION_BYTES} bytes"),
            Self::Trailing { bytes } => write!(f, "population file has {bytes} bytes behind its codes"),
        }
    }
}

impl core::error::Error for PopulationError {}
