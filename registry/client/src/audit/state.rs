//! The state of an audit in a file: it goes on from there, after a crash or a month.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sillok_log::audit::Auditor;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::note::VerifierKey;
use sillok_log::saved::{Reader, SavedError, push_bytes, push_count, push_number};

use super::commitments::Run;
use super::history::Signed;
use super::{Told, Unchecked};

/// What is put by with the oracle.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) checkpoint: Option<Signed>,
    pub(super) partial: Vec<u8>,
    pub(super) found: Vec<Told>,
    pub(super) found_total: u64,
    pub(super) unchecked: Vec<Unchecked>,
    pub(super) runs: Vec<Run>,
}

/// Why there is no state to go on from.
#[derive(Debug)]
pub enum StateError {
    /// It is not what was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The operating system refused.
    Io {
        /// What was asked of it.
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// It is of another log, or of another key of the log.
    OtherLog {
        /// The file.
        path: PathBuf,
        /// The key of its log.
        found: String,
    },
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged { path, problem } => {
                write!(f, "{} is no state of an audit: {problem}", path.display())
            }
            Self::Io { operation, path, source } => {
                write!(f, "could not {operation} {}: {source}", path.display())
            }
            Self::OtherLog { path, found } => {
                write!(f, "{} is the state of another log, {found}", path.display())
            }
        }
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Damaged { .. } | Self::OtherLog { .. } => None,
        }
    }
}

/// Where runs and evidence of a state are.
pub(super) fn folder(path: &Path) -> PathBuf {
    let mut folder = path.as_os_str().to_owned();
    folder.push(".d");
    folder.into()
}

//= specs/audit.md#saved-state
/// Reads a state; `None` if there is no file.
pub(super) fn load(path: &Path, key: &VerifierKey) -> Result<Option<(Auditor, Saved)>, StateError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Io { operation: "read", path: path.into(), source }),
    };
    let damaged = |problem: &str| StateError::Damaged { path: path.into(), problem: problem.into() };
    let body = bytes.strip_prefix(HEAD).ok_or_else(|| damaged("it does not begin as one of this version"))?;
    let (body, digest) = body.split_last_chunk::<32>().ok_or_else(|| damaged("it has no checksum"))?;
    if Sha256::digest(body).as_slice() != digest {
        return Err(damaged("its checksum is that of other bytes"));
    }
    let mut reader = Reader(body);
    let found = text(&mut reader).map_err(|error| damaged(&error.to_string()))?;
    if found != key.to_string() {
        return Err(StateError::OtherLog { path: path.into(), found });
    }
    parse(reader).map(Some).map_err(|error| damaged(&error.to_string()))
}

fn parse(mut reader: Reader<'_>) -> Result<(Auditor, Saved), SavedError> {
    let auditor = Auditor::parse(reader.bytes()?)?;
    let checkpoint = match text(&mut reader)? {
        note if note.is_empty() => None,
        // It was opened before it was saved.
        note => {
            let end = note.find("\n\n").and_then(|end| note.get(..=end)).ok_or(SavedError::Parts)?;
            let checkpoint = Checkpoint::parse_body(end).map_err(|_malformed| SavedError::Parts)?;
            Some(Signed { checkpoint, note })
        }
    };
    let partial = reader.bytes()?.to_vec();
    let found_total = reader.number()?;
    let found = reader.items(|reader| {
        let (code, detail) = (text(reader)?, text(reader)?);
        let at = Some(reader.number()?).filter(|at| *at != NOWHERE);
        Ok(Told { code, at, detail })
    })?;
    let unchecked = reader.items(|reader| Ok(Unchecked { what: text(reader)?, why: text(reader)? }))?;
    let runs = reader.items(|reader| {
        let (number, items) = (reader.number()?, reader.number()?);
        Ok(Run { number, items, digest: reader.take()?, settled: flag(reader)? })
    })?;
    reader.end()?;
    Ok((auditor, Saved { checkpoint, partial, found, found_total, unchecked, runs }))
}

/// Replaces the state as a whole: a crash leaves the one of before, or this one. The oracle is written as it is encoded,
/// since the slots of lists may be millions.
pub(super) fn store(
    path: &Path,
    key: &VerifierKey,
    auditor: &Auditor,
    saved: &Saved,
) -> Result<(), StateError> {
    let mut length = 0_usize;
    auditor.encode_to(&mut |piece| length = length.saturating_add(piece.len()));
    let (mut before, mut after) = (Vec::new(), Vec::new());
    push_bytes(&mut before, key.to_string().as_bytes());
    push_count(&mut before, length);
    encode(saved, &mut after);
    replace(path, &mut |file| {
        file.write_all(HEAD)?;
        let (mut digest, mut written) = (Sha256::new(), Ok(()));
        let mut write = |piece: &[u8]| {
            digest.update(piece);
            if written.is_ok() {
                written = file.write_all(piece);
            }
        };
        write(&before);
        auditor.encode_to(&mut write);
        write(&after);
        written?;
        file.write_all(&digest.finalize())
    })
}

fn encode(saved: &Saved, body: &mut Vec<u8>) {
    push_bytes(body, saved.checkpoint.as_ref().map_or(&[][..], |signed| signed.note.as_bytes()));
    push_bytes(body, &saved.partial);
    push_number(body, saved.found_total);
    push_count(body, saved.found.len());
    for Told { code, at, detail } in &saved.found {
        push_bytes(body, code.as_bytes());
        push_bytes(body, detail.as_bytes());
        push_number(body, at.unwrap_or(NOWHERE));
    }
    push_count(body, saved.unchecked.len());
    for Unchecked { what, why } in &saved.unchecked {
        push_bytes(body, what.as_bytes());
        push_bytes(body, why.as_bytes());
    }
    push_count(body, saved.runs.len());
    for Run { number, items, digest, settled } in &saved.runs {
        push_number(body, *number);
        push_number(body, *items);
        body.extend_from_slice(digest);
        body.push(u8::from(*settled));
    }
}

/// Writes a file beside its name, synchronised, and then gives it the name.
pub(super) fn replace(
    path: &Path,
    write: &mut dyn FnMut(&mut File) -> io::Result<()>,
) -> Result<(), StateError> {
    let failed = |operation, path: &Path| {
        let path = path.to_path_buf();
        move |source| StateError::Io { operation, path, source }
    };
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = File::create(&new).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    written.map_err(failed("write", &new))?;
    fs::rename(&new, path).map_err(failed("rename", &new))?;
    let folder =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("synchronise", folder))
}

fn text(reader: &mut Reader<'_>) -> Result<String, SavedError> {
    String::from_utf8(reader.bytes()?.to_vec()).map_err(|_not_text| SavedError::Parts)
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, SavedError> {
    match reader.take()? {
        [0] => Ok(false),
        [1] => Ok(true),
        [found] => Err(SavedError::Code { found }),
    }
}

/// The form and its version.
const HEAD: &[u8] = b"sillok-audit-state/v2\n";

/// The position of a finding that has none: no leaf is there.
const NOWHERE: u64 = u64::MAX;
