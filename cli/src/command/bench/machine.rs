//! On what was measured.

use std::fs;
use std::process::Command;

/// The machine and the program.
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) cpu: String,
    /// Of the checkout that the program was built in, `unknown` outside of one.
    pub(super) commit: String,
    pub(super) profile: &'static str,
}

impl Machine {
    pub(super) fn describe() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: cpu().unwrap_or_else(|| "unknown".into()),
            commit: commit().unwrap_or_else(|| "unknown".into()),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" },
        }
    }
}

fn cpu() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// A build stands in the folder `target` of its checkout.
fn commit() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
        let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
        Some(text.trim().to_owned())
    };
    let checkout = git(&["rev-parse", "--show-toplevel"])?;
    // Not the checkout of something else that the program was copied into.
    fs::metadata(format!("{checkout}/specs/entry.md")).ok()?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|text| !text.is_empty());
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    Some(if changed { format!("{commit}-changed") } else { commit })
}
