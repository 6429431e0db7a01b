//! Pure. Which slots of a list differ between two states, as the gaps between them.

use alloc::format;
use alloc::vec::Vec;

use sillok_log::status::ListState;

use super::error::DeltaError;
use crate::json::{JsonError, Object};
use crate::trust::members::{ObjectText, items, json_array};

/// Positions that flip, ascending, as gaps: how many positions lie between one and the one before it, for the first how
/// many lie before it. The suspension plane's positions follow the revocation plane's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    gaps: Vec<u64>,
}

impl Changes {
    /// `None` for lists of different lengths, and for more changes than a delta has of one list.
    pub(super) fn between(before: &ListState, after: &ListState) -> Option<Self> {
        if before.length() != after.length() {
            return None;
        }
        let (old, new) = (super::planes_of(before), super::planes_of(after));
        let (mut gaps, mut next, mut position) = (Vec::new(), 0_u64, 0_u64);
        for (old, new) in old.into_iter().flatten().zip(new.into_iter().flatten()) {
            let mut differing = old ^ new;
            while differing != 0 {
                let bit = differing.leading_zeros();
                differing &= !(0x80_u8 >> bit);
                let at = position.saturating_add(u64::from(bit));
                gaps.push(at.saturating_sub(next));
                next = at.saturating_add(1);
                if gaps.len() > MAX_CHANGES {
                    return None;
                }
            }
            position = position.saturating_add(8);
        }
        Some(Self { gaps })
    }

    pub(super) fn apply(&self, before: &ListState) -> Result<ListState, DeltaError> {
        let [revocation, suspension] = super::planes_of(before);
        let mut planes = [revocation, suspension].concat();
        let mut next = 0_u64;
        for gap in &self.gaps {
            let position = next.saturating_add(*gap);
            let byte = usize::try_from(position >> 3).ok().and_then(|byte| planes.get_mut(byte));
            let byte = byte.ok_or(DeltaError::Slot { position })?;
            *byte ^= 0x80_u8 >> (position & 7);
            next = position.saturating_add(1);
        }
        let suspension = planes.split_off(revocation.len());
        ListState::from_planes(before.list(), before.length(), planes, suspension).map_err(DeltaError::State)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.gaps.is_empty()
    }

    pub(super) fn read(object: &Object) -> Result<Self, JsonError> {
        Ok(Self { gaps: items(object, "changes", MAX_CHANGES, crate::json::Json::unsigned)? })
    }

    pub(super) fn write(&self, object: ObjectText) -> ObjectText {
        object.json("changes", &json_array(self.gaps.iter().map(|gap| format!("{gap}"))))
    }

    /// How long they are as text; twice what they are when that is compressed.
    pub(super) fn text_bytes(&self) -> usize {
        self.gaps.len().saturating_mul(7).div_euclid(2)
    }
}

/// Most changes of one list (specs/trust-bundle.md, "Delta"): beyond that the whole state is shorter.
const MAX_CHANGES: usize = 65_536;
