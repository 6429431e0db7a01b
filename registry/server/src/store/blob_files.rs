//! [`Blobs`] as plain files below one folder: what a web server hands out as it is.
//!
//! An object is written under a temporary name, synchronised, and *linked* to its own name, which fails if the
//! name is taken; then the folders are synchronised. Folder handles are opened before the first write and held
//! until their synchronisation: a handle opened later may miss a write-back error (Tessera issues 749 and 750).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Blobs, Error, Object, Replace, check_name, may_replace};

/// Objects in files. One process writes; any number reads.
pub struct FileBlobs {
    root: PathBuf,
    /// Set by the first failed synchronisation: the page cache may show bytes that never reached the disk.
    stopped: AtomicBool,
    /// Folders whose names this process has synchronised, with all above them. Owned by the thread that writes; those of
    /// partial tiles leave it when they are discarded.
    durable: Mutex<HashSet<PathBuf>>,
}

impl FileBlobs {
    /// Opens the folder, creates it if it is not there, and clears temporary files of a predecessor.
    ///
    /// # Errors
    /// The folder cannot be made, synchronised or listed.
    pub fn open(root: &Path) -> Result<Self, Error> {
        create_folders(root)?;
        let blobs = Self {
            root: root.to_path_buf(),
            stopped: AtomicBool::new(false),
            durable: Mutex::new(HashSet::from([parent(&root.join(CHECKPOINT))])),
        };
        let temporary = blobs.temporary();
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(Error::io("clear", &temporary))?;
        }
        create_folders(&temporary)?;
        Ok(blobs)
    }

    /// The folder that a web server may serve.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn temporary(&self) -> PathBuf {
        self.root.join(TEMPORARY)
    }

    fn durable(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        // Inserting or removing one path leaves the set whole.
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a folder below the root unless it is there, and its name and those above it durable, once a process: a
    /// predecessor may have been killed between making it and synchronising its name.
    fn ensure_folder(&self, folder: &Path) -> Result<(), Error> {
        if self.durable().contains(folder) {
            return Ok(());
        }
        let above = parent(folder);
        self.ensure_folder(&above)?;
        make_folder(folder, &above)?;
        self.durable().insert(folder.to_path_buf());
        Ok(())
    }

    fn check_running(&self) -> Result<(), Error> {
        if self.stopped.load(Ordering::SeqCst) {
            return Err(Error::Stopped { path: self.root.clone() });
        }
        Ok(())
    }

    fn synchronised(&self, result: io::Result<()>, path: &Path) -> Result<(), Error> {
        result.map_err(|source| {
            self.stopped.store(true, Ordering::SeqCst);
            Error::Io { operation: "synchronise", path: path.to_path_buf(), source }
        })
    }

    /// Expected system calls for n objects in f folders: f opens; n of (open, write); n fsyncs; n of (link,
    /// unlink); f fsyncs.
    fn put_some(&self, objects: &[Object]) -> Result<(), Error> {
        let mut folders = BTreeMap::new();
        for object in objects {
            let folder = parent(&self.root.join(&object.path));
            if let Entry::Vacant(vacant) = folders.entry(folder) {
                self.ensure_folder(vacant.key())?;
                let handle = File::open(vacant.key()).map_err(Error::io("open", vacant.key()))?;
                vacant.insert(handle);
            }
        }
        let mut written = Vec::with_capacity(objects.len());
        for (number, object) in objects.iter().enumerate() {
            let path = self.root.join(&object.path);
            match fs::read(&path) {
                Ok(present) if present == object.bytes => {
                    // A predecessor may have crashed between the link and the synchronisation of its bytes' name.
                    let file = File::open(&path).map_err(Error::io("open", &path))?;
                    written.push((path, file, None));
                }
                Ok(_other) => return Err(Error::Clash { path: object.path.clone() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let temporary = self.temporary().join(number.to_string());
                    let mut file = File::create(&temporary).map_err(Error::io("create", &temporary))?;
                    file.write_all(&object.bytes).map_err(Error::io("write", &temporary))?;
                    written.push((path, file, Some(temporary)));
                }
                Err(source) => return Err(Error::Io { operation: "read", path, source }),
            }
        }
        for (path, file, _temporary) in &written {
            self.synchronised(file.sync_all(), path)?;
        }
        for ((path, _file, temporary), object) in written.iter().zip(objects) {
            let Some(temporary) = temporary else { continue };
            match fs::hard_link(temporary, path) {
                Ok(()) => {}
                // Taken since we looked, by a second put of the same name in this group or by a stranger.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if fs::read(path).map_err(Error::io("read", path))? != object.bytes {
                        return Err(Error::Clash { path: object.path.clone() });
                    }
                }
                Err(source) => return Err(Error::Io { operation: "link", path: path.clone(), source }),
            }
            fs::remove_file(temporary).map_err(Error::io("remove", temporary))?;
        }
        folders.iter().try_for_each(|(path, folder)| self.synchronised(folder.sync_all(), path))
    }
}

