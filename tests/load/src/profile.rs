//! Where the server's time goes under the steady load: samples of `perf`, grouped by who owns the code.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use sillok_load::flags::Flags;
use sillok_load::generator;
use sillok_load::machine::Machine;
use sillok_load::raw_log::{self, RawLog};

use crate::ledger::{FLAGS, STOP, load};

mod group;

use group::group;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let flags = Flags::parse(arguments, &FLAGS)?;
    println!("{}", Machine::find());
    let present = Command::new("perf").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !present.is_ok_and(|status| status.success()) {
        println!("perf is absent (Debian's linux-perf)");
        return Ok(());
    }
    let program = raw_log::build("sillok", "sillok")?;
    let scratch = raw_log::scratch("profile-")?;
    let log = RawLog::make(&program, scratch.path())?;
    let serving = log.start(&[], &[])?;
    let load = load(&serving, &flags);
    let samples = scratch.path().join("samples");
    let mut record = Command::new("perf");
    record.args([
        "record",
        "--quiet",
        "--freq",
        FREQUENCY,
        "--pid",
        &serving.process.id().to_string(),
        "--output",
    ]);
    record.arg(&samples).stdout(Stdio::null()).stderr(Stdio::null());
    record.args(["--", "sleep", &load.duration.as_secs_f64().to_string()]);
    let mut recorder = record.spawn().context("start perf")?;
    let outcome = generator::run(&load);
    let recorded = recorder.wait().context("wait for perf")?;
    let outcome = outcome?;
    serving.process.stop(STOP)?;
    ensure!(recorded.success(), "`perf record` ended with {recorded}");
    println!(
        "{:.0} entries/s acknowledged while {FREQUENCY} samples a second were taken of each thread that ran",
        outcome.goodput()
    );
    print(&report(&samples)?);
    Ok(())
}

/// Share, symbol and owner of every place that was sampled.
fn report(samples: &Path) -> Result<String> {
    let mut report = Command::new("perf");
    report.args([
        "report",
        "--stdio",
        "--no-children",
        "--percent-limit",
        "0",
        "--sort",
        "dso,symbol",
        "--field-separator",
        "|",
    ]);
    let output = report.arg("--input").arg(samples).stdin(Stdio::null()).output().context("start perf")?;
    ensure!(output.status.success(), "`perf report` ended with {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn print(report: &str) {
    let mut groups: BTreeMap<String, f64> = BTreeMap::new();
    let mut symbols: Vec<(f64, String)> = Vec::new();
    for line in report.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, '|').map(str::trim);
        let (Some(share), Some(object), Some(symbol)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let Ok(share) = share.trim_end_matches('%').parse::<f64>() else { continue };
        *groups.entry(group(object, symbol)).or_default() += share;
        symbols.push((share, symbol.chars().take(SHOWN_CHARS).collect()));
    }
    let mut groups: Vec<(String, f64)> = groups.into_iter().collect();
    groups.sort_by(|a, b| b.1.total_cmp(&a.1));
    symbols.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("by owner of the code, of the server's time:");
    for (name, share) in groups.iter().take(SHOWN) {
        println!("{share:6.1} %  {name}");
    }
    println!("by function:");
    for (share, symbol) in symbols.iter().take(SHOWN) {
        println!("{share:6.1} %  {symbol}");
    }
}

/// Samples a second of each thread that runs; odd, so that it does not run in step with a timer.
const FREQUENCY: &str = "499";

/// Lines of each table.
const SHOWN: usize = 20;

/// How much of a function's name is shown.
const SHOWN_CHARS: usize = 110;
