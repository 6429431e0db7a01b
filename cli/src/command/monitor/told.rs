//! Which findings were told already, in a file of lines: found, and, for what may pass, cleared.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sillok_client::monitored::{Event, Line, Observed};
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
        let mut file = opened(&lines)?.map(BufReader::new);
        let (mut line, mut ended) = (Vec::new(), true);
        while let Some(file) = &mut file {
            line.clear();
            let read = file.read_until(b'\n', &mut line).map_err(|error| could_not_read(&lines, &error))?;
            if read == 0 {
                break;
            }
            ended = line.ends_with(b"\n");
            // A last line that a crash cut off is told again.
            let Some(Line { event, time: _, code, at, detail }) = Line::parse(&line) else { continue };
            match event {
                Event::Found => standing.insert((code, at, detail)),
                Event::Cleared => standing.remove(&(code, at, detail)),
            };
        }
        if !ended {
            // What comes next would be lost with it.
            append(&lines, "\n")?;
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
            self.append(Event::Cleared, &finding, now)?;
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
            self.append(Event::Found, &key(row), now)?;
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
        let seen = read(&self.observed)?.and_then(|text| Observed::parse(&text));
        if let Some(seen) = seen.filter(|seen| seen.is_of(checkpoint)) {
            return Ok(seen.since);
        }
        let text = Observed { size: checkpoint.size.0, root: checkpoint.root, since: now }.encode()?;
        let new = self.observed.with_extension("new");
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &self.observed))
            .map_err(|error| anyhow::anyhow!("could not write {}: {error}", self.observed.display()))?;
        Ok(now)
    }

    fn append(
        &self,
        event: Event,
        (code, at, detail): &(String, Option<u64>, String),
        now: UnixSeconds,
    ) -> anyhow::Result<()> {
        let (code, detail) = (code.clone(), detail.clone());
        let line = Line { event, time: now.0, code, at: *at, detail }.encode()?;
        append(&self.lines, &format!("{line}\n"))
    }
}

fn append(path: &Path, text: &str) -> anyhow::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_data()
        })
        .map_err(|error| anyhow::anyhow!("could not write {}: {error}", path.display()))
}

fn opened(path: &Path) -> anyhow::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(could_not_read(path, &error)),
    }
}

fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(file) = opened(path)? else { return Ok(None) };
    let mut text = Vec::new();
    // What is longer is not what was written, and is written anew.
    file.take(MAX_OBSERVED_BYTES).read_to_end(&mut text).map_err(|error| could_not_read(path, &error))?;
    Ok(Some(text))
}

fn could_not_read(path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow::anyhow!("could not read {}: {error}", path.display())
}

/// Findings about a moment: they pass, and come again as new ones.
const MAY_PASS: [&str; 2] = ["checkpoint.quorum", "checkpoint.stale"];

/// Findings that are told; an audit keeps as many, and lists and checkpoint have some more.
const MAX_STANDING: usize = 10_000;

/// Three short members.
const MAX_OBSERVED_BYTES: u64 = 1_024;
