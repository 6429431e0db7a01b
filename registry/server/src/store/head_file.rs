//! [`Heads`] as one small file: two slots of 4 KiB, filled when it is made, written in turn, each write
//! followed by one fdatasync. Whoever opens it holds an exclusive lock until it is closed or the process dies.
//!
//! A slot that does not check is damage, never a torn write (see [`MAX_HEAD_BYTES`]): to fall back to
//! the other slot would be to forget what was signed.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::blob_files::{create_folders, parent};
use super::{Error, Heads, MAX_HEAD_BYTES, Swap};

/// The head of a log in a file of its own, outside of every folder that is backed up.
pub struct FileHeads {
    file: File,
    path: PathBuf,
    state: Mutex<State>,
}

/// Owned by whoever swaps; the file's lock keeps other processes out.
struct State {
    /// How many swaps there were; the slot of the last is its parity.
    sequence: u64,
    record: Option<Vec<u8>>,
    stopped: bool,
}

impl FileHeads {
    /// Makes the file for a new log. A file that holds no record yet, of a creation that did not end, is taken.
    ///
    /// # Errors
    /// [`Error::Exists`] when it holds a record; [`Error::Locked`]; a failed operation.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let folder_path = parent(path);
        create_folders(&folder_path)?;
        let folder = File::open(&folder_path).map_err(Error::io("open", &folder_path))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::io("create", path))?;
        lock(&file, path)?;
        let present = std::fs::read(path).map_err(Error::io("read", path))?;
        // Nothing was ever swapped into a file that is shorter than it is made, or holds nothing but zeros.
        if present.len() < FILE_BYTES || present.iter().all(|byte| *byte == 0) {
            let mut bytes = encode(0, &[]);
            bytes.resize(FILE_BYTES, 0);
            file.write_all_at(&bytes, 0).map_err(Error::io("write", path))?;
            file.sync_all().map_err(Error::io("synchronise", path))?;
        }
        folder.sync_all().map_err(Error::io("synchronise", &folder_path))?;
        let heads = Self::load(file, path)?;
        if heads.read()?.is_some() {
            return Err(Error::Exists { path: path.to_path_buf() });
        }
        Ok(heads)
    }

    /// Opens the file of an existing log.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Locked`], [`Error::Damaged`], or a failed operation.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|source| {
            if source.kind() == std::io::ErrorKind::NotFound {
                Error::Missing { path: path.to_path_buf() }
            } else {
                Error::Io { operation: "open", path: path.to_path_buf(), source }
            }
        })?;
        lock(&file, path)?;
        Self::load(file, path)
    }

    /// What the page cache shows may not be on the disk: the process that wrote it was killed before its fdatasync, or
    /// that failed, after which the kernel takes the page for clean and a later one has nothing to report. So both slots
    /// are written again as they are and synchronised before anybody acts on them.
    ///
    /// Expected system calls: read; write; fsync; read.
    fn load(file: File, path: &Path) -> Result<Self, Error> {
        // A damaged file is left as it is.
        let believed = read_slots(&file, path)?;
        let mut bytes = [0; FILE_BYTES];
        file.read_exact_at(&mut bytes, 0).map_err(Error::io("read", path))?;
        file.write_all_at(&bytes, 0).map_err(Error::io("write", path))?;
        file.sync_all().map_err(Error::io("synchronise", path))?;
        let (sequence, record) = read_slots(&file, path)?;
        if (sequence, &record) != (believed.0, &believed.1) {
            return Err(Error::Damaged { path: path.to_path_buf(), problem: "the record changed by itself" });
        }
        Ok(Self {
            file,
            path: path.to_path_buf(),
            state: Mutex::new(State { sequence, record, stopped: false }),
        })
    }
}

impl Heads for FileHeads {
    fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            // After a failed fdatasync the page cache may show a record that the disk has not: reading it back
            // would prove nothing, here or in the next call.
            return Err(Error::Stopped { path: self.path.clone() });
        }
        let (_sequence, record) = read_slots(&self.file, &self.path)?;
        if record != state.record {
            return Err(Error::Damaged { path: self.path.clone(), problem: "the record changed by itself" });
        }
        Ok(record)
    }

    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> Swap {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return Swap::Unknown(Error::Stopped { path: self.path.clone() });
        }
        if state.record.as_deref() != old {
            return Swap::Lost(state.record.clone());
        }
        if new.len() > MAX_HEAD_BYTES {
            return Swap::Unknown(Error::TooLong { bytes: new.len() });
        }
        let sequence = state.sequence + 1;
        let written = self
            .file
            .write_all_at(&encode(sequence, new), slot_offset(sequence))
            .map_err(Error::io("write", &self.path))
            .and_then(|()| self.file.sync_data().map_err(Error::io("synchronise", &self.path)));
        match written {
            Ok(()) => {
                state.sequence = sequence;
                state.record = Some(new.to_vec());
                Swap::Won
            }
            Err(error) => {
                state.stopped = true;
                Swap::Unknown(error)
            }
        }
    }
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Error::Locked { path: path.to_path_buf() },
        TryLockError::Error(source) => Error::Io { operation: "lock", path: path.to_path_buf(), source },
    })
}

fn slot_offset(sequence: u64) -> u64 {
    if sequence.is_multiple_of(2) { 0 } else { SLOT_BYTES as u64 }
}

/// magic, sequence, length, record, SHA-256 of all before.
fn encode(sequence: u64, record: &[u8]) -> Vec<u8> {
    let mut slot = Vec::with_capacity(512);
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&sequence.to_be_bytes());
    slot.extend_from_slice(&(record.len() as u32).to_be_bytes());
    slot.extend_from_slice(record);
    let checksum = Sha256::digest(&slot);
    slot.extend_from_slice(&checksum);
    slot
}

fn decode(slot: &[u8]) -> Option<(u64, Vec<u8>)> {
    let (sequence, rest) = slot.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let record = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let sequence = u64::from_be_bytes(*sequence);
    let expected = encode(sequence, record);
    (record.len() <= MAX_HEAD_BYTES && slot.starts_with(&expected)).then(|| (sequence, record.to_vec()))
}

/// The last swap's number and record. A new file has number 0 in its first slot and an empty second one; from then
/// on both slots are of neighbouring swaps, so that an erased slot shows.
fn read_slots(file: &File, path: &Path) -> Result<(u64, Option<Vec<u8>>), Error> {
    let damaged = |problem| Error::Damaged { path: path.to_path_buf(), problem };
    let mut bytes = [0; FILE_BYTES];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(damaged("shorter than its two slots"));
        }
        other => other.map_err(Error::io("read", path))?,
    }
    let (even, odd) = bytes.split_at(SLOT_BYTES);
    let wrong = || damaged("a slot does not match its checksum");
    let (even, even_record) = decode(even).ok_or_else(wrong)?;
    if even == 0 && odd.iter().all(|byte| *byte == 0) {
        return Ok((0, None));
    }
    let (odd, odd_record) = decode(odd).ok_or_else(wrong)?;
    if odd == even + 1 && odd % 2 == 1 {
        Ok((odd, Some(odd_record)))
    } else if even == odd + 1 && odd % 2 == 1 {
        Ok((even, Some(even_record)))
    } else {
        Err(damaged("the slots are not of neighbouring swaps"))
    }
}

const MAGIC: &[u8; 8] = b"SLKHEAD1";

/// One page each, so that no write touches the other slot's page.
const SLOT_BYTES: usize = 4096;

const FILE_BYTES: usize = 2 * SLOT_BYTES;
