//! One random key a subject, in a small file that is rewritten in place: destroying the key is the erasure.
//!
//! The file is a sequence of slots of 128 bytes, none across two sectors. Slot 0 proves the master key; each other one
//! is a subject's: sealed reference and key, or a mark once erased. A slot is never used again, so that its number,
//! which the journal names in plain text, says nothing after the erasure.
//!
//! # Out of scope
//! What the storage below keeps of overwritten bytes (flash translation, copy-on-write snapshots): there the slot is
//! still sealed under the master key.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::journal::{Group, StoreError, sync_folder};
pub(crate) use random::random;
use recent::Recent;
pub use seal::Master;
pub(crate) use seal::{DIGEST_BYTES, Digester, NONCE_BYTES, SEAL_BYTES, Sealer, keyed_hash};
pub(crate) use table::Table;

mod random;
mod recent;
mod seal;
mod table;

/// The name of a subject in the store: a keyed digest of what the caller calls the subject.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SubjectRef([u8; DIGEST_BYTES]);

/// Where a subject's key is. It names the subject nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectSlot(pub(crate) u32);

/// A subject's key and where it is.
pub(crate) struct SubjectKey {
    pub(crate) slot: SubjectSlot,
    pub(crate) sealer: Sealer,
}

/// The key store in one file.
pub struct Subjects {
    path: PathBuf,
    file: File,
    sealer: Sealer,
    references: Digester,
    /// Never held over an operation on the file.
    index: Mutex<Index>,
    writes: Group<Vec<Write>, ()>,
    /// Bytes of the file. Owned by whoever works for the group.
    allocated: AtomicU64,
}

#[derive(Default)]
struct Index {
    /// Where a subject's key is.
    slots: Table<u32>,
    /// Whose key is in a slot; zeros once it is erased.
    references: Vec<SubjectRef>,
    states: Vec<State>,
    /// Slots that are being written, for those who need the same key at the same time.
    pending: HashMap<u32, Pending>,
    /// Keys of slots that are live.
    recent: Recent,
}

/// A key that is not durable yet.
#[derive(Clone)]
struct Pending {
    bytes: [u8; SLOT_BYTES],
    sealer: Sealer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The key was destroyed: the slot says so.
    Erased,
    Live,
    Pending,
    /// All zeros: reserved once, and never written.
    Unused,
}

/// A slot to write.
#[derive(Clone, Copy)]
struct Write {
    slot: u32,
    bytes: [u8; SLOT_BYTES],
}

impl Subjects {
    /// Opens the store, makes it if it is not there. The caller makes sure that no other process has it open. What it
    /// holds is on the disk, and not in the page cache alone, when this returns.
    ///
    /// # Errors
    /// A failed operation, another master key, or a damaged slot. Slots at the end that a crash has torn are dropped:
    /// nobody was told that they are there.
    pub fn open(path: &Path, master: &Master) -> Result<Self, StoreError> {
        let sealer = Sealer::new(&master.derive("sillok/subject-store/v1"));
        let references = Digester::new(&master.derive("sillok/subject-reference/v1"));
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(StoreError::io("open", path))?;
        let length = file.metadata().map_err(StoreError::io("examine", path))?.len();
        let mut index = Index::default();
        index.push(State::Unused, NOBODY);
        let store = Self {
            path: path.to_path_buf(),
            file,
            sealer,
            references,
            index: Mutex::new(index),
            writes: Group::new(path),
            allocated: AtomicU64::new(length),
        };
        if store.is_blank(length)? {
            store.begin()?;
        } else {
            store.load(length)?;
        }
        store.sync()?;
        Ok(store)
    }

    /// Writes the slot that proves the master key; no other is written before it is durable.
    fn begin(&self) -> Result<(), StoreError> {
        let bytes = self.seal_slot(0, PROOF)?;
        self.commit(vec![Write { slot: 0, bytes }])
    }

