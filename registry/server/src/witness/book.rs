//! What a witness follows, and what it cosigned last of each log: one file of two checksummed slots a log, held by a lock.
//!
//! Whatever is answered was recorded before, durably, under the lock of its log: two requests at once never bring two roots
//! for a size, nor a size that goes back. A file that is missing is an error and never a beginning: a witness that forgets
//! would cosign a fork.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use sillok_log::audit::LogKind;
use sillok_log::cosignature;
use sillok_log::note::{SignatureKind, SignerKey, VerifierKey};
use sillok_log::witness::{Accepted, Latest, Refusal, Submitted};
use sillok_log::{Hash, UnixSeconds};

use crate::handle::Clock;
use crate::sequencer::{Fatal, Head, Signed};
use crate::store::{self, FileHeads, Heads, Swap};

/// A witness: its keys and the logs that it follows. Every method may be called from any thread.
pub struct Book {
    signers: Vec<SignerKey>,
    clock: Clock,
    /// By origin.
    logs: BTreeMap<String, Followed>,
}

struct Followed {
    key: VerifierKey,
    heads: Box<dyn Heads>,
    latest: Mutex<Option<Recorded>>,
}

/// The record of the store, byte for byte, and what it says.
struct Recorded {
    bytes: Vec<u8>,
    head: Head,
}

impl Book {
    /// Opens the book of a folder, which holds a file for each log that [`Book::follow`] added.
    ///
    /// # Errors
    /// No key or one that does not cosign; a log that cannot be read; a record that is missing, damaged or held by another
    /// process.
    pub fn open(folder: &Path, signers: Vec<SignerKey>, clock: Clock) -> Result<Self, BookError> {
        if signers.is_empty() || signers.iter().any(|signer| !signer.kind().cosigns()) {
            return Err(BookError::Keys);
        }
        let mut logs = BTreeMap::new();
        for key in keys(folder)? {
            let heads: Box<dyn Heads> = Box::new(FileHeads::open(&record_path(folder, key.name()))?);
            logs.insert(key.name().to_owned(), Followed::load(key, heads)?);
        }
        Ok(Self { signers, clock, logs })
    }

    /// Begins to follow a log. Nothing changes if it is followed under this key already.
    ///
    /// # Errors
    /// A key that signs no notes, another key for an origin, more than [`MAX_LOGS`] logs, a failed operation.
    pub fn follow(folder: &Path, key: &VerifierKey) -> Result<(), BookError> {
        if key.kind() != SignatureKind::Ed25519 {
            return Err(BookError::Log { text: key.to_string() });
        }
        let known = keys(folder)?;
        if let Some(followed) = known.iter().find(|followed| followed.name() == key.name()) {
            return if followed == key {
                Ok(())
            } else {
                Err(BookError::OtherKey { origin: key.name().into() })
            };
        }
        if known.len() >= MAX_LOGS {
            return Err(BookError::TooMany);
        }
        // The record first, durably: a log whose key is there has one. One without a key is of an attempt that did not end.
        drop(FileHeads::create(&record_path(folder, key.name()))?);
        let path = key_path(folder, key.name());
        let staged = path.with_extension("new");
        fs::write(&staged, format!("{key}\n")).map_err(store::Error::io("write", &staged))?;
        fs::File::open(&staged)
            .and_then(|file| file.sync_all())
            .map_err(store::Error::io("synchronise", &staged))?;
        fs::rename(&staged, &path).map_err(store::Error::io("rename", &path))?;
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(store::Error::io("synchronise", folder))?;
        Ok(())
    }

    /// The logs that are followed.
    pub fn logs(&self) -> impl Iterator<Item = &VerifierKey> {
        self.logs.values().map(|log| &log.key)
    }

    //= specs/log.md#witnesses
    /// Answers a request: the signature lines, once the checkpoint is recorded. It blocks.
    ///
    /// # Errors
    /// [`BookError::Refused`]; a record that could not be written, after which nothing of that log is cosigned any more.
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<String, BookError> {
        let submitted = Submitted::parse(body)?;
        let Some(log) = self.logs.get(submitted.origin()) else {
            return Err(submitted.decide(None).err().map_or(BookError::Keys, BookError::Refused));
        };
        let mut latest = log.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = latest.as_ref().map_or_else(Latest::default, Recorded::latest);
        let accepted = submitted.decide(Some((std::slice::from_ref(&log.key), &known)))?;
        let before = latest.as_ref().map_or(UnixSeconds(1), |recorded| recorded.head.time);
        let recorded = Recorded::new(accepted, (self.clock)().max(before))?;
        //
        // If we crash here: nothing is recorded, and nobody was answered.
        let old = latest.as_ref().map(|recorded| recorded.bytes.as_slice());
        match log.heads.swap(old, &recorded.bytes) {
            Swap::Won => {}
            Swap::Lost(_) => return Err(Fatal::HeadLost.into()),
            Swap::Unknown(source) => return Err(Fatal::HeadUnknown { source }.into()),
        }
        //
        // If we crash here: it is recorded, and nobody was answered. Whoever asks again is told the new size.
        let lines = self.cosign(&recorded);
        *latest = Some(recorded);
        lines
    }

