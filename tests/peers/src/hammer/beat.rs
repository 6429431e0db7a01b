//! Tessera's hammer: it writes as fast as it is answered, and this looks at the log meanwhile.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sillok_load::connection::Connection;
use sillok_load::process::{Process, Usage};
use sillok_load::watch::{Sighting, Watch};

use super::server::Running;

/// How the hammer is run.
pub(super) struct Hammer {
    pub(super) program: PathBuf,
    pub(super) duration: Duration,
    pub(super) writers: usize,
    pub(super) bytes: usize,
}

/// What one run of it did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    /// Entries a second that became public, from the first checkpoint that had any to the last.
    pub(super) per_second: f64,
    pub(super) entries: u64,
    pub(super) usage: Usage,
}

impl Beat {
    pub(super) fn per_cpu_second(&self) -> f64 {
        self.entries as f64 / self.usage.cpu().as_secs_f64().max(0.01)
    }
}

impl Hammer {
    fn flags(&self) -> Vec<String> {
        let Self { duration, writers, bytes, .. } = self;
        vec![
            "--max_read_ops=0".into(),
            "--num_readers_random=0".into(),
            "--num_readers_full=0".into(),
            format!("--num_writers={writers}"),
            format!("--max_write_ops={MAX_WRITE_OPS}"),
            format!("--leaf_min_size={bytes}"),
            "--dup_chance=0".into(),
            "--show_ui=false".into(),
            format!("--max_runtime={}s", duration.as_secs_f64()),
        ]
    }

    /// Its flags, the same for every server.
    pub(super) fn shown(&self) -> String {
        self.flags().join(" ")
    }

    /// Lets it write to `add_url` and read from a log. It tells of errors on standard error only, and ends with 1 when
    /// its time is over.
    fn run(&self, log: &Running, add_url: &str, folder: &Path) -> Result<()> {
        let complaints = folder.join("hammer.stderr");
        let file = File::create(&complaints).with_context(|| format!("create {}", complaints.display()))?;
        let mut command = Command::new(&self.program);
        command.args(self.flags()).arg(format!("--log_public_key={}", log.key));
        command.arg(format!("--log_url=http://{}/", log.public)).arg(format!("--write_log_url={add_url}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let status = command.status().with_context(|| format!("start {}", self.program.display()))?;
        let told = std::fs::read_to_string(&complaints).context("read what the hammer told")?;
        let over = told.contains("Max runtime reached");
        ensure!(over, "the hammer ended with {status}: {}", told.lines().last().unwrap_or_default());
        if let Some(warning) = told.lines().find(|line| line.starts_with('W')) {
            println!("hammer: {warning}");
        }
        Ok(())
    }

    /// Runs it on a log, and looks at how that grows.
    pub(super) fn beat(&self, log: &Running, add_url: String, folder: &Path) -> Result<Beat> {
        let (id, watch) = (log.process.id(), Watch::start(log.public, &log.key, LOOK));
        let before = Usage::of(id)?;
        self.run(log, &add_url, folder)?;
        // What was acknowledged last becomes public.
        std::thread::sleep(SETTLE);
        let usage = Usage::of(id)?.since(&before);
        let seen = watch.finish(0, SETTLE)?;
        let entries = seen.last().map_or(0, |last| last.size);
        Ok(Beat { per_second: rate(&seen), entries, usage })
    }

    /// Runs it on a server that only counts; `log` is one at rest, whose checkpoint it can read.
    pub(super) fn beat_null(
        &self,
        log: &Running,
        null: &Process,
        address: SocketAddr,
        folder: &Path,
    ) -> Result<Beat> {
        let before = null.usage()?;
        self.run(log, &format!("http://{address}/"), folder)?;
        let usage = null.usage()?.since(&before);
        let answer = Connection::new(address, SETTLE).send("POST", "/add", &[], b"how many?")?;
        let entries: u64 = String::from_utf8_lossy(&answer.body).parse().context("read the count")?;
        // Its writers get their first tokens after a second.
        let seconds = (self.duration.as_secs_f64() - 1.0).max(0.1);
        Ok(Beat { per_second: entries as f64 / seconds, entries, usage })
    }
}

/// Entries a second between the first checkpoint that has any and the last one.
fn rate(seen: &[Sighting]) -> f64 {
    let Some(first) = seen.iter().find(|sighting| sighting.size > 0) else { return 0.0 };
    let last = seen.last().unwrap_or(first);
    let seconds = (last.at - first.at).as_secs_f64();
    if seconds > 0.0 { (last.size - first.size) as f64 / seconds } else { 0.0 }
}

/// More than any server here takes: the hammer is to be as fast as it is answered.
const MAX_WRITE_OPS: u64 = 200_000;

/// How often the checkpoint is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Longer than any interval of a checkpoint here.
const SETTLE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_rate_is_that_between_the_first_entries_and_the_last() {
        let start = Instant::now();
        let at = |seconds, size| Sighting { size, at: start + Duration::from_secs(seconds) };
        assert_eq!(rate(&[at(0, 0), at(2, 100), at(3, 1_100), at(12, 10_100)]), 1_000.0);
        assert_eq!(rate(&[at(0, 0)]), 0.0);
        assert_eq!(rate(&[at(0, 0), at(1, 5)]), 0.0);
    }
}
