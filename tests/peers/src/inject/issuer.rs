//! Log and issuer in one process, while credentials are issued: a smaller set, each fault at the n-th call of whichever
//! thread makes it first.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::trace::{self, Site, Target, Trace};
use super::{Case, Driven, End, Outcome, Scene, Tracing, log, within};
use crate::outside::acknowledged::Acknowledged;
use crate::outside::batch::Answered;
use crate::outside::inspection::Inspection;
use crate::outside::issuance::Handed;
use crate::outside::writer::{Folder, Service, Writer};

/// Faults while credentials are issued.
pub(super) struct Issuing<'a> {
    strace: &'a Tracing,
    folder: Folder,
    acknowledged: Acknowledged,
    handed: Handed,
    sites: Vec<Site>,
}

impl<'a> Issuing<'a> {
    /// Issues a first credential, and counts the calls for the next ones.
    pub(super) fn prepare(strace: &'a Tracing) -> Result<Self> {
        let folder = Folder::init();
        let (mut acknowledged, mut handed) = (Acknowledged::default(), Handed::default());
        let writer = folder.start(Service::Serve, 1);
        let answered = handed.ask(writer.url(), "the first", &folder, &mut acknowledged);
        ensure!(answered == Answered::Logged, "it does not issue without a fault: {answered:?}");
        drop(writer);
        let sites = count(strace, &folder.copy(), handed.clone(), acknowledged.clone())?;
        Ok(Self { strace, folder, acknowledged, handed, sites })
    }
}

fn count(
    strace: &Tracing,
    folder: &Folder,
    mut handed: Handed,
    mut acknowledged: Acknowledged,
) -> Result<Vec<Site>> {
    let writer = folder.start(Service::Serve, 1);
    let tracer = strace.attach(Target::Process(writer.id()), &log(folder), None)?;
    let threads: HashMap<String, String> = trace::threads(writer.id())?;
    let drive = drive(folder, &writer, &mut handed, &mut acknowledged);
    ensure!(drive.problem.is_none(), "it does not issue without a fault: {:?}", drive.problem);
    drop(writer);
    let sites = tracer.finish()?.sites(&threads, |line| within(folder, line));
    // Each thread is counted by itself: whichever comes to a number first is hit.
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    for site in sites {
        let number = most.entry(site.call).or_default();
        *number = site.number.max(*number);
    }
    let numbers =
        most.into_iter().flat_map(|(call, most)| (1..=most).map(move |number| (call.clone(), number)));
    Ok(numbers.map(|(call, number)| Site { thread: "first of all".into(), call, number }).collect())
}

impl Scene for Issuing<'_> {
    fn name(&self) -> &'static str {
        "issuing"
    }

    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn run(&self, case: &Case) -> Result<Outcome> {
        let folder = self.folder.copy();
        let (mut acknowledged, mut handed) = (self.acknowledged.clone(), self.handed.clone());
        let mut writer = folder.start(Service::Serve, 1);
        let tracer = self.strace.attach(Target::Process(writer.id()), &log(&folder), Some(case))?;
        let driven = drive(&folder, &writer, &mut handed, &mut acknowledged);
        let ended = driven.gone.then(|| writer.ended()).flatten();
        let mut wrong = Vec::new();
        let promised = Trace::read(&log(&folder))?.injected().any(|line| is_promised(&folder, line));
        if ended.is_none() && promised && trace::is_synchronisation(case) {
            // It may just be about to stop.
            std::thread::sleep(STOPPING);
            if handed.ask(writer.url(), "somebody late", &folder, &mut acknowledged) == Answered::Logged {
                wrong.push("a synchronisation failed and it went on".into());
            }
        }
        if ended.is_none() && promised {
            let answered = sillok_client::Source::open(writer.url()).and_then(|source| source.checkpoint());
            wrong.extend(answered.err().map(|error| format!("readers are not answered: {error}")));
        }
        drop(writer);
        let trace = tracer.finish()?;
        // In a process of many threads the number may be reached by a call that is about no file of ours.
        let ours = trace.injected().any(|line| within(&folder, line));
        let end = match driven.end(ended, ours)? {
            End::Stopped if !ours => End::NotReached,
            end => end,
        };
        if trace::is_synchronisation(case) && promised && driven.after > 0 {
            wrong.push(format!("a synchronisation failed and {} credentials followed", driven.after));
        }
        after(&folder, handed, acknowledged, end, wrong)
    }
}

fn drive(folder: &Folder, writer: &Writer, handed: &mut Handed, acknowledged: &mut Acknowledged) -> Driven {
    let mut driven = Driven::default();
    for number in 0..CREDENTIALS {
        let answered = handed.ask(writer.url(), &format!("person {number}"), folder, acknowledged);
        if !driven.note(answered) {
            break;
        }
    }
    driven
}

/// Starts again without a fault, and lets the oracle and a verifier judge.
fn after(
    folder: &Folder,
    mut handed: Handed,
    mut acknowledged: Acknowledged,
    end: End,
    mut wrong: Vec<String>,
) -> Result<Outcome> {
    let held = acknowledged.len();
    let writer = folder.start(Service::Serve, 1);
    let found = Inspection::of(folder, writer.url());
    let (lost, forks) = (found.lost(&acknowledged).len(), found.forks(&acknowledged).len());
    handed.hold(&found, writer.url());
    handed.settle(writer.url(), folder, &mut acknowledged);
    let answered = handed.ask(writer.url(), "somebody new", folder, &mut acknowledged);
    if answered != Answered::Logged {
        wrong.push(format!("the next issuer does not go on: {answered:?}"));
    }
    drop(writer);
    folder.expect_success(&["fsck", "--data", folder.path()]);
    Ok(Outcome { end, acknowledged: held, lost, forks, wrong })
}

/// Whether a line of strace is about a file that promises rest on; the others are made anew.
fn is_promised(folder: &Folder, line: &str) -> bool {
    let promised =
        [".head", "/wal", "/public/tile", "/public/checkpoint", "/issuer/journal", "/issuer/subjects"];
    promised.iter().any(|name| line.contains(&format!("{}{name}", folder.path())))
}

/// How long a failure takes to stop a process, at most.
const STOPPING: Duration = Duration::from_millis(200);

/// Issued under each fault.
const CREDENTIALS: usize = 3;
