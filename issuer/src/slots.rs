//! The slots of this issuer's status lists: which list takes the next credential, and at which index.
//!
//! Of each list the file keeps its id, its length, the key of its secret order and how many slots are leased. Slots are
//! leased in blocks, durably, before the first of a block is given away; what is left of a block when the process ends
//! is never used. So no index is given twice, whatever crashes, and nobody can tell the order of two credentials. A file
//! that is older than the journal, restored alone, leases blocks again that were given away: slots that the journal
//! names are withheld at the start, and skipped.
//!
//! # Out of scope
//! What the slots say: that is the log's fold. Declaring a list there is the caller's work, between
//! [`Slots::create`] and [`Slots::open_list`].

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sillok_log::entry::{ListId, MAX_LIST_SLOTS, MIN_LIST_SLOTS};
use zeroize::Zeroizing;

use crate::journal::{StoreError, sync_folder};
use crate::subjects::{Master, Sealer, random};
pub use error::SlotError;
use permutation::Permutation;

mod error;
mod permutation;

/// The place of one credential's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The list.
    pub list: ListId,
    /// The slot in it.
    pub index: u32,
}

/// What is known of a list here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListStatus {
    /// Its id.
    pub list: ListId,
    /// Its slots.
    pub length: u32,
    /// Whether credentials may be put into it: it is declared in the log.
    pub open: bool,
    /// Slots that are leased or given away. The list is full when they are half of its slots.
    pub leased: u32,
}

/// The lists in one file, which is replaced as a whole.
pub struct Slots {
    path: PathBuf,
    sealer: Sealer,
    lease: u32,
    /// Held while the file is replaced: whoever needs a slot then has to wait for the lease anyway.
    state: Mutex<State>,
}

struct State {
    lists: Vec<List>,
    /// A failed replacement: what the file says is unknown.
    stopped: bool,
}

struct List {
    status: ListStatus,
    key: Zeroizing<[u8; 32]>,
    permutation: Permutation,
    /// The next of the leased slots to give away.
    next: u32,
    /// One bit a slot that is another credential's, whatever the file says; empty if nobody named any.
    withheld: Vec<u64>,
    /// Slots that are withheld and still ahead of `next`, as far as is known.
    ahead: u32,
}

