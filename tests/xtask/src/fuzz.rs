//! Coverage-guided fuzzing: the targets of tests/fuzz under libFuzzer, each for a bounded time.

mod build;
mod plan;
mod report;

use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace::{Workspace, expect_none, output, say};
use plan::Plan;
use report::Report;

/// No nightly compiler is installed: the command says so instead of passing.
#[derive(Debug)]
pub(crate) struct NightlyAbsent;

impl fmt::Display for NightlyAbsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("peer absent: `rustup run nightly rustc` does not run, and libFuzzer needs it")
    }
}

impl std::error::Error for NightlyAbsent {}

/// Builds the shell and runs the targets that the arguments name, or all of them, one after another.
///
/// # Errors
/// Fails on unknown arguments, with [`NightlyAbsent`], when the build fails, and with every input that breaks a target.
pub(crate) fn run(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let plan = Plan::parse(arguments, &build::names(workspace)?)?;
    let binaries = build::build(workspace, &plan.targets)?;
    let mut findings = Vec::new();
    for name in &plan.targets {
        let target = Target::new(workspace, name, binaries.join(name));
        let report = target.run(plan.seconds)?;
        say("fuzz", format_args!("{name}: {report}"));
        findings.extend(report.findings.iter().map(|file| format!("{name}: {file}")));
    }
    expect_none("inputs that break a target", &findings)
}

/// One binary and its folders.
struct Target {
    name: String,
    binary: PathBuf,
    corpus: PathBuf,
    crashes: PathBuf,
    log: PathBuf,
}

impl Target {
    fn new(workspace: &Workspace, name: &str, binary: PathBuf) -> Self {
        let folder = |kind: &str| workspace.target.join("fuzz").join(kind);
        Self {
            name: name.into(),
            binary,
            corpus: folder("corpus").join(name),
            crashes: folder("crashes").join(name),
            log: folder("logs").join(format!("{name}.log")),
        }
    }

    /// Seeds the corpus, which keeps what earlier runs found, then runs for this time.
    fn run(&self, seconds: u32) -> Result<Report> {
        for folder in [Some(self.corpus.as_path()), Some(self.crashes.as_path()), self.log.parent()] {
            let folder = folder.context("a file of the target folder has a folder")?;
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        let seeded = output(Command::new(&self.binary).env(SEEDS, &self.corpus))?;
        let max_len = seeded.trim();
        ensure!(max_len.starts_with("max_len="), "{} wrote its seeds but said `{max_len}`", self.name);

        let shown = self.log.display();
        let log = File::create(&self.log).with_context(|| format!("create {shown}"))?;
        let mut command = Command::new(&self.binary);
        command.args([format!("-{max_len}"), format!("-max_total_time={seconds}")]).args(OPTIONS);
        // The runtime puts the file's name right behind the prefix.
        command.arg(format!("-artifact_prefix={}/", self.crashes.display())).arg(&self.corpus);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).status();
        let status = status.with_context(|| format!("start {}", self.binary.display()))?;
        let log = fs::read(&self.log).with_context(|| format!("read {shown}"))?;
        let report = Report::read(&String::from_utf8_lossy(&log));
        // A crash leaves a file; anything else that ends a run early must not look like one without findings.
        ensure!(
            status.success() || !report.findings.is_empty(),
            "{} ended with {status}, see {shown}",
            self.name
        );
        Ok(report)
    }
}

/// The variable that makes a binary write its seeds into a folder and end (tests/fuzz/shell/lib.rs).
const SEEDS: &str = "SILLOK_FUZZ_SEEDS";

/// An input that takes 10 s or 2 GiB is a finding as well: the formats have limits so that none does.
const OPTIONS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"];
