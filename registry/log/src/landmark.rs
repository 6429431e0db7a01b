//! Pure. Landmarks: the few tree sizes of a log between which everybody agrees to prove leaves, so that a proof needs
//! no signature beside it.
//!
//! Sequence, subtrees and list are those of
//! <https://datatracker.ietf.org/doc/draft-ietf-plants-merkle-tree-certs/>, "Landmark-Relative Certificates", and of C2SP
//! `mtc-tlog`.
//!
//! # In scope
//! The sequence and its published list ([`Landmarks`]), when and at which size a log allocates the next ([`Schedule`]),
//! and the set that a verifier has checked against a checkpoint ([`TrustedLandmarks`]).
//!
//! # Out of scope
//! The receipts ([`crate::receipt::LandmarkReceipt`]), who signed the checkpoint ([`crate::policy`]).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::merkle::MAX_TREE_SIZE;
use crate::number::parse_decimal;
use crate::subtree::{Subtree, covering_subtrees};
use crate::{LeafIndex, TreeSize};

mod error;
mod schedule;
mod trusted;

pub use error::LandmarkError;
pub use schedule::{MAX_LANDMARK_LEAVES, Schedule};
pub use trusted::{TrustedLandmarks, landmark_nodes, newest_with_hashes};

//= specs/landmarks.md#sequence
/// The newest landmarks of a log, without a gap. The oldest of them only says where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landmarks {
    /// The number of the first size.
    oldest: u64,
    /// Oldest first, strictly increasing; never empty.
    sizes: Vec<TreeSize>,
}

impl Landmarks {
    /// The sequence of a new log: landmark zero, of size zero.
    pub fn new() -> Self {
        Self { oldest: 0, sizes: alloc::vec![TreeSize(0)] }
    }

    /// The landmarks up to number `newest` that have these sizes, oldest first.
    ///
    /// # Errors
    /// [`LandmarkError::Count`], [`LandmarkError::Order`], [`LandmarkError::Number`], [`LandmarkError::Size`].
    pub fn from_sizes(newest: u64, sizes: Vec<TreeSize>) -> Result<Self, LandmarkError> {
        let count = sizes.len();
        let active = u64::try_from(count).ok().and_then(|count| count.checked_sub(1));
        let (Some(active), Some(first), Some(last)) = (active, sizes.first(), sizes.last()) else {
            return Err(LandmarkError::Count { count });
        };
        if count > MAX_SIZES {
            return Err(LandmarkError::Count { count });
        }
        if last.0 > MAX_TREE_SIZE {
            return Err(LandmarkError::Size { size: *last });
        }
        if let Some((size, next)) = sizes.iter().zip(sizes.iter().skip(1)).find(|(size, next)| size >= next) {
            return Err(LandmarkError::Order { size: *size, next: *next });
        }
        // Sizes rise by one at least, from zero at number zero.
        let wrong_number = LandmarkError::Number { newest, size: *first };
        let oldest = newest.checked_sub(active).ok_or(wrong_number)?;
        if first.0 < oldest || (oldest == 0 && first.0 != 0) {
            return Err(wrong_number);
        }
        Ok(Self { oldest, sizes })
    }

    //= specs/landmarks.md#published-list
    /// Reads what [`Landmarks::encode`] writes and nothing else.
    ///
    /// # Errors
    /// [`LandmarkError::Line`] and those of [`Landmarks::from_sizes`].
    pub fn parse(bytes: &[u8]) -> Result<Self, LandmarkError> {
        let first_line = LandmarkError::Line { line: 1 };
        if bytes.len() > MAX_LIST_BYTES {
            return Err(LandmarkError::TooLong { bytes: bytes.len() });
        }
        let text = core::str::from_utf8(bytes).ok().and_then(|text| text.strip_suffix('\n'));
        let mut lines = text.ok_or(first_line)?.split('\n');
        let (newest, active) = lines.next().and_then(|line| line.split_once(' ')).ok_or(first_line)?;
        let newest = parse_decimal(newest).ok_or(first_line)?;
        let active = parse_decimal(active).ok_or(first_line)?;
        let mut sizes = Vec::new();
        for (line, number) in lines.zip(2..) {
            sizes.push(TreeSize(parse_decimal(line).ok_or(LandmarkError::Line { line: number })?));
        }
        if active.checked_add(1) != u64::try_from(sizes.len()).ok() {
            return Err(first_line);
        }
        sizes.reverse();
        Self::from_sizes(newest, sizes)
    }

