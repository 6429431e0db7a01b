//! `cargo xtask load audit`: a log of many entries in a folder, replayed by a process of its own as `sillok audit --state` does it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sillok_load::entries::Entries;
use sillok_load::flags::Flags;
use sillok_load::floor;
use sillok_load::machine::{Machine, target};
use sillok_load::typed_log::{Plan, write};
use sillok_log::note::{SignatureKind, SignerKey};

use replay::Replay;

mod replay;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let key = SignerKey::from_seed("load.example/log", SignatureKind::Ed25519, &[7; 32])?;
    if let [work, folder, entries] = arguments
        && work == "replay"
    {
        return replay::run(Path::new(folder), entries.parse().context("read the number of entries")?, &key);
    }
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
    let log = folder.path().join("log");

    let leaves = floor::leaves(Entries::new(plan.seed, ISSUE_BYTES), LIMIT_TIME);
    println!("limit, hash: {:.2} million leaf hashes/s of one thread", leaves / 1e6);
    let begun = Instant::now();
    let written = write(&log, &key, plan)?;
    replay::publish(&folder.path().join("lists"), &written)?;
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
    drop(written);

    let replay = replay::start(folder.path(), plan.entries)?;
    tell(&replay, plan.entries, leaves);
    let (_files, work_bytes) = disk(&folder.path().join("state.d"))?;
    let state_bytes = fs::metadata(folder.path().join("state")).context("read the state")?.len();
    println!(
        "disk: {} MB of commitments, {:.1} MB of state",
        work_bytes / 1_000_000,
        state_bytes as f64 / 1e6
    );
    Ok(())
}

fn tell(replay: &Replay, entries: u64, leaves: f64) {
    let Replay { seconds, cpu_seconds, peaks, changed, slots, oracle_bytes } = replay;
    let (rate, per_core) = (entries as f64 / seconds, entries as f64 / cpu_seconds);
    println!(
        "audit: {seconds:.1} s, {rate:.0} entries/s, {per_core:.0} entries/s/core ({:.0} % of the leaf hashes of one thread)",
        per_core / leaves * 100.0
    );
    let peaks: Vec<String> =
        peaks.iter().map(|(at, peak)| format!("{:.1} MB at {at} entries", *peak as f64 / 1e6)).collect();
    println!("memory: peak of the auditing process {}", peaks.join(", "));
    let oracle = *oracle_bytes as f64;
    println!(
        "oracle: {:.1} MB with counts by hour, {:.1} bytes for each of {changed} slots that ever changed, {:.2} for each of {slots}",
        oracle / 1e6,
        oracle / *changed as f64,
        oracle / *slots as f64
    );
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
