//! The audit, in a process of its own: what it takes is what the audit takes, and nothing of the log's writing.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use sillok_client::{Audit, Source};
use sillok_load::process::Usage;
use sillok_load::typed_log::Written;
use sillok_log::audit::{Auditor, LogKind};
use sillok_log::entry::ListId;
use sillok_log::note::SignerKey;
use sillok_log::status::ListState;

/// What an audit took.
pub(super) struct Replay {
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
    /// The most that was resident, when so many entries had been replayed.
    pub(super) peaks: Vec<(u64, u64)>,
    /// Slots that ever changed, and all of them.
    pub(super) changed: u64,
    pub(super) slots: u64,
    /// What the oracle takes that was read from its saved state.
    pub(super) oracle_bytes: u64,
}

/// Puts by what is published, as the auditor's own process is to find it.
pub(super) fn publish(folder: &Path, written: &Written) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    for (number, (list, sequence)) in written.lists.iter().enumerate() {
        let path = folder.join(number.to_string());
        let parts = [&list.list().0[..], &sequence.to_be_bytes(), list.revocation(), list.suspension()];
        fs::write(&path, parts.concat()).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Starts this program as an auditor and waits for what it says.
pub(super) fn start(folder: &Path, entries: u64) -> Result<Replay> {
    let child = Command::new(std::env::current_exe().context("find this program")?)
        .args(["audit", "replay"])
        .arg(folder)
        .arg(entries.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = Auditing(child.context("start the auditor")?);
    let output = child.0.stdout.take().context("an auditor without output")?;
    let mut peaks = Vec::new();
    let mut figures = None;
    for line in BufReader::new(output).lines() {
        let line = line.context("listen to the auditor")?;
        let numbers: Option<Vec<u64>> = line.split(' ').map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some([at, peak]) => peaks.push((*at, *peak)),
            Some([elapsed, cpu, changed, slots, oracle]) => {
                figures = Some((*elapsed, *cpu, *changed, *slots, *oracle));
            }
            _other => bail!("the auditor said {line:?}"),
        }
    }
    let status = child.0.wait().context("wait for the auditor")?;
    let (true, Some((elapsed, cpu, changed, slots, oracle_bytes))) = (status.success(), figures) else {
        bail!("the auditor ended with {status}");
    };
    let (seconds, cpu_seconds) = (elapsed as f64 / 1e6, cpu as f64 / 1e6);
    Ok(Replay { seconds, cpu_seconds, peaks, changed, slots, oracle_bytes })
}

/// The auditor: stopped by its id if nobody waits for it.
struct Auditing(Child);

impl Drop for Auditing {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What the auditor's process does: `sillok audit --state` of the log, and of each list that was put by. It says how much was
/// resident on the way, and at the end its microseconds, those of the processors, slots, and the bytes of the oracle.
pub(super) fn run(folder: &Path, entries: u64, key: &SignerKey) -> Result<()> {
    let peak = || Usage::of(std::process::id()).map(|usage| usage.peak_resident_bytes);
    let begun = Instant::now();
    let (source, verifier) = (Source::open(&folder.join("log").display().to_string())?, key.verifier());
    let mut audit = Audit::open(&source, &verifier, LogKind::Typed, &folder.join("state"))?;
    let mut marks = MARKS.into_iter().filter(|mark| *mark < entries).peekable();
    audit.advance(&mut |progress| {
        if let Some(mark) = marks.next_if(|mark| *mark <= progress.done) {
            // A mark that cannot be looked at is a line less.
            peak().into_iter().for_each(|peak| println!("{mark} {peak}"));
        }
    })?;
    for number in 0..audit.auditor().ledger().lists().count() {
        let (list, sequence) = published(&folder.join("lists").join(number.to_string()))?;
        if let Some(finding) = audit.auditor().check_published_list(list.list(), &list, sequence) {
            bail!("audit of a good log finds {finding}");
        }
    }
    let elapsed = begun.elapsed();
    let used = Usage::of(std::process::id())?;
    println!("{entries} {}", used.peak_resident_bytes);
    let lists = || audit.auditor().ledger().lists().map(|(_list, record)| record);
    let changed: u64 = lists().map(|record| record.changed_slots() as u64).sum();
    let slots: u64 = lists().map(|record| record.size()).sum();
    let oracle_bytes = oracle_bytes(&audit.auditor().encode())?;
    let Some(report) = audit.finish() else { bail!("audit has read nothing") };
    if report.findings.total() > 0 || !report.unchecked.is_empty() || report.replayed.0 != entries {
        bail!("audit of a good log finds {:?}", report.findings.kept());
    }
    println!("{} {} {changed} {slots} {oracle_bytes}", elapsed.as_micros(), used.cpu().as_micros());
    Ok(())
}

fn published(path: &PathBuf) -> Result<(ListState, u64)> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let head = bytes.split_first_chunk::<16>();
    let parts = head.and_then(|(list, rest)| Some((list, rest.split_first_chunk::<8>()?)));
    let Some((list, (sequence, planes))) = parts else { bail!("{} is too short", path.display()) };
    let (revocation, suspension) = planes.split_at(planes.len() / 2);
    let length = revocation.len() as u64 * 8;
    let state = ListState::from_planes(ListId(*list), length, revocation.to_vec(), suspension.to_vec())?;
    Ok((state, u64::from_be_bytes(*sequence)))
}

/// What an oracle takes, on average of several: small ones fit what the allocator has over.
fn oracle_bytes(saved: &[u8]) -> Result<u64> {
    let resident = || Usage::of(std::process::id()).map(|usage| usage.resident_bytes);
    let before = resident()?;
    let copies: Vec<Auditor> = (0..COPIES).map(|_copy| Auditor::parse(saved)).collect::<Result<_, _>>()?;
    let after = resident()?;
    drop(copies);
    Ok(after.saturating_sub(before) / COPIES)
}

/// Entries at which memory is looked at: whether it grows with the log is seen in one run.
const MARKS: [u64; 4] = [1_000_000, 5_000_000, 10_000_000, 20_000_000];

/// A page of the kernel is 4 KiB, and an allocator's some more.
const COPIES: u64 = 16;
