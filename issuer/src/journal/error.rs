//! Why something that the issuer keeps on disk cannot be kept or read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What went wrong with a file of the issuer. All but [`StoreError::TooLong`] are for an operator.
#[derive(Debug)]
pub enum StoreError {
    /// Bytes are not what was written, and no crash explains it.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong there, as the end of a sentence.
        problem: &'static str,
    },
    /// The operating system refused an operation.
    Io {
        /// The operation, as a verb.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// Another process works on this folder.
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The operating system has no randomness to give.
    Random {
        /// Its answer.
        source: getrandom::Error,
    },
    /// An earlier failure left a file in an unknown state; nothing is written until the next start.
    Stopped {
        /// The file or folder.
        path: PathBuf,
    },
    /// A record is longer than the journal takes.
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// The file was sealed under another master key, or is damaged: sealed bytes do not tell which.
    WrongKey {
        /// The file.
        path: PathBuf,
    },
}

impl StoreError {
    /// For `map_err`: an error of `operation` on `path`.
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { operation, path: path.to_path_buf(), source }
    }

    pub(crate) fn damaged(path: &Path, offset: u64, problem: &'static str) -> Self {
        Self::Damaged { path: path.to_path_buf(), offset, problem }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { path, offset, problem } => {
                write!(f, "{} is damaged at byte {offset}: {problem}", path.display())
            }
            Self::Io { operation, path, source } => {
                write!(f, "cannot {operation} {}: {source}", path.display())
            }
            Self::Locked { path } => write!(f, "another process holds {}", path.display()),
            Self::Random { source } => write!(f, "cannot draw random bytes: {source}"),
            Self::Stopped { path } => {
                write!(f, "{} is not written to any more after an earlier failure", path.display())
            }
            Self::TooLong { bytes } => {
                write!(f, "record of {bytes} bytes is longer than {} bytes", super::MAX_RECORD_BYTES)
            }
            Self::WrongKey { path } => write!(f, "{} does not open under this master key", path.display()),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Random { source } => Some(source),
            Self::Damaged { .. }
            | Self::Locked { .. }
            | Self::Stopped { .. }
            | Self::TooLong { .. }
            | Self::WrongKey { .. } => None,
        }
    }
}
