//! A program of Node.js that takes one JSON command a line and answers each with one line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value as Json, json};

use crate::peer;

/// Where Node.js and the modules are.
pub(super) struct Node {
    program: PathBuf,
    /// Has `node_modules`, the scripts, and what they complain of.
    folder: PathBuf,
}

/// A program that runs. It is stopped when this is dropped.
pub(super) struct Running {
    process: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
    complaints: PathBuf,
}

impl Node {
    /// Finds Node.js and writes the scripts beside the modules of `folder`.
    ///
    /// # Errors
    /// [`peer::Absent`] without Node.js, or with one that is too old; the scripts cannot be written.
    pub(super) fn new(program: PathBuf, folder: PathBuf) -> Result<Self> {
        for (name, text) in SCRIPTS {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(Self { program, folder })
    }

    /// The program, or why it is absent.
    ///
    /// # Errors
    /// [`peer::Absent`].
    pub(super) fn find() -> Result<PathBuf> {
        let program = peer::find("node").ok_or_else(|| peer::absent("node", "not on the path"))?;
        let output = Command::new(&program).arg("--version").stdin(Stdio::null()).output()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let numbers: Vec<u32> =
            version.trim_start_matches('v').split('.').filter_map(|part| part.parse().ok()).collect();
        if numbers.as_slice() < LEAST_VERSION {
            return Err(peer::absent("node", &format!("{version} is older than 20.19")));
        }
        Ok(program)
    }

    /// Starts a wallet that keeps what it has in `store`, and trusts the certificate `authority` for TLS.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn wallet(&self, store: &Path, authority: &Path) -> Result<Running> {
        let complaints = store.with_extension("log");
        let mut process = Command::new(&self.program)
            .arg(self.folder.join("wallet.mjs"))
            .arg(store)
            .env("NODE_EXTRA_CA_CERTS", authority)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&complaints)?)
            .spawn()
            .with_context(|| format!("start {}", self.program.display()))?;
        let output = process.stdout.take().context("a wallet has no output")?;
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let input = process.stdin.take();
        Ok(Running { process, input, answers, complaints })
    }
}

impl Running {
    /// Has a command done, and gives what came of it.
    ///
    /// # Errors
    /// It failed: what it says is the error.
    pub(super) fn ask(&mut self, command: &str, options: &Json) -> Result<Json> {
        let answer = self.try_ask(command, options)?;
        if let Some(failed) = answer["failed"].as_str() {
            bail!("{command}: {failed}\nwhat it heard: {}", heard(&answer));
        }
        Ok(answer)
    }

    /// The same for what ought to fail: why it did.
    ///
    /// # Errors
    /// It did not.
    pub(super) fn ask_in_vain(&mut self, command: &str, options: &Json) -> Result<Json> {
        let answer = self.try_ask(command, options)?;
        ensure!(answer["failed"].is_string(), "{command} with {options} did not fail: {answer}");
        Ok(answer)
    }

    fn try_ask(&mut self, command: &str, options: &Json) -> Result<Json> {
        let mut line = options.clone();
        line["do"] = json!(command);
        let input = self.input.as_mut().context("a wallet was stopped")?;
        writeln!(input, "{line}").and_then(|()| input.flush()).context("tell a wallet")?;
        let Ok(answer) = self.answers.recv_timeout(PATIENCE) else {
            let said = std::fs::read_to_string(&self.complaints).unwrap_or_default();
            bail!("{command} is not answered; the wallet said: {said}")
        };
        serde_json::from_str(&answer).with_context(|| format!("{command} is answered with no JSON: {answer}"))
    }

    /// Lets it end by itself.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn stop(mut self) -> Result<()> {
        drop(self.input.take());
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.process.try_wait()? {
                ensure!(status.success(), "a wallet ended with {status}");
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("a wallet does not end")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; both are tried so that none is left behind.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What came over the wire, a line each.
fn heard(answer: &Json) -> String {
    let lines = answer["heard"].as_array().into_iter().flatten();
    lines.map(|each| format!("\n  {} {} {}", each["status"], each["url"], each["body"])).collect()
}

const SCRIPTS: [(&str, &str); 3] = [
    ("opinion.mjs", include_str!("opinion.mjs")),
    ("store.mjs", include_str!("store.mjs")),
    ("wallet.mjs", include_str!("wallet.mjs")),
];

/// credo-ts asks for it (`engines`).
const LEAST_VERSION: &[u32] = &[20, 19];

/// How long anything of a wallet may take.
const PATIENCE: Duration = Duration::from_secs(60);
