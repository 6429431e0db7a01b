//! IO. Landmarks of a log: allocated from what it has published, kept, and then shown.
//!
//! The file that is kept comes first, the public list follows: what a reader has seen is never allocated anew. Each is checked
//! against the other when they are opened, and what is lost of one is taken from the other.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sillok_log::landmark::{LandmarkError, Landmarks, MAX_LIST_BYTES, Schedule};
use sillok_log::number::parse_decimal;
use sillok_log::{TreeSize, UnixSeconds};

use crate::handle::{Clock, Handle};
use crate::store::parent;

/// The landmarks of one log, in two files. One thread owns it.
#[derive(Debug)]
pub struct LandmarkFiles {
    kept: PathBuf,
    public: PathBuf,
    landmarks: Landmarks,
    schedule: Schedule,
    /// Whether the file says all of it.
    saved: bool,
    /// Whether the public list says all of it.
    shown: bool,
}

impl LandmarkFiles {
    /// Opens the file `kept`, and the list in the folder `public`, or begins both. `published` is the size of the public
    /// checkpoint. Nothing is written before the first [`LandmarkFiles::advance`].
    ///
    /// # Errors
    /// A file that is damaged or cannot be read, two that contradict each other, a landmark above `published`.
    pub fn open(kept: &Path, public: &Path, published: TreeSize, now: UnixSeconds) -> Result<Self, Error> {
        let public = public.join(LIST);
        let list = read(&public)?.map(|bytes| Landmarks::parse(&bytes)).transpose();
        let list = list.map_err(|source| Error::Damaged { path: public.clone(), source: Some(source) })?;
        let state = read(kept)?.map(|bytes| parse(&bytes)).transpose();
        let state = state.map_err(|source| Error::Damaged { path: kept.into(), source })?;
        let begin = Schedule::begin(published, now);
        let (landmarks, schedule, saved) = match (state, &list) {
            (None, None) => (Landmarks::new(), begin, false),
            // A folder without what was kept, such as a copy of the public one.
            (None, Some(list)) => (list.clone(), begin, false),
            (Some((landmarks, schedule)), None) => (landmarks, schedule, true),
            (Some((landmarks, schedule)), Some(list)) if list.agrees_with(&landmarks) => {
                (landmarks, schedule, true)
            }
            // An older state, such as a restored one.
            (Some((landmarks, _older)), Some(list)) if landmarks.agrees_with(list) => {
                (list.clone(), begin, false)
            }
            (Some(_state), Some(_list)) => return Err(Error::Contradiction { kept: kept.into(), public }),
        };
        let (number, size) = landmarks.newest();
        if size > published {
            return Err(Error::Ahead { number, size, published });
        }
        let shown = list.as_ref() == Some(&landmarks);
        Ok(Self { kept: kept.into(), public, landmarks, schedule, saved, shown })
    }

    /// The landmarks.
    pub fn landmarks(&self) -> &Landmarks {
        &self.landmarks
    }

    //= specs/landmarks.md#allocation
    /// Allocates what is due, keeps it and shows it. What failed is done by the next call.
    ///
    /// # Errors
    /// A file operation fails; nothing is shown then that is not kept.
    pub fn advance(&mut self, published: TreeSize, now: UnixSeconds) -> Result<(), Error> {
        let (mut landmarks, mut schedule) = (self.landmarks.clone(), self.schedule);
        let changed = schedule.allocate(&mut landmarks, published, now).map_err(Error::Allocation)?;
        if changed || !self.saved {
            replace(&self.kept, encode(&landmarks, &schedule).as_bytes())?;
            //
            // If we crash here: the public list is shorter than what is kept, and is written at the next opening.
            self.shown &= landmarks == self.landmarks;
            (self.landmarks, self.schedule, self.saved) = (landmarks, schedule, true);
        }
        if !self.shown {
            replace(&self.public, self.landmarks.encode().as_bytes())?;
            self.shown = true;
            let (number, size) = self.landmarks.newest();
            tracing::info!(number, size = size.0, "landmarks are public");
        }
        Ok(())
    }

    /// [`LandmarkFiles::advance`] while this process has the log, whose lock it keeps meanwhile; `false` once it has not: a
    /// successor may be writing both files.
    fn follow(&mut self, handle: &Handle, now: UnixSeconds) -> Result<bool, Error> {
        let Some(_lock) = handle.lock() else { return Ok(false) };
        self.advance(handle.published().checkpoint.size, now)?;
        Ok(true)
    }
}

/// A thread that allocates landmarks until it is dropped, or until the log's writer has ended.
pub struct LandmarkThread {
    /// Closed to end it.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LandmarkThread {
    /// Follows the public checkpoint of a log.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub fn start(mut files: LandmarkFiles, handle: Handle, clock: Clock) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let work = move || {
            let mut failing = false;
            loop {
                match files.follow(&handle, clock()) {
                    Ok(true) => failing = false,
                    Ok(false) => return,
                    // Said once, tried every time.
                    Err(error) if !failing => {
                        failing = true;
                        tracing::error!(%error, "no landmark is allocated");
                    }
                    Err(_again) => {}
                }
                if stopped.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("sillok-landmarks".into()).spawn(work)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for LandmarkThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic has been reported by its thread.
        self.thread.take().map(JoinHandle::join).transpose().unwrap_or_default();
    }
}

/// Version, what the schedule remembers, and the list as it is published.
fn encode(landmarks: &Landmarks, schedule: &Schedule) -> String {
    let mut text = format!("{HEADER}\n");
    // Writing to a String cannot fail.
    writeln!(text, "{} {}", schedule.hour, schedule.published).unwrap_or_default();
    text + &landmarks.encode()
}

