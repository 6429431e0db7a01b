//! Three tiny contracts that everything durable rests on, and their implementations.
//!
//! | Contract | Trusted? | May be lost? | Implementations |
//! |---|---|---|---|
//! | [`Blobs`] | no, everything in it is checked | no | [`FileBlobs`], [`MemoryBlobs`] |
//! | [`Heads`] | yes | no, and never restored from a backup | [`FileHeads`], [`MemoryHeads`] |
//! | [`Seen`] | no, every hit is checked | yes, it is rebuilt | [`FileSeen`], [`MemorySeen`] |
//!
//! The fourth, where a batch is made durable before it is signed, is [`crate::segment::Staging`]. Each contract has
//! one test that every implementation passes: [`check_blobs`], [`check_heads`], [`check_seen`].

use std::io;
use std::path::{Path, PathBuf};

use sillok_log::{Hash, LeafIndex, TreeSize};

mod blob_files;
mod contract;
mod head_file;
mod memory;
mod seen_files;

pub use blob_files::FileBlobs;
pub(crate) use blob_files::{create_folders, parent};
pub use contract::{check_blobs, check_heads, check_seen};
pub use head_file::FileHeads;
pub use memory::{MemoryBlobs, MemoryHeads, MemorySeen};
pub use seen_files::FileSeen;

/// An object of [`Blobs`]: where it is, relative to the log's prefix, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// For instance `tile/0/x001/234.p/5`.
    pub path: String,
    /// What a reader gets.
    pub bytes: Vec<u8>,
}

/// Immutable objects, which readers fetch as static files, and the public checkpoint.
pub trait Blobs: Send + Sync {
    /// Creates every object. `Ok` means that all of them, and their names, outlast a loss of power. After an
    /// error any of them may be there; doing it again with the same bytes is harmless.
    ///
    /// # Errors
    /// [`Error::Clash`] when a name is taken by other bytes; a malformed name; a failed operation.
    fn put_many(&self, objects: &[Object]) -> Result<(), Error>;

    /// The bytes of an object, or nothing.
    ///
    /// # Errors
    /// A malformed name or a failed operation.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Forgets the partial versions (`<path>.p/<width>`) of a tile that is full. A hint: nothing depends on it.
    ///
    /// # Errors
    /// A malformed name or a failed operation.
    fn discard_partials(&self, path: &str) -> Result<(), Error>;

    /// Makes `note` the public checkpoint, durably and in one step, unless a larger one is there, which stays.
    ///
    /// # Errors
    /// [`Error::Clash`] when one of the same size and another root is there; a note that is no checkpoint; a
    /// failed operation.
    fn put_checkpoint(&self, note: &str) -> Result<(), Error>;

    /// The public checkpoint, or nothing.
    ///
    /// # Errors
    /// A failed operation.
    fn checkpoint(&self) -> Result<Option<String>, Error>;
}

/// One tiny record that is only ever replaced by comparing it first: what the log has signed last.
pub trait Heads: Send + Sync {
    /// The record, or nothing if none was ever written.
    ///
    /// # Errors
    /// A failed operation, a damaged record, a store that can no longer say what is durable.
    fn read(&self) -> Result<Option<Vec<u8>>, Error>;

    /// Replaces `old` (nothing: must not exist yet) by `new`, at most [`MAX_HEAD_BYTES`] long.
    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> Swap;
}

/// How a [`Heads::swap`] ended.
#[derive(Debug)]
pub enum Swap {
    /// The record is `new` and outlasts a loss of power.
    Won,
    /// The record was not `old` and is as given here.
    Lost(Option<Vec<u8>>),
    /// The record is `old` or `new`: read it again before doing anything else.
    Unknown(Error),
}

/// What [`Seen`] is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeenKey {
    /// The commitment of an issue entry.
    Commitment([u8; 32]),
    /// The leaf hash of any other entry. Its own space: a commitment is chosen by a submitter.
    Leaf(Hash),
}

/// What a run of leaves adds to [`Seen`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenBatch {
    /// Every leaf below this is noted once the batch is.
    pub watermark: TreeSize,
    /// Where each key is.
    pub keys: Vec<(SeenKey, LeafIndex)>,
    /// The entries that change the state of the ledger, with their places, in order.
    pub controls: Vec<(LeafIndex, Vec<u8>)>,
}

/// A derived index: key to leaf, and the entries that are not issue entries. It may forget everything and be
/// rebuilt; it must never invent.
pub trait Seen: Send + Sync {
    /// Every leaf below this is noted.
    ///
    /// # Errors
    /// A failed operation or a damaged record.
    fn watermark(&self) -> Result<TreeSize, Error>;

    /// `false`: the key is not noted. Takes no operation on files, so that anybody may ask at any time.
    fn may_have(&self, _key: &SeenKey) -> bool {
        true
    }

    /// Where the key is, if it is noted. The caller checks the leaf's bytes.
    ///
    /// # Errors
    /// A failed operation or a damaged record.
    fn find(&self, key: &SeenKey) -> Result<Option<LeafIndex>, Error>;

    /// Notes a batch: all of it with its watermark, or nothing.
    ///
    /// # Errors
    /// A failed operation.
    fn note(&self, batch: &SeenBatch) -> Result<(), Error>;

