//! The same, with the real program: it finishes what was begun, starts, answers as before, and finds its files well.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use sillok_log::audit::LogKind;

use super::client::{Client, TOKEN};
use super::judge::{hold, promised};
use super::promise::{Credential, Promise};
use super::recording::{ISSUER, Log, Recording};

/// Judges what is below `root`. A register alone has no program.
pub(super) fn judge(
    sillok: &Path,
    recording: &Recording,
    promises: &[(usize, Promise)],
    root: &Path,
) -> Result<()> {
    let Some(log) = &recording.log else { return Ok(()) };
    let key = log.signer()?.verifier();
    let promised = promised(promises, &key)?;
    let data = root.join("data");
    let data = data.to_str().context("a path in UTF-8")?;
    if !promised.begun {
        finish_init(sillok, log, data)?;
    }
    let command = if recording.master.is_some() { "serve" } else { "registry" };
    let mut server = Server::start(sillok, command, data)?;
    let client = Client::new();
    for credential in promised.credentials.iter().step_by(EVERY) {
        client.issue(&server.url, &credential.key)?;
    }
    let again: Vec<(usize, Promise)> = super::promise::again(client.told())?;
    for (_at, promise) in &again {
        let Promise::Credential(Credential { key, credential, receipt, .. }) = promise else { continue };
        let before = promised.credentials.iter().find(|before| before.key == *key).context("a credential")?;
        let same = before.credential == *credential && before.receipt == *receipt;
        ensure!(same, "{key:?} is answered with other bytes");
    }
    if recording.master.is_some() {
        client.issue(&server.url, "somebody after the loss")?;
    }
    server.stop();
    // What is committed and not public yet is published by the next start.
    Server::start(sillok, command, data).context("start again")?.stop();
    if promised.begun {
        hold(&format!("{data}/public"), log, &key, &promised).context("after the program")?;
    }
    run(sillok, &["fsck", "--data", data])
}

fn finish_init(sillok: &Path, log: &Log, data: &str) -> Result<()> {
    let mut arguments = vec!["init", "--data", data, "--origin", &log.origin];
    match log.kind {
        LogKind::Raw => arguments.push("--raw"),
        LogKind::Typed => arguments.extend(["--public-url", ISSUER]),
    }
    run(sillok, &arguments).context("finish what init had begun")
}

fn run(sillok: &Path, arguments: &[&str]) -> Result<()> {
    let output =
        Command::new(sillok).args(arguments).stdin(Stdio::null()).output().context("start sillok")?;
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    ensure!(output.status.success(), "{arguments:?} ended with {}: {told:?}", output.status);
    Ok(())
}

/// A running program. It is killed when dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(sillok: &Path, command: &str, data: &str) -> Result<Self> {
        let mut process = Command::new(sillok)
            .args([command, "--data", data, "--listen", "127.0.0.1:0"])
            .env("SILLOK_DEMO_TOKEN", TOKEN)
            .env("SILLOK_LIST_SLOTS", "131072")
            .env("SILLOK_LOG_LEVEL", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start sillok")?;
        let mut line = String::new();
        let output = process.stdout.take().context("standard output is a pipe")?;
        BufReader::new(output).read_line(&mut line)?;
        let mut server = Self { process, url: String::new() };
        match line.find("http://") {
            Some(at) => server.url = line.get(at..).unwrap_or_default().trim_end().to_owned(),
            None => {
                let mut said = String::new();
                let errors = server.process.stderr.take().context("standard error is a pipe")?;
                std::io::Read::read_to_string(&mut BufReader::new(errors), &mut said)?;
                anyhow::bail!("{command} does not start: {said}");
            }
        }
        Ok(server)
    }

    fn stop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Of the credentials, so many are asked for again.
const EVERY: usize = 5;