    /// Makes the file's length and name durable too.
    fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_all().map_err(StoreError::io("synchronise", &self.path))?;
        let folder = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(folder.unwrap_or_else(|| Path::new(".")))
    }

    /// Whether nothing was ever written.
    fn is_blank(&self, length: u64) -> Result<bool, StoreError> {
        let mut blank = true;
        self.read_pieces(length, |_first, piece| {
            blank &= piece.iter().all(|byte| *byte == 0);
            Ok(blank)
        })?;
        Ok(blank)
    }

    /// Reads the file piece by piece, as long as `visit` wants more: it gets the number of the first slot and whole
    /// slots, but for the last piece.
    fn read_pieces(
        &self,
        length: u64,
        mut visit: impl FnMut(u32, &[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut piece = vec![0; GROWTH_BYTES];
        let mut at = 0;
        while at < length {
            let (piece, _rest) = piece.split_at_mut((length - at).min(GROWTH_BYTES as u64) as usize);
            self.file.read_exact_at(piece, at).map_err(StoreError::io("read", &self.path))?;
            let full = |_many| StoreError::damaged(&self.path, at, "it has more slots than there can be");
            let first = u32::try_from(at / SLOT_BYTES as u64).map_err(full)?;
            if !visit(first, piece)? {
                break;
            }
            at += piece.len() as u64;
        }
        Ok(())
    }

    fn load(&self, length: u64) -> Result<(), StoreError> {
        let mut unreadable = None;
        self.read_pieces(length, |first, piece| {
            let (slots, _cut) = piece.as_chunks::<SLOT_BYTES>();
            self.load_slots(first, slots, &mut unreadable).map(|()| true)
        })?;
        // After a crash between writing and synchronising, or a synchronisation that failed, what was just read may be
        // in the page cache alone: keys, which stand at the end, and erasures, which stand anywhere.
        // If we crash here: the same bytes as before.
        let used = self.hold().states.len();
        self.read_pieces(used as u64 * SLOT_BYTES as u64, |first, piece| {
            let at = u64::from(first) * SLOT_BYTES as u64;
            self.file.write_all_at(piece, at).map_err(StoreError::io("write", &self.path))?;
            Ok(true)
        })?;
        // What follows is of a creation that nobody was told about.
        let mut torn = Vec::new();
        self.read_pieces(length, |first, piece| {
            let slots = (first..).zip(piece.as_chunks::<SLOT_BYTES>().0);
            let rest = slots.filter(|(number, slot)| *number as usize >= used && !is_zero(slot.as_slice()));
            torn.extend(rest.map(|(slot, _torn)| Write { slot, bytes: [0; SLOT_BYTES] }));
            Ok(true)
        })?;
        self.commit(torn)
    }

    /// Takes in the slots of one piece of the file. `unreadable` is the first slot that does not open.
    fn load_slots(
        &self,
        first: u32,
        slots: &[[u8; SLOT_BYTES]],
        unreadable: &mut Option<u32>,
    ) -> Result<(), StoreError> {
        let mut index = self.hold();
        for (number, slot) in (first..).zip(slots) {
            let opened = if is_zero(slot) { None } else { self.open_slot(number, slot) };
            if number == 0 {
                if opened.is_none_or(|proof| *proof != *PROOF) {
                    return Err(StoreError::WrongKey { path: self.path.clone() });
                }
                continue;
            }
            if is_zero(slot) {
                continue;
            }
            if opened.is_none() && *slot != ERASED {
                unreadable.get_or_insert(number);
                continue;
            }
            if let Some(damaged) = *unreadable {
                let offset = u64::from(damaged) * SLOT_BYTES as u64;
                return Err(StoreError::damaged(&self.path, offset, "a slot does not open"));
            }
            // Slots between that were reserved and never written stay unused.
            while index.states.len() < number as usize {
                index.push(State::Unused, NOBODY);
            }
            match opened.as_ref().and_then(|plain| plain.first_chunk()) {
                Some(reference) => index.push_subject(State::Live, SubjectRef(*reference)),
                None => index.push(State::Erased, NOBODY),
            }
        }
        Ok(())
    }

    /// The name of a subject.
    #[must_use]
    pub fn reference(&self, subject: &str) -> SubjectRef {
        SubjectRef(self.references.digest(&[subject.as_bytes()]))
    }

    /// The keys of some subjects, in their order. Those that are not there yet are made, with one synchronisation
    /// for all of them and for whoever else makes some at the same time.
    pub(crate) fn keys_for(&self, subjects: &[SubjectRef]) -> Result<Vec<SubjectKey>, StoreError> {
        let mut writes = BTreeMap::new();
        let mut found = Vec::with_capacity(subjects.len());
        let mut index = self.hold();
        for subject in subjects {
            let slot = match index.find(subject) {
                Some(slot) => slot,
                None => self.reserve(&mut index, *subject)?,
            };
            // Somebody else may be writing it too: the same bytes at the same place, whoever comes first.
            let pending = index.pending.get(&slot);
            writes.extend(pending.map(|pending| (slot, pending.bytes)));
            let sealer = pending.map(|pending| pending.sealer.clone()).or_else(|| index.recent.get(slot));
            found.push((slot, sealer));
        }
        drop(index);
        let keys = found.into_iter().map(|(slot, sealer)| {
            let slot = SubjectSlot(slot);
            let sealer = match sealer {
                Some(sealer) => Some(sealer),
                None => self.key(slot)?,
            };
            // Erased just now: a key that nobody keeps makes whatever is sealed under it unreadable as well.
            let sealer = sealer.map_or_else(|| Ok(Sealer::new(&Zeroizing::new(random()?))), Ok)?;
            Ok(SubjectKey { slot, sealer })
        });
        let keys = keys.collect::<Result<Vec<_>, StoreError>>()?;
        self.commit(writes.iter().map(|(slot, bytes)| Write { slot: *slot, bytes: *bytes }).collect())?;
        let mut index = self.hold();
        for slot in writes.into_keys() {
            index.pending.remove(&slot);
            index.advance(slot, State::Pending, State::Live);
        }
        for SubjectKey { slot, sealer } in &keys {
            if index.states.get(slot.0 as usize) == Some(&State::Live) {
                index.recent.insert(slot.0, sealer.clone());
            }
        }
        drop(index);
        Ok(keys)
    }

    /// Takes the next slot for a new subject.
    fn reserve(&self, index: &mut Index, subject: SubjectRef) -> Result<u32, StoreError> {
        let full = |_many| StoreError::damaged(&self.path, 0, "it has no slot left");
        let slot = u32::try_from(index.states.len()).map_err(full)?;
        let mut plain = Zeroizing::new([0; PLAIN_BYTES]);
        let (reference, key) = plain.split_at_mut(DIGEST_BYTES);
        reference.copy_from_slice(&subject.0);
        let new = Zeroizing::new(random::<KEY_BYTES>()?);
        key.copy_from_slice(new.as_slice());
        let bytes = self.seal_slot(slot, &plain)?;
        index.pending.insert(slot, Pending { bytes, sealer: Sealer::new(&new) });
        index.push_subject(State::Pending, subject);
        Ok(slot)
    }

    /// The key in a slot; `None` once it is erased.
    pub(crate) fn key(&self, slot: SubjectSlot) -> Result<Option<Sealer>, StoreError> {
        let index = self.hold();
        if index.states.get(slot.0 as usize) == Some(&State::Erased) {
            return Ok(None);
        }
        let recent = index.recent.get(slot.0);
        drop(index);
        if recent.is_some() {
            return Ok(recent);
        }
        let mut bytes = [0; SLOT_BYTES];
        let offset = u64::from(slot.0) * SLOT_BYTES as u64;
        self.file.read_exact_at(&mut bytes, offset).map_err(StoreError::io("read", &self.path))?;
        match self.sealer_in(slot.0, &bytes) {
            // Between the two looks somebody may have erased it.
            None if !self.is_erased(slot) => {
                Err(StoreError::damaged(&self.path, offset, "a slot does not open"))
            }
            key => Ok(key),
        }
    }

    /// Whether the key of a slot is gone.
    #[must_use]
    pub fn is_erased(&self, slot: SubjectSlot) -> bool {
        self.hold().states.get(slot.0 as usize) == Some(&State::Erased)
    }

    /// Whether a slot holds a key, or the mark of one that was destroyed. Whatever names another one has lost its key
    /// without anybody's wish.
    pub(crate) fn is_used(&self, slot: SubjectSlot) -> bool {
        matches!(self.hold().states.get(slot.0 as usize), Some(State::Erased | State::Live))
    }

    /// The slot of a subject that has a key.
    #[must_use]
    pub fn find(&self, subject: SubjectRef) -> Option<SubjectSlot> {
        self.hold().find(&subject).map(SubjectSlot)
    }

    /// Destroys keys: what is sealed under them is unreadable from now on, also for whoever has the master key.
    ///
    /// # Errors
    /// A failed operation: whether the keys are gone is unknown, and known again after the next start.
    pub fn erase(&self, slots: &HashSet<SubjectSlot>) -> Result<(), StoreError> {
        let mut index = self.hold();
        for slot in slots {
            // Whoever is still writing this slot sees it and leaves it, or has written before.
            index.advance(slot.0, State::Live, State::Erased);
            index.advance(slot.0, State::Pending, State::Erased);
            index.forget(slot.0);
        }
        drop(index);
        let mut slots: Vec<u32> = slots.iter().map(|slot| slot.0).collect();
        slots.sort_unstable();
        // Others write between. If we crash there: some are erased, and the rest at the next look for what is too old.
        slots.chunks(WRITTEN_TOGETHER).try_for_each(|slots| {
            self.commit(slots.iter().map(|slot| Write { slot: *slot, bytes: ERASED }).collect())
        })
    }

    /// Writes slots with one synchronisation for everybody who does so at the same time.
    fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.writes.run(writes, |batches| {
            let last = batches.iter().flatten().map(|write| write.slot).max().unwrap_or(0);
            self.grow((u64::from(last) + 1) * SLOT_BYTES as u64)?;
            let mut run = Run { first: 0, bytes: Vec::new() };
            for write in batches.iter().flatten() {
                let creates = write.bytes != ERASED && write.bytes != [0; SLOT_BYTES] && write.slot != 0;
                if creates && self.is_erased(SubjectSlot(write.slot)) {
                    continue;
                }
                if !run.is_before(write.slot) {
                    self.write(&run)?;
                    run = Run { first: write.slot, bytes: Vec::new() };
                }
                run.bytes.extend_from_slice(&write.bytes);
            }
            self.write(&run)?;
            // If we crash before it is through: the slots are not in the journal yet, and dropped if torn.
            self.file.sync_data().map_err(StoreError::io("synchronise", &self.path))?;
            Ok(batches.iter().map(|_batch| ()).collect())
        })
    }

    fn write(&self, run: &Run) -> Result<(), StoreError> {
        let offset = u64::from(run.first) * SLOT_BYTES as u64;
        self.file.write_all_at(&run.bytes, offset).map_err(StoreError::io("write", &self.path))
    }

    /// Fills with zeros ahead, so that a synchronisation does not have to change the length of the file each time.
    fn grow(&self, needed: u64) -> Result<(), StoreError> {
        let mut at = self.allocated.load(Ordering::Relaxed);
        while at < needed {
            let zeros = vec![0; GROWTH_BYTES - at as usize % GROWTH_BYTES];
            self.file.write_all_at(&zeros, at).map_err(StoreError::io("write", &self.path))?;
            at += zeros.len() as u64;
            self.allocated.store(at, Ordering::Relaxed);
        }
        Ok(())
    }

    fn seal_slot(&self, slot: u32, plain: &[u8; PLAIN_BYTES]) -> Result<[u8; SLOT_BYTES], StoreError> {
        let sealed = self.sealer.seal(&slot.to_be_bytes(), plain)?;
        let mut bytes = [0; SLOT_BYTES];
        for (byte, from) in bytes.iter_mut().zip(sealed) {
            *byte = from;
        }
        Ok(bytes)
    }

    fn open_slot(&self, slot: u32, bytes: &[u8; SLOT_BYTES]) -> Option<Zeroizing<[u8; PLAIN_BYTES]>> {
        let (sealed, rest) = bytes.split_first_chunk::<{ SEAL_BYTES + PLAIN_BYTES }>()?;
        let mut sealed = Zeroizing::new(*sealed);
        let plain = self.sealer.open_in_place(&slot.to_be_bytes(), sealed.as_mut_slice())?;
        let plain = Zeroizing::new(<[u8; PLAIN_BYTES]>::try_from(plain).ok()?);
        is_zero(rest).then_some(plain)
    }

    fn sealer_in(&self, slot: u32, bytes: &[u8; SLOT_BYTES]) -> Option<Sealer> {
        let plain = self.open_slot(slot, bytes)?;
        plain.last_chunk::<KEY_BYTES>().map(Sealer::new)
    }

    fn hold(&self) -> MutexGuard<'_, Index> {
        // Every change of it is whole before anything can panic.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn find(&self, subject: &SubjectRef) -> Option<u32> {
        self.slots.find(&subject.0, |slot| self.reference(slot))
    }

    fn reference(&self, slot: u32) -> Option<[u8; DIGEST_BYTES]> {
        self.references.get(slot as usize).map(|reference| reference.0)
    }

    fn push(&mut self, state: State, reference: SubjectRef) {
        self.states.push(state);
        self.references.push(reference);
    }

    fn push_subject(&mut self, state: State, reference: SubjectRef) {
        let Ok(slot) = u32::try_from(self.states.len()) else { return };
        self.push(state, reference);
        let Self { slots, references, .. } = self;
        slots.insert(&reference.0, slot, |slot| references.get(slot as usize).map(|reference| reference.0));
    }

    /// Keeps nothing of a slot that leads from a subject to it or to its key.
    fn forget(&mut self, slot: u32) {
        self.pending.remove(&slot);
        self.recent.forget(slot);
        if let Some(reference) = self.reference(slot).filter(|reference| *reference != NOBODY.0) {
            if self.find(&SubjectRef(reference)) == Some(slot) {
                let Self { slots, references, .. } = self;
                slots.remove(&reference, |slot| references.get(slot as usize).map(|reference| reference.0));
            }
            self.references[slot as usize] = NOBODY;
        }
    }

    fn advance(&mut self, slot: u32, from: State, to: State) {
        if let Some(state) = self.states.get_mut(slot as usize).filter(|state| **state == from) {
            *state = to;
        }
    }
}

/// Neighbouring slots, for one write.
struct Run {
    first: u32,
    bytes: Vec<u8>,
}

impl Run {
    fn is_before(&self, slot: u32) -> bool {
        u64::from(self.first) + (self.bytes.len() / SLOT_BYTES) as u64 == u64::from(slot)
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Four slots to a sector of 512 bytes.
const SLOT_BYTES: usize = 128;
const KEY_BYTES: usize = 32;
const PLAIN_BYTES: usize = DIGEST_BYTES + KEY_BYTES;
const GROWTH_BYTES: usize = 1 << 20;

/// Slots that are erased together: a write of 1 MiB if they are neighbours.
const WRITTEN_TOGETHER: usize = 8_192;

/// Of slots that are nobody's.
const NOBODY: SubjectRef = SubjectRef([0; DIGEST_BYTES]);

/// What slot 0 holds, sealed.
const PROOF: &[u8; PLAIN_BYTES] = b"sillok: keys of subjects, one in each slot, v1..";

/// What is left of a slot whose key was destroyed.
const ERASED: [u8; SLOT_BYTES] = [0xff; SLOT_BYTES];

#[cfg(test)]
mod tests;
