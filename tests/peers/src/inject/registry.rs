//! The log alone: faults while it takes batches across a full tile, and faults while it recovers.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use sillok_client::{Level, Source};
use sillok_log::checkpoint::Checkpoint;

use super::trace::{self, Site, Target, Trace};
use super::{Case, Driven, End, Outcome, SIGKILL, Scene, Tracing, log, within};
use crate::outside::acknowledged::Acknowledged;
use crate::outside::batch::{self, Answered};
use crate::outside::inspection::Inspection;
use crate::outside::load;
use crate::outside::writer::{Folder, Launch, Service, Writer};

/// A log of 254 entries, stopped, and what it acknowledged.
pub(super) struct Base {
    folder: Folder,
    acknowledged: Acknowledged,
}

/// Makes a log that is two entries short of a full tile.
pub(super) fn prepare() -> Base {
    let folder = Folder::init();
    let mut acknowledged = Acknowledged::default();
    let writer = folder.start(Service::Registry, 1);
    load::begin_at(&folder, &writer, &mut acknowledged);
    // A key and a list are there.
    let entries = batch::issues(0, SIZE - 2);
    let answered = batch::submit(&folder, &writer, &entries, Level::Published, None, &mut acknowledged);
    assert_eq!(answered, Answered::Logged, "the log does not begin");
    drop(writer);
    Base { folder, acknowledged }
}

/// Faults while batches are taken.
pub(super) struct Running<'a> {
    strace: &'a Tracing,
    base: &'a Base,
    sites: Vec<Site>,
}

/// Faults while a log is opened that has committed more than is public.
pub(super) struct Starting<'a> {
    strace: &'a Tracing,
    base: Base,
    sites: Vec<Site>,
}

impl<'a> Running<'a> {
    /// Counts the calls of a run without a fault.
    pub(super) fn prepare(strace: &'a Tracing, base: &'a Base) -> Result<Self> {
        let folder = base.folder.copy();
        let writer = start(&folder)?;
        let tracer = strace.attach(Target::Process(writer.id()), &log(&folder), None)?;
        WRITING.iter().try_for_each(|name| trace::thread(writer.id(), name).map(drop))?;
        let threads = trace::threads(writer.id())?;
        let mut acknowledged = base.acknowledged.clone();
        let drive = drive(&folder, &writer, &mut acknowledged);
        ensure!(drive.problem.is_none(), "a batch is refused without a fault: {:?}", drive.problem);
        drop(writer);
        let mut sites = tracer.finish()?.sites(&threads, |line| within(&folder, line));
        let next = next_segment(&folder).display().to_string();
        let later = Trace::read(&log(&folder))?.sites(&HashMap::new(), |line| line.contains(&next));
        sites.retain(|site| WRITING.contains(&site.thread.as_str()));
        // The thread that prepares a segment is not there yet: it is found by its file.
        let mut counts: HashMap<String, usize> = HashMap::new();
        for site in later {
            let number = counts.entry(site.call.clone()).or_default();
            *number += 1;
            sites.push(Site { thread: PREPARING.into(), call: site.call, number: *number });
        }
        sites.sort_by(|left, right| {
            (&left.thread, &left.call, left.number).cmp(&(&right.thread, &right.call, right.number))
        });
        Ok(Self { strace, base, sites })
    }
}

impl Scene for Running<'_> {
    fn name(&self) -> &'static str {
        "running"
    }

    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn run(&self, case: &Case) -> Result<Outcome> {
        let folder = self.base.folder.copy();
        let mut acknowledged = self.base.acknowledged.clone();
        let mut writer = start(&folder)?;
        let next = next_segment(&folder);
        let target = if case.site.thread == PREPARING {
            Target::File(writer.id(), &next)
        } else {
            Target::Thread(trace::thread(writer.id(), &case.site.thread)?)
        };
        let tracer = self.strace.attach(target, &log(&folder), Some(case))?;
        let driven = drive(&folder, &writer, &mut acknowledged);
        let mut wrong = Vec::new();
        let ended = driven.gone.then(|| writer.ended()).flatten();
        if ended.is_none() {
            wrong.extend(read(&folder, &writer));
        }
        drop(writer);
        let trace = tracer.finish()?;
        let fired = trace.injected().next().is_some();
        let end = driven.end(ended, fired)?;
        if driven.after > 0 {
            wrong.push(format!("{} batches were acknowledged after one was refused", driven.after));
        }
        if trace::is_synchronisation(case) && end == End::Continued {
            wrong.push("a synchronisation failed and the writer went on".into());
        }
        if let (End::Stopped, Some(problem)) = (end, &driven.problem)
            && !problem.contains("log.stopped")
        {
            wrong.push(format!("it stopped with {problem}"));
        }
        after(&folder, acknowledged, end, wrong)
    }
}

impl<'a> Starting<'a> {
    /// Leaves a batch committed and not public, and counts the calls of the opening that publishes it.
    pub(super) fn prepare(strace: &'a Tracing, base: &Base) -> Result<Self> {
        let folder = base.folder.copy();
        let mut acknowledged = base.acknowledged.clone();
        let writer = folder.start(Service::Registry, LONG_MILLISECONDS);
        // The first publication waits for nothing; the one after it waits for more.
        for (from, count, level) in [(SIZE, 1, Level::Published), (SIZE + 1, 4, Level::Committed)] {
            let entries = batch::issues(from, count);
            let answered = batch::submit(&folder, &writer, &entries, level, None, &mut acknowledged);
            ensure!(answered == Answered::Logged, "a batch is refused without a fault: {answered:?}");
        }
        drop(writer);
        let public = Source::open(folder.path())?.checkpoint()?;
        let public = Checkpoint::open(&public, folder.log_key())?.size.0;
        ensure!(public == u64::from(SIZE) + 1, "the committed batch is public already: size {public}");
        let base = Base { folder, acknowledged };
        let folder = base.folder.copy();
        let started = folder.try_start(&under(strace, &folder, None));
        ensure!(started.is_ok(), "it does not start without a fault: {started:?}", started = started.err());
        drop(started);
        let sites = Trace::read(&log(&folder))?.sites(&HashMap::new(), |line| within(&folder, line));
        Ok(Self { strace, base, sites })
    }
}

