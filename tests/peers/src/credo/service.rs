//! What wallets meet: `sillok serve` behind nginx that does TLS, and the operator who makes offers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value as Json, json};
use sillok_load::process::Process;

use crate::machine::Machine;
use crate::nginx::{Nginx, free_port};
use crate::peer;

/// One issuer with its log, and TLS before it.
pub(super) struct Service {
    program: PathBuf,
    data: PathBuf,
    /// Root of the issuer as the world reaches it, which is its id too.
    url: String,
    /// Root of the issuer on this machine.
    inside: String,
    process: Process,
    _front: Nginx,
    witness: Process,
}

/// What is offered, and to whom.
pub(super) struct Wanted<'a> {
    pub(super) format: &'a str,
    pub(super) subject: &'a str,
    pub(super) tx_code: bool,
}

/// An offer, in both forms.
pub(super) struct Offer {
    pub(super) by_value: String,
    pub(super) by_reference: String,
    /// What its holder is told on another way.
    pub(super) tx_code: Option<String>,
}

impl Service {
    /// Starts all of it below `folder`.
    ///
    /// # Errors
    /// [`peer::Absent`]; something does not start.
    pub(super) fn start(machine: &Machine, folder: &Path) -> Result<Self> {
        certificate(folder)?;
        let program = machine.sillok_checked()?;
        let data = folder.join("data");
        let address = free_port()?;
        let url = format!("https://{address}");
        let mut init = Command::new(&program);
        let said = said(init.args(["init", "--public-url", &url, "--data"]).arg(&data))?;
        let key = said.lines().find_map(|line| line.strip_prefix("log key: "));
        let witness = witness(&program, folder, key.context("`sillok init` told no key of its log")?)?;
        let mut serve = Command::new(&program);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        serve.env("SILLOK_POLICY", folder.join("policy")).env("SILLOK_COSIGN_WAIT_SECONDS", "2");
        serve.env("SILLOK_LOG_LEVEL", "warn").stderr(fs::File::create(folder.join("serve.log"))?);
        let process = Process::start(serve, "listening on", PATIENCE)?;
        let upstream = process.address(0).context("`sillok serve` told no address")?;
        let front = Nginx::start_tls(machine, folder, &data.join("public"), upstream, address)?;
        let inside = format!("http://{upstream}");
        Ok(Self { program, data, url, inside, process, _front: front, witness })
    }

    /// Root of the issuer as the world reaches it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Makes an offer, as the clerk at a counter does.
    ///
    /// # Errors
    /// It is refused.
    pub(super) fn offer(&self, wanted: &Wanted<'_>) -> Result<Offer> {
        let body = json!({
            "credential": {
                "type": ["VerifiableCredential", TYPE],
                "credentialSubject": {
                    "familyName": "김", "givenName": "민준", "birthDate": BIRTH_DATE,
                    "doses": [{ "number": 1, "date": "2021-06-01", "vaccine": "BNT162b2" }],
                },
            },
            "options": { "subject": wanted.subject },
        });
        let file = self.data.with_extension("offer");
        fs::write(&file, body.to_string())?;
        let mut offer = Command::new(&self.program);
        offer.args(["offer", "--json", "--issuer", &self.inside, "--format", wanted.format, "--data"]);
        offer.arg(&self.data);
        if wanted.tx_code {
            offer.args(["--tx-code", "6", "--tx-code-description", "On your paper"]);
        }
        let said = said(offer.arg(&file))?;
        let answer: Json =
            serde_json::from_str(&said).with_context(|| format!("`sillok offer` says no JSON: {said}"))?;
        let text = |name: &str| answer[name].as_str().map(String::from);
        let needed = |name: &str| text(name).with_context(|| format!("an offer has no {name}: {answer}"));
        Ok(Offer {
            by_value: needed("by_value")?,
            by_reference: needed("by_reference")?,
            tx_code: text("tx_code"),
        })
    }

    /// Revokes the credential in a file, and has its list published before this returns.
    ///
    /// # Errors
    /// It is refused.
    pub(super) fn revoke(&self, credential: &Path) -> Result<()> {
        let mut revoke = Command::new(&self.program);
        revoke.args(["revoke", "--issuer", &self.inside, "--publish", "--data"]).arg(&self.data);
        said(revoke.arg(credential))?;
        Ok(())
    }

    /// The trust bundle of now.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn trust_bundle(&self) -> Result<String> {
        said(Command::new(&self.program).args(["trust-bundle", "--data"]).arg(&self.data))
    }

    /// Our own program.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Lets the witness, without which no receipt is given, answer nobody, or go on.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn halt_witness(&self, halt: bool) -> Result<()> {
        let signal = if halt { "STOP" } else { "CONT" };
        said(Command::new("kill").args(["-s", signal, &self.witness.id().to_string()]))?;
        Ok(())
    }

    /// Ends `sillok serve` as its supervisor would.
    ///
    /// # Errors
    /// It does not end.
    pub(super) fn stop(self) -> Result<()> {
        let status = self.process.stop(PATIENCE)?;
        ensure!(status.success(), "`sillok serve` ended with {status}");
        Ok(())
    }
}

/// A witness that follows the log, and the log's policy that asks for it.
fn witness(program: &Path, folder: &Path, log: &str) -> Result<Process> {
    let data = folder.join("witness");
    let witness = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.arg("witness").args(arguments).arg("--data").arg(&data);
        command
    };
    let key = said(&mut witness(&["init", "--name", "witness.example"]))?;
    said(&mut witness(&["add-log", log]))?;
    let mut serve = witness(&["--listen", "127.0.0.1:0"]);
    serve.stderr(Stdio::null());
    let process = Process::start(serve, "listening on", PATIENCE)?;
    let address = process.address(0).context("a witness told no address")?;
    fs::write(folder.join("policy"), format!("witness w {} http://{address}\nquorum w\n", key.trim()))?;
    Ok(process)
}

/// What a command says that must succeed.
fn said(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("run {command:?}"))?;
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {complained}", output.status);
    String::from_utf8(output.stdout).context("what it says is no text")
}

/// A certificate of 127.0.0.1 for this run alone: `tls.pem`, its key `tls.key`.
fn certificate(folder: &Path) -> Result<()> {
    let openssl = peer::debian("openssl", "openssl")?;
    let mut make = Command::new(openssl);
    make.args(CERTIFICATE.split_whitespace()).current_dir(folder);
    said(&mut make)?;
    Ok(())
}

/// Arguments of openssl: a P-256 key and a certificate of it for a day.
const CERTIFICATE: &str = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=127.0.0.1 \
                           -addext subjectAltName=IP:127.0.0.1 -keyout tls.key -out tls.pem";

/// What everybody here gets.
pub(super) const TYPE: &str = "VaccinationCredential";

/// Of everybody here.
pub(super) const BIRTH_DATE: &str = "1990-01-02";

/// How long anything may take to start, to answer or to end.
const PATIENCE: Duration = Duration::from_secs(30);
