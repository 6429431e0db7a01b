//! What witnesses said that contradicts this log: kept in files that nothing here ever reads or removes.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sillok_log::TreeSize;

use crate::sequencer::Signed;
use crate::store::create_folders;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// A witness has cosigned more than was ever signed here.
    Ahead {
        /// The size.
        size: TreeSize,
    },
    /// A validly signed checkpoint has another root than this log at its size.
    Fork {
        /// The size.
        size: TreeSize,
    },
    /// A witness finds a checkpoint inconsistent with what it cosigned at this size.
    Inconsistent {
        /// The size.
        size: TreeSize,
    },
}

impl Suspicion {
    const fn word(self) -> &'static str {
        match self {
            Self::Ahead { .. } => "ahead",
            Self::Fork { .. } => "fork",
            Self::Inconsistent { .. } => "inconsistent",
        }
    }

    const fn size(self) -> TreeSize {
        match self {
            Self::Ahead { size } | Self::Fork { size } | Self::Inconsistent { size } => size,
        }
    }
}

impl std::fmt::Display for Suspicion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ahead { size } => write!(f, "has cosigned size {size}"),
            Self::Fork { size } => write!(f, "has cosigned another root at size {size}"),
            Self::Inconsistent { size } => write!(f, "has cosigned another tree than the one of size {size}"),
        }
    }
}

/// A folder of evidence.
pub(crate) struct Evidence {
    folder: PathBuf,
    /// One at a time: files are counted before one is written.
    turn: Mutex<()>,
}

impl Evidence {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, turn: Mutex::default() }
    }

    /// Keeps evidence, once for each witness, kind and size, and reports it. A failure to keep it is reported too, and does
    /// not stop the log.
    pub(crate) fn keep(&self, witness: &str, found: Suspicion, shown: Option<&Signed>, ours: &Signed) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '_' };
        let witness_file: String = witness.chars().take(MAX_NAME_CHARS).map(plain).collect();
        let name = format!("{}-{}-{witness_file}.txt", found.word(), found.size());
        tracing::error!(witness, %found, file = name, "a witness contradicts this log");
        let shown = shown.map_or("(nothing that our key signed)\n", |shown| shown.note.as_str());
        let text = format!(
            "witness {witness}\nfinding {found}\n\n-- the checkpoint that it was asked to cosign --\n{}\n\
             -- the checkpoint that it shows --\n{shown}",
            ours.note
        );
        if let Err(error) = self.write(&name, &text) {
            tracing::error!(%error, text, "evidence could not be kept");
        }
    }

    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        create_folders(&self.folder).map_err(std::io::Error::other)?;
        let path = self.folder.join(name);
        if path.exists() || fs::read_dir(&self.folder)?.count() >= MAX_FILES {
            return Ok(());
        }
        let mut file = fs::File::create_new(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::File::open(&self.folder)?.sync_all()
    }
}

/// Of a witness's name in a file's name.
const MAX_NAME_CHARS: usize = 64;

/// Most files: a witness that lies makes one for each size.
const MAX_FILES: usize = 1_000;
