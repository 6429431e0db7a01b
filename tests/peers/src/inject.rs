//! The real binary under faults of single system calls (strace's `inject=`): every write, synchronisation, renaming,
//! link and opening of the write path fails once, or is the moment of a SIGKILL.
//!
//! What was acknowledged is held by this process. After each fault the writer is started again without one, and the
//! oracle reads what it publishes: nothing acknowledged lost, no signed checkpoint contradicted, new entries taken,
//! and `sillok fsck` content.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::machine::Machine;
use crate::outside::batch::Answered;
use crate::outside::writer::Folder;
use crate::peer;
use table::Table;
use trace::Site;

mod issuer;
mod registry;
mod table;
mod trace;

/// What a fault did to the process, and what was found after the next start.
struct Outcome {
    end: End,
    acknowledged: usize,
    lost: usize,
    forks: usize,
    /// What must not be, in words.
    wrong: Vec<String>,
}

/// How the process took the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It went on: what failed is derived, or was done again.
    Continued,
    Killed,
    /// The call did not come this time.
    NotReached,
    /// It refused to start.
    Refused,
    /// It takes nothing any more; readers are answered.
    Stopped,
}

/// The fault at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Eio,
    Enospc,
    Kill,
}

/// One fault at one call.
struct Case {
    site: Site,
    fault: Fault,
}

/// What became of the submissions of a case.
#[derive(Default)]
struct Driven {
    /// What the first was told that was not acknowledged.
    problem: Option<String>,
    /// How many were acknowledged after that.
    after: usize,
    /// Whether the connection broke: the process may be gone.
    gone: bool,
}

/// What is prepared once: where the faults can be, and what to do with one.
trait Scene: Sync {
    fn name(&self) -> &'static str;
    fn sites(&self) -> &[Site];
    fn run(&self, case: &Case) -> Result<Outcome>;
}

/// Runs all cases, or with `--quick` the first, a middle and the last of each call.
///
/// # Errors
/// Something was lost, forked or acknowledged that must not be; strace is absent.
pub(crate) fn run(machine: &Machine, arguments: &[String]) -> Result<()> {
    let quick = match arguments {
        [] => false,
        [quick] if quick == "--quick" => true,
        other => bail!("`inject` takes --quick and nothing else, not {other:?}"),
    };
    let strace = peer::debian("strace", "strace")?;
    // In some containers nobody may trace.
    let traced = Command::new(&strace).args(["-qq", "-e", "trace=none", "true"]).output()?;
    if !traced.status.success() {
        return Err(peer::absent("strace", String::from_utf8_lossy(&traced.stderr).trim()));
    }
    crate::under_test(machine.sillok_checked()?)?;
    let scratch = machine.scratch("inject")?;
    drop(tempfile::env::override_temp_dir(scratch.path()));

    let begun = Instant::now();
    let strace = Tracing { strace };
    let base = registry::prepare();
    let scenes: [Box<dyn Scene>; 3] = [
        Box::new(registry::Running::prepare(&strace, &base)?),
        Box::new(registry::Starting::prepare(&strace, &base)?),
        Box::new(issuer::Issuing::prepare(&strace)?),
    ];
    let mut table = Table::default();
    for scene in &scenes {
        let cases = cases(scene.sites(), quick);
        println!("{}: {} calls, {} cases", scene.name(), scene.sites().len(), cases.len());
        judge(scene.as_ref(), cases, &mut table);
    }
    table.print();
    println!("{} s", begun.elapsed().as_secs());
    ensure!(table.wrong().is_empty(), "{} cases end as they must not", table.wrong().len());
    ensure!(table.reached() > 0, "no fault was reached");
    Ok(())
}

/// Where strace is.
struct Tracing {
    strace: PathBuf,
}

fn cases(sites: &[Site], quick: bool) -> VecDeque<Case> {
    let mut cases = VecDeque::new();
    for same in sites.chunk_by(|left, right| (&left.thread, &left.call) == (&right.thread, &right.call)) {
        let last = same.len().saturating_sub(1);
        for (number, site) in same.iter().enumerate() {
            if !quick || [0, last / 2, last].contains(&number) {
                let faults = faults(&site.call);
                cases.extend(faults.iter().map(|fault| Case { site: site.clone(), fault: *fault }));
            }
        }
    }
    cases
}

/// What can happen to a call.
fn faults(call: &str) -> &'static [Fault] {
    match call {
        // Neither takes space.
        "pread64" | "unlink" | "unlinkat" | "rmdir" => &[Fault::Eio, Fault::Kill],
        _other => &[Fault::Eio, Fault::Enospc, Fault::Kill],
    }
}

/// Runs the cases of a scene, two at a time.
fn judge(scene: &dyn Scene, cases: VecDeque<Case>, table: &mut Table) {
    let (cases, table) = (Mutex::new(cases), Mutex::new(table));
    std::thread::scope(|scope| {
        for _worker in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = cases.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(case) = next else { return };
                    let outcome = catch_unwind(AssertUnwindSafe(|| scene.run(&case)));
                    let outcome = match outcome {
                        Ok(outcome) => outcome.map_err(|error| format!("{error:#}")),
                        Err(panic) => Err(said(panic.as_ref())),
                    };
                    table.lock().unwrap_or_else(PoisonError::into_inner).add(scene.name(), &case, outcome);
                }
            });
        }
    });
}

/// The words of an assertion that failed.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("an assertion failed").into()
}

/// Whether a line of strace names a file of a folder or its head.
fn within(folder: &Folder, line: &str) -> bool {
    line.contains(folder.path())
}

/// Where strace writes: beside what it watches, and not in it.
fn log(folder: &Folder) -> PathBuf {
    folder.head().with_extension("strace")
}

impl Driven {
    /// Takes the next answer, and says whether to go on.
    fn note(&mut self, answered: Answered) -> bool {
        match answered {
            Answered::Logged => self.after += usize::from(self.problem.is_some()),
            Answered::Gone(problem) => {
                self.problem.get_or_insert(problem);
                self.gone = true;
            }
            Answered::Refused(problem) => drop(self.problem.get_or_insert(problem)),
        }
        !self.gone
    }

    /// How the process took a fault that happened or not, given how it ended if it has.
    fn end(&self, ended: Option<ExitStatus>, happened: bool) -> Result<End> {
        Ok(match ended {
            Some(status) if status.signal() == Some(SIGKILL) => End::Killed,
            Some(status) => bail!("it ended with {status}: {:?}", self.problem),
            None if self.problem.is_some() => End::Stopped,
            None if happened => End::Continued,
            None => End::NotReached,
        })
    }
}

impl Fault {
    /// In strace's words, at the n-th call of a thread.
    fn inject(self, call: &str, number: usize) -> String {
        let what = match self {
            Self::Eio => "error=EIO",
            Self::Enospc => "error=ENOSPC",
            Self::Kill => "signal=KILL",
        };
        format!("inject={call}:{what}:when={number}")
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Eio => "EIO",
            Self::Enospc => "ENOSPC",
            Self::Kill => "KILL",
        })
    }
}

/// Linux, signal(7).
const SIGKILL: i32 = 9;

/// Cases at a time: the machine has other things to do.
const WORKERS: usize = 2;
