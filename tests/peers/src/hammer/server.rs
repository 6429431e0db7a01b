//! The servers that are compared, each started on a new log in a process of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sillok_load::connection::Connection;
use sillok_load::flags::Flags;
use sillok_load::process::Process;
use sillok_load::raw_log::RawLog;
use sillok_load::trial::Served;
use sillok_log::note::VerifierKey;

use super::rival::{self, Intervals};
use crate::machine::Machine;
use crate::peer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ours,
    Rival,
    RivalTuned,
}

/// A program that serves a log.
pub(super) struct Server {
    kind: Kind,
    name: String,
    program: PathBuf,
}

impl Server {
    /// Builds or installs its program.
    pub(super) fn new(kind: Kind, machine: &Machine, flags: &Flags) -> Result<Self> {
        let (name, program) = match kind {
            Kind::Ours => ("sillok".to_owned(), machine.sillok()?),
            Kind::Rival => {
                let package = format!("{}/cmd/conformance/posix", rival::MODULE);
                ("tessera".to_owned(), peer::go(machine, &package, rival::VERSION)?)
            }
            Kind::RivalTuned => {
                let intervals = Intervals {
                    batch: flags.count("tuned-batch"),
                    age_milliseconds: flags.count("tuned-age-ms"),
                    checkpoint_milliseconds: flags.count("tuned-interval-ms"),
                };
                let Intervals { batch, age_milliseconds, checkpoint_milliseconds } = intervals;
                let name = format!("tessera {batch}/{age_milliseconds}/{checkpoint_milliseconds} ms");
                (name, rival::build_tuned(machine, intervals)?)
            }
        };
        Ok(Self { kind, name, program })
    }

    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    /// Serves a new log in `folder`, with `under` before its command.
    pub(super) fn start(&self, folder: &Path, under: &[&str]) -> Result<Running> {
        match self.kind {
            Kind::Ours => {
                let log = RawLog::make(&self.program, folder)?;
                let serving = log.start(under, &[])?;
                let (public, add) = (serving.public, serving.add);
                Ok(Running { process: serving.process, public, add, key: log.key().clone() })
            }
            Kind::Rival | Kind::RivalTuned => self.start_rival(folder, under),
        }
    }

    fn start_rival(&self, folder: &Path, under: &[&str]) -> Result<Running> {
        let (key_file, storage) = (folder.join("rival.key"), folder.join("rival"));
        let key = rival::write_key(&key_file)?;
        std::fs::create_dir_all(&storage).with_context(|| format!("create {}", storage.display()))?;
        // It does not tell the port that it got, so one is looked for that is free at this moment.
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .context("find a free port")?;
        let mut command = Command::new("sh");
        // It tells what it tells on standard error.
        command.args(["-c", "exec \"$@\" 2>&1", "sh"]).args(under).arg(&self.program);
        command.arg(format!("--storage_dir={}", storage.display()));
        command.arg(format!("--private_key={}", key_file.display())).arg(format!("--listen={address}"));
        let process = Process::start(command, "export READ_URL", PATIENCE)?;
        let begun = Instant::now();
        while Connection::new(address, PATIENCE).get("/checkpoint").map_or(0, |answer| answer.status) != 200 {
            if begun.elapsed() > PATIENCE {
                bail!("{} did not serve a checkpoint within {} s", self.name, PATIENCE.as_secs());
            }
            std::thread::sleep(LOOK);
        }
        Ok(Running { process, public: address, add: address, key })
    }
}

/// A server of a new log.
pub(super) struct Running {
    pub(super) process: Process,
    pub(super) public: SocketAddr,
    pub(super) add: SocketAddr,
    pub(super) key: VerifierKey,
}

impl Running {
    pub(super) fn served(&self) -> Served {
        Served { public: self.public, key: self.key.clone(), process: self.process.id() }
    }

    /// The root that the hammer writes below.
    pub(super) fn add_url(&self) -> String {
        format!("http://{}/", self.add)
    }
}

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether it is.
const LOOK: Duration = Duration::from_millis(20);
