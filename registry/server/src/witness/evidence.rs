//! What witnesses said that contradicts this log: kept in files that nothing here ever reads or removes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sillok_log::TreeSize;
use sillok_log::evidence;
use sillok_log::note::VerifierKey;

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

/// What a closer look at a witness's answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) suspicion: Suspicion,
    /// The checkpoint that the witness shows, if our key signed it.
    pub(crate) shown: Option<Signed>,
    /// What shows it to anybody; nothing if there is the witness's word alone.
    pub(crate) proved: Option<evidence::Evidence>,
}

impl Found {
    /// What a witness says and does not show.
    pub(crate) const fn said(suspicion: Suspicion, shown: Option<Signed>) -> Self {
        Self { suspicion, shown, proved: None }
    }
}

/// A folder of evidence.
pub(crate) struct Evidence {
    folder: PathBuf,
    /// Our log's key.
    key: VerifierKey,
    /// What this process has kept. One at a time: files are counted before one is written.
    kept: Mutex<BTreeSet<(String, &'static str, TreeSize)>>,
}

impl Evidence {
    pub(crate) fn new(folder: PathBuf, key: VerifierKey) -> Self {
        Self { folder, key, kept: Mutex::default() }
    }

    //= specs/log.md#witnesses
    /// Keeps evidence, once for each witness, kind and size, and reports it. A failure to keep it is reported too, and does
    /// not stop the log.
    pub(crate) fn keep(&self, witness: &str, found: &Found, ours: &Signed) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let suspicion = found.suspicion;
        let (name, text) = match &found.proved {
            Some(evidence) => (evidence.file_name(&self.key), evidence.to_json(&self.key)),
            None => said(witness, found, ours),
        };
        tracing::error!(witness, %suspicion, file = name, "a witness contradicts this log");
        if kept.len() >= MAX_FILES || !kept.insert((witness.into(), suspicion.word(), suspicion.size())) {
            return;
        }
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

/// What is the witness's word alone: the name of its file, and what it holds, for people.
fn said(witness: &str, found: &Found, ours: &Signed) -> (String, String) {
    let Found { suspicion, shown, .. } = found;
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '_' };
    let witness_file: String = witness.chars().take(MAX_NAME_CHARS).map(plain).collect();
    let name = format!("{}-{}-{witness_file}.txt", suspicion.word(), suspicion.size());
    let shown = shown.as_ref().map_or("(nothing that our key signed)\n", |shown| shown.note.as_str());
    let text = format!(
        "witness {witness}\nfinding {suspicion}\n\n-- the checkpoint that it was asked to cosign --\n{}\n\
         -- the checkpoint that it shows --\n{shown}",
        ours.note
    );
    (name, text)
}

/// Of a witness's name in a file's name.
const MAX_NAME_CHARS: usize = 64;

/// Most files: a witness that lies makes one for each size.
const MAX_FILES: usize = 1_000;
