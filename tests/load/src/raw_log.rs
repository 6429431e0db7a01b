//! A raw log of ours, served by the real program in a process of its own.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use sillok_log::note::VerifierKey;

use crate::machine;
use crate::process::Process;

/// A data folder, and the program that serves it.
#[derive(Debug)]
pub struct RawLog {
    program: PathBuf,
    data: PathBuf,
    key: VerifierKey,
}

impl RawLog {
    /// Makes a raw log in a new folder inside `folder`.
    ///
    /// # Errors
    /// `sillok init` fails.
    pub fn make(program: &Path, folder: &Path) -> Result<Self> {
        let data = folder.join("data");
        let mut command = plain(program);
        command.args([OsStr::new("init"), OsStr::new("--raw"), OsStr::new("--data"), data.as_os_str()]);
        let output = command.output().with_context(|| format!("start {}", program.display()))?;
        let (said, complained) = (text(&output.stdout), text(&output.stderr));
        ensure!(output.status.success(), "`sillok init --raw` ended with {}: {complained}", output.status);
        let key = said.lines().find_map(|line| line.strip_prefix("log key: "));
        let key = key.with_context(|| format!("`sillok init` told no key, but {said:?}"))?;
        let key = VerifierKey::parse(key).with_context(|| format!("parse the key {key:?}"))?;
        Ok(Self { program: program.into(), data, key })
    }

    /// The key that its checkpoints are checked with.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Starts the server on free ports. `under` are words before its command, such as those of a tracer; `settings`
    /// are named as in `sillok.toml`.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self, under: &[&str], settings: &[(&str, &str)]) -> Result<Serving> {
        let mut command = match under.split_first() {
            Some((tracer, rest)) => {
                let mut command = plain(tracer);
                command.args(rest).arg(&self.program);
                command
            }
            None => plain(&self.program),
        };
        command.arg("registry").arg("--data").arg(&self.data);
        command.args(["--listen", "127.0.0.1:0", "--add-listen", "127.0.0.1:0"]);
        // What it tells of itself at each start is no part of a measurement.
        command.env("SILLOK_LOG_LEVEL", "warn");
        for (name, value) in settings {
            command.env(format!("SILLOK_{}", name.to_ascii_uppercase()), value);
        }
        let process = Process::start(command, "listening on", PATIENCE)?;
        let [Some(public), Some(add)] = [process.address(0), process.address(1)] else {
            bail!("`sillok registry` told no two addresses, but {:?}", process.line());
        };
        Ok(Serving { process, public, add })
    }
}

/// The server of a log.
#[derive(Debug)]
pub struct Serving {
    /// Its process.
    pub process: Process,
    /// Where its files are read.
    pub public: SocketAddr,
    /// Where `/add` is.
    pub add: SocketAddr,
}

/// Builds a program of the workspace in the release profile and returns where it is.
///
/// # Errors
/// It does not build.
pub fn build(package: &str, program: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--quiet", "-p", package]).current_dir(machine::root());
    let status = command.status().context("start cargo")?;
    ensure!(status.success(), "`cargo build --release -p {package}` ended with {status}");
    Ok(machine::target().join("release").join(program))
}

/// A new folder below the target folder, removed when it is dropped: on a disk, where the system's folder for temporary
/// files may be memory.
///
/// # Errors
/// It cannot be made.
pub fn scratch(name: &str) -> Result<tempfile::TempDir> {
    let folder = machine::target().join("load");
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    Ok(tempfile::Builder::new().prefix(name).tempdir_in(folder)?)
}

/// A command with no settings but ours.
fn plain(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _value) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SILLOK_") {
            command.env_remove(name);
        }
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// A start opens a store and may replay a log.
const PATIENCE: Duration = Duration::from_secs(60);
