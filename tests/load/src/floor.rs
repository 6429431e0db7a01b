//! What the machine can do at best, measured in the run whose figures are compared with it.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sillok_log::merkle::leaf_hash;

use crate::entries::Entries;
use crate::generator::{self, Load, Pace};
use crate::latency::Latencies;
use crate::process::Process;

/// Times of `fdatasync` after a write of 4 KiB into a file that is there already: the cheapest durable write.
///
/// # Errors
/// The file cannot be made in `folder`.
pub fn sync(folder: &Path, duration: Duration) -> Result<Latencies> {
    let path = folder.join("sync");
    let mut file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
    file.write_all(&vec![0; SYNC_FILE_BYTES]).context("fill a file")?;
    file.sync_all().context("synchronise a file")?;
    let file = OpenOptions::new().write(true).open(&path).context("open a file")?;
    let (mut latencies, begun, mut offset) = (Latencies::new(), Instant::now(), 0);
    while begun.elapsed() < duration {
        let start = Instant::now();
        file.write_all_at(&[1; SYNC_BYTES], offset).context("write to a file")?;
        file.sync_data().context("synchronise a file")?;
        latencies.record(start.elapsed());
        offset = (offset + SYNC_BYTES as u64) % SYNC_FILE_BYTES as u64;
    }
    Ok(latencies)
}

/// Leaf hashes a second of one thread.
#[must_use]
pub fn leaves(entries: Entries, duration: Duration) -> f64 {
    let entry = entries.entry(0);
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < duration {
        for _ in 0..1_000 {
            black_box(leaf_hash(black_box(&entry)));
        }
        count += 1_000;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

/// What the same load does to a server that only counts.
#[derive(Clone, Debug)]
pub struct NullServer {
    /// Answers a second.
    pub per_second: f64,
    /// Answers for each second of the server's processor time.
    pub per_cpu_second: f64,
    /// From the intended start to the answer.
    pub latency: Latencies,
}

/// Starts the server that only counts: `program` is that of the measurements.
///
/// # Errors
/// It does not start.
pub fn null_server(program: &Path) -> Result<Process> {
    let mut command = Command::new(program);
    command.arg("null");
    Ok(Process::start(command, "listening on", PATIENCE)?)
}

/// Runs the shape of `load` against a server that only counts.
///
/// # Errors
/// It cannot be started, or does not answer.
pub fn null(program: &Path, load: &Load, pace: Pace, duration: Duration) -> Result<NullServer> {
    let process = null_server(program)?;
    let address = process.address(0).context("the null server told no address")?;
    let before = process.usage()?;
    let outcome = generator::run(&Load { address, pace, duration, told: None, ..load.clone() })?;
    let cpu = process.usage()?.since(&before).cpu().as_secs_f64().max(0.01);
    Ok(NullServer {
        per_second: outcome.goodput(),
        per_cpu_second: outcome.acknowledged.len() as f64 / cpu,
        latency: outcome.latency,
    })
}

/// A block of most file systems.
const SYNC_BYTES: usize = 4 << 10;

/// Larger than a disk's own write is merged over.
const SYNC_FILE_BYTES: usize = 4 << 20;

/// It opens nothing.
const PATIENCE: Duration = Duration::from_secs(20);
