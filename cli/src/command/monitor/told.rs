//! Which findings were told already, in a file of lines: found, and, for what may pass, cleared.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sillok_log::UnixSeconds;
use sillok_log::checkpoint::Checkpoint;

use super::super::audit::Row;

pub(super) struct ToldBefore {
    lines: PathBuf,
    standing: BTreeSet<(String, Option<u64>, String)>,
    observed: PathBuf,
}

impl ToldBefore {
    /// What the folder remembers.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let (lines, observed) = (folder.join("findings.jsonl"), folder.join("observed.json"));
        let mut standing = BTreeSet::new();
        // A last line that a crash cut off is told again.
        for line in read(&lines)?.unwrap_or_default().lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            let text = |member: &str| line[member].as_str().unwrap_or_default().to_owned();
            let finding = (text("code"), line["at"].as_u64(), text("detail"));
            match line["event"].as_str() {
                Some("found") => standing.insert(finding),
                _cleared => standing.remove(&finding),
            };
        }
        Ok(Self { lines, standing, observed })
    }

    /// Those that were not told before. What may pass and has passed is forgotten.
    pub(super) fn new_among(&mut self, rows: &[Row], now: UnixSeconds) -> anyhow::Result<Vec<Row>> {
        let key = |row: &Row| (row.code.clone(), row.at, row.detail.clone());
        let current: BTreeSet<_> = rows.iter().map(key).collect();
        let passed: Vec<_> = self
            .standing
            .iter()
            .filter(|finding| MAY_PASS.contains(&finding.0.as_str()) && !current.contains(*finding))
            .cloned()
            .collect();
        for finding in passed {
            self.append("cleared", &finding, now)?;
            self.standing.remove(&finding);
        }
        let mut new = Vec::new();
        for row in rows {
            if self.standing.contains(&key(row)) {
                continue;
            }
            // A log with more is not read finding by finding.
            if self.standing.len() >= MAX_STANDING {
                break;
            }
            self.append("found", &key(row), now)?;
            self.standing.insert(key(row));
            new.push(row.clone());
        }
        Ok(new)
    }

    /// Since when this checkpoint has been the newest, by the own clock.
    pub(super) fn newest_since(
        &self,
        checkpoint: &Checkpoint,
        now: UnixSeconds,
    ) -> anyhow::Result<UnixSeconds> {
        let seen = read(&self.observed)?.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let root = checkpoint.root.to_base64();
        if let Some(seen) = seen.filter(|seen| seen["root"] == root && seen["size"] == checkpoint.size.0)
            && let Some(since) = seen["since"].as_u64()
        {
            return Ok(UnixSeconds(since));
        }
        let text = json!({ "size": checkpoint.size.0, "root": root, "since": now.0 }).to_string();
        let new = self.observed.with_extension("new");
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &self.observed))
            .map_err(|error| anyhow::anyhow!("could not write {}: {error}", self.observed.display()))?;
        Ok(now)
    }

    fn append(
        &self,
        event: &str,
        (code, at, detail): &(String, Option<u64>, String),
        now: UnixSeconds,
    ) -> anyhow::Result<()> {
        let line = json!({ "event": event, "time": now.0, "code": code, "at": at, "detail": detail });
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.lines)
            .and_then(|mut file| {
                file.write_all(format!("{line}\n").as_bytes())?;
                file.sync_data()
            })
            .map_err(|error| anyhow::anyhow!("could not write {}: {error}", self.lines.display()))
    }
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::anyhow!("could not read {}: {error}", path.display())),
    }
}

/// Findings about a moment: they pass, and come again as new ones.
const MAY_PASS: [&str; 2] = ["checkpoint.quorum", "checkpoint.stale"];

/// Findings that are told; an audit keeps as many, and lists and checkpoint have some more.
const MAX_STANDING: usize = 10_000;