    /// Hands every noted control entry to `visit`, in order of place, until it says `false`.
    ///
    /// # Errors
    /// A failed operation, or controls that are not those that were noted.
    fn visit_controls(&self, visit: &mut dyn FnMut(LeafIndex, &[u8]) -> bool) -> Result<(), Error>;

    /// Ends what is at work on its files and writes what it holds in memory. Whoever lets go of the lock on the head calls
    /// it before: it can be asked later on, but the files may be a successor's by then. Nothing is noted any more.
    fn close(&self) {}

    /// Forgets everything.
    ///
    /// # Errors
    /// A failed operation.
    fn clear(&self) -> Result<(), Error>;
}

/// Why a store could not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// A name is taken by other bytes, or the public checkpoint has this size and another root.
    Clash {
        /// The object.
        path: String,
    },
    /// What is stored is not what was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A log is there already.
    Exists {
        /// The file.
        path: PathBuf,
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
    /// Staged entries below the head are not all there.
    Lacks {
        /// The damaged file if one is, else the folder.
        path: PathBuf,
        /// The first leaf that is lacking.
        leaf: LeafIndex,
    },
    /// Another process writes this log.
    Locked {
        /// The file that it holds.
        path: PathBuf,
    },
    /// The file of an existing log is not there.
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The name of an object is not a canonical relative path.
    Name {
        /// The name.
        path: String,
    },
    /// The public checkpoint that was handed over does not parse.
    NotACheckpoint {
        /// Why.
        source: sillok_log::checkpoint::Error,
    },
    /// The operating system gives no random bytes.
    Random {
        /// What it said.
        source: getrandom::Error,
    },
    /// The store refuses work since an earlier failure, because it cannot say what is durable.
    Stopped {
        /// The file whose synchronisation failed.
        path: PathBuf,
    },
    /// A record is longer than the store allows.
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
}

impl Error {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { operation, path, source }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clash { path } => write!(f, "{path} exists already with other content"),
            Self::Damaged { path, problem } => write!(f, "{} is damaged: {problem}", path.display()),
            Self::Exists { path } => write!(f, "a log exists already at {}", path.display()),
            Self::Io { operation, path, source } => {
                write!(f, "could not {operation} {}: {source}", path.display())
            }
            Self::Lacks { path, leaf } => {
                write!(f, "{} lacks the entry of leaf {leaf}, which was signed", path.display())
            }
            Self::Locked { path } => {
                write!(f, "another process writes this log: it holds {}", path.display())
            }
            Self::Missing { path } => {
                write!(f, "{} is missing; a log is never initialised by opening it", path.display())
            }
            Self::Name { path } => write!(f, "object name {path:?} is not a canonical relative path"),
            Self::NotACheckpoint { source } => write!(f, "could not store the public checkpoint: {source}"),
            Self::Random { source } => write!(f, "operating system gives no random bytes: {source}"),
            Self::Stopped { path } => {
                write!(f, "{} is not used any more since a synchronisation failed", path.display())
            }
            Self::TooLong { bytes } => write!(f, "record of {bytes} bytes is longer than its store allows"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Random { source } => Some(source),
            Self::NotACheckpoint { source } => Some(source),
            Self::Clash { .. }
            | Self::Damaged { .. }
            | Self::Exists { .. }
            | Self::Lacks { .. }
            | Self::Locked { .. }
            | Self::Missing { .. }
            | Self::Name { .. }
            | Self::Stopped { .. }
            | Self::TooLong { .. } => None,
        }
    }
}

/// Whether the public checkpoint `new` may replace `old`.
enum Replace {
    Clash,
    Keep,
    Yes,
}

/// The rule of [`Blobs::put_checkpoint`], shared by the implementations.
fn may_replace(old: Option<&str>, new: &str) -> Result<Replace, Error> {
    let new = unverified_checkpoint(new)?;
    let Some(old) = old.map(unverified_checkpoint).transpose()? else { return Ok(Replace::Yes) };
    Ok(if old.size > new.size {
        Replace::Keep
    } else if old.size == new.size && old.root != new.root {
        Replace::Clash
    } else {
        Replace::Yes
    })
}

/// The checkpoint of a note whose signatures nobody has checked: a store compares sizes, it trusts nobody.
fn unverified_checkpoint(note: &str) -> Result<sillok_log::checkpoint::Checkpoint, Error> {
    use sillok_log::checkpoint::{Checkpoint, Error as Problem};
    let note = sillok_log::note::Note::parse(note)
        .map_err(|source| Error::NotACheckpoint { source: Problem::Note(source) })?;
    Checkpoint::parse_body(note.text()).map_err(|source| Error::NotACheckpoint { source })
}

/// Whether the name of an object is a relative path of plain parts: nothing of it can leave its folder.
fn check_name(path: &str) -> Result<(), Error> {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    };
    if path.len() <= MAX_NAME_BYTES && path.split('/').all(part) {
        Ok(())
    } else {
        Err(Error::Name { path: path.chars().take(MAX_NAME_BYTES).collect() })
    }
}

/// Longest record of [`Heads`]. With its frame it stays within one sector of 512 bytes, which a disk writes whole
/// or not at all; so a record that does not check is damage and never a torn write.
pub const MAX_HEAD_BYTES: usize = 400;

/// Longest name of an object: `tile/entries/` and the seven parts of a 63-bit number take 50 bytes.
const MAX_NAME_BYTES: usize = 100;
