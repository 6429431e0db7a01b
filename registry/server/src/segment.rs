//! Where a batch is made durable before it is signed: write-ahead segments.
//!
//! A segment is a file that was filled with zeros before its first use (writing into space that was merely reserved
//! makes every fdatasync 67 times as dear, specs/decisions.md) and then takes one record a batch. The next one is
//! prepared while this one fills up. A segment is removed once all its entries are published.
//!
//! # Invariants
//! A file is appended to by one process only; whoever opens the folder begins a new file. Of two records that begin
//! at the same leaf, the later one counts: the earlier was never signed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sillok_log::{LeafIndex, TreeSize};

use crate::store::{Error, create_folders};
use prepare::Preparation;
use record::Record;

mod prepare;
mod record;

/// Makes batches durable where whoever leads next can read them. Nothing in it is true before the head says so.
pub trait Staging: Send + Sync {
    /// Adds a batch. `Ok` means that it outlasts a loss of power.
    ///
    /// # Errors
    /// A failed operation. After a failed synchronisation every later call fails too.
    fn append(&self, start: LeafIndex, entries: &[Vec<u8>]) -> Result<Place, Error>;

    /// Reads a batch from where it was written, in the encoding of an entry bundle.
    ///
    /// # Errors
    /// A failed operation, or bytes that are not what was written.
    fn read_back(&self, place: &Place) -> Result<Vec<u8>, Error>;

    /// The entries from one size of the log to a later one, both of which some batch ended at. What lies beyond
    /// `to`, torn or whole, was never signed and is ignored.
    ///
    /// # Errors
    /// [`Error::Lacks`] when one is missing or damaged.
    fn replay(&self, from: TreeSize, to: TreeSize) -> Result<Vec<Vec<u8>>, Error>;

    /// Says that everything below `published` is public and durable, and may be forgotten here.
    ///
    /// # Errors
    /// A failed operation.
    fn retire(&self, published: TreeSize) -> Result<(), Error>;
}

/// Where [`Staging::append`] has put a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which file.
    pub generation: u64,
    /// Where in it, in bytes.
    pub offset: u64,
    /// How many bytes the record has.
    pub bytes: u64,
}

/// [`Staging`] as segment files in one folder.
pub struct Segments {
    folder: PathBuf,
    segment_bytes: u64,
    /// Owned by the thread that appends.
    active: Mutex<Active>,
    /// Files that are not appended to any more. Owned by the thread that retires.
    closed: Mutex<Vec<Closed>>,
}

struct Active {
    segment: Segment,
    offset: u64,
    /// Every entry in it is below this.
    end: TreeSize,
    next: Option<Preparation>,
    stopped: bool,
}

/// A file that is ready to be appended to.
struct Segment {
    generation: u64,
    file: File,
    path: PathBuf,
    bytes: u64,
}

struct Closed {
    path: PathBuf,
    end: TreeSize,
}

impl Segments {
    /// Opens the folder, creates it if it is not there, and begins a new segment of `segment_bytes` bytes.
    ///
    /// # Errors
    /// A failed operation.
    pub fn open(folder: &Path, segment_bytes: u64) -> Result<Self, Error> {
        create_folders(folder)?;
        prepare::clear_unfinished(folder)?;
        let mut closed = Vec::new();
        let mut generation = 0;
        for (number, path) in list(folder)? {
            let records = scan(number, &path)?.records;
            let end = records.iter().map(Record::end).max().unwrap_or_default();
            closed.push(Closed { path, end });
            generation = number;
        }
        let segment_bytes = segment_bytes.clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
        let segment = prepare::prepare(folder, generation + 1, segment_bytes)?;
        let active = Active { segment, offset: 0, end: TreeSize(0), next: None, stopped: false };
        Ok(Self {
            folder: folder.to_path_buf(),
            segment_bytes,
            active: Mutex::new(active),
            closed: Mutex::new(closed),
        })
    }

    /// Goes over to the next segment, which was prepared in the background unless the record is a giant.
    fn advance(&self, active: &mut Active, record_bytes: u64) -> Result<(), Error> {
        let generation = active.segment.generation + 1;
        let prepared = match active.next.take() {
            Some(preparation) => preparation.wait(&self.folder)?,
            None => prepare::prepare(&self.folder, generation, self.segment_bytes.max(record_bytes))?,
        };
        let old = std::mem::replace(&mut active.segment, prepared);
        hold(&self.closed).push(Closed { path: old.path, end: active.end });
        active.offset = 0;
        active.end = TreeSize(0);
        Ok(())
    }
}

impl Staging for Segments {
    fn append(&self, start: LeafIndex, entries: &[Vec<u8>]) -> Result<Place, Error> {
        let mut active = hold(&self.active);
        if active.stopped {
            return Err(Error::Stopped { path: active.segment.path.clone() });
        }
        // Until the end of this function says otherwise: an error anywhere in between leaves the file unknown.
        active.stopped = true;
        let mut bytes = record::encode(active.segment.generation, start, entries)?;
        // Twice at most: a prepared segment may still be too small for a giant.
        while active.offset + bytes.len() as u64 > active.segment.bytes {
            self.advance(&mut active, bytes.len() as u64)?;
            bytes = record::encode(active.segment.generation, start, entries)?;
        }
        let place =
            Place { generation: active.segment.generation, offset: active.offset, bytes: bytes.len() as u64 };
        let path = &active.segment.path;
        active.segment.file.write_all_at(&bytes, place.offset).map_err(Error::io("write", path))?;
        active.segment.file.sync_data().map_err(Error::io("synchronise", path))?;
        active.offset += place.bytes;
        active.end = TreeSize(start.0 + entries.len() as u64);
        if active.next.is_none() && active.offset > active.segment.bytes / 2 {
            active.next =
                Some(Preparation::start(&self.folder, active.segment.generation + 1, self.segment_bytes));
        }
        active.stopped = false;
        Ok(place)
    }

