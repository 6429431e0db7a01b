//! Losses of power. Real programs are recorded call by call; then the disk is rebuilt as it may look when the power goes
//! at some moment: what was synchronised before it, and of everything else whatever chance leaves. What is left is opened
//! with the real code and held against what clients had been told by then.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use fastrand::Rng;

use crate::machine::Machine;
use crate::peer;
use judge::Outlived;
use loss::{Loss, Names};
use recording::{Programs, Recording};

mod binary;
mod client;
mod disk;
mod judge;
mod loss;
mod promise;
mod record;
mod recording;
mod register;
mod trace;

/// `[--seeds N] [--quick] [--seed N]`.
pub(crate) fn run(machine: &Machine, arguments: &[String]) -> Result<()> {
    if let Some((first, rest)) = arguments.split_first()
        && first == register::WRITE
    {
        return register::write(rest);
    }
    let plan = Plan::read(arguments)?;
    let strace = peer::debian("strace", "strace")?;
    let sillok = machine.sillok()?;
    let own = std::env::current_exe().context("find this program")?;
    let programs = Programs { strace: &strace, sillok: &sillok, own: &own };
    let scratch = scratch(machine)?;
    let begun = Instant::now();
    let recordings = recording::make_all(&programs, &scratch)?;
    for Recording { name, record, promises, .. } in &recordings {
        let (calls, promises) = (record.operations.len(), promises.len());
        println!("{name}: {calls} operations on {} files, {promises} promises", record.inodes.len());
    }
    println!("recorded in {:.1} s", begun.elapsed().as_secs_f64());
    let trial = Trial { recordings: &recordings, sillok: &sillok, scratch: &scratch };
    if plan.only.is_none() {
        trial.control(&plan)?;
    }
    let begun = Instant::now();
    let failures = trial.all(&plan);
    println!("{:.1} s for all seeds", begun.elapsed().as_secs_f64());
    if failures == 0 {
        std::fs::remove_dir_all(&scratch).context("remove the scratch folder")?;
    }
    ensure!(failures == 0, "{failures} losses of power were not survived");
    Ok(())
}

/// What is tried.
struct Plan {
    seeds: std::ops::Range<u64>,
    only: Option<u64>,
    /// One seed in so many is judged with the real program too.
    binary_every: u64,
    control_seeds: u64,
}

impl Plan {
    fn read(arguments: &[String]) -> Result<Self> {
        let mut plan =
            Self { seeds: 0..SEEDS, only: None, binary_every: BINARY_EVERY, control_seeds: CONTROL_SEEDS };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = || -> Result<u64> {
                let value = arguments.next().with_context(|| format!("{argument} takes a number"))?;
                value.parse().with_context(|| format!("{argument} {value}"))
            };
            match argument.as_str() {
                "--seeds" => plan.seeds = 0..number()?,
                "--quick" => (plan.seeds, plan.control_seeds) = (0..QUICK_SEEDS, QUICK_CONTROL_SEEDS),
                "--seed" => {
                    let seed = number()?;
                    (plan.seeds, plan.only) = (seed..seed + 1, Some(seed));
                }
                other => bail!("unknown argument {other}; peers power [--seeds N] [--quick] [--seed N]"),
            }
        }
        Ok(plan)
    }
}

/// Memory if there is any: thousands of disks are written.
fn scratch(machine: &Machine) -> Result<PathBuf> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_path_buf() } else { machine.target().join("peers") };
    let folder = folder.join(format!("sillok-power-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    Ok(folder)
}

struct Trial<'a> {
    recordings: &'a [Recording],
    sillok: &'a Path,
    scratch: &'a Path,
}

/// What became of some seeds.
#[derive(Default)]
struct Tally {
    whole: AtomicU64,
    not_begun: AtomicU64,
    with_losses: AtomicU64,
    with_program: AtomicU64,
    failures: AtomicU64,
    /// For each recording.
    first_failures: Mutex<Vec<String>>,
}