impl Scene for Starting<'_> {
    fn name(&self) -> &'static str {
        "starting"
    }

    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn run(&self, case: &Case) -> Result<Outcome> {
        let folder = self.base.folder.copy();
        let mut acknowledged = self.base.acknowledged.clone();
        let mut wrong = Vec::new();
        let started = folder.try_start(&under(self.strace, &folder, Some(case)));
        let end = match started {
            Err(ended) if ended.status.signal() == Some(SIGKILL) => End::Killed,
            Err(ended) => {
                if !ended.complaints.contains("could not") && !ended.complaints.contains("failed") {
                    wrong.push(format!("it refuses to start and says {:?}", ended.complaints));
                }
                End::Refused
            }
            Ok(writer) => {
                let driven = drive(&folder, &writer, &mut acknowledged);
                wrong.extend(read(&folder, &writer));
                if driven.problem.is_some() {
                    wrong.push(format!("it started and refuses: {:?}", driven.problem));
                }
                End::Continued
            }
        };
        let trace = Trace::read(&log(&folder))?;
        let index = format!("{}/index", folder.path());
        let end = match end {
            End::Continued if trace.injected().next().is_none() => End::NotReached,
            other => other,
        };
        let essential = trace.injected().any(|line| !line.contains(&index));
        if trace::is_synchronisation(case) && end == End::Continued && essential {
            wrong.push("a synchronisation failed and it started all the same".into());
        }
        after(&folder, acknowledged, end, wrong)
    }
}

/// Submits the known batches, all of them whatever becomes of each.
fn drive(folder: &Folder, writer: &Writer, acknowledged: &mut Acknowledged) -> Driven {
    let mut driven = Driven::default();
    for entries in batches() {
        let answered = batch::submit(folder, writer, &entries, Level::Published, None, acknowledged);
        if !driven.note(answered) {
            break;
        }
    }
    driven
}

/// Before, at and after the full tile, and enough to need another segment.
fn batches() -> Vec<Vec<Vec<u8>>> {
    let mut from = SIZE + 1_000;
    let counts = [1, 1, 1, 4, 1, 12, 1];
    counts
        .iter()
        .map(|count| {
            from += count;
            batch::issues(from - count, *count)
        })
        .collect()
}

/// What is wrong with reading from a writer that lives.
fn read(folder: &Folder, writer: &Writer) -> Option<String> {
    let note = match Source::open(writer.url()).and_then(|source| source.checkpoint()) {
        Ok(note) => note,
        Err(error) => return Some(format!("readers are not answered: {error}")),
    };
    Checkpoint::open(&note, folder.log_key()).err().map(|error| format!("readers are shown: {error}"))
}

/// Starts again without a fault, and lets the oracle judge.
fn after(
    folder: &Folder,
    mut acknowledged: Acknowledged,
    end: End,
    mut wrong: Vec<String>,
) -> Result<Outcome> {
    let writer = start(folder)?;
    let found = Inspection::of(folder, writer.url());
    let held = acknowledged.len();
    let (lost, forks) = (found.lost(&acknowledged).len(), found.forks(&acknowledged).len());
    // What nobody was answered, once more, and something new.
    let again = batches().into_iter().chain([batch::issues(SIZE + 5_000, 2)]);
    for entries in again {
        let answered =
            batch::submit(folder, &writer, &entries, Level::Published, Some(&found), &mut acknowledged);
        if answered != Answered::Logged {
            wrong.push(format!("the next writer does not go on: {answered:?}"));
        }
    }
    drop(writer);
    let last = Inspection::of(folder, folder.path());
    last.follows(Some(&found));
    last.holds(&acknowledged);
    folder.expect_success(&["fsck", "--data", folder.path()]);
    Ok(Outcome { end, acknowledged: held, lost, forks, wrong })
}

fn start(folder: &Folder) -> Result<Writer> {
    let started = folder.try_start(&launch());
    started.map_err(|ended| anyhow::anyhow!("it does not start without a fault: {ended:?}"))
}

fn launch() -> Launch {
    Launch { segment_bytes: SEGMENT_BYTES, ..Launch::new(Service::Registry, 1) }
}

fn under(strace: &Tracing, folder: &Folder, case: Option<&Case>) -> Launch {
    Launch { under: strace.around(&log(folder), case), ..launch() }
}

fn next_segment(folder: &Folder) -> PathBuf {
    Path::new(folder.path()).join("wal/next")
}

/// Two entries short of a full tile.
const SIZE: u32 = 254;

/// The smallest: a second one is needed within the batches.
const SEGMENT_BYTES: u32 = 4_096;

/// Longer than the preparation of a case takes.
const LONG_MILLISECONDS: u32 = 10_000;

/// The threads of the write path, as the system cuts their names.
const WRITING: [&str; 2] = ["sillok-publishe", "sillok-sequence"];

/// The thread that fills the next segment.
const PREPARING: &str = "sillok-segment";
