//! Running a suite of mocha, and what came of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::Defect;

/// What came of one test.
#[derive(Clone)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) skipped: bool,
    /// Why it failed, if it did.
    error: Option<String>,
}

/// The report of mocha's reporter `json`.
#[derive(Deserialize)]
struct Report {
    tests: Vec<Test>,
    pending: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    full_title: String,
    title: String,
    err: Failure,
}

#[derive(Default, Deserialize)]
struct Failure {
    message: Option<String>,
}

/// Runs the tests in a folder of the suites.
///
/// # Errors
/// Node does not start, or leaves no report.
pub(crate) fn run(
    node: &Path,
    suites: &Path,
    folder: &str,
    environment: &[(&str, &str)],
    scratch: &Path,
) -> Result<Vec<Outcome>> {
    let place = suites.join(folder);
    let report = scratch.join(format!("{folder}.json"));
    let log = scratch.join(format!("{folder}.log"));
    let output = fs::File::create(&log)?;
    let status = Command::new(node)
        .arg(suites.join("node_modules/mocha/bin/mocha.js"))
        .args([
            "tests/",
            "--timeout",
            "60000",
            "--preserve-symlinks",
            "--reporter",
            "json",
            "--reporter-option",
        ])
        .arg(format!("output={}", report.display()))
        .current_dir(&place)
        .env("APP_ROOT_PATH", &place)
        // Iterator helpers came with Node 22, and the suites use one of them. Mocha starts a process of its own.
        .env("NODE_OPTIONS", format!("--import={}", suites.join("polyfill.mjs").display()))
        .env("NODE_TLS_REJECT_UNAUTHORIZED", "0")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()
        .with_context(|| format!("start {}", node.display()))?;
    let text = fs::read(&report).with_context(|| {
        let log = fs::read_to_string(&log).unwrap_or_default();
        format!("mocha ended with {status} and left no report; it said: {log}")
    })?;
    let report: Report = serde_json::from_slice(&text).context("read the report of mocha")?;
    let pending: BTreeSet<&str> = report.pending.iter().map(|test| test.full_title.as_str()).collect();
    let outcome = |test: &Test| Outcome {
        name: test.title.clone(),
        skipped: pending.contains(test.full_title.as_str()),
        error: test.err.message.clone(),
    };
    let outcomes: Vec<Outcome> = report.tests.iter().map(outcome).collect();
    ensure!(!outcomes.is_empty(), "mocha ran no test of {folder}");
    Ok(outcomes)
}

/// How a suite went.
pub(crate) struct Score {
    name: &'static str,
    outcomes: Vec<Outcome>,
    /// Failures that are the suite's, and why.
    explained: Vec<(String, &'static str)>,
    problems: Vec<String>,
}

impl Score {
    pub(crate) fn new(name: &'static str, outcomes: Vec<Outcome>) -> Self {
        Self { name, outcomes, explained: Vec::new(), problems: Vec::new() }
    }

    /// Shows of each defect that the tests that fail by it pass without it.
    ///
    /// # Errors
    /// The copy cannot be run.
    pub(crate) fn explain(
        &mut self,
        defects: &'static [Defect],
        mut run: impl FnMut(&'static Defect) -> Result<Vec<Outcome>>,
    ) -> Result<()> {
        for defect in defects {
            let without = run(defect)?;
            let failing = |outcomes: &[Outcome], name: &str| {
                outcomes.iter().any(|outcome| outcome.name == name && outcome.error.is_some())
            };
            for name in defect.tests {
                if !failing(&self.outcomes, name) {
                    self.problems.push(format!("is said to fail by the suite's fault and does not: {name}"));
                } else if failing(&without, name) || !without.iter().any(|outcome| outcome.name == *name) {
                    self.problems.push(format!("fails without the suite's fault too: {name}"));
                } else {
                    self.explained.push(((*name).into(), defect.why));
                }
            }
        }
        Ok(())
    }

    fn unexplained(&self) -> impl Iterator<Item = &Outcome> {
        let known = |outcome: &&Outcome| !self.explained.iter().any(|(name, _why)| *name == outcome.name);
        self.outcomes.iter().filter(|outcome| outcome.error.is_some()).filter(known)
    }

    pub(crate) fn is_good(&self) -> bool {
        self.problems.is_empty() && self.unexplained().next().is_none()
    }

    pub(crate) fn print(&self) {
        let passed = self.outcomes.iter().filter(|outcome| outcome.error.is_none()).count();
        println!("w3c: {}: {passed} of {} tests pass", self.name, self.outcomes.len());
        for (name, why) in &self.explained {
            println!(
                "w3c:   fails by the suite's fault, and passes when that is put right: {name}\n       {why}"
            );
        }
        for outcome in self.unexplained() {
            let error = outcome.error.as_deref().unwrap_or_default();
            println!("w3c:   FAILS: {}\n       {}", outcome.name, error.lines().next().unwrap_or_default());
        }
        for problem in &self.problems {
            println!("w3c:   {problem}");
        }
    }
}
