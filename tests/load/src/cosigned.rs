//! What witnesses cost: the same load on a log that asks nobody and on one that asks three, of which two must cosign, in
//! turns. Each witness is `sillok witness` in a process of its own, on loopback.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sillok_load::connection::Connection;
use sillok_load::flags::Flags;
use sillok_load::floor;
use sillok_load::latency::{Latencies, milliseconds};
use sillok_load::machine::Machine;
use sillok_load::process::{Process, Usage};
use sillok_load::raw_log::{self, RawLog};
use sillok_load::trial::{self, Figures, Served};
use sillok_log::note::VerifierKey;
use sillok_log::policy::Policy;

use crate::ledger::{STOP, load};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let flags = Flags::parse(arguments, &FLAGS)?;
    println!("{}", Machine::find());
    let program = raw_log::build("sillok", "sillok")?;
    let scratch = raw_log::scratch("cosigned-")?;
    let syncs = floor::sync(scratch.path(), flags.seconds("limit-seconds"))?;
    println!("limit, disk: fdatasync of 4 KiB {syncs}; a cosignature takes each witness one of them");
    let mut totals = [Total::default(), Total::default()];
    for round in 0..flags.count("rounds") {
        for (witnesses, total) in [0, WITNESSES].into_iter().zip(&mut totals) {
            let folder = scratch.path().join(format!("{round}-{witnesses}"));
            std::fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
            let trial = trial(&program, &folder, witnesses, &flags)?;
            println!("round {round}, {}: {trial}", name(witnesses));
            total.add(&trial);
        }
    }
    for (witnesses, total) in [0, WITNESSES].into_iter().zip(&totals) {
        println!("all rounds, {}: {total}", name(witnesses));
    }
    let [alone, cosigned] = &totals;
    println!(
        "ratios, with witnesses to without: acknowledged {:.2}, committed p50 {:.2} p99 {:.2}, public p50 {:.2} p99 {:.2}; \
         public after committed, p50: {:.1} ms without, {:.1} ms with",
        cosigned.acknowledged as f64 / alone.acknowledged.max(1) as f64,
        ratio(cosigned.committed.p50(), alone.committed.p50()),
        ratio(cosigned.committed.p99(), alone.committed.p99()),
        ratio(cosigned.public.p50(), alone.public.p50()),
        ratio(cosigned.public.p99(), alone.public.p99()),
        milliseconds(alone.public.p50().saturating_sub(alone.committed.p50())),
        milliseconds(cosigned.public.p50().saturating_sub(cosigned.committed.p50()))
    );
    Ok(())
}

/// One load on a new log.
fn trial(program: &Path, folder: &Path, witnesses: usize, flags: &Flags) -> Result<Trial> {
    let log = RawLog::make(program, folder)?;
    let asked = (0..witnesses).map(|number| Witness::start(program, folder, number, log.key()));
    let asked = asked.collect::<Result<Vec<_>>>()?;
    let policy = policy(&asked);
    let path = folder.join("policy");
    std::fs::write(&path, &policy).context("write the policy")?;
    let path = path.to_str().context("a path in UTF-8")?;
    let serving = log.start(&[], &[("policy", path)])?;
    let load = load(&serving, flags);
    let served = Served { public: serving.public, key: log.key().clone(), process: serving.process.id() };
    let before = asked.iter().map(Witness::usage).collect::<Result<Vec<_>>>()?;
    let figures = trial::run(&served, load)?;
    let after = asked.iter().map(Witness::usage).collect::<Result<Vec<_>>>()?;
    let policy = Policy::parse(policy.as_bytes()).context("parse the policy")?;
    let answer = Connection::new(serving.public, ANSWER).get("/checkpoint")?;
    let note = std::str::from_utf8(&answer.body).context("the checkpoint is text")?;
    policy
        .witnessed(note)
        .with_context(|| format!("the public checkpoint does not meet the policy: {note}"))?;
    serving.process.stop(STOP)?;
    for witness in asked {
        witness.process.stop(STOP)?;
    }
    let witnesses_cpu = after.iter().zip(&before).map(|(after, before)| after.since(before).cpu()).sum();
    Ok(Trial { figures, witnesses_cpu })
}

