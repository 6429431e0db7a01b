//! A door that asks: `sillok verify` with a challenge, a receipt and the trust bundle of the moment, offline.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::service::Service;

/// Where what is shown is put down.
pub(super) struct Door<'a> {
    folder: &'a Path,
    program: PathBuf,
    bundle: PathBuf,
}

/// What is asked of whoever shows something.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    Nothing,
    Answer { nonce: &'a str, audience: &'a str },
}

impl<'a> Door<'a> {
    /// A door that has the trust bundle of now.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn open(service: &Service, folder: &'a Path) -> Result<Self> {
        let bundle = folder.join("bundle");
        fs::write(&bundle, service.trust_bundle()?)?;
        Ok(Self { folder, program: service.program().into(), bundle })
    }

    /// The verdict on what is shown with a receipt (in base64): `valid`, or the word and the code of the reason.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn verdict(&self, shown: &str, receipt: &str, asked: Asked<'_>) -> Result<String> {
        let (credential, proof) = (self.folder.join("shown"), self.folder.join("receipt"));
        fs::write(&credential, shown)?;
        fs::write(&proof, STANDARD.decode(receipt).context("a receipt is not in base64")?)?;
        let mut verify = Command::new(&self.program);
        verify.args(["verify", "--json", "--trust"]).arg(&self.bundle).arg("--receipt").arg(&proof);
        if let Asked::Answer { nonce, audience } = asked {
            verify.args(["--challenge", nonce, "--audience", audience]);
        }
        let output =
            verify.arg(&credential).stdin(Stdio::null()).output().context("start `sillok verify`")?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let answer: Json = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`sillok verify` ended with {}: {said}", output.status))?;
        let verdict = answer["verdict"].as_str().unwrap_or_default();
        let code = match verdict {
            "valid" => 0,
            "not valid" => 1,
            _cannot_tell => 2,
        };
        ensure!(output.status.code() == Some(code), "it ended with {} and said {answer}", output.status);
        Ok(answer["code"].as_str().map_or_else(|| verdict.into(), |code| format!("{verdict}: {code}")))
    }
}
