//! The keys that were made or used last: who intends a credential completes it a moment later.

use super::Sealer;

/// As many keys as there are places; a later one takes the place of an earlier one.
pub(super) struct Recent {
    places: Vec<Option<(u32, Sealer)>>,
}

impl Recent {
    pub(super) fn get(&self, slot: u32) -> Option<Sealer> {
        let (found, sealer) = self.places.get(slot as usize % PLACES)?.as_ref()?;
        (*found == slot).then(|| sealer.clone())
    }

    pub(super) fn insert(&mut self, slot: u32, sealer: Sealer) {
        if let Some(place) = self.places.get_mut(slot as usize % PLACES) {
            *place = Some((slot, sealer));
        }
    }

    /// Wipes a key.
    pub(super) fn forget(&mut self, slot: u32) {
        if let Some(place) = self.places.get_mut(slot as usize % PLACES)
            && place.as_ref().is_some_and(|(found, _sealer)| *found == slot)
        {
            *place = None;
        }
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_place| None).collect() }
    }
}

/// As many as are in flight unless configured (`in_flight` of the configuration): 320 KiB.
const PLACES: usize = 8_192;
