//! The folder of a mirror: files written whole, synchronised, under their names at once.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sillok_log::entry::ListId;
use sillok_log::tile::{Tile, TileKind};

use super::MirrorError;

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Folders with names that may not be durable yet.
    changed: Mutex<BTreeSet<PathBuf>>,
    /// Numbers of temporary files.
    next: AtomicU64,
    /// Held as long as the mirror is open: another one would use the same temporary files.
    _lock: File,
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Self, MirrorError> {
        fs::create_dir_all(root).map_err(io("make", root))?;
        let path = root.join(LOCK);
        let lock = File::create(&path).map_err(io("make", &path))?;
        lock.try_lock().map_err(|error| io("lock", &path)(error.into()))?;
        let temporary = root.join(TEMPORARY);
        // What an interrupted copy left.
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(MirrorError::Io { operation: "remove", path: temporary, source: error });
            }
            _gone => {}
        }
        fs::create_dir_all(&temporary).map_err(io("make", &temporary))?;
        Ok(Self { root: root.into(), changed: Mutex::default(), next: AtomicU64::new(0), _lock: lock })
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(super) fn name(&self, path: &str) -> String {
        self.path(path).display().to_string()
    }

    pub(super) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, MirrorError> {
        let path = self.path(path);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(MirrorError::Io { operation: "read", path, source }),
        }
    }

    /// As [`Folder::put`], unless it is there byte for byte.
    pub(super) fn put_once(&self, path: &str, bytes: &[u8]) -> Result<(), MirrorError> {
        if self.read(path)?.as_deref() == Some(bytes) { Ok(()) } else { self.put(path, bytes) }
    }

    /// The bytes are durable when it returns, the name after [`Folder::synchronise`].
    pub(super) fn put(&self, path: &str, bytes: &[u8]) -> Result<(), MirrorError> {
        let path = self.path(path);
        self.make_parents(&path)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join(TEMPORARY).join(number.to_string());
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(io("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(io("rename", &temporary))
    }

    /// Makes every name that was given durable.
    pub(super) fn synchronise(&self) -> Result<(), MirrorError> {
        let changed = std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        changed.iter().try_for_each(|folder| {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("synchronise", folder))
        })
    }

    /// Removes the partial tiles, and bundles, of a place that has a full one.
    pub(super) fn remove_partials(&self, tile: &Tile) -> Result<(), MirrorError> {
        let Ok(full) = tile.to_full() else { return Ok(()) };
        let bundle = Tile::new(TileKind::Entries, tile.index(), full.width()).ok();
        let bundle = bundle.filter(|_bundle| tile.kind() == TileKind::Hashes(0));
        for path in [Some(full), bundle].into_iter().flatten() {
            let folder = self.path(&format!("{}.p", path.path()));
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(MirrorError::Io { operation: "remove", path: folder, source: error });
                }
                _gone => {}
            }
        }
        Ok(())
    }

    pub(super) fn make_list(&self, list: ListId) -> Result<(), MirrorError> {
        self.make_parents(&self.path(&format!("{LISTS}/{list}/snapshot")))
    }

    pub(super) fn lists(&self) -> Result<Vec<String>, MirrorError> {
        let path = self.path(LISTS);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(io("read", &path))?,
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<Result<Vec<_>, _>>().map_err(io("read", &path))?;
        names.retain(|name| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
        names.sort();
        Ok(names)
    }

    /// Makes the folders of a file; each that is new, and the last, has a name to synchronise.
    fn make_parents(&self, path: &Path) -> Result<(), MirrorError> {
        let Some(parent) = path.parent() else { return Ok(()) };
        let mut changed = vec![parent.to_path_buf()];
        if !parent.is_dir() {
            changed.extend(
                parent
                    .ancestors()
                    .skip(1)
                    .take_while(|above| above.starts_with(&self.root))
                    .map(Path::to_path_buf),
            );
            fs::create_dir_all(parent).map_err(io("make", parent))?;
        }
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).extend(changed);
        Ok(())
    }
}

fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> MirrorError {
    let path = path.to_path_buf();
    move |source| MirrorError::Io { operation, path, source }
}

/// Not served: no published file begins with a dot.
const TEMPORARY: &str = ".tmp";

/// Held by whoever mirrors.
const LOCK: &str = ".lock";

/// Where status lists are (specs/log.md, "Static files").
const LISTS: &str = "status";
