//! Pure. The state of a status list: two planes of bits, one slot a credential.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::Hash;
use crate::entry::{ListId, MAX_LIST_SLOTS, MIN_LIST_SLOTS, StatusValue, check_list_size, domain};

//= specs/status.md#planes
/// Which slots of a list are revoked and which are suspended; a slot is never both.
///
/// Slot i is bit `i mod 8`, from the left, of byte `i / 8` (W3C Bitstring Status List v1.0 section 3.2).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ListState {
    list: ListId,
    length: u64,
    revocation: Vec<u8>,
    suspension: Vec<u8>,
}

impl ListState {
    /// A list in which every slot is valid.
    ///
    /// # Errors
    /// [`StateError::Length`].
    pub fn new(list: ListId, length: u64) -> Result<Self, StateError> {
        let bytes = plane_bytes(length)?;
        Ok(Self { list, length, revocation: vec![0; bytes], suspension: vec![0; bytes] })
    }

    /// Takes planes that were decoded from a published list.
    ///
    /// # Errors
    /// [`StateError::Length`], [`StateError::PlaneLength`], [`StateError::RevokedAndSuspended`].
    pub fn from_planes(
        list: ListId,
        length: u64,
        revocation: Vec<u8>,
        suspension: Vec<u8>,
    ) -> Result<Self, StateError> {
        let expected = plane_bytes(length)?;
        for plane in [&revocation, &suspension] {
            if plane.len() != expected {
                return Err(StateError::PlaneLength { expected, found: plane.len() });
            }
        }
        match first_common_slot(&revocation, &suspension) {
            Some(index) => Err(StateError::RevokedAndSuspended { index }),
            None => Ok(Self { list, length, revocation, suspension }),
        }
    }

    /// The list.
    #[must_use]
    pub const fn list(&self) -> ListId {
        self.list
    }

    /// How many slots it has.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// What a slot says; `None` if there is no such slot.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<StatusValue> {
        let (byte, mask) = place(index);
        let revoked = self.revocation.get(byte)? & mask != 0;
        let suspended = self.suspension.get(byte)? & mask != 0;
        Some(match (revoked, suspended) {
            (true, true | false) => StatusValue::Revoked,
            (false, true) => StatusValue::Suspended,
            (false, false) => StatusValue::Valid,
        })
    }

    /// Makes a slot say something else. Revoking a suspended slot clears its suspension.
    ///
    /// # Errors
    /// [`StateError::IndexRange`]; nothing has changed then.
    pub fn set(&mut self, index: u32, value: StatusValue) -> Result<(), StateError> {
        let (byte, mask) = place(index);
        let (Some(revocation), Some(suspension)) =
            (self.revocation.get_mut(byte), self.suspension.get_mut(byte))
        else {
            return Err(StateError::IndexRange { index, length: self.length });
        };
        let (revoked, suspended) = match value {
            StatusValue::Valid => (0, 0),
            StatusValue::Revoked => (mask, 0),
            StatusValue::Suspended => (0, mask),
        };
        *revocation = (*revocation & !mask) | revoked;
        *suspension = (*suspension & !mask) | suspended;
        Ok(())
    }

    /// The plane of revoked slots, `length / 8` bytes.
    #[must_use]
    pub fn revocation(&self) -> &[u8] {
        &self.revocation
    }

    /// The plane of suspended slots, `length / 8` bytes.
    #[must_use]
    pub fn suspension(&self) -> &[u8] {
        &self.suspension
    }

    //= specs/status.md#state-digest
    /// The state digest that a snapshot entry logs.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let hash = domain("sillok/status-state/v1")
            .chain_update(self.list.0)
            .chain_update(self.length.to_be_bytes())
            .chain_update(Sha256::digest(&self.revocation))
            .chain_update(Sha256::digest(&self.suspension));
        Hash(hash.finalize().into())
    }

    /// The first slot that says something else in `other`. Where one list is longer, its next slot is the first.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<u64> {
        let revocation = first_differing_bit(&self.revocation, &other.revocation);
        let suspension = first_differing_bit(&self.suspension, &other.suspension);
        let longer = (self.length != other.length).then(|| self.length.min(other.length));
        [revocation, suspension, longer].into_iter().flatten().min()
    }
}

/// Only how many slots are set: the planes take megabytes.
impl fmt::Debug for ListState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListState")
            .field("list", &self.list)
            .field("length", &self.length)
            .field("revoked", &set_bits(&self.revocation))
            .field("suspended", &set_bits(&self.suspension))
            .finish()
    }
}

fn set_bits(plane: &[u8]) -> u64 {
    plane.iter().map(|byte| u64::from(byte.count_ones())).sum()
}

fn plane_bytes(length: u64) -> Result<usize, StateError> {
    let bytes = check_list_size(length).ok().and_then(|()| usize::try_from(length / 8).ok());
    bytes.ok_or(StateError::Length { slots: length })
}

/// The byte of a slot and its bit in it. An index that `usize` cannot hold is outside of every plane.
fn place(index: u32) -> (usize, u8) {
    (usize::try_from(index / 8).unwrap_or(usize::MAX), 0x80_u8.wrapping_shr(index % 8))
}

fn first_common_slot(first: &[u8], second: &[u8]) -> Option<u64> {
    first_set_bit(first.iter().zip(second).map(|(a, b)| a & b))
}

fn first_differing_bit(first: &[u8], second: &[u8]) -> Option<u64> {
    first_set_bit(first.iter().zip(second).map(|(a, b)| a ^ b))
}

fn first_set_bit(mut bytes: impl Iterator<Item = u8>) -> Option<u64> {
    let mut byte = 0_u64;
    bytes.find_map(|bits| {
        let slot = byte.saturating_mul(8).saturating_add(u64::from(bits.leading_zeros()));
        byte = byte.saturating_add(1);
        (bits != 0).then_some(slot)
    })
}

/// Why there is no such state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The list has no such slot.
    IndexRange {
        /// The slot asked for.
        index: u32,
        /// How many slots there are.
        length: u64,
    },
    /// No list has this many slots.
    Length {
        /// The slots asked for.
        slots: u64,
    },
    /// A plane is longer or shorter than the slots need.
    PlaneLength {
        /// The bytes needed.
        expected: usize,
        /// The bytes found.
        found: usize,
    },
    /// A slot is both revoked and suspended.
    RevokedAndSuspended {
        /// The first such slot.
        index: u64,
    },
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IndexRange { index, length } => {
                write!(f, "setting slot {index} of a status list that has {length}")
            }
            Self::Length { slots } => write!(
                f,
                "status list of {slots} slots, not a multiple of 8 from {MIN_LIST_SLOTS} to {MAX_LIST_SLOTS}"
            ),
            Self::PlaneLength { expected, found } => {
                write!(f, "plane of a status list has {found} bytes, not {expected}")
            }
            Self::RevokedAndSuspended { index } => {
                write!(f, "slot {index} of a status list is both revoked and suspended")
            }
        }
    }
}

impl core::error::Error for StateError {}

#[cfg(test)]
mod tests;
