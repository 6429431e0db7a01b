//! [`Seen`] in files of its own: what is new in memory, the rest in a few immutable runs in order of key.
//!
//! # Invariants
//! - Memory is bounded whatever the size of the log: a filter of one size, [`FLUSH_KEYS`] keys, and buffers of a merge.
//! - A run is whole and durable before it has a name; runs that were merged lose theirs after the one that replaces them
//!   has its own, durably. So whatever a crash leaves is a prefix of what was noted, and the rest is read from the log
//!   again: at most what was in memory.
//! - Every page is checked when the index is opened, and again whenever it is read. A run with a wrong one, and all after
//!   it, are forgotten at opening; later, the reader is told.
//!
//! It can only forget. That it does not invent is up to whoever compares a hit with the log.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::{self, JoinHandle};

use sillok_log::{LeafIndex, TreeSize};

use super::{Error, Seen, SeenBatch, SeenKey, create_folders};
use filter::Filter;
use run::{Control, Fingerprint, Header, Record, Run, Salt};

mod filter;
mod merge;
mod page;
mod run;

/// The index in a folder of its own, which one process uses at a time.
pub struct FileSeen {
    files: Arc<Files>,
    /// The thread that merges runs, and when it has ended, how. Owned by whoever notes.
    merging: Mutex<Option<JoinHandle<Result<(), Error>>>>,
    /// Whether its files may be somebody else's.
    closed: AtomicBool,
}

/// What the store and its merging thread share.
struct Files {
    folder: PathBuf,
    sizes: Sizes,
    salt: Salt,
    /// Held by whoever changes which runs there are, and while noting. Before `state`.
    changing: Mutex<()>,
    /// Never held over an operation on files.
    state: RwLock<State>,
    give_up: AtomicBool,
}

/// What bounds the memory that an index takes.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    flush_keys: usize,
    filter_bytes: usize,
}

struct State {
    filter: Filter,
    /// Noted since the last run.
    fresh: HashMap<Fingerprint, u64>,
    controls: Vec<Control>,
    control_bytes: usize,
    watermark: TreeSize,
    /// Oldest first.
    runs: Vec<Arc<Run>>,
}

impl State {
    fn new(sizes: Sizes) -> Self {
        Self {
            filter: Filter::new(sizes.filter_bytes),
            fresh: HashMap::new(),
            controls: Vec::new(),
            control_bytes: 0,
            watermark: TreeSize(0),
            runs: Vec::new(),
        }
    }

    /// The number of the next flush.
    fn next(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.header.last.saturating_add(1))
    }

    /// What the runs hold.
    fn stored(&self) -> TreeSize {
        self.runs.last().map_or(TreeSize(0), |run| run.header.watermark)
    }
}

