//! Segment files: filled with zeros, synchronised, then named. What they hold is [`super::frame`]'s business.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use super::{StoreError, sync_folder};

/// A file that is ready to be appended to.
pub(super) struct Segment {
    pub(super) number: u32,
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// A segment that a thread is filling with zeros.
pub(super) struct Preparation(Option<JoinHandle<Result<Segment, StoreError>>>);

impl Preparation {
    pub(super) fn start(folder: &Path, number: u32, bytes: u64) -> Self {
        let folder = folder.to_path_buf();
        let work = move || prepare(&folder, number, bytes);
        // Without a thread the segment is prepared when it is needed.
        Self(thread::Builder::new().name("sillok-journal".into()).spawn(work).ok())
    }

    /// The segment; `None` if there was no thread to prepare it.
    pub(super) fn wait(mut self) -> Option<Result<Segment, StoreError>> {
        self.0.take()?.join().ok()
    }
}

impl Drop for Preparation {
    fn drop(&mut self) {
        // The thread must not outlive the lock on the folder. The next opening removes what it made.
        if let Some(thread) = self.0.take() {
            drop(thread.join());
        }
    }
}

pub(super) fn prepare(folder: &Path, number: u32, bytes: u64) -> Result<Segment, StoreError> {
    let unfinished = folder.join(UNFINISHED);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(StoreError::io("create", &unfinished))?;
    let zeros = vec![0; bytes.min(CHUNK_BYTES) as usize];
    let mut left = bytes;
    while left > 0 {
        let piece = &zeros[..left.min(CHUNK_BYTES) as usize];
        file.write_all(piece).map_err(StoreError::io("write", &unfinished))?;
        left -= piece.len() as u64;
    }
    file.sync_all().map_err(StoreError::io("synchronise", &unfinished))?;
    let path = folder.join(name(number));
    fs::rename(&unfinished, &path).map_err(StoreError::io("rename", &path))?;
    sync_folder(folder)?;
    Ok(Segment { number, file, path, bytes })
}

/// The segment files of a folder, oldest first. A file that a predecessor had not finished preparing is removed.
pub(super) fn list(folder: &Path) -> Result<Vec<(u32, PathBuf)>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
        let name = entry.map_err(StoreError::io("list", folder))?.file_name();
        if name == UNFINISHED {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            continue;
        }
        let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        let Some(number) = number.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else { continue };
        found.push((number, folder.join(name)));
    }
    found.sort_unstable();
    Ok(found)
}

pub(super) fn name(number: u32) -> String {
    format!("{number:08x}{SUFFIX}")
}

/// Zeros for one write.
pub(super) const CHUNK_BYTES: u64 = 1 << 20;

const SUFFIX: &str = ".journal";
const UNFINISHED: &str = "next";
