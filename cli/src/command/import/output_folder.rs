//! Where credentials go, and how far an import is.
//!
//! A batch is appended to `credentials.ndjson` and synchronised, then a line of `import-state` says so: the length of
//! the first file, and the digests of what was asked for. Whatever a crash leaves behind the last such line was not
//! counted, is cut off, and is asked for again.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sillok_verifier::encoding::{decode_base64url_exact, encode_base64url};

use super::send::Outcome;

/// A folder that gets credentials.
pub(super) struct OutputFolder {
    path: PathBuf,
    credentials: File,
    /// Locked: one import writes.
    state: File,
    done: HashSet<[u8; 32]>,
    /// Bytes and lines of `credentials`.
    bytes: u64,
    lines: u64,
    split: bool,
}

/// One batch that was written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Length of the file of credentials after it.
    bytes: u64,
    /// Its lines.
    lines: u64,
    digests: Vec<String>,
}

impl OutputFolder {
    /// Opens a folder, makes it if it is not there, and cuts off what was not counted.
    pub(super) fn open(path: &Path, split: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(path).map_err(|error| anyhow!("could not make {}: {error}", path.display()))?;
        let (credentials, state) = (open(&path.join(CREDENTIALS))?, open(&path.join(STATE))?);
        match state.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another import is writing to {}", path.display()),
            Err(TryLockError::Error(error)) => bail!("could not lock {}: {error}", path.display()),
        }
        let mut folder =
            Self { path: path.into(), credentials, state, done: HashSet::new(), bytes: 0, lines: 0, split };
        folder
            .recover()
            .map_err(|error| anyhow!("could not read {}: {error}", folder.path.join(STATE).display()))?;
        Ok(folder)
    }

    fn recover(&mut self) -> std::io::Result<()> {
        let length = self.credentials.metadata()?.len();
        let (mut reader, mut line) = (BufReader::new(&self.state), String::new());
        let mut good = 0;
        // Up to the first step that was torn, or that speaks of more credentials than there are.
        while reader.read_line(&mut line).unwrap_or(0) > 0 {
            let step = line.strip_suffix('\n').and_then(|line| serde_json::from_str::<Step>(line).ok());
            let Some(step) = step.filter(|step| step.bytes <= length && step.bytes >= self.bytes) else {
                break;
            };
            let digests: Option<Vec<[u8; 32]>> =
                step.digests.iter().map(|digest| decode_base64url_exact(digest.as_bytes())).collect();
            let Some(digests) = digests else { break };
            self.done.extend(digests);
            (self.bytes, self.lines) = (step.bytes, step.lines);
            good += line.len() as u64;
            line.clear();
        }
        self.state.set_len(good)?;
        self.state.seek(SeekFrom::End(0))?;
        self.credentials.set_len(self.bytes)?;
        self.credentials.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// Whether this was issued by an earlier run.
    pub(super) fn has(&self, digest: &[u8; 32]) -> bool {
        self.done.contains(digest)
    }

    /// Writes what was issued of a batch, durably.
    pub(super) fn append(&mut self, outcomes: &[Outcome]) -> anyhow::Result<()> {
        let mut text = String::new();
        let mut digests = Vec::new();
        for outcome in outcomes {
            let Outcome::Issued { item, id, credential, receipt } = outcome else { continue };
            self.lines += 1;
            let row = json!({
                "subject": item.subject,
                "credentialId": id,
                "credential": credential,
                "receipt": receipt,
            });
            text.push_str(&row.to_string());
            text.push('\n');
            digests.push(encode_base64url(&item.digest));
            if self.split {
                self.write_file(&format!("{}.jwt", self.lines), credential)?;
                self.write_file(&format!("{}.tlog-proof", self.lines), receipt)?;
            }
        }
        if digests.is_empty() {
            return Ok(());
        }
        self.bytes += text.len() as u64;
        let step = Step { bytes: self.bytes, lines: self.lines, digests };
        let step = format!("{}\n", serde_json::to_string(&step)?);
        // If we crash here: the lines are cut off by the next run, which asks for them again.
        let written = self.credentials.write_all(text.as_bytes()).and_then(|()| self.credentials.sync_data());
        written
            .map_err(|error| anyhow!("could not write {}: {error}", self.path.join(CREDENTIALS).display()))?;
        let written = self.state.write_all(step.as_bytes()).and_then(|()| self.state.sync_data());
        written.map_err(|error| anyhow!("could not write {}: {error}", self.path.join(STATE).display()))
    }

    fn write_file(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let written =
            options().truncate(true).open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| anyhow!("could not write {}: {error}", path.display()))
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    options().read(true).open(path).map_err(|error| anyhow!("could not open {}: {error}", path.display()))
}

/// Only the owner reads: it is about people.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// What was issued.
pub(super) const CREDENTIALS: &str = "credentials.ndjson";

/// How far it is.
const STATE: &str = "import-state";

#[cfg(test)]
mod tests {
    use super::super::input::Item;
    use super::*;

    fn issued(number: u8) -> Outcome {
        let item = Item {
            digest: [number; 32],
            subject: format!("s{number}"),
            request: String::new(),
            places: vec![],
        };
        let text = |name| format!("{name}-{number}");
        Outcome::Issued { item, id: text("id"), credential: text("jwt"), receipt: text("proof") }
    }

    #[test]
    fn what_a_crash_leaves_is_cut_off_and_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut output = OutputFolder::open(path, true).unwrap();
        assert!(OutputFolder::open(path, true).err().unwrap().to_string().contains("another import"));
        output.append(&[issued(1), issued(2)]).unwrap();
        output.append(&[issued(3)]).unwrap();
        drop(output);
        let whole = fs::read(path.join(CREDENTIALS)).unwrap();
        let state = fs::read(path.join(STATE)).unwrap();
        let first_step = state.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        // Torn in the second step, or a torn third batch: the counted ones stay.
        for (kept_credentials, kept_state, lines) in [
            (whole.len(), state.len(), 3),
            (whole.len(), state.len() - 1, 2),
            (whole.len(), first_step, 2),
            (whole.len() - 1, state.len(), 2),
            (whole.len(), 0, 0),
            (0, state.len(), 0),
        ] {
            fs::write(path.join(CREDENTIALS), &whole[..kept_credentials]).unwrap();
            fs::write(path.join(STATE), &state[..kept_state]).unwrap();
            let output = OutputFolder::open(path, false).unwrap();
            assert_eq!(output.lines, lines);
            assert_eq!(output.has(&[3; 32]), lines == 3);
            assert_eq!(output.has(&[1; 32]), lines >= 2);
            assert_eq!(fs::metadata(path.join(CREDENTIALS)).unwrap().len(), output.bytes);
        }
        assert_eq!(fs::read_to_string(path.join("3.jwt")).unwrap(), "jwt-3");
        assert_eq!(fs::read_to_string(path.join("3.tlog-proof")).unwrap(), "proof-3");
    }
}
