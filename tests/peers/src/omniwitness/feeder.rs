//! Tessera's own witness client brings a log of Tessera to our witness: no line of ours is between them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use sillok_log::TreeSize;
use sillok_log::checkpoint::Checkpoint;
use sillok_log::policy::Policy;

use super::foreign::Ours;
use super::{LOOK, PATIENCE};
use crate::hammer::rival;

/// The program publishes nothing that does not meet its policy, and remembers no witness from one run to the next: from the second
/// run on it learns from our 409 where to begin.
pub(super) fn brings_theirs(oneshot: &Path, program: &Path, scratch: &Path) -> Result<()> {
    let folder = scratch.join("feeder");
    fs::create_dir_all(folder.join("log")).with_context(|| format!("create {}", folder.display()))?;
    let log = rival::write_key(&folder.join("log.key"))?;
    let ours = Ours::start(program, &folder, "w", &log)?;
    let key = ours.keys.first().context("our witness has a key")?;
    let policy = format!("witness ours {key} http://{}\nquorum ours\n", ours.address);
    fs::write(folder.join("policy"), &policy).context("write the policy")?;
    let policy = Policy::parse(policy.as_bytes()).context("parse the policy")?;

    let mut before = 0;
    for size in SIZES {
        let entries = folder.join(format!("entries-{size}"));
        fs::create_dir_all(&entries).with_context(|| format!("create {}", entries.display()))?;
        for index in before..size {
            fs::write(entries.join(index.to_string()), format!("entry {index}")).context("write an entry")?;
        }
        before = size;
        add(oneshot, &folder, &entries)?;
        let note = fs::read_to_string(folder.join("log/checkpoint")).context("read their checkpoint")?;
        let checkpoint = Checkpoint::open(&note, &log).with_context(|| format!("open {note:?}"))?;
        ensure!(checkpoint.size == TreeSize(size), "they published {} instead of {size}", checkpoint.size);
        policy.witnessed(&note).with_context(|| format!("without our line: {note}"))?;
    }
    println!("omniwitness: Tessera's own client had us cosign its log at {SIZES:?}, a new process each time");
    Ok(())
}

/// Adds the files of a folder to their log and waits until they are published.
fn add(oneshot: &Path, folder: &Path, entries: &Path) -> Result<()> {
    let mut running = Command::new(oneshot)
        .arg(format!("--storage_dir={}", folder.join("log").display()))
        .arg(format!("--private_key={}", folder.join("log.key").display()))
        .arg(format!("--entries={}/*", entries.display()))
        .arg(format!("--witness_policy_file={}", folder.join("policy").display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("start {}", oneshot.display()))?;
    let begun = Instant::now();
    loop {
        if let Some(status) = running.try_wait().context("wait for their program")? {
            ensure!(status.success(), "their program ended with {status}");
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            running.kill().and_then(|()| running.wait()).context("stop their program")?;
            anyhow::bail!("their program published nothing that our witness cosigned");
        }
        std::thread::sleep(LOOK);
    }
}

/// Sizes of the log after each run, around a full tile.
const SIZES: [u64; 4] = [1, 3, 256, 300];
