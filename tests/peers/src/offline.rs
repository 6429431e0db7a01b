//! Offline means offline: a thousand verifications by the real binary under strace. None opens a socket, none opens a file for
//! anything but reading, none writes but to standard output and standard error, and each ends as its vector says.
//!
//! What is looked for is found: the same is traced where a file is written and where an address is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::machine::Machine;
use crate::peer;
use scene::Scene;
use trace::Trace;

mod scene;
mod trace;

/// # Errors
/// A verification touched what it must not, or ended otherwise; strace is absent.
pub(crate) fn run(machine: &Machine, arguments: &[String]) -> Result<()> {
    ensure!(arguments.is_empty(), "`offline` takes no argument, not {arguments:?}");
    let strace = peer::debian("strace", "strace")?;
    // In some containers nobody may trace.
    let traced = Command::new(&strace).args(["-qq", "-e", "trace=none", "true"]).output()?;
    if !traced.status.success() {
        return Err(peer::absent("strace", String::from_utf8_lossy(&traced.stderr).trim()));
    }
    let program = machine.sillok_checked()?;
    let scratch = machine.scratch("offline-")?;
    let tracing = Tracing { strace, program, log: scratch.path().join("trace") };
    tracing.finds_what_it_looks_for(machine, scratch.path())?;

    let scenes = scene::all(machine.root(), scratch.path())?;
    let begun = Instant::now();
    let mut tally = Tally::default();
    while tally.verifications < VERIFICATIONS {
        for scene in &scenes {
            tally.add(scene, &tracing.verify(scene)?);
        }
    }
    tally.print(scenes.len(), begun);
    let shown = tally.wrong.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n  ");
    ensure!(tally.wrong.is_empty(), "{} findings:\n  {shown}", tally.wrong.len());
    ensure!(tally.ends.len() == 3, "not all three verdicts were seen");
    Ok(())
}

struct Tracing {
    strace: PathBuf,
    program: PathBuf,
    log: PathBuf,
}

/// A process that has ended, and what it did.
struct Run {
    code: Option<i32>,
    trace: Trace,
}

impl Tracing {
    fn verify(&self, scene: &Scene) -> Result<Run> {
        self.run(&scene.arguments)
    }

    fn run(&self, arguments: &[std::ffi::OsString]) -> Result<Run> {
        let mut command = Command::new(&self.strace);
        command.args(["-f", "-qq", "-y", "-s", "256", "-e", trace::WHAT, "-o"]).arg(&self.log);
        command.arg(&self.program).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().context("start strace")?;
        Ok(Run { code: status.code(), trace: Trace::read(&self.log)? })
    }

    /// Memory is written where it is asked for, and an auditor asks an address: both must be seen.
    fn finds_what_it_looks_for(&self, machine: &Machine, scratch: &Path) -> Result<()> {
        let mut scenes = scene::all(machine.root(), scratch)?.into_iter();
        let mut scene = scenes.find(|scene| scene.code == 0).context("no vector is valid")?;
        let memory = scratch.join("memory");
        scene.arguments.splice(1..1, ["--memory".into(), memory.clone().into()]);
        let written = self.verify(&scene)?.trace.findings();
        ensure!(memory.is_file(), "no memory was written");
        ensure!(written.iter().any(|found| found.contains("memory")), "a file that was written is not found");
        let asked =
            self.run(&["audit", "--vkey", KEY, "http://127.0.0.1:9"].map(Into::into))?.trace.findings();
        ensure!(asked.iter().any(|found| found.contains("socket(")), "a socket is not found");
        println!(
            "offline: a written file is found ({} findings), and a socket ({})",
            written.len(),
            asked.len()
        );
        Ok(())
    }
}

#[derive(Default)]
struct Tally {
    verifications: usize,
    /// How often each exit code was seen.
    ends: BTreeMap<i32, usize>,
    /// Files that were opened and do not belong to the evidence.
    opened: BTreeSet<String>,
    calls: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, scene: &Scene, run: &Run) {
        self.verifications += 1;
        *self.ends.entry(run.code.unwrap_or(-1)).or_default() += 1;
        if run.code != Some(scene.code) {
            self.wrong.push(format!("{} ends with {:?} and not {}", scene.name, run.code, scene.code));
        }
        self.calls += run.trace.calls();
        self.wrong.extend(run.trace.findings().into_iter().map(|found| format!("{}: {found}", scene.name)));
        let foreign = run.trace.opened().filter(|path| !scene.is_evidence(path));
        self.opened.extend(foreign.map(String::from));
    }

    fn print(&self, scenes: usize, begun: Instant) {
        let ends = |code: i32| self.ends.get(&code).copied().unwrap_or_default();
        println!(
            "offline: {} verifications of {scenes} vectors: {} valid, {} not valid, {} cannot be told",
            self.verifications,
            ends(0),
            ends(1),
            ends(2)
        );
        println!("offline: {} calls traced, {} findings", self.calls, self.wrong.len());
        println!(
            "offline: opened besides the evidence, to read: {}",
            Vec::from_iter(self.opened.clone()).join(" ")
        );
        println!("offline: {} s", begun.elapsed().as_secs());
    }
}

/// Findings that are shown.
const SHOWN: usize = 10;

/// At least.
const VERIFICATIONS: usize = 1_000;

/// Any: the example of C2SP signed-note. Nobody listens where it is used.
const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
