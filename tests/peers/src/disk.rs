//! The real binary on a disk that fills: small file systems with a little space left, a little more each time, so that
//! it ends at every step of the write path.
//!
//! Nothing acknowledged is lost, readers are answered while it is full, a start while it is full harms nothing and says
//! why if it does not succeed, and once there is space it goes on.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use sillok_client::Level;

use crate::machine::Machine;
use crate::outside::acknowledged::Acknowledged;
use crate::outside::batch::{self, Answered};
use crate::outside::inspection::Inspection;
use crate::outside::issuance::Handed;
use crate::outside::load;
use crate::outside::writer::{Folder, Launch, Service, Writer};
use crate::peer;
use mount::{Mount, System};

mod mount;

/// A folder to begin with, and what it has promised.
struct Base {
    service: Service,
    folder: Folder,
    promised: Promised,
}

/// What clients hold.
#[derive(Clone, Default)]
struct Promised {
    acknowledged: Acknowledged,
    handed: Handed,
}

/// How one disk filled.
struct Filled {
    /// It would not even start.
    refused_at_once: bool,
    /// It started again while the disk was full.
    restarted: bool,
    acknowledged: usize,
    /// What the client was told at the end.
    told: String,
}

/// Fills every disk, or with `--quick` a few.
///
/// # Errors
/// Something was lost or contradicted, readers were not answered, or a full disk did harm; nothing can be mounted.
pub(crate) fn run(machine: &Machine, arguments: &[String]) -> Result<()> {
    let step = match arguments {
        [] => STEP,
        [quick] if quick == "--quick" => 6 * STEP,
        other => bail!("`disk` takes --quick and nothing else, not {other:?}"),
    };
    crate::under_test(machine.sillok_checked()?)?;
    let scratch = machine.scratch("disk")?;
    drop(tempfile::env::override_temp_dir(scratch.path()));
    let place = scratch.path().join("mounted");
    std::fs::create_dir(&place).with_context(|| format!("create {}", place.display()))?;
    let permitted: Vec<System> = [System::Tmpfs, System::Ext4]
        .into_iter()
        .filter(|system| match Mount::new(*system, &place, scratch.path()) {
            Ok(_mount) => true,
            Err(error) => {
                println!("peer absent: {system}: {error:#}");
                false
            }
        })
        .collect();
    if permitted.is_empty() {
        return Err(peer::absent("mount", "no small file system can be mounted here"));
    }
    let begun = Instant::now();
    println!(
        "{:<8} {:<6} {:>6} {:>15} {:>9} {:>12} told at the end",
        "service", "system", "free", "refused at once", "restarted", "acknowledged"
    );
    for service in [Service::Registry, Service::Serve] {
        let base = Base::prepare(service)?;
        for system in &permitted {
            let (step, most) = match service {
                Service::Registry => (step, MOST),
                // Each start and each credential is dearer.
                Service::Serve => (4 * step, MOST),
            };
            for free in (0..=most).step_by(step) {
                let mount = Mount::new(*system, &place, scratch.path())?;
                let filled = base.fill(&mount, free);
                let filled =
                    filled.with_context(|| format!("{service:?} on {system} with {free} bytes left"))?;
                println!(
                    "{:<8} {:<6} {:>6} {:>15} {:>9} {:>12} {}",
                    format!("{service:?}"),
                    system.to_string(),
                    free,
                    filled.refused_at_once,
                    filled.restarted,
                    filled.acknowledged,
                    filled.told
                );
            }
        }
    }
    println!("none lost, none contradicted; {} s", begun.elapsed().as_secs());
    Ok(())
}

impl Base {
    fn prepare(service: Service) -> Result<Self> {
        let folder = Folder::init();
        let mut promised = Promised::default();
        let writer = start(&folder, service)?;
        match service {
            Service::Registry => {
                load::begin_at(&folder, &writer, &mut promised.acknowledged);
                let answered = promised.ask(service, &folder, &writer, 0);
                ensure!(answered == Answered::Logged, "it does not begin: {answered:?}");
            }
            Service::Serve => {
                let answered = promised.ask(service, &folder, &writer, 0);
                ensure!(answered == Answered::Logged, "it does not begin: {answered:?}");
            }
        }
        drop(writer);
        Ok(Self { service, folder, promised })
    }

