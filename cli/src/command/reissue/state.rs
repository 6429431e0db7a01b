//! How far a run has come, in a small file that is replaced as a whole, and the credentials that it was handed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use serde::{Deserialize, Serialize};

use super::Due;
use crate::exit::usage;

/// The state of a run.
pub(super) struct State {
    path: PathBuf,
    /// Locked: one run at a time.
    _lock: Option<File>,
    progress: Progress,
    begun: bool,
    credentials: Option<(PathBuf, File)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    /// Name and value of what is due.
    due: (String, String),
    /// All numbers are below this one.
    before: u64,
    /// All numbers below this one are done.
    next: u64,
    /// When the last one should be done, in Unix seconds.
    ends: u64,
    /// Bytes of the file of credentials.
    bytes: u64,
    /// Numbers that were asked for, and may be done: the issuer does not name them any more.
    asked: Vec<u64>,
}

impl State {
    /// Opens the state of a run, or begins one. With `dry` nothing is written.
    pub(super) fn open(path: &Path, due: &Due, dry: bool) -> anyhow::Result<Self> {
        let (member, value) = due.member();
        let due = (member.into(), value.into());
        let new = Progress { due, before: 0, next: 0, ends: 0, bytes: 0, asked: Vec::new() };
        let mut state =
            Self { path: path.into(), _lock: None, progress: new.clone(), begun: false, credentials: None };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(state),
            Err(error) => bail!("could not read {}: {error}", path.display()),
        };
        let progress: Progress = serde_json::from_str(&text)
            .map_err(|error| anyhow!("{} is no state of a re-issue: {error}", path.display()))?;
        if progress.due != new.due {
            let (member, value) = &progress.due;
            return usage(format!(
                "{} is of the re-issue of {member} {value}; name another one with --state",
                path.display()
            ));
        }
        if progress.next >= progress.before && progress.asked.is_empty() && !dry {
            return usage(format!(
                "{} says that this re-issue is done; remove it to begin another one",
                path.display()
            ));
        }
        (state.progress, state.begun) = (progress, true);
        Ok(state)
    }

    /// The first number that is not done.
    pub(super) fn next(&self) -> u64 {
        self.progress.next
    }

    /// Below which number all of them are, if that is known already.
    pub(super) fn before(&self) -> Option<u64> {
        self.begun.then_some(self.progress.before)
    }

    /// When the last one should be done, in Unix seconds.
    pub(super) fn ends(&self) -> u64 {
        self.progress.ends
    }

    /// Begins, or goes on: keeps others away, and opens the file that gets the credentials.
    pub(super) fn begin(&mut self, before: u64, ends: u64, out: Option<&Path>) -> anyhow::Result<()> {
        if let Some(out) = out {
            fs::create_dir_all(out).map_err(|error| anyhow!("could not make {}: {error}", out.display()))?;
        }
        let path = self.path.with_extension("lock");
        let lock =
            options().open(&path).map_err(|error| anyhow!("could not open {}: {error}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => self._lock = Some(lock),
            Err(TryLockError::WouldBlock) => bail!("another re-issue holds {}", path.display()),
            Err(TryLockError::Error(error)) => bail!("could not lock {}: {error}", path.display()),
        }
        if !self.begun {
            (self.progress.before, self.progress.ends, self.begun) = (before, ends, true);
        }
        if let Some(out) = out {
            let path = out.join(CREDENTIALS);
            let wrong = |error: std::io::Error| anyhow!("could not open {}: {error}", path.display());
            let mut file = options().read(true).open(&path).map_err(wrong)?;
            if file.metadata().map_err(wrong)?.len() < self.progress.bytes {
                bail!("{} is shorter than {} says", path.display(), self.path.display());
            }
            // What a crash left behind the last state is asked for again.
            file.set_len(self.progress.bytes).map_err(wrong)?;
            file.seek(SeekFrom::End(0)).map_err(wrong)?;
            self.credentials = Some((path, file));
        } else if self.progress.bytes > 0 {
            return usage(format!("{} is of a re-issue with --out", self.path.display()));
        }
        self.store()
    }

    /// What was asked for, and not written, before a run was interrupted.
    pub(super) fn asked(&self) -> &[u64] {
        &self.progress.asked
    }

    /// Says what is asked for now, if anybody wants the credentials.
    pub(super) fn ask(&mut self, numbers: &[u64]) -> anyhow::Result<()> {
        if self.credentials.is_none() {
            return Ok(());
        }
        self.progress.asked = numbers.to_vec();
        self.store()
    }

    /// Writes credentials, durably, and then that all numbers below `next` are done.
    pub(super) fn advance(&mut self, lines: &str, next: u64) -> anyhow::Result<()> {
        if let Some((path, file)) = &mut self.credentials
            && !lines.is_empty()
        {
            let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
            written.map_err(|error| anyhow!("could not write {}: {error}", path.display()))?;
            self.progress.bytes += lines.len() as u64;
        }
        (self.progress.next, self.progress.asked) = (next, Vec::new());
        // If we crash before this is there: the lines are cut off by the next run, which asks for the same numbers again.
        self.store()
    }

    /// Says that everything is done.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        self.advance("", self.progress.before)
    }

    /// Whether anybody wants the credentials.
    pub(super) fn wants_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    fn store(&self) -> anyhow::Result<()> {
        let unfinished = self.path.with_extension("next");
        let text = format!("{}\n", serde_json::to_string(&self.progress)?);
        let write = || {
            let mut file = options().truncate(true).open(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &self.path)
        };
        write().map_err(|error| anyhow!("could not write {}: {error}", self.path.display()))
    }
}

/// Only the owner reads: what was issued is about people.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// What was issued.
pub(super) const CREDENTIALS: &str = "reissued.ndjson";