    /// The published list.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        let (newest, _size) = self.newest();
        // Writing to a String cannot fail.
        writeln!(text, "{newest} {}", self.active()).unwrap_or_default();
        for size in self.sizes.iter().rev() {
            writeln!(text, "{size}").unwrap_or_default();
        }
        text
    }

    /// Number and size of the newest landmark.
    pub fn newest(&self) -> (u64, TreeSize) {
        let number = self.oldest.saturating_add(u64::try_from(self.active()).unwrap_or(u64::MAX));
        (number, self.sizes.last().copied().unwrap_or_default())
    }

    /// How many landmarks leaves can be proved to.
    pub fn active(&self) -> usize {
        self.sizes.len().saturating_sub(1)
    }

    /// The sizes, oldest first. The first is that of the landmark before those that leaves can be proved to.
    pub fn sizes(&self) -> &[TreeSize] {
        &self.sizes
    }

    /// Adds the next landmark. Beyond [`MAX_LANDMARKS`] the oldest is forgotten.
    ///
    /// # Errors
    /// [`LandmarkError::Order`] if `size` is not above the newest, [`LandmarkError::Size`].
    pub fn push(&mut self, size: TreeSize) -> Result<(), LandmarkError> {
        let (_number, newest) = self.newest();
        if size <= newest {
            return Err(LandmarkError::Order { size: newest, next: size });
        }
        if size.0 > MAX_TREE_SIZE {
            return Err(LandmarkError::Size { size });
        }
        self.sizes.push(size);
        self.keep_newest(MAX_LANDMARKS);
        Ok(())
    }

    /// Forgets all but the newest `count` landmarks that leaves can be proved to.
    pub fn keep_newest(&mut self, count: usize) {
        let surplus = self.active().saturating_sub(count);
        self.sizes.drain(..surplus);
        self.oldest = self.oldest.saturating_add(u64::try_from(surplus).unwrap_or(u64::MAX));
    }

    /// Forgets those that are larger than `size`, but for the oldest size.
    pub fn forget_above(&mut self, size: TreeSize) {
        let kept = self.sizes.partition_point(|known| *known <= size);
        self.sizes.truncate(kept.max(1));
    }

    /// Whether `newer` is what a log publishes later: no size that both know has changed.
    pub fn agrees_with(&self, newer: &Self) -> bool {
        self.newest() <= newer.newest()
            && (self.oldest..)
                .zip(&self.sizes)
                .all(|(number, size)| newer.size(number).is_none_or(|other| other == *size))
    }

    //= specs/landmarks.md#subtrees
    /// The number of the landmark that covers a leaf: the first whose size is above its index. `None` if none does yet, or
    /// the one that did is forgotten.
    pub fn covering(&self, index: LeafIndex) -> Option<u64> {
        let after = self.sizes.partition_point(|size| size.0 <= index.0);
        let position = if after == 0 || after == self.sizes.len() { None } else { u64::try_from(after).ok() };
        self.oldest.checked_add(position?)
    }

    /// The two subtrees of a landmark, the left one first; `None` if it is not among those that leaves can be proved to.
    ///
    /// Where all its leaves are one complete node, that is the left one and the right one is empty: the draft would
    /// halve it, and a verifier would have to hold two hashes.
    pub fn subtrees(&self, number: u64) -> Option<(Subtree, Subtree)> {
        let (start, end) = (LeafIndex(self.size(number.checked_sub(1)?)?.0), self.size(number)?);
        match Subtree::new(start, end) {
            Ok(whole) if whole.len().is_power_of_two() => {
                Some((whole, Subtree::new(LeafIndex(end.0), end).ok()?))
            }
            Ok(_) | Err(_) => covering_subtrees(start, end).ok(),
        }
    }

    /// The subtree of a landmark in which it proves this leaf; `None` if the landmark is unknown or does not cover the leaf.
    pub fn subtree(&self, number: u64, index: LeafIndex) -> Option<Subtree> {
        if self.covering(index) != Some(number) {
            return None;
        }
        let (left, right) = self.subtrees(number)?;
        Some(if index.0 < left.end().0 { left } else { right })
    }

    fn size(&self, number: u64) -> Option<TreeSize> {
        let position = usize::try_from(number.checked_sub(self.oldest)?).ok()?;
        self.sizes.get(position).copied()
    }
}

impl Default for Landmarks {
    fn default() -> Self {
        Self::new()
    }
}

/// Most landmarks that leaves can be proved to at a time (specs/landmarks.md, "Published list"): one an hour for a year is
/// 8,784, and as many again for a log that grows fast.
pub const MAX_LANDMARKS: usize = 16_384;

/// With the one before them.
const MAX_SIZES: usize = MAX_LANDMARKS + 1;

/// Longest published list in bytes: two numbers of 20 digits, and a line of 20 for each size.
pub const MAX_LIST_BYTES: usize = 42 + 20 * MAX_SIZES;