    /// Goes on until the disk is full, starts again, makes space, and goes on.
    fn fill(&self, mount: &Mount, free: usize) -> Result<Filled> {
        let folder = self.folder.copy_to(mount.place());
        let mut promised = self.promised.clone();
        mount.leave(free)?;
        let (refused_at_once, told) = match folder.try_start(&launch(self.service)) {
            Err(ended) => (true, clear(&ended.complaints)?),
            Ok(mut writer) => {
                let told = promised.ask_until_full(self.service, &folder, &writer)?;
                ensure!(writer.ended().is_none(), "it ended when the disk was full: {}", folder.complaints());
                promised.hold_what_is_public(&Inspection::of(&folder, writer.url()))?;
                (false, told)
            }
        };
        let restarted = match folder.try_start(&launch(self.service)) {
            Ok(writer) => {
                promised.hold(&Inspection::of(&folder, writer.url()))?;
                true
            }
            Err(ended) => {
                clear(&ended.complaints)?;
                promised.hold_what_is_public(&Inspection::of(&folder, folder.path()))?;
                false
            }
        };
        mount.make_space()?;
        let writer = start(&folder, self.service)?;
        let found = Inspection::of(&folder, writer.url());
        promised.hold(&found)?;
        if self.service == Service::Serve {
            promised.handed.hold(&found, writer.url());
            promised.handed.settle(writer.url(), &folder, &mut promised.acknowledged);
        }
        let acknowledged = promised.acknowledged.len();
        let answered = promised.ask(self.service, &folder, &writer, LAST);
        ensure!(answered == Answered::Logged, "it does not go on when there is space: {answered:?}");
        drop(writer);
        folder.expect_success(&["fsck", "--data", folder.path()]);
        Ok(Filled { refused_at_once, restarted, acknowledged, told })
    }
}

impl Promised {
    /// Asks for something that is new for each number.
    fn ask(&mut self, service: Service, folder: &Folder, writer: &Writer, number: u32) -> Answered {
        let acknowledged = &mut self.acknowledged;
        match service {
            Service::Registry => {
                let entries = batch::issues(number * ENTRIES, ENTRIES);
                batch::submit(folder, writer, &entries, Level::Published, None, acknowledged)
            }
            Service::Serve => {
                self.handed.ask(writer.url(), &format!("person {number}"), folder, acknowledged)
            }
        }
    }

    /// Asks until the answer is no, and then a few times more: it stays no.
    fn ask_until_full(&mut self, service: Service, folder: &Folder, writer: &Writer) -> Result<String> {
        let mut told = None;
        for number in 1..LAST {
            match (self.ask(service, folder, writer, number), &told) {
                (Answered::Logged, None) => {}
                (Answered::Logged, Some((told, _since))) => bail!("it went on after it had said {told:?}"),
                (Answered::Gone(problem), _) => bail!("no answer when the disk was full: {problem}"),
                (Answered::Refused(problem), None) => told = Some((problem, number)),
                (Answered::Refused(_problem), Some((_told, since))) if number < since + AGAIN => {}
                (Answered::Refused(_problem), Some((told, _since))) => return Ok(told.clone()),
            }
        }
        bail!("the disk did not fill")
    }

    /// An issuer answers with what is committed: while the disk is full, that may be more than is public.
    fn hold_what_is_public(&self, found: &Inspection) -> Result<()> {
        ensure!(
            !found.contradicted_so_far(&self.acknowledged),
            "what is public contradicts what was promised"
        );
        Ok(())
    }

    fn hold(&self, found: &Inspection) -> Result<()> {
        let (lost, forks) = (found.lost(&self.acknowledged), found.forks(&self.acknowledged));
        ensure!(lost.is_empty() && forks.is_empty(), "lost: {lost:?}, contradicted: {forks:?}");
        Ok(())
    }
}

fn start(folder: &Folder, service: Service) -> Result<Writer> {
    let started = folder.try_start(&launch(service));
    started.map_err(|ended| anyhow::anyhow!("it does not start: {ended:?}"))
}

fn launch(service: Service) -> Launch {
    Launch { segment_bytes: 4_096, ..Launch::new(service, 1) }
}

/// What is said of a disk that is full must name that.
fn clear(complaints: &str) -> Result<String> {
    let line = complaints.lines().find(|line| line.contains("No space left"));
    Ok(line.with_context(|| format!("a full disk is not named: {complaints:?}"))?.to_owned())
}

/// Bytes left on the disk, at most: several batches.
const MOST: usize = 160 << 10;

/// A page of a file.
const STEP: usize = 4 << 10;

/// Entries of a batch.
const ENTRIES: u32 = 10;

/// More batches than fit.
const LAST: u32 = 1_000;

/// How often it is asked after it has refused.
const AGAIN: u32 = 3;