impl Blobs for FileBlobs {
    fn put_many(&self, objects: &[Object]) -> Result<(), Error> {
        self.check_running()?;
        objects.iter().try_for_each(|object| check_name(&object.path))?;
        objects.chunks(MAX_OPEN_FILES).try_for_each(|group| self.put_some(group))
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        check_name(path)?;
        read_if_there(&self.root.join(path))
    }

    fn discard_partials(&self, path: &str) -> Result<(), Error> {
        check_name(path)?;
        let folder = self.root.join(format!("{path}.p"));
        self.durable().remove(&folder);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::Io { operation: "remove", path: folder, source: error })
            }
            _gone => Ok(()),
        }
    }

    /// The folder is open before the rename and synchronised after it: `Ok` means that the new name outlasts a loss of
    /// power. Without it the rename may be visible and not durable, also after the process was killed: so recovery puts
    /// the checkpoint again, even the same one, before it forgets what could publish it.
    ///
    /// Expected system calls: open folder; read; open, write, fsync; rename; fsync of the folder.
    fn put_checkpoint(&self, note: &str) -> Result<(), Error> {
        self.check_running()?;
        let folder = File::open(&self.root).map_err(Error::io("open", &self.root))?;
        match may_replace(self.checkpoint()?.as_deref(), note)? {
            Replace::Clash => return Err(Error::Clash { path: CHECKPOINT.into() }),
            Replace::Keep => return Ok(()),
            Replace::Yes => {}
        }
        let temporary = self.temporary().join(CHECKPOINT);
        let mut file = File::create(&temporary).map_err(Error::io("create", &temporary))?;
        file.write_all(note.as_bytes()).map_err(Error::io("write", &temporary))?;
        self.synchronised(file.sync_all(), &temporary)?;
        let path = self.root.join(CHECKPOINT);
        fs::rename(&temporary, &path).map_err(Error::io("rename", &path))?;
        self.synchronised(folder.sync_all(), &self.root)
    }

    fn checkpoint(&self) -> Result<Option<String>, Error> {
        let path = self.root.join(CHECKPOINT);
        let Some(bytes) = read_if_there(&path)? else { return Ok(None) };
        match String::from_utf8(bytes) {
            Ok(note) => Ok(Some(note)),
            Err(_invalid) => Err(Error::Damaged { path, problem: "not UTF-8" }),
        }
    }
}

/// Reads a whole file, or says that it is not there.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { operation: "read", path: path.to_path_buf(), source }),
    }
}

/// Makes a folder and whatever is missing above it; each name is durable before the next is made in it. That a folder is
/// there does not mean that its name is durable: whoever made it may have been killed before it was synchronised.
pub(crate) fn create_folders(folder: &Path) -> Result<(), Error> {
    let above = parent(folder);
    if above == folder || folder.file_name().is_none() {
        return Ok(());
    }
    if folder.is_dir()
        && let Err(error) = File::open(&above)
        && error.kind() == io::ErrorKind::PermissionDenied
    {
        // Of whoever runs the system: a folder that we may not even read is none that a predecessor has made ours in.
        return Ok(());
    }
    create_folders(&above)?;
    make_folder(folder, &above)
}

fn make_folder(folder: &Path, above: &Path) -> Result<(), Error> {
    let handle = File::open(above).map_err(Error::io("open", above))?;
    match fs::create_dir(folder) {
        Err(error) if !folder.is_dir() => {
            return Err(Error::Io { operation: "create", path: folder.to_path_buf(), source: error });
        }
        _there => {}
    }
    handle.sync_all().map_err(Error::io("synchronise", above))
}

/// The folder of a path; the current one for a bare name.
pub(crate) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above.to_path_buf(),
        _bare => PathBuf::from("."),
    }
}

const CHECKPOINT: &str = "checkpoint";

/// Begins with a dot, so that no object can have its name and no canonical path of the log leads to it.
const TEMPORARY: &str = ".tmp";

/// Files held open at once: well below the usual limit of 1,024 a process.
const MAX_OPEN_FILES: usize = 256;
