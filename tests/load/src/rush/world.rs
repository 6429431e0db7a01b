//! The real service in a process of its own, its data folder, and the clients that it knows.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sillok_load::machine::target;
use sillok_load::process::Process;
use sillok_log::note::VerifierKey;
use sillok_registry::sealed;

use super::ISSUER;
use super::client::Client;
use super::options::Options;
use super::request::Requests;
use super::target::Current;

/// A service, what it writes, and who asks it.
pub(super) struct World {
    program: PathBuf,
    data: PathBuf,
    complaints: PathBuf,
    clients: Arc<Vec<Client>>,
    /// `None` while it is down.
    process: Mutex<Option<Process>>,
    address: SocketAddr,
    current: Current,
    keeper: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
    // Dropped last.
    _temporary: tempfile::TempDir,
}

impl World {
    /// Makes a data folder with some clients and starts the service.
    pub(super) fn start(options: &Options) -> Result<Self> {
        let program = match &options.program {
            Some(program) => program.clone(),
            None => build()?,
        };
        let place = options.folder.clone().unwrap_or_else(target);
        let temporary = tempfile::Builder::new().prefix("rush-").tempdir_in(&place);
        let temporary = temporary.with_context(|| format!("make a folder in {}", place.display()))?;
        let data = temporary.path().join("data");
        let complaints = temporary.path().join("stderr");
        let path = data.display().to_string();
        expect(&output(&program, &["init", "--data", &path, "--public-url", ISSUER])?, "sillok init")?;
        let clients =
            (1..=CLIENTS).map(|n| Client::new(&format!("clinics-{n}"))).collect::<Result<Vec<_>>>()?;
        let mut settings = OpenOptions::new().append(true).open(data.join("sillok.toml"))?;
        for client in &clients {
            settings.write_all(client.table()?.as_bytes())?;
        }
        let process = launch(&program, &data, &complaints, "127.0.0.1:0")?;
        let address = process.address(0).context("the service does not say where it listens")?;
        let clients = Arc::new(clients);
        let current = Arc::new(Mutex::new(Arc::new(ask_for_tokens(&clients, address)?)));
        let keeper = Some(keep_tokens(&clients, address, &current)?);
        let process = Mutex::new(Some(process));
        Ok(Self {
            program,
            data,
            complaints,
            clients,
            process,
            address,
            current,
            keeper,
            _temporary: temporary,
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests with tokens that stay good.
    pub(super) fn current(&self) -> Current {
        Arc::clone(&self.current)
    }

    /// The id of the process.
    pub(super) fn process_id(&self) -> Result<u32> {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(process.as_ref().context("the service is down")?.id())
    }

    /// SIGKILL.
    pub(super) fn kill(&self) {
        drop(self.process.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Starts it again where it was, and says how long that took.
    pub(super) fn restart(&self) -> Result<Duration> {
        let process = launch(&self.program, &self.data, &self.complaints, &self.address.to_string())?;
        let took = process.started_in();
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(took)
    }

    /// SIGTERM: everything is published before it ends.
    pub(super) fn stop(&mut self) -> Result<()> {
        if let Some((end, keeper)) = self.keeper.take() {
            end.store(true, Ordering::SeqCst);
            drop(keeper.join());
        }
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        let status = process.context("the service is down")?.stop(STOP_PATIENCE)?;
        if !status.success() {
            bail!("the service ended with {status}: {}", self.complaints());
        }
        Ok(())
    }

    /// The end of what the service wrote to standard error.
    pub(super) fn complaints(&self) -> String {
        let text = fs::read_to_string(&self.complaints).unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }

    /// The folder that a web server would serve.
    pub(super) fn public(&self) -> PathBuf {
        self.data.join("public")
    }

    pub(super) fn log_key(&self) -> Result<VerifierKey> {
        let text = sealed::public_text(&self.data.join("keys"), "log")?;
        VerifierKey::parse(&text)
            .with_context(|| format!("public text of the log's key, {text:?}, is refused"))
    }

    /// `sillok audit` of the folder.
    pub(super) fn audit(&self) -> Result<String> {
        let (path, key) = (self.data.display().to_string(), self.log_key()?.to_string());
        let audited = output(&self.program, &["audit", &path, "--vkey", &key])?;
        expect(&audited, "sillok audit")?;
        Ok(String::from_utf8_lossy(&audited.stdout).into_owned())
    }

    pub(super) fn client_count(&self) -> usize {
        self.clients.len()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some((end, _keeper)) = &self.keeper {
            end.store(true, Ordering::SeqCst);
        }
    }
}

/// Builds the program beside this one.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", "sillok", "--manifest-path"])
        .arg(sillok_load::machine::root().join("Cargo.toml"))
        .status()
        .context("start cargo")?;
    if !built.success() {
        bail!("cargo could not build the service: {built}");
    }
    Ok(target().join("release/sillok"))
}

fn launch(program: &Path, data: &Path, complaints: &Path, listen: &str) -> Result<Process> {
    let file = OpenOptions::new().create(true).append(true).open(complaints);
    let file: File = file.with_context(|| format!("open {}", complaints.display()))?;
    let path = data.display().to_string();
    let mut command = command(program, &["serve", "--data", &path, "--listen", listen]);
    command.stderr(file);
    Process::start(command, "listening on", START_PATIENCE)
        .with_context(|| format!("start the service: {}", fs::read_to_string(complaints).unwrap_or_default()))
}

/// The program with no settings but ours.
fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    for (name, _value) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SILLOK_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(program: &Path, arguments: &[&str]) -> Result<Output> {
    let run = command(program, arguments).output();
    run.with_context(|| format!("start {} {}", program.display(), arguments.join(" ")))
}

fn expect(output: &Output, name: &str) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    bail!("{name} ended with {}: {} {}", output.status, text(&output.stdout), text(&output.stderr))
}

fn ask_for_tokens(clients: &[Client], address: SocketAddr) -> Result<Requests> {
    let tokens = clients.iter().map(|client| client.token(address)).collect::<Result<Vec<_>>>()?;
    Ok(Requests::new(address, &tokens))
}

/// Asks for new tokens long before the old ones end; while the service is down, again until it is up.
fn keep_tokens(
    clients: &Arc<Vec<Client>>,
    address: SocketAddr,
    current: &Current,
) -> Result<(Arc<AtomicBool>, JoinHandle<()>)> {
    let end = Arc::new(AtomicBool::new(false));
    let (clients, current, ended) = (Arc::clone(clients), Arc::clone(current), Arc::clone(&end));
    let keeper = thread::Builder::new().name("tokens".into()).spawn(move || {
        let mut asked = Instant::now();
        while !ended.load(Ordering::SeqCst) {
            thread::sleep(KEEPER_PAUSE);
            if asked.elapsed() < TOKEN_RENEWAL {
                continue;
            }
            if let Ok(requests) = ask_for_tokens(&clients, address) {
                *current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(requests);
                asked = Instant::now();
            }
        }
    })?;
    Ok((end, keeper))
}

/// A handful of clinics' systems and apps; each has a share of what the service takes at once.
const CLIENTS: usize = 4;

/// Tokens are good for 600 s.
const TOKEN_RENEWAL: Duration = Duration::from_secs(240);

const KEEPER_PAUSE: Duration = Duration::from_millis(100);

/// A start after a kill reads what the register and the log hold.
const START_PATIENCE: Duration = Duration::from_secs(120);

const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// How much of standard error is shown.
const SHOWN_LINES: usize = 20;
