//! What a fetching client keeps in its folder: the container, memory, and when to ask again.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use sillok_log::UnixSeconds;
use sillok_verifier::Memory;
use sillok_verifier::memory::MAX_MEMORY_BYTES;
use sillok_verifier::trust::{Container, MAX_CONTAINER_BYTES};

use crate::command::verify::read;

/// The folder of one client of one authority. Nobody else has it open.
pub(super) struct Cache {
    folder: PathBuf,
    pub(super) container: Option<Container>,
    pub(super) memory: Memory,
    pub(super) state: State,
    _lock: File,
}

/// What may be lost: then the container is fetched whole, at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// Where everything is from.
    pub(super) url: String,
    /// The tag of the last answer that led to what is kept.
    pub(super) etag: Option<String>,
    /// When to ask again.
    pub(super) due: Option<u64>,
    /// Failures in a row.
    pub(super) failures: u32,
}

impl Cache {
    /// Opens the folder, and makes it if it is not there.
    pub(super) fn open(folder: &Path, url: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        let lock_path = folder.join("lock");
        let lock = File::options().create(true).append(true).open(&lock_path);
        let lock = lock.with_context(|| format!("could not open {}", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another process fetches into {}", folder.display()),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("could not lock {}", lock_path.display()));
            }
        }
        let container = match stored(&folder.join(BUNDLE), MAX_CONTAINER_BYTES)? {
            Some(bytes) => Some(Container::parse(&bytes).with_context(|| {
                format!("{} is refused: remove it to fetch it anew", folder.join(BUNDLE).display())
            })?),
            None => None,
        };
        let memory = match stored(&folder.join(MEMORY), MAX_MEMORY_BYTES)? {
            // A torn file is an error and never an empty memory.
            Some(bytes) => Memory::parse(&bytes)
                .with_context(|| format!("{} is refused", folder.join(MEMORY).display()))?,
            None => Memory::default(),
        };
        let state = stored(&folder.join(STATE), MAX_STATE_BYTES)?;
        let state: State = state.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let same = state.url == url && container.is_some();
        let state = if same { state } else { State { url: url.into(), ..State::default() } };
        Ok(Self { folder: folder.to_path_buf(), container, memory, state, _lock: lock })
    }

    /// Keeps a container that has opened, and the memory that came with it.
    //= specs/trust-bundle.md#fetching
    pub(super) fn keep(&mut self, container: Container, memory: Memory) -> anyhow::Result<()> {
        let json = container.to_json().context("could not write the trust bundle")?;
        replace(&self.folder.join(BUNDLE), json.as_bytes())?;
        self.container = Some(container);
        // If we crash here: memory is older than the container, which opens with it as it just did.
        self.keep_memory(memory)
    }

    /// Keeps memory alone: alarms of a bundle that was refused.
    pub(super) fn keep_memory(&mut self, memory: Memory) -> anyhow::Result<()> {
        if memory != self.memory {
            replace(&self.folder.join(MEMORY), memory.encode().as_bytes())?;
            self.memory = memory;
        }
        Ok(())
    }

    pub(super) fn keep_state(&mut self, state: State) -> anyhow::Result<()> {
        replace(&self.folder.join(STATE), serde_json::to_string(&state)?.as_bytes())?;
        self.state = state;
        Ok(())
    }

    /// When to ask again, as it was noted last.
    pub(super) fn due(&self) -> Option<UnixSeconds> {
        self.state.due.map(UnixSeconds)
    }
}

fn stored(path: &Path, limit: usize) -> anyhow::Result<Option<Vec<u8>>> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not open {}", path.display())),
        Ok(_file) => read(path, limit).map(Some),
    }
}

/// Replaces a file in one step that outlasts a loss of power.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(".new");
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let written = File::create(&staged)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&staged, path))
        .and_then(|()| File::open(folder)?.sync_all());
    written.with_context(|| format!("could not write {}", path.display()))
}

const BUNDLE: &str = "bundle";

const MEMORY: &str = "memory";

const STATE: &str = "fetch.json";

/// A URL, a tag and two numbers.
const MAX_STATE_BYTES: usize = 16 << 10;
