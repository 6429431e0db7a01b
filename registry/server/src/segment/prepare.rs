//! New segments: filled with zeros, synchronised, then named.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use super::{Segment, is_absent, name};
use crate::store::Error;

/// A segment that a thread is filling with zeros.
pub(super) struct Preparation {
    generation: u64,
    bytes: u64,
    thread: Option<JoinHandle<Result<Segment, Error>>>,
}

impl Preparation {
    pub(super) fn start(folder: &Path, generation: u64, bytes: u64) -> Self {
        let folder = folder.to_path_buf();
        let work = move || prepare(&folder, generation, bytes);
        // Without a thread the segment is prepared when it is needed.
        let thread = thread::Builder::new().name("sillok-segment".into()).spawn(work).ok();
        Self { generation, bytes, thread }
    }

    pub(super) fn wait(self, folder: &Path) -> Result<Segment, Error> {
        match self.thread.and_then(|thread| thread.join().ok()) {
            Some(result) => result,
            None => prepare(folder, self.generation, self.bytes),
        }
    }

    /// Lets the thread end. What it made is an unused segment, which the next opening removes.
    pub(super) fn abandon(self) {
        if let Some(thread) = self.thread {
            drop(thread.join());
        }
    }
}

/// Expected system calls: open folder; open; writes; fsync; rename; fsync of the folder.
pub(super) fn prepare(folder: &Path, generation: u64, bytes: u64) -> Result<Segment, Error> {
    let handle = File::open(folder).map_err(Error::io("open", folder))?;
    let unfinished = unfinished(folder);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&unfinished)
        .map_err(Error::io("create", &unfinished))?;
    let zeros = vec![0; CHUNK_BYTES];
    let mut left = bytes;
    while left > 0 {
        let chunk = zeros.get(..left.min(CHUNK_BYTES as u64) as usize).unwrap_or(&zeros);
        file.write_all(chunk).map_err(Error::io("write", &unfinished))?;
        left -= chunk.len() as u64;
    }
    file.sync_all().map_err(Error::io("synchronise", &unfinished))?;
    let path = folder.join(name(generation));
    fs::rename(&unfinished, &path).map_err(Error::io("rename", &path))?;
    handle.sync_all().map_err(Error::io("synchronise", folder))?;
    Ok(Segment { generation, file, path, bytes })
}

/// Removes the segment that a predecessor had not finished preparing.
pub(super) fn clear_unfinished(folder: &Path) -> Result<(), Error> {
    let path = unfinished(folder);
    match fs::remove_file(&path) {
        Err(error) if !is_absent(&error) => Err(Error::Io { operation: "remove", path, source: error }),
        _gone => Ok(()),
    }
}

fn unfinished(folder: &Path) -> PathBuf {
    folder.join("next")
}

const CHUNK_BYTES: usize = 1 << 20;