impl FileSeen {
    /// Opens the folder, creates it if it is not there, and reads all of it once: a second for 20 million keys. What is not
    /// whole is forgotten, with all that was noted after it.
    ///
    /// # Errors
    /// A failed operation.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::open_sized(folder, Sizes { flush_keys: FLUSH_KEYS, filter_bytes: FILTER_BYTES })
    }

    fn open_sized(folder: &Path, sizes: Sizes) -> Result<Self, Error> {
        create_folders(folder)?;
        for temporary in [MERGED, FLUSHED] {
            remove(&folder.join(temporary))?;
        }
        let mut state = State::new(sizes);
        let files = list(folder)?;
        let mut candidates = files.clone();
        while let Some(at) = candidates.iter().position(|(first, _last)| *first == state.next()) {
            let numbers = candidates.remove(at);
            let salt = state.runs.first().map(|run| run.header.salt);
            let run = Run::open(folder, numbers).and_then(|run| {
                // What the filter keeps of a damaged run makes it say "perhaps" a little more often.
                run.check(&mut |key| state.filter.insert(key))?;
                Ok(run)
            });
            match run {
                Ok(run) if run.header.follows(salt, state.next(), state.watermark) => {
                    state.watermark = run.header.watermark;
                    state.runs.push(Arc::new(run));
                }
                Ok(alien) => {
                    tracing::warn!(run = %alien.path.display(), "the index forgets a run that does not follow the others")
                }
                Err(error) => tracing::warn!(%error, "the index forgets a run"),
            }
        }
        let kept = |numbers| state.runs.iter().any(|run| (run.header.first, run.header.last) == numbers);
        files
            .into_iter()
            .filter(|numbers| !kept(*numbers))
            .try_for_each(|numbers| remove(&run::path(folder, numbers)))?;
        let salt = match state.runs.first() {
            Some(run) => run.header.salt,
            None => draw_salt()?,
        };
        let files = Files {
            folder: folder.to_path_buf(),
            sizes,
            salt,
            changing: Mutex::new(()),
            state: RwLock::new(state),
            give_up: AtomicBool::new(false),
        };
        let seen = Self { files: Arc::new(files), merging: Mutex::new(None), closed: AtomicBool::new(false) };
        seen.keep_merging()?;
        Ok(seen)
    }

    /// Reads all of an index that nobody uses, and changes nothing. Returns its watermark.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first file that is not what was written, or that leads nowhere; a failed operation.
    pub fn inspect(folder: &Path) -> Result<TreeSize, Error> {
        let mut unused = list(folder)?;
        let (mut next, mut watermark, mut salt) = (0, TreeSize(0), None);
        while let Some(at) = unused.iter().position(|(first, _last)| *first == next) {
            let run = Run::open(folder, unused.remove(at))?;
            run.check(&mut |_key| {})?;
            if !run.header.follows(salt, next, watermark) {
                return Err(page::damaged(&run.path, "it does not follow the runs before it"));
            }
            salt = Some(run.header.salt);
            (next, watermark) = (run.header.last.saturating_add(1), run.header.watermark);
            unused.retain(|(first, _last)| *first >= next);
        }
        match unused.first() {
            Some((first, last)) => {
                Err(page::damaged(&run::path(folder, (*first, *last)), "runs before it are missing"))
            }
            None => Ok(watermark),
        }
    }

    /// Merges runs in the background while any are due, and hears how that ended before.
    fn keep_merging(&self) -> Result<(), Error> {
        let mut merging = hold(&self.merging);
        let crowded = self.files.read().runs.len() >= MAX_RUNS;
        // Merging is several times as quick as noting: waiting is for a disk that is nearly dead.
        if let Some(thread) = merging.take_if(|thread| crowded || thread.is_finished()) {
            ended(thread)?;
        }
        if merging.is_none() && merge::due(&self.files.read().runs, self.files.sizes.flush_keys).is_some() {
            let files = Arc::clone(&self.files);
            let thread = thread::Builder::new().name("sillok-index".into()).spawn(move || files.merge());
            *merging = Some(thread.map_err(Error::io("start a thread for", &self.files.folder))?);
        }
        Ok(())
    }

    fn stop_merging(&self) {
        self.files.give_up.store(true, Ordering::Relaxed);
        if let Some(thread) = hold(&self.merging).take()
            && let Err(error) = ended(thread)
        {
            tracing::warn!(%error, "merging runs of the index has failed");
        }
        self.files.give_up.store(false, Ordering::Relaxed);
    }
}

impl Seen for FileSeen {
    fn watermark(&self) -> Result<TreeSize, Error> {
        Ok(self.files.read().watermark)
    }

    fn may_have(&self, key: &SeenKey) -> bool {
        self.files.read().filter.may_have(&Fingerprint::of(&self.files.salt, key))
    }