impl Trial<'_> {
    /// All seeds with an honest disk. How many were not survived.
    fn all(&self, plan: &Plan) -> u64 {
        let tally = self.many(plan.seeds.clone(), None, Some(plan.binary_every));
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        println!(
            "{} of {} disks were whole, {} had no log yet; {} had lost something; {} were opened by the program too",
            count(&tally.whole),
            plan.seeds.end - plan.seeds.start,
            count(&tally.not_begun),
            count(&tally.with_losses),
            count(&tally.with_program),
        );
        count(&tally.failures)
    }

    /// Shows that losses are seen: disks that lie about one kind of synchronisation.
    fn control(&self, plan: &Plan) -> Result<()> {
        for (what, lie) in LIES {
            let tally = self.many(0..plan.control_seeds, Some(lie), None);
            let failures = tally.failures.load(Ordering::Relaxed);
            let first = tally.first_failures.lock().ok().and_then(|first| first.first().cloned());
            println!(
                "control, a disk that lies about {what}: {failures} of {} not survived, such as {}",
                plan.control_seeds,
                first.as_deref().unwrap_or("none"),
            );
            ensure!(failures > 0, "a disk that lies about {what} is not noticed");
        }
        Ok(())
    }

    fn many(
        &self,
        seeds: std::ops::Range<u64>,
        lies: Option<&'static str>,
        binary_every: Option<u64>,
    ) -> Tally {
        let (tally, next) = (Tally::default(), AtomicU64::new(seeds.start));
        std::thread::scope(|scope| {
            for worker in 0..WORKERS {
                let (tally, next, seeds) = (&tally, &next, &seeds);
                scope.spawn(move || {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if !seeds.contains(&seed) {
                            return;
                        }
                        self.one(seed, worker, lies, binary_every, tally);
                    }
                });
            }
        });
        tally
    }

    fn one(
        &self,
        seed: u64,
        worker: usize,
        lies: Option<&'static str>,
        binary_every: Option<u64>,
        tally: &Tally,
    ) {
        let mut random = Rng::with_seed(seed);
        let recording = &self.recordings[seed as usize % self.recordings.len()];
        let loss = draw(recording, lies, &mut random);
        let disk = loss.strike(&recording.record, &mut random);
        let until = recording.promises.partition_point(|(at, _promise)| *at <= loss.cut);
        let promises = recording.promises.get(..until).unwrap_or_default();
        let root = self.scratch.join(format!("worker-{worker}"));
        let fresh = || restore(&disk, &root);
        let mut outcome = fresh().and_then(|()| judge::judge(recording, promises, &root));
        let numbered = seed / self.recordings.len() as u64;
        if outcome.is_ok()
            && recording.log.is_some()
            && binary_every.is_some_and(|every| numbered.is_multiple_of(every))
        {
            tally.with_program.fetch_add(1, Ordering::Relaxed);
            let judged = fresh().and_then(|()| binary::judge(self.sillok, recording, promises, &root));
            outcome = judged.context("with the program").and(outcome);
        }
        if !disk.lost.is_empty() {
            tally.with_losses.fetch_add(1, Ordering::Relaxed);
        }
        match outcome {
            Ok(Outlived::Whole) => drop(tally.whole.fetch_add(1, Ordering::Relaxed)),
            Ok(Outlived::NotBegun) => drop(tally.not_begun.fetch_add(1, Ordering::Relaxed)),
            Err(error) => {
                tally.failures.fetch_add(1, Ordering::Relaxed);
                let said = format!("{} with seed {seed}: {error:#}", recording.name);
                if lies.is_none() {
                    self.tell(seed, &loss, &disk, recording, &said);
                }
                if let Ok(mut first) = tally.first_failures.lock() {
                    first.push(said);
                }
            }
        }
    }

    fn tell(&self, seed: u64, loss: &Loss, disk: &loss::Disk, recording: &Recording, said: &str) {
        println!("NOT SURVIVED: {said}");
        let Loss { cut, names, sector, keep, .. } = loss;
        println!(
            "  power goes at line {cut} of {}; names {names:?}, sectors of {sector}, {keep:.2} kept",
            recording.record.lines
        );
        for lost in &disk.lost {
            println!("  lost: {lost}");
        }
        // As it was before anybody opened it.
        let kept = self.scratch.join(format!("seed-{seed}"));
        match restore(disk, &kept) {
            Ok(()) => println!("  kept: {}", kept.display()),
            Err(error) => println!("  not kept: {error:#}"),
        }
    }
}

fn restore(disk: &loss::Disk, root: &Path) -> Result<()> {
    if root.exists() {
        std::fs::remove_dir_all(root)?;
    }
    std::fs::create_dir(root)?;
    disk.restore(root)
}

/// Where the power goes, and how much is lost.
fn draw(recording: &Recording, lies: Option<&'static str>, random: &mut Rng) -> Loss {
    let operations = &recording.record.operations;
    let cut = match random.u8(0..10) {
        // As somebody may first rely on it.
        0..=3 if !recording.promises.is_empty() => {
            let (at, _promise) = &recording.promises[random.usize(..recording.promises.len())];
            *at
        }
        // Right before or after something that counts.
        0..=8 => {
            let counts: Vec<&disk::Operation> =
                operations.iter().filter(|operation| operation.counts()).collect();
            let operation = counts[random.usize(..counts.len())];
            if random.bool() { operation.end } else { operation.start }
        }
        _anywhere => random.usize(..recording.record.lines),
    };
    let keep = match random.u8(0..4) {
        0 => 0.0,
        1 => 0.5,
        2 => 1.0,
        _any => random.f64(),
    };
    Loss {
        cut,
        names: if random.bool() { Names::InOrder } else { Names::Any },
        sector: if random.bool() { 512 } else { 4_096 },
        keep,
        lies,
    }
}

/// What a disk lies about, and the part of a path that tells it.
const LIES: [(&str, &str); 6] = [
    ("segments", "/wal/"),
    ("the head", "data.head"),
    ("the journal", "/journal/"),
    ("subjects' keys", "r/subjects"),
    ("leases of slots", "r/lists"),
    ("names in folders", loss::FOLDERS),
];

const SEEDS: u64 = 3_000;
const QUICK_SEEDS: u64 = 240;

/// For each lie, over all recordings.
const CONTROL_SEEDS: u64 = 120;
const QUICK_CONTROL_SEEDS: u64 = 60;

/// Of the seeds of a recording.
const BINARY_EVERY: u64 = 20;

const WORKERS: usize = 2;