    /// The checkpoint cosigned last of the log with this hash of its origin, with the lines that were answered.
    ///
    /// # Errors
    /// A signature that could not be made.
    pub fn checkpoint(&self, origin_hash: &str) -> Result<Option<String>, BookError> {
        let Some(log) = self.logs.iter().find(|(origin, _log)| hash_of(origin) == origin_hash) else {
            return Ok(None);
        };
        let latest = log.1.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(recorded) = latest.as_ref() else { return Ok(None) };
        Ok(Some(recorded.head.signed.note.clone() + &self.cosign(recorded)?))
    }

    /// The same lines each time: both kinds of signature are deterministic, and the time is recorded.
    fn cosign(&self, recorded: &Recorded) -> Result<String, BookError> {
        let Head { time, signed, .. } = &recorded.head;
        let body = signed.checkpoint.body();
        let lines = self.signers.iter().map(|signer| cosignature::cosign(&body, *time, signer));
        Ok(lines.collect::<Result<String, _>>()?)
    }
}

impl Followed {
    fn load(key: VerifierKey, heads: Box<dyn Heads>) -> Result<Self, BookError> {
        let latest = match heads.read()? {
            Some(bytes) => Some(Recorded { head: Head::open(&bytes, &key)?, bytes }),
            None => None,
        };
        Ok(Self { key, heads, latest: Mutex::new(latest) })
    }
}

impl Recorded {
    fn new(accepted: Accepted, time: UnixSeconds) -> Result<Self, BookError> {
        let Accepted { checkpoint, note } = accepted;
        let kind = LogKind::of_origin(&checkpoint.origin);
        let head = Head { kind, time, signed: Signed { checkpoint, note }, frozen: false };
        Ok(Self { bytes: head.encode()?, head })
    }

    fn latest(&self) -> Latest {
        let checkpoint = &self.head.signed.checkpoint;
        Latest { size: checkpoint.size, root: checkpoint.root }
    }
}

/// The keys of the logs that a folder follows; a folder that is not there follows none.
fn keys(folder: &Path) -> Result<Vec<VerifierKey>, BookError> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(store::Error::io("list", folder))?,
    };
    let mut keys = Vec::new();
    for entry in listing {
        let path = entry.map_err(store::Error::io("list", folder))?.path();
        if path.extension().is_some_and(|extension| extension == KEY) {
            let text = fs::read_to_string(&path).map_err(store::Error::io("read", &path))?;
            let key = VerifierKey::parse(text.trim_end());
            keys.push(key.map_err(|_refused| BookError::Log { text: text.trim_end().into() })?);
        }
    }
    Ok(keys)
}

/// The lowercase hexadecimal SHA-256 of an origin, by which a witness is asked for the log's checkpoint.
pub(crate) fn hash_of(origin: &str) -> String {
    Hash(Sha256::digest(origin).into()).to_hex()
}

fn record_path(folder: &Path, origin: &str) -> PathBuf {
    folder.join(hash_of(origin)).with_extension("latest")
}

fn key_path(folder: &Path, origin: &str) -> PathBuf {
    folder.join(hash_of(origin)).with_extension(KEY)
}

/// Why a witness does not answer with a cosignature, or cannot be opened.
#[derive(Debug)]
pub enum BookError {
    /// A cosignature could not be made.
    Cosign(cosignature::Error),
    /// There is no key, or one that does not cosign.
    Keys,
    /// What names a log is no key that signs notes.
    Log {
        /// The text.
        text: String,
    },
    /// An origin is followed under another key.
    OtherKey {
        /// The origin.
        origin: String,
    },
    /// The record of a log is wrong, or could not be replaced.
    Record(Fatal),
    /// The request is refused.
    Refused(Refusal),
    /// A file could not be read or written.
    Store(store::Error),
    /// [`MAX_LOGS`] logs are followed already.
    TooMany,
}

impl From<Refusal> for BookError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fatal> for BookError {
    fn from(source: Fatal) -> Self {
        Self::Record(source)
    }
}

impl From<store::Error> for BookError {
    fn from(source: store::Error) -> Self {
        Self::Store(source)
    }
}

impl From<cosignature::Error> for BookError {
    fn from(source: cosignature::Error) -> Self {
        Self::Cosign(source)
    }
}

impl std::fmt::Display for BookError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cosign(source) => write!(f, "checkpoint could not be cosigned: {source}"),
            Self::Keys => f.write_str("witness has no key, or one that does not cosign"),
            Self::Log { text } => write!(f, "{text:?} is no verifier key of a log"),
            Self::OtherKey { origin } => write!(f, "log {origin} is followed under another key"),
            Self::Record(source) => write!(f, "record of a log: {source}"),
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::Store(source) => write!(f, "{source}"),
            Self::TooMany => write!(f, "witness follows {MAX_LOGS} logs already"),
        }
    }
}

impl std::error::Error for BookError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Cosign(source) => Some(source),
            Self::Record(source) => Some(source),
            Self::Refused(source) => Some(source),
            Self::Store(source) => Some(source),
            Self::Keys | Self::Log { .. } | Self::OtherKey { .. } | Self::TooMany => None,
        }
    }
}

/// The extension of the files that name logs.
const KEY: &str = "vkey";

/// Most logs of one witness: each keeps a file open.
pub const MAX_LOGS: usize = 1_000;
