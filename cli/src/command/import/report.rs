//! The lines that were refused, one JSON object each.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde_json::json;

/// A report that is being written.
pub(super) struct Report {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Report {
    /// Begins a report in place of an older one: it is about this run.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path)
            .map_err(|error| anyhow!("could not make the report {}: {error}", path.display()))?;
        Ok(Self { path: path.into(), file: BufWriter::new(file) })
    }

    pub(super) fn push(&mut self, file: &str, line: u64, reason: &str) -> anyhow::Result<()> {
        let row = json!({ "file": file, "line": line, "reason": reason });
        writeln!(self.file, "{row}")
            .map_err(|error| anyhow!("could not write {}: {error}", self.path.display()))
    }

    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.file.flush().map_err(|error| anyhow!("could not write {}: {error}", self.path.display()))
    }
}