    fn find(&self, key: &SeenKey) -> Result<Option<LeafIndex>, Error> {
        let key = Fingerprint::of(&self.files.salt, key);
        let runs = {
            let state = self.files.read();
            if !state.filter.may_have(&key) {
                return Ok(None);
            }
            if let Some(place) = state.fresh.get(&key) {
                return Ok(Some(LeafIndex(*place)));
            }
            state.runs.clone()
        };
        for run in runs.iter().rev() {
            if let Some(place) = run.find(&key)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn note(&self, batch: &SeenBatch) -> Result<(), Error> {
        let fingerprint = |key| Fingerprint::of(&self.files.salt, key);
        let keys: Vec<Record> = batch.keys.iter().map(|(key, place)| (fingerprint(key), place.0)).collect();
        let changing = hold(&self.files.changing);
        // A little at once: whoever looks up waits meanwhile.
        for keys in keys.chunks(NOTED_AT_ONCE) {
            let mut state = self.files.write();
            keys.iter().for_each(|(key, _place)| state.filter.insert(key));
            state.fresh.extend(keys.iter().copied());
        }
        let full = {
            let mut state = self.files.write();
            state.control_bytes += batch.controls.iter().map(|(_place, entry)| entry.len()).sum::<usize>();
            state.controls.extend(batch.controls.iter().cloned());
            state.watermark = batch.watermark;
            state.fresh.len() >= self.files.sizes.flush_keys || state.control_bytes >= FLUSH_CONTROL_BYTES
        };
        if !full {
            return Ok(());
        }
        self.files.flush(&changing)?;
        drop(changing);
        self.keep_merging()
    }

    fn visit_controls(&self, visit: &mut dyn FnMut(LeafIndex, &[u8]) -> bool) -> Result<(), Error> {
        let (runs, fresh) = {
            let state = self.files.read();
            (state.runs.clone(), state.controls.clone())
        };
        for run in runs {
            let mut controls = run.controls();
            while let Some((place, entry)) = controls.next()? {
                if !visit(place, &entry) {
                    return Ok(());
                }
            }
        }
        // `all` stops where the visitor does.
        fresh.iter().all(|(place, entry)| visit(*place, entry));
        Ok(())
    }

    fn close(&self) {
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        self.stop_merging();
        let changing = hold(&self.files.changing);
        if let Err(error) = self.files.flush(&changing) {
            tracing::warn!(%error, "the index forgets what it has noted last");
        }
    }

    fn clear(&self) -> Result<(), Error> {
        self.stop_merging();
        let _changing = hold(&self.files.changing);
        let runs = std::mem::replace(&mut *self.files.write(), State::new(self.files.sizes)).runs;
        // The oldest first: what is left by a crash in between leads nowhere.
        runs.iter().try_for_each(|run| remove(&run.path))
    }
}

impl Drop for FileSeen {
    fn drop(&mut self) {
        self.close();
    }
}

impl Files {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        // Changes under it are complete even if what follows them panics.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a run of what is in memory only.
    fn flush(&self, _changing: &MutexGuard<'_, ()>) -> Result<(), Error> {
        let (header, keys, controls) = {
            let state = self.read();
            if state.fresh.is_empty() && state.controls.is_empty() && state.watermark == state.stored() {
                return Ok(());
            }
            let number = state.next();
            let mut keys: Vec<Record> = state.fresh.iter().map(|(key, place)| (*key, *place)).collect();
            keys.sort_unstable();
            let header = Header::new(self.salt, (number, number), (state.stored(), state.watermark));
            (header, keys, state.controls.clone())
        };
        merge::flush(header, &keys, &controls, &self.folder)?;
        //
        // If we crash here, or anywhere above: the file has no name that counts. What was in memory is read from the log.
        let run = self.name(FLUSHED, (header.first, header.last))?;
        let mut state = self.write();
        state.runs.push(Arc::new(run));
        state.fresh = HashMap::new();
        state.controls = Vec::new();
        state.control_bytes = 0;
        Ok(())
    }

    /// Merges until no runs are due.
    fn merge(&self) -> Result<(), Error> {
        loop {
            let runs: Vec<Arc<Run>> = match merge::due(&self.read().runs, self.sizes.flush_keys) {
                Some(runs) => runs.to_vec(),
                None => return Ok(()),
            };
            if merge::merge(&runs, &self.folder, &self.give_up)?.is_none() {
                return remove(&self.folder.join(MERGED));
            }
            let _changing = hold(&self.changing);
            let first = |run: &Arc<Run>| runs.first().is_some_and(|first| Arc::ptr_eq(run, first));
            let Some(at) = self.read().runs.iter().position(first) else {
                // All was forgotten meanwhile.
                return Ok(());
            };
            let merged = self.name(MERGED, merge::numbers(&runs))?;
            self.write().runs.splice(at..at + runs.len(), [Arc::new(merged)]);
            //
            // If we crash here: both are there, and the longer one counts. Whoever reads the others still has them open.
            runs.iter().try_for_each(|run| remove(&run.path))?;
        }
    }

    /// Gives a file the name of its run, durably.
    fn name(&self, temporary: &str, numbers: (u64, u64)) -> Result<Run, Error> {
        let path = run::path(&self.folder, numbers);
        let folder = File::open(&self.folder).map_err(Error::io("open", &self.folder))?;
        fs::rename(self.folder.join(temporary), &path).map_err(Error::io("rename", &path))?;
        folder.sync_all().map_err(Error::io("synchronise", &self.folder))?;
        Run::open(&self.folder, numbers)
    }
}

/// The numbers of the runs in a folder: by the first of each, and of those, the longest first.
fn list(folder: &Path) -> Result<Vec<(u64, u64)>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let name = entry.map_err(Error::io("list", folder))?.file_name();
        found.extend(name.to_str().and_then(run::parse_name));
    }
    found.sort_unstable_by_key(|(first, last)| (*first, std::cmp::Reverse(*last)));
    Ok(found)
}

fn draw_salt() -> Result<Salt, Error> {
    let mut salt = Salt::default();
    getrandom::fill(&mut salt).map_err(|source| Error::Random { source })?;
    Ok(salt)
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { operation: "remove", path: path.to_path_buf(), source: error })
        }
        _gone => Ok(()),
    }
}

/// How a merging thread ended. A panic in it is as good as an error: runs are damaged, or there is no memory.
fn ended(thread: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing but the order of changes, and a handle, is behind them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run before it has its name.
const FLUSHED: &str = "flushed";
const MERGED: &str = "merged";

/// 13 bits for each of 40 million keys. Of 20 million, three in a million new keys are looked for in files, of 100 million
/// one in eight; the memory is used from the first hundred thousand on.
const FILTER_BYTES: usize = 64 << 20;

/// Keys in memory, some 10 MB, and what is read from the log again after a kill. As many as are published at once.
const FLUSH_KEYS: usize = 65_536;

/// Some 100 microseconds' worth.
const NOTED_AT_ONCE: usize = 1_024;

/// Bytes of control entries in memory.
const FLUSH_CONTROL_BYTES: usize = 8 << 20;

/// Runs at once: three of a class are usual, of 13 classes for 2^42 keys.
const MAX_RUNS: usize = 64;

#[cfg(test)]
mod tests;
