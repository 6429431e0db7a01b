//! Pure. The slots of one list that are not valid: sorted, four bytes each.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

use sillok_log::entry::{ListId, StatusValue};
use sillok_log::status::{ListState, StateError};

/// The state of a list as the slots that are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    pub(super) length: u64,
    /// Ascending, as below; no slot is in both.
    pub(super) revoked: Vec<u32>,
    pub(super) suspended: Vec<u32>,
}

impl Slots {
    pub(super) fn of(state: &ListState) -> Self {
        let (revoked, suspended) = (set_slots(state.revocation()), set_slots(state.suspension()));
        Self { length: state.length(), revoked, suspended }
    }

    /// What a slot says; `None` if there is no such slot.
    pub(crate) fn get(&self, index: u32) -> Option<StatusValue> {
        if u64::from(index) >= self.length {
            return None;
        }
        Some(if self.revoked.binary_search(&index).is_ok() {
            StatusValue::Revoked
        } else if self.suspended.binary_search(&index).is_ok() {
            StatusValue::Suspended
        } else {
            StatusValue::Valid
        })
    }

    /// The planes, as the state of the list with this id.
    pub(crate) fn state(&self, list: ListId) -> Result<ListState, StateError> {
        let bytes =
            usize::try_from(self.length / 8).map_err(|_error| StateError::Length { slots: self.length })?;
        ListState::from_planes(list, self.length, plane(&self.revoked, bytes), plane(&self.suspended, bytes))
    }

    /// A slot that is both revoked and suspended.
    pub(super) fn conflict(&self) -> Option<u32> {
        let mut suspended = self.suspended.iter().peekable();
        self.revoked.iter().copied().find(|slot| {
            while suspended.next_if(|other| *other < slot).is_some() {}
            suspended.peek() == Some(&slot)
        })
    }
}

/// The positions of the bits of a plane, counted from the left.
fn set_slots(plane: &[u8]) -> Vec<u32> {
    let count: u32 = plane.iter().map(|byte| byte.count_ones()).fold(0, u32::saturating_add);
    let mut slots = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    for (base, mut byte) in (0_u32..).step_by(8).zip(plane.iter().copied()) {
        while byte != 0 {
            let bit = byte.leading_zeros();
            slots.push(base.saturating_add(bit));
            byte &= !0x80_u8.wrapping_shr(bit);
        }
    }
    slots
}

fn plane(slots: &[u32], bytes: usize) -> Vec<u8> {
    let mut plane = vec![0_u8; bytes];
    for slot in slots {
        let at = usize::try_from(slot >> 3).unwrap_or(usize::MAX);
        if let Some(byte) = plane.get_mut(at) {
            *byte |= 0x80_u8.wrapping_shr(slot & 7);
        }
    }
    plane
}

/// What is in one of two ascending sets and not in the other, ascending.
pub(super) fn difference(first: &[u32], second: &[u32]) -> Vec<u32> {
    let mut out = Vec::new();
    let (mut first, mut second) = (first.iter().copied().peekable(), second.iter().copied().peekable());
    loop {
        let order = match (first.peek(), second.peek()) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return out,
        };
        match order {
            Ordering::Less => out.extend(first.next()),
            Ordering::Greater => out.extend(second.next()),
            Ordering::Equal => {
                first.next();
                second.next();
            }
        }
    }
}