/// A witness that follows the log.
struct Witness {
    process: Process,
    key: String,
    url: String,
}

impl Witness {
    fn start(program: &Path, folder: &Path, number: usize, log: &VerifierKey) -> Result<Self> {
        let data: PathBuf = folder.join(format!("witness-{number}"));
        let witness = |arguments: &[&OsStr]| {
            let mut command = Command::new(program);
            command.arg("witness").args(arguments).arg("--data").arg(&data);
            command
        };
        let (name, log) = (format!("w{number}.example"), log.to_string());
        let init = said(witness(&["init".as_ref(), "--name".as_ref(), name.as_ref()]))?;
        said(witness(&["add-log".as_ref(), log.as_ref()]))?;
        let mut serve = witness(&["--listen".as_ref(), "127.0.0.1:0".as_ref()]);
        // What it tells of itself is no part of a measurement.
        serve.stderr(Stdio::null());
        let process = Process::start(serve, "listening on", PATIENCE)?;
        let address = process.address(0).with_context(|| format!("no address in {:?}", process.line()))?;
        Ok(Self { process, key: init.trim().to_owned(), url: format!("http://{address}") })
    }

    fn usage(&self) -> Result<Usage> {
        Ok(self.process.usage()?)
    }
}

/// What a command says that must succeed.
fn said(mut command: Command) -> Result<String> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {complained}", output.status);
    String::from_utf8(output.stdout).context("what it says is text")
}

/// Two of those that are asked, or nobody.
fn policy(witnesses: &[Witness]) -> String {
    if witnesses.is_empty() {
        return "quorum none\n".into();
    }
    let lines = witnesses.iter().enumerate();
    let lines: String =
        lines.map(|(n, witness)| format!("witness w{n} {} {}\n", witness.key, witness.url)).collect();
    let names: String = (0..witnesses.len()).map(|number| format!(" w{number}")).collect();
    format!("{lines}group some {QUORUM}{names}\nquorum some\n")
}

fn name(witnesses: usize) -> String {
    match witnesses {
        0 => "no witness".into(),
        witnesses => format!("{QUORUM} of {witnesses} witnesses"),
    }
}

/// What one load showed.
struct Trial {
    figures: Figures,
    /// Processor time of all witnesses together.
    witnesses_cpu: Duration,
}

impl std::fmt::Display for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Figures { outcome, published, usage, .. } = &self.figures;
        write!(
            f,
            "{:.0}/s ({}); committed {}; public {published}; CPU {:.2} s of the log, {:.2} s of the witnesses",
            outcome.goodput(),
            outcome.mix(),
            outcome.latency,
            usage.cpu().as_secs_f64(),
            self.witnesses_cpu.as_secs_f64()
        )
    }
}

/// All loads of a kind.
#[derive(Default)]
struct Total {
    acknowledged: usize,
    committed: Latencies,
    public: Latencies,
}

impl Total {
    fn add(&mut self, trial: &Trial) {
        self.acknowledged += trial.figures.outcome.acknowledged.len();
        self.committed.merge(&trial.figures.outcome.latency);
        self.public.merge(&trial.figures.published);
    }
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { acknowledged, committed, public } = self;
        write!(f, "acknowledged {acknowledged}; to committed {committed}; to a public checkpoint {public}")
    }
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(1e-9)
}

/// Name and default. A rate of 0 is a closed loop.
const FLAGS: [(&str, f64); 6] = [
    ("seconds", 4.0),
    ("rounds", 2.0),
    ("rate", 2_000.0),
    ("bytes", 120.0),
    ("connections", 64.0),
    ("limit-seconds", 1.0),
];

/// That are asked.
const WITNESSES: usize = 3;

/// That must cosign.
const QUORUM: usize = 2;

/// A witness opens one small file.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the last look at the checkpoint may take.
const ANSWER: Duration = Duration::from_secs(10);
