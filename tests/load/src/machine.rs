//! What every measurement prints first: where, on what and of which state of the sources it was taken.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The machine and the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Processors that this process may use.
    pub cores: usize,
    /// The model of the first of them.
    pub cpu: String,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Name and version of the kernel.
    pub kernel: String,
    /// Runnable tasks on average over the last minute, when it was asked: figures of a busy machine are lower.
    pub busy: String,
    /// The commit of the sources, with `+` if files differ from it; `unknown` without git.
    pub commit: String,
    /// `release` or `dev`.
    pub profile: &'static str,
}

impl Machine {
    /// Asks the kernel and git. What cannot be found out is `unknown` or 0.
    #[must_use]
    pub fn find() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let unknown = || "unknown".to_owned();
        let memory = value(&read("/proc/meminfo"), "MemTotal");
        let kib = memory.and_then(|text| text.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            memory_bytes: kib.saturating_mul(1_024),
            kernel: read("/proc/version").split(' ').take(3).collect::<Vec<_>>().join(" "),
            busy: read("/proc/loadavg").split(' ').next().map_or_else(unknown, String::from),
            commit: commit().unwrap_or_else(unknown),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, cpu, memory_bytes, kernel, busy, commit, profile } = self;
        let gib = *memory_bytes as f64 / f64::from(1 << 30);
        writeln!(f, "machine: {cores} cores, {cpu}, {gib:.1} GiB, {kernel}, load average {busy}")?;
        write!(f, "sources: commit {commit}, profile {profile}")
    }
}

/// The root of the checkout that this program was built from.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where everything is written.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root()).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}+") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_described_in_two_lines() {
        let machine = Machine::find();
        assert!(machine.cores > 0);
        let text = machine.to_string();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("profile "), "{text}");
    }
}