fn parse(bytes: &[u8]) -> Result<(Landmarks, Schedule), Option<LandmarkError>> {
    let text = std::str::from_utf8(bytes).map_err(|_not_text| None)?;
    let (header, rest) = text.split_once('\n').ok_or(None)?;
    let (times, list) = rest.split_once('\n').ok_or(None)?;
    let (hour, published) = times.split_once(' ').filter(|_times| header == HEADER).ok_or(None)?;
    let hour = parse_decimal(hour).ok_or(None)?;
    let published = TreeSize(parse_decimal(published).ok_or(None)?);
    Ok((Landmarks::parse(list.as_bytes()).map_err(Some)?, Schedule { hour, published }))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::metadata(path).map(|metadata| metadata.len()) {
        Ok(length) if length > MAX_FILE_BYTES => Err(Error::Damaged { path: path.into(), source: None }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Ok(_) => fs::read(path).map(Some).map_err(Error::io("read", path)),
        Err(error) => Err(Error::io("look at", path)(error)),
    }
}

/// Replaces a file in one step that outlasts a loss of power.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = parent(path);
    let folder_handle = File::open(&folder).map_err(Error::io("open", &folder))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let staged = folder.join(format!(".{name}.new"));
    let mut file = File::create(&staged).map_err(Error::io("create", &staged))?;
    file.write_all(bytes).map_err(Error::io("write", &staged))?;
    file.sync_all().map_err(Error::io("synchronise", &staged))?;
    fs::rename(&staged, path).map_err(Error::io("rename", &staged))?;
    folder_handle.sync_all().map_err(Error::io("synchronise", &folder))
}

/// Why landmarks cannot be opened, kept or shown.
#[derive(Debug)]
pub enum Error {
    /// The newest landmark is above what the log shows.
    Ahead {
        /// Its number.
        number: u64,
        /// Its size.
        size: TreeSize,
        /// What the log shows.
        published: TreeSize,
    },
    /// The next landmark is above the largest tree.
    Allocation(LandmarkError),
    /// A size is another in what was kept than in what was shown.
    Contradiction {
        /// What was kept.
        kept: PathBuf,
        /// What was shown.
        public: PathBuf,
    },
    /// A file is not as it was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with its list, if that is it.
        source: Option<LandmarkError>,
    },
    /// The operating system refused.
    Io {
        /// What was asked of it.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl Error {
    fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { operation, path, source }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ahead { number, size, published } => write!(
                f,
                "landmark {number} has {size} leaves, but the log shows {published}: it is not the log they are of"
            ),
            Self::Allocation(error) => error.fmt(f),
            Self::Contradiction { kept, public } => write!(
                f,
                "{} and {} contradict each other: keep the one that readers have seen, and remove the other",
                kept.display(),
                public.display()
            ),
            Self::Damaged { path, source: Some(source) } => {
                write!(f, "{} is damaged: {source}", path.display())
            }
            Self::Damaged { path, source: None } => write!(f, "{} is damaged", path.display()),
            Self::Io { operation, path, source } => {
                write!(f, "could not {operation} {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Allocation(source) | Self::Damaged { source: Some(source), .. } => Some(source),
            Self::Io { source, .. } => Some(source),
            Self::Ahead { .. } | Self::Contradiction { .. } | Self::Damaged { source: None, .. } => None,
        }
    }
}

/// The public list, beside the checkpoint (specs/landmarks.md, "Published list").
const LIST: &str = "landmarks";

const HEADER: &str = "sillok-landmarks/v1";

/// The list, the header, and two numbers of 20 digits.
const MAX_FILE_BYTES: u64 = MAX_LIST_BYTES as u64 + 64;

/// How long a landmark that is due may wait: no time where one stands for an hour.
const INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sillok_log::audit::LogKind;
    use sillok_log::note::{SignatureKind, SignerKey};

    use super::*;
    use crate::segment::Segments;
    use crate::store::{MemoryBlobs, MemoryHeads, MemorySeen};
    use crate::{Level, Limits, Options, Registry, Stores};

    /// The process went on to serve reads, and the next landmark of the hour was due.
    #[test]
    fn nothing_is_allocated_any_more_once_the_writer_has_ended_and_its_successor_may_have_begun() {
        let folder = tempfile::tempdir().unwrap();
        let stores = Stores {
            blobs: Arc::new(MemoryBlobs::default()),
            heads: Arc::new(MemoryHeads::default()),
            seen: Arc::new(MemorySeen::default()),
            staging: Arc::new(Segments::open(&folder.path().join("wal"), 1 << 16).unwrap()),
        };
        let signer = SignerKey::from_seed("log.example", SignatureKind::Ed25519, &[1; 32]).unwrap();
        let options = Options { signer, kind: LogKind::Raw, limits: Limits::default() };
        let registry = Registry::create(options, stores, Arc::new(|| UnixSeconds(3_600))).unwrap();
        let handle = registry.handle();
        while handle.phase() == crate::Phase::Building {
            thread::yield_now();
        }
        let kept = folder.path().join("landmarks-kept");
        let mut files = LandmarkFiles::open(&kept, folder.path(), TreeSize(0), UnixSeconds(3_600)).unwrap();
        handle.add_raw_blocking(vec![b"one".to_vec()], Level::Published).unwrap();
        assert!(files.follow(&handle, UnixSeconds(7_200)).unwrap());
        let before = fs::read(&kept).unwrap();
        registry.stop().unwrap();
        assert!(!files.follow(&handle, UnixSeconds(1_000_000)).unwrap());
        assert_eq!(fs::read(&kept).unwrap(), before);
        // The thread ends by itself.
        let thread = LandmarkThread::start(files, handle, Arc::new(|| UnixSeconds(1_000_000))).unwrap();
        while !thread.thread.as_ref().unwrap().is_finished() {
            thread::yield_now();
        }
    }
}
