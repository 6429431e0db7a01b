//! A log of a data folder, opened in this process: the same code without a start of a process for each case.

use std::path::Path;
use std::sync::Arc;

use sillok_log::UnixSeconds;
use sillok_log::audit::LogKind;
use sillok_log::entry::issuer_hash;
use sillok_log::ledger::Role;
use sillok_registry::{Answer, Level, Limits, Options, Paths, Phase, Registry, Stores};

use super::outside::load;
use super::outside::writer::{Folder, ISSUER, LogKey};

/// Where the registry of a folder has its files, as `sillok` says it.
pub(crate) fn paths(folder: &Folder) -> Paths {
    let at = |name: &str| Path::new(folder.path()).join(name);
    Paths { public: at("public"), segments: at("wal"), seen: at("index"), head: folder.head() }
}

/// Opens the log and waits until it takes entries, or says why it does not.
pub(crate) fn open(folder: &Folder, key: &LogKey) -> Result<Registry, String> {
    open_at(folder, key, (load::clock())())
}

/// Opens the log under a clock that stands.
pub(crate) fn open_at(folder: &Folder, key: &LogKey, now: UnixSeconds) -> Result<Registry, String> {
    let stores = Stores::open(&paths(folder), SEGMENT_BYTES).map_err(|error| error.to_string())?;
    let registry = Registry::open(options(key), stores, Arc::new(move || now));
    ready(registry.map_err(|error| error.to_string())?)
}

/// Waits until a log takes entries, or says why it does not.
pub(crate) fn ready(registry: Registry) -> Result<Registry, String> {
    while registry.handle().phase() == Phase::Building {
        std::thread::yield_now();
    }
    match registry.handle().phase() {
        Phase::Stopped { reason } => Err(reason.to_string()),
        Phase::Asking | Phase::Building | Phase::Open | Phase::Frozen | Phase::Stopping => Ok(registry),
    }
}

/// What the log of a folder is made of.
pub(crate) fn options(key: &LogKey) -> Options {
    Options { signer: key.signer(), kind: LogKind::Typed, limits: Limits::default() }
}

/// Submits entries of the issuer and waits until they are public.
pub(crate) fn submit(registry: &Registry, entries: &[Vec<u8>]) -> Result<Answer, String> {
    let role = Role::Issuer(issuer_hash(ISSUER).expect("a short URL"));
    let answer = registry.handle().submit_blocking(entries.to_vec(), role, Level::Published);
    answer.map_err(|error| error.to_string())
}

const SEGMENT_BYTES: u64 = 4_096;