    fn read_back(&self, place: &Place) -> Result<Vec<u8>, Error> {
        let active = hold(&self.active);
        let Segment { generation, file, path, .. } = &active.segment;
        if *generation != place.generation {
            return Err(Error::Damaged {
                path: path.clone(),
                problem: "not the segment that was written last",
            });
        }
        let mut bytes = vec![0; place.bytes as usize];
        file.read_exact_at(&mut bytes, place.offset).map_err(Error::io("read back", path))?;
        match record::parse(*generation, &bytes) {
            Ok(Some(record)) => Ok(bytes[record.entries].to_vec()),
            Ok(None) => {
                Err(Error::Damaged { path: path.clone(), problem: "the record just written is not there" })
            }
            Err(problem) => Err(Error::Damaged { path: path.clone(), problem }),
        }
    }

    fn replay(&self, from: TreeSize, to: TreeSize) -> Result<Vec<Vec<u8>>, Error> {
        let mut by_start = BTreeMap::new();
        let mut suspect = None;
        for (generation, path) in list(&self.folder)? {
            // What is below the head was synchronised before the head was swapped, or the writer stopped and nothing was
            // signed: so, unlike the head, it need not be written again. This asks the kernel for an error of writing
            // back that nobody was told of yet, before anything is published from here.
            let file = File::open(&path).map_err(Error::io("open", &path))?;
            file.sync_all().map_err(Error::io("synchronise", &path))?;
            let scanned = scan(generation, &path)?;
            if scanned.problem.is_some() {
                suspect = Some(path.clone());
            }
            for record in scanned.records {
                let entries = record::entries(&scanned.bytes, &record);
                by_start.insert(record.start.0, entries);
            }
        }
        let mut replayed = Vec::new();
        let mut at = from.0;
        while at < to.0 {
            let batch = by_start.remove(&at).filter(|batch| at + batch.len() as u64 <= to.0);
            let Some(batch) = batch else {
                let path = suspect.unwrap_or_else(|| self.folder.clone());
                return Err(Error::Lacks { path, leaf: LeafIndex(at) });
            };
            at += batch.len() as u64;
            replayed.extend(batch);
        }
        Ok(replayed)
    }

    fn retire(&self, published: TreeSize) -> Result<(), Error> {
        let mut retired = Vec::new();
        hold(&self.closed).retain(|segment| {
            let keep = segment.end > published;
            if !keep {
                retired.push(segment.path.clone());
            }
            keep
        });
        // No synchronisation of the folder: a segment that comes back after a loss of power is retired again.
        retired.iter().try_for_each(|path| fs::remove_file(path).map_err(Error::io("remove", path)))
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        // The thread that fills the next segment must not outlive the lock on the head.
        let next = hold(&self.active).next.take();
        if let Some(preparation) = next {
            preparation.abandon();
        }
    }
}

/// What a segment file holds.
struct Scanned {
    bytes: Vec<u8>,
    records: Vec<Record>,
    /// Why reading ended before the zeros.
    problem: Option<&'static str>,
}

fn scan(generation: u64, path: &Path) -> Result<Scanned, Error> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let mut records = Vec::new();
    let mut offset = 0;
    let problem = loop {
        let rest = bytes.get(offset..).unwrap_or_default();
        match record::parse(generation, rest) {
            Ok(Some(mut record)) => {
                record.entries = record.entries.start + offset..record.entries.end + offset;
                offset += record.bytes;
                records.push(record);
            }
            Ok(None) => break None,
            Err(problem) => break Some(problem),
        }
    };
    Ok(Scanned { bytes, records, problem })
}

/// The segment files of a folder, oldest first.
fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let name = entry.map_err(Error::io("list", folder))?.file_name();
        let generation = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        let Some(generation) = generation.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else {
            continue;
        };
        found.push((generation, folder.join(name)));
    }
    found.sort_unstable();
    Ok(found)
}

fn name(generation: u64) -> String {
    format!("{generation:016x}{SUFFIX}")
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // After a panic in `append` the segment says `stopped`; the list of closed ones is always whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an error says that something is not there.
fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

const SUFFIX: &str = ".seg";

/// Bytes of a segment unless configured: minutes of a busy log, and zero-filled in tens of milliseconds.
pub const SEGMENT_BYTES: u64 = 16 << 20;

/// Least bytes of a segment: small ones are for tests, which want many.
const MIN_SEGMENT_BYTES: u64 = 4096;

/// Most bytes of a segment: recovery reads a whole one into memory.
const MAX_SEGMENT_BYTES: u64 = 1 << 30;

#[cfg(test)]
mod tests;
