//! The writer: the real binary in a process of its own, and the data folder that it writes.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sillok_log::note::{SignerKey, VerifierKey};
use sillok_registry::sealed::{self, KeyKind, Passphrase, SecretKey};

/// A data folder and the keys of those who submit to its log.
pub(crate) struct Folder {
    path: String,
    keys: Arc<Keys>,
    /// How long the last start took: where in a start to kill.
    start_time: Mutex<Duration>,
    /// Holds the folder unless it was copied to another place, and what a writer complains about. Dropped last.
    temporary: tempfile::TempDir,
}

/// Opened once for all copies of a folder: unsealing is slow on purpose.
struct Keys {
    log: VerifierKey,
    administrator: SecretKey,
    submitter: SecretKey,
}

/// Which command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// The log alone.
    Registry,
    /// Log and issuer in one process.
    Serve,
}

/// How a writer is started.
pub(crate) struct Launch {
    pub(crate) service: Service,
    pub(crate) publish_interval_milliseconds: u32,
    pub(crate) segment_bytes: u32,
    /// A program that runs the writer as its own process, with its arguments; nothing for the writer itself.
    pub(crate) under: Vec<OsString>,
    /// Arguments after those that every writer gets.
    pub(crate) arguments: Vec<String>,
}

/// A running writer. It is killed when dropped.
pub(crate) struct Writer {
    process: Child,
    url: String,
}

/// A writer that ended before it answered.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) complaints: String,
}

/// The key of a log, unsealed.
pub(crate) struct LogKey {
    secret: SecretKey,
    name: String,
}

impl LogKey {
    pub(crate) fn signer(&self) -> SignerKey {
        self.secret.signer(&self.name).expect("a key that signed before")
    }
}

impl Launch {
    pub(crate) const fn new(service: Service, publish_interval_milliseconds: u32) -> Self {
        Self {
            service,
            publish_interval_milliseconds,
            segment_bytes: SEGMENT_BYTES,
            under: Vec::new(),
            arguments: Vec::new(),
        }
    }
}

