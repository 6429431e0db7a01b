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

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::num::NonZeroU32;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use batch::Batch;
pub use error::StoreError;
use frame::Chain;
pub(crate) use group::Group;
use writer::Writer;

mod batch;
mod error;
mod frame;
mod group;
mod scan;
mod segment;
mod writer;

/// One thing that was remembered.
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
    /// Never none, which leaves a number for no location at all.
    bytes: NonZeroU32,
}

impl Location {
    /// `offset` and `bytes` are of a record in a segment: at most 2^30, and at least the record's head.
    fn new(segment: u32, offset: u64, bytes: usize) -> Self {
        let bytes = NonZeroU32::new(bytes as u32).unwrap_or(NonZeroU32::MIN);
        Self { segment, offset: offset as u32, bytes }
    }
}

/// The journal in one folder.
pub struct Journal {
    folder: PathBuf,
    group: Group<Batch, Vec<Location>>,
    /// Held by whoever works for the group.
    writer: Mutex<Writer>,
    /// Segments that were read from, and stay open. Held for moments only.
    readers: Mutex<HashMap<u32, Arc<File>>>,
}

impl Journal {
    /// Opens the journal in `folder`, begins one if there is none, and shows kind and header of every record to
    /// `visit`, oldest first. The caller makes sure that no other process has it open.
    ///
    /// `segment_bytes` is the size of new segment files, from [`MIN_SEGMENT_BYTES`] to [`MAX_SEGMENT_BYTES`]; another
    /// value becomes the nearer of the two.
    ///
    /// # Errors
    /// A failed operation, damage, or what `visit` says about a record: [`StoreError::Damaged`] then names it.
    pub fn open(
        folder: &Path,
        segment_bytes: u64,
        mut visit: impl FnMut(Location, u8, &[u8]) -> Result<(), &'static str>,
    ) -> Result<Self, StoreError> {
        create_folder(folder)?;
        let segment_bytes = segment_bytes.clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
        let end = scan::scan(folder, &mut visit)?;
        let writer = Writer::open(folder, segment_bytes, end)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            group: Group::new(folder),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
        })
    }

    /// Adds records. `Ok` means that they outlast a loss of power. A crash before that may keep the first few of them.
    ///
    /// # Errors
    /// A failed operation: after it every later call fails too.
    pub fn append(&self, batch: Batch) -> Result<Vec<Location>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.group
            .run(batch, |batches| self.writer.lock().unwrap_or_else(PoisonError::into_inner).append(&batches))
    }

    /// Reads a record again.
    ///
    /// # Errors
    /// A failed operation, or no record at this place.
    pub fn read(&self, location: Location) -> Result<Record, StoreError> {
        let path = self.folder.join(segment::name(location.segment));
        let file = self.reader(location.segment, &path)?;
        let mut bytes = vec![0; location.bytes.get() as usize];
        let offset = u64::from(location.offset);
        file.read_exact_at(&mut bytes, offset).map_err(StoreError::io("read", &path))?;
        match frame::parse_record(&bytes) {
            Some((found, length)) if length == bytes.len() => {
                let (header, sealed) = (found.header.to_vec(), found.sealed.to_vec());
                Ok(Record { kind: found.kind, header, sealed })
            }
            Some(_) | None => Err(StoreError::damaged(&path, offset, "there is no record")),
        }
    }
}

impl Journal {
    fn reader(&self, segment: u32, path: &Path) -> Result<Arc<File>, StoreError> {
        let hold = || self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = hold().get(&segment) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(path).map_err(StoreError::io("open", path))?);
        let mut readers = hold();
        if readers.len() >= MAX_READERS {
            readers.clear();
        }
        readers.insert(segment, Arc::clone(&file));
        Ok(file)
    }
}

/// Creates a folder, and those above it, for its owner only; durable when it returns. That it is there does not mean that
/// its name is durable: whoever made it may have been killed before that was synchronised.
pub(crate) fn create_folder(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let parent = match folder.parent() {
        None => return Ok(()),
        Some(bare) if bare.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    if folder.is_dir() {
        return match sync_folder(parent) {
            // Of whoever runs the system: no predecessor has made ours in it.
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            other => other,
        };
    }
    create_folder(parent)?;
    fs::DirBuilder::new().mode(0o700).create(folder).map_err(StoreError::io("create", folder))?;
    sync_folder(parent)
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

/// Segments that are kept open for reading: a small part of the 1,024 files that a process may usually have open.
const MAX_READERS: usize = 64;

/// Longest record in bytes: the longest receipt (65,536, specs/receipt.md) or credential (16,384,
/// specs/credential.md) with all that goes with it.
pub const MAX_RECORD_BYTES: usize = 96 << 10;

#[cfg(test)]
mod tests;
