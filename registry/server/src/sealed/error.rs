//! Why a key or a passphrase could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

use super::KeyKind;

/// Why a key or a passphrase could not be read or written. It never holds a secret.
#[derive(Debug)]
pub enum Error {
    /// The cost of the sealing is outside of what the library allows.
    Cost,
    /// The file is not what it should be.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A passphrase of no bytes seals nothing.
    EmptyPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The file is there already; keys are never overwritten.
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
    /// The file is not there.
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The name of a key is not 1 to 64 lowercase letters, digits and hyphens.
    Name {
        /// The name.
        name: String,
    },
    /// The key is not one that signs notes.
    NotASigner {
        /// What it is.
        found: KeyKind,
    },
    /// The file holds another kind of key.
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        expected: KeyKind,
        /// What it holds.
        found: KeyKind,
    },
    /// The public text is not that of the key: one of the two is damaged, or they were mixed up.
    OtherPublic {
        /// The file of the key.
        path: PathBuf,
        /// The file of the text.
        public: PathBuf,
    },
    /// The operating system has no randomness.
    Random(getrandom::Error),
    /// A P-256 scalar is zero or not below the order of the group.
    Scalar,
    /// The key could not be encrypted.
    Seal {
        /// What the library said.
        problem: String,
    },
    /// No note can carry the name.
    SignerName {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: sillok_log::note::KeyError,
    },
    /// The file is longer than allowed.
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its largest length in bytes.
        limit: usize,
    },
    /// The passphrase does not open the file.
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    pub(super) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { operation, path, source }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cost => f.write_str("key cannot be sealed: the scrypt parameters are refused"),
            Self::Damaged { path, problem } => write!(f, "key file {} is damaged: {problem}", path.display()),
            Self::EmptyPassphrase { path } => write!(f, "passphrase file {} is empty", path.display()),
            Self::Exists { path } => write!(f, "{} exists already and is not overwritten", path.display()),
            Self::Io { operation, path, source } => {
                write!(f, "could not {operation} {}: {source}", path.display())
            }
            Self::Missing { path } => write!(f, "{} is missing", path.display()),
            Self::Name { name } => {
                write!(f, "key name {name:?} is not 1 to 64 lowercase letters, digits and hyphens")
            }
            Self::NotASigner { found } => write!(f, "notes are signed with an Ed25519 key, not with {found}"),
            Self::OtherKind { path, expected, found } => {
                write!(f, "key file {} holds {found} instead of {expected}", path.display())
            }
            Self::OtherPublic { path, public } => write!(
                f,
                "key file {} holds another key than {} names: one of them is damaged",
                path.display(),
                public.display()
            ),
            Self::Random(source) => write!(f, "operating system gives no random bytes: {source}"),
            Self::Scalar => f.write_str("P-256 scalar is zero or not below the order of the group"),
            Self::Seal { problem } => write!(f, "key cannot be sealed: {problem}"),
            Self::SignerName { name, source } => write!(f, "key cannot sign as {name:?}: {source}"),
            Self::TooLong { path, limit } => write!(f, "{} is longer than {limit} bytes", path.display()),
            Self::WrongPassphrase { path } => {
                write!(f, "passphrase does not open key file {}, or the file is damaged", path.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Random(source) => Some(source),
            Self::SignerName { source, .. } => Some(source),
            Self::Cost
            | Self::Damaged { .. }
            | Self::EmptyPassphrase { .. }
            | Self::Exists { .. }
            | Self::Missing { .. }
            | Self::Name { .. }
            | Self::NotASigner { .. }
            | Self::OtherKind { .. }
            | Self::OtherPublic { .. }
            | Self::Scalar
            | Self::Seal { .. }
            | Self::TooLong { .. }
            | Self::WrongPassphrase { .. } => None,
        }
    }
}
