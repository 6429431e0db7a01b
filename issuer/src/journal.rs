//! What the issuer must remember: an append-only journal of records with a plain header and a sealed part.
//!
//! Records live in segment files that were filled with zeros before their first use (writing into space that was
//! merely reserved makes every fdatasync far dearer, specs/decisions.md). All who append at the same time share one
//! frame and one fdatasync.
//!
//! # Invariants
//! Each frame names the checksum of the one before. What a crash can have torn is the last frame, and only that is cut
//! off, at the next opening: nobody was told that it is there. Anything else that is not as it was written is refused
//! with the file's name and the offset. After a failed write or synchronisation nothing is written any more.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use error::StoreError;
use frame::Chain;
pub(crate) use group::Group;
use writer::Writer;

mod error;
mod frame;
mod group;
mod scan;
mod segment;
mod writer;

/// One thing to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub kind: u8,
    /// What an index is made of. It stands in the file as it is.
    pub header: Vec<u8>,
    /// What only whoever has the key may read. The caller has sealed it.
    pub sealed: Vec<u8>,
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    segment: u32,
    offset: u32,
    bytes: u32,
}

/// The journal in one folder.
pub struct Journal {
    folder: PathBuf,
    group: Group<Vec<Record>, Vec<Location>>,
    /// Held by whoever works for the group.
    writer: Mutex<Writer>,
}

impl Journal {
    /// Opens the journal in `folder`, begins one if there is none, and shows every record to `visit`, oldest first.
    /// The caller makes sure that no other process has it open.
    ///
    /// `segment_bytes` is the size of new segment files, from [`MIN_SEGMENT_BYTES`] to [`MAX_SEGMENT_BYTES`]; another
    /// value becomes the nearer of the two.
    ///
    /// # Errors
    /// A failed operation, damage, or what `visit` says about a record: [`StoreError::Damaged`] then names it.
    pub fn open(
        folder: &Path,
        segment_bytes: u64,
        mut visit: impl FnMut(Location, &Record) -> Result<(), &'static str>,
    ) -> Result<Self, StoreError> {
        create_folder(folder)?;
        let segment_bytes = segment_bytes.clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
        let end = scan::scan(folder, &mut visit)?;
        let writer = Writer::open(folder, segment_bytes, end)?;
        Ok(Self { folder: folder.to_path_buf(), group: Group::new(folder), writer: Mutex::new(writer) })
    }

    /// Adds records. `Ok` means that they outlast a loss of power. A crash before that may keep the first few of them.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] before anything is written. After any other error every later call fails too.
    pub fn append(&self, records: Vec<Record>) -> Result<Vec<Location>, StoreError> {
        if let Some(bytes) = records.iter().map(frame::record_bytes).find(|bytes| *bytes > MAX_RECORD_BYTES) {
            return Err(StoreError::TooLong { bytes });
        }
        if records.is_empty() {
            return Ok(Vec::new());
        }
        self.group.run(records, |batches| {
            self.writer.lock().unwrap_or_else(PoisonError::into_inner).append(&batches)
        })
    }

    /// Reads a record again.
    ///
    /// # Errors
    /// A failed operation, or no record at this place.
    pub fn read(&self, location: Location) -> Result<Record, StoreError> {
        let path = self.folder.join(segment::name(location.segment));
        let file = File::open(&path).map_err(StoreError::io("open", &path))?;
        let mut bytes = vec![0; location.bytes as usize];
        let offset = u64::from(location.offset);
        file.read_exact_at(&mut bytes, offset).map_err(StoreError::io("read", &path))?;
        match frame::parse_record(&bytes) {
            Some((record, length)) if length == bytes.len() => Ok(record),
            Some(_) | None => Err(StoreError::damaged(&path, offset, "there is no record")),
        }
    }
}

/// Creates a folder, and those above it, for its owner only; durable when it returns.
pub(crate) fn create_folder(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt as _;
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_folder(parent)?;
    }
    fs::DirBuilder::new().mode(0o700).create(folder).map_err(StoreError::io("create", folder))?;
    sync_folder(parent.unwrap_or_else(|| Path::new(".")))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let handle = File::open(folder).map_err(StoreError::io("open", folder))?;
    handle.sync_all().map_err(StoreError::io("synchronise", folder))
}

/// Bytes of a segment unless configured: thousands of credentials, zero-filled in tens of milliseconds.
pub const SEGMENT_BYTES: u64 = 16 << 20;

/// Least bytes of a segment: it holds the longest record. Small ones are for tests, which want many.
pub const MIN_SEGMENT_BYTES: u64 = 128 << 10;

/// Most bytes of a segment: opening reads a whole one into memory.
pub const MAX_SEGMENT_BYTES: u64 = 1 << 30;

/// Longest record in bytes: the longest receipt (65,536, specs/receipt.md) or credential (16,384,
/// specs/credential.md) with all that goes with it.
pub const MAX_RECORD_BYTES: usize = 96 << 10;

#[cfg(test)]
mod tests;
