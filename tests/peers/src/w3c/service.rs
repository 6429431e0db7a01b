//! A `sillok serve` with an open type, as an operator would set it up.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sillok_load::process::Process;

/// It is stopped when this is dropped.
pub(crate) struct Service(Process);

impl Service {
    pub(crate) fn start(program: &Path, proofs: &Path, scratch: &Path) -> Result<Self> {
        let data = scratch.join("data");
        let types = scratch.join("types");
        fs::create_dir_all(&types)?;
        fs::write(types.join("document.json"), OPEN_TYPE)?;
        let sillok = |verb: &str| {
            let mut command = Command::new(program);
            command.arg(verb).arg("--data").arg(&data).stdin(Stdio::null());
            command
                .env("SILLOK_ORIGIN", "log.example/w3c")
                .env("SILLOK_PUBLIC_URL", ISSUER)
                .env("SILLOK_LISTEN", "127.0.0.1:0")
                .env("SILLOK_TYPES_FOLDER", &types)
                .env("SILLOK_DEMO_TOKEN", TOKEN)
                .env("SILLOK_LIST_SLOTS", "131072")
                .env("SILLOK_LOG_LEVEL", "warn")
                .env("SILLOK_FOREIGN_PROOF_VERIFIER", proofs);
            command
        };
        let made = sillok("init").output().context("start sillok init")?;
        ensure!(made.status.success(), "sillok init failed: {}", String::from_utf8_lossy(&made.stderr));
        let process = Process::start(sillok("serve"), "http://", PATIENCE)?;
        Ok(Self(process))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        self.0.address(0).with_context(|| format!("no address in {:?}", self.0.line()))
    }

    pub(crate) fn stop(self) -> Result<()> {
        let status = self.0.stop(PATIENCE)?;
        ensure!(status.success(), "sillok serve ended with {status}");
        Ok(())
    }
}

/// What it issues as.
pub(crate) const ISSUER: &str = "https://issuer.example";

/// The suite sends one header with every request.
pub(crate) const TOKEN: &str = "a-token-for-the-suite-of-the-w3c";

/// The name of the type below.
pub(crate) const TYPE: &str = "document";

/// Whom everything is about.
pub(crate) const SUBJECT: &str = "subject of the suite";

/// Takes any document of VC 2.0 (specs/vcalm.md).
const OPEN_TYPE: &str = r#"{
  "name": "document",
  "type": "AnyDocument",
  "display": { "en": { "name": "Any document", "description": "Whatever the data model allows" } },
  "validity_days": 365,
  "context": {},
  "open": true,
  "key_from_request": true,
  "schema": { "$schema": "https://json-schema.org/draft/2020-12/schema" }
}
"#;

/// How long it may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
