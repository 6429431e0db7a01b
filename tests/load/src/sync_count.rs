//! How many synchronisations an entry costs: counted by strace, in a run of its own, because that slows the server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::generator::Outcome;
use crate::process::Process;

/// strace, and where it writes what it counted.
#[derive(Debug)]
pub struct SyncCounter {
    table: PathBuf,
    under: Vec<String>,
}

impl SyncCounter {
    /// A counter that writes into `folder`; nothing where strace is absent.
    #[must_use]
    pub fn find(folder: &Path) -> Option<Self> {
        let program = Path::new("/usr/bin/strace");
        let table = folder.join("strace");
        let words = ["-f", "-c", "--seccomp-bpf"].map(String::from).into_iter();
        let words =
            words.chain([format!("--trace={}", CALLS.join(",")), format!("--output={}", table.display())]);
        let under = std::iter::once(program.display().to_string()).chain(words).collect();
        program.exists().then_some(Self { table, under })
    }

    /// What to write before the command of a server so that it runs under strace.
    #[must_use]
    pub fn under(&self) -> Vec<&str> {
        self.under.iter().map(String::as_str).collect()
    }

    /// Ends the server under strace and reads what was counted while `outcome` came about.
    ///
    /// # Errors
    /// It does not end, or strace wrote nothing.
    pub fn finish(&self, strace: Process, outcome: &Outcome) -> Result<SyncCount> {
        // strace writes its table when the server, its child, has ended.
        let id = strace.id();
        let children =
            std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).context("find the server")?;
        let child = children.split_whitespace().next().context("strace has no child")?;
        let asked = Command::new("kill").args(["-s", "TERM", child]).status().context("start kill")?;
        ensure!(asked.success(), "process {child} could not be asked to end");
        strace.wait(PATIENCE)?;
        let text = std::fs::read_to_string(&self.table).context("read what strace counted")?;
        let (entries, per_second) = (outcome.acknowledged.len() as u64, outcome.goodput());
        Ok(SyncCount { calls: parse(&text), entries, per_second })
    }
}

/// What strace counted.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncCount {
    calls: Vec<(String, u64)>,
    entries: u64,
    per_second: f64,
}

impl SyncCount {
    /// Synchronisations for each entry.
    #[must_use]
    pub fn per_entry(&self) -> f64 {
        let total: u64 = self.calls.iter().map(|(_call, count)| count).sum();
        total as f64 / self.entries.max(1) as f64
    }
}

/// Calls and how often, out of strace's summary.
fn parse(table: &str) -> Vec<(String, u64)> {
    let mut calls = Vec::new();
    for line in table.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(call), Some(count)) = (words.last(), words.get(3)) else { continue };
        if CALLS.contains(call)
            && let Ok(count) = count.parse()
        {
            calls.push(((*call).to_owned(), count));
        }
    }
    calls
}

impl fmt::Display for SyncCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, entries, per_second } = self;
        let shown: Vec<String> = calls.iter().map(|(call, count)| format!("{count} {call}")).collect();
        let each = self.per_entry();
        write!(
            f,
            "{each:.4} synchronisations per entry, one for {:.0} entries ({} in {entries} entries at {per_second:.0}/s \
             under strace)",
            1.0 / each.max(1e-9),
            shown.join(", ")
        )
    }
}

/// Whatever makes data durable.
const CALLS: [&str; 5] = ["fsync", "fdatasync", "sync_file_range", "msync", "syncfs"];

/// How long a server may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_out_of_the_summary() {
        let table = "% time     seconds  usecs/call     calls    errors syscall\n\
                     ------ ----------- ----------- --------- --------- ----------------\n \
                     80.00    0.010000          10      1000           fdatasync\n \
                     20.00    0.002500          25       100         1 fsync\n\
                     ------ ----------- ----------- --------- --------- ----------------\n\
                     100.00    0.012500          11      1100         1 total\n";
        assert_eq!(parse(table), [("fdatasync".to_owned(), 1_000), ("fsync".to_owned(), 100)]);
    }
}
