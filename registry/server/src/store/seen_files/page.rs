//! Pages of a run: 4,080 bytes of content and 16 that check them. The check covers the run and the number of the page too,
//! so that a page is worth something in its own place only.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::store::Error;

/// What the checks of a run's pages are bound to: SHA-256 of what identifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Binding(pub(super) [u8; 32]);

impl Binding {
    /// The check of page `number`.
    fn check(&self, number: u64, content: &[u8]) -> [u8; CHECK_BYTES] {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(self.0)
            .chain_update(number.to_be_bytes())
            .chain_update(content)
            .finalize()
            .into();
        let mut check = [0; CHECK_BYTES];
        check.copy_from_slice(&digest[..CHECK_BYTES]);
        check
    }

    /// The content of a page, if it is what was written there.
    pub(super) fn open<'a>(&self, number: u64, page: &'a [u8]) -> Option<&'a [u8]> {
        let (content, check) = page.split_last_chunk::<CHECK_BYTES>()?;
        (content.len() == CONTENT_BYTES && self.check(number, content) == *check).then_some(content)
    }

    /// A page with this content, which may be shorter and is followed by zeros then.
    pub(super) fn seal(&self, number: u64, content: &[u8]) -> Vec<u8> {
        let mut page = content.to_vec();
        page.resize(CONTENT_BYTES, 0);
        let check = self.check(number, &page);
        page.extend_from_slice(&check);
        page
    }
}

/// Reads page `number` alone.
pub(super) fn read(file: &File, path: &Path, binding: &Binding, number: u64) -> Result<Vec<u8>, Error> {
    let mut page = vec![0; PAGE_BYTES];
    file.read_exact_at(&mut page, offset(number)).map_err(short(path))?;
    if binding.open(number, &page).is_none() {
        return Err(damaged(path, WRONG));
    }
    page.truncate(CONTENT_BYTES);
    Ok(page)
}

/// Reads pages in order, many with one system call.
pub(super) struct PageReader<'a> {
    file: &'a File,
    path: &'a Path,
    binding: Binding,
    next: u64,
    end: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl<'a> PageReader<'a> {
    /// From page `next` to before page `end`.
    pub(super) fn new(file: &'a File, path: &'a Path, binding: Binding, next: u64, end: u64) -> Self {
        Self { file, path, binding, next, end, buffer: Vec::new(), at: 0 }
    }

    /// The content of the next page.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.next == self.end {
            return Ok(None);
        }
        if self.at == self.buffer.len() {
            let pages = (self.end - self.next).min(PAGES_AT_ONCE) as usize;
            self.buffer.resize(pages * PAGE_BYTES, 0);
            self.file.read_exact_at(&mut self.buffer, offset(self.next)).map_err(short(self.path))?;
            self.at = 0;
        }
        let page = self.buffer.get(self.at..self.at + PAGE_BYTES).unwrap_or_default();
        let content = self.binding.open(self.next, page).ok_or_else(|| damaged(self.path, WRONG))?;
        self.at += PAGE_BYTES;
        self.next += 1;
        Ok(Some(content))
    }
}

/// Writes content into pages, one after the other.
pub(super) struct PageWriter<'a> {
    file: &'a File,
    path: &'a Path,
    binding: Binding,
    number: u64,
    content: Vec<u8>,
    buffer: Vec<u8>,
    /// Bytes written since the last synchronisation.
    dirty: usize,
}

impl<'a> PageWriter<'a> {
    /// Begins at page 1: page 0 is for whoever knows at the end what is in the file.
    ///
    /// # Errors
    /// A failed operation.
    pub(super) fn new(file: &'a File, path: &'a Path, binding: Binding) -> Result<Self, Error> {
        let mut writer = Self {
            file,
            path,
            binding,
            number: 1,
            content: Vec::new(),
            buffer: vec![0; PAGE_BYTES],
            dirty: 0,
        };
        writer.flush()?;
        Ok(writer)
    }

    pub(super) fn put(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CONTENT_BYTES - self.content.len()));
            self.content.extend_from_slice(now);
            if self.content.len() == CONTENT_BYTES {
                self.end_page()?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Ends the page that is not full yet, if there is one: what follows begins on a page of its own.
    pub(super) fn end_page(&mut self) -> Result<(), Error> {
        if self.content.is_empty() {
            return Ok(());
        }
        self.buffer.extend(self.binding.seal(self.number, &self.content));
        self.number += 1;
        self.content.clear();
        if self.buffer.len() >= PAGES_AT_ONCE as usize * PAGE_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what is left, and page 0, and makes all of it durable.
    pub(super) fn finish(mut self, first: &[u8]) -> Result<(), Error> {
        self.end_page()?;
        self.flush()?;
        let page = self.binding.seal(0, first);
        self.file.write_all_at(&page, 0).map_err(Error::io("write", self.path))?;
        self.file.sync_all().map_err(Error::io("synchronise", self.path))
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.file.write_all(&self.buffer).map_err(Error::io("write", self.path))?;
        self.dirty += self.buffer.len();
        self.buffer.clear();
        if self.dirty >= DIRTY_BYTES {
            self.file.sync_data().map_err(Error::io("synchronise", self.path))?;
            self.dirty = 0;
        }
        Ok(())
    }
}

pub(super) fn damaged(path: &Path, problem: &'static str) -> Error {
    Error::Damaged { path: path.to_path_buf(), problem }
}

/// A file that ends too early is damaged; any other error is the operating system's.
fn short(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| match source.kind() {
        io::ErrorKind::UnexpectedEof => Error::Damaged { path, problem: "it is cut short" },
        _other => Error::Io { operation: "read", path, source },
    }
}

const fn offset(number: u64) -> u64 {
    number.saturating_mul(PAGE_BYTES as u64)
}

const WRONG: &str = "a page is not what was written there";

pub(super) const PAGE_BYTES: usize = 4_096;
pub(super) const CONTENT_BYTES: usize = PAGE_BYTES - CHECK_BYTES;

/// 128 bits: no accident leaves them right.
const CHECK_BYTES: usize = 16;

/// 256 KiB with one system call.
const PAGES_AT_ONCE: u64 = 64;

/// What a merge leaves unsynchronised at once, so that a batch's fdatasync does not wait behind all of it.
const DIRTY_BYTES: usize = 8 << 20;