impl Folder {
    /// What `sillok init` makes.
    pub(crate) fn init() -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let path = temporary.path().join("data");
        let path_text = path.to_str().expect("a temporary folder with a name in UTF-8").to_owned();
        let init = run(&["init", "--data", &path_text, "--public-url", ISSUER]);
        assert!(init.status.success(), "init: {}", told(&init));
        let passphrase = Passphrase::load(&path.join("passphrase")).expect("the passphrase that init wrote");
        let keys = path.join("keys");
        let open = |name| {
            sealed::open(&keys, name, KeyKind::Ed25519, &passphrase)
                .unwrap_or_else(|error| panic!("key {name}: {error}"))
        };
        let shown = run(&["keys", "show", "--data", &path_text, "--log-vkey"]);
        let log = VerifierKey::parse(String::from_utf8_lossy(&shown.stdout).trim_end())
            .unwrap_or_else(|error| panic!("keys show: {error}; {}", told(&shown)));
        Self {
            keys: Arc::new(Keys { log, administrator: open("administrator"), submitter: open("submitter") }),
            path: path_text,
            start_time: Mutex::new(FIRST_START),
            temporary,
        }
    }

    /// The same files, head and all, in a temporary folder of their own.
    pub(crate) fn copy(&self) -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let place = temporary.path().to_path_buf();
        self.copied(&place, temporary, &[])
    }

    /// The same files of the log, head and all, without those of an issuer: large ones.
    pub(crate) fn copy_log(&self) -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let place = temporary.path().to_path_buf();
        self.copied(&place, temporary, &["issuer"])
    }

    /// The same files, head and all, in a folder that is there already and empty.
    pub(crate) fn copy_to(&self, place: &Path) -> Self {
        self.copied(place, tempfile::tempdir().expect("a temporary folder"), &[])
    }

    fn copied(&self, place: &Path, temporary: tempfile::TempDir, without: &[&str]) -> Self {
        let path = place.join("data");
        copy_folder(Path::new(&self.path), &path, without);
        let copy = Self {
            path: path.to_str().expect("a folder with a name in UTF-8").to_owned(),
            keys: Arc::clone(&self.keys),
            start_time: Mutex::new(FIRST_START),
            temporary,
        };
        if self.has_head() {
            copy_file(&self.head(), &copy.head());
        }
        copy
    }

    /// The data folder.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn log_key(&self) -> &VerifierKey {
        &self.keys.log
    }

    /// The key that submits key entries.
    pub(crate) fn administrator(&self) -> SignerKey {
        self.signer(&self.keys.administrator, "administrator")
    }

    /// The key that submits the issuer's entries.
    pub(crate) fn submitter(&self) -> SignerKey {
        self.signer(&self.keys.submitter, "issuer")
    }

    /// The key that signs checkpoints, unsealed once more: for a log that is opened in this process.
    pub(crate) fn unseal_log_key(&self) -> LogKey {
        let path = Path::new(&self.path);
        let passphrase = Passphrase::load(&path.join("passphrase")).expect("the passphrase that init wrote");
        let secret = sealed::open(&path.join("keys"), "log", KeyKind::Ed25519, &passphrase);
        let secret = secret.unwrap_or_else(|error| panic!("key log: {error}"));
        LogKey { secret, name: self.keys.log.name().to_owned() }
    }

    /// Whether a key of a client is refused when it is opened.
    pub(crate) fn refuses_client_key(&self, name: &str) -> bool {
        let kind = match name {
            "administrator" | "submitter" => KeyKind::Ed25519,
            "operator" => KeyKind::P256,
            other => panic!("{other} is no key of a client"),
        };
        let path = Path::new(&self.path);
        let passphrase = Passphrase::load(&path.join("passphrase")).expect("the passphrase that init wrote");
        sealed::open(&path.join("keys"), name, kind, &passphrase).is_err()
    }

    fn signer(&self, secret: &SecretKey, role: &str) -> SignerKey {
        secret.signer(&format!("{}/{role}", self.keys.log.name())).expect("a key that signed before")
    }

    /// Starts the writer and returns once it answers.
    pub(crate) fn start(&self, service: Service, publish_interval_milliseconds: u32) -> Writer {
        self.try_start(&Launch::new(service, publish_interval_milliseconds))
            .unwrap_or_else(|ended| panic!("the writer does not start: {ended:?}"))
    }

    /// Starts the writer and returns once it answers, or has ended.
    pub(crate) fn try_start(&self, launch: &Launch) -> Result<Writer, Ended> {
        let begun = Instant::now();
        let mut process = self.spawn(launch);
        let mut line = String::new();
        let output = process.stdout.take().expect("standard output is a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line or the end");
        let Some(at) = line.find("http://") else {
            let status = process.wait().expect("a process that ended");
            return Err(Ended { status, complaints: self.complaints() });
        };
        *self.start_time.lock().expect("no thread panicked with it") = begun.elapsed();
        Ok(Writer { url: line[at..].trim_end().to_owned(), process })
    }

    /// Starts a writer and kills it at a random moment before, or just after, it could answer.
    pub(crate) fn kill_while_starting(&self, service: Service, random: &mut fastrand::Rng) {
        let longest = *self.start_time.lock().expect("no thread panicked with it");
        let mut process = self.spawn(&Launch::new(service, 1));
        // No outcome depends on this time: every moment is a right one to be killed at.
        std::thread::sleep(longest.mul_f64(random.f64()));
        process.kill().expect("a process of ours can be killed");
        process.wait().expect("a killed process ends");
    }

    fn spawn(&self, launch: &Launch) -> Child {
        let complaints = File::create(self.complaints_path()).expect("a file for standard error");
        let name = match launch.service {
            Service::Registry => "registry",
            Service::Serve => "serve",
        };
        command(&launch.under, &[name, "--data", &self.path, "--listen", "127.0.0.1:0"])
            .args(&launch.arguments)
            .env("SILLOK_PUBLISH_INTERVAL_MILLISECONDS", launch.publish_interval_milliseconds.to_string())
            .env("SILLOK_SEGMENT_BYTES", launch.segment_bytes.to_string())
            .env("SILLOK_DEMO_TOKEN", DEMO_TOKEN)
            .env("SILLOK_LOG_LEVEL", "warn")
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()
            .expect("the binary under test runs")
    }

    /// What the last writer wrote to standard error.
    pub(crate) fn complaints(&self) -> String {
        fs::read_to_string(self.complaints_path()).unwrap_or_else(|error| error.to_string())
    }

    fn complaints_path(&self) -> PathBuf {
        self.temporary.path().join("writer.stderr")
    }

    /// Runs a command and returns its exit code and what it says.
    pub(crate) fn told(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = run(arguments);
        let text = [output.stdout.as_slice(), &output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Runs a command that must do what it is told.
    pub(crate) fn expect_success(&self, arguments: &[&str]) {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    }

    /// Runs a command that must end without success, and returns what it says on standard error.
    pub(crate) fn expect_refusal(&self, arguments: &[&str]) -> String {
        let output = run(arguments);
        assert!(output.status.code().is_some_and(|code| code != 0), "{arguments:?}: {}", told(&output));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// The file of the head.
    pub(crate) fn head(&self) -> PathBuf {
        PathBuf::from(format!("{}.head", self.path))
    }

    pub(crate) fn has_head(&self) -> bool {
        self.head().exists()
    }

    pub(crate) fn remove_head(&self) {
        let head = self.head();
        let removed = if head.is_dir() { fs::remove_dir_all(&head) } else { fs::remove_file(&head) };
        removed.unwrap_or_else(|error| panic!("remove {}: {error}", head.display()));
    }
}

impl Writer {
    /// The root of its listener.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits a moment for the end of a process that may be ending; nothing if it lives.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + ENDING;
        loop {
            match self.process.try_wait().expect("a process of ours can be asked") {
                None if Instant::now() < deadline => std::thread::sleep(ENDING / 50),
                status => return status,
            }
        }
    }

    /// SIGKILL; returns once the process is gone.
    pub(crate) fn kill(&mut self) {
        let before = self.process.try_wait().expect("a process of ours can be asked");
        assert_eq!(before, None, "the writer ended by itself");
        self.process.kill().expect("a process of ours can be killed");
        self.process.wait().expect("a killed process ends");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended; both are tried so that none is left behind.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The binary under test, with no settings but ours.
fn command(under: &[OsString], arguments: &[&str]) -> Command {
    let program = super::super::program();
    let mut command = match under.split_first() {
        Some((runner, rest)) => {
            let mut command = Command::new(runner);
            command.args(rest).arg(program);
            command
        }
        None => Command::new(program),
    };
    for (name, _value) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SILLOK_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(&[], arguments).output().expect("the binary under test runs")
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}, says {:?} and {:?}", output.status, text(&output.stdout), text(&output.stderr))
}

fn copy_folder(from: &Path, to: &Path, without: &[&str]) {
    let broken = |error: io::Error| -> ! { panic!("copy {} to {}: {error}", from.display(), to.display()) };
    fs::create_dir(to).unwrap_or_else(|error| broken(error));
    for entry in fs::read_dir(from).unwrap_or_else(|error| broken(error)) {
        let entry = entry.unwrap_or_else(|error| broken(error));
        if without.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            copy_folder(&entry.path(), &target, without);
        } else {
            copy_file(&entry.path(), &target);
        }
    }
    let permissions = fs::metadata(from).unwrap_or_else(|error| broken(error)).permissions();
    fs::set_permissions(to, permissions).unwrap_or_else(|error| broken(error));
}

fn copy_file(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap_or_else(|error| panic!("copy {} to {}: {error}", from.display(), to.display()));
}

/// The issuer whose entries are logged.
pub(crate) const ISSUER: &str = "https://issuer.example";

/// What the issuer takes from everybody here: who may ask is tested elsewhere.
pub(crate) const DEMO_TOKEN: &str = "a token of the crash test";

/// How long a start is taken to last before one was measured.
const FIRST_START: Duration = Duration::from_secs(1);

/// Small, so that segments fill up and are retired within a round.
const SEGMENT_BYTES: u32 = 65_536;

/// How long a process that was hit may take to be gone.
const ENDING: Duration = Duration::from_millis(500);