impl Slots {
    /// Opens the file, or starts without lists. `lease` is the number of slots that one write makes available, from 1
    /// to [`MAX_LEASE_SLOTS`]. The caller makes sure that no other process has it open.
    ///
    /// # Errors
    /// A failed operation, another master key, or damage.
    pub fn open(path: &Path, master: &Master, lease: u32) -> Result<Self, StoreError> {
        let sealer = Sealer::new(&master.derive("sillok/slots/v1"));
        let lists = match fs::read(path) {
            Ok(sealed) => {
                let wrong = || StoreError::WrongKey { path: path.to_path_buf() };
                let plain = sealer.open(CONTEXT, &sealed).ok_or_else(wrong)?;
                parse(&plain).ok_or_else(|| StoreError::damaged(path, 0, "it is no table of status lists"))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(StoreError::io("read", path)(error)),
        };
        if let Some(folder) = path.parent().filter(|parent| parent.is_dir()) {
            // What was just read may have been renamed by a process that ended before its name was durable.
            sync_folder(folder)?;
        }
        let state = Mutex::new(State { lists, stopped: false });
        Ok(Self { path: path.to_path_buf(), sealer, lease: lease.clamp(1, MAX_LEASE_SLOTS), state })
    }

    /// Says that a slot belongs to a credential already: it is never given away.
    pub(crate) fn withhold(&self, slot: Slot) {
        let mut state = self.hold();
        let Some(list) = state.lists.iter_mut().find(|list| list.status.list == slot.list) else { return };
        if list.withheld.is_empty() {
            list.withheld = vec![0; (list.status.length as usize).div_ceil(64)];
        }
        if let Some(word) = list.withheld.get_mut(slot.index as usize / 64) {
            *word |= 1 << (slot.index % 64);
        }
    }

    /// All lists, the oldest first.
    #[must_use]
    pub fn lists(&self) -> Vec<ListStatus> {
        self.hold().lists.iter().map(|list| list.status).collect()
    }

    /// Whether less than an eighth of a list is left to give away and no created list waits for being opened: time to
    /// create one.
    #[must_use]
    pub fn needs_list(&self) -> bool {
        let state = self.hold();
        let left: u64 = state.lists.iter().map(|list| u64::from(list.left())).sum();
        let wanted = state.lists.last().map_or(1, |last| u64::from(last.status.length / 16));
        left < wanted && state.lists.iter().all(|list| list.status.open)
    }

    /// Makes a list with a random id, durably. It gives no slots before [`Slots::open_list`].
    ///
    /// # Errors
    /// A length that no list may have (specs/entry.md), or a failed operation.
    pub fn create(&self, length: u32) -> Result<ListId, SlotError> {
        let allowed = MIN_LIST_SLOTS..=MAX_LIST_SLOTS;
        if !allowed.contains(&u64::from(length)) || !length.is_multiple_of(8) {
            return Err(SlotError::Length { length });
        }
        let key = Zeroizing::new(random::<32>().map_err(SlotError::Store)?);
        let list = ListId(random().map_err(SlotError::Store)?);
        let status = ListStatus { list, length, open: false, leased: 0 };
        let mut state = self.hold();
        let permutation = Permutation::new(&key, length);
        state.lists.push(List { status, key, permutation, next: 0, withheld: Vec::new(), ahead: 0 });
        self.store(&mut state)?;
        Ok(list)
    }

    /// Says that a list is declared in the log: from now on it gives slots.
    ///
    /// # Errors
    /// An unknown list, or a failed operation.
    pub fn open_list(&self, list: ListId) -> Result<(), SlotError> {
        let mut state = self.hold();
        let known = state.lists.iter_mut().find(|known| known.status.list == list);
        let known = known.ok_or(SlotError::UnknownList { list })?;
        if known.status.open {
            return Ok(());
        }
        known.status.open = true;
        self.store(&mut state)
    }

    /// Gives away slots that nobody had and nobody else gets.
    ///
    /// # Errors
    /// [`SlotError::Full`] if the open lists do not have as many: then none is given away. A failed operation.
    //= specs/status.md#slots
    pub fn take(&self, count: usize) -> Result<Vec<Slot>, SlotError> {
        let mut state = self.hold();
        if state.stopped {
            return Err(SlotError::Store(StoreError::Stopped { path: self.path.clone() }));
        }
        let left: u64 = state.lists.iter().map(|list| u64::from(list.left())).sum();
        if left < count as u64 {
            return Err(SlotError::Full { wanted: count });
        }
        let mut slots = Vec::with_capacity(count);
        let mut ends = Vec::with_capacity(state.lists.len());
        for list in &state.lists {
            ends.push(list.walk(count, &mut slots));
        }
        if slots.len() < count {
            // More was withheld than was known: now it is known, and that a new list is needed.
            for (list, (_end, skipped)) in state.lists.iter_mut().zip(ends) {
                list.ahead = list.ahead.max(skipped);
            }
            return Err(SlotError::Full { wanted: count });
        }
        let mut leased = false;
        for (list, (end, skipped)) in state.lists.iter_mut().zip(ends) {
            if end > list.status.leased {
                leased = true;
                list.status.leased = end.next_multiple_of(self.lease).min(list.status.length / 2);
            }
            list.next = end;
            list.ahead = list.ahead.saturating_sub(skipped);
        }
        if leased {
            // If we crash here: the block is lost, or was never given away.
            self.store(&mut state)?;
        }
        Ok(slots)
    }

    /// Replaces the file: temporary file, synchronise, rename, synchronise the folder.
    fn store(&self, state: &mut State) -> Result<(), SlotError> {
        if state.stopped {
            return Err(SlotError::Store(StoreError::Stopped { path: self.path.clone() }));
        }
        // Until it is through: an error in between leaves the file unknown.
        state.stopped = true;
        let sealed = self.sealer.seal(CONTEXT, &encode(&state.lists)).map_err(SlotError::Store)?;
        replace(&self.path, &sealed).map_err(SlotError::Store)?;
        state.stopped = false;
        Ok(())
    }

    fn hold(&self) -> MutexGuard<'_, State> {
        // After a panic in `store` the state says `stopped`.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    /// Slots that are still to give away.
    fn left(&self) -> u32 {
        let ahead = (self.status.length / 2).saturating_sub(self.next).saturating_sub(self.ahead);
        if self.status.open { ahead } else { 0 }
    }

    /// Adds slots of this list until there are `count`: where that ends, and how many were skipped on the way.
    fn walk(&self, count: usize, slots: &mut Vec<Slot>) -> (u32, u32) {
        let (mut at, mut skipped) = (self.next, 0);
        while self.status.open && slots.len() < count && at < self.status.length / 2 {
            let index = self.permutation.apply(at);
            at += 1;
            if self.is_withheld(index) {
                skipped += 1;
            } else {
                slots.push(Slot { list: self.status.list, index });
            }
        }
        (at, skipped)
    }

    fn is_withheld(&self, index: u32) -> bool {
        self.withheld.get(index as usize / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let unfinished = path.with_extension("next");
    let mut options = File::options();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&unfinished).map_err(StoreError::io("create", &unfinished))?;
    file.write_all(bytes).map_err(StoreError::io("write", &unfinished))?;
    file.sync_all().map_err(StoreError::io("synchronise", &unfinished))?;
    fs::rename(&unfinished, path).map_err(StoreError::io("rename", path))?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_folder(folder.unwrap_or_else(|| Path::new(".")))
}

/// For each list: id, length, leased, open, key of its order. Integers are big-endian.
fn encode(lists: &[List]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(lists.len() * LIST_BYTES));
    for List { status, key, .. } in lists {
        bytes.extend_from_slice(&status.list.0);
        bytes.extend_from_slice(&status.length.to_be_bytes());
        bytes.extend_from_slice(&status.leased.to_be_bytes());
        bytes.push(u8::from(status.open));
        bytes.extend_from_slice(key.as_slice());
    }
    bytes
}

fn parse(bytes: &[u8]) -> Option<Vec<List>> {
    let (lists, rest) = bytes.as_chunks::<LIST_BYTES>();
    let lists = lists.iter().map(|list| {
        let (id, list) = list.split_first_chunk()?;
        let (length, list) = list.split_first_chunk()?;
        let (leased, list) = list.split_first_chunk()?;
        let (open, key) = list.split_first()?;
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).ok()?);
        let (length, leased) = (u32::from_be_bytes(*length), u32::from_be_bytes(*leased));
        let status = ListStatus { list: ListId(*id), length, open: *open == 1, leased };
        // Whatever was leased and not given away before the last crash stays unused.
        let permutation = Permutation::new(&key, length);
        Some(List { status, permutation, key, next: leased, withheld: Vec::new(), ahead: 0 })
    });
    lists.collect::<Option<Vec<_>>>().filter(|_lists| rest.is_empty())
}

const LIST_BYTES: usize = 57;

/// What the file is, so that no other sealed file can stand in for it.
const CONTEXT: &[u8] = b"sillok/slots/v1";

/// Slots in a lease unless configured: a crash burns at most 0.8 % of what a list of 2^20 gives away.
pub const LEASE_SLOTS: u32 = 4_096;

/// Most slots in a lease: half of the smallest list.
pub const MAX_LEASE_SLOTS: u32 = 65_536;

/// Slots of a new list unless configured (specs/status.md allows 131,072 to 2^24).
pub const LIST_SLOTS: u32 = 1 << 20;
