//! `cargo xtask load audit`: a log of many entries in a folder, replayed by the auditor as `sillok audit --state` does it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sillok_client::{Audit, Source};
use sillok_load::entries::Entries;
use sillok_load::flags::Flags;
use sillok_load::floor;
use sillok_load::machine::{Machine, target};
use sillok_load::process::Usage;
use sillok_load::typed_log::{Plan, write};
use sillok_log::audit::LogKind;
use sillok_log::note::{SignatureKind, SignerKey};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let known = [("entries", 4_000_000.0), ("snapshot-every", 5_700.0), ("seed", 1.0)];
    let flags = Flags::parse(arguments, &known)?;
    println!("{}", Machine::find());
    let plan = Plan {
        entries: flags.count("entries").max(1_000) as u64,
        snapshot_every: flags.count("snapshot-every") as u64,
        seed: flags.count("seed") as u64,
    };
    let root = target().join("load");
    fs::create_dir_all(&root).with_context(|| format!("make {}", root.display()))?;
    let folder = tempfile::Builder::new().prefix("audit-").tempdir_in(&root)?;
    let (log, state) = (folder.path().join("log"), folder.path().join("state"));
    let key = SignerKey::from_seed("load.example/log", SignatureKind::Ed25519, &[7; 32])?;

    let leaves = floor::leaves(Entries::new(plan.seed, ISSUE_BYTES), LIMIT_TIME);
    println!("limit, hash: {:.2} million leaf hashes/s of one thread", leaves / 1e6);
    let begun = Instant::now();
    let written = write(&log, &key, plan)?;
    let (log_files, log_bytes) = disk(&log)?;
    println!(
        "log: {} entries ({} issue, {} status, {} snapshots of {} lists) written in {:.1} s; {} MB in {log_files} files",
        plan.entries,
        written.issued,
        written.changes,
        written.snapshots,
        written.lists.len(),
        begun.elapsed().as_secs_f64(),
        log_bytes / 1_000_000,
    );

    let before = Usage::of(std::process::id())?;
    let begun = Instant::now();
    let (source, verifier) = (Source::open(&log.display().to_string())?, key.verifier());
    let mut audit = Audit::open(&source, &verifier, LogKind::Typed, &state)?;
    audit.advance(&mut |_progress| {})?;
    for (list, sequence) in &written.lists {
        if let Some(finding) = audit.auditor().check_published_list(list.list(), list, *sequence) {
            bail!("audit of a good log finds {finding}");
        }
    }
    let Some(report) = audit.finish() else { bail!("audit has read nothing") };
    let elapsed = begun.elapsed().as_secs_f64();
    let used = Usage::of(std::process::id())?.since(&before);
    if report.findings.total() > 0 || !report.unchecked.is_empty() || report.replayed.0 != plan.entries {
        bail!("audit of a good log finds {:?}", report.findings.kept());
    }
    let (rate, per_core) = (plan.entries as f64 / elapsed, plan.entries as f64 / used.cpu().as_secs_f64());
    println!(
        "audit: {elapsed:.1} s, {rate:.0} entries/s, {per_core:.0} entries/s/core ({:.0} % of the leaf hashes of one thread)",
        per_core / leaves * 100.0
    );
    let (_files, work_bytes) = disk(folder.path())?;
    println!(
        "memory: peak {} MB of the process, writing the log included; disk: {} MB of state and commitments",
        used.peak_resident_bytes / 1_000_000,
        work_bytes.saturating_sub(log_bytes) / 1_000_000
    );
    Ok(())
}

/// Files below a folder, and their bytes.
fn disk(folder: &Path) -> Result<(u64, u64)> {
    let (mut files, mut bytes, mut folders) = (0, 0, vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("list {}", next.display()))? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
                bytes += metadata.len();
            }
        }
    }
    Ok((files, bytes))
}

/// An issue entry (specs/entry.md).
const ISSUE_BYTES: usize = 106;

const LIMIT_TIME: Duration = Duration::from_secs(1);
